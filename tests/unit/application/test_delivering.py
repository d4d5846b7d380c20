"""The way out: one worker a mail, the same bytes at each try, and the truth about what became of it (P4)."""

import datetime as dt
import logging
import threading

import attrs
import pytest

from customerservice.application.delivering import CLAIM_TIME, DeliveryReport, deliver
from customerservice.domain.actor import Actor, ShopScope
from customerservice.domain.email_address import EmailAddress
from customerservice.domain.events import EventKind
from customerservice.domain.ids import ShopId
from customerservice.domain.outbox import RETRY_FOR, OutboxState, RecipientState
from customerservice.domain.status import StatusCause, ThreadStatus
from customerservice.errors import (
    AuthenticationFailed,
    ConnectionFailed,
    OwnTransactionNeeded,
    ServerBusy,
    StorageUnavailable,
    TransportError,
)
from customerservice.ports.storage import BlobOwner

MARIA = EmailAddress("maria@customer.example")
BOSS = EmailAddress("boss@customer.example")
MINUTE = dt.timedelta(minutes=1)


@pytest.fixture
def thread(shop):
    """A thread with an answer that waits in the outbox, to Maria and her boss."""
    thread = shop.open_thread()
    shop.anna.reply(thread.id, text="It is on its way.", cc=[BOSS])
    return thread


def states(shop, thread):
    """Which state each recipient has."""
    return [result.state for result in shop.entry(thread.id).recipients]


def test_what_waits_is_sent_and_its_thread_moves_on(shop, thread):
    """Handed over: the mail is sent, the thread closed, by the reply."""
    report = shop.desk.deliver(shop.sender)

    entry = shop.entry(thread.id)
    event = shop.desk.threads.view(thread.id).history[-1]
    assert report == DeliveryReport(sent=1)
    assert (entry.state, entry.tries, entry.settled_at) == (OutboxState.SENT, 1, shop.clock.now())
    assert shop.thread(thread.id).status is ThreadStatus.CLOSED
    assert (event.kind, event.cause) == (EventKind.STATUS_CHANGED, StatusCause.REPLY)


def test_an_empty_outbox_is_success(shop):
    """Nothing waits, nothing is asked of the server."""
    assert shop.desk.deliver(shop.sender) == DeliveryReport()


def test_mails_go_out_oldest_first(shop):
    """In the order they were written (F42)."""
    threads = [shop.open_thread(shop.write(f"mail {number}", subject=f"{number}")) for number in range(3)]
    for thread in threads:
        shop.anna.reply(thread.id, text="Hello")

    shop.desk.deliver(shop.sender)

    assert [b"Re: %d " % number in mail.raw for number, mail in enumerate(shop.sender.sent)] == [True] * 3


def test_a_limit_and_a_stop_leave_the_rest_waiting(shop):
    """The next pass takes them."""
    for number in range(3):
        shop.anna.reply(shop.open_thread(shop.write(f"mail {number}", subject=f"{number}")).id, text="Hello")

    passes = [
        shop.desk.deliver(shop.sender, limit=1).sent,
        shop.desk.deliver(shop.sender, stop=lambda: True).sent,
        shop.desk.deliver(shop.sender).sent,
    ]

    assert passes == [1, 0, 2]


@pytest.mark.parametrize(
    "error",
    [ConnectionFailed("connect", "refused"), ServerBusy("send", "421 later"), AuthenticationFailed("login", "no")],
    ids=["unreachable", "busy", "credentials"],
)
def test_a_failure_leaves_the_status_and_is_tried_again(shop, thread, error):
    """With the same bytes and the same Message-ID, after a pause (P4, R61)."""
    shop.sender.fail_next(error)

    first = shop.desk.deliver(shop.sender)
    waiting, status = shop.entry(thread.id), shop.thread(thread.id).status
    too_early = shop.desk.deliver(shop.sender)
    shop.clock.advance(MINUTE)
    second = shop.desk.deliver(shop.sender)

    assert (first.postponed, too_early, second.sent) == (1, DeliveryReport(), 1)
    assert (waiting.state, waiting.last_error, status) == (OutboxState.WAITING, str(error), ThreadStatus.OPEN)
    assert first.errors == [f"mail {waiting.id}: {error}"]
    (sent,) = shop.sender.sent
    assert waiting.header_id.encode() in sent.raw
    assert shop.entry(thread.id).tries == 2


