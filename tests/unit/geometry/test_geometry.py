import os
from pathlib import Path

import numpy as np
import pytest

from vae_geometry import VaeGeometryError, tables
from vae_geometry.data.prepared import load_inputs, prepare_dataset
from vae_geometry.data.sources import Preparation
from vae_geometry.geometry.information_imbalance import information_imbalance
from vae_geometry.geometry.intrinsic_dimension import two_nearest_neighbours
from vae_geometry.geometry.measure import measure_geometry
from vae_geometry.geometry.neighbours import find_neighbours

MEMORY_MB = 2000
LITTLE_MB = 822  # not enough to keep the products of both spaces
RUN_COLUMNS = [field.name for field in tables.RUN]


def save(folder, *arrays):
    folder.mkdir(exist_ok=True)
    for layer, array in enumerate(arrays):
        np.save(folder / f"layer{layer:02d}.npy", array)
    return folder


def measured(folder, output, scales=None):
    """Rows of both tables of a folder of activations."""
    measure_geometry(folder, output, 1, MEMORY_MB, scales=scales)
    kinds = ("intrinsic_dimension", "information_imbalance")
    return tuple(tables.read(kind, [output / f"{kind}.parquet"]).to_pylist() for kind in kinds)


def test_a_users_own_folder_is_measured_without_a_manifest(tmp_path, rng):
    plane = rng.random((300, 2))
    arrays = (plane, np.hstack([plane, 0 * plane]), rng.random((300, 5)))
    dimensions, imbalances = measured(save(tmp_path / "dump", *arrays), tmp_path / "new folder")
    assert all(row[name] is None for row in [*dimensions, *imbalances] for name in [*RUN_COLUMNS, "reason"])
    assert [row["layer"] for row in dimensions] == [0, 1, 2]
    assert {row[name] for row in dimensions for name in ("layer_name", "role")} == {None}
    ends = [f"{end}_{name}" for end in ("source", "target") for name in ("name", "role")]
    assert {row[name] for row in imbalances for name in ends} == {None}
    assert [row["extrinsic_dimension"] for row in dimensions] == [2, 4, 5]
    assert [row["n_points"] for row in dimensions] == [300, 300, 300]
    assert dimensions[0]["intrinsic_dimension"] == pytest.approx(2, abs=0.4)
    assert dimensions[1]["intrinsic_dimension"] == pytest.approx(dimensions[0]["intrinsic_dimension"])
    assert dimensions[2]["intrinsic_dimension"] > 3.5
    pairs = {(row["source_layer"], row["target_layer"]): row["information_imbalance"] for row in imbalances}
    assert len(pairs) == 9
    assert pairs[0, 0] == pairs[0, 1] == pairs[1, 0] == pytest.approx(2 / 300)
    assert pairs[0, 2] == pytest.approx(1, abs=0.15)


NAMES = [("pixels", "input"), ("squeeze", "bottleneck"), ("image", "output")]
RUN = {"dataset": "mine", "noise": "repeated", "bottleneck": 7, "seed": 3, "epoch": 5}


def test_names_roles_and_run_come_from_the_manifest(tmp_path, rng):
    folder = save(tmp_path / "dump", *rng.normal(size=(3, 40, 2)))
    manifest = [{**RUN, "layer": layer, "layer_name": name, "role": role} for layer, (name, role) in enumerate(NAMES)]
    tables.write("manifest", manifest, folder / "manifest.parquet")
    dimensions, imbalances = measured(folder, tmp_path / "out", scales=4)
    scalings = tables.read("id_scaling", [tmp_path / "out/id_scaling.parquet"]).to_pylist()
    assert all(row.items() >= RUN.items() for row in [*dimensions, *imbalances, *scalings])
    assert [(row["layer_name"], row["role"]) for row in dimensions] == NAMES
    assert [(row["layer_name"], row["role"]) for row in scalings] == [name for name in NAMES for _ in (2, 4)]
    assert [(row["source_name"], row["source_role"]) for row in imbalances] == [name for name in NAMES for _ in NAMES]
    assert [(row["target_name"], row["target_role"]) for row in imbalances] == NAMES * 3


