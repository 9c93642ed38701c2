"""A training of a second on a few digits, shared by the tests of trainings and of how they resume."""

import numpy as np
import pyarrow.parquet as pq
import torch

from vae_geometry.config import Training
from vae_geometry.networks.convolutional import VAE
from vae_geometry.training.initialise import initialise
from vae_geometry.training.loop import train

CPU = torch.device("cpu")
SETTINGS = Training(epochs=3, checkpoints=(1, 3), batch_size=16, images=60, threads=1)
BATCHES = 3  # 48 images train, 12 validate
BLACK = np.zeros((1, 1, 32, 32), np.uint8)
LOCK = ".training.lock"
RUN = {"dataset": "digits", "bottleneck": 2, "seed": 0}


def start(folder, noise="fresh", seed=0, images=BLACK):
    config = {"architecture": "convolutional", "options": {"channels": [4, 4, 6, 6]}}
    config |= {"likelihood": "bernoulli", "variance": None}
    names = {"dataset": "digits", "noise": noise, "bottleneck": 2}
    initialise(folder / "checkpoints/epoch0.safetensors", {**config, **names}, seed, images)
    return folder / "checkpoints/epoch0.safetensors"


def run(folder, images, settings=SETTINGS, seed=0, noise="fresh", beta=1.0):
    torch.set_num_threads(settings.threads)  # as the stage does, also where a fixture of a module trains
    train(images, start(folder, noise, seed), folder, settings, beta, CPU)
    return folder


def losses(folder):
    return pq.read_table(folder / "training.parquet").to_pylist()


def outputs(folder):
    """Bytes of everything that a training leaves, timings and locks apart."""
    paths = [path for path in folder.rglob("*") if path.is_file() and path.name not in ("timing.parquet", LOCK)]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def record_forward(monkeypatch, fail_at=None):
    """List of (images, noise) of every training step; the step ``fail_at`` is cut off like a killed process."""
    steps = []
    forward = VAE.forward

    def recorded(self, images, noise):
        if self.training:
            steps.append((images.clone(), noise.clone()))
            if len(steps) == fail_at:
                raise KeyboardInterrupt
        return forward(self, images, noise)

    monkeypatch.setattr(VAE, "forward", recorded)
    return steps
