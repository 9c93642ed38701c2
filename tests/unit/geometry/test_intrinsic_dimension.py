import numpy as np
import pytest

from vae_geometry.geometry.intrinsic_dimension import gride, two_nearest_neighbours
from vae_geometry.geometry.neighbours import find_neighbours


def distances(points, n_neighbours=2):
    return find_neighbours([points], n_neighbours).distances[0]


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


def test_equal_ratios_that_follow_the_law_give_its_dimension():
    """The i-th of N ratios at its place in the distribution: the fit is exact."""
    log_mu = -np.log(1 - np.arange(1, 1000) / 1000) / 7.5
    pairs = np.column_stack([np.ones(1000), np.exp([*log_mu, 99.0])])
    assert two_nearest_neighbours(pairs).value == pytest.approx(7.5, rel=1e-12)


@pytest.mark.parametrize(("n_equal", "is_estimated"), [(12, True), (13, False)])
def test_ratios_of_one_alone_give_null(n_equal, is_estimated):
    """Of 15 ratios, 2NN looks at 13."""
    estimate = two_nearest_neighbours(np.column_stack([np.ones(15), [*[1] * n_equal, *[2] * (15 - n_equal)]]))
    assert (estimate.value is not None) == is_estimated
    reason = "the two nearest neighbours of 13 of 15 points are equally near"
    assert estimate.reason == (None if is_estimated else reason)


def test_no_error_where_a_group_left_out_leaves_ratios_of_one_alone():
    far = np.ones(200)
    far[::20] = 2  # the first group
    far[1:201:20] = 2  # and the second
    far[2] = 2
    estimate = two_nearest_neighbours(np.column_stack([np.ones(200), far]))
    assert estimate.value > 0
    assert estimate.stderr is None


def test_points_at_distance_zero_are_left_out(rng):
    pairs = np.sort(0.1 + rng.random((200, 2)), axis=1)
    zeros = np.column_stack([np.zeros(10), np.ones(10)])
    assert two_nearest_neighbours(np.vstack([pairs, zeros])).value == two_nearest_neighbours(pairs).value


def test_the_estimate_is_that_of_the_ratios_alone(rng):
    pairs = np.sort(0.1 + rng.random((200, 2)), axis=1)
    scaled = pairs * rng.random((200, 1))
    assert two_nearest_neighbours(scaled).value == pytest.approx(two_nearest_neighbours(pairs).value, rel=1e-9)


@pytest.mark.parametrize("dimension", [1, 2, 5])
def test_gride_agrees_with_2nn_at_two_neighbours(rng, dimension):
    nearest = distances(rng.random((1500, dimension)) @ rng.normal(size=(dimension, 20)))
    (estimate,) = gride(nearest)
    assert estimate.intrinsic_dimension == pytest.approx(two_nearest_neighbours(nearest).value, rel=0.03)


def test_a_noisy_plane_has_two_dimensions_only_past_the_scale_of_its_noise(rng):
    plane = np.hstack([rng.random((2000, 2)), np.zeros((2000, 8))])
    noise = 0.01
    near, *_, far = gride(distances(plane + noise * rng.normal(size=plane.shape), 128))
    assert near.scale < 5 * noise < far.scale
    assert near.intrinsic_dimension > 5
    assert far.intrinsic_dimension == pytest.approx(2, abs=0.2)


@pytest.mark.parametrize(("n_zero", "is_estimated"), [(20, True), (22, False)])
def test_points_at_distance_zero_are_left_out_of_gride_or_too_many(rng, n_zero, is_estimated):
    points = rng.normal(size=(200, 3))
    points[: n_zero // 2] = points[n_zero // 2 : n_zero]
    estimates = gride(distances(points, 16))
    assert [estimate.neighbours for estimate in estimates] == [2, 4, 8, 16]
    for estimate in estimates:
        if is_estimated:
            assert estimate.intrinsic_dimension == pytest.approx(3, abs=0.8)
        else:
            assert estimate[1:4] == (None, None, None)
            assert estimate.reason == "22 of 200 points lie at distance zero from their nearest neighbour"


def test_gride_estimates_nothing_at_the_scales_of_a_lattice(rng):
    lattice = np.stack(np.meshgrid(np.arange(20.0), np.arange(20.0)), -1).reshape(-1, 2)
    nearest, second, *_, last = gride(distances(lattice, 32))
    assert (nearest.intrinsic_dimension, nearest.id_stderr, nearest.scale) == (None, None, 1)
    assert nearest.reason == "neighbours 1 and 2 of 400 of 400 points are equally near"
    assert "neighbours 2 and 4" in second.reason
    assert last.intrinsic_dimension == pytest.approx(2, abs=0.3)


@pytest.mark.parametrize("ratio", [2**0.5, 1 + 1e-5], ids=["all the same", "too small"])
def test_ratios_that_fit_no_dimension_give_null(rng, ratio):
    spread = 0 if ratio > 1.1 else 1e-5 * rng.random(100)
    (estimate,) = gride(np.column_stack([np.ones(100), ratio + spread * np.ones(100)]))
    assert estimate.intrinsic_dimension is None
    assert estimate.reason == "Gride finds no dimension between 0.001 and 1000"
