"""Figures of the layers of any network, measured from Python: along the layers, and in the course of a training."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from vae_geometry.figures import axes as draw
from vae_geometry.figures import style

DPI = 200
LONGEST = 18  # letters of a layer's name beside an axis


def along_layers(dimensions: pd.DataFrame, imbalances: pd.DataFrame) -> Figure:
    """ID along the layers, II from each other layer to the first, and II of all ordered pairs.

    Parameters
    ----------
    dimensions, imbalances : data frames
        Rows of tables of kind ``intrinsic_dimension`` and ``information_imbalance``, of one network at one epoch.
    """
    names = dimensions["layer_name"].map(_short).tolist()
    to_first = imbalances[(imbalances["target_layer"] == 0) & (imbalances["source_layer"] > 0)]
    with _styled():
        figure, [axes] = style.new_figure(style.PAGE, 2.9, 1, 3)
        _with_bars(axes[0], dimensions, "layer", "intrinsic_dimension", "id_stderr")
        _with_bars(axes[1], to_first, "source_layer", "information_imbalance", "ii_stderr")
        axes[0].set(ylabel="intrinsic dimension", ylim=(0, None))
        axes[1].set_ylabel(f"II(layer → {names[0]})")
        for ax in axes[:2]:
            _name(ax, names)
        if to_first["information_imbalance"].notna().any():
            draw.log_axis(axes[1].yaxis)
        _matrix(axes[2], imbalances, names)
        style.letters(axes)
        style.heading(figure, f"N = {dimensions['n_points'].iloc[0]:,}; bars: standard error of the measurement")
        return _finished(figure)


def against_epoch(dimensions: pd.DataFrame, imbalances: pd.DataFrame) -> Figure:
    """ID of every layer, and II from every other layer to the first, against the epoch.

    Parameters
    ----------
    dimensions, imbalances : data frames
        Rows of tables of kind ``intrinsic_dimension`` and ``information_imbalance``, of several epochs.
    """
    names = dimensions.drop_duplicates("layer").sort_values("layer")["layer_name"].map(_short).tolist()
    colours = style.ordered_colours(len(names))
    to_first = imbalances[(imbalances["target_layer"] == 0) & (imbalances["source_layer"] > 0)]
    with _styled():
        figure, [axes] = style.new_figure(style.PAGE, 2.9, 1, 2)
        for layer, rows in dimensions.groupby("layer"):
            _with_bars(axes[0], rows, "epoch", "intrinsic_dimension", "id_stderr", colours[layer])
        for layer, rows in to_first.groupby("source_layer"):
            _with_bars(axes[1], rows, "epoch", "information_imbalance", "ii_stderr", colours[layer])
        axes[0].set(ylabel="intrinsic dimension", ylim=(0, None))
        axes[1].set_ylabel(f"II(layer → {names[0]})")
        for ax in axes:
            ax.set_xlabel("epoch")
        if to_first["information_imbalance"].notna().any():
            draw.log_axis(axes[1].yaxis)
        style.letters(axes)
        style.row_legend(
            figure, {name: Line2D([], [], color=c, marker="o") for name, c in zip(names, colours, strict=True)}
        )
        style.heading(figure, f"N = {dimensions['n_points'].iloc[0]:,}; bars: standard error of the measurement")
        return _finished(figure)


def _with_bars(ax: Axes, rows: pd.DataFrame, x: str, value: str, error: str, colour: object = "C0") -> None:
    """Draw a line with bars of its error; nulls are gaps, and where there is nothing else their reason is written."""
    if rows[value].isna().all():
        draw.say(ax, next(iter(rows["reason"].dropna()), "there is one layer alone"))
        return
    ax.errorbar(rows[x], rows[value], rows[error], color=colour, marker="o", elinewidth=0.6)


def _matrix(ax: Axes, imbalances: pd.DataFrame, names: Sequence[str]) -> None:
    places = range(len(names))
    matrix = imbalances.pivot_table(index="source_layer", columns="target_layer", values="information_imbalance")
    known = imbalances["information_imbalance"].dropna()
    scale = LogNorm(known.min(), known.max()) if known.min() < known.max() else LogNorm(0.01, 1)
    ax.set_facecolor("0.85")
    matrix = matrix.reindex(index=places, columns=places)
    squares = ax.pcolormesh(places, places, matrix, norm=scale, cmap="plasma", edgecolors="face", linewidth=0.1)
    _name(ax, names)
    named = draw.evenly_named(len(names), 150, 7)
    ax.set(aspect="equal", ylim=(len(names) - 0.5, -0.5), xlabel="to layer", ylabel="from layer")
    ax.set_yticks(named, [names[place] for place in named], fontsize=draw.SMALL)
    ax.grid(False)
    bar = ax.figure.colorbar(squares, ax=ax, label="II(from layer → to layer)", shrink=0.8)
    draw.log_axis(bar.ax.yaxis)


def _name(ax: Axes, names: Sequence[str]) -> None:
    """Name the layers below a panel, all that find room."""
    named = draw.evenly_named(len(names), draw.panel_width(ax), 8)
    ax.set_xticks(named, [names[place] for place in named], rotation=90, fontsize=draw.SMALL)
    ax.set(xlim=(-0.5, len(names) - 0.5), xlabel="layer")


def _short(name: str) -> str:
    return name if len(name) <= LONGEST else f"…{name[1 - LONGEST :]}"


@contextmanager
def _styled() -> Iterator[None]:
    with style.applied(), rc_context({"figure.dpi": DPI}):
        yield


def _finished(figure: Figure) -> Figure:
    figure.draw_without_rendering()  # makes the ticks, in the style that is set now
    return figure
