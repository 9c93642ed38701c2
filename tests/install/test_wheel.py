"""The wheel in an empty environment, with numpy 1.26 and numpy 2, and with the torch and Lightning that are there."""

import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import vae_geometry

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/how-to/monitor.md"
UV = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
NOT_NEEDED = ("torch", "torchvision", "snakemake", "dadapy", "sklearn", "safetensors", "tqdm")
UNREACHABLE = ("dns error", "error sending request", "Connection refused", "timed out")


def run(*command, **options):
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    return subprocess.run([*map(str, command)], capture_output=True, text=True, env=environment, **options)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    pytest.importorskip("hatchling", reason="hatchling is not installed: pip install hatchling")
    folder = tmp_path_factory.mktemp("wheel")
    done = run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module", params=["numpy==1.26.*", "numpy>=2"])
def python(request, wheel, tmp_path_factory):
    """Python of an environment with the wheel, what it needs and nothing else."""
    if UV is None:
        pytest.skip("uv is not installed: pip install uv")
    folder = tmp_path_factory.mktemp("environment") / "env"
    assert run(UV, "venv", "--python", sys.executable, folder).returncode == 0
    python = folder / "bin/python"
    done = run(UV, "pip", "install", "--python", python, wheel, request.param)
    if any(words in done.stderr for words in UNREACHABLE):
        pytest.skip("the package index cannot be reached")
    assert done.returncode == 0, done.stderr
    return python


def test_arrays_are_measured_without_torch(python, tmp_path):
    code = f"""
import importlib.util
assert not [name for name in {NOT_NEEDED} if importlib.util.find_spec(name)]
import numpy as np
import vae_geometry as vg
points = np.random.default_rng(0).normal(size=(300, 3))
geometry = vg.measure({{"points": points, "plane": points[:, :2]}}, scales=8)
geometry.plot().savefig("figure.png")
geometry.save("saved")
np.save("layer00.npy", points)
np.save("layer01.npy", points[:, :2])
"""
    done = run(python, "-c", code, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    command = python.parent / "vae-geometry"
    assert run(command, "--version").stdout.strip() == vae_geometry.__version__
    done = run(command, "measure-geometry", tmp_path, "--output", tmp_path / "measured", "--scales", 8)
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (tmp_path / "measured").iterdir()) == sorted(
        path.name for path in (tmp_path / "saved").iterdir()
    )
    done = run(command, "describe", "any.safetensors", cwd=tmp_path)
    assert done.returncode == 1
    needs = (
        r"vae-geometry describe: \w+ is not installed, which this stage needs; run: pip install 'vae-geometry\[train\]'"
    )
    assert re.fullmatch(needs, done.stderr.strip())


def link(names, site, there):
    """Link packages of this environment and what they need into another one, but what is there."""
    waiting, seen = list(names), set()
    while waiting:
        name = waiting.pop()
        try:
            found = distribution(name)
        except PackageNotFoundError:
            continue
        key = found.metadata["Name"].lower().replace("_", "-")
        if key in seen | there:
            continue
        seen.add(key)
        tops = {file.parts[0] for file in found.files or [] if file.parts[0] not in ("..", "__pycache__")}
        for top in tops:
            if not (site / top).exists():
                (site / top).symlink_to(found.locate_file(top))
        for text in found.requires or []:
            requirement = Requirement(text)
            extras = ("", "extra") if name == "lightning" else ("",)
            if requirement.marker is None or any(requirement.marker.evaluate({"extra": extra}) for extra in extras):
                waiting.append(requirement.name)


def test_the_example_of_the_page_runs_as_written(python, tmp_path):
    pytest.importorskip("lightning", reason="Lightning is not installed: pip install lightning")
    pytest.importorskip("torch")
    listed = run(UV, "pip", "list", "--python", python, "--format", "freeze").stdout.splitlines()
    site = next(python.parents[1].glob("lib/python*/site-packages"))
    link(["torch", "lightning"], site, {line.split("==")[0] for line in listed})
    example = re.search(r"```python\n(# what you have\n.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[1]
    done = run(python, "-c", example, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "geometry/information_imbalance.parquet").exists()
    assert (tmp_path / "measured/intrinsic_dimension.parquet").exists()
