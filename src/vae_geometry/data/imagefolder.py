"""A user's own images: ``train/CLASS/IMAGE`` and ``test/CLASS/IMAGE``."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from vae_geometry import VaeGeometryError
from vae_geometry.data.images import Split, resize
from vae_geometry.data.sources import Source

SHUFFLE_SEED = 0
UNREADABLE = (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError)


def read(source: Source, root: Path | None, downloads: Path) -> tuple[Split, Split]:
    """Images and labels to train and to test on; with one channel where all images are grey, else with three.

    A class is a number, the place of its name in the alphabet, the same in both parts. ``downloads`` is not used.

    Raises
    ------
    VaeGeometryError
        If no folder is named, a part or its images are absent, or images cannot be read.
    """
    if root is None:
        raise VaeGeometryError(f"datasets: source {source.name} needs `root`, a folder that holds train/ and test/")
    folders = [root / name for name in ("train", "test")]
    classes = sorted({name for folder in folders for name in _class_names(folder)})
    parts = [_read_folder(folder, classes) for folder in folders]
    is_grey = all(image.ndim == 2 for images, _ in parts for image in images)
    train, test = (_stack(images, labels, is_grey) for images, labels in parts)
    return train, test


def _class_names(folder: Path) -> list[str]:
    names = [entry.name for entry in folder.glob("[!.]*") if entry.is_dir()] if folder.is_dir() else []
    if not names:
        raise VaeGeometryError(f"{folder}: no folder with one sub-folder of images a class; make it, or correct `root`")
    return names


def _read_folder(folder: Path, classes: list[str]) -> tuple[list[NDArray[np.uint8]], NDArray[np.int64]]:
    """Read the images of ``folder/<class>/<image>``, resized: (32, 32) where grey, else (32, 32, 3)."""
    extensions = Image.registered_extensions()
    images, labels, unreadable = [], [], []
    for label, name in enumerate(classes):
        for path in sorted((folder / name).rglob("*")):
            is_hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
            if is_hidden or path.suffix.lower() not in extensions:
                continue
            try:
                with Image.open(path) as image:
                    resized = resize(_eight_bits(image))
            except UNREADABLE:
                unreadable.append(str(path))
                continue
            images.append(resized[0] if len(resized) == 1 else resized.transpose(1, 2, 0))
            labels.append(label)
    if unreadable:
        shown = ", ".join(unreadable[:5]) + (f" and {len(unreadable) - 5} more" if len(unreadable) > 5 else "")
        raise VaeGeometryError(f"images that cannot be read: {shown}; fix or remove them")
    if not images:
        raise VaeGeometryError(f"{folder}: no image in its class folders; put images there")
    return images, np.array(labels, np.int64)


def _eight_bits(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16"):  # PIL would clip at 255
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    return image.convert("L" if image.mode in ("1", "L", "LA") else "RGB")


def _stack(images: list[NDArray[np.uint8]], labels: NDArray[np.int64], is_grey: bool) -> Split:
    """Images in one array, (N, 1 or 3, 32, 32), shuffled with their labels."""
    if is_grey:
        stacked = np.stack(images)[:, None]
    else:
        stacked = np.stack([np.stack([image] * 3, -1) if image.ndim == 2 else image for image in images])
        stacked = stacked.transpose(0, 3, 1, 2)
    # files come sorted by class, and the first N images must be a fair sample
    order = np.random.default_rng(SHUFFLE_SEED).permutation(len(stacked))
    return np.ascontiguousarray(stacked[order]), labels[order]
