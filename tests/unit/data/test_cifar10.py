import pickle

import pytest
from raw_files import CIFAR_FILES, Trap, prepared

from vae_geometry import VaeGeometryError


def test_cifar_batches_that_are_not_the_known_ones_are_never_unpickled(tmp_path):
    raw = tmp_path / "cifar-10-batches-py"
    raw.mkdir()
    for name in CIFAR_FILES:
        (raw / name).write_bytes(pickle.dumps(Trap(tmp_path / "sprung")))
    with pytest.raises(VaeGeometryError, match="cifar-10-batches-py: the CIFAR-10 batches are damaged"):
        prepared("cifar10", tmp_path / "out", tmp_path)
    assert not (tmp_path / "sprung").exists()
