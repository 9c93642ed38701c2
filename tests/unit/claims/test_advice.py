"""The advice on K: an answer within the truth's bracket, or why there is none."""

import re
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from made_up_evidence import LAST, as_in_the_paper, changed, roles_of, sample

from vae_geometry.claims.advice import advise
from vae_geometry.claims.evidence import NotMeasured
from vae_geometry.claims.uncertainty import Sample
from vae_geometry.claims.witnesses import witness

SIZES = (2, 8, 32, 128)


def falls_to(*imbalances, error=0.01, **fields):
    """The evidence of the paper with other II(output -> input) at the end, and an ELBO that has settled."""
    numbers = {(size, LAST, 10, 0): value for size, value in zip(SIZES, imbalances, strict=True)}
    evidence = changed("imbalance", error, numbers)
    rng = np.random.default_rng(0)
    elbo = {
        (size, epoch): sample(100 + value * 100 + 200 / epoch, 0.001, rng)
        for (size, epoch), value in by_epoch(imbalances)
    }
    return replace(evidence, **{"elbo": elbo, **fields})


def by_epoch(imbalances):
    return (
        ((size, epoch), value) for size, value in zip(SIZES, imbalances, strict=True) for epoch in range(1, LAST + 1)
    )


def test_the_advice_is_the_smallest_bottleneck_as_good_as_the_best():
    advice = advise(falls_to(0.4, 0.1, 0.021, 0.02))
    assert (advice.size, advice.possible, advice.obstacles) == (32, 32, [])
    assert advice.answer == (
        "Take K = 32: the smallest K with nine tenths of the gain in II(output -> input) from widening the bottleneck."
    )
    assert str(advice.witnesses[0]).startswith("II(output -> input): K = 32 (2: 0.4000 ± 0.0023; 8: 0.1000")
    assert str(advice.witnesses[1]).startswith("validation ELBO loss: K = 32 (")


def test_a_bottleneck_is_not_taken_because_it_was_not_shown_to_be_worse():
    (found, *_) = advise(falls_to(0.4, 0.05, 0.021, 0.02, error=0.6)).witnesses
    assert (found.possible, found.worse[8], found.enough) == (8, None, None)


def test_margins_are_a_tenth_of_what_widening_gains():
    exact = {
        size: Sample(np.full(2, value), np.full(2, 1e-6)) for size, value in {2: 10.0, 4: 1.9, 8: 1.0, 16: 1.0}.items()
    }
    assert witness("loss", exact, logarithmic=False).enough == 8  # 0.9 of 9 would do
    assert witness("loss", {**exact, 4: Sample(np.full(2, 1.89), np.zeros(2))}, logarithmic=False).enough == 4
    flat = {size: Sample(np.full(2, 0.3), np.full(2, 1e-6)) for size in SIZES}
    assert witness("II", flat, logarithmic=True).enough == 2


def drawn(rng, means, deviations, n_seeds, n_sweeps=600):
    """What witness finds in sweeps of numbers that scatter about their means."""
    for _ in range(n_sweeps):
        numbers = {
            size: Sample(rng.normal(mean, deviations.get(size, 1), n_seeds), np.full(n_seeds, np.nan))
            for size, mean in means.items()
        }
        yield witness("loss", numbers, logarithmic=False)


@pytest.mark.parametrize("n_seeds", [2, 3, 5])
@pytest.mark.parametrize(
    ("means", "deviations", "wrong", "right"),
    [
        ({2: 100, 4: 19, 8: 10, 16: 10, 32: 10}, {}, {2, 4}, 8),  # K = 4 lacks just the margin
        ({2: 100, 4: 19, 8: 10, 16: 10, 32: 10}, {2: 10}, {2, 4}, 8),
        ({2: 15, 4: 6, 8: 2, 16: 0}, {}, {2, 4, 8}, 16),  # falls to the end: the lowest of all by chance is no proof
        ({2: 2, 4: 0}, {}, {2}, 4),
        ({2: 10, 4: 10, 8: 10}, {}, set(), None),
    ],
)
def test_noise_names_a_bottleneck_that_is_worse_in_5_of_100_sweeps_at_most(
    rng, n_seeds, means, deviations, wrong, right
):
    found = list(drawn(rng, means, deviations, n_seeds))
    assert np.mean([each.enough in wrong for each in found]) < 0.05
    if right:
        assert np.mean([each.possible > right for each in found]) < 0.05
    if right == 8:
        assert np.mean([each.enough == right for each in found]) > 0.9


def test_more_seeds_find_the_bottleneck_more_often(rng):
    means = {2: 15, 4: 3, 8: 0.3, 16: 0, 32: 0}
    power = [np.mean([each.enough == 8 for each in drawn(rng, means, {}, n_seeds)]) for n_seeds in (2, 3, 5, 10, 30)]
    assert all(more >= less - 0.03 for less, more in pairwise(power))
    assert power[-1] > 0.9


