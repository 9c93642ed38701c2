"""Which K one quantity finds wide enough: a test of non-inferiority of each K against the best."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile

from vae_geometry.claims.evidence import Evidence
from vae_geometry.claims.registry import by_bottleneck
from vae_geometry.claims.uncertainty import MARGIN, Sample, differences

TENTH = 0.1  # of what the best K gains over the narrowest: a K that lacks less is as good
# II(output -> input): half of the points are nearer in the input than the one that is nearest in the output
TELLS_LITTLE = 0.5


@dataclass(frozen=True)
class Witness:
    """Which K one quantity finds wide enough.

    Attributes
    ----------
    name : str
    worse : mapping
        K -> whether it is worse than the best by more than the margin, None where that is open; ascending.
    numbers : mapping
        K -> value.
    """

    name: str
    worse: Mapping[int, bool | None]
    numbers: Mapping[int, Sample]

    @property
    def enough(self) -> int | None:
        """The smallest K that is surely not worse than any other, within the margin; None where none is."""
        return min((size for size, flag in self.worse.items() if flag is False), default=None)

    @property
    def possible(self) -> int:
        """The smallest K that may not be worse."""
        return min(size for size, flag in self.worse.items() if flag is not True)

    @property
    def open_for(self) -> list[int]:
        """The K that may be the smallest that is enough, unless that is known up to its neighbour: then none."""
        found = [size for size in self.worse if self.possible <= size and (not self.enough or size <= self.enough)]
        return found if len(found) > 2 or not self.enough else []

    @property
    def smaller(self) -> list[int]:
        """A K below the narrowest, where that may be enough."""
        narrowest = min(self.worse)
        return [narrowest // 2] if self.possible == narrowest > 1 else []

    @property
    def best(self) -> int:
        """The K with the lowest number."""
        return min(self.numbers, key=lambda size: self.numbers[size].mean)

    def next_sizes(self) -> list[int]:
        """K that narrow the bracket or go past either end, with the narrowest and the best, which set the margin.

        The same K where the errors leave several open, as more seeds tell more, and a smaller one where the narrowest
        is among them.
        """
        sizes = list(self.worse)
        if self.open_for:
            return sorted({*sizes, *self.smaller})
        smaller = [size for size in sizes if size < self.possible]
        lower = smaller[-1] if smaller else max(1, sizes[0] // 4)
        upper = self.enough or sizes[-1]  # the first, as no K is open
        steps = {round(lower * (upper / lower) ** (step / 4)) for step in range(5)}
        larger = {2 * sizes[-1]} if upper == sizes[-1] else set()
        return sorted({sizes[0], self.best, *steps, *larger})

    def __str__(self) -> str:
        sizes = ", ".join(map(str, self.open_for))
        open_from = f", perhaps {self.possible}" if self.enough and self.possible < self.enough else ""
        found = f"K = {self.enough}{open_from}" if self.enough else f"open between K = {sizes}"
        return f"{self.name}: {found} ({by_bottleneck(self.numbers)})"


def witness(name: str, numbers: Mapping[int, Sample], logarithmic: bool) -> Witness:
    """Compare all K, where lower is better.

    A K is worse where it lacks a tenth of what the best K gains over the narrowest; where ``logarithmic``, of their
    logarithms, and at least ``uncertainty.MARGIN``. That is a test of non-inferiority: it takes no K because that was
    not shown to be worse. As the lowest of several noisy numbers need not be the best, a K must not be worse than any
    other K, each by its own interval (Hsu 1984). The K are tested in order and up to the first that is open, from the
    lowest number down to narrower ones for those that are not worse, and from the narrowest up for those that are: then
    no test needs a correction for the others (Maurer, Hothorn and Lehmacher 1995).
    """
    scaled = {size: number.log() if logarithmic else number for size, number in sorted(numbers.items())}
    sizes = list(scaled)
    best = min(scaled, key=lambda size: scaled[size].mean)
    gain = scaled[sizes[0]].mean - scaled[best].mean
    margin = max(TENTH * gain, MARGIN if logarithmic else 0)
    apart = differences(scaled)

    def is_worse(size: int) -> bool:
        return size != best and apart[size, best].lower > margin

    def is_as_good(size: int) -> bool:
        return all(apart[size, other].upper < margin for other in sizes if other != size)

    narrower = sizes[: sizes.index(best)]
    worse = {*takewhile(is_worse, narrower), *filter(is_worse, sizes[len(narrower) :])}
    as_good = {*takewhile(is_as_good, [best, *reversed(narrower)])}
    if as_good:
        as_good |= set(filter(is_as_good, sizes[len(narrower) :]))
    flags = {size: True if size in worse else False if size in as_good else None for size in sizes}
    return Witness(name, flags, dict(sorted(numbers.items())))


def by_imbalance(evidence: Evidence, epoch: int) -> Witness:
    """Which K II(output -> input) finds wide enough at an epoch."""
    numbers = {size: evidence.to_input(size, epoch, "output") for size in evidence.bottlenecks}
    return witness("II(output -> input)", numbers, logarithmic=True)


def by_elbo(evidence: Evidence) -> Witness:
    """Which K the validation ELBO finds wide enough at the end.

    Raises
    ------
    NotMeasured
        If it is not known of every epoch and K.
    """
    numbers = {size: list(evidence.course(evidence.elbo, size).values())[-1] for size in evidence.bottlenecks}
    return witness("validation ELBO loss", numbers, logarithmic=False)


def leading(witnesses: Sequence[Witness]) -> Witness:
    """The first whose errors do not leave several K open: the first of all, or another that it does not rule out.

    Another must have several seeds, and find that widening gains something: what one training says, or one that is best
    where it is narrowest, is no ground to choose on.
    """
    first, *others = witnesses
    if not first.open_for:
        return first
    for other in others:
        has_seeds = all(len(number.numbers) > 1 for number in other.numbers.values())
        gains = other.best != min(other.numbers)
        if has_seeds and gains and other.enough and not other.open_for and first.worse[other.enough] is not True:
            return other
    return first


def tells_nothing(found: Witness) -> list[str]:
    """Whether even the best output is nearer to telling nothing of the input than to telling all."""
    best = min(found.numbers.values(), key=lambda number: number.mean)
    if best.mean < TELLS_LITTLE:
        return []
    return [f"even the best output tells little of the input (II {best}, where 1 tells nothing), so train longer"]


def too_narrow(found: Witness) -> list[str]:
    """Whether only the largest K is surely as good as the best, so that larger ones may be better still."""
    sizes = list(found.worse)
    if found.enough != sizes[-1] or len(found.open_for) > 2:
        return []
    last, widest = sizes[-2:]
    numbers = f"{found.numbers[last]} at K = {last}, {found.numbers[widest]} at {widest}"
    falls = "falls" if all(found.worse[size] for size in sizes[:-1]) else "may fall"
    return [f"{found.name} {falls} up to the largest K ({numbers}), so add larger ones, such as {2 * widest}"]


def too_wide(found: Witness) -> list[str]:
    """Whether the narrowest K is surely as good as the best, so that smaller ones may be too."""
    narrowest, *_, widest = found.worse
    if found.enough != narrowest or not found.smaller:
        return []
    numbers = f"{found.numbers[narrowest]} at K = {narrowest}, {found.numbers[widest]} at {widest}"
    such_as = f"so add smaller ones, such as {found.smaller[0]}"
    return [f"the narrowest K is as good as any in {found.name} ({numbers}), {such_as}"]
