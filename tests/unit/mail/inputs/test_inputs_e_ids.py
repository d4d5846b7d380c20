"""Bad input of ids and markers, as far as the reader decides: what is usable is read, and nothing is proof."""

import time

import pytest
from mail_samples import mail
from registry import bad_input

from customerservice.mail import Markers, parse
from customerservice.mail.matching import HeaderHint, MarkerHint, hints

GUARD = 5.0  # seconds; five times the bound, since machines that test are slow
TOKEN = "abcdefghijklmnopqrstuvwxyz"


@bad_input(79)
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("<>", None),
        ("< >", None),
        ("<abc", None),
        ("<a@[", "a@["),
        ("<<a@x.example>>", "a@x.example"),
        ("<a@x.example", "a@x.example"),
        ("a@x.example", "a@x.example"),
        ("<no at sign>", "noatsign"),
        ("<a@x.example> <b@x.example>", "a@x.example"),
        ("<a b@x.example>", "ab@x.example"),
        ("garbage (of a program)", None),
        ("@", None),
        ("<" + "a" * 100_000 + "@x.example>", None),
        ("\N{SNOWMAN}", None),
    ],
)
def test_message_ids_that_are_none(value: str, expected: str | None) -> None:
    """An id without brackets is taken, junk is none; the mail is read in any case."""
    began = time.process_time()
    read = parse(mail(Message_ID=value))

    assert time.process_time() - began < GUARD
    assert (read.message_id, read.text) == (expected, "Hello")


@bad_input(79, 85)
def test_ids_as_encoded_words() -> None:
    """Python's email encodes long ids (bpo-35805); decoded they hold no blank and no line break."""
    read = parse(mail(In_Reply_To="=?utf-8?q?=3C1=0D=0ABcc=3A_eve=40shop=2Eexample=3E?="))

    assert read.in_reply_to == ("1Bcc:eve@shop.example",)


@bad_input(80)
def test_message_id_says_nothing_about_content() -> None:
    """Two mails with one Message-ID are two mails: their content digests differ."""
    first, second = parse(mail("Where is my lamp?")), parse(mail("Send it to Eve instead."))

    assert first.message_id == second.message_id
    assert first.content_digest != second.content_digest


@bad_input(81)
def test_very_many_references() -> None:
    """Of ten thousand references the last hundred count, in time."""
    began = time.process_time()
    read = parse(mail(References=" ".join(f"<{number}@x.example>" for number in range(10_000))))

    assert time.process_time() - began < GUARD
    assert read.references == tuple(f"{number}@x.example" for number in range(9_900, 10_000))


@bad_input(83)
@pytest.mark.parametrize(
    "subject",
    [
        "[#0]",
        "[#057]",
        "[#-57]",
        "[#1180591620717411303424]",
        "[#\u0665\u0667]",
        "[#\uff15\uff17]",
        "[\uff0357]",
        "[# 57]",
        "[#57a]",
        "[#57\u200b]",
        "#57",
        "=?utf-8?q?=5B=23=D9=A5=5D?=",
    ],
)
def test_markers_that_are_none(subject: str) -> None:
    """Only ASCII digits without a leading zero are a number, and only one that a database holds."""
    assert parse(mail(Subject=subject)).markers == Markers()


@bad_input(83)
def test_forged_markers_are_hints_only() -> None:
    """The reader reports a number or a token; neither is checked, so neither is proof."""
    number, token = parse(mail(Subject="Re: [#1]")), parse(mail(Subject=f"Re: [#1] [#2] [#3 {TOKEN}]"))

    assert [hint for hint in hints(number, reply_addresses=()) if isinstance(hint, HeaderHint)] == []
    assert [
        (hint.number, hint.token) for hint in hints(number, reply_addresses=()) if isinstance(hint, MarkerHint)
    ] == [(1, None)]
    assert token.markers == Markers(number=3, token=TOKEN, place="subject")


@bad_input(83)
def test_very_many_markers() -> None:
    """A text of markers takes no longer than any other."""
    began = time.process_time()
    read = parse(mail("[#1 " * 200_000, Subject="[#1 " * 60_000))

    assert time.process_time() - began < GUARD
    assert read.markers == Markers()


@bad_input(85)
@pytest.mark.parametrize(
    "value",
    [
        "<a@x.example\r\n Bcc: eve@evil.example>",
        "<a@x.example\rBcc: b>",
        "<a\0b\x85c@x.example>",
        "<a\u2028b@x.example>",
    ],
)
def test_ids_hold_no_line_break(value: str) -> None:
    """Whatever an id holds, it is one printable word; our own mail repeats only those of a strict form."""
    read = parse(mail(References=value, In_Reply_To=value))

    assert read.references == read.in_reply_to
    assert all(item.isprintable() and " " not in item for item in read.references)
