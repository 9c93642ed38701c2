"""Tables of the geometry that lie where new ones are to go: those of another run stay, and what is old goes."""

import shutil

import numpy as np
import pytest

from vae_geometry import VaeGeometryError, tables
from vae_geometry.geometry import measure
from vae_geometry.geometry.measure import measure_geometry

pytestmark = pytest.mark.usefixtures("one_thread")
MEMORY_MB = 2000


def measure_the_geometry(dump, output):
    measure_geometry(dump, output, 1, MEMORY_MB)


@pytest.fixture
def dump(sweep, tmp_path):
    return shutil.copytree(sweep.dump, tmp_path / "dump")


def test_only_a_table_of_scales_of_an_earlier_measurement_is_removed(tmp_path, rng):
    np.save(tmp_path / "layer00.npy", rng.normal(size=(20, 2)))
    (tmp_path / "out").mkdir()
    (tmp_path / "out/id_scaling.parquet").write_text("mine")
    measure_the_geometry(tmp_path, tmp_path / "out")
    assert (tmp_path / "out/id_scaling.parquet").read_text() == "mine"
    (tmp_path / "out/id_scaling.parquet").unlink()
    measure_geometry(tmp_path, tmp_path / "out", 1, MEMORY_MB, scales=4)
    measure_the_geometry(tmp_path, tmp_path / "out")
    assert not (tmp_path / "out/id_scaling.parquet").exists()


TABLES = ("intrinsic_dimension", "information_imbalance", "id_scaling")


@pytest.mark.parametrize("kind", TABLES)
def test_tables_of_another_run_are_not_replaced(dump, sweep, tmp_path, monkeypatch, kind):
    other = sweep.selection.results / "digits/fresh/k3/seed0/epoch2"
    (tmp_path / "out").mkdir()
    path = tmp_path / f"out/{kind}.parquet"
    shutil.copy(other / path.name, path)
    before = path.read_bytes()
    monkeypatch.setattr(measure, "find_neighbours", None)  # it is refused before anything is measured
    with pytest.raises(VaeGeometryError) as refused:
        measure_geometry(dump, tmp_path / "out", 1, MEMORY_MB, scales=4)
    assert str(refused.value) == (
        f"{path}: is of bottleneck 3 and is not replaced by a table of bottleneck 2; "
        "choose another --output, or move it away"
    )
    assert path.read_bytes() == before


def test_a_folder_that_names_no_run_replaces_no_table_that_does(dump, sweep, tmp_path, rng):
    np.save(tmp_path / "layer00.npy", rng.normal(size=(20, 2)))
    measure_the_geometry(dump, tmp_path / "out")
    with pytest.raises(VaeGeometryError, match=r"is of dataset digits and is not replaced by a table of no run"):
        measure_the_geometry(tmp_path, tmp_path / "out")
    measure_the_geometry(tmp_path, tmp_path / "own")
    measure_the_geometry(dump, tmp_path / "own")
    measure_the_geometry(dump, tmp_path / "own")
    assert set(
        tables.read("intrinsic_dimension", [tmp_path / "own/intrinsic_dimension.parquet"])["seed"].to_pylist()
    ) == {0}
