"""The figure of all data sets: a column each, of networks of any layers, and what its sentences say of each."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from other_networks import layers_of, make_sweep
from printed_words import overlaps, words
from published_sweep import draw, selection_for

from vae_geometry import VaeGeometryError, tables
from vae_geometry.figures import style
from vae_geometry.figures.plot import plot
from vae_geometry.figures.registry import FIGURES

NETWORKS = {"linear": 3, "perceptron": 5, "residual_network_of_many_layers": 25}
ROWS = ["ID"] * 2 + ["II(output -> input)", "II(bottleneck -> input)"] + ["II(output -> input)"] * 2


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    """A sweep of three data sets, each with a network of its own."""
    folder = tmp_path_factory.mktemp("networks")
    sweeps = [make_sweep(folder, layers_of(n_layers), dataset=name) for name, n_layers in NETWORKS.items()]
    return replace(sweeps[0], datasets=list(NETWORKS))


@pytest.fixture(scope="module")
def page(sweep):
    with style.applied():
        return draw("compare", sweep)


def sentences(numbers):
    return list(FIGURES["compare"].functions()[1](numbers))


def test_every_data_set_has_a_column_with_the_layers_of_its_network(page, monkeypatch):
    figure, numbers = page
    assert overlaps(words(figure, monkeypatch)) == []
    grid = np.array(figure.axes).reshape(len(ROWS), len(NETWORKS))
    titles = [ax.get_title().replace("\n", "") for ax in grid[0]]
    assert titles == list(NETWORKS)
    for ax, n_layers in zip(grid[0], NETWORKS.values(), strict=True):
        assert ax.get_xlim() == (-0.5, n_layers - 0.5)
        assert [ax.get_xticklabels()[end].get_text() for end in (0, -1)] == ["in", "out"]
    places = numbers.drop_duplicates("panel")[["dataset", "quantity"]].to_numpy().tolist()
    assert places == [[name, quantity] for quantity in ROWS for name in NETWORKS]


def test_the_numbers_are_those_of_each_data_set(page, sweep):
    _, numbers = page
    for name, n_layers in NETWORKS.items():
        one = replace(sweep, datasets=[name], noises=["repeated"], epochs=[5])
        measured = tables.read_frame("information_imbalance", one)
        of_output = measured.query(f"source_layer == {n_layers - 1} and target_layer == 0")
        drawn = numbers.query(f"dataset == '{name}' and noise == 'repeated' and quantity == 'II(output -> input)'")
        for x_name in ("bottleneck", "epoch"):
            last = drawn.query(f"x_name == '{x_name}' and epoch == 5").sort_values("bottleneck")
            np.testing.assert_array_equal(last["mean"], of_output["information_imbalance"])


def test_a_data_set_without_a_measurement_says_so_in_its_panels_and_leaves_the_others(sweep, tmp_path):
    reason = "all points are the same"
    for name, n_layers in NETWORKS.items():
        make_sweep(tmp_path, layers_of(n_layers), dataset=name)
    lacking = replace(sweep, results=tmp_path, datasets=["linear"])
    for path in lacking.files("information_imbalance"):
        rows = tables.read("information_imbalance", [path]).to_pylist()
        nulls = {"information_imbalance": None, "ii_stderr": None, "reason": reason}
        tables.write("information_imbalance", [row | nulls for row in rows], path)
    with style.applied():
        figure, numbers = draw("compare", replace(sweep, results=tmp_path))
    grid = np.array(figure.axes).reshape(len(ROWS), len(NETWORKS))
    said = [[text.get_text().replace("\n", " ") for text in ax.texts] for ax in grid[2:, 0]]
    assert said == [[reason]] * 4
    assert all(len(ax.lines) > 2 for ax in grid[2:, 1:].flat)
    assert set(numbers.query("dataset == 'linear' and quantity != 'ID'")["reason"]) == {reason}
    assert any(
        "best by II(output -> input): not measurable, needs 2 K and has 0 (linear); 64, the" in text
        for text in sentences(numbers)
    )


def test_what_a_network_lacks_is_said_not_to_apply(page):
    _, numbers = page
    text = "\n".join(sentences(numbers))
    there = "not applicable, the network has {} there ({})"
    encoder = [there.format("1 layer", "linear"), there.format("2 layers", "perceptron")]
    assert f"Fresh noise, K with a hump of the ID in the encoder: {'; '.join(encoder)}; none (residual" in text
    decoder = there.format("2 layers", "linear")
    assert f"Repeated noise, K with a hump of the ID in the decoder: {decoder}; none (perceptron)" in text


def test_the_sentences_say_for_each_data_set_what_the_claims_would(published_sweep):
    _, numbers = draw("compare", selection_for("compare", published_sweep))
    roles = ["input", *["encoder"] * 2, "bottleneck", *["decoder"] * 2, "output"]
    humps = dict(enumerate(zip(roles, [20, 30, 25, 8, 15, 9, 8], strict=True)))
    common = {"noise": "fresh", "epoch": 50, "spread": 0.001, "n_seeds": 1, "reason": None}
    rows = []
    for name, factor in {"humps": 1, "plain": 0}.items():
        for size, of_output in {2: 0.5, 8: 0.1, 32: 0.1 + 0.2 * factor}.items():
            one = {**common, "dataset": name, "bottleneck": size}
            for x, (role, height) in humps.items():
                row = {"quantity": "ID", "role": role, "x_name": "layer", "x": x, "mean": height if factor else 20}
                rows.append({**one, **row})
            output = {**one, "quantity": "II(output -> input)"}
            rows.append({**output, "x_name": "bottleneck", "x": size, "mean": of_output})
            for epoch, mean in {0: 0.01, 1: 0.9, 10: 0.3 - 0.2 * factor, 50: 0.2}.items():
                rows.append({**output, "x_name": "epoch", "x": epoch, "epoch": epoch, "mean": mean})
    assert set(pd.DataFrame(rows)) <= set(numbers)
    assert sentences(pd.DataFrame(rows)) == [
        "ID of the data, the dashed lines: 20 (humps) and 20 (plain).",
        "Fresh noise, K with a hump of the ID in the encoder: 2, 8, 32 (humps); none (plain).",
        "Fresh noise, K with a hump of the ID in the decoder: 2, 8, 32 (humps); none (plain).",
        "Fresh noise, K between the ends where II(output -> input) is lowest: 8 (humps); none (plain).",
        "Fresh noise, smallest K that is as good as the best by II(output -> input): 8 (humps); 8 (plain).",
        "Fresh noise, K of which II(output -> input) falls, then rises in training: 2, 8, 32 (humps); none (plain).",
    ]


def test_only_this_figure_takes_several_data_sets(sweep, tmp_path):
    with pytest.raises(VaeGeometryError, match=r"figure noise shows one data set, not linear and perceptron; name one"):
        plot("noise", replace(sweep, datasets=["linear", "perceptron"]), tmp_path / "noise")


@pytest.mark.parametrize(("n_seeds", "lowest"), [(1, "8"), (2, "open"), (10, "8")])
def test_a_spread_of_two_seeds_leaves_more_open_than_the_error_of_a_measurement(n_seeds, lowest):
    """The II dips by a quarter, three times its error: sure of a measurement, not of two seeds."""
    common = {"dataset": "digits", "noise": "fresh", "epoch": 50, "quantity": "II(output -> input)", "reason": None}
    values = {2: 0.2, 8: 0.15, 32: 0.2}
    rows = [
        {**common, "role": "output", "x_name": "bottleneck", "x": size, "mean": mean, "spread": 0.05 * mean}
        | {"n_seeds": n_seeds, "bottleneck": size}
        for size, mean in values.items()
    ]
    text = "\n".join(sentences(pd.DataFrame(rows)))
    assert f"K between the ends where II(output -> input) is lowest: {lowest} (digits)" in text
