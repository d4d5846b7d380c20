"""Outgoing mail: the header is exactly the one intended, whatever the values hold."""

import datetime as dt
import email
import email.policy
from email.message import Message

import attrs
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from customerservice.domain.email_address import EmailAddress
from customerservice.domain.text import one_line
from customerservice.errors import InvalidValue
from customerservice.mail import parse
from customerservice.mail.composer import OutgoingMail, compose, is_safe_message_id, verify_header
from customerservice.mail.received import Correspondent, MailAttachment

SHOP = EmailAddress("help@shop.example")
ANNA = EmailAddress("anna@mail.example")
PLAIN = OutgoingMail(
    sender=SHOP,
    to=(Correspondent(ANNA),),
    subject="Your order",
    text="Hello",
    message_id="1@shop.example",
    date=dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC),
)
NAMES = ["Date", "From", "To", "Subject", "Message-ID", "MIME-Version", "Content-Type", "Content-Transfer-Encoding"]

# Pieces of header injection, which random text alone would hardly hit.
HOSTILE = st.lists(
    st.one_of(
        st.sampled_from(
            ["\r\n", "\n", "\r", "\0", "\x0b", "\x85", "\u2028", "=?utf-8?q?", "=?utf-8?b?", "?=",
             "=0aBcc:=20e@evil.example",
             "=?utf-8?q?a=0aBcc:=20e?=", "Bcc: eve@evil.example", "\r\nBcc: eve@evil.example", " ", "  ", "\t", '"',
             "\\", "<", ">", "(", ")", ",", ";", ":", "@", "\ud800", "\N{GRINNING FACE}", "Größe", "a" * 100,
             "=?utf-8?b?YQ==?=", "%0d%0a", "''"]
        ),
        st.text(max_size=12),
    ),
    max_size=5,
).map("".join)  # fmt: skip


def header_of(raw: bytes) -> Message:
    return email.message_from_bytes(raw, policy=email.policy.compat32)


def decoded_by_the_standard_library(raw: bytes, name: str) -> str:
    return str(email.message_from_bytes(raw, policy=email.policy.default)[name])


def test_plain_mail_has_exactly_these_bytes() -> None:
    """A plain mail is written plainly: nothing is encoded that need not be."""
    assert compose(PLAIN) == (
        b"Date: Fri, 02 Jan 2026 03:04:05 +0000\r\n"
        b"From: help@shop.example\r\n"
        b"To: anna@mail.example\r\n"
        b"Subject: Your order\r\n"
        b"Message-ID: <1@shop.example>\r\n"
        b"MIME-Version: 1.0\r\n"
        b"Content-Type: text/plain; charset=utf-8\r\n"
        b"Content-Transfer-Encoding: quoted-printable\r\n"
        b"\r\n"
        b"Hello\r\n"
    )


@settings(max_examples=1_000)
@given(subject=HOSTILE)
@example("Re: =?utf-8?q?a=0aBcc:=20eve=40evil.example?=")
@example("=?utf-8?q?=3D=3Futf-8=3Fq=3Fa=3D0aBcc=3A_e=3F=3D?=")
def test_hostile_subjects_add_no_header(subject: str) -> None:
    """No subject adds, removes or changes any other header, and it reads back as it was meant."""
    raw = compose(attrs.evolve(PLAIN, subject=subject))

    meant = one_line(subject)
    assert header_of(raw).keys() == [name for name in NAMES if meant or name != "Subject"]
    assert (parse(raw).subject or "") == meant


@settings(max_examples=1_000)
@given(name=HOSTILE)
def test_hostile_sender_names_add_no_header(name: str) -> None:
    """No display name of the sender changes the address or adds a header."""
    raw = compose(attrs.evolve(PLAIN, sender_name=name))

    assert header_of(raw).keys() == NAMES
    assert parse(raw).sender == Correspondent(SHOP, one_line(name))


