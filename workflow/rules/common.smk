"""The config, checked, and what the rules of all stages share."""

import json
import math
import os
import shlex
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.utils import validate

sys.path.insert(0, f"{workflow.basedir}/src")

from vae_geometry import VaeGeometryError, layout
from vae_geometry.data.sources import SOURCES, count_inputs, image_size
from vae_geometry.figures.registry import FIGURES
from vae_geometry.networks.signatures import architecture, check_options
from vae_geometry.config import CONFIG, DataSet
from vae_geometry.options import arguments, options_of
from vae_geometry.stages import STAGES


def check_numbers():
    """Stop on what the schema takes for a number or for a whole one: .nan, .inf, 60.0."""
    for key, option in CONFIG.items():
        value = config[option.section][option.name] if option.section else config[option.name]
        for number in value if isinstance(value, list) else [value]:
            if isinstance(number, float) and not math.isfinite(number):
                fail(f"{key}: {number} is not a number; correct it")
            if isinstance(number, float) and option.value_type is int:
                fail(f"{key}: {number} is not a whole number; write it without a point")


def check_config():
    """Stop on what the schema cannot see: keys that contradict each other or the data."""
    check_numbers()
    epochs, checkpoints = config["training"]["epochs"], config["training"]["checkpoints"]
    points = config["geometry"]["points"]
    for epoch in checkpoints:
        if epoch > epochs:
            fail(f"training.checkpoints: epoch {epoch} lies past the last epoch (training.epochs is {epochs})")
    scales = config["geometry"]["scales"]
    if scales and (scales & (scales - 1) or 2 * scales > points):
        fail(f"geometry.scales: {scales} is not a power of two up to half of geometry.points ({points}); change it")
    if config["fidelity"]["points"] > points:
        fail(f"fidelity.points: {config['fidelity']['points']} is more than geometry.points ({points}); lower it")
    weights = config["fidelity"]["weights"]
    if weights and Path(weights).suffix and not Path(weights).exists():
        fail(f"fidelity.weights: there is no file {weights}; put it there, or name a folder to download it into")
    for name, (n_train, n_test) in N_INPUTS.items():
        if points > n_test:
            fail(f"geometry.points: {points} is more than the {n_test} test images of data set {name}; lower it")
        if (config["training"]["images"] or 0) > n_train:
            fail(
                f"training.images: {config['training']['images']} is more than the {n_train} training images of data set {name}; lower it"
            )


def inputs_of(name, dataset):
    """Number of training and test inputs of a data set, before it is prepared; None where only reading them tells."""
    try:
        size = dataset["image_size"]
        image_size(size if isinstance(size, list) else [size])
        return count_inputs(dataset["source"], dataset.get("root"), dataset.get("test_fraction"))
    except VaeGeometryError as error:
        fail(f"datasets.{name}.{error}")


def check_architecture():
    """Stop on an architecture that cannot be found, or that does not take the options that stand beside it."""
    model = config["model"]
    where, _, function = model["architecture"].rpartition(":")
    if where.endswith(".py"):  # beside the config
        beside = Path(workflow.configfiles[-1]).parent / where
        model["architecture"] = f"{os.path.relpath(beside)}:{function}"
    try:
        found = architecture(model["architecture"])
        check_options(found, architecture_options())
        return found
    except VaeGeometryError as error:
        fail(f"model.{error}")


def architecture_options():
    return {name: value for name, value in config["model"].items() if f"model.{name}" not in CONFIG}


def fail(problem):
    # not a WorkflowError, which Snakemake prints with a traceback
    sources = [*map(str, workflow.configfiles), *["--config"] * bool(workflow.config_settings.config)]
    sys.exit(f"{', '.join(sources) or 'config'}: {problem}")


def shipped(path):
    """Path of what comes with the checkout; where the workflow runs in it, one that does not change when it is moved."""
    return path if Path.cwd() == Path(workflow.basedir) else f"{workflow.basedir}/{path}"


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
        key = cause.json_path.removeprefix("$").lstrip(".")
        problem = {
            "additionalProperties": f"{cause.message}; the keys are {', '.join(cause.schema.get('properties', {}))}",
            "uniqueItems": f"{cause.instance} names something twice; name it once",
            "pattern": f"the name {cause.instance!r} cannot be used; take letters, digits, _ and -, "
            "and neither tables, figures nor benchmarks",
            "minItems": f"{cause.instance} has too few entries, {cause.validator_value} are needed",
            "maxItems": f"{cause.instance} has too many entries, {cause.validator_value} are needed",
        }.get(cause.validator, f"{cause.message}; correct it")
        if cause.validator_value == "number":
            problem += " (YAML reads 1e-3 as text, 1.0e-3 as a number)"
        fail(f"{key}: {problem}" if key else problem)


check_schema()
ARCHITECTURE = check_architecture()
counts = {name: inputs_of(name, dataset) for name, dataset in config["datasets"].items()}
N_INPUTS = {name: count for name, count in counts.items() if count}  # of those that tell it before they are read
check_config()

