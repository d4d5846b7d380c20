"""What a subject is about, beneath reply prefixes, list tags and markers."""

import re

from customerservice.domain.text import one_line

# Prefixes that mail programs put before a subject, in lower case without the colon, from the localised Outlook, Lotus
# Notes, Gmail, Apple Mail, Thunderbird and Yahoo (https://en.wikipedia.org/wiki/List_of_email_subject_abbreviations).
_REPLY_PREFIXES = (
    "re", "r", "aw", "antw", "antwort", "sv", "svar", "vs", "vá", "ref", "rif", "res", "resp", "odp", "отв",
    "ответ", "на", "atb", "ynt", "yan", "cevap", "σχετ", "απ", "απάντηση", "bls", "bal", "תגובה", "השב", "رد",
    "پاسخ", "回复", "回覆", "答复", "返信", "답장", "回信", "rép", "rep",
)  # fmt: skip
#: Those before the subject of a mail that is passed on.
FORWARD_PREFIXES = (
    "fw", "fwd", "wg", "wtr", "weitergeleitet", "tr", "renv", "transf", "transfer", "rv", "reenv", "enc", "encaminhada",
    "reenc", "i", "inoltro", "inoltra", "doorst", "pd", "pdp", "vb", "videresend", "vl", "přepos", "přeposlat", "fs",
    "továbbítás", "redir", "redir.", "proslijeđeno", "препрат", "ilt", "i̇lt", "yml", "trs", "πρθ", "προωθ",
    "προώθηση", "пер", "пересл", "переслать", "הועבר", "הפנ", "إعادة توجيه", "بازارسال", "ارجاع", "هدایت", "转发",
    "轉寄", "転送", "전달",
)  # fmt: skip
_PREFIXES = sorted((*_REPLY_PREFIXES, *FORWARD_PREFIXES), key=len, reverse=True)
_PREFIX = re.compile(
    r"\s*(?:" + "|".join(map(re.escape, _PREFIXES)) + r")"
    r"(?:\[\d{1,3}\]|\(\d{1,3}\)|\^\d{1,3}|\*\d{1,3})?\s{0,3}[:\uff1a]",
    re.IGNORECASE,
)
_TAG = re.compile(r"\s*\[[^\[\]]{1,60}\]")
_MARKER = re.compile(r"\[#[0-9]{1,18}(?: [a-z2-7]{26})?\]|#ct[0-9]{1,18}\b|#tc[0-9a-z-]{1,64}", re.IGNORECASE)
_LONGEST = 1_000


def base_subject(subject: str | None) -> str:
    """Give what a subject is about: on one line, without reply and forward prefixes, leading [tags] and markers.

    "" if nothing is left. Only the first 1,000 characters count.

    >>> base_subject("AW: Re[2]: [shop] Where is my order? [#57]")
    'Where is my order?'
    """
    text = one_line(_MARKER.sub(" ", one_line((subject or "")[:_LONGEST])))
    start = 0
    while (found := _PREFIX.match(text, start) or _TAG.match(text, start)) is not None:
        start = found.end()
    return text[start:].strip()


def has_prefix(subject: str | None) -> bool:
    """Tell whether a subject begins as that of an answer or a forward does.

    >>> has_prefix("AW: Lieferung"), has_prefix("Lieferung")
    (True, False)
    """
    return _PREFIX.match((subject or "")[:_LONGEST]) is not None


def is_new_subject(subject: str | None, earlier: str | None) -> bool:
    """Tell whether a subject is clearly another one than the earlier one.

    Both must say something, and neither may contain the other: a missing or shortened subject is no sign.
    """
    new, old = base_subject(subject).casefold(), base_subject(earlier).casefold()
    return bool(new and old) and new not in old and old not in new
