"""What follows for a claim from what is known for each K, where some of it is open."""

import pytest

from vae_geometry.claims.uncertainty import Sample
from vae_geometry.claims.verdicts import for_all, for_all_of, for_any, for_large_only, inner_extremes, thresholds


@pytest.mark.parametrize(
    ("flags", "all_are", "one_is"),
    [
        ([True, True], True, True),
        ([True, None], None, True),
        ([True, None, False], False, True),
        ([None, False], False, None),
        ([False, False], False, False),
    ],
)
def test_all_and_any_leave_open_what_is_open(flags, all_are, one_is):
    assert for_all(flags) is all_are
    assert for_any(flags) is one_is


@pytest.mark.parametrize(
    ("flags", "applies", "holds"),
    [
        ({4: True, 8: True}, {4: True, 8: True}, True),
        ({4: True, 8: True}, {4: None, 8: True}, True),
        ({4: False, 8: True}, {4: None, 8: True}, None),
        ({4: None, 8: True}, {4: None, 8: True}, None),
        ({4: None, 8: False}, {4: None, 8: True}, False),
        ({4: False, 8: False}, {4: None, 8: None}, None),
        ({}, {}, None),
    ],
)
def test_a_k_to_which_a_claim_may_apply_leaves_it_open_and_does_not_contradict_it(flags, applies, holds):
    assert for_all_of(flags, applies) is holds


@pytest.mark.parametrize(
    ("flags", "found", "holds"),
    [
        ({2: False, 4: True, 8: True}, {4}, True),
        ({2: False, 4: False}, {None}, False),
        ({2: True, 4: True}, {None}, False),
        ({2: False, 4: True, 8: False}, {None}, False),
        ({2: False, 4: None, 8: True}, {4, 8}, True),  # there is a threshold, wherever it lies
        ({2: None, 4: True, 8: True}, {4, None}, None),
        ({2: False, 4: False, 8: None}, {8, None}, None),
        ({2: None, 4: None, 8: None}, {4, 8, None}, None),
    ],
)
def test_the_threshold_parts_small_from_large(flags, found, holds):
    assert thresholds(flags) == found
    assert for_large_only(flags) is holds


def profile(*numbers, error=0.01):
    return [Sample.of(number, number * error) for number in numbers]


@pytest.mark.parametrize(
    ("numbers", "sign", "place", "beyond"),
    [
        ((10, 15, 12), 1, 1, True),
        ((10, 10.5, 10), 1, 1, False),  # less than a tenth
        ((10, 12, 15, 11, 14.7), 1, 2, False),  # less than a tenth above the last
        ((10, 8, 6), 1, 1, False),
        ((10, 5, 9), -1, 1, True),
        ((10, 5, 4), -1, 1, False),
    ],
)
def test_an_inner_extreme_lies_beyond_both_ends(numbers, sign, place, beyond):
    found = inner_extremes({0: profile(*numbers)}, sign)[0]
    assert (found.place, found.is_beyond_ends) == (place, beyond)


def test_an_extreme_within_its_errors_is_open():
    assert inner_extremes({0: profile(10, 15, 12, error=0.3)}, 1)[0].is_beyond_ends is None


def test_the_highest_of_many_noisy_values_is_no_hump(rng):
    """Of a flat line with 48 inner points, the highest alone would lie two errors above the ends in most cases."""
    found = []
    for _ in range(200):
        line = [Sample.of(value, 2.0) for value in rng.normal(50, 2.0, 50)]
        found.append(inner_extremes({0: line}, 1)[0].is_beyond_ends)
    assert found.count(True) <= 4


def test_each_series_is_judged_for_itself():
    found = inner_extremes({2: profile(10, 9, 10), 8: profile(10, 20, 10)}, 1)
    assert (found[2].is_beyond_ends, found[8].is_beyond_ends) == (False, True)
