"""What becomes of one mail: the table of evidence, kinds of mail, contacts, and what was stored before."""

import datetime as dt

import attrs
import pytest

from customerservice.application.context import DeskSettings
from customerservice.domain.email_address import EmailAddress
from customerservice.domain.events import EventKind
from customerservice.domain.flood import FloodLimit
from customerservice.domain.mailbox import FirstSync
from customerservice.domain.message import Audience, AuthorKind, MessageKind
from customerservice.domain.outcome import Outcome
from customerservice.domain.status import ThreadStatus
from customerservice.errors import StoredBytesLost
from customerservice.mail.kinds import RULES
from customerservice.mail.matching import MatchPolicy
from customerservice.mail.received import MailKind
from customerservice.mail.tokens import signed_address

EVE = "Eve <eve@elsewhere.example>"
AUTHSERV = "mx.shop.example"
DMARC_FAIL = f"Authentication-Results: {AUTHSERV}; dmarc=fail header.from=customer.example"
WRONG_TOKEN = "a" * 26

SENDERS = {
    "takes part": {"sender": "Maria <maria@customer.example>"},
    "unknown": {"sender": EVE},
    "no From": {"sender": None},
    "unusable From": {"sender": "maria@customer.example <eve@elsewhere.example> oops"},
    "DMARC fail": {"sender": "Maria <maria@customer.example>", "headers": (DMARC_FAIL,)},
    "two in From": {"sender": "Maria <maria@customer.example>, eve@elsewhere.example"},
    "obsolete From": {"sender": "Maria <maria@customer(home).example>"},
}
UNUSABLE = ("no From", "unusable From", "DMARC fail", "two in From", "obsolete From")


def evidence(shop, thread, kind):
    """What a mail holds that points at a thread, and its subject."""
    first, reply = shop.messages(thread.id)
    token = shop.token(thread)
    return {
        "sent id": {"in_reply_to": reply.header_id},
        "received id": {"in_reply_to": first.header_id},
        "signed address": {"to": str(signed_address("help+{token}@shop.example", thread.number, token))},
        "marker with token": {"subject": f"Re: Where is my parcel? [#{thread.number} {token}]"},
        "wrong token": {"subject": f"Re: Where is my parcel? [#{thread.number} {WRONG_TOKEN}]"},
        "number alone": {"subject": f"Re: Where is my parcel? [#{thread.number}]"},
    }[kind]


JOIN, HELD, NEW, LINKED = "join", "held", "new", "new, linked"
TABLE = {
    "sent id": (JOIN, HELD, HELD),
    "received id": (JOIN, LINKED, HELD),
    "signed address": (JOIN, HELD, HELD),
    "marker with token": (JOIN, HELD, HELD),
    "wrong token": (HELD, HELD, HELD),
    "number alone": (LINKED, NEW, NEW),
}
DRIFTED = dict.fromkeys(("sent id", "received id", "signed address", "marker with token"), (LINKED, HELD, HELD))


def lines_of(table):
    columns = {"takes part": 0, "unknown": 1} | dict.fromkeys(UNUSABLE, 2)
    return [
        pytest.param(kind, sender, row[column], id=f"{kind}, {sender}")
        for kind, row in table.items()
        for sender, column in columns.items()
    ]


@pytest.fixture
def signed_shop(make_shop):
    """A help desk whose mailbox has signed reply addresses and a server whose word about DMARC counts."""
    return make_shop(reply_address="help+{token}@shop.example", authserv_id=AUTHSERV)


def became(shop, thread, delivery):
    """Which word of the table a mail's end is."""
    linked = delivery.decision.linked
    match delivery.outcome:
        case Outcome.JOINED:
            assert delivery.thread_id == thread.id
            return JOIN
        case Outcome.HELD:
            assert delivery.thread_id is None
            return HELD
        case Outcome.OPENED:
            assert delivery.thread_id != thread.id
            assert linked in (None, thread.id)
            return NEW if linked is None else LINKED


@pytest.mark.parametrize(("kind", "sender", "end"), lines_of(TABLE))
def test_the_table_of_evidence(signed_shop, kind, sender, end):
    """Each line of the table decides as written, whoever the sender is (R18)."""
    shop = signed_shop
    thread = shop.open_thread()
    shop.answered(thread)

    told = {"subject": "Re: Where is my parcel?"} | evidence(shop, thread, kind) | SENDERS[sender]
    (delivery,) = shop.receive(shop.write("It came", **told))

    assert became(shop, thread, delivery) == end


@pytest.mark.parametrize(("kind", "sender", "end"), lines_of(DRIFTED))
def test_the_table_of_evidence_after_long_silence(signed_shop, kind, sender, end):
    """Another subject after 30 days starts anew, or waits for a person (R18, last line)."""
    shop = signed_shop
    thread = shop.open_thread()
    shop.answered(thread)
    shop.clock.advance(dt.timedelta(days=31))

    points = evidence(shop, thread, kind)
    about = points.get("subject", "Re: Where is my parcel?").replace("Where is my parcel?", "Please send a catalogue")
    (delivery,) = shop.receive(shop.write("Your catalogue", **points | {"subject": about} | SENDERS[sender]))

    assert became(shop, thread, delivery) == end


@pytest.mark.parametrize("days", [29, 31])
def test_the_same_subject_joins_at_any_age(shop, days):
    """Long silence alone is no reason to start anew."""
    thread = shop.open_thread()
    reply = shop.answered(thread)
    shop.clock.advance(dt.timedelta(days=days))

    (delivery,) = shop.receive(shop.write("And?", subject="Re: Where is my parcel?", in_reply_to=id_of(reply.raw)))

    assert delivery.outcome is Outcome.JOINED


def id_of(raw):
    return raw.partition(b"Message-ID: <")[2].partition(b">")[0].decode()


def test_whoever_is_in_cc_takes_no_part(shop):
    """Neither by the mail that opens a thread nor by one that joins it; her own mail waits (R18)."""
    thread = shop.open_thread(shop.write(headers=(f"Cc: {EVE}",)))
    reply = shop.answered(thread)
    shop.receive(shop.write("And?", in_reply_to=id_of(reply.raw), headers=(f"Cc: {EVE}",)))

    (hers,) = shop.receive(shop.write("I am in Cc", sender=EVE, in_reply_to=id_of(reply.raw)))

    assert hers.outcome is Outcome.HELD
    assert shop.thread(thread.id).participants == {"maria@customer.example"}


def test_the_address_of_a_person_is_the_same_in_any_case(shop):
    """A customer whose program writes her address in capitals takes part all the same (R41)."""
    thread = shop.open_thread()
    reply = shop.answered(thread)

    (delivery,) = shop.receive(shop.write("It came", sender="MARIA@Customer.Example", in_reply_to=id_of(reply.raw)))

    assert (delivery.outcome, delivery.thread_id) == (Outcome.JOINED, thread.id)


