import io
import os
import pickle
import zipfile

import numpy as np
import pytest
from damage import damaged

from vae_geometry import VaeGeometryError
from vae_geometry.arrays import open_npy, read_npz


def npy_bytes(array):
    content = io.BytesIO()
    np.save(content, array)
    return content.getvalue()


def npz_bytes(save=np.savez, **arrays):
    content = io.BytesIO()
    save(content, **arrays)
    return content.getvalue()


def sentence_of(call, *arguments):
    with pytest.raises(VaeGeometryError) as error:
        call(*arguments)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_arrays_come_in_the_order_of_their_names(tmp_path):
    path = tmp_path / "a.npz"
    for save in (np.savez, np.savez_compressed):
        path.write_bytes(npz_bytes(save, a=np.arange(3), b=np.eye(2, order="F"), c=np.array("text")))
        c, b = read_npz(path, ["c", "b"], "make it")
        assert np.array_equal(b, np.eye(2))
        assert c.item() == "text"


def test_a_mapped_array_is_read_only_and_of_any_shape(tmp_path):
    for array in (np.arange(6.0).reshape(2, 3), np.array(5), np.zeros((0, 4), np.float32)):
        np.save(tmp_path / "a.npy", array)
        mapped = open_npy(tmp_path / "a.npy", "make it")
        assert np.array_equal(mapped, array)
        assert (mapped.dtype, mapped.shape, mapped.flags.writeable) == (array.dtype, array.shape, False)


def with_header(header, version=1):
    header = header.encode().ljust(118) + b"\n"
    return b"\x93NUMPY" + bytes([version, 0]) + len(header).to_bytes(2 if version == 1 else 4, "little") + header


HEADER = "{'descr': '<f4', 'fortran_order': False, 'shape': (%s)}"
EVIL_ARRAYS = {
    "empty": b"",
    "text": b"1 2 3",
    "truncated": npy_bytes(np.zeros((3, 4)))[:-1],
    "one byte too long": npy_bytes(np.zeros((3, 4))) + b"\0",
    "two arrays in a file": 2 * npy_bytes(np.zeros((3, 4))),
    "pickle": pickle.dumps([1]),
    "objects": npy_bytes(np.array([{}], object)),
    "open bracket": with_header("{'descr': '<f4', 'shape': (3,", 2),
    "deep nesting": with_header("(" * 9999),
    "huge shape": with_header(HEADER % "10**30,".replace("10**30", "1" + 30 * "0")),
    "a petabyte": with_header(HEADER % f"{2**48},"),
    "negative shape": with_header(HEADER % "-1, 4"),
    "unknown version": npy_bytes(np.zeros(3)).replace(b"NUMPY\x01", b"NUMPY\x09"),
}


@pytest.mark.parametrize("case", EVIL_ARRAYS)
def test_a_damaged_array_is_one_sentence_in_either_format(tmp_path, case):
    npy, npz = tmp_path / "a.npy", tmp_path / "a.npz"
    npy.write_bytes(EVIL_ARRAYS[case])
    with zipfile.ZipFile(npz, "w") as archive:
        archive.writestr("a.npy", EVIL_ARRAYS[case])
    of_npy, of_npz = sentence_of(open_npy, npy, "make it"), sentence_of(read_npz, npz, ["a"], "make it")
    assert of_npy.startswith(f"{npy}: not a complete npy file (")
    assert of_npz.startswith(f"{npz}: not a complete npz file with a (")
    assert of_npy.endswith("); move it away and make it again")


def rewrite(path, **attributes):
    """Write the archive with other attributes of its first member than it was made with."""
    offsets = {"flag_bits": (6, 8), "compress_type": (8, 10)}
    content = bytearray(path.read_bytes())
    central = content.index(b"PK\x01\x02")
    for name, value in attributes.items():
        local_offset, central_offset = offsets[name]
        content[local_offset : local_offset + 2] = value.to_bytes(2, "little")
        content[central + central_offset : central + central_offset + 2] = value.to_bytes(2, "little")
    path.write_bytes(content)


@pytest.mark.parametrize("attributes", [{"flag_bits": 1}, {"compress_type": 99}, {"compress_type": 14}])
def test_an_archive_that_zipfile_cannot_open_is_one_sentence(tmp_path, attributes):
    path = tmp_path / "a.npz"
    path.write_bytes(npz_bytes(a=np.arange(300)))
    rewrite(path, **attributes)
    assert sentence_of(read_npz, path, ["a"], "make it").startswith(f"{path}: not a complete npz file with a (")


def test_an_array_shorter_than_its_member_is_refused(tmp_path):
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.npy", npy_bytes(np.zeros((9, 4))).replace(b"(9, 4)", b"(5, 4)"))
    assert "its size is not what its header says" in sentence_of(read_npz, path, ["a"], "make it")


def test_an_absent_file_or_array_is_named(tmp_path):
    path = tmp_path / "a.npz"
    assert sentence_of(read_npz, path, ["a"], "make it") == f"{path}: no such file; make it first"
    assert sentence_of(open_npy, path, "make it") == f"{path}: no such file; make it first"
    path.write_bytes(npz_bytes(b=np.zeros(3)))
    assert "no item named 'a.npy'" in sentence_of(read_npz, path, ["b", "a"], "make it")


@pytest.mark.parametrize(
    "read", [lambda path: open_npy(path, "make it"), lambda path: read_npz(path, ["a"], "make it")]
)
def test_what_is_no_regular_file_is_refused_unopened(tmp_path, read, ten_seconds):
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "link").symlink_to("/dev/zero")
    for path, kind in {tmp_path / "fifo": "a FIFO", tmp_path / "link": "a device", tmp_path: "a folder"}.items():
        assert f"(it is {kind}, not a file)" in sentence_of(read, path)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_random_damage_of_an_archive_is_seen_or_does_no_harm(tmp_path, rng, save):
    path, array = tmp_path / "a.npz", rng.integers(0, 256, (3, 1, 8, 8), np.uint8)
    whole = npz_bytes(save, a=array)
    outcomes = {"refused": 0, "read": 0}
    for _ in range(1000):
        path.write_bytes(damaged(whole, rng))
        try:
            (read,) = read_npz(path, ["a"], "make it")
        except VaeGeometryError:
            outcomes["refused"] += 1
        else:  # the damage lies in a comment, a date or other bytes that mean nothing
            outcomes["read"] += 1
            assert np.array_equal(read, array)
    assert outcomes["refused"] > 700


def test_random_damage_of_an_array_never_ends_in_a_traceback(tmp_path, rng):
    path, refused = tmp_path / "a.npy", 0
    whole = npy_bytes(rng.normal(size=(5, 3)).astype(np.float32))
    for _ in range(2000):
        path.write_bytes(damaged(whole, rng))
        try:
            open_npy(path, "make it").sum()
        except VaeGeometryError:
            refused += 1
    assert refused > 1500
