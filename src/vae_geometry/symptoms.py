"""What the geometry of a training says that one may want to know while it runs."""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

WIDE = 10  # coordinates of a layer whose ID one may expect to stay above COLLAPSED
COLLAPSED = 2.0
N_RISING = 5  # measurements

Rows = Sequence[Mapping[str, Any]]


def symptoms(dimensions: Rows, imbalances: Rows, losses: Mapping[int, float]) -> dict[str, str]:
    """What is remarkable at the last epoch of some measurements.

    Parameters
    ----------
    dimensions, imbalances : sequences of mappings
        Rows of tables of kind ``intrinsic_dimension`` and ``information_imbalance``, by epoch.
    losses : mapping
        Epoch -> loss, of those epochs where it is known.

    Returns
    -------
    dict
        A name, equal while the same symptom lasts -> a sentence:

        - a layer holds NaN or infinity;
        - the ID of a layer of ``WIDE`` or more coordinates has fallen below ``COLLAPSED``, or is null
          now;
        - II(last layer -> first) has risen at each of ``N_RISING`` measurements, in all by more than twice its error,
          and the loss has fallen;
        - there are fewer than 2**ID points: half of them or more are then about as far as the nearest, and the ID reads
          low (``docs/explanation/trust.md``).
    """
    if not dimensions:
        return {}
    epoch = dimensions[-1]["epoch"]
    now = [row for row in dimensions if row["epoch"] == epoch]
    found: dict[str, str] = {}
    for row in now:
        before = [old for old in dimensions if old["layer"] == row["layer"] and old["epoch"] < epoch]
        found |= _not_finite(row) | _collapse(row, before)
    return found | _memorising(imbalances, losses) | _few_points(now)


def _not_finite(row: Mapping[str, Any]) -> dict[str, str]:
    if row["n_zero_distances"] is not None:
        return {}
    sentence = f"epoch {row['epoch']}: layer {row['layer_name']} is not measured: {row['reason']}"
    return {f"not finite: {row['layer_name']}": sentence}


def _collapse(row: Mapping[str, Any], before: Rows) -> dict[str, str]:
    above = [old for old in before if (old["intrinsic_dimension"] or 0) >= COLLAPSED]
    value, name = row["intrinsic_dimension"], row["layer_name"]
    if not above or row["extrinsic_dimension"] < WIDE or row["n_zero_distances"] is None:
        return {}
    if value is None:
        what = f"can no longer be measured ({row['reason']})"
    elif value < COLLAPSED:
        what = f"has fallen to {value:.2g}, below {COLLAPSED:g} in a layer of {row['extrinsic_dimension']} coordinates"
    else:
        return {}
    was = f"it was {above[-1]['intrinsic_dimension']:.2g} at epoch {above[-1]['epoch']}"
    sentence = f"epoch {row['epoch']}: the ID of layer {name} {what}; {was}: the layer may have collapsed"
    return {f"collapse: {name}": sentence}


def _memorising(imbalances: Rows, losses: Mapping[int, float]) -> dict[str, str]:
    last = max(row["source_layer"] for row in imbalances)
    course = [row for row in imbalances if row["source_layer"] == last and row["target_layer"] == 0][-N_RISING:]
    values = [row["information_imbalance"] for row in course]
    epochs = [row["epoch"] for row in course]
    if last == 0 or len(values) < N_RISING or None in values or not {epochs[0], epochs[-1]} <= set(losses):
        return {}
    before, after = losses[epochs[0]], losses[epochs[-1]]
    if not (after < before and all(one < other for one, other in pairwise(values))):
        return {}
    from vae_geometry.claims.uncertainty import Sample, intervals  # brings in pandas

    numbers = [
        (row["information_imbalance"], math.nan if row["ii_stderr"] is None else row["ii_stderr"]) for row in course
    ]
    lowest, highest = Sample.of(*numbers[0]), Sample.of(*numbers[-1])
    if not intervals({0: highest - lowest})[0].exceeds(0):
        return {}
    pair = f"II({course[0]['source_name']} -> {course[0]['target_name']})"
    sentence = (
        f"epochs {epochs[0]} to {epochs[-1]}: {pair} rose at each of {N_RISING} measurements, from {lowest} to "
        f"{highest}, while the loss fell from {before:.4g} to {after:.4g}: the network may be memorising noise; "
        "check the loss on held-out data"
    )
    return {"memorising": sentence}


def _few_points(now: Rows) -> dict[str, str]:
    high = [
        row
        for row in now
        if row["intrinsic_dimension"] is not None and 2 ** row["intrinsic_dimension"] > row["n_points"]
    ]
    if not high:
        return {}
    layers = ", ".join(f"{row['layer_name']} ({row['intrinsic_dimension']:.3g})" for row in high)
    sentence = (
        f"{now[0]['n_points']} points are few for the ID of {layers}: with fewer than 2^ID points the ID "
        "reads low; compare it only with IDs at the same number of points"
    )
    return {"few points": sentence}
