"""The ways in which the latent of a network is measured, and which of its units are active."""

import numpy as np
from numpy.typing import NDArray

LATENTS = ("sample", "mean", "active_sample", "active_mean")
ACTIVE_VARIANCE = 0.01


def active_units(mean: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which units of a latent say something about the input: those whose mean varies from input to input.

    Parameters
    ----------
    mean : (n_points, K) array
        Mean of the latent of each input.

    Returns
    -------
    (K,) bool array
        Where the variance over the points exceeds ``ACTIVE_VARIANCE``. A constant sigma, which raises the KL divergence
        where it is not 1, makes no unit active.

    References
    ----------
    Burda, Grosse and Salakhutdinov, Importance Weighted Autoencoders, ICLR 2016, section 5.2 (arXiv 1509.00519).
    """
    return np.var(mean, axis=0, dtype=float) > ACTIVE_VARIANCE
