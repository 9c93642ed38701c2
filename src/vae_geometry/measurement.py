"""The geometry of arrays in memory, as data frames, a figure and files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vae_geometry import VaeGeometryError, files, tables
from vae_geometry.columns import table_of_rows
from vae_geometry.geometry.activations import Layer, problem_of_shape, problem_of_values
from vae_geometry.geometry.information_imbalance import pair_columns
from vae_geometry.geometry.intrinsic_dimension import ranks
from vae_geometry.geometry.measure import Rows, geometry_rows, require_points, require_same_runs, write_geometry
from vae_geometry.geometry.neighbours import find_neighbours

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

NOT_SHOWN = {*(field.name for field in tables.RUN), "role", "source_role", "target_role"}  # null without a run


@dataclass(frozen=True, eq=False)
class Geometry:
    """ID of layers and II between them, as ``measure`` returns it.

    Attributes
    ----------
    rows : mapping
        Kind of table -> its rows, see ``docs/reference/tables.md``.
    """

    rows: Rows

    def __repr__(self) -> str:
        layers = self.rows["intrinsic_dimension"]
        return f"Geometry of {layers[0]['n_points']} points in {', '.join(str(row['layer_name']) for row in layers)}"

    @cached_property
    def intrinsic_dimension(self) -> "pd.DataFrame":
        """A row for each layer: its name, coordinates (``extrinsic_dimension``), ID by 2NN and standard error.

        ``reason`` says why an ID is null; ``n_zero_distances`` points were left out, as another point equals them.
        """
        return self._frame("intrinsic_dimension")

    @cached_property
    def id_scaling(self) -> "pd.DataFrame":
        """A row for each layer and scale, without ``scales`` none: the ID by Gride, as in ``intrinsic_dimension``.

        ``scale`` is the mean distance to the neighbour of rank ``neighbours``, in the units of the layer.
        """
        return self._frame("id_scaling")

    @cached_property
    def information_imbalance(self) -> "pd.DataFrame":
        """A row for each ordered pair of layers: the II from source to target, and its standard error."""
        return self._frame("information_imbalance")

    def plot(self) -> "Figure":
        """Draw the ID along the layers, the II from each layer to the first, and the II of all pairs."""
        from vae_geometry.figures.measured import along_layers

        return along_layers(self.intrinsic_dimension, self.information_imbalance)

    def save(self, folder: str | Path) -> None:
        """Write the tables that ``vae-geometry measure-geometry`` writes: a parquet file for each kind.

        Raises
        ------
        VaeGeometryError
            If the folder holds tables of another run, or files of these names that are no such tables; if it cannot be
            written.
        """
        first = self.rows["intrinsic_dimension"][0]
        run = {field.name: first[field.name] for field in tables.RUN}
        require_same_runs(Path(folder), run, self.rows)
        write_geometry(self.rows, Path(folder))

    def _frame(self, kind: str) -> "pd.DataFrame":
        schema = tables.SCHEMAS[kind]
        shown = [name for name in schema.names if name not in NOT_SHOWN]
        if kind == "information_imbalance":
            shown = list(dict.fromkeys(["source_layer", "source_name", *shown]))  # what belongs together
        return table_of_rows(self.rows.get(kind, []), schema).select(shown).to_pandas()


def measure(
    activations: Mapping[str, Any],
    scales: int | None = None,
    threads: int = 2,
    memory_mb: int = 2000,
    device: str = "cpu",
) -> Geometry:
    """Measure the ID of layers, and the II of all ordered pairs of them.

    The ID is that of 2NN (Facco et al. 2017, doi:10.1038/s41598-017-11873-y), against scale that of Gride (Denti et al.
    2022, doi:10.1038/s41598-022-20991-1). The II (Glielmo et al. 2022, doi:10.1093/pnasnexus/pgac039) is near 2 / N
    where the source determines the nearest neighbours in the target, and about 1 where it says nothing about them.

    Parameters
    ----------
    activations : mapping of str to (N, ...) array or tensor
        Name of each layer -> its activations on the same N points in the same order, flattened to (N, D). Whole numbers
        are converted to floats.
    scales : int, optional
        Measure the ID against scale too, up to so many neighbours (a power of two): ``Geometry.id_scaling``.
    threads : int
        CPU threads.
    memory_mb : int
        Memory for the distances, in megabytes, beside the activations themselves.
    device : str
        Where products are computed: ``cpu``, or a device of torch such as ``cuda``.

    Returns
    -------
    Geometry
        The numbers that ``vae-geometry measure-geometry`` gives for the same arrays.

    Raises
    ------
    VaeGeometryError
        If there is no layer, or one is not a numeric array or has fewer than 3 points, or holds NaN, infinity or values
        whose squares do not fit in float64; if the layers differ in N; if ``scales`` is not a power of two, or
        exceeds half of N; if ``threads`` is less than 1, ``memory_mb`` too little, or ``device`` none of torch's.

    Examples
    --------
    >>> import numpy as np
    >>> points = np.random.default_rng(0).normal(size=(500, 3))
    >>> measure({"points": points, "plane": points[:, :2]}).intrinsic_dimension["intrinsic_dimension"].round(1).tolist()
    [3.1, 2.1]
    """
    require_scales(scales)
    require_count("threads", threads)
    require_device(device)
    layers = layers_of(activations)
    for layer in layers:
        if problem := problem_of_values(layer.points):
            raise VaeGeometryError(f"layer {layer.label['layer_name']}: {problem}")
    return Geometry(_rows(layers, scales, threads, memory_mb, device))


def measure_sound(layers: Sequence[Layer], scales: int | None, threads: int, memory_mb: int, device: str) -> Geometry:
    """As ``measure``, but what needs a layer of values that cannot be measured is null, with the reason."""
    reasons = {layer.label["layer"]: problem_of_values(layer.points) for layer in layers}
    sound = [layer for layer in layers if reasons[layer.label["layer"]] is None]
    rows: Rows = {"intrinsic_dimension": [], "id_scaling": [], "information_imbalance": []}
    if sound:
        rows = {**rows, **_rows(sound, scales, threads, memory_mb, device)}
    for layer in layers:
        if reason := reasons[layer.label["layer"]]:
            null = {**layer.columns(), "reason": reason}
            rows["intrinsic_dimension"].append(null)
            rows["id_scaling"].extend({**null, "neighbours": rank} for rank in ranks(scales or 0))
    for source, target in product(layers, repeat=2):
        for end in (source, target):
            if reason := reasons[end.label["layer"]]:
                null = {**pair_columns(source, target), "n_points": len(source.points)}
                rows["information_imbalance"].append({**null, "reason": f"layer {end.label['layer_name']}: {reason}"})
                break
    order = ("layer", "neighbours", "source_layer", "target_layer")
    for of_kind in rows.values():
        of_kind.sort(key=lambda row: [row[column] for column in order if column in row])
    return Geometry(rows if scales else {kind: rows[kind] for kind in rows if kind != "id_scaling"})


def _rows(layers: Sequence[Layer], scales: int | None, threads: int, memory_mb: int, device: str) -> Rows:
    points = [layer.points for layer in layers]
    require_points("activations", len(points[0]), scales)
    return geometry_rows(layers, find_neighbours(points, scales or 2, threads, memory_mb, device), scales)


def require_count(name: str, value: int, least: int = 1) -> None:
    """Refuse what is not a whole number, or is below the least."""
    if not isinstance(value, Integral):
        raise VaeGeometryError(f"{name}: {value!r} is not a whole number; give one of at least {least}")
    if value < least:
        raise VaeGeometryError(f"{name}: {value} is too small; give a whole number of at least {least}")


def require_device(name: str) -> None:
    """Refuse a device on which torch can compute nothing."""
    if name == "cpu":
        return
    try:
        import torch

        torch.zeros(1, device=name)
    except (ImportError, RuntimeError, AssertionError, TypeError) as error:  # the third: torch without CUDA
        raise VaeGeometryError(f"device: {name!r} cannot be used ({files.reason(error)}); take cpu") from None


def require_scales(scales: int | None) -> None:
    """Refuse numbers of neighbours that Gride does not go up to."""
    if scales is not None and (not isinstance(scales, Integral) or scales < 2 or scales & (scales - 1)):
        raise VaeGeometryError(f"scales: {scales!r} is not a power of two such as 2, 4, ..., 64; take one")


def layers_of(activations: Mapping[str, Any], epoch: int | None = None) -> list[Layer]:
    """Activations as layers, numbered in the order given.

    Parameters
    ----------
    activations : mapping
        As ``measure`` takes it.
    epoch : int, optional
        For the column of that name.

    Raises
    ------
    VaeGeometryError
        If there is none, one is not a numeric array with at least 3 points, or they differ in N.
    """
    if not isinstance(activations, Mapping) or not activations:
        raise VaeGeometryError("activations: not a dict of layer name -> array (N, ...); pass one")
    run = {field.name: None for field in tables.RUN} | {"epoch": epoch}
    layers = []
    for number, (name, values) in enumerate(activations.items()):
        label = {**run, "layer": number, "layer_name": str(name), "role": None}
        layers.append(Layer(_as_points(f"layer {name}", values), label))
    if len({len(layer.points) for layer in layers}) > 1:
        listed = ", ".join(f"{layer.label['layer_name']}: {len(layer.points)}" for layer in layers)
        raise VaeGeometryError(f"the layers differ in their number of points ({listed}); take the same points for all")
    return layers


def _as_points(where: str, values: Any) -> NDArray[np.floating[Any]]:
    if hasattr(values, "detach"):  # a tensor
        values = values.detach().cpu()
        if values.is_floating_point() and values.element_size() < 4:
            values = values.float()  # numpy knows no bfloat16
        values = values.numpy()
    array = np.asarray(values)
    if array.dtype.kind not in "fiub" or array.ndim < 1:
        raise VaeGeometryError(f"{where}: is {array.dtype} {array.shape}, not an array of numbers (N, ...); convert it")
    if array.dtype.kind != "f":
        array = array.astype(np.float32 if array.itemsize <= 2 else np.float64)  # both exact, up to 2**53
    array = array.reshape(len(array), -1) if len(array) else array.reshape(0, 1)
    if problem := problem_of_shape(array):
        raise VaeGeometryError(f"{where}: {problem}")
    return array
