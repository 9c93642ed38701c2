"""How well a network reproduces test images: the ELBO, its terms, active units and the Frechet distance."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vae_geometry import VaeGeometryError, layout, tables
from vae_geometry.arrays import open_npy
from vae_geometry.dumps import (
    BESIDE_LAYERS,
    FOR_THE_ELBO,
    REMEDY,
    check_manifest,
    layer_files,
    read_manifest,
    unchanged,
)
from vae_geometry.fidelity import NO_IMAGES
from vae_geometry.fidelity.aggregate import SINGULAR, aggregate_divergence
from vae_geometry.fidelity.elbo import elbo_terms
from vae_geometry.fidelity.frechet import FeatureStatistics, frechet_distance, images_sha256, read_features, statistics
from vae_geometry.latents import active_units
from vae_geometry.networks.likelihoods import LIKELIHOODS, Likelihood, likelihood
from vae_geometry.replacing import require_same_run

NO_FRECHET_DISTANCE = "the Frechet distance was not measured: fidelity.extractor is none"


@dataclass(frozen=True)
class Dump:
    """An activation dump of the first N images, as far as it is needed here.

    Attributes
    ----------
    folder : Path
    run : dict
        Data set, noise, K, seed and epoch.
    files : dict
        Role -> name of the array of the last layer that has it.
    shape : tuple of int
        Of an input.
    likelihood : Likelihood
    images, outputs, logits, samples : (N, D) float32 arrays
    mean, log_variance : (N, K) float32 arrays
    """

    folder: Path
    run: dict[str, object]
    files: dict[str, str]
    shape: tuple[int, ...]
    likelihood: Likelihood
    images: NDArray[np.float32]
    outputs: NDArray[np.float32]
    logits: NDArray[np.float32]
    samples: NDArray[np.float32]
    mean: NDArray[np.float32]
    log_variance: NDArray[np.float32]


def measure_fidelity(
    activations: Path,
    output: Path,
    n_points: int,
    beta: float,
    features: Path | None = None,
    weights: Path = Path(layout.RESOURCES["downloads"]),
    device: torch.device | None = None,
) -> None:
    """Measure test ELBO and Frechet distance from an activation dump.

    Parameters
    ----------
    activations : Path
        Folder written by ``dump_activations``.
    output : Path
        Table of kind ``fidelity`` with one row. Per input, in nats, with the sampled z: the reconstruction loss, KL,
        ``elbo`` = reconstruction + beta * KL, and ``kl_per_unit``, the KL of each latent unit. ``active_units`` counts
        those of ``latents.active_units``; for ``aggregate_divergence`` see there. ``frechet_distance`` compares the
        features of the test images with those of the output (``latent: mean`` decodes the mean there), whose values
        between 0 and 1 become integers between 0 and 255, the nearest ones, as in an image file; a gaussian output
        beyond them counts as black or white. ``samples_frechet_distance`` compares them with as many samples.
    n_points : int
        Use the first so many images of the dump.
    beta : float
        Weight of the KL divergence.
    features : Path or None
        File written by ``prepare_features`` for the same images; without it the distance is null.
    weights : Path
        File of Inception's weights, or the folder that holds it.
    device : torch.device or None
        Where features are computed; the CPU if None.

    Raises
    ------
    VaeGeometryError
        If the folder is no such dump, changes meanwhile, or holds fewer or other images than the features, pixels
        outside 0 ... 1 or values that are not finite; if there is a table of another run.
    """
    with unchanged(activations):
        dump = _read(activations, n_points)
        require_same_run("fidelity", output, dump.run)
        row = _measure(dump, beta, features, weights, device or torch.device("cpu"))
    tables.write("fidelity", [row], output)


def _measure(dump: Dump, beta: float, features: Path | None, weights: Path, device: torch.device) -> dict[str, object]:
    """The row of the table."""
    reconstruction, kl = elbo_terms(dump.likelihood, dump.images, dump.logits, dump.mean, dump.log_variance)
    if not np.isfinite(kl).all():
        raise VaeGeometryError(f"{dump.folder / layout.LOG_VARIANCE}: holds variances that are infinite; train again")
    divergence = aggregate_divergence(dump.mean, dump.log_variance)
    row = {
        **dump.run,
        "elbo": reconstruction + beta * kl.sum(),
        "reconstruction": reconstruction,
        "kl": kl.sum(),
        "kl_per_unit": kl.tolist(),
        "active_units": int(active_units(dump.mean).sum()),
        "aggregate_divergence": divergence,
        "n_points": len(dump.images),
    }
    if features is not None:
        row |= _measure_distance(dump, features, weights, device)
    reasons = [SINGULAR] * (divergence is None)
    if features is None:
        reasons.append(NO_FRECHET_DISTANCE if _may_be_images(dump.shape) else NO_IMAGES)
    return {**row, "reason": "; ".join(reasons) or None}


def _read(folder: Path, n_points: int) -> Dump:
    rows = read_manifest(folder)
    files = {row["role"]: layout.layer_file(row["layer"]) for row in rows}
    if absent := {"input", "output"} - files.keys():
        raise VaeGeometryError(f"{folder}: its manifest names no layer of role {min(absent)}; {REMEDY} again")
    names = [path.name for path in layer_files(folder).values()]
    names += [name for name in BESIDE_LAYERS if (folder / name).exists()]
    arrays = {name: open_npy(folder / name, REMEDY) for name in names}
    check_manifest(folder, rows, {name: array.shape for name, array in arrays.items()}, BESIDE_LAYERS)
    used = {name: arrays[name] for name in (files["input"], files["output"], layout.SAMPLES, *FOR_THE_ELBO)}
    n_images = min(map(len, used.values()))
    if n_images < n_points:
        raise VaeGeometryError(f"{folder}: holds {n_images} inputs, {n_points} points are requested; lower the points")
    images, outputs, samples, logits, mean, log_variance = (array[:n_points] for array in used.values())
    law = _likelihood(folder, rows[0])
    if law.needs_unit_interval:
        _check_pixels(folder / files["input"], images)
    for name, array in zip(FOR_THE_ELBO, (logits, mean, log_variance), strict=True):
        if array.dtype.kind != "f" or not np.isfinite(array).all():
            raise VaeGeometryError(f"{folder / name}: holds NaN or infinity; {REMEDY} again")
    run = {field.name: rows[0][field.name] for field in tables.RUN}
    (shape,) = (tuple(row["shape"] or ()) for row in rows if row["role"] == "input")
    return Dump(folder, run, files, shape, law, images, outputs, logits, samples, mean, log_variance)


def _likelihood(folder: Path, row: Mapping[str, Any]) -> Likelihood:
    if row["likelihood"] not in LIKELIHOODS or (row["likelihood"] == "gaussian") != (
        row["output_variance"] is not None
    ):
        raise VaeGeometryError(f"{folder / layout.MANIFEST}: names no likelihood with its variance; {REMEDY} again")
    return likelihood(row["likelihood"], row["output_variance"])


def _measure_distance(dump: Dump, features: Path, weights: Path, device: torch.device) -> dict[str, object]:
    """Columns of the table that the Frechet distance fills."""
    from vae_geometry.fidelity.extractors import extract_features, load_extractor

    if not _may_be_images(dump.shape):
        shape = "x".join(map(str, dump.shape))
        raise VaeGeometryError(f"{dump.folder}: inputs of {shape} are not images; leave --features out")
    _check_pixels(dump.folder / dump.files["input"], dump.images)
    images = _pixels(dump.images, dump.shape)
    if dump.likelihood.needs_unit_interval:
        _check_pixels(dump.folder / dump.files["output"], dump.outputs)
        _check_pixels(dump.folder / layout.SAMPLES, dump.samples)
    reconstructions, samples = (_pixels(np.clip(values, 0, 1), dump.shape) for values in (dump.outputs, dump.samples))
    known = read_features(features)
    if known.n_points != len(images) or known.images_sha256 != images_sha256(images):
        raise VaeGeometryError(
            f"{features}: holds features of {known.n_points} images, which are not the {len(images)} of "
            f"{dump.folder}; remove it to make it again"
        )
    extractor = load_extractor(known.extractor, weights, device)
    distance, samples_distance = (
        frechet_distance(known.mean, known.covariance, *statistics(extract_features(extractor, decoded, device)))
        for decoded in (reconstructions, samples)
    )
    return {
        "frechet_distance": distance,
        "samples_frechet_distance": samples_distance,
        "extractor": known.extractor,
        "warning": _warning(known, reconstructions),
    }


def _may_be_images(shape: tuple[int, ...]) -> bool:
    return len(shape) == 3 and shape[0] in (1, 3)


def _pixels(values: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Images as in a file: (N, D) values between 0 and 1 to the nearest of 0 ... 255, (N, *shape)."""
    return np.rint(values * 255).astype(np.uint8).reshape(len(values), *shape)


def _check_pixels(path: Path, values: NDArray[np.float32]) -> None:
    if values.dtype.kind != "f" or not ((values >= 0) & (values <= 1)).all():
        raise VaeGeometryError(f"{path}: holds values that are not between 0 and 1; {REMEDY} again")


def _warning(known: FeatureStatistics, reconstructions: NDArray[np.uint8]) -> str | None:
    """What a reader must know about a Frechet distance, if anything."""
    warnings = []
    if (reconstructions == reconstructions[0]).all():
        warnings.append("all reconstructions are the same image")
    n_features = len(known.mean)
    if known.n_points <= n_features:
        warnings.append(
            f"fewer images ({known.n_points}) than features ({n_features}), the covariance has rank {known.rank}: "
            "compare only with distances of as many images"
        )
    elif known.rank < n_features:
        constant = n_features - known.rank
        warnings.append(
            f"the covariance has rank {known.rank}: {constant} of {n_features} features do not vary in these images"
        )
    return "; ".join(warnings) or None
