"""The terms of the ELBO on test images."""

import numpy as np
import torch
from numpy.typing import NDArray

from vae_geometry.networks.likelihoods import binary_cross_entropy, kl_per_unit

BATCH_SIZE = 500


def elbo_terms(
    images: NDArray[np.float32],
    logits: NDArray[np.float32],
    mean: NDArray[np.float32],
    log_variance: NDArray[np.float32],
) -> tuple[float, NDArray[np.float64]]:
    """Reconstruction loss and KL of each latent unit, means over the images, in nats.

    Parameters
    ----------
    images, logits : (N, D) arrays
        Values between 0 and 1, and the output before the sigmoid, decoded from the sampled z.
    mean, log_variance : (N, K) arrays

    Returns
    -------
    reconstruction : float
        Summed over the pixels.
    kl : (K,) array
    """
    reconstruction, kl = 0.0, np.zeros(mean.shape[1])
    for start in range(0, len(images), BATCH_SIZE):
        x, y, m, v = (
            torch.from_numpy(array[start : start + BATCH_SIZE].astype(float))
            for array in (images, logits, mean, log_variance)
        )
        reconstruction += float(binary_cross_entropy(x, y).sum())
        kl += kl_per_unit(m, v).sum(0).numpy()
    return reconstruction / len(images), kl / len(images)
