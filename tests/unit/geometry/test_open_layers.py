"""Folders of activations: what is refused and why, and what their layers are called."""

import os
import pickle

import numpy as np
import pytest

from vae_geometry import VaeGeometryError, tables
from vae_geometry.geometry.activations import open_layers
from vae_geometry.geometry.measure import measure_geometry

MEMORY_MB = 2000
RUN = {"dataset": "mine", "noise": "fresh", "bottleneck": 7, "seed": 3, "epoch": 5}


def test_layers_are_opened_in_order_and_mapped_for_reading(tmp_path, rng):
    arrays = rng.normal(size=(3, 6, 2)).astype(np.float32)
    for number, array in zip((12, 0, 3), arrays, strict=True):
        np.save(tmp_path / f"layer{number:02d}.npy", array)
    layers = open_layers(tmp_path)
    assert [layer.label["layer"] for layer in layers] == [0, 3, 12]
    assert {layer.points.mode for layer in layers} == {"r"}
    np.testing.assert_array_equal([layer.points for layer in layers], arrays[[1, 2, 0]])


def test_a_layer_has_the_label_of_the_manifest(tmp_path):
    for number in (0, 2, 3):
        np.save(tmp_path / f"layer{number:02d}.npy", np.eye(4))
    names = {2: ("squeeze", "bottleneck"), 0: ("pixels", "input"), 3: (None, None)}
    rows = [{**RUN, "layer": number, "layer_name": name, "role": role} for number, (name, role) in names.items()]
    tables.write("manifest", rows, tmp_path / "manifest.parquet")
    assert [layer.label for layer in open_layers(tmp_path)] == [
        {**RUN, "layer": 0, "layer_name": "pixels", "role": "input"},
        {**RUN, "layer": 2, "layer_name": "squeeze", "role": "bottleneck"},
        {**RUN, "layer": 3, "layer_name": None, "role": None},
    ]


def test_without_a_manifest_all_but_the_number_is_null(tmp_path):
    np.save(tmp_path / "layer04.npy", np.eye(4))
    (layer,) = open_layers(tmp_path)
    assert layer.label == {**dict.fromkeys(RUN), "layer": 4, "layer_name": None, "role": None}


class Trap:
    """Makes a folder when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def write_truncated(path):
    np.save(path, np.zeros((50, 3)))
    path.write_bytes(path.read_bytes()[:-8])


def with_value(value):
    array = np.random.default_rng(0).normal(size=(600, 3))
    array[510, 1] = value
    return array


BAD_LAYERS = {
    "empty": (lambda path: path.write_bytes(b""), "not a complete npy file"),
    "text": (lambda path: path.write_text("1 2 3"), "not a complete npy file"),
    "truncated": (write_truncated, "not a complete npy file"),
    "folder": (lambda path: path.mkdir(), "not a complete npy file"),
    "npz": (lambda path: np.savez(path.open("wb"), a=np.zeros((9, 2))), "npy"),
    "NaN": (lambda path: np.save(path, with_value(np.nan)), "row 510 holds NaN or infinity"),
    "infinity": (lambda path: np.save(path, with_value(-np.inf)), "row 510 holds NaN or infinity"),
    "integers": (lambda path: np.save(path, np.arange(12).reshape(6, 2)), "is int64 (6, 2), not a float array (N, D)"),
    "complex": (lambda path: np.save(path, np.zeros((6, 2), complex)), "not a float array (N, D)"),
    "three axes": (lambda path: np.save(path, np.zeros((6, 2, 2))), "is float64 (6, 2, 2), not a float array (N, D)"),
    "one axis": (lambda path: np.save(path, np.zeros(6)), "is float64 (6,), not a float array (N, D)"),
    "1 row": (lambda path: np.save(path, np.zeros((1, 4))), "has shape (1, 4); the geometry needs at least 3 points"),
    "0 rows": (lambda path: np.save(path, np.zeros((0, 4))), "has shape (0, 4)"),
    "0 columns": (lambda path: np.save(path, np.zeros((9, 0))), "has shape (9, 0)"),
}


@pytest.mark.parametrize("case", BAD_LAYERS)
def test_a_bad_layer_is_named(tmp_path, case):
    write, message = BAD_LAYERS[case]
    write(tmp_path / "layer00.npy")
    with pytest.raises(VaeGeometryError) as error:
        measure_geometry(tmp_path, tmp_path / "out", 1, MEMORY_MB)
    assert str(error.value).startswith(f"{tmp_path / 'layer00.npy'}: ")
    assert message in str(error.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("wrapped", [True, False], ids=["object array", "bare pickle"])
def test_no_pickle_is_ever_loaded(tmp_path, wrapped):
    trap = Trap(tmp_path / "sprung")
    if wrapped:
        np.save(tmp_path / "layer00.npy", np.array([[trap]] * 4, object), allow_pickle=True)
    else:
        (tmp_path / "layer00.npy").write_bytes(pickle.dumps(trap))
    with pytest.raises(VaeGeometryError, match=r"layer00.npy: not a complete npy file"):
        measure_geometry(tmp_path, tmp_path / "out", 1, MEMORY_MB)
    assert not (tmp_path / "sprung").exists()


def test_layers_of_unequal_length_are_listed(tmp_path):
    np.save(tmp_path / "layer00.npy", np.eye(4))
    np.save(tmp_path / "layer01.npy", np.eye(5))
    with pytest.raises(VaeGeometryError, match=r"differ in their number of points \(layer00.npy: 4, layer01.npy: 5\)"):
        open_layers(tmp_path)


@pytest.mark.parametrize(
    ("name", "problem"), [("absent", "there is no such folder"), ("empty", "no layerNN.npy in this folder")]
)
def test_a_folder_without_layers_is_named(tmp_path, name, problem):
    (tmp_path / "empty").mkdir()
    with pytest.raises(VaeGeometryError, match=f"{name}: {problem}"):
        measure_geometry(tmp_path / name, tmp_path / "out", 1, MEMORY_MB)


def test_a_damaged_manifest_is_named(tmp_path):
    np.save(tmp_path / "layer00.npy", np.eye(4))
    (tmp_path / "manifest.parquet").write_bytes(b"PAR1")
    with pytest.raises(VaeGeometryError, match=r"manifest.parquet: not a table of kind manifest"):
        measure_geometry(tmp_path, tmp_path / "out", 1, MEMORY_MB)
