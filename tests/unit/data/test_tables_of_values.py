"""Vectors and arrays of the user's own: npy, npz, parquet and csv."""

import numpy as np
import pandas as pd
import pytest
from raw_files import prepared

from vae_geometry import VaeGeometryError
from vae_geometry.data.sources import count_inputs

NAMES = ["length", "width", "mass"]
N_TRAIN, N_TEST = 20, 7


@pytest.fixture
def values(rng):
    """Values to train and to test on, which float32 holds."""
    return [rng.normal(size=(n, 3)).astype(np.float32) * [1, 10, 100] for n in (N_TRAIN, N_TEST)]


def write_part(root, part, values, ending="npy"):
    root.mkdir(exist_ok=True)
    path = root / f"{part}.{ending}"
    frame = pd.DataFrame(values, columns=NAMES) if np.ndim(values) == 2 and np.shape(values)[1] == 3 else None
    match ending:
        case "npy":
            np.save(path, values)
        case "npz":
            np.savez(path, inputs=values)
        case "parquet":
            frame.to_parquet(path)
        case "csv":
            frame.to_csv(path, index=False)
    return path


def write(root, values, ending="npy"):
    for part, array in zip(("train", "test"), values, strict=False):
        write_part(root, part, array, ending)
    return root


def refused(tmp_path, **settings):
    with pytest.raises(VaeGeometryError) as error:
        prepared("arrays", tmp_path / "out", tmp_path / "root", **settings)
    assert not (tmp_path / "out/train.npz").exists()
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("ending", ["npy", "npz", "parquet", "csv"])
def test_every_format_gives_the_values_in_their_order_as_float32(tmp_path, values, ending):
    parts = prepared("arrays", tmp_path / "out", write(tmp_path / "root", values, ending))
    for (inputs, labels), expected in zip(parts, values, strict=True):
        assert inputs.dtype == np.float32
        np.testing.assert_allclose(inputs, expected, rtol=1e-6)
        assert labels.tolist() == [0] * len(expected)


@pytest.mark.parametrize("ending", ["npy", "csv"])
def test_rows_are_counted_before_they_are_read(tmp_path, values, ending):
    root = write(tmp_path / "root", values, ending)
    assert count_inputs("arrays", root, None) == (N_TRAIN, N_TEST)
    (root / f"test.{ending}").unlink()
    parts = prepared("arrays", tmp_path / "out", root, test_fraction=0.3)
    assert count_inputs("arrays", root, 0.3) == (14, 6) == tuple(len(inputs) for inputs, _ in parts)


@pytest.mark.parametrize("ending", ["npz", "parquet"])
def test_rows_that_only_a_library_could_count_are_left_to_it(tmp_path, values, ending):
    assert count_inputs("arrays", write(tmp_path / "root", values, ending), None) is None


def test_arrays_of_any_number_of_channels_keep_their_shape(tmp_path, rng):
    values = [rng.random((n, 5, 8, 6)) for n in (9, 4)]
    (train, _), (test, _) = prepared("arrays", tmp_path / "out", write(tmp_path / "root", values))
    assert (train.shape, test.shape) == ((9, 5, 8, 6), (4, 5, 8, 6))
    np.testing.assert_allclose(test, values[1], rtol=1e-6)


def test_a_test_part_is_split_off_once_and_for_all(tmp_path, values):
    root = write(tmp_path / "root", values[:1])
    (train, _), (test, _) = prepared("arrays", tmp_path / "out", root, test_fraction=0.25)
    assert (len(train), len(test)) == (15, 5)
    both = np.concatenate([test, train])
    assert not np.allclose(both, values[0])  # drawn, not the first ones
    np.testing.assert_allclose(both[both[:, 0].argsort()], values[0][values[0][:, 0].argsort()], rtol=1e-6)
    again = prepared("arrays", tmp_path / "again", root, test_fraction=0.25)
    assert np.array_equal(again[0][0], train)


def test_columns_are_standardised_by_the_training_part(tmp_path, values):
    root = write(tmp_path / "root", values)
    (train, _), (test, _) = prepared("arrays", tmp_path / "out", root, scale="standard")
    np.testing.assert_allclose(train.mean(0), 0, atol=1e-6)
    np.testing.assert_allclose(train.std(0), 1, rtol=1e-5)
    expected = (values[1] - values[0].mean(0)) / values[0].std(0)
    np.testing.assert_allclose(test, expected, rtol=1e-4, atol=1e-6)


