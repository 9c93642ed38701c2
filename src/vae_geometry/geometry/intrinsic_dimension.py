"""Intrinsic dimension by DADApy: 2NN (Facco et al., Scientific Reports 7 (2017) 12140), and Gride at several scales
(Denti et al., Scientific Reports 12 (2022) 20005, doi 10.1038/s41598-022-20991-1).
"""

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vae_geometry.geometry.activations import Layer
from vae_geometry.geometry.neighbours import Neighbours

if TYPE_CHECKING:
    from dadapy import Data

MU_FRACTION = 0.9
N_GROUPS = 20
LOWEST, HIGHEST = 1e-3, 1e3  # IDs between which Gride searches; it ends at the lowest where none of them fits


def dimension_rows(layers: Sequence[Layer], neighbours: Neighbours) -> list[dict[str, Any]]:
    """Rows of the ID of layers by 2NN, for a table of kind ``intrinsic_dimension``.

    Parameters
    ----------
    layers : sequence of Layer
    neighbours : Neighbours
        Of these layers.

    Returns
    -------
    list of dict
        Column -> value.
    """
    rows = []
    for layer, distances in zip(layers, neighbours.distances, strict=True):
        estimate = two_nearest_neighbours(distances[:, :2])
        rows.append(
            {
                **layer.columns(),
                "intrinsic_dimension": estimate.value,
                "id_stderr": estimate.stderr,
                "n_zero_distances": estimate.n_zero_distances,
                "reason": estimate.reason,
            }
        )
    return rows


def scaling_rows(layers: Sequence[Layer], neighbours: Neighbours) -> list[dict[str, Any]]:
    """Rows of the ID of layers at every scale, for a table of kind ``id_scaling``.

    Parameters
    ----------
    layers : sequence of Layer
    neighbours : Neighbours
        Of these layers; a power of two of them, at most half of the points.

    Returns
    -------
    list of dict
        Column -> value.
    """
    return [
        {**layer.columns(), **at_scale._asdict()}
        for layer, distances in zip(layers, neighbours.distances, strict=True)
        for at_scale in gride(distances)
    ]


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
    n_points = len(distances)
    distances, reason = _without_zeros(distances)
    n_zero = n_points - len(distances)
    if reason:
        return IntrinsicDimension(None, None, n_zero, reason)
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
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Covariance of the parameters could not be estimated")
        value, _, _ = _data(distances).compute_id_2NN(algorithm="base", mu_fraction=MU_FRACTION)
    return float(value)


class DimensionAtScale(NamedTuple):
    """Gride's estimate from the neighbours of two ranks, or a null with its reason.

    Attributes
    ----------
    neighbours : int
        The higher rank; the lower one is half of it.
    scale : float or None
        Mean distance to the neighbours of the two ranks, in the units of the space.
    intrinsic_dimension : float or None
    id_stderr : float or None
        Its standard error.
    reason : str or None
        Why there is no value.
    """

    neighbours: int
    scale: float | None
    intrinsic_dimension: float | None
    id_stderr: float | None
    reason: str | None


def gride(distances: NDArray[np.float64]) -> list[DimensionAtScale]:
    """Estimate the intrinsic dimension at every scale from the distances to the nearest neighbours.

    Points at distance zero from their nearest neighbour are left out at every scale, and are too many where they are
    for 2NN. A point whose two neighbours are equally near looks as if its dimension were infinite: where these are
    more than the same fraction, nothing is estimated at that scale.

    Parameters
    ----------
    distances : (n_points, largest) float64 array
        Distance of each point to its nearest neighbours, the nearest first; ``largest`` is at least 2 and at most
        half of the points.

    Returns
    -------
    list of DimensionAtScale
        For the ranks 1 and 2, 2 and 4, ... as far as ``largest`` reaches, by DADApy's ``return_id_scaling_gride``.
        The standard error is DADApy's, from the Fisher information. It takes the points as independent, which they
        are less and less as neighbourhoods overlap: for 500 points in a cube the estimates of new samples spread 1.3
        times as much at 2 neighbours, 2.7 times at 64.
    """
    n_points, largest = distances.shape
    ranks = [2**step for step in range(1, largest.bit_length())]
    distances, reason = _without_zeros(distances)
    if reason:
        return [DimensionAtScale(rank, None, None, None, reason) for rank in ranks]
    columns = _data(distances).return_id_scaling_gride(range_max=largest, d0=LOWEST, d1=HIGHEST)
    estimates = []
    for rank, value, stderr, scale in zip(ranks, *(column.tolist() for column in columns), strict=True):
        equal = int((distances[:, rank // 2 - 1] == distances[:, rank - 1]).sum())
        if equal > (1 - MU_FRACTION) * len(distances):
            reason = f"neighbours {rank // 2} and {rank} of {equal} of {n_points} points are equally near"
        elif value < 1.01 * LOWEST:
            reason = f"Gride finds no dimension between {LOWEST:g} and {HIGHEST:g}"
        else:
            estimates.append(DimensionAtScale(rank, scale, value, stderr, None))
            continue
        estimates.append(DimensionAtScale(rank, scale, None, None, reason))
    return estimates


def _without_zeros(distances: NDArray[np.float64]) -> tuple[NDArray[np.float64], str | None]:
    """Rows of the points that lie at a distance from their nearest neighbour, and a reason where they are too few."""
    positive = distances[:, 0] > 0
    n_positive, n_points = int(positive.sum()), len(positive)
    reason = f"{n_points - n_positive} of {n_points} points lie at distance zero from their nearest neighbour"
    return distances[positive], reason if n_positive < int(MU_FRACTION * n_points) else None


def _data(distances: NDArray[np.float64]) -> "Data":
    print_options = np.get_printoptions()
    from dadapy import Data

    np.set_printoptions(**print_options)  # importing dadapy brings in jax, which changes them
    n_points, n_neighbours = distances.shape
    padded = np.column_stack([np.zeros(n_points), distances])  # each point is its own neighbour of rank 0
    indices = np.zeros(padded.shape, int)  # the estimators of the ID read only their shape
    return Data(distances=(padded, indices), maxk=n_neighbours)
