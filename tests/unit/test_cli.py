import argparse
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import vae_geometry
from vae_geometry.cli import main, parser
from vae_geometry.geometry.neighbours import find_neighbours
from vae_geometry.stages import STAGES

SOURCE = Path(vae_geometry.__file__).parents[1]
ROOT = Path(__file__).parents[2]
(COMMANDS,) = [action for action in parser()._actions if isinstance(action, argparse._SubParsersAction)]
UNITS = {
    "prepare-dataset": ["pixels", "images as uint8"],
    "initialise": ["latent dimensions"],
    "train": ["inputs", "passes over the training set"],
    "dump-activations": ["float32 (N, D)", "test inputs"],
    "measure-geometry": ["megabytes", "(N, D)"],
    "measure-fidelity": ["nats", "per input"],
    "measure-memory": ["nats", "per input", "training and validation inputs"],
    "compare-bottlenecks": ["megabytes"],
}


def python(*arguments, cwd=None):
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    return subprocess.run(
        [sys.executable, *map(str, arguments)], cwd=cwd, env=environment, capture_output=True, text=True, timeout=120
    )


def help_of(stage, capsys):
    with pytest.raises(SystemExit) as end:
        main([stage, "--help"])
    assert end.value.code == 0
    return " ".join(capsys.readouterr().out.split())


def test_every_rule_of_the_workflow_runs_the_subcommand_of_its_name():
    rules = {}
    for path in ROOT.glob("workflow/rules/*.smk"):
        for rule in re.split(r"^rule ", path.read_text(), flags=re.MULTILINE)[1:]:
            rules[rule.partition(":")[0]] = re.search(r'" ?vae-geometry ([a-z-]+)', rule)[1]
    for rule in ("plot_noises", "plot_datasets"):
        rules["plot"] = rules.pop(rule)
    assert {rule.replace("_", "-"): rule for rule in rules} == {stage: rule for rule, stage in rules.items()}
    assert set(rules.values()) <= set(STAGES)


@pytest.mark.parametrize("stage", sorted(COMMANDS.choices))
def test_help_explains_every_option_with_its_default(stage, capsys):
    text = help_of(stage, capsys)
    options = [action for action in COMMANDS.choices[stage]._actions if action.dest != "help"]
    for option in options:
        if option.help is None:
            assert option.choices, f"{option.dest} is not explained"
        if option.option_strings and not option.required and option.default not in (None, ""):
            assert f"default: {option.default})" in text, option.dest
    for unit in UNITS.get(stage, []):
        assert unit in text


