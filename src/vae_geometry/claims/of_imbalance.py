"""The claims on the information imbalance (II) between layers of trained networks."""

from vae_geometry.claims.evidence import DECODER, ENCODER, Evidence
from vae_geometry.claims.registry import LARGE_ONLY, Finding, by_bottleneck, claim, which_bottlenecks
from vae_geometry.claims.uncertainty import ZERO, exceeds, extremum, threshold

LOWEST = "The lowest is at neither end of the sweep's K, and both ends exceed it; last epoch."
NET_STEP = "The relative II differences of layers l and l + 1, summed from"


def _lowest_over_bottlenecks(evidence: Evidence, role: str) -> Finding:
    series = {size: evidence.to_input(size, evidence.last, role) for size in evidence.several(3)}
    lowest = extremum(series, -1)
    where = f"lowest at K = {lowest}" if lowest else "no lowest K between the ends"
    return Finding(lowest is not None, f"{where}; II by K: {by_bottleneck(series)}")


@claim("II(bottleneck -> input) has a minimum over K", LOWEST)
def lowest_from_bottleneck(evidence: Evidence) -> Finding:
    return _lowest_over_bottlenecks(evidence, "bottleneck")


@claim("II(output -> input) has a minimum over K", LOWEST)
def lowest_from_output(evidence: Evidence) -> Finding:
    return _lowest_over_bottlenecks(evidence, "output")


@claim("The encoder compresses, for every K", f"{NET_STEP} input to bottleneck, are below 0; last epoch.")
def encoder_compresses(evidence: Evidence) -> Finding:
    steps = {size: evidence.net_step(size, evidence.last, *ENCODER, "bottleneck") for size in evidence.bottlenecks}
    return Finding(all(exceeds(ZERO, step) for step in steps.values()), f"sum of steps by K: {by_bottleneck(steps)}")


@claim(
    "The decoder expands, for large K only",
    f"{NET_STEP} bottleneck to output, exceed 0; last epoch; {LARGE_ONLY}.",
)
def decoder_expands(evidence: Evidence) -> Finding:
    steps = {size: evidence.net_step(size, evidence.last, *DECODER) for size in evidence.several(2)}
    flags = {size: exceeds(step, ZERO) for size, step in steps.items()}
    numbers = f"{which_bottlenecks('expansion', flags)}; sum of steps by K: {by_bottleneck(steps)}"
    return Finding(threshold(flags) is not None, numbers)
