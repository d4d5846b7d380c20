"""The parts of a mail: header, texts in their charsets, HTML, files."""

import base64
import datetime as dt
import email.utils
import html
import quopri
from collections.abc import Sequence

import attrs
from hypothesis import strategies as st

from customerservice.domain.email_address import EmailAddress
from customerservice.mail import Correspondent, MailAttachment
from customerservice.testing.mails.written import WrittenMail

SHOP = EmailAddress("help@shop.example")

#: Words that no rule of a reader takes for a greeting, a signature or a quotation.
_WORDS = {
    "en": "parcel lamp blue broken two weeks invoice please box table where is my",
    "de": "Paket Lampe grün kaputt zwei Wochen Größe bitte Schachtel Tisch möchte größer",
    "fr": "colis lampe bleue cassée deux semaines où est ma commande déjà reçu",
    "es": "paquete lámpara azul rota dos semanas dónde está pequeño mañana",
    "it": "pacco lampada blu rotta due settimane perché è città più",
    "pt": "encomenda lâmpada azul quebrada duas não chegou tamanho então",
    "nl": "pakket lamp blauw kapot twee weken maat graag financiële coördinatie",
    "pl": "paczka lampa niebieska uszkodzona dwa tygodnie gdzie jest moja żółta",
    "sv": "paket lampa blå trasig två veckor storlek öppna låda",
    "da": "pakke lampe blå gået i stykker uger størrelse æske",
    "nb": "pakke lampe blå ødelagt to uker størrelse eske på",
    "fi": "paketti lamppu sininen rikki viikkoa koko pöytä missä",
    "cs": "balík lampa modrá rozbitá dva týdny velikost příliš žlutý",
    "ru": "посылка лампа синяя разбита две недели размер где мой заказ",
    "uk": "посилка лампа синя розбита тижні розмір де моє їхній",
    "tr": "paket lamba mavi kırık iki hafta büyük küçük sipariş nerede ığdır",
    "el": "δέμα λάμπα μπλε σπασμένη εβδομάδες μέγεθος πού είναι",
    "he": "חבילה מנורה כחולה שבורה שבועיים גודל איפה ההזמנה",
    "ar": "طرد مصباح أزرق مكسور أسبوعين مقاس أين طلبي",
    "fa": "بسته چراغ آبی شکسته هفته اندازه کجا سفارش",
    "ja": "荷物 電灯 青い 壊れた 二週間 注文 サイズ 大きい どこ",
    "zh": "包裹 台灯 蓝色 坏了 两周 订单 尺寸 太大 哪里",
    "ko": "소포 램프 파란색 고장 이주일 주문 크기 어디",
}
_CHARSETS = {
    **dict.fromkeys(("de", "fr", "es", "it", "pt", "nl", "sv", "da", "nb", "fi"), ("iso-8859-1", "windows-1252")),
    "pl": ("iso-8859-2", "windows-1250"),
    "cs": ("iso-8859-2", "windows-1250"),
    "ru": ("koi8-r", "windows-1251"),
    "uk": ("koi8-u", "windows-1251"),
    "tr": ("iso-8859-9", "windows-1254"),
    "el": ("iso-8859-7", "windows-1253"),
    "he": ("iso-8859-8", "windows-1255"),
    "ar": ("iso-8859-6", "windows-1256"),
    "ja": ("iso-2022-jp", "shift_jis", "euc-jp"),
    "zh": ("gb2312", "gbk", "gb18030"),
    "ko": ("euc-kr",),
}
_NAMES = ("Maria", "Anna Weber", "O'Neil, Paul", "Zoë Çelik", "Łukasz Nowak", "Иван Петров", "山田 太郎", "دانا", "")
_FILE_NAMES = ("invoice.pdf", "photo 1.jpg", "Größe.png", "a;b=c.txt", "очень.doc", "領収書.pdf", 'say "hello".txt')


@attrs.frozen(kw_only=True)
class Text:
    """Some lines, and a charset that can hold them."""

    lines: str
    charset: str
    transfer: str


@st.composite
def texts(draw: st.DrawFn) -> Text:
    """Give some lines in one of the languages, with a charset and a transfer encoding for them."""
    language = draw(st.sampled_from(sorted(_WORDS)))
    words = st.sampled_from(_WORDS[language].split())
    line = st.lists(words, min_size=1, max_size=7).map(" ".join)
    paragraph = st.lists(line, min_size=1, max_size=3).map("\n".join)
    lines = "\n\n".join(draw(st.lists(paragraph, min_size=1, max_size=3)))
    charset = draw(st.sampled_from(("utf-8", *_CHARSETS.get(language, ()))))
    if lines.isascii() or not _is_told_apart(lines, charset):
        charset = "utf-8"
    transfer = draw(st.sampled_from(("8bit", "quoted-printable", "base64")))
    return Text(lines=lines, charset=charset, transfer=transfer)


def _is_told_apart(text: str, charset: str) -> bool:
    """Tell whether a charset holds a text in bytes that are no UTF-8, which readers believe before what is declared."""
    try:
        text.encode(charset).decode("utf-8")
    except UnicodeEncodeError:
        return False
    except UnicodeDecodeError:
        return True
    return charset == "iso-2022-jp"


def _moments() -> st.SearchStrategy[dt.datetime]:
    return st.builds(
        lambda second, quarter: dt.datetime.fromtimestamp(second, dt.timezone(dt.timedelta(minutes=15 * quarter))),
        st.integers(1_577_836_800, 1_893_456_000),  # 2020 to 2030
        st.integers(-44, 56),
    )


