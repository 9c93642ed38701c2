"""Panels that several figures share."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vae_geometry import figure_style as style
from vae_geometry import series
from vae_geometry.tables import Selection

Drawn = tuple[Figure, pd.DataFrame]
NATS = "(nats per image)"
DATA = "ID of\nthe data"


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


def id_panel(ax: Axes, profile: pd.DataFrame) -> None:
    style.draw_bottlenecks(ax, profile)
    style.layer_axis(ax, n_layers_of(profile))
    ax.axhline(series.data_dimension(profile), **style.REFERENCE)
    ax.set_ylabel("intrinsic dimension")


def ii_panel(ax: Axes, profile: pd.DataFrame, end: str, n_layers: int) -> None:
    style.draw_bottlenecks(ax, profile)
    style.layer_axis(ax, n_layers)
    ax.set_yscale("log")
    ax.set_ylabel(f"II(layer → {end})")


def training_panel(ax: Axes, numbers: pd.DataFrame, label: str, log: bool = False) -> None:
    style.draw_bottlenecks(ax, numbers)
    style.epoch_axis(ax, numbers["x"])
    ax.set_ylabel(label)
    if log:
        ax.set_yscale("log")
