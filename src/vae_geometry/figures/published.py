"""Measured values beside those published with the paper."""

from pathlib import Path

import pandas as pd
from matplotlib.lines import Line2D

from vae_geometry import VaeGeometryError
from vae_geometry.claims import published as reference
from vae_geometry.claims.uncertainty import differs
from vae_geometry.figures import axes as draw
from vae_geometry.figures import captions, roles, style, summaries
from vae_geometry.figures.style import Drawn, run_title
from vae_geometry.figures.summaries import by_panel
from vae_geometry.selection import Selection

STEPS = 157  # of an epoch of the published trainings: 40,000 images in batches of 256 (docs/explanation/fidelity.md)


def published(selection: Selection, folder: Path | None, steps: int | None = None) -> Drawn:
    """Measured ID and II to input and output on top of the published values, one column a bottleneck.

    The numbers are ``compare``'s: both values, and their difference in units of the spread over seeds. ``steps`` is
    how many an epoch of the measured training has, where that is known.

    Raises
    ------
    VaeGeometryError
        If the measured network has other layers than the published one.
    """
    frames = [at_epoch(frame, max(selection.epochs)) for frame in reference.read(folder)]
    epoch = int(frames[0]["epoch"].iloc[0])
    measured = _profiles(summaries.dimensions(selection), summaries.imbalances(selection))
    theirs = _profiles(*map(roles.with_labels, frames))
    names, published_names = (roles.labels(profiles[0], "x") for profiles in (measured, theirs))
    if names != published_names:
        raise VaeGeometryError(
            f"figure published compares the layers {', '.join(published_names.values())}; this network has "
            f"{', '.join(names.values())}; leave the figure out"
        )
    bottlenecks = sorted(selection.bottlenecks)
    figure, axes = style.new_figure(style.PAGE, 4.6, 3, len(bottlenecks), sharex=True, sharey="row")
    labels = ("intrinsic dimension", "II(layer → input)", "II(layer → output)")
    for row, (ours, papers, label) in enumerate(zip(measured, theirs, labels, strict=True)):
        for ax, bottleneck in zip(axes[row], bottlenecks, strict=True):
            line = papers[papers["bottleneck"] == bottleneck]
            ax.plot(line["x"], line["mean"], **style.PUBLISHED)
            draw.draw_lines(ax, ours[ours["bottleneck"] == bottleneck])
            draw.layer_axis(ax, names, 3 if len(bottlenecks) > 3 else 5)
            ax.set_xlabel("layer" if row == 2 else "")
        axes[row, 0].set_ylabel(label)
        axes[row, 0].set_title(style.letter(row), loc="left", fontweight="bold")
        if row:
            draw.log_axis(axes[row, 0].yaxis)
    axes[0, 0].set_ylim(bottom=0)
    for ax, bottleneck in zip(axes[0], bottlenecks, strict=True):
        ax.set_title(f"K = {bottleneck}")
    theirs_at, ours_at = (_training(*of_one) for of_one in ((epoch, STEPS), (max(selection.epochs), steps)))
    lines = {
        f"published for CIFAR-10: noise repeated (inferred), {theirs_at}, one run": Line2D([], [], **style.PUBLISHED),
        f"measured: {ours_at} (colour: K)": Line2D([], [], color="0.2", marker="o"),
    }
    style.row_legend(figure, lines)
    style.heading(figure, run_title(selection), pd.concat(measured))
    return figure, by_panel(*(differences(*tables) for tables in zip(measured, theirs, strict=True)))


def _training(epoch: int, steps: int | None) -> str:
    return f"epoch {epoch}" + (f" = {epoch * steps:,} steps" if steps else "")


def _profiles(dimensions: pd.DataFrame, imbalances: pd.DataFrame) -> list[pd.DataFrame]:
    return [summaries.id_profile(dimensions), *(summaries.ii_profile(imbalances, end) for end in ("input", "output"))]


def describe_published(numbers: pd.DataFrame) -> captions.Sentences:
    both = captions.measured(numbers).dropna(subset=["published"])
    ratio = (both["mean"] / both["published"]).round(9)  # what is equal but for rounding is a tie
    both["factor"] = ratio.where(ratio > 1, 1 / ratio)
    for quantity, rows in both.groupby("quantity", sort=False):
        worst = rows.loc[rows["factor"].idxmax()]
        values = f"{captions.short(worst['mean'])} measured, {captions.short(worst['published'])} published"
        where = f"at layer {worst['label']} with K = {worst['bottleneck']} ({values})"
        several = rows.dropna(subset=["difference_in_spreads"])[["mean", "spread", "published"]]
        near = [not differs(mean, error, value, 0.0) for mean, error, value in several.itertuples(index=False)]
        within = f"; {sum(near)} of {len(near)} lie within two spreads" if near else ""
        median = f"a factor of {rows['factor'].median():.2f} in the median"
        yield f"{quantity}, measured beside published: {median}; the largest is {worst['factor']:.2f}, {where}{within}."


def at_epoch(frame: pd.DataFrame, epoch: int) -> pd.DataFrame:
    """The published values of the published epoch nearest to ``epoch``."""
    epochs = frame["epoch"].drop_duplicates().sort_values()
    return frame[frame["epoch"] == epochs.iloc[(epochs - epoch).abs().argmin()]]


def differences(measured: pd.DataFrame, published: pd.DataFrame) -> pd.DataFrame:
    """Measured beside published values of one quantity, and their difference in units of the spread over seeds.

    Parameters
    ----------
    measured, published : data frames
        Against layer, as ``summaries.summarise`` returns them; ``published`` at one epoch.

    Returns
    -------
    data frame
        The rows of ``measured``, with ``published``, ``published_epoch``, ``difference`` (measured mean minus
        published) and ``difference_in_spreads``: the difference divided by the spread of several seeds. Where one of
        the last three is null, ``reason`` says why.
    """
    theirs = published[["bottleneck", "x", "mean"]].rename(columns={"mean": "published"})
    table = measured.merge(theirs, how="left", on=["bottleneck", "x"], validate="one_to_one")
    table["published_epoch"] = published["epoch"].iloc[0]
    table["difference"] = table["mean"] - table["published"]
    several = table["n_seeds"] > 1
    is_spread = several & (table["spread"] > 1e-12 * table["mean"].abs())  # the mean of equal values may be rounded
    table["difference_in_spreads"] = table["difference"] / table["spread"].where(is_spread)
    reasons = {  # of several the last
        "the same in all seeds: no spread": ~is_spread,
        "one seed: no spread over seeds": ~several,
        "no value was published for this K": table["published"].isna(),
    }
    for reason, holds in reasons.items():
        table["reason"] = table["reason"].mask(holds & table["mean"].notna(), reason)
    return table
