"""The course of a sweep by K: II(output -> input), KL, ELBO, memory and the highest IDs, as a Markdown table.

    python docs/analyses/by_bottleneck.py docs/evidence/reduced cifar10

Means over the seeds that are kept (``docs/evidence.py``), at the last epoch where no other is named. The first epoch is
left out where an extreme is sought in training. See docs/explanation/noise.md.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from vae_geometry import tables

RUN = ["noise", "bottleneck"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kept", type=Path, help="folder of kept tables")
    parser.add_argument("dataset")
    options = parser.parse_args()

    def read(kind: str) -> pd.DataFrame:
        paths = sorted(options.kept.glob(f"{options.dataset}-seed*-{kind}.parquet"))
        return tables.read(kind, paths).to_pandas()

    rows = [
        *of_imbalance(read("information_imbalance")),
        *of_losses(read("training")),
        *of_memory(read("memory")),
        *of_units(read("fidelity")),
        *of_dimension(read("intrinsic_dimension")),
    ]
    sizes = sorted({size for _, cells in rows for size in cells.index})
    print(f"| {options.dataset} | {' | '.join(f'K = {size}' for size in sizes)} |")
    print("|---" * (len(sizes) + 1) + "|")
    for title, cells in rows:
        print(f"| {title} | {' | '.join(cells.reindex(sizes, fill_value=''))} |")


Rows = list[tuple[str, pd.Series]]


def of_imbalance(frame: pd.DataFrame) -> Rows:
    """II(output -> input) at the end, and where it was lowest after the first measurement."""
    frame = frame[(frame["source_role"] == "output") & (frame["target_role"] == "input")]
    return _courses("II(output -> input)", frame, "information_imbalance", "lowest", "{:#.3g}".format)


def of_losses(frame: pd.DataFrame) -> Rows:
    """KL and ELBO loss of validation images, and the ELBO loss of training images at the end."""
    return [
        *_courses("KL of validation images", frame, "validation_kl", "highest", "{:.1f}".format),
        *_courses("ELBO loss of validation images", frame, "validation_elbo", "lowest", "{:.1f}".format),
        *_at_the_end("ELBO loss of training images", frame, "train_elbo", "{:.1f}".format),
    ]


def of_memory(frame: pd.DataFrame) -> Rows:
    """How much better the eps that they were trained with decodes training images than a new one does."""
    return _at_the_end("memory of training images", frame[frame["part"] == "train"], "memory", "{:.1f}".format)


def of_units(frame: pd.DataFrame) -> Rows:
    """Units whose mean varies by more than 0.01."""
    return _at_the_end("active units", frame, "active_units", "{:.0f}".format)


def of_dimension(frame: pd.DataFrame) -> Rows:
    """The highest ID of the layers between the bottleneck and the output, and of those before the encoder's last."""
    frame = frame[frame["epoch"] == frame["epoch"].max()]
    last = frame.loc[frame["role"] == "encoder", "layer"].max()
    parts = {
        "highest ID in the decoder": frame[frame["role"] == "decoder"],
        "highest ID in the encoder, but for its last layer": frame[
            (frame["role"] == "encoder") & (frame["layer"] < last)
        ],
    }
    rows = []
    for title, part in parts.items():
        highest = part.groupby([*RUN, "seed", "epoch"], as_index=False)["intrinsic_dimension"].max()
        rows += _at_the_end(title, highest, "intrinsic_dimension", "{:.1f}".format)
    return rows


def _at_the_end(title: str, frame: pd.DataFrame, column: str, show: Callable[[float], str]) -> Rows:
    at_end = frame[frame["epoch"] == frame["epoch"].max()]
    means = at_end.groupby(RUN)[column].mean()
    return [(f"{title}, {noise}", means[noise].map(show)) for noise in _noises(frame)]


def _courses(title: str, frame: pd.DataFrame, column: str, extreme: str, show: Callable[[float], str]) -> Rows:
    """The values at the end, and the extreme of the mean over seeds with its epoch."""
    means = frame[frame["epoch"] > 0].groupby([*RUN, "epoch"])[column].mean()
    rows = []
    for noise in _noises(frame):
        by_size = means[noise].groupby(level="bottleneck")
        at = by_size.idxmin() if extreme == "lowest" else by_size.idxmax()
        cells = {size: f"{show(means[noise][place])} ({place[1]})" for size, place in at.items()}
        rows += [row for row in _at_the_end(title, frame, column, show) if row[0].endswith(f", {noise}")]
        rows.append((f"the same, {noise}, {extreme} (epoch)", pd.Series(cells)))
    return rows


def _noises(frame: pd.DataFrame) -> list[str]:
    return sorted(frame["noise"].unique())


if __name__ == "__main__":
    main()
