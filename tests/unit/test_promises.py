"""The page of promises names tests that exist."""

import re
from pathlib import Path

UNIT = Path(__file__).parent
PAGE = (UNIT.parents[1] / "docs/explanation/promises.md").read_text(encoding="utf-8")
NAMED = re.findall(r"`((?:\w+/)?test_\w+\.py)(?:::(\w+))?`", PAGE)


def test_every_promise_points_to_a_test_that_exists():
    assert len(NAMED) > 10
    for file, function in NAMED:
        path = next((folder / file for folder in (UNIT, UNIT.parent) if (folder / file).is_file()), None)
        assert path, file
        assert not function or f"def {function}(" in path.read_text(encoding="utf-8"), function
