"""Activations of all layers of a network on test inputs, dumped as one array a layer."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vae_geometry import VaeGeometryError, dumps, layout, tables
from vae_geometry.arrays import open_npy, write_npz
from vae_geometry.networks.layers import Network, as_inputs, pass_through

BATCH_SIZE = 250
N_RECONSTRUCTIONS = 10


def dump_activations(
    model: Network,
    config: dict,
    images: NDArray[Any],
    output: Path,
    latent: str,
    noise: torch.Generator,
    prior: torch.Generator,
    device: torch.device,
) -> None:
    """Run a network in eval mode and write the activations of all layers; the folder appears when it is complete.

    Parameters
    ----------
    model : Network
    config : dict
        Of its checkpoint.
    images : (N, C, H, W) uint8 or (N, ...) float32 array
    output : Path
        Folder for ``layer00.npy``, ``layer01.npy``, ..., float32 (N, D); for what the ELBO needs, ``mean.npy``,
        ``log_variance.npy`` and ``logits.npy`` (of the sampled z); for ``samples.npy``, as many outputs decoded from
        the prior; and for ``manifest.parquet``.
    latent : {"sample", "mean"}
        Whether the bottleneck and the decoder's layers take the sampled z or its mean.
    noise : torch.Generator
        On the CPU; draws eps.
    prior : torch.Generator
        On the CPU; draws the z of the samples.
    device : torch.device

    Raises
    ------
    VaeGeometryError
        If the folder cannot be written, or holds anything else than an earlier dump, which is replaced; if the network
        has too many layers, or one gives NaN or infinity.
    """
    if len(model.layers) + 3 > dumps.MOST_LAYERS:
        n_layers = len(model.layers) + 3  # with input, bottleneck and output
        raise VaeGeometryError(f"the network has {n_layers} layers; measure at most {dumps.MOST_LAYERS} of them")
    with dumps.new_dump(output) as new:
        run = {field.name: config[field.name] for field in tables.RUN}
        layers = _write_arrays(model, images, new, latent, noise, prior, device, run)
        run |= {"likelihood": config["likelihood"], "output_variance": model.likelihood.output_variance}
        tables.write("manifest", [{**run, **layer} for layer in layers], new / layout.MANIFEST)


@torch.no_grad()
def _write_arrays(
    model: Network,
    images: NDArray[Any],
    folder: Path,
    latent: str,
    noise: torch.Generator,
    prior: torch.Generator,
    device: torch.device,
    run: dict,
) -> list[dict]:
    """Write the arrays, and return a row of the manifest for each layer."""
    arrays: dict[str, np.memmap] = {}
    rows: list[dict] = []
    for start in range(0, len(images), BATCH_SIZE):
        inputs = as_inputs(torch.from_numpy(images[start : start + BATCH_SIZE]).to(device))
        activations, mean, log_variance, sampled_outputs = pass_through(model, inputs, noise, latent)
        batch = {layout.layer_file(number): output for number, output in enumerate(activations.values())}
        names = dict(zip(batch, (f"layer {layer.name}" for layer in activations), strict=True))
        batch |= {layout.MEAN: mean, layout.LOG_VARIANCE: log_variance, layout.LOGITS: sampled_outputs}
        latents = torch.randn(mean.shape, generator=prior).to(device)
        names[layout.SAMPLES] = "the decoder"
        batch[layout.SAMPLES] = model.likelihood.expected(model.decode(latents))
        for name, output in batch.items():
            values = output.flatten(1).cpu().numpy()
            _require_finite(values, names.get(name, name.removesuffix(".npy")), run)
            if name not in arrays:
                arrays[name] = _reserve(folder / name, (len(images), values.shape[1]))
            arrays[name][start : start + len(values)] = values
        rows = [
            {
                "layer": number,
                "layer_name": layer.name,
                "role": layer.role,
                "extrinsic_dimension": output[0].numel(),
                "shape": list(output.shape[1:]),
            }
            for number, (layer, output) in enumerate(activations.items())
        ]
    for array in arrays.values():
        array.flush()
    return [{**row, "n_points": len(images)} for row in rows]


def _require_finite(values: NDArray[np.float32], name: str, run: dict) -> None:
    if not np.isfinite(values).all():
        raise VaeGeometryError(
            f"the network of K = {run['bottleneck']}, seed {run['seed']}, epoch {run['epoch']}: {name} gives NaN or "
            "infinity on these inputs; take another checkpoint, or train again with a lower training.learning_rate"
        )


def _reserve(path: Path, shape: tuple[int, int]) -> np.memmap:
    array = np.lib.format.open_memmap(path, "w+", np.float32, shape)
    with path.open("r+b") as file:  # a mapped file that finds no space when written to kills the process
        os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
    return array


def write_reconstructions(activations: Path, path: Path) -> None:
    """Write a few images, what a network makes of them, and what it decodes from the prior, as an npz file.

    Parameters
    ----------
    activations : Path
        Folder written by ``dump_activations``.
    path : Path
        npz file for the first ``N_RECONSTRUCTIONS`` ``images``, their ``reconstructions`` and as many ``samples``,
        float32 of the shape of the inputs.
    """
    layers = tables.read("manifest", [activations / layout.MANIFEST]).to_pylist()
    files = {layer["role"]: layout.layer_file(layer["layer"]) for layer in layers}
    files = {"images": files["input"], "reconstructions": files["output"], "samples": layout.SAMPLES}
    (shape,) = (layer["shape"] for layer in layers if layer["role"] == "input")
    few = {name: open_npy(activations / file, dumps.REMEDY)[:N_RECONSTRUCTIONS] for name, file in files.items()}
    write_npz(path, {name: array.reshape(-1, *shape) for name, array in few.items()})
