"""Mail on its way out: what waits, what was handed over, and what nobody can know."""

import datetime as dt
import enum
from collections.abc import Sequence
from typing import Self

import attrs

from customerservice.domain.email_address import EmailAddress
from customerservice.domain.ids import MessageId, OutboxId, ShopId, ThreadId
from customerservice.domain.status import ThreadStatus
from customerservice.domain.text import one_line
from customerservice.errors import InvalidValue

#: How long a mail that is refused for now is tried again (R87).
RETRY_FOR = dt.timedelta(hours=48)
_FIRST_PAUSE = dt.timedelta(minutes=1)
_LONGEST_PAUSE = dt.timedelta(hours=4)


class RecipientState(enum.Enum):
    """What became of one recipient of a mail we send."""

    WAITING = "waiting"
    #: the server took the mail for this recipient.
    SENT = "sent"
    #: refused for good (5yz).
    REFUSED = "refused"
    #: refused for now (4yz), or never asked; safe to try again.
    DEFERRED = "deferred"
    #: the connection was lost between the final dot and its answer: nobody can know.
    UNKNOWN = "unknown"

    @property
    def is_settled(self) -> bool:
        """Whether nothing more will be tried for this recipient by itself."""
        return self in (RecipientState.SENT, RecipientState.REFUSED, RecipientState.UNKNOWN)


def _server_words(text: str) -> str:
    return one_line(text)[:500]


@attrs.frozen(kw_only=True)
class RecipientResult:
    """What became of one recipient, with the server's code (None if it said nothing) and words (one line)."""

    address: EmailAddress
    state: RecipientState
    code: int | None = None
    text: str = attrs.field(default="", converter=_server_words)


class OutboxState(enum.Enum):
    """Where a mail on its way out stands."""

    WAITING = "waiting"
    CLAIMED = "claimed"
    #: the final dot is about to be sent: after a crash nobody can know.
    DOT_SENT = "dot-sent"
    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"
    #: a recipient is on the suppression list.
    SUPPRESSED = "suppressed"

    @property
    def is_final(self) -> bool:
        """Whether the help desk does nothing more by itself."""
        return self not in (OutboxState.WAITING, OutboxState.CLAIMED, OutboxState.DOT_SENT)


@attrs.frozen(kw_only=True)
class OutboxEntry:
    """One mail on its way out. Its bytes are frozen when it is made; every try sends the same ones (P4).

    Attributes:
        header_id: Message-ID, the same on each try.
        sender: the return path; None is the null one.
        recipients: with what became of each.
        sha256: hex digest of the bytes, the blob's name.
        then: the status its thread gets when the mail was handed over; None leaves it.
        tries: how often a worker claimed it.
        claimed_by: the worker, and `claimed_until` when its claim ends.
        next_try_at: not before this moment.
    """

    id: OutboxId
    shop: ShopId
    thread_id: ThreadId
    message_id: MessageId
    header_id: str
    sender: EmailAddress | None
    recipients: tuple[RecipientResult, ...]
    sha256: str
    created_at: dt.datetime
    next_try_at: dt.datetime
    then: ThreadStatus | None = None
    state: OutboxState = OutboxState.WAITING
    tries: int = 0
    claimed_by: str | None = None
    claimed_until: dt.datetime | None = None
    last_error: str | None = None
    settled_at: dt.datetime | None = None

    def __attrs_post_init__(self) -> None:
        if not self.recipients:
            raise InvalidValue("recipients", "a mail needs at least one")

    @property
    def open_recipients(self) -> tuple[EmailAddress, ...]:
        """Those the next try is for."""
        return tuple(result.address for result in self.recipients if not result.state.is_settled)

    def claimed(self, worker: str, *, until: dt.datetime) -> Self:
        """Give the entry as one worker's until that moment."""
        return attrs.evolve(
            self, state=OutboxState.CLAIMED, claimed_by=worker, claimed_until=until, tries=self.tries + 1
        )

    def about_to_end(self) -> Self:
        """Give the entry as marked just before the final dot."""
        return attrs.evolve(self, state=OutboxState.DOT_SENT)

    def settled(self, results: Sequence[RecipientResult], *, at: dt.datetime) -> Self:
        """Give the entry after a try that ended with one result for each recipient it was for."""
        by_key = {result.address.key: result for result in results}
        recipients = tuple(by_key.get(result.address.key, result) for result in self.recipients)
        tried = attrs.evolve(self, recipients=recipients, claimed_by=None, claimed_until=None)
        error = next((result.text for result in recipients if result.state is not RecipientState.SENT), None)
        if tried.open_recipients:
            return tried.postponed(error or "the server put it off", at=at)
        return attrs.evolve(tried, state=_final_state(recipients), last_error=error, settled_at=at)

    def postponed(self, error: str, *, at: dt.datetime) -> Self:
        """Give the entry after a try that left somebody to reach: again later, with growing pauses, for 48 hours."""
        pause = min(_FIRST_PAUSE * 2 ** min(max(self.tries, 1) - 1, 16), _LONGEST_PAUSE)
        given_up = at + pause > self.created_at + RETRY_FOR
        return attrs.evolve(
            self,
            state=_final_state(self.recipients) if given_up else OutboxState.WAITING,
            claimed_by=None,
            claimed_until=None,
            next_try_at=at + pause,
            last_error=one_line(error)[:500],
            settled_at=at if given_up else None,
        )

    def failed(self, error: str, *, at: dt.datetime) -> Self:
        """Give the entry as given up for good."""
        return attrs.evolve(
            self,
            state=OutboxState.FAILED,
            claimed_by=None,
            claimed_until=None,
            last_error=one_line(error)[:500],
            settled_at=at,
        )

    def abandoned(self, *, at: dt.datetime) -> Self:
        """Give the entry after its worker died: safe to try again before the dot, unknown from the dot on (F40)."""
        if self.state is not OutboxState.DOT_SENT:
            return attrs.evolve(self, state=OutboxState.WAITING, claimed_by=None, claimed_until=None, next_try_at=at)
        recipients = tuple(
            result
            if result.state.is_settled
            else RecipientResult(
                address=result.address,
                state=RecipientState.UNKNOWN,
                text="the sender stopped between the final dot and the server's answer",
            )
            for result in self.recipients
        )
        return self.settled(recipients, at=at)

    def tried_again(self, *, at: dt.datetime) -> Self:
        """Give a failed or unknown entry as waiting once more, by a person's decision; same bytes, same Message-ID."""
        recipients = tuple(
            result
            if result.state is RecipientState.SENT
            else RecipientResult(address=result.address, state=RecipientState.WAITING)
            for result in self.recipients
        )
        return attrs.evolve(
            self,
            state=OutboxState.WAITING,
            recipients=recipients,
            created_at=at,
            next_try_at=at,
            settled_at=None,
            tries=0,
        )


def _final_state(recipients: Sequence[RecipientResult]) -> OutboxState:
    """What a mail amounts to for which nothing more is tried; who was put off to the last is as good as refused."""
    states = {result.state for result in recipients}
    if RecipientState.UNKNOWN in states:
        return OutboxState.UNKNOWN
    return OutboxState.SENT if RecipientState.SENT in states else OutboxState.FAILED
