"""Mail from a POP3 maildrop (RFC 1939), told apart by UIDL; what is deleted goes when the session ends well.

The dialogue is ours rather than poplib's, because that one refuses any line over 2,048 bytes and is out of step with
the server afterwards, ends a mail at a dot that follows a bare LF, and keeps each line of a body as its own object.
"""

import base64
import datetime as dt
import functools
import hashlib
import hmac
import logging
import re
import ssl
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Final, Self, TypeVar

import attrs

from customerservice.adapters.transports.batches import MAX_HEADER, batches, header_block
from customerservice.adapters.transports.connection import (
    CLEAR_TEXT,
    MAX_LINE,
    NOT_VALIDATED,
    SLOWEST_RATE,
    TimeLimits,
    Wire,
    oauthbearer,
    refusal,
    safe_argument,
    sasl_plain,
    tls_context,
    transport_errors,
    xoauth2,
)
from customerservice.domain.imap_options import POP3, ImapOptions, TlsMode
from customerservice.domain.mailbox import AfterFetch, AfterFetchKind
from customerservice.domain.text import one_line
from customerservice.errors import (
    AuthenticationFailed,
    ConnectionFailed,
    DeadlineExceeded,
    FolderUnavailable,
    InvalidMailboxName,
    InvalidValue,
    ServerBusy,
    ServerMisbehaved,
    TlsFailed,
    TransportError,
)
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

logger = logging.getLogger("customerservice.transports.pop3")

#: Mails in one window of a listing.
_WINDOW: Final = 1_000
#: The longest listing of sizes or ids that is read, in bytes; half a million mails stay well below it.
_LONGEST_LISTING: Final = 64 * 1024 * 1024
_STATUS_LINE: Final = 4_096
_SIZE_LINE = re.compile(rb" *([0-9]{1,10}) +([0-9]{1,15})(?: .*)?")
# RFC 1939 allows 1 to 70 characters; some servers give more.
_UIDL_LINE = re.compile(rb" *([0-9]{1,10}) +([\x21-\x7e]{1,255}) *")
# Servers without response codes (RFC 3206) say only in words that another session holds the maildrop.
_LOCKED = re.compile(r"\block|in use|busy|another|already open", re.IGNORECASE)


_T = TypeVar("_T")


class Pop3Source:
    """A POP3 maildrop as a `MailSource`.

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

        A user in `options` wins over `user`, a `token_provider` over a `secret`. `allow_clear_text` lets a secret cross
        an unencrypted connection (R49); `ssl_context` stands in for one that trusts the system's authorities.

        Raises:
            InvalidMailboxName: the options cannot be used.
            InvalidValue: a control character in the user's name, or neither secret nor token.
        """
        options.require_usable()
        if options.service != POP3:
            raise InvalidMailboxName("service", f"{options.service} is not read by POP3")
        if secret is None and token_provider is None:
            raise InvalidValue("secret", "a password or a token is needed to log in")
        self._options = options
        self._user = safe_argument("user", options.user or user)
        self._secret = secret
        self._token_provider = token_provider
        self._allow_clear_text = allow_clear_text
        self._limits = limits or TimeLimits()
        self._context = ssl_context

    def open(self) -> "Pop3Session":
        """Connect, secure, log in once and list the maildrop; see `MailSource.open`."""
        options = self._options
        mode = options.tls_mode(allow_clear_text=self._allow_clear_text)
        wire = Wire.connect(options.host, options.effective_port, self._limits)
        try:
            dialogue = _Dialogue(wire, self._limits)
            self._secure(dialogue, mode)
            wire.stage = "login"
            wire.require_private(allow_clear_text=self._allow_clear_text)
            self._log_in(dialogue)
            wire.stage = "select"
            with transport_errors("select", wire.server):
                maildrop = _Maildrop.read(dialogue)
        except BaseException:
            wire.close()
            raise
        warnings = list(maildrop.warnings)
        if not wire.secure:
            warnings.append(CLEAR_TEXT)
        elif options.novalidate_cert:
            warnings.append(NOT_VALIDATED)
        logger.debug(
            "maildrop opened", extra={"customerservice_action": "pop3-open", "customerservice_server": wire.server}
        )
        state = SourceState(count=len(maildrop.numbers), warnings=tuple(warnings))
        return Pop3Session(dialogue, maildrop, state)

    def _secure(self, dialogue: "_Dialogue", mode: TlsMode) -> None:
        wire = dialogue.wire
        context = self._context or tls_context(validate=not self._options.novalidate_cert)
        if mode is TlsMode.IMPLICIT:
            wire.start_tls(context)
        wire.stage = "connect"
        dialogue.greeting()
        dialogue.learn_capabilities()
        if mode not in (TlsMode.STARTTLS_REQUIRED, TlsMode.STARTTLS_IF_OFFERED):
            return
        wire.stage = "tls"
        # A server that cannot say what it offers may know STLS all the same.
        if dialogue.capabilities is not None and "STLS" not in dialogue.capabilities:
            if mode is TlsMode.STARTTLS_REQUIRED:
                raise TlsFailed(
                    "tls", f"{wire.server} offers no STLS; nothing was sent. Does it speak TLS on port 995 (/ssl)?"
                )
            return
        if dialogue.capabilities is None and mode is TlsMode.STARTTLS_IF_OFFERED:
            return
        dialogue.require("STLS")
        wire.start_tls(context)
        # What was offered in clear text could be an attacker's (RFC 2595 4).
        wire.stage = "login"
        dialogue.learn_capabilities()

    def _log_in(self, dialogue: "_Dialogue") -> None:
        if self._token_provider is not None:
            _log_in_with_token(dialogue, self._user, self._token_provider)
        else:
            assert self._secret is not None  # checked when this source was made
            _log_in_with_password(
                dialogue, self._user, self._secret, authuser=self._options.authuser, secure=self._options.secure
            )