def test_a_mail_that_points_nowhere_opens_a_thread(shop):
    """Without evidence a mail is the beginning of a conversation."""
    thread = shop.open_thread()

    assert (thread.subject, thread.address, thread.name) == (
        "Where is my parcel?",
        EmailAddress("maria@customer.example"),
        "Maria",
    )
    assert thread.status is ThreadStatus.OPEN
    assert thread.contact_id == shop.contact.id


def test_the_message_holds_what_the_mail_says(shop):
    """Text, quotation, HTML, subject, moments, Message-ID and its mail are kept with the message."""
    raw = shop.write(
        "New words\r\n\r\n> old words",
        date="Mon, 05 Jan 2026 07:30:00 +0000",
        message_id="1@customer.example",
    )

    thread = shop.open_thread(raw)

    (message,) = shop.messages(thread.id)
    (delivery,) = shop.mails()
    assert message.text.strip() == "New words"
    assert "old words" in message.quoted_text
    assert message.sent_at == dt.datetime(2026, 1, 5, 7, 30, tzinfo=dt.UTC)
    assert message.stored_at == shop.clock.now()
    assert message.header_id == "1@customer.example"
    assert (message.delivery_id, delivery.message_id) == (delivery.id, message.id)
    assert (message.author.kind, message.audience) == (AuthorKind.CUSTOMER, Audience.PUBLIC)


def test_a_mail_of_a_customer_reopens_a_closed_thread(shop):
    """Any customer mail reopens (R33)."""
    thread = shop.open_thread()
    reply = shop.answered(thread)
    assert shop.thread(thread.id).status is ThreadStatus.CLOSED

    shop.receive(shop.write("Still nothing", in_reply_to=id_of(reply.raw)))

    assert shop.thread(thread.id).status is ThreadStatus.OPEN


def test_the_decision_is_kept_with_the_mail(shop):
    """Rule, reason, what was passed over, kind, contact and defects can be asked for later (R46)."""
    thread = shop.open_thread()
    reply = shop.answered(thread)
    subject = f"Re: Where is my parcel? [#{thread.number} {shop.token(thread)}]"

    (delivery,) = shop.receive(shop.write("It came", subject=subject, in_reply_to=id_of(reply.raw)))

    decision = delivery.decision
    assert decision.rule == "in-reply-to"
    assert "Message-ID we sent" in decision.reason
    assert decision.passed_over == (
        "marker in the subject: points at the same thread",
        "signed address: it is sent to none",
    )
    assert (decision.kind, decision.contact_rule) == ("person", "address")
    assert shop.token(thread) not in repr(decision)


def test_references_count_like_in_reply_to(shop):
    """A mail whose only trace is our Message-ID among its References joins."""
    thread = shop.open_thread()
    reply = shop.answered(thread)

    (delivery,) = shop.receive(
        shop.write("It came", headers=(f"References: <x@elsewhere.example> <{id_of(reply.raw)}>",))
    )

    assert (delivery.outcome, delivery.decision.rule) == (Outcome.JOINED, "references")


def test_an_id_we_sent_is_worth_more_than_the_same_id_received(shop):
    """Whoever copies our Message-ID into his own mail does not draw the customer's answer to himself."""
    thread = shop.open_thread()
    reply = shop.answered(thread)
    shop.receive(shop.write("Trap", sender=EVE, subject="Trap", message_id=id_of(reply.raw)))

    (delivery,) = shop.receive(shop.write("It came", in_reply_to=id_of(reply.raw)))

    assert (delivery.outcome, delivery.thread_id) == (Outcome.JOINED, thread.id)


def test_a_sent_id_behind_a_received_one_of_the_same_thread_decides(shop):
    """Of several ids of one thread the strongest counts, wherever it stands."""
    thread = shop.open_thread()
    reply = shop.answered(thread)
    first = shop.messages(thread.id)[0].header_id

    (delivery,) = shop.receive(
        shop.write("Hello", sender=EVE, in_reply_to=first, headers=(f"References: <{id_of(reply.raw)}>",))
    )

    assert delivery.outcome is Outcome.HELD


def test_a_received_id_behind_a_sent_one_of_the_same_thread_changes_nothing(shop):
    """An ordinary answer names ours first and his own after it."""
    thread = shop.open_thread()
    reply = shop.answered(thread)
    first = shop.messages(thread.id)[0].header_id

    (delivery,) = shop.receive(
        shop.write("Hello", in_reply_to=id_of(reply.raw), headers=(f"References: <{first}> <{id_of(reply.raw)}>",))
    )

    assert (delivery.outcome, delivery.decision.rule) == (Outcome.JOINED, "in-reply-to")
    assert not any("same thread" in reason for reason in delivery.decision.passed_over)


def test_many_mails_with_one_message_id_do_not_swell_the_record(shop):
    """However many threads know an id, the record of a mail that names it stays short."""
    for number in range(30):
        shop.receive(
            shop.write(f"Offer {number}", sender=EVE, subject=f"Offer {number}", message_id="same@eve.example")
        )

    (delivery,) = shop.receive(shop.write("About your offer", in_reply_to="same@eve.example"))

    assert delivery.outcome is Outcome.OPENED
    assert len([reason for reason in delivery.decision.passed_over if "another thread" in reason]) == 19


def test_a_token_of_another_thread_holds_the_mail(shop):
    """A right token beside another thread's number proves nothing."""
    first = shop.open_thread()
    second = shop.open_thread(shop.write("Another matter", subject="Another matter"))

    (delivery,) = shop.receive(shop.write("Hello", subject=f"Re: [#{second.number} {shop.token(first)}]"))

    assert delivery.outcome is Outcome.HELD


def test_a_token_of_no_thread_holds_the_mail(shop):
    """A number nobody gave, with a token, is held rather than dropped (R20)."""
    (delivery,) = shop.receive(shop.write("Hello", subject=f"Re: parcel [#99 {WRONG_TOKEN}]"))

    assert delivery.outcome is Outcome.HELD
    assert delivery.decision.linked is None


def test_a_number_of_no_thread_is_no_evidence(shop):
    """A number nobody gave, alone, opens a thread like any mail (R20)."""
    (delivery,) = shop.receive(shop.write("Hello", subject="Re: parcel [#99]"))

    assert (delivery.outcome, delivery.decision.rule) == (Outcome.OPENED, "no_evidence")


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({}, ("message-ids: the mail answers none", "signed address: it is sent to none", "marker: it has none")),
        (
            {"in_reply_to": "nobody@elsewhere.example"},
            (
                "message-ids: none of those it answers is known here",
                "signed address: it is sent to none",
                "marker: it has none",
            ),
        ),
        (
            {"subject": "Re: [#99]"},
            (
                "number in the subject: there is no thread 99",
                "message-ids: the mail answers none",
                "signed address: it is sent to none",
            ),
        ),
    ],
    ids=["nothing", "an unknown Message-ID", "an unknown number"],
)
def test_each_rule_that_did_not_decide_says_why(shop, told, said):
    """Of the three rules none is passed over in silence (R17)."""
    (delivery,) = shop.receive(shop.write("Hello", **told))

    assert delivery.decision.rule == "no_evidence"
    assert delivery.decision.passed_over == said


