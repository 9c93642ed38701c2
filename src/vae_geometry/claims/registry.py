"""The register of the paper's claims: what a claim is, how one is added, and the words that several share.

Camboulin, Doimo and Glielmo, arXiv 2411.01978 (2024). A claim is a function decorated with ``claim``, in one of the
modules that ``vae_geometry.claims`` imports; nothing else lists it. All are judged by the intervals and the margin of
``uncertainty``, unless the rule names another margin and says why.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from vae_geometry.claims.evidence import Evidence
from vae_geometry.claims.verdicts import Flags, for_large_only, known_thresholds

LARGE_ONLY = "'for large K only' means for every K from some threshold up, and for none below"
OURS = "The rule is our reading of the paper."


@dataclass(frozen=True)
class Finding:
    """Whether a claim holds, None where that is open, and the numbers that say so.

    Attributes
    ----------
    holds : bool or None
    text : str
        The numbers in words; of what there is for every K, what it is.
    by_bottleneck : mapping
        K -> number in words.
    """

    holds: bool | None
    text: str
    by_bottleneck: Mapping[int, object] = field(default_factory=dict)

    @property
    def numbers(self) -> str:
        """All numbers in a line."""
        return f"{self.text}: {by_bottleneck(self.by_bottleneck)}" if self.by_bottleneck else self.text


Check = Callable[[Evidence], Finding]


@dataclass(frozen=True)
class Claim:
    """A claim and how it is decided.

    Attributes
    ----------
    name, statement : str
    rule : str
        What decides it, in words.
    section : str
        Of the paper.
    of_the_end : bool
        Whether it concerns what happens by the end of the paper's 200 epochs, so that a shorter sweep cannot
        contradict it.
    check : callable
        Evidence -> Finding; raises NotMeasured where the sweep lacks the numbers, NotApplicable where the network or
        the data lack what the claim is about.
    """

    name: str
    statement: str
    rule: str
    section: str
    of_the_end: bool
    check: Check


CLAIMS: list[Claim] = []  # in the order of the table


def claim(statement: str, rule: str, section: str, of_the_end: bool = False) -> Callable[[Check], Check]:
    """Add a claim, decided by the decorated function and named after it, to the end of ``CLAIMS``.

    Parameters
    ----------
    statement : str
        What the paper claims.
    rule : str
        What decides it, in words, as a sentence.
    section : str
        Where the paper claims it.
    of_the_end : bool
        See ``Claim``.
    """

    def add(check: Check) -> Check:
        CLAIMS.append(Claim(check.__name__, statement, rule, section, of_the_end, check))
        return check

    return add


def by_bottleneck(numbers: Mapping[int, object]) -> str:
    """A number for each K, in words."""
    return "; ".join(f"{size}: {number}" for size, number in numbers.items())


def listed(sizes: Iterable[int]) -> str:
    """Some K, in words."""
    return f"K = {', '.join(map(str, sizes))}" if (sizes := list(sizes)) else "no K"


def which_bottlenecks(name: str, flags: Flags) -> str:
    """The K for which something holds that is claimed for large K only, in words."""
    if for_large_only(flags):
        return f"{name} from K = {' or '.join(map(str, known_thresholds(flags)))} on"
    open_for = [size for size, flag in flags.items() if flag is None]
    sentence = f"{name} for {listed(size for size, flag in flags.items() if flag)}"
    return f"{sentence}, open for {listed(open_for)}" if open_for else sentence
