"""What a mail says: the whole path from bytes to `ReceivedMail`."""

import datetime as dt
import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mail_samples import mail, multipart, part, with_parts

from customerservice.domain.email_address import EmailAddress
from customerservice.mail import Correspondent, Limits, MailKind, ReceivedMail, parse


def attached(read: ReceivedMail) -> list[tuple[str | None, str, bytes, bool]]:
    return [(item.filename, item.media_type, item.content, item.inline) for item in read.attachments]


def codes(read: ReceivedMail) -> set[str]:
    return {defect.code for defect in read.defects}


def test_ordinary_mail() -> None:
    """Every field of an ordinary mail is read."""
    raw = mail(
        "Hello\n",
        Subject="=?utf-8?q?Gr=C3=B6=C3=9Fe?=",
        Cc="Bo <bo@mail.example>",
        Reply_To="anna@work.example",
        In_Reply_To="<2@shop.example>",
        References="<1@shop.example> <2@shop.example>",
        Return_Path="<anna@mail.example>",
        Delivered_To="help@shop.example",
        X_Original_To="all@shop.example",
    )
    read = parse(raw)

    assert (read.size, read.sha256) == (len(raw), hashlib.sha256(raw).hexdigest())
    assert read.sender == Correspondent(EmailAddress("anna@mail.example"), "Anna")
    assert [entry.address.value for entry in (*read.to, *read.cc, *read.reply_to) if entry.address] == [
        "help@shop.example",
        "bo@mail.example",
        "anna@work.example",
    ]
    assert (read.subject, read.text, read.new_text, read.html) == ("Größe", "Hello", "Hello", None)
    assert read.date == dt.datetime(2026, 1, 2, 10, tzinfo=dt.timezone(dt.timedelta(hours=1)))
    assert read.date_text == "Fri, 2 Jan 2026 10:00:00 +0100"
    assert (read.message_id, read.in_reply_to) == ("1@mail.example", ("2@shop.example",))
    assert read.references == ("1@shop.example", "2@shop.example")
    assert (read.return_path, read.null_return_path) == (EmailAddress("anna@mail.example"), False)
    assert [address.value for address in read.envelope_to] == ["help@shop.example", "all@shop.example"]
    assert (read.kind, read.defects, read.bounce) == (MailKind.PERSON, (), None)
    assert (read.header("SUBJECT"), read.header("x"), read.all_headers("to")) == ("Größe", None, ["help@shop.example"])


@pytest.mark.parametrize("raw", [b"", b"\n", b"\r\n\r\n", b"\0"])
def test_mail_of_nothing(raw: bytes) -> None:
    """A mail that says nothing is read as one that says nothing."""
    read = parse(raw)

    assert (read.sender, read.subject, read.date, read.message_id) == (None, None, None, None)


def test_mail_without_a_header() -> None:
    """Text without any header is text."""
    assert parse(b"Hello\nAnna\n").text == "Hello\nAnna"


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ({"From": "root, b@x.example"}, "root"),
        ({"From": "a@x.example, b@x.example <c@x.example> d"}, ""),
        ({"From": "=?utf-8?q?a=40evil.example=3C?=@x.example"}, ""),
        ({"From": ","}, ""),
        ({"From": "a@x.example", "from": "b@x.example"}, ""),
        ({"From": "a@x.example", "from": "a@x.example"}, ""),
    ],
)
def test_unusable_sender_has_no_address(header: dict[str, str], name: str) -> None:
    """Repeated or broken From headers: nobody is taken for the sender."""
    read = parse(mail(**header))

    assert read.sender == Correspondent(None, name)
    assert read.sender_is_uncertain
    assert "unusable_from" in codes(read)


def test_first_of_several_senders() -> None:
    """A From may name several people (RFC 5322 3.6.2): the first is the sender, and nobody is sure about him."""
    read = parse(mail(From="Anna <anna@x.example>, bo@x.example"))

    assert read.sender == Correspondent(EmailAddress("anna@x.example"), "Anna")
    assert [str(entry.address) for entry in read.senders] == ["anna@x.example", "bo@x.example"]
    assert read.sender_is_uncertain
    assert codes(read) == {"several_senders"}


@pytest.mark.parametrize("header", ["anna(work)@x.example", "<@y.example:anna@x.example>", "Team: anna@x.example;"])
def test_sender_in_a_form_that_not_every_program_knows(header: str) -> None:
    """An obsolete form gives its address, but a server that checks senders may have read another one."""
    read = parse(mail(From=header))

    assert read.sender is not None
    assert read.sender.address == EmailAddress("anna@x.example")
    assert read.sender_is_uncertain


