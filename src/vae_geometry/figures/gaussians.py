"""The ID of as many points of a Gaussian, beside which an ID is compared with K (``docs/explanation/trust.md``)."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from vae_geometry import VaeGeometryError
from vae_geometry.figures import roles
from vae_geometry.files import DAMAGED, reason

QUANTITY = "ID of a K-dimensional Gaussian"
DIMENSION = "dimension of the Gaussian that has the ID of the data"
SOURCE = "resources/gaussian_dimension.csv, see docs/explanation/trust.md"


def curve(path: Path | None, n_points: Iterable[int]) -> pd.Series:
    """ID by 2NN of isotropic Gaussians, by their dimension.

    Parameters
    ----------
    path : Path or None
        The table that ``benchmarks/dimension.py`` writes.
    n_points : iterable of int
        N of each measurement that it stands beside.

    Returns
    -------
    series
        Interpolated in log N between the N of the table; empty without a table, where N lies outside of it, and where
        there is more than one N.

    Raises
    ------
    VaeGeometryError
        If the table is absent or damaged.
    """
    sizes = set(pd.Series(n_points, dtype=float).dropna())
    if path is None or len(sizes) != 1:
        return pd.Series(dtype=float)
    try:
        table = pd.read_csv(path).pivot_table("intrinsic_dimension", "dimension", "n_points")
    except DAMAGED as error:
        raise VaeGeometryError(f"{path}: not a table of IDs of Gaussians ({reason(error)}); restore it") from None
    size = sizes.pop()
    if not table.columns.min() <= size <= table.columns.max():
        return pd.Series(dtype=float)
    return table.apply(lambda ids: np.interp(np.log(size), np.log(table.columns), ids), axis=1)


def at_bottleneck(profile: pd.DataFrame, ids: pd.Series) -> pd.DataFrame:
    """Rows of an ID profile at the bottleneck, with the ID of a Gaussian of K dimensions; those K that are known."""
    rows = roles.of_role(profile, "bottleneck")
    if ids.empty:
        return rows.iloc[:0]
    means = _between(rows["bottleneck"], ids.index, ids)
    expected = rows.assign(quantity=QUANTITY, mean=means, spread=np.nan, spread_kind=None, n_seeds=0, reason=None)
    return expected[expected["mean"].notna()]


def of_data(profile: pd.DataFrame, ids: pd.Series, dimension: float) -> pd.DataFrame:
    """Rows of an ID profile at the input, with the dimension of the Gaussian that has this ID; none if not known."""
    rows = roles.of_role(profile, "input")
    if ids.empty:
        return rows.iloc[:0]
    mean = float(_between(dimension, ids, ids.index))
    expected = rows.assign(quantity=DIMENSION, mean=mean, spread=np.nan, spread_kind=None, n_seeds=0, reason=None)
    return expected[expected["mean"].notna()]


def _between(x: ArrayLike, known_x: ArrayLike, known_y: ArrayLike) -> NDArray[np.float64]:
    """Interpolate between logarithms; NaN outside."""
    logarithms = np.interp(np.log(x), np.log(known_x), np.log(known_y), left=np.nan, right=np.nan)
    return np.exp(logarithms)
