"""Prepared data sets: two npz files, written and read."""

import logging
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vae_geometry import VaeGeometryError
from vae_geometry.arrays import read_npz, write_npz
from vae_geometry.data.sources import SOURCES, Preparation

logger = logging.getLogger(__name__)

Inputs = NDArray[Any]  # uint8 (N, C, H, W) images, or float32 (N, D) or (N, C, H, W) arrays
Split = tuple[Inputs, NDArray[np.int64]]  # with the labels, (N,); zeros where there are none


def prepare_dataset(source: str, output: Path, settings: Preparation) -> None:
    """Write ``train.npz`` and ``test.npz``: ``inputs``, uint8 or float32 (N, ...), and ``labels`` int64 (N,).

    Parameters
    ----------
    source : str
        Key of ``SOURCES``.
    output : Path
        Folder for the two files, which are written atomically.
    settings : Preparation

    Raises
    ------
    VaeGeometryError
        If files are absent, damaged or cannot be fetched, or settings do not go with the source.
    """
    module = import_module(f"vae_geometry.data.{SOURCES[source].module}")
    train, test = module.read(SOURCES[source], settings)
    for name, (inputs, labels) in {"train": train, "test": test}.items():
        write_npz(output / f"{name}.npz", {"inputs": inputs, "labels": labels})
        shape = " x ".join(map(str, inputs.shape[1:]))  # channels, height and width; or columns
        logger.info("%s: %d inputs of %s (%s)", output / f"{name}.npz", len(inputs), shape, inputs.dtype)


def load_inputs(path: Path) -> Inputs:
    """Read the inputs of a prepared data set: uint8 (N, C, H, W) images, or float32 (N, D) or (N, C, H, W) arrays.

    Raises
    ------
    VaeGeometryError
        If the file is absent or does not hold such inputs.
    """
    (inputs,) = read_npz(path, ["inputs"], "prepare the data set")
    is_image = inputs.dtype == np.uint8 and inputs.ndim == 4 and inputs.shape[1] in (1, 3)
    is_array = inputs.dtype == np.float32 and inputs.ndim in (2, 4)
    if not (is_image or is_array) or 0 in inputs.shape:
        wanted = "uint8 (N, 1 or 3, H, W) or float32 (N, D) or (N, C, H, W)"
        raise VaeGeometryError(
            f"{path}: inputs are {inputs.dtype} {inputs.shape}, not {wanted}; prepare the data set again"
        )
    if is_array and not np.isfinite(inputs).all():
        raise VaeGeometryError(f"{path}: inputs hold NaN or infinity; prepare the data set again")
    return inputs


def first_inputs(path: Path, n_points: int) -> Inputs:
    """Read the first inputs of a prepared data set, (n_points, ...).

    Raises
    ------
    VaeGeometryError
        If the file is absent, does not hold such inputs, or holds fewer.
    """
    inputs = load_inputs(path)
    if len(inputs) < n_points:
        raise VaeGeometryError(f"{path}: holds {len(inputs)} inputs, {n_points} points are requested; lower the points")
    return inputs[:n_points]
