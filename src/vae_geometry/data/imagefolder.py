"""A user's own images: ``train/CLASS/IMAGE`` and ``test/CLASS/IMAGE``."""

import logging
import warnings
from collections import Counter
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, ImageOps, TiffImagePlugin, UnidentifiedImageError

from vae_geometry import VaeGeometryError
from vae_geometry.data.folders import ENDINGS, class_files, files_beside_classes, is_image, looks_like_image
from vae_geometry.data.images import resize, resizing
from vae_geometry.data.prepared import Split
from vae_geometry.data.sources import Preparation, Source
from vae_geometry.data.splits import size_of_test_part
from vae_geometry.files import DAMAGED, reason, require_regular

logger = logging.getLogger(__name__)

SHUFFLE_SEED = 0
# All that is opened. Pillow would start Ghostscript for an EPS, whatever its name.
FORMATS = list(dict.fromkeys(ENDINGS.values()))
UNREADABLE = (*DAMAGED, Image.DecompressionBombError)
LISTED = 5  # of the images that cannot be read
UNSIGNED = (1,)  # the sample format of a TIFF that names none


def read(source: Source, settings: Preparation) -> tuple[Split, Split]:
    """Images and labels to train and to test on; with one channel where all images are grey, else with three.

    A class is a number, the place of its name in the alphabet, the same in both parts. Without a test part
    ``test_fraction`` of the images, drawn once with a fixed seed, are split off.

    Raises
    ------
    VaeGeometryError
        If no folder is named, a part or its images are absent, or folders or images cannot be read.
    """
    if settings.root is None:
        raise VaeGeometryError(f"datasets: source {source.name} needs `root`, a folder that holds train/ and test/")
    names = ("train", "test") if settings.test_fraction is None else ("train",)
    if settings.test_fraction is not None and (settings.root / "test").exists():
        raise VaeGeometryError(f"{settings.root / 'test'}: is there already; leave test_fraction out, or move it away")
    folders = {settings.root / name: class_files(settings.root / name) for name in names}
    classes = sorted({name for files in folders.values() for name in files})
    parts = [_read_folder(folder, files, classes, settings) for folder, files in folders.items()]
    is_grey = all(image.ndim == 2 for images, _ in parts for image in images)
    stacked = [_stack(images, labels, is_grey) for images, labels in parts]
    if settings.test_fraction is None:
        train, test = stacked
        if train[0].shape[2:] != test[0].shape[2:]:
            sizes = ("{} x {}".format(*images.shape[2:]) for images, _ in stacked)
            held = "{} pixels in train, of {} in test".format(*sizes)
            raise VaeGeometryError(f"{settings.root}: holds images of {held}; set image_size to one")
        return train, test
    ((images, labels),) = stacked
    n_test = size_of_test_part(settings.root, len(images), settings.test_fraction)
    return (images[n_test:], labels[n_test:]), (images[:n_test], labels[:n_test])


