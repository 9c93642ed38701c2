"""Data sets with a network, a training and points of their own: what their jobs are told, and what is refused."""

import re

import pytest
import yaml

CONFIG = {
    "bottlenecks": [2],
    "noise": ["fresh"],
    "model": {"channels": [4, 4, 8, 8], "beta": 0.5, "latent": "mean"},
    "training": {"epochs": 2, "checkpoints": [0, 2], "batch_size": 64, "learning_rate": 0.01, "threads": 1},
    "geometry": {"points": 300, "threads": 1},
    "fidelity": {"points": 200, "extractor": "none"},
    "device": "cpu",
}
PLAIN = {"source": "digits"}
MY_VAE = "def build(shape, bottleneck, width=8):\n    ...\n"


@pytest.fixture
def plan(snakemake, tmp_path):
    """Plan a sweep of these data sets; returns the finished process."""

    def run(datasets, **change):
        (tmp_path / "configs").mkdir(exist_ok=True)
        (tmp_path / "configs/sweep.yaml").write_text(yaml.safe_dump({**CONFIG, **change, "datasets": datasets}))
        return snakemake(tmp_path, "-n", "-p", "--configfile", str(tmp_path / "configs/sweep.yaml"))

    return run


@pytest.fixture
def commands(plan):
    """The planned commands by stage and data set, without the names of files."""

    def read(datasets, **change):
        planned = plan(datasets, **change)
        assert planned.returncode == 0, planned.stdout
        told = {}
        for stage, line, dataset in re.findall(r"vae-geometry ([\w-]+) (.*) > logs/([a-z]+)/", planned.stdout):
            told.setdefault(stage, {})[dataset] = re.sub(r"\S*(results|resources)/\S+", "", line)
        return told

    return read


def values(told, option):
    """What the command of each data set says of an option."""
    found = {dataset: re.search(rf"{option} (\S+)", line) for dataset, line in told.items()}
    return {dataset: match and match.group(1) for dataset, match in found.items()}


def test_another_architecture_drops_the_options_of_the_first_and_keeps_its_likelihood_and_beta(commands, tmp_path):
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs/my_vae.py").write_text(MY_VAE)
    datasets = {
        "plain": PLAIN,
        "narrow": {**PLAIN, "model": {"channels": [2, 2, 2, 2]}},
        "same": {**PLAIN, "model": {"architecture": "convolutional", "likelihood": "bernoulli"}},
        "residual": {**PLAIN, "model": {"architecture": "residual"}},
        "wide": {**PLAIN, "model": {"architecture": "perceptron", "widths": [8], "variance": None, "beta": 2.0}},
        "mine": {**PLAIN, "model": {"architecture": "my_vae.py:build", "width": 6}},
    }
    told = commands(datasets, model={**CONFIG["model"], "likelihood": "gaussian", "variance": 0.1})
    networks = {dataset: re.search(r"--architecture.*", line).group() for dataset, line in told["initialise"].items()}
    ours = "--architecture {} --likelihood {} {}--options '{}'"
    assert networks == {
        "plain": ours.format("convolutional", "gaussian", "--variance 0.1 ", '{"channels": [4, 4, 8, 8]}'),
        "narrow": ours.format("convolutional", "gaussian", "--variance 0.1 ", '{"channels": [2, 2, 2, 2]}'),
        "same": ours.format("convolutional", "bernoulli", "--variance 0.1 ", '{"channels": [4, 4, 8, 8]}'),
        "residual": ours.format("residual", "gaussian", "--variance 0.1 ", "{}"),
        "wide": ours.format("perceptron", "gaussian", "", '{"widths": [8]}'),
        "mine": ours.format("configs/my_vae.py:build", "gaussian", "--variance 0.1 ", '{"width": 6}'),
    }
    assert values(told["dump-activations"], "--latent") == dict.fromkeys(datasets, "mean")
    for stage in ("train", "measure-fidelity"):
        assert values(told[stage], "--beta") == {**dict.fromkeys(datasets, "0.5"), "wide": "2.0"}
    architectures = values(told["initialise"], "--architecture")
    for stage in ("train", "dump-activations", "compare-bottlenecks"):
        assert values(told[stage], "--architecture") == architectures


