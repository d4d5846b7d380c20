"""The MIME structure: offsets, limits, malformations and line ends."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customerservice.mail.limits import Limits
from customerservice.mail.parts import Part, read_parts

MULTI = b"Content-Type: multipart/mixed; boundary=b\n\n"


def bodies(raw: bytes, limits: Limits = Limits()) -> list[bytes]:  # noqa: B008  frozen
    root, _ = read_parts(raw, limits)
    return [raw[leaf.body : leaf.end] for leaf in leaves(root)]


def leaves(part: Part) -> list[Part]:
    return [leaf for child in part.children for leaf in leaves(child)] if part.children else [part]


def codes(raw: bytes, limits: Limits = Limits()) -> list[str]:  # noqa: B008  frozen
    return [defect.code for defect in read_parts(raw, limits)[1]]


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
def test_line_ends_of_every_kind(line_end: bytes) -> None:
    """LF, CRLF and bare CR give the same structure, and the break before a boundary belongs to the boundary."""
    raw = (MULTI + b"preamble\n--b\nA: 1\n\nfirst\nline\n--b\n\nsecond\n--b--\nepilogue\n").replace(b"\n", line_end)

    assert bodies(raw) == [b"first\nline".replace(b"\n", line_end), b"second"]
    assert codes(raw) == []


def test_mixed_line_ends() -> None:
    """A mail may change its line ends in the middle."""
    assert bodies(b"A: 1\r\nContent-Type: multipart/mixed;\n boundary=b\n\r\n--b\r\n\nx\r--b--\r\n") == [b"x"]


@pytest.mark.parametrize(
    ("raw", "fields"),
    [
        (b"A: 1\r\nB: 2\rFrom: x\r\n\r\n", [("a", "1"), ("b", "2\rFrom: x")]),
        (b"A: 1\nB: 2\r\rFrom: x\n\n", [("a", "1"), ("b", "2\r\rFrom: x")]),
        (b"A: 1\rB: 2\r x\r\n y\rC: 3\n\rbody", [("a", "1"), ("b", "2 x y"), ("c", "3")]),
    ],
)
def test_bare_cr_in_a_header(raw: bytes, fields: list[tuple[str, str]]) -> None:
    """A bare CR ends a line only where the first line ends with one: no field can hide from a mail server behind it."""
    assert list(read_parts(raw, Limits())[0].fields) == fields


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
def test_boundaries_are_found_wherever_they_stand(line_end: bytes) -> None:
    """The first dash may stand anywhere before a boundary; each length of what lies between is as good."""
    for length in range(4_080, 4_110):
        raw = MULTI + b"--b\n\n-" + b"x" * length + b"\n--b\n\n" + b"x" * length + b"\n-\n--b--\n"

        assert bodies(raw.replace(b"\n", line_end)) == [b"-" + b"x" * length, b"x" * length + line_end + b"-"]


def test_fields_are_unfolded_and_named_in_lower_case() -> None:
    """Folded lines are joined, white space around values is dropped, order and repetition stay."""
    root, _ = read_parts(b"SUBJECT : a\n  b\n\tc\nX:1\nx: 2\n\nbody", Limits())

    assert root.fields == (("subject", "a  b c"), ("x", "1"), ("x", "2"))
    assert root.field("x") == "1"
    assert root.field("y") is None


@pytest.mark.parametrize(("raw", "text"), [("ä".encode(), "ä"), ("ä".encode("latin-1"), "ä"), (b"a\0b", "a\0b")])
def test_raw_bytes_in_a_header(raw: bytes, text: str) -> None:
    """Eight-bit headers are UTF-8, else Western European, each field for itself."""
    root, _ = read_parts(b"A: " + raw + b"\nB: \xe4\n\n", Limits())

    assert root.fields == (("a", text), ("b", "ä"))


@pytest.mark.parametrize(
    ("raw", "body", "defects"),
    [
        (b"", b"", []),
        (b"A: 1", b"", []),
        (b"A: 1\n", b"", []),
        (b"A: 1\n\n", b"", []),
        (b"Hello\nthere\n\nyou\n", b"Hello\nthere\n\nyou\n", ["no_header"]),
        (b"A: 1\nHello there\n\nyou\n", b"Hello there\n\nyou\n", ["no_blank_line"]),
        (b"A: 1\n b\nHello there\n\nyou\n", b"Hello there\n\nyou\n", ["no_blank_line"]),
        (b"A: 1\nno field\nB: 2\n\nbody", b"no field\nB: 2\n\nbody", ["no_blank_line"]),
        (b"A: 1\n: no name\nB: 2\n\nbody", b": no name\nB: 2\n\nbody", ["no_blank_line"]),
        (b"A: 1\nno name: x\nB: 2\n\nbody", b"no name: x\nB: 2\n\nbody", ["no_blank_line"]),
        (b"A: 1\n\xe4: y\nB: 2\n\nbody", b"\xe4: y\nB: 2\n\nbody", ["no_blank_line"]),
        (b"A: 1\nB\0: 2\n\nbody", b"B\0: 2\n\nbody", ["no_blank_line"]),
        (b" A: 1\nB: 2\n\nbody", b" A: 1\nB: 2\n\nbody", ["no_header"]),
        (b"A: 1\n \nB: 2\n\nbody", b"body", []),
        (b"A: 1\n \nHello\n\nbody", b"Hello\n\nbody", ["no_blank_line"]),
        (b"A: 1\n--x: 2\nB: 3\n\nbody", b"body", []),
        (b"A: 1\r\r\nB: 2\r\r\n\r\r\nbody", b"body", []),
        (b"From x@mail.example Fri Jan  2 10:00:00 2026\nA: 1\n\nbody", b"body", []),
        (b">From x@mail.example\nA: 1\n\nbody", b"body", []),
        (b"From x@mail.example", b"", []),
        (b"\r\n\n\nA: 1\n\nbody", b"body", []),
        (b"   \t\r\n \nA: 1\n\nbody", b"body", []),
        (b" \n \nHello there\n", b"Hello there\n", ["no_header"]),
        (b" A: 1\n\nbody", b" A: 1\n\nbody", ["no_header"]),
        (b"\n\n", b"", []),
        (b"A: 1\n\n--b\nbody", b"--b\nbody", []),
        (b"--b\nbody", b"--b\nbody", ["no_header"]),
        (b"--b\r--body", b"--b\r--body", ["no_header"]),
    ],
)
def test_header_and_body_are_told_apart(raw: bytes, body: bytes, defects: list[str]) -> None:
    """The first line that is no field ends the header, and costs no text of a person."""
    assert bodies(raw) == [body]
    assert codes(raw) == defects


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_parameters_that_lost_their_blanks(line_end: bytes) -> None:
    """In the header of a part a parameter at the beginning of a line belongs to the field above, if that goes on."""
    head = b"Content-Type: a/b;\nname=x;\nsize=1\nContent-Disposition: attachment;\nfilename=y\n\nbody\n--b--"
    root, defects = read_parts((MULTI + b"--b\n" + head).replace(b"\n", line_end), Limits())

    assert root.children[0].fields == (
        ("content-type", "a/b; name=x; size=1"),
        ("content-disposition", "attachment; filename=y"),
    )
    assert defects == ()


def test_text_that_looks_like_a_parameter_is_text() -> None:
    """Without a semicolon before it, and in the header of the mail, such a line ends the header."""
    assert bodies(MULTI + b"--b\nContent-Type: text/plain\nx=1\n--b--") == [b"x=1"]
    assert bodies(b"Content-Type: text/plain;\ncharset=x\n\nbody") == [b"charset=x\n\nbody"]


@pytest.mark.parametrize(
    ("header", "fields"),
    [
        (b"Content-Type: text/plain; charset=koi8-r\nSubject: \xf0\xd2\xc9", ("subject", "При")),
        (b"Content-Type: text/plain; charset=big5\nFrom: \xa4@x.example", ("from", "¤@x.example")),
        (b"Content-Type: text/plain\nSubject: \xe4", ("subject", "ä")),
        (b"X: 1\nSubject: " + "Где мой заказ?".encode("koi8-r"), ("subject", "Где мой заказ?")),
        (
            b"Content-Type: text/html; charset=iso-8859-1\nSubject: " + "Где же мой заказ номер 7?".encode("cp1251"),
            ("subject", "Где же мой заказ номер 7?"),
        ),
    ],
)
def test_raw_subject_has_the_charset_of_the_text(header: bytes, fields: tuple[str, str]) -> None:
    """A raw subject is read as the mail's text is; not so an address, in which a charset could swallow a sign.

    What the text declares out of habit, and what it does not declare, is told by the letters.
    """
    assert read_parts(header + b"\n\n", Limits())[0].fields[1] == fields


def test_header_over_the_limit_is_cut() -> None:
    """A header over the limit is read up to it, and the body is found all the same."""
    raw = b"A: 1\n" * 100 + b"\nbody"

    assert bodies(raw, Limits(header_bytes=50)) == [b"body"]
    assert len(read_parts(raw, Limits(header_bytes=50))[0].fields) == 10
    assert codes(raw, Limits(header_bytes=50)) == ["header_too_large"]


@pytest.mark.parametrize(
    ("raw", "fields", "body"),
    [
        (b"A: " + b"x" * 100 + b"\n\nbody", [("a", "x" * 47)], b"body"),
        (b"A: 1\nB" + b"x" * 100 + b": 2\n\nbody", [("a", "1")], b"body"),
        (b"x" * 100, [], b"x" * 100),
        (b"hello\n" * 100, [], b"hello\n" * 100),
        (b"A: 1\n" + b"hello\n" * 100, [("a", "1")], b"hello\n" * 100),
    ],
)
def test_no_text_is_lost_at_the_limit_of_the_header(raw: bytes, fields: list[tuple[str, str]], body: bytes) -> None:
    """A field over the limit is cut, and long text without a header is text."""
    root, _ = read_parts(raw, Limits(header_bytes=50))

    assert list(root.fields) == fields
    assert raw[root.body :] == body


def test_unclosed_multiparts_end_with_the_mail() -> None:
    """A multipart without its end holds what there is."""
    raw = MULTI + b"--b\nContent-Type: multipart/mixed; boundary=c\n\n--c\n\nx\n--b\n\ny"

    assert bodies(raw) == [b"x", b"y"]
    assert codes(raw) == ["unclosed_boundary", "unclosed_boundary"]


def test_same_boundary_inside_and_outside() -> None:
    """A boundary used twice belongs to the innermost multipart, and then to the outer one again."""
    raw = MULTI + b"--b\n" + MULTI + b"--b\n\nx\n--b--\n--b\n\ny\n--b--\n"

    assert bodies(raw) == [b"x", b"y"]


def test_boundary_as_part_of_a_longer_line_is_text() -> None:
    """Only a whole line is a boundary, white space at its end apart."""
    assert bodies(MULTI + b"--b \t\n\nx --b\n--bb\n--b--x\n-- b\n--b--\n") == [b"x --b\n--bb\n--b--x\n-- b"]


@pytest.mark.parametrize("value", ["multipart/mixed", 'multipart/mixed; boundary=""'])
def test_missing_boundary_is_taken_from_the_text(value: str) -> None:
    """Without a boundary parameter the first line that looks like one is used."""
    raw = f"Content-Type: {value}\n\n--guess\n\nx\n--guess--\n".encode()

    assert bodies(raw) == [b"x"]
    assert codes(raw) == ["no_boundary"]


@pytest.mark.parametrize("body", [b"text", b"--\ntext", b"--" + b"x" * 80 + b"\ntext", b"--x--\ntext"])
def test_multipart_whose_boundary_nobody_knows(body: bytes) -> None:
    """Where no line can be a boundary the multipart has no parts, and its text is kept."""
    assert bodies(b"Content-Type: multipart/mixed\n\n" + body) == [body]


def test_multipart_without_parts() -> None:
    """A multipart whose boundary never comes is a part of its own."""
    assert bodies(MULTI + b"nothing here") == [b"nothing here"]


def test_depth_limit() -> None:
    """What lies too deep is one part, up to the boundary around it."""
    raw = MULTI + b"--b\nContent-Type: multipart/mixed; boundary=c\n\n--c\n\nx\n--c--\n--b\n\ny\n--b--\n"
    root, defects = read_parts(raw, Limits(depth=1))

    assert [child.too_deep for child in root.children] == [True, False]
    assert bodies(raw, Limits(depth=1)) == [b"--c\n\nx\n--c--", b"y"]
    assert [defect.code for defect in defects] == ["too_deep"]


def test_limit_of_parts() -> None:
    """Parts over the limit are left out, and that is told."""
    raw = MULTI + b"--b\n\nx\n" * 10 + b"--b--\n"

    assert len(bodies(raw, Limits(parts=5))) == 4
    assert "too_many_parts" in codes(raw, Limits(parts=5))


def test_limit_of_lines_of_dashes() -> None:
    """Lines of dashes over the limit are not looked at."""
    assert bodies(MULTI + b"--x\n" * 5 + b"--b\n\nx\n--b--", Limits(dash_lines=4)) == [
        b"--x\n" * 5 + b"--b\n\nx\n--b--"
    ]


@pytest.mark.parametrize(
    ("value", "media_type", "defects"),
    [
        ("text/html; charset=x", "text/html", []),
        ("Text", "text/plain", []),
        ("html", "text/html", []),
        ("", None, ["bad_content_type"]),
        (";;;=;", None, ["bad_content_type"]),
        ("a b/c", None, ["bad_content_type"]),
        ("a/b" + "; p=x" * 200, "a/b", ["too_many_parameters"]),
    ],
)
def test_content_types(value: str, media_type: str | None, defects: list[str]) -> None:
    """A usable Content-Type is read, an unusable one is none."""
    raw = f"Content-Type: {value}\n\n".encode()

    assert read_parts(raw, Limits())[0].media_type == media_type
    assert codes(raw) == defects


def test_repeated_faults_are_told_a_few_times() -> None:
    """A fault in each of many parts is told three times."""
    assert codes(MULTI + b"--b\nContent-Type: ;\n\nx\n" * 10 + b"--b--\n") == ["bad_content_type"] * 3


def test_disposition_encoding_and_file_name() -> None:
    """Disposition and encoding are in lower case; the disposition's file name comes before the type's."""
    root, _ = read_parts(
        b"Content-Type: a/b; name=x\nContent-Disposition: Attachment; filename=y\n"
        b'Content-Transfer-Encoding: "BASE64" (comment)\n\nYQ==',
        Limits(),
    )

    assert (root.disposition, root.filename, root.encoding) == ("attachment", "y", "base64")
    assert root.content(b"x" * root.body + b"YQ==") == (b"a", None)


def test_too_many_disposition_parameters_are_told() -> None:
    """The limit of parameters holds for the disposition, too."""
    assert codes(b"Content-Disposition: inline" + b"; a=b" * 200 + b"\n\n") == ["too_many_parameters"]


def test_parts_of_a_digest_are_mails() -> None:
    """Without a type a part of a digest is a mail (RFC 2046 5.1.5)."""
    root, _ = read_parts(b"Content-Type: multipart/digest; boundary=b\n\n--b\n\nx\n--b--", Limits())

    assert root.children[0].media_type == "message/rfc822"


PIECES = [
    b"--b\n", b"--b--\n", b"--c\n", b"\r", b"\n", b"\r\n", b"A: 1\n", b" x", b"--", MULTI, b"\xff", b"\0",
    b"Content-Type: multipart/mixed; boundary=c\n\n",
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=30))
def test_no_bytes_raise_and_parts_lie_within_the_mail(pieces: list[bytes]) -> None:
    """Every part lies within the mail, after the one before it."""
    raw = b"".join(pieces)
    place = 0
    for leaf in leaves(read_parts(raw, Limits(depth=3, parts=8))[0]):
        assert place <= leaf.start <= leaf.body <= leaf.end <= len(raw)
        place = leaf.start
