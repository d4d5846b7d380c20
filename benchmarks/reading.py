r"""How fast mail is read, beside the standard library and public packages, and how the time grows with the size.

    python benchmarks/reading.py                        2,000 mails, shapes of 256 kB to 16 MB
    python benchmarks/reading.py --mails 5000 --json
    python benchmarks/reading.py --only engine          one of the parts: engine, stages, growth
    python benchmarks/reading.py --ci                   400 mails, two sizes of each shape; exits 1 over a bound

The engine is what turns bytes into structure, decoded headers, decoded texts and attachments; its yardstick does the
same work with the standard library: ``message_from_bytes`` (compat32), ``walk``, ``decode_header`` for every header,
``get_payload(decode=True)`` for every part. Bounds: the engine reads at least 4 x as fast, the whole ``parse``, which
does much more, 1.25 x; and sixteen times a mail takes at most 24 x as long, whatever its shape.

Every candidate reads the same few mails in turn, again and again; the shortest times count, since what else the machine
does only ever adds to a time. Packages are measured where they are installed; use an environment of its own for them:

    pip install -e . fast-mail-parser mail-parser imap-tools email-reply-parser mail-parser-reply quotequail \
        inscriptis html2text selectolax beautifulsoup4 bleach lxml_html_clean
"""

import argparse
import email
import email.header
import email.policy
import importlib
import json
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from customerservice.mail import parse, reader
from customerservice.mail.bodies import read_bodies
from customerservice.mail.encoded_words import decode_words
from customerservice.mail.html_safe import safe_html
from customerservice.mail.html_text import html_to_text
from customerservice.mail.limits import Limits
from customerservice.mail.parts import read_parts
from customerservice.mail.quotations import read_new_text

ENGINE_BOUND = 4.0
WHOLE_BOUND = 1.25
GROWTH_BOUND = 24.0  # for 16 times the size
LIMITS = Limits()
YARDSTICK = "compat32, walk, decode"
OURS = "customerservice, engine"
WHOLE = "customerservice, whole mail"
_SLICE = 50  # mails that one candidate reads before it is the next one's turn
_SHORTEST = 0.002  # seconds; below them a time tells of the allocator rather than of the reader

Run = Callable[[Any], object]


def main() -> int:
    """Measure, print tables (or JSON), judge the ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mails", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=["engine", "stages", "growth"])
    parser.add_argument("--ci", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    from mail_corpus import mails

    rows: list[dict[str, object]] = []
    faults: list[str] = []
    if options.only != "growth":
        # As an IMAP server sends them.
        corpus = [mail.replace(b"\n", b"\r\n") for mail in mails(400 if options.ci else options.mails)]
    if options.only in (None, "engine"):
        found = compare("engine", engines(public=not options.ci), corpus, options.rounds)
        ratios = {row["what"]: float(str(row["x yardstick"])) for row in found if "x yardstick" in row}
        for name, bound in ((OURS, ENGINE_BOUND), (WHOLE, WHOLE_BOUND)):
            if ratios[name] < bound:
                faults.append(f"{name}: {ratios[name]} x as fast as {YARDSTICK}, not {bound} x")
        rows += found
    if options.only in (None, "stages") and not options.ci:
        rows += stages(corpus, options.rounds)
    if options.only in (None, "growth"):
        sizes = [1 << 18, 1 << 22] if options.ci else [1 << 18, 1 << 20, 1 << 22, 1 << 24]
        for row in growth(sizes):
            if float(str(row["x for 16 x"])) > GROWTH_BOUND:
                faults.append(f"{row['what']}: 16 times the mail takes {row['x for 16 x']} x as long")
            rows.append(row)
    if options.json:
        print(json.dumps(rows))
    else:
        show(rows)
    for fault in faults:
        print(f"over its bound: {fault}", file=sys.stderr)
    return 1 if faults else 0


def engines(*, public: bool) -> dict[str, Run | None]:
    """Give the candidates that read whole mails; None for what is not installed."""
    found: dict[str, Run | None] = {OURS: engine, WHOLE: parse, YARDSTICK: yardstick}
    if public:
        found["policy.default, walk, decode"] = default_policy
        found |= {name: _installed(module, run) for name, module, run in _MAIL_PACKAGES}
    return found


def engine(raw: bytes) -> object:
    """Read with the engine of the package."""
    root, _ = read_parts(raw, LIMITS)
    return [(name, decode_words(value)) for name, value in root.fields], read_bodies(raw, root, LIMITS)


def yardstick(raw: bytes) -> object:
    """Do the same work with the standard library's old policy."""
    mail = email.message_from_bytes(raw)
    headers = [(name.lower(), _decoded(value)) for name, value in mail.items()]
    texts, files = [], []
    for part in mail.walk():
        if part.is_multipart():
            continue
        content, name = part.get_payload(decode=True), part.get_filename()
        if part.get_content_maintype() == "text" and name is None:
            texts.append(_text(content, part.get_content_charset()))
        else:
            files.append((name and _decoded(name), part.get_content_type(), content))
    return headers, texts, files


