import json
import re

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch.distributions import Bernoulli, Normal, kl_divergence

from vae_geometry import VaeGeometryError
from vae_geometry.cli import main
from vae_geometry.networks.convolutional import LAYER_NAMES, VAE, elbo_terms, load_checkpoint, save_checkpoint

pytestmark = pytest.mark.usefixtures("one_thread")
FULL_WIDTH = (64, 128, 256, 256)
CONFIG = {"image_channels": 1, "channels": [2, 3, 4, 5], "bottleneck": 2}
CONFIG |= {"dataset": "digits", "noise": "fresh", "seed": 0, "epoch": 1}


def convolution(width_in, width_out):
    return 4 * 4 * width_in * width_out + width_out


def linear(size_in, size_out):
    return size_in * size_out + size_out


def batch_norm(size):
    return 2 * size


@pytest.mark.parametrize(("image_channels", "bottleneck"), [(3, 32), (1, 2)])
def test_number_of_parameters_at_full_width(image_channels, bottleneck):
    by_hand = (
        convolution(image_channels, 64) + batch_norm(64)
        + convolution(64, 128) + batch_norm(128)
        + convolution(128, 256) + batch_norm(256)
        + convolution(256, 256) + batch_norm(256)
        + 2 * linear(1024, bottleneck)
        + linear(bottleneck, 1024) + batch_norm(1024)
        + convolution(256, 256) + batch_norm(256)
        + convolution(256, 128) + batch_norm(128)
        + convolution(128, 64) + batch_norm(64)
        + convolution(64, image_channels)
    )  # fmt: skip
    model = VAE(image_channels, FULL_WIDTH, bottleneck)
    assert sum(parameter.numel() for parameter in model.parameters()) == by_hand


def test_eleven_layers_have_names():
    assert len(LAYER_NAMES) == 11
    assert (LAYER_NAMES[0], LAYER_NAMES[5], LAYER_NAMES[10]) == ("input", "bottleneck", "output")


def test_all_activation_functions_are_leaky_with_slope_0_2():
    slopes = [m.negative_slope for m in VAE(1, [2, 3, 4, 5], 2).modules() if isinstance(m, torch.nn.LeakyReLU)]
    assert slopes == [0.2] * 8


def test_forward_samples_around_the_mean():
    model = VAE(1, [2, 3, 4, 5], 2).eval()
    images, noise = torch.rand(4, 1, 32, 32), torch.randn(4, 2)
    with torch.no_grad():
        logits, mean, log_variance = model(images, noise)
        expected = model.decoder(mean + log_variance.exp().sqrt() * noise)
        at_mean = model(images, torch.zeros(4, 2))[0]
        assert torch.allclose(at_mean, model.decoder(mean), atol=1e-6)
    assert logits.shape == images.shape
    assert torch.allclose(logits, expected, atol=1e-6)
    assert not torch.allclose(logits, at_mean, atol=1e-6)


@pytest.mark.parametrize("channels", [1, 3])
def test_elbo_terms_are_those_of_bernoulli_pixels_and_a_normal_latent(channels):
    torch.manual_seed(0)
    images, logits = torch.rand(5, channels, 32, 32).double(), 3 * torch.randn(5, channels, 32, 32).double()
    mean, log_variance = torch.randn(5, 7).double(), torch.randn(5, 7).double()
    reconstruction, kl = elbo_terms(images, logits, mean, log_variance)
    log_likelihood = Bernoulli(logits=logits, validate_args=False).log_prob(images).sum((1, 2, 3))
    divergence = kl_divergence(Normal(mean, (log_variance / 2).exp()), Normal(0.0, 1.0)).sum(1)
    assert torch.allclose(reconstruction, -log_likelihood, rtol=1e-12)
    assert torch.allclose(kl, divergence, rtol=1e-12)


def test_kl_is_zero_for_the_prior_itself():
    zeros = torch.zeros(2, 3)
    assert elbo_terms(torch.rand(2, 4), torch.zeros(2, 4), zeros, zeros)[1].tolist() == [0, 0]


def test_a_checkpoint_restores_weights_buffers_and_config(tmp_path):
    path = tmp_path / "new folder/epoch1.safetensors"
    model = VAE(1, [2, 3, 4, 5], 2)
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
        "channels": [],
        "bottleneck": "2",
        "seed": -1,
        "dataset": 5,
        "noise": None,
        "epoch": 0.5,
    }.items():
        metadata = {"config": json.dumps({**CONFIG, key: value})}
        yield f"no good {key}", lambda path, metadata=metadata: save_file(weights, path, metadata=metadata)
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
    save_checkpoint(path, VAE(1, [2, 3, 4, 5], 2), CONFIG)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(VaeGeometryError, match=r"epoch1.safetensors: not a checkpoint"):
        load_checkpoint(path)


def test_an_absent_checkpoint_is_named(tmp_path):
    with pytest.raises(VaeGeometryError, match=r"epoch7.safetensors: no such checkpoint"):
        load_checkpoint(tmp_path / "epoch7.safetensors")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"channels": [2, 3, 4, 6]},
            "tensor encoder.3.0.weight as float32 (6, 4, 4, 4), it holds float32 (5, 4, 4, 4)",
        ),
        ({"bottleneck": 40_000_000}, "describes tensor mean.weight as float32 (40000000, 20), it holds"),
        ({"bottleneck": 3}, "describes tensor mean.weight as float32 (3, 20), it holds float32 (2, 20)"),
        (
            {"image_channels": 3},
            "tensor encoder.0.0.weight as float32 (2, 3, 4, 4), it holds float32 (2, 1, 4, 4)",
        ),
    ],
)
def test_weights_of_another_architecture_are_named(tmp_path, change, sentence):
    save_checkpoint(tmp_path / "epoch1.safetensors", VAE(1, [2, 3, 4, 5], 2), {**CONFIG, **change})
    with pytest.raises(VaeGeometryError, match=re.escape(sentence)):
        load_checkpoint(tmp_path / "epoch1.safetensors")


def test_a_checkpoint_with_a_tensor_too_many_is_named(tmp_path):
    tensors = {**VAE(1, [2, 3, 4, 5], 2).state_dict(), "extra": torch.zeros(2)}
    save_file(tensors, tmp_path / "epoch1.safetensors", metadata={"config": json.dumps(CONFIG)})
    with pytest.raises(VaeGeometryError, match=r"describes tensor extra as absent, it holds float32 \(2,\)"):
        load_checkpoint(tmp_path / "epoch1.safetensors")


def test_describe_prints_the_config_and_the_tensors(tmp_path, capsys):
    save_checkpoint(tmp_path / "epoch1.safetensors", VAE(1, [2, 3, 4, 5], 2), {**CONFIG, "dataset": "mine"})
    assert main(["describe", str(tmp_path / "epoch1.safetensors")]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert {"dataset: mine", "channels: [2, 3, 4, 5]", "bottleneck: 2"} < set(printed)
    assert "  mean.weight: (2, 20)" in printed


def test_a_network_in_eval_mode_treats_each_image_alone():
    model = VAE(1, [2, 3, 4, 5], 2).eval()
    images, noise = torch.rand(6, 1, 32, 32), torch.randn(6, 2)
    with torch.no_grad():
        alone, together = model(images[:1], noise[:1])[0], model(images, noise)[0][:1]
    assert np.allclose(alone, together, atol=1e-5)
