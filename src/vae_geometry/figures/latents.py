"""The latent of trained networks both ways, sampled and not, with all units and with the active ones."""

from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from vae_geometry.figures import axes as draw
from vae_geometry.figures import captions, gaussians, roles, style, summaries
from vae_geometry.figures.style import Drawn, epoch_title, run_title
from vae_geometry.figures.summaries import by_panel
from vae_geometry.latents import LATENTS
from vae_geometry.selection import Selection
from vae_geometry.tables import read_frame

TO_INPUT, DIMENSION, UNITS = "II(latent -> input)", "ID of the latent", "active units"
NAMES = dict(zip(LATENTS, ("z", "mu", "active units of z", "active units of mu"), strict=True))
Z, MU = style.ordered_colours(3)[1:]
LOOKS: dict[str, dict[str, Any]] = {
    "sample": {"color": Z, "marker": "o"},
    "mean": {"color": MU, "marker": "s"},
    "active_sample": {"color": Z, "marker": "o", "linestyle": "--", "markerfacecolor": "white", "markeredgewidth": 0.8},
    "active_mean": {"color": MU, "marker": "s", "linestyle": "--", "markerfacecolor": "white", "markeredgewidth": 0.8},
}


def latents(selection: Selection, table: Path | None = None) -> Drawn:
    """II(latent -> input), ID and active units against K, of z, its mean, and the active units of both."""
    dimensions, frame = summaries.dimensions(selection), read_frame("latents", selection)
    profile = summaries.id_profile(dimensions)
    ids = gaussians.curve(table, dimensions["n_points"])
    expected = gaussians.at_bottleneck(profile, ids).assign(x_name="bottleneck", x=lambda rows: rows["bottleneck"])
    along: dict[str, Any] = {"x": "bottleneck", "series": ["latent"]}
    to_input = summaries.summarise(frame, "ii_to_input", TO_INPUT, error="ii_to_input_stderr", **along)
    of_latent = summaries.summarise(frame, "intrinsic_dimension", DIMENSION, error="id_stderr", **along)
    units = summaries.summarise(frame[frame["latent"] == "active_mean"], "n_units", UNITS, **along)
    figure, [axes] = style.new_figure(style.PAGE, 2.6, 1, 3)
    labels = ("II(latent → input)", "intrinsic dimension", "active units")
    for ax, numbers, label in zip(axes, (to_input, of_latent, units), labels, strict=True):
        _lines(ax, numbers)
        draw.doubling_axis(ax, selection.bottlenecks, "bottleneck size K")
        ax.set_ylabel(label)
    draw.log_axis(axes[0].yaxis)
    draw.data_line(axes[1], summaries.data_dimension(profile))
    further = {}
    if len(expected):
        (line,) = axes[1].plot(expected["x"], expected["mean"], color="0.35", **style.GAUSSIAN)
        further["a Gaussian of K dimensions"] = line
    axes[2].plot(units["x"], units["x"], color="0.35", **style.GAUSSIAN)
    for ax in axes[1:]:
        ax.set_ylim(bottom=0)
    style.letters(axes)
    style.row_legend(figure, {**{NAMES[name]: Line2D([], [], **look) for name, look in LOOKS.items()}, **further})
    numbers = by_panel(to_input, of_latent, units)
    style.heading(figure, run_title(selection, epoch_title(selection)), numbers)
    beside = [rows for rows in (roles.of_role(profile, "input"), expected) if len(rows)]
    return figure, pd.concat([numbers, *beside], ignore_index=True)


def _lines(ax: Axes, numbers: pd.DataFrame) -> None:
    if numbers["mean"].isna().all():
        draw.say(ax, numbers["reason"].dropna().iloc[0])
        return
    for name, line in numbers.groupby("latent"):
        draw.draw_series(ax, line, **LOOKS[name])


def describe_latents(numbers: pd.DataFrame) -> captions.Sentences:
    yield from captions.of_data(numbers)
    units = captions.measured(numbers, quantity=UNITS)
    yield f"Active units: {captions.per_size(units)}."
    has_idle_units = (units["mean"] < units["bottleneck"]).any()
    names = {latent: NAMES[latent] for latent in (LATENTS if has_idle_units else LATENTS[:2])}
    for latent, name in names.items():
        rows = captions.measured(numbers, quantity=TO_INPUT, latent=latent).sort_values("bottleneck")
        yield from captions.lowest(rows.assign(quantity=f"II({name} -> input)"))
        yield from _up_to_the_widest(name, rows)
    for latent, name in names.items():
        rows = captions.measured(numbers, quantity=DIMENSION, latent=latent)
        if len(rows):
            yield f"ID of {name}: {captions.per_size(rows)}."
    expected = captions.measured(numbers, quantity=gaussians.QUANTITY)
    if len(expected):
        yield f"ID of as many points of a Gaussian of K dimensions: {captions.per_size(expected)} ({gaussians.SOURCE})."


def _up_to_the_widest(name: str, rows: pd.DataFrame) -> captions.Sentences:
    """Whether II(latent -> input) rises from its lowest value to that of the widest bottleneck; rows sorted by K."""
    if rows.empty:
        return
    best, widest = rows.loc[rows["mean"].idxmin()], rows.iloc[-1]
    if best["bottleneck"] < widest["bottleneck"]:
        verb = "does not rise beyond its errors" if captions.is_alike(best, widest) else "rises"
        where = f"from K = {best['bottleneck']} to {widest['bottleneck']}, where it is {captions.value(widest)}"
        yield f"II({name} -> input) {verb} {where}."
