"""The figures of the paper."""

from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from vae_geometry.figures import axes as draw
from vae_geometry.figures import captions, gaussians, roles, style, summaries
from vae_geometry.figures.style import Drawn, epoch_title, run_title, sizes
from vae_geometry.figures.summaries import by_panel
from vae_geometry.selection import Selection


def figure1(selection: Selection, table: Path | None = None) -> Drawn:
    """ID, II(layer -> input) and the relative II difference of neighbouring layers, of trained networks."""
    pairs, dimensions = summaries.imbalances(selection), summaries.dimensions(selection)
    profile, to_input = summaries.id_profile(dimensions), summaries.ii_profile(pairs, "input")
    expected = gaussians.at_bottleneck(profile, gaussians.curve(table, dimensions["n_points"]))
    change = summaries.layer_to_layer(pairs)
    names = roles.labels(profile, "x")
    figure, [axes] = style.new_figure(style.PAGE, 3, 1, 3)
    draw.id_panel(axes[0], profile, names)
    for layer, height, bottleneck in expected[["x", "mean", "bottleneck"]].itertuples(index=False):
        axes[0].hlines(height, layer - 0.45, layer + 0.45, colors=[style.colour(bottleneck)], **style.GAUSSIAN)
    draw.compress_bottleneck(axes[0], profile)
    draw.ii_panel(axes[1], to_input, "input", names)
    axes[2].axhline(0, **style.ZERO)
    draw.draw_lines(axes[2], change)
    draw.layer_axis(axes[2], names)
    axes[2].set_ylabel("relative II difference,\nlayers l and l + 1")
    axes[2].set_ylim(-2, 2)  # all that it can be, so that figures can be compared
    for height, side, word in ((0.98, "top", "expansion ↑"), (0.02, "bottom", "compression ↓")):
        axes[2].text(0.98, height, word, transform=axes[2].transAxes, ha="right", va=side, color="0.35", fontsize=6.5)
    style.letters(axes)
    bars = {"a Gaussian of K dimensions": Line2D([], [], color="0.35", **style.GAUSSIAN)}
    style.bottleneck_legend(figure, selection.bottlenecks, bars if len(expected) else None)
    numbers = by_panel(profile, to_input, change)
    style.heading(figure, run_title(selection, epoch_title(selection)), numbers)
    return figure, pd.concat([numbers, expected.assign(panel="a")], ignore_index=True) if len(expected) else numbers


def describe_figure1(numbers: pd.DataFrame) -> captions.Sentences:
    yield from captions.of_data(numbers)
    highest = captions.highest_in_the_decoder(numbers)
    if len(highest):
        values = captions.per_size(highest, lambda row: f"{captions.value(row)} in {row['label']}")
        yield f"Highest ID in the decoder: {values}."
    to_input = captions.measured(numbers, quantity="II(layer -> input)", role="output")
    yield from captions.lowest(to_input.assign(quantity="II(output -> input)"))
    change = roles.of_role(captions.measured(numbers, x_name="midpoint"), "bottleneck", "decoder")  # steps from them
    steps = change.assign(mean=change["mean"] > 0)
    if len(steps):
        expanding = steps.groupby("bottleneck", as_index=False)["mean"].agg(["sum", "size"])
        counts = captions.per_size(expanding, lambda row: f"{row['sum']} of {row['size']}")
        yield f"Steps of the decoder that expand: {counts}."
    expected = captions.measured(numbers, quantity=gaussians.QUANTITY)
    if len(expected):
        ids = captions.per_size(expected)
        yield f"Bars at z, the ID of as many points of a Gaussian of K dimensions: {ids} ({gaussians.SOURCE})."


def figure2(selection: Selection) -> Drawn:
    """FID, or the Frechet distance of other features, test KL and II(output -> input) in training."""
    distance = summaries.frechet_distance(selection, "epoch")
    kl = summaries.fidelity(selection, "kl", "test KL", "epoch")
    course = summaries.validation_kl(selection)
    imbalance = summaries.to_input(summaries.imbalances(selection), "output", "epoch")
    figure, [axes] = style.new_figure(style.PAGE, 2.6, 1, 3)
    draw.training_panel(axes[0], distance, _distance_label(distance))
    if len(course):
        draw.draw_lines(axes[1], course, marker="")
    draw.training_panel(axes[1], kl, f"KL {draw.NATS}", linestyle="none" if len(course) else "-")
    draw.training_panel(axes[2], imbalance, "II(output → input)", log=True)
    style.letters(axes)
    style.bottleneck_legend(figure, selection.bottlenecks)
    numbers = by_panel(distance, pd.concat([course, kl]) if len(course) else kl, imbalance)
    style.heading(figure, run_title(selection), numbers)
    return figure, numbers


