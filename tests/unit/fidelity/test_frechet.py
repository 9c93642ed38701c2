"""The Frechet distance against its closed form and against torch-fidelity's own command."""

import json
import os
import subprocess
import sys
from dataclasses import asdict

import numpy as np
import pytest
import torch
from damage import damaged
from PIL import Image
from threadpoolctl import threadpool_limits
from torch_fidelity import (
    FeatureExtractorBase,
    FeatureExtractorInceptionV3,
    calculate_metrics,
    register_feature_extractor,
)
from torch_fidelity.metric_fid import KEY_METRIC_FID, fid_features_to_statistics, fid_statistics_to_metric

from vae_geometry import VaeGeometryError
from vae_geometry.cli import main
from vae_geometry.fidelity import extractors, frechet
from vae_geometry.fidelity.extractors import Weights, extract_features, load_extractor
from vae_geometry.fidelity.frechet import (
    FeatureStatistics,
    frechet_distance,
    prepare_features,
    read_features,
    statistics,
)

pytestmark = pytest.mark.usefixtures("one_thread")
CPU = torch.device("cpu")
N_IMAGES = 12


def gaussian(rng, size, rotation):
    """Mean, covariance and the square root of the covariance."""
    scales = rng.uniform(0.5, 2, size)
    root = rotation @ np.diag(scales) @ rotation.T
    return rng.normal(size=size), root @ root, root


@pytest.mark.parametrize("size", [1, 5, 60])
def test_the_distance_of_two_gaussians_is_the_closed_form(rng, size):
    rotation = np.linalg.qr(rng.normal(size=(size, size)))[0]
    (mean_a, covariance_a, root_a), (mean_b, covariance_b, root_b) = (gaussian(rng, size, rotation) for _ in range(2))
    expected = ((mean_a - mean_b) ** 2).sum() + ((root_a - root_b) ** 2).sum()  # the covariances commute
    assert frechet_distance(mean_a, covariance_a, mean_b, covariance_b) == pytest.approx(expected, rel=1e-6)


def test_the_distance_of_two_gaussians_with_axes_of_their_own_is_the_closed_form(rng):
    (mean_a, a, _), (mean_b, b, _) = (gaussian(rng, 2, np.linalg.qr(rng.normal(size=(2, 2)))[0]) for _ in range(2))
    product = a @ b
    trace_of_root = np.sqrt(np.trace(product) + 2 * np.sqrt(np.linalg.det(product)))  # of any 2 x 2 matrix
    expected = ((mean_a - mean_b) ** 2).sum() + np.trace(a + b) - 2 * trace_of_root
    assert frechet_distance(mean_a, a, mean_b, b) == pytest.approx(expected, rel=1e-6)


def test_the_distance_of_samples_nears_that_of_their_gaussians(rng):
    samples = [torch.from_numpy(scale * rng.normal(size=(100_000, 3)).astype(np.float32)) for scale in (1, 3)]
    assert frechet_distance(*statistics(samples[0]), *statistics(samples[1])) == pytest.approx(
        3 * (3 - 1) ** 2, rel=0.02
    )


def test_mean_and_covariance_are_those_of_the_features(rng):
    values = rng.normal(size=(50, 4)).astype(np.float32)
    mean, covariance = statistics(torch.from_numpy(values))
    np.testing.assert_allclose(mean, values.mean(0), rtol=1e-5)
    np.testing.assert_allclose(covariance, np.cov(values.T), rtol=1e-5)


@pytest.mark.parametrize("n_images", [12, 300])
def test_statistics_and_distance_are_to_the_digit_those_of_torch_fidelity(rng, n_images):
    mix = rng.normal(size=(100, 100))  # 12 images leave the covariance without full rank
    features = [torch.from_numpy((rng.normal(size=(n_images, 100)) @ mix + i).astype(np.float32)) for i in range(2)]
    with threadpool_limits(torch.get_num_threads(), user_api="blas"):  # another number of threads, other digits
        theirs = [fid_features_to_statistics(part) for part in features]
        their_distance = fid_statistics_to_metric(*theirs, verbose=False)[KEY_METRIC_FID]
    ours = [statistics(part) for part in features]
    for (mean, covariance), known in zip(ours, theirs, strict=True):
        assert (mean.tobytes(), covariance.tobytes()) == (known["mu"].tobytes(), known["sigma"].tobytes())
    assert frechet_distance(*ours[0], *ours[1]) == their_distance


@pytest.fixture
def two_folders(digits, tmp_path):
    """Grey digits and noisy ones, as uint8 arrays and as folders of PNG files."""
    with np.load(digits / "test.npz") as file:
        images = file["inputs"][:N_IMAGES]
    noise = np.random.default_rng(0).normal(0, 40, images.shape)
    noisy = np.clip(images + noise, 0, 255).astype(np.uint8)
    for name, pixels in (("a", images), ("b", noisy)):
        (tmp_path / name).mkdir()
        for number, image in enumerate(pixels):
            Image.fromarray(image[0]).save(tmp_path / name / f"{number:03d}.png")
    return images, noisy, tmp_path


