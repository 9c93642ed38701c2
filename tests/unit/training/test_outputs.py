"""What a training may remove or replace in the folder of its run: only what a training of this run wrote."""

import hashlib
import shutil
from dataclasses import replace

import pytest
import torch
from small_training import SETTINGS, record_forward, run, start

from vae_geometry import VaeGeometryError
from vae_geometry.cli import main
from vae_geometry.data.prepared import load_inputs
from vae_geometry.networks.checkpoints import load_checkpoint, save_checkpoint
from vae_geometry.training.loop import train

pytestmark = pytest.mark.usefixtures("one_thread")
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def images(digits):
    return torch.from_numpy(load_inputs(digits / "train.npz")[:100])


@pytest.fixture(scope="module")
def finished(tmp_path_factory, images):
    """Folder of a training that has ended."""
    return run(tmp_path_factory.mktemp("finished"), images)


def digests(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def changed(checkpoint, path, **changes):
    """Copy a checkpoint and change its config; None takes a key out."""
    model, config = load_checkpoint(checkpoint)
    config = {key: value for key, value in {**config, **changes}.items() if value is not None}
    path.parent.mkdir(parents=True, exist_ok=True)
    save_checkpoint(path, model, config)


FOREIGN = {
    "another seed": {"seed": 1},
    "another data set": {"dataset": "mnist"},
    "another kind of noise": {"noise": "repeated"},
    "another bottleneck": {"bottleneck": 2, "seed": 3},
    "not trained": {"trained": None},
}


def test_checkpoints_of_others_stay_when_a_training_ends(tmp_path, images, finished):
    checkpoints = tmp_path / "checkpoints"
    for epoch, changes in enumerate(FOREIGN.values(), start=5):
        changed(finished / "checkpoints/epoch3.safetensors", checkpoints / f"epoch{epoch}.safetensors", **changes)
    (checkpoints / "epoch20.safetensors").write_bytes(b"no checkpoint")
    (checkpoints / "mine.safetensors").write_bytes(b"no checkpoint")
    shutil.copy(finished / "checkpoints/epoch3.safetensors", checkpoints / "best.safetensors")
    (checkpoints / ".0123abcd.epoch0.safetensors").write_bytes(b"half")  # of another stage
    (tmp_path / "notes.txt").write_text("mine")
    before = digests(checkpoints)
    run(tmp_path, images)
    after = digests(checkpoints)
    assert after.items() >= before.items()
    assert after.keys() - before.keys() == {f"epoch{epoch}.safetensors" for epoch in (0, 1, 3)}
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_the_initial_network_stays_whatever_its_name(tmp_path, images):
    initial = start(tmp_path / "elsewhere").rename(tmp_path / "initial.safetensors")
    checkpoints = tmp_path / "run/checkpoints"
    checkpoints.mkdir(parents=True)
    for name in ("initial", "epoch2"):
        shutil.copy(initial, checkpoints / f"{name}.safetensors")
    train(images, checkpoints / "epoch2.safetensors", tmp_path / "run", SETTINGS, 1.0, CPU)
    assert digests(checkpoints).keys() == {f"{name}.safetensors" for name in ("initial", "epoch2", "epoch1", "epoch3")}


@pytest.mark.parametrize("changes", FOREIGN.values(), ids=FOREIGN)
def test_a_checkpoint_of_others_in_the_place_of_one_is_refused_before_training(
    tmp_path, images, finished, monkeypatch, changes
):
    path = tmp_path / "checkpoints/epoch1.safetensors"
    changed(finished / "checkpoints/epoch3.safetensors", path, **changes)
    before = path.read_bytes()
    steps = record_forward(monkeypatch)
    sentence = r"epoch1.safetensors: is not of a training of dataset digits, noise fresh, bottleneck 2, seed 0; move it"
    with pytest.raises(VaeGeometryError, match=sentence):
        run(tmp_path, images)
    assert not steps
    assert path.read_bytes() == before


def test_a_damaged_checkpoint_in_the_place_of_one_is_named_as_the_file_to_remove(tmp_path, images, finished):
    folder = shutil.copytree(finished, tmp_path / "run")
    path = folder / "checkpoints/epoch1.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(
        VaeGeometryError, match=r"epoch1.safetensors: not a checkpoint .* or remove it to make it again"
    ):
        run(folder, images)
    path.unlink()
    run(folder, images)
    assert digests(folder / "checkpoints") == digests(finished / "checkpoints")


def test_half_written_tables_go_and_files_of_others_in_the_state_stay(tmp_path, images):
    (tmp_path / "unfinished").mkdir()
    (tmp_path / "unfinished/notes.txt").write_text("mine")
    for name in ("training.parquet", "timing.parquet", "notes.txt"):
        (tmp_path / f".0123abcd.{name}").write_bytes(b"half")
    run(tmp_path, images)
    run(tmp_path, images)  # it has ended already
    assert [path.name for path in (tmp_path / "unfinished").iterdir()] == ["notes.txt"]
    assert [path.name for path in tmp_path.glob(".0*")] == [".0123abcd.notes.txt"]


@pytest.mark.parametrize("name", ["training", "timing"])
def test_a_file_that_is_no_table_is_not_replaced_by_one(tmp_path, images, name):
    (tmp_path / f"{name}.parquet").write_text("mine")
    with pytest.raises(VaeGeometryError, match=rf"{name}.parquet: is not a table of kind {name} and is not replaced"):
        run(tmp_path, images)
    assert (tmp_path / f"{name}.parquet").read_text() == "mine"


def test_a_training_that_keeps_no_checkpoint_removes_none_of_others(tmp_path, images):
    run(tmp_path, images, replace(SETTINGS, checkpoints=()))
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["epoch0.safetensors"]


@pytest.mark.parametrize("kind", ["trained network", "other file"])
def test_an_untrained_network_replaces_only_another(tmp_path, digits, finished, kind, capsys):
    path = tmp_path / "epoch0.safetensors"
    path.write_bytes((finished / "checkpoints/epoch1.safetensors").read_bytes() if kind == "trained network" else b"my")
    before = path.read_bytes()
    arguments = ["initialise", "--data", digits / "train.npz", "--output", path, "--bottleneck", 2]
    assert main([str(word) for word in arguments]) == 1
    assert f"initialise: {path}: " in capsys.readouterr().err
    assert path.read_bytes() == before
    path.unlink()
    assert main([str(word) for word in arguments]) == main([str(word) for word in arguments]) == 0


@pytest.mark.parametrize("name", ["training", "timing"])
def test_tables_of_another_run_are_refused_before_training(tmp_path, images, monkeypatch, name):
    """Also where no checkpoint is in the way: the other training kept other epochs."""
    run(tmp_path, images, replace(SETTINGS, epochs=1, checkpoints=()), seed=1)
    (tmp_path / ("timing.parquet" if name == "training" else "training.parquet")).unlink()
    path = tmp_path / f"{name}.parquet"
    before = path.read_bytes()
    initial, steps = start(tmp_path / "initial"), record_forward(monkeypatch)
    with pytest.raises(VaeGeometryError) as refused:
        train(images, initial, tmp_path, SETTINGS, 1.0, CPU)
    assert str(refused.value) == (
        f"{path}: is of seed 1 and is not replaced by a table of seed 0; choose another --output, or move it away"
    )
    assert not steps
    assert path.read_bytes() == before
