"""Arrow tables of Python values, without pandas.

``pa.Table.from_pylist`` imports pandas to see whether a value is one of its own, which takes half as long as everything
else that a small measurement does.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa


def table_of_rows(rows: Iterable[Mapping[str, Any]], schema: pa.Schema) -> pa.Table:
    """Make a table of rows.

    Parameters
    ----------
    rows : iterable of mappings
        Column -> value; a column that is absent or None is null, one that the schema lacks is left out.
    schema : pa.Schema
        Of texts, numbers and lists of them.

    Raises
    ------
    ValueError
        If a value is none of the type of its column.
    """
    rows = list(rows)
    columns = [_column([row.get(field.name) for row in rows], field.type) for field in schema]
    return pa.Table.from_arrays(columns, schema=schema)


def _column(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    validity = pa.py_buffer(np.packbits(np.array([value is not None for value in values], bool), bitorder="little"))
    if pa.types.is_string(kind):
        texts = [b"" if value is None else value.encode() for value in values]
        return pa.Array.from_buffers(kind, len(values), [validity, _ends(texts), pa.py_buffer(b"".join(texts))])
    if pa.types.is_list(kind):
        parts = [[] if value is None else value for value in values]
        items = _column([*chain.from_iterable(parts)], kind.value_type)
        return pa.Array.from_buffers(kind, len(values), [validity, _ends(parts)], children=[items])
    numbers = np.array([0 if value is None else value for value in values])
    if numbers.dtype.kind not in "iuf":
        raise pa.ArrowInvalid(f"a column of type {kind} holds values of type {numbers.dtype}")
    found = pa.from_numpy_dtype(numbers.dtype)
    return pa.Array.from_buffers(found, len(values), [validity, pa.py_buffer(numbers)]).cast(kind)


def _ends(parts: Sequence[Any]) -> pa.Buffer:
    """Where each part begins and the last one ends, once they are joined."""
    return pa.py_buffer(np.cumsum([0, *map(len, parts)], dtype=np.int32))
