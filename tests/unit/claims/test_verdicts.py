"""The claims on tables of a sweep: means and errors, the files written, what noise decides, and the advice."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from test_claims import as_in_the_paper

from vae_geometry import cli, tables
from vae_geometry.claims.advice import advise, noise_decides
from vae_geometry.claims.check import check_claims
from vae_geometry.claims.evidence import of_sweep
from vae_geometry.claims.uncertainty import Measured
from vae_geometry.tables import Selection

ROOT = Path(__file__).parents[2]
SIZES, SEEDS, EPOCHS = (2, 4, 8), (0, 1), (0, 1, 2, 3)


def write_sweep(results, noise="fresh", seeds=SEEDS, lowest=8):
    """Tables of a made-up sweep: ID of layer l is l + seed, II(output -> input) is lowest for one K."""
    for size in SIZES:
        for seed in seeds:
            run = {"dataset": "digits", "noise": noise, "bottleneck": size, "seed": seed}
            folder = results / f"digits/{noise}/k{size}/seed{seed}"
            losses = [{**run, "epoch": epoch, "validation_kl": 10.0 + epoch + seed} for epoch in EPOCHS[1:]]
            tables.write("training", losses, folder / "training.parquet")
            for epoch in EPOCHS:
                run["epoch"] = epoch
                dimensions = [
                    {**run, "layer": layer, "extrinsic_dimension": 1024, "intrinsic_dimension": 3.0 + layer + seed}
                    for layer in range(11)
                ]
                value = 1.0 if epoch == 0 else 0.1 * (1 + abs(np.log2(size / lowest))) / epoch
                imbalances = [
                    {
                        **run,
                        "source_layer": source,
                        "target_layer": target,
                        "information_imbalance": value,
                        "ii_stderr": 0.001,
                    }
                    for source in range(11)
                    for target in range(11)
                    if source != target
                ]
                for rows, error in ((dimensions, "id_stderr"), (imbalances, "ii_stderr")):
                    for row in rows:
                        row[error] = 0.001
                tables.write("intrinsic_dimension", dimensions, folder / f"epoch{epoch}/intrinsic_dimension.parquet")
                tables.write(
                    "information_imbalance", imbalances, folder / f"epoch{epoch}/information_imbalance.parquet"
                )
                fidelity = {**run, "frechet_distance": 50.0 / (1 + epoch), "extractor": "efficientnet_lite0"}
                tables.write("fidelity", [fidelity], folder / f"epoch{epoch}/fidelity.parquet")


def selection(results, noises=("fresh",), seeds=SEEDS):
    return Selection(results, ["digits"], list(noises), list(SIZES), list(seeds), list(EPOCHS))


def test_each_seed_has_its_own_errors_and_all_seeds_their_spread(tmp_path):
    write_sweep(tmp_path)
    first, second, together = of_sweep(selection(tmp_path))
    assert (first.seeds, second.seeds, together.seeds) == ((0,), (1,), (0, 1))
    assert first.dimension[8, 3, 4] == Measured(7.0, 0.001)
    assert second.dimension[8, 3, 4] == Measured(8.0, 0.001)
    assert together.dimension[8, 3, 4] == Measured(7.5, pytest.approx(np.sqrt(0.5)))
    assert together.imbalance[8, 3, 10, 0].error == 0.001  # the seeds do not differ; the measurement has an error
    assert first.kl[8, 2] == Measured(12.0, 0.0)  # on a straight line
    assert (together.last, together.pixels, together.extractor) == (3, 1024, "efficientnet_lite0")


def test_what_one_seed_lacks_is_not_measured(tmp_path):
    write_sweep(tmp_path)
    path = tmp_path / "digits/fresh/k8/seed1/epoch3/intrinsic_dimension.parquet"
    rows = pq.read_table(path).to_pylist()
    rows[4] |= {"intrinsic_dimension": None, "id_stderr": None, "reason": "too few points"}
    tables.write("intrinsic_dimension", rows, path)
    *_, together = of_sweep(selection(tmp_path))
    assert (8, 3, 4) not in together.dimension
    assert (8, 3, 5) in together.dimension


def test_the_scatter_of_the_kl_is_its_error(tmp_path):
    write_sweep(tmp_path, seeds=(0,))
    rng = np.random.default_rng(0)
    run = {"dataset": "digits", "noise": "fresh", "seed": 0}
    for size in SIZES:
        rows = [
            {**run, "bottleneck": size, "epoch": epoch, "validation_kl": 20 + epoch / 10 + rng.normal(scale=0.5)}
            for epoch in range(1, 2001)
        ]
        tables.write("training", rows, tmp_path / f"digits/fresh/k{size}/seed0/training.parquet")
    measured, _ = of_sweep(selection(tmp_path, seeds=(0,)))
    assert measured.kl[8, 7].error == pytest.approx(0.5, rel=0.05)


def test_the_table_and_the_page_are_written_with_a_row_a_claim_noise_and_seed(tmp_path):
    for noise, lowest in (("repeated", 4), ("fresh", 8)):
        write_sweep(tmp_path, noise, lowest=lowest)
    text = check_claims(selection(tmp_path, ("repeated", "fresh")), tmp_path / "claims")
    rows = pq.read_table(tmp_path / "claims.parquet").to_pylist()
    assert len(rows) == 13 * 2 * 3
    assert {row["seed"] for row in rows} == {0, 1, None}
    assert all((row["numbers"] is None) == (row["verdict"] == "not measurable") for row in rows)
    assert all((row["reason"] is not None) == (row["verdict"] == "not measurable") for row in rows)
    page = (tmp_path / "claims.md").read_text(encoding="utf-8")
    verdicts = "| II(output -> input) has a minimum over K | holds (2 of 2 seeds) | fails (2 of 2 seeds) |"
    assert verdicts in page
    assert re.search(r"holds \(2 of 2 seeds\) +fails \(2 of 2 seeds\)\n", text)
    sentence = (
        "II(output -> input) has a minimum over K: with repeated noise this holds (lowest at K = 4; II by K: "
        "2: 0.0667 ± 0.0010; 4: 0.0333 ± 0.0010; 8: 0.0667 ± 0.0010), with fresh noise it fails (no lowest K between"
    )
    assert sentence in text
    assert f"- {sentence}" in page


def test_no_sentence_where_only_one_kind_decides():
    row = {"claim": "encoder_hump", "statement": "Hump", "seed": None, "numbers": "none"}
    kinds = [{**row, "noise": "repeated", "verdict": "holds"}, {**row, "noise": "fresh", "verdict": "not measurable"}]
    assert noise_decides(kinds) == []


def falls_to(**numbers):
    """Measurements of the paper's made-up sweep with other II(output -> input) at the end; 0.001 is the error."""
    measured = as_in_the_paper()
    others = {(int(key[1:]), 50, 10, 0): Measured(value, 0.001) for key, value in numbers.items()}
    return replace(measured, imbalance={**measured.imbalance, **others})


