"""What the log says of a preparation: how many inputs, of which sizes, and what was done to them."""

import logging

import numpy as np
import pytest
from raw_files import prepared, write_image, write_mnist

from vae_geometry.cli import main


def test_images_of_a_folder_with_their_sizes(tmp_path, caplog):
    for number, size in enumerate([(40, 60), (40, 60), (48, 64)]):
        write_image(tmp_path / f"photos/train/cat/{number}.png", np.zeros((*size, 3)))
    write_image(tmp_path / "photos/test/cat/0.png", np.zeros((48, 64)))
    with caplog.at_level(logging.INFO, logger="vae_geometry"):
        prepared("imagefolder", tmp_path / "out", tmp_path / "photos", image_size=(48, 64), resize="crop")
    photos, out = tmp_path / "photos", tmp_path / "out"
    assert caplog.messages == [
        f"{photos}/train: 3 images (2 of 40 x 60, 1 of 48 x 64), cropped and resized to 48 x 64 pixels",
        f"{photos}/test: 1 images (1 of 48 x 64), not resized",
        f"{out}/train.npz: 3 inputs of 3 x 48 x 64 (uint8)",
        f"{out}/test.npz: 1 inputs of 3 x 48 x 64 (uint8)",
    ]


@pytest.mark.parametrize(
    ("size", "how"), [((28, 28), "not resized"), (None, "not resized"), ((32, 32), "stretched to 32 x 32 pixels")]
)
def test_images_of_a_known_data_set(tmp_path, rng, caplog, size, how):
    write_mnist(tmp_path, rng)
    with caplog.at_level(logging.INFO, logger="vae_geometry"):
        prepared("mnist", tmp_path / "out", tmp_path, image_size=size)
    assert caplog.messages[:2] == [f"6 images of 28 x 28, {how}", f"4 images of 28 x 28, {how}"]


def test_rows_of_a_table(tmp_path, rng, caplog):
    np.save(tmp_path / "train.npy", rng.normal(size=(10, 3)))
    words = ("--root", tmp_path, "--output", tmp_path / "out", "--scale", "standard", "--test-fraction", 0.2)
    assert main(["prepare-dataset", "arrays", *map(str, words)]) == 0
    assert caplog.messages == [
        f"{tmp_path}/train.npy: 10 rows of 3",
        "scale: standard, fitted on the 8 rows to train on",
        f"{tmp_path}/out/train.npz: 8 inputs of 3 (float32)",
        f"{tmp_path}/out/test.npz: 2 inputs of 3 (float32)",
    ]
