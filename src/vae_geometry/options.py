"""Every option once: name, type, default, unit, description and limits.

The keys of the config are the fields of ``Sweep`` and its sections; the command line, the schema of the config and the
rules' options are made from them. Only the standard library is imported, as the workflow reads this module too.
"""

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from math import isfinite
from types import UnionType
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from vae_geometry import NOISES
from vae_geometry.data.sources import LARGEST, SOURCES
from vae_geometry.layout import RESOURCES
from vae_geometry.networks.signatures import architectures

Section = TypeVar("Section")
SIDE = {"type": "integer", "minimum": 1, "maximum": LARGEST}  # pixels
INT32 = 2**31 - 1  # the largest whole number that the tables hold
THREADS = 1024  # more than a node has; OpenMP ends the process where it cannot start as many as it is told


@dataclass(frozen=True)
class Option:
    """A key of the config, an option of the command line, or both.

    Attributes
    ----------
    name : str
        As in the config; the command line has hyphens in place of underscores.
    type : type
        int, float, bool, str, Path, a Literal, a tuple of one of them, or one of them or None.
    default : object
        ``MISSING`` where it must be given.
    description : str
    unit : str
        Empty where there is none.
    minimum, maximum, above, below : float or None
        Limits: the least and the largest value, one that it must exceed, one that it must stay below.
    length : int or None
        Of a tuple.
    power_of_two : bool
    choices : tuple of str
        Where the type cannot name them.
    decides : bool
        Whether results depend on it: a change makes them again.
    section : str
        Of the config: empty at its top, None where the config has no such key.
    positional : bool
        On the command line.
    alone : object
        Value on the command line where it stands without one; None where it needs one.
    schema : mapping or None
        JSON schema of its values in the config, where its type cannot tell.
    """

    name: str
    type: Any
    default: Any
    description: str
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    above: float | None = None
    below: float | None = None
    length: int | None = None
    power_of_two: bool = False
    choices: tuple[str, ...] = ()
    decides: bool = True
    section: str | None = None
    positional: bool = False
    alone: object = None
    schema: Mapping[str, Any] | None = None

    @property
    def key(self) -> str:
        """Name in the config, with its section."""
        return f"{self.section}.{self.name}" if self.section else self.name

    @property
    def is_list(self) -> bool:
        """Whether it takes several values."""
        return get_origin(_without_none(self.type)) is tuple

    @property
    def value_type(self) -> Any:
        """Type of a single value: int, float, bool, str, Path or a Literal."""
        kind = _without_none(self.type)
        return get_args(kind)[0] if self.is_list else kind

    @property
    def largest(self) -> float | None:
        """The largest value; of whole numbers the largest that a table holds, where no other is set."""
        return INT32 if self.maximum is None and self.value_type is int else self.maximum

    @property
    def allowed(self) -> tuple[str, ...]:
        """The values that it takes, where they can be named."""
        return self.choices or (get_args(self.value_type) if get_origin(self.value_type) is Literal else ())

    def problem(self, value: float) -> str | None:
        """What is wrong with a number, or None."""
        if not isfinite(value):
            return f"{value} is not a number"
        if self.minimum is not None and value < self.minimum:
            return f"{value} is less than {self.minimum}"
        if self.largest is not None and value > self.largest:
            return f"{value} is more than {self.largest}"
        if self.above is not None and value <= self.above:
            return f"{value} is not more than {self.above}"
        if self.below is not None and value >= self.below:
            return f"{value} is not less than {self.below}"
        if self.power_of_two and int(value) & (int(value) - 1):
            return f"{value} is not a power of two such as 2, 4, ..., 64"
        return None

    @property
    def flag(self) -> str:
        """Name on the command line."""
        return f"--{self.name.replace('_', '-')}"


def _without_none(kind: Any) -> Any:
    """T of T | None, else the type as it is."""
    return next(part for part in get_args(kind) if part is not type(None)) if isinstance(kind, UnionType) else kind


def _key(default: object, description: str, **limits: Any) -> Any:
    """A field of a section of the config."""
    return field(default=default, metadata={"description": description, **limits})


