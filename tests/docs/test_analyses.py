"""The tables of pages that scripts make from kept tables: each row is what its script prints today."""

import re
import subprocess
import sys
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def printed_rows(script, *words):
    command = [sys.executable, DOCS / f"analyses/{script}.py", *map(str, words)]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    return [line for line in lines[2:] if line.startswith("|")]


def title(row):
    return row.split("|")[1].strip()


def assert_up_to_date(page, *tables, but=None):
    """Every row that a script prints and the page shows is as printed, but in one table; each script has rows there."""
    blocks = re.findall(r"(?:^\|.*\n)+", (DOCS / page).read_text(), re.MULTILINE)
    shown = [row for block in blocks if title(block) != but for row in block.splitlines()]
    printed = {row for table in tables for row in table}
    titles = set(map(title, printed))
    assert [row for row in shown if title(row) in titles and row not in printed] == []
    assert all(set(table) & set(shown) for table in tables)


def test_noise():
    long, reduced = DOCS / "evidence/long", DOCS / "evidence/reduced"
    assert_up_to_date(
        "explanation/noise.md",
        printed_rows("by_bottleneck", reduced, "mnist"),
        printed_rows("by_bottleneck", long, "cifar10"),
        printed_rows("beside_published", long, "--epoch", 200),
        but="digits",
    )


def test_cheapest_sweep(tmp_path):
    for name in ("reduced", "long"):
        subprocess.run(
            [sys.executable, DOCS / "evidence.py", "restore", DOCS / "evidence" / name, tmp_path], check=True
        )
    assert_up_to_date("how-to/cheapest-sweep.md", printed_rows("advice_by_epoch", tmp_path, "mnist", "cifar10"))
