"""How programs open a quotation: "On … wrote:", header blocks and banners, by language, as data.

The words come from the programs' own translations (Thunderbird 153, Evolution 3.46, Geary 43, Roundcube 1.6) and from
what Gmail, Outlook, Apple Mail, Yahoo, GMX, Samsung, Yandex, Mail.ru, QQ and Naver write in these languages. People
write the same words; so a sentence counts only with what programs always put beside them: a moment, or an address.
"""

import re
from collections.abc import Sequence

#: Put above the text by programs that ask to answer above it (Zendesk, and mail of ours that says so).
REPLY_ABOVE = "##- "

# By language: how an opening may begin, and the words for "wrote".
_WROTE: Sequence[tuple[str, str, str]] = (
    ("en", r"on\b|at\b|quoting\b|-+ ?on\b", r"wrote|writes|quoting"),
    ("de", r"am\b|zitat von\b|\d", r"schrieb(?:en)?|hat (?:.{0,80} )?geschrieben|zitat von"),
    ("fr", r"le\b|en date d[eu]\b|\d", r"a écrit|écrivait|a envoyé"),
    ("es", r"el\b|en\b|citando a\b|\d", r"escribi[óo]|ha escrito|citando a"),
    ("it", r"il(?: giorno)?\b|in data\b|\d", r"ha scritto|scrive|scriveva"),
    ("pt", r"em\b|a\b|às\b|no dia\b|\d", r"escreveu"),
    ("nl", r"op\b|\d", r"schreef|heeft (?:.{0,80} )?geschreven"),
    ("pl", r"w[ \xa0]dniu\b|dnia\b|(?:pon|wt|śr|czw|pt|sob|niedz?)\b|użytkownik\b|\d",
     r"napisał(?:\(a\)|/a|a)?|pisze|nadesłał"),
    ("sv", r"den\b|på\b|(?:mån|tis|ons|tors?|fre|lör|sön)\b|\d", r"skrev"),
    ("da", r"den\b|på\b|(?:man|tirs?|ons|tors?|fre|lør|søn)\b|\d", r"skrev"),
    ("nb", r"den\b|på\b|(?:man|tirs?|ons|tors?|fre|lør|søn)\b|\d", r"skrev|skreiv"),
    ("fi", r"(?:ma|ti|ke|to|pe|la|su)\b|\d", r"kirjoitti"),
    ("cs", r"dne\b|(?:po|út|st|čt|pá|so|ne)\b|\d", r"napsala?(?:\(a\))?|píše"),
    ("sk", r"dňa\b|(?:po|ut|st|št|pi|so|ne)\b|\d", r"napísala?(?:\(a\)|/a)?"),
    ("hu", r"\d", r"írta|írt"),
    ("ro", r"în\b|pe\b|la\b|\d", r"a scris"),
    ("hr", r"dana\b|(?:u )?(?:pon|uto|sri|čet|pet|sub|ned)\b|\d", r"piše|napisa(?:o|la)(?:\(la\)|/la)?(?: je)?"),
    ("bg", r"на\b|в\b|\d", r"написа"),
    ("tr", r"\d|.{0,80} tarihinde", r"yazdı|yazmış|tarihinde"),
    ("el", r"στις\b|την?\b|ο/η\b|\d", r"έγραψε"),
    ("ru", r"(?:пн|вт|ср|чт|пт|сб|вс)\b|в\b|(?:понедельник|вторник|среда|четверг|пятница|суббота|воскресенье)\b|\d",
     r"(?:на)?писала?(?:\(а\))?|пишет"),
    ("uk", r"(?:пн|вт|ср|чт|пт|сб|нд)\b|у\b|\d", r"написа(?:в|ла)(?:\(ла\))?|пише"),
    ("fa", r"در\b|روز\b|\d", r"نوشت(?:ه است|ه بود)?"),
    ("ar", r"في\b|بتاريخ\b|\d", r"كتبت?"),
    ("he", r"ב\w{0,10}\b|\d", r"כתבה?|כתב/ה|מאת|נכתב על ידי"),
    ("vi", r"vào\b|đã\b|\d", r"đã viết"),
    ("ja", r"\d{2,4}", r"書きました|のメール|wrote"),
    ("zh", r"在|於|于|\d{4}", r"写道|寫道|写于|寫到|寫下|提到|写|寫"),
    ("ko", r"\d{4}|.{0,40}\d{4}", r"작성|썼습니다|쓴 (?:글|내용)|작성하였습니다"),
)  # fmt: skip
_UNSPACED = ("ja", "zh", "ko")
_VERB = re.compile(
    r"(?<!\w)(?:" + "|".join(verb for code, _, verb in _WROTE if code not in _UNSPACED) + r")(?!\w)"
    r"|(?:" + "|".join(verb for code, _, verb in _WROTE if code in _UNSPACED) + r")[^:\uff1a]{0,20}[:\uff1a]?$",
    re.IGNORECASE,
)
_START = re.compile(r"[\s>*_\"'-]{0,8}(?:" + "|".join(f"(?:{start})" for _, start, _ in _WROTE) + ")", re.IGNORECASE)

