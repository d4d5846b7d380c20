"""Ways to spoil a mail: of its bytes, its lines, its header, its structure, its words."""

import base64
import quopri
import random
import re
from collections.abc import Callable, Sequence

#: Most bytes of a mutated mail; what is slow only beyond is looked for by tests of hostile mails.
LONGEST = 120_000

Mutation = Callable[[random.Random, bytes, Sequence[bytes]], bytes]

_HEADER_LINES = tuple(
    line.encode("utf-8", "surrogateescape")
    for line in (
        "From: ", "From: <>", 'From: "', "From: a@[", "From: a@b.example, c@d.example",
        "From: Anna <anna@mail.example>",
        "From: =?utf-8?q?a=40b.example=3C?=x@y.example", "From: (((((a@b.example", "To: undisclosed-recipients:;",
        "To: group: a@b.example, c@d.example;", "Subject: =?utf-8?b?w7w?= =?utf-8?q?=0d=0aBcc:_x?=",
        "Subject: =?utf-8?q?=3D=3Futf-8=3Fq=3Fa=3F=3D?=", "Subject: =?iso-2022-jp?b?GyRCJSI?=",
        "Subject: =?x-unknown?q?=80=81?=", "Subject: =?utf-7?q?+2AA-?=", "Subject: Re: AW: Sv: [#12 abcd] [#7]",
        "Subject: Undelivered Mail Returned to Sender", "Subject: Automatic reply: Order", "Subject: \u202e\u200bgpj",
        "Date: Fri, 2 Jan 2026 10:00:00 +0100", "Date: 31 Feb 9999 25:61 -9999", "Date: 1 Jan 0001 00:00 +2359",
        "Date: Mon, 31 Dec 9999 23:59:59 -2359", "Date: +99999999999999999999", "Message-ID: <>", "Message-ID: <a@[",
        "Message-ID: <a b@c>", "In-Reply-To: <a@b.example> <c@d.example", "References: <<<a@b>>> a@b",
        "Content-Type: multipart/mixed; boundary=b", "Content-Type: multipart/mixed", "Content-Type: ;;;=;",
        "Content-Type: text/html", "Content-Type: text/plain; format=flowed; delsp=yes", "Content-Type: message/rfc822",
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b",
        "Content-Type: multipart/report; report-type=disposition-notification; boundary=b",
        "Content-Type: multipart/report; report-type=feedback-report; boundary=b",
        "Content-Type: message/delivery-status", "Content-Type: text/calendar; method=REQUEST",
        "Content-Type: application/ms-tnef; name=winmail.dat", "Content-Type: multipart/signed; boundary=b",
        "Content-Type: multipart/encrypted; boundary=b", "Content-Type: application/pkcs7-mime; name=smime.p7m",
        "Content-Type: message/partial; id=x; number=1", "Content-Type: message/external-body; access-type=URL",
        "Content-Type: a/b; name*0*=utf-8''%e2%80%ae; name*1=x; name*999999999999=y", "Content-Type: multipart/digest",
        "Content-Type: multipart/related; start=<a>; boundary=b", "Content-Type: multipart/alternative; boundary=b",
        "Content-Disposition: attachment; filename=../../etc/passwd", "Content-Disposition: inline",
        "Content-Disposition: attachment; filename*=idna''aaaa", 'Content-Disposition: attachment; filename="a\0b\\"',
        "Content-Transfer-Encoding: base64", "Content-Transfer-Encoding: quoted-printable",
        "Content-Transfer-Encoding: x-uuencode", "Content-Transfer-Encoding: unknown", "Content-ID: <a/../b>",
        "Return-Path: <>", "Return-Path: <a@b.example>", "Auto-Submitted: auto-replied",
        "Auto-Submitted: auto-generated",
        "Precedence: bulk", "List-Id: <a.example>", "X-Failed-Recipients: a@b.example,c@d.example", "X-Autoreply: yes",
        "Final-Recipient: rfc822; a@b.example", "Action: failed", "Status: 5.1.1", "Reporting-MTA: dns; mx.example",
        "Diagnostic-Code: smtp; 550 5.1.1 no such user", "Original-Message-ID: <a@shop.example>",
        "Delivered-To: help@shop.example", "Reply-To: a@b.example, help@shop.example", ": empty", "no colon", " folded",
        "Authentication-Results: mx.example; spf=pass", "Name : blank before the colon", "\xfc\xdcml\xe4ut: r\xf6h",
    )
)  # fmt: skip
_CHARSETS = (
    b"utf-8", b"utf-7", b"utf-16", b"utf-32", b"idna", b"punycode", b"unicode_escape", b"raw_unicode_escape",
    b"undefined", b"rot13", b"iso-2022-jp", b"iso-2022-kr", b"hz", b"gb18030", b"big5", b"euc-kr", b"shift_jis",
    b"koi8-r", b"windows-1255", b"iso-8859-8-i", b"cp437", b"macintosh", b"ebcdic-cp-us", b"x-unknown", b"",
    b"../../etc/passwd", b"us-ascii", b"\0", b"utf-8\0", b"charset", b"8bit",
)  # fmt: skip
_WORDS = tuple(
    word.encode("utf-8", "surrogatepass")
    for word in (
        "<div>", "</div>", "<blockquote>", "</blockquote>", "<blockquote type=cite>", "<div class=gmail_quote>",
        "<table>",
        "<td>", "<li>", "<ol start=99999999999>", "<pre>", "<style>", "<script>", "</script>", "<!--", "-->",
        "<![CDATA[",
        "<br>", "<hr>", '<a href="javascript:x">', '<img src=cid:a onerror="x">', "<svg><math><style>", "<plaintext>",
        "<template>", "&#x0;", "&#55296;", "&#99999999999;", "&amp", "&lt;script&gt;", "&nbsp;", "<o:p>", "<a title='",
        "<",
        "<div id=divRplyFwdMsg>", "<div class=moz-cite-prefix>", "<div class=protonmail_quote>", "<font color='", "</",
        "> ", ">", ">> >", "-- \n", "--\n", "__\n", "________________________________\n", "\u2014\n", "*Von:* ", "| ",
        "-----Original Message-----\n", "-----Ursprüngliche Nachricht-----\n",
        "---------- Forwarded message ---------\n",
        "Begin forwarded message:\n", "On Fri, 2 Jan 2026 at 10:00, Anna <anna@mail.example> wrote:\n",
        "Am 02.01.2026 um 10:00 schrieb Anna:\n", "Le ven. 2 janv. 2026 à 10:00, Anna a écrit :\n",
        "2026年1月2日(金) 10:00 Anna:\n",
        "From: Anna\nSent: Friday\nTo: help\nSubject: Order\n", "Von: Anna\nGesendet: Freitag\nAn: help\nBetreff: x\n",
        "Sent from my iPhone\n", "Von meinem iPhone gesendet\n", "## reply above this line ##\n",
        "Envoyé de mon iPhone\n",
        "[#12 abcdefgh]", "#ct12 #tcabc", "begin 644 a.txt\n", "\nend\n", "#0V%T\n", "From a@b Fri Jan  2\n", ">From ",
        "\0", "\u202e", "\u200b", "\ufeff", "\u2028", "\u0085", "\x0b", "\x0c", "\x1b$B", "\x1b(B", "\x0e", "\x0f",
        "\ud800",
        "\u0301" * 50, "\U000e0041", "\U0001f468\u200d\U0001f469", "\u05d0", "\u0627", "=\n", "=3D", "=00", "=ZZ", "=?",
        "?=", "=?utf-8?q?", "=?utf-8?b?//79?=", "%0d%0a", "(", ")", '"', "\\", ",", ";", ":", "@", "<>", "[", "]", "=",
        "550 5.1.1 <a@b.example>: user unknown\n", "552 5.2.2 mailbox full\n", "The following addresses failed:\n",
        "Diagnostic-Code: X-Postfix; host\n", "\r", "\n", "\r\n", "\n\n", "\r\n\r\n", "\r\r", " ", "\t", "\xa0",
    )
)  # fmt: skip
_TAGS = tuple(word for word in _WORDS if word[:1] in b"<&" and len(word) > 1)
_LINE = re.compile(rb"[^\n]*\n|[^\n]+\Z")
_CHARSET = re.compile(rb"charset\s*=\s*\"?[^\s;\"]*", re.IGNORECASE)
_BOUNDARY = re.compile(rb"boundary\s*=\s*\"?([^\s;\"]+)", re.IGNORECASE)
_BYTES = (0, 9, 10, 13, 32, 34, 39, 45, 58, 59, 60, 61, 62, 63, 64, 92, 127, 128, 160, 192, 224, 237, 240, 255)


