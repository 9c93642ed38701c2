"""Folders of activations: what a dump writes, how one is told from other folders, and whether its files agree."""

import logging
import os
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from vae_geometry import NOISES, VaeGeometryError, layout, tables
from vae_geometry.files import cannot_write
from vae_geometry.scratch import scratch_folder

logger = logging.getLogger(__name__)

REMEDY = "dump the activations"
MOST_LAYERS = 100  # two digits number them
ROLES = ("input", "encoder", "bottleneck", "decoder", "output")
LAYER_FILE = re.compile(r"layer([0-9]+)\.npy")
FOR_THE_ELBO = (layout.LOGITS, layout.MEAN, layout.LOG_VARIANCE)
BESIDE_LAYERS = (*FOR_THE_ELBO, layout.SAMPLES)
WRITTEN = re.compile(  # whole, half written, and what Snakemake puts into a folder that a rule makes
    r"layer[0-9]{2}\.npy|(logits|mean|log_variance|samples)\.npy|(\.[0-9a-f]+\.)?manifest\.parquet|\.snakemake_timestamp"
)

IS_VALID: dict[str, Callable[[Any], bool]] = {  # what a column of a manifest may hold
    "dataset": str.isprintable,
    "noise": NOISES.__contains__,
    "bottleneck": lambda value: value >= 1,
    **dict.fromkeys(("seed", "epoch", "layer"), lambda value: value >= 0),
    "layer_name": str.isprintable,
    "role": ROLES.__contains__,
}


def require_replaceable(folder: Path) -> None:
    """Check that a dump may take the place of a folder: one that is absent, empty or an earlier dump.

    Raises
    ------
    VaeGeometryError
        If it is a file or a link, holds anything that no dump writes, has no manifest, or a layer that is not in it.
    """
    if not os.path.lexists(folder):
        return
    if folder.is_symlink() or not folder.is_dir():
        raise VaeGeometryError(f"{folder}: is not a folder; name another, which a dump may replace")
    with os.scandir(folder) as entries:
        is_file = {entry.name: entry.is_file(follow_symlinks=False) for entry in entries}
    if others := sorted(name for name in is_file if not (is_file[name] and WRITTEN.fullmatch(name))):
        raise VaeGeometryError(f"{folder}: holds {others[0]}, which no dump writes; name a folder that is new or empty")
    if not is_file:
        return
    if (layers := _layers_of(folder / layout.MANIFEST)) is None:
        raise VaeGeometryError(
            f"{folder}: is not an earlier dump (it has no valid {layout.MANIFEST}); name a folder that is new or empty"
        )
    if others := sorted(name for name in is_file if LAYER_FILE.fullmatch(name) and name not in layers):
        raise VaeGeometryError(
            f"{folder}: holds {others[0]}, which is not in its {layout.MANIFEST}; name a folder that is new or empty"
        )


@contextmanager
def new_dump(folder: Path) -> Iterator[Path]:
    """Give a hidden folder to write a dump to, which takes the place of ``folder`` when the block ends.

    Raises
    ------
    VaeGeometryError
        As ``require_replaceable``, at once and again when the dump is written; if it cannot be written.
    """
    require_replaceable(folder)
    with scratch_folder(folder, WRITTEN) as scratch:
        try:
            new = scratch / "new"
            new.mkdir()
            yield new
            require_replaceable(folder)
            with suppress(FileNotFoundError):
                folder.rename(scratch / "old")
            new.rename(folder)
        except OSError as error:
            raise VaeGeometryError(cannot_write(folder, error)) from None


def _layers_of(manifest: Path) -> set[str] | None:
    """Names of the layers in a manifest; None where it is none that a dump wrote."""
    if not tables.is_table("manifest", manifest):
        return None
    try:
        numbers = tables.read("manifest", [manifest])["layer"].to_pylist()
    except VaeGeometryError:
        return None
    return {layout.layer_file(number) for number in numbers if number is not None}


def layer_files(folder: Path) -> dict[int, Path]:
    """Paths of the layers of a folder of activations by number, in order.

    Raises
    ------
    VaeGeometryError
        If there is none, or no such folder, or one is numbered with more than two digits.
    """
    if not folder.is_dir():
        raise VaeGeometryError(f"{folder}: there is no such folder; correct the path")
    numbers = _numbered(folder)
    paths = {int(number): folder / name for name, number in numbers.items() if len(number) == 2}
    if not paths:
        raise VaeGeometryError(f"{folder}: no layerNN.npy in this folder; dump the activations into it first")
    for name, number in numbers.items():
        if len(number) > 2:
            raise VaeGeometryError(f"{folder / name}: layers are numbered from 00 to 99; rename it, or move it away")
    return paths


def log_left_out(folder: Path, layers: Collection[int]) -> None:
    """Log which numbers of layers a folder lacks, and which files are not read for their names."""
    for name, number in _numbered(folder).items():
        if len(number) < 2:
            logger.warning("%s: is not read, as layers are numbered with two digits", folder / name)
    if gaps := sorted(set(range(max(layers))) - set(layers)):
        listed = ", ".join(map(layout.layer_file, gaps))
        logger.warning("%s: has no %s; the %d layers that it has are read", folder, listed, len(layers))