def describe_figure2(numbers: pd.DataFrame) -> captions.Sentences:
    panels = [captions.measured(numbers, panel=panel) for panel in "abc"]
    for rows in (panels[0], panels[2]):
        yield from captions.lowest(rows[rows["x"] == rows["x"].max()])
    course = panels[1][panels[1]["quantity"] == summaries.VALIDATION_KL]
    yield from captions.turns(course if len(course) else panels[1], "highest")
    yield from captions.turns(panels[2], "lowest")


def _distance_label(distance: pd.DataFrame) -> str:
    return distance["quantity"].iloc[0].replace(" (", "\n(")  # too long for one line beside a panel


def figure3(selection: Selection) -> Drawn:
    """ID profile at every checkpoint, one panel a bottleneck."""
    profile = summaries.id_profile(summaries.dimensions(selection))
    epochs = sorted(selection.epochs)
    trained = [epoch for epoch in epochs if epoch > 0]
    colours: dict[int, Any] = {0: "0.6", **dict(zip(trained, style.ordered_colours(len(trained)), strict=True))}
    panels = [rows for _, rows in profile.groupby("bottleneck")]
    figure, axes = style.small_multiples(len(panels), 1.7, sharey=False)
    for ax, panel in zip(axes, panels, strict=True):
        for epoch, line in panel.groupby("epoch"):
            draw.draw_series(ax, line, color=colours[epoch], marker="o", markersize=2)
        draw.layer_axis(ax, roles.labels(profile, "x"), 5)
        draw.data_line(ax, summaries.data_dimension(profile))
        ax.set_ylim(bottom=0)
        ax.set_ylabel("intrinsic dimension")
    style.letters(axes, sizes(panels))
    lines = {f"epoch {epoch}": Line2D([], [], color=colours[epoch], marker="o", markersize=2) for epoch in epochs}
    style.row_legend(figure, lines)
    numbers = by_panel(*panels)
    style.heading(figure, run_title(selection), numbers)
    return figure, numbers


def describe_figure3(numbers: pd.DataFrame) -> captions.Sentences:
    yield from captions.of_data(numbers)
    for epoch in sorted(numbers["epoch"].unique())[-2:]:
        highest = captions.highest_in_the_decoder(numbers[numbers["epoch"] == epoch])
        if len(highest):
            yield f"Highest ID in the decoder at epoch {epoch}: {captions.per_size(highest)}."


def figureA1(selection: Selection, table: Path | None = None) -> Drawn:
    """II(output -> input), FID, and the relative II of neighbouring K for fixed layers, against K."""
    dimensions = summaries.dimensions(selection)
    profile = summaries.id_profile(dimensions)
    data = summaries.data_dimension(profile)
    expected = gaussians.of_data(profile, gaussians.curve(table, dimensions["n_points"]), data)
    imbalance = summaries.to_input(summaries.imbalances(selection), "output", "bottleneck")
    distance = summaries.frechet_distance(selection, "bottleneck")
    samples = summaries.frechet_distance(selection, "bottleneck", "samples_frechet_distance")
    change = summaries.bottleneck_to_bottleneck(selection)
    first, second = (roles.of_role(change, *parts) for parts in (("encoder", "bottleneck"), ("decoder", "output")))
    figure, axes = style.new_figure(style.PAGE, 4.4, 2, 2)
    labels = ("II(output → input)", _distance_label(distance))
    for ax, numbers, label in zip(axes[0], (imbalance, distance), labels, strict=True):
        draw.draw_series(ax, numbers, color="0.6", linewidth=0.8, zorder=1)
        draw.draw_lines(ax, numbers)
        draw.doubling_axis(ax, selection.bottlenecks, "bottleneck size K")
        ax.set_ylabel(label)
        _name_data(ax, data)
    if samples["mean"].notna().any():
        _beside_samples(axes[0, 1], samples)
        distance = pd.concat([distance, samples])
    draw.log_axis(axes[0, 0].yaxis)
    for ax, numbers in zip(axes[1], (first, second), strict=True):
        _layer_lines(ax, numbers)
        draw.doubling_axis(ax, selection.bottlenecks, "K (markers lie between K and the next K)")
    for ax in axes.flat:
        ax.axvline(data, **style.REFERENCE)
        if len(expected):
            ax.axvline(expected["mean"].iloc[0], **{**style.REFERENCE, **style.GAUSSIAN})
    style.letters(axes.flat)
    numbers = by_panel(imbalance, distance, first, second)
    style.heading(figure, run_title(selection, epoch_title(selection)), numbers)
    beside = [rows for rows in (roles.of_role(profile, "input"), expected) if len(rows)]
    return figure, pd.concat([numbers, *beside], ignore_index=True)


