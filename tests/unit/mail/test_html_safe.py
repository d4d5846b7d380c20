"""HTML made safe to show."""

import re
import time

import pytest

from customerservice.mail.html_safe import safe_html


@pytest.mark.parametrize(
    "html",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<a href='javascript:alert(1)'>x</a>",
        "<a href='java\tscript:alert(1)'>x</a>",
        "<a href='&#106;avascript:alert(1)'>x</a>",
        "<a href='data:text/html,<script>alert(1)</script>'>x</a>",
        "<a href='vbscript:alert(1)'>x</a>",
        "<a href='//evil.example'>x</a>",
        "<svg><script>alert(1)</script></svg>",
        "<svg><animate onbegin=alert(1) attributeName=x></svg>",
        "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)></style></table></mtext></math>",
        "<style>@import url(http://evil.example)</style>",
        "<p style='background:url(http://evil.example)'>x</p>",
        "<table background='http://evil.example'><tr><td>x</table>",
        "<img srcset='http://evil.example 2x'>",
        "<img src='data:image/svg+xml;base64,AAAA'>",
        "<base href='http://evil.example'>",
        "<meta http-equiv=refresh content='0;url=http://evil.example'>",
        "<form action='http://evil.example'><input name=x><button>x</button></form>",
        "<iframe src='http://evil.example'></iframe>",
        "<object data='http://evil.example'></object><embed src='http://evil.example'>",
        "<link rel=stylesheet href='http://evil.example'>",
        "<blockquote cite='http://evil.example'>x</blockquote>",
        "<div id=x name=y class=z position=fixed>x</div>",
        "<!--[if mso]><script>alert(1)</script><![endif]-->",
        "<template><img src=x onerror=alert(1)></template><noscript><p title='</noscript><img onerror=alert(1)>'>",
        "<a href='http://x.example' ping='http://evil.example' target=_top>x</a>",
    ],
)
def test_nothing_runs_loads_or_breaks_out(html: str) -> None:
    """Attacks of every kind come out without anything that a browser would run or load."""
    shown = safe_html(html).lower()

    assert "evil.example" not in shown
    assert "alert" not in re.sub(r">[^<]*<", "><", f">{shown}<") or "=" not in shown
    for forbidden in (
        "<script",
        "<style",
        "<svg",
        "<math",
        "onerror",
        "javascript:",
        "vbscript:",
        "style=",
        "id=",
        "<form",
    ):
        assert forbidden not in shown


def test_ordinary_formatting_stays() -> None:
    """What a person formats stays as it is."""
    html = (
        '<p dir="ltr">a <b>b</b><br><img alt="c" width="1"></p>'
        '<table><tbody><tr><td colspan="2">d</td></tr></tbody></table>'
    )

    assert safe_html(html) == html


def test_links_tell_nobody_and_open_nothing_here() -> None:
    """A link to the web stays, with the marks that protect the page it stands in."""
    assert safe_html('<a href="https://x.example/">x</a>') == (
        '<a href="https://x.example/" rel="noopener noreferrer nofollow">x</a>'
    )


def test_remote_pictures_are_blocked() -> None:
    """A picture elsewhere is not loaded; where it is stands in an attribute that browsers ignore."""
    assert safe_html('<img src="https://x.example/p?a=1&amp;b=2">') == (
        '<img data-blocked-src="https://x.example/p?a=1&amp;b=2">'
    )


def test_nobody_can_write_the_mark_of_a_blocked_picture() -> None:
    """Text that looks like our mark stays text."""
    html = '<p>src="blocked-0123456789abcdef0123456789abcdef:x"</p>'

    assert safe_html(html) == html


def test_pictures_of_the_mail_are_resolved_by_the_caller() -> None:
    """A cid: picture gets the address that the caller gives, or none."""
    html = '<img src="cid:a@x"><img src="CID:b@x">'

    assert safe_html(html, cid=lambda content_id: f"/files/{content_id}" if content_id == "a@x" else None) == (
        '<img src="/files/a@x"><img>'
    )
    assert safe_html(html) == "<img><img>"


