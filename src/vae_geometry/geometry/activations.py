"""The activations to measure: a folder with one array a layer, checked, and what its manifest says of each layer."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vae_geometry import VaeGeometryError, layout, tables

LAYER_FILE = re.compile(r"layer(\d{2})\.npy")
ROWS_AT_ONCE = 500
LARGEST = 1e150  # absolute value

Label = dict[str, str | int | None]


class Layer(NamedTuple):
    """The activations of a layer, and what the tables call it.

    Attributes
    ----------
    points : (n_points, n_dimensions) float array
        Mapped for reading.
    label : dict
        Column -> value: the columns of its run (``tables.RUN``), ``layer``, ``layer_name`` and ``role``. Without a
        manifest all but ``layer`` are null.
    """

    points: NDArray[np.floating[Any]]
    label: Label

    def columns(self) -> Label:
        """Columns that begin a row on this layer: its label, ``extrinsic_dimension`` and ``n_points``."""
        n_points, n_dimensions = self.points.shape
        return {**self.label, "extrinsic_dimension": n_dimensions, "n_points": n_points}


def open_layers(folder: Path) -> list[Layer]:
    """Open and check the layers of a folder of activations.

    Parameters
    ----------
    folder : Path
        Holds ``layer00.npy``, ``layer01.npy``, ...: float arrays (N, D) of equal N. Its ``manifest.parquet``, if there
        is one, names the run and the layers.

    Returns
    -------
    list of Layer
        In the order of their numbers.

    Raises
    ------
    VaeGeometryError
        If there is no layer, or one is damaged, of another type or shape, or holds NaN, infinity or values whose
        squares leave float64; if the layers differ in N; if the manifest is damaged.
    """
    paths = {}
    for path in sorted(folder.glob("layer*.npy")):
        if name := LAYER_FILE.fullmatch(path.name):
            paths[int(name.group(1))] = path
    if not paths:
        raise VaeGeometryError(f"{folder}: no layerNN.npy in this folder; dump the activations into it first")
    arrays = [_open(path) for path in paths.values()]
    if len({len(array) for array in arrays}) > 1:
        listed = ", ".join(f"{path.name}: {len(array)}" for path, array in zip(paths.values(), arrays, strict=True))
        raise VaeGeometryError(f"{folder}: the layers differ in their number of points ({listed}); dump them again")
    return [Layer(*layer) for layer in zip(arrays, _labels(folder, paths), strict=True)]


def _open(path: Path) -> NDArray[np.floating[Any]]:
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise VaeGeometryError(f"{path}: not a whole npy file ({error}); dump the activations again") from None
    if not isinstance(array, np.ndarray):
        raise VaeGeometryError(f"{path}: not an npy file but an archive of several; save one array a layer")
    if array.dtype.kind != "f" or array.ndim != 2:
        raise VaeGeometryError(f"{path}: is {array.dtype} {array.shape}, not a float array (N, D); convert it first")
    if len(array) < 3 or array.shape[1] < 1:
        raise VaeGeometryError(f"{path}: has shape {array.shape}; the geometry needs at least 3 points and 1 column")
    peak = 0.0
    for start in range(0, len(array), ROWS_AT_ONCE):
        largest = np.abs(array[start : start + ROWS_AT_ONCE]).max(axis=1)
        bad = np.flatnonzero(~np.isfinite(largest))
        if len(bad):
            raise VaeGeometryError(f"{path}: row {start + bad[0]} holds NaN or infinity; fix the activations first")
        peak = max(peak, float(largest.max()))
    if peak > LARGEST or 0 < peak < 1 / LARGEST:
        raise VaeGeometryError(f"{path}: values of about {peak:.0e} have no squares in float64; scale them first")
    return array


def _labels(folder: Path, numbers: Iterable[int]) -> list[Label]:
    """What the tables call the layers of these numbers, as far as the folder has a manifest that says it."""
    manifest = folder / layout.MANIFEST
    rows = tables.read("manifest", [manifest]).to_pylist() if manifest.exists() else []
    run = {field.name: rows[0][field.name] if rows else None for field in tables.RUN}
    known = {row["layer"]: (row["layer_name"], row["role"]) for row in rows}
    labels = []
    for number in numbers:
        name, role = known.get(number, (None, None))
        labels.append({**run, "layer": number, "layer_name": name, "role": role})
    return labels
