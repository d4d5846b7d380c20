"""Message-IDs out of headers (RFC 5322 3.6.4), read leniently and bounded."""

import re

from customerservice.mail.encoded_words import decode_words
from customerservice.mail.parts import tidy

_BRACKETED = re.compile(r"<([^<>]*+)>")
_LONGEST = 998  # characters; nothing longer fits the line of a header
_BARE = re.compile(r"[^\s<>,;()\"]++")


def read_ids(header: str, *, limit: int = 100) -> tuple[str, ...]:
    """Give the ids of a header field without angle brackets, each once; of too many the last ones.

    White space inside an id, as folding leaves it, is dropped, and so are control characters. Without any brackets the
    words with an @ count. Python's ``email`` writes long ids as encoded words, against RFC 2047 5 (bpo-35805): where
    brackets are missing these are decoded.
    """
    if "<" not in header:
        header = decode_words(header)
    found = _BRACKETED.findall(header) if "<" in header else []
    # A pattern with the @ in it would look for it anew from each letter of a long word.
    found = found or [word for word in _BARE.findall(header) if "@" in word[1:-1]]
    usable = dict.fromkeys("".join(tidy(item).split()) for item in found)
    return tuple(item for item in usable if 0 < len(item) <= _LONGEST)[-limit:]
