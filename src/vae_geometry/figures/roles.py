"""Layers by role: their short names, and which of them a figure requests."""

from itertools import count

import pandas as pd

from vae_geometry import VaeGeometryError

SHORT = {"input": "in", "bottleneck": "z", "output": "out"}
NUMBERED = {"encoder": ("e", 1), "decoder": ("d", 0)}  # d0 follows the bottleneck
ENDS = ("source", "target")


def with_labels(frame: pd.DataFrame) -> pd.DataFrame:
    """Add short names of the layers, by role and order: in, e1, e2 ..., z, d0, d1 ..., out.

    Parameters
    ----------
    frame : data frame
        Of all layers of a network: columns ``layer, layer_name, role``, or ``source_layer, source_name, source_role``
        and the same of ``target``.

    Returns
    -------
    data frame
        With a column ``label``, or ``source_label`` and ``target_label``: the number of a layer that has no role.

    Raises
    ------
    VaeGeometryError
        If a layer has two roles: the rows are of unlike networks.
    """
    columns = ["layer", "layer_name", "role"]
    if "layer" in frame:
        layers = frame[columns]
        labels = {"label": "layer"}
    else:
        ends = [frame[[f"{end}_layer", f"{end}_name", f"{end}_role"]].set_axis(columns, axis=1) for end in ENDS]
        layers = pd.concat(ends)
        labels = {f"{end}_label": f"{end}_layer" for end in ENDS}
    short = _short_names(layers.drop_duplicates())
    return frame.assign(**{label: frame[layer].map(short) for label, layer in labels.items()})


def _short_names(layers: pd.DataFrame) -> dict[int, str]:
    twice = layers[layers["layer"].duplicated()]
    if len(twice):
        raise VaeGeometryError(
            f"layer {twice['layer'].iloc[0]} differs between the tables, so they are of different networks; "
            "measure again"
        )
    counters = {role: (letter, count(first)) for role, (letter, first) in NUMBERED.items()}
    short = {}
    for layer, role in layers.sort_values("layer")[["layer", "role"]].itertuples(index=False):
        if role in counters:
            letter, counter = counters[role]
            short[layer] = f"{letter}{next(counter)}"
        else:
            short[layer] = SHORT.get(role, str(layer))
    return short


def labels(numbers: pd.DataFrame, layer: str = "layer", label: str = "label") -> dict[int, str]:
    """Number -> short name of the layers of a table, in order."""
    layers = numbers[[layer, label]].drop_duplicates().sort_values(layer)
    return dict(zip(layers[layer], layers[label], strict=True))


def of_role(numbers: pd.DataFrame, *roles: str, column: str = "role") -> pd.DataFrame:
    """The rows of layers of some roles."""
    return numbers[numbers[column].isin(roles)]


def required(numbers: pd.DataFrame, role: str, column: str = "role") -> pd.DataFrame:
    """The rows of layers of a role that a figure cannot do without.

    Raises
    ------
    VaeGeometryError
        If there are none, as in the tables of a folder without a manifest.
    """
    rows = of_role(numbers, role, column=column)
    if rows.empty:
        raise VaeGeometryError(
            f"the tables name no layer of role {role}, which this figure shows; measure activations whose manifest "
            "names the roles"
        )
    return rows


def middle(numbers: pd.DataFrame, role: str) -> list[int]:
    """The middle layer of a role, of two the one farther from the bottleneck; none where the role has none."""
    layers = sorted(of_role(numbers, role)["layer"].unique())
    return [layers[(len(layers) - (role == "encoder")) // 2]] if layers else []
