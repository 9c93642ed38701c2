"""What the rules of all stages share."""

import json
import shlex
from pathlib import Path

import yaml

from vae_geometry import VaeGeometryError, layout
from vae_geometry.config import DataSet
from vae_geometry.data.checksums import checksum_of_files
from vae_geometry.data.sources import SOURCES
from vae_geometry.figures.registry import FIGURES
from vae_geometry.options import arguments, options_of
from vae_geometry.stages import STAGES


def shipped(path):
    """Path of what comes with the checkout; where the workflow runs in it, one that does not change when it is moved."""
    return path if Path.cwd() == Path(workflow.basedir) else f"{workflow.basedir}/{path}"


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
TABLES = [*layout.JOINED, *(["id_scaling"] if SCALES else [])]


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
    """What the settings of a job's data set say of a stage, as options of its command line; not what changes no result."""
    return lambda wildcards: arguments(STAGES[stage].options, SETTINGS[wildcards.dataset])


def own_options(wildcards):
    """What the architecture of a job's data set takes besides, as JSON."""
    return json.dumps(architecture_options(SETTINGS[wildcards.dataset]["model"]))


def own_source(wildcards):
    """SHA-256 of the source of an architecture of the user's own: another source trains again."""
    found = ARCHITECTURES[wildcards.dataset]
    return "" if found.is_ours else found.sha256


def preparation(wildcards):
    """What the config says of the preparation of a data set, as words of the command line."""
    entry, words = config["datasets"][wildcards.dataset], []
    for option in options_of(DataSet, None):
        value = entry.get(option.name)
        if value is not None and option.name != "source":
            words += [option.flag, *map(str, value if isinstance(value, list) else [value])]
    return words


def contents(wildcards):
    """Checksum of a user's own files, a change of which makes the data set again; known data are what they are called."""
    name, entry = wildcards.dataset, config["datasets"][wildcards.dataset]
    if not SOURCES[entry["source"]].needs_root:
        return entry["source"]
    try:
        return checksum_of_files(
            entry["source"], Path(entry["root"]), Path(layout.RESOURCES["checksum"].format(dataset=name))
        )
    except VaeGeometryError as error:
        fail(f"datasets.{name}.root: {error}")


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
    return [path.format(dataset=dataset, **of_one)] if SETTINGS[dataset]["geometry"]["verify"] else []


def figure_tables(figure, dataset, noise):
    """Files that a figure draws from: only the kinds and checkpoints that it shows."""
    entry = FIGURES[figure]
    if entry.needs == "scales" and not SCALES:
        fail(f"geometry.scales: figure {figure} needs it, and it is null; set it, for example to 64")
    files = results(entry.tables, dataset, noise, entry.at(CHECKPOINTS)) + [GAUSSIANS] * entry.gaussians
    if entry.needs == "published":
        files += sorted(map(str, Path(PUBLISHED).glob("*.csv")))
    return [
        file for file in files if "{" not in file
    ]  # the path of a checkout, in which Snakemake would find wildcards


def steps_of_an_epoch(wildcards):
    """How many optimisation steps an epoch has, for the figure that names them; not where only the data tell."""
    training = SETTINGS[wildcards.dataset]["training"]
    n_inputs = training["images"] or N_INPUTS.get(wildcards.dataset, (0, 0))[0]
    if FIGURES[wildcards.figure].needs != "published" or not n_inputs:
        return ""
    n_trained = n_inputs - round(n_inputs * training["validation_fraction"])
    full, left = divmod(n_trained, training["batch_size"])
    return f"--steps {full + (left > 1)}"  # a batch of one is left out


def all_figures():
    """The figures of every data set and kind of noise, those that compare the kinds, and those of all data sets."""
    drawn = []
    for dataset, entry in config["datasets"].items():
        is_cifar10 = "cifar10" in (dataset, entry["source"])  # a copy is recognised by its name
        has_papers_layers = SETTINGS[dataset]["model"]["architecture"] == "convolutional"
        has = {"scales": SCALES, "published": is_cifar10 and has_papers_layers, None: True}
        compares = {
            "figure": True,
            "figure_of_all_noises": len(NOISES) > 1,
            "figure_of_all_datasets": len(config["datasets"]) > 1,
        }
        for name, figure in FIGURES.items():
            if has[figure.needs] and compares[figure.result]:
                drawn += expand(layout.result(figure.result), dataset=dataset, noise=NOISES, figure=name)
    return expand("{figure}.{suffix}", figure=dict.fromkeys(drawn), suffix=["png", "pdf", "csv", "txt"])


def pictures_of(dataset):
    """The figures of a data set."""
    folder = Path(layout.result("figure_of_all_noises").format(dataset=dataset, figure="any")).parent
    return [file for file in all_figures() if folder in Path(file).parents and file.endswith(".png")]


def config_of(wildcards):
    """What decides the results of a data set, as a config; paths are relative to the folder of the sweep."""
    decided = {"datasets": {wildcards.dataset: config["datasets"][wildcards.dataset]}}
    for key, value in config.items():
        if isinstance(value, dict) and key != "datasets":
            kept = {name: entry for name, entry in value.items() if decides(f"{key}.{name}")}
            decided[key] = kept
        elif key != "datasets" and decides(key):
            decided[key] = value
    return yaml.safe_dump(decided, default_flow_style=None)


def decides(key):
    """Whether results depend on a key of the config; those of an architecture's own options do."""
    return key not in CONFIG or CONFIG[key].decides


def report_labels(wildcards):
    """Columns of the report's lists; a search lists figures of all kinds of noise, and takes one label for one figure."""
    warn_of_old_figures()
    noise = getattr(wildcards, "noise", ", ".join(NOISES))
    figure = f"{wildcards.figure}: {FIGURES[wildcards.figure].title}"
    return {"figure": figure, "noise": noise, "data set": getattr(wildcards, "dataset", ", ".join(config["datasets"]))}
