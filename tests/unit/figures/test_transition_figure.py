"""The figure of the transition: a bracket of K for each data set against its ID, or the reason why there is none."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from other_networks import EPOCHS, layers_of
from printed_words import overlaps, words
from published_sweep import LAYER, draw, write_sweep

from vae_geometry import tables
from vae_geometry.figures import style
from vae_geometry.figures.registry import FIGURES
from vae_geometry.figures.transition import SEED
from vae_geometry.selection import Selection

SIZES, SEEDS = [2, 4, 8, 16, 32], (0, 1, 2)
HUMP, LEVELS = "K where the decoder's hump sets in", "K where II(output -> input) stops falling"
FIRST_HUMP = {"early": 4, "late": 16, "late-perceptron": 16, "none": 64}


def make_data_set(results, name, first_hump, dimension):
    """Tables of a network whose decoder has a hump from some K on, where II(output -> input) stops falling too."""
    layers = layers_of(9)
    dimensions, imbalances = [], []
    ends = [f"{end}_{column}" for end in ("source", "target") for column in ("layer", "name", "role")]
    for size in SIZES:
        raised = 30 if size >= first_hump else 10
        ids = {"input": dimension, "encoder": 20, "bottleneck": 10, "decoder": raised, "output": 10}
        run = {"bottleneck": size, "epoch": EPOCHS[-1]}
        dimensions += [
            {**run, **dict(zip(LAYER, each, strict=True)), "intrinsic_dimension": ids[each[2]]} for each in layers
        ]
        value = min(0.01 * max(first_hump / size, 1) ** 3, 0.9)
        imbalances += [
            {**run, **dict(zip(ends, (*a, *b), strict=True)), "information_imbalance": value}
            for a in layers
            for b in layers
        ]
    selection = Selection(results, [name], ["repeated"], SIZES, SEEDS, EPOCHS[-1:])
    write_sweep(selection, pd.DataFrame(dimensions), pd.DataFrame(imbalances))
    return selection


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    """Four data sets, two of them the same one with two networks, one without a hump."""
    folder = tmp_path_factory.mktemp("transition")
    dimensions = {"early": 3, "late": 11, "late-perceptron": 11, "none": 40}
    sweeps = [make_data_set(folder, name, FIRST_HUMP[name], dimensions[name]) for name in FIRST_HUMP]
    return replace(sweeps[0], datasets=list(FIRST_HUMP))


@pytest.fixture(scope="module")
def page(sweep):
    with style.applied():
        return draw("transition", sweep)


def sentences(numbers):
    return list(FIGURES["transition"].functions()[1](numbers))


def bars(figure, panel):
    """Ends in K of the bars of a panel."""
    return sorted(tuple(bar.get_segments()[0][:, 1]) for bar in figure.axes[panel].collections[1::2])


def test_a_bar_goes_from_the_last_k_without_to_the_first_with_and_the_id_says_whether_it_lies_there(page, sweep):
    _, numbers = page
    together = numbers[numbers["seeds"] == "all"].set_index(["quantity", "dataset"])
    for sign in (HUMP, LEVELS):
        rows = together.loc[sign]
        assert rows["lower"].drop("none").tolist() == [2, 8, 8]
        assert rows["upper"].drop("none").tolist() == [4, 16, 16]
        assert rows["is_at_the_id"].drop("none").tolist() == [True] * 3
        assert rows["is_sure"].drop("none").tolist() == [True] * 3
    measured = tables.read_frame("intrinsic_dimension", replace(sweep, datasets=["late"])).query("role == 'input'")
    late = together.loc[HUMP].loc["late"]
    assert late["id"] == pytest.approx(measured["intrinsic_dimension"].mean())
    assert late["id_error"] == pytest.approx(measured.groupby("seed")["intrinsic_dimension"].mean().sem())


def test_what_is_drawn_is_what_the_csv_says(page, monkeypatch):
    figure, numbers = page
    assert overlaps(words(figure, monkeypatch)) == []
    for panel, sign in enumerate((HUMP, LEVELS)):
        found = numbers[(numbers["quantity"] == sign) & (numbers["seeds"] == "all") & numbers["reason"].isna()]
        drawn = np.array(bars(figure, panel))
        np.testing.assert_allclose(drawn, sorted(found[["lower", "upper"]].itertuples(index=False, name=None)))
    crosses = [line for line in figure.axes[0].lines if line.get_marker() == "x"]
    assert [line.get_ydata().item() < min(SIZES) for line in crosses] == [True]
    [line] = [line for line in figure.axes[0].lines if line.get_linestyle() == "--"]
    assert list(line.get_xdata()) == list(line.get_ydata())


def test_networks_of_one_data_set_stand_side_by_side(page):
    figure, _ = page
    markers = [line for line in figure.axes[0].lines if line.get_marker() in tuple(style.MARKERS)]
    places = sorted(line.get_xdata().item() for line in markers)
    assert len(places) == 3
    assert places[1] == pytest.approx(12.1)
    assert places[2] == pytest.approx(12.1 * 1.06)


def test_a_data_set_without_a_transition_is_named_with_the_reason(page):
    _, numbers = page
    said = sentences(numbers)
    beside = "where the ID, {}, lies ({})"
    late = "; ".join(f"between 8 and 16, {beside.format('12.10 ± 0.64', name)}" for name in ("late", "late-perceptron"))
    assert said[0] == f"Repeated noise, {HUMP}: between 2 and 4, {beside.format('3.30 ± 0.17', 'early')}; {late}."
    assert said[1] == f"Repeated noise, {HUMP}: none for none, hump for no K."
    assert said[2] == f"Repeated noise, {HUMP}: each seed alone says the same."
    assert said[4].startswith(
        f"Repeated noise, {LEVELS}: none for none, II(output -> input) falls up to the largest K ("
    )


def test_seeds_that_disagree_widen_the_bar_and_are_named(sweep, tmp_path):
    lone = make_data_set(tmp_path, "late", 16, 11)
    for path, run in lone.files("intrinsic_dimension").items():
        if run["seed"] == 2 and run["bottleneck"] == 8:
            rows = tables.read("intrinsic_dimension", [path]).to_pylist()
            factors = [3.45 if row["role"] == "decoder" else 1 for row in rows]
            pairs = zip(rows, factors, strict=True)
            raised = [row | {"intrinsic_dimension": row["intrinsic_dimension"] * factor} for row, factor in pairs]
            tables.write("intrinsic_dimension", raised, path)
    with style.applied():
        figure, numbers = draw("transition", lone)
    both = numbers[numbers["quantity"] == HUMP].set_index("seeds")
    assert both["lower"].to_dict() == {"all": 4, "0": 8, "1": 8, "2": 4}  # seed 2 leaves K = 8 open
    assert both["upper"].to_dict() == {"all": 16, "0": 16, "1": 16, "2": 8}
    assert both["is_sure"].to_dict() == {"all": True, "0": True, "1": True, "2": True}
    said = (
        f"Repeated noise, {HUMP}, what single seeds say otherwise: between 8 and 16 by seed 0 (late); between 8 and 16"
    )
    assert sentences(numbers)[1].startswith(said)
    ticks = [line.get_ydata().item() for line in figure.axes[0].lines if line.get_markersize() == SEED["markersize"]]
    assert ticks == both.loc[["0", "1", "2"], "middle"].tolist()


def test_where_the_data_have_no_id_the_panels_and_the_caption_say_why(tmp_path):
    lone = make_data_set(tmp_path, "late", 16, 11)
    for path in lone.files("intrinsic_dimension"):
        rows = tables.read("intrinsic_dimension", [path]).to_pylist()
        nulls = {"intrinsic_dimension": None, "id_stderr": None, "reason": "all points are the same"}
        tables.write("intrinsic_dimension", [row | nulls if row["layer"] == 0 else row for row in rows], path)
    with style.applied():
        figure, numbers = draw("transition", lone)
    reason = "the ID of layer 0 was not measured (K = 32, epoch 5)"
    assert [ax.texts[-1].get_text().replace("\n", " ") for ax in figure.axes] == [reason] * 2
    assert sentences(numbers)[0] == f"Repeated noise, {HUMP}: none for late, {reason}."


def test_an_error_as_large_as_its_id_leaves_an_axis_of_positive_ids(tmp_path):
    sweeps = [make_data_set(tmp_path, name, 4, dimension) for name, dimension in {"small": 3, "large": 40}.items()]
    for path in sweeps[1].files("intrinsic_dimension"):
        rows = tables.read("intrinsic_dimension", [path]).to_pylist()
        tables.write("intrinsic_dimension", [{**row, "id_stderr": 45.0} for row in rows], path)
    figure, _ = draw("transition", replace(sweeps[0], datasets=["small", "large"]))
    assert 0 < figure.axes[0].get_xlim()[0] <= 2
