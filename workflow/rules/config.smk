"""The config, checked, and the settings of each data set."""

import math
import os
import sys
from pathlib import Path

import yaml
from snakemake.exceptions import WorkflowError
from snakemake.utils import validate

sys.path.insert(0, f"{workflow.basedir}/src")

from vae_geometry import VaeGeometryError
from vae_geometry.config import CONFIG, SECTIONS, settings
from vae_geometry.data.sources import count_inputs, image_size
from vae_geometry.networks.signatures import architecture, check_options


def fail(problem):
    # not a WorkflowError, which Snakemake prints with a traceback
    sources = [*map(str, workflow.configfiles), *["--config"] * bool(workflow.config_settings.config)]
    sys.exit(f"{', '.join(sources) or 'config'}: {problem}")


def read_lists():
    """Read lists of --config, such as seeds=[0], as a config file has them: Snakemake takes their numbers for text."""
    for key, value in workflow.config_settings.config.items():
        if isinstance(value, list):
            config[key] = [yaml.safe_load(entry) if isinstance(entry, str) else entry for entry in value]


def check_schema():
    """Check types and names, and fill in defaults."""
    for name in config["datasets"] if isinstance(config.get("datasets"), dict) else []:
        if not isinstance(name, str):  # the schema's pattern looks at text alone
            fail(
                f"datasets: YAML reads the name {str(name).lower()} as a number, a date or a yes or no; put it in quotes"
            )
    try:
        validate(config, "../schemas/config.schema.yaml")
    except WorkflowError as error:
        cause = error.__cause__ or error.__context__
        if not hasattr(cause, "json_path"):
            raise
        if cause.validator == "additionalProperties":
            check_common(cause)
        key = cause.json_path.removeprefix("$").lstrip(".")
        problem = {
            "additionalProperties": unknown_keys(cause),
            "anyOf": f"{cause.instance} is not possible here; it is: {cause.schema.get('description', cause.message)}",
            "uniqueItems": f"{cause.instance} names something twice; name it once",
            "pattern": f"the name {cause.instance!r} cannot be used; take letters, digits, _ and -, "
            "and neither tables, figures nor benchmarks",
            "minItems": f"{cause.instance} has too few entries; write at least {cause.validator_value}",
            "maxItems": f"{cause.instance} has too many entries; write at most {cause.validator_value}",
        }.get(cause.validator, f"{cause.message}; correct it")
        if cause.validator == "type":
            problem = f"{cause.instance!r} is not {type_in_words(cause.validator_value)}; correct it"
            if "number" in cause.validator_value:
                problem += " (YAML reads 1e-3 as text, 1.0e-3 as a number)"
        fail(f"{key}: {problem}" if key else problem)


def unknown_keys(cause):
    """What is wrong with a section that has keys which the schema does not know."""
    known = cause.schema.get("properties", {})
    unknown = [str(key) for key in cause.instance if key not in known] if isinstance(cause.instance, dict) else []
    return f"unknown key {', '.join(unknown)}; the keys are {', '.join(known)}"


def type_in_words(types):
    """One or several types of JSON schema, as YAML's users call them."""
    words = {"integer": "a whole number", "number": "a number", "string": "text", "boolean": "true or false"}
    words |= {"array": "a list", "object": "a group of keys", "null": "null"}
    return " or ".join(words[name] for name in ([types] if isinstance(types, str) else types))


def check_common(cause):
    """Stop on a key in the entry of a data set that all data sets have in common."""
    place = [*map(str, cause.absolute_path)]
    unknown = map(str, set(cause.instance) - set(cause.schema["properties"])) if place[:1] == ["datasets"] else ()
    for name in sorted(unknown):
        key = ".".join([*place[2:], name])
        if key in CONFIG or key in SECTIONS:
            fail(
                f"{'.'.join([*place[:2], key])}: all data sets of a sweep have the same {key}; set it outside datasets, "
                "or make a sweep of its own for this data set"
            )


def check_numbers(place, values):
    """Stop on what the schema takes for a number or for a whole one: .nan, .inf, 60.0."""
    for key, option in CONFIG.items():
        value = (values.get(option.section, {}) if option.section else values).get(option.name)
        for number in value if isinstance(value, list) else [value]:
            if isinstance(number, float) and not math.isfinite(number):
                fail(f"{place}{key}: {number} is not a finite number; correct it")
            if isinstance(number, float) and option.value_type is int:
                fail(f"{place}{key}: {number} is not a whole number; write it without a point")


