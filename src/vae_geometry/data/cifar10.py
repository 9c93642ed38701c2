"""CIFAR-10."""

import numpy as np

from vae_geometry import VaeGeometryError
from vae_geometry.data.downloads import download, folder_with
from vae_geometry.data.images import resize_all
from vae_geometry.data.prepared import Split
from vae_geometry.data.sources import Preparation, Source

FOLDER = "cifar-10-batches-py"
FILES = [*[f"data_batch_{i}" for i in range(1, 6)], "test_batch", "batches.meta"]


def read(source: Source, settings: Preparation) -> tuple[Split, Split]:
    """Images and labels to train and to test on, from the batches in ``root`` or in ``downloads`` of the settings.

    Raises
    ------
    VaeGeometryError
        If files are absent and cannot be fetched, or are damaged.
    """
    from torchvision.datasets import CIFAR10

    root, downloads = settings.root, settings.downloads
    base = downloads if root is None else root
    raw = folder_with(FILES, [base / FOLDER, base.parent / FOLDER])
    if raw is None:
        raw = base / FOLDER
        download(source.name, root, FILES, raw, lambda: CIFAR10(downloads, download=True))
    parts = []
    for is_train in (True, False):
        try:  # the batches are pickles: torchvision opens them only if their checksums are those it knows
            part = CIFAR10(raw.parent, train=is_train)
        except RuntimeError:
            raise VaeGeometryError(f"{raw}: the CIFAR-10 batches are damaged; remove them to download again") from None
        parts.append((resize_all(part.data, settings.image_size, settings.resize), np.array(part.targets)))
    return parts[0], parts[1]
