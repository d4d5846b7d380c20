"""The contact form: stored at once, once, and only into a thread that was proven."""

import datetime as dt
import threading

import attrs
import pytest

from customerservice.application.contact_form import FormMessage, FormOutcome
from customerservice.domain.actor import Actor
from customerservice.domain.delivery import DeliveryKey
from customerservice.domain.email_address import EmailAddress
from customerservice.domain.ids import ContactId
from customerservice.domain.outcome import Outcome
from customerservice.domain.references import CustomerRef, OrderRef, ProductRef
from customerservice.domain.status import ThreadStatus
from customerservice.domain.wording import Wording
from customerservice.errors import Refused

MARIA = CustomerRef("maria")


@pytest.fixture
def typed(shop):
    """What a visitor typed."""
    return FormMessage(
        key="submit-1", contact_id=shop.contact.id, email="maria@customer.example", name="Maria", text="Where is it?"
    )


def test_a_message_becomes_a_thread_with_one_message(shop, typed):
    """Text, address, name, language, order, product and browser are kept (R3, R113)."""
    typed = attrs.evolve(
        typed,
        subject="My parcel",
        language="de",
        order=OrderRef("4711"),
        product=ProductRef("shoe"),
        user_agent="Browser\r\n 1",
    )

    result = shop.desk.submit_form(typed)

    thread = shop.thread(result.thread.id)
    (message,) = shop.messages(thread.id)
    assert result.outcome is FormOutcome.STORED
    assert (thread.subject, thread.language, thread.order) == ("My parcel", "de", OrderRef("4711"))
    assert (thread.address, thread.name, thread.contact_id) == (
        EmailAddress("maria@customer.example"),
        "Maria",
        shop.contact.id,
    )
    assert (message.text, message.product, message.user_agent) == ("Where is it?", ProductRef("shoe"), "Browser 1")
    assert shop.desk.statistics().threads == 1


def test_a_stored_message_leaves_its_delivery(shop, typed):
    """It can be asked for like a mail, by the key of its submit (R46)."""
    result = shop.desk.submit_form(typed)

    (delivery,) = shop.desk.mail.find(key=DeliveryKey(source="form:default", name="submit-1"))
    assert (delivery.outcome, delivery.thread_id) == (Outcome.OPENED, result.thread.id)
    assert delivery.decision.rule == "contact form"


def test_any_characters_are_stored_unchanged(shop, typed):
    """Markup, braces and scripts are text (R12)."""
    text = "a < b, {}, <3, onclick= \N{SNOWMAN}\n\tend "

    result = shop.desk.submit_form(attrs.evolve(typed, text=text))

    assert shop.messages(result.thread.id)[0].text == text


def test_without_a_subject_the_thread_takes_the_name_of_its_contact(shop, typed):
    """In the visitor's language (R65)."""
    contact = shop.desk.contacts.get(shop.contact.id)
    shop.desk.contacts.save(attrs.evolve(contact, name=Wording.of(en="Customer service", de="Kundendienst")))

    result = shop.desk.submit_form(attrs.evolve(typed, language="de"))

    assert result.thread.subject == "Kundendienst"


def test_a_long_browser_name_is_cut(shop, typed):
    """At 512 characters (R113)."""
    result = shop.desk.submit_form(attrs.evolve(typed, user_agent="x" * 1_000))

    assert len(shop.messages(result.thread.id)[0].user_agent) == 512


# What is refused (R112).


def test_all_faults_are_told_together(shop, typed):
    """By field, with what was typed; nothing is stored."""
    bad = attrs.evolve(typed, key="", contact_id=ContactId(shop.ids.new()), email="not an address", text=" \n")

    result = shop.desk.submit_form(bad)

    assert result.outcome is FormOutcome.REFUSED
    assert [field for field, _ in result.faults] == ["contact", "email", "text", "key"]
    assert (result.typed, result.thread) == (bad, None)
    assert shop.threads() == shop.mails() == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", ""),
        ("email", "a@b@c"),
        ("email", "maria@customer.example\r\nBcc: eve@evil.example"),
        ("text", "\t"),
        ("key", "x" * 256),
        ("key", "a\0b"),
    ],
)
def test_each_fault_alone_is_refused(shop, typed, field, value):
    """One wrong field is enough."""
    result = shop.desk.submit_form(attrs.evolve(typed, **{field: value}))

    assert [name for name, _ in result.faults] == [field]
    assert shop.threads() == []


def test_a_contact_of_another_shop_is_unknown(shop, typed):
    """It is not said whether it exists elsewhere."""
    other = type(shop.desk)(shop.context, shop="other")

    result = other.submit_form(typed)

    assert [name for name, _ in result.faults] == ["contact"]


def test_a_contact_that_saves_nothing_refuses(shop, typed):
    """Such mail would have to be sent inside the call."""
    private = shop.desk.contacts.add("Privacy", addresses=[EmailAddress("p@shop.example")], saves_messages=False)

    with pytest.raises(Refused) as refused:
        shop.desk.submit_form(attrs.evolve(typed, contact_id=private.id))

    assert refused.value.rule == "not-saved"
    assert shop.threads() == []


# Once (R3, R4, F50).


def test_the_same_submit_gives_the_same_thread(shop, typed):
    """A double click, a retried request: one thread, also a day later and with another text."""
    first = shop.desk.submit_form(typed)
    shop.clock.advance(dt.timedelta(days=1))
    second = shop.desk.submit_form(attrs.evolve(typed, text="Where is it now?"))

    assert (second.outcome, second.thread) == (FormOutcome.ALREADY_RECEIVED, first.thread)
    assert len(shop.threads()) == 1


