"""The page about bad mail says what the tests show."""

from pathlib import Path

from registry import tables

PAGE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "bad-mail.md"


def test_page_has_the_tables_of_the_registry() -> None:
    """The tables are those of ``tests/unit/mail/inputs/registry.py``, word by word."""
    text = PAGE.read_text(encoding="utf-8")

    assert text[text.index("## ") :] == tables()
