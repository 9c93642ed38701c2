"""The checksum by which the workflow notices that a user's own files have changed."""

import os
import shutil

import pytest

from vae_geometry.data import checksums
from vae_geometry.data.checksums import checksum_of_files


@pytest.fixture
def photos(tmp_path):
    """A folder of images; only their bytes matter here."""
    for name in ("train/cat/1.png", "train/cat/2.png", "train/dog/1.png", "test/cat/1.png"):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return tmp_path / "photos"


@pytest.fixture
def checksum(photos, tmp_path):
    return lambda root=photos: checksum_of_files("imagefolder", root, tmp_path / "kept/checksum.json")


def edit_unseen(path):
    """Another content of the same size, its time set back."""
    before = path.stat()
    path.write_bytes(bytes(before.st_size))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize(
    "change",
    [
        lambda root: (root / "test/cat/2.jpg").write_bytes(b"new"),
        lambda root: (root / "train/cat/2.png").unlink(),
        lambda root: (root / "train/cat/1.png").rename(root / "train/dog/0.png"),
        lambda root: edit_unseen(root / "train/cat/1.png"),
        lambda root: (root / "train/cat/raw.heic").touch(),
        lambda root: (root / "train/beside.png").touch(),
    ],
    ids=["added", "removed", "moved", "same size and time", "another format", "beside the classes"],
)
def test_a_change_of_the_images_changes_the_checksum(photos, checksum, change):
    before = checksum()
    change(photos)
    assert checksum() != before


def test_images_that_were_copied_or_touched_and_other_files_do_not(photos, checksum, tmp_path):
    before = checksum()
    shutil.copytree(photos, tmp_path / "copy", copy_function=shutil.copyfile)
    assert checksum(tmp_path / "copy") == before
    os.utime(photos / "train/cat/1.png", (0, 0))
    (photos / "train/cat/notes.txt").touch()
    (photos / "train/.thumbnail.png").touch()
    assert checksum() == before


def test_contents_are_read_only_where_sizes_or_times_differ(photos, checksum, tmp_path, monkeypatch):
    before = checksum()
    with monkeypatch.context() as patch:
        patch.setattr(checksums, "_digest", lambda path: pytest.fail(f"{path} is read"))
        assert checksum() == before
    (tmp_path / "kept/checksum.json").write_text("[]")
    assert checksum() == before


def test_what_cannot_be_read_is_left_to_the_stage(photos, checksum, ten_seconds):
    before = checksum()
    os.mkfifo(photos / "train/cat/3.png")
    assert checksum() != before


def test_it_is_computed_where_it_cannot_be_kept(photos, tmp_path):
    (tmp_path / "file").touch()
    assert len(checksum_of_files("imagefolder", photos, tmp_path / "file/checksum.json")) == 64


def test_a_change_of_either_table_changes_the_checksum(tmp_path):
    (tmp_path / "train.csv").write_text("a,b\n1,2\n")
    found = [checksum_of_files("arrays", tmp_path, tmp_path / "kept.json")]
    (tmp_path / "train.csv").write_text("a,b\n1,3\n")
    found.append(checksum_of_files("arrays", tmp_path, tmp_path / "kept.json"))
    (tmp_path / "test.csv").write_text("a,b\n1,3\n")
    found.append(checksum_of_files("arrays", tmp_path, tmp_path / "kept.json"))
    assert len(set(found)) == 3
