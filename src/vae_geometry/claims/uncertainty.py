"""Means over seeds with their errors, and how claims, captions and figures compare them: one error, one tolerance."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import floor, hypot, inf, log, log10

import numpy as np
import pandas as pd

TOLERANCE = 2.0  # standard errors of a difference
SEEDS, ESTIMATE = "standard deviation over seeds", "standard error of the measurement"


def over_seeds(frame: pd.DataFrame, value: str, by: Sequence[str], error: str | None = None) -> pd.DataFrame:
    """Mean over seeds of one quantity, and its error.

    The error is the standard deviation over seeds, or the mean standard error of one measurement where that is larger.

    Parameters
    ----------
    frame : data frame
        One row a measurement: the columns ``by``, ``value`` and ``error``. Nulls of ``value`` are left out.
    value : str
        The column to average.
    by : sequence of str
        What tells the means apart.
    error : str, optional
        Column of standard errors of the measurements; without it only several seeds give an error.

    Returns
    -------
    data frame
        Indexed by ``by``: ``mean``, ``spread`` (its error), ``spread_kind`` (``SEEDS`` or ``ESTIMATE``; null where no
        error is known) and ``n_seeds`` (those that were measured; 0 leaves a null mean).
    """
    groups = frame.groupby(list(by), dropna=False)  # a folder without a manifest has layers without a role
    deviation = groups[value].std()
    own = groups[error].mean() if error else pd.Series(np.nan, index=deviation.index)
    is_own = own.notna() & ~(deviation > own)
    spread = own.where(is_own, deviation)
    kind = pd.Series(SEEDS, index=spread.index).mask(is_own, ESTIMATE).where(spread.notna())
    columns = {"mean": groups[value].mean(), "spread": spread, "spread_kind": kind, "n_seeds": groups[value].count()}
    return pd.DataFrame(columns)


@dataclass(frozen=True)
class Measured:
    """A number with its standard error, 0 where none is known."""

    value: float
    error: float = 0.0

    def __sub__(self, other: "Measured") -> "Measured":
        return Measured(self.value - other.value, hypot(self.error, other.error))

    def __str__(self) -> str:
        if not self.error:
            return f"{self.value:.3g}"
        decimals = max(0, 1 - floor(log10(self.error)))  # two digits of the error
        return f"{self.value:.{decimals}f} ± {self.error:.{decimals}f}"


ZERO = Measured(0.0)


def exceeds(a: Measured, b: Measured) -> bool:
    """Whether a is larger than b by more than ``TOLERANCE`` standard errors of their difference."""
    difference = a - b
    return difference.value > TOLERANCE * difference.error


def hump(profile: Sequence[Measured]) -> Measured:
    """Height of the highest inner value over the higher end; a hump is a height that exceeds 0.

    Parameters
    ----------
    profile : sequence of at least three
        Along the layers.
    """
    first, *inner, last = profile
    return max(inner, key=_value) - max(first, last, key=_value)


def extremum(series: Mapping[int, Measured], sign: int) -> int | None:
    """Where a series is lowest (sign -1) or highest (sign 1), if its first and its last value both differ from that.

    Parameters
    ----------
    series : mapping
        Epoch or K -> value.
    sign : {-1, 1}

    Returns
    -------
    int or None
        None where the extreme value is at an end, or is no lower or higher than an end by more than the tolerance.
    """
    places = sorted(series)
    extreme = max(places, key=lambda place: sign * series[place].value)
    ends = (series[places[0]], series[places[-1]])
    differs = (exceeds(series[extreme], end) if sign > 0 else exceeds(end, series[extreme]) for end in ends)
    return extreme if all(differs) else None


def is_near(measured: Measured, target: Measured, alternative: float) -> bool:
    """Whether a positive number is nearer, as a ratio, to its target than to an alternative, within the tolerance.

    ``alternative`` is the ratio of the alternative to the target, above 1, and counts on both sides of it.
    """
    if min(measured.value, target.value) <= 0:  # no ID is near to one of zero
        return measured.value == target.value
    distance = abs(log(measured.value / target.value))
    error = hypot(measured.error / measured.value, target.error / target.value)
    return distance <= log(alternative) / 2 + TOLERANCE * error


def threshold(flags: Mapping[int, bool]) -> int | None:
    """The K from which on something holds, where it holds for all larger ones and for no smaller one.

    None where it holds for none, for all, or here and there.
    """
    first = min((size for size, flag in flags.items() if flag), default=inf)
    is_split = all(flag == (size >= first) for size, flag in flags.items())
    return int(first) if is_split and min(flags) < first < inf else None


def _value(measured: Measured) -> float:
    return measured.value


def differs(a: Measured, b: Measured) -> bool:
    """Whether two numbers differ by more than the tolerance: one exceeds the other."""
    return exceeds(a, b) or exceeds(b, a)
