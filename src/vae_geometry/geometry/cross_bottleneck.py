"""Information imbalance between the layers of networks that differ in their bottleneck."""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from vae_geometry import VaeGeometryError, tables
from vae_geometry.dumps import unchanged
from vae_geometry.geometry.activations import Layer, open_layers
from vae_geometry.geometry.information_imbalance import imbalance_rows
from vae_geometry.geometry.neighbours import find_neighbours, working_memory_mb


def compare_bottlenecks(dumps: Sequence[Path], output: Path, threads: int, memory_mb: int, device: str = "cpu") -> None:
    """Measure the II between all layers of networks that differ in their bottleneck.

    Parameters
    ----------
    dumps : sequence of Path
        Folders of activations with a manifest: one per bottleneck, of the same seed, epoch and images.
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
        If a dump is damaged, see ``open_layers``, changes meanwhile or does not say its bottleneck; if ``memory_mb`` is
        too little.
    """
    layers: list[Layer] = []
    with ExitStack() as stack:
        for dump in dumps:
            stack.enter_context(unchanged(dump))
            opened = open_layers(dump)
            if opened[0].label["bottleneck"] is None:
                raise VaeGeometryError(f"{dump}: no manifest says which bottleneck this is; dump the activations again")
            layers += opened
        points = [layer.points for layer in layers]
        neighbours = find_neighbours(points, threads=threads, memory_mb=working_memory_mb(memory_mb), device=device)
        rows = imbalance_rows(layers, neighbours)
    tables.write("cross_bottleneck", rows, output)
