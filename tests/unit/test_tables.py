import os
import platform
import shutil
from dataclasses import replace

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from damage import damaged

import vae_geometry
from vae_geometry import VaeGeometryError, tables
from vae_geometry.collect import collect
from vae_geometry.selection import Selection

RUN = {"dataset": "digits", "noise": "fresh", "bottleneck": 2, "seed": 0, "epoch": 1}
ROWS = [{**RUN, "layer": layer, "intrinsic_dimension": 1.5 * layer} for layer in range(3)]
KIND = "intrinsic_dimension"


def test_columns_are_those_of_the_design():
    run = ["dataset", "noise", "bottleneck", "seed", "epoch"]
    layer = ["layer", "layer_name", "role", "extrinsic_dimension", "intrinsic_dimension", "id_stderr", "n_points"]
    pair = [f"{end}_{name}" for name in ("layer", "name", "role") for end in ("source", "target")]
    fidelity = ["elbo", "reconstruction", "kl", "kl_per_unit", "active_units", "aggregate_divergence"]
    fidelity += ["frechet_distance", "samples_frechet_distance", "extractor", "n_points", "warning"]
    names = {kind: schema.names for kind, schema in tables.SCHEMAS.items()}
    assert names[KIND] == [*run, *layer, "n_zero_distances", "reason"]
    assert names["id_scaling"] == [*run, *layer[:4], "neighbours", "scale", *layer[4:], "reason"]
    imbalance = ["information_imbalance", "ii_stderr", "n_ties", "n_points", "reason"]
    assert names["information_imbalance"] == [*run, *pair, *imbalance]
    pairs = [f"ii_{name}{end}" for name in ("to_input", "from_input", "to_output") for end in ("", "_stderr")]
    assert names["latents"] == [*run, "latent", "n_units", *layer[4:6], *pairs, "n_points", "reason"]
    assert names["fidelity"] == [*run, *fidelity, "reason"]
    claims = ["claim", "section", "statement", "verdict", "numbers", "text", "bottlenecks", "values", "reason"]
    assert names["claims"] == ["dataset", "noise", "seed", *claims]
    assert all(names[kind][:5] == run for kind in names if kind not in ("cross_bottleneck", "claims"))
    assert "reason" in names["cross_bottleneck"]


def test_every_column_is_described():
    for kind, schema in tables.SCHEMAS.items():
        for field in schema:
            assert field.metadata[b"description"], (kind, field.name)


def test_a_table_has_its_schema_and_says_what_wrote_it(tmp_path):
    path = tmp_path / "new folder/table.parquet"
    tables.write(KIND, ROWS, path)
    schema = pq.read_schema(path)
    assert schema.equals(tables.SCHEMAS[KIND], check_metadata=False)
    assert schema.metadata == {
        b"table": KIND.encode(),
        b"vae_geometry_version": vae_geometry.__version__.encode(),
    }
    assert [entry.name for entry in path.parent.iterdir()] == ["table.parquet"]


def test_columns_that_a_row_lacks_are_null_and_the_rest_is_kept(tmp_path):
    tables.write(KIND, ROWS, tmp_path / "table.parquet")
    rows = tables.read(KIND, [tmp_path / "table.parquet"]).to_pylist()
    assert rows == [{**dict.fromkeys(tables.SCHEMAS[KIND].names), **row} for row in ROWS]


