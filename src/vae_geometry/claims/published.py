"""The values published with the paper."""

from pathlib import Path

import numpy as np
import pandas as pd

from vae_geometry import VaeGeometryError
from vae_geometry.files import DAMAGED, reason, require_regular

TYPES = {
    **dict.fromkeys(("bottleneck", "epoch", "layer", "source_layer", "target_layer"), int),
    **dict.fromkeys(("intrinsic_dimension", "information_imbalance"), float),
}


def read(folder: Path | None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The values published with the paper.

    Returns
    -------
    intrinsic_dimension, information_imbalance : data frames
        One row a measurement, as in the tables of a sweep; ``noise`` is repeated, as in the authors' script.

    Raises
    ------
    VaeGeometryError
        If the folder is not given or lacks a file, or one is damaged.
    """
    if folder is None:
        raise VaeGeometryError(
            "figure published needs the folder of the published values; pass --published resources/published"
        )
    run = ["dataset", "bottleneck", "epoch"]
    layers = _read(folder / "layers.csv", ["layer", "layer_name", "role"])
    dimensions = _read(folder / "cifar10_intrinsic_dimension.csv", [*run, "layer", "intrinsic_dimension"])
    dimensions = dimensions.merge(layers, on="layer", how="left")
    ends = ["source_layer", "target_layer"]
    imbalances = _read(folder / "cifar10_information_imbalance.csv", [*run, *ends, "information_imbalance"])
    for end in ("source", "target"):
        names = {"layer": f"{end}_layer", "layer_name": f"{end}_name", "role": f"{end}_role"}
        imbalances = imbalances.merge(layers.rename(columns=names), on=f"{end}_layer", how="left")
    dimensions, imbalances = (frame.assign(noise="repeated", seed=0, reason=None) for frame in (dimensions, imbalances))
    return dimensions.assign(id_stderr=np.nan), imbalances.assign(ii_stderr=np.nan)


def _read(path: Path, columns: list[str]) -> pd.DataFrame:
    """Columns of a file, checked: positive numbers, each there once."""
    types = {name: kind for name, kind in TYPES.items() if name in columns}
    try:
        require_regular(path)
        frame = pd.read_csv(path, dtype=types)[columns]
        values = frame[[name for name, kind in types.items() if kind is float]].to_numpy()
        if not (np.isfinite(values) & (values > 0)).all():
            raise ValueError("it holds values that are not positive numbers")
        if frame.duplicated([name for name, kind in types.items() if kind is int]).any():
            raise ValueError("it holds two rows of one place")
        return frame
    except FileNotFoundError:
        raise VaeGeometryError(f"{path}: no such file; the published values belong there") from None
    except DAMAGED as error:
        raise VaeGeometryError(f"{path}: not a table of published values ({reason(error)}); fetch it again") from None
