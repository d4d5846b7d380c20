"""Texts in several languages."""

import pytest

from customerservice.domain.wording import Wording
from customerservice.errors import InvalidValue

WORDING = Wording((("en", "Open"), ("pt", "Aberto"), ("pt-BR", "Em aberto"), ("fa", "باز")))


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "Open"),
        ("pt-BR", "Em aberto"),
        ("pt-PT", "Aberto"),
        ("fa-IR", "باز"),
        ("it", "Open"),
        ("", "Open"),
        (None, "Open"),
    ],
)
def test_text_is_in_the_language_or_falls_back(language: str | None, text: str) -> None:
    """Exactly, else in the base language, else the first."""
    assert WORDING[language] == text


def test_first_language_is_the_fallback() -> None:
    """The order decides, not the alphabet."""
    assert Wording.of(it="Aperto", de="Offen")["en"] == "Aperto"


@pytest.mark.parametrize("texts", [(), (("en", "Open"), ("en", "Open again"))])
def test_each_language_once_and_at_least_one(texts: tuple[tuple[str, str], ...]) -> None:
    """Nothing to show, or two things to show, is no wording."""
    with pytest.raises(InvalidValue, match="only once"):
        Wording(texts)


@pytest.mark.parametrize("text", ["", "  ", "two\nlines", "two\rlines", "x" * 256])
def test_text_is_one_line_of_up_to_255_characters(text: str) -> None:
    """The language whose text is wrong is named (R92)."""
    with pytest.raises(InvalidValue, match="de: must be one line"):
        Wording.of(en="Open", de=text)


def test_longest_text_is_taken() -> None:
    """255 characters are allowed."""
    assert Wording.of(en="x" * 255)["en"] == "x" * 255
