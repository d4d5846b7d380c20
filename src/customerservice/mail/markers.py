"""Thread markers in subjects and bodies (R19, R20)."""

import re

from customerservice.mail.received import Markers

# ASCII digits and letters only, no number a database could not hold, and not the text of a link in Markdown.
_MARKER = re.compile(r"\[#([1-9][0-9]{0,17})(?:\s{1,3}([A-Za-z2-7]{26}))?\s{0,3}\](?!\()")
_IMPORTED_NUMBER = re.compile(r"(?<![\w#])#[Cc][Tt]([1-9][0-9]{0,17})(?![\w-])")
_IMPORTED_TOKEN = re.compile(r"(?<![\w#])#[Tt][Cc]([0-9A-Za-z-]{1,64})(?![\w-])")

_LONGEST = 200_000


def find_markers(subject: str | None, new_text: str, text: str) -> Markers:
    """Give the marker that says most: one with a token before one without, then by place.

    The subject comes before the sender's words, and these before what is quoted. A number alone counts only in the
    subject and in what the sender wrote; half of an imported marker is none.

    Args:
        subject: decoded; a marker may have been cut by encoded words or folding before.
        new_text: what the sender wrote himself.
        text: the whole text, with quotations; of both the first 200,000 characters count.
    """
    places = (("subject", subject or ""), ("body", new_text[:_LONGEST]), ("quotation", text[:_LONGEST]))
    for place, where in places:
        if (found := _with_token(where, place)) is not None:
            return found
    for place, where in places[:2]:
        if (number := _MARKER.search(where)) is not None:
            return Markers(number=int(number[1]), place=place)
    return Markers()


def _with_token(text: str, place: str) -> Markers | None:
    if "#" not in text:
        return None
    for found in _MARKER.finditer(text):
        if found[2] is not None:
            return Markers(number=int(found[1]), token=found[2].lower(), place=place)
    number, token = _IMPORTED_NUMBER.search(text), _IMPORTED_TOKEN.search(text)
    if number is None or token is None:
        return None
    return Markers(number=int(number[1]), token=token[1], legacy=True, place=place)
