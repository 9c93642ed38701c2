"""Compiled loops over the rows of a block of products (see ``_spaces.py`` for the values and the bound).

What needs float64 is computed by direct difference, always by ``_squared_distance`` and from coordinates that follow
each other in memory, so that equal pairs give equal digits, however an array is stored. ``twins`` names for each point
the lowest index of a point with the same coordinates: a row computes its distance to coinciding points once.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, ParamSpec, TypeVar

import numpy as np
from numba import njit
from numpy.typing import NDArray

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
Floats = NDArray[np.floating[Any]]
Float32s = NDArray[np.float32]
Float64s = NDArray[np.float64]
Integers = NDArray[np.int64]

SEGMENT = 256  # points whose comparisons are counted together; only segments with an undecided one are looked at again


class Cloud(NamedTuple):
    """What is known of the points of a space.

    Attributes
    ----------
    points : (n_points, n_dimensions) float array
    twins : (n_points,) int64 array
    norms : (n_points,) float64 array
    reach : (n_points,) float64 array
        Products of two points are exact where neither's norm is beyond the other's reach.
    constants : (float, float)
        g and w of the bound.
    scale : float
        Power of two that float64 differences are multiplied by before they are squared.
    """

    points: Floats
    twins: Integers
    norms: Float64s
    reach: Float64s
    constants: tuple[float, float]
    scale: float


def compiled(function: Callable[Arguments, Result], **options: Any) -> Callable[Arguments, Result]:
    """Compile at the first call; keep the result beside the source or in the user's cache, if one can be written to.

    Parameters
    ----------
    function : function
        Its annotations are for readers: it is compiled for the types of the arguments that it meets.
    **options
        See ``numba.njit``.
    """
    result: Callable[Arguments, Result]
    try:
        result = njit(nogil=True, cache=True, **options)(function)
    except RuntimeError:  # neither is writable: every process compiles again, which takes seconds
        result = njit(nogil=True, **options)(function)
    return result


def compiled_to_sum(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Compile a sum, whose order is the compiler's and always the same."""
    return compiled(function, fastmath={"reassoc"})


@compiled
def smallest(values: Float32s, n: int, out: Float32s) -> None:
    """Fill ``out`` (n_rows,) with the n-th smallest value of each row of ``values`` (n_rows, n_points)."""
    best = np.empty(n, values.dtype)
    for i in range(values.shape[0]):
        best[:] = np.inf
        for j in range(values.shape[1]):
            if values[i, j] < best[-1]:
                _insert(best, values[i, j])
        out[i] = best[-1]


@compiled
def nearest(
    cloud: Cloud,
    first_row: int,
    values: Float32s,
    high: Float32s,
    indices: Integers,
    squared: Float64s,
) -> None:
    """Find the nearest neighbours of each row, the nearest first and the lowest index first among equally near ones.

    Parameters
    ----------
    cloud : Cloud
    first_row : int
        Point of the first row.
    values : (n_rows, n_points) float32 array
    high : (n_rows,) float32 array
        No point with a greater value is a nearest neighbour of the row.
    indices, squared : (n_rows, n_neighbours) int64 and float64 arrays
        To be filled with the neighbours and their squared distances, in units of ``cloud.scale``.
    """
    points, twins, norms, reach, constants, scale = cloud
    known = np.empty(len(points))
    for i in range(values.shape[0]):
        known[:] = -1
        squared[i] = np.inf
        row = first_row + i
        own = np.ascontiguousarray(points[row])
        last_value, last_error = np.inf, 0.0  # of the farthest of the neighbours, once there are enough
        for start in range(0, values.shape[1], SEGMENT):
            if _count(values[i, start : start + SEGMENT], high[i], high[i])[1] == 0:
                continue
            for j in range(start, min(start + SEGMENT, values.shape[1])):
                value = np.float64(values[i, j])
                if value > high[i]:
                    continue
                if value >= last_value and value - last_value >= last_error + _error(norms, reach, constants, row, j):
                    continue  # not nearer, and of a higher index
                distance = _known_distance(points, twins, scale, own, j, known)
                if distance < squared[i, -1]:
                    place = _insert(squared[i], distance)
                    indices[i, place + 1 :] = indices[i, place:-1].copy()
                    indices[i, place] = j
                    if squared[i, -1] < np.inf:
                        last = indices[i, -1]
                        last_value, last_error = values[i, last], _error(norms, reach, constants, row, last)


