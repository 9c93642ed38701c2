"""Training a VAE: from the untrained network of epoch 0 to the checkpoints and a row of losses per epoch."""

import fcntl
import logging
import os
import pickle
import shutil
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from vae_geometry import VaeGeometryError, tables
from vae_geometry.models import VAE, elbo_terms, load_checkpoint, save_checkpoint

logger = logging.getLogger(__name__)

SPLIT_SEED = 0  # which images train and which validate is a property of the data set, not of the run
STREAMS = ("weights", "batches", "latent noise", "validation", "measurement", "samples")
SAVE_SECONDS = 60  # a training that is killed loses at most about a minute


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
    noise : {"fresh", "repeated"}
        Whether every epoch draws new batches and new latent noise, or those of the first one again.
    validation_fraction : float
        Part of the images held back.
    images : int or None
        Train and validate on so many of the images, or all.
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


def generator(seed: int, stream: str) -> torch.Generator:
    """Random generator of one of the ``STREAMS`` of a run, on the CPU so that every device draws the same numbers."""
    state = np.random.SeedSequence((seed, STREAMS.index(stream))).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(state >> np.uint64(1)))


def initialise(path: Path, config: dict, seed: int) -> None:
    """Write the untrained network: torch's default weights, drawn from the run's seed.

    Parameters
    ----------
    path : Path
        Checkpoint to write.
    config : dict
        ``image_channels``, ``channels``, ``bottleneck`` and the names of the run.
    seed : int
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(generator(seed, "weights").initial_seed())
        model = VAE(config["image_channels"], config["channels"], config["bottleneck"])
    save_checkpoint(path, model, {**config, "seed": seed, "epoch": 0})


def split_images(images: Tensor, training: Training) -> tuple[Tensor, Tensor]:
    """Draw the images to train on and those held back, the same ones for every run on a data set.

    Returns
    -------
    train, validation : uint8 tensors (N, C, 32, 32)

    Raises
    ------
    VaeGeometryError
        If there are fewer images than asked for, or too few to train on.
    """
    n_images = len(images) if training.images is None else training.images
    if n_images > len(images):
        raise VaeGeometryError(f"training.images: {n_images} images are asked for, the data set has {len(images)}")
    order = torch.from_numpy(np.random.default_rng(SPLIT_SEED).permutation(len(images))[:n_images])
    n_validation = round(n_images * training.validation_fraction)
    if n_images - n_validation < 2 or n_validation < 1:
        raise VaeGeometryError(f"{n_images} images are too few to train on and validate with; give more of them")
    return images[order[n_validation:]], images[order[:n_validation]]


def train(images: Tensor, initial: Path, run_folder: Path, training: Training, device: torch.device) -> None:
    """Train one network; a training that was killed goes on where it last saved.

    Writes ``checkpoints/epoch{E}.safetensors``, ``training.parquet`` (losses per image, in nats) and
    ``timing.parquet`` into ``run_folder``, all of them at the end: until then everything lies in
    ``run_folder/unfinished``.

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

    Raises
    ------
    VaeGeometryError
        If a checkpoint lies past the last epoch, another process trains here, or the loss is no number any more.
    """
    if training.checkpoints and max(training.checkpoints) > training.epochs:
        raise VaeGeometryError(
            f"checkpoints: epoch {max(training.checkpoints)} lies past the last epoch ({training.epochs}); train longer"
        )
    model, config = load_checkpoint(initial, device)
    seed = config["seed"]
    run = {name: config[name] for name in ("dataset", "noise", "bottleneck", "seed")}
    train_images, validation_images = (part.to(device) for part in split_images(images, training))
    optimizer = torch.optim.Adam(model.parameters(), lr=training.learning_rate, weight_decay=training.weight_decay)
    batch_order, latent_noise = generator(seed, "batches"), generator(seed, "latent noise")
    rows: list[dict] = []
    timing: list[dict] = []

    unfinished = run_folder / "unfinished"
    unfinished.mkdir(parents=True, exist_ok=True)
    lock = (unfinished / "lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # the system lets go of it when the process ends
    except BlockingIOError:
        raise VaeGeometryError(f"{run_folder}: another training writes here; wait for it or stop it first") from None
    except OSError as error:  # some network file systems have no locks
        logger.warning("%s cannot be locked: %s", run_folder, error.strerror)
    identity = {"training": asdict(training), "config": config}
    state = _load_state(unfinished, identity, device)
    if state:
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        batch_order.set_state(state["batch_order"].cpu())
        latent_noise.set_state(state["latent_noise"].cpu())
        rows, timing = state["rows"], state["timing"]
        logger.info("goes on after epoch %d of %d", len(rows), training.epochs)

    saved = time.monotonic()
    epochs = range(len(rows) + 1, training.epochs + 1)
    for epoch in tqdm(epochs, initial=len(rows), total=training.epochs, unit="epoch", disable=None):
        started = time.monotonic()
        if training.noise == "repeated":
            batch_order, latent_noise = generator(seed, "batches"), generator(seed, "latent noise")
        losses = _train_epoch(model, optimizer, train_images, training, batch_order, latent_noise)
        losses |= _validate(model, validation_images, training, generator(seed, "validation"))
        if not np.isfinite(list(losses.values())).all():
            raise VaeGeometryError(
                f"{run_folder}: the loss is no number after epoch {epoch}; lower training.learning_rate"
            )
        seconds = time.monotonic() - started
        rows.append({**run, "epoch": epoch, **losses})
        timing.append({**run, "epoch": epoch, "seconds": seconds, "images_per_second": len(train_images) / seconds})
        logger.info(
            "epoch %d of %d: train %.2f, validation %.2f (reconstruction %.2f, KL %.2f) nats per image, %.1f s",
            *(epoch, training.epochs, losses["train_elbo"], losses["validation_elbo"]),
            *(losses["validation_reconstruction"], losses["validation_kl"], seconds),
        )
        if epoch in training.checkpoints:
            save_checkpoint(unfinished / f"epoch{epoch}.safetensors", model, {**config, "epoch": epoch})
        if time.monotonic() - saved >= SAVE_SECONDS:
            state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "rows": rows, "timing": timing}
            state |= {"batch_order": batch_order.get_state(), "latent_noise": latent_noise.get_state()}
            _save_state(unfinished, {**state, "identity": identity})
            saved = time.monotonic()

    (run_folder / "checkpoints").mkdir(exist_ok=True)
    for epoch in training.checkpoints:
        name = f"epoch{epoch}.safetensors"
        (unfinished / name).replace(run_folder / "checkpoints" / name)
    tables.write("training", rows, run_folder / "training.parquet")
    tables.write("timing", timing, run_folder / "timing.parquet")
    shutil.rmtree(unfinished)


def _train_epoch(
    model: VAE,
    optimizer: torch.optim.Optimizer,
    images: Tensor,
    training: Training,
    batch_order: torch.Generator,
    latent_noise: torch.Generator,
) -> dict[str, float]:
    model.train()
    sums = torch.zeros(2, dtype=torch.float64, device=images.device)
    n_seen = 0
    for batch in torch.randperm(len(images), generator=batch_order).split(training.batch_size):
        if len(batch) == 1:  # batch norm cannot normalise a single image
            continue
        inputs = images[batch.to(images.device)].float() / 255
        noise = torch.randn(len(batch), model.mean.out_features, generator=latent_noise).to(images.device)
        reconstruction, kl = (term.sum() for term in elbo_terms(inputs, *model(inputs, noise)))
        optimizer.zero_grad()
        # the sum over the batch, not its mean: weight decay joins the gradient and would weigh more against a mean
        (reconstruction + training.beta * kl).backward()
        optimizer.step()
        sums += torch.stack([reconstruction, kl]).detach()
        n_seen += len(batch)
    return _losses("train", sums / n_seen, training.beta)


@torch.no_grad()
def _validate(model: VAE, images: Tensor, training: Training, latent_noise: torch.Generator) -> dict[str, float]:
    model.eval()
    sums = torch.zeros(2, dtype=torch.float64, device=images.device)
    for batch in images.split(training.batch_size):
        inputs = batch.float() / 255
        noise = torch.randn(len(batch), model.mean.out_features, generator=latent_noise).to(images.device)
        sums += torch.stack([term.sum() for term in elbo_terms(inputs, *model(inputs, noise))])
    return _losses("validation", sums / len(images), training.beta)


def _losses(part: str, means: Tensor, beta: float) -> dict[str, float]:
    reconstruction, kl = means.tolist()
    return {
        f"{part}_reconstruction": reconstruction,
        f"{part}_kl": kl,
        f"{part}_elbo": reconstruction + beta * kl,
    }


def _save_state(folder: Path, state: dict) -> None:
    unfinished = folder / f".state.{os.getpid()}"
    torch.save(state, unfinished)
    unfinished.replace(folder / "state.pt")


def _load_state(folder: Path, identity: dict, device: torch.device) -> dict | None:
    """State to go on from, or None where there is none or it belongs to another configuration."""
    try:
        state = torch.load(folder / "state.pt", map_location=device, weights_only=True)
    except FileNotFoundError:
        return None
    except (RuntimeError, EOFError, pickle.UnpicklingError) as error:
        logger.warning("%s is damaged, training starts anew (%s)", folder / "state.pt", str(error).splitlines()[0])
        return None
    if state["identity"] != identity:
        return None
    kept = [epoch for epoch in identity["training"]["checkpoints"] if epoch <= len(state["rows"])]
    return state if all((folder / f"epoch{epoch}.safetensors").exists() for epoch in kept) else None
