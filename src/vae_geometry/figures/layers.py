"""Figures along the layers and of pairs of them: ID against scale, II to the output, of all pairs, and in a plane."""

from typing import Any

import pandas as pd
from matplotlib.colors import LogNorm

from vae_geometry.figures import axes as draw
from vae_geometry.figures import captions, roles, style, summaries
from vae_geometry.figures.style import Drawn, epoch_title, run_title, sizes
from vae_geometry.figures.summaries import by_panel
from vae_geometry.selection import Selection


def id_scaling(selection: Selection) -> Drawn:
    """ID against the number of neighbours: where the humps of the ID lie, at the bottleneck and at the output."""
    scaling = summaries.id_scaling(selection)
    bottleneck, output = (roles.required(scaling, role)["layer"].iloc[0] for role in ("bottleneck", "output"))
    shown = [*roles.middle(scaling, "encoder"), bottleneck, *roles.middle(scaling, "decoder"), output]
    data, panels = roles.of_role(scaling, "input"), [scaling[scaling["layer"] == layer] for layer in shown]
    figure, axes = style.small_multiples(len(panels), 1.9)
    for ax, panel in zip(axes, panels, strict=True):
        draw.draw_lines(ax, panel)
        ax.plot(data.groupby("x")["mean"].mean(), **style.REFERENCE)
        draw.name_end(ax, data.loc[data["x"] == data["x"].max(), "mean"].mean(), "data")
        draw.doubling_axis(ax, panel["x"], "neighbours n")
    axes[0].set_ylim(bottom=0)
    axes[0].set_ylabel("intrinsic dimension")
    style.letters(axes, [_title(panel) for panel in panels])
    style.bottleneck_legend(figure, selection.bottlenecks)
    numbers = by_panel(*panels)
    style.heading(figure, run_title(selection, epoch_title(selection)), numbers)
    return figure, pd.concat([numbers, data], ignore_index=True)


def _title(panel: pd.DataFrame) -> str:
    role, label = panel[["role", "label"]].iloc[0]
    return role if role == "output" else f"{role}, {label}"


def describe_id_scaling(numbers: pd.DataFrame) -> captions.Sentences:
    measured = captions.measured(numbers)
    ends = sorted(measured["x"].unique())
    for neighbours in ends[:: max(len(ends) - 1, 1)]:
        rows = measured[measured["x"] == neighbours]
        data, output = roles.of_role(rows, "input"), roles.of_role(rows, "output")
        if len(data) and len(output):
            of_data, of_output = captions.short(data["mean"].mean()), captions.per_size(output)
            yield f"ID at {neighbours} neighbours: {of_data} of the data, and of the output {of_output}."


def ii_to_output(selection: Selection) -> Drawn:
    """II(layer -> output) of trained networks."""
    pairs = summaries.imbalances(selection)
    profile = summaries.ii_profile(pairs, "output")
    figure, [[ax]] = style.new_figure(style.COLUMN, 2.6, 1, 1)
    draw.ii_panel(ax, profile, "output", roles.labels(pairs, "source_layer", "source_label"))
    style.bottleneck_legend(figure, selection.bottlenecks)
    numbers = by_panel(profile)
    style.heading(figure, run_title(selection, epoch_title(selection)), numbers)
    return figure, numbers


def describe_ii_to_output(numbers: pd.DataFrame) -> captions.Sentences:
    for name, role in {"input": "input", "z": "bottleneck"}.items():
        rows = captions.measured(numbers, role=role)
        if len(rows):
            yield f"II({name} -> output): {captions.per_size(rows)}."


def ii_matrix(selection: Selection) -> Drawn:
    """II of all ordered pairs of layers, one panel a bottleneck."""
    panels = [rows for _, rows in summaries.ii_pairs(summaries.imbalances(selection)).groupby("bottleneck")]
    numbers = by_panel(*panels)
    names = roles.labels(numbers, "x")
    layers, places = list(names), range(len(names))
    known = numbers["mean"].dropna()
    scale = LogNorm(known.min(), known.max()) if len(known) else LogNorm(0.01, 1)  # all of them null
    figure, axes = style.small_multiples(len(panels), 1.9)
    for ax, panel in zip(axes, panels, strict=True):
        matrix = panel.pivot_table(index="x", columns="target_layer", values="mean").reindex(layers, columns=layers)
        ax.set_facecolor("0.85")
        # squares, as some PDF viewers blur an image of few pixels; with edges, as others show gaps between them
        squares = ax.pcolormesh(places, places, matrix, norm=scale, cmap="plasma", edgecolors="face", linewidth=0.1)
        ax.set(aspect="equal", ylim=(len(layers) - 0.5, -0.5))
        ax.grid(False)
        named = draw.evenly_named(len(layers), draw.panel_width(ax), 7)
        shown = [names[layers[place]] for place in named]
        ax.set_xticks(named, shown, rotation=90, fontsize=draw.SMALL)
        ax.set_yticks(named, shown, fontsize=draw.SMALL)
        ax.set_xlabel("to layer")
        if draw.is_first_column(ax):
            ax.set_ylabel("from layer")
    style.letters(axes, sizes(panels))
    bar = figure.colorbar(squares, ax=axes, label="II(from layer → to layer)", shrink=0.8, aspect=30)
    draw.log_axis(bar.ax.yaxis)
    style.heading(figure, run_title(selection, epoch_title(selection)), numbers, spread="")
    return figure, numbers


