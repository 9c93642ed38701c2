"""Make the pictures, the claims and the numbers of the gallery from the kept tables of a sweep.

    python docs/gallery.py long cifar10

Reads ``docs/evidence/long`` (``docs/evidence.py``) and ``sweeps/long.yaml``, and writes ``docs/gallery``: of the data
sets that are named, or of all that were kept.
"""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml
from evidence import restore
from PIL import Image

from vae_geometry import tables
from vae_geometry.claims.check import verdict
from vae_geometry.claims.reading import of_published
from vae_geometry.claims.registry import CLAIMS
from vae_geometry.figures.figure import Figure
from vae_geometry.figures.registry import FIGURES
from vae_geometry.selection import Selection

ROOT = Path(__file__).parents[1]
EVIDENCE, SWEEPS, GALLERY = ROOT / "docs/evidence", ROOT / "sweeps", ROOT / "docs/gallery"
PUBLISHED, GAUSSIANS = ROOT / "resources/published", ROOT / "resources/gaussian_dimension.csv"
STEPS = 100  # of an epoch: 6,400 images in batches of 64
WIDTH, COLOURS = 1500, 128  # of a picture on a page, where 300 dpi would be megabytes


def main() -> None:
    name, *chosen_datasets = sys.argv[1:]
    config, kept = yaml.safe_load((SWEEPS / f"{name}.yaml").read_text()), EVIDENCE / name
    GALLERY.mkdir(exist_ok=True)
    with TemporaryDirectory() as folder:
        results = Path(folder)
        restore(kept, results)
        rows = []
        datasets = chosen_datasets or [each for each in config["datasets"] if list(kept.glob(f"{each}-seed*"))]
        for dataset in datasets:
            selection = measured(results, kept, dataset, config)
            print(f"{dataset}: K = {selection.bottlenecks}, seeds {selection.seeds}", flush=True)
            for figure, of_figure, noises in figures_of(selection):
                draw(figure, of_figure, noises)
            rows += check(selection)
    (GALLERY / f"numbers-{name}.md").write_text(numbers(name, rows, datasets, config["noise"]), encoding="utf-8")


def measured(results: Path, kept: Path, dataset: str, config: dict) -> Selection:
    """What was kept of a data set: the seeds, and the K that all of them have with every kind of noise."""
    seeds = sorted({int(path.name.split("-seed")[1].split("-")[0]) for path in kept.glob(f"{dataset}-seed*")})

    def is_there(bottleneck: int) -> bool:
        chosen = Selection(results, [dataset], config["noise"], [bottleneck], seeds, config["training"]["checkpoints"])
        return all(path.exists() for kind in ("information_imbalance", "memory") for path in chosen.files(kind))

    sizes = list(filter(is_there, config["bottlenecks"]))
    return Selection(results, [dataset], config["noise"], sizes, seeds, config["training"]["checkpoints"])


def figures_of(selection: Selection) -> Iterator[tuple[Figure, Selection, Sequence[str]]]:
    """The figures of one data set, each of the seeds whose tables were kept, with the noises that it shows together."""
    for figure in FIGURES.values():
        is_of_others = figure.needs == "published" and selection.datasets != ["cifar10"]
        if is_of_others or figure.result == "figure_of_all_datasets":
            continue

        def is_kept(seed: int, kinds: Sequence[str] = figure.tables) -> bool:
            alone = replace(selection, seeds=[seed])
            return all(path.exists() for kind in kinds for path in alone.files(kind))

        of_figure = replace(selection, seeds=list(filter(is_kept, selection.seeds)))
        if of_figure.seeds:
            together = [[noise] for noise in selection.noises] if figure.result == "figure" else [selection.noises]
            yield from ((figure, of_figure, noises) for noises in together)


def draw(figure: Figure, selection: Selection, noises: Sequence[str]) -> None:
    """Draw a figure, and write its picture as ``docs/gallery/{dataset}-{noise}-{figure}.png``."""
    name = "-".join([*selection.datasets, *noises[: len(noises) == 1], figure.name])
    with TemporaryDirectory() as folder:
        words = ["plot", figure.name, *chosen(selection, noises, figure.at(selection.epochs)), "--steps", str(STEPS)]
        run(*words, "--published", PUBLISHED, "--gaussians", GAUSSIANS, "--output", Path(folder, name))
        with Image.open(Path(folder, f"{name}.png")) as picture:
            picture.thumbnail((WIDTH, 10 * WIDTH))
            picture.convert("RGB").quantize(COLOURS).save(GALLERY / f"{name}.png", optimize=True)


def check(selection: Selection) -> list[dict]:
    """Write the claims on a data set as a page, and return their rows over seeds."""
    (dataset,) = selection.datasets
    across = selection.files("cross_bottleneck")
    if not all(path.exists() for path in across):  # claims take what every seed has
        for path in across:
            path.unlink(missing_ok=True)
    with TemporaryDirectory() as folder:
        output = Path(folder, "claims")
        run("check-claims", *chosen(selection, selection.noises, selection.epochs), "--output", output)
        (GALLERY / f"{dataset}-claims.md").write_bytes(output.with_suffix(".md").read_bytes())
        rows = tables.read("claims", [output.with_suffix(".parquet")]).to_pylist()
    return [row for row in rows if row["seed"] is None]


def chosen(selection: Selection, noises: Sequence[str], epochs: Sequence[int]) -> list[str]:
    """A selection on the command line."""
    words = ["--results", str(selection.results), "--dataset", *selection.datasets, "--noise", *noises]
    of_runs = {"bottleneck": selection.bottlenecks, "seed": selection.seeds, "epoch": epochs}
    return words + [word for name, values in of_runs.items() for word in (f"--{name}", *map(str, values))]


def run(*words: str | Path) -> None:
    """Run a stage of ``vae-geometry``."""
    command = [sys.executable, "-m", "vae_geometry", *map(str, words)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def numbers(name: str, rows: list[dict], datasets: list[str], noises: list[str]) -> str:
    """The verdicts side by side, and below them the values of each claim by K, as a page."""
    published = of_published(PUBLISHED)
    rows = rows + [{"dataset": "published", "noise": "", **verdict(claim, published)} for claim in CLAIMS]
    found = {(row["claim"], row["dataset"], row["noise"]): row for row in rows}
    columns = [*((dataset, noise) for dataset in datasets for noise in noises), ("published", "")]
    titles = [f"{dataset}, {noise}".strip(", ") for dataset, noise in columns]
    lines = [f"# Verdicts and numbers of sweeps/{name}.yaml", "", f"Made by `python docs/gallery.py {name}`.", ""]
    lines += [f"| claim | {' | '.join(titles)} |", "|---" * (len(titles) + 1) + "|"]
    for claim in CLAIMS:
        verdicts = [found[claim.name, *column]["verdict"] for column in columns]
        lines.append(f"| {claim.statement} | {' | '.join(verdicts)} |")
    for claim in CLAIMS:
        with_values = {title: found[claim.name, *at] for title, at in zip(titles, columns, strict=True)}
        with_values = {title: row for title, row in with_values.items() if row["bottlenecks"]}
        if not with_values:
            continue
        sizes = sorted({size for row in with_values.values() for size in row["bottlenecks"]})
        lines += ["", f"## {claim.statement}", "", claim.rule, ""]
        lines += [f"| | {' | '.join(f'K = {size}' for size in sizes)} |", "|---" * (len(sizes) + 1) + "|"]
        for title, row in with_values.items():
            values = dict(zip(row["bottlenecks"], row["values"], strict=True))
            lines.append(f"| {title} | {' | '.join(values.get(size, '') for size in sizes)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
