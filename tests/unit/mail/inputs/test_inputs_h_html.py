"""Bad input of HTML: what would run, load, overlay or take for ever, and HTML where no HTML belongs."""

import html
import time
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mail_samples import mail, part, with_parts
from registry import bad_input

from customerservice.domain.files import safe_filename
from customerservice.mail import parse
from customerservice.mail.html_safe import safe_html

GUARD = 5.0  # seconds; five times the bound, since machines that test are slow

#: Everything that may come out, and nothing else; `src` only where the caller gave it.
ATTRIBUTES = {"dir", "lang", "title", "align", "href", "rel", "src", "data-blocked-src", "alt", "width", "height",
              "start", "colspan", "rowspan"}  # fmt: skip
ACTIVE = {"script", "style", "svg", "math", "iframe", "object", "embed", "form", "input", "button", "link", "meta",
          "base", "template", "noscript", "textarea", "select", "video", "audio", "source", "frame", "frameset",
          "applet", "xml", "title", "body", "html", "head"}  # fmt: skip


class Scanner(HTMLParser):
    """Looks at every tag of what would be shown, as a browser would."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.faults: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ACTIVE or ":" in tag:
            self.faults.append(tag)
        for name, value in attrs:
            told = "".join((value or "").split()).lower()
            if name not in ATTRIBUTES:
                self.faults.append(f"{tag} {name}")
            if name == "src" and not told.startswith("/files/"):
                self.faults.append(f"{tag} src {told[:20]}")
            if name == "href" and not told.startswith(("http://", "https://", "mailto:", "tel:")):
                self.faults.append(f"{tag} href {told[:20]}")
        if tag == "a" and dict(attrs).get("href") and dict(attrs).get("rel") != "noopener noreferrer nofollow":
            self.faults.append("a rel")

    def handle_comment(self, data: str) -> None:
        self.faults.append("comment")

    def handle_decl(self, decl: str) -> None:
        self.faults.append("declaration")


def faults(shown: str) -> list[str]:
    """Give what is wrong with HTML that is to be shown."""
    scanner = Scanner()
    scanner.feed(shown)
    scanner.close()
    return scanner.faults


def shown(text: str) -> str:
    return safe_html(text, cid=lambda content_id: "/files/1" if content_id == "p" else None)


RUNS = [
    "<script>alert(1)</script>", "<scr<script>ipt>alert(1)</script>", "<ScRiPt/x src=//e.example></script>",
    "<img src=x onerror=alert(1)>", "<img/src=x/onerror=alert(1)>", "<body onload=alert(1)>", "<p onclick='x'>a",
    "<a href=javascript:alert(1)>x</a>", "<a href='java&#9;script:alert(1)'>x</a>",
    "<a href='&#x6A&#x61vascript&colon;alert(1)'>x</a>", "<a href=' \x01javascript:alert(1)'>x</a>",
    "<a href='JaVaScRiPt:x'>x</a>", "<a href='vbscript:x'>x</a>", "<a href='data:text/html,<script>x</script>'>x</a>",
    "<a href='data:text/html;base64,PHNjcmlwdD4='>x</a>", "<img src='data:image/svg+xml,<svg onload=x>'>",
    "<svg onload=alert(1)>", "<svg><animate attributeName=href values=javascript:x /></svg>",
    "<svg><a xlink:href='javascript:x'><text>x</text></a></svg>", "<svg><use href='data:image/svg+xml,x#x'></svg>",
    "<svg><foreignObject><script>x</script></foreignObject></svg>",
    "<svg></p><style><a id='</style><img src=1 onerror=x>'>",
    "<math><a href='javascript:x'>x</a></math>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=x&gt;'>",
    "<form><math><mtext></form><form><mglyph><style></math><img src onerror=x>",
    "<noscript><p title='</noscript><img src=x onerror=x>'>", "<template><script>x</script></template>",
    "<title><a title='</title><img src=x onerror=x>'>", "<textarea><img title='</textarea><img src=x onerror=x>'>",
    "<xmp><p title='</xmp><img src=x onerror=x>'>", "<iframe srcdoc='<script>x</script>'></iframe>",
    "<object data='data:text/html,x'></object>", "<embed src='javascript:x'>", "<applet code=x></applet>",
    "<base href='javascript:x//'>", "<meta http-equiv=refresh content='0;url=javascript:x'>",
    "<form action='http://e.example'><input name=password><button formaction='javascript:x'>x</button></form>",
    "<isindex action=javascript:x type=submit>", "<select><option onclick=x>", "<details open ontoggle=x>",
    "<!--[if gte IE 4]><script>x</script><![endif]-->", "<!--><script>x</script>-->", "<!-- --!><script>x</script>",
    "<?xml version='1.0'?><x:script xmlns:x='http://www.w3.org/1999/xhtml'>x</x:script>",
    "<![CDATA[<script>x</script>]]>",
    "<p style='width:expression(alert(1))'>", "<p style='-moz-binding:url(x)'>", "<style>*{x:expression(x)}</style>",
    "<div id=location name=cookie class=admin>", "<div style='position:fixed;top:0;width:100%;height:100%'>pay</div>",
    "<a href=http://x.example target=_blank>x</a>", "<a href=http://x.example rel=opener>x</a>",
    "<a href='//e.example'>x</a>", "<a href='/admin/delete'>x</a>", "<a href='#x'>x</a>",
    "<a href='file:///etc/passwd'>x</a>",
    "<a href='http://x.example' onclick=x ping=//e.example>x</a>", "<plaintext><script>x", "<a\x00 href=javascript:x>",
    "<img src='x' alt='\"><script>x</script>'>", "<table><td background=javascript:x>", "<input autofocus onfocus=x>",
]  # fmt: skip
LOADS = [
    "<img src='http://e.example/pixel.gif' width=1>", "<img src='https://e.example/a' srcset='https://e.example/b 2x'>",
    "<img src=//e.example/a>", "<picture><source srcset=//e.example/a><img></picture>", "<img lowsrc=//e.example>",
    "<img dynsrc=//e.example>", "<table background=//e.example><tr background=//e.example><td>x</table>",
    "<body background=//e.example>", "<video poster=//e.example src=//e.example></video>", "<audio src=//e.example>",
    "<link rel=prefetch href=//e.example>", "<link rel=dns-prefetch href=//e.example>",
    "<link rel=stylesheet href=//e.example>",
    "<style>@import '//e.example'</style>", "<p style='background:url(//e.example)'>",
    "<p style=\"content:url('//e.example')\">",
    "<a ping=//e.example href=http://x.example>x</a>", "<blockquote cite=http://e.example>x</blockquote>",
    "<q cite=http://e.example>x</q>", "<del cite=http://e.example>x</del>", "<iframe src=//e.example></iframe>",
    "<frameset><frame src=//e.example></frameset>", "<object data=//e.example></object>", "<embed src=//e.example>",
    "<svg><image href=//e.example /></svg>", "<svg><feImage xlink:href=//e.example /></svg>",
    "<input type=image src=//e.example>",
    "<meta http-equiv=refresh content='0;url=//e.example'>", "<bgsound src=//e.example>", "<track src=//e.example>",
    "<img longdesc=http://e.example usemap=#x>", "<img src='cid:unknown'>", "<img src='http&colon;//e.example'>",
    "<img src=' HTTP://e.example'>", "<img src='ftp://e.example'>", "<html manifest=//e.example>",
]  # fmt: skip


@pytest.mark.parametrize("text", ["<script>", "<p onclick=x>", "<img src=//x>", "<a href='java script:x'>", "<!--x-->"])
def test_the_scanner_finds_what_is_active(text: str) -> None:
    """What the tests below look with sees what they look for."""
    assert faults(text) != []


@bad_input(102)
@pytest.mark.parametrize("attack", RUNS)
def test_nothing_runs(attack: str) -> None:
    """No script, handler, frame, form, overlay or foreign namespace comes out, however it is written."""
    assert faults(shown(attack)) == []
    assert faults(shown(f"<p>a</p>{attack}<p>b</p>")) == []


@bad_input(103)
@pytest.mark.parametrize("attack", LOADS)
def test_nothing_is_loaded(attack: str) -> None:
    """Looking at a mail asks no server for anything; a blocked picture's address stands where no browser looks."""
    assert faults(shown(attack)) == []


