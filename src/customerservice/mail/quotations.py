"""What the sender wrote himself, what he quotes, and how he signs: told apart by lines, in linear time.

Public extractors of replies take seconds or for ever on some texts of a megabyte. Here each line is looked at a bounded
number of times and only where it is short enough to be an opening. Losing a person's words is the worst fault and
showing too much the lesser one, so where it is doubtful the text stays new.
"""

import re
from collections.abc import Sequence

import attrs

from customerservice.mail.forwards import is_forward_banner, original_sender
from customerservice.mail.html_marks import may_quote
from customerservice.mail.html_text import html_to_text
from customerservice.mail.openings import REPLY_ABOVE, clean, header_block, is_original_banner, is_rule, label, opening
from customerservice.mail.received import Correspondent
from customerservice.mail.signatures import part_signature

_LONGEST_LINE = 500  # characters; a longer line is no opening
_MOST_TRIES = 2_000  # lines that are looked at closely
_BANNER_STARTS = frozenset("-_*=#>~+\u2014\u2013 \t\u00a0\u200e\u200f\ufeff")
_FRAMES = frozenset("-=#~+\u2014\u2013")
_COLONS = (":", "\uff1a")

# "Reply above this line" as help desks write it, ours too, in their languages.
_ABOVE = re.compile(
    r"\W{0,20}(?:(?:please )?(?:type |write |enter )?(?:your )?(?:reply|respond|answer|write)(?: \w+)? above this line"
    r"|(?:bitte )?(?:antworten sie|antwort|schreiben sie)(?: \w+)? (?:oberhalb|über) diese[rs] (?:linie|zeile)"
    r"|(?:veuillez )?(?:répondre|répondez|écrire|écrivez).{0,20} au-dessus de cette ligne"
    r"|(?:por favor,? )?(?:responda|escriba|responder).{0,30} (?:por )?encima de esta línea"
    r"|(?:rispond[ia]|scriv[ia]|rispondere).{0,20} (?:al di )?sopra (?:di )?questa (?:riga|linea)"
    r"|(?:responda|escreva|digite).{0,30} acima desta linha|(?:antwoord|typ|schrijf).{0,30} boven deze (?:regel|lijn)"
    r"|(?:odpowiedz|napisz|wpisz).{0,30} (?:powyżej|nad) t(?:ej|ą) lini"
    r"|(?:svara|skriv).{0,30} (?:ovanför|over|ovenfor|over) denn[ea] (?:rad|linje)"
    r"|(?:ответьте|напишите|пишите).{0,30} выше этой (?:строки|линии))\W{0,20}$",
    re.IGNORECASE,
)

# Where the answers are, if not here: people who write into an unmarked quotation say so above it.
_SEE_BELOW = re.compile(
    r"(?<!\w)(?:(?:see|answers?|answered|replies|reply|comments?|responses?)(?: \w+){0,3} (?:below|inline|in-line|in"
    r" red|in blue|in bold|in green)"
    r"|inline below|(?:siehe|antwort\w*|kommentar\w*)(?: \w+){0,4} (?:unten|weiter unten|im text|in rot|in blau|rot"
    r" markiert|inline)"
    r"|(?:voir|réponses?|commentaires?)(?: \w+){0,4} (?:ci-dessous|plus bas|en rouge|en bleu|dans le texte|dans le"
    r" corps)"
    r"|(?:ver|vea|véase|respuestas?|respondo|contesto)(?: \w+){0,4} (?:abajo|más abajo|en rojo|en azul|entre líneas)"
    r"|(?:vedi|risposte|rispondo|rispost[ao])(?: \w+){0,4} (?:sotto|in rosso|in blu|in calce|qui sotto)"
    r"|(?:respostas?|respondo|vide|veja)(?: \w+){0,4} (?:abaixo|a vermelho|em vermelho|em azul)"
    r"|(?:zie|antwoord\w*)(?: \w+){0,4} (?:hieronder|onder|in rood|in het rood|tussen de regels)"
    r"|(?:odpowiedzi?|patrz)(?: \w+){0,4} (?:poniżej|niżej|na czerwono|w treści)"
    r"|(?:se|svar)(?: \w+){0,4} (?:nedan|nedenfor|under|i rött|med rött|med rødt|i rødt|herunder)"
    r"|(?:vastaukse\w*|katso|ks\.?)(?: \w+){0,3} (?:alla|alempana|punaisella)|(?:viz|odpovědi)(?: \w+){0,3} (?:níže"
    r"|červeně)"
    r"|(?:ответ\w*|отвечаю|см\.?)(?: \w+){0,4} (?:ниже|в тексте|красным)|(?:відповід\w*|див\.?)(?: \w+){0,4}"
    r" (?:нижче|червоним)"
    r"|(?:cevaplar\w*|yanıtlar\w*)(?: \w+){0,4} (?:aşağıda|kırmızı)|aşağıda(?: \w+){0,3} (?:cevap|yanıt)\w*|下記に回答"
    r"|以下に回答|见下文|見下文|아래에 답변)(?!\w)",
    re.IGNORECASE,
)
_DRAWN = re.compile(r"[_*=-]{3,120}\s{0,20}")
_SHORT_ANSWER = 400  # characters
# Gmail's opening of 2009 to 2012 in languages that put the year first, which has no colon.
_DATED_MAILBOX = re.compile(r"\d{4}/\d{1,2}/\d{1,2} [^<>@]{1,100}<[^<>@\s]{1,64}@[^<>@\s]{1,255}>\s{0,9}")
# Gmail's opening behind the last word of the answer: the line break between them was lost on the way.
_GLUED = re.compile(
    r"(?<=[^\s>-])-{0,12}[ \t]{1,4}(?=On (?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{0,6}, [A-Z\d][^\n>:]{4,20}\d{4}"
    r"[^\n]{1,200} wrote:\n{1,3}>)"
)

