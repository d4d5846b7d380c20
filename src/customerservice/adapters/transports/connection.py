"""What every mail protocol shares: a connection that keeps deadlines, checked TLS, and one map of foreign errors.

The clients of the standard library time out on each read, so a server that sends one byte a second holds them for
ever; here an operation as a whole has a deadline, and so has the run. They also raise errors of a dozen families, some
of them (`MemoryError`, `RecursionError`, `IndexError`) through nothing but a hostile answer; `transport_errors` is the
one place where all of them become a `TransportError`.
"""

import base64
import datetime as dt
import imaplib
import io
import ipaddress
import poplib
import re
import selectors
import smtplib
import socket
import ssl
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

import attrs

from customerservice.domain.text import one_line
from customerservice.errors import (
    AuthenticationFailed,
    CertificateRejected,
    ConnectionFailed,
    CustomerServiceError,
    DeadlineExceeded,
    FolderUnavailable,
    InsecureConnection,
    InvalidValue,
    ServerBusy,
    ServerMisbehaved,
    TlsFailed,
    TransportError,
)
from customerservice.ports.transports import Secret

#: Slowest transfer we wait for, in bytes per second (128 kbit/s); each byte extends an operation by its share.
SLOWEST_RATE: Final = 16_000

#: Longest line accepted from a server, in bytes, unless an adapter asks for another limit.
MAX_LINE: Final = 1_000_000

#: Warnings a session gives in its state.
NOT_VALIDATED: Final = "the server's certificate is not checked (/novalidate-cert): anybody on the way can read along"
CLEAR_TEXT: Final = "the connection is clear text: password and mail can be read on the way"

#: An address family and the address to give to a socket of it.
Address = tuple[int, Any]

_SEND_CHUNK = 256 * 1024
_BUFFER = 64 * 1024
# what reading can raise: the socket, TLS, a closed reader, a literal larger than the memory
_READING = (OSError, ValueError, MemoryError)
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


@attrs.frozen(kw_only=True)
class TimeLimits:
    """How long things may take.

    Attributes:
        connect: from the first attempt until connected, over all addresses of the host; the TLS handshake has it anew.
        read: silence, and one operation: a command and its whole answer. Announced bodies add their share to the
            operation, by `SLOWEST_RATE`, but none to the silence.
        run: everything done with one connection.
    """

    connect: dt.timedelta = dt.timedelta(seconds=10)
    read: dt.timedelta = dt.timedelta(seconds=60)
    run: dt.timedelta = dt.timedelta(hours=1)


class Deadline:
    """The moment an operation must be over, and never later than the end of the whole run. Monotonic time."""

    def __init__(self, run: dt.timedelta) -> None:
        self._run_end = time.monotonic() + run.total_seconds()
        self._end = self._run_end
        self._silence = run.total_seconds()

    def begin(self, limit: dt.timedelta) -> None:
        """Start an operation that may take `limit`; so long may the other side be silent, extended or not."""
        self._silence = limit.total_seconds()
        self._end = time.monotonic() + self._silence

    def extend(self, size: int) -> None:
        """Allow the time that `size` more bytes take at the slowest rate."""
        self._end += size / SLOWEST_RATE

    def remaining(self) -> float:
        """Give the seconds to wait for the next byte, always more than zero.

        Raises:
            TimeoutError: none are left.
        """
        seconds = min(self._end, self._run_end) - time.monotonic()
        if seconds <= 0:
            raise TimeoutError("the time for the whole run is over" if self._run_end <= self._end else "took too long")
        return min(seconds, self._silence)


class _TimedReader(io.RawIOBase):
    """The reading side of a socket, which asks the deadline before every read."""

    def __init__(self, sock: socket.socket, deadline: Deadline) -> None:
        self._sock = sock
        self._deadline = deadline
        self.waits = True

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int | None:
        self._sock.settimeout(self._deadline.remaining() if self.waits else 0)
        try:
            return self._sock.recv_into(buffer)
        except (BlockingIOError, ssl.SSLWantReadError):
            if self.waits:
                raise
            return None


