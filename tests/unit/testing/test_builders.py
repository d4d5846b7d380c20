"""The builders of domain values."""

import datetime as dt

import attrs
from hypothesis import given

from customerservice.domain.actor import Actor
from customerservice.domain.delivery import Decision
from customerservice.domain.email_address import EmailAddress
from customerservice.domain.outbox import RecipientState
from customerservice.domain.text import storable
from customerservice.domain.thread import Thread
from customerservice.testing.builders import (
    CUSTOMER_ADDRESS,
    SHOP_ADDRESS,
    Builder,
    decisions,
    email_addresses,
    moments,
    settled,
    storable_texts,
    waiting,
)
from customerservice.testing.clock import CountingIdFactory


def test_two_builders_make_the_same() -> None:
    """Equal calls give equal values in every run."""
    made = [[build.thread(), build.delivery(), build.outbox_entry()] for build in (Builder(), Builder())]

    assert made[0] == made[1]


def test_values_of_one_builder_differ() -> None:
    """In their ids, numbers and places at the source."""
    build = Builder()
    threads, mails = [build.thread() for _ in range(3)], [build.delivery() for _ in range(3)]

    assert len({thread.id for thread in threads}) == len({thread.number for thread in threads}) == 3
    assert len({mail.key for mail in mails}) == 3


def test_ids_come_from_the_given_factory() -> None:
    """A store shared by two builders needs one factory."""
    factory = CountingIdFactory()

    assert Builder(factory).contact().id != Builder(factory).contact().id


def test_every_field_can_be_told() -> None:
    """What is told wins over what would be made."""
    build = Builder()
    thread = build.thread()
    told = build.message(thread, text="told", contact_id=build.contact().id)

    assert (told.text, told.thread_id, build.thread(id=thread.id).id) == ("told", thread.id, thread.id)
    assert told.contact_id is not None


def test_thread_is_as_its_first_message_makes_it() -> None:
    """A built thread is one that could have come about."""
    build = Builder()
    message = build.message()
    opened = Thread.open(
        message,
        number=7,
        actor=Actor.system(),
        subject="Where is my parcel?",
        address=CUSTOMER_ADDRESS,
        name="Maria",
    ).thread

    assert build.thread(id=message.thread_id, number=7) == opened


def test_note_and_report_are_no_activity() -> None:
    """A message and a reply are."""
    build = Builder()
    made = [build.message(), build.reply(), build.note(), build.report()]

    assert [message.counts_as_activity for message in made] == [True, True, False, False]


def test_answers_are_in_the_order_of_the_recipients() -> None:
    """One for each."""
    entry = Builder().outbox_entry(recipients=waiting(CUSTOMER_ADDRESS, SHOP_ADDRESS))
    states = [RecipientState.SENT, RecipientState.REFUSED]
    answers = settled(entry, states, code=250, text="ok")

    assert [(answer.address, answer.state) for answer in answers] == [
        (CUSTOMER_ADDRESS, RecipientState.SENT),
        (SHOP_ADDRESS, RecipientState.REFUSED),
    ]


@given(storable_texts(), moments(), email_addresses(), decisions())
def test_strategies_give_what_a_storage_must_hold(
    text: str, moment: dt.datetime, address: EmailAddress, decision: Decision
) -> None:
    """Texts that need no normalising, aware moments, addresses that are plain, decisions that can be changed."""
    assert storable(text) == text
    assert moment.utcoffset() is not None
    assert EmailAddress(address.value) == address
    assert attrs.evolve(decision) == decision
