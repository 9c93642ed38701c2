import numpy as np
import pytest
from sklearn.datasets import load_digits

from vae_geometry.geometry.information_imbalance import information_imbalance, relative_difference, standard_error
from vae_geometry.geometry.neighbours import find_neighbours
from vae_geometry.geometry.standard_errors import dyadic_variance


def imbalance(source, target):
    return information_imbalance(find_neighbours([source, target]).ranks[0, 1])


def test_a_space_determines_itself(rng):
    points = rng.normal(size=(200, 3))
    assert imbalance(points, points) == pytest.approx(2 / 200)


def test_an_unrelated_space_says_nothing(rng):
    source, target = rng.normal(size=(2, 500, 3))
    assert imbalance(source, target) == pytest.approx(1, abs=0.1)


def test_a_space_that_adds_noise_is_less_informative_than_its_source(rng):
    source = rng.normal(size=(500, 3))
    noisy = np.hstack([source, 2 * rng.normal(size=(500, 3))])
    assert imbalance(noisy, source) > 3 * imbalance(source, source)


def test_the_standard_error_is_the_spread_over_disjoint_samples_of_real_data():
    images = load_digits().images
    fine, coarse = images.reshape(-1, 64), images.reshape(-1, 4, 2, 4, 2).mean(axis=(2, 4)).reshape(-1, 16)
    for source, target in ((fine, coarse), (coarse, fine), (fine, fine[:, 24:40]), (fine[:, 24:40], fine)):
        samples = [find_neighbours([source[i::17], target[i::17]]) for i in range(17)]
        spread = np.std([information_imbalance(sample.ranks[0, 1]) for sample in samples], ddof=1)
        errors = [standard_error(sample.ranks[0, 1], sample.indices[0, :, 0]) for sample in samples]
        assert np.mean(errors) == pytest.approx(spread, rel=0.5)


def test_a_space_says_more_about_its_part_than_the_part_about_it(rng):
    whole = rng.normal(size=(500, 2))
    assert imbalance(whole, whole[:, :1]) < 0.5 * imbalance(whole[:, :1], whole)


def test_it_is_twice_the_mean_rank_over_the_number_of_points():
    assert information_imbalance(np.array([1, 2, 3, 1])) == pytest.approx(2 / 4 * 7 / 4)


def test_the_lowest_value_is_two_over_n():
    assert information_imbalance(np.ones(50, np.int32)) == pytest.approx(2 / 50)


@pytest.mark.parametrize("ranks", [[0, 1, 1], [1, 1, 3]])
def test_a_rank_that_cannot_be_is_an_error(ranks):
    with pytest.raises(ValueError, match=r"ranks must lie in 1 .. 2"):
        information_imbalance(np.array(ranks))


def test_large_ranks_do_not_overflow():
    n_points = 60_000
    assert information_imbalance(np.full(n_points, n_points - 1, np.int32)) == pytest.approx(2, abs=1e-4)


def test_the_standard_error_is_the_spread_over_samples(rng):
    """Errors that leave the pairs of mutual nearest neighbours independent are a fifth too small here."""
    pairs, n_points = ((0, 1), (1, 0), (2, 0)), 200
    samples = []
    for _ in range(150):
        source = rng.normal(size=(n_points, 2))
        found = find_neighbours([source, source + 0.5 * rng.normal(size=source.shape), source[:, :1]])
        ranks = [(found.ranks[pair], found.indices[pair[0], :, 0]) for pair in pairs]
        samples.append([(information_imbalance(r), standard_error(r, nearest)) for r, nearest in ranks])
    values, errors = np.moveaxis(samples, -1, 0)
    assert np.mean(errors.mean(axis=0) / values.std(axis=0, ddof=1)) == pytest.approx(1, abs=0.12)
    assert np.mean(abs(values - values.mean(axis=0)) < 1.96 * errors) > 0.89


def test_ranks_whose_dyads_share_a_point_count_together():
    ranks = np.tile([1, 3, 5, 7], 10)  # less their mean: -3, -1, 1, 3
    in_a_ring = np.roll(np.arange(40), -1)  # each residual shares a point with the one before and the one after
    products = 10 * (9 + 1 + 1 + 9 + 2 * (3 - 1 + 3 - 9))
    assert dyadic_variance(ranks - 4.0, in_a_ring) == pytest.approx(products)
    in_pairs = np.arange(40) ^ 1  # mutual nearest neighbours
    assert standard_error(ranks, in_pairs) == pytest.approx(2 / 40**2 * np.sqrt(10 * (16 + 16)))


def test_the_error_is_at_least_that_of_points_of_one_nearest_neighbour_as_one_cluster():
    ranks = np.tile([1, 3, 5, 7], 10)
    in_a_ring = np.roll(np.arange(40), -1)
    assert standard_error(ranks, in_a_ring) == pytest.approx(2 / 40**2 * np.sqrt(10 * (9 + 1 + 1 + 9)))


def test_a_collapsed_layer_has_no_standard_error(rng):
    collapsed = find_neighbours([np.ones((300, 4)), rng.normal(size=(300, 4))])
    assert standard_error(collapsed.ranks[0, 1], collapsed.indices[0, :, 0]) is None


def test_the_standard_error_of_equal_ranks_is_zero():
    assert standard_error(np.ones(50, np.int32), np.arange(50)) == 0


def test_a_compression_is_negative_and_an_expansion_positive(rng):
    whole = rng.normal(size=(300, 2))
    part = whole[:, :1]
    forward, backward = imbalance(whole, part), imbalance(part, whole)
    assert relative_difference(forward, backward) < -0.5
    assert relative_difference(backward, forward) == pytest.approx(-relative_difference(forward, backward))


def test_the_relative_difference_of_one_and_three_is_minus_one():
    assert relative_difference(1.0, 3.0) == -1
    assert relative_difference(np.array([1.0, 2.0]), np.array([3.0, 2.0])).tolist() == [-1, 0]
