"""What the sender wrote himself, what he quotes, and how he signs: told apart by lines, in linear time.

Public extractors of replies take seconds or for ever on some texts of a megabyte. Here each line is looked at a bounded
number of times and only where it is short enough to be an opening. Where it is doubtful the text stays new.
"""

import re
from collections.abc import Sequence

import attrs

#: Put above the quotation by programs that ask to answer above it; ours writes it too.
REPLY_ABOVE = "##- "

# How programs open a quotation, by language: the beginnings of the line (or of up to three lines before it) and the
# words of its end. Seen in Gmail, Apple Mail, Thunderbird, Outlook, Yahoo, GMX and Roundcube in these languages.
_OPENINGS: Sequence[tuple[str, str, str]] = (
    ("en", r"on\b|at\b", r"wrote|writes"),
    ("de", r"am\b|zitat von\b", r"schrieb(?:en)?|hat (?:.{0,80} )?geschrieben|zitat von"),
    ("fr", r"le\b|en date de\b", r"a écrit|écrivait"),
    ("es", r"el\b", r"escribió|ha escrito"),
    ("it", r"il(?: giorno)?\b|in data\b", r"ha scritto|scrive"),
    ("pt", r"em\b|a\b|no dia\b", r"escreveu"),
    ("nl", r"op\b", r"schreef|heeft .{0,80} geschreven"),
    ("pl", r"w dniu\b|dnia\b|(?:pon|wt|śr|czw|pt|sob|niedz?)\b", r"napisał(?:\(?a\)?)?|pisze"),
    ("sv", r"den\b|på\b", r"skrev"),
    ("da", r"den\b|på\b", r"skrev"),
    ("nb", r"den\b|på\b", r"skrev|skreiv"),
    ("fi", r"(?:ma|ti|ke|to|pe|la|su)\b|\d", r"kirjoitti"),
    ("cs", r"dne\b|(?:po|út|st|čt|pá|so|ne)\b", r"napsal(?:\(?a\)?)?"),
    ("hu", r"\d", r"írta"),
    ("ro", r"în\b|pe\b|la\b", r"a scris"),
    ("tr", r"\d|.{0,80} tarihinde", r"yazdı|şunu yazdı|tarihinde"),
    ("el", r"στις\b|την?\b", r"έγραψε"),
    ("ru", r"\w{1,3}\b|\d", r"написал(?:\(?а\)?)?|пишет"),
    ("uk", r"\w{1,3}\b|\d", r"написав|пише"),
    ("fa", r"در\b|\d", r"نوشت(?:ه است)?"),
    ("ar", r"في\b|\d", r"كتب"),
    ("he", r"ב\w{0,10}\b|\d", r"כתב(?:ה)?|מאת"),
    ("ja", r"\d{2,4}", r"書きました|のメール"),
    ("zh", r"在|於|于|\d{4}|.{0,80}<", r"写道|寫道|写|寫"),
    ("ko", r"\d{4}|.{0,40}\d{4}", r"작성|썼습니다"),
    ("vi", r"vào\b|đã\b", r"đã viết"),
)  # fmt: skip

_VERB = re.compile(
    r"(?<!\w)(?:" + "|".join(verb for _, _, verb in _OPENINGS) + r")(?!\w).{0,120}[:\uff1a]\s{0,3}$", re.IGNORECASE
)
_VERB_UNSPACED = re.compile(
    r"(?:"
    + "|".join(verb for code, _, verb in _OPENINGS if code in ("ja", "zh", "ko"))
    + r")[^:\uff1a]{0,20}[:\uff1a]\s{0,3}$"
)
_START = re.compile(r"[\s>*_\"'-]{0,8}(?:" + "|".join(f"(?:{start})" for _, start, _ in _OPENINGS) + ")", re.IGNORECASE)
# What tells an opening from a sentence about writing: a moment or an address.
_MOMENT_FORM = (
    r"\d{1,2}[:.h]\d{2}|(?<!\d)(?:19|20)\d{2}(?!\d)|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|[\u0660-\u0669\u06f0-\u06f9]{2}"
)
_MOMENT = re.compile(_MOMENT_FORM)
_PRECISE = re.compile(rf"{_MOMENT_FORM}|\S@\S")

