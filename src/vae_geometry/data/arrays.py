"""A user's own vectors or arrays: ``train.*`` and ``test.*`` as npy, npz, parquet or csv."""

import logging
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vae_geometry import VaeGeometryError
from vae_geometry.arrays import open_npy, read_npz
from vae_geometry.data.files_of_arrays import part_file
from vae_geometry.data.prepared import Split
from vae_geometry.data.sources import Preparation, Source
from vae_geometry.data.splits import size_of_test_part
from vae_geometry.files import DAMAGED, reason, require_regular

logger = logging.getLogger(__name__)

SHUFFLE_SEED = 0
LISTED = 5  # of the columns or rows that are named in a sentence
REMEDY = "write it"
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?(\.\d+)?")  # pandas makes 1.5 twice 1.5 and 1.5.1

Values = NDArray[np.float64]  # (N, D) or (N, C, H, W)


def read(source: Source, settings: Preparation) -> tuple[Split, Split]:
    """Values to train and to test on, float32, scaled; the labels are zeros.

    Without a test part ``test_fraction`` of the rows, drawn once with a fixed seed, are split off; where there is one,
    the rows stay in their order.

    Raises
    ------
    VaeGeometryError
        If a file is absent or cannot be read, holds anything but finite numbers, columns that do not vary, or the parts
        do not go together.
    """
    if settings.root is None:
        raise VaeGeometryError(f"datasets: source {source.name} needs `root`, a folder that holds train.* and test.*")
    path = part_file(settings.root, "train")
    if path is None:
        raise VaeGeometryError(f"{settings.root}: holds no train.npy, .npz, .parquet or .csv; put one there")
    train, names = _read(path)
    test_path = part_file(settings.root, "test")
    if test_path is None:
        train, test = _split(settings, train)
    elif settings.test_fraction is not None:
        raise VaeGeometryError(f"{test_path}: is there already; leave test_fraction out, or move it away")
    else:
        test, test_names = _read(test_path)
        if test.shape[1:] != train.shape[1:] or test_names != names:
            held = f"{_held(test, test_names, names)}, {path} holds {_held(train, names, test_names)}"
            raise VaeGeometryError(f"{test_path}: holds {held}; give both the same columns, in the same order")
    _check_columns(path, train, names)
    scaled_train, scaled_test = _scale(settings.scale, train, test)
    logger.info("scale: %s, fitted on the %d rows to train on", settings.scale, len(train))
    if not (np.isfinite(scaled_train).all() and np.isfinite(scaled_test).all()):
        raise VaeGeometryError(f"{path}: holds values outside the range of float32; set scale: standard or minmax")
    return _without_labels(scaled_train), _without_labels(scaled_test)


def _read(path: Path) -> tuple[Values, list[str] | None]:
    """The values of a file, and the names of its columns where it has them."""
    names = None
    try:
        require_regular(path)
        if path.suffix == ".npy":
            values = np.asarray(open_npy(path, REMEDY))
        elif path.suffix == ".npz":
            (values,) = read_npz(path, ["inputs"], REMEDY)
        else:
            import pandas as pd

            if path.suffix == ".csv":
                _check_header(path, pd.read_csv(path, header=None, nrows=1, dtype=str).iloc[0].fillna("").tolist())
            frame = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
            if not isinstance(frame.index, pd.RangeIndex) and path.suffix == ".csv":
                raise VaeGeometryError(f"{path}: its rows hold more values than line 1 has names; name every column")
            if text := [str(name) for name in frame if not pd.api.types.is_numeric_dtype(frame[name])]:
                raise VaeGeometryError(f"{path}: column {text[0]} does not hold numbers; leave it out, or encode it")
            values, names = frame.to_numpy(float), [str(name) for name in frame]
    except DAMAGED as error:
        raise VaeGeometryError(f"{path}: cannot be read ({reason(error)}); correct it") from None
    if values.dtype.kind not in "fiub" or values.ndim not in (2, 4) or 0 in values.shape:
        raise VaeGeometryError(
            f"{path}: holds {values.dtype} {values.shape}, not numbers (N, D) or (N, C, H, W); reshape it"
        )
    logger.info("%s: %d rows of %s", path, len(values), " x ".join(map(str, values.shape[1:])))
    values = values.astype(float)
    is_bad = ~np.isfinite(values).reshape(len(values), -1).all(axis=1)
    if is_bad.any():
        raise VaeGeometryError(
            f"{path}: rows with NaN or infinity: {is_bad.sum()} ({_where(path, values, names)}); fill or remove them"
        )
    return values, names


