"""The figures: each reads the tables of a selection, draws, and keeps beside it the numbers that it drew."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogFormatterSciNotation

from vae_geometry import VaeGeometryError, series
from vae_geometry import figure_style as style
from vae_geometry.tables import Selection

Drawn = tuple[Figure, pd.DataFrame]
NATS = "(nats per image)"
DATA = "ID of\nthe data"


def plot(figure: str, selection: Selection, output: Path, published: Path | None = None) -> None:
    """Draw a figure and write ``{output}.png``, ``{output}.pdf`` and ``{output}.csv``, each whole or not at all.

    Parameters
    ----------
    figure : str
        A key of ``FIGURES``.
    selection : Selection
        One data set; one kind of noise, two for ``noise``; exactly the epochs that the figure shows.
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
    with style.applied():
        arguments = (selection, published) if figure == "published" else (selection,)
        drawing, numbers = FIGURES[figure](*arguments)
        _save(drawing, numbers, Path(output))


def _save(drawing: Figure, numbers: pd.DataFrame, output: Path) -> None:
    output.parent.mkdir(parents=True, exist_ok=True)
    targets = {ending: output.with_name(f"{output.name}.{ending}") for ending in ("png", "pdf", "csv")}
    unfinished = {ending: path.with_name(f".{path.name}.{os.getpid()}") for ending, path in targets.items()}
    drawing.savefig(unfinished["png"], format="png")
    drawing.savefig(unfinished["pdf"], format="pdf", metadata={"CreationDate": None})
    numbers.to_csv(unfinished["csv"], index=False)
    for ending, path in targets.items():
        unfinished[ending].replace(path)


def _run(selection: Selection, epochs: str = "") -> str:
    return f"{selection.datasets[0]}, noise: {' and '.join(selection.noises)}" + (epochs and f", {epochs}")


def _last_epoch(selection: Selection) -> str:
    return f"epoch {max(selection.epochs)}"


def _by_panel(*panels: pd.DataFrame) -> pd.DataFrame:
    lettered = [panel.assign(panel=style.letter(index)) for index, panel in enumerate(panels)]
    numbers = pd.concat([panel for panel in lettered if len(panel)], ignore_index=True)
    return numbers[["panel", *numbers.columns.drop(["panel", "reason"]), "reason"]]


def _sizes(panels: list[pd.DataFrame]) -> list[str]:
    return [f"K = {panel['bottleneck'].iloc[0]}" for panel in panels]


def _n_layers(profile: pd.DataFrame) -> int:
    return int(profile["x"].max()) + 1


def _id_panel(ax: Axes, profile: pd.DataFrame) -> None:
    style.draw_bottlenecks(ax, profile)
    style.layer_axis(ax, _n_layers(profile))
    ax.axhline(series.data_dimension(profile), **style.REFERENCE)
    ax.set_ylabel("intrinsic dimension")


def _ii_panel(ax: Axes, profile: pd.DataFrame, end: str, n_layers: int) -> None:
    style.draw_bottlenecks(ax, profile)
    style.layer_axis(ax, n_layers)
    ax.set_yscale("log")
    ax.set_ylabel(f"II(layer → {end})")


def _training_panel(ax: Axes, numbers: pd.DataFrame, label: str, log: bool = False) -> None:
    style.draw_bottlenecks(ax, numbers)
    style.epoch_axis(ax, numbers["x"])
    ax.set_ylabel(label)
    if log:
        ax.set_yscale("log")


def figure1(selection: Selection) -> Drawn:
    """ID, II(layer -> input) and the relative II difference of neighbouring layers, of trained networks."""
    pairs = series.imbalance(selection)
    profile, to_input = series.id_profile(selection), series.ii_profile(pairs, "input")
    change = series.layer_to_layer(pairs)
    figure, [axes] = style.new_figure(style.PAGE, 2.5, 1, 3)
    _id_panel(axes[0], profile)
    axes[0].set_ylim(bottom=0)
    _ii_panel(axes[1], to_input, "input", _n_layers(profile))
    style.draw_bottlenecks(axes[2], change)
    style.layer_axis(axes[2], _n_layers(profile))
    axes[2].axhline(0, **style.REFERENCE)
    axes[2].set_ylabel("relative II difference,\nlayers l and l + 1")
    axes[2].set_title("expansion ↑  compression ↓", loc="right", color="0.35", fontsize=6.5)
    style.letters(axes)
    style.bottleneck_legend(figure, selection.bottlenecks, DATA)
    numbers = _by_panel(profile, to_input, change)
    style.heading(figure, _run(selection, _last_epoch(selection)), numbers)
    return figure, numbers


