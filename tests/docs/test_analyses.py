"""The tables of pages that scripts make from kept tables: each is what its script prints today."""

from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def test_tables_are_up_to_date(monkeypatch):
    monkeypatch.syspath_prepend(DOCS)
    renewed = __import__("renew_tables").renewed()
    assert [page for page, text in renewed.items() if page.read_text() != text] == []
