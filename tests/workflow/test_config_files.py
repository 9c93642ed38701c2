"""Config files that Snakemake's own reader takes, and a checkout in a folder with braces."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CIFAR10 = "datasets: {cifar10: {source: digits}}\ngeometry: {points: 500}\nfidelity: {points: 500}\n"
TWICE = "datasets: {digits: {source: digits}}\ntraining:\n  epochs: 3\n  epochs: 4\n"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "config.yaml: holds no keys such as `seeds: [0]`; write some, or name another file"),
        (b"- seeds\n", "config.yaml: holds no keys such as `seeds: [0]`; write some, or name another file"),
        ("seeds: [0]\n".encode("utf-16"), "config.yaml: is not UTF-8 text; save it as UTF-8"),
        (b"seeds: [0]\nseeds: [1]\n", "config.yaml: line 2: the key seeds stands twice; remove one"),
        (b"datasets: &all\n  x: *all\n", "config.yaml: line 1: holds itself through an alias; write out what it holds"),
        (b"bottlenecks: [010]\n", "config.yaml: line 1: YAML reads 010 in another base; write it in tens"),
        (b"bottlenecks: [1:30]\n", "config.yaml: line 1: YAML reads 1:30 in another base; write it in tens"),
    ],
    ids=["empty", "a list", "UTF-16", "a key twice", "itself", "octal", "of sixty"],
)
def test_an_odd_config_is_refused_in_one_sentence(snakemake, tmp_path, content, sentence):
    (tmp_path / "config.yaml").write_bytes(content)
    refused = snakemake(tmp_path, "-n")
    assert refused.returncode == 1
    assert refused.stdout.strip().splitlines()[-1] == sentence
    assert "Traceback" not in refused.stdout


def test_a_key_that_stands_twice_is_named_in_every_config(snakemake, tmp_path):
    (tmp_path / "first.yaml").write_text("seeds: [0]\n")
    (tmp_path / "second.yaml").write_text(TWICE)
    refused = snakemake(
        tmp_path, "-n", "--configfile", *(str(tmp_path / f"{name}.yaml") for name in ("first", "second"))
    )
    assert refused.returncode == 1
    assert f"{tmp_path}/second.yaml: line 4: the key epochs stands twice; remove one" in refused.stdout


def test_a_checkout_may_lie_in_a_folder_with_braces(counted_jobs, tmp_path):
    checkout = tmp_path / "a{b}c"
    for name in ("workflow", "src", "envs", "sweeps", "resources/published"):
        shutil.copytree(ROOT / name, checkout / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("Snakefile", "resources/gaussian_dimension.csv"):
        shutil.copy(ROOT / name, checkout / name)

    def run(*arguments):
        command = [sys.executable, "-m", "snakemake", "--cores", "1", *arguments]
        done = subprocess.run(command, cwd=checkout, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    # by its name it is drawn beside the published values, whose folder is among the options of the rule
    (checkout / "published.yaml").write_text(CIFAR10)
    counted = counted_jobs(run("-n", "--configfile", "published.yaml"))
    assert counted["train"] == 7 * 2 * 3  # K, kinds of noise, seeds
    planned = run("-n", "-p", "--configfile", "published.yaml", "--", "results/figures/cifar10/fresh/published.pdf")
    assert "--published resources/published" in planned
    elsewhere = ("--snakefile", str(checkout / "Snakefile"), "--directory", str(tmp_path))
    assert counted_jobs(run("-n", *elsewhere, "--configfile", "published.yaml"))["plot"] == 24
    run("--configfile", "sweeps/demo.yaml", "--", "resources/datasets/digits/test.npz")
    assert (checkout / "resources/datasets/digits/test.npz").is_file()
