"""Mail in and mail out, one level above IMAP, POP3 and SMTP.

An adapter keeps these promises; `customerservice.testing` publishes the contract suites that check them. Every method
may raise a `TransportError` (and nothing else for trouble with a server); after one the session is unusable and only
`close` may be called.
"""

import datetime as dt
import enum
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Protocol, Self

import attrs

from customerservice.domain.email_address import EmailAddress
from customerservice.domain.mailbox import AfterFetch
from customerservice.domain.outbox import RecipientResult as RecipientResult
from customerservice.domain.outbox import RecipientState as RecipientState


class Secret:
    """A password or token that does not show itself: `repr`, `str`, formatting and pickling are masked.

    >>> Secret("hunter2")
    Secret(***)
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Give the text itself; call it only where it goes to the server."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def __reduce__(self) -> tuple[object, ...]:
        return (Secret, ("***",))


@attrs.frozen
class AccessToken:
    """An OAuth 2 bearer token, good until `expires_at` (aware UTC), or for unknown time if None."""

    value: Secret
    expires_at: dt.datetime | None = None


class TokenProvider(Protocol):
    """Where OAuth 2 access tokens come from."""

    def token(self, *, refresh: bool = False) -> AccessToken:
        """Give a token that is good now; with `refresh` a new one, because the server refused the last."""
        ...


@attrs.frozen
class MailRef:
    """One mail at its source. (`epoch`, `uid`, `name`) is its identity there and never means another mail.

    Attributes:
        epoch: IMAP UIDVALIDITY; 0 where the source has none.
        uid: IMAP UID; 0 where the source has none.
        name: POP3 UIDL, or the path and position in a file source; "" for IMAP.
    """

    epoch: int
    uid: int = 0
    name: str = ""


@attrs.frozen(kw_only=True)
class FetchedMail:
    """A mail with its bytes, exactly as the source holds them.

    Attributes:
        received_at: when the source got it (IMAP INTERNALDATE, a file's change time); aware UTC, None if unknown.
        size_differs: the server announced another size than the bytes have; a second fetch gave the same bytes.
    """

    ref: MailRef
    raw: bytes = attrs.field(repr=False)
    received_at: dt.datetime | None = None
    size_differs: bool = False


@attrs.frozen(kw_only=True)
class OversizeMail:
    """A mail over the size limit: its header block (at most 256 kB), and the size the source announced, in bytes."""

    ref: MailRef
    size: int
    header: bytes = attrs.field(repr=False)
    received_at: dt.datetime | None = None


@attrs.frozen
class GoneMail:
    """A mail that was listed and was no longer there when it was fetched (another program removed it)."""

    ref: MailRef


@attrs.frozen
class UnreadableMail:
    """A mail the server would not give out whole, twice in a row; `reason` says how. The session goes on."""

    ref: MailRef
    reason: str


Fetched = FetchedMail | OversizeMail | GoneMail | UnreadableMail


class AckState(enum.Enum):
    """What became of one mail at the source after storing."""

    DONE = "done"
    #: flagged for deletion only, because the server cannot remove single mails (no UIDPLUS).
    FLAGGED = "flagged"
    #: the mail was not there any more.
    GONE = "gone"
    #: refused (read-only folder, quota, no permission); try again at a later sync.
    FAILED = "failed"


@attrs.frozen
class Acknowledgement:
    """What became of one mail at the source after storing, and why if not `DONE`."""

    ref: MailRef
    state: AckState
    reason: str = ""


@attrs.frozen(kw_only=True)
class SourceState:
    """What a source said of itself when it was opened.

    Attributes:
        epoch: UIDVALIDITY; 0 where the source has none.
        next_uid: the UID the next mail will get (UIDNEXT), None where the source does not say.
        count: number of mails, None where the source does not say.
        read_only: mails can be read but neither flagged nor removed.
        warnings: what a person should know about this session (certificate not checked...), one sentence each.
    """

    epoch: int = 0
    next_uid: int | None = None
    count: int | None = None
    read_only: bool = False
    warnings: tuple[str, ...] = ()


class MailSession(Protocol):
    """An open source of mail. Not thread-safe. Used as a context manager, which closes it."""

    @property
    def state(self) -> SourceState:
        """What the source said when it was opened."""
        ...

    def listing(self, *, after: int, since: dt.date | None = None) -> Iterator[Sequence[MailRef]]:
        """Give the mails of the source in windows, oldest first, by UID where there is one; never a mail twice.

        Sources with UIDs give only those with a UID greater than `after`, and with `since` only those received on that
        day or later (INTERNALDATE); others ignore both. Empty windows are left out; an empty source gives nothing.
        Listing is lazy: stopping early costs nothing more.
        """
        ...

    def fetch(self, refs: Sequence[MailRef], *, max_size: int) -> Iterator[Sequence[Fetched]]:
        """Give what each of `refs` is, in their order, in batches of at most 8 MB or 200 mails (or one larger mail).

        Every ref is answered exactly once. A mail announced over `max_size` bytes is an `OversizeMail`, its body is not
        read. Bytes are complete: what a broken connection cut is never given. No flag is changed. Lazy.
        """
        ...

    def acknowledge(self, refs: Sequence[MailRef], mode: AfterFetch) -> Sequence[Acknowledgement]:
        """Mark seen, move or remove these mails and no others; one answer for each ref, in their order.

        KEEP does nothing. Idempotent: a mail already handled is `DONE` or `GONE`. For POP3 the removal takes effect
        only at `close`, so a caller must be ready to see the mail again.
        """
        ...

    def wait(self, seconds: float) -> bool:
        """Wait until new mail is likely (IDLE) or the time is over; True if something happened. Only a hint."""
        ...

    def close(self) -> None:
        """End the session; never raises, may be called twice."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class MailSource(Protocol):
    """A place mail comes from."""

    def open(self) -> MailSession:
        """Connect, secure, log in (once, never again after a refusal) and select; the whole is bounded in time.

        Raises:
            TransportError: with its `stage`; no secret was sent unless the connection met the mailbox's TLS rules.
        """
        ...


@attrs.frozen
class Envelope:
    """From whom and to whom a mail goes on the wire (RFC 5321 3.3).

    Attributes:
        sender: the return path; None is the null return path ``<>`` of automatic mail (RFC 3834 3.3).
        recipients: at least one; Bcc recipients stand here and nowhere else.
    """

    sender: EmailAddress | None
    recipients: tuple[EmailAddress, ...]


class MailSender(Protocol):
    """A way out for mail."""

    def send(self, envelope: Envelope, raw: bytes, *, before_dot: Callable[[], None]) -> Sequence[RecipientResult]:
        """Hand the bytes over, unchanged but for line ends; one result for each recipient, in their order.

        `before_dot` is called once, after at least one recipient was accepted and just before the final dot is sent
        (RFC 5321 4.1.1.4). If it raises, the connection is dropped before the dot and the error passes through.
        When the connection is lost or silent after the dot, the accepted recipients are `UNKNOWN`; that is a result,
        not an error.

        Raises:
            TransportError: nothing was handed over to anybody; `temporary` says whether to try again.
        """
        ...
