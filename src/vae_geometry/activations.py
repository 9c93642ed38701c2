"""Activations of the 11 layers of a network on test images, dumped as one array a layer."""

import os
import shutil
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from vae_geometry import VaeGeometryError, tables
from vae_geometry.files import beside, cannot_write, whole_file
from vae_geometry.generators import generator
from vae_geometry.models import LAYER_NAMES, VAE, load_checkpoint

BATCH_SIZE = 250
N_RECONSTRUCTIONS = 10
BOTTLENECK = LAYER_NAMES.index("bottleneck")


def dump_activations(
    checkpoint: Path,
    images: NDArray[np.uint8],
    output: Path,
    latent: str,
    device: torch.device,
    reconstructions: Path | None = None,
) -> None:
    """Run a network in eval mode and write the activations of all layers, the whole folder or nothing.

    Parameters
    ----------
    checkpoint : Path
    images : (N, C, 32, 32) uint8 array
    output : Path
        Folder for ``layer00.npy`` ... ``layer10.npy``, float32 (N, D); for what the ELBO needs, ``mean.npy``,
        ``log_variance.npy`` and ``logits.npy`` (of the sampled z); and for ``manifest.parquet``.
    latent : {"sample", "mean"}
        Whether layer 5 and the decoder's layers take the sampled z or its mean.
    device : torch.device
    reconstructions : Path or None
        npz file for the first ``N_RECONSTRUCTIONS`` ``images``, their ``reconstructions`` and as many ``samples`` from
        the prior, float32 in [0, 1]; every epoch decodes the same z.

    Raises
    ------
    VaeGeometryError
        If the images have another number of channels than the network.
    """
    model, config = load_checkpoint(checkpoint, device)
    if images.shape[1] != config["image_channels"]:
        raise VaeGeometryError(
            f"{checkpoint}: the network takes {config['image_channels']} channels, the images have {images.shape[1]}"
        )
    unfinished = beside(output)
    try:
        unfinished.mkdir(parents=True)
        _write_arrays(model, images, unfinished, latent, generator(config, "measurement"), device)
        run = {name: config[name] for name in ("dataset", "noise", "bottleneck", "seed", "epoch")}
        tables.write("manifest", _manifest(unfinished, run), unfinished / "manifest.parquet")
        if reconstructions is not None:
            samples = _decode_prior(model, generator(config, "samples"), device)
            _write_reconstructions(unfinished, images.shape[1:], samples, reconstructions)
        shutil.rmtree(output, ignore_errors=True)
        unfinished.replace(output)
    except OSError as error:
        raise VaeGeometryError(cannot_write(output, error)) from None
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _write_arrays(
    model: VAE,
    images: NDArray[np.uint8],
    folder: Path,
    latent: str,
    latent_noise: torch.Generator,
    device: torch.device,
) -> None:
    recorded: dict[int, torch.Tensor] = {}
    linear, _, *decoder_blocks, _ = model.decoder
    handles = [
        block.register_forward_hook(lambda _module, _inputs, result, layer=layer: recorded.update({layer: result}))
        for layer, block in [
            *enumerate(list(model.encoder)[:4], start=1),
            (BOTTLENECK + 1, linear),
            *enumerate(decoder_blocks, start=BOTTLENECK + 2),
        ]
    ]
    handles.append(linear.register_forward_pre_hook(lambda _module, inputs: recorded.update({BOTTLENECK: inputs[0]})))
    arrays: dict[str, np.memmap] = {}
    with torch.no_grad():
        for start in range(0, len(images), BATCH_SIZE):
            inputs = torch.from_numpy(images[start : start + BATCH_SIZE]).to(device).float() / 255
            noise = torch.randn(len(inputs), model.mean.out_features, generator=latent_noise).to(device)
            sampled_logits, mean, log_variance = model(inputs, noise)
            logits = sampled_logits if latent == "sample" else model(inputs, torch.zeros_like(noise))[0]
            recorded |= {0: inputs, len(LAYER_NAMES) - 1: torch.sigmoid(logits)}
            batch = {f"layer{layer:02d}": recorded[layer] for layer in range(len(LAYER_NAMES))}
            batch |= {"mean": mean, "log_variance": log_variance, "logits": sampled_logits}
            for name, values in batch.items():
                values = values.flatten(1).cpu().numpy()
                if name not in arrays:
                    shape = (len(images), values.shape[1])
                    arrays[name] = _reserve(folder / f"{name}.npy", shape)
                arrays[name][start : start + len(values)] = values
    for handle in handles:
        handle.remove()
    for array in arrays.values():
        array.flush()


def _reserve(path: Path, shape: tuple[int, int]) -> np.memmap:
    array = np.lib.format.open_memmap(path, "w+", np.float32, shape)
    with path.open("r+b") as file:  # a mapped file that finds no space when written to kills the process
        os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
    return array


def _manifest(folder: Path, run: dict) -> list[dict]:
    rows = []
    for layer, layer_name in enumerate(LAYER_NAMES):
        n_points, dimension = np.load(folder / f"layer{layer:02d}.npy", mmap_mode="r").shape
        names = {"layer": layer, "layer_name": layer_name}
        rows.append({**run, **names, "extrinsic_dimension": dimension, "n_points": n_points})
    return rows


@torch.no_grad()
def _decode_prior(model: VAE, noise: torch.Generator, device: torch.device) -> NDArray[np.float32]:
    latent = torch.randn(N_RECONSTRUCTIONS, model.mean.out_features, generator=noise).to(device)
    return torch.sigmoid(model.decoder(latent)).cpu().numpy()


def _write_reconstructions(
    folder: Path, image_shape: tuple[int, ...], samples: NDArray[np.float32], path: Path
) -> None:
    arrays = {
        name: np.load(folder / f"layer{layer:02d}.npy", mmap_mode="r")[:N_RECONSTRUCTIONS].reshape(-1, *image_shape)
        for name, layer in {"images": 0, "reconstructions": len(LAYER_NAMES) - 1}.items()
    }
    with whole_file(path) as unfinished:
        np.savez(unfinished, **arrays, samples=samples)
