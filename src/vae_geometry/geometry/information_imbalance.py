"""Information imbalance (Glielmo et al., PNAS Nexus 1 (2022) pgac039) from the ranks of nearest neighbours."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from vae_geometry import tables
from vae_geometry.geometry.standard_errors import dyadic_variance

if TYPE_CHECKING:  # the figures import this module, and do without a compiler
    from vae_geometry.geometry.activations import Layer
    from vae_geometry.geometry.neighbours import Neighbours

MIN_CLUSTERS = 10
NO_ERROR = "no standard error: too many points share their nearest neighbour"

Imbalance = TypeVar("Imbalance", float, NDArray[np.float64])


def information_imbalance(ranks: NDArray[np.integer[Any]]) -> float:
    """Information imbalance from space A to space B.

    Parameters
    ----------
    ranks : (n_points,) int array
        Rank in B, starting at 1, of each point's nearest neighbour in A.

    Returns
    -------
    float
        2 / N times the mean rank: 2 / N where A determines B, about 1 where A says nothing about B.

    Raises
    ------
    ValueError
        If a rank lies outside 1 .. n_points - 1.

    References
    ----------
    Glielmo et al., PNAS Nexus 1 (2022) pgac039, equation 2.
    """
    if ranks.min() < 1 or ranks.max() > len(ranks) - 1:
        raise ValueError(f"ranks must lie in 1 .. {len(ranks) - 1}, not in {ranks.min()} .. {ranks.max()}")
    return 2 / len(ranks) * float(ranks.mean())


def standard_error(ranks: NDArray[np.integer[Any]], neighbours: NDArray[np.integer[Any]]) -> float | None:
    """Standard error of the information imbalance from the spread of the ranks.

    The rank of a point depends on the point and on its nearest neighbour in A: ranks that share one of the two are
    taken as dependent, others as independent (``docs/explanation/trust.md`` compares the error with the spread of
    fresh samples).

    Parameters
    ----------
    ranks : (n_points,) int array
        Rank in B, starting at 1, of each point's nearest neighbour in A.
    neighbours : (n_points,) int array
        That nearest neighbour, by index.

    Returns
    -------
    float or None
        2 / N times the standard error of the mean rank, by ``dyadic_variance``, or by the clusters of the points with
        the same nearest neighbour where that is larger, as with few points; None where there are effectively fewer
        than ``MIN_CLUSTERS`` such clusters (N squared over the sum of their squared sizes), as where a layer has
        collapsed.

    References
    ----------
    Liang and Zeger, Biometrika 73 (1986) 13: the variance of a mean over clusters of any size.
    """
    n_points = len(ranks)
    sizes = np.bincount(neighbours)
    if n_points**2 < MIN_CLUSTERS * int((sizes**2).sum()):
        return None
    residuals = ranks - ranks.mean()
    clusters = np.bincount(neighbours, weights=residuals)
    variance = max(dyadic_variance(residuals, neighbours), float((clusters**2).sum()))
    return 2 / n_points**2 * float(np.sqrt(variance))


def imbalance_rows(layers: Sequence["Layer"], neighbours: "Neighbours") -> list[dict[str, Any]]:
    """Rows of the II of all ordered pairs of layers and of its uncertainty.

    Parameters
    ----------
    layers : sequence of Layer
        Of one network or of several.
    neighbours : Neighbours
        Of these layers.

    Returns
    -------
    list of dict
        Column -> value, for a table of kind ``information_imbalance``, or of kind ``cross_bottleneck``, which has a
        bottleneck for each end of a pair in the place of the run's.
    """
    rows = []
    for a, source in enumerate(layers):
        for b, target in enumerate(layers):
            ranks = neighbours.ranks[a, b]
            stderr = standard_error(ranks, neighbours.indices[a, :, 0])
            rows.append(
                {
                    **pair_columns(source, target),
                    "information_imbalance": information_imbalance(ranks),
                    "ii_stderr": stderr,
                    "n_ties": int(neighbours.ties[a, b]),
                    "n_points": len(ranks),
                    "reason": NO_ERROR if stderr is None else None,
                }
            )
    return rows


def pair_columns(source: "Layer", target: "Layer") -> dict[str, Any]:
    """Columns that begin a row on a pair of layers: the run of the source, and what the two are called."""
    ends = {"layer": "layer", "name": "layer_name", "role": "role", "bottleneck": "bottleneck"}
    return {
        **{field.name: source.label[field.name] for field in tables.RUN},
        **{f"source_{end}": source.label[column] for end, column in ends.items()},
        **{f"target_{end}": target.label[column] for end, column in ends.items()},
    }


def relative_difference(forward: Imbalance, backward: Imbalance) -> Imbalance:
    """Relative II difference of two spaces A and B.

    Parameters
    ----------
    forward, backward : float or float array
        II(A -> B) and II(B -> A).

    Returns
    -------
    float or float array
        Their difference over their mean. From layer l to l + 1, negative is a compression, positive an expansion.
    """
    return (forward - backward) / ((forward + backward) / 2)
