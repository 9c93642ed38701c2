import math

import numpy as np
import pytest
import torch
from torch.distributions import Bernoulli as BernoulliDistribution
from torch.distributions import ContinuousBernoulli as ContinuousBernoulliDistribution
from torch.distributions import Normal, kl_divergence

from vae_geometry import VaeGeometryError, tables
from vae_geometry.config import Training
from vae_geometry.networks.activations import dump_activations
from vae_geometry.networks.checkpoints import load_checkpoint
from vae_geometry.networks.likelihoods import LIKELIHOODS, Bernoulli, kl_per_unit, likelihood, sample
from vae_geometry.training.initialise import initialise
from vae_geometry.training.loop import train

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize("channels", [1, 3])
def test_the_terms_of_the_elbo_are_those_of_bernoulli_pixels_and_a_normal_latent(channels):
    torch.manual_seed(0)
    images, logits = torch.rand(5, channels, 32, 32).double(), 3 * torch.randn(5, channels, 32, 32).double()
    mean, log_variance = torch.randn(5, 7).double(), torch.randn(5, 7).double()
    reconstruction, kl = Bernoulli().loss(images, logits), kl_per_unit(mean, log_variance)
    log_likelihood = BernoulliDistribution(logits=logits, validate_args=False).log_prob(images).sum((1, 2, 3))
    divergence = kl_divergence(Normal(mean, (log_variance / 2).exp()), Normal(0.0, 1.0))
    assert torch.allclose(reconstruction, -log_likelihood, rtol=1e-12)
    assert torch.allclose(kl, divergence, rtol=1e-12)


def test_kl_is_zero_for_the_prior_itself():
    assert kl_per_unit(torch.zeros(2, 3), torch.zeros(2, 3)).tolist() == [[0, 0, 0]] * 2


def test_a_latent_is_sampled_around_its_mean():
    mean, variance, noise = (torch.tensor([values]) for values in ([1.0, 2.0], [0.0, 4.0], [5.0, -1.0]))
    assert sample(mean, variance.log(), noise).tolist() == [[1, 0]]


def test_the_continuous_bernoulli_is_that_of_torch_and_of_a_hand():
    torch.manual_seed(0)
    inputs, logits = torch.rand(5, 3, 4, 4).double(), 3 * torch.randn(5, 3, 4, 4).double()
    law = likelihood("continuous_bernoulli")
    known = ContinuousBernoulliDistribution(logits=logits)
    assert torch.allclose(law.loss(inputs, logits), -known.log_prob(inputs).sum((1, 2, 3)), rtol=1e-12)
    assert torch.allclose(law.expected(logits), known.mean)
    # x = 0.25 under a probability of 0.75: the density is C 0.75^0.25 0.25^0.75, C = 2 artanh(1 - 2p) / (1 - 2p)
    value, logit = torch.tensor([[0.25]], dtype=float), torch.tensor([[math.log(3)]], dtype=float)
    normaliser = 2 * math.atanh(-0.5) / -0.5
    assert law.loss(value, logit).item() == pytest.approx(-math.log(normaliser * 0.75**0.25 * 0.25**0.75), rel=1e-9)
    assert law.expected(logit).item() == pytest.approx(0.75 / 0.5 - 1 / (2 * math.atanh(0.5)), rel=1e-9)
    assert law.expected(logit).item() != pytest.approx(0.75, abs=0.05)  # the sigmoid


def test_grey_values_have_a_density_that_integrates_to_one_only_if_the_bernoulli_is_continuous():
    values = torch.linspace(0, 1, 10_001).double()[:, None]
    logits = torch.full_like(values, 1.5)
    integrals = {name: torch.exp(-likelihood(name).loss(values, logits)).mean().item() for name in LIKELIHOODS[:2]}
    assert integrals["continuous_bernoulli"] == pytest.approx(1, abs=1e-3)
    assert integrals["bernoulli"] < 0.6


