"""Data sets or networks side by side: whether what holds for one holds for the others."""

import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from vae_geometry import NOISES
from vae_geometry.claims.evidence import DECODER, ENCODER
from vae_geometry.claims.uncertainty import Sample
from vae_geometry.claims.verdicts import inner_extremes
from vae_geometry.claims.witnesses import tells_nothing, witness
from vae_geometry.figures import axes as draw
from vae_geometry.figures import captions, roles, style, summaries
from vae_geometry.figures.style import Drawn, epoch_title
from vae_geometry.figures.summaries import by_panel
from vae_geometry.selection import Selection

LINES: dict[str, Any] = dict(zip(NOISES, ("-", "--", ":", "-."), strict=True))
ENDS = {"output": "II(output -> input)", "bottleneck": "II(bottleneck -> input)"}


def compare(selection: Selection) -> Drawn:
    """Data sets, one column each: ID along the layers, II to the input over K, and II(output -> input) in training."""
    kinds = [kind for kind in NOISES if kind in selection.noises]
    columns = [_panels(replace(selection, datasets=[name]), kinds) for name in selection.datasets]
    figure, axes = style.new_figure(
        style.PAGE, 0.8 + 1.4 * len(columns[0]), len(columns[0]), len(columns), sharey="row"
    )
    for row in range(1, len(kinds)):  # kinds of noise are compared too
        axes[row, 0].sharey(axes[0, 0])
        axes[-row - 1, 0].sharey(axes[-1, 0])
    for column, panels in zip(axes.T, columns, strict=True):
        profiles, over_sizes, courses = column[: len(kinds)], column[len(kinds) : -len(kinds)], column[-len(kinds) :]
        for ax, profile in zip(profiles, panels, strict=False):
            draw.id_panel(ax, profile, roles.labels(profile, "x"))
        data = summaries.data_dimension(pd.concat(panels[: len(kinds)]))
        for ax, imbalance in zip(over_sizes, panels[len(kinds) :], strict=False):
            _draw_over_sizes(ax, imbalance)
            draw.doubling_axis(ax, selection.bottlenecks, "K")
            ax.axvline(data, **style.REFERENCE)
        for ax, course in zip(courses, panels[-len(kinds) :], strict=True):
            draw.training_panel(ax, course, "", log=True)
    axes[0, 0].set_ylim(bottom=0)
    names = [f"\n{_words(kind)}" if len(kinds) > 1 else "" for kind in kinds]
    rows = [f"intrinsic dimension{name}" for name in names]
    rows += [f"{quantity.replace('->', '→')}\nlast epoch" for quantity in ENDS.values()]
    rows += [f"II(output → input){name}" for name in names]
    for row, label in zip(axes, rows, strict=True):
        row[0].set_ylabel(label)
        for ax in row[1:]:
            ax.set_ylabel("")
    style.letters(axes.flat, [*_titles(selection.datasets), *[""] * (axes.size - len(columns))])
    lines = {_words(kind): Line2D([], [], color="0.4", **_look(kind), marker="o") for kind in kinds}
    lines["ID of the data"] = Line2D([], [], **style.REFERENCE)
    style.bottleneck_legend(figure, selection.bottlenecks, lines)
    numbers = by_panel(*(panels[row] for row in range(len(rows)) for panels in columns))
    style.heading(figure, f"data sets by column, noise: {' and '.join(kinds)}, {epoch_title(selection)}", numbers)
    return figure, numbers


def _panels(selection: Selection, kinds: Sequence[str]) -> list[pd.DataFrame]:
    """The numbers of one data set, from top to bottom."""
    profile = summaries.id_profile(summaries.dimensions(summaries.at_last_epoch(selection)))
    pairs = summaries.imbalances(selection)
    trained = pairs[pairs["epoch"] == max(selection.epochs)]
    course = summaries.to_input(pairs, "output", "epoch")
    return [
        *(profile[profile["noise"] == kind] for kind in kinds),
        *(summaries.to_input(trained, end, "bottleneck") for end in ENDS),
        *(course[course["noise"] == kind] for kind in kinds),
    ]


def _look(kind: str) -> dict[str, Any]:
    """Line and marker of a kind of noise, where the colour is that of K: filled for fresh noise alone."""
    hollow = {"markerfacecolor": "white", "markeredgewidth": 0.8}
    return {"linestyle": LINES[kind], **({} if kind == "fresh" else hollow)}


def _draw_over_sizes(ax: Axes, numbers: pd.DataFrame) -> None:
    if numbers["mean"].isna().all():
        draw.draw_lines(ax, numbers)  # says why
        return
    for kind, line in numbers.groupby("noise"):
        draw.draw_series(ax, line, color="0.6", linestyle=LINES[kind], linewidth=0.8, zorder=1)
        for bottleneck, point in line.groupby("bottleneck"):
            look = {**_look(kind), "linestyle": "none", "marker": style.marker(bottleneck)}
            ax.plot(point["x"], point["mean"], color=style.colour(bottleneck), **look)
    draw.log_axis(ax.yaxis)


