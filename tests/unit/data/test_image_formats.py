"""What becomes of the pixels of a user's images, and which files are refused."""

import logging
import os
import struct
import zlib

import numpy as np
import pytest
from damage import damaged
from PIL import Image, ImageFile
from raw_files import prepared, write_folder

from vae_geometry import VaeGeometryError

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
    images, labels = prepared("imagefolder", tmp_path / "out", root)[0]
    (image,) = images[labels == 0]
    assert np.abs(image - RAMP).max() <= 1


def test_images_of_12_bits_keep_their_shades(tmp_path):
    path = write_folder(tmp_path / "root", n_images=1) / "train/cat/0.png"
    save_tiff(path, packed_12_bits((RAMP * 4095 / 255).astype(int)), 12, width=32)
    images, labels = prepared("imagefolder", tmp_path / "out", tmp_path / "root")[0]
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
        prepared("imagefolder", tmp_path / "out", root)
    message = str(error.value)
    assert message.startswith(
        f"images that cannot be read: {root / 'train/cat' / name}; fix, move or remove them ({name}: "
    )
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
    images, labels = prepared("imagefolder", tmp_path / "out", root)[0]
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
        prepared("imagefolder", tmp_path / "out", root)
    assert not (tmp_path / "started").exists()
    assert "drawing.eps" in str(error.value)
    assert "photo.jpg" in str(error.value)


@pytest.mark.parametrize("name", ["x.avif", "x.dds", "x.tga", "x.jp2", "x.pdf"])
def test_images_of_formats_that_are_not_read_are_named_rather_than_left_out(tmp_path, name):
    root = write_folder(tmp_path / "root")
    (root / "test/dog" / name).write_bytes(b"an image")
    with pytest.raises(VaeGeometryError, match=rf"dog/{name}; .* \({name}: its ending is not that of PNG, JPEG, "):
        prepared("imagefolder", tmp_path / "out", root)


def test_fifos_and_devices_are_refused_unopened(tmp_path, ten_seconds):
    root = write_folder(tmp_path / "root")
    os.mkfifo(root / "train/cat/pipe.png")
    os.mkfifo(root / "train/cat/pipe")  # not an image
    (root / "train/dog/endless.png").symlink_to("/dev/zero")
    with pytest.raises(VaeGeometryError, match=r"pipe.png: it is a FIFO, not a file") as error:
        prepared("imagefolder", tmp_path / "out", root)
    assert "dog/endless.png" in str(error.value)


def test_an_image_of_absurd_size_is_named(tmp_path):
    root = write_folder(tmp_path / "root")
    for side in (10_000, 20_000):  # Pillow warns of the first
        path = root / f"train/cat/{side}.png"
        Image.new("1", (side, side)).save(path)
        with pytest.raises(VaeGeometryError, match=f"{side}.png: Image size .* exceeds limit"):
            prepared("imagefolder", tmp_path / "out", root)
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
        prepared("imagefolder", tmp_path / "out", root)


