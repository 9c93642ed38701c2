"""The numbers that the figures draw: means over seeds and their spread, one tidy table a panel."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from vae_geometry import VaeGeometryError
from vae_geometry.arrays import read_npz
from vae_geometry.claims.uncertainty import over_seeds
from vae_geometry.figures import roles
from vae_geometry.figures.style import letter
from vae_geometry.geometry.information_imbalance import relative_difference
from vae_geometry.selection import Selection
from vae_geometry.tables import is_measured, read_frame

RUN = ["dataset", "noise", "bottleneck", "epoch"]
LAYER = ["layer", "layer_name", "role", "label"]
VALIDATION_KL = "validation KL"
DISTANCES = {"frechet_distance": "", "samples_frechet_distance": " of samples"}  # column -> of what, if not test images
RECONSTRUCTIONS = ("images", "reconstructions", "samples")  # of their file


def at_last_epoch(selection: Selection) -> Selection:
    """The same selection at its last epoch alone."""
    return replace(selection, epochs=[max(selection.epochs)])


def summarise(
    frame: pd.DataFrame, value: str, quantity: str, x: str, error: str | None = None, series: Sequence[str] = ()
) -> pd.DataFrame:
    """Mean and spread over seeds of one quantity, as ``claims.uncertainty.over_seeds`` has them.

    Parameters
    ----------
    frame : data frame
        One row a measurement: the columns ``RUN`` but those it lacks, ``x``, ``series``, ``LAYER`` where a row belongs
        to a layer, ``value``, ``error`` and, where nulls may occur, ``reason``.
    value : str
        The column to average; nulls are left out.
    quantity : str
        What the numbers are, for the reader of the CSV file.
    x : str
        The column on the horizontal axis.
    error : str, optional
        Column of standard errors of the measurements.
    series : sequence of str
        Further columns that tell the lines of a panel apart.

    Returns
    -------
    data frame
        Sorted by run, series and x; columns ``quantity``, run, series and layer, ``x_name``, ``x``, ``mean``,
        ``spread``, ``spread_kind``, ``n_seeds`` (measured ones: 0 leaves a null mean, with its ``reason``).
    """
    by = [name for name in dict.fromkeys([*RUN, *series, x, *LAYER]) if name in frame]
    summary = over_seeds(frame, value, by, error)
    summary["reason"] = frame.groupby(by, dropna=False)["reason"].first() if "reason" in frame else None
    summary["reason"] = summary["reason"].where(summary["mean"].isna())
    summary = summary.reset_index()
    summary.insert(summary.columns.get_loc("mean"), "x_name", x)
    summary.insert(summary.columns.get_loc("mean"), "x", summary[x])
    summary.insert(0, "quantity", quantity)
    return summary.drop(columns=x) if x not in RUN else summary


def by_panel(*panels: pd.DataFrame) -> pd.DataFrame:
    """The numbers of all panels that have some, with the panel's letter as the first column."""
    lettered = [panel.assign(panel=letter(index)) for index, panel in enumerate(panels)]
    numbers = pd.concat([panel for panel in lettered if len(panel)], ignore_index=True)
    return numbers[["panel", *numbers.columns.drop(["panel", "reason"]), "reason"]]


def dimensions(selection: Selection) -> pd.DataFrame:
    """ID of every layer, one row a measurement."""
    return roles.with_labels(read_frame("intrinsic_dimension", selection))


def id_profile(frame: pd.DataFrame) -> pd.DataFrame:
    """ID against layer, of what ``dimensions`` returns."""
    return summarise(frame, "intrinsic_dimension", "ID", "layer", "id_stderr")


def id_scaling(selection: Selection) -> pd.DataFrame:
    """ID against the number of neighbours, of every layer."""
    frame = roles.with_labels(read_frame("id_scaling", selection))
    return summarise(frame, "intrinsic_dimension", "ID (Gride)", "neighbours", "id_stderr", series=["layer"])


def data_dimension(profile: pd.DataFrame) -> float:
    """ID of the input, from an ID profile; NaN where it was not measured or no layer is named as the input."""
    return roles.of_role(profile, "input")["mean"].mean()


def fidelity(selection: Selection, value: str, quantity: str, x: str) -> pd.DataFrame:
    """A column of the fidelity tables against epoch or bottleneck."""
    return summarise(_fidelity(selection), value, quantity, x)


