"""How every figure looks: sizes, colours, markers, axes and headings."""

import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import pandas as pd
from matplotlib import colormaps, style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

PAGE, COLUMN = 7.0, 3.4  # widths in inches
LAYERS = ("in", "e1", "e2", "e3", "e4", "z", "d0", "d1", "d2", "d3", "out")
MARKERS = "os^DvX<P>*"
SIDES = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1))
REFERENCE = {"color": "0.35", "linestyle": "--", "linewidth": 0.8, "zorder": 1}
PUBLISHED = {"color": "0.1", "linestyle": ":", "marker": "o", "markerfacecolor": "none", "markersize": 4.5}
RC = {
    "font.size": 7,
    "axes.titlesize": 7.5,
    "axes.labelsize": 7.5,
    "legend.fontsize": 7,
    "legend.title_fontsize": 7.5,
    "xtick.labelsize": 6.5,
    "ytick.labelsize": 6.5,
    "figure.titlesize": 7.5,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "ytick.minor.size": 1.5,
    "lines.linewidth": 1.0,
    "lines.markersize": 3.6,
    "legend.frameon": False,
    "pdf.fonttype": 42,
    "savefig.dpi": 200,
}


@contextmanager
def applied() -> Iterator[None]:
    """Draw with this style on top of matplotlib's own defaults, whatever the user's matplotlibrc says."""
    with style.context(["default", RC]):
        yield


def colour(bottleneck: int) -> tuple:
    """Colour of a bottleneck: a function of K alone, up to 256, so that it is the same in every figure and sweep."""
    return colormaps["plasma"](0.92 * min(np.log2(bottleneck) / 8, 1))


def marker(bottleneck: int) -> str:
    """Marker of a bottleneck: it changes with every doubling of K."""
    return MARKERS[round(np.log2(bottleneck)) % len(MARKERS)]


def ordered_colours(count: int) -> list[tuple]:
    """Colours, from light to dark, of lines that come in an order but do not stand for a bottleneck."""
    return [colormaps["viridis"](0.9 - 0.9 * index / max(count - 1, 1)) for index in range(count)]


def new_figure(width: float, height: float, rows: int, columns: int, **sharing) -> tuple[Figure, np.ndarray]:
    """Figure of the given size in inches, and its (rows, columns) axes."""
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False, **sharing)


