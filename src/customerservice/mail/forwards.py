"""Mail that somebody passes on: the banner above it, and who wrote it.

Whoever forwards a mail to a help desk wants it to be read, so nothing of it is taken for a quotation. Who wrote it is
only what the forwarder's mail claims: to be shown, never to be trusted or matched on.
"""

import re
from collections.abc import Sequence

from customerservice.domain.text import one_line
from customerservice.mail.addresses import as_address
from customerservice.mail.openings import clean, label
from customerservice.mail.received import Correspondent
from customerservice.mail.subjects import FORWARD_PREFIXES

# Between dashes: Gmail, Yahoo, Thunderbird, Evolution, Geary, Outlook.com, Proton Mail, Samsung and HubSpot.
_DASHED = (
    "forwarded (?:message|mail|e-?mail)", "forwarded by .{1,80}", "weitergeleitete (?:nachricht|e-?mail|mail)",
    "message (?:transféré|transmis|réexpédié)", "courriel transféré", "mensaje (?:reenviado|remitido)",
    "messaggio inoltrato", "mensagem (?:encaminhada|reencaminhada)", "doorgestuurd bericht",
    "przekazana wiadomość", "wiadomość (?:przekazywana|przekazana|przesłana dalej)", "przekazywana wiadomość",
    "treść przekazanej wiadomości", "vidarebefordrat (?:meddelande|mejl)",
    "videresendt (?:meddelelse|besked|brev|melding|e-?post)",
    "edelleenlähetetty viesti", "välitetty viesti(?: / fwd\\.msg)?", "přeposlan(?:á zpráva|ý e-?mail)",
    "preposlaná správa(?: --- forwarded message)?", "ďalej odoslaná správa", "továbbított (?:üzenet|levél)",
    "mesaj (?:redirecționat|înaintat)", "proslijeđena poruka", "препратено (?:писмо|съобщение)",
    "iletilen (?:ileti|mesaj)",
    "iletilmiş mesaj", "yönlendiril(?:en|miş) ileti", "προωθημένο μήνυμα",
    "(?:пересылаемое|перенаправленное|пересланное|переадресованное) (?:сообщение|письмо)", "переслане повідомлення",
    "пересланий лист", "перенаправлене повідомлення", "הודעה (?:שהועברה|מועברת)", "رسالة (?:معاد توجيهها|ممرّرة|محولة)",
    "پیام (?:ارجاع داده شده|ارسال مجدد شده|فرستاده شده)", "転送(?:する|された)?メッセージ", "メッセージを転送",
    "(?:转发|轉遞|轉寄)的?(?:消息|信息|邮件|郵件|訊息)", "(?:전달된|전달한) (?:메시지|메일)",
)  # fmt: skip
# Without dashes, ending with a colon: Apple Mail on macOS and iOS, MailMate.
_BEGIN = (
    "begin forwarded message", "forwarded message", "anfang der weitergeleiteten (?:nachricht|e-?mail)",
    "début du message (?:réexpédié|transféré)", "inicio del mensaje reenviado", "inizio (?:del )?messaggio inoltrato",
    "início da mensagem (?:reencaminhada|encaminhada)", "begin doorgestuurd bericht", "vidarebefordrat (?:mejl|brev)",
    "start på videresendt besked", "videresendt melding", "välitetty viesti alkaa", "začátek přeposílané zprávy",
    "začiatok preposlanej správy", "początek przekazywanej wiadomości", "továbbított levél kezdete",
    "începe mesajul redirecționat", "započni proslijeđenu poruku", "начало переадресованного (?:сообщения|письма)",
    "пересылаемое сообщение", "початок листа, що пересилається", "i?̇?leti başlangıcı", "αρχή προωθημένου μηνύματος",
    "תחילת ההודעה שהועברה", "بدء الرسالة التي تم تحويلها", "転送されたメッセージ", "下面是被转发的邮件", "開始轉寄郵件",
    "以下是轉寄的郵件", "전달된 메시지",
)  # fmt: skip
_BANNER = re.compile(
    r"(?:>\s?){0,3}(?:-{2,30}\s{0,4}(?:" + "|".join(_DASHED) + r")\s{0,4}-{0,30}$"
    r"|(?:" + "|".join(_BEGIN) + r")\s?[:\uff1a]$)",
    re.IGNORECASE,
)

_SUBJECT = re.compile(
    r"\s*(?:\[[^\[\]]{1,60}\]\s*)?(?:" + "|".join(map(re.escape, FORWARD_PREFIXES)) + r")\s?[:\uff1a]", re.IGNORECASE
)

_HEADER_LINES = 16
_LONGEST_LINE = 500
_LONGEST_NAME = 200
_VALUE = re.compile(r"[^:\uff1a]{1,40}[:\uff1a]\**(.*)", re.DOTALL)
_MAILBOX = re.compile(r"[^\s<>()\[\]:;,\"']{1,64}@[^\s<>()\[\]:;,\"']{1,255}")


def is_forward_subject(subject: str | None) -> bool:
    """Tell whether a subject begins as programs let that of a forwarded mail begin.

    >>> is_forward_subject("WG: Lieferung"), is_forward_subject("Re: Fwd: Delivery")
    (True, False)
    """
    return _SUBJECT.match((subject or "")[:200]) is not None


def is_forward_banner(line: str) -> bool:
    """Tell whether a line stands above a forwarded mail, as ``---------- Forwarded message ---------``."""
    return len(line) <= _LONGEST_NAME and _BANNER.match(clean(line)) is not None


def original_sender(lines: Sequence[str]) -> Correspondent | None:
    """Give who wrote a forwarded mail, from the From among the first lines below its banner; None without one.

    The address is None where only a name stands, as Outlook writes colleagues.
    """
    for place, line in enumerate(lines[:_HEADER_LINES]):
        if len(line) > _LONGEST_LINE or label(line) != "from":
            continue
        found = _VALUE.search(clean(line))
        value = "" if found is None else found[1]
        if "@" not in value and place + 1 < len(lines) and "@" in lines[place + 1][:_LONGEST_LINE]:
            below = clean(lines[place + 1])[:_LONGEST_LINE]
            value = f"{value} {below}" if label(below) is None else value
        return read_mailbox(value)
    return None


def read_mailbox(text: str) -> Correspondent | None:
    """Give the person of ``Anna <a@b>``, ``Anna [mailto:a@b]`` or ``a@b <mailto:a@b>``; None for nothing."""
    text = text[:_LONGEST_LINE].replace("mailto:", " ")
    found = _MAILBOX.search(text)
    before = text if found is None else text[: found.start()]
    name = one_line(before).strip(" <>[]()\"'*,;:|")[:_LONGEST_NAME]
    address = None if found is None else as_address(found[0].strip(".*"))
    return Correspondent(address, name) if address is not None or name else None
