"""What the claims are checked on: the numbers of one seed, of all seeds together, or those published with the paper."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from vae_geometry import VaeGeometryError
from vae_geometry.claims.uncertainty import Sample, mean_of

PAPER_EPOCHS = 200  # of its trainings
ENCODER, DECODER = ("input", "encoder"), ("bottleneck", "decoder", "output")  # the roles of their layers
ONE_LAYER = ("input", "bottleneck", "output")  # roles that one layer of a network has


class NotMeasured(VaeGeometryError):
    """What a claim needs was not measured in this sweep; the message says what."""


class NotApplicable(VaeGeometryError):
    """The network or the data lack what a claim is about, whatever is measured; the message says what."""


@dataclass(frozen=True)
class Evidence:
    """Numbers of one data set and kind of noise, each with one value per seed.

    Attributes
    ----------
    dataset : str
        Name of the data set.
    seeds : tuple of int
        Empty for the published values.
    bottlenecks, epochs : sequences of int
        Ascending; of the checkpoints.
    roles : mapping
        Layer -> role; None where it is not known, as for a user's folder without a manifest.
    dimension : mapping
        (K, epoch, layer) -> intrinsic dimension.
    imbalance : mapping
        (K, epoch, source layer, target layer) -> information imbalance.
    coordinates : int or None
        Extrinsic dimension of the input.
    frechet_distance : mapping
        (K, epoch) -> Frechet distance.
    kl, elbo : mappings
        (K, epoch) -> KL divergence and ELBO of the validation set, nats per input; every epoch of the training.
    divergence : mapping
        (K, epoch) -> divergence of the aggregate posterior from the prior, nats.
    active_units : mapping
        (K, epoch) -> number of active units.
    latent_dimension, from_latent : mappings
        (K, epoch, latent) -> ID of a latent, and II from it to the input; latents as in ``latents.LATENTS``.
    between_bottlenecks : mapping
        (K, larger K, layer) -> relative II difference of the same layer in two networks, at the last epoch.
    extractor : str or None
        Network of the Frechet distance's features.
    no_distance : str or None
        Why a Frechet distance is null.
    """

    dataset: str
    seeds: tuple[int, ...]
    bottlenecks: Sequence[int]
    epochs: Sequence[int]
    roles: Mapping[int, str | None]
    dimension: Mapping[tuple[int, int, int], Sample]
    imbalance: Mapping[tuple[int, int, int, int], Sample]
    coordinates: int | None = None
    frechet_distance: Mapping[tuple[int, int], Sample] = field(default_factory=dict)
    kl: Mapping[tuple[int, int], Sample] = field(default_factory=dict)
    elbo: Mapping[tuple[int, int], Sample] = field(default_factory=dict)
    divergence: Mapping[tuple[int, int], Sample] = field(default_factory=dict)
    active_units: Mapping[tuple[int, int], Sample] = field(default_factory=dict)
    latent_dimension: Mapping[tuple[int, int, str], Sample] = field(default_factory=dict)
    from_latent: Mapping[tuple[int, int, str], Sample] = field(default_factory=dict)
    between_bottlenecks: Mapping[tuple[int, int, int], Sample] = field(default_factory=dict)
    extractor: str | None = None
    no_distance: str | None = None

    @property
    def last(self) -> int:
        """The last epoch, of trained networks."""
        if self.epochs[-1] == 0:
            raise NotMeasured("no trained network was measured; add a later epoch to training.checkpoints")
        return self.epochs[-1]

    @property
    def trained(self) -> list[int]:
        """Epochs of the checkpoints of trained networks, three at least."""
        epochs = [epoch for epoch in self.epochs if epoch > 0]
        if len(epochs) < 3:
            raise NotMeasured(f"needs three checkpoints past epoch 0, there are {len(epochs)}; add some")
        return epochs

    def several(self, least: int) -> Sequence[int]:
        """The bottlenecks, so many at least."""
        if len(self.bottlenecks) < least:
            raise NotMeasured(f"needs {least} bottlenecks, the sweep has {len(self.bottlenecks)}; add some")
        return self.bottlenecks

    def layers(self, *roles: str) -> list[int]:
        """Layers of some roles, in the order of the network."""
        if not self.roles or None in self.roles.values():
            raise NotMeasured("the roles of the layers are not known")
        of_roles = {role: [layer for layer in sorted(self.roles) if self.roles[layer] == role] for role in roles}
        for role, layers in of_roles.items():
            if role in ONE_LAYER and not layers:
                raise NotApplicable(f"the network has no layer of the role {role}")
            if role in ONE_LAYER and len(layers) > 1:
                raise NotMeasured(f"needs one layer of the role {role}, the network has {len(layers)}")
        return sorted(layer for layers in of_roles.values() for layer in layers)

    def dimension_of(self, bottleneck: int, epoch: int, role: str) -> Sample:
        """ID of the input, the bottleneck or the output."""
        (layer,) = self.layers(role)
        return self._dimension(bottleneck, epoch, layer)

    def hump_layers(self, *roles: str) -> list[int]:
        """Layers of some roles along which the ID may have a hump: three at least."""
        layers = self.layers(*roles)
        if len(layers) < 3:
            raise NotApplicable(
                f"a hump needs 3 layers, and the network has {len(layers)} of the roles {' and '.join(roles)}"
            )
        return layers

    def profiles(self, epoch: int, layers: Sequence[int]) -> dict[int, list[Sample]]:
        """K -> ID along layers."""
        return {size: [self._dimension(size, epoch, layer) for layer in layers] for size in self.bottlenecks}

    def to_input(self, bottleneck: int, epoch: int, role: str) -> Sample:
        """II from the bottleneck or the output to the input."""
        source, target = self.layers(role) + self.layers("input")
        return _get(self.imbalance, (bottleneck, epoch, source, target), "II from layer {2} to the input")

    def steps(self, bottleneck: int, epoch: int, *roles: str) -> list[Sample]:
        """Relative II difference of each layer of some roles and the next; negative: a compression."""
        return [self._step(bottleneck, epoch, *layers) for layers in pairwise(self.layers(*roles))]

    def course(self, numbers: Mapping[tuple[int, int], Sample], bottleneck: int) -> dict[tuple[int, int], Sample]:
        """Means of a loss over windows of epochs that double in length: first and last epoch of each -> mean.

        A single epoch is noisy, and the highest of all is higher still.

        Raises
        ------
        NotMeasured
            If an epoch is absent, or there are fewer than three windows.
        """
        found = [epoch for size, epoch in numbers if size == bottleneck]
        windows = doubling(self.last)
        if sorted(found) != list(range(1, self.last + 1)):
            raise NotMeasured(f"not every epoch up to {self.last} was measured or published")
        if len(windows) < 3:
            raise NotMeasured(f"needs 5 epochs, the sweep has {self.last}; train longer")
        return {
            (first, last): mean_of([numbers[bottleneck, epoch] for epoch in range(first, last + 1)])
            for first, last in windows
        }

    def _dimension(self, bottleneck: int, epoch: int, layer: int) -> Sample:
        return _get(self.dimension, (bottleneck, epoch, layer), "the ID of layer {2}")

    def _step(self, bottleneck: int, epoch: int, layer: int, following: int) -> Sample:
        there = _get(self.imbalance, (bottleneck, epoch, layer, following), "II from layer {2} to layer {3}")
        back = _get(self.imbalance, (bottleneck, epoch, following, layer), "II from layer {2} to layer {3}")
        return relative_difference(there, back)


def relative_difference(there: Sample, back: Sample) -> Sample:
    """Difference of two II over their mean, within seeds."""
    total = there.numbers + back.numbers
    errors = 4 / total**2 * np.hypot(back.numbers * there.errors, there.numbers * back.errors)
    return Sample(2 * (there.numbers - back.numbers) / total, errors)


def doubling(last: int) -> list[tuple[int, int]]:
    """First and last epochs of windows 1, 2-3, 4-7, ... up to an epoch; a short rest joins the one before it."""
    windows = []
    first = 1
    while first <= last:
        end = 2 * first - 1
        if last - end < first:  # the next one would not be half full
            end = last
        windows.append((first, end))
        first = end + 1
    return windows


def _get(numbers: Mapping, key: tuple, what: str) -> Sample:
    if key not in numbers:
        raise NotMeasured(f"{what.format(*key)} was not measured (K = {key[0]}, epoch {key[1]})")
    return numbers[key]
