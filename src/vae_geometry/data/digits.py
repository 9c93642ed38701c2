"""The handwritten digits that come with scikit-learn."""

import numpy as np

from vae_geometry.data.images import resize_all
from vae_geometry.data.prepared import Split
from vae_geometry.data.sources import Preparation, Source

WHITE = 16  # the largest value of a pixel
N_TEST = 500


def read(source: Source, settings: Preparation) -> tuple[Split, Split]:
    """Images and labels to train on, and the last 500 to test on; no folder is used."""
    from sklearn.datasets import load_digits  # takes a second to import

    digits = load_digits()
    levels = np.round(digits.images * (255 / WHITE)).astype(np.uint8)
    images = resize_all(levels, settings.image_size, settings.resize)
    labels = digits.target.astype(np.int64)
    return (images[:-N_TEST], labels[:-N_TEST]), (images[-N_TEST:], labels[-N_TEST:])
