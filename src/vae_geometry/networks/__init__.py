"""The networks: one module an architecture, and beside them their layers, likelihoods and checkpoints."""

from importlib import import_module
from inspect import signature
from pkgutil import iter_modules
from typing import TYPE_CHECKING

from vae_geometry import VaeGeometryError

if TYPE_CHECKING:
    from vae_geometry.networks.layers import Network

SHARED = ("activations", "checkpoints", "layers", "likelihoods")  # modules that are no architecture


def architectures() -> list[str]:
    """Names of the architectures: the modules of this folder but those of ``SHARED``; each has a function ``build``."""
    return sorted(module.name for module in iter_modules(__path__) if module.name not in SHARED)


def accepted(architecture: str, options: dict[str, object]) -> dict[str, object]:
    """Those of some options that the ``build`` of an architecture takes."""
    takes = signature(import_module(f"{__name__}.{architecture}").build).parameters
    return {name: value for name, value in options.items() if name in takes}


def build(architecture: str, shape: tuple[int, ...], bottleneck: int, **options: object) -> "Network":
    """Build a network.

    Parameters
    ----------
    architecture : str
        One of ``architectures()``.
    shape : tuple of int
        Of one input: (C, H, W).
    bottleneck : int
        Size K of the latent space.
    **options
        What the architecture's own ``build`` takes besides.

    Returns
    -------
    Network

    Raises
    ------
    VaeGeometryError
        If there is no such architecture, or it takes no such shape or options.
    """
    if architecture not in architectures():
        known = ", ".join(architectures())
        raise VaeGeometryError(f"no architecture is called {architecture}; the architectures are {known}")
    module = import_module(f"{__name__}.{architecture}")
    try:
        return module.build(shape, bottleneck, **options)
    except TypeError as error:
        raise VaeGeometryError(f"model: architecture {architecture}: {error}; correct its options") from None
