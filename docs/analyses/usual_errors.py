"""The usual size of the standard errors of ID and II, which the claims lend to the published values: they have none.

    python docs/analyses/usual_errors.py results/cifar10    # of sweeps/long.yaml

Prints the 90 % quantile of relative error times the root of N, over the checkpoints, layers, and pairs of layers that
the claims read: those with the input or the output, and neighbours. See docs/explanation/published-values.md.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from vae_geometry import tables

QUANTILE = 0.9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="results of a data set")
    options = parser.parse_args()
    dimensions, imbalances = (
        tables.read(kind, sorted(options.folder.rglob(f"{kind}.parquet"))).to_pandas()
        for kind in ("intrinsic_dimension", "information_imbalance")
    )
    distance = (imbalances["source_layer"] - imbalances["target_layer"]).abs()
    has_end = imbalances[["source_role", "target_role"]].isin(["input", "output"]).any(axis=1)
    imbalances = imbalances[(distance > 0) & (has_end | (distance == 1))]
    for name, frame, error in (
        ("intrinsic_dimension", dimensions, "id_stderr"),
        ("information_imbalance", imbalances, "ii_stderr"),
    ):
        print(f"{name}: {usual(frame[error] / frame[name], frame['n_points']):.2f} / sqrt(N)")


def usual(relative: pd.Series, n_points: pd.Series) -> float:
    """The quantile of relative errors, times the root of their number of points."""
    return float((relative * np.sqrt(n_points)).dropna().quantile(QUANTILE))


if __name__ == "__main__":
    main()
