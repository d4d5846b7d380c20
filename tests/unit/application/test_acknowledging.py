"""The server is told only of what is safe, once, and what a person decided meanwhile stays (P2)."""

import attrs
import pytest

from customerservice.adapters.transports.memory import MemorySession
from customerservice.application.stored_mail import raw_owner
from customerservice.domain.mailbox import AfterFetch
from customerservice.domain.outcome import Outcome
from customerservice.ports.transports import Acknowledgement, AckState
from customerservice.testing.failpoints import FailAction, FailpointReached, FailurePlan, armed

DELETE = AfterFetch.parse("delete")


class Played:
    """The shop's mailbox, whose answers a test changes."""

    def __init__(self, shop, change):
        self.shop, self.change = shop, change

    def open(self):
        change = self.change

        class Session(MemorySession):
            def acknowledge(self, refs, mode):
                return change(super().acknowledge, refs, mode)

        return Session(self.shop.server)


def test_nothing_is_removed_whose_bytes_cannot_be_read_back(make_shop):
    """Bytes that were damaged in the storage keep the mail at the server, and the report says so."""
    shop = make_shop(after_fetch=DELETE)
    shop.arrive(shop.write("one"), shop.write("two"))
    with armed(FailurePlan("sync.outcome-committed", FailAction.RAISE)), pytest.raises(FailpointReached):
        shop.sync()
    lost = shop.mails()[0]
    with shop.storage.unit() as unit:
        unit.blobs.release(lost.sha256, raw_owner(lost))

    report = shop.sync()

    assert list(shop.server.mails) == [1]
    assert report.removed_from_server == 1
    (error,) = report.errors
    assert error.endswith("; the mail stays at the server")


def test_nothing_is_told_where_no_bytes_are_safe(make_shop):
    """With nothing safe the server is not even asked."""
    shop = make_shop(after_fetch=DELETE)
    shop.arrive(shop.write())
    with armed(FailurePlan("sync.outcome-committed", FailAction.RAISE)), pytest.raises(FailpointReached):
        shop.sync()
    (lost,) = shop.mails()
    with shop.storage.unit() as unit:
        unit.blobs.release(lost.sha256, raw_owner(lost))

    with armed() as hits:
        shop.sync()

    assert hits["sync.before-acknowledge"] == 0


def test_what_the_server_refuses_is_told_again(make_shop):
    """A quota or a missing right today does not leave the mail there for ever (F23)."""
    shop = make_shop(after_fetch=DELETE)
    shop.arrive(*(shop.write(f"mail {number}") for number in range(3)))

    def refuse(_tell, refs, _mode):
        return [Acknowledgement(ref, AckState.FAILED, "over quota") for ref in refs]

    first = shop.desk.sync(shop.box.id, source=Played(shop, refuse))
    second = shop.sync()

    assert first.errors == ["the server did not delete a mail: over quota"]
    assert (first.removed_from_server, second.removed_from_server) == (0, 3)
    assert shop.server.mails == {}


def test_a_server_that_cannot_remove_single_mails_flags_them(make_shop):
    """The report warns once; the mails stay, flagged, and are not told again (F11)."""
    shop = make_shop(after_fetch=DELETE)
    shop.server.removes_single = False
    shop.arrive(shop.write("one"), shop.write("two"))

    report = shop.sync()
    with armed() as hits:
        shop.sync()

    assert report.warnings == ["the server cannot remove single mails (no UIDPLUS)"]
    assert report.removed_from_server == 0
    assert all(mail.deleted for mail in shop.server.mails.values())
    assert hits["sync.before-acknowledge"] == 0


def test_mail_another_program_removed_is_settled(make_shop):
    """It need not be told, and is not counted as removed by us (F9)."""
    shop = make_shop(after_fetch=DELETE)
    shop.arrive(shop.write())

    def too_late(tell, refs, mode):
        shop.server.remove(1)
        return tell(refs, mode)

    report = shop.desk.sync(shop.box.id, source=Played(shop, too_late))
    with armed() as hits:
        shop.sync()

    assert report.removed_from_server == 0
    assert hits["sync.before-acknowledge"] == 0


def test_only_our_own_mail_is_removed(make_shop):
    """Mail that another program flagged for deletion, or that a later pass must take, is left alone (F10)."""
    shop = make_shop(after_fetch=DELETE)
    shop.arrive(shop.write("ours"))

    def meanwhile(tell, refs, mode):
        answers = tell(refs, mode)
        shop.arrive(shop.write("foreign"))
        return answers

    shop.desk.sync(shop.box.id, source=Played(shop, meanwhile))

    assert len(shop.server.mails) == 1


def test_a_decision_made_while_the_server_is_told_stays(make_shop):
    """An employee opens a held mail in the middle of a pass: the pass does not put it back."""
    shop = make_shop(after_fetch=DELETE)
    shop.arrive(shop.write("news", headers=("List-Id: <news.elsewhere.example>",)))

    def meanwhile(tell, refs, mode):
        (held,) = shop.held()
        shop.desk.mail.open(held.id)
        return tell(refs, mode)

    shop.desk.sync(shop.box.id, source=Played(shop, meanwhile))

    (mail,) = shop.mails()
    assert (mail.outcome, mail.acknowledge) == (Outcome.OPENED, False)


@pytest.mark.parametrize("mode", ["keep", "seen"])
def test_mail_kept_at_the_server_is_never_counted_as_removed(make_shop, mode):
    """Flagging is not removing."""
    shop = make_shop(after_fetch=AfterFetch.parse(mode))
    shop.arrive(shop.write())

    assert shop.sync().removed_from_server == 0


def test_what_was_turned_away_is_not_touched(make_shop):
    """Where the mailbox opens no threads, mail of strangers is neither flagged nor removed (R43)."""
    shop = make_shop(create_threads=False, after_fetch=DELETE)
    shop.receive(shop.write())

    assert [attrs.asdict(mail)["seen"] for mail in shop.server.mails.values()] == [False]


def test_more_than_a_batch_left_over_is_told(make_shop):
    """Whatever an interrupted pass owes the server, page by page."""
    shop = make_shop(after_fetch=DELETE)
    shop.arrive(*(shop.write(f"mail {number}") for number in range(250)))
    shop.server.read_only = True
    shop.sync()
    shop.server.read_only = False

    report = shop.sync()

    assert report.removed_from_server == 250
    assert shop.server.mails == {}