@settings(max_examples=1_000)
@given(name=HOSTILE, other=HOSTILE)
def test_hostile_recipient_names_add_no_recipient(name: str, other: str) -> None:
    """No display name of a recipient adds a recipient or a header."""
    raw = compose(attrs.evolve(PLAIN, to=[Correspondent(ANNA, name)], cc=[Correspondent(SHOP, other)]))

    mail = parse(raw)
    assert header_of(raw).keys() == [*NAMES[:3], "Cc", *NAMES[3:]]
    assert (mail.to, mail.cc) == ((Correspondent(ANNA, one_line(name)),), (Correspondent(SHOP, one_line(other)),))


@settings(max_examples=1_000)
@given(ids=st.lists(HOSTILE | st.just("a@shop.example"), max_size=6), answered=HOSTILE)
def test_hostile_ids_are_left_out(ids: list[str], answered: str) -> None:
    """Of the ids of a stranger's mail only plain ones get into our threading headers."""
    raw = compose(attrs.evolve(PLAIN, references=ids, in_reply_to=answered))

    safe = [item for item in ids if is_safe_message_id(item)]
    assert set(header_of(raw).keys()) <= {*NAMES, "References", "In-Reply-To"}
    assert (header_of(raw)["References"] or "").split() == [f"<{item}>" for item in safe]


@settings(max_examples=1_000)
@given(text=HOSTILE, html=HOSTILE, filename=HOSTILE, media_type=HOSTILE, content_id=HOSTILE)
def test_hostile_bodies_and_files_add_no_part(
    text: str, html: str, filename: str, media_type: str, content_id: str
) -> None:
    """No text, file name, type or content id adds a part or a header, and each reads back as it was meant."""
    file = MailAttachment(
        filename=filename, media_type=media_type, content=text.encode("utf-8", "replace"), content_id=content_id
    )
    raw = compose(attrs.evolve(PLAIN, text=text, html=html, attachments=[file]))

    mail = parse(raw)
    assert header_of(raw).keys() == NAMES[:-1]
    assert [item.content for item in mail.attachments] == [file.content]
    assert len(list(header_of(raw).walk())) == 5


@given(text=st.text() | HOSTILE)
def test_text_reads_back(text: str) -> None:
    """A text arrives as it was written, but for the form of its line ends and one at its end."""
    mail = parse(compose(attrs.evolve(PLAIN, text=text)))

    meant = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\ufffd")
    meant = "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in meant)
    assert mail.text == (meant.rstrip() if meant.strip() else "")


def test_double_encoded_subject_of_a_reply_stays_text() -> None:
    """The subject that a doubly encoded inbound mail gives is shown, not obeyed, by the standard library too."""
    inbound = parse(b"Subject: =?utf-8?q?=3D=3Futf-8=3Fq=3Fa=3D0aBcc=3A=3D20eve=40evil.example=3F=3D?=\n\nx")
    raw = compose(attrs.evolve(PLAIN, subject=f"Re: {inbound.subject}"))

    assert inbound.subject == "=?utf-8?q?a=0aBcc:=20eve@evil.example?="
    assert header_of(raw).keys() == NAMES
    assert decoded_by_the_standard_library(raw, "Subject") == f"Re: {inbound.subject}"


@pytest.mark.parametrize("length", [1, 20, 40, 76, 77, 200, 2_000])
@pytest.mark.parametrize("word", ["a", "ab ", "ä", "\N{GRINNING FACE} "])
def test_long_subjects_are_folded(word: str, length: int) -> None:
    """Lines of the header stay within 78 characters, and the subject reads back."""
    subject = one_line(word * length)
    raw = compose(attrs.evolve(PLAIN, subject=subject))

    assert max(map(len, raw.split(b"\r\n"))) <= 78
    assert parse(raw).subject == subject


@pytest.mark.parametrize(
    "name", ["Anna Miller", "Miller, Anna", 'Anna "the" \\ Miller', "Änna", "a" * 60, "A.B. " * 12 + "C"]
)
def test_names_read_back(name: str) -> None:
    """Names in every form (atoms, quoted, encoded) are the same for us and for the standard library."""
    raw = compose(attrs.evolve(PLAIN, to=(Correspondent(ANNA, name),)))

    parsed = email.message_from_bytes(raw, policy=email.policy.default)["To"].addresses[0]
    assert parse(raw).to == (Correspondent(ANNA, name),)
    assert (parsed.display_name, parsed.addr_spec) == (name, ANNA.value)


