"""Intrinsic dimension by DADApy: 2NN (Facco et al., Scientific Reports 7 (2017) 12140), and Gride for ID against scale
(Denti et al., Scientific Reports 12 (2022) 20005).
"""

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


class Scaling(NamedTuple):
    """Intrinsic dimension against scale, the smallest scale first; as many entries in each list.

    Attributes
    ----------
    neighbours : list of int
        n, a power of two: the estimate compares the distances of the n-th and the n/2-th nearest neighbours.
    distance : list of float
        Mean of those two distances over all points, in the units of the space.
    dimension, stderr : list of float
        Intrinsic dimension and its standard error.
    """

    neighbours: list[int]
    distance: list[float]
    dimension: list[float]
    stderr: list[float]


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


def dimension_at_scales(distances: NDArray[np.float64]) -> Scaling:
    """Estimate the intrinsic dimension at growing scales, from the distances to the nearest neighbours.

    Points at distance zero from their nearest neighbour are left out, as in ``two_nearest_neighbours``: ask it first
    whether there is anything to estimate.

    Parameters
    ----------
    distances : (n_points, n_neighbours) float64 array
        Distances of each point to its nearest neighbours, in ascending order; at least 2.

    Returns
    -------
    Scaling
        By DADApy's ``return_id_scaling_gride`` at 2, 4, 8, ... neighbours, up to ``n_neighbours``. The standard error
        is DADApy's, from the curvature of the likelihood, which takes the points as independent.
    """
    data = _data(distances[distances[:, 0] > 0])
    dimension, stderr, distance = data.return_id_scaling_gride(range_max=distances.shape[1])
    neighbours = [2 ** (step + 1) for step in range(len(dimension))]
    return Scaling(neighbours, distance.tolist(), dimension.tolist(), stderr.tolist())


def _estimate(distances: NDArray[np.float64]) -> float:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Covariance of the parameters could not be estimated")
        value, _, _ = _data(distances).compute_id_2NN(algorithm="base", mu_fraction=MU_FRACTION)
    return float(value)


def _data(distances: NDArray[np.float64]):
    print_options = np.get_printoptions()
    from dadapy import Data

    np.set_printoptions(**print_options)  # importing dadapy brings in jax, which changes them
    padded = np.column_stack([np.zeros(len(distances)), distances])  # DADApy's first neighbour is the point itself
    return Data(distances=(padded, np.zeros(padded.shape, int)))  # it reads only the shape of the indices
