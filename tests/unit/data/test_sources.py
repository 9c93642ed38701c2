import subprocess
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from raw_files import prepared

import vae_geometry.data
from vae_geometry import VaeGeometryError
from vae_geometry.data.prepared import load_inputs
from vae_geometry.data.sources import SOURCES, Source, count_inputs


@pytest.mark.parametrize("source", SOURCES)
def test_every_source_has_a_module_that_reads_it(source):
    assert SOURCES[source].name == source
    assert callable(import_module(f"vae_geometry.data.{SOURCES[source].module}").read)


def test_the_registry_imports_only_the_standard_library():
    code = (
        "import sys; import vae_geometry.data.sources;"
        "print({name.split('.')[0] for name in sys.modules} - sys.stdlib_module_names - {'vae_geometry', '__main__'})"
    )
    source = Path(vae_geometry.data.__file__).parents[2]
    command = [sys.executable, "-S", "-c", code]  # -S: without what site-packages imports at start
    found = subprocess.run(command, env={"PYTHONPATH": str(source)}, capture_output=True, text=True)
    assert found.stdout.strip() == "set()", found.stdout + found.stderr


def test_the_digits_are_as_many_as_the_registry_says(digits):
    sizes = tuple(len(load_inputs(digits / f"{part}.npz")) for part in ("train", "test"))
    assert count_inputs("digits", None, None) == sizes


def test_a_source_of_fixed_size_is_counted_without_its_files():
    assert count_inputs("cifar10", "/nowhere", None) == (50_000, 10_000)


def test_the_images_of_a_folder_are_its_files_with_an_ending(tmp_path):
    for name in ("train/a/1.png", "train/b/2.jpg", "train/b/deeper/3.png", "test/a/4.png", "test/a/LICENSE"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert count_inputs("imagefolder", tmp_path, None) == (3, 1)


def test_as_many_images_are_counted_as_are_read(tmp_path):
    for name in ("root/train/a/1.png", "root/train/.a/2.png", "root/test/a/3.png", "root/4.png", "other/5.png"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (4, 4)).save(path)
    (tmp_path / "root/train/a/notes.txt").touch()
    (tmp_path / "root/train/a/more").symlink_to(tmp_path / "other")
    (tmp_path / "root/test/b").symlink_to(tmp_path / "other")
    parts = prepared("imagefolder", tmp_path / "out", tmp_path / "root")
    assert count_inputs("imagefolder", tmp_path / "root", None) == (2, 2) == tuple(len(images) for images, _ in parts)


def test_counting_says_what_reading_would(tmp_path):
    for part in ("train", "test"):
        (tmp_path / part / "a").mkdir(parents=True)
    (tmp_path / "test/a/loop").symlink_to("..")
    for call in (
        lambda: count_inputs("imagefolder", tmp_path, None),
        lambda: prepared("imagefolder", tmp_path, tmp_path),
    ):
        with pytest.raises(VaeGeometryError, match=f"{tmp_path}/test/a/loop: links back to"):
            call()


@pytest.mark.parametrize(
    ("root", "sentence"),
    [
        (None, "root: source imagefolder needs the folder that holds train and test"),
        ("", "root: source imagefolder needs the folder that holds train and test"),
        ("/nowhere", "root: there is no folder /nowhere/train; make it, or correct the path"),
    ],
)
def test_a_folder_that_is_not_there_is_one_sentence(root, sentence):
    with pytest.raises(VaeGeometryError) as error:
        count_inputs("imagefolder", root, None)
    assert str(error.value) == sentence


def test_a_folder_without_a_test_part_may_split_one_off(tmp_path):
    (tmp_path / "train/a").mkdir(parents=True)
    with pytest.raises(VaeGeometryError, match=r"/test; make it, set test_fraction, or correct the path"):
        count_inputs("imagefolder", tmp_path, None)


def test_a_fraction_beside_a_test_part_is_one_sentence(tmp_path):
    for part in ("train", "test"):
        (tmp_path / part / "a").mkdir(parents=True)
    with pytest.raises(VaeGeometryError) as error:
        count_inputs("imagefolder", tmp_path, 0.2)
    assert (
        str(error.value) == f"test_fraction: {tmp_path}/test is there already; leave test_fraction out, or move it away"
    )


def test_a_source_takes_a_module_and_an_entry(tmp_path, monkeypatch):
    (tmp_path / "stripes.py").write_text(
        "import numpy as np\n"
        "def read(source, settings):\n"
        "    images = np.zeros((4, 1, 32, 32), np.uint8)\n"
        "    images[:, :, ::2] = 255\n"
        "    labels = np.arange(4)\n"
        "    return (images[:3], labels[:3]), (images[3:], labels[3:])\n"
    )
    monkeypatch.setattr(vae_geometry.data, "__path__", [*vae_geometry.data.__path__, str(tmp_path)])
    monkeypatch.setitem(SOURCES, "stripes", Source("stripes", "black and white", "stripes", (3, 1)))
    (train, _), (test, labels) = prepared("stripes", tmp_path / "out")
    assert (len(train), len(test)) == count_inputs("stripes", None, None)
    assert np.array_equal(test[0, 0, :2, 0], [255, 0])
    assert labels.tolist() == [3]
