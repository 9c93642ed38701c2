"""The conda environment of the rules: made by a real conda where there is one, and the sweep runs in it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
CONFIG = {
    "datasets": {"digits": {"source": "digits"}},
    "bottlenecks": [2],
    "noise": ["fresh"],
    "model": {"channels": [2, 2, 4, 4]},
    "training": {"epochs": 1, "checkpoints": [0, 1], "batch_size": 64, "threads": 1, "images": 200},
    "geometry": {"points": 100, "threads": 1},
    "fidelity": {"points": 100, "extractor": "efficientnet_lite0"},
    "device": "cpu",
}
TARGETS = ["results/tables/intrinsic_dimension.parquet", "results/figures/digits/fresh/figure1.csv"]
MODULES = ("dadapy", "matplotlib", "numba", "numpy", "pandas", "pyarrow", "safetensors", "sklearn", "torch")


def pip_section() -> list[str]:
    environment = yaml.safe_load((ROOT / "envs/compute.yaml").read_text())
    return next(entry for entry in environment["dependencies"] if isinstance(entry, dict))["pip"]


def test_the_rules_environment_has_the_versions_of_the_lock():
    """Whatever the platforms: development may need on Linux what the rules need on Windows alone."""
    locked = {line.partition(" ;")[0] for line in (ROOT / "requirements.lock").read_text().splitlines()}
    assert [pin for pin in pip_section() if pin.partition(" ;")[0] not in locked] == []


def test_the_rules_environment_holds_every_dependency_of_the_package():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = [*project["dependencies"], *project["optional-dependencies"]["train"]]
    pinned = {re.split(r"==", pin)[0] for pin in pip_section()}
    assert {re.split(r"[<>=]", name)[0] for name in needed} <= pinned


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    folder.mkdir(exist_ok=True)
    (folder / "sweep.yaml").write_text(yaml.safe_dump(CONFIG))
    command = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile", "--directory", folder]
    command += ["--cores", "2", "--configfile", folder / "sweep.yaml", *arguments, "--", *TARGETS]
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    environment.pop("PYTHONPATH", None)
    return subprocess.run(
        list(map(str, command)), env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


@pytest.fixture(scope="module")
def sweep_in_conda(tmp_path_factory):
    if "VAE_GEOMETRY_TEST_CONDA" not in os.environ:
        pytest.skip("VAE_GEOMETRY_TEST_CONDA is unset: making the rules' conda environment takes minutes and gigabytes")
    folder = tmp_path_factory.mktemp("conda")
    done = run(folder, "--use-conda")
    assert done.returncode == 0, done.stdout[-5000:]
    return folder


def made(folder: Path) -> dict[str, bytes]:
    """What must be the same bytes: neither seconds, nor the versions, whose Python may be another 3.11."""
    paths = [path for path in folder.glob("results/**/*") if path.suffix in (".parquet", ".safetensors", ".csv")]
    kept = {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
    return {name: content for name, content in kept.items() if not name.endswith(("timing.parquet", "versions.csv"))}


def test_the_sweep_in_conda_gives_the_bytes_of_one_without(sweep_in_conda, tmp_path):
    done = run(tmp_path / "plain")
    assert done.returncode == 0, done.stdout[-5000:]
    assert len(made(tmp_path / "plain")) > 10
    assert made(sweep_in_conda) == made(tmp_path / "plain")


def test_the_modules_of_a_job_come_from_the_environment(sweep_in_conda):
    (python,) = sweep_in_conda.glob(".snakemake/conda/*/bin/python")
    places = "; ".join(f"import {name}; print({name}.__file__)" for name in (*MODULES, "vae_geometry"))
    environment = {"PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT / "src")}
    printed = subprocess.run([python, "-c", places], env=environment, capture_output=True, text=True, check=True)
    *files, own = printed.stdout.splitlines()
    assert len(files) == len(MODULES)
    assert all(Path(file).is_relative_to(python.parents[1]) for file in files), files
    assert Path(own).is_relative_to(ROOT / "src")


def test_cuda_in_the_environment_fails_where_there_is_no_gpu(sweep_in_conda):
    """Its torch is the wheel of PyPI: with CUDA where there is a driver, and no conda package without it in silence."""
    (python,) = sweep_in_conda.glob(".snakemake/conda/*/bin/python")
    look = "import torch; print(torch.version.cuda, torch.cuda.is_available())"
    cuda, has_gpu = subprocess.run([python, "-c", look], capture_output=True, text=True, check=True).stdout.split()
    assert re.fullmatch(r"\d+\.\d+", cuda)
    if has_gpu == "True":
        pytest.skip("there is a GPU")
    run_folder = sweep_in_conda / "results/digits/fresh/k2/seed0"
    command = [
        python,
        "-m",
        "vae_geometry",
        "train",
        "--data",
        sweep_in_conda / "resources/datasets/digits/train.npz",
    ]
    command += ["--initial", run_folder / "checkpoints/epoch0.safetensors", "--output", run_folder, "--device", "cuda"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    refused = subprocess.run(list(map(str, command)), env=environment, capture_output=True, text=True)
    assert refused.returncode == 1
    assert f"(built for CUDA {cuda}) finds no GPU" in refused.stderr
