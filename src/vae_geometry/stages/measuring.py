"""Stages that measure trained networks."""

import os
from dataclasses import MISSING, replace
from pathlib import Path
from tempfile import gettempdir
from typing import TYPE_CHECKING, Any

from vae_geometry.config import CONFIG
from vae_geometry.options import Option
from vae_geometry.stages.stage import (
    ARCHITECTURE,
    BETA,
    CHECKPOINT,
    DEVICE,
    FIDELITY_POINTS,
    LATENT,
    MEMORY,
    POINTS,
    TEST_DATA,
    THREADS,
    TRAIN_DATA,
    WEIGHTS,
    path,
    stage,
)

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray


@stage(
    "Write the activations of all layers on the first test inputs.",
    CHECKPOINT,
    TEST_DATA,
    path("output", "folder for layerNN.npy, float32 (N, D)"),
    path("reconstructions", "npz file for a few images, their reconstructions and samples", default=None),
    POINTS,
    LATENT,
    ARCHITECTURE,
    DEVICE,
    THREADS,
)
def dump_activations(options: Any) -> None:
    from vae_geometry.data.prepared import first_inputs
    from vae_geometry.networks.activations import write_reconstructions
    from vae_geometry.training.devices import select_device

    device = select_device(options.device, options.threads)
    images = first_inputs(options.data, options.points)
    _dump(options.checkpoint, images, options.output, options, device)
    if options.reconstructions:
        write_reconstructions(options.output, options.reconstructions)


def _dump(checkpoint: Path, images: "NDArray[Any]", output: Path, options: Any, device: "torch.device") -> None:
    from vae_geometry.networks.activations import dump_activations
    from vae_geometry.networks.checkpoints import check_shape, load_checkpoint
    from vae_geometry.training.random_streams import generator

    model, config = load_checkpoint(checkpoint, device, options.architecture)
    check_shape(checkpoint, config, images.shape[1:])
    noise, prior = generator(config, "measurement"), generator(config, "samples")
    dump_activations(model, config, images, output, options.latent, noise, prior, device)


@stage(
    "Measure ID and II of any folder of layerNN.npy, float (N, D).",
    path("activations", "folder with layer00.npy, layer01.npy, ... of equal N", positional=True),
    path("output", "folder for the parquet files"),
    CONFIG["geometry.scales"],
    MEMORY,
    replace(DEVICE, default="cpu"),
    THREADS,
)
def measure_geometry(options: Any) -> None:
    from vae_geometry.geometry.measure import measure_geometry

    device = options.device
    if device != "cpu":
        from vae_geometry.training.devices import select_device  # brings in torch, which the CPU does without

        device = str(select_device(device, options.threads))
    measure_geometry(options.activations, options.output, options.threads, options.memory_mb, device, options.scales)


@stage(
    "Have DADApy measure ID and II of a folder of layerNN.npy too, and stop where it disagrees.",
    path("activations", "folder with layer00.npy, layer01.npy, ... of equal N", positional=True),
    path("output", "parquet file to write"),
    CONFIG["geometry.scales"],
    MEMORY,
    THREADS,
)
def verify_geometry(options: Any) -> None:
    from vae_geometry.geometry.agreement import agreement
    from vae_geometry.geometry.verification import verify_geometry

    rows = verify_geometry(options.activations, options.output, options.threads, options.memory_mb, options.scales)
    print(agreement(rows))


@stage(
    "Measure ELBO (per input, in nats) and Frechet distance of a dump.",
    path("activations", "folder written by dump-activations", positional=True),
    path("output", "parquet file to write"),
    path("features", "file of prepare-features; without it no Frechet distance", default=None),
    FIDELITY_POINTS,
    BETA,
    WEIGHTS,
    DEVICE,
    THREADS,
)
def measure_fidelity(options: Any) -> None:
    from vae_geometry.fidelity.measure import measure_fidelity
    from vae_geometry.training.devices import select_device

    device = select_device(options.device, options.threads)
    points, beta = options.points, options.beta
    measure_fidelity(options.activations, options.output, points, beta, options.features, options.weights, device)


@stage(
    "Measure how much of its eps a training has memorised (reconstruction loss per input, in nats).",
    Option("checkpoints", tuple[Path, ...], MISSING, "networks of one training, a row for each", positional=True),
    TRAIN_DATA,
    path("output", "parquet file to write"),
    replace(POINTS, description="training and validation inputs, the first N of each, or all"),
    ARCHITECTURE,
    DEVICE,
    THREADS,
)
def measure_memory(options: Any) -> None:
    from vae_geometry.fidelity.memory import measure_memory
    from vae_geometry.training.devices import select_device

    device = select_device(options.device, options.threads)
    paths = options.checkpoints, options.data, options.output
    measure_memory(*paths, options.points, device, options.architecture)


@stage(
    "Measure II between all layers of networks of several K.",
    Option(
        "checkpoints",
        tuple[Path, ...],
        MISSING,
        "one network per K, of one data set, noise, seed and epoch",
        positional=True,
    ),
    TEST_DATA,
    path("output", "parquet file to write"),
    POINTS,
    LATENT,
    ARCHITECTURE,
    MEMORY,
    DEVICE,
    THREADS,
)
def compare_bottlenecks(options: Any) -> None:
    from vae_geometry.data.prepared import first_inputs
    from vae_geometry.dumps import WRITTEN
    from vae_geometry.geometry.cross_bottleneck import compare_bottlenecks
    from vae_geometry.networks.checkpoints import check_comparable
    from vae_geometry.scratch import scratch_folder
    from vae_geometry.training.devices import select_device

    check_comparable(options.checkpoints)
    device = select_device(options.device, options.threads)
    images = first_inputs(options.data, options.points)
    with scratch_folder(Path(gettempdir(), f"vae-geometry-dumps-{os.getuid()}"), WRITTEN) as scratch:
        dumps = [scratch / str(number) for number in range(len(options.checkpoints))]
        for checkpoint, dump in zip(options.checkpoints, dumps, strict=True):
            _dump(checkpoint, images, dump, options, device)
        compare_bottlenecks(dumps, options.output, options.threads, options.memory_mb, str(device))


@stage(
    "Compute the features of test images for the Frechet distance.",
    replace(TEST_DATA, positional=True),
    path("output", "npz file to write"),
    replace(CONFIG["fidelity.extractor"], choices=("inception", "efficientnet_lite0"), section=None),
    FIDELITY_POINTS,
    WEIGHTS,
    DEVICE,
    THREADS,
)
def prepare_features(options: Any) -> None:
    from vae_geometry.fidelity.frechet import prepare_features
    from vae_geometry.training.devices import select_device

    device = select_device(options.device, options.threads)
    prepare_features(options.data, options.output, options.extractor, options.points, options.weights, device)