class _Dialogue:
    """Commands and answers over a wire.

    Attributes:
        capabilities: what the server offers (RFC 2449), by name; None if it does not say.
    """

    def __init__(self, wire: Wire, limits: TimeLimits) -> None:
        self.wire = wire
        self.capabilities: Mapping[str, Sequence[str]] | None = None
        self._limits = limits

    def greeting(self) -> None:
        """Read the first line."""
        self.wire.begin()
        ok, words = self._status()
        if not ok:
            raise refusal(self.wire.stage, self.wire.server, words)

    def learn_capabilities(self) -> None:
        """Ask what is offered."""
        ok, _ = self.ask("CAPA")
        self.capabilities = None
        if ok:
            words = (line.decode("ascii", "replace").upper().split() for line in self.lines())
            self.capabilities = {name: values for name, *values in filter(None, words)}

    def mechanisms(self) -> Sequence[str]:
        """Give the ways to log in beside USER and PASS."""
        return (self.capabilities or {}).get("SASL", ())

    def ask(self, line: str, *, size: int = 0) -> tuple[bool, str]:
        """Send a command whose whole answer may have `size` bytes; give whether it went well, and the words."""
        self.wire.begin(self._limits.read + dt.timedelta(seconds=size / SLOWEST_RATE))
        self.wire.sendall(line.encode() + b"\r\n")
        return self._status()

    def require(self, line: str, hidden: Sequence[str] = ()) -> None:
        """Send a command; a refusal is the error that fits the stage."""
        ok, words = self.ask(line)
        if not ok:
            raise self.refused(words, hidden)

    def refused(self, words: str, hidden: Sequence[str] = ()) -> TransportError:
        """Give the error for a refusal."""
        error = refusal(self.wire.stage, self.wire.server, words, hidden)
        if self.wire.stage == "login" and not _has_code(words) and _LOCKED.search(words):
            return ServerBusy(error.stage, str(error))
        return error

    def authenticate(self, mechanism: str, answers: Sequence[Callable[[bytes], bytes]]) -> tuple[bool, str]:
        """Log in by SASL (RFC 5034), in the two-step form that Microsoft 365 asks for; give the outcome as `ask` does.

        Each challenge goes to the next of `answers`; a server that asks for more is told that we give up.
        """
        self.wire.begin()
        self.wire.sendall(f"AUTH {mechanism}\r\n".encode())
        line = self._line()
        for answer in answers:
            if not _is_challenge(line):
                break
            self.wire.sendall(base64.b64encode(answer(_decoded(line[1:]))) + b"\r\n")
            line = self._line()
        if _is_challenge(line):
            self.wire.sendall(b"*\r\n")
            line = self._line()
        return self._outcome(line)

    def lines(self) -> Iterator[bytes]:
        """Give the lines of an answer, without their ends, up to the lone dot."""
        total = 0
        while (line := self.wire.readline()) != b".\r\n":
            total += len(line)
            if total > _LONGEST_LISTING:
                raise ServerMisbehaved(self.wire.stage, f"{self.wire.server} gave a listing without end")
            yield line.rstrip(b"\r\n").removeprefix(b".")

    def body(self, keep: int) -> tuple[bytes, int]:
        """Read a mail up to the lone dot: its first `keep` bytes and its size; the rest is read and forgotten.

        Only CRLF ends a line here: in a mail that holds bare LF, a lone dot between two of them is no end.
        """
        kept = bytearray()
        total = 0
        begins = True
        limit = max(keep, MAX_LINE) + 2
        while (line := self.wire.readline(limit)) != b".\r\n" or not begins:
            if begins and line.startswith(b"."):
                line = line[1:]
            begins = line.endswith(b"\r\n")
            total += len(line)
            if len(kept) < keep:
                kept += line[: keep - len(kept)]
        return bytes(kept), total

    def _status(self) -> tuple[bool, str]:
        return self._outcome(self._line())

    def _line(self) -> bytes:
        line = self.wire.readline(_STATUS_LINE)
        if not line.endswith(b"\r\n"):
            raise ServerMisbehaved(self.wire.stage, f"{self.wire.server} ends its lines without a carriage return")
        return line[:-2]

    def _outcome(self, line: bytes) -> tuple[bool, str]:
        status, _, words = line.partition(b" ")
        if status not in (b"+OK", b"-ERR"):
            raise ServerMisbehaved(self.wire.stage, f"{self.wire.server} gave an answer that is none of POP3")
        return status == b"+OK", words.decode("utf-8", "replace")


