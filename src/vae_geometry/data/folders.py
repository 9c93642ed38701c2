"""The images of a user's folder, found alike by those who count them and those who read them.

Only the standard library is imported, as the workflow counts images too.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from vae_geometry import VaeGeometryError
from vae_geometry.files import reason, require_regular

ENDINGS = {  # of the files that are opened, with Pillow's names of their formats
    **dict.fromkeys((".png", ".apng"), "PNG"),
    **dict.fromkeys((".jpg", ".jpeg", ".jpe", ".jfif"), "JPEG"),
    ".gif": "GIF",
    ".bmp": "BMP",
    **dict.fromkeys((".tif", ".tiff"), "TIFF"),
    ".webp": "WEBP",
    **dict.fromkeys((".pbm", ".pgm", ".ppm", ".pnm"), "PPM"),
}

OF_OTHERS = frozenset(  # endings of images that are not read, those aside that Pillow knows
    (
        ".heic",
        ".heif",
        ".hif",
        ".dng",
        ".cr2",
        ".cr3",
        ".nef",
        ".arw",
        ".orf",
        ".raf",
        ".rw2",
        ".pef",
        ".svg",
        ".svgz",
        ".jxl",
    )
)
STARTS = re.compile(  # of a file without an ending
    rb"\x89PNG\r\n|\xff\xd8\xff|GIF8|BM.{4}\0{4}|II\*\0|MM\0\*|RIFF.{4}WEBP|P[1-6]\s", re.DOTALL
)


def class_files(part: Path) -> dict[str, list[Path]]:
    """Files in ``part/CLASS``, at any depth, sorted, by the name of the class; without hidden ones.

    Links to folders are followed. A file may be anything that is not a folder: a broken image, a FIFO, a text.

    Raises
    ------
    VaeGeometryError
        If ``part`` holds no class folder, a folder cannot be read, or a link leads nowhere or back to itself.
    """
    classes = {name: _files_below(path, part) for name, path, is_folder in _entries(part, part) if is_folder}
    if not classes:
        raise VaeGeometryError(f"{part}: no folder with one sub-folder of images a class; make it, or correct `root`")
    return classes


def is_image(path: Path) -> bool:
    """Whether a file has the ending of a format that is read."""
    return path.suffix.lower() in ENDINGS


def files_beside_classes(part: Path) -> list[Path]:
    """Files directly in ``part``, which belong to no class, sorted; without hidden ones."""
    return sorted(path for _, path, is_folder in _entries(part, part) if not is_folder)


def looks_like_image(path: Path) -> bool:
    """Whether a file has the ending of an image, or has none and starts like one."""
    ending = path.suffix.lower()
    if ending:
        return ending in ENDINGS or ending in OF_OTHERS
    try:
        require_regular(path)
        with path.open("rb") as file:
            return STARTS.match(file.read(12)) is not None
    except OSError:
        return False


def _files_below(folder: Path, part: Path) -> list[Path]:
    folders, files = [folder], list[Path]()
    while folders:  # no recursion, as a path may have more parts than Python has frames
        for _, path, is_folder in _entries(folders.pop(), part):
            (folders if is_folder else files).append(path)
    return sorted(files)


def _entries(folder: Path, part: Path) -> Iterator[tuple[str, Path, bool]]:
    """Name and path of each visible entry of a folder, and whether it is a folder."""
    path = folder
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                path = folder / entry.name
                if entry.is_symlink():
                    _check_link(path, part)
                yield entry.name, path, entry.is_dir()
    except FileNotFoundError:
        if path != part:
            raise VaeGeometryError(f"{path}: is a broken link; fix or remove it") from None
    except OSError as error:
        raise VaeGeometryError(f"{path}: cannot be read ({reason(error)}); make it readable or remove it") from None


def _check_link(link: Path, part: Path) -> None:
    target = Path(os.path.realpath(link, strict=True))
    above = link.relative_to(part).parents
    if any((part / folder).resolve().is_relative_to(target) for folder in above):
        raise VaeGeometryError(f"{link}: links back to {target}, in which it lies itself; remove the link")
