"""How the tables are written, checked and read; their columns: ``table_schemas``."""

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from vae_geometry import VaeGeometryError, __version__
from vae_geometry.columns import table_of_rows
from vae_geometry.consistency import require_same_inputs, require_whole
from vae_geometry.files import DAMAGED, atomic_file, reason, require_regular, require_written
from vae_geometry.rows import require_once, require_own_numbers, require_place, require_possible
from vae_geometry.selection import Selection
from vae_geometry.table_schemas import PARTS as PARTS  # re-exported
from vae_geometry.table_schemas import RUN as RUN
from vae_geometry.table_schemas import SCHEMAS as SCHEMAS

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger(__name__)


def write(kind: str, rows: Iterable[Mapping] | pa.Table, path: Path) -> None:
    """Write a table atomically.

    Parameters
    ----------
    kind : str
        A key of ``SCHEMAS``.
    rows : iterable of mappings, or a table of this schema
        Column -> value; a column that is absent is null.
    path : Path
        Parquet file. Its metadata names the kind, and the version of this package.

    Raises
    ------
    VaeGeometryError
        If there is a file that is no table of this kind, or it cannot be written.
    """
    table = rows if isinstance(rows, pa.Table) else table_of_rows(rows, SCHEMAS[kind])
    metadata = {"table": kind, "vae_geometry_version": __version__}
    require_written(path, lambda path: is_table(kind, path), f"a table of kind {kind}")
    with atomic_file(path) as unfinished:
        pq.write_table(table.replace_schema_metadata(metadata), unfinished)


def is_table(kind: str, path: Path) -> bool:
    """Whether a file is a table of this kind, by its metadata."""
    try:
        require_regular(path)
        metadata = pq.read_schema(path).metadata or {}
    except (pa.ArrowException, *DAMAGED):
        return False
    return bool(metadata.get(b"table") == kind.encode())


def read(kind: str, files: Iterable[Path]) -> pa.Table:
    """Read tables of one kind and join them, one after the other.

    Raises
    ------
    VaeGeometryError
        If a file is absent, is no parquet file or lacks a column of this kind; if a row is there twice, or holds a
        number that cannot be.
    """
    return _joined(_read_file(kind, path) for path in files)


def read_selected(kind: str, selection: Selection, pass_absent: bool = False) -> pa.Table:
    """Read the selected tables of one kind, and check that they are whole and belong together.

    With ``pass_absent`` those that are not there yet are passed over, which is logged; one must be there, and a
    training may be under way.

    Raises
    ------
    VaeGeometryError
        As ``read``; if a table lies where it does not belong, repeats the numbers of another seed, lacks rows, or was
        measured on other inputs than another.
    """
    files = selection.files(kind)
    if pass_absent and (there := {path: fields for path, fields in files.items() if path.exists()}):
        if absent := [path for path in files if path not in there]:
            logger.warning("%d of %d tables are not there yet, for example %s", len(absent), len(files), absent[0])
        files = there
    tables = {path: _read_file(kind, path) for path in files}
    for path, fields in files.items():
        require_place(path, tables[path], fields)
    require_own_numbers(kind, files, tables.values())
    require_whole(kind, tables, selection.bottlenecks, 0 if pass_absent else max(selection.epochs))
    require_same_inputs(kind, tables)
    return _joined(tables.values())


def read_frame(kind: str, selection: Selection, pass_absent: bool = False) -> "pd.DataFrame":
    """Read the selected tables of one kind as a data frame; see ``read_selected``."""
    return read_selected(kind, selection, pass_absent).to_pandas()


def is_measured(kind: str, selection: Selection) -> bool:
    """Whether any of the selected tables of one kind is there: networks trained elsewhere have no ELBO, for example."""
    return any(path.exists() for path in selection.files(kind))


def _joined(tables: Iterable[pa.Table]) -> pa.Table:
    return pa.concat_tables([table.replace_schema_metadata(None) for table in tables])


def _read_file(kind: str, path: Path) -> pa.Table:
    schema = SCHEMAS[kind]
    try:
        require_regular(path)
        # from memory and on one thread: the tables are small
        file = pq.ParquetFile(pa.BufferReader(path.read_bytes()))
        _require_types(file.schema_arrow, schema)
        table = file.read(columns=schema.names, use_threads=False).cast(schema)
        table.validate(full=True)  # bytes that are no text are read without an error
    except FileNotFoundError:
        raise VaeGeometryError(f"{path}: no such file; run the stage that makes it first") from None
    except (pa.ArrowException, *DAMAGED) as error:
        problem = f"not a table of kind {kind} ({reason(error)})"
        raise VaeGeometryError(f"{path}: {problem}; remove it to make it again") from None
    require_once(path, table)
    require_possible(path, table)
    return table


def _require_types(found: pa.Schema, schema: pa.Schema) -> None:
    """Raise ValueError where a column lacks, is there twice or is of another type: a cast may change its values."""
    for field in schema:
        index = found.get_field_index(field.name)
        if index < 0:
            raise ValueError(f"it has no column {field.name}, or several")
        if found.field(index).type != field.type:
            raise ValueError(f"column {field.name} is {found.field(index).type}, not {field.type}")
