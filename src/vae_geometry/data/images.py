"""Image data sets: fetched or found, resized to 32 x 32 and stored as two npz files."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from vae_geometry import VaeGeometryError
from vae_geometry.files import whole_file

SIZE = 32
SHUFFLE_SEED = 0
SPLIT_SEED = 0  # which images train and which validate is a property of the data set, not of the run
DIGITS_TEST = 500

Images = NDArray[np.uint8]
Split = tuple[Images, NDArray[np.int64]]


def prepare_dataset(source: str, output: Path, root: Path | None, downloads: Path) -> None:
    """Write ``train.npz`` and ``test.npz``: ``images`` uint8 (N, C, 32, 32) and ``labels`` int64 (N,).

    Parameters
    ----------
    source : {"digits", "mnist", "fashion_mnist", "cifar10", "imagefolder"}
    output : Path
        Folder for the two files; each is written whole or not at all.
    root : Path or None
        Folder that holds the raw files already; nothing is fetched then.
    downloads : Path
        Where torchvision puts, or finds, what it downloads.

    Raises
    ------
    VaeGeometryError
        If files are absent, damaged or cannot be fetched.
    """
    train, test = SOURCES[source](source, root, downloads)
    for name, (images, labels) in {"train": train, "test": test}.items():
        with whole_file(output / f"{name}.npz") as path:
            np.savez(path, images=images, labels=labels)


def load_images(path: Path) -> Images:
    """Read the images of a prepared data set, uint8 (N, C, 32, 32).

    Raises
    ------
    VaeGeometryError
        If the file is absent or does not hold such images.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            images = file["images"]
    except FileNotFoundError:
        raise VaeGeometryError(f"{path}: no such file; prepare the data set first") from None
    except (zipfile.BadZipFile, ValueError, KeyError, TypeError, OSError, EOFError, IndexError) as error:
        raise VaeGeometryError(f"{path}: not a prepared data set ({error}); remove it to make it again") from None
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


def split_images(images, n_images: int | None, validation_fraction: float) -> tuple:
    """Draw the images to train on and those held back, the same ones for every run on a data set.

    Parameters
    ----------
    images : (N, C, 32, 32) uint8 array or tensor
    n_images : int or None
        Use so many, or all.
    validation_fraction : float
        Part of them to hold back.

    Returns
    -------
    train, validation : arrays or tensors like ``images``

    Raises
    ------
    VaeGeometryError
        If there are fewer images than asked for, or too few to train on.
    """
    n_images = len(images) if n_images is None else n_images
    if n_images > len(images):
        raise VaeGeometryError(f"training.images: {n_images} images are asked for, the data set has {len(images)}")
    order = np.random.default_rng(SPLIT_SEED).permutation(len(images))[:n_images]
    n_validation = round(n_images * validation_fraction)
    if n_images - n_validation < 2 or n_validation < 1:
        raise VaeGeometryError(
            f"{n_images} images are too few to train on and validate with {validation_fraction} of them; give more"
        )
    return images[order[n_validation:]], images[order[:n_validation]]


def _resize(image: Image.Image) -> NDArray[np.uint8]:
    # PIL's bilinear filter widens its support when it shrinks an image (antialiasing); other libraries' differ
    pixels = np.asarray(image.resize((SIZE, SIZE), Image.Resampling.BILINEAR))
    return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)


def _resize_all(images: NDArray[np.uint8]) -> Images:
    return np.stack([_resize(Image.fromarray(image)) for image in images])


def _digits(source: str, root: Path | None, downloads: Path) -> tuple[Split, Split]:
    from sklearn.datasets import load_digits

    digits = load_digits()
    images = _resize_all(np.round(digits.images * (255 / 16)).astype(np.uint8))
    labels = digits.target.astype(np.int64)
    return (images[:-DIGITS_TEST], labels[:-DIGITS_TEST]), (images[-DIGITS_TEST:], labels[-DIGITS_TEST:])


def _mnist(source: str, root: Path | None, downloads: Path) -> tuple[Split, Split]:
    folder = "MNIST" if source == "mnist" else "FashionMNIST"
    names = [f"{part}-{kind}" for part in ("train", "t10k") for kind in ("images-idx3-ubyte", "labels-idx1-ubyte")]
    base = downloads if root is None else root
    raw = _folder_with(names, [base, base / "raw", base / folder / "raw"])
    if raw is None:
        raw = base / folder / "raw"
        _download(source, root, names, raw, lambda datasets: getattr(datasets, folder)(downloads, download=True))
    arrays = [_read_idx(raw / name) for name in names]
    for name, array, labels in zip(names[::2], arrays[::2], arrays[1::2], strict=True):
        if array.ndim != 3 or labels.ndim != 1 or len(array) != len(labels):
            shapes = f"{array.shape} images and {labels.shape} labels"
            raise VaeGeometryError(f"{raw / name}: {shapes} do not belong together; remove both to download them again")
    train, test = (
        (_resize_all(images), labels.astype(np.int64)) for images, labels in zip(arrays[::2], arrays[1::2], strict=True)
    )
    return train, test


