"""The untrained network of a run."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vae_geometry import VaeGeometryError
from vae_geometry.networks import build, signatures
from vae_geometry.networks.checkpoints import read_config, save_checkpoint
from vae_geometry.networks.contract import check_contract, layer_sizes
from vae_geometry.training.random_streams import generator


def initialise(path: Path, config: dict, seed: int, inputs: NDArray[Any]) -> None:
    """Write the untrained network: torch's default weights, drawn from the run's own generator.

    Parameters
    ----------
    path : Path
        Checkpoint to write.
    config : dict
        ``architecture``, ``bottleneck``, ``options``, ``likelihood``, ``variance`` and the names of the run.
    seed : int
    inputs : (N, ...) uint8 or float32 array
        All training inputs, which decide the shape.

    Raises
    ------
    VaeGeometryError
        If the architecture takes no such inputs or options or breaks the contract of ``check_contract``, or the file is
        there and is not an untrained network; if the name of the data set cannot be printed.
    """
    if not config["dataset"].isprintable():
        raise VaeGeometryError(f"dataset: {config['dataset']!a} cannot be printed; choose another name")
    if path.exists() and read_config(path)["epoch"] != 0:
        raise VaeGeometryError(f"{path}: is a trained network and is not replaced; name another, or move it away")
    config = {**config, "shape": list(inputs.shape[1:]), "seed": seed, "epoch": 0}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(generator(config, "weights").initial_seed())
        arguments = config["bottleneck"], config["options"], config["likelihood"], config["variance"]
        model = build(config["architecture"], tuple(config["shape"]), *arguments)
    if model.likelihood.needs_unit_interval and inputs.dtype != np.uint8 and (inputs.min() < 0 or inputs.max() > 1):
        held = f"the data set has {inputs.min():.3g} to {inputs.max():.3g}"
        raise VaeGeometryError(
            f"model.likelihood: {config['likelihood']} takes values between 0 and 1, {held}; "
            "take gaussian, or scale: minmax"
        )
    check_contract(config["architecture"], model, tuple(config["shape"]), config["bottleneck"])
    found = signatures.architecture(config["architecture"])
    if not found.is_ours:
        config |= {"architecture": found.label, "architecture_sha256": found.sha256}
    save_checkpoint(path, model, {**config, "sizes": layer_sizes(model, tuple(config["shape"]))})
