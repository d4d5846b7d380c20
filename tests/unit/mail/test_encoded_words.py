"""Encoded words of headers (RFC 2047)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customerservice.mail.encoded_words import decode_words, encode_words


@pytest.mark.parametrize(
    ("header", "text"),
    [
        ("plain", "plain"),
        ("=?utf-8?q?Gr=C3=B6=C3=9Fe?=", "Größe"),
        ("=?UTF-8?B?R3LDtsOfZQ==?=", "Größe"),
        ("a =?iso-8859-1?q?=E4?= b", "a ä b"),
        ("=?utf-8?q?a?= =?utf-8?q?b?=", "ab"),
        ("=?utf-8?q?a?=\t =?utf-8?b?Yg==?= c", "ab c"),
        ("=?utf-8?q?a_?==?utf-8?q?b?=", "a b"),
        ("=?utf-8?q?a?= x =?utf-8?q?b?=", "a x b"),
        ("=?utf-8*en?q?a?=", "a"),
        ("=?utf-8?b?w7Y?=", "ö"),
        ("=?utf-8?q?=C3?= =?utf-8?q?=B6?=", "ö"),
        ("=?utf-8?b?R3L?= =?utf-8?b?DtsOfZQ==?=", "Größe"),
        ("=?utf-8?b?R3L?= =?utf-8?q?x?=", "Grx"),
        ("=?utf-8?b?R3LDtsOfZQ?= =?utf-8?b?IDQw?=", "Größe 40"),
        ("=?utf-8?b?R3L2?= =?utf-8?b?32Ux?=", "Größe1"),
        ("=?utf-8?q?a?= =?iso-8859-1?q?=E4?=", "aä"),
        ("=?iso-2022-jp?B?GyRCJUYlOSVIGyhC?= =?iso-2022-jp?B?GyRCJUYlOSVIGyhC?=", "テストテスト"),
        ("=?gb2312?B?1tDOxA==?=", "中文"),
        ("=?x-unknown?q?a=E4?=", "aä"),
        ("=?utf-8?q?a b?=", "a b"),
        ("=?utf-8?q?\u00e4?=", "ä"),
        ("=?utf-8?q?=3D=3Futf-8=3Fq=3Fa=3F=3D?=", "=?utf-8?q?a?="),
        ("=?utf-8?q?Gr=C3=B6=C3=9Fe", "Größe"),
        ("=?utf-8?q?Gr=C3=B6=C3=9Fe?", "Größe"),
        ("=?utf-8?q?Gr=C3=B6?= =?utf-8?q?=C3=9Fe", "Größe"),
        ("=?utf-8?b?R3LDtsOfZ", "Größ"),
        ("=?utf-8?q?", ""),
        ("=?utf-8?q?a b", "=?utf-8?q?a b"),
        ("=?utf-8?q?a?b", "=?utf-8?q?a?b"),
        ("=?x-unknown?q?a", "=?x-unknown?q?a"),
        ("Re: =?utf-8?q?a_?=b", "Re: a b"),
        ("=?utf-8?x?a?=", "=?utf-8?x?a?="),
        ("=?utf-8?qq?a?=", "=?utf-8?qq?a?="),
        ("=?" + "x" * 70 + "?q?a?=", "=?" + "x" * 70 + "?q?a?="),
        ("=? =?utf-8?q?a?=", "=? a"),
    ],
)
def test_words_are_decoded_once(header: str, text: str) -> None:
    """Words are decoded once, with the breakages of real programs; what is no word stays."""
    assert decode_words(header) == text


@given(st.text(max_size=200))
def test_encoded_text_reads_back(text: str) -> None:
    """What we encode is plain ASCII, fits its lines and decodes to the same text."""
    text = text.replace("\0", "")
    words = encode_words(text, first_line=60)

    assert all(len(word) <= 75 and word.isascii() and word.isprintable() and " " not in word for word in words)
    assert len(words[0] if words else "") <= 60
    assert decode_words(" ".join(words)) == text


@given(st.text(alphabet="=?utf-8qbQB AZ\n\u00e4", max_size=80))
def test_no_header_raises(header: str) -> None:
    """Any text decodes to some text."""
    assert isinstance(decode_words(header), str)