@pytest.mark.parametrize("header", ["", "Anna <anna@x.example>", "anna@x.example, Anna <ANNA@x.example>"])
def test_sender_that_is_sure(header: str) -> None:
    """One person in the plain form, even if named twice, is no ambiguous sender; nor is nobody."""
    read = parse(mail(From=header))

    assert not read.sender_is_uncertain
    assert codes(read) == set()


def test_repeated_headers_are_told() -> None:
    """Of a header that may stand once the first counts, and the defect says so."""
    read = parse(mail(Subject="a", subject="b"))

    assert read.subject == "a"
    assert [defect.detail for defect in read.defects] == ["subject stands 2 times; the first counts"]


def test_recipients_of_repeated_headers_are_joined() -> None:
    """Several To headers give all their recipients."""
    assert len(parse(mail(To="a@x.example", to="b@x.example")).to) == 2


def test_too_many_addresses_are_told() -> None:
    """Beyond the limit recipients are left out."""
    read = parse(mail(Cc=", ".join(["a@x.example"] * 20), cc="b@x.example"), limits=Limits(addresses=10))

    assert len(read.cc) == 10
    assert "too_many_addresses" in codes(read)


@pytest.mark.parametrize(
    ("value", "subject"),
    [
        (
            "Re: TEST\n \n\t=?ISO-2022-JP?B?GyRCJUYlOSVIGyhC?=\n  =?ISO-2022-JP?B?GyRCJUYlOSVIGyhC?=",
            "Re: TEST テストテスト",
        ),
        ("Order \n\t57", "Order 57"),
        ("Order\n =?utf-8?q?=2357__?= x", "Order #57   x"),
        ("=?utf-8?q?Where_is_my?=\n\t=?utf-8?q?_order?=", "Where is my order"),
        ("", ""),
    ],
)
def test_folded_subjects(value: str, subject: str) -> None:
    """A fold between words is one blank, between encoded words none (RFC 2047 6.2)."""
    assert parse(f"Subject: {value}\n\nHello".encode()).subject == subject


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("<a@x>", "a@x"),
        (" <a @\n x> ", "a@x"),
        ("a@x", "a@x"),
        ("<[abc@x>", "[abc@x"),
        ("<>", None),
        ("<abc", None),
        ("garbage", None),
        ("<" + "a" * 1_000 + "@x>", None),
        ("=?utf-8?q?=3Cabc=40mail?=\n =?utf-8?q?=2Eexample=3E?=", "abc@mail.example"),
        ("<a\x01b@x>", "ab@x"),
        ("<a\N{NO-BREAK SPACE}b@x>", "ab@x"),
    ],
)
def test_message_ids(value: str, expected: str | None) -> None:
    """Ids are read as other programs write them, without brackets; unusable ones are none."""
    assert parse(mail(Message_ID=value)).message_id == expected


def test_reasons_of_a_kind_can_be_stored() -> None:
    """What a reason repeats of a header is one line without NUL."""
    read = parse(mail(Auto_Submitted="a\0b\x1bc"))

    assert read.kind is MailKind.SYSTEM
    assert [reason.isprintable() for reason in read.kind_reasons] == [True]


def test_references_are_limited_to_the_last() -> None:
    """Of very many references the last hundred count, each once."""
    read = parse(mail(References=" ".join(f"<{number}@x>" for number in range(200)) + " <199@x>"))

    assert read.references == tuple(f"{number}@x" for number in range(100, 200))


@pytest.mark.parametrize(("value", "null"), [("<>", True), ("< >", True), ("<a@x.example>", False), ("", False)])
def test_null_return_path(value: str, null: bool) -> None:
    """An empty return path is told apart from none."""
    assert parse(mail(Return_Path=value)).null_return_path is null


def test_authentication_results_in_order() -> None:
    """Each Authentication-Results header is given with the name of the server that wrote it."""
    raw = b"Authentication-Results: mx.a.example 1; spf=pass\nAuthentication-Results: ;\n\n"

    assert parse(raw).authentication == (("mx.a.example", "mx.a.example 1; spf=pass"), ("", ";"))


def test_unusable_date_keeps_its_claim() -> None:
    """A date nobody can use is kept as text."""
    read = parse(mail(Date="31 Feb 2026"))

    assert (read.date, read.date_text) == (None, "31 Feb 2026")


def test_text_of_html_alone() -> None:
    """Without text/plain the text is made from the HTML, which is kept as sent."""
    read = parse(mail("<p>Hello</p><p>Anna</p>", Content_Type="text/html"))

    assert (read.text, read.html) == ("Hello\n\nAnna", "<p>Hello</p><p>Anna</p>")


