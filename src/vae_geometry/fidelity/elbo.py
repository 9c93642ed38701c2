"""The terms of the ELBO on test images."""

import numpy as np
import torch
from numpy.typing import NDArray

from vae_geometry.networks.likelihoods import Likelihood, kl_per_unit

BATCH_SIZE = 500


@torch.no_grad()
def elbo_terms(
    likelihood: Likelihood,
    inputs: NDArray[np.float32],
    outputs: NDArray[np.float32],
    mean: NDArray[np.float32],
    log_variance: NDArray[np.float32],
) -> tuple[float, NDArray[np.float64]]:
    """Reconstruction loss and KL of each latent unit, means over the inputs, in nats.

    Parameters
    ----------
    likelihood : Likelihood
    inputs, outputs : (N, D) arrays
        The outputs are parameters of the likelihood, decoded from the sampled z.
    mean, log_variance : (N, K) arrays

    Returns
    -------
    reconstruction : float
        Summed over the values of an input.
    kl : (K,) array
    """
    reconstruction, kl = 0.0, np.zeros(mean.shape[1])
    for start in range(0, len(inputs), BATCH_SIZE):
        x, y, m, v = (
            torch.from_numpy(array[start : start + BATCH_SIZE].astype(float))
            for array in (inputs, outputs, mean, log_variance)
        )
        reconstruction += float(likelihood.loss(x, y).sum())
        kl += kl_per_unit(m, v).sum(0).numpy()
    return reconstruction / len(inputs), kl / len(inputs)
