"""A pass over a mailbox: what it takes, where it begins and stops, what it counts, and who may run it."""

import datetime as dt
import logging

import attrs
import pytest

from customerservice.adapters.transports.memory import MemorySession
from customerservice.application.mailbox_sync import SyncBounds, SyncReport, ingest_files
from customerservice.application.sync_run import LEASE_TIME
from customerservice.domain.ids import DEFAULT_SHOP
from customerservice.domain.mailbox import AfterFetch, FirstSync
from customerservice.domain.outcome import Outcome
from customerservice.errors import (
    AuthenticationFailed,
    ConnectionFailed,
    LeaseLost,
    NotFound,
    OwnTransactionNeeded,
    StorageUnavailable,
)
from customerservice.ports.transports import (
    Acknowledgement,
    AckState,
    FetchedMail,
    GoneMail,
    MailRef,
    SourceState,
    UnreadableMail,
)
from customerservice.testing.builders import Builder

DAY = dt.timedelta(days=1)


def sums_up(report):
    """Whether the outcomes of a report add up to what was fetched."""
    return report.fetched == (
        report.created_threads
        + report.joined_threads
        + report.attached
        + report.held
        + report.already_known
        + report.quarantined
        + sum(report.skipped.values())
    )


class PlayedSource:
    """A source that lists and gives out what a test says; where it has no epoch, mails go by name."""

    def __init__(self, items, *, epoch=0, warnings=(), next_uid=None, read_only=False):
        self.items = list(items)
        self.state = SourceState(epoch=epoch, warnings=tuple(warnings), next_uid=next_uid, read_only=read_only)
        self.told = []
        self.answers = {}

    def open(self):
        return self

    def listing(self, *, after, since=None):
        refs = [item.ref for item in self.items if not item.ref.uid or item.ref.uid > after]
        if refs:
            yield refs

    def fetch(self, refs, *, max_size):
        yield [item for item in self.items if item.ref in refs]

    def acknowledge(self, refs, mode):
        self.told.extend(refs)
        return [self.answers.get(ref, Acknowledgement(ref, AckState.DONE)) for ref in refs]

    def close(self):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


def file(name, raw):
    return FetchedMail(ref=MailRef(0, name=name), raw=raw)


# Outcomes and the report (R31).


def test_an_empty_mailbox_is_success_with_zero_counts(shop):
    """Nothing came, nothing is wrong (R31)."""
    report = shop.sync()

    assert report == SyncReport(mailbox=str(shop.box.id))
    assert shop.desk.mailboxes.get(shop.box.id).health.last_success_at == shop.clock.now()


def test_each_outcome_is_counted_once_and_they_add_up(make_shop):
    """One mail of every end: the report counts each, and `fetched` is their sum (R31)."""
    shop = make_shop(size_limit=100_000)
    thread = shop.open_thread()
    sent = shop.answered(thread)
    reply_id = sent.raw.partition(b"Message-ID: <")[2].partition(b">")[0].decode()
    shop.arrive(
        shop.write("new matter", subject="new matter"),
        shop.write("answer", in_reply_to=reply_id),
        shop.write("away", in_reply_to=reply_id, headers=("Auto-Submitted: auto-replied",)),
        shop.write("stranger", sender="eve@elsewhere.example", in_reply_to=reply_id),
        shop.write("robot", subject="robot", headers=("Auto-Submitted: auto-replied",)),
        shop.write("new matter", subject="new matter"),
        shop.write("x" * 200_000),
        b"",
        shop.write("soon gone"),
    )
    gone_uid = list(shop.server.mails)[-1]

    report = shop.desk.sync(shop.box.id, source=Leaving(shop.server, gone_uid))

    assert sums_up(report)
    assert attrs.asdict(report) == attrs.asdict(
        SyncReport(
            mailbox=str(shop.box.id),
            fetched=9,
            stored=7,
            created_threads=1,
            joined_threads=1,
            attached=1,
            held=1,
            already_known=1,
            quarantined=1,
            skipped={"ignored": 1, "too-large": 1, "gone": 1},
            bytes=report.bytes,
        )
    )


