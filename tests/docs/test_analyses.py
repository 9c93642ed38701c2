"""The scripts of pages: their tables are what they print today from kept tables."""

import runpy
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("script", sorted(path.name for path in DOCS.glob("analyses/*.py")))
def test_a_script_finds_what_it_imports(script, monkeypatch):
    monkeypatch.syspath_prepend(DOCS / "analyses")
    runpy.run_path(str(DOCS / "analyses" / script))


def test_tables_are_up_to_date(monkeypatch):
    monkeypatch.syspath_prepend(DOCS)
    renewed = __import__("renew_tables").renewed()
    assert [page for page, text in renewed.items() if page.read_text() != text] == []
