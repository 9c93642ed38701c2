import json
import os
import re

import pytest
import torch
from safetensors.torch import save_file

from vae_geometry import VaeGeometryError
from vae_geometry.cli import main
from vae_geometry.networks import build
from vae_geometry.networks.checkpoints import check_shape, load_checkpoint, read_config, save_checkpoint

pytestmark = pytest.mark.usefixtures("one_thread")
CHANNELS = [2, 3, 4, 5]
CONFIG = {"architecture": "convolutional", "shape": [1, 32, 32], "options": {"channels": CHANNELS}, "bottleneck": 2}
CONFIG |= {"likelihood": "bernoulli", "variance": None}
CONFIG |= {"dataset": "digits", "noise": "fresh", "seed": 0, "epoch": 1}


def small():
    return build("convolutional", (1, 32, 32), 2, {"channels": CHANNELS})


def test_a_checkpoint_restores_weights_buffers_and_config(tmp_path):
    path = tmp_path / "new folder/epoch1.safetensors"
    model = small()
    model.train()(torch.rand(8, 1, 32, 32), torch.randn(8, 2))  # moves the running means of batch norm
    save_checkpoint(path, model, CONFIG)
    restored, config = load_checkpoint(path)
    assert config == CONFIG
    assert not restored.training
    assert all(torch.equal(tensor, restored.state_dict()[name]) for name, tensor in model.state_dict().items())
    assert [entry.name for entry in path.parent.iterdir()] == ["epoch1.safetensors"]


def damaged_checkpoints():
    weights = {"a": torch.zeros(1)}
    yield "text", lambda path: path.write_text("no weights")
    yield "no metadata", lambda path: save_file(weights, path)
    yield "other metadata", lambda path: save_file(weights, path, metadata={"config": json.dumps({"bottleneck": 2})})
    yield "other weights", lambda path: save_file(weights, path, metadata={"config": json.dumps(CONFIG)})
    for key, value in {
        "architecture": 3,
        "shape": [1, 0, 32],
        "options": [2, 3, 4, 5],
        "bottleneck": "2",
        "likelihood": "poisson",
        "variance": "small",
        "seed": -1,
        "dataset": 5,
        "noise": None,
        "epoch": 0.5,
    }.items():
        metadata = {"config": json.dumps({**CONFIG, key: value})}
        yield f"no good {key}", lambda path, metadata=metadata: save_file(weights, path, metadata=metadata)
    for name, change in {
        "an architecture that is not there": {"architecture": "transformer"},
        "options of another architecture": {"options": {"depth": 3}},
        "channels that are none": {"options": {"channels": []}},
        "a shape that it does not take": {"shape": [1, 8, 8]},
        "a variance that its likelihood has none of": {"variance": 0.5},
    }.items():
        metadata = {"config": json.dumps({**CONFIG, **change})}
        yield name, lambda path, metadata=metadata: save_file(weights, path, metadata=metadata)
    yield "a folder", lambda path: path.mkdir()
    yield "metadata is no JSON", lambda path: save_file(weights, path, metadata={"config": "{"})


@pytest.mark.parametrize("damage", [pytest.param(write, id=name) for name, write in damaged_checkpoints()])
def test_a_file_that_is_no_checkpoint_is_named(tmp_path, damage):
    path = tmp_path / "epoch1.safetensors"
    damage(path)
    with pytest.raises(VaeGeometryError, match=r"epoch1.safetensors: not a checkpoint of this package"):
        load_checkpoint(path)


def test_a_truncated_checkpoint_is_named(tmp_path):
    path = tmp_path / "epoch1.safetensors"
    save_checkpoint(path, small(), CONFIG)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(
        VaeGeometryError, match=r"epoch1.safetensors: not a checkpoint .*, or remove it to make it again"
    ):
        load_checkpoint(path)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_named(tmp_path, capsys, value):
    path = tmp_path / "epoch1.safetensors"
    model = small()
    with torch.no_grad():
        model.mean.weight[1, 3] = model.mean.bias[0] = value
    save_checkpoint(path, model, CONFIG)
    sentence = (
        f"{path}: 2 of {len(model.state_dict())} tensors hold NaN or infinity, for example mean.bias; name another, "
    )
    sentence += "or remove it to make it"
    with pytest.raises(VaeGeometryError, match=re.escape(sentence)):
        load_checkpoint(path)
    assert main(["describe", str(path)]) == 1
    assert sentence in capsys.readouterr().err


def test_an_absent_checkpoint_is_named(tmp_path):
    with pytest.raises(VaeGeometryError, match=r"epoch7.safetensors: no such checkpoint"):
        load_checkpoint(tmp_path / "epoch7.safetensors")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"options": {"channels": [2, 3, 4, 6]}},
            "tensor encoder.3.0.weight as float32 (6, 4, 4, 4), it holds float32 (5, 4, 4, 4)",
        ),
        ({"bottleneck": 40_000_000}, "describes tensor mean.weight as float32 (40000000, 20), it holds"),
        ({"bottleneck": 3}, "describes tensor mean.weight as float32 (3, 20), it holds float32 (2, 20)"),
        (
            {"shape": [3, 32, 32]},
            "tensor encoder.0.0.weight as float32 (2, 3, 4, 4), it holds float32 (2, 1, 4, 4)",
        ),
    ],
)
def test_weights_of_another_architecture_are_named(tmp_path, change, sentence):
    save_checkpoint(tmp_path / "epoch1.safetensors", small(), {**CONFIG, **change})
    with pytest.raises(VaeGeometryError, match=re.escape(sentence)):
        load_checkpoint(tmp_path / "epoch1.safetensors")


def test_a_checkpoint_with_a_tensor_too_many_is_named(tmp_path):
    tensors = {**small().state_dict(), "extra": torch.zeros(2)}
    save_file(tensors, tmp_path / "epoch1.safetensors", metadata={"config": json.dumps(CONFIG)})
    with pytest.raises(VaeGeometryError, match=r"describes tensor extra as absent, it holds float32 \(2,\)"):
        load_checkpoint(tmp_path / "epoch1.safetensors")


def test_describe_prints_the_config_and_the_tensors(tmp_path, capsys):
    save_checkpoint(tmp_path / "epoch1.safetensors", small(), {**CONFIG, "dataset": "mine"})
    assert main(["describe", str(tmp_path / "epoch1.safetensors")]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert {"dataset: mine", "options.channels: [2, 3, 4, 5]", "bottleneck: 2"} < set(printed)
    assert "  mean.weight: (2, 20)" in printed


def test_images_of_another_shape_than_the_networks_are_an_error(tmp_path):
    check_shape(tmp_path / "a.safetensors", CONFIG, (1, 32, 32))
    with pytest.raises(VaeGeometryError, match=r"a.safetensors: the network takes inputs of 1x32x32, the data set has"):
        check_shape(tmp_path / "a.safetensors", CONFIG, (3, 32, 32))


@pytest.mark.usefixtures("ten_seconds")
def test_a_fifo_is_refused_unopened(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(VaeGeometryError, match=r"fifo: not a checkpoint of this package \(it is a FIFO, not a file\)"):
        read_config(tmp_path / "fifo")
