"""A dump whose files do not belong together, or that changes while it is read, gives no results."""

import logging
import os
import shutil

import numpy as np
import pytest

from vae_geometry import VaeGeometryError, tables
from vae_geometry.fidelity import measure as fidelity
from vae_geometry.fidelity.measure import measure_fidelity
from vae_geometry.geometry import cross_bottleneck, measure
from vae_geometry.geometry.cross_bottleneck import compare_bottlenecks
from vae_geometry.geometry.measure import measure_geometry

pytestmark = pytest.mark.usefixtures("one_thread")
POINTS = 40
MEMORY_MB = 2000


def measure_the_geometry(dump, output):
    measure_geometry(dump, output, 1, MEMORY_MB)


def measure_the_fidelity(dump, output):
    measure_fidelity(dump, output / "fidelity.parquet", POINTS, 1.0)


def compare(dump, output):
    compare_bottlenecks([dump], output / "cross_bottleneck.parquet", 1, MEMORY_MB)


STAGES = [measure_the_geometry, measure_the_fidelity, compare]


@pytest.fixture
def dump(sweep, tmp_path):
    return shutil.copytree(sweep.dump, tmp_path / "dump")


def lose_a_layer(dump):
    (dump / "layer03.npy").unlink()


def add_a_layer(dump):
    np.save(dump / "layer11.npy", np.ones((POINTS, 3), np.float32))


def add_a_layer_of_three_digits(dump):
    np.save(dump / "layer100.npy", np.ones((POINTS, 3), np.float32))


def change_a_width(dump):
    np.save(dump / "layer05.npy", np.load(dump / "layer05.npy")[:, :1])


def change_the_points(dump):
    for path in dump.glob("*.npy"):
        np.save(path, np.concatenate([np.load(path)] * 2))


def change_manifest(change):
    def write(dump):
        rows = tables.read("manifest", [dump / "manifest.parquet"]).to_pylist()
        tables.write("manifest", change(rows), dump / "manifest.parquet")

    return write


