"""A residual network for images of any size: group norm and SiLU, as in today's image autoencoders."""

from collections.abc import Sequence
from itertools import pairwise
from math import gcd

from torch import Tensor, nn

from vae_geometry import VaeGeometryError
from vae_geometry.networks.layers import Network

GROUPS = 8  # of channels that are normalised together, where their number allows


def build(shape: tuple[int, ...], bottleneck: int, channels: Sequence[int] = (64, 128, 256)) -> "ResidualVAE":
    """Build the network.

    Parameters
    ----------
    shape : tuple of int
        (C, H, W).
    bottleneck : int
        Size K of the latent space.
    channels : sequence of int
        Widths of the encoder's stages, each of which halves height and width; the decoder mirrors them.

    Raises
    ------
    VaeGeometryError
        If the shape is not that of an image, or of one too small for so many stages.
    """
    if len(shape) != 3:
        raise VaeGeometryError(
            f"architecture residual takes images (C, H, W), not inputs of {tuple(shape)}; use perceptron"
        )
    if not channels or any(type(width) is not int or width < 1 for width in channels):
        raise VaeGeometryError(f"model.channels: {list(channels)} are not widths; write positive numbers")
    if min(shape[1:]) < 2 ** len(channels):
        height, width = shape[1:]
        raise VaeGeometryError(
            f"model.channels: images of {height} x {width} pixels cannot be halved {len(channels)} times; "
            "write fewer widths"
        )
    return ResidualVAE(shape, channels, bottleneck)


class ResidualVAE(Network):
    """Variational autoencoder of residual blocks.

    Parameters
    ----------
    shape : (C, H, W)
    channels : sequence of int
        Widths of the encoder's stages; the decoder mirrors them.
    bottleneck : int
        Size K of the latent space.
    """

    def __init__(self, shape: tuple[int, ...], channels: Sequence[int], bottleneck: int) -> None:
        super().__init__()
        image_channels, *size = shape
        sizes = [tuple(size)]
        for _ in channels:
            sizes.append(tuple((side + 1) // 2 for side in sizes[-1]))
        height, width = sizes[-1]
        n_features = channels[-1] * height * width
        self.stem = nn.Conv2d(image_channels, channels[0], 3, padding=1)
        self.down = nn.ModuleList(
            nn.Sequential(Residual(width_in), nn.Conv2d(width_in, width_out, 3, stride=2, padding=1))
            for width_in, width_out in pairwise([channels[0], *channels])
        )
        self.mean = nn.Linear(n_features, bottleneck)
        self.log_variance = nn.Linear(n_features, bottleneck)
        self.linear = nn.Sequential(nn.Linear(bottleneck, n_features), nn.SiLU())
        self.unflatten = nn.Unflatten(1, (channels[-1], height, width))
        self.up = nn.ModuleList(
            nn.Sequential(nn.Upsample(size), nn.Conv2d(width_in, width_out, 3, padding=1), Residual(width_out))
            for size, (width_in, width_out) in zip(
                reversed(sizes[:-1]), pairwise([*reversed(channels), channels[0]]), strict=True
            )
        )
        self.head = nn.Sequential(_norm(channels[0]), nn.SiLU(), nn.Conv2d(channels[0], image_channels, 3, padding=1))

    def encode(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log variance of the latent, each (n, bottleneck)."""
        features = self.stem(images)
        for stage in self.down:
            features = stage(features)
        features = features.flatten(1)
        return self.mean(features), self.log_variance(features)

    def decode(self, latent: Tensor) -> Tensor:
        """Output before the likelihood, (n, C, H, W), of a latent (n, bottleneck)."""
        features = self.unflatten(self.linear(latent))
        for stage in self.up:
            features = stage(features)
        return self.head(features)

    @property
    def layers(self) -> dict[str, nn.Module]:
        """The modules whose outputs are measured besides input, bottleneck and output, in order."""
        return {
            **{f"encoder {number}": stage for number, stage in enumerate(self.down, start=1)},
            "decoder linear": self.linear,
            **{f"decoder {number}": stage for number, stage in enumerate(self.up, start=1)},
        }


class Residual(nn.Module):
    """Two convolutions beside the identity (He et al., ECCV 2016, with the norm first)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.change = nn.Sequential(
            *(_norm(width), nn.SiLU(), nn.Conv2d(width, width, 3, padding=1)),
            *(_norm(width), nn.SiLU(), nn.Conv2d(width, width, 3, padding=1)),
        )

    def forward(self, features: Tensor) -> Tensor:
        """Features of the same shape, (n, width, H, W)."""
        return features + self.change(features)


def _norm(width: int) -> nn.GroupNorm:
    return nn.GroupNorm(gcd(GROUPS, width), width)
