"""The config of a sweep: its sections and their keys, each an option, see ``options``.

The command line, the schema of the config and the rules' options are made from them. Only the standard library is
imported, as the workflow reads this module too.
"""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field
from typing import Any, Literal

from vae_geometry import NOISES
from vae_geometry.data.sources import LARGEST, SOURCES
from vae_geometry.layout import RESOURCES
from vae_geometry.networks.signatures import architectures
from vae_geometry.options import THREADS, Option, options_of

SIDE = {"type": "integer", "minimum": 1, "maximum": LARGEST}  # pixels


def _key(default: object, description: str, **limits: Any) -> Any:
    """A field of a section of the config."""
    return field(default=default, metadata={"description": description, **limits})


@dataclass(frozen=True)
class DataSet:
    """A name of yours -> where its data come from."""

    source: str = _key(
        MISSING,
        "kind of the data set; mnist, fashion_mnist and cifar10 are downloaded if absent, imagefolder and arrays are "
        "read from root, digits comes with scikit-learn",
        choices=tuple(SOURCES),
    )
    root: str | None = _key(
        None,
        "folder that holds the raw files already (imagefolder: root/train/CLASS, root/test/CLASS; "
        "arrays: root/train.*, root/test.*)",
    )
    image_size: tuple[str, ...] = _key(
        ("32",),
        "size to which images are resized: one number, height and width, or native",
        unit="pixels",
        schema={"anyOf": [SIDE, {"enum": ["native"]}, {"type": "array", "items": SIDE, "minItems": 2, "maxItems": 2}]},
    )
    resize: Literal["stretch", "crop", "pad"] = _key("stretch", "how to resize images of another aspect ratio")
    scale: Literal["none", "standard", "minmax"] = _key("none", "scaling of array columns, fitted on the training part")
    test_fraction: float | None = _key(
        None,
        "part of the training set to split off where there is no test part (imagefolder, arrays)",
        above=0,
        below=1,
    )


@dataclass(frozen=True)
class Model:
    """The network and its loss."""

    architecture: str = _key(
        "convolutional",
        f"network: {', '.join(architectures())}, or a function of your own, such as my_vae.py:build; its own "
        "options, such as channels, are keys beside it",
    )
    likelihood: Literal["bernoulli", "continuous_bernoulli", "gaussian"] = _key(
        "bernoulli", "what the output means: logits of values between 0 and 1, or means"
    )
    variance: float | None = _key(None, "variance of a gaussian likelihood; learnt by default", above=0)
    beta: float = _key(1.0, "weight of the KL divergence in the loss", minimum=0)
    latent: Literal["sample", "mean"] = _key(
        "sample", "what bottleneck and decoder are measured on, the sampled z or its mean"
    )


@dataclass(frozen=True)
class Training:
    """How every network is trained."""

    epochs: int = _key(200, "passes over the training set", minimum=1)
    checkpoints: tuple[int, ...] = _key(
        (0, 1, 2, 5, 10, 20, 50, 100, 150, 200),
        "epochs after which the network is kept and measured; 0 is the untrained network",
        minimum=0,
        common=True,
    )
    batch_size: int = _key(256, "size of a batch", unit="inputs", minimum=2)
    learning_rate: float = _key(1e-3, "learning rate of Adam", above=0)
    weight_decay: float = _key(
        1e-4, "weight decay of Adam; it joins the gradient of the loss summed over the batch", minimum=0
    )
    validation_fraction: float = _key(0.2, "part of the training set held back for validation", above=0, below=1)
    images: int | None = _key(
        None, "train and validate on so many, drawn once per data set; by default all", unit="inputs", minimum=3
    )
    threads: int = _key(
        2,
        "CPU threads of one training; another number changes the last digits of the weights",
        minimum=1,
        maximum=THREADS,
    )
    precision: Literal["float32", "bfloat16"] = _key(
        "float32",
        "precision of the network's products; on a GPU, float32 means TF32. Weights, loss and Adam are float32 in both",
    )
    compile: bool = _key(False, "compile with torch.compile, which needs a C++ compiler, on a GPU Triton")
    deterministic: bool = _key(
        True, "make GPU trainings reproducible byte for byte, at some cost in time; CPU trainings always are"
    )
    resume_minutes: float = _key(
        1.0,
        "how often to save what a killed training resumes from; also saved at SIGTERM",
        unit="minutes",
        above=0,
        decides=False,
    )


