"""The verdicts as sentences and pages."""

from made_up_evidence import selection, write_sweep

from vae_geometry.claims.check import check_claims
from vae_geometry.claims.page import noise_decides
from vae_geometry.claims.registry import CLAIMS


def test_no_sentence_where_only_one_kind_decides():
    row = {"claim": "encoder_hump", "statement": "Hump", "seed": None, "numbers": "none"}
    kinds = [{**row, "noise": "repeated", "verdict": "holds"}, {**row, "noise": "fresh", "verdict": "not measurable"}]
    assert noise_decides(kinds) == []


def test_a_sentence_where_the_kinds_decide_differently():
    row = {"claim": "encoder_hump", "statement": "Hump", "seed": None}
    kinds = [
        {**row, "noise": "repeated", "verdict": "holds", "numbers": "3"},
        {**row, "noise": "fresh", "verdict": "fails", "numbers": "1"},
        {**row, "noise": "fresh", "verdict": "holds", "numbers": "2", "seed": 0},
    ]
    assert noise_decides(kinds) == ["Hump: with repeated noise this holds (3), with fresh noise it fails (1)."]


def test_both_pages_have_the_rule_and_the_numbers_of_every_claim(tmp_path):
    write_sweep(tmp_path)
    check_claims(selection(tmp_path), tmp_path / "claims")
    markdown = (tmp_path / "claims.md").read_text(encoding="utf-8")
    html = (tmp_path / "claims.html").read_text(encoding="utf-8")
    for claim in CLAIMS:
        assert f"**{claim.statement}.** {claim.rule}\n\n- fresh: " in markdown
        assert claim.statement.replace(">", "&gt;") in html
        assert claim.rule.replace(">", "&gt;") in html
    heights = "height by K: 2: -1.0 ± 1.0; 4: -1.0 ± 1.0; 8: -1.0 ± 1.0"
    assert f"- fresh: fails. {heights}\n" in markdown
    assert f"<td>{heights}</td>" in html
    assert "The sweep cannot tell: up to its largest K, 8, II(output -> input) falls" in markdown
    assert "The sweep cannot tell: up to its largest K, 8, II(output -&gt; input) falls" in html
    assert "Nothing, or only one kind was measured." in markdown
    assert "Nothing, or only one kind was measured." in html
