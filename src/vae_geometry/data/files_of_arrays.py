"""The files of a folder of arrays, found alike by those who count rows and those who read them."""

import re
from pathlib import Path

from vae_geometry import VaeGeometryError

ENDINGS = (".npy", ".npz", ".parquet", ".csv")


def part_file(root: Path, part: str) -> Path | None:
    """``root/part.*``, if there is one.

    Raises
    ------
    VaeGeometryError
        If there are several.
    """
    found = [path for ending in ENDINGS if (path := root / f"{part}{ending}").exists()]
    if len(found) > 1:
        raise VaeGeometryError(f"{found[1]}: lies beside {found[0].name}; remove one of the two")
    return found[0] if found else None


def rows_of_file(path: Path) -> int | None:
    """Number of rows that an npy or csv file holds; None where a library would have to open it, or it is damaged."""
    if path.suffix == ".csv":
        with path.open("rb") as file:
            return max(0, sum(bool(line.strip()) for line in file) - 1)  # without the header
    if path.suffix == ".npy":
        with path.open("rb") as file:
            shape = re.search(rb"'shape': \((\d+),", file.read(256))
        return int(shape[1]) if shape else None
    return None
