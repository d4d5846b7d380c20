"""What employees do to a thread: answers are stored with their finished mail, everything else with its history."""

import datetime as dt
import email
import email.policy

import attrs
import pytest

from customerservice.application.context import DeskSettings
from customerservice.application.replying import MAX_FILES_SIZE, FileToSend, ReplyDraft
from customerservice.domain.actor import Actor, ShopScope
from customerservice.domain.contact import AfterReply
from customerservice.domain.email_address import EmailAddress
from customerservice.domain.events import EventKind
from customerservice.domain.ids import ContactId, ShopId
from customerservice.domain.message import Audience, MessageKind
from customerservice.domain.outbox import OutboxState
from customerservice.domain.references import EmployeeRef, OrderRef
from customerservice.domain.status import DEFAULT_LEGEND, ThreadStatus
from customerservice.errors import Conflict, InvalidValue, NotAllowed, NotFound, Refused, SigningKeyNeeded
from customerservice.testing.builders import Builder

BEN = EmployeeRef("ben")


def headers(raw):
    """The headers of a finished mail, as another program reads them."""
    return email.message_from_bytes(raw, policy=email.policy.compat32)


@pytest.fixture
def thread(shop):
    """A thread of a customer."""
    return shop.open_thread(shop.write(message_id="1@customer.example"))


# The mail.


def test_a_reply_names_the_mails_it_answers(shop, thread):
    """In-Reply-To and References carry the conversation, so that any program threads it (R82)."""
    first = headers(shop.answered(thread).raw)
    shop.receive(shop.write("Thanks", message_id="2@customer.example", in_reply_to=first["Message-ID"].strip("<>")))
    second = headers(shop.answered(thread, "You are welcome").raw)

    assert first["In-Reply-To"] == "<1@customer.example>"
    assert second["In-Reply-To"] == "<2@customer.example>"
    assert second["References"].split() == ["<1@customer.example>", first["Message-ID"], "<2@customer.example>"]
    assert second["Message-ID"] != first["Message-ID"]


def test_a_reply_to_a_mail_without_message_id_names_none(shop):
    """There is nothing to name, and nothing is made up."""
    thread = shop.open_thread(shop.write(message_id=None))

    sent = headers(shop.answered(thread).raw)

    assert sent["In-Reply-To"] is None
    assert sent["References"] is None


def test_notes_and_reports_are_no_part_of_the_references(shop, thread):
    """What the customer never saw is not named to him."""
    first = headers(shop.answered(thread).raw)["Message-ID"]
    away = shop.write("Away", message_id="away@customer.example", in_reply_to=first.strip("<>"))
    shop.receive(away.replace(b"\r\n\r\n", b"\r\nAuto-Submitted: auto-replied\r\n\r\n", 1))
    shop.anna.note(thread.id, "careful")

    sent = headers(shop.answered(thread).raw)

    assert "away@customer.example" not in sent["References"]


def test_a_reply_goes_to_the_customer_from_the_contact(shop, thread):
    """From the contact's address with its name, to the customer with his."""
    sent = shop.answered(thread)

    mail = headers(sent.raw)
    assert (mail["From"], mail["To"]) == ("Customer service <help@shop.example>", "Maria <maria@customer.example>")
    assert (sent.envelope.sender, sent.recipients) == (shop.address, (EmailAddress("maria@customer.example"),))


def test_a_reply_is_from_the_verified_sender_where_there_is_one(make_shop):
    """Then answers are asked for at the contact's own address (R82, R83)."""
    shop = make_shop(settings=DeskSettings(sender=EmailAddress("post@shop.example")))
    thread = shop.open_thread()

    mail = headers(shop.answered(thread).raw)

    assert (mail["From"], mail["Reply-To"]) == ("Customer service <post@shop.example>", "help@shop.example")


