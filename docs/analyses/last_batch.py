"""How the losses and the Frechet distance of the last batch of the test images differ from those of all of them.

    python docs/analyses/last_batch.py run/epoch1/activations run/epoch10/activations

Takes activation dumps of the same images (``dump-activations``) and prints tables in Markdown.
See docs/explanation/fidelity.md.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from vae_geometry import layout, tables
from vae_geometry.fidelity.extractors import extract_features, load_extractor
from vae_geometry.fidelity.frechet import frechet_distance, statistics
from vae_geometry.networks.likelihoods import Bernoulli, kl_per_unit

BATCH_SIZE = 256  # the authors' evaluation takes the last batch of 256; of 5,000 images it holds 136
N_PARTS = 6
CPU = torch.device("cpu")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("activations", type=Path, nargs="+", help="folders written by dump-activations")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print("| dump | term | all images | last batch | deviation over batches of its size |\n|---|---|---|---|---|")
    for folder in options.activations:
        for term, values in losses(folder).items():
            last = last_batch(len(values))
            means = [values[part].mean() for part in parts(len(values), last.stop - last.start)]
            cells = f"{values.mean():.2f} | {values[last].mean():.2f} | {np.std(means, ddof=1):.2f}"
            print(f"| {folder} | {term} | {cells} |")
    print("\n| dump | images | Frechet distance (EfficientNet-Lite0) |\n|---|---|---|")
    network = load_extractor("efficientnet_lite0", Path(), CPU)
    images = extract_features(network, pixels(options.activations[0], "input", np.rint), CPU)
    for folder in options.activations:
        outputs = extract_features(network, pixels(folder, "output", np.rint), CPU)
        last = last_batch(len(images))
        size = last.stop - last.start
        print(f"| {folder} | last {size} | {distance(images, outputs, last):.1f} |")
        of_parts = [distance(images, outputs, part) for part in parts(len(images), size)[:N_PARTS]]
        cells = f"{np.mean(of_parts):.1f}, deviation {np.std(of_parts, ddof=1):.1f}"
        print(f"| {folder} | {len(of_parts)} parts of {size} | {cells} |")
        for n in sorted({n for n in (256, 1000, len(images)) if n <= len(images)}):
            print(f"| {folder} | first {n} | {distance(images, outputs, slice(0, n)):.1f} |", flush=True)
        outputs = extract_features(network, pixels(folder, "output", np.floor), CPU)
        cells = f"{len(images)}, fractions of a grey level cut off | {distance(images, outputs, slice(None)):.1f}"
        print(f"| {folder} | {cells} |", flush=True)


def last_batch(n_images: int) -> slice:
    return slice((n_images - 1) // BATCH_SIZE * BATCH_SIZE, n_images)


def parts(n_images: int, size: int) -> list[slice]:
    return [slice(start, start + size) for start in range(0, n_images - size + 1, size)]


def losses(folder: Path) -> dict[str, NDArray[np.float64]]:
    """Reconstruction loss and KL of each image, in nats."""
    images = torch.from_numpy(layer(folder, "input")).flatten(1)
    logits, mean, log_variance = (
        torch.from_numpy(np.load(folder / name)) for name in (layout.LOGITS, layout.MEAN, layout.LOG_VARIANCE)
    )
    terms = {
        "reconstruction": Bernoulli().loss(images, logits),
        "KL": kl_per_unit(mean, log_variance).sum(1),
    }
    return {name: term.double().numpy() for name, term in terms.items()}


def layer(folder: Path, role: str) -> NDArray[np.float32]:
    """Activations of the layer of a role, (N, ...)."""
    layers = tables.read("manifest", [folder / layout.MANIFEST]).to_pylist()
    (row,) = (row for row in layers if row["role"] == role)
    return np.load(folder / layout.layer_file(row["layer"])).reshape(-1, *row["shape"])


def pixels(folder: Path, role: str, rounding: np.ufunc) -> NDArray[np.uint8]:
    return rounding(layer(folder, role) * 255).astype(np.uint8)


def distance(images: torch.Tensor, outputs: torch.Tensor, part: slice) -> float:
    return frechet_distance(*statistics(images[part]), *statistics(outputs[part]))


if __name__ == "__main__":
    main()
