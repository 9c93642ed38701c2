import pytest

from vae_geometry.geometry.agreement import agreement, disagreement

ID = {
    "quantity": "intrinsic_dimension",
    "source_layer": 0,
    "target_layer": 0,
    "neighbours": 2,
    "value": 2.0,
    "dadapy_value": 2.0,
    "difference": 0.0,
    "dadapy_version": "0.3.4",
    "reason": None,
}
II = {**ID, "quantity": "information_imbalance", "target_layer": 3, "neighbours": 1}


def test_the_sentence_counts_what_agrees_and_says_what_was_left_out_and_why():
    left_out = [{**II, "dadapy_value": None, "difference": None, "reason": f"ties: {n} points"} for n in (3, 4)]
    rows = [ID, {**ID, "source_layer": 1, "target_layer": 1, "difference": 4.4e-12}, II, *left_out]
    assert agreement(rows) == (
        "DADApy 0.3.4 agrees on 2 IDs (largest difference 4e-12) and 1 II (largest difference 0); "
        "not compared: 2 II (ties)."
    )


def test_where_nothing_could_be_compared_no_agreement_is_claimed():
    nothing = {**ID, "value": None, "dadapy_value": None, "difference": None, "reason": "not measured: few points"}
    assert agreement([nothing, II]).startswith("DADApy 0.3.4 agrees on 0 IDs and 1 II (largest difference 0);")


@pytest.mark.parametrize(
    ("row", "difference", "agrees"),
    [(ID, 1e-8, True), (ID, 1.1e-8, False), (II, 1e-12, True), (II, 1.1e-12, False), (II, float("nan"), False)],
)
def test_the_tolerance_of_an_id_is_another_than_that_of_an_ii(row, difference, agrees):
    assert (disagreement([ID, {**row, "difference": difference}]) is None) == agrees


def test_a_disagreement_is_named_with_both_values():
    assert disagreement([ID, {**II, "dadapy_value": 2.5, "difference": 0.5}]) == (
        "II of layer 0 to layer 3 is 2.0 here and 2.5 by DADApy 0.3.4, which differ by more than 1e-12"
    )
