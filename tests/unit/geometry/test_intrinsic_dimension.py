import numpy as np
import pytest

from vae_geometry.geometry.activations import open_layers
from vae_geometry.geometry.intrinsic_dimension import dimension_rows, gride, standard_error, two_nearest_neighbours
from vae_geometry.geometry.neighbours import find_neighbours


def distances(points, n_neighbours=2):
    return find_neighbours([points], n_neighbours).distances[0]


@pytest.mark.parametrize("dimension", [1, 2, 5])
def test_the_dimension_of_uniform_points_is_found_wherever_they_are_embedded(rng, dimension):
    points = rng.random((1500, dimension)) @ rng.normal(size=(dimension, 20))
    estimate = two_nearest_neighbours(distances(points))
    assert estimate.value == pytest.approx(dimension, rel=0.1)
    assert (estimate.n_zero_distances, estimate.reason) == (0, None)


@pytest.mark.parametrize(("n_points", "n_samples"), [(20, 300), (300, 120)])
def test_the_standard_error_is_the_spread_over_samples(rng, n_points, n_samples):
    """Errors that take the points as independent are a quarter too small in two dimensions."""
    samples = [find_neighbours([rng.normal(size=(n_points, 2))]) for _ in range(n_samples)]
    values = np.array([two_nearest_neighbours(found.distances[0]).value for found in samples])
    errors = np.array([standard_error(found.distances[0], found.indices[0, :, 0]) for found in samples])
    assert errors.mean() == pytest.approx(values.std(ddof=1), rel=0.14)
    assert np.mean(abs(values - values.mean()) < 1.96 * errors) > 0.88


def test_a_table_gives_an_error_from_four_points_on_or_says_why_not(tmp_path, rng):
    for n_points in (3, 4):
        np.save(tmp_path / "layer00.npy", rng.normal(size=(n_points, 2)))
        layers = open_layers(tmp_path)
        (row,) = dimension_rows(layers, find_neighbours([layer.points for layer in layers]))
        assert row["intrinsic_dimension"] > 0
        is_known = n_points == 4
        assert (row["id_stderr"] is not None) == is_known
        assert row["reason"] == (None if is_known else "no standard error: 2NN fits fewer than 3 ratios above one")


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


@pytest.mark.parametrize(("n_above", "is_known"), [(2, False), (3, True)])
def test_no_error_where_almost_all_ratios_are_one(n_above, is_known):
    """2NN fits 180 of 200 ratios: these many of them are above one."""
    far = np.ones(200)
    far[: 20 + n_above] = 2
    pairs, nearest = np.column_stack([np.ones(200), far]), np.arange(200) ^ 1
    error = standard_error(pairs, nearest)
    assert (error is not None) == is_known
    assert error is None or error >= two_nearest_neighbours(pairs).value


def test_points_at_distance_zero_are_left_out_of_the_error(rng):
    found = find_neighbours([rng.normal(size=(200, 2))])
    pairs, nearest = found.distances[0], found.indices[0, :, 0]
    zeros = np.column_stack([np.zeros(10), np.ones(10)])
    with_zeros = standard_error(np.vstack([zeros, pairs]), np.append(np.arange(10) ^ 1, nearest + 10))
    assert with_zeros == pytest.approx(standard_error(pairs, nearest), rel=1e-12)


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