def test_the_gaussian_is_that_of_torch_and_of_a_hand():
    torch.manual_seed(0)
    inputs, outputs = torch.randn(5, 7).double(), torch.randn(5, 7).double()
    law = likelihood("gaussian", 0.3)
    assert torch.allclose(law.loss(inputs, outputs), -Normal(outputs, math.sqrt(0.3)).log_prob(inputs).sum(1))
    assert law.output_variance == pytest.approx(0.3)
    assert law.expected(outputs) is outputs
    two_values = likelihood("gaussian", 4.0).loss(torch.tensor([[1.0, 5.0]]), torch.tensor([[3.0, 5.0]]))
    assert two_values.item() == pytest.approx(0.5 * (2**2 / 4) + 2 * 0.5 * math.log(2 * math.pi * 4))
    assert not list(law.parameters())
    assert law.state_dict() == {}


def test_a_variance_that_is_not_given_is_learnt_and_becomes_the_mean_square_of_what_is_left():
    torch.manual_seed(0)
    inputs, outputs = 0.5 * torch.randn(400, 6), torch.zeros(400, 6)
    law = likelihood("gaussian")
    assert law.output_variance == 1
    optimizer = torch.optim.Adam(law.parameters(), lr=0.05)
    for _ in range(200):
        optimizer.zero_grad()
        law.loss(inputs, outputs).mean().backward()
        optimizer.step()
    assert law.output_variance == pytest.approx((inputs**2).mean().item(), rel=1e-3)
    assert list(law.state_dict()) == ["log_variance"]


def test_a_variance_is_of_a_gaussian_alone():
    with pytest.raises(VaeGeometryError, match=r"model.variance: likelihood bernoulli has none; leave it out, or take"):
        likelihood("bernoulli", 0.5)


@pytest.mark.parametrize("variance", [None, 0.01])
def test_the_variance_is_learnt_or_kept_and_dumped_with_the_network(tmp_path, variance):
    inputs = np.random.default_rng(0).normal(scale=0.1, size=(60, 5)).astype(np.float32)
    config = {"architecture": "perceptron", "options": {"widths": [4]}, "bottleneck": 2}
    config |= {"likelihood": "gaussian", "variance": variance, "dataset": "table", "noise": "fresh"}
    initialise(tmp_path / "epoch0.safetensors", config, 0, inputs)
    settings = Training(epochs=30, checkpoints=(30,), batch_size=10, learning_rate=0.02, threads=1)
    train(torch.from_numpy(inputs), tmp_path / "epoch0.safetensors", tmp_path, settings, 1.0, torch.device("cpu"))
    model, config = load_checkpoint(tmp_path / "checkpoints/epoch30.safetensors")
    found = model.likelihood.output_variance
    assert found == variance or (variance is None and 0.005 < found < 0.5)  # from 1 towards the 0.01 of the inputs
    draws = torch.Generator(), torch.Generator()
    dump_activations(model, config, inputs, tmp_path / "dump", "sample", *draws, torch.device("cpu"))
    rows = tables.read("manifest", [tmp_path / "dump/manifest.parquet"]).to_pylist()
    assert {row["likelihood"] for row in rows} == {"gaussian"}
    assert {row["output_variance"] for row in rows} == {model.likelihood.output_variance}
    assert np.array_equal(np.load(tmp_path / "dump/layer00.npy"), inputs)
    assert np.array_equal(np.load(tmp_path / "dump/layer04.npy"), np.load(tmp_path / "dump/logits.npy"))


def test_values_that_a_likelihood_does_not_take_are_named_before_a_network_is_made(tmp_path):
    config = {"architecture": "perceptron", "options": {}, "bottleneck": 2, "variance": None}
    config |= {"dataset": "table", "noise": "fresh", "likelihood": "bernoulli"}
    inputs = np.array([[0.5, -0.2, 1.0]], np.float32)
    sentence = (
        r"model.likelihood: bernoulli takes values between 0 and 1, the data set has -0.2 to 1; take gaussian, or"
    )
    with pytest.raises(VaeGeometryError, match=sentence):
        initialise(tmp_path / "epoch0.safetensors", config, 0, inputs)
    assert not (tmp_path / "epoch0.safetensors").exists()
