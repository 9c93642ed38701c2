"""The claims checked on a sweep or on the published values."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from vae_geometry import VaeGeometryError, tables
from vae_geometry.claims import page, reading
from vae_geometry.claims.advice import advise
from vae_geometry.claims.evidence import PAPER_EPOCHS, Evidence, NotApplicable, NotMeasured
from vae_geometry.claims.noise import changes
from vae_geometry.claims.registry import CLAIMS, Claim, Finding
from vae_geometry.claims.verdicts import CONTRADICTED, HOLDS, NOT_APPLICABLE, NOT_MEASURABLE, TOO_SHORT, UNDECIDED
from vae_geometry.files import atomic_file, require_written, with_ending
from vae_geometry.geometry.agreement import agreement, disagreement
from vae_geometry.rows import require_place
from vae_geometry.selection import Selection


def check_claims(selection: Selection, output: Path, verification: Path | None = None) -> str:
    """Check the claims on one data set, and write ``{output}.parquet``, ``.md`` and ``.html``.

    Parameters
    ----------
    selection : Selection
        One data set; each kind of noise is checked for itself, seed by seed and over seeds.
    output : Path
        Without its suffix.
    verification : Path, optional
        Table of ``verify_geometry`` of one of its checkpoints; the pages say what it says.

    Returns
    -------
    str
        Verdicts over seeds as a table, what the kind of noise decides, how DADApy agrees, and the advice on K.

    Raises
    ------
    VaeGeometryError
        If a table is absent, the tables do not belong together, or a file cannot be written.
    """
    table, markdown, html = (with_ending(output, ending) for ending in (".parquet", ".md", ".html"))
    is_replaced = tables.is_table("claims", table)
    for file in (table, markdown, html):
        require_written(file, lambda _: is_replaced, "part of earlier claims")
    content = content_of(selection, verification)
    tables.write("claims", content.rows, table)
    for file, write in ((markdown, page.markdown), (html, page.html)):
        with atomic_file(file) as path:
            path.write_text(write(content), encoding="utf-8")
    return page.text(content)


def content_of(selection: Selection, verification: Path | None = None) -> page.Page:
    """What the pages of one data set say; see ``check_claims``."""
    selection = replace(
        selection,
        noises=_once(selection.noises),
        bottlenecks=_once(selection.bottlenecks),
        seeds=_once(selection.seeds),
        epochs=_once(selection.epochs),
    )
    if len(selection.noises) > 1:
        reading.require_alike(selection)
    sweeps = {noise: reading.of_sweep(replace(selection, noises=[noise])) for noise in selection.noises}
    rows = []
    for noise, of_noise in sweeps.items():
        for measured, seed in zip(of_noise, [*selection.seeds, None], strict=True):
            rows += _check(measured, dataset=selection.datasets[0], noise=noise, seed=seed)
    sizes, seeds = (", ".join(map(str, values)) for values in (selection.bottlenecks, selection.seeds))
    heading = f"Sweep of {selection.datasets[0]}: K = {sizes}; seeds {seeds}; epoch {max(selection.epochs)}"
    answer, details = _advice(sweeps)
    has_both = {"repeated", "fresh"} <= sweeps.keys()
    changed = changes(sweeps["repeated"][-1], sweeps["fresh"][-1]) if has_both else []
    return page.Page(heading, rows, answer, details, _verified(selection, verification), changed)


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
    measured = reading.of_published(folder)
    if absent := set(bottlenecks or []) - set(measured.bottlenecks):
        published = ", ".join(map(str, measured.bottlenecks))
        raise VaeGeometryError(
            f"{folder}: nothing was published for K = {min(absent)}; the published K are {published}"
        )
    measured = replace(measured, bottlenecks=sorted(set(bottlenecks or measured.bottlenecks)))
    rows = _check(measured, dataset="cifar10", noise="repeated", seed=None)
    details = [
        f"{row['statement']}: {row['verdict']}"
        + "".join(f"\n  {row[name]}" for name in ("numbers", "reason") if row[name])
        for row in rows
    ]
    heading = f"Claims of the paper on its published values (CIFAR-10, epoch {measured.last}, one run per K)"
    borrowed = "No errors were published: those below are usual for N = 5,000 (docs/explanation/published-values.md)."
    return "\n".join([heading, borrowed, *details])


def _once(values: Iterable) -> list:
    return list(dict.fromkeys(values))


def _check(measured: Evidence, **run: str | int | None) -> list[dict[str, Any]]:
    """Rows of the table of claims, of one run."""
    return [{**run, **verdict(claim, measured)} for claim in CLAIMS]


def verdict(claim: Claim, measured: Evidence) -> dict[str, Any]:
    """A claim's columns in the table of claims."""
    row: dict[str, Any] = {"claim": claim.name, "section": claim.section, "statement": claim.statement}
    row |= dict.fromkeys(("numbers", "text", "bottlenecks", "values", "reason"))
    try:
        finding = claim.check(measured)
    except NotMeasured as error:
        return {**row, "verdict": NOT_MEASURABLE, "reason": str(error)}
    except NotApplicable as error:
        return {**row, "verdict": NOT_APPLICABLE, "reason": str(error)}
    row["verdict"], row["reason"] = _verdict(claim, finding, measured)
    row["bottlenecks"] = list(finding.by_bottleneck)
    row["values"] = list(map(str, finding.by_bottleneck.values()))
    return {**row, "numbers": finding.numbers, "text": finding.text}


def _verdict(claim: Claim, finding: Finding, measured: Evidence) -> tuple[str, str | None]:
    """The verdict, and what would decide an open one."""
    if finding.holds:
        return HOLDS, None
    if claim.of_the_end and measured.last < PAPER_EPOCHS:
        return TOO_SHORT, f"the sweep ends at epoch {measured.last}, the paper's at {PAPER_EPOCHS}; train longer"
    if finding.holds is False:
        return CONTRADICTED, None
    n_seeds = len(measured.seeds)
    seeds = f"there are {n_seeds}" if n_seeds > 1 else "one run says nothing about others"
    return UNDECIDED, f"the intervals are too wide; add seeds ({seeds}) or test inputs (geometry.points)"


def _verified(selection: Selection, verification: Path | None) -> str:
    """How DADApy agrees on one checkpoint, and which one that is."""
    if verification is None:
        return "Not verified: geometry.verify is false, or --verification was not given."
    table = tables.read("verification", [verification])
    require_place(verification, table, {"dataset": selection.datasets[0]})
    rows = table.to_pylist()
    run = rows[0]
    if any(row[field.name] != run[field.name] for row in rows for field in tables.RUN):
        raise VaeGeometryError(f"{verification}: holds rows of several checkpoints; verify one again")
    if problem := disagreement(rows):
        raise VaeGeometryError(f"{verification}: {problem}; verify the checkpoint again")
    checkpoint = f"{run['noise']} noise, K = {run['bottleneck']}, seed {run['seed']}, epoch {run['epoch']}"
    return f"{agreement(rows)} This was measured with {checkpoint}."


def _advice(sweeps: Mapping[str, Sequence[Evidence]]) -> tuple[str, list[str]]:
    """The answer from fresh noise and what it rests on, or why there is none."""
    if "fresh" not in sweeps:
        return "No advice on K: it is taken from fresh noise; add it to noise.", []
    try:
        advice = advise(sweeps["fresh"][-1])
    except (NotMeasured, NotApplicable) as error:
        return f"No advice on K: {error}.", []
    return advice.answer, advice.details()
