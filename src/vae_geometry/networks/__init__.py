"""The networks: one module an architecture, and beside them their layers, likelihoods and checkpoints."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from vae_geometry.networks.signatures import architecture, check_options

if TYPE_CHECKING:
    from vae_geometry.networks.layers import Network


def build(name: str, shape: tuple[int, ...], bottleneck: int, **options: Any) -> "Network":
    """Build a network.

    Parameters
    ----------
    name : str
        Of an architecture of this package (``signatures.architectures``), or ``my_vae.py:build`` or
        ``package.module:function`` for one of the user's own.
    shape : tuple of int
        Of one input: (D,) or (C, H, W).
    bottleneck : int
        Size K of the latent space.
    **options
        What the architecture's own function takes besides.

    Returns
    -------
    Network

    Raises
    ------
    VaeGeometryError
        If there is no such architecture, it takes no such shape or options, or its code fails.
    """
    found = architecture(name)
    check_options(found, options)
    if found.is_ours:
        return import_module(f"{__name__}.{name}").build(shape, bottleneck, **options)
    from vae_geometry.networks import own

    return own.build(found, shape, bottleneck, options)
