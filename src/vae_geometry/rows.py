"""What the rows of a table must be: there once, of the run that the path names, and measured on a seed of their own."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import pyarrow as pa

from vae_geometry import VaeGeometryError

Fields = Mapping[str, str | int]

# The columns that tell the rows of a table apart, of whatever kind it is.
KEYS = {
    *("dataset", "noise", "bottleneck", "seed", "epoch", "layer", "quantity", "neighbours", "claim"),
    *("source_bottleneck", "target_bottleneck", "source_layer", "target_layer"),
}
# Kind -> the number that two trained networks do not share to the last digit. An II is no such number: it is a ratio
# of whole numbers, and those of networks whose layers have collapsed may well be equal.
MEASURED = {
    "intrinsic_dimension": "intrinsic_dimension",
    "id_scaling": "intrinsic_dimension",
    "fidelity": "elbo",
    "training": "train_elbo",
}


def require_once(path: Path, table: pa.Table) -> None:
    """Refuse a table with two rows of the same place.

    Raises
    ------
    VaeGeometryError
        If two rows are equal in all of ``KEYS`` that the table has.
    """
    keys = _keys(table)
    seen = set()
    for row in zip(*(table[name].to_pylist() for name in keys), strict=True):
        if row in seen:
            place = ", ".join(f"{name} {value}" for name, value in zip(keys, row, strict=True) if value is not None)
            raise VaeGeometryError(f"{path}: holds several rows of {place}; remove it to make it again")
        seen.add(row)


def require_place(path: Path, table: pa.Table, fields: Fields) -> None:
    """Refuse a table that lies where another belongs.

    Parameters
    ----------
    path : Path
    table : Table
    fields : mapping
        Column -> the value that the path names.

    Raises
    ------
    VaeGeometryError
        If a row has another value, or null in one of ``KEYS``; if there is no row.
    """
    if not table.num_rows:
        raise VaeGeometryError(f"{path}: holds no rows; remove it to make it again")
    for name in _keys(table):
        for found in table[name].unique().to_pylist():
            if found is None or found != fields.get(name, found):
                belongs = f"where {fields[name]} belongs" if name in fields else "where a value belongs"
                raise VaeGeometryError(
                    f"{path}: column {name} holds {'null' if found is None else found}, {belongs}; "
                    "move it to its own place, or remove it to make it again"
                )


def require_own_numbers(kind: str, files: Mapping[Path, Fields], tables: Iterable[pa.Table]) -> None:
    """Refuse a seed that repeats the numbers of another: a copy, which would make the spread over seeds too small.

    Parameters
    ----------
    kind : str
        A key of ``tables.SCHEMAS``; those without an entry in ``MEASURED`` are not compared.
    files : mapping
        Path -> the values that it names.
    tables : iterable of Tables
        One a file.

    Raises
    ------
    VaeGeometryError
        If all that was measured of a trained network is the same in two seeds. The input is left out, as all seeds see
        the same images.
    """
    if kind not in MEASURED:
        return
    owners: dict[tuple, Path] = {}
    for (path, fields), table in zip(files.items(), tables, strict=True):
        values, epochs = table[MEASURED[kind]].to_pylist(), table["epoch"].to_pylist()
        roles = table["role"].to_pylist() if "role" in table.column_names else [None] * len(values)
        numbers = [
            value
            for value, epoch, role in zip(values, epochs, roles, strict=True)
            if value is not None and epoch > 0 and role != "input"
        ]
        run = [value for name, value in fields.items() if name != "seed"]
        if numbers and (owner := owners.setdefault((*run, *numbers), path)) != path:
            raise VaeGeometryError(
                f"{path}: every {MEASURED[kind]} is the same as in {owner}, of another seed, so one is a copy; "
                "remove the copied run to make it again"
            )


def _keys(table: pa.Table) -> list[str]:
    return [name for name in table.column_names if name in KEYS]