def test_without_a_signed_address_the_subject_carries_the_token(shop, thread):
    """Answers come to the contact's address, and the marker brings them back (R82)."""
    mail = headers(shop.answered(thread).raw)

    assert mail["Subject"].split(" [#")[0] == "Re: Where is my parcel?"
    assert shop.token(thread) in mail["Subject"]
    assert mail["Reply-To"] is None


def test_after_a_revocation_the_next_reply_carries_a_new_token(shop, thread):
    """Old answers are held, new ones find their way (R21)."""
    old = shop.token(thread)
    revoked = shop.desk.threads.revoke_reply_tokens(thread.id)

    subject = headers(shop.answered(thread).raw)["Subject"]

    assert old not in subject
    assert shop.token(revoked) in subject


def test_the_second_address_of_a_contact_is_not_asked_for(shop, thread):
    """From its first address, answers to its first address."""
    contact = shop.desk.contacts.get(shop.contact.id)
    shop.desk.contacts.save(attrs.evolve(contact, addresses=(*contact.addresses, EmailAddress("old@shop.example"))))

    assert headers(shop.answered(thread).raw)["Reply-To"] is None


def test_with_a_signed_address_the_subject_carries_the_number_only(make_shop):
    """The token stands in Reply-To, where nobody reads it (R82)."""
    shop = make_shop(reply_address="help+{token}@shop.example")
    thread = shop.open_thread()

    mail = headers(shop.answered(thread).raw)

    assert mail["Reply-To"] == f"help+{thread.number}-{shop.token(thread)}@shop.example"
    assert mail["Subject"] == f"Re: Where is my parcel? [#{thread.number}]"


def test_the_signed_address_is_that_of_the_contacts_own_mailbox(make_shop):
    """Where several mailboxes have one, else any of the shop's serves."""
    shop = make_shop(reply_address="help+{token}@shop.example")
    sales = shop.desk.contacts.add("Sales", addresses=[EmailAddress("sales@shop.example")])
    none = shop.desk.contacts.add("Other", addresses=[EmailAddress("other@shop.example")])
    shop.add_box(shop.desk, "Sales", contact_id=sales.id, reply_address="sales+{token}@shop.example")

    of_sales = headers(shop.answered(shop.open_thread(shop.write("a", to="sales@shop.example"))).raw)
    of_other = headers(shop.answered(shop.open_thread(shop.write("b", to="other@shop.example"))).raw)

    assert none is not None
    assert of_sales["Reply-To"].startswith("sales+")
    assert of_other["Reply-To"].startswith("help+")


def test_a_subject_is_answered_once(shop, thread):
    """Prefixes and markers do not pile up."""
    subject = headers(shop.answered(thread).raw)["Subject"]
    again = shop.open_thread(shop.write("Other", subject="AW: Re: Where is my invoice?"))

    assert headers(shop.answered(again).raw)["Subject"].startswith("Re: Where is my invoice? [#")
    assert subject.count("[#") == 1


def test_a_thread_without_subject_is_answered_with_one(shop):
    """A mail without a subject looks like spam."""
    thread = shop.open_thread(shop.write(subject=None))

    assert headers(shop.answered(thread).raw)["Subject"].startswith("Your message to us [#")


def test_text_html_and_files_go_out_as_written(shop, thread):
    """As alternatives, with the files beside them; the message keeps the same."""
    file = FileToSend(filename="label.pdf", media_type="application/pdf", content=b"%PDF")

    sent = shop.answered(thread, "Print <this>", html="<p>Print this</p>", files=[file])

    parts = {part.get_content_type(): part.get_payload(decode=True) for part in headers(sent.raw).walk()}
    message = shop.messages(thread.id)[-1]
    assert parts["text/plain"].strip() == b"Print <this>"
    assert parts["text/html"].strip() == b"<p>Print this</p>"
    assert parts["application/pdf"] == b"%PDF"
    assert (message.text, message.html, message.attachments[0].filename) == (
        "Print <this>",
        "<p>Print this</p>",
        "label.pdf",
    )


