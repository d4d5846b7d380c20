"""A scripted POP3 server (RFC 1939) on loopback: a maildrop with deletion at QUIT, and faults on order."""

import base64
import binascii
import re
import ssl
from collections.abc import Callable, Iterable, Mapping, Sequence

import attrs

from customerservice.testing.scripted import Fault, Hangup, Script, ScriptedServer, TlsUse, Wire, bearer


@attrs.frozen
class Drop:
    """One mail of the maildrop.

    Attributes:
        raw: its bytes; they should have CRLF line ends, and get a last one on the wire where they have none.
        uidl: its id; None leaves it out of the UIDL listing.
        size: what LIST announces; None announces the truth.
    """

    raw: bytes = attrs.field(repr=False)
    uidl: str | None
    size: int | None = None


@attrs.define
class _Session:
    """Where one client's dialogue stands."""

    user: str | None = None
    logged_in: bool = False
    drops: list[Drop] = attrs.Factory(list)
    deleted: set[int] = attrs.Factory(set)


class ScriptedPop3Server(ScriptedServer):
    r"""A POP3 server over a list of mails; see `ScriptedServer` for its life and its script.

    Stages of the script: ``connect`` (before TLS and greeting), ``greeting``, ``capa``, ``stls``, ``user``, ``pass``,
    ``auth``, ``stat``, ``list``, ``uidl``, ``retr``, ``top``, ``dele`` (each of the three also for one number, as
    ``retr:2``), ``quit`` (a fault there means that nothing is deleted). `Cut` at ``retr`` breaks the connection inside
    a body.

    >>> import poplib
    >>> with ScriptedPop3Server([b"Subject: hello\r\n\r\nworld\r\n"], users={"anna": "pass"}) as server:
    ...     client = poplib.POP3(server.host, server.port)
    ...     client.user("anna"), client.pass_("pass"), client.uidl()[1], client.dele(1), client.quit()
    ...     server.drops
    (b'+OK and the secret?', b'+OK 1 mails', [b'1 u1'], b'+OK marked', b'+OK bye')
    []

    Attributes:
        drops: the mails that are left; may be changed between sessions.
    """

    def __init__(
        self,
        mails: Iterable[bytes | Drop] = (),
        *,
        users: Mapping[str, str] | None = None,
        tokens: Mapping[str, str] | None = None,
        mechanisms: Sequence[str] = ("PLAIN", "XOAUTH2", "OAUTHBEARER"),
        capabilities: Sequence[str] = ("TOP", "UIDL", "USER"),
        challenge: str = "",
        auth_in_clear: bool = True,
        tls: TlsUse = "none",
        ssl_context: ssl.SSLContext | None = None,
        stls_suffix: bytes = b"",
        script: Script | None = None,
    ) -> None:
        """Listen at once, with a maildrop of these mails; bare bytes get the ids ``u1``, ``u2``...

        `users` (passwords) and `tokens` (access tokens) say who may log in; `challenge` is the first line of AUTH, in
        base64. Without `auth_in_clear` USER and AUTH are refused before TLS. `stls_suffix` is sent in clear text right
        behind the answer to STLS, as an attacker would.
        """
        self.drops = [
            mail if isinstance(mail, Drop) else Drop(mail, f"u{number}") for number, mail in enumerate(mails, 1)
        ]
        self._users = dict(users or {})
        self._tokens = dict(tokens or {})
        self._mechanisms = tuple(mechanisms)
        self._capabilities = tuple(capabilities)
        self._first_challenge = challenge
        self._auth_in_clear = auth_in_clear
        self._stls_suffix = stls_suffix
        super().__init__(tls=tls, ssl_context=ssl_context, script=script)

    def _serve(self, wire: Wire) -> None:
        self._say(wire, "+OK POP3 ready", self._fault("greeting"))
        session = _Session()
        while True:
            verb, _, rest = self._command(wire).partition(" ")
            handler = self._BEFORE_LOG_IN.get(verb.upper())
            if handler is None and session.logged_in:
                handler = self._AFTER_LOG_IN.get(verb.upper())
            if handler is None:
                self._say(wire, "-ERR no such command now")
            else:
                handler(self, wire, session, rest)

    def _say(self, wire: Wire, text: str, fault: Fault | None = None) -> bool:
        return wire.say(text.encode() + b"\r\n", fault)

    def _say_lines(self, wire: Wire, first: str, lines: Iterable[str], fault: Fault | None) -> None:
        wire.say("".join(f"{line}\r\n" for line in (first, *lines, ".")).encode(), fault)

    def _capa(self, wire: Wire, _session: _Session, _rest: str) -> None:
        lines = [*self._capabilities]
        if self._tls == "starttls" and not wire.is_tls:
            lines.append("STLS")
        if self._mechanisms and (wire.is_tls or self._auth_in_clear):
            lines.append("SASL " + " ".join(self._mechanisms))
        self._say_lines(wire, "+OK what there is", lines, self._fault("capa"))

    def _stls(self, wire: Wire, session: _Session, _rest: str) -> None:
        if self._tls != "starttls" or wire.is_tls or self._context is None:
            self._say(wire, "-ERR no TLS here")
            return
        if wire.say(b"+OK go ahead\r\n" + self._stls_suffix, self._fault("stls")):
            wire.start_tls(self._context)
            session.user = None

    def _user(self, wire: Wire, session: _Session, rest: str) -> None:
        if not (wire.is_tls or self._auth_in_clear):
            self._say(wire, "-ERR not in clear text")
        elif self._say(wire, "+OK and the secret?", self._fault("user")):
            session.user = rest

    def _pass(self, wire: Wire, session: _Session, rest: str) -> None:
        right = session.user is not None and self._users.get(session.user) == rest
        self._let_in(wire, session, right, self._fault("pass"))

    def _auth(self, wire: Wire, session: _Session, rest: str) -> None:
        mechanism, _, initial = rest.partition(" ")
        fault = self._fault("auth")
        if mechanism.upper() not in self._mechanisms or not (wire.is_tls or self._auth_in_clear):
            self._say(wire, "-ERR no such mechanism here", fault)
            return
        try:
            words = base64.b64decode(initial or _challenge(wire, self._first_challenge), validate=True).decode()
            right = self._is_right(mechanism.upper(), words)
        except (binascii.Error, ValueError):
            self._say(wire, "-ERR cannot decode that", fault)
            return
        if not right and mechanism.upper() in ("XOAUTH2", "OAUTHBEARER"):
            # The reason comes as a challenge that the client must answer before it hears the refusal (RFC 7628 3.2.3).
            _challenge(wire, base64.b64encode(b'{"status":"401","schemes":"bearer"}').decode())
        self._let_in(wire, session, right, fault)

    def _is_right(self, mechanism: str, words: str) -> bool:
        if mechanism == "PLAIN":
            _, user, password = words.split("\0")
            return self._users.get(user) == password
        return bearer(words, self._tokens)[1]

    def _let_in(self, wire: Wire, session: _Session, right: bool, fault: Fault | None) -> None:
        if not right:
            self._say(wire, "-ERR [AUTH] wrong user name or secret", fault)
        elif self._say(wire, f"+OK {len(self.drops)} mails", fault):
            session.logged_in, session.drops = True, list(self.drops)

    def _stat(self, wire: Wire, session: _Session, _rest: str) -> None:
        left = _left(session)
        self._say(wire, f"+OK {len(left)} {sum(_size(drop) for _, drop in left)}", self._fault("stat"))

    def _list(self, wire: Wire, session: _Session, _rest: str) -> None:
        lines = [f"{number} {_size(drop)}" for number, drop in _left(session)]
        self._say_lines(wire, "+OK sizes", lines, self._fault("list"))

    def _uidl(self, wire: Wire, session: _Session, _rest: str) -> None:
        lines = [f"{number} {drop.uidl}" for number, drop in _left(session) if drop.uidl is not None]
        self._say_lines(wire, "+OK ids", lines, self._fault("uidl"))

    def _retr(self, wire: Wire, session: _Session, rest: str) -> None:
        drop = _drop(session, rest)
        fault = self._fault(f"retr:{rest}", "retr")
        if drop is None:
            self._say(wire, "-ERR no such mail", fault)
        else:
            wire.say(b"+OK here it is\r\n" + _stuffed(drop.raw), fault)

    def _top(self, wire: Wire, session: _Session, rest: str) -> None:
        number, _, count = rest.partition(" ")
        drop = _drop(session, number)
        fault = self._fault(f"top:{number}", "top")
        if drop is None or not count.isdigit():
            self._say(wire, "-ERR no such mail", fault)
        else:
            header, blank, body = drop.raw.partition(b"\r\n\r\n")
            lines = body.splitlines(keepends=True)[: int(count)]
            wire.say(b"+OK here it is\r\n" + _stuffed(header + blank + b"".join(lines)), fault)

    def _dele(self, wire: Wire, session: _Session, rest: str) -> None:
        fault = self._fault(f"dele:{rest}", "dele")
        if _drop(session, rest) is None:
            self._say(wire, "-ERR no such mail", fault)
        elif self._say(wire, "+OK marked", fault):
            session.deleted.add(int(rest))

    def _rset(self, wire: Wire, session: _Session, _rest: str) -> None:
        session.deleted.clear()
        self._say(wire, "+OK nothing is marked")

    def _noop(self, wire: Wire, _session: _Session, _rest: str) -> None:
        self._say(wire, "+OK")

    def _quit(self, wire: Wire, session: _Session, _rest: str) -> None:
        fault = self._fault("quit")
        if fault is None:
            gone = {id(session.drops[number - 1]) for number in session.deleted}
            with self._lock:
                self.drops = [drop for drop in self.drops if id(drop) not in gone]
        self._say(wire, "+OK bye", fault)
        raise Hangup

    _BEFORE_LOG_IN: Mapping[str, Callable[["ScriptedPop3Server", Wire, _Session, str], None]] = {
        "CAPA": _capa,
        "STLS": _stls,
        "USER": _user,
        "PASS": _pass,
        "AUTH": _auth,
        "QUIT": _quit,
    }
    _AFTER_LOG_IN: Mapping[str, Callable[["ScriptedPop3Server", Wire, _Session, str], None]] = {
        "STAT": _stat,
        "LIST": _list,
        "UIDL": _uidl,
        "RETR": _retr,
        "TOP": _top,
        "DELE": _dele,
        "RSET": _rset,
        "NOOP": _noop,
    }


def _left(session: _Session) -> list[tuple[int, Drop]]:
    return [(number, drop) for number, drop in enumerate(session.drops, 1) if number not in session.deleted]


def _drop(session: _Session, number: str) -> Drop | None:
    if not number.isdigit() or not 1 <= int(number) <= len(session.drops) or int(number) in session.deleted:
        return None
    return session.drops[int(number) - 1]


def _size(drop: Drop) -> int:
    return len(drop.raw) if drop.size is None else drop.size


def _stuffed(raw: bytes) -> bytes:
    end = b"" if raw.endswith(b"\r\n") or not raw else b"\r\n"
    return re.sub(rb"(^|\r\n)\.", rb"\1..", raw) + end + b".\r\n"


def _challenge(wire: Wire, text: str) -> str:
    wire.send(f"+ {text}\r\n".encode())
    return wire.read_line()
