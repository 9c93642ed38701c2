"""Figures of networks of fewer and of more layers than the paper's, and of layers without a role."""

from dataclasses import replace

import pytest
from other_networks import layers_of, make_sweep
from printed_words import overlaps, words
from published_sweep import PUBLISHED, draw

from vae_geometry import VaeGeometryError
from vae_geometry.figures import roles, style
from vae_geometry.figures.registry import FIGURES

OF_ANY_NETWORK = [name for name, figure in FIGURES.items() if figure.needs != "published"]


@pytest.fixture(scope="module", params=[3, 5, 25])
def network(request, tmp_path_factory):
    """The number of layers, and a sweep of such a network."""
    return request.param, make_sweep(tmp_path_factory.mktemp("network"), layers_of(request.param))


@pytest.fixture(scope="module")
def without_roles(tmp_path_factory):
    """A sweep whose layers have a number alone, as in the tables of a user's folder."""
    layers = [(number, None, None) for number in range(6)]
    return replace(make_sweep(tmp_path_factory.mktemp("folder"), layers), noises=["fresh"])


def pages_of(name, sweep):
    figure = FIGURES[name]
    noises = sweep.noises if figure.all_noises else sweep.noises[:1]
    with style.applied():
        return draw(name, replace(sweep, epochs=figure.at(sweep.epochs), noises=noises))


@pytest.mark.parametrize("name", OF_ANY_NETWORK)
def test_a_figure_of_another_network_is_drawn_and_described_and_its_words_do_not_overlap(name, network, monkeypatch):
    _, sweep = network
    page, numbers = pages_of(name, sweep)
    assert numbers.dropna(axis="columns", how="all").shape[0] > 0
    assert overlaps(words(page, monkeypatch)) == []
    _, describe = FIGURES[name].functions()
    assert all(sentence.endswith(".") for sentence in describe(numbers))


def test_layers_are_named_by_role_and_order(network):
    n_layers, sweep = network
    expected = {
        3: ["in", "z", "out"],
        5: ["in", "e1", "z", "d0", "out"],
        25: ["in", *[f"e{n}" for n in range(1, 12)], "z", *[f"d{n}" for n in range(11)], "out"],
    }
    _, numbers = pages_of("figure3", sweep)
    assert list(roles.labels(numbers, "x").values()) == expected[n_layers]


def test_the_axis_of_the_layers_names_the_bottleneck(network):
    _, sweep = network
    page, _ = pages_of("figure1", sweep)
    shown = [label.get_text() for label in page.axes[0].get_xticklabels()]
    assert {"in", "z", "out"} <= set(shown)


def test_the_id_against_scale_is_that_of_the_middle_layers(network):
    n_layers, sweep = network
    page, numbers = pages_of("id_scaling", sweep)
    shown = {3: ["z", "out"], 5: ["e1", "z", "d0", "out"], 25: ["e6", "z", "d5", "out"]}[n_layers]
    assert numbers.dropna(subset="panel").drop_duplicates("panel")["label"].tolist() == shown
    titles = {"e": "encoder, {}", "z": "bottleneck, {}", "d": "decoder, {}", "o": "output"}
    assert [ax.get_title() for ax in page.axes] == [titles[label[0]].format(label) for label in shown]


def test_the_caption_speaks_of_input_bottleneck_and_output_wherever_they_are(network):
    n_layers, sweep = network
    _, numbers = pages_of("ii_to_output", sweep)
    _, describe = FIGURES["ii_to_output"].functions()
    steps = {"input": n_layers - 1, "z": n_layers // 2}
    values = {name: 0.5 * (0.015 + 0.03 * count) / 2**0.3 for name, count in steps.items()}  # of fresh noise: half
    for (name, value), sentence in zip(values.items(), describe(numbers), strict=True):
        assert sentence.startswith(f"II({name} -> output): {value:.5f} ± 0.00010 (K = 2), ")


@pytest.mark.parametrize("name", ["figure3", "ii_matrix", "losses", "reconstructions"])
def test_what_needs_no_role_is_drawn_of_numbered_layers(name, without_roles, monkeypatch):
    page, numbers = pages_of(name, without_roles)
    assert overlaps(words(page, monkeypatch)) == []
    _, describe = FIGURES[name].functions()
    assert all(sentence.endswith(".") for sentence in describe(numbers))
    if "label" in numbers:
        assert roles.labels(numbers, "x") == {layer: str(layer) for layer in range(6)}


@pytest.mark.parametrize("name", ["figure1", "figure2", "figureA1", "figureA2", "noise", "id_scaling", "ii_plane"])
def test_what_needs_a_role_says_which(name, without_roles):
    with pytest.raises(VaeGeometryError, match=r"name no layer of role (input|output|bottleneck), which this figure"):
        pages_of(name, without_roles)


def test_networks_of_unlike_layers_are_not_drawn_together(tmp_path):
    sweep = make_sweep(tmp_path, layers_of(5))
    make_sweep(tmp_path, [(*layer[:-1], "decoder") if layer[0] == 2 else layer for layer in layers_of(5)], seeds=(1,))
    with pytest.raises(VaeGeometryError, match="layer 2 differs between the tables, so they are of different networks"):
        pages_of("figure1", replace(sweep, seeds=[0, 1]))


def test_another_network_is_not_compared_with_the_published_one(tmp_path):
    sweep = make_sweep(tmp_path, layers_of(5))
    with pytest.raises(VaeGeometryError, match=r"compares the layers in, e1, .* this network has in, e1, z, d0, out"):
        draw("published", replace(sweep, noises=["fresh"], epochs=[5]), PUBLISHED)
