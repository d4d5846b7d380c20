"""The Date header, read as tolerantly as is safe (RFC 5322 3.3 and 4.3)."""

import datetime as dt
import re

_LONGEST = 200
_COMMENT = re.compile(r"\([^()]*\)")
# Blanks around the colons are those of RFC 5322 4.3.
_CLOCK = (
    r"(?P<hour>\d{1,2})\s{0,9}[:.]\s{0,9}(?P<minute>\d{2})(?:\s{0,9}[:.]\s{0,9}(?P<second>\d{1,2}))?(?:[.,]\d{1,9})?"
    r"(?:\s?(?P<half>[AaPp])\.?[Mm]\b\.?)?"
)
_WEEKDAY = r"\s*(?:[^\d,\u060c:]{1,30}[,\u060c]\s*|[^\W\d]{1,12}[.\s][\s,]*)?"
_MONTH = r"(?P<name>[^\W\d]{2,12}|\d{1,2}[\u6708\uc6d4])"
_ZONE_AND_YEAR = r"(?P<zone>(?:(?!\s\d{4}$).)*)(?:\s(?P<late_year>\d{4}))?"
_FORMS = tuple(
    re.compile(form)
    for form in (
        # 2 Jan 2026 10:00:00 +0100, with or without weekday and seconds; 2-Jan-26
        rf"{_WEEKDAY}(?P<day>\d{{1,2}})\.?[\s-]+{_MONTH}\.?,?[\s-]+(?P<year>\d{{2,4}}),?\s+{_CLOCK}(?P<zone>.*)",
        # Jan 2 10:00:00 2026 and January 2, 2026 10:00
        rf"{_WEEKDAY}{_MONTH}\.?\s+(?P<day>\d{{1,2}}),?\s+(?:(?P<year>\d{{4}}),?\s+)?{_CLOCK}{_ZONE_AND_YEAR}",
        # ISO 8601, and 2026/1/2 as Japanese programs write it: nobody puts the day after the year
        rf"\s*(?P<year>\d{{4}})(?P<sign>[/-])(?P<month>\d{{1,2}})(?P=sign)(?P<day>\d{{1,2}})[Tt\s]\s*{_CLOCK}(?P<zone>.*)",
    )
)
_ZONE = re.compile(
    r"\s*(?:(?:[A-Za-z]{1,5})?\s*(?P<sign>[+-])\s?(?P<hours>\d{1,2}):?(?P<minutes>\d{2})?(?!\d)|(?P<word>[A-Za-z]*))"
)
# Month by month, as programs write it whose locale is not English: the full and the short names that strftime of
# glibc 2.36 gives in Arabic, Chinese, Czech, Danish, Dutch, Finnish, French, German, Greek, Hebrew, Italian, Norwegian,
# Persian, Polish, Portuguese, Russian, Spanish, Swedish, Turkish and Ukrainian. What means another month in Croatian is
# left out.
_NAMES = """
    ene enero gen gennaio jan janeiro januar januari january janv janvier led leden ledna oca ocak sty stycznia
    tammi tammikuu styczeń ιαν ιανουάριοσ ιανουαρίου січ січень січня янв январь января ינו ינואר ينا يناير ژانویه
    一月;
    feb febbraio febrero februar februari february fev fevereiro helmi helmikuu lut lutego luty févr février úno
    únor února şub şubat φεβ φεβρουάριοσ φεβρουαρίου лют лютий лютого фев февраль февраля פבר פברואר فبر فبراير
    فوریه 二月;
    maalis maaliskuu maart mar marca march mars mart marts marzec marzo mrt mrz bře březen března março mär märz μάρ
    μάρτιοσ μαρ μαρτίου бер березень березня мар март марта מרץ مار مارس 三月;
    abr abril apr april aprile avr avril dub duben dubna huhti huhtikuu kwi kwietnia nis nisan kwiecień απρ απρίλιοσ
    απριλίου апр апрель апреля кві квітень квітня אפר אפריל آوریل أبر أبريل 四月;
    mag maggio mai maio maj maja may mayo mei touko toukokuu kvě květen května mayıs μάι μάιοσ μαΐ μαΐου май мая
    тра травень травня מאי ماي مايو مه 五月;
    cze czerwca czerwiec giu giugno haz haziran juin jun june junho juni junio kesä kesäkuu čen červen června ιουν
    ιουνίου ιούν ιούνιοσ июн июнь июня чер червень червня יונ יוני يون يونيو ژوئن 六月;
    juil juillet jul julho juli julio july lipca lipiec lug luglio tem temmuz heinä heinäkuu čec července červenec
    ιουλ ιουλίου ιούλ ιούλιοσ июл июль июля лип липень липня יול יולי يول يوليو ژوئیه 七月;
    ago agosto aug august augusti augustus elo elokuu sie sierpnia srpen srpna août ağu ağustos sierpień αυγ
    αυγούστου αύγ αύγουστοσ авг август августа сер серпень серпня אוג אוגוסט أغس أغسطس اوت 八月;
    eyl sep sept september septembre septiembre set setembro settembre syys syyskuu wrz eylül wrzesień września zář
    září σεπ σεπτέμβριοσ σεπτεμβρίου вер вересень вересня сен сентябрь сентября ספט ספטמבר سبت سبتمبر سپتامبر 九月;
    eki ekim loka lokakuu oct october octobre octubre okt oktober ott ottobre out outubro paź październik
    października říj říjen října οκτ οκτωβρίου οκτώβριοσ жов жовтень жовтня окт октябрь октября אוק אוקטובר أكت
    أكتوبر اكتبر 十月;
    kas listopadu marras marraskuu nov november novembre novembro noviembre kasım νοέ νοέμβριοσ νοε νοεμβρίου лис
    листопад листопада ноя ноябрь ноября נוב נובמבר نوامبر نوف نوفمبر 十一月;
    ara dec december des desember dez dezember dezembro dic dicembre diciembre gru grudnia joulu joulukuu pro
    prosince prosinec aralık déc décembre grudzień δεκ δεκέμβριοσ δεκεμβρίου гру грудень грудня дек декабрь декабря
    דצמ דצמבר دسامبر ديس ديسمبر 十二月
"""
_MONTHS = {name: number for number, names in enumerate(_NAMES.split(";"), 1) for name in names.split()} | {
    f"{number}{sign}": number for number in range(1, 13) for sign in "\u6708\uc6d4"
}
#: Hours from UTC; names that mean several zones are left out, and so count as UTC (RFC 5322 4.3).
_ZONES = {
    "est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8, "pdt": -7, "akst": -9, "akdt": -8,
    "hst": -10, "nst": -3.5, "ndt": -2.5, "brt": -3, "cet": 1, "cest": 2, "mez": 1, "mesz": 2, "met": 1, "mest": 2,
    "eet": 2, "eest": 3, "west": 1, "sast": 2, "idt": 3, "msk": 3, "msd": 4, "irst": 3.5, "irdt": 4.5, "pkt": 5,
    "wib": 7, "hkt": 8, "sgt": 8, "awst": 8, "jst": 9, "kst": 9, "aest": 10, "aedt": 11, "nzst": 12, "nzdt": 13,
}  # fmt: skip