def mutate(chance: random.Random, seeds: Sequence[bytes]) -> bytes:
    """Give a mail that one to six mutations made of one of the seeds, at most `LONGEST` bytes."""
    raw = chance.choice(seeds)[:LONGEST]
    for _ in range(chance.choice((1, 1, 2, 2, 3, 4, 6))):
        raw = chance.choice(MUTATIONS)(chance, raw, seeds)[:LONGEST]
    return raw


def _flip(chance: random.Random, raw: bytes, _seeds: Sequence[bytes]) -> bytes:
    spoilt = bytearray(raw)
    for _ in range(chance.choice((1, 2, 8, 50)) if spoilt else 0):
        place = chance.randrange(len(spoilt))
        spoilt[place] = chance.choice((spoilt[place] ^ 1 << chance.randrange(8), chance.choice(_BYTES)))
    return bytes(spoilt)


def _range(chance: random.Random, raw: bytes) -> tuple[int, int]:
    start = chance.randint(0, len(raw))
    return start, min(len(raw), start + chance.choice((1, 2, 10, 80, 500, 5_000)))


def _cut(chance: random.Random, raw: bytes, _seeds: Sequence[bytes]) -> bytes:
    start, end = _range(chance, raw)
    return raw[:start] + raw[end:]


def _truncate(chance: random.Random, raw: bytes, _seeds: Sequence[bytes]) -> bytes:
    return raw[: chance.randint(0, len(raw))]