CHECKPOINTS = sorted(config["training"]["checkpoints"])
LAST = CHECKPOINTS[-1]
NOISES = config["noise"]
RUN, CHECKPOINT = layout.RUN, layout.CHECKPOINT
THREADS = config["geometry"]["threads"]
SCALES = config["geometry"]["scales"]
EXTRACTOR = config["fidelity"]["extractor"]
WEIGHTS = config["fidelity"]["weights"] or layout.RESOURCES["downloads"]
GPU = 0 if config["device"] == "cpu" else 1
PUBLISHED, GAUSSIANS = (shipped(layout.RESOURCES[name]) for name in ("published", "gaussians"))
# Snakemake formats paths of environments and the prefix of the shell: braces in the name of a folder are doubled
BASE = workflow.basedir.replace("{", "{{").replace("}", "}}")
ENVIRONMENT = f"{BASE}/envs/compute.yaml"
GEOMETRY = ["intrinsic_dimension", "information_imbalance"]
TABLES = [*GEOMETRY, *(["id_scaling"] if SCALES else []), "cross_bottleneck", "fidelity", "training"]


wildcard_constraints:
    dataset="|".join(config["datasets"]),
    noise="|".join(NOISES),
    bottleneck="|".join(map(str, config["bottlenecks"])),
    seed="|".join(map(str, config["seeds"])),
    epoch="|".join(map(str, {0, *CHECKPOINTS})),
    extractor="inception|efficientnet_lite0",


# conda jobs lose an inherited PYTHONPATH, and lack the command of a package that is not installed there
SOURCE = shlex.quote(f"{BASE}/src")
shell.prefix(f"set -euo pipefail; export PYTHONPATH={SOURCE};" + ' vae-geometry() {{ python -m vae_geometry "$@"; }}; ')


def results(names, dataset, noise, epochs):
    """Files of results by their names in the layout, for these data sets and kinds of noise, all K and all seeds."""
    files = []
    for name in names:
        files += expand(
            layout.result(name),
            dataset=dataset,
            noise=noise,
            bottleneck=config["bottlenecks"],
            seed=config["seeds"],
            epoch=LAST if name == "cross_bottleneck" else epochs,
        )
    return list(dict.fromkeys(files))


def selection(epochs):
    """The runs and checkpoints to read, as options of the command line."""
    chosen = {"bottleneck": config["bottlenecks"], "seed": config["seeds"], "epoch": epochs}
    return " ".join(f"--{name} {' '.join(map(str, values))}" for name, values in chosen.items())


def options(stage):
    """What the config says of a stage, as options of its command line; not what changes no result."""
    return arguments(STAGES[stage].options, config)


def preparation(wildcards):
    """What the config says of the preparation of a data set, as words of the command line."""
    entry, words = config["datasets"][wildcards.dataset], []
    for option in options_of(DataSet, None):
        value = entry.get(option.name)
        if value is not None and option.name != "source":
            words += [option.flag, *map(str, value if isinstance(value, list) else [value])]
    return words


def features(wildcards):
    """File of the features of the test images, if the Frechet distance is measured and the inputs are images."""
    has_images = SOURCES[config["datasets"][wildcards.dataset]["source"]].has_images
    path = layout.RESOURCES["features"].format(dataset=wildcards.dataset, extractor=EXTRACTOR)
    return [path] if has_images and EXTRACTOR != "none" else []


def kept(activations):
    """A dump is temporary unless the config keeps it."""
    return activations if config["keep_activations"] else temp(activations)


def verification(dataset):
    """The table of the checkpoint of a data set that DADApy measures too: of the widest network, at the last epoch."""
    path = layout.result("verification")
    of_one = dict(noise=NOISES[0], bottleneck=max(config["bottlenecks"]), seed=config["seeds"][0], epoch=LAST)
    return [path.format(dataset=dataset, **of_one)] if config["geometry"]["verify"] else []


def figure_tables(figure, dataset, noise):
    """Files that a figure draws from: only the kinds and checkpoints that it shows."""
    entry = FIGURES[figure]
    if entry.needs == "scales" and not SCALES:
        fail(f"geometry.scales: figure {figure} needs it, and it is null; set it, for example to 64")
    files = results(entry.tables, dataset, noise, entry.at(CHECKPOINTS)) + [GAUSSIANS] * entry.gaussians
    if entry.needs == "published":
        files += sorted(map(str, Path(PUBLISHED).glob("*.csv")))
    return [file for file in files if "{" not in file]  # of a checkout elsewhere; Snakemake would look for a wildcard


def all_figures():
    """The figures of every data set and kind of noise, and those that compare the kinds."""
    drawn = []
    for dataset, entry in config["datasets"].items():
        has = {"scales": SCALES, "published": "cifar10" in (dataset, entry["source"]), None: True}  # a copy by its name
        figures = [figure for figure in FIGURES.values() if has[figure.needs]]
        for figure in figures:
            if not figure.all_noises:
                drawn += expand(layout.result("figure"), dataset=dataset, noise=NOISES, figure=figure.name)
            elif len(NOISES) > 1:
                drawn += expand(layout.result("figure_of_all_noises"), dataset=dataset, figure=figure.name)
    return expand("{figure}.{suffix}", figure=drawn, suffix=["png", "pdf", "csv", "txt"])


def report_labels(wildcards):
    """Columns of the report's lists; a search lists figures of all kinds of noise, and takes one label for one figure."""
    warn_of_old_figures()
    noise = getattr(wildcards, "noise", ", ".join(NOISES))
    figure = f"{wildcards.figure}: {FIGURES[wildcards.figure].title}"
    return {"figure": figure, "noise": noise, "data set": wildcards.dataset}
