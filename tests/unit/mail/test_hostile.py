"""Hostile mails: each is read in time and in memory, with an answer.

The bound is one second of a processor for a mail of about a megabyte and two for one of 25; the guard is five times
that, because test machines are slow, and tests are watched for their coverage. Memory may grow by 64 MB and five times
the size of the mail.
"""

import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from customerservice.mail import MailKind, ReceivedMail, parse
from customerservice.mail.html_safe import safe_html

GUARD = 5.0  # seconds
GUARD_OF_LARGE = 10.0
MEMORY = 64 << 20
MEMORY_BY_SIZE = 5

TEXT = b"From: a@b.example\nSubject: x\nContent-Type: text/plain\n\n"
HTML = b"From: a@b.example\nSubject: x\nContent-Type: text/html\n\n"
MULTI = b"From: a@b.example\nContent-Type: multipart/mixed; boundary=b\n\n"
QP = b"Content-Transfer-Encoding: quoted-printable\n\n"
DAEMON = b"From: mailer-daemon@x.example\nSubject: failure notice\n\n"

MAILS = {
    "nested multiparts": b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(5_000)
    ),
    "nested mails": b"Content-Type: message/rfc822\n\n" * 5_000,
    "100k parts": MULTI + b"--b\n\nx\n" * 100_000 + b"--b--\n",
    "100k HTML parts": MULTI + b"--b\nContent-Type: text/html\n\n<p>x\n" * 100_000 + b"--b--\n",
    "Japanese parts": MULTI
    + b"".join(
        b"--b\nContent-Type: text/plain; charset=iso-2022-jp\n\n" + b"\x1b$B.\x1b(B" * 1_500 + b"\n" for _ in range(400)
    ),
    "lines of dashes": MULTI + b"--\n" * 300_000,
    "no boundary": b"Content-Type: multipart/mixed\n\n" + b"--b\n\nx\n" * 100_000,
    "long boundary": b"Content-Type: multipart/mixed; boundary="
    + b"b" * 10_000
    + b"\n\n"
    + (b"--" + b"b" * 10_000 + b"\n") * 90,
    "bare CR": b"Subject: x\r\r" + b"\r--" * 300_000,
    "blanks": TEXT + b" " * 1_000_000,
    "line breaks": TEXT + b"\n" * 1_000_000,
    "blank lines": TEXT + b" \n" * 500_000,
    "On": TEXT + b"On " * 300_000,
    "lines of On": TEXT + b"On \n" * 250_000,
    "wrote": TEXT + b"wrote:\n" * 50_000,
    "wrote in one line": TEXT + b"wrote: " * 50_000,
    "On … wrote": TEXT + b"On 1.1.2020 \nx wrote\n" * 50_000,
    "From": TEXT + b"From: a\n" * 100_000,
    "header blocks": TEXT + b"From: a\nTo: x\n" * 60_000,
    "quotes between lines": TEXT + b"> a\nb\n" * 150_000,
    "deep quotes": TEXT + b">" * 2_000 + b"\n" + b"> " * 400_000,
    "signatures": TEXT + b"-- \nx" * 200_000,
    "begin": TEXT + b"begin 644 x\n" * 80_000,
    "flowed": b"Content-Type: text/plain; format=flowed\n\n" + b"x \n" * 300_000,
    "div": HTML + b"<div>" * 50_000,
    "blockquote": HTML + b"<blockquote>x" * 50_000,
    "<": HTML + b"<" * 1_000_000,
    "<a": HTML + b"<a " * 300_000,
    "open quotes": HTML + b'<a "' * 250_000,
    "mixed open quotes": HTML + b'<a "' * 100_000 + b"<a '" * 100_000 + b">",
    "<!--": HTML + b"<!--" * 250_000 + b">",
    "<style": HTML + b"<style>" * 140_000,
    "&amp": HTML + b"&amp" * 250_000,
    "long reference": HTML + b"&#" + b"9" * 500_000,
    "attributes": HTML + b"<div " + b"class=x " * 120_000 + b">",
    "paragraphs": HTML + b"<p>x" * 250_000,
    "lists": HTML + b"<ul><li>x" * 100_000,
    "long file name": b"Content-Type: a/b; name=" + b"x" * 200_000 + b"\n\nx",
    "folders of a file name": b'Content-Type: a/b; name="' + b"x/" * 100_000 + b'"\n\nx',
    "20k parameters": b"Content-Type: text/plain" + b"; a=b" * 20_000 + b"\n\nx",
    "escaped quotes": b'Content-Type: text/plain; a="' + b'\\"' * 120_000 + b"\n\nx",
    "continuations": b"Content-Type: text/plain" + b"".join(b"; a*%d=b" % n for n in range(10_000)) + b"\n\nx",
    "5k comments": b"From: " + b"(" * 5_000 + b")" * 5_000 + b"a@b.example\n\nx",
    "20k addresses": b"From: a@b.example\nTo: " + b", ".join(b"a%d@b.example" % n for n in range(20_000)) + b"\n\nx",
    "20k From": b"From: a@b.example\n" * 14_000 + b"\nx",
    "words and commas": b"To: " + b"a," * 125_000 + b"\n\nx",
    "colons": b"To: " + b":" * 250_000 + b"\n\nx",
    "encoded words": b"Subject: " + b"=?utf-8?q?x?= " * 18_000 + b"\n\nx",
    "unfinished words": b"Subject: " + b"=?a?q?" * 40_000 + b"\n\nx",
    "reply prefixes": b"Subject: " + b"Re: " * 60_000 + b"\n\nx",
    "markers": b"Subject: " + b"[#1 " * 60_000 + b"\n\n" + b"[#1 " * 200_000,
    "references": b"References: " + b"<a@b> " * 40_000 + b"\n\nx",
    "long word among ids": b"In-Reply-To: " + b"x" * 200_000 + b"\n\nx",
    "brackets": b"References: " + b"<" * 250_000 + b"\n\nx",
    "date": b"Date: " + b"1 " * 100_000 + b"\n\nx",
    "5 MB header": b"Subject: " + b"x" * 5_000_000 + b"\n\nx",
    "200k fields": b"a:b\n" * 200_000 + b"\nx",
    "folded lines": b"Subject: a\n" + b" a\n" * 100_000 + b"\nx",
    "raw bytes": b"X: \xe9\n" * 60_000 + b"\n" + b"\xe9\xe8 " * 300_000,
    "broken base64": b"Content-Transfer-Encoding: base64\n\n" + b"!!!!" * 250_000,
    "padding": b"Content-Transfer-Encoding: base64\n\n" + b"=" * 1_000_000,
    "false escapes": QP + b"=" * 1_000_000,
    "punycode": b"Content-Type: text/plain; charset=punycode\n\n" + b"a" * 300_000 + b"-\xe9",
    "reports": b"Content-Type: multipart/report; boundary=b\n\n--b\nContent-Type: message/delivery-status\n\n"
    + b"Final-Recipient: rfc822; a@b.example\n\n" * 25_000,
    "bounced recipients": DAEMON + b"".join(b"a%d@b.example\n" % n for n in range(50_000)),
    "letters of a bounce": DAEMON + b"a" * 1_000_000,
    "NUL": b"\0" * 1_000_000,
}


