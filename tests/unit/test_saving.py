"""Networks trained elsewhere: their activations in the layout, and the figures, claims and advice on them."""

import numpy as np
import pandas as pd
import pytest

import vae_geometry as vg
from vae_geometry import VaeGeometryError, tables
from vae_geometry.cli import main

ROLES = {"pixels": "input", "hidden": "encoder", "z": "bottleneck", "out": "output"}
SIZES, EPOCHS = (2, 4, 8), (0, 1, 2, 3)
SWEEP = ["--dataset", "faces", "--noise", "fresh", "--seed", "0", "--bottleneck", *map(str, SIZES)]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Made up as a VAE may be: z holds K of the six directions of the input, less noisily with every epoch."""
    folder, rng = tmp_path_factory.mktemp("elsewhere"), np.random.default_rng(0)
    inputs = rng.normal(size=(150, 6))
    for bottleneck in SIZES:
        hidden = np.tanh(inputs @ rng.normal(size=(6, 12)))
        for epoch in EPOCHS:
            z = np.pad(inputs[:, :bottleneck], ((0, 0), (0, max(bottleneck - 6, 0))))
            z = z + 0.5 / (1 + epoch) * rng.normal(size=(150, bottleneck))
            layers = {"pixels": inputs, "hidden": hidden, "z": z, "out": np.tanh(z @ rng.normal(size=(bottleneck, 6)))}
            dump = vg.save_activations(folder, layers, ROLES, dataset="faces", bottleneck=bottleneck, epoch=epoch)
            assert dump == folder / f"faces/fresh/k{bottleneck}/seed0/epoch{epoch}/activations"
            assert main(["measure-geometry", str(dump), "--output", str(dump.parent), "--threads", "1"]) == 0
    return folder


def of_sweep(stage, results, *arguments):
    epochs = ["--epoch", *map(str, EPOCHS)]
    return main([*stage, "--results", str(results), *SWEEP, *epochs, *map(str, arguments)])


@pytest.mark.parametrize("figure", ["figure1", "figure3", "figureA2", "ii_matrix", "ii_plane", "ii_to_output"])
def test_figures_of_the_geometry_are_drawn(figure, results, tmp_path):
    assert of_sweep(["plot", figure], results, "--output", tmp_path / figure) == 0
    assert pd.read_csv(tmp_path / f"{figure}.csv")["mean"].notna().all()


def test_the_figure_of_training_says_what_is_not_measurable(results, tmp_path):
    assert of_sweep(["plot", "figure2"], results, "--output", tmp_path / "figure2") == 0
    numbers = pd.read_csv(tmp_path / "figure2.csv")
    absent = numbers[numbers["mean"].isna()]
    assert set(absent["quantity"]) == {"Frechet distance", "test KL"}
    assert set(absent["reason"]) == {"not measurable: no ELBO and no Frechet distance of these networks"}
    assert set(numbers.loc[numbers["mean"].notna(), "quantity"]) == {"II(output -> input)"}


def test_claims_and_advice_take_what_there_is(results, tmp_path, capsys):
    assert of_sweep(["check-claims"], results, "--output", tmp_path / "claims") == 0
    claims = pd.read_parquet(tmp_path / "claims.parquet").query("seed.isna()").set_index("claim")
    assert claims.loc["distance_falls", "verdict"] == "not measurable"
    assert claims.loc["distance_falls", "reason"] == "the Frechet distance was not measured"
    assert claims.loc["kl_has_two_phases", "reason"] == "not every epoch up to 3 was measured or published"
    assert (claims["verdict"] != "not measurable").sum() >= 6
    assert "II(output -> input) falls" in capsys.readouterr().out


def test_an_elbo_of_some_networks_alone_is_an_error(results, tmp_path, capsys):
    lone = results / "faces/fresh/k2/seed0/epoch0/fidelity.parquet"
    lone.write_bytes(b"")
    assert of_sweep(["check-claims"], results, "--output", tmp_path / "claims") == 1
    lone.unlink()
    assert "fidelity.parquet: not a table of kind fidelity" in capsys.readouterr().err


def test_a_network_of_one_layer_is_refused_by_figures_of_pairs(tmp_path, rng, capsys):
    points = rng.normal(size=(50, 3))
    layers, roles = {"x": points, "z": points, "y": points}, {"x": "input", "z": "bottleneck", "y": "output"}
    dump = vg.save_activations(tmp_path, layers, roles, dataset="faces", bottleneck=2, epoch=1)
    tables.write("manifest", tables.read("manifest", [dump / "manifest.parquet"])[:1], dump / "manifest.parquet")
    for number in (1, 2):
        (dump / f"layer0{number}.npy").unlink()
    assert main(["measure-geometry", str(dump), "--output", str(dump.parent)]) == 0
    sweep = ["--results", str(tmp_path), *SWEEP[:6], "--bottleneck", "2", "--epoch", "1"]
    for figure in ("figure1", "ii_plane"):
        assert main(["plot", figure, *sweep, "--output", str(tmp_path / figure)]) == 1
        assert "the tables hold one layer, which has no II to another" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"roles": {**ROLES, "hidden": "middle"}}, "roles: layer hidden has none of input, encoder"),
        ({"roles": {}}, "roles: layer pixels has none of input"),
        ({"roles": {**ROLES, "hidden": "input"}}, "roles: 2 layers have the role input"),
        ({"roles": {**ROLES, "out": "decoder"}}, "roles: 0 layers have the role output"),
        ({"dataset": "../faces"}, "dataset: '../faces' is not a valid dataset"),
        ({"dataset": ""}, "dataset: '' is not a valid dataset"),
        ({"noise": "white"}, "noise: 'white' is not a valid noise"),
        ({"bottleneck": 0}, "bottleneck: 0 is not a valid bottleneck"),
        ({"epoch": "last"}, "epoch: 'last' is not a valid epoch"),
    ],
)
def test_what_the_layout_does_not_take_is_refused(change, sentence, tmp_path, rng):
    points = rng.normal(size=(20, 3))
    arguments = {"roles": ROLES, "dataset": "faces", "bottleneck": 2, "epoch": 1, **change}
    with pytest.raises(VaeGeometryError) as error:
        vg.save_activations(tmp_path, dict.fromkeys(ROLES, points), **arguments)
    assert sentence in str(error.value)
    layers = {**dict.fromkeys(ROLES, points), "z": points * np.nan}
    with pytest.raises(VaeGeometryError, match="layer z: row 0 holds NaN"):
        vg.save_activations(tmp_path, layers, ROLES, dataset="faces", bottleneck=2, epoch=1)
    assert not list(tmp_path.iterdir())