class Leaving:
    """A mailbox from which another program removes a mail between the listing and the fetch."""

    def __init__(self, mailbox, uid):
        self.mailbox, self.uid = mailbox, uid

    def open(self):
        leaving = self

        class Session(MemorySession):
            def fetch(self, refs, *, max_size):
                leaving.mailbox.remove(leaving.uid)
                return super().fetch(refs, max_size=max_size)

        return Session(self.mailbox)


def test_a_mail_that_was_turned_away_is_counted_as_not_ours(make_shop):
    """The tenth end (R43)."""
    shop = make_shop(create_threads=False)
    shop.arrive(shop.write())

    report = shop.sync()

    assert report.skipped == {"not-ours": 1}
    assert sums_up(report)


def test_a_mail_without_outcome_cannot_be_counted():
    """The report counts ends only."""
    with pytest.raises(ValueError, match="no outcome"):
        SyncReport().count(Builder().delivery())


def test_a_mail_over_the_limit_is_recorded_with_what_its_header_says(make_shop):
    """Its body is not fetched, now or later, and it stays at the server (R30, F26)."""
    shop = make_shop(size_limit=1_000, after_fetch=AfterFetch.parse("delete"))
    (delivery,) = shop.receive(shop.write("x" * 2_000, message_id="big@customer.example"))

    again = shop.sync()

    assert (delivery.outcome, delivery.size, delivery.raw_kept) == (Outcome.TOO_LARGE, delivery.size, False)
    assert (delivery.header_id, delivery.sender, delivery.subject) == (
        "big@customer.example",
        "maria@customer.example",
        "Where is my parcel?",
    )
    assert "over the limit of 1000" in delivery.decision.reason
    assert again.fetched == 0
    assert len(shop.server.mails) == 1


def test_a_mail_the_server_does_not_give_out_is_quarantined(shop):
    """It has no bytes, a reason, and does not stop the others."""
    ref = MailRef(1, 1)
    source = PlayedSource([UnreadableMail(ref, "NIL twice"), FetchedMail(ref=MailRef(1, 2), raw=shop.write())], epoch=1)

    report = shop.desk.sync(shop.box.id, source=source)

    broken = shop.mails()[0]
    assert (report.quarantined, report.created_threads) == (1, 1)
    assert "NIL twice" in broken.decision.reason
    assert broken.sha256 is None


def test_a_mail_that_is_gone_is_not_asked_for_again(shop):
    """Gone before fetch is an end like any other (F9)."""
    source = PlayedSource([GoneMail(MailRef(1, 1))], epoch=1)

    reports = [shop.desk.sync(shop.box.id, source=source) for _ in range(2)]

    assert [report.skipped for report in reports] == [{"gone": 1}, {}]


def test_what_the_source_says_of_itself_is_passed_on(shop):
    """A person hears that a certificate was not checked."""
    report = shop.desk.sync(shop.box.id, source=PlayedSource([], epoch=1, warnings=["the certificate was not checked"]))

    assert report.warnings == ["the certificate was not checked"]


def test_a_pass_tells_its_progress(shop):
    """The caller is given the one report at the beginning and after each batch."""
    seen = []
    shop.arrive(*(shop.write(f"mail {number}") for number in range(250)))

    report = shop.sync(progress=lambda report: seen.append((id(report), report.fetched)))

    assert seen == [(id(report), fetched) for fetched in (0, 0, 200, 250)]


def test_a_pass_is_logged_with_its_counts(shop, caplog):
    """One line for each pass, ids and counts only."""
    shop.arrive(shop.write("a secret matter"))

    with caplog.at_level(logging.INFO, logger="customerservice.sync"):
        shop.sync()

    (line,) = [record for record in caplog.records if record.getMessage() == "pass ended"]
    assert (line.customerservice_fetched, line.customerservice_stored) == (1, 1)
    assert "a secret matter" not in caplog.text


# Once and only once (R22, R26).


