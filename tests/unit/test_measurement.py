"""The geometry of arrays in memory: the numbers of measure-geometry, and one sentence where there are none."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import vae_geometry as vg
from vae_geometry import VaeGeometryError, tables
from vae_geometry.cli import main
from vae_geometry.measurement import layers_of, measure_sound

KINDS = ("intrinsic_dimension", "id_scaling", "information_imbalance")


@pytest.fixture
def layers(rng):
    points = rng.normal(size=(300, 3)).astype(np.float32)
    return {"points": points, "squares": np.hstack([points, points**2]), "plane": points[:, :2].astype(np.float64)}


def test_it_gives_the_bytes_of_measure_geometry(layers, tmp_path):
    dump = tmp_path / "dump"
    dump.mkdir()
    rows = []
    for number, (name, array) in enumerate(layers.items()):
        np.save(dump / f"layer{number:02d}.npy", array)
        rows.append({"layer": number, "layer_name": name})
    tables.write("manifest", rows, dump / "manifest.parquet")
    assert main(["measure-geometry", str(dump), "--output", str(tmp_path / "command"), "--scales", "8"]) == 0
    vg.measure(layers, scales=8).save(tmp_path / "saved")
    for kind in KINDS:
        name = f"{kind}.parquet"
        assert (tmp_path / "saved" / name).read_bytes() == (tmp_path / "command" / name).read_bytes(), kind


def test_the_frames_name_layers_and_have_no_column_of_a_run(layers):
    geometry = vg.measure(layers)
    assert list(geometry.intrinsic_dimension) == [
        *("layer", "layer_name", "extrinsic_dimension", "intrinsic_dimension", "id_stderr"),
        *("n_points", "n_zero_distances", "reason"),
    ]
    assert list(geometry.information_imbalance) == [
        *("source_layer", "source_name", "target_layer", "target_name"),
        *("information_imbalance", "ii_stderr", "n_ties", "n_points", "reason"),
    ]
    assert geometry.intrinsic_dimension["layer_name"].tolist() == list(layers)
    assert geometry.intrinsic_dimension["intrinsic_dimension"].tolist() == pytest.approx([3, 3, 2], rel=0.2)
    assert geometry.id_scaling.empty
    assert vg.measure(layers, scales=8).id_scaling["neighbours"].tolist() == [2, 4, 8] * 3


@pytest.mark.parametrize("kind", ["bfloat16", "float16", "int8", "int64", "bool"])
def test_tensors_and_whole_numbers_are_those_of_their_floats(kind, rng):
    torch = pytest.importorskip("torch")
    tensor = (
        torch.from_numpy(rng.normal(0, 50, size=(100, 2, 3)))
        .to(getattr(torch, kind))
        .requires_grad_(kind in ("bfloat16", "float16"))
    )
    plain = tensor.detach().double().numpy().reshape(100, 6)
    ours, theirs = vg.measure({"layer": tensor}), vg.measure({"layer": plain})
    pd.testing.assert_frame_equal(ours.intrinsic_dimension, theirs.intrinsic_dimension, check_exact=True)


def test_saving_twice_removes_the_scales_of_the_first(layers, tmp_path):
    vg.measure(layers, scales=8).save(tmp_path)
    vg.measure(layers).save(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "information_imbalance.parquet",
        "intrinsic_dimension.parquet",
    ]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda a: {}, "activations: not a dict of layer name -> array (N, ...)"),
        (lambda a: a["points"], "activations: not a dict of layer name -> array (N, ...)"),
        (lambda a: {**a, "plane": a["plane"][:-1]}, "(points: 300, squares: 300, plane: 299)"),
        (lambda a: {"few": a["points"][:2]}, "layer few: has shape (2, 3); the geometry needs at least 3 points"),
        (lambda a: {"none": a["points"][:0]}, "layer none: has shape (0, 1)"),
        (lambda a: {"empty": a["points"][:, :0]}, "layer empty: has shape (300, 0)"),
        (lambda a: {"bad": np.where(a["points"] > 2, np.nan, 1)}, "layer bad: row "),
        (lambda a: {"huge": a["plane"] * 1e200}, "layer huge: the squares of values of about"),
        (lambda a: {"text": np.array(["a"] * 9)}, "layer text: is <U1 (9,), not an array of numbers"),
        (lambda a: {"complex": a["points"] * 1j}, "layer complex: is complex64 (300, 3), not an array of numbers"),
    ],
)
def test_what_cannot_be_measured_is_one_sentence(change, sentence, layers):
    with pytest.raises(VaeGeometryError) as error:
        vg.measure(change(layers))
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("scales", [1, 3, 0, 256])
def test_scales_that_gride_does_not_take_are_refused(scales, layers):
    with pytest.raises(VaeGeometryError, match=r"power of two|too few for 256"):
        vg.measure(layers, scales=scales)


def test_a_constant_layer_is_null_with_its_reason(layers):
    geometry = vg.measure({**layers, "dead": np.zeros((300, 5))})
    dead = geometry.intrinsic_dimension.iloc[-1]
    assert np.isnan(dead["intrinsic_dimension"])
    assert dead["reason"] == "300 of 300 points lie at distance zero from their nearest neighbour"


def test_layers_that_can_be_measured_are_the_same_beside_one_that_cannot(layers):
    arguments = {"scales": 4, "threads": 1, "memory_mb": 500, "device": "cpu"}
    bad = {"points": layers["points"], "bad": layers["squares"] * np.nan, "plane": layers["plane"]}
    geometry = measure_sound(layers_of(bad), **arguments)
    without = vg.measure({"points": layers["points"], "plane": layers["plane"]}, scales=4)
    assert geometry.intrinsic_dimension["layer_name"].tolist() == list(bad)
    reason = "row 0 holds NaN or infinity; fix the activations first"
    assert geometry.intrinsic_dimension["reason"].tolist() == [None, reason, None]
    pairs = geometry.information_imbalance
    assert list(zip(pairs["source_layer"], pairs["target_layer"], strict=True)) == [
        (a, b) for a in range(3) for b in range(3)
    ]
    assert pairs["reason"].notna().sum() == 5
    assert set(pairs["reason"].dropna()) == {f"layer bad: {reason}"}
    known = pairs.dropna(subset="information_imbalance")["information_imbalance"]
    assert known.tolist() == without.information_imbalance["information_imbalance"].tolist()
    assert geometry.id_scaling["reason"].tolist() == [None, None, reason, reason, None, None]


def test_importing_the_package_is_light_and_measuring_takes_no_torch():
    code = """
