"""Which images train and which validate."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vae_geometry import VaeGeometryError

if TYPE_CHECKING:
    from torch import Tensor

SEED = 0  # the split is a property of the data set, not of the run


def size_of_test_part(root: Path | None, n_inputs: int, test_fraction: float) -> int:
    """How many of the inputs of a folder without a test part are split off to test on.

    Raises
    ------
    VaeGeometryError
        If none, or all.
    """
    n_test = round(test_fraction * n_inputs)
    if not 0 < n_test < n_inputs:
        raise VaeGeometryError(
            f"{root}: a test_fraction of {test_fraction} of {n_inputs} inputs leaves one part empty; change it"
        )
    return n_test


def split_images(images: "Tensor", n_images: int | None, validation_fraction: float) -> tuple["Tensor", "Tensor"]:
    """Draw the images to train on and those held back, the same ones for every run on a data set.

    Parameters
    ----------
    images : (N, C, H, W) uint8 or (N, ...) float32 tensor
    n_images : int or None
        Use so many, or all.
    validation_fraction : float
        Part of them to hold back.

    Returns
    -------
    train, validation : tensors

    Raises
    ------
    VaeGeometryError
        If there are fewer images than requested, or too few to train on.
    """
    n_images = len(images) if n_images is None else n_images
    if n_images > len(images):
        raise VaeGeometryError(
            f"training.images: {n_images} inputs are requested, the data set has {len(images)}; lower it"
        )
    order = np.random.default_rng(SEED).permutation(len(images))[:n_images]
    n_validation = round(n_images * validation_fraction)
    if n_images - n_validation < 2 or n_validation < 1:
        raise VaeGeometryError(
            f"training.images: {n_images} inputs are too few, with {validation_fraction} of them to validate; give more"
        )
    return images[order[n_validation:]], images[order[:n_validation]]
