"""The geometry of one folder of activations a second time, by DADApy as a witness.

DADApy finds its own neighbours and ranks, with scikit-learn, and estimates from them by its own code. What its rounding
may decide is not compared: II of layers with equally near points, which it ranks in any order, and of layers with
points at distance zero, of which one may stand for the other.
"""

import warnings
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vae_geometry import VaeGeometryError, tables
from vae_geometry.dumps import unchanged
from vae_geometry.files import reason
from vae_geometry.geometry.activations import Layer, open_layers
from vae_geometry.geometry.agreement import disagreement
from vae_geometry.geometry.information_imbalance import information_imbalance
from vae_geometry.geometry.intrinsic_dimension import (
    HIGHEST,
    LOWEST,
    MU_FRACTION,
    PRECISION,
    gride,
    two_nearest_neighbours,
)
from vae_geometry.geometry.measure import neighbours_of
from vae_geometry.geometry.neighbours import Neighbours

if TYPE_CHECKING:
    from dadapy import Data

Rows = list[dict[str, Any]]


def verify_geometry(folder: Path, output: Path, threads: int, memory_mb: int, scales: int | None = None) -> Rows:
    """Measure ID, ID against scale and II, and have DADApy measure them too.

    Parameters
    ----------
    folder, threads, scales
        As for ``measure_geometry``.
    output : Path
        Table of kind ``verification``.
    memory_mb : int
        Memory of this package's part, in megabytes. DADApy's is not bounded: 3.6 GB for 5,000 points in layers of up
        to 16,384 dimensions.

    Returns
    -------
    list of dict
        Rows of the table.

    Raises
    ------
    VaeGeometryError
        If the two disagree; the table is then not written. If DADApy is not installed, or as for ``measure_geometry``.
    """
    try:
        from dadapy import Data  # noqa: F401
    except ModuleNotFoundError as error:
        raise VaeGeometryError(
            f"{error.name} is not installed, which only verify-geometry needs; "
            "run: pip install 'dadapy>=0.3.4,<0.4', with Python 3.11 or 3.12 and numpy 1"
        ) from None
    except Exception as error:  # whatever a package that does not fit raises
        raise VaeGeometryError(
            f"DADApy cannot be imported ({type(error).__name__}: {reason(error)}); "
            "install dadapy>=0.3.4,<0.4 again, with Python 3.11 or 3.12 and numpy 1"
        ) from None
    from threadpoolctl import threadpool_limits

    with unchanged(folder), threadpool_limits(threads):
        layers = open_layers(folder)
        neighbours = neighbours_of(folder, layers, threads, memory_mb, scales=scales)
        nearest = [_dadapys(layer, scales or 2) for layer in layers]
        rows = [row for s, data in enumerate(nearest) for row in _dimensions(s, layers, neighbours, data, scales)]
        rows += _imbalances(layers, neighbours, [data.dist_indices[:, :2] for data in nearest])
    if problem := disagreement(rows):
        raise VaeGeometryError(f"{folder}: the {problem}; please report it, with the versions of both")
    tables.write("verification", rows, output)
    return rows


def _dadapys(layer: Layer, n_neighbours: int) -> "Data":
    """DADApy's distances and neighbours of a layer, around its middle: far from the origin DADApy loses digits."""
    from dadapy import Data

    points = layer.points.astype(np.float64)
    points -= points.mean(axis=0)
    data = Data(points, maxk=n_neighbours)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of points at distance zero, which are left out
        data.compute_distances()
    data.X = None  # up to 16 bytes a value, of all layers
    return data


def _dimensions(s: int, layers: Sequence[Layer], neighbours: Neighbours, data: "Data", scales: int | None) -> Rows:
    """Rows of the ID of layer ``s``; points at distance zero are left out on both sides."""
    from dadapy import Data

    positive = neighbours.distances[s, :, 0] > 0
    data = Data(distances=(data.distances[positive], data.dist_indices[positive]), maxk=data.maxk)
    ours = two_nearest_neighbours(neighbours.distances[s, :, :2])
    theirs = None if ours.reason else float(data.compute_id_2NN(algorithm="base", mu_fraction=MU_FRACTION)[0])
    reason = f"not measured: {ours.reason}" if ours.reason else None
    rows = [_row("intrinsic_dimension", layers, s, s, 2, ours.value, theirs, reason)]
    at_scales = gride(neighbours.distances[s]) if scales else []
    if any(not at_scale.reason for at_scale in at_scales):
        values = data.return_id_scaling_gride(range_max=scales, d0=LOWEST, d1=HIGHEST, eps=PRECISION)[0].tolist()
    else:
        values = [None] * len(at_scales)
    for at_scale, value in zip(at_scales, values, strict=True):
        rank = at_scale.neighbours
        n_equal = (
            neighbours.distances[s, positive, rank // 2 - 1] == neighbours.distances[s, positive, rank - 1]
        ).sum()
        reason = f"equally near neighbours: {n_equal} points" if n_equal else None
        if at_scale.reason:
            reason = f"not measured: {at_scale.reason}"
        value = None if reason else value
        rows.append(_row("id_scaling", layers, s, s, rank, at_scale.intrinsic_dimension, value, reason))
    return rows


def _imbalances(layers: Sequence[Layer], neighbours: Neighbours, nearest: Sequence[NDArray[np.int64]]) -> Rows:
    """Rows of the II of all ordered pairs; one target at a time, as the ranks of all points take N x N numbers."""
    # On parts of the points DADApy's public functions give random ranks; on all of them they call this one.
    from dadapy._utils.metric_comparisons import _return_imbalance

    rows = []
    for b, target in enumerate(layers):
        ranked = None
        for a in range(len(layers)):
            ours, reason = information_imbalance(neighbours.ranks[a, b]), _reason_against(layers, neighbours, a, b)
            theirs = None
            if not reason:
                if ranked is None:
                    ranked = _dadapys(target, len(target.points) - 1).dist_indices
                theirs = float(_return_imbalance(nearest[a], ranked, rng=np.random.default_rng(0)))
            rows.append(_row("information_imbalance", layers, a, b, 1, ours, theirs, reason))
    return rows


def _reason_against(layers: Sequence[Layer], neighbours: Neighbours, a: int, b: int) -> str | None:
    """Why the II from layer ``a`` to layer ``b`` cannot be compared."""
    for s in dict.fromkeys((a, b)):
        if n_zero := int((neighbours.distances[s, :, 0] == 0).sum()):
            return f"points at distance zero: {n_zero} in layer {layers[s].label['layer']}"
    n_source, n_target = int(neighbours.ties[a, a]), int(neighbours.ties[a, b])
    if n_source or n_target:
        names = layers[a].label["layer"], layers[b].label["layer"]
        return f"equally near points: for {n_source} points in layer {names[0]}, for {n_target} in layer {names[1]}"
    return None


def _row(
    quantity: str,
    layers: Sequence[Layer],
    source: int,
    target: int,
    n_neighbours: int,
    ours: float | None,
    theirs: float | None,
    reason: str | None,
) -> dict[str, Any]:
    difference = None
    if ours is not None and theirs is not None:
        difference = abs(theirs - ours) / (1 if quantity == "information_imbalance" else ours)
    label = layers[source].label
    return {
        **{field.name: label[field.name] for field in tables.RUN},
        "quantity": quantity,
        "source_layer": label["layer"],
        "target_layer": layers[target].label["layer"],
        "neighbours": n_neighbours,
        "value": ours,
        "dadapy_value": theirs if difference is not None else None,
        "difference": difference,
        "dadapy_version": version("dadapy"),
        "reason": reason,
    }
