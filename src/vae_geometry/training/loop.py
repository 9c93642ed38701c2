"""Training a VAE: from the untrained network of epoch 0 to the checkpoints and a row of losses per epoch."""

import hashlib
import logging
import shutil
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from vae_geometry import VaeGeometryError, tables
from vae_geometry.data.images import split_images
from vae_geometry.files import whole_file
from vae_geometry.networks.checkpoints import check_shape, load_checkpoint, read_config, save_checkpoint
from vae_geometry.networks.likelihoods import binary_cross_entropy, kl_per_unit
from vae_geometry.training.random_streams import generator
from vae_geometry.training.resume import load_state, only_writer, save_state, state_folder, stop_signals, stopped

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Training:
    """How a network is trained.

    Attributes
    ----------
    epochs : int
    checkpoints : tuple of int
        Epochs after which the network is kept, 0 apart.
    batch_size : int
        Images.
    learning_rate, weight_decay : float
        Of Adam.
    beta : float
        Weight of the KL divergence.
    noise : {"fresh", "repeated", "repeated_batches", "repeated_eps"}
        Whether every epoch draws new batches and new latent noise, or those of the first one again, or takes only its
        batches again, or only the latent noise that each image had.
    validation_fraction : float
        Part of the images held back.
    images : int or None
        Train and validate on so many of the images, or all.
    precision : {"float32", "bfloat16"}
        Of the network's products; weights, loss and optimiser are float32.
    compile : bool
        Let ``torch.compile`` compile the network.
    """

    epochs: int
    checkpoints: tuple[int, ...]
    batch_size: int
    learning_rate: float
    weight_decay: float
    beta: float
    noise: str
    validation_fraction: float
    images: int | None
    precision: str = "float32"
    compile: bool = False