def test_columns_between_0_and_1_are_fitted_on_the_training_part_and_clip_the_rest(tmp_path, values, caplog):
    values[1][0] = values[0].max(0) + 1
    root = write(tmp_path / "root", values)
    (train, _), (test, _) = prepared("arrays", tmp_path / "out", root, scale="minmax")
    assert train.min(0).tolist() == [0, 0, 0]
    assert train.max(0).tolist() == [1, 1, 1]
    assert test[0].tolist() == [1, 1, 1]
    width = np.ptp(values[0], axis=0)
    np.testing.assert_allclose(test[1:], ((values[1] - values[0].min(0)) / width)[1:].clip(0, 1), atol=1e-6)
    assert f"of {3 * N_TEST} test values lie outside the range of the training part: clipped" in caplog.text


def test_the_values_of_arrays_are_scaled_together(tmp_path, rng):
    values = [5 + rng.random((n, 2, 4, 4)) for n in (9, 4)]
    (train, _), _ = prepared("arrays", tmp_path / "out", write(tmp_path / "root", values), scale="minmax")
    assert (train.min(), train.max()) == (0, 1)
    assert train[:, 0].max() < 1 or train[:, 1].max() < 1


@pytest.mark.parametrize(
    ("ending", "where"),
    [
        ("npy", "counted from 0: rows 3, 5, 8, the first in column 0"),
        ("csv", "lines 5, 7, 10, the first in column length"),
        ("parquet", "counted from 0: rows 3, 5, 8, the first in column length"),
    ],
)
def test_rows_without_a_number_are_named(tmp_path, values, ending, where):
    values[0][[3, 5], [0, 2]] = np.nan
    values[0][8, 1] = np.inf
    write(tmp_path / "root", values, ending)
    path = tmp_path / f"root/train.{ending}"
    assert refused(tmp_path) == f"{path}: rows with NaN or infinity: 3 ({where}); fill or remove them"


def test_a_csv_without_names_of_columns_is_refused(tmp_path, values):
    root = write(tmp_path / "root", values, "csv")
    pd.DataFrame(values[0]).to_csv(root / "train.csv", header=False, index=False)
    assert refused(tmp_path) == (
        f"{root}/train.csv: line 1 holds numbers, not the names of the columns; write a line of names above it"
    )


def test_a_csv_with_semicolons_is_refused(tmp_path, values):
    root = write(tmp_path / "root", values, "csv")
    pd.DataFrame(values[0], columns=NAMES).to_csv(root / "train.csv", index=False, sep=";")
    assert refused(tmp_path) == f"{root}/train.csv: its columns are separated by ';'; separate them by commas"


def test_the_index_that_pandas_writes_is_refused(tmp_path, values):
    root = write(tmp_path / "root", values, "csv")
    pd.DataFrame(values[0], columns=NAMES).to_csv(root / "train.csv")
    assert refused(tmp_path) == (
        f"{root}/train.csv: the first column has no name, such as the index that pandas writes; leave it out "
        "(to_csv(..., index=False)), or name it"
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("length,width,length\n1,2,3\n4,5,6\n", "two columns are named length; leave one out, or rename it"),
        ("length,width\n1,2,3\n4,5,6\n", "its rows hold more values than line 1 has names; name every column"),
    ],
)
def test_a_csv_whose_columns_are_not_told_apart_is_refused(tmp_path, values, text, says):
    root = write(tmp_path / "root", values, "csv")
    (root / "train.csv").write_text(text)
    assert refused(tmp_path) == f"{root}/train.csv: {says}"


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_column_of_text_is_named(tmp_path, values, ending):
    root = write(tmp_path / "root", values, ending)
    frame = pd.DataFrame(values[0], columns=NAMES).assign(species="cat")
    frame.to_csv(root / "train.csv", index=False) if ending == "csv" else frame.to_parquet(root / "train.parquet")
    assert (
        refused(tmp_path) == f"{root}/train.{ending}: column species does not hold numbers; leave it out, or encode it"
    )


