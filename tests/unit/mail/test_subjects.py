"""What a subject is about (for "subject clearly new", R18)."""

import pytest

from customerservice.mail.forwards import is_forward_subject
from customerservice.mail.subjects import FORWARD_PREFIXES, base_subject, is_new_subject


@pytest.mark.parametrize(
    "subject",
    [
        "Where is my order?",
        "Re: Where is my order?",
        "RE: AW: Re[2]: Where is my order?",
        "[shop] Re: Where is my order? [#57]",
        "WG: Where is my order? [#57 " + "a" * 26 + "]",
        "Odp: Where is my order? #ct57 #tcabc123def456",
        "Re : Where is my order?",
        "回复：Where is my order?",
        "پاسخ: Where is my order?",
        "Fwd: \tWhere is\r\n my order?",
    ],
)
def test_prefixes_tags_and_markers_are_taken_off(subject: str) -> None:
    """Reply prefixes in many languages, list tags and markers do not change what a subject is about."""
    assert base_subject(subject) == "Where is my order?"


@pytest.mark.parametrize("prefix", FORWARD_PREFIXES)
def test_prefix_of_a_forward_is_known_as_one_and_taken_off(prefix: str) -> None:
    """Whatever tells of a forward says nothing about what a subject is about."""
    assert is_forward_subject(f"{prefix.capitalize()}: Where is my order?")
    assert base_subject(f"{prefix.upper()} : Where is my order?") == "Where is my order?"


@pytest.mark.parametrize("subject", ["Return: 2 shirts", "Italy: prices", "Reorder"])
def test_words_that_only_look_like_prefixes_stay(subject: str) -> None:
    """A word before a colon is a prefix only if programs write it."""
    assert base_subject(subject) == subject


@pytest.mark.parametrize("subject", [None, "", "Re:", "[#57]"])
def test_nothing_is_left_of_an_empty_subject(subject: str | None) -> None:
    """A subject that says nothing has an empty base."""
    assert base_subject(subject) == ""


@pytest.mark.parametrize(
    ("subject", "earlier", "expected"),
    [
        ("New question", "Where is my order?", True),
        ("Re: where is my ORDER?", "Where is my order?", False),
        ("Where is my order? It is late", "Where is my order?", False),
        ("order", "Where is my order?", False),
        (None, "Where is my order?", False),
        ("New question", None, False),
    ],
)
def test_only_a_subject_with_nothing_in_common_is_new(subject: str | None, earlier: str | None, expected: bool) -> None:
    """Missing, equal, longer and shorter subjects are no sign of a new matter."""
    assert is_new_subject(subject, earlier) is expected