def test_threading_headers_are_complete() -> None:
    """A reply names what it answers and the whole conversation, folded."""
    raw = compose(attrs.evolve(PLAIN, in_reply_to="b@mail.example", references=("a@mail.example", "b@mail.example")))

    mail = parse(raw)
    assert (mail.in_reply_to, mail.references) == (("b@mail.example",), ("a@mail.example", "b@mail.example"))


def test_long_references_keep_both_ends() -> None:
    """Of a very long conversation the first and the last twenty ids stay."""
    ids = tuple(f"{number}@mail.example" for number in range(100))

    assert parse(compose(attrs.evolve(PLAIN, references=ids))).references == ids[:20] + ids[-20:]


def test_automatic_mail_says_so() -> None:
    """Automatic mail carries the marks that other programs heed."""
    header = header_of(compose(attrs.evolve(PLAIN, auto_submitted="auto-replied")))

    assert (header["Auto-Submitted"], header["X-Auto-Response-Suppress"]) == ("auto-replied", "All")


def test_many_recipients_are_folded() -> None:
    """A long list of recipients stays within its lines and reads back."""
    to = tuple(Correspondent(EmailAddress(f"a{number}@mail.example"), f"Anna {number}") for number in range(30))
    raw = compose(attrs.evolve(PLAIN, to=to))

    assert max(map(len, raw.split(b"\r\n"))) <= 78
    assert parse(raw).to == to


def test_reply_to_is_written() -> None:
    """Answers go to the signed address when there is one."""
    raw = compose(attrs.evolve(PLAIN, reply_to=EmailAddress("support+57@shop.example")))

    assert parse(raw).reply_to == (Correspondent(EmailAddress("support+57@shop.example")),)


def test_international_domain_is_written_as_a_labels() -> None:
    """A domain outside ASCII goes out in the form that every server understands."""
    raw = compose(attrs.evolve(PLAIN, to=(Correspondent(EmailAddress("anna@münchen.example")),)))

    assert header_of(raw)["To"] == "anna@xn--mnchen-3ya.example"


@pytest.mark.parametrize(
    "address", ["änna@mail.example", "=?utf-8?q?a?=@mail.example", "anna@" + "ä" * 64 + ".example"]
)
def test_address_that_needs_smtputf8_is_refused(address: str) -> None:
    """What cannot be written safely is refused, not mangled."""
    with pytest.raises(InvalidValue, match="address"):
        compose(attrs.evolve(PLAIN, to=(Correspondent(EmailAddress(address)),)))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("date", dt.datetime(2026, 1, 2)),  # noqa: DTZ001  a naive moment is what is refused here
        ("message_id", "<1@shop.example>"),
        ("message_id", "=?utf-8?q?a?=@shop.example"),
        ("auto_submitted", "auto-replied\r\nBcc: e@evil.example"),
        ("to", ()),
        ("cc", (Correspondent(None, "Anna"),)),
    ],
)
def test_impossible_mail_is_refused(field: str, value: object) -> None:
    """A mail that cannot be is refused when made, by the name of the field."""
    with pytest.raises(InvalidValue, match=field):
        attrs.evolve(PLAIN, **{field: value})


@pytest.mark.parametrize(
    ("offset", "text"),
    [
        (dt.timedelta(hours=5, minutes=30), "Fri, 02 Jan 2026 03:04:05 +0530"),
        (-dt.timedelta(hours=3, minutes=30), "Fri, 02 Jan 2026 03:04:05 -0330"),
        (dt.timedelta(seconds=30), "Fri, 02 Jan 2026 03:03:35 +0000"),
    ],
)
def test_date_keeps_its_offset(offset: dt.timedelta, text: str) -> None:
    """The Date header has the sender's offset; one that mail cannot write becomes UTC."""
    date = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.timezone(offset))

    assert header_of(compose(attrs.evolve(PLAIN, date=date)))["Date"] == text


