"""The latent of a network in four ways: the sampled z and its mean mu, each with all units and with the active ones.

A unit that the network does not use has the prior's noise in z: it moves points apart that are near in the input,
which by itself raises II(z -> input) and the ID of z with K. Its mu is the same for all points.
"""

from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from vae_geometry import VaeGeometryError, layout, tables
from vae_geometry.geometry.activations import Layer, open_points
from vae_geometry.geometry.information_imbalance import imbalance_rows
from vae_geometry.geometry.intrinsic_dimension import dimension_rows
from vae_geometry.geometry.neighbours import Neighbours
from vae_geometry.latents import ACTIVE_VARIANCE, LATENTS, active_units

NO_SAMPLE = "no z was sampled: the activations were dumped with the mean as the latent"
NO_UNITS = f"no unit is active: the mean of none has a variance above {ACTIVE_VARIANCE:g}"


@dataclass(frozen=True)
class Latents:
    """What is measured of the latent of a network.

    Attributes
    ----------
    bottleneck : Layer
    spaces : list of Layer
        The layers of the dump, and after them the latents that are none of them.
    places : dict
        ``input``, ``output`` and each latent that is measured -> its place in ``spaces``.
    n_units : dict
        Latent -> number of units, of all ``LATENTS``.
    reasons : dict
        Latent -> why it is not measured.
    """

    bottleneck: Layer
    spaces: list[Layer]
    places: dict[str, int]
    n_units: dict[str, int]
    reasons: dict[str, str]


def open_latents(folder: Path, layers: list[Layer]) -> Latents | None:
    """Open the latents of a dump.

    Parameters
    ----------
    folder : Path
    layers : list of Layer
        Of this folder.

    Returns
    -------
    Latents or None
        None where the folder has no ``mean.npy``, or its manifest names no input, no bottleneck or no output.

    Raises
    ------
    VaeGeometryError
        If the mean is damaged, or not of the shape of the bottleneck.
    """
    places = {str(layer.label["role"]): place for place, layer in enumerate(layers)}
    if not {"input", "bottleneck", "output"} <= places.keys() or not (folder / layout.MEAN).exists():
        return None
    bottleneck = layers[places["bottleneck"]]
    sample, mean = bottleneck.points, open_points(folder / layout.MEAN)
    if mean.shape != sample.shape:
        problem = f"{layout.MEAN} has shape {mean.shape}, the bottleneck {sample.shape}"
        raise VaeGeometryError(f"{folder}: not a complete activation dump ({problem}); dump it again")
    active = active_units(mean)
    points = {"sample": sample, "mean": mean, "active_sample": sample[:, active], "active_mean": mean[:, active]}
    reasons = {} if active.any() else dict.fromkeys(("active_sample", "active_mean"), NO_UNITS)
    if np.array_equal(sample, mean):
        reasons |= dict.fromkeys(("sample", "active_sample"), NO_SAMPLE)
    spaces, latents = list(layers), {"sample": places["bottleneck"]}
    for name in LATENTS:
        if name.startswith("active_") and active.all():
            latents[name] = latents[name.removeprefix("active_")]
        elif name != "sample" and name not in reasons:
            latents[name] = len(spaces)
            spaces.append(Layer(points[name], bottleneck.label))
    ends = {role: places[role] for role in ("input", "output")}
    measured = {name: place for name, place in latents.items() if name not in reasons}
    return Latents(bottleneck, spaces, ends | measured, {name: points[name].shape[1] for name in LATENTS}, reasons)


def latent_rows(latents: Latents, neighbours: Neighbours) -> list[dict[str, Any]]:
    """Rows of the ID of the latents, and of their II with the input and the output.

    Parameters
    ----------
    latents : Latents
    neighbours : Neighbours
        Of their ``spaces``.

    Returns
    -------
    list of dict
        Column -> value, for a table of kind ``latents``: a row for each of ``LATENTS``.
    """
    names, places = list(latents.places), list(latents.places.values())
    spaces, found = [latents.spaces[place] for place in places], neighbours.of(places)
    dimensions = dict(zip(names, dimension_rows(spaces, found), strict=True))
    imbalances = dict(zip(product(names, names), imbalance_rows(spaces, found), strict=True))
    rows = []
    for latent in LATENTS:
        row = {field.name: latents.bottleneck.label[field.name] for field in tables.RUN}
        row |= {"latent": latent, "n_units": latents.n_units[latent], "n_points": len(latents.bottleneck.points)}
        if latent in latents.reasons:
            rows.append(row | {"reason": latents.reasons[latent]})
            continue
        row |= {name: dimensions[latent][name] for name in ("intrinsic_dimension", "id_stderr")}
        pairs = {
            "ii_to_input": imbalances[latent, "input"],
            "ii_from_input": imbalances["input", latent],
            "ii_to_output": imbalances[latent, "output"],
        }
        for name, pair in pairs.items():
            row |= {name: pair["information_imbalance"], f"{name}_stderr": pair["ii_stderr"]}
        reasons = dict.fromkeys(part["reason"] for part in (dimensions[latent], *pairs.values()) if part["reason"])
        rows.append(row | {"reason": "; ".join(reasons) or None})
    return rows