def train(
    images: Tensor,
    initial: Path,
    run_folder: Path,
    training: Training,
    device: torch.device,
    resume_minutes: float = 1.0,
) -> None:
    """Train one network; a training that was killed goes on where it last saved, to the same bytes.

    Writes ``training.parquet`` (losses per image, in nats) and ``timing.parquet`` into ``run_folder`` after every
    epoch, and ``checkpoints/epoch{E}.safetensors`` at the end: until then these lie in ``run_folder/unfinished`` with
    the state to go on from, which is removed at the end.

    Parameters
    ----------
    images : (N, C, 32, 32) uint8 tensor
        All training images; ``training`` says how many are used and held back.
    initial : Path
        Checkpoint of the untrained network.
    run_folder : Path
        ``results/{dataset}/{noise}/k{K}/seed{S}``.
    training : Training
    device : torch.device
    resume_minutes : float
        Save the state at the first batch after so many minutes; also at SIGTERM and SIGINT.

    Raises
    ------
    VaeGeometryError
        If a checkpoint lies past the last epoch, another process trains here, the loss is no number any more, a file
        cannot be written, or a signal asks to stop (exit status 128 + signal: start again to go on).
    """
    if training.checkpoints and max(training.checkpoints) > training.epochs:
        raise VaeGeometryError(
            f"checkpoints: epoch {max(training.checkpoints)} lies past the last epoch ({training.epochs}); train longer"
        )
    model, config = load_checkpoint(initial, device)
    model = model.to(memory_format=torch.channels_last)
    _check_initial(initial, config, images, training)
    run = {name: config[name] for name in ("dataset", "noise", "bottleneck", "seed")}
    train_images, validation_images = (
        part.to(device) for part in split_images(images, training.images, training.validation_fraction)
    )
    optimizer = torch.optim.Adam(
        model.parameters(), lr=training.learning_rate, weight_decay=training.weight_decay, fused=True
    )
    network = torch.compile(model, dynamic=False) if training.compile else model
    validation_noise = torch.randn(
        len(validation_images), config["bottleneck"], generator=generator(config, "validation")
    ).to(device)

    identity = _identity(training, images, initial, device)
    with stop_signals() as received, only_writer(run_folder, received):
        if _is_finished(run_folder, training, identity):
            logger.info("%s: this training has ended already", run_folder)
            shutil.rmtree(run_folder / "unfinished", ignore_errors=True)
            return
        folder = state_folder(run_folder, identity)
        rows, timing, batch_losses, seconds, digests = [], [], [], 0.0, {}
        state = load_state(folder, device)
        if state and _has_checkpoints(folder, state["digests"]):
            model.load_state_dict(state["model"])
            optimizer.load_state_dict(state["optimizer"])
            rows, timing, seconds, digests = (state[name] for name in ("rows", "timing", "seconds", "digests"))
            batch_losses = list(state["batch_losses"])
            logger.info("goes on after epoch %d of %d and %d batches", len(rows), training.epochs, len(batch_losses))

        saved = time.monotonic()
        epochs = range(len(rows) + 1, training.epochs + 1)
        for epoch in tqdm(epochs, initial=len(rows), total=training.epochs, unit="epoch", disable=None):
            started = time.monotonic() - seconds
            good = folder / f"epoch{max(digests)}.safetensors" if digests else initial
            batches = _draw_batches(config, training, epoch, len(train_images), device)
            model.train()
            for chosen, noise in batches[len(batch_losses) :]:
                losses = _losses(network, train_images[chosen], noise, training.precision)
                optimizer.zero_grad()
                # the sum over the batch, not its mean: weight decay joins the gradient and would weigh more against it
                (losses[0] + training.beta * losses[1]).backward()
                optimizer.step()
                batch_losses.append(losses.detach())
                if received or time.monotonic() - saved > 60 * resume_minutes:
                    _check_finite(batch_losses, run_folder, epoch, good)
                    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "rows": rows}
                    state |= {"timing": timing, "batch_losses": torch.stack(batch_losses), "digests": digests}
                    save_state(folder, {**state, "seconds": time.monotonic() - started})
                    saved = time.monotonic()
                if received:
                    raise stopped(run_folder, received[0], f"in epoch {epoch} of {training.epochs}")
            _check_finite(batch_losses, run_folder, epoch, good)  # waits for the device
            n_seen, train_seconds = sum(len(chosen) for chosen, _ in batches), time.monotonic() - started
            losses = _means("train", batch_losses, n_seen, training.beta)
            losses |= _validate(network, validation_images, validation_noise, training)
            if not np.isfinite(losses["validation_elbo"]):
                raise VaeGeometryError(
                    f"{run_folder}: the validation loss is no number after epoch {epoch}; "
                    f"the last good checkpoint is {good}; lower training.learning_rate"
                )
            seconds = time.monotonic() - started
            rows.append({**run, "epoch": epoch, **losses})
            timing.append({**run, "epoch": epoch, "seconds": seconds, "images_per_second": n_seen / train_seconds})
            batch_losses, seconds = [], 0.0
            if epoch in training.checkpoints:
                path = folder / f"epoch{epoch}.safetensors"
                save_checkpoint(path, model, {**config, "epoch": epoch, "trained": identity})
                digests[epoch] = hashlib.sha256(path.read_bytes()).hexdigest()
            tables.write("training", rows, run_folder / "training.parquet")
            tables.write("timing", timing, run_folder / "timing.parquet")
            _report(rows[-1], timing, training)

        for epoch in training.checkpoints:
            name = f"epoch{epoch}.safetensors"
            with whole_file(run_folder / "checkpoints" / name) as path:
                shutil.copyfile(folder / name, path)
        keep = {f"epoch{epoch}.safetensors" for epoch in (0, *training.checkpoints)}
        for path in (run_folder / "checkpoints").glob("*.safetensors"):
            if path.name not in keep:  # of an earlier training with other checkpoints, or half written
                path.unlink()
        shutil.rmtree(run_folder / "unfinished")


def _check_initial(initial: Path, config: dict, images: Tensor, training: Training) -> None:
    if config["epoch"] != 0:
        raise VaeGeometryError(f"{initial}: is of epoch {config['epoch']}; give the untrained network, that of epoch 0")
    if config["noise"] != training.noise:
        raise VaeGeometryError(
            f"{initial}: was made for {config['noise']} noise, the training is to have {training.noise} noise; "
            "give both stages the same --noise"
        )
    check_shape(initial, config, images.shape[1:])


def _identity(training: Training, images: Tensor, initial: Path, device: torch.device) -> dict:
    """All that decides the bytes of the checkpoints; each holds it in its metadata."""
    return {
        "training": {**asdict(training), "checkpoints": list(training.checkpoints)},
        "initial_sha256": hashlib.sha256(initial.read_bytes()).hexdigest(),
        "images_sha256": hashlib.sha256(images.contiguous().numpy()).hexdigest(),
        "device": device.type,
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
    }


