"""What a dump may take the place of: nothing that it did not write."""

from itertools import cycle

import numpy as np
import pytest

from vae_geometry import layout, tables
from vae_geometry.cli import main
from vae_geometry.networks import activations

DUMPED = {*map(layout.layer_file, range(11)), "logits.npy", "mean.npy", "log_variance.npy", "samples.npy"}
DUMPED |= {"manifest.parquet"}


def dump(sweep, digits, output):
    checkpoint = sweep.run / "checkpoints/epoch2.safetensors"
    images = ["--data", digits / "test.npz", "--points", 20, "--threads", 1, "--device", "cpu"]
    return main([str(word) for word in ["dump-activations", checkpoint, "--output", output, *images]])


def content(folder):
    return {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def write_notes(folder, sweep):
    (folder / "notes.txt").write_text("mine")


def write_run(folder, sweep):
    (folder / "checkpoints").mkdir()
    (folder / "checkpoints/epoch0.safetensors").write_bytes(b"weights")


def write_own_layers(folder, sweep):
    np.save(folder / "layer00.npy", np.eye(5))


def write_notes_into_a_dump(folder, sweep):
    for path in sweep.dump.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    write_notes(folder, sweep)


def write_folder_named_like_a_layer(folder, sweep):
    (folder / "layer00.npy").mkdir()
    tables.write("manifest", [], folder / "manifest.parquet")
    (folder / "layer00.npy/notes.txt").write_text("mine")


def write_other_manifest(folder, sweep):
    write_own_layers(folder, sweep)
    tables.write("training", [], folder / "manifest.parquet")


def write_a_layer_into_a_dump(folder, sweep):
    for path in sweep.dump.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    np.save(folder / "layer11.npy", np.eye(5))


FOLDERS = {
    write_a_layer_into_a_dump: "holds layer11.npy, which is not in its manifest.parquet",
    write_notes: "holds notes.txt, which no dump writes",
    write_run: "holds checkpoints, which no dump writes",
    write_own_layers: "is not an earlier dump (it has no valid manifest.parquet)",
    write_notes_into_a_dump: "holds notes.txt, which no dump writes",
    write_folder_named_like_a_layer: "holds layer00.npy, which no dump writes",
    write_other_manifest: "is not an earlier dump (it has no valid manifest.parquet)",
}


@pytest.mark.parametrize("write", FOLDERS)
def test_a_folder_that_is_no_earlier_dump_is_refused_and_stays(tmp_path, sweep, digits, capsys, write):
    folder = tmp_path / "folder"
    folder.mkdir()
    write(folder, sweep)
    before = content(tmp_path)
    assert dump(sweep, digits, folder) == 1
    sentence = f"vae-geometry dump-activations: {folder}: {FOLDERS[write]}; name a folder that is new or empty"
    assert capsys.readouterr().err.splitlines()[-1] == sentence
    assert content(tmp_path) == before


@pytest.mark.parametrize("kind", ["file", "link"])
def test_what_is_no_folder_is_refused_and_stays(tmp_path, sweep, digits, capsys, kind):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to(sweep.dump)
    before = content(sweep.dump)
    assert dump(sweep, digits, tmp_path / kind) == 1
    assert f"{kind}: is not a folder; name another" in capsys.readouterr().err
    assert (tmp_path / "file").read_text() == "mine"
    assert (tmp_path / "link").readlink() == sweep.dump
    assert content(sweep.dump) == before


def test_the_current_folder_is_refused(tmp_path, sweep, digits, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert dump(sweep, digits, ".") == 1
    assert "vae-geometry dump-activations: .: is a folder" in capsys.readouterr().err


def test_an_empty_folder_and_an_earlier_dump_are_replaced(tmp_path, sweep, digits):
    folder = tmp_path / "folder"
    folder.mkdir()
    for _ in range(2):
        assert dump(sweep, digits, folder) == 0
        assert {path.name for path in folder.iterdir()} == DUMPED
        assert len(np.load(folder / "layer00.npy")) == 20
        (folder / ".snakemake_timestamp").touch()  # as Snakemake does with a folder that a rule makes
        np.save(folder / "layer00.npy", np.eye(3))
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


@pytest.mark.parametrize("moment", ["while the network runs", "at the last moment"])
def test_a_file_that_comes_meanwhile_stays(tmp_path, sweep, digits, monkeypatch, moment):
    folder = tmp_path / "folder"
    assert dump(sweep, digits, folder) == 0
    write_arrays = activations._write_arrays
    check = activations.dumps.require_replaceable

    def interfere(*arguments):
        result = (write_arrays if moment == "while the network runs" else check)(*arguments)
        (folder / "notes.txt").write_text("mine")
        return result

    if moment == "while the network runs":
        monkeypatch.setattr(activations, "_write_arrays", interfere)
    else:
        checks = iter([check, interfere])
        monkeypatch.setattr(activations.dumps, "require_replaceable", lambda path: next(checks)(path))
    dump(sweep, digits, folder)
    assert [path.read_text() for path in tmp_path.rglob("notes.txt")] == ["mine"]


def test_a_network_of_more_layers_than_two_digits_number_is_refused(tmp_path, sweep, digits, monkeypatch, capsys):
    monkeypatch.setattr(activations.dumps, "MOST_LAYERS", 10)
    assert dump(sweep, digits, tmp_path / "folder") == 1
    assert "the network has 11 layers; measure at most 10 of them" in capsys.readouterr().err
    assert not (tmp_path / "folder").exists()


@pytest.mark.parametrize("layer", ["bottleneck", "decoder", "mean"])
def test_a_network_that_gives_no_numbers_is_named_and_leaves_the_earlier_dump(
    tmp_path, sweep, digits, monkeypatch, capsys, layer
):
    """Weights that are finite may still overflow: in a layer, or in what is drawn from the prior."""
    folder = tmp_path / "folder"
    assert dump(sweep, digits, folder) == 0
    before = content(tmp_path)
    pass_through = activations.pass_through

    def overflow(*arguments):
        outputs, mean, *rest = pass_through(*arguments)
        if layer == "mean":
            return outputs, mean * np.inf, *rest
        named = {
            each: output * np.inf if each.name == layer or each.role == layer else output
            for each, output in outputs.items()
        }
        return named, mean, *rest

    monkeypatch.setattr(activations, "pass_through", overflow)
    capsys.readouterr()
    assert dump(sweep, digits, folder) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.endswith(
        " gives NaN or infinity on these inputs; take another checkpoint, or train again with a lower "
        "training.learning_rate"
    )
    assert f"K = 2, seed 0, epoch 2: {'mean' if layer == 'mean' else 'layer '}" in line
    assert content(tmp_path) == before


def test_samples_that_are_no_numbers_are_not_written(tmp_path, sweep, digits, monkeypatch, capsys):
    checkpoint = sweep.run / "checkpoints/epoch2.safetensors"
    sigmoid, factors = activations.torch.sigmoid, cycle([1, np.nan])  # of the test inputs, then of the samples
    monkeypatch.setattr(activations.torch, "sigmoid", lambda values: sigmoid(values) * next(factors))
    images = ["--data", digits / "test.npz", "--points", 20, "--threads", 1, "--device", "cpu"]
    outputs = ["--output", tmp_path / "dump", "--reconstructions", tmp_path / "few.npz"]
    assert main([str(word) for word in ["dump-activations", checkpoint, *images, *outputs]]) == 1
    assert "epoch 2: the decoder gives NaN or infinity" in capsys.readouterr().err
    assert not (tmp_path / "few.npz").exists()
    assert not (tmp_path / "dump").exists()
