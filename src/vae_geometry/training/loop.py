"""Training a VAE: from the untrained network of epoch 0 to the checkpoints and a row of losses per epoch."""

import hashlib
import logging
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from vae_geometry import VaeGeometryError, layout, tables
from vae_geometry.config import Training
from vae_geometry.networks.checkpoints import read_config, save_checkpoint
from vae_geometry.options import options_of
from vae_geometry.training.losses import batch_losses, first_not_finite, mean_losses
from vae_geometry.training.noise import draw_batches
from vae_geometry.training.outputs import RUN, publish, remove_unfinished, require_own
from vae_geometry.training.resume import (
    has_checkpoints,
    load_state,
    only_writer,
    save_state,
    state_folder,
    stop_signals,
    stopped,
    unfinished_checkpoint,
)
from vae_geometry.training.run import Run, set_up

logger = logging.getLogger(__name__)


def train(
    images: Tensor,
    initial: Path,
    run_folder: Path,
    training: Training,
    beta: float,
    device: torch.device,
    architecture: str | None = None,
) -> None:
    """Train one network; a training that was killed resumes where it last saved, and ends in the same bytes.

    Writes ``training.parquet`` (losses per input, in nats) and ``timing.parquet`` into ``run_folder`` after every
    epoch, and ``checkpoints/epoch{E}.safetensors`` at the end: until then these lie in ``run_folder/unfinished`` with
    the state to resume from, which is removed at the end.

    Parameters
    ----------
    images : (N, C, H, W) uint8 or (N, ...) float32 tensor
        All training images; ``training`` says how many are used and held back.
    initial : Path
        Checkpoint of the untrained network, which says the kind of noise.
    run_folder : Path
        ``results/{dataset}/{noise}/k{K}/seed{S}``.
    training : Training
        The state is saved at the first batch after ``resume_minutes``, and at SIGTERM and SIGINT.
    beta : float
        Weight of the KL divergence.
    device : torch.device
    architecture : str or None
        Of the user's own, see ``load_checkpoint``.

    Raises
    ------
    VaeGeometryError
        If a checkpoint lies past the last epoch; if the folder holds one of another run; if the loss becomes NaN or
        infinite; if a file cannot be written; if a signal asks to stop (exit status 128 + signal: start again to
        resume).
    """
    run = set_up(images, initial, training, device, architecture)
    names = {name: run.config[name] for name in RUN}
    identity = _identity(training, beta, images, initial, device)
    with stop_signals() as received, only_writer(run_folder, received):
        require_own(run_folder, run.config, training.checkpoints)
        if _is_finished(run_folder, training, identity):
            logger.info("%s: this training has ended already", run_folder)
            remove_unfinished(run_folder)
            return
        folder = state_folder(run_folder, identity)
        state = load_state(folder, device)
        if state and has_checkpoints(folder, state["digests"]):
            run.restore(state)
            done = len(run.losses), training.epochs, len(run.batch_losses)
            logger.info("resumes after epoch %d of %d and %d batches", *done)

        saved = time.monotonic()
        epochs = range(len(run.losses) + 1, training.epochs + 1)
        for epoch in tqdm(epochs, initial=len(run.losses), total=training.epochs, unit="epoch", disable=None):
            started = time.monotonic() - run.seconds
            good = unfinished_checkpoint(folder, max(run.digests)) if run.digests else initial
            batches = draw_batches(run.config, epoch, len(run.images), training.batch_size, device)
            run.model.train()
            for chosen, eps in batches[len(run.batch_losses) :]:
                losses = batch_losses(run.network, run.model.likelihood, run.images[chosen], eps, training.precision)
                run.optimizer.zero_grad()
                # the sum over the batch, not its mean: weight decay joins the gradient and would weigh more against it
                (losses[0] + beta * losses[1]).backward()
                run.optimizer.step()
                run.batch_losses.append(losses.detach())
                if received or time.monotonic() - saved > 60 * training.resume_minutes:
                    _check_finite(run, epoch, run_folder, good)
                    save_state(folder, run.state(seconds=time.monotonic() - started))
                    saved = time.monotonic()
                if received:
                    raise stopped(run_folder, received[0], f"in epoch {epoch} of {training.epochs}")
            _check_finite(run, epoch, run_folder, good)  # waits for the device
            n_seen, train_seconds = sum(len(chosen) for chosen, _ in batches), time.monotonic() - started
            means = mean_losses("train", run.batch_losses, n_seen, beta) | _validate(run, training, beta)
            if not np.isfinite(means["validation_elbo"]):
                raise VaeGeometryError(
                    f"{run_folder}: the validation loss is NaN or infinite after epoch {epoch}; "
                    f"the last good checkpoint is {good}; lower training.learning_rate"
                )
            seconds, speed = time.monotonic() - started, n_seen / train_seconds
            run.losses.append({**names, "epoch": epoch, **means})
            run.timing.append({**names, "epoch": epoch, "seconds": seconds, "images_per_second": speed})
            run.batch_losses, run.seconds = [], 0.0
            if epoch in training.checkpoints:
                path = unfinished_checkpoint(folder, epoch)
                save_checkpoint(path, run.model, {**run.config, "epoch": epoch, "trained": identity})
                run.digests[epoch] = hashlib.sha256(path.read_bytes()).hexdigest()
            tables.write("training", run.losses, run_folder / layout.TRAINING_IN_RUN)
            tables.write("timing", run.timing, run_folder / layout.TIMING_IN_RUN)
            _report(run, training)
        publish(folder, run_folder, run.config, training.checkpoints)


