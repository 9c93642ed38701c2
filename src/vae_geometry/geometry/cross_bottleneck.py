"""Information imbalance between the layers of networks that differ in their bottleneck."""

from collections.abc import Sequence
from pathlib import Path

from vae_geometry import layout, tables
from vae_geometry.geometry.measure import imbalance_rows, open_layers, working_memory_mb
from vae_geometry.geometry.neighbours import find_neighbours


def compare_bottlenecks(dumps: Sequence[Path], output: Path, threads: int, memory_mb: int, device: str = "cpu") -> None:
    """Measure the II between all layers of networks that differ in their bottleneck.

    Parameters
    ----------
    dumps : sequence of Path
        Folders of activations with a manifest: one per bottleneck, of the same seed and epoch.
    output : Path
        Table of kind ``cross_bottleneck``.
    threads : int
        CPU threads.
    memory_mb : int
        Memory of the whole process, in megabytes.
    device : str
        See ``find_neighbours``.

    Raises
    ------
    VaeGeometryError
        If a dump is damaged, see ``open_layers``, or ``memory_mb`` is too little.
    """
    spaces, ends = [], []
    for dump in dumps:
        manifest = {row["layer"]: row for row in tables.read("manifest", [dump / layout.MANIFEST]).to_pylist()}
        for layer, points in open_layers(dump).items():
            spaces.append(points)
            ends.append(manifest[layer])
    neighbours = find_neighbours(spaces, threads=threads, memory_mb=working_memory_mb(memory_mb), device=device)
    rows = imbalance_rows(neighbours, ends, ["bottleneck"])
    tables.write("cross_bottleneck", rows, output)
