"""Panels that several figures share."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vae_geometry.figures import axes as draw
from vae_geometry.figures import style
from vae_geometry.figures import summaries as series
from vae_geometry.tables import Selection

Drawn = tuple[Figure, pd.DataFrame]
NATS = "(nats per image)"


def run_title(selection: Selection, epochs: str = "") -> str:
    return f"{selection.datasets[0]}, noise: {' and '.join(selection.noises)}" + (epochs and f", {epochs}")


def last_epoch(selection: Selection) -> str:
    return f"epoch {max(selection.epochs)}"


def by_panel(*panels: pd.DataFrame) -> pd.DataFrame:
    lettered = [panel.assign(panel=style.letter(index)) for index, panel in enumerate(panels)]
    numbers = pd.concat([panel for panel in lettered if len(panel)], ignore_index=True)
    return numbers[["panel", *numbers.columns.drop(["panel", "reason"]), "reason"]]


def sizes(panels: list[pd.DataFrame]) -> list[str]:
    return [f"K = {panel['bottleneck'].iloc[0]}" for panel in panels]


def n_layers_of(profile: pd.DataFrame) -> int:
    return int(profile["x"].max()) + 1


def id_panel(ax: Axes, profile: pd.DataFrame, n_named: int | None = None) -> None:
    draw.draw_bottlenecks(ax, profile)
    draw.layer_axis(ax, n_layers_of(profile), n_named)
    draw.data_line(ax, series.data_dimension(profile))
    ax.set_ylabel("intrinsic dimension")


def ii_panel(ax: Axes, profile: pd.DataFrame, end: str, n_layers: int) -> None:
    draw.draw_bottlenecks(ax, profile)
    draw.layer_axis(ax, n_layers)
    draw.log_axis(ax.yaxis)
    ax.set_ylabel(f"II(layer → {end})")


def training_panel(ax: Axes, numbers: pd.DataFrame, label: str, log: bool = False) -> None:
    draw.draw_bottlenecks(ax, numbers)
    draw.epoch_axis(ax, numbers["x"])
    ax.set_ylabel(label)
    if log:
        draw.log_axis(ax.yaxis)
