"""The activations to measure: a folder with one array a layer, checked, and what its manifest says of each layer."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vae_geometry import VaeGeometryError, tables
from vae_geometry.arrays import open_npy
from vae_geometry.dumps import REMEDY, check_manifest, find_manifest, layer_files, log_left_out

BYTES_AT_ONCE = 2**20  # stay in the cache
LARGEST = 1e150  # absolute value
SPAN = 1e280  # of the largest to the smallest absolute value but zero

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
    """Open and check the layers of a folder of activations; numbers that are left out are logged.

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
        squares leave float64, alone or together; if the layers differ in N; if the manifest is damaged, or not of
        these layers.
    """
    paths = layer_files(folder)
    manifest = find_manifest(folder)
    arrays = {number: open_points(path) for number, path in paths.items()}
    if len({len(array) for array in arrays.values()}) > 1:
        listed = ", ".join(f"{paths[number].name}: {len(array)}" for number, array in arrays.items())
        raise VaeGeometryError(f"{folder}: the layers differ in their number of points ({listed}); dump them again")
    if manifest is not None:
        check_manifest(folder, manifest, {paths[number].name: array.shape for number, array in arrays.items()})
    log_left_out(folder, paths)
    return [Layer(array, _label(number, manifest)) for number, array in arrays.items()]


def open_points(path: Path) -> NDArray[np.floating[Any]]:
    """Open and check one array (N, D) of a folder of activations; see ``open_layers`` for the errors."""
    array = open_npy(path, REMEDY)
    if array.dtype.kind != "f" or array.ndim != 2:
        raise VaeGeometryError(f"{path}: is {array.dtype} {array.shape}, not a float array (N, D); convert it first")
    if problem := problem_of_shape(array) or problem_of_values(array):
        raise VaeGeometryError(f"{path}: {problem}")
    return array


def problem_of_shape(array: NDArray[np.floating[Any]]) -> str | None:
    """What keeps an array (N, D) from being measured, whatever its values are; None where nothing does."""
    if len(array) < 3 or array.shape[1] < 1:
        return f"has shape {array.shape}; the geometry needs at least 3 points and 1 column"
    return None


def problem_of_values(array: NDArray[np.floating[Any]]) -> str | None:
    """What keeps the values of an array (N, D) from being measured; None where nothing does."""
    peak, smallest = 0.0, np.inf
    n_rows = max(1, BYTES_AT_ONCE // (array.itemsize * array.shape[1]))
    for start in range(0, len(array), n_rows):
        block = array[start : start + n_rows]
        largest = float(np.maximum(block.max(), -block.min()))
        if not np.isfinite(largest):
            bad = np.flatnonzero(~np.isfinite(block).all(axis=1))
            return f"row {start + bad[0]} holds NaN or infinity; fix the activations first"
        peak = max(peak, largest)
        if block.itemsize > 4:
            smallest = min(smallest, float(np.abs(block[block != 0]).min(initial=np.inf)))
    if peak > LARGEST or 0 < peak < 1 / LARGEST:
        return f"the squares of values of about {peak:.0e} do not fit in float64; scale the values first"
    if smallest < peak / SPAN:
        return (
            f"the squares of {smallest:.0e} and {peak:.0e} do not both fit in float64; set small values to zero first"
        )
    return None


def _label(number: int, manifest: Sequence[Mapping[str, Any]] | None) -> Label:
    """What the tables call a layer, as far as the folder has a manifest that says it."""
    names = [*(field.name for field in tables.RUN), "layer_name", "role"]
    row = next((row for row in manifest or () if row["layer"] == number), dict.fromkeys(names))
    return {**{name: row[name] for name in names}, "layer": number}
