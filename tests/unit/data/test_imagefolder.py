import os
import struct

import numpy as np
import pytest
from damage import damaged
from PIL import Image, ImageFile

from vae_geometry import VaeGeometryError
from vae_geometry.data.images import prepare_dataset


def prepared(output, root=None):
    """Images and labels of train and test."""
    prepare_dataset("imagefolder", output, root, output / "downloads")
    files = [np.load(output / f"{name}.npz") for name in ("train", "test")]
    return [(file["images"], file["labels"]) for file in files]


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


RAMP = np.linspace(0, 255, 32)[None].repeat(32, axis=0)  # black on the left to white on the right


def save_tiff(path, levels, bits, **tags):
    """A grey TIFF, uncompressed: Pillow writes neither 12 bits nor white as 0."""
    values = {"width": (256, levels.shape[1]), "height": (257, levels.shape[0]), "bits": (258, bits)}
    values |= {"compression": (259, 1), "photometric": (262, 1), "offset": (273, 8), "samples": (277, 1)}
    values |= {"strip_rows": (278, levels.shape[0]), "strip_bytes": (279, levels.nbytes), "sample_format": (339, 1)}
    values |= {name: (values[name][0], value) for name, value in tags.items()}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in sorted(values.values()))
    header = struct.pack("<2sHI", b"II", 42, 8 + levels.nbytes)
    path.write_bytes(header + levels.tobytes() + struct.pack("<H", len(values)) + entries + bytes(4))


def packed_12_bits(levels):
    first, second = levels[:, ::2], levels[:, 1::2]
    packed = np.stack([first >> 4, (first & 15) << 4 | second >> 8, second & 255], -1)
    return packed.reshape(len(levels), -1).astype(np.uint8)


def deep(levels):
    return (levels * 257).astype(np.uint16)


DEEP_IMAGES = {
    "deep.png": lambda path: Image.fromarray(deep(RAMP)).save(path),
    "deep.tif": lambda path: Image.fromarray(deep(RAMP)).save(path),
    "packed.tif": lambda path: Image.fromarray(deep(RAMP)).save(path, compression="tiff_deflate"),
    "deep.pgm": lambda path: path.write_bytes(b"P5 32 32 65535 " + deep(RAMP).astype(">u2").tobytes()),
    "1023.pgm": lambda path: path.write_bytes(b"P5 32 32 1023 " + (RAMP * 1023 / 255).astype(">u2").tobytes()),
    "plain.pgm": lambda path: path.write_text("P2 32 32 65535 " + " ".join(map(str, deep(RAMP).flat))),
    "colour.ppm": lambda path: path.write_bytes(
        b"P6 32 32 65535 " + deep(RAMP)[..., None].repeat(3, -1).astype(">u2").tobytes()
    ),
    "unsigned.tif": lambda path: save_tiff(path, deep(RAMP), 16),
}


@pytest.mark.parametrize("name", DEEP_IMAGES)
def test_images_of_16_bits_keep_their_shades(tmp_path, name):
    root = write_folder(tmp_path / "root", n_images=1)
    (root / "train/cat/0.png").unlink()
    DEEP_IMAGES[name](root / "train/cat" / name)
    images, labels = prepared(tmp_path / "out", root)[0]
    (image,) = images[labels == 0]
    assert np.abs(image - RAMP).max() <= 1


def test_images_of_12_bits_keep_their_shades(tmp_path):
    path = write_folder(tmp_path / "root", n_images=1) / "train/cat/0.png"
    save_tiff(path, packed_12_bits((RAMP * 4095 / 255).astype(int)), 12, width=32)
    images, labels = prepared(tmp_path / "out", tmp_path / "root")[0]
    assert np.abs(images[labels == 0] - RAMP).max() <= 1


FLOAT = (RAMP / 255).astype(np.float32)
UNKNOWN_RANGE = {
    "float.tif": lambda path: Image.fromarray(FLOAT).save(path),
    "long.tif": lambda path: Image.fromarray((RAMP * 2**20).astype(np.int32)).save(path),
    "unsigned_long.tif": lambda path: save_tiff(path, (RAMP * 2**24).astype(np.uint32), 32),
    "signed_short.tif": lambda path: save_tiff(path, (RAMP * 128).astype(np.int16), 16, sample_format=2),
    "signed_byte.tif": lambda path: save_tiff(path, (RAMP - 128).astype(np.int8), 8, sample_format=2),
    "white_is_0.tif": lambda path: save_tiff(path, deep(RAMP), 16, photometric=0),
    "float.ppm": lambda path: path.write_bytes(b"Pf\n32 32\n-1.0\n" + FLOAT.tobytes()),
}


@pytest.mark.parametrize("name", UNKNOWN_RANGE)
def test_images_whose_black_and_white_are_unknown_are_named(tmp_path, name):
    root = write_folder(tmp_path / "root", n_images=1)
    UNKNOWN_RANGE[name](root / "train/cat" / name)
    with pytest.raises(VaeGeometryError) as error:
        prepared(tmp_path / "out", root)
    message = str(error.value)
    assert message.startswith(f"images that cannot be read: {root / 'train/cat' / name}; fix or remove them ({name}: ")
    assert "save it with " in message


