"""A sweep by K: II(output -> input), KL, ELBO, memory, the highest IDs, z and its mean, as a Markdown table.

    python docs/analyses/by_bottleneck.py docs/evidence/long cifar10

Means over the seeds that are kept (``docs/evidence.py``), of ID, II and memory with standard errors where there are
several seeds, at the last epoch where no other is named. The first epoch is left out where an extreme is sought in
training. See docs/explanation/noise-by-bottleneck.md.
"""

import argparse
from pathlib import Path

import pandas as pd

from vae_geometry import tables
from vae_geometry.claims.uncertainty import Sample

RUN = ["noise", "bottleneck"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kept", type=Path, help="folder of kept tables")
    parser.add_argument("dataset")
    options = parser.parse_args()

    def read(kind: str) -> pd.DataFrame:
        paths = sorted(options.kept.glob(f"{options.dataset}-seed*-{kind}.parquet"))
        if not paths:
            raise SystemExit(f"{options.kept}: no kept tables {kind} of {options.dataset}; check the folder")
        return tables.read(kind, paths).to_pandas()

    rows = [
        *of_imbalance(read("information_imbalance")),
        *of_losses(read("training")),
        *of_memory(read("memory")),
        *of_units(read("fidelity")),
        *of_dimension(read("intrinsic_dimension")),
        *of_latents(read("latents")),
    ]
    sizes = sorted({size for _, cells in rows for size in cells.index})
    title = f"{options.dataset}, epoch {read('latents')['epoch'].max()}"
    print(f"| {title} | {' | '.join(f'K = {size}' for size in sizes)} |")
    print("|---" * (len(sizes) + 1) + "|")
    for title, cells in rows:
        print(f"| {title} | {' | '.join(cells.reindex(sizes, fill_value=''))} |")


Rows = list[tuple[str, pd.Series]]


def of_imbalance(frame: pd.DataFrame) -> Rows:
    """II(output -> input) at the end, and where it was lowest after the first measurement."""
    frame = frame[(frame["source_role"] == "output") & (frame["target_role"] == "input")]
    return _courses("II(output -> input)", frame, "information_imbalance", "lowest", "{:#.3g}", "ii_stderr")


def of_losses(frame: pd.DataFrame) -> Rows:
    """KL and ELBO loss of validation images, and the ELBO loss of training images at the end."""
    return [
        *_courses("KL of validation images", frame, "validation_kl", "highest", "{:.1f}"),
        *_courses("ELBO loss of validation images", frame, "validation_elbo", "lowest", "{:.1f}"),
        *_at_the_end("ELBO loss of training images", frame, "train_elbo", "{:.1f}"),
    ]


def of_memory(frame: pd.DataFrame) -> Rows:
    """How much better the eps that they were trained with decodes training images than a new one does."""
    frame = frame[frame["part"] == "train"]
    return _at_the_end("memory of training images", frame, "memory", "{:.1f}", "memory_stderr")


def of_units(frame: pd.DataFrame) -> Rows:
    """Units whose mean varies by more than 0.01."""
    return _at_the_end("active units", frame, "active_units", "{:.0f}")


def of_latents(frame: pd.DataFrame) -> Rows:
    """II to the input and ID of the sampled z, of its active units, and of its mean."""
    rows = []
    for title, latent in {"z": "sample", "active z": "active_sample", "mu": "mean"}.items():
        part = frame[frame["latent"] == latent]
        rows += _at_the_end(f"II({title} -> input)", part, "ii_to_input", "{:#.3g}", "ii_to_input_stderr")
    for title, latent in {"z": "sample", "mu": "mean"}.items():
        part = frame[frame["latent"] == latent]
        rows += _at_the_end(f"ID of {title}", part, "intrinsic_dimension", "{:.1f}", "id_stderr")
    return rows


def of_dimension(frame: pd.DataFrame) -> Rows:
    """The highest ID of the layers between the bottleneck and the output, and of those before the encoder's last."""
    last = frame.loc[frame["role"] == "encoder", "layer"].max()
    is_inner = (frame["role"] == "encoder") & (frame["layer"] < last)
    parts = {"decoder": frame["role"] == "decoder", "encoder, but for its last layer": is_inner}
    rows = []
    for title, chosen in parts.items():
        highest = frame[chosen].sort_values("intrinsic_dimension").groupby([*RUN, "seed", "epoch"]).tail(1)
        rows += _at_the_end(f"highest ID in the {title}", highest, "intrinsic_dimension", "{:.1f}", "id_stderr")
    return rows


def _at_the_end(title: str, frame: pd.DataFrame, column: str, form: str, error: str | None = None) -> Rows:
    """Means over seeds, with standard errors where the measurements have some; with one seed in the form given."""
    runs = frame[frame["epoch"] == frame["epoch"].max()].groupby(RUN)
    cells = {
        place: form.format(of_seeds[column].mean())
        if error is None or len(of_seeds) == 1
        else str(Sample(of_seeds[column].to_numpy(), of_seeds[error].to_numpy()))
        for place, of_seeds in runs
    }
    return [(f"{title}, {noise}", pd.Series(cells)[noise]) for noise in _noises(frame)]


def _courses(title: str, frame: pd.DataFrame, column: str, extreme: str, form: str, error: str | None = None) -> Rows:
    """The values at the end, and the extreme of the mean over seeds with its epoch."""
    means = frame[frame["epoch"] > 0].groupby([*RUN, "epoch"])[column].mean()
    rows = []
    for (name, at_end), noise in zip(_at_the_end(title, frame, column, form, error), _noises(frame), strict=True):
        by_size = means[noise].groupby(level="bottleneck")
        at = by_size.idxmin() if extreme == "lowest" else by_size.idxmax()
        cells = {size: f"{form.format(means[noise][place])} ({place[1]})" for size, place in at.items()}
        rows += [(name, at_end), (f"the same, {noise}, {extreme} (epoch)", pd.Series(cells))]
    return rows


def _noises(frame: pd.DataFrame) -> list[str]:
    return sorted(frame["noise"].unique())


if __name__ == "__main__":
    main()
