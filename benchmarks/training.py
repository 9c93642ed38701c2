"""Images per second of a training: this loop, the bare step on one fixed batch, and the usual loop with a DataLoader.

    python benchmarks/training.py --images train.npz

The three are timed in turn in one process, several rounds, so that their ratios hold on a busy machine; memory in a
process of its own per loop. Prints a table in Markdown.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from machine import processor
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from vae_geometry import tables
from vae_geometry.config import Training
from vae_geometry.data.prepared import load_inputs
from vae_geometry.networks.checkpoints import load_checkpoint
from vae_geometry.networks.layers import Network
from vae_geometry.networks.likelihoods import kl_per_unit
from vae_geometry.training.devices import select_device
from vae_geometry.training.initialise import initialise
from vae_geometry.training.loop import train

WIDTHS = {"full": [64, 128, 256, 256], "small": [16, 32, 64, 64]}
BATCH_SIZES = {"full": 256, "small": 64}
BOTTLENECK = 32
LEARNING_RATE, WEIGHT_DECAY = 1e-3, 1e-4


class Images(Dataset):
    """An image at a time through torchvision's transforms, as a training script usually reads them."""

    def __init__(self, images: np.ndarray) -> None:
        self.images = list(images.transpose(0, 2, 3, 1))
        self.transform = transforms.Compose([transforms.ToPILImage(), transforms.Resize(32), transforms.ToTensor()])

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> torch.Tensor:
        return self.transform(self.images[index])


def this_loop(images: np.ndarray, width: str, device: torch.device, folder: Path) -> float:
    initial = untrained(images, width, folder)
    one = 1 / len(images)  # validate on a single image: the rate is that of the training images alone
    settings = Training(epochs=1, checkpoints=(1,), batch_size=BATCH_SIZES[width], validation_fraction=one)
    train(torch.from_numpy(images), initial, folder, settings, 1.0, device)
    return tables.read("timing", [folder / "timing.parquet"])["images_per_second"][0].as_py()


def bare_step(images: np.ndarray, width: str, device: torch.device, folder: Path) -> float:
    """Forward, backward and step on one batch of floats that lies on the device."""
    model, _ = load_checkpoint(untrained(images, width, folder), device)
    model = model.to(memory_format=torch.channels_last).train()
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY, fused=True)
    batch = torch.from_numpy(images[: BATCH_SIZES[width]]).to(device).float() / 255
    batch = batch.contiguous(memory_format=torch.channels_last)
    noise = torch.randn(len(batch), BOTTLENECK, device=device)
    n_steps = len(images) // len(batch)
    start = time.perf_counter()
    for _ in range(n_steps):
        loss = summed_loss(model, batch, noise)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return n_steps * len(batch) / (time.perf_counter() - start)


def usual_loop(images: np.ndarray, width: str, device: torch.device, folder: Path) -> float:
    """A DataLoader with a worker a core, plain Adam, the loss read in every step for the progress bar."""
    model, _ = load_checkpoint(untrained(images, width, folder), device)
    model.train()
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    loader = DataLoader(Images(images), BATCH_SIZES[width], shuffle=True, num_workers=os.cpu_count(), drop_last=True)
    n_seen, total = 0, 0.0
    start = time.perf_counter()
    for batch in loader:
        batch = batch.to(device)
        noise = torch.randn(len(batch), BOTTLENECK, device=device)
        loss = summed_loss(model, batch, noise)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
        n_seen += len(batch)
    return n_seen / (time.perf_counter() - start)


def summed_loss(model: Network, batch: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
    logits, mean, log_variance = model(batch, noise)
    return model.likelihood.loss(batch, logits).sum() + kl_per_unit(mean, log_variance).sum()


LOOPS: dict[str, Callable] = {"bare step": bare_step, "this loop": this_loop, "usual loop": usual_loop}


def main() -> None:
    options = parse_arguments()
    device = select_device(options.device, options.threads, tf32=True)
    if options.measure:
        name, width, n_images = options.measure
        print(peak_memory(name, width, load_images(options.images)[: int(n_images)], device))
        return
    images = load_images(options.images)
    print(f"{processor()}, {options.threads} threads, {device}; torch {torch.__version__}; {images.shape[1:]} images\n")
    for width in WIDTHS:
        compare(width, images[: options.n_images[list(WIDTHS).index(width)]], device, options)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=Path, help="npz with images, uint8 (N, C, 32, 32); random ones if none")
    parser.add_argument("--n-images", type=int, nargs=2, default=[1280, 6400], help="images a round: full, small width")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")
    parser.add_argument("--measure", nargs=3, help=argparse.SUPPRESS)  # loop, width, images; for a process of its own
    return parser.parse_args()


def load_images(path: Path | None) -> np.ndarray:
    if path is not None:
        return load_inputs(path)
    return np.random.default_rng(0).integers(0, 256, (10_000, 3, 32, 32), np.uint8)


def untrained(images: np.ndarray, width: str, folder: Path) -> Path:
    config = {
        "dataset": "benchmark",
        "noise": "fresh",
        "bottleneck": BOTTLENECK,
        "architecture": "convolutional",
        "options": {"channels": WIDTHS[width]},
        "likelihood": "bernoulli",
        "variance": None,
    }
    initialise(folder / "epoch0.safetensors", config, 0, images)
    return folder / "epoch0.safetensors"


def run(name: str, images: np.ndarray, width: str, device: torch.device) -> float:
    with tempfile.TemporaryDirectory() as folder:
        return LOOPS[name](images, width, device, Path(folder))


def compare(width: str, images: np.ndarray, device: torch.device, options: argparse.Namespace) -> None:
    for name in LOOPS:  # what is done once: memory pools, kernels chosen
        run(name, images[: 2 * BATCH_SIZES[width]], width, device)
    rates = {name: [] for name in LOOPS}
    for _ in range(options.rounds):
        for name in LOOPS:
            rates[name].append(run(name, images, width, device))
    n_images, batch_size = len(images), BATCH_SIZES[width]
    print(f"{width} width {WIDTHS[width]}, batches of {batch_size}, {options.rounds} rounds of {n_images} images:\n")
    print("| loop | images/s, median | over the bare step | over the usual loop | peak memory, MB |")
    print("|---|---|---|---|---|")
    for name in LOOPS:
        ratios = [np.median(np.divide(rates[name], rates[other])) for other in ("bare step", "usual loop")]
        command = [sys.executable, __file__, "--measure", name, width, str(len(images)), "--device", options.device]
        command += ["--threads", str(options.threads), *(["--images", str(options.images)] if options.images else [])]
        peak = float(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1])
        print(f"| {name} | {np.median(rates[name]):.0f} | {ratios[0]:.3f} | {ratios[1]:.2f} | {peak:.0f} |", flush=True)
    print()


def peak_memory(name: str, width: str, images: np.ndarray, device: torch.device) -> float:
    """Peak in megabytes of the process, on a GPU of what torch took there."""
    run(name, images, width, device)
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated() / 2**20
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024


if __name__ == "__main__":
    main()
