"""Mail that people write: first, and in answer to another."""

import datetime as dt
import html
from collections.abc import Callable, Sequence

from hypothesis import strategies as st

from customerservice.mail import Correspondent, ReceivedMail
from customerservice.testing.mails._parts import SHOP, Text, as_html, file, files, heads, multipart, readable, texts
from customerservice.testing.mails.written import WrittenMail


@st.composite
def ordinary(draw: st.DrawFn) -> WrittenMail:
    """Give mail that a person writes first."""
    head, text, attached = draw(heads()), draw(texts()), draw(st.lists(files(), max_size=3))
    body = draw(st.sampled_from((_plain, _only_html, _both)))(text)
    if attached:
        body = multipart("mixed", [body, *map(file, attached)])
    return head.written(body, text=text.lines, new_text=text.lines, attachments=tuple(attached))


def _plain(text: Text) -> bytes:
    return readable(text.lines, text.charset, text.transfer)


def _only_html(text: Text) -> bytes:
    return readable(as_html(text.lines), text.charset, text.transfer, "html")


def _both(text: Text) -> bytes:
    return multipart("alternative", [_plain(text), _only_html(text)])


_OPENINGS = {
    "en": "On {date:%a, %b %d, %Y} at {date:%H:%M}, {name} <{address}> wrote:",
    "de": "Am {date:%d.%m.%Y} um {date:%H:%M} schrieb {name}:",
    "fr": "Le {date:%d/%m/%Y} à {date:%H:%M}, {name} a écrit :",
    "es": "El {date:%d/%m/%Y} a las {date:%H:%M}, {name} escribió:",
    "it": "Il giorno {date:%d/%m/%Y} alle ore {date:%H:%M} {name} <{address}> ha scritto:",
    "nl": "Op {date:%d-%m-%Y} om {date:%H:%M} schreef {name}:",
    "pl": "W dniu {date:%d.%m.%Y} o {date:%H:%M}, {name} pisze:",
    "sv": "Den {date:%Y-%m-%d} kl. {date:%H:%M} skrev {name}:",
}
_BLOCKS = {
    "en": ("From", "Sent", "To", "Subject"),
    "de": ("Von", "Gesendet", "An", "Betreff"),
    "fr": ("De", "Envoyé", "À", "Objet"),
    "es": ("De", "Enviado", "Para", "Asunto"),
    "it": ("Da", "Inviato", "A", "Oggetto"),
    "nl": ("Van", "Verzonden", "Aan", "Onderwerp"),
    "pl": ("Od", "Wysłano", "Do", "Temat"),
    "sv": ("Från", "Skickat", "Till", "Ämne"),
}

Form = Callable[[str, ReceivedMail, str], tuple[str, str]]


def _opening(sent: ReceivedMail, language: str) -> str:
    sender = sent.sender or Correspondent(SHOP)
    return _OPENINGS[language].format(
        date=sent.date or dt.datetime(2026, 3, 2, 9, tzinfo=dt.UTC),
        name=sender.name or sender.address,
        address=sender.address,
    )


def _block(sent: ReceivedMail, language: str) -> list[tuple[str, str]]:
    sender = sent.sender or Correspondent(SHOP)
    date = sent.date or dt.datetime(2026, 3, 2, 9, tzinfo=dt.UTC)
    to = "; ".join(str(each.address) for each in sent.to)
    values = (f"{sender.name} <{sender.address}>", f"{date:%d.%m.%Y %H:%M}", to, sent.subject or "")
    return list(zip(_BLOCKS[language], values, strict=True))


def _marked(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in text.split("\n"))


def _inner(text: str) -> str:
    return html.escape(text).replace("\n", "<br>\n")


def _gmail(new: str, sent: ReceivedMail, language: str) -> tuple[str, str]:
    opening = _opening(sent, language)
    rich = (
        f'<div dir="ltr">{_inner(new)}</div><br><div class="gmail_quote"><div dir="ltr" class="gmail_attr">'
        f'{html.escape(opening)}<br></div><blockquote class="gmail_quote" style="margin:0px 0px 0px 0.8ex">'
        f"{_inner(sent.text)}</blockquote></div>"
    )
    return f"{new}\n\n{opening}\n\n{_marked(sent.text)}", rich


