"""The object of ``inspect --json``."""

import hashlib
import json

from mail_samples import mail, part, with_parts

from customerservice.mail import parse
from customerservice.mail.inspection import describe, unreadable

KEYS = [
    "path", "index", "sha256", "size", "message_id", "in_reply_to", "references", "subject", "from", "reply_to", "to",
    "cc", "date", "text", "html", "new_text", "quoted_text", "signature", "attachments", "kind", "kind_reasons",
    "bounce", "markers", "defects", "error",
]  # fmt: skip


def test_ordinary_mail() -> None:
    """Each key has the value that others rely on."""
    raw = with_parts(
        "mixed",
        [
            part("<p onclick=x>Hello</p><img src='cid:p'>", "text/html"),
            part("abc", "image/png", Content_ID="<p>", Content_Disposition="inline; filename=a.png"),
        ],
        Subject="Order [#57 abcdefghijklmnopqrstuvwxyz]",
        In_Reply_To="<0@shop.example>",
    )
    found = describe(parse(raw), path="a.eml", index=3)

    assert list(found) == KEYS
    assert found == {
        "path": "a.eml",
        "index": 3,
        "sha256": hashlib.sha256(raw).hexdigest(),
        "size": len(raw),
        "message_id": "1@mail.example",
        "in_reply_to": ["0@shop.example"],
        "references": [],
        "subject": "Order [#57 abcdefghijklmnopqrstuvwxyz]",
        "from": {"address": "anna@mail.example", "name": "Anna"},
        "reply_to": [],
        "to": [{"address": "help@shop.example", "name": ""}],
        "cc": [],
        "date": "2026-01-02T10:00:00+01:00",
        "text": "Hello\n\n[a.png]",
        "html": '<p>Hello</p><img src="cid:p">',
        "new_text": "Hello\n\n[a.png]",
        "quoted_text": "",
        "signature": "",
        "attachments": [
            {
                "filename": "a.png",
                "media_type": "image/png",
                "size": 3,
                "sha256": hashlib.sha256(b"abc").hexdigest(),
                "content_id": "p",
                "inline": True,
            }
        ],
        "kind": "person",
        "kind_reasons": ["no sign of automatic mail"],
        "bounce": None,
        "markers": {"thread": "57", "token": "abcdefghijklmnopqrstuvwxyz"},
        "defects": [],
        "error": None,
    }


def test_bounce() -> None:
    """A bounce tells its recipients and the mail that bounced."""
    status = "\nFinal-Recipient: rfc822; a@x.example\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 no\n"
    raw = with_parts("report", [part(status, "message/delivery-status")], extra="; report-type=delivery-status")

    assert describe(parse(raw), path="-", index=0)["bounce"] == {
        "recipients": [
            {"address": "a@x.example", "status": "5.1.1", "action": "failed", "permanent": True, "reason": "550 no"}
        ],
        "original_message_id": None,
    }


def test_mail_with_defects_and_without_fields() -> None:
    """Missing things are null, an unusable sender has no address, defects are listed."""
    found = describe(parse(b"From: <>\nDate: x\n\nHello"), path="-", index=0)

    assert (found["from"], found["date"], found["subject"]) == ({"address": None, "name": ""}, None, None)
    assert found["defects"] == [{"code": "unusable_from", "detail": "the From header has no plain address"}]
    assert describe(parse(b""), path="-", index=0)["from"] is None


def test_object_is_json() -> None:
    """The object can be written as JSON without any help."""
    assert json.loads(json.dumps(describe(parse(mail()), path="-", index=0)))["subject"] == "Order"


def test_unreadable_mail_has_every_key_at_its_empty_value() -> None:
    """What cannot be had at all still gives an object, with the reason."""
    found = unreadable("a.eml", 0, "no such file")

    assert list(found) == KEYS
    assert (found["error"], found["kind"], found["text"], found["size"]) == ("no such file", None, "", 0)
