"""The batches of an epoch and their latent noise: what the kinds of noise repeat and what they draw again."""

import torch
from torch import Tensor

from vae_geometry.training.random_streams import generator


def draw_batches(
    config: dict, epoch: int, n_images: int, batch_size: int, device: torch.device
) -> list[tuple[Tensor, Tensor]]:
    """Draw the order of the images and eps for a whole epoch, and move both to the device at once: it never waits.

    Parameters
    ----------
    config : dict
        Of the run's checkpoint. ``noise`` is ``fresh`` where every epoch draws both, ``repeated`` where every epoch
        takes both of the first one, ``repeated_batches`` where it takes only the order, ``repeated_eps`` where every
        image keeps only its eps.
    epoch : int
        From 1 on.
    n_images : int
        Training images.
    batch_size : int
        Images.
    device : torch.device

    Returns
    -------
    list of tuple
        Of each batch of n images their indices, (n,) int64, and eps, (n, K) float32. A last batch of a single image
        is left out.
    """
    noise = config["noise"]
    first_order = torch.randperm(n_images, generator=generator(config, "batches", 1))
    order = torch.randperm(n_images, generator=generator(config, "batches", epoch))
    if noise in ("repeated", "repeated_batches"):
        order = first_order
    draw = 1 if noise in ("repeated", "repeated_eps") else epoch
    eps = torch.randn(n_images, config["bottleneck"], generator=generator(config, "latent noise", draw))
    if noise == "repeated_eps":
        eps = eps[first_order.argsort()][order]  # each image keeps what it had in the first epoch
    batches = zip(order.to(device).split(batch_size), eps.to(device).split(batch_size), strict=True)
    return [(chosen, part) for chosen, part in batches if len(chosen) > 1]  # batch norm cannot normalise one image
