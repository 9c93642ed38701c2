"""How every figure looks: sizes in print, fonts, colours, markers, headings and legends."""

import math
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import colormaps, style
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from vae_geometry.selection import Selection

Drawn = tuple[Figure, pd.DataFrame]  # a figure, and the numbers in it
COLUMN, PAGE = 89 / 25.4, 183 / 25.4  # inches: one and two columns of a journal's page, 89 and 183 mm
MARKERS = "os^DvX<P>*"
KINDS = {  # of noise: colours of Okabe and Ito, which colour-blind readers tell apart
    "fresh": ("#0072b2", "o"),
    "repeated": ("#d55e00", "s"),
    "repeated_batches": ("#56b4e9", "^"),
    "repeated_eps": ("#cc79a7", "D"),
}
REFERENCE: dict[str, Any] = {"color": "0.35", "linestyle": "--", "linewidth": 0.8, "marker": "", "zorder": 1}
ZERO: dict[str, Any] = {"color": "0.6", "linewidth": 0.8, "zorder": 0.9}
FLOOR: dict[str, Any] = {"color": "0.5", "linestyle": ":", "linewidth": 0.8, "zorder": 0.9}
GAUSSIAN: dict[str, Any] = {"linestyle": ":", "linewidth": 1.2}
PUBLISHED: dict[str, Any] = {
    "color": "0.1",
    "linestyle": ":",
    "marker": "o",
    "markerfacecolor": "none",
    "markeredgewidth": 0.8,
    "markersize": 4.5,
}
RC = {
    "font.size": 7,
    "axes.titlesize": 7.5,
    "axes.labelsize": 7.5,
    "legend.fontsize": 7,
    "legend.title_fontsize": 7,
    "xtick.labelsize": 6.5,
    "ytick.labelsize": 6.5,
    "figure.titlesize": 7.5,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "0.92",
    "grid.linewidth": 0.5,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "xtick.minor.size": 1.5,
    "ytick.minor.size": 1.5,
    "lines.linewidth": 1.0,
    "lines.markersize": 3.6,
    "lines.markeredgewidth": 0,
    "legend.frameon": False,
    "legend.handlelength": 1.6,
    "legend.columnspacing": 1.2,
    "legend.handletextpad": 0.5,
    "pdf.fonttype": 42,  # TrueType, as journals ask for, and text stays text
    "savefig.dpi": 300,
}


@contextmanager
def applied() -> Iterator[None]:
    """Draw with this style on top of matplotlib's own defaults, whatever the user's matplotlibrc says."""
    with style.context(["default", RC]):
        yield


def colour(bottleneck: int) -> tuple:
    """Colour of a bottleneck: a function of K alone, up to 256, so that it is the same in every figure and sweep.

    The paper's K, 2 to 128, take most of the map: its steps must be told apart by colour-blind readers too.
    """
    return tuple(colormaps["viridis"](np.interp(np.log2(bottleneck), [0, 1, 7, 8], [0, 0.03, 0.87, 0.95])))


def marker(bottleneck: int) -> str:
    """Marker of a bottleneck: it changes with every doubling of K."""
    return MARKERS[round(np.log2(bottleneck)) % len(MARKERS)]


def look(column: str, name: Any) -> dict[str, Any]:
    """Colour and marker of the line of a bottleneck or of a kind of noise."""
    if column == "noise":
        return dict(zip(("color", "marker"), KINDS[name], strict=True))
    return {"color": colour(name), "marker": marker(name)}


def ordered_colours(count: int) -> list[tuple]:
    """Colours, from light to dark, of lines that come in an order but do not stand for a bottleneck."""
    return [colormaps["plasma"](0.88 - 0.88 * index / max(count - 1, 1)) for index in range(count)]


def new_figure(width: float, height: float, rows: int, columns: int, **sharing: Any) -> tuple[Figure, np.ndarray]:
    """Figure of the given size in inches, and its (rows, columns) axes."""
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False, **sharing)