def _is_challenge(line: bytes) -> bool:
    return line == b"+" or line.startswith(b"+ ")


def _decoded(text: bytes) -> bytes:
    try:
        return base64.b64decode(text)
    except ValueError:
        return b""


def _has_code(words: str) -> bool:
    return words.startswith("[")


def _log_in_with_password(
    dialogue: _Dialogue, user: str, secret: Secret, *, authuser: str | None, secure: bool
) -> None:
    offered = dialogue.mechanisms()
    password = safe_argument("password", secret.reveal())
    server = dialogue.wire.server
    if secure:
        if "CRAM-MD5" not in offered or authuser is not None:
            raise AuthenticationFailed(
                "login", f"{server} offers no challenge mechanism (CRAM-MD5), and /secure allows nothing else"
            )
        ok, words = dialogue.authenticate("CRAM-MD5", (_cram_md5(user, password),))
    elif "PLAIN" in offered or authuser is not None:
        plain = sasl_plain(authuser or user, secret, acting_for=user if authuser else "")
        ok, words = dialogue.authenticate("PLAIN", _answers(plain))
    else:
        dialogue.require(f"USER {user}")
        ok, words = dialogue.ask(f"PASS {password}")
    if not ok:
        raise dialogue.refused(words, (password,))


def _cram_md5(user: str, password: str) -> Callable[[bytes], bytes]:
    # RFC 2195; MD5 is what the mechanism is made of.
    return lambda challenge: f"{user} {hmac.new(password.encode(), challenge, 'md5').hexdigest()}".encode()


def _log_in_with_token(dialogue: _Dialogue, user: str, provider: TokenProvider) -> None:
    mechanism = next((name for name in ("XOAUTH2", "OAUTHBEARER") if name in dialogue.mechanisms()), None)
    if mechanism is None:
        raise AuthenticationFailed("login", f"{dialogue.wire.server} offers neither XOAUTH2 nor OAUTHBEARER")
    compose = xoauth2 if mechanism == "XOAUTH2" else oauthbearer
    # The reason of a refusal comes as a challenge that is answered before the refusal itself (RFC 7628 3.2.3).
    rest = b"" if mechanism == "XOAUTH2" else b"\x01"

    token = provider.token().value
    ok, words = dialogue.authenticate(mechanism, _answers(compose(user, token), rest))
    if not ok:
        fresh = provider.token(refresh=True).value
        if fresh.reveal() != token.reveal():
            token = fresh
            ok, words = dialogue.authenticate(mechanism, _answers(compose(user, token), rest))
    if not ok:
        raise dialogue.refused(words, (token.reveal(),))


def _answers(*words: bytes) -> Sequence[Callable[[bytes], bytes]]:
    """Give answers that do not depend on the challenge."""
    return [functools.partial(_say, said) for said in words]