# For comparing a text with the HTML beside it: words, without the links and pictures that each writes its own way.
_WORD = re.compile(r"<[^<>\n]{0,500}>|\[[^\[\]\n]{0,300}\]|(\w+)")
_LONGEST_COMPARED = 200_000


@attrs.frozen
class Reading:
    """A text in three parts: together they hold every line of it but the marks between them.

    Attributes:
        forwarded_from: who wrote the mail that is passed on here, as its banner claims; None if none is.
    """

    new: str
    quoted: str = ""
    signature: str = ""
    forwarded_from: Correspondent | None = None


@attrs.frozen
class _Parted:
    """A text parted at its quotation; nothing new means that it stays whole.

    Attributes:
        marked: the quotation is marked line by line, so that nobody can have written into it unseen.
        forward: the line below the banner of a forwarded mail, which stays whole.
    """

    new: str = ""
    quoted: str = ""
    marked: bool = False
    signature: str = ""
    forward: int | None = None


_WHOLE = _Parted()


def read_new_text(
    text: str,
    *,
    quotes: Sequence[tuple[int, int]] = (),
    signatures: Sequence[tuple[int, int]] = (),
    html: str | None = None,
    forwarded: bool = False,
    longest: int = 2_000_000,
) -> Reading:
    """Tell new text, quotation and signature apart. Never raises; linear.

    Answers between the lines of a quotation, a text that would leave nothing new, and a forwarded mail stay whole.

    Args:
        text: LF line ends.
        quotes: ranges (start, end) that the sender's program marked as quoted.
        signatures: ranges that it marked as a signature.
        html: the same text in HTML; asked where the lines say nothing.
        forwarded: the subject says that the mail is passed on, as Outlook has no other sign of it.
        longest: a longer text is all new.
    """
    if len(text) > longest:
        return Reading(text)
    lines = (_GLUED.sub("\n", text) if " wrote:\n" in text else text).split("\n")
    parted = _by_marks(text, quotes, signatures) or _by_lines(lines)
    if parted is None and html is not None:
        parted = _by_html(text, html)
    if parted is None:
        parted = _WHOLE
    elif parted.forward is not None or (forwarded and parted.quoted):
        below = lines[parted.forward :] if parted.forward is not None else parted.quoted.split("\n")
        return Reading(text.strip(), forwarded_from=original_sender(below))
    elif not parted.marked and len(parted.new) <= _SHORT_ANSWER and _SEE_BELOW.search(parted.new):
        parted = _WHOLE
    if not parted.new.strip():
        parted = _Parted(text)
    body, signature = part_signature(parted.new.strip("\n").split("\n"))
    if not body.strip():
        body, signature = parted.new, ""
    signature = "\n".join(part for part in (signature.strip("\n"), parted.signature) if part)
    return Reading(body.strip(), parted.quoted.strip("\n"), signature)


