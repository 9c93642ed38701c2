"""The networks: one module an architecture, and beside them their layers, likelihoods and checkpoints."""

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from vae_geometry.networks.signatures import architecture, check_options

if TYPE_CHECKING:
    from vae_geometry.networks.layers import Network


def build(
    name: str,
    shape: tuple[int, ...],
    bottleneck: int,
    options: Mapping[str, Any] | None = None,
    likelihood: str = "bernoulli",
    variance: float | None = None,
) -> "Network":
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
    options : mapping
        What the architecture's own function takes besides.
    likelihood : {"bernoulli", "continuous_bernoulli", "gaussian"}
        What the output of the decoder means.
    variance : float or None
        Of ``gaussian``; None learns it.

    Returns
    -------
    Network

    Raises
    ------
    VaeGeometryError
        If there is no such architecture, it takes no such shape or options, or its code fails.
    """
    from vae_geometry.networks import likelihoods, own

    found, options = architecture(name), dict(options or {})
    check_options(found, options)
    if found.is_ours:
        network = import_module(f"{__name__}.{name}").build(shape, bottleneck, **options)
    else:
        network = own.build(found, shape, bottleneck, options)
    network.likelihood = likelihoods.likelihood(likelihood, variance)
    return network
