"""Message-IDs out of headers (RFC 5322 3.6.4), read leniently and bounded."""

import re

from customerservice.mail.parts import tidy

_BRACKETED = re.compile(r"<([^<>]*+)>")
_LONGEST = 998  # characters; nothing longer fits the line of a header
_BARE = re.compile(r"[^\s<>,;()\"]+@[^\s<>,;()\"]+")


def read_ids(header: str, *, limit: int = 100) -> tuple[str, ...]:
    """Give the ids of a header field without angle brackets, each once; of too many the last ones.

    White space inside an id, as folding leaves it, is dropped. Without any brackets the words with an @ count.
    """
    found = [re.sub(r"\s+", "", item) for item in _BRACKETED.findall(header)] if "<" in header else []
    if not found:
        found = _BARE.findall(header)
    usable = dict.fromkeys(tidy(item) for item in found if 0 < len(item) <= _LONGEST)
    return tuple(usable)[-limit:]
