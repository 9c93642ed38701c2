"""Files that are written atomically: whole, or not there."""

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from vae_geometry import VaeGeometryError

ADVICE = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT), "free some space"),
    **dict.fromkeys((errno.EROFS, errno.EACCES, errno.EPERM), "make it writable"),
}


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Give a path beside ``path`` to write to, and rename what was written when the block ends.

    The ending of the name stays, as some libraries add it where it lacks. A block that fails leaves ``path`` as it was.

    Raises
    ------
    VaeGeometryError
        If the file cannot be written: a full disk, a folder that is read-only.
    """
    path = Path(path)
    unfinished = beside(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield unfinished
        with unfinished.open("rb") as file:
            os.fsync(file.fileno())  # else a machine that goes down may keep the new name with an empty file
        unfinished.replace(path)
    except OSError as error:
        if error.filename not in (None, *map(str, (unfinished, path, *path.parents))):
            raise  # a file that was read in the block
        raise VaeGeometryError(cannot_write(path, error)) from None
    finally:
        with suppress(OSError):
            unfinished.unlink()


def beside(path: Path) -> Path:
    """A hidden name of the same ending that no other process has, on whatever machine."""
    return path.with_name(f".{secrets.token_hex(4)}.{path.name}")


def cannot_write(path: Path, error: OSError) -> str:
    """The sentence for a file or folder that cannot be written."""
    reason = os.strerror(error.errno) if error.errno else error
    advice = ADVICE.get(error.errno or 0, "correct the path")
    return f"{path}: cannot be written ({reason}); {advice} and start again"