def _addresses() -> st.SearchStrategy[EmailAddress]:
    local = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=10)
    domain = st.sampled_from(("customer.example", "mail.example", "firma.example"))
    return st.builds(lambda *pair: EmailAddress("@".join(pair)), local, domain)


def _encoded_words(text: str, charset: str, form: str) -> str:
    """Give a header text as encoded words of whole characters, folded (RFC 2047 5)."""
    words = []
    for start in range(0, len(text), 8):
        data = text[start : start + 8].encode(charset)
        shown = base64.b64encode(data).decode() if form == "b" else "".join(f"={byte:02X}" for byte in data)
        words.append(f"=?{charset}?{form}?{shown}?=")
    return "\n ".join(words)


def _header_text(text: str, charset: str, form: str) -> str:
    return text if text.isascii() else _encoded_words(text, charset, form)


def _mailbox(correspondent: Correspondent, form: str) -> str:
    name = correspondent.name
    if not name:
        return str(correspondent.address)
    plain = name.replace(" ", "")
    shown = name if plain.isascii() and plain.isalnum() else f'"{name}"'
    return f"{shown if name.isascii() else _encoded_words(name, 'utf-8', form)} <{correspondent.address}>"


def entity(content_type: str, data: bytes, transfer: str, *fields: str) -> bytes:
    """Give a part: its header, and its body in a transfer encoding."""
    body = {"base64": base64.encodebytes, "quoted-printable": quopri.encodestring}.get(transfer, bytes)(data)
    header = (f"Content-Type: {content_type}", f"Content-Transfer-Encoding: {transfer}", *fields)
    return "\n".join(header).encode() + b"\n\n" + body


def readable(text: str, charset: str = "utf-8", transfer: str = "8bit", subtype: str = "plain") -> bytes:
    """Give a text part."""
    return entity(f'text/{subtype}; charset="{charset}"', text.encode(charset) + b"\n", transfer)


def multipart(subtype: str, parts: Sequence[bytes], parameters: str = "") -> bytes:
    """Give a multipart around finished parts."""
    boundary = f"=_{subtype}_{len(parts)}"
    inner = b"".join(b"--%s\n%s\n" % (boundary.encode(), part) for part in parts)
    head = f'Content-Type: multipart/{subtype};\n boundary="{boundary}"{parameters}\n\n'
    return head.encode() + inner + f"--{boundary}--\n".encode()


def as_html(text: str) -> str:
    """Give the lines as HTML, a paragraph for each block of them."""
    paragraphs = [html.escape(each).replace("\n", "<br>\n") for each in text.split("\n\n")]
    return f"<html><body>{''.join(f'<p>{each}</p>' for each in paragraphs)}</body></html>"


def file(attachment: MailAttachment) -> bytes:
    """Give an attachment as a part."""
    name = attachment.filename or ""
    quoted = name.replace('"', r"\"")
    told = f'filename="{quoted}"' if name.isascii() else f"filename*=utf-8''{_percent(name)}"
    return entity(attachment.media_type, attachment.content, "base64", f"Content-Disposition: attachment;\n {told}")


def _percent(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode())


def files() -> st.SearchStrategy[MailAttachment]:
    """Give attachments: names with everything a name may have, few bytes."""
    return st.builds(
        MailAttachment,
        filename=st.sampled_from(_FILE_NAMES),
        media_type=st.sampled_from(("application/pdf", "image/png", "application/octet-stream")),
        content=st.binary(max_size=200),
    )


@attrs.frozen(kw_only=True)
class Head:
    """What every mail has in its header."""

    sender: Correspondent
    to: tuple[EmailAddress, ...]
    subject: str
    charset: str
    form: str
    date: dt.datetime
    message_id: str
    line_end: bytes

    def mail(self, body: bytes, *fields: str) -> bytes:
        """Give the whole mail: this header, further fields, and a body that begins with a header of its own."""
        lines = (
            f"From: {_mailbox(self.sender, self.form)}",
            f"To: {', '.join(map(str, self.to))}",
            f"Subject: {_header_text(self.subject, self.charset, self.form)}",
            f"Date: {email.utils.format_datetime(self.date)}",
            f"Message-ID: <{self.message_id}>",
            *fields,
            "MIME-Version: 1.0",
        )
        return ("\n".join(lines).encode() + b"\n" + body).replace(b"\n", self.line_end)

    def written(
        self, body: bytes, *fields: str, text: str | None, new_text: str | None, **truth: object
    ) -> WrittenMail:
        """Give the whole mail with what it says, that of this header included."""
        return WrittenMail(
            raw=self.mail(body, *fields),
            subject=self.subject,
            sender=self.sender,
            to=self.to,
            date=self.date,
            message_id=self.message_id,
            text=text,
            new_text=new_text,
            **truth,  # type: ignore[arg-type]  # the rest of the fields
        )


@st.composite
def heads(
    draw: st.DrawFn, *, sender: EmailAddress | None = None, to: tuple[EmailAddress, ...] = (SHOP,), subject: str = ""
) -> Head:
    """Give headers; what is not told is drawn."""
    text = draw(texts())
    return Head(
        sender=Correspondent(sender or draw(_addresses()), draw(st.sampled_from(_NAMES))),
        to=to,
        subject=subject or text.lines.partition("\n")[0],
        charset="utf-8" if subject else text.charset,
        form=draw(st.sampled_from("bq")),
        date=draw(_moments()),
        message_id=f"{draw(st.uuids(version=4)).hex}@mail.example",
        line_end=draw(st.sampled_from((b"\n", b"\r\n"))),
    )
