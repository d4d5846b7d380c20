"""How people and their programs sign: below a line of dashes, with the name of a telephone, with a legal notice.

What is doubtful is no signature. Greetings ("Kind regards, Anna") are the person's own words.
"""

import re
from collections.abc import Sequence

from customerservice.mail.openings import clean

_MOST_LINES = 40
_MOST_CHARACTERS = 3_000
_LONGEST_LINE = 200  # characters of the line of a telephone

# "-- " is RFC 3676 4.3; the others are what programs that trim lines leave of it, and what people type for it.
_DELIMITERS = frozenset(
    {"-- ", "--  ", "__ ", "\u2014 ", "--", "--\u00a0", "__", "\u2014", "\u2014\u2014", "\u2013\u2013", "- -- "}
)

_DEVICES = (
    r"iphon|ipad|ipod|ios\b|macbook|mac\b|apple watch|apple mail|samsung|galaxy|android|huawei|honor|xiaomi|redmi"
    r"|poco|mi phone|oneplus|oppo"
    r"|realme|vivo|nokia|htc|lg|sony|xperia|motorola|moto|pixel|zte|wiko|fairphone|blackberry|windows|outlook"
    r"|hotmail|gmail"
    r"|inbox|yahoo|aol|gmx|web\.de|freenet|t-online|telekom|1&1|ionos|proton ?mail|proton|tutanota|tuta|spark"
    r"|airmail|edison"
    r"|bluemail|blue mail|k-9|k9|thunderbird|aqua mail|nine|mymail|mail\.ru|mail app|mail-app|mail for|yandex|"
    r"яндекс|почт|naver|daum|qq|foxmail|wechat|163|seznam|libero|virgilio|orange|sfr|free mobile|laposte|bouygues"
    r"|interia|"
    r"onet|wp|o2|ziggo|kpn|telia|mobile|mobil|móvil|celular|cellulare|portable|handy|smartphone|smart phone|telefon|"
    r"telefono|teléfono|téléphone|telefone|telefoon|puhelimesta|tablet|phone|телефон|смартфон|hey|superhuman|missive"
    r"|mail\b"
)
# How the line begins, by language; then comes the name of the device or program, within a few words.
_SENT = (
    r"(?:sent|written|composed) (?:from|via|with|using|by|on)\b", r"get outlook for\b", r"get (?:the )?\w{0,20} ?app\b",
    r"gesendet (?:von|mit|über|via|aus)\b",
    r"(?:diese nachricht wurde )?(?:von|mit) (?:meine[mr]|der|dem)\b(?=.{0,80}(?:gesendet|geschickt|verschickt))",
    r"outlook für\b", r"outlook (?:voor|pour|para|per|dla|för|til) (?:ios|android)",
    r"envoyé (?:de|depuis|à partir d[eu]|avec|via)\b", r"télécharge[rz]? outlook\b", r"obtenir outlook\b",
    r"obtenez outlook\b",
    r"enviad[oa] (?:desde|do|da|de|a partir d[eo]|via|pelo|con|com)\b", r"obtener outlook\b", r"obter o? ?outlook\b",
    r"baixe o outlook\b",
    r"inviato (?:da|dal|dall['\u2019]|con|tramite)(?=\W|\b)", r"scarica outlook\b", r"ottieni outlook\b",
    r"outlook per\b",
    r"verzonden (?:vanaf|met|via|vanuit|door)\b", r"verstuurd vanaf\b", r"download outlook\b", r"outlook downloaden\b",
    r"wysłan[eoay] (?:z|ze|przez|za pomocą)\b", r"pobierz (?:program )?outlook\b", r"skickat (?:från|via|med)\b",
    r"hämta outlook\b", r"skaffa outlook\b",
    r"sendt (?:fra|via|med)\b", r"hent outlook\b", r"få outlook\b", r"lähetetty\b", r"hanki outlook\b",
    r"hae outlook\b",
    r"odesláno (?:z|ze|pomocí|přes)\b", r"získejte outlook\b", r"odoslané (?:z|zo)\b", r"elküldve\b",
    r"az? .{0,30}ról küldve", r"trimis (?:de pe|din|cu)\b",
    r"poslano (?:s|sa|iz)\b", r"изпратено (?:от|с)\b", r"отправлено (?:из|с|со|от)\b", r"послано (?:с|из)\b",
    r"надіслано (?:з|із|від)\b", r"відправлено (?:з|із)\b",
    r"στάλθηκε από\b", r"εστάλη από\b", r"אלא? ?נשלח|נשלח\b", r"أُ?رسلت? من\b", r"تم الإرسال من\b",
    r"ارسال(?: شده)? از\b", r"فرستاده شده از\b",
    r"发自", r"發自", r"從我的", r"来自", r"通过.{0,20}发送", r"從 ?.{0,20}傳送", r"나의 ", r"내 ", r"gửi từ\b",
)  # fmt: skip
_SENT_FROM = re.compile(
    r"[>\s*_\W]{0,6}(?:" + "|".join(_SENT) + r")[^.,;:!?\n]{0,50}?(?:" + _DEVICES + r")(\w*)(.{0,160})$",
    re.IGNORECASE,
)
# Languages that put the device first.
_DEVICE_FIRST = re.compile(
    r"[>\s*_\W]{0,6}(?:my )?.{0,30}(?:" + _DEVICES + r").{0,30}"
    r"(?:から送信|から送信しました|より送信|에서 보냄|에서 보냈습니다|で送信|傳送|发送|gönderildi|umdan"
    r"|['\u2019]?[dt][ae]n gönderil\w+|lähetetty"
    r"|küldve)\W*$",
    re.IGNORECASE,
)
# One of these is in each such line, and the pattern costs more than all others.
_DEVICE_FIRST_WORDS = ("送信", "보냄", "보냈습니다", "傳送", "发送", "gönder", "umdan", "lähetetty", "küldve")
# Words of slogans behind the name of the device or program.
_BEHIND = frozenset(
    """
    for on für auf pour sur para per su voor op dla för til na of and using via with mit mein meinem meu mio mi mon
    my von mail app client mobile device phone tablet smartphone email e-mail gesendet geschickt verschickt
    versendet dienst secure gerät aus der die mobil mobiltelefon handy
    """.split()
)
_STOPS = re.compile(r"[.,;:!<(|\[]")
_FOREIGN = re.compile(r"[^\W\d_a-zA-Z\u00c0-\u024f]")
_MOST_BEHIND = 8  # words
_MOST_FOREIGN = 3  # words of a script that has no capitals to tell a name by, or of which we know none