def test_a_revoked_token_holds_the_mail(shop):
    """Raising the generation makes tokens given out before worthless (R21)."""
    thread = shop.open_thread()
    token = shop.token(thread)
    shop.desk.threads.revoke_reply_tokens(thread.id)

    (delivery,) = shop.receive(shop.write("Hello", subject=f"Re: [#{thread.number} {token}]"))

    assert delivery.outcome is Outcome.HELD


def test_without_keys_no_token_is_right(make_shop):
    """A help desk that has no key cannot prove a token, so the mail waits for a person."""
    shop = make_shop(keys=None)
    thread = shop.open_thread()

    (delivery,) = shop.receive(shop.write("Hello", subject=f"Re: [#{thread.number} {shop.token(thread)}]"))

    assert delivery.outcome is Outcome.HELD


def test_a_policy_of_the_host_replaces_the_table(make_shop):
    """What evidence is worth is a value of the settings."""
    policy = MatchPolicy(wrong_token_overrules=False)
    shop = make_shop(settings=DeskSettings(match_policy=policy))
    thread = shop.open_thread()
    reply = shop.answered(thread)
    subject = f"Re: [#{thread.number} {WRONG_TOKEN}]"

    (delivery,) = shop.receive(shop.write("It came", subject=subject, in_reply_to=id_of(reply.raw)))

    assert delivery.outcome is Outcome.JOINED


def test_a_mail_without_usable_from_opens_a_thread_without_address(shop):
    """It can be read and assigned; only an answer needs an address first (R24)."""
    thread = shop.open_thread(shop.write("Help", sender=None))

    assert thread.address is None
    assert thread.participants == frozenset()


@pytest.mark.parametrize("missing", ["sender", "subject", "message_id", "date", "to"])
def test_a_mail_without_a_header_arrives_once(shop, missing):
    """From, Subject, Message-ID, Date or To may be absent (R24)."""
    shop.arrive(shop.write("Help", **{missing: None}))

    reports = [shop.sync(), shop.sync()]

    assert [report.created_threads for report in reports] == [1, 0]


def test_a_mail_without_any_header_arrives_once(shop):
    """Even a text alone becomes a thread."""
    shop.arrive(b"\r\nhello?\r\n")

    shop.sync()

    (thread,) = shop.threads()
    assert shop.messages(thread.id)[0].text.strip() == "hello?"


def test_an_empty_mail_is_quarantined_at_once(shop):
    """There is nothing in it that could become a thread (bad input 1)."""
    (delivery,) = shop.receive(b"")

    assert (delivery.outcome, delivery.decision.rule) == (Outcome.QUARANTINED, "empty")


# What was stored before (R22).


def test_equal_content_in_a_second_delivery_is_a_duplicate(shop):
    """The same mail delivered twice by the sender's server is one message and two deliveries (F5)."""
    raw = shop.write(message_id="1@customer.example")
    trace = b"Received: from elsewhere by mx.shop.example; Mon, 05 Jan 2026 08:00:01 +0000\r\n"

    first, second = shop.receive(raw, trace + raw)

    (thread,) = shop.threads()
    assert (first.outcome, second.outcome) == (Outcome.OPENED, Outcome.DUPLICATE)
    assert (second.duplicate_of, second.thread_id) == (first.id, thread.id)
    assert thread.messages == 1


def test_equal_message_id_with_other_content_is_another_mail(shop):
    """A Message-ID is a hint: nobody can make a later mail vanish by using its id first (F6)."""
    first, second = shop.receive(
        shop.write("One", message_id="same@customer.example"), shop.write("Two", message_id="same@customer.example")
    )

    assert [first.outcome, second.outcome] == [Outcome.OPENED, Outcome.OPENED]


def test_equal_content_in_another_mailbox_of_the_shop_is_a_duplicate(shop):
    """A mail sent to two of our mailboxes is shown once."""
    shop.receive(shop.write())
    other, _ = shop.add_box(shop.desk, "Sales")

    report = shop.desk.sync(other.id, source=shop.server)

    assert (report.fetched, report.already_known) == (1, 1)


@pytest.mark.parametrize(("days", "outcome"), [(6, Outcome.DUPLICATE), (8, Outcome.OPENED)])
def test_equal_content_is_a_duplicate_within_a_week(shop, days, outcome):
    """Later the same words are a new matter: people send the same question again."""
    shop.receive(shop.write("Again"))
    shop.clock.advance(dt.timedelta(days=days))

    (delivery,) = shop.receive(shop.write("Again"))

    assert delivery.outcome is outcome


def test_equal_content_of_a_held_mail_is_a_duplicate(shop):
    """What waits for a person waits once."""
    raw = shop.write("Hello", subject=f"Re: [#99 {WRONG_TOKEN}]")

    first, second = shop.receive(raw, raw)

    assert [first.outcome, second.outcome] == [Outcome.HELD, Outcome.DUPLICATE]


# Kinds of mail (R37).


def bounce_of(header_id, *, own_id="bounce@mx.customer.example", original=(), failed="maria@customer.example"):
    named = () if header_id is None else (f"Message-ID: <{header_id}>",)
    head = "\r\n".join((*named, *original, "Content-Type: text/plain"))
    return (
        "From: Mail Delivery System <mailer-daemon@mx.customer.example>\r\n"
        "To: help@shop.example\r\n"
        "Subject: Undelivered Mail Returned to Sender\r\n"
        f"Message-ID: <{own_id}>\r\n"
        "Auto-Submitted: auto-replied\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n'
        "\r\n"
        "--b\r\nContent-Type: text/plain\r\n\r\nThe mail could not be delivered.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\n"
        "Reporting-MTA: dns; mx.customer.example\r\n\r\n"
        f"Final-Recipient: rfc822; {failed}\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"
        "--b\r\nContent-Type: image/png\r\nContent-Disposition: attachment\r\n\r\nlogo of the server\r\n"
        "--b\r\nContent-Type: message/rfc822\r\n\r\n"
        f"{head}\r\n\r\nIt is on its way.\r\n"
        "--b--\r\n"
    ).encode()