def test_a_second_pass_takes_only_what_is_new(shop):
    """What was taken is never fetched again."""
    shop.arrive(shop.write("one"), shop.write("two"))
    first = shop.sync()
    shop.arrive(shop.write("three"))

    second, third = shop.sync(), shop.sync()

    assert [report.fetched for report in (first, second, third)] == [2, 1, 0]
    assert len(shop.threads()) == 3


def test_three_passes_with_deletions_in_between_take_each_mail_once(shop):
    """Other programs may empty the folder as they like (R22)."""
    for number in range(3):
        shop.arrive(shop.write(f"mail {number} a"), shop.write(f"mail {number} b"))
        shop.sync()
        shop.server.remove(min(shop.server.mails))

    assert [thread.messages for thread in shop.threads()] == [1] * 6


def test_equal_bytes_in_one_epoch_are_two_deliveries(shop):
    """Each mail the server shows has its own row, though the second is a duplicate (F5)."""
    raw = shop.write()

    first, second = shop.receive(raw, raw)

    assert first.id != second.id
    assert second.outcome is Outcome.DUPLICATE


def test_mail_is_taken_oldest_first(shop):
    """The order is the server's, whatever the dates say."""
    for number, day in enumerate((3, 1, 2)):
        shop.arrive(shop.write(f"mail {number}", subject=f"{number}", date=f"Thu, 0{day} Jan 2026 08:00:00 +0000"))

    shop.sync()

    assert [thread.subject for thread in shop.threads()] == ["0", "1", "2"]


def test_mail_that_another_worker_stored_meanwhile_is_left_to_it(make_shop, played_storage):
    """Between the question what is known and the storing somebody else was faster (F32)."""
    shop = make_shop(storage=played_storage)
    shop.arrive(shop.write("one"))
    shop.sync()
    played_storage.answer = lambda name, _arguments: () if name == "deliveries.known" else ...
    shop.arrive(shop.write("two"))
    with shop.storage.unit() as unit:
        unit.mailboxes.save_cursor(attrs.evolve(unit.mailboxes.cursor(shop.box.id), uid=0))

    report = shop.sync()

    assert (report.fetched, report.created_threads, report.stored) == (1, 1, 1)
    assert len(shop.mails()) == 2


# A new UIDVALIDITY (R23, F7).


@pytest.mark.parametrize("mode", ["keep", "seen", "move:Done", "delete"])
def test_a_new_epoch_takes_nothing_twice_and_removes_nothing_in_that_pass(make_shop, mode):
    """The same mails under new numbers are known by their bytes; the pass after that tells the server again."""
    shop = make_shop()
    shop.arrive(shop.write("one"), shop.write("two"))
    shop.sync()
    shop.configure(after_fetch=AfterFetch.parse(mode))
    shop.server.renumber(epoch=2)
    shop.arrive(shop.write("three"))

    report = shop.sync()
    untouched = [(mail.seen, mail.deleted) for mail in shop.server.mails.values()]
    after = shop.sync()

    assert (report.already_known, report.created_threads, report.removed_from_server) == (2, 1, 0)
    assert untouched == [(False, False)] * 3
    assert any("UIDVALIDITY" in warning for warning in report.warnings) == (mode != "keep")
    assert after.fetched == 0
    assert after.removed_from_server == (3 if mode in ("move:Done", "delete") else 0)
    assert len(shop.threads()) == 3
    assert all(mail.seen for mail in shop.server.mails.values()) == (mode != "keep")


def test_mail_that_was_deleted_before_is_still_deleted_after_a_new_epoch(make_shop):
    """A mail whose acknowledgement was lost with the old numbers is told under the new ones."""
    shop = make_shop(after_fetch=AfterFetch.parse("delete"))
    shop.arrive(shop.write())
    shop.server.fail_next("acknowledge")
    with pytest.raises(ConnectionFailed):
        shop.sync()
    shop.server.renumber(epoch=2)

    shop.sync()
    shop.sync()

    assert shop.server.mails == {}
    assert len(shop.threads()) == 1


