"""Neighbours and ranks by float64 brute force, to compare with."""

import numpy as np

from vae_geometry.geometry.neighbours import Neighbours

FIELDS = ("indices", "distances", "ranks", "ties")


def direct_squared_distances(points):
    points = np.asarray(points, np.float64)
    squared = np.stack([((points - point) ** 2).sum(axis=1) for point in points])
    np.fill_diagonal(squared, np.inf)
    return squared


def brute_force(spaces, n_neighbours=2):
    """What ``find_neighbours`` must give."""
    squared = [direct_squared_distances(space) for space in spaces]
    indices = np.array([np.argsort(block, axis=1, kind="stable")[:, :n_neighbours] for block in squared])
    distances = np.sqrt([np.take_along_axis(*pair, axis=1) for pair in zip(squared, indices, strict=True)])
    reached = [[np.take_along_axis(block, nearest[:, :1], axis=1) for block in squared] for nearest in indices]
    ranks = np.array([[1 + (b < r).sum(axis=1) for b, r in zip(squared, row, strict=True)] for row in reached])
    ties = np.array([[((b == r).sum(axis=1) > 1).sum() for b, r in zip(squared, row, strict=True)] for row in reached])
    return Neighbours(indices, distances, ranks, ties)


def assert_equal(found, expected, fields=FIELDS):
    for name in fields:
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name), err_msg=name)


def assert_those_of_float64(found, spaces, n_neighbours=2):
    """Integer for integer; distances but for the order in which float64 squares are summed."""
    expected = brute_force(spaces, n_neighbours)
    assert_equal(found, expected, ("indices", "ranks", "ties"))
    np.testing.assert_allclose(found.distances, expected.distances, rtol=1e-14, atol=0)
