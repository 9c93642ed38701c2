"""The claims checked on tables of a sweep and on the published values: what is written and printed."""

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from damage import damaged
from made_up_evidence import roles_of, selection, write_sweep

from vae_geometry import VaeGeometryError, cli, tables
from vae_geometry.claims.check import check_claims, check_published
from vae_geometry.claims.registry import CLAIMS
from vae_geometry.claims.verdicts import TOO_SHORT, UNDECIDED, VERDICTS

PUBLISHED = Path(__file__).parents[3] / "resources/published"


def test_the_table_and_the_page_are_written_with_a_row_a_claim_noise_and_seed(tmp_path):
    for noise, lowest in (("repeated", 4), ("fresh", 8)):
        write_sweep(tmp_path, noise, lowest=lowest)
    text = check_claims(selection(tmp_path, ("repeated", "fresh")), tmp_path / "claims")
    rows = pq.read_table(tmp_path / "claims.parquet").to_pylist()
    assert len(rows) == len(CLAIMS) * 2 * 3
    assert {row["seed"] for row in rows} == {0, 1, None}
    assert {row["verdict"] for row in rows} <= set(VERDICTS)
    by_reason = {(row["numbers"] is None, row["reason"] is None) for row in rows}
    assert by_reason == {(True, False), (False, True), (False, False)}
    open_ones = [row for row in rows if row["verdict"] in (UNDECIDED, TOO_SHORT)]
    assert all(row["numbers"] and row["reason"] for row in open_ones)
    lowest = next(row for row in rows if row["claim"] == "lowest_from_output" and row["seed"] is None)
    assert (lowest["section"], lowest["text"]) == ("3.1", "lowest at K = 4; II by K")
    assert dict(zip(lowest["bottlenecks"], lowest["values"], strict=True))[4] == "0.0333 ± 0.0010"
    page = (tmp_path / "claims.md").read_text(encoding="utf-8")
    verdicts = "| II(output -> input) has a minimum over K | holds (2 of 2 seeds) | too short to test (2 of 2 seeds) |"
    assert verdicts in page
    assert re.search(r"holds \(2 of 2 seeds\) +too short to test \(2 of 2 seeds\)\n", text)
    assert "- II(output -> input), repeated over fresh noise, by K: 2: 0.67 (" in page


def test_without_fresh_noise_there_is_no_advice(tmp_path):
    write_sweep(tmp_path, "repeated")
    text = check_claims(selection(tmp_path, ("repeated",)), tmp_path / "claims")
    assert text.endswith("No advice on K: it is taken from fresh noise; add it to noise.")


def test_the_published_values_are_checked_by_hand(capsys):
    assert cli.main(["check-claims", "--published", str(PUBLISHED)]) == 0
    printed = capsys.readouterr().out
    assert "The ID has a hump in the encoder, for every K: undecided" in printed
    assert "the Frechet distance was not measured" in printed
    assert "for large K only: contradicted\n  falls, then rises, for K = 8, 32, 64, 128, open for" in printed
    assert "II(output -> input) has a minimum over K: holds\n  lowest at K = 16;" in printed
    sizes = ["2", "4", "8", "32", "64", "128"]
    assert cli.main(["check-claims", "--published", str(PUBLISHED), "--bottleneck", *sizes]) == 0
    assert "II(output -> input) has a minimum over K: holds\n  lowest at K = 64;" in capsys.readouterr().out


def test_a_sweep_must_be_named(capsys):
    assert cli.main(["check-claims", "--dataset", "digits"]) == 1
    missing = (
        "--noise, --bottleneck, --seed, --epoch, --output are missing; name the sweep, or check the published values"
    )
    assert missing in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--bottleneck", "3"], "nothing was published for K = 3; the published K are 2, 4, 8, 16, 32, 64, 128"),
        (["--epoch", "99"], "--epoch does not go with --published"),
    ],
)
def test_what_was_not_published_is_not_answered(options, sentence, capsys):
    assert cli.main(["check-claims", "--published", str(PUBLISHED), *options]) == 1
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize("name", ["cifar10_intrinsic_dimension.csv", "cifar10_information_imbalance.csv", "layers.csv"])
def test_a_damaged_published_table_is_named(name, tmp_path, capsys):
    folder = shutil.copytree(PUBLISHED, tmp_path / "published")
    (folder / name).write_text("")
    assert cli.main(["check-claims", "--published", str(folder)]) == 1
    assert f"{name}: not a table of published values" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["cifar10_intrinsic_dimension.csv", "cifar10_information_imbalance.csv", "layers.csv"])
