"""A seeded corpus of help-desk mail, as a Maildir: the same seed gives the same bytes.

60 % short plain text, 25 % text with HTML, 10 % with attachments of 50 kB to 2 MB (skewed small), 5 % in odd charsets;
40 % are replies that quote an earlier mail. 5,000 mails are about 300 MB. All words are our own.
"""

import base64
import email.utils
import os
import quopri
import random
from collections.abc import Iterator
from pathlib import Path

WORDS = {
    "en": "hello the parcel I ordered has not arrived yet please check where it is the lamp came broken and I would "
    "like my money back or a new one thank you for your help with the invoice kind regards",
    "de": "guten tag die bestellung ist noch nicht da bitte prüfen sie wo das paket bleibt die größe passt leider "
    "nicht ich möchte umtauschen vielen dank und schöne grüße",
    "fr": "bonjour je n'ai pas reçu ma commande pouvez-vous vérifier où est le colis la taille ne va pas je "
    "voudrais être remboursé merci d'avance à bientôt",
    "ru": "здравствуйте заказ ещё не пришёл проверьте пожалуйста где посылка размер не подошёл верните деньги "
    "спасибо за помощь",
    "ja": "注文した商品がまだ届いていません 追跡番号を教えてください 返品したいです よろしくお願いします",
    "zh": "我还没有收到包裹 请帮我查询订单 尺寸不合适 我想退货 谢谢",
}
CHARSETS = {"iso-8859-1": "de", "windows-1252": "fr", "koi8-r": "ru", "shift_jis": "ja", "gb18030": "zh"}
NAMES = ["Anna Weber", "José Marín", "Zoë Okafor", "Łukasz Nowak", "Иван Петров", "Paul Smith", "Chloé Martin"]


def mails(count: int, *, seed: int = 1) -> Iterator[bytes]:
    """Give `count` mails with LF line ends, as a delivery agent leaves them in a Maildir."""
    chance = random.Random(seed)
    sent: list[tuple[str, str, str, str]] = []
    for index in range(count):
        yield _mail(chance, index, sent)


