"""The claims checked on a sweep or on the published values: a table, a page to read, and a summary to print."""

from collections.abc import Sequence
from dataclasses import replace
from html import escape
from pathlib import Path

import pandas as pd

from vae_geometry import VaeGeometryError, __version__, tables
from vae_geometry.claims import evidence as measurements
from vae_geometry.claims.advice import advise, noise_decides
from vae_geometry.claims.claims import CLAIMS
from vae_geometry.claims.evidence import Measurements, NotMeasured
from vae_geometry.files import whole_file
from vae_geometry.tables import Selection


def check_claims(selection: Selection, output: Path) -> str:
    """Check the claims on one data set, and write ``{output}.parquet``, ``.md`` and ``.html``.

    Parameters
    ----------
    selection : Selection
        One data set; each kind of noise is checked for itself, seed by seed and over seeds.
    output : Path
        Without its suffix.

    Returns
    -------
    str
        Verdicts over seeds as a table, what the kind of noise decides, and the advice on K.

    Raises
    ------
    VaeGeometryError
        If a table is absent or a file cannot be written.
    """
    names = ("noises", "bottlenecks", "seeds", "epochs")
    selection = replace(selection, **{name: list(dict.fromkeys(getattr(selection, name))) for name in names})
    sweeps = {noise: measurements.of_sweep(replace(selection, noises=[noise])) for noise in selection.noises}
    rows = [
        row
        for noise, (*per_seed, over_seeds) in sweeps.items()
        for measured, seed in [*((measured, measured.seeds[0]) for measured in per_seed), (over_seeds, None)]
        for row in _check(measured, dataset=selection.datasets[0], noise=noise, seed=seed)
    ]
    advice = "No advice on K: it is taken from fresh noise; add it to noise."
    if "fresh" in sweeps:
        *per_seed, over_seeds = sweeps["fresh"]
        try:
            advice = advise(per_seed, over_seeds)
        except NotMeasured as error:
            advice = f"No advice on K: {error}."
    tables.write("claims", rows, Path(f"{output}.parquet"))
    sizes, seeds = (", ".join(map(str, values)) for values in (selection.bottlenecks, selection.seeds))
    heading = (
        f"Claims of the paper on {selection.datasets[0]}: K = {sizes}; seeds {seeds}; epoch {max(selection.epochs)}"
    )
    for suffix, page in ((".md", _page), (".html", _html)):
        with whole_file(Path(f"{output}{suffix}")) as path:
            path.write_text(page(heading, rows, advice), encoding="utf-8")
    return "\n\n".join([heading, summary(rows), *noise_decides(rows), advice])


def check_published(folder: Path, bottlenecks: Sequence[int] | None = None) -> str:
    """The claims on the values published with the paper, verdicts and numbers as text.

    Parameters
    ----------
    folder : Path
        Of the published tables.
    bottlenecks : sequence of int or None
        Only these K.

    Raises
    ------
    VaeGeometryError
        If a table is absent or holds none of one of the K.
    """
    measured = measurements.of_published(folder)
    if absent := set(bottlenecks or []) - set(measured.bottlenecks):
        published = ", ".join(map(str, measured.bottlenecks))
        raise VaeGeometryError(
            f"{folder}: nothing was published for K = {min(absent)}; the published K are {published}"
        )
    measured = replace(measured, bottlenecks=sorted(set(bottlenecks or measured.bottlenecks)))
    rows = _check(measured, dataset="cifar10", noise="repeated", seed=None)
    details = [f"{row['statement']}: {row['verdict']}\n  {row['numbers'] or row['reason']}" for row in rows]
    heading = f"Claims of the paper on its published values (CIFAR-10, epoch {measured.last}, one run per K)"
    borrowed = "No errors were published; those printed are of the usual size for N = 5,000 (docs/noise.md)."
    return "\n".join([heading, borrowed, *details])


def _check(measured: Measurements, **run: str | int | None) -> list[dict]:
    rows = []
    for claim in CLAIMS:
        row = {**run, "claim": claim.name, "statement": claim.statement, "numbers": None, "reason": None}
        try:
            finding = claim.check(measured)
        except NotMeasured as error:
            rows.append({**row, "verdict": "not measurable", "reason": str(error)})
        else:
            rows.append({**row, "verdict": "holds" if finding.holds else "fails", "numbers": finding.numbers})
    return rows


