"""The one normaliser every text passes before it is stored."""

import re

# NUL is refused by PostgreSQL; lone surrogates cannot be encoded as UTF-8 by any driver.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def storable(text: str) -> str:
    """Give the text with NUL and lone surrogates replaced by U+FFFD; nothing is ever cut.

    The result encodes as UTF-8 and is accepted by SQLite, PostgreSQL and MariaDB alike. Idempotent.
    """
    if text.isascii() and "\0" not in text:
        return text  # the usual case, told without a look at each character
    return _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def one_line(text: str) -> str:
    """Give the text storable and on one line: each run of white space or control characters becomes one blank."""
    if not text.isprintable():
        text = _CONTROLS.sub(" ", storable(text))
    elif "  " not in text and text.strip(" ") == text:
        return text  # the usual case: the blank is the only white space that can be printed
    return " ".join(text.split())


_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
