"""Structures come back equal from their JSON, whatever text is in them."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customerservice.adapters.serialization import dump, load
from customerservice.domain.delivery import Decision
from customerservice.domain.ids import ThreadId
from customerservice.domain.wording import Wording
from customerservice.errors import StorageError

TEXTS = st.text(st.characters())


@given(reason=TEXTS, passed_over=st.lists(TEXTS).map(tuple))
def test_any_text_comes_back_equal(reason: str, passed_over: tuple[str, ...]) -> None:
    """NUL, lone surrogates and quotes too; the JSON itself is plain ASCII on one line."""
    decision = Decision(rule="r", reason=reason, passed_over=passed_over, linked=ThreadId(UUID(int=5)))
    text = dump(decision)

    assert load(text, Decision) == decision
    assert text.isascii()
    assert text.isprintable()


def test_form_is_pinned() -> None:
    """What is written today must be read by every later version."""
    assert dump(Wording.of(en="Open", de="Offen")) == '{"texts":[["en","Open"],["de","Offen"]]}'


def test_sets_are_sorted() -> None:
    """Equal values give equal texts."""
    assert dump(frozenset({"b", "a", "c"})) == '["a","b","c"]'


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"texts": []}', '{"texts": [["en", "x"]], "more": 1}', '{"wrong": []}'], ids=repr
)
def test_other_text_is_an_error(text: str) -> None:
    """A damaged, foreign or newer value is not guessed at."""
    with pytest.raises(StorageError, match="Wording"):
        load(text, Wording)
