"""The latent measured with and without its noise, with all units and with the active ones."""

import shutil

import numpy as np
import pytest

from vae_geometry import VaeGeometryError, tables
from vae_geometry.geometry.latents import NO_SAMPLE, NO_UNITS
from vae_geometry.geometry.measure import measure_geometry
from vae_geometry.latents import LATENTS, active_units
from vae_geometry.table_schemas import LATENT_PAIRS

MEMORY_MB = 2000
RUN = {"dataset": "toy", "noise": "fresh", "seed": 0, "epoch": 1}
IMBALANCES = [f"{name}{end}" for name in LATENT_PAIRS for end in ("", "_stderr")]
VALUES = ("intrinsic_dimension", "id_stderr", *IMBALANCES)


def write_dump(folder, sample, mean, ends):
    folder.mkdir()
    layers = {"input": ends[0], "bottleneck": sample, "output": ends[1]}
    rows = []
    for number, (role, points) in enumerate(layers.items()):
        np.save(folder / f"layer{number:02d}.npy", points.astype(np.float32))
        row = {**RUN, "bottleneck": sample.shape[1], "layer": number, "layer_name": role, "role": role}
        rows.append({**row, "extrinsic_dimension": points.shape[1], "n_points": len(points)})
    np.save(folder / "mean.npy", mean.astype(np.float32))
    tables.write("manifest", rows, folder / "manifest.parquet")
    return folder


def measured(folder, output, scales=None):
    """Latent -> row."""
    measure_geometry(folder, output, 1, MEMORY_MB, scales=scales)
    rows = tables.read("latents", [output / "latents.parquet"]).to_pylist()
    assert [row["latent"] for row in rows] == list(LATENTS)
    return {row["latent"]: row for row in rows}


def toy(rng, n_idle, n_points=300):
    """Twelve Gaussian dimensions that z holds with little noise, beside idle units: sample, mean, input and output."""
    source = rng.normal(size=(n_points, 12))
    mean = np.hstack([source, 1e-3 * rng.normal(size=(n_points, n_idle))])
    sigma = np.r_[np.full(12, 0.1), np.ones(n_idle)]
    return mean + sigma * rng.normal(size=mean.shape), mean, (source, source + 0.05 * rng.normal(size=source.shape))


def test_idle_units_alone_raise_the_ii_and_the_id_of_z_and_not_those_of_its_mean(tmp_path, rng):
    rows = {}
    for size in (16, 32, 64):
        folder = write_dump(tmp_path / f"dump{size}", *toy(rng, size - 12, 1000))
        rows[size] = measured(folder, tmp_path / f"{size}")
        assert [row["n_units"] for row in rows[size].values()] == [size, size, 12, 12]
    of = {name: [rows[size][name]["ii_to_input"] for size in rows] for name in LATENTS}
    ids = {name: [rows[size][name]["intrinsic_dimension"] for size in rows] for name in LATENTS}
    assert of["sample"][1] > 3 * of["sample"][0]
    assert of["sample"][2] > 2 * of["sample"][1]
    assert ids["sample"][0] < ids["sample"][1] - 3 < ids["sample"][2] - 6
    for name in ("mean", "active_mean"):
        assert max(of[name]) < 1.1 * 2 / 1000  # mu determines the input
    for name in ("mean", "active_sample", "active_mean"):
        assert max(of[name]) < 0.5 * min(of["sample"])
        assert max(ids[name]) - min(ids[name]) < 1.5


def test_the_row_of_z_is_that_of_the_bottleneck_in_the_other_tables(sweep, tmp_path):
    for scales in (None, 4):
        row = measured(sweep.dump, tmp_path, scales)["sample"]
        [of_layer] = [
            row
            for row in tables.read("intrinsic_dimension", [tmp_path / "intrinsic_dimension.parquet"]).to_pylist()
            if row["role"] == "bottleneck"
        ]
        pairs = {
            (row["source_role"], row["target_role"]): row
            for row in tables.read("information_imbalance", [tmp_path / "information_imbalance.parquet"]).to_pylist()
        }
        assert all(row[name] == of_layer[name] for name in (*RUN, "intrinsic_dimension", "id_stderr", "n_points"))
        ends = {"ii_to_input": ("bottleneck", "input"), "ii_from_input": ("input", "bottleneck")}
        for name, pair in {**ends, "ii_to_output": ("bottleneck", "output")}.items():
            assert row[name] == pairs[pair]["information_imbalance"]
            assert row[f"{name}_stderr"] == pairs[pair]["ii_stderr"]