def test_a_new_epoch_leaves_quarantined_mail_at_the_server(make_shop):
    """What nobody could read is not removed under another number."""
    shop = make_shop(after_fetch=AfterFetch.parse("delete"))
    shop.receive(b"")
    shop.server.renumber(epoch=2)

    shop.sync()
    report = shop.sync()

    assert len(shop.server.mails) == 1
    assert report.errors == []


def test_a_new_epoch_leaves_what_was_turned_away(make_shop):
    """Not ours stays not ours under another number, untouched, and can be reconsidered (R43)."""
    shop = make_shop(create_threads=False, after_fetch=AfterFetch.parse("delete"))
    shop.receive(shop.write())
    shop.server.renumber(epoch=2)
    report = shop.sync()
    shop.sync()
    assert report.skipped == {"not-ours": 1}
    assert len(shop.server.mails) == 1

    shop.configure(create_threads=True)
    forgotten = shop.desk.mailboxes.reconsider_not_ours(shop.box.id)
    shop.sync()

    assert forgotten == 2
    assert len(shop.threads()) == 1


def test_a_new_epoch_is_not_a_first_sync(make_shop):
    """Mail from before the beginning is not taken because the server renumbered it."""
    shop = make_shop(first_sync=FirstSync())
    shop.arrive(shop.write("old"), received_at=shop.clock.now() - DAY)
    shop.sync()
    shop.arrive(shop.write("new"))
    shop.sync()
    shop.server.renumber(epoch=2)

    shop.sync()

    assert len(shop.threads()) == 1


# Where the first pass begins (R27).


def test_from_now_leaves_what_is_there(make_shop):
    """Mail that is there at the first pass is not taken, not even that of today; mail after it is."""
    shop = make_shop(first_sync=FirstSync())
    shop.arrive(shop.write("before"))

    first = shop.sync()
    shop.arrive(shop.write("after"))
    second = shop.sync()

    assert [report.fetched for report in (first, second)] == [0, 1]


def test_from_a_date_takes_what_came_on_that_day_or_later(make_shop):
    """The day is that of the server, in UTC, and counts itself."""
    shop = make_shop(first_sync=FirstSync(since=dt.date(2026, 1, 3)))
    for day in (2, 3, 4):
        shop.arrive(shop.write(f"of {day}"), received_at=dt.datetime(2026, 1, day, 12, tzinfo=dt.UTC))

    report = shop.sync()

    assert report.created_threads == 2


def test_all_takes_everything(shop):
    """However old."""
    shop.arrive(shop.write("old"), received_at=dt.datetime(1999, 1, 1, tzinfo=dt.UTC))

    assert shop.sync().created_threads == 1


@pytest.mark.parametrize("first", [FirstSync(), FirstSync(since=dt.date(2026, 1, 3))])
def test_old_mail_moved_into_the_folder_later_still_arrives(make_shop, first):
    """The choice of a beginning is about what was there then, not about dates for ever."""
    shop = make_shop(first_sync=first)
    shop.arrive(shop.write("there"), received_at=dt.datetime(2025, 12, 1, tzinfo=dt.UTC))
    shop.sync()

    shop.arrive(shop.write("moved in"), received_at=dt.datetime(2025, 12, 1, tzinfo=dt.UTC))

    assert shop.sync().created_threads == 1


def test_mail_that_comes_during_a_first_pass_is_not_lost(make_shop):
    """What the first pass from now does not want is exactly what was there when it began."""
    shop = make_shop(first_sync=FirstSync())
    shop.sync()
    shop.arrive(shop.write("a minute later"))

    assert shop.sync().created_threads == 1


@pytest.mark.parametrize(("first", "taken"), [(FirstSync(), 0), (FirstSync(since=dt.date(2026, 1, 1)), 2)])
def test_a_server_that_does_not_tell_its_next_uid_is_listed(make_shop, first, taken):
    """UIDNEXT is a courtesy; without it the newest mail is looked up."""
    shop = make_shop(first_sync=first)
    items = [FetchedMail(ref=MailRef(5, uid), raw=shop.write(f"mail {uid}")) for uid in (3, 4)]
    source = PlayedSource(items, epoch=5)

    first_report = shop.desk.sync(shop.box.id, source=source)
    source.items.append(FetchedMail(ref=MailRef(5, 5), raw=shop.write("mail 5")))
    second_report = shop.desk.sync(shop.box.id, source=source)

    assert (first_report.fetched, second_report.fetched) == (taken, 1)