# How a legal notice or a virus scanner's line begins, by language. The whole paragraph is taken, and only at the end.
_NOTICE = re.compile(
    r"[\s*_>-]{0,6}(?:(?:confidentiality|privileged|confidential|legal|privacy|e-?mail) (?:notice|disclaimer|note)\b"
    r"|disclaimer\b"
    r"|(?:this|the information (?:contained )?in this) (?:e-?mail|message|communication"
    r"|electronic)\b.{0,200}(?:confidential|intended|privileged|virus)"
    r"|the information (?:contained |transmitted )?.{0,80}(?:confidential|intended)"
    r"|please consider the environment|think before you print|save paper|virus-free\b|this e-?mail has been"
    r" (?:checked|scanned)"
    r"|diese (?:e-?mail|nachricht) (?:enthält|wurde auf viren|kann vertraulich|und (?:et|all)|ist vertraulich"
    r"|einschließlich)|der inhalt dieser e-?mail"
    r"|vertraulichkeitshinweis|virenfrei\b|bitte (?:prüfen|denken) sie .{0,60}(?:druck|umwelt)"
    r"|ce (?:message|courriel|mail|courrier électronique)(?:, | et | \(| est ).{0,160}(?:confidentiel|destin|pièces)"
    r"|sans virus\b|avis de confidentialité"
    r"|este (?:mensaje|correo|e-?mail).{0,160}(?:confidencial|destinatari|adjunt)|aviso (?:legal|de confidencialidad"
    r"|de confidencialidade)|libre de virus"
    r"|esta mensagem.{0,160}(?:confidencia|destinat)|(?:questo|il presente) (?:messaggio|e-?mail"
    r"|documento).{0,160}(?:riservat|confidenzial|destinat)"
    r"|le informazioni contenute .{0,160}(?:riservat|confidenzial|destinat)|avviso di riservatezza|privo di virus"
    r"|(?:dit|deze) (?:e-?mail|bericht|mail).{0,160}(?:vertrouwelijk|bestemd|bedoeld)|de informatie"
    r" .{0,120}(?:vertrouwelijk|bestemd)"
    r"|(?:niniejsza|ta|treść tej) wiadomoś.{0,160}(?:poufn|adresat|przeznaczon)|detta (?:e-?post|meddelande"
    r"|mail).{0,160}(?:konfidentiell|avse)"
    r"|denne (?:e-?mail|e-?post|meddelelse|melding).{0,160}(?:fortrolig|konfidensiel|beregnet)|tämä (?:viesti"
    r"|sähköposti).{0,160}(?:luottamuksel|tarkoitet)"
    r"|(?:tato zpráva|tento e-?mail|obsah této).{0,160}(?:důvěrn|určen)|(?:данное|это|настоящее) (?:сообщение|письмо"
    r"|электронное).{0,160}(?:конфиденциальн|предназначен)"
    r"|(?:це повідомлення|цей лист).{0,160}(?:конфіденційн|призначен)|bu (?:e-?posta|ileti|mesaj).{0,160}(?:gizli"
    r"|yalnızca|kişiye)"
    r"|(?:αυτό|το παρόν) (?:το )?(?:μήνυμα|email|e-mail"
    r"|ηλεκτρονικό).{0,160}(?:εμπιστευτικ|προορίζ)|本(?:邮件|郵件|メール"
    r"|電子メール).{0,160}(?:保密|机密|機密|秘密)"
    r"|이 (?:메일|이메일|전자우편|메시지).{0,160}(?:기밀|비밀)|(?:הודעה זו|דוא\"ל זה"
    r"|המידע).{0,160}(?:חסוי|סודי|מיועד)|(?:هذه الرسالة"
    r"|هذا البريد).{0,160}(?:سري|مخصص))",
    re.IGNORECASE,
)  # fmt: skip
_SHORTEST_NOTICE, _LONGEST_NOTICE = 10, 3_000  # characters
_NOTICE_HEAD = 300  # characters of a paragraph in which its words are looked for
# "This message is confidential, can you write to my office?" is a customer's; notices order and do not ask.
_ASKED = re.compile(r"[?\uff1f\u061f](?:\s|$)")

