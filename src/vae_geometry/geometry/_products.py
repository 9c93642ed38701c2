"""Products of all pairs of points of a space, in float32 and in tiles."""

from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vae_geometry.geometry._spaces import CHUNK, Space, slices

PREPARED_ROWS = 256  # of one chunk, by one thread at a time


@dataclass(frozen=True)
class Products:
    """Minus twice the products of a stripe of rows with all points.

    Attributes
    ----------
    space : Space
    parts : list of slice
        Runs of points: a tile has a row for each point of one part and a column for each point of another.
    stripe : list of slice
        The parts whose rows are here.
    tiles : dict of float32 arrays
        By first row and first column. Where all rows are here, there are only those on and above the diagonal.
    """

    space: Space
    parts: list[slice]
    stripe: list[slice]
    tiles: dict[tuple[int, int], NDArray[np.float32]]

    def blocks(self, size: int) -> list[slice]:
        """Rows to work on at once, at most ``size``."""
        return [
            slice(part.start + block.start, part.start + block.stop)
            for part in self.stripe
            for block in slices(part.stop - part.start, size)
        ]

    def values(self, rows: slice, out: NDArray[np.float32]) -> None:
        """Fill in v_ij (see ``spaces.py``) of the rows i of one block and of all points j; infinite where i is j."""
        norms = self.space.squared_norms.astype(np.float32)
        own = next(part for part in self.stripe if part.start <= rows.start < part.stop)
        inside = slice(rows.start - own.start, rows.stop - own.start)
        for part in self.parts:
            if (own.start, part.start) in self.tiles:
                tile = self.tiles[own.start, part.start][inside]
            else:
                tile = self.tiles[part.start, own.start][:, inside].T
            np.add(tile, norms[part], out=out[:, part])
        out[np.arange(len(out)), np.arange(rows.start, rows.stop)] = np.inf


def multiply(space: Space, parts: list[slice], stripe: list[slice], device: str, pool: Executor) -> Products:
    """Compute the products of a stripe, and on the way what the space has yet to learn.

    Parameters
    ----------
    space : Space
    parts, stripe : list of slice
        As in ``Products``.
    device : str
        ``cpu`` for BLAS on the processor; else a device of torch.
    pool : Executor
        Threads that prepare the points.
    """
    n_points, n_dimensions = space.points.shape
    symmetric = len(stripe) == len(parts)
    places = [(p, q) for p in stripe for q in parts if not symmetric or p.start <= q.start]
    accumulator = _OnProcessor(places) if device == "cpu" else _OnDevice(places, device)
    panel = np.empty(n_points * min(CHUNK, n_dimensions), np.float32)
    squared_norms = np.zeros(n_points)

    for chunk in slices(n_dimensions, CHUNK):
        width = chunk.stop - chunk.start
        prepared = panel[: n_points * width].reshape(n_points, width)
        waiting = [
            pool.submit(space.prepare, rows, chunk, prepared[rows], squared_norms[rows])
            for rows in slices(n_points, PREPARED_ROWS)
        ]
        for part in waiting:
            part.result()
        accumulator.add(prepared)
    if space.norms is None:
        space.learn(squared_norms)
    tiles = accumulator.tiles(pool)
    return Products(
        space, parts, stripe, {(p.start, q.start): tile for (p, q), tile in zip(places, tiles, strict=True)}
    )


class _OnProcessor:
    """Sums products with BLAS. It reads arrays column by column, and so sees each of ours transposed."""

    def __init__(self, places: list[tuple[slice, slice]]) -> None:
        self._places = places
        # Not zeros: numpy asks for huge pages only where it leaves memory as it is, and page faults cost a tenth.
        self._tiles = [np.empty((p.stop - p.start, q.stop - q.start), np.float32) for p, q in places]
        self._beta = 0  # BLAS then overwrites what the tiles hold

    def add(self, panel: NDArray[np.float32]) -> None:
        """Subtract twice the products of the panel's rows; in tiles on the diagonal only above it."""
        from scipy.linalg.blas import sgemm, ssyrk

        for tile, (p, q) in zip(self._tiles, self._places, strict=True):
            if p == q:
                ssyrk(-2, panel[p].T, beta=self._beta, c=tile.T, trans=1, lower=1, overwrite_c=1)
            else:
                sgemm(-2, panel[q].T, panel[p].T, self._beta, tile.T, trans_a=1, overwrite_c=1)
        self._beta = 1

    def tiles(self, pool: Executor) -> list[NDArray[np.float32]]:
        on_diagonal = [tile for tile, (p, q) in zip(self._tiles, self._places, strict=True) if p == q]
        list(pool.map(_mirror, on_diagonal))
        return self._tiles


class _OnDevice:
    """Sums products with torch, in full single precision."""

    def __init__(self, places: list[tuple[slice, slice]], device: str) -> None:
        import torch

        torch.backends.cuda.matmul.allow_tf32 = False  # its 10 bits of mantissa would break the bound
        self._torch, self._device, self._places = torch, device, places
        self._tiles = [torch.zeros((p.stop - p.start, q.stop - q.start), device=device) for p, q in places]

    def add(self, panel: NDArray[np.float32]) -> None:
        points = self._torch.from_numpy(panel).to(self._device)
        for tile, (p, q) in zip(self._tiles, self._places, strict=True):
            tile.addmm_(points[p], points[q].T, alpha=-2)

    def tiles(self, pool: Executor) -> list[NDArray[np.float32]]:
        return list(pool.map(lambda tile: tile.cpu().numpy(), self._tiles))


def _mirror(square: NDArray[np.float32]) -> None:
    """Copy what lies above the diagonal to below it."""
    for strip in slices(len(square), 64):
        square[strip, : strip.start] = square[: strip.start, strip].T
        corner = square[strip, strip]
        corner[:] = np.triu(corner) + np.triu(corner, 1).T
