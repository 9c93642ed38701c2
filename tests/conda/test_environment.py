import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]


def pip_section() -> list[str]:
    environment = yaml.safe_load((ROOT / "envs/compute.yaml").read_text())
    return next(entry for entry in environment["dependencies"] if isinstance(entry, dict))["pip"]


def test_the_rules_environment_has_the_versions_of_the_lock():
    locked = set((ROOT / "requirements.lock").read_text().splitlines())
    assert [pin for pin in pip_section() if pin not in locked] == []


def test_the_rules_environment_holds_every_dependency_of_the_package():
    import tomllib

    needed = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    pinned = {re.split(r"==", pin)[0] for pin in pip_section()}
    assert {re.split(r"[<>=]", name)[0] for name in needed} <= pinned


@pytest.mark.skipif(
    "VAE_GEOMETRY_TEST_CONDA" not in os.environ,
    reason="VAE_GEOMETRY_TEST_CONDA is unset: making the rules' conda environment takes minutes and gigabytes",
)
def test_a_rule_runs_in_its_conda_environment(tmp_path):
    command = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile", "--directory", tmp_path]
    target = "results/digits/fresh/k2/seed0/checkpoints/epoch0.safetensors"
    done = subprocess.run(
        [
            *map(str, command),
            "--cores",
            "2",
            "--use-conda",
            "--configfile",
            str(ROOT / "sweeps/demo.yaml"),
            "--",
            target,
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-5000:]
    assert (tmp_path / target).stat().st_size > 0
    assert list(tmp_path.glob(".snakemake/conda/*/bin/python"))