_ORIGINAL = re.compile(
    r"[\s>*_]{0,8}-{2,12}\s{0,3}(?:original (?:message|appointment|e-?mail)|ursprüngliche (?:nachricht|e-?mail)|"
    r"original-?nachricht|message d['\u2019]origine|message original|mensaje original|mensagem original|"
    r"messaggio originale|"
    r"oorspronkelijk bericht|wiadomość oryginalna|oryginalna wiadomość|ursprungligt meddelande|"
    r"oprindelig (?:meddelelse|besked)|opprinnelig melding|alkuperäinen viesti|původní zpráva|"
    r"eredeti üzenet|mesaj original|orijinal (?:mesaj|ileti)|исходное сообщение|"
    r"پیام اصلی|reply message|reply to message)\s{0,3}-{0,12}\s{0,3}$",
    re.IGNORECASE,
)
_FORWARDED = re.compile(
    r"[\s>*_]{0,8}(?:-{2,12}\s{0,3})?(?:begin )?(?:forwarded message|forwarded by|"
    r"weitergeleitete nachricht|anfang der weitergeleiteten|message transféré|"
    r"début du message|mensaje reenviado|messaggio inoltrato|inizio messaggio|"
    r"mensagem encaminhada|doorgestuurd bericht|przekazana wiadomość|vidarebefordrat|videresendt|"
    r"пересылаемое)",
    re.IGNORECASE,
)
_HEADER_LINE = re.compile(r"[\s*_]{0,6}([^\W\d_][^:\uff1a\n]{0,24}?)\*{0,2}\s{0,2}[:\uff1a]\*{0,2}(?=\s|$)")
_FROM_WORDS = frozenset(
    {
        "from", "von", "de", "da", "van", "od", "från", "fra", "от", "від", "lähettäjä", "kimden", "gönderen", "από",
        "من", "از", "מאת", "差出人", "发件人", "寄件者", "보낸 사람", "feladó", "de la",
        "expéditeur", "absender", "mittente"
    }
)  # fmt: skip
_OTHER_WORDS = frozenset(
    {
        "sent", "date", "to", "subject", "cc", "reply-to", "gesendet", "datum", "an", "betreff", "kopie", "envoyé",
        "envoyé le", "à", "objet", "enviado", "enviado el", "enviada em", "enviado em", "fecha", "para", "asunto",
        "assunto", "data", "inviato", "a", "oggetto", "verzonden", "aan", "onderwerp", "wysłano", "wysłane", "do",
        "temat", "skickat", "till", "ämne", "sendt", "til", "emne", "dato", "lähetetty", "vastaanottaja", "aihe",
        "odesláno", "komu", "předmět", "küldve", "címzett", "tárgy", "trimis", "către", "subiect", "gönderildi",
        "gönderme tarihi", "tarih", "kime", "konu", "στάλθηκε", "προς", "θέμα", "отправлено", "дата", "кому", "тема",
        "надіслано", "تاریخ", "به", "موضوع", "إلى", "الموضوع", "التاريخ", "تم الإرسال", "נשלח", "תאריך", "אל", "נושא",
        "送信日時", "宛先", "件名", "发送时间", "日期", "收件人", "主题", "寄件日期",
        "主旨", "보낸 날짜", "받는 사람", "제목"
    }
)  # fmt: skip
_SENT_FROM = re.compile(
    r"[\s*_>-]{0,6}(?:sent (?:from|via|with|using)\b|get outlook for|von meinem .{0,60}gesendet|gesendet (?:von|"
    r"mit|über)\b|"
    r"diese nachricht wurde von meinem|envoyé (?:de|depuis|à partir)\b|enviado (?:desde|do|de|via)\b|"
    r"inviato (?:da|dal|con)\b|"
    r"verzonden (?:vanaf|met|via|vanuit)\b|verstuurd vanaf|wysłan[eo] (?:z|przez)\b|skickat från|sendt fra|"
    r"lähetetty\b|odesláno z|"
    r"отправлено (?:из|с)\b|послано|iphone'?umdan|ارسال از|فرستاده شده|"
    r"أرسلت من|נשלח מ|发自我的|從我的|iphoneから|나의 )",
    re.IGNORECASE,
)
_RULE = re.compile(r"\s{0,4}[_*=-]{5,120}\s*$")
# Outlook on the web draws one above the mail it quotes.
_RULE_ABOVE = re.compile(r"^[_*=-]{3,120}\s{0,20}\Z", re.MULTILINE)

