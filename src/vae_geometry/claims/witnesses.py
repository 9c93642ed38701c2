"""Which K one quantity finds wide enough: a test of non-inferiority of each K against the best."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile

from vae_geometry.claims.evidence import Evidence, NotMeasured
from vae_geometry.claims.registry import by_bottleneck
from vae_geometry.claims.uncertainty import MARGIN, Sample, intervals

TENTH = 0.1  # of what the best K gains over the narrowest: a K that lacks less is as good
# II(output -> input): half of the points are nearer in the input than the one that is nearest in the output
LITTLE = 0.5


@dataclass(frozen=True)
class Witness:
    """Which K one quantity finds wide enough.

    Attributes
    ----------
    name : str
    worse : mapping
        K -> whether it is worse than the best by more than the margin, None where that is open.
    numbers : mapping
        K -> value.
    """

    name: str
    worse: Mapping[int, bool | None]
    numbers: Mapping[int, Sample]

    @property
    def enough(self) -> int:
        """The smallest K that is not worse than the best: that is sure, within the margin."""
        return min(size for size, flag in self.worse.items() if flag is False)

    @property
    def possible(self) -> int:
        """The smallest K that may not be worse."""
        return min(size for size, flag in self.worse.items() if flag is not True)

    @property
    def open_for(self) -> list[int]:
        """The K that the errors leave open, unless it is a single one: the neighbour of the smallest that is enough."""
        found = [size for size in self.worse if self.possible <= size < self.enough]
        return found if len(found) > 1 else []

    def next_sizes(self) -> list[int]:
        """Five K from the largest that is surely worse to the smallest that is enough, or past the largest of all."""
        sizes = sorted(self.worse)
        smaller = [size for size in sizes if size < self.possible]
        lower = smaller[-1] if smaller else max(1, sizes[0] // 2)
        upper = 2 * self.enough if self.enough == sizes[-1] else self.enough
        return sorted({round(lower * (upper / lower) ** (step / 4)) for step in range(5)})

    def __str__(self) -> str:
        open_from = f", perhaps {self.possible}" if self.possible < self.enough else ""
        return f"{self.name}: K = {self.enough}{open_from} ({by_bottleneck(self.numbers)})"


def witness(name: str, numbers: Mapping[int, Sample], logarithmic: bool) -> Witness:
    """Compare every K with the best, which has the lowest number.

    A K is worse where it lacks a tenth of what the best K gains over the narrowest; where ``logarithmic``, of their
    logarithms, and at least ``uncertainty.MARGIN``. That is a test of non-inferiority: it takes no K because that was
    not shown to be worse. The K are tested in order and up to the first that is open, from the best down for those that
    are not worse, and from the narrowest up for those that are: then no test needs a correction for the others (Maurer,
    Hothorn and Lehmacher 1995).
    """
    best = min(numbers, key=lambda size: numbers[size].mean)
    scaled = {size: number.log() if logarithmic else number for size, number in numbers.items()}
    lacking = {size: number - scaled[best] for size, number in scaled.items() if size != best}
    gain = scaled[min(numbers)].mean - scaled[best].mean
    margin = max(TENTH * gain, MARGIN if logarithmic else 0)
    found = {size: interval.exceeds(margin) for size, interval in intervals(lacking).items()} | {best: False}
    sizes = sorted(numbers)
    narrower = sizes[: sizes.index(best)]
    worse = list(takewhile(lambda size: found[size] is True, narrower))
    as_good = list(takewhile(lambda size: found[size] is False, reversed(narrower)))
    flags = {size: found[size] if size in worse + as_good or size >= best else None for size in sizes}
    return Witness(name, flags, dict(sorted(numbers.items())))


def by_imbalance(evidence: Evidence, epoch: int) -> Witness:
    """Which K II(output -> input) finds wide enough at an epoch."""
    numbers = {size: evidence.to_input(size, epoch, "output") for size in evidence.bottlenecks}
    return witness("II(output -> input)", numbers, logarithmic=True)


def by_elbo(evidence: Evidence) -> list[Witness]:
    """Which K the validation ELBO finds wide enough at the end, if it was measured."""
    try:
        numbers = {size: list(evidence.course(evidence.elbo, size).values())[-1] for size in evidence.bottlenecks}
    except NotMeasured:
        return []
    return [witness("validation ELBO loss", numbers, logarithmic=False)]


def leading(witnesses: Sequence[Witness]) -> Witness:
    """The first whose errors do not leave several K open, among those whose K the first does not rule out."""
    first = witnesses[0]
    sure = [each for each in witnesses if not each.open_for and first.possible <= each.enough <= first.enough]
    return (sure or witnesses)[0]


def tells_nothing(found: Witness) -> list[str]:
    """Whether even the best output is nearer to telling nothing of the input than to telling all."""
    best = min(found.numbers.values(), key=lambda number: number.mean)
    if best.mean < LITTLE:
        return []
    return [f"even the best output tells little of the input (II {best}, where 1 tells nothing), so train longer"]


def too_narrow(found: Witness) -> list[str]:
    """Whether every K but the largest is surely worse, so that larger ones may be better still."""
    sizes = sorted(found.worse)
    if found.enough != sizes[-1] or not all(found.worse[size] for size in sizes[:-1]):
        return []
    last, widest = sizes[-2:]
    numbers = f"{found.numbers[last]} at K = {last}, {found.numbers[widest]} at {widest}"
    return [f"{found.name} falls up to the largest K ({numbers}), so add larger ones, such as {2 * widest}"]
