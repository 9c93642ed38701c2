"""Activations of the layers of any ``torch.nn.Module``, recorded by hooks; the module is left as it was."""

import difflib
import mmap
import warnings
import zlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import DataLoader, RandomSampler, SubsetRandomSampler, WeightedRandomSampler

from vae_geometry import VaeGeometryError
from vae_geometry.undisturbed import named_layers, undisturbed, within

ENDS = ("input", "output")  # of the whole module, unless it has layers of these names
Reduce = Callable[[Tensor], Tensor]


def record_activations(
    model: nn.Module,
    inputs: Tensor | DataLoader,
    layers: Sequence[str] | None = None,
    batch_size: int = 256,
    reduce: Reduce | None = None,
) -> dict[str, NDArray[np.float32]]:
    """Run a module on some inputs, in eval mode and without gradients, and record what its layers give out.

    Mode, device, gradients and the random states of Python, NumPy, and torch on the CPU and on CUDA are restored,
    even if an exception ends the run. Random numbers drawn during the run use the same seed every time.

    Parameters
    ----------
    model : nn.Module
        A compiled module runs uncompiled. For ``DataParallel`` and ``DistributedDataParallel``, the wrapped module
        runs, in this process only.
    inputs : (N, ...) tensor, or DataLoader
        Moved to the device of the first parameter, a batch at a time. Of a batch that is a tuple or a list the first
        element is the input; a mapping is passed as keyword arguments.
    layers : sequence of str
        As ``model.named_modules()`` calls them; ``input`` and ``output`` are those of the whole module, unless it has
        layers of these names.
    batch_size : int
        Of a tensor; a DataLoader has its own.
    reduce : callable, optional
        Applied to the output of each layer, (n, ...), before it is flattened: the mean over tokens, for example.

    Returns
    -------
    dict of str to (N, D) float32 array
        In the order of ``layers``. A layer that outputs a tuple or a mapping contributes its first tensor, with a
        warning.

    Raises
    ------
    VaeGeometryError
        If ``model`` is not a module; if ``layers`` is None or names a layer that the module lacks, with the names to
        choose from; if a layer does not run, runs more than once in a forward pass, or outputs no tensor with the
        points on its first axis; if the inputs come in random order, or are neither a tensor nor a DataLoader of known
        length.
    """
    if batch_size < 1:
        raise VaeGeometryError(f"batch_size: {batch_size} is too small; give a whole number of at least 1")
    return record(model, inputs, resolve_layers(model, layers), batch_size, reduce).activations


class Recording(NamedTuple):
    """What layers gave out.

    Attributes
    ----------
    activations : dict of str to (N, D) float32 array
    checksum : int
        Of the inputs: that of others differs.
    """

    activations: dict[str, NDArray[np.float32]]
    checksum: int


def resolve_layers(model: nn.Module, layers: Sequence[str] | None) -> list[str]:
    """The names of the layers, checked; see ``record_activations``."""
    if not isinstance(model, nn.Module):
        raise VaeGeometryError(f"model: is a {type(model).__name__}, not a torch.nn.Module; pass the network itself")
    modules = named_layers(model)
    choices = ", ".join(dict.fromkeys([*modules, *ENDS]))
    if layers is None:
        raise VaeGeometryError(f"layers: name those to record, of {choices}")
    if isinstance(layers, str) or not layers:
        raise VaeGeometryError(
            f"layers: is {layers!r}, not a list of names such as [{next(iter(modules), 'output')!r}]"
        )
    for name in layers:
        if name not in modules and name not in ENDS:
            near = difflib.get_close_matches(str(name), modules, 1)
            advice = f"did you mean {near[0]}?" if near else f"it has {choices}"
            raise VaeGeometryError(f"layers: the model has no layer {name}; {advice}")
    return list(dict.fromkeys(layers))


def n_inputs(inputs: Tensor | DataLoader) -> int:
    """How many points inputs are, at most.

    Raises
    ------
    VaeGeometryError
        If they are in random order, or neither a tensor nor a DataLoader of known length.
    """
    if isinstance(inputs, Tensor):
        return len(inputs)
    if not isinstance(inputs, DataLoader):
        raise VaeGeometryError(f"inputs: is a {type(inputs).__name__}; pass a tensor (N, ...) or a DataLoader")
    samplers = (inputs.sampler, getattr(inputs.batch_sampler, "sampler", None))
    for sampler in samplers:
        is_random = isinstance(sampler, RandomSampler | SubsetRandomSampler | WeightedRandomSampler)
        if is_random or getattr(sampler, "shuffle", False) is True:
            raise VaeGeometryError(
                "inputs: the DataLoader shuffles, and every measurement needs the same points in the same order; "
                "pass one with shuffle=False"
            )
    try:
        return len(inputs.dataset)  # type: ignore[arg-type]  # what has no length raises
    except TypeError:
        raise VaeGeometryError(
            "inputs: the DataLoader's data set has no length; pass a tensor, or a DataLoader of a data set with one"
        ) from None


