"""How far the latents of all inputs together, the aggregate posterior, are from the prior."""

import numpy as np
from numpy.typing import NDArray

SINGULAR = "the aggregate divergence was not measured: the covariance of z is singular"


def aggregate_divergence(mean: NDArray[np.float32], log_variance: NDArray[np.float32]) -> float | None:
    """KL divergence of the Gaussian with the mean and covariance of z, over all inputs, from N(0, I), in nats.

    The mean and covariance are those of z over its noise too, without a sample: the mean of mu, and the covariance of
    mu plus the mean of sigma squared. So few points leave it no more uncertain than they leave mu: N points of N(0, I)
    with sigma = 0 give K (K + 3) / 4N nats, and units of the prior's noise nothing.

    Only two moments count. The divergence of the aggregate posterior itself from N(0, I) is larger, by its divergence
    from that Gaussian: a lower bound of it is what this is. The KL divergence of the ELBO is an upper one.

    Parameters
    ----------
    mean, log_variance : (N, K) arrays

    Returns
    -------
    float or None
        None where the covariance is singular to rounding.

    References
    ----------
    Hoffman and Johnson, ELBO surgery, NIPS workshop 2016: the KL divergence of the ELBO is that of the aggregate
    posterior plus the mutual information of input and latent.
    """
    centre, variance = mean.mean(axis=0, dtype=float), np.exp(log_variance, dtype=float).mean(axis=0)
    deviations = mean - centre
    covariance = deviations.T @ deviations / len(mean) + np.diag(variance)
    eigenvalues = np.linalg.eigvalsh(covariance)
    if eigenvalues[0] <= len(eigenvalues) * np.finfo(float).eps * eigenvalues[-1]:
        return None
    return float((eigenvalues - 1 - np.log(eigenvalues)).sum() + (centre**2).sum()) / 2
