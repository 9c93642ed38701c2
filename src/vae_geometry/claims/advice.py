"""How wide the bottleneck should be, in sentences."""

from collections.abc import Mapping, Sequence

from vae_geometry.claims.evidence import Evidence
from vae_geometry.claims.uncertainty import Measured, exceeds


def transition(imbalance: Mapping[int, Measured]) -> int:
    """The smallest K of which no larger K has a lower II(output -> input), from this II by K."""
    return next(
        size
        for size in sorted(imbalance)
        if not any(exceeds(imbalance[size], imbalance[larger]) for larger in imbalance if larger > size)
    )


def _output_to_input(evidence: Evidence) -> dict[int, Measured]:
    return {size: evidence.to_input(size, evidence.last, "output") for size in evidence.bottlenecks}


def advise(per_seed: Sequence[Evidence], over_seeds: Evidence) -> str:
    """The smallest K past the transition with its uncertainty, and what to add to the sweep to know more.

    Parameters
    ----------
    per_seed, over_seeds
        As ``evidence.of_sweep`` gives them, of `fresh` noise.

    Raises
    ------
    NotMeasured
        If an ID or II was not measured.
    NotApplicable
        If the network has no input or no output.
    """
    if over_seeds.epochs[-1] == 0:
        return "No advice on K: no trained network was measured; add a later epoch to training.checkpoints."
    imbalance = _output_to_input(over_seeds)
    best = transition(imbalance)
    data = over_seeds.dimension_of(best, over_seeds.last, "input")
    found = sorted({transition(_output_to_input(evidence)) for evidence in per_seed})
    sizes = list(over_seeds.bottlenecks)
    if len(sizes) == 1:
        return f"No advice on K: the sweep has one bottleneck, {best}; add others to bottlenecks."
    sentences = [
        *_where_the_transition_lies(best, imbalance),
        *_room_for_the_data(best, sizes, data),
        *_what_the_seeds_say(best == sizes[-1], found, len(per_seed)),
    ]
    return " ".join(sentences)


def _where_the_transition_lies(best: int, imbalance: Mapping[int, Measured]) -> list[str]:
    """From II(output -> input) by K, of two K at least."""
    sizes = list(imbalance)
    smaller = [size for size in sizes if size < best]
    if best == sizes[-1]:
        return [
            f"The sweep cannot tell: up to its largest K, {best}, II(output -> input) falls "
            f"({imbalance[smaller[-1]]} at K = {smaller[-1]}, {imbalance[best]} at {best}); add larger ones to "
            f"bottlenecks, for example {2 * best}."
        ]
    lowest = min(sizes, key=lambda size: imbalance[size].value)
    beyond = f"lowest at {lowest}, {imbalance[lowest]}" if lowest != best else "the lowest of all"
    take = f"Take K = {best}: no larger K lowers II(output -> input), which is {imbalance[best]} there ({beyond})."
    if not smaller:
        return [take, f"A smaller one may do: add some below {best} to bottlenecks."]
    gap = "; the transition lies between the two, add K there to narrow it" if best - smaller[-1] > 1 else ""
    return [take, f"K = {smaller[-1]} has {imbalance[smaller[-1]]}{gap}."]


def _room_for_the_data(best: int, sizes: Sequence[int], data: Measured) -> list[str]:
    """From the ID of the data: which K are below it."""
    below = [size for size in sizes if exceeds(data, Measured(size))]
    if best in below and best != sizes[-1]:
        return [f"That is below the intrinsic dimension of the data ({data}): train longer to see if it stays so."]
    if below:
        return [
            f"K = {below[-1]} is below the intrinsic dimension of the data ({data}): its latent space has no room "
            "for all directions in which the data vary."
        ]
    return []


def _what_the_seeds_say(is_largest: bool, found: Sequence[int], n_seeds: int) -> list[str]:
    """From the transitions that single seeds show; nothing where the sweep cannot tell anyway."""
    if n_seeds == 1:
        return ["This is one seed; add others to seeds to know how sure it is."]
    if is_largest:
        return []
    size = f"K = {found[0]}" if len(found) == 1 else f"from K = {found[0]} to {found[-1]}"
    return [f"Each of the {n_seeds} seeds alone says {size}."]