def test_wrong_credentials_end_the_pass_after_one_try(shop):
    """The account is not locked by trying each mail with them (F21)."""
    for number in range(3):
        shop.anna.reply(shop.open_thread(shop.write(f"mail {number}", subject=f"{number}")).id, text="Hello")
    tries = []
    shop.sender.before_send = tries.append
    shop.sender.fail_next(AuthenticationFailed("login", "no"))

    report = shop.desk.deliver(shop.sender)

    assert len(tries) == 1
    assert report.postponed == 1


def test_a_mail_the_server_refuses_does_not_stop_the_others(shop):
    """Only the server's own trouble ends a pass."""
    threads = [shop.open_thread(shop.write(f"mail {number}", subject=f"{number}")) for number in range(2)]
    for thread in threads:
        shop.anna.reply(thread.id, text="Hello")
    shop.sender.fail_next(TransportError("send", "554 no such sender here"))

    report = shop.desk.deliver(shop.sender)

    assert (report.failed, report.sent) == (1, 1)
    assert [shop.thread(thread.id).status for thread in threads] == [ThreadStatus.OPEN, ThreadStatus.CLOSED]


def test_a_mail_is_given_up_after_two_days(shop, thread):
    """Until then with growing pauses; then it failed visibly (R87)."""
    shop.sender.answer(MARIA, RecipientState.DEFERRED, 451, "greylisted")
    shop.sender.answer(BOSS, RecipientState.DEFERRED, 451, "greylisted")
    began = shop.clock.now()
    tries = 0
    while not shop.entry(thread.id).state.is_final:
        shop.desk.deliver(shop.sender)
        tries += 1
        shop.clock.set(max(shop.entry(thread.id).next_try_at, shop.clock.now()))

    entry = shop.entry(thread.id)
    assert entry.state is OutboxState.FAILED
    assert entry.settled_at - began > RETRY_FOR - dt.timedelta(hours=5)
    assert 10 < tries < 30
    assert shop.thread(thread.id).status is ThreadStatus.OPEN


def test_recipients_are_settled_one_by_one(shop, thread):
    """Refused for good is not asked again; refused for now is, and nobody else with him (F38)."""
    shop.sender.answer(MARIA, RecipientState.DEFERRED, 451, "greylisted")
    asked = []
    shop.sender.before_send = lambda envelope: asked.append([str(one) for one in envelope.recipients])

    first = shop.desk.deliver(shop.sender)
    between, status = states(shop, thread), shop.thread(thread.id).status
    shop.sender.answer(MARIA, RecipientState.SENT, 250)
    shop.clock.advance(MINUTE)
    second = shop.desk.deliver(shop.sender)

    assert (first.postponed, second.sent) == (1, 1)
    assert between == [RecipientState.DEFERRED, RecipientState.SENT]
    assert status is ThreadStatus.OPEN
    assert asked == [["maria@customer.example", "boss@customer.example"], ["maria@customer.example"]]
    assert shop.sender.sent[0].raw == shop.sender.sent[1].raw
    assert shop.thread(thread.id).status is ThreadStatus.CLOSED


def test_a_refused_recipient_beside_a_sent_one_is_shown(shop, thread):
    """The mail was handed over; the refusal stands at the recipient and in the report (F36)."""
    shop.sender.answer(BOSS, RecipientState.REFUSED, 550, "no such user")

    report = shop.desk.deliver(shop.sender)

    assert report.sent == 1
    assert states(shop, thread) == [RecipientState.SENT, RecipientState.REFUSED]
    assert report.errors == [f"mail {shop.entry(thread.id).id}: no such user"]