def distance(network, images, others):
    return frechet_distance(
        *statistics(extract_features(network, images, CPU)), *statistics(extract_features(network, others, CPU))
    )


class EfficientNetForTheirs(FeatureExtractorBase):
    """Our extractor as one of torch-fidelity's, which makes a network of its own."""

    def __init__(self, name, features_list, **_options):
        super().__init__(name, features_list)
        self.network = load_extractor("efficientnet_lite0", None, CPU)

    def forward(self, images):
        return self.network(images)

    @staticmethod
    def get_provided_features_list():
        return ("1280",)

    @staticmethod
    def get_default_feature_layer_for_metric(metric):
        return "1280"

    @staticmethod
    def can_be_compiled():
        return False


def test_the_distance_equals_that_of_torch_fidelity_with_the_same_extractor(two_folders):
    images, noisy, folder = two_folders
    register_feature_extractor("efficientnet_lite0", EfficientNetForTheirs)
    theirs = calculate_metrics(
        input1=str(folder / "a"),
        input2=str(folder / "b"),
        fid=True,
        feature_extractor="efficientnet_lite0",
        cuda=False,
        cache=False,
        save_cpu_ram=True,
        verbose=False,
    )["frechet_inception_distance"]
    assert distance(load_extractor("efficientnet_lite0", folder, CPU), images, noisy) == pytest.approx(theirs, rel=1e-6)
    assert theirs > 10


def test_the_distance_grows_with_the_noise_on_real_images(two_folders):
    images, _, folder = two_folders
    network, noise = (
        load_extractor("efficientnet_lite0", folder, CPU),
        np.random.default_rng(1).normal(0, 1, images.shape),
    )
    noisy = [np.clip(images + amplitude * noise, 0, 255).astype(np.uint8) for amplitude in (0, 5, 15, 40)]
    distances = [distance(network, images, others) for others in noisy]
    assert distances == sorted(distances)
    assert abs(distances[0]) < 1e-3 * distances[1]


@pytest.fixture(scope="module")
def random_inception(tmp_path_factory):
    """A file like Inception's weights, with random numbers, and what identifies it."""
    folder = tmp_path_factory.mktemp("inception")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FeatureExtractorInceptionV3, "load_state_dict", lambda *_: None)
        patch.setattr(torch, "load", lambda *_, **__: {})
        torch.manual_seed(0)
        network = FeatureExtractorInceptionV3("inception", ["2048"], feature_extractor_weights_path="none")
    path = folder / extractors.INCEPTION.name
    for parameter in network.parameters():  # He's initialisation, lest the features of all images be the same
        if parameter.ndim == 4:
            torch.nn.init.kaiming_normal_(parameter)
    torch.save(network.state_dict(), path)
    sha256 = extractors.hashlib.sha256(path.read_bytes()).hexdigest()
    return path, Weights(path.name, path.stat().st_size, sha256)


def test_the_fid_equals_that_of_the_command_fidelity(two_folders, random_inception, monkeypatch):
    images, noisy, folder = two_folders
    path, weights = random_inception
    monkeypatch.setattr(extractors, "INCEPTION", weights)
    command = [sys.executable, "-m", "torch_fidelity.fidelity", "--cpu", "--fid", "--json", "--silent", "--no-cache"]
    command += ["--save-cpu-ram", "--feature-extractor-weights-path", str(path)]
    command += ["--input1", str(folder / "a"), "--input2", str(folder / "b")]
    one_thread = {**os.environ, "OMP_NUM_THREADS": "1"}
    theirs = json.loads(subprocess.run(command, check=True, capture_output=True, text=True, env=one_thread).stdout)
    network = load_extractor("inception", path, CPU)
    assert distance(network, images, noisy) == pytest.approx(theirs["frechet_inception_distance"], rel=1e-6)


def test_grey_images_have_the_features_of_three_equal_channels(digits):
    with np.load(digits / "test.npz") as file:
        grey = file["inputs"][:3]
    network = load_extractor("efficientnet_lite0", digits, CPU)
    assert torch.equal(extract_features(network, grey, CPU), extract_features(network, grey.repeat(3, axis=1), CPU))


def test_features_do_not_depend_on_the_other_images(digits):
    with np.load(digits / "test.npz") as file:
        images = file["inputs"][:13]
    network = load_extractor("efficientnet_lite0", digits, CPU)
    apart = torch.cat([extract_features(network, image[None], CPU) for image in images])
    torch.testing.assert_close(extract_features(network, images, CPU), apart, rtol=1e-4, atol=1e-4)


