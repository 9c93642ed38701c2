"""Verdicts: what follows for a claim from what is known for each K, where an interval may leave it open."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from vae_geometry.claims.uncertainty import MARGIN, Sample, intervals

HOLDS, CONTRADICTED, UNDECIDED = "holds", "contradicted", "undecided"
TOO_SHORT, NOT_MEASURABLE, NOT_APPLICABLE = "too short to test", "not measurable", "not applicable"
VERDICTS = (HOLDS, CONTRADICTED, UNDECIDED, TOO_SHORT, NOT_MEASURABLE, NOT_APPLICABLE)
Flags = Mapping[int, bool | None]  # K -> yes, no, or not decided


def for_all(flags: Iterable[bool | None]) -> bool | None:
    """Whether all are true: no if one is not, open if one is open otherwise."""
    known = list(flags)
    return False if False in known else None if None in known else True


def for_any(flags: Iterable[bool | None]) -> bool | None:
    """Whether one is true: yes if one is, open if one is open otherwise."""
    known = list(flags)
    return True if True in known else None if None in known else False


def for_all_of(flags: Flags, applies: Flags) -> bool | None:
    """Whether all are true of the K to which a claim applies; open where it surely applies to none.

    A K to which it may apply cannot contradict the claim, but leaves it open unless it is true of this K too. Else the
    K that happen to be decided, with few seeds the most pronounced, would speak for all.
    """
    if True not in applies.values():
        return None
    return for_all(flags[size] if applies[size] else flags[size] or None for size in flags)


def thresholds(flags: Flags) -> set[int | None]:
    """The K from which on something may hold, where it holds for no smaller one; None where it may follow no such rule.

    Every way to settle what is open gives one: something that holds for all K, for none, or here and there has none.
    """
    sizes = sorted(flags)
    known = [flags[size] for size in sizes]
    found: set[int | None] = {
        size
        for place, size in enumerate(sizes)
        if place > 0 and True not in known[:place] and False not in known[place:]
    }
    first = next((place for place, flag in enumerate(known) if flag is not False), len(known))
    may_fall = any(flag is not True for flag in known[first + 1 :])
    if may_fall or False not in known or True not in known:
        found.add(None)
    return found


def known_thresholds(flags: Flags) -> list[int]:
    """The K of ``thresholds``, ascending."""
    return sorted(size for size in thresholds(flags) if size is not None)


def for_large_only(flags: Flags) -> bool | None:
    """Whether something holds for every K from some threshold up, and for none below."""
    found = thresholds(flags)
    if found == {None}:
        return False
    return None if None in found else True


@dataclass(frozen=True)
class Extreme:
    """The inner extreme of a series.

    Attributes
    ----------
    place : int
        Index of the most extreme inner value.
    is_beyond_ends : bool or None
        Whether an inner value lies beyond both ends by more than the margin; None where that is open.
    """

    place: int
    is_beyond_ends: bool | None


def inner_extremes(series: Mapping[int, Sequence[Sample]], sign: int) -> dict[int, Extreme]:
    """For several series of positive numbers, whether an inner value is beyond both ends: a hump (sign 1), a dip (-1).

    The most extreme of many noisy values lies beyond the ends by chance. So each inner value is judged, all of all
    series together, and none is chosen first.

    Parameters
    ----------
    series : mapping
        Of one length, three at least; K -> values along layers or epochs.
    sign : {-1, 1}
    """
    places = range(1, len(next(iter(series.values()))) - 1)
    heights = {
        (key, place, end): values[place].ratio(values[end], sign)
        for key, values in series.items()
        for place in places
        for end in (0, -1)
    }
    # what scatters alike: one place of all series, or all places of the only one
    alike: dict[tuple[int, ...], dict] = defaultdict(dict)
    for (key, place, end), height in heights.items():
        alike[(place, end) if len(series) > 1 else (end,)][key, place, end] = height
    n_tests = len(series) * len(places)
    judged = {at: each.exceeds(MARGIN) for group in alike.values() for at, each in intervals(group, n_tests).items()}
    return {
        key: Extreme(
            max(places, key=lambda place: sign * values[place].mean),
            for_any(for_all((judged[key, place, 0], judged[key, place, -1])) for place in places),
        )
        for key, values in series.items()
    }