def _fidelity(selection: Selection) -> pd.DataFrame:
    """The fidelity tables; nulls with their reason where no network has one, as of those trained elsewhere."""
    if is_measured("fidelity", selection):
        return read_frame("fidelity", selection)
    runs = pd.DataFrame(list(selection.files("fidelity").values()))
    reason = "not measurable: no ELBO and no Frechet distance of these networks"
    return runs.assign(kl=np.nan, **dict.fromkeys(DISTANCES, np.nan), extractor=None, reason=reason)


def frechet_distance(selection: Selection, x: str, column: str = "frechet_distance") -> pd.DataFrame:
    """Frechet distance of reconstructions or samples against epoch or bottleneck.

    ``quantity`` is FID for Inception's features alone.
    """
    frame = _fidelity(selection)
    extractors = frame["extractor"].dropna().unique()
    name = {"inception": "FID", "efficientnet_lite0": "Frechet distance (EfficientNet-Lite0)"}
    quantity = name[extractors[0]] if len(extractors) else "Frechet distance"
    return summarise(frame, column, quantity + DISTANCES[column], x)


def imbalances(selection: Selection) -> pd.DataFrame:
    """II of every ordered pair of layers, one row a measurement."""
    return roles.with_labels(read_frame("information_imbalance", selection))


def of_end(frame: pd.DataFrame, end: str) -> pd.DataFrame:
    """Pairs of layers as rows of one of the two, ``end`` (source or target): its columns are named as ``LAYER``."""
    columns = [f"{end}_layer", f"{end}_name", f"{end}_role", f"{end}_label"]
    return frame.assign(**dict(zip(LAYER, (frame[column] for column in columns), strict=True)))


def ii_profile(frame: pd.DataFrame, end: str, backward: bool = False) -> pd.DataFrame:
    """II from every other layer to one end of the network, from the II of pairs.

    Parameters
    ----------
    frame : data frame
        What ``imbalances`` returns.
    end : {"input", "output"}
        Role of the layer at that end.
    backward : bool
        From that end to the layers.

    Raises
    ------
    VaeGeometryError
        If no layer has that role, or there is no other layer.
    """
    layer, fixed = ("target", "source") if backward else ("source", "target")
    quantity = f"II({end} -> layer)" if backward else f"II(layer -> {end})"
    others = of_end(roles.required(frame, end, f"{fixed}_role").query("source_layer != target_layer"), layer)
    if others.empty:
        raise VaeGeometryError("the tables hold one layer, which has no II to another; measure two or more")
    return summarise(others, "information_imbalance", quantity, "layer", "ii_stderr")


def to_input(frame: pd.DataFrame, role: str, x: str) -> pd.DataFrame:
    """II from the output or the bottleneck to the input against epoch or bottleneck, from the II of pairs."""
    frame = roles.required(roles.required(frame, role, "source_role"), "input", "target_role")
    return summarise(frame, "information_imbalance", f"II({role} -> input)", x, "ii_stderr")


def layer_to_layer(frame: pd.DataFrame) -> pd.DataFrame:
    """Relative II difference of neighbouring layers, against their midpoint, from the II of pairs.

    Name, role and label are those of the first of the two.
    """
    step = frame["target_layer"] - frame["source_layer"]
    forward, backward = of_end(frame[step == 1], "source"), of_end(frame[step == -1], "target")
    both = _both_ways(forward, backward, LAYER)
    both["midpoint"] = both.pop("layer") + 0.5
    return summarise(both, "difference", "relative II difference of layers l and l + 1", "midpoint")


def bottleneck_to_bottleneck(selection: Selection) -> pd.DataFrame:
    """Relative II difference of the same layer in the networks of neighbouring K, against their geometric mean."""
    frame = roles.with_labels(read_frame("cross_bottleneck", selection))
    frame = of_end(frame[frame["source_layer"] == frame["target_layer"]], "source")
    sizes = sorted(selection.bottlenecks)
    pairs = pd.DataFrame({"bottleneck": sizes[:-1], "next_bottleneck": sizes[1:]})
    names = ["bottleneck", "next_bottleneck"]
    forward = frame.rename(columns={"source_bottleneck": names[0], "target_bottleneck": names[1]}).merge(pairs)
    backward = frame.rename(columns={"source_bottleneck": names[1], "target_bottleneck": names[0]}).merge(pairs)
    both = _both_ways(forward, backward, ["next_bottleneck", *LAYER])
    both["geometric_mean"] = np.sqrt(both["bottleneck"] * both["next_bottleneck"])
    return summarise(
        both, "difference", "relative II difference of K and next K", "geometric_mean", series=["layer", names[1]]
    )