# The footer of a mailing list or of a free mail service: a drawn line, and an address of the web below it.
_FOOTER_RULE = re.compile(r"[_=-]{16,120}$")
_RULED = frozenset("_=-")
_WEB = re.compile(r"https?://|www\.|[^\s@]@[^\s@]")


def is_sent_from(line: str) -> bool:
    """Tell whether a line only says which telephone or program sent the mail, in any language.

    >>> is_sent_from("Sent from my iPhone"), is_sent_from("Sent from my iPhone it looks odd")
    (True, False)
    """
    if len(line) > _LONGEST_LINE:
        return False
    text = clean(line)
    if not text:
        return False
    found = _SENT_FROM.match(text)
    if found is not None:
        return _is_slogan(_STOPS.split(found[2], maxsplit=1)[0])
    lowered = text.lower()
    return any(word in lowered for word in _DEVICE_FIRST_WORDS) and _DEVICE_FIRST.match(text) is not None


def _is_slogan(text: str) -> bool:
    """Tell whether words behind the name of a device are names, numbers and the like, not the rest of a sentence."""
    words = text.replace("/", " ").split()
    foreign = sum(_FOREIGN.match(word) is not None for word in words)
    return (
        len(words) <= _MOST_BEHIND
        and foreign <= _MOST_FOREIGN
        and all(
            word != word.lower() or not word[0].isalpha() or word.lower() in _BEHIND or _FOREIGN.match(word)
            for word in words
        )
    )


def is_delimiter(line: str) -> bool:
    """Tell whether a line parts a text from its signature: ``-- `` (RFC 3676 4.3) or what programs leave of it."""
    return line in _DELIMITERS


def part_signature(lines: Sequence[str]) -> tuple[str, str]:
    """Give a new text without its signature, and the signature; no line but the dashes is lost.

    Args:
        lines: of the new text.
    """
    end = len(lines)
    while end and not lines[end - 1].strip():
        end -= 1
    place = _notices(lines, end)
    for rule in (_delimiter, _sent_from, _footer):
        found = rule(lines, place)
        if found is not None:
            place = found
            break
    below = place + 1 if place < end and is_delimiter(lines[place]) else place
    return "\n".join(lines[:place]), "\n".join(lines[below:])


def _notices(lines: Sequence[str], end: int) -> int:
    """Give the line where the legal notices at the end begin, else `end`."""
    floor = max(0, end - _MOST_LINES)
    while end > floor:
        bottom = end
        while bottom > floor and not lines[bottom - 1].strip():
            bottom -= 1
        top = bottom
        while top > floor and lines[top - 1].strip():
            top -= 1
        said = " ".join(line.strip() for line in lines[top:bottom])
        if not _SHORTEST_NOTICE <= len(said) <= _LONGEST_NOTICE or _NOTICE.match(said[:_NOTICE_HEAD]) is None:
            return end
        if _ASKED.search(said) is not None:
            return end
        end = top
    return end


def _delimiter(lines: Sequence[str], end: int) -> int | None:
    floor = max(0, end - _MOST_LINES)
    places = [place for place, line in enumerate(lines[floor:end], floor) if line in _DELIMITERS]
    if not places:
        return None
    place = places[0]
    below = [line for line in lines[place + 1 : end] if line.strip()]
    if sum(map(len, lines[place:end])) > _MOST_CHARACTERS:
        return None
    if lines[place] == "-- " and len(places) == 1:
        return place
    # A bare line of dashes may also part two pieces of the text.
    if len(places) > 1 and any(line != "-- " for line in (lines[at] for at in places)):
        return None
    return place if len(below) <= 15 and not any(_is_sentence(line) for line in below) else None


def _is_sentence(line: str) -> bool:
    text = line.strip()
    return "?" in text or (len(text) >= 50 and text[-1] in ".!:" and text.count(" ") >= 6 and not _WEB.search(text))


def _sent_from(lines: Sequence[str], end: int) -> int | None:
    while end and not lines[end - 1].strip():
        end -= 1
    return next((place for place in range(max(0, end - 3), end) if is_sent_from(lines[place])), None)


def _footer(lines: Sequence[str], end: int) -> int | None:
    floor = max(0, end - 10)
    for place in range(floor, end):
        if lines[place][:1] in _RULED and _FOOTER_RULE.match(lines[place].strip()):
            below = [line.strip() for line in lines[place + 1 : end] if line.strip()]
            return place if below and any(map(_WEB.search, below)) and not any(map(_is_sentence, below)) else None
    return None
