"""How wide the bottleneck should be, and which claims the kind of noise decides, each as a sentence."""

from collections.abc import Mapping, Sequence

from vae_geometry.claims.evidence import Measurements
from vae_geometry.claims.uncertainty import exceeds


def transition(measured: Measurements) -> int:
    """The smallest K of which no larger K has a lower II(output -> input) at the last epoch.

    Raises
    ------
    NotMeasured
        If an II was not measured.
    """
    series = {size: measured.to_input(size, measured.last, 10) for size in measured.bottlenecks}
    return next(
        size
        for size in measured.bottlenecks
        if not any(exceeds(series[size], series[larger]) for larger in measured.bottlenecks if larger > size)
    )


def advise(per_seed: Sequence[Measurements], over_seeds: Measurements) -> str:
    """The smallest K past the transition with its uncertainty, and what to add to the sweep to know more.

    Parameters
    ----------
    per_seed, over_seeds
        As ``measurements.of_sweep`` gives them, of `fresh` noise.

    Raises
    ------
    NotMeasured
        If an ID or II was not measured.
    """
    sizes, last = list(over_seeds.bottlenecks), over_seeds.epochs[-1]
    if last == 0:
        return "No advice on K: no trained network was measured; add a later epoch to training.checkpoints."
    best = transition(over_seeds)
    imbalance = {size: over_seeds.to_input(size, last, 10) for size in sizes}
    data = over_seeds.profile(best, last, [0])[0]
    sentences, seeds = [], sorted({transition(measured) for measured in per_seed})
    smaller = sizes[sizes.index(best) - 1] if best > sizes[0] else None
    if best == sizes[-1]:
        if len(sizes) == 1:
            return f"No advice on K: the sweep has one bottleneck, {best}; add others to bottlenecks."
        sentences.append(
            f"The sweep cannot tell: up to its largest K, {best}, II(output -> input) falls ({imbalance[smaller]} at "
            f"K = {smaller}, {imbalance[best]} at {best}); add larger ones to bottlenecks, for example {2 * best}."
        )
    else:
        lowest = min(imbalance, key=lambda size: imbalance[size].value)
        beyond = f"lowest at {lowest}, {imbalance[lowest]}" if lowest != best else "the lowest of all"
        sentences.append(
            f"Take K = {best}: no larger K lowers II(output -> input), which is {imbalance[best]} there ({beyond})."
        )
        if smaller is None:
            sentences.append(f"A smaller one may do: add some below {best} to bottlenecks.")
        else:
            gap = "; the transition lies between the two, add K there to narrow it" if best - smaller > 1 else ""
            sentences.append(f"K = {smaller} has {imbalance[smaller]}{gap}.")
    below = [size for size in sizes if exceeds(data, type(data)(size))]
    if best in below and best != sizes[-1]:
        sentences.append(
            f"That is below the intrinsic dimension of the data ({data}): train longer to see if it stays so."
        )
    elif below:
        sentences.append(
            f"K = {below[-1]} is below the intrinsic dimension of the data ({data}): its latent space has no "
            "room for all directions in which the images vary."
        )
    if len(per_seed) == 1:
        sentences.append("This is one seed; add others to seeds to know how sure it is.")
    elif best != sizes[-1]:
        found = f"K = {seeds[0]}" if len(seeds) == 1 else f"from K = {seeds[0]} to {seeds[-1]}"
        sentences.append(f"Each of the {len(per_seed)} seeds alone says {found}.")
    return " ".join(sentences)


def noise_decides(rows: Sequence[Mapping]) -> list[str]:
    """A sentence for each claim that repeated and fresh noise decide differently, with the numbers of both.

    Parameters
    ----------
    rows : sequence of mappings
        Of the table of claims.
    """
    sentences = []
    over_seeds = {(row["claim"], row["noise"]): row for row in rows if row["seed"] is None}
    for (claim, noise), repeated in over_seeds.items():
        fresh = over_seeds.get((claim, "fresh"))
        if noise != "repeated" or fresh is None:
            continue
        if {repeated["verdict"], fresh["verdict"]} == {"holds", "fails"}:
            sentences.append(
                f"{repeated['statement']}: with repeated noise this {repeated['verdict']} ({repeated['numbers']}), "
                f"with fresh noise it {fresh['verdict']} ({fresh['numbers']})."
            )
    return sentences