def test_the_advice_is_the_smallest_bottleneck_past_the_transition():
    measured = falls_to(k2=0.4, k8=0.1, k32=0.021, k128=0.02)
    text = advise([measured, measured], measured)
    assert text.startswith(
        "Take K = 32: no larger K lowers II(output -> input), which is 0.0210 ± 0.0010 there (lowest at 128, 0.0200 ±"
    )
    assert "K = 8 has 0.1000 ± 0.0010; the transition lies between the two" in text
    assert "K = 8 is below the intrinsic dimension of the data (12.000 ± 0.010)" in text
    assert text.endswith("Each of the 2 seeds alone says K = 32.")


def test_the_advice_says_how_far_the_seeds_agree():
    early, late = falls_to(k8=0.02, k32=0.02, k128=0.02), falls_to(k8=0.1, k32=0.02, k128=0.02)
    assert advise([early, late], late).endswith("Each of the 2 seeds alone says from K = 8 to 32.")


def test_the_advice_says_what_to_add():
    falling = falls_to(k2=0.4, k8=0.1, k32=0.05, k128=0.01)
    text = advise([falling], falling)
    assert text.startswith("The sweep cannot tell: up to its largest K, 128,")
    assert "add larger ones to bottlenecks, for example 256." in text
    assert text.endswith("This is one seed; add others to seeds to know how sure it is.")
    flat = falls_to(k2=0.02, k8=0.02, k32=0.02, k128=0.02)
    assert "add some below 2 to bottlenecks" in advise([flat], flat)
    assert "That is below the intrinsic dimension of the data (12.000 ± 0.010): train longer" in advise([flat], flat)
    assert "has one bottleneck, 8;" in advise([], replace(flat, bottlenecks=(8,)))


