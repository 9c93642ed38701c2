"""Captions: what a figure shows, how to read it, and in sentences the numbers that it draws.

Beside ``caption`` stand what the ``describe_`` functions of the figures share; nothing is said that was not measured.
"""

from collections.abc import Callable, Iterable

import numpy as np
import pandas as pd

from vae_geometry.claims.uncertainty import ESTIMATE, SEEDS, differs
from vae_geometry.figures import roles
from vae_geometry.figures.figure import Figure

Sentences = Iterable[str]


def caption(figure: Figure, sentences: Sentences, numbers: pd.DataFrame) -> str:
    """The whole caption of a figure, in reStructuredText that reads as plain text too.

    Parameters
    ----------
    figure : Figure
        Its entry in the registry.
    sentences : iterable of str
        What it shows in this sweep.
    numbers : data frame
        What it draws: its CSV file.
    """
    listed = "".join(f"- {sentence}\n" for sentence in [*sentences, *_what_was_averaged(numbers)])
    return f"{figure.shows}\n\n*How to read it.* {figure.how_to_read}\n\n**In this run:**\n\n{listed}"


def _what_was_averaged(numbers: pd.DataFrame) -> Sentences:
    if "n_seeds" not in numbers:
        return
    n_seeds = numbers["n_seeds"].max()
    bands = " or the ".join(kind for kind in (SEEDS, ESTIMATE) if kind in set(numbers["spread_kind"]))
    if " or " in bands:
        bands += ", whichever is larger"
    lines = "One seed" if n_seeds == 1 else f"Means over {n_seeds} seeds"
    if n_seeds:
        yield f"{lines}; the spread is the {bands}." if bands else f"{lines}, without a spread."
    absent = numbers[numbers["mean"].isna() & numbers["reason"].notna()]
    if len(absent):
        reasons = "; ".join(absent["reason"].unique()[:2])
        yield f"{len(absent)} of {len(numbers)} values could not be measured: {reasons}."


def short(value: float) -> str:
    """A number with three digits, or all of its whole ones."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def value(row: pd.Series) -> str:
    """A mean as far as its spread lets one read it, which has two digits."""
    if not row["spread"] > 0:
        return short(row["mean"])
    decimals = max(1 - int(np.floor(np.log10(row["spread"]))), 0)
    return f"{row['mean']:,.{decimals}f} ± {row['spread']:,.{decimals}f}"


def capital(text: str) -> str:
    """With a capital letter at the beginning, the rest as it is."""
    return text[:1].upper() + text[1:]  # capitalize() would write Ii for II


def listed(items: Iterable) -> str:
    """One, two and three."""
    *first, last = map(str, items)
    return f"{', '.join(first)} and {last}" if first else last


def per_size(rows: pd.DataFrame, text: Callable[[pd.Series], str] = value) -> str:
    """A value for every K, of rows that hold one for each."""
    return listed(f"{text(row)} (K = {row['bottleneck']:g})" for _, row in rows.sort_values("bottleneck").iterrows())


def measured(numbers: pd.DataFrame, **wanted: str | float) -> pd.DataFrame:
    """Rows with a mean and with these values of their columns."""
    rows = numbers[numbers["mean"].notna()]
    for column, content in wanted.items():
        rows = rows[rows[column] == content]
    return rows


def is_alike(one: pd.Series, other: pd.Series) -> bool:
    """Whether errors are known, and leave open which of two means is larger."""
    numbers = [float(row[name]) for row in (one, other) for name in ("mean", "spread")]
    return not np.isnan(numbers).any() and not differs(*numbers)


def of_data(numbers: pd.DataFrame) -> Sentences:
    """The ID of the data, where the input was measured."""
    of_input = measured(numbers, quantity="ID", role="input")
    if len(of_input):
        yield f"ID of the data: {short(of_input['mean'].mean())}, the dashed line."


def highest_in_the_decoder(profile: pd.DataFrame) -> pd.DataFrame:
    """For every K the row of the highest ID past the bottleneck."""
    decoder = measured(roles.of_role(profile, "decoder", "output"), quantity="ID")
    return decoder.loc[decoder.groupby("bottleneck")["mean"].idxmax()]


def lowest(rows: pd.DataFrame) -> Sentences:
    """For which K a quantity is lowest, and whether the next one is told apart from it."""
    ordered = rows.sort_values("mean")
    if ordered.empty:
        return
    best = ordered.iloc[0]
    sentence = f"{best['quantity']} is lowest with K = {best['bottleneck']}: {value(best)}"
    if len(ordered) > 1:
        following = ordered.iloc[1]
        sentence += f"; next is K = {following['bottleneck']} with {value(following)}"
        if is_alike(best, following):
            sentence += ", not distinguishable within two standard errors"
    yield f"{sentence}."


def turns(rows: pd.DataFrame, extreme: str) -> Sentences:
    """For which K a quantity had its extreme of training before the last epoch."""
    turned = []
    for bottleneck, line in rows[rows["x"] > 0].groupby("bottleneck"):
        ordered = line.sort_values("x")
        last = ordered.iloc[-1]
        best = ordered.loc[ordered["mean"].idxmin() if extreme == "lowest" else ordered["mean"].idxmax()]
        if best["x"] < last["x"]:
            course = f"{short(best['mean'])} at epoch {best['x']:g}, {short(last['mean'])} at {last['x']:g}"
            turned.append(f"K = {bottleneck} ({course})")
    if turned:
        yield f"{capital(rows['quantity'].iloc[0])} is {extreme} before the last epoch for {listed(turned)}."
    elif len(rows):
        yield f"{capital(rows['quantity'].iloc[0])} is {extreme} at the last epoch for every K."