def _behead(chance: random.Random, raw: bytes, _seeds: Sequence[bytes]) -> bytes:
    return raw[chance.randint(0, min(len(raw), 2_000)) :]


def _repeat(chance: random.Random, raw: bytes, _seeds: Sequence[bytes]) -> bytes:
    start, end = _range(chance, raw)
    return raw[:start] + raw[start:end] * chance.choice((2, 3, 20, 300)) + raw[end:]


def _splice(chance: random.Random, raw: bytes, seeds: Sequence[bytes]) -> bytes:
    other = chance.choice(seeds)
    return raw[: chance.randint(0, len(raw))] + other[chance.randint(0, len(other)) :]


def _graft(chance: random.Random, raw: bytes, seeds: Sequence[bytes]) -> bytes:
    other = chance.choice(seeds)
    start, end = _range(chance, other)
    place = chance.randint(0, len(raw))
    return raw[:place] + other[start:end] + raw[place:]


def _word(chance: random.Random, raw: bytes, _seeds: Sequence[bytes]) -> bytes:
    for _ in range(chance.choice((1, 1, 3, 10))):
        place = chance.randint(0, len(raw))
        raw = raw[:place] + chance.choice(_WORDS) * chance.choice((1, 1, 1, 2, 30, 800)) + raw[place:]
    return raw


def _word_at_line(chance: random.Random, raw: bytes, _seeds: Sequence[bytes]) -> bytes:
    lines = _LINE.findall(raw)
    for _ in range(chance.choice((1, 1, 3, 10))):
        lines.insert(chance.randint(0, len(lines)), chance.choice(_WORDS) * chance.choice((1, 1, 1, 3)))
    return b"".join(lines)


def _shuffle_lines(chance: random.Random, raw: bytes, _seeds: Sequence[bytes]) -> bytes:
    lines = _LINE.findall(raw)
    start, end = _range(chance, bytes(min(len(lines), 60)))
    middle = lines[start:end]
    chance.shuffle(middle)
    return b"".join([*lines[:start], *middle, *lines[end:]])


def _drop_lines(chance: random.Random, raw: bytes, _seeds: Sequence[bytes]) -> bytes:
    share = chance.choice((0.02, 0.1, 0.5))
    return b"".join(line for line in _LINE.findall(raw) if chance.random() >= share)


def _line_ends(chance: random.Random, raw: bytes, _seeds: Sequence[bytes]) -> bytes:
    ends = chance.choice(((b"\n",), (b"\r\n",), (b"\r",), (b"\n", b"\r\n", b"\r"), (b"\r\r\n",), (b"\n", b"\n\n")))
    return b"".join(line.rstrip(b"\r\n") + chance.choice(ends) for line in _LINE.findall(raw))


