"""Sweeps of networks and data of the user's own, really run: from the config to figures and claims."""

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from vae_geometry import tables

SMALL = {
    "bottlenecks": [2, 3],
    "seeds": [0],
    "noise": ["fresh"],
    "training": {"epochs": 1, "checkpoints": [0, 1], "batch_size": 16, "threads": 1},
    "geometry": {"points": 40, "threads": 1, "verify": False},
    "fidelity": {"points": 40, "extractor": "none"},
    "device": "cpu",
}
MY_VAE = """
from math import prod

from torch import nn


def build(shape, bottleneck, width=8):
    return MyVAE(shape, bottleneck, width)


class MyVAE(nn.Module):
    def __init__(self, shape, bottleneck, width):
        super().__init__()
        self.encoder = nn.Sequential(nn.Conv2d(shape[0], 2, 8, stride=8), nn.Flatten(), nn.Linear(96, width), nn.ReLU())
        self.moments = nn.Linear(width, 2 * bottleneck)
        self.decoder = nn.Sequential(nn.Linear(bottleneck, width), nn.ReLU(), nn.Linear(width, prod(shape)))
        self.shape = shape

    def encode(self, x):
        return self.moments(self.encoder(x)).chunk(2, dim=1)

    def decode(self, z):
        return self.decoder(z).unflatten(1, self.shape)
"""
PERCEPTRON = {"architecture": "perceptron", "widths": [6, 4], "likelihood": "gaussian"}
TABLE = {"source": "arrays", "root": "table", "scale": "standard", "test_fraction": 0.3}
MIXED = {
    **SMALL,
    "datasets": {
        "digits": {"source": "digits"},
        "digits-residual": {"source": "digits", "model": {"architecture": "residual", "channels": [2, 2]}},
        "cells": {**TABLE, "model": PERCEPTRON, "training": {"epochs": 3, "images": None}, "geometry": {"points": 20}},
    },
    "bottlenecks": [2],
    "model": {"channels": [2, 2, 4, 4]},
    "training": {**SMALL["training"], "checkpoints": [1], "images": 100},
}
ENCODER, DECODER = ([(f"{role} {number}", role) for number in range(1, 5)] for role in ("encoder", "decoder"))
BOTTLENECK, LINEAR = ("bottleneck", "bottleneck"), ("decoder linear", "decoder")
FIGURES = ("figure1", "losses", "reconstructions")  # not all: the time of this file is that of its jobs


@pytest.fixture(scope="module")
def photos(snakemake, tmp_path_factory):
    """A finished sweep of ``my_vae.py`` on colour images of 48 x 64 pixels."""
    folder, rng = tmp_path_factory.mktemp("photos"), np.random.default_rng(0)
    for part, n_images in {"train": 40, "test": 20}.items():
        for name in ("a", "b"):
            (folder / "images" / part / name).mkdir(parents=True)
            for number in range(n_images):
                pixels = rng.integers(0, 256, (48, 64, 3), np.uint8)
                Image.fromarray(pixels).save(folder / f"images/{part}/{name}/{number}.png")
    (folder / "my_vae.py").write_text(MY_VAE)
    dataset = {"source": "imagefolder", "root": str(folder / "images"), "image_size": "native"}
    model = {"architecture": "my_vae.py:build", "width": 6}
    return run(snakemake, folder, {**SMALL, "bottlenecks": [2], "datasets": {"photos": dataset}, "model": model})


@pytest.fixture(scope="module")
def flowers(snakemake, tmp_path_factory):
    """A finished sweep of a perceptron on a table of 200 rows."""
    folder, rng = tmp_path_factory.mktemp("flowers"), np.random.default_rng(0)
    (folder / "table").mkdir()
    values = rng.normal(size=(200, 3)) @ rng.normal(size=(3, 7)) + 10
    pd.DataFrame(values, columns=list("abcdefg")).to_csv(folder / "table/train.csv", index=False)
    dataset = {"source": "arrays", "root": str(folder / "table"), "scale": "standard", "test_fraction": 0.25}
    model = {"architecture": "perceptron", "widths": [8, 6], "likelihood": "gaussian"}
    training = {**SMALL["training"], "epochs": 2, "checkpoints": [2]}
    return run(snakemake, folder, {**SMALL, "datasets": {"flowers": dataset}, "model": model, "training": training})