def test_help_lists_the_subcommands(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    text = capsys.readouterr().out
    assert all(stage in text for stage in STAGES)


def test_importing_the_command_line_imports_nothing_slow():
    slow = ["torch", "torchvision", "dadapy", "matplotlib", "pandas", "pyarrow", "sklearn", "jax"]
    loaded = f"import sys, vae_geometry.cli; print([name for name in {slow} if name in sys.modules])"
    assert python("-c", loaded).stdout.strip() == "[]"


def test_measuring_geometry_does_not_import_torch(tmp_path):
    np.save(tmp_path / "layer00.npy", np.random.default_rng(0).normal(size=(20, 2)))
    run = "import sys; from vae_geometry.cli import main; print(main(sys.argv[1:]), 'torch' in sys.modules)"
    result = python("-c", run, "measure-geometry", tmp_path, "--output", tmp_path / "out")
    assert result.stdout.split() == ["0", "False"]


def test_measuring_geometry_on_a_device_of_torch_gives_the_same_bytes(tmp_path, rng, monkeypatch):
    for layer, size in enumerate((2, 30)):
        np.save(tmp_path / f"layer{layer:02d}.npy", rng.normal(size=(60, size)).astype(np.float32))
    monkeypatch.setattr(
        "vae_geometry.training.devices.select_device", lambda name, threads: f"cpu:{threads - 1}"
    )  # not BLAS
    devices = []

    def noting_the_device(*arguments):
        devices.append(arguments[-1])
        return find_neighbours(*arguments)

    monkeypatch.setattr("vae_geometry.geometry.measure.find_neighbours", noting_the_device)
    for choice in ("cpu", "auto", "cuda"):
        output = ["--output", str(tmp_path / choice), "--threads", "1"]
        assert main(["measure-geometry", str(tmp_path), *output, "--device", choice]) == 0
        for table in (tmp_path / choice).iterdir():
            assert table.read_bytes() == (tmp_path / "cpu" / table.name).read_bytes()
    assert devices == ["cpu", "cpu:0", "cpu:0"]


def test_cuda_where_there_is_none_is_one_sentence(tmp_path, rng, monkeypatch, capsys):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    np.save(tmp_path / "layer00.npy", rng.normal(size=(20, 2)))
    assert main(["measure-geometry", str(tmp_path), "--output", str(tmp_path / "out"), "--device", "cuda"]) == 1
    (sentence,) = capsys.readouterr().err.splitlines()
    assert sentence.startswith("vae-geometry measure-geometry: device: cuda is requested, but torch ")
    assert not (tmp_path / "out").exists()


def test_a_mistake_of_the_user_is_one_sentence_and_status_1(tmp_path):
    result = python("-m", "vae_geometry", "measure-geometry", "absent", "--output", "out", cwd=tmp_path)
    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr == ("vae-geometry measure-geometry: absent: there is no such folder; correct the path\n")
    assert list(tmp_path.iterdir()) == []


def mistakes(folder, digits, sweep):
    """Arguments and what the sentence must name."""
    test, train, out = digits / "test.npz", digits / "train.npz", folder / "out"
    checkpoint = sweep.run / "checkpoints/epoch2.safetensors"
    initial = sweep.run / "checkpoints/epoch0.safetensors"
    chosen = ["--dataset", "digits", "--noise", "fresh", "--bottleneck", 2, "--seed", 0, "--epoch", 2]
    results = ["--results", sweep.selection.results]
    (folder / "text.safetensors").write_text("no weights")
    short_training = ["train", "--data", train, "--initial", initial, "--output", out]
    short_training += ["--images", 40, "--epochs", 1]
    return {
        "too many points": (
            ["dump-activations", checkpoint, "--data", test, "--output", out],
            ["test.npz: holds 500 inputs, 5000 points are requested"],
        ),
        "no checkpoint": (
            ["dump-activations", folder / "text.safetensors", "--data", test, "--output", out, "--points", 10],
            ["text.safetensors: not a checkpoint"],
        ),
        "absent images": (
            ["initialise", "--data", folder / "train.npz", "--output", out, "--bottleneck", 2],
            ["train.npz: no such file"],
        ),
        "too many images": (
            ["train", "--data", train, "--initial", initial, "--output", out, "--images", 2000],
            ["2000 inputs are requested, the data set has 1297"],
        ),
        "a checkpoint past the last epoch": (
            [*short_training, "--checkpoints", 5],
            ["epoch 5 lies past the last epoch"],
        ),
        "diverged": (
            [*short_training, "--checkpoints", 1, "--learning-rate", 1e30],
            ["the validation loss is NaN or infinite after epoch 1"],
        ),
        "too many scales": (
            ["measure-geometry", sweep.dump, "--output", out, "--scales", 32],
            ["activations: holds 40 points, too few for 32 neighbours"],
        ),
        "no dump": (["measure-fidelity", folder, "--output", out], ["manifest.parquet: no such file"]),
        "an absent table": (
            ["collect-tables", *results, *chosen, "--bottleneck", 5, "--output", out],
            ["k5/seed0/epoch2/intrinsic_dimension.parquet: no such file"],
        ),
        "an unknown figure": (["plot", "figure99", *results, *chosen, "--output", out], ["figure99"]),
        "no root": (["prepare-dataset", "imagefolder", "--output", out], ["needs `root`"]),
    }


CASES = [
    "too many points",
    "no checkpoint",
    "absent images",
    "too many images",
    "a checkpoint past the last epoch",
    "diverged",
    "too many scales",
    "no dump",
    "an absent table",
    "an unknown figure",
    "no root",
]


@pytest.mark.parametrize("case", CASES)
def test_each_mistake_has_its_sentence(tmp_path, digits, sweep, capsys, case):
    arguments, named = mistakes(tmp_path, digits, sweep)[case]
    capsys.readouterr()
    assert main([str(argument) for argument in arguments]) == 1
    sentence = capsys.readouterr().err.strip().splitlines()[-1]
    assert sentence.startswith(f"vae-geometry {arguments[0]}: ")
    assert all(text in sentence for text in named)


def test_a_training_without_checkpoints_keeps_its_last_epoch(tmp_path, digits, sweep):
    initial = sweep.run / "checkpoints/epoch0.safetensors"
    files = ["--data", str(digits / "train.npz"), "--initial", str(initial), "--output", str(tmp_path)]
    assert main(["train", *files, "--images", "40", "--epochs", "2"]) == 0
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["epoch2.safetensors"]


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["measure"],
        ["measure-geometry", "dump"],
        ["measure-geometry", "dump", "--output", "out", "--memory-mb", "0"],
        ["measure-geometry", "dump", "--output", "out", "--scales", "48"],
        ["measure-geometry", "dump", "--output", "out", "--scales", "1"],
        ["prepare-dataset", "imagenet", "--output", "out"],
        ["initialise", "--data", "a", "--output", "b", "--bottleneck", "0"],
        ["initialise", "--data", "a", "--output", "b", "--bottleneck", "2", "--seed", "-1"],
        ["initialise", "--data", "a", "--output", "b", "--bottleneck", "two"],
        ["initialise", "--data", "a", "--output", "b", "--bottleneck", "99999999999"],
        ["initialise", "--data", "a", "--output", "b", "--bottleneck", "2", "--seed", "2147483648"],
        ["measure-geometry", "dump", "--output", "out", "--threads", "100000"],
    ],
)
def test_arguments_that_cannot_be_are_refused_without_a_traceback(arguments, capsys):
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    assert "vae-geometry" in capsys.readouterr().err


def test_the_version_is_that_of_the_package(capsys):
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out.strip() == vae_geometry.__version__


def test_a_figure_is_drawn_from_a_sweep_by_hand(sweep, tmp_path):
    chosen = ["--dataset", "digits", "--noise", "fresh", "--bottleneck", "2", "3", "--seed", "0", "--epoch", "0", "2"]
    results = str(sweep.selection.results)
    assert main(["plot", "figure1", "--results", results, *chosen, "--output", str(tmp_path / "figure1")]) == 0
    assert {path.suffix for path in tmp_path.iterdir()} == {".png", ".pdf", ".csv", ".txt"}


def test_the_claims_are_checked_by_hand(sweep, tmp_path, capsys):
    chosen = ["--dataset", "digits", "--noise", "fresh", "--bottleneck", "2", "3", "--seed", "0", "--epoch", "0", "2"]
    results = str(sweep.selection.results)
    assert main(["check-claims", "--results", results, *chosen, "--output", str(tmp_path / "claims")]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {"claims.html", "claims.md", "claims.parquet"}
    printed = capsys.readouterr().out
    assert "The encoder compresses, for every K" in printed
    assert "One seed says nothing about others; add seeds" in printed
