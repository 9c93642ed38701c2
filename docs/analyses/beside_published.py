"""How far the published values of CIFAR-10 are from those of a sweep with either kind of noise, at one epoch.

    python docs/analyses/beside_published.py docs/evidence/long --epoch 200

Prints, for each K and each kind of noise that it was measured with, the largest factor by which the published ID of a
layer and the measured one differ (mean over the seeds that are kept), in the encoder and in the decoder with the
output; the same of II(layer -> input); the highest ID of encoder and decoder, and that of bottleneck and output; and
II(output -> input), with standard errors: over seeds, or of the measurement where that is larger or there is one seed.
The published epoch 99 stands for 100. See docs/explanation/published-values.md.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from vae_geometry import tables
from vae_geometry.claims import published
from vae_geometry.claims.uncertainty import Sample

PUBLISHED = Path(__file__).parents[2] / "resources/published"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kept", type=Path, help="folder of kept tables, named like its sweep")
    parser.add_argument("--epoch", type=int, required=True)
    options = parser.parse_args()
    dimensions, imbalances = (frame[_nearest(frame["epoch"], options.epoch)] for frame in published.read(PUBLISHED))

    def read(kind: str) -> pd.DataFrame:
        paths = sorted(options.kept.glob(f"cifar10-seed*-{kind}.parquet"))
        if not paths:
            raise SystemExit(f"{options.kept}: no kept tables {kind} of cifar10; check the folder")
        frame = tables.read(kind, paths).to_pandas()
        return frame[frame["epoch"] == options.epoch]

    of_layers = read("intrinsic_dimension")
    if of_layers.empty:
        raise SystemExit(f"{options.kept}: epoch {options.epoch} was not measured; name another")
    measured = of_layers.groupby(["noise", "bottleneck", "layer"])["intrinsic_dimension"].mean()
    of_pairs = read("information_imbalance")
    of_ends = of_pairs[(of_pairs["source_role"] == "output") & (of_pairs["target_role"] == "input")]
    noises = sorted(measured.index.unique("noise"))
    sizes = sorted(measured.index.unique("bottleneck"))
    dimensions, imbalances = (frame[frame["bottleneck"].isin(sizes)] for frame in (dimensions, imbalances))
    columns = " | ".join(f"K = {size}" for size in sizes)
    print(f"| sweeps/{options.kept.name}.yaml and published, epoch {options.epoch} | {columns} |")
    print("|---" * (len(sizes) + 1) + "|")
    by_layer = dimensions.set_index(["bottleneck", "layer"])["intrinsic_dimension"]
    roles = dimensions.drop_duplicates("layer").set_index("layer")["role"]

    def of_roles(values: pd.Series, *names: str) -> pd.Series:
        of_parts = values[values.index.get_level_values("layer").map(roles).isin(names)]
        return of_parts.groupby(level="bottleneck").max().dropna()

    def print_row(title: str, cells: pd.Series) -> None:
        print(f"| {title} | {' | '.join(cells.reindex(sizes, fill_value='not run'))} |")

    parts = {"encoder": ["encoder"], "decoder and output": ["decoder", "output"]}
    for part, names in parts.items():
        for noise in noises:
            factors = np.exp(np.log(by_layer / measured[noise]).abs())
            print_row(f"largest factor of ID, {part}, {noise}", of_roles(factors, *names).map("{:.2f}".format))
    to_input = of_pairs[of_pairs["target_role"] == "input"].groupby(["noise", "bottleneck", "source_layer"])
    ours = to_input["information_imbalance"].mean().rename_axis(["noise", "bottleneck", "layer"])
    theirs = imbalances[imbalances["target_role"] == "input"].set_index(["bottleneck", "source_layer"])
    theirs = theirs["information_imbalance"].rename_axis(["bottleneck", "layer"])
    for part, names in parts.items():
        for noise in noises:
            factors = of_roles(np.exp(np.log(theirs / ours[noise]).abs()), *names).map("{:.2f}".format)
            print_row(f"largest factor of II(layer -> input), {part}, {noise}", factors)
    for role in ("encoder", "bottleneck", "decoder", "output"):
        title = f"highest ID, {role}" if role in ("encoder", "decoder") else f"ID, {role}"
        print_row(f"{title}, published", of_roles(by_layer, role).map("{:.1f}".format))
        of_role = of_layers[of_layers["role"] == role].sort_values("intrinsic_dimension")
        highest = of_role.groupby(["noise", "bottleneck", "seed"]).tail(1)
        for noise in noises:
            print_row(f"{title}, {noise}", _with_errors(highest, noise, "intrinsic_dimension", "id_stderr"))
    print_row("II(output -> input), published", of_roles(theirs, "output").map("{:#.3g}".format))
    for noise in noises:
        print_row(f"II(output -> input), {noise}", _with_errors(of_ends, noise, "information_imbalance", "ii_stderr"))


def _nearest(epochs: pd.Series, epoch: int) -> pd.Series:
    """The rows of the published epoch that is the given one, or the one before (99 for 100)."""
    return epochs == (epoch if epoch in set(epochs) else epoch - 1)


def _with_errors(frame: pd.DataFrame, noise: str, value: str, error: str) -> pd.Series:
    """Means over seeds by K, with standard errors."""
    of_sizes = frame[frame["noise"] == noise].groupby("bottleneck")
    return pd.Series({size: str(Sample(rows[value].to_numpy(), rows[error].to_numpy())) for size, rows in of_sizes})


if __name__ == "__main__":
    main()
