"""The page that answers: advice, figures, claims and how to read them in one file."""

import os
from collections.abc import Sequence
from pathlib import Path

from vae_geometry import VaeGeometryError
from vae_geometry.claims.check import content_of
from vae_geometry.claims.page import GENERATOR, Picture, html
from vae_geometry.figures.registry import FIGURES
from vae_geometry.files import DAMAGED, atomic_file, reason, require_regular, require_written
from vae_geometry.selection import Selection


def summarise(selection: Selection, output: Path, figures: Sequence[Path], verification: Path | None = None) -> None:
    """Write the page of one data set, an HTML file that needs no network.

    Parameters
    ----------
    selection : Selection
        As ``check_claims`` takes it.
    output : Path
        The page, where the workflow has it: its links to tables, logs and config are relative.
    figures : sequence of Path
        Pictures (.png), each with its caption (.txt) beside it. The page shows ``figure1``, of fresh noise where there
        is some, and ``noise``; it names the others.
    verification : Path, optional
        Table of ``verify_geometry`` of one of the checkpoints.

    Raises
    ------
    VaeGeometryError
        As ``check_claims``; if a picture or its caption is absent, or the file there is no such page.
    """
    require_written(output, _is_page, "a page of this package")
    of_layers = sorted(path for path in figures if path.stem == "figure1")  # by noise, of which fresh is the first
    shown = [*of_layers[:1], *(path for path in figures if path.stem == "noise")]
    pictures = [_picture(path, output.parent, path in shown) for path in figures]
    places = {
        "config": "config.yaml",
        "claims": "claims.md",
        "tables": "../tables",
        "figures": f"../figures/{selection.datasets[0]}",
        "logs": f"../../logs/{selection.datasets[0]}",
    }
    page = html(content_of(selection, verification), pictures, places)
    with atomic_file(output) as path:
        path.write_text(page, encoding="utf-8")


def _picture(path: Path, folder: Path, is_shown: bool) -> Picture:
    caption = path.with_suffix(".txt")
    try:
        for file in (path, caption):
            require_regular(file)
        text, png = caption.read_text(encoding="utf-8"), path.read_bytes() if is_shown else None
    except DAMAGED as error:
        raise VaeGeometryError(f"{path}: no figure with its caption ({reason(error)}); draw it again") from None
    figure = FIGURES.get(path.stem)
    noise = f", {path.parent.name} noise" if figure and figure.result == "figure" else ""
    title = f"{path.stem}: {figure.title}{noise}" if figure else path.stem
    return Picture(title, os.path.relpath(path, folder), text, png)


def _is_page(path: Path) -> bool:
    try:
        require_regular(path)
        with path.open(encoding="utf-8") as file:
            return GENERATOR in file.read(200)
    except DAMAGED:
        return False
