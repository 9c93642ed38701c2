"""What the tables of a sweep must share: rows of every layer, pair and epoch, and numbers of the same inputs."""

from collections.abc import Collection, Iterator, Mapping
from itertools import product
from math import isclose
from pathlib import Path
from typing import Any

import pyarrow as pa

from vae_geometry import VaeGeometryError
from vae_geometry.latents import LATENTS

# Kind -> columns that do not differ between the runs of a data set, as all see the same test inputs; of the ID those of
# the input.
SHARED = {
    "intrinsic_dimension": ("n_points", "extrinsic_dimension", "intrinsic_dimension", "id_stderr"),
    "id_scaling": ("n_points", "extrinsic_dimension", "scale", "intrinsic_dimension", "id_stderr"),
    "information_imbalance": ("n_points",),
    "cross_bottleneck": ("n_points",),
    "latents": ("n_points",),
    "fidelity": ("n_points", "extractor"),
}
SAME = 1e-6  # relative: a GPU adds in another order than a CPU; other inputs differ by far more
ENDS = ("source", "target")

Tables = Mapping[Path, pa.Table]


def require_whole(kind: str, tables: Tables, bottlenecks: Collection[int], last_epoch: int) -> None:
    """Refuse tables that lack rows which their other rows, the other tables or the sweep call for.

    Parameters
    ----------
    kind : str
        A key of ``tables.SCHEMAS``.
    tables : mapping
        Path -> the table there, of one run or seed.
    bottlenecks : collection of int
        K of the sweep.
    last_epoch : int
        That a training has reached.

    Raises
    ------
    VaeGeometryError
        If a layer, a pair of layers, a scale, an epoch or a K is missing.
    """
    layers: dict[str, tuple[Path, set]] = {}
    for path, table in tables.items():
        if absent := next(_absent(kind, table), None):
            raise _incomplete(path, f"holds no row of {absent}")
        if kind == "cross_bottleneck" and (lacking := set(bottlenecks) - set(table["source_bottleneck"].to_pylist())):
            raise _incomplete(path, f"holds no row of K = {min(lacking)}")
        if kind in ("training", "memory") and (ends := max(table["epoch"].to_pylist())) < last_epoch:
            raise _incomplete(path, f"ends with epoch {ends}, and the sweep with epoch {last_epoch}")
        if kind in ("intrinsic_dimension", "id_scaling", "information_imbalance"):
            found = set(table["source_layer" if kind == "information_imbalance" else "layer"].to_pylist())
            other, known = layers.setdefault(table["dataset"][0].as_py(), (path, found))
            if odd := found ^ known:
                fewer, more = (path, other) if known > found else (other, path)
                raise _incomplete(
                    fewer, f"holds no row of layer {min(odd)}, which {more} has", "use networks with the same layers"
                )


def require_same_inputs(kind: str, tables: Tables) -> None:
    """Refuse tables of one data set that were not measured on the same inputs, or with the same extractor.

    Parameters
    ----------
    kind : str
        A key of ``tables.SCHEMAS``; those without an entry in ``SHARED`` are not compared.
    tables : mapping
        Path -> the table there, of one run or seed.

    Raises
    ------
    VaeGeometryError
        If one of the ``SHARED`` columns differs.
    """
    if kind not in SHARED:
        return
    known: dict[tuple, tuple[Path, Any]] = {}
    for path, table in tables.items():
        columns = [name for name in ("dataset", "role", "neighbours", *SHARED[kind]) if name in table.column_names]
        for row in table.select(columns).to_pylist():
            if row["n_points"] is None or row.get("role", "input") != "input":
                continue  # without N nothing is said of the inputs
            for name in SHARED[kind]:
                if name == "extractor" and row[name] is None:
                    continue  # no distance was measured
                other, value = known.setdefault((row["dataset"], row.get("neighbours"), name), (path, row[name]))
                if not _is_same(row[name], value):
                    where = f"{name} of the input" if "role" in row else name
                    raise VaeGeometryError(
                        f"{path}: {where} is {row[name]}, in {other} it is {value}; "
                        f"measure both again with the same settings and inputs of {row['dataset']}"
                    )


def _is_same(value: float | str | None, other: float | str | None) -> bool:
    if isinstance(value, float) and isinstance(other, float):
        return isclose(value, other, rel_tol=SAME)
    return value == other


def _absent(kind: str, table: pa.Table) -> Iterator[str]:
    """Yield what a table has no row of."""
    if kind == "training":
        epochs = set(table["epoch"].to_pylist())
        yield from (f"epoch {epoch}" for epoch in range(1, max(epochs)) if epoch not in epochs)
    elif kind == "memory":
        found = set(zip(table["epoch"].to_pylist(), table["part"].to_pylist(), strict=True))
        expected = sorted(product({epoch for epoch, _ in found}, ("train", "validation")))
        yield from (f"{part} images at epoch {epoch}" for epoch, part in expected if (epoch, part) not in found)
    elif kind == "intrinsic_dimension":
        layers = set(table["layer"].to_pylist())
        yield from (f"layer {layer}" for layer in range(max(layers)) if layer not in layers)
    elif kind == "id_scaling":
        found = set(zip(table["layer"].to_pylist(), table["neighbours"].to_pylist(), strict=True))
        n_layers, scales = 1 + max(layer for layer, _ in found), {scale for _, scale in found}
        absent = sorted(set(product(range(n_layers), scales)) - found)
        yield from (f"layer {layer} with {scale} neighbours" for layer, scale in absent)
    elif kind == "latents":
        latents = set(table["latent"].to_pylist())
        yield from (f"latent {latent}" for latent in LATENTS if latent not in latents)
    elif kind in ("information_imbalance", "cross_bottleneck"):
        size = "bottleneck" if kind == "information_imbalance" else "{end}_bottleneck"
        names = [[size.format(end=end), f"{end}_layer"] for end in ENDS]
        sources, targets = (list(zip(*(table[name].to_pylist() for name in end), strict=True)) for end in names)
        found = set(zip(sources, targets, strict=True))
        for a, b in product(sorted({*sources, *targets}), repeat=2):
            if (a, b) not in found:
                yield f"the II from layer {a[1]} of K = {a[0]} to layer {b[1]} of K = {b[0]}"


def _incomplete(path: Path, problem: str, *advice: str) -> VaeGeometryError:
    return VaeGeometryError(f"{path}: {problem}; {' or '.join(['remove it to make it again', *advice])}")
