"""HTML into text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customerservice.mail.html_text import html_to_text

WORD_LIST = """<p class=MsoListParagraph style='mso-list:l0 level1 lfo1'><![if !supportLists]>
<span style='mso-list:Ignore'>·<span>&nbsp;&nbsp; </span></span><![endif]>a</p>
<p style='mso-list:l0 level2 lfo1'><span style='mso-list:Ignore'>1.<span>&nbsp;</span></span>b</p>
<p style='mso-list:l0 level1 lfo1'>c</p>"""


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
        ("<div style='overflow:hidden'>a</div>", "a"),
        ("<div style='overflow: hidden !important'>a</div>", "a"),
        ("<div hidden=''>a</div>c", "c"),
        ("<span style='visibility:hidden'>a</span>c", "c"),
        ("<span style='max-height:0px;overflow:hidden'>a</span>c", "c"),
        ("<span style='max-height:0.5em'>a</span>c", "ac"),
        ("<span style='opacity:0'>a</span>c", "c"),
        ("<span style='opacity:0.8'>a</span>c", "ac"),
        ("<span style='font-size:0;color:transparent'>a</span>c", "c"),
        ("<div style='height:0;overflow:hidden'>a</div>c", "c"),
        ("<td style='font-size:0px'><div style='font-size:13px'>a</div></td>", "a"),
        ("a&zwnj;&nbsp;&zwnj;&nbsp;&#8203;&#847; &#65279;&#8199;&shy;b", "a b"),
        ("Ge&shy;schenk&#8203;papier a<wbr>b", "Geschenkpapier ab"),
        ("می\u200cخواهم 👩\u200d💻", "می\u200cخواهم 👩\u200d💻"),
        ("a<br><br><br><br>b", "a\n\nb"),
        ("<p>a</p><p><br></p><p>b</p>", "a\n\nb"),
        ("<pre>a\n\n\nb</pre>", "a\n\n\nb"),
        ("<div style='white-space: pre-wrap'>a\n  b<div>c</div></div>d e", "a\n  b\nc\nd e"),
        ("<span style='white-space:pre'>a  b</span>  c", "a  b c"),
        ("<p class=MsoNormal>a</p><p class=MsoNormal><o:p>&nbsp;</o:p></p><p class=MsoNormal>b</p>", "a\n\nb"),
        ("<p class=MsoNormal>a</p><p class=MsoNormal>b</p><p>c</p>", "a\nb\n\nc"),
        ("<p style='margin: 0px'>a<p style='margin:0'>b", "a\nb"),
        ("<p style='margin:0 0 1em'>a</p><p>b</p>", "a\n\nb"),
        ("<ul><li><p>a</p></li><li><p>b</p><ul><li>c</li></ul></li></ul>d", "- a\n- b\n  - c\n\nd"),
        ("<ol start=3><li>a</li><li value=7>b</li><li>c</li></ol>", "3. a\n7. b\n8. c"),
        ("<ol start=-1><li>a</ol><ol start=99999999><li>b</ol>", "1. a\n\n1. b"),
        ("<ul><li></li><li>b</li></ul>", "- b"),
        ("<ul><li><pre>  a</pre></li></ul>", "-   a"),
        (
            WORD_LIST,
            "- a\n  1. b\nc",
        ),
        ("<span style='mso-list:Ignore'> </span>a", "a"),
        ("<span style='mso-list:Ignore'>§<b>a", "§a"),
        ("<span>a</span><div style='white-space:pre'>b<span>  c</span></div>", "a\nb  c"),
        ("<div style='display:none'><p>a</p></div>b", "b"),
        ("&amp" * 500_001, "&amp" * 500_001),
        ("<![if !mso]>a<![endif]><!--[if mso]>b<![endif]--><!--[if !mso]><!-->c<!--<![endif]--><o:p></o:p>", "ac"),
        ("<xml><o:PixelsPerInch>96</o:PixelsPerInch></xml><svg><text>x</text></svg>a", "a"),
        ("<a href='https://click.example/?u=1'>www.shop.example/a</a>", "www.shop.example/a"),
        ("<a href='https://click.example/?u=1'>https://shop.example</a>", "https://shop.example"),
        ("<a href='mailto:a@x.example?subject=x'>Anna</a>", "Anna <a@x.example>"),
        ("<a href='https://x.example/?a=1&copy=2&amp;b'>x</a>", "x <https://x.example/?a=1&copy=2&b>"),
        ("<a href='https://x.example'><div>Go</div></a>on", "Go <https://x.example>\non"),
        ("<img src='cid:a@x'>", "[a.png]"),
        ("<img src='cid:image001.png@01DA.02'> <img src='cid:unknown@x'>", "[image001.png]"),
        ("<img alt='🙂' src=x> <img alt='counter' width=1 src=x>", "🙂"),
        ("<blockquote style='margin:0 0 0 40px;border:none;padding:0px'>a</blockquote>b", "a\n\nb"),
        ("<table><tr><td><table><tr><td>a</td></tr></table></td><td>b</td></tr></table>", "a\n\nb"),
        ("<div dir=rtl>שלום <b>עולם</b></div>", "שלום עולם"),
        ("&euro 5 &Uuml;ber &#x20AC", "&euro 5 Über €"),
    ],
)
def test_text_reads_as_a_person_would_write_it(html: str, text: str) -> None:
    """Blocks, lists, cells, links, pictures, quotes, hidden parts and broken markup."""
    assert html_to_text(html, pictures={"a@x": "a.png"}).text == text


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
    """Behind the limit only lines are kept, so that no text is lost and no time is wasted."""
    assert html_to_text("<p>a</p>" * 10 + "<p>b  <b>c</b></p>\nd", closely=60).text.endswith("\na\nb c\nd")
    assert html_to_text("<p>" * 50_001 + "a<p>b").text == "a\nb"


def test_what_is_not_read_is_not_read_behind_the_limit() -> None:
    """Styles and scripts are no text there either, closed or not."""
    html = "<p>a</p>" * 10 + "<p>b<STYLE>x</b></STYLE>c<script>y</script >&amp;d<style></style><title>z"

    assert html_to_text(html, closely=60).text.endswith("\nb\nc\n&d")


@given(st.text(alphabet="<>/!-='\" abpdivhref&#;\n", max_size=120))
def test_no_html_raises(html: str) -> None:
    """Any text is read, and the quotations lie within it."""
    found = html_to_text(html)

    assert all(0 <= start < end <= len(found.text) for start, end in found.quotes)
