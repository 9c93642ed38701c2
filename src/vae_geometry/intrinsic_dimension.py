"""Intrinsic dimension by the 2NN estimator (Facco et al., Scientific Reports 7 (2017) 12140), as in DADApy."""

import warnings
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

MU_FRACTION = 0.9
N_GROUPS = 20


class IntrinsicDimension(NamedTuple):
    """An estimate, or a null with its reason.

    Attributes
    ----------
    value : float or None
        Intrinsic dimension.
    stderr : float or None
        Its standard error.
    n_zero_distances : int
        Points at distance zero from their nearest neighbour; they are left out of the estimate.
    reason : str or None
        Why there is no value.
    """

    value: float | None
    stderr: float | None
    n_zero_distances: int
    reason: str | None


def two_nearest_neighbours(distances: NDArray[np.float64]) -> IntrinsicDimension:
    """Estimate the intrinsic dimension from the distances to the first and second nearest neighbours.

    Points at distance zero from their nearest neighbour say nothing about dimension and are left out. Where they are
    more than the fraction of points that 2NN discards anyway (1 - ``MU_FRACTION``), nothing is estimated.

    Parameters
    ----------
    distances : (n_points, 2) float64 array
        Distance of each point to its first and second nearest neighbour.

    Returns
    -------
    IntrinsicDimension
        Value by DADApy's ``compute_id_2NN`` (algorithm ``base``, ``mu_fraction`` 0.9). Standard error by the
        jackknife over ``N_GROUPS`` groups of points (Efron and Stein, Annals of Statistics 9 (1981) 586), which
        takes the ratios of distances of different points as independent.
    """
    positive = distances[:, 0] > 0
    n_zero = int((~positive).sum())
    n_points = len(distances)
    if n_points - n_zero < int(MU_FRACTION * n_points):
        reason = f"{n_zero} of {n_points} points lie at distance zero from their nearest neighbour"
        return IntrinsicDimension(None, None, n_zero, reason)
    distances = distances[positive]
    equal = int((distances[:, 0] == distances[:, 1]).sum())
    if equal >= MU_FRACTION * len(distances):
        reason = f"the two nearest neighbours of {equal} of {n_points} points are equally near"
        return IntrinsicDimension(None, None, n_zero, reason)
    value = _estimate(distances)
    stderr = None
    if len(distances) >= 10 * N_GROUPS:
        group = np.arange(len(distances)) % N_GROUPS
        left_out = np.array([_estimate(distances[group != g]) for g in range(N_GROUPS)])
        stderr = float(np.sqrt((N_GROUPS - 1) / N_GROUPS * ((left_out - left_out.mean()) ** 2).sum()))
    return IntrinsicDimension(value, stderr, n_zero, None)


def _estimate(distances: NDArray[np.float64]) -> float:
    print_options = np.get_printoptions()
    from dadapy import Data

    np.set_printoptions(**print_options)  # importing dadapy brings in jax, which changes them
    n_points = len(distances)
    padded = np.column_stack([np.zeros(n_points), distances])
    indices = np.zeros((n_points, 3), int)  # 2NN reads only their shape
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Covariance of the parameters could not be estimated")
        value, _, _ = Data(distances=(padded, indices)).compute_id_2NN(algorithm="base", mu_fraction=MU_FRACTION)
    return float(value)