def test_alternatives_in_any_order() -> None:
    """Of alternatives the plain text is the text and the HTML the HTML, whatever comes first."""
    plain, html = part("plain"), part("<b>html</b>", "text/html")

    for parts in ([plain, html], [html, plain]):
        read = parse(with_parts("alternative", parts))
        assert (read.text, read.html) == ("plain", "<b>html</b>")


@pytest.mark.parametrize(
    ("parts", "text", "html"),
    [
        ([part(" \n"), part("<b>html</b>", "text/html")], "html", "<b>html</b>"),
        ([part("plain")], "plain", None),
        ([part("<b>html</b>", "text/html")], "html", "<b>html</b>"),
        ([part("plain"), part("<amp>", "text/x-amp-html"), part("<b>html</b>", "text/html")], "plain", "<b>html</b>"),
        ([part("a/b", "image/png")], "", None),
    ],
)
def test_unusual_alternatives(parts: list[bytes], text: str, html: str | None) -> None:
    """A blank text, a single form and forms for other programs."""
    read = parse(with_parts("alternative", parts))

    assert (read.text, read.html) == (text, html)


def test_form_that_nobody_reads_is_better_than_nothing() -> None:
    """Where only an odd form is there it is attached."""
    assert [item.media_type for item in parse(with_parts("alternative", [part("x", "text/enriched")])).attachments] == [
        "text/enriched"
    ]


def test_text_around_pictures_is_joined() -> None:
    """Text before and after an attachment is one text, with the marks of its HTML."""
    read = parse(
        with_parts(
            "mixed",
            [
                part("first\n"),
                part("png", "image/png", Content_Disposition="inline; filename=a.png"),
                part("<p>second</p><div class=gmail_quote>old</div>", "text/html"),
                part("\n"),
            ],
        )
    )

    assert (read.text, read.new_text, read.quoted_text) == ("first\nsecond\n\nold", "first\nsecond", "old")
    assert attached(read) == [("a.png", "image/png", b"png", True)]


@pytest.mark.parametrize("start", ["", '; start="<root>"'])
def test_related_parts_are_inline(start: str) -> None:
    """Pictures beside the HTML that shows them are inline; the root may be named."""
    html = part("<img src=cid:p>", "text/html", Content_ID="<root>")
    picture = part("png", "image/png", Content_ID="<p>")
    file = part("x", "a/b", Content_Disposition="attachment")
    read = parse(with_parts("related", [picture, html, file] if start else [html, picture, file], extra=start))

    assert read.html == "<img src=cid:p>"
    assert attached(read) == [(None, "image/png", b"png", True), (None, "a/b", b"x", False)]
    assert read.attachments[0].content_id == "p"


def test_signed_mail() -> None:
    """The signature of a signed mail is attached, its text is read."""
    read = parse(
        with_parts("signed", [part("Hello", "text/plain; name=body"), part("sig", "application/pgp-signature")])
    )

    assert (read.text, attached(read)) == ("Hello", [(None, "application/pgp-signature", b"sig", False)])


def test_encrypted_mail() -> None:
    """An encrypted mail is attached as it is, and the defect says why there is no text."""
    read = parse(with_parts("encrypted", [part("Version: 1", "application/pgp-encrypted"), part("x", "a/b")]))

    assert (read.text, len(read.attachments)) == ("", 2)
    assert "encrypted" in codes(read)


def test_report_parts_are_no_attachments() -> None:
    """Machine-readable parts of a report are no files, but the returned mail is attached."""
    read = parse(
        with_parts(
            "report", [part("Sorry"), part("A: 1", "message/delivery-status"), part("Subject: x\n\n", "message/rfc822")]
        )
    )

    assert (read.text, attached(read)) == ("Sorry", [(None, "message/rfc822", b"Subject: x\n\n", False)])


