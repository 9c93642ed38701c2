"""The ELBO of networks with a gaussian likelihood, from dumps of vectors."""

import numpy as np
import pytest

from vae_geometry import VaeGeometryError, tables
from vae_geometry.fidelity.frechet import FeatureStatistics
from vae_geometry.fidelity.measure import measure_fidelity

pytestmark = pytest.mark.usefixtures("one_thread")
N, WIDTH, BOTTLENECK = 30, 5, 2
RUN = {"dataset": "table", "noise": "fresh", "bottleneck": BOTTLENECK, "seed": 0, "epoch": 1}
LAYERS = {"input": WIDTH, "bottleneck": BOTTLENECK, "output": WIDTH}


@pytest.fixture
def arrays(rng):
    names = {"layer00": WIDTH, "layer01": BOTTLENECK, "layer02": WIDTH, "logits": WIDTH}
    names |= {"mean": BOTTLENECK, "log_variance": BOTTLENECK}
    return {name: rng.normal(scale=3, size=(N, width)).astype(np.float32) for name, width in names.items()}


def write_dump(folder, arrays, **changes):
    folder.mkdir()
    for name, array in {**arrays, "samples": arrays["logits"]}.items():
        np.save(folder / f"{name}.npy", array)
    law = {"likelihood": "gaussian", "output_variance": 0.7, "n_points": N} | changes
    rows = [
        RUN | law | {"layer": layer, "layer_name": role, "role": role, "extrinsic_dimension": width, "shape": [width]}
        for layer, (role, width) in enumerate(LAYERS.items())
    ]
    tables.write("manifest", rows, folder / "manifest.parquet")
    return folder


def measured(dump, output, **options):
    measure_fidelity(dump, output / "fidelity.parquet", n_points=20, beta=2.0, **options)
    (row,) = tables.read("fidelity", [output / "fidelity.parquet"]).to_pylist()
    return row


def test_the_elbo_of_a_gaussian_equals_a_computation_by_hand(tmp_path, arrays):
    row = measured(write_dump(tmp_path / "dump", arrays), tmp_path)
    x, y, mean, log_variance = (
        arrays[name][:20].astype(float) for name in ("layer00", "logits", "mean", "log_variance")
    )
    reconstruction = ((x - y) ** 2 / (2 * 0.7) + np.log(2 * np.pi * 0.7) / 2).sum() / 20
    kl = (0.5 * (mean**2 + np.exp(log_variance) - 1 - log_variance)).sum(0) / 20
    assert row["reconstruction"] == pytest.approx(reconstruction, rel=1e-6)
    assert row["kl_per_unit"] == pytest.approx(kl.tolist(), rel=1e-6)
    assert row["elbo"] == pytest.approx(reconstruction + 2 * kl.sum(), rel=1e-6)
    assert row["frechet_distance"] is None
    assert row["reason"] == "the inputs are not images, which a Frechet distance compares"


@pytest.mark.parametrize("changes", [{"likelihood": "bernoulli"}, {"output_variance": None}, {"likelihood": "poisson"}])
def test_a_likelihood_that_does_not_go_with_its_variance_is_named(tmp_path, arrays, changes):
    dump = write_dump(tmp_path / "dump", arrays, **changes)
    with pytest.raises(
        VaeGeometryError, match=r"manifest.parquet: names no likelihood with its variance; dump the activations again"
    ):
        measured(dump, tmp_path)


def test_values_outside_0_and_1_are_no_pixels_of_a_bernoulli(tmp_path, arrays):
    dump = write_dump(tmp_path / "dump", arrays, likelihood="bernoulli", output_variance=None)
    with pytest.raises(
        VaeGeometryError, match=r"layer00.npy: holds values that are not between 0 and 1; dump the activations again"
    ):
        measured(dump, tmp_path)


def test_features_do_not_go_with_vectors(tmp_path, arrays, monkeypatch):
    known = FeatureStatistics("efficientnet_lite0", "", 20, 3, np.zeros(4), np.eye(4))
    monkeypatch.setattr("vae_geometry.fidelity.measure.read_features", lambda path: known)
    dump = write_dump(tmp_path / "dump", arrays)
    with pytest.raises(VaeGeometryError, match=r"dump: inputs of 5 are not images; leave --features out"):
        measured(dump, tmp_path, features=tmp_path / "features.npz")
