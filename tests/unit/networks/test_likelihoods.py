import pytest
import torch
from torch.distributions import Bernoulli as BernoulliDistribution
from torch.distributions import Normal, kl_divergence

from vae_geometry.networks.likelihoods import Bernoulli, kl_per_unit, sample


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