def _numbered(folder: Path) -> dict[str, str]:
    """Name -> number of the files that are named like a layer."""
    names = sorted(path.name for path in folder.glob("layer*.npy"))
    return {name: match[1] for name in names if (match := LAYER_FILE.fullmatch(name))}


def read_manifest(folder: Path) -> list[dict[str, Any]]:
    """Rows of the manifest of a dump, one a layer.

    Raises
    ------
    VaeGeometryError
        If it is absent or damaged, or names a layer twice, several runs or a layer without its number; if it holds a
        value that no dump writes.
    """
    path = folder / layout.MANIFEST
    rows: list[dict[str, Any]] = tables.read("manifest", [path]).to_pylist()
    runs = {tuple(row[field.name] for field in tables.RUN) for row in rows}
    if len(runs) > 1 or any(row["layer"] is None for row in rows):
        raise VaeGeometryError(f"{path}: names several runs, or a layer without its number; {REMEDY} again")
    names = [row["layer_name"] for row in rows if row["layer_name"] is not None]
    if len(set(names)) < len(names):
        raise VaeGeometryError(f"{path}: gives two layers the same name; {REMEDY} again")
    for row in rows:
        for column, is_valid in IS_VALID.items():
            if row[column] is not None and not is_valid(row[column]):
                raise VaeGeometryError(f"{path}: column {column} holds {row[column]!a}; {REMEDY} again")
    return rows


def find_manifest(folder: Path) -> list[dict[str, Any]] | None:
    """Rows of the manifest of a folder of activations, as of ``read_manifest``; None where a user's own has none.

    Raises
    ------
    VaeGeometryError
        If there is one that is damaged, or none beside other files of a dump.
    """
    if os.path.lexists(folder / layout.MANIFEST):
        return read_manifest(folder)
    if left := [name for name in (layout.LOGITS, layout.LOG_VARIANCE) if (folder / name).exists()]:
        raise VaeGeometryError(
            f"{folder}: not a complete activation dump ({layout.MANIFEST} is absent); {REMEDY} again, "
            f"or move {' and '.join(left)} away to read the layers without their names"
        )
    return None


def check_manifest(
    folder: Path,
    rows: Sequence[Mapping[str, Any]],
    shapes: Mapping[str, tuple[int, ...]],
    needed: Sequence[str] = (),
) -> None:
    """Check that a manifest and the files beside it are of one dump.

    Parameters
    ----------
    folder : Path
    rows : sequence of mappings
        Of the manifest.
    shapes : mapping
        Name -> shape of every array of a layer in the folder, and of those of ``BESIDE_LAYERS`` that were opened.
    needed : sequence of str
        Of ``BESIDE_LAYERS``, those that must be there.

    Raises
    ------
    VaeGeometryError
        If a layer is absent or not in the manifest, or a shape is another.
    """
    absent = [f"{name} is absent" for name in needed if name not in shapes]
    if problem := _disagreement(rows, shapes) or next(iter(absent), None):
        raise VaeGeometryError(f"{folder}: not a complete activation dump ({problem}); {REMEDY} again")


def _disagreement(rows: Sequence[Mapping[str, Any]], shapes: Mapping[str, tuple[int, ...]]) -> str | None:
    wanted = {layout.layer_file(row["layer"]): (row["n_points"], row["extrinsic_dimension"]) for row in rows}
    layers = shapes.keys() - BESIDE_LAYERS
    if absent := sorted(wanted.keys() - layers):
        return f"{layout.MANIFEST} names {absent[0]}, which is absent"
    if unnamed := sorted(layers - wanted.keys()):
        return f"{unnamed[0]} is not in its {layout.MANIFEST}"
    for row in rows:
        if row["role"] == "bottleneck":
            wanted |= dict.fromkeys((layout.MEAN, layout.LOG_VARIANCE), (row["n_points"], row["bottleneck"]))
        if row["role"] == "output":
            wanted |= dict.fromkeys((layout.LOGITS, layout.SAMPLES), (row["n_points"], row["extrinsic_dimension"]))
    for name, shape in shapes.items():
        sizes = wanted.get(name, shape)
        if len(shape) != 2 or any(size not in (None, found) for size, found in zip(sizes, shape, strict=True)):
            return f"{name} has shape {shape}, its {layout.MANIFEST} says {sizes}"
    return None


@contextmanager
def unchanged(folder: Path) -> Iterator[None]:
    """Check at the end of a block that no file of a folder of activations was replaced or written in it.

    Arrays are mapped, and read where they are needed: their values may otherwise be of two dumps. Hidden files may
    change, as Snakemake touches one in a folder that a rule makes.

    Raises
    ------
    VaeGeometryError
        If one was.
    """
    before = _state(folder)
    yield
    if _state(folder) != before:
        raise VaeGeometryError(f"{folder}: was changed or replaced while it was read; start again")


def _state(folder: Path) -> dict[str, tuple[int, ...]]:
    try:
        with os.scandir(folder) as entries:
            files = [entry for entry in entries if WRITTEN.fullmatch(entry.name) and not entry.name.startswith(".")]
            found = {entry.name: entry.stat() for entry in files}
    except OSError:
        return {}
    return {  # the time of change too: that of modification can be set back
        name: (state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns) for name, state in found.items()
    }
