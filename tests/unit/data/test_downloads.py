from urllib.error import URLError

import pytest
import torchvision
from raw_files import CIFAR_FILES, MNIST_FILES, prepared

from vae_geometry import VaeGeometryError


@pytest.mark.parametrize(
    ("source", "names"), [("mnist", MNIST_FILES), ("fashion_mnist", MNIST_FILES), ("cifar10", CIFAR_FILES)]
)
def test_a_root_without_the_raw_files_says_which_to_put_there(tmp_path, source, names):
    with pytest.raises(VaeGeometryError) as error:
        prepared(source, tmp_path / "out", tmp_path / "root")
    assert f"{source}: root {tmp_path / 'root'} lacks the raw files" in str(error.value)
    assert all(name in str(error.value) for name in names)


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
