"""The claims on the information imbalance (II) between layers of trained networks."""

from vae_geometry.claims.evidence import DECODER, ENCODER, Evidence
from vae_geometry.claims.registry import LARGE_ONLY, OURS, Finding, claim, which_bottlenecks
from vae_geometry.claims.uncertainty import MARGIN, Sample, intervals, sum_of
from vae_geometry.claims.verdicts import Flags, for_all, for_large_only, inner_extremes

LOWEST = "A K between the ends of the sweep has a lower II than both ends, by more than a tenth; last epoch."
STEPS = "relative II differences of layers l and l + 1"
NETS = f"The sum of the {STEPS}"


def _lowest_over_bottlenecks(evidence: Evidence, role: str) -> Finding:
    series = {size: evidence.to_input(size, evidence.last, role) for size in evidence.several(3)}
    lowest = inner_extremes({0: list(series.values())}, -1)[0]
    at = min(series, key=lambda size: series[size].mean)
    return Finding(lowest.is_beyond_ends, f"lowest at K = {at}; II by K", series)


@claim("II(bottleneck -> input) has a minimum over K", LOWEST, section="3.1", of_the_end=True)
def lowest_from_bottleneck(evidence: Evidence) -> Finding:
    return _lowest_over_bottlenecks(evidence, "bottleneck")


@claim("II(output -> input) has a minimum over K", LOWEST, section="3.1", of_the_end=True)
def lowest_from_output(evidence: Evidence) -> Finding:
    return _lowest_over_bottlenecks(evidence, "output")


def _beyond_margin(numbers: dict[int, Sample], sign: int, n_tests: int) -> Flags:
    """K -> whether a relative II difference is above the margin (sign 1), or below it (-1)."""
    signed = {size: Sample(sign * sample.numbers, sample.errors) for size, sample in numbers.items()}
    return {size: interval.exceeds(MARGIN) for size, interval in intervals(signed, n_tests).items()}


def _nets(evidence: Evidence, *roles: str) -> dict[int, Sample]:
    return {size: sum_of(evidence.steps(size, evidence.last, *roles)) for size in evidence.bottlenecks}


def _every_step(evidence: Evidence, sign: int, *roles: str) -> tuple[Flags, dict[int, str]]:
    """K -> whether every step is beyond the margin, and the steps in words."""
    steps = {size: evidence.steps(size, evidence.last, *roles) for size in evidence.bottlenecks}
    n_steps = len(steps[evidence.bottlenecks[0]])
    judged = [
        _beyond_margin({size: of_size[at] for size, of_size in steps.items()}, sign, n_steps * len(steps))
        for at in range(n_steps)
    ]
    texts = {size: ", ".join(f"{step.mean:.2f}" for step in of_size) for size, of_size in steps.items()}
    return {size: for_all(of_step[size] for of_step in judged) for size in steps}, texts


@claim(
    "The encoder compresses, for every K",
    f"{NETS}, from input to bottleneck, is below -0.1; last epoch. {OURS}",
    section="3.1",
)
def encoder_compresses(evidence: Evidence) -> Finding:
    nets = _nets(evidence, *ENCODER, "bottleneck")
    flags = _beyond_margin(nets, -1, len(nets))
    return Finding(for_all(flags.values()), "sum of steps by K", nets)


@claim(
    "The encoder compresses from layer to layer, for every K",
    f"Each of the {STEPS}, from input to bottleneck, is below -0.1; last epoch.",
    section="3.1",
)
def encoder_compresses_by_layer(evidence: Evidence) -> Finding:
    flags, texts = _every_step(evidence, -1, *ENCODER, "bottleneck")
    return Finding(for_all(flags.values()), "steps by K", texts)


@claim(
    "The decoder expands, for large K only",
    f"{NETS}, from bottleneck to output, exceeds 0.1; last epoch; {LARGE_ONLY}. {OURS}",
    section="3.1",
    of_the_end=True,
)
def decoder_expands(evidence: Evidence) -> Finding:
    evidence.several(2)
    nets = _nets(evidence, *DECODER)
    flags = _beyond_margin(nets, 1, len(nets))
    return Finding(for_large_only(flags), f"{which_bottlenecks('expansion', flags)}; sum of steps by K", nets)


@claim(
    "The decoder expands from layer to layer, for large K only",
    f"Each of the {STEPS}, from bottleneck to output, exceeds 0.1; last epoch; {LARGE_ONLY}.",
    section="3.1",
    of_the_end=True,
)
def decoder_expands_by_layer(evidence: Evidence) -> Finding:
    evidence.several(2)
    flags, texts = _every_step(evidence, 1, *DECODER)
    return Finding(for_large_only(flags), f"{which_bottlenecks('expansion at every step', flags)}; steps by K", texts)
