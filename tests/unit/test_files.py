import errno
import os

import pytest

from vae_geometry import VaeGeometryError
from vae_geometry.files import atomic_file, reason


def fail(path, error):
    with atomic_file(path) as unfinished:
        unfinished.write_text("half")
        raise error


def test_a_file_appears_whole_with_its_folder(tmp_path):
    with atomic_file(tmp_path / "new/a.npz") as path:
        path.write_text("half")
        assert path.suffix == ".npz"
        assert not (tmp_path / "new/a.npz").exists()
    assert [(p.name, p.read_text()) for p in (tmp_path / "new").iterdir()] == [("a.npz", "half")]


def test_what_was_there_stays_when_writing_fails(tmp_path):
    (tmp_path / "a.txt").write_text("before")
    with pytest.raises(ZeroDivisionError):
        fail(tmp_path / "a.txt", ZeroDivisionError)
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("a.txt", "before")]


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (errno.ENOSPC, "cannot be written (No space left on device); free some space and start again"),
        (errno.EROFS, "cannot be written (Read-only file system); make it writable and start again"),
    ],
)
def test_what_cannot_be_written_is_one_sentence(tmp_path, number, sentence):
    with pytest.raises(VaeGeometryError) as failed:
        fail(tmp_path / "a.txt", OSError(number, os.strerror(number)))
    assert str(failed.value) == f"{tmp_path / 'a.txt'}: {sentence}"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.EACCES, "Permission denied", "secret"), "Permission denied"),
        (MemoryError(), "MemoryError"),
        (ValueError("two\nlines"), "two lines"),
        (ValueError("word " * 99), "word " * 39 + "..."),
    ],
)
def test_the_reason_of_a_failure_is_one_short_line(error, said):
    assert reason(error) == said
