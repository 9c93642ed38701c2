"""The sentences beside the figures, from numbers that are known."""

import numpy as np
import pandas as pd
import pytest

from vae_geometry.figures.captions import in_numbers
from vae_geometry.figures.summaries import ESTIMATE, SEEDS


def rows(quantity, values, x_name="layer", spread=np.nan, n_seeds=1, **columns):
    """Rows of a figure's numbers; ``values`` maps (bottleneck, x) to means."""
    kind = {1: ESTIMATE}.get(n_seeds, SEEDS) if spread == spread else None
    common = {"quantity": quantity, "x_name": x_name, "spread": spread, "spread_kind": kind, "n_seeds": n_seeds}
    return pd.DataFrame(
        [
            {**common, "epoch": 5, "bottleneck": k, "x": x, "mean": mean, "reason": None, **columns}
            for (k, x), mean in values.items()
        ]
    )


def imbalance(values, **options):
    return rows("II(layer -> input)", {(k, 10): mean for k, mean in values.items()}, **options)


def test_figure1_names_the_datas_id_the_decoders_highest_and_the_best_bottleneck():
    profile = rows("ID", {(2, 0): 7.66, (2, 6): 1.9, (2, 7): 2.2, (8, 0): 7.66, (8, 6): 6.5, (8, 7): 6.1})
    steps = {(2, 5.5): -0.1, (2, 6.5): -0.2, (8, 5.5): 0.1, (8, 6.5): -0.2, (8, 2.5): 0.3}
    change = rows("relative II difference", steps, x_name="midpoint")
    text = in_numbers("figure1", pd.concat([profile, imbalance({2: 0.4, 8: 0.05}, spread=0.0123), change]))
    assert text.splitlines() == [
        "- ID of the data: 7.66, the dashed line.",
        "- Highest ID in the decoder: 2.2 in d1 (K = 2) and 6.5 in d0 (K = 8).",
        "- II(output -> input) is lowest with K = 8: 0.050 ± 0.012; next is K = 2 with 0.400 ± 0.012.",
        "- Steps of the decoder that expand: 0 of 2 (K = 2) and 1 of 2 (K = 8).",
        f"- One seed; the spread is the {ESTIMATE}.",
    ]


def test_two_bottlenecks_that_the_spread_does_not_tell_apart_are_said_to_be_so():
    text = in_numbers("figure1", imbalance({8: 0.05, 16: 0.06}, spread=0.01, n_seeds=3))
    assert "next is K = 16 with 0.060 ± 0.010, which is within their spreads." in text
    assert f"Means over 3 seeds; the spread is the {SEEDS}." in text


def test_what_was_not_measured_is_said_with_its_reason_and_nothing_in_its_place():
    numbers = imbalance({8: np.nan, 16: np.nan}, n_seeds=0).assign(reason="duplicates")
    assert in_numbers("figure1", numbers) == "- 2 of 2 values could not be measured: duplicates.\n"


@pytest.mark.parametrize(
    ("course", "sentence"),
    [
        (
            {0: 0.001, 1: 0.5, 10: 0.02, 50: 0.05},
            "lowest before the last epoch for K = 8 (0.02 at epoch 10, 0.05 at 50)",
        ),
        ({0: 0.001, 1: 0.5, 10: 0.06, 50: 0.05}, "lowest at the last epoch for every K"),
    ],
)
def test_figure2_says_whether_training_turned_back(course, sentence):
    values = {(8, epoch): mean for epoch, mean in course.items()}
    text = in_numbers("figure2", rows("II(output -> input)", values, x_name="epoch", panel="c"))
    assert f"II(output -> input) is {sentence}." in text


def test_the_largest_difference_from_the_published_values_is_a_factor_whichever_way_it_goes():
    ours = rows("ID", {(2, 1): 10, (2, 2): 30, (8, 1): 10})
    text = in_numbers("published", ours.assign(published=[10.0, 20.0, 20.0], difference_in_spreads=[0.0, 3.0, -1.5]))
    assert (
        "a factor of 1.50 in the median; the largest is 2.00, at layer e1 with K = 8 (10 measured, 20 published)"
        in text
    )
    assert "; 2 of 3 lie within two spreads over seeds." in text
    without = ours.assign(published=[10.0, 20.0, np.nan], difference_in_spreads=np.nan)
    text = in_numbers("published", without)
    assert "with K = 2 (30 measured, 20 published).\n" in text


def test_one_bottleneck_has_no_next_one_to_compare_with():
    text = in_numbers("figureA1", imbalance({2: 0.3}).assign(panel="a"))
    assert "Relative II difference" not in text


def test_the_plane_names_the_layers_that_say_more_about_the_input():
    to_input = rows("II(layer -> input)", {(2, 1): 0.1, (2, 5): 0.5, (8, 1): 0.3})
    from_input = rows("II(input -> layer)", {(2, 1): 0.2, (2, 5): 0.2, (8, 1): 0.2})
    text = in_numbers("ii_plane", pd.concat([to_input, from_input]))
    assert "K = 2: below the diagonal e1." in text
    assert "K = 8: below the diagonal no layer." in text