@pytest.mark.parametrize("ending", ["jpg", "png", "webp", "tif"])
@pytest.mark.parametrize(("orientation", "white"), [(1, "left"), (3, "right"), (6, "top"), (8, "bottom")])
def test_images_are_turned_upright(tmp_path, ending, orientation, white):
    root = write_folder(tmp_path / "root", n_images=1)
    pixels = np.zeros((32, 48), np.uint8)
    pixels[:, :24] = 255
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(pixels).save(root / f"train/cat/turned.{ending}", exif=exif)
    (root / "train/cat/0.png").unlink()
    images, labels = prepared(tmp_path / "out", root)[0]
    image = images[labels == 0][0, 0]
    sides = {"left": image[:, :14], "right": image[:, 18:], "top": image[:14], "bottom": image[18:]}
    assert max(sides, key=lambda side: sides[side].mean()) == white
    assert sides[white].min() > 240


def test_no_ghostscript_is_started(tmp_path, monkeypatch):
    root = write_folder(tmp_path / "root")
    ghostscript = tmp_path / "bin/gs"
    ghostscript.parent.mkdir()
    ghostscript.write_text(f"#!/bin/sh\ntouch {tmp_path}/started\n")
    ghostscript.chmod(0o755)
    monkeypatch.setenv("PATH", f"{ghostscript.parent}:{os.environ['PATH']}")
    script = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 32 32\n%%EndComments\nshowpage\n%%EOF\n"
    for name in ("photo.jpg", "drawing.eps"):
        (root / "train/cat" / name).write_bytes(script)
    with pytest.raises(VaeGeometryError) as error:
        prepared(tmp_path / "out", root)
    assert not (tmp_path / "started").exists()
    assert "drawing.eps" in str(error.value)
    assert "photo.jpg" in str(error.value)


@pytest.mark.parametrize("name", ["x.avif", "x.dds", "x.tga", "x.jp2", "x.pdf"])
def test_images_of_formats_that_are_not_read_are_named_rather_than_left_out(tmp_path, name):
    root = write_folder(tmp_path / "root")
    (root / "test/dog" / name).write_bytes(b"an image")
    with pytest.raises(VaeGeometryError, match=rf"dog/{name}; .* \({name}: its ending is not that of PNG, JPEG, "):
        prepared(tmp_path / "out", root)


def test_fifos_and_devices_are_refused_unopened(tmp_path, ten_seconds):
    root = write_folder(tmp_path / "root")
    os.mkfifo(root / "train/cat/pipe.png")
    os.mkfifo(root / "train/cat/pipe")  # not an image
    (root / "train/dog/endless.png").symlink_to("/dev/zero")
    with pytest.raises(VaeGeometryError, match=r"pipe.png: it is a FIFO, not a file") as error:
        prepared(tmp_path / "out", root)
    assert "dog/endless.png" in str(error.value)


def test_an_image_of_absurd_size_is_named(tmp_path):
    root = write_folder(tmp_path / "root")
    for side in (10_000, 20_000):  # Pillow warns of the first
        path = root / f"train/cat/{side}.png"
        Image.new("1", (side, side)).save(path)
        with pytest.raises(VaeGeometryError, match=f"{side}.png: Image size .* exceeds limit"):
            prepared(tmp_path / "out", root)
        path.unlink()


@pytest.mark.parametrize(
    "failure", [MemoryError, NotImplementedError, OverflowError, IndexError, struct.error, RuntimeError]
)
def test_an_image_is_named_whatever_pillow_raises(tmp_path, monkeypatch, failure):
    root = write_folder(tmp_path / "root")

    def fail(_image):
        raise failure

    monkeypatch.setattr(ImageFile.ImageFile, "load", fail)
    with pytest.raises(VaeGeometryError, match=rf"train/cat/0.png, .* and 7 more; .*\(0.png: {failure.__name__}\)"):
        prepared(tmp_path / "out", root)


@pytest.mark.filterwarnings("ignore")  # Pillow warns of damaged metadata that it skips
def test_random_damage_of_images_never_ends_in_a_traceback(tmp_path, rng):
    root = write_folder(tmp_path / "root", n_images=1)
    colour = Image.fromarray(rng.integers(0, 256, (16, 16, 3), np.uint8))
    options = {"jpg": {"exif": Image.Exif()}, "webp": {"lossless": True}, "tiff": {"compression": "tiff_deflate"}}
    options["jpg"]["exif"][0x0112] = 6
    whole = {}
    for ending in ("png", "jpg", "gif", "bmp", "tif", "tiff", "webp", "ppm"):
        colour.save(tmp_path / f"whole.{ending}", **options.get(ending, {}))
        whole[ending] = (tmp_path / f"whole.{ending}").read_bytes()
    for number in range(250):
        for ending, content in whole.items():
            (root / f"train/cat/{number}.{ending}").write_bytes(damaged(content, rng))
    with pytest.raises(VaeGeometryError, match=r"and [0-9]{3,4} more; fix or remove them"):
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
    with pytest.raises(VaeGeometryError, match=r"4.jpg and 3 more; fix or remove them"):
        prepared(tmp_path / "out", root)


@pytest.mark.parametrize(
    "name", [".DS_Store", "._1.png", ".hidden/1.png", ".ipynb_checkpoints/1.png", "notes.txt", "Thumbs.db"]
)
@pytest.mark.parametrize("inside", ["train", "train/cat"])
def test_hidden_files_and_other_files_are_ignored(tmp_path, inside, name):
    root = write_folder(tmp_path / "root")
    path = root / inside / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes((root / "train/cat/1.png").read_bytes())
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
