"""Tables must belong where they lie: rows of another run, rows there twice and copies of a seed are refused."""

from dataclasses import replace

import pytest

from vae_geometry import VaeGeometryError, layout, tables
from vae_geometry.cli import main
from vae_geometry.latents import LATENTS
from vae_geometry.selection import Selection

RUN = {"dataset": "digits", "noise": "fresh", "bottleneck": 2, "seed": 0, "epoch": 5}
PAIRS = [{"source_layer": a, "target_layer": b, "information_imbalance": 0.1} for a in (0, 1) for b in (0, 1)]
LAYERS = [
    {"layer": 0, "role": "input", "intrinsic_dimension": 9.0},
    {"layer": 1, "role": "encoder", "intrinsic_dimension": 5.5},
    {"layer": 2, "role": "output", "intrinsic_dimension": None},
]
ROWS = {  # of each kind, without those of its run
    "intrinsic_dimension": LAYERS,
    "id_scaling": [{**layer, "neighbours": 2} for layer in LAYERS],
    "information_imbalance": PAIRS,
    "cross_bottleneck": [{**pair, "source_bottleneck": 2, "target_bottleneck": 2} for pair in PAIRS],
    "latents": [{"latent": latent, "intrinsic_dimension": 4.5} for latent in LATENTS],
    "fidelity": [{"elbo": 80.25}],
    "training": [{"epoch": epoch, "train_elbo": 90.5 - epoch} for epoch in range(1, 6)],
    "memory": [{"part": part, "loss_new_eps": 70.5} for part in ("train", "validation")],
}


@pytest.fixture
def selection(tmp_path):
    return Selection(tmp_path, ["digits"], ["fresh"], [2], [0], [5])


def write(kind, path, rows=None, **changes):
    """A table of the run ``RUN`` with other values in the columns that ``changes`` names."""
    run = {name: value for name, value in {**RUN, **changes}.items() if name in tables.SCHEMAS[kind].names}
    tables.write(kind, [{**run, **row} for row in rows or ROWS[kind]], path)


def sentence_of(call, *arguments):
    with pytest.raises(VaeGeometryError) as error:
        call(*arguments)
    assert "\n" not in str(error.value)
    return str(error.value)


def in_the_path(kind):
    return [name for name in RUN if f"{{{name}}}" in layout.RESULTS[kind]]


@pytest.mark.parametrize(("kind", "column"), [(kind, column) for kind in ROWS for column in in_the_path(kind)])
def test_a_row_of_another_run_than_the_path_names_is_refused(selection, kind, column):
    [path] = selection.files(kind)
    other = {"dataset": "mnist", "noise": "repeated", "bottleneck": 4, "seed": 1, "epoch": 2}[column]
    write(kind, path)
    assert tables.read_selected(kind, selection).num_rows == len(ROWS[kind])
    write(kind, path, **{column: other})
    assert sentence_of(tables.read_selected, kind, selection) == (
        f"{path}: column {column} holds {other}, where {RUN[column]} belongs; "
        "move it to its own place, or remove it to make it again"
    )


def test_one_row_of_another_run_is_enough(selection):
    [path] = selection.files("intrinsic_dimension")
    write("intrinsic_dimension", path, [*LAYERS[:2], {**LAYERS[2], "bottleneck": 16}])
    assert "column bottleneck holds 16, where 2 belongs" in sentence_of(
        tables.read_frame, "intrinsic_dimension", selection
    )


def test_a_table_of_a_sweep_without_a_run_or_without_rows_is_refused(selection):
    [path] = selection.files("intrinsic_dimension")
    write("intrinsic_dimension", path, dataset=None)
    assert "column dataset holds null, where digits belongs" in sentence_of(
        tables.read_frame, "intrinsic_dimension", selection
    )
    write("intrinsic_dimension", path, [{**LAYERS[0], "layer": None}])
    assert "column layer holds null, where a value belongs" in sentence_of(
        tables.read_frame, "intrinsic_dimension", selection
    )
    tables.write("intrinsic_dimension", [], path)
    assert "holds no rows" in sentence_of(tables.read_frame, "intrinsic_dimension", selection)


@pytest.mark.parametrize("kind", ROWS)
def test_a_row_that_is_there_twice_is_refused(tmp_path, kind):
    path = tmp_path / "table.parquet"
    write(kind, path, [*ROWS[kind], ROWS[kind][-1]])
    sentence = sentence_of(tables.read, kind, [path])
    assert sentence.startswith(f"{path}: holds several rows of dataset digits, noise fresh, ")
    assert sentence.endswith("; remove it to make it again")


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        ("intrinsic_dimension", "intrinsic_dimension"),
        ("id_scaling", "intrinsic_dimension"),
        ("latents", "intrinsic_dimension"),
        ("fidelity", "elbo"),
        ("training", "train_elbo"),
        ("memory", "loss_new_eps"),
    ],
)
def test_two_seeds_of_the_same_numbers_are_refused(selection, kind, number):
    both = replace(selection, seeds=[0, 1])
    [first, second] = both.files(kind)
    write(kind, first)
    write(kind, second, [{**row, number: row[number] and row[number] * (1 + 1e-15)} for row in ROWS[kind]], seed=1)
    assert tables.read_selected(kind, both).num_rows == 2 * len(ROWS[kind])
    write(kind, second, seed=1)
    assert sentence_of(tables.read_selected, kind, both) == (
        f"{second}: every {number} is the same as in {first}, of another seed, so one is a copy; "
        "remove the copied run to make it again"
    )


def test_what_two_seeds_may_share_is_no_copy(selection):
    """Untrained networks, the input, values that were not measured, and an II may be equal; a trained ID may not."""
    both, kind = replace(selection, seeds=[0, 1], epochs=[0, 5]), "intrinsic_dimension"
    shared = [LAYERS[0], *({**layer, "intrinsic_dimension": None} for layer in LAYERS[1:])]
    for path, fields in both.files(kind).items():
        write(kind, path, LAYERS if fields["epoch"] == 0 else shared, **fields)
    for path, fields in both.files("information_imbalance").items():
        write("information_imbalance", path, **fields)
    assert len(tables.read_frame(kind, both)) == 12
    assert len(tables.read_frame("information_imbalance", both)) == 4 * len(PAIRS)
    for path, fields in both.files(kind).items():
        write(kind, path, **fields)
    assert "seed1/epoch5/intrinsic_dimension.parquet: every intrinsic_dimension is the same" in sentence_of(
        tables.read_frame, kind, both
    )


def test_a_copied_folder_of_a_run_is_one_sentence_of_the_command(selection, tmp_path, capsys):
    for kind in ROWS:
        for path in replace(selection, seeds=[0, 1]).files(kind):
            write(kind, path)  # seed1 is a copy of seed0
    arguments = ["--dataset", "digits", "--noise", "fresh", "--bottleneck", "2", "--seed", "0", "1", "--epoch", "5"]
    command = ["collect-tables", *arguments, "--results", str(tmp_path), "--output", str(tmp_path / "tables")]
    assert main(command) == 1
    [line] = capsys.readouterr().err.strip().splitlines()
    assert "seed1/epoch5/intrinsic_dimension.parquet: column seed holds 0, where 1 belongs" in line
    assert not (tmp_path / "tables").exists()
