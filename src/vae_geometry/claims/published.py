"""The values published with the paper, and how far measured ones lie from them."""

from pathlib import Path

import numpy as np
import pandas as pd

from vae_geometry import VaeGeometryError
from vae_geometry.claims.uncertainty import SEEDS


def read(folder: Path | None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The values published with the paper.

    Returns
    -------
    intrinsic_dimension, information_imbalance : data frames
        One row a measurement, as in the tables of a sweep; ``noise`` is repeated, as in the authors' script.

    Raises
    ------
    VaeGeometryError
        If the folder is not given or lacks a file.
    """
    if folder is None:
        raise VaeGeometryError("figure published needs the folder of the published values; pass resources/published")
    run = ["dataset", "bottleneck", "epoch"]
    layers = _read(folder / "layers.csv", ["layer", "layer_name", "role"], {})
    dimensions = _read(
        folder / "cifar10_intrinsic_dimension.csv",
        [*run, "layer", "intrinsic_dimension"],
        {"intrinsic_dimension": float},
    ).merge(layers, on="layer", how="left")
    imbalances = _read(
        folder / "cifar10_information_imbalance.csv",
        [*run, "source_layer", "target_layer", "information_imbalance"],
        {"information_imbalance": float},
    )
    for end in ("source", "target"):
        names = {"layer": f"{end}_layer", "layer_name": f"{end}_name", "role": f"{end}_role"}
        imbalances = imbalances.merge(layers.rename(columns=names), on=f"{end}_layer", how="left")
    dimensions, imbalances = (frame.assign(noise="repeated", seed=0, reason=None) for frame in (dimensions, imbalances))
    return dimensions, imbalances.assign(ii_stderr=np.nan)


def _read(path: Path, columns: list[str], types: dict[str, type]) -> pd.DataFrame:
    if not path.is_file():
        raise VaeGeometryError(f"{path}: no such file; the published values belong there")
    try:
        return pd.read_csv(path, dtype=types)[columns]
    except (ValueError, KeyError) as error:
        raise VaeGeometryError(f"{path}: not a table of published values ({error}); fetch it again") from None


def at_epoch(frame: pd.DataFrame, epoch: int) -> pd.DataFrame:
    """The published values of the published epoch nearest to ``epoch``."""
    epochs = frame["epoch"].drop_duplicates().sort_values()
    return frame[frame["epoch"] == epochs.iloc[(epochs - epoch).abs().argmin()]]


def compare(measured: pd.DataFrame, published: pd.DataFrame) -> pd.DataFrame:
    """Measured beside published values of one quantity, and their difference in units of the spread over seeds.

    Parameters
    ----------
    measured, published : data frames
        Against layer, as ``series.summarise`` returns them; ``published`` at one epoch.

    Returns
    -------
    data frame
        The rows of ``measured``, with ``published``, ``published_epoch``, ``difference`` (measured mean minus
        published) and ``difference_in_spreads``: the difference divided by the standard deviation over seeds.
        Where one of the last three is null, ``reason`` says why.
    """
    theirs = published[["bottleneck", "x", "mean"]].rename(columns={"mean": "published"})
    table = measured.merge(theirs, how="left", on=["bottleneck", "x"], validate="one_to_one")
    table["published_epoch"] = published["epoch"].iloc[0]
    table["difference"] = table["mean"] - table["published"]
    over_seeds = table["spread"].where(table["spread_kind"] == SEEDS)
    differ = over_seeds > 1e-12 * table["mean"].abs()  # the same value in every seed may be rounded in the mean
    table["difference_in_spreads"] = table["difference"] / over_seeds.where(differ)
    why = np.select(
        [table["published"].isna(), over_seeds.isna(), ~differ],
        ["no value was published for this K", "one seed: no spread over seeds", "the same in all seeds: no spread"],
        default=None,
    )
    table["reason"] = table["reason"].where(table["mean"].isna(), why)
    return table
