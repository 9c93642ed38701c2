"""Which heavy packages each stage has in memory when it ends: every process pays for its imports."""

import json
import subprocess
import sys

import pytest
from held_stages import SOURCE

NETWORKS = {"torch", "torch._dynamo", "torch._inductor", "sympy", "torchvision", "torch_fidelity"}
TABLES = {"pandas", "pyarrow", "matplotlib", "matplotlib.pyplot"}
# what takes a tenth of a second of a processor or more, or brings in what does
HEAVY = NETWORKS | TABLES | {"dadapy", "jax", "sklearn", "scipy", "scipy.stats", "numba"}
RUN = """
import json, sys
from vae_geometry.cli import main
status = main(sys.argv[1:])
print(json.dumps(sorted(sys.modules)))
sys.exit(status)
"""


def loaded(*arguments):
    """Names in ``HEAVY`` that are in memory after a stage has run."""
    command = [sys.executable, "-c", RUN, *map(str, arguments)]
    done = subprocess.run(command, env={"PYTHONPATH": str(SOURCE)}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return HEAVY & set(json.loads(done.stdout.splitlines()[-1]))


@pytest.fixture
def on_images(digits):
    return "--data", digits / "test.npz", "--points", 20, "--threads", 1


@pytest.fixture
def of_sweep(sweep):
    names = ("--results", sweep.selection.results, "--dataset", "digits", "--noise", "fresh", "--seed", 0)
    return *names, "--bottleneck", *sweep.selection.bottlenecks, "--epoch", *sweep.selection.epochs


def test_preparing_digits_takes_scikit_learn_and_what_that_brings(tmp_path):
    assert not loaded("prepare-dataset", "digits", "--output", tmp_path) & NETWORKS


def test_networks_take_torch(digits, sweep, tmp_path, on_images):
    initial = tmp_path / "epoch0.safetensors"
    assert loaded("initialise", "--data", digits / "train.npz", "--output", initial, "--bottleneck", 2) == {"torch"}
    train = ("train", "--data", digits / "train.npz", "--initial", initial, "--output", tmp_path / "run", "--epochs", 1)
    lengths = ("--checkpoints", 1, "--images", 40, "--threads", 1, "--device", "cpu")
    assert loaded(*train, *lengths) == {"torch", "pyarrow"}
    dump = ("dump-activations", sweep.run / "checkpoints/epoch2.safetensors", *on_images)
    of_run = [sweep.run / f"checkpoints/epoch{epoch}.safetensors" for epoch in (0, 2)]
    memory = ("measure-memory", *of_run, "--data", digits / "train.npz", "--output", tmp_path / "memory.parquet")
    assert loaded(*memory, "--threads", 1, "--device", "cpu") == {"torch", "pyarrow"}
    pictures = ("--reconstructions", tmp_path / "reconstructions.npz")
    assert loaded(*dump, "--output", tmp_path / "dump", *pictures, "--device", "cpu") == {"torch", "pyarrow"}


def test_the_geometry_takes_no_torch(sweep, tmp_path):
    modules = {"numba", "scipy", "pyarrow"}  # numba itself imports scipy
    assert loaded("measure-geometry", sweep.dump, "--output", tmp_path, "--scales", 4) == modules


def test_features_of_efficientnet_take_torch_alone(sweep, digits, tmp_path):
    features, limits = tmp_path / "features.npz", ("--points", 20, "--threads", 1, "--device", "cpu")
    prepare = ("prepare-features", digits / "test.npz", "--output", features, "--extractor", "efficientnet_lite0")
    assert loaded(*prepare, *limits) == {"torch"}
    measure = ("measure-fidelity", sweep.dump, "--output", tmp_path / "fidelity.parquet", *limits)
    assert loaded(*measure, "--features", features) == {"torch", "pyarrow"}


def test_joining_tables_takes_pyarrow(of_sweep, tmp_path):
    assert loaded("collect-tables", *of_sweep, "--output", tmp_path) == {"pyarrow"}


@pytest.mark.parametrize("figure", ["figure1", "figure2", "losses", "ii_matrix"])
def test_figures_take_data_frames_and_pictures(of_sweep, tmp_path, figure):
    assert loaded("plot", figure, *of_sweep, "--output", tmp_path / figure) == {"pandas", "pyarrow", "matplotlib"}


def test_claims_take_data_frames(of_sweep, tmp_path):
    assert loaded("check-claims", *of_sweep, "--output", tmp_path / "claims") == {"pandas", "pyarrow", "scipy"}


def test_the_page_takes_no_pictures_library(of_sweep, tmp_path):
    figure = tmp_path / "figure1.png"
    figure.write_bytes(b"")
    figure.with_suffix(".txt").write_text("caption")
    page = ("--figures", figure, "--output", tmp_path / "index.html")
    assert loaded("summarise", *of_sweep, *page) == {"pandas", "pyarrow", "scipy"}
