"""The handwritten digits that come with scikit-learn."""

from pathlib import Path

import numpy as np

from vae_geometry.data.images import Split, resize_all
from vae_geometry.data.sources import Source

WHITE = 16  # the largest value of a pixel
N_TEST = 500


def read(source: Source, root: Path | None, downloads: Path) -> tuple[Split, Split]:
    """Images and labels to train on, and the last 500 to test on; neither folder is used."""
    from sklearn.datasets import load_digits  # takes a second to import

    digits = load_digits()
    images = resize_all(np.round(digits.images * (255 / WHITE)).astype(np.uint8))
    labels = digits.target.astype(np.int64)
    return (images[:-N_TEST], labels[:-N_TEST]), (images[-N_TEST:], labels[-N_TEST:])
