"""Write the tables of known dimension of sweeps/transition.yaml: 4, 8 and 16 factors behind 256 values.

The factors are drawn from a standard Gaussian and sent through a fixed network with two layers of random weights, tanh
between them and a sigmoid at the end: a smooth map, so that the points have as many dimensions as factors. 2NN reads
3.9, 7.8 and 14.7 on the 2,000 of the test part, and 4.1, 8.0 and 14.7 on as many of a Gaussian.
"""

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

N_TRAIN, N_TEST, N_VALUES = 4000, 2000, 256


def points(n_factors: int) -> NDArray[np.float32]:
    """Rows of ``N_VALUES`` numbers between 0 and 1, those of the test part last."""
    rng = np.random.default_rng(n_factors)
    factors = rng.normal(size=(N_TRAIN + N_TEST, n_factors))
    inner, shift = rng.normal(size=(n_factors, N_VALUES)) / np.sqrt(n_factors), rng.uniform(-1, 1, N_VALUES)
    outer = rng.normal(size=(N_VALUES, N_VALUES))
    values = np.tanh(factors @ inner + shift) @ outer
    return (1 / (1 + np.exp(-1.5 * values / values.std()))).astype(np.float32)


folder = Path(sys.argv[1] if len(sys.argv) > 1 else "resources/downloads")
for n_factors in (4, 8, 16):
    target = folder / f"factors{n_factors}"
    target.mkdir(parents=True, exist_ok=True)
    values = points(n_factors)
    np.save(target / "train.npy", values[:N_TRAIN])
    np.save(target / "test.npy", values[N_TRAIN:])
    print(f"{target}/train.npy, test.npy: {N_TRAIN} and {N_TEST} rows of {N_VALUES} values, {n_factors} factors")