def describe_figureA1(numbers: pd.DataFrame) -> captions.Sentences:
    yield from captions.of_data(numbers)
    expected = captions.measured(numbers, quantity=gaussians.DIMENSION)
    if len(expected):
        dimension = captions.short(expected["mean"].iloc[0])
        yield f"As many points of a Gaussian of {dimension} dimensions have it, the dotted line ({gaussians.SOURCE})."
    for panel in "ab":
        for _, quantity in captions.measured(numbers, panel=panel).groupby("quantity"):
            yield from captions.lowest(quantity)
    change = captions.measured(numbers, x_name="geometric_mean")
    if change.empty:  # one bottleneck has no next
        return
    for (size, following), layers in change.groupby(["bottleneck", "next_bottleneck"]):
        more = (layers["mean"] > 0).sum()
        yield f"Relative II difference of K = {size} and {following:g}: above zero in {more} of {len(layers)} layers."


def _beside_samples(ax: Axes, samples: pd.DataFrame) -> None:
    """Draw the distance of samples from the prior beside that of the reconstructions."""
    draw.draw_series(ax, samples, color="0.4", linestyle="--", marker="s", markersize=3, markerfacecolor="white")
    last = samples.dropna(subset="mean").iloc[-1]
    ax.annotate("samples", (last["x"], last["mean"]), (0, 4), textcoords="offset points", ha="right", color="0.4")


def _name_data(ax: Axes, data: float) -> None:
    low, high = ax.get_xlim()
    if data < low:
        place, name, side = low, "← ID of the data", "left"
    elif data > high:
        place, name, side = high, "ID of the data →", "right"
    else:
        place, name, side = data, "ID of the data", "center"
    if np.isfinite(data):
        ax.text(place, 1.02, name, color=style.REFERENCE["color"], ha=side, transform=ax.get_xaxis_transform())


def _layer_lines(ax: Axes, numbers: pd.DataFrame) -> None:
    ax.axhline(0, **style.ZERO)
    ax.set_ylabel("relative II difference,\nK and next K")
    if numbers["mean"].isna().all():
        draw.say(ax, "no second bottleneck to compare with")
        return
    lines = [line for _, line in numbers.groupby("layer")]
    looks = zip(style.ordered_colours(len(lines)), cycle(style.MARKERS), strict=False)
    for line, (colour, marker) in zip(lines, looks, strict=True):
        draw.draw_series(ax, line, color=colour, marker=marker, label=line["label"].iloc[0])
    ax.legend(loc="lower right", bbox_to_anchor=(1.02, 0.98), ncols=min(len(lines), 6))


def figureA2(selection: Selection) -> Drawn:
    """ID and II(layer -> input) of untrained networks."""
    profile = summaries.id_profile(summaries.dimensions(selection))
    to_input = summaries.ii_profile(summaries.imbalances(selection), "input")
    names = roles.labels(profile, "x")
    figure, [axes] = style.new_figure(style.PAGE, 2.6, 1, 2)
    draw.id_panel(axes[0], profile, names)
    axes[0].set_ylim(bottom=0)
    draw.ii_panel(axes[1], to_input, "input", names)
    style.letters(axes)
    style.bottleneck_legend(figure, selection.bottlenecks)
    numbers = by_panel(profile, to_input)
    style.heading(figure, run_title(selection, f"{epoch_title(selection)} (untrained)"), numbers)
    return figure, numbers


def describe_figureA2(numbers: pd.DataFrame) -> captions.Sentences:
    yield from captions.of_data(numbers)
    ends = captions.measured(numbers, role="output")
    for name, quantity in {"ID of the output": "ID", "II(output -> input)": "II(layer -> input)"}.items():
        rows = ends[ends["quantity"] == quantity]
        if len(rows):
            yield f"{name}: {captions.per_size(rows)}."
