"""A scripted SMTP server (RFC 5321) on loopback: it stores what it accepts and fails where a script says so."""

import base64
import binascii
import re
import ssl
from collections.abc import Callable, Mapping, Sequence

import attrs

from customerservice.testing.scripted import Answer, Fault, Hangup, Raw, Script, ScriptedServer, TlsUse, Wire
from customerservice.testing.scripted import bearer as bearer

#: What the server offers beside STARTTLS and AUTH.
USUAL_EXTENSIONS = ("SIZE 52428800", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES")

_PATH = re.compile(r"(?i)(?:FROM|TO):<([^<>]*)>((?: [^ ]+)*)")


@attrs.frozen(kw_only=True)
class AcceptedMail:
    """A mail the server took.

    Attributes:
        sender: the return path; "" is the null one.
        recipients: those that were accepted, in the order they were named.
        raw: the bytes as they came, CRLF line ends and all, with the stuffed dots taken out.
        parameters: of the MAIL command, as ``BODY=8BITMIME``.
        user: who was logged in.
        tls: whether it came encrypted.
    """

    sender: str
    recipients: tuple[str, ...]
    raw: bytes = attrs.field(repr=False)
    parameters: tuple[str, ...] = ()
    user: str | None = None
    tls: bool = False


@attrs.frozen
class AuthAttempt:
    """One try to log in: by which mechanism, as whom, whether over TLS, and whether the secret was right."""

    mechanism: str
    user: str
    tls: bool
    accepted: bool


@attrs.define
class _Transaction:
    """Where one client's dialogue stands."""

    user: str | None = None
    sender: str | None = None
    parameters: tuple[str, ...] = ()
    recipients: list[str] = attrs.Factory(list)

    def forget_mail(self) -> None:
        self.sender, self.parameters, self.recipients = None, (), []


class ScriptedSmtpServer(ScriptedServer):
    """An SMTP server that stores what it accepts; see `ScriptedServer` for its life and its script.

    Stages of the script: ``connect`` (before TLS and greeting), ``greeting``, ``ehlo``, ``helo``, ``starttls``,
    ``auth``, ``mail``, ``rcpt`` (also for one address, as ``rcpt:anna@shop.example``), ``data``, ``body`` (after the
    first line of a mail), ``dot`` (the answer to the final dot), ``rset``, ``quit``.

    >>> import smtplib
    >>> with ScriptedSmtpServer(script={"rcpt:b@x.example": Answer("550 5.1.1 unknown")}) as server:
    ...     with smtplib.SMTP(server.host, server.port) as client:
    ...         refused = client.sendmail("a@x.example", ["b@x.example", "c@x.example"], b"Subject: hello")
    >>> refused, server.accepted[0].recipients
    ({'b@x.example': (550, b'5.1.1 unknown')}, ('c@x.example',))

    Attributes:
        accepted: the mails it took, in order: those it answered 250, and those where a fault at ``dot`` (other than
            `Answer` and `Raw`) swallowed the answer, because then the server has the mail and the client cannot know.
        attempts: who tried to log in.
    """

    def __init__(
        self,
        *,
        tls: TlsUse = "none",
        ssl_context: ssl.SSLContext | None = None,
        script: Script | None = None,
        users: Mapping[str, str] | None = None,
        tokens: Mapping[str, str] | None = None,
        mechanisms: Sequence[str] = ("PLAIN", "LOGIN", "XOAUTH2", "OAUTHBEARER"),
        extensions: Sequence[str] = USUAL_EXTENSIONS,
        auth_in_clear: bool = False,
        starttls_suffix: bytes = b"",
        on_mail: Callable[[AcceptedMail], None] | None = None,
    ) -> None:
        """Listen at once.

        With `users` (passwords) or `tokens` (access tokens), by name, a client must log in before it may send; the
        `mechanisms` are offered over TLS only, unless `auth_in_clear`. `starttls_suffix` is sent in clear text right
        behind the answer to STARTTLS, as an attacker would. `on_mail` is called with each accepted mail before the
        client hears of it, in the server's thread; if it raises, the mail is refused with 451.
        """
        self.accepted: list[AcceptedMail] = []
        self.attempts: list[AuthAttempt] = []
        self._users = dict(users or {})
        self._tokens = dict(tokens or {})
        self._mechanisms = tuple(mechanisms) if self._users or self._tokens else ()
        self._extensions = tuple(extensions)
        self._auth_in_clear = auth_in_clear
        self._starttls_suffix = starttls_suffix
        self._on_mail = on_mail
        super().__init__(tls=tls, ssl_context=ssl_context, script=script)

    def _serve(self, wire: Wire) -> None:
        self._say(wire, "220 mail.example ESMTP", self._fault("greeting"))
        state = _Transaction()
        while True:
            line = self._command(wire)
            verb, _, rest = line.partition(" ")
            handler = self._HANDLERS.get(verb.upper())
            if handler is None:
                self._say(wire, "500 5.5.2 no such command")
            else:
                handler(self, wire, state, rest)

    def _say(self, wire: Wire, text: str, fault: Fault | None = None) -> bool:
        return wire.say(text.replace("\n", "\r\n").encode() + b"\r\n", fault)

    def _ehlo(self, wire: Wire, state: _Transaction, rest: str) -> None:
        state.forget_mail()
        offers = [f"mail.example greets {rest}", *self._extensions]
        if self._tls == "starttls" and not wire.is_tls:
            offers.append("STARTTLS")
        if self._mechanisms and (wire.is_tls or self._auth_in_clear):
            offers.append("AUTH " + " ".join(self._mechanisms))
        lines = [f"250{' ' if offer is offers[-1] else '-'}{offer}" for offer in offers]
        self._say(wire, "\n".join(lines), self._fault("ehlo"))

    def _helo(self, wire: Wire, state: _Transaction, rest: str) -> None:
        state.forget_mail()
        self._say(wire, f"250 mail.example greets {rest}", self._fault("helo"))

    def _starttls(self, wire: Wire, state: _Transaction, _rest: str) -> None:
        if self._tls != "starttls" or wire.is_tls or self._context is None:
            self._say(wire, "503 5.5.1 no TLS here")
            return
        if wire.say(b"220 2.0.0 go ahead\r\n" + self._starttls_suffix, self._fault("starttls")):
            wire.start_tls(self._context)
            state.forget_mail()

    def _auth(self, wire: Wire, state: _Transaction, rest: str) -> None:
        name, _, initial = rest.partition(" ")
        mechanism = name.upper()
        fault = self._fault("auth")
        if fault is not None:
            self._say(wire, "", fault)
        elif mechanism not in self._mechanisms or not (wire.is_tls or self._auth_in_clear):
            self._say(wire, "504 5.5.4 no such mechanism here")
        else:
            self._log_in(wire, state, mechanism, initial)

    def _log_in(self, wire: Wire, state: _Transaction, mechanism: str, initial: str) -> None:
        try:
            user, right = _credentials(wire, mechanism, initial, self._users, self._tokens)
        except (binascii.Error, ValueError):
            self._say(wire, "501 5.5.2 cannot decode that")
            return
        self.attempts.append(AuthAttempt(mechanism, user, wire.is_tls, right))
        if right:
            state.user = user
            self._say(wire, "235 2.7.0 welcome")
            return
        if mechanism in ("XOAUTH2", "OAUTHBEARER"):
            # The reason comes as a challenge that the client must answer before it hears the refusal (RFC 7628 3.2.3).
            _challenge(wire, base64.b64encode(b'{"status":"401","schemes":"bearer"}').decode())
        self._say(wire, "535 5.7.8 wrong user name or secret")

    def _mail(self, wire: Wire, state: _Transaction, rest: str) -> None:
        match = _PATH.fullmatch(rest)
        fault = self._fault("mail")
        if match is None:
            self._say(wire, "501 5.5.4 MAIL FROM:<address>")
        elif self._mechanisms and state.user is None:
            self._say(wire, "530 5.7.0 log in first")
        elif state.sender is not None:
            self._say(wire, "503 5.5.1 one mail at a time")
        elif self._say(wire, "250 2.1.0 sender is fine", fault):
            state.sender, state.parameters = match[1], tuple(match[2].split())

    def _rcpt(self, wire: Wire, state: _Transaction, rest: str) -> None:
        match = _PATH.fullmatch(rest)
        if match is None or not match[1]:
            self._say(wire, "501 5.5.4 RCPT TO:<address>")
        elif state.sender is None:
            self._say(wire, "503 5.5.1 MAIL first")
        elif self._say(wire, "250 2.1.5 recipient is fine", self._fault(f"rcpt:{match[1]}", "rcpt")):
            state.recipients.append(match[1])

    def _data(self, wire: Wire, state: _Transaction, _rest: str) -> None:
        fault = self._fault("data")
        if not state.recipients:
            self._say(wire, "503 5.5.1 RCPT first", fault)
            return
        if not self._say(wire, "354 end with a dot", fault):
            return
        first = wire.read_until(b"\n")
        fault = self._fault("body")
        if fault is not None:
            wire.say(b"", fault)
        # Only CRLF ends a line: an end of mail that only lenient servers see must not get past us (SMTP smuggling).
        wire.unread(b"\r\n" + first)
        self._finish(wire, state, wire.read_until(b"\r\n.\r\n")[len(b"\r\n") : -len(b".\r\n")])

    def _finish(self, wire: Wire, state: _Transaction, stuffed: bytes) -> None:
        mail = AcceptedMail(
            sender=state.sender or "",
            recipients=tuple(state.recipients),
            raw=re.sub(rb"(^|\r\n)\.", rb"\1", stuffed),
            parameters=state.parameters,
            user=state.user,
            tls=wire.is_tls,
        )
        state.forget_mail()
        fault = self._fault("dot")
        if _is_refusal(fault):
            self._say(wire, "", fault)
            return
        try:
            if self._on_mail is not None:
                self._on_mail(mail)
        except Exception:
            self._say(wire, "451 4.3.0 could not be stored")
            return
        self.accepted.append(mail)
        self._say(wire, "250 2.0.0 taken", fault)

    def _rset(self, wire: Wire, state: _Transaction, _rest: str) -> None:
        state.forget_mail()
        self._say(wire, "250 2.0.0 forgotten", self._fault("rset"))

    def _noop(self, wire: Wire, _state: _Transaction, _rest: str) -> None:
        self._say(wire, "250 2.0.0 still here")

    def _quit(self, wire: Wire, _state: _Transaction, _rest: str) -> None:
        self._say(wire, "221 2.0.0 bye", self._fault("quit"))
        raise Hangup

    _HANDLERS: Mapping[str, Callable[["ScriptedSmtpServer", Wire, _Transaction, str], None]] = {
        "EHLO": _ehlo,
        "HELO": _helo,
        "STARTTLS": _starttls,
        "AUTH": _auth,
        "MAIL": _mail,
        "RCPT": _rcpt,
        "DATA": _data,
        "RSET": _rset,
        "NOOP": _noop,
        "QUIT": _quit,
    }


def _is_refusal(fault: Fault | None) -> bool:
    return isinstance(fault, Answer | Raw)


def _challenge(wire: Wire, text: str) -> str:
    wire.send(f"334 {text}\r\n".encode())
    return wire.read_line()


def _credentials(
    wire: Wire, mechanism: str, initial: str, users: Mapping[str, str], tokens: Mapping[str, str]
) -> tuple[str, bool]:
    """Give who logs in and whether with the right secret; ValueError if the client's words cannot be read."""
    if mechanism == "LOGIN":
        user = _decoded(initial or _challenge(wire, "VXNlcm5hbWU6"))
        password = _decoded(_challenge(wire, "UGFzc3dvcmQ6"))
        return user, users.get(user) == password
    words = _decoded(initial or _challenge(wire, ""))
    if mechanism == "PLAIN":
        _, user, password = words.split("\0")
        return user, users.get(user) == password
    return bearer(words, tokens)


def _decoded(text: str) -> str:
    return base64.b64decode(text, validate=True).decode()
