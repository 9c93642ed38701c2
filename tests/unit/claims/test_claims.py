"""Each claim on made-up evidence where the answer is known, both ways."""

from dataclasses import replace
from pathlib import Path

import pytest
from made_up_evidence import SIZES, as_in_the_paper, changed, roles_of

from vae_geometry import claims
from vae_geometry.claims.evidence import NotApplicable, NotMeasured
from vae_geometry.claims.registry import CLAIMS, Finding, claim
from vae_geometry.fidelity import NO_IMAGES

CHECKS = {claim.name: claim.check for claim in CLAIMS}
ERRORS_DO_NOT_DECIDE = ("bottleneck_dimension", "untrained_says_nothing", "distance_falls")
ROLES, BOTTLENECK, OUTPUT = roles_of(3, 1), 4, 6  # the bottleneck is not in the middle


@pytest.mark.parametrize("name", CHECKS)
def test_it_holds_where_the_numbers_are_those_of_the_paper(name):
    assert CHECKS[name](as_in_the_paper()).holds


@pytest.mark.parametrize("name", [name for name in CHECKS if name not in ERRORS_DO_NOT_DECIDE])
def test_it_fails_where_the_errors_drown_the_numbers(name):
    if name == "decoder_hump_comes_late":  # without a hump there is nothing to decide
        with pytest.raises(NotApplicable, match="no network has a hump"):
            CHECKS[name](as_in_the_paper(error=1e4))
    else:
        assert not CHECKS[name](as_in_the_paper(error=1e4)).holds


@pytest.mark.parametrize(
    ("name", "evidence"),
    [
        ("input_dimension", changed("dimension", 0.1, {(2, 0, 0): 110})),
        ("encoder_hump", changed("dimension", 0.1, {(8, 50, layer): 14 for layer in (1, 2, 3)})),
        ("bottleneck_dimension", changed("dimension", 0.1, {(128, 50, 5): 60})),
        ("bottleneck_dimension", changed("dimension", 0.1, {(2, 50, 5): 0.5})),
        ("decoder_hump", changed("dimension", 0.1, {(2, 50, 7): 9})),  # a small K too, and not one between
        ("decoder_hump", changed("dimension", 0.1, {(size, 50, 10): 40 for size in SIZES})),
        ("lowest_from_bottleneck", changed("imbalance", 1e-4, {(128, 50, 5, 0): 0.001})),
        ("lowest_from_output", changed("imbalance", 1e-4, {(128, 50, 10, 0): 0.001})),
        ("encoder_compresses", changed("imbalance", 1e-4, {(8, 50, layer, layer + 1): 0.3 for layer in range(5)})),
        ("decoder_expands", changed("imbalance", 1e-4, {(2, 50, 5, 6): 0.5})),
        ("distance_falls", changed("frechet_distance", 0, {(8, 50): 20})),  # rises again
        ("distance_falls", changed("frechet_distance", 0, {(8, 1): 1})),
        ("kl_has_two_phases", changed("kl", 0.01, {(2, 20): 90})),
        ("kl_has_two_phases", changed("kl", 0.01, {(128, 50): 90, (32, 50): 90})),
        ("imbalance_has_two_phases", changed("imbalance", 1e-4, {(2, 10, 10, 0): 0.1})),
        ("imbalance_has_two_phases", changed("imbalance", 1e-4, {(32, 50, 10, 0): 0.001, (128, 50, 10, 0): 0.001})),
        ("decoder_hump_comes_late", changed("dimension", 0.1, {(32, 10, 7): 30})),
        ("untrained_says_nothing", changed("imbalance", 0.001, {(8, 0, 10, 0): 0.5})),
    ],
)
def test_it_fails_where_a_number_contradicts_it(name, evidence):
    assert not CHECKS[name](evidence).holds


def test_the_numbers_say_where_the_lowest_and_the_turns_lie():
    evidence = as_in_the_paper()
    assert CHECKS["lowest_from_output"](evidence).numbers.startswith("lowest at K = 32; II by K: 2: 0.3600 ± 0.0020;")
    assert "rises, then falls, from K = 32 on" in CHECKS["kl_has_two_phases"](evidence).numbers
    assert (
        "32: 21.000 ± 0.010, 35.000 ± 0.010 at epoch 10, 15.000 ± 0.010"
        in CHECKS["kl_has_two_phases"](evidence).numbers
    )
    assert "hump from K = 32 on" in CHECKS["decoder_hump"](evidence).numbers


@pytest.mark.parametrize(
    ("name", "evidence", "reason"),
    [
        (
            "encoder_hump",
            replace(as_in_the_paper(), dimension={}),
            "the ID of layer 0 was not measured (K = 2, epoch 50)",
        ),
        ("decoder_hump", replace(as_in_the_paper(), bottlenecks=(8,)), "needs 2 bottlenecks, the sweep has 1"),
        ("lowest_from_output", replace(as_in_the_paper(), bottlenecks=(8, 32)), "needs 3 bottlenecks, the sweep has 2"),
        ("imbalance_has_two_phases", replace(as_in_the_paper(), epochs=(0, 1, 50)), "needs three checkpoints past"),
        ("distance_falls", replace(as_in_the_paper(), frechet_distance={}), "the Frechet distance was not measured"),
        (
            "distance_falls",
            replace(as_in_the_paper(), frechet_distance={}, no_distance="fidelity.extractor is none"),
            "fidelity.extractor is none",
        ),
        ("kl_has_two_phases", replace(as_in_the_paper(), kl={}), "0 epochs of 50 were measured"),
        ("untrained_says_nothing", replace(as_in_the_paper(), epochs=(1, 10, 50)), "epoch 0 is not among"),
        ("input_dimension", replace(as_in_the_paper(), coordinates=None), "the number of coordinates is not known"),
    ],
)
def test_it_says_what_it_lacks(name, evidence, reason):
    with pytest.raises(NotMeasured) as error:
        CHECKS[name](evidence)
    assert reason in str(error.value)


