"""Checkpoints: a network's weights as safetensors, and in the metadata which network, run and epoch it is."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from vae_geometry import NOISES, VaeGeometryError
from vae_geometry.files import atomic_file, require_regular
from vae_geometry.networks import build, signatures
from vae_geometry.networks.layers import Network
from vae_geometry.networks.likelihoods import LIKELIHOODS

NO_CHECKPOINT = "{path}: not a checkpoint of this package ({reason}); name another, or remove it to make it again"


def save_checkpoint(path: Path, model: nn.Module, config: dict) -> None:
    """Write weights and buffers as safetensors, atomically, with ``config`` in the metadata.

    Parameters
    ----------
    path : Path
    model : nn.Module
    config : dict
        What ``load_checkpoint`` needs to build the model (``architecture``, ``shape``, ``bottleneck``, the
        architecture's ``options``, ``likelihood`` and ``variance``), and which run and epoch it is.
    """
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    content = safetensors.torch.save(tensors, metadata={"config": json.dumps(config, sort_keys=True)})
    with atomic_file(path) as unfinished:
        unfinished.write_bytes(content)


def read_config(path: Path) -> dict:
    """Read what a checkpoint says of itself: architecture, run and epoch.

    Raises
    ------
    VaeGeometryError
        If the file is absent or no checkpoint of this package.
    """
    try:
        require_regular(path)
        with safetensors.safe_open(path, framework="pt") as file:
            text = (file.metadata() or {}).get("config", "null")
        config = json.loads(text)
        reason = "its metadata hold no config" if config is None else _config_problem(config)
    except FileNotFoundError:
        raise VaeGeometryError(f"{path}: no such checkpoint; train it first") from None
    except (safetensors.SafetensorError, OSError, ValueError, RecursionError) as error:
        reason = str(error).splitlines()[0]
    if reason:
        raise VaeGeometryError(NO_CHECKPOINT.format(path=path, reason=reason))
    return config


def _config_problem(config: dict) -> str | None:
    def is_count(value: object, least: int = 1) -> bool:
        return type(value) is int and value >= least

    if not isinstance(config, dict):
        return "its config is not a mapping"
    shape = config.get("shape")
    is_good = {
        "architecture": isinstance(config.get("architecture"), str),
        "shape": isinstance(shape, list) and len(shape) > 0 and all(map(is_count, shape)),
        "options": isinstance(config.get("options"), dict),
        "likelihood": config.get("likelihood") in LIKELIHOODS,
        "variance": config.get("variance") is None or isinstance(config["variance"], float | int),
        "bottleneck": is_count(config.get("bottleneck")),
        "dataset": isinstance(config.get("dataset"), str) and config["dataset"].isprintable(),
        "noise": config.get("noise") in NOISES,
        "seed": is_count(config.get("seed"), 0),
        "epoch": is_count(config.get("epoch"), 0),
    }
    return next(
        (f"its config has an invalid {key}: {config.get(key)}" for key, good in is_good.items() if not good), None
    )


def load_checkpoint(
    path: Path, device: torch.device | str = "cpu", architecture: str | None = None
) -> tuple[Network, dict[str, Any]]:
    """Read a checkpoint.

    Parameters
    ----------
    path : Path
    device : torch.device or str
    architecture : str or None
        Of the user's own, ``my_vae.py:build``: no checkpoint decides by itself which code is run.

    Returns
    -------
    model : Network
        On ``device``, in eval mode.
    config : dict
        As it was given to ``save_checkpoint``.

    Raises
    ------
    VaeGeometryError
        If the file is absent or no checkpoint of this package, or its tensors are not those of the network that its
        config describes or hold NaN or infinity; if it is of an architecture of the user's own that is not named, or
        whose code has changed.
    """
    config = read_config(path)
    name = _architecture(path, config, architecture)
    try:
        model = _empty(name, config)
        tensors = safetensors.torch.load_file(path)
    except (VaeGeometryError, safetensors.SafetensorError, RuntimeError) as error:
        raise VaeGeometryError(NO_CHECKPOINT.format(path=path, reason=str(error).splitlines()[0])) from None
    expected = model.state_dict()
    for name in [*expected, *(tensors.keys() - expected.keys())]:
        found, wanted = (_shape(part.get(name)) for part in (tensors, expected))
        if found != wanted:
            reason = f"its config describes tensor {name} as {wanted}, it holds {found}"
            raise VaeGeometryError(NO_CHECKPOINT.format(path=path, reason=reason))
    if bad := sorted(name for name, tensor in tensors.items() if not tensor.isfinite().all()):
        described = f"{len(bad)} of {len(tensors)} tensors hold NaN or infinity, for example {bad[0]}"
        raise VaeGeometryError(f"{path}: {described}; name another, or remove it to make it again")
    model.load_state_dict(tensors, assign=True)
    return model.to(device).eval(), config


def _architecture(path: Path, config: dict, named: str | None) -> str:
    """Name of the architecture to build: that of the checkpoint, which for the user's own must be the one named."""
    made_by, sha256 = config["architecture"], config.get("architecture_sha256")
    if ":" not in made_by:
        return made_by
    if named is None or signatures.architecture(named).label != made_by:
        raise VaeGeometryError(
            f"{path}: is a network of {made_by}; pass --architecture {made_by} to allow its code to run"
        )
    if signatures.architecture(named).sha256 != sha256:
        raise VaeGeometryError(
            f"{path}: {named} has changed since this network was made; train it again, or undo the change"
        )
    return named


def _empty(name: str, config: dict) -> Network:
    """The network that a config describes, without weights of its own where its code is known not to compute any."""
    arguments = (
        tuple(config["shape"]),
        config["bottleneck"],
        config["options"],
        config["likelihood"],
        config["variance"],
    )
    if ":" in name:  # it may keep tensors outside its state, which a device without memory would lose
        with torch.random.fork_rng(devices=[]):
            return build(name, *arguments)
    with torch.device("meta"):  # its shapes, without memory for them
        return build(name, *arguments)


def check_shape(path: Path, config: dict, shape: tuple[int, ...]) -> None:
    """Check that a network takes inputs of a shape, (C, H, W) or (D,).

    Raises
    ------
    VaeGeometryError
        If it takes others.
    """
    if list(shape) != config["shape"]:
        wanted, found = ("x".join(map(str, sizes)) for sizes in (config["shape"], shape))
        raise VaeGeometryError(
            f"{path}: the network takes inputs of {wanted}, the data set has {found}; name a network for these data"
        )


def check_comparable(paths: Sequence[Path]) -> None:
    """Check that networks differ in K alone: one per K, of one data set, kind of noise, seed and epoch.

    Raises
    ------
    VaeGeometryError
        If two have the same K, or differ in something else.
    """
    first, *others = configs = [read_config(path) for path in paths]
    for path, config in zip(paths[1:], others, strict=True):
        for name in ("dataset", "noise", "seed", "epoch"):
            if config[name] != first[name]:
                is_other = f"is of {name} {config[name]}, {paths[0]} of {name} {first[name]}"
                raise VaeGeometryError(f"{path}: {is_other}; give networks that differ in K alone")
    owners: dict[int, Path] = {}
    for path, config in zip(paths, configs, strict=True):
        if config["bottleneck"] in owners:
            same = f"is of K = {config['bottleneck']}, as is {owners[config['bottleneck']]}"
            raise VaeGeometryError(f"{path}: {same}; give one network per K")
        owners[config["bottleneck"]] = path


def _shape(tensor: Tensor | None) -> str:
    return "absent" if tensor is None else f"{str(tensor.dtype).removeprefix('torch.')} {tuple(tensor.shape)}"


def describe(path: Path, architecture: str | None = None) -> str:
    """What a checkpoint says of itself, and the shapes of its tensors, a line each.

    Raises
    ------
    VaeGeometryError
        As ``load_checkpoint``.
    """
    model, config = load_checkpoint(path, architecture=architecture)
    lines = [f"{name}: {value}" for name, value in flat(config).items()]
    lines.append(f"parameters: {sum(parameter.numel() for parameter in model.parameters()):,}")
    lines += [f"  {name}: {tuple(tensor.shape)}" for name, tensor in model.state_dict().items()]
    return "\n".join(lines)


def flat(tree: dict[str, Any], prefix: str = "") -> dict[str, object]:
    """A nested dict as one of names with dots."""
    leaves: dict[str, object] = {}
    for key, value in tree.items():
        leaves |= flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return leaves