@compiled
def rank(
    cloud: Cloud,
    first_row: int,
    values: Float32s,
    low: Float32s,
    high: Float32s,
    targets: Integers,
    ranks: NDArray[np.int32],
    tied: NDArray[np.bool_],
) -> None:
    """Rank target points among all points by their distance from each row.

    Parameters
    ----------
    cloud, first_row, values
        As for ``nearest``.
    low, high : (n_targets, n_rows) float32 arrays
        Points with a value below and above are surely nearer and farther than the target.
    targets : (n_targets, n_rows) int64 array
        Points to rank.
    ranks, tied : (n_targets, n_rows) int32 and bool arrays
        To be filled with 1 + the number of points strictly nearer than the target, and with whether another point is
        exactly as near.
    """
    known = np.empty(len(cloud.points))
    candidates = np.empty(len(cloud.points), np.int64)
    for i in range(values.shape[0]):
        known[:] = -1
        row = first_row + i
        own = np.ascontiguousarray(cloud.points[row])
        for a in range(len(targets)):
            nearer, n_candidates = np.int64(0), 0
            for start in range(0, values.shape[1], SEGMENT):
                segment = values[i, start : start + SEGMENT]
                below, within = _count(segment, low[a, i], high[a, i])
                nearer += below
                if within > below:
                    for j in range(len(segment)):
                        if low[a, i] <= segment[j] <= high[a, i] and start + j != targets[a, i]:
                            candidates[n_candidates] = start + j
                            n_candidates += 1
            more, equal = _decide(cloud, row, own, values[i], targets[a, i], candidates[:n_candidates], known)
            ranks[a, i] = 1 + nearer + more
            tied[a, i] = equal > 0


@compiled
def _count(values: Float32s, low: np.float32, high: np.float32) -> tuple[np.int32, np.int32]:
    """How many values are less than ``low``, and how many are not greater than ``high``."""
    below, within = np.int32(0), np.int32(0)
    for j in range(len(values)):  # nothing but this: the compiler then compares several at a time
        below = np.int32(below + np.int32(values[j] < low))  # as wide as a value: the compiler would count in 64 bits
        within = np.int32(within + np.int32(values[j] <= high))
    return below, within


@compiled
def _decide(
    cloud: Cloud, row: int, own: Floats, values: Float32s, target: int, candidates: Integers, known: Float64s
) -> tuple[int, int]:
    """How many candidates are nearer than the target, and how many as near."""
    points, twins, norms, reach, constants, scale = cloud
    nearer = equal = 0
    reached = -1.0
    target_error = _error(norms, reach, constants, row, target)
    for j in candidates:
        # The cuts hold whatever the candidate's norm; knowing it leaves about half as many to float64.
        error = _error(norms, reach, constants, row, j) + target_error
        difference = np.float64(values[j]) - np.float64(values[target])
        if difference < -error:
            nearer += 1
        elif difference <= error:
            if error == 0:
                equal += 1
            else:
                if reached < 0:
                    reached = _known_distance(points, twins, scale, own, target, known)
                distance = _known_distance(points, twins, scale, own, j, known)
                nearer += distance < reached
                equal += distance == reached
    return nearer, equal


@compiled
def _error(norms: Float64s, reach: Float64s, constants: tuple[float, float], i: int, j: int) -> float:
    """Bound e_ij of the error of v_ij, with some room for the rounding of itself; zero where there is none."""
    one, other = norms[i], norms[j]
    if one <= reach[j] and other <= reach[i]:
        return 0.0
    g, w = constants
    bound: float = (2 * g * one * other + w * (one + other) ** 2) * (1 + 1e-9)
    return bound


@compiled
def _known_distance(points: Floats, twins: Integers, scale: float, own: Floats, j: int, known: Float64s) -> float:
    """Squared distance of a row's point to another, computed once a row; ``known`` is negative where still unknown."""
    twin = twins[j]
    if known[twin] < 0:
        known[twin] = _squared_distance(own, np.ascontiguousarray(points[twin]), scale)
    distance: float = known[twin]
    return distance


@compiled_to_sum
def _squared_distance(one: Floats, other: Floats, scale: float) -> np.float64:
    total = np.float64(0)
    for k in range(len(one)):
        total += _scaled_square(one[k], other[k], scale)
    return total


@compiled
def _scaled_square(one: float, other: float, scale: float) -> np.float64:
    """Not part of the sum: a compiler that may reorder it could square first, and underflow, and then scale."""
    difference = (np.float64(one) - np.float64(other)) * scale
    return difference * difference


@compiled
def _insert(ascending: Floats, value: float) -> int:
    """Put a value into a sorted array, behind equal ones, whose greatest drops out; return its place."""
    place = len(ascending) - 1
    while place > 0 and ascending[place - 1] > value:
        ascending[place] = ascending[place - 1]
        place -= 1
    ascending[place] = value
    return place
