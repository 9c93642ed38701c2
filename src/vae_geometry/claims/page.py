"""The advice and the verdicts as text to print and as pages to read, in Markdown and in HTML."""

import re
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from vae_geometry import __version__
from vae_geometry.claims.registry import CLAIMS, Claim
from vae_geometry.claims.verdicts import CONTRADICTED, HOLDS, NOT_MEASURABLE, TOO_SHORT, UNDECIDED

Row = Mapping  # of the table of claims
NOTHING_OPEN = "Every claim was decided."
UNCERTAINTY = (
    "Values are means over seeds with standard errors: the deviation over seeds or the error of a measurement, "
    "whichever is larger, divided by the root of the number of seeds. One seed has the error of its measurement alone: "
    "its verdicts are about this run, and say nothing of other seeds. Claims are judged by 95 % intervals (Student's "
    "t, the deviations of all K drawn towards each other, all K and layers of a claim together), and by a margin of a "
    "tenth: less counts as no difference. Undecided means that an interval holds the margin; too short to test, that "
    "the claim is about what the paper saw by epoch 200, and has not shown yet."
)
STYLE = """
body { font: 15px/1.45 sans-serif; margin: 1.5em auto; max-width: 70em; padding: 0 1em }
table { border-collapse: collapse; margin: 1em 0 }
th, td { text-align: left; vertical-align: top; padding: .3em .8em .3em 0; border-bottom: 1px solid #ddd }
summary { cursor: pointer }
details table { margin: .3em 0 .3em 1em; font-size: 90% }
.answer { font-size: 120%; background: #f3f6fa; padding: .6em 1em; border-left: 4px solid #36c }
.verdict { white-space: nowrap; padding: 0 .5em; border-radius: .6em; background: #eee }
.holds { background: #cdebc9 } .contradicted { background: #f6c9c4 } .undecided { background: #fbe9b7 }
.rule { color: #555 }
img { width: 100% }
"""
GENERATOR = '<meta name="generator" content="vae-geometry">'


@dataclass(frozen=True)
class Page:
    """What a page says of one data set.

    Attributes
    ----------
    heading : str
        Which sweep it is.
    rows : sequence of mappings
        Of the table of claims.
    answer : str
        The advice in a sentence.
    advice : list of str
        What the advice rests on, a line each.
    verified : str
        How another implementation agrees.
    noise : list of str
        What repeated noise changes.
    """

    heading: str
    rows: Sequence[Row]
    answer: str
    advice: Sequence[str]
    verified: str
    noise: Sequence[str]


@dataclass(frozen=True)
class Picture:
    """A figure on a page.

    Attributes
    ----------
    title : str
        What it is called.
    place : str
        Link to it, relative to the page.
    caption : str
        As beside the figure: what it shows, how to read it, its numbers.
    png : bytes or None
        The picture, where the page shows it.
    """

    title: str
    place: str
    caption: str
    png: bytes | None = None


def text(page: Page) -> str:
    """The verdicts over seeds as a table, what the kind of noise decides, who verified the numbers, and the advice."""
    lines = _verdicts(page.rows)
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    aligned = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    ]
    table = "\n".join([aligned[0], "  ".join("-" * width for width in widths), *aligned[1:]])
    advice = "\n".join([page.answer, *page.advice])
    return "\n\n".join([page.heading, table, *noise_decides(page.rows), page.verified, advice])


