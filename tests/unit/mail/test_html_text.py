"""HTML into text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customerservice.mail.html_text import html_to_text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("", ""),
        ("plain &amp; &lt;simple&gt;&nbsp;x", "plain & <simple> x"),
        ("  a \n\t b  ", "a b"),
        ("<p>a</p><p>b</p>", "a\n\nb"),
        ("<div>a</div><div>b<br>c</div>", "a\nb\nc"),
        ("a<br><br>b", "a\n\nb"),
        ("<b>a</b> <i>b</i><u> c</u>", "a b c"),
        ("<b>a</b><i>b</i>", "ab"),
        ("<ul><li>a</li><li>b</li></ul>c", "- a\n- b\n\nc"),
        ("<ol><li>a<li>b</ol>", "1. a\n2. b"),
        ("<li>a", "- a"),
        ("</ul></pre></blockquote>a", "a"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><th>c</th><td>d</td></tr></table>", "a\tb\nc\td"),
        ("<pre>a\n  b\r\n\nc</pre>d", "a\n  b\n\nc\n\nd"),
        ("<pre>a</pre>", "a"),
        ("<h1>a</h1>b", "a\n\nb"),
        ("a<hr>b", "a\n\n---\nb"),
        ('<a href="https://x.example/a?b&amp;c">link</a>', "link <https://x.example/a?b&c>"),
        ("<a href=https://x.example>https://x.example/</a>", "https://x.example/"),
        ("<a href='https://x.example'>x.example</a>", "x.example"),
        ("<a href='mailto:a@x.example'>Anna</a>", "Anna <a@x.example>"),
        ("<a href='mailto:a@x.example'>a@x.example</a>", "a@x.example"),
        ("<a href='javascript:alert(1)'>x</a>", "x"),
        ("<a href='https://x.example'><img src=y></a>", ""),
        ("<a name=x>y</a></a>", "y"),
        ('<img alt="a &amp; b" src=x>', "[a & b]"),
        ("<img alt='' src=x><img src=y>", ""),
        ("<blockquote>a<blockquote>b</blockquote></blockquote>c", "> a\n>\n> > b\n\nc"),
        ("<style>a{}</style><script>b</script><title>c</title>d", "d"),
        ("<STYLE>x<p></Style >d", "d"),
        ("<style>never closed", "never closed"),
        ("<style><style>never closed", "never closed"),
        ("<!-- a > b -->c<!doctype x>d<?xml ?>e", "cde"),
        ("<!-- never closed > a", "a"),
        ("<!-- a > b <!-- c > d", "b d"),
        ("a<!-- never closed", "a<!-- never closed"),
        ("a < b > c", "a < b > c"),
        ("a <3 b", "a <3 b"),
        ("</>a</ b>", "</>a</ b>"),
        ("<b title='>'>a</b>", "a"),
        ("<b title='x>a", "a"),
        ("<b 'x>a<b 'x>b<b 'x>c<b 'x>d<b 'x>e", "bde"),
        ("<div style='display:none'>a<div>b</div></div>c", "c"),
        ("<div style='DISPLAY : NONE'>a</div>c", "c"),
        ("<span hidden>a</span>c", "c"),
        ("<span class=hidden-xs>a</span>c", "ac"),
        ("<p style='display:none'>never closed", "never closed"),
        ("&#0;&#xD800;&#99999999999999999999;&#x41;", "\ufffd\ufffd\ufffdA"),
        ("&#" + "9" * 5_000 + ";", "\ufffd"),
        ("a\0b", "a\ufffdb"),
    ],
)
def test_text_reads_as_a_person_would_write_it(html: str, text: str) -> None:
    """Blocks, lists, cells, links, pictures, quotes, hidden parts and broken markup."""
    assert html_to_text(html).text == text


@pytest.mark.parametrize(
    "html",
    [
        "new<div class='gmail_quote'>On x wrote:<blockquote>old</blockquote></div>",
        "new<div class='gmail_quote'>old<div>older</div></div>",
        "new<blockquote type='cite'>old</blockquote>",
        'new<div id="divRplyFwdMsg">From: x</div><div>old</div>',
        "new<div id=appendonsend></div><div>old</div>",
        "new<hr id='stopSpelling'>old",
        'new<div class="x protonmail_quote">old</div>',
    ],
)
def test_marked_quotations_are_told(html: str) -> None:
    """What mail programs mark as quoted is told as ranges of the text."""
    found = html_to_text(html)

    assert len(found.quotes) == 1
    start, end = found.quotes[0]
    assert found.text[:start].strip() == "new"
    assert end == len(found.text)


def test_text_behind_a_marked_quotation_is_new() -> None:
    """A quotation ends where its element ends."""
    found = html_to_text("<div class=gmail_quote>old</div><div>new</div><div class=gmail_quote>older</div>")

    assert [found.text[start:end].strip() for start, end in found.quotes] == ["old", "older"]


@pytest.mark.parametrize(
    "html",
    [
        "<p class=gmail_quotes>x",
        "<div class='gmail_quote'></div>x",
        "<blockquote>x</blockquote>",
        "<div id=divRplyFwdMsg>",
    ],
)
def test_other_markup_is_no_quotation(html: str) -> None:
    """Only the marks of known programs count, and only around text."""
    assert html_to_text(html).quotes == ()


def test_dividers_inside_a_quotation_change_nothing() -> None:
    """Older marks inside a quotation belong to it."""
    html = "new<div class=gmail_quote>old<div id=appendonsend></div><blockquote type=cite>older</blockquote></div>after"

    assert len(html_to_text(html).quotes) == 1


def test_structure_is_read_up_to_a_limit() -> None:
    """Behind the limit tags are only taken out, so that no text is lost and no time is wasted."""
    assert html_to_text("<p>a</p>" * 10 + "<p>b</p>", closely=60).text.endswith("a b")
    assert html_to_text("<p>" * 50_001 + "a<p>b").text == "a b"


@given(st.text(alphabet="<>/!-='\" abpdivhref&#;\n", max_size=120))
def test_no_html_raises(html: str) -> None:
    """Any text is read, and the quotations lie within it."""
    found = html_to_text(html)

    assert all(0 <= start < end <= len(found.text) for start, end in found.quotes)
