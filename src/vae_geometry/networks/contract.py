"""What a network must do before it is trained, tried on two inputs."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from vae_geometry import VaeGeometryError
from vae_geometry.files import reason
from vae_geometry.networks.layers import Network, pass_through, recording

RESERVED = ("input", "bottleneck", "output")  # names of the layers that every network has
N_INPUTS = 2
FAR = 100.0  # from the origin, in standard deviations of the prior: no logits stay between 0 and 1 there
MANY = 16  # values, too many to lie there by chance


@torch.no_grad()
def check_contract(name: str, model: Network, shape: tuple[int, ...], bottleneck: int) -> None:
    """Run an untrained network on two inputs, and check its outputs.

    Parameters
    ----------
    name : str
        Of the architecture.
    model : Network
    shape : tuple of int
        Of one input.
    bottleneck : int
        Size K of the latent space.

    Raises
    ------
    VaeGeometryError
        If ``encode`` or ``decode`` raise an exception or give tensors of another shape or values that are not numbers;
        if ``decode`` gives probabilities where the likelihood takes logits; if ``layers`` is not a dict of different
        modules, or one of them does not run or gives no tensor.
    """
    was_training = model.training
    with torch.random.fork_rng(devices=[]):
        inputs = torch.rand(N_INPUTS, *shape)
        try:
            _check(name, model.eval(), inputs, (N_INPUTS, bottleneck))
        finally:
            model.train(was_training)


def _check(name: str, model: Network, inputs: Tensor, latent_shape: tuple[int, int]) -> None:
    layers = _layers(name, model)
    with recording(layers) as outputs:
        latent = _run(name, "encode", model.encode, inputs)
        if not isinstance(latent, tuple) or len(latent) != 2:
            raise VaeGeometryError(
                f"{name}: encode gives {_described(latent)}, not the pair (mean, log_variance); return it"
            )
        for what, tensor in zip(("mean", "log_variance"), latent, strict=True):
            _check_tensor(f"{name}: encode: {what}", tensor, latent_shape)
        output = _run(name, "decode", model.decode, latent[0])
        _check_tensor(f"{name}: decode", output, tuple(inputs.shape))
        _check_logits(name, model, latent[0])
    for layer in layers:
        if layer not in outputs:
            raise VaeGeometryError(f"{name}: layer {layer} does not run in encode or decode; take it out of layers")
        output = outputs[layer]
        if not isinstance(output, Tensor) or output.ndim < 2 or len(output) != len(inputs):
            raise VaeGeometryError(
                f"{name}: layer {layer} gives {_described(output)}, not a tensor with a row for each input; "
                "take it out of layers"
            )


def _check_logits(name: str, model: Network, latent: Tensor) -> None:
    """Stop on a decoder that ends in a sigmoid where the likelihood takes logits and applies it again."""
    outputs = torch.stack([model.decode(sign * FAR * torch.ones_like(latent)) for sign in (-1, 1)])
    if model.likelihood.needs_unit_interval and outputs.min() >= 0 and outputs.max() <= 1 and outputs.numel() >= MANY:
        raise VaeGeometryError(
            f"{name}: decode gives values between 0 and 1 only, even far from the origin; return the logits, as the "
            "likelihood applies the sigmoid"
        )


def _layers(name: str, model: Network) -> dict[str, nn.Module]:
    layers = model.layers
    if not isinstance(layers, dict) or not all(isinstance(module, nn.Module) for module in layers.values()):
        raise VaeGeometryError(f"{name}: layers is {_described(layers)}, not a dict of names and modules; correct it")
    if not layers:
        raise VaeGeometryError(f"{name}: has no layers to measure; give it encoder and decoder, or a dict layers")
    if taken := [layer for layer in layers if layer in RESERVED or not isinstance(layer, str)]:
        raise VaeGeometryError(f"{name}: a layer is called {taken[0]!r}, which is reserved; rename it")
    names: dict[int, str] = {}
    for layer, module in layers.items():
        if other := names.get(id(module)):
            raise VaeGeometryError(f"{name}: layers {other} and {layer} are the same module; name it once")
        names[id(module)] = layer
    return layers


def _run(name: str, method: str, function: object, argument: Tensor) -> object:
    try:
        return function(argument)  # type: ignore[operator]
    except (Exception, SystemExit) as error:  # whatever the user's code raises
        described = f"{type(error).__name__}: {reason(error)}"
        raise VaeGeometryError(f"{name}: {method} fails on {tuple(argument.shape)} ({described}); fix it") from None


def _check_tensor(what: str, tensor: object, shape: tuple[int, ...]) -> None:
    if not isinstance(tensor, Tensor) or tuple(tensor.shape) != shape:
        raise VaeGeometryError(f"{what} is {_described(tensor)}, not a tensor {shape}; correct it")
    if not tensor.isfinite().all():
        raise VaeGeometryError(f"{what} holds NaN or infinity in the untrained network; correct its weights")


def _described(value: object) -> str:
    if isinstance(value, Tensor):
        return f"a tensor {tuple(value.shape)}"
    if isinstance(value, tuple | list | dict):
        return f"a {type(value).__name__} of {len(value)}"
    return f"a {type(value).__name__}" if value is not None else "None"


class CountedProducts(TorchFunctionMode):
    """Counts the floating-point operations of linear layers, convolutions and products of matrices.

    torch's own FlopCounterMode counts those inside of other operations too, and imports the compiler for it: seconds.
    """

    flops = 0

    def __torch_function__(
        self, function: Callable, types: Any, args: tuple = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run a function of torch and count what it multiplies and adds."""
        output = function(*args, **(kwargs or {}))
        if function in (functional.linear, torch.matmul, Tensor.matmul, Tensor.__matmul__, torch.bmm):
            self.flops += 2 * output.numel() * args[0].shape[-1]
        elif function in (functional.conv1d, functional.conv2d, functional.conv3d):
            self.flops += 2 * output.numel() * args[1][0].numel()
        elif function in (functional.conv_transpose1d, functional.conv_transpose2d, functional.conv_transpose3d):
            self.flops += 2 * args[0].numel() * args[1][0].numel()
        return output


@torch.no_grad()
def layer_sizes(model: Network, shape: tuple[int, ...]) -> dict[str, int]:
    """What memory and time of all stages grow with.

    Returns
    -------
    dict
        ``parameters``; ``widest`` and ``all`` layers, in values per input; ``flops`` of one input, forwards.
    """
    was_training = model.training
    generator = torch.Generator().manual_seed(0)
    with CountedProducts() as counter:
        passed = pass_through(model.eval(), torch.rand(1, *shape, generator=generator), generator, "sample")
    model.train(was_training)
    sizes = [output.numel() for output in passed.activations.values()]
    n_parameters = sum(parameter.numel() for parameter in model.parameters())
    return {"parameters": n_parameters, "widest": max(sizes), "all": sum(sizes), "flops": counter.flops}
