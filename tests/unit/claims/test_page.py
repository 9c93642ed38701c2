"""The verdicts as sentences and pages."""

from html import escape

import pytest
from made_up_evidence import selection, write_sweep

from vae_geometry import VaeGeometryError, tables
from vae_geometry.claims.check import check_claims
from vae_geometry.claims.page import noise_decides
from vae_geometry.claims.registry import CLAIMS


def test_no_sentence_where_only_one_kind_decides():
    row = {"claim": "encoder_hump", "seed": None, "numbers": "none"}
    for other in ("not measurable", "undecided", "too short to test"):
        kinds = [{**row, "noise": "repeated", "verdict": "holds"}, {**row, "noise": "fresh", "verdict": other}]
        assert noise_decides(kinds) == []


def test_a_sentence_where_the_kinds_decide_differently():
    row = {"claim": "encoder_hump", "seed": None}
    kinds = [
        {**row, "noise": "repeated", "verdict": "holds", "numbers": "3"},
        {**row, "noise": "fresh", "verdict": "contradicted", "numbers": "1"},
        {**row, "noise": "fresh", "verdict": "holds", "numbers": "2", "seed": 0},
    ]
    told = "with repeated noise holds (3), with fresh noise contradicted (1)."
    assert noise_decides(kinds) == [f"The ID has a hump in the encoder, for every K: {told}"]


def test_both_pages_say_how_dadapy_agrees_and_on_what(tmp_path):
    write_sweep(tmp_path)
    run = {"dataset": "digits", "noise": "fresh", "bottleneck": 8, "seed": 0, "epoch": 3}
    row = {"source_layer": 0, "target_layer": 0, "neighbours": 2, "value": 2.0, "dadapy_value": 2.0}
    row |= {"difference": 3e-11, "dadapy_version": "0.3.4"}
    kinds = ("intrinsic_dimension", "id_scaling")
    tables.write("verification", [{**run, **row, "quantity": kind} for kind in kinds], tmp_path / "verification")
    text = check_claims(selection(tmp_path), tmp_path / "claims", tmp_path / "verification")
    sentence = (
        "DADApy 0.3.4 agrees on 1 ID (largest difference 3e-11) and 1 ID against scale (largest difference 3e-11). "
        "This was measured with fresh noise, K = 8, seed 0, epoch 3."
    )
    for page in (text, *(tmp_path.joinpath(f"claims.{end}").read_text(encoding="utf-8") for end in ("md", "html"))):
        assert sentence in page


def test_a_verification_of_another_data_set_is_refused(tmp_path):
    write_sweep(tmp_path)
    tables.write("verification", [{"dataset": "mnist", "quantity": "intrinsic_dimension"}], tmp_path / "verification")
    with pytest.raises(VaeGeometryError, match="column dataset holds mnist, where digits belongs"):
        check_claims(selection(tmp_path), tmp_path / "claims", tmp_path / "verification")


@pytest.mark.parametrize(
    ("second", "problem"),
    [
        ({"bottleneck": 4}, "holds rows of several checkpoints; verify one again"),
        ({"difference": 0.5}, "which differ by more than 1e-08; verify the checkpoint again"),
    ],
)
def test_a_verification_that_does_not_agree_is_not_certified(tmp_path, second, problem):
    write_sweep(tmp_path)
    run = {"dataset": "digits", "noise": "fresh", "bottleneck": 8, "seed": 0, "epoch": 3}
    row = {"quantity": "intrinsic_dimension", "source_layer": 0, "target_layer": 0, "neighbours": 2}
    row |= {"value": 2.0, "dadapy_value": 2.0, "difference": 0.0, "dadapy_version": "0.3.4"}
    rows = [{**run, **row}, {**run, **row, "source_layer": 1, **second}]
    tables.write("verification", rows, tmp_path / "verification")
    with pytest.raises(VaeGeometryError, match=problem):
        check_claims(selection(tmp_path), tmp_path / "claims", tmp_path / "verification")


def test_both_pages_have_the_rule_and_the_numbers_of_every_claim(tmp_path):
    write_sweep(tmp_path)
    check_claims(selection(tmp_path), tmp_path / "claims")
    markdown = (tmp_path / "claims.md").read_text(encoding="utf-8")
    html = (tmp_path / "claims.html").read_text(encoding="utf-8")
    for claim in CLAIMS:
        assert f"**{claim.statement}** (section {claim.section}). {claim.rule}\n\n- fresh: " in markdown
        assert f"<summary>{escape(claim.statement)}</summary>" in html
        assert escape(claim.rule) in html
    assert "- fresh: contradicted. highest between the ends, by K\n\n  | K | 2 | 4 | 8 |\n" in markdown
    assert "<table><tr><th>K</th><th>2</th><th>4</th><th>8</th></tr><tr><td></td><td>6.50 ± 0.50 between" in html
    answer = "The sweep cannot tell yet: 3 epochs are too few to see whether training is at its end"
    assert f"## How wide a bottleneck\n\n**{answer}" in markdown
    assert f'<p class="answer">{escape(answer)}' in html
    assert '<span class="verdict too-short-to-test">too short to test</span>' in html
    assert markdown.index(answer) < markdown.index("| claim | fresh |")  # the advice comes first
    assert "Only one kind was measured." in markdown
    assert "Only one kind was measured." in html
    for page in (markdown, html):
        assert "Not verified: geometry.verify is false, or --verification was not given." in page