def summary(rows: Sequence[dict]) -> str:
    """Verdicts as a table of text, a line a claim and a column a kind of noise."""
    lines = _verdicts(rows)
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    aligned = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    ]
    return "\n".join([aligned[0], "  ".join("-" * width for width in widths), *aligned[1:]])


def _verdicts(rows: Sequence[dict]) -> list[list[str]]:
    """Heading and lines: statement, and for each kind of noise the verdict and how many of several seeds share it."""
    noises = list(dict.fromkeys(row["noise"] for row in rows))
    lines = [["claim", *noises]]
    for claim in CLAIMS:
        cells = []
        for noise in noises:
            of_noise = [row for row in rows if row["claim"] == claim.name and row["noise"] == noise]
            verdict = next(row["verdict"] for row in of_noise if row["seed"] is None)
            seeds = [row["verdict"] == verdict for row in of_noise if row["seed"] is not None]
            cells.append(f"{verdict} ({sum(seeds)} of {len(seeds)} seeds)" if len(seeds) > 1 else verdict)
        lines.append([claim.statement, *cells])
    return lines


def _page(heading: str, rows: Sequence[dict], advice: str) -> str:
    head, *lines = (f"| {' | '.join(line)} |" for line in _verdicts(rows))
    parts = [
        f"# {heading}",
        "Verdicts over seeds; in brackets how many seeds alone give the same.",
        "\n".join([head, "|---" * (head.count("|") - 1) + "|", *lines]),
        f"## How wide a bottleneck\n\n{advice}",
        "## What the kind of noise decides",
        "\n".join(f"- {sentence}" for sentence in noise_decides(rows)) or "Nothing, or only one kind was measured.",
        "## The numbers, and how each claim is decided",
        "Values are means over seeds; the error is their standard deviation, or that of one measurement where it is "
        "larger. Two numbers differ where their difference is more than twice its error.",
    ]
    for claim in CLAIMS:
        of_claim = [row for row in rows if row["claim"] == claim.name and row["seed"] is None]
        numbers = [f"- {row['noise']}: {row['verdict']}. {row['numbers'] or row['reason']}" for row in of_claim]
        parts.append("\n".join([f"**{claim.statement}.** {claim.rule}\n", *numbers]))
    parts.append(f"Made by vae-geometry {__version__}.")
    return "\n\n".join(parts) + "\n"


STYLE = """
body { font: 15px/1.45 sans-serif; margin: 1.5em; max-width: 70em }
table { border-collapse: collapse; margin: 1em 0 }
th, td { text-align: left; vertical-align: top; padding: .3em .8em .3em 0; border-bottom: 1px solid #ddd }
"""


def _html(heading: str, rows: Sequence[dict], advice: str) -> str:
    """The page once more, whole in one file, for the report."""
    head, *lines = _verdicts(rows)
    rules = {claim.name: claim.rule for claim in CLAIMS}
    numbers = [
        [row["statement"], rules[row["claim"]], row["noise"], row["verdict"], row["numbers"] or row["reason"]]
        for row in rows
        if row["seed"] is None
    ]
    numbers.sort(key=lambda line: [claim.statement for claim in CLAIMS].index(line[0]))
    parts = {
        "Verdicts over seeds; in brackets how many seeds alone give the same": (lines, head),
        "Numbers": (numbers, ["claim", "rule", "noise", "verdict", "numbers"]),
    }
    body = [f"<h1>{escape(heading)}</h1>", f"<p><b>How wide a bottleneck:</b> {escape(advice)}</p>"]
    for title, (cells, columns) in parts.items():
        body += [f"<h2>{title}</h2>", pd.DataFrame(cells, columns=columns).to_html(index=False, border=0)]
    sentences = [f"<li>{escape(sentence)}</li>" for sentence in noise_decides(rows)]
    body += [
        "<h2>What the kind of noise decides</h2>",
        f"<ul>{''.join(sentences)}</ul>" if sentences else "<p>Nothing, or only one kind was measured.</p>",
    ]
    return (
        f'<!doctype html><meta charset="utf-8"><title>Claims</title><style>{STYLE}</style>\n' + "\n".join(body) + "\n"
    )