@pytest.fixture(scope="module")
def mixed(snakemake, tmp_path_factory):
    """A finished sweep of two networks on digits and another one on a table."""
    folder = tmp_path_factory.mktemp("mixed")
    (folder / "table").mkdir()
    np.save(folder / "table/train.npy", np.random.default_rng(0).normal(10, size=(90, 5)))
    return run(snakemake, folder, MIXED, figures=["figure1"])


def run(snakemake, folder, config, figures=FIGURES):
    (folder / "sweep.yaml").write_text(yaml.safe_dump(config))
    done = snakemake(folder, *arguments(folder, *config["datasets"], figures=figures))
    assert done.returncode == 0, done.stdout[-5000:]
    return folder


def arguments(folder, *datasets, figures=FIGURES):
    """Config and targets."""
    figures = [f"results/figures/{dataset}/fresh/{figure}.pdf" for dataset in datasets for figure in figures]
    figures += ["results/figures/compare.pdf", "results/figures/transition.pdf"] * (len(datasets) > 1)
    claims = [f"results/{dataset}/claims.md" for dataset in datasets]
    return "--configfile", str(folder / "sweep.yaml"), "--", *figures, *claims, "results/tables/fidelity.parquet"


def check_outputs(folder, dataset, layers, figures=FIGURES):
    """Figures, claims and the layers of every ID that was measured."""
    for figure in figures:
        for ending in ("png", "pdf", "csv", "txt"):
            assert (folder / f"results/figures/{dataset}/fresh/{figure}.{ending}").stat().st_size > 0, figure
    assert tables.read("claims", [folder / f"results/{dataset}/claims.parquet"]).num_rows > 0
    measured = collected(folder, "intrinsic_dimension", dataset)
    for _, rows in measured.groupby(["bottleneck", "epoch"]):
        assert list(zip(rows["layer_name"], rows["role"], strict=True)) == layers
    assert measured["intrinsic_dimension"].notna().any()
    return collected(folder, "fidelity", dataset)


def collected(folder, kind, dataset):
    table = tables.read(kind, [folder / f"results/tables/{kind}.parquet"]).to_pandas()
    return table[table["dataset"] == dataset]


def test_a_network_of_the_users_own_goes_from_colour_images_of_any_size_to_figures_and_claims(photos):
    names = {"encoder": ["encoder.0", "encoder.2", "encoder.3"], "decoder": ["decoder.0", "decoder.1"]}
    encoder, decoder = ([(name, role) for name in names[role]] for role in ("encoder", "decoder"))
    ends = [[(name, name)] for name in ("input", "bottleneck", "output")]
    fidelity = check_outputs(photos, "photos", [*ends[0], *encoder, *ends[1], *decoder, *ends[2]])
    assert fidelity["frechet_distance"].isna().all()
    # cross-entropy of noise is at least that of a grey image: no value is coded in less than log 2 nats on average
    assert (fidelity["reconstruction"] > 0.5 * 3 * 48 * 64).all()
    pictures = np.load(photos / "results/photos/fresh/k2/seed0/epoch1/reconstructions.npz")
    assert pictures["images"].shape == pictures["samples"].shape == (10, 3, 48, 64)


def test_a_perceptron_goes_from_a_table_to_figures_and_claims(flowers):
    layers = [("input", "input"), *ENCODER[:2], BOTTLENECK, *DECODER[:2], ("output", "output")]
    fidelity = check_outputs(flowers, "flowers", layers)
    assert set(fidelity["reason"]) == {"the inputs are not images, which a Frechet distance compares"}
    with np.load(flowers / "resources/datasets/flowers/train.npz") as train:
        assert train["inputs"].shape == (150, 7)
        np.testing.assert_allclose(train["inputs"].std(0), 1, rtol=1e-4)


