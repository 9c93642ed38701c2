"""What a stage is, and the options that several of them share."""

from collections.abc import Callable
from dataclasses import MISSING, dataclass, replace
from pathlib import Path
from typing import Any

from vae_geometry import NOISES
from vae_geometry.config import CONFIG
from vae_geometry.layout import RESOURCES
from vae_geometry.options import Option


@dataclass(frozen=True)
class Stage:
    """A subcommand.

    Attributes
    ----------
    name : str
        As on the command line.
    summary : str
    options : tuple of Option
    run : callable
        Takes the values of the options as attributes.
    """

    name: str
    summary: str
    options: tuple[Option, ...]
    run: Callable[[Any], None]


STAGES: dict[str, Stage] = {}


def stage(summary: str, *options: Option) -> Callable[[Callable[[Any], None]], Callable[[Any], None]]:
    """Make a subcommand of a function, which has its name."""

    def register(run: Callable[[Any], None]) -> Callable[[Any], None]:
        name = run.__name__.replace("_", "-")
        STAGES[name] = Stage(name, summary, options, run)
        return run

    return register


def path(name: str, description: str, default: object = MISSING, positional: bool = False) -> Option:
    """A file or folder; None as its default makes it optional."""
    kind = Path if default is not None else Path | None
    return Option(name, kind, default, description, positional=positional)


TRAIN_DATA = path("data", "train.npz of the data set")
TEST_DATA = path("data", "test.npz of the data set")
CHECKPOINT = path("checkpoint", "network (.safetensors)", positional=True)
NOISE = Option("noise", str, "fresh", "kind of latent noise", choices=NOISES)
POINTS, LATENT, BETA = CONFIG["geometry.points"], CONFIG["model.latent"], CONFIG["model.beta"]
ARCHITECTURE = CONFIG["model.architecture"]
FIDELITY_POINTS = CONFIG["fidelity.points"]
WEIGHTS = replace(
    CONFIG["fidelity.weights"],
    type=Path,
    default=Path(RESOURCES["downloads"]),
    description="file of Inception's weights, or a folder to keep them in",
)
MEMORY = Option("memory_mb", int, 4000, "memory of the process", unit="megabytes", minimum=1)
DEVICE, THREADS = CONFIG["device"], CONFIG["geometry.threads"]
SWEEP = (
    path("results", "results folder of the sweep", default=Path("results")),
    Option("dataset", tuple[str, ...], MISSING, "as named in the config"),
    Option("noise", tuple[str, ...], MISSING, "kinds of latent noise", choices=NOISES),
    Option("bottleneck", tuple[int, ...], MISSING, "sizes K of the bottleneck", minimum=1),
    Option("seed", tuple[int, ...], MISSING, "seeds of the runs", minimum=0),
    Option("epoch", tuple[int, ...], MISSING, "epochs of the checkpoints", minimum=0),
)
ONE_DATASET = tuple(replace(option, type=str) if option.name == "dataset" else option for option in SWEEP)