def test_a_sweep_that_is_too_narrow_cannot_tell():
    advice = advise(falls_to(0.4, 0.1, 0.05, 0.01))
    assert advice.size is None
    assert advice.answer.startswith("The sweep cannot tell yet: II(output -> input) falls up to the largest K (")
    assert "so add larger ones, such as 256" in advice.answer
    assert "bottlenecks: [32, 53, 91, 155, 256]" in advice.next_sweep or advice.next_sweep[0].endswith("256]")


def test_a_sweep_whose_narrowest_bottleneck_is_as_good_as_any_cannot_tell():
    advice = advise(falls_to(0.0201, 0.0202, 0.0201, 0.02))
    assert (advice.size, advice.witnesses[0].enough) == (None, 2)
    assert advice.answer.startswith(
        "The sweep cannot tell yet: the narrowest K is as good as any in II(output -> input) (0.02010"
    )
    assert advice.answer.endswith(", so add smaller ones, such as 1.")
    assert advice.next_sweep[0] == "bottlenecks: [1, 2, 128]"


def test_a_single_unit_may_be_enough():
    evidence = falls_to(0.0201, 0.0202, 0.0201, 0.02)
    one = {(1, epoch, *rest): value for (size, epoch, *rest), value in evidence.imbalance.items() if size == 2}
    elbo = {(1, epoch): value for (size, epoch), value in evidence.elbo.items() if size == 2}
    fields = {"imbalance": {**evidence.imbalance, **one}, "elbo": {**evidence.elbo, **elbo}}
    assert advise(replace(evidence, bottlenecks=(1, *SIZES), **fields)).size == 1


def test_a_training_that_has_not_ended_cannot_tell():
    still_falling = {key: sample(300 - 40 * np.log(key[1]), 0.001) for key in as_in_the_paper().elbo}
    advice = advise(falls_to(0.4, 0.1, 0.021, 0.02, elbo=still_falling))
    assert advice.size is None
    assert "the training is not at its end (from epoch 100 to 200 the validation ELBO loss still fell" in advice.answer
    assert advice.next_sweep[-3:] == ["training:", "  epochs: 800", "  checkpoints: [0, 1, 10, 200, 400, 800]"]


def test_a_training_of_a_few_epochs_cannot_tell():
    evidence = falls_to(0.4, 0.1, 0.021, 0.02)
    imbalance = {(size, 4, 10, 0): evidence.imbalance[size, LAST, 10, 0] for size in SIZES}
    elbo = {(size, epoch): evidence.elbo[size, epoch] for size in SIZES for epoch in range(1, 5)}
    advice = advise(replace(evidence, epochs=(0, 1, 4), imbalance={**evidence.imbalance, **imbalance}, elbo=elbo))
    assert advice.answer.startswith(
        "The sweep cannot tell yet: 4 epochs are too few to see whether training is at its end"
    )
    assert advice.next_sweep[-3:] == ["training:", "  epochs: 20", "  checkpoints: [0, 1, 4, 10, 20]"]


def test_outputs_that_tell_nothing_are_no_reason_for_a_small_bottleneck():
    advice = advise(falls_to(1.02, 1.1, 1.05, 1.04))
    assert advice.size is None
    said = r"The sweep cannot tell yet: even the best output tells little of the input \(II 1.0.*\), so train longer"
    assert re.fullmatch(said + ", for example 800 epochs.", advice.answer)
    assert advice.next_sweep[0] == f"bottlenecks: {sorted(advice.witnesses[0].numbers)}"
    assert advice.next_sweep[-3:-1] == ["training:", "  epochs: 800"]


def test_errors_that_leave_several_bottlenecks_open_cannot_tell():
    advice = advise(falls_to(0.3, 0.25, 0.22, 0.2, error=0.5, elbo={}))
    assert advice.size is None
    assert (
        "the errors leave open which of K = 2, 8, 32, 128 is the smallest that is as good as the best" in advice.answer
    )
    assert advice.next_sweep == ["bottlenecks: [1, 2, 8, 32, 128]", "seeds: [0, 1, 2, 3, 4, 5]"]
    assert "so add seeds (there are 3) or test inputs (geometry.points), and smaller K, such as 1." in advice.answer


def test_where_the_errors_of_the_ii_are_too_large_the_elbo_chooses():
    losses = {2: 150.0, 8: 101.0, 32: 88.0, 128: 88.0}
    elbo = {(size, epoch): sample(losses[size] + 200 / epoch, 0.001) for size, epoch in as_in_the_paper().elbo}
    advice = advise(falls_to(0.3, 0.07, 0.06, 0.05, error=0.3, elbo=elbo))
    assert advice.witnesses[0].open_for == [8, 32, 128]
    assert advice.size == 32
    assert "gain in validation ELBO loss from" in advice.answer
    remark = (
        "The errors of II(output -> input) leave open which of K = 8, 32, 128 it is; validation ELBO loss does not."
    )
    assert remark in advice.remarks
    assert "The criteria disagree by more than one step of K; do not rely on any one alone." not in advice.remarks
    assert advice.next_sweep[0] == "bottlenecks: [2, 8, 11, 16, 23, 32]"