_LONGEST_LINE = 500  # characters; a longer line is no opening
_OPENING_LINES = 4
_MOST_TRIES = 3_000  # lines that are looked at closely
_HEADER_LINES = 8
_SIGNATURE_LINES = 40
_SIGNATURE_CHARACTERS = 3_000


@attrs.frozen
class Reading:
    """A text in three parts: together they hold every line of it but the marks between them."""

    new: str
    quoted: str = ""
    signature: str = ""


def read_new_text(text: str, *, quotes: Sequence[tuple[int, int]] = (), longest: int = 2_000_000) -> Reading:
    """Tell new text, quotation and signature apart. Never raises; linear.

    Answers between the lines of a quotation, a text that would leave nothing new, and a forwarded mail stay whole.

    Args:
        text: LF line ends.
        quotes: ranges (start, end) that the sender's program marked as quoted.
        longest: a longer text is all new.
    """
    if len(text) > longest:
        return Reading(text)
    parted = _by_marks(text, quotes) or _by_lines(text.split("\n"))
    if parted is None or not parted[0].strip():
        parted = text, ""
    body, signature = _without_signature(parted[0].strip("\n").split("\n"))
    if not body.strip():
        body, signature = parted[0], ""
    return Reading(body.strip(), parted[1].strip("\n"), signature.strip("\n"))


def _by_marks(text: str, quotes: Sequence[tuple[int, int]]) -> tuple[str, str] | None:
    """Part by the program's own marks, unless the sender wrote inside them."""
    new, quoted, done = [], [], 0
    for start, end in quotes:
        inside = text[start:end]
        if _FORWARDED.match(inside) or _is_answered_inside(inside):
            return None
        above = text[done:start]
        kept = _RULE_ABOVE.search(above)
        new.append(above[: kept.start()] if kept else above)
        quoted.append(above[kept.start() :] + inside if kept else inside)
        done = end
    new.append(text[done:])
    return ("".join(new), "".join(quoted)) if quoted else None


def _is_answered_inside(inside: str) -> bool:
    """Tell whether lines without a quotation mark follow lines with one, as where somebody answers point by point."""
    lines = [line for line in inside.split("\n") if line.strip()]
    first = next((place for place, line in enumerate(lines) if line.startswith(">")), len(lines))
    last = next((place for place in range(len(lines), first, -1) if not lines[place - 1].startswith(">")), first)
    return any(line.startswith(">") for line in lines[first:last])


def _by_lines(lines: Sequence[str]) -> tuple[str, str] | None:
    cut = _cut(lines)
    if cut is None:
        return None
    first, after = cut
    above, below = lines[:first], lines[after:]
    quoted_below = [line.lstrip().startswith(">") for line in below]
    if True not in quoted_below:
        return "\n".join(above), "\n".join(lines[first:])
    start = quoted_below.index(True)
    end = len(quoted_below) - quoted_below[::-1].index(True)
    if any(line.strip() for line in below[:start]):
        # The opening has a quotation of its own form; marks further down belong to an older mail in it.
        return "\n".join(above), "\n".join(lines[first:])
    if any(not marked and line.strip() for marked, line in zip(quoted_below[start:end], below[start:end], strict=True)):
        return None  # answered between the lines
    rest = below[end:]
    if any(line.strip() for line in above):
        if _is_closing(rest):
            return "\n".join(above), "\n".join(lines[first:])
        return None  # text above and below: doubtful
    return "\n".join(rest), "\n".join([*lines[first:after], *below[:end]])