def _say(said: bytes, _challenge: bytes) -> bytes:
    return said


@attrs.frozen(kw_only=True)
class _Maildrop:
    """What is in the maildrop, in the order of message numbers.

    Attributes:
        numbers: message number by the name we give the mail.
        sizes: bytes by message number, as announced.
    """

    numbers: Mapping[str, int]
    sizes: Mapping[int, int]
    warnings: tuple[str, ...]

    @classmethod
    def read(cls, dialogue: _Dialogue) -> Self:
        """Ask for sizes and ids.

        Raises:
            FolderUnavailable: the server gives no ids, so its mails cannot be told apart from one session to the next.
        """
        dialogue.require("LIST")
        sizes = dict(_numbered(dialogue, _SIZE_LINE, int))
        ok, words = dialogue.ask("UIDL")
        if not ok:
            raise FolderUnavailable(
                "select", f"{dialogue.wire.server} gives its mails no ids (UIDL): {one_line(words)[:300]}"
            )
        uidls = dict(_numbered(dialogue, _UIDL_LINE, bytes.decode, lenient=True))
        return cls._named(dialogue, sizes, uidls)

    @classmethod
    def _named(cls, dialogue: _Dialogue, sizes: Mapping[int, int], uidls: Mapping[int, str]) -> Self:
        uses = Counter(uidls.values())
        numbers: dict[str, int] = {}
        lost = 0
        for number in sorted(sizes):
            name: str | None = uidls.get(number)
            if name is None or uses[name] > 1:
                # RFC 1939 lets a server make the id of the content, so copies share it; others are simply broken. The
                # header tells which of the two it is.
                name = _name_by_header(dialogue, number, name or "")
            if name is None or name in numbers:
                lost += 1
            else:
                numbers[name] = number
        warning = f"{lost} mails cannot be told from others (no UIDL of their own); they are left on the server"
        return cls(numbers=numbers, sizes=sizes, warnings=(warning,) if lost else ())


def _numbered(
    dialogue: _Dialogue, pattern: re.Pattern[bytes], value: Callable[[bytes], _T], *, lenient: bool = False
) -> Iterator[tuple[int, _T]]:
    for line in dialogue.lines():
        match = pattern.fullmatch(line)
        if match is not None:
            yield int(match[1]), value(match[2])
        elif not lenient:
            raise ServerMisbehaved(dialogue.wire.stage, f"{dialogue.wire.server} gave a listing that cannot be read")


def _name_by_header(dialogue: _Dialogue, number: int, uidl: str) -> str | None:
    ok, _ = dialogue.ask(f"TOP {number} 0")
    if not ok:
        return None
    header, _ = dialogue.body(MAX_HEADER)
    return f"{uidl}/{hashlib.sha256(header).hexdigest()}"


