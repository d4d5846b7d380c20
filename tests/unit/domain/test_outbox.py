"""Mail on its way out: tries, pauses, and what nobody can know."""

import datetime as dt
from collections.abc import Sequence

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from customerservice.domain.email_address import EmailAddress
from customerservice.domain.outbox import RETRY_FOR, OutboxEntry, OutboxState, RecipientResult, RecipientState
from customerservice.errors import InvalidValue
from customerservice.testing.builders import CUSTOMER_ADDRESS, Builder, settled, waiting
from customerservice.testing.clock import BEGINNING

WAITING, SENT, REFUSED, DEFERRED, UNKNOWN = RecipientState
MINUTE = dt.timedelta(minutes=1)
LATER = BEGINNING + MINUTE
OTHER = EmailAddress("cc@customer.example")
THIRD = EmailAddress("third@customer.example")


@pytest.fixture
def entry() -> OutboxEntry:
    return Builder().outbox_entry(recipients=waiting(CUSTOMER_ADDRESS, OTHER, THIRD))


def tried(entry: OutboxEntry, *states: RecipientState, text: str = "server says") -> OutboxEntry:
    """The entry after a claim and a try that ended so."""
    claimed = entry.claimed("worker", until=LATER + MINUTE)
    return claimed.settled(settled(claimed, states, text=text), at=LATER)


def test_mail_without_recipient_is_refused() -> None:
    """It could go nowhere."""
    with pytest.raises(InvalidValue, match="recipients"):
        Builder().outbox_entry(recipients=())


def test_states_that_end_it() -> None:
    """Sent, failed, unknown and suppressed wait for a person or for nothing."""
    assert [state.value for state in OutboxState if state.is_final] == ["sent", "failed", "unknown", "suppressed"]


def test_server_words_are_one_short_line() -> None:
    """What a server says cannot break a log or a page."""
    result = RecipientResult(address=OTHER, state=SENT, text="550\r\nno " + "x" * 900)

    assert result.text.startswith("550 no x")
    assert len(result.text) == 500


class TestClaim:
    """A worker takes a mail."""

    def test_claim_says_whose_and_until_when(self, entry: OutboxEntry) -> None:
        """And counts the try; bytes and Message-ID stay."""
        claimed = entry.claimed("worker", until=LATER)

        assert claimed == attrs.evolve(
            entry, state=OutboxState.CLAIMED, claimed_by="worker", claimed_until=LATER, tries=1
        )
        assert claimed.claimed("other", until=LATER).tries == 2

    def test_dot_is_marked_before_it_is_sent(self, entry: OutboxEntry) -> None:
        """The claim stays."""
        claimed = entry.claimed("worker", until=LATER)

        assert claimed.about_to_end() == attrs.evolve(claimed, state=OutboxState.DOT_SENT)

    def test_worker_that_died_before_the_dot_is_followed_by_another(self, entry: OutboxEntry) -> None:
        """Safe to try again at once."""
        left = entry.claimed("worker", until=LATER).abandoned(at=LATER)

        assert left == attrs.evolve(entry, tries=1, next_try_at=LATER)

    def test_worker_that_died_after_the_dot_leaves_a_question(self, entry: OutboxEntry) -> None:
        """Nobody can know who got it, so nobody gets it twice by itself; what was settled before stays."""
        first = tried(entry, SENT, DEFERRED, REFUSED)
        left = first.claimed("worker", until=LATER).about_to_end().abandoned(at=LATER)

        assert (left.state, left.settled_at, left.claimed_by, left.claimed_until) == (
            OutboxState.UNKNOWN,
            LATER,
            None,
            None,
        )
        assert [result.state for result in left.recipients] == [SENT, UNKNOWN, REFUSED]
        assert "stopped between" in left.recipients[1].text


