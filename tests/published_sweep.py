"""The published CIFAR-10 values, written as a small sweep of three seeds, shared by the tests of figures."""

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from vae_geometry import tables
from vae_geometry.tables import Selection

PUBLISHED = Path(__file__).parents[2] / "resources/published"
BOTTLENECKS, SEED_NUMBERS, EPOCHS = [2, 32], [0, 1, 2], [0, 10, 100]
NOISES = ["fresh", "repeated", "repeated_batches", "repeated_eps"]
IN_TRAINING = ("figure2", "figure3", "losses", "noise")
NO_DISTANCE = "no distance was measured"


def write_run(folder, run, dimensions, imbalances, rng):
    """Tables of one checkpoint: the published values times a factor of the seed, half of that for fresh noise."""
    factor = (1 + 0.1 * run["seed"]) * (0.5 if run["noise"] == "fresh" else 1)
    tables.write(
        "intrinsic_dimension",
        [
            {**run, "layer": layer, "intrinsic_dimension": factor * value, "id_stderr": 0.01 * value}
            for layer, value in zip(dimensions["layer"], dimensions["intrinsic_dimension"], strict=True)
        ],
        folder / "intrinsic_dimension.parquet",
    )
    columns = ["source_layer", "target_layer", "information_imbalance"]
    tables.write(
        "information_imbalance",
        [
            {**run, "source_layer": a, "target_layer": b, "information_imbalance": factor * value, "ii_stderr": 1e-4}
            for a, b, value in imbalances[columns].itertuples(index=False)
        ],
        folder / "information_imbalance.parquet",
    )
    kl = {**run, "kl": factor * run["bottleneck"] * run["epoch"] / 100, "reason": NO_DISTANCE}
    tables.write("fidelity", [kl], folder / "fidelity.parquet")
    scaling = [
        {**run, "layer": layer, "neighbours": n, "intrinsic_dimension": factor * value / n**0.1, "id_stderr": 0.1}
        for layer, value in zip(dimensions["layer"], dimensions["intrinsic_dimension"], strict=True)
        for n in (2, 4, 8)
    ]
    tables.write("id_scaling", scaling, folder / "id_scaling.parquet")
    images = dict(zip(("images", "reconstructions", "samples"), rng.random((3, 4, 3, 32, 32)), strict=True))
    np.savez(folder / "reconstructions.npz", **images)


def write_sweep(results):
    """Write the tables of two K, three seeds and four kinds of noise."""
    rng = np.random.default_rng(0)
    kinds = ("intrinsic_dimension", "information_imbalance")
    frames = [pd.read_csv(PUBLISHED / f"cifar10_{kind}.csv").replace({"epoch": {99: 100}}) for kind in kinds]
    for noise, seed in itertools.product(NOISES, SEED_NUMBERS):
        for bottleneck in BOTTLENECKS:
            run = {"dataset": "cifar10", "noise": noise, "bottleneck": bottleneck, "seed": seed}
            folder = results / f"cifar10/{noise}/k{bottleneck}/seed{seed}"
            for epoch in EPOCHS:
                rows = [frame.query(f"bottleneck == {bottleneck} and epoch == {epoch}") for frame in frames]
                write_run(folder / f"epoch{epoch}", {**run, "epoch": epoch}, *rows, rng)
            losses = [{**run, "epoch": epoch, "train_kl": epoch + seed} for epoch in range(1, 31)]
            tables.write("training", losses, folder / "training.parquet")
        cross = [
            {
                "dataset": "cifar10",
                "noise": noise,
                "seed": seed,
                "epoch": 100,
                "source_bottleneck": a,
                "source_layer": layer,
                "target_bottleneck": b,
                "target_layer": layer,
                "information_imbalance": 0.1 if a < b else 0.3,
            }
            for a, b in itertools.product(BOTTLENECKS, repeat=2)
            for layer in range(11)
        ]
        tables.write(
            "cross_bottleneck", cross, results / f"cifar10/{noise}/seed{seed}/epoch100/cross_bottleneck.parquet"
        )
    return Selection(results, ["cifar10"], ["repeated"], BOTTLENECKS, SEED_NUMBERS, [100])


def selection_for(figure, sweep):
    epochs = [0] if figure == "figureA2" else EPOCHS if figure in IN_TRAINING else [100]
    return replace(sweep, epochs=epochs, noises=NOISES[:2] if figure == "noise" else ["repeated"])