def fill_maildir(folder: Path, count: int, *, seed: int = 1) -> int:
    """Write the corpus into a new Maildir and give its size in bytes."""
    for name in ("cur", "new", "tmp"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    size = 0
    for index, raw in enumerate(mails(count, seed=seed)):
        crlf = len(raw) + raw.count(b"\n")
        target = folder / "cur" / f"{1_741_000_000 + index}.M{index:06d}P1.bench,S={len(raw)},W={crlf}:2,"
        target.write_bytes(raw)
        os.utime(target, (1_741_000_000 + index, 1_741_000_000 + index))
        size += crlf
    return size


def _mail(chance: random.Random, index: int, sent: list[tuple[str, str, str, str]]) -> bytes:
    kind = chance.choices(["plain", "html", "files", "odd"], [60, 25, 10, 5])[0]
    charset = "utf-8"
    language = chance.choices(["en", "de", "fr", "ru"], [60, 20, 12, 8])[0]
    if kind == "odd":
        charset, language = chance.choice(list(CHARSETS.items()))
    text = _text(chance, language)
    name, address = chance.choice(NAMES), f"customer{chance.randrange(3000)}@mail.example"
    subject, references = f"{_text(chance, language, lines=1)[:40]} {index}", ""
    if sent and chance.random() < 0.4:
        parent, subject, address, quoted = chance.choice(sent[-2000:])
        subject = f"Re: {subject}"
        references = f"In-Reply-To: {parent}\nReferences: {parent}\n"
        quotation = "\n".join(f"> {line}" for line in quoted.splitlines())
        text = f"{text}\n\nOn Mon, 3 Mar 2025 at 10:11, Shop <support@shop.example> wrote:\n{quotation}"
    text = text.encode(charset, "ignore").decode(charset)
    own_id = f"<{index}.{chance.randrange(10**9)}@mail.example>"
    sent.append((own_id, subject.removeprefix("Re: "), address, text[:300]))
    received = "".join(
        f"Received: from mx{hop}.mail.example ([192.0.2.{hop}])\n\tby in.shop.example with ESMTPS id {index:X}{hop};\n"
        f"\tMon, 3 Mar 2025 10:{hop:02d}:11 +0000\n"
        for hop in range(chance.randint(2, 5))
    )
    head = (
        f"Return-Path: <{address}>\nDelivered-To: support@shop.example\n{received}"
        f"DKIM-Signature: v=1; a=rsa-sha256; d=mail.example; s=one;\n\tb={_noise(chance, 340)}\n"
        f"Message-ID: {own_id}\nDate: {email.utils.formatdate(1_741_000_000 + index * 60)}\n"
        f"From: {_word(name)} <{address}>\nTo: Shop <support@shop.example>\nSubject: {_word(subject)}\n"
        f"{references}MIME-Version: 1.0\n"
    ).encode()
    body = _part(chance, text, "plain", charset)
    if kind in ("plain", "odd"):
        return head + body
    boundary = f"=_{index:08x}{chance.randrange(16**8):08x}"
    alternative = _multipart(f"{boundary}a", "alternative", [body, _part(chance, _html(chance, text), "html", "utf-8")])
    if kind == "html":
        return head + alternative
    first = alternative if chance.random() < 0.6 else body
    return head + _multipart(
        boundary, "mixed", [first, *(_file(chance) for _ in range(chance.choices([1, 2, 3], [7, 2, 1])[0]))]
    )


def _text(chance: random.Random, language: str, lines: int | None = None) -> str:
    words = WORDS[language].split()
    count = lines if lines is not None else chance.choice([3, 5, 8, 20])
    return "\n".join(" ".join(chance.choices(words, k=11)) for _ in range(count))


def _noise(chance: random.Random, size: int) -> str:
    return base64.b64encode(chance.randbytes(size * 3 // 4)).decode()


def _word(text: str) -> str:
    return text if text.isascii() else f"=?utf-8?B?{base64.b64encode(text.encode()).decode()}?="


def _part(chance: random.Random, text: str, subtype: str, charset: str) -> bytes:
    raw = text.encode(charset)
    how = chance.choice(["quoted-printable", "base64", "8bit"])
    body = {"quoted-printable": quopri.encodestring, "base64": base64.encodebytes, "8bit": bytes}[how](raw)
    return f"Content-Type: text/{subtype}; charset={charset}\nContent-Transfer-Encoding: {how}\n\n".encode() + body


def _html(chance: random.Random, text: str) -> str:
    rows = "".join(
        f'<tr><td class="c{row % 9}" style="padding:{row}px">{_text(chance, "en", lines=1)}</td></tr>'
        for row in range(chance.choice([0, 3, 12, 40]))
    )
    paragraphs = "".join(f'<p style="margin:0">{line}</p>\n' for line in text.replace("<", "&lt;").split("\n"))
    return (
        f"<html><head><style>td{{font:12px Arial}}</style></head><body>{paragraphs}<table>{rows}</table></body></html>"
    )


def _file(chance: random.Random) -> bytes:
    content = chance.randbytes(int(50_000 * 40 ** (chance.random() ** 2.2)))
    name, media_type = chance.choice([("photo.jpg", "image/jpeg"), ("invoice.pdf", "application/pdf")])
    head = (
        f"Content-Type: {media_type}\nContent-Transfer-Encoding: base64\n"
        f'Content-Disposition: attachment; filename="{name}"\n\n'
    )
    return head.encode() + base64.encodebytes(content)


def _multipart(boundary: str, subtype: str, parts: list[bytes]) -> bytes:
    mark = f"--{boundary}\n".encode()
    head = f'Content-Type: multipart/{subtype}; boundary="{boundary}"\n\n'.encode()
    return head + b"".join(mark + part.rstrip(b"\n") + b"\n" for part in parts) + f"--{boundary}--\n".encode()
