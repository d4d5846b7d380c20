"""Bad input that is about who somebody is and which thread a mail belongs to, as the help desk takes it."""

import datetime as dt

import pytest
from registry import bad_input

from customerservice.domain.email_address import EmailAddress
from customerservice.domain.message import AuthorKind
from customerservice.domain.outcome import Outcome
from customerservice.domain.status import ThreadStatus
from customerservice.mail.html_safe import safe_html

EVE = "Eve <eve@elsewhere.example>"
TOKEN = "a" * 26


def id_of(raw):
    return raw.partition(b"Message-ID: <")[2].partition(b">")[0].decode()


@bad_input(73)
@pytest.mark.parametrize("sender", ["help@shop.example", "Maria <HELP@shop.example>"])
def test_our_own_address_is_no_customer(shop, sender):
    """A mail in our own name opens nothing, and joins no thread that it names."""
    thread = shop.open_thread()
    reply = shop.answered(thread)

    outcomes = [
        mail.outcome
        for mail in shop.receive(
            shop.write("Please change the address", sender=sender),
            shop.write("Please change the address", sender=sender, in_reply_to=id_of(reply.raw)),
        )
    ]

    assert outcomes == [Outcome.IGNORED, Outcome.IGNORED]
    assert shop.thread(thread.id).messages == 2


@bad_input(74)
def test_the_address_of_an_employee_proves_nothing(shop):
    """Whoever writes it into From is a customer like any other, and answers nobody in our name."""
    address = EmailAddress("anna@shop.example")
    shop.desk.employees.put(shop.anna.actor.employee, name="Anna", email=address)
    thread = shop.open_thread()
    reply = shop.answered(thread)

    forged, new = shop.receive(
        shop.write("Send it to Eve", sender="Anna <anna@shop.example>", in_reply_to=id_of(reply.raw)),
        shop.write("Hello", sender="Anna <anna@shop.example>", subject="Hello"),
    )

    (message,) = shop.messages(new.thread_id)
    assert forged.outcome is Outcome.HELD
    assert (message.author.kind, message.author.employee) == (AuthorKind.CUSTOMER, None)


@bad_input(75)
@pytest.mark.parametrize(
    "reply_to",
    [
        "eve@elsewhere.example",
        "help@shop.example",
        ", ".join(f"p{number}@elsewhere.example" for number in range(50)),
        "maria@customer.example\r\n Bcc: eve@elsewhere.example",
    ],
    ids=["elsewhere", "ourselves", "fifty", "a folded line"],
)
def test_an_answer_goes_to_the_sender_whatever_reply_to_says(shop, reply_to):
    """To her alone, with no header of the mail's making."""
    thread = shop.open_thread(shop.write(headers=(f"Reply-To: {reply_to}",)))

    sent = shop.answered(thread)

    assert [str(recipient) for recipient in sent.recipients] == ["maria@customer.example"]
    assert b"elsewhere.example" not in sent.raw


@bad_input(78)
def test_a_mail_without_return_path_is_never_answered_by_a_machine(shop):
    """It opens nothing, and nothing waits to be sent."""
    (delivery,) = shop.receive(shop.write("Delivered", headers=("Return-Path: <>",)))

    assert delivery.outcome is Outcome.IGNORED
    assert shop.desk.outbox.page().items == ()


@bad_input(80)
def test_a_message_id_that_is_taken_displaces_nothing(shop):
    """Ours or a customer's: the mail is another one, opens its own thread, and the answer still finds the first."""
    thread = shop.open_thread(shop.write("Mine", message_id="1@customer.example"))
    reply = shop.answered(thread)
    before = shop.messages(thread.id)

    copies = shop.receive(
        shop.write("Copy", sender=EVE, subject="Copy", message_id="1@customer.example"),
        shop.write("Trap", sender=EVE, subject="Trap", message_id=id_of(reply.raw)),
    )
    (answer,) = shop.receive(shop.write("Thanks", in_reply_to=id_of(reply.raw)))

    assert [mail.outcome for mail in copies] == [Outcome.OPENED, Outcome.OPENED]
    assert thread.id not in {mail.thread_id for mail in copies}
    assert (answer.outcome, answer.thread_id) == (Outcome.JOINED, thread.id)
    assert shop.messages(thread.id)[:2] == before


