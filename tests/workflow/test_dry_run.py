import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "sweeps/demo.yaml"
KINDS = ("png", "pdf", "csv")


def test_the_papers_sweep_plans_84_trainings_and_840_measurements(snakemake, counted_jobs, tmp_path):
    planned = snakemake(tmp_path, "-n", "--configfile", str(ROOT / "config.yaml"))
    assert planned.returncode == 0, planned.stdout
    assert counted_jobs(planned.stdout) == {
        "prepare_dataset": 2,
        "prepare_features": 2,
        "initialise": 84,
        "train": 84,
        "dump_activations": 840,
        "measure_geometry": 840,
        "verify_geometry": 2,
        "measure_fidelity": 840,
        "measure_memory": 84,
        "compare_bottlenecks": 12,
        "collect_tables": 1,
        "plot": 46,
        "plot_noises": 2,
        "plot_datasets": 2,
        "check_claims": 2,
        "summarise": 2,
        "all": 1,
    }


def test_the_first_seed_alone_is_named_on_the_command_line(snakemake, counted_jobs, tmp_path):
    planned = snakemake(tmp_path, "-n", "--configfile", str(ROOT / "config.yaml"), "--config", "seeds=[0]")
    assert planned.returncode == 0, planned.stdout
    assert counted_jobs(planned.stdout)["train"] == 28


@pytest.mark.parametrize(("sweep", "trainings"), [("reduced", 56), ("noise", 8), ("cheapest", 21)])
def test_the_other_sweeps_plan_a_training_per_data_set_noise_bottleneck_and_seed(
    snakemake, counted_jobs, tmp_path, sweep, trainings
):
    planned = snakemake(tmp_path, "-n", "--configfile", str(ROOT / f"sweeps/{sweep}.yaml"))
    assert planned.returncode == 0, planned.stdout
    assert counted_jobs(planned.stdout)["train"] == trainings


def test_the_sweeps_to_start_from_plan_with_data_of_the_users_own(snakemake, counted_jobs, tmp_path):
    for name in ("photos/train/cat", "table"):
        (tmp_path / name).mkdir(parents=True)
    for number in range(500):
        (tmp_path / f"photos/train/cat/{number}.jpg").touch()
    (tmp_path / "table/train.csv").write_text("a,b\n" + "0.5,2\n" * 1000)
    for sweep, trainings in {"own-images": 3, "own-table": 5}.items():
        planned = snakemake(tmp_path, "-n", "--configfile", str(ROOT / f"sweeps/{sweep}.yaml"))
        assert planned.returncode == 0, planned.stdout
        assert counted_jobs(planned.stdout)["train"] == trainings
    (tmp_path / "table/train.csv").write_text("a,b\n" + "0.5,2\n" * 995)
    refused = snakemake(tmp_path, "-n", "--configfile", str(ROOT / "sweeps/own-table.yaml"))
    assert "geometry.points: 200 is more than the 199 test inputs of data set table; lower it" in refused.stdout


def test_a_folder_without_images_is_named(snakemake, tmp_path):
    (tmp_path / "photos/train/cat").mkdir(parents=True)
    refused = snakemake(tmp_path, "-n", "--configfile", str(ROOT / "sweeps/own-images.yaml"))
    assert refused.returncode == 1
    assert "datasets.photos.root: photos has no training inputs; add some, or correct the path" in refused.stdout


def test_the_sweep_of_the_transition_plans_with_the_data_that_its_script_writes(snakemake, counted_jobs, tmp_path):
    script = ROOT / "sweeps/known_dimension.py"
    subprocess.run([sys.executable, script, tmp_path / "resources/downloads"], check=True)
    planned = snakemake(tmp_path, "-n", "--configfile", str(ROOT / "sweeps/transition.yaml"))
    assert planned.returncode == 0, planned.stdout
    counted = counted_jobs(planned.stdout)
    assert (counted["train"], counted["plot_datasets"]) == (7 * 6, 2)
    assert "results/figures/transition.pdf" in planned.stdout