class Wire:
    """One TCP connection, clear or under TLS, whose every operation keeps a deadline. Not thread-safe.

    `readline`, `sendall`, `makefile` and `close` have the shape that imaplib, poplib and smtplib expect of their socket
    and file, so their classes run over it. All failures are `TransportError` with the `stage` set last.

    Attributes:
        stage: what is going on, for errors; adapters set it as they go.
        server: ``host:port``, for texts.
        secure: everything travels under TLS.
        limits: how long things may take.
    """

    def __init__(self, sock: socket.socket, *, host: str, port: int, limits: TimeLimits, deadline: Deadline) -> None:
        self._sock = sock
        self._host = host
        self.limits = limits
        self._spoke = False
        self._deadline = deadline
        self._raw = _TimedReader(sock, deadline)
        self._reader = io.BufferedReader(self._raw, _BUFFER)
        self.stage = "connect"
        self.server = f"{host}:{port}"
        self.secure = False

    @classmethod
    def connect(cls, host: str, port: int, limits: TimeLimits) -> "Wire":
        """Resolve and connect; the addresses are tried in the order of the resolver, within one deadline.

        Raises:
            TransportError: stage ``resolve`` or ``connect``.
        """
        return cls.connect_to(resolve(host, port), host=host, port=port, limits=limits)

    @classmethod
    def connect_to(cls, addresses: Sequence[Address], *, host: str, port: int, limits: TimeLimits) -> "Wire":
        """Connect to the first of `addresses` (from `resolve`) that answers.

        Raises:
            TransportError: stage ``connect``; none answered, with the last reason.
        """
        deadline = Deadline(limits.run)
        deadline.begin(limits.connect)
        with transport_errors("connect", f"{host}:{port}"):
            failure: OSError = OSError(f"{host} has no address")
            for family, address in addresses:
                sock = socket.socket(family, socket.SOCK_STREAM)
                try:
                    sock.settimeout(deadline.remaining())
                    sock.connect(address)
                    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                except OSError as error:
                    sock.close()
                    failure = error
                else:
                    wire = cls(sock, host=host, port=port, limits=limits, deadline=deadline)
                    wire.begin()
                    return wire
            raise failure

    def begin(self, limit: dt.timedelta | None = None) -> None:
        """Start an operation: from now on it may take `limit`, by default the read limit."""
        self._deadline.begin(limit or self.limits.read)

    def start_tls(self, context: ssl.SSLContext) -> None:
        """Put the connection under TLS, for the host that was asked for.

        Raises:
            TransportError: stage ``tls``; also if the server had sent more in clear text, which could be an attacker's
                (CVE-2011-0411 and its relatives).
        """
        self.stage = "tls"
        with self._errors():
            self._deadline.begin(self.limits.connect)
            if self._spoke and self._buffered():
                raise ServerMisbehaved("tls", f"{self.server} sent unasked text before TLS began")
            self._sock.settimeout(self._deadline.remaining())
            self._sock = context.wrap_socket(self._sock, server_hostname=self._host.rstrip("."))
            self._raw = _TimedReader(self._sock, self._deadline)
            self._reader = io.BufferedReader(self._raw, _BUFFER)
            self.secure = True
        self.begin()

    def _buffered(self) -> bool:
        self._raw.waits = False
        try:
            return bool(self._reader.peek(1))
        finally:
            self._raw.waits = True

    @property
    def is_loopback(self) -> bool:
        """Whether the peer is this machine itself."""
        address = str(self._sock.getpeername()[0])
        return ipaddress.ip_address(address.partition("%")[0]).is_loopback

    def require_private(self, *, allow_clear_text: bool) -> None:
        """Do nothing if a secret may be sent now; call it right before each one.

        Raises:
            InsecureConnection: the connection is clear text, and neither allowed nor on loopback.
        """
        if not (self.secure or allow_clear_text or self.is_loopback):
            raise InsecureConnection(
                "login", f"the connection to {self.server} is clear text; no secret was sent. Use /ssl or /tls"
            )

    def read(self, size: int) -> bytes:
        """Read exactly `size` bytes; each extends the operation by its share.

        Raises:
            ConnectionFailed: the connection ended before.
        """
        self._deadline.extend(size)
        try:
            data = self._reader.read(size)
        except _READING as error:
            raise translated(error, self.stage, self.server) from error
        if len(data) != size:
            raise ConnectionFailed(self.stage, f"{self.server} closed the connection within a mail")
        return data

    def skip(self, size: int) -> None:
        """Read `size` bytes and forget them."""
        while size > 0:
            size -= len(self.read(min(size, _SEND_CHUNK)))

    def readline(self, limit: int = MAX_LINE) -> bytes:
        """Read one line with its end, of at most `limit` bytes.

        Raises:
            ConnectionFailed: the connection ended before the line did.
            ServerMisbehaved: the line is longer.
        """
        try:
            line = self._reader.readline(limit)
        except _READING as error:
            raise translated(error, self.stage, self.server) from error
        if not line.endswith(b"\n"):
            if len(line) >= limit:
                raise ServerMisbehaved(self.stage, f"{self.server} sent a line of more than {limit} bytes")
            raise ConnectionFailed(self.stage, f"{self.server} closed the connection")
        return line

    def sendall(self, data: bytes) -> None:
        """Send everything; each byte extends the operation by its share."""
        self._deadline.extend(len(data))
        self._spoke = True
        with self._errors():
            for start in range(0, len(data), _SEND_CHUNK):
                self._sock.settimeout(self._deadline.remaining())
                self._sock.sendall(memoryview(data)[start : start + _SEND_CHUNK])

    def makefile(self, mode: str = "rb", *_: object) -> "Wire":
        """Give the reading side, which is this object itself."""
        return self

    def wait_readable(self, seconds: float) -> bool:
        """Wait until the server says something, at most `seconds` and never past the run; True if it did."""
        with self._errors():
            self._deadline.begin(dt.timedelta(seconds=seconds))
            # what TLS has already decrypted would never wake the selector
            if self._buffered():
                return True
            with selectors.DefaultSelector() as selector:
                selector.register(self._sock, selectors.EVENT_READ)
                return bool(selector.select(self._deadline.remaining()))

    def fileno(self) -> int:
        """Give the number of the socket."""
        return self._sock.fileno()

    def settimeout(self, _seconds: float | None) -> None:
        """Do nothing: deadlines are kept by `begin`."""

    def close(self) -> None:
        """Close the connection; never raises."""
        with suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)
        with suppress(OSError, ValueError):
            self._sock.close()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        with transport_errors(self.stage, self.server):
            yield


