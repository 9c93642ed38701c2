"""Activations of networks that were trained elsewhere, saved where a sweep has its own."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from vae_geometry import VaeGeometryError, layout, tables
from vae_geometry.dumps import IS_VALID, MOST_LAYERS, ROLES, new_dump
from vae_geometry.geometry.activations import problem_of_values
from vae_geometry.measurement import layers_of


def save_activations(
    results: str | Path,
    activations: Mapping[str, Any],
    roles: Mapping[str, str],
    *,
    dataset: str,
    bottleneck: int,
    epoch: int,
    seed: int = 0,
    noise: str = "fresh",
) -> Path:
    """Save the activations of a checkpoint where the figures, the claims and the advice look for them.

    Run ``vae-geometry measure-geometry`` on the folder, with its parent as ``--output``.

    Parameters
    ----------
    results : str or Path
        Results folder of the sweep.
    activations : mapping of str to (N, ...) array or tensor
        As ``measure`` takes it: from the input to the output, on the same N points for all K, seeds and epochs.
    roles : mapping of str to str
        Layer -> ``input``, ``encoder``, ``bottleneck``, ``decoder`` or ``output``; one layer each is the input, the
        bottleneck and the output.
    dataset : str
        Name of its folder: printable, without a slash, and not beginning with a dot.
    bottleneck : int
        Size K of the latent space.
    epoch : int
        Epochs trained; 0 is the untrained network.
    seed : int
        0 or more.
    noise : {"fresh", "repeated", "repeated_batches", "repeated_eps"}
        Kind of latent noise: ``fresh``, as VAEs usually draw it, unless the generators are reset at every epoch.

    Returns
    -------
    Path
        The folder, ``results/DATASET/NOISE/kK/seedS/epochE/activations``.

    Raises
    ------
    VaeGeometryError
        As ``measure``; if a layer has no role, a role that only one layer may have is given to two, or a name or number
        is not valid; if the folder holds anything else than an earlier dump, or cannot be written.
    """
    run = {"dataset": dataset, "noise": noise, "bottleneck": bottleneck, "seed": seed, "epoch": epoch}
    _check(run, list(activations), roles)
    layers = layers_of(activations)
    rows = []
    for layer in layers:
        if problem := problem_of_values(layer.points):
            raise VaeGeometryError(f"layer {layer.label['layer_name']}: {problem}")
        role = roles[str(layer.label["layer_name"])]
        rows.append({**layer.columns(), **run, "role": role, "shape": list(layer.points.shape[1:])})
    folder = Path(results, layout.RESULTS["activations"].format(**run))
    with new_dump(folder) as new:
        for number, layer in enumerate(layers):
            np.save(new / layout.layer_file(number), layer.points, allow_pickle=False)
        tables.write("manifest", rows, new / layout.MANIFEST)
    return folder


def _check(run: Mapping[str, Any], names: list[str], roles: Mapping[str, str]) -> None:
    for column, value in run.items():
        try:
            is_valid = IS_VALID[column](value) and (
                column != "dataset" or (value and os.sep not in value and value[0] != ".")
            )
        except TypeError:  # of another type
            is_valid = False
        if not is_valid:
            raise VaeGeometryError(
                f"{column}: {value!a} is not a valid {column}; see docs/how-to/networks-trained-elsewhere.md"
            )
    if len(names) > MOST_LAYERS:
        raise VaeGeometryError(f"activations: hold {len(names)} layers; save at most {MOST_LAYERS} of them")
    for name in names:
        if roles.get(name) not in ROLES:
            raise VaeGeometryError(f"roles: layer {name} has none of {', '.join(ROLES)}; give it one")
    for role in ("input", "bottleneck", "output"):
        if (found := [roles[name] for name in names].count(role)) != 1:
            raise VaeGeometryError(f"roles: {found} layers have the role {role}; give it to one layer")