def figure2(selection: Selection) -> Drawn:
    """FID, test KL and II(output -> input) in training."""
    distance = series.fidelity(selection, "frechet_distance", "FID", "epoch")
    kl = series.fidelity(selection, "kl", "test KL", "epoch")
    imbalance = series.output_to_input(series.imbalance(selection), "epoch")
    figure, [axes] = style.new_figure(style.PAGE, 2.5, 1, 3)
    _training_panel(axes[0], distance, "FID")
    _training_panel(axes[1], kl, f"test KL {NATS}")
    _training_panel(axes[2], imbalance, "II(output → input)", log=True)
    style.letters(axes)
    style.bottleneck_legend(figure, selection.bottlenecks)
    numbers = _by_panel(distance, kl, imbalance)
    style.heading(figure, _run(selection), numbers)
    return figure, numbers


def figure3(selection: Selection) -> Drawn:
    """ID profile at every checkpoint, one panel a bottleneck."""
    profile = series.id_profile(selection)
    epochs = sorted(selection.epochs)
    trained = [epoch for epoch in epochs if epoch > 0]
    colours = {0: "0.6", **dict(zip(trained, style.ordered_colours(len(trained)), strict=True))}
    panels = [rows for _, rows in profile.groupby("bottleneck")]
    figure, axes = style.small_multiples(len(panels), 1.7)
    for ax, panel in zip(axes, panels, strict=True):
        for epoch, line in panel.groupby("epoch"):
            style.draw_series(ax, line, color=colours[epoch], marker=".")
        style.layer_axis(ax, _n_layers(profile))
        ax.tick_params(axis="x", labelsize=5.5)
        ax.axhline(series.data_dimension(profile), **style.REFERENCE)
        if ax.get_subplotspec().is_first_col():
            ax.set_ylabel("intrinsic dimension")
    axes[0].set_ylim(bottom=0)
    style.letters(axes, _sizes(panels))
    handles = [Line2D([], [], color=colours[epoch], marker=".") for epoch in epochs]
    figure.legend(
        [*handles, Line2D([], [], **style.REFERENCE)],
        [*map(str, epochs), DATA],
        title="epoch",
        loc="outside right center",
    )
    numbers = _by_panel(*panels)
    style.heading(figure, _run(selection), numbers)
    return figure, numbers


