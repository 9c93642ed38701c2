"""Draw a figure and write it: a picture, a vector graphic, the numbers in it, and its caption.

The picture says in its metadata what wrote it; the files beside it are taken for those of the same figure.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure as Picture
from PIL import Image

from vae_geometry import VaeGeometryError
from vae_geometry.figures import style
from vae_geometry.figures.captions import caption
from vae_geometry.figures.registry import FIGURES
from vae_geometry.files import DAMAGED, atomic_file, require_regular, require_written, with_ending
from vae_geometry.selection import Selection

SOFTWARE = "vae-geometry"
ENDINGS = (".txt", ".csv", ".pdf", ".png")


def plot(
    name: str,
    selection: Selection,
    output: Path,
    published: Path | None = None,
    gaussians: Path | None = None,
    steps: int | None = None,
) -> None:
    """Draw a figure and write ``{output}.png``, ``.pdf``, ``.csv`` and ``.txt`` atomically.

    The CSV file holds the numbers that are drawn, the text is the caption, which says what they are in this sweep.

    Parameters
    ----------
    name : str
        A key of ``FIGURES``.
    selection : Selection
        One data set, several for ``compare`` and ``transition``; one kind of noise, several for these and ``noise``.
        The registry says which of its epochs are read.
    output : Path
        Where to, without the ending.
    published : Path, optional
        Folder of the values published with the paper; only ``published`` reads it.
    gaussians : Path, optional
        Table of the IDs of Gaussians; figures that compare an ID with K show them.
    steps : int, optional
        Optimisation steps of an epoch; only ``published`` says how many were made.

    Raises
    ------
    VaeGeometryError
        If there is no such figure, or if a table that it needs is missing or has not what the figure shows; if there
        are files that no figure of this package wrote.
    """
    files = [with_ending(Path(output), ending) for ending in ENDINGS]
    is_figure = _is_figure(files[-1])
    for file in files:
        require_written(file, lambda _: is_figure, "part of an earlier figure")
    if name not in FIGURES:
        raise VaeGeometryError(f"no figure is called {name}; the figures are {', '.join(sorted(FIGURES))}")
    figure = FIGURES[name]
    if not figure.all_datasets and len(selection.datasets) > 1:
        raise VaeGeometryError(
            f"figure {name} shows one data set, not {' and '.join(selection.datasets)}; name one, or draw compare"
        )
    if not figure.all_noises and len(selection.noises) > 1:
        raise VaeGeometryError(
            f"figure {name} shows one kind of noise, not {' and '.join(selection.noises)}; name one, or draw noise"
        )
    selection = replace(selection, epochs=figure.at(selection.epochs))
    draw, describe = figure.functions()
    with style.applied():
        further = [published, steps] * (figure.needs == "published") + [gaussians] * figure.gaussians
        picture, numbers = draw(selection, *further)
        _save(picture, numbers, caption(figure, describe(numbers), numbers), files)


def _save(picture: Picture, numbers: pd.DataFrame, text: str, files: Sequence[Path]) -> None:
    with ExitStack() as stack:  # the last file gets its name first: the picture, by which the next run knows the others
        txt, csv, pdf, png = (stack.enter_context(atomic_file(file)) for file in files)
        picture.savefig(png, format="png", metadata={"Software": SOFTWARE})
        picture.savefig(pdf, format="pdf", metadata={"CreationDate": None})
        numbers.to_csv(csv, index=False)
        txt.write_text(text, encoding="utf-8")


def _is_figure(png: Path) -> bool:
    """Whether a picture was written here, by its metadata."""
    try:
        require_regular(png)
        with Image.open(png, formats=["PNG"]) as picture:
            return bool(picture.info.get("Software") == SOFTWARE)
    except DAMAGED:
        return False
