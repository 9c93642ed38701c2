import shutil
from dataclasses import asdict

import numpy as np
import pytest
import torch
from torch.distributions import Bernoulli, Normal, kl_divergence

from vae_geometry import VaeGeometryError, tables
from vae_geometry.fidelity import elbo, measure
from vae_geometry.fidelity.extractors import extract_features, load_extractor
from vae_geometry.fidelity.frechet import FeatureStatistics, frechet_distance, read_features, statistics
from vae_geometry.fidelity.measure import measure_fidelity

pytestmark = pytest.mark.usefixtures("one_thread")
CPU = torch.device("cpu")
POINTS = 40
IMAGES, OUTPUTS = "layer00", "layer10"  # of the paper's network


@pytest.fixture
def features(sweep):
    """Statistics of the features of the test images of the sweep."""
    return sweep.selection.results / "features.npz"


def measured(dump, output, n_points=POINTS, beta=1.0, features=None):
    measure_fidelity(dump, output / "fidelity.parquet", n_points, beta, features)
    (row,) = tables.read("fidelity", [output / "fidelity.parquet"]).to_pylist()
    return row


def load(dump, name, n_points=POINTS):
    return torch.from_numpy(np.load(dump / f"{name}.npy")[:n_points]).double()


@pytest.mark.parametrize("n_points", [POINTS, 17])
def test_the_elbo_is_that_of_bernoulli_pixels_per_image_in_nats(sweep, tmp_path, n_points):
    row = measured(sweep.dump, tmp_path, n_points)
    images, logits, mean, log_variance = (
        load(sweep.dump, name, n_points) for name in (IMAGES, "logits", "mean", "log_variance")
    )
    log_likelihood = Bernoulli(logits=logits, validate_args=False).log_prob(images).sum() / n_points
    kl = kl_divergence(Normal(mean, (log_variance / 2).exp()), Normal(0.0, 1.0)).sum() / n_points
    assert row["reconstruction"] == pytest.approx(-float(log_likelihood), rel=1e-5)
    assert row["kl"] == pytest.approx(float(kl), rel=1e-4)
    assert row["elbo"] == pytest.approx(row["reconstruction"] + row["kl"])
    assert row["n_points"] == n_points


def test_the_reconstruction_agrees_with_the_output_layer(sweep, tmp_path):
    images, outputs = load(sweep.dump, IMAGES), load(sweep.dump, OUTPUTS)
    cross_entropy = -(images * outputs.log() + (1 - images) * (1 - outputs).log()).sum() / POINTS
    assert measured(sweep.dump, tmp_path)["reconstruction"] == pytest.approx(float(cross_entropy), rel=1e-4)


def test_beta_weighs_the_kl(sweep, tmp_path):
    row = measured(sweep.dump, tmp_path, beta=4.0)
    assert row["elbo"] == pytest.approx(row["reconstruction"] + 4 * row["kl"])


def test_the_result_does_not_depend_on_the_batches(sweep, tmp_path, monkeypatch):
    row = measured(sweep.dump, tmp_path)
    monkeypatch.setattr(elbo, "BATCH_SIZE", 7)
    assert measured(sweep.dump, tmp_path)["elbo"] == pytest.approx(row["elbo"], rel=1e-6)


def test_without_features_the_distance_is_null_with_its_reason(sweep, tmp_path):
    row = measured(sweep.dump, tmp_path)
    assert row.items() >= {"dataset": "digits", "noise": "fresh", "bottleneck": 2, "seed": 0, "epoch": 2}.items()
    assert (row["frechet_distance"], row["extractor"], row["warning"]) == (None, None, None)
    assert "fidelity.extractor is none" in row["reason"]


def of_units(sweep, folder, means, log_variances):
    """The dump of the sweep with other posteriors."""
    dump = shutil.copytree(sweep.dump, folder)
    np.save(dump / "mean.npy", means)
    np.save(dump / "log_variance.npy", log_variances)
    manifest = tables.read("manifest", [dump / "manifest.parquet"]).to_pylist()
    rows = [{**row, "bottleneck": means.shape[1]} for row in manifest]
    tables.write("manifest", rows, dump / "manifest.parquet")
    return dump


