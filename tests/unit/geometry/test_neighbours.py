"""Neighbours and ranks against float64 brute force, and what must not change them."""

import re
from pathlib import Path

import numpy as np
import pytest
from brute_force import assert_equal, assert_those_of_float64
from hypothesis import given, settings
from hypothesis import strategies as st

from vae_geometry import VaeGeometryError
from vae_geometry.geometry import _kernels as kernels
from vae_geometry.geometry import neighbours
from vae_geometry.geometry.information_imbalance import information_imbalance
from vae_geometry.geometry.neighbours import find_neighbours

SEEDS = st.integers(0, 2**32 - 1)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def outlier(rng):
    points = rng.normal(size=(300, 700))
    points[7] = 1e6
    return points


def dead_units(rng):
    points = rng.normal(size=(300, 700))
    points[:, ::3] = 7
    return points


def coinciding(rng):
    points = rng.normal(size=(300, 700))
    points[:150] = points[0]
    points[200:] = points[200]
    return points


def clusters(rng):
    points = 1e-4 * rng.normal(size=(300, 40))
    points[150:] += 100
    return points


HARD = {
    "two-dimensional cloud far from the origin": lambda rng: 5 + 0.01 * rng.normal(size=(300, 2)) @ np.eye(2, 3072),
    "tilted two-dimensional cloud": lambda rng: 5 + 0.01 * rng.normal(size=(300, 2)) @ rng.normal(size=(2, 3072)) / 55,
    "far outlier": outlier,
    "dead units": dead_units,
    "far in all coordinates": lambda rng: 1e4 + rng.normal(size=(300, 700)),
    "tiny": lambda rng: 1e-20 * rng.normal(size=(300, 700)),
    "subnormal": lambda rng: 1e-40 * rng.normal(size=(300, 20)),
    "huge": lambda rng: 1e18 * rng.normal(size=(300, 700)),
    "coinciding": coinciding,
    "all the same": lambda rng: np.ones((300, 10)),
    "tight clusters": clusters,
    "integers": lambda rng: rng.integers(0, 3, size=(300, 12)).astype(float),
    "three points": lambda rng: rng.normal(size=(3, 5)),
    "one coordinate": lambda rng: rng.normal(size=(300, 1)),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", HARD)
def test_hard_cases_are_those_of_float64(rng, name, dtype):
    hard = HARD[name](rng).astype(dtype)
    spaces = [rng.normal(size=(len(hard), 4)), hard, (hard[:, :1] + rng.normal(size=(len(hard), 1))).astype(dtype)]
    assert_those_of_float64(find_neighbours(spaces), spaces)


def test_half_precision_and_mapped_files_are_read(rng, tmp_path):
    spaces = [rng.normal(size=(200, 30)).astype(np.float16), rng.normal(size=(200, 3)).astype(np.float32)]
    for number, space in enumerate(spaces):
        np.save(tmp_path / f"{number}.npy", space)
    mapped = [np.load(tmp_path / f"{number}.npy", mmap_mode="r") for number in range(2)]
    assert_those_of_float64(find_neighbours(mapped), spaces)
    written = [np.load(tmp_path / f"{number}.npy", mmap_mode="c") for number in range(2)]
    written[1][:] = spaces[1][::-1]
    assert_those_of_float64(find_neighbours(written), [spaces[0], spaces[1][::-1]])


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="only Linux tells what is in memory of a file")
def test_no_page_of_a_mapped_file_stays_in_memory(rng, tmp_path):
    path = tmp_path / "points.npy"
    np.save(path, rng.normal(size=(400, 300)))
    mapped = np.load(path, mmap_mode="r")
    assert mapped.sum() != 0
    assert kilobytes_in_memory(path) > 900
    find_neighbours([mapped, mapped[:, :3]])
    assert kilobytes_in_memory(path) == 0


def kilobytes_in_memory(path):
    _, _, mapping = Path("/proc/self/smaps").read_text().partition(f"{path}\n")
    return int(re.search(r"^Rss: +(\d+) kB", mapping, re.MULTILINE).group(1))


def test_more_neighbours(rng):
    spaces = [rng.normal(size=(300, 3)), rng.integers(0, 4, size=(300, 3)).astype(np.float32)]
    for n_neighbours in (3, 64, 299):
        assert_those_of_float64(find_neighbours(spaces, n_neighbours), spaces, n_neighbours)


@settings(max_examples=20, deadline=None)
@given(SEEDS, st.integers(3, 90), st.integers(1, 40))
def test_random_clouds_are_those_of_float64(seed, n_points, n_dimensions):
    rng = np.random.default_rng(seed)
    spaces = [rng.normal(size=(n_points, d)).astype(np.float32) for d in (n_dimensions, 2, 1)]
    assert_those_of_float64(find_neighbours(spaces), spaces)


@settings(max_examples=15, deadline=None)
@given(SEEDS, st.integers(-60, 60))
def test_a_power_of_two_scales_the_distances_alone(seed, exponent):
    rng = np.random.default_rng(seed)
    spaces = [rng.normal(size=(80, d)).astype(np.float32) for d in (3, 600)]
    plain = find_neighbours(spaces)
    scaled = find_neighbours([space * np.float32(2.0**exponent) for space in spaces])
    assert_equal(scaled, plain, ("indices", "ranks", "ties"))
    np.testing.assert_array_equal(scaled.distances, plain.distances * 2.0**exponent)


