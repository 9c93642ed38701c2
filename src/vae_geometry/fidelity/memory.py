"""Whether a network has memorised which eps each training image was given."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vae_geometry import VaeGeometryError, tables
from vae_geometry.data.prepared import load_inputs
from vae_geometry.data.splits import split_images
from vae_geometry.fidelity.frechet import images_sha256
from vae_geometry.networks.checkpoints import check_shape, load_checkpoint, read_config
from vae_geometry.networks.layers import Network, as_inputs
from vae_geometry.networks.likelihoods import sample
from vae_geometry.replacing import require_same_run
from vae_geometry.training.noise import draw_batches
from vae_geometry.training.random_streams import generator

BATCH_SIZE = 250
UNTRAINED = "the network is untrained and has met no eps"
ONE_IMAGE = "a single image has no standard error"


class Part(NamedTuple):
    """Images of one part of the split, and what they are decoded with.

    Attributes
    ----------
    images : (n, ...) uint8 or float32 tensor
    trained_eps : (n, K) float tensor
        Of a training image its own in the last epoch; of a validation image that of a training image.
    new_eps : (n, K) float tensor
        Never trained with.
    """

    images: Tensor
    trained_eps: Tensor
    new_eps: Tensor


def measure_memory(
    checkpoints: Sequence[Path],
    data: Path,
    output: Path,
    n_images: int,
    device: torch.device,
    architecture: str | None = None,
) -> None:
    """Decode training and validation images with the eps of training, with a new eps, and with none.

    A network that has memorised which eps belongs to which image reconstructs a training image better with the
    eps that it was trained with than with a new one. A validation image was given none in training: it borrows the eps
    of a training image, which shows whether these eps as such are decoded better.

    Parameters
    ----------
    checkpoints : sequence of Path
        Of one training, and its untrained network, whose rows are null.
    data : Path
        ``train.npz`` of the data set that it was trained on.
    output : Path
        Table of kind ``memory`` with a row per checkpoint and part.
    n_images : int
        The first so many images of each part, or all; the split has put them in random order.
    device : torch.device
    architecture : str or None
        Of the user's own, see ``load_checkpoint``.

    Raises
    ------
    VaeGeometryError
        If the checkpoints are not of one training, or were trained on other images; if a network gives NaN or infinity;
        if there is a table of another run.
    """
    configs = _of_one_training(checkpoints)
    run = [field.name for field in tables.RUN]
    first = next(iter(configs.values()))
    require_same_run("memory", output, {name: first[name] for name in run if name != "epoch"})
    inputs = load_inputs(data)
    rows: list[dict[str, object]] = []
    for path, config in configs.items():
        names = {name: config[name] for name in run}
        if config["epoch"] == 0:
            rows += [{**names, "part": part, "reason": UNTRAINED} for part in tables.PARTS]
            continue
        model, _ = load_checkpoint(path, device, architecture)
        check_shape(path, config, inputs.shape[1:])
        for name, part in parts(path, config, data, inputs, n_images).items():
            losses = decoded_losses(model, part, device)
            if not np.isfinite(losses).all():
                raise VaeGeometryError(f"{path}: gives NaN or infinity on images of {data}; take another checkpoint")
            rows.append({**names, "part": name, **_summary(losses)})
    tables.write("memory", rows, output)


def _of_one_training(checkpoints: Sequence[Path]) -> dict[Path, dict[str, Any]]:
    """Configs of checkpoints by path, in the order of their epochs.

    Raises
    ------
    VaeGeometryError
        If they differ in more than their epoch, or two are of the same.
    """
    configs = {path: read_config(path) for path in checkpoints}
    (known, first), *others = sorted(configs.items(), key=lambda item: item[1]["epoch"], reverse=True)
    epochs = {first["epoch"]: known}
    for path, config in others:
        for name in ("dataset", "noise", "bottleneck", "seed", "trained"):
            if config.get(name) != first.get(name) and not (name == "trained" and config["epoch"] == 0):
                differs = "was trained with other settings than" if name == "trained" else f"is of another {name} than"
                raise VaeGeometryError(f"{path}: {differs} {known}; give checkpoints of one training")
        if config["epoch"] in epochs:
            raise VaeGeometryError(f"{path}: is of epoch {config['epoch']}, as is {epochs[config['epoch']]}; give one")
        epochs[config["epoch"]] = path
    return {epochs[epoch]: configs[epochs[epoch]] for epoch in sorted(epochs)}


def parts(path: Path, config: dict[str, Any], data: Path, inputs: NDArray[Any], n_images: int) -> dict[str, Part]:
    """The images of each part with their eps, drawn as the training of a checkpoint drew them.

    Parameters
    ----------
    path : Path
        The checkpoint, for errors.
    config : dict
        Of the checkpoint; its ``epoch`` says which epoch's eps are drawn.
    data : Path
        Of the inputs, for errors.
    inputs : (N, ...) uint8 or float32 array
        All training inputs, as its training was given them.
    n_images : int
        The first so many of each part, or all.

    Returns
    -------
    dict
        ``train`` and ``validation``.

    Raises
    ------
    VaeGeometryError
        If the checkpoint does not say how it was trained, or was trained on other images.
    """
    try:
        settings, sha256 = config["trained"]["training"], config["trained"]["images_sha256"]
        used, fraction, batch_size = (settings[name] for name in ("images", "validation_fraction", "batch_size"))
    except (KeyError, TypeError):
        raise VaeGeometryError(f"{path}: does not say how it was trained; train it again") from None
    if images_sha256(inputs) != sha256:
        raise VaeGeometryError(f"{path}: was not trained on the images of {data}; pass those it was trained on")
    images, validation_images = split_images(torch.from_numpy(inputs), used, fraction)
    batches = draw_batches(config, config["epoch"], len(images), batch_size, torch.device("cpu"))
    seen, eps = (torch.cat(drawn) for drawn in zip(*batches, strict=True))  # all but a last batch of one image
    in_order = seen.argsort()[:n_images]
    seen, eps = seen[in_order], eps[in_order]
    n_validation = min(len(validation_images), len(eps))
    draw = generator(config, "memory")
    new, new_of_validation = (torch.randn(n, config["bottleneck"], generator=draw) for n in (len(eps), n_validation))
    return {
        "train": Part(images[seen], eps, new),
        "validation": Part(validation_images[:n_validation], eps[:n_validation], new_of_validation),
    }


@torch.no_grad()
def decoded_losses(model: Network, part: Part, device: torch.device) -> NDArray[np.float64]:
    """Reconstruction losses of images, in nats.

    Returns
    -------
    (3, n) array
        Of each image, decoded with the eps of training, with a new one, and from the mean.
    """
    batches = []
    for batch in zip(*(tensor.split(BATCH_SIZE) for tensor in part), strict=True):
        images, trained_eps, new_eps = (tensor.to(device) for tensor in batch)
        inputs = as_inputs(images)
        mean, log_variance = model.encode(inputs)
        latents = [*(sample(mean, log_variance, eps) for eps in (trained_eps, new_eps)), mean]
        losses = [model.likelihood.loss(inputs.double(), model.decode(latent).double()) for latent in latents]
        batches.append(torch.stack(losses).cpu())
    return torch.cat(batches, 1).numpy()


def _summary(losses: NDArray[np.float64]) -> dict[str, object]:
    """Columns of the table: means over the images, and their standard errors."""
    trained_eps, new_eps, mean = losses
    measured = {"loss_trained_eps": trained_eps, "loss_new_eps": new_eps, "loss_mean": mean}
    measured["memory"] = new_eps - trained_eps  # paired: the spread over images is not in its error
    n_images = losses.shape[1]
    row: dict[str, object] = {"n_images": n_images, "reason": None if n_images > 1 else ONE_IMAGE}
    for name, values in measured.items():
        stderr = values.std(ddof=1) / np.sqrt(n_images) if n_images > 1 else None
        row |= {name: values.mean(), f"{name}_stderr": stderr}
    return row
