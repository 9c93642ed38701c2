"""ID and II, through ``find_neighbours``, against DADApy and against direct arithmetic."""

import numpy as np
import pytest
from dadapy import Data
from dadapy._utils.metric_comparisons import _return_imbalance
from sklearn.datasets import make_swiss_roll

from vae_geometry.geometry.information_imbalance import information_imbalance, standard_error
from vae_geometry.geometry.intrinsic_dimension import two_nearest_neighbours
from vae_geometry.geometry.neighbours import find_neighbours

N = 400
CASES = ["random", "swiss roll", "sphere", "one direction", "wide"]


def spaces_of(case):
    """A few spaces of the same points, (N, D) each, without ties."""
    rng = np.random.default_rng(CASES.index(case))
    if case == "random":
        shared = rng.normal(size=(N, 3))
        return [shared, np.hstack([shared, rng.normal(size=(N, 2))]), rng.normal(size=(N, 50))]
    if case == "swiss roll":
        roll, angle = make_swiss_roll(N, random_state=0)
        return [roll, np.column_stack([angle, roll[:, 1]]), roll[:, :1]]
    if case == "sphere":
        directions = rng.normal(size=(N, 4))
        sphere = directions / np.linalg.norm(directions, axis=1, keepdims=True)
        return [sphere, sphere[:, :3], np.hstack([sphere**2, sphere @ rng.normal(size=(4, 30))])]
    if case == "one direction":  # far from the origin, so that products of coordinates lose digits
        line = rng.random((N, 1))
        return [1000 + line, 1000 + np.hstack([line**3, 0.1 * rng.random((N, 1))])]
    return [rng.random((N, 2000)).astype(np.float32), rng.random((N, 3)).astype(np.float32)]


def squared_distances(points):
    points = points.astype(np.float64)
    squared = np.array([((points - point) ** 2).sum(axis=1) for point in points])
    np.fill_diagonal(squared, np.inf)
    return squared


@pytest.fixture(params=CASES)
def spaces(request):
    return spaces_of(request.param)


def test_id_equals_dadapys(spaces):
    neighbours = find_neighbours(spaces)
    for points, distances in zip(spaces, neighbours.distances, strict=True):
        expected, _, _ = Data(points.astype(np.float64)).compute_id_2NN(algorithm="base", mu_fraction=0.9)
        assert two_nearest_neighbours(distances).value == pytest.approx(expected, rel=1e-8)


def test_id_equals_the_fitted_slope_of_the_formula(spaces):
    """-log(1 - F(mu)) = d log(mu), fitted through the origin to the lowest nine tenths (Facco et al. 2017)."""
    for points, distances in zip(spaces, find_neighbours(spaces).distances, strict=True):
        nearest = np.sqrt(np.sort(squared_distances(points), axis=1)[:, :2])
        kept = int(N * 0.9)
        log_mu = np.sort(np.log(nearest[:, 1] / nearest[:, 0]))[:kept]
        log_rest = -np.log(1 - np.arange(1, kept + 1) / N)
        slope = (log_mu @ log_rest) / (log_mu @ log_mu)
        assert two_nearest_neighbours(distances).value == pytest.approx(slope, rel=1e-6)


def test_ii_equals_dadapys(spaces):
    neighbours = find_neighbours(spaces)
    indices = []
    for points in spaces:
        # DADApy loses digits far from the origin
        data = Data(points - points.mean(axis=0, dtype=np.float64), maxk=N - 1)
        data.compute_distances()
        indices.append(data.dist_indices)
    assert all(index.shape == (N, N) for index in indices)
    for a, source in enumerate(indices):
        for b, target in enumerate(indices):
            expected = _return_imbalance(source, target, rng=np.random.default_rng(0), k=1)
            assert information_imbalance(neighbours.ranks[a, b]) == pytest.approx(expected, rel=0, abs=1e-12), (a, b)


def test_ii_and_its_error_equal_direct_arithmetic(spaces):
    neighbours = find_neighbours(spaces)
    direct = [squared_distances(points) for points in spaces]
    for a, source in enumerate(direct):
        nearest = source.argmin(axis=1)
        for b, target in enumerate(direct):
            ranks = np.array([1 + (target[i] < target[i, j]).sum() for i, j in enumerate(nearest)])
            assert np.array_equal(neighbours.ranks[a, b], ranks)
            assert neighbours.ties[a, b] == 0
            assert information_imbalance(neighbours.ranks[a, b]) == pytest.approx(2 / N**2 * ranks.sum(), rel=1e-14)
            sums = [(ranks - ranks.mean())[nearest == j].sum() for j in range(N)]
            expected = 2 / N**2 * np.sqrt(np.square(sums).sum())
            assert standard_error(ranks, neighbours.indices[a, :, 0]) == pytest.approx(expected)


def test_distances_equal_direct_arithmetic(spaces):
    for points, distances in zip(spaces, find_neighbours(spaces).distances, strict=True):
        expected = np.sqrt(np.sort(squared_distances(points), axis=1)[:, :2])
        assert distances == pytest.approx(expected, rel=1e-9)


def test_ties_follow_the_written_rule():
    """Whole numbers tie; equal distances are equal exactly."""
    rng = np.random.default_rng(0)
    spaces = [rng.integers(0, 4, (60, 3)).astype(np.float32), rng.integers(0, 3, (60, 4)).astype(np.float32)]
    neighbours = find_neighbours(spaces)
    direct = [squared_distances(points) for points in spaces]
    for a, source in enumerate(direct):
        nearest = source.argmin(axis=1)  # the lowest index among equals
        assert np.array_equal(neighbours.indices[a, :, 0], nearest)
        for b, target in enumerate(direct):
            reached = target[np.arange(60), nearest][:, None]
            assert np.array_equal(neighbours.ranks[a, b], 1 + (target < reached).sum(axis=1))
            assert neighbours.ties[a, b] == ((target == reached).sum(axis=1) > 1).sum() > 0
