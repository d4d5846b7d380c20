"""The bad input that mail brings, by number: what arrives, what happens then, and the mark of the tests that show it.

A test names what it shows, ``from registry import bad_input`` at the top of its file::

    @bad_input(8, 92)
    def test_nul_is_replaced() -> None: ...

The tests stand in the files ``test_inputs_*.py`` beside this one and among those of the application.
`docs/reference/bad-mail.md` shows the words in tables.
"""

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import pytest

Test = TypeVar("Test", bound=Callable[..., object])

FOLDER = Path(__file__).parent


def bad_input(*numbers: int) -> Callable[[Test], Test]:
    """Mark a test as one that shows what happens to the bad input of these numbers."""

    def mark(test: Test) -> Test:
        test.bad_inputs = numbers  # type: ignore[attr-defined]
        return pytest.mark.bad_input(*numbers)(test)

    return mark


def sources() -> Sequence[Path]:
    """Give the files whose tests show what happens to bad input."""
    return [*sorted(FOLDER.glob("test_inputs_*.py")), *FOLDER.parents[1].glob("application/test_inputs_*.py")]


def shown(paths: Sequence[Path]) -> Iterator[tuple[int, str]]:
    """Give each number that a test is marked with, and the name of the test, out of the sources."""
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                for mark in node.decorator_list:
                    if isinstance(mark, ast.Call) and getattr(mark.func, "id", "") == "bad_input":
                        yield from ((ast.literal_eval(number), node.name) for number in mark.args)


#: Letter -> what the inputs of the group have in common.
GROUPS: Mapping[str, str] = {
    "A": "Structure",
    "B": "MIME",
    "C": "Charsets and encodings",
    "D": "Addresses",
    "E": "Ids and threads",
    "F": "Dates",
    "G": "Attachments",
    "H": "HTML",
}
#: Letter -> the last number of the group.
LAST: Mapping[str, int] = {"A": 19, "B": 54, "C": 63, "D": 78, "E": 87, "F": 88, "G": 101, "H": 105}

