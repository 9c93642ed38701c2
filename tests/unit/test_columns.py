"""Tables of rows against pyarrow's own, which imports pandas."""

import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from vae_geometry import tables
from vae_geometry.columns import table_of_rows

VALUES = {
    pa.string(): ["bottleneck", "", "é😀"],
    pa.int32(): [3, np.int64(-4), 2**31 - 1],
    pa.float64(): [0.1, np.float32(0.1), 7],
    pa.list_(pa.string()): [["0.5 ± 0.1", ""], [], ["é"]],
    pa.list_(pa.int32()): [[1, np.int64(32)], [], [2**31 - 1]],
    pa.list_(pa.float64()): [[0.1, np.float64(2)], [], [3.0]],
}


def in_parquet(table):
    file = io.BytesIO()
    pq.write_table(table, file)
    return file.getvalue()


@pytest.mark.parametrize("kind", tables.SCHEMAS)
@pytest.mark.parametrize("places", [[], [0], [None], [0, 1, 2], [None, 0, 1, None, *[2] * 9]])
def test_a_table_of_rows_is_that_of_pyarrow(kind, places):
    schema = tables.SCHEMAS[kind]
    rows = [
        {"of no column": 1} | ({} if place is None else {field.name: VALUES[field.type][place] for field in schema})
        for place in places
    ]
    table = table_of_rows(iter(rows), schema)
    table.validate(full=True)
    assert table.schema.equals(schema, check_metadata=True)
    assert in_parquet(table) == in_parquet(pa.Table.from_pylist(rows, schema=schema))


@pytest.mark.parametrize("value", ["five", 2**31, 2**80, 1.5, b"5", [5]])
def test_a_value_of_another_type_is_no_whole_number(value):
    with pytest.raises(ValueError):  # noqa: PT011 - numpy's or pyarrow's words
        table_of_rows([{"layer": 1}, {"layer": value}, {}], tables.SCHEMAS["manifest"])


@pytest.mark.parametrize("value", [5, b"five", ["five"]])
def test_a_value_of_another_type_is_no_text(value):
    with pytest.raises((AttributeError, TypeError)):
        table_of_rows([{"dataset": value}], tables.SCHEMAS["manifest"])
