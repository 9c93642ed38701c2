"""The verdicts on the claims as text to print and as pages to read, in Markdown and in HTML."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape

import pandas as pd

from vae_geometry import __version__
from vae_geometry.claims.registry import CLAIMS

Rows = Sequence[Mapping]  # of the table of claims

STYLE = """
body { font: 15px/1.45 sans-serif; margin: 1.5em; max-width: 70em }
table { border-collapse: collapse; margin: 1em 0 }
th, td { text-align: left; vertical-align: top; padding: .3em .8em .3em 0; border-bottom: 1px solid #ddd }
"""


def text(heading: str, rows: Rows, advice: str, verified: str) -> str:
    """Verdicts over seeds as a table, what the kind of noise decides, who verified the numbers, and the advice on K.

    Parameters
    ----------
    heading : str
        Which sweep it is.
    rows : sequence of mappings
        Of the table of claims.
    advice, verified : str
    """
    lines = _verdicts(rows)
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    aligned = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    ]
    table = "\n".join([aligned[0], "  ".join("-" * width for width in widths), *aligned[1:]])
    return "\n\n".join([heading, table, *noise_decides(rows), verified, advice])


def markdown(heading: str, rows: Rows, advice: str, verified: str) -> str:
    """The page: verdicts, advice, and for each claim its rule and numbers; parameters as of ``text``."""
    head, *lines = (f"| {' | '.join(line)} |" for line in _verdicts(rows))
    parts = [
        f"# {heading}",
        "Verdicts over seeds; in brackets how many seeds alone give the same.",
        "\n".join([head, "|---" * (head.count("|") - 1) + "|", *lines]),
        f"## How wide a bottleneck\n\n{advice}",
        f"## Verified by another implementation\n\n{verified}",
        "## What the kind of noise decides",
        "\n".join(f"- {sentence}" for sentence in noise_decides(rows)) or "Nothing, or only one kind was measured.",
        "## The numbers, and how each claim is decided",
        "Values are means over seeds; the error is their standard deviation, or that of one measurement where it is "
        "larger. Two numbers differ where their difference is more than twice its error. *Not measurable*: the sweep "
        "lacks the numbers. *Not applicable*: the network or the data lack what the claim is about.",
    ]
    for claim in CLAIMS:
        numbers = [
            f"- {row['noise']}: {row['verdict']}. {row['numbers'] or row['reason']}"
            for row in _over_seeds(rows)
            if row["claim"] == claim.name
        ]
        parts.append("\n".join([f"**{claim.statement}.** {claim.rule}\n", *numbers]))
    parts.append(f"Made by vae-geometry {__version__}.")
    return "\n\n".join(parts) + "\n"


def html(heading: str, rows: Rows, advice: str, verified: str) -> str:
    """The same page as one self-contained file, for the report; parameters as of ``text``."""
    head, *lines = _verdicts(rows)
    numbers = [
        [claim.statement, claim.rule, row["noise"], row["verdict"], row["numbers"] or row["reason"]]
        for claim in CLAIMS
        for row in _over_seeds(rows)
        if row["claim"] == claim.name
    ]
    parts = {
        "Verdicts over seeds; in brackets how many seeds alone give the same": (lines, head),
        "Numbers": (numbers, ["claim", "rule", "noise", "verdict", "numbers"]),
    }
    body = [
        f"<h1>{escape(heading)}</h1>",
        f"<p><b>How wide a bottleneck:</b> {escape(advice)}</p>",
        f"<p><b>Verified by another implementation:</b> {escape(verified)}</p>",
    ]
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


def noise_decides(rows: Rows) -> list[str]:
    """A sentence for each claim that repeated and fresh noise decide differently, with the numbers of both."""
    sentences = []
    over_seeds = {(row["claim"], row["noise"]): row for row in _over_seeds(rows)}
    for (claim, noise), repeated in over_seeds.items():
        fresh = over_seeds.get((claim, "fresh"))
        if noise != "repeated" or fresh is None:
            continue
        if {repeated["verdict"], fresh["verdict"]} == {"holds", "fails"}:
            sentences.append(
                f"{repeated['statement']}: with repeated noise this {repeated['verdict']} ({repeated['numbers']}), "
                f"with fresh noise it {fresh['verdict']} ({fresh['numbers']})."
            )
    return sentences


def _over_seeds(rows: Rows) -> Iterator[Mapping]:
    return (row for row in rows if row["seed"] is None)


def _verdicts(rows: Rows) -> list[list[str]]:
    """Heading and lines: statement, and for each kind of noise the verdict and how many of several seeds share it."""
    noises = list(dict.fromkeys(row["noise"] for row in rows))
    lines = [["claim", *noises]]
    for claim in CLAIMS:
        cells = []
        for noise in noises:
            of_noise = [row for row in rows if row["claim"] == claim.name and row["noise"] == noise]
            verdict = next(row["verdict"] for row in _over_seeds(of_noise))
            seeds = [row["verdict"] == verdict for row in of_noise if row["seed"] is not None]
            cells.append(f"{verdict} ({sum(seeds)} of {len(seeds)} seeds)" if len(seeds) > 1 else verdict)
        lines.append([claim.statement, *cells])
    return lines
