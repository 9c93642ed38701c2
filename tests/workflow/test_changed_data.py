"""A change of the user's files makes the data set again, and what depends on it; a copy of them does not."""

import os

import numpy as np
import yaml
from PIL import Image

SMALL = {
    "bottlenecks": [2],
    "seeds": [0],
    "noise": ["fresh"],
    "training": {"epochs": 1, "checkpoints": [0, 1], "batch_size": 16, "threads": 1},
    "geometry": {"points": 10, "threads": 1, "verify": False},
    "fidelity": {"points": 10, "extractor": "none"},
    "device": "cpu",
}


def write(path, level):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((16, 16), level, np.uint8)).save(path)


def test_changed_images_and_tables_are_prepared_again_and_known_data_are_not(snakemake, counted_jobs, tmp_path):
    for number in range(60):
        write(tmp_path / f"photos/train/cat/{number}.png", number)
    (tmp_path / "table").mkdir()
    rows = "".join(f"{number},{number**2}\n" for number in range(60))
    (tmp_path / "table/train.csv").write_text(f"a,b\n{rows}")
    photos = {"source": "imagefolder", "root": "photos", "test_fraction": 0.2}
    table = {"source": "arrays", "root": "table", "test_fraction": 0.2}
    datasets = {"photos": photos, "table": table, "digits": {"source": "digits"}}
    (tmp_path / "sweep.yaml").write_text(yaml.safe_dump({**SMALL, "datasets": datasets}))
    prepared = [f"resources/datasets/{name}/train.npz" for name in datasets]
    initialised = "results/photos/fresh/k2/seed0/checkpoints/epoch0.safetensors"
    arguments = ("--configfile", str(tmp_path / "sweep.yaml"), "--", *prepared, initialised)

    def plan():
        output = snakemake(tmp_path, "-n", *arguments).stdout
        return None if "Nothing to be done" in output else counted_jobs(output)

    done = snakemake(tmp_path, *arguments)
    assert done.returncode == 0, done.stdout[-5000:]
    for path in (*tmp_path.glob("photos/train/cat/*"), tmp_path / "table/train.csv"):
        os.utime(path)  # as a copy or a clone is
    assert plan() is None
    write(tmp_path / "photos/train/cat/60.png", 60)
    assert plan() == {"prepare_dataset": 1, "initialise": 1}
    (tmp_path / "photos/train/cat/60.png").unlink()
    assert plan() is None
    (tmp_path / "table/train.csv").write_text(f"a,b\n{rows}60,3600\n")
    assert plan() == {"prepare_dataset": 1}
