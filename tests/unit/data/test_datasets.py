import os
import pickle
import struct
from urllib.error import URLError

import numpy as np
import pytest
import torchvision
from PIL import Image
from torchvision.transforms import Resize

from vae_geometry import VaeGeometryError
from vae_geometry.data.images import load_images, prepare_dataset

MNIST_FILES = [f"{part}-{kind}" for part in ("train", "t10k") for kind in ("images-idx3-ubyte", "labels-idx1-ubyte")]
CIFAR_FILES = [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch", "batches.meta"]


def write_idx(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    path.write_bytes(header + array.astype(np.uint8).tobytes())


def write_mnist(folder, rng, n_train=6, n_test=4):
    """Files of the MNIST format; returns the raw images (N, 28, 28) of both parts."""
    parts = [rng.integers(0, 256, (n, 28, 28), np.uint8) for n in (n_train, n_test)]
    for part, images in zip(("train", "t10k"), parts, strict=True):
        write_idx(folder / f"{part}-images-idx3-ubyte", images)
        write_idx(folder / f"{part}-labels-idx1-ubyte", np.arange(len(images)) % 10)
    return parts


def prepared(source, output, root=None):
    """Images and labels of train and test."""
    prepare_dataset(source, output, root, output / "downloads")
    parts = []
    for name in ("train", "test"):
        with np.load(output / f"{name}.npz") as file:
            parts.append((file["images"], file["labels"]))
    return parts


def test_digits_are_the_embedded_set_with_the_last_500_for_test(digits):
    with np.load(digits / "train.npz") as train, np.load(digits / "test.npz") as test:
        assert train["images"].shape == (1297, 1, 32, 32)
        assert test["images"].shape == (500, 1, 32, 32)
        assert train["images"].dtype == test["images"].dtype == np.uint8
        assert train["labels"][:10].tolist() == list(range(10))
        assert (train["images"].min(), train["images"].max()) == (0, 255)
        # the first digit, a zero, is dark in its centre and bright around it
        assert train["images"][0, 0, 16, 16] < 50 < 120 < train["images"][0, 0, 16, 8:14].max()


def test_the_same_data_set_twice_has_the_same_images(tmp_path, digits):
    for (images, labels), name in zip(prepared("digits", tmp_path), ("train", "test"), strict=True):
        with np.load(digits / f"{name}.npz") as before:
            assert np.array_equal(images, before["images"])
            assert np.array_equal(labels, before["labels"])


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
    prepare_dataset("mnist", tmp_path / "out", None, tmp_path / "downloads")
    assert load_images(tmp_path / "out/test.npz").shape == (4, 1, 32, 32)


def test_a_truncated_idx_file_is_named_with_its_size(tmp_path, rng):
    write_mnist(tmp_path, rng)
    path = tmp_path / "t10k-images-idx3-ubyte"
    path.write_bytes(path.read_bytes()[:1204])
    with pytest.raises(VaeGeometryError, match="t10k-images-idx3-ubyte: file ends after 1,204 of 3,152 bytes; remove"):
        prepared("mnist", tmp_path / "out", tmp_path)
    assert not (tmp_path / "out").exists()


def test_an_idx_file_that_goes_on_is_named(tmp_path, rng):
    write_mnist(tmp_path, rng)
    path = tmp_path / "train-labels-idx1-ubyte"
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(VaeGeometryError, match="train-labels-idx1-ubyte: file goes on after its end: 15 of 14 bytes"):
        prepared("mnist", tmp_path / "out", tmp_path)


@pytest.mark.parametrize(
    "content", [b"", b"\0\0\x08", b"<html>404</html>", b"\0\0\x08\x03\0\0", b"\x1f\x8b\x08\x00" * 9]
)
def test_a_file_that_is_no_idx_file_is_named(tmp_path, rng, content):
    write_mnist(tmp_path, rng)
    (tmp_path / "train-images-idx3-ubyte").write_bytes(content)
    with pytest.raises(VaeGeometryError, match="train-images-idx3-ubyte: not an IDX file of bytes"):
        prepared("mnist", tmp_path / "out", tmp_path)


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


@pytest.mark.parametrize(
    ("source", "names"), [("mnist", MNIST_FILES), ("fashion_mnist", MNIST_FILES), ("cifar10", CIFAR_FILES)]
)
def test_a_root_without_the_raw_files_says_which_to_put_there(tmp_path, source, names):
    with pytest.raises(VaeGeometryError) as error:
        prepared(source, tmp_path / "out", tmp_path / "root")
    assert f"{source}: root {tmp_path / 'root'} lacks the raw files" in str(error.value)
    assert all(name in str(error.value) for name in names)


def test_a_root_that_lacks_one_file_is_not_used_in_part(tmp_path, rng):
    write_mnist(tmp_path, rng)
    (tmp_path / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(VaeGeometryError, match="lacks the raw files"):
        prepared("mnist", tmp_path / "out", tmp_path)


@pytest.mark.parametrize("failure", [URLError("Name or service not known"), RuntimeError("Error downloading x:\nmore")])
@pytest.mark.parametrize(
    ("source", "dataset", "folder", "names"),
    [
        ("mnist", "MNIST", "MNIST/raw", MNIST_FILES),
        ("fashion_mnist", "FashionMNIST", "FashionMNIST/raw", MNIST_FILES),
        ("cifar10", "CIFAR10", "cifar-10-batches-py", CIFAR_FILES),
    ],
)
def test_without_a_network_one_sentence_says_which_files_to_put_where(
    tmp_path, monkeypatch, source, dataset, folder, names, failure
):
    def download(*_arguments, **_options):
        raise failure

    monkeypatch.setattr(torchvision.datasets, dataset, download)
    with pytest.raises(VaeGeometryError) as error:
        prepared(source, tmp_path)
    message = str(error.value)
    assert message.startswith(f"{source} cannot be downloaded (")
    assert "\n" not in message
    assert all(name in message for name in names)
    assert message.endswith(f"into {tmp_path / 'downloads' / folder}")
    assert not (tmp_path / "train.npz").exists()


class Trap:
    """Makes a folder when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_cifar_batches_that_are_not_the_known_ones_are_never_unpickled(tmp_path):
    raw = tmp_path / "cifar-10-batches-py"
    raw.mkdir()
    for name in CIFAR_FILES:
        (raw / name).write_bytes(pickle.dumps(Trap(tmp_path / "sprung")))
    with pytest.raises(VaeGeometryError, match="cifar-10-batches-py: the CIFAR-10 batches are damaged"):
        prepared("cifar10", tmp_path / "out", tmp_path)
    assert not (tmp_path / "sprung").exists()


def write_npz(path, **arrays):
    with path.open("wb") as file:
        np.savez(file, **arrays)


def write_truncated(path):
    write_npz(path, images=np.zeros((3, 1, 32, 32), np.uint8))
    path.write_bytes(path.read_bytes()[:-500])


def write_single_array(path):
    with path.open("wb") as file:
        np.save(file, np.zeros((3, 1, 32, 32), np.uint8))


BAD_FILES = {
    "empty": (lambda path: path.write_bytes(b""), "not a prepared data set"),
    "text": (lambda path: path.write_text("images"), "not a prepared data set"),
    "truncated": (write_truncated, "not a prepared data set"),
    "npy": (write_single_array, "not a prepared data set"),
    "pickle": (lambda path: path.write_bytes(pickle.dumps(Trap("sprung"))), "not a prepared data set"),
    "object array": (lambda path: write_npz(path, images=np.array([{}], object)), "not a prepared data set"),
    "without images": (lambda path: write_npz(path, pictures=np.zeros(3)), "not a prepared data set"),
    "float": (lambda path: write_npz(path, images=np.zeros((3, 1, 32, 32))), "images are float64"),
    "small": (lambda path: write_npz(path, images=np.zeros((3, 1, 28, 28), np.uint8)), "(3, 1, 28, 28), not uint8"),
    "4 channels": (lambda path: write_npz(path, images=np.zeros((3, 4, 32, 32), np.uint8)), "not uint8 (N, 1 or 3"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_a_file_that_is_no_prepared_data_set_is_named(tmp_path, case):
    write, message = BAD_FILES[case]
    write(tmp_path / "train.npz")
    with pytest.raises(VaeGeometryError) as error:
        load_images(tmp_path / "train.npz")
    assert str(error.value).startswith(f"{tmp_path / 'train.npz'}: ")
    assert message in str(error.value)


def test_an_absent_data_set_is_named(tmp_path):
    with pytest.raises(VaeGeometryError, match=r"test.npz: no such file; prepare the data set first"):
        load_images(tmp_path / "test.npz")


def test_a_data_set_is_whole_or_absent(tmp_path, monkeypatch):
    def fail(path, **_arrays):
        path.write_bytes(b"half")
        raise OSError("no space left on device")

    monkeypatch.setattr(np, "savez", fail)
    with pytest.raises(VaeGeometryError, match="no space"):
        prepared("digits", tmp_path)
    assert not (tmp_path / "train.npz").exists()
