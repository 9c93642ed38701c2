"""What may take the place of a file: what this package wrote for the same run, never what another did."""

from collections.abc import Mapping
from pathlib import Path

from vae_geometry import VaeGeometryError, tables
from vae_geometry.files import require_written


def require_same_run(kind: str, path: Path, run: Mapping[str, object]) -> None:
    """Refuse to replace a table of another run; one that names no run is of a user's own folder, and may be replaced.

    Parameters
    ----------
    kind : str
        A key of ``tables.SCHEMAS``.
    path : Path
    run : mapping
        Column -> value, of the table to write: some of ``tables.RUN``.

    Raises
    ------
    VaeGeometryError
        If there is a table of another run, one that is damaged, or a file that is no table of this kind.
    """
    require_written(path, lambda path: tables.is_table(kind, path), f"a table of kind {kind}")
    if not path.exists():
        return
    table = tables.read(kind, [path])
    for name, value in run.items():
        for found in table[name].unique().to_pylist():
            if found not in (None, value):
                new = f"{name} {value}" if value is not None else "no run"
                raise VaeGeometryError(
                    f"{path}: is of {name} {found} and is not replaced by a table of {new}; "
                    "choose another --output, or move it away"
                )
