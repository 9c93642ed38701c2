"""The cells of scanpy, from their export to claims."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pandas as pd
import pytest
import yaml

from vae_geometry import tables

ROOT = Path(__file__).parents[2]
SWEEP = yaml.safe_load((ROOT / "sweeps/cells.yaml").read_text())


@pytest.mark.skipif(not find_spec("scanpy"), reason="scanpy is not installed: uv pip install --group cells")
def test_the_cells_of_scanpy_go_from_their_export_to_claims(snakemake, tmp_path):
    exported = subprocess.run([sys.executable, ROOT / "sweeps/cells.py"], cwd=tmp_path, capture_output=True, text=True)
    assert exported.returncode == 0, exported.stderr
    table = tmp_path / SWEEP["datasets"]["cells"]["root"] / "train.csv"
    assert pd.read_csv(table).shape == (700, 765)
    small = {"bottlenecks": [2], "seeds": [0], "training": {**SWEEP["training"], "epochs": 1, "checkpoints": [0, 1]}}
    (tmp_path / "sweep.yaml").write_text(yaml.safe_dump({**SWEEP, **small}))
    claims = tmp_path / "results/cells/claims.md"
    done = snakemake(tmp_path, "--configfile", str(tmp_path / "sweep.yaml"), "--", str(claims.relative_to(tmp_path)))
    assert done.returncode == 0, done.stdout[-5000:]
    assert "210 inputs of 765" in (tmp_path / "logs/cells/prepare_dataset.log").read_text()
    assert tables.read("claims", [claims.with_suffix(".parquet")]).num_rows > 0


def test_the_cells_plan_a_training_per_bottleneck_and_seed(snakemake, counted_jobs, tmp_path):
    table = tmp_path / SWEEP["datasets"]["cells"]["root"] / "train.csv"
    table.parent.mkdir(parents=True)
    table.write_text("a,b\n" + "0.5,2\n" * 700)
    planned = snakemake(tmp_path, "-n", "--configfile", str(ROOT / "sweeps/cells.yaml"))
    assert planned.returncode == 0, planned.stdout
    assert counted_jobs(planned.stdout)["train"] == len(SWEEP["bottlenecks"]) * len(SWEEP["seeds"])
