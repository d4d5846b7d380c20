"""Mail goes out by SMTP (RFC 5321): over TLS, with a result for each recipient and an honest "nobody can know".

The dialogue is ours rather than smtplib's, because that one reports a connection lost before and after the final dot
alike, sends a malformed address cut short instead of refusing it, and reads replies of any length; without those parts
hardly more than "send a line, read a reply" is left of it.
"""

import base64
import datetime as dt
import re
import socket
import ssl
import urllib.parse
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Final, Self

import attrs

from customerservice.adapters.transports.connection import (
    TimeLimits,
    Wire,
    oauthbearer,
    refusal,
    safe_argument,
    sasl_plain,
    tls_context,
    xoauth2,
)
from customerservice.domain.email_address import EmailAddress
from customerservice.domain.imap_options import ImapOptions, TlsMode
from customerservice.domain.text import one_line
from customerservice.errors import (
    AuthenticationFailed,
    DeadlineExceeded,
    InsecureConnection,
    InvalidMailboxName,
    InvalidValue,
    ServerBusy,
    ServerMisbehaved,
    TlsFailed,
    TransportError,
)
from customerservice.ports.transports import Envelope, RecipientResult, RecipientState, Secret, TokenProvider

#: Longest reply line and most lines of one reply that are read; RFC 5321 4.5.3.1.5 asks for 512 bytes a line.
_LONGEST_LINE: Final = 8_192
_MOST_LINES: Final = 256
_CHUNK: Final = 1_048_576
#: A longer first answer goes on a line of its own (RFC 4954 4), in characters.
_LONGEST_COMMAND: Final = 510
#: How long we look whether the server spoke out of turn, in seconds.
_GLANCE: Final = 0.001
_REPLY = re.compile(rb"([2-5][0-9]{2})(?:([ -])(.*))?", re.DOTALL)
_HOST_NAME = re.compile(r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_DEFAULT_PORTS: Final = {"smtp": 587, "smtps": 465}


@attrs.frozen(kw_only=True)
class SmtpLimits:
    """How long things may take; where RFC 5321 4.5.3.2 gives times, they are the defaults.

    Attributes:
        connect: until connected, and again for the TLS handshake.
        answer: one command and its answer; a body adds its share for each byte.
        dot: the answer to the final dot. Giving up early makes a mail `UNKNOWN` that the server goes on to deliver.
        goodbye: the answer to QUIT, which is a courtesy that must not hold anybody up.
        run: one mail in all.
    """

    connect: dt.timedelta = dt.timedelta(seconds=30)
    answer: dt.timedelta = dt.timedelta(minutes=5)
    dot: dt.timedelta = dt.timedelta(minutes=10)
    goodbye: dt.timedelta = dt.timedelta(seconds=5)
    run: dt.timedelta = dt.timedelta(hours=2)


@attrs.frozen(kw_only=True)
class SmtpSettings:
    """Where mail goes out: a host, a port, and how the connection becomes private."""

    host: str
    port: int
    tls: TlsMode

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``smtp://host:587`` (STARTTLS required) or ``smtps://host:465`` (TLS from the first byte).

        The port may be left out: 587 or 465 (RFC 8314 3.3). On this machine itself ``smtp`` uses STARTTLS only if the
        server offers it.

        >>> SmtpSettings.parse("smtp://mail.example")
        SmtpSettings(host='mail.example', port=587, tls=<TlsMode.STARTTLS_REQUIRED: 'starttls'>)

        Raises:
            InvalidValue: it is of another form, or holds a user or password, which belong elsewhere. What stands in it
                is not repeated.
        """
        try:
            parts = urllib.parse.urlsplit(text)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            raise InvalidValue("smtp", "must look like smtp://host:587 or smtps://host:465") from None
        if "@" in text:
            raise InvalidValue("smtp", "must hold no user or password; give those by themselves")
        if parts.scheme not in _DEFAULT_PORTS or parts.path not in ("", "/") or parts.query or parts.fragment:
            raise InvalidValue("smtp", "must look like smtp://host:587 or smtps://host:465")
        try:
            server = ImapOptions(host=host, port=port)
        except InvalidMailboxName as error:
            raise InvalidValue("smtp", f"{error.field}: {error.reason}") from None
        if parts.scheme == "smtps":
            tls = TlsMode.IMPLICIT
        else:
            tls = TlsMode.STARTTLS_IF_OFFERED if server.is_loopback else TlsMode.STARTTLS_REQUIRED
        return cls(host=server.host, port=server.port or _DEFAULT_PORTS[parts.scheme], tls=tls)


@attrs.frozen
class _Reply:
    """What the server answered: a code of 200 to 599, and the words of each line, of which there is at least one."""

    code: int
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """All its words, on one line."""
        return one_line(" ".join(self.lines))

    @property
    def is_good(self) -> bool:
        return self.code < 300

    @property
    def is_temporary(self) -> bool:
        return 400 <= self.code < 500

    @property
    def is_closing(self) -> bool:
        """Whether the server ends the session with it (RFC 5321 3.8)."""
        return self.code == 421


class _Dialogue:
    """Commands and replies over a wire."""

    def __init__(self, wire: Wire, limits: SmtpLimits) -> None:
        self.wire = wire
        self.features: dict[str, str] = {}
        self._limits = limits

    def command(self, line: str, limit: dt.timedelta | None = None) -> _Reply:
        """Send one line, read the reply."""
        self.wire.begin(limit or self._limits.answer)
        self.wire.sendall(line.encode() + b"\r\n")
        return self.reply()

    def reply(self) -> _Reply:
        """Read one reply; ServerMisbehaved if it is none (RFC 5321 4.2)."""
        first: bytes | None = None
        lines: list[str] = []
        for _ in range(_MOST_LINES):
            match = _REPLY.fullmatch(self.wire.readline(_LONGEST_LINE).rstrip(b"\r\n"))
            if match is None or match[1] != (first := first or match[1]):
                break
            lines.append((match[3] or b"").decode("utf-8", "replace"))
            if match[2] != b"-":
                return _Reply(int(first), tuple(lines))
        raise ServerMisbehaved(self.wire.stage, f"{self.wire.server} gave a reply that is none of SMTP")

    def greet(self, name: str) -> None:
        """Say EHLO, or HELO to a server that does not know it, and learn what the server offers (RFC 5321 4.1.1.1)."""
        reply = self.command(f"EHLO {name}")
        if reply.code in (500, 502):
            reply = self.command(f"HELO {name}")
        self.require(reply)
        offers = (line.partition(" ") for line in reply.lines[1:])
        self.features = {keyword.upper(): values for keyword, _, values in offers}

    def require(self, reply: _Reply, hidden: Sequence[str] = ()) -> None:
        """Do nothing if the reply is good; else raise the error that fits the stage."""
        if reply.is_good:
            return
        words = f"{reply.code} {reply.text}"
        error = refusal(self.wire.stage, self.wire.server, words, hidden)
        raise ServerBusy(error.stage, str(error)) if reply.is_temporary else error


class SmtpSender:
    """A `MailSender` over SMTP; each mail has a connection of its own. Thread-safe.

    Trouble with the session (greeting, TLS, log-in) is a `TransportError`; what the server says about a mail or a
    recipient is a result: 4yz is `DEFERRED`, 5yz is `REFUSED`, silence after the final dot is `UNKNOWN`.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        tls: TlsMode = TlsMode.STARTTLS_REQUIRED,
        user: str | None = None,
        secret: Secret | None = None,
        token_provider: TokenProvider | None = None,
        allow_clear_text: bool = False,
        limits: SmtpLimits | None = None,
        local_hostname: str | None = None,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        """Send through `host`; with a `user` log in first, with either a `secret` or access tokens.

        A password is tried once; a refused token is renewed and tried once more. `local_hostname` is what we call
        ourselves; without it the name of this machine if it is a full one, else ``[127.0.0.1]``. `ssl_context` stands
        in for one that trusts the system's authorities. Without `allow_clear_text` (loopback counts as allowed) nothing
        is sent over a connection in clear text.

        Raises:
            InvalidValue: a control character, or a user without exactly one of `secret` and `token_provider`.
        """
        if (user is not None) != ((secret is not None) is not (token_provider is not None)):
            raise InvalidValue("user", "a user belongs with either a secret or a token provider")
        self._host = safe_argument("host", host)
        self._port = port
        self._tls = tls
        self._user = None if user is None else safe_argument("user", user)
        self._secret = secret
        self._token_provider = token_provider
        self._allow_clear_text = allow_clear_text
        self._limits = limits or SmtpLimits()
        self._name = _own_name() if local_hostname is None else safe_argument("local_hostname", local_hostname)
        self._context = ssl_context

    def send(self, envelope: Envelope, raw: bytes, *, before_dot: Callable[[], None]) -> Sequence[RecipientResult]:
        """Hand the bytes over; see `MailSender.send`. A bare CR or LF becomes CRLF, because servers differ over it.

        Raises:
            TransportError: the session failed before the final dot; AuthenticationFailed also where the server wants a
                log-in and there is no user.
            InvalidValue: there is no recipient.
        """
        if not envelope.recipients:
            raise InvalidValue("recipients", "at least one is needed")
        wire = Wire.connect(
            self._host,
            self._port,
            TimeLimits(connect=self._limits.connect, read=self._limits.answer, run=self._limits.run),
        )
        try:
            dialogue = self._opened(wire)
            wire.stage = "send"
            delivery = _Delivery(dialogue, envelope, raw, self._limits)
            results = delivery.run(before_dot)
            if delivery.is_orderly:
                # The results stand whatever becomes of the good-bye.
                with suppress(TransportError):
                    dialogue.command("QUIT", self._limits.goodbye)
            return results
        finally:
            wire.close()

    def _opened(self, wire: Wire) -> _Dialogue:
        """Give a dialogue that is private and logged in, as far as was asked for."""
        dialogue = _Dialogue(wire, self._limits)
        if self._tls is TlsMode.IMPLICIT:
            self._start_tls(wire)
        wire.stage = "connect"
        wire.begin(self._limits.answer)
        dialogue.require(dialogue.reply())
        dialogue.greet(self._name)
        if self._tls in (TlsMode.STARTTLS_REQUIRED, TlsMode.STARTTLS_IF_OFFERED):
            self._secure(dialogue)
        if not (wire.secure or self._allow_clear_text or wire.is_loopback):
            raise InsecureConnection(
                "tls", f"the connection to {wire.server} is clear text; nothing was sent. Use smtps or STARTTLS"
            )
        if self._user is not None:
            wire.stage = "login"
            self._log_in(dialogue, self._user)
        return dialogue

    def _start_tls(self, wire: Wire) -> None:
        wire.start_tls(self._context or tls_context())

    def _secure(self, dialogue: _Dialogue) -> None:
        wire = dialogue.wire
        wire.stage = "tls"
        if "STARTTLS" not in dialogue.features:
            if self._tls is TlsMode.STARTTLS_IF_OFFERED:
                return
            raise TlsFailed(
                "tls", f"{wire.server} does not offer STARTTLS; nothing was sent. Try smtps, or another port"
            )
        dialogue.require(dialogue.command("STARTTLS"))
        self._start_tls(wire)
        # What was offered in clear text could be an attacker's (RFC 3207 4.2).
        dialogue.greet(self._name)

    def _log_in(self, dialogue: _Dialogue, user: str) -> None:
        offered = dialogue.features.get("AUTH", "").upper().split()
        if self._token_provider is not None:
            _log_in_with_token(dialogue, offered, user, self._token_provider)
        else:
            assert self._secret is not None  # checked when this sender was made
            _log_in_with_password(dialogue, offered, user, self._secret)


def _own_name() -> str:
    # Not getfqdn: it may wait for a name server.
    name = socket.gethostname()
    return name if _HOST_NAME.fullmatch(name) else "[127.0.0.1]"


def _mechanism(dialogue: _Dialogue, offered: Sequence[str], ours: Sequence[str]) -> str:
    for name in ours:
        if name in offered:
            return name
    server = dialogue.wire.server
    has = ", ".join(name for name in offered if name.isprintable())[:100] or "none"
    raise AuthenticationFailed("login", f"{server} offers none of {', '.join(ours)} to log in with; it offers {has}")


def _log_in_with_password(dialogue: _Dialogue, offered: Sequence[str], user: str, secret: Secret) -> None:
    if _mechanism(dialogue, offered, ("PLAIN", "LOGIN")) == "PLAIN":
        reply = _authenticate(dialogue, "PLAIN", sasl_plain(user, secret))
    else:
        safe_argument("password", secret.reveal())
        reply = dialogue.command("AUTH LOGIN")
        for word in (user, secret.reveal()):
            if reply.code == 334:
                reply = dialogue.command(_encoded(word.encode()))
    dialogue.require(_settled(reply), (secret.reveal(),))


def _log_in_with_token(dialogue: _Dialogue, offered: Sequence[str], user: str, provider: TokenProvider) -> None:
    mechanism = _mechanism(dialogue, offered, ("XOAUTH2", "OAUTHBEARER"))
    words = xoauth2 if mechanism == "XOAUTH2" else oauthbearer
    token = provider.token().value
    reply = _authenticate(dialogue, mechanism, words(user, token))
    if not reply.is_good and not reply.is_temporary:
        fresh = provider.token(refresh=True).value
        if fresh.reveal() != token.reveal():
            token = fresh
            reply = _authenticate(dialogue, mechanism, words(user, token))
    dialogue.require(_settled(reply), (token.reveal(),))


def _authenticate(dialogue: _Dialogue, mechanism: str, words: bytes) -> _Reply:
    line = f"AUTH {mechanism} {_encoded(words)}"
    if len(line) <= _LONGEST_COMMAND:
        reply = dialogue.command(line)
    else:
        reply = dialogue.command(f"AUTH {mechanism}")
        if reply.code == 334:
            reply = dialogue.command(_encoded(words))
    if reply.code == 334:
        # The reason of a refusal; the server waits for an answer before it says so (RFC 7628 3.2.3).
        reply = dialogue.command("AQ==" if mechanism == "OAUTHBEARER" else "")
    return reply


def _settled(reply: _Reply) -> _Reply:
    """Give the reply, or a refusal in place of one that still asks for more."""
    return reply if reply.code != 334 else _Reply(535, ("the server kept asking",))


def _encoded(words: bytes) -> str:
    return base64.b64encode(words).decode("ascii")


class _Delivery:
    """One mail on its way through one dialogue.

    Attributes:
        is_orderly: whether server and client still agree on whose turn it is, so that a command may follow.
    """

    def __init__(self, dialogue: _Dialogue, envelope: Envelope, raw: bytes, limits: SmtpLimits) -> None:
        self._dialogue = dialogue
        self._wire = dialogue.wire
        self._envelope = envelope
        self._raw = raw
        self._limits = limits
        self._utf8 = "SMTPUTF8" in dialogue.features
        self.is_orderly = True
        self._results: dict[int, RecipientResult] = {}

    def run(self, before_dot: Callable[[], None]) -> Sequence[RecipientResult]:
        """Do MAIL, RCPT and DATA; one result for each recipient, in their order."""
        if self._mail() and self._recipients() and self._data() and self._body():
            before_dot()
            self._dot()
        return [self._results[index] for index in range(len(self._envelope.recipients))]

    def _mail(self) -> bool:
        sender = self._envelope.sender
        try:
            path = "" if sender is None else _path(sender, self._utf8)
        except InvalidValue as error:
            self._settle_all(RecipientState.REFUSED, None, f"the sender {error.reason}")
            return False
        reply = self._dialogue.command(f"MAIL FROM:<{path}>{self._parameters()}")
        if reply.code == 530:
            raise AuthenticationFailed("login", f"{self._wire.server} wants a log-in first: {reply.text[:300]}")
        if not reply.is_good:
            self._settle(reply)
        return reply.is_good

    def _parameters(self) -> str:
        features = self._dialogue.features
        addresses = (self._envelope.sender, *self._envelope.recipients)
        found = ""
        if "SIZE" in features:
            bare = self._raw.count(b"\n") - self._raw.count(b"\r\n")
            found += f" SIZE={len(self._raw) + bare}"
        if "8BITMIME" in features and not self._raw.isascii():
            found += " BODY=8BITMIME"
        if self._utf8 and any(address is not None and not address.local.isascii() for address in addresses):
            found += " SMTPUTF8"
        return found

    def _recipients(self) -> bool:
        """Name the recipients; True if the server took at least one and is still there."""
        for index, address in enumerate(self._envelope.recipients):
            try:
                path = _path(address, self._utf8)
            except InvalidValue as error:
                self._put(index, RecipientState.REFUSED, None, f"the address {error.reason}")
                continue
            reply = self._dialogue.command(f"RCPT TO:<{path}>")
            if reply.is_closing:
                self._settle(reply)
                return False
            if not reply.is_good:
                # 552 here says "too many recipients" (RFC 5321 4.5.3.1.10).
                state = RecipientState.DEFERRED if reply.code == 552 else self._state(reply)
                self._put(index, state, reply.code, reply.text)
        return len(self._results) < len(self._envelope.recipients)

    def _data(self) -> bool:
        reply = self._dialogue.command("DATA")
        if reply.code == 354:
            return True
        if reply.code < 400:
            raise ServerMisbehaved("send", f"{self._wire.server} answered {reply.code} to DATA")
        self._settle(reply)
        return False

    def _body(self) -> bool:
        """Send everything but the final dot; False if the server refused meanwhile."""
        self._wire.begin(self._limits.answer)
        for chunk in _on_the_wire(self._raw):
            self._wire.sendall(chunk)
        # A server that already hung up or refused is found out now, while the outcome is still certain. Asked twice,
        # because the first time it may be a message of TLS itself.
        if not (self._has_spoken() and self._has_spoken()):
            return True
        self._wire.begin(self._limits.answer)
        reply = self._dialogue.reply()
        if reply.code < 400:
            raise ServerMisbehaved("send", f"{self._wire.server} answered before the mail was over")
        self.is_orderly = False
        self._settle(reply)
        return False

    def _has_spoken(self) -> bool:
        try:
            return self._wire.wait_readable(_GLANCE)
        except DeadlineExceeded:
            return False  # this machine was busy elsewhere for longer than we wanted to look

    def _dot(self) -> None:
        """Send the final dot and read its answer; without one that makes sense nobody can know."""
        try:
            self._wire.begin(self._limits.dot)
            self._wire.sendall(b".\r\n")
            reply = self._dialogue.reply()
        except TransportError as error:
            self.is_orderly = False
            self._settle_all(RecipientState.UNKNOWN, None, f"no answer to the final dot: {error}")
            return
        if 300 <= reply.code < 400:
            self._settle_all(RecipientState.UNKNOWN, reply.code, reply.text)
        else:
            self._settle(reply)

    def _state(self, reply: _Reply) -> RecipientState:
        if reply.is_good:
            return RecipientState.SENT
        if reply.is_temporary:
            return RecipientState.DEFERRED
        if reply.code >= 500:
            return RecipientState.REFUSED
        raise ServerMisbehaved("send", f"{self._wire.server} answered {reply.code} where it cannot")

    def _settle(self, reply: _Reply) -> None:
        """Let the reply stand for every recipient that has no result yet."""
        self._settle_all(self._state(reply), reply.code, reply.text)

    def _settle_all(self, state: RecipientState, code: int | None, text: str) -> None:
        for index in range(len(self._envelope.recipients)):
            if index not in self._results:
                self._put(index, state, code, text)

    def _put(self, index: int, state: RecipientState, code: int | None, text: str) -> None:
        address = self._envelope.recipients[index]
        self._results[index] = RecipientResult(address=address, state=state, code=code, text=text)


def _path(address: EmailAddress, utf8: bool) -> str:
    """Give the address as it goes on the wire: the domain as A-labels (RFC 5891 4.4); InvalidValue if it cannot."""
    if not address.local.isascii() and not utf8:
        raise InvalidValue("address", "has letters outside ASCII before the @, and the server takes none (no SMTPUTF8)")
    domain = address.domain
    if not domain.isascii():
        try:
            domain = domain.encode("idna").decode("ascii")
        except UnicodeError:
            raise InvalidValue("address", "has a domain that cannot be written for the domain name system") from None
    return f"{address.local}@{domain}"


def _on_the_wire(raw: bytes) -> Iterator[bytes]:
    r"""Give the body with CRLF line ends and stuffed dots (RFC 5321 4.5.2), ending with a line end, in chunks.

    >>> b"".join(_on_the_wire(b"a\n.b\r.\r\n"))
    b'a\r\n..b\r\n..\r\n'
    """
    start = 0
    while start < len(raw):
        # Cut behind a line feed only, so that each chunk begins a line.
        end = raw.find(b"\n", start + _CHUNK) + 1 or len(raw)
        lines = raw[start:end].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        if not lines.endswith(b"\n"):
            lines += b"\n"
        stuffed = lines.replace(b"\n.", b"\n..").replace(b"\n", b"\r\n")
        yield b"." + stuffed if stuffed.startswith(b".") else stuffed
        start = end
