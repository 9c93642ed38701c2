"""The values published with the paper."""

from pathlib import Path

import numpy as np
import pandas as pd

from vae_geometry import VaeGeometryError


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
    return dimensions.assign(id_stderr=np.nan), imbalances.assign(ii_stderr=np.nan)


def _read(path: Path, columns: list[str], types: dict[str, type]) -> pd.DataFrame:
    if not path.is_file():
        raise VaeGeometryError(f"{path}: no such file; the published values belong there")
    try:
        return pd.read_csv(path, dtype=types)[columns]
    except (ValueError, KeyError) as error:
        raise VaeGeometryError(f"{path}: not a table of published values ({error}); fetch it again") from None