def test_a_bounce_is_shown_on_the_message_that_bounced(shop):
    """It is an internal report in the thread, about that message, and reopens nothing."""
    thread = shop.open_thread()
    reply = shop.answered(thread)

    (delivery,) = shop.receive(bounce_of(id_of(reply.raw)))

    _, sent, report = shop.messages(thread.id)
    assert delivery.outcome is Outcome.ATTACHED
    assert (report.kind, report.audience, report.in_reply_to) == (MessageKind.REPORT, Audience.INTERNAL, sent.id)
    assert shop.thread(thread.id).status is ThreadStatus.CLOSED


def test_a_bounce_of_nothing_we_sent_is_ignored(shop):
    """Backscatter opens no thread."""
    (delivery,) = shop.receive(bounce_of("other@elsewhere.example"))

    assert delivery.outcome is Outcome.IGNORED
    assert "no mail that we sent" in delivery.decision.reason


def test_a_bounce_that_names_a_received_mail_is_ignored(shop):
    """Only what we sent can bounce back to us."""
    thread = shop.open_thread()
    first = shop.messages(thread.id)[0].header_id

    (delivery,) = shop.receive(bounce_of(first))

    assert delivery.outcome is Outcome.IGNORED


def test_the_message_id_of_a_bounce_is_not_one_we_sent(shop):
    """A forged bounce cannot make its own id a key to the thread."""
    thread = shop.open_thread()
    reply = shop.answered(thread)
    shop.receive(bounce_of(id_of(reply.raw), own_id="key@eve.example"))

    (delivery,) = shop.receive(bounce_of("key@eve.example", own_id="second@eve.example"))

    assert delivery.outcome is Outcome.IGNORED


def test_a_bounce_names_its_mail_by_what_it_answers(shop):
    """A server that returns no header of the mail may still say in its own which one it is about."""
    thread = shop.open_thread()
    reply = shop.answered(thread)
    answers = f"References: <x@elsewhere.example> <{id_of(reply.raw)}>\r\n".encode()

    (delivery,) = shop.receive(answers + bounce_of(None, failed="gone@elsewhere.example"))

    assert (delivery.outcome, delivery.thread_id) == (Outcome.ATTACHED, thread.id)


@pytest.mark.parametrize("shown", ["signed address", "marker"])
def test_a_bounce_without_message_id_is_shown_where_its_original_has_a_right_token(signed_shop, shown):
    """The token of our own mail comes back with it."""
    shop = signed_shop
    thread = shop.open_thread()
    token = shop.token(thread)
    original = {
        "signed address": f"Reply-To: help+{thread.number}-{token}@shop.example",
        "marker": f"Subject: Re: Where is my parcel? [#{thread.number} {token}]",
    }[shown]

    (delivery,) = shop.receive(bounce_of("rewritten@mx.customer.example", original=(original,)))

    assert (delivery.outcome, delivery.thread_id) == (Outcome.ATTACHED, thread.id)
    assert "right token" in delivery.decision.reason
    assert shop.messages(thread.id)[-1].in_reply_to is None


def test_a_bounce_whose_original_has_a_wrong_token_is_ignored(signed_shop):
    """A made-up token shows nothing on anybody's thread."""
    thread = signed_shop.open_thread()
    original = (f"Subject: [#{thread.number} {WRONG_TOKEN}]", f"In-Reply-To: <{thread.number}@x.example>")

    (delivery,) = signed_shop.receive(bounce_of("x@mx.customer.example", original=original))

    assert delivery.outcome is Outcome.IGNORED


def test_a_bounce_that_names_no_mail_waits_where_we_wrote_to_that_address_lately(shop):
    """It could be forged by whoever knows the address, so it is linked, and a person shows it on the thread."""
    thread = shop.open_thread()
    shop.answered(thread)

    (held,) = shop.receive(bounce_of(None))
    shown = shop.anna.mail.join(held.id, thread.id)

    assert (held.outcome, held.decision.linked) == (Outcome.HELD, thread.id)
    assert (shown.outcome, shop.messages(thread.id)[-1].kind) == (Outcome.ATTACHED, MessageKind.REPORT)
    assert shop.thread(thread.id).participants == thread.participants
    assert shop.thread(thread.id).status is ThreadStatus.CLOSED


@pytest.mark.parametrize("case", ["never written to", "long ago", "two threads", "another address"])
def test_a_bounce_that_names_no_mail_is_ignored_elsewhere(shop, case):
    """Unless exactly one thread lately had a mail of ours to that address, nothing is worth a look."""
    thread = shop.open_thread()
    if case != "never written to":
        shop.answered(thread)
    if case == "two threads":
        shop.answered(shop.open_thread(shop.write("Another", subject="Another")))
    if case == "long ago":
        shop.clock.advance(dt.timedelta(days=8))

    failed = "eve@elsewhere.example" if case == "another address" else "maria@customer.example"
    (delivery,) = shop.receive(bounce_of(None, failed=failed))

    assert delivery.outcome is Outcome.IGNORED


def test_a_complaint_is_shown_on_the_mail_that_was_called_spam(shop):
    """A feedback report (RFC 5965) is internal, and reopens nothing."""
    thread = shop.open_thread()
    reply = shop.answered(thread)
    raw = (
        "From: feedback@provider.example\r\nTo: help@shop.example\r\nSubject: FW: Re: Where is my parcel?\r\n"
        "Message-ID: <complaint@provider.example>\r\n"
        'Content-Type: multipart/report; report-type=feedback-report; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nThis is an abuse report.\r\n"
        "--b\r\nContent-Type: message/feedback-report\r\n\r\n"
        "Feedback-Type: abuse\r\nUser-Agent: Provider/1.0\r\nVersion: 1\r\n\r\n"
        "--b\r\nContent-Type: message/rfc822\r\n\r\n"
        f"Message-ID: <{id_of(reply.raw)}>\r\nSubject: Re: Where is my parcel?\r\n\r\nIt is on its way.\r\n--b--\r\n"
    ).encode()

    (delivery,) = shop.receive(raw)

    _, sent, report = shop.messages(thread.id)
    assert (delivery.outcome, delivery.decision.kind) == (Outcome.ATTACHED, "feedback_report")
    assert (report.audience, report.in_reply_to) == (Audience.INTERNAL, sent.id)
    assert shop.thread(thread.id).status is ThreadStatus.CLOSED


@pytest.mark.parametrize("status", [ThreadStatus.PENDING1, ThreadStatus.PENDING2])
def test_a_mail_of_a_customer_reopens_a_pending_thread(shop, status):
    """Any customer mail reopens (R33)."""
    thread = shop.open_thread()
    reply = shop.answered(thread)
    shop.desk.threads.set_status(thread.id, status)

    shop.receive(shop.write("Still nothing", in_reply_to=id_of(reply.raw)))

    assert shop.thread(thread.id).status is ThreadStatus.OPEN