def test_after_a_beginning_by_date_only_what_is_new_is_listed(make_shop):
    """The old part of the mailbox is listed once, not at each pass (R26)."""
    shop = make_shop(first_sync=FirstSync(since=dt.date(2026, 1, 3)))
    shop.arrive(shop.write("wanted"), received_at=dt.datetime(2026, 1, 4, tzinfo=dt.UTC))
    shop.arrive(shop.write("old"), received_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    shop.sync()
    listed = []

    class Counting:
        def open(self):
            class Session(MemorySession):
                def listing(self, *, after, since=None):
                    listed.append((after, since))
                    return super().listing(after=after, since=since)

            return Session(shop.server)

    shop.desk.sync(shop.box.id, source=Counting())

    assert listed == [(2, None)]


def test_mail_that_comes_before_the_beginning_is_finished_is_taken_once(make_shop):
    """The old part and what is new are listed one after the other, nothing of either twice."""
    shop = make_shop(first_sync=FirstSync(since=dt.date(2026, 1, 3)))
    shop.arrive(shop.write("wanted"))
    shop.sync(stop=lambda: True)
    shop.arrive(*(shop.write(f"mail {number}") for number in range(200)))

    report = shop.sync()

    assert (report.fetched, report.created_threads) == (201, 201)


# Bounds.


def test_a_limit_leaves_the_rest_for_later_passes(shop):
    """Each pass takes the oldest that are left, none twice, none left out (F25)."""
    shop.arrive(*(shop.write(f"mail {number}", subject=f"{number}") for number in range(5)))

    reports = [shop.sync(limit=2) for _ in range(4)]

    assert [report.fetched for report in reports] == [2, 2, 1, 0]
    assert [thread.subject for thread in shop.threads()] == list("01234")


def test_a_limit_of_nothing_takes_nothing(shop):
    """Zero is a limit too."""
    shop.arrive(shop.write())

    assert [shop.sync(limit=0).fetched, shop.sync().fetched] == [0, 1]


def test_a_stop_ends_the_pass_between_batches(shop):
    """What was begun is finished; the next pass goes on there (F54)."""
    shop.arrive(*(shop.write(f"mail {number}") for number in range(250)))
    asked = iter([False, False, True])

    first = shop.sync(stop=lambda: next(asked))
    second = shop.sync()

    assert (first.fetched, second.fetched) == (200, 50)
    assert set(shop.outcomes()) == {Outcome.OPENED}


def test_a_stop_before_anything_takes_nothing(shop):
    """A pass that is told to stop at once leaves all as it was."""
    shop.arrive(shop.write())

    assert [shop.sync(stop=lambda: True).fetched, shop.sync().fetched] == [0, 1]


def test_a_budget_ends_the_pass(shop):
    """No new batch is begun when the time is over."""
    shop.arrive(*(shop.write(f"mail {number}") for number in range(250)))

    def pass_time(report):
        if report.fetched:
            shop.clock.advance(dt.timedelta(seconds=61))

    first = shop.sync(budget=dt.timedelta(seconds=60), progress=pass_time)
    second = shop.sync(budget=dt.timedelta(seconds=60))

    assert (first.fetched, second.fetched) == (200, 50)
    assert first.seconds == 61


# Who may run it (R28, F32, F33).


def test_a_second_worker_does_nothing_and_says_so(shop):
    """Two passes over one mailbox at once: the second leaves everything to the first."""
    shop.arrive(shop.write())
    seen = []

    def at_once(report):
        if report.fetched and not seen:
            seen.append(shop.sync())

    first = shop.sync(progress=at_once)

    assert seen[0].errors == ["another worker is on this mailbox; nothing was done"]
    assert (seen[0].fetched, first.created_threads, first.errors) == (0, 1, [])


class Stealing:
    """A source during whose work another worker takes the mailbox over, after the first one slept too long."""

    def __init__(self, shop, at, *, asleep=True):
        self.shop, self.at, self.asleep = shop, at, asleep

    def steal(self):
        name = f"mailbox:{self.shop.box.id}"
        if self.asleep:
            self.shop.clock.advance(LEASE_TIME + dt.timedelta(seconds=1))
        with self.shop.storage.unit() as unit:
            if not self.asleep:
                unit.leases.release(unit.leases.holder(name))
            now = self.shop.clock.now()
            lease = unit.leases.acquire(name, "other", now=now, until=now + LEASE_TIME)
        assert lease is not None

    def open(self):
        stealing = self

        class Session(MemorySession):
            def listing(self, *, after, since=None):
                if stealing.at == "listing":
                    stealing.steal()
                return super().listing(after=after, since=since)

            def fetch(self, refs, *, max_size):
                for batch in super().fetch(refs, max_size=max_size):
                    if stealing.at == "fetched":
                        stealing.steal()
                    yield batch

            def acknowledge(self, refs, mode):
                answers = super().acknowledge(refs, mode)
                if stealing.at == "acknowledged":
                    stealing.steal()
                return answers

        return Session(self.shop.server)


@pytest.mark.parametrize("asleep", [True, False], ids=["asleep", "given up for dead"])
@pytest.mark.parametrize("at", ["listing", "fetched", "acknowledged"])
def test_a_worker_that_lost_its_lease_commits_nothing_more(make_shop, at, asleep):
    """It stops with an error; nothing of its batch is stored after the other took over (F33)."""
    shop = make_shop(after_fetch=AfterFetch.parse("delete"))
    shop.arrive(shop.write())

    with pytest.raises(LeaseLost):
        shop.desk.sync(shop.box.id, source=Stealing(shop, at, asleep=asleep))

    told = at == "acknowledged"
    assert len(shop.mails()) == (1 if told else 0)
    assert len(shop.server.mails) == (0 if told else 1)
    assert shop.desk.mailboxes.get(shop.box.id).health.errors_in_a_row == 0


def test_a_worker_that_lost_its_lease_after_reading_tells_the_server_nothing(make_shop, played_storage):
    """The lease is looked at again just before the server is told."""
    shop = make_shop(storage=played_storage, after_fetch=AfterFetch.parse("delete"))
    shop.arrive(shop.write())

    def read_and_lose(raw):
        Stealing(shop, "").steal()
        return shop.context.reader(raw)

    slow = attrs.evolve(shop.context, reader=read_and_lose)

    with pytest.raises(LeaseLost):
        type(shop.desk)(slow).sync(shop.box.id, source=shop.server)

    assert len(shop.server.mails) == 1
    assert shop.threads() == []


def test_an_expired_lease_is_taken_over(shop):
    """A worker that died does not block its mailbox for ever."""
    now = shop.clock.now()
    with shop.storage.unit() as unit:
        unit.leases.acquire(f"mailbox:{shop.box.id}", "dead", now=now, until=now + LEASE_TIME)
    shop.arrive(shop.write())

    early = shop.sync()
    shop.clock.advance(LEASE_TIME)
    late = shop.sync()

    assert (early.fetched, late.fetched) == (0, 1)


class Roll:
    """Which workers live."""

    def __init__(self, *gone):
        self.gone = gone

    def name(self):
        return "the living"

    def is_gone(self, name):
        return name in self.gone


@pytest.mark.parametrize(("gone", "fetched"), [(["dead"], 1), ([], 0)])
def test_the_lease_of_a_worker_that_is_certainly_gone_is_taken_over_at_once(shop, gone, fetched):
    """Where the dead can be known nobody waits for them; where not, the lease has to end."""
    now = shop.clock.now()
    with shop.storage.unit() as unit:
        unit.leases.acquire(f"mailbox:{shop.box.id}", "dead", now=now, until=now + LEASE_TIME)
    shop.arrive(shop.write())
    desk = type(shop.desk)(attrs.evolve(shop.context, workers=Roll(*gone)))

    reports = [desk.sync(shop.box.id, source=shop.server) for _ in range(2)]

    assert [report.fetched for report in reports] == [fetched, 0]


def test_a_long_pass_holds_its_lease(make_shop):
    """A worker that works is not taken over, however long it works."""
    shop = make_shop()
    shop.arrive(*(shop.write(f"mail {number}") for number in range(450)))
    refused = []

    def slow(report):
        if report.fetched:
            shop.clock.advance(dt.timedelta(minutes=10))
            refused.append(bool(shop.sync().errors))

    report = shop.sync(progress=slow)

    assert report.created_threads == 450
    assert refused == [True, True, True]


def test_the_lease_is_given_back(shop):
    """After a pass, also one that failed, the next can begin at once."""
    shop.server.fail_next("listing")
    with pytest.raises(ConnectionFailed):
        shop.sync()

    assert shop.sync().errors == []


def test_inside_a_hosts_transaction_there_is_no_pass(make_shop, played_storage):
    """A pass commits as it goes, which only the host may do there."""
    shop = make_shop(storage=played_storage)
    played_storage.commits_itself = False

    with pytest.raises(OwnTransactionNeeded):
        shop.sync()


# Health (R44).


def test_a_failed_pass_is_noted_at_the_mailbox(shop):
    """With the error and how many in a row; a success clears it."""
    for _ in range(2):
        shop.server.fail_next("open", AuthenticationFailed("login", "the server refused the user name"))
        with pytest.raises(AuthenticationFailed):
            shop.sync()
    failed = shop.desk.mailboxes.get(shop.box.id).health

    shop.sync()

    assert (failed.errors_in_a_row, failed.last_error) == (2, "the server refused the user name")
    assert shop.desk.mailboxes.get(shop.box.id).health.errors_in_a_row == 0


def test_a_mailbox_that_was_removed_during_its_pass_keeps_no_health(shop):
    """There is nothing to note it at; its mails stay."""
    shop.arrive(shop.write())

    def remove(report):
        if report.fetched:
            shop.desk.mailboxes.remove(shop.box.id)

    shop.sync(progress=remove)

    assert shop.desk.mailboxes.all() == []
    assert len(shop.threads()) == 1


def test_a_pass_uses_the_settings_stored_now(shop):
    """An older copy of the mailbox in the caller's hands brings no old settings back."""
    old = shop.box
    shop.configure(create_threads=False)
    shop.arrive(shop.write())

    report = shop.desk.sync(old, source=shop.server)

    assert report.skipped == {"not-ours": 1}


def test_a_mailbox_that_is_not_stored_has_no_pass(shop):
    """A pass needs a place to keep how far it got."""
    with pytest.raises(NotFound):
        shop.desk.sync(Builder().mailbox(), source=shop.server)


# What breaks in the middle.


@pytest.mark.parametrize("stage", ["open", "listing", "fetch", "acknowledge"])
def test_a_connection_that_breaks_loses_nothing(make_shop, stage):
    """Whatever the server was doing, the next pass finishes it."""
    shop = make_shop(after_fetch=AfterFetch.parse("delete"))
    shop.arrive(*(shop.write(f"mail {number}") for number in range(3)))
    shop.server.fail_next(stage)
    with pytest.raises(ConnectionFailed):
        shop.sync()

    shop.sync()

    assert len(shop.threads()) == 3
    assert shop.server.mails == {}


def test_a_storage_that_fails_in_the_middle_loses_nothing(make_shop, played_storage):
    """The pass ends with its error; nothing is removed that is not stored."""
    shop = make_shop(storage=played_storage, after_fetch=AfterFetch.parse("delete"))
    shop.arrive(shop.write("one"), shop.write("two"))

    def fail(name, _arguments):
        if name == "messages.add":
            raise StorageUnavailable("the disk is full")

    played_storage.step_in = fail
    with pytest.raises(StorageUnavailable):
        shop.sync()
    assert len(shop.server.mails) == 2
    played_storage.step_in = lambda _name, _arguments: None
    shop.sync()

    assert (len(shop.threads()), shop.server.mails) == (2, {})


# After storing (R32).


@pytest.mark.parametrize("mode", ["keep", "seen", "move:Done", "delete"])
def test_the_server_is_told_as_the_mailbox_says(make_shop, mode):
    """Kept as it is, flagged, moved or removed; counted; and never twice."""
    shop = make_shop(after_fetch=AfterFetch.parse(mode))
    shop.arrive(shop.write("one"), shop.write("two"))

    report = shop.sync()

    assert [mail.seen for mail in shop.server.mails.values()] == {"keep": [False] * 2, "seen": [True] * 2}.get(mode, [])
    assert len(shop.server.folders.get("Done", ())) == (2 if mode == "move:Done" else 0)
    assert report.removed_from_server == (2 if mode in ("move:Done", "delete") else 0)


def test_a_read_only_folder_is_named_once_and_told_later(make_shop):
    """Everything is stored; what could not be flagged is flagged when the folder can be written to (F12)."""
    shop = make_shop(after_fetch=AfterFetch.parse("seen"))
    shop.server.read_only = True
    shop.arrive(*(shop.write(f"mail {number}") for number in range(3)))

    report = shop.sync()
    shop.server.read_only = False
    shop.sync()

    assert report.errors == ["the folder is read only; nothing is removed or flagged there"]
    assert report.created_threads == 3
    assert all(mail.seen for mail in shop.server.mails.values())


# Files.


def ingest(shop, *items, **told):
    return ingest_files(
        shop.context, shop.desk.actor, PlayedSource(items), shop=DEFAULT_SHOP, max_size=1_000_000, **told
    )


def test_files_are_taken_over_once(shop):
    """A file looked at again is known, and both reports add up (R22)."""
    items = [file("a.eml", shop.write("one")), file("b.eml", shop.write("two"))]

    reports = [ingest(shop, *items) for _ in range(2)]

    assert [(report.created_threads, report.already_known, report.stored) for report in reports] == [
        (2, 0, 2),
        (0, 2, 0),
    ]
    assert all(map(sums_up, reports))


def test_equal_bytes_in_another_file_are_the_same_mail(shop):
    """For files equal bytes are the same delivery under another name (R22)."""
    raw = shop.write()

    report = ingest(shop, file("a.eml", raw), file("copy.eml", raw))

    assert (report.created_threads, report.already_known, report.stored) == (1, 1, 1)


def test_a_limit_on_files_gets_on(shop):
    """Files that are known do not use the limit up."""
    items = [file(f"{number}.eml", shop.write(f"mail {number}")) for number in range(5)]

    taken = [ingest(shop, *items, bounds=SyncBounds(limit=2)).created_threads for _ in range(3)]

    assert taken == [2, 2, 1]


def test_files_go_to_the_contact_that_was_named(shop):
    """Unless they name another one themselves."""
    sales = shop.desk.contacts.add("Sales")

    ingest(shop, file("a.eml", shop.write(to="nobody@shop.example")), contact_id=sales.id)

    assert shop.threads()[0].contact_id == sales.id


def test_two_workers_on_files_do_not_meet(shop):
    """The second does nothing and says so."""
    inner = []

    def at_once(report):
        if report.fetched:
            inner.append(ingest(shop, file("a.eml", shop.write())))

    ingest(shop, file("a.eml", shop.write()), bounds=SyncBounds(progress=at_once))

    assert inner[0].errors == ["another worker is on this mailbox; nothing was done"]


# Sources without numbers (POP3).


def test_a_source_without_numbers_goes_by_names(shop):
    """Each name is taken once; a mail under a new name is known by its bytes (F53)."""
    raw = shop.write()
    source = PlayedSource([file("uidl-1", raw)])
    first = shop.desk.sync(shop.box.id, source=source)
    source.items = [file("uidl-1", raw), file("uidl-2", raw), file("uidl-3", shop.write("new"))]

    second = shop.desk.sync(shop.box.id, source=source)

    assert (first.created_threads, second.created_threads, second.already_known) == (1, 1, 1)
