"""Stages from data to trained networks."""

from dataclasses import MISSING, replace
from pathlib import Path
from typing import Any

from vae_geometry.data.sources import SOURCES
from vae_geometry.layout import RESOURCES
from vae_geometry.options import Model, Option, Training, options_of, section_of
from vae_geometry.stages.stage import BETA, CHECKPOINT, DEVICE, NOISE, TRAIN_DATA, path, stage

# the keys of `model` that decide which network is built: not the weight of its loss, nor what is measured
NETWORK = [option for option in options_of(Model, "model") if option.name not in ("beta", "latent")]


@stage(
    "Fetch or find images and store them as 32 x 32 pixels, uint8.",
    Option("source", str, MISSING, "kind of the data set", choices=tuple(SOURCES), positional=True),
    path("output", "folder for train.npz and test.npz"),
    path("root", "folder with the raw files (imagefolder: train/CLASS, test/CLASS)", default=None),
    path("downloads", "where downloads are kept", default=Path(RESOURCES["downloads"])),
)
def prepare_dataset(options: Any) -> None:
    from vae_geometry.data.images import prepare_dataset

    prepare_dataset(options.source, options.output, options.root, options.downloads)


@stage(
    "Write the untrained network of a run: the checkpoint of epoch 0.",
    TRAIN_DATA,
    path("output", "checkpoint to write (.safetensors)"),
    Option("dataset", str, "", "name of the data set in the tables"),
    NOISE,
    Option("bottleneck", int, MISSING, "K, latent dimensions", minimum=1),
    Option("seed", int, 0, "seed of the run", minimum=0),
    *NETWORK,
)
def initialise(options: Any) -> None:
    from vae_geometry.data.prepared import load_inputs
    from vae_geometry.networks import accepted
    from vae_geometry.training.initialise import initialise

    config = {
        **{name: getattr(options, name) for name in ("dataset", "noise", "bottleneck", "architecture")},
        "shape": list(load_inputs(options.data).shape[1:]),
        "options": accepted(options.architecture, {option.name: getattr(options, option.name) for option in NETWORK}),
    }
    initialise(options.output, config, options.seed)


def _last_epoch(checkpoints: Option) -> Option:
    """The option of the epochs to keep, which are the last one alone where none is given."""
    described = "epochs after which the network is kept (default: the last one)"
    return replace(checkpoints, type=tuple[int, ...] | None, default=None, description=described)


@stage(
    "Train a network from its checkpoint of epoch 0; a training that was killed resumes.",
    TRAIN_DATA,
    path("initial", "checkpoint of the untrained network"),
    path("output", "folder of the run"),
    *(_last_epoch(option) if option.name == "checkpoints" else option for option in options_of(Training, "training")),
    BETA,
    DEVICE,
)
def train(options: Any) -> None:
    import torch

    from vae_geometry.data.prepared import load_inputs
    from vae_geometry.training.devices import select_device
    from vae_geometry.training.loop import train

    options.checkpoints = sorted(set(options.checkpoints or [options.epochs]) - {0})  # epoch 0 exists already
    training = section_of(Training, vars(options))
    device = select_device(options.device, options.threads, options.deterministic, tf32=True)
    images = torch.from_numpy(load_inputs(options.data))
    train(images, options.initial, options.output, training, options.beta, device)


@stage("Print what a checkpoint says of itself, and its tensors.", CHECKPOINT)
def describe(options: Any) -> None:
    from vae_geometry.networks.checkpoints import describe

    print(describe(options.checkpoint))
