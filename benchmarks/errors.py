"""Standard errors of the II and of the ID beside the spread over fresh draws: the tables of docs/explanation/trust.md.

    python benchmarks/errors.py --points 20 100 --draws 300

A draw gives four spaces: points, a noisy copy, half of their coordinates, and eight curved functions of them. The ratio
is the mean standard error over the standard deviation of the estimates of all draws; the coverage is the part of the
draws whose estimate lies within 1.96 of its standard errors from their mean.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

import numpy as np
from numpy.typing import NDArray

from vae_geometry.geometry import information_imbalance, intrinsic_dimension
from vae_geometry.geometry.neighbours import Neighbours, find_neighbours

Points = NDArray[np.float64]

KINDS = ("Gaussian, 2", "Gaussian, 10", "Gaussian, 32", "mixture, 5", "rounded, 3")
PAIRS = ((0, 1), (1, 0), (0, 2), (2, 0), (0, 3), (3, 0))


def sample(kind: str, n_points: int, rng: np.random.Generator) -> Points:
    """Points of a Gaussian, of three Gaussians of unequal width, or of a Gaussian rounded to multiples of a half."""
    name, dimension = kind.split(", ")
    points = rng.normal(size=(n_points, int(dimension)))
    if name == "mixture":
        part = rng.choice(3, n_points, p=[0.6, 0.3, 0.1])
        points = points * np.array([1, 0.3, 3])[part, None] + 4 * np.eye(3, int(dimension))[part]
    return np.round(2 * points) / 2 if name == "rounded" else points


def spaces(kind: str, n_points: int, seed: int) -> list[Points]:
    rng = np.random.default_rng([KINDS.index(kind), n_points, seed])
    points = sample(kind, n_points, rng)
    noisy = points + 0.5 * rng.normal(size=points.shape)
    weights = np.random.default_rng(0).normal(size=(points.shape[1], 8))
    return [points, noisy, points[:, ::2], np.sin(points @ weights / np.sqrt(points.shape[1]))]


def estimates(found: Neighbours) -> tuple[list[list[float]], list[list[float]]]:
    """Value and standard error of the II of each pair of ``PAIRS``, and of the ID of each space; NaN where null."""
    imbalances = []
    for pair in PAIRS:
        ranks, nearest = found.ranks[pair], found.indices[pair[0], :, 0]
        error = information_imbalance.standard_error(ranks, nearest)
        imbalances.append([information_imbalance.information_imbalance(ranks), np.nan if error is None else error])
    dimensions = []
    for distances, nearest in zip(found.distances, found.indices[:, :, 0], strict=True):
        value = intrinsic_dimension.two_nearest_neighbours(distances).value
        error = None if value is None else intrinsic_dimension.standard_error(distances, nearest)
        dimensions.append([np.nan if number is None else number for number in (value, error)])
    return imbalances, dimensions


def cells(measured: Sequence[Sequence[Sequence[float]]]) -> list[str]:
    """Ratio, median and range over the quantities, and the mean coverage; of those that half of the draws have."""
    values, errors = np.moveaxis(np.array(measured, float), -1, 0)
    known = np.isfinite(errors)
    ratios, coverages = [], []
    for value, error, is_known in zip(values.T, errors.T, known.T, strict=True):
        if is_known.mean() >= 0.5:
            value, error = value[is_known], error[is_known]
            ratios.append(error.mean() / value.std(ddof=1))
            coverages.append(np.mean(abs(value - value.mean()) < 1.96 * error))
    if not ratios:
        return ["null", ""]
    return [f"{np.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})", f"{100 * np.mean(coverages):.0f} %"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, nargs="+", required=True, help="N, one or more")
    parser.add_argument("--draws", type=int, required=True, help="fresh draws of each")
    options = parser.parse_args()
    print("| N | points | `ii_stderr` over the spread | coverage | `id_stderr` over the spread | coverage |")
    print("|---|---|---|---|---|---|")
    for n_points in options.points:
        for kind in KINDS:
            drawn = [estimates(find_neighbours(spaces(kind, n_points, seed))) for seed in range(options.draws)]
            row = [cell for part in zip(*drawn, strict=True) for cell in cells(part)]
            print(f"| {n_points:,} | {kind} | {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    main()