class TestSettling:
    """A try ended."""

    def test_all_taken_is_sent(self, entry: OutboxEntry) -> None:
        """Nothing is left to do, nothing to say."""
        done = tried(entry, SENT, SENT, SENT)

        assert (done.state, done.settled_at, done.last_error) == (OutboxState.SENT, LATER, None)
        assert (done.claimed_by, done.claimed_until, done.open_recipients) == (None, None, ())

    def test_some_taken_some_refused_is_sent(self, entry: OutboxEntry) -> None:
        """With the refusal's words."""
        done = tried(entry, SENT, REFUSED, SENT, text="550 no such user")

        assert (done.state, done.last_error) == (OutboxState.SENT, "550 no such user")

    def test_all_refused_is_failed(self, entry: OutboxEntry) -> None:
        """For good."""
        done = tried(entry, REFUSED, REFUSED, REFUSED)

        assert (done.state, done.settled_at) == (OutboxState.FAILED, LATER)

    @pytest.mark.parametrize("others", [(SENT, SENT), (REFUSED, SENT), (UNKNOWN, REFUSED)])
    def test_anything_unknown_is_unknown(
        self, entry: OutboxEntry, others: tuple[RecipientState, RecipientState]
    ) -> None:
        """A person decides."""
        done = tried(entry, *others, UNKNOWN)

        assert (done.state, done.settled_at) == (OutboxState.UNKNOWN, LATER)

    def test_somebody_put_off_is_tried_again_beside_somebody_unknown(self, entry: OutboxEntry) -> None:
        """Only the one put off; in the end a person decides about the other."""
        put_off = tried(entry, SENT, UNKNOWN, DEFERRED)

        assert (put_off.state, put_off.open_recipients) == (OutboxState.WAITING, (THIRD,))
        done = put_off.claimed("worker", until=LATER).settled([RecipientResult(address=THIRD, state=SENT)], at=LATER)
        assert done.state is OutboxState.UNKNOWN

    def test_who_is_put_off_for_two_days_does_not_make_the_mail_fail(self, entry: OutboxEntry) -> None:
        """The others have it: the mail counts as sent, so that its thread moves on."""
        put_off = tried(entry, SENT, SENT, DEFERRED)
        given_up = put_off.claimed("worker", until=LATER).postponed("busy", at=entry.created_at + RETRY_FOR)

        assert (given_up.state, given_up.open_recipients) == (OutboxState.SENT, (THIRD,))

    def test_deferred_recipients_are_tried_again_alone(self, entry: OutboxEntry) -> None:
        """Later; who has it does not get it twice."""
        put_off = tried(entry, SENT, DEFERRED, REFUSED)

        assert (put_off.state, put_off.settled_at, put_off.claimed_by) == (OutboxState.WAITING, None, None)
        assert put_off.next_try_at == LATER + MINUTE
        assert put_off.open_recipients == (OTHER,)

    def test_put_off_without_words_says_so(self, entry: OutboxEntry) -> None:
        """There is always something to read."""
        assert tried(entry, DEFERRED, DEFERRED, DEFERRED, text="").last_error == "the server put it off"

    def test_recipients_without_answer_stay_as_they_were(self, entry: OutboxEntry) -> None:
        """A result for some of them settles those."""
        claimed = entry.claimed("worker", until=LATER)
        part = claimed.settled([RecipientResult(address=OTHER, state=SENT)], at=LATER)

        assert [result.state for result in part.recipients] == [WAITING, SENT, WAITING]
        assert part.state is OutboxState.WAITING

    def test_answer_is_filed_by_address(self, entry: OutboxEntry) -> None:
        """In any order, and any case."""
        claimed = entry.claimed("worker", until=LATER)
        answers = [
            RecipientResult(address=THIRD, state=SENT, text="third"),
            RecipientResult(address=EmailAddress("CC@customer.example"), state=REFUSED, text="cc"),
            RecipientResult(address=CUSTOMER_ADDRESS, state=SENT, text="customer"),
        ]
        done = claimed.settled(answers, at=LATER)

        assert [result.text for result in done.recipients] == ["customer", "cc", "third"]

    def test_giving_up_for_good(self, entry: OutboxEntry) -> None:
        """`failed` releases the claim and keeps one short line of why."""
        done = entry.claimed("worker", until=LATER).failed("no\r\nroute " + "x" * 900, at=LATER)

        assert (done.state, done.claimed_by, done.claimed_until, done.settled_at) == (
            OutboxState.FAILED,
            None,
            None,
            LATER,
        )
        assert done.last_error is not None
        assert done.last_error.startswith("no route x")
        assert len(done.last_error) == 500


