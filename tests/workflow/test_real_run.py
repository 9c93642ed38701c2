"""The whole DAG, really run, on a few digits and very narrow networks."""

import os
import random
import re
import shutil
import signal
import time
from pathlib import Path

import numpy as np
import yaml
from PIL import Image
from running_trainings import pids_of_trainings
from small_sweep import CONFIG, FIGURES

from vae_geometry import tables


def plan(snakemake, sweep: Path, **change) -> str:
    config = sweep / "changed.yaml"
    config.write_text(yaml.safe_dump({**CONFIG, **change}))
    planned = snakemake(sweep, "-n", "--configfile", str(config))
    assert planned.returncode == 0, planned.stdout
    return planned.stdout


def test_every_figure_is_drawn(sweep):
    drawn = [f"{noise}/{figure}" for noise in CONFIG["noise"] for figure in FIGURES] + ["noise"]
    for figure in drawn:
        base = sweep / "results/figures/digits" / figure
        with Image.open(f"{base}.png") as image:
            assert np.asarray(image.convert("L")).std() > 5, figure
        assert Path(f"{base}.pdf").read_bytes().startswith(b"%PDF"), figure
        assert len(Path(f"{base}.csv").read_text().splitlines()) > 1, figure
        assert "\n- " in Path(f"{base}.txt").read_text(encoding="utf-8"), figure


def test_the_tables_hold_one_row_a_measurement(sweep):
    n_runs = 4
    expected = {
        "intrinsic_dimension": n_runs * 2 * 11,
        "information_imbalance": n_runs * 2 * 121,
        "id_scaling": n_runs * 2 * 11 * 3,
        "cross_bottleneck": 2 * 22 * 22,
        "fidelity": n_runs * 2,
        "training": n_runs * 1,
        "memory": n_runs * 2 * 2,
    }
    for kind, n_rows in expected.items():
        assert tables.read(kind, [sweep / f"results/tables/{kind}.parquet"]).num_rows == n_rows, kind


def test_the_claims_are_checked_and_the_advice_is_given(sweep):
    rows = tables.read("claims", [sweep / "results/digits/claims.parquet"]).to_pylist()
    seeds = {(noise, seed) for noise in CONFIG["noise"] for seed in (0, None)}
    assert {(row["noise"], row["seed"]) for row in rows} == seeds
    page = (sweep / "results/digits/claims.md").read_text(encoding="utf-8")
    printed = (sweep / "logs/digits/check_claims.log").read_text(encoding="utf-8")
    for statement in {row["statement"] for row in rows}:
        assert statement in page
        assert statement in printed
    advice = page.partition("## How wide a bottleneck\n\n")[2].partition("\n")[0]
    assert advice.strip("*") in printed
    assert "cannot tell yet" in advice  # after one epoch
    for text in (page, printed):
        assert re.search(r"DADApy \S+ agrees on \d+ IDs .* and \d+ II", text)
        assert "This was measured with repeated noise, K = 3, seed 0, epoch 1." in text


def test_both_kinds_of_noise_share_their_first_epoch(sweep):
    table = tables.read("fidelity", [sweep / "results/tables/fidelity.parquet"]).to_pandas()
    fresh, repeated = (table[table.noise == noise].elbo.to_numpy() for noise in ("fresh", "repeated"))
    assert (fresh == repeated).all()


def test_no_activations_are_left(sweep):
    assert not list(sweep.glob("results/**/layer*.npy"))


def test_a_second_run_has_nothing_to_do(snakemake, sweep):
    assert "Nothing to be done" in plan(snakemake, sweep)


def test_another_device_makes_nothing_again(snakemake, sweep):
    assert "Nothing to be done" in plan(snakemake, sweep, device="auto")


def test_a_new_seed_trains_only_the_new_networks(snakemake, counted_jobs, sweep):
    planned = plan(snakemake, sweep, seeds=[0, 1])
    assert counted_jobs(planned)["train"] == 4
    assert not re.search(r"^Job .*seed 0", planned, re.MULTILINE)