def test_a_read_receipt_is_shown_on_the_mail_that_was_read(shop):
    """It is a report in the thread (RFC 8098), and reopens nothing."""
    thread = shop.open_thread()
    reply = shop.answered(thread)
    raw = (
        "From: Maria <maria@customer.example>\r\nTo: help@shop.example\r\nSubject: Read: Where is my parcel?\r\n"
        "Message-ID: <read@customer.example>\r\n"
        f"In-Reply-To: <{id_of(reply.raw)}>\r\n"
        'Content-Type: multipart/report; report-type=disposition-notification; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nYour message was displayed.\r\n"
        "--b\r\nContent-Type: message/disposition-notification\r\n\r\n"
        f"Final-Recipient: rfc822; maria@customer.example\r\nOriginal-Message-ID: <{id_of(reply.raw)}>\r\n"
        "Disposition: manual-action/MDN-sent-manually; displayed\r\n\r\n--b--\r\n"
    ).encode()

    (delivery,) = shop.receive(raw)

    _, sent, report = shop.messages(thread.id)
    assert (delivery.outcome, report.kind, report.in_reply_to) == (Outcome.ATTACHED, MessageKind.REPORT, sent.id)
    assert shop.thread(thread.id).status is ThreadStatus.CLOSED


VACATION = ("Auto-Submitted: auto-replied",)


def test_an_automatic_answer_is_attached_without_reopening(shop):
    """An out-of-office note stands in its thread; the thread stays closed and its moments stay."""
    thread = shop.open_thread()
    reply = shop.answered(thread)
    before = shop.thread(thread.id)

    (delivery,) = shop.receive(
        shop.write("I am away", subject="Out of office", in_reply_to=id_of(reply.raw), headers=VACATION)
    )

    after = shop.thread(thread.id)
    assert delivery.outcome is Outcome.ATTACHED
    assert attrs.evolve(after, version=0) == attrs.evolve(before, messages=before.messages + 1, version=0)


def test_an_automatic_answer_to_nothing_is_ignored(shop):
    """It never opens a thread."""
    (delivery,) = shop.receive(shop.write("I am away", subject="Out of office", headers=VACATION))

    assert delivery.outcome is Outcome.IGNORED
    assert shop.threads() == []


def test_an_automatic_answer_of_a_stranger_is_ignored(shop):
    """Naming our Message-ID is not enough for a robot either."""
    thread = shop.open_thread()
    reply = shop.answered(thread)

    (delivery,) = shop.receive(
        shop.write("I am away", sender=EVE, subject="Out of office", in_reply_to=id_of(reply.raw), headers=VACATION)
    )

    assert delivery.outcome is Outcome.IGNORED
    assert delivery.decision.passed_over[0].startswith("in-reply-to:")


def test_list_mail_waits_for_a_person(shop):
    """Headers of a mailing list alone neither open a thread nor lose the mail."""
    (delivery,) = shop.receive(shop.write("News", subject="News", headers=("List-Id: <news.elsewhere.example>",)))

    assert (delivery.outcome, delivery.decision.rule) == (Outcome.HELD, "list mail")


def test_list_mail_that_waits_says_where_it_seems_to_belong(shop):
    """Whoever decides sees the thread that it names, and what that evidence was worth."""
    thread = shop.open_thread()
    reply = shop.answered(thread)

    (delivery,) = shop.receive(
        shop.write("It came", in_reply_to=id_of(reply.raw), headers=("List-Id: <team.customer.example>",))
    )

    assert (delivery.outcome, delivery.decision.linked) == (Outcome.HELD, thread.id)
    assert delivery.decision.passed_over[0].startswith("in-reply-to: it names a Message-ID we sent")


@pytest.mark.parametrize(
    "header",
    [
        "List-Id: Help <help.shop.example>",
        "List-Post: <mailto:help@shop.example>",
        "Mailing-list: list help@shop.example",
        "Mailing-list: list help@shop.example; contact help-owner@shop.example",
        "List-Post: <https://groups.shop.example/help>, <mailto:help@shop.example?subject=post>",
        "List-Post: <mailto:help@shop.example> (Help)",
    ],
)
def test_our_own_distribution_list_is_no_sign(shop, header):
    """Mail that customers send to an address of ours that is a list opens threads."""
    (delivery,) = shop.receive(shop.write(headers=(header, "Precedence: list")))

    assert delivery.outcome is Outcome.OPENED


@pytest.mark.parametrize(
    "header",
    ["List-Id: <help.shop.example.eve.example>", "List-Id: <nothelp.shop.example>", "List-Post: NO"],
)
def test_the_list_of_somebody_else_is_a_sign(shop, header):
    """A name that only holds ours in itself is not ours."""
    (delivery,) = shop.receive(shop.write(headers=(header,)))

    assert delivery.outcome is Outcome.HELD


OUR_LIST = ("List-Id: <help.shop.example>", "Precedence: list")


@pytest.mark.parametrize(
    ("header", "kind"),
    [
        ("Auto-Submitted: auto-replied", "auto_reply"),
        ("X-Autoreply: yes", "auto_reply"),
        ("Auto-Submitted: auto-generated", "system"),
        ("X-Failed-Recipients: maria@customer.example", "bounce"),
        ("Return-Path: <>", "auto_reply"),
    ],
)
def test_automatic_mail_over_our_own_list_is_automatic(shop, header, kind):
    """What the list adds is no sign; what was there without it still is."""
    (delivery,) = shop.receive(shop.write(headers=(*OUR_LIST, header)))

    assert (delivery.outcome, delivery.decision.kind) == (Outcome.IGNORED, kind)


def test_the_rules_about_lists_come_last():
    """So whatever they apply to shows no other sign, and is a person's once they are taken away."""
    kinds = [rule.kind for rule in RULES]

    assert set(kinds[kinds.index(MailKind.LIST) :]) == {MailKind.LIST}


@pytest.mark.parametrize("header", ["Auto-Submitted: auto-generated", "List-Id: <news.elsewhere.example>"])
def test_our_own_notifications_are_ours_whatever_they_look_like(shop, header):
    """They neither wait for a person nor show up in the thread they name."""
    thread = shop.open_thread()
    reply = shop.answered(thread)

    (delivery,) = shop.receive(
        shop.write("A customer wrote", sender="help@shop.example", in_reply_to=id_of(reply.raw), headers=(header,))
    )

    assert (delivery.outcome, delivery.decision.rule) == (Outcome.IGNORED, "own mail")


def test_a_bounce_in_our_own_name_is_a_bounce(shop):
    """Some servers let the postmaster's address be one that is ours."""
    thread = shop.open_thread()
    reply = shop.answered(thread)
    raw = bounce_of(id_of(reply.raw)).replace(b"mailer-daemon@mx.customer.example", b"help@shop.example")

    (delivery,) = shop.receive(raw)

    assert (delivery.outcome, delivery.thread_id) == (Outcome.ATTACHED, thread.id)