@dataclass(frozen=True)
class DataSet:
    """A name of yours -> where its data come from."""

    source: str = _key(
        MISSING,
        "kind of the data set; all but imagefolder and digits are downloaded where they are absent",
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
    resize: Literal["stretch", "crop", "pad"] = _key(
        "stretch", "what becomes of images of another ratio of height and width"
    )
    scale: Literal["none", "standard", "minmax"] = _key(
        "none", "what becomes of the columns of arrays, fitted on the training part"
    )
    test_fraction: float | None = _key(
        None, "part to split off where there is no test part (imagefolder, arrays)", above=0, below=1
    )


@dataclass(frozen=True)
class Model:
    """The network and its loss."""

    architecture: str = _key(
        "convolutional",
        f"network: {', '.join(architectures())}, or a function of your own, my_vae.py:build; what it takes besides is "
        "written beside it, such as channels",
    )
    likelihood: Literal["bernoulli", "continuous_bernoulli", "gaussian"] = _key(
        "bernoulli", "what the output means: logits of values between 0 and 1, or means"
    )
    variance: float | None = _key(None, "of a gaussian likelihood; by default it is learnt", above=0)
    beta: float = _key(1.0, "weight of the KL divergence in the loss", minimum=0)
    latent: Literal["sample", "mean"] = _key(
        "sample", "what bottleneck and decoder are measured on, the sampled z or its mean"
    )


@dataclass(frozen=True)
class Training:
    """How every network is trained."""

    epochs: int = _key(200, "passes over the training images", minimum=1)
    checkpoints: tuple[int, ...] = _key(
        (0, 1, 2, 5, 10, 20, 50, 100, 150, 200),
        "epochs after which the network is kept and measured; 0 is the untrained network",
        minimum=0,
    )
    batch_size: int = _key(256, "size of a batch", unit="images", minimum=2)
    learning_rate: float = _key(1e-3, "learning rate of Adam", above=0)
    weight_decay: float = _key(
        1e-4, "weight decay of Adam; it joins the gradient of the loss summed over the batch", minimum=0
    )
    validation_fraction: float = _key(0.2, "part of the training images held back for validation", above=0, below=1)
    images: int | None = _key(
        None, "train and validate on so many, drawn once per data set; by default all", unit="images", minimum=3
    )
    threads: int = _key(
        2,
        "CPU threads of one training; another number changes the last digits of the weights",
        minimum=1,
        maximum=THREADS,
    )
    precision: Literal["float32", "bfloat16"] = _key(
        "float32", "of the network's products; on a GPU float32 is TF32. Weights, loss and Adam are float32 in both"
    )
    compile: bool = _key(False, "compile with torch.compile, which needs a C++ compiler, on a GPU Triton")
    deterministic: bool = _key(
        True, "the same bytes from the same config on a GPU too, where that costs time; a CPU always gives them"
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

    points: int = _key(5000, "test images, the first N", unit="images", minimum=10)
    scales: int | None = _key(
        None,
        "measure the ID against scale too (Gride), up to so many, a power of two; by default it is not",
        unit="neighbours",
        minimum=2,
        power_of_two=True,
    )
    threads: int = _key(
        2, "CPU threads; 1 is better where there are few points", minimum=1, maximum=THREADS, decides=False
    )
    verify: bool = _key(
        True,
        "have DADApy measure one trained checkpoint per data set too, and stop where it disagrees",
        decides=False,
    )


@dataclass(frozen=True)
class Fidelity:
    """How reconstructions are judged, test ELBO and Frechet distance."""

    points: int = _key(5000, "test images, the first N; at most geometry.points", unit="images", minimum=10)
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
    seeds: tuple[int, ...] = _key((0,), "seeds; each is one training per data set, kind of noise and K", minimum=0)
    noise: tuple[str, ...] = _key(
        ("repeated", "fresh"),
        "whether batches and latent noise repeat in every epoch, as in the paper's scripts, or are fresh; "
        "repeated_batches and repeated_eps repeat only one of the two (docs/noise.md)",
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


def options_of(section: Any, name: str | None) -> list[Option]:
    """Options of a section of the config, a dataclass; ``name`` is its key, empty for the top of the config."""
    types = get_type_hints(section)
    return [
        Option(name=key.name, type=types[key.name], default=key.default, section=name, **key.metadata)
        for key in fields(section)
        if "description" in key.metadata
    ]


CONFIG: dict[str, Option] = {
    option.key: option for name, section in {"": Sweep, **SECTIONS}.items() for option in options_of(section, name)
}  # by key, such as training.epochs


def section_of(section: type[Section], values: Mapping[str, Any]) -> Section:
    """A section filled with the values of its fields, for example those of the command line."""
    return section(**{key.name: values[key.name] for key in fields(section)})  # type: ignore[arg-type]


def arguments(options: Iterable[Option], config: Mapping[str, Any]) -> str:
    """Options of a stage as words of its command line: those that the config sets and the result depends on.

    Parameters
    ----------
    options : iterable of Option
        Of the stage.
    config : mapping
        Of the sweep, with its defaults filled in.
    """
    words: list[str] = []
    for option in options:
        if not option.section or not option.decides:
            continue
        value = config[option.section][option.name]
        if isinstance(value, bool):
            words.append(option.flag if value else option.flag.replace("--", "--no-", 1))
        elif value is not None:
            words += [option.flag, *map(str, value if option.is_list else [value])]
    return shlex.join(words)
