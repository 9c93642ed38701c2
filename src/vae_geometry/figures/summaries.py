"""The numbers that the figures draw: means over seeds and their spread, one tidy table a panel."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from vae_geometry import VaeGeometryError
from vae_geometry.geometry.information_imbalance import relative_difference
from vae_geometry.tables import Selection, read_frame

SEEDS, ESTIMATE = "standard deviation over seeds", "standard error of the measurement"
RUN = ["dataset", "noise", "bottleneck", "epoch"]


def last_epoch(selection: Selection) -> Selection:
    """The same selection at its last epoch alone."""
    return replace(selection, epochs=[max(selection.epochs)])


def summarise(
    frame: pd.DataFrame, value: str, quantity: str, x: str, error: str | None = None, series: Sequence[str] = ()
) -> pd.DataFrame:
    """Mean and spread over seeds of one quantity.

    Parameters
    ----------
    frame : data frame
        One row a measurement: the columns ``RUN`` but those it lacks, ``x``, ``series``, ``value``, ``error`` and,
        where nulls may occur, ``reason``.
    value : str
        The column to average; nulls are left out.
    quantity : str
        What the numbers are, for the reader of the CSV file.
    x : str
        The column on the horizontal axis.
    error : str, optional
        Column of standard errors, the spread where only one seed was measured.
    series : sequence of str
        Further columns that tell the lines of a panel apart.

    Returns
    -------
    data frame
        Sorted by run, series and x; columns ``quantity``, run and series, ``x_name``, ``x``, ``mean``, ``spread``,
        ``spread_kind``, ``n_seeds`` (measured ones: 0 leaves a null mean, with its ``reason``).
    """
    by = [name for name in dict.fromkeys([*RUN, *series, x]) if name in frame]
    groups = frame.groupby(by)
    n_seeds = groups[value].count()
    several = n_seeds > 1
    estimate = groups[error].mean() if error else pd.Series(np.nan, index=n_seeds.index)
    spread = groups[value].std().where(several, estimate)
    summary = pd.DataFrame(
        {
            "mean": groups[value].mean(),
            "spread": spread,
            "spread_kind": pd.Series(SEEDS, index=n_seeds.index).where(several, ESTIMATE).where(spread.notna()),
            "n_seeds": n_seeds,
            "reason": groups["reason"].first() if "reason" in frame else None,
        }
    ).reset_index()
    summary["reason"] = summary["reason"].where(summary["mean"].isna())
    summary.insert(summary.columns.get_loc("mean"), "x_name", x)
    summary.insert(summary.columns.get_loc("mean"), "x", summary[x])
    summary.insert(0, "quantity", quantity)
    return summary.drop(columns=x) if x not in RUN else summary


def id_profile(selection: Selection) -> pd.DataFrame:
    """ID against layer."""
    frame = read_frame("intrinsic_dimension", selection)
    return summarise(frame, "intrinsic_dimension", "ID", "layer", "id_stderr")


def id_scaling(selection: Selection) -> pd.DataFrame:
    """ID against the number of neighbours, of every layer."""
    frame = read_frame("id_scaling", selection)
    return summarise(frame, "intrinsic_dimension", "ID (Gride)", "neighbours", "id_stderr", series=["layer"])


def data_dimension(profile: pd.DataFrame) -> float:
    """ID of the images themselves (layer 0), from an ID profile; NaN where it was not measured."""
    return profile.loc[profile["x"] == 0, "mean"].mean()


def fidelity(selection: Selection, value: str, quantity: str, x: str) -> pd.DataFrame:
    """A column of the fidelity tables against epoch or bottleneck."""
    return summarise(read_frame("fidelity", selection), value, quantity, x)


def frechet_distance(selection: Selection, x: str) -> pd.DataFrame:
    """Frechet distance against epoch or bottleneck; ``quantity`` is FID for Inception's features alone.

    Raises
    ------
    VaeGeometryError
        If the tables mix the distances of several extractors or of unequal numbers of images.
    """
    frame = read_frame("fidelity", selection)
    extractors = frame["extractor"].dropna().unique()
    if len(extractors) > 1:
        mixed = " and ".join(sorted(extractors))
        raise VaeGeometryError(f"{selection.results}: the fidelity tables mix the extractors {mixed}; measure again")
    n_points = frame.loc[frame["frechet_distance"].notna(), "n_points"].unique()
    if len(n_points) > 1:
        raise VaeGeometryError(
            f"{selection.results}: the fidelity tables mix distances of {n_points.min()} and of {n_points.max()} "
            "images, which cannot be compared; measure again"
        )
    name = {"inception": "FID", "efficientnet_lite0": "Frechet distance (EfficientNet-Lite0)"}
    quantity = name[extractors[0]] if len(extractors) else "Frechet distance"
    return summarise(frame, "frechet_distance", quantity, x)


def imbalance(selection: Selection) -> pd.DataFrame:
    """II of every ordered pair of layers, one row a measurement."""
    return read_frame("information_imbalance", selection)


def ii_profile(frame: pd.DataFrame, end: str, backward: bool = False) -> pd.DataFrame:
    """II from every other layer to one end of the network, from the II of pairs.

    Parameters
    ----------
    frame : data frame
        What ``imbalance`` returns.
    end : {"input", "output"}
    backward : bool
        From that end to the layers.
    """
    layer, fixed = ("target_layer", "source_layer") if backward else ("source_layer", "target_layer")
    quantity = f"II({end} -> layer)" if backward else f"II(layer -> {end})"
    at_end = frame[fixed] == {"input": 0, "output": frame[fixed].max()}[end]
    frame = frame[at_end & (frame[layer] != frame[fixed])].rename(columns={layer: "layer"})
    return summarise(frame, "information_imbalance", quantity, "layer", "ii_stderr")


def output_to_input(frame: pd.DataFrame, x: str) -> pd.DataFrame:
    """II(output -> input) against epoch or bottleneck, from the II of pairs."""
    frame = frame[(frame["source_layer"] == frame["source_layer"].max()) & (frame["target_layer"] == 0)]
    return summarise(frame, "information_imbalance", "II(output -> input)", x, "ii_stderr")


def layer_to_layer(frame: pd.DataFrame) -> pd.DataFrame:
    """Relative II difference of neighbouring layers, against their midpoint, from the II of pairs."""
    forward = frame[frame["target_layer"] == frame["source_layer"] + 1].assign(layer=lambda rows: rows["source_layer"])
    backward = frame[frame["target_layer"] == frame["source_layer"] - 1].assign(layer=lambda rows: rows["target_layer"])
    both = _both_ways(forward, backward, ["layer"]).assign(midpoint=lambda rows: rows["layer"] + 0.5)
    return summarise(both, "difference", "relative II difference of layers l and l + 1", "midpoint")


def bottleneck_to_bottleneck(selection: Selection) -> pd.DataFrame:
    """Relative II difference of the same layer in the networks of neighbouring K, against their geometric mean."""
    frame = read_frame("cross_bottleneck", selection)
    frame = frame[frame["source_layer"] == frame["target_layer"]].rename(columns={"source_layer": "layer"})
    sizes = sorted(selection.bottlenecks)
    pairs = pd.DataFrame({"bottleneck": sizes[:-1], "next_bottleneck": sizes[1:]})
    names = ["bottleneck", "next_bottleneck"]
    forward = frame.rename(columns={"source_bottleneck": names[0], "target_bottleneck": names[1]}).merge(pairs)
    backward = frame.rename(columns={"source_bottleneck": names[1], "target_bottleneck": names[0]}).merge(pairs)
    both = _both_ways(forward, backward, ["next_bottleneck", "layer"])
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
    """II of every ordered pair of layers."""
    return summarise(
        frame, "information_imbalance", "II(x -> target layer)", "source_layer", "ii_stderr", series=["target_layer"]
    )


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


def reconstructions(
    selection: Selection,
) -> tuple[np.ndarray, dict[int, np.ndarray], dict[int, np.ndarray], pd.DataFrame]:
    """The first test images, their reconstructions and samples from the prior, by the networks of the first seed.

    Returns
    -------
    images : (n, C, 32, 32) float array
        Between 0 and 1.
    reconstructions, samples : dicts
        Bottleneck -> array like ``images``.
    errors : data frame
        One row an image and bottleneck, ``mean_squared_error`` of its reconstruction per pixel and channel.

    Raises
    ------
    VaeGeometryError
        If a file of reconstructions is absent or not one.
    """
    dataset, noise, seed, epoch = selection.datasets[0], selection.noises[0], selection.seeds[0], max(selection.epochs)
    decoded, samples, rows = {}, {}, []
    for bottleneck in selection.bottlenecks:
        path = Path(selection.results, dataset, noise, f"k{bottleneck}/seed{seed}/epoch{epoch}/reconstructions.npz")
        images, decoded[bottleneck], samples[bottleneck] = _read_reconstructions(path)
        errors = ((images - decoded[bottleneck]) ** 2).mean(axis=(1, 2, 3), dtype=float)
        run = {"dataset": dataset, "noise": noise, "bottleneck": bottleneck, "seed": seed, "epoch": epoch}
        rows += [{**run, "image": image, "mean_squared_error": error} for image, error in enumerate(errors)]
    return images, decoded, samples, pd.DataFrame(rows)


def _read_reconstructions(path: Path) -> list[np.ndarray]:
    try:
        with np.load(path) as arrays:
            return [arrays[name] for name in ("images", "reconstructions", "samples")]
    except FileNotFoundError:
        raise VaeGeometryError(f"{path}: no such file; run the stage that makes it first") from None
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise VaeGeometryError(f"{path}: not a file of reconstructions ({error}); remove it to make it again") from None
