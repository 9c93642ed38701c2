"""The claims of the paper, each a rule on the measurements of one data set and kind of noise.

Camboulin, Doimo and Glielmo, arXiv 2411.01978 (2024). Two numbers differ where their difference is more than twice its
standard error (``comparisons``); no rule has another tolerance.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise

from vae_geometry.claims.evidence import Measurements, NotMeasured
from vae_geometry.claims.uncertainty import Measured, exceeds, extremum, hump, is_near, threshold

ENCODER, DECODER = range(5), range(5, 11)  # layers: input and encoder, bottleneck to output


@dataclass(frozen=True)
class Finding:
    """Whether a claim holds, and the numbers that say so."""

    holds: bool
    numbers: str


@dataclass(frozen=True)
class Claim:
    """A claim and how it is decided.

    Attributes
    ----------
    name, statement : str
    rule : str
        What decides it, in words.
    check : callable
        Measurements -> Finding; raises NotMeasured where they do not suffice.
    """

    name: str
    statement: str
    rule: str
    check: Callable[[Measurements], Finding]


def _by(numbers: Mapping[int, object]) -> str:
    return "; ".join(f"{key}: {value}" for key, value in numbers.items())


def _from(name: str, flags: Mapping[int, bool]) -> str:
    """What holds for large K only, in words."""
    sizes = [size for size, flag in flags.items() if flag]
    if (first := threshold(flags)) is not None:
        return f"{name} from K = {first} on"
    return f"{name} for " + (f"K = {', '.join(map(str, sizes))}" if sizes else "no K")


def input_dimension(measured: Measurements) -> Finding:
    if measured.pixels is None:
        raise NotMeasured("the number of pixels is not known")
    dimension = measured.profile(measured.bottlenecks[0], measured.epochs[0], [0])[0]
    holds = exceeds(Measured(measured.pixels / 10), dimension)
    return Finding(holds, f"ID {dimension} of {measured.pixels} pixel values")


def encoder_hump(measured: Measurements) -> Finding:
    heights = {size: hump(measured.profile(size, measured.last, ENCODER)) for size in measured.bottlenecks}
    return Finding(all(map(_is_positive, heights.values())), f"height by K: {_by(heights)}")


def bottleneck_dimension(measured: Measurements) -> Finding:
    sizes = measured.several(2)
    ratio = (sizes[-1] / sizes[0]) ** (1 / (len(sizes) - 1))
    dimensions, flags = {}, {}
    for size in sizes:
        data, dimensions[size] = measured.profile(size, measured.last, [0, 5])
        flags[size] = is_near(dimensions[size], min(Measured(size), data, key=lambda target: target.value), ratio)
    far = [str(size) for size, flag in flags.items() if not flag]
    return Finding(not far, f"far for {'K = ' + ', '.join(far) if far else 'no K'}; ID by K: {_by(dimensions)}")


def decoder_hump(measured: Measurements) -> Finding:
    heights = {size: hump(measured.profile(size, measured.last, DECODER)) for size in measured.several(2)}
    flags = {size: _is_positive(height) for size, height in heights.items()}
    return Finding(threshold(flags) is not None, f"{_from('hump', flags)}; height by K: {_by(heights)}")


def _lowest_over_bottlenecks(measured: Measurements, layer: int) -> Finding:
    series = {size: measured.to_input(size, measured.last, layer) for size in measured.several(3)}
    lowest = extremum(series, -1)
    where = f"lowest at K = {lowest}" if lowest else "no lowest K between the ends"
    return Finding(lowest is not None, f"{where}; II by K: {_by(series)}")


def lowest_from_bottleneck(measured: Measurements) -> Finding:
    return _lowest_over_bottlenecks(measured, 5)


def lowest_from_output(measured: Measurements) -> Finding:
    return _lowest_over_bottlenecks(measured, 10)


def _net_step(measured: Measurements, size: int, layers: Iterable[int]) -> Measured:
    steps = [measured.step(size, measured.last, layer) for layer in layers]
    return Measured(sum(step.value for step in steps), sum(step.error**2 for step in steps) ** 0.5)


def encoder_compresses(measured: Measurements) -> Finding:
    steps = {size: _net_step(measured, size, range(5)) for size in measured.bottlenecks}
    return Finding(all(exceeds(Measured(0), step) for step in steps.values()), f"sum of steps by K: {_by(steps)}")


def decoder_expands(measured: Measurements) -> Finding:
    steps = {size: _net_step(measured, size, range(5, 10)) for size in measured.several(2)}
    flags = {size: _is_positive(step) for size, step in steps.items()}
    return Finding(threshold(flags) is not None, f"{_from('expansion', flags)}; sum of steps by K: {_by(steps)}")


def distance_falls(measured: Measurements) -> Finding:
    epochs = measured.trained
    course = {size: [measured.frechet_distance.get((size, epoch)) for epoch in epochs] for size in measured.bottlenecks}
    if any(value is None for values in course.values() for value in values):
        raise NotMeasured("the Frechet distance was not measured")
    rising = [
        size for size, values in course.items() if any(exceeds(later, value) for value, later in pairwise(values))
    ]
    falling = all(exceeds(values[0], values[-1]) for values in course.values())
    ends = {size: f"{values[0]} to {values[-1]}" for size, values in course.items()}
    rises = f"rises in between for K = {', '.join(map(str, rising))}" if rising else "never rises"
    errors = "" if course[measured.bottlenecks[0]][0].error else ", no errors known"
    numbers = f"{rises}; first to last by K: {_by(ends)} (features of {measured.extractor}{errors})"
    return Finding(falling and not rising, numbers)


def kl_has_two_phases(measured: Measurements) -> Finding:
    return _two_phases(
        measured,
        lambda size: {epoch: value for (k, epoch), value in measured.kl.items() if k == size},
        1,
        "rises, then falls,",
        "peak",
    )


def imbalance_has_two_phases(measured: Measurements) -> Finding:
    return _two_phases(
        measured,
        lambda size: {epoch: measured.to_input(size, epoch, 10) for epoch in measured.trained},
        -1,
        "falls, then rises,",
        "lowest",
    )


def _two_phases(measured: Measurements, course: Callable, sign: int, phases: str, name: str) -> Finding:
    turns, parts = {}, {}
    for size in measured.several(2):
        series = course(size)
        if len(series) < 3 or max(series) < measured.last:
            raise NotMeasured(f"{len(series)} epochs of {measured.last} were measured or published")
        turns[size] = extremum(series, sign)
        first, last = series[min(series)], series[max(series)]
        turn = f", {series[turns[size]]} at epoch {turns[size]}" if turns[size] else ""
        parts[size] = f"{first}{turn}, {last}"
    flags = {size: turn is not None for size, turn in turns.items()}
    numbers = f"{_from(phases, flags)}; first, {name}, last by K: {_by(parts)}"
    return Finding(threshold(flags) is not None, numbers)


def decoder_hump_comes_late(measured: Measurements) -> Finding:
    heights, early = {}, []
    for size in measured.bottlenecks:
        final = hump(measured.profile(size, measured.last, DECODER))
        turn = extremum({epoch: measured.to_input(size, epoch, 10) for epoch in measured.trained}, -1)
        if turn is None or not _is_positive(final):
            continue
        before = hump(measured.profile(size, turn, DECODER))
        heights[size] = f"{before} at epoch {turn}, {final} at {measured.last}"
        early += [size] if _is_positive(before) else []
    if not heights:
        raise NotMeasured("no network has a hump in its decoder and a second phase")
    there = (
        f"there already for K = {', '.join(map(str, early))}" if early else "not there at the end of the first phase"
    )
    return Finding(not early, f"{there}; height by K: {_by(heights)}")


def untrained_says_nothing(measured: Measurements) -> Finding:
    if 0 not in measured.epochs:
        raise NotMeasured("epoch 0 is not among the checkpoints; add it")
    values = {size: measured.to_input(size, 0, 10) for size in measured.bottlenecks}
    trained = max(measured.to_input(size, measured.last, 10).value for size in measured.bottlenecks)
    holds = trained < 1 and all(is_near(value, Measured(1), 1 / trained) for value in values.values())
    return Finding(holds, f"II by K: {_by(values)}; largest of a trained network: {trained:.3g}")


def _is_positive(height: Measured) -> bool:
    return exceeds(height, Measured(0))


HUMP = "A hump is a layer between the ends whose ID exceeds that of both"
LARGE_ONLY = "'for large K only' holds where there is a K below which it holds for none and from which on for all"
CLAIMS = (
    Claim(
        "input_dimension",
        "The data have far fewer intrinsic dimensions than pixels",
        "The ID of the input is less than a tenth of its number of pixel values.",
        input_dimension,
    ),
    Claim(
        "encoder_hump",
        "The ID has a hump in the encoder, for every K",
        f"{HUMP}: layers 1 to 3 against layers 0 and 4, last epoch.",
        encoder_hump,
    ),
    Claim(
        "bottleneck_dimension",
        "The ID of the bottleneck is near K or the ID of the data, whichever is less",
        "Near: the ratio of the two is less than half a step of the sweep's K (for K that double: a factor of 1.41).",
        bottleneck_dimension,
    ),
    Claim(
        "decoder_hump",
        "The ID has a hump in the decoder, for large K only",
        f"{HUMP}: layers 6 to 9 against layers 5 and 10, last epoch; {LARGE_ONLY}.",
        decoder_hump,
    ),
    Claim(
        "lowest_from_bottleneck",
        "II(bottleneck -> input) has a minimum over K",
        "The lowest is at neither end of the sweep's K, and both ends exceed it; last epoch.",
        lowest_from_bottleneck,
    ),
    Claim(
        "lowest_from_output",
        "II(output -> input) has a minimum over K",
        "The lowest is at neither end of the sweep's K, and both ends exceed it; last epoch.",
        lowest_from_output,
    ),
    Claim(
        "encoder_compresses",
        "The encoder compresses, for every K",
        "The relative II differences of layers l and l + 1, summed from input to bottleneck, are below 0; last epoch.",
        encoder_compresses,
    ),
    Claim(
        "decoder_expands",
        "The decoder expands, for large K only",
        "The relative II differences of layers l and l + 1, summed from bottleneck to output, exceed 0; last epoch; "
        f"{LARGE_ONLY}.",
        decoder_expands,
    ),
    Claim(
        "distance_falls",
        "The Frechet distance (FID) falls steadily in training, for every K",
        "The last checkpoint's is below that of the first after epoch 0, and none exceeds that of the one before.",
        distance_falls,
    ),
    Claim(
        "kl_has_two_phases",
        "The KL divergence rises, then falls in training, for large K only",
        "Of the validation images, at every epoch: the highest is at neither end, and exceeds both ends; "
        f"{LARGE_ONLY}.",
        kl_has_two_phases,
    ),
    Claim(
        "imbalance_has_two_phases",
        "II(output -> input) falls, then rises in training, for large K only",
        f"At the checkpoints after epoch 0: the lowest is at neither end, and both ends exceed it; {LARGE_ONLY}.",
        imbalance_has_two_phases,
    ),
    Claim(
        "decoder_hump_comes_late",
        "The decoder's hump appears after the first phase",
        "Of networks that have a hump in the decoder at the last epoch and two phases of II(output -> input): none has "
        "a hump at the checkpoint where that is lowest.",
        decoder_hump_comes_late,
    ),
    Claim(
        "untrained_says_nothing",
        "II(output -> input) of untrained networks is about 1",
        "About: nearer to 1, as a ratio, than to the largest of a trained network.",
        untrained_says_nothing,
    ),
)
