"""How programs write an answer, as templates: what they put around the person's text and the mail that is answered."""

from collections.abc import Callable, Sequence
from html import escape

import attrs


@attrs.frozen
class Program:
    """A mail program's form of an answer in one language.

    Attributes:
        name: program, system and language.
        seen: where the form was seen.
        plain: makes the text/plain body of (new text, quoted text); None if it writes none.
        html: the same of the HTML body; None if it writes none.
    """

    name: str
    seen: str
    plain: Callable[[str, str], str] | None
    html: Callable[[str, str], str] | None


def marked(text: str) -> str:
    """Give a text with ``>`` before each line."""
    return "\n".join(f"> {line}" if line else ">" for line in text.split("\n"))


def lines(text: str) -> str:
    """Give a text as lines of HTML."""
    return escape(text).replace("\n", "<br>\n")


def paragraphs(text: str, opening: str = "<p class=MsoNormal>") -> str:
    """Give a text as paragraphs of HTML."""
    return "".join(f"{opening}{escape(line) or '&nbsp;'}</p>\n" for line in text.split("\n"))


def block(labels: Sequence[str], values: Sequence[str], *, bold: str = "") -> str:
    """Give a header block, line by line."""
    return "\n".join(f"{bold}{name}:{bold} {value}" for name, value in zip(labels, values, strict=True))


_EN = ("From", "Sent", "To", "Subject"), ("Shop <help@shop.example>", "Friday, January 2, 2026 10:00 AM",
      "Anna <anna@mail.example>", "Order [#57]")  # fmt: skip
_DE = ("Von", "Gesendet", "An", "Betreff"), ("Shop <help@shop.example>", "Freitag, 2. Januar 2026 10:00",
      "Anna <anna@mail.example>", "Bestellung [#57]")  # fmt: skip
_FR = ("De ", "Envoyé ", "À ", "Objet "), ("Shop <help@shop.example>", "vendredi 2 janvier 2026 10:00",
      "Anna <anna@mail.example>", "Commande [#57]")  # fmt: skip


def _attributed(name: str, seen: str, line: str, html: str) -> Program:
    """Give a program that writes one line above the quotation; `html` has places for text, line and quotation."""
    return Program(
        name,
        seen,
        lambda new, old: f"{new}\n\n{line}\n\n{marked(old)}\n",
        lambda new, old: html.format(new=lines(new), line=escape(line), old=lines(old)),
    )


def _blocked(
    name: str, seen: str, words: tuple[Sequence[str], Sequence[str]], html: str, *, above: str = "", bold: str = ""
) -> Program:
    """Give a program that writes a header block above an unmarked quotation."""
    text = block(*words, bold=bold)
    rich = "<br>".join(f"<b>{key}:</b> {escape(value)}" for key, value in zip(*words, strict=True))
    return Program(
        name,
        seen,
        lambda new, old: f"{new}\n\n{above}{text}\n\n{old}\n",
        lambda new, old: html.format(new=paragraphs(new), block=rich, old=paragraphs(old)),
    )


