import numpy as np
import pytest

from vae_geometry.intrinsic_dimension import two_nearest_neighbours
from vae_geometry.neighbours import find_neighbours


def distances(points):
    return find_neighbours([points]).distances[0]


@pytest.mark.parametrize("dimension", [1, 2, 5])
def test_the_dimension_of_uniform_points_is_found_wherever_they_are_embedded(rng, dimension):
    points = rng.random((1500, dimension)) @ rng.normal(size=(dimension, 20))
    estimate = two_nearest_neighbours(distances(points))
    assert estimate.value == pytest.approx(dimension, rel=0.1)
    assert (estimate.n_zero_distances, estimate.reason) == (0, None)


def test_the_standard_error_is_the_spread_over_samples(rng):
    estimates = [two_nearest_neighbours(distances(rng.random((400, 3)))) for _ in range(30)]
    spread = np.std([estimate.value for estimate in estimates], ddof=1)
    assert np.mean([estimate.stderr for estimate in estimates]) == pytest.approx(spread, rel=0.5)


def test_few_points_have_no_standard_error(rng):
    estimate = two_nearest_neighbours(distances(rng.random((100, 3))))
    assert estimate.value > 1
    assert estimate.stderr is None


@pytest.mark.parametrize(("n_zero", "is_estimated"), [(20, True), (21, False)])
def test_at_most_a_tenth_of_the_points_may_lie_at_distance_zero(rng, n_zero, is_estimated):
    pairs = np.sort(0.1 + rng.random((200, 2)), axis=1)
    pairs[:n_zero, 0] = 0
    estimate = two_nearest_neighbours(pairs)
    assert estimate.n_zero_distances == n_zero
    assert (estimate.value is not None) == is_estimated
    assert (estimate.reason is None) == is_estimated


def test_points_at_distance_zero_are_left_out(rng):
    pairs = np.sort(0.1 + rng.random((200, 2)), axis=1)
    zeros = np.column_stack([np.zeros(10), np.ones(10)])
    assert two_nearest_neighbours(np.vstack([pairs, zeros])).value == two_nearest_neighbours(pairs).value


def test_the_estimate_is_that_of_the_ratios_alone(rng):
    pairs = np.sort(0.1 + rng.random((200, 2)), axis=1)
    scaled = pairs * rng.random((200, 1))
    assert two_nearest_neighbours(scaled).value == pytest.approx(two_nearest_neighbours(pairs).value, rel=1e-9)


def test_print_options_of_numpy_stay_as_they_were(rng):
    before = np.get_printoptions()
    two_nearest_neighbours(distances(rng.random((50, 2))))
    assert np.get_printoptions() == before
