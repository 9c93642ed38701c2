"""The published CIFAR-10 values, written as a small sweep of three seeds, shared by the tests of figures."""

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np

from vae_geometry import layout, tables
from vae_geometry.claims import published
from vae_geometry.figures.registry import FIGURES
from vae_geometry.latents import LATENTS
from vae_geometry.selection import Selection
from vae_geometry.table_schemas import LATENT_PAIRS

PUBLISHED = Path(__file__).parents[1] / "resources/published"
BOTTLENECKS, SEED_NUMBERS, EPOCHS = [2, 32], [0, 1, 2], [0, 10, 100]
NOISES = ["fresh", "repeated", "repeated_batches", "repeated_eps"]
FEWER_LAYERS = {0: 0, 4: 1, 5: 2, 6: 3, 10: 4}  # of the published network, as those of another
NO_DISTANCE, NOT_PUBLISHED = "no distance was measured", "not published"
LAYER = ["layer", "layer_name", "role"]
ENDS = [f"{end}_{name}" for end in ("source", "target") for name in ("layer", "name", "role")]


def write_checkpoint(folder, run, dimensions, imbalances, rng):
    """Tables of one checkpoint: the given values times a factor of the seed, half of that for fresh noise."""
    factor = (1 + 0.1 * run["seed"]) * (0.5 if run["noise"] == "fresh" else 1)
    layers = [
        (dict(zip(LAYER, layer, strict=True)), value)
        for *layer, value in dimensions[[*LAYER, "intrinsic_dimension"]].itertuples(index=False)
    ]
    rows = [
        # without its N the input may differ between runs, as made up here
        {**run, **layer, "n_points": None if layer["role"] == "input" else 5000}
        | {"intrinsic_dimension": factor * x, "id_stderr": 0.01 * x}
        for layer, x in layers
    ]
    tables.write("intrinsic_dimension", rows, folder / "intrinsic_dimension.parquet")
    published = {(pair[0], pair[3]): value for *pair, value in imbalances[[*ENDS, "information_imbalance"]].to_numpy()}
    rows = []
    for (source, _), (target, _) in itertools.product(layers, repeat=2):
        row = {**run, **dict(zip(ENDS, [*source.values(), *target.values()], strict=True))}
        value = published.get((source["layer"], target["layer"]))
        number = (
            {"reason": NOT_PUBLISHED} if value is None else {"information_imbalance": factor * value, "ii_stderr": 1e-4}
        )
        rows.append({**row, **number})
    tables.write("information_imbalance", rows, folder / "information_imbalance.parquet")
    kl = {**run, "kl": factor * run["bottleneck"] * run["epoch"] / 100, "reason": NO_DISTANCE}
    tables.write("fidelity", [kl], folder / "fidelity.parquet")
    scaling = [
        {**run, **layer, "neighbours": n, "intrinsic_dimension": factor * value / n**0.1, "id_stderr": 0.1}
        for layer, value in layers
        for n in (2, 4, 8)
    ]
    tables.write("id_scaling", scaling, folder / "id_scaling.parquet")
    write_latents(folder, run, factor)
    images = dict(zip(("images", "reconstructions", "samples"), rng.random((3, 4, 3, 32, 32)), strict=True))
    np.savez(folder / "reconstructions.npz", **images)


def write_latents(folder, run, factor):
    """Made up, as none are published: half of the units are idle from K = 32 on, and z has noise in them."""
    size = run["bottleneck"]
    rows = []
    for latent in LATENTS:
        n_units = size // 2 if latent.startswith("active") and size >= 32 else size
        value = factor * (0.3 / n_units + 0.001 * (n_units if "sample" in latent else 0))
        columns = dict.fromkeys(LATENT_PAIRS, value)
        columns |= {f"{name}_stderr": 1e-4 for name in columns}
        columns |= {"intrinsic_dimension": factor * n_units**0.9, "id_stderr": 0.01}
        rows.append({**run, "latent": latent, "n_units": n_units, "n_points": 5000} | columns)
    tables.write("latents", rows, folder / "latents.parquet")


def write_cross_bottleneck(selection, layers):
    """II between all layers of the networks of two K, of one data set, kind of noise and seed."""
    [dataset], [noise], [seed] = selection.datasets, selection.noises, selection.seeds
    run = {"dataset": dataset, "noise": noise, "seed": seed, "epoch": max(selection.epochs)}
    rows = [
        {**run, "information_imbalance": 0.1 if a < b else 0.3}
        | {"source_bottleneck": a, **dict(zip(ENDS[:3], source, strict=True))}
        | {"target_bottleneck": b, **dict(zip(ENDS[3:], target, strict=True))}
        for (a, source), (b, target) in itertools.product(itertools.product(selection.bottlenecks, layers), repeat=2)
    ]
    [path] = selection.files("cross_bottleneck")
    tables.write("cross_bottleneck", rows, path)


def write_sweep(selection, dimensions, imbalances):
    """Write all tables of a sweep, with the given values of each K and epoch."""
    rng = np.random.default_rng(0)
    [dataset] = selection.datasets
    layers = list(dimensions[LAYER].drop_duplicates().itertuples(index=False, name=None))
    for noise, seed in itertools.product(selection.noises, selection.seeds):
        for bottleneck in selection.bottlenecks:
            run = {"dataset": dataset, "noise": noise, "bottleneck": bottleneck, "seed": seed}
            for epoch in selection.epochs:
                chosen = f"bottleneck == {bottleneck} and epoch == {epoch}"
                rows = [frame.query(chosen) for frame in (dimensions, imbalances)]
                checkpoint = {**run, "epoch": epoch}
                folder = layout.locate(selection.results, "intrinsic_dimension", **checkpoint).parent
                write_checkpoint(folder, checkpoint, *rows, rng)
            losses = [{**run, "epoch": epoch, "train_kl": epoch + seed} for epoch in range(1, 31)]
            tables.write("training", losses, layout.locate(selection.results, "training", **run))
        write_cross_bottleneck(replace(selection, noises=[noise], seeds=[seed]), layers)


def write_published(results):
    """Write the published values of two K as a sweep of three seeds and four kinds of noise.

    Beside that of CIFAR-10 stands a data set ``few_layers``, with some of its layers.
    """
    frames = [frame.replace({"epoch": {99: 100}}) for frame in published.read(PUBLISHED)]
    selection = Selection(results, ["cifar10"], NOISES, BOTTLENECKS, SEED_NUMBERS, EPOCHS)
    write_sweep(selection, *frames)
    columns = [[name for name in ("layer", "source_layer", "target_layer") if name in frame] for frame in frames]
    kept = [
        frame[frame[names].isin(list(FEWER_LAYERS)).all(axis=1)].replace(dict.fromkeys(names, FEWER_LAYERS))
        for frame, names in zip(frames, columns, strict=True)
    ]
    write_sweep(replace(selection, datasets=["few_layers"], noises=NOISES[:2]), *kept)
    return replace(selection, noises=["repeated"], epochs=[100])


def selection_for(figure, sweep):
    """What a figure of the registry is drawn from."""
    entry = FIGURES[figure]
    datasets = ["cifar10", "few_layers"] if entry.all_datasets else sweep.datasets
    noises = NOISES[:2] if entry.all_noises else ["repeated"]
    return replace(sweep, datasets=datasets, epochs=entry.at(EPOCHS), noises=noises)


def draw(figure, *arguments):
    """The picture and the numbers of a figure of the registry."""
    return FIGURES[figure].functions()[0](*arguments)
