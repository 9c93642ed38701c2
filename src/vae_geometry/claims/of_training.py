"""The claims on what changes in training, and on untrained networks."""

from collections.abc import Mapping
from math import log

from vae_geometry.claims.evidence import DECODER, PAPER_EPOCHS, Evidence, NotApplicable, NotMeasured
from vae_geometry.claims.registry import LARGE_ONLY, Finding, claim, listed, which_bottlenecks
from vae_geometry.claims.transition import humps
from vae_geometry.claims.uncertainty import MARGIN, intervals
from vae_geometry.claims.verdicts import Flags, for_all, for_all_of, for_any, for_large_only, inner_extremes
from vae_geometry.claims.witnesses import TELLS_LITTLE
from vae_geometry.fidelity import NO_IMAGES

Window = tuple[int, int]  # first and last epoch
WINDOWS = "means over windows of epochs that double in length (1, 2-3, 4-7, ...)"


@claim(
    "The Frechet distance (FID) falls steadily in training, for every K",
    "The last checkpoint's is below that of the first after epoch 0 by more than a tenth, and none exceeds that of the "
    "one before by a tenth.",
    section="3.2",
)
def distance_falls(evidence: Evidence) -> Finding:
    if NO_IMAGES in (evidence.no_distance or ""):
        raise NotApplicable(NO_IMAGES)
    runs = [(size, epoch) for size in evidence.bottlenecks for epoch in evidence.trained]
    if any(run not in evidence.frechet_distance for run in runs):
        raise NotMeasured(evidence.no_distance or "the Frechet distance was not measured")
    course = {
        size: [evidence.frechet_distance[size, epoch] for epoch in evidence.trained] for size in evidence.bottlenecks
    }
    n_tests = len(course) * len(evidence.trained)
    fall = intervals({size: values[0].ratio(values[-1]) for size, values in course.items()}, n_tests)
    rises: dict[int, list[bool | None]] = {size: [] for size in course}
    for at in range(len(evidence.trained) - 1):
        steps = {size: values[at + 1].ratio(values[at]) for size, values in course.items()}
        for size, interval in intervals(steps, n_tests).items():
            rises[size].append(interval.exceeds(MARGIN))
    rising = [size for size, flags in rises.items() if for_any(flags)]
    falls = [fall[size].exceeds(MARGIN) for size in course]
    none_rises = [not flag if flag is not None else None for flags in rises.values() for flag in flags]
    ends = {size: f"{values[0]} to {values[-1]}" for size, values in course.items()}
    text = f"rises in between for {listed(rising)}; features of {evidence.extractor}; first to last by K"
    return Finding(for_all([*falls, *none_rises]), text, ends)


def kl_phases(evidence: Evidence) -> tuple[Flags, dict[int, tuple[Window, Window, Window]], dict[int, str]]:
    """K -> whether the KL rises, then falls; the windows first, highest between and last; these KL in words."""
    courses = {size: evidence.course(evidence.kl, size) for size in evidence.several(2)}
    found = inner_extremes({size: list(course.values()) for size, course in courses.items()}, 1)
    windows, texts = {}, {}
    for size, course in courses.items():
        names = list(course)
        windows[size] = names[0], names[found[size].place], names[-1]
        texts[size] = ", ".join(f"{course[name]} in {_epochs(*name)}" for name in windows[size])
    return {size: extreme.is_beyond_ends for size, extreme in found.items()}, windows, texts


def _epochs(first: int, last: int) -> str:
    return f"epoch {first}" if first == last else f"{first}-{last}"


def imbalance_phases(evidence: Evidence) -> tuple[Flags, dict[int, int], dict[int, str]]:
    """K -> whether II(output -> input) falls, then rises; the checkpoint where it is lowest; the II in words."""
    epochs = evidence.trained
    series = {size: [evidence.to_input(size, epoch, "output") for epoch in epochs] for size in evidence.several(2)}
    found = inner_extremes(series, -1)
    turns = {size: epochs[extreme.place] for size, extreme in found.items()}
    texts = {
        size: f"{values[0]}, {values[found[size].place]} at epoch {turns[size]}, {values[-1]}"
        for size, values in series.items()
    }
    return {size: extreme.is_beyond_ends for size, extreme in found.items()}, turns, texts


@claim(
    "The KL divergence rises, then falls in training, for large K only",
    f"Of the validation set, {WINDOWS}: one between the first and the last exceeds both by more than a tenth; "
    f"{LARGE_ONLY}.",
    section="3.2",
    of_the_end=True,
)
def kl_has_two_phases(evidence: Evidence) -> Finding:
    flags, _, texts = kl_phases(evidence)
    text = f"{which_bottlenecks('rises, then falls,', flags)}; first, highest between, last by K"
    return Finding(for_large_only(flags), text, texts)