import sys
import vae_geometry as vg
heavy = {"torch", "pandas", "numpy", "pyarrow", "matplotlib", "numba"}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
assert {"measure", "record_activations", "GeometryMonitor"} <= set(dir(vg))
import numpy as np
geometry = vg.measure({"layer": np.random.default_rng(0).normal(size=(50, 2))})
assert not {"torch", "pandas", "matplotlib"} & set(sys.modules)
geometry.plot()
assert "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_name_that_the_package_lacks_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'measures'"):
        vg.measures  # noqa: B018


def test_the_figure_shows_the_numbers(layers):
    geometry = vg.measure(layers)
    dimension, imbalance, matrix, _bar = geometry.plot().axes
    line = dimension.lines[0]
    assert line.get_ydata().tolist() == geometry.intrinsic_dimension["intrinsic_dimension"].tolist()
    to_first = geometry.information_imbalance.query("target_layer == 0 and source_layer > 0")
    assert imbalance.lines[0].get_ydata().tolist() == to_first["information_imbalance"].tolist()
    squares = matrix.collections[0].get_array().ravel().tolist()
    assert squares == geometry.information_imbalance["information_imbalance"].tolist()
    assert [label.get_text() for label in dimension.get_xticklabels()] == list(layers)


def test_a_single_layer_and_one_without_numbers_are_drawn(layers):
    for shown in ({"points": layers["points"]}, {"dead": np.zeros((300, 5))}):
        texts = [text.get_text().replace("\n", " ") for text in vg.measure(shown).plot().axes[1].texts]
        assert texts == ["there is one layer alone"]


def test_a_number_of_threads_or_inputs_below_one_is_one_sentence(rng):
    with pytest.raises(VaeGeometryError, match="threads: 0 is too small; give a whole number of at least 1"):
        vg.measure({"points": rng.normal(size=(20, 3))}, threads=0)


def test_a_geometry_says_in_a_line_what_it_is_of(rng):
    layers = {name: rng.normal(size=(20, 3)) for name in ("points", "again")}
    assert repr(vg.measure(layers)) == "Geometry of 20 points in points, again"


def test_a_device_that_torch_does_not_have_is_one_sentence(rng):
    for device in ("gpu", "cuda:99", 3.5):
        with pytest.raises(VaeGeometryError, match=r"device: .* cannot be used \(.*\); take cpu"):
            vg.measure({"points": rng.normal(size=(20, 3))}, device=device)