def small_multiples(count: int, height: float, sharey: bool = True, **sharing: bool) -> tuple[Figure, list[Axes]]:
    """Figure with one panel for each of ``count`` things, at most four a row of ``height`` inches."""
    columns = min(count, 4)
    rows = -(-count // columns)
    figure, axes = new_figure(
        PAGE if columns > 2 else COLUMN, 0.6 + height * rows, rows, columns, sharey=sharey, **sharing
    )
    for spare in axes.flat[count:]:
        spare.remove()
    return figure, list(axes.flat[:count])


def heading(figure: Figure, run: str, numbers: pd.DataFrame | None = None, spread: str = "band") -> None:
    """Title line: the run, and below it what the spread is, from the ``spread_kind`` of the numbers drawn.

    ``spread`` is what shows it, empty where nothing does. It is named only where one was drawn: no band is where points
    stand alone, as with one epoch or K.
    """
    if numbers is not None:
        n_seeds = numbers["n_seeds"].max()
        is_shown = _has_band(figure) if spread == "band" else bool(spread)
        kinds = " or ".join(sorted(numbers["spread_kind"].dropna().unique())) if is_shown else ""
        seeds = "one seed" if n_seeds <= 1 else f"mean over {n_seeds} seeds"
        below = f"{seeds}; {spread}: {kinds}" if kinds else seeds
        run += "\n" + textwrap.fill(below, int(72 * figure.get_figwidth() / 4.1))
    figure.suptitle(run, x=0.01, ha="left", linespacing=1.3)


def _has_band(figure: Figure) -> bool:
    areas = [area for ax in figure.axes for area in ax.collections if isinstance(area, PolyCollection)]
    extents = [path.get_extents() for area in areas for path in area.get_paths()]
    return any(extent.width > 0 and extent.height > 0 for extent in extents)


def run_title(selection: Selection, epochs: str = "") -> str:
    """What was drawn: data set, kinds of noise and, where it is given, the epoch."""
    return f"{selection.datasets[0]}, noise: {' and '.join(selection.noises)}" + (epochs and f", {epochs}")


def epoch_title(selection: Selection) -> str:
    """The last epoch, for a title."""
    return f"epoch {max(selection.epochs)}"


def sizes(panels: Sequence[pd.DataFrame]) -> list[str]:
    """Titles of panels of one bottleneck each."""
    return [f"K = {panel['bottleneck'].iloc[0]}" for panel in panels]


def letters(axes: Iterable[Axes], titles: Sequence[str] = ()) -> None:
    """Number the panels a, b, c ..., each with its title where there are any."""
    for index, ax in enumerate(axes):
        ax.set_title(letter(index), loc="left", fontweight="bold")
        if titles:
            ax.set_title(titles[index])


def letter(index: int) -> str:
    """Letter of a panel: a to z, then aa, ab ..."""
    return (letter(index // 26 - 1) if index >= 26 else "") + chr(ord("a") + index % 26)


def row_legend(figure: Figure, handles: Mapping[str, Line2D]) -> None:
    """Legend below the panels, where it covers nothing: labels and their lines in rows, in the order given."""
    width = sum(23 + 4.3 * len(label) for label in handles)  # points
    rows = math.ceil(width / (72 * figure.get_figwidth()))
    columns = -(-len(handles) // rows)
    order = [index for column in range(columns) for index in range(column, len(handles), columns)]  # it fills columns
    labels = [list(handles)[index] for index in order]
    figure.legend([handles[label] for label in labels], labels, loc="outside lower center", ncols=columns)


def bottleneck_legend(figure: Figure, bottlenecks: Sequence[int], further: Mapping[str, Line2D] | None = None) -> None:
    """Legend of K, and of further lines, below the panels."""
    handles = {f"K = {k}": Line2D([], [], color=colour(k), marker=marker(k)) for k in sorted(bottlenecks)}
    row_legend(figure, {**handles, **(further or {})})
