"""How well a network reproduces test images: the ELBO and its two terms."""

from pathlib import Path

import numpy as np
import torch

from vae_geometry import VaeGeometryError, tables
from vae_geometry.models import elbo_terms

ACTIVE_VARIANCE = 0.01
BATCH_SIZE = 500
NO_FRECHET_DISTANCE = "FID was not measured"


def measure_fidelity(activations: Path, output: Path, n_points: int, beta: float) -> None:
    """Measure the test ELBO from an activation dump.

    Parameters
    ----------
    activations : Path
        Folder written by ``dump_activations``.
    output : Path
        Table of kind ``fidelity`` with one row: per image, in nats, the reconstruction loss, KL and
        ``elbo`` = reconstruction + beta * KL, with the sampled z; and ``active_units``, the latent dimensions whose
        mean varies over the images by more than ``ACTIVE_VARIANCE`` (Burda et al., ICLR 2016, section 5.3).
    n_points : int
        Use the first so many images of the dump.
    beta : float
        Weight of the KL divergence.

    Raises
    ------
    VaeGeometryError
        If the folder is no such dump, or holds fewer images.
    """
    run = tables.read("manifest", [activations / "manifest.parquet"]).to_pylist()[0]
    try:
        arrays = [
            np.load(activations / f"{name}.npy", mmap_mode="r", allow_pickle=False)
            for name in ("layer00", "logits", "mean", "log_variance")
        ]
    except (OSError, ValueError, EOFError) as error:
        raise VaeGeometryError(f"{activations}: not a whole activation dump ({error}); dump it again") from None
    if len(arrays[0]) < n_points:
        raise VaeGeometryError(f"{activations}: holds {len(arrays[0])} images, fidelity.points asks for {n_points}")
    sums = np.zeros(2)
    for start in range(0, n_points, BATCH_SIZE):
        batch = [torch.from_numpy(np.array(array[start : min(start + BATCH_SIZE, n_points)])) for array in arrays]
        sums += [float(term.double().sum()) for term in elbo_terms(*batch)]
    reconstruction, kl = sums / n_points
    row = {
        **{field.name: run[field.name] for field in tables.RUN},
        "elbo": reconstruction + beta * kl,
        "reconstruction": reconstruction,
        "kl": kl,
        "active_units": int((arrays[2][:n_points].astype(np.float64).var(axis=0) > ACTIVE_VARIANCE).sum()),
        "n_points": n_points,
        "reason": NO_FRECHET_DISTANCE,
    }
    tables.write("fidelity", [row], output)
