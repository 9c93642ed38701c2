"""The architectures of this package on inputs of any size."""

import pytest
import torch

from vae_geometry import VaeGeometryError
from vae_geometry.networks import build
from vae_geometry.networks.contract import check_contract, layer_sizes
from vae_geometry.networks.layers import pass_through

pytestmark = pytest.mark.usefixtures("one_thread")
NARROW = {
    "convolutional": {"channels": [2, 3, 4, 5]},
    "residual": {"channels": [4, 6]},
    "perceptron": {"widths": [7, 5]},
}
ROLES = {"convolutional": (4, 4), "residual": (2, 3), "perceptron": (2, 2)}  # layers of encoder and decoder
CASES = [
    *[("convolutional", shape) for shape in ((1, 16, 16), (3, 17, 31), (3, 48, 64), (1, 33, 50), (2, 47, 20))],
    *[("residual", shape) for shape in ((1, 4, 4), (3, 5, 7), (3, 48, 64), (4, 9, 33))],
    *[("perceptron", shape) for shape in ((1,), (13,), (3, 5, 7), (1, 1, 9))],
]


@pytest.mark.parametrize(("name", "shape"), CASES)
def test_what_comes_out_has_the_shape_of_what_went_in(name, shape):
    model = build(name, shape, 3, NARROW[name])
    check_contract(name, model, shape, 3)
    outputs, mean, log_variance = model(torch.rand(2, *shape), torch.randn(2, 3))
    assert outputs.shape == (2, *shape)
    assert mean.shape == log_variance.shape == (2, 3)
    (outputs.sum() + log_variance.sum()).backward()
    assert all(parameter.grad is not None for parameter in model.parameters() if parameter.requires_grad)


@pytest.mark.parametrize(("name", "shape"), CASES)
def test_its_layers_run_in_the_order_in_which_they_are_listed(name, shape):
    model = build(name, shape, 3, NARROW[name]).eval()
    with torch.no_grad():
        layers = list(pass_through(model, torch.rand(2, *shape), torch.Generator(), "sample").activations)
    n_encoder, n_decoder = ROLES[name]
    roles = ["input", *n_encoder * ["encoder"], "bottleneck", *n_decoder * ["decoder"], "output"]
    assert [layer.role for layer in layers] == roles
    assert [layer.name for layer in layers if layer.role in ("encoder", "decoder")] == list(model.layers)
    assert all(layer.name.startswith(layer.role) for layer in layers)


def block(name, weight, width):
    """Shapes of a convolution, or a linear layer, and the batch norm after it."""
    norm = dict.fromkeys(("weight", "bias", "running_mean", "running_var"), (width,)) | {"num_batches_tracked": ()}
    parts = {"0.weight": weight, "0.bias": (width,)} | {f"1.{part}": shape for part, shape in norm.items()}
    return {f"{name}.{part}": shape for part, shape in parts.items()}


def test_the_network_of_32_by_32_pixels_has_the_tensors_that_checkpoints_of_it_always_had():
    expected = {
        **block("encoder.0", (2, 1, 4, 4), 2),
        **block("encoder.1", (3, 2, 4, 4), 3),
        **block("encoder.2", (4, 3, 4, 4), 4),
        **block("encoder.3", (5, 4, 4, 4), 5),
        **{f"{part}.weight": (2, 20) for part in ("mean", "log_variance")},
        **{f"{part}.bias": (2,) for part in ("mean", "log_variance")},
        **block("decoder.0", (20, 2), 20),
        **block("decoder.2", (5, 4, 4, 4), 4),
        **block("decoder.3", (4, 3, 4, 4), 3),
        **block("decoder.4", (3, 2, 4, 4), 2),
        "decoder.5.weight": (2, 1, 4, 4),
        "decoder.5.bias": (1,),
    }
    state = build("convolutional", (1, 32, 32), 2, NARROW["convolutional"]).state_dict()
    assert {name: tuple(tensor.shape) for name, tensor in state.items()} == expected


def test_the_same_seed_draws_the_same_weights_for_32_by_32_pixels_whatever_other_sizes_need():
    """The order in which the modules are made decides the weights of every checkpoint of epoch 0."""
    torch.manual_seed(0)
    model = build("convolutional", (1, 32, 32), 2, NARROW["convolutional"])
    torch.manual_seed(0)
    first = torch.nn.Conv2d(1, 2, 4)
    assert torch.equal(model.encoder[0][0].weight, first.weight)
    for width_in, width_out in ((2, 3), (3, 4), (4, 5)):
        torch.nn.Conv2d(width_in, width_out, 4)
    mean, log_variance, linear = torch.nn.Linear(20, 2), torch.nn.Linear(20, 2), torch.nn.Linear(2, 20)
    assert torch.equal(model.mean.weight, mean.weight)
    assert torch.equal(model.log_variance.bias, log_variance.bias)
    assert torch.equal(model.decoder[0][0].weight, linear.weight)
    for width_in, width_out in ((5, 4), (4, 3), (3, 2)):
        torch.nn.ConvTranspose2d(width_in, width_out, 4)
    assert torch.equal(model.decoder[5].weight, torch.nn.ConvTranspose2d(2, 1, 4).weight)


@pytest.mark.parametrize(
    ("name", "shape", "options", "sentence"),
    [
        ("residual", (5,), {}, r"architecture residual takes images \(C, H, W\), not inputs of \(5,\)"),
        ("residual", (3, 7, 32), {}, "model.channels: images of 7 x 32 pixels cannot be halved 3 times; write fewer"),
        ("residual", (3, 8, 8), {"channels": []}, r"model.channels: \[\] are not widths; write positive numbers"),
        ("perceptron", (5,), {"widths": [8, 0]}, r"model.widths: \[8, 0\] are not widths; write positive numbers"),
        ("perceptron", (5,), {"channels": [8]}, "perceptron takes no option channels; it takes widths"),
    ],
)
def test_a_shape_or_width_that_a_network_does_not_take_is_one_sentence(name, shape, options, sentence):
    with pytest.raises(VaeGeometryError, match=sentence):
        build(name, shape, 2, options)


def test_the_sizes_of_a_network_are_those_that_its_jobs_request_memory_and_time_for():
    model = build("perceptron", (6,), 2, {"widths": [5, 4]})
    by_hand = 6 * 5 + 5 * 4 + 2 * 4 * 2 + 2 * 4 + 4 * 5 + 5 * 6  # multiplications of all linear layers
    sizes = layer_sizes(model, (6,))
    assert sizes["parameters"] == sum(parameter.numel() for parameter in model.parameters())
    assert (sizes["widest"], sizes["all"], sizes["flops"]) == (6, 6 + 5 + 4 + 2 + 4 + 5 + 6, 2 * by_hand)


def test_the_products_of_convolutions_are_counted_too():
    sizes = layer_sizes(build("convolutional", (1, 16, 16), 2, NARROW["convolutional"]), (1, 16, 16))
    encoder = 16 * (64 * 1 * 2 + 16 * 2 * 3 + 4 * 3 * 4 + 1 * 4 * 5)  # kernel x (positions x widths)
    decoder = 16 * (1 * 5 * 4 + 4 * 4 * 3 + 16 * 3 * 2 + 64 * 2 * 1)
    assert sizes["flops"] == 2 * (encoder + decoder + 3 * 2 * 5)
