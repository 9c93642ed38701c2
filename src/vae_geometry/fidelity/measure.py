"""How well a network reproduces test images: the ELBO, its terms, active units and the Frechet distance."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from vae_geometry import VaeGeometryError, layout, tables
from vae_geometry.data.images import SIZE
from vae_geometry.fidelity.frechet import FeatureStatistics, frechet_distance, images_sha256, read_features, statistics
from vae_geometry.networks.likelihoods import binary_cross_entropy, kl_per_unit

ACTIVE_NATS = 0.01
BATCH_SIZE = 500
NO_FRECHET_DISTANCE = "the Frechet distance was not measured: fidelity.extractor is none"


def measure_fidelity(
    activations: Path,
    output: Path,
    n_points: int,
    beta: float,
    features: Path | None = None,
    weights: Path = Path("resources/downloads"),
    device: torch.device | None = None,
) -> None:
    """Measure test ELBO and Frechet distance from an activation dump.

    Parameters
    ----------
    activations : Path
        Folder written by ``dump_activations``.
    output : Path
        Table of kind ``fidelity`` with one row. Per image, in nats, with the sampled z: the reconstruction loss, KL,
        ``elbo`` = reconstruction + beta * KL, and ``kl_per_unit``, the KL of each latent unit. ``active_units`` counts
        the units with a KL above ``ACTIVE_NATS``: the others have collapsed. ``frechet_distance`` compares the
        features of the test images with those of the output (``latent: mean`` decodes the mean there), whose values
        between 0 and 1 become integers between 0 and 255, the nearest ones, as in an image file.
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
        If the folder is no such dump, holds fewer or other images than the features, or pixels outside 0 ... 1.
    """
    layers = tables.read("manifest", [activations / layout.MANIFEST]).to_pylist()
    run = {field.name: layers[0][field.name] for field in tables.RUN}
    pixels = {layer["role"]: layout.layer_file(layer["layer"]) for layer in layers}
    try:
        images, outputs, *latent = (
            np.load(activations / name, mmap_mode="r", allow_pickle=False)
            for name in (pixels["input"], pixels["output"], layout.LOGITS, layout.MEAN, layout.LOG_VARIANCE)
        )
    except KeyError as role:
        raise VaeGeometryError(f"{activations}: its manifest names no layer of role {role}; dump it again") from None
    except (OSError, ValueError, EOFError) as error:
        raise VaeGeometryError(f"{activations}: not a whole activation dump ({error}); dump it again") from None
    n_images = min(map(len, (images, outputs, *latent)))
    if n_images < n_points:
        raise VaeGeometryError(f"{activations}: holds {n_images} images, {n_points} points are asked for")
    reconstruction, kl = _elbo_terms(*(array[:n_points] for array in (images, *latent)))
    row = {
        **run,
        "elbo": reconstruction + beta * kl.sum(),
        "reconstruction": reconstruction,
        "kl": kl.sum(),
        "kl_per_unit": kl.tolist(),
        "active_units": int((kl > ACTIVE_NATS).sum()),
        "n_points": n_points,
        "reason": NO_FRECHET_DISTANCE,
    }
    if features is not None:
        originals = _pixels(activations / pixels["input"], images[:n_points])
        reconstructions = _pixels(activations / pixels["output"], outputs[:n_points])
        known = read_features(features)
        if known.n_points != n_points or known.images_sha256 != images_sha256(originals):
            raise VaeGeometryError(
                f"{features}: holds features of {known.n_points} images, which are not the {n_points} of "
                f"{activations}; remove it to make it again"
            )
        row |= {
            "frechet_distance": _distance(known, reconstructions, weights, device or torch.device("cpu")),
            "reason": None,
        }
        row |= {"extractor": known.extractor, "warning": _warning(known, reconstructions)}
    tables.write("fidelity", [row], output)


def _elbo_terms(
    images: NDArray[np.float32],
    logits: NDArray[np.float32],
    mean: NDArray[np.float32],
    log_variance: NDArray[np.float32],
) -> tuple[float, NDArray[np.float64]]:
    """Reconstruction loss and KL of each latent unit, means over the images."""
    reconstruction, kl = 0.0, np.zeros(mean.shape[1])
    for start in range(0, len(images), BATCH_SIZE):
        x, y, m, v = (
            torch.from_numpy(array[start : start + BATCH_SIZE].astype(float))
            for array in (images, logits, mean, log_variance)
        )
        reconstruction += float(binary_cross_entropy(x, y).sum())
        kl += kl_per_unit(m, v).sum(0).numpy()
    return reconstruction / len(images), kl / len(images)


def _pixels(path: Path, values: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Images as in a file: (N, D) values between 0 and 1 to the nearest of 0 ... 255, (N, channels, 32, 32)."""
    if not ((values >= 0) & (values <= 1)).all():
        raise VaeGeometryError(f"{path}: holds values that are not between 0 and 1; dump again")
    return np.rint(values * 255).astype(np.uint8).reshape(len(values), -1, SIZE, SIZE)


def _distance(known: FeatureStatistics, images: NDArray[np.uint8], weights: Path, device: torch.device) -> float:
    from vae_geometry.fidelity.extractors import extract_features, load_extractor

    features = extract_features(load_extractor(known.extractor, weights, device), images, device)
    return frechet_distance(known.mean, known.covariance, *statistics(features))


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