def test_scales_add_a_table_and_leave_the_others_as_they_were(tmp_path, rng):
    folder = save(tmp_path / "dump", rng.normal(size=(250, 3)), rng.normal(size=(250, 4)).astype(np.float32))
    measure_geometry(folder, tmp_path / "without", 1, MEMORY_MB)
    measure_geometry(folder, tmp_path / "with", 1, MEMORY_MB, scales=8)
    added = {path.name for path in (tmp_path / "with").iterdir()}
    for path in (tmp_path / "without").iterdir():
        assert path.read_bytes() == (tmp_path / "with" / path.name).read_bytes()
        added.remove(path.name)
    assert added == {"id_scaling.parquet"}
    rows = tables.read("id_scaling", [tmp_path / "with/id_scaling.parquet"]).to_pylist()
    assert [(row["layer"], row["neighbours"]) for row in rows] == [(0, 2), (0, 4), (0, 8), (1, 2), (1, 4), (1, 8)]
    assert [row["extrinsic_dimension"] for row in rows] == [3] * 3 + [4] * 3
    assert {(row["n_points"], row["dataset"], row["reason"]) for row in rows} == {(250, None, None)}
    assert all(2 < row["intrinsic_dimension"] < 5 and row["scale"] > 0 < row["id_stderr"] for row in rows)


def test_more_scales_than_half_of_the_points_are_refused(tmp_path, rng):
    folder = save(tmp_path / "dump", rng.normal(size=(30, 3)))
    with pytest.raises(VaeGeometryError, match=r"dump: holds 30 points, too few for 16 neighbours"):
        measure_geometry(folder, tmp_path / "out", 1, MEMORY_MB, scales=16)
    assert not (tmp_path / "out").exists()


def test_layers_keep_the_numbers_of_their_files(tmp_path, rng):
    for layer in (3, 12):
        np.save(tmp_path / f"layer{layer:02d}.npy", rng.random((30, 3)))
    for name in ("layer.npy", "layer1.npy", "layer03.npy.bak", "mean.npy"):  # no layers
        (tmp_path / name).write_bytes(b"")
    dimensions, imbalances = measured(tmp_path, tmp_path / "out")
    assert [row["layer"] for row in dimensions] == [3, 12]
    assert [(row["source_layer"], row["target_layer"]) for row in imbalances] == [(3, 3), (3, 12), (12, 3), (12, 12)]


def test_rows_of_a_dump_name_its_run(sweep):
    rows = tables.read("intrinsic_dimension", [sweep.run / "epoch2/intrinsic_dimension.parquet"]).to_pylist()
    assert [row["layer"] for row in rows] == list(range(11))
    roles = ["input", *["encoder"] * 4, "bottleneck", *["decoder"] * 4, "output"]
    assert [row["role"] for row in rows] == roles
    assert [row["layer_name"] for row in rows if row["role"] in ("input", "bottleneck", "output")] == [
        "input",
        "bottleneck",
        "output",
    ]
    run = {"dataset": "digits", "noise": "fresh", "bottleneck": 2, "seed": 0, "epoch": 2}
    assert all(row.items() >= run.items() for row in rows)
    imbalances = tables.read("information_imbalance", [sweep.run / "epoch2/information_imbalance.parquet"])
    assert imbalances["source_role"].to_pylist() == [role for role in roles for _ in roles]
    assert imbalances["target_role"].to_pylist() == roles * 11
    scalings = tables.read("id_scaling", [sweep.run / "epoch2/id_scaling.parquet"]).to_pylist()
    assert [row["layer_name"] for row in scalings] == [row["layer_name"] for row in rows for _ in (2, 4)]
    assert all(row.items() >= run.items() for row in scalings)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ">f4"])
def test_all_float_types_are_measured_as_what_they_hold(tmp_path, rng, dtype):
    array = rng.normal(size=(250, 4)).astype(dtype)
    (row,), _ = measured(save(tmp_path / "dump", array), tmp_path / "out")
    (exact,), _ = measured(save(tmp_path / "exact", array.astype(np.float64)), tmp_path / "out")
    assert row == exact
    assert row["intrinsic_dimension"] == pytest.approx(4, abs=1)


def test_a_shift_and_a_scale_change_nothing(tmp_path, rng):
    array = rng.normal(size=(250, 4))
    (row,), _ = measured(save(tmp_path / "a", array), tmp_path / "out")
    (moved,), _ = measured(save(tmp_path / "b", 1e-3 * array + 50), tmp_path / "out")
    assert moved["intrinsic_dimension"] == pytest.approx(row["intrinsic_dimension"], rel=1e-6)


@pytest.mark.parametrize("scale", [1e200, 1e-200])
def test_values_whose_squares_overflow_give_no_wrong_number(tmp_path, rng, scale):
    arrays = rng.normal(size=(2, 250, 4))
    expected = measured(save(tmp_path / "a", *arrays), tmp_path / "out")
    try:
        scaled = measured(save(tmp_path / "b", *(scale * arrays)), tmp_path / "out")
    except VaeGeometryError:
        return
    for column, rows, references in zip(
        ("intrinsic_dimension", "information_imbalance"), scaled, expected, strict=True
    ):
        for row, reference in zip(rows, references, strict=True):
            assert row[column] is None or row[column] == pytest.approx(reference[column], rel=1e-6), column