def test_the_long_sweep_and_the_full_width_plan_with_an_image_folder(snakemake, counted_jobs, tmp_path):
    for part, count in {"train": 8000, "test": 5000}.items():
        (tmp_path / "cifar10-jpeg" / part / "cat").mkdir(parents=True)
        for number in range(count):
            (tmp_path / "cifar10-jpeg" / part / f"cat/{number}.jpg").touch()
    for sweep, chosen, trainings in (
        ("long", (), 2 * 7 * 2 * 3),
        ("long", ("--config", "seeds=[0]"), 2 * 7 * 2),
        ("full-width", (), 2 * 2),
    ):
        planned = snakemake(tmp_path, "-n", "--configfile", str(ROOT / f"sweeps/{sweep}.yaml"), *chosen)
        assert planned.returncode == 0, planned.stdout
        assert counted_jobs(planned.stdout)["train"] == trainings


def test_scales_add_a_figure_and_a_table_and_nothing_to_run_otherwise(snakemake, counted_jobs, tmp_path):
    counts = []
    for scales in (None, 64):
        config = tmp_path / f"{scales}.yaml"
        geometry = {"points": 500, "scales": scales}
        config.write_text(yaml.safe_dump({**yaml.safe_load(DEMO.read_text()), "geometry": geometry}))
        planned = snakemake(tmp_path, "-n", "--configfile", str(config))
        assert planned.returncode == 0, planned.stdout
        assert ("id_scaling" in planned.stdout) == bool(scales)
        counts.append(counted_jobs(planned.stdout))
    without, with_scales = counts
    assert with_scales == {**without, "plot": without["plot"] + 2}
    assert "results/tables/id_scaling.parquet" in planned.stdout


def test_dadapy_measures_one_checkpoint_per_data_set_unless_told_not_to(snakemake, counted_jobs, tmp_path):
    counts = []
    for verify in (True, False):
        config = tmp_path / f"{verify}.yaml"
        geometry = {"points": 500, "verify": verify}
        config.write_text(yaml.safe_dump({**yaml.safe_load(DEMO.read_text()), "geometry": geometry}))
        planned = snakemake(tmp_path, "-n", "--configfile", str(config))
        assert planned.returncode == 0, planned.stdout
        assert ("results/digits/repeated/k16/seed0/epoch20/verification.parquet" in planned.stdout) == verify
        counts.append(counted_jobs(planned.stdout))
    verified, without = counts
    assert verified == {**without, "verify_geometry": 1}


def test_the_figure_against_scale_plans_only_what_it_needs_or_names_the_key(snakemake, counted_jobs, tmp_path):
    figure = "results/figures/{}/fresh/id_scaling.pdf"
    planned = snakemake(tmp_path, "-n", "--configfile", str(DEMO), "--", figure.format("digits"))
    assert planned.returncode == 0, planned.stdout
    counted = counted_jobs(planned.stdout)
    assert [counted[rule] for rule in ("train", "measure_geometry", "plot")] == [4, 4, 1]
    assert "measure_fidelity" not in counted
    config = ROOT / "config.yaml"
    refused = snakemake(tmp_path, "-n", "--configfile", str(config), "--", figure.format("mnist"))
    assert refused.returncode == 1
    assert refused.stdout.strip().splitlines()[-1] == (
        f"{config}: geometry.scales: figure id_scaling needs it, and it is null; set it, for example to 64"
    )
    assert "Traceback" not in refused.stdout


def test_without_an_extractor_no_features_are_planned(snakemake, counted_jobs, tmp_path):
    config = tmp_path / "none.yaml"
    fidelity = {"points": 500, "extractor": "none"}
    config.write_text(yaml.safe_dump({**yaml.safe_load(DEMO.read_text()), "fidelity": fidelity}))
    planned = snakemake(tmp_path, "-n", "--configfile", str(config))
    assert planned.returncode == 0, planned.stdout
    counted = counted_jobs(planned.stdout)
    assert counted["measure_fidelity"] == 32
    assert "prepare_features" not in counted


