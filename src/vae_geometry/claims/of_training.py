"""The claims on what changes in training, and on untrained networks."""

from collections.abc import Callable, Mapping
from itertools import pairwise

from vae_geometry.claims.evidence import DECODER, Evidence, NotApplicable, NotMeasured
from vae_geometry.claims.registry import LARGE_ONLY, Finding, by_bottleneck, claim, which_bottlenecks
from vae_geometry.claims.uncertainty import ZERO, Measured, exceeds, extremum, is_near, threshold
from vae_geometry.fidelity import NO_IMAGES


@claim(
    "The Frechet distance (FID) falls steadily in training, for every K",
    "The last checkpoint's is below that of the first after epoch 0, and none exceeds that of the one before.",
)
def distance_falls(evidence: Evidence) -> Finding:
    if evidence.no_distance == NO_IMAGES:
        raise NotApplicable(NO_IMAGES)
    runs = [(size, epoch) for size in evidence.bottlenecks for epoch in evidence.trained]
    if any(run not in evidence.frechet_distance for run in runs):
        raise NotMeasured(evidence.no_distance or "the Frechet distance was not measured")
    course = {
        size: [evidence.frechet_distance[size, epoch] for epoch in evidence.trained] for size in evidence.bottlenecks
    }
    rising = [
        str(size) for size, values in course.items() if any(exceeds(later, value) for value, later in pairwise(values))
    ]
    falling = all(exceeds(values[0], values[-1]) for values in course.values())
    ends = {size: f"{values[0]} to {values[-1]}" for size, values in course.items()}
    rises = f"rises in between for K = {', '.join(rising)}" if rising else "never rises"
    errors = "" if course[evidence.bottlenecks[0]][0].error else ", no errors known"
    numbers = f"{rises}; first to last by K: {by_bottleneck(ends)} (features of {evidence.extractor}{errors})"
    return Finding(falling and not rising, numbers)


def _two_phases(
    evidence: Evidence, course: Callable[[int], Mapping[int, Measured]], sign: int, phases: str, turn: str
) -> Finding:
    """Whether a quantity has two phases in training, for large K only.

    Parameters
    ----------
    evidence : Evidence
    course : callable
        K -> (epoch -> value).
    sign : {-1, 1}
        1 if it rises, then falls; -1 if it falls, then rises.
    phases, turn : str
        The two phases, and what the value between them is called.
    """
    turns, parts = {}, {}
    for size in evidence.several(2):
        series = course(size)
        if len(series) < 3 or max(series) < evidence.last:
            raise NotMeasured(f"{len(series)} epochs of {evidence.last} were measured or published")
        turns[size] = at = extremum(series, sign)
        first, last = series[min(series)], series[max(series)]
        between = "" if at is None else f", {series[at]} at epoch {at}"
        parts[size] = f"{first}{between}, {last}"
    flags = {size: at is not None for size, at in turns.items()}
    numbers = f"{which_bottlenecks(phases, flags)}; first, {turn}, last by K: {by_bottleneck(parts)}"
    return Finding(threshold(flags) is not None, numbers)


@claim(
    "The KL divergence rises, then falls in training, for large K only",
    f"Of the validation set, at every epoch: the highest is at neither end, and exceeds both ends; {LARGE_ONLY}.",
)
def kl_has_two_phases(evidence: Evidence) -> Finding:
    def course(size: int) -> dict[int, Measured]:
        return {epoch: value for (k, epoch), value in evidence.kl.items() if k == size}

    return _two_phases(evidence, course, 1, "rises, then falls,", "peak")


def _output_to_input(evidence: Evidence, size: int) -> dict[int, Measured]:
    return {epoch: evidence.to_input(size, epoch, "output") for epoch in evidence.trained}


@claim(
    "II(output -> input) falls, then rises in training, for large K only",
    f"At the checkpoints after epoch 0: the lowest is at neither end, and both ends exceed it; {LARGE_ONLY}.",
)
def imbalance_has_two_phases(evidence: Evidence) -> Finding:
    return _two_phases(evidence, lambda size: _output_to_input(evidence, size), -1, "falls, then rises,", "lowest")


@claim(
    "The decoder's hump appears after the first phase",
    "Of networks that have a hump in the decoder at the last epoch and two phases of II(output -> input): none has a "
    "hump at the checkpoint where that is lowest.",
)
def decoder_hump_comes_late(evidence: Evidence) -> Finding:
    layers, heights, early = evidence.hump_layers(*DECODER), {}, []
    for size in evidence.bottlenecks:
        final = evidence.hump(size, evidence.last, layers)
        turn = extremum(_output_to_input(evidence, size), -1)
        if turn is None or not exceeds(final, ZERO):
            continue
        before = evidence.hump(size, turn, layers)
        heights[size] = f"{before} at epoch {turn}, {final} at {evidence.last}"
        if exceeds(before, ZERO):
            early.append(str(size))
    if not heights:
        raise NotApplicable("no network has a hump in its decoder and a second phase")
    there = f"there already for K = {', '.join(early)}" if early else "not there at the end of the first phase"
    return Finding(not early, f"{there}; height by K: {by_bottleneck(heights)}")


@claim(
    "II(output -> input) of untrained networks is about 1",
    "About: nearer to 1, as a ratio, than to the largest of a trained network.",
)
def untrained_says_nothing(evidence: Evidence) -> Finding:
    if 0 not in evidence.epochs:
        raise NotMeasured("epoch 0 is not among the checkpoints; add it")
    values = {size: evidence.to_input(size, 0, "output") for size in evidence.bottlenecks}
    trained = max(evidence.to_input(size, evidence.last, "output").value for size in evidence.bottlenecks)
    holds = trained < 1 and all(is_near(value, Measured(1), 1 / trained) for value in values.values())
    return Finding(holds, f"II by K: {by_bottleneck(values)}; largest of a trained network: {trained:.3g}")