def test_every_latent_is_measured_as_a_bottleneck_would_be(tmp_path, rng):
    sample, mean, ends = toy(rng, 5)
    active = slice(0, 12)
    of = {"sample": sample, "mean": mean, "active_sample": sample[:, active], "active_mean": mean[:, active]}
    rows = measured(write_dump(tmp_path / "dump", sample, mean, ends), tmp_path / "out")
    for name, points in of.items():
        alone = measured(write_dump(tmp_path / name, points, points, ends), tmp_path / f"{name} alone")["mean"]
        assert [rows[name][value] for value in VALUES] == [alone[value] for value in VALUES]
        assert (rows[name]["reason"], rows[name]["n_points"]) == (None, 300)


def test_where_all_units_are_active_those_rows_repeat_the_others(tmp_path, rng):
    rows = measured(write_dump(tmp_path / "dump", *toy(rng, 0)), tmp_path / "out")
    for name in ("sample", "mean"):
        assert {**rows[f"active_{name}"], "latent": name} == rows[name]


def test_a_dump_of_the_mean_has_no_z(tmp_path, rng):
    _, mean, ends = toy(rng, 3)
    rows = measured(write_dump(tmp_path / "dump", mean, mean, ends), tmp_path / "out")
    for name in ("sample", "active_sample"):
        assert {rows[name][value] for value in VALUES} == {None}
        assert rows[name]["reason"] == NO_SAMPLE
    assert None not in [rows[name][value] for name in ("mean", "active_mean") for value in VALUES]


def test_a_latent_that_has_collapsed_has_no_active_units(tmp_path, rng):
    sample, mean, ends = toy(rng, 3)
    rows = measured(write_dump(tmp_path / "dump", sample, 0.05 * mean, ends), tmp_path / "out")
    for name in ("active_sample", "active_mean"):
        assert {rows[name][value] for value in VALUES} == {None}
        assert (rows[name]["n_units"], rows[name]["reason"]) == (0, NO_UNITS)
    assert None not in [rows[name][value] for name in ("sample", "mean") for value in VALUES]


def test_a_mean_that_is_the_same_for_all_points_has_no_id_and_says_why(tmp_path, rng):
    sample, mean, ends = toy(rng, 3)
    row = measured(write_dump(tmp_path / "dump", sample, 0 * mean, ends), tmp_path / "out")["mean"]
    assert row["intrinsic_dimension"] is None
    assert row["reason"].startswith("300 of 300 points lie at distance zero from their nearest neighbour; no standard")


@pytest.mark.parametrize("absent", ["mean.npy", "manifest.parquet", "a role"])
def test_a_folder_that_is_no_dump_of_a_vae_gets_no_such_table_and_loses_an_earlier_one(sweep, tmp_path, absent):
    dump = shutil.copytree(sweep.dump, tmp_path / "dump")
    measured(dump, tmp_path / "out")
    if absent == "a role":
        rows = tables.read("manifest", [dump / "manifest.parquet"]).to_pylist()
        rows[5]["role"] = None
        tables.write("manifest", rows, dump / "manifest.parquet")
    else:
        (dump / absent).unlink()
    if absent == "manifest.parquet":  # a user's own folder, which may hold a mean
        for name in ("logits", "log_variance"):
            (dump / f"{name}.npy").unlink()
    output = tmp_path / ("own" if absent == "manifest.parquet" else "out")
    measure_geometry(dump, output, 1, MEMORY_MB)
    assert sorted(path.stem for path in output.iterdir()) == ["information_imbalance", "intrinsic_dimension"]


def test_a_mean_of_another_dump_is_refused(sweep, tmp_path):
    dump = shutil.copytree(sweep.dump, tmp_path / "dump")
    np.save(dump / "mean.npy", np.ones((40, 3), np.float32))
    with pytest.raises(VaeGeometryError) as refused:
        measure_geometry(dump, tmp_path / "out", 1, MEMORY_MB)
    assert str(refused.value) == (
        f"{dump}: not a complete activation dump (mean.npy has shape (40, 3), the bottleneck (40, 2)); dump it again"
    )


def test_a_unit_is_active_where_its_mean_varies_whatever_its_size():
    mean = np.zeros((100, 4), np.float32)
    mean[::2] = [0.202, 0.198, 1e4, 0]  # variance: a quarter of the square
    mean[:, 2:] += 1e4
    assert active_units(mean).tolist() == [True, False, True, False]
