"""The claims on the intrinsic dimension (ID) of the layers of trained networks."""

from vae_geometry.claims.evidence import DECODER, ENCODER, Evidence, NotApplicable, NotMeasured
from vae_geometry.claims.registry import LARGE_ONLY, Finding, by_bottleneck, claim, which_bottlenecks
from vae_geometry.claims.uncertainty import ZERO, Measured, exceeds, is_near, threshold

HUMP = "A hump is a layer between the ends whose ID exceeds that of both"


@claim(
    "The data have far fewer intrinsic dimensions than coordinates",
    "The ID of the input is less than a tenth of its number of coordinates: of an image, the values of its pixels.",
)
def input_dimension(evidence: Evidence) -> Finding:
    dimension = evidence.dimension_of(evidence.bottlenecks[0], evidence.epochs[0], "input")
    if evidence.coordinates is None:
        raise NotMeasured("the number of coordinates is not known")
    if evidence.coordinates <= 10:
        raise NotApplicable(f"a tenth of the data's {evidence.coordinates} coordinates is at most one dimension")
    holds = exceeds(Measured(evidence.coordinates / 10), dimension)
    return Finding(holds, f"ID {dimension} of {evidence.coordinates} coordinates")


@claim(
    "The ID has a hump in the encoder, for every K",
    f"{HUMP}, here between the input and the encoder's last layer, at the last epoch.",
)
def encoder_hump(evidence: Evidence) -> Finding:
    layers = evidence.hump_layers(*ENCODER)
    heights = {size: evidence.hump(size, evidence.last, layers) for size in evidence.bottlenecks}
    holds = all(exceeds(height, ZERO) for height in heights.values())
    return Finding(holds, f"height by K: {by_bottleneck(heights)}")


@claim(
    "The ID of the bottleneck is near K or the ID of the data, whichever is less",
    "Near: the ratio of the two is less than half a step of the sweep's K (for K that double: a factor of 1.41).",
)
def bottleneck_dimension(evidence: Evidence) -> Finding:
    sizes = evidence.several(2)
    ratio = (sizes[-1] / sizes[0]) ** (1 / (len(sizes) - 1))
    dimensions, far = {}, []
    for size in sizes:
        data = evidence.dimension_of(size, evidence.last, "input")
        dimensions[size] = evidence.dimension_of(size, evidence.last, "bottleneck")
        if not is_near(dimensions[size], min(Measured(size), data, key=lambda target: target.value), ratio):
            far.append(str(size))
    far_for = f"K = {', '.join(far)}" if far else "no K"
    return Finding(not far, f"far for {far_for}; ID by K: {by_bottleneck(dimensions)}")


@claim(
    "The ID has a hump in the decoder, for large K only",
    f"{HUMP}, here between the bottleneck and the output, at the last epoch; {LARGE_ONLY}.",
)
def decoder_hump(evidence: Evidence) -> Finding:
    layers = evidence.hump_layers(*DECODER)
    heights = {size: evidence.hump(size, evidence.last, layers) for size in evidence.several(2)}
    flags = {size: exceeds(height, ZERO) for size, height in heights.items()}
    numbers = f"{which_bottlenecks('hump', flags)}; height by K: {by_bottleneck(heights)}"
    return Finding(threshold(flags) is not None, numbers)