@pytest.mark.parametrize(
    ("content_type", "header", "is_text"),
    [
        ("text/plain", {}, True),
        ("", {}, True),
        ("text/plain", {"Content_Disposition": "inline"}, True),
        ("text/plain", {"Content_Disposition": "attachment"}, False),
        ("text/plain; name=a.txt", {}, False),
        ("text/html", {"Content_Disposition": "inline; filename=a.html"}, False),
        ("text/calendar", {}, False),
        ("application/pdf", {}, False),
        ("message/rfc822", {}, False),
        ("message/delivery-status", {"Content_Disposition": "attachment"}, False),
    ],
)
def test_text_or_attachment(content_type: str, header: dict[str, str], is_text: bool) -> None:
    """What a person would call an attachment is one; other text is text."""
    read = parse(with_parts("mixed", [part("first"), part("second", content_type, **header)]))

    assert (read.text, len(read.attachments)) == (("first\nsecond", 0) if is_text else ("first", 1))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a b (1).pdf", "a b (1).pdf"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\x.exe", "x.exe"),
        ("C:\\dir\\x.exe", "x.exe"),
        ("/etc/passwd", "passwd"),
        ("..", None),
        (". .", None),
        ("", None),
        (".htaccess", ".htaccess"),
        ("a\u202egpj.exe", "a\u202egpj.exe"),
        ("CON", "CON"),
        ("x" * 300, "x" * 300),
    ],
)
def test_file_names_have_no_folder(name: str, expected: str | None) -> None:
    """A file name loses any folder and stays as it is otherwise."""
    escaped = name.replace("\\", "\\\\")
    read = parse(with_parts("mixed", [part("x", "a/b", Content_Disposition=f'attachment; filename="{escaped}"')]))

    assert read.attachments[0].filename == expected


def test_defects_of_attachments_are_told_a_few_times() -> None:
    """A mail of broken attachments has a few defects, not one for each."""
    broken = part("a", "a/b", Content_Transfer_Encoding="base64")
    read = parse(with_parts("mixed", [broken] * 10))

    assert [defect.code for defect in read.defects] == ["bad_base64"] * 3
    assert len(read.attachments) == 10


def test_what_is_too_deep_is_attached() -> None:
    """Below the limit of depth the rest is one attachment."""
    inner = multipart("mixed", [part("deep")], boundary="=_inner")
    read = parse(with_parts("mixed", [part("Hello"), inner]), limits=Limits(depth=1))

    assert read.text == "Hello"
    assert attached(read) == [("rest.eml", "message/rfc822", inner, False)]
    assert "too_deep" in codes(read)


def test_multipart_without_parts_is_text() -> None:
    """What stands where the parts should be is read."""
    assert parse(mail("Hello", Content_Type="multipart/mixed; boundary=b")).text == "Hello"


@pytest.mark.parametrize(
    ("declared", "body", "text", "defect"),
    [
        ("text/plain; charset=iso-8859-1", "Größe".encode("latin-1"), "Größe", None),
        ("text/plain; charset=x-unknown", "Größe".encode("latin-1"), "Größe", "unknown_charset"),
        ("text/plain", "Größe".encode("latin-1"), "Größe", "undeclared_charset"),
        ("text/plain; charset=us-ascii", "Größe".encode(), "Größe", "wrong_charset"),
        ("text/plain", b"a\0b", "a\ufffdb", None),
        ("text/plain", b"a\r\nb\rc", "a\nb\nc", None),
    ],
)
def test_charsets_of_bodies(declared: str, body: bytes, text: str, defect: str | None) -> None:
    """Bodies are read in the charset they have rather than the one they claim."""
    read = parse(mail(body, Content_Type=declared))

    assert read.text == text
    assert codes(read) == ({defect} if defect else set())


@pytest.mark.parametrize(
    ("body", "parameters", "text"),
    [
        ("a \nb\nc", "", "a b\nc"),
        ("a \nb", "; delsp=yes", "ab"),
        ("> a \n> b\n>> c\nd", "", "> a b\n>> c\nd"),
        (">a \nb", "", "> a \nb"),
        (" > a\n From b", "", "> a\nFrom b"),
        ("a\n-- \nAnna \nMiller", "", "a\n-- \nAnna Miller"),
        ("a \n-- \nAnna", "", "a \n-- \nAnna"),
        ("a ", "", "a"),
    ],
)
def test_flowed_text(body: str, parameters: str, text: str) -> None:
    """Paragraphs of format=flowed are joined, quotes and signatures kept (RFC 3676)."""
    assert parse(mail(body, Content_Type=f"text/plain; format=flowed{parameters}")).text == text


def test_very_long_flowed_text_stays_as_it_is() -> None:
    """Lines of a text over the limit are not joined."""
    raw = mail("a \nb", Content_Type="text/plain; format=flowed")

    assert parse(raw, limits=Limits(text_characters=2)).text == "a \nb"


def test_html_is_never_flowed() -> None:
    """The parameter means nothing for HTML."""
    assert parse(mail("a \nb", Content_Type="text/html; format=flowed")).html == "a \nb"


def test_uuencoded_files_in_a_text() -> None:
    """Files between the lines of a text are taken out of it."""
    read = parse(mail("Hello\nbegin 644 dir/a.txt\n#86)C\nend\nBye\n"))

    assert read.text == "Hello\nBye"
    assert attached(read) == [("a.txt", "application/octet-stream", b"abc", False)]


