"""Parameters of Content-Type and Content-Disposition (RFC 2045, RFC 2231)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customerservice.mail.parameters import read_parameters


@pytest.mark.parametrize(
    ("value", "head", "parameters"),
    [
        ("text/plain", "text/plain", {}),
        (" Text/Plain ; Charset=UTF-8", "text/plain", {"charset": "UTF-8"}),
        ('a/b; name="x; y.txt"', "a/b", {"name": "x; y.txt"}),
        ('a/b; name="a \\"b\\" c"', "a/b", {"name": 'a "b" c'}),
        ('a/b; name="C:\\dir\\x.txt"', "a/b", {"name": "C:\\dir\\x.txt"}),
        ('a/b; name="unclosed', "a/b", {"name": "unclosed"}),
        ('a/b; name="', "a/b", {"name": ""}),
        ("a/b; name=x y.txt", "a/b", {"name": "x y.txt"}),
        ("a/b; name=a; NAME=b", "a/b", {"name": "a"}),
        ("a/b; name==?utf-8?q?=C3=A4.txt?=", "a/b", {"name": "ä.txt"}),
        ("a/b; filename*=utf-8''%C3%A4.txt; filename=x", "a/b", {"filename": "ä.txt"}),
        ("a/b; filename*=iso-8859-1'en'%E4", "a/b", {"filename": "ä"}),
        ("a/b; filename*=idna''aaa%FF", "a/b", {"filename": "aaaÿ"}),
        ("a/b; filename*=plain", "a/b", {"filename": "plain"}),
        ("a/b; f*0=a; f*1=b; f*2=c", "a/b", {"f": "abc"}),
        ("a/b; f*1*=%A4; f*0*=utf-8''%C3", "a/b", {"f": "ä"}),
        ("a/b; f*0*=utf-8''%C3%A4; f*1=\"%20\"", "a/b", {"f": "ä%20"}),
        ("a/b; f*0=a; f*2=c", "a/b", {"f": "a"}),
        ("a/b; f*1=b", "a/b", {}),
        ("a/b; f*999999999999=b", "a/b", {"f*999999999999": "b"}),
        ("a/b; =x; ; y", "a/b", {"y": ""}),
        (";;;=;", "", {}),
        ("; charset=x", "", {"charset": "x"}),
        ("", "", {}),
        ("a/b; name=\"x\r\n\0y\"", "a/b", {"name": "x \ufffdy"}),
    ],
)  # fmt: skip
def test_forms(value: str, head: str, parameters: dict[str, str]) -> None:
    """Plain, quoted, encoded, extended and continued parameters, and what is left of broken ones."""
    assert read_parameters(value) == (head, parameters, False)


def test_limit_of_parameters() -> None:
    """Parameters beyond the limit are left out, and that is told."""
    head, parameters, cut = read_parameters("a/b" + "".join(f"; p{number}=x" for number in range(20)), limit=10)

    assert (head, len(parameters), cut) == ("a/b", 10, True)


def test_limit_without_a_head() -> None:
    """The limit holds also where nothing stands before the first semicolon."""
    assert read_parameters(";" + ";a=b" * 20, limit=5)[2]


@given(st.text(alphabet="ab;=*0'\"\\% \n", max_size=60))
def test_no_value_raises(value: str) -> None:
    """Any text is read, and every value is on one line."""
    assert all("\n" not in text for text in read_parameters(value)[1].values())


def test_no_more_of_a_value_is_decoded_than_a_name_can_have() -> None:
    """Charsets of East Asia are decoded slowly, and a mail may have a thousand names."""
    parameters = read_parameters("image/png; name=" + "=?utf-8?q?ab?= " * 1_000)[1]

    assert parameters["name"].startswith("ababab")
    assert len(parameters["name"]) < 1_000
