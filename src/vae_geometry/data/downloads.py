"""Raw files: found in a folder, or downloaded by torchvision."""

from collections.abc import Callable, Sequence
from pathlib import Path

from vae_geometry import VaeGeometryError


def folder_with(names: Sequence[str], folders: Sequence[Path]) -> Path | None:
    """The first of several folders that holds all files of these names, if one does."""
    return next((folder for folder in folders if all((folder / name).is_file() for name in names)), None)


def download(source: str, root: Path | None, names: Sequence[str], folder: Path, fetch: Callable[[], object]) -> None:
    """Download the raw files of a data set.

    Parameters
    ----------
    source : str
        Name of the data set.
    root : Path or None
        Folder in which the user has the raw files already; nothing is downloaded then.
    names : sequence of str
        The raw files.
    folder : Path
        Where they belong.
    fetch : callable
        Downloads them.

    Raises
    ------
    VaeGeometryError
        If ``root`` is given, or the files cannot be fetched: which files to put where.
    """
    files = f"{', '.join(names)} into {folder}"
    if root is not None:
        raise VaeGeometryError(f"datasets: {source}: root {root} lacks the raw files; put {files}, or leave `root` out")
    try:
        fetch()
    except (OSError, RuntimeError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0].rstrip(": ")
        raise VaeGeometryError(f"{source} cannot be downloaded ({reason}); put {files}") from None