@bad_input(103)
def test_pictures_of_the_mail_are_loaded_from_here() -> None:
    """What the mail brings itself may be shown, under an address that the host gives."""
    assert shown("<img src=cid:p><img src='http://e.example/a?b'>") == (
        '<img src="/files/1"><img data-blocked-src="http://e.example/a?b">'
    )


BOMBS = {
    "20k deep": "<div>" * 20_000,
    "200k deep": "<b>" * 200_000,
    "mixed depth": "<div><span><font>" * 20_000,
    "2 MB of entities": "&amp" * 500_000,
    "unclosed tags": "<p" * 300_000,
    "unclosed quotes": "<a title='" * 100_000,
    "attributes": "<p " + "a=b " * 250_000 + ">",
    "comments": "<!--" * 250_000,
    "closing tags": "</div>" * 160_000,
    "formatting": "<b><i><u>" * 130 + "<p>" * 90_000,
    "tables": "<table><tr><td>" * 30_000,
    "1 MB of text": "x" * 1_000_000,
}


@bad_input(104)
@pytest.mark.parametrize("name", BOMBS)
def test_html_that_would_take_for_ever(name: str) -> None:
    """Size, depth and number of tags are looked at first; what is over the limits is shown as its text."""
    began = time.process_time()
    safe = safe_html(BOMBS[name])

    assert time.process_time() - began < GUARD
    assert faults(safe) == []


@bad_input(105)
def test_html_where_no_html_belongs() -> None:
    """Subject, name and file name are text, given as sent: who shows them escapes them, and can."""
    attack = "<img src=x onerror=alert(1)>"
    file = part("x", "a/b", Content_Disposition=f'attachment; filename="{attack}.pdf"')
    read = parse(with_parts("mixed", [part("Hello"), file], Subject=attack, From=f'"{attack}" <a@x.example>'))

    assert read.subject == attack
    assert read.sender is not None
    assert read.sender.name == attack
    assert faults(html.escape(f"{read.subject}{read.sender.name}")) == []
    assert not set(safe_filename(read.attachments[0].filename)) & set('<>"')


@bad_input(105)
def test_address_that_is_html_is_none() -> None:
    """No address holds markup (CVE-2026-44212)."""
    read = parse(mail(From="<script>alert(1)</script>@x.example"))

    assert read.sender is not None
    assert read.sender.address is None


PIECES = [*RUNS, *LOADS, "<", ">", '"', "'", "<!--", "-->", "</", "<svg>", "</svg>", "<math>", "<style>", "</style>",
          "<p ",
          "=", "&lt;", "&#60;", "\0", "\n", "<a href=", "javascript:", "cid:p", "<table>", "<td>", "<b>"]  # fmt: skip


@bad_input(102, 103)
@settings(max_examples=400)
@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_no_html_comes_out_active(text: str) -> None:
    """Pieces of attacks in any order give nothing that runs or loads, and cleaning again changes nothing of that."""
    once = shown(text)

    assert faults(once) == []
    assert faults(shown(once)) == []
