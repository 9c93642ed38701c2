"""Nearest neighbours in several spaces at once, and the ranks that the information imbalance needs.

All spaces hold the same points in the same order. Float32 products (``spaces.py``) say which points are surely
nearer than another one and which are surely farther; the few in between are compared by their float64 distances, by
direct difference, so that the result is that of float64 throughout, whatever the block size or number of threads.

Ties: a point ranks 1 + the number of points *strictly* nearer; a point is never its own neighbour; among equally
near nearest neighbours the one with the lowest index counts.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vae_geometry import VaeGeometryError
from vae_geometry.products import Products, multiply
from vae_geometry.spaces import CHUNK, Space, slices

BLOCK_BYTES = 2**19  # of float32 values that are compared at once: they stay in the second-level cache
SEGMENT = 64  # values of a row whose minimum is kept, for a cheap first cut at the nearest neighbours
TILE = 1280  # rows: large enough for a fast product


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
    plan = _plan(n_points, n_spaces, threads, memory_mb)
    with threadpool_limits(threads, user_api="blas"), ThreadPoolExecutor(threads) as pool:
        opened, kept = [], {}
        for s, points in enumerate(spaces):
            space = Space(points, pool)
            opened.append(space)
            for products in _all_products(space, plan, device, pool):
                _search(products, result.indices[s], result.distances[s], pool)
                if len(kept) < plan.n_kept:
                    kept[s] = products
            space.release()
        for s, space in enumerate(opened):
            again = [kept.pop(s)] if s in kept else _all_products(space, plan, device, pool)
            for products in again:
                _rank(products, s, result, pool)
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
    scratch = 4 * n_points * CHUNK + threads * max(16 * BLOCK_BYTES, 64 * n_points)
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


def _search(products: Products, indices: NDArray[np.int64], distances: NDArray[np.float64], pool: Executor) -> None:
    """Fill in the nearest neighbours of the rows of ``products`` and the distances to them."""
    n_points, n_neighbours = indices.shape

    def search(rows: slice) -> None:
        values = products.values(rows)
        n_rows = len(values)
        if n_points >= 8 * n_neighbours * SEGMENT:  # n smallest minima: at least n values are no larger
            whole = n_points // SEGMENT * SEGMENT
            cut = values[:, :whole].reshape(n_rows, SEGMENT, -1).min(axis=1)
        else:
            cut = values
        reached = np.partition(cut, n_neighbours - 1, axis=1)[:, n_neighbours - 1]
        _, high = products.space.cuts(rows, reached)
        row, candidate = np.nonzero(values <= high[:, None])
        squared = _exact(products.space, rows, row, candidate)
        order = np.lexsort((candidate, squared, row))
        first = np.searchsorted(row, np.arange(n_rows))  # row is sorted, before and after
        best = order[first[:, None] + np.arange(n_neighbours)]
        indices[rows] = candidate[best]
        distances[rows] = np.sqrt(squared[best])

    list(pool.map(search, products.blocks(BLOCK_BYTES)))


def _rank(products: Products, b: int, result: Neighbours, pool: Executor) -> None:
    """Fill in the ranks in space b of the rows' nearest neighbours in all other spaces, and add up the ties."""
    nearest = result.indices[:, :, 0]

    def rank(rows: slice) -> NDArray[np.int64]:
        values = products.values(rows)
        n_rows = len(values)
        targets = nearest[:, rows]
        low, high = products.space.cuts(rows, values[np.arange(n_rows), targets])
        nearer = np.empty(targets.shape, np.int64)
        undecided = []
        for a in range(len(targets)):
            below = values < low[a, :, None]
            within = values <= high[a, :, None]
            nearer[a] = _count(below)
            open_rows = np.flatnonzero(_count(within) - nearer[a] > 1)  # the target itself lies within
            if len(open_rows):
                row, candidate = np.nonzero(below[open_rows] != within[open_rows])
                undecided.append((np.full(len(row), a), open_rows[row], candidate))
        ties = np.zeros(len(targets), np.int64)
        if undecided:
            space, row, candidate = (np.concatenate(part) for part in zip(*undecided, strict=True))
            squared = _exact(products.space, rows, row, candidate)
            group = space * n_rows + row
            reached = np.empty(targets.size)
            own = candidate == targets[space, row]
            reached[group[own]] = squared[own]
            strictly = np.bincount(group[squared < reached[group]], minlength=targets.size)
            equal = np.bincount(group[squared == reached[group]], minlength=targets.size)
            nearer += strictly.reshape(targets.shape)
            ties += (equal.reshape(targets.shape) > 1).sum(axis=1)
        result.ranks[:, b, rows] = nearer + 1
        return ties

    for ties in pool.map(rank, products.blocks(BLOCK_BYTES)):
        result.ties[:, b] += ties


def _count(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Number of true values in each row: their bytes summed eight at a time, 255 times at most."""
    whole = mask.shape[1] // 8 * 8
    result = np.count_nonzero(mask[:, whole:], axis=1)
    words = mask[:, :whole].view(np.uint64)
    for part in slices(words.shape[1], 255):
        result += words[:, part].sum(axis=1).view(np.uint8).reshape(-1, 8).sum(axis=1, dtype=np.int64)
    return result


def _exact(space: Space, rows: slice, row: NDArray[np.int64], candidate: NDArray[np.int64]) -> NDArray[np.float64]:
    """Squared distances in float64 between the ``row``-th of the rows and point ``candidate``, each computed once."""
    twin = space.twins[candidate]
    wanted = np.zeros((rows.stop - rows.start, len(space.twins)), bool)
    wanted[row, twin] = True
    first, second = np.nonzero(wanted)
    squared = np.empty(wanted.shape)
    squared[first, second] = space.squared_distances(rows.start + first, second)
    return squared[row, twin]
