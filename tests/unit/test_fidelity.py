import shutil

import numpy as np
import pytest
import torch
from torch.distributions import Bernoulli, Normal, kl_divergence

from vae_geometry import VaeGeometryError, fidelity, tables
from vae_geometry.fidelity import measure_fidelity

POINTS = 40


def measured(dump, output, n_points=POINTS, beta=1.0):
    measure_fidelity(dump, output / "fidelity.parquet", n_points, beta)
    (row,) = tables.read("fidelity", [output / "fidelity.parquet"]).to_pylist()
    return row


def load(dump, name, n_points=POINTS):
    return torch.from_numpy(np.load(dump / f"{name}.npy")[:n_points]).double()


@pytest.mark.parametrize("n_points", [POINTS, 17])
def test_the_elbo_is_that_of_bernoulli_pixels_per_image_in_nats(sweep, tmp_path, n_points):
    row = measured(sweep.dump, tmp_path, n_points)
    images, logits, mean, log_variance = (
        load(sweep.dump, name, n_points) for name in ("layer00", "logits", "mean", "log_variance")
    )
    log_likelihood = Bernoulli(logits=logits, validate_args=False).log_prob(images).sum() / n_points
    kl = kl_divergence(Normal(mean, (log_variance / 2).exp()), Normal(0.0, 1.0)).sum() / n_points
    assert row["reconstruction"] == pytest.approx(-float(log_likelihood), rel=1e-5)
    assert row["kl"] == pytest.approx(float(kl), rel=1e-4)
    assert row["elbo"] == pytest.approx(row["reconstruction"] + row["kl"])
    assert row["n_points"] == n_points


def test_the_reconstruction_agrees_with_the_output_layer(sweep, tmp_path):
    images, outputs = load(sweep.dump, "layer00"), load(sweep.dump, "layer10")
    cross_entropy = -(images * outputs.log() + (1 - images) * (1 - outputs).log()).sum() / POINTS
    assert measured(sweep.dump, tmp_path)["reconstruction"] == pytest.approx(float(cross_entropy), rel=1e-4)


def test_beta_weighs_the_kl(sweep, tmp_path):
    row = measured(sweep.dump, tmp_path, beta=4.0)
    assert row["elbo"] == pytest.approx(row["reconstruction"] + 4 * row["kl"])


def test_the_result_does_not_depend_on_the_batches(sweep, tmp_path, monkeypatch):
    row = measured(sweep.dump, tmp_path)
    monkeypatch.setattr(fidelity, "BATCH_SIZE", 7)
    assert measured(sweep.dump, tmp_path)["elbo"] == pytest.approx(row["elbo"], rel=1e-6)


def test_the_row_names_the_run_and_says_that_there_is_no_fid(sweep, tmp_path):
    row = measured(sweep.dump, tmp_path)
    assert row.items() >= {"dataset": "digits", "noise": "fresh", "bottleneck": 2, "seed": 0, "epoch": 2}.items()
    assert row["frechet_distance"] is None
    assert "FID" in row["reason"]


def test_active_units_are_those_whose_mean_varies_over_the_images(sweep, tmp_path, rng):
    dump = shutil.copytree(sweep.dump, tmp_path / "dump")
    spread = np.array([1.0, 0.2, 0.05, 0.0])  # variances 1, 0.04, 0.0025, 0
    means = 5 + spread * rng.normal(size=(POINTS, 4))
    np.save(dump / "mean.npy", means.astype(np.float32))
    np.save(dump / "log_variance.npy", np.zeros((POINTS, 4), np.float32))
    assert measured(dump, tmp_path)["active_units"] == 2


def test_more_points_than_the_dump_holds_is_an_error(sweep, tmp_path):
    with pytest.raises(VaeGeometryError, match=r"activations: holds 40 images, fidelity.points asks for 41"):
        measured(sweep.dump, tmp_path, POINTS + 1)


@pytest.mark.parametrize("name", ["layer00", "logits", "mean", "log_variance"])
def test_a_dump_that_lacks_an_array_is_named(sweep, tmp_path, name):
    dump = shutil.copytree(sweep.dump, tmp_path / "dump")
    (dump / f"{name}.npy").unlink()
    with pytest.raises(VaeGeometryError, match=f"dump: not a whole activation dump .*{name}.npy"):
        measured(dump, tmp_path)


def test_a_truncated_array_is_an_error(sweep, tmp_path):
    dump = shutil.copytree(sweep.dump, tmp_path / "dump")
    path = dump / "logits.npy"
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(VaeGeometryError, match="not a whole activation dump"):
        measured(dump, tmp_path)


def test_a_folder_without_a_manifest_is_an_error(tmp_path):
    with pytest.raises(VaeGeometryError, match=r"manifest.parquet: no such file"):
        measured(tmp_path, tmp_path)
