"""What the advice would be from fewer points: II(output -> input) of trained networks on the first N test inputs.

    python docs/analyses/points.py results/mnist/fresh --data resources/datasets/mnist/test.npz --epoch 50 --seed 0 1 2

Prints a line for each N: the K that II alone finds wide enough, and the II by K. See docs/how-to/cheapest-sweep.md.
"""

import argparse
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from vae_geometry import measure
from vae_geometry.claims.uncertainty import Sample
from vae_geometry.claims.witnesses import witness


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="of one data set and kind of noise")
    parser.add_argument("--data", type=Path, required=True, help="test.npz of the data set")
    parser.add_argument("--epoch", type=int, required=True)
    parser.add_argument("--bottleneck", type=int, nargs="+", default=[2, 4, 8, 16, 32, 64, 128])
    parser.add_argument("--seed", type=int, nargs="+", default=[0])
    parser.add_argument("--points", type=int, nargs="+", default=[200, 500, 1000, 2000, 5000])
    options = parser.parse_args()
    found = {}
    for bottleneck in options.bottleneck:
        for seed in options.seed:
            run = options.folder / f"k{bottleneck}" / f"seed{seed}"
            ends = dumped(run / f"checkpoints/epoch{options.epoch}.safetensors", options.data, max(options.points))
            for n_points in options.points:
                found[bottleneck, seed, n_points] = to_input(*(layer[:n_points] for layer in ends))
    for n_points in options.points:
        numbers = {
            bottleneck: Sample(*np.transpose([found[bottleneck, seed, n_points] for seed in options.seed]))
            for bottleneck in options.bottleneck
        }
        print(f"N = {n_points}: {witness('II(output -> input)', numbers, logarithmic=True)}")


def dumped(checkpoint: Path, data: Path, n_points: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Input and output of a network on the first test inputs, each (n_points, D)."""
    with TemporaryDirectory() as folder:
        output = Path(folder, "activations")
        words = [checkpoint, "--data", data, "--points", n_points, "--output", output]
        command = [sys.executable, "-m", "vae_geometry", "dump-activations", *map(str, words)]
        subprocess.run([*command, "--reconstructions", str(Path(folder, "images.npz"))], check=True)
        layers = sorted(output.glob("layer*.npy"))
        return np.load(layers[0]), np.load(layers[-1])


def to_input(inputs: NDArray[np.float32], outputs: NDArray[np.float32]) -> tuple[float, float]:
    """II(output -> input) and its standard error."""
    table = measure({"input": inputs, "output": outputs}).information_imbalance
    (row,) = table[(table["source_name"] == "output") & (table["target_name"] == "input")].itertuples()
    return row.information_imbalance, row.ii_stderr


if __name__ == "__main__":
    main()
