"""A worker that dies at any named moment: the next one finishes, with nothing lost and nothing twice (F1, F2, F40)."""

import ast
import datetime as dt
from collections import Counter
from pathlib import Path

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import customerservice.application
from customerservice._failpoints import arm
from customerservice.adapters.transports.memory import MemorySession
from customerservice.application.context import read_mail
from customerservice.application.delivering import CLAIM_TIME
from customerservice.application.sync_run import LEASE_TIME
from customerservice.domain.mailbox import AfterFetch
from customerservice.domain.outbox import OutboxState
from customerservice.domain.outcome import Outcome
from customerservice.domain.status import ThreadStatus
from customerservice.testing.failpoints import FailAction, FailpointReached, FailurePlan, armed

MODES = ["keep", "seen", "move:Done", "delete"]
SYNC_POINTS = [
    "sync.opened",
    "sync.cursor-saved",
    "sync.listed",
    "sync.fetched",
    "sync.raw-written",
    "sync.raw-committed",
    "sync.parsed",
    "sync.attempt-counted",
    "sync.outcome-written",
    "sync.outcome-committed",
    "sync.before-acknowledge",
    "sync.acknowledged",
    "sync.acknowledgement-noted",
]
OUTBOX_POINTS = [
    "outbox.claimed",
    "outbox.before-send",
    "outbox.before-mark",
    "outbox.marked",
    "outbox.sent",
    "outbox.settled",
]


def test_every_named_moment_is_in_these_lists():
    """A failpoint that no test reaches would prove nothing."""
    folder = Path(customerservice.application.__file__).parent
    named = {
        node.args[0].value
        for file in folder.glob("*.py")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "failpoint"
    }

    assert named == {*SYNC_POINTS, *OUTBOX_POINTS}


class SmallSteps:
    """The shop's mailbox, listed three and fetched two at a time, so that each moment comes several times."""

    def __init__(self, mailbox):
        self.mailbox = mailbox

    def open(self):
        class Session(MemorySession):
            def listing(self, *, after, since=None):
                for window in super().listing(after=after, since=since):
                    for start in range(0, len(window), 3):
                        yield window[start : start + 3]

            def fetch(self, refs, *, max_size):
                for start in range(0, len(refs), 2):
                    yield from super().fetch(refs[start : start + 2], max_size=max_size)

        return Session(self.mailbox)


def fussy(raw):
    """A reader that fails on one of the mails."""
    if b"poison" in raw:
        raise ValueError("poison")
    return read_mail(raw)


def filled_shop(make_shop, mode):
    """A help desk with a conversation that went back and forth, and eleven mails of all kinds at its server."""
    shop = make_shop(reader=fussy, size_limit=5_000)
    thread = shop.open_thread(shop.write("The beginning", message_id="0@customer.example"))
    reply = shop.answered(thread)
    shop.server.remove(1)
    shop.configure(after_fetch=AfterFetch.parse(mode))
    ours = reply.raw.partition(b"Message-ID: <")[2].partition(b">")[0].decode()
    shop.arrive(
        shop.write("One", subject="One", message_id="1@customer.example"),
        shop.write("Two", in_reply_to="1@customer.example", message_id="2@customer.example"),
        shop.write("Answer", in_reply_to=ours),
        shop.write("One", subject="One", message_id="1@customer.example"),
        shop.write("poison"),
        shop.write("Away", in_reply_to=ours, headers=("Auto-Submitted: auto-replied",)),
        shop.write("Stranger", sender="eve@elsewhere.example", in_reply_to=ours),
        shop.write("Large " * 1_000),
        shop.write("Robot", headers=("Auto-Submitted: auto-replied",)),
        b"",
        shop.write("Last", subject="Last"),
    )
    return shop


def run(shop):
    return shop.desk.sync(shop.box.id, source=SmallSteps(shop.server))


def state(shop):
    """Everything a person could see of a help desk and its server, without ids and counted attempts."""
    return {
        "mails": [
            (mail.key.uid, mail.outcome, mail.size, mail.subject, mail.decision.rule, mail.acknowledge)
            for mail in sorted(shop.mails(), key=lambda mail: mail.key.uid)
        ],
        "threads": sorted(
            (
                thread.subject,
                thread.status.value,
                thread.messages,
                thread.customer_messages,
                tuple(message.text.strip() for message in shop.messages(thread.id)),
            )
            for thread in shop.threads()
        ),
        "figures": shop.desk.statistics(),
        "server": {uid: mail.seen for uid, mail in shop.server.mails.items()},
        "moved": [mail.raw for mail in shop.server.folders.get("Done", ())],
        "lists": len(shop.held()),
    }


