"""Write the tables of pages that rest on kept tables again, as their scripts print them today.

    python docs/renew_tables.py

A table on a page is renewed where a script of that page prints one with the same first cell; it keeps its choice of
rows, by their titles.
"""

import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from evidence import restore

DOCS = Path(__file__).parent
LONG = DOCS / "evidence/long"
BY_BOTTLENECK = [("by_bottleneck", LONG, "cifar10"), ("by_bottleneck", LONG, "mnist")]
PRINTED = {
    "explanation/noise-by-bottleneck.md": BY_BOTTLENECK,
    "explanation/latent-and-mean.md": BY_BOTTLENECK,
    "explanation/published-values.md": [
        ("beside_published", LONG, "--epoch", 200),
        ("beside_published", DOCS / "evidence/full-width", "--epoch", 200),
    ],
    "explanation/transition.md": [("transitions", DOCS / "evidence/transition", LONG)],
    "how-to/cheapest-sweep.md": [
        ("advice_by_epoch", "RESULTS", "mnist", "cifar10", "mnist-4000", "mnist-2000", "mnist-1000")
    ],
}
TABLE = re.compile(r"(?:^\|.*\n)+", re.MULTILINE)


def main() -> None:
    for page, text in renewed().items():
        page.write_text(text, encoding="utf-8")


def renewed() -> dict[Path, str]:
    """The text of each page, with its tables as they are printed today."""
    with TemporaryDirectory() as folder:
        for kept in (LONG, DOCS / "evidence/cheapest"):
            restore(kept, Path(folder))
        return {DOCS / name: _renewed(DOCS / name, commands, folder) for name, commands in PRINTED.items()}


def _renewed(page: Path, commands: list[tuple], results: str) -> str:
    printed = [table for command in commands for table in TABLE.findall(_run(command, results))]
    by_title = {_title(table): table for table in printed}
    text = page.read_text(encoding="utf-8")
    if missing := by_title.keys() - set(map(_title, TABLE.findall(text))):
        raise SystemExit(f"{page}: no table begins with {' or '.join(missing)}; correct the page or PRINTED")

    def renew(table: re.Match) -> str:
        head, rule, *rows = by_title.get(_title(table.group()), table.group()).splitlines(keepends=True)
        shown = set(map(_title, table.group().splitlines()))
        return "".join([head, rule, *(row for row in rows if _title(row) in shown)])

    return TABLE.sub(renew, text)


def _run(command: tuple, results: str) -> str:
    script, *words = command
    words = [results if word == "RESULTS" else str(word) for word in words]
    line = [sys.executable, DOCS / f"analyses/{script}.py", *words]
    return subprocess.run(line, check=True, capture_output=True, text=True).stdout


def _title(table: str) -> str:
    """The first cell of a table or of a row."""
    return table.split("|")[1].strip()


if __name__ == "__main__":
    main()