def test_cc_is_shown_and_bcc_is_in_no_byte(shop, thread):
    """Both get the mail; who is a Bcc recipient stands in the envelope only (P5, R120)."""
    sent = shop.answered(
        thread, cc=[EmailAddress("boss@customer.example")], bcc=[EmailAddress("quiet@elsewhere.example")]
    )

    assert headers(sent.raw)["Cc"] == "boss@customer.example"
    assert b"quiet@elsewhere.example" not in sent.raw
    assert [str(one) for one in sent.recipients] == [
        "maria@customer.example",
        "boss@customer.example",
        "quiet@elsewhere.example",
    ]
    assert shop.thread(thread.id).participants == thread.participants


def test_a_recipient_named_twice_gets_one_mail(shop, thread):
    """The customer in Cc as well is one recipient."""
    sent = shop.answered(
        thread, cc=[EmailAddress("MARIA@customer.example")], bcc=[EmailAddress("maria@customer.example")]
    )

    assert len(sent.recipients) == 1


def test_a_doubly_encoded_subject_adds_no_recipient(shop):
    """A subject that hides a Bcc header inside encoded words stays a subject (fact 1)."""
    hidden = "=?utf-8?q?=3D=3Futf-8=3Fq=3Fa=3D0aBcc=3A=3D20eve=40evil.example=3F=3D?="
    thread = shop.open_thread(shop.write(subject=hidden))

    sent = shop.answered(thread)

    mail = headers(sent.raw)
    assert mail["Bcc"] is None
    assert b"\nBcc" not in sent.raw
    assert mail.keys() == [
        "Date", "From", "To", "Subject", "Message-ID", "In-Reply-To", "References", "MIME-Version", "Content-Type",
        "Content-Transfer-Encoding",
    ]  # fmt: skip
    assert len(sent.recipients) == 1


def test_the_bytes_are_frozen_when_the_reply_is_stored(shop, thread):
    """What changes afterwards changes no mail that waits (P4)."""
    replied = shop.anna.reply(thread.id, text="It is on its way.")
    with shop.storage.unit() as unit:
        frozen = unit.blobs.get(replied.outbox.sha256)
    contact = shop.desk.contacts.get(shop.contact.id)
    shop.desk.contacts.save(attrs.evolve(contact, addresses=(EmailAddress("new@shop.example"),)))
    shop.desk.threads.revoke_reply_tokens(thread.id)

    shop.desk.deliver(shop.sender)

    assert shop.sender.sent[0].raw == frozen


def test_two_equal_desks_write_equal_bytes(make_shop):
    """With the same clock, ids and keys (R106)."""
    mails = []
    for _ in range(2):
        shop = make_shop()
        mails.append(shop.answered(shop.open_thread()).raw)

    assert mails[0] == mails[1]


# The thread.


def test_a_reply_is_stored_before_it_is_sent(shop, thread):
    """Message and outgoing mail wait together; the status has not moved yet (R61)."""
    replied = shop.anna.reply(thread.id, text="It is on its way.")

    view = shop.desk.threads.view(thread.id)
    assert view.messages[-1].message == replied.message
    assert view.messages[-1].outbox == replied.outbox
    assert replied.outbox.state is OutboxState.WAITING
    assert view.thread.status is ThreadStatus.OPEN
    assert shop.sender.sent == []


def test_the_first_reply_makes_its_author_responsible(shop, thread):
    """When it is stored; a later one of somebody else leaves that (R67)."""
    shop.desk.employees.put(BEN, name="Ben")
    shop.anna.reply(thread.id, text="one")
    shop.desk.as_employee(BEN).reply(thread.id, text="two")

    assert shop.thread(thread.id).assignee == shop.anna.actor.employee


def test_the_author_has_the_name_of_the_directory(shop, thread):
    """An employee the directory does not know has none."""
    known = shop.anna.reply(thread.id, text="one").message
    unknown = shop.desk.as_employee(BEN).reply(thread.id, text="two").message

    assert (known.author.name, unknown.author.name) == ("Anna", "")


