"""The claims on the intrinsic dimension (ID) of the layers of trained networks."""

from math import log

from vae_geometry.claims.evidence import DECODER, ENCODER, Evidence, NotApplicable, NotMeasured
from vae_geometry.claims.registry import LARGE_ONLY, OURS, Finding, claim, listed, which_bottlenecks
from vae_geometry.claims.transition import humps, transition_of
from vae_geometry.claims.uncertainty import intervals
from vae_geometry.claims.verdicts import for_all, for_large_only

HUMP = "A hump is a layer between the ends whose ID exceeds that of both by more than a tenth"


@claim(
    "The data have far fewer intrinsic dimensions than coordinates",
    "The ID of the input is less than a tenth of its number of coordinates: of an image, the values of its pixels. "
    f"{OURS}",
    section="3.1",
)
def input_dimension(evidence: Evidence) -> Finding:
    dimension = evidence.dimension_of(evidence.bottlenecks[0], evidence.epochs[0], "input")
    if evidence.coordinates is None:
        raise NotMeasured("the number of coordinates is not known")
    if evidence.coordinates <= 10:
        raise NotApplicable(f"a tenth of the data's {evidence.coordinates} coordinates is at most one dimension")
    tenth = dimension.like(evidence.coordinates / 10)
    holds = intervals({0: tenth.ratio(dimension)})[0].exceeds(0)
    return Finding(holds, f"ID {dimension} of {evidence.coordinates} coordinates")


@claim(
    "The ID has a hump in the encoder, for every K",
    f"{HUMP}, here between the input and the encoder's last layer, at the last epoch.",
    section="3.1",
)
def encoder_hump(evidence: Evidence) -> Finding:
    flags, texts = humps(evidence, evidence.last, *ENCODER)
    return Finding(for_all(flags.values()), "highest between the ends, by K", texts)


@claim(
    "The ID of the bottleneck is near K or the ID of the data, whichever is less",
    "Near: the ratio of the two is less than half a step of the sweep's K (for K that double: a factor of 1.41). The "
    "paper says roughly K; that the data's ID bounds it is our reading.",
    section="3.1",
)
def bottleneck_dimension(evidence: Evidence) -> Finding:
    sizes = evidence.several(2)
    dimensions, ratios = {}, {}
    for size in sizes:
        data = evidence.dimension_of(size, evidence.last, "input")
        dimensions[size] = evidence.dimension_of(size, evidence.last, "bottleneck")
        ratios[size] = dimensions[size].ratio(data if data.mean < size else data.like(size))
    half_a_step = log(sizes[-1] / sizes[0]) / (len(sizes) - 1) / 2
    near = {size: interval.is_within(half_a_step) for size, interval in intervals(ratios, len(sizes)).items()}
    far = [size for size, flag in near.items() if flag is False]
    return Finding(for_all(near.values()), f"far for {listed(far)}; ID by K", dimensions)


@claim(
    "The ID has a hump in the decoder, for large K only",
    f"{HUMP}, here between the bottleneck and the output, at the last epoch; {LARGE_ONLY}.",
    section="3.1",
    of_the_end=True,
)
def decoder_hump(evidence: Evidence) -> Finding:
    evidence.several(2)
    flags, texts = humps(evidence, evidence.last, *DECODER)
    return Finding(for_large_only(flags), f"{which_bottlenecks('hump', flags)}; highest between the ends, by K", texts)


@claim(
    "The decoder's hump sets in where K reaches the ID of the data",
    "The ID of the data, give or take a tenth, lies between the largest K without the hump and the smallest with it.",
    section="3.1",
    of_the_end=True,
)
def transition_at_the_dimension_of_the_data(evidence: Evidence) -> Finding:
    found = transition_of(evidence)
    data = evidence.dimension_of(evidence.bottlenecks[-1], evidence.last, "input")
    if not found.brackets:
        return Finding(None, f"there is no such K; ID of the data {data}")
    return Finding(found.is_at(data), f"the hump sets in {found}; ID of the data {data}")