def test_the_features_are_kept_whole_and_the_same_bytes_twice(digits, tmp_path):
    for name in ("a.npz", "b.npz"):
        prepare_features(digits / "test.npz", tmp_path / name, "efficientnet_lite0", 30, tmp_path, CPU)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.npz", "b.npz"]
    known = read_features(tmp_path / "a.npz")
    assert (known.extractor, known.n_points, known.rank) == ("efficientnet_lite0", 30, 29)
    assert (known.mean.shape, known.covariance.shape) == ((1280,), (1280, 1280))


def save_images(path, images):
    images = images if images.dtype == np.float32 else images.astype(np.uint8)
    np.savez(path, inputs=images, labels=np.zeros(len(images), int))


@pytest.mark.parametrize(
    ("images", "points", "sentence"),
    [
        (np.zeros((0, 1, 32, 32)), 10, "test.npz: inputs are uint8 (0, 1, 32, 32), not uint8 (N, 1 or 3, H, W)"),
        (np.zeros((10, 1, 32, 32)), 10, "test.npz: the first 10 images are all the same; give images that differ"),
        (np.full((10, 3, 32, 32), 200), 10, "test.npz: the first 10 images are all the same; give images that differ"),
        (np.eye(10, dtype=np.float32), 10, "test.npz: holds arrays, and features are those of images; give a data"),
        (np.zeros((4, 1, 32, 32)), 10, "test.npz: holds 4 images, 10 points are requested"),
    ],
)
def test_images_that_have_no_statistics_are_one_sentence(tmp_path, capsys, images, points, sentence):
    save_images(tmp_path / "test.npz", images)
    command = ["prepare-features", str(tmp_path / "test.npz"), "--output", str(tmp_path / "features.npz")]
    assert main([*command, "--extractor", "efficientnet_lite0", "--points", str(points)]) == 1
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert sentence in line
    assert not (tmp_path / "features.npz").exists()


BAD_FILES = {
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text("mean"),
    "other arrays": lambda path: np.savez(path, inputs=np.zeros(3)),
    "pickle": lambda path: np.save(path.open("wb"), np.array([{}]), allow_pickle=True),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_a_file_that_holds_no_features_is_named(tmp_path, case):
    BAD_FILES[case](tmp_path / "features.npz")
    sentence = r"features.npz: not a complete npz file with extractor, .*; move it away and run prepare-features again"
    with pytest.raises(VaeGeometryError, match=sentence):
        read_features(tmp_path / "features.npz")


@pytest.fixture
def small_features(rng, monkeypatch):
    """Statistics of an extractor of four features."""
    monkeypatch.setitem(frechet.EXTRACTORS, "efficientnet_lite0", 4)
    covariance = np.cov(rng.normal(size=(4, 9)))
    return FeatureStatistics("efficientnet_lite0", 64 * "0", 9, 4, rng.normal(size=4).astype(np.float32), covariance)


def test_random_damage_of_features_is_seen_or_does_no_harm(tmp_path, rng, small_features):
    path, sentences = tmp_path / "features.npz", []
    np.savez(path, **asdict(small_features))
    whole = path.read_bytes()
    for _ in range(500):
        path.write_bytes(damaged(whole, rng))
        try:
            read = read_features(path)
        except VaeGeometryError as error:
            sentences.append(str(error))
        else:
            assert repr(read) == repr(small_features)
    assert len(sentences) > 400
    assert "\n" not in "".join(sentences)


@pytest.mark.parametrize(
    "change", [{"n_points": "9"}, {"rank": 4.0}, {"extractor": 7}, {"mean": np.array(4 * ["0"])}, {"rank": [4, 4]}]
)
def test_features_of_other_types_are_named(tmp_path, small_features, change):
    np.savez(tmp_path / "features.npz", **{**asdict(small_features), **change})
    with pytest.raises(VaeGeometryError, match=r"features.npz: not a file of features \(.*\); remove it"):
        read_features(tmp_path / "features.npz")


def test_absent_features_are_named(tmp_path):
    with pytest.raises(VaeGeometryError, match=r"features.npz: no such file; run prepare-features first"):
        read_features(tmp_path / "features.npz")


def test_features_are_whole_or_absent(digits, tmp_path, monkeypatch):
    def fail(file, _array, **_options):
        file.write(b"half")
        raise OSError("no space left on device")

    monkeypatch.setattr("vae_geometry.arrays.npy.write_array", fail)
    with pytest.raises(VaeGeometryError, match="no space"):
        prepare_features(digits / "test.npz", tmp_path / "features.npz", "efficientnet_lite0", 5, tmp_path, CPU)
    assert not (tmp_path / "features.npz").exists()