def test_same_mail_gives_the_same_bytes() -> None:
    """Nothing in the bytes is random, boundaries included."""
    mail = attrs.evolve(
        PLAIN, html="<p>Hello</p>", attachments=[MailAttachment(filename="a", media_type="a/b", content=b"c")]
    )

    assert compose(mail) == compose(attrs.evolve(mail))


def test_parts_stand_in_their_usual_order() -> None:
    """Text and HTML are alternatives, shown pictures are related to the HTML, files are beside both."""
    picture = MailAttachment(filename="a.png", media_type="image/png", content=b"p", content_id="p@shop", inline=True)
    file = MailAttachment(filename="Größe " * 20 + ".pdf", media_type="application/pdf", content=b"f" * 100)
    raw = compose(attrs.evolve(PLAIN, html="<img src='cid:p@shop'>", attachments=[picture, file]))

    types = [part.get_content_type() for part in header_of(raw).walk()]
    assert types == ["multipart/mixed", "multipart/alternative", "text/plain", "multipart/related", "text/html",
                     "image/png", "application/pdf"]  # fmt: skip
    assert [(item.filename, item.content_id) for item in parse(raw).attachments] == [
        (picture.filename, "p@shop"),
        (file.filename, None),
    ]


@pytest.mark.parametrize(
    "name", ["a.pdf", "a b (1).pdf", 'a"b.pdf', "Größe.pdf", "=?utf-8?q?a?=.pdf", "x" * 200 + ".pdf", "ファイル" * 30]
)
def test_file_names_read_back(name: str) -> None:
    """File names in every form are the same for us and for the standard library."""
    file = MailAttachment(filename=name, media_type="application/pdf", content=b"")
    raw = compose(attrs.evolve(PLAIN, attachments=[file]))

    assert parse(raw).attachments[0].filename == name
    assert list(email.message_from_bytes(raw, policy=email.policy.default).walk())[2].get_filename() == name


def test_file_without_a_name() -> None:
    """A file needs no name."""
    raw = compose(attrs.evolve(PLAIN, attachments=[MailAttachment(filename=None, media_type="a/b", content=b"x")]))

    assert parse(raw).attachments[0].filename is None


def test_attached_mail_travels_as_a_file() -> None:
    """An attached mail arrives byte for byte, which its own type would not allow."""
    file = MailAttachment(filename="a.eml", media_type="message/rfc822", content=b"Subject: x\n\n\xff")
    attachment = parse(compose(attrs.evolve(PLAIN, attachments=[file]))).attachments[0]

    assert (attachment.media_type, attachment.content) == ("application/octet-stream", file.content)


def test_lines_that_mail_stores_would_change_are_protected() -> None:
    """A line that begins with From, and a lone dot, arrive unchanged."""
    raw = compose(attrs.evolve(PLAIN, text="From me\nFrom you\n.\nx"))

    assert b"\nFrom " not in raw
    assert b"\r\n.\r\n" not in raw
    assert parse(raw).text == "From me\nFrom you\n.\nx"


def test_text_mostly_outside_ascii_goes_as_base64() -> None:
    """The shorter of the two encodings is chosen."""
    raw = compose(attrs.evolve(PLAIN, text="سلام" * 20))

    assert header_of(raw)["Content-Transfer-Encoding"] == "base64"
    assert parse(raw).text == "سلام" * 20


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"Subject: x\r\nBcc: e\r\n\r\n", "other header fields"),
        (b"Subject: y\r\n\r\n", "reads differently"),
        (b"Subject: x\n\r\n\r\n", "plain lines"),
        (b"Subject: x\r\n", "plain lines"),
        (b"Subject: \xe4\r\n\r\n", "plain lines"),
        (b"Subject: " + b"x" * 1_000 + b"\r\n\r\n", "plain lines"),
    ],
)
def test_finished_bytes_are_compared(raw: bytes, reason: str) -> None:
    """Bytes that say anything else than intended are never given out."""
    with pytest.raises(InvalidValue, match=reason):
        verify_header(raw, [("Subject", str, "x")])
