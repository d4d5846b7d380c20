"""The one normaliser every text passes before it is stored."""

import re

# NUL is refused by PostgreSQL; lone surrogates cannot be encoded as UTF-8 by any driver.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def storable(text: str) -> str:
    """Give the text with NUL and lone surrogates replaced by U+FFFD; nothing is ever cut.

    The result encodes as UTF-8 and is accepted by SQLite, PostgreSQL and MariaDB alike. Idempotent.
    """
    return _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def one_line(text: str) -> str:
    """Give the text storable and on one line: each run of white space or control characters becomes one blank."""
    return " ".join(_CONTROLS.sub(" ", storable(text)).split())


_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