def figure_a1(selection: Selection) -> Drawn:
    """II(output -> input), FID, and the relative II of neighbouring K for fixed layers, against K."""
    data = series.data_dimension(series.id_profile(selection))
    imbalance = series.output_to_input(series.imbalance(selection), "bottleneck")
    distance = series.fidelity(selection, "frechet_distance", "FID", "bottleneck")
    change = series.bottleneck_to_bottleneck(selection)
    n_layers = int(change["layer"].max()) + 1 if len(change) else 0
    first, second = change[change["layer"].between(1, n_layers // 2)], change[change["layer"] > n_layers // 2]
    figure, axes = style.new_figure(style.PAGE, 4.4, 2, 2)
    for ax, numbers, label in zip(axes[0], (imbalance, distance), ("II(output → input)", "FID"), strict=True):
        style.draw_series(ax, numbers, color="0.6", linewidth=0.8, zorder=1)
        style.draw_bottlenecks(ax, numbers)
        ax.set_ylabel(label)
    axes[0, 0].set_yscale("log")
    for ax, numbers in zip(axes[1], (first, second), strict=True):
        _layer_lines(ax, numbers, n_layers)
    for ax in axes.flat:
        ax.axvline(data, **style.REFERENCE)
        style.bottleneck_axis(ax, selection.bottlenecks)
    axes[0, 0].legend(axes[0, 0].lines[-1:], ["ID of the data"])
    style.letters(axes.flat)
    numbers = _by_panel(imbalance, distance, first, second)
    style.heading(figure, _run(selection, _last_epoch(selection)), numbers)
    return figure, numbers


def _layer_lines(ax: Axes, numbers: pd.DataFrame, n_layers: int) -> None:
    ax.axhline(0, color="0.8", linewidth=0.8, zorder=0)
    ax.set_ylabel("relative II difference,\nK and next K")
    if numbers["mean"].isna().all():
        style.say(ax, "no second bottleneck to compare with")
        return
    lines = numbers.groupby("layer")
    for (layer, line), colour, marker in zip(lines, style.ordered_colours(len(lines)), style.MARKERS, strict=False):
        style.draw_series(ax, line, color=colour, marker=marker, label=style.layer_names([layer], n_layers)[0])
    ax.legend(title="layer", loc="center left", bbox_to_anchor=(1, 0.5), handlelength=1.5)


def figure_a2(selection: Selection) -> Drawn:
    """ID and II(layer -> input) of untrained networks."""
    profile = series.id_profile(selection)
    to_input = series.ii_profile(series.imbalance(selection), "input")
    figure, [axes] = style.new_figure(5.2, 2.5, 1, 2)
    _id_panel(axes[0], profile)
    axes[0].set_ylim(bottom=0)
    _ii_panel(axes[1], to_input, "input", _n_layers(profile))
    style.letters(axes)
    style.bottleneck_legend(figure, selection.bottlenecks, DATA)
    numbers = _by_panel(profile, to_input)
    style.heading(figure, _run(selection, f"{_last_epoch(selection)} (untrained)"), numbers)
    return figure, numbers


def losses(selection: Selection) -> Drawn:
    """Reconstruction, KL and ELBO of the training and the validation images in training."""
    numbers = series.losses(selection)
    panels = [numbers[numbers["quantity"] == term] for term in ("reconstruction", "kl", "elbo")]
    labels = [f"reconstruction {NATS}", f"KL {NATS}", f"ELBO loss {NATS}"]
    lines = {"train": "-", "validation": "--"}
    figure, [axes] = style.new_figure(style.PAGE, 2.5, 1, 3)
    for ax, panel, label in zip(axes, panels, labels, strict=True):
        for part, linestyle in lines.items():
            style.draw_bottlenecks(ax, panel[panel["part"] == part], linestyle=linestyle)
        style.epoch_axis(ax, panel["x"])
        ax.set_ylabel(label)
    handles = [Line2D([], [], color="0.2", linestyle=linestyle) for linestyle in lines.values()]
    axes[0].legend(handles, list(lines), loc="upper right")
    style.letters(axes)
    style.bottleneck_legend(figure, selection.bottlenecks)
    numbers = _by_panel(*panels)
    style.heading(figure, _run(selection), numbers)
    return figure, numbers


def ii_to_output(selection: Selection) -> Drawn:
    """II(layer -> output) of trained networks."""
    pairs = series.imbalance(selection)
    profile = series.ii_profile(pairs, "output")
    figure, [[ax]] = style.new_figure(style.COLUMN, 2.6, 1, 1)
    _ii_panel(ax, profile, "output", pairs["source_layer"].max() + 1)
    style.bottleneck_legend(figure, selection.bottlenecks)
    numbers = _by_panel(profile)
    style.heading(figure, _run(selection, _last_epoch(selection)), numbers)
    return figure, numbers


def reconstructions(selection: Selection) -> Drawn:
    """The first test images, and below them their reconstructions, one row a bottleneck."""
    images, decoded, errors = series.reconstructions(selection)
    rows = [images, *decoded.values()]
    inches = min((style.COLUMN - 0.5) / len(images), 0.6)
    figure, [[ax]] = style.new_figure(style.COLUMN, 0.3 + inches * len(rows), 1, 1)
    gap = 2
    mosaic = np.ones((len(rows) * (32 + gap) - gap, len(images) * (32 + gap) - gap, 3))
    for row, column in np.ndindex(len(rows), len(images)):
        top, left = row * (32 + gap), column * (32 + gap)
        mosaic[top : top + 32, left : left + 32] = rows[row][column].transpose(1, 2, 0).clip(0, 1)
    ax.imshow(mosaic, interpolation="nearest")
    ax.set_yticks([15.5 + row * (32 + gap) for row in range(len(rows))], ["images", *[f"K = {k}" for k in decoded]])
    ax.set_xticks([])
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    style.heading(figure, _run(selection, f"seed {selection.seeds[0]}, {_last_epoch(selection)}"))
    return figure, errors


def ii_matrix(selection: Selection) -> Drawn:
    """II of all ordered pairs of layers, one panel a bottleneck."""
    panels = [rows for _, rows in series.ii_pairs(series.imbalance(selection)).groupby("bottleneck")]
    numbers = _by_panel(*panels)
    layers = range(_n_layers(numbers))
    scale = LogNorm(numbers["mean"].min(), numbers["mean"].max())
    figure, axes = style.small_multiples(len(panels), 1.9)
    for ax, panel in zip(axes, panels, strict=True):
        matrix = panel.pivot_table(index="x", columns="target_layer", values="mean").reindex(layers, columns=layers)
        ax.set_facecolor("0.85")
        image = ax.imshow(matrix, norm=scale, cmap="viridis", interpolation="nearest")
        names = style.layer_names(layers, len(layers))
        ax.set_xticks(layers, names, rotation=90, fontsize=5.5)
        ax.set_yticks(layers, names, fontsize=5.5)
        ax.set_xlabel("to layer")
        if ax.get_subplotspec().is_first_col():
            ax.set_ylabel("from layer")
    style.letters(axes, _sizes(panels))
    figure.colorbar(image, ax=axes, label="II(from → to)", shrink=0.8, aspect=30)
    style.heading(figure, _run(selection, _last_epoch(selection)))
    return figure, numbers


def ii_plane(selection: Selection) -> Drawn:
    """II(layer -> input) against II(input -> layer), one panel a bottleneck, the paths of the others behind in grey."""
    pairs = series.imbalance(selection)
    there, back = series.ii_profile(pairs, "input", backward=True), series.ii_profile(pairs, "input")
    panels = [rows for _, rows in pd.concat([there, back]).groupby("bottleneck")]
    paths = [panel.pivot_table(index="x", columns="quantity", values=["mean", "spread"]) for panel in panels]
    n_layers = _n_layers(there)
    figure, axes = style.small_multiples(len(panels), 1.9, sharex=True)
    for ax, panel, path in zip(axes, panels, paths, strict=True):
        for other in paths:
            ax.plot(*_plane(other["mean"]), color="0.85", linewidth=0.8, zorder=0)
        bottleneck = panel["bottleneck"].iloc[0]
        (across, up), (across_spread, up_spread) = _plane(path["mean"]), _plane(path["spread"])
        ax.axline([across.iloc[0]] * 2, [2 * across.iloc[0]] * 2, **style.REFERENCE)
        look = {"color": style.colour(bottleneck), "marker": style.marker(bottleneck), "markeredgewidth": 0}
        ax.errorbar(across, up, up_spread, across_spread, elinewidth=0.6, **look)
        ax.set_xscale("log")
        ax.set_yscale("log")
        ax.xaxis.set_minor_formatter(LogFormatterSciNotation(minor_thresholds=(0.9, 0.4)))  # fewer, lest they overlap
        ax.set_xlabel("II(input → layer)")
        ax.tick_params(labelbottom=True)
        if ax.get_subplotspec().is_first_col():
            ax.set_ylabel("II(layer → input)")
    style.letters(axes, _sizes(panels))
    numbers = _by_panel(*panels)
    style.heading(figure, _run(selection, _last_epoch(selection)), numbers, spread="bars")
    figure.draw_without_rendering()  # the names need the final places of the points
    for ax, path in zip(axes, paths, strict=True):
        style.name_points(ax, *_plane(path["mean"]), style.layer_names(path.index, n_layers))
    return figure, numbers


def _plane(path: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    return path["II(input -> layer)"], path["II(layer -> input)"]


def published(selection: Selection, folder: Path | None) -> Drawn:
    """Measured ID and II to input and output on top of the published values, one column a bottleneck."""
    pairs, last = series.imbalance(selection), max(selection.epochs)
    dimensions, imbalances = series.published(folder, last)
    measured = [series.id_profile(selection), *(series.ii_profile(pairs, to) for to in ("input", "output"))]
    reference = [
        series.summarise(dimensions, "intrinsic_dimension", "ID", "layer"),
        *(series.ii_profile(imbalances, to) for to in ("input", "output")),
    ]
    sizes = sorted(selection.bottlenecks)
    figure, axes = style.new_figure(style.PAGE, 4.6, 3, len(sizes), sharex=True, sharey="row")
    for row, label in enumerate(("intrinsic dimension", "II(layer → input)", "II(layer → output)")):
        axes[row, 0].set_ylabel(label)
        axes[row, 0].set_yscale("log" if row else "linear")
        for ax, size in zip(axes[row], sizes, strict=True):
            theirs, ours = (rows[rows["bottleneck"] == size] for rows in (reference[row], measured[row]))
            ax.plot(theirs["x"], theirs["mean"], **style.PUBLISHED)
            style.draw_bottlenecks(ax, ours)
            style.layer_axis(ax, _n_layers(measured[0]), sparse=True)
            ax.set_xlabel("layer" if row == 2 else "")
    for row, ax in enumerate(axes[:, 0]):
        ax.set_title(style.letter(row), loc="left", x=-0.25, fontweight="bold")
    for ax, size in zip(axes[0], sizes, strict=True):
        ax.set_title(f"K = {size}")
    handles = [Line2D([], [], **style.PUBLISHED), Line2D([], [], color="0.2", marker="o")]
    labels = [f"published, epoch {dimensions['epoch'].iloc[0]}, one run", f"measured, epoch {last} (colour: K)"]
    figure.legend(handles, labels, loc="outside lower center", ncols=2)
    style.heading(figure, _run(selection), pd.concat(measured))
    sources = {"measured": measured, "published": reference}
    rows = [pd.concat([tables[row].assign(source=name) for name, tables in sources.items()]) for row in range(3)]
    return figure, _by_panel(*rows)


def noise(selection: Selection) -> Drawn:
    """Both kinds of noise, one column each: ID at the last epoch, test KL and II(output -> input) in training."""
    profile = series.id_profile(series.last_epoch(selection))
    kl = series.fidelity(selection, "kl", "test KL", "epoch")
    imbalance = series.output_to_input(series.imbalance(selection), "epoch")
    kinds = sorted(selection.noises)
    figure, axes = style.new_figure(5.2, 5.4, 3, len(kinds), sharey="row")
    panels = [table[table["noise"] == kind] for table in (profile, kl, imbalance) for kind in kinds]
    for ax, panel in zip(axes[0], panels[: len(kinds)], strict=True):
        _id_panel(ax, panel)
    axes[0, 0].set_ylim(bottom=0)
    for ax, panel in zip(axes[1:].flat, panels[len(kinds) :], strict=True):
        is_kl = panel["quantity"].iloc[0] == "test KL"
        _training_panel(ax, panel, f"test KL {NATS}" if is_kl else "II(output → input)", log=not is_kl)
    for ax in axes[:, 1:].flat:
        ax.set_ylabel("")
    style.letters(axes.flat, [*(f"noise: {kind}" for kind in kinds), *[""] * 2 * len(kinds)])
    style.bottleneck_legend(figure, selection.bottlenecks, DATA)
    numbers = _by_panel(*panels)
    style.heading(figure, f"{selection.datasets[0]}, ID at {_last_epoch(selection)}", numbers)
    return figure, numbers


FIGURES = {
    "figure1": figure1,
    "figure2": figure2,
    "figure3": figure3,
    "figureA1": figure_a1,
    "figureA2": figure_a2,
    "losses": losses,
    "ii_to_output": ii_to_output,
    "reconstructions": reconstructions,
    "ii_matrix": ii_matrix,
    "ii_plane": ii_plane,
    "published": published,
    "noise": noise,
}