HUMP = "a hump needs 3 layers, and the network has {} of the roles {}"
IN_ENCODER, IN_DECODER = "input and encoder", "bottleneck and decoder and output"
OTHER_NETWORKS = {  # claims that do not apply, and why
    (0, 0): {
        "encoder_hump": HUMP.format(1, IN_ENCODER),
        "decoder_hump": HUMP.format(2, IN_DECODER),
        "decoder_hump_comes_late": HUMP.format(2, IN_DECODER),
    },
    (1, 1): {"encoder_hump": HUMP.format(2, IN_ENCODER)},
    (2, 2): {},
    (3, 1): {},
    (11, 11): {},
}


@pytest.mark.parametrize("network", OTHER_NETWORKS)
@pytest.mark.parametrize("name", CHECKS)
def test_of_networks_of_other_layers_it_holds_or_does_not_apply(name, network):
    evidence, reasons = as_in_the_paper(roles=roles_of(*network)), OTHER_NETWORKS[network]
    if name in reasons:
        with pytest.raises(NotApplicable) as error:
            CHECKS[name](evidence)
        assert str(error.value) == reasons[name]
    else:
        assert CHECKS[name](evidence).holds


def test_what_does_not_apply_does_so_whatever_was_measured():
    untrained = replace(as_in_the_paper(roles=roles_of(0, 0)), epochs=(0,), bottlenecks=(8,), dimension={})
    for name in OTHER_NETWORKS[0, 0]:
        with pytest.raises(NotApplicable, match="a hump needs 3 layers"):
            CHECKS[name](untrained)


@pytest.mark.parametrize(
    ("name", "changes", "reason"),
    [
        ("distance_falls", {"frechet_distance": {}, "no_distance": NO_IMAGES}, NO_IMAGES),
        ("input_dimension", {"coordinates": 7}, "a tenth of the data's 7 coordinates is at most one dimension"),
    ],
)
def test_what_vectors_lack_does_not_apply(name, changes, reason):
    with pytest.raises(NotApplicable) as error:
        CHECKS[name](replace(as_in_the_paper(), **changes))
    assert str(error.value) == reason


@pytest.mark.parametrize(
    ("name", "table", "numbers"),
    [
        ("encoder_hump", "dimension", {(8, 50, 1): 14, (8, 50, 2): 14}),
        ("bottleneck_dimension", "dimension", {(128, 50, BOTTLENECK): 60}),
        ("decoder_hump", "dimension", {(2, 50, BOTTLENECK + 1): 9}),
        ("decoder_hump_comes_late", "dimension", {(32, 10, BOTTLENECK + 1): 30}),
        ("lowest_from_bottleneck", "imbalance", {(128, 50, BOTTLENECK, 0): 0.001}),
        ("lowest_from_output", "imbalance", {(128, 50, OUTPUT, 0): 0.001}),
        ("encoder_compresses", "imbalance", {(8, 50, BOTTLENECK - 1, BOTTLENECK): 4.0, (8, 50, 1, 2): 0.2}),
        ("decoder_expands", "imbalance", {(2, 50, BOTTLENECK, BOTTLENECK + 1): 0.5}),
        ("imbalance_has_two_phases", "imbalance", {(2, 10, OUTPUT, 0): 0.1}),
        ("untrained_says_nothing", "imbalance", {(8, 0, OUTPUT, 0): 0.5}),
    ],
)
def test_it_fails_where_a_number_of_another_network_contradicts_it(name, table, numbers):
    assert not CHECKS[name](changed(table, 1e-4, numbers, ROLES)).holds


@pytest.mark.parametrize("name", [name for name in CHECKS if name not in ("distance_falls", "kl_has_two_phases")])
def test_it_is_not_measurable_where_the_roles_are_unknown(name):
    evidence = replace(as_in_the_paper(), roles=dict.fromkeys(range(11)), coordinates=None)
    with pytest.raises(NotMeasured, match="the roles of the layers are not known"):
        CHECKS[name](evidence)


def test_every_module_of_claims_is_in_the_register():
    files = {path.stem for path in Path(claims.__file__).parent.glob("of_*.py")}
    assert {claim.check.__module__.rpartition(".")[2] for claim in CLAIMS} == files
    assert len(CHECKS) == len(CLAIMS)  # no name twice


def test_a_decorated_function_is_the_last_claim():
    before = len(CLAIMS)

    @claim("Zero is small", "It is less than 1.")
    def zero_is_small(evidence):
        return Finding(True, "0")

    added = CLAIMS[before:]
    del CLAIMS[before:]
    assert [(one.name, one.statement, one.rule) for one in added] == [
        ("zero_is_small", "Zero is small", "It is less than 1.")
    ]
    assert added[0].check is zero_is_small
