"""A small sweep through the shipped profile on a real SLURM."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
CONFIG = {
    "datasets": {"digits": {"source": "digits"}},
    "bottlenecks": [2, 3],
    "seeds": [0],
    "noise": ["fresh"],
    "model": {"channels": [2, 2, 4, 4]},
    "training": {
        "epochs": 80,
        "checkpoints": [0, 1, 80],
        "batch_size": 32,
        "threads": 1,
        "learning_rate": 1e-4,
        "resume_minutes": 0.02,
    },
    "geometry": {"points": 200, "threads": 1},
    "fidelity": {"points": 200, "extractor": "efficientnet_lite0"},
    "device": "cpu",
}
TABLES = "results/tables/intrinsic_dimension.parquet"  # with all other tables, by the same job
ONE_NETWORK = "results/digits/fresh/k2/seed0/epoch80/intrinsic_dimension.parquet"


def slurm_command(*words: str) -> str:
    return subprocess.run(words, check=True, capture_output=True, text=True, timeout=30).stdout


def wait_for(condition: Callable, what: str, seconds: float = 600):
    """What the condition gives as soon as it gives something."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.3)
    raise AssertionError(f"waited {seconds} s for {what}")


class Driver:
    """Snakemake in a folder, on this machine alone or through the profile."""

    def __init__(self, folder: Path, target: str) -> None:
        self.folder, self.target = folder, target
        folder.mkdir(exist_ok=True)
        (folder / "sweep.yaml").write_text(yaml.safe_dump(CONFIG))

    def start(self, *arguments: str) -> subprocess.Popen:
        environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
        environment.pop("PYTHONPATH", None)
        command = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile", "--directory", self.folder]
        command += ["--configfile", self.folder / "sweep.yaml", *arguments, "--", self.target]
        with (self.folder / "driver.log").open("a") as log:
            return subprocess.Popen(list(map(str, command)), env=environment, stdout=log, stderr=log)

    def start_on_slurm(self, *arguments: str) -> subprocess.Popen:
        """The shipped profile; only what polls and waits is shorter, and jobs take this interpreter, not conda."""
        shorter = ["--slurm-init-seconds-before-status-checks", "2", "--latency-wait", "5", "--sdm", "env-modules"]
        return self.start("--profile", ROOT / "profiles/slurm", *shorter, *arguments)

    def finish(self, process: subprocess.Popen, seconds: float = 600) -> None:
        assert process.wait(timeout=seconds) == 0, self.log()[-6000:]

    def log(self) -> str:
        return (self.folder / "driver.log").read_text()

    def training_log(self) -> str:
        """Nothing while the log is missing: Snakemake deletes it before the job's next attempt begins."""
        log = self.folder / "logs/digits/fresh/k2/seed0/train.log"
        try:
            return log.read_text()
        except FileNotFoundError:
            return ""

    def has_state(self) -> bool:
        return bool(list(self.folder.glob("results/digits/fresh/k2/seed0/unfinished/*/state")))

    def training_job(self) -> str | None:
        """SLURM's number of the running training of K = 2."""
        for job in json.loads(slurm_command("squeue", "--json"))["jobs"]:
            log = f"{self.folder}/logs/slurm/rule_train/digits_fresh_2_0/"
            if job["job_state"] == "RUNNING" and job["standard_output"].startswith(log):
                return str(job["job_id"])
        return None

    def tables(self) -> dict[str, bytes]:
        paths = [path for path in self.folder.glob("results/**/*") if path.suffix in (".parquet", ".safetensors")]
        kept = {path.relative_to(self.folder).as_posix(): path.read_bytes() for path in paths}
        return {name: content for name, content in kept.items() if not name.endswith("timing.parquet")}
