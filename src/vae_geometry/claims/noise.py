"""What repeated noise changes: numbers with repeated noise over those with fresh noise, within seeds.

Both kinds of noise start from the same weights and share their first epoch, so their seeds are pairs.
"""

from collections.abc import Callable, Mapping
from math import exp, inf

from vae_geometry.claims.evidence import DECODER, Evidence, NotApplicable, NotMeasured
from vae_geometry.claims.registry import by_bottleneck
from vae_geometry.claims.uncertainty import Sample, intervals, mean_of

ELBO = "ELBO loss of the validation set"


def changes(repeated: Evidence, fresh: Evidence) -> list[str]:
    """A sentence for each quantity that was measured: its ratio for each K, with an interval.

    Parameters
    ----------
    repeated, fresh : Evidence
        Of the same seeds, K and checkpoints.
    """
    sentences = []
    for name, quantity in QUANTITIES.items():
        try:
            pairs = {size: (quantity(repeated, size), quantity(fresh, size)) for size in fresh.bottlenecks}
        except (NotMeasured, NotApplicable):
            continue
        is_ratio = name != ELBO
        changed = {size: one.ratio(other) if is_ratio else one - other for size, (one, other) in pairs.items()}
        found = intervals(changed, len(changed))
        texts = {
            size: _words((changed[size].mean, interval.lower, interval.upper), is_ratio)
            for size, interval in found.items()
            if interval.upper < inf
        }
        if texts:
            how = "repeated over fresh noise" if is_ratio else "repeated minus fresh noise, in nats"
            sentences.append(f"{name}, {how}, by K: {by_bottleneck(texts)}.")
    return sentences


def _words(numbers: tuple[float, float, float], is_ratio: bool) -> str:
    mean, lower, upper = (f"{exp(number):.2f}" if is_ratio else f"{number:.1f}" for number in numbers)
    return f"{mean} ({lower} to {upper})"


def _decoder_dimension(evidence: Evidence, bottleneck: int) -> Sample:
    layers = evidence.layers(*DECODER)[1:-1]
    if not layers:
        raise NotApplicable("the decoder has no layer between its ends")
    return mean_of(evidence.profiles(evidence.last, layers)[bottleneck])


def _in_the_end(numbers: str) -> Callable[[Evidence, int], Sample]:
    def quantity(evidence: Evidence, bottleneck: int) -> Sample:
        return list(evidence.course(getattr(evidence, numbers), bottleneck).values())[-1]

    return quantity


QUANTITIES: Mapping[str, Callable[[Evidence, int], Sample]] = {
    "II(output -> input)": lambda evidence, size: evidence.to_input(size, evidence.last, "output"),
    "II(bottleneck -> input)": lambda evidence, size: evidence.to_input(size, evidence.last, "bottleneck"),
    "Mean ID of the decoder's layers": _decoder_dimension,
    "KL of the validation set": _in_the_end("kl"),
    ELBO: _in_the_end("elbo"),
}
