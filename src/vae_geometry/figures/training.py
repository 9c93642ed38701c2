"""What the networks learn: losses, reconstructions, and training with each kind of noise."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D

from vae_geometry.figures import axes as draw
from vae_geometry.figures import captions, roles, style, summaries
from vae_geometry.figures.style import Drawn, epoch_title, run_title
from vae_geometry.figures.summaries import by_panel
from vae_geometry.selection import Selection


def losses(selection: Selection) -> Drawn:
    """Reconstruction, KL and ELBO of the training and the validation set in training."""
    numbers = summaries.losses(selection)
    if (later := numbers[numbers["x"] > 1]).size:  # the first epoch would set the scale
        numbers = later
    panels = [numbers[numbers["quantity"] == term] for term in ("reconstruction", "kl", "elbo")]
    labels = [f"reconstruction {draw.NATS}", f"KL {draw.NATS}", f"ELBO loss {draw.NATS}"]
    lines: dict[str, Any] = {"train": "-", "validation": "--"}
    figure, [axes] = style.new_figure(style.PAGE, 2.6, 1, 3)
    for ax, panel, label in zip(axes, panels, labels, strict=True):
        measured = panel[panel["mean"].notna()]
        for part in [part for part in lines if part in set(measured["part"])] or ["train"]:  # one sentence for both
            draw.draw_lines(ax, panel[panel["part"] == part], linestyle=lines[part])
        draw.epoch_axis(ax, panel["x"])
        ax.set_ylabel(label)
    style.letters(axes)
    parts = {part: Line2D([], [], color="0.2", linestyle=linestyle) for part, linestyle in lines.items()}
    style.bottleneck_legend(figure, selection.bottlenecks, parts)
    numbers = by_panel(*panels)
    style.heading(figure, run_title(selection), numbers)
    return figure, numbers


def describe_losses(numbers: pd.DataFrame) -> captions.Sentences:
    last = captions.measured(numbers, x=numbers["x"].max())
    held_back = last[(last["quantity"] == "elbo") & (last["part"] == "validation")]
    quantity = f"The ELBO loss of the validation set at epoch {last['x'].max()}"
    yield from captions.lowest(held_back.assign(quantity=quantity))
    elbo = last[last["quantity"] == "elbo"].pivot_table(index="bottleneck", columns="part", values="mean").reset_index()
    if {"train", "validation"} <= set(elbo):
        gap = captions.per_size(elbo, lambda row: captions.short(row["validation"] - row["train"]))
        yield f"The same of the validation set minus the training set: {gap} nats."


def reconstructions(selection: Selection) -> Drawn:
    """The first test images above their reconstructions, beside samples from the prior; one row a bottleneck.

    Of inputs that are no images: each value against the reconstructed one, one panel a bottleneck.
    """
    images, decoded, samples, errors = summaries.reconstructions(selection)
    if images.ndim != 4 or images.shape[1] not in (1, 3):
        return _values_against_reconstructed(selection, images, decoded, errors)
    n_rows, (height, width) = 1 + len(decoded), images.shape[2:]
    inches = min((style.PAGE - 0.7) / (2 * len(images)), 0.5)
    figure, [axes] = style.new_figure(style.PAGE, 0.6 + inches * n_rows, 1, 2, sharey=True)
    gap = 2
    blocks: dict[str, list[np.ndarray | None]] = {
        "reconstructions": [images, *decoded.values()],
        "samples from the prior": [None, *samples.values()],
    }
    for ax, rows in zip(axes, blocks.values(), strict=True):
        mosaic = np.ones((n_rows * (height + gap) - gap, len(images) * (width + gap) - gap, 3))
        for row, column in np.ndindex(n_rows, len(images)):
            if (pictures := rows[row]) is not None:
                top, left = row * (height + gap), column * (width + gap)
                mosaic[top : top + height, left : left + width] = pictures[column].transpose(1, 2, 0).clip(0, 1)
        ax.imshow(mosaic, interpolation="nearest")
        middles = [(height - 1) / 2 + row * (height + gap) for row in range(n_rows)]
        ax.set_yticks(middles, ["images", *[f"K = {k}" for k in decoded]])
        ax.set_xticks([])
        ax.tick_params(length=0)
        ax.grid(False)
        ax.spines[:].set_visible(False)
    style.letters(axes, list(blocks))
    style.heading(figure, run_title(selection, f"seed {selection.seeds[0]}, {epoch_title(selection)}"))
    return figure, errors


def _values_against_reconstructed(
    selection: Selection, inputs: np.ndarray, decoded: dict[int, np.ndarray], errors: pd.DataFrame
) -> Drawn:
    figure, axes = style.new_figure(style.PAGE, 2.4, 1, len(decoded), sharex=True, sharey=True)
    ends = [min(inputs.min(), *(part.min() for part in decoded.values()))]
    ends += [max(inputs.max(), *(part.max() for part in decoded.values()))]
    for ax, (size, part) in zip(axes.flat, decoded.items(), strict=True):
        ax.plot(ends, ends, color="0.6", linewidth=0.8)
        ax.plot(inputs.ravel(), part.ravel(), ".", markersize=2, alpha=0.5, color=style.colour(size))
        ax.set_xlabel("value")
    axes.flat[0].set_ylabel("reconstructed")
    style.letters(axes.flat, [f"K = {size}" for size in decoded])
    style.heading(figure, run_title(selection, f"seed {selection.seeds[0]}, {epoch_title(selection)}"))
    return figure, errors


def describe_reconstructions(numbers: pd.DataFrame) -> captions.Sentences:
    errors = numbers.groupby("bottleneck", as_index=False)["mean_squared_error"].mean()
    text = captions.per_size(errors, lambda row: captions.short(row["mean_squared_error"]))
    yield f"Mean squared error per value of the {numbers['image'].nunique()} inputs shown: {text}."


def noise(selection: Selection) -> Drawn:
    """Kinds of noise: ID at the last epoch, test KL and II(output -> input) in training.

    Two kinds have a column each; more of them are lines of one panel, one row a bottleneck.
    """
    profile = summaries.id_profile(summaries.dimensions(summaries.at_last_epoch(selection)))
    kl = summaries.fidelity(selection, "kl", "test KL", "epoch")
    imbalance = summaries.to_input(summaries.imbalances(selection), "output", "epoch")
    kinds = sorted(selection.noises)
    tables, names = (profile, kl, imbalance), roles.labels(profile, "x")
    if len(kinds) < 3:
        lines, groups, titles = (
            "bottleneck",
            [table[table["noise"] == kind] for table in tables for kind in kinds],
            kinds,
        )
        figure, axes = style.new_figure(style.PAGE, 6, 3, len(kinds), sharey="row")
    else:
        lines, sizes = "noise", sorted(selection.bottlenecks)
        groups = [table[table["bottleneck"] == size] for size in sizes for table in tables]
        titles = [title for size in sizes for title in (f"K = {size}", "", "")]
        figure, axes = style.new_figure(style.PAGE, 0.8 + 1.8 * len(sizes), len(sizes), 3)
    for ax, panel in zip(axes.flat, groups, strict=True):
        quantity = panel["quantity"].iloc[0]
        if quantity == "ID":
            draw.id_panel(ax, panel, names, by=lines)
        else:
            is_kl = quantity == "test KL"
            label = f"test KL {draw.NATS}" if is_kl else "II(output → input)"
            draw.training_panel(ax, panel, label, log=not is_kl, by=lines)
        if lines == "bottleneck" and not draw.is_first_column(ax):
            ax.set_ylabel("")
    for ax, panel in zip(axes.flat, groups, strict=True):  # when all is drawn, as panels share their axis
        if panel["quantity"].iloc[0] == "ID":
            ax.set_ylim(bottom=0)
    style.letters(axes.flat, [*titles, *[""] * (axes.size - len(titles))])
    if lines == "bottleneck":
        style.bottleneck_legend(figure, selection.bottlenecks)
    else:
        style.row_legend(figure, {kind: Line2D([], [], **style.look("noise", kind)) for kind in kinds})
    numbers = by_panel(*groups)
    title = f"{selection.datasets[0]}, noise: {captions.listed(kinds)}, ID at {epoch_title(selection)}"
    style.heading(figure, title, numbers)
    return figure, numbers


def describe_noise(numbers: pd.DataFrame) -> captions.Sentences:
    for kind, rows in numbers.groupby("noise"):
        yield from (f"{kind.capitalize()} noise: {sentence}" for sentence in _one_noise(rows))


def _one_noise(numbers: pd.DataFrame) -> captions.Sentences:
    highest = captions.highest_in_the_decoder(numbers)
    if len(highest):
        yield f"highest ID in the decoder {captions.per_size(highest)}."
    for quantity in ("test KL", "II(output -> input)"):
        rows = captions.measured(numbers, quantity=quantity)
        if len(rows):
            yield f"{quantity} at the last epoch {captions.per_size(rows[rows['x'] == rows['x'].max()])}."
