"""A perceptron, for vectors and small images."""

from collections.abc import Sequence
from itertools import pairwise
from math import prod

from torch import Tensor, nn

from vae_geometry import VaeGeometryError
from vae_geometry.networks.layers import Network


def build(shape: tuple[int, ...], bottleneck: int, widths: Sequence[int] = (512, 256)) -> "Perceptron":
    """Build the network.

    Parameters
    ----------
    shape : tuple of int
        (D,), or (C, H, W), which is flattened.
    bottleneck : int
        Size K of the latent space.
    widths : sequence of int
        Of the encoder's hidden layers; the decoder mirrors them.

    Raises
    ------
    VaeGeometryError
        If the widths are none.
    """
    if not widths or any(type(width) is not int or width < 1 for width in widths):
        raise VaeGeometryError(f"model.widths: {list(widths)} are not widths; write positive numbers")
    return Perceptron(shape, widths, bottleneck)


class Perceptron(Network):
    """Variational autoencoder of fully connected layers.

    Parameters
    ----------
    shape : (D,) or (C, H, W)
    widths : sequence of int
        Of the encoder's hidden layers; the decoder mirrors them.
    bottleneck : int
        Size K of the latent space.
    """

    def __init__(self, shape: tuple[int, ...], widths: Sequence[int], bottleneck: int) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Flatten(), *[_block(*sizes) for sizes in pairwise([prod(shape), *widths])])
        self.mean = nn.Linear(widths[-1], bottleneck)
        self.log_variance = nn.Linear(widths[-1], bottleneck)
        self.decoder = nn.Sequential(
            *[_block(*sizes) for sizes in pairwise([bottleneck, *reversed(widths)])],
            nn.Linear(widths[0], prod(shape)),
            nn.Unflatten(1, tuple(shape)),
        )

    def encode(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log variance of the latent, each (n, bottleneck)."""
        features = self.encoder(inputs)
        return self.mean(features), self.log_variance(features)

    def decode(self, latent: Tensor) -> Tensor:
        """Output before the likelihood, of the shape of the inputs, of a latent (n, bottleneck)."""
        return self.decoder(latent)

    @property
    def layers(self) -> dict[str, nn.Module]:
        """The modules whose outputs are measured besides input, bottleneck and output, in order."""
        _flatten, *encoder_blocks = self.encoder
        *decoder_blocks, _output, _unflatten = self.decoder
        return {
            f"{part} {number}": block
            for part, blocks in (("encoder", encoder_blocks), ("decoder", decoder_blocks))
            for number, block in enumerate(blocks, start=1)
        }


def _block(width_in: int, width_out: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(width_in, width_out), nn.BatchNorm1d(width_out), nn.SiLU())
