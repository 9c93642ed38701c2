"""Numbers that others published or that are true by construction; none of them comes from this package."""

import os
from pathlib import Path

import numpy as np
import pytest

from vae_geometry.geometry.information_imbalance import information_imbalance
from vae_geometry.geometry.intrinsic_dimension import gride, two_nearest_neighbours
from vae_geometry.geometry.neighbours import find_neighbours


def id_of(points):
    return two_nearest_neighbours(find_neighbours([points]).distances[0]).value


def at_scales(points, largest):
    """ID, its error and the scale at 2, 4, ... neighbours."""
    estimates = gride(find_neighbours([points], largest).distances[0])
    return [[getattr(one, name) for one in estimates] for name in ("intrinsic_dimension", "id_stderr", "scale")]


# DADApy at d729b88 with numpy 2.5.4, as kept by scikit-dimension 0.5.0: skdim/tests/reference/fixtures.json
BALL = {
    "id": 4.362176532655348,
    "ids": [4.113138928258821, 4.66693391842823, 4.312444553888434, 4.398278299744852, 4.27531095553466],
    "errors": [0.2374721867444559, 0.19416817346782453, 0.12728767831724327, 0.09167592669455255, 0.0629992238869413],
}
SPHERE = {
    "id": 3.2212051304386806,
    "ids": [3.3280716283754144, 3.9711524244873146, 3.8878750983341304, 3.8137072620044057, 3.733098521604872],
    "errors": [0.19214630505249017, 0.16538238008294626, 0.11466515163281499, 0.0795043872145735, 0.055004370570891914],
}


@pytest.mark.parametrize(("name", "expected"), [("hyperBall", BALL), ("hyperSphere", SPHERE)])
def test_the_values_that_scikit_dimension_keeps_of_dadapy(name, expected):
    """Its tests make the points in the same way: skdim/tests/reference/data.py."""
    datasets = pytest.importorskip("skdim.datasets")
    points = getattr(datasets, name)(300, *((5,) if name == "hyperBall" else (4,)), random_state=name == "hyperSphere")
    ids, errors, _ = at_scales(points, 32)
    assert id_of(points) == pytest.approx(expected["id"], rel=1e-9)
    assert ids == pytest.approx(expected["ids"], rel=0, abs=1e-7)  # to which DADApy finds them
    assert errors == pytest.approx(expected["errors"], rel=1e-7)


@pytest.mark.parametrize(("n_dimensions", "n_points"), [(2, 1000), (5, 500), (30, 500)])
def test_2nn_is_that_of_scikit_dimension(n_dimensions, n_points):
    """Which fits the line by scikit-learn (skdim.id.TwoNN)."""
    skdim = pytest.importorskip("skdim")
    points = skdim.datasets.hyperBall(n_points, n_dimensions, random_state=0)
    assert id_of(points) == pytest.approx(skdim.id.TwoNN(discard_fraction=0.1).fit(points).dimension_, rel=1e-9)


# Of low dimension and little curvature, where 2NN is near the truth; docs/explanation/trust.md has them all.
@pytest.mark.parametrize(
    ("name", "truth"), [("M2_Affine_3to5", 3), ("M7_Roll", 2), ("M13a_Scurve", 2), ("M5b_Helix2d", 2)]
)
def test_benchmark_manifolds_of_low_dimension_have_it(name, truth):
    """Hein and Audibert (2005) and Campadelli et al. (2015), by skdim.datasets.BenchmarkManifolds."""
    manifolds = pytest.importorskip("skdim.datasets").BenchmarkManifolds(random_state=0)
    stated, n_coordinates, _ = manifolds.truth.loc[name]
    points = manifolds.generate(name=name, n=2500, dim=n_coordinates, d=stated)
    assert stated == truth
    assert id_of(points) == pytest.approx(truth, rel=0.1)


@pytest.mark.parametrize("dimension", [1, 2, 4])
def test_a_gaussian_of_low_dimension_has_it(rng, dimension):
    assert id_of(rng.normal(size=(2000, dimension))) == pytest.approx(dimension, rel=0.08)


def test_2nn_reads_low_where_the_dimension_is_high(rng):
    """Facco et al. (2017) say so of their method: too few points fill a space of many dimensions."""
    assert 16 < id_of(rng.normal(size=(2000, 32))) < 27


def fixture_of_dadapy(name):
    """An array of the tests of DADApy (Apache 2.0), which are no part of its package."""
    folder = os.environ.get("VAE_GEOMETRY_TEST_DADAPY")
    if not folder:
        pytest.skip("VAE_GEOMETRY_TEST_DADAPY names no clone of github.com/sissa-data-science/DADApy")
    return np.load(Path(folder, "tests", name))


def test_the_ids_that_dadapys_own_tests_expect():
    """tests/test_id_estimation/test_2NN.py and test_gride.py, with their tolerances."""
    points = fixture_of_dadapy("2gaussians_in_2d.npy")
    ids, errors, scales = at_scales(points, 64)
    assert id_of(points) == pytest.approx(1.85, abs=0.01)
    assert ids == pytest.approx([2.0007, 2.0321, 1.9118, 2.0005, 1.6747, 0.7208], abs=0.001)
    assert errors == pytest.approx([0.2001, 0.1466, 0.0976, 0.0722, 0.0427, 0.0130], abs=0.001)
    assert scales == pytest.approx([0.3947, 0.5674, 0.8013, 1.1345, 1.6477, 3.5726], abs=0.001)


def test_the_ii_that_dadapys_own_tests_expect():
    """tests/test_metric_comparisons/test_information_imbalance.py: from all coordinates to some, and back."""
    points = fixture_of_dadapy("3d_gauss_small_z_var.npy")
    chosen = ([0], [1], [2], [0, 1], [0, 2], [1, 2])
    ranks = find_neighbours([points, *(points[:, coordinates] for coordinates in chosen)]).ranks
    to_some, back = ([information_imbalance(r) for r in of_ranks] for of_ranks in (ranks[0, 1:], ranks[1:, 0]))
    assert to_some == pytest.approx([0.144, 0.15, 0.968, 0.02, 0.1426, 0.1492], rel=0, abs=1e-12)
    assert back == pytest.approx([0.5978, 0.5128, 0.9696, 0.02, 0.6208, 0.5434], rel=0, abs=1e-12)
