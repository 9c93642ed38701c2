"""Fixtures of the tests on SLURM; they are skipped where none answers."""

import shutil
import subprocess

import pytest
from sweep_on_slurm import ONE_NETWORK, TABLES, Driver


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
    driver = Driver(tmp_path_factory.mktemp("local"), TABLES)
    driver.finish(driver.start("--cores", "2"))
    tables = driver.tables()
    assert len(tables) > 20
    return tables


@pytest.fixture
def driver(slurm, tmp_path):
    """Of one network and one of its checkpoints; what it leaves running is cancelled."""
    yield Driver(tmp_path / "sweep", ONE_NETWORK)
    subprocess.run(["scancel", "--me"], check=False)