@pytest.mark.parametrize(
    ("figure", "jobs"),
    [
        ("mnist/repeated/figure1.pdf", {"train": 21, "measure_geometry": 21, "prepare_features": 0}),
        ("mnist/repeated/figureA2.png", {"train": 0, "measure_geometry": 21}),
        ("mnist/fresh/losses.csv", {"train": 21, "measure_geometry": 0, "dump_activations": 0}),
        ("mnist/fresh/reconstructions.png", {"train": 21, "measure_geometry": 0, "dump_activations": 21}),
        (
            "mnist/fresh/figure2.pdf",
            {"train": 21, "measure_geometry": 210, "measure_fidelity": 210, "prepare_features": 1},
        ),
        ("cifar10/noise.pdf", {"train": 42, "measure_geometry": 420, "compare_bottlenecks": 0, "prepare_features": 1}),
        ("compare.pdf", {"train": 84, "measure_geometry": 840, "measure_fidelity": 0, "plot": 0, "plot_datasets": 1}),
        ("transition.png", {"train": 84, "measure_geometry": 84, "measure_fidelity": 0, "plot_datasets": 1}),
        ("cifar10/repeated/published.pdf", {"train": 21, "measure_geometry": 21, "measure_fidelity": 0}),
    ],
)
def test_a_figure_plans_only_what_it_needs(snakemake, counted_jobs, tmp_path, figure, jobs):
    config = str(ROOT / "config.yaml")
    planned = snakemake(tmp_path, "-n", "--configfile", config, "--", f"results/figures/{figure}")
    assert planned.returncode == 0, planned.stdout
    counted = counted_jobs(planned.stdout)
    assert {rule: counted.get(rule, 0) for rule in jobs} == jobs


@pytest.mark.parametrize(
    ("name", "source", "drawn"), [("cifar10", "mnist", 6), ("mine", "cifar10", 6), ("mine", "mnist", 0)]
)
def test_the_published_values_stand_beside_what_is_cifar10_by_name_or_source(snakemake, tmp_path, name, source, drawn):
    config = tmp_path / "sweep.yaml"
    config.write_text(yaml.safe_dump({**yaml.safe_load(DEMO.read_text()), "datasets": {name: {"source": source}}}))
    planned = snakemake(tmp_path, "-n", "--configfile", str(config))
    assert planned.returncode == 0, planned.stdout
    figures = {f"results/figures/{name}/{noise}/published.{kind}" for noise in ("fresh", "repeated") for kind in KINDS}
    assert sum(figure in planned.stdout for figure in figures) == drawn


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"training": {"epochs": 200, "checkpoints": [0, 250]}},
            "training.checkpoints: epoch 250 lies past the last epoch (training.epochs is 200)",
        ),
        ({"geometry": {"points": 501}}, "geometry.points: 501 is more than the 500 test inputs of data set digits"),
        (
            {"geometry": {"points": 500, "scales": 64.0}},
            "geometry.scales: 64.0 is not a whole number; write it",
        ),
        ({"geometry": {"points": 500, "scales": 48}}, "geometry.scales: 48 is not a power of two up to half of"),
        ({"geometry": {"points": 500, "scales": 256}}, "256 is not a power of two up to half of geometry.points (500)"),
        ({"geometry": {"points": 500, "scales": 1}}, "geometry.scales: 1 is less than the minimum of 2"),
        ({"training": {"images": 1298}}, "training.images: 1298 is more than the 1297 training inputs"),
        ({"geometry": {"points": 400}}, "fidelity.points: 500 is more than geometry.points (400)"),
        (
            {"fidelity": {"extractor": "vgg"}},
            "fidelity.extractor: 'vgg' is not one of ['inception', 'efficientnet_lite0'",
        ),
        (
            {"fidelity": {"points": 500, "weights": "absent.pth"}},
            "fidelity.weights: there is no file absent.pth; put it there, or name a folder to download it into",
        ),
        ({"bottlenecks": [2, 4, 2]}, "bottlenecks: [2, 4, 2] names something twice"),
        ({"bottlenecks": []}, "bottlenecks: [] has too few entries; write at least 1"),
        ({"datasets": {"digits": {"source": "imagenet"}}}, "datasets.digits.source: 'imagenet' is not one of"),
        ({"datasets": {"tables": {"source": "digits"}}}, "datasets: the name 'tables' cannot be used"),
        (
            {"datasets": {"mine": {"source": "imagefolder", "root": "/nowhere", "image_size": [40, 56, 3]}}},
            "datasets.mine.image_size: [40, 56, 3] is not possible here; it is: Size to which images are resized",
        ),
        ({"datasets": {"mine": {"source": "imagefolder"}}}, "datasets.mine.root: source imagefolder needs the folder"),
        (
            {"datasets": {"mine": {"source": "imagefolder", "root": "/nowhere"}}},
            "datasets.mine.root: there is no folder /nowhere/train",
        ),
        ({"bottleneck": [2]}, "unknown key bottleneck; the keys are datasets, bottlenecks"),
        (
            {"training": {"learning_rate": "fast"}},
            "training.learning_rate: 'fast' is not a number; correct it (YAML reads",
        ),
        ({"training": {"epochs": 60.0}}, "training.epochs: 60.0 is not a whole number; write it without a point"),
        (
            {"training": {"learning_rate": float("nan")}},
            "training.learning_rate: nan is not a finite number; correct it",
        ),
        ({"training": {"resume_minutes": 0}}, "training.resume_minutes: 0 is less than or equal to the minimum of 0"),
        ({"training": {"precision": "float16"}}, "training.precision: 'float16' is not one of"),
        ({"seeds": [-1]}, "seeds[0]: -1 is less than the minimum of 0"),
        ({"seeds": [2**31]}, "seeds[0]: 2147483648 is greater than the maximum of 2147483647"),
        ({"training": {"threads": 2000}}, "training.threads: 2000 is greater than the maximum of 1024"),
        ({"datasets": {2024: {"source": "digits"}}}, "datasets: YAML reads the name 2024 as a number, a date or a yes"),
        ({"datasets": {True: {"source": "digits"}}}, "datasets: YAML reads the name true as a number, a date or a yes"),
        ({"datasets": {"a\n": {"source": "digits"}}}, r"datasets: the name 'a\n' cannot be used"),
    ],
)
def test_a_bad_config_is_refused_in_one_sentence(snakemake, tmp_path, change, sentence):
    config = tmp_path / "bad.yaml"
    config.write_text(yaml.safe_dump({**yaml.safe_load(DEMO.read_text()), **change}))
    refused = snakemake(tmp_path, "-n", "--configfile", str(config))
    assert refused.returncode == 1
    last = refused.stdout.strip().splitlines()[-1]
    assert last.startswith(f"{config}: ")
    assert sentence in last
    assert "Traceback" not in refused.stdout
    assert "Building DAG" not in refused.stdout


