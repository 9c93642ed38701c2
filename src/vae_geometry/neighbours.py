"""Nearest neighbours in several spaces at once, and the ranks that the information imbalance needs.

The only module that touches distances. All spaces hold the same points in the same order.

Ties: a point ranks 1 + the number of points *strictly* nearer; a point is never its own neighbour; among equally
near nearest neighbours the one with the lowest index counts.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Neighbours:
    """What the estimators need to know about the distances in each of ``n_spaces`` spaces.

    Attributes
    ----------
    indices : (n_spaces, n_points, 2) int64 array
        First and second nearest neighbour of each point.
    distances : (n_spaces, n_points, 2) float64 array
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


def find_neighbours(spaces: Sequence[NDArray], memory_mb: int = 2000) -> Neighbours:
    """Find the two nearest neighbours of each point in each space, and their ranks in every other space.

    Parameters
    ----------
    spaces : sequence of (n_points, n_dimensions) float arrays
        Arrays or memory-mapped files of any number of dimensions and the same number of points, at least 3.
    memory_mb : int
        Memory for the distances, in megabytes; decides how many rows are worked on at once.

    Raises
    ------
    ValueError
        If the spaces differ in their number of points, or hold fewer than 3.
    """
    n_points = len(spaces[0])
    if any(len(space) != n_points for space in spaces) or n_points < 3:
        raise ValueError("spaces must hold the same points, at least 3")
    n_spaces = len(spaces)
    result = Neighbours(
        indices=np.empty((n_spaces, n_points, 2), np.int64),
        distances=np.empty((n_spaces, n_points, 2)),
        ranks=np.empty((n_spaces, n_spaces, n_points), np.int32),
        ties=np.zeros((n_spaces, n_spaces), np.int64),
    )
    n_rows = max(1, min(n_points, memory_mb * 2**20 // (8 * n_points * (n_spaces + 2))))
    for start in range(0, n_points, n_rows):
        rows = np.arange(start, min(start + n_rows, n_points))
        squared = [_squared_distances(space, rows) for space in spaces]
        for a, block in enumerate(squared):
            nearest = np.argsort(block, axis=1, kind="stable")[:, :2]
            result.indices[a, rows] = nearest
            result.distances[a, rows] = np.sqrt(np.take_along_axis(block, nearest, axis=1))
        for b, block in enumerate(squared):
            for a in range(n_spaces):
                reached = np.take_along_axis(block, result.indices[a, rows, :1], axis=1)
                result.ranks[a, b, rows] = 1 + (block < reached).sum(axis=1)
                result.ties[a, b] += ((block == reached).sum(axis=1) > 1).sum()
    return result


def _squared_distances(space: NDArray, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """Squared distances from ``rows`` to all points, (n_rows, n_points); infinite from a point to itself."""
    points = np.asarray(space, np.float64)
    points = points - points.mean(axis=0)  # products of centred points lose fewer digits
    squared_norms = np.einsum("ij,ij->i", points, points)
    scale = squared_norms[rows, None] + squared_norms[None]
    squared = scale - 2 * points[rows] @ points.T
    for row, column in np.argwhere(squared <= 1e-6 * scale):  # too close for the product: take the difference itself
        squared[row, column] = ((points[rows[row]] - points[column]) ** 2).sum()
    squared[np.arange(len(rows)), rows] = np.inf
    return squared
