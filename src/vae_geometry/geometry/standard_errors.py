"""Standard errors of sums over points whose terms depend on their nearest neighbours."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def dyadic_variance(terms: NDArray[np.float64], nearest: NDArray[np.integer[Any]]) -> float:
    """Variance of a sum over points, where the term of a point is that of a dyad: of it and its nearest neighbour.

    Terms whose dyads share a point, at either end, rise and fall together; others are taken as independent.

    Parameters
    ----------
    terms : (n_points,) float64 array
        Their sum is zero; zero for points that are left out.
    nearest : (n_points,) int array
        Nearest neighbour of each point, by index.

    Returns
    -------
    float
        Sum of the products of all pairs of terms whose dyads share a point. It may be negative where points are few.

    References
    ----------
    Aronow, Samii and Assenova, Political Analysis 23 (2015) 564: cluster-robust variance of dyadic data.
    """
    n_points = len(nearest)
    of_points = terms + np.bincount(nearest, weights=terms, minlength=n_points)
    # a dyad shares two points with itself, as do those of mutual nearest neighbours: each such product counts once
    is_mutual = nearest[nearest] == np.arange(n_points)
    twice = (terms**2).sum() + (terms * terms[nearest])[is_mutual].sum()
    return float((of_points**2).sum() - twice)
