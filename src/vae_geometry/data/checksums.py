"""A checksum of the files of a user's own data set, by which the workflow notices that they have changed.

It is one of names and contents: files that were copied, touched or cloned are the same data, and an edit that leaves
size and time as they were is not. All contents are read only where name, size or time of a file differ from what was
kept the last time. Only the standard library is imported, as the workflow reads this module too.
"""

import json
from contextlib import suppress
from hashlib import file_digest, sha256
from pathlib import Path

from vae_geometry import VaeGeometryError
from vae_geometry.data.files_of_arrays import part_file
from vae_geometry.data.folders import class_files, files_beside_classes, looks_like_image
from vae_geometry.data.sources import SOURCES
from vae_geometry.files import atomic_file, require_regular

PARTS = ("train", "test")


def checksum_of_files(source: str, root: Path, kept: Path) -> str:
    """SHA-256 of the names and contents of the images or arrays in a user's folder.

    Parameters
    ----------
    source : str
        Key of ``SOURCES``, of a source whose ``needs_root`` is true.
    root : Path
        The user's folder.
    kept : Path
        File (JSON) that keeps the checksum, and sizes and times of the files that it is of; where it cannot be written,
        the contents are read every time.

    Raises
    ------
    VaeGeometryError
        If a folder cannot be read, or there are two files of arrays for one part.
    """
    files = {str(path.relative_to(root)): path for path in _files(source, root)}
    listing = sha256()
    for name, path in files.items():
        listing.update(f"{name}\0{_state(path)}\n".encode(errors="surrogateescape"))
    with suppress(OSError, ValueError, TypeError, KeyError):  # absent or damaged: read the contents
        known = json.loads(kept.read_text())
        if known["listing"] == listing.hexdigest():
            return str(known["contents"])
    contents = sha256()
    for name, path in files.items():
        contents.update(f"{name}\0{_digest(path)}\n".encode(errors="surrogateescape"))
    with suppress(VaeGeometryError), atomic_file(kept) as unfinished:
        unfinished.write_text(json.dumps({"listing": listing.hexdigest(), "contents": contents.hexdigest()}))
    return contents.hexdigest()


def _files(source: str, root: Path) -> list[Path]:
    """The files that decide what is prepared, or why it is refused; sorted within each class."""
    if not SOURCES[source].has_images:
        return [path for part in PARTS if (path := part_file(root, part))]
    files = list[Path]()
    for folder in (root / part for part in PARTS):
        if folder.is_dir():
            classes = class_files(folder)
            files += [path for name in sorted(classes) for path in classes[name]] + files_beside_classes(folder)
    return [path for path in files if looks_like_image(path)]


def _state(path: Path) -> str:
    """Size and times of a file; also the time of its last change of any kind, which no program sets back."""
    try:
        status = path.stat()
    except OSError:
        return "unreadable"
    return f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"


def _digest(path: Path) -> str:
    try:
        require_regular(path)  # a FIFO would hang; the stage names it
        with path.open("rb") as file:
            return file_digest(file, "sha256").hexdigest()
    except OSError:
        return "unreadable"
