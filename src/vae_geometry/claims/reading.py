"""Evidence read from the tables of a sweep, and from those published with the paper."""

from collections.abc import Sequence
from dataclasses import replace
from math import sqrt
from pathlib import Path

import numpy as np
import pandas as pd

from vae_geometry import VaeGeometryError
from vae_geometry.claims import published
from vae_geometry.claims.evidence import Evidence, relative_difference
from vae_geometry.claims.uncertainty import Sample
from vae_geometry.layout import OF_CLAIMS
from vae_geometry.selection import Selection
from vae_geometry.tables import SCHEMAS, is_measured, read_frame

# The published tables have no errors: they are given those of sweeps/long.yaml, by the 90 % quantile
# over its CIFAR-10 checkpoints, layers and pairs of layers of relative error times sqrt(N).
PUBLISHED_POINTS, PUBLISHED_ID_ERROR, PUBLISHED_II_ERROR = 5000, 1.39, 3.54
PUBLISHED_COORDINATES = 3072

OPTIONAL = ("latents", "cross_bottleneck", "fidelity", "training")  # those that networks trained elsewhere lack


def of_sweep(selection: Selection, kinds: Sequence[str] = OF_CLAIMS) -> list[Evidence]:
    """The numbers of each seed, and last those of all seeds together.

    Only of what every seed has. The standard error of a loss, which has none of its own, is the scatter about the mean
    of the epochs before and after: Gasser et al., Biometrika 73 (1986) 625, pseudo-residuals.

    Parameters
    ----------
    selection : Selection
        One data set and one kind of noise.
    kinds : sequence of str
        The tables to read, of which the IDs are one; without the others their numbers are not there.

    Raises
    ------
    VaeGeometryError
        If a table is absent, or the tables are of networks of different layers.
    """
    dimensions, imbalances, latents, across, fidelity, training = (
        _read(kind, selection) if kind in kinds else _no_rows(kind) for kind in OF_CLAIMS
    )
    roles = _roles(dimensions, selection.results)
    coordinates = dimensions.loc[dimensions["role"] == "input", "extrinsic_dimension"].dropna()
    extractors = fidelity["extractor"].dropna()
    no_distance = fidelity.loc[fidelity["frechet_distance"].isna(), "reason"].dropna()
    training = training.assign(kl_error=_scatter(training, "validation_kl"))
    training["elbo_error"] = _scatter(training, "validation_elbo")

    def of_seeds(*seeds: int) -> Evidence:
        def samples(frame: pd.DataFrame, value: str, error: str | None, *more: str) -> dict:
            return _samples(frame, value, error, ["bottleneck", "epoch", *more], seeds)

        return Evidence(
            dataset=selection.datasets[0],
            seeds=seeds,
            bottlenecks=sorted(selection.bottlenecks),
            epochs=sorted(selection.epochs),
            roles=roles,
            dimension=samples(dimensions, "intrinsic_dimension", "id_stderr", "layer"),
            imbalance=samples(imbalances, "information_imbalance", "ii_stderr", "source_layer", "target_layer"),
            coordinates=int(coordinates.iloc[0]) if len(coordinates) else None,
            frechet_distance=samples(fidelity, "frechet_distance", None),
            kl=samples(training, "validation_kl", "kl_error"),
            elbo=samples(training, "validation_elbo", "elbo_error"),
            divergence=samples(fidelity, "aggregate_divergence", None),
            active_units=samples(fidelity, "active_units", None),
            latent_dimension=samples(latents, "intrinsic_dimension", "id_stderr", "latent"),
            from_latent=samples(latents, "ii_to_input", "ii_to_input_stderr", "latent"),
            between_bottlenecks=_between(across, seeds),
            extractor=extractors.iloc[0] if len(extractors) else None,
            no_distance=no_distance.iloc[0] if len(no_distance) else None,
        )

    return [*(of_seeds(seed) for seed in selection.seeds), of_seeds(*selection.seeds)]


