"""Mail that cannot be read, storage that fails in the middle, and what an interrupted pass left behind (P3)."""

import attrs
import pytest

from customerservice.application.context import read_mail
from customerservice.application.stored_mail import raw_owner
from customerservice.application.sync_run import LEASE_TIME
from customerservice.domain.mailbox import AfterFetch
from customerservice.domain.outcome import Outcome
from customerservice.errors import Conflict, InvalidValue, Refused, StorageError, StorageUnavailable
from customerservice.testing.failpoints import FailAction, FailpointReached, FailurePlan, armed


class Reader:
    """Reads mails, but fails on those that hold a word, the first so many times."""

    def __init__(self, error=None, *, word=b"poison", times=1_000):
        self.error = ValueError("a secret of the mail") if error is None else error
        self.word, self.left, self.asked = word, times, 0

    def __call__(self, raw):
        if self.word in raw and self.left:
            self.left -= 1
            self.asked += 1
            raise self.error
        return read_mail(raw)


POISON = "poison"


@pytest.mark.parametrize(
    "error",
    [ValueError("a secret of the mail"), RecursionError(), MemoryError(), InvalidValue("address", "wrong")],
    ids=lambda error: type(error).__name__,
)
def test_a_mail_that_cannot_be_read_is_quarantined_and_the_others_go_on(make_shop, error):
    """After the third attempt it is listed with its reason and raw bytes; the others become threads (R29, P3)."""
    shop = make_shop(reader=Reader(error), after_fetch=AfterFetch.parse("delete"))
    raw = shop.write(POISON)
    shop.arrive(shop.write("before"), raw, shop.write("after"))

    report = shop.sync()

    _, poison, _ = shop.mails()
    assert (report.created_threads, report.quarantined) == (2, 1)
    assert (poison.outcome, poison.attempts) == (Outcome.QUARANTINED, 3)
    assert poison.decision.reason == f"{type(error).__name__} while reading it, 3 times"
    assert shop.desk.mail.raw(poison.id) == raw
    assert [mail.raw for mail in shop.server.mails.values()] == [raw]
    assert shop.sync().fetched == 0


def test_a_mail_that_is_read_at_the_second_attempt_is_no_poison(make_shop):
    """A failure that passes costs an attempt and nothing else."""
    shop = make_shop(reader=Reader(times=2))

    (delivery,) = shop.receive(shop.write(POISON))

    assert (delivery.outcome, delivery.attempts) == (Outcome.OPENED, 2)


def test_quarantined_mail_can_be_read_again_later(make_shop):
    """With a reader that can, it becomes what it would have been."""
    reader = Reader()
    shop = make_shop(reader=reader)
    (delivery,) = shop.receive(shop.write(POISON))
    with pytest.raises(Refused, match="still cannot be read: ValueError"):
        shop.desk.mail.reread(delivery.id)

    reader.left = 0
    read = shop.desk.mail.reread(delivery.id, apply=True)

    assert read.after.outcome is Outcome.OPENED


def test_a_mail_that_cannot_be_stored_is_quarantined(make_shop, played_storage):
    """A value that no database takes stops this mail only (F45)."""
    shop = make_shop(storage=played_storage)

    def refuse(name, arguments):
        if name == "messages.add" and POISON in arguments[0][0].text:
            raise StorageError("the database refused: DataError")

    played_storage.step_in = refuse
    shop.arrive(shop.write("before"), shop.write(POISON), shop.write("after"))

    report = shop.sync()

    assert shop.outcomes() == [Outcome.OPENED, Outcome.QUARANTINED, Outcome.OPENED]
    assert (report.fetched, report.created_threads, report.quarantined) == (3, 2, 1)
    assert shop.desk.statistics().threads == 2


def test_a_storage_that_is_away_quarantines_nothing(make_shop, played_storage):
    """Temporary trouble is not the mail's fault: the pass ends, and the next one reads it."""
    shop = make_shop(storage=played_storage)
    shop.arrive(shop.write())

    def refuse(name, _arguments):
        if name == "messages.add":
            raise StorageUnavailable("busy")

    played_storage.step_in = refuse
    for _ in range(5):
        with pytest.raises(StorageUnavailable):
            shop.sync()
    played_storage.step_in = lambda _name, _arguments: None
    report = shop.sync()

    assert (report.created_threads, report.stored) == (1, 0)


def test_a_storage_that_is_away_altogether_ends_the_pass(make_shop, played_storage):
    """Not even the attempt can be given back then; the error of the storage is what the caller sees."""
    shop = make_shop(storage=played_storage)
    shop.arrive(shop.write())
    with armed(FailurePlan("sync.raw-committed", FailAction.RAISE)), pytest.raises(FailpointReached):
        shop.sync()

    def refuse(name, _arguments):
        if name == "messages.add":
            played_storage.dead = StorageUnavailable("gone")
            raise StorageUnavailable("busy")

    played_storage.step_in = refuse
    with pytest.raises(StorageUnavailable):
        shop.sync()
    played_storage.step_in, played_storage.dead = lambda _name, _arguments: None, None
    shop.clock.advance(LEASE_TIME)

    assert shop.sync().created_threads == 1


