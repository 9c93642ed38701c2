"""What a training works with: the network, the images, and how far it is."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vae_geometry import VaeGeometryError
from vae_geometry.config import Training
from vae_geometry.data.splits import split_images
from vae_geometry.networks.checkpoints import check_shape, load_checkpoint
from vae_geometry.networks.layers import Network
from vae_geometry.training.adam import Adam
from vae_geometry.training.losses import Forward
from vae_geometry.training.random_streams import generator


@dataclass
class Run:
    """A training under way: the network, its images and how far it is.

    Attributes
    ----------
    config : dict
        Of the checkpoint of epoch 0.
    model, optimizer : Network, Adam
    network : callable
        The model, compiled if requested.
    images, validation_images : (N, C, H, W) uint8 or (N, ...) float32 tensors
        On the device.
    validation_eps : (N, K) float tensor
        The same in every epoch.
    losses, timing : list of dict
        A row for each epoch that has ended.
    digests : dict
        Epoch -> SHA-256 of the checkpoint kept after it.
    batch_losses : list of (2,) tensors
        Of the epoch under way, see ``losses.batch_losses``.
    seconds : float
        Spent on the epoch under way when the state was saved.
    """

    config: dict[str, Any]
    model: Network
    optimizer: Adam
    network: Forward
    images: Tensor
    validation_images: Tensor
    validation_eps: Tensor
    losses: list[dict] = field(default_factory=list)
    timing: list[dict] = field(default_factory=list)
    digests: dict[int, str] = field(default_factory=dict)
    batch_losses: list[Tensor] = field(default_factory=list)
    seconds: float = 0.0

    def state(self, seconds: float) -> dict[str, Any]:
        """What ``restore`` needs, after so many seconds of the epoch under way."""
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "rows": self.losses,
            "timing": self.timing,
            "digests": self.digests,
            "batch_losses": torch.stack(self.batch_losses),
            "seconds": seconds,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Return to where the training was at ``state``."""
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.losses, self.timing, self.digests = state["rows"], state["timing"], state["digests"]
        self.batch_losses, self.seconds = list(state["batch_losses"]), state["seconds"]


def set_up(
    images: Tensor, initial: Path, training: Training, device: torch.device, architecture: str | None = None
) -> Run:
    """Check what a training is given, and make network, optimiser and images ready on the device.

    Parameters
    ----------
    images : (N, C, H, W) uint8 or (N, ...) float32 tensor
        All training images.
    initial : Path
        Checkpoint of the untrained network.
    training : Training
    device : torch.device
    architecture : str or None
        Of the user's own, see ``load_checkpoint``.

    Raises
    ------
    VaeGeometryError
        If a checkpoint lies past the last epoch, or the network is not of epoch 0 or takes other inputs.
    """
    if training.checkpoints and max(training.checkpoints) > training.epochs:
        raise VaeGeometryError(
            f"checkpoints: epoch {max(training.checkpoints)} lies past the last epoch ({training.epochs}); "
            "lower it, or train longer"
        )
    model, config = load_checkpoint(initial, device, architecture)
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise VaeGeometryError(f"{initial}: none of the network's weights can be trained; let some require a gradient")
    model = model.to(memory_format=torch.channels_last)
    _check_initial(initial, config, images)
    train_images, validation_images = (
        part.to(device) for part in split_images(images, training.images, training.validation_fraction)
    )
    optimizer = Adam(model.parameters(), training.learning_rate, training.weight_decay)
    network: Forward = model
    if training.compile:
        torch.use_deterministic_algorithms(training.deterministic)  # before compiling, as the compiler reads it too
        network = torch.compile(model, dynamic=False)
    size, draw = (len(validation_images), config["bottleneck"]), generator(config, "validation")
    validation_eps = torch.randn(size, generator=draw).to(device)
    return Run(config, model, optimizer, network, train_images, validation_images, validation_eps)


def _check_initial(initial: Path, config: dict, images: Tensor) -> None:
    if config["epoch"] != 0:
        raise VaeGeometryError(f"{initial}: is of epoch {config['epoch']}; give the untrained network, that of epoch 0")
    check_shape(initial, config, images.shape[1:])