def resolve(host: str, port: int) -> Sequence[Address]:
    """Give the addresses of a host, in the order they should be tried; at least one.

    The time is bounded by the resolver of the system, not by us.

    Raises:
        ConnectionFailed: stage ``resolve``; the name is unknown.
    """
    with transport_errors("resolve", host):
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return [(family, address) for family, _, _, _, address in found]


def tls_context(*, validate: bool = True) -> ssl.SSLContext:
    """Give a context that checks chain and name against the system's trust store; TLS 1.2 or newer.

    With `validate` false nothing is checked; whoever asks for that must also give the warning `NOT_VALIDATED`.
    """
    context = ssl.create_default_context()
    if not validate:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def safe_argument(field: str, text: str) -> str:
    """Give the text back if it can be an argument of a command: the clients of Python 3.11 send CR and LF as they are.

    Raises:
        InvalidValue: it holds a control character (C0, DEL, C1, U+2028, U+2029) or a lone surrogate.
    """
    if _CONTROLS.search(text) is not None:
        raise InvalidValue(field, "control characters are not allowed")
    return text


def xoauth2(user: str, token: Secret) -> bytes:
    """Give the initial answer of XOAUTH2 (Google's and Microsoft's mechanism), not yet in base64."""
    return f"user={safe_argument('user', user)}\1auth=Bearer {safe_argument('token', token.reveal())}\1\1".encode()


def oauthbearer(user: str, token: Secret) -> bytes:
    """Give the initial answer of OAUTHBEARER (RFC 7628 3.1), not yet in base64."""
    identity = safe_argument("user", user).replace("=", "=3D").replace(",", "=2C")
    return f"n,a={identity},\1auth=Bearer {safe_argument('token', token.reveal())}\1\1".encode()


def sasl_plain(user: str, secret: Secret, *, acting_for: str = "") -> bytes:
    """Give the answer of PLAIN (RFC 4616), not yet in base64: `user` logs in, to act for `acting_for` if given."""
    for field, text in (("user", user), ("user", acting_for), ("password", secret.reveal())):
        safe_argument(field, text)
    return f"{acting_for}\0{user}\0{secret.reveal()}".encode()


#: What the codes in square brackets mean: RFC 5530 for IMAP, RFC 2449 and 3206 for POP3.
_CODES: Final[dict[str, type[TransportError]]] = {
    "AUTHENTICATIONFAILED": AuthenticationFailed,
    "AUTHORIZATIONFAILED": AuthenticationFailed,
    "EXPIRED": AuthenticationFailed,
    "CONTACTADMIN": AuthenticationFailed,
    "PRIVACYREQUIRED": InsecureConnection,
    "UNAVAILABLE": ServerBusy,
    "LIMIT": ServerBusy,
    "INUSE": ServerBusy,
    "OVERQUOTA": ServerBusy,
    "SERVERBUG": ServerMisbehaved,
    "CORRUPTION": ServerMisbehaved,
    "CLIENTBUG": ServerMisbehaved,
    "NONEXISTENT": FolderUnavailable,
    "NOPERM": FolderUnavailable,
    "AUTH": AuthenticationFailed,
    "IN-USE": ServerBusy,
    "LOGIN-DELAY": ServerBusy,
    "SYS/TEMP": ServerBusy,
    "SYS/PERM": ServerMisbehaved,
}
_CODE = re.compile(r"\[([A-Z/-]+)[\] ]")
# Gmail and Microsoft 365 say only in words that there are too many sessions.
_BUSY_WORDS = re.compile(r"too many|throttl|try again later|temporar", re.IGNORECASE)
_REFUSED_AT: Final[dict[str, type[TransportError]]] = {
    "tls": TlsFailed,
    "login": AuthenticationFailed,
    "select": FolderUnavailable,
}

