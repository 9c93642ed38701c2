"""What the claims are checked on: the numbers of one seed, of all seeds together, or those published with the paper."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import sqrt
from pathlib import Path

import numpy as np
import pandas as pd

from vae_geometry import VaeGeometryError
from vae_geometry.claims import published
from vae_geometry.claims.uncertainty import Measured, hump, over_seeds
from vae_geometry.selection import Selection
from vae_geometry.tables import SCHEMAS, is_measured, read_frame

# The published tables have no errors: they are given those of sweeps/reduced.yaml, by the 90 % quantile
# over its CIFAR-10 checkpoints, layers and pairs of layers of relative error times sqrt(N).
PUBLISHED_POINTS, PUBLISHED_ID_ERROR, PUBLISHED_II_ERROR = 5000, 1.3, 3.3
PUBLISHED_PIXELS = 3072

READ = ("intrinsic_dimension", "information_imbalance", "fidelity", "training")  # kinds of tables
OPTIONAL = ("fidelity", "training")  # those that networks trained elsewhere lack
ENCODER, DECODER = ("input", "encoder"), ("bottleneck", "decoder", "output")  # the roles of their layers
ONE_LAYER = ("input", "bottleneck", "output")  # roles that one layer of a network has


class NotMeasured(VaeGeometryError):
    """What a claim needs was not measured; the message says what."""


@dataclass(frozen=True)
class Evidence:
    """Numbers of one data set and kind of noise.

    Attributes
    ----------
    seeds : tuple of int
        Whose mean the numbers are.
    bottlenecks, epochs : sequences of int
        Ascending; of the checkpoints.
    roles : mapping
        Layer -> role; None where it is not known, as for a user's folder without a manifest.
    dimension : mapping
        (K, epoch, layer) -> intrinsic dimension.
    imbalance : mapping
        (K, epoch, source layer, target layer) -> information imbalance.
    pixels : int or None
        Extrinsic dimension of the input.
    frechet_distance : mapping
        (K, epoch) -> Frechet distance.
    kl : mapping
        (K, epoch) -> KL divergence of the validation images, nats per image; every epoch of the training.
    extractor : str or None
        Network of the Frechet distance's features.
    """

    seeds: tuple[int, ...]
    bottlenecks: Sequence[int]
    epochs: Sequence[int]
    roles: Mapping[int, str | None]
    dimension: Mapping[tuple[int, int, int], Measured]
    imbalance: Mapping[tuple[int, int, int, int], Measured]
    pixels: int | None = None
    frechet_distance: Mapping[tuple[int, int], Measured] = field(default_factory=dict)
    kl: Mapping[tuple[int, int], Measured] = field(default_factory=dict)
    extractor: str | None = None

    @property
    def last(self) -> int:
        """The last epoch, of trained networks."""
        if self.epochs[-1] == 0:
            raise NotMeasured("no trained network was measured; add a later epoch to the checkpoints")
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
            if role in ONE_LAYER and len(layers) != 1:
                raise NotMeasured(f"needs one layer of the role {role}, the network has {len(layers)}")
        return sorted(layer for layers in of_roles.values() for layer in layers)

    def dimension_of(self, bottleneck: int, epoch: int, role: str) -> Measured:
        """ID of the input, the bottleneck or the output."""
        (layer,) = self.layers(role)
        return self._dimension(bottleneck, epoch, layer)

    def hump(self, bottleneck: int, epoch: int, *roles: str) -> Measured:
        """Height of the ID's hump along the layers of some roles: see ``uncertainty.hump``."""
        layers = self.layers(*roles)
        if len(layers) < 3:
            raise NotMeasured(f"a hump needs 3 layers, there are {len(layers)} of the roles {', '.join(roles)}")
        return hump([self._dimension(bottleneck, epoch, layer) for layer in layers])

    def to_input(self, bottleneck: int, epoch: int, role: str) -> Measured:
        """II from the bottleneck or the output to the input."""
        source, target = self.layers(role) + self.layers("input")
        return _get(self.imbalance, (bottleneck, epoch, source, target), "II from layer {2} to the input")

    def net_step(self, bottleneck: int, epoch: int, *roles: str) -> Measured:
        """Sum of the relative II differences of each layer of some roles and the next; negative: a compression."""
        steps = [self._step(bottleneck, epoch, *layers) for layers in pairwise(self.layers(*roles))]
        return Measured(sum(step.value for step in steps), sum(step.error**2 for step in steps) ** 0.5)

    def _dimension(self, bottleneck: int, epoch: int, layer: int) -> Measured:
        return _get(self.dimension, (bottleneck, epoch, layer), "the ID of layer {2}")

    def _step(self, bottleneck: int, epoch: int, layer: int, following: int) -> Measured:
        there = _get(self.imbalance, (bottleneck, epoch, layer, following), "II from layer {2} to layer {3}")
        back = _get(self.imbalance, (bottleneck, epoch, following, layer), "II from layer {2} to layer {3}")
        total = there.value + back.value
        error = 4 / total**2 * np.hypot(back.value * there.error, there.value * back.error)
        return Measured(2 * (there.value - back.value) / total, float(error))