def test_our_own_mail_over_our_own_list_is_ignored(shop):
    """What we sent to a list of ours and came back is still ours."""
    (delivery,) = shop.receive(
        shop.write(sender="Help <help@shop.example>", headers=("List-Id: <help.shop.example>", "Precedence: list"))
    )

    assert (delivery.outcome, delivery.decision.rule) == (Outcome.IGNORED, "own mail")


@pytest.mark.parametrize("ours", ["help@shop.example", "HELP@shop.example", "robot@shop.example"])
def test_our_own_mail_that_came_back_is_ignored(make_shop, ours):
    """Mail from a contact's address, a mailbox's or the verified sender opens nothing."""
    shop = make_shop(settings=DeskSettings(sender=EmailAddress("robot@shop.example")))

    (delivery,) = shop.receive(shop.write(sender=f"Shop <{ours}>"))

    assert (delivery.outcome, delivery.decision.rule) == (Outcome.IGNORED, "own mail")


# Floods (R38).


@pytest.fixture
def flooded(make_shop):
    """A help desk that mutes a thread at three messages in an hour, and a closed thread that has two."""
    shop = make_shop(settings=DeskSettings(flood=FloodLimit(messages=3)))
    thread = shop.open_thread()
    shop.answered(thread)
    return shop, thread


def write_back(shop, text, **told):
    shop.clock.advance(dt.timedelta(minutes=1))
    (delivery,) = shop.receive(shop.write(text, in_reply_to=id_of(shop.sender.sent[0].raw), **told))
    return delivery


def test_a_muted_thread_stores_mail_and_stays_closed(flooded):
    """Beyond the limit mail is stored and shown as ever, and neither reopens nor announces anything but once."""
    shop, thread = flooded
    write_back(shop, "three")
    shop.desk.threads.set_status(thread.id, ThreadStatus.CLOSED)

    ended = [write_back(shop, "four"), write_back(shop, "five")]

    after = shop.thread(thread.id)
    events = [event.kind for event in shop.desk.threads.view(thread.id).history]
    assert [one.outcome for one in ended] == [Outcome.JOINED, Outcome.JOINED]
    assert "the thread is muted" in ended[0].decision.reason
    assert (after.status, after.messages, after.customer_messages) == (ThreadStatus.CLOSED, 5, 4)
    assert after.last_activity_at == shop.clock.now()
    assert (events.count(EventKind.MUTED), events.count(EventKind.CAME_WHILE_MUTED)) == (1, 2)
    assert events.count(EventKind.CUSTOMER_WROTE) == 1


def test_a_thread_is_heard_again_after_a_quiet_hour(flooded):
    """Muting ends by itself."""
    shop, thread = flooded
    for text in ("three", "four"):
        write_back(shop, text)
    shop.desk.threads.set_status(thread.id, ThreadStatus.CLOSED)
    shop.clock.advance(dt.timedelta(hours=1))

    write_back(shop, "five")

    assert shop.thread(thread.id).status is ThreadStatus.OPEN


def test_a_loop_of_automatic_answers_is_muted(flooded):
    """They reopen nothing anyway; once there are too many, they are not announced either."""
    shop, thread = flooded
    for number in range(3):
        write_back(shop, f"I am away {number}", subject="Out of office", headers=VACATION)

    events = [event.kind for event in shop.desk.threads.view(thread.id).history]

    assert (events.count(EventKind.REPORT_ATTACHED), events.count(EventKind.MUTED)) == (1, 1)


def test_a_person_lets_a_mail_into_a_muted_thread(flooded):
    """What somebody decides by hand is no flood."""
    shop, thread = flooded
    for text in ("three", "four"):
        write_back(shop, text)
    shop.desk.threads.set_status(thread.id, ThreadStatus.CLOSED)
    held = write_back(shop, "Let me in", sender=EVE)

    shop.anna.mail.join(held.id, thread.id)

    assert shop.thread(thread.id).status is ThreadStatus.OPEN


def test_a_flood_costs_no_more_the_longer_it_lasts(make_shop, played_storage):
    """However much came, only the latest messages are looked at, and in a quiet thread none."""
    shop = make_shop(storage=played_storage, settings=DeskSettings(flood=FloodLimit(messages=3)))
    thread = shop.open_thread()
    shop.answered(thread)
    looked_at = []
    played_storage.seen = lambda name, result: name == "messages.latest_moments" and looked_at.append(len(result))

    for number in range(6):
        write_back(shop, f"{number}")

    assert looked_at == [3, 4, 4, 4, 4]


# Language (R42).


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Guten Tag, wo ist meine Bestellung? Ich warte schon seit zwei Wochen.", "de"),
        ("Bonjour, où est ma commande ? Je n'ai toujours rien reçu.\r\n\r\n> Ihre Bestellung ist auf dem Weg.", "fr"),
        ("OK", "nl"),
    ],
    ids=["German", "French above German", "nobody knows"],
)
def test_a_thread_has_the_language_of_what_the_customer_wrote(make_shop, text, language):
    """Of the new text alone; where it does not tell, the help desk's own."""
    shop = make_shop(settings=DeskSettings(language="nl"))

    assert shop.open_thread(shop.write(text)).language == language


def test_the_language_of_the_contact_goes_before_that_of_the_mail(shop):
    """A department that answers in one language alone."""
    shop.desk.contacts.save(attrs.evolve(shop.desk.contacts.get(shop.contact.id), language="de"))

    assert shop.open_thread(shop.write("Where is my parcel? It is two weeks late by now.")).language == "de"


# Contacts (R39, R40).


@pytest.fixture
def sales(shop):
    """A second department."""
    return shop.desk.contacts.add("Sales", addresses=[EmailAddress("sales@shop.example")])


@pytest.mark.parametrize(
    "told",
    [
        {"to": "Sales <SALES@shop.example>"},
        {"to": "sales+summer@shop.example"},
        {"to": "friend@elsewhere.example", "headers": ("Cc: sales@shop.example",)},
        {"to": "undisclosed-recipients:;", "headers": ("Delivered-To: sales@shop.example",)},
        {"to": None, "headers": ("X-Original-To: sales@shop.example",)},
    ],
)
def test_the_contact_is_found_by_its_address(shop, sales, told):
    """Exactly one address of a contact, wherever it stands, decides."""
    thread = shop.open_thread(shop.write(**told))

    assert thread.contact_id == sales.id


@pytest.mark.parametrize(
    "told",
    [
        {"to": "nobody@shop.example"},
        {"to": "sales@shop.example, help@shop.example"},
        {"to": "shared@shop.example"},
        {"to": "sales@other.example"},
    ],
)
def test_none_several_or_a_shared_address_take_the_contact_of_the_mailbox(shop, sales, told):
    """Where the addresses do not say exactly one contact, the mailbox does."""
    shared = EmailAddress("shared@shop.example")
    for contact in (sales, shop.contact):
        shop.desk.contacts.save(attrs.evolve(contact, addresses=(*contact.addresses, shared)))

    thread = shop.open_thread(shop.write(**told))

    assert thread.contact_id == shop.contact.id


