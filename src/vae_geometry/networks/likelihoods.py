"""The terms of the ELBO: what the decoder's output says of the inputs, KL divergence, and how a latent is sampled."""

import math

import torch
from torch import Tensor, nn
from torch.distributions import ContinuousBernoulli as ContinuousBernoulliDistribution

from vae_geometry import VaeGeometryError


class Likelihood(nn.Module):
    """The law p(x | z), whose parameters the decoder outputs.

    Attributes
    ----------
    needs_unit_interval : bool
        Whether the inputs must lie between 0 and 1.
    """

    needs_unit_interval = True

    def loss(self, inputs: Tensor, outputs: Tensor) -> Tensor:
        """Reconstruction loss of each input, summed over its values, (n,), in nats.

        Parameters
        ----------
        inputs, outputs : (n, ...) float tensors
            Outputs of the decoder, of the shape of the inputs.
        """
        raise NotImplementedError

    def expected(self, outputs: Tensor) -> Tensor:
        """The reconstruction: the mean of the law, of the shape of the outputs."""
        raise NotImplementedError

    @property
    def output_variance(self) -> float | None:
        """Variance of the law, if it has one of its own."""
        return None


class Bernoulli(Likelihood):
    """Binary cross-entropy of the logits that the decoder outputs, as in the paper.

    Of values that are not 0 or 1, such as levels of grey, it is no normalised likelihood: the ELBO then bounds no
    probability, and even a perfect reconstruction has a loss.
    """

    def loss(self, inputs: Tensor, outputs: Tensor) -> Tensor:
        """As of ``Likelihood``; the outputs are logits."""
        return nn.functional.binary_cross_entropy_with_logits(outputs, inputs, reduction="none").flatten(1).sum(1)

    def expected(self, outputs: Tensor) -> Tensor:
        """The sigmoid of the outputs."""
        return torch.sigmoid(outputs)


class ContinuousBernoulli(Likelihood):
    """The Bernoulli law, normalised for values between 0 and 1 (Loaiza-Ganem and Cunningham, NeurIPS 32 (2019))."""

    def loss(self, inputs: Tensor, outputs: Tensor) -> Tensor:
        """As of ``Likelihood``; the outputs are logits."""
        law = ContinuousBernoulliDistribution(logits=outputs, validate_args=False)
        return -law.log_prob(inputs).flatten(1).sum(1)

    def expected(self, outputs: Tensor) -> Tensor:
        """The mean of the law, which is not the sigmoid."""
        return ContinuousBernoulliDistribution(logits=outputs, validate_args=False).mean


class Gaussian(Likelihood):
    """Normal law around the decoder's output, with one variance for all values: given, or learnt with the weights.

    Parameters
    ----------
    variance : float or None
        None learns it.
    """

    needs_unit_interval = False

    def __init__(self, variance: float | None) -> None:
        super().__init__()
        self.variance = variance  # no buffer: load_checkpoint has the weights alone
        if variance is None:
            self.log_variance = nn.Parameter(torch.zeros(()))

    def loss(self, inputs: Tensor, outputs: Tensor) -> Tensor:
        """As of ``Likelihood``; the outputs are means."""
        log_variance = self.log_variance if self.variance is None else torch.tensor(math.log(self.variance))
        squares = (inputs - outputs) ** 2 / log_variance.exp()
        return 0.5 * (squares + log_variance + math.log(2 * math.pi)).flatten(1).sum(1)

    def expected(self, outputs: Tensor) -> Tensor:
        """The outputs."""
        return outputs

    @property
    def output_variance(self) -> float:
        """As of ``Likelihood``."""
        return self.log_variance.detach().exp().item() if self.variance is None else self.variance


LIKELIHOODS = ("bernoulli", "continuous_bernoulli", "gaussian")


def likelihood(name: str, variance: float | None = None) -> Likelihood:
    """Build a likelihood.

    Parameters
    ----------
    name : str
        One of ``LIKELIHOODS``.
    variance : float or None
        Of ``gaussian``; None learns it.

    Raises
    ------
    VaeGeometryError
        If a variance is given to another.
    """
    if name == "gaussian":
        return Gaussian(variance)
    if variance is not None:
        raise VaeGeometryError(f"model.variance: likelihood {name} has none; leave it out, or take gaussian")
    return {"bernoulli": Bernoulli, "continuous_bernoulli": ContinuousBernoulli}[name]()


def sample(mean: Tensor, log_variance: Tensor, noise: Tensor) -> Tensor:
    """z = mu + sigma * eps, (n, K); ``noise`` is eps, standard normal."""
    return mean + torch.exp(0.5 * log_variance) * noise


def kl_per_unit(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL divergence from the prior N(0, 1) of each input and latent unit, (n, K), in nats."""
    return -0.5 * (1 + log_variance - mean**2 - log_variance.exp())