@pytest.mark.parametrize(
    "body", ["begin 644 a\n#86)C\n", "begin 644 a\n\u00ff\u00ff\nend", "we begin 644 times", "begin a"]
)
def test_what_is_not_uuencoded_stays(body: str) -> None:
    """A text that only mentions the words stays whole."""
    read = parse(mail(body))

    assert (read.text, read.attachments) == (body.rstrip("\n"), ())


def test_markers_kinds_and_quotations_are_filled() -> None:
    """The later stages get what the earlier ones found."""
    read = parse(mail("Thanks\n\n> old\n\n-- \nAnna", Subject="Re: [#57]", List_Id="<x.mail.example>"))

    assert (read.new_text, read.quoted_text) == ("Thanks", "> old\n\n-- \nAnna")
    assert (read.markers.number, read.kind) == (57, MailKind.LIST)


def test_content_digest_knows_the_mail_again() -> None:
    """Trace headers, transfer encodings and line ends do not make it another mail."""
    raw = mail("Größe\n", Content_Type="text/plain; charset=utf-8")
    again = mail(
        b"Gr=C3=B6=C3=9Fe\n",
        Content_Type="text/plain; charset=utf-8",
        Content_Transfer_Encoding="quoted-printable",
        Received="from x",
        Delivered_To="other@shop.example",
    ).replace(b"\n", b"\r\n")

    assert parse(raw).content_digest == parse(again).content_digest


FILE = part("x", "a/b", Content_Disposition="attachment; filename=a")


@pytest.mark.parametrize(
    "other",
    [
        mail("Hello!"),
        mail(Subject="Other"),
        mail(From="Bo <bo@mail.example>"),
        mail(Date="Fri, 2 Jan 2026 10:00:01 +0100"),
        mail(Message_ID="<2@mail.example>"),
        mail(Message_ID=""),
        with_parts("mixed", [part("Hello"), FILE]),
        with_parts("mixed", [part("Hello"), FILE.replace(b"=a", b"=b")]),
        with_parts("mixed", [part("Hello"), FILE + b"y"]),
    ],
)
def test_content_digest_differs_with_the_content(other: bytes) -> None:
    """Each thing a mail says, files and their names included, changes the digest."""
    digests = {parse(raw).content_digest for raw in (mail(), with_parts("mixed", [part("Hello"), FILE + b"z"]), other)}

    assert len(digests) == 3


@settings(max_examples=300)
@given(st.binary(max_size=300))
def test_no_bytes_raise(raw: bytes) -> None:
    """Any bytes are a mail."""
    assert parse(raw).size == len(raw)


HOSTILE_PIECES = [
    b"From: ", b"To: ", b"Subject: ", b"Date: ", b"Message-ID: <", b"References: ",
    b"Content-Type: multipart/mixed; boundary=b",
    b"Content-Type: text/html; charset=utf-7", b"Content-Type: text/plain; charset=idna; format=flowed",
    b"Content-Type: message/rfc822", b"Content-Disposition: attachment; filename*0*=undefined''%80",
    b"Content-Transfer-Encoding: base64", b"Content-Transfer-Encoding: quoted-printable", b"\n", b"\n\n",
    b"\r", b"--b", b"--b--",
    b"=?utf-8?q?a=0d=0aBcc:=20e?=", b"=?idna?b?gA==?=", b'"', b"<", b">", b"(", b"@", b"\0", b"\xff", b"\xed\xa0\x80",
    b"&#xd800;",
    b"<blockquote>", b"<pre>", b"On 2 Jan 2026 x wrote:", b"> ", b"[#1]", b"a@x.example", b"9" * 30, b" +9999",
    b"begin 644 a\n",
]  # fmt: skip


@settings(max_examples=1_000)
@given(st.lists(st.sampled_from(HOSTILE_PIECES), max_size=40).map(b"".join))
def test_hostile_pieces_never_raise_and_give_storable_text(raw: bytes) -> None:
    """Whatever a stranger sends is read, and every text of it can be stored by any database."""
    read = parse(raw)

    names = [item.filename or "" for item in read.attachments]
    lines = [read.subject or "", *(value for _, value in read.headers), *names, *read.references]
    texts = [read.text, read.html or "", read.new_text, read.quoted_text, read.signature]
    assert all("\0" not in text and text.encode("utf-8") is not None for text in (*lines, *texts))
    assert all("\n" not in line and "\r" not in line for line in lines)
