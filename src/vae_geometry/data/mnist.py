"""MNIST and Fashion-MNIST, which share a file format: IDX."""

import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vae_geometry import VaeGeometryError
from vae_geometry.data.downloads import download, folder_with
from vae_geometry.data.images import resize_all
from vae_geometry.data.prepared import Split
from vae_geometry.data.sources import Preparation, Source

FOLDERS = {"mnist": "MNIST", "fashion_mnist": "FashionMNIST"}  # also the names of torchvision's classes
PARTS = ("train", "t10k")


def read(source: Source, settings: Preparation) -> tuple[Split, Split]:
    """Images and labels to train and to test on, from the IDX files in ``root`` or in ``downloads`` of the settings.

    Raises
    ------
    VaeGeometryError
        If files are absent and cannot be fetched, are damaged, or do not belong together.
    """
    folder = FOLDERS[source.name]
    names = [f"{part}-{kind}" for part in PARTS for kind in ("images-idx3-ubyte", "labels-idx1-ubyte")]
    root, downloads = settings.root, settings.downloads
    base = downloads if root is None else root
    raw = folder_with(names, [base, base / "raw", base / folder / "raw"])
    if raw is None:
        raw = base / folder / "raw"
        download(source.name, root, names, raw, lambda: _fetch(folder, downloads))
    train, test = (_read_part(raw, part, settings) for part in PARTS)
    return train, test


def _fetch(folder: str, downloads: Path) -> None:
    from torchvision import datasets

    getattr(datasets, folder)(downloads, download=True)


def _read_part(raw: Path, part: str, settings: Preparation) -> Split:
    images, labels = (_read_idx(raw / f"{part}-{kind}") for kind in ("images-idx3-ubyte", "labels-idx1-ubyte"))
    if images.ndim != 3 or labels.ndim != 1 or len(images) != len(labels):
        shapes = f"{images.shape} images and {labels.shape} labels"
        path = raw / f"{part}-images-idx3-ubyte"
        raise VaeGeometryError(f"{path}: {shapes} do not belong together; remove both to download them again")
    return resize_all(images, settings.image_size, settings.resize), labels.astype(np.int64)


def _read_idx(path: Path) -> NDArray[np.uint8]:
    """Read an IDX file of unsigned bytes (format: magic number 0x0800 + dimensions, big-endian sizes, data)."""
    content = path.read_bytes()
    n_dimensions = content[3] if len(content) > 3 else 0
    header = 4 + 4 * n_dimensions
    if content[:3] != b"\0\0\x08" or not 1 <= n_dimensions <= 3 or len(content) < header:
        raise VaeGeometryError(f"{path}: not an IDX file of bytes; remove it to download it again")
    shape = np.frombuffer(content, ">u4", n_dimensions, offset=4).tolist()
    expected = header + math.prod(shape)  # of Python's integers, which do not overflow
    if len(content) != expected:
        raise VaeGeometryError(f"{path}: has {len(content):,} bytes, not {expected:,}; remove it to download it again")
    if 0 in shape:
        raise VaeGeometryError(f"{path}: no images or labels (shape {tuple(shape)}); remove it to download it again")
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)