@bad_input(80)
def test_a_message_id_used_before_the_mail_it_belongs_to_does_not_suppress_it(shop):
    """Whoever guesses the next Message-ID of a customer does not make her mail a duplicate."""
    trap, mail = shop.receive(
        shop.write("Trap", sender=EVE, message_id="1@customer.example"),
        shop.write("Mine", message_id="1@customer.example"),
    )

    assert [trap.outcome, mail.outcome] == [Outcome.OPENED, Outcome.OPENED]
    assert trap.thread_id != mail.thread_id


@bad_input(82)
@pytest.mark.parametrize("named", ["ours", "the customer's"])
def test_the_thread_of_another_customer_is_not_joined(shop, named):
    """Naming its Message-IDs is not enough; it waits, or opens a thread that is linked."""
    thread = shop.open_thread()
    ours = id_of(shop.answered(thread).raw)
    hers = shop.messages(thread.id)[0].header_id

    (delivery,) = shop.receive(shop.write("Send it to me", sender=EVE, in_reply_to=ours if named == "ours" else hers))

    assert delivery.outcome is (Outcome.HELD if named == "ours" else Outcome.OPENED)
    assert delivery.decision.linked == thread.id
    assert shop.thread(thread.id).participants == {"maria@customer.example"}
    assert shop.thread(thread.id).messages == 2


@bad_input(83)
@pytest.mark.parametrize(
    "marker",
    [
        "[#1]",
        "[#1] [#2] [#3] [#1] [#1]",
        "[#\u0661]",
        "[#\uff11]",
        "[#0]",
        "[#01]",
        f"[#{2**70}]",
        "[#1][#" * 1_000,
        "[# 1]",
        "[#-1]",
        "[#1 ]",
        "[#1 short]",
    ],
)
def test_a_forged_number_joins_nothing(shop, marker):
    """Neither for a stranger nor for the customer: it informs people alone."""
    thread = shop.open_thread()

    outcomes = {
        mail.outcome
        for mail in shop.receive(
            shop.write("Let me in", sender=EVE, subject=f"Re: {marker}"), shop.write("And", subject=f"Re: {marker}")
        )
    }

    assert outcomes == {Outcome.OPENED}
    assert shop.thread(thread.id).messages == 1


@bad_input(83)
def test_the_first_right_token_is_not_drowned_by_forged_numbers(shop):
    """Many markers in one subject: the one with a token is looked at; a wrong one holds the mail."""
    thread = shop.open_thread()
    numbers = "[#1] " * 50

    right, wrong = shop.receive(
        shop.write("Here", subject=f"Re: {numbers}[#{thread.number} {shop.token(thread)}]"),
        shop.write("There", subject=f"Re: {numbers}[#{thread.number} {TOKEN}]"),
    )

    assert (right.outcome, right.thread_id) == (Outcome.JOINED, thread.id)
    assert wrong.outcome is Outcome.HELD


@bad_input(84)
def test_references_in_a_circle_end(shop):
    """Two mails that name each other, and one that names itself, are one conversation of their writer."""
    first = shop.write("One", message_id="1@customer.example", in_reply_to="2@customer.example")
    second = shop.write("Two", message_id="2@customer.example", in_reply_to="1@customer.example")
    itself = shop.write("Three", message_id="3@customer.example", in_reply_to="3@customer.example")

    outcomes = [mail.outcome for mail in shop.receive(first, second, itself)]

    assert outcomes == [Outcome.OPENED, Outcome.JOINED, Outcome.OPENED]


@bad_input(86)
def test_an_answer_after_years_reopens_the_closed_thread(shop):
    """The customer goes on where she was; with another subject a linked thread begins."""
    thread = shop.open_thread()
    reply = shop.answered(thread)
    assert shop.thread(thread.id).status is ThreadStatus.CLOSED
    shop.clock.advance(dt.timedelta(days=730))

    (new,) = shop.receive(shop.write("Something else", subject="A new chair", in_reply_to=id_of(reply.raw)))
    (same,) = shop.receive(shop.write("And?", subject="Re: Where is my parcel?", in_reply_to=id_of(reply.raw)))

    assert (new.outcome, new.decision.linked) == (Outcome.OPENED, thread.id)
    assert (same.outcome, same.thread_id) == (Outcome.JOINED, thread.id)
    assert shop.thread(thread.id).status is ThreadStatus.OPEN


