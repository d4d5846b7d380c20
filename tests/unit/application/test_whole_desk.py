"""The whole help desk against a simple model: whatever happens in whatever order, the two agree."""

import datetime as dt
from collections import Counter

import attrs
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from customerservice._failpoints import arm
from customerservice.application.contact_form import FormMessage, FormOutcome
from customerservice.application.sync_run import LEASE_TIME
from customerservice.domain.mailbox import AfterFetch
from customerservice.domain.outcome import Outcome
from customerservice.domain.references import EmployeeRef
from customerservice.domain.status import ThreadStatus
from customerservice.errors import ConnectionFailed
from customerservice.testing.failpoints import FailAction, FailpointReached, FailurePlan, armed

PEOPLE = ["maria@customer.example", "otto@customer.example", "eve@elsewhere.example"]
IN_THREAD = {Outcome.OPENED, Outcome.JOINED, Outcome.ATTACHED}
DAY, HOUR = dt.timedelta(days=1), dt.timedelta(hours=1)


@attrs.define
class ModelThread:
    """What a thread should be."""

    participants: set
    status: ThreadStatus = ThreadStatus.OPEN
    assigned: bool = False
    entries: int = 0
    theirs: int = 0
    ours: int = 0
    waiting: bool = False
    received_ids: list = attrs.Factory(list)
    sent_ids: list = attrs.Factory(list)
    id: object = None

    def hear(self, header_id):
        """A message of a customer, whatever its date: whoever answered before had not read it."""
        self.status = ThreadStatus.OPEN
        self.entries += 1
        self.theirs += 1
        self.waiting = True
        if header_id is not None:
            self.received_ids.append(header_id)


@attrs.define
class ModelMail:
    """A mail that stands at the server, and what should have become of it."""

    raw: bytes
    sender: str
    header_id: str
    names: str | None
    automatic: bool
    outcome: Outcome | None = None
    stored_at: dt.datetime | None = None
    thread: ModelThread | None = None


@attrs.define
class ModelReply:
    """An answer on its way out."""

    thread: ModelThread
    written: dt.datetime
    state: str = "waiting"
    tries: int = 0