def test_a_row_of_duplicates_gives_null_with_the_reason(tmp_path, rng):
    points = rng.normal(size=(100, 3))
    duplicated = points.copy()
    duplicated[:20] = duplicated[20:40]  # 40 points have a twin
    (first, second), imbalances = measured(save(tmp_path / "dump", points, duplicated), tmp_path / "out")
    assert (first["n_zero_distances"], first["reason"]) == (0, None)
    assert second["n_zero_distances"] == 40
    assert (second["intrinsic_dimension"], second["id_stderr"]) == (None, None)
    assert second["reason"] == "40 of 100 points lie at distance zero from their nearest neighbour"
    assert all(0.02 <= row["information_imbalance"] < 1 for row in imbalances)


def test_few_duplicates_are_left_out_and_counted(tmp_path, rng):
    points = rng.normal(size=(400, 3))
    points[:3] = points[3:6]
    (row,), _ = measured(save(tmp_path / "dump", points), tmp_path / "out")
    assert row["n_zero_distances"] == 6
    assert row["intrinsic_dimension"] == pytest.approx(3, abs=0.6)


def test_points_that_are_all_the_same_give_null(tmp_path):
    (row,), _ = measured(save(tmp_path / "dump", np.ones((50, 3))), tmp_path / "out")
    assert row["n_zero_distances"] == 50
    assert row["intrinsic_dimension"] is None


def test_a_lattice_gives_null_since_its_neighbours_are_equally_near(tmp_path):
    lattice = np.stack(np.meshgrid(np.arange(10.0), np.arange(10.0)), -1).reshape(-1, 2)
    (row,), (imbalance,) = measured(save(tmp_path / "dump", lattice), tmp_path / "out")
    assert row["intrinsic_dimension"] is None
    assert "equally near" in row["reason"]
    assert imbalance["n_ties"] == 100


@pytest.mark.parametrize("n_points", [3, 4, 5, 8])
def test_very_few_points_give_a_finite_number_or_null(tmp_path, rng, n_points):
    (row,), (imbalance,) = measured(save(tmp_path / "dump", rng.normal(size=(n_points, 2))), tmp_path / "out")
    assert row["intrinsic_dimension"] is None or 0 < row["intrinsic_dimension"] < np.inf
    assert row["id_stderr"] is None or 0 < row["id_stderr"] < np.inf
    assert (None in (row["intrinsic_dimension"], row["id_stderr"])) == (row["reason"] is not None)
    assert imbalance["information_imbalance"] == pytest.approx(2 / n_points)


def test_the_same_folder_twice_gives_the_same_bytes(tmp_path, rng):
    folder = save(tmp_path / "dump", rng.normal(size=(250, 3)), rng.normal(size=(250, 4)))
    for name in ("a", "b"):
        measure_geometry(folder, tmp_path / name, 1, MEMORY_MB)
    for name in ("intrinsic_dimension.parquet", "information_imbalance.parquet"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_the_tables_do_not_depend_on_the_memory(tmp_path, rng):
    folder = save(tmp_path / "dump", rng.normal(size=(400, 3)), rng.normal(size=(400, 4)))
    for memory_mb in (LITTLE_MB, MEMORY_MB):
        measure_geometry(folder, tmp_path / str(memory_mb), 1, memory_mb)
    little, much = (
        [tables.read("information_imbalance", [tmp_path / str(m) / "information_imbalance.parquet"])]
        for m in (LITTLE_MB, MEMORY_MB)
    )
    assert little == much


@pytest.mark.skipif(
    "VAE_GEOMETRY_TEST_DATA" not in os.environ,
    reason="VAE_GEOMETRY_TEST_DATA does not name a folder that holds MNIST/raw/t10k-images-idx3-ubyte and the others",
)
def test_the_input_id_of_real_mnist_is_the_papers(tmp_path):
    """Of the first 5,000 test images at 32 x 32 pixels."""
    prepare_dataset("mnist", tmp_path, Preparation(Path(os.environ["VAE_GEOMETRY_TEST_DATA"])))
    images = load_inputs(tmp_path / "test.npz")[:5000]
    inputs = images.reshape(5000, -1) / np.float32(255)
    neighbours = find_neighbours([inputs], memory_mb=MEMORY_MB)
    assert two_nearest_neighbours(neighbours.distances[0]).value == pytest.approx(12.085, abs=5e-4)
    assert information_imbalance(neighbours.ranks[0, 0]) == pytest.approx(2 / 5000)
