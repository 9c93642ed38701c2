import numpy as np
import pyarrow.compute as pc
import pytest
import torch

from vae_geometry import VaeGeometryError, tables
from vae_geometry.cli import main
from vae_geometry.geometry.activations import open_layers
from vae_geometry.geometry.cross_bottleneck import compare_bottlenecks
from vae_geometry.geometry.information_imbalance import information_imbalance
from vae_geometry.geometry.neighbours import find_neighbours
from vae_geometry.networks.checkpoints import load_checkpoint, save_checkpoint

POINTS = 40
ENDS = ("source", "target")


@pytest.fixture(scope="module")
def cross(sweep):
    return tables.read("cross_bottleneck", sweep.selection.files("cross_bottleneck"))


def test_every_ordered_pair_of_layers_of_all_bottlenecks_is_measured_once(cross):
    spaces = {(bottleneck, layer) for bottleneck in (2, 3) for layer in range(11)}
    columns = ("source_bottleneck", "source_layer", "target_bottleneck", "target_layer")
    pairs = list(zip(*(cross[name].to_pylist() for name in columns), strict=True))
    assert len(pairs) == len(set(pairs)) == 22 * 22
    assert {pair[:2] for pair in pairs} == {pair[2:] for pair in pairs} == spaces


def test_rows_name_the_run(cross):
    for name, value in {"dataset": "digits", "noise": "fresh", "seed": 0, "epoch": 2, "n_points": POINTS}.items():
        assert set(cross[name].to_pylist()) == {value}


@pytest.mark.parametrize("bottleneck", [2, 3])
def test_within_one_bottleneck_it_is_what_the_dump_gave(cross, sweep, bottleneck):
    (path,) = [p for p in sweep.selection.files("information_imbalance") if f"k{bottleneck}/seed0/epoch2" in str(p)]
    from_dump = tables.read("information_imbalance", [path])
    is_same = pc.and_(
        pc.equal(cross["source_bottleneck"], bottleneck), pc.equal(cross["target_bottleneck"], bottleneck)
    )
    within = cross.filter(is_same)
    for name in ("source_layer", "target_layer", "information_imbalance", "ii_stderr", "n_ties"):
        assert within[name].to_pylist() == from_dump[name].to_pylist()


def test_between_bottlenecks_it_is_that_of_their_dumps(cross, sweep):
    narrow, wide = (
        open_layers(sweep.selection.results / f"digits/fresh/k{k}/seed0/epoch2/activations")[5].points for k in (2, 3)
    )
    ranks = find_neighbours([narrow, wide]).ranks
    values = {
        (row["source_bottleneck"], row["target_bottleneck"]): row["information_imbalance"]
        for row in cross.to_pylist()
        if row["source_layer"] == row["target_layer"] == 5
    }
    assert values[2, 3] == information_imbalance(ranks[0, 1])
    assert values[3, 2] == information_imbalance(ranks[1, 0])
    assert values[2, 3] != values[3, 2]


def test_the_input_is_the_same_space_for_all_bottlenecks(cross):
    values = [
        row["information_imbalance"] for row in cross.to_pylist() if row["source_layer"] == row["target_layer"] == 0
    ]
    assert values == pytest.approx([2 / POINTS] * 4)


def test_every_end_of_a_pair_has_its_role(cross):
    roles = {0: "input", 5: "bottleneck", 10: "output"}
    for end in ENDS:
        layers = zip(cross[f"{end}_layer"].to_pylist(), cross[f"{end}_role"].to_pylist(), strict=True)
        names = zip(cross[f"{end}_layer"].to_pylist(), cross[f"{end}_name"].to_pylist(), strict=True)
        assert {layer: role for layer, role in layers if layer in roles} == roles
        assert {layer: name for layer, name in names if layer in roles} == roles  # here named by their roles


def arguments(sweep, digits, output, epoch=2):
    """Of the stage that made the sweep's table."""
    checkpoints = [
        sweep.selection.results / f"digits/fresh/k{k}/seed0/checkpoints/epoch{epoch}.safetensors" for k in (2, 3)
    ]
    images = ["--data", digits / "test.npz", "--points", POINTS, "--threads", 1]
    return [str(argument) for argument in ["compare-bottlenecks", *checkpoints, "--output", output, *images]]