@pytest.mark.filterwarnings("ignore")  # Pillow warns of damaged metadata that it skips
def test_random_damage_of_images_never_ends_in_a_traceback(tmp_path, rng):
    root = write_folder(tmp_path / "root", n_images=1)
    colour = Image.fromarray(rng.integers(0, 256, (16, 16, 3), np.uint8))
    options = {"jpg": {"exif": Image.Exif()}, "webp": {"lossless": True}, "tiff": {"compression": "tiff_deflate"}}
    options["jpg"]["exif"][0x0112] = 6
    whole = {}
    for ending in ("png", "jpg", "gif", "bmp", "tif", "tiff", "webp", "ppm", "dds"):
        colour.save(tmp_path / f"whole.{ending}", **options.get(ending, {}))
        whole[ending] = (tmp_path / f"whole.{ending}").read_bytes()
    for number in range(2000 // len(whole)):
        for ending, content in whole.items():
            (root / f"train/cat/{number}.{ending}").write_bytes(damaged(content, rng))
    with pytest.raises(VaeGeometryError, match=r"and [0-9]{3,4} more; fix, move or remove them"):
        prepared("imagefolder", tmp_path / "out", root)


LEFT_OUT = ["x.heic", "x.HEIF", "x.dng", "x.cr2", "x.nef", "x.arw", "x.svg"]


@pytest.mark.parametrize("name", LEFT_OUT)
def test_images_of_formats_that_pillow_does_not_know_are_named_too(tmp_path, name):
    root = write_folder(tmp_path / "root")
    (root / "test/dog" / name).write_bytes(b"an image")
    with pytest.raises(VaeGeometryError, match=rf"dog/{name}; .* \({name}: its ending is not that of PNG, JPEG, "):
        prepared("imagefolder", tmp_path / "out", root)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM"])
def test_an_image_without_an_ending_is_named(tmp_path, kind):
    root = write_folder(tmp_path / "root")
    with (root / "train/cat/photo").open("wb") as file:
        Image.fromarray(RAMP.astype(np.uint8)).save(file, kind)
    with pytest.raises(VaeGeometryError, match=r"train/cat/photo; fix, .* \(photo: its ending is not that"):
        prepared("imagefolder", tmp_path / "out", root)


@pytest.mark.parametrize("name", ["stray.png", "stray.heic", "stray"])
def test_an_image_beside_the_class_folders_is_named(tmp_path, name):
    root = write_folder(tmp_path / "root")
    (root / "train" / name).write_bytes((root / "train/cat/0.png").read_bytes())
    with pytest.raises(VaeGeometryError, match=rf"train/{name}; .* \({name}: it lies beside the class folders\)"):
        prepared("imagefolder", tmp_path / "out", root)


def test_other_files_are_left_out_and_counted(tmp_path, caplog):
    root = write_folder(tmp_path / "root")
    for name in ("cat/labels.csv", "cat/README", "dog/film.webm", "notes.txt"):
        (root / "train" / name).write_text("no image")
    with caplog.at_level(logging.INFO, logger="vae_geometry"):
        (images, _), _ = prepared("imagefolder", tmp_path / "out", root)
    assert len(images) == 12
    assert caplog.messages[0] == f"{root / 'train'}: files that are not images are left out: 4, such as notes.txt"


ABOVE_WHITE = {
    "grey.pgm": b"P5\n32 32\n1000\n" + deep(RAMP).astype(">u2").tobytes(),
    "grey of 8 bits.pgm": b"P5\n32 32\n100\n" + RAMP.astype(np.uint8).tobytes(),
    "colour.ppm": b"P6\n32 32\n1000\n" + deep(RAMP)[..., None].repeat(3, -1).astype(">u2").tobytes(),
    "text.pgm": b"P2\n32 32\n100\n" + " ".join(map(str, RAMP.astype(int).flat)).encode(),
}


@pytest.mark.parametrize("name", ABOVE_WHITE)
def test_levels_above_white_are_not_clipped(tmp_path, name):
    root = write_folder(tmp_path / "root")
    (root / "train/cat" / name).write_bytes(ABOVE_WHITE[name])
    with pytest.raises(VaeGeometryError, match=rf"train/cat/{name}; fix, move or remove them"):
        prepared("imagefolder", tmp_path / "out", root)


def test_what_pillow_warns_of_is_no_line_of_its_own(tmp_path, recwarn):
    root = write_folder(tmp_path / "root")
    image = Image.fromarray(RAMP.astype(np.uint8))
    image.save(root / "train/cat/camera.jpg", exif=b"Exif\0\0II*\0\xff\xff\xff\xff garbage")
    image.convert("P").save(root / "train/cat/palette.png", transparency=bytes(range(256)))
    (images, _), _ = prepared("imagefolder", tmp_path / "out", root)
    assert len(images) == 14
    assert not recwarn.list


def save_png_of_16_bits_with_alpha(path):
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    levels = np.stack([deep(RAMP), np.full(RAMP.shape, 30_000)], -1).astype(">u2")
    rows = b"".join(b"\0" + row.tobytes() for row in levels)
    header = struct.pack(">IIBBBBB", 32, 32, 16, 4, 0, 0, 0)
    parts = [chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))


GREYS = {
    "grey.gif": lambda path: Image.fromarray(RAMP.astype(np.uint8)).save(path),
    "palette.png": lambda path: Image.fromarray(RAMP.astype(np.uint8)).convert("P").save(path),
    "transparent.png": lambda path: Image.fromarray(RAMP.astype(np.uint8)).convert("P").save(path, transparency=0),
    "deep.png": save_png_of_16_bits_with_alpha,
}


@pytest.mark.parametrize("name", GREYS)
def test_greys_stay_grey_whatever_the_format(tmp_path, name):
    root = write_folder(tmp_path / "root", n_images=1)
    (root / "train/cat/0.png").unlink()
    GREYS[name](root / "train/cat" / name)
    images, labels = prepared("imagefolder", tmp_path / "out", root)[0]
    (image,) = images[labels == 0]
    assert image.shape == (1, 32, 32)
    assert np.abs(image - RAMP).max() <= 1
