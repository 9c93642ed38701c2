"""The figures: each reads the tables of a selection, draws, and keeps the numbers that it drew, and them in words."""

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from vae_geometry import VaeGeometryError
from vae_geometry.figures import captions, further, paper, style
from vae_geometry.files import whole_file
from vae_geometry.tables import Selection

FIGURES = {
    "figure1": paper.figure1,
    "figure2": paper.figure2,
    "figure3": paper.figure3,
    "figureA1": paper.figure_a1,
    "figureA2": paper.figure_a2,
    "losses": paper.losses,
    "ii_to_output": further.ii_to_output,
    "reconstructions": further.reconstructions,
    "id_scaling": further.id_scaling,
    "ii_matrix": further.ii_matrix,
    "ii_plane": further.ii_plane,
    "published": further.published,
    "noise": further.noise,
}


IN_TRAINING = ("figure2", "figure3", "losses", "noise")


def plot(figure: str, selection: Selection, output: Path, published: Path | None = None) -> None:
    """Draw a figure and write ``{output}.png``, ``.pdf``, ``.csv`` and ``.txt``, each whole or not at all.

    The CSV file holds the numbers that are drawn, the text says in sentences what they are in this sweep.

    Parameters
    ----------
    figure : str
        A key of ``FIGURES``.
    selection : Selection
        One data set; one kind of noise, two to four for ``noise``. Figures that do not show the course of training
        take its last epoch, ``figureA2`` epoch 0.
    output : Path
        Where to, without the ending.
    published : Path, optional
        Folder of the values published with the paper; only ``published`` reads it.

    Raises
    ------
    VaeGeometryError
        If there is no such figure, or a table that it needs is missing.
    """
    if figure not in FIGURES:
        raise VaeGeometryError(f"no figure is called {figure}; the figures are {', '.join(sorted(FIGURES))}")
    if figure not in IN_TRAINING:
        selection = replace(selection, epochs=[0 if figure == "figureA2" else max(selection.epochs)])
    with style.applied():
        arguments = (selection, published) if figure == "published" else (selection,)
        drawing, numbers = FIGURES[figure](*arguments)
        _save(figure, drawing, numbers, Path(output))


def _save(figure: str, drawing: Figure, numbers: pd.DataFrame, output: Path) -> None:
    with ExitStack() as files:
        endings = ("png", "pdf", "csv", "txt")
        png, pdf, csv, txt = (
            files.enter_context(whole_file(output.with_name(f"{output.name}.{end}"))) for end in endings
        )
        drawing.savefig(png, format="png")
        drawing.savefig(pdf, format="pdf", metadata={"CreationDate": None})
        numbers.to_csv(csv, index=False)
        txt.write_text(captions.in_numbers(figure, numbers), encoding="utf-8")
