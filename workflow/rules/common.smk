"""The config, checked, and what the rules of all stages share."""

import math
import shlex
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.utils import validate

sys.path.insert(0, f"{workflow.basedir}/src")

from vae_geometry import VaeGeometryError, layout
from vae_geometry.data.sources import SOURCES, count_images
from vae_geometry.figures.registry import FIGURES
from vae_geometry.options import CONFIG, arguments
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
    for name, (n_train, n_test) in N_IMAGES.items():
        if points > n_test:
            fail(f"geometry.points: {points} is more than the {n_test} test images of data set {name}; lower it")
        if (config["training"]["images"] or 0) > n_train:
            fail(
                f"training.images: {config['training']['images']} is more than the {n_train} training images of data set {name}; lower it"
            )


def images_of(name, dataset):
    """Training and test images of a data set, before it is prepared."""
    try:
        return count_images(dataset["source"], dataset.get("root"))
    except VaeGeometryError as error:
        fail(f"datasets.{name}.{error}")


def fail(problem):
    # not a WorkflowError, which Snakemake prints with a traceback
    sys.exit(f"{', '.join(map(str, workflow.configfiles)) or 'config'}: {problem}")


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
N_IMAGES = {name: images_of(name, dataset) for name, dataset in config["datasets"].items()}
check_config()

CHECKPOINTS = sorted(config["training"]["checkpoints"])
LAST = CHECKPOINTS[-1]
NOISES = config["noise"]
RUN, CHECKPOINT = layout.RUN, layout.CHECKPOINT
THREADS = config["geometry"]["threads"]
SCALES = config["geometry"]["scales"]
EXTRACTOR = config["fidelity"]["extractor"]
FEATURES = [] if EXTRACTOR == "none" else [layout.RESOURCES["features"].replace("{extractor}", EXTRACTOR)]
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


def root_option(wildcards):
    root = config["datasets"][wildcards.dataset].get("root")
    return ["--root", root] if root else []


def kept(activations):
    """A dump is temporary unless the config keeps it."""
    return activations if config["keep_activations"] else temp(activations)


def layer_sizes():
    """Values per image of the widest layer of the paper's network, and of all; the input as if it had three channels."""
    channels = config["model"]["channels"]
    sides = [16, 8, 4, 2]
    blocks = [width * side**2 for width, side in zip(channels, sides)]
    sizes = [3072, *blocks, max(config["bottlenecks"]), blocks[3], *blocks[2::-1], 3072]
    return max(sizes), sum(sizes)


def growing(amount):
    """Memory or time that a job gets, more of it each time it is started again."""
    return lambda wildcards, attempt: int(amount * attempt)


def geometry_memory_mb(wildcards, attempt):
    """1.6 GB were measured for 5,000 points of the full width (docs/benchmarks.md), 2.3 are requested."""
    widest, _ = layer_sizes()
    return int((1000 + 4 * 4 * config["geometry"]["points"] * widest / 1e6) * attempt)


def verification_memory_mb(wildcards, attempt):
    """3.6 GB were measured for 5,000 points of the full width (docs/benchmarks.md), 3.9 are requested."""
    points, (widest, _) = config["geometry"]["points"], layer_sizes()
    return int((1000 + 16 * points * widest / 1e6 + 66 * points**2 / 1e6) * attempt)


def verification(dataset):
    """The table of the checkpoint of a data set that DADApy measures too: of the widest network, at the last epoch."""
    path = layout.result("verification")
    of_one = dict(noise=NOISES[0], bottleneck=max(config["bottlenecks"]), seed=config["seeds"][0], epoch=LAST)
    return [path.format(dataset=dataset, **of_one)] if config["geometry"]["verify"] else []


def geometry_minutes(n_networks=1):
    """Ten times what was measured: 12 s for 5,000 points of one network at full width, which the sizes scale."""
    points, (_, total) = config["geometry"]["points"], layer_sizes()
    seconds = 12 * (points / 5000) ** 2 * (total / 65_700) * n_networks**1.6  # 77 layers at once took 266 s
    return growing(10 + 10 * seconds * 2 / THREADS / 60)


def training_minutes(wildcards, attempt):
    """Three times what was measured on two CPU cores; on a GPU as if it were 10 times faster (an H200 is 65 times).

    600 images/s at full width, 3,300 to 4,000 at quarter width (docs/benchmarks.md).
    """
    training = config["training"]
    images = training["images"] or N_IMAGES[wildcards.dataset][0]
    channels = config["model"]["channels"]
    products = sum(a * b * side**2 for a, b, side in zip([3, *channels], channels, [16, 8, 4, 2]))
    seconds = 0.0002 + 1.08e-9 * products
    speed = training["threads"] / 2 if config["device"] == "cpu" else 10
    return int((10 + 3 * training["epochs"] * images * seconds / 60 / speed) * attempt)


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
