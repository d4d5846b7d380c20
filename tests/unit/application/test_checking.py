"""Whether what is stored keeps its promises."""

from collections.abc import Callable
from uuid import UUID

import attrs
import pytest

from customerservice.bootstrap import HelpDesk
from customerservice.domain.delivery import DeliveryKey
from customerservice.domain.figures import Figure, FigureKey
from customerservice.domain.ids import ThreadId
from customerservice.domain.outcome import Outcome
from customerservice.ports.storage import BlobOwner, UnitOfWork
from customerservice.testing.builders import SOME_DIGEST, Builder


@pytest.fixture
def desk() -> HelpDesk:
    """A help desk with nothing in it."""
    return HelpDesk.in_memory()


def test_an_empty_desk_is_in_order(desk: HelpDesk) -> None:
    """Nothing stored, nothing wrong."""
    assert desk.check() == []


def test_a_check_can_be_stopped(desk: HelpDesk) -> None:
    """It ends before its next part and gives what it found so far."""
    store(desk, lambda unit: unit.figures.add({figure(Figure.OPEN): 3}))

    assert desk.check(stop=lambda: True) == []


def test_a_figure_that_is_off_is_named(desk: HelpDesk) -> None:
    """With what is kept and what a recount gives."""
    store(desk, lambda unit: unit.figures.add({figure(Figure.OPEN): 3}))

    assert desk.check() == ["the figure open is 3, a recount gives 0"]


def test_the_counters_of_a_thread_are_recounted(desk: HelpDesk) -> None:
    """Each counter that differs from the stored messages is named, and a thread without any."""
    build = Builder()
    thread = build.thread(messages=2, customer_messages=2, employee_messages=1)

    def work(unit: UnitOfWork) -> None:
        unit.threads.add(thread)

    store(desk, work)
    found = desk.check()

    assert f"thread {thread.number} has no message" in found
    assert f"thread {thread.number} says it has 2 messages, and has 0" in found
    assert f"thread {thread.number} says it has 2 messages of the customer, and has 0" in found
    assert f"thread {thread.number} says it has 1 messages of ours, and has 0" in found


def test_bytes_that_are_lost_are_named(desk: HelpDesk) -> None:
    """Of mails, of files and of outgoing mail, each by its owner."""
    build = Builder()
    thread = build.thread()
    message = build.message(thread, attachments=(build.attachment(sha256=SOME_DIGEST),))
    entry = build.outbox_entry(thread_id=thread.id, message_id=message.id, sha256=SOME_DIGEST)
    mail = build.delivery(sha256=SOME_DIGEST, raw_kept=True, outcome=Outcome.HELD)

    def work(unit: UnitOfWork) -> None:
        unit.threads.add(thread)
        unit.messages.add([message])
        unit.outbox.add(entry)
        unit.deliveries.add([mail])

    store(desk, work)
    found = [fault.partition(":")[0] for fault in desk.check() if "figure" not in fault and "says" not in fault]

    assert found == [f"a file of thread {thread.number}", f"mail {mail.id}", f"outgoing mail {entry.id}"]


def test_bytes_that_are_there_are_no_fault(desk: HelpDesk) -> None:
    """A mail whose bytes are kept, and one whose bytes are not, are both in order."""
    build = Builder()

    def work(unit: UnitOfWork) -> None:
        kept = build.delivery(raw_kept=True, outcome=Outcome.HELD)
        digest = unit.blobs.put(b"Subject: hello\r\n\r\n", BlobOwner("delivery", str(kept.id)))
        dropped = build.delivery(sha256=SOME_DIGEST, raw_kept=False, outcome=Outcome.NOT_OURS)
        unit.deliveries.add([attrs.evolve(kept, sha256=digest), dropped])

    store(desk, work)

    assert desk.check() == []


def test_a_mail_of_a_thread_that_is_not_there_is_named(desk: HelpDesk) -> None:
    """Its thread was lost."""
    lost = ThreadId(UUID(int=1))
    mail = Builder().delivery(sha256=None, raw_kept=False, outcome=Outcome.JOINED, thread_id=lost)
    store(desk, lambda unit: unit.deliveries.add([mail]))

    assert desk.check() == [f"mail {mail.id} belongs to thread {lost}, which does not exist"]


def test_every_page_is_read(desk: HelpDesk) -> None:
    """Also what lies behind the first page is checked."""
    build = Builder()
    mails = [
        build.delivery(
            key=DeliveryKey(source="files", name=str(number)),
            sha256=SOME_DIGEST,
            raw_kept=True,
            outcome=Outcome.HELD,
        )
        for number in range(201)
    ]
    store(desk, lambda unit: unit.deliveries.add(mails))

    assert len(desk.check()) == 201


def figure(which: Figure) -> FigureKey:
    """Give a place to file a figure."""
    build = Builder()
    return FigureKey(shop=build.thread().shop, contact_id=None, day=build.thread().opened_at.date(), figure=which)


def store(desk: HelpDesk, work: Callable[[UnitOfWork], object]) -> None:
    """Write something behind the back of the use cases."""
    with desk.storage.unit() as unit:
        work(unit)
