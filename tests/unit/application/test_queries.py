"""What can be asked about threads: lists, one thread, numbers, figures; each within the shops of who asks."""

import datetime as dt

import pytest

from customerservice.application.queries import find_deliveries
from customerservice.domain.actor import Actor, ShopScope
from customerservice.domain.email_address import EmailAddress
from customerservice.domain.ids import ShopId
from customerservice.domain.status import ThreadStatus
from customerservice.errors import InvalidValue, NotFound
from customerservice.ports.storage import ThreadFilter
from customerservice.testing.builders import Builder

ELSEWHERE = Actor.system(ShopScope.of(ShopId("another shop")))


@pytest.fixture
def threads(shop):
    """Five threads, a minute apart."""
    opened = []
    for number in range(5):
        shop.clock.advance(dt.timedelta(minutes=1))
        opened.append(shop.open_thread(shop.write(f"mail {number}", sender=f"c{number}@customer.example")))
    return opened


def test_threads_are_listed_by_latest_activity(shop, threads):
    """Newest first, page by page."""
    first = shop.desk.threads.page(limit=3)
    second = shop.desk.threads.page(after=first.next, limit=3)

    listed = [thread.number for thread in (*first.items, *second.items)]
    assert listed == [thread.number for thread in reversed(threads)]
    assert second.next is None


def test_threads_are_listed_by_filter(shop, threads):
    """Only what meets all conditions."""
    shop.desk.threads.set_status(threads[0].id, ThreadStatus.CLOSED)

    page = shop.desk.threads.page(
        ThreadFilter(statuses=frozenset({ThreadStatus.CLOSED}), address=EmailAddress("c0@customer.example"))
    )

    assert [thread.id for thread in page.items] == [threads[0].id]


def test_a_place_in_a_list_that_nobody_gave_is_refused(shop):
    """A page key is opaque, but not anything."""
    with pytest.raises(InvalidValue):
        shop.desk.threads.page(after="not a key")


def test_a_list_of_another_shop_is_empty(shop, threads):
    """The filter of a caller cannot widen his shops."""
    desk = shop.desk.as_actor(ELSEWHERE)

    assert desk.threads.page(ThreadFilter()).items == ()
    assert desk.statistics().threads == 0


def test_a_thread_is_shown_whole(shop, threads):
    """Contact, messages with the state of their mail, oldest first, and the history (R114)."""
    shop.answered(threads[0])

    view = shop.desk.threads.view(threads[0].id)

    received, sent = view.messages
    assert view.contact.id == shop.contact.id
    assert received.outbox is None
    assert sent.outbox.message_id == sent.message.id
    assert [event.kind.value for event in view.history] == [
        "opened",
        "employee replied",
        "assigned",
        "status changed",
    ]


def test_a_thread_without_contact_is_shown_without(make_shop):
    """There is none to show."""
    shop = make_shop(contact_id=None)
    thread = shop.open_thread(shop.write(to="nobody@shop.example"))

    assert shop.desk.threads.view(thread.id).contact is None


def test_a_thread_is_found_by_its_number(shop, threads):
    """The number people use."""
    assert shop.desk.threads.by_number(threads[2].number).id == threads[2].id


@pytest.mark.parametrize("number", [0, -1, 99, 10**30])
def test_a_number_nobody_has_finds_nothing(shop, threads, number):
    """However impossible."""
    with pytest.raises(NotFound):
        shop.desk.threads.by_number(number)


def test_figures_are_given_by_contact_and_day(shop, threads):
    """Of one contact, or since a day, or both."""
    sales = shop.desk.contacts.add("Sales", addresses=[EmailAddress("sales@shop.example")])
    shop.clock.advance(dt.timedelta(days=1))
    shop.open_thread(shop.write("sale", to="sales@shop.example"))
    today = shop.clock.now().date()

    assert shop.desk.statistics().threads == 6
    assert shop.desk.statistics(contact_id=sales.id).threads == 1
    assert shop.desk.statistics(contact_id=shop.contact.id, since=today).threads == 0
    assert shop.desk.statistics(since=today).threads == 1


def test_mails_are_found_by_id(shop, threads):
    """Nothing asked, nothing found; nothing of other shops."""
    (first, *_) = shop.mails()

    assert find_deliveries(shop.context, Actor.system(), delivery_id=first.id) == [first]
    assert find_deliveries(shop.context, Actor.system()) == []
    assert find_deliveries(shop.context, ELSEWHERE, delivery_id=first.id) == []
    assert find_deliveries(shop.context, Actor.system(), delivery_id=Builder().delivery().id) == []
