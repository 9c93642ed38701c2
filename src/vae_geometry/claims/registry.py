"""The register of the paper's claims: what a claim is, how one is added, and the words that several share.

Camboulin, Doimo and Glielmo, arXiv 2411.01978 (2024). A claim is a function decorated with ``claim``, in one of the
modules that ``vae_geometry.claims`` imports; nothing else lists it. Two numbers differ where their difference is more
than twice its standard error (``uncertainty``); no rule has another tolerance.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from vae_geometry.claims.evidence import Evidence
from vae_geometry.claims.uncertainty import threshold

LARGE_ONLY = "'for large K only' means for every K from some threshold up, and for none below"


@dataclass(frozen=True)
class Finding:
    """Whether a claim holds, and the numbers that say so."""

    holds: bool
    numbers: str


Check = Callable[[Evidence], Finding]


@dataclass(frozen=True)
class Claim:
    """A claim and how it is decided.

    Attributes
    ----------
    name, statement : str
    rule : str
        What decides it, in words.
    check : callable
        Evidence -> Finding; raises NotMeasured where the sweep lacks the numbers, NotApplicable where the network or
        the data lack what is claimed.
    """

    name: str
    statement: str
    rule: str
    check: Check


CLAIMS: list[Claim] = []  # in the order of the table


def claim(statement: str, rule: str) -> Callable[[Check], Check]:
    """Add a claim, decided by the decorated function and named after it, to the end of ``CLAIMS``.

    Parameters
    ----------
    statement : str
        What the paper claims.
    rule : str
        What decides it, in words, as a sentence.
    """

    def add(check: Check) -> Check:
        CLAIMS.append(Claim(check.__name__, statement, rule, check))
        return check

    return add


def by_bottleneck(numbers: Mapping[int, object]) -> str:
    """A number for each K, in words."""
    return "; ".join(f"{size}: {number}" for size, number in numbers.items())


def which_bottlenecks(name: str, flags: Mapping[int, bool]) -> str:
    """The K for which something holds that is claimed for large K only, in words."""
    if (first := threshold(flags)) is not None:
        return f"{name} from K = {first} on"
    sizes = [str(size) for size, flag in flags.items() if flag]
    return f"{name} for " + (f"K = {', '.join(sizes)}" if sizes else "no K")