def test_the_mean_of_the_latent_is_another_space_than_its_sample(cross, sweep, digits, tmp_path):
    assert main([*arguments(sweep, digits, tmp_path / "mean.parquet"), "--latent", "mean"]) == 0
    at_mean = tables.read("cross_bottleneck", [tmp_path / "mean.parquet"])
    differ = np.array(at_mean["information_imbalance"]) != np.array(cross["information_imbalance"])
    from_encoder, to_encoder = (np.isin(np.array(cross[f"{end}_role"]), ["input", "encoder"]) for end in ENDS)
    assert not differ[from_encoder & to_encoder].any()
    assert differ[~from_encoder].mean() > 0.3
    assert [path.name for path in tmp_path.iterdir()] == ["mean.parquet"]


def test_the_device_of_the_networks_computes_the_products_too(cross, sweep, digits, tmp_path, monkeypatch):
    devices = []

    def noting_the_device(spaces, device, **limits):
        devices.append(device)
        return find_neighbours(spaces, device=device, **limits)

    monkeypatch.setattr("vae_geometry.geometry.cross_bottleneck.find_neighbours", noting_the_device)
    device = torch.device("cpu", 0)  # by torch; "cpu" alone is BLAS
    monkeypatch.setattr("vae_geometry.training.devices.select_device", lambda *_: device)
    assert main(arguments(sweep, digits, tmp_path / "cross.parquet")) == 0
    assert devices == ["cpu:0"]
    assert tables.read("cross_bottleneck", [tmp_path / "cross.parquet"]) == cross


def test_an_absent_checkpoint_is_named_and_nothing_is_written(sweep, digits, tmp_path, capsys):
    assert main(arguments(sweep, digits, tmp_path / "cross.parquet", epoch=7)) == 1
    assert "epoch7.safetensors: no such checkpoint" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_dump_that_does_not_say_its_bottleneck_is_named(sweep, tmp_path):
    folder = tmp_path / "dump"
    folder.mkdir()
    np.save(folder / "layer00.npy", np.eye(POINTS))
    with pytest.raises(VaeGeometryError, match=r"dump: no manifest says which bottleneck this is"):
        compare_bottlenecks([sweep.dump, folder], tmp_path / "cross.parquet", 1, 2000)
    assert list(tmp_path.iterdir()) == [folder]


@pytest.fixture(scope="module")
def others(sweep, tmp_path_factory):
    """Checkpoints of networks that are not of the sweep's run at epoch 2, by what differs."""
    folder = tmp_path_factory.mktemp("others")
    model, config = load_checkpoint(sweep.run.parents[1] / "k3/seed0/checkpoints/epoch2.safetensors")
    for name, value in {"dataset": "mnist", "noise": "repeated", "seed": 1, "epoch": 1, "bottleneck": 3}.items():
        save_checkpoint(folder / f"{name}.safetensors", model, {**config, name: value})
    return folder


@pytest.mark.parametrize("name", ["dataset", "noise", "seed", "epoch"])
def test_networks_that_differ_in_more_than_k_are_refused_before_they_run(sweep, digits, others, tmp_path, capsys, name):
    first = sweep.run / "checkpoints/epoch2.safetensors"
    other = others / f"{name}.safetensors"
    words = [*arguments(sweep, digits, tmp_path / "cross.parquet")]
    words[1:3] = [str(first), str(other)]
    assert main(words) == 1
    sentence = capsys.readouterr().err
    assert f"{other}: is of {name} " in sentence
    assert f"{first} of {name} " in sentence
    assert sentence.endswith("; give networks that differ in K alone\n")
    assert list(tmp_path.iterdir()) == []


def test_two_networks_of_one_k_are_refused(sweep, digits, others, tmp_path, capsys):
    words = arguments(sweep, digits, tmp_path / "cross.parquet")
    words[1] = str(others / "bottleneck.safetensors")
    assert main(words) == 1
    assert f"{words[2]}: is of K = 3, as is {words[1]}; give one network per K" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
