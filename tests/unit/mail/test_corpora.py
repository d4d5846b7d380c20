"""Mail of public projects, where the folder with it is at hand: every file gives an answer, and most the right one."""

import json
from pathlib import Path

import pytest

from customerservice.mail import MailKind, parse

pytestmark = pytest.mark.corpora


def expectations(folder: Path) -> list[tuple[bytes, dict[str, object]]]:
    rows = [json.loads(line) for line in (folder / "expected.jsonl").read_text("utf-8").splitlines()]
    return [((folder / row["path"]).read_bytes(), row) for row in rows]


def test_every_file_gives_storable_text(corpora: Path) -> None:
    """No file raises, and every text can be stored."""
    for path in corpora.rglob("*"):
        if path.is_file():
            read = parse(path.read_bytes())
            texts = (read.subject or "", read.text, read.new_text, *(value for _, value in read.headers))
            assert all("\0" not in text and text.encode("utf-8") is not None for text in texts)


def test_senders_and_subjects(corpora: Path) -> None:
    """Senders and subjects are those that another reader finds, but for mails that are ambiguous or broken."""
    rows = expectations(corpora / "parsing" / "imap_tools")
    read = [(parse(raw), row) for raw, row in rows]
    senders = sum(
        (mail.sender and mail.sender.address and mail.sender.address.value) == row["from"] for mail, row in read
    )
    subjects = sum(
        " ".join((mail.subject or "").split()) == " ".join(str(row["subject"]).split()) for mail, row in read
    )

    assert len(rows) == 113
    assert senders >= 109
    assert subjects >= 109


def test_bounces(corpora: Path) -> None:
    """Most bounces of mail servers old and new are known, and their recipients named."""
    rows = expectations(corpora / "bounces" / "flufl")
    read = [(parse(raw), row) for raw, row in rows]
    named = [
        (sorted(item.address.key for item in mail.bounce.recipients) if mail.bounce else [], row["recipients"])
        for mail, row in read
        if row["recipients"]
    ]

    assert sum(mail.kind is MailKind.BOUNCE for mail, _ in read) >= 112
    assert sum(found == sorted(str(name).lower() for name in expected) for found, expected in named) >= 109


def test_bounces_of_another_collection(corpora: Path) -> None:
    """Of another project's reports all are bounces but challenges, answers for somebody absent, and mail of people."""
    found = {path.name: parse(path.read_bytes()).kind for path in (corpora / "bounces" / "bounceparser").glob("*.msg")}
    others = {name: kind for name, kind in found.items() if kind is not MailKind.BOUNCE}

    assert others == {
        "aol-vacation.msg": MailKind.VACATION,
        "autoreply.msg": MailKind.AUTO_REPLY,
        "bluebottle.msg": MailKind.AUTO_REPLY,
        "polish-autoreply.msg": MailKind.AUTO_REPLY,
        "spam-bogus-email-in-report.msg": MailKind.PERSON,
        "spam-with-image.msg": MailKind.PERSON,
        "warning-6.msg": MailKind.VACATION,
    }


def test_answers_of_many_programs(corpora: Path) -> None:
    """The new text of every reply is found."""
    for path in sorted((corpora / "replies" / "talon" / "standard_replies").glob("*.eml")):
        assert parse(path.read_bytes()).new_text.split() == ["Hello"]