def default_policy(raw: bytes) -> object:
    """Do the same work with the standard library's modern policy."""
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    headers = [(name.lower(), str(value)) for name, value in mail.items()]
    texts, files = [], []
    for part in mail.walk():
        if part.is_multipart():
            continue
        if part.get_content_maintype() == "text" and part.get_filename() is None:
            texts.append(part.get_content())
        else:
            files.append((part.get_filename(), part.get_content_type(), part.get_content()))
    return headers, texts, files


def _decoded(value: str) -> str:
    pieces = email.header.decode_header(value)
    return "".join(text if isinstance(text, str) else _text(text, charset) for text, charset in pieces)


def _text(content: bytes, charset: str | None) -> str:
    try:
        return content.decode(charset or "utf-8", "replace")
    except LookupError:
        return content.decode("latin-1")


def _fast_mail_parser(package: Any, raw: bytes) -> object:
    mail = package.parse_email(raw)
    return mail.headers, mail.text_plain, mail.text_html, [(file.filename, file.content) for file in mail.attachments]


def _mail_parser(package: Any, raw: bytes) -> object:
    mail = package.parse_from_bytes(raw)
    return mail.headers, mail.text_plain, mail.text_html, [file["payload"] for file in mail.attachments]


def _imap_tools(package: Any, raw: bytes) -> object:
    mail = package.MailMessage.from_bytes(raw)
    return mail.headers, mail.text, mail.html, [(file.filename, file.payload) for file in mail.attachments]


_MAIL_PACKAGES: Sequence[tuple[str, str, Callable[[Any, Any], object]]] = (
    ("fast-mail-parser", "fast_mail_parser", _fast_mail_parser),
    ("mail-parser", "mailparser", _mail_parser),
    ("imap-tools", "imap_tools", _imap_tools),
)
_TEXT_PACKAGES: Sequence[tuple[str, str, Callable[[Any, Any], object]]] = (
    ("email-reply-parser", "email_reply_parser", lambda package, text: package.EmailReplyParser.parse_reply(text)),
    (
        "mail-parser-reply, four languages",
        "mailparser_reply",
        lambda package, text: package.EmailReplyParser(languages=["en", "de", "fr", "ja"]).parse_reply(text),
    ),
    ("quotequail", "quotequail", lambda package, text: package.quote(text)),
)
_HTML_TEXT_PACKAGES: Sequence[tuple[str, str, Callable[[Any, Any], object]]] = (
    ("inscriptis", "inscriptis", lambda package, html: package.get_text(html)),
    ("html2text", "html2text", lambda package, html: package.html2text(html)),
    (
        "selectolax",
        "selectolax.lexbor",
        lambda package, html: package.LexborHTMLParser(html).body.text(separator="\n", strip=True),
    ),
    ("beautifulsoup4", "bs4", lambda package, html: package.BeautifulSoup(html, "html.parser").get_text("\n")),
)
_HTML_PACKAGES: Sequence[tuple[str, str, Callable[[Any, Any], object]]] = (
    ("bleach", "bleach", lambda package, html: package.clean(html, strip=True)),
    ("lxml_html_clean", "lxml_html_clean", lambda package, html: package.Cleaner().clean_html(html)),
)


def _installed(module: str, run: Callable[[Any, Any], object]) -> Run | None:
    try:
        package = importlib.import_module(module)
    except ImportError:
        return None
    return lambda item: run(package, item)


