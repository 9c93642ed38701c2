"""The tables of a whole sweep, joined, and the versions of the packages that its numbers come from."""

from importlib.metadata import version
from pathlib import Path
from platform import python_version

from vae_geometry import VaeGeometryError, __version__
from vae_geometry.files import DAMAGED, atomic_file, require_regular, require_written
from vae_geometry.layout import JOINED
from vae_geometry.selection import Selection
from vae_geometry.tables import read_selected, write

PACKAGES = (  # that the numbers of a sweep come from
    *("torch", "torchvision", "torch-fidelity", "numpy", "scipy", "scikit-learn", "numba"),
    *("pandas", "pyarrow", "pillow", "matplotlib"),
)
HEADER = "package,version\n"


def collect(selection: Selection, output: Path, id_scaling: bool = False) -> None:
    """Join the tables of a sweep into one tidy parquet file a kind, in the folder ``output``.

    ``id_scaling`` is among the kinds where requested, as not every sweep measures it. ``versions.csv`` beside them
    names the packages of this environment.

    Raises
    ------
    VaeGeometryError
        If a table cannot be read, see ``read_selected``, or would be replaced.
    """
    targets = {kind: output / f"{kind}.parquet" for kind in (*JOINED, *["id_scaling"] * id_scaling)}
    for kind, target in targets.items():
        if target.resolve() in [path.resolve() for path in selection.files(kind)]:
            raise VaeGeometryError(f"{target}: is one of the tables to be joined; choose another --output")
    require_written(output / "versions.csv", _lists_versions, "a list of packages and versions")
    for kind, target in targets.items():
        write(kind, read_selected(kind, selection), target)
    versions = {"python": python_version(), "vae-geometry": __version__, **{name: version(name) for name in PACKAGES}}
    with atomic_file(output / "versions.csv") as unfinished:
        lines = [f"{package},{number}\n" for package, number in versions.items()]
        unfinished.write_text(HEADER + "".join(lines))


def _lists_versions(path: Path) -> bool:
    try:
        require_regular(path)
        return path.read_bytes().startswith(HEADER.encode())
    except DAMAGED:
        return False
