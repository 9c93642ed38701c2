"""What the claims are checked on: the numbers of one seed, of all seeds together, or those published with the paper."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from vae_geometry import VaeGeometryError
from vae_geometry.claims import published
from vae_geometry.claims.uncertainty import Measured
from vae_geometry.tables import Selection, read_frame

# The published tables have no errors: they are given those of sweeps/reduced.yaml, by the 90 % quantile
# over its CIFAR-10 checkpoints, layers and pairs of layers of relative error times sqrt(N).
PUBLISHED_POINTS, PUBLISHED_ID_ERROR, PUBLISHED_II_ERROR = 5000, 1.3, 3.3


class NotMeasured(VaeGeometryError):
    """What a claim needs was not measured; the message says what."""


@dataclass(frozen=True)
class Measurements:
    """Numbers of one data set and kind of noise.

    Attributes
    ----------
    seeds : tuple of int
        Whose mean the numbers are.
    bottlenecks, epochs : sequences of int
        Ascending; of the checkpoints.
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

    def profile(self, bottleneck: int, epoch: int, layers: Sequence[int]) -> list[Measured]:
        """ID of some layers."""
        return [_get(self.dimension, (bottleneck, epoch, layer), "the ID of layer {2}") for layer in layers]

    def to_input(self, bottleneck: int, epoch: int, layer: int) -> Measured:
        """II from a layer to the input."""
        return _get(self.imbalance, (bottleneck, epoch, layer, 0), "II from layer {2} to the input")

    def step(self, bottleneck: int, epoch: int, layer: int) -> Measured:
        """Relative II difference of a layer and the next, negative where the step compresses."""
        there = _get(self.imbalance, (bottleneck, epoch, layer, layer + 1), "II from layer {2} to layer {3}")
        back = _get(self.imbalance, (bottleneck, epoch, layer + 1, layer), "II from layer {2} to layer {3}")
        total = there.value + back.value
        error = 4 / total**2 * np.hypot(back.value * there.error, there.value * back.error)
        return Measured(2 * (there.value - back.value) / total, float(error))


def _get(numbers: Mapping, key: tuple, what: str) -> Measured:
    if key not in numbers:
        raise NotMeasured(f"{what.format(*key)} was not measured (K = {key[0]}, epoch {key[1]})")
    return numbers[key]


def of_sweep(selection: Selection) -> list[Measurements]:
    """The numbers of each seed, and last those of all seeds together.

    The error of one seed is the measurement's own standard error (of the KL, which has none, the scatter about the
    mean of the epochs before and after: Gasser et al., Biometrika 73 (1986) 625, pseudo-residuals). That of all seeds
    is the standard deviation over seeds, or the mean standard error of a seed where that is larger.

    Parameters
    ----------
    selection : Selection
        One data set and one kind of noise.

    Raises
    ------
    VaeGeometryError
        If a table is absent.
    """
    frames = {
        "dimension": (read_frame("intrinsic_dimension", selection), "intrinsic_dimension", "id_stderr", ["layer"]),
        "imbalance": (
            read_frame("information_imbalance", selection),
            "information_imbalance",
            "ii_stderr",
            ["source_layer", "target_layer"],
        ),
        "frechet_distance": (read_frame("fidelity", selection).assign(error=0.0), "frechet_distance", "error", []),
        "kl": (_with_scatter(read_frame("training", selection)), "validation_kl", "error", []),
    }
    inputs = frames["dimension"][0].query("layer == 0")["extrinsic_dimension"].dropna()
    extractors = frames["frechet_distance"][0]["extractor"].dropna()
    return [
        Measurements(
            seeds=seeds,
            bottlenecks=sorted(selection.bottlenecks),
            epochs=sorted(selection.epochs),
            pixels=int(inputs.iloc[0]) if len(inputs) else None,
            extractor=extractors.iloc[0] if len(extractors) else None,
            **{
                name: _mean(frame[frame["seed"].isin(seeds)], value, error, ["bottleneck", "epoch", *keys], len(seeds))
                for name, (frame, value, error, keys) in frames.items()
            },
        )
        for seeds in [*((seed,) for seed in selection.seeds), tuple(selection.seeds)]
    ]


def _with_scatter(training: pd.DataFrame) -> pd.DataFrame:
    runs = training.sort_values("epoch").groupby(["bottleneck", "seed"])["validation_kl"]
    residuals = (training["validation_kl"] - (runs.shift(1) + runs.shift(-1)) / 2) * np.sqrt(2 / 3)
    squares = (residuals**2).groupby([training["bottleneck"], training["seed"]])
    return training.assign(error=np.sqrt(squares.transform("mean")).fillna(0.0))


def _mean(frame: pd.DataFrame, value: str, error: str, keys: list[str], n_seeds: int) -> dict[tuple, Measured]:
    """Means of what every seed has."""
    groups = frame.dropna(subset=[value]).groupby(keys)
    table = pd.DataFrame(
        {
            "value": groups[value].mean(),
            "spread": groups[value].std().fillna(0.0),
            "own": groups[error].mean().fillna(0.0),
            "n": groups[value].size(),
        }
    )
    table = table[table["n"] == n_seeds]
    return {
        key: Measured(float(row.value), float(max(row.spread, row.own)))
        for key, row in zip(table.index, table.itertuples(), strict=True)
    }


def of_published(folder: Path) -> Measurements:
    """The values published with the paper (CIFAR-10, one run per K, no errors), with errors of the usual size.

    Raises
    ------
    VaeGeometryError
        If a file is absent.
    """
    dimensions, imbalances = published.read(folder)
    root = np.sqrt(PUBLISHED_POINTS)
    return Measurements(
        seeds=(),
        bottlenecks=sorted(dimensions["bottleneck"].unique().tolist()),
        epochs=sorted(dimensions["epoch"].unique().tolist()),
        pixels=3072,
        dimension={
            (row.bottleneck, row.epoch, row.layer): Measured(
                row.intrinsic_dimension, row.intrinsic_dimension * PUBLISHED_ID_ERROR / root
            )
            for row in dimensions.itertuples()
        },
        imbalance={
            (row.bottleneck, row.epoch, row.source_layer, row.target_layer): Measured(
                row.information_imbalance, row.information_imbalance * PUBLISHED_II_ERROR / root
            )
            for row in imbalances.itertuples()
        },
    )
