import os

import numpy as np
import pytest
from PIL import Image
from raw_files import prepared as prepared_from
from raw_files import write_folder, write_image

from vae_geometry import VaeGeometryError


def prepared(output, root=None):
    """Images and labels of train and test."""
    return prepared_from("imagefolder", output, root)


@pytest.mark.parametrize(("shape", "channels"), [((32, 32), 1), ((32, 32, 3), 3), ((20, 50), 1), ((70, 40, 3), 3)])
def test_images_of_any_size_become_32_by_32(tmp_path, shape, channels):
    (images, labels), (test, _) = prepared(tmp_path / "out", write_folder(tmp_path / "root", shape))
    assert images.shape == test.shape == (12, channels, 32, 32)
    assert images.dtype == np.uint8
    colours = images[:, 0, 0, 0].astype(int)
    assert (images == images[:, :1, :1, :1]).all()
    assert sorted(colours) == sorted([0, 10, 20, 30, 40, 50, 100, 110, 120, 130, 140, 150])
    assert np.array_equal(labels, colours // 100)  # labels move with their images


def test_channels_of_colour_images_keep_their_order(tmp_path):
    root = write_folder(tmp_path / "root", (8, 8, 3))
    pixels = np.zeros((32, 32, 3))
    pixels[:16] = (200, 100, 50)
    for path in (root / "test").rglob("*.png"):
        write_image(path, pixels)
    image = prepared(tmp_path / "out", root)[1][0][0]
    assert image[:, 5, 9].tolist() == [200, 100, 50]
    assert image[:, 25, 9].tolist() == [0, 0, 0]


def test_images_are_shuffled_once_with_a_fixed_seed(tmp_path):
    root = write_folder(tmp_path / "root", n_images=20)
    _, labels = prepared(tmp_path / "a", root)[0]
    assert labels.tolist() != sorted(labels)
    assert 4 <= labels[:20].sum() <= 16  # the first half is a fair sample
    again = prepared(tmp_path / "b", root)[0]
    assert np.array_equal(again[1], labels)


@pytest.mark.parametrize("mode", [None, "L", "LA", "1"])
def test_a_folder_of_grey_images_alone_has_one_channel(tmp_path, mode):
    root = write_folder(tmp_path / "root")
    write_image(root / "train/cat/other.png", np.full((32, 32), 255), mode)
    images, _ = prepared(tmp_path / "out", root)[0]
    assert images.shape == (13, 1, 32, 32)
    assert images.max() == 255


def test_grey_images_among_colour_ones_get_three_equal_channels(tmp_path):
    root = write_folder(tmp_path / "root")
    write_image(root / "test/dog/colour.png", np.full((32, 32, 3), (1, 2, 3)))
    (train, _), (test, _) = prepared(tmp_path / "out", root)
    assert train.shape == (12, 3, 32, 32)
    assert (train == train[:, :1]).all()
    assert [1, 2, 3] in test[:, :, 0, 0].tolist()


def test_palette_and_transparent_images_are_read_as_colour(tmp_path):
    root = write_folder(tmp_path / "root", (32, 32, 3))
    for mode in ("P", "RGBA", "CMYK"):
        suffix = "jpg" if mode == "CMYK" else "png"
        write_image(root / f"train/cat/{mode}.{suffix}", np.full((32, 32, 3), (255, 0, 0)), mode)
    images, _ = prepared(tmp_path / "out", root)[0]
    red = (images[:, 0, 16, 16] > 240) & (images[:, 1:, 16, 16] < 15).all(axis=1)
    assert red.sum() == 3


def test_a_grey_image_of_16_bits_keeps_its_shades_or_is_named(tmp_path):
    root = write_folder(tmp_path / "root")
    ramp = np.repeat(np.linspace(0, 65535, 32).astype(np.uint16)[None], 32, axis=0)
    path = root / "train/cat/deep.png"
    Image.fromarray(ramp).save(path)
    shades, message = 0, ""
    try:
        images, _ = prepared(tmp_path / "out", root)[0]
        shades = max(len(np.unique(image)) for image in images)
    except VaeGeometryError as error:
        message = str(error)
    assert shades >= 30 or str(path) in message


def test_a_class_folder_that_cannot_be_read_is_an_error(tmp_path, monkeypatch):
    root = write_folder(tmp_path / "root")
    scandir = os.scandir

    def refuse(path):  # root, who runs the tests in a container, may read everything
        if path == root / "train/dog":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(VaeGeometryError, match=r"train/dog: cannot be read \(Permission denied\)"):
        prepared(tmp_path / "out", root)


def test_all_images_that_cannot_be_read_are_named(tmp_path):
    root = write_folder(tmp_path / "root")
    whole = (root / "train/cat/1.png").read_bytes()
    bad = {"train/cat/1.png": whole[: len(whole) // 2], "train/dog/x.jpg": b"no image", "train/dog/y.PNG": b""}
    for name, content in bad.items():
        (root / name).write_bytes(content)
    with pytest.raises(VaeGeometryError) as error:
        prepared(tmp_path / "out", root)
    assert all(str(root / name) in str(error.value) for name in bad)
    assert "2.png" not in str(error.value)


def test_only_five_of_many_unreadable_images_are_listed(tmp_path):
    root = write_folder(tmp_path / "root")
    for number in range(8):
        (root / f"train/cat/{number}.jpg").write_bytes(b"no image")
    with pytest.raises(VaeGeometryError, match=r"4.jpg and 3 more; fix, move or remove them"):
        prepared(tmp_path / "out", root)


@pytest.mark.parametrize(
    "name", [".DS_Store", "._1.png", ".hidden/1.png", ".ipynb_checkpoints/1.png", "notes.txt", "Thumbs.db"]
)
@pytest.mark.parametrize("inside", ["train", "train/cat"])
def test_hidden_files_and_other_files_are_ignored(tmp_path, inside, name):
    root = write_folder(tmp_path / "root")
    path = root / inside / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes((root / "train/cat/1.png").read_bytes())  # names with an ending are told by it
    images, labels = prepared(tmp_path / "out", root)[0]
    assert len(images) == 12
    assert set(labels) == {0, 1}


def test_images_in_folders_below_a_class_belong_to_it(tmp_path):
    root = write_folder(tmp_path / "root")
    write_image(root / "train/dog/puppies/1.png", np.full((32, 32), 222))
    images, labels = prepared(tmp_path / "out", root)[0]
    assert labels[images[:, 0, 0, 0] == 222].tolist() == [1]


def test_a_class_has_the_same_label_in_both_parts(tmp_path):
    root = write_folder(tmp_path / "root")
    for path in (root / "test/cat").iterdir():
        path.unlink()
    (root / "test/cat").rmdir()
    label, message = None, ""
    try:
        (label,) = set(prepared(tmp_path / "out", root)[1][1])
    except VaeGeometryError as error:
        message = str(error)
    assert label == 1 or "cat" in message


@pytest.mark.parametrize("part", ["train", "test"])
def test_a_part_without_class_folders_is_named(tmp_path, part):
    root = write_folder(tmp_path / "root")
    (root / part).rename(tmp_path / "away")
    for make in (lambda: None, (root / part).mkdir):
        make()
        with pytest.raises(VaeGeometryError, match=f"root/{part}: no folder with one sub-folder of images a class"):
            prepared(tmp_path / "out", root)


def test_class_folders_without_images_are_named(tmp_path):
    root = write_folder(tmp_path / "root", n_images=0)
    for part in ("train", "test"):
        (root / part / "cat").mkdir(parents=True, exist_ok=True)
    with pytest.raises(VaeGeometryError, match="root/train: no image in its class folders"):
        prepared(tmp_path / "out", root)


def test_an_image_folder_needs_a_root(tmp_path):
    with pytest.raises(VaeGeometryError, match="source imagefolder needs `root`"):
        prepared(tmp_path)
