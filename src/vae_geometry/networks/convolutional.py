"""The convolutional network of the paper."""

from collections.abc import Sequence
from itertools import pairwise
from math import prod

from torch import Tensor, nn

from vae_geometry import VaeGeometryError
from vae_geometry.networks.layers import Network

SMALLEST = 16  # pixels, which the four blocks halve


def build(shape: tuple[int, ...], bottleneck: int, channels: Sequence[int] = (64, 128, 256, 256)) -> "VAE":
    """Build the network, the paper's for images of 32 x 32 pixels.

    Parameters
    ----------
    shape : tuple of int
        (C, H, W).
    bottleneck : int
        Size K of the latent space.
    channels : sequence of 4 int
        Widths of the encoder's blocks; the decoder mirrors them.

    Raises
    ------
    VaeGeometryError
        If the shape is not that of an image, or of one too small to be halved four times, or the widths are not four.
    """
    if len(shape) != 3 or min(shape[1:]) < SMALLEST:
        wanted = f"images (C, H, W) of {SMALLEST} x {SMALLEST} pixels or more"
        raise VaeGeometryError(
            f"architecture convolutional takes {wanted}, not inputs of {tuple(shape)}; use perceptron, or larger images"
        )
    if len(channels) != 4 or any(type(width) is not int or width < 1 for width in channels):
        raise VaeGeometryError(f"model.channels: {list(channels)} are not four widths; write four positive numbers")
    return VAE(shape, channels, bottleneck)


class VAE(Network):
    """Variational autoencoder for images.

    Parameters
    ----------
    shape : (C, H, W)
    channels : sequence of 4 int
        Widths of the encoder's blocks; the decoder mirrors them.
    bottleneck : int
        Size K of the latent space.
    """

    def __init__(self, shape: tuple[int, ...], channels: Sequence[int], bottleneck: int) -> None:
        super().__init__()
        image_channels, *size = shape
        sizes = [size]
        for _ in channels:
            sizes.append([side // 2 for side in sizes[-1]])
        # what halving an odd side leaves out
        left_out = [(before[0] - 2 * after[0], before[1] - 2 * after[1]) for before, after in pairwise(sizes)]
        self.encoder = nn.Sequential(
            *[_block(nn.Conv2d, *widths) for widths in pairwise([image_channels, *channels])], nn.Flatten()
        )
        n_features = channels[-1] * prod(sizes[-1])
        self.mean = nn.Linear(n_features, bottleneck)
        self.log_variance = nn.Linear(n_features, bottleneck)
        self.decoder = nn.Sequential(
            nn.Sequential(nn.Linear(bottleneck, n_features), nn.BatchNorm1d(n_features), nn.LeakyReLU(0.2)),
            nn.Unflatten(1, (channels[-1], *sizes[-1])),
            *[
                _block(nn.ConvTranspose2d, *widths, output_padding=padding)
                for widths, padding in zip(pairwise(reversed(channels)), reversed(left_out[1:]), strict=True)
            ],
            nn.ConvTranspose2d(channels[0], image_channels, 4, stride=2, padding=1, output_padding=left_out[0]),
        )

    def encode(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log variance of the latent, each (n, bottleneck)."""
        features = self.encoder(images)
        return self.mean(features), self.log_variance(features)

    def decode(self, latent: Tensor) -> Tensor:
        """Logits, (n, C, H, W), of a latent (n, bottleneck)."""
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


def _block(convolution: type[nn.Module], width_in: int, width_out: int, **options: tuple[int, int]) -> nn.Sequential:
    return nn.Sequential(
        convolution(width_in, width_out, 4, stride=2, padding=1, **options),
        nn.BatchNorm2d(width_out),
        nn.LeakyReLU(0.2),
    )
