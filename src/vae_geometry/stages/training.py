"""Stages from data to trained networks."""

import json
from dataclasses import MISSING, replace
from pathlib import Path
from typing import Any

from vae_geometry import VaeGeometryError
from vae_geometry.config import CONFIG, DataSet, Training
from vae_geometry.data.sources import SOURCES, Preparation, image_size
from vae_geometry.layout import RESOURCES
from vae_geometry.options import Option, options_of, section_of
from vae_geometry.stages.stage import ARCHITECTURE, BETA, CHECKPOINT, DEVICE, NOISE, TRAIN_DATA, path, stage

LIKELIHOOD, VARIANCE = CONFIG["model.likelihood"], CONFIG["model.variance"]
OPTIONS = Option("options", str, "{}", "options of the architecture, as JSON")


@stage(
    "Fetch or find a data set and store it: images as uint8, arrays as float32.",
    Option("source", str, MISSING, "kind of the data set", choices=tuple(SOURCES), positional=True),
    path("output", "folder for train.npz and test.npz"),
    path(
        "root",
        "folder with the raw files (imagefolder: train/CLASS, test/CLASS; arrays: train.*, test.*)",
        default=None,
    ),
    path("downloads", "where downloads are kept", default=Path(RESOURCES["downloads"])),
    *(option for option in options_of(DataSet, None) if option.name not in ("source", "root")),
)
def prepare_dataset(options: Any) -> None:
    from vae_geometry.data.prepared import prepare_dataset

    settings = {name: getattr(options, name) for name in ("root", "downloads", "resize", "scale", "test_fraction")}
    size = image_size(options.image_size)
    prepare_dataset(options.source, options.output, Preparation(image_size=size, **settings))


@stage(
    "Write the untrained network of a run: the checkpoint of epoch 0.",
    TRAIN_DATA,
    path("output", "checkpoint to write (.safetensors)"),
    Option("dataset", str, "", "name of the data set in the tables"),
    NOISE,
    Option("bottleneck", int, MISSING, "K, latent dimensions", minimum=1),
    Option("seed", int, 0, "seed of the run", minimum=0),
    ARCHITECTURE,
    OPTIONS,
    LIKELIHOOD,
    VARIANCE,
)
def initialise(options: Any) -> None:
    from vae_geometry.data.prepared import load_inputs
    from vae_geometry.training.initialise import initialise

    names = ("dataset", "noise", "bottleneck", "architecture", "likelihood", "variance")
    config = {name: getattr(options, name) for name in names}
    initialise(options.output, {**config, "options": _json(options.options)}, options.seed, load_inputs(options.data))


def _json(text: str) -> dict[str, Any]:
    try:
        options = json.loads(text)
        if isinstance(options, dict):
            return options
        problem = "it does not map names to values"
    except ValueError as error:
        problem = str(error)
    raise VaeGeometryError(
        f"--options {text}: is not a JSON object ({problem}); write for example '{{\"widths\": [256]}}'"
    )


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
    ARCHITECTURE,
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
    train(images, options.initial, options.output, training, options.beta, device, options.architecture)


@stage("Print a checkpoint's metadata and tensors.", CHECKPOINT, ARCHITECTURE)
def describe(options: Any) -> None:
    from vae_geometry.networks.checkpoints import describe

    print(describe(options.checkpoint, options.architecture))
