"""How far the published values of CIFAR-10 are from those of a sweep with either kind of noise, at one epoch.

    python docs/analyses/beside_published.py docs/evidence/reduced --epoch 50

Prints, for each K that was measured with each kind of noise, the largest factor by which the published ID of a layer
and the measured one differ (mean over the seeds that are kept), in the encoder and in the decoder with the output; the
highest ID of encoder and decoder, and that of bottleneck and output; and II(output -> input). The published epoch 99
stands for 100. See docs/explanation/noise.md.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from vae_geometry import tables
from vae_geometry.claims import published

PUBLISHED = Path(__file__).parents[2] / "resources/published"


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
    sizes = sorted(set.intersection(*(set(measured[noise].index.unique("bottleneck")) for noise in noises)))
    dimensions, imbalances = (frame[frame["bottleneck"].isin(sizes)] for frame in (dimensions, imbalances))
    print(f"| epoch {options.epoch} | {' | '.join(f'K = {size}' for size in sizes)} |")
    print("|---" * (len(sizes) + 1) + "|")
    by_layer = dimensions.set_index(["bottleneck", "layer"])["intrinsic_dimension"]
    roles = dimensions.drop_duplicates("layer").set_index("layer")["role"]

    def of_roles(values: pd.Series, *names: str) -> pd.Series:
        return values[values.index.get_level_values("layer").map(roles).isin(names)].groupby(level="bottleneck").max()

    for part, names in {"encoder": ["encoder"], "decoder and output": ["decoder", "output"]}.items():
        for noise in noises:
            factors = np.exp(np.log(by_layer / measured[noise]).abs())
            _print_row(f"largest factor, {part}, {noise}", of_roles(factors, *names)[sizes], "{:.2f}")
    for role in ("encoder", "bottleneck", "decoder", "output"):
        for name, values in {"published": by_layer, **{noise: measured[noise] for noise in noises}}.items():
            title = f"highest ID, {role}" if role in ("encoder", "decoder") else f"ID, {role}"
            _print_row(f"{title}, {name}", of_roles(values, role)[sizes], "{:.1f}")
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
