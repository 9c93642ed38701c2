"""The claims that need more of the latent than the layer z, and the difference between networks of neighbouring K."""

from itertools import pairwise
from math import log

import numpy as np

from vae_geometry.claims.evidence import Evidence, NotMeasured
from vae_geometry.claims.of_training import kl_phases, of_two_phases, with_two_phases
from vae_geometry.claims.registry import OURS, Finding, claim
from vae_geometry.claims.uncertainty import MARGIN, Sample, intervals, mean_of
from vae_geometry.claims.verdicts import for_all, for_any


@claim(
    "Past the transition the bottleneck is more abstract",
    "II(mean of the bottleneck -> input) exceeds its lowest value over K by more than a tenth at the largest K; last "
    "epoch. The paper shows it with the sampled z, where units that carry nothing add noise of the prior, which raises "
    f"the II whatever was learned. {OURS}",
    section="3.1",
    of_the_end=True,
)
def abstract_past_the_transition(evidence: Evidence) -> Finding:
    series = {size: evidence.from_latent.get((size, evidence.last, "mean")) for size in evidence.several(3)}
    if not all(series.values()):
        raise NotMeasured("II(mean of the bottleneck -> input) was not measured")
    known = {size: sample for size, sample in series.items() if sample is not None}
    largest = evidence.bottlenecks[-1]
    rises = {size: known[largest].ratio(sample) for size, sample in known.items() if size != largest}
    flags = [interval.exceeds(MARGIN) for interval in intervals(rises, len(rises)).values()]
    at = min(known, key=lambda size: known[size].mean)
    return Finding(for_any(flags), f"lowest at K = {at}; II by K", known)


@claim(
    "The bottleneck becomes more Gaussian in the second phase",
    "Of the K whose KL has two phases: the divergence of the aggregate posterior from the prior, N(0, I), by its first "
    "two moments, is lower at the last epoch than at the checkpoint nearest the turn, by more than a tenth.",
    section="3.2",
    of_the_end=True,
)
def bottleneck_becomes_gaussian(evidence: Evidence) -> Finding:
    phases, windows, _ = kl_phases(evidence)
    both, falls, texts = with_two_phases(evidence, phases), {}, {}
    for size in both:
        middle = sum(windows[size][1]) / 2
        turn = min(evidence.trained, key=lambda epoch: abs(log(epoch / middle)))
        pair = [evidence.divergence.get((size, epoch)) for epoch in (turn, evidence.last)]
        if pair[0] is None or pair[1] is None:
            raise NotMeasured(f"the divergence of the aggregate posterior was not measured (K = {size})")
        falls[size] = pair[0].ratio(pair[1])
        texts[size] = f"{pair[0]} at epoch {turn}, {pair[1]}"
    flags = {size: interval.exceeds(MARGIN) for size, interval in intervals(falls, max(len(falls), 1)).items()}
    return of_two_phases(both, flags, "divergence in nats, at the turn and at the end, by K", texts)


@claim(
    "Networks of neighbouring K differ most where K passes the ID of the data",
    "The size of the relative II difference of the same layer in two networks, mean over the layers between input and "
    "output: of all neighbouring K it is largest for those on either side of the ID of the data; last epoch.",
    section="3.1 and figure A1",
    of_the_end=True,
)
def neighbours_differ_most_at_the_transition(evidence: Evidence) -> Finding:
    sizes = evidence.several(3)
    layers = evidence.layers("encoder", "bottleneck", "decoder")
    differences = {}
    for pair in pairwise(sizes):
        found = [evidence.between_bottlenecks.get((*pair, layer)) for layer in layers]
        known = [Sample(np.abs(each.numbers), each.errors) for each in found if each is not None]
        if len(known) < len(layers):
            raise NotMeasured(f"II between the networks of K = {pair[0]} and {pair[1]} was not measured")
        differences[pair] = mean_of(known)
    data = evidence.dimension_of(sizes[-1], evidence.last, "input").mean
    texts = {pair[1]: f"{difference} (from {pair[0]})" for pair, difference in differences.items()}
    at = next((pair for pair in differences if pair[0] < data <= pair[1]), None)
    if at is None:
        raise NotMeasured(f"the ID of the data, {data:.3g}, lies outside the sweep's K; add K on both sides of it")
    lead = {pair: differences[at] - other for pair, other in differences.items() if pair != at}
    flags = [interval.exceeds(0) for interval in intervals(lead, len(lead)).values()]
    return Finding(
        for_all(flags), f"the ID of the data lies between {at[0]} and {at[1]}; difference by the larger K", texts
    )