# Words that people put beside "wrote" and programs never do: who wrote to whom, and articles of their nouns.
_PERSONAL = re.compile(
    r"(?<![\w.<@])(?:I|i|you|we|he|she|they|me|us|my|your|our|the|your|this|that|somebody|someone"
    r"|ich|mir|uns|wir|Sie|sie|Ihnen|dir|mich|er|ihr|Ihre?[rnms]?|eure?|mein\w{0,2}|unser\w{0,2}|der|die|das|ein\w{0,2}"
    r"|tu|vous|nous|moi|elle|vos|votre|mon|ma|notre|un|une|usted(?:es)?|me|mi|su|nos|una|yo"
    r"|lei|Lei|mio|mia|suo|sua|vostr[oa]|ci|io|você|vocês|eu|meu|minha|seu|sua|uma"
    r"|ik|jij|jullie|uw|mijn|onze|ons|een|mij|jag|du|ni|mig|min|er|din|jeg|dere|dig|meg|deg|De|vi"
    r"|minä|sinä|te|me|ja|pan|pani|państwo|mi|wasz\w{0,4}|jsem|jste|mně|vám|váš|vaše"
    r"|я|вы|Вы|мы|мне|вам|ваш\w{0,3}|мой|моя|він|ви|ми|мені|ben|siz|biz|bana|size|sizin|εγώ|εσείς|σας|μου"
    r"|μας)(?![\w.@>-])"
)
_ADDRESS = re.compile(r"[^\s<>()\[\]@:;,\"]@[^\s<>()\[\]@:;,\"]")
_DATE = re.compile(
    r"(?<!\d)(?:19|20|25|13|14)\d\d(?!\d)|[\u0660-\u0669\u06f0-\u06f9]{4}|\d{1,4}\s?[./-]\s?\d{1,2}\s?[./-]\s?\d{2,4}"
)
_TIME = re.compile(
    r"(?<![\d.,])\d{1,2}\s?[:h∶]\s?\d{2}|(?<![\d.,/-])\d{1,2}\.\d{2}(?![.\d/-])|\d{1,2}\s?(?:時|시|点|时|uhr\b"
    r"|[ap]\.?m\b)|\d年\d{1,2}月\d{1,2}日",
    re.IGNORECASE,
)
#: Direction marks, byte order marks and joiners that programs strew between words of right-to-left languages.
_INVISIBLE = dict.fromkeys(
    [*range(0x200B, 0x2010), *range(0x202A, 0x202F), 0x2060, *range(0x2066, 0x206A), 0xFEFF, 0xAD]
)
_QUOTATION_MARKS = "\"„“”«»‚‘'「『"

#: What no opening is without.
_SIGN = re.compile(r"[@\d]")
_DASHED_END = re.compile(r"[:\uff1a]?\s{0,3}-{2,12}$")

_LONGEST_LINE = 500  # characters; a longer line is no opening
_OPENING_LINES = 5


