"""Stages that make tables, figures and claims of the measurements."""

from dataclasses import MISSING, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vae_geometry import VaeGeometryError
from vae_geometry.figures.registry import FIGURES
from vae_geometry.layout import RESOURCES
from vae_geometry.options import Option
from vae_geometry.stages.stage import ONE_DATASET, SWEEP, path, stage

if TYPE_CHECKING:
    from vae_geometry.selection import Selection


@stage(
    "Join the tables of a sweep, one parquet file a kind.",
    *SWEEP,
    path("output", "folder for the tables"),
    Option("id_scaling", bool, False, "join the tables of measure-geometry --scales too"),
)
def collect_tables(options: Any) -> None:
    from vae_geometry.collect import collect

    collect(_selection(options), options.output, options.id_scaling)


@stage(
    "Draw a figure of a data set, or of several, with its numbers and its caption beside it.",
    Option("figure", str, MISSING, f"one of {', '.join(FIGURES)}", positional=True),
    *SWEEP,
    path("published", "folder of the published values, for figure `published`", default=None),
    path("gaussians", "table of the IDs of Gaussians, for the figures that compare an ID with K", default=None),
    Option("steps", int, None, "optimisation steps of an epoch, for figure `published`", minimum=1),
    path("output", "path of the figure without .png, .pdf, .csv, .txt"),
)
def plot(options: Any) -> None:
    from vae_geometry.figures.plot import plot

    plot(options.figure, _selection(options), options.output, options.published, options.gaussians, options.steps)


@stage(
    "Check the paper's claims on a sweep, or on the values published with it.",
    *(replace(option, default=None) if option.default is MISSING else option for option in ONE_DATASET),
    Option(
        "published",
        Path | None,
        None,
        "check the published values in this folder instead (resources/published)",
        alone=Path(RESOURCES["published"]),
    ),
    path("verification", "table of verify-geometry, whose result the page names", default=None),
    path("output", "path of the table and page without .parquet, .md, .html", default=None),
)
def check_claims(options: Any) -> None:
    from vae_geometry.claims.check import check_claims, check_published

    if options.published:
        needless = ("dataset", "noise", "seed", "epoch", "verification", "output")
        if given := [name for name in needless if getattr(options, name)]:
            raise VaeGeometryError(f"--{given[0]} does not go with --published, only --bottleneck does; leave it out")
        print(check_published(options.published, options.bottleneck))
        return
    needed = ("dataset", "noise", "bottleneck", "seed", "epoch", "output")
    if absent := [f"--{name}" for name in needed if not getattr(options, name)]:
        missing = f"{', '.join(absent)} {'is' if len(absent) == 1 else 'are'} missing"
        raise VaeGeometryError(f"{missing}; name the sweep, or check the published values with --published")
    print(check_claims(_selection(options), options.output, options.verification))


@stage(
    "Write the page of a data set: advice, figures, claims, and how to read them, in one HTML file.",
    *ONE_DATASET,
    Option("figures", tuple[Path, ...], MISSING, "figures (.png) with their captions beside them"),
    path("verification", "table of verify-geometry, whose result the page names", default=None),
    path("output", "the page (.html)"),
)
def summarise(options: Any) -> None:
    from vae_geometry.figures.overview import summarise

    summarise(_selection(options), options.output, options.figures, options.verification)


def _selection(options: Any) -> "Selection":
    from vae_geometry.selection import Selection

    datasets = [options.dataset] if isinstance(options.dataset, str) else options.dataset
    return Selection(options.results, datasets, options.noise, options.bottleneck, options.seed, options.epoch)