def test_the_same_rows_twice_are_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        tables.write(KIND, ROWS, tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_value_of_another_type_is_an_error_and_no_table(tmp_path):
    with pytest.raises(pa.ArrowInvalid):
        tables.write(KIND, [*ROWS, {**RUN, "layer": "five"}], tmp_path / "table.parquet")
    assert list(tmp_path.iterdir()) == []


def test_a_table_is_whole_or_as_it_was(tmp_path, monkeypatch):
    def fail(_table, path):
        path.write_bytes(b"half")
        raise OSError("no space left on device")

    old = tmp_path / "old.parquet"
    tables.write(KIND, ROWS, old)
    before = old.read_bytes()
    monkeypatch.setattr(pq, "write_table", fail)
    for path in (old, tmp_path / "new.parquet"):
        with pytest.raises(VaeGeometryError, match=r"cannot be written \(no space"):
            tables.write(KIND, ROWS[:1], path)
    assert old.read_bytes() == before
    assert not (tmp_path / "new.parquet").exists()


def test_tables_are_joined_in_the_order_given(tmp_path):
    for number, row in enumerate(ROWS):
        tables.write(KIND, [row], tmp_path / str(number))
    joined = tables.read(KIND, [tmp_path / "2", tmp_path / "0"])
    assert joined["layer"].to_pylist() == [2, 0]


def test_an_absent_table_is_named(tmp_path):
    with pytest.raises(VaeGeometryError, match=r"absent.parquet: no such file; run the stage that makes it first"):
        tables.read(KIND, [tmp_path / "absent.parquet"])


BAD_FILES = {
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text("dataset,noise"),
    "folder": lambda path: path.mkdir(),
    "other kind": lambda path: tables.write("fidelity", [RUN], path),
    "other type": lambda path: pq.write_table(pa.table({name: ["x"] for name in tables.SCHEMAS[KIND].names}), path),
    "numbers as text": lambda path: write_with("layer", pa.array(["0", "1", "2"]), path),
    "wider numbers": lambda path: write_with("seed", pa.array([0, 0, 0], pa.int64()), path),
    "nested": lambda path: write_with("layer", pa.array([{"layer": 0}] * 3), path),
    "list": lambda path: write_with("id_stderr", pa.array([[0.1], [], None]), path),
    "dictionary": lambda path: write_with("role", pa.array(["input"] * 3).dictionary_encode(), path),
    "column twice": lambda path: pq.write_table(table_of_rows().append_column("layer", table_of_rows()["layer"]), path),
    "no text": lambda path: write_with("role", not_utf8(), path),
    "FIFO": os.mkfifo,
}


def table_of_rows():
    return pa.Table.from_pylist(ROWS, schema=tables.SCHEMAS[KIND])


def write_with(name, column, path):
    """The rows with another column, as written by another program."""
    pq.write_table(table_of_rows().set_column(tables.SCHEMAS[KIND].names.index(name), name, column), path)


def not_utf8():
    return pa.array([b"\xff\xfe"] * 3).view(pa.string())


@pytest.mark.parametrize("case", BAD_FILES)
def test_a_file_that_is_no_table_of_the_kind_is_named(tmp_path, case, ten_seconds):
    path = tmp_path / "table.parquet"
    BAD_FILES[case](path)
    with pytest.raises(VaeGeometryError, match=r"table.parquet: not a table of kind intrinsic_dimension"):
        tables.read(KIND, [path])


def test_a_truncated_table_is_named(tmp_path):
    path = tmp_path / "table.parquet"
    tables.write(KIND, ROWS, path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(VaeGeometryError, match=r"table.parquet: not a table of kind"):
        tables.read(KIND, [path])


def test_random_damage_of_a_table_never_ends_in_a_traceback(tmp_path, rng):
    path = tmp_path / "table.parquet"
    tables.write(KIND, [{**row, "layer_name": f"layer {row['layer']}", "role": "input"} for row in ROWS], path)
    whole, sentences = path.read_bytes(), []
    for _ in range(2000):
        path.write_bytes(damaged(whole, rng))
        try:
            tables.read(KIND, [path]).to_pylist()
        except VaeGeometryError as error:
            sentences.append(str(error))
    assert len(sentences) > 1800
    assert all(sentence.startswith(f"{path}: ") and "\n" not in sentence for sentence in sentences)


def test_a_selection_names_the_files_of_a_sweep(tmp_path):
    selection = Selection(tmp_path, ["a"], ["fresh", "repeated"], [2, 4], [0, 1], [0, 5])
    files = [path.relative_to(tmp_path).as_posix() for path in selection.files("fidelity")]
    assert len(files) == len(set(files)) == 2 * 2 * 2 * 2
    assert files[0] == "a/fresh/k2/seed0/epoch0/fidelity.parquet"
    assert files[-1] == "a/repeated/k4/seed1/epoch5/fidelity.parquet"
    one = replace(selection, noises=["fresh"], seeds=[1])
    relative = {kind: [path.relative_to(tmp_path).as_posix() for path in one.files(kind)] for kind in tables.SCHEMAS}
    assert relative["training"] == ["a/fresh/k2/seed1/training.parquet", "a/fresh/k4/seed1/training.parquet"]
    assert relative["cross_bottleneck"] == ["a/fresh/seed1/epoch5/cross_bottleneck.parquet"]


def test_a_selection_says_what_the_path_of_a_file_stands_for(tmp_path):
    selection = Selection(tmp_path, ["a"], ["fresh"], [2, 2], [1], [0, 5])
    run = {"dataset": "a", "noise": "fresh", "bottleneck": 2, "seed": 1}
    assert list(selection.files("training").values()) == [run]  # a K that is named twice counts once
    assert list(selection.files("fidelity").values()) == [{**run, "epoch": 0}, {**run, "epoch": 5}]
    cross = {"dataset": "a", "noise": "fresh", "seed": 1, "epoch": 5}
    assert list(selection.files("cross_bottleneck").values()) == [cross]


def test_collecting_writes_every_kind_with_every_row(sweep):
    folder = sweep.selection.results / "tables"
    kinds = ["cross_bottleneck", "fidelity", "id_scaling", "information_imbalance", "intrinsic_dimension"]
    kinds += ["latents", "memory", "training"]
    assert sorted(path.name for path in folder.iterdir()) == [*[f"{kind}.parquet" for kind in kinds], "versions.csv"]
    rows = {kind: pq.read_table(folder / f"{kind}.parquet").num_rows for kind in kinds}
    measured = 2 * 2  # two K, two epochs
    assert rows == {
        "cross_bottleneck": 22 * 22,
        "fidelity": measured,
        "id_scaling": measured * 11 * 2,  # 2 and 4 neighbours
        "information_imbalance": measured * 11 * 11,
        "intrinsic_dimension": measured * 11,
        "latents": measured * 4,
        "memory": measured * 2,  # training and validation images
        "training": 2 * 2,
    }
    frame = tables.read_frame("fidelity", sweep.selection)
    assert frame[["bottleneck", "epoch"]].to_numpy().tolist() == [[2, 0], [2, 2], [3, 0], [3, 2]]


def test_id_scaling_is_collected_only_where_asked_for(sweep, tmp_path):
    collect(sweep.selection, tmp_path)
    assert len(list(tmp_path.glob("*.parquet"))) == 7
    assert not (tmp_path / "id_scaling.parquet").exists()


def test_the_versions_beside_the_tables_are_those_of_the_packages_that_run(sweep, tmp_path):
    collect(sweep.selection, tmp_path)
    versions = pd.read_csv(tmp_path / "versions.csv", index_col="package")["version"]
    assert versions["pandas"] == pd.__version__
    assert versions["python"] == platform.python_version()


def test_collecting_a_sweep_that_is_not_whole_names_what_lacks(sweep, tmp_path):
    selection = replace(sweep.selection, epochs=[0, 1, 2])
    with pytest.raises(VaeGeometryError, match=r"k2/seed0/epoch1/intrinsic_dimension.parquet: no such file"):
        collect(selection, tmp_path)


def test_the_same_sweep_twice_has_the_same_bytes_in_every_table_and_checkpoint(sweep, sweep_again):
    files = [
        path.relative_to(sweep.selection.results)
        for path in sweep.selection.results.rglob("*")
        if path.suffix in (".parquet", ".safetensors", ".npy") and path.name != "timing.parquet"
    ]
    assert len(files) > 70
    for file in files:
        assert (sweep.selection.results / file).read_bytes() == (sweep_again.selection.results / file).read_bytes(), (
            file
        )


def test_joined_tables_replace_none_of_those_that_they_are_joined_of(sweep, tmp_path):
    results = shutil.copytree(sweep.selection.results, tmp_path / "results")
    selection = replace(sweep.selection, results=results)
    before = {path: path.read_bytes() for path in results.rglob("*.parquet")}
    run = results / "digits/fresh/k2/seed0"
    with pytest.raises(VaeGeometryError, match=r"seed0/training.parquet: is one of the tables to be joined; choose an"):
        collect(selection, run)
    assert {path: path.read_bytes() for path in results.rglob("*.parquet")} == before


def test_a_file_that_is_no_table_of_the_same_kind_is_not_replaced(sweep, tmp_path):
    for kind, path in {"fidelity": sweep.dump / "manifest.parquet", "training": tmp_path / "notes.txt"}.items():
        (tmp_path / "notes.txt").write_text("mine")
        before = path.read_bytes()
        with pytest.raises(VaeGeometryError, match=rf"{path.name}: is not a table of kind {kind} and is not replaced"):
            tables.write(kind, [], path)
        assert path.read_bytes() == before
