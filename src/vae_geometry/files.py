"""Files that are written atomically; what a file to be read must be, and how it may be damaged."""

import errno
import lzma
import os
import re
import secrets
import stat
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from textwrap import shorten

from vae_geometry import VaeGeometryError

ADVICE = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT), "free some space"),
    **dict.fromkeys((errno.EROFS, errno.EACCES, errno.EPERM), "make it writable"),
}

# What NumPy, zipfile and Pillow raise on damaged files. A list, as `except Exception` would hide our own sentences.
DAMAGED = (
    *(ArithmeticError, AssertionError, AttributeError, EOFError, LookupError, MemoryError, OSError),
    *(RuntimeError, SyntaxError, TypeError, ValueError, Warning),
    *(lzma.LZMAError, struct.error, tokenize.TokenError, zipfile.BadZipFile, zlib.error),
)
KINDS: dict[str, Callable[[int], bool]] = {
    "a folder": stat.S_ISDIR,
    "a FIFO": stat.S_ISFIFO,
    "a socket": stat.S_ISSOCK,
    "a device": lambda mode: not stat.S_ISREG(mode),
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
    if path.name in ("", ".."):
        raise VaeGeometryError(f"{path}: is a folder; name what to write in it")
    return path.with_name(f".{secrets.token_hex(4)}.{path.name}")


def require_written(path: Path, is_ours: Callable[[Path], bool], what: str) -> None:
    """Refuse to replace a file that is there and was not written by this package.

    Parameters
    ----------
    path : Path
    is_ours : callable
        Whether the file at a path is what it should be.
    what : str
        What it should be: ``a table of kind timing``.

    Raises
    ------
    VaeGeometryError
        If there is another.
    """
    if os.path.lexists(path) and not is_ours(path):
        raise VaeGeometryError(f"{path}: is not {what} and is not replaced; name another, or move it away")


def with_ending(path: Path, ending: str) -> Path:
    """A path with an ending added to its name, such as .parquet.

    Raises
    ------
    VaeGeometryError
        If the path has no name of its own: ``.``, ``..``, ``/``.
    """
    if path.name in ("", ".."):
        raise VaeGeometryError(f"{path}: is a folder; name what to write in it, without an ending")
    return path.with_name(f"{path.name}{ending}")


def finished_name(hidden: str) -> str | None:
    """The name that ``beside`` made a hidden one of; None where it made none."""
    match = re.fullmatch(r"\.[0-9a-f]+\.(.+)", hidden)
    return match and match[1]


def cannot_write(path: Path, error: OSError) -> str:
    """The sentence for a file or folder that cannot be written."""
    if error.errno == errno.EEXIST:  # of making a folder
        return f"{path}: cannot be written ({path.parent} is a file, not a folder); correct the path and start again"
    reason = os.strerror(error.errno) if error.errno else error
    advice = ADVICE.get(error.errno or 0, "correct the path")
    return f"{path}: cannot be written ({reason}); {advice} and start again"


def require_regular(path: Path) -> None:
    """Refuse what is not a regular file, without opening it: reading a FIFO may never end.

    Raises
    ------
    OSError
        If the path is absent or cannot be reached, or names something else than a regular file.
    """
    mode = path.stat().st_mode
    for kind, is_kind in KINDS.items():
        if is_kind(mode):
            raise OSError(f"it is {kind}, not a file")


def reason(error: BaseException) -> str:
    """What an exception says, in one line of at most 200 characters."""
    said = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
    return shorten(said or type(error).__name__, 200, placeholder=" ...")