def test_a_mail_refused_for_all_has_failed(shop, thread):
    """It is not tried again, and the thread stays open."""
    shop.sender.answer(MARIA, RecipientState.REFUSED, 550, "no such user")
    shop.sender.answer(BOSS, RecipientState.REFUSED, 550, "no such user")

    report = shop.desk.deliver(shop.sender)
    shop.clock.advance(dt.timedelta(days=1))

    assert report.failed == 1
    assert shop.thread(thread.id).status is ThreadStatus.OPEN
    assert shop.desk.deliver(shop.sender) == DeliveryReport()


def test_an_answer_lost_after_the_dot_is_unknown(shop, thread):
    """Neither sent nor failed; never tried again by itself; the thread stays (F37)."""
    shop.sender.lose_next()

    report = shop.desk.deliver(shop.sender)
    shop.clock.advance(dt.timedelta(days=3))
    later = shop.desk.deliver(shop.sender)

    assert (report.unknown, later) == (1, DeliveryReport())
    assert shop.entry(thread.id).state is OutboxState.UNKNOWN
    assert shop.thread(thread.id).status is ThreadStatus.OPEN
    assert len(shop.sender.sent) == 1


def test_a_customer_who_wrote_meanwhile_keeps_the_thread_open(shop, thread):
    """What he wrote after our answer is not closed with it (F49)."""
    shop.clock.advance(MINUTE)
    shop.receive(shop.write("One more thing", in_reply_to=shop.messages(thread.id)[0].header_id))

    shop.desk.deliver(shop.sender)

    assert shop.thread(thread.id).status is ThreadStatus.OPEN


def test_a_mail_whose_bytes_are_lost_has_failed(shop, thread):
    """It is not made up again; the others go on."""
    entry = shop.entry(thread.id)
    with shop.storage.unit() as unit:
        unit.blobs.release(entry.sha256, BlobOwner("outbox", str(entry.id)))
    other = shop.open_thread(shop.write("other", subject="other"))
    shop.anna.reply(other.id, text="Hello")

    report = shop.desk.deliver(shop.sender)

    assert (report.failed, report.sent) == (1, 1)
    assert "no bytes are stored" in shop.entry(thread.id).last_error


def test_a_mail_whose_thread_is_gone_is_sent_all_the_same(make_shop, played_storage):
    """There is nothing to move then."""
    shop = make_shop(storage=played_storage)
    thread = shop.open_thread()
    replied = shop.anna.reply(thread.id, text="Hello")

    played_storage.answer = lambda name, _arguments: None if name == "threads.get" else ...
    report = shop.desk.deliver(shop.sender)

    with shop.storage.unit() as unit:
        assert unit.outbox.get(replied.outbox.id).state is OutboxState.SENT
    assert report.sent == 1


def test_mail_of_other_shops_is_left_to_those_who_send_for_them(shop, thread):
    """A desk within one shop sends that shop's mail by that shop's server, and no other."""
    elsewhere = shop.desk.as_actor(Actor.system(ShopScope.of(ShopId("another shop"))))

    reports = [elsewhere.deliver(shop.sender), shop.desk.deliver(shop.sender)]

    assert [report.sent for report in reports] == [0, 1]


# Two workers (F32, F40).


def test_a_claimed_mail_is_not_sent_by_another_worker(shop, thread):
    """While one worker is at it, another finds nothing to do."""
    reports = []
    shop.sender.before_send = lambda _: reports.append(shop.desk.deliver(shop.sender))

    report = shop.desk.deliver(shop.sender)

    assert (reports, report.sent, len(shop.sender.sent)) == ([DeliveryReport()], 1, 1)