def test_a_contact_with_a_tagged_address_is_meant_alone(shop):
    """``help+orders@`` is the address of Orders where Orders has it, and not also that of ``help@``."""
    orders = shop.desk.contacts.add("Orders", addresses=[EmailAddress("help+orders@shop.example")])

    thread = shop.open_thread(shop.write(to="help+orders@shop.example"))

    assert thread.contact_id == orders.id


def test_a_mailbox_without_contact_opens_threads_without_contact(shop):
    """They wait in a box of their own."""
    shop.configure(contact_id=None)

    thread = shop.open_thread(shop.write(to="nobody@shop.example"))

    assert thread.contact_id is None


def test_a_message_keeps_the_contact_it_was_sent_to(shop, sales):
    """The thread stays with its contact, the message says which address it came to (R6)."""
    thread = shop.open_thread()
    reply = shop.answered(thread)

    shop.receive(shop.write("To you too", to="sales@shop.example", in_reply_to=id_of(reply.raw)))

    assert shop.thread(thread.id).contact_id == shop.contact.id
    assert shop.messages(thread.id)[-1].contact_id == sales.id


def test_a_contact_that_does_not_save_opens_no_thread_and_keeps_no_body(shop):
    """Identity, headers and outcome remain; the bytes are gone and the server is not told (R25, R40)."""
    shop.desk.contacts.add("Privacy", addresses=[EmailAddress("privacy@shop.example")], saves_messages=False)

    (delivery,) = shop.receive(shop.write(to="privacy@shop.example"))

    assert (delivery.outcome, delivery.decision.rule) == (Outcome.IGNORED, "contact")
    assert (delivery.subject, delivery.raw_kept) == ("Where is my parcel?", False)
    with pytest.raises(StoredBytesLost):
        shop.desk.mail.raw(delivery.id)


def test_a_thread_goes_on_when_its_contact_stops_saving(shop):
    """Threads that exist go on receiving answers (R40)."""
    thread = shop.open_thread()
    reply = shop.answered(thread)
    shop.desk.contacts.save(attrs.evolve(shop.desk.contacts.get(shop.contact.id), saves_messages=False))

    (delivery,) = shop.receive(shop.write("Thanks", in_reply_to=id_of(reply.raw)))

    assert delivery.outcome is Outcome.JOINED


# Form senders (R39).


FORM = "Shop form <form@plugin.example>"


@pytest.fixture
def form_shop(make_shop):
    """A help desk whose mailbox hears a shop plug-in's form."""
    return make_shop(form_senders=frozenset({EmailAddress("form@plugin.example")}), authserv_id=AUTHSERV)


PASSED = f"Authentication-Results: {AUTHSERV}; dmarc=pass header.from=plugin.example"


def test_a_proven_form_sender_speaks_for_the_person_in_reply_to(form_shop):
    """The person is the Reply-To; the From is recorded as the channel."""
    (delivery,) = form_shop.receive(
        form_shop.write(sender=FORM, headers=(PASSED, "Reply-To: Maria <maria@customer.example>"))
    )

    (thread,) = form_shop.threads()
    assert thread.address == EmailAddress("maria@customer.example")
    assert delivery.decision.standing == "sent through form@plugin.example"


def test_our_message_id_domain_proves_a_form_sender(form_shop):
    """A plug-in that writes our Message-ID domain needs no authentication server."""
    thread = form_shop.open_thread(
        form_shop.write(sender=FORM, message_id="1@shop.example", headers=("Reply-To: maria@customer.example",))
    )

    assert thread.address == EmailAddress("maria@customer.example")


@pytest.mark.parametrize(
    "headers",
    [
        ("Reply-To: maria@customer.example",),
        (PASSED, "Reply-To: maria@customer.example, eve@elsewhere.example"),
        (PASSED,),
    ],
    ids=["not proven", "two persons", "nobody"],
)
def test_an_unproven_form_sender_speaks_for_itself(form_shop, headers):
    """Without proof, or without exactly one person, the From is the person."""
    thread = form_shop.open_thread(form_shop.write(sender=FORM, headers=headers))

    assert thread.address == EmailAddress("form@plugin.example")


def test_our_message_id_domain_proves_nothing_against_a_failed_authentication(form_shop):
    """Whoever forges the form's address writes the Message-ID as well."""
    failed = f"Authentication-Results: {AUTHSERV}; dmarc=fail header.from=plugin.example"
    (delivery,) = form_shop.receive(
        form_shop.write(
            sender=FORM, message_id="1@shop.example", headers=(failed, "Reply-To: Maria <maria@customer.example>")
        )
    )

    assert [message.author.address.value for message in form_shop.messages(delivery.thread_id)] == [
        "form@plugin.example"
    ]


def test_the_same_words_of_two_people_through_a_form_are_two_mails(form_shop):
    """Who they are stands in the Reply-To alone; what one person sends twice is a duplicate as ever."""
    maria, leo = (
        form_shop.write("Please call me back", sender=FORM, message_id=None, headers=(PASSED, f"Reply-To: {person}"))
        for person in ("maria@customer.example", "leo@customer.example")
    )

    outcomes = [mail.outcome for mail in form_shop.receive(maria, leo, maria)]

    assert outcomes == [Outcome.OPENED, Outcome.OPENED, Outcome.DUPLICATE]


def test_a_form_sender_among_others_speaks_for_nobody(form_shop):
    """What a server proved of one of several senders says nothing about the Reply-To."""
    both = f"{FORM}, eve@elsewhere.example"
    thread = form_shop.open_thread(
        form_shop.write(sender=both, headers=(PASSED, "Reply-To: Maria <maria@customer.example>"))
    )

    assert thread.address == EmailAddress("form@plugin.example")


@pytest.mark.parametrize(
    "sender",
    ["help@shop.example", "eve@elsewhere.example, help@shop.example", "help@shop.example, eve@elsewhere.example"],
)
def test_a_mail_that_we_are_one_sender_of_is_our_own(shop, sender):
    """Our own address among several senders is enough: nobody else writes in our name."""
    (delivery,) = shop.receive(shop.write(sender=sender))

    assert (delivery.outcome, delivery.decision.rule) == (Outcome.IGNORED, "own mail")


def test_the_reply_to_of_everybody_else_is_not_the_person(form_shop):
    """Reply-To is no identity."""
    thread = form_shop.open_thread(form_shop.write(headers=(PASSED, "Reply-To: eve@elsewhere.example")))

    assert thread.address == EmailAddress("maria@customer.example")