def clean(line: str) -> str:
    """Give a line without marks that nobody sees, and without the marks of bold and white space around it."""
    if not line.isascii():
        line = line.translate(_INVISIBLE).replace("\xa0", " ").replace("\u202f", " ")
    return line.strip(" \t*_")


def opening(lines: Sequence[str], place: int) -> int | None:
    """Give the first line of the "On … wrote:" that ends on this line; None if nothing does.

    Args:
        lines: of the text, none stripped.
        place: of a line that ends with a colon or with dashes.
    """
    last = clean(lines[place])
    if last[-1:] not in (":", "\uff1a") and not (_DASHED_END.search(last) and _VERB.search(last)):
        return None
    after = next((line for line in lines[place + 1 : place + 4] if line and not line.isspace()), "").lstrip()
    marked = after.startswith(">")
    if not marked and _SIGN.search(" ".join(lines[max(0, place - _OPENING_LINES + 1) : place + 1])[-2_000:]) is None:
        return None
    joined = ""
    nearest: int | None = None
    for first in range(place, max(-1, place - _OPENING_LINES), -1):
        line = clean(lines[first])
        if not line or len(joined) + len(line) > _LONGEST_LINE or (first < place and line.startswith(">")):
            break
        joined = f"{line} {joined}".rstrip()
        if _is_opening(joined, marked=marked):
            nearest = first if nearest is None or _START.match(line) else nearest
            if _DATE.search(line):
                break
    if nearest is None:
        return place if marked and _VERB.search(last) else None
    if not marked and after[:1] in _QUOTATION_MARKS and after:
        return None  # cited by hand
    if not marked and _is_within_a_text(lines, nearest, place):
        return None
    return nearest


def _is_within_a_text(lines: Sequence[str], first: int, last: int) -> bool:
    """Tell whether an opening without any address stands in a person's own paragraph: "On 2 May at 10:30 UPS wrote:".

    Programs that leave out both the address and the marks (Outlook for phones, Notes) set it off by blank lines.
    """
    if _ADDRESS.search(" ".join(lines[first : last + 1])) is not None:
        return False
    return any(line and not line.isspace() for line in (*lines[max(0, first - 1) : first], *lines[last + 1 : last + 2]))


def _is_opening(text: str, *, marked: bool) -> bool:
    """Tell whether a text on one line says who wrote when, as programs say it."""
    address = _ADDRESS.search(text) is not None
    time = _TIME.search(text)
    dated = time is not None and _DATE.search(text) is not None
    verb = _VERB.search(text)
    if verb is None:
        whole = (marked and (address or dated)) or (address and dated and _ends_with_address(text))
        return whole and _PERSONAL.search(text) is None
    if not (address or dated or (marked and _DATE.search(text))):
        return False
    if _PERSONAL.search(text[:400]) is not None and not (address and dated):
        return False
    if _START.match(text):
        return True
    # The name first: "Shop <a@b> schreef op …:", "Shop kirjoitti 2.1.2026 klo 10.00:"
    return address or (time is not None and verb.end() <= time.start() and text.count(" ", 0, verb.start()) <= 4)


def _ends_with_address(text: str) -> bool:
    """Tell whether a moment at the beginning and an address at the end are all there is.

    So open Yandex, Mail.ru and Tutanota, Gmail in Japanese and Thunderbird in Ukrainian.
    """
    words = text.rstrip(" :\uff1a").split(" ")
    return len(words) <= 16 and "@" in words[-1] and any(char.isdigit() for word in words[:3] for char in word)


