"""npz files as they are written: the bytes of np.savez, one sentence on a full disk, nothing of others replaced."""

import gc
import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import vae_geometry
from vae_geometry import VaeGeometryError
from vae_geometry.arrays import write_npz


def test_the_bytes_are_those_of_numpy(tmp_path, rng):
    arrays = {"images": rng.integers(0, 256, (5, 1, 4, 4), np.uint8), "order": np.asfortranarray(rng.random((3, 2)))}
    arrays |= {"name": np.asanyarray("inception"), "empty": np.zeros((0, 3))}
    write_npz(tmp_path / "new folder/a.npz", arrays)
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    assert (tmp_path / "new folder/a.npz").read_bytes() == buffer.getvalue()


def test_a_file_of_other_arrays_is_not_replaced(tmp_path):
    path = tmp_path / "a.npz"
    write_npz(path, {"images": np.zeros(3)})
    write_npz(path, {"images": np.ones(3)})
    before = path.read_bytes()
    for content in (before, b"text"):
        path.write_bytes(content)
        with pytest.raises(
            VaeGeometryError, match=r"a.npz: is not an npz file of mean, rank and is not replaced; name anoth"
        ):
            write_npz(path, {"mean": np.zeros(3), "rank": np.zeros(1)})
        assert path.read_bytes() == content


def test_no_object_is_pickled(tmp_path):
    with pytest.raises(ValueError, match="pickle"):
        write_npz(tmp_path / "a.npz", {"a": np.array([{}], object)})
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_one_sentence_and_no_traceback(small_disk, digits):
    command = [sys.executable, "-m", "vae_geometry", "prepare-dataset", "digits", "--output", small_disk]
    environment = {"PYTHONPATH": str(Path(vae_geometry.__file__).parents[1]), "PATH": "/usr/bin:/bin"}
    process = subprocess.run([str(word) for word in command], env=environment, capture_output=True, text=True)
    assert process.returncode == 1
    sentence = "cannot be written (No space left on device); free some space and start again"
    logged, said = process.stderr.splitlines()
    assert "1797 images of 8 x 8, stretched to 32 x 32 pixels" in logged
    assert said == f"vae-geometry prepare-dataset: {small_disk / 'train.npz'}: {sentence}"
    assert not list(small_disk.iterdir())


@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
def test_wherever_the_disk_is_full_nothing_is_left(small_disk):
    """At the first byte, within an array, at its end, and in the list of the arrays at the end of the file."""
    free = os.statvfs(small_disk).f_bavail
    results = []
    for pages in range(5):
        filling = small_disk / "filling"
        filling.write_bytes(bytes(4096 * (free - pages)))
        try:
            write_npz(small_disk / "a.npz", {"a": np.zeros(3000, np.uint8), "b": np.zeros(5000, np.uint8)})
            (small_disk / "a.npz").unlink()
            results.append("written")
        except VaeGeometryError as error:
            results.append(str(error).rpartition(": ")[2])
            assert list(small_disk.iterdir()) == [filling]
        gc.collect()  # what an archive left open says, it says now
    full = "cannot be written (No space left on device); free some space and start again"
    assert results == [full] * 3 + ["written"] * 2  # the file has three pages