@pytest.mark.parametrize(
    ("desk", "contact", "reply", "status"),
    [
        (AfterReply.CLOSE, None, None, ThreadStatus.CLOSED),
        (AfterReply.KEEP, None, None, ThreadStatus.OPEN),
        (AfterReply.KEEP, AfterReply.PENDING1, None, ThreadStatus.PENDING1),
        (AfterReply.CLOSE, AfterReply.PENDING1, AfterReply.KEEP, ThreadStatus.OPEN),
        (AfterReply.KEEP, AfterReply.KEEP, AfterReply.CLOSE, ThreadStatus.CLOSED),
    ],
)
def test_what_a_sent_reply_does_to_the_status(make_shop, desk, contact, reply, status):
    """The reply's own wish goes before the contact's, that before the desk's (R61)."""
    shop = make_shop(settings=DeskSettings(after_reply=desk))
    shop.desk.contacts.save(attrs.evolve(shop.desk.contacts.get(shop.contact.id), after_reply=contact))
    thread = shop.open_thread()

    shop.answered(thread, after_reply=reply)

    assert shop.thread(thread.id).status is status


def test_a_reply_cannot_ask_for_a_status_that_is_switched_off(make_shop):
    """It is refused whole (R58)."""
    legend = attrs.evolve(DEFAULT_LEGEND, switched_off=frozenset({ThreadStatus.PENDING1}))
    shop = make_shop(settings=DeskSettings(legend=legend))
    thread = shop.open_thread()

    with pytest.raises(Refused):
        shop.anna.reply(thread.id, text="Later", after_reply=AfterReply.PENDING1)

    assert len(shop.messages(thread.id)) == 1


def test_a_usual_status_that_was_switched_off_is_left_out(make_shop):
    """A contact's old choice keeps nobody from answering; the status stays."""
    legend = attrs.evolve(DEFAULT_LEGEND, switched_off=frozenset({ThreadStatus.PENDING1}))
    shop = make_shop(settings=DeskSettings(legend=legend, after_reply=AfterReply.PENDING1))
    thread = shop.open_thread()

    shop.answered(thread)

    assert shop.thread(thread.id).status is ThreadStatus.OPEN


def test_a_reply_from_an_older_view_is_a_conflict(shop, thread):
    """Whoever answers what is no longer the last word is told, and nothing is overwritten (R64, F47)."""
    shop.anna.reply(thread.id, text="first", seen_version=thread.version)

    with pytest.raises(Conflict):
        shop.desk.as_employee(BEN).reply(thread.id, text="second", seen_version=thread.version)

    assert [message.text.strip() for message in shop.messages(thread.id)] == ["Where is my parcel?", "first"]


def test_two_replies_without_a_seen_version_are_both_kept(shop, thread):
    """In the order they came."""
    shop.anna.reply(thread.id, text="first")
    shop.desk.as_employee(BEN).reply(thread.id, text="second")

    assert [message.text for message in shop.messages(thread.id)[1:]] == ["first", "second"]


def test_a_reply_meets_a_change_of_somebody_else_and_is_decided_again(make_shop, played_storage):
    """Without a seen version the second decision is made on what is stored by then."""
    shop = make_shop(storage=played_storage)
    thread = shop.open_thread()
    tries = []

    def interfere(name, _arguments):
        if name == "threads.save" and len(tries) < 4:
            tries.append(name)
            raise Conflict("thread", thread.number)

    played_storage.step_in = interfere
    shop.anna.reply(thread.id, text="It is on its way.")

    assert len(shop.messages(thread.id)) == 2


def test_five_conflicts_in_a_row_are_given_to_the_caller(make_shop, played_storage):
    """Somebody else was faster each time."""
    shop = make_shop(storage=played_storage)
    thread = shop.open_thread()
    tries = []

    def interfere(name, _arguments):
        if name == "threads.save":
            tries.append(name)
            raise Conflict("thread", thread.number)

    played_storage.step_in = interfere

    with pytest.raises(Conflict):
        shop.anna.reply(thread.id, text="It is on its way.")

    assert len(tries) == 5


