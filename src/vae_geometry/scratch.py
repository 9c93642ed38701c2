"""Hidden folders to write in: removed when done or at SIGTERM, and, after a SIGKILL, at the next start."""

import fcntl
import logging
import os
import re
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import BinaryIO

from vae_geometry import VaeGeometryError
from vae_geometry.files import beside, cannot_write, finished_name

logger = logging.getLogger(__name__)

IN_USE = ".in-use"  # in a hidden folder; locked for as long as the process lives that made the folder


@contextmanager
def scratch_folder(path: Path, own: re.Pattern[str]) -> Iterator[Path]:
    """Make a hidden folder beside ``path``, and remove it when the block ends, also where SIGTERM ends it.

    What killed processes left beside ``path`` is removed first: folders of this user with such a name and a file
    ``IN_USE`` that no process holds locked.

    Parameters
    ----------
    path : Path
        What is to be made with the folder; it need not exist.
    own : re.Pattern
        Names of the files that are written in the folder, at any depth; files of other names are never removed.

    Raises
    ------
    VaeGeometryError
        If the folder cannot be made.
    SystemExit
        At SIGTERM, with status 128 + signal.
    """
    folder = beside(path)
    with _sigterm_exits(lambda: remove_files(folder, own)), _make(folder, path):
        _remove_leftovers(path, own)
        yield folder


def _make(folder: Path, path: Path) -> BinaryIO:
    """Make a folder with the file ``IN_USE``, which is locked until it is closed."""
    try:
        folder.mkdir(parents=True)
        file = (folder / IN_USE).open("wb")
    except OSError as error:
        raise VaeGeometryError(cannot_write(path, error)) from None
    _lock(file)
    return file


def _lock(file: BinaryIO) -> bool:
    """Lock a file; False where another process has, or where the file system cannot say."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _remove_leftovers(path: Path, own: re.Pattern[str]) -> None:
    for folder in path.parent.iterdir():
        if finished_name(folder.name) != path.name or not _is_ours(folder):
            continue
        with suppress(OSError), (folder / IN_USE).open("r+b") as file:
            if _lock(file):
                logger.info("%s: left by a process that was killed; removed", folder)
                remove_files(folder, own)


def _is_ours(folder: Path) -> bool:
    """Whether this user made it: others may plant what they like in a temporary folder that all users share."""
    return folder.is_dir() and not folder.is_symlink() and folder.lstat().st_uid == os.getuid()


def remove_files(folder: Path, own: re.Pattern[str]) -> None:
    """Remove the files of such names at any depth of a folder, and the folders that this leaves empty.

    Links are not followed. A folder that holds other files stays with them, which is logged.
    """
    for parent, _folders, names in os.walk(folder, topdown=False):
        for name in names:
            if name == IN_USE or own.fullmatch(name):
                Path(parent, name).unlink(missing_ok=True)
        with suppress(OSError):  # it is not empty
            Path(parent).rmdir()
    if folder.exists():
        logger.warning("%s: holds files that this stage did not write; they stay", folder)


@contextmanager
def _sigterm_exits(clean_up: Callable[[], None]) -> Iterator[None]:
    """Call ``clean_up`` when the block ends, and let SIGTERM end it; one that comes later waits for ``clean_up``."""
    received: list[int] = []
    is_cleaning = False

    def stop(number: int, _frame: FrameType | None) -> None:
        if not is_cleaning:
            raise SystemExit(128 + number)
        received.append(number)

    is_main = threading.current_thread() is threading.main_thread()  # Python lets no other thread handle signals
    before = signal.signal(signal.SIGTERM, stop) if is_main else None
    try:
        yield
    finally:
        is_cleaning = True
        clean_up()
        if is_main:
            signal.signal(signal.SIGTERM, before)
        for number in received:
            signal.raise_signal(number)
