"""What every network provides, its layers by name and role, and what these give out."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import Tensor, nn

from vae_geometry.networks.likelihoods import Likelihood, sample


class Network(nn.Module):
    """A variational autoencoder: an architecture defines ``encode``, ``decode`` and ``layers``.

    Attributes
    ----------
    likelihood : Likelihood
        What the output of ``decode`` means; ``networks.build`` sets it.
    """

    likelihood: Likelihood

    @property
    def layers(self) -> dict[str, nn.Module]:
        """The modules whose outputs are measured besides input, bottleneck and output, in order."""
        raise NotImplementedError

    def encode(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log variance of the latent, each (n, K), of inputs (n, ...)."""
        raise NotImplementedError

    def decode(self, latent: Tensor) -> Tensor:
        """Parameters of the likelihood, of the shape of the inputs, of a latent (n, K)."""
        raise NotImplementedError

    def forward(self, inputs: Tensor, noise: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Encode, sample and decode.

        Parameters
        ----------
        inputs : (n, ...) float tensor
        noise : (n, K) float tensor
            Standard normal; zeros decode the mean.

        Returns
        -------
        outputs : (n, ...) float tensor
            Parameters of the likelihood.
        mean, log_variance : (n, K) float tensors
        """
        mean, log_variance = self.encode(inputs)
        return self.decode(sample(mean, log_variance, noise)), mean, log_variance


class Layer(NamedTuple):
    """A layer and what it is to its network.

    Attributes
    ----------
    name : str
    role : {"input", "encoder", "bottleneck", "decoder", "output"}
    """

    name: str
    role: str


class Pass(NamedTuple):
    """What a network made of a batch of n inputs.

    Attributes
    ----------
    activations : dict
        Layer -> (n, ...) tensor, from the input to the output, which is the mean of the likelihood.
    mean, log_variance : (n, K) tensors
    sampled_outputs : tensor of the shape of the inputs
        Parameters of the likelihood, decoded from the sampled z.
    """

    activations: dict[Layer, Tensor]
    mean: Tensor
    log_variance: Tensor
    sampled_outputs: Tensor


def pass_through(model: Network, inputs: Tensor, noise: torch.Generator, latent: str) -> Pass:
    """Run a network on a batch and record its layers: those that run in ``encode``, and those that run in ``decode``.

    Parameters
    ----------
    model : Network
    inputs : (n, ...) tensor
    noise : torch.Generator
        On the CPU; draws eps.
    latent : {"sample", "mean"}
        What the bottleneck and the layers after it take: the sampled z or its mean.
    """
    with recording(model.layers) as encoder:
        mean, log_variance = model.encode(inputs)
    eps = torch.randn(mean.shape, generator=noise).to(inputs.device)
    with recording(model.layers) as decoder:
        bottleneck = sample(mean, log_variance, eps)
        outputs = sampled_outputs = model.decode(bottleneck)
        if latent == "mean":
            bottleneck, outputs = mean, model.decode(mean)
    activations = {
        Layer("input", "input"): inputs,
        **{Layer(name, "encoder"): output for name, output in encoder.items()},
        Layer("bottleneck", "bottleneck"): bottleneck,
        **{Layer(name, "decoder"): output for name, output in decoder.items()},
        Layer("output", "output"): model.likelihood.expected(outputs),
    }
    return Pass(activations, mean, log_variance, sampled_outputs)


@contextmanager
def recording(modules: Mapping[str, nn.Module]) -> Iterator[dict[str, Tensor]]:
    """Collect what modules give out, by name and in the order in which they run, until the block ends."""
    outputs: dict[str, Tensor] = {}
    handles = [
        module.register_forward_hook(lambda _module, _inputs, output, name=name: outputs.update({name: output}))
        for name, module in modules.items()
    ]
    try:
        yield outputs
    finally:
        for handle in handles:
            handle.remove()


def as_inputs(stored: Tensor) -> Tensor:
    """What a network takes of inputs as they are stored: images, uint8, become values between 0 and 1."""
    return stored.float() / 255 if stored.dtype == torch.uint8 else stored
