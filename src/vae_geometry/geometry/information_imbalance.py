"""Information imbalance (Glielmo et al., PNAS Nexus 1 (2022) pgac039) from the ranks of nearest neighbours."""

import numpy as np
from numpy.typing import NDArray

MIN_CLUSTERS = 10


def information_imbalance(ranks: NDArray[np.integer]) -> float:
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


def standard_error(ranks: NDArray[np.integer], neighbours: NDArray[np.integer]) -> float | None:
    """Standard error of the information imbalance from the spread of the ranks.

    Points with the same nearest neighbour in A have ranks that rise and fall together: they are taken as one cluster,
    and different clusters as independent. Without clusters the error comes out a fifth too small on real activations
    (``docs/benchmarks.md``).

    Parameters
    ----------
    ranks : (n_points,) int array
        Rank in B, starting at 1, of each point's nearest neighbour in A.
    neighbours : (n_points,) int array
        That nearest neighbour, by index.

    Returns
    -------
    float or None
        2 / N times the standard error of the mean rank; None where there are effectively fewer than ``MIN_CLUSTERS``
        clusters (N squared over the sum of their squared sizes), as where a layer has collapsed.

    References
    ----------
    Liang and Zeger, Biometrika 73 (1986) 13: the variance of a mean over clusters of any size.
    """
    n_points = len(ranks)
    sizes = np.bincount(neighbours)
    if n_points**2 < MIN_CLUSTERS * int((sizes**2).sum()):
        return None
    clusters = np.bincount(neighbours, weights=ranks - ranks.mean(), minlength=n_points)
    return 2 / n_points**2 * float(np.sqrt((clusters**2).sum()))


def relative_difference(forward: NDArray | float, backward: NDArray | float) -> NDArray | float:
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