def stages(corpus: Sequence[bytes], rounds: int) -> list[dict[str, object]]:
    """Measure the whole reading and its stages, each beside the packages that do something like it."""
    read = [parse(raw) for raw in corpus]
    texts = [mail.text for mail in read]
    htmls = [mail.html for mail in read if mail.html is not None]
    signs: list[Any] = []
    original = reader.kind_of
    reader.kind_of = lambda found: (signs.append(found), original(found))[1]
    for raw in corpus:
        parse(raw)
    reader.kind_of = original
    tasks: Sequence[tuple[str, Run, Sequence[Any], Sequence[tuple[str, str, Callable[[Any, Any], object]]]]] = (
        ("kind", original, signs, ()),
        ("new text", read_new_text, texts, _TEXT_PACKAGES),
        ("HTML to text", html_to_text, htmls, _HTML_TEXT_PACKAGES),
        ("safe HTML", safe_html, htmls, _HTML_PACKAGES),
    )
    rows: list[dict[str, object]] = []
    for name, run, items, packages in tasks:
        candidates = {f"customerservice, {name}": run, **{p: _installed(module, run) for p, module, run in packages}}
        rows += compare(name, candidates, items, rounds)
    return rows


def compare(
    part: str, candidates: Mapping[str, Run | None], items: Sequence[Any], rounds: int
) -> list[dict[str, object]]:
    """Let every candidate read the items, in slices and in turn; give a row for each."""
    slices = [items[start : start + _SLICE] for start in range(0, len(items), _SLICE)]
    times = {name: [float("inf")] * len(slices) for name, run in candidates.items() if run is not None}
    raised = dict.fromkeys(times, 0)
    for turn in range(rounds):
        for place, some in enumerate(slices):
            for name, best in times.items():
                run = candidates[name]
                assert run is not None
                started = time.process_time()
                failed = _read(run, some)
                best[place] = min(best[place], time.process_time() - started)
                raised[name] += failed if not turn else 0
    size = sum(len(item) if isinstance(item, bytes) else len(item.encode()) for item in items if _has_size(item))
    rows: list[dict[str, object]] = []
    for name, run in candidates.items():
        row: dict[str, object] = {"part": part, "what": name}
        if run is None:
            rows.append({**row, "mails/s": "not installed"})
            continue
        seconds = sum(times[name])
        row |= {"mails/s": round(len(items) / seconds), "MB/s": round(size / seconds / 1e6, 1) if size else ""}
        if YARDSTICK in times:
            row["x yardstick"] = round(sum(times[YARDSTICK]) / seconds, 2)
        elif len(times) > 1:
            row["ours is x"] = round(seconds / sum(next(iter(times.values()))), 1)
        rows.append({**row, "raised": raised[name]})
    return rows


def _has_size(item: object) -> bool:
    return isinstance(item, bytes | str)


def _read(run: Run, items: Iterable[Any]) -> int:
    raised = 0
    for item in items:
        try:
            run(item)
        except Exception:  # packages raise what they like
            raised += 1
    return raised


_HEAD = b"From: Anna <anna@mail.example>\r\nTo: help@shop.example\r\nSubject: Order\r\n"
_PLAIN = _HEAD + b"\r\n"
_HTML = _HEAD + b"Content-Type: text/html; charset=utf-8\r\n\r\n"
_MIXED = _HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nHello\r\n"
_FILE = b"--b\r\nContent-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n"
_LINES = b"The parcel with my order has not arrived yet, where is it?\r\n"