def test_the_schema_has_a_default_and_a_description_for_every_key():
    schema = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())
    shipped = yaml.safe_load((ROOT / "config.yaml").read_text())
    del shipped["model"]["channels"]  # of the architecture, whose function has default and description

    def check(properties: dict, values: dict) -> None:
        assert set(properties) == set(values)
        for key, entry in properties.items():
            assert entry["description"], key
            if "properties" in entry:
                check(entry["properties"], values[key])
            else:
                assert entry["default"] == values[key], key

    check(schema["properties"], shipped)


def test_the_linter_has_nothing_to_say(snakemake, tmp_path):
    linted = snakemake(tmp_path, "--lint", "--configfile", str(DEMO))
    assert linted.returncode == 0
    assert "Congratulations" in linted.stdout


@pytest.mark.parametrize("gpu", ["", ', gpu: 0, gres: "gpu:1"'], ids=["gpus", "gres"])
def test_the_lines_that_a_user_edits_in_the_profile_go_together(snakemake, tmp_path, gpu):
    profile = (ROOT / "profiles/slurm/config.yaml").read_text()
    edited = re.sub(r"(?m)^# (default-resources:|  slurm_|set-resources:|  \w+: \{)", r"\1", profile)
    edited = edited.replace("GPU_PARTITION}", f"GPU_PARTITION{gpu}}}")
    (tmp_path / "profile").mkdir()
    (tmp_path / "profile/config.yaml").write_text(edited)
    arguments = ("-n", "--configfile", str(DEMO), "--profile", str(tmp_path / "profile"), "--sdm", "env-modules")
    planned = snakemake(tmp_path, *arguments)
    assert planned.returncode == 0, planned.stdout
    assert yaml.safe_load(edited)["default-resources"] == {"slurm_account": "ACCOUNT", "slurm_partition": "PARTITION"}
