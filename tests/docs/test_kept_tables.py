"""The tables of a sweep that the documentation keeps."""

import subprocess
import sys
from pathlib import Path

from vae_geometry import layout, tables

SCRIPT = Path(__file__).parents[2] / "docs/evidence.py"


def evidence(*words):
    subprocess.run([sys.executable, SCRIPT, *map(str, words)], check=True)


def run_of(bottleneck, seed, epoch):
    return {"dataset": "digits", "noise": "fresh", "bottleneck": bottleneck, "seed": seed, "epoch": epoch}


def write(kind, results, rows, **place):
    path = layout.locate(results, kind, **place)
    path.parent.mkdir(parents=True, exist_ok=True)
    tables.write(kind, rows, path)
    return path.relative_to(results)


def test_restored_tables_lie_where_the_sweep_had_them(tmp_path):
    results, restored = tmp_path / "results", tmp_path / "restored"
    written = {}
    for seed in (0, 1):
        for bottleneck in (2, 4):
            place = run_of(bottleneck, seed, 0)
            losses = [{**place, "epoch": epoch, "train_kl": 0.5 * epoch + bottleneck} for epoch in (1, 2, 3)]
            written[write("training", results, losses, **place)] = "training"
            for epoch in (0, 3):
                place = run_of(bottleneck, seed, epoch)
                rows = [
                    {**place, "layer": layer, "intrinsic_dimension": 2.5 + layer + bottleneck, "n_points": 9}
                    for layer in (0, 1)
                ]
                written[write("intrinsic_dimension", results, rows, **place)] = "intrinsic_dimension"
    for seed in (0, 1):
        evidence("keep", results, tmp_path / "kept", "--dataset", "digits", "--seed", seed)
    assert len(list((tmp_path / "kept").iterdir())) == 4
    evidence("restore", tmp_path / "kept", restored)
    found = {path.relative_to(restored) for path in restored.rglob("*.parquet")}
    assert found == written.keys()
    for path, kind in written.items():
        assert tables.read(kind, [restored / path]).equals(tables.read(kind, [results / path]))


def test_a_sweep_that_still_runs_is_not_kept(tmp_path):
    for bottleneck, epochs in ((2, (0, 3)), (4, (0,))):
        for epoch in epochs:
            place = run_of(bottleneck, 0, epoch)
            rows = [{**place, "layer": 0, "intrinsic_dimension": 2.5, "n_points": 9}]
            write("intrinsic_dimension", tmp_path / "results", rows, **place)
    words = [SCRIPT, "keep", tmp_path / "results", tmp_path / "kept", "--dataset", "digits", "--seed", "0"]
    ended = subprocess.run([sys.executable, *words], capture_output=True, text=True)
    assert ended.returncode == 1
    assert ended.stderr == ("intrinsic_dimension: fresh noise, K = 4 lacks epochs that others have; finish the sweep\n")
    assert not (tmp_path / "kept").exists()