def test_a_new_seed_leaves_every_byte_of_the_old_one_as_it_was(snakemake, sweep, tmp_path):
    folder = shutil.copytree(sweep, tmp_path / "sweep", copy_function=shutil.copy2)
    files = [path for path in folder.rglob("results/digits/*/k*/seed0/**/*") if path.is_file()]
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in files}
    (folder / "seeds.yaml").write_text(yaml.safe_dump({**CONFIG, "seeds": [0, 1]}))
    figure = "results/figures/digits/fresh/figure1.csv"
    done = snakemake(folder, "--configfile", str(folder / "seeds.yaml"), "--", figure)
    assert done.returncode == 0, done.stdout[-5000:]
    trained = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("seed1/training.parquet"))
    assert trained == [f"results/digits/fresh/k{k}/seed1/training.parquet" for k in CONFIG["bottlenecks"]]
    assert len(files) > 4 * 10
    assert {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in files} == before


def test_a_training_killed_under_snakemake_goes_on_by_retries(snakemake, start_snakemake, tmp_path):
    training = {"epochs": 40, "checkpoints": [0, 1, 20, 40], "batch_size": 32, "threads": 1, "resume_minutes": 0.001}
    run = "results/digits/fresh/k2/seed0"
    folders = [tmp_path / name for name in ("whole", "killed")]
    for folder in folders:
        folder.mkdir()
    config = tmp_path / "sweep.yaml"
    config.write_text(yaml.safe_dump({**CONFIG, "bottlenecks": [2], "training": training}))
    arguments = ("--configfile", str(config), "--retries", "2", "--", f"{run}/training.parquet")
    assert snakemake(folders[0], *arguments).returncode == 0
    process = start_snakemake(folders[1], *arguments)
    killed = []
    while process.poll() is None and len(killed) < 2:
        trainings = [pid for pid in pids_of_trainings(folders[1]) if pid not in killed]
        if trainings and list((folders[1] / run).glob("unfinished/*/state")):
            time.sleep(random.uniform(0, 1))
            os.kill(trainings[0], (signal.SIGKILL, signal.SIGTERM)[len(killed)])
            killed.append(trainings[0])
        time.sleep(0.05)
    output, _ = process.communicate()
    assert process.returncode == 0, output[-5000:]
    assert len(killed) == 2
    assert "resumes after epoch" in (folders[1] / "logs/digits/fresh/k2/seed0/train.log").read_text()
    kept = [sorted((folder / run / "checkpoints").iterdir()) for folder in folders]
    assert [path.name for path in kept[0]] == [path.name for path in kept[1]]
    for whole, resumed in zip(*kept, strict=True):
        assert whole.read_bytes() == resumed.read_bytes(), whole.name
    assert not (folders[1] / run / "unfinished").exists()


def test_the_features_of_the_test_images_are_computed_once(sweep):
    assert [path.relative_to(sweep).as_posix() for path in sweep.glob("resources/features/**/*.*")] == [
        "resources/features/digits/efficientnet_lite0.npz"
    ]
    table = tables.read("fidelity", [sweep / "results/tables/fidelity.parquet"]).to_pandas()
    assert set(table.extractor) == {"efficientnet_lite0"}
    assert (table.frechet_distance > 0).all()


def test_other_weights_and_another_place_for_them_make_nothing_again(snakemake, sweep):
    fidelity = {**CONFIG["fidelity"], "weights": "elsewhere"}
    assert "Nothing to be done" in plan(snakemake, sweep, fidelity=fidelity)


def test_more_images_for_the_distance_measure_it_again(snakemake, counted_jobs, sweep):
    counted = counted_jobs(plan(snakemake, sweep, fidelity={**CONFIG["fidelity"], "points": 50}))
    assert (counted["prepare_features"], counted["measure_fidelity"]) == (1, 8)
    assert "train" not in counted


def test_another_learning_rate_trains_again(snakemake, counted_jobs, sweep):
    planned = plan(snakemake, sweep, training={**CONFIG["training"], "learning_rate": 0.01})
    assert counted_jobs(planned)["train"] == 4
