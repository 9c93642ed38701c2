"""The README, and what the repository says of its pages."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (".cff", ".md", ".py", ".smk", ".toml", ".yaml", ".yml", ".rst", "")
NAMED = re.compile(r"(?<![\w/])docs/[\w/-]+\.(?:md|py|png|ipynb)")
README = (ROOT / "README.md").read_text(encoding="utf-8")


def tracked_files():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("this is no clone, so that its files cannot be listed")
    return [ROOT / name for name in listed.stdout.splitlines() if Path(name).suffix in TEXT]


def test_every_page_that_a_file_names_exists():
    named = {
        (page, path.relative_to(ROOT))
        for path in tracked_files()
        if path.is_file()
        for page in NAMED.findall(path.read_text(encoding="utf-8"))
    }
    assert len(named) > 30
    assert {(page, path) for page, path in named if not (ROOT / page).is_file()} == set()


def test_every_link_of_the_readme_leads_to_a_file():
    links = re.findall(r"\]\((?!https?:)([^)#]+)", README)
    assert len(links) > 10
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_readme_is_what_a_newcomer_reads_in_one_sitting():
    assert len(README.splitlines()) < 120
