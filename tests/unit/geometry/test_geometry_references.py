"""ID and II, through ``find_neighbours``, against direct arithmetic."""

import numpy as np
import pytest
from spaces import CASES, N, spaces_of

from vae_geometry.geometry import intrinsic_dimension
from vae_geometry.geometry.information_imbalance import information_imbalance, standard_error
from vae_geometry.geometry.intrinsic_dimension import two_nearest_neighbours
from vae_geometry.geometry.neighbours import find_neighbours
from vae_geometry.geometry.standard_errors import dyadic_variance


def squared_distances(points):
    points = points.astype(np.float64)
    squared = np.array([((points - point) ** 2).sum(axis=1) for point in points])
    np.fill_diagonal(squared, np.inf)
    return squared


@pytest.fixture(params=CASES)
def spaces(request):
    return spaces_of(request.param)


def test_id_equals_the_fitted_slope_of_the_formula(spaces):
    """-log(1 - F(mu)) = d log(mu), fitted through the origin to the lowest nine tenths (Facco et al. 2017)."""
    for points, distances in zip(spaces, find_neighbours(spaces).distances, strict=True):
        nearest = np.sqrt(np.sort(squared_distances(points), axis=1)[:, :2])
        kept = int(N * 0.9)
        log_mu = np.sort(np.log(nearest[:, 1] / nearest[:, 0]))[:kept]
        log_rest = -np.log(1 - np.arange(1, kept + 1) / N)
        slope = (log_mu @ log_rest) / (log_mu @ log_mu)
        assert two_nearest_neighbours(distances).value == pytest.approx(slope, rel=1e-9)


def test_the_error_of_the_id_is_the_jackknife_over_points(spaces):
    neighbours = find_neighbours(spaces)
    for distances, nearest in zip(neighbours.distances, neighbours.indices[:, :, 0], strict=True):
        estimates = [two_nearest_neighbours(np.delete(distances, i, axis=0)).value for i in range(N)]
        changes = np.array(estimates) - np.mean(estimates)
        dyads = [{i, j} for i, j in enumerate(nearest)]
        shares = np.array([[bool(one & other) for other in dyads] for one in dyads])
        independent = two_nearest_neighbours(distances).value ** 2 / (int(0.9 * N) - 2)
        expected = max((N - 1) / N * changes @ shares @ changes, independent) ** 0.5
        assert intrinsic_dimension.standard_error(distances, nearest) == pytest.approx(expected, rel=1e-6)


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
            residuals = ranks - ranks.mean()
            dyads = [{i, j} for i, j in enumerate(nearest)]
            shares = np.array([[bool(one & other) for other in dyads] for one in dyads])
            dyadic = residuals @ shares @ residuals
            clusters = [residuals[nearest == j].sum() for j in range(N)]
            expected = 2 / N**2 * np.sqrt(max(dyadic, np.square(clusters).sum()))
            assert dyadic_variance(residuals, nearest) == pytest.approx(dyadic, abs=1e-9 * N**3)
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
