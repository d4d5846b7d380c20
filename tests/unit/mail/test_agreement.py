"""Ordinary mail says the same to our reader and to the standard library's.

The oracle is the old policy (``compat32``), whose bytes and structure are trusted by every Python program. It leaves
header texts and names of files encoded, and addresses in one string; these are decoded with the standard library's own
functions. Tolerated, each for its reason:

- line ends are LF with us, and white space at the end of the text is dropped: a text is shown and searched, not signed;
- names and subjects stand on one line, each run of white space one blank: a sender could draw lines of his own;
- bytes that are UTF-8 are read as such, whatever is declared: a lie is far likelier than a chance (none is drawn);
- a file's name in angle brackets or quotes loses them in the oracle only (``utils.unquote``), and none is drawn.
"""

import email
import email.header
import email.policy
import email.utils
import hashlib
import sys
from collections.abc import Sequence
from email.message import EmailMessage, Message
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customerservice.mail import ReceivedMail, parse

Told = dict[str, object]


def _decoded(value: str | None) -> str:
    return " ".join(str(email.header.make_header(email.header.decode_header(value or ""))).split())


def _people(mail: Message, name: str) -> Sequence[tuple[str, str]]:
    unfolded = [" ".join(str(value).split()) for value in mail.get_all(name, ())]
    return [(_decoded(shown), address) for shown, address in email.utils.getaddresses(unfolded)]


def told_by_stdlib(raw: bytes) -> Told:
    """Give what the standard library makes of a mail."""
    mail = email.message_from_bytes(raw)
    texts: list[str] = []
    files: list[tuple[str, int, str]] = []
    for part in mail.walk():
        if part.is_multipart():
            continue
        content, name = part.get_payload(decode=True), part.get_filename()
        assert isinstance(content, bytes)
        if name is None and part.get_content_type() == "text/plain":
            charset = part.get_content_charset("ascii")
            texts.append(content.decode(charset).replace("\r\n", "\n").rstrip())
        elif name is not None:
            files.append((_decoded(name), len(content), hashlib.sha256(content).hexdigest()))
    return {
        "subject": _decoded(mail["subject"]),
        "from": _people(mail, "from"),
        "to": _people(mail, "to"),
        "message_id": str(mail["message-id"] or "").strip().strip("<>"),
        "text": "\n".join(texts),
        "attachments": files,
    }


def told_by_us(mail: ReceivedMail) -> Told:
    """Give the same of our reading."""
    return {
        "subject": " ".join((mail.subject or "").split()),
        "from": [(mail.sender.name, str(mail.sender.address))] if mail.sender else [],
        "to": [(entry.name, str(entry.address)) for entry in mail.to],
        "message_id": mail.message_id or "",
        "text": mail.text,
        "attachments": [
            (file.filename or "", len(file.content), hashlib.sha256(file.content).hexdigest())
            for file in mail.attachments
        ],
    }


def _benchmark_mails(count: int, seed: int) -> list[bytes]:
    folder = str(Path(__file__).parents[3] / "benchmarks")
    sys.path.insert(0, folder)
    try:
        from mail_corpus import mails
    finally:
        sys.path.remove(folder)
    return list(mails(count, seed=seed))


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_the_mails_of_the_benchmark_say_the_same(line_end: bytes) -> None:
    """Each of them, in six languages and their old charsets, with each transfer encoding and files of all sizes."""
    for raw in _benchmark_mails(150, seed=3):
        raw = raw.replace(b"\n", line_end)
        mail = parse(raw)

        assert told_by_us(mail) == told_by_stdlib(raw)
        assert mail.defects == ()


_LETTERS = "abcXYZ 019 äöß éñç łżő привет Щ γειά こんにちは 谢谢 안녕 שלום مرحبا .,!?()'\"-_=:;/@#%&+*<>[]\\"
# No folder, and no brackets or quotes, which the oracle takes off a name of a file.
_NAME_LETTERS = "".join(letter for letter in _LETTERS if letter not in "/\\<>\"'")
_line = st.text(st.sampled_from(_LETTERS), max_size=60).map(lambda text: " ".join(text.split()))
_shown = _line.filter(lambda text: text.strip() != "")
_local = st.text(st.sampled_from("abcxyz0189_+-"), min_size=1, max_size=20)
_address = st.builds("{}@{}.example".format, _local, st.sampled_from(["mail", "shop", "a-b.c"]))
_text = st.lists(_line, max_size=12).map(lambda lines: "\n".join(["Hello", *lines]))
_file = st.tuples(
    st.binary(max_size=3_000),
    st.sampled_from(["application/pdf", "image/jpeg", "application/octet-stream"]),
    st.text(st.sampled_from(_NAME_LETTERS), min_size=1, max_size=30)
    .map(lambda name: " ".join(name.split()))
    .filter(lambda name: name.strip(". ") != ""),
)


def _holds(charset: str, text: str) -> bool:
    try:
        data = text.encode(charset)
        return data.isascii() or data.decode("utf-8") == text
    except UnicodeEncodeError:
        return False
    except UnicodeDecodeError:
        return True


@st.composite
def ordinary_mails(draw: st.DrawFn) -> bytes:
    """Give mails as a careful program writes them: any language, any charset that holds it, any transfer encoding."""
    # Written by older functions: EmailMessage folds some addresses so that another address comes out.
    subject = draw(_line)
    plain = subject.isascii() and "=?" not in subject
    people = [email.utils.formataddr((draw(_line), draw(_address))) for _ in range(draw(st.integers(2, 5)))]
    head = (
        f"Subject: {subject if plain else email.header.Header(subject, 'utf-8').encode(linesep=chr(13) + chr(10))}\r\n"
        f"From: {people[0]}\r\nTo: {', '.join(people[1:])}\r\nMessage-ID: <{draw(_local)}@mail.example>\r\n"
    )
    mail = EmailMessage(policy=email.policy.SMTP)
    text = draw(_text)
    charset = draw(st.sampled_from(["utf-8", "iso-8859-1", "koi8-r", "shift_jis", "gb18030", "euc-kr", "utf-8"]))
    if not _holds(charset, text):
        charset = "utf-8"
    mail.set_content(text, charset=charset, cte=draw(st.sampled_from(["base64", "quoted-printable", "8bit"])))
    if draw(st.booleans()):
        mail.add_alternative(f"<p>{draw(_local)}</p>", subtype="html")
    for content, media_type, name in draw(st.lists(_file, max_size=3)):
        maintype, _, subtype = media_type.partition("/")
        mail.add_attachment(content, maintype=maintype, subtype=subtype, filename=name)
    for number, part in enumerate(mail.walk()):
        if part.is_multipart():
            part.set_boundary(f"=_boundary_{number}")
    return head.encode() + mail.as_bytes()


@given(ordinary_mails())
def test_any_ordinary_mail_says_the_same(raw: bytes) -> None:
    """Subject, people, text and files are those that the standard library reads."""
    assert told_by_us(parse(raw)) == told_by_stdlib(raw)
