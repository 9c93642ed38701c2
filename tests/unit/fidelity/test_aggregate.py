"""How far the latents of all inputs together are from the prior."""

import numpy as np
import pytest
import torch
from torch.distributions import MultivariateNormal, Normal, kl_divergence

from vae_geometry.fidelity.aggregate import aggregate_divergence

N, K = 400, 5


@pytest.fixture
def posteriors(rng):
    """Means, correlated and off the origin, and log variances of some inputs."""
    mean = 0.5 + rng.normal(size=(N, K)) @ rng.normal(size=(K, K))
    return mean.astype(np.float32), rng.normal(-2, 1, size=(N, K)).astype(np.float32)


def test_it_is_the_divergence_of_a_gaussian_with_the_moments_of_z(posteriors, rng):
    mean, log_variance = posteriors
    z = (mean + np.exp(log_variance / 2) * rng.normal(size=(200, N, K))).reshape(-1, K)
    z = torch.from_numpy(z)
    of_z = MultivariateNormal(z.mean(0), torch.cov(z.T, correction=0))
    prior = MultivariateNormal(torch.zeros(K, dtype=float), torch.eye(K, dtype=float))
    assert aggregate_divergence(mean, log_variance) == pytest.approx(float(kl_divergence(of_z, prior)), rel=5e-3)


def test_noise_of_the_prior_is_at_the_prior_whatever_the_number_of_points():
    assert aggregate_divergence(np.zeros((3, 64), np.float32), np.zeros((3, 64), np.float32)) == 0


def test_points_of_the_prior_are_as_far_from_it_as_few_points_are(rng):
    means = rng.normal(size=(200, N, K)).astype(np.float32)
    found = [aggregate_divergence(mean, np.full((N, K), -50, np.float32)) for mean in means]
    assert np.mean(found) == pytest.approx(K * (K + 3) / (4 * N), rel=0.1)


def test_it_never_exceeds_the_kl_of_the_elbo(posteriors):
    for scale in (0.0, 0.1, 1.0, 3.0):
        mean, log_variance = scale * posteriors[0], posteriors[1]
        terms = map(torch.from_numpy, (mean, np.exp(log_variance / 2)))
        kl = float(kl_divergence(Normal(*terms), Normal(0.0, 1.0)).sum(1).mean())
        assert 0 < aggregate_divergence(mean, log_variance) < kl


def test_latents_may_leave_the_prior_while_the_kl_of_the_elbo_falls(rng):
    mean = rng.normal(size=(N, K)).astype(np.float32)
    for before, after in ((0.01, 0.1), (0.1, 0.5)):
        kl = [variance - 1 - np.log(variance) for variance in (before, after)]
        found = [
            aggregate_divergence(mean, np.full((N, K), np.log(variance), np.float32)) for variance in (before, after)
        ]
        assert kl[0] > kl[1]
        assert found[0] < found[1]


def test_a_singular_covariance_gives_none(rng):
    mean = rng.normal(size=(10, 20)).astype(np.float32)
    assert aggregate_divergence(mean, np.full((10, 20), -100, np.float32)) is None
    assert aggregate_divergence(mean, np.full((10, 20), -10, np.float32)) > 0