def read_date(text: str) -> dt.datetime | None:
    """Give the moment a Date header names, aware, in the offset it names; None if it names none that Python can hold.

    Read are the forms of RFC 5322, its obsolete ones, ``asctime``, ``Date.toString`` of JavaScript, ISO 8601, and names
    of months in other languages. Without a zone, or with one nobody knows, the time is UTC (RFC 5322 4.3). Days, hours
    or offsets that do not exist give None, and so does a date of figures that may begin with the day or the month:
    nothing is guessed.
    """
    bare = _without_comments(text[:_LONGEST])
    found = next((match for form in _FORMS if (match := form.fullmatch(bare)) is not None), None)
    if found is None:
        return None
    parts = found.groupdict()
    month = int(parts["month"]) if parts.get("month") else _MONTHS.get((parts.get("name") or "").casefold(), 0)
    second = int(parts["second"] or 0)
    try:
        moment = dt.datetime(
            _year(parts["year"] or parts.get("late_year") or ""),
            month,
            int(parts["day"]),
            _hour(int(parts["hour"]), parts["half"]),
            int(parts["minute"]),
            59 if second == 60 else second,  # a leap second, which Python cannot hold
            tzinfo=_zone(parts["zone"]),
        )
        moment.astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None
    return moment


def _without_comments(text: str) -> str:
    for _ in range(text.count("(")):
        text = _COMMENT.sub(" ", text)
    return text.strip()


def _year(digits: str) -> int:
    year = int(digits)
    if len(digits) in (2, 3):  # RFC 5322 4.3
        return year + (2000 if year < 50 and len(digits) == 2 else 1900)
    return year


def _hour(hour: int, half: str | None) -> int:
    """Give the hour of 24. "13:30 PM" is one of 24 with its half told twice; no half of a day has "13:30 AM"."""
    if half is None:
        return hour
    if half in "Aa":
        return hour % 12 if hour <= 12 else 24
    return hour if hour > 12 else hour % 12 + 12 if hour else 24


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
