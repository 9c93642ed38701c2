"""The transition: from which K on the decoder's ID has a hump, and whether the ID of the data lies there.

Beside it stands where II(output -> input) stops falling, from which the advice takes its K. Both are known only up to
the steps of the sweep: between which neighbouring K they lie.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from vae_geometry.claims.evidence import DECODER, Evidence
from vae_geometry.claims.registry import which_bottlenecks
from vae_geometry.claims.uncertainty import MARGIN, Sample, intervals
from vae_geometry.claims.verdicts import Extreme, Flags, for_all, for_large_only, inner_extremes, known_thresholds
from vae_geometry.claims.witnesses import by_imbalance, tells_nothing, too_narrow


@dataclass(frozen=True)
class Transition:
    """Where in the K of a sweep something sets in.

    Attributes
    ----------
    brackets : list of pairs of int
        Neighbouring K of the sweep, the larger of which has it: one pair, several where the errors leave open which,
        none where there is no such K.
    is_sure : bool
        Whether it sets in within the sweep however the errors fall.
    text : str
        What is known for which K, in words.
    """

    brackets: list[tuple[int, int]]
    is_sure: bool
    text: str

    def is_at(self, dimension: Sample) -> bool | None:
        """Whether an ID lies within the brackets, give or take a tenth: yes, no, or None where that is open."""
        reached = []
        for below, size in self.brackets:
            ratios = (dimension.ratio(dimension.like(below)), dimension.like(size).ratio(dimension))
            reached.append(for_all(intervals({0: ratio})[0].exceeds(-MARGIN) for ratio in ratios))
        if not self.is_sure:  # there may be no such K
            reached.append(None)
        return reached[0] if len(set(reached)) == 1 else None

    def __str__(self) -> str:
        return " or ".join(f"between {below} and {size}" for below, size in self.brackets)


def humps(evidence: Evidence, epoch: int, *roles: str) -> tuple[Flags, dict[int, str]]:
    """K -> whether the ID has a hump along layers of these roles, and the highest layer's ID over those of the ends."""
    profiles = evidence.profiles(epoch, evidence.hump_layers(*roles))
    found = inner_extremes(profiles, 1)
    texts = {size: _height(profiles[size], extreme) for size, extreme in found.items()}
    return {size: extreme.is_beyond_ends for size, extreme in found.items()}, texts


def _height(profile: list[Sample], extreme: Extreme) -> str:
    return f"{profile[extreme.place]} between {profile[0]} and {profile[-1]}"


def transition_of(evidence: Evidence) -> Transition:
    """Where the decoder's hump sets in, at the last epoch.

    Raises
    ------
    NotMeasured
        If an ID was not measured, or there are not two K.
    NotApplicable
        If the network has fewer than three layers from the bottleneck on.
    """
    sizes = evidence.several(2)
    flags, _ = humps(evidence, evidence.last, *DECODER)
    brackets = _up_to(sizes, known_thresholds(flags))
    return Transition(brackets, bool(for_large_only(flags)), which_bottlenecks("hump", flags))


def levelling_of(evidence: Evidence) -> Transition:
    """Where II(output -> input) stops falling, at the last epoch: below the smallest K as good as the best.

    Raises
    ------
    NotMeasured
        If an II was not measured, or there are not two K.
    NotApplicable
        If the network has no input or no output.
    """
    sizes = evidence.several(2)
    found = by_imbalance(evidence, evidence.last)
    if obstacles := [*tells_nothing(found), *too_narrow(found)]:
        return Transition([], False, "; ".join(obstacles))
    if found.enough == sizes[0]:
        return Transition([], False, f"K = {sizes[0]}, the smallest, is as good as the best, so add smaller ones")
    open_for = [size for size in sizes if found.possible <= size <= (found.enough or sizes[-1])]
    is_sure = found.possible > sizes[0] and found.enough is not None
    return Transition(_up_to(sizes, open_for), is_sure, str(found))


def _up_to(sizes: Sequence[int], found: Iterable[int]) -> list[tuple[int, int]]:
    """Those of some K, but the smallest, each with the one below it."""
    wanted = set(found)
    return [(below, size) for below, size in pairwise(sizes) if size in wanted]
