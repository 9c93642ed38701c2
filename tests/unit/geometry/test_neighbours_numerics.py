"""What neither the order in memory, nor the range of the values, nor ties may change, and what ties may cost."""

from fractions import Fraction

import numpy as np
import pytest
from brute_force import assert_equal, assert_those_of_float64

from vae_geometry import VaeGeometryError
from vae_geometry.geometry import _kernels as kernels
from vae_geometry.geometry import _spaces
from vae_geometry.geometry.activations import open_layers
from vae_geometry.geometry.neighbours import find_neighbours


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def permuted_rows(rng):
    """Rows of the same few float32 values: many distances tie but for the order in which they are summed."""
    values = np.where(np.arange(200) < 6, rng.normal(size=200), 0).astype(np.float32)
    return np.array([rng.permutation(values) for _ in range(200)])


def mapped_by_column(points, folder):
    np.save(folder / "points.npy", np.asfortranarray(points))
    return np.load(folder / "points.npy", mmap_mode="r")


STORED = {
    "by column": lambda points, folder: np.asfortranarray(points),
    "by column in a mapped file": mapped_by_column,
    "every second column": lambda points, folder: np.repeat(points, 2, axis=1)[:, ::2],
    "first columns": lambda points, folder: np.hstack([points, points])[:, : points.shape[1]],
    "backward": lambda points, folder: np.ascontiguousarray(points[:, ::-1])[:, ::-1],
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("order", STORED)
def test_the_order_in_memory_does_not_matter(rng, tmp_path, order, dtype):
    points, other = permuted_rows(rng).astype(dtype), rng.normal(size=(200, 5))
    stored = STORED[order](points, tmp_path)
    np.testing.assert_array_equal(stored, points)
    assert not stored.flags.c_contiguous
    assert_equal(find_neighbours([other, stored]), find_neighbours([other, points]))


def tiny_beside_an_outlier(rng):
    points = 1e-161 * rng.normal(size=(46, 3))
    points[5] = 2e-150
    return points


RANGES = {
    "tiny beside an outlier": tiny_beside_an_outlier,
    "tiny": lambda rng: 1e-200 * rng.normal(size=(46, 3)),
    "as small as float64 goes": lambda rng: 5e-324 * rng.integers(-999, 999, size=(46, 3)),
    "huge": lambda rng: 1e200 * rng.normal(size=(46, 3)),
    "tiny beside a constant": lambda rng: np.hstack([1e-220 * rng.normal(size=(46, 2)), np.ones((46, 1))]),
}


def squared_distances(points):
    """In fractions, which lose no digit."""
    exact = [[Fraction(float(value)) for value in point] for point in points]
    return [[sum((a - b) ** 2 for a, b in zip(one, other, strict=True)) for other in exact] for one in exact]


@pytest.mark.parametrize("case", RANGES)
def test_no_square_leaves_float64(rng, case):
    """Integer for integer what exact arithmetic gives."""
    spaces = [RANGES[case](rng), rng.normal(size=(46, 2))]
    found = find_neighbours(spaces)
    squared = [squared_distances(space) for space in spaces]
    for a in range(2):
        for i in range(46):
            order = sorted((j for j in range(46) if j != i), key=lambda j: squared[a][i][j])
            assert found.indices[a, i].tolist() == order[:2]
            reached = [squared[b][i][order[0]] for b in range(2)]
            ranks = [1 + sum(squared[b][i][j] < reached[b] for j in range(46) if j != i) for b in range(2)]
            assert found.ranks[a, :, i].tolist() == ranks
            distance = Fraction(found.distances[a, i, 0])
            assert abs(distance**2 - reached[a]) <= max(reached[a] / 10**14, distance * Fraction(5e-324))


def test_a_range_that_has_no_squares_in_float64_is_refused(rng, tmp_path):
    points = rng.normal(size=(46, 3))
    points[7, 1] = 1e-300
    np.save(tmp_path / "layer00.npy", points)
    with pytest.raises(
        VaeGeometryError, match=r"layer00.npy: the squares of 1e-300 and .e\+00 do not both fit in float64; set"
    ):
        open_layers(tmp_path)
    with pytest.raises(ValueError, match="the squares of 1e-300 and"):
        find_neighbours([points])
    points[7, 1] = 0
    np.save(tmp_path / "layer00.npy", points)
    assert len(open_layers(tmp_path)) == 1


def with_an_outlier(rng):
    points = (rng.random((90, 100)) < 0.05).astype(float)
    points[3] *= 1e5
    return points


TIES = {
    "identity": lambda rng: np.eye(90),
    "shifted and scaled identity": lambda rng: 2.0**-30 * (np.eye(90) - 3),
    "identity beside a constant": lambda rng: np.hstack([np.eye(90), np.full((90, 1), 0.1)]),
    "one-hot": lambda rng: np.eye(60)[rng.integers(0, 60, 90)],
    "whole numbers": lambda rng: rng.integers(-1, 2, size=(90, 40)),
    "larger whole numbers": lambda rng: rng.choice([-1100, 0, 1100], size=(90, 3)),
    "grid": lambda rng: np.stack(np.meshgrid(np.arange(9), np.arange(10)), -1).reshape(-1, 2),
    "black and white": lambda rng: rng.random((90, 1100)) < 0.02,
    "counts": lambda rng: rng.poisson(rng.gamma(0.02, 5, size=(90, 100))),
    "an outlier": with_an_outlier,
}


def count_calls(monkeypatch, module, name):
    calls, function = [], getattr(module, name)
    monkeypatch.setattr(module, name, lambda *arguments: calls.append(name) or function(*arguments))
    return calls


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", TIES)
def test_ties_take_no_more_float64_distances_than_other_points(rng, monkeypatch, case, dtype):
    spaces = [TIES[case](rng).astype(dtype), rng.normal(size=(90, 4)), rng.normal(size=(90, 5))]
    for name in ("nearest", "rank", "_decide", "_known_distance"):  # calls within compiled code cannot be counted
        monkeypatch.setattr(kernels, name, getattr(kernels, name).py_func)
    distances = count_calls(monkeypatch, kernels, "_squared_distance")
    comparisons = count_calls(monkeypatch, _spaces.np, "array_equal")
    found = find_neighbours(spaces)
    assert len(distances) <= 720  # 540 where all three spaces are random
    assert len(comparisons) <= 90
    monkeypatch.undo()
    assert_those_of_float64(found, spaces)
