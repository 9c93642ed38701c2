"""Intrinsic dimension by 2NN (Facco et al., Scientific Reports 7 (2017) 12140), and by Gride at several scales (Denti
et al., Scientific Reports 12 (2022) 20005, doi 10.1038/s41598-022-20991-1).

Both follow DADApy 0.3.4, the reference implementation, in what the papers leave open: which ratios of distances are
left out, and what a ratio of one counts.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vae_geometry.geometry.activations import Layer
from vae_geometry.geometry.neighbours import Neighbours
from vae_geometry.geometry.standard_errors import dyadic_variance

MU_FRACTION = 0.9  # of the ratios, the smallest, that 2NN fits
MIN_RATIOS = 3  # for a standard error: of fewer the estimate has no variance
NO_ERROR = f"no standard error: 2NN fits fewer than {MIN_RATIOS} ratios above one"
LOWEST, HIGHEST = 1e-3, 1e3  # IDs between which Gride searches
PRECISION = 1e-9  # to which Gride finds an ID; DADApy's is 1e-7 by default


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
    for layer, distances, indices in zip(layers, neighbours.distances, neighbours.indices, strict=True):
        estimate = two_nearest_neighbours(distances[:, :2])
        stderr = standard_error(distances[:, :2], indices[:, 0]) if estimate.value is not None else None
        rows.append(
            {
                **layer.columns(),
                "intrinsic_dimension": estimate.value,
                "id_stderr": stderr,
                "n_zero_distances": estimate.n_zero_distances,
                "reason": estimate.reason or (NO_ERROR if stderr is None else None),
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
    n_zero_distances : int
        Points at distance zero from their nearest neighbour; they are left out of the estimate.
    reason : str or None
        Why there is no value.
    """

    value: float | None
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
        Value: with mu the ratio of the two distances, and F(mu) its rank divided by the number of points, the slope
        of -log(1 - F) against log mu, fitted by least squares through the origin to the ``MU_FRACTION`` smallest mu.
    """
    n_points = len(distances)
    distances, reason = _without_zeros(distances)
    n_zero = n_points - len(distances)
    if reason:
        return IntrinsicDimension(None, n_zero, reason)
    log_mu = np.log(distances[:, 1] / distances[:, 0])
    value = _slope(log_mu)
    if value is None:
        equal = int((distances[:, 0] == distances[:, 1]).sum())
        reason = f"the two nearest neighbours of {equal} of {n_points} points are equally near"
        return IntrinsicDimension(None, n_zero, reason)
    return IntrinsicDimension(value, n_zero, None)


def standard_error(distances: NDArray[np.float64], nearest: NDArray[np.integer[Any]]) -> float | None:
    """Standard error of the intrinsic dimension by 2NN.

    Ratios of points that lie together rise and fall together, the more the fewer dimensions there are: see
    ``docs/explanation/trust.md``, which compares the error with the spread of fresh samples.

    Parameters
    ----------
    distances : (n_points, 2) float64 array
        Distance of each point to its first and second nearest neighbour.
    nearest : (n_points,) int array
        The nearest neighbour of each point, by index.

    Returns
    -------
    float or None
        By the jackknife (Efron and Stein, Annals of Statistics 9 (1981) 586): what leaving out a point changes is the
        term of it and of its nearest neighbour, see ``dyadic_variance``. At least that of independent ratios, as few
        points show less than they vary: the dimension over sqrt(K - 2) for K ratios fitted, which is exact for the
        rate of greatest likelihood, whose inverse is a gamma variable of shape K, and within 4 % for least squares.
        None where fewer than ``MIN_RATIOS`` of the ratios fitted are above one.
    """
    kept, _ = _without_zeros(distances)
    log_mu = np.log(kept[:, 1] / kept[:, 0])
    n_ratios = np.count_nonzero(np.sort(log_mu)[: int(MU_FRACTION * len(log_mu))])
    value = _slope(log_mu)
    if n_ratios < MIN_RATIOS or value is None:
        return None
    slopes = _slopes_without_each(log_mu)
    changes = np.zeros(len(distances))
    changes[distances[:, 0] > 0] = slopes - slopes.mean()
    variance = (1 - 1 / len(log_mu)) * dyadic_variance(changes, nearest)
    return float(np.sqrt(max(variance, value**2 / (n_ratios - 2))))


def _slope(log_mu: NDArray[np.float64]) -> float | None:
    """Slope that 2NN fits, or None where all the ratios that it looks at are one."""
    kept = np.sort(log_mu)[: int(MU_FRACTION * len(log_mu))]
    log_rest = -np.log(1 - np.arange(1, len(kept) + 1) / len(log_mu))
    squares = (kept * kept).sum()  # not a product of BLAS, whose last digits depend on its threads
    return float((kept * log_rest).sum() / squares) if squares > 0 else None


def _slopes_without_each(log_mu: NDArray[np.float64]) -> NDArray[np.float64]:
    """``_slope`` without each of the ratios in turn, of which two at least must be above one."""
    order = np.argsort(log_mu, kind="stable")
    rest = len(log_mu) - 1
    kept = int(MU_FRACTION * rest)
    log_rest = -np.log(1 - np.arange(1, kept + 1) / rest)
    below, above = log_mu[order[:kept]], log_mu[order[1 : kept + 1]]  # the ratios above the one left out move down
    slopes = _sums(below * log_rest, above * log_rest) / _sums(below**2, above**2)
    result = np.empty(len(log_mu))
    result[order] = slopes[np.minimum(np.arange(len(log_mu)), kept)]  # those past the ones kept are all alike
    return result


def _sums(below: NDArray[np.float64], above: NDArray[np.float64]) -> NDArray[np.float64]:
    """For each place, the sum of ``below`` before it and of ``above`` from it on."""
    before, after = np.zeros(len(below) + 1), np.zeros(len(above) + 1)
    before[1:], after[:-1] = np.cumsum(below), np.cumsum(above[::-1])[::-1]
    return before + after


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
        For the ranks 1 and 2, 2 and 4, ... as far as ``largest`` reaches: the ID of greatest likelihood, and its
        standard error from the Fisher information. The error takes the points as independent, which they are less and
        less as neighbourhoods overlap: for 500 points in a cube the estimates of new samples spread 1.3 times as much
        at 2 neighbours, 2.7 times at 64.
    """
    n_points, largest = distances.shape
    distances, reason = _without_zeros(distances)
    if reason:
        return [DimensionAtScale(rank, None, None, None, reason) for rank in ranks(largest)]
    estimates = []
    for rank in ranks(largest):
        near, far = distances[:, rank // 2 - 1], distances[:, rank - 1]
        scale, equal = float(np.mean([near, far])), int((near == far).sum())
        # as DADApy has it: equally near neighbours then add next to nothing to the derivative of the likelihood
        ratios = np.where(near == far, 1 + 10 * np.finfo(float).eps, far / near)
        value = stderr = reason = None
        if equal > (1 - MU_FRACTION) * len(distances):
            reason = f"neighbours {rank // 2} and {rank} of {equal} of {n_points} points are equally near"
        elif (value := _most_likely(ratios, rank // 2)) is None:
            reason = f"Gride finds no dimension between {LOWEST:g} and {HIGHEST:g}"
        else:
            stderr = _fisher_error(value, ratios, rank // 2)
        estimates.append(DimensionAtScale(rank, scale, value, stderr, reason))
    return estimates


def ranks(largest: int) -> list[int]:
    """The ranks 2, 4, ... as far as ``largest`` reaches: the higher ones of each pair that Gride compares."""
    return [2**step for step in range(1, largest.bit_length())]


def _most_likely(ratios: NDArray[np.float64], n: int) -> float | None:
    """Intrinsic dimension of greatest likelihood by the law of Denti et al. (2022) for the ranks n and 2n.

    N ratios count as N - 1, as in DADApy: for n = 1 this takes the bias away.

    Parameters
    ----------
    ratios : (n_points,) float array
        Of the distances to the 2n-th and the n-th neighbour, above one. The largest are left out, as DADApy does: those
        that exceed the median by more than 20 times what the 95th percentile exceeds it.
    n : int

    Returns
    -------
    float or None
        To ``PRECISION``; None where it is not between ``LOWEST`` and ``HIGHEST``.
    """
    median, high = np.percentile(ratios, [50, 95])
    log_mu = np.log(ratios[ratios < median + 20 * (high - median)])

    def rise(dimension: float) -> float:
        """Of minus the log likelihood; it increases with the dimension."""
        inner = np.maximum(-np.expm1(-dimension * log_mu), 2 * PRECISION)
        return float((((1 - n) / inner + 2 * n - 1) * log_mu).sum()) - (len(log_mu) - 1) / dimension

    low, high = LOWEST, HIGHEST
    if not rise(low) < 0 < rise(high):
        return None
    while high - low > PRECISION:
        middle = (low + high) / 2
        low, high = (low, middle) if rise(middle) > 0 else (middle, high)
    return (low + high) / 2


def _fisher_error(dimension: float, ratios: NDArray[np.float64], n: int) -> float:
    """Standard error of ``_most_likely`` from the observed Fisher information, of all ratios as in DADApy."""
    log_mu = np.log(ratios)
    inner = -np.expm1(-dimension * log_mu)
    information = len(ratios) / dimension**2
    information += (n - 1) * ((log_mu / inner) ** 2 * np.exp(-dimension * log_mu)).sum()
    return float(1 / np.sqrt(information))


def _without_zeros(distances: NDArray[np.float64]) -> tuple[NDArray[np.float64], str | None]:
    """Rows of the points that lie at a distance from their nearest neighbour, and a reason where they are too few."""
    positive = distances[:, 0] > 0
    n_positive, n_points = int(positive.sum()), len(positive)
    reason = f"{n_points - n_positive} of {n_points} points lie at distance zero from their nearest neighbour"
    return distances[positive], reason if n_positive < int(MU_FRACTION * n_points) else None
