"""Losses of batches, and their means over an epoch."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from vae_geometry.networks.layers import as_inputs
from vae_geometry.networks.likelihoods import Likelihood, kl_per_unit

Forward = Callable[[Tensor, Tensor], tuple[Tensor, Tensor, Tensor]]  # inputs, eps -> outputs, mean, log variance


def batch_losses(network: Forward, likelihood: Likelihood, images: Tensor, eps: Tensor, precision: str) -> Tensor:
    """Reconstruction loss and KL divergence, each summed over a batch, (2,), in nats; stays on the device.

    Parameters
    ----------
    network : callable
        Inputs and eps to outputs, mean and log variance.
    likelihood : Likelihood
    images : (n, C, H, W) uint8 or (n, ...) float32 tensor
    eps : (n, K) float tensor
    precision : {"float32", "bfloat16"}
        Of the network's products; the loss is float32.
    """
    layout = torch.channels_last if images.ndim == 4 else torch.contiguous_format
    inputs = as_inputs(images.contiguous(memory_format=layout))
    with torch.autocast(inputs.device.type, torch.bfloat16, enabled=precision == "bfloat16"):
        outputs = network(inputs, eps)
    decoded, mean, log_variance = (output.float() for output in outputs)
    reconstruction, kl = likelihood.loss(inputs, decoded), kl_per_unit(mean, log_variance).sum(1)
    return torch.stack([reconstruction.sum(), kl.sum()])


def first_not_finite(losses: Sequence[Tensor]) -> int | None:
    """Number, from 1 on, of the first batch with a loss that is not finite, if there is one; waits for the device."""
    is_finite = torch.stack(list(losses)).isfinite().all(1)
    return None if is_finite.all() else int(is_finite.int().argmin()) + 1


def mean_losses(part: str, losses: Sequence[Tensor], n_images: int, beta: float) -> dict[str, float]:
    """Columns of the table of losses: means over ``n_images`` images, in nats.

    Parameters
    ----------
    part : {"train", "validation"}
    losses : sequence of (2,) tensors
        Of each batch, see ``batch_losses``.
    n_images : int
    beta : float
        Weight of the KL divergence.
    """
    reconstruction, kl = (torch.stack(list(losses)).double().sum(0) / n_images).tolist()
    return {
        f"{part}_reconstruction": reconstruction,
        f"{part}_kl": kl,
        f"{part}_elbo": reconstruction + beta * kl,
    }
