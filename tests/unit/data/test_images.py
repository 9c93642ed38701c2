import pickle

import numpy as np
import pytest
from damage import damaged
from raw_files import Trap, prepared

from vae_geometry import VaeGeometryError
from vae_geometry.data.prepared import first_inputs, load_inputs


def write_npz(path, **arrays):
    with path.open("wb") as file:
        np.savez(file, **arrays)


def write_truncated(path):
    write_npz(path, inputs=np.zeros((3, 1, 32, 32), np.uint8))
    path.write_bytes(path.read_bytes()[:-500])


def write_single_array(path):
    with path.open("wb") as file:
        np.save(file, np.zeros((3, 1, 32, 32), np.uint8))


BAD_FILES = {
    "empty": (lambda path: path.write_bytes(b""), "not a complete npz file with inputs ("),
    "text": (lambda path: path.write_text("inputs"), "not a complete npz file with inputs ("),
    "truncated": (write_truncated, "not a complete npz file with inputs ("),
    "npy": (write_single_array, "not a complete npz file with inputs ("),
    "pickle": (lambda path: path.write_bytes(pickle.dumps(Trap("sprung"))), "not a complete npz file with inputs ("),
    "object array": (
        lambda path: write_npz(path, inputs=np.array([{}], object)),
        "not a complete npz file with inputs (",
    ),
    "without inputs": (lambda path: write_npz(path, pictures=np.zeros(3)), "not a complete npz file with inputs ("),
    "float": (lambda path: write_npz(path, inputs=np.zeros((3, 1, 32, 32))), "inputs are float64"),
    "no images": (lambda path: write_npz(path, inputs=np.zeros((0, 1, 28, 28), np.uint8)), "(0, 1, 28, 28), not uint8"),
    "bytes": (lambda path: write_npz(path, inputs=np.zeros((3, 28), np.uint8)), "(3, 28), not uint8"),
    "three axes": (
        lambda path: write_npz(path, inputs=np.zeros((3, 2, 2), np.float32)),
        "float32 (3, 2, 2), not uint8",
    ),
    "NaN": (lambda path: write_npz(path, inputs=np.array([[1, np.nan]], np.float32)), "hold NaN or infinity"),
    "4 channels": (lambda path: write_npz(path, inputs=np.zeros((3, 4, 32, 32), np.uint8)), "not uint8 (N, 1 or 3"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_a_file_that_is_no_prepared_data_set_is_named(tmp_path, case):
    write, message = BAD_FILES[case]
    write(tmp_path / "train.npz")
    with pytest.raises(VaeGeometryError) as error:
        load_inputs(tmp_path / "train.npz")
    assert str(error.value).startswith(f"{tmp_path / 'train.npz'}: ")
    assert message in str(error.value)


def test_random_damage_of_a_data_set_is_seen_or_does_no_harm(tmp_path, rng):
    path, pixels = tmp_path / "train.npz", rng.integers(0, 256, (2, 1, 32, 32), np.uint8)
    write_npz(path, inputs=pixels, labels=np.arange(2))
    whole, refused = path.read_bytes(), 0
    for _ in range(2000):
        path.write_bytes(damaged(whole, rng))
        try:
            assert np.array_equal(load_inputs(path), pixels)
        except VaeGeometryError:
            refused += 1
    assert refused > 1500


def test_an_absent_data_set_is_named(tmp_path):
    with pytest.raises(VaeGeometryError, match=r"test.npz: no such file; prepare the data set first"):
        load_inputs(tmp_path / "test.npz")


def test_a_data_set_is_whole_or_absent(tmp_path, monkeypatch):
    def fail(file, _array, **_options):
        file.write(b"half")
        raise OSError("no space left on device")

    monkeypatch.setattr("vae_geometry.arrays.npy.write_array", fail)
    with pytest.raises(VaeGeometryError, match="no space"):
        prepared("digits", tmp_path)
    assert not (tmp_path / "train.npz").exists()


def test_the_first_images_are_those_of_the_file(digits):
    assert np.array_equal(first_inputs(digits / "test.npz", 7), load_inputs(digits / "test.npz")[:7])


def test_more_points_than_images_are_an_error(digits):
    with pytest.raises(VaeGeometryError, match=r"test.npz: holds 500 inputs, 501 points are requested"):
        first_inputs(digits / "test.npz", 501)
