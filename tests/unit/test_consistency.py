"""Tables of a sweep must be whole, possible and of the same images; else one sentence names the files."""

import shutil
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from vae_geometry import VaeGeometryError, layout, tables
from vae_geometry.claims.check import check_claims
from vae_geometry.collect import collect
from vae_geometry.figures.plot import plot

RUN = {"dataset": "digits", "noise": "fresh", "seed": 0, "epoch": 2}
KINDS = ["intrinsic_dimension", "id_scaling", "information_imbalance", "latents", "cross_bottleneck"]
KINDS += ["fidelity", "training", "memory"]


@pytest.fixture
def selection(sweep, tmp_path):
    """The tables of the sweep, at its last epoch, in a folder of their own."""
    chosen = replace(sweep.selection, epochs=[2], results=tmp_path / "results")
    for kind in KINDS:
        for source, target in zip(replace(sweep.selection, epochs=[2]).files(kind), chosen.files(kind), strict=True):
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
    return chosen


def edit(selection, kind, change, bottleneck=3):
    """Change the rows of a table, the one of K = 3 where there are several."""
    path = layout.locate(selection.results, kind, bottleneck=bottleneck, **RUN)
    rows = change(pq.read_table(path).to_pylist())
    pq.write_table(pa.Table.from_pylist(rows, tables.SCHEMAS[kind]), path)
    return path


def put(column, value, row=slice(None)):
    def change(rows):
        for chosen in rows[row]:
            chosen[column] = value
        return rows

    return change


def sentence_of(call, *arguments):
    with pytest.raises(VaeGeometryError) as refused:
        call(*arguments)
    assert "\n" not in str(refused.value)
    return str(refused.value)


ID, INPUT = "intrinsic_dimension", slice(0, 1)
OTHERS = {
    "another N": ("intrinsic_dimension", "n_points of the input is 7", put("n_points", 7)),
    "another N of the scales": ("id_scaling", "n_points of the input is 7", put("n_points", 7)),
    "another N of the II": ("information_imbalance", "n_points is 7", put("n_points", 7)),
    "another N of the latents": ("latents", "n_points is 7", put("n_points", 7)),
    "another N of the fidelity": ("fidelity", "n_points is 7", put("n_points", 7)),
    "another extractor": ("fidelity", "extractor is inception", put("extractor", "inception")),
    "images of another ID": (ID, f"{ID} of the input is 8.45", put(ID, 8.45, INPUT)),
    "images of another error": (ID, "id_stderr of the input is 0.5", put("id_stderr", 0.5, INPUT)),
    "images of another size": (ID, "extrinsic_dimension of the input is 3072", put("extrinsic_dimension", 3072, INPUT)),
    "images of another scale": ("id_scaling", "scale of the input is 0.5", put("scale", 0.5, INPUT)),
}


@pytest.mark.parametrize("case", OTHERS)
def test_bottlenecks_that_were_measured_on_other_images_are_not_compared(selection, tmp_path, case):
    kind, said, change = OTHERS[case]
    path = edit(selection, kind, change)
    first = layout.locate(selection.results, kind, bottleneck=2, **RUN)
    for stage in (lambda: tables.read_frame(kind, selection), lambda: collect(selection, tmp_path / "out", True)):
        sentence = sentence_of(stage)
        assert sentence.startswith(f"{path}: {said}, in {first} it is ")
        assert sentence.endswith("; measure both again with the same settings and inputs of digits")
    assert not (tmp_path / f"out/{kind}.parquet").exists()


def test_claims_and_figures_of_other_images_are_refused(selection, tmp_path):
    edit(selection, "intrinsic_dimension", put("n_points", 400))
    assert "n_points of the input is 400" in sentence_of(check_claims, selection, tmp_path / "claims")
    assert "n_points of the input is 400" in sentence_of(plot, "figure1", selection, tmp_path / "figure1")
    assert not list(tmp_path.glob("*.*"))


def test_kinds_of_noise_measured_on_other_images_are_not_compared_by_the_claims(selection, tmp_path):
    for kind in KINDS:
        for path, fields in selection.files(kind).items():
            rows = [{**row, "noise": "repeated"} for row in pq.read_table(path).to_pylist()]
            rows = put("n_points", 7)(rows) if kind == "intrinsic_dimension" else rows
            tables.write(kind, rows, layout.locate(selection.results, kind, **{**fields, "noise": "repeated"}))
    both = replace(selection, noises=["fresh", "repeated"])
    assert "n_points of the input is 7" in sentence_of(check_claims, both, tmp_path / "claims")


def test_a_last_digit_that_a_gpu_adds_otherwise_is_no_other_image(selection):
    edit(selection, "id_scaling", lambda rows: [{**rows[0], "scale": rows[0]["scale"] * (1 + 1e-12)}, *rows[1:]])
    assert len(tables.read_frame("id_scaling", selection)) == 44