def _titles(names: Sequence[str]) -> list[str]:
    """Names of the columns, broken where they are wider than their column beside its letter."""
    room = max(int((0.8 * 72 * style.PAGE / len(names) - 24) / 4.2), 4)
    return ["\n".join(textwrap.wrap(name.replace("_", "_ "), room)).replace("_ ", "_") for name in names]


def describe_compare(numbers: pd.DataFrame) -> captions.Sentences:
    names = numbers["dataset"].unique()
    data = captions.measured(numbers, quantity="ID", role="input").groupby("dataset")["mean"].mean()
    if len(data):
        ids = [f"{captions.short(data[name])} ({name})" for name in names if name in data]
        yield f"ID of the data, the dashed lines: {captions.listed(ids)}."
    for kind in numbers["noise"].unique():
        of_kind = numbers[numbers["noise"] == kind]
        for question, answer in QUESTIONS.items():
            answers = [f"{answer(of_kind[of_kind['dataset'] == name])} ({name})" for name in names]
            yield f"{captions.capital(_words(kind))}, {question}: {'; '.join(answers)}."


def _words(kind: str) -> str:
    return f"{kind.replace('_', ' ')} noise"


def _has_hump(*of_roles: str) -> Callable[[pd.DataFrame], str]:
    def answer(numbers: pd.DataFrame) -> str:
        layers = roles.of_role(numbers[numbers["quantity"] == "ID"], *of_roles)
        n_layers = layers["x"].nunique()
        if n_layers < 3:
            return f"not applicable, the network has {n_layers} layer{'s' * (n_layers > 1)} there"
        lines = {size: _values(rows) for size, rows in captions.measured(layers).groupby("bottleneck")}
        whole = {size: list(values.values()) for size, values in lines.items() if len(values) == n_layers}
        return _sizes(whole, 1, "the ID of all layers")

    return answer


def _has_minimum(numbers: pd.DataFrame) -> str:
    values = _of_output(numbers, "bottleneck")
    if len(values) < 3:
        return f"not measurable, needs 3 K and has {len(values)}"
    flag = inner_extremes({0: list(values.values())}, -1)[0].is_beyond_ends
    lowest = min(values, key=lambda size: values[size].mean)
    return str(lowest) if flag else "open" if flag is None else "none"


def _is_enough(numbers: pd.DataFrame) -> str:
    values = _of_output(numbers, "bottleneck")
    if len(values) < 2:
        return f"not measurable, needs 2 K and has {len(values)}"
    found = witness(ENDS["output"], values, logarithmic=True)
    if tells_nothing(found):
        return "none, as even the best output tells little of the input"
    if found.enough == max(values):
        return f"{found.enough}, the largest of the sweep"
    return f"open for {', '.join(map(str, found.open_for))}" if found.open_for else str(found.enough)


def _turns(numbers: pd.DataFrame) -> str:
    course = numbers[numbers["epoch"] > 0].groupby("bottleneck")
    lines = {size: _of_output(rows, "epoch") for size, rows in course}
    long = {size: list(values.values()) for size, values in lines.items() if len(values) > 2}
    return _sizes(long, -1, "three checkpoints past epoch 0")


QUESTIONS = {
    "K with a hump of the ID in the encoder": _has_hump(*ENCODER),
    "K with a hump of the ID in the decoder": _has_hump(*DECODER),
    "K between the ends where II(output -> input) is lowest": _has_minimum,
    "smallest K that is as good as the best by II(output -> input)": _is_enough,
    "K of which II(output -> input) falls, then rises in training": _turns,
}


def _sizes(series: Mapping[int, Sequence[Sample]], sign: int, needs: str) -> str:
    """The K whose series has a hump (sign 1) or a dip (-1), in words; where there is none, what that needs."""
    if not series or len({len(values) for values in series.values()}) > 1:
        return f"not measurable, needs {needs}"
    flags = {size: extreme.is_beyond_ends for size, extreme in inner_extremes(series, sign).items()}
    yes, unclear = ([str(size) for size, flag in flags.items() if flag is value] for value in (True, None))
    return (", ".join(yes) or "none") + (f", open for {', '.join(unclear)}" if unclear else "")


def _of_output(numbers: pd.DataFrame, x_name: str) -> dict[int, Sample]:
    return _values(captions.measured(numbers, quantity=ENDS["output"], x_name=x_name))


def _values(rows: pd.DataFrame) -> dict[int, Sample]:
    """x -> the mean and its error, wide enough for a normal interval of it to be the one of so few seeds.

    Relative errors of several x scatter alike, so that none is taken to be smaller than all together.
    """
    from scipy.special import stdtrit

    ordered = rows.sort_values("x")
    freedom = int((ordered["n_seeds"] - 1).clip(lower=0).sum())
    relative = ordered["spread"] / ordered["mean"]
    if freedom:
        relative = relative.clip(lower=(relative**2).mean() ** 0.5) * stdtrit(freedom, 0.975) / stdtrit(np.inf, 0.975)
    errors = relative * ordered["mean"]
    return dict(zip(ordered["x"], map(Sample.of, ordered["mean"], errors), strict=True))
