"""Means over seeds and their errors, and what counts as a difference, a hump, an extremum and a threshold."""

import numpy as np
import pandas as pd
import pytest

from vae_geometry.claims.uncertainty import (
    ESTIMATE,
    SEEDS,
    Measured,
    exceeds,
    extremum,
    hump,
    is_near,
    over_seeds,
    threshold,
)


def means(values, errors=None, by=("layer",), **columns):
    """What over_seeds makes of one value a seed."""
    frame = pd.DataFrame({"layer": 4, "seed": range(len(values)), "value": values, **columns})
    if errors is None:
        return over_seeds(frame, "value", by)
    return over_seeds(frame.assign(error=errors), "value", by, "error")


def only(table):
    (row,) = table.itertuples()
    return row


def test_several_seeds_have_their_standard_deviation():
    row = only(means([1.0, 2.0, 6.0], [0.1, 0.2, 0.3]))
    assert (row.Index, row.mean, row.n_seeds) == (4, 3.0, 3)
    assert (row.spread, row.spread_kind) == (pytest.approx(np.sqrt(7)), SEEDS)  # (4 + 1 + 9) / 2


def test_one_seed_has_the_error_of_its_measurement():
    row = only(means([5.0], [0.3]))
    assert (row.mean, row.spread, row.spread_kind, row.n_seeds) == (5.0, 0.3, ESTIMATE, 1)


def test_one_seed_without_an_error_has_none():
    for row in (only(means([5.0])), only(means([5.0], [np.nan]))):
        assert (row.mean, row.n_seeds) == (5.0, 1)
        assert np.isnan(row.spread)
        assert pd.isna(row.spread_kind)


def test_seeds_that_agree_by_chance_have_the_mean_error_of_a_measurement():
    row = only(means([1.0, 1.01], [0.1, 0.3]))
    assert (row.spread, row.spread_kind) == (pytest.approx(0.2), ESTIMATE)


def test_several_seeds_need_no_error_of_the_measurement():
    row = only(means([1.0, 3.0], [np.nan, np.nan]))
    assert (row.spread, row.spread_kind) == (pytest.approx(np.sqrt(2)), SEEDS)


def test_a_null_counts_as_no_seed():
    row = only(means([1.0, np.nan, 3.0], [0.1, np.nan, 0.3]))
    assert (row.mean, row.n_seeds, row.spread) == (2.0, 2, pytest.approx(np.sqrt(2)))
    row = only(means([np.nan, np.nan], [np.nan, np.nan]))
    assert row.n_seeds == 0
    assert np.isnan(row.mean)
    assert np.isnan(row.spread)
    assert pd.isna(row.spread_kind)


def test_layers_without_a_role_are_kept():
    table = means([1.0, 3.0, 5.0, 7.0], by=["layer", "role"], layer=[0, 0, 1, 1], role=[None, None, "output", "output"])
    assert table["mean"].tolist() == [2.0, 6.0]
    assert table["n_seeds"].tolist() == [2, 2]


def series(*values, error=0.0):
    return {place: Measured(value, error) for place, value in enumerate(values)}


@pytest.mark.parametrize(("other", "expected"), [(0.0, True), (0.7, True), (0.72, False), (1.5, False)])
def test_a_number_exceeds_another_by_more_than_twice_the_error_of_the_difference(other, expected):
    assert exceeds(Measured(1.0, 0.1), Measured(other, 0.1)) == expected  # 2 * 0.1414


def test_a_hump_is_measured_against_the_higher_end():
    height = hump([Measured(1.0, 0.3), Measured(5.0, 0.4), Measured(7.0, 0.4), Measured(2.0, 0.3)])
    assert (height.value, height.error) == (5.0, 0.5)
    assert hump([Measured(8.0), Measured(5.0), Measured(2.0)]).value == -3.0


@pytest.mark.parametrize(
    ("values", "sign", "expected"),
    [((3, 1, 2), -1, 1), ((1, 2, 3), -1, None), ((3, 2, 1), -1, None), ((1, 3, 2), 1, 1), ((3, 1, 1.0), -1, None)],
)
def test_an_extremum_lies_inside_and_differs_from_both_ends(values, sign, expected):
    assert extremum(series(*values), sign) == expected


def test_an_extremum_that_the_errors_drown_is_none():
    assert extremum(series(3, 1, 2, error=0.3), -1) == 1
    assert extremum(series(3, 1, 2, error=0.4), -1) is None


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ({2: False, 4: True, 8: True}, 4),
        ({2: False, 4: False}, None),
        ({2: True, 4: True}, None),
        ({2: False, 4: True, 8: False}, None),
    ],
)
def test_the_threshold_parts_small_from_large(flags, expected):
    assert threshold(flags) == expected


@pytest.mark.parametrize(("value", "expected"), [(8.0, True), (11.0, True), (11.6, False), (5.8, True), (5.6, False)])
def test_near_is_less_than_half_the_way_to_the_alternative_by_ratio(value, expected):
    assert is_near(Measured(value), Measured(8.0), 2.0) == expected  # 8 / 1.414 to 8 * 1.414


def test_an_error_widens_what_counts_as_near():
    assert is_near(Measured(11.6, 0.5), Measured(8.0), 2.0)


@pytest.mark.parametrize(
    ("measured", "text"),
    [
        (Measured(12.345, 0.123), "12.35 ± 0.12"),
        (Measured(0.023456, 0.0012), "0.0235 ± 0.0012"),
        (Measured(345.6, 12.0), "346 ± 12"),
        (Measured(0.5), "0.5"),
    ],
)
def test_a_number_is_printed_with_as_many_digits_as_its_error_has(measured, text):
    assert str(measured) == text
