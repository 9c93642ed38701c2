import numpy as np
import pytest
import torch

from vae_geometry import VaeGeometryError
from vae_geometry.networks import build

pytestmark = pytest.mark.usefixtures("one_thread")


def small():
    return build("convolutional", (1, 32, 32), 2, {"channels": [2, 3, 4, 5]})


def convolution(width_in, width_out):
    return 4 * 4 * width_in * width_out + width_out


def linear(size_in, size_out):
    return size_in * size_out + size_out


def batch_norm(size):
    return 2 * size


@pytest.mark.parametrize(("image_channels", "bottleneck"), [(3, 32), (1, 2)])
def test_number_of_parameters_at_full_width(image_channels, bottleneck):
    by_hand = (
        convolution(image_channels, 64) + batch_norm(64)
        + convolution(64, 128) + batch_norm(128)
        + convolution(128, 256) + batch_norm(256)
        + convolution(256, 256) + batch_norm(256)
        + 2 * linear(1024, bottleneck)
        + linear(bottleneck, 1024) + batch_norm(1024)
        + convolution(256, 256) + batch_norm(256)
        + convolution(256, 128) + batch_norm(128)
        + convolution(128, 64) + batch_norm(64)
        + convolution(64, image_channels)
    )  # fmt: skip
    model = build("convolutional", (image_channels, 32, 32), bottleneck)
    assert sum(parameter.numel() for parameter in model.parameters()) == by_hand


def test_all_activation_functions_are_leaky_with_slope_0_2():
    slopes = [m.negative_slope for m in small().modules() if isinstance(m, torch.nn.LeakyReLU)]
    assert slopes == [0.2] * 8


def test_forward_samples_around_the_mean():
    model = small().eval()
    images, noise = torch.rand(4, 1, 32, 32), torch.randn(4, 2)
    with torch.no_grad():
        logits, mean, log_variance = model(images, noise)
        expected = model.decode(mean + log_variance.exp().sqrt() * noise)
        at_mean = model(images, torch.zeros(4, 2))[0]
        assert torch.allclose(at_mean, model.decode(mean), atol=1e-6)
    assert logits.shape == images.shape
    assert torch.allclose(logits, expected, atol=1e-6)
    assert not torch.allclose(logits, at_mean, atol=1e-6)


def test_a_network_in_eval_mode_treats_each_image_alone():
    model = small().eval()
    images, noise = torch.rand(6, 1, 32, 32), torch.randn(6, 2)
    with torch.no_grad():
        alone, together = model(images[:1], noise[:1])[0], model(images, noise)[0][:1]
    assert np.allclose(alone, together, atol=1e-5)


def test_its_layers_are_four_blocks_of_the_encoder_and_four_of_the_decoder():
    encoder, decoder = [f"encoder {n}" for n in (1, 2, 3, 4)], [f"decoder {n}" for n in (1, 2, 3)]
    assert list(small().layers) == [*encoder, "decoder linear", *decoder]


@pytest.mark.parametrize("shape", [(1, 15, 32), (1, 32, 8), (1024,)])
def test_images_of_another_shape_are_an_error(shape):
    with pytest.raises(
        VaeGeometryError, match=r"convolutional takes images \(C, H, W\) of 16 x 16 pixels or more, not inputs of \("
    ):
        build("convolutional", shape, 2)


@pytest.mark.parametrize("channels", [[], [1, 2, 3], [1, 2, 3, 0], [1, 2, 3, "4"]])
def test_widths_that_are_not_four_positive_numbers_are_an_error(channels):
    with pytest.raises(VaeGeometryError, match=r"model.channels: \[.*\] are not four widths; write four positive"):
        build("convolutional", (1, 32, 32), 2, {"channels": channels})
