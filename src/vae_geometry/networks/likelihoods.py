"""The terms of the ELBO, and how a latent is sampled."""

import torch
from torch import Tensor, nn


def sample(mean: Tensor, log_variance: Tensor, noise: Tensor) -> Tensor:
    """z = mu + sigma * eps, (n, K); ``noise`` is eps, standard normal."""
    return mean + torch.exp(0.5 * log_variance) * noise


def binary_cross_entropy(images: Tensor, logits: Tensor) -> Tensor:
    """Reconstruction loss of each image, summed over pixels and channels, in nats.

    Parameters
    ----------
    images, logits : (n, ...) float tensors
        Values between 0 and 1, and the output before the sigmoid.

    Returns
    -------
    (n,) float tensor
    """
    return nn.functional.binary_cross_entropy_with_logits(logits, images, reduction="none").flatten(1).sum(1)


def kl_per_unit(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL divergence from the prior N(0, 1) of each image and latent unit, (n, K), in nats."""
    return -0.5 * (1 + log_variance - mean**2 - log_variance.exp())
