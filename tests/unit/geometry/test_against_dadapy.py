"""ID, ID against scale and II, through ``find_neighbours``, against DADApy on the points themselves."""

import numpy as np
import pytest
from spaces import CASES, spaces_of

from vae_geometry.geometry.information_imbalance import information_imbalance
from vae_geometry.geometry.intrinsic_dimension import HIGHEST, LOWEST, PRECISION, gride, two_nearest_neighbours
from vae_geometry.geometry.neighbours import find_neighbours

dadapy = pytest.importorskip("dadapy")
metric_comparisons = pytest.importorskip("dadapy._utils.metric_comparisons")


@pytest.fixture(params=CASES)
def spaces(request):
    return spaces_of(request.param)


def dadapys(points, n_neighbours):
    """DADApy's distances of some points; in their middle, as it loses digits far from the origin."""
    data = dadapy.Data(points - points.mean(axis=0, dtype=np.float64), maxk=n_neighbours)
    data.compute_distances()
    return data


def test_id_is_dadapys(spaces):
    for points, distances in zip(spaces, find_neighbours(spaces).distances, strict=True):
        expected, _, _ = dadapys(points, 2).compute_id_2NN(algorithm="base", mu_fraction=0.9)
        assert two_nearest_neighbours(distances).value == pytest.approx(expected, rel=1e-9)


def test_id_against_scale_is_dadapys(spaces):
    for points, distances in zip(spaces, find_neighbours(spaces, 64).distances, strict=True):
        theirs = dadapys(points, 64).return_id_scaling_gride(range_max=64, d0=LOWEST, d1=HIGHEST, eps=PRECISION)
        estimates = gride(distances)
        assert [estimate.neighbours for estimate in estimates] == [2, 4, 8, 16, 32, 64]
        for name, values in zip(("intrinsic_dimension", "id_stderr", "scale"), theirs, strict=True):
            assert [getattr(estimate, name) for estimate in estimates] == pytest.approx(values, rel=1e-9), name


def test_id_against_scale_is_that_of_dadapys_own_precision(rng):
    """Which bisects down to 1e-7, its default."""
    points = rng.normal(size=(400, 6))
    theirs, _, _ = dadapys(points, 64).return_id_scaling_gride(range_max=64)
    ours = [estimate.intrinsic_dimension for estimate in gride(find_neighbours([points], 64).distances[0])]
    assert ours == pytest.approx(theirs, rel=0, abs=1e-7)


def test_ties_and_outliers_count_in_the_id_against_scale_as_in_dadapys(rng):
    """From the same distances, as DADApy's own may be not quite equal where ours are."""
    distances = np.sort(0.5 + rng.random((300, 8)), axis=1)
    distances[:20, 1] = distances[:20, 0]
    distances[20:40, 3] = distances[20:40, 1] = distances[20:40, 2]
    distances[40:45, 1:] *= 1e4
    padded = np.column_stack([np.zeros(300), distances])
    data = dadapy.Data(distances=(padded, np.zeros(padded.shape, int)), maxk=8)
    theirs, _, _ = data.return_id_scaling_gride(range_max=8, d0=LOWEST, d1=HIGHEST, eps=PRECISION)
    assert [estimate.intrinsic_dimension for estimate in gride(distances)] == pytest.approx(theirs, rel=1e-9)
    without_outliers, without_ties = (
        gride(np.delete(distances, rows, axis=0))[0] for rows in (np.s_[40:45], np.s_[:20])
    )
    assert without_outliers.intrinsic_dimension == pytest.approx(theirs[0], rel=1e-9)
    assert without_ties.intrinsic_dimension != pytest.approx(theirs[0], rel=1e-3)


def test_ii_is_dadapys(spaces):
    neighbours = find_neighbours(spaces)
    indices = [dadapys(points, len(points) - 1).dist_indices for points in spaces]
    assert all(index.shape == (len(index), len(index)) for index in indices)
    for a, source in enumerate(indices):
        for b, target in enumerate(indices):
            expected = metric_comparisons._return_imbalance(source, target, rng=np.random.default_rng(0), k=1)
            assert information_imbalance(neighbours.ranks[a, b]) == pytest.approx(expected, rel=0, abs=1e-12), (a, b)
