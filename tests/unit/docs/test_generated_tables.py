"""The tables that are made from the code are those of the code of today."""

import re
from pathlib import Path

import pytest
from tests.unit.docs.generated_tables import DOCS, PLACE, TABLES, written

from customerservice.domain.outcome import Outcome
from customerservice.mail.received import MailKind

PAGES = [path for path in sorted(DOCS.rglob("*.md")) if PLACE.search(path.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_tables_are_those_of_the_code(path: Path) -> None:
    """Otherwise ``python -m tests.unit.docs.generated_tables`` writes them anew."""
    text = path.read_text(encoding="utf-8")

    assert written(text) == text


def test_every_table_is_somewhere() -> None:
    """Nothing is made that nobody reads."""
    places = [found[2] for path in PAGES for found in PLACE.finditer(path.read_text(encoding="utf-8"))]

    assert sorted(places) == sorted(TABLES)


def test_kinds_are_complete() -> None:
    """The page about reading says of each kind what it is and what becomes of it, in words of outcomes."""
    text = (DOCS / "explanation" / "how-a-mail-is-read.md").read_text(encoding="utf-8")
    lines = text[text.index("| kind | what it is |") :].split("\n\n")[0].splitlines()[2:]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]

    named = [kind for row in cells for kind in re.findall(r"`([a-z_]+)`", row[0])]
    assert sorted(named) == sorted(kind.value for kind in MailKind)
    assert {word for row in cells for word in row[2].split(" or ")} <= {outcome.value for outcome in Outcome}