def test_units_share_the_kl_and_are_active_where_their_mean_varies(sweep, tmp_path):
    means = np.tile(np.float32([1.0, 0.11, 0.09, 0.0]), (POINTS, 1))  # KL = mean^2 / 2 where the variance is 1
    means[::2] *= -1
    log_variances = np.zeros((POINTS, 4), np.float32)
    row = measured(of_units(sweep, tmp_path / "dump", means, log_variances), tmp_path)
    assert row["kl_per_unit"] == pytest.approx([0.5, 0.00605, 0.00405, 0.0])
    assert row["kl"] == pytest.approx(sum(row["kl_per_unit"]))
    assert row["active_units"] == 2
    constant = log_variances - np.float32([0, 0, 0, 2])  # a sigma that is the same for all says nothing of an image
    row = measured(of_units(sweep, tmp_path / "constant", means, constant), tmp_path)
    assert row["kl_per_unit"][3] == pytest.approx((np.exp(-2) - 1 + 2) / 2)
    assert row["active_units"] == 2


def test_the_aggregate_posterior_is_as_far_from_the_prior_as_its_moments_say(sweep, tmp_path):
    means = np.repeat(np.float32([[1.0, 2.0], [-1.0, 2.0]]), POINTS // 2, axis=0)
    row = measured(of_units(sweep, tmp_path / "dump", means, np.zeros((POINTS, 2), np.float32)), tmp_path)
    assert row["aggregate_divergence"] == pytest.approx((2 - 1 - np.log(2) + 4) / 2)  # a variance of 2, a mean of 2
    flat = np.full((POINTS, POINTS), -100, np.float32)
    dump = of_units(sweep, tmp_path / "flat", np.eye(POINTS, dtype=np.float32), flat)
    row = measured(dump, tmp_path / "out")
    assert row["aggregate_divergence"] is None
    assert row["reason"] == (
        "the aggregate divergence was not measured: the covariance of z is singular; "
        "the Frechet distance was not measured: fidelity.extractor is none"
    )


def as_bytes(values):
    return np.floor(values.reshape(-1, 1, 32, 32).astype(float) * 255 + 0.5).astype(np.uint8)


def test_the_distance_is_that_of_the_dumps_output_rounded_to_bytes(sweep, features, tmp_path):
    dump = shutil.copytree(sweep.dump, tmp_path / "dump")
    levels = np.load(dump / f"{OUTPUTS}.npy") * 255
    levels = np.floor(levels) + np.where(levels % 1 < 0.5, 0.3, 0.7)  # halfway, the last digit of a float would decide
    np.save(dump / f"{OUTPUTS}.npy", (levels / 255).astype(np.float32))
    row = measured(dump, tmp_path, features=features)
    network = load_extractor("efficientnet_lite0", tmp_path, CPU)
    images, outputs, samples = (
        statistics(extract_features(network, as_bytes(np.load(dump / f"{name}.npy")), CPU))
        for name in (IMAGES, OUTPUTS, "samples")
    )
    assert row["frechet_distance"] == pytest.approx(frechet_distance(*images, *outputs), rel=1e-6)
    assert row["samples_frechet_distance"] == pytest.approx(frechet_distance(*images, *samples), rel=1e-6)
    assert 10 < row["frechet_distance"] < row["samples_frechet_distance"]
    assert row["extractor"] == "efficientnet_lite0"
    assert row["reason"] is None


def test_fewer_images_than_features_are_a_warning_in_the_table(sweep, features, tmp_path):
    warning = measured(sweep.dump, tmp_path, features=features)["warning"]
    assert warning.startswith("fewer images (40) than features (1280), the covariance has rank 39: ")


def test_a_covariance_without_full_rank_is_a_warning_however_many_images_there_are(sweep, features, tmp_path):
    known = read_features(features)
    fields = {**asdict(known), "mean": known.mean[:38], "covariance": known.covariance[:38, :38], "rank": 37}
    alike = measure._warning(FeatureStatistics(**fields), np.zeros((2, 1)))
    assert alike.startswith("all reconstructions are the same image; the covariance has rank 37")
    differ = np.arange(2)[:, None]
    assert "rank 37: 1 of 38 features do not vary" in measure._warning(FeatureStatistics(**fields), differ)
    assert measure._warning(FeatureStatistics(**{**fields, "rank": 38}), differ) is None


def test_a_network_that_makes_one_image_of_all_has_a_distance_and_a_warning(sweep, features, tmp_path):
    dump = shutil.copytree(sweep.dump, tmp_path / "dump")
    np.save(dump / f"{OUTPUTS}.npy", np.full((POINTS, 1024), 0.5, np.float32))
    row = measured(dump, tmp_path, features=features)
    assert row["frechet_distance"] > 10
    assert row["warning"].startswith("all reconstructions are the same image; fewer images (40) than features (1280)")


@pytest.mark.parametrize("value", [np.nan, -0.1, 1.5])
def test_outputs_that_are_no_pixels_are_an_error(sweep, features, tmp_path, value):
    dump = shutil.copytree(sweep.dump, tmp_path / "dump")
    outputs = np.load(dump / f"{OUTPUTS}.npy")
    outputs[3, 7] = value
    np.save(dump / f"{OUTPUTS}.npy", outputs)
    with pytest.raises(VaeGeometryError, match=rf"dump/{OUTPUTS}.npy: holds values that are not between 0 and 1"):
        measured(dump, tmp_path, features=features)


@pytest.mark.parametrize("n_points", [POINTS, POINTS - 1])
def test_features_of_other_images_are_an_error(sweep, features, tmp_path, n_points):
    dump = shutil.copytree(sweep.dump, tmp_path / "dump")
    if n_points == POINTS:
        np.save(dump / f"{IMAGES}.npy", np.load(dump / f"{IMAGES}.npy")[::-1])
    with pytest.raises(VaeGeometryError, match=rf"features of 40 images, which are not the {n_points} of .*dump; rem"):
        measured(dump, tmp_path, n_points, features=features)
    assert not (tmp_path / "fidelity.parquet").exists()


def test_an_output_layer_that_lacks_images_is_an_error(sweep, features, tmp_path):
    dump = shutil.copytree(sweep.dump, tmp_path / "dump")
    np.save(dump / f"{OUTPUTS}.npy", np.load(dump / f"{OUTPUTS}.npy")[:30])
    with pytest.raises(VaeGeometryError, match=r"layer10.npy has shape \(30, 1024\), its manifest.parquet says \(40,"):
        measured(dump, tmp_path, features=features)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"mean": np.zeros(100, np.float32)}, r"it holds \(100,\) means and \(1280, 1280\) covariances"),
        ({"mean": np.full(1280, np.nan, np.float32)}, "it holds values that are not numbers"),
        ({"extractor": "resnet"}, "it names the extractor resnet"),
    ],
)
def test_features_that_cannot_be_are_an_error(sweep, features, tmp_path, change, reason):
    np.savez(tmp_path / "features.npz", **{**asdict(read_features(features)), **change})
    with pytest.raises(VaeGeometryError, match=rf"features.npz: not a file of features \({reason}\); remove it"):
        measured(sweep.dump, tmp_path, features=tmp_path / "features.npz")


