"""Layers of any network, recorded by name and role."""

import pytest
import torch
from torch import nn

from vae_geometry.networks.layers import Layer, Network, pass_through
from vae_geometry.networks.likelihoods import Bernoulli

pytestmark = pytest.mark.usefixtures("one_thread")


class Perceptron(Network):
    """Two layers in the encoder, one in the decoder; ``layers`` lists them out of order."""

    def __init__(self):
        super().__init__()
        self.first, self.second, self.third = nn.Linear(6, 5), nn.Linear(5, 4), nn.Linear(2, 3)
        self.both, self.output = nn.Linear(4, 4), nn.Linear(3, 6)
        self.likelihood = Bernoulli()

    @property
    def layers(self):
        return {"third": self.third, "first": self.first, "second": self.second}

    def encode(self, inputs):
        features = self.second(self.first(inputs))
        return self.both(features).split(2, dim=1)

    def decode(self, latent):
        return self.output(self.third(latent))


@pytest.fixture
def passed():
    torch.manual_seed(0)
    model, inputs = Perceptron().eval(), torch.rand(7, 6)
    with torch.no_grad():
        results = {
            latent: pass_through(model, inputs, torch.Generator().manual_seed(1), latent)
            for latent in ("sample", "mean")
        }
    return model, inputs, results


def test_layers_are_listed_as_they_run_with_their_roles(passed):
    expected = [("input", "input"), ("first", "encoder"), ("second", "encoder"), ("bottleneck", "bottleneck")]
    expected += [("third", "decoder"), ("output", "output")]
    assert list(passed[2]["sample"].activations) == [Layer(*pair) for pair in expected]


def test_each_layer_holds_what_its_module_gives_out(passed):
    model, inputs, results = passed
    activations = {layer.name: values for layer, values in results["mean"].activations.items()}
    with torch.no_grad():
        assert torch.equal(activations["first"], model.first(inputs))
        assert torch.equal(activations["bottleneck"], results["mean"].mean)
        assert torch.equal(activations["third"], model.third(results["mean"].mean))
        assert torch.allclose(activations["output"], torch.sigmoid(model.decode(results["mean"].mean)))


def test_forward_decodes_the_sampled_latent(passed):
    model, inputs, results = passed
    noise = torch.randn(7, 2, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        logits, mean, log_variance = model(inputs, noise)
    for latent in ("sample", "mean"):
        assert torch.allclose(results[latent].sampled_outputs, logits)
        assert torch.equal(results[latent].mean, mean)
        assert torch.equal(results[latent].log_variance, log_variance)
    assert not torch.equal(*(results[latent].activations[Layer("output", "output")] for latent in ("sample", "mean")))


def test_recording_leaves_no_hooks_behind(passed):
    assert not any(module._forward_hooks for module in passed[0].modules())