# Banners between dashes, above the mail that is answered.
_ORIGINAL_WORDS = (
    "original (?:message|appointment|e-?mail|mail)", "ursprüngliche (?:nachricht|e-?mail|mail)", "original-?nachricht",
    "originalnachricht", "message d['\u2019]origine", "message (?:original|initial)", "mail original",
    "courriel original", "mensaje original", "correo original", "mensagem original", "messaggio originale",
    "oorspronkelijke? bericht", "origineel bericht", "wiadomość oryginalna", "oryginalna wiadomość",
    "treść oryginalnej wiadomości", "ursprungligt meddelande", "oprindelig (?:meddelelse|besked)", "oprindeligt brev",
    "original besked", "opprinnelig melding", "alkuperäinen viesti(?: / orig\\.msg\\.)?",
    "původní (?:zpráva|e-?mail)", "pôvodná správa(?: --- original message)?", "eredeti üzenet", "mesaj(?:ul)? original",
    "orijinal (?:mesaj|ileti)", "özgün ileti", "αρχικό μήνυμα", "исходное сообщение", "оригинальное сообщение",
    "початкове повідомлення", "оригінальне повідомлення", "оригинално писмо", "izvorna poruka", "הודעה מקורית",
    "الرسالة (?:الأصلية|الأساسية)", "پیام اصلی", "元のメッセージ", "オリジナルのメッセージ",
    "原始(?:邮件|郵件|消息|信息)", "原邮件", "원본 (?:메시지|메일|이메일)", "reply message", "reply to message",
)  # fmt: skip
_ORIGINAL = re.compile(
    r">{0,3} {0,3}-{2,24}\s{0,4}(?:" + "|".join(_ORIGINAL_WORDS) + r")\s{0,4}-{0,24}$", re.IGNORECASE
)

# Header labels, by what they mean. Outlook, Outlook on the web, Apple Mail, Gmail, Thunderbird, Yahoo, Lotus Notes.
_LABELS = {
    "from": (
        "from", "von", "absender", "de", "expéditeur", "remitente", "da", "mittente", "van", "afzender", "od",
        "nadawca",
        "från", "fra", "avsender", "afsender", "lähettäjä", "odesílatel", "от", "отправитель", "від", "від кого",
        "kimden", "gönderen", "gönderici", "από", "αποστολέας", "מאת", "من", "المرسل", "از", "فرستنده", "差出人",
        "送信者",
        "発信者", "送信元", "发件人", "發件人", "寄件者", "寄件人", "보낸 사람", "보낸사람", "발신자", "보낸이",
        "feladó",
        "de la", "expeditor", "expeditorul", "šalje", "od koga", "odosielateľ",
    ),
    "date": (
        "sent", "date", "datum", "gesendet", "gesendet am", "envoyé", "envoyé le", "enviado", "enviado el",
        "enviada em", "enviado em", "enviada", "fecha", "data", "inviato", "data invio", "verzonden", "wysłano",
        "wysłane",
        "skickat", "sendt", "dato", "lähetetty", "päivämäärä", "päiväys", "odesláno", "odoslané", "dátum", "elküldve",
        "küldve", "trimis", "dată", "poslano", "gönderildi", "gönderme tarihi", "gönderilen", "tarih", "στάλθηκε",
        "ημερομηνία", "αποστολή", "отправлено", "дата", "надіслано", "відправлено", "изпратено", "נשלח", "תאריך",
        "التاريخ", "تم الإرسال", "تاريخ الإرسال", "تاریخ", "ارسال", "送信日時", "日付", "日時", "送信", "发送时间",
        "发送日期", "日期", "時間", "时间", "寄件日期", "傳送日期", "發送時間", "보낸 날짜", "날짜", "보낸날짜",
        "sent on",
    ),
    "to": (
        "to", "an", "empfänger", "à", "a", "pour", "destinataire", "para", "destinatario", "destinatário", "aan",
        "ontvanger", "do", "adresat", "till", "mottagare", "til", "mottaker", "modtager", "vastaanottaja", "komu",
        "adresát", "кому", "до", "получатель", "kime", "alıcı", "προς", "παραλήπτης", "אל", "إلى", "المستلم", "به",
        "گیرنده", "宛先", "送信先", "收件人", "收件者", "받는 사람", "받는사람", "수신자", "címzett", "către",
        "destinatar",
        "destinatarul", "prima", "za", "pre",
    ),
    "subject": (
        "subject", "betreff", "objet", "sujet", "asunto", "oggetto", "assunto", "onderwerp", "temat", "ämne", "emne",
        "aihe", "předmět", "predmet", "тема", "konu", "θέμα", "נושא", "הנדון", "الموضوع", "موضوع", "件名", "主题",
        "主題",
        "主旨", "제목", "tárgy", "subiect", "subiectul", "naslov", "заглавие", "относно",
    ),
    "other": (
        "cc", "bcc", "kopie", "kopie (cc)", "copie", "copie à", "cópia", "copia", "kopia", "kopi", "kopi til", "kopio",
        "копия", "копія", "bilgi", "kopya", "κοιν.", "κοινοποίηση", "עותק", "לידיעה", "نسخة", "نسخة إلي", "رونوشت",
        "抄送",
        "副本", "참조", "másolat", "másolatot kap", "kópia", "dw", "do wiadomości", "reply-to", "antwort an",
        "répondre à",
        "responder a", "rispondi a", "antwoord aan", "svar til", "svara till", "attachments", "anlagen", "anhänge",
        "pièces jointes", "allegati", "importance", "priority", "wichtigkeit", "priorität", "resent-from",
        "organization",
        "message-id", "cci", "ccn", "cc:", "копие", "копие до",
    ),
}  # fmt: skip
_MEANING = {word: meaning for meaning, words in _LABELS.items() for word in words}
_LABEL = re.compile(r"[>\s*_]{0,8}([^\W\d_][^:\uff1a\n]{0,24}?)[\s*]{0,3}[:\uff1a]")
# The words of one-line blocks must be long enough to be no words of a sentence.
_INLINE = re.compile(
    r"(?<!\S)\*{0,2}(" + "|".join(
        re.escape(word) for word in sorted(_MEANING, key=len, reverse=True) if _MEANING[word] != "other"
    ) + r")\*{0,2}\s?[:\uff1a]\*{0,2}(?=\s)",
    re.IGNORECASE,
)  # fmt: skip
_HEADER_LINES = 16
_CONTINUATIONS = 3
_RULE = re.compile(r"[\s>]{0,4}[_*=\u2500\u2014-]{5,120}$")


