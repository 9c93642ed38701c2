"""Between which K the decoder has its hump first, and II(output -> input) stops falling, or why that is not known."""

import pytest
from made_up_evidence import DATA, LAST, as_in_the_paper, changed, sample, selection, write_sweep

from vae_geometry.claims.reading import of_sweep
from vae_geometry.claims.transition import levelling_of, transition_of

GEOMETRY = ("intrinsic_dimension", "information_imbalance")


def with_imbalances(*values, error=0.01):
    """The evidence of the paper with other II(output -> input) at the end, for K = 2, 8, 32 and 128."""
    numbers = dict(zip((2, 8, 32, 128), values, strict=True))
    return changed("imbalance", error, {(size, LAST, 10, 0): value for size, value in numbers.items()})


def test_the_hump_sets_in_between_the_last_k_without_it_and_the_first_with_it():
    found = transition_of(as_in_the_paper())
    assert (found.brackets, found.is_sure, str(found)) == ([(8, 32)], True, "between 8 and 32")


@pytest.mark.parametrize(
    ("dimension", "error", "is_at"),
    [
        (DATA, 0.01, True),
        (7.5, 0.01, True),  # within a tenth of 8
        (7, 0.01, False),
        (37, 0.01, False),
        (7.27, 0.01, None),
        (12, 0.9, None),
    ],
)
def test_the_dimension_of_the_data_lies_there_give_or_take_a_tenth(dimension, error, is_at):
    assert transition_of(as_in_the_paper()).is_at(sample(dimension, error)) is is_at


def test_errors_that_leave_open_where_the_hump_sets_in_give_every_pair_that_may_be():
    found = transition_of(changed("dimension", 0.05, {(8, LAST, 7): 9.0}))  # over 8 and 8, give or take a tenth
    assert (found.brackets, found.is_sure) == ([(2, 8), (8, 32)], True)
    assert str(found) == "between 2 and 8 or between 8 and 32"
    assert [found.is_at(sample(dimension)) for dimension in (5, 8, 12, 50)] == [None, True, None, False]


def test_without_a_hump_there_is_no_transition_at_any_dimension():
    flat = {(size, LAST, layer): 8 for size in (2, 8, 32, 128) for layer in range(5, 11)}
    found = transition_of(changed("dimension", 0.001, flat))
    assert (found.brackets, found.is_sure, found.text) == ([], False, "hump for no K")
    assert found.is_at(sample(8)) is None


def test_the_imbalance_stops_falling_below_the_smallest_k_that_is_as_good_as_the_best():
    found = levelling_of(with_imbalances(0.4, 0.1, 0.021, 0.02))
    assert (found.brackets, found.is_sure) == ([(8, 32)], True)
    assert found.text.startswith("II(output -> input): K = 32 (2: 0.4000")


def test_errors_that_leave_open_where_the_imbalance_stops_falling_give_every_pair_that_may_be():
    found = levelling_of(with_imbalances(0.4, 0.05, 0.021, 0.02, error=0.6))
    assert set(found.brackets) > {(8, 32)}
    assert found.is_at(sample(1.0)) is not True


@pytest.mark.parametrize(
    ("imbalances", "text"),
    [
        ((0.4, 0.1, 0.05, 0.01), "II(output -> input) falls up to the largest K ("),
        ((1.02, 1.1, 1.05, 1.04), "even the best output tells little of the input (II 1.0"),
        ((0.2, 0.2, 0.2, 0.2), "K = 2, the smallest, is as good as the best, so add smaller ones"),
    ],
)
def test_where_the_sweep_does_not_hold_it_the_text_says_what_to_change(imbalances, text):
    found = levelling_of(with_imbalances(*imbalances))
    assert (found.brackets, found.is_sure) == ([], False)
    assert found.text.startswith(text)


def test_the_tables_of_geometry_alone_are_enough(tmp_path):
    write_sweep(tmp_path)
    for path in [*tmp_path.rglob("training.parquet"), *tmp_path.rglob("fidelity.parquet")]:
        path.write_bytes(b"not read")
    *_, together = of_sweep(selection(tmp_path), GEOMETRY)
    assert levelling_of(together).text.startswith("II(output -> input) falls up to the largest K (")
    assert together.kl == {}