DISAGREEMENTS = {
    "a layer is absent": (lose_a_layer, "manifest.parquet names layer03.npy, which is absent"),
    "a layer too many": (add_a_layer, "layer11.npy is not in its manifest.parquet"),
    "three digits": (add_a_layer_of_three_digits, "layer100.npy: layers are numbered from 00 to 99; rename it"),
    "another width": (change_a_width, "layer05.npy has shape (40, 1), its manifest.parquet says (40, 2)"),
    "other points": (change_the_points, "layer00.npy has shape (80, 1024), its manifest.parquet says (40, 1024)"),
    "a layer twice": (
        change_manifest(lambda rows: [*rows, rows[3]]),
        "holds several rows of dataset digits, noise fresh",
    ),
    "no number": (
        change_manifest(lambda rows: [*rows[:3], {**rows[3], "layer": None}, *rows[4:]]),
        "a layer without its number",
    ),
    "two runs": (change_manifest(lambda rows: [*rows[:-1], {**rows[-1], "bottleneck": 9}]), "names several runs"),
}


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("case", DISAGREEMENTS)
def test_a_dump_whose_manifest_and_files_disagree_is_refused(dump, tmp_path, stage, case):
    change, sentence = DISAGREEMENTS[case]
    change(dump)
    with pytest.raises(VaeGeometryError) as refused:
        stage(dump, tmp_path / "out")
    assert str(refused.value).startswith(str(dump))
    assert sentence in str(refused.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("stage", STAGES)
def test_a_dump_without_its_manifest_is_refused(dump, tmp_path, stage):
    (dump / "manifest.parquet").unlink()
    with pytest.raises(VaeGeometryError, match=r"dump.*manifest.parquet"):
        stage(dump, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_empty_manifest_names_no_layer(tmp_path):
    np.save(tmp_path / "layer04.npy", np.eye(4))
    tables.write("manifest", [], tmp_path / "manifest.parquet")
    with pytest.raises(VaeGeometryError, match=r"layer04.npy is not in its manifest.parquet"):
        measure_the_geometry(tmp_path, tmp_path / "out")


@pytest.mark.parametrize(("name", "width"), [("mean", 3), ("log_variance", 1), ("logits", 1000)])
def test_arrays_for_the_elbo_of_another_network_are_refused(dump, tmp_path, name, width):
    np.save(dump / f"{name}.npy", np.zeros((POINTS, width), np.float32))
    with pytest.raises(
        VaeGeometryError, match=rf"{name}.npy has shape \(40, {width}\), its manifest.parquet says \(40,"
    ):
        measure_the_fidelity(dump, tmp_path / "out")


def test_numbers_that_a_users_own_folder_leaves_out_are_logged(tmp_path, rng, caplog):
    for name in ("layer00", "layer03", "layer1"):
        np.save(tmp_path / f"{name}.npy", rng.normal(size=(20, 2)))
    with caplog.at_level(logging.WARNING, logger="vae_geometry"):
        measure_the_geometry(tmp_path, tmp_path / "out")
    assert f"{tmp_path}: has no layer01.npy, layer02.npy; the 2 layers that it has are read" in caplog.messages
    assert f"{tmp_path / 'layer1.npy'}: is not read, as layers are numbered with two digits" in caplog.messages


def replace_by_rename(dump, other):
    dump.rename(dump.with_name("before"))
    shutil.copytree(other, dump)


def replace_file_by_file(dump, other):
    for path in other.iterdir():
        os.replace(shutil.copy(path, dump / ".new"), dump / path.name)


def write_over_one_file(dump, other):
    with (dump / "layer05.npy").open("r+b") as file:
        file.seek(-8, os.SEEK_END)
        file.write(b"8 bytes!")


def write_over_one_file_and_set_its_time_back(dump, other):
    before = (dump / "layer05.npy").stat()
    write_over_one_file(dump, other)
    os.utime(dump / "layer05.npy", ns=(before.st_atime_ns, before.st_mtime_ns))


def remove_one_file(dump, other):
    (dump / "layer05.npy").unlink()


CHANGES = [
    *(replace_by_rename, replace_file_by_file, remove_one_file),
    *(write_over_one_file, write_over_one_file_and_set_its_time_back),
]
MOMENTS = {
    measure_the_geometry: (measure, "find_neighbours"),
    measure_the_fidelity: (fidelity, "elbo_terms"),
    compare: (cross_bottleneck, "find_neighbours"),
}


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("change", CHANGES)
def test_a_dump_that_is_changed_while_it_is_measured_gives_no_results(
    dump, sweep, tmp_path, monkeypatch, stage, change
):
    other = sweep.selection.results / "digits/fresh/k3/seed0/epoch2/activations"
    module, name = MOMENTS[stage]
    go_on = getattr(module, name)

    def change_and_go_on(*arguments, **options):
        change(dump, other)
        return go_on(*arguments, **options)

    monkeypatch.setattr(module, name, change_and_go_on)
    with pytest.raises(VaeGeometryError, match="dump: was changed or replaced while it was read; start again"):
        stage(dump, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("stage", STAGES)
def test_what_others_write_beside_a_dump_while_it_is_measured_does_not_matter(dump, tmp_path, monkeypatch, stage):
    module, name = MOMENTS[stage]
    go_on = getattr(module, name)

    def write_and_go_on(*arguments, **options):
        (dump / ".snakemake_timestamp").touch()
        (dump / "notes.txt").write_text("mine")
        return go_on(*arguments, **options)

    monkeypatch.setattr(module, name, write_and_go_on)
    stage(dump, tmp_path / "out")
    assert list((tmp_path / "out").iterdir())


@pytest.mark.parametrize("stage", [measure_the_geometry, compare])
def test_layers_of_two_dumps_are_never_mixed(dump, sweep, tmp_path, monkeypatch, stage):
    """The dump of another K takes the place of the first after some of its layers were opened."""
    other = sweep.selection.results / "digits/fresh/k3/seed0/epoch2/activations"
    from vae_geometry.geometry import activations

    opened, go_on = [], activations.open_points

    def replace_and_go_on(path):
        opened.append(path)
        if len(opened) == 4:
            replace_by_rename(dump, other)
        return go_on(path)

    monkeypatch.setattr(activations, "open_points", replace_and_go_on)
    with pytest.raises(VaeGeometryError, match="dump: "):
        stage(dump, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["layer00", "logits", "mean", "log_variance"])
def test_values_that_are_no_numbers_stop_the_fidelity_and_name_the_file(dump, tmp_path, name, value):
    array = np.load(dump / f"{name}.npy")
    array[7, 1] = value
    np.save(dump / f"{name}.npy", array)
    with pytest.raises(
        VaeGeometryError, match=rf"dump/{name}.npy: holds (NaN or infinity|values that are not between 0 and 1)"
    ):
        measure_the_fidelity(dump, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_variance_that_overflows_stops_the_fidelity(dump, tmp_path):
    array = np.load(dump / "log_variance.npy")
    array[7, 1] = 1000
    np.save(dump / "log_variance.npy", array)
    with pytest.raises(VaeGeometryError, match=r"log_variance.npy: holds variances that are infinite"):
        measure_the_fidelity(dump, tmp_path / "out")


def test_pixels_outside_0_to_1_stop_the_elbo_too(dump, tmp_path):
    array = np.load(dump / "layer00.npy")
    np.save(dump / "layer00.npy", array + 1)
    with pytest.raises(VaeGeometryError, match=r"layer00.npy: holds values that are not between 0 and 1"):
        measure_the_fidelity(dump, tmp_path / "out")


MANIFESTS = {
    "a dataset of two lines": ("dataset", "digits\n", r"column dataset holds 'digits\n'"),
    "an unknown noise": ("noise", "loud", "column noise holds 'loud'"),
    "no latent unit": ("bottleneck", 0, "column bottleneck holds 0"),
    "a negative seed": ("seed", -1, "column seed holds -1"),
    "a negative epoch": ("epoch", -3, "column epoch holds -3"),
    "an unknown role": ("role", "banana", "column role holds 'banana'"),
    "equal names": ("layer_name", "x", "gives two layers the same name"),
}


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("case", MANIFESTS)
def test_a_manifest_of_values_that_no_dump_writes_is_refused(dump, tmp_path, stage, case):
    column, value, said = MANIFESTS[case]
    change_manifest(lambda rows: [{**row, column: value} for row in rows])(dump)
    with pytest.raises(VaeGeometryError) as refused:
        stage(dump, tmp_path / "out")
    assert str(refused.value) == f"{dump / 'manifest.parquet'}: {said}; dump the activations again"


@pytest.mark.parametrize("stage", STAGES)
def test_a_dump_that_lacks_a_layer_is_one_sentence(dump, tmp_path, stage, caplog):
    lose_a_layer(dump)
    with pytest.raises(VaeGeometryError), caplog.at_level(logging.INFO, logger="vae_geometry"):
        stage(dump, tmp_path / "out")
    assert not caplog.messages
