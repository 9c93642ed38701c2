"""Geometry of a folder of activations, as tables."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vae_geometry import VaeGeometryError, layout, tables
from vae_geometry.geometry.information_imbalance import information_imbalance, standard_error
from vae_geometry.geometry.intrinsic_dimension import gride, two_nearest_neighbours
from vae_geometry.geometry.neighbours import Neighbours, find_neighbours

LAYER_FILE = re.compile(r"layer(\d{2})\.npy")
ROWS_AT_ONCE = 500
LARGEST = 1e150  # absolute value
IMPORTS_MB = 800  # what the process takes before it holds any distance


def open_layers(folder: Path) -> dict[int, NDArray]:
    """Open the layers of an activation dump as memory-mapped arrays.

    Parameters
    ----------
    folder : Path
        Holds ``layer00.npy``, ``layer01.npy``, ...: float arrays (N, D) of equal N.

    Returns
    -------
    dict
        Layer number -> array, in the order of the layers.

    Raises
    ------
    VaeGeometryError
        If there is no layer, or one is damaged, of another type or shape, or holds NaN or infinity.
    """
    paths = sorted(path for path in folder.glob("layer*.npy") if LAYER_FILE.fullmatch(path.name))
    if not paths:
        raise VaeGeometryError(f"{folder}: no layerNN.npy in this folder; dump the activations into it first")
    layers = {}
    for path in paths:
        try:
            layer = np.load(path, mmap_mode="r", allow_pickle=False)
        except (ValueError, OSError, EOFError) as error:
            raise VaeGeometryError(f"{path}: not a whole npy file ({error}); dump the activations again") from None
        if not isinstance(layer, np.ndarray):
            raise VaeGeometryError(f"{path}: not an npy file but an archive of several; save one array a layer")
        if layer.dtype.kind != "f" or layer.ndim != 2:
            raise VaeGeometryError(
                f"{path}: is {layer.dtype} {layer.shape}, not a float array (N, D); convert it first"
            )
        if len(layer) < 3 or layer.shape[1] < 1:
            raise VaeGeometryError(
                f"{path}: has shape {layer.shape}; the geometry needs at least 3 points and 1 column"
            )
        _check_values(path, layer)
        layers[int(LAYER_FILE.fullmatch(path.name).group(1))] = layer
    lengths = {path.name: len(layer) for path, layer in zip(paths, layers.values(), strict=True)}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{name}: {length}" for name, length in lengths.items())
        raise VaeGeometryError(f"{folder}: the layers differ in their number of points ({listed}); dump them again")
    return layers


def _check_values(path: Path, layer: NDArray) -> None:
    peak = 0.0
    for start in range(0, len(layer), ROWS_AT_ONCE):
        largest = np.abs(layer[start : start + ROWS_AT_ONCE]).max(axis=1)
        bad = np.flatnonzero(~np.isfinite(largest))
        if len(bad):
            raise VaeGeometryError(f"{path}: row {start + bad[0]} holds NaN or infinity; mend the activations first")
        peak = max(peak, float(largest.max()))
    if peak > LARGEST or 0 < peak < 1 / LARGEST:
        raise VaeGeometryError(f"{path}: values of about {peak:.0e} have no squares in float64; scale them first")


def measure_geometry(
    folder: Path, output: Path, threads: int, memory_mb: int, device: str = "cpu", scales: int | None = None
) -> None:
    """Measure the ID of every layer of a dump, and the II of all ordered pairs of layers.

    Parameters
    ----------
    folder : Path
        Any folder of ``layerNN.npy``, see ``open_layers``. Its ``manifest.parquet`` names the run and the layers;
        without one those columns are null.
    output : Path
        Folder for ``intrinsic_dimension.parquet`` and ``information_imbalance.parquet``.
    threads : int
        CPU threads.
    memory_mb : int
        Memory of the whole process, in megabytes.
    device : str
        See ``find_neighbours``.
    scales : int, optional
        Measure the ID against scale too, up to so many neighbours, for ``id_scaling.parquet``; see ``gride``.

    Raises
    ------
    VaeGeometryError
        If the dump is damaged, see ``open_layers``, or ``scales`` is more than half of its points.
    """
    layers = open_layers(folder)
    n_points = len(next(iter(layers.values())))
    if scales and 2 * scales > n_points:
        raise VaeGeometryError(
            f"{folder}: holds {n_points} points, too few for scales of {scales} neighbours; take at most half of them"
        )
    labels = _labels(folder, layers)
    n_neighbours = scales or 2
    memory_mb = working_memory_mb(memory_mb, 16 * len(layers) * n_points * n_neighbours)
    neighbours = find_neighbours(list(layers.values()), n_neighbours, threads, memory_mb, device)
    dimensions, scalings = [], []
    for label, points, distances in zip(labels, layers.values(), neighbours.distances, strict=True):
        of_layer = {**label, "extrinsic_dimension": points.shape[1], "n_points": n_points}
        estimate = two_nearest_neighbours(distances[:, :2])
        dimensions.append(
            {
                **of_layer,
                "intrinsic_dimension": estimate.value,
                "id_stderr": estimate.stderr,
                "n_zero_distances": estimate.n_zero_distances,
                "reason": estimate.reason,
            }
        )
        if scales:
            scalings += [{**of_layer, **at_scale._asdict()} for at_scale in gride(distances)]
    imbalances = imbalance_rows(neighbours, labels)
    tables.write("intrinsic_dimension", dimensions, output / "intrinsic_dimension.parquet")
    tables.write("information_imbalance", imbalances, output / "information_imbalance.parquet")
    if scales:
        tables.write("id_scaling", scalings, output / "id_scaling.parquet")
    else:
        (output / "id_scaling.parquet").unlink(missing_ok=True)  # of an earlier measurement


def _labels(folder: Path, layers: Iterable[int]) -> list[dict]:
    """Run, number, name and role of layers, as far as the folder has a manifest that says them."""
    manifest = folder / layout.MANIFEST
    rows = tables.read("manifest", [manifest]).to_pylist() if manifest.exists() else []
    run = {field.name: rows[0][field.name] for field in tables.RUN} if rows else {}
    known = {row["layer"]: row for row in rows}
    names = ("layer_name", "role")
    return [{**run, "layer": layer, **{name: known.get(layer, {}).get(name) for name in names}} for layer in layers]


def working_memory_mb(memory_mb: int, found_bytes: int = 0) -> int:
    """What is left for the distances, in megabytes, of a process with Python, numpy and DADApy in its memory.

    Parameters
    ----------
    memory_mb : int
        Memory of the whole process, in megabytes.
    found_bytes : int
        What the neighbours that are found take, in bytes.

    Raises
    ------
    VaeGeometryError
        If nothing is left.
    """
    taken_mb = IMPORTS_MB + found_bytes // 2**20
    if memory_mb <= taken_mb:
        raise VaeGeometryError(f"{memory_mb} MB of memory are too little; allow more than {taken_mb} MB")
    return memory_mb - taken_mb


def imbalance_rows(neighbours: Neighbours, labels: Sequence[Mapping], more: Sequence[str] = ()) -> list[dict]:
    """Rows of the II of all ordered pairs of spaces and of its uncertainty.

    Parameters
    ----------
    neighbours : Neighbours
    labels : sequence of mappings
        Of each space: its run, ``layer``, ``layer_name`` and ``role``.
    more : sequence of str
        Columns of the run in which the two spaces of a pair may differ.
    """
    ends = {"layer": "layer", "name": "layer_name", "role": "role", **dict(zip(more, more, strict=True))}
    return [
        {
            **{field.name: a.get(field.name) for field in tables.RUN},
            **{f"source_{end}": a.get(name) for end, name in ends.items()},
            **{f"target_{end}": b.get(name) for end, name in ends.items()},
            **_imbalance(neighbours, source, target),
        }
        for source, a in enumerate(labels)
        for target, b in enumerate(labels)
    ]


def _imbalance(neighbours: Neighbours, source: int, target: int) -> dict:
    ranks = neighbours.ranks[source, target]
    stderr = standard_error(ranks, neighbours.indices[source, :, 0])
    return {
        "information_imbalance": information_imbalance(ranks),
        "ii_stderr": stderr,
        "reason": "no standard error: too many points share their nearest neighbour" if stderr is None else None,
        "n_ties": int(neighbours.ties[source, target]),
        "n_points": len(ranks),
    }