def _by_marks(text: str, quotes: Sequence[tuple[int, int]], signatures: Sequence[tuple[int, int]]) -> _Parted | None:
    """Part by the program's own marks, unless the sender wrote inside or between them."""
    if not quotes and not signatures:
        return None
    new: list[str] = []
    quoted: list[str] = []
    signed: list[str] = []
    done = 0
    for start, end in quotes:
        between, inside = text[done:start], text[start:end]
        banner = inside.lstrip("> \n").partition("\n")[0]
        if is_forward_banner(banner):
            return _Parted(forward=text.count("\n", 0, start) + 1)
        if _is_answered_inside(inside) or (quoted and between.strip() and not _is_closing(between.split("\n"))):
            return _WHOLE
        new.append(between)
        quoted.append(inside)
        done = end
    new.append(text[done:])
    above, *rest = new
    if quotes:
        above, attribution = _without_opening(above)
        quoted.insert(0, attribution)
    stop = quotes[0][0] if quotes else len(text)
    for start, end in [found for found in signatures if found[1] <= stop][-1:]:
        # Only where it ends what the person wrote above the quotation.
        if not text[end:stop].strip() and above.startswith(text[:start]) and text[:start].strip():
            above, mark = text[:start], text[start:end].strip()
            signed.append(mark)
    if not quotes:
        further = _by_lines(above.split("\n")) if signed else None
        return None if not signed or further is not None else _Parted(above, "", signature="\n".join(signed))
    if above.strip() and _is_closing("".join(rest).split("\n")):
        quoted.append("".join(rest))
        rest = []
    return _Parted("".join((above, *rest)), "".join(quoted), signature="\n".join(signed))


def _without_opening(above: str) -> tuple[str, str]:
    """Part what stands above a marked quotation from its opening or drawn line that the mark leaves out."""
    lines = above.split("\n")
    end = len(lines)
    while end and (not lines[end - 1].strip() or _DRAWN.fullmatch(lines[end - 1])):
        end -= 1
    ruled = end
    while ruled < len(lines) and not lines[ruled].strip():
        ruled += 1
    if not end:
        return above, ""
    first = opening([*lines[:end], ">"], end - 1) if len(lines[end - 1]) <= _LONGEST_LINE else None
    if first is None:
        found = _cut(lines)
        first = None if found is None or found[2] else found[0]
    first = ruled if first is None else first
    return ("\n".join([*lines[:first], ""]), "\n".join(lines[first:])) if first < len(lines) else (above, "")


def _is_answered_inside(inside: str) -> bool:
    """Tell whether lines without a quotation mark follow lines with one, as where somebody answers point by point."""
    if "\n>" not in inside and not inside.startswith(">"):
        return False
    lines = [line for line in inside.split("\n") if line.strip()]
    first = next((place for place, line in enumerate(lines) if line.startswith(">")), len(lines))
    last = next((place for place in range(len(lines), first, -1) if not lines[place - 1].startswith(">")), first)
    return any(line.startswith(">") for line in lines[first:last])


def _by_lines(lines: Sequence[str]) -> _Parted | None:
    cut = _cut(lines)
    if cut is None:
        return None
    first, after, forward = cut
    if forward:
        return _Parted(forward=after)
    above, below = lines[:first], lines[after:]
    quoted_below = [line.lstrip().startswith(">") for line in below]
    if True not in quoted_below:
        return _Parted("\n".join(above), "\n".join(lines[first:]))
    start = quoted_below.index(True)
    end = len(quoted_below) - quoted_below[::-1].index(True)
    if any(line.strip() for line in below[:start]):
        # The opening has a quotation of its own form; marks further down belong to an older mail in it.
        return _Parted("\n".join(above), "\n".join(lines[first:]))
    if any(not marked and line.strip() for marked, line in zip(quoted_below[start:end], below[start:end], strict=True)):
        return _WHOLE  # answered between the lines
    rest = below[end:]
    further = _cut(rest)
    if further is not None and not "".join(rest[: further[0]]).strip():
        rest = ()  # the history goes on
        end = len(below)
    if first == after and _is_list(above, below[start:end]):
        return _WHOLE
    if any(line.strip() for line in above):
        if _is_closing(rest):
            return _Parted("\n".join(above), "\n".join(lines[first:]), marked=True)
        return _WHOLE  # text above and below: doubtful
    return _Parted("\n".join(rest), "\n".join([*lines[first:after], *below[:end]]), marked=True)


