"""The options and what is made from them: the schema of the config, its page and the command line of the rules."""

import runpy
import subprocess
import sys
from dataclasses import field, make_dataclass
from inspect import signature
from pathlib import Path

import pytest
import yaml

from vae_geometry.cli import main, parser
from vae_geometry.config import CONFIG, DataSet, Training
from vae_geometry.networks.convolutional import build
from vae_geometry.options import Option, arguments, options_of, section_of
from vae_geometry.schema import config_property
from vae_geometry.stages import STAGES

ROOT = Path(__file__).parents[2]
GENERATED = runpy.run_path(str(ROOT / "docs/generate.py"))["GENERATED"]


@pytest.mark.parametrize("path", sorted(GENERATED))
def test_what_is_made_from_the_code_is_up_to_date(path):
    assert (ROOT / path).read_text(encoding="utf-8") == GENERATED[path](), f"{path} is stale; run: make generated"


def test_the_shipped_config_names_every_key_with_its_default():
    shipped = yaml.safe_load((ROOT / "config.yaml").read_text())
    assert shipped.pop("datasets") == {"cifar10": {"source": "cifar10"}, "mnist": {"source": "mnist"}}
    keys = {}
    for name, value in shipped.items():
        keys |= {f"{name}.{key}": entry for key, entry in value.items()} if isinstance(value, dict) else {name: value}
    defaults = {key: option.default for key, option in CONFIG.items()}
    defaults["model.channels"] = signature(build).parameters["channels"].default
    assert keys == {key: list(value) if isinstance(value, tuple) else value for key, value in defaults.items()}


def test_keys_of_the_config_and_options_of_the_command_line_have_the_same_names_and_defaults():
    sections = {option.key: option for stage in STAGES.values() for option in stage.options if option.section}
    of_the_workflow = {"fidelity.extractor", "geometry.verify"}  # a wildcard, and whether a rule runs
    assert {key for key in CONFIG if "." in key} == {*sections, *of_the_workflow}
    for key, option in sections.items():
        assert option.name == CONFIG[key].name
        assert option.value_type is CONFIG[key].value_type or key == "fidelity.weights"


def test_every_key_of_a_data_set_is_an_option_of_its_preparation():
    of_stage = {option.name: option for option in STAGES["prepare-dataset"].options}
    for option in options_of(DataSet, None):
        taken = of_stage[option.name]
        assert (taken.default, taken.allowed) == (option.default, option.allowed)
        assert taken.value_type is option.value_type or option.name == "root"


def defaults():
    """The config that the schema fills in."""
    config = {}
    for option in CONFIG.values():
        value = list(option.default) if isinstance(option.default, tuple) else option.default
        (config.setdefault(option.section, {}) if option.section else config)[option.name] = value
    return config


def test_the_options_of_a_rule_are_read_back_as_the_config_says():
    config = defaults()
    config["training"] |= {"epochs": 3, "checkpoints": [0, 3], "learning_rate": 1.5e-5, "images": 40, "compile": True}
    words = arguments(STAGES["train"].options, config).split()
    read = parser().parse_args(["train", "--data", "a", "--initial", "b", "--output", "c", *words])
    assert section_of(Training, vars(read)) == Training(**config["training"])
    assert read.beta == config["model"]["beta"]


def test_what_decides_no_result_is_no_option_of_a_rule():
    words = " ".join(arguments(stage.options, defaults()) for stage in STAGES.values())
    assert "--epochs" in words
    for name in ("device", "resume-minutes", "memory-mb", "weights"):
        assert f"--{name}" not in words
    assert "--threads" not in arguments(STAGES["measure-geometry"].options, defaults())
    assert "--threads 2" in arguments(STAGES["train"].options, defaults())  # they change the last digits


def test_a_new_key_reaches_schema_and_rules_from_its_field_alone():
    limits = {"metadata": {"description": "epochs with a small rate", "minimum": 1}}
    section = make_dataclass("Section", [("warmup_epochs", int, field(default=5, **limits))])
    (option,) = options_of(section, "training")
    assert arguments([option], {"training": {"warmup_epochs": 7}}) == "--warmup-epochs 7"
    assert config_property(option) == {
        "description": "Epochs with a small rate.",
        "type": "integer",
        "minimum": 1,
        "maximum": 2**31 - 1,  # the largest that a table holds
        "default": 5,
    }


@pytest.mark.parametrize(
    ("limits", "value", "problem"),
    [
        ({"minimum": 2}, 1, "1 is less than 2"),
        ({"minimum": 2}, 2, None),
        ({"maximum": 9}, 10, "10 is more than 9"),
        ({"above": 0}, 0, "0 is not more than 0"),
        ({"below": 1}, 1, "1 is not less than 1"),
        ({"power_of_two": True}, 48, "48 is not a power of two such as 2, 4, ..., 64"),
        ({"power_of_two": True}, 64, None),
        ({}, float("nan"), "nan is not a finite number"),
        ({}, float("inf"), "inf is not a finite number"),
    ],
)
def test_limits(limits, value, problem):
    assert Option("x", float, None, "x", **limits).problem(value) == problem


@pytest.mark.parametrize("value", ["nan", "1e999", "-1", "x"])
def test_a_number_outside_its_limits_is_refused_by_the_command_line(value, capsys):
    with pytest.raises(SystemExit):
        main(["train", "--data", "a", "--initial", "b", "--output", "c", "--learning-rate", value])
    assert "--learning-rate" in capsys.readouterr().err


def test_the_workflow_imports_only_the_standard_library_with_its_modules():
    modules = ["options", "layout", "stages", "data.sources", "figures.registry", "networks"]
    script = "import sys; before = {name.partition('.')[0] for name in sys.modules};"
    script += f"import {', '.join(f'vae_geometry.{module}' for module in modules)};"
    script += "print(sorted({name.partition('.')[0] for name in sys.modules} - before - sys.stdlib_module_names))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['vae_geometry']"