def test_an_elbo_that_widening_does_not_improve_does_not_choose():
    losses = {2: 100.0, 8: 105.0, 32: 110.0, 128: 120.0}
    elbo = {(size, epoch): sample(losses[size] + 200 / epoch, 0.001) for size, epoch in as_in_the_paper().elbo}
    advice = advise(falls_to(0.6, 0.07, 0.06, 0.05, error=0.3, elbo=elbo))
    assert (advice.witnesses[0].possible, advice.witnesses[1].enough) == (8, 2)
    assert advice.size is None
    assert "the errors leave open which of K = 8, 32, 128" in advice.answer


def test_the_elbo_of_one_seed_does_not_choose():
    def alone(value, error):
        return Sample(np.array([value]), np.array([error]))

    imbalances = dict(zip(SIZES, (0.3, 0.07, 0.06, 0.05), strict=True))
    noisy = {(size, LAST, 10, 0): alone(value, 0.3 * value) for size, value in imbalances.items()}
    losses = {2: 150.0, 8: 101.0, 32: 88.0, 128: 88.0}
    evidence = as_in_the_paper()
    elbo = {(size, epoch): alone(losses[size] + 200 / epoch, 0.01) for size, epoch in evidence.elbo}
    advice = advise(replace(evidence, seeds=(0,), imbalance={**evidence.imbalance, **noisy}, elbo=elbo))
    assert advice.witnesses[1].enough == 32
    assert advice.size is None


def test_what_another_witness_asks_for_is_in_the_answer():
    losses = {2: 200.0, 8: 150.0, 32: 120.0, 128: 100.0}
    elbo = {(size, epoch): sample(losses[size] + 200 / epoch, 0.001) for size, epoch in as_in_the_paper().elbo}
    advice = advise(falls_to(0.4, 0.0201, 0.02, 0.02, elbo=elbo))
    assert advice.answer.endswith(
        "gain in II(output -> input) from widening the bottleneck; but validation ELBO loss asks for K = 128 at least."
    )


def test_losses_and_imbalances_that_are_not_there_leave_the_advice_on_what_is():
    evidence = falls_to(0.4, 0.1, 0.021, 0.02)
    imbalance = {key: value for key, value in evidence.imbalance.items() if key[1] != 10}
    elbo = {key: value for key, value in evidence.elbo.items() if key != (8, LAST - 1)}
    advice = advise(replace(evidence, imbalance=imbalance, elbo=elbo))
    assert advice.size == 32
    said = "The validation ELBO says nothing of K: not every epoch up to 200 was measured or published."
    assert advice.remarks[0] == said
    without = advise(replace(evidence, elbo={}))
    assert "No losses were measured, so whether training is at its end was not checked." in without.remarks


def test_the_witnesses_may_disagree():
    elbo = {key: sample(100 + 200 / key[1] + (50 if key[0] < 128 else 0), 0.001) for key in as_in_the_paper().elbo}
    advice = advise(falls_to(0.4, 0.0201, 0.02, 0.02, elbo=elbo))
    assert [each.enough for each in advice.witnesses] == [8, 128]
    assert "The criteria disagree by more than one step of K; do not rely on any one alone." in advice.remarks


def test_one_seed_and_the_epoch_since_which_it_stands_are_told():
    evidence = falls_to(0.4, 0.1, 0.021, 0.02)
    early = {(size, 10, 10, 0): evidence.imbalance[size, LAST, 10, 0] for size in SIZES}
    early |= {(size, 1, 10, 0): sample(0.9, 0.01) for size in SIZES}
    evidence = replace(evidence, seeds=(0,), imbalance={**evidence.imbalance, **early})
    remarks = advise(evidence).remarks
    assert "One seed says nothing about others; add seeds to see how certain this is." in remarks
    assert "II alone would have said so since epoch 10 of 200." in remarks


def test_without_trained_networks_or_other_bottlenecks_there_is_none():
    with pytest.raises(NotMeasured, match="no trained network was measured"):
        advise(replace(as_in_the_paper(), epochs=(0,)))
    with pytest.raises(NotMeasured, match="needs 2 bottlenecks, the sweep has 1"):
        advise(replace(as_in_the_paper(), bottlenecks=(8,)))


def test_the_advice_for_another_network_is_that_of_its_own_output():
    roles = roles_of(3, 1)
    assert advise(as_in_the_paper(roles=roles)).witnesses[0].enough == 32
    other = changed("imbalance", 0.01, {(8, LAST, 6, 0): 0.01}, roles)
    assert advise(other).witnesses[0].enough == 8
