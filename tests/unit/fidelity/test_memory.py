"""What a network has learnt by heart of its eps: decoded with the eps of training, a new one and none."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from small_training import CPU, SETTINGS, record_forward, run, start

from vae_geometry import NOISES, VaeGeometryError, tables
from vae_geometry.data.prepared import load_inputs
from vae_geometry.fidelity.memory import ONE_IMAGE, UNTRAINED, measure_memory
from vae_geometry.networks.checkpoints import load_checkpoint, read_config, save_checkpoint
from vae_geometry.training.initialise import initialise
from vae_geometry.training.loop import train

pytestmark = pytest.mark.usefixtures("one_thread")
EPOCHS = (0, 1, 3)
ODD = replace(SETTINGS, images=61)  # 49 train in batches of 16: the last batch, of one image, is left out
MEASURED = ("loss_trained_eps", "loss_new_eps", "loss_mean", "memory")


@pytest.fixture(scope="module")
def data(digits):
    return digits / "train.npz"


@pytest.fixture(scope="module")
def images(data):
    return torch.from_numpy(load_inputs(data))


@pytest.fixture(scope="module")
def trained(tmp_path_factory, images):
    return run(tmp_path_factory.mktemp("trained"), images)


def checkpoints(folder, epochs=EPOCHS):
    return [folder / f"checkpoints/epoch{epoch}.safetensors" for epoch in epochs]


def measured(paths, data, output, n_images=1000):
    """Rows by epoch and part."""
    measure_memory(paths, data, output / "memory.parquet", n_images, CPU)
    rows = tables.read("memory", [output / "memory.parquet"]).to_pylist()
    return {(row["epoch"], row["part"]): row for row in rows}


def loss(checkpoint, steps):
    """Mean reconstruction loss of a network on (inputs, eps) of training steps."""
    model, _ = load_checkpoint(checkpoint)
    inputs, eps = (torch.cat(part) for part in zip(*steps, strict=True))
    with torch.no_grad():
        outputs, *_ = model(inputs, eps)
        return model.likelihood.loss(inputs, outputs).mean().item()


@pytest.mark.parametrize("noise", NOISES)
def test_training_images_are_decoded_with_the_eps_that_their_last_epoch_gave_them(
    tmp_path, images, data, noise, monkeypatch
):
    with monkeypatch.context() as recording:
        steps = record_forward(recording)
        run(tmp_path, images, ODD, noise=noise)
    rows = measured(checkpoints(tmp_path), data, tmp_path)
    n_batches = len(steps) // 3
    for epoch, path in zip(EPOCHS[1:], checkpoints(tmp_path)[1:], strict=True):
        of_epoch = steps[(epoch - 1) * n_batches : epoch * n_batches]
        row = rows[epoch, "train"]
        assert row["n_images"] == sum(len(inputs) for inputs, _ in of_epoch) == 48
        assert row["loss_trained_eps"] == pytest.approx(loss(path, of_epoch), rel=1e-6)
        assert row["loss_mean"] == pytest.approx(loss(path, [(x, 0 * eps) for x, eps in of_epoch]), rel=1e-6)
        assert row["loss_new_eps"] != pytest.approx(row["loss_trained_eps"], rel=1e-6)


def test_eps_that_repeats_is_learnt_by_heart_and_eps_that_does_not_is_not(tmp_path, images, data):
    network = {"architecture": "perceptron", "options": {"widths": [32]}, "likelihood": "bernoulli", "variance": None}
    settings = replace(SETTINGS, epochs=60, checkpoints=(60,), learning_rate=0.01)
    rows = {}
    for noise in ("repeated", "fresh"):
        initial, folder = tmp_path / noise / "checkpoints/epoch0.safetensors", tmp_path / noise
        initialise(initial, {**network, "dataset": "digits", "noise": noise, "bottleneck": 8}, 0, images.numpy())
        train(images, initial, folder, settings, 1.0, CPU)
        rows[noise] = measured(checkpoints(folder, [60]), data, folder)
    memory = {
        (noise, part): row["memory"] / row["memory_stderr"]
        for noise, of_noise in rows.items()
        for (_, part), row in of_noise.items()
    }
    assert memory["repeated", "train"] > 5
    assert abs(memory["repeated", "validation"]) < 3  # the eps are learnt with their images, not as such
    assert abs(memory["fresh", "train"]) < 3
    assert abs(memory["fresh", "validation"]) < 3


def test_an_untrained_network_has_nothing_to_remember(trained, data, tmp_path):
    rows = measured(checkpoints(trained), data, tmp_path)
    assert list(rows) == [(epoch, part) for epoch in EPOCHS for part in ("train", "validation")]
    for part in ("train", "validation"):
        assert rows[0, part]["reason"] == UNTRAINED
        assert {rows[0, part][name] for name in (*MEASURED, "n_images")} == {None}
        assert rows[3, part]["reason"] is None


def test_memory_is_the_paired_difference_with_its_error(trained, data, tmp_path):
    row = measured(checkpoints(trained), data, tmp_path)[3, "train"]
    assert row["memory"] == pytest.approx(row["loss_new_eps"] - row["loss_trained_eps"])
    unpaired = np.hypot(row["loss_new_eps_stderr"], row["loss_trained_eps_stderr"])
    assert 0 < row["memory_stderr"] < unpaired / 3


def test_the_first_images_of_each_part_are_measured_or_all(trained, data, tmp_path):
    rows = measured(checkpoints(trained), data, tmp_path, n_images=20)
    assert [rows[3, part]["n_images"] for part in ("train", "validation")] == [20, 12]


def test_one_validation_image_has_no_error(tmp_path, images, data):
    folder = run(tmp_path, images, replace(SETTINGS, images=40, validation_fraction=0.03))
    row = measured(checkpoints(folder), data, tmp_path)[3, "validation"]
    assert (row["n_images"], row["memory_stderr"], row["reason"]) == (1, None, ONE_IMAGE)
    assert row["memory"] is not None


def test_the_order_of_the_checkpoints_does_not_matter(trained, data, tmp_path):
    for name, paths in {"up": checkpoints(trained), "down": checkpoints(trained)[::-1]}.items():
        measured(paths, data, tmp_path / name)
    assert (tmp_path / "up/memory.parquet").read_bytes() == (tmp_path / "down/memory.parquet").read_bytes()


def changed(path, target, **changes):
    """A copy of a checkpoint that says something else of itself."""
    config = {**read_config(path), **changes}
    model, _ = load_checkpoint(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    save_checkpoint(target, model, config)
    return target


def mistakes(trained, images, tmp_path):
    first, last = checkpoints(trained, [1, 3])
    otherwise = run(tmp_path / "otherwise", images, replace(SETTINGS, learning_rate=0.01))
    return {
        "another seed": ([changed(first, tmp_path / "a", seed=1), last], "is of another seed than"),
        "another training": ([checkpoints(otherwise, [1])[0], last], "was trained with other settings than"),
        "an epoch twice": ([last, changed(last, tmp_path / "b")], "is of epoch 3, as is"),
        "no word of its training": ([changed(last, tmp_path / "c", trained=None)], "does not say how it was trained"),
    }


@pytest.mark.parametrize("case", ["another seed", "another training", "an epoch twice", "no word of its training"])
def test_checkpoints_that_do_not_belong_together_are_refused(trained, images, data, tmp_path, case):
    paths, sentence = mistakes(trained, images, tmp_path)[case]
    with pytest.raises(VaeGeometryError, match=sentence):
        measured(paths, data, tmp_path)
    assert not (tmp_path / "memory.parquet").exists()


def test_other_images_than_those_of_the_training_are_refused(trained, digits, tmp_path):
    with pytest.raises(VaeGeometryError, match=r"was not trained on the images of .*test.npz"):
        measured(checkpoints(trained), digits / "test.npz", tmp_path)


def test_the_table_of_another_run_is_not_replaced(trained, images, data, tmp_path):
    measured(checkpoints(trained), data, tmp_path)
    before = (tmp_path / "memory.parquet").read_bytes()
    other = start(tmp_path / "other", "repeated")
    with pytest.raises(VaeGeometryError, match="is of noise fresh and is not replaced"):
        measured([other], data, tmp_path)
    assert (tmp_path / "memory.parquet").read_bytes() == before