def dies_at(shop, point, hit, *, really):
    """Let a pass die at that moment; if `really`, nothing it would still do on its way out reaches the storage."""
    hits = Counter()

    def reached(name):
        hits[name] += 1
        if name == point and hits[name] == hit:
            if really:
                shop.storage.dead = FailpointReached(name)
            raise FailpointReached(name)

    arm(reached)
    try:
        with pytest.raises(FailpointReached):
            run(shop)
    finally:
        arm(None)
    if really:
        shop.storage.dead = None
        shop.clock.advance(LEASE_TIME)


@pytest.fixture(scope="module")
def clean():
    """The hits and the end of a pass that nothing interrupts, by mode."""
    return {}


def clean_run(clean, make_shop, mode):
    if mode not in clean:
        shop = filled_shop(make_shop, mode)
        with armed() as hits:
            run(shop)
        clean[mode] = hits, state(shop)
    return clean[mode]


@pytest.mark.parametrize("mode", MODES)
def test_a_pass_reaches_every_moment(clean, make_shop, mode):
    """Only a mailbox that keeps its mail has no acknowledgements."""
    hits, end = clean_run(clean, make_shop, mode)

    silent = {"sync.before-acknowledge", "sync.acknowledged", "sync.acknowledgement-noted"} if mode == "keep" else set()
    assert set(hits) == set(SYNC_POINTS) - silent
    assert Counter(outcome for _, outcome, *_ in end["mails"])[Outcome.OPENED] == 3