def test_one_sweep_holds_several_networks_and_kinds_of_data(snakemake, counted_jobs, mixed):
    layers = {
        "digits": [*ENCODER, BOTTLENECK, LINEAR, *DECODER[:3]],
        "digits-residual": [*ENCODER[:2], BOTTLENECK, LINEAR, *DECODER[:2]],
        "cells": [*ENCODER[:2], BOTTLENECK, *DECODER[:2]],
    }
    for dataset, n_points, n_epochs in (("digits", 40, 1), ("digits-residual", 40, 1), ("cells", 20, 3)):
        expected = [("input", "input"), *layers[dataset], ("output", "output")]
        fidelity = check_outputs(mixed, dataset, expected, figures=["figure1"])
        assert fidelity["n_points"].tolist() == [n_points]
        trained = tables.read("training", [mixed / f"results/{dataset}/fresh/k2/seed0/training.parquet"])
        assert trained.num_rows == n_epochs
    compared = pd.read_csv(mixed / "results/figures/compare.csv").query("panel in ('a', 'b', 'c')")
    drawn = {name: rows["layer_name"].tolist() for name, rows in compared.groupby("dataset")}
    assert drawn == {name: ["input", *[layer for layer, _ in layers[name]], "output"] for name in layers}
    plan = ("-n", *arguments(mixed, *MIXED["datasets"], figures=["figure1"]))
    assert "Nothing to be done" in snakemake(mixed, *plan).stdout
    changed = {**MIXED["datasets"], "cells": {**MIXED["datasets"]["cells"], "model": {**PERCEPTRON, "widths": [6, 5]}}}
    (mixed / "sweep.yaml").write_text(yaml.safe_dump({**MIXED, "datasets": changed}))
    planned = snakemake(mixed, *plan).stdout
    assert counted_jobs(planned)["train"] == 1
    assert "Training on cells" in planned


def test_another_source_of_the_network_trains_again_and_only_that(snakemake, counted_jobs, photos):
    plan = ("-n", *arguments(photos, "photos"))
    assert "Nothing to be done" in snakemake(photos, *plan).stdout
    (photos / "my_vae.py").write_text(MY_VAE + "\n# another source\n")
    try:
        counted = counted_jobs(snakemake(photos, *plan).stdout)
    finally:
        (photos / "my_vae.py").write_text(MY_VAE)
    assert (counted["initialise"], counted["train"]) == (1, 1)
    assert "prepare_dataset" not in counted


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        ({"architecture": "other.py:build"}, "model.architecture other.py:build: there is no file"),
        ({"architecture": "my_vae.py:make"}, "my_vae.py defines no make; write def make(shape, bottleneck)"),
        ({"architecture": "my_vae.py:build", "depth": 3}, "my_vae.py:build takes no option depth; it takes width"),
        ({"architecture": "perceptron", "channels": [4]}, "architecture perceptron takes no option channels; it takes"),
        ({"architecture": "transformer"}, "architecture transformer is unknown; take convolutional, perceptron"),
    ],
)
def test_a_network_that_is_not_there_is_refused_before_anything_runs(snakemake, tmp_path, model, sentence):
    (tmp_path / "my_vae.py").write_text(MY_VAE + "\nraise SystemExit('run')\n")
    (tmp_path / "sweep.yaml").write_text(
        yaml.safe_dump({**SMALL, "datasets": {"digits": {"source": "digits"}}, "model": model})
    )
    refused = snakemake(tmp_path, "-n", "--configfile", str(tmp_path / "sweep.yaml"))
    assert refused.returncode == 1
    last = refused.stdout.strip().splitlines()[-1]
    assert last.startswith(f"{tmp_path}/sweep.yaml: model.")
    assert sentence in last
    assert "Traceback" not in refused.stdout
