"""Intrinsic dimension and information imbalance of the layers of variational autoencoders, and of any network."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vae_geometry.measurement import Geometry, measure
    from vae_geometry.monitor import GeometryMonitor
    from vae_geometry.recording import record_activations
    from vae_geometry.saving import save_activations

__version__ = "0.2.0"  # the only place, from which pyproject.toml takes it; CITATION.cff repeats it

__all__ = ["Geometry", "GeometryMonitor", "VaeGeometryError", "measure", "record_activations", "save_activations"]

# What each epoch sees: batches and latent noise of its own, or both of the first epoch again, or only one of the two.
NOISES = ("fresh", "repeated", "repeated_batches", "repeated_eps")
# What people import, and its module, which is imported when it is used: every stage imports this package.
MODULES = {
    "Geometry": "measurement",
    "GeometryMonitor": "monitor",
    "measure": "measurement",
    "record_activations": "recording",
    "save_activations": "saving",
}


class VaeGeometryError(Exception):
    """A mistake that the user can fix; the message is one sentence: what is wrong, where, what to do.

    ``exit_status`` is that of the command line.
    """

    def __init__(self, message: str, exit_status: int = 1) -> None:
        super().__init__(message)
        self.exit_status = exit_status


def __getattr__(name: str) -> Any:
    if name not in MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *MODULES})
