"""A network of the user's own: a module with ``encode`` and ``decode``, built by a function in a file or a package."""

import importlib
import importlib.util
import sys
from types import ModuleType
from typing import Any

from torch import Tensor, nn

from vae_geometry import VaeGeometryError
from vae_geometry.files import reason
from vae_geometry.networks.layers import Network
from vae_geometry.networks.signatures import Architecture

WITHOUT_CONTENT = (nn.Flatten, nn.Unflatten, nn.Identity)  # their output is their input


class OwnNetwork(Network):
    """A user's module, with what every network provides.

    Parameters
    ----------
    module : nn.Module
        With ``encode(x) -> (mean, log_variance)``, each (n, K); ``decode(z) -> tensor`` of the shape of x; and, where
        its layers are not the children of ``encoder`` and ``decoder``, a dict ``layers``.
    """

    module: Any

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def encode(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """As the user's module."""
        return self.module.encode(inputs)

    def decode(self, latent: Tensor) -> Tensor:
        """As the user's module."""
        return self.module.decode(latent)

    @property
    def layers(self) -> dict[str, nn.Module]:
        """The user's ``layers``; else the children of ``encoder`` and ``decoder`` but the last, which is the output."""
        layers = getattr(self.module, "layers", None)
        if layers is not None and not isinstance(layers, nn.Module):  # a ModuleList has this name in many networks
            return layers
        encoder, decoder = (_children(self.module, part) for part in ("encoder", "decoder"))
        return {**encoder, **dict([*decoder.items()][:-1])}


def _children(module: nn.Module, part: str) -> dict[str, nn.Module]:
    parent = getattr(module, part, None)
    if not isinstance(parent, nn.Module):
        return {}
    named = {f"{part}.{name}": child for name, child in parent.named_children()} or {part: parent}
    return {name: child for name, child in named.items() if not isinstance(child, WITHOUT_CONTENT)}


def build(found: Architecture, shape: tuple[int, ...], bottleneck: int, options: dict[str, Any]) -> OwnNetwork:
    """Run the user's function.

    Raises
    ------
    VaeGeometryError
        If its file or function raises an exception, or gives no module with ``encode`` and ``decode``.
    """
    function = getattr(_load(found), found.function)
    try:
        module = function(tuple(shape), bottleneck, **options)
    except VaeGeometryError:
        raise
    except (Exception, SystemExit) as error:  # whatever the user's code raises
        called = f"{found.function}({tuple(shape)}, {bottleneck})"
        raise VaeGeometryError(
            f"{found.name}: {called} fails ({type(error).__name__}: {reason(error)}); fix it"
        ) from None
    if not isinstance(module, nn.Module):
        raise VaeGeometryError(
            f"{found.name}: gives a {type(module).__name__}, not a torch.nn.Module; return the network"
        )
    for method in ("encode", "decode"):
        if not callable(getattr(module, method, None)):
            raise VaeGeometryError(f"{found.name}: {type(module).__name__} has no method {method}; write one")
    return OwnNetwork(module)


def _load(found: Architecture) -> ModuleType:
    try:
        if ".py:" not in found.name:
            return importlib.import_module(found.name.rpartition(":")[0])
        spec = importlib.util.spec_from_file_location(f"vae_geometry_own_{found.source.stem}", found.source)
        assert spec is not None  # the name ends in .py
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.path.insert(0, str(found.source.parent.resolve()))  # for what it imports from beside it
        try:
            spec.loader.exec_module(module)
        finally:
            sys.path.pop(0)
        return module
    except (Exception, SystemExit) as error:  # whatever the user's code raises
        described = f"{type(error).__name__}: {reason(error)}"
        raise VaeGeometryError(f"{found.source}: cannot be imported ({described}); fix it") from None
