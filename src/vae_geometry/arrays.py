"""Arrays of npy and npz files, read so that a damaged file is one sentence, whatever NumPy raises, or written.

No pickle is loaded, and a FIFO or a device is refused unopened.
"""

import warnings
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from numpy.lib import format as npy
from numpy.typing import NDArray

from vae_geometry import VaeGeometryError
from vae_geometry.files import DAMAGED, atomic_file, reason, require_regular, require_written


def open_npy(path: Path, remedy: str) -> NDArray[Any]:
    """Map the array of an npy file into memory, read only.

    Parameters
    ----------
    path : Path
    remedy : str
        What makes such a file, in the imperative: ``dump the activations``.

    Returns
    -------
    array of the shape and type that the file names

    Raises
    ------
    VaeGeometryError
        If the file is absent, shorter or longer than its header says, or damaged otherwise.
    """
    try:
        require_regular(path)
        with warnings.catch_warnings(action="ignore"):  # of Python 2's headers, and of sizes that overflow
            array = npy.open_memmap(path, mode="r")
        _require_end(path.stat().st_size == array.offset + array.nbytes)
    except DAMAGED as error:
        raise _unreadable(path, "npy file", error, remedy) from None
    return array


def read_npz(path: Path, names: Sequence[str], remedy: str) -> list[NDArray[Any]]:
    """Read arrays of an npz file, checked against the checksums it holds.

    Parameters
    ----------
    path : Path
    names : sequence of str
        Which arrays, in this order; others that the file holds are ignored.
    remedy : str
        What makes such a file, in the imperative: ``prepare the data set``.

    Returns
    -------
    list of arrays, of the shapes and types that the file names

    Raises
    ------
    VaeGeometryError
        If the file is absent, lacks an array, or is damaged.
    """
    try:
        require_regular(path)
        with zipfile.ZipFile(path) as archive, warnings.catch_warnings(action="ignore"):
            return [_read_member(archive, f"{name}.npy") for name in names]
    except DAMAGED as error:
        raise _unreadable(path, f"npz file with {', '.join(names)}", error, remedy) from None


def write_npz(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays by name into an npz file, atomically.

    The bytes are those of np.savez, which prints a traceback where the disk is full.

    Raises
    ------
    VaeGeometryError
        If there is a file that is no npz file of these names, or it cannot be written.
    """
    members = [f"{name}.npy" for name in arrays]
    require_written(path, lambda path: _members(path) == members, f"an npz file of {', '.join(arrays)}")
    with atomic_file(path) as unfinished, zipfile.ZipFile(unfinished, "w") as archive:
        for member, array in zip(members, arrays.values(), strict=True):
            with archive.open(member, "w", force_zip64=True) as file:
                npy.write_array(file, array, allow_pickle=False)


def _members(path: Path) -> list[str] | None:
    try:
        require_regular(path)
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except DAMAGED:
        return None


def _read_member(archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    with archive.open(name) as file:
        array = npy.read_array(file, allow_pickle=False)
        # np.load stops where the array ends; zipfile compares the checksum only at the end of the member
        _require_end(not file.read(1))
    return array


def _require_end(ends: bool) -> None:
    if not ends:
        raise ValueError("its size is not what its header says")


def _unreadable(path: Path, kind: str, error: Exception, remedy: str) -> VaeGeometryError:
    if isinstance(error, FileNotFoundError):
        return VaeGeometryError(f"{path}: no such file; {remedy} first")
    return VaeGeometryError(f"{path}: not a complete {kind} ({reason(error)}); move it away and {remedy} again")