def _is_list(above: Sequence[str], marked: Sequence[str]) -> bool:
    """Tell whether lines that begin with ``>`` and have no opening may be a person's own: a list, a sum, one alone."""
    said = next((clean(line) for line in reversed(above) if line.strip()), "")
    own = [line.strip(" \t>") for line in marked if line.strip(" \t>")]
    if said.endswith(_COLONS) or all(not text[0].isalpha() for text in own):
        return True
    return len(own) < 2 and bool(above) and bool(above[-1].strip())


def _is_closing(lines: Sequence[str]) -> bool:
    """Tell whether what stands below a quotation is only a signature or a footer."""
    said = next((line for line in lines if line.strip()), None)
    if said is None or is_rule(said):
        return True
    return not part_signature(lines)[0].strip()


def _cut(lines: Sequence[str]) -> tuple[int, int, bool] | None:
    """Give the first line of a quotation's opening, the first line after it, and whether it is a forwarded mail's."""
    # Most lines of most mails are none of these; the rest is looked at closely.
    places = [
        place
        for place, line in enumerate(lines)
        if ":" in line or line[:1] in _BANNER_STARTS or (not line.isascii() and "\uff1a" in line)
    ]
    tries = 0
    for place in places:
        line = lines[place]
        stripped = line.lstrip()
        if not stripped or len(line) > _LONGEST_LINE:
            continue
        if stripped[0] == ">":
            return _below_dated_mailbox(lines, place), place, is_forward_banner(line)
        tries += 1
        if tries > _MOST_TRIES:
            return None
        if (found := _cut_at(lines, place)) is not None:
            return found
    return None


def _below_dated_mailbox(lines: Sequence[str], place: int) -> int:
    """Give the line of an opening without a colon right above a marked line, else the marked line itself."""
    above = place - 1
    while above > 0 and place - above < 3 and not lines[above].strip():
        above -= 1
    return above if above >= 0 and _DATED_MAILBOX.fullmatch(lines[above]) is not None else place


def _cut_at(lines: Sequence[str], place: int) -> tuple[int, int, bool] | None:
    text = clean(lines[place])
    if text.endswith((*_COLONS, "-")):
        if is_forward_banner(text):
            return place, place + 1, True
        if text[0] == "-" and is_original_banner(text):
            return place, place + 1, False
        if (first := opening(lines, place)) is not None:
            return first, place + 1, False
    if text.startswith(REPLY_ABOVE) or (text[:1] in _FRAMES and len(text) <= 120 and _ABOVE.match(text)):
        return _above_marker(lines, place), place + 1, False
    if label(text) is not None and header_block(lines, place) is not None:
        above = place - 1
        while above >= 0 and place - above < 4 and (not lines[above].strip() or _DRAWN.fullmatch(lines[above].strip())):
            above -= 1
        ruled = any(other.strip() for other in lines[above + 1 : place])
        if not ruled and above >= 0 and clean(lines[above]).endswith(_COLONS):
            return None  # "Here is what you sent me:"
        return above + 1, place + 1, False
    return None


def _above_marker(lines: Sequence[str], place: int) -> int:
    """Give the line where the quotation begins that holds a "reply above this line": with any opening right above."""
    first = place
    while first and place - first < 3 and not lines[first - 1].strip():
        first -= 1
    if not first or not clean(lines[first - 1]).endswith(_COLONS):
        return place
    first -= 1
    while first and place - first < 7 and any(char.isdigit() or char == "@" for char in lines[first - 1]):
        first -= 1
    return first


def _by_html(text: str, html: str) -> _Parted | None:
    """Part a text at the place where the HTML beside it has its quotation, if both say the same above it."""
    if len(text) > _LONGEST_COMPARED or len(html) > 10 * _LONGEST_COMPARED or not may_quote(html):
        return None
    rich = html_to_text(html)
    parted = _by_marks(rich.text, rich.quotes, ())
    if parted is None or not parted.new.strip() or not rich.text.startswith(parted.new):
        return None  # nothing above the quotation, or something below it
    wanted = "".join(found[1] for found in _WORD.finditer(parted.new) if found[1])
    have, end = 0, 0
    for found in _WORD.finditer(text):
        if have >= len(wanted):
            break
        word = found[1] or ""
        if not wanted.startswith(word, have):
            return None
        have += len(word)
        end = found.end()
    if have != len(wanted) or not have:
        return None
    line_end = text.find("\n", end)
    end = len(text) if line_end < 0 else line_end
    return _Parted(text[:end], text[end:])
