"""Statistics of the features of images, those of the test images kept, and the Frechet distance between two."""

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vae_geometry import VaeGeometryError
from vae_geometry.arrays import read_npz, write_npz
from vae_geometry.data.prepared import load_inputs
from vae_geometry.fidelity import EXTRACTORS

# Array of a file of features -> kind of its type, as NumPy has it.
KINDS = {"extractor": "U", "images_sha256": "U", "n_points": "i", "rank": "i", "mean": "f", "covariance": "f"}


@dataclass(frozen=True)
class FeatureStatistics:
    """Statistics of the features of the first test images of a data set.

    Attributes
    ----------
    extractor : str
        Which network made the features.
    images_sha256 : str
        Of the bytes of the images, to know them again.
    n_points : int
        Images.
    rank : int
        Of the covariance; less than D where there are too few images.
    mean : (D,) float32 array
    covariance : (D, D) float64 array
    """

    extractor: str
    images_sha256: str
    n_points: int
    rank: int
    mean: NDArray[np.float32]
    covariance: NDArray[np.float64]


def prepare_features(
    images: Path, output: Path, extractor: str, n_points: int, weights: Path, device: torch.device
) -> None:
    """Compute the features of the first test images of a data set and keep their statistics.

    Parameters
    ----------
    images : Path
        ``test.npz`` of a prepared data set.
    output : Path
        npz file with the fields of ``FeatureStatistics``, written atomically.
    extractor : str
        Key of ``EXTRACTORS``.
    n_points : int
        Images to take.
    weights : Path
        File of Inception's weights, or the folder that holds it.
    device : torch.device

    Raises
    ------
    VaeGeometryError
        If there are fewer images, all are the same or they are arrays, or the weights are not to be had.
    """
    from vae_geometry.fidelity.extractors import extract_features, load_extractor

    pixels = load_inputs(images)
    if len(pixels) < n_points or n_points < 2:
        problem = f"holds {len(pixels)} images, {n_points} points are requested"
        raise VaeGeometryError(f"{images}: {problem}; fidelity.points must lie between 2 and the number of images")
    if pixels.dtype != np.uint8:
        raise VaeGeometryError(f"{images}: holds arrays, and features are those of images; give a data set of images")
    pixels = pixels[:n_points]
    if (pixels == pixels[0]).all():
        raise VaeGeometryError(f"{images}: the first {n_points} images are all the same; give images that differ")
    features = extract_features(load_extractor(extractor, weights, device), pixels, device)
    mean, covariance = statistics(features)
    rank = int(np.linalg.matrix_rank(covariance, hermitian=True))
    kept = FeatureStatistics(extractor, images_sha256(pixels), n_points, rank, mean, covariance)
    write_npz(output, {name: np.asanyarray(value) for name, value in asdict(kept).items()})


def read_features(path: Path) -> FeatureStatistics:
    """Read what ``prepare_features`` wrote.

    Raises
    ------
    VaeGeometryError
        If the file is absent or no such file.
    """
    fields: dict[str, Any] = dict(zip(KINDS, read_npz(path, list(KINDS), "run prepare-features"), strict=True))
    try:
        if "".join(array.dtype.kind for array in fields.values()) != "".join(KINDS.values()):
            raise ValueError("it holds arrays of other types")
        fields |= {name: fields[name].item() for name in ("extractor", "images_sha256", "n_points", "rank")}
        kept = FeatureStatistics(**fields)
        if kept.extractor not in EXTRACTORS:
            raise ValueError(f"it names the extractor {kept.extractor}")
        if kept.covariance.shape != (EXTRACTORS[kept.extractor],) * 2 or kept.mean.shape != kept.covariance.shape[:1]:
            raise ValueError(f"it holds {kept.mean.shape} means and {kept.covariance.shape} covariances")
        if not (np.isfinite(kept.mean).all() and np.isfinite(kept.covariance).all()):
            raise ValueError("it holds values that are not numbers")
        return kept
    except ValueError as error:
        raise VaeGeometryError(f"{path}: not a file of features ({error}); remove it to make it again") from None


def images_sha256(images: NDArray[np.uint8]) -> str:
    """Checksum of images, to tell whether two stages see the same ones."""
    return hashlib.sha256(np.ascontiguousarray(images).data).hexdigest()


def statistics(features: torch.Tensor) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Mean and covariance of features, to the digits of torch-fidelity.

    Parameters
    ----------
    features : (N, D) float32 tensor

    Returns
    -------
    mean : (D,) float32 array
    covariance : (D, D) float64 array
    """
    from threadpoolctl import threadpool_limits

    values = features.numpy()
    with threadpool_limits(torch.get_num_threads(), user_api="blas"):
        return values.mean(axis=0), np.cov(values, rowvar=False)


def frechet_distance(mean_a: NDArray, covariance_a: NDArray, mean_b: NDArray, covariance_b: NDArray) -> float:
    """Squared Frechet distance of two Gaussians: |m_a - m_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^(1/2)).

    Parameters
    ----------
    mean_a, mean_b : (D,) float arrays
    covariance_a, covariance_b : (D, D) float64 arrays

    Returns
    -------
    float
        To the digits of torch-fidelity, whose way to the trace of the root this is: the eigenvalues of C_a C_b. For
        equal Gaussians zero up to rounding, which may be negative.

    References
    ----------
    Heusel et al., NeurIPS 30 (2017), equation 6; Dowson and Landau, J. Multivariate Anal. 12 (1982) 450.
    """
    from threadpoolctl import threadpool_limits

    difference = mean_a - mean_b
    with threadpool_limits(torch.get_num_threads(), user_api="blas"):
        # of a product of covariances none is negative or complex but by rounding
        eigenvalues = np.linalg.eigvals(covariance_a.dot(covariance_b)).astype(complex)
    trace_of_root = np.sqrt(eigenvalues).real.sum()
    return float(difference.dot(difference) + np.trace(covariance_a) + np.trace(covariance_b) - 2 * trace_of_root)