class TestRetrying:
    """Nobody was reached."""

    def test_pauses_double_up_to_four_hours(self, entry: OutboxEntry) -> None:
        """Counted from the try's end."""
        pauses = []
        now = BEGINNING
        for _ in range(11):
            entry = entry.claimed("worker", until=now).postponed("busy", at=now)
            pauses.append((entry.next_try_at - now) // MINUTE)
            now = entry.next_try_at

        assert pauses == [1, 2, 4, 8, 16, 32, 64, 128, 240, 240, 240]

    def test_unclaimed_entry_pauses_like_a_first_try(self, entry: OutboxEntry) -> None:
        """Trouble before any claim counts no try."""
        assert entry.postponed("busy", at=BEGINNING).next_try_at == LATER

    def test_it_is_given_up_after_48_hours(self, entry: OutboxEntry) -> None:
        """Not a moment earlier: a try due exactly then is still made."""
        last = BEGINNING + RETRY_FOR - MINUTE
        still = entry.postponed("busy", at=last)
        given_up = entry.postponed("busy\r\nnow", at=last + dt.timedelta(microseconds=1))

        assert (still.state, still.settled_at, still.next_try_at) == (OutboxState.WAITING, None, BEGINNING + RETRY_FOR)
        assert (given_up.state, given_up.settled_at) == (OutboxState.FAILED, last + dt.timedelta(microseconds=1))
        assert given_up.last_error == "busy now"

    def test_ten_thousand_tries_do_not_overflow(self, entry: OutboxEntry) -> None:
        """The pause stays at four hours."""
        entry = attrs.evolve(entry, tries=10_000).postponed("busy", at=BEGINNING)

        assert entry.next_try_at == BEGINNING + 240 * MINUTE

    def test_every_mail_ends(self, entry: OutboxEntry) -> None:
        """A server that is always busy is tried for 48 hours and no longer."""
        now = BEGINNING
        while entry.state is OutboxState.WAITING:
            now = max(now, entry.next_try_at)
            entry = tried_at(entry, now)

        assert entry.state is OutboxState.FAILED
        assert RETRY_FOR - dt.timedelta(hours=4) <= now - BEGINNING <= RETRY_FOR

    def test_person_can_try_once_more(self, entry: OutboxEntry) -> None:
        """Same bytes, same Message-ID, a new 48 hours; who certainly has it gets it no more."""
        done = tried(entry, SENT, UNKNOWN, REFUSED)
        again = done.tried_again(at=LATER + 99 * MINUTE)

        assert (again.state, again.tries, again.settled_at) == (OutboxState.WAITING, 0, None)
        assert (again.created_at, again.next_try_at) == (LATER + 99 * MINUTE, LATER + 99 * MINUTE)
        assert again.open_recipients == (OTHER, THIRD)
        assert (again.header_id, again.sha256, again.id) == (entry.header_id, entry.sha256, entry.id)


def tried_at(entry: OutboxEntry, now: dt.datetime) -> OutboxEntry:
    """The entry after the server put everybody off."""
    return entry.claimed("worker", until=now + MINUTE).postponed("busy", at=now)


@given(st.lists(st.lists(st.sampled_from([SENT, REFUSED, DEFERRED, UNKNOWN]), min_size=3, max_size=3), max_size=6))
def test_who_got_it_never_gets_it_again(tries: Sequence[Sequence[RecipientState]]) -> None:
    """Whatever servers answer: a settled recipient is never asked again by itself, and the state says what is known."""
    entry = Builder().outbox_entry(recipients=waiting(CUSTOMER_ADDRESS, OTHER, THIRD))
    for states in tries:
        if entry.state.is_final:
            break
        by_address = dict(zip((CUSTOMER_ADDRESS, OTHER, THIRD), states, strict=True))
        before = {result.address: result.state for result in entry.recipients}
        claimed = entry.claimed("worker", until=LATER)
        answers = [RecipientResult(address=address, state=by_address[address]) for address in claimed.open_recipients]
        entry = claimed.settled(answers, at=LATER)
        after = {result.address: result.state for result in entry.recipients}
        assert {address: after[address] for address in before if before[address].is_settled} == {
            address: state for address, state in before.items() if state.is_settled
        }

    states = [result.state for result in entry.recipients]
    assert (entry.state is OutboxState.UNKNOWN) == (UNKNOWN in states and not entry.open_recipients)
    assert (entry.state is OutboxState.WAITING) == bool(entry.open_recipients)
    assert entry.state.is_final == (entry.settled_at is not None)
