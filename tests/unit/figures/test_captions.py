"""The captions of the figures: of the published values in full, and single sentences from numbers that are known."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from docutils import nodes
from docutils.core import publish_doctree

from vae_geometry.claims.uncertainty import ESTIMATE, SEEDS
from vae_geometry.figures.captions import caption
from vae_geometry.figures.registry import FIGURES

LABELS = ("in", "e1", "e2", "e3", "e4", "z", "d0", "d1", "d2", "d3", "out")
ROLES = ("input", *["encoder"] * 4, "bottleneck", *["decoder"] * 4, "output")
CAPTIONS = Path(__file__).parent / "captions"


def rows(quantity, values, x_name="layer", spread=np.nan, n_seeds=1, **columns):
    """Rows of a figure's numbers; ``values`` maps (bottleneck, x) to means, where x may be a layer."""
    kind = {1: ESTIMATE}.get(n_seeds, SEEDS) if spread == spread else None
    common = {"quantity": quantity, "x_name": x_name, "spread": spread, "spread_kind": kind, "n_seeds": n_seeds}
    along_layers = x_name in ("layer", "midpoint")
    return pd.DataFrame(
        [
            {**common, "epoch": 5, "bottleneck": k, "x": x, "mean": mean, "reason": None}
            | ({"label": LABELS[int(x)], "role": ROLES[int(x)]} if along_layers else {"role": None})
            | columns
            for (k, x), mean in values.items()
        ]
    )


def imbalance(values, **options):
    return rows("II(layer -> input)", {(k, 10): mean for k, mean in values.items()}, **options)


def in_numbers(figure, numbers):
    """The sentences of a caption."""
    _, describe = FIGURES[figure].functions()
    return caption(FIGURES[figure], describe(numbers), numbers).partition("**In this run:**\n\n")[2]


@pytest.mark.parametrize("figure", FIGURES)
def test_the_whole_caption_of_the_published_values_is_as_expected(published_figures, figure):
    expected = (CAPTIONS / f"{figure}.txt").read_text(encoding="utf-8")
    assert (published_figures / f"{figure}.txt").read_text(encoding="utf-8") == expected


@pytest.mark.parametrize("figure", FIGURES)
def test_a_caption_is_restructured_text_paragraphs_and_a_list(published_figures, figure):
    text = (published_figures / f"{figure}.txt").read_text(encoding="utf-8")
    strict = {"report_level": 1, "halt_level": 2}  # stops on what would be a warning in the report
    page = publish_doctree(text, settings_overrides=strict)
    assert [type(part) for part in page.children] == [*[nodes.paragraph] * 3, nodes.bullet_list]
    assert len(page.children[-1]) == text.count("\n- ")


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


@pytest.mark.parametrize(("second", "is_said"), [(0.078, True), (0.079, False)])  # 2 sqrt(2) spreads lie between them
def test_two_bottlenecks_that_the_spread_does_not_tell_apart_are_said_to_be_so(second, is_said):
    text = in_numbers("figure1", imbalance({8: 0.05, 16: second}, spread=0.01, n_seeds=3))
    sentence = f"next is K = 16 with {second:.3f} ± 0.010"
    assert f"{sentence}{', not distinguishable within two standard errors' if is_said else ''}." in text
    assert f"Means over 3 seeds; the spread is the {SEEDS}." in text


def test_both_kinds_of_spread_are_named_where_both_occur():
    both = [imbalance({8: 0.05}, spread=0.01, n_seeds=3), imbalance({16: 0.06}, spread=0.01, n_seeds=3)]
    text = in_numbers("figure1", pd.concat([both[0], both[1].assign(spread_kind=ESTIMATE)]))
    assert f"Means over 3 seeds; the spread is the {SEEDS} or the {ESTIMATE}, whichever is larger." in text


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


def test_losses_name_the_best_bottleneck_and_what_the_held_back_images_lose():
    train = rows("elbo", {(2, 1): 300, (2, 9): 200, (8, 9): 150}, x_name="epoch", part="train")
    validation = rows("elbo", {(2, 1): 290, (2, 9): 210.5, (8, 9): 151}, x_name="epoch", part="validation")
    assert in_numbers("losses", pd.concat([train, validation], ignore_index=True)).splitlines() == [
        "- The ELBO loss of the validation set at epoch 9 is lowest with K = 8: 151; next is K = 2 with 210.",
        "- The same of the validation set minus the training set: 10.5 (K = 2) and 1 (K = 8) nats.",
        "- One seed, without a spread.",
    ]


def test_the_largest_difference_from_the_published_values_is_a_factor_whichever_way_it_goes():
    ours = rows("ID", {(2, 1): 10, (2, 2): 30, (8, 1): 10}, spread=5, n_seeds=3)
    text = in_numbers("published", ours.assign(published=[10.0, 19.0, 20.0], difference_in_spreads=[0.0, 2.2, -2.0]))
    assert (
        "a factor of 1.58 in the median; the largest is 2.00, at layer e1 with K = 8 (10 measured, 20 published)"
        in text
    )
    assert "; 2 of 3 lie within two spreads." in text
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
