"""The untrained network of a run."""

from pathlib import Path

import torch

from vae_geometry import VaeGeometryError
from vae_geometry.networks import build
from vae_geometry.networks.checkpoints import read_config, save_checkpoint
from vae_geometry.training.random_streams import generator


def initialise(path: Path, config: dict, seed: int) -> None:
    """Write the untrained network: torch's default weights, drawn from the run's own generator.

    Parameters
    ----------
    path : Path
        Checkpoint to write.
    config : dict
        ``architecture``, ``shape``, ``bottleneck``, ``options`` and the names of the run.
    seed : int

    Raises
    ------
    VaeGeometryError
        If the architecture takes no such inputs or options, or the file is there and is no untrained network; if the
        name of the data set cannot be printed.
    """
    if not config["dataset"].isprintable():
        raise VaeGeometryError(f"dataset: {config['dataset']!a} cannot be printed; choose another name")
    if path.exists() and read_config(path)["epoch"] != 0:
        raise VaeGeometryError(f"{path}: is a trained network and is not replaced; name another, or move it away")
    config = {**config, "seed": seed, "epoch": 0}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(generator(config, "weights").initial_seed())
        model = build(config["architecture"], tuple(config["shape"]), config["bottleneck"], **config["options"])
    save_checkpoint(path, model, config)