def small_multiples(count: int, height: float, **sharing: bool) -> tuple[Figure, list[Axes]]:
    """Figure with one panel for each of ``count`` things, at most four a row of ``height`` inches, y shared."""
    columns = min(count, 4)
    rows = -(-count // columns)
    figure, axes = new_figure(
        max(PAGE * columns / 4, COLUMN), 0.4 + height * rows, rows, columns, sharey=True, **sharing
    )
    for spare in axes.flat[count:]:
        spare.remove()
    return figure, list(axes.flat[:count])


def heading(figure: Figure, run: str, numbers: pd.DataFrame | None = None, spread: str = "band") -> None:
    """Title line: the run, and below it what the spread is, from the ``spread_kind`` of the numbers drawn."""
    if numbers is not None:
        n_seeds = numbers["n_seeds"].max()
        kinds = " or ".join(sorted(numbers["spread_kind"].dropna().unique()))
        seeds = "one seed" if n_seeds <= 1 else f"mean over {n_seeds} seeds"
        run += f"\n{seeds}; {spread}: {kinds}" if kinds else f"\n{seeds}"
    figure.suptitle(run, x=0.01, ha="left", linespacing=1.3)


def letters(axes: Sequence[Axes], titles: Sequence[str] = ()) -> None:
    """Number the panels a, b, c ..., each with its title where there are any."""
    for index, ax in enumerate(axes):
        ax.set_title(letter(index), loc="left", fontweight="bold")
        if titles:
            ax.set_title(titles[index])


def letter(index: int) -> str:
    """Letter of a panel: a to z, then aa, ab ..."""
    return (letter(index // 26 - 1) if index >= 26 else "") + chr(ord("a") + index % 26)


def say(ax: Axes, sentence: str) -> None:
    """Write a sentence in the middle of a panel that has nothing to show."""
    text = "\n".join(textwrap.wrap(sentence, 26))
    box = {"facecolor": "white", "edgecolor": "none", "pad": 2}
    ax.text(0.5, 0.5, text, transform=ax.transAxes, ha="center", va="center", color="0.35", style="italic", bbox=box)
    ax.tick_params(axis="y", which="both", left=False, labelleft=False)


def draw_series(ax: Axes, line: pd.DataFrame, **options) -> None:
    """Draw the means of one line and the band of its spread; nulls are gaps."""
    ax.plot(line["x"], line["mean"], markevery=0.12 if len(line) > 20 else None, markeredgewidth=0, **options)
    low, high = line["mean"] - line["spread"], line["mean"] + line["spread"]
    ax.fill_between(line["x"], low, high, color=options["color"], alpha=0.2, linewidth=0)


def draw_bottlenecks(ax: Axes, numbers: pd.DataFrame, **options) -> None:
    """Draw one line a bottleneck, or say why there is none."""
    if numbers["mean"].isna().all():
        reasons = numbers["reason"].dropna()
        say(ax, reasons.iloc[0] if len(reasons) else f"{numbers['quantity'].iloc[0]} was not measured")
        return
    for bottleneck, line in numbers.groupby("bottleneck"):
        draw_series(ax, line, color=colour(bottleneck), marker=marker(bottleneck), **options)


def bottleneck_legend(figure: Figure, bottlenecks: Sequence[int], reference: str = "") -> None:
    """Legend of K, and of the dashed reference line where there is one, to the right of the panels."""
    handles = [Line2D([], [], color=colour(k), marker=marker(k), markeredgewidth=0) for k in sorted(bottlenecks)]
    labels = [str(k) for k in sorted(bottlenecks)]
    if reference:
        handles, labels = [*handles, Line2D([], [], **REFERENCE)], [*labels, reference]
    figure.legend(handles, labels, title="K", loc="outside right center")


def layer_names(layers: Sequence[int], n_layers: int) -> list[str]:
    """Short names of layers: those of the VAE where it has 11 of them, else numbers."""
    return [LAYERS[layer] if n_layers == len(LAYERS) else str(layer) for layer in layers]


def layer_axis(ax: Axes, n_layers: int, sparse: bool = False) -> None:
    """Name the layers on the horizontal axis; ``sparse`` names the first, the middle one and the last."""
    layers = [0, (n_layers - 1) // 2, n_layers - 1] if sparse else list(range(n_layers))
    ax.set_xticks(layers, layer_names(layers, n_layers), fontsize=6)
    margin = 0.8 if sparse else 0.5
    ax.set_xlim(-margin, n_layers - 1 + margin)
    ax.set_xlabel("layer")


def epoch_axis(ax: Axes, epochs: Sequence[int]) -> None:
    """Logarithmic axis of epochs that shows epoch 0, with as many of the epochs named as find room."""
    ax.set_xscale("symlog", linthresh=1, linscale=0.5)
    series = [0, 1, *[digit * 10**power for power in range(5) for digit in (2, 5, 10)]]
    epochs = sorted(set(epochs))
    candidates = epochs if len(epochs) <= 12 else [epoch for epoch in series if epochs[0] <= epoch <= epochs[-1]]
    _name_ticks(ax, candidates)
    ax.set_xlabel("epoch")


def doubling_axis(ax: Axes, values: Sequence[int], label: str) -> None:
    """Logarithmic axis of things that double, such as bottlenecks, with as many of them named as find room."""
    ax.set_xscale("log", base=2)
    _name_ticks(ax, sorted(set(values)))
    ax.set_xlabel(label)


def _name_ticks(ax: Axes, candidates: Sequence[int]) -> None:
    names = [str(candidate) for candidate in candidates]
    places = ax.xaxis.get_transform().transform(np.array(candidates, dtype=float))
    span = places[-1] - places[0]
    kept = [len(candidates) - 1]
    for index in reversed(range(len(candidates) - 1)):
        room = 0.02 + 0.018 * (len(names[index]) + len(names[kept[-1]]))  # of a narrow panel's width
        if places[kept[-1]] - places[index] >= room * span:
            kept.append(index)
    if len(kept) > 1:
        kept[-1] = 0
    ax.set_xticks([candidates[index] for index in kept], [names[index] for index in kept])
    ax.set_xticks([], minor=True)
    margin = 0.04 * span or 0.2
    ax.set_xlim(*ax.xaxis.get_transform().inverted().transform([places[0] - margin, places[-1] + margin]))


def name_points(ax: Axes, x: pd.Series, y: pd.Series, names: Sequence[str]) -> None:
    """Write the names of the points of a path beside them, each where it covers least, far ones with a thin leader."""
    places = ax.transData.transform(np.column_stack([x, y])) * 72 / ax.figure.dpi
    steps = np.linspace(0, len(places) - 1, 8 * len(places))
    path = np.column_stack([np.interp(steps, range(len(places)), axis) for axis in places.T])
    covered = [(place, np.array([1.5, 1.5])) for place in places] + [(place, np.zeros(2)) for place in path]
    for index, name in enumerate(names):
        half = np.array([1.8 * len(name), 2.6])
        shifts = [np.array(side) * (half + distance) for distance in (2.5, 8, 14) for side in SIDES]
        clashes = [
            sum(np.all(abs(places[index] + shift - centre) < half + size) for centre, size in covered)
            for shift in shifts
        ]
        best = int(np.argmin(clashes))
        covered.append((places[index] + shifts[best], half))
        text = ax.annotate(
            name,
            (x.iloc[index], y.iloc[index]),
            shifts[best],
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=5.5,
            arrowprops={"arrowstyle": "-", "linewidth": 0.3, "shrinkA": 0} if best >= len(SIDES) else None,
        )
        text.set_in_layout(False)