def test_a_worker_that_slept_over_its_claim_stops_before_the_dot(shop, thread):
    """The other who took over sends; the first drops the connection before the dot and reports nothing."""
    slow, fast = [], []

    def sleep(_envelope):
        shop.sender.before_send = None
        shop.clock.advance(CLAIM_TIME + MINUTE)
        fast.append(shop.desk.deliver(shop.sender))

    shop.sender.before_send = sleep
    slow.append(shop.desk.deliver(shop.sender))

    assert (fast[0].sent, slow[0]) == (1, DeliveryReport())
    assert len(shop.sender.sent) == 1
    assert shop.entry(thread.id).state is OutboxState.SENT


def test_a_worker_that_slept_over_the_answer_overwrites_nothing(shop, thread):
    """Another settled its mail as unknown by then, which it stays."""

    class Slow:
        def send(self, envelope, raw, *, before_dot):
            results = shop.sender.send(envelope, raw, before_dot=before_dot)
            shop.clock.advance(CLAIM_TIME + MINUTE)
            assert shop.desk.deliver(shop.sender).unknown == 1
            return results

    report = shop.desk.deliver(Slow())

    assert report == DeliveryReport()
    assert shop.entry(thread.id).state is OutboxState.UNKNOWN


def test_many_workers_send_each_mail_once(shop):
    """Eight threads over twenty mails."""
    for number in range(20):
        shop.anna.reply(shop.open_thread(shop.write(f"mail {number}", subject=f"{number}")).id, text="Hello")
    begin = threading.Barrier(8)
    reports = []

    def work():
        begin.wait()
        reports.append(shop.desk.deliver(shop.sender))

    workers = [threading.Thread(target=work) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert sum(report.sent for report in reports) == 20
    assert len({mail.raw for mail in shop.sender.sent}) == len(shop.sender.sent) == 20


def test_what_dead_workers_left_at_the_dot_is_settled_on_the_way(shop, thread):
    """It is counted as unknown and does not use up the limit."""
    waiting = shop.entry(thread.id)
    with shop.storage.unit() as unit:
        dead = waiting.claimed("dead", until=shop.clock.now() + CLAIM_TIME).about_to_end()
        unit.outbox.save(dead)
    other = shop.open_thread(shop.write("other", subject="other"))
    shop.anna.reply(other.id, text="Hello")
    shop.clock.advance(CLAIM_TIME + MINUTE)

    report = shop.desk.deliver(shop.sender, limit=1)

    assert (report.unknown, report.sent) == (1, 1)


# Trouble of our own.


def test_a_storage_that_fails_before_the_dot_drops_the_connection(make_shop, played_storage):
    """The mark could not be stored, so nothing is handed over; the claim ends by itself."""
    shop = make_shop(storage=played_storage)
    thread = shop.open_thread()
    shop.anna.reply(thread.id, text="Hello")

    def fail(name, arguments):
        if name == "outbox.save" and arguments[0].state is OutboxState.DOT_SENT:
            raise StorageUnavailable("busy")

    played_storage.step_in = fail
    with pytest.raises(StorageUnavailable):
        shop.desk.deliver(shop.sender)
    played_storage.step_in = lambda _name, _arguments: None
    assert shop.sender.sent == []
    shop.clock.advance(CLAIM_TIME + MINUTE)

    assert shop.desk.deliver(shop.sender).sent == 1


def test_inside_a_hosts_transaction_nothing_is_sent(make_shop, played_storage):
    """Sending cannot be rolled back."""
    shop = make_shop(storage=played_storage)
    played_storage.commits_itself = False

    with pytest.raises(OwnTransactionNeeded):
        deliver(shop.context, Actor.system(), shop.sender)


def test_each_try_is_logged_without_its_text(shop, thread, caplog):
    """Id and state, nothing of the mail."""
    with caplog.at_level(logging.INFO, logger="customerservice.outbox"):
        shop.desk.deliver(shop.sender)

    (line,) = [record for record in caplog.records if record.name == "customerservice.outbox"]
    assert line.customerservice_state == "sent"
    assert "on its way" not in str(attrs.asdict(shop.entry(thread.id))) + caplog.text