def _header_line(chance: random.Random, raw: bytes, _seeds: Sequence[bytes]) -> bytes:
    """Put a line into a header: that of the mail, or below a boundary."""
    starts = [0, *(found.end() for found in re.finditer(rb"\n--[^\n]*\n", raw[:50_000]))]
    place = chance.choice(starts)
    return raw[:place] + chance.choice(_HEADER_LINES) + b"\n" + raw[place:]


def _header_value(chance: random.Random, raw: bytes, _seeds: Sequence[bytes]) -> bytes:
    """Replace a field by another value of the same field, if there is one."""
    line = chance.choice(_HEADER_LINES)
    name = re.escape(line.partition(b":")[0])
    return re.sub(rb"(?im)^" + name + rb":[^\n]*", lambda _: line, raw, count=chance.choice((0, 1)))


def _charset(chance: random.Random, raw: bytes, _seeds: Sequence[bytes]) -> bytes:
    return _CHARSET.sub(lambda _: b"charset=" + chance.choice(_CHARSETS), raw)


def _encoded_words(chance: random.Random, raw: bytes, _seeds: Sequence[bytes]) -> bytes:
    return re.sub(
        rb"=\?[^?\s]*\?[bq]\?", lambda _: b"=?%s?%c?" % (chance.choice(_CHARSETS), chance.choice(b"bqBQ")), raw
    )


def _boundary(chance: random.Random, raw: bytes, _seeds: Sequence[bytes]) -> bytes:
    """Make boundaries equal, longer, part of each other, or end like a closing one."""
    names = _BOUNDARY.findall(raw)
    if not names:
        return raw
    name = chance.choice(names)
    other = chance.choice((chance.choice(names), name + b"--", name[: len(name) // 2], name + b"x", b"--", b"-", b"b"))
    return raw.replace(name, other, chance.choice((1, 2, -1)))


def _nest(chance: random.Random, raw: bytes, seeds: Sequence[bytes]) -> bytes:
    """Put the mail into another one, up to some levels."""
    for level in range(chance.choice((1, 1, 2, 5, 120))):
        kind = chance.choice((b"mixed", b"alternative", b"related", b"signed", b"report", b"digest", b"encrypted"))
        if chance.random() < 0.3:
            raw = b"Subject: outer\nContent-Type: message/rfc822\n\n" + raw
        else:
            raw = b"Content-Type: multipart/%s; boundary=n%d\n\n--n%d\n%s\n--n%d--\n" % (kind, level, level, raw, level)
    other = chance.choice(seeds)[:2_000] if chance.random() < 0.2 else b""
    return raw + other


def _encode_body(chance: random.Random, raw: bytes, _seeds: Sequence[bytes]) -> bytes:
    head, _, body = raw.partition(b"\n\n")
    if chance.random() < 0.5:
        return head + b"\nContent-Transfer-Encoding: base64\n\n" + base64.encodebytes(body)
    return head + b"\nContent-Transfer-Encoding: quoted-printable\n\n" + quopri.encodestring(body)


def _html(chance: random.Random, raw: bytes, _seeds: Sequence[bytes]) -> bytes:
    """Make the body HTML, with tags anywhere in it."""
    head, _, body = raw.partition(b"\n\n")
    pieces = body.split(b" ")
    for _ in range(chance.choice((1, 5, 30, 200))):
        pieces.insert(chance.randint(0, len(pieces)), chance.choice(_TAGS) * chance.choice((1, 1, 1, 1, 2, 40)))
    return b"Content-Type: text/html\n" + head + b"\n\n" + b" ".join(pieces)


def _recode(chance: random.Random, raw: bytes, _seeds: Sequence[bytes]) -> bytes:
    text = raw.decode("utf-8", "replace")
    return text.encode(
        chance.choice(("utf-16", "utf-16-le", "utf-7", "cp1252", "gb18030", "iso2022_jp", "koi8_r")), "ignore"
    )


MUTATIONS: tuple[Mutation, ...] = (
    _flip, _cut, _truncate, _behead, _repeat, _splice, _graft, _word, _word, _word_at_line, _word_at_line,
    _shuffle_lines,
    _drop_lines, _line_ends, _header_line, _header_line, _header_value, _charset, _encoded_words, _boundary, _nest,
    _encode_body, _recode, _html, _html,
)  # fmt: skip
