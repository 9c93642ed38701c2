import os
import shutil

import pytest

from vae_geometry import VaeGeometryError
from vae_geometry.data.folders import class_files, is_image


def write(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def found(part):
    return {name: [str(path.relative_to(part)) for path in files] for name, files in class_files(part).items()}


def test_files_come_sorted_by_class_without_hidden_ones(tmp_path):
    write(tmp_path, "dog/2.png", "dog/10.png", "dog/old/1.png", "cat/x.txt", "cat/.x.png", ".git/x.png", "y.png")
    assert found(tmp_path) == {"dog": ["dog/10.png", "dog/2.png", "dog/old/1.png"], "cat": ["cat/x.txt"]}


def test_links_to_folders_are_followed(tmp_path):
    write(tmp_path, "store/cats/1.png", "store/puppies/2.png", "train/dog/3.png")
    (tmp_path / "train/cat").symlink_to(tmp_path / "store/cats")
    (tmp_path / "train/dog/puppies").symlink_to("../../store/puppies")
    (tmp_path / "link").symlink_to("train")
    for part in ("train", "link"):
        assert found(tmp_path / part) == {"cat": ["cat/1.png"], "dog": ["dog/3.png", "dog/puppies/2.png"]}


@pytest.mark.parametrize("target", [".", "..", "../..", "/"])
def test_a_link_back_to_a_folder_above_it_is_refused(tmp_path, ten_seconds, target):
    write(tmp_path, "train/cat/1.png")
    (tmp_path / "train/cat/more").symlink_to(target)
    with pytest.raises(VaeGeometryError, match=r"train/cat/more: links back to /.*, in which it lies itself; remove"):
        class_files(tmp_path / "train")


def test_links_that_lead_to_one_another_in_turn_are_refused(tmp_path, ten_seconds):
    write(tmp_path, "a/1.png", "b/2.png", "train/cat/3.png")
    for link, target in {"a/b": "../b", "b/a": "../a", "train/cat/a": "../../a"}.items():
        (tmp_path / link).symlink_to(target)
    with pytest.raises(VaeGeometryError, match=r"train/cat/a/b/a: links back to"):
        class_files(tmp_path / "train")


@pytest.mark.parametrize("name", ["train/dog", "train/cat/more", "train/cat/2.png"])
def test_a_link_to_nothing_is_named(tmp_path, name):
    write(tmp_path, "train/cat/1.png")
    (tmp_path / name).symlink_to("/nowhere")
    with pytest.raises(VaeGeometryError, match=f"{name}: is a broken link; fix or remove it"):
        class_files(tmp_path / "train")


def test_a_link_to_itself_is_named(tmp_path):
    write(tmp_path, "train/cat/1.png")
    (tmp_path / "train/cat/loop").symlink_to("loop")
    with pytest.raises(VaeGeometryError, match="train/cat/loop: "):
        class_files(tmp_path / "train")


@pytest.mark.parametrize("closed", ["train", "train/dog", "train/dog/puppies"])
def test_a_folder_that_cannot_be_read_is_named(tmp_path, monkeypatch, closed):
    write(tmp_path, "train/cat/1.png", "train/dog/2.png", "train/dog/puppies/3.png")
    scandir = os.scandir

    def refuse(path):  # root, who runs the tests in a container, may read everything
        if path == tmp_path / closed:
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(VaeGeometryError) as error:
        class_files(tmp_path / "train")
    assert str(error.value) == f"{tmp_path / closed}: cannot be read (Permission denied); make it readable or remove it"


def test_a_tree_deeper_than_python_recurses_is_read(tmp_path):
    folder = tmp_path / "cat"
    folder.mkdir()
    for _ in range(1200):
        folder /= "d"
        folder.mkdir()
    (folder / "1.png").touch()
    assert found(tmp_path) == {"cat": [str((folder / "1.png").relative_to(tmp_path))]}
    for _ in range(1201):  # pytest's own cleaning recurses
        shutil.rmtree(folder)
        folder = folder.parent


def test_what_lies_in_a_folder_is_told_by_endings(tmp_path):
    assert [is_image(tmp_path / name) for name in ("a.JPG", "b.tiff", "c.eps", "d.txt", "png", ".png")] == [
        *(True, True, False, False, False, False)
    ]
