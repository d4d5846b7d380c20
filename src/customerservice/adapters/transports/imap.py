"""Mail from an IMAP folder, by UIDs only: nothing is lost to a lying size, a cut connection or another mail program."""

import datetime as dt
import logging
import ssl
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Final, Self

import attrs

from customerservice.adapters.transports.batches import MAX_HEADER, batches
from customerservice.adapters.transports.connection import (
    CLEAR_TEXT,
    NOT_VALIDATED,
    TimeLimits,
    Wire,
    safe_argument,
    tls_context,
)
from customerservice.adapters.transports.imap_client import (
    Answer,
    FetchAnswer,
    ImapClient,
    Literal,
    copied,
    folder_argument,
    search_day,
    uid_sets,
)
from customerservice.domain.imap_options import IMAP, ImapOptions, TlsMode
from customerservice.domain.mailbox import AfterFetch, AfterFetchKind
from customerservice.domain.text import one_line
from customerservice.errors import ConnectionFailed, InsecureConnection, InvalidMailboxName, InvalidValue
from customerservice.ports.transports import (
    Acknowledgement,
    AckState,
    Fetched,
    FetchedMail,
    GoneMail,
    MailRef,
    OversizeMail,
    Secret,
    SourceState,
    TokenProvider,
    UnreadableMail,
)

logger = logging.getLogger("customerservice.transports.imap")

#: The first window of UIDs that is searched; empty ones double it.
FIRST_WINDOW: Final = 5_000

#: A window that finds more is halved, in mails; no more are given at once.
DENSE: Final = 10_000

_MAX_UID = 2**32 - 1
# a server that ignores the partial fetch sends the whole header; more than this is not worth having
_MAX_HEADER_LITERAL = 8_000_000
_READ_ONLY = "the folder is read only"