@pytest.mark.parametrize("really", [False, True], ids=["raised", "killed"])
@pytest.mark.parametrize("place", ["first", "middle", "last"])
@pytest.mark.parametrize("point", SYNC_POINTS)
@pytest.mark.parametrize("mode", MODES)
def test_a_pass_that_dies_is_finished_by_the_next(clean, make_shop, mode, point, place, really):
    """Whenever it died, the next pass leaves the help desk and the server as if nothing had happened."""
    hits, end = clean_run(clean, make_shop, mode)
    if not hits[point]:
        assert mode == "keep"
        return
    shop = filled_shop(make_shop, mode)

    dies_at(shop, point, {"first": 1, "middle": (hits[point] + 1) // 2, "last": hits[point]}[place], really=really)
    run(shop)

    assert state(shop) == end
    assert list(shop.desk.check()) == []
    assert run(shop).fetched == 0


def test_a_first_pass_that_dies_when_it_chose_its_beginning_goes_on_there(make_shop):
    """The very first pass may die as well."""
    shop = make_shop()
    shop.arrive(shop.write())

    dies_at(shop, "sync.cursor-saved", 1, really=True)

    assert shop.sync().created_threads == 1


@pytest.mark.parametrize("mode", ["move:Done", "delete"])
def test_the_server_loses_nothing_that_is_not_stored(make_shop, mode):
    """At each moment of a pass, what is not at the server any more can be read back from the storage."""
    shop = filled_shop(make_shop, mode)
    every = {mail.raw for mail in shop.server.mails.values()}
    seen = []

    def look(name):
        if name in ("sync.raw-written", "sync.outcome-written"):
            return  # inside a unit of work
        there = {mail.raw for mail in shop.server.mails.values()}
        kept = {shop.desk.mail.raw(mail.id) for mail in shop.mails() if mail.raw_kept}
        seen.append(every <= there | kept)

    arm(look)
    try:
        run(shop)
    finally:
        arm(None)

    assert len(seen) > 20
    assert all(seen)


def test_passes_that_die_again_and_again_are_finished(make_shop):
    """Twice in a row, at any moments: the pass after that ends as if nothing had happened (F2)."""

    @settings(max_examples=60)
    @given(
        mode=st.sampled_from(MODES), kills=st.lists(st.integers(1, 40), min_size=1, max_size=2), really=st.booleans()
    )
    def finished(mode, kills, really):
        shop, untouched = filled_shop(make_shop, mode), filled_shop(make_shop, mode)
        run(untouched)
        for kill in kills:
            may_die_at(shop, kill, really=really)
        run(shop)

        assert state(shop) == state(untouched)

    finished()


def may_die_at(shop, moment, *, really):
    """Let a pass die when so many moments went by, if it comes so far."""
    passed = Counter()

    def reached(name):
        passed["any"] += 1
        if passed["any"] == moment:
            if really:
                shop.storage.dead = FailpointReached(name)
            raise FailpointReached(name)

    arm(reached)
    try:
        run(shop)
    except FailpointReached:
        pass
    finally:
        arm(None)
    shop.storage.dead = None
    shop.clock.advance(LEASE_TIME)


# The way out.


@pytest.fixture
def two_replies(make_shop):
    """Two threads, each with an answer that waits in the outbox."""
    shop = make_shop()
    for number in range(2):
        thread = shop.open_thread(shop.write(f"mail {number}", subject=f"{number}"))
        shop.anna.reply(thread.id, text=f"answer {number}")
    return shop


SENT, UNKNOWN = OutboxState.SENT, OutboxState.UNKNOWN
#: how the mail stands that the worker was at when it died, and how often it had reached the server, at the end.
ENDS = {
    "outbox.claimed": (SENT, 1),
    "outbox.before-send": (SENT, 1),
    "outbox.before-mark": (SENT, 1),
    "outbox.marked": (UNKNOWN, 0),
    "outbox.sent": (UNKNOWN, 1),
    "outbox.settled": (SENT, 1),
}


@pytest.mark.parametrize("hit", [1, 2])
@pytest.mark.parametrize("point", OUTBOX_POINTS)
def test_a_sender_that_dies_loses_nothing_and_sends_nothing_twice(two_replies, point, hit):
    """Before the dot the mail is sent again, with the same bytes; from the dot on a person decides (P4, F40)."""
    shop = two_replies
    with armed(FailurePlan(point, FailAction.RAISE, hit)), pytest.raises(FailpointReached):
        shop.desk.deliver(shop.sender)
    early = shop.desk.deliver(shop.sender)
    shop.clock.advance(CLAIM_TIME + dt.timedelta(seconds=1))

    shop.desk.deliver(shop.sender)

    state, times = ENDS[point]
    entries = [shop.entry(thread.id) for thread in shop.threads()]
    sent = Counter(mail.raw for mail in shop.sender.sent)
    hurt = hit - 1
    assert early.unknown == 0
    assert [entry.state for entry in entries] == [state if number == hurt else SENT for number in range(2)]
    assert sum(sent.values()) == 1 + times
    assert all(count == 1 for count in sent.values())
    expected = {SENT: ThreadStatus.CLOSED, UNKNOWN: ThreadStatus.OPEN}
    assert [thread.status for thread in shop.threads()] == [expected[entry.state] for entry in entries]


def test_an_unknown_mail_is_never_sent_by_itself(two_replies):
    """However much time passes."""
    shop = two_replies
    with armed(FailurePlan("outbox.sent", FailAction.RAISE)), pytest.raises(FailpointReached):
        shop.desk.deliver(shop.sender)
    for _ in range(10):
        shop.clock.advance(dt.timedelta(hours=12))
        shop.desk.deliver(shop.sender)

    assert len(shop.sender.sent) == 2


@pytest.mark.parametrize(
    "call", ["messages.add", "threads.save", "events.add", "figures.add", "blobs.put", "outbox.add"]
)
def test_a_reply_is_stored_whole_or_not_at_all(make_shop, played_storage, call):
    """Message and outgoing mail are one unit: a reply that fails at any write leaves no trace."""
    shop = make_shop(storage=played_storage)
    thread = shop.open_thread()
    before = shop.thread(thread.id), shop.messages(thread.id), shop.desk.statistics()

    def fail(name, _arguments):
        if name == call:
            raise FailpointReached(name)

    played_storage.step_in = fail
    with pytest.raises(FailpointReached):
        shop.anna.reply(thread.id, text="It is on its way.")
    played_storage.step_in = lambda _name, _arguments: None

    assert (shop.thread(thread.id), shop.messages(thread.id), shop.desk.statistics()) == before
    assert attrs.asdict(shop.desk.deliver(shop.sender))["sent"] == 0
