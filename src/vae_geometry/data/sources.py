"""The data sets that can be prepared, and how many inputs each has.

A new one is a module in this package, with a function ``read``, and an entry in ``SOURCES``. Only the standard library
is imported, as the workflow reads this module too.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vae_geometry import VaeGeometryError
from vae_geometry.data.files_of_arrays import ENDINGS, part_file, rows_of_file
from vae_geometry.data.folders import class_files, is_image
from vae_geometry.layout import RESOURCES


@dataclass(frozen=True)
class Source:
    """Where images come from.

    Attributes
    ----------
    name : str
        As in the config.
    description : str
    module : str
        Module of this package whose ``read(source, settings)`` returns a ``Split`` to train on and one to test on;
        imported when the data are read.
    sizes : tuple of 2 int, or None
        Number of training and of test images; None where the folder decides.
    needs_root : bool
        Whether the user must name the folder that holds the files.
    has_images : bool
        Whether its inputs are images, which are resized; else vectors or arrays, which are scaled.
    """

    name: str
    description: str
    module: str
    sizes: tuple[int, int] | None
    needs_root: bool = False
    has_images: bool = True


@dataclass(frozen=True)
class Preparation:
    """How a data set is prepared.

    Attributes
    ----------
    root : Path or None
        Folder that holds the raw files already; nothing is fetched then.
    downloads : Path
        Where torchvision puts, or finds, what it downloads.
    image_size : (height, width) or None
        In pixels; None keeps each image's own.
    resize : {"stretch", "crop", "pad"}
        What becomes of images of another ratio of height and width.
    scale : {"none", "standard", "minmax"}
        What becomes of the columns of arrays, fitted on those to train on.
    test_fraction : float or None
        Part of a data set without a test part that is split off.
    """

    root: Path | None = None
    downloads: Path = Path(RESOURCES["downloads"])
    image_size: tuple[int, int] | None = (32, 32)
    resize: str = "stretch"
    scale: str = "none"
    test_fraction: float | None = None


LARGEST = 4096  # pixels a side
SOURCES = {
    source.name: source
    for source in (
        Source("digits", "handwritten digits of 8 x 8 pixels, which come with scikit-learn", "digits", (1297, 500)),
        Source("mnist", "handwritten digits of 28 x 28 pixels", "mnist", (60_000, 10_000)),
        Source("fashion_mnist", "clothes, 28 x 28 pixels, grey", "mnist", (60_000, 10_000)),
        Source("cifar10", "animals and vehicles, 32 x 32 pixels, in colour", "cifar10", (50_000, 10_000)),
        Source("imagefolder", "a folder with train/CLASS and test/CLASS", "imagefolder", None, needs_root=True),
        Source("arrays", "vectors or arrays: train.* and test.*", "arrays", None, needs_root=True, has_images=False),
    )
}


def count_inputs(source: str, root: str | Path | None, test_fraction: float | None) -> tuple[int, int] | None:
    """Number of training and of test inputs, before they are prepared; None where only reading them could tell.

    In a folder of images the files whose names have the ending of an image count; none is opened.

    Parameters
    ----------
    source : str
        Key of ``SOURCES``.
    root : str, Path or None
        Folder that holds the raw files.
    test_fraction : float or None
        Part of the training inputs that is split off to test on.

    Raises
    ------
    VaeGeometryError
        If the folder decides and is not named, lacks one of its parts, or cannot be read. The sentence begins with
        ``root``, or with ``test_fraction`` where there is a test part to split off already.
    """
    entry = SOURCES[source]
    if entry.needs_root and not root:
        raise VaeGeometryError(f"root: source {source} needs the folder that holds train and test")
    if entry.sizes is not None:
        return entry.sizes
    folder = Path(root or "")
    if not entry.has_images:
        return _count_rows(folder, test_fraction)
    if test_fraction is None:
        return _count_files(folder / "train"), _count_files(folder / "test")
    if os.path.isdir(folder / "test"):
        raise VaeGeometryError(
            f"test_fraction: {folder / 'test'} is there already; leave test_fraction out, or move it away"
        )
    return _parted(_count_files(folder / "train"), test_fraction)


def _count_rows(root: Path, test_fraction: float | None) -> tuple[int, int] | None:
    """Of the files of arrays, where their headers say it without a library."""
    try:
        paths = [part_file(root, part) for part in ("train", "test")]
    except VaeGeometryError as error:
        raise VaeGeometryError(f"root: {error}") from None
    if paths[0] is None:
        listed = ", ".join(ENDINGS)
        raise VaeGeometryError(
            f"root: there is no train file ({listed}) in {os.path.abspath(root)}; put one there, or correct the path"
        )
    n_train, n_test = (None if path is None else rows_of_file(path) for path in paths)
    if n_train is None:
        return None
    if paths[1] is None:
        return _parted(n_train, test_fraction or 0)
    return None if n_test is None else (n_train, n_test)


def _parted(n_inputs: int, test_fraction: float) -> tuple[int, int]:
    n_test = round(test_fraction * n_inputs)
    return n_inputs - n_test, n_test


def _count_files(folder: Path) -> int:
    if not os.path.isdir(folder):
        ways = "make it, set test_fraction" if folder.name == "test" else "make it"
        raise VaeGeometryError(f"root: there is no folder {os.path.abspath(folder)}; {ways}, or correct the path")
    try:
        return sum(is_image(path) for paths in class_files(folder).values() for path in paths)
    except VaeGeometryError as error:
        raise VaeGeometryError(f"root: {error}") from None


def image_size(words: Sequence[str | int] | None) -> tuple[int, int] | None:
    """Height and width of ``image_size`` in the config: one number, two, or ``native``, which is None.

    Raises
    ------
    VaeGeometryError
        If it is something else.
    """
    given = [str(word) for word in words or ()]
    if given == ["native"]:
        return None
    if len(given) in (1, 2) and all(word.isdecimal() and 0 < int(word) <= LARGEST for word in given):
        height, width = (given * 2)[:2]
        return int(height), int(width)
    raise VaeGeometryError(
        f"image_size: {' '.join(given)} is not a size; write one number, height and width, or native"
    )
