"""What the rows of a table must be: there once, possible, of the run that the path names, of a seed of their own."""

from collections.abc import Iterable, Mapping
from math import inf, isfinite
from pathlib import Path

import pyarrow as pa

from vae_geometry import VaeGeometryError

Fields = Mapping[str, str | int]

# The columns that tell the rows of a table apart, of whatever kind it is.
KEYS = {
    *("dataset", "noise", "bottleneck", "seed", "epoch", "layer", "quantity", "neighbours", "latent", "claim", "part"),
    *("source_bottleneck", "target_bottleneck", "source_layer", "target_layer"),
}
# Kind -> the number that two trained networks do not share to the last digit. An II is no such number: it is a ratio
# of whole numbers, and those of networks whose layers have collapsed may well be equal.
MEASURED = {
    "intrinsic_dimension": "intrinsic_dimension",
    "id_scaling": "intrinsic_dimension",
    "latents": "intrinsic_dimension",
    "fidelity": "elbo",
    "training": "train_elbo",
    "memory": "loss_new_eps",
}

ROUNDING = 1e-3  # nats: the KL of units that have collapsed, summed in float32, may come out below zero
POSITIVE, NATS = (0.0, inf), (-ROUNDING, inf)
# Column -> the least and the greatest value that it can have. An II is 2 / N times a mean rank below N.
LIMITS = {
    **dict.fromkeys(("intrinsic_dimension", "id_stderr", "scale", "ii_stderr"), POSITIVE),
    **dict.fromkeys(("loss_trained_eps_stderr", "loss_new_eps_stderr", "loss_mean_stderr", "memory_stderr"), POSITIVE),
    "n_points": (1, inf),
    "n_images": (1, inf),
    **dict.fromkeys(("ii_to_input", "ii_from_input", "ii_to_output"), (0.0, 2.0)),
    **dict.fromkeys(("ii_to_input_stderr", "ii_from_input_stderr", "ii_to_output_stderr"), POSITIVE),
    "aggregate_divergence": NATS,
    "information_imbalance": (0.0, 2.0),
    **dict.fromkeys(("kl", "train_kl", "validation_kl"), NATS),  # the loss of a density may be below zero
    "frechet_distance": (-1.0, inf),  # of equal Gaussians zero up to rounding
    "samples_frechet_distance": (-1.0, inf),
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


def require_possible(path: Path, table: pa.Table) -> None:
    """Refuse a table with numbers that cannot have been measured; null is none.

    Raises
    ------
    VaeGeometryError
        If a number is NaN, infinite or outside ``LIMITS``; if the KL of each unit is not that of K units.
    """
    for field in table.schema:
        if field.name not in LIMITS and not pa.types.is_floating(field.type):
            continue
        least, greatest = LIMITS.get(field.name, (-inf, inf))
        for value in table[field.name].to_pylist():
            if value is not None and not (isfinite(value) and least <= value <= greatest):
                raise _impossible(path, f"column {field.name} holds {value}")
    if "kl_per_unit" in table.column_names:
        for size, units in zip(table["bottleneck"].to_pylist(), table["kl_per_unit"].to_pylist(), strict=True):
            if units is not None and not (len(units) == size and all(map(_is_kl, units))):
                raise _impossible(path, f"kl_per_unit does not hold the KL of each of {size} units")


def _is_kl(value: float | None) -> bool:
    return value is not None and isfinite(value) and value >= -ROUNDING


def _impossible(path: Path, problem: str) -> VaeGeometryError:
    return VaeGeometryError(f"{path}: {problem}, which no measurement gives; remove it to make it again")


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