MAILS |= {
    "nested multiparts, 1,000 deep, each closed": b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(1_000)
    )
    + b"\nHello\n"
    + b"".join(b"--b%d--\n" % n for n in reversed(range(1_000))),
    "quotes that nest deeper with each line": TEXT + b"".join(b">" * n + b" x\n" for n in range(1_400)),
    "100k empty lines between words": TEXT + b"Hello" + b"\n" * 100_000 + b"end\n",
    "blanks between words": TEXT + b"Hello" + b" " * 1_000_000 + b"end\n",
    # Putting them into order takes the square of their number.
    "accents upon one letter": TEXT + "a\u0301\u0323".encode() + "\u0301\u0323".encode() * 250_000,
    "accents in the header": "From: {0} <a@b.example>\nSubject: {0}\n\nx".format("\u0301\u0323" * 30_000).encode(),
    "8-bit fields": b"".join(b"X-%d: \xe9\xe8 %d\n" % (n, n) for n in range(20_000)) + b"\nHello\n",
    "escaped uuencode": TEXT + b"begin 644 a.txt\n" + b"#86)C\n" * 160_000 + b"`\nend\n",
}

_LINE = b"Where is my parcel? I have been waiting for two weeks now.\r\n"
_BASE64 = b"QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5ejAxMjM0\r\n"
#: Made when their test runs: each is of 25 MB.
LARGE: Mapping[str, Callable[[], bytes]] = {
    "25 MB of text": lambda: TEXT + _LINE * 417_000,
    "25 MB of quoted text": lambda: TEXT + b"Yes.\n\nOn 2 Jan 2026, Shop wrote:\n" + b"> " * 12_500_000,
    "25 MB of HTML": lambda: HTML + b"<p>Where is <b>my</b> parcel?</p>\r\n" * 714_000,
    "25 MB of <": lambda: HTML + b"<" * 25_000_000,
    "25 MB attached": lambda: (
        MULTI + b"--b\n\nHello\n--b\nContent-Transfer-Encoding: base64\n"
        b"Content-Type: a/b\n\n" + _BASE64 * 320_000 + b"--b--\n"
    ),
    "25 MB of quoted-printable": lambda: QP + b"=C3=B6\r\n" * 3_125_000,
    "25 MB of parts": lambda: MULTI + b"--b\n\nx\n" * 3_570_000,
    "25 MB of header": lambda: b"X-A: b\n" * 3_570_000 + b"\nx",
    "25 MB of blanks": lambda: TEXT + b" " * 25_000_000,
}


