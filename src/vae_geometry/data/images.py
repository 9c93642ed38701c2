"""Prepared images: resized to 32 x 32 pixels, stored as two npz files and read from them."""

from importlib import import_module
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vae_geometry import VaeGeometryError
from vae_geometry.arrays import read_npz, write_npz
from vae_geometry.data.sources import SOURCES

SIZE = 32

Images = NDArray[np.uint8]  # (N, C, 32, 32)
Split = tuple[Images, NDArray[np.int64]]  # with the labels, (N,)


def prepare_dataset(source: str, output: Path, root: Path | None, downloads: Path) -> None:
    """Write ``train.npz`` and ``test.npz``: ``images`` uint8 (N, C, 32, 32) and ``labels`` int64 (N,).

    Parameters
    ----------
    source : str
        Key of ``SOURCES``.
    output : Path
        Folder for the two files, which are written atomically.
    root : Path or None
        Folder that holds the raw files already; nothing is fetched then.
    downloads : Path
        Where torchvision puts, or finds, what it downloads.

    Raises
    ------
    VaeGeometryError
        If files are absent, damaged or cannot be fetched.
    """
    module = import_module(f"vae_geometry.data.{SOURCES[source].module}")
    train, test = module.read(SOURCES[source], root, downloads)
    for name, (images, labels) in {"train": train, "test": test}.items():
        write_npz(output / f"{name}.npz", {"images": images, "labels": labels})


def load_images(path: Path) -> Images:
    """Read the images of a prepared data set, uint8 (N, C, 32, 32).

    Raises
    ------
    VaeGeometryError
        If the file is absent or does not hold such images.
    """
    (images,) = read_npz(path, ["images"], "prepare the data set")
    if (
        images.dtype != np.uint8
        or images.ndim != 4
        or images.shape[2:] != (SIZE, SIZE)
        or images.shape[1] not in (1, 3)
    ):
        raise VaeGeometryError(
            f"{path}: images are {images.dtype} {images.shape}, not uint8 (N, 1 or 3, {SIZE}, {SIZE}); prepare again"
        )
    return images


def first_images(path: Path, n_points: int) -> Images:
    """Read the first images of a prepared data set, uint8 (n_points, C, 32, 32).

    Raises
    ------
    VaeGeometryError
        If the file is absent, does not hold such images, or holds fewer.
    """
    images = load_images(path)
    if len(images) < n_points:
        raise VaeGeometryError(f"{path}: holds {len(images)} images, {n_points} points are requested")
    return images[:n_points]


def resize(image: Image.Image) -> Images:
    """Pixels of an image of any size, (C, 32, 32).

    PIL's bilinear filter widens its support when it shrinks an image (antialiasing); other libraries' differ.
    """
    pixels = np.asarray(image.resize((SIZE, SIZE), Image.Resampling.BILINEAR))
    return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)


def resize_all(images: NDArray[np.uint8]) -> Images:
    """Pixels of images of one size, grey (N, height, width) or in colour (N, height, width, 3)."""
    return np.stack([resize(Image.fromarray(image)) for image in images])
