"""Running a module of someone's training so that the training does not notice."""

import random
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

SEED = 0  # of what a module or a data set draws: the same every time


@contextmanager
def undisturbed(model: nn.Module, inputs: Tensor | DataLoader) -> Iterator[None]:
    """Eval mode, no gradients, no compiled code, draws from a fixed seed; all as before when the block ends.

    Parameters
    ----------
    model : nn.Module
    inputs : tensor or DataLoader
        What it is run on; a DataLoader's own generator is left as it was too.
    """
    modes = {module: module.training for module in model.modules()}
    of_python, of_numpy = random.getstate(), np.random.get_state()  # noqa: NPY002  # what others draw from
    own = None if isinstance(inputs, Tensor) else inputs.generator  # a pass through a DataLoader draws from it
    of_own = None if own is None else own.get_state()
    cuda = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else []
    with torch.no_grad(), _uncompiled(), torch.random.fork_rng(cuda):
        torch.default_generator.manual_seed(SEED)  # torch.manual_seed would seed a CUDA that is not there yet
        if own is not None:
            own.manual_seed(SEED)
        if cuda:
            torch.cuda.manual_seed_all(SEED)
        random.seed(SEED)
        np.random.seed(SEED)  # noqa: NPY002
        for module in modes:
            module.training = False  # not eval(), which a module may define to do more
        try:
            yield
        finally:
            for module, mode in modes.items():
                module.training = mode
            if own is not None and of_own is not None:
                own.set_state(of_own)
            random.setstate(of_python)
            np.random.set_state(of_numpy)  # noqa: NPY002


def _uncompiled() -> AbstractContextManager[Any]:
    """Run the Python of compiled modules: compiled code calls no hooks that it did not know."""
    if "torch._dynamo" not in sys.modules:  # nothing is compiled, and importing it takes seconds
        return nullcontext()
    return torch.compiler.set_stance("force_eager")


def within(model: nn.Module) -> nn.Module:
    """The module that a compiled or parallel one wraps."""
    while isinstance(model, nn.DataParallel | nn.parallel.DistributedDataParallel) or hasattr(model, "_orig_mod"):
        model = cast(nn.Module, model._orig_mod if hasattr(model, "_orig_mod") else model.module)
    return model


def named_layers(model: nn.Module) -> dict[str, nn.Module]:
    """Layers by name; a module that has two names has both."""
    return {name: module for name, module in within(model).named_modules(remove_duplicate=False) if name}