def _identity(training: Training, beta: float, images: Tensor, initial: Path, device: torch.device) -> dict[str, Any]:
    """All that decides the bytes of the checkpoints; each holds it in its metadata."""
    deciding = [option.name for option in options_of(Training, "training") if option.decides]
    return {
        "training": {**{name: getattr(training, name) for name in deciding}, "checkpoints": list(training.checkpoints)},
        "beta": beta,
        "initial_sha256": hashlib.sha256(initial.read_bytes()).hexdigest(),
        "images_sha256": hashlib.sha256(images.contiguous().numpy().data).hexdigest(),
        "device": device.type,
        "torch": torch.__version__,
    }


def _is_finished(run_folder: Path, training: Training, identity: dict[str, Any]) -> bool:
    """Whether this very training has ended here: while this process waited, or before."""
    paths = [run_folder / layout.WEIGHTS_IN_RUN.format(epoch=epoch) for epoch in training.checkpoints]
    table = run_folder / layout.TRAINING_IN_RUN
    return (
        all(path.exists() and read_config(path).get("trained") == identity for path in paths)
        and table.exists()
        and tables.read("training", [table]).num_rows == training.epochs
    )


def _check_finite(run: Run, epoch: int, run_folder: Path, good: Path) -> None:
    batch = first_not_finite(run.batch_losses)
    if batch is not None:
        raise VaeGeometryError(
            f"{run_folder}: the loss is NaN or infinite in epoch {epoch}, batch {batch}; "
            f"the last good checkpoint is {good}; lower training.learning_rate"
        )


@torch.no_grad()
def _validate(run: Run, training: Training, beta: float) -> dict[str, float]:
    run.model.eval()
    size = training.batch_size
    batches = zip(run.validation_images.split(size), run.validation_eps.split(size), strict=True)
    losses = [batch_losses(run.network, run.model.likelihood, *batch, training.precision) for batch in batches]
    return mean_losses("validation", losses, len(run.validation_images), beta)


def _report(run: Run, training: Training) -> None:
    losses, timing = run.losses[-1], run.timing[-1]
    left = (training.epochs - losses["epoch"]) * float(np.median([row["seconds"] for row in run.timing]))
    logger.info(
        "epoch %d of %d: ELBO %.2f, validation %.2f (reconstruction %.2f, KL %.2f) nats per input, "
        "%.0f inputs/s, %d:%02d:%02d left",
        *(losses["epoch"], training.epochs, losses["train_elbo"], losses["validation_elbo"]),
        *(losses["validation_reconstruction"], losses["validation_kl"], timing["images_per_second"]),
        *(left // 3600, left // 60 % 60, left % 60),
    )
