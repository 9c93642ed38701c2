"""Nearest neighbours in several spaces at once, and the ranks that the information imbalance needs.

All spaces hold the same points in the same order. Float32 products (``spaces.py``) say which points are surely
nearer than another one and which are surely farther; the few in between are compared by their float64 distances, by
direct difference, so that the result is that of float64 throughout, whatever the block size or number of threads.

Ties: a point ranks 1 + the number of points *strictly* nearer; a point is never its own neighbour; among equally
near nearest neighbours the one with the lowest index counts.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vae_geometry import VaeGeometryError
from vae_geometry.products import Products, multiply
from vae_geometry.spaces import CHUNK, Space, slices

BLOCK_BYTES = 2**20  # of float32 values that are compared at once: they stay in cache, yet steps are long
SOURCES_AT_ONCE = 11  # compared in one step; threads that often meet at Python's lock wait for one another
TILE = 2560  # rows: large enough for a fast product


@dataclass(frozen=True)
class Neighbours:
    """What the estimators need to know about the distances in each of ``n_spaces`` spaces.

    Attributes
    ----------
    indices : (n_spaces, n_points, n_neighbours) int64 array
        Nearest neighbours of each point, the nearest first.
    distances : (n_spaces, n_points, n_neighbours) float64 array
        Euclidean distances to them, in the units of the space.
    ranks : (n_spaces, n_spaces, n_points) int32 array
        ``ranks[a, b, i]`` is the rank in space b, starting at 1, of point i's nearest neighbour in space a.
    ties : (n_spaces, n_spaces) int64 array
        ``ties[a, b]`` counts the points i with another point exactly as near in b as i's nearest neighbour in a.
    """

    indices: NDArray[np.int64]
    distances: NDArray[np.float64]
    ranks: NDArray[np.int32]
    ties: NDArray[np.int64]


def find_neighbours(
    spaces: Sequence[NDArray], n_neighbours: int = 2, threads: int = 1, memory_mb: int = 2000, device: str = "cpu"
) -> Neighbours:
    """Find the nearest neighbours of each point in each space, and their ranks in every other space.

    The products of as many spaces as fit in memory are kept from the search for the neighbours to the counting of
    the ranks; those of the others are computed twice.

    Parameters
    ----------
    spaces : sequence of (n_points, n_dimensions) float arrays
        Arrays or memory-mapped files of any number of dimensions and the same number of points, at least 3.
    n_neighbours : int
        Neighbours to find, at least 2.
    threads : int
        Threads of the processor to use.
    memory_mb : int
        Memory to work with, in megabytes, the spaces themselves not counted.
    device : str
        Where products are computed: ``cpu``, or a device of torch such as ``cuda``.

    Raises
    ------
    ValueError
        If the spaces differ in their number of points, hold fewer than 3 or not more than ``n_neighbours``, or hold
        a coordinate that is not finite.
    VaeGeometryError
        If ``memory_mb`` is too little.
    """
    from threadpoolctl import threadpool_limits

    n_points, n_spaces = len(spaces[0]), len(spaces)
    if any(len(space) != n_points for space in spaces) or n_points < 3:
        raise ValueError("spaces must hold the same points, at least 3")
    if not 2 <= n_neighbours < n_points:
        raise ValueError(f"n_neighbours must lie in 2 .. {n_points - 1}, not be {n_neighbours}")
    result = Neighbours(
        indices=np.empty((n_spaces, n_points, n_neighbours), np.int64),
        distances=np.empty((n_spaces, n_points, n_neighbours)),
        ranks=np.ones((n_spaces, n_spaces, n_points), np.int32),
        ties=np.zeros((n_spaces, n_spaces), np.int64),
    )
    tied = np.empty((n_spaces, n_points), bool)
    plan = _plan(n_points, n_spaces, threads, memory_mb)
    n_rows = max(1, BLOCK_BYTES // (4 * n_points))
    buffers = [_Buffers(n_rows, n_points, min(n_spaces, SOURCES_AT_ONCE)) for _ in range(threads)]
    with threadpool_limits(threads, user_api="blas"), ThreadPoolExecutor(threads) as pool:
        opened, kept = [], {}
        for s, points in enumerate(spaces):
            space = Space(points, pool)
            opened.append(space)
            for products in _all_products(space, plan, device, pool):
                _search(products, s, result, tied, buffers, pool)
                if len(kept) < plan.n_kept:
                    kept[s] = products
                del products  # before the next ones are made
            space.release()
        for s, space in enumerate(opened):
            again = [kept.pop(s)] if s in kept else _all_products(space, plan, device, pool)
            for products in again:
                _rank(products, s, result, tied, buffers, pool)
                del products
            space.release()
    return result


@dataclass(frozen=True)
class _Plan:
    """How the products of one space are cut, and of how many spaces they are kept."""

    parts: list[slice]
    stripe: int  # parts whose products are in memory at once
    n_kept: int


def _plan(n_points: int, n_spaces: int, threads: int, memory_mb: int) -> _Plan:
    """Keep the products of all spaces, of some, of one at a time, or only a stripe of rows at a time.

    All products of a space fill a triangle of tiles. A stripe is a rectangle: half of its products are computed twice.
    """
    size = -(-n_points // -(-n_points // TILE))
    cut = slices(n_points, size)
    scratch = 4 * n_points * CHUNK + threads * ((64 + SOURCES_AT_ONCE) * max(BLOCK_BYTES // 4, n_points))
    available = memory_mb * 2**20 - scratch
    triangle = 4 * size * size * len(cut) * (len(cut) + 1) // 2
    if available >= triangle:
        n_fit = available // triangle
        return _Plan(cut, len(cut), n_spaces if n_fit >= n_spaces else n_fit - 1)
    stripe = available // (4 * n_points * size)
    if stripe < 1:
        needed = -(-(scratch + 4 * n_points * size) // 2**20)
        raise VaeGeometryError(
            f"{memory_mb} MB of memory are too little for {n_points} points; allow at least {needed} MB"
        )
    return _Plan(cut, stripe, 0)


def _all_products(space: Space, plan: _Plan, device: str, pool: Executor) -> Iterator[Products]:
    """Products of all pairs of points of a space, one stripe of rows after the other."""
    for start in range(0, len(plan.parts), plan.stripe):
        yield multiply(space, plan.parts, plan.parts[start : start + plan.stripe], device, pool)


class _Buffers:
    """Arrays that one thread uses again for every block of rows; fresh ones would cost page faults each time.

    A row is padded to a multiple of eight values, in ``n_sums`` parts of at most 255 words of eight bytes, so that
    ``count`` can add up the bytes of a mask eight at a time without any running over.
    """

    def __init__(self, n_rows: int, n_points: int, n_sources: int) -> None:
        self.n_rows, self.n_points = n_rows, n_points
        self.n_sums = -(-n_points // (8 * 255))
        self.width = 8 * self.n_sums * -(-n_points // (8 * self.n_sums))
        self._values = np.full((n_rows, self.width), np.inf, np.float32)
        self._masks = np.empty((2, n_sources * n_rows * self.width), bool)
        self._wanted = np.zeros(n_rows * n_points, bool)
        self._squared = np.empty(n_rows * n_points)

    def fill(self, products: Products, rows: slice) -> NDArray[np.float32]:
        """Values of the rows, infinite in the padding."""
        n_rows = rows.stop - rows.start
        products.values(rows, self._values[:n_rows, : self.n_points])
        return self._values[:n_rows]

    def masks(self, *shape: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Two masks (..., width), to be filled."""
        size = math.prod(shape) * self.width
        return self._masks[0, :size].reshape(*shape, -1), self._masks[1, :size].reshape(*shape, -1)

    def count(self, mask: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Number of true values along the last axis."""
        sums = mask.view(np.uint64).reshape(*mask.shape[:-1], self.n_sums, -1).sum(axis=-1)
        return sums.view(np.uint8).sum(axis=-1, dtype=np.int64)

    def find(self, mask: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Row and column of each true value of a mask (n_rows, width)."""
        return np.divmod(np.flatnonzero(mask), self.width)

    def squared_distances(
        self, space: Space, rows: slice, row: NDArray[np.int64], candidate: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """In float64, between the ``row``-th of the rows and point ``candidate``; each pair is computed once."""
        pairs = row * self.n_points + space.twins[candidate]
        self._wanted[pairs] = True
        distinct = np.flatnonzero(self._wanted)
        self._wanted[distinct] = False
        first, second = np.divmod(distinct, self.n_points)
        self._squared[distinct] = space.squared_distances(rows.start + first, second)
        return self._squared[pairs]


def _for_blocks(
    products: Products, work: Callable[[slice, _Buffers], None], buffers: list[_Buffers], pool: Executor
) -> None:
    """Do ``work`` on all rows, block by block, in as many threads as there are buffers."""
    blocks = products.blocks(buffers[0].n_rows)

    def work_through(t: int) -> None:
        for rows in blocks[t :: len(buffers)]:
            work(rows, buffers[t])

    list(pool.map(work_through, range(len(buffers))))


def _search(
    products: Products, s: int, result: Neighbours, tied: NDArray[np.bool_], buffers: list[_Buffers], pool: Executor
):
    """Fill in the rows' nearest neighbours in space s, and whether the two nearest of all are equally near."""
    n_neighbours = result.indices.shape[2]

    def search(rows: slice, own: _Buffers) -> None:
        values = own.fill(products, rows)
        near, _ = own.masks(len(values))
        # The n smallest minima of segments belong to n points, so the n-th is no less than the n-th smallest value.
        minima = values.reshape(len(values), 8, -1).min(axis=1) if own.width >= 16 * n_neighbours else values
        reached = np.partition(minima, n_neighbours - 1, axis=1)[:, n_neighbours - 1]
        _, high = products.space.cuts(rows, reached)
        np.less_equal(values, high[:, None], out=near)
        row, candidate = own.find(near)
        squared = own.squared_distances(products.space, rows, row, candidate)
        order = np.lexsort((candidate, squared, row))
        first = np.searchsorted(row, np.arange(len(values)))  # sorted by row before as after
        best = order[first[:, None] + np.arange(n_neighbours)]
        result.indices[s, rows] = candidate[best]
        result.distances[s, rows] = np.sqrt(squared[best])
        tied[s, rows] = squared[best[:, 0]] == squared[best[:, 1]]

    _for_blocks(products, search, buffers, pool)


def _rank(
    products: Products, b: int, result: Neighbours, tied: NDArray[np.bool_], buffers: list[_Buffers], pool: Executor
):
    """Fill in the ranks in space b of the rows' nearest neighbours in all spaces, and add up the ties."""
    n_spaces = len(result.indices)
    ties = np.zeros((n_spaces, len(products.space.points)), bool)

    def rank(rows: slice, own: _Buffers) -> None:
        values = own.fill(products, rows)
        targets = result.indices[:, rows, 0]
        same = targets == targets[b]  # of rank 1
        ties[:, rows] = same & tied[b, rows]
        low, high = products.space.cuts(rows, values[np.arange(len(values)), targets])
        for group in slices(n_spaces, SOURCES_AT_ONCE):
            below, within = own.masks(group.stop - group.start, len(values))
            np.less(values, low[group, :, None], out=below)
            np.less_equal(values, high[group, :, None], out=within)
            nearer = own.count(below)
            undecided = (own.count(within) - nearer > 1) & ~same[group]  # the target itself lies within
            result.ranks[group, b, rows] = np.where(same[group], 1, 1 + nearer)
            source, row = np.nonzero(undecided)
            for part in slices(len(row), len(values)):
                which = source[part], row[part]
                comparison, candidate = own.find(below[which] != within[which])
                decide(rows, own, values, group.start + which[0], which[1], comparison, candidate)

    def decide(rows, buffers, values, source, row, comparison, candidate) -> None:
        """Settle each comparison of the target of a source and row with candidates, of which it is one itself."""
        target = result.indices[source, rows.start + row, 0]
        # The cuts hold whatever the candidate's norm; knowing it leaves about half as many to float64.
        least, most = products.space.limits(values[row[comparison], candidate], rows.start + row[comparison], candidate)
        own = np.flatnonzero(candidate == target[comparison])  # one in each comparison, in order
        nearer = np.bincount(comparison[most < least[own][comparison]], minlength=len(row))
        left = (most >= least[own][comparison]) & (least <= most[own][comparison])
        left &= (np.bincount(comparison[left], minlength=len(row)) > 1)[comparison]
        comparison, candidate = comparison[left], candidate[left]
        squared = buffers.squared_distances(products.space, rows, row[comparison], candidate)
        reached = np.empty(len(row))
        reached[comparison[candidate == target[comparison]]] = squared[candidate == target[comparison]]
        nearer += np.bincount(comparison[squared < reached[comparison]], minlength=len(row))
        equal = np.bincount(comparison[squared == reached[comparison]], minlength=len(row))
        result.ranks[source, b, rows.start + row] += nearer.astype(np.int32)
        ties[source, rows.start + row] = equal > 1

    _for_blocks(products, rank, buffers, pool)
    result.ties[:, b] += ties.sum(axis=1)
