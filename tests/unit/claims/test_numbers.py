"""The numbers of the paper's text, on made-up evidence that has them or not."""

from dataclasses import replace

import numpy as np
import pytest
from made_up_evidence import DATA, LAST, SIZES, as_in_the_paper, sample

from vae_geometry.claims import of_numbers
from vae_geometry.claims.check import verdict
from vae_geometry.claims.registry import CLAIMS
from vae_geometry.claims.uncertainty import Sample
from vae_geometry.claims.verdicts import CONTRADICTED, HOLDS, NOT_APPLICABLE, NOT_MEASURABLE, UNDECIDED

NAMED = {claim.name: claim for claim in CLAIMS if claim.check.__module__ == of_numbers.__name__}
OF_MNIST = ("number_of_the_data", "number_of_the_encoder", "number_of_the_decoder", "number_of_the_turn")


def with_numbers(dataset="mnist", error=0.01, **tables):
    """The evidence of the paper as of a data set: its ID is 12, and the encoder's and decoder's peaks are MNIST's."""
    evidence = replace(as_in_the_paper(error), dataset=dataset)
    peaks = {(size, LAST, 2): sample(25.0, error) for size in SIZES}
    peaks[SIZES[-1], LAST, 7] = sample(60.0, error)
    evidence = replace(evidence, dimension={**evidence.dimension, **peaks})
    return replace(evidence, **{name: {**getattr(evidence, name), **numbers} for name, numbers in tables.items()})


@pytest.mark.parametrize("name", OF_MNIST)
def test_it_holds_with_the_paper_s_numbers(name):
    evidence = with_numbers()
    lower = {key: sample(n.mean, 0.01) for key, n in evidence.dimension.items() if key[2] != 1}
    evidence = replace(
        evidence, dimension={**evidence.dimension, **lower, **{(k, LAST, 1): sample(20.0) for k in SIZES}}
    )
    assert verdict(NAMED[name], evidence)["verdict"] == HOLDS


@pytest.mark.parametrize(
    ("name", "tables"),
    [
        ("number_of_the_data", {"dimension": {(2, 0, 0): sample(15.0)}}),
        ("number_of_the_encoder", {"dimension": {(8, LAST, 2): sample(40.0)}}),
        ("number_of_the_decoder", {"dimension": {(128, LAST, 7): sample(80.0)}}),
        ("number_of_the_turn", {"kl": {(32, epoch): sample(90.0) for epoch in range(64, 128)}}),
    ],
)
def test_other_numbers_contradict_it(name, tables):
    assert verdict(NAMED[name], with_numbers(**tables))["verdict"] == CONTRADICTED


@pytest.mark.parametrize(("turn", "expected"), [(range(8, 16), HOLDS), (range(64, 128), UNDECIDED)])
def test_a_k_that_may_turn_at_another_epoch_leaves_the_turn_open(turn, expected):
    """The KL of K = 8 rises and falls within its errors; those of K = 32 and 128 surely do, at about epoch 10."""
    kl = {(8, epoch): sample(26.0, 0.2) if epoch in turn else sample(20.0) for epoch in range(1, LAST + 1)}
    found = verdict(NAMED["number_of_the_turn"], with_numbers(kl=kl))
    assert found["verdict"] == expected
    assert found["values"][found["bottlenecks"].index(8)].endswith("(open whether it counts)")


def test_a_bottleneck_of_many_dimensions_is_not_its_decoder():
    tables = {"dimension": {(128, LAST, 5): sample(60.0), (128, LAST, 7): sample(13.0)}}
    found = verdict(NAMED["number_of_the_decoder"], with_numbers(**tables))
    assert found["verdict"] == CONTRADICTED


@pytest.mark.parametrize("name", OF_MNIST[:3])
def test_wide_errors_leave_it_open(name):
    noisy = {key: sample(n.mean, 0.5) for key, n in with_numbers().dimension.items()}
    assert verdict(NAMED[name], with_numbers(dimension=noisy))["verdict"] == UNDECIDED


def test_the_transition_is_that_of_the_data_set():
    of_mnist = verdict(NAMED["number_of_the_transition"], with_numbers())
    assert (of_mnist["verdict"], of_mnist["reason"]) == (
        NOT_MEASURABLE,
        "K = 16 is not in the sweep; add it to bottlenecks",
    )
    assert verdict(NAMED["number_of_the_transition"], with_numbers("cifar10"))["verdict"] == HOLDS
    early = {(8, LAST, 7): sample(2 * DATA)}
    assert (
        verdict(NAMED["number_of_the_transition"], with_numbers("cifar10", dimension=early))["verdict"] == CONTRADICTED
    )


def test_the_bottlenecks_of_cifar():
    series = {(size, LAST, 5, 0): sample(value) for size, value in zip(SIZES, (0.4, 0.05, 0.2, 0.5), strict=True)}
    assert verdict(NAMED["numbers_of_the_bottleneck"], with_numbers("cifar10", imbalance=series))["verdict"] == HOLDS
    series[128, LAST, 5, 0] = sample(0.3)
    assert (
        verdict(NAMED["numbers_of_the_bottleneck"], with_numbers("cifar10", imbalance=series))["verdict"]
        == CONTRADICTED
    )


def test_the_bottlenecks_of_cifar_are_judged_by_three_tests_together():
    values = zip(SIZES, (0.4, 0.0606, 0.2, 0.5), strict=True)
    series = {(size, LAST, 5, 0): Sample(np.array([value]), np.array([0.0474 * value])) for size, value in values}
    evidence = replace(with_numbers("cifar10", imbalance=series), seeds=(0,))
    assert verdict(NAMED["numbers_of_the_bottleneck"], evidence)["verdict"] == UNDECIDED  # of one test: contradicted


@pytest.mark.parametrize("name", [name for name in NAMED if name != "number_of_the_turn"])
def test_other_data_have_no_such_number(name):
    found = verdict(NAMED[name], with_numbers("ellipses"))
    assert found["verdict"] == NOT_APPLICABLE
    assert "the paper gives no such number for ellipses, only for" in found["reason"]


def test_seeds_that_share_their_points_measure_the_id_of_the_data_once():
    of_seeds = Sample(np.full(2, 11.0), np.full(2, 0.4))
    found = verdict(NAMED["number_of_the_data"], with_numbers(dimension={(2, 0, 0): of_seeds}))
    assert (found["verdict"], found["numbers"]) == (HOLDS, "ID 11.00 ± 0.40")