#: Number -> what arrives, and what happens then.
INPUTS: Mapping[int, tuple[str, str]] = {
    1: ("nothing: 0 bytes", "quarantined, because it is empty"),
    2: ("a header without a body", "read; the text is empty"),
    3: ("a body without a header", "read as text; there is no subject and no sender"),
    4: ("a first line that is no field, such as the `From ` of an mbox", "passed over, or the beginning of the text"),
    5: ("lines that end with LF alone", "read like any other"),
    6: ("lines that end with CR alone", "read like any other"),
    7: (
        "CRLF, LF and CR in one mail",
        "each is the end of a line; but in a header whose first line ends with LF no field begins after a CR alone",
    ),
    8: ("NUL in header and body", "U+FFFD in its place"),
    9: (
        "raw 8-bit characters in the header",
        "read as UTF-8 if they are, else as a Western charset; a subject in the charset of the text",
    ),
    10: (
        "header lines without a colon, with blanks in the name, with an empty name",
        "the header ends there, as for the server that checked the sender; what follows is text; a defect",
    ),
    11: ("a header field of 5 MB", "its beginning is read; a defect"),
    12: ("200,000 header fields", "the first 256 KB are read; a defect"),
    13: ("a subject folded into 100,000 lines", "one line, in time"),
    14: (
        "two or ten From fields, one with several people",
        "a sender without address; of one field the first, but the mail joins no thread by itself",
    ),
    15: ("two of Subject, To, Date or Message-ID", "the first counts; a defect"),
    16: ("no From", "there is no sender; a reply waits for an address"),
    17: ("no Date", "the time at which the server got the mail counts"),
    18: ("no Message-ID", "taken over like any other, once"),
    19: ("neither To nor Cc", "taken over like any other"),
    20: ("multiparts 50 and 100 deep", "read in full"),
    21: (
        "multiparts 990 to 5,000 deep",
        "what lies above the limit is read, the rest is one file `rest.eml`; a defect",
    ),
    22: ("mails attached to each other, 990 deep", "one attached mail"),
    23: ("10,000 and 100,000 parts", "the first 500 are read; a defect"),
    24: ("a multipart without a boundary", "the first line that looks like one is taken; a defect"),
    25: ("an empty boundary", "the same"),
    26: ("a boundary that is never closed", "what follows is read; a defect"),
    27: ("the boundary in the middle of a line of text", "a part of the text"),
    28: ("the same boundary at two depths", "it belongs to the inner multipart"),
    29: ("a boundary of 10 KB", "read like any other"),
    30: ("a multipart without parts", "what stands there is the text"),
    31: ("a multipart said to be base64", "its parts are read; they are encoded each for itself"),
    32: ("an unknown transfer encoding", "the bytes as they are; a defect"),
    33: ("base64 with foreign characters, without its end, padding alone", "what can be decoded; a defect"),
    34: ("quoted-printable with escapes that are none", "they stay as they are; a defect"),
    35: ("files uuencoded between the lines of a text", "they are attachments, the lines around them the text"),
    36: ("a text of 50 MB", "read whole, in time; its lines are not looked at"),
    37: ("a Content-Type that is empty, all semicolons, or has 20,000 parameters", "text or an unknown file; a defect"),
    38: ("a file name in 10,000 sections, with gaps and absurd numbers", "what is in order is read"),
    39: ("HTML alone", "the text comes out of it"),
    40: ("text alone", "the text; there is no HTML"),
    41: ("alternatives in the wrong order", "text and HTML are told apart by their types"),
    42: ("a multipart/related whose root is not named, or not there", "its first part is the root"),
    43: ("an invitation to a meeting", "a file and its words as text; nobody is invited"),
    44: ("S/MIME, signed and encrypted", "the signed text is read, the signature a file; a defect if encrypted"),
    45: ("PGP, as MIME and within the lines", "the same"),
    46: ("a `winmail.dat`", "the files in it if they can be told, else itself"),
    47: ("an attached mail in base64", "a file, decoded"),
    48: ("a part of a mail that was sent in pieces", "a file; no piece is looked for"),
    49: ("a body that lies elsewhere", "a file; nothing is fetched"),
    50: ("delivery reports, complaints, read receipts", "each its kind; none is a message of a customer"),
    51: ("a text whose lines flow, with and without DelSp", "its paragraphs, its quotations kept"),
    52: ("a multipart of a kind that nobody knows", "read like multipart/mixed"),
    53: ("a part to be shown inline, without a name", "an attachment without a name"),
    54: ("equal Content-IDs, and some that look like paths", "kept as they are; they name no file"),
    55: ("charsets unknown, empty, 100 KB long, with NUL, or paths", "UTF-8 if it is, else a guess; a defect"),
    56: ("charsets that only Python knows: idna, punycode, unicode_escape", "never used; the same"),
    57: ("lone surrogates out of UTF-7", "U+FFFD in their place"),
    58: (
        "encoded words with wrong charset or base64, cut characters, by the thousand, or twice",
        "decoded once, as far as can be",
    ),
    59: ("an encoded line break in a display name", "one line"),
    60: ("an encoded word inside an address", "no address, because programs would read two"),
    61: ("a BOM, writing-direction marks, invisible and combining signs in a subject", "kept; shown harmlessly"),
    62: ("a file name in the charset idna", "read by fallback"),
    63: ("ISO-2022-JP without its end, GB18030, EUC-KR, KOI8-R", "their text"),
    64: ("`<>`, `@`, a quote, a bracket as From", "a sender without address"),
    65: ("groups and undisclosed recipients", "the members; nobody"),
    66: ("addresses that two programs read as two people", "no address"),
    67: ("an address as display name in front of another", "the address counts, the name never"),
    68: ("domains in other scripts and their look-alikes", "never equal to their twin"),
    69: ("a local part outside ASCII", "an address"),
    70: (
        "quoted local parts, routes, address literals",
        "an address only where the grammar leaves one meaning; in a From it proves nothing",
    ),
    71: ("5,000 nested comments", "read in time"),
    72: ("20,000 recipients", "the first 1,000; a defect"),
    73: ("one of our own addresses as From", "our own mail: ignored"),
    74: ("an employee's address as From", "a customer's mail: nobody is an employee by a From"),
    75: ("a Reply-To elsewhere, to us, to a list, to fifty", "shown as it is; an answer never goes to ourselves"),
    76: ("upper case, tags and dots in an address", "kept; case alone makes no other person"),
    77: ("an address with NUL, line breaks, blanks, or of 10 KB", "no address"),
    78: ("the return path `<>`", "never answered automatically"),
    79: ("a Message-ID that is empty, broken, or of 100 KB", "none, or the readable part of it"),
    80: ("the Message-ID of another mail, ours or a customer's", "proves nothing and displaces nothing"),
    81: ("References with 10,000 ids", "the last 100"),
    82: ("an In-Reply-To that names the thread of somebody else", "not joined without proof"),
    83: ("a forged marker in the subject, many, or absurd numbers", "a marker alone joins nothing"),
    84: ("References that go round in circles", "read; the threads stay apart or joined as they were"),
    85: ("line breaks and encoded words in ids", "never written into a header of ours"),
    86: ("an answer years later, to a closed thread", "as the policy for closed threads says"),
    87: ("the same mail directly and through a list", "one message"),
    88: (
        "dates of the years 0, 1 and 9999, with absurd offsets, of no day, empty",
        "none, or the moment; before 2000 or more than a day ahead the time of arrival counts; the claim is kept",
    ),
    89: (
        "file names with folders, drives, devices, 300 characters, or dots alone",
        "shown and served under a name without folder, drive, device or stream",
    ),
    90: ("a file name that reads backwards", "shown as it ends"),
    91: ("line breaks, quotes and escapes in a file name", "one line"),
    92: ("NUL in a file name", "gone from the name that is shown"),
    93: (
        "invisible characters before `.htaccess`",
        "gone before the name is looked at; no file is ever stored under it",
    ),
    94: ("two extensions, none, or one that its type denies", "told as disguised; the type stays as declared"),
    95: ("an empty file", "an attachment of 0 bytes"),
    96: ("500 attachments", "each of them; beyond the limit a defect"),
    97: ("archives that burst or break out when unpacked", "never unpacked"),
    98: ("a test virus", "bytes like any other; nothing is run"),
    99: ("SVG, HTML, XML, PDF and Flash as files", "attachments, never shown as HTML of the mail"),
    100: ("the same file twice", "two attachments, stored once"),
    101: ("a picture of 60,000 by 60,000", "bytes; no picture is decoded"),
    102: ("scripts, handlers, forms, frames, styles, SVG and MathML in HTML", "gone from the HTML that is shown"),
    103: ("tracking pictures, prefetching, pings, backgrounds", "nothing is loaded when the mail is shown"),
    104: ("elements 20,000 deep, 2 MB of entities, tags never closed", "shown as text, in time"),
    105: ("HTML in subject, name, address and file name", "text, escaped wherever it is shown as HTML"),
}


def tables() -> str:
    """Give all inputs as the tables of the documentation, a section for each group."""
    sections: list[str] = []
    first = 1
    for letter, title in GROUPS.items():
        rows = "\n".join(f"| {number} | {' | '.join(INPUTS[number])} |" for number in range(first, LAST[letter] + 1))
        sections.append(f"## {title}\n\n| number | what arrives | what happens |\n| --: | --- | --- |\n{rows}\n")
        first = LAST[letter] + 1
    return "\n".join(sections)
