"""Means over seeds and their intervals: how often they hold the truth, and what follows from them."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from vae_geometry.claims.uncertainty import (
    ESTIMATE,
    SEEDS,
    Interval,
    Sample,
    differs,
    intervals,
    mean_of,
    over_seeds,
    sum_of,
)

N_BOTTLENECKS, N_SWEEPS = 7, 1500


def means(values, errors=None, by=("layer",), **columns):
    """What over_seeds makes of one value a seed."""
    frame = pd.DataFrame({"layer": 4, "seed": range(len(values)), "value": values, **columns})
    if errors is None:
        return over_seeds(frame, "value", by)
    return over_seeds(frame.assign(error=errors), "value", by, "error")


def only(table):
    (row,) = table.itertuples()
    return row


def test_several_seeds_have_the_standard_error_of_their_mean():
    row = only(means([1.0, 2.0, 6.0], [0.1, 0.2, 0.3]))
    assert (row.Index, row.mean, row.n_seeds) == (4, 3.0, 3)
    assert (row.spread, row.spread_kind) == (pytest.approx(np.sqrt(7 / 3)), SEEDS)  # (4 + 1 + 9) / 2 / 3


def test_one_seed_has_the_error_of_its_measurement():
    row = only(means([5.0], [0.3]))
    assert (row.mean, row.spread, row.spread_kind, row.n_seeds) == (5.0, 0.3, ESTIMATE, 1)


def test_one_seed_without_an_error_has_none():
    for row in (only(means([5.0])), only(means([5.0], [np.nan]))):
        assert (row.mean, row.n_seeds) == (5.0, 1)
        assert np.isnan(row.spread)
        assert pd.isna(row.spread_kind)


def test_seeds_that_agree_by_chance_have_the_error_of_a_measurement():
    row = only(means([1.0, 1.01], [0.1, 0.3]))
    assert (row.spread, row.spread_kind) == (pytest.approx(0.2 / np.sqrt(2)), ESTIMATE)


def test_several_seeds_need_no_error_of_the_measurement():
    row = only(means([1.0, 3.0], [np.nan, np.nan]))
    assert (row.spread, row.spread_kind) == (pytest.approx(1.0), SEEDS)


def test_a_null_counts_as_no_seed():
    row = only(means([1.0, np.nan, 3.0], [0.1, np.nan, 0.3]))
    assert (row.mean, row.n_seeds, row.spread) == (2.0, 2, pytest.approx(1.0))
    row = only(means([np.nan, np.nan], [np.nan, np.nan]))
    assert row.n_seeds == 0
    assert np.isnan(row.mean)
    assert np.isnan(row.spread)
    assert pd.isna(row.spread_kind)


def test_layers_without_a_role_are_kept():
    table = means([1.0, 3.0, 5.0, 7.0], by=["layer", "role"], layer=[0, 0, 1, 1], role=[None, None, "output", "output"])
    assert table["mean"].tolist() == [2.0, 6.0]
    assert table["n_seeds"].tolist() == [2, 2]


def sweep(rng, n_seeds, effect, measurement=0.3):
    """One number for every K, whose seeds scatter by 1 in all, the error of the measurement included."""
    errors = np.full(n_seeds, measurement)
    return {size: Sample(rng.normal(effect, 1.0, n_seeds), errors) for size in range(N_BOTTLENECKS)}


@pytest.mark.parametrize("n_seeds", [2, 3, 5, 10])
def test_intervals_hold_the_truth_in_95_of_100_cases(rng, n_seeds):
    held = [
        interval.lower <= 5 <= interval.upper
        for _ in range(N_SWEEPS)
        for interval in intervals(sweep(rng, n_seeds, effect=5.0)).values()
    ]
    assert 0.93 < np.mean(held) < 0.97
    alone = [
        intervals({0: Sample(rng.normal(5.0, 1.0, n_seeds), np.full(n_seeds, np.nan))})[0] for _ in range(N_SWEEPS)
    ]
    assert 0.93 < np.mean([interval.lower <= 5 <= interval.upper for interval in alone]) < 0.97


def test_the_intervals_of_all_bottlenecks_hold_together_in_95_of_100_sweeps(rng):
    held = [
        all(interval.lower <= 0 <= interval.upper for interval in intervals(sweep(rng, 3, 0.0), N_BOTTLENECKS).values())
        for _ in range(N_SWEEPS)
    ]
    assert 0.94 < np.mean(held) < 0.98


@pytest.mark.parametrize(("n_seeds", "held_alone"), [(2, 0.65), (3, 0.82), (5, 0.88), (10, 0.92)])
def test_a_bottleneck_whose_seeds_scatter_widely_does_not_drown_the_others(rng, n_seeds, held_alone):
    """The first scatters by 30; with one deviation for all, its interval would hold the truth in half of the cases."""
    held, seen = [], []
    for _ in range(N_SWEEPS):
        widely = Sample(rng.normal(8.0, 30.0, n_seeds), np.full(n_seeds, np.nan))
        found = intervals({**sweep(rng, n_seeds, effect=8.0, measurement=np.nan), 0: widely})
        held.append([interval.lower <= 8 <= interval.upper for interval in found.values()])
        seen.append(found[1].exceeds(0) is True)
    assert 0.92 < np.mean(held) < 0.97
    assert np.mean(held, axis=0)[0] > held_alone
    assert np.mean(seen) > 0.7


def test_whole_numbers_that_are_the_same_for_all_seeds_may_still_differ():
    same, others = Sample(np.array([4.0, 4.0]), np.full(2, np.nan)), Sample(np.array([4.0, 6.0]), np.full(2, np.nan))
    found = intervals({0: same, 1: others, 2: others})
    assert found[0].lower < 3


def test_more_seeds_see_more(rng):
    """A difference of two standard deviations: of 2 seeds more than half see it, and no number of seeds sees less."""
    power = []
    for n_seeds in (2, 3, 5, 10, 50):
        seen = [intervals(sweep(rng, n_seeds, effect=2.0))[0].exceeds(0) is True for _ in range(300)]
        power.append(np.mean(seen))
    assert power[0] > 0.5
    assert all(more >= less - 0.02 for less, more in pairwise(power))
    assert power[-1] == 1.0


def test_one_seed_has_the_interval_of_its_measurement_alone():
    interval = intervals({0: Sample.of(5.0, 1.0)})[0]
    assert (interval.lower, interval.upper) == (pytest.approx(5 - 1.96, abs=0.001), pytest.approx(5 + 1.96, abs=0.001))
    unknown = intervals({0: Sample.of(5.0)})[0]
    assert (unknown.lower, unknown.upper) == (-np.inf, np.inf)


def test_a_measurement_that_scatters_less_than_its_error_has_the_error():
    """The points are the same for all seeds, and say nothing of other points."""
    agree = Sample(np.array([1.0, 1.001]), np.array([0.5, 0.5]))
    assert intervals({0: agree})[0].upper > 1 + 2 * 0.5 / np.sqrt(2)
    assert agree.error == pytest.approx(0.5 / np.sqrt(2))


def test_what_all_seeds_share_is_measured_once():
    """The ID of the data is one measurement: more seeds make its error neither smaller nor less known."""
    once, shared = Sample.of(12.0, 0.2), Sample(np.full(3, 12.0), np.full(3, 0.2))
    assert shared.error == once.error == pytest.approx(0.2)
    assert intervals({0: shared}) == intervals({0: once})
    others = {
        1: Sample(np.array([9.0, 9.5, 10.0]), np.full(3, 0.2)),
        2: Sample(np.array([4.0, 4.6, 5.2]), np.full(3, 0.2)),
    }
    assert intervals({0: shared, **others}) == {**intervals({0: once}), **intervals(others)}
    frame = pd.DataFrame({"layer": 0, "seed": [0, 1, 2], "value": 12.1, "error": 0.2})
    assert over_seeds(frame, "value", ["layer"], "error")["spread"].tolist() == pytest.approx([0.2])


def test_differences_are_taken_within_seeds():
    before = Sample(np.array([1.0, 2.0, 3.0]), np.full(3, 0.01))
    after = Sample(before.numbers * 1.2, np.full(3, 0.01))
    difference = after.ratio(before)
    assert difference.numbers == pytest.approx(np.log(1.2))
    assert intervals({0: difference})[0].exceeds(np.log(1.1))
    assert not intervals({0: after})[0].exceeds(before.mean)  # as if they were other seeds


def test_sums_add_errors_that_may_be_shared_and_means_average_others():
    parts = [Sample(np.array([1.0, 2.0]), np.array([0.3, 0.3])), Sample(np.array([3.0, 4.0]), np.array([0.4, 0.4]))]
    total, mean = sum_of(parts), mean_of(parts)
    assert (total.numbers.tolist(), total.errors.tolist()) == ([4.0, 6.0], pytest.approx([0.7, 0.7]))
    assert (mean.numbers.tolist(), mean.errors.tolist()) == ([2.0, 3.0], pytest.approx([0.25, 0.25]))


@pytest.mark.parametrize(
    ("interval", "exceeds", "within"),
    [
        (Interval(1.1, 2.0), True, False),
        (Interval(0.5, 2.0), None, None),
        (Interval(-0.5, 0.9), False, True),
        (Interval(-3.0, -1.1), False, False),
        (Interval(-3.0, 0.5), False, None),
    ],
)
def test_an_interval_answers_yes_no_or_nothing(interval, exceeds, within):
    assert interval.exceeds(1.0) is exceeds
    assert interval.is_within(1.0) is within


def test_two_means_differ_by_more_than_twice_the_error_of_their_difference():
    assert differs(1.0, 0.1, 0.7, 0.1)
    assert not differs(1.0, 0.1, 0.72, 0.1)  # 2 * 0.1414
    assert not differs(1.0, np.nan, 0.0, 0.1)  # an unknown error is not zero


@pytest.mark.parametrize(
    ("sample", "text"),
    [
        (Sample.of(12.345, 0.123), "12.35 ± 0.12"),
        (Sample.of(0.023456, 0.0012), "0.0235 ± 0.0012"),
        (Sample.of(345.6, 12.0), "346 ± 12"),
        (Sample.of(0.5), "0.5"),
        (Sample(np.array([1.0, 3.0]), np.full(2, np.nan)), "2.0 ± 1.0"),
    ],
)
def test_a_number_is_printed_with_as_many_digits_as_its_error_has(sample, text):
    assert str(sample) == text