class ImapSource:
    """An IMAP folder as a `MailSource`.

    Options that contradict themselves, or name another service, are refused when it is made (R50 to R54).
    """

    def __init__(
        self,
        options: ImapOptions,
        *,
        user: str,
        secret: Secret | None = None,
        token_provider: TokenProvider | None = None,
        allow_clear_text: bool = False,
        limits: TimeLimits | None = None,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        """Keep how to log in; nothing is connected yet.

        Args:
            options: the mailbox string; a user in it wins over `user`.
            user: the log-in name.
            secret: the password; not needed with a `token_provider`, which goes first, or with ``/anonymous``.
            token_provider: gives OAuth 2 access tokens.
            allow_clear_text: a password may cross an unencrypted connection (R49).
            limits: how long things may take.
            ssl_context: instead of the system's trust store, for servers with an authority of their own.

        Raises:
            InvalidMailboxName: the options cannot be used.
            InvalidValue: a control character in the user's name, or neither secret nor token.
        """
        options.require_usable()
        if options.service != IMAP:
            raise InvalidMailboxName("service", f"{options.service} is not read by IMAP")
        if secret is None and token_provider is None and not options.anonymous:
            raise InvalidValue("secret", "a password or a token is needed to log in")
        self._options = options
        self._user = safe_argument("user", options.user or user)
        self._secret = secret
        self._token_provider = token_provider
        self._allow_clear_text = allow_clear_text
        self._limits = limits or TimeLimits()
        self._context = ssl_context
        folder_argument(options.mailbox)

    def open(self) -> "ImapSession":
        """Connect, secure, log in once and open the folder; see `MailSource.open`."""
        options = self._options
        mode = options.tls_mode(allow_clear_text=self._allow_clear_text)
        wire = Wire.connect(options.host, options.effective_port, self._limits)
        try:
            client = self._secured(wire, mode)
            self._log_in(client)
            return self._selected(client)
        except BaseException:
            wire.close()
            raise

    def _secured(self, wire: Wire, mode: TlsMode) -> ImapClient:
        context = self._context or tls_context(validate=not self._options.novalidate_cert)
        if mode is TlsMode.IMPLICIT:
            wire.start_tls(context)
        client = ImapClient(wire)
        if mode in (TlsMode.STARTTLS_REQUIRED, TlsMode.STARTTLS_IF_OFFERED):
            client.start_tls(context, required=mode is TlsMode.STARTTLS_REQUIRED)
        return client

    def _log_in(self, client: ImapClient) -> None:
        wire = client.wire
        wire.stage = "login"
        if client.is_preauthenticated:
            # whoever answers may be anybody: without TLS nothing proves that this is the mailbox we mean
            if not wire.secure and not self._allow_clear_text:
                raise InsecureConnection("login", f"{wire.server} skips the log-in in clear text (PREAUTH); use /ssl")
            return
        if self._options.anonymous:
            client.log_in_anonymously()
            return
        wire.require_private(allow_clear_text=self._allow_clear_text)
        if self._token_provider is not None:
            client.log_in_with_token(self._user, self._token_provider)
        elif self._secret is not None:
            client.log_in(
                self._user, self._secret, authuser=self._options.authuser, challenge_only=self._options.secure
            )

    def _selected(self, client: ImapClient) -> "ImapSession":
        options = self._options
        answer = client.select(options.mailbox, read_only=options.readonly)
        warnings = []
        if options.novalidate_cert and client.wire.secure:
            warnings.append(NOT_VALIDATED)
        if not client.wire.secure:
            warnings.append(CLEAR_TEXT)
        count, next_uid = answer.number("EXISTS"), answer.number("UIDNEXT")
        if next_uid is not None and (not 0 < next_uid <= _MAX_UID or (next_uid == 1 and count)):
            next_uid = None
        state = SourceState(
            epoch=answer.number("UIDVALIDITY") or 0,
            next_uid=next_uid,
            count=count,
            read_only=options.readonly or "READ-ONLY" in answer.untagged,
            warnings=tuple(warnings),
        )
        logger.debug(
            "folder opened",
            extra={"customerservice_action": "imap-open", "customerservice_server": client.wire.server},
        )
        return ImapSession(client, state)


@attrs.frozen
class _Announced:
    """What the server says of a mail before its body: size in bytes and when it came."""

    size: int
    received_at: dt.datetime | None


class ImapSession:
    """An open IMAP folder; see `MailSession`.

    It never sends EXPUNGE or CLOSE, which would remove what other programs flagged (RFC 4315 1).
    """

    def __init__(self, client: ImapClient, state: SourceState) -> None:
        self._client = client
        self._state = state
        self._usable = True
        self._closed = False

    @property
    def state(self) -> SourceState:
        """What the server said when the folder was opened."""
        return self._state

    def listing(self, *, after: int, since: dt.date | None = None) -> Iterator[Sequence[MailRef]]:
        """Give the mails with a UID above `after`, in windows; see `MailSession.listing`.

        One window is always searched, beyond the known end, so mail that came after the folder was opened can be in it.
        """
        criteria = [] if since is None else ["SINCE", search_day(since)]
        window, start, last = FIRST_WINDOW, max(after, 0) + 1, None
        while start <= (_MAX_UID if last is None else last):
            end = min(start + window - 1, _MAX_UID)
            with self._operation("list"):
                last = self._last_uid() if last is None else last
                # a range that ends beyond the last mail also finds that one (RFC 3501 6.4.8), so the answer is filtered
                found = [uid for uid in self._client.search("UID", f"{start}:{end}", *criteria) if start <= uid <= end]
            for first in range(0, len(found), DENSE):
                yield [MailRef(self._state.epoch, uid) for uid in found[first : first + DENSE]]
            start = end + 1
            if not found:
                window *= 2
            elif len(found) > DENSE:
                window //= 2

    def _last_uid(self) -> int:
        """Give the highest UID there can be, from SELECT, or by a question where it did not say."""
        if self._state.next_uid is not None:
            return self._state.next_uid - 1
        if self._state.count == 0:
            return 0
        return max((answer.uid for answer in self._client.fetch("*", "(UID)")), default=0)

    def fetch(self, refs: Sequence[MailRef], *, max_size: int) -> Iterator[Sequence[Fetched]]:
        """Give what each of `refs` is, in batches; see `MailSession.fetch`."""
        announced: dict[int, _Announced] = {}
        wanted = sorted({ref.uid for ref in refs if ref.epoch == self._state.epoch})
        for uid_set, _members in uid_sets(wanted):
            with self._operation("fetch"):
                announced.update(self._announced(uid_set))
        missing = [uid for uid in wanted if uid not in announced]
        for uid_set, members in uid_sets(missing):
            with self._operation("fetch"):
                # a mail whose size is not told although it is there gets a second chance
                for uid in self._present(uid_set, members):
                    announced.update(self._announced(str(uid)) or {uid: _Announced(-1, None)})

        def size(ref: MailRef) -> int:
            known = announced.get(ref.uid)
            if known is None:
                return 0
            return MAX_HEADER if known.size > max_size else max(known.size, 0)

        for batch in batches(refs, size):
            with self._operation("fetch"):
                fetched = self._fetched(batch, announced, max_size)
            yield fetched
            # a batch is held by its consumer alone while the next one is read
            del fetched

    def _fetched(
        self, refs: Sequence[MailRef], announced: Mapping[int, _Announced], max_size: int
    ) -> Sequence[Fetched]:
        known = {ref.uid: ref for ref in refs if ref.epoch == self._state.epoch and ref.uid in announced}
        results = _Batch(self._client, known, announced, max_size).fetch()
        return [
            GoneMail(ref) if ref.epoch != self._state.epoch else results.get(ref.uid, GoneMail(ref)) for ref in refs
        ]

    def _announced(self, uid_set: str) -> Mapping[int, _Announced]:
        found: dict[int, _Announced] = {}
        for answer in self._client.fetch(uid_set, "(UID RFC822.SIZE INTERNALDATE)"):
            size = answer.number("RFC822.SIZE")
            if size is not None:
                found[answer.uid] = _Announced(size, answer.moment("INTERNALDATE"))
        return found

    def _present(self, uid_set: str, members: Iterable[int]) -> Sequence[int]:
        return sorted(set(self._client.search("UID", uid_set)) & set(members))

    def acknowledge(self, refs: Sequence[MailRef], mode: AfterFetch) -> Sequence[Acknowledgement]:
        """Mark seen, move or remove these mails; see `MailSession.acknowledge`.

        What was done is asked back from the server before it is believed. A folder to move to is made if it is missing.
        """
        if mode.kind is AfterFetchKind.KEEP:
            return [Acknowledgement(ref, AckState.DONE) for ref in refs]
        if self._state.read_only:
            return [Acknowledgement(ref, AckState.FAILED, _READ_ONLY) for ref in refs]
        uids = sorted({ref.uid for ref in refs if ref.epoch == self._state.epoch})
        outcome: dict[int, tuple[AckState, str]] = {}
        for uid_set, members in uid_sets(uids):
            with self._operation("acknowledge"):
                outcome.update(_Handling(self._client, uid_set, members).do(mode))
        unknown = (AckState.GONE, "the folder was renumbered (UIDVALIDITY)")
        return [
            Acknowledgement(ref, *(outcome[ref.uid] if ref.epoch == self._state.epoch else unknown)) for ref in refs
        ]

    def wait(self, seconds: float) -> bool:
        """Wait for new mail by IDLE, or by asking now and then; see `MailSession.wait`."""
        with self._operation("list"):
            return self._client.wait(seconds)

    def close(self) -> None:
        """Log out; never raises, may be called twice."""
        if self._closed:
            return
        self._closed = True
        if self._usable:
            self._client.log_out()
        else:
            self._client.drop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def _operation(self, stage: str) -> Iterator[None]:
        """Run commands at this stage; whatever interrupts them leaves answers unread, so the session ends."""
        if not self._usable or self._closed:
            raise ConnectionFailed(stage, f"the session with {self._client.wire.server} is over")
        self._client.wire.stage = stage
        try:
            yield
        except BaseException:
            self._usable = False
            self._client.drop()
            raise


#: What one mail's body turned out to be: its bytes, the size of a literal over the limit, or why there is none.
_Body = bytes | int | str


class _Batch:
    """Reads the bodies of one batch and decides for each mail what it is."""

    def __init__(
        self, client: ImapClient, refs: Mapping[int, MailRef], announced: Mapping[int, _Announced], max_size: int
    ) -> None:
        self._client = client
        self._refs = refs
        self._announced = announced
        self._max_size = max_size

    def fetch(self) -> Mapping[int, Fetched]:
        """Give what each mail is, by UID; those that are gone are left out."""
        sizes = {uid: self._announced[uid].size for uid in sorted(self._refs)}
        bodies = self._bodies([uid for uid, size in sizes.items() if size <= self._max_size])
        large = {uid: size for uid, size in sizes.items() if size > self._max_size}
        large |= {uid: body for uid, body in bodies.items() if isinstance(body, int)}
        results: dict[int, Fetched] = dict(self._oversize(large))
        differing = [uid for uid, body in bodies.items() if isinstance(body, bytes) and 0 <= sizes[uid] != len(body)]
        again = self._bodies(differing)
        for uid, body in bodies.items():
            ref = self._refs[uid]
            if isinstance(body, str):
                results[uid] = UnreadableMail(ref, body)
            elif isinstance(body, bytes) and uid in again and again[uid] != body:
                results[uid] = UnreadableMail(ref, "two fetches gave different bytes")
            elif isinstance(body, bytes):
                received_at = self._announced[uid].received_at
                results[uid] = FetchedMail(ref=ref, raw=body, received_at=received_at, size_differs=uid in again)
        return results

    def _bodies(self, uids: Sequence[int]) -> dict[int, _Body]:
        """Read bodies; one that did not come whole is asked for alone once more, and left out if it is gone."""
        found: dict[int, _Body] = {}
        for uid_set, members in uid_sets(uids):
            found.update(self._read(uid_set, members))
        missed = [uid for uid, body in found.items() if isinstance(body, str)]
        for uid_set, members in uid_sets(missed):
            # another program may have emptied the folder: one question for all, before any is asked for alone
            there = self._client.search("UID", uid_set)
            for uid in members:
                if uid in there:
                    found.update(self._read(str(uid), [uid]))
                if uid not in there or (
                    isinstance(found[uid], str) and uid not in self._client.search("UID", str(uid))
                ):
                    del found[uid]
        return found

    def _read(self, uid_set: str, members: Iterable[int]) -> Mapping[int, _Body]:
        answers = self._client.fetch(uid_set, "(UID BODY.PEEK[])", max_literal=self._max_size)
        found: dict[int, _Body] = {}
        for answer in answers:
            # a flag that changed meanwhile is told in an answer without body
            if "BODY[]" in answer.values:
                body = self._body(answer)
                known = found.setdefault(answer.uid, body)
                if known != body:
                    found[answer.uid] = "the server gave two different mails for one UID"
        return {uid: found.get(uid, "the server did not give it when asked") for uid in members}

    def _body(self, answer: FetchAnswer) -> _Body:
        value = answer.values["BODY[]"]
        if not isinstance(value, Literal):
            return "the server gave no text for it (NIL)"
        if value.is_whole:
            return value.data
        return value.announced

    def _oversize(self, sizes: Mapping[int, int]) -> Iterator[tuple[int, Fetched]]:
        """Read the headers of mails over the limit; those that are gone are left out."""
        item = f"BODY.PEEK[HEADER]<0.{MAX_HEADER}>"
        headers: dict[int, bytes] = {}
        for uid_set, _members in uid_sets(sorted(sizes)):
            for answer in self._client.fetch(uid_set, f"(UID {item})", max_literal=_MAX_HEADER_LITERAL):
                value = answer.values.get("BODY[HEADER]<0>", answer.values.get("BODY[HEADER]"))
                if isinstance(value, Literal):
                    headers[answer.uid] = value.data[:MAX_HEADER]
        for uid, size in sizes.items():
            if uid in headers or uid in self._client.search("UID", str(uid)):
                yield (
                    uid,
                    OversizeMail(
                        ref=self._refs[uid],
                        size=size,
                        header=headers.get(uid, b""),
                        received_at=self._announced[uid].received_at,
                    ),
                )


class _Handling:
    """Flags, moves or removes one set of mails, and asks the server what became of each."""

    def __init__(self, client: ImapClient, uid_set: str, members: Sequence[int]) -> None:
        self._client = client
        self._set = uid_set
        self._members = members

    def do(self, mode: AfterFetch) -> Mapping[int, tuple[AckState, str]]:
        """Give the outcome of each mail, by UID."""
        if mode.folder is not None:
            if "MOVE" in self._client.capabilities:
                return self._move(mode.folder)
            return self._copy_and_remove(mode.folder)
        if mode.kind is AfterFetchKind.SEEN:
            return self._mark_seen()
        return self._remove()

    def _mark_seen(self) -> Mapping[int, tuple[AckState, str]]:
        answer = self._client.command("UID", "STORE", self._set, "+FLAGS.SILENT", "(\\Seen)")
        if not answer.ok:
            return self._all_failed(answer)
        flags = self._flags()

        def outcome(uid: int) -> tuple[AckState, str]:
            if uid not in flags:
                return AckState.GONE, ""
            # a folder that turned read-only takes the command and keeps nothing
            if b"\\seen" not in flags[uid]:
                return AckState.FAILED, "the server did not keep the flag"
            return AckState.DONE, ""

        return {uid: outcome(uid) for uid in self._members}

    def _remove(self) -> Mapping[int, tuple[AckState, str]]:
        single = "UIDPLUS" in self._client.capabilities
        answer = self._client.command("UID", "STORE", self._set, "+FLAGS.SILENT", "(\\Deleted)")
        reason = "the server cannot remove single mails (no UIDPLUS)"
        if answer.ok and single:
            answer = self._client.command("UID", "EXPUNGE", self._set)
            reason = f"the server only flagged it: {one_line(answer.words)}"
        elif not answer.ok:
            return self._all_failed(answer)
        flags = self._flags()

        def outcome(uid: int) -> tuple[AckState, str]:
            if uid not in flags:
                return (AckState.DONE if single else AckState.GONE), ""
            if b"\\deleted" in flags[uid]:
                return AckState.FLAGGED, reason
            return AckState.FAILED, "the server did not keep the flag"

        return {uid: outcome(uid) for uid in self._members}

    def _move(self, folder: str) -> Mapping[int, tuple[AckState, str]]:
        answer = self._into(folder, "MOVE", self._set)
        if not answer.ok:
            return self._all_failed(answer)
        taken = copied(answer, self._members)
        left = set(self._client.search("UID", self._set))

        def outcome(uid: int) -> tuple[AckState, str]:
            if uid in left:
                return AckState.FAILED, f"the server left it in its folder: {one_line(answer.words)}"
            return (AckState.DONE if taken is None or uid in taken else AckState.GONE), ""

        return {uid: outcome(uid) for uid in self._members}

    def _copy_and_remove(self, folder: str) -> Mapping[int, tuple[AckState, str]]:
        before = self._flags()
        outcome: dict[int, tuple[AckState, str]] = {}
        fresh = []
        for uid in self._members:
            if uid not in before:
                outcome[uid] = AckState.GONE, ""
            elif b"\\deleted" in before[uid]:
                # copied by an earlier try, or flagged by somebody else: either way another copy would be wrong
                outcome[uid] = AckState.FLAGGED, "it was flagged for deletion before"
            else:
                fresh.append(uid)
        for uid_set, members in uid_sets(fresh):
            part = _Handling(self._client, uid_set, members)
            answer = part._into(folder, "COPY", uid_set)
            outcome.update(part._remove() if answer.ok else part._all_failed(answer))
        return outcome

    def _into(self, folder: str, verb: str, uid_set: str) -> Answer:
        target = folder_argument(folder)
        answer = self._client.command("UID", verb, uid_set, target)
        if not answer.ok and "TRYCREATE" in answer.words.upper() and self._client.command("CREATE", target).ok:
            answer = self._client.command("UID", verb, uid_set, target)
        return answer

    def _flags(self) -> Mapping[int, frozenset[bytes]]:
        return {
            answer.uid: answer.flags()
            for answer in self._client.fetch(self._set, "(UID FLAGS)")
            if "FLAGS" in answer.values
        }

    def _all_failed(self, answer: Answer) -> Mapping[int, tuple[AckState, str]]:
        reason = f"the server refused: {one_line(answer.words)[:200]}"
        return dict.fromkeys(self._members, (AckState.FAILED, reason))