def _read_folder(
    folder: Path, files: dict[str, list[Path]], classes: list[str], settings: Preparation
) -> tuple[list[NDArray[np.uint8]], NDArray[np.int64]]:
    """Read the images among the files of each class, resized: (height, width) where grey, else (height, width, 3)."""
    sizes: Counter[tuple[int, int]] = Counter()
    known_to_pillow = Image.registered_extensions()
    images, labels, unreadable, others = [], [], dict[Path, str](), list[Path]()
    for path in files_beside_classes(folder):
        if looks_like_image(path):
            unreadable[path] = "it lies beside the class folders"
        else:
            others.append(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of damaged metadata, whose pixels are whole
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        for label, name in enumerate(classes):
            for path in files.get(name, []):
                if not looks_like_image(path) and path.suffix.lower() not in known_to_pillow:
                    others.append(path)
                    continue
                try:
                    image, size = _read_image(path, settings)
                except UNREADABLE as error:
                    unreadable[path] = reason(error)
                else:
                    images.append(image)
                    labels.append(label)
                    sizes[size] += 1
    if unreadable:
        first, why = next(iter(unreadable.items()))
        shown = ", ".join(map(str, [*unreadable][:LISTED]))
        shown += f" and {len(unreadable) - LISTED} more" if len(unreadable) > LISTED else ""
        raise VaeGeometryError(f"images that cannot be read: {shown}; fix, move or remove them ({first.name}: {why})")
    if others:
        logger.info("%s: files that are not images are left out: %d, such as %s", folder, len(others), others[0].name)
    for label, name in enumerate(classes):
        if name in files and label not in labels:
            logger.info("%s: class %s has no images", folder, name)
    if not images:
        raise VaeGeometryError(f"{folder}: no image in its class folders; put images there")
    described = ", ".join(f"{n} of {height} x {width}" for (height, width), n in sizes.most_common(LISTED))
    described += f" and {len(sizes) - LISTED} other sizes" if len(sizes) > LISTED else ""
    if settings.image_size is None and len(sizes) > 1:
        raise VaeGeometryError(f"{folder}: holds images of several sizes ({described}); set image_size to one")
    target = None if set(sizes) == {settings.image_size} else settings.image_size
    logger.info("%s: %d images (%s), %s", folder, len(images), described, resizing(target, settings.resize))
    return images, np.array(labels, np.int64)


def _read_image(path: Path, settings: Preparation) -> tuple[NDArray[np.uint8], tuple[int, int]]:
    """The pixels of an image, and its height and width before it was resized."""
    require_regular(path)
    formats = f"{', '.join(FORMATS[:-1])} or {FORMATS[-1]}"
    if not is_image(path):
        raise ValueError(f"its ending is not that of {formats}")
    try:
        # an open file, not its path: of a path Pillow 13 maps TIFFs that lie on their side, and mixes up their pixels
        with path.open("rb") as file, Image.open(file, formats=FORMATS) as image:
            bits = _bits_per_level(image)
            _require_below_maxval(image, file)
            is_grey = _is_grey(image)
            upright = _eight_bits(ImageOps.exif_transpose(image), bits, is_grey)
            pixels = resize(upright, settings.image_size, settings.resize)
    except UnidentifiedImageError:
        raise ValueError(f"not a {formats} of a kind that Pillow reads") from None
    return pixels[0] if len(pixels) == 1 else pixels.transpose(1, 2, 0), (upright.height, upright.width)


def _bits_per_level(image: Image.Image) -> int:
    """Bits of a grey level where Pillow keeps more than 8 of them, else 8.

    Raises
    ------
    ValueError
        If no level is known to be black or white: Pillow would clip at 0 and 255.
    """
    tags = image.tag_v2 if isinstance(image, TiffImagePlugin.TiffImageFile) else None
    is_scaled_to_16_bits = image.mode == "I" and image.format in ("PNG", "PPM")
    is_signed = tags is not None and set(tags.get(TiffImagePlugin.SAMPLEFORMAT, UNSIGNED)) != set(UNSIGNED)
    if is_signed or (image.mode in ("I", "F") and not is_scaled_to_16_bits):
        raise ValueError(
            "it has signed, 32-bit or float levels, of which none is known to be white; save it with 8 or 16 bits"
        )
    if not image.mode.startswith("I"):
        return 8
    if tags is None:
        return 16
    if tags.get(TiffImagePlugin.PHOTOMETRIC_INTERPRETATION, 0) == 0:
        raise ValueError("its 16-bit levels have 0 as white; save it with 0 as black")
    return int(tags[TiffImagePlugin.BITSPERSAMPLE][0])


def _require_below_maxval(image: ImageFile.ImageFile, file: IO[bytes]) -> None:
    """Refuse a binary PGM or PPM with levels above its maximum, which Pillow would clip."""
    if image.format != "PPM" or image.tile[0].codec_name != "ppm":
        return
    _, _, offset, arguments = image.tile[0]
    assert isinstance(arguments, tuple)
    greatest, start = int(arguments[1]), file.tell()
    file.seek(offset)
    n_levels = image.width * image.height * len(image.getbands())
    kind = np.dtype(">u2" if greatest > 255 else "u1")
    levels = np.frombuffer(file.read(n_levels * kind.itemsize), kind)
    file.seek(start)
    if levels.max(initial=0) > greatest:
        raise ValueError(f"it holds the level {levels.max()}, above {greatest}, which its header says is white")


def _is_grey(image: ImageFile.ImageFile) -> bool:
    """Whether an image has a grey mode, or a palette of greys alone."""
    if image.mode == "P":
        palette = np.reshape(image.getpalette() or [], (-1, 3))
        return bool((palette == palette[:, :1]).all())
    is_deep_with_alpha = image.format == "PNG" and image.tile[0].args == "LA;16B"  # Pillow makes RGBA of it
    return image.mode in ("1", "L", "LA") or is_deep_with_alpha


def _eight_bits(image: Image.Image, bits: int, is_grey: bool) -> Image.Image:
    if bits > 8:  # PIL would clip at 255
        return Image.fromarray((np.asarray(image) >> (bits - 8)).astype(np.uint8))
    return image.convert("L" if is_grey else "RGB")


def _stack(images: list[NDArray[np.uint8]], labels: NDArray[np.int64], is_grey: bool) -> Split:
    """Images in one array, (N, 1 or 3, height, width), shuffled with their labels."""
    if is_grey:
        stacked = np.stack(images)[:, None]
    else:
        stacked = np.stack([np.stack([image] * 3, -1) if image.ndim == 2 else image for image in images])
        stacked = stacked.transpose(0, 3, 1, 2)
    # files come sorted by class, and the first N images must be a fair sample
    order = np.random.default_rng(SHUFFLE_SEED).permutation(len(stacked))
    return np.ascontiguousarray(stacked[order]), labels[order]