@claim(
    "II(output -> input) falls, then rises in training, for large K only",
    "At the checkpoints after epoch 0: one between the first and the last is below both by more than a tenth; "
    f"{LARGE_ONLY}.",
    section="3.2",
    of_the_end=True,
)
def imbalance_has_two_phases(evidence: Evidence) -> Finding:
    flags, _, texts = imbalance_phases(evidence)
    text = f"{which_bottlenecks('falls, then rises,', flags)}; first, lowest between, last by K"
    return Finding(for_large_only(flags), text, texts)


@claim(
    "The KL and II(output -> input) turn at the same time",
    "Of the K where both have two phases: the checkpoint of the lowest II lies in the window of the highest KL, or in "
    "one beside it.",
    section="3.2",
    of_the_end=True,
)
def phases_turn_together(evidence: Evidence) -> Finding:
    kl, windows, _ = kl_phases(evidence)
    imbalance, turns, _ = imbalance_phases(evidence)
    both = with_two_phases(evidence, kl, imbalance)
    together = {size: windows[size][1][0] / 2 <= turns[size] <= 2 * windows[size][1][1] + 1 for size in both}
    texts = {size: f"KL in {_epochs(*windows[size][1])}, II at epoch {turns[size]}" for size in both}
    return of_two_phases(both, together, "turns by K", texts)


def with_two_phases(evidence: Evidence, *flags: Flags) -> Flags:
    """The K for which all flags are or may be true; NotApplicable where there are none, at the paper's length."""
    each = {size: for_all(flag[size] for flag in flags) for size in evidence.bottlenecks}
    found = {size: flag for size, flag in each.items() if flag is not False}
    if evidence.last >= PAPER_EPOCHS and not found:
        raise NotApplicable("no network has the two phases")
    return found


def of_two_phases(applies: Flags, flags: Flags, text: str, texts: Mapping[int, str]) -> Finding:
    """What follows for a claim on the K ``with_two_phases``, from whether it is true of each."""
    if True not in applies.values():
        return Finding(None, "no network has shown both beyond the errors")
    words = {size: texts[size] if flag else f"{texts[size]} (open whether it counts)" for size, flag in applies.items()}
    return Finding(for_all_of(flags, applies), text, words)


@claim(
    "The decoder's hump appears in the second phase",
    "Of networks that have a hump in the decoder at the last epoch and two phases of II(output -> input): none has a "
    "hump at the checkpoint where that is lowest.",
    section="3.2",
    of_the_end=True,
)
def decoder_hump_comes_late(evidence: Evidence) -> Finding:
    evidence.hump_layers(*DECODER)
    phases, turns, _ = imbalance_phases(evidence)
    final, at_the_end = humps(evidence, evidence.last, *DECODER)
    both = with_two_phases(evidence, phases, final)
    late: dict[int, bool | None] = {}
    texts = {}
    for size in both:
        before, heights = humps(evidence, turns[size], *DECODER)
        late[size] = None if before[size] is None else not before[size]
        texts[size] = f"{heights[size]} at epoch {turns[size]}, {at_the_end[size]} at {evidence.last}"
    return of_two_phases(both, late, "highest between the ends, by K", texts)


@claim(
    "The second phase is a generalisation",
    "Of the K whose KL has two phases: the ELBO loss of the validation set is lower in the last window of epochs than "
    "in that of the highest KL. The paper does not say what the word means here; this is our reading.",
    section="3.2",
    of_the_end=True,
)
def second_phase_generalises(evidence: Evidence) -> Finding:
    phases, windows, _ = kl_phases(evidence)
    both = with_two_phases(evidence, phases)
    courses = {size: evidence.course(evidence.elbo, size) for size in both}
    pairs = {size: [courses[size][window] for window in windows[size][1:]] for size in both}
    gains = {size: before.ratio(after) for size, (before, after) in pairs.items()}
    flags = {size: interval.exceeds(0) for size, interval in intervals(gains, max(len(gains), 1)).items()}
    texts = {size: f"{before} to {after}" for size, (before, after) in pairs.items()}
    return of_two_phases(both, flags, "ELBO loss from turn to end, by K", texts)


@claim(
    "II(output -> input) of untrained networks is about 1",
    "About: nearer to 1, as a ratio, than to the largest of a trained network.",
    section="3.1",
)
def untrained_says_nothing(evidence: Evidence) -> Finding:
    if 0 not in evidence.epochs:
        raise NotMeasured("epoch 0 is not among the checkpoints; add it")
    values = {size: evidence.to_input(size, 0, "output") for size in evidence.bottlenecks}
    trained = max(evidence.to_input(size, evidence.last, "output").mean for size in evidence.bottlenecks)
    logarithms = {size: value.log() for size, value in values.items()}
    near = [interval.is_within(-log(trained) / 2) for interval in intervals(logarithms, len(values)).values()]
    holds = for_all(near) if trained < TELLS_LITTLE else None  # trained networks that tell little are no alternative
    return Finding(holds, f"largest of a trained network: {trained:.3g}; II of untrained ones by K", values)
