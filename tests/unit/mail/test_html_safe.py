"""HTML made safe to show."""

import re

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


@pytest.mark.parametrize(
    "html",
    [
        "x" * 1_000_001,
        "<b>" * 100_001,
        "&" * 100_001,
        "<div>" * 401,
        "<div/>" * 401,
        "<div></b>" * 401,
        "<div><!--</div>-->" * 401,
        "<div><!x </div>" * 401,
        "<div></ </div>" * 401,
        "<div><style></div></style>" * 401,
        "<div><svg><style><i></style>" * 201,
        "<p " + "a=b " * 30_000 + ">",
    ],
)
def test_html_that_would_take_long_becomes_text(html: str) -> None:
    """Too long, too deep (however the depth is hidden) or too crowded HTML is shown as its escaped text."""
    assert safe_html(html).startswith("<pre>")


def test_fallback_text_is_escaped() -> None:
    """The text of HTML that cannot be cleaned is no HTML again."""
    assert safe_html("<div>" * 401 + "&lt;script&gt;") == "<pre>&lt;script&gt;</pre>"


def test_ordinary_newsletters_are_not_too_deep() -> None:
    """Many elements beside each other, and elements without end tags, are no depth."""
    html = "<table><tr><td><p>a<br><b>b</b></table>" * 1_000

    assert not safe_html(html).startswith("<pre>")


def test_closing_what_was_never_opened_counts_nothing() -> None:
    """End tags of their own do not lower the depth below nothing."""
    assert safe_html("</div>" * 500 + "<div>x</div>") == "<div>x</div>"
