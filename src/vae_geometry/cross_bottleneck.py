"""Information imbalance between the layers of networks that differ in their bottleneck."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from vae_geometry import tables
from vae_geometry.activations import dump_activations
from vae_geometry.geometry import imbalance_row, open_layers, working_memory_mb
from vae_geometry.neighbours import find_neighbours


def compare_bottlenecks(
    checkpoints: Sequence[Path],
    images: NDArray[np.uint8],
    output: Path,
    latent: str,
    device: torch.device,
    threads: int,
    memory_mb: int,
) -> None:
    """Measure the II between all layers of networks that differ in their bottleneck.

    The activations are computed from the checkpoints, into a temporary folder.

    Parameters
    ----------
    checkpoints : sequence of Path
        One per bottleneck, of the same seed and epoch.
    images : (N, C, 32, 32) uint8 array
    output : Path
        Table of kind ``cross_bottleneck``.
    latent
        See ``dump_activations``.
    device : torch.device
        Where the networks run and the products of their activations are computed.
    threads : int
        CPU threads.
    memory_mb : int
        Memory of the whole process, in megabytes.
    """
    spaces, labels = [], []
    with tempfile.TemporaryDirectory() as temporary:
        for number, checkpoint in enumerate(checkpoints):
            folder = Path(temporary, str(number))
            dump_activations(checkpoint, images, folder, latent, device)
            run = tables.read("manifest", [folder / "manifest.parquet"]).to_pylist()[0]
            for layer, points in open_layers(folder).items():
                spaces.append(points)
                labels.append((run["bottleneck"], layer))
        memory_mb = working_memory_mb(memory_mb)
        neighbours = find_neighbours(spaces, threads=threads, memory_mb=memory_mb, device=str(device))
    common = {name: run[name] for name in ("dataset", "noise", "seed", "epoch")}
    rows = [
        {
            **common,
            "source_bottleneck": source_bottleneck,
            "source_layer": source_layer,
            "target_bottleneck": target_bottleneck,
            "target_layer": target_layer,
            **imbalance_row(neighbours, a, b),
        }
        for a, (source_bottleneck, source_layer) in enumerate(labels)
        for b, (target_bottleneck, target_layer) in enumerate(labels)
    ]
    tables.write("cross_bottleneck", rows, output)