@pytest.mark.parametrize(("minutes", "outcome"), [(9, FormOutcome.ALREADY_RECEIVED), (11, FormOutcome.STORED)])
def test_the_same_text_within_ten_minutes_is_already_received(shop, typed, minutes, outcome):
    """By the same person to the same contact (R4)."""
    shop.desk.submit_form(typed)
    shop.clock.advance(dt.timedelta(minutes=minutes))

    assert shop.desk.submit_form(attrs.evolve(typed, key="submit-2")).outcome is outcome


@pytest.mark.parametrize("change", ["email", "contact_id", "text"])
def test_another_person_contact_or_text_is_another_message(shop, typed, change):
    """Only all three together are a repetition."""
    sales = shop.desk.contacts.add("Sales")
    values = {"email": "eve@elsewhere.example", "contact_id": sales.id, "text": "Where is it?!"}
    shop.desk.submit_form(typed)

    result = shop.desk.submit_form(attrs.evolve(typed, key="submit-2", **{change: values[change]}))

    assert result.outcome is FormOutcome.STORED
    assert len(shop.threads()) == 2


def test_the_same_submit_from_many_threads_is_stored_once(shop, typed):
    """Ten requests at the same moment."""
    begin = threading.Barrier(10)
    results = []

    def submit():
        begin.wait()
        results.append(shop.desk.submit_form(typed))

    workers = [threading.Thread(target=submit) for _ in range(10)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert sorted(result.outcome.value for result in results) == ["already received"] * 9 + ["stored"]
    assert {result.thread.id for result in results} == {shop.threads()[0].id}


def test_a_submit_that_another_request_stores_at_the_same_moment_is_found(make_shop, played_storage, typed):
    """Where a unit does not see what another has not committed, the key decides (F50)."""
    shop = make_shop(storage=played_storage)
    typed = attrs.evolve(typed, contact_id=shop.contact.id)
    first = shop.desk.submit_form(typed)
    unseen = iter([None, None])
    played_storage.answer = lambda name, _arguments: (
        next(unseen, ...) if name in ("deliveries.find", "deliveries.by_content") else ...
    )

    second = shop.desk.submit_form(typed)

    assert (second.outcome, second.thread) == (FormOutcome.ALREADY_RECEIVED, first.thread)
    assert len(shop.threads()) == 1


# Joining (R5).


def test_a_typed_address_never_joins(shop, typed):
    """The customer's own address in the form opens a new thread."""
    thread = shop.open_thread()

    result = shop.desk.submit_form(typed)

    assert result.thread.id != thread.id


def test_the_token_proves_the_thread(shop, typed):
    """A message with the thread and its token joins it and reopens it."""
    thread = shop.open_thread()
    shop.answered(thread)
    shop.clock.advance(dt.timedelta(minutes=1))

    result = shop.desk.submit_form(attrs.evolve(typed, thread_id=thread.id, token=shop.token(thread)))

    (delivery,) = shop.desk.mail.find(key=DeliveryKey(source="form:default", name="submit-1"))
    assert result.thread.id == thread.id
    assert result.thread.status is ThreadStatus.OPEN
    assert delivery.outcome is Outcome.JOINED


def test_the_customer_logged_in_proves_his_own_thread(shop, typed):
    """By naming it; without naming it a new one opens (R5)."""
    desk = shop.desk.as_actor(Actor.of_customer(MARIA))
    thread = desk.submit_form(typed).thread

    joined = desk.submit_form(attrs.evolve(typed, key="2", text="And?", thread_id=thread.id))
    new = desk.submit_form(attrs.evolve(typed, key="3", text="Something else"))

    assert thread.customer == MARIA
    assert joined.thread.id == thread.id
    assert new.thread.id != thread.id


@pytest.mark.parametrize("proof", ["wrong", "none", "another customer", "revoked", "unknown thread"])
def test_without_proof_a_new_thread_opens(shop, typed, proof):
    """The named thread is not touched."""
    owner = shop.desk.as_actor(Actor.of_customer(MARIA))
    thread = owner.submit_form(typed).thread
    named = attrs.evolve(typed, key="2", text="Let me in", thread_id=thread.id)
    desk, token = shop.desk, shop.token(thread)
    if proof == "wrong":
        token = "a" * 26
    elif proof == "none":
        token = None
    elif proof == "another customer":
        desk, token = desk.as_actor(Actor.of_customer(CustomerRef("eve"))), None
    elif proof == "revoked":
        shop.desk.threads.revoke_reply_tokens(thread.id)
    else:
        named = attrs.evolve(named, thread_id=type(thread.id)(int=1))

    result = desk.submit_form(attrs.evolve(named, token=token))

    assert result.thread.id != thread.id
    assert shop.thread(thread.id).messages == 1


def test_a_guest_proves_no_thread_of_nobody(shop, typed):
    """A visitor who is not logged in is not the customer of threads that have none."""
    guest = shop.desk.as_actor(Actor.of_customer(None))
    thread = guest.submit_form(typed).thread

    result = guest.submit_form(attrs.evolve(typed, key="2", text="And?", thread_id=thread.id))

    assert result.thread.id != thread.id


def test_without_keys_no_token_proves_anything(make_shop, typed):
    """A help desk that has no key opens a new thread."""
    shop = make_shop(keys=None)
    thread = shop.open_thread()
    named = attrs.evolve(typed, contact_id=shop.contact.id, thread_id=thread.id, token=shop.token(thread))

    assert shop.desk.submit_form(named).thread.id != thread.id


def test_a_thread_of_another_shop_is_not_proven(shop, typed):
    """Not even with its token."""
    thread = shop.open_thread()
    other = type(shop.desk)(shop.context, shop="other")
    contact = other.contacts.add("Other")
    named = attrs.evolve(typed, contact_id=contact.id, thread_id=thread.id, token=shop.token(thread))

    assert other.submit_form(named).thread.id != thread.id