def markdown(page: Page) -> str:
    """The page in Markdown: the advice, the verdicts, and for each claim its rule and its numbers."""
    head, *lines = (f"| {' | '.join(line)} |" for line in _verdicts(page.rows))
    parts = [
        f"# {page.heading}",
        "## How wide a bottleneck",
        f"**{page.answer}**",
        "\n".join(page.advice),
        "## The claims of the paper",
        "Verdicts over seeds; in brackets how many seeds alone give the same.",
        "\n".join([head, "|---" * (head.count("|") - 1) + "|", *lines]),
        "## What is open, and what would decide it",
        "\n".join(f"- {line}" for line in still_open(page.rows)) or NOTHING_OPEN,
        "## What the kind of noise changes",
        "\n".join(f"- {line}" for line in [*noise_decides(page.rows), *page.noise]) or "Only one kind was measured.",
        f"## Verified by another implementation\n\n{page.verified}",
        "## The numbers, and how each claim is decided",
        UNCERTAINTY,
    ]
    for claim in CLAIMS:
        parts.append(f"**{claim.statement}** (section {claim.section}). {claim.rule}")
        for row in _over_seeds(page.rows, claim):
            words = "; ".join(row[name] for name in ("text", "reason") if row[name])
            parts.append(f"- {row['noise']}: {row['verdict']}. {words}")
            if row["values"]:
                cells = [list(map(str, row["bottlenecks"])), ["---"] * len(row["values"]), row["values"]]
                names = ["K", "---", "value"]
                table = [f"  | {' | '.join([name, *line])} |" for name, line in zip(names, cells, strict=True)]
                parts.append("\n".join(table))
    parts.append(f"Made by vae-geometry {__version__}.")
    return "\n\n".join(part for part in parts if part) + "\n"


def html(page: Page, pictures: Sequence[Picture] = (), links: Mapping[str, str] | None = None) -> str:
    """The same page as one file that needs no network; the numbers of a claim open below it.

    With ``pictures`` it shows figures and says how to read them; ``links`` maps what else there is to where it lies.
    """
    noises = list(dict.fromkeys(row["noise"] for row in page.rows))
    head = "".join(f"<th>{escape(name)}</th>" for name in ["claim", *noises])
    lines = []
    for claim in CLAIMS:
        of_claim = {row["noise"]: row for row in _over_seeds(page.rows, claim)}
        cells = "".join(f"<td>{_badge(of_claim[noise]['verdict'])}</td>" for noise in noises)
        lines.append(f"<tr><td>{_opened(claim, of_claim.values())}</td>{cells}</tr>")
    sentences = [f"<li>{escape(line)}</li>" for line in [*noise_decides(page.rows), *page.noise]]
    changes = f"<ul>{''.join(sentences)}</ul>" if sentences else "<p>Only one kind was measured.</p>"
    undecided = "".join(f"<li>{escape(line)}</li>" for line in still_open(page.rows))
    places = ", ".join(f'<a href="{escape(place)}">{escape(name)}</a>' for name, place in (links or {}).items())
    advice = "\n".join(page.advice)
    body = [
        f"<h1>{escape(page.heading)}</h1>",
        f'<p class="answer">{escape(page.answer)}</p>',
        f"<pre>{escape(advice)}</pre>" if advice else "",
        *(_shown(picture) for picture in pictures if picture.png),
        "<h2>The claims of the paper</h2><p>A claim opens to its rule and its numbers.</p>",
        f"<table><tr>{head}</tr>\n" + "\n".join(lines) + "</table>",
        f'<p class="rule">{escape(UNCERTAINTY)}</p>',
        f"<h2>What is open, and what would decide it</h2>{f'<ul>{undecided}</ul>' if undecided else NOTHING_OPEN}",
        f"<h2>What the kind of noise changes</h2>{changes}",
        f"<h2>Verified by another implementation</h2><p>{escape(page.verified)}</p>",
        "<h2>All figures, and how to read them</h2>" if pictures else "",
        *(_explained(picture) for picture in pictures),
        f"<h2>What lies where</h2><p>{places}</p>" if places else "",
        f"<p>Made by vae-geometry {__version__}.</p>",
    ]
    title = (
        f'<!doctype html>{GENERATOR}<meta charset="utf-8"><title>{escape(page.heading)}</title><style>{STYLE}</style>\n'
    )
    return title + "\n".join(body) + "\n"


def _shown(picture: Picture) -> str:
    source = f"data:image/png;base64,{b64encode(picture.png or b'').decode()}"
    return f'<h2>{escape(picture.title)}</h2><img alt="{escape(picture.title)}" src="{source}">'