def test_a_batch_that_meets_a_change_of_somebody_else_is_decided_again(make_shop, played_storage):
    """The customer's answer and an employee's click do not exclude each other (F49)."""
    shop = make_shop(storage=played_storage)
    thread = shop.open_thread()
    shop.answered(thread)
    conflicts = []

    def interfere(name, _arguments):
        if name == "threads.save" and len(conflicts) < 2:
            conflicts.append(name)
            raise Conflict("thread", thread.number)

    played_storage.step_in = interfere
    shop.arrive(shop.write("Thanks", in_reply_to=shop.messages(thread.id)[0].header_id))
    report = shop.sync()

    assert len(conflicts) == 2
    assert (report.fetched, report.joined_threads) == (1, 1)
    assert shop.mails()[-1].attempts == 1


def test_a_pass_that_dies_at_the_same_mail_three_times_quarantines_it(shop):
    """A mail that kills its reader is not tried for ever: attempts are counted before they begin."""
    raw = shop.write("bomb")
    shop.arrive(raw, shop.write("after"))
    for point in ("sync.raw-committed", "sync.attempt-counted", "sync.attempt-counted"):
        with armed(FailurePlan(point, FailAction.RAISE)), pytest.raises(FailpointReached):
            shop.sync()

    report = shop.sync()

    bomb, after = shop.mails()
    assert (bomb.outcome, bomb.decision.reason) == (Outcome.QUARANTINED, "reading it did not end, 3 times")
    assert after.outcome is Outcome.OPENED
    assert (report.quarantined, report.created_threads) == (1, 1)


def test_what_was_stored_and_not_read_is_read_first(shop):
    """In the order it came, before anything new, so that an answer finds its thread."""
    shop.arrive(
        shop.write("One", message_id="1@customer.example"),
        shop.write("Two", message_id="2@customer.example", in_reply_to="1@customer.example"),
    )
    with armed(FailurePlan("sync.raw-committed", FailAction.RAISE)), pytest.raises(FailpointReached):
        shop.sync()
    shop.arrive(shop.write("Three", in_reply_to="2@customer.example"))

    report = shop.sync()

    (thread,) = shop.threads()
    assert [message.text.strip() for message in shop.messages(thread.id)] == ["One", "Two", "Three"]
    assert (report.fetched, report.stored) == (3, 1)


def test_more_than_a_batch_left_over_is_read(shop):
    """However much an interrupted pass left."""
    shop.arrive(*(shop.write(f"mail {number}") for number in range(200)))
    with armed(FailurePlan("sync.raw-committed", FailAction.RAISE)), pytest.raises(FailpointReached):
        shop.sync()

    assert shop.sync().created_threads == 200


def test_a_stop_leaves_what_is_left_over(shop):
    """A pass that is told to stop does not begin with old debts."""
    shop.arrive(shop.write())
    with armed(FailurePlan("sync.raw-committed", FailAction.RAISE)), pytest.raises(FailpointReached):
        shop.sync()

    assert [shop.sync(stop=lambda: True).fetched, shop.sync().fetched] == [0, 1]


def test_left_over_mail_whose_bytes_are_lost_is_quarantined(shop):
    """It is listed with the reason, stays at the server, and the others are read."""
    shop.configure(after_fetch=AfterFetch.parse("delete"))
    shop.arrive(shop.write("one"), shop.write("two"))
    with armed(FailurePlan("sync.raw-committed", FailAction.RAISE)), pytest.raises(FailpointReached):
        shop.sync()
    lost = shop.mails()[0]
    with shop.storage.unit() as unit:
        unit.blobs.release(lost.sha256, raw_owner(lost))

    shop.sync()

    assert shop.outcomes() == [Outcome.QUARANTINED, Outcome.OPENED]
    assert "no bytes are stored" in shop.mails()[0].decision.reason
    assert list(shop.server.mails) == [1]


def test_a_header_of_an_oversize_mail_that_cannot_be_read_stops_nothing(make_shop):
    """The mail is recorded without what its header would have said."""
    shop = make_shop(reader=Reader(), size_limit=500)
    shop.arrive(shop.write("x" * 1_000, subject=POISON), shop.write("small"))

    report = shop.sync()

    assert (report.skipped, report.created_threads) == ({"too-large": 1}, 1)
    assert shop.mails()[0].subject is None


def test_the_reason_of_a_quarantine_repeats_nothing_of_the_mail(make_shop, caplog):
    """Errors of a reader may quote the mail; lists and logs by default do not."""
    shop = make_shop(reader=Reader())

    (delivery,) = shop.receive(shop.write(POISON))

    assert "secret" not in str(attrs.asdict(delivery.decision))
    assert all("secret" not in record.getMessage() for record in caplog.records)
