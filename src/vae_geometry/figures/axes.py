"""What is drawn into a panel: lines with their bands, axes of layers, epochs and sizes, and names beside them.

At the end whole panels that several figures share.
"""

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from math import ceil
from typing import Any, cast

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis, XAxis
from matplotlib.figure import Figure
from matplotlib.gridspec import SubplotSpec
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from vae_geometry.figures.roles import SHORT
from vae_geometry.figures.style import REFERENCE, look
from vae_geometry.figures.summaries import data_dimension

NATS = "(nats per input)"
SIDES = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1))
SMALL = 6  # points: nothing is smaller
HALO = [withStroke(linewidth=1.5, foreground="white")]


def say(ax: Axes, sentence: str) -> None:
    """Write a sentence in the middle of a panel that has nothing to show."""
    text = "\n".join(textwrap.wrap(sentence, 26))
    box = {"facecolor": "white", "edgecolor": "none", "pad": 2}
    ax.text(0.5, 0.5, text, transform=ax.transAxes, ha="center", va="center", color="0.35", style="italic", bbox=box)
    ax.tick_params(axis="y", which="both", left=False, labelleft=False)
    ax.grid(False)


def draw_series(ax: Axes, line: pd.DataFrame, **options: Any) -> None:
    """Draw the means of one line, a marker where it was measured, and the band of its spread; nulls are gaps.

    A line of more than 15 points, such as the losses of every epoch, has only some of its markers. Markers without a
    line have no band.
    """
    ax.plot(line["x"], line["mean"], markevery=0.12 if len(line) > 15 else None, **options)
    if options.get("linestyle") == "none":
        return
    low, high = line["mean"] - line["spread"], line["mean"] + line["spread"]
    ax.fill_between(line["x"], low, high, color=options["color"], alpha=0.2, linewidth=0)


def draw_lines(ax: Axes, numbers: pd.DataFrame, by: str = "bottleneck", **options: Any) -> None:
    """Draw one line a bottleneck, or another column, or say why there is none.

    The last ones, those of large K, lie below the others and are broader, so that lines that coincide all show.
    """
    if numbers["mean"].isna().all():
        reasons = numbers["reason"].dropna()
        say(ax, reasons.iloc[0] if len(reasons) else f"{numbers['quantity'].iloc[0]} was not measured")
        return
    lines = numbers.groupby(by)
    for place, (name, line) in enumerate(lines):
        part = place / max(len(lines) - 1, 1)
        size = {"linewidth": 1 + 0.6 * part, "markersize": 3.4 + 1.6 * part, "zorder": 2 - part / 2}
        draw_series(ax, line, **{**look(by, name), **size, **options})


def data_line(ax: Axes, dimension: float, name: str = "data") -> None:
    """Dashed line at the ID of the data, named at its right end, beside the panel."""
    ax.axhline(dimension, **REFERENCE)
    name_end(ax, dimension, name)


def name_end(ax: Axes, height: float, name: str) -> None:
    """Write a name to the right of a panel, at a height in its own units; none where the height is not known."""
    if name and np.isfinite(height):
        place: dict[str, Any] = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points", "va": "center"}
        ax.annotate(name, (1, height), (2, 0), color=REFERENCE["color"], fontsize=SMALL, annotation_clip=False, **place)


def layer_axis(ax: Axes, names: Mapping[int, str], n_named: int | None = None) -> None:
    """A tick for every layer, of which ``n_named`` have their names; where it is not given, all that find room.

    They are spread evenly, but for the bottleneck, which is always among them. ``names`` maps the number of a layer, in
    order, to its short name.
    """
    layers, shown = list(names), list(names.values())
    named = evenly_named(len(layers), panel_width(ax), 10.5) if n_named is None else _spread(len(layers), n_named)
    if SHORT["bottleneck"] in shown and len(named) > 2:
        bottleneck = shown.index(SHORT["bottleneck"])
        nearest = min(named[1:-1], key=lambda index: abs(index - bottleneck))
        named[named.index(nearest)] = bottleneck
    ax.set_xticks([layers[index] for index in named], [names[layers[index]] for index in named], fontsize=SMALL)
    ax.set_xticks(layers, minor=True)
    ax.set_xlim(layers[0] - 0.5, layers[-1] + 0.5)
    ax.set_xlabel("layer")


