"""K at the transition against the ID of the data, over all data sets of a sweep."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import ceil, floor, log2
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from vae_geometry import NOISES
from vae_geometry.claims.evidence import Evidence, NotApplicable, NotMeasured
from vae_geometry.claims.reading import of_sweep
from vae_geometry.claims.transition import Transition, levelling_of, transition_of
from vae_geometry.figures import axes as draw
from vae_geometry.figures import captions, style
from vae_geometry.figures.style import Drawn, epoch_title
from vae_geometry.figures.summaries import by_panel
from vae_geometry.selection import Selection

TABLES = ("intrinsic_dimension", "information_imbalance")
SIGNS: dict[str, Callable[[Evidence], Transition]] = {
    "K where the decoder's hump sets in": transition_of,
    "K where II(output -> input) stops falling": levelling_of,
}
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#333333")  # Okabe and Ito
ALL = "all"  # seeds together
AT = {True: "lies", False: "does not lie", None: "may lie"}
BAR: dict[str, Any] = {"linestyle": "none", "elinewidth": 0.9, "capsize": 2, "capthick": 0.9, "markeredgewidth": 0.9}
SEED: dict[str, Any] = {"linestyle": "none", "marker": "_", "markersize": 7, "markeredgewidth": 0.8}
ABSENT: dict[str, Any] = {"linestyle": "none", "marker": "x", "markersize": 4, "markeredgewidth": 0.9}
OPEN: dict[str, Any] = {**ABSENT, "color": "0.4", "marker": "o", "markerfacecolor": "white"}
ONE_ID = 1.06  # IDs within this factor are drawn side by side, each so far from the next


def transition(selection: Selection) -> Drawn:
    """Brackets of K at the transition against the ID of the data, one a data set; a row for each kind of noise."""
    kinds = [kind for kind in NOISES if kind in selection.noises]
    found = pd.concat(
        [_rows(replace(selection, datasets=[name], noises=[kind])) for name in selection.datasets for kind in kinds]
    )
    panels = [found[(found["noise"] == kind) & (found["quantity"] == sign)] for kind in kinds for sign in SIGNS]
    figure, axes = style.new_figure(
        style.PAGE, 1.0 + 2.3 * len(kinds), len(kinds), len(SIGNS), sharex=True, sharey=True
    )
    looks: dict[str, dict[str, Any]] = {
        name: {"color": COLOURS[at % len(COLOURS)], "marker": style.MARKERS[at % len(style.MARKERS)]}
        for at, name in enumerate(selection.datasets)
    }
    places = _side_by_side(found)
    for ax, panel in zip(axes.flat, panels, strict=True):
        if places.empty:
            draw.say(ax, panel["reason"].iloc[0])
            continue
        errors = found.groupby("dataset")["id_error"].max()
        lowest = max((places - errors).min(), places.min() / 2)  # an error may be as large as its ID
        _set_up(ax, sorted(selection.bottlenecks), lowest, (places + errors).max())
        _draw_brackets(ax, panel, places, looks)
    for row, kind in zip(axes, kinds, strict=True):
        row[0].set_ylabel("K" + (f"\n{kind.replace('_', ' ')} noise" if len(kinds) > 1 else ""))
    for ax in axes[-1]:
        ax.set_xlabel("ID of the data")
    titles = [sign.replace("->", "→") for sign in SIGNS]
    style.letters(axes.flat, [*titles, *[""] * (axes.size - len(titles))])
    lines = {name: Line2D([], [], linestyle="none", **look) for name, look in looks.items()}
    lines["open whether there is one"] = Line2D([], [], **OPEN)
    lines["none found"] = Line2D([], [], color="0.4", **ABSENT)
    lines["K = ID"] = Line2D([], [], **style.REFERENCE)
    style.row_legend(figure, lines)
    seeds = f"{len(selection.seeds)} seeds" if len(selection.seeds) > 1 else "one seed"
    style.heading(figure, f"transition by data set, noise: {' and '.join(kinds)}, {epoch_title(selection)}, {seeds}")
    return figure, by_panel(*panels)


def _rows(selection: Selection) -> pd.DataFrame:
    """What each seed alone and all together say of one data set and kind of noise, by both signs."""
    rows = []
    *alone, together = of_sweep(selection, TABLES)
    for evidence in [together, *(alone if len(alone) > 1 else [])]:
        run = {"dataset": selection.datasets[0], "noise": selection.noises[0], "epoch": max(selection.epochs)}
        run["seeds"] = ALL if evidence is together else str(evidence.seeds[0])
        rows += [{"quantity": sign, **run, **_row(evidence, find)} for sign, find in SIGNS.items()]
    return pd.DataFrame(rows)


def _row(evidence: Evidence, find: Callable[[Evidence], Transition]) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(("id", "id_error", "lower", "upper", "middle"), np.nan)
    row |= {"is_sure": None, "is_at_the_id": None, "reason": None}
    try:
        data = evidence.dimension_of(evidence.bottlenecks[-1], evidence.last, "input")
        row |= {"id": data.mean, "id_error": np.nan_to_num(data.error)}
        found = find(evidence)
    except (NotMeasured, NotApplicable) as error:
        return {**row, "reason": str(error)}
    if not found.brackets:
        return {**row, "reason": found.text}
    lower, upper = found.brackets[0][0], found.brackets[-1][1]
    row |= {"lower": lower, "upper": upper, "middle": (lower * upper) ** 0.5}
    return {**row, "is_sure": found.is_sure, "is_at_the_id": found.is_at(data)}


def _side_by_side(found: pd.DataFrame) -> pd.Series:
    """Data set -> where it stands on the axis, ascending: at its ID, or beside others that have the same one."""
    places = found.groupby("dataset")["id"].mean().dropna().sort_values()
    for at in range(1, len(places)):
        places.iloc[at] = max(places.iloc[at], ONE_ID * places.iloc[at - 1])
    return places


def _set_up(ax: Axes, sizes: Sequence[int], lowest: float, highest: float) -> None:
    """Axes of K and of IDs in this range, both logarithmic, and the line K = ID."""
    ax.set_yscale("log", base=2)
    ax.set_yticks(sizes, [str(size) for size in sizes])
    ax.minorticks_off()
    ax.set_ylim(sizes[0] / 3, sizes[-1] * 1.4)
    powers = [2**power for power in range(floor(log2(lowest)), ceil(log2(highest)) + 1)]
    draw.doubling_axis(ax, powers, "")
    line = powers[0] / 2, powers[-1] * 2
    ax.plot(line, line, scalex=False, scaley=False, **style.REFERENCE)


def _draw_brackets(ax: Axes, panel: pd.DataFrame, places: pd.Series, looks: Mapping[str, dict]) -> None:
    """A bar for each data set, or a cross below all K; short lines for the seeds alone."""
    for row in panel[panel["dataset"].isin(places.index)].itertuples():
        place, look = places[row.dataset], looks[row.dataset]
        if row.reason is None:
            if row.seeds == ALL:
                bar = [[row.middle - row.lower], [row.upper - row.middle]]
                face = look["color"] if row.is_sure else "white"
                ax.errorbar(place, row.middle, bar, row.id_error, markerfacecolor=face, **BAR, **look)
            else:
                ax.plot(place, row.middle, color=look["color"], **SEED)
        elif row.seeds == ALL:
            ax.plot(place, ax.get_ylim()[0] * 1.4, color=look["color"], **ABSENT)


def describe_transition(numbers: pd.DataFrame) -> captions.Sentences:
    """Each bracket, whether the ID lies there, what each seed alone says, and where there is none, why."""
    for (kind, sign), rows in numbers.groupby(["noise", "quantity"], sort=False):
        about = f"{captions.capital(kind.replace('_', ' '))} noise, {sign}"
        together = rows[rows["seeds"] == ALL]
        found = together[together["reason"].isna()]
        if len(found):
            yield f"{about}: {'; '.join(_bracket(row) + _beside(row) for row in found.itertuples())}."
        for reason, absent in together.groupby("reason", sort=False):
            yield f"{about}: none for {captions.listed(absent['dataset'])}, {reason}."
        alone = rows[rows["seeds"] != ALL].merge(found[["dataset", "middle"]], on="dataset", suffixes=("", "_together"))
        others = alone[alone["middle"] != alone["middle_together"]]
        if len(others):
            texts = [f"{_bracket(row)} by seed {row.seeds} ({row.dataset})" for row in others.itertuples()]
            yield f"{about}, what single seeds say otherwise: {'; '.join(texts)}."
        elif len(alone):
            yield f"{about}: each seed alone says the same."


def _bracket(row: Any) -> str:
    if row.reason is not None:
        return "none"
    return f"between {row.lower:g} and {row.upper:g}{'' if row.is_sure else ', if at all'}"


def _beside(row: Any) -> str:
    dimension = captions.value(pd.Series({"mean": row.id, "spread": row.id_error}))
    return f", where the ID, {dimension}, {AT[row.is_at_the_id]} ({row.dataset})"