def test_inside_a_hosts_transaction_a_conflict_is_the_hosts(make_shop, played_storage):
    """What was decided on cannot be read anew there."""
    shop = make_shop(storage=played_storage)
    thread = shop.open_thread()
    tries = []

    def interfere(name, _arguments):
        if name == "threads.save":
            tries.append(name)
            raise Conflict("thread", thread.number)

    played_storage.step_in, played_storage.commits_itself = interfere, False

    with pytest.raises(Conflict):
        shop.anna.reply(thread.id, text="It is on its way.")

    assert len(tries) == 1


# What is refused leaves no trace.


def test_a_thread_without_address_is_not_answered(shop):
    """Until somebody sets one (R24)."""
    thread = shop.open_thread(shop.write("Help", sender=None))

    with pytest.raises(Refused) as refused:
        shop.anna.reply(thread.id, text="Whoever you are")

    assert refused.value.rule == "no-address"
    assert len(shop.messages(thread.id)) == 1


def test_a_reply_needs_somebody_to_be_from(make_shop):
    """Neither a sender nor an address of the contact: refused, with what to set."""
    shop = make_shop()
    nobody = shop.desk.contacts.add("No address")
    shop.configure(contact_id=nobody.id)
    thread = shop.open_thread(shop.write(to="elsewhere@shop.example"))

    with pytest.raises(Refused) as refused:
        shop.anna.reply(thread.id, text="Hello")

    assert refused.value.rule == "no-sender"


def test_a_thread_without_contact_is_answered_by_the_verified_sender(make_shop):
    """Its mail has no display name and no Reply-To."""
    shop = make_shop(settings=DeskSettings(sender=EmailAddress("post@shop.example")), contact_id=None)
    thread = shop.open_thread(shop.write(to="elsewhere@shop.example"))

    mail = headers(shop.answered(thread).raw)

    assert (thread.contact_id, mail["From"], mail["Reply-To"]) == (None, "post@shop.example", None)


def test_without_a_key_nothing_is_sent(make_shop):
    """A reply address that nobody can prove is not given out (R21)."""
    shop = make_shop(keys=None)
    thread = shop.open_thread()

    with pytest.raises(SigningKeyNeeded):
        shop.anna.reply(thread.id, text="Hello")

    assert len(shop.messages(thread.id)) == 1


@pytest.mark.parametrize("actor", [Actor.system(), Actor.of_customer(None)])
def test_only_employees_write(shop, thread, actor):
    """Neither the host itself nor a customer answers or notes."""
    desk = shop.desk.as_actor(actor)

    with pytest.raises(NotAllowed):
        desk.reply(thread.id, text="Hello")
    with pytest.raises(NotAllowed):
        desk.note(thread.id, "Hello")


@pytest.mark.parametrize("text", ["", " \n\t"])
def test_a_reply_and_a_note_say_something(shop, thread, text):
    """White space is nothing."""
    with pytest.raises(InvalidValue):
        shop.anna.reply(thread.id, text=text)
    with pytest.raises(InvalidValue):
        shop.anna.note(thread.id, text)


