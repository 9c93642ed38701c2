"""Random generators: one for each use of random numbers, so that no use moves another's numbers."""

import hashlib

import numpy as np
import torch

STREAMS = ("weights", "batches", "latent noise", "validation", "measurement", "samples", "memory")


def generator(config: dict, stream: str, epoch: int = 0) -> torch.Generator:
    """Random generator of one of the ``STREAMS`` of a run.

    It depends on data set, K and seed, not on the kind of noise: the kinds are paired. It draws on the
    CPU, so that every device sees the same numbers.

    Parameters
    ----------
    config : dict
        ``dataset``, ``bottleneck`` and ``seed`` of the run.
    stream : str
    epoch : int
        For streams that draw again in every epoch.
    """
    dataset = int.from_bytes(hashlib.sha256(config["dataset"].encode()).digest()[:8], "big")
    entropy = (config["seed"], config["bottleneck"], dataset, STREAMS.index(stream), epoch)
    state = np.random.SeedSequence(entropy).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(state >> np.uint64(1)))
