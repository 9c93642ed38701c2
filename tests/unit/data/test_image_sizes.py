"""Images of the size that the config requests."""

import shutil

import numpy as np
import pytest
from PIL import Image
from raw_files import prepared, write_folder, write_image

from vae_geometry import VaeGeometryError
from vae_geometry.data.images import resize
from vae_geometry.data.sources import image_size

WIDE = np.zeros((20, 40), np.uint8)  # black, but a white square in its middle and grey ends
WIDE[5:15, 15:25] = 255
WIDE[:, :5] = WIDE[:, 35:] = 100


def resized(size, how):
    return resize(Image.fromarray(WIDE), size, how)[0]


def test_stretching_keeps_all_of_an_image_and_not_its_ratio():
    pixels = resized((20, 20), "stretch")
    assert pixels[10].tolist()[:2] == [100, 100]
    assert pixels[10].tolist()[-2:] == [100, 100]
    white = np.argwhere(pixels > 200)
    assert np.ptp(white, axis=0).tolist() == [9, 3]  # ten rows, four columns between blurred ones


def test_cropping_keeps_the_ratio_and_cuts_off_the_ends():
    pixels = resized((20, 20), "crop")
    assert np.array_equal(pixels, WIDE[:, 10:30])


def test_padding_keeps_the_ratio_and_surrounds_with_black():
    pixels = resized((40, 40), "pad")
    assert np.array_equal(pixels[10:30], WIDE)
    assert pixels[:10].max() == pixels[30:].max() == 0


@pytest.mark.parametrize("how", ["stretch", "crop", "pad"])
@pytest.mark.parametrize("size", [(48, 64), (33, 17)])
def test_height_comes_before_width(how, size):
    assert resized(size, how).shape == size


def test_a_folder_of_images_takes_the_size_of_the_config(tmp_path):
    root = write_folder(tmp_path / "root", (20, 50, 3))
    for part, _ in prepared("imagefolder", tmp_path / "out", root, image_size=(48, 64)):
        assert part.shape == (12, 3, 48, 64)


def test_the_images_of_a_known_data_set_take_it_too(tmp_path, digits):
    (train, _), (test, _) = prepared("digits", tmp_path, image_size=None)
    assert (train.shape, test.shape) == ((1297, 1, 8, 8), (500, 1, 8, 8))
    with np.load(digits / "train.npz") as file:  # the default is as ever
        expected = Image.fromarray(train[3, 0]).resize((32, 32), Image.Resampling.BILINEAR)
        assert np.array_equal(file["inputs"][3, 0], expected)


def test_images_of_one_size_keep_it_when_told_to(tmp_path):
    root = write_folder(tmp_path / "root", (21, 35))
    write_image(root / "train/cat/odd.png", np.arange(21 * 35).reshape(21, 35) % 251)
    images, _ = prepared("imagefolder", tmp_path / "out", root, image_size=None)[0]
    assert images.shape == (13, 1, 21, 35)
    assert any(np.array_equal(image[0], np.arange(21 * 35).reshape(21, 35) % 251) for image in images)


def test_images_of_several_sizes_cannot_keep_them(tmp_path):
    root = write_folder(tmp_path / "root", (21, 35))
    write_image(root / "train/cat/odd.png", np.zeros((9, 8)))
    with pytest.raises(VaeGeometryError) as error:
        prepared("imagefolder", tmp_path / "out", root, image_size=None)
    assert str(error.value) == (
        f"{root}/train: holds images of several sizes (12 of 21 x 35, 1 of 9 x 8); set image_size to one"
    )


def test_parts_of_different_sizes_cannot_keep_them(tmp_path):
    root = write_folder(tmp_path / "root", (21, 35))
    for path in (root / "test").rglob("*.png"):
        write_image(path, np.zeros((9, 8)))
    sentence = "root: holds images of 21 x 35 pixels in train, of 9 x 8 in test; set image_size to one"
    with pytest.raises(VaeGeometryError, match=sentence):
        prepared("imagefolder", tmp_path / "out", root, image_size=None)


def test_a_folder_without_a_test_part_is_split_once_and_for_all(tmp_path):
    root = write_folder(tmp_path / "root", n_images=10)
    shutil.rmtree(root / "test")
    (train, _), (test, labels) = prepared("imagefolder", tmp_path / "out", root, test_fraction=0.25)
    assert (len(train), len(test)) == (15, 5)
    colours = sorted([*train[:, 0, 0, 0].tolist(), *test[:, 0, 0, 0].tolist()])
    assert colours == sorted([*range(0, 100, 10), *range(100, 200, 10)])
    assert np.array_equal(labels, test[:, 0, 0, 0] // 100)
    again = prepared("imagefolder", tmp_path / "again", root, test_fraction=0.25)
    assert np.array_equal(again[1][0], test)


def test_a_fraction_of_a_folder_that_has_a_test_part_is_refused(tmp_path):
    root = write_folder(tmp_path / "root")
    with pytest.raises(VaeGeometryError, match=r"root/test: is there already; leave test_fraction out"):
        prepared("imagefolder", tmp_path / "out", root, test_fraction=0.25)


@pytest.mark.parametrize(
    ("words", "size"), [(["32"], (32, 32)), (["48", "64"], (48, 64)), ([48, 64], (48, 64)), (["native"], None)]
)
def test_a_size_is_a_number_two_or_native(words, size):
    assert image_size(words) == size


@pytest.mark.parametrize("words", [[], ["0"], ["-3"], ["1", "2", "3"], ["native", "32"], ["large"], ["4097"]])
def test_any_other_size_is_one_sentence(words):
    with pytest.raises(VaeGeometryError, match="is not a size; write one number, height and width, or native"):
        image_size(words)
