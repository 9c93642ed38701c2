"""The figures past the paper's."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.colors import LogNorm
from matplotlib.lines import Line2D

from vae_geometry.claims import published as reference
from vae_geometry.figures import axes as draw
from vae_geometry.figures import style
from vae_geometry.figures import summaries as series
from vae_geometry.figures.panels import (
    NATS,
    Drawn,
    by_panel,
    id_panel,
    ii_panel,
    last_epoch,
    n_layers_of,
    run_title,
    sizes,
    training_panel,
)
from vae_geometry.tables import Selection


def ii_to_output(selection: Selection) -> Drawn:
    """II(layer -> output) of trained networks."""
    pairs = series.imbalance(selection)
    profile = series.ii_profile(pairs, "output")
    figure, [[ax]] = style.new_figure(style.COLUMN, 2.6, 1, 1)
    ii_panel(ax, profile, "output", pairs["source_layer"].max() + 1)
    style.bottleneck_legend(figure, selection.bottlenecks)
    numbers = by_panel(profile)
    style.heading(figure, run_title(selection, last_epoch(selection)), numbers)
    return figure, numbers


def id_scaling(selection: Selection) -> Drawn:
    """ID against the number of neighbours: where the humps of the ID lie, at the bottleneck and at the output."""
    scaling = series.id_scaling(selection)
    titles = {2: "encoder, e2", 5: "bottleneck, z", 8: "decoder, d2", 10: "output"}
    data, *panels = (scaling[scaling["layer"] == layer] for layer in (0, *titles))
    figure, axes = style.small_multiples(len(panels), 1.9)
    for ax, panel in zip(axes, panels, strict=True):
        draw.draw_bottlenecks(ax, panel)
        ax.plot(data.groupby("x")["mean"].mean(), **style.REFERENCE)
        draw.name_end(ax, data.loc[data["x"] == data["x"].max(), "mean"].mean(), "data")
        draw.doubling_axis(ax, panel["x"], "neighbours n")
    axes[0].set_ylim(bottom=0)
    axes[0].set_ylabel("intrinsic dimension")
    style.letters(axes, list(titles.values()))
    style.bottleneck_legend(figure, selection.bottlenecks)
    numbers = by_panel(*panels)
    style.heading(figure, run_title(selection, last_epoch(selection)), numbers)
    return figure, pd.concat([numbers, data], ignore_index=True)


def reconstructions(selection: Selection) -> Drawn:
    """The first test images above their reconstructions, beside samples from the prior; one row a bottleneck."""
    images, decoded, samples, errors = series.reconstructions(selection)
    n_rows = 1 + len(decoded)
    inches = min((style.PAGE - 0.7) / (2 * len(images)), 0.5)
    figure, [axes] = style.new_figure(style.PAGE, 0.6 + inches * n_rows, 1, 2, sharey=True)
    gap = 2
    blocks = {"reconstructions": [images, *decoded.values()], "samples from the prior": [None, *samples.values()]}
    for ax, rows in zip(axes, blocks.values(), strict=True):
        mosaic = np.ones((n_rows * (32 + gap) - gap, len(images) * (32 + gap) - gap, 3))
        for row, column in np.ndindex(n_rows, len(images)):
            if rows[row] is not None:
                top, left = row * (32 + gap), column * (32 + gap)
                mosaic[top : top + 32, left : left + 32] = rows[row][column].transpose(1, 2, 0).clip(0, 1)
        ax.imshow(mosaic, interpolation="nearest")
        ax.set_yticks([15.5 + row * (32 + gap) for row in range(n_rows)], ["images", *[f"K = {k}" for k in decoded]])
        ax.set_xticks([])
        ax.tick_params(length=0)
        ax.grid(False)
        ax.spines[:].set_visible(False)
    style.letters(axes, list(blocks))
    style.heading(figure, run_title(selection, f"seed {selection.seeds[0]}, {last_epoch(selection)}"))
    return figure, errors


def ii_matrix(selection: Selection) -> Drawn:
    """II of all ordered pairs of layers, one panel a bottleneck."""
    panels = [rows for _, rows in series.ii_pairs(series.imbalance(selection)).groupby("bottleneck")]
    numbers = by_panel(*panels)
    layers = range(n_layers_of(numbers))
    scale = LogNorm(numbers["mean"].min(), numbers["mean"].max())
    figure, axes = style.small_multiples(len(panels), 1.9)
    for ax, panel in zip(axes, panels, strict=True):
        matrix = panel.pivot_table(index="x", columns="target_layer", values="mean").reindex(layers, columns=layers)
        ax.set_facecolor("0.85")
        # squares, as an image of 11 pixels is blurred by some PDF viewers; with edges, as others show gaps between them
        squares = ax.pcolormesh(layers, layers, matrix, norm=scale, cmap="plasma", edgecolors="face", linewidth=0.1)
        ax.set(aspect="equal", ylim=(len(layers) - 0.5, -0.5))
        ax.grid(False)
        names = draw.layer_names(layers, len(layers))
        ax.set_xticks(layers, names, rotation=90, fontsize=draw.SMALL)
        ax.set_yticks(layers, names, fontsize=draw.SMALL)
        ax.set_xlabel("to layer")
        if ax.get_subplotspec().is_first_col():
            ax.set_ylabel("from layer")
    style.letters(axes, sizes(panels))
    bar = figure.colorbar(squares, ax=axes, label="II(from layer → to layer)", shrink=0.8, aspect=30)
    draw.log_axis(bar.ax.yaxis)
    style.heading(figure, run_title(selection, last_epoch(selection)), numbers, spread="")
    return figure, numbers


def ii_plane(selection: Selection) -> Drawn:
    """II(layer -> input) against II(input -> layer), one panel a bottleneck, the paths of the others behind in grey."""
    pairs = series.imbalance(selection)
    there, back = series.ii_profile(pairs, "input", backward=True), series.ii_profile(pairs, "input")
    panels = [rows for _, rows in pd.concat([there, back]).groupby("bottleneck")]
    paths = [panel.pivot_table(index="x", columns="quantity", values=["mean", "spread"]) for panel in panels]
    n_layers = n_layers_of(there)
    figure, axes = style.small_multiples(len(panels), 1.9, sharex=True)
    for ax, panel, path in zip(axes, panels, paths, strict=True):
        for other in paths:
            ax.plot(*_plane(other["mean"]), color="0.85", linewidth=0.8, zorder=0)
        bottleneck = panel["bottleneck"].iloc[0]
        (across, up), (across_spread, up_spread) = _plane(path["mean"]), _plane(path["spread"])
        ax.axline([across.iloc[0]] * 2, [2 * across.iloc[0]] * 2, **style.REFERENCE)
        look = {"color": style.colour(bottleneck), "marker": style.marker(bottleneck)}
        ax.errorbar(across, up, up_spread, across_spread, elinewidth=0.6, **look)
        ax.set_xlabel("II(input → layer)")
        ax.tick_params(labelbottom=True)
        if ax.get_subplotspec().is_first_col():
            ax.set_ylabel("II(layer → input)")
    for axis in (axes[0].xaxis, axes[0].yaxis):  # all panels share them
        draw.log_axis(axis)
    style.letters(axes, sizes(panels))
    numbers = by_panel(*panels)
    style.heading(figure, run_title(selection, last_epoch(selection)), numbers, spread="bars")
    figure.draw_without_rendering()  # the names need the final places of the points
    for ax, path in zip(axes, paths, strict=True):
        draw.name_points(ax, *_plane(path["mean"]), draw.layer_names(path.index, n_layers))
    return figure, numbers


def _plane(path: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    return path["II(input -> layer)"], path["II(layer -> input)"]


def published(selection: Selection, folder: Path | None) -> Drawn:
    """Measured ID and II to input and output on top of the published values, one column a bottleneck.

    The numbers are ``compare``'s: both values, and their difference in units of the spread over seeds.
    """
    dimensions, imbalances = (reference.at_epoch(frame, max(selection.epochs)) for frame in reference.read(folder))
    pairs = series.imbalance(selection)
    measured = [series.id_profile(selection), *(series.ii_profile(pairs, to) for to in ("input", "output"))]
    theirs = [
        series.summarise(dimensions, "intrinsic_dimension", "ID", "layer"),
        *(series.ii_profile(imbalances, to) for to in ("input", "output")),
    ]
    bottlenecks = sorted(selection.bottlenecks)
    figure, axes = style.new_figure(style.PAGE, 4.6, 3, len(bottlenecks), sharex=True, sharey="row")
    labels = ("intrinsic dimension", "II(layer → input)", "II(layer → output)")
    for row, (ours, papers, label) in enumerate(zip(measured, theirs, labels, strict=True)):
        for ax, bottleneck in zip(axes[row], bottlenecks, strict=True):
            line = papers[papers["bottleneck"] == bottleneck]
            ax.plot(line["x"], line["mean"], **style.PUBLISHED)
            draw.draw_bottlenecks(ax, ours[ours["bottleneck"] == bottleneck])
            draw.layer_axis(ax, n_layers_of(measured[0]), 3 if len(bottlenecks) > 3 else 5)
            ax.set_xlabel("layer" if row == 2 else "")
        axes[row, 0].set_ylabel(label)
        axes[row, 0].set_title(style.letter(row), loc="left", fontweight="bold")
        if row:
            draw.log_axis(axes[row, 0].yaxis)
    axes[0, 0].set_ylim(bottom=0)
    for ax, bottleneck in zip(axes[0], bottlenecks, strict=True):
        ax.set_title(f"K = {bottleneck}")
    epochs = f"epoch {dimensions['epoch'].iloc[0]}"
    lines = {
        f"published for CIFAR-10: repeated noise, {epochs}, one run": Line2D([], [], **style.PUBLISHED),
        f"measured: {last_epoch(selection)} (colour: K)": Line2D([], [], color="0.2", marker="o"),
    }
    style.row_legend(figure, lines)
    style.heading(figure, run_title(selection), pd.concat(measured))
    return figure, by_panel(*(reference.compare(*tables) for tables in zip(measured, theirs, strict=True)))


def noise(selection: Selection) -> Drawn:
    """Kinds of noise, one column each: ID at the last epoch, test KL and II(output -> input) in training."""
    profile = series.id_profile(series.last_epoch(selection))
    kl = series.fidelity(selection, "kl", "test KL", "epoch")
    imbalance = series.output_to_input(series.imbalance(selection), "epoch")
    kinds = sorted(selection.noises)
    figure, axes = style.new_figure(style.PAGE, 6, 3, len(kinds), sharey="row")
    panels = [table[table["noise"] == kind] for table in (profile, kl, imbalance) for kind in kinds]
    for ax, panel in zip(axes[0], panels[: len(kinds)], strict=True):
        id_panel(ax, panel, 5 if len(kinds) > 3 else None)
    axes[0, 0].set_ylim(bottom=0)
    for ax, panel in zip(axes[1:].flat, panels[len(kinds) :], strict=True):
        is_kl = panel["quantity"].iloc[0] == "test KL"
        training_panel(ax, panel, f"test KL {NATS}" if is_kl else "II(output → input)", log=not is_kl)
    for ax in axes[:, 1:].flat:
        ax.set_ylabel("")
    style.letters(axes.flat, [*kinds, *[""] * 2 * len(kinds)])
    style.bottleneck_legend(figure, selection.bottlenecks)
    numbers = by_panel(*panels)
    style.heading(figure, f"{selection.datasets[0]}, noise by column, ID at {last_epoch(selection)}", numbers)
    return figure, numbers
