"""Each claim on made-up measurements where the answer is known, both ways."""

from dataclasses import replace

import pytest

from vae_geometry.claims.claims import CLAIMS
from vae_geometry.claims.evidence import Measurements, NotMeasured
from vae_geometry.claims.uncertainty import Measured

SIZES = (2, 8, 32, 128)
EPOCHS = (0, 1, 10, 50)
CHECKS = {claim.name: claim.check for claim in CLAIMS}
DATA = 12.0
ERRORS_DO_NOT_DECIDE = ("bottleneck_dimension", "untrained_says_nothing", "distance_falls")


def profile(size, epoch):
    """IDs of layers 0 to 10 as the paper has them: the decoder's hump is there at the end, for K = 32 and 128."""
    bottleneck = min(size, DATA)
    decoder = bottleneck + 9 if size > DATA and epoch == 50 else bottleneck
    return [DATA, 25, 30, 22, 15, bottleneck, decoder, decoder, decoder, bottleneck, bottleneck]


def output_to_input(size, epoch):
    if epoch == 0:
        return 1.0
    lowest = {2: 0.4, 8: 0.1, 32: 0.02, 128: 0.06}[size]
    rises = size > DATA and epoch == 50
    return lowest * {1: 2.0, 10: 0.5 if size > DATA else 1.0, 50: 1.0 if rises else 0.9}[epoch]


def step(size, layer, forward):
    """II of neighbouring layers: every encoder compresses, the decoders of K = 32 and 128 expand."""
    if layer < 5:
        return 0.1 if forward else 0.2
    return 0.2 if forward and size > DATA else 0.1


def as_in_the_paper(error=0.01):
    imbalance = {}
    for size in SIZES:
        for epoch in EPOCHS:
            for layer in (5, 10):
                imbalance[size, epoch, layer, 0] = Measured(output_to_input(size, epoch), error / 5)
        for layer in range(10):
            imbalance[size, 50, layer, layer + 1] = Measured(step(size, layer, True), error / 5)
            imbalance[size, 50, layer + 1, layer] = Measured(step(size, layer, False), error / 5)
    return Measurements(
        seeds=(0,),
        bottlenecks=SIZES,
        epochs=EPOCHS,
        pixels=1024,
        dimension={
            (size, epoch, layer): Measured(value, error)
            for size in SIZES
            for epoch in EPOCHS
            for layer, value in enumerate(profile(size, epoch))
        },
        imbalance=imbalance,
        frechet_distance={(size, epoch): Measured(100 / epoch) for size in SIZES for epoch in EPOCHS[1:]},
        kl={
            (size, epoch): Measured(20 + epoch if epoch < 10 or size < DATA else 40 - epoch / 2, error)
            for size in SIZES
            for epoch in range(1, 51)
        },
        extractor="inception",
    )


def changed(table, value, **numbers):
    """The measurements of the paper with other numbers in one table; keys as text, say "8_50_2"."""
    measured = as_in_the_paper()
    others = {tuple(map(int, key.strip("k").split("_"))): Measured(number, value) for key, number in numbers.items()}
    return replace(measured, **{table: {**getattr(measured, table), **others}})


@pytest.mark.parametrize("name", CHECKS)
def test_it_holds_where_the_numbers_are_those_of_the_paper(name):
    assert CHECKS[name](as_in_the_paper()).holds


@pytest.mark.parametrize("name", [name for name in CHECKS if name not in ERRORS_DO_NOT_DECIDE])
def test_it_fails_where_the_errors_drown_the_numbers(name):
    if name == "decoder_hump_comes_late":  # without a hump there is nothing to decide
        with pytest.raises(NotMeasured, match="no network has a hump"):
            CHECKS[name](as_in_the_paper(error=1e4))
    else:
        assert not CHECKS[name](as_in_the_paper(error=1e4)).holds


@pytest.mark.parametrize(
    ("name", "measured"),
    [
        ("input_dimension", changed("dimension", 0.1, k2_0_0=110)),
        ("encoder_hump", changed("dimension", 0.1, k8_50_1=14, k8_50_2=14, k8_50_3=14)),
        ("bottleneck_dimension", changed("dimension", 0.1, k128_50_5=60)),
        ("bottleneck_dimension", changed("dimension", 0.1, k2_50_5=0.5)),
        ("decoder_hump", changed("dimension", 0.1, k2_50_7=9)),  # a small K too, and not one between
        ("decoder_hump", changed("dimension", 0.1, **{f"k{size}_50_10": 40 for size in SIZES})),
        ("lowest_from_bottleneck", changed("imbalance", 1e-4, k128_50_5_0=0.001)),
        ("lowest_from_output", changed("imbalance", 1e-4, k128_50_10_0=0.001)),
        ("encoder_compresses", changed("imbalance", 1e-4, **{f"k8_50_{layer}_{layer + 1}": 0.3 for layer in range(5)})),
        ("decoder_expands", changed("imbalance", 1e-4, k2_50_5_6=0.5)),
        ("distance_falls", changed("frechet_distance", 0, k8_50=20)),  # rises again
        ("distance_falls", changed("frechet_distance", 0, k8_1=1)),
        ("kl_has_two_phases", changed("kl", 0.01, k2_20=90)),
        ("kl_has_two_phases", changed("kl", 0.01, k128_50=90, k32_50=90)),
        ("imbalance_has_two_phases", changed("imbalance", 1e-4, k2_10_10_0=0.1)),
        ("imbalance_has_two_phases", changed("imbalance", 1e-4, k32_50_10_0=0.001, k128_50_10_0=0.001)),
        ("decoder_hump_comes_late", changed("dimension", 0.1, k32_10_7=30)),
        ("untrained_says_nothing", changed("imbalance", 0.001, k8_0_10_0=0.5)),
    ],
)
def test_it_fails_where_a_number_contradicts_it(name, measured):
    assert not CHECKS[name](measured).holds


def test_the_numbers_say_where_the_lowest_and_the_turns_lie():
    measured = as_in_the_paper()
    assert CHECKS["lowest_from_output"](measured).numbers.startswith("lowest at K = 32; II by K: 2: 0.3600 ± 0.0020;")
    assert "rises, then falls, from K = 32 on" in CHECKS["kl_has_two_phases"](measured).numbers
    assert (
        "32: 21.000 ± 0.010, 35.000 ± 0.010 at epoch 10, 15.000 ± 0.010"
        in CHECKS["kl_has_two_phases"](measured).numbers
    )
    assert "hump from K = 32 on" in CHECKS["decoder_hump"](measured).numbers


@pytest.mark.parametrize(
    ("name", "measured", "reason"),
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
        ("kl_has_two_phases", replace(as_in_the_paper(), kl={}), "0 epochs of 50 were measured"),
        ("untrained_says_nothing", replace(as_in_the_paper(), epochs=(1, 10, 50)), "epoch 0 is not among"),
        ("input_dimension", replace(as_in_the_paper(), pixels=None), "the number of pixels is not known"),
    ],
)
def test_it_says_what_it_lacks(name, measured, reason):
    with pytest.raises(NotMeasured) as error:
        CHECKS[name](measured)
    assert reason in str(error.value)