@bad_input(86)
def test_an_answer_to_what_is_no_longer_known_opens_a_thread(shop):
    """Message-ID, number and all: of a thread that does not exist nothing is left to join."""
    (delivery,) = shop.receive(shop.write("And?", subject="Re: parcel [#77]", in_reply_to="gone@shop.example"))

    assert (delivery.outcome, delivery.decision.linked) == (Outcome.OPENED, None)


@bad_input(87)
@pytest.mark.parametrize("listed_first", [False, True])
def test_a_mail_that_comes_directly_and_through_a_list_is_one_message(shop, listed_first):
    """Through our own list it is the same mail, whichever copy comes first."""
    direct = shop.write()
    listed = b"Received: from list.shop.example\r\nList-Id: <help.shop.example>\r\nPrecedence: list\r\n" + direct

    outcomes = [mail.outcome for mail in shop.receive(*((listed, direct) if listed_first else (direct, listed)))]

    (thread,) = shop.threads()
    assert outcomes == [Outcome.OPENED, Outcome.DUPLICATE]
    assert thread.messages == 1


FILES = (
    b"From: maria@customer.example\r\nSubject: files\r\n"
    b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n'
    b"--b\r\nContent-Type: text/plain\r\n\r\nTwice.\r\n"
    b'--b\r\nContent-Type: image/png\r\nContent-Disposition: attachment; filename="one.png"\r\n\r\nPNG\r\n'
    b'--b\r\nContent-Type: image/png\r\nContent-Disposition: attachment; filename="two.png"\r\n\r\nPNG\r\n'
    b"--b--\r\n"
)


@bad_input(100)
def test_equal_files_are_stored_once(shop):
    """Two attachments with one digest; the bytes stay as long as one of them needs them."""
    thread = shop.open_thread(FILES)

    one, two = shop.messages(thread.id)[0].attachments
    assert (one.filename, two.filename) == ("one.png", "two.png")
    assert one.id != two.id
    assert one.sha256 == two.sha256
    assert [shop.desk.threads.file(shop.messages(thread.id)[0].id, file.id).content for file in (one, two)] == [
        b"PNG",
        b"PNG",
    ]


MARKUP = "<script>alert(1)</script><b onclick=x>&lt;"


@bad_input(105)
def test_html_in_what_is_no_html_stays_text(shop):
    """Subject, name and file name are kept as written, for whoever shows them to escape; nothing is cut or run."""
    raw = FILES.replace(b"From: maria", f'From: "{MARKUP}" <maria'.encode(), 1)
    raw = raw.replace(b"customer.example\r\n", b"customer.example>\r\n", 1)
    raw = raw.replace(b"Subject: files", f"Subject: {MARKUP}".encode()).replace(b"one.png", b"<img src=x>.png")

    thread = shop.open_thread(raw)

    (message,) = shop.messages(thread.id)
    assert (thread.subject, thread.name, message.author.name) == (MARKUP, MARKUP, MARKUP)
    assert message.attachments[0].filename == "<img src=x>.png"


@bad_input(105)
def test_html_of_a_customer_does_not_go_out_as_html(shop):
    """The answer to such a mail has them as plain text in its header, and no HTML part at all."""
    thread = shop.open_thread(shop.write("Hello", sender=f'"{MARKUP}" <maria@customer.example>', subject=MARKUP))

    sent = shop.answered(thread)

    assert b"text/html" not in sent.raw
    assert sent.raw.count(b"\r\n\r\n") == 1


@bad_input(105)
def test_html_in_a_text_is_escaped_where_it_is_shown_as_html(shop):
    """The body's own HTML is made safe; its text is never taken for HTML."""
    raw = shop.write(f"<p>{MARKUP}</p>", headers=("Content-Type: text/html",))
    thread = shop.open_thread(raw)

    (message,) = shop.messages(thread.id)
    shown = safe_html(message.html)
    assert "script" not in shown
    assert "onclick" not in shown
