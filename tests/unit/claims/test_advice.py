"""The advice on K, sentence by sentence."""

from dataclasses import replace

from made_up_evidence import as_in_the_paper, changed, roles_of

from vae_geometry.claims.advice import advise, transition
from vae_geometry.claims.uncertainty import Measured


def falls_to(**numbers):
    """The evidence of the paper with other II(output -> input) at the end; 0.001 is the error."""
    return changed("imbalance", 0.001, {(int(size[1:]), 50, 10, 0): value for size, value in numbers.items()})


def test_the_advice_is_the_smallest_bottleneck_past_the_transition():
    evidence = falls_to(k2=0.4, k8=0.1, k32=0.021, k128=0.02)
    assert advise([evidence, evidence], evidence) == (
        "Take K = 32: no larger K lowers II(output -> input), which is 0.0210 ± 0.0010 there (lowest at 128, "
        "0.0200 ± 0.0010). K = 8 has 0.1000 ± 0.0010; the transition lies between the two, add K there to narrow it. "
        "K = 8 is below the intrinsic dimension of the data (12.000 ± 0.010): its latent space has no room for all "
        "directions in which the data vary. Each of the 2 seeds alone says K = 32."
    )


def test_the_advice_says_how_far_the_seeds_agree():
    early, late = falls_to(k8=0.02, k32=0.02, k128=0.02), falls_to(k8=0.1, k32=0.02, k128=0.02)
    assert advise([early, late], late).endswith("Each of the 2 seeds alone says from K = 8 to 32.")


def test_the_advice_says_what_to_add():
    falling = falls_to(k2=0.4, k8=0.1, k32=0.05, k128=0.01)
    text = advise([falling], falling)
    assert text.startswith("The sweep cannot tell: up to its largest K, 128,")
    assert "add larger ones to bottlenecks, for example 256." in text
    assert text.endswith("This is one seed; add others to seeds to know how sure it is.")
    assert "seeds alone" not in advise([falling, falling], falling)
    flat = falls_to(k2=0.02, k8=0.02, k32=0.02, k128=0.02)
    assert "add some below 2 to bottlenecks" in advise([flat], flat)
    assert "That is below the intrinsic dimension of the data (12.000 ± 0.010): train longer" in advise([flat], flat)
    assert "has one bottleneck, 8;" in advise([], replace(flat, bottlenecks=(8,)))
    assert "no trained network was measured" in advise([], replace(flat, epochs=(0,)))


def test_the_transition_of_another_network_is_that_of_its_own_output():
    evidence = changed("imbalance", 1e-4, {(8, 50, 6, 0): 0.01}, roles_of(3, 1))
    of_paper = as_in_the_paper(roles=roles_of(3, 1))
    assert advise([of_paper], of_paper).startswith("Take K = 32: ")
    assert advise([evidence], evidence).startswith("Take K = 8: ")


def test_the_transition_is_the_smallest_bottleneck_of_which_no_larger_one_is_lower():
    falling = {8: Measured(0.1, 0.01), 2: Measured(0.4, 0.01), 32: Measured(0.09, 0.01)}
    assert transition(falling) == 8  # 0.09 is within the error
    assert transition({**falling, 64: Measured(0.01, 0.01)}) == 64
