"""The image data sets that can be prepared, and how many images each has.

A new one is a module in this package, with a function ``read``, and an entry in ``SOURCES``. Only the standard library
is imported, as the workflow reads this module too.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from vae_geometry import VaeGeometryError
from vae_geometry.data.folders import class_files, is_image


@dataclass(frozen=True)
class Source:
    """Where images come from.

    Attributes
    ----------
    name : str
        As in the config.
    description : str
    module : str
        Module of this package whose ``read(source, root, downloads)`` returns a ``Split`` to train on and one to test
        on; imported when the images are read.
    sizes : tuple of 2 int, or None
        Number of training and of test images; None where the folder decides.
    needs_root : bool
        Whether the user must name the folder that holds the images.
    """

    name: str
    description: str
    module: str
    sizes: tuple[int, int] | None
    needs_root: bool = False


SOURCES = {
    source.name: source
    for source in (
        Source("digits", "handwritten digits of 8 x 8 pixels, which come with scikit-learn", "digits", (1297, 500)),
        Source("mnist", "handwritten digits of 28 x 28 pixels", "mnist", (60_000, 10_000)),
        Source("fashion_mnist", "clothes, 28 x 28 pixels, grey", "mnist", (60_000, 10_000)),
        Source("cifar10", "animals and vehicles, 32 x 32 pixels, in colour", "cifar10", (50_000, 10_000)),
        Source("imagefolder", "a folder with train/CLASS and test/CLASS", "imagefolder", None, needs_root=True),
    )
}


def count_images(source: str, root: str | Path | None) -> tuple[int, int]:
    """Number of training and of test images, before they are prepared.

    In a folder the files whose names have the ending of an image count; none is opened.

    Parameters
    ----------
    source : str
        Key of ``SOURCES``.
    root : str, Path or None
        Folder that holds the raw files.

    Raises
    ------
    VaeGeometryError
        If the folder decides and is not named, lacks one of its parts, or cannot be read. The sentence begins with
        ``root``.
    """
    sizes, needs_root = SOURCES[source].sizes, SOURCES[source].needs_root
    if needs_root and not root:
        raise VaeGeometryError(f"root: source {source} needs the folder that holds train/ and test/")
    if sizes is not None:
        return sizes
    n_train, n_test = (_count_files(Path(root or "", part)) for part in ("train", "test"))
    return n_train, n_test


def _count_files(folder: Path) -> int:
    if not os.path.isdir(folder):
        raise VaeGeometryError(f"root: there is no folder {folder}; make it, or correct the path")
    try:
        return sum(is_image(path) for paths in class_files(folder).values() for path in paths)
    except VaeGeometryError as error:
        raise VaeGeometryError(f"root: {error}") from None