_GMAIL = (
    '<div dir="ltr">{new}</div><br><div class="gmail_quote gmail_quote_container"><div dir="ltr" class="gmail_attr">'
    '{line}<br></div><blockquote class="gmail_quote" style="margin:0px 0px 0px 0.8ex">{old}</blockquote></div>'
)
_GMAIL_APP = (
    '<div dir="auto">{new}</div><br><div class="gmail_quote"><div dir="ltr" class="gmail_attr">{line}<br></div>'
    '<blockquote class="gmail_quote">{old}</blockquote></div>'
)
_APPLE = (
    '<html><body style="overflow-wrap: break-word;">{new}<br id="lineBreakAtBeginningOfMessage"><div><br>'
    '<blockquote type="cite"><div>{line}</div><br class="Apple-interchange-newline"><div>{old}</div></blockquote>'
    "</div><br></body></html>"
)
_IOS = (
    '<html><body dir="auto">{new}<div dir="ltr"><br><blockquote type="cite">{line}<br><br></blockquote></div>'
    '<blockquote type="cite"><div dir="ltr">{old}</div></blockquote></body></html>'
)
_THUNDERBIRD = (
    '<html><body><p>{new}</p><div class="moz-cite-prefix">{line}<br></div>'
    '<blockquote type="cite" cite="mid:1@shop.example">{old}</blockquote></body></html>'
)
_WORD = (
    "<html><body><div class=WordSection1>{new}<p class=MsoNormal>&nbsp;</p><div><div style='border:none;"
    "border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm'><p class=MsoNormal>{block}</p></div></div>{old}</div>"
    "</body></html>"
)
_MAC = (
    "<html><body><div class=WordSection1>{new}<p class=MsoNormal>&nbsp;</p>"
    '<div id="mail-editor-reference-message-container"><div><div><div style="border:none;border-top:solid #B5C4DF '
    '1.0pt;padding:3.0pt 0cm 0cm 0cm"><p class=MsoNormal>{block}</p></div>{old}</div></div></div></div></body></html>'
)
_WEB = (
    '<html><body dir="ltr"><div class="elementToProof">{new}</div><div id="appendonsend"></div>'
    '<hr style="display:inline-block;width:98%" tabindex="-1"><div id="divRplyFwdMsg" dir="ltr">{block}'
    "<div>&nbsp;</div></div><div>{old}</div></body></html>"
)
_NEW_OUTLOOK = (
    '<html><body dir="ltr"><div class="elementToProof">{new}</div>'
    '<div id="mail-editor-reference-message-container"><hr style="display:inline-block;width:98%">'
    '<div id="divRplyFwdMsg" dir="ltr">{block}</div>{old}</div></body></html>'
)
_OUTLOOK_APP = (
    '<html><body><div dir="ltr">{new}</div><div id="ms-outlook-mobile-reference-message" '
    'class="ms-outlook-mobile-reference-message">'
    '<hr style="display:inline-block;width:98%"><div id="divRplyFwdMsg">{block}</div>{old}</div></body></html>'
)
_YAHOO = (
    '<html><body><div class="ydp12ab34yahoo-style-wrap"><div dir="ltr">{new}</div></div>'
    '<div id="ydp56cd78yahoo_quoted_0123456789" class="ydp56cd78yahoo_quoted"><div><div>{line}</div><div>{old}</div>'
    "</div></div></body></html>"
)
_GMX = (
    '<html><body><div style="font-family: Verdana;"><div>{new}</div><div>&nbsp;<div name="quote" style="margin:10px '
    '5px 5px 10px; border-left:2px solid #C3D9E5;"><div>{block}</div><div name="quoted-content">{old}</div></div></div>'
    "</div></body></html>"
)
_PROTON = (
    '<div style="font-family: Arial;">{new}</div><div class="protonmail_signature_block '
    'protonmail_signature_block-empty"></div><div class="protonmail_quote">{line}<br>'
    '<blockquote class="protonmail_quote" type="cite">{old}</blockquote><br></div>'
)
_LIBERO = (
    '<html><body><div>{new}</div><blockquote type="cite"><div>{line}</div><div>{old}</div></blockquote></body></html>'
)
_YANDEX = "<div>{new}</div><div> </div><div>{line}</div><blockquote><div>{old}</div></blockquote>"

_RULE = "________________________________\n"

