"""What tests share: a random generator, real digits, a tiny sweep on them, and a browser."""

import itertools
import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from vae_geometry.cli import main
from vae_geometry.selection import Selection

OPTIONS = '{"channels": [4, 4, 6, 6]}'
BOTTLENECKS, EPOCHS, POINTS, SCALES = (2, 3), (0, 2), 40, 4


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def ten_seconds():
    """A test that takes longer hangs, and fails."""
    signal.signal(signal.SIGALRM, lambda *_: pytest.fail("hangs"))
    signal.alarm(10)
    yield
    signal.alarm(0)


@pytest.fixture
def one_thread():
    """Torch on one thread: these networks are too small to share out."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def small_disk(tmp_path, request):
    """A file system of 256 KB, or as large as the parameter says; mounting one needs root."""
    size = getattr(request, "param", "256k")
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], capture_output=True)
    if mounted.returncode:
        pytest.skip("a small file system cannot be mounted here: it takes root")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.fixture(scope="module")
def browser():
    """Chromium of this machine, without a window."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("no Chromium is found on PATH to open the pages with")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        sandbox = os.geteuid() != 0  # Chromium refuses to sandbox what root starts
        chromium = playwright.chromium.launch(executable_path=program, chromium_sandbox=sandbox)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def digits(tmp_path_factory):
    """Folder of the prepared digits: train.npz and test.npz."""
    folder = tmp_path_factory.mktemp("digits")
    assert main(["prepare-dataset", "digits", "--output", str(folder)]) == 0
    return folder


class Sweep(NamedTuple):
    """A finished sweep; ``selection`` names all that it measured."""

    selection: Selection
    run: Path  # of the first K
    dump: Path  # of the first K at the last epoch


def stage(*arguments):
    assert main([str(argument) for argument in arguments]) == 0


def make_sweep(results, digits):
    """Train, dump and measure two K on a few digits, as the workflow does."""
    last = max(EPOCHS)
    features = results / "features.npz"
    points = ("--points", POINTS, "--threads", 1, "--device", "cpu")
    stage("prepare-features", digits / "test.npz", "--extractor", "efficientnet_lite0", "--output", features, *points)
    images = ("--data", digits / "test.npz", "--points", POINTS, "--threads", 1)
    for bottleneck in BOTTLENECKS:
        run = results / f"digits/fresh/k{bottleneck}/seed0"
        initial = run / "checkpoints/epoch0.safetensors"
        names = ("--dataset", "digits", "--bottleneck", bottleneck, "--options", OPTIONS)
        stage("initialise", "--data", digits / "train.npz", "--output", initial, *names)
        limits = ("--epochs", last, "--checkpoints", *EPOCHS, "--images", 100, "--batch-size", 20, "--threads", 1)
        stage("train", "--data", digits / "train.npz", "--initial", initial, "--output", run, *limits)
        trained = [run / f"checkpoints/epoch{epoch}.safetensors" for epoch in EPOCHS]
        memory = ("--output", run / "memory.parquet", *points)
        stage("measure-memory", *trained, "--data", digits / "train.npz", *memory)
        for epoch in EPOCHS:
            folder = run / f"epoch{epoch}"
            checkpoint = run / f"checkpoints/epoch{epoch}.safetensors"
            stage("dump-activations", checkpoint, "--output", folder / "activations", *images)
            stage("measure-geometry", folder / "activations", "--output", folder, "--scales", SCALES)
            fidelity = ("--output", folder / "fidelity.parquet", "--features", features)
            stage("measure-fidelity", folder / "activations", *fidelity, *points)
    checkpoints = [results / f"digits/fresh/k{k}/seed0/checkpoints/epoch{last}.safetensors" for k in BOTTLENECKS]
    cross = results / f"digits/fresh/seed0/epoch{last}/cross_bottleneck.parquet"
    stage("compare-bottlenecks", *checkpoints, "--output", cross, *images)
    choice = itertools.chain(
        ("--dataset", "digits", "--noise", "fresh", "--seed", 0),
        ("--bottleneck", *BOTTLENECKS),
        ("--epoch", *EPOCHS),
    )
    stage("collect-tables", "--results", results, "--output", results / "tables", "--id-scaling", *choice)
    run = results / f"digits/fresh/k{BOTTLENECKS[0]}/seed0"
    selection = Selection(results, ["digits"], ["fresh"], BOTTLENECKS, [0], EPOCHS)
    return Sweep(selection, run, run / f"epoch{last}/activations")


@pytest.fixture(scope="session")
def sweep(tmp_path_factory, digits):
    return make_sweep(tmp_path_factory.mktemp("sweep") / "results", digits)


@pytest.fixture(scope="session")
def sweep_again(tmp_path_factory, digits):
    """The same sweep, made a second time."""
    return make_sweep(tmp_path_factory.mktemp("again") / "results", digits)


@pytest.fixture(scope="session")
def published_sweep(tmp_path_factory):
    """Selection of the published CIFAR-10 values as a sweep of two K and three seeds."""
    from published_sweep import write_published

    return write_published(tmp_path_factory.mktemp("published"))


@pytest.fixture(scope="session")
def published_figures(published_sweep, tmp_path_factory):
    """Folder of all figures of that sweep."""
    from published_sweep import PUBLISHED, selection_for

    from vae_geometry.figures.plot import plot
    from vae_geometry.figures.registry import FIGURES

    folder = tmp_path_factory.mktemp("figures")
    for figure in FIGURES:
        plot(figure, selection_for(figure, published_sweep), folder / figure, PUBLISHED)
    return folder