def beside_config(model):
    """A network whose file, named relative to the config, is named relative to the working directory."""
    where, _, function = model.get("architecture", "").rpartition(":")
    if not where.endswith(".py"):
        return model
    path = os.path.relpath(Path(workflow.configfiles[-1]).parent / where)
    return {**model, "architecture": f"{path}:{function}"}


def check_architecture(place, model):
    """Stop on an architecture that cannot be found, or that does not take the options that stand beside it."""
    try:
        found = architecture(model["architecture"])
        check_options(found, architecture_options(model))
        return found
    except VaeGeometryError as error:
        fail(f"{place}model.{error}")


def architecture_options(model):
    return {name: value for name, value in model.items() if f"model.{name}" not in CONFIG}


def inputs_of(name, dataset):
    """Number of training and test inputs of a data set, before it is prepared; None where only reading them tells."""
    try:
        size = dataset["image_size"]
        image_size(size if isinstance(size, list) else [size])
        return count_inputs(dataset["source"], dataset.get("root"), dataset.get("test_fraction"))
    except VaeGeometryError as error:
        fail(f"datasets.{name}.{error}")


def check_settings(name):
    """Stop on what the schema cannot see: settings of a data set that contradict each other or the data."""

    def key(section, option):
        own = option in config["datasets"][name].get(section, {})
        return f"datasets.{name}.{section}.{option}" if own else f"{section}.{option}"

    training, geometry, fidelity = (SETTINGS[name][section] for section in ("training", "geometry", "fidelity"))
    points, scales = geometry["points"], geometry["scales"]
    for epoch in training["checkpoints"]:
        if epoch > training["epochs"]:
            fail(
                f"training.checkpoints: epoch {epoch} lies past the last epoch "
                f"({key('training', 'epochs')} is {training['epochs']}); lower it, or train longer"
            )
    if scales and (scales & (scales - 1) or 2 * scales > points):
        limit = f"half of {key('geometry', 'points')} ({points})"
        fail(f"geometry.scales: {scales} is not a power of two up to {limit}; change it")
    if fidelity["points"] > points:
        fail(f"fidelity.points: {fidelity['points']} is more than geometry.points ({points}); lower it")
    n_train, n_test = N_INPUTS.get(name, (math.inf, math.inf))
    if 0 in (n_train, n_test):
        part, root = "training" if n_train == 0 else "test", config["datasets"][name].get("root")
        fail(f"datasets.{name}.root: {root} has no {part} inputs; add some, or correct the path")
    if points > n_test:
        fail(
            f"{key('geometry', 'points')}: {points} is more than the {n_test} test inputs of data set {name}; lower it"
        )
    images = training["images"] or 0
    if images > n_train:
        fail(
            f"{key('training', 'images')}: {images} is more than the {n_train} training inputs of data set {name}; lower it"
        )


def check_weights():
    weights = config["fidelity"]["weights"]
    if weights and Path(weights).suffix and not Path(weights).exists():
        fail(f"fidelity.weights: there is no file {weights}; put it there, or name a folder to download it into")


read_lists()
check_schema()
check_numbers("", config)
for name, entry in config["datasets"].items():
    check_numbers(f"datasets.{name}.", entry)
check_weights()

config["model"] = beside_config(config["model"])
config["datasets"] = {
    name: {**entry, "model": beside_config(entry["model"])} if "model" in entry else entry
    for name, entry in config["datasets"].items()
}
SETTINGS = {name: settings(config, name) for name in config["datasets"]}  # sections of the config, by data set
ARCHITECTURES = {
    name: check_architecture(f"datasets.{name}." * ("model" in entry), SETTINGS[name]["model"])
    for name, entry in config["datasets"].items()
}
if config["model"]["architecture"] not in [settings["model"]["architecture"] for settings in SETTINGS.values()]:
    check_architecture("", config["model"])  # whose options would go unread
counts = {name: inputs_of(name, dataset) for name, dataset in config["datasets"].items()}
N_INPUTS = {name: count for name, count in counts.items() if count}  # of those that tell it before they are read
for name in config["datasets"]:
    check_settings(name)
