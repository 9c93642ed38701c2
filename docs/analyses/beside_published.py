"""How far the published values of CIFAR-10 are from those of a sweep with either kind of noise, at one epoch.

    python docs/analyses/beside_published.py docs/evidence/reduced --epoch 50

Prints, for each K, the largest factor by which the published ID of a layer and the measured one differ (mean over the
seeds that are kept), and the highest of each, in the encoder and in the decoder with the output, and II(output ->
input). The published epoch 99 stands for 100. See docs/explanation/noise.md.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from vae_geometry import tables
from vae_geometry.claims import published

PUBLISHED = Path(__file__).parents[2] / "resources/published"
PARTS = {"encoder": ["encoder"], "decoder": ["decoder", "output"]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kept", type=Path, help="folder of kept tables")
    parser.add_argument("--epoch", type=int, required=True)
    options = parser.parse_args()
    dimensions, imbalances = (frame[_nearest(frame["epoch"], options.epoch)] for frame in published.read(PUBLISHED))

    def mean(kind: str, by: list[str], value: str) -> pd.Series:
        frame = tables.read(kind, sorted(options.kept.glob(f"cifar10-seed*-{kind}.parquet"))).to_pandas()
        return frame[frame["epoch"] == options.epoch].groupby(["noise", *by])[value].mean()

    measured = mean("intrinsic_dimension", ["bottleneck", "layer"], "intrinsic_dimension")
    ends = ["source_role", "target_role"]
    measured_ii = mean("information_imbalance", ["bottleneck", *ends], "information_imbalance")
    if measured.empty:
        raise SystemExit(f"{options.kept}: epoch {options.epoch} was not measured; name another")
    noises = sorted(measured.index.unique("noise"))
    sizes = sorted(measured.index.unique("bottleneck"))
    print(f"| epoch {options.epoch} | {' | '.join(f'K = {size}' for size in sizes)} |")
    print("|---" * (len(sizes) + 1) + "|")
    for part, roles in PARTS.items():
        theirs = dimensions[dimensions["role"].isin(roles)].set_index(["bottleneck", "layer"])["intrinsic_dimension"]
        for noise in noises:
            factors = np.exp(np.log(theirs / measured[noise]).abs()).groupby(level="bottleneck").max()
            _print_row(f"largest factor, {part}, {noise}", factors.reindex(sizes), "{:.2f}")
        highest = {"published": theirs} | {noise: measured[noise][theirs.index] for noise in noises}
        for name, values in highest.items():
            _print_row(f"highest ID, {part}, {name}", values.groupby(level="bottleneck").max().reindex(sizes), "{:.1f}")
    theirs = imbalances[(imbalances["source_role"] == "output") & (imbalances["target_role"] == "input")]
    _print_row(
        "II(output -> input), published", theirs.set_index("bottleneck")["information_imbalance"][sizes], "{:#.3g}"
    )
    for noise in noises:
        values = measured_ii.xs((noise, "output", "input"), level=("noise", *ends))
        _print_row(f"II(output -> input), {noise}", values[sizes], "{:#.3g}")


def _nearest(epochs: pd.Series, epoch: int) -> pd.Series:
    """The rows of the published epoch that is the given one, or the one before (99 for 100)."""
    return epochs == (epoch if epoch in set(epochs) else epoch - 1)


def _print_row(title: str, values: pd.Series, form: str) -> None:
    print(f"| {title} | {' | '.join(form.format(value) for value in values)} |")


if __name__ == "__main__":
    main()