def _check_header(path: Path, names: list[str]) -> None:
    """Stop on a csv whose first point would be taken for the names of columns, or its numbers of rows for a column."""
    if len(names) == 1 and (signs := [sign for sign in (";", "\t") if sign in names[0]]):
        raise VaeGeometryError(f"{path}: its columns are separated by {signs[0]!r}; separate them by commas")
    if all(NUMBER.fullmatch(name) for name in names):
        raise VaeGeometryError(
            f"{path}: line 1 holds numbers, not the names of the columns; write a line of names above it"
        )
    if twice := [name for name in names if names.count(name) > 1 and name]:
        raise VaeGeometryError(f"{path}: two columns are named {twice[0]}; leave one out, or rename it")
    if not names[0]:
        raise VaeGeometryError(
            f"{path}: the first column has no name, such as the index that pandas writes; leave it out "
            "(to_csv(..., index=False)), or name it"
        )


def _where(path: Path, values: Values, names: list[str] | None) -> str:
    """The first rows that hold something else than finite numbers, as an editor or numpy counts them, with a column."""
    is_bad = ~np.isfinite(values).reshape(len(values), -1)
    first, *_ = rows = np.flatnonzero(is_bad.any(axis=1))[:LISTED]
    column = int(is_bad[first].argmax())
    offset, counted = (2, "lines") if path.suffix == ".csv" else (0, "counted from 0: rows")
    held = f", the first in column {names[column] if names else column}" if values.ndim == 2 else ""
    return f"{counted} {', '.join(str(row + offset) for row in rows)}{held}"


def _split(settings: Preparation, values: Values) -> tuple[Values, Values]:
    if settings.test_fraction is None:
        raise VaeGeometryError(
            f"{settings.root}: holds no test.npy, .npz, .parquet or .csv; put one there, or set test_fraction"
        )
    order = np.random.default_rng(SHUFFLE_SEED).permutation(len(values))
    n_test = size_of_test_part(settings.root, len(values), settings.test_fraction)
    return values[order[n_test:]], values[order[:n_test]]


def _held(values: Values, names: list[str] | None, other: list[str] | None) -> str:
    """What the rows of a part are, with the columns that the other part lacks."""
    alone = [name for name in names or () if name not in (other or ())]
    return f"rows of {'x'.join(map(str, values.shape[1:]))} values" + (
        f" (only here: {', '.join(alone[:LISTED])})" if alone else ""
    )


def _check_columns(path: Path, train: Values, names: list[str] | None) -> None:
    if train.ndim != 2:
        return
    constant = np.flatnonzero(np.ptp(train, axis=0) == 0)
    if len(constant):
        listed = ", ".join(names[i] if names else str(i) for i in constant[:LISTED])
        raise VaeGeometryError(f"{path}: columns that do not vary: {len(constant)} ({listed}); leave them out")


def _scale(scale: str, train: Values, test: Values) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Both parts, each column or, of arrays, all of them by what the training part has."""
    axes = 0 if train.ndim == 2 else None
    low: Any = 0.0
    width: Any = 1.0
    if scale == "standard":
        low, width = train.mean(axes), train.std(axes)
    elif scale == "minmax":
        low, width = train.min(axes), np.ptp(train, axes)
        if n_outside := int(((test < low) | (test > low + width)).sum()):
            logger.warning(
                "%d of %d test values lie outside the range of the training part: clipped", n_outside, test.size
            )
            test = np.clip(test, low, low + width)
    with np.errstate(over="ignore"):
        scaled_train, scaled_test = (((part - low) / width).astype(np.float32) for part in (train, test))
    return scaled_train, scaled_test


def _without_labels(values: NDArray[np.float32]) -> Split:
    return values, np.zeros(len(values), np.int64)