def _is_finished(run_folder: Path, training: Training, identity: dict) -> bool:
    """Whether this very training has ended here: while this process waited, or before."""
    paths = [run_folder / "checkpoints" / f"epoch{epoch}.safetensors" for epoch in training.checkpoints]
    table = run_folder / "training.parquet"
    return (
        all(path.exists() and read_config(path).get("trained") == identity for path in paths)
        and table.exists()
        and tables.read("training", [table]).num_rows == training.epochs
    )


def _has_checkpoints(folder: Path, digests: dict[int, str]) -> bool:
    """Whether the checkpoints that a state counts on are there, unchanged."""
    for epoch, digest in digests.items():
        path = folder / f"epoch{epoch}.safetensors"
        if not path.exists() or hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            logger.warning("%s: is damaged or gone; the training starts anew", path)
            return False
    return True


def _draw_batches(
    config: dict, training: Training, epoch: int, n_images: int, device: torch.device
) -> list[tuple[Tensor, Tensor]]:
    """Indices and latent noise of every batch of an epoch, drawn and moved to the device at once: it never waits."""
    first_order = torch.randperm(n_images, generator=generator(config, "batches", 1))
    order = torch.randperm(n_images, generator=generator(config, "batches", epoch))
    if training.noise in ("repeated", "repeated_batches"):
        order = first_order
    draw = 1 if training.noise in ("repeated", "repeated_eps") else epoch
    noise = torch.randn(n_images, config["bottleneck"], generator=generator(config, "latent noise", draw))
    if training.noise == "repeated_eps":
        noise = noise[first_order.argsort()][order]  # each image keeps what it had in the first epoch
    parts = (drawn.to(device).split(training.batch_size) for drawn in (order, noise))
    # batch norm cannot normalise a single image
    return [(chosen, eps) for chosen, eps in zip(*parts, strict=True) if len(chosen) > 1]


def _losses(network: torch.nn.Module, images: Tensor, noise: Tensor, precision: str) -> Tensor:
    """Reconstruction loss and KL divergence summed over a batch of uint8 images; stays on the device."""
    inputs = images.contiguous(memory_format=torch.channels_last).float() / 255
    with torch.autocast(inputs.device.type, torch.bfloat16, enabled=precision == "bfloat16"):
        outputs = network(inputs, noise)
    logits, mean, log_variance = (output.float() for output in outputs)
    reconstruction, kl = binary_cross_entropy(inputs, logits), kl_per_unit(mean, log_variance).sum(1)
    return torch.stack([reconstruction.sum(), kl.sum()])


def _check_finite(batch_losses: list[Tensor], run_folder: Path, epoch: int, good: Path) -> None:
    is_finite = torch.stack(batch_losses).isfinite().all(1)
    if not is_finite.all():
        raise VaeGeometryError(
            f"{run_folder}: the loss is no number in epoch {epoch}, batch {int(is_finite.int().argmin()) + 1}; "
            f"the last good checkpoint is {good}; lower training.learning_rate"
        )


@torch.no_grad()
def _validate(network: torch.nn.Module, images: Tensor, noise: Tensor, training: Training) -> dict[str, float]:
    network.eval()
    batches = zip(images.split(training.batch_size), noise.split(training.batch_size), strict=True)
    losses = [_losses(network, *batch, training.precision) for batch in batches]
    return _means("validation", losses, len(images), training.beta)


def _means(part: str, batch_losses: list[Tensor], n_images: int, beta: float) -> dict[str, float]:
    reconstruction, kl = (torch.stack(batch_losses).double().sum(0) / n_images).tolist()
    return {
        f"{part}_reconstruction": reconstruction,
        f"{part}_kl": kl,
        f"{part}_elbo": reconstruction + beta * kl,
    }


def _report(losses: dict, timing: list[dict], training: Training) -> None:
    left = (training.epochs - losses["epoch"]) * float(np.median([row["seconds"] for row in timing]))
    logger.info(
        "epoch %d of %d: ELBO %.2f, validation %.2f (reconstruction %.2f, KL %.2f) nats per image, "
        "%.0f images/s, %d:%02d:%02d left",
        *(losses["epoch"], training.epochs, losses["train_elbo"], losses["validation_elbo"]),
        *(losses["validation_reconstruction"], losses["validation_kl"], timing[-1]["images_per_second"]),
        *(left // 3600, left // 60 % 60, left % 60),
    )