def _between(across: pd.DataFrame, seeds: tuple[int, ...]) -> dict[tuple[int, int, int], Sample]:
    """Relative II difference of the same layer in two networks, from II(narrower -> wider) and back."""
    same = across[across["source_layer"] == across["target_layer"]]
    keys = ["source_bottleneck", "target_bottleneck", "source_layer"]
    numbers = _samples(same, "information_imbalance", "ii_stderr", keys, seeds)
    return {
        (one, other, layer): relative_difference(numbers[one, other, layer], numbers[other, one, layer])
        for one, other, layer in numbers
        if one < other and (other, one, layer) in numbers
    }


def require_alike(selection: Selection) -> None:
    """Read all tables at once, to see that all kinds of noise were measured alike."""
    for kind in OF_CLAIMS:
        _read(kind, selection)


def _read(kind: str, selection: Selection) -> pd.DataFrame:
    """The selected tables of one kind; no rows where networks trained elsewhere have none."""
    if kind == "cross_bottleneck":
        selection = replace(selection, epochs=[max(selection.epochs)])
    if kind in OPTIONAL and not is_measured(kind, selection):
        return _no_rows(kind)
    return read_frame(kind, selection)


def _no_rows(kind: str) -> pd.DataFrame:
    return SCHEMAS[kind].empty_table().to_pandas()


def _scatter(training: pd.DataFrame, loss: str) -> pd.Series:
    runs = training.sort_values("epoch").groupby(["bottleneck", "seed"])[loss]
    residuals = (training[loss] - (runs.shift(1) + runs.shift(-1)) / 2) * np.sqrt(2 / 3)
    return (residuals**2).groupby([training["bottleneck"], training["seed"]]).transform("mean") ** 0.5


def _roles(dimensions: pd.DataFrame, source: Path) -> dict[int, str | None]:
    """Layer -> role, None where it is null; raises VaeGeometryError where a layer has several."""
    layers = dimensions[["layer", "role"]].drop_duplicates()
    if twice := layers.loc[layers["layer"].duplicated(), "layer"].tolist():
        raise VaeGeometryError(
            f"{source}: layer {twice[0]} differs between the tables, so they are of different networks; measure again"
        )
    roles = layers["role"].where(layers["role"].notna(), None)
    return dict(zip(layers["layer"].tolist(), roles.tolist(), strict=True))


def _samples(frame: pd.DataFrame, value: str, error: str | None, keys: list[str], seeds: tuple[int, ...]) -> dict:
    """What every seed has, by the values of ``keys``."""
    frame = frame[frame["seed"].isin(seeds) & frame[value].notna()].sort_values([*keys, "seed"])
    frame = frame[frame.groupby(keys)[value].transform("size") == len(seeds)]
    values = frame[value].to_numpy(float).reshape(-1, len(seeds))
    errors = frame[error].to_numpy(float).reshape(-1, len(seeds)) if error else np.full(values.shape, np.nan)
    places = zip(*(frame[key].to_numpy()[:: len(seeds)].tolist() for key in keys), strict=True)
    return {place: Sample(*numbers) for place, *numbers in zip(places, values, errors, strict=True)}


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
        dataset="cifar10",
        seeds=(),
        bottlenecks=sorted(dimensions["bottleneck"].unique().tolist()),
        epochs=sorted(dimensions["epoch"].unique().tolist()),
        roles=_roles(dimensions, folder),
        dimension=_with_error(dimensions, "intrinsic_dimension", PUBLISHED_ID_ERROR, ["layer"]),
        imbalance=_with_error(imbalances, "information_imbalance", PUBLISHED_II_ERROR, ends),
        coordinates=PUBLISHED_COORDINATES,
    )


def _with_error(frame: pd.DataFrame, value: str, error: float, keys: list[str]) -> dict:
    """Published values of one quantity; ``error`` is relative, times sqrt(N)."""
    places = zip(*(frame[key].tolist() for key in ["bottleneck", "epoch", *keys]), strict=True)
    numbers = [Sample.of(number, number * error / sqrt(PUBLISHED_POINTS)) for number in frame[value].tolist()]
    return dict(zip(places, numbers, strict=True))
