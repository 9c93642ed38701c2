"""Numbers measured with several seeds, and intervals about their means: one level and one margin for everything.

Seeds are drawn afresh, so the mean of n seeds has the error SD / sqrt(n). Two or three seeds tell their SD badly, hence
those of all K of a sweep are drawn towards each other, the more the less they differ. Intervals are Student's t, with
the degrees of freedom that this gives.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from math import floor, hypot, log, log10, nan
from statistics import NormalDist
from typing import Any, Self, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Key = TypeVar("Key", bound=Hashable)
LEVEL = 0.95
# Two numbers are alike where they differ by less than a tenth: 2NN is no more accurate than that even on points of low
# dimension that are spread evenly (docs/explanation/trust.md).
MARGIN = log(1.1)
ROUNDING = 1e-9  # of numbers that are the same, and of their logarithms
SEEDS, ESTIMATE = "standard error over seeds", "standard error of the measurement"


@dataclass(frozen=True, eq=False)
class Sample:
    """One quantity as every seed has it.

    Attributes
    ----------
    numbers : (n_seeds,) float array
    errors : (n_seeds,) float array
        Standard error of each measurement, null where none is known.
    """

    numbers: NDArray[np.float64]
    errors: NDArray[np.float64]

    @classmethod
    def of(cls, value: float, error: float = nan) -> Self:
        """A number measured once."""
        return cls(np.array([value], float), np.array([error], float))

    @property
    def mean(self) -> float:
        return float(self.numbers.mean())

    @property
    def own(self) -> float:
        """Standard error of one measurement; null where it is not known."""
        return float(np.sqrt((self.errors**2).mean()))

    @property
    def n_measurements(self) -> int:
        """Number of seeds, or 1 where all measured the same: what they share, such as the data, has one error."""
        n_seeds = len(self.numbers)
        return 1 if n_seeds > 1 and self.own > 0 and np.ptp(self.numbers) < ROUNDING else n_seeds

    @property
    def error(self) -> float:
        """Standard error of the mean, from this sample alone; null where one seed has no error of its own."""
        spread = self.numbers.std(ddof=1) if self.n_measurements > 1 else nan
        return float(np.fmax(spread, self.own) / np.sqrt(self.n_measurements))

    def log(self) -> "Sample":
        """Logarithms, of positive numbers."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return Sample(np.log(self.numbers), self.errors / self.numbers)

    def like(self, number: float) -> "Sample":
        """A number that is known exactly, for as many seeds."""
        return Sample(np.full_like(self.numbers, number), np.zeros_like(self.errors))

    def __sub__(self, other: "Sample") -> "Sample":
        """Differences within seeds."""
        return Sample(self.numbers - other.numbers, np.hypot(self.errors, other.errors))

    def ratio(self, other: "Sample", sign: int = 1) -> "Sample":
        """Logarithms of the ratios to another quantity within seeds, or with sign -1 of the other to this one."""
        difference = self.log() - other.log()
        return Sample(sign * difference.numbers, difference.errors)

    def __str__(self) -> str:
        if not self.error > 0:
            return f"{self.mean:.3g}"
        decimals = max(0, 1 - floor(log10(self.error)))  # two digits of the error
        return f"{self.mean:.{decimals}f} ± {self.error:.{decimals}f}"


def mean_of(samples: Sequence[Sample]) -> Sample:
    """Means within seeds, of measurements with errors of their own."""
    errors = np.sqrt(np.sum([sample.errors**2 for sample in samples], axis=0)) / len(samples)
    return Sample(np.mean([sample.numbers for sample in samples], axis=0), errors)


def sum_of(samples: Sequence[Sample]) -> Sample:
    """Sums within seeds, of measurements that may share their errors: these add."""
    return Sample(*(np.sum([getattr(sample, name) for sample in samples], axis=0) for name in ("numbers", "errors")))


@dataclass(frozen=True)
class Interval:
    """An interval that holds a mean with the probability ``LEVEL``, with all that are judged together."""

    lower: float
    upper: float

    def exceeds(self, margin: float) -> bool | None:
        """Whether the mean is larger than a margin: yes, no, or None where the interval holds it."""
        if self.lower > margin:
            return True
        return False if self.upper < margin else None

    def is_within(self, margin: float) -> bool | None:
        """Whether the mean is nearer to zero than a margin: yes, no, or None."""
        if -margin < self.lower and self.upper < margin:
            return True
        return False if self.lower > margin or self.upper < -margin else None


def intervals(samples: Mapping[Key, Sample], n_tests: int = 1) -> dict[Key, Interval]:
    """Intervals for the means of samples that scatter alike, such as those of one quantity for all K.

    Parameters
    ----------
    samples : mapping
        Of numbers on one scale. With one seed the error of the measurement stands alone, as it says nothing of other
        seeds; where that is not known, the interval is the whole line.
    n_tests : int
        How many intervals are judged together: each has the level 1 - 0.05 / n_tests (Bonferroni), so that noise alone
        decides one of them in at most 5 % of cases.

    Returns
    -------
    dict
        Key -> interval.
    """
    from scipy.special import stdtrit

    probability = 1 - (1 - LEVEL) / 2 / n_tests
    several = {key: sample.numbers for key, sample in samples.items() if sample.n_measurements > 1}
    of_seeds = _moderated(several)
    found = {}
    for key, sample in samples.items():
        variance, freedom = of_seeds.get(key, (nan, 0))
        factor = stdtrit(freedom, probability) if key in several else NormalDist().inv_cdf(probability)
        half = factor * np.sqrt(np.fmax(variance, sample.own**2) / sample.n_measurements)
        is_known = np.isfinite(half) and np.isfinite(sample.mean)
        found[key] = Interval(sample.mean - half, sample.mean + half) if is_known else Interval(-np.inf, np.inf)
    return found