class Pop3Session:
    """An open POP3 maildrop; see `MailSession`.

    The maildrop is locked meanwhile, and mail that arrives is seen by the next session only.
    """

    def __init__(self, dialogue: _Dialogue, maildrop: _Maildrop, state: SourceState) -> None:
        self._dialogue = dialogue
        self._maildrop = maildrop
        self._state = state
        self._deleted: set[str] = set()
        self._usable = True
        self._closed = False

    @property
    def state(self) -> SourceState:
        """What the server said when the maildrop was opened."""
        return self._state

    def listing(self, *, after: int, since: dt.date | None = None) -> Iterator[Sequence[MailRef]]:
        """Give all mails, in the order of their numbers, which is that of arrival; see `MailSession.listing`.

        That order rather than that of the names, which servers make up as they like, lets an answer come after the
        mail it answers.
        """
        with self._operation("list"):
            refs = [MailRef(0, name=name) for name in self._maildrop.numbers if name not in self._deleted]
        for start in range(0, len(refs), _WINDOW):
            yield refs[start : start + _WINDOW]

    def fetch(self, refs: Sequence[MailRef], *, max_size: int) -> Iterator[Sequence[Fetched]]:
        """Give what each of `refs` is, in batches; see `MailSession.fetch`."""

        def size(ref: MailRef) -> int:
            announced = self._maildrop.sizes.get(self._number(ref) or 0, 0)
            return MAX_HEADER if announced > max_size else announced

        for batch in batches(refs, size):
            with self._operation("fetch"):
                fetched = [self._fetch(ref, max_size) for ref in batch]
            yield fetched
            # A batch is held by its consumer alone while the next one is read.
            del fetched

    def _number(self, ref: MailRef) -> int | None:
        if ref.epoch or ref.uid or ref.name in self._deleted:
            return None
        return self._maildrop.numbers.get(ref.name)

    def _fetch(self, ref: MailRef, max_size: int) -> Fetched:
        number = self._number(ref)
        if number is None:
            return GoneMail(ref)
        announced = self._maildrop.sizes[number]
        if announced > max_size:
            return self._oversize(ref, number, announced)
        first = self._retrieve(number, announced, max_size)
        if isinstance(first, str):
            first = self._retrieve(number, announced, max_size)
        if isinstance(first, str):
            return UnreadableMail(ref, first)
        raw, size = first
        if size > max_size:
            return OversizeMail(ref=ref, size=size, header=header_block(raw))
        if size == announced:
            return FetchedMail(ref=ref, raw=raw)
        if self._retrieve(number, announced, max_size) != first:
            return UnreadableMail(ref, "two fetches gave different bytes")
        return FetchedMail(ref=ref, raw=raw, size_differs=True)

    def _retrieve(self, number: int, announced: int, max_size: int) -> tuple[bytes, int] | str:
        """Give a mail's bytes (at most `max_size`) and its size, or why the server would not give it."""
        ok, words = self._dialogue.ask(f"RETR {number}", size=announced)
        if not ok:
            return f"the server would not give it: {one_line(words)[:300]}"
        return self._dialogue.body(max_size)

    def _oversize(self, ref: MailRef, number: int, announced: int) -> OversizeMail:
        ok, _ = self._dialogue.ask(f"TOP {number} 0", size=MAX_HEADER)
        header = header_block(self._dialogue.body(MAX_HEADER)[0]) if ok else b""
        return OversizeMail(ref=ref, size=announced, header=header)

    def acknowledge(self, refs: Sequence[MailRef], mode: AfterFetch) -> Sequence[Acknowledgement]:
        """Mark these mails for deletion at `close`; see `MailSession.acknowledge`."""
        with self._operation("acknowledge"):
            return [self._acknowledge(ref, mode) for ref in refs]

    def _acknowledge(self, ref: MailRef, mode: AfterFetch) -> Acknowledgement:
        if mode.kind is AfterFetchKind.KEEP or ref.name in self._deleted:
            return Acknowledgement(ref, AckState.DONE)
        if mode.kind is not AfterFetchKind.DELETE:
            return Acknowledgement(ref, AckState.FAILED, "POP3 knows no flags and no folders")
        number = self._number(ref)
        if number is None:
            return Acknowledgement(ref, AckState.GONE)
        ok, words = self._dialogue.ask(f"DELE {number}")
        if not ok:
            return Acknowledgement(ref, AckState.FAILED, one_line(words)[:300])
        self._deleted.add(ref.name)
        return Acknowledgement(ref, AckState.DONE)

    def wait(self, seconds: float) -> bool:
        """Wait; True if the server ended the session meanwhile. New mail is seen by the next session only."""
        with self._operation("list"):
            try:
                return seconds > 0 and self._dialogue.wire.wait_readable(seconds)
            except DeadlineExceeded:
                return False

    def close(self) -> None:
        """End the session; what was marked for deletion goes now. Never raises, may be called twice.

        If the server does not confirm the end, the mails may still be there; the next session shows it.
        """
        if self._closed:
            return
        self._closed = True
        wire = self._dialogue.wire
        ok = False
        if self._usable:
            with suppress(TransportError):
                ok, _ = self._dialogue.ask("QUIT")
        wire.close()
        if self._deleted and not ok:
            logger.warning(
                "deletion not confirmed",
                extra={
                    "customerservice_action": "pop3-quit",
                    "customerservice_server": wire.server,
                    "customerservice_mails": len(self._deleted),
                },
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def _operation(self, stage: str) -> Iterator[None]:
        """Run commands at this stage; whatever interrupts them leaves answers unread, so the session ends."""
        wire = self._dialogue.wire
        if not self._usable or self._closed:
            raise ConnectionFailed(stage, f"the session with {wire.server} is over")
        wire.stage = stage
        try:
            with transport_errors(stage, wire.server):
                yield
        except BaseException:
            self._usable = False
            wire.close()
            raise