def test_random_damage_of_a_published_table_never_ends_in_a_traceback(name, tmp_path, rng):
    folder = shutil.copytree(PUBLISHED, tmp_path / "published")
    whole, sentences = (folder / name).read_bytes(), []
    for _ in range(60):
        (folder / name).write_bytes(damaged(whole, rng))
        try:
            check_published(folder)
        except VaeGeometryError as error:
            sentences.append(str(error))
    assert len(sentences) > 20
    assert "\n" not in "".join(sentences)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b"cifar10,2,0,0,", b"cifar10,2,0,\xff,", r"invalid literal .*|.* codec can't decode byte 0xff .*"),
        (b"cifar10,2,0,1,", b"cifar10,2,0,0,", "it holds two rows of one place"),
        (b"30.95", b"-30.95", "it holds values that are not positive numbers"),
        (b"cifar10,2,0,0,", b"cifar10,two,0,0,", "invalid literal .*'two'"),
    ],
)
def test_published_values_that_cannot_be_are_named(old, new, reason, tmp_path):
    folder = shutil.copytree(PUBLISHED, tmp_path / "published")
    path = folder / "cifar10_intrinsic_dimension.csv"
    path.write_bytes(path.read_bytes().replace(old, new, 1))
    with pytest.raises(VaeGeometryError, match=rf"dimension.csv: not a table of published values \(({reason})\); f"):
        check_published(folder)


def test_published_layers_without_a_role_decide_nothing(tmp_path):
    folder = shutil.copytree(PUBLISHED, tmp_path / "published")
    lines = (folder / "layers.csv").read_text().splitlines()
    (folder / "layers.csv").write_text("\n".join(lines[:-1]))
    text = check_published(folder)
    assert text.count("not measurable\n  the roles of the layers are not known") == len(CLAIMS) - 8
    assert "holds" not in text


def test_what_is_named_twice_counts_once(tmp_path):
    write_sweep(tmp_path)
    once = check_claims(selection(tmp_path), tmp_path / "claims")
    twice = replace(selection(tmp_path), seeds=[0, 1, 1], bottlenecks=[2, 4, 4, 8], noises=["fresh", "fresh"])
    assert check_claims(twice, tmp_path / "claims.v2") == once
    assert (tmp_path / "claims.v2.md").exists()


def test_a_training_that_has_not_ended_is_refused(tmp_path):
    write_sweep(tmp_path)
    path = tmp_path / "digits/fresh/k8/seed0/training.parquet"
    tables.write("training", pq.read_table(path).to_pylist()[:2], path)
    with pytest.raises(VaeGeometryError, match=r"k8/seed0/training.parquet: ends with epoch 2, and"):
        check_claims(selection(tmp_path), tmp_path / "claims")


def test_untrained_networks_decide_nothing_but_the_datas_own_dimension(tmp_path):
    write_sweep(tmp_path)
    text = check_claims(replace(selection(tmp_path), epochs=[0]), tmp_path / "claims")
    rows = pq.read_table(tmp_path / "claims.parquet").to_pylist()
    assert {row["claim"] for row in rows if row["verdict"] in ("holds", "contradicted")} == {"input_dimension"}
    assert "No advice on K: no trained network was measured" in text


def test_a_sweep_of_another_network_is_checked(tmp_path):
    write_sweep(tmp_path, lowest=4, roles=roles_of(3, 1))
    text = check_claims(selection(tmp_path), tmp_path / "claims")
    rows = pq.read_table(tmp_path / "claims.parquet").to_pylist()
    of_courses = {row["claim"] for row in rows if "needs 5 epochs" in (row["reason"] or "")}
    assert {row["claim"] for row in rows if row["verdict"] == "not measurable"} == of_courses | {
        "abstract_past_the_transition",
        "neighbours_differ_most_at_the_transition",
    }
    assert re.search(r"The ID has a hump in the encoder, for every K +contradicted \(2 of 2 seeds\)\n", text)
    assert "- II(output -> input): K = 4 (2: 0.0667 ± 0.0010; 4: 0.0333 ± 0.0010" in text


def test_a_network_without_an_encoder_is_told_which_claims_do_not_apply(tmp_path):
    write_sweep(tmp_path, roles=roles_of(0, 0))
    text = check_claims(selection(tmp_path), tmp_path / "claims")
    assert re.search(r"The ID has a hump in the encoder, for every K +not applicable \(2 of 2 seeds\)\n", text)
    reason = "a hump needs 3 layers, and the network has 1 of the roles input and encoder"
    assert f"- fresh: not applicable. {reason}\n" in (tmp_path / "claims.md").read_text(encoding="utf-8")
    assert f"<p>fresh: {reason}</p>" in (tmp_path / "claims.html").read_text(encoding="utf-8")


def test_without_roles_only_what_needs_no_layer_is_decided(tmp_path):
    write_sweep(tmp_path, roles=[None] * 11)
    text = check_claims(selection(tmp_path), tmp_path / "claims")
    rows = pq.read_table(tmp_path / "claims.parquet").to_pylist()
    unknown = {row["claim"] for row in rows if row["reason"] == "the roles of the layers are not known"}
    assert {claim.name for claim in CLAIMS} - unknown == {
        "distance_falls",
        "kl_has_two_phases",
        "phases_turn_together",
        "second_phase_generalises",
        "number_of_the_turn",
        "abstract_past_the_transition",
        "bottleneck_becomes_gaussian",
    } | {row["claim"] for row in rows if row["verdict"] == "not applicable"}
    assert text.endswith("No advice on K: the roles of the layers are not known.")