def describe_ii_matrix(numbers: pd.DataFrame) -> captions.Sentences:
    pairs = captions.measured(numbers)
    pairs = pairs[pairs["x"] != pairs["target_layer"]].sort_values("mean")
    for name, row in {"Lowest": 0, "Highest": -1}.items():
        if len(pairs):
            pair = pairs.iloc[row]
            where = f"from {pair['label']} to {pair['target_label']} with K = {pair['bottleneck']}"
            yield f"{name} II of two layers: {captions.value(pair)}, {where}."


def ii_plane(selection: Selection) -> Drawn:
    """II(layer -> input) against II(input -> layer), one panel a bottleneck, the paths of the others behind in grey."""
    pairs = summaries.imbalances(selection)
    there, back = summaries.ii_profile(pairs, "input", backward=True), summaries.ii_profile(pairs, "input")
    panels = [rows for _, rows in pd.concat([there, back]).groupby("bottleneck")]
    # dropna=False, as few points have no spread at any layer
    plane: dict[str, Any] = {"index": "x", "columns": "quantity", "values": ["mean", "spread"], "dropna": False}
    paths = [panel.pivot_table(**plane) for panel in panels]
    names = roles.labels(pairs, "source_layer", "source_label")
    floors = 2 / pairs["n_points"].dropna().unique()
    figure, axes = style.small_multiples(len(panels), 1.9, sharex=True)
    for ax, panel, path in zip(axes, panels, paths, strict=True):
        for other in paths:
            ax.plot(*_plane(other["mean"]), color="0.85", linewidth=0.8, zorder=0)
        bottleneck = panel["bottleneck"].iloc[0]
        (across, up), (across_spread, up_spread) = _plane(path["mean"]), _plane(path["spread"])
        ax.axline((across.iloc[0],) * 2, (2 * across.iloc[0],) * 2, **style.REFERENCE)
        look: dict[str, Any] = {"color": style.colour(bottleneck), "marker": style.marker(bottleneck)}
        ax.errorbar(across, up, up_spread, across_spread, elinewidth=0.6, **look)
        for floor in floors:
            ax.axhline(floor, **style.FLOOR)
            ax.axvline(floor, **style.FLOOR)
            draw.name_end(ax, floor, "2/N")
        ax.set_xlabel("II(input → layer)")
        ax.tick_params(labelbottom=True)
        if draw.is_first_column(ax):
            ax.set_ylabel("II(layer → input)")
    for axis in (axes[0].xaxis, axes[0].yaxis):  # all panels share them
        draw.log_axis(axis)
    style.letters(axes, sizes(panels))
    numbers = by_panel(*panels)
    style.heading(figure, run_title(selection, epoch_title(selection)), numbers, spread="bars")
    figure.draw_without_rendering()  # the names need the final places of the points
    for ax, path in zip(axes, paths, strict=True):
        draw.name_points(ax, *_plane(path["mean"]), [names[layer] for layer in path.index])
    return figure, numbers


def describe_ii_plane(numbers: pd.DataFrame) -> captions.Sentences:
    plane = (
        captions.measured(numbers).pivot_table(index=["bottleneck", "x"], columns="quantity", values="mean").dropna()
    )
    says_more = plane["II(layer -> input)"] < plane["II(input -> layer)"]
    names = roles.labels(numbers, "x")
    for bottleneck, layers in says_more.groupby("bottleneck"):
        below = [names[layer] for _, layer in layers.index[layers]]
        yield f"K = {bottleneck}: below the diagonal {captions.listed(below) if below else 'no layer'}."


def _plane(path: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    return path["II(input -> layer)"], path["II(layer -> input)"]
