"""Bytes that look like mail and are wrong somewhere."""

from collections.abc import Sequence

from hypothesis import strategies as st

_NAMES = (
    b"From", b"To", b"Cc", b"Reply-To", b"Subject", b"Date", b"Message-ID", b"References", b"In-Reply-To",
    b"Return-Path", b"Content-Type", b"Content-Disposition", b"Content-Transfer-Encoding", b"Content-ID",
    b"Auto-Submitted", b"List-Id", b"X-Failed-Recipients", b"Action", b"Final-Recipient", b"Bad Name", b"", b"\xe9\0",
)  # fmt: skip
_WORDS = (
    b"a@b.example", b"<a@b.example>", b"<>", b"<", b">", b'"', b"(", b")", b",", b";", b":", b"@", b"\\", b"=", b"[",
    b"]", b"=?utf-8?q?=0d=0aBcc:=20x?=", b"=?utf-8?b?//79?=", b"=?idna?q?a?=", b"=?utf-8?q?", b"Anna", b"Re: ",
    b"[#12 abcd]",
    b"multipart/mixed", b"multipart/alternative", b"multipart/report", b"message/rfc822", b"message/delivery-status",
    b"text/html", b"text/plain", b"text/plain; format=flowed", b"boundary=b", b"boundary=", b'boundary="', b"name=../x",
    b"filename*=utf-8''%2e%2e%2fx", b"filename*0*=idna''a", b"filename*1=b", b"charset=utf-7", b"charset=punycode",
    b"charset=\0", b"base64", b"quoted-printable", b"x-uuencode", b"attachment", b"inline", b"rfc822; a@b.example",
    b"31 Feb 9999 25:61:00 -9999", b"Fri, 2 Jan 2026 10:00:00 +0100", b"1 Jan 0001 00:00 +1400", b"\xe2\x80\xae", b"\0",
    b"\xff\xfe", b"\xed\xa0\x80", b"\r", b"\n ", b"\t", b" ", b"\x1b$B", b"%0d%0a", b"failed", b"5.1.1",
    b"auto-replied",
)  # fmt: skip
_LINES = (
    b"--b", b"--b--", b"--", b"----b", b"begin 644 a.exe", b"end", b"M" * 61, b"=", b"=ZZ=3", b"> > a", b"-- ",
    b"On 1.1.2026 Anna wrote:", b"From: Anna\nSent: 1.1.2026\nTo: help", b"-----Original Message-----", b"> ",
    b"<blockquote type=cite>", b"</blockquote>", b"<div class=gmail_quote>", b"<script>alert(1)</script>", b"<style>",
    b"<!--", b"-->", b"<a href='java\tscript:x'>x</a>", b"<img src=x onerror=y>", b"<svg><math><mi><style>", b"&#0;",
    b"&#xd800;", b"&amp;lt;", b"<p><table><td><li>", b"</div></div>", b"PGh0bWw+", b"====", b"\xe9\xe8", b"\0", b"",
    b"<a@b.example>: 550 5.1.1 unknown", b"Final-Recipient: rfc822; a@b.example", b"Content-Type: text/html", b"Hello",
)  # fmt: skip


def hostile() -> st.SearchStrategy[bytes]:
    """Give mails with spoilt fields and bodies, and any line ends."""
    return st.builds(_mail, st.lists(_fields(), max_size=8), _bodies(), st.sampled_from((b"\n", b"\r\n", b"\r")))


def _mail(fields: Sequence[bytes], body: bytes, line_end: bytes) -> bytes:
    return (b"\n".join(fields) + b"\n\n" + body).replace(b"\n", line_end)


def _fields() -> st.SearchStrategy[bytes]:
    words = st.one_of(st.sampled_from(_WORDS), st.binary(max_size=12))
    colon = st.sampled_from((b": ", b":", b" : ", b""))
    return st.builds(_field, st.sampled_from(_NAMES), colon, st.lists(words, max_size=8), _times())


def _field(name: bytes, colon: bytes, words: Sequence[bytes], times: int) -> bytes:
    return name + colon + b" ".join(words) * times


def _bodies() -> st.SearchStrategy[bytes]:
    line = st.one_of(st.sampled_from(_LINES), st.binary(max_size=40))
    lines = st.builds(lambda few, times: b"\n".join(few) * times, st.lists(line, max_size=12), _times())
    return st.recursive(lines, _multiparts, max_leaves=6)


def _multiparts(inner: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    return st.builds(
        lambda fields, parts, end: b"\n".join([*fields, b"", *(b"--b\n" + each for each in parts), end]),
        st.lists(_fields(), max_size=4),
        st.lists(inner, max_size=3),
        st.sampled_from((b"--b--", b"")),
    )


def _times() -> st.SearchStrategy[int]:
    """Give how often something stands there: mostly once."""
    return st.sampled_from((1, 1, 1, 200))
