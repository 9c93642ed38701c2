"""The geometry of a folder of activations, as tables."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from vae_geometry import VaeGeometryError, tables
from vae_geometry.dumps import unchanged
from vae_geometry.geometry.activations import Layer, open_layers
from vae_geometry.geometry.information_imbalance import imbalance_rows
from vae_geometry.geometry.intrinsic_dimension import dimension_rows, scaling_rows
from vae_geometry.geometry.latents import latent_rows, open_latents
from vae_geometry.geometry.neighbours import Neighbours, find_neighbours, working_memory_mb
from vae_geometry.replacing import require_same_run

Rows = Mapping[str, list[dict[str, Any]]]  # kind of table -> rows


def measure_geometry(
    folder: Path, output: Path, threads: int, memory_mb: int, device: str = "cpu", scales: int | None = None
) -> None:
    """Measure the ID of every layer of a network, and the II of all ordered pairs of layers.

    Parameters
    ----------
    folder : Path
        Any folder of ``layerNN.npy``, see ``open_layers``. Its ``manifest.parquet`` names the run and the layers;
        without one those columns are null.
    output : Path
        Folder for ``intrinsic_dimension.parquet`` and ``information_imbalance.parquet``; of a dump also for
        ``latents.parquet``, see ``open_latents``.
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
        If the folder is damaged, see ``open_layers``, or changes meanwhile; if ``output`` holds tables of another run;
        if ``scales`` is more than half of its points, or ``memory_mb`` is too little.
    """
    with unchanged(folder):
        layers = open_layers(folder)
        run = {field.name: layers[0].label[field.name] for field in tables.RUN}
        latents = open_latents(folder, layers)
        further = [*["id_scaling"] * bool(scales), *["latents"] * bool(latents)]
        require_same_runs(output, run, ["intrinsic_dimension", "information_imbalance", *further])
        found = neighbours_of(folder, latents.spaces if latents else layers, threads, memory_mb, device, scales)
        rows = dict(geometry_rows(layers, found.of(range(len(layers))), scales))
        if latents:
            rows["latents"] = latent_rows(latents, found)
    write_geometry(rows, output)


def neighbours_of(
    folder: Path, layers: Sequence[Layer], threads: int, memory_mb: int, device: str = "cpu", scales: int | None = None
) -> Neighbours:
    """The neighbours that ``measure_geometry`` estimates from, with its parameters and errors."""
    n_points, n_neighbours = len(layers[0].points), scales or 2
    require_points(str(folder), n_points, scales)
    memory_mb = working_memory_mb(memory_mb, 16 * len(layers) * n_points * n_neighbours)
    return find_neighbours([layer.points for layer in layers], n_neighbours, threads, memory_mb, device)


def require_points(where: str, n_points: int, scales: int | None) -> None:
    """Refuse scales of more neighbours than half of the points."""
    if scales and 2 * scales > n_points:
        raise VaeGeometryError(
            f"{where}: holds {n_points} points, too few for {scales} neighbours; set scales to at most {n_points // 2}"
        )


def geometry_rows(layers: Sequence[Layer], neighbours: Neighbours, scales: int | None) -> Rows:
    """Rows of every table of the geometry of some layers; of the ID against scale only with ``scales``."""
    rows = {"intrinsic_dimension": dimension_rows(layers, neighbours)}
    if scales:
        rows["id_scaling"] = scaling_rows(layers, neighbours)
    return {**rows, "information_imbalance": imbalance_rows(layers, neighbours)}


def require_same_runs(output: Path, run: Mapping[str, object], kinds: Iterable[str]) -> None:
    """Refuse to replace the tables of another run in a folder; see ``require_same_run``."""
    for kind in kinds:
        require_same_run(kind, output / f"{kind}.parquet", run)


def write_geometry(rows: Rows, output: Path) -> None:
    """Write a table for each kind of rows; earlier tables that have none go."""
    for kind in rows:
        tables.write(kind, rows[kind], output / f"{kind}.parquet")
    for kind in {"id_scaling", "latents"} - rows.keys():
        _remove(kind, output / f"{kind}.parquet")


def _remove(kind: str, path: Path) -> None:
    """Remove the table of an earlier measurement, which had scales, or of a dump."""
    if tables.is_table(kind, path):
        path.unlink()