def _explained(picture: Picture) -> str:
    link = f'<p><a href="{escape(picture.place)}">{escape(picture.place)}</a></p>'
    return f"<details><summary>{escape(picture.title)}</summary>{link}{_prose(picture.caption)}</details>"


def _prose(caption: str) -> str:
    """A caption, which is paragraphs and a list in reStructuredText, as HTML."""
    parts = []
    for part in escape(caption.strip()).split("\n\n"):
        items = part.removeprefix("- ").split("\n- ")
        parts.append(f"<ul><li>{'</li><li>'.join(items)}</li></ul>" if part.startswith("- ") else f"<p>{part}</p>")
    strong = re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", "".join(parts))
    return re.sub(r"\*(.+?)\*", r"<em>\1</em>", strong)


def still_open(rows: Sequence[Row]) -> list[str]:
    """What would decide the claims that another sweep could decide, a line each with these claims and their noise."""
    of_reason: dict[str, dict[str, list[str]]] = {}
    for claim in CLAIMS:
        for row in _over_seeds(rows, claim):
            if row["verdict"] in (UNDECIDED, TOO_SHORT, NOT_MEASURABLE):
                claims = of_reason.setdefault(f"{row['verdict']}, {row['reason']}", {})
                claims.setdefault(claim.statement, []).append(row["noise"])
    told = {
        reason: "; ".join(f"{statement} ({' and '.join(noises)})" for statement, noises in claims.items())
        for reason, claims in of_reason.items()
    }
    return [f"{reason}: {claims}." for reason, claims in told.items()]


def _badge(verdict: str) -> str:
    return f'<span class="verdict {verdict.replace(" ", "-")}">{verdict}</span>'


def _opened(claim: Claim, rows: Iterable[Row]) -> str:
    parts = [f'<p class="rule">Section {escape(claim.section)}. {escape(claim.rule)}</p>']
    for row in rows:
        words = "; ".join(row[name] for name in ("text", "reason") if row[name])
        parts.append(f"<p>{escape(row['noise'])}: {escape(words)}</p>")
        if row["values"]:
            sizes = "".join(f"<th>{size}</th>" for size in row["bottlenecks"])
            values = "".join(f"<td>{escape(value)}</td>" for value in row["values"])
            parts.append(f"<table><tr><th>K</th>{sizes}</tr><tr><td></td>{values}</tr></table>")
    return f"<details><summary>{escape(claim.statement)}</summary>{''.join(parts)}</details>"


def noise_decides(rows: Sequence[Row]) -> list[str]:
    """A sentence for each claim that holds with one of repeated and fresh noise, and is contradicted with the other."""
    sentences = []
    for claim in CLAIMS:
        of_noise = {row["noise"]: row for row in _over_seeds(rows, claim)}
        told = [of_noise[noise] for noise in ("repeated", "fresh") if noise in of_noise]
        if {row["verdict"] for row in told} == {HOLDS, CONTRADICTED}:
            kinds = [f"with {row['noise']} noise {row['verdict']} ({row['numbers']})" for row in told]
            sentences.append(f"{claim.statement}: {', '.join(kinds)}.")
    return sentences


def _over_seeds(rows: Sequence[Row], claim: Claim) -> list[Row]:
    return [row for row in rows if row["seed"] is None and row["claim"] == claim.name]


def _verdicts(rows: Sequence[Row]) -> list[list[str]]:
    """Heading and lines: statement, and for each kind of noise the verdict and how many of several seeds share it."""
    noises = list(dict.fromkeys(row["noise"] for row in rows))
    lines = [["claim", *noises]]
    for claim in CLAIMS:
        cells = []
        for row in _over_seeds(rows, claim):
            seeds = [
                each["verdict"] == row["verdict"]
                for each in rows
                if each["claim"] == claim.name and each["noise"] == row["noise"] and each["seed"] is not None
            ]
            agreeing = f" ({sum(seeds)} of {len(seeds)} seeds)" if len(seeds) > 1 else ""
            cells.append(row["verdict"] + agreeing)
        lines.append([claim.statement, *cells])
    return lines