def evenly_named(count: int, room: float, each: float) -> list[int]:
    """Which of ``count`` things in a row of ``room`` points are named, the ends among them; a name takes ``each``."""
    step = ceil(each * count / room)
    return _spread(count, (count - 1) // step + 1)


def _spread(count: int, n_named: int) -> list[int]:
    return np.unique(np.linspace(0, count - 1, n_named).astype(int)).tolist()


def panel_width(ax: Axes) -> float:
    """About how many points a panel is wide, before the figure is laid out."""
    figure = cast(Figure, ax.figure)
    return 0.7 * 72 * figure.get_figwidth() / _place(ax).get_gridspec().ncols


def is_first_column(ax: Axes) -> bool:
    """Whether a panel is the leftmost of its row, which names the axis of all."""
    return _place(ax).is_first_col()


def _place(ax: Axes) -> SubplotSpec:
    return cast(SubplotSpec, ax.get_subplotspec())  # None only for panels that stand in no grid


def log_axis(axis: Axis) -> None:
    """Logarithmic axis with plain numbers: exponents would be too small in print. Call it when all lines are drawn."""
    set_scale = axis.axes.set_xscale if isinstance(axis, XAxis) else axis.axes.set_yscale
    set_scale("log")
    low, high = axis.get_view_interval()
    decades = np.log10(high / low)
    if decades < 0.5:
        axis.set_major_locator(MaxNLocator(4))
    else:
        axis.set_major_locator(LogLocator(subs=(1,) if decades > 2 else (1, 3) if decades > 1 else (1, 2, 5)))
    axis.set_minor_locator(LogLocator(subs=range(2, 10)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def epoch_axis(ax: Axes, epochs: Iterable[int]) -> None:
    """Logarithmic axis of epochs that shows epoch 0, with a tick for each and as many named as find room."""
    ax.set_xscale("symlog", linthresh=1, linscale=0.5)
    epochs = sorted(set(epochs))
    if len(epochs) > 12:
        series = [1, *[digit * 10**power for power in range(5) for digit in (2, 5, 10)]]
        epochs = [epochs[0], *[epoch for epoch in series if epochs[0] < epoch < epochs[-1]], epochs[-1]]
    _name_ticks(ax, epochs)
    ax.set_xlabel("epoch")


def doubling_axis(ax: Axes, values: Iterable[float], label: str) -> None:
    """Logarithmic axis of things that double, such as bottlenecks, with as many of them named as find room."""
    ax.set_xscale("log", base=2)
    _name_ticks(ax, sorted(set(values)))
    ax.set_xlabel(label)


def _name_ticks(ax: Axes, candidates: Sequence[float]) -> None:
    names = [str(candidate) for candidate in candidates]
    places = ax.xaxis.get_transform().transform(np.array(candidates, dtype=float))
    span = places[-1] - places[0]
    points = panel_width(ax)
    kept = [len(candidates) - 1]
    for index in reversed(range(len(candidates) - 1)):
        room = 3 + 2.1 * (len(names[index]) + len(names[kept[-1]]))
        if places[kept[-1]] - places[index] >= room / points * span:
            kept.append(index)
    if len(kept) > 1:
        kept[-1] = 0
    ax.set_xticks([candidates[index] for index in kept], [names[index] for index in kept])
    ax.xaxis.set_minor_locator(FixedLocator(candidates))
    ax.xaxis.set_minor_formatter(NullFormatter())
    margin = 0.04 * span or 0.2
    ax.set_xlim(*ax.xaxis.get_transform().inverted().transform([places[0] - margin, places[-1] + margin]))


def name_points(ax: Axes, x: pd.Series, y: pd.Series, names: Sequence[str]) -> None:
    """Write the names of the points of a path beside them, each where it covers least, far ones with a thin leader.

    Points that follow each other within 5 printed points have one name: that of the first and that of the last. A name
    that would cover another one is left out.
    """
    places = ax.transData.transform(np.column_stack([x, y])) * 72 / ax.figure.dpi
    groups = [[0]]
    for index in range(1, len(places)):
        if np.linalg.norm(places[index] - places[groups[-1][0]]) < 5:
            groups[-1].append(index)
        else:
            groups.append([index])
    steps = np.linspace(0, len(places) - 1, 8 * len(places))
    path = np.column_stack([np.interp(steps, range(len(places)), axis) for axis in places.T])
    markers = [(place, np.array([2.2, 2.2])) for place in places]
    covered = 3 * markers + [(place, np.zeros(2)) for place in path]
    panel = ax.get_window_extent().get_points() * 72 / ax.figure.dpi
    written: list[tuple] = []
    rings = (3, 8, 14, 20, 27) if len(groups) <= 12 else (3,)  # leaders of many names would cross each other
    for group in groups:
        index = group[0]
        name = names[index] if len(group) == 1 else f"{names[index]}-{names[group[-1]]}"
        half = np.array([2.1 * len(name), 3.0])
        shifts = [np.array(side) * (half + distance) for distance in rings for side in SIDES]
        clashes = [
            sum(np.all(abs(places[index] + shift - centre) < half + size) for centre, size in covered)
            + 10 * np.any(abs(places[index] + shift - panel.mean(axis=0)) + half > np.ptp(panel, axis=0) / 2)
            for shift in shifts
        ]
        best = int(np.argmin(clashes))
        centre = places[index] + shifts[best]
        if any(np.all(abs(centre - other) < half + size) for other, size in written):
            continue
        covered.append((centre, half))
        written.append((centre, half))
        text = ax.annotate(
            name,
            (x.iloc[index], y.iloc[index]),
            shifts[best],
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=SMALL,
            path_effects=HALO,
            arrowprops={"arrowstyle": "-", "linewidth": 0.3, "shrinkA": 0} if best >= len(SIDES) else None,
        )
        text.set_in_layout(False)


def compress_bottleneck(ax: Axes, profile: pd.DataFrame) -> None:
    """Compress the axis of an ID profile above all layers but the bottleneck, where that stands far above them.

    The part that is compressed is shaded and takes a quarter of the panel. Call it when all is drawn.
    """
    highest = (profile["mean"] + profile["spread"].fillna(0)).groupby(profile["role"] == "bottleneck").max()
    rest = highest.get(False, np.nan)
    ax.set_ylim(bottom=0)
    if not highest.get(True, np.nan) > 1.3 * rest:
        return
    top = ax.get_ylim()[1]
    below = MaxNLocator(5).tick_values(0, rest)
    knee = below[-1]
    factor = knee / 3 / (top - knee)
    above = [tick for tick in MaxNLocator(3).tick_values(knee, top) if knee + 0.3 * (top - knee) < tick <= top]
    ax.set_yscale(
        "function",
        functions=(
            lambda y: np.where(y < knee, y, knee + factor * (y - knee)),
            lambda y: np.where(y < knee, y, knee + (y - knee) / factor),
        ),
    )
    ax.set_ylim(0, top)
    ax.set_yticks([*below, *above])
    ax.axhspan(knee, top, color="0.94", linewidth=0, zorder=0)
    slash: dict[str, Any] = {"marker": [(-1, -0.6), (1, 0.6)], "markersize": 6, "markeredgewidth": 0.8}
    ax.plot(0, knee, transform=ax.get_yaxis_transform(), color="0.2", clip_on=False, linestyle="none", **slash)


def id_panel(
    ax: Axes, profile: pd.DataFrame, names: Mapping[int, str], n_named: int | None = None, by: str = "bottleneck"
) -> None:
    """ID against layer, beside that of the data."""
    draw_lines(ax, profile, by)
    layer_axis(ax, names, n_named)
    data_line(ax, data_dimension(profile))
    ax.set_ylabel("intrinsic dimension")


def ii_panel(ax: Axes, profile: pd.DataFrame, end: str, names: Mapping[int, str]) -> None:
    """II from the layers to one end of the network."""
    draw_lines(ax, profile)
    layer_axis(ax, names)
    log_axis(ax.yaxis)
    ax.set_ylabel(f"II(layer → {end})")


def training_panel(ax: Axes, numbers: pd.DataFrame, label: str, log: bool = False, **options: Any) -> None:
    """A quantity against the epoch."""
    draw_lines(ax, numbers, **options)
    epoch_axis(ax, numbers["x"])
    ax.set_ylabel(label)
    if log:
        log_axis(ax.yaxis)
