"""A mailbox and a way out that live in memory: real ones, with epochs, read-only folders and refusals."""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Self

import attrs

from customerservice.adapters.transports.batches import BATCH_MAILS, batches, header_block
from customerservice.domain.email_address import EmailAddress
from customerservice.domain.mailbox import AfterFetch, AfterFetchKind
from customerservice.errors import ConnectionFailed, TransportError
from customerservice.ports.transports import (
    Acknowledgement,
    AckState,
    Envelope,
    Fetched,
    FetchedMail,
    GoneMail,
    MailRef,
    OversizeMail,
    RecipientResult,
    RecipientState,
    SourceState,
)


@attrs.frozen(kw_only=True)
class MemoryMail:
    """One mail as a `MemoryMailbox` holds it.

    Attributes:
        received_at: aware UTC, or None as at sources that do not know.
        seen: it was marked read.
        deleted: it was flagged for deletion but not removed.
    """

    raw: bytes = attrs.field(repr=False)
    received_at: dt.datetime | None = None
    seen: bool = False
    deleted: bool = False


class MemoryMailbox:
    r"""A `MailSource` in memory, which behaves as an IMAP folder does; other mail programs are played by its methods.

    >>> mailbox = MemoryMailbox()
    >>> ref = mailbox.deliver(b"Subject: hello\r\n\r\n")
    >>> with mailbox.open() as session:
    ...     [list(window) for window in session.listing(after=0)]
    [[MailRef(epoch=1, uid=1, name='')]]

    Attributes:
        epoch: UIDVALIDITY.
        read_only: nothing can be flagged or removed.
        removes_single: as with UIDPLUS; without it, deletion only flags.
        folders: what was moved, by folder; folders that are not there are made.
        opened: how often a session was opened.
    """

    def __init__(self, *, epoch: int = 1, read_only: bool = False, removes_single: bool = True) -> None:
        self.epoch = epoch
        self.read_only = read_only
        self.removes_single = removes_single
        self.folders: dict[str, list[MemoryMail]] = {}
        self.opened = 0
        self._mails: dict[int, MemoryMail] = {}
        self._next_uid = 1
        self._failures: dict[str, TransportError] = {}

    @property
    def mails(self) -> Mapping[int, MemoryMail]:
        """The mails by UID, ascending."""
        return dict(self._mails)

    def deliver(self, raw: bytes, *, received_at: dt.datetime | None = None) -> MailRef:
        """Put a mail into the folder, as its server does, and say where it stands."""
        uid = self._next_uid
        self._next_uid += 1
        self._mails[uid] = MemoryMail(raw=raw, received_at=received_at)
        return MailRef(self.epoch, uid)

    def remove(self, uid: int) -> None:
        """Remove a mail, as another mail program does."""
        del self._mails[uid]

    def renumber(self, epoch: int) -> None:
        """Start a new epoch, as a server does that lost its index: the mails are the same, with UIDs from 1."""
        self.epoch = epoch
        self._mails = dict(enumerate(self._mails.values(), start=1))
        self._next_uid = len(self._mails) + 1

    def fail_next(self, stage: str, error: TransportError | None = None) -> None:
        """Let the next `open` (stage ``open``), listing, fetch or acknowledge of any session raise once."""
        self._failures[stage] = error or ConnectionFailed(stage, f"the mailbox in memory was told to fail at {stage}")

    def open(self) -> "MemorySession":
        """Open a session; see `MailSource.open`."""
        self._fail("open")
        self.opened += 1
        return MemorySession(self)

    def _fail(self, stage: str) -> None:
        error = self._failures.pop(stage, None)
        if error is not None:
            raise error

    def _acknowledge(self, ref: MailRef, mode: AfterFetch) -> Acknowledgement:
        mail = self._mails.get(ref.uid) if ref.epoch == self.epoch else None
        if mail is None:
            return Acknowledgement(ref, AckState.GONE)
        if self.read_only:
            return Acknowledgement(ref, AckState.FAILED, "the folder is read only")
        if mode.kind is AfterFetchKind.SEEN:
            self._mails[ref.uid] = attrs.evolve(mail, seen=True)
        elif mode.kind is AfterFetchKind.DELETE and not self.removes_single:
            self._mails[ref.uid] = attrs.evolve(mail, deleted=True)
            return Acknowledgement(ref, AckState.FLAGGED, "the server cannot remove single mails (no UIDPLUS)")
        else:
            del self._mails[ref.uid]
            if mode.folder is not None:
                self.folders.setdefault(mode.folder, []).append(mail)
        return Acknowledgement(ref, AckState.DONE)


