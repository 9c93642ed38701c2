"""Activations of any module: what is recorded, what is refused, and that the module is left as it was."""

import random

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

import vae_geometry as vg
from vae_geometry import VaeGeometryError

pytestmark = pytest.mark.usefixtures("one_thread")


class Noisy(nn.Module):
    """Has dropout and batch norm, draws noise in eval mode too, and outputs a tuple."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(inplace=True), nn.Dropout(0.5), nn.Linear(8, 4)
        )
        self.pair = Pair()
        self.unused = nn.Linear(1, 1)

    def forward(self, inputs):
        random.random()
        np.random.rand()  # noqa: NPY002
        return self.pair(self.encoder(inputs) + torch.randn(len(inputs), 4))


class Pair(nn.Module):
    def forward(self, inputs):
        return {"kept": [inputs.exp(), None]}, inputs


class Twice(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear, self.act = nn.Linear(6, 6), nn.ReLU()

    def forward(self, inputs):
        return self.act(self.linear(self.act(inputs)))


@pytest.fixture
def model():
    torch.manual_seed(1)
    return Noisy()


@pytest.fixture
def inputs():
    return torch.randn(50, 6, generator=torch.Generator().manual_seed(0))


def test_what_is_recorded_is_what_the_layers_gave_out(model, inputs):
    found = vg.record_activations(model, inputs, ["encoder.4", "input", "encoder.0", "encoder.1"], batch_size=16)
    assert list(found) == ["encoder.4", "input", "encoder.0", "encoder.1"]
    assert {array.dtype for array in found.values()} == {np.dtype(np.float32)}
    model.eval()
    np.testing.assert_array_equal(found["input"], inputs)
    with torch.no_grad():
        first = torch.cat([model.encoder[0](batch) for batch in inputs.split(16)])
        normed = model.encoder[1](first)
        last = model.encoder[4](normed.relu())
    np.testing.assert_array_equal(found["encoder.0"], first)
    np.testing.assert_array_equal(found["encoder.1"], normed)  # the ReLU after it works in place
    np.testing.assert_allclose(found["encoder.4"], last, rtol=1e-5, atol=1e-6)


def test_images_are_flattened_and_reduced_only_by_the_user(inputs):
    model, images = nn.Sequential(nn.Conv2d(1, 3, 2)), torch.rand(10, 1, 5, 5)
    found = vg.record_activations(model, images, ["0", "output"])
    assert found["0"].shape == (10, 48)
    means = vg.record_activations(model, images, ["0"], reduce=lambda output: output.mean(dim=(2, 3)))
    np.testing.assert_allclose(means["0"], found["0"].reshape(10, 3, 16).mean(axis=2), rtol=1e-5, atol=1e-6)


def state_of_everything(model, loader):
    return [
        *[(name, module.training) for name, module in model.named_modules()],
        *[tensor.tolist() for tensor in model.state_dict().values()],
        *[parameter.grad.tolist() for parameter in model.encoder.parameters()],
        *[(len(m._forward_hooks), m.training) for m in model.modules()],
        random.getstate(),
        str(np.random.get_state()),  # noqa: NPY002
        torch.get_rng_state().tolist(),
        loader.generator.get_state().tolist(),
        torch.is_grad_enabled(),
        torch.get_num_threads(),
    ]


@pytest.mark.parametrize("fails", [False, True])
def test_modes_gradients_random_states_and_hooks_are_left(fails, model, inputs):
    model.train()
    model.encoder[1].eval()  # as some freeze batch norm
    model(inputs)[1].sum().backward()
    broken = torch.cat([inputs, inputs.new_full((1, 6), 0)])
    loader = DataLoader(TensorDataset(broken, broken), batch_size=20, generator=torch.Generator().manual_seed(5))
    layers = ["encoder.0", "unused"] if fails else ["encoder.0"]
    before = state_of_everything(model, loader)
    if fails:
        with pytest.raises(VaeGeometryError, match="layer unused did not run"):
            vg.record_activations(model, loader, layers)
    else:
        vg.record_activations(model, loader, layers)
    assert state_of_everything(model, loader) == before


def test_an_exception_in_the_module_leaves_no_hook(inputs):
    model = nn.Sequential(nn.Linear(6, 3), nn.Linear(4, 1))
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        vg.record_activations(model, inputs, ["0"])
    assert not model[0]._forward_hooks
    assert model.training


def test_noise_is_the_same_every_time(model, inputs):
    with pytest.warns(UserWarning, match="layer pair outputs a tuple; its first tensor is recorded"):
        one = vg.record_activations(model, inputs, ["pair"])
    torch.rand(1)  # a training draws meanwhile
    with pytest.warns(UserWarning, match="layer pair outputs a tuple"):
        other = vg.record_activations(model, inputs, ["pair"])
    np.testing.assert_array_equal(one["pair"], other["pair"])


@pytest.mark.parametrize("wrap", ["list", "tensor", "mapping"])
def test_batches_of_a_loader_are_those_of_the_tensor(wrap, inputs):
    model = nn.Linear(6, 2)
    points = {
        "list": TensorDataset(inputs, torch.zeros(50)),
        "tensor": inputs,
        "mapping": [{"input": row} for row in inputs],
    }[wrap]
    found = vg.record_activations(model, DataLoader(points, batch_size=8), ["input", "output"])
    np.testing.assert_array_equal(found["input"], inputs)
    np.testing.assert_allclose(found["output"], model(inputs).detach(), rtol=1e-5, atol=1e-6)


def test_half_precision_becomes_single(inputs):
    found = vg.record_activations(nn.Linear(6, 2).bfloat16(), inputs.bfloat16(), ["output"])
    assert found["output"].dtype == np.float32


def test_no_layers_lists_the_choices(model, inputs):
    with pytest.raises(VaeGeometryError, match=r"^layers: name those to record, of encoder, encoder\.0, .*output$"):
        vg.record_activations(model, inputs)


@pytest.mark.parametrize(
    ("layers", "sentence"),
    [
        (["encoder.9"], "the model has no layer encoder.9; did you mean encoder."),
        (["zzz"], "the model has no layer zzz; it has encoder, encoder.0"),
        ("encoder", "layers: is 'encoder', not a list of names"),
        ([], "layers: is [], not a list of names"),
    ],
)
def test_names_that_the_model_lacks_are_refused(layers, sentence, model, inputs):
    with pytest.raises(VaeGeometryError) as error:
        vg.record_activations(model, inputs, layers)
    assert sentence in str(error.value)


class Stream(torch.utils.data.IterableDataset):
    def __iter__(self):
        return iter(torch.zeros(9, 6))


class Sizes(nn.Module):
    """Gives out as many numbers a point as there are points."""

    def forward(self, inputs):
        return inputs @ inputs.T


class Nothing(nn.Module):
    def forward(self, inputs):
        return None


@pytest.mark.parametrize(
    ("model", "inputs", "sentence"),
    [
        (nn.Linear(6, 2), DataLoader(torch.zeros(9, 6), shuffle=True), "the DataLoader shuffles"),
        (nn.Linear(6, 2), DataLoader(Stream()), "data set has no length"),
        (nn.Linear(6, 2), np.zeros((9, 6)), "inputs: is a ndarray; pass a tensor (N, ...) or a DataLoader"),
        (nn.Linear(6, 2), DataLoader(["text"] * 9), "inputs: a batch holds no tensor"),
        (functional.relu, torch.zeros(9, 6), "model: is a function, not a torch.nn.Module"),
        (Twice(), torch.zeros(9, 6), "layer act runs more than once in a forward pass"),
        (nn.Sequential(nn.Flatten(0)), torch.zeros(9, 6), "outputs torch.float32 (54,) for 9 points"),
        (Sizes(), torch.zeros(9, 6), "outputs 4 numbers per point in one batch and 1 in another"),
        (Nothing(), torch.zeros(9, 6), "layer output outputs a NoneType without a tensor"),
    ],
)
def test_what_cannot_be_recorded_is_one_sentence(model, inputs, sentence):
    layers = ["act"] if isinstance(model, Twice) else ["output"]
    with pytest.raises(VaeGeometryError) as error:
        vg.record_activations(model, inputs, layers, batch_size=4 if isinstance(model, Sizes) else 9)
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)


def test_of_a_parallel_module_the_one_within_runs(inputs):
    model = nn.Sequential(nn.Linear(6, 2))
    found = vg.record_activations(nn.DataParallel(model), inputs, ["0"])
    np.testing.assert_array_equal(found["0"], vg.record_activations(model, inputs, ["0"])["0"])


def test_a_compiled_module_runs_uncompiled(inputs):
    """In the backend that compiles nothing: hooks are what the tracing leaves out."""
    model = nn.Sequential(nn.Linear(6, 6), nn.ReLU())
    compiled = torch.compile(model, backend="eager")
    compiled(inputs)  # traced before there are hooks
    found = vg.record_activations(compiled, inputs, ["0"])
    np.testing.assert_array_equal(found["0"], model[0](inputs).detach())
    model.compile(backend="eager")
    model(inputs)
    np.testing.assert_array_equal(vg.record_activations(model, inputs, ["0"])["0"], found["0"])


def test_a_batch_of_no_inputs_is_one_sentence(model, inputs):
    with pytest.raises(VaeGeometryError, match="batch_size: 0 is too small; give a whole number of at least 1"):
        vg.record_activations(model, inputs, ["pair"], batch_size=0)
