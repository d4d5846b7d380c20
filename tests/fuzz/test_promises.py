"""Mails as strategies write them: what they say is what is read, and the promises of a reading hold for all."""

import datetime as dt
from pathlib import Path

import attrs
import pytest
from hypothesis import given
from tests.fuzz.promises import broken_promises

from customerservice.domain.email_address import EmailAddress
from customerservice.mail import Correspondent, MailAttachment, MailKind, Markers, parse
from customerservice.mail.composer import OutgoingMail, compose
from customerservice.testing.mails import (
    WrittenMail,
    automatic_mails,
    bounces,
    hostile_mails,
    ordinary_mails,
    replies,
)

MAIL = (
    b"From: Anna <anna@mail.example>\nDate: Fri, 2 Jan 2026 10:00:00 +0100\nSubject: Order\n"
    b"Message-ID: <1@mail.example>\nContent-Type: multipart/mixed; boundary=b\n\n"
    b"--b\nContent-Type: text/html\n\n<p>Hello<p>World\n"
    b"--b\nContent-Type: application/pdf; name=a.pdf\n\nx\n--b--\n"
)
#: As a shop of one's own sends it: folded, encoded, to two people.
OWN = compose(
    OutgoingMail(
        sender=EmailAddress("laden@shop.example"),
        sender_name="Lädchen, Annas",
        to=(
            Correspondent(EmailAddress("bo@mail.example"), "Bo"),
            Correspondent(EmailAddress("zoe@mail.example"), "Zoë"),
        ),
        subject="Größe [#12]",
        text="Guten Tag Bo,\n\nwelche Größe?\n\n-- \nAnnas Lädchen\nTel. 555 0100",
        message_id="2@shop.example",
        date=dt.datetime(2026, 3, 2, 9, 30, tzinfo=dt.UTC),
    )
)
ROOT = Path(__file__).resolve().parents[2]


def assert_read(written: WrittenMail) -> None:
    read = parse(written.raw)
    assert (read.subject, read.sender, read.kind) == (written.subject, written.sender, written.kind)
    assert tuple(entry.address for entry in read.to) == written.to
    assert read.date is not None
    assert (read.date, read.date.utcoffset()) == (written.date, written.date.utcoffset())
    assert (read.message_id, read.in_reply_to) == (written.message_id, written.in_reply_to)
    assert read.attachments == written.attachments
    if written.text is not None:
        assert read.text.strip() == written.text
    if written.new_text is not None:
        assert read.new_text == written.new_text
    assert broken_promises(written.raw) == []


@given(ordinary_mails())
def test_ordinary_mail_is_read_as_written(written: WrittenMail) -> None:
    """Each field, the text and the files of an ordinary mail in any language come back exactly."""
    assert_read(written)


@given(replies())
def test_new_text_of_a_reply_is_exactly_what_was_written(written: WrittenMail) -> None:
    """What a program puts below an answer, and how, changes nothing of the new text."""
    assert_read(written)


@given(replies(OWN))
def test_answer_to_a_mail_of_ones_own(written: WrittenMail) -> None:
    """The mail that is answered may be any: its recipient answers its sender, under its subject."""
    assert_read(written)

    assert (written.sender.address, written.to) == (
        EmailAddress("bo@mail.example"),
        (EmailAddress("laden@shop.example"),),
    )
    assert (written.subject, written.in_reply_to) == ("Re: Größe [#12]", ("2@shop.example",))


@given(automatic_mails())
def test_automatic_mail_is_known(written: WrittenMail) -> None:
    """Nobody takes mail of a machine for mail of a person."""
    assert_read(written)


@given(bounces())
def test_returned_mail_names_who_did_not_get_what(written: WrittenMail) -> None:
    """A returned mail gives its recipients and the id of the mail that came back."""
    assert_read(written)

    bounce = parse(written.raw).bounce
    assert bounce is not None
    assert {item.address for item in bounce.recipients} == set(written.bounced)
    assert bounce.original_message_id == written.bounced_message_id


@given(bounces(OWN))
def test_every_recipient_of_a_mail_of_ones_own_comes_back(written: WrittenMail) -> None:
    """All who were to get the mail are named."""
    assert_read(written)

    assert written.bounced == (EmailAddress("bo@mail.example"), EmailAddress("zoe@mail.example"))


@given(hostile_mails())
def test_hostile_mail_breaks_no_promise(raw: bytes) -> None:
    """Whatever the bytes, every promise of a reading holds."""
    assert broken_promises(raw) == []


@pytest.mark.parametrize(
    ("promise", "spoilt"),
    [
        ("NUL", {"text": "Hello\n\nWorld\0"}),
        ("surrogate", {"subject": "\ud800"}),
        ("line ends", {"quoted_text": "\r"}),
        ("one line", {"subject": "a\nb"}),
        ("one line", {"kind_reasons": ("a\x1bb",)}),
        ("size", {"size": 1}),
        ("sha256", {"sha256": "0" * 64}),
        ("content_digest", {"content_digest": ""}),
        ("bounded", {"references": ("a@b.example",) * 101}),
        ("bounce", {"kind": MailKind.BOUNCE}),
        ("kind", {"kind_reasons": ()}),
        ("return path", {"null_return_path": True, "return_path": EmailAddress("a@b.example")}),
        ("date", {"date": dt.datetime(2026, 1, 2)}),  # noqa: DTZ001  # that it has none is the fault
        ("date", {"date": dt.datetime(1, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=2)))}),
        ("id", {"message_id": "a b"}),
        ("file name", {"attachments": (MailAttachment(filename="../a", media_type="a/b", content=b""),)}),
        ("media type", {"attachments": (MailAttachment(filename="a", media_type="A/b", content=b""),)}),
        ("marker", {"markers": Markers(number=1)}),
        ("nothing lost", {"new_text": "Hello"}),
        ("nothing added", {"quoted_text": "World"}),
    ],
)
def test_broken_promise_is_noticed(promise: str, spoilt: dict[str, object]) -> None:
    """A reading that breaks a promise is told by the name of the promise; the sound one breaks none."""
    reading = attrs.evolve(parse(MAIL), **spoilt)

    assert broken_promises(MAIL) == []
    assert promise in {each.partition(":")[0] for each in broken_promises(MAIL, lambda _: reading)}


def test_reader_that_raises_or_changes_its_mind_is_noticed() -> None:
    """The place of an error is told; two readings of the same bytes are one too many."""
    readings = iter([parse(MAIL), parse(b"")])

    assert broken_promises(MAIL, lambda _: next(readings))[-1].startswith("deterministic: ")
    assert broken_promises(MAIL, lambda _: next(readings))[0].startswith("raises: StopIteration in <lambda>, line ")


@pytest.mark.parametrize("folder", sorted(ROOT.joinpath("tests", "corpus").glob("*/")), ids=lambda folder: folder.name)
def test_corpus_breaks_no_promise(folder: Path) -> None:
    """Every promise holds for every mail of the corpus."""
    broken = {
        path.name: found for path in sorted(folder.glob("*.eml")) if (found := broken_promises(path.read_bytes()))
    }

    assert broken == {}
