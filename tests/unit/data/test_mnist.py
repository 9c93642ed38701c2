import os
import struct
from pathlib import Path

import numpy as np
import pytest
from damage import damaged
from PIL import Image
from raw_files import MNIST_FILES, prepared, write_idx, write_mnist
from torchvision.transforms import Resize

from vae_geometry import VaeGeometryError
from vae_geometry.data.prepared import load_inputs, prepare_dataset
from vae_geometry.data.sources import SOURCES, Preparation


@pytest.mark.parametrize("inside", ["", "raw", "MNIST/raw"])
def test_raw_mnist_files_under_root_are_used(tmp_path, rng, inside):
    raw = write_mnist(tmp_path / "root" / inside, rng)
    parts = prepared("mnist", tmp_path / "out", tmp_path / "root")
    for (images, labels), originals in zip(parts, raw, strict=True):
        by_torchvision = [np.asarray(Resize((32, 32))(Image.fromarray(image))) for image in originals]
        assert np.array_equal(images[:, 0], np.stack(by_torchvision))
        assert labels.tolist() == list(range(len(originals)))
    assert not (tmp_path / "out/downloads").exists()


def test_fashion_mnist_is_another_folder_than_mnist(tmp_path, rng):
    write_mnist(tmp_path / "FashionMNIST/raw", rng)
    assert len(prepared("fashion_mnist", tmp_path / "out", tmp_path)[0][0]) == 6
    with pytest.raises(VaeGeometryError, match="lacks the raw files"):
        prepared("mnist", tmp_path / "out2", tmp_path)


def test_files_that_were_downloaded_before_are_used(tmp_path, rng):
    write_mnist(tmp_path / "downloads/MNIST/raw", rng)
    prepare_dataset("mnist", tmp_path / "out", Preparation(None, tmp_path / "downloads"))
    assert load_inputs(tmp_path / "out/test.npz").shape == (4, 1, 32, 32)


def test_a_truncated_idx_file_is_named_with_its_size(tmp_path, rng):
    write_mnist(tmp_path, rng)
    path = tmp_path / "t10k-images-idx3-ubyte"
    path.write_bytes(path.read_bytes()[:1204])
    with pytest.raises(VaeGeometryError, match="t10k-images-idx3-ubyte: has 1,204 bytes, not 3,152; remove"):
        prepared("mnist", tmp_path / "out", tmp_path)
    assert not (tmp_path / "out").exists()


def test_an_idx_file_that_is_too_long_is_named(tmp_path, rng):
    write_mnist(tmp_path, rng)
    path = tmp_path / "train-labels-idx1-ubyte"
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(VaeGeometryError, match="train-labels-idx1-ubyte: has 15 bytes, not 14"):
        prepared("mnist", tmp_path / "out", tmp_path)


@pytest.mark.parametrize(
    "content", [b"", b"\0\0\x08", b"<html>404</html>", b"\0\0\x08\x03\0\0", b"\x1f\x8b\x08\x00" * 9]
)
def test_a_file_that_is_no_idx_file_is_named(tmp_path, rng, content):
    write_mnist(tmp_path, rng)
    (tmp_path / "train-images-idx3-ubyte").write_bytes(content)
    with pytest.raises(VaeGeometryError, match="train-images-idx3-ubyte: not an IDX file of bytes"):
        prepared("mnist", tmp_path / "out", tmp_path)


@pytest.mark.parametrize("shape", [(2**31, 2**31, 4), (0, 28, 28), (6, 0, 28)])
def test_sizes_that_overflow_or_hold_no_pixel_are_an_error(tmp_path, rng, shape):
    write_mnist(tmp_path, rng)
    (tmp_path / "train-images-idx3-ubyte").write_bytes(struct.pack(">BBBB3I", 0, 0, 8, 3, *shape))
    with pytest.raises(VaeGeometryError, match=r"train-images-idx3-ubyte: .*; remove it to download it again"):
        prepared("mnist", tmp_path / "out", tmp_path)


def test_random_damage_of_idx_files_never_ends_in_a_traceback(tmp_path, rng):
    write_mnist(tmp_path, rng, 2, 2)
    whole = {name: (tmp_path / name).read_bytes() for name in MNIST_FILES}
    refused = 0
    for _ in range(500):
        name = MNIST_FILES[rng.integers(len(MNIST_FILES))]
        (tmp_path / name).write_bytes(damaged(whole[name], rng))
        try:
            prepared("mnist", tmp_path / "out", tmp_path)
        except VaeGeometryError:
            refused += 1
        (tmp_path / name).write_bytes(whole[name])
    assert refused > 300


def test_images_and_labels_of_unequal_number_are_an_error(tmp_path, rng):
    write_mnist(tmp_path, rng)
    write_idx(tmp_path / "train-labels-idx1-ubyte", np.arange(5))
    with pytest.raises(VaeGeometryError, match=r"train-(images|labels)"):
        prepared("mnist", tmp_path / "out", tmp_path)


def test_labels_in_the_place_of_images_are_an_error(tmp_path, rng):
    write_mnist(tmp_path, rng)
    write_idx(tmp_path / "train-images-idx3-ubyte", np.arange(6))
    with pytest.raises(VaeGeometryError, match="train-images-idx3-ubyte"):
        prepared("mnist", tmp_path / "out", tmp_path)


def test_a_root_that_lacks_one_file_is_not_used_in_part(tmp_path, rng):
    write_mnist(tmp_path, rng)
    (tmp_path / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(VaeGeometryError, match="lacks the raw files"):
        prepared("mnist", tmp_path / "out", tmp_path)


@pytest.mark.skipif("VAE_GEOMETRY_TEST_DATA" not in os.environ, reason="VAE_GEOMETRY_TEST_DATA names no folder of data")
def test_the_published_files_hold_as_many_images_as_the_registry_says():
    raw = Path(os.environ["VAE_GEOMETRY_TEST_DATA"], "MNIST/raw")
    headers = [(raw / f"{part}-images-idx3-ubyte").read_bytes()[:8] for part in ("train", "t10k")]
    assert SOURCES["mnist"].sizes == tuple(struct.unpack(">4xI", header)[0] for header in headers)
