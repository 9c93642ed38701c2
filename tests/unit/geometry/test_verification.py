import sys

import numpy as np
import pytest

from vae_geometry import VaeGeometryError, tables
from vae_geometry.geometry import verification
from vae_geometry.geometry.agreement import agreement
from vae_geometry.geometry.measure import measure_geometry
from vae_geometry.geometry.verification import verify_geometry

N, MEMORY_MB = 101, 2000  # a prime number: no size of parts divides it


def write_layers(folder, layers):
    folder.mkdir(exist_ok=True)
    for number, points in enumerate(layers):
        np.save(folder / f"layer{number:02d}.npy", points.astype(np.float32))
    return folder


@pytest.fixture
def layers(rng):
    source = rng.normal(size=(N, 4))
    return [source, 1000 + source @ rng.normal(size=(4, 20)), rng.normal(size=(N, 3))]


def verified(folder, scales=None):
    output = folder.parent / "verification.parquet"
    rows = verify_geometry(folder, output, 1, MEMORY_MB, scales)
    assert tables.read("verification", [output]).to_pylist() == rows
    return rows


def test_every_number_of_a_folder_is_compared_as_it_was_measured(tmp_path, layers):
    pytest.importorskip("dadapy")
    folder = write_layers(tmp_path / "layers", layers)
    rows = verified(folder, scales=8)
    assert [row["reason"] for row in rows] == [None] * (3 + 3 * 3 + 9)
    measure_geometry(folder, tmp_path, 1, MEMORY_MB, scales=8)
    for kind, value in (
        ("intrinsic_dimension", "intrinsic_dimension"),
        ("id_scaling", "intrinsic_dimension"),
        ("information_imbalance", "information_imbalance"),
    ):
        measured = tables.read(kind, [tmp_path / f"{kind}.parquet"])[value].to_pylist()
        of_kind = [row for row in rows if row["quantity"] == kind]
        assert sorted(row["value"] for row in of_kind) == sorted(measured)
        assert [row["dadapy_value"] for row in of_kind] == pytest.approx([row["value"] for row in of_kind], rel=1e-8)
    assert agreement(rows).startswith("DADApy 0.3.4 agrees on 3 IDs (largest difference ")


def test_only_layers_with_equally_near_points_or_distance_zero_are_left_out(tmp_path, layers, rng):
    pytest.importorskip("dadapy")
    twins = layers[0].copy()
    twins[1] = twins[0]
    lattice = rng.integers(0, 5, (N, 3))
    rows = verified(write_layers(tmp_path / "layers", [layers[0], twins, 0.5 + lattice, layers[2]]), scales=4)
    left_out = {(row["source_layer"], row["target_layer"]) for row in rows if row["reason"] and row["neighbours"] == 1}
    pairs = {(a, b) for a in range(4) for b in range(4)}
    assert left_out == {pair for pair in pairs if {1, 2} & set(pair)}
    reasons = {row["target_layer"]: row["reason"] for row in rows if row["source_layer"] == 0 if row["reason"]}
    assert reasons[1] == "points at distance zero: 2 in layer 1"
    of_twins = [row for row in rows if row["source_layer"] == 1 and row["neighbours"] > 1]
    assert [row["reason"] for row in of_twins] == [None] * 3
    assert all(row["difference"] < 1e-8 for row in of_twins)


def test_equally_near_points_are_counted_in_the_reason(tmp_path, layers):
    pytest.importorskip("dadapy")
    line = np.arange(N)[:, None] ** 2.0
    line[1], line[2] = -1, 1  # both as near to 0
    rows = verified(write_layers(tmp_path / "layers", [line, layers[0]]), scales=2)
    reasons = {(row["quantity"], row["source_layer"], row["target_layer"]): row["reason"] for row in rows}
    assert reasons["information_imbalance", 0, 1] == ("equally near points: for 1 points in layer 0, for 0 in layer 1")
    assert reasons["id_scaling", 0, 0] == "equally near neighbours: 1 points"
    assert reasons["intrinsic_dimension", 0, 0] is None


def test_a_layer_that_has_collapsed_is_left_out_with_what_was_not_measured(tmp_path, layers):
    pytest.importorskip("dadapy")
    rows = verified(write_layers(tmp_path / "layers", [layers[0], np.zeros((N, 3))]), scales=4)
    of_collapsed = [row for row in rows if row["source_layer"] == row["target_layer"] == 1]
    assert {row["value"] for row in of_collapsed if row["neighbours"] > 1} == {None}
    assert {row["dadapy_value"] for row in of_collapsed} == {None}
    assert agreement(rows).endswith(
        "; not compared: 1 ID (not measured); not compared: 2 IDs against scale (not measured); "
        "not compared: 3 II (points at distance zero)."
    )


def test_a_value_that_is_not_dadapys_fails_in_one_sentence_and_leaves_no_table(tmp_path, layers, monkeypatch):
    pytest.importorskip("dadapy")
    folder = write_layers(tmp_path / "layers", layers)
    monkeypatch.setattr(verification, "information_imbalance", lambda ranks: 2 / N * (ranks.mean() + 1 / N))
    with pytest.raises(VaeGeometryError, match=r"layers: the II of layer 0 to layer 0 is .* by more than 1e-12; "):
        verified(folder)
    assert not (tmp_path / "verification.parquet").exists()


def test_without_dadapy_it_says_how_to_install_it(tmp_path, layers, monkeypatch):
    monkeypatch.setitem(sys.modules, "dadapy", None)
    with pytest.raises(VaeGeometryError, match=r"^dadapy is not installed, which .* run: pip install 'dadapy"):
        verified(write_layers(tmp_path / "layers", layers))