@settings(max_examples=15, deadline=None)
@given(SEEDS)
def test_a_rotation_changes_no_rank(seed):
    rng = np.random.default_rng(seed)
    spaces = [rng.normal(size=(60, 20)), rng.normal(size=(60, 5))]
    rotation, _ = np.linalg.qr(rng.normal(size=(20, 20)))
    rotated = find_neighbours([spaces[0] @ rotation, spaces[1]])
    assert_equal(rotated, find_neighbours(spaces), ("indices", "ranks", "ties"))


@settings(max_examples=15, deadline=None)
@given(SEEDS)
def test_permuting_the_points_permutes_the_ranks(seed):
    rng = np.random.default_rng(seed)
    spaces = [rng.normal(size=(70, d)).astype(np.float32) for d in (3, 30)]
    order = rng.permutation(70)
    plain, permuted = find_neighbours(spaces), find_neighbours([space[order] for space in spaces])
    np.testing.assert_array_equal(permuted.ranks, plain.ranks[:, :, order])
    np.testing.assert_array_equal(permuted.distances, plain.distances[:, order])
    np.testing.assert_array_equal(order[permuted.indices], plain.indices[:, order])


@settings(max_examples=15, deadline=None)
@given(SEEDS, st.floats(-1e6, 1e6, width=32))
def test_a_constant_column_changes_nothing(seed, constant):
    rng = np.random.default_rng(seed)
    spaces = [rng.normal(size=(60, 3)), rng.normal(size=(60, 9))]
    widened = [spaces[0], np.hstack([spaces[1], np.full((60, 1), constant)])]
    assert_equal(find_neighbours(widened), find_neighbours(spaces), ("indices", "ranks", "ties"))


def test_a_space_tells_all_about_itself(rng):
    points = rng.normal(size=(100, 5)).astype(np.float32)
    found = find_neighbours([points, points.copy()])
    assert all(information_imbalance(ranks) == 2 / 100 for row in found.ranks for ranks in row)


def test_among_equally_near_points_the_lowest_index_is_the_neighbour():
    corners = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
    found = find_neighbours([corners, np.array([[0], [1], [3], [7]], np.float32)])
    np.testing.assert_array_equal(found.indices[0], [[1, 2], [0, 3], [0, 3], [1, 2]])
    np.testing.assert_array_equal(found.ranks[1, 0], [1, 1, 3, 1])
    np.testing.assert_array_equal(found.ties, [[4, 0], [3, 0]])


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("n_points", [300, 311])
def test_no_digit_depends_on_tiles_blocks_threads_or_memory(rng, monkeypatch, threads, n_points):
    spaces = [rng.normal(size=(n_points, d)).astype(np.float32) for d in (2, 40, 1100)]
    spaces.append(coinciding(rng)[np.arange(n_points) % 300].astype(np.float32))
    expected = find_neighbours(spaces, threads=threads)
    assert_those_of_float64(expected, spaces)
    monkeypatch.setattr(neighbours, "TILE", 100)
    monkeypatch.setattr(neighbours, "BLOCK_BYTES", 2**14)
    parts = neighbours._plan(n_points, 4, 1, 1000).parts
    for stripe, n_kept in [(len(parts), 4), (len(parts), 2), (len(parts), 0), (2, 0), (1, 0)]:
        plan = neighbours._Plan(parts, stripe, n_kept, block_rows=13)
        monkeypatch.setattr(neighbours, "_plan", lambda *_, plan=plan: plan)
        assert_equal(find_neighbours(spaces, threads=threads), expected)


def test_memory_decides_what_is_kept():
    enough, some, one, stripe = (neighbours._plan(5000, 11, 2, memory_mb) for memory_mb in (2000, 600, 130, 80))
    assert (enough.n_kept, len(enough.parts)) == (11, enough.stripe)
    assert 0 < some.n_kept < 11
    assert (one.n_kept, one.stripe) == (0, len(one.parts))
    assert stripe.stripe < len(stripe.parts)


def test_too_little_memory_is_an_error():
    with pytest.raises(VaeGeometryError, match=r"memory_mb: too little for 5000 points; allow [0-9]+ MB more"):
        find_neighbours([np.zeros((5000, 2), np.float32)], memory_mb=1)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_coordinates_must_be_finite(rng, bad):
    points = rng.normal(size=(20, 3))
    points[4, 1] = bad
    with pytest.raises(ValueError, match="finite"):
        find_neighbours([points])


def test_spaces_must_hold_the_same_points(rng):
    with pytest.raises(ValueError, match="same points"):
        find_neighbours([rng.normal(size=(20, 3)), rng.normal(size=(21, 3))])


def test_products_of_torch_give_the_same(rng):
    spaces = [rng.normal(size=(200, d)).astype(np.float32) for d in (3, 1100)]
    assert_equal(find_neighbours(spaces, device="cpu:0"), find_neighbours(spaces))  # not "cpu", which is BLAS


def test_code_that_cannot_be_kept_is_compiled_all_the_same(monkeypatch):
    from numba.core import caching

    monkeypatch.setattr(caching.CacheImpl, "_locator_classes", [])  # as where source and home are read-only
    twice = kernels.compiled(lambda value: 2 * value)
    assert twice(21) == 42