_CERTIFICATE: Final = {
    9: "is not valid yet: check the clock of both machines",
    10: "has expired: its owner must renew it",
    18: "is signed by itself: have it signed, or add it to the system's trust store",
    19: "comes from an unknown authority: add that authority to the system's trust store",
    20: "comes from an unknown authority: add that authority to the system's trust store",
    21: "comes without the certificates that prove it: the server must send its whole chain",
    62: "is for another name: use the host name it was made for",
    64: "is for another address: use the host name it was made for",
}


def refusal(stage: str, server: str, words: str, hidden: Sequence[str] = ()) -> TransportError:
    """Give the error for a server that said no, by its response code, its words and the stage."""
    said = one_line(words)
    code = _CODE.search(said)
    kind = _CODES.get(code[1]) if code else None
    if kind is None and _BUSY_WORDS.search(said):
        kind = ServerBusy
    if kind is None:
        kind = _REFUSED_AT.get(stage, ServerMisbehaved)
    return kind(stage, f"{server} refused at {stage}: {masked(said, hidden)[:300] or 'without a reason'}")


def masked(text: str, hidden: Sequence[str]) -> str:
    """Give the text without any of `hidden`, nor their base64 forms, which a server may echo."""
    for secret in hidden:
        for form in (secret, base64.b64encode(secret.encode("utf-8", "replace")).decode("ascii").rstrip("=")):
            if form:
                text = text.replace(form, "***")
    return text


@contextmanager
def transport_errors(stage: str, server: str, hidden: Sequence[str] = ()) -> Iterator[None]:
    """Turn whatever the clients raise into a `TransportError` of this stage; our own errors pass as they are.

    Where there is something to hide, the cause is dropped too: it may hold the secret.
    """
    try:
        yield
    except CustomerServiceError:
        raise
    except Exception as error:
        raise translated(error, stage, server, hidden) from (None if hidden else error)


def translated(error: Exception, stage: str, server: str, hidden: Sequence[str] = ()) -> TransportError:
    """Give the `TransportError` for an error of ssl, socket, imaplib, imapclient, poplib, smtplib or their innards."""
    words = masked(one_line(str(error)), hidden)[:300]
    match error:
        case ssl.SSLCertVerificationError():
            reason = _CERTIFICATE.get(error.verify_code, f"was rejected: {error.verify_message}")
            return CertificateRejected("tls", f"the certificate of {server} {reason}")
        case ssl.SSLError() if stage == "tls":
            advice = ""
            if error.reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"):
                advice = ": the server does not speak TLS there; try /tls instead of /ssl, or the other port"
            return TlsFailed("tls", f"no TLS with {server} ({error.reason or words}){advice}")
        case TimeoutError():
            return DeadlineExceeded(stage, f"{server} took too long at {stage}")
        case socket.gaierror() | UnicodeError() if stage == "resolve":
            return ConnectionFailed("resolve", f"the name {server} cannot be resolved; is it written right?")
        case OSError() if stage == "tls":
            return TlsFailed("tls", f"{server} ended the connection during the TLS handshake: {words}")
        case smtplib.SMTPNotSupportedError():
            return refusal(stage, server, words)
        case smtplib.SMTPServerDisconnected():
            return ConnectionFailed(stage, f"{server} closed the connection")
        case smtplib.SMTPResponseException():
            if 400 <= error.smtp_code < 500:
                return ServerBusy(stage, f"{server} asks to come back later: {error.smtp_code} {words}")
            return refusal(stage, server, words)
        case ConnectionRefusedError():
            return ConnectionFailed(stage, f"nothing answers at {server}; are host and port right?")
        case OSError():
            return ConnectionFailed(stage, f"the connection to {server} failed at {stage}: {words}")
        case imaplib.IMAP4.abort():
            if "unexpected" in words or "unterminated" in words:
                return ServerMisbehaved(stage, f"{server} answered outside the protocol at {stage}: {words}")
            # imaplib raises abort for BYE with the server's words, and for an end of file
            kind = ServerBusy if _BUSY_WORDS.search(words) or "[UNAVAILABLE]" in words else ConnectionFailed
            return kind(stage, f"{server} ended the session at {stage}: {words}")
        case imaplib.IMAP4.error() | poplib.error_proto():
            return refusal(stage, server, words)
    # MemoryError, RecursionError, IndexError, ValueError...: an answer that broke the client's parser
    return ServerMisbehaved(stage, f"{server} answered outside the protocol at {stage}: {type(error).__name__}")