def test_more_points_than_the_dump_holds_is_an_error(sweep, tmp_path):
    with pytest.raises(VaeGeometryError, match=r"activations: holds 40 inputs, 41 points are requested"):
        measured(sweep.dump, tmp_path, POINTS + 1)


@pytest.mark.parametrize("name", [IMAGES, OUTPUTS, "logits", "mean", "log_variance"])
def test_a_dump_that_lacks_an_array_is_named(sweep, tmp_path, name):
    dump = shutil.copytree(sweep.dump, tmp_path / "dump")
    (dump / f"{name}.npy").unlink()
    with pytest.raises(VaeGeometryError, match=f"dump: not a complete activation dump .*{name}.npy"):
        measured(dump, tmp_path)


def test_a_truncated_array_is_an_error(sweep, tmp_path):
    dump = shutil.copytree(sweep.dump, tmp_path / "dump")
    path = dump / "logits.npy"
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(VaeGeometryError, match=r"dump/logits.npy: not a complete npy file"):
        measured(dump, tmp_path)


def test_a_folder_without_a_manifest_is_an_error(tmp_path):
    with pytest.raises(VaeGeometryError, match=r"manifest.parquet: no such file"):
        measured(tmp_path, tmp_path)


def test_a_manifest_without_an_output_is_an_error(sweep, tmp_path):
    dump = shutil.copytree(sweep.dump, tmp_path / "dump")
    rows = tables.read("manifest", [dump / "manifest.parquet"]).to_pylist()
    tables.write("manifest", [row for row in rows if row["role"] != "output"], dump / "manifest.parquet")
    with pytest.raises(
        VaeGeometryError, match="dump: its manifest names no layer of role output; dump the activations again"
    ):
        measured(dump, tmp_path)


def test_a_table_of_another_run_is_not_replaced(sweep, tmp_path):
    path = tmp_path / "fidelity.parquet"
    shutil.copy(sweep.selection.results / "digits/fresh/k3/seed0/epoch2/fidelity.parquet", path)
    before = path.read_bytes()
    with pytest.raises(VaeGeometryError, match=r"is of bottleneck 3 and is not replaced by a table of bottleneck 2"):
        measured(sweep.dump, tmp_path)
    assert path.read_bytes() == before
