"""The shipped profile on a real SLURM; skipped where none answers."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def slurm_problem() -> str | None:
    if not shutil.which("sbatch") or not shutil.which("scontrol"):
        return "no SLURM: sbatch and scontrol are not installed"
    try:
        ping = subprocess.run(["scontrol", "ping"], capture_output=True, text=True, timeout=20)
    except subprocess.TimeoutExpired:
        return "no SLURM: scontrol ping does not answer"
    return None if ping.returncode == 0 and "UP" in ping.stdout else "no SLURM: slurmctld is not up"


@pytest.fixture
def slurm():
    if problem := slurm_problem():
        pytest.skip(problem)


@pytest.mark.usefixtures("slurm")
def test_the_profile_submits_a_stage_to_slurm(tmp_path):
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    environment.pop("PYTHONPATH", None)
    target = "results/digits/fresh/k2/seed0/checkpoints/epoch0.safetensors"
    command = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile", "--directory", tmp_path]
    command += ["--profile", ROOT / "profiles/slurm", "--configfile", ROOT / "sweeps/demo.yaml"]
    command += ["--sdm", "env-modules"]  # no conda: jobs take this interpreter
    command += ["--slurm-init-seconds-before-status-checks", "2", "--slurm-keep-successful-logs"]
    command += ["--latency-wait", "10", "--retries", "0", "--", target]
    finished = subprocess.run(
        list(map(str, command)),
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )
    assert finished.returncode == 0, finished.stdout
    assert (tmp_path / target).stat().st_size > 0
    assert finished.stdout.count("has been submitted with SLURM jobid") == 2, finished.stdout
    logs = list((tmp_path / ".snakemake/slurm_logs").rglob("*.log"))
    assert {log.relative_to(tmp_path / ".snakemake/slurm_logs").parts[0] for log in logs} == {
        "rule_prepare_dataset",
        "rule_initialise",
    }
