"""Encoded words of headers (RFC 2047): read once and leniently, written strictly."""

import binascii
import itertools
import re
from collections.abc import Iterable, Iterator, Sequence

from customerservice.mail.charsets import codec_of, decode
from customerservice.mail.transfer import decode_base64

_LONGEST_CHARSET = 64
_WORD_BYTES = 45  # UTF-8 bytes in an encoded word: 60 characters of base64 and 12 of frame, below the 75 of RFC 2047 2

_CUT = re.compile(r"([^?\s]*+)\??")  # what is left of a word that was cut off
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")  # nobody writes them

_Word = tuple[str, str, str]  # charset and encoding in lower case, payload


def decode_words(text: str) -> str:
    """Give the text with its encoded words decoded, once: what they decode to is not decoded again. Linear.

    White space between two words is dropped (RFC 2047 6.2), and the bytes of neighbours of one charset are joined
    before they are decoded, since many programs cut inside a character. A last word without its end is read as far as
    it goes: some programs cut a subject at a length. What is malformed otherwise stays as it is. The result may hold
    control characters and line breaks.
    """
    if "=?" not in text:
        return text
    pieces: list[str] = []
    run: list[_Word] = []
    done = 0
    last = text.rfind("?=")
    place = text.find("=?")
    while place >= 0:
        found = _read_word(text, place, last)
        if found is None:
            place = text.find("=?", place + 2)
            continue
        word, end = found
        gap = text[done:place]
        if not run or gap.strip():
            pieces += (_decode_run(run), gap)
            run = []
        run.append(word)
        done = end
        place = text.find("=?", end)
    return "".join((*pieces, _decode_run(run), text[done:]))


def _read_word(text: str, start: int, last: int) -> tuple[_Word, int] | None:
    mark = text.find("?", start + 2, start + 2 + _LONGEST_CHARSET)
    if mark < 0 or text[mark + 2 : mark + 3] != "?" or text[mark + 1] not in "bBqQ":
        return None
    charset = text[start + 2 : mark].partition("*")[0]  # RFC 2231 5 puts a language after a star
    if mark + 3 <= last:
        end = text.find("?=", mark + 3)
        after = end + 2
    else:
        cut = _CUT.fullmatch(text, mark + 3)
        if cut is None or codec_of(charset) is None:
            return None
        end, after = cut.end(1), len(text)
    return (charset.lower(), text[mark + 1].lower(), text[mark + 3 : end]), after


def _decode_run(run: Iterable[_Word]) -> str:
    return "".join(
        _decode_payloads(list(words), charset) for charset, words in itertools.groupby(run, key=lambda word: word[0])
    )


def _decode_payloads(words: Sequence[_Word], charset: str) -> str:
    """Decode words of one charset: base64 that was cut within a group of four goes on in the next word.

    Where that gives no text of the charset their padding was left out.
    """
    text, flaw = decode(b"".join(_join_payloads(words)), charset)
    if flaw is None and _CONTROLS.search(text) is None:
        return text
    apart, flaw = decode(b"".join(piece for word in words for piece in _join_payloads([word])), charset)
    return apart if flaw is None else text


def _join_payloads(words: Iterable[_Word]) -> Iterator[bytes]:
    waiting = ""
    for _, encoding, payload in words:
        if encoding == "b":
            waiting += payload
            if len(waiting) % 4 and not payload.endswith("="):
                continue
        yield decode_base64(waiting.encode("ascii", "ignore"))[0]
        waiting = ""
        if encoding == "q":
            yield binascii.a2b_qp(payload.encode("utf-8", "replace"), header=True)
    yield decode_base64(waiting.encode("ascii", "ignore"))[0]


def encode_words(text: str, *, first_line: int = 75) -> list[str]:
    """Give the text as encoded words of at most 75 characters (UTF-8, B), none cut inside a character.

    They are joined by folded white space, and hold nothing that is special to any program, whatever the text holds.

    Args:
        text: without lone surrogates.
        first_line: how many characters, at least 24, the first word may have.
    """
    words: list[str] = []
    chunk, size, room = "", 0, (first_line - 12) // 4 * 3
    for char in text:
        width = len(char.encode("utf-8"))
        if size + width > room:
            words.append(_encode_word(chunk))
            chunk, size, room = "", 0, _WORD_BYTES
        chunk += char
        size += width
    return [*words, _encode_word(chunk)] if chunk else words


def _encode_word(chunk: str) -> str:
    return f"=?utf-8?b?{binascii.b2a_base64(chunk.encode('utf-8'), newline=False).decode('ascii')}?="