@dataclass(frozen=True)
class Geometry:
    """How ID and II are measured."""

    points: int = _key(5000, "test inputs, the first N", unit="inputs", minimum=10)
    scales: int | None = _key(
        None,
        "also measure the ID against scale (Gride), up to this many neighbours, a power of two; off by default",
        unit="neighbours",
        minimum=2,
        power_of_two=True,
        common=True,
    )
    threads: int = _key(
        2,
        "CPU threads; 1 is better where there are few points",
        minimum=1,
        maximum=THREADS,
        decides=False,
        common=True,  # a dump that needs fewer threads than a measurement would run before it, and dumps pile up
    )
    verify: bool = _key(
        True,
        "also measure one trained checkpoint per data set with DADApy, and stop if the two disagree",
        decides=False,
    )


@dataclass(frozen=True)
class Fidelity:
    """How reconstructions are judged, test ELBO and Frechet distance."""

    points: int = _key(
        5000,
        "test inputs, the first N; at most geometry.points; reduced to a data set's own geometry.points if that is "
        "smaller",
        unit="inputs",
        minimum=10,
    )
    extractor: Literal["inception", "efficientnet_lite0", "none"] = _key(
        "inception", "network of the features for the Frechet distance; inception makes it the FID, none leaves it out"
    )
    weights: str | None = _key(
        None,
        f"file of Inception's weights, or a folder to download it into; by default {RESOURCES['downloads']}",
        decides=False,
    )


@dataclass(frozen=True)
class Sweep:
    """The config of a sweep."""

    datasets: dict[str, DataSet] = field(default_factory=lambda: {name: DataSet(name) for name in ("cifar10", "mnist")})
    bottlenecks: tuple[int, ...] = _key((2, 4, 8, 16, 32, 64, 128), "sizes K of the latent space", minimum=1)
    seeds: tuple[int, ...] = _key((0, 1, 2), "seeds; each is one training per data set, kind of noise and K", minimum=0)
    noise: tuple[str, ...] = _key(
        ("repeated", "fresh"),
        "whether batches and latent noise repeat in every epoch, as in the paper's scripts, or are fresh; "
        "repeated_batches and repeated_eps repeat only one of the two (docs/explanation/noise.md)",
        choices=NOISES,
    )
    model: Model = field(default_factory=Model)
    training: Training = field(default_factory=Training)
    geometry: Geometry = field(default_factory=Geometry)
    fidelity: Fidelity = field(default_factory=Fidelity)
    keep_activations: bool = _key(False, "keep every activation dump, more than a gigabyte a checkpoint at full width")
    device: Literal["auto", "cpu", "cuda"] = _key(
        "auto", "where to compute; auto takes a GPU where there is one, cuda fails where there is none", decides=False
    )


SECTIONS: dict[str, Any] = {"model": Model, "training": Training, "geometry": Geometry, "fidelity": Fidelity}

CONFIG: dict[str, Option] = {
    option.key: option for name, section in {"": Sweep, **SECTIONS}.items() for option in options_of(section, name)
}  # by key, such as training.epochs

OF_DATASETS = ("model", "training", "geometry")  # sections that the entry of a data set may hold too


def settings(config: Mapping[str, Any], dataset: str) -> dict[str, dict[str, Any]]:
    """Sections of the config for one data set: a key of its entry stands before that of the config's own section.

    Options of an architecture go with it: an entry with another one takes none over. A data set with ``points`` of its
    own has its fidelity measured on no more than those.

    Parameters
    ----------
    config : mapping
        Of the sweep, with its defaults filled in, but those of the entries' sections.
    dataset : str
        Name of an entry of ``datasets``.
    """
    entry = config["datasets"][dataset]
    own: dict[str, dict[str, Any]] = {name: entry.get(name, {}) for name in SECTIONS}
    merged = {name: {**config[name], **own[name]} for name in SECTIONS}
    if merged["model"]["architecture"] != config["model"]["architecture"]:
        shared = {name: value for name, value in config["model"].items() if f"model.{name}" in CONFIG}
        merged["model"] = {**shared, **own["model"]}
    if "points" in own["geometry"]:
        merged["fidelity"]["points"] = min(config["fidelity"]["points"], own["geometry"]["points"])
    return merged
