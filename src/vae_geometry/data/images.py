"""Images of any size, resized."""

import logging

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

logger = logging.getLogger(__name__)

Images = NDArray[np.uint8]  # (N, C, height, width)


def resize(image: Image.Image, size: tuple[int, int] | None, how: str) -> Images:
    """Pixels of an image of any size, (C, height, width).

    PIL's bilinear filter widens its support when it shrinks an image (antialiasing); other libraries' differ.

    Parameters
    ----------
    image : PIL image
    size : (height, width) or None
        In pixels; None keeps the image's own.
    how : {"stretch", "crop", "pad"}
        Where the ratio of height and width is another: stretch the image, cut off its longer sides, or surround it
        with black.
    """
    if size is not None:
        height, width = size
        if how == "stretch":
            image = image.resize((width, height), Image.Resampling.BILINEAR)
        else:
            fit = ImageOps.fit if how == "crop" else ImageOps.pad
            image = fit(image, (width, height), Image.Resampling.BILINEAR)
    pixels = np.asarray(image)
    return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)


def resize_all(images: NDArray[np.uint8], size: tuple[int, int] | None, how: str) -> Images:
    """Pixels of images of one size, grey (N, height, width) or in colour (N, height, width, 3)."""
    height, width = images.shape[1:3]
    target = None if size == (height, width) else size
    logger.info("%d images of %d x %d, %s", len(images), height, width, resizing(target, how))
    return np.stack([resize(Image.fromarray(image), size, how) for image in images])


def resizing(size: tuple[int, int] | None, how: str) -> str:
    """What ``resize`` does to images, in words."""
    if size is None:
        return "not resized"
    height, width = size
    words = {"stretch": "stretched", "crop": "cropped and resized", "pad": "resized and padded with black"}
    return f"{words[how]} to {height} x {width} pixels"