def label(line: str) -> str | None:
    """Give what the label at the beginning of a header line means: from, date, to, subject or other; else None."""
    if not line.isascii():
        line = line.translate(_INVISIBLE).replace("\xa0", " ")
    found = _LABEL.match(line)
    return None if found is None else _MEANING.get(found[1].strip().lower())


def header_block(lines: Sequence[str], place: int) -> int | None:
    """Give the line after the header block that begins here (from, date, to and subject in any order), or None.

    One blank line between two fields, and lines that go on an address list, belong to it.
    """
    first = label(lines[place])
    if first is None or first == "other":
        return None
    meanings: set[str] = set()
    end, blanks, going_on = place, 0, 0
    for at in range(place, min(len(lines), place + _HEADER_LINES)):
        line = lines[at]
        if not line or line.isspace():
            blanks += 1
            if blanks > 1:
                break
            continue
        meaning = label(line) if len(line) <= _LONGEST_LINE else None
        if meaning is not None:
            if meaning in meanings and meaning == "from":
                break  # the next block
            meanings.add(meaning)
            end, blanks, going_on = at + 1, 0, 0
            continue
        going_on += 1
        if blanks or going_on > _CONTINUATIONS or not meanings:
            break
        end = at + 1 if _ADDRESS.search(line) else end
    if "from" not in meanings:
        return None
    if len(meanings) == 1 and first == "from":
        meanings = {_MEANING[found[1].lower()] for found in _INLINE.finditer(lines[place][:_LONGEST_LINE])}
        return place + 1 if {"from", "subject"} < meanings and len(meanings) >= 3 else None
    said = "\n".join(lines[place:end])
    proven = _ADDRESS.search(said) is not None or (_TIME.search(said) is not None and _DATE.search(said) is not None)
    if "subject" in meanings and meanings & {"date", "to"} and proven:
        return end
    return end if {"date", "to"} <= meanings and proven and first in ("from", "date") else None


def is_rule(line: str) -> bool:
    """Tell whether a line is nothing but a drawn line."""
    return _RULE.match(line.rstrip()) is not None


def is_original_banner(line: str) -> bool:
    """Tell whether a line reads ``-----Original Message-----``, in any language."""
    return _ORIGINAL.match(clean(line)) is not None