class Desk(RuleBasedStateMachine):
    """A help desk in memory, and the model beside it."""

    shop_class: type

    @initialize(mode=st.sampled_from(["keep", "seen", "move:Done", "delete"]))
    def begin(self, mode):
        self.shop = self.shop_class(after_fetch=AfterFetch.parse(mode))
        self.mode = mode
        self.number = 0
        self.threads: list[ModelThread] = []
        self.mails: list[ModelMail] = []
        self.waiting: list[ModelMail] = []
        self.replies: list[ModelReply] = []
        self.form_keys: dict[str, ModelThread] = {}

    # What happens outside.

    @rule(
        sender=st.sampled_from(PEOPLE),
        about=st.none() | st.integers(0, 1_000),
        by_ours=st.booleans(),
        automatic=st.sampled_from([False, False, False, True]),
    )
    def write(self, sender, about, by_ours, automatic):
        """Somebody writes, naming a mail of a thread or none."""
        self.shop.clock.advance(dt.timedelta(minutes=1))
        self.number += 1
        names = None
        if about is not None and self.threads:
            thread = self.threads[about % len(self.threads)]
            known = thread.sent_ids if by_ours else thread.received_ids
            names = known[about % len(known)] if known else None
        header_id = f"{self.number}@customer.example"
        raw = self.shop.write(
            f"text {self.number}",
            sender=sender,
            message_id=header_id,
            in_reply_to=names,
            headers=("Auto-Submitted: auto-replied",) if automatic else (),
        )
        self.arrive(ModelMail(raw, sender, header_id, names, automatic))

    @precondition(lambda self: self.mails)
    @rule(which=st.integers(0, 1_000))
    def deliver_twice(self, which):
        """A server delivers a mail once more."""
        old = self.mails[which % len(self.mails)]
        self.arrive(ModelMail(old.raw, old.sender, old.header_id, old.names, old.automatic))

    def arrive(self, mail):
        self.shop.arrive(mail.raw)
        self.waiting.append(mail)

    @rule(days=st.sampled_from([0, 0, 0, 3, 8]))
    def time_goes_by(self, days):
        """Sometimes more than a week."""
        self.shop.clock.advance(days * DAY + HOUR)

    # Passes over the mailbox.

    @rule(kills=st.lists(st.integers(1, 25), max_size=2), really=st.booleans())
    def sync(self, kills, really):
        """A pass runs, after others that died at any moment."""
        for kill in kills:
            self.die_in_a_pass(kill, really)
        self.shop.sync()
        for mail in self.waiting:
            self.decide(mail)
            self.mails.append(mail)
        self.waiting.clear()
        for mail, delivery in zip(self.mails, self.shop.mails_of_box(), strict=True):
            if mail.thread is not None and mail.outcome is Outcome.OPENED:
                mail.thread.id = delivery.thread_id

    def die_in_a_pass(self, moment, really):
        passed = Counter()

        def reached(name):
            passed["any"] += 1
            if passed["any"] == moment:
                if really:
                    self.shop.storage.dead = FailpointReached(name)
                raise FailpointReached(name)

        arm(reached)
        try:
            self.shop.sync()
        except FailpointReached:
            pass
        finally:
            arm(None)
            self.shop.storage.dead = None
        self.shop.clock.advance(LEASE_TIME)

    def decide(self, mail):
        """What should become of a mail."""
        now = mail.stored_at = self.shop.clock.now()
        seen = IN_THREAD | {Outcome.HELD}
        if any(old.raw == mail.raw and old.outcome in seen and now - old.stored_at <= 7 * DAY for old in self.mails):
            mail.outcome = Outcome.DUPLICATE
            return
        named = next((t for t in self.threads if mail.names and mail.names in (*t.sent_ids, *t.received_ids)), None)
        joins = named is not None and mail.sender in named.participants
        if mail.automatic:
            mail.outcome = Outcome.ATTACHED if joins else Outcome.IGNORED
            if joins:
                mail.thread = named
                named.entries += 1
                named.received_ids.append(mail.header_id)
        elif joins:
            mail.outcome, mail.thread = Outcome.JOINED, named
            named.hear(mail.header_id)
        elif named is not None and mail.names in named.sent_ids:
            mail.outcome = Outcome.HELD
        else:
            self.open(mail)

    def open(self, mail):
        mail.outcome, mail.thread = Outcome.OPENED, ModelThread({mail.sender})
        mail.thread.hear(mail.header_id)
        self.threads.append(mail.thread)

    # What people do.

    def some(self, which):
        return self.threads[which % len(self.threads)]

    @precondition(lambda self: self.threads)
    @rule(which=st.integers(0, 1_000))
    def reply(self, which):
        """Anna answers."""
        self.shop.clock.advance(dt.timedelta(minutes=1))
        thread = self.some(which)
        done = self.shop.anna.reply(thread.id, text="an answer")
        thread.entries += 1
        thread.ours += 1
        thread.waiting = False
        thread.assigned = True
        thread.sent_ids.append(done.message.header_id)
        self.replies.append(ModelReply(thread, self.shop.clock.now()))

    @precondition(lambda self: self.threads)
    @rule(which=st.integers(0, 1_000))
    def note(self, which):
        """Anna notes something."""
        thread = self.some(which)
        self.shop.anna.note(thread.id, "a note")
        thread.entries += 1

    @precondition(lambda self: self.threads)
    @rule(which=st.integers(0, 1_000), status=st.sampled_from(list(ThreadStatus)))
    def move(self, which, status):
        """Anna moves a thread."""
        thread = self.some(which)
        self.shop.anna.threads.set_status(thread.id, status)
        thread.status = status

    @precondition(lambda self: self.threads)
    @rule(which=st.integers(0, 1_000), somebody=st.booleans())
    def assign(self, which, somebody):
        """Anna makes Ben responsible, or nobody."""
        thread = self.some(which)
        self.shop.anna.threads.assign(thread.id, EmployeeRef("ben") if somebody else None)
        thread.assigned = somebody

    @precondition(lambda self: any(mail.outcome not in IN_THREAD for mail in self.mails))
    @rule(which=st.integers(0, 1_000), act=st.sampled_from(["open", "join", "ignore"]), into=st.integers(0, 1_000))
    def take_up(self, which, act, into):
        """Anna decides about a mail that is in no thread."""
        loose = [number for number, mail in enumerate(self.mails) if mail.outcome not in IN_THREAD]
        number = loose[which % len(loose)]
        mail, delivery = self.mails[number], self.shop.mails_of_box()[number]
        if act == "ignore":
            self.shop.anna.mail.ignore(delivery.id)
            mail.outcome = Outcome.IGNORED
        elif act == "open" or not self.threads:
            self.open(mail)
            mail.thread.id = self.shop.anna.mail.open(delivery.id).thread_id
        else:
            thread = self.some(into)
            self.shop.anna.mail.join(delivery.id, thread.id)
            mail.outcome, mail.thread = Outcome.JOINED, thread
            thread.participants.add(mail.sender)
            thread.hear(mail.header_id)

    @rule(key=st.sampled_from(["a", "b", "c", "d"]), sender=st.sampled_from(PEOPLE))
    def submit(self, key, sender):
        """A visitor sends the contact form, perhaps twice."""
        self.number += 1
        typed = FormMessage(key=key, contact_id=self.shop.contact.id, email=sender, text=f"form {self.number}")
        result = self.shop.desk.submit_form(typed)
        if key in self.form_keys:
            assert (result.outcome, result.thread.id) == (FormOutcome.ALREADY_RECEIVED, self.form_keys[key].id)
            return
        thread = self.form_keys[key] = ModelThread({sender}, id=result.thread.id)
        thread.hear(None)
        self.threads.append(thread)

    # The way out.

    def due(self):
        """Let all pauses and claims end; gives what waits, in order."""
        self.shop.clock.advance(5 * HOUR)
        return [reply for reply in self.replies if reply.state == "waiting"]

    def went_out(self, replies):
        for reply in replies:
            reply.state = "sent"
            if not reply.thread.waiting:
                reply.thread.status = ThreadStatus.CLOSED

    @rule()
    def deliver(self):
        """Everything goes out."""
        waiting = self.due()
        self.shop.desk.deliver(self.shop.sender)
        self.went_out(waiting)

    @rule()
    def deliver_in_vain(self):
        """The server cannot be reached: the oldest is put off, and given up after two days."""
        waiting = self.due()
        self.shop.sender.fail_next(ConnectionFailed("connect", "refused"))
        self.shop.desk.deliver(self.shop.sender)
        if waiting:
            oldest = waiting[0]
            oldest.tries += 1
            pause = min(dt.timedelta(minutes=2 ** (oldest.tries - 1)), 4 * HOUR)
            if self.shop.clock.now() + pause > oldest.written + 2 * DAY:
                oldest.state = "failed"
        else:
            self.shop.sender = type(self.shop.sender)()

    @rule()
    def deliver_and_hear_nothing(self):
        """The answer to the first final dot is lost."""
        waiting = self.due()
        if not waiting:
            return
        self.shop.sender.lose_next()
        self.shop.desk.deliver(self.shop.sender)
        waiting[0].state = "unknown"
        self.went_out(waiting[1:])

    @rule(point=st.sampled_from(["claimed", "before-send", "before-mark", "marked", "sent", "settled"]))
    def die_delivering(self, point):
        """The worker dies at its first mail; another comes when its claim ended."""
        waiting = self.due()
        if not waiting:
            return
        with armed(FailurePlan(f"outbox.{point}", FailAction.RAISE)), pytest.raises(FailpointReached):
            self.shop.desk.deliver(self.shop.sender)
        self.due()
        if point == "settled":
            self.went_out(waiting[:1])
        self.shop.desk.deliver(self.shop.sender)
        if point in ("marked", "sent"):
            waiting[0].state = "unknown"
            del waiting[0]
        self.went_out(waiting)

    # What must hold at any time.

    @invariant()
    def mails_ended_as_they_should(self):
        """Each delivered mail has one row and one outcome."""
        stored = self.shop.mails_of_box()
        assert [mail.outcome for mail in stored] == [mail.outcome for mail in self.mails]
        assert [mail.thread_id for mail in stored if mail.outcome in IN_THREAD] == [
            mail.thread.id for mail in self.mails if mail.outcome in IN_THREAD
        ]

    @invariant()
    def threads_are_as_they_should(self):
        """State and counters of each."""
        stored = {thread.id: thread for thread in self.shop.threads()}
        assert stored.keys() == {thread.id for thread in self.threads}
        for model in self.threads:
            thread = stored[model.id]
            assert (thread.status, thread.messages, thread.customer_messages, thread.employee_messages) == (
                model.status,
                model.entries,
                model.theirs,
                model.ours,
            )
            assert thread.participants == model.participants
            assert (thread.assignee is not None, thread.waiting_since is not None) == (model.assigned, model.waiting)

    @invariant()
    def figures_are_a_recount(self):
        """The kept ones equal those counted in the model, and add up."""
        kept = self.shop.desk.statistics()
        status = Counter(thread.status for thread in self.threads)
        lively = [thread for thread in self.threads if thread.status is not ThreadStatus.CLOSED]
        assert (kept.open_threads, kept.closed) == (status[ThreadStatus.OPEN], status[ThreadStatus.CLOSED])
        assert kept.open_threads + kept.pending + kept.closed == kept.threads == len(self.threads)
        assert kept.unassigned == sum(not thread.assigned for thread in lively)
        assert kept.waiting_for_customer == sum(thread.ours > 0 and not thread.waiting for thread in lively)
        assert kept.customer_messages == sum(thread.theirs for thread in self.threads)
        assert kept.employee_messages == sum(thread.ours for thread in self.threads)

    @invariant()
    def no_mail_left_twice(self):
        """Whatever died, no bytes were handed over twice."""
        assert all(count == 1 for count in Counter(mail.raw for mail in self.shop.sender.sent).values())

    @invariant()
    def the_server_is_as_the_mailbox_says(self):
        """What was taken over is kept, flagged, moved or gone there; what was not still stands there."""
        there = list(self.shop.server.mails.values())
        if self.mode in ("keep", "seen"):
            assert [mail.raw for mail in there] == [mail.raw for mail in (*self.mails, *self.waiting)]
            assert [mail.seen for mail in there] == [self.mode == "seen"] * len(self.mails) + [False] * len(
                self.waiting
            )
        else:
            assert [mail.raw for mail in there] == [mail.raw for mail in self.waiting]

    def teardown(self):
        if hasattr(self, "shop"):
            assert list(self.shop.desk.check()) == []


def test_the_desk_and_its_model_agree(make_shop):
    """Mail, answers, forms, statuses, deaths and failures in any order, against a model of a page."""

    class BoxShop(make_shop):
        """A help desk whose mails can be told from what came by the form."""

        def mails_of_box(self):
            return [mail for mail in self.mails() if mail.mailbox_id is not None]

    class Machine(Desk):
        shop_class = BoxShop

    run_state_machine_as_test(Machine, settings=settings(max_examples=60, stateful_step_count=40))