MANY = ", ".join(f"p{number}@elsewhere.example" for number in range(50))


@pytest.mark.parametrize(
    ("headers", "shown"),
    [
        (("Reply-To: eve@elsewhere.example",), "eve@elsewhere.example;"),
        ((f"Reply-To: {MANY}",), "p0@elsewhere.example, p1@elsewhere.example, p2@elsewhere.example, ...;"),
        (("Reply-To: MARIA@customer.example, eve@elsewhere.example",), "at eve@elsewhere.example;"),
        (("Reply-To: maria@customer.example",), None),
        (("Reply-To: help@shop.example",), None),
        (("Reply-To: news@elsewhere.example", "List-Post: <mailto:news@elsewhere.example>"), None),
        (("Reply-To: nobody",), None),
    ],
    ids=["elsewhere", "fifty", "herself and elsewhere", "herself", "ourselves", "her list", "no address"],
)
def test_a_reply_to_that_leads_elsewhere_is_a_warning(shop, headers, shown):
    """It is not followed, and whoever answers is told (R39, bad input 75)."""
    (delivery,) = shop.receive(shop.write(headers=headers))

    warnings = delivery.decision.warnings
    assert len(warnings) == (shown is not None)
    assert shown is None or shown in warnings[0]


def test_a_form_that_sends_from_our_own_address_is_heard(make_shop):
    """Own mail is ignored, but not that of a form sender."""
    shop = make_shop(form_senders=frozenset({EmailAddress("help@shop.example")}))

    thread = shop.open_thread(
        shop.write(
            sender="help@shop.example", message_id="1@shop.example", headers=("Reply-To: maria@customer.example",)
        )
    )

    assert thread.address == EmailAddress("maria@customer.example")


@pytest.mark.parametrize("header", ["Auto-Submitted: auto-generated", "List-Unsubscribe: <mailto:u@plugin.example>"])
def test_a_proven_form_may_look_automatic(form_shop, header):
    """Plug-ins and marketplaces mark what they send as generated; the person behind it is not."""
    thread = form_shop.open_thread(
        form_shop.write(sender=FORM, headers=(PASSED, header, "Reply-To: maria@customer.example"))
    )

    assert thread.address == EmailAddress("maria@customer.example")


def test_a_bounce_of_a_form_sender_is_a_bounce(form_shop):
    """To speak for people is not to speak for all machines."""
    (delivery,) = form_shop.receive(
        form_shop.write(
            sender=FORM,
            headers=(PASSED, "Reply-To: maria@customer.example", "X-Failed-Recipients: x@elsewhere.example"),
        )
    )

    assert delivery.outcome is Outcome.IGNORED


def test_an_unproven_form_in_our_own_name_waits_for_a_person(make_shop):
    """It may be forged, and it may be a customer: it is not thrown away, and our own address is no customer."""
    shop = make_shop(form_senders=frozenset({EmailAddress("help@shop.example")}))

    (delivery,) = shop.receive(shop.write(sender="help@shop.example", headers=("Reply-To: maria@customer.example",)))

    assert (delivery.outcome, delivery.decision.rule) == (Outcome.HELD, "form sender")


# A mailbox that opens no threads (R43).


def test_a_mailbox_that_opens_no_threads_turns_mail_away_without_a_trace_of_its_body(make_shop):
    """Identity, headers and outcome remain; the bytes are gone."""
    shop = make_shop(create_threads=False)

    (delivery,) = shop.receive(shop.write())

    assert (delivery.outcome, delivery.subject, delivery.raw_kept) == (Outcome.NOT_OURS, "Where is my parcel?", False)
    with pytest.raises(StoredBytesLost):
        shop.desk.mail.raw(delivery.id)


def test_a_mailbox_that_opens_no_threads_lets_answers_in(shop):
    """The switch is about mail that belongs to no thread."""
    thread = shop.open_thread()
    reply = shop.answered(thread)
    shop.configure(create_threads=False)

    (delivery,) = shop.receive(shop.write("Thanks", in_reply_to=id_of(reply.raw)))

    assert delivery.outcome is Outcome.JOINED


def test_kinds_and_contacts_go_before_the_switch(make_shop):
    """Automatic mail is ignored as such, and mail for a contact that does not save too (R43)."""
    shop = make_shop(create_threads=False)
    shop.desk.contacts.add("Privacy", addresses=[EmailAddress("privacy@shop.example")], saves_messages=False)

    automatic, private = shop.receive(
        shop.write("I am away", subject="Out of office", headers=VACATION), shop.write(to="privacy@shop.example")
    )

    assert (automatic.outcome, private.outcome) == (Outcome.IGNORED, Outcome.IGNORED)


# Attachments (R36).


def test_files_become_attachments_with_their_bytes(shop):
    """Name, type, size and bytes are kept; an unnamed one has no name."""
    raw = (
        b"From: maria@customer.example\r\nSubject: files\r\n"
        b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n'
        b"--b\r\nContent-Type: text/plain\r\n\r\nSee there.\r\n"
        b'--b\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename="bill.pdf"\r\n\r\nPDF\r\n'
        b"--b\r\nContent-Type: image/png\r\nContent-Disposition: attachment\r\n\r\nPNG\r\n"
        b"--b--\r\n"
    )

    thread = shop.open_thread(raw)

    named, unnamed = shop.messages(thread.id)[0].attachments
    with shop.storage.unit() as unit:
        assert unit.blobs.get(named.sha256) == b"PDF"
    assert (named.filename, named.media_type, named.size) == ("bill.pdf", "application/pdf", 3)
    assert unnamed.filename is None


# One mail never influences the next (R39).


def test_a_thread_of_another_shop_is_not_found_by_its_number(shop, make_shop):
    """Numbers are unique across shops, and so is what they open."""
    thread = shop.open_thread()
    other = type(shop.desk)(shop.context, shop="other")
    box, _ = shop.add_box(other, "Other", contact_id=None, first_sync=FirstSync(everything=True))
    shop.arrive(shop.write("Hello", subject=f"Re: [#{thread.number}]"))

    shop.server.remove(1)
    other.sync(box.id, source=shop.server)

    assert shop.mails()[-1].decision.rule == "no_evidence"


def test_answers_in_one_batch_join_the_thread_that_the_batch_opens(shop):
    """Each mail of a batch sees what those before it became."""
    first = shop.write("One", message_id="1@customer.example")
    second = shop.write("Two", message_id="2@customer.example", in_reply_to="1@customer.example")
    third = shop.write("Three", message_id="3@customer.example", in_reply_to="2@customer.example")

    outcomes = [delivery.outcome for delivery in shop.receive(first, second, third)]

    (thread,) = shop.threads()
    assert outcomes == [Outcome.OPENED, Outcome.JOINED, Outcome.JOINED]
    assert thread.messages == 3