def _apple(new: str, sent: ReceivedMail, language: str) -> tuple[str, str]:
    opening = _opening(sent, language)
    rich = (
        f'<html><body dir="auto">{_inner(new)}<div dir="ltr"><br><blockquote type="cite">{html.escape(opening)}<br>'
        f'<br></blockquote></div><blockquote type="cite"><div dir="ltr">{_inner(sent.text)}</div></blockquote>'
        "</body></html>"
    )
    return f"{new}\n\n> {opening}\n> \n{_marked(sent.text)}", rich


def _thunderbird(new: str, sent: ReceivedMail, language: str) -> tuple[str, str]:
    opening = _opening(sent, language)
    rich = (
        f'<html><body><p>{_inner(new)}</p><div class="moz-cite-prefix">{html.escape(opening)}<br></div>'
        f'<blockquote type="cite" cite="mid:1@shop.example">{_inner(sent.text)}</blockquote></body></html>'
    )
    return f"{new}\n\n{opening}\n{_marked(sent.text)}", rich


def _outlook(new: str, sent: ReceivedMail, language: str) -> tuple[str, str]:
    block = _block(sent, language)
    fields = "<br>".join(f"<b>{name}:</b> {html.escape(value)}" for name, value in block)
    rich = (
        f'<html><body><div>{_inner(new)}</div><hr style="display:inline-block;width:98%"><div id="divRplyFwdMsg" '
        f'dir="ltr">{fields}</div><div>{_inner(sent.text)}</div></body></html>'
    )
    return "\n".join([new, "", "_" * 32, *(f"{name}: {value}" for name, value in block), "", sent.text]), rich


def _outlook_classic(new: str, sent: ReceivedMail, language: str) -> tuple[str, str]:
    block = _block(sent, language)
    fields = "<br>".join(f"<b>{name}:</b> {html.escape(value)}" for name, value in block)
    rich = (
        '<html><body><div class="WordSection1">'
        + "".join(f'<p class="MsoNormal">{_inner(each) or "&nbsp;"}</p>' for each in new.split("\n"))
        + '<div><div style="border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm"><p class="MsoNormal">'
        + f'{fields}</p></div></div><p class="MsoNormal">{_inner(sent.text)}</p></div></body></html>'
    )
    plain = [new, "", "-----Original Message-----", *(f"{name}: {value}" for name, value in block), "", sent.text]
    return "\n".join(plain), rich


def _unquoted(new: str, _sent: ReceivedMail, _language: str) -> tuple[str, str]:
    return new, as_html(new)


_FORMS: Sequence[Form] = (_gmail, _apple, _thunderbird, _outlook, _outlook_classic, _unquoted)


@st.composite
def reply(draw: st.DrawFn, sent: ReceivedMail) -> WrittenMail:
    """Give answers of the first recipient to a mail as read."""
    shop = sent.sender.address if sent.sender and sent.sender.address else SHOP
    customer = next(each.address for each in sent.to if each.address)
    head = draw(heads(sender=customer, to=(shop,), subject=f"Re: {sent.subject or ''}"))
    new = draw(texts()).lines
    plain, rich = draw(st.sampled_from(_FORMS))(new, sent, draw(st.sampled_from(sorted(_OPENINGS))))
    told, rich_part = readable(plain), readable(rich, transfer="quoted-printable", subtype="html")
    body = draw(st.sampled_from((told, rich_part, multipart("alternative", [told, rich_part]))))
    return head.written(
        body,
        f"In-Reply-To: <{sent.message_id}>",
        f"References: <{sent.message_id}>",
        text=None if body is rich_part else plain.strip(),
        new_text=new,
        in_reply_to=(str(sent.message_id),),
    )