def _is_cut(mail: ReceivedMail) -> bool:
    return mail.text.startswith("x\nx") and "too_many_parts" in {defect.code for defect in mail.defects}


#: What is known of the answer beside the sender and the subject.
ANSWERS: Mapping[str, Callable[[ReceivedMail], bool]] = {
    "nested multiparts": lambda mail: mail.attachments[0].filename == "rest.eml",
    "nested multiparts, 1,000 deep, each closed": lambda mail: b"Hello" in mail.attachments[0].content,
    "nested mails": lambda mail: mail.attachments[0].media_type == "message/rfc822",
    "100k parts": _is_cut,
    "25 MB of parts": _is_cut,
    "blanks": lambda mail: mail.text == "",
    "25 MB of blanks": lambda mail: mail.text == "",
    "blanks between words": lambda mail: mail.new_text.split() == ["Hello", "end"],
    "100k empty lines between words": lambda mail: mail.new_text.split() == ["Hello", "end"],
    "On": lambda mail: mail.new_text.startswith("On On On"),
    "wrote": lambda mail: mail.new_text.startswith("wrote:\nwrote:"),
    "deep quotes": lambda mail: mail.text.startswith(">>>>"),
    "quotes that nest deeper with each line": lambda mail: ">>> x" in mail.text,
    "div": lambda mail: mail.text == "",
    "blockquote": lambda mail: mail.text.startswith("> x"),
    "<": lambda mail: mail.text == "<" * 1_000_000,
    "25 MB of <": lambda mail: mail.text.startswith("<<<<"),
    "8-bit fields": lambda mail: mail.header("x-9999") == "\xe9\xe8 9999",
    "escaped uuencode": lambda mail: [file.filename for file in mail.attachments] == ["a.txt"],
    "bounced recipients": lambda mail: mail.kind is MailKind.BOUNCE,
    "20k addresses": lambda mail: len(mail.to) == 1_000,
    "encoded words": lambda mail: mail.subject == "x" * 18_000,
    "5k comments": lambda mail: mail.sender is not None and str(mail.sender.address) == "a@b.example",
    "25 MB of text": lambda mail: mail.new_text.count("parcel") == 417_000,
    "25 MB of quoted text": lambda mail: mail.text.startswith("Yes."),
    "25 MB of HTML": lambda mail: mail.text.count("parcel?") == 714_000,
    "25 MB attached": lambda mail: mail.text == "Hello" and len(mail.attachments[0].content) == 320_000 * 57,
    "25 MB of quoted-printable": lambda mail: mail.text.count("ö") == 3_125_000,
    "25 MB of header": lambda mail: mail.text == "x" and mail.defects[0].code == "header_too_large",
}


def _memory(name: str) -> int:
    """Give a figure of this process in bytes (proc(5))."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith(f"{name}:"))


def _forgets_its_peak() -> bool:
    """Begin to measure anew, where the system lets a process do that: Linux."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return False
    return True