class MemorySession:
    """An open `MemoryMailbox`; see `MailSession`."""

    def __init__(self, mailbox: MemoryMailbox) -> None:
        self._mailbox = mailbox
        self._usable = True
        self._state = SourceState(
            epoch=mailbox.epoch,
            next_uid=mailbox._next_uid,
            count=len(mailbox._mails),
            read_only=mailbox.read_only,
        )

    @property
    def state(self) -> SourceState:
        """What the mailbox was when it was opened."""
        return self._state

    def listing(self, *, after: int, since: dt.date | None = None) -> Iterator[Sequence[MailRef]]:
        """Give the mails in windows; see `MailSession.listing`. One that came at an unknown time is always given."""
        self._begin("listing")
        refs = [
            MailRef(self._state.epoch, uid)
            for uid, mail in self._mailbox.mails.items()
            if uid > after
            and (since is None or mail.received_at is None or mail.received_at.astimezone(dt.UTC).date() >= since)
        ]
        for start in range(0, len(refs), BATCH_MAILS):
            yield refs[start : start + BATCH_MAILS]

    def fetch(self, refs: Sequence[MailRef], *, max_size: int) -> Iterator[Sequence[Fetched]]:
        """Give what each ref is, in batches; see `MailSession.fetch`."""
        for batch in batches(refs, self._size):
            self._begin("fetch")
            yield [self._fetch(ref, max_size) for ref in batch]

    def acknowledge(self, refs: Sequence[MailRef], mode: AfterFetch) -> Sequence[Acknowledgement]:
        """Mark seen, move or remove; see `MailSession.acknowledge`."""
        self._begin("acknowledge")
        if mode.kind is AfterFetchKind.KEEP:
            return [Acknowledgement(ref, AckState.DONE) for ref in refs]
        return [self._mailbox._acknowledge(ref, mode) for ref in refs]

    def wait(self, seconds: float) -> bool:
        """Say at once whether mail came since the session was opened; nothing is waited for."""
        self._begin("wait")
        return self._mailbox._next_uid != self._state.next_uid

    def close(self) -> None:
        """End the session."""
        self._usable = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _begin(self, stage: str) -> None:
        if not self._usable:
            raise ConnectionFailed(stage, "the session is over")
        try:
            self._mailbox._fail(stage)
        except TransportError:
            self._usable = False
            raise

    def _mail(self, ref: MailRef) -> MemoryMail | None:
        return self._mailbox._mails.get(ref.uid) if ref.epoch == self._mailbox.epoch else None

    def _size(self, ref: MailRef) -> int:
        mail = self._mail(ref)
        return len(mail.raw) if mail else 0

    def _fetch(self, ref: MailRef, max_size: int) -> Fetched:
        mail = self._mail(ref)
        if mail is None:
            return GoneMail(ref)
        if len(mail.raw) > max_size:
            return OversizeMail(
                ref=ref, size=len(mail.raw), header=header_block(mail.raw), received_at=mail.received_at
            )
        return FetchedMail(ref=ref, raw=mail.raw, received_at=mail.received_at)


@attrs.frozen
class SentMail:
    """One mail a `MemorySender` took, and the recipients it was accepted for."""

    envelope: Envelope
    raw: bytes = attrs.field(repr=False)
    recipients: tuple[EmailAddress, ...]


class MemorySender:
    """A `MailSender` in memory, which remembers what it took; refusals and losses can be arranged.

    Attributes:
        sent: what was handed over, in order, lost answers included.
        before_send: called with the envelope before anything else, for a test that plays a race.
    """

    def __init__(self) -> None:
        self.sent: list[SentMail] = []
        self.before_send: Callable[[Envelope], None] | None = None
        self._answers: dict[str, RecipientResult] = {}
        self._error: TransportError | None = None
        self._lose_next = False

    def answer(self, address: EmailAddress, state: RecipientState, code: int | None = None, text: str = "") -> None:
        """Let each mail to this address end so: ``SENT`` again, ``REFUSED`` or ``DEFERRED``."""
        self._answers[address.key] = RecipientResult(address=address, state=state, code=code, text=text)

    def fail_next(self, error: TransportError) -> None:
        """Let the next `send` raise this, before anything is handed over."""
        self._error = error

    def lose_next(self) -> None:
        """Let the connection break between the next mail's final dot and its answer; the mail arrives all the same."""
        self._lose_next = True

    def send(self, envelope: Envelope, raw: bytes, *, before_dot: Callable[[], None]) -> Sequence[RecipientResult]:
        """Take a mail; see `MailSender.send`."""
        if self.before_send is not None:
            self.before_send(envelope)
        if self._error is not None:
            error, self._error = self._error, None
            raise error
        results = [self._result(address) for address in envelope.recipients]
        accepted = tuple(result.address for result in results if result.state is RecipientState.SENT)
        if not accepted:
            return results
        before_dot()
        self.sent.append(SentMail(envelope, raw, accepted))
        if self._lose_next:
            self._lose_next = False
            return [
                RecipientResult(address=result.address, state=RecipientState.UNKNOWN, text="no answer to the final dot")
                if result.state is RecipientState.SENT
                else result
                for result in results
            ]
        return results

    def _result(self, address: EmailAddress) -> RecipientResult:
        known = self._answers.get(address.key)
        if known is not None:
            return attrs.evolve(known, address=address)
        return RecipientResult(address=address, state=RecipientState.SENT, code=250, text="OK")
