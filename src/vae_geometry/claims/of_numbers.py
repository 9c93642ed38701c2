"""The numbers that the paper's text gives for its two data sets, each with a tenth to either side.

A sweep with a narrower network, fewer images or fewer epochs than the paper's may well have others.
"""

from collections.abc import Mapping
from math import log

from vae_geometry.claims.evidence import DECODER, ENCODER, Evidence, NotApplicable, NotMeasured
from vae_geometry.claims.of_training import kl_phases, of_two_phases, with_two_phases
from vae_geometry.claims.registry import Finding, claim, which_bottlenecks
from vae_geometry.claims.transition import humps
from vae_geometry.claims.uncertainty import MARGIN, Sample, intervals
from vae_geometry.claims.verdicts import for_all, known_thresholds

DATA_DIMENSION = {"cifar10": (30, 30), "mnist": (10, 12)}  # from, to
ENCODER_PEAK = {"cifar10": 80, "mnist": 25}
DECODER_PEAK = {"mnist": 60}
FIRST_HUMP = {"cifar10": 32, "mnist": 16}
FROM_BOTTLENECK = {"cifar10": (0.4, 0.05, 0.4)}  # at the smallest K, at the lowest, and more than so at the largest
TURN = 10  # epoch
TEXT = "A tenth to either side is allowed."


def _of(numbers: Mapping[str, object], evidence: Evidence) -> None:
    if evidence.dataset not in numbers:
        raise NotApplicable(f"the paper gives no such number for {evidence.dataset}, only for {' and '.join(numbers)}")


def _is_near(samples: Mapping[int, Sample], number: float) -> dict[int, bool | None]:
    ratios = {size: sample.ratio(sample.like(number)) for size, sample in samples.items()}
    return {size: interval.is_within(MARGIN) for size, interval in intervals(ratios, len(ratios)).items()}


def _highest(evidence: Evidence, *roles: str) -> dict[int, Sample]:
    profiles = evidence.profiles(evidence.last, evidence.layers(*roles))
    return {size: max(profile, key=lambda each: each.mean) for size, profile in profiles.items()}


@claim("The ID of the data is about 30 for CIFAR-10, and 10 to 12 for MNIST", TEXT, section="3.1 and C")
def number_of_the_data(evidence: Evidence) -> Finding:
    _of(DATA_DIMENSION, evidence)
    lowest, highest = DATA_DIMENSION[evidence.dataset]
    data = evidence.dimension_of(evidence.bottlenecks[0], evidence.epochs[0], "input")
    ratios = (data.ratio(data.like(lowest)), data.like(highest).ratio(data))
    return Finding(for_all(intervals({0: each})[0].exceeds(-MARGIN) for each in ratios), f"ID {data}")


@claim(
    "The encoder's ID reaches about 80 for CIFAR-10, and 25 for MNIST, for every K",
    f"The highest of its layers, at the last epoch. {TEXT}",
    section="3.1 and C",
)
def number_of_the_encoder(evidence: Evidence) -> Finding:
    _of(ENCODER_PEAK, evidence)
    peaks = _highest(evidence, *ENCODER)
    return Finding(for_all(_is_near(peaks, ENCODER_PEAK[evidence.dataset]).values()), "highest ID by K", peaks)


@claim(
    "The decoder's hump sets in at K = 32 for CIFAR-10, and at 16 for MNIST",
    "The smallest K with the hump is this one.",
    section="3.1 and C",
    of_the_end=True,
)
def number_of_the_transition(evidence: Evidence) -> Finding:
    _of(FIRST_HUMP, evidence)
    size = FIRST_HUMP[evidence.dataset]
    if size not in evidence.bottlenecks:
        raise NotMeasured(f"K = {size} is not in the sweep; add it to bottlenecks")
    flags, _ = humps(evidence, evidence.last, *DECODER)
    found = known_thresholds(flags)
    holds = False if size not in found else True if found == [size] else None
    return Finding(holds, which_bottlenecks("hump", flags))


@claim(
    "The decoder's ID reaches 60 for MNIST and the largest K",
    f"The highest of the layers after the bottleneck, at the last epoch. {TEXT}",
    section="C",
    of_the_end=True,
)
def number_of_the_decoder(evidence: Evidence) -> Finding:
    _of(DECODER_PEAK, evidence)
    size = evidence.bottlenecks[-1]
    peak = _highest(evidence, "decoder", "output")[size]  # the sampled z has K dimensions with any decoder
    return Finding(_is_near({size: peak}, DECODER_PEAK[evidence.dataset])[size], f"highest ID {peak} with K = {size}")


@claim(
    "II(bottleneck -> input) of CIFAR-10 falls from 0.4 to 0.05, then rises past 0.4, over K",
    f"At the smallest K, at the lowest and at the largest; last epoch. {TEXT}",
    section="3.1",
    of_the_end=True,
)
def numbers_of_the_bottleneck(evidence: Evidence) -> Finding:
    _of(FROM_BOTTLENECK, evidence)
    series = {size: evidence.to_input(size, evidence.last, "bottleneck") for size in evidence.several(3)}
    first, lowest, last = FROM_BOTTLENECK[evidence.dataset]
    at = min(series, key=lambda size: series[size].mean)
    smallest, largest = evidence.bottlenecks[0], evidence.bottlenecks[-1]
    numbers = {"first": (smallest, first), "lowest": (at, lowest), "last": (largest, last)}
    ratios = {name: series[size].ratio(series[size].like(number)) for name, (size, number) in numbers.items()}
    found = intervals(ratios, len(ratios))
    near = [found[name].is_within(MARGIN) for name in ("first", "lowest")]
    rises = found["last"].exceeds(-MARGIN)
    return Finding(for_all([*near, rises]), f"lowest at K = {at}; II by K", series)


@claim(
    "The KL turns at about epoch 10",
    "Of the K whose KL rises, then falls: the epoch of the highest KL is within a factor of two of 10, the resolution "
    "of windows that double.",
    section="3.2",
    of_the_end=True,
)
def number_of_the_turn(evidence: Evidence) -> Finding:
    phases, windows, _ = kl_phases(evidence)
    both = with_two_phases(evidence, phases)
    near = {size: abs(log((sum(windows[size][1]) / 2) / TURN)) <= log(2) for size in both}
    texts = {size: f"{windows[size][1][0]}-{windows[size][1][1]}" for size in both}
    return of_two_phases(both, near, "epochs of the highest KL by K", texts)