def _is_read(name: str, raw: bytes, guard: float) -> None:
    held = _memory("VmRSS") if _forgets_its_peak() else None
    began = time.process_time()
    mail = parse(raw)
    if mail.html is not None:
        safe_html(mail.html)
    took, peak = time.process_time() - began, 0 if held is None else _memory("VmHWM") - held

    assert took < guard
    assert peak < MEMORY + MEMORY_BY_SIZE * len(raw)
    assert mail.size == len(raw)
    assert ANSWERS.get(name, lambda _: True)(mail)
    if raw.startswith(TEXT):
        assert mail.subject == "x"
        assert mail.sender is not None
        assert str(mail.sender.address) == "a@b.example"


@pytest.mark.parametrize("name", MAILS)
def test_hostile_mail_is_read_in_time(name: str) -> None:
    """No mail of a megabyte takes more than a second or much memory, its HTML included, and each says something."""
    _is_read(name, MAILS[name], GUARD)


@pytest.mark.parametrize("name", LARGE)
def test_large_mail_is_read_in_time(name: str) -> None:
    """No mail of 25 MB takes more than two seconds or five times its size."""
    _is_read(name, LARGE[name](), GUARD_OF_LARGE)


@pytest.mark.parametrize(
    ("unit", "count"),
    [
        (TEXT + b"x", 0),
        (b"On 1.1.2020 at 10:00\nx wrote\n", 4_000),
        (b"<div><p>x<a href='y'>", 6_000),
        (b"--b\n\nx\n", 20_000),
    ],
)
def test_time_grows_with_the_size_only(unit: bytes, count: int) -> None:
    """Sixteen times the mail takes at most about sixteen times as long."""

    def seconds(times: int) -> float:
        raw = (HTML if b"<" in unit else MULTI if b"--b" in unit else TEXT) + unit * times
        began = time.process_time()
        parse(raw)
        return max(time.process_time() - began, 0.02)

    assert min(seconds(16 * count) for _ in range(2)) <= 24 * 2 * min(seconds(count) for _ in range(3))


def test_many_parts_are_looked_at_no_closer_than_one() -> None:
    """What of HTML and of Japanese is read closely is bounded for the mail, not for each of its parts."""
    html = b"--b\nContent-Type: text/html\n\n%s\n"
    japanese = b"--b\nContent-Type: text/plain; charset=iso-2022-jp\n\n\x1b$B-!\x1b(B%s\n"

    lists = parse(MULTI + html % b"<li>one" + html % (b"<p>x" + b" " * 1_000_000) + html % b"<p>y<li>two")
    texts = parse(MULTI + japanese % b"one" + japanese % (b" " * 600_000) + japanese % b"two" + html % b"")

    assert (lists.text.split()[:2], lists.text.split()[-2:]) == (["-", "one"], ["y", "two"])
    assert "\u2460one" in texts.text
    assert "two" in texts.text
    assert texts.text.count("\u2460") == 2


def test_many_reports_cost_no_more_than_ten() -> None:
    """A bounce has one machine-readable part; what hundreds of them say is not gathered."""
    part = b"--b\nContent-Type: message/delivery-status\n\nFinal-Recipient: rfc822; p%d@x.example\nAction: failed\n\n"
    bounce = parse(DAEMON[:-1] + MULTI.partition(b"\n")[2] + b"".join(part % number for number in range(300))).bounce

    assert bounce is not None
    assert [str(one.address) for one in bounce.recipients] == [f"p{number}@x.example" for number in range(10)]


def test_large_attachment_is_held_once() -> None:
    """A mail of ten megabytes needs at most three times its size beyond its own bytes."""
    raw = MULTI + b"--b\n\nHello\n--b\nContent-Type: a/b\nContent-Transfer-Encoding: base64\n\n"
    raw += (b"A" * 76 + b"\r\n") * 130_000 + b"--b--\n"
    tracemalloc.start()
    try:
        mail = parse(raw)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert len(mail.attachments[0].content) == 130_000 * 57
    assert peak < 3 * len(raw)


def test_importing_the_ring_loads_nothing_heavy() -> None:
    """The cleaner of HTML is not imported before it is needed."""
    program = (
        "import sys, customerservice.mail, customerservice.mail.matching, customerservice.mail.composer\n"
        "print([name for name in ('nh3', 'email', 'html.parser') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