def styled(count: int) -> str:
    """Give that many formatting elements without end, no two alike."""
    return "<p>" + "".join(f"<font size={number}>" for number in range(count))


@pytest.mark.parametrize(
    "html",
    [
        "x" * 1_000_001,
        "<b>" * 16_001,
        "&" * 100_001,
        "<p " + "a=b " * 30_000 + ">",
        styled(400) + "<p>x" * 600,
        styled(400) + "</div>" * 400 + "</font>" * 400 + "<p>x" * 600,
        styled(400).replace(">", "><!--") + "-->" + styled(700),
        styled(400) + "<!-->" + "<p>x" * 600 + "-->",
        styled(400) + "<!--a--!>" + "<p>x" * 600 + "-->",
        styled(400) + "<p title='>'>x" * 600,
        "".join(f"<div><font size={number} title='></font>'>x</div>" for number in range(700)),
        "".join(f"<table><font size={number}><td></font></table>" for number in range(700)),
        "".join(f"<font size={number}><table></font></table>" for number in range(700)),
        "<svg><![CDATA[<!--]]>",
        "<select><title>",
        "<script><!--<SCRIPT></script>",
    ],
)
def test_html_that_would_take_long_becomes_text(html: str) -> None:
    """Too long or too crowded HTML, and elements opened anew in each block, are shown as their escaped text."""
    assert safe_html(html).startswith("<pre>")


@pytest.mark.parametrize(
    "html",
    [
        "<!--a>" * 16_000,
        "<!-->" + "<div>" * 15_990 + "-->",
        "<li><dd>" * 8_000,
        "<div><table></div></table>" * 4_000,
        "<div><script><!--<script></script></div></script>" * 2_600,
        "<font>" * 16_000,
        "<style>" * 16_000,
        "<a title='" * 16_000 + ">",
        styled(620) + "</font>" * 620,
        styled(400) + "<p>x" * 80,
    ],
)
def test_cleaning_takes_no_time(html: str) -> None:
    """However the depth is hidden, and whatever has no end."""
    began = time.process_time()
    safe = safe_html(html)

    assert time.process_time() - began < 2
    assert len(safe) < 3_000_000


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<style>p > a {}<b></style><i>x</i>", "<i>x</i>"),
        ("<script>if (a < b) c('<b>')</script>x", "x"),
        ("1 < 2 <b>x</b>", "1 &lt; 2 <b>x</b>"),
        ("x<!doctype html><?xml a?></ b>y", "xy"),
        ("x<!--<b>-->y<!---->z", "xyz"),
        ("x<plaintext><b>", "x&lt;b&gt;"),
        ("<svg><path d='a'/></svg>x", "x"),
        ("x<!--", "x"),
        ("<b>x</b><a href='", "<b>x</b>"),
        ("<b>a</b>" * 1_000, "<b>a</b>" * 1_000),
        ("<table><tbody><tr><td><font>a</font></td></tr></tbody></table>", None),
    ],
)
def test_what_is_no_tag_costs_nothing(html: str, text: str | None) -> None:
    """Comments, declarations, scripts and styles, and what only looks like a tag."""
    safe = safe_html(html)

    assert not safe.startswith("<pre>")
    assert text is None or safe == text


def test_fallback_text_is_escaped() -> None:
    """The text of HTML that cannot be cleaned is no HTML again."""
    assert safe_html("<div>" * 16_001 + "&lt;script&gt;") == "<pre>&lt;script&gt;</pre>"


def test_ordinary_newsletters_are_not_too_deep() -> None:
    """Many elements beside each other, and elements without end tags, are no depth."""
    html = "<table><tr><td><p>a<br><b>b</b></table>" * 1_000

    assert not safe_html(html).startswith("<pre>")


def test_closing_what_was_never_opened_counts_nothing() -> None:
    """End tags of their own do not lower the depth below nothing."""
    assert safe_html("</div>" * 500 + "<div>x</div>") == "<div>x</div>"
