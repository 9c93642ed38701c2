"""The convolutional network of the paper."""

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from vae_geometry import VaeGeometryError
from vae_geometry.networks.layers import Network

SIDE = 32  # pixels; four blocks that halve them leave 2 x 2


def build(shape: tuple[int, ...], bottleneck: int, channels: Sequence[int] = (64, 128, 256, 256)) -> "VAE":
    """Build the network for images of 32 x 32 pixels.

    Parameters
    ----------
    shape : tuple of int
        (1 or 3, 32, 32).
    bottleneck : int
        Size K of the latent space.
    channels : sequence of 4 int
        Widths of the encoder's blocks; the decoder mirrors them.

    Raises
    ------
    VaeGeometryError
        If the shape or the widths are others.
    """
    if tuple(shape) not in ((1, SIDE, SIDE), (3, SIDE, SIDE)):
        raise VaeGeometryError(f"architecture convolutional takes images of {SIDE} x {SIDE} pixels, not {tuple(shape)}")
    if len(channels) != 4 or any(type(width) is not int or width < 1 for width in channels):
        raise VaeGeometryError(f"model.channels: {list(channels)} are not four widths; write four positive numbers")
    return VAE(shape[0], channels, bottleneck)


class VAE(Network):
    """Variational autoencoder for images of 32 x 32 pixels.

    Parameters
    ----------
    image_channels : int
        1 or 3.
    channels : sequence of 4 int
        Widths of the encoder's blocks; the decoder mirrors them.
    bottleneck : int
        Size K of the latent space.
    """

    def __init__(self, image_channels: int, channels: Sequence[int], bottleneck: int) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            *[_block(nn.Conv2d, *widths) for widths in pairwise([image_channels, *channels])], nn.Flatten()
        )
        n_features = channels[-1] * (SIDE // 16) ** 2
        self.mean = nn.Linear(n_features, bottleneck)
        self.log_variance = nn.Linear(n_features, bottleneck)
        self.decoder = nn.Sequential(
            nn.Sequential(nn.Linear(bottleneck, n_features), nn.BatchNorm1d(n_features), nn.LeakyReLU(0.2)),
            nn.Unflatten(1, (channels[-1], SIDE // 16, SIDE // 16)),
            *[_block(nn.ConvTranspose2d, *widths) for widths in pairwise(reversed(channels))],
            nn.ConvTranspose2d(channels[0], image_channels, 4, stride=2, padding=1),
        )

    def encode(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log variance of the latent, each (n, bottleneck)."""
        features = self.encoder(images)
        return self.mean(features), self.log_variance(features)

    def decode(self, latent: Tensor) -> Tensor:
        """Logits, (n, image_channels, 32, 32), of a latent (n, bottleneck)."""
        return self.decoder(latent)

    @property
    def layers(self) -> dict[str, nn.Module]:
        """The modules whose outputs are measured besides input, bottleneck and output, in order."""
        *encoder_blocks, _flatten = self.encoder
        linear, _unflatten, *decoder_blocks, _output = self.decoder
        return {
            **{f"encoder {number}": block for number, block in enumerate(encoder_blocks, start=1)},
            "decoder linear": linear,
            **{f"decoder {number}": block for number, block in enumerate(decoder_blocks, start=1)},
        }


def _block(convolution: type[nn.Module], width_in: int, width_out: int) -> nn.Sequential:
    return nn.Sequential(
        convolution(width_in, width_out, 4, stride=2, padding=1), nn.BatchNorm2d(width_out), nn.LeakyReLU(0.2)
    )
