"""Nearest neighbours in several spaces at once, and the ranks that the information imbalance needs.

All spaces hold the same points in the same order. Float32 products (``_spaces.py``) say which points are surely
nearer than another one and which are surely farther; the few in between are compared by their float64 distances, by
direct difference, so that the result is that of float64 throughout, whatever the block size, number of threads or order
of the points' coordinates in memory.

Ties: a point ranks 1 + the number of points *strictly* nearer; a point is never its own neighbour; among equally
near nearest neighbours the one with the lowest index counts.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vae_geometry import VaeGeometryError
from vae_geometry.geometry._products import Products, all_products
from vae_geometry.geometry._spaces import CHUNK, Space, slices

BLOCK_BYTES = 2**20  # of float32 values that a thread compares at once: they stay in its cache
TILE = 2560  # rows: large enough for a fast product
IMPORTS_MB = 800  # what a process takes before it holds any distance


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

    def of(self, spaces: Sequence[int]) -> "Neighbours":
        """The same of some of the spaces, in this order."""
        chosen = list(spaces)
        pairs = np.ix_(chosen, chosen)
        return Neighbours(self.indices[chosen], self.distances[chosen], self.ranks[pairs], self.ties[pairs])


def find_neighbours(
    spaces: Sequence[NDArray[np.floating[Any]]],
    n_neighbours: int = 2,
    threads: int = 1,
    memory_mb: int = 2000,
    device: str = "cpu",
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

    Returns
    -------
    Neighbours
        Of the spaces in the order given.

    Raises
    ------
    ValueError
        If the spaces differ in their number of points, hold fewer than 3 or not more than ``n_neighbours``, or hold
        a coordinate that is not finite or too small beside the largest for squares in float64 (1e-288 of it).
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
    buffers = np.empty((threads, plan.block_rows, n_points), np.float32)
    with threadpool_limits(threads, user_api="blas"), ThreadPoolExecutor(threads) as pool:
        opened: list[Space] = []
        kept: dict[int, Products] = {}
        for s, points in enumerate(spaces):
            space = Space(points, pool)
            opened.append(space)
            for products in all_products(space, plan.parts, plan.stripe, device, pool):
                products.find_nearest(result.indices[s], result.distances[s], buffers, pool)
                if len(kept) < plan.n_kept:
                    kept[s] = products
                del products  # before the next ones are made
            space.release()
        targets = result.indices[:, :, 0]
        for s, space in enumerate(opened):
            tied = np.zeros((n_spaces, n_points), bool)
            for products in [kept.pop(s)] if s in kept else all_products(space, plan.parts, plan.stripe, device, pool):
                products.rank(targets, result.ranks[:, s], tied, buffers, pool)
                del products
            result.ties[:, s] = tied.sum(axis=1)
            space.release()
    return result


def working_memory_mb(memory_mb: int, found_bytes: int = 0) -> int:
    """What ``find_neighbours`` may work with, in megabytes, beside Python, its packages and what is found.

    Parameters
    ----------
    memory_mb : int
        Memory of the whole process, in megabytes.
    found_bytes : int
        What the neighbours that are found take, in bytes.

    Raises
    ------
    VaeGeometryError
        If nothing is left.
    """
    taken_mb = IMPORTS_MB + found_bytes // 2**20
    if memory_mb <= taken_mb:
        raise VaeGeometryError(f"memory_mb: {memory_mb} is too little; allow more than {taken_mb}")
    return memory_mb - taken_mb


def frugal_memory_mb(n_points: int, threads: int) -> int:
    """Memory for ``find_neighbours``, in megabytes, that holds the products of one space; all are computed twice."""
    _, _, scratch, triangle = _sizes(n_points, threads)
    return -(-(scratch + triangle) // 2**20)


@dataclass(frozen=True)
class _Plan:
    """How the products of a space are cut, and of how many spaces they are kept.

    Attributes
    ----------
    parts : list of slice
        Runs of points: a tile of products has a row for each point of one part and a column for each of another.
    stripe : int
        Parts whose rows are in memory at once.
    n_kept : int
        Spaces whose products stay in memory.
    block_rows : int
        Rows that a thread works on at once.
    """

    parts: list[slice]
    stripe: int
    n_kept: int
    block_rows: int


def _plan(n_points: int, n_spaces: int, threads: int, memory_mb: int) -> _Plan:
    """Keep the products of all spaces, of some, of one at a time, or only a stripe of rows at a time.

    All products of a space fill a triangle of tiles. A stripe is a rectangle: half of its products are computed twice.

    Parameters
    ----------
    n_points, n_spaces : int
    threads : int
        Threads of the processor to use.
    memory_mb : int
        Memory to work with, in megabytes, the spaces themselves not counted.

    Raises
    ------
    VaeGeometryError
        If ``memory_mb`` is too little for a stripe of one part.
    """
    size, parts, scratch, triangle = _sizes(n_points, threads)
    block_rows = max(1, BLOCK_BYTES // (4 * n_points))
    available = memory_mb * 2**20 - scratch
    if available >= triangle:
        n_fit = available // triangle
        return _Plan(parts, len(parts), n_spaces if n_fit >= n_spaces else n_fit - 1, block_rows)
    stripe = available // (4 * n_points * size)
    if stripe < 1:
        needed = -(-(scratch + 4 * n_points * size) // 2**20)
        raise VaeGeometryError(f"memory_mb: too little for {n_points} points; allow {needed - memory_mb} MB more")
    return _Plan(parts, stripe, 0, block_rows)


def _sizes(n_points: int, threads: int) -> tuple[int, list[slice], int, int]:
    """Rows of a part, the parts, bytes to work in, and bytes of all products of a space."""
    size = -(-n_points // -(-n_points // TILE))
    parts = slices(n_points, size)
    scratch = 4 * n_points * CHUNK + threads * (max(BLOCK_BYTES, 4 * n_points) + 24 * n_points)
    return size, parts, scratch, 4 * size * size * len(parts) * (len(parts) + 1) // 2
