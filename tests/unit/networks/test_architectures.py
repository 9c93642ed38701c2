"""A network is a module in the folder of networks; nothing else in the package knows how many layers it has."""

import numpy as np
import pytest
import torch

from vae_geometry import VaeGeometryError, networks, tables
from vae_geometry.config import Training
from vae_geometry.data.prepared import load_inputs
from vae_geometry.fidelity.measure import measure_fidelity
from vae_geometry.networks import build, signatures
from vae_geometry.networks.activations import dump_activations, write_reconstructions
from vae_geometry.networks.checkpoints import load_checkpoint
from vae_geometry.training.initialise import initialise
from vae_geometry.training.loop import train
from vae_geometry.training.random_streams import generator

pytestmark = pytest.mark.usefixtures("one_thread")
CPU = torch.device("cpu")
PERCEPTRON = """
from math import prod

from torch import nn

from vae_geometry.networks.layers import Network


def build(shape, bottleneck, width=8):
    return Perceptron(shape, bottleneck, width)


class Perceptron(Network):
    def __init__(self, shape, bottleneck, width):
        super().__init__()
        self.encoder = nn.Sequential(nn.Flatten(), nn.Linear(prod(shape), width), nn.ReLU())
        self.mean, self.log_variance = nn.Linear(width, bottleneck), nn.Linear(width, bottleneck)
        self.hidden = nn.Sequential(nn.Linear(bottleneck, width), nn.ReLU())
        self.output = nn.Sequential(nn.Linear(width, prod(shape)), nn.Unflatten(1, shape))

    @property
    def layers(self):
        return {"encoder": self.encoder, "decoder": self.hidden}

    def encode(self, inputs):
        features = self.encoder(inputs)
        return self.mean(features), self.log_variance(features)

    def decode(self, latent):
        return self.output(self.hidden(latent))
"""


@pytest.fixture
def perceptron(tmp_path, monkeypatch):
    (tmp_path / "architectures").mkdir()
    (tmp_path / "architectures/tiny_perceptron.py").write_text(PERCEPTRON)
    for path in signatures.FOLDER.glob("*.py"):
        (tmp_path / "architectures" / path.name).write_text(path.read_text())
    monkeypatch.setattr(networks, "__path__", [*networks.__path__, str(tmp_path / "architectures")])
    monkeypatch.setattr(signatures, "FOLDER", tmp_path / "architectures")
    return "tiny_perceptron"


def test_the_architectures_are_those_of_the_folder(perceptron):
    assert signatures.architectures() == ["convolutional", "perceptron", "residual", "tiny_perceptron"]


def test_a_network_of_five_layers_goes_through_every_stage(perceptron, tmp_path, digits):
    run, dump = tmp_path / "run", tmp_path / "dump"
    config = {"architecture": perceptron, "options": {"width": 6}, "bottleneck": 2}
    config |= {"likelihood": "bernoulli", "variance": None, "dataset": "digits", "noise": "fresh"}
    images = load_inputs(digits / "train.npz")[:100]
    initialise(run / "checkpoints/epoch0.safetensors", config, 0, images)
    settings = Training(epochs=1, checkpoints=(1,), batch_size=20)
    train(torch.from_numpy(images), run / "checkpoints/epoch0.safetensors", run, settings, 1.0, CPU)
    assert tables.read("training", [run / "training.parquet"])["epoch"].to_pylist() == [1]

    model, config = load_checkpoint(run / "checkpoints/epoch1.safetensors")
    draws = (generator(config, stream) for stream in ("measurement", "samples"))
    dump_activations(model, config, images[:30], dump, "sample", *draws, CPU)
    rows = tables.read("manifest", [dump / "manifest.parquet"]).to_pylist()
    assert [(row["layer"], row["layer_name"], row["role"], row["extrinsic_dimension"]) for row in rows] == [
        (0, "input", "input", 1024),
        (1, "encoder", "encoder", 6),
        (2, "bottleneck", "bottleneck", 2),
        (3, "decoder", "decoder", 6),
        (4, "output", "output", 1024),
    ]
    write_reconstructions(dump, tmp_path / "pictures.npz")
    with np.load(tmp_path / "pictures.npz") as pictures:
        assert np.array_equal(pictures["reconstructions"].reshape(10, -1), np.load(dump / "layer04.npy")[:10])

    measure_fidelity(dump, tmp_path / "fidelity.parquet", n_points=30, beta=1.0)
    (row,) = tables.read("fidelity", [tmp_path / "fidelity.parquet"]).to_pylist()
    outputs, inputs = (np.load(dump / f"layer{layer:02d}.npy").astype(float) for layer in (4, 0))
    cross_entropy = -(inputs * np.log(outputs) + (1 - inputs) * np.log(1 - outputs)).sum() / 30
    assert row["reconstruction"] == pytest.approx(cross_entropy, rel=1e-4)
    assert len(row["kl_per_unit"]) == 2


def test_an_unknown_architecture_is_named_with_those_that_exist():
    with pytest.raises(
        VaeGeometryError,
        match="architecture transformer is unknown; take convolutional, perceptron, residual, or a function",
    ):
        build("transformer", (1, 32, 32), 2)


def test_an_option_that_an_architecture_does_not_take_is_an_error(perceptron):
    with pytest.raises(VaeGeometryError, match="architecture tiny_perceptron takes no option depth; it takes width"):
        build(perceptron, (1, 32, 32), 2, {"depth": 3})
