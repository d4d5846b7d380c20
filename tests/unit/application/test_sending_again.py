"""A person lets a mail be tried once more that failed, or whose outcome nobody knows (P4)."""

import pytest

from customerservice.domain.actor import Actor, ShopScope
from customerservice.domain.ids import ShopId
from customerservice.domain.outbox import OutboxState, RecipientState
from customerservice.domain.status import ThreadStatus
from customerservice.errors import NotFound, Refused


@pytest.fixture
def thread(shop):
    """A thread with an answer that waits in the outbox."""
    thread = shop.open_thread()
    shop.anna.reply(thread.id, text="It is on its way.")
    return thread


def test_a_mail_of_unknown_outcome_is_sent_again_with_the_same_bytes(shop, thread):
    """By a person's decision only; then the thread moves on."""
    shop.sender.lose_next()
    shop.desk.deliver(shop.sender)
    entry = shop.desk.outbox.page([OutboxState.UNKNOWN]).items[0]
    again = shop.desk.outbox.send_again(entry.id)
    report = shop.desk.deliver(shop.sender)

    assert (again.state, again.header_id, again.sha256) == (OutboxState.WAITING, entry.header_id, entry.sha256)
    assert report.sent == 1
    assert shop.thread(thread.id).status is ThreadStatus.CLOSED


def test_a_refused_mail_is_tried_again(shop, thread):
    """After whatever made the server refuse was mended."""
    address = shop.entry(thread.id).recipients[0].address
    shop.sender.answer(address, RecipientState.REFUSED, 550, "mailbox full")
    shop.desk.deliver(shop.sender)
    entry = shop.entry(thread.id)
    shop.sender.answer(address, RecipientState.SENT)
    shop.desk.outbox.send_again(entry.id)
    shop.desk.deliver(shop.sender)

    assert entry.state is OutboxState.FAILED
    assert shop.entry(thread.id).state is OutboxState.SENT


def test_a_mail_that_waits_or_was_sent_is_left_alone(shop, thread):
    """Nothing to decide: a refusal, and nothing changes."""
    waiting = shop.entry(thread.id)
    with pytest.raises(Refused, match="is waiting"):
        shop.desk.outbox.send_again(waiting.id)
    shop.desk.deliver(shop.sender)
    with pytest.raises(Refused, match="is sent"):
        shop.desk.outbox.send_again(waiting.id)

    assert shop.entry(thread.id).state is OutboxState.SENT


def test_a_mail_of_another_shop_does_not_exist(shop, thread):
    """Neither listed nor sent again."""
    other = shop.desk.as_actor(Actor.system(ShopScope.of(ShopId("other"))))

    assert other.outbox.page().items == ()
    with pytest.raises(NotFound):
        other.outbox.send_again(shop.entry(thread.id).id)
