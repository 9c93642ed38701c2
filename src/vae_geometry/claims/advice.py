"""How wide the bottleneck should be: what several witnesses say, or why the sweep cannot tell yet."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import nan

from vae_geometry.claims.evidence import Evidence, NotMeasured
from vae_geometry.claims.registry import by_bottleneck
from vae_geometry.claims.uncertainty import MARGIN, intervals, mean_of
from vae_geometry.claims.witnesses import Witness, by_elbo, by_imbalance, leading, tells_nothing, too_narrow, too_wide

STILL_FALLING = 0.05  # of its whole fall: an ELBO that fell by more over the last half of the epochs still falls
FEWEST_EPOCHS = 5  # to compare the last half with the whole


@dataclass(frozen=True)
class Advice:
    """The answer of a sweep.

    Attributes
    ----------
    size : int or None
        The K to take; None where the sweep cannot tell.
    possible : int or None
        The smallest K that the sweep does not rule out.
    obstacles : list of str
        Why the sweep cannot tell, each with what to change.
    witnesses : list of Witness
    by : str
        Name of the witness that the answer is of.
    but : str
        What another witness asks for, if that is more than one step of K away.
    remarks : list of str
        What else a reader must know.
    next_sweep : list of str
        Lines of the config of a sweep that tells more.
    """

    size: int | None
    possible: int | None
    obstacles: list[str]
    witnesses: list[Witness] = field(default_factory=list)
    by: str = ""
    but: str = ""
    remarks: list[str] = field(default_factory=list)
    next_sweep: list[str] = field(default_factory=list)

    @property
    def answer(self) -> str:
        """The answer in a sentence."""
        if self.size is None:
            return f"The sweep cannot tell yet: {'; '.join(self.obstacles)}."
        smaller = f"; K = {self.possible} may do" if self.possible != self.size else ""
        return (
            f"Take K = {self.size}: the smallest K with nine tenths of the gain in {self.by} from widening the "
            f"bottleneck{smaller}{self.but}."
        )

    def details(self) -> list[str]:
        """What the answer rests on, and what to run next, a line each."""
        lines = [*(f"- {witness}" for witness in self.witnesses), *(f"- {remark}" for remark in self.remarks)]
        asking = "To know more, change this in your config, keep the rest of it, and run it again:"
        return [*lines, asking, "", *(f"    {line}" for line in self.next_sweep), ""]


def advise(evidence: Evidence) -> Advice:
    """The smallest K that is as good as the best, by II(output -> input), beside what other witnesses say.

    Where the errors of the II leave several K open, the validation ELBO of several seeds chooses among them, if its own
    do not.

    Parameters
    ----------
    evidence : Evidence
        Over all seeds, of `fresh` noise.

    Raises
    ------
    NotMeasured
        If an II was not measured, or there are not two K.
    NotApplicable
        If the network has no input or no output.
    """
    last = evidence.last
    evidence.several(2)
    of_imbalance = by_imbalance(evidence, last)
    witnesses, remarks = [of_imbalance], []
    try:
        witnesses.append(by_elbo(evidence))
    except NotMeasured as error:
        if evidence.elbo:
            remarks.append(f"The validation ELBO says nothing of K: {error}.")
    leader = leading(witnesses)
    is_mute = tells_nothing(of_imbalance)  # what such outputs have in common says nothing about K
    of_training = [f"{reason}, for example {_longer(evidence)} epochs" for reason in _too_short(evidence, of_imbalance)]
    of_sizes = [] if is_mute else [*too_narrow(leader), *too_wide(leader), *_too_few(evidence, leader)]
    obstacles = [*of_training, *of_sizes]
    size = None if obstacles else leader.enough
    remarks += _remarks(evidence, witnesses, leader, size)
    steps = evidence.bottlenecks if is_mute else leader.next_sizes()
    next_sweep = _next_sweep(evidence, steps, bool(of_training), has_few_seeds=bool(leader.open_for))
    possible = max(leader.possible, of_imbalance.possible)
    but = _but(witnesses, size) if size else ""
    return Advice(size, possible, obstacles, witnesses, leader.name, but, remarks, next_sweep)


def _but(witnesses: Sequence[Witness], size: int) -> str:
    """What a witness says that asks for more than the next K."""
    asking = max(witnesses, key=lambda each: each.possible)
    sizes = list(asking.worse)
    if sizes.index(asking.possible) - sizes.index(size) < 2:
        return ""
    return f"; but {asking.name} asks for K = {asking.possible} at least"


def _too_short(evidence: Evidence, found: Witness) -> list[str]:
    """Whether the outputs tell nothing yet, or the validation ELBO of a K that matters still falls.

    Nothing is known of networks without losses.
    """
    if is_mute := tells_nothing(found):
        return is_mute
    falling = {}
    if evidence.elbo and evidence.last < FEWEST_EPOCHS:
        too_few = "one epoch is too few" if evidence.last == 1 else f"{evidence.last} epochs are too few"
        return [f"{too_few} to see whether training is at its end, so train longer"]
    for size in evidence.bottlenecks:
        if size >= found.possible and {(size, 1), (size, evidence.last)} <= evidence.elbo.keys():
            end = _elbo(evidence, size, evidence.last)
            whole, late = (_elbo(evidence, size, first) - end for first in (1, evidence.last // 2))
            if late > STILL_FALLING * whole:
                falling[size] = f"{late:.1f} of {whole:.1f} nats"
    if not falling:
        return []
    return [
        f"the training is not at its end (from epoch {evidence.last // 2} to {evidence.last} the validation ELBO loss "
        f"still fell by a twentieth of its whole fall or more, by K: {by_bottleneck(falling)}), so train longer"
    ]


def _longer(evidence: Evidence) -> int:
    """For how many epochs to train next."""
    return 4 * max(evidence.last, FEWEST_EPOCHS)


def _elbo(evidence: Evidence, bottleneck: int, epoch: int) -> float:
    """Mean of the validation ELBO loss over the tenth of the epochs that ends with one; null where none is known."""
    epochs = range(max(1, epoch - epoch // 10 + 1) if epoch >= 10 else epoch, epoch + 1)
    known = [evidence.elbo[bottleneck, each] for each in epochs if (bottleneck, each) in evidence.elbo]
    return mean_of(known).mean if known else nan


def _too_few(evidence: Evidence, found: Witness) -> list[str]:
    """Whether the errors leave more than two neighbouring K open."""
    if not found.open_for:
        return []
    n_seeds = len(evidence.seeds)
    smaller = f", and smaller K, such as {found.smaller[0]}" if found.smaller else ""
    return [
        f"the errors leave open which of K = {', '.join(map(str, found.open_for))} is the smallest that is as good as "
        f"the best, so add seeds (there {'is one' if n_seeds == 1 else f'are {n_seeds}'}) or test inputs "
        f"(geometry.points){smaller}"
    ]


def _remarks(evidence: Evidence, witnesses: Sequence[Witness], leader: Witness, size: int | None) -> list[str]:
    remarks = []
    sizes = list(evidence.bottlenecks)
    ends = [(sizes.index(each.possible), sizes.index(each.enough or sizes[-1])) for each in witnesses]
    if max(lower for lower, _ in ends) - min(upper for _, upper in ends) > 1:
        remarks.append("The criteria disagree by more than one step of K; do not rely on any one alone.")
    remarks += _of_units(evidence) + _of_the_latent(evidence)
    if len(evidence.seeds) == 1:
        remarks.append("One seed says nothing about others; add seeds to see how certain this is.")
    if not evidence.elbo:
        remarks.append("No losses were measured, so whether training is at its end was not checked.")
    first = witnesses[0]
    if leader is not first:
        remarks.append(
            f"The errors of {first.name} leave open which of K = {', '.join(map(str, first.open_for))} it is; "
            f"{leader.name} does not."
        )
    elif size is not None:
        remarks += _since(evidence, size)
    return remarks


def _since(evidence: Evidence, size: int) -> list[str]:
    """Since which checkpoint II(output -> input) has said the same."""
    before = sorted((epoch for epoch in evidence.epochs if 0 < epoch < evidence.last), reverse=True)
    since = evidence.last
    for epoch in before:
        try:
            found = by_imbalance(evidence, epoch)
        except NotMeasured:
            break
        if found.enough != size or tells_nothing(found):
            break
        since = epoch
    if since < evidence.last:
        return [f"II alone would have said so since epoch {since} of {evidence.last}."]
    return [f"At epoch {before[0]} of {evidence.last} II alone would not have said so."] if before else []


def _of_units(evidence: Evidence) -> list[str]:
    """How many units the networks use: more K than that carry nothing."""
    found = {size: evidence.active_units.get((size, evidence.last)) for size in evidence.bottlenecks}
    known = {size: number for size, number in found.items() if number is not None}
    return [f"Active units by K (variance of the mean above 0.01): {by_bottleneck(known)}."] if known else []


def _of_the_latent(evidence: Evidence) -> list[str]:
    """Where the IDs of z and of its mean part, as z takes in noise (FONDUE, arXiv 2209.12806)."""
    gaps = {}
    for size in evidence.bottlenecks:
        sampled, mean = (evidence.latent_dimension.get((size, evidence.last, name)) for name in ("sample", "mean"))
        if sampled is not None and mean is not None:
            gaps[size] = sampled.ratio(mean)
    apart = [size for size, interval in intervals(gaps, len(gaps)).items() if interval.exceeds(MARGIN)] if gaps else []
    if not gaps:
        return []
    if not apart:
        return ["For no K do the IDs of z and of its mean certainly differ."]
    sizes = ", ".join(map(str, apart))
    return [f"The ID of z is above that of its mean for K = {sizes}: z holds noise that its mean does not."]


def _next_sweep(evidence: Evidence, sizes: Sequence[int], is_short: bool, has_few_seeds: bool) -> list[str]:
    """Lines of a config of these K with three seeds or, where they are few, twice as many; four times the epochs."""
    n_seeds = max(3, len(evidence.seeds) * (2 if has_few_seeds else 1))
    lines = [f"bottlenecks: {list(sizes)}", f"seeds: {list(range(n_seeds))}"]
    if is_short:
        epochs = _longer(evidence)
        checkpoints = sorted({*evidence.epochs, epochs // 2, epochs})
        lines += ["training:", f"  epochs: {epochs}", f"  checkpoints: {checkpoints}"]
    return lines