def _is_closing(lines: Sequence[str]) -> bool:
    """Tell whether what stands below a quotation is only a signature or a footer."""
    said = [line for line in lines if line.strip()]
    return (
        not said
        or bool(_SENT_FROM.match(said[0]))
        or said[0].rstrip() in ("--", "-- ", "__")
        or bool(_RULE.match(said[0]))
    )


def _cut(lines: Sequence[str]) -> tuple[int, int] | None:
    """Give the first line of a quotation's opening, and the first line after the opening."""
    tries = 0
    for place, line in enumerate(lines):
        if len(line) > _LONGEST_LINE or not line or line.isspace():
            continue
        stripped = line.lstrip()
        if stripped.startswith(">"):
            return place, place
        if stripped.startswith(REPLY_ABOVE):
            return place, place + 1
        if _FORWARDED.match(line):
            return None
        if ":" not in line and "\uff1a" not in line and "-" not in line:
            continue
        tries += 1
        if tries > _MOST_TRIES:
            return None
        if line.rstrip()[-1] in ":\uff1a" and (first := _opening(lines, place)) is not None:
            return first, place + 1
        if "-" in line and _ORIGINAL.match(line):
            return place, place + 1
        if _is_header_block(lines, place):
            above = place - 1
            while above >= 0 and (not lines[above].strip() or _RULE.match(lines[above])) and place - above < 4:
                above -= 1
            return above + 1, place + 1
    return None


def _opening(lines: Sequence[str], place: int) -> int | None:
    """Give the first line of the "On … wrote:" that ends on this line."""
    if not (_VERB.search(lines[place]) or _VERB_UNSPACED.search(lines[place])):
        return None
    joined = ""
    nearest: int | None = None
    for first in range(place, max(-1, place - _OPENING_LINES), -1):
        if not lines[first].strip() or len(joined) > _LONGEST_LINE:
            break
        joined = f"{lines[first]} {joined}"
        if _START.match(joined) and _PRECISE.search(joined):
            nearest = first if nearest is None else nearest
            if _MOMENT.search(lines[first]):
                return first
    if nearest is not None:
        return nearest
    following = next((line for line in lines[place + 1 : place + 4] if line.strip()), "")
    return place if following.lstrip().startswith(">") else None


def _is_header_block(lines: Sequence[str], place: int) -> bool:
    """Tell whether a header block as Outlook writes it begins here: From, and two more of its fields below."""
    found = _HEADER_LINE.match(lines[place])
    if found is None or found[1].strip().lower() not in _FROM_WORDS:
        return False
    below = (
        _HEADER_LINE.match(line) for line in lines[place + 1 : place + _HEADER_LINES] if len(line) <= _LONGEST_LINE
    )
    return sum(other is not None and other[1].strip().lower() in _OTHER_WORDS for other in below) >= 2


def _without_signature(lines: Sequence[str]) -> tuple[str, str]:
    """Part a new text into body and signature: below ``-- ``, or the line of a telephone at the end."""
    floor = max(0, len(lines) - _SIGNATURE_LINES)
    for place in range(floor, len(lines)):
        if lines[place] in ("-- ", "--", "--\u00a0", "__", "\u2014") and _is_short(lines[place:]):
            return "\n".join(lines[:place]), "\n".join(lines[place + 1 :])
    end = len(lines)
    while end and not lines[end - 1].strip():
        end -= 1
    for place in range(max(0, end - 3), end):
        if len(lines[place]) <= 200 and _SENT_FROM.match(lines[place]):
            return "\n".join(lines[:place]), "\n".join(lines[place:])
    return "\n".join(lines), ""


def _is_short(lines: Sequence[str]) -> bool:
    return sum(map(len, lines)) <= _SIGNATURE_CHARACTERS
