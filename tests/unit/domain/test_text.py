"""The normaliser of texts."""

from hypothesis import given
from hypothesis import strategies as st

from customerservice.domain.text import one_line, storable

anything = st.text(st.characters() | st.sampled_from("\x00\ud800\udfff\udcff\r\n\t \u2028\x85\u00a0"))


def test_only_what_no_database_holds_is_replaced() -> None:
    """NUL and lone surrogates; everything else stays, line ends and trailing blanks too."""
    assert storable("a\x00b\ud83dc\udfffd\r\n e😀\ufffe ") == "a\ufffdb\ufffdc\ufffdd\r\n e😀\ufffe "


@given(anything)
def test_storable_text_encodes_and_is_not_cut(text: str) -> None:
    """As long as before, UTF-8 without NUL, and storable already."""
    result = storable(text)

    assert len(result) == len(text)
    assert b"\x00" not in result.encode()
    assert storable(result) == result


def test_one_line_joins_with_single_blanks() -> None:
    """White space of every kind and control characters."""
    assert one_line(" a\r\n\tb\x0b\x1f\x7f\x85c\u2028\u2029d\u00a0e\x00 ") == "a b c d e\ufffd"
    assert one_line("a  b ") == one_line("a b") == "a b"


@given(anything)
def test_one_line_is_one_line(text: str) -> None:
    """Printable by any list, storable, and one line already."""
    result = one_line(text)

    assert len(result.splitlines()) <= 1
    assert result == result.strip() == one_line(result) == storable(result)