def differences(samples: Mapping[Key, Sample]) -> dict[tuple[Key, Key], Interval]:
    """Intervals for the difference of each mean to each other, of samples that scatter alike but not together.

    Networks of other K share no weights with a seed, so that their numbers are not compared within seeds. Nothing is
    corrected for their number: what is judged together is for the caller to say.

    Returns
    -------
    dict
        (one key, another) -> interval of the first mean less the second.
    """
    from scipy.special import stdtrit

    of_seeds = _moderated({key: sample.numbers for key, sample in samples.items() if sample.n_measurements > 1})
    probability = (1 + LEVEL) / 2
    squares, factors = {}, {}
    for key, sample in samples.items():
        variance, freedom = of_seeds.get(key, (nan, nan))
        squares[key] = np.fmax(variance, sample.own**2) / sample.n_measurements
        factors[key] = stdtrit(freedom, probability) if freedom > 0 else NormalDist().inv_cdf(probability)
    found = {}
    for one, other in permutations(samples, 2):
        mean = samples[one].mean - samples[other].mean
        half = max(factors[one], factors[other]) * np.sqrt(squares[one] + squares[other])
        is_known = np.isfinite(half) and np.isfinite(mean)
        found[one, other] = Interval(mean - half, mean + half) if is_known else Interval(-np.inf, np.inf)
    return found


def _moderated(several: Mapping[Key, NDArray[np.float64]]) -> dict[Key, tuple[float, float]]:
    """Variances over seeds, each drawn towards those of the others, and the degrees of freedom this gives.

    Where the variances differ no more than by chance, all are the pooled one. Else the more they differ, the less one
    is drawn, so that a K whose seeds scatter widely does not drown the others: Smyth, Statistical Applications in
    Genetics and Molecular Biology 3 (2004) 3, section 6.2.
    """
    from scipy.special import polygamma

    found = {key: float(numbers.var(ddof=1)) for key, numbers in several.items() if np.isfinite(numbers).all()}
    if not found:
        return {}
    variances, freedom = np.array(list(found.values())), np.array([len(several[key]) - 1 for key in found])
    total = float(freedom.sum())
    # whole numbers of a few seeds may all be the same, which does not say that they never differ
    scatter = variances > 1e-5 * variances.mean()
    logarithms = np.log(variances[scatter]) - _bias_of_log(freedom[scatter])
    excess = logarithms.var(ddof=1) - polygamma(1, freedom[scatter] / 2).mean() if scatter.sum() > 1 else 0.0
    if excess <= 0:
        return dict.fromkeys(found, (float((freedom * variances).sum() / total), total))
    prior_freedom = 2 * _inverse_trigamma(excess)
    prior = np.exp(logarithms.mean() + _bias_of_log(prior_freedom))
    drawn = (prior_freedom * prior + freedom * variances) / (prior_freedom + freedom)
    gained = np.minimum(prior_freedom + freedom, total)
    return {key: (float(variance), float(each)) for key, variance, each in zip(found, drawn, gained, strict=True)}


def _bias_of_log(freedom: Any) -> Any:
    """Mean of the logarithm of a variance that is estimated with so many degrees of freedom, and is truly 1."""
    from scipy.special import digamma

    return digamma(freedom / 2) - np.log(freedom / 2)


def _inverse_trigamma(value: float) -> float:
    """Newton's method on 1 / trigamma, which is convex and nearly a line (Smyth, as above, appendix)."""
    from scipy.special import polygamma

    root = 0.5 + 1 / value
    for _ in range(50):
        root += polygamma(1, root) * (1 - polygamma(1, root) / value) / polygamma(2, root)
    return float(root)


def over_seeds(frame: pd.DataFrame, value: str, by: Sequence[str], error: str | None = None) -> pd.DataFrame:
    """Mean over seeds of one quantity, and its standard error.

    That is the standard deviation over seeds or the standard error of one measurement, whichever is larger, divided by
    the root of the number of seeds; where all seeds measured the same, such as the data, it is that of one measurement.

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
    deviation, n_seeds = groups[value].std(), groups[value].count()
    own = groups[error].mean() if error else pd.Series(np.nan, index=deviation.index)
    is_own = own.notna() & ~(deviation > own)
    n_measurements = n_seeds.clip(lower=1).mask(is_own & (deviation < ROUNDING), 1)
    spread = own.where(is_own, deviation) / np.sqrt(n_measurements)
    kind = pd.Series(SEEDS, index=spread.index).mask(is_own, ESTIMATE).where(spread.notna())
    columns = {"mean": groups[value].mean(), "spread": spread, "spread_kind": kind, "n_seeds": n_seeds}
    return pd.DataFrame(columns)


def differs(value: float, error: float, other: float, other_error: float) -> bool:
    """Whether two means differ by more than twice the standard error of their difference; no, where it is not known."""
    return abs(value - other) > 2 * hypot(error, other_error)
