"""Nearest neighbours in several spaces at once, and the ranks that the information imbalance needs.

All spaces hold the same points in the same order. Float32 products (``spaces.py``) say which points are surely
nearer than another one and which are surely farther; the few in between are compared by their float64 distances, by
direct difference, so that the result is that of float64 throughout, whatever the block size or number of threads.

Ties: a point ranks 1 + the number of points *strictly* nearer; a point is never its own neighbour; among equally
near nearest neighbours the one with the lowest index counts.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vae_geometry import VaeGeometryError
from vae_geometry.geometry import _kernels as kernels
from vae_geometry.geometry._products import Products, multiply
from vae_geometry.geometry._spaces import CHUNK, Space, slices

BLOCK_BYTES = 2**20  # of float32 values that a thread compares at once: they stay in its cache
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
    plan = _plan(n_points, n_spaces, threads, memory_mb)
    n_rows = max(1, BLOCK_BYTES // (4 * n_points))
    buffers = np.empty((threads, n_rows, n_points), np.float32)
    with threadpool_limits(threads, user_api="blas"), ThreadPoolExecutor(threads) as pool:
        opened, kept = [], {}
        for s, points in enumerate(spaces):
            space = Space(points, pool)
            opened.append(space)
            for products in _all_products(space, plan, device, pool):
                _search(products, s, result, buffers, pool)
                if len(kept) < plan.n_kept:
                    kept[s] = products
                del products  # before the next ones are made
            space.release()
        for s, space in enumerate(opened):
            again = [kept.pop(s)] if s in kept else _all_products(space, plan, device, pool)
            for products in again:
                _rank(products, s, result, buffers, pool)
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
    scratch = 4 * n_points * CHUNK + threads * (max(BLOCK_BYTES, 4 * n_points) + 24 * n_points)
    available = memory_mb * 2**20 - scratch
    triangle = 4 * size * size * len(cut) * (len(cut) + 1) // 2
    if available >= triangle:
        n_fit = available // triangle
        return _Plan(cut, len(cut), n_spaces if n_fit >= n_spaces else n_fit - 1)
    stripe = available // (4 * n_points * size)
    if stripe < 1:
        needed = -(-(scratch + 4 * n_points * size) // 2**20)
        raise VaeGeometryError(f"the memory is too little for {n_points} points; allow {needed - memory_mb} MB more")
    return _Plan(cut, stripe, 0)


def _all_products(space: Space, plan: _Plan, device: str, pool: Executor) -> Iterator[Products]:
    """Products of all pairs of points of a space, one stripe of rows after the other."""
    for start in range(0, len(plan.parts), plan.stripe):
        yield multiply(space, plan.parts, plan.parts[start : start + plan.stripe], device, pool)


def _for_blocks(
    products: Products, work: Callable[[slice, NDArray[np.float32]], None], buffers: NDArray[np.float32], pool: Executor
) -> None:
    """Do ``work`` on the values of all rows, block by block, in as many threads as there are buffers."""
    blocks = products.blocks(buffers.shape[1])

    def work_through(t: int) -> None:
        for rows in blocks[t :: len(buffers)]:
            values = buffers[t, : rows.stop - rows.start]
            products.values(rows, values)
            work(rows, values)

    list(pool.map(work_through, range(len(buffers))))


def _search(
    products: Products,
    s: int,
    result: Neighbours,
    buffers: NDArray[np.float32],
    pool: Executor,
) -> None:
    """Fill in the rows' nearest neighbours in space s."""
    space, n_neighbours = products.space, result.indices.shape[2]

    def search(rows: slice, values: NDArray[np.float32]) -> None:
        reached = np.empty(len(values), np.float32)
        kernels.smallest(values, n_neighbours, reached)
        _, high = space.cuts(rows, reached)
        squared = np.empty((len(values), n_neighbours))
        kernels.nearest(space.points, space.twins, rows.start, values, high, result.indices[s, rows], squared)
        result.distances[s, rows] = np.sqrt(squared)

    _for_blocks(products, search, buffers, pool)


def _rank(
    products: Products,
    b: int,
    result: Neighbours,
    buffers: NDArray[np.float32],
    pool: Executor,
) -> None:
    """Fill in the ranks in space b of the rows' nearest neighbours in all spaces, and add up the ties."""
    space = products.space
    ties = np.zeros((len(result.indices), len(space.points)), bool)
    constants = space.error_constants()

    def rank(rows: slice, values: NDArray[np.float32]) -> None:
        targets = result.indices[:, rows, 0]
        low, high = space.cuts(rows, values[np.arange(len(values)), targets])
        kernels.rank(
            space.points, space.twins, space.norms, constants, rows.start, values, low, high, targets,
            result.ranks[:, b, rows], ties[:, rows],
        )  # fmt: skip

    _for_blocks(products, rank, buffers, pool)
    result.ties[:, b] += ties.sum(axis=1)
