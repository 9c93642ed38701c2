"""Raw files of data sets as small as can be, and what they are prepared to; shared by the tests of the sources."""

import os
import struct

import numpy as np
from PIL import Image

from vae_geometry.data.prepared import prepare_dataset
from vae_geometry.data.sources import Preparation

MNIST_FILES = [f"{part}-{kind}" for part in ("train", "t10k") for kind in ("images-idx3-ubyte", "labels-idx1-ubyte")]
CIFAR_FILES = [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch", "batches.meta"]


def write_idx(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    path.write_bytes(header + array.astype(np.uint8).tobytes())


def write_mnist(folder, rng, n_train=6, n_test=4):
    """Files of the MNIST format; returns the raw images (N, 28, 28) of both parts."""
    parts = [rng.integers(0, 256, (n, 28, 28), np.uint8) for n in (n_train, n_test)]
    for part, images in zip(("train", "t10k"), parts, strict=True):
        write_idx(folder / f"{part}-images-idx3-ubyte", images)
        write_idx(folder / f"{part}-labels-idx1-ubyte", np.arange(len(images)) % 10)
    return parts


def write_image(path, pixels, mode=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(np.asarray(pixels, np.uint8))
    (image.convert(mode) if mode else image).save(path)


def write_folder(root, shape=(32, 32), n_images=6):
    """Two classes a part, each image of one colour of its own."""
    for part in ("train", "test"):
        for label, name in enumerate(("cat", "dog")):
            for number in range(n_images):
                write_image(root / part / name / f"{number}.png", np.full(shape, 100 * label + 10 * number))
    return root


def prepared(source, output, root=None, **settings):
    """Inputs and labels of train and test."""
    prepare_dataset(source, output, Preparation(root, output / "downloads", **settings))
    parts = []
    for name in ("train", "test"):
        with np.load(output / f"{name}.npz") as file:
            parts.append((file["inputs"], file["labels"]))
    return parts


class Trap:
    """Makes a folder when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)
