"""Keep the tables of a sweep with the documentation, which rests on them, and lay them out again.

    python docs/evidence.py keep results docs/evidence/long --dataset mnist --seed 0
    python docs/evidence.py restore docs/evidence/long results

``keep`` joins the tables of one data set and seed, one file a kind; ``restore`` writes those of all data sets and seeds
that are kept to where the sweep had them, so that figures and claims can be made again without a training:
``docs/gallery.py`` does.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pyarrow as pa
import pyarrow.compute as pc

from vae_geometry import layout, tables

KINDS = (*layout.JOINED, "id_scaling", "timing")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    keeping = commands.add_parser("keep")
    keeping.add_argument("results", type=Path)
    keeping.add_argument("kept", type=Path)
    keeping.add_argument("--dataset", required=True)
    keeping.add_argument("--seed", type=int, required=True)
    restoring = commands.add_parser("restore")
    restoring.add_argument("kept", type=Path)
    restoring.add_argument("results", type=Path)
    options = parser.parse_args()
    if options.command == "keep":
        keep(options.results, options.kept, options.dataset, options.seed)
    else:
        restore(options.kept, options.results)


def keep(results: Path, kept: Path, dataset: str, seed: int) -> None:
    """Join the tables of one data set and seed that there are, by kind; refuse those of a sweep that still runs."""
    joined = {}
    for kind in KINDS:
        fields = dict.fromkeys(_fields(kind), "*") | {"dataset": dataset, "seed": str(seed)}
        if files := sorted(results.glob(layout.RESULTS[kind].format(**fields))):
            joined[kind] = tables.read(kind, files)
            _require_all_epochs(kind, joined[kind])
    if not joined:
        raise SystemExit(f"{results}: no tables of {dataset}, seed {seed}; check the folder, --dataset and --seed")
    kept.mkdir(parents=True, exist_ok=True)
    for kind, table in joined.items():
        tables.write(kind, table, kept / f"{dataset}-seed{seed}-{kind}.parquet")


def _require_all_epochs(kind: str, table: pa.Table) -> None:
    if {"bottleneck", "epoch"} <= set(_fields(kind)):
        runs = table.to_pandas().groupby(["noise", "bottleneck"])["epoch"].nunique()
        noise, bottleneck = runs.idxmin()
        if runs.min() < runs.max():
            raise SystemExit(f"{kind}: {noise} noise, K = {bottleneck} lacks epochs that others have; finish the sweep")


def restore(kept: Path, results: Path) -> None:
    """Write every table to its place."""
    if not list(kept.glob("*.parquet")):
        raise SystemExit(f"{kept}: no kept tables; name the folder of one sweep")
    for kind in KINDS:
        for path in sorted(kept.glob(f"*-{kind}.parquet")):
            for place, rows in _by_place(kind, tables.read(kind, [path])):
                target = layout.locate(results, kind, **place)
                target.parent.mkdir(parents=True, exist_ok=True)
                tables.write(kind, rows, target)


def _by_place(kind: str, joined: pa.Table) -> Iterator[tuple[dict, pa.Table]]:
    names = _fields(kind)
    for place in joined.group_by(names).aggregate([]).to_pylist():
        chosen = [pc.equal(joined[name], value) for name, value in place.items()]
        mask = chosen[0]
        for each in chosen[1:]:
            mask = pc.and_(mask, each)
        yield place, joined.filter(mask)


def _fields(kind: str) -> list[str]:
    return [name for _, name, _, _ in Formatter().parse(layout.RESULTS[kind]) if name]


if __name__ == "__main__":
    main()