def record(
    model: nn.Module, inputs: Tensor | DataLoader, names: Sequence[str], batch_size: int, reduce: Reduce | None
) -> Recording:
    """As ``record_activations``, of layers whose names are resolved."""
    modules, device, checksum = named_layers(model), _device(model), 0
    recorder = _Recorder(n_inputs(inputs), reduce)
    handles = [
        modules[name].register_forward_hook(lambda _module, _inputs, output, name=name: recorder.keep(name, output))
        for name in names
        if name in modules
    ]
    try:
        with undisturbed(model, inputs):
            for batch in inputs.split(batch_size) if isinstance(inputs, Tensor) else inputs:
                first = _first_tensor(batch)
                if first is None or first.ndim < 1:
                    raise VaeGeometryError("inputs: a batch holds no tensor (n, ...); pass batches of tensors")
                checksum = zlib.crc32(_bytes(first), checksum)
                recorder.begin(len(first))
                arguments, keywords = _on_device(batch, device)
                output = within(model)(*arguments, **keywords)
                for name, value in zip(ENDS, (first, output), strict=True):
                    if name in names and name not in modules:
                        recorder.keep(name, value)
                recorder.end(names)
    finally:
        for handle in handles:
            handle.remove()
    return Recording({name: recorder.arrays[name][: recorder.stop] for name in names}, checksum)


class _Recorder:
    """Arrays that are filled batch by batch.

    A layer is copied as soon as it has run: what follows may work in place.
    """

    def __init__(self, n_points: int, reduce: Reduce | None) -> None:
        self.arrays: dict[str, NDArray[np.float32]] = {}
        self.start = self.stop = 0
        self._n_points, self._reduce = n_points, reduce
        self._calls: Counter[str] = Counter()

    def begin(self, n: int) -> None:
        """Begin a batch of n points."""
        self.start, self.stop = self.stop, self.stop + n
        if self.stop > self._n_points:
            raise VaeGeometryError(
                f"inputs: the DataLoader gives more points than the {self._n_points} of its data set; pass a plain one"
            )
        self._calls.clear()

    def keep(self, name: str, output: Any) -> None:
        """Copy what a layer gave out for the batch."""
        self._calls[name] += 1
        if self._calls[name] > 1:
            raise VaeGeometryError(f"layer {name} runs more than once in a forward pass; name one that runs once")
        tensor = output if isinstance(output, Tensor) else _first_tensor(output)
        if tensor is None:
            raise VaeGeometryError(f"layer {name} outputs a {type(output).__name__} without a tensor; name another")
        if tensor is not output:
            warnings.warn(f"layer {name} outputs a {type(output).__name__}; its first tensor is recorded", stacklevel=2)
        if self._reduce:
            tensor = self._reduce(tensor)
        n = self.stop - self.start
        if tensor.ndim < 1 or len(tensor) != n or tensor.is_complex():
            raise VaeGeometryError(
                f"layer {name} outputs {tensor.dtype} {tuple(tensor.shape)} for {n} points, not real numbers with "
                "the points on the first axis; name another layer, or pass reduce, a function that fixes this"
            )
        rows = tensor.reshape(n, -1)
        if name not in self.arrays:
            self.arrays[name] = _reserve(self._n_points, rows.shape[1])
        array = self.arrays[name]
        if rows.shape[1] != array.shape[1]:
            raise VaeGeometryError(
                f"layer {name} outputs {array.shape[1]} numbers per point in one batch and {rows.shape[1]} in another; "
                "pass reduce, a function that makes them equal"
            )
        torch.from_numpy(array)[self.start : self.stop].copy_(rows)

    def end(self, names: Sequence[str]) -> None:
        """End a batch, in which every layer must have run."""
        for name in names:
            if not self._calls[name]:
                raise VaeGeometryError(f"layer {name} did not run in the forward pass; name layers that do")


def _reserve(n_points: int, n_dimensions: int) -> NDArray[np.float32]:
    """An array in pages of its own: the system has them back at once, where the heap may keep them for the process."""
    size = n_points * n_dimensions
    memory = mmap.mmap(-1, max(4 * size, 1), mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    return np.frombuffer(memory, np.float32, size).reshape(n_points, n_dimensions)


def _bytes(tensor: Tensor) -> bytes:
    array: NDArray[np.uint8] = tensor.detach().cpu().contiguous().view(torch.uint8).numpy()
    return array.tobytes()


def _device(model: nn.Module) -> torch.device:
    first = next(chain(model.parameters(), model.buffers()), None)
    return torch.device("cpu") if first is None else first.device


def _on_device(batch: Any, device: torch.device) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Positional and keyword arguments that a batch stands for."""
    if isinstance(batch, Mapping):
        return (), {key: value.to(device) if isinstance(value, Tensor) else value for key, value in batch.items()}
    first = batch[0] if isinstance(batch, tuple | list) and batch else batch
    return (first.to(device) if isinstance(first, Tensor) else first,), {}


def _first_tensor(values: Any) -> Tensor | None:
    """The first tensor of a tuple, a list or a mapping, at any depth."""
    if isinstance(values, Tensor):
        return values
    if isinstance(values, Mapping):
        values = values.values()
    elif not isinstance(values, tuple | list):
        return None
    return next((found for value in values if (found := _first_tensor(value)) is not None), None)
