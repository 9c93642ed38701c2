"""What the console says of a run: targets that it does not have, its answers, and its errors."""

import shutil
from pathlib import Path

import pytest

DEMO = str(Path(__file__).parents[2] / "sweeps/demo.yaml")
CONFIG = "--configfile=sweep.yaml"


@pytest.fixture
def copied(sweep, tmp_path, monkeypatch):
    """A copy of the finished sweep, to be changed; its config is sweep.yaml in the folder of the test."""
    folder = shutil.copytree(sweep, tmp_path / "sweep", copy_function=shutil.copy2)
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        (
            "figures/digits/fresh/figure99.pdf",
            "figure99 is not a figure of one kind of noise of this sweep, which has figure1",
        ),
        ("figures/digits/figure1.pdf", "figure1 is not a figure of all kinds of noise of this sweep, which has noise"),
        ("figures/compare.pdf", "compare is not a figure of all data sets of this sweep, which has none"),
        ("figures/mnist/fresh/figure1.pdf", "mnist is not a data set of this sweep, which has digits"),
        ("figures/digits/new/figure1.pdf", "new is not a kind of noise of this sweep, which has repeated, fresh"),
        ("digits/fresh/k3/seed0/epoch5/fidelity.parquet", "3 is not a K of this sweep, which has 2, 4, 8, 16"),
        ("digits/fresh/k2/seed1/training.parquet", "1 is not a seed of this sweep, which has 0"),
        (
            "digits/fresh/k2/seed0/checkpoints/epoch7.safetensors",
            "7 is not a checkpoint of this sweep, which has 0, 1, 5, 20",
        ),
    ],
)
def test_a_target_that_cannot_be_made_says_which_can(snakemake, tmp_path, target, sentence):
    refused = snakemake(tmp_path, "-n", f"--configfile={DEMO}", f"results/{target}")
    assert refused.returncode == 1
    last = refused.stdout.strip().splitlines()[-1]
    assert last.startswith(f"results/{target}: {sentence}")
    assert "Traceback" not in refused.stdout


def test_the_number_of_jobs_of_each_rule_fits_a_screen(snakemake, counted_jobs, tmp_path):
    planned = snakemake(tmp_path, "-n", "--quiet", "rules", "host", f"--configfile={DEMO}")
    assert counted_jobs(planned.stdout)["train"] == 8
    assert len(planned.stdout.splitlines()) < 60


@pytest.mark.parametrize("logger", [[], ["--quiet"], ["--logger", "rich"]], ids=["default", "quiet", "rich"])
def test_a_run_ends_with_its_answers_or_with_the_sentences_of_what_failed(snakemake, copied, logger):
    for name in ("claims.md", "index.html"):
        (copied / f"results/digits/{name}").unlink()
    done = snakemake(copied, CONFIG, *logger)
    assert done.returncode == 0, done.stdout
    assert "II(output -> input) has a minimum over K" in done.stdout
    assert "The sweep cannot tell yet: " in done.stdout  # after one epoch
    assert f"The page of digits: {copied}/results/digits/index.html" in done.stdout

    table = copied / "results/digits/fresh/k2/seed0/epoch1/information_imbalance.parquet"
    table.write_bytes(table.read_bytes()[:500])
    failed = snakemake(copied, CONFIG, *logger)
    assert failed.returncode == 1
    *_, last = (line for line in failed.stdout.splitlines() if line.startswith("vae-geometry "))
    # of whichever stage came to the table last
    assert f": {table.relative_to(copied)}: not a table of kind information_imbalance" in last
    assert last.endswith(".log)")
    assert "The page of" not in failed.stdout


def test_a_report_of_a_sweep_that_changed_names_what_is_old(snakemake, copied):
    made = snakemake(copied, CONFIG, "--report", "report.html")
    assert "not up to date" not in made.stdout
    table, other = (copied / f"results/digits/{noise}/k2/seed0/training.parquet" for noise in ("fresh", "repeated"))
    table.write_bytes(other.read_bytes())
    made = snakemake(copied, CONFIG, "--report", "report.html")
    assert made.returncode == 0, made.stdout
    (sentence,) = (line for line in made.stdout.splitlines() if "not up to date" in line)
    assert "results/figures/digits/fresh/losses.png" in sentence
    assert "results/figures/digits/repeated/losses.png" not in sentence