def drop(*numbers):
    return lambda rows: [row for number, row in enumerate(rows) if number - len(rows) not in numbers]


BOTTLENECKS = ("source_bottleneck", "target_bottleneck")
INCOMPLETE = {
    "the last layer": ("intrinsic_dimension", drop(-1), "holds no row of layer 10, which "),
    "a layer": ("intrinsic_dimension", drop(-4), "holds no row of layer 7;"),
    "a scale": ("id_scaling", drop(-1), "holds no row of layer 10 with 4 neighbours;"),
    "a latent": ("latents", drop(-1), "holds no row of latent active_mean;"),
    "a pair": ("information_imbalance", drop(-1), "holds no row of the II from layer 10 of K = 3 to layer 10 "),
    "all pairs of a layer": (
        "information_imbalance",
        lambda rows: [row for row in rows if 10 not in (row["source_layer"], row["target_layer"])],
        "holds no row of layer 10, which ",
    ),
    "an epoch": ("training", drop(-2), "holds no row of epoch 1;"),
    "the last epoch": ("training", drop(-1), "ends with epoch 1, and the sweep with epoch 2;"),
    "a part": ("memory", drop(-1), "holds no row of validation images at epoch 2;"),
    "the last epoch of a memory": ("memory", drop(-1, -2), "ends with epoch 0, and the sweep with epoch 2;"),
    "half a cross table": (
        "cross_bottleneck",
        lambda rows: rows[: len(rows) // 2],
        "holds no row of the II from layer 0 of K = 3 to layer 0 of K = 2;",
    ),
    "a bottleneck": (
        "cross_bottleneck",
        lambda rows: [row for row in rows if row["source_bottleneck"] == row["target_bottleneck"] == 2],
        "holds no row of K = 3;",
    ),
    "a bottleneck that is another": (
        "cross_bottleneck",
        lambda rows: [{**row, **{end: 16 for end in BOTTLENECKS if row[end] == 3}} for row in rows],
        "holds no row of K = 3;",
    ),
}


@pytest.mark.parametrize("case", INCOMPLETE)
def test_a_table_that_lacks_rows_is_named(selection, case):
    kind, change, said = INCOMPLETE[case]
    path = edit(selection, kind, change)
    sentence = sentence_of(tables.read_frame, kind, selection)
    assert sentence.startswith(f"{path}: {said}")
    assert "; remove it to make it again" in sentence


def test_losses_of_a_training_under_way_are_drawn(selection):
    edit(selection, "training", drop(-1))
    assert len(tables.read_frame("training", selection, pass_absent=True)) == 3


def test_a_part_of_the_bottlenecks_of_a_sweep_may_be_chosen(selection):
    assert len(tables.read_frame("cross_bottleneck", replace(selection, bottlenecks=[2]))) == 22 * 22


NAN, INF = float("nan"), float("inf")
IMPOSSIBLE = [
    ("intrinsic_dimension", "intrinsic_dimension", [NAN, INF, -4.0]),
    ("intrinsic_dimension", "id_stderr", [NAN, -0.1]),
    ("id_scaling", "scale", [INF, -1.0]),
    ("information_imbalance", "information_imbalance", [NAN, -0.1, 5.0]),
    ("cross_bottleneck", "information_imbalance", [INF, 2.5]),
    ("latents", "ii_from_input", [-0.1, 2.5]),
    ("latents", "ii_to_output_stderr", [NAN, -0.1]),
    ("fidelity", "aggregate_divergence", [-5.0, INF]),
    ("fidelity", "kl", [-5.0, NAN]),
    ("fidelity", "frechet_distance", [INF]),
    ("fidelity", "samples_frechet_distance", [-2.0, NAN]),
    ("training", "train_elbo", [NAN, INF]),
    ("training", "validation_kl", [-0.1]),
]


@pytest.mark.parametrize(("kind", "column", "values"), IMPOSSIBLE)
def test_a_number_that_no_measurement_gives_is_named(selection, kind, column, values):
    for value in values:
        path = edit(selection, kind, put(column, value, slice(1, 2) if kind != "fidelity" else INPUT))
        assert sentence_of(tables.read, kind, [path]) == (
            f"{path}: column {column} holds {value}, which no measurement gives; remove it to make it again"
        )


@pytest.mark.parametrize("units", [[1.0] * 9, [], [1.0, None, 1.0], [1.0, NAN, 1.0], [1.0, -0.1, 1.0]])
def test_a_kl_of_other_units_is_named(selection, units):
    path = edit(selection, "fidelity", put("kl_per_unit", units))
    assert "kl_per_unit does not hold the KL of each of 3 units" in sentence_of(tables.read, "fidelity", [path])


def test_a_kl_that_rounding_leaves_below_zero_is_read(selection):
    path = edit(selection, "fidelity", lambda rows: [{**rows[0], "kl": -1e-6, "kl_per_unit": [-1e-6, 0.0, 0.0]}])
    assert tables.read("fidelity", [path]).num_rows == 1