def _both_ways(forward: pd.DataFrame, backward: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    keys = [*RUN, "seed", *keys]
    columns = [*keys, "information_imbalance", "reason"]
    both = forward[columns].merge(backward[columns], on=keys, suffixes=("", "_backward"))
    both["difference"] = relative_difference(both["information_imbalance"], both["information_imbalance_backward"])
    both["reason"] = both["reason"].combine_first(both["reason_backward"])
    return both


def ii_pairs(frame: pd.DataFrame) -> pd.DataFrame:
    """II of every ordered pair of layers; name, role and label are those of the source."""
    target = ["target_layer", "target_name", "target_role", "target_label"]
    quantity = "II(x -> target layer)"
    pairs = of_end(frame, "source").drop(columns="layer")  # it is on the axis
    return summarise(pairs, "information_imbalance", quantity, "source_layer", "ii_stderr", series=target)


def losses(selection: Selection) -> pd.DataFrame:
    """Reconstruction, KL and ELBO against epoch, in training and validation (column ``part``).

    Of a sweep that is running: what is there.
    """
    frame = read_frame("training", selection, pass_absent=True)
    tables = []
    for term in ("reconstruction", "kl", "elbo"):
        long = frame.melt(
            [*RUN, "seed"], [f"train_{term}", f"validation_{term}"], var_name="part", value_name="nats_per_image"
        )
        long["part"] = long["part"].str.removesuffix(f"_{term}")
        tables.append(summarise(long, "nats_per_image", term, "epoch", series=["part"]))
    return pd.concat(tables, ignore_index=True)


def validation_kl(selection: Selection) -> pd.DataFrame:
    """KL of the validation set at every epoch up to the last that is read; empty where it was not measured."""
    if not is_measured("training", selection):
        return pd.DataFrame()
    numbers = losses(selection).query("quantity == 'kl' and part == 'validation'").drop(columns="part")
    numbers = numbers[numbers["mean"].notna() & (numbers["x"] <= max(selection.epochs))]
    return numbers.assign(quantity=VALIDATION_KL)


def reconstructions(
    selection: Selection,
) -> tuple[np.ndarray, dict[int, np.ndarray], dict[int, np.ndarray], pd.DataFrame]:
    """The first test inputs, their reconstructions and samples from the prior, by the networks of the first seed.

    Returns
    -------
    inputs : (n, C, H, W) or (n, D) float array
    reconstructions, samples : dicts
        Bottleneck -> array like ``inputs``.
    errors : data frame
        One row an input and bottleneck, ``mean_squared_error`` of its reconstruction per value.

    Raises
    ------
    VaeGeometryError
        If a file of reconstructions is absent, damaged or of inputs of another shape, or repeats another seed's.
    """
    decoded, samples, rows, shape = {}, {}, [], None
    owners: dict[tuple, Path] = {}
    for path, run in at_last_epoch(selection).files("reconstructions").items():
        is_drawn = run["seed"] == selection.seeds[0]
        if not is_drawn and not path.exists():
            continue
        size, arrays = int(run["bottleneck"]), _read_reconstructions(path, shape)
        shape = arrays[0].shape
        if (owner := owners.setdefault((size, arrays[1].tobytes()), path)) != path:
            raise VaeGeometryError(
                f"{path}: holds the same reconstructions as {owner}, of another seed, so one is a copy; "
                "remove the copied run to make it again"
            )
        if is_drawn:
            images, decoded[size], samples[size] = arrays
            errors = ((images - decoded[size]) ** 2).reshape(len(images), -1).mean(axis=1, dtype=float)
            rows += [{**run, "image": image, "mean_squared_error": error} for image, error in enumerate(errors)]
    return images, decoded, samples, pd.DataFrame(rows)


def _read_reconstructions(path: Path, shape: tuple[int, ...] | None) -> list[np.ndarray]:
    """Images, reconstructions and samples; ``shape`` is that of the images of the networks before, if any."""
    images, decoded, samples = arrays = read_npz(path, RECONSTRUCTIONS, "run dump-activations")
    shape = shape or images.shape
    if (
        {array.dtype.kind for array in arrays} != {"f"}
        or not images.shape == decoded.shape == shape
        or samples.shape[1:] != shape[1:]
        or not 1 <= len(images) <= len(samples)  # a dump may hold fewer images
        or len(shape) < 2
    ):
        held = ", ".join(f"{name} {a.dtype} {a.shape}" for name, a in zip(RECONSTRUCTIONS, arrays, strict=True))
        raise VaeGeometryError(
            f"{path}: holds {held}, not float arrays (N, ...) of one shape for all K; run dump-activations again"
        )
    return arrays