def test_columns_that_do_not_vary_are_named(tmp_path, values):
    values[0][:, 1] = 4
    root = write(tmp_path / "root", values, "csv")
    assert refused(tmp_path) == f"{root}/train.csv: columns that do not vary: 1 (width); leave them out"
    write(root, values, "npy")
    for part in ("train", "test"):
        (root / f"{part}.csv").unlink()
    assert refused(tmp_path) == f"{root}/train.npy: columns that do not vary: 1 (1); leave them out"


def test_parts_of_other_columns_are_refused(tmp_path, values, rng):
    root = write(tmp_path / "root", values)
    write_part(root, "test", rng.random((7, 4)))
    assert refused(tmp_path) == (
        f"{root}/test.npy: holds rows of 4 values, {root}/train.npy holds rows of 3 values; give both the same columns,"
        " in the same order"
    )
    (root / "test.npy").unlink()
    (root / "train.npy").unlink()
    write(root, values, "csv")
    pd.DataFrame(values[1], columns=NAMES[::-1]).to_csv(root / "test.csv", index=False)
    assert refused(tmp_path).endswith("holds rows of 3 values; give both the same columns, in the same order")
    pd.DataFrame(values[1], columns=[*NAMES[:2], "weight"]).to_csv(root / "test.csv", index=False)
    assert "test.csv: holds rows of 3 values (only here: weight), " in refused(tmp_path)
    assert "train.csv holds rows of 3 values (only here: mass); " in refused(tmp_path)


def test_a_test_part_and_a_fraction_contradict_each_other(tmp_path, values):
    root = write(tmp_path / "root", values)
    sentence = f"{root}/test.npy: is there already; leave test_fraction out, or move it away"
    assert refused(tmp_path, test_fraction=0.2) == sentence


def test_without_a_test_part_a_fraction_is_needed(tmp_path, values):
    root = write(tmp_path / "root", values[:1])
    sentence = f"{root}: holds no test.npy, .npz, .parquet or .csv; put one there, or set test_fraction"
    assert refused(tmp_path) == sentence


def test_without_a_training_part_and_with_two_the_folder_is_named(tmp_path, values):
    root = write(tmp_path / "root", values)
    write_part(root, "train", values[0], "csv")
    assert refused(tmp_path) == f"{root}/train.csv: lies beside train.npy; remove one of the two"
    for ending in ("npy", "csv"):
        (root / f"train.{ending}").unlink()
    assert refused(tmp_path) == f"{root}: holds no train.npy, .npz, .parquet or .csv; put one there"


BAD_FILES = {
    "train.csv": (b"a,b\n1,2\n3\n4,5,6\n", "train.csv: cannot be read ("),
    "train.parquet": (b"PAR1 no more", "train.parquet: cannot be read ("),
    "train.npy": (b"\x93NUMPY no more", "train.npy: "),
    "train.npz": (b"PK no more", "train.npz: not a complete npz file with inputs ("),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_damaged_file_is_named(tmp_path, name):
    content, sentence = BAD_FILES[name]
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / name).write_bytes(content)
    assert sentence in refused(tmp_path, test_fraction=0.2)


@pytest.mark.parametrize(
    "values", [np.zeros(5), np.zeros((5, 0)), np.zeros((2, 3, 4)), np.array([["a"]]), np.ones((2, 2), complex)]
)
def test_what_is_no_table_of_numbers_is_refused(tmp_path, values):
    write(tmp_path / "root", [values])
    assert "not numbers (N, D) or (N, C, H, W)" in refused(tmp_path, test_fraction=0.2)


def test_values_beyond_float32_are_refused_unless_they_are_scaled(tmp_path, values):
    root = write(tmp_path / "root", [part * 1e60 for part in values])
    assert (
        refused(tmp_path)
        == f"{root}/train.npy: holds values outside the range of float32; set scale: standard or minmax"
    )
    (train, _), _ = prepared("arrays", tmp_path / "out", root, scale="standard")
    np.testing.assert_allclose(train.std(0), 1, rtol=1e-5)


@pytest.mark.parametrize("fraction", [0.01, 0.99])
def test_a_fraction_that_leaves_one_part_empty_is_refused(tmp_path, values, fraction):
    root = write(tmp_path / "root", values[:1])
    sentence = f"{root}: a test_fraction of {fraction} of 20 inputs leaves one part empty; change it"
    assert refused(tmp_path, test_fraction=fraction) == sentence
