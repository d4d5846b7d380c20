"""The digest by which the same mail is known again after another way through other servers (R22)."""

import hashlib
import re
from collections.abc import Iterable

from customerservice.mail.received import MailAttachment

_STEP = 1 << 20
# Files whose line ends are the transport's where they are not encoded: CRLF from a server, LF in a Maildir.
_LINES = re.compile(r"text/|application/pgp-")


def content_digest(headers: Iterable[str | None], bodies: Iterable[str | None], files: Iterable[MailAttachment]) -> str:
    """Give the SHA-256, in hex, of what a mail says: no trace headers, no transfer encoding, no structure.

    Args:
        headers: From, Date, Subject and Message-ID as decoded; None where absent.
        bodies: the decoded text and HTML; None where absent.
        files: the attachments, in order.
    """
    digest = hashlib.sha256(b"content 1\n")
    for text in (*headers, *bodies):
        # Lengths in front keep texts from running into each other; in steps, so that a long text is not copied whole.
        digest.update(b"-;" if text is None else b"%d;" % len(text))
        for start in range(0, len(text or ""), _STEP):
            digest.update((text or "")[start : start + _STEP].encode("utf-8"))
    for file in files:
        name = (file.filename or "").encode("utf-8")
        content = file.content
        if _LINES.match(file.media_type):
            content = content.replace(b"\r\n", b"\n")
        digest.update(b"%d;%s%d;" % (len(name), name, len(content)))
        digest.update(content)
    return digest.hexdigest()