def test_the_files_of_a_reply_are_bounded():
    """Twenty megabytes together (R120)."""
    half = FileToSend(filename="a", media_type="text/plain", content=b"x" * (MAX_FILES_SIZE // 2))
    byte = FileToSend(filename="b", media_type="text/plain", content=b"x")

    ReplyDraft(text="just", files=(half, half))
    with pytest.raises(InvalidValue):
        ReplyDraft(text="over", files=(half, half, byte))


# Notes, status, assignee, order.


def test_a_note_reaches_nobody_and_moves_nothing(shop, thread):
    """It is internal, makes nobody responsible and raises no moment (R63, R67)."""
    shop.clock.advance(dt.timedelta(hours=1))

    after = shop.anna.note(thread.id, "The carrier lost it")

    message = shop.messages(thread.id)[-1]
    assert (message.kind, message.audience, message.text) == (
        MessageKind.NOTE,
        Audience.INTERNAL,
        "The carrier lost it",
    )
    assert attrs.evolve(after, version=0) == attrs.evolve(thread, messages=2, version=0)
    assert shop.desk.deliver(shop.sender).sent == 0


def test_a_note_is_in_no_byte_that_leaves(shop, thread):
    """A canary in a note appears in no later mail (R70)."""
    shop.anna.note(thread.id, "canary-4711")

    assert b"canary-4711" not in shop.answered(thread).raw


def test_a_status_is_moved_with_who_and_when(shop, thread):
    """Each change is in the history (R59)."""
    shop.anna.threads.set_status(thread.id, ThreadStatus.PENDING1)

    event = shop.desk.threads.view(thread.id).history[-1]
    assert (event.kind, event.actor, event.before, event.after) == (
        EventKind.STATUS_CHANGED,
        "employee:anna",
        "open",
        "pending1",
    )


def test_a_status_that_is_switched_off_is_refused(make_shop):
    """Neither offered nor accepted (R58)."""
    legend = attrs.evolve(DEFAULT_LEGEND, switched_off=frozenset({ThreadStatus.PENDING2}))
    shop = make_shop(settings=DeskSettings(legend=legend))
    thread = shop.open_thread()

    with pytest.raises(Refused):
        shop.anna.threads.set_status(thread.id, ThreadStatus.PENDING2)


def test_an_operation_that_changes_nothing_stores_nothing(shop, thread):
    """The same status again leaves version and history."""
    shop.anna.threads.set_status(thread.id, ThreadStatus.OPEN)

    view = shop.desk.threads.view(thread.id)
    assert view.thread == thread
    assert len(view.history) == 1


def test_threads_are_assigned_and_tied_to_orders(shop, thread):
    """And let go again."""
    shop.anna.threads.assign(thread.id, BEN)
    linked = shop.anna.threads.link_order(thread.id, OrderRef("4711"))
    shop.anna.threads.assign(thread.id, None)
    freed = shop.anna.threads.link_order(thread.id, None)

    assert (linked.assignee, linked.order) == (BEN, OrderRef("4711"))
    assert (freed.assignee, freed.order) == (None, None)


@pytest.mark.parametrize("act", ["reply", "note", "status", "assign", "order", "revoke", "view", "number"])
def test_threads_of_another_shop_do_not_exist(shop, thread, act):
    """Whatever is asked for or done (R94)."""
    desk = shop.desk.as_employee(BEN, scope=ShopScope.of(ShopId("another shop")))
    acts = {
        "reply": lambda: desk.reply(thread.id, text="Hello"),
        "note": lambda: desk.note(thread.id, "Hello"),
        "status": lambda: desk.threads.set_status(thread.id, ThreadStatus.CLOSED),
        "assign": lambda: desk.threads.assign(thread.id, BEN),
        "order": lambda: desk.threads.link_order(thread.id, OrderRef("1")),
        "revoke": lambda: desk.threads.revoke_reply_tokens(thread.id),
        "view": lambda: desk.threads.view(thread.id),
        "number": lambda: desk.threads.by_number(thread.number),
    }

    with pytest.raises(NotFound):
        acts[act]()

    assert shop.thread(thread.id) == thread


def test_a_thread_that_was_never_stored_does_not_exist(shop):
    """An id nobody gave."""
    with pytest.raises(NotFound):
        shop.anna.reply(Builder().thread().id, text="Hello")


def test_a_contact_that_is_gone_is_no_contact(make_shop):
    """A thread of a contact that is not stored is answered by the verified sender."""
    shop = make_shop(settings=DeskSettings(sender=EmailAddress("post@shop.example")))
    build = Builder(ids=shop.ids)
    thread = build.thread(contact_id=ContactId(shop.ids.new()))
    with shop.storage.unit() as unit:
        unit.threads.add(thread)

    assert headers(shop.answered(thread).raw)["From"] == "post@shop.example"