def test_without_fresh_noise_there_is_no_advice(tmp_path):
    write_sweep(tmp_path, "repeated")
    text = check_claims(selection(tmp_path, ("repeated",)), tmp_path / "claims")
    assert text.endswith("No advice on K: it is taken from fresh noise; add it to noise.")


def test_the_published_values_are_checked_by_hand(capsys):
    assert cli.main(["check-claims", "--published", str(ROOT / "resources/published")]) == 0
    printed = capsys.readouterr().out
    assert "The ID has a hump in the encoder, for every K: holds" in printed
    assert "the Frechet distance was not measured" in printed
    assert "for large K only: fails\n  falls, then rises, for K = 8, 32, 64, 128;" in printed
    assert "II(output -> input) has a minimum over K: holds\n  lowest at K = 16;" in printed
    sizes = ["2", "4", "8", "32", "64", "128"]
    assert cli.main(["check-claims", "--published", str(ROOT / "resources/published"), "--bottleneck", *sizes]) == 0
    assert "II(output -> input) has a minimum over K: holds\n  lowest at K = 64;" in capsys.readouterr().out


def test_a_sweep_that_is_not_named_is_asked_for(capsys):
    assert cli.main(["check-claims", "--dataset", "digits"]) == 1
    assert "--noise is missing; name the sweep" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--bottleneck", "3"], "nothing was published for K = 3; the published K are 2, 4, 8, 16, 32, 64, 128"),
        (["--epoch", "99"], "--epoch does not go with --published"),
    ],
)
def test_what_was_not_published_is_not_answered(options, sentence, capsys):
    assert cli.main(["check-claims", "--published", str(ROOT / "resources/published"), *options]) == 1
    assert sentence in capsys.readouterr().err


def test_a_damaged_published_table_is_named(tmp_path, capsys):
    for kind in ("intrinsic_dimension", "information_imbalance"):
        (tmp_path / f"cifar10_{kind}.csv").write_text("")
    assert cli.main(["check-claims", "--published", str(tmp_path)]) == 1
    assert "cifar10_intrinsic_dimension.csv: not a table of published values" in capsys.readouterr().err


def test_what_is_named_twice_counts_once(tmp_path):
    write_sweep(tmp_path)
    once = check_claims(selection(tmp_path), tmp_path / "claims")
    twice = replace(selection(tmp_path), seeds=[0, 1, 1], bottlenecks=[2, 4, 4, 8], noises=["fresh", "fresh"])
    assert check_claims(twice, tmp_path / "claims.v2") == once
    assert (tmp_path / "claims.v2.md").exists()


def test_a_training_that_has_not_ended_decides_nothing(tmp_path):
    write_sweep(tmp_path)
    path = tmp_path / "digits/fresh/k8/seed0/training.parquet"
    tables.write("training", pq.read_table(path).to_pylist()[:2], path)
    check_claims(selection(tmp_path), tmp_path / "claims")
    rows = pq.read_table(tmp_path / "claims.parquet").to_pylist()
    (row,) = [row for row in rows if row["claim"] == "kl_has_two_phases" and row["seed"] is None]
    assert (row["verdict"], row["reason"]) == ("not measurable", "2 epochs of 3 were measured or published")


def test_untrained_networks_decide_nothing_but_the_datas_own_dimension(tmp_path):
    write_sweep(tmp_path)
    text = check_claims(replace(selection(tmp_path), epochs=[0]), tmp_path / "claims")
    rows = pq.read_table(tmp_path / "claims.parquet").to_pylist()
    assert {row["claim"] for row in rows if row["verdict"] != "not measurable"} == {"input_dimension"}
    assert "No advice on K: no trained network was measured" in text
