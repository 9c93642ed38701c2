"""The figures of the paper, and the losses."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

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


def figure1(selection: Selection) -> Drawn:
    """ID, II(layer -> input) and the relative II difference of neighbouring layers, of trained networks."""
    pairs = series.imbalance(selection)
    profile, to_input = series.id_profile(selection), series.ii_profile(pairs, "input")
    change = series.layer_to_layer(pairs)
    figure, [axes] = style.new_figure(style.PAGE, 2.6, 1, 3)
    id_panel(axes[0], profile)
    axes[0].set_ylim(bottom=0)
    ii_panel(axes[1], to_input, "input", n_layers_of(profile))
    axes[2].axhline(0, **style.ZERO)
    draw.draw_bottlenecks(axes[2], change)
    draw.layer_axis(axes[2], n_layers_of(profile))
    axes[2].set_ylabel("relative II difference,\nlayers l and l + 1")
    axes[2].set_title("expansion ↑  compression ↓", loc="right", color="0.35", fontsize=6.5)
    style.letters(axes)
    style.bottleneck_legend(figure, selection.bottlenecks)
    numbers = by_panel(profile, to_input, change)
    style.heading(figure, run_title(selection, last_epoch(selection)), numbers)
    return figure, numbers


def figure2(selection: Selection) -> Drawn:
    """FID, or the Frechet distance of other features, test KL and II(output -> input) in training."""
    distance = series.frechet_distance(selection, "epoch")
    kl = series.fidelity(selection, "kl", "test KL", "epoch")
    imbalance = series.output_to_input(series.imbalance(selection), "epoch")
    figure, [axes] = style.new_figure(style.PAGE, 2.6, 1, 3)
    training_panel(axes[0], distance, _distance_label(distance))
    training_panel(axes[1], kl, f"test KL {NATS}")
    training_panel(axes[2], imbalance, "II(output → input)", log=True)
    style.letters(axes)
    style.bottleneck_legend(figure, selection.bottlenecks)
    numbers = by_panel(distance, kl, imbalance)
    style.heading(figure, run_title(selection), numbers)
    return figure, numbers


def _distance_label(distance: pd.DataFrame) -> str:
    return distance["quantity"].iloc[0].replace(" (", "\n(")  # too long for one line beside a panel


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
            draw.draw_series(ax, line, color=colours[epoch], marker="o", markersize=2)
        draw.layer_axis(ax, n_layers_of(profile), 5)
        draw.data_line(ax, series.data_dimension(profile))
        if ax.get_subplotspec().is_first_col():
            ax.set_ylabel("intrinsic dimension")
    axes[0].set_ylim(bottom=0)
    style.letters(axes, sizes(panels))
    lines = {f"epoch {epoch}": Line2D([], [], color=colours[epoch], marker="o", markersize=2) for epoch in epochs}
    style.row_legend(figure, lines)
    numbers = by_panel(*panels)
    style.heading(figure, run_title(selection), numbers)
    return figure, numbers


def figure_a1(selection: Selection) -> Drawn:
    """II(output -> input), FID, and the relative II of neighbouring K for fixed layers, against K."""
    profile = series.id_profile(selection)
    data = series.data_dimension(profile)
    imbalance = series.output_to_input(series.imbalance(selection), "bottleneck")
    distance = series.frechet_distance(selection, "bottleneck")
    change = series.bottleneck_to_bottleneck(selection)
    n_layers = int(change["layer"].max()) + 1 if len(change) else 0
    first, second = change[change["layer"].between(1, n_layers // 2)], change[change["layer"] > n_layers // 2]
    figure, axes = style.new_figure(style.PAGE, 4.4, 2, 2)
    labels = ("II(output → input)", _distance_label(distance))
    for ax, numbers, label in zip(axes[0], (imbalance, distance), labels, strict=True):
        draw.draw_series(ax, numbers, color="0.6", linewidth=0.8, zorder=1)
        draw.draw_bottlenecks(ax, numbers)
        draw.doubling_axis(ax, selection.bottlenecks, "bottleneck size K")
        ax.set_ylabel(label)
        _name_data(ax, data)
    draw.log_axis(axes[0, 0].yaxis)
    for ax, numbers in zip(axes[1], (first, second), strict=True):
        _layer_lines(ax, numbers, n_layers)
        draw.doubling_axis(ax, selection.bottlenecks, "K (markers lie between K and the next K)")
    for ax in axes.flat:
        ax.axvline(data, **style.REFERENCE)
    style.letters(axes.flat)
    numbers = by_panel(imbalance, distance, first, second)
    style.heading(figure, run_title(selection, last_epoch(selection)), numbers)
    return figure, pd.concat([numbers, profile[profile["x"] == 0]], ignore_index=True)


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


def _layer_lines(ax: Axes, numbers: pd.DataFrame, n_layers: int) -> None:
    ax.axhline(0, **style.ZERO)
    ax.set_ylabel("relative II difference,\nK and next K")
    if numbers["mean"].isna().all():
        draw.say(ax, "no second bottleneck to compare with")
        return
    lines = numbers.groupby("layer")
    for (layer, line), colour, marker in zip(lines, style.ordered_colours(len(lines)), style.MARKERS, strict=False):
        draw.draw_series(ax, line, color=colour, marker=marker, label=draw.layer_names([layer], n_layers)[0])
    ax.legend(loc="lower right", bbox_to_anchor=(1.02, 0.98), ncols=len(lines))


def figure_a2(selection: Selection) -> Drawn:
    """ID and II(layer -> input) of untrained networks."""
    profile = series.id_profile(selection)
    to_input = series.ii_profile(series.imbalance(selection), "input")
    figure, [axes] = style.new_figure(style.PAGE, 2.6, 1, 2)
    id_panel(axes[0], profile)
    axes[0].set_ylim(bottom=0)
    ii_panel(axes[1], to_input, "input", n_layers_of(profile))
    style.letters(axes)
    style.bottleneck_legend(figure, selection.bottlenecks)
    numbers = by_panel(profile, to_input)
    style.heading(figure, run_title(selection, f"{last_epoch(selection)} (untrained)"), numbers)
    return figure, numbers


def losses(selection: Selection) -> Drawn:
    """Reconstruction, KL and ELBO of the training and the validation images in training."""
    numbers = series.losses(selection)
    panels = [numbers[numbers["quantity"] == term] for term in ("reconstruction", "kl", "elbo")]
    labels = [f"reconstruction {NATS}", f"KL {NATS}", f"ELBO loss {NATS}"]
    lines = {"train": "-", "validation": "--"}
    figure, [axes] = style.new_figure(style.PAGE, 2.6, 1, 3)
    for ax, panel, label in zip(axes, panels, labels, strict=True):
        measured = panel[panel["mean"].notna()]
        for part in [part for part in lines if part in set(measured["part"])] or ["train"]:  # one sentence for both
            draw.draw_bottlenecks(ax, panel[panel["part"] == part], linestyle=lines[part])
        draw.epoch_axis(ax, panel["x"])
        ax.set_ylabel(label)
    style.letters(axes)
    parts = {part: Line2D([], [], color="0.2", linestyle=linestyle) for part, linestyle in lines.items()}
    style.bottleneck_legend(figure, selection.bottlenecks, parts)
    numbers = by_panel(*panels)
    style.heading(figure, run_title(selection), numbers)
    return figure, numbers