def _get(numbers: Mapping, key: tuple, what: str) -> Measured:
    if key not in numbers:
        raise NotMeasured(f"{what.format(*key)} was not measured (K = {key[0]}, epoch {key[1]})")
    return numbers[key]


def of_sweep(selection: Selection) -> list[Evidence]:
    """The numbers of each seed, and last those of all seeds together.

    Means and errors are those of ``uncertainty.over_seeds``, of what every seed has. The standard error of the KL,
    which has none of its own, is the scatter about the mean of the epochs before and after: Gasser et al., Biometrika
    73 (1986) 625, pseudo-residuals. An error that is not known is 0.

    Parameters
    ----------
    selection : Selection
        One data set and one kind of noise.

    Raises
    ------
    VaeGeometryError
        If a table is absent, or the tables are of networks of different layers.
    """
    dimensions, imbalances, fidelity, training = (_read(kind, selection) for kind in READ)
    training = _with_scatter(training)
    roles = _roles(dimensions, selection.results)
    pixels = dimensions.loc[dimensions["role"] == "input", "extrinsic_dimension"].dropna()
    extractors = fidelity["extractor"].dropna()

    def of_seeds(*seeds: int) -> Evidence:
        def means(frame: pd.DataFrame, value: str, error: str | None, *more: str) -> dict:
            return _means(frame[frame["seed"].isin(seeds)], value, error, ["bottleneck", "epoch", *more], len(seeds))

        return Evidence(
            seeds=seeds,
            bottlenecks=sorted(selection.bottlenecks),
            epochs=sorted(selection.epochs),
            roles=roles,
            dimension=means(dimensions, "intrinsic_dimension", "id_stderr", "layer"),
            imbalance=means(imbalances, "information_imbalance", "ii_stderr", "source_layer", "target_layer"),
            pixels=int(pixels.iloc[0]) if len(pixels) else None,
            frechet_distance=means(fidelity, "frechet_distance", None),
            kl=means(training, "validation_kl", "error"),
            extractor=extractors.iloc[0] if len(extractors) else None,
        )

    return [*(of_seeds(seed) for seed in selection.seeds), of_seeds(*selection.seeds)]


def _read(kind: str, selection: Selection) -> pd.DataFrame:
    """The selected tables of one kind; no rows where no network has an ELBO or a Frechet distance."""
    if kind in OPTIONAL and not is_measured(kind, selection):
        return SCHEMAS[kind].empty_table().to_pandas()
    return read_frame(kind, selection)


def _with_scatter(training: pd.DataFrame) -> pd.DataFrame:
    runs = training.sort_values("epoch").groupby(["bottleneck", "seed"])["validation_kl"]
    residuals = (training["validation_kl"] - (runs.shift(1) + runs.shift(-1)) / 2) * np.sqrt(2 / 3)
    squares = (residuals**2).groupby([training["bottleneck"], training["seed"]])
    return training.assign(error=np.sqrt(squares.transform("mean")).fillna(0.0))


def _roles(dimensions: pd.DataFrame, source: Path) -> dict[int, str | None]:
    """Layer -> role, None where it is null; raises VaeGeometryError where a layer has several."""
    layers = dimensions[["layer", "role"]].drop_duplicates()
    if twice := layers.loc[layers["layer"].duplicated(), "layer"].tolist():
        raise VaeGeometryError(
            f"{source}: layer {twice[0]} has several roles, so the tables are of different networks; measure again"
        )
    roles = layers["role"].where(layers["role"].notna(), None)
    return dict(zip(layers["layer"].tolist(), roles.tolist(), strict=True))


def _means(frame: pd.DataFrame, value: str, error: str | None, keys: list[str], n_seeds: int) -> dict:
    """Means of what every seed has, by the values of ``keys``."""
    table = over_seeds(frame, value, keys, error)
    table = table[table["n_seeds"] == n_seeds].fillna({"spread": 0.0})
    numbers = map(Measured, table["mean"].tolist(), table["spread"].tolist())
    return dict(zip(table.index.tolist(), numbers, strict=True))


def of_published(folder: Path) -> Evidence:
    """The values published with the paper (CIFAR-10, one run per K, no errors), with errors of the usual size.

    Raises
    ------
    VaeGeometryError
        If a file is absent or damaged.
    """
    dimensions, imbalances = published.read(folder)
    ends = ["source_layer", "target_layer"]
    return Evidence(
        seeds=(),
        bottlenecks=sorted(dimensions["bottleneck"].unique().tolist()),
        epochs=sorted(dimensions["epoch"].unique().tolist()),
        roles=_roles(dimensions, folder),
        dimension=_with_error(dimensions, "intrinsic_dimension", PUBLISHED_ID_ERROR, ["layer"]),
        imbalance=_with_error(imbalances, "information_imbalance", PUBLISHED_II_ERROR, ends),
        pixels=PUBLISHED_PIXELS,
    )


def _with_error(frame: pd.DataFrame, value: str, error: float, keys: list[str]) -> dict:
    """Published values of one quantity; ``error`` is relative, times sqrt(N)."""
    places = zip(*(frame[key].tolist() for key in ["bottleneck", "epoch", *keys]), strict=True)
    numbers = [Measured(number, number * error / sqrt(PUBLISHED_POINTS)) for number in frame[value].tolist()]
    return dict(zip(places, numbers, strict=True))
