"""Products of all pairs of points of a space, in float32 and in tiles, and the neighbours and ranks that they tell."""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vae_geometry.geometry import _kernels as kernels
from vae_geometry.geometry._spaces import Space, slices


@dataclass(frozen=True)
class Products:
    """Minus twice the products of a stripe of rows with all points.

    Attributes
    ----------
    space : Space
    parts : list of slice
        Runs of points: a tile has a row for each point of one part and a column for each of another.
    stripe : list of slice
        The parts whose rows are here.
    tiles : dict of float32 arrays
        By first row and first column. Where all rows are here, there are only those on and above the diagonal.
    """

    space: Space
    parts: list[slice]
    stripe: list[slice]
    tiles: dict[tuple[int, int], NDArray[np.float32]]

    def find_nearest(
        self,
        indices: NDArray[np.int64],
        distances: NDArray[np.float64],
        buffers: NDArray[np.float32],
        pool: Executor,
    ) -> None:
        """Find the nearest neighbours of the points of these rows.

        Parameters
        ----------
        indices, distances : (n_points, n_neighbours) int64 and float64 arrays
            To be filled in these rows: the nearest first, the lowest index first among equally near ones.
        buffers, pool
            See ``_for_blocks``.
        """
        space, n_neighbours = self.space, indices.shape[1]

        def find(rows: slice, values: NDArray[np.float32]) -> None:
            reached = np.empty(len(values), np.float32)
            kernels.smallest(values, n_neighbours, reached)
            _, high = space.cuts(rows, reached)
            squared = np.empty((len(values), n_neighbours))
            kernels.nearest(space.cloud, rows.start, values, high, indices[rows], squared)
            distances[rows] = np.sqrt(squared) / space.cloud.scale

        self._for_blocks(find, buffers, pool)

    def rank(
        self,
        targets: NDArray[np.int64],
        ranks: NDArray[np.int32],
        tied: NDArray[np.bool_],
        buffers: NDArray[np.float32],
        pool: Executor,
    ) -> None:
        """Rank some points among all others by their distance from the points of these rows.

        Parameters
        ----------
        targets : (n_targets, n_points) int64 array
            Points to rank as seen from each point.
        ranks, tied : (n_targets, n_points) int32 and bool arrays
            To be filled in these rows with 1 + the number of points strictly nearer than the target, and with whether
            another point is exactly as near.
        buffers, pool
            See ``_for_blocks``.
        """
        space = self.space

        def rank(rows: slice, values: NDArray[np.float32]) -> None:
            low, high = space.cuts(rows, values[np.arange(len(values)), targets[:, rows]])
            kernels.rank(space.cloud, rows.start, values, low, high, targets[:, rows], ranks[:, rows], tied[:, rows])

        self._for_blocks(rank, buffers, pool)

    def _for_blocks(
        self, work: Callable[[slice, NDArray[np.float32]], None], buffers: NDArray[np.float32], pool: Executor
    ) -> None:
        """Work on all rows, block by block.

        Parameters
        ----------
        work : function
            Takes the rows of a block and their values v_ij (n_rows, n_points), see ``_spaces.py``, with infinity
            where i is j.
        buffers : (n_threads, block_rows, n_points) float32 array
            For the values.
        pool : Executor
            As many threads as there are buffers.
        """
        norms = self.space.squared_norms.astype(np.float32)
        blocks = [
            (part, slice(part.start + block.start, part.start + block.stop))
            for part in self.stripe
            for block in slices(part.stop - part.start, buffers.shape[1])
        ]

        def work_through(thread: int) -> None:
            for part, rows in blocks[thread :: len(buffers)]:
                values = buffers[thread, : rows.stop - rows.start]
                self._fill_in(part, rows, norms, values)
                work(rows, values)

        list(pool.map(work_through, range(len(buffers))))

    def _fill_in(self, own: slice, rows: slice, norms: NDArray[np.float32], out: NDArray[np.float32]) -> None:
        """Compute the values of some rows of the part ``own``."""
        inside = slice(rows.start - own.start, rows.stop - own.start)
        for part in self.parts:
            if (own.start, part.start) in self.tiles:
                tile = self.tiles[own.start, part.start][inside]
            else:
                tile = self.tiles[part.start, own.start][:, inside].T
            np.add(tile, norms[part], out=out[:, part])
        out[np.arange(len(out)), np.arange(rows.start, rows.stop)] = np.inf


def all_products(space: Space, parts: list[slice], n_at_once: int, device: str, pool: Executor) -> Iterator[Products]:
    """Compute the products of all pairs of points of a space, and yield one stripe of rows after the other.

    Parameters
    ----------
    space : Space
    parts : list of slice
        As in ``Products``.
    n_at_once : int
        Parts in a stripe.
    device : str
        ``cpu`` for BLAS on the processor; else a device of torch.
    pool : Executor
        Threads of the processor.
    """
    for start in range(0, len(parts), n_at_once):
        yield _multiply(space, parts, parts[start : start + n_at_once], device, pool)


def _multiply(space: Space, parts: list[slice], stripe: list[slice], device: str, pool: Executor) -> Products:
    symmetric = len(stripe) == len(parts)
    places = [(p, q) for p in stripe for q in parts if not symmetric or p.start <= q.start]
    accumulator = _OnProcessor(places) if device == "cpu" else _OnDevice(places, device)
    for panel in space.panels(pool):
        accumulator.add(panel)
    corners = [(p.start, q.start) for p, q in places]
    return Products(space, parts, stripe, dict(zip(corners, accumulator.tiles(pool), strict=True)))


class _OnProcessor:
    """Sums products with BLAS. It reads arrays column by column, and so sees each of ours transposed."""

    def __init__(self, places: list[tuple[slice, slice]]) -> None:
        self._places = places
        # Not zeros: numpy requests huge pages only where it leaves memory as it is, and page faults cost a tenth.
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
        """The sums, one for each place, once all panels were added."""
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
        """Subtract twice the products of the panel's rows."""
        points = self._torch.from_numpy(panel).to(self._device)
        for tile, (p, q) in zip(self._tiles, self._places, strict=True):
            tile.addmm_(points[p], points[q].T, alpha=-2)

    def tiles(self, pool: Executor) -> list[NDArray[np.float32]]:
        """The sums, one for each place, once all panels were added."""
        return list(pool.map(lambda tile: tile.cpu().numpy(), self._tiles))


def _mirror(square: NDArray[np.float32]) -> None:
    """Copy what lies above the diagonal to below it."""
    for strip in slices(len(square), 64):
        square[strip, : strip.start] = square[: strip.start, strip].T
        corner = square[strip, strip]
        corner[:] = np.triu(corner) + np.triu(corner, 1).T
