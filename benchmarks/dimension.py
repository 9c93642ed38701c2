"""What 2NN and Gride give for points of known dimension: docs/explanation/trust.md, and the figures' Gaussians.

    python benchmarks/dimension.py                     # tables in Markdown, for the page
    python benchmarks/dimension.py --gaussians FILE    # resources/gaussian_dimension.csv

Every row of a table sees 20,000 points: 20 samples of 1,000, 4 of 5,000 or 1 of 20,000, whose mean it gives.
"""

import argparse
import csv
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

import numpy as np
from numpy.typing import NDArray

from vae_geometry.geometry.intrinsic_dimension import gride, two_nearest_neighbours
from vae_geometry.geometry.neighbours import find_neighbours

TOTAL = 20_000
SIZES = (1000, 5000, 20_000)  # of the page
CURVE_SIZES = (500, 1000, 2000, 5000, 10_000, 20_000)  # of the figures' curve
CURVE_DIMENSIONS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)
NEIGHBOURS = 64
MEMORY_MB = 4000


def gaussian(dimension: int, n_points: int, seed: int) -> NDArray[np.float64]:
    return np.random.default_rng([dimension, n_points, seed]).normal(size=(n_points, dimension))


def manifolds() -> dict[str, tuple[int, Callable[[int, int], NDArray[np.float64]]]]:
    """Name -> true dimension, and a function of the number of points and of a seed."""
    from skdim.datasets import BenchmarkManifolds

    drawn: dict[str, tuple[int, Callable[[int, int], NDArray[np.float64]]]] = {}
    for dimension in (2, 4, 8, 16, 32, 64, 128):
        drawn[f"Gaussian, {dimension}"] = dimension, lambda n, seed, d=dimension: gaussian(d, n, seed)
    for name, (truth, n_coordinates, _) in BenchmarkManifolds().truth.iterrows():
        of_manifold = {"name": name, "dim": n_coordinates, "d": truth}
        drawn[name] = truth, lambda n, seed, m=of_manifold: BenchmarkManifolds(random_state=seed).generate(n=n, **m)
    return drawn


def estimates(samples: Iterable[NDArray[np.float64]]) -> tuple[float, float, float]:
    """Means over samples of the ID by 2NN, and by Gride at 2 and at 64 neighbours."""
    values = []
    for points in samples:
        distances = find_neighbours([points], NEIGHBOURS, threads=1, memory_mb=MEMORY_MB).distances[0]
        nearest, *_, farthest = (at_scale.intrinsic_dimension for at_scale in gride(distances))
        values.append((two_nearest_neighbours(distances[:, :2]).value, nearest, farthest))
    return tuple(np.mean(np.array(values, float), axis=0).tolist())


def print_page() -> None:
    heads = [f"{name}, N = {size:,}" for size in SIZES for name in ("2NN", "Gride 2", "Gride 64")]
    print(f"| points | true | {' | '.join(heads)} |\n|{'---|' * (len(heads) + 2)}")
    for name, (truth, sample) in manifolds().items():
        cells = []
        for size in SIZES:
            found = estimates(sample(size, seed) for seed in range(TOTAL // size))
            cells += [f"{value:.1f}" if value >= 10 else f"{value:.2f}" for value in found]
        print(f"| {name} | {truth} | {' | '.join(cells)} |", flush=True)


def write_curve(path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["dimension", "n_points", "n_samples", "intrinsic_dimension"])
        for dimension in CURVE_DIMENSIONS:
            for size in CURVE_SIZES:
                n_samples = TOTAL // size
                value, _, _ = estimates(gaussian(dimension, size, seed) for seed in range(n_samples))
                rows.writerow([dimension, size, n_samples, f"{value:.4f}"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gaussians", type=Path, help="write the IDs of Gaussians by 2NN into this CSV file instead")
    options = parser.parse_args()
    if options.gaussians:
        write_curve(options.gaussians)
    else:
        print_page()


if __name__ == "__main__":
    main()