def _read_idx(path: Path) -> NDArray[np.uint8]:
    """Read an IDX file of unsigned bytes (format: magic number 0x0800 + dimensions, big-endian sizes, data)."""
    content = path.read_bytes()
    n_dimensions = content[3] if len(content) > 3 else 0
    header = 4 + 4 * n_dimensions
    if content[:3] != b"\0\0\x08" or not 1 <= n_dimensions <= 3 or len(content) < header:
        raise VaeGeometryError(f"{path}: not an IDX file of bytes; remove it to download it again")
    shape = np.frombuffer(content, ">u4", n_dimensions, offset=4).astype(int)
    expected = header + int(shape.prod())
    if len(content) != expected:
        problem = "ends after" if len(content) < expected else "goes on after its end:"
        raise VaeGeometryError(
            f"{path}: file {problem} {len(content):,} of {expected:,} bytes; remove it to download it again"
        )
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)


def _cifar10(source: str, root: Path | None, downloads: Path) -> tuple[Split, Split]:
    base = downloads if root is None else root
    folder = "cifar-10-batches-py"
    names = [*[f"data_batch_{i}" for i in range(1, 6)], "test_batch", "batches.meta"]
    raw = _folder_with(names, [base / folder, base.parent / folder])
    if raw is None:
        raw = base / folder
        _download(source, root, names, raw, lambda datasets: datasets.CIFAR10(downloads, download=True))
    from torchvision.datasets import CIFAR10

    parts = []
    for is_train in (True, False):
        try:  # the batches are pickles: torchvision opens them only if their checksums are those it knows
            part = CIFAR10(raw.parent, train=is_train)
        except RuntimeError:
            raise VaeGeometryError(f"{raw}: the CIFAR-10 batches are damaged; remove them to download again") from None
        parts.append((part.data.transpose(0, 3, 1, 2), np.array(part.targets)))
    return parts[0], parts[1]


def _folder_with(names: list[str], folders: list[Path]) -> Path | None:
    return next((folder for folder in folders if all((folder / name).is_file() for name in names)), None)


def _download(source: str, root: Path | None, names: list[str], raw: Path, fetch: Callable) -> None:
    files = f"{', '.join(names)} into {raw}"
    if root is not None:
        raise VaeGeometryError(f"datasets: {source}: root {root} lacks the raw files; put {files}, or leave `root` out")
    from torchvision import datasets

    try:
        fetch(datasets)
    except (OSError, RuntimeError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0].rstrip(": ")
        raise VaeGeometryError(f"{source} cannot be downloaded ({reason}); put {files}") from None


def _imagefolder(source: str, root: Path | None, downloads: Path) -> tuple[Split, Split]:
    if root is None:
        raise VaeGeometryError("datasets: source imagefolder needs `root`, a folder that holds train/ and test/")
    folders = [root / name for name in ("train", "test")]
    classes = sorted({name for folder in folders for name in _class_names(folder)})
    splits = [_read_folder(folder, classes) for folder in folders]
    is_grey = all(image.ndim == 2 for images, _ in splits for image in images)
    prepared = []
    for images, labels in splits:
        if is_grey:
            stacked = np.stack(images)[:, None]
        else:
            stacked = np.stack([np.stack([image] * 3, -1) if image.ndim == 2 else image for image in images])
            stacked = stacked.transpose(0, 3, 1, 2)
        # files come sorted by class, and the first N images must be a fair sample
        order = np.random.default_rng(SHUFFLE_SEED).permutation(len(stacked))
        prepared.append((np.ascontiguousarray(stacked[order]), labels[order]))
    return prepared[0], prepared[1]


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
                    resized = _resize(_eight_bits(image))
            except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
                unreadable.append(str(path))
                continue
            images.append(resized[0] if len(resized) == 1 else resized.transpose(1, 2, 0))
            labels.append(label)
    if unreadable:
        shown = ", ".join(unreadable[:5]) + (f" and {len(unreadable) - 5} more" if len(unreadable) > 5 else "")
        raise VaeGeometryError(f"images that cannot be read: {shown}; mend or remove them")
    if not images:
        raise VaeGeometryError(f"{folder}: no image in its class folders; put images there")
    return images, np.array(labels, np.int64)


def _eight_bits(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16"):  # PIL would clip at 255
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    return image.convert("L" if image.mode in ("1", "L", "LA") else "RGB")


SOURCES: dict[str, Callable[[str, Path | None, Path], tuple[Split, Split]]] = {
    "digits": _digits,
    "mnist": _mnist,
    "fashion_mnist": _mnist,
    "cifar10": _cifar10,
    "imagefolder": _imagefolder,
}
