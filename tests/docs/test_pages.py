"""The README, and what the repository says of its pages."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import vae_geometry

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


def test_citation_and_changelog_name_the_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == vae_geometry.__version__
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(r"^## \[(.+?)\]", changelog, re.MULTILINE)[1] == vae_geometry.__version__


def test_the_readme_is_what_a_newcomer_reads_in_one_sitting():
    assert len(README.splitlines()) < 120


def test_the_pictures_of_id_and_ii_are_drawn_and_their_numbers_are_those_of_the_page(tmp_path):
    folder = ROOT / "docs/explanation"
    environment = {**os.environ, "PYTHONPATH": str(Path(vae_geometry.__file__).parents[1])}
    drawn = subprocess.run(
        [sys.executable, folder / "id_and_ii.py", tmp_path], env=environment, capture_output=True, text=True
    )
    assert drawn.returncode == 0, drawn.stderr
    page = (folder / "id-and-ii.md").read_text(encoding="utf-8")
    pictures = re.findall(r"\]\((\S+\.png)\)", page)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(pictures)
    for printed, said in (
        ("sheet with noise 0.01: ID {2: 6.9,", "its ID is 6.9 for noise of 0.01"),
        ("nearest in A (x and y) has rank 4 ", "along x, only three points are nearer"),
        ("nearest in B (x alone) has rank 147 ", "146 points are nearer there"),
        ("II(A → B) = 0.090", "Here II(A → B) is 0.09:"),
        ("II(B → A) = 0.570", "II(B → A) is 0.57:"),
    ):
        assert printed in drawn.stdout
        assert said in " ".join(page.split())