#: Name, beginning and the piece that is repeated: what customers send, then what only an attacker does.
SHAPES: Sequence[tuple[str, bytes, bytes]] = (
    ("text", _PLAIN, _LINES),
    ("quoted text", _PLAIN + b"Yes.\r\n\r\nOn 2 Jan 2026, Shop wrote:\r\n", b"> " + _LINES),
    ("HTML", _HTML, b"<p>Hello <b>there</b>,<br>where is <a href='https://shop.example/1'>my order</a>?</p>\r\n"),
    ("attachment", _MIXED + _FILE, b"QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5ejAxMjM0\r\n"),
    ("quoted-printable", _HEAD + b"Content-Transfer-Encoding: quoted-printable\r\n\r\n", b"Gr=C3=B6=C3=9Fe =\r\n"),
    ("flowed", _HEAD + b"Content-Type: text/plain; format=flowed\r\n\r\n", b"Where is my \r\norder?\r\n"),
    ("uuencoded", _PLAIN + b"begin 644 a.txt\r\n", b"#86)C\r\n"),
    ("base64 text", _HEAD + b"Content-Transfer-Encoding: base64\r\n\r\n", b"SGVsbG8gdGhlcmUgCg==\r\n"),
    ("8-bit text", _HEAD + b"Content-Type: text/plain; charset=koi8-r\r\n\r\n", "Где мой заказ?\r\n".encode("koi8-r")),
    ("blanks", _PLAIN, b" "),
    ("empty lines", _PLAIN, b"\r\n"),
    ("On", _PLAIN, b"On "),
    ("lines of On", _PLAIN, b"On \r\n"),
    ("wrote:", _PLAIN, b"wrote:\r\n"),
    ("On ... wrote:", _PLAIN, b"On 1.1.2026 at 10:00\r\nx wrote:\r\n"),
    ("header blocks", _PLAIN, b"From: a\r\nSent: b\r\n"),
    ("nested quotes", _PLAIN, b"> " * 2_000 + b"\r\n"),
    ("signatures", _PLAIN, b"-- \r\nx\r\n"),
    ("nested div", _HTML, b"<div>"),
    ("nested blockquote", _HTML, b"<blockquote>x"),
    ("<", _HTML, b"<"),
    ("open quotes", _HTML, b"<a '"),
    ("&amp", _HTML, b"&amp"),
    ("parts", _MIXED, b"--b\r\n\r\nx\r\n"),
    ("nested parts", b"", b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"),
    ("lines of dashes", _MIXED, b"--\r\n"),
    ("header lines", _HEAD, b"X-A: b\r\n"),
    ("8-bit header lines", _HEAD, b"X-A: \xe9\r\n"),
    ("folded subject", _HEAD, b" a\r\n"),
    ("addresses", _HEAD.rstrip() + b"\r\nCc: ", b"a@b.example, "),
    ("encoded words", _HEAD.rstrip() + b"\r\nX-A: ", b"=?utf-8?q?x?= "),
    ("parameters", _HEAD + b"Content-Type: text/plain", b"; a=b"),
    ("broken base64", _HEAD + b"Content-Transfer-Encoding: base64\r\n\r\n", b"!"),
    ("false escapes", _HEAD + b"Content-Transfer-Encoding: quoted-printable\r\n\r\n", b"="),
    ("begin", _PLAIN, b"begin 644 x\r\n"),
    ("NUL", _PLAIN, b"\0"),
)


def growth(sizes: Sequence[int]) -> list[dict[str, object]]:
    """Time the reading of each shape, safe HTML included, at sizes each four times the one before or more."""
    rows: list[dict[str, object]] = []
    for name, head, unit in SHAPES:
        times = [_shortest(head + unit * (size // len(unit))) for size in sizes]
        worst = max(
            large / max(small, _SHORTEST)
            for place, small in enumerate(times)
            for size, large in zip(sizes[place:], times[place:], strict=True)
            if size == 16 * sizes[place]
        )
        milliseconds = {_size(size): round(took * 1000, 1) for size, took in zip(sizes, times, strict=True)}
        rows.append({"part": "growth, ms", "what": name, **milliseconds, "x for 16 x": round(worst, 1)})
    return rows


def _shortest(raw: bytes) -> float:
    """Give the shortest of a few times; the smaller the mail the more of them."""
    best = float("inf")
    for _ in range(max(2, min(10, (1 << 23) // len(raw)))):
        started = time.process_time()
        mail = parse(raw)
        if mail.html is not None:
            safe_html(mail.html)
        best = min(best, time.process_time() - started)
    return best


def _size(size: int) -> str:
    return f"{size >> 20} MB" if size >= 1 << 20 else f"{size >> 10} kB"


def show(rows: Sequence[Mapping[str, object]]) -> None:
    """Print a table for each part."""
    part = None
    for row in rows:
        if row["part"] != part:
            part = row["part"]
            columns = [key for key in row if key != "part"]
            print(f"\n{part}\n{'':34}" + "".join(f"{key:>13}" for key in columns[1:]))
        print(f"{row['what']!s:34}" + "".join(f"{row.get(key, '')!s:>13}" for key in columns[1:]))


if __name__ == "__main__":
    sys.exit(main())