def test_a_data_set_is_trained_and_measured_as_its_entry_says_and_for_the_rest_as_the_others(commands):
    training = {"epochs": 9, "images": 100, "threads": 2, "resume_minutes": 0.5}
    datasets = {
        "plain": PLAIN,
        "trained": {**PLAIN, "training": training},
        "fewer": {**PLAIN, "geometry": {"points": 100, "verify": False}},
        "more": {**PLAIN, "geometry": {"points": 500}},
    }
    told = commands(datasets)
    both = "--checkpoints 0 2 --batch-size 64 --learning-rate 0.01 --weight-decay 0.0001 --validation-fraction 0.2 {}"
    both += "--threads {} --precision float32 --no-compile --deterministic --beta 0.5 --architecture convolutional"
    both += " --resume-minutes {} --device cpu"
    for dataset in ("plain", "fewer", "more"):
        assert told["train"][dataset].endswith("--epochs 2 " + both.format("", 1, 1.0))
    assert told["train"]["trained"].endswith("--epochs 9 " + both.format("--images 100 ", 2, 0.5))
    points = {"plain": "300", "trained": "300", "fewer": "100", "more": "500"}
    for stage in ("dump-activations", "compare-bottlenecks"):
        assert values(told[stage], "--points") == points
    judged = {"plain": "200", "trained": "200", "fewer": "100", "more": "200"}
    assert values(told["measure-fidelity"], "--points") == judged
    # 1000 + 16 N 16384 / 1e6 + 66 N^2 / 1e6 for a network that is not there yet
    assert values(told["verify-geometry"], "--memory-mb") == {"plain": "1084", "trained": "1084", "more": "1147"}
    verified = {dataset: "--verification" in line for dataset, line in told["check-claims"].items()}
    assert verified == {"plain": True, "trained": True, "fewer": False, "more": True}


def test_only_the_papers_network_is_drawn_beside_the_published_values(plan):
    residual = {"source": "cifar10", "model": {"architecture": "residual"}}
    planned = plan({"cifar10": {"source": "cifar10"}, "residual": residual})
    assert planned.returncode == 0, planned.stdout
    assert "results/figures/cifar10/fresh/published.png" in planned.stdout
    assert "results/figures/residual/fresh/published.png" not in planned.stdout


ALL_HAVE_THE_SAME = (
    "all data sets of a sweep have the same {0}; set it outside datasets, or make a sweep of its own for"
)


@pytest.mark.parametrize(
    ("own", "sentence"),
    [
        (
            {"training": {"checkpoints": [0, 1]}},
            "training.checkpoints: " + ALL_HAVE_THE_SAME.format("training.checkpoints"),
        ),
        ({"geometry": {"scales": 8}}, "geometry.scales: " + ALL_HAVE_THE_SAME.format("geometry.scales")),
        ({"geometry": {"threads": 2}}, "geometry.threads: " + ALL_HAVE_THE_SAME.format("geometry.threads")),
        ({"fidelity": {"points": 50}}, "fidelity: " + ALL_HAVE_THE_SAME.format("fidelity")),
        ({"noise": ["repeated"]}, "noise: " + ALL_HAVE_THE_SAME.format("noise")),
        ({"training": {"epoch": 3}}, "training: unknown key epoch; the keys are"),
        ({"training": {"epochs": 3.0}}, "training.epochs: 3.0 is not a whole number; write it without a point"),
        (
            {"training": {"learning_rate": float("nan")}},
            "training.learning_rate: nan is not a finite number; correct it",
        ),
        ({"training": 3}, "training: 3 is not a group of keys; correct it"),
        ({"training": {"images": 1298}}, "training.images: 1298 is more than the 1297 training inputs of data set own"),
        ({"geometry": {"points": 501}}, "geometry.points: 501 is more than the 500 test inputs of data set own; lower"),
        (
            {"model": {"architecture": "my.py:build"}},
            "model.architecture configs/my.py:build: there is no file configs",
        ),
        ({"model": {"widths": [8]}}, "model.architecture convolutional takes no option widths; it takes channels"),
        (
            {"model": {"architecture": "perceptron", "channels": [8]}},
            "model.architecture perceptron takes no option channels; it takes widths",
        ),
    ],
)
def test_a_bad_setting_of_a_data_set_is_refused_in_one_sentence(plan, own, sentence):
    check_refused(plan({"plain": PLAIN, "own": {**PLAIN, **own}}), f"datasets.own.{sentence}")


@pytest.mark.parametrize(
    ("own", "change", "sentence"),
    [
        (
            {"training": {"epochs": 1}},
            {},
            "training.checkpoints: epoch 2 lies past the last epoch (datasets.own.training.epochs is 1)",
        ),
        (
            {"geometry": {"points": 100}},
            {"geometry": {"points": 300, "scales": 64}},
            "geometry.scales: 64 is not a power of two up to half of datasets.own.geometry.points (100); change it",
        ),
        (
            {"model": {"architecture": "perceptron"}},
            {"model": {"widths": [8]}},
            "model.architecture convolutional takes no option widths; it takes channels",
        ),
    ],
)
def test_what_does_not_go_with_the_settings_of_a_data_set_is_refused(plan, own, change, sentence):
    check_refused(plan({"own": {**PLAIN, **own}}, **change), sentence)


def check_refused(refused, sentence):
    assert refused.returncode == 1, refused.stdout
    last = refused.stdout.strip().splitlines()[-1]
    assert f"configs/sweep.yaml: {sentence}" in last
    assert "Traceback" not in refused.stdout
