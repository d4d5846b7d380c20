"""The Date header, read as tolerantly as is safe (RFC 5322 3.3 and 4.3)."""

import datetime as dt
import re

_LONGEST = 200
_COMMENT = re.compile(r"\([^()]*\)")
_CLOCK = (
    r"(?P<hour>\d{1,2})[:.](?P<minute>\d{2})(?:[:.](?P<second>\d{1,2}))?(?:[.,]\d{1,9})?(?:\s?(?P<half>[AaPp][Mm])\b)?"
)
_WEEKDAY = r"\s*(?:[^\W\d]{1,12}[.,\s][\s,]*)?"
_FORMS = tuple(
    re.compile(form)
    for form in (
        # 2 Jan 2026 10:00:00 +0100, with or without weekday and seconds; 2-Jan-26
        _WEEKDAY + r"(?P<day>\d{1,2})\.?[\s-]+(?P<name>[^\W\d]{3,12})\.?,?[\s-]+(?P<year>\d{1,5}),?\s+"
        rf"{_CLOCK}(?P<zone>.*)",
        # Jan 2 10:00:00 2026 and January 2, 2026 10:00
        _WEEKDAY + r"(?P<name>[^\W\d]{3,12})\.?\s+(?P<day>\d{1,2}),?\s+(?:(?P<year>\d{4}),?\s+)?"
        rf"{_CLOCK}(?P<zone>(?:(?!\s\d{{4}}$).)*)(?:\s(?P<late_year>\d{{4}}))?",
        rf"\s*(?P<year>\d{{4}})-(?P<month>\d{{1,2}})-(?P<day>\d{{1,2}})[Tt\s]\s*{_CLOCK}(?P<zone>.*)",
    )
)
_ZONE = re.compile(
    r"\s*(?:(?:GMT|UTC|UT)?\s*(?P<sign>[+-])\s?(?P<hours>\d{1,2}):?(?P<minutes>\d{2})?(?!\d)|(?P<word>[A-Za-z]*))"
)
_ENGLISH = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTHS = {name: number for number, name in enumerate(_ENGLISH, 1)} | {
    "mär": 3, "mrz": 3, "mai": 5, "okt": 10, "dez": 12, "fév": 2, "avr": 4, "aoû": 8, "déc": 12, "ene": 1, "abr": 4,
    "ago": 8, "dic": 12, "gen": 1, "mag": 5, "giu": 6, "lug": 7, "set": 9, "ott": 10, "mrt": 3, "mei": 5,
}  # fmt: skip
#: Hours from UTC; names that mean several zones are left out, and so count as UTC (RFC 5322 4.3).
_ZONES = {
    "est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8, "pdt": -7, "cet": 1, "cest": 2,
    "mez": 1, "mesz": 2, "met": 1, "mest": 2, "eet": 2, "eest": 3, "west": 1, "msk": 3, "jst": 9, "kst": 9, "hkt": 8,
}  # fmt: skip


def read_date(text: str) -> dt.datetime | None:
    """Give the moment a Date header names, aware, in the offset it names; None if it names none that Python can hold.

    Read are the forms of RFC 5322, its obsolete ones, ``asctime`` and ISO 8601. Without a zone, or with one nobody
    knows, the time is UTC (RFC 5322 4.3). Days, hours or offsets that do not exist give None: nothing is guessed.
    """
    bare = _COMMENT.sub(" ", text[:_LONGEST]).strip()
    found = next((match for form in _FORMS if (match := form.fullmatch(bare)) is not None), None)
    if found is None:
        return None
    parts = found.groupdict()
    month = int(parts["month"]) if parts.get("month") else _MONTHS.get((parts.get("name") or "")[:3].lower(), 0)
    try:
        moment = dt.datetime(
            _year(parts["year"] or parts.get("late_year") or ""),
            month,
            int(parts["day"]),
            _hour(int(parts["hour"]), parts["half"]),
            int(parts["minute"]),
            min(int(parts["second"] or 0), 59) if int(parts["second"] or 0) <= 60 else 60,
            tzinfo=_zone(parts["zone"]),
        )
        moment.astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None
    return moment


def _year(digits: str) -> int:
    year = int(digits)
    if len(digits) in (2, 3):  # RFC 5322 4.3
        return year + (2000 if year < 50 and len(digits) == 2 else 1900)
    return year


def _hour(hour: int, half: str | None) -> int:
    if half is None:
        return hour
    return hour % 12 + (12 if half.lower() == "pm" else 0)


def _zone(text: str) -> dt.timezone:
    found = _ZONE.match(text)
    if found is None or (not found["word"] and text.strip()[:1] in ("+", "-") and found["sign"] is None):
        raise ValueError("no such offset")
    if found["sign"] is None:
        return dt.timezone(dt.timedelta(hours=_ZONES.get(found["word"].lower(), 0)))
    hours, minutes = int(found["hours"]), int(found["minutes"] or 0)
    if hours > 15 or minutes > 59:
        raise ValueError("no such offset")
    offset = dt.timedelta(hours=hours, minutes=minutes)
    return dt.timezone(-offset if found["sign"] == "-" else offset)
