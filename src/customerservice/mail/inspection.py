"""The object of ``inspect --json`` for a mail: plain values, ready for JSON."""

import hashlib
from collections.abc import Mapping, Sequence

from customerservice.domain.email_address import EmailAddress
from customerservice.mail.html_safe import safe_html
from customerservice.mail.received import Bounce, Correspondent, ReceivedMail


def describe(mail: ReceivedMail, *, path: str, index: int) -> dict[str, object]:
    """Give what a mail says as one JSON object, with exactly the keys that ``inspect --json`` promises.

    Args:
        mail: the mail as read.
        path: the file it is from, or ``-``.
        index: its place in an mbox or Maildir, else 0.
    """
    return {
        "path": path,
        "index": index,
        "sha256": mail.sha256,
        "size": mail.size,
        "message_id": mail.message_id,
        "in_reply_to": list(mail.in_reply_to),
        "references": list(mail.references),
        "subject": mail.subject,
        "from": None if mail.sender is None else _correspondent(mail.sender),
        "reply_to": _correspondents(mail.reply_to),
        "to": _correspondents(mail.to),
        "cc": _correspondents(mail.cc),
        "date": None if mail.date is None else mail.date.isoformat(),
        "text": mail.text,
        "html": None if mail.html is None else safe_html(mail.html, cid=lambda content_id: f"cid:{content_id}"),
        "new_text": mail.new_text,
        "quoted_text": mail.quoted_text,
        "signature": mail.signature,
        "attachments": [
            {
                "filename": item.filename,
                "media_type": item.media_type,
                "size": len(item.content),
                "sha256": hashlib.sha256(item.content).hexdigest(),
                "content_id": item.content_id,
                "inline": item.inline,
            }
            for item in mail.attachments
        ],
        "kind": mail.kind.value,
        "kind_reasons": list(mail.kind_reasons),
        "bounce": None if mail.bounce is None else _bounce(mail.bounce),
        "markers": {
            "thread": None if mail.markers.number is None else str(mail.markers.number),
            "token": mail.markers.token,
        },
        "defects": [{"code": defect.code, "detail": defect.detail} for defect in mail.defects],
        "error": None,
    }


def unreadable(path: str, index: int, error: str, *, raw: bytes = b"") -> dict[str, object]:
    """Give the object for a mail that could not be had at all: `error` says why, every other field is empty."""
    return {
        "path": path,
        "index": index,
        "sha256": hashlib.sha256(raw).hexdigest(),
        "size": len(raw),
        "message_id": None,
        "in_reply_to": [],
        "references": [],
        "subject": None,
        "from": None,
        "reply_to": [],
        "to": [],
        "cc": [],
        "date": None,
        "text": "",
        "html": None,
        "new_text": "",
        "quoted_text": "",
        "signature": "",
        "attachments": [],
        "kind": None,
        "kind_reasons": [],
        "bounce": None,
        "markers": {"thread": None, "token": None},
        "defects": [],
        "error": error,
    }


def _address(address: EmailAddress | None) -> str | None:
    return None if address is None else address.value


def _correspondent(entry: Correspondent) -> Mapping[str, object]:
    return {"address": _address(entry.address), "name": entry.name}


def _correspondents(entries: Sequence[Correspondent]) -> list[Mapping[str, object]]:
    return [_correspondent(entry) for entry in entries]


def _bounce(bounce: Bounce) -> Mapping[str, object]:
    return {
        "recipients": [
            {
                "address": recipient.address.value,
                "status": recipient.status,
                "action": recipient.action,
                "permanent": recipient.permanent,
                "reason": recipient.reason,
            }
            for recipient in bounce.recipients
        ],
        "original_message_id": bounce.original_message_id,
    }
