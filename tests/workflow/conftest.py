"""Snakemake as a user runs it, in a folder of the test's own."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from small_sweep import CONFIG

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def start_snakemake():
    """Start Snakemake in a folder; returns the process, stdout and stderr together."""

    def start(folder: Path, *arguments: str, **options: bool) -> subprocess.Popen:
        environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
        environment.pop("PYTHONPATH", None)
        command = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile", "--directory", folder]
        return subprocess.Popen(
            [*map(str, command), "--cores", "2", "--max-jobs-per-timespan", "100/1s", *arguments],  # ends sooner
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            **options,
        )

    return start


@pytest.fixture(scope="session")
def snakemake(start_snakemake):
    """Run Snakemake in a folder; returns the finished process with its output as ``stdout``."""

    def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
        process = start_snakemake(folder, *arguments)
        output, _ = process.communicate()
        return subprocess.CompletedProcess(process.args, process.returncode, output)

    return run


@pytest.fixture(scope="session")
def sweep(snakemake, tmp_path_factory):
    """Folder of a finished run of ``small_sweep``; its config is sweep.yaml."""
    folder = tmp_path_factory.mktemp("a folder with spaces")
    (folder / "sweep.yaml").write_text(yaml.safe_dump(CONFIG))
    done = snakemake(folder, "--configfile", str(folder / "sweep.yaml"))
    assert done.returncode == 0, done.stdout[-5000:]
    return folder


@pytest.fixture(scope="session")
def counted_jobs():
    """Read the number of jobs per rule from the output of a dry run."""

    def count(output: str) -> dict[str, int]:
        table = output.rpartition("Job stats:")[2].partition("\ntotal ")[0]
        return {rule: int(jobs) for rule, jobs in re.findall(r"^(\w+) +(\d+)$", table, re.MULTILINE)}

    return count
