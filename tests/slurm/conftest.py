"""Fixtures of the tests on SLURM; they are skipped where none answers."""

import shutil
import subprocess

import pytest
from sweep_on_slurm import Driver


def slurm_problem() -> str | None:
    if not shutil.which("sbatch") or not shutil.which("scontrol"):
        return "no SLURM: sbatch and scontrol are not installed"
    try:
        ping = subprocess.run(["scontrol", "ping"], capture_output=True, text=True, timeout=20)
    except subprocess.TimeoutExpired:
        return "no SLURM: scontrol ping does not answer"
    return None if ping.returncode == 0 and "UP" in ping.stdout else "no SLURM: slurmctld is not up"


@pytest.fixture(scope="session")
def slurm():
    if problem := slurm_problem():
        pytest.skip(problem)


@pytest.fixture(scope="session")
def undisturbed(slurm, tmp_path_factory):
    """Tables and checkpoints of a local run that nothing disturbed."""
    driver = Driver(tmp_path_factory.mktemp("local"))
    driver.finish(driver.start("--cores", "2"))
    tables = driver.tables()
    assert len(tables) > 20
    return tables


@pytest.fixture
def driver(slurm, tmp_path):
    started = Driver(tmp_path / "sweep")
    yield started
    subprocess.run(["scancel", "--me"], check=False)