PROGRAMS: Sequence[Program] = (
    _attributed(
        "Gmail web, English",
        "Gmail web 2026; its own mails",
        "On Fri, Jan 2, 2026 at 10:00 AM Shop <help@shop.example> wrote:",
        _GMAIL,
    ),
    _attributed(
        "Gmail web, Italian",
        "Gmail web 2026",
        "Il giorno ven 2 gen 2026 alle ore 10:00 Shop <help@shop.example> ha scritto:",
        _GMAIL,
    ),
    _attributed(
        "Gmail for Android, English",
        "Gmail for Android 2026",
        "On Fri, 2 Jan 2026, 10:00 Shop, <help@shop.example> wrote:",
        _GMAIL_APP,
    ),
    _attributed(
        "Gmail for Android, German",
        "Gmail for Android 2026",
        "Shop <help@shop.example> schrieb am Fr., 2. Jan. 2026, 10:00:",
        _GMAIL_APP,
    ),
    _attributed(
        "Gmail for iOS, French",
        "Gmail for iOS 2026",
        "Le ven. 2 janv. 2026 à 10:00, Shop <help@shop.example> a écrit :",
        _GMAIL_APP,
    ),
    _attributed(
        "Gmail for iOS, Spanish",
        "Gmail for iOS 2026",
        "El El vie, 2 ene 2026 a la(s) 10:00, Shop <help@shop.example> escribió:",
        _GMAIL_APP,
    ),
    _blocked("Outlook for Windows, English", "Outlook 16 for Windows", _EN, _WORD),
    _blocked("Outlook for Windows, German", "Outlook 16 for Windows", _DE, _WORD),
    _blocked("Outlook for Mac, English", "Outlook 16 for Mac", _EN, _MAC),
    _blocked("Outlook for Mac, French", "Outlook 16 for Mac", _FR, _MAC),
    _blocked("new Outlook for Windows, English", "new Outlook 2026", _EN, _NEW_OUTLOOK, above=_RULE),
    _blocked("new Outlook for Windows, German", "new Outlook 2026", _DE, _NEW_OUTLOOK, above=_RULE),
    _blocked("Outlook on the web, English", "Outlook on the web 2026", _EN, _WEB, above=_RULE),
    _blocked("Outlook on the web, French", "Outlook on the web 2026", _FR, _WEB, above=_RULE),
    _blocked("Outlook for iOS, English", "Outlook for iOS 4", _EN, _OUTLOOK_APP, above=_RULE),
    _blocked("Outlook for Android, German", "Outlook for Android 4", _DE, _OUTLOOK_APP, above=_RULE),
    _attributed(
        "Apple Mail for macOS, English",
        "replies/talon/standard_replies/apple_mail.eml",
        "On 2 Jan 2026, at 10:00, Shop <help@shop.example> wrote:",
        _APPLE,
    ),
    _attributed(
        "Apple Mail for macOS, Dutch",
        "Apple Mail 16",
        "Op 2 jan 2026, om 10:00 heeft Shop <help@shop.example> het volgende geschreven:",
        _APPLE,
    ),
    _attributed(
        "Apple Mail for iOS, English",
        "replies/talon/standard_replies/iphone.eml",
        "On Jan 2, 2026, at 10:00\u202fAM, Shop <help@shop.example> wrote:",
        _IOS,
    ),
    _attributed(
        "Apple Mail for iOS, German", "iOS 18 Mail", "Am 02.01.2026 um 10:00 schrieb Shop <help@shop.example>:", _IOS
    ),
    _attributed(
        "Thunderbird, English", "Thunderbird 153 translation", "On 02/01/2026 10:00, Shop wrote:", _THUNDERBIRD
    ),
    _attributed(
        "Thunderbird, Polish", "Thunderbird 153 translation", "W dniu 2.01.2026 o 10:00, Shop pisze:", _THUNDERBIRD
    ),
    _attributed(
        "Yahoo, English",
        "replies/talon/standard_replies/yahoo.eml",
        "On Friday, January 2, 2026 at 10:00:00 AM GMT+1, Shop <help@shop.example> wrote:",
        _YAHOO,
    ),
    _attributed(
        "Yahoo, Spanish",
        "Yahoo Mail web 2026",
        "El viernes, 2 de enero de 2026, 10:00:00 CET, Shop <help@shop.example> escribió:",
        _YAHOO,
    ),
    _blocked(
        "GMX, German",
        "GMX web 2026",
        (
            ("Gesendet", "Von", "An", "Betreff"),
            ("Freitag, 2. Januar 2026 um 10:00 Uhr", '"Shop" <help@shop.example>', "anna@mail.example", "Bestellung"),
        ),
        _GMX,
    ),
    _blocked(
        "Web.de, English",
        "WEB.DE web 2026",
        (
            ("Sent", "From", "To", "Subject"),
            ("Friday, January 02, 2026 at 10:00 AM", '"Shop" <help@shop.example>', "anna@mail.example", "Order"),
        ),
        _GMX,
    ),
    _attributed(
        "Libero, Italian", "Libero Mail web", "Il 02/01/2026 10:00 CET Shop <help@shop.example> ha scritto:", _LIBERO
    ),
    _attributed(
        "Libero, English", "Libero Mail web", "On 01/02/2026 10:00 AM CET Shop <help@shop.example> wrote:", _LIBERO
    ),
    _attributed(
        "Yandex, Russian",
        "replies/talon/html_replies/yandex_ru.html",
        '02.01.2026, 10:00, "Shop" <help@shop.example>:',
        _YANDEX,
    ),
    _attributed("Yandex, English", "Yandex Mail web", '10:00, 2 January 2026, "Shop" <help@shop.example>:', _YANDEX),
    _attributed(
        "Proton Mail, English",
        "Proton Mail web 2026",
        "On Friday, January 2nd, 2026 at 10:00 AM, Shop <help@shop.example> wrote:",
        _PROTON,
    ),
    _attributed(
        "Proton Mail, German",
        "Proton Mail web 2026",
        "Am Freitag, 2. Januar 2026 um 10:00 schrieb Shop <help@shop.example>:",
        _PROTON,
    ),
)
