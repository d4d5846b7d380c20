"""One IMAP connection that shows nothing of imaplib or imapclient: commands in, values or `TransportError` out.

imapclient 4.1.0 with Python 3.11 sends CR and LF of arguments as they are, hands out bodies under the wrong key and
logs each line; imaplib reads literals of any size and asks CAPABILITY at will. Here both run over a `Wire`, each
argument is checked, and answers to FETCH are read from the raw response, where a literal's announced length shows.
"""

import datetime as dt
import hmac
import imaplib
import re
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import attrs
from imapclient import IMAPClient
from imapclient.datetime_util import parse_to_datetime
from imapclient.imap_utf7 import decode as decode_utf7
from imapclient.imap_utf7 import encode as encode_utf7

from customerservice.adapters.transports.connection import (
    MAX_LINE,
    Wire,
    oauthbearer,
    refusal,
    safe_argument,
    sasl_plain,
    transport_errors,
    xoauth2,
)
from customerservice.errors import (
    AuthenticationFailed,
    InsecureConnection,
    InvalidValue,
    ServerBusy,
    ServerMisbehaved,
    TlsFailed,
    TransportError,
)
from customerservice.ports.transports import Secret, TokenProvider

#: Longest line accepted from SEARCH, in bytes; a window that proves dense may hold a million UIDs.
MAX_SEARCH_LINE: Final = 16_000_000

#: Longest UID set in one command, in characters; some servers take lines of 8,192 bytes only (RFC 7162 4).
MAX_SET: Final = 6_000

#: IDLE is begun anew after this time, as servers and routers drop silent connections (RFC 2177: 29 minutes).
IDLE_AGAIN: Final = dt.timedelta(minutes=25)

#: Without IDLE the server is asked this often.
POLL: Final = dt.timedelta(seconds=60)

# nobody means a literal over 2 GB; to read and forget it would take for ever
_SANE = 2**31
_GOODBYE = dt.timedelta(seconds=5)
_FORBIDDEN = re.compile(rb"[\r\n\0]")
_TOKEN = re.compile(
    rb' *(?:"((?:[^"\\]|\\.)*)"|([()])|(~?\{[0-9]+\})$|([^ ()"{\[]+(?:\[[^\]]*\])?(?:<[0-9]+>)?))', re.DOTALL
)
_UTF7 = re.compile(r"(?:[ -%'-~]|&-|&[A-Za-z0-9+,]+-)*")
_COPYUID = re.compile(r"COPYUID [0-9]{1,12} ([0-9]{1,12}(?:[:,][0-9]{1,12})*) ")


class _Imap4(imaplib.IMAP4):
    """imaplib over a `Wire`: deadlines, bounded lines and literals, no log of what was sent, no CAPABILITY unasked."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.limit: dt.timedelta | None = None
        self.max_line = MAX_LINE
        self.max_literal = MAX_LINE
        self.leaving = False
        super().__init__()

    def open(self, host: str = "", port: int = 0, timeout: float | None = None) -> None:
        self.sock: Any = self.wire

    def read(self, size: int) -> bytes:
        if size <= self.max_literal:
            return self.wire.read(size)
        if size > _SANE:
            raise ServerMisbehaved(self.wire.stage, f"{self.wire.server} announced a text of {size} bytes")
        # the reader of the answer sees that the literal is missing, and what was announced
        self.wire.skip(size)
        return b""

    def readline(self) -> bytes:
        return self.wire.readline(self.max_line)

    def send(self, data: Any) -> None:
        self.wire.sendall(data)

    def shutdown(self) -> None:
        self.wire.close()

    def _command(self, name: str, *args: Any) -> Any:
        for argument in args:
            data = argument.encode() if isinstance(argument, str) else argument
            if _FORBIDDEN.search(data):
                raise InvalidValue("argument", f"control characters are not allowed in {name}")
        self.wire.begin(self.limit)
        return super()._command(name, *args)  # type: ignore[misc]  # typeshed leaves imaplib's inner methods out

    def _get_response(self, *args: Any) -> Any:
        response = super()._get_response(*args)  # type: ignore[misc]  # the same
        # imaplib goes on waiting for a server that said goodbye while it was logging us in
        if not self.leaving:
            self._check_bye()
        return response

    def _get_capabilities(self) -> None:
        # imaplib calls this after the greeting; we ask once it is known which answer will count
        self.capabilities: tuple[str, ...] = ("IMAP4REV1",)

    def _log(self, line: bytes) -> None:
        """Keep no copy of the last lines: the log-in is one of them."""


class _Client(IMAPClient):  # type: ignore[misc]  # imapclient has no type hints
    """imapclient over a `Wire`."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        super().__init__(wire.server, 0, ssl=False)
        # imapclient sets 5, which formats every line and makes fetching five to eight times slower
        self._imap.debug = 0

    def _create_IMAP4(self) -> _Imap4:  # noqa: N802 - the name is imapclient's
        return _Imap4(self._wire)


@attrs.frozen(kw_only=True)
class Answer:
    """The answer to one command: whether OK, the words of the tagged line, and the untagged data by name."""

    ok: bool
    words: str
    untagged: Mapping[str, Sequence[Any]]

    def number(self, name: str) -> int | None:
        """Give the last untagged number or response code of this name; None if there is none or it is no number."""
        values = self.untagged.get(name) or [b""]
        text = values[-1]
        return int(text) if isinstance(text, bytes) and text.isdigit() and len(text) < 20 else None


@attrs.frozen(kw_only=True)
class Literal:
    """A string of an answer: its bytes, and the length that was announced; over the limit the bytes are missing."""

    data: bytes = attrs.field(repr=False)
    announced: int

    @property
    def is_whole(self) -> bool:
        """Whether all announced bytes are here."""
        return len(self.data) == self.announced


@attrs.frozen
class FetchAnswer:
    """One untagged FETCH: its UID and its other attributes by upper-case name (None for NIL, a list for a list)."""

    uid: int
    values: Mapping[str, bytes | Literal | Sequence[bytes] | None]

    def number(self, name: str) -> int | None:
        """Give an attribute that is a number; None if it is missing or not one."""
        value = self.values.get(name)
        return int(value) if isinstance(value, bytes) and value.isdigit() and len(value) < 20 else None

    def moment(self, name: str) -> dt.datetime | None:
        """Give an attribute that is a date and time, in UTC; None if it is missing or cannot be read."""
        value = self.values.get(name)
        if not isinstance(value, Literal):
            return None
        try:
            moment: dt.datetime = parse_to_datetime(value.data, normalise=False)
            return moment.astimezone(dt.UTC) if moment.tzinfo else None
        except (ValueError, OverflowError):
            return None

    def flags(self) -> frozenset[bytes]:
        """Give the flags in lower case; empty if they are missing."""
        value = self.values.get("FLAGS")
        return frozenset(flag.lower() for flag in value) if isinstance(value, list) else frozenset()


class ImapClient:
    """One connection to an IMAP server, from its greeting to LOGOUT. Not thread-safe.

    After a `TransportError` the connection is in an unknown state: only `drop` may follow.

    Attributes:
        wire: the connection; its `stage` is what errors are raised with.
        is_preauthenticated: the server's greeting already logged us in.
    """

    def __init__(self, wire: Wire) -> None:
        """Read the greeting.

        Raises:
            TransportError: stage ``connect``.
        """
        self.wire = wire
        with transport_errors("connect", wire.server):
            self._client = _Client(wire)
        self._imap: _Imap4 = self._client._imap
        # imaplib raises at the next command if a folder turns out read-only; we look for ourselves
        self._imap.is_readonly = True
        self._capabilities = _capabilities(self._imap.untagged_responses)
        self._epoch: int | None = None
        self.is_preauthenticated = self._imap.state == "AUTH"

    def command(self, name: str, *arguments: str | bytes, hidden: Sequence[str] = ()) -> Answer:
        """Send a command and read its whole answer; NO is an answer.

        Raises:
            TransportError: BAD, BYE, an answer outside the protocol, or trouble with the connection.
        """
        with transport_errors(self.wire.stage, self.wire.server, hidden):
            self._imap.untagged_responses.clear()
            kind, data = self._imap._simple_command(name, *arguments)
            return self._answer(kind, data)

    def _answer(self, kind: str, data: Sequence[Any]) -> Answer:
        untagged = dict(self._imap.untagged_responses)
        self._imap.untagged_responses.clear()
        words = data[-1].decode("utf-8", "replace") if data and isinstance(data[-1], bytes) else ""
        answer = Answer(ok=kind == "OK", words=words, untagged=untagged)
        if self._epoch is not None and "UIDVALIDITY" in untagged and answer.number("UIDVALIDITY") != self._epoch:
            raise ServerMisbehaved(self.wire.stage, f"{self.wire.server} changed the UIDVALIDITY of an open folder")
        return answer

    def _require(self, answer: Answer, hidden: Sequence[str] = ()) -> Answer:
        if not answer.ok:
            raise refusal(self.wire.stage, self.wire.server, answer.words, hidden)
        return answer

    @property
    def capabilities(self) -> frozenset[str]:
        """What the server can do now, in upper case; asked for if it was not announced."""
        if self._capabilities is None:
            answer = self._require(self.command("CAPABILITY"))
            self._capabilities = _capabilities(answer.untagged) or frozenset()
        return self._capabilities

    def start_tls(self, context: ssl.SSLContext, *, required: bool) -> None:
        """Put the connection under TLS; without `required`, go on in clear text where the server does not offer it.

        Raises:
            TlsFailed: it is required and not offered, or the handshake failed; there is never a way back to clear text.
            InsecureConnection: it is required, and the server's greeting logged us in before.
        """
        self.wire.stage = "tls"
        if self.is_preauthenticated:
            if required:
                raise InsecureConnection(
                    "tls", f"{self.wire.server} skips the log-in in clear text (PREAUTH), where STARTTLS is impossible"
                )
            return
        if self._capabilities is not None and "STARTTLS" not in self._capabilities:
            answer = None
        else:
            # unknown: to try costs no more than to ask, and BAD is the answer of a server without it
            try:
                answer = self.command("STARTTLS")
            except TlsFailed:
                answer = None
        if answer is None or not answer.ok:
            if required:
                raise TlsFailed(
                    "tls",
                    f"{self.wire.server} offers no STARTTLS; nothing was sent. Does it speak TLS on port 993 (/ssl)?",
                )
            return
        self.wire.start_tls(context)
        self._capabilities = None

    def log_in(self, user: str, secret: Secret, *, authuser: str | None, challenge_only: bool) -> None:
        """Log in with a password, once. `authuser` is the account whose password it is, to act for `user`.

        Raises:
            AuthenticationFailed: refused, or no way is offered that these options allow.
        """
        self.wire.stage = "login"
        offered = self.capabilities
        password = safe_argument("password", secret.reveal())
        if challenge_only:
            if "AUTH=CRAM-MD5" not in offered or authuser is not None:
                raise AuthenticationFailed(
                    "login",
                    f"{self.wire.server} offers no challenge mechanism (CRAM-MD5), and /secure allows nothing else",
                )
            self._authenticate("CRAM-MD5", _cram_md5(user, password), (password,))
        elif "AUTH=PLAIN" in offered or authuser is not None:
            words = sasl_plain(authuser or user, secret, acting_for=user if authuser else "")
            self._authenticate("PLAIN", _say_once(words), (password, words.decode()))
        elif "LOGINDISABLED" in offered:
            raise AuthenticationFailed("login", f"{self.wire.server} offers no log-in with a password; use OAuth")
        else:
            answer = self.command("LOGIN", _quoted(user.encode()), _quoted(password.encode()), hidden=(password,))
            self._logged_in(self._require(answer, (password,)))

    def log_in_with_token(self, user: str, provider: TokenProvider) -> None:
        """Log in with an access token; a refused one is refreshed once and tried once more.

        Raises:
            AuthenticationFailed: the fresh token was refused too, or the server takes no tokens.
        """
        self.wire.stage = "login"
        if "AUTH=XOAUTH2" in self.capabilities:
            mechanism, compose, rest = "XOAUTH2", xoauth2, b""
        elif "AUTH=OAUTHBEARER" in self.capabilities:
            # RFC 7628 3.2.3: the reason of a refusal is answered by one ^A
            mechanism, compose, rest = "OAUTHBEARER", oauthbearer, b"\x01"
        else:
            raise AuthenticationFailed("login", f"{self.wire.server} offers neither XOAUTH2 nor OAUTHBEARER")
        for refresh in (False, True):
            token = provider.token(refresh=refresh).value
            words = compose(user, token)
            try:
                self._authenticate(mechanism, _say_once(words, rest), (token.reveal(), words.decode()))
            except AuthenticationFailed:
                if refresh:
                    raise
            else:
                return

    def log_in_anonymously(self) -> None:
        """Log in without account (RFC 4505)."""
        self.wire.stage = "login"
        self._authenticate("ANONYMOUS", _say_once(b"anonymous"), ())

    def _authenticate(self, mechanism: str, speak: Callable[[bytes], bytes | None], hidden: Sequence[str]) -> None:
        with transport_errors("login", self.wire.server, hidden):
            self._imap.untagged_responses.clear()
            kind, data = self._imap.authenticate(mechanism, speak)
            self._logged_in(self._answer(kind, data))

    def _logged_in(self, answer: Answer) -> None:
        self._imap.state = "AUTH"
        self._capabilities = _capabilities(answer.untagged)

    def select(self, folder: str, *, read_only: bool) -> Answer:
        """Open a folder; the answer holds EXISTS, UIDVALIDITY, UIDNEXT and READ-ONLY as the server gave them.

        Raises:
            FolderUnavailable: it is not there, or may not be opened.
            ServerMisbehaved: it has no usable UIDVALIDITY, so that its mails could not be told apart.
        """
        self.wire.stage = "select"
        name = "EXAMINE" if read_only else "SELECT"
        answer = self._require(self.command(name, folder_argument(folder)))
        self._imap.state = "SELECTED"
        epoch = answer.number("UIDVALIDITY")
        if epoch is None or not 0 < epoch < 2**32:
            raise ServerMisbehaved(
                "select", f"{self.wire.server} gives no usable UIDVALIDITY for {folder}, so mails cannot be told apart"
            )
        self._epoch = epoch
        return answer

    def search(self, *criteria: str) -> Sequence[int]:
        """Give the UIDs that UID SEARCH finds, ascending, each once."""
        self._imap.max_line = MAX_SEARCH_LINE
        try:
            answer = self._require(self.command("UID", "SEARCH", *criteria))
        finally:
            self._imap.max_line = MAX_LINE
        words = b" ".join(line for line in answer.untagged.get("SEARCH", ()) if isinstance(line, bytes)).split()
        if not all(word.isdigit() and len(word) <= 10 for word in words):
            raise ServerMisbehaved(
                self.wire.stage, f"{self.wire.server} answered SEARCH with something else than numbers"
            )
        return sorted({int(word) for word in words})

    def fetch(self, uid_set: str, items: str, *, max_literal: int = MAX_LINE) -> Sequence[FetchAnswer]:
        """Give the answers of UID FETCH in the order of the server; what cannot be read or has no UID is left out.

        A literal over `max_literal` is read and forgotten. NO gives what came before it: mails that are not in the
        answer are the caller's to judge.

        Raises:
            ServerBusy: the server asks to come back later.
        """
        self._imap.max_literal = max_literal
        try:
            answer = self.command("UID", "FETCH", uid_set, items)
        finally:
            self._imap.max_literal = MAX_LINE
        if not answer.ok:
            error = refusal(self.wire.stage, self.wire.server, answer.words)
            if isinstance(error, ServerBusy):
                raise error
        found = (_fetch_answer(pieces) for pieces in _responses(answer.untagged.get("FETCH", ())))
        return [one for one in found if one is not None]

    def wait(self, seconds: float) -> bool:
        """Wait until the server tells of new mail, at most `seconds`; by IDLE, or by asking each `POLL`."""
        self.wire.stage = "list"
        end = time.monotonic() + seconds
        idle = "IDLE" in self.capabilities
        most = (IDLE_AGAIN if idle else POLL).total_seconds()
        while (left := min(end - time.monotonic(), most)) > 0:
            if self._idle(left) if idle else self._poll(left):
                return True
        return False

    def _idle(self, seconds: float) -> bool:
        with transport_errors(self.wire.stage, self.wire.server):
            self._imap.untagged_responses.clear()
            end = time.monotonic() + seconds
            # imapclient would ask for the capabilities, which we know
            self._client._cached_capabilities = (b"IDLE",)
            self._client.idle()
            while "EXISTS" not in self._imap.untagged_responses and (left := end - time.monotonic()) > 0:
                if not self.wire.wait_readable(left):
                    break
                # a line that came in part is read to its end
                self.wire.begin()
                self._imap._get_response()
            self.wire.begin()
            self._client.idle_done()
            return "EXISTS" in self._imap.untagged_responses

    def _poll(self, seconds: float) -> bool:
        self.wire.wait_readable(seconds)
        return "EXISTS" in self.command("NOOP").untagged

    def log_out(self) -> None:
        """Say LOGOUT, which removes nothing, and hang up; never raises."""
        self._imap.limit = min(_GOODBYE, self.wire.limits.read)
        self._imap.leaving = True
        try:
            self.command("LOGOUT")
        except (TransportError, InvalidValue):
            pass
        self.drop()

    def drop(self) -> None:
        """Hang up; never raises."""
        self.wire.close()


def uid_sets(uids: Iterable[int]) -> Iterator[tuple[str, Sequence[int]]]:
    """Give UIDs as sets with neighbours joined (``1:3,7``), of at most `MAX_SET` characters, each with its members.

    `uids` ascend; a set never holds another UID.
    """
    ranges: list[str] = []
    members: list[int] = []
    length = 0
    for first, last in _runs(uids):
        text = str(first) if first == last else f"{first}:{last}"
        if ranges and length + len(text) + 1 > MAX_SET:
            yield ",".join(ranges), members
            ranges, members, length = [], [], 0
        ranges.append(text)
        members.extend(range(first, last + 1))
        length += len(text) + 1
    if ranges:
        yield ",".join(ranges), members


def copied(answer: Answer, uids: Iterable[int]) -> frozenset[int] | None:
    """Give those of `uids` that MOVE or COPY says it took (RFC 4315 3, COPYUID); None if it does not say."""
    codes = [code.decode("ascii", "replace") for code in answer.untagged.get("COPYUID", ()) if isinstance(code, bytes)]
    for line in (answer.words, *(f"COPYUID {code} " for code in codes)):
        match = _COPYUID.search(line)
        if match:
            # ranges are compared, not spelled out: a hostile one has four thousand million members
            ranges = [sorted(map(int, part.split(":"))) for part in match[1].split(",")]
            return frozenset(uid for uid in uids if any(ends[0] <= uid <= ends[-1] for ends in ranges))
    return None


def folder_argument(name: str) -> bytes:
    """Give a folder's name as an argument: quoted, in modified UTF-7 (RFC 3501 5.1.3); "" is INBOX.

    A name that is already in that coding, as in mailbox strings copied from older software, stays as it is.
    """
    safe_argument("folder", name)
    if "&" in name and _UTF7.fullmatch(name) and encode_utf7(decode_utf7(name.encode("ascii"))) == name.encode("ascii"):
        return _quoted(name.encode("ascii"))
    return _quoted(encode_utf7(name or "INBOX"))


def search_day(day: dt.date) -> str:
    """Give a day as SEARCH wants it, whatever the locale (RFC 3501 9, date)."""
    month = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")[day.month - 1]
    return f"{day.day}-{month}-{day.year:04}"


def _quoted(data: bytes) -> bytes:
    return b'"' + data.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


def _runs(uids: Iterable[int]) -> Iterator[tuple[int, int]]:
    first = last = None
    for uid in uids:
        if last is not None and first is not None:
            if uid == last + 1:
                last = uid
                continue
            yield first, last
        first = last = uid
    if first is not None and last is not None:
        yield first, last


def _capabilities(untagged: Mapping[str, Sequence[Any]]) -> frozenset[str] | None:
    lines = [line for line in untagged.get("CAPABILITY", ()) if isinstance(line, bytes)]
    return frozenset(lines[-1].decode("ascii", "replace").upper().split()) if lines else None


def _say_once(words: bytes, rest: bytes = b"") -> Callable[[bytes], bytes | None]:
    """Answer the first challenge with `words` and each further one, which tells why we are refused, with `rest`."""
    answers = iter((words,))
    return lambda _challenge: next(answers, rest)


def _cram_md5(user: str, password: str) -> Callable[[bytes], bytes | None]:
    return lambda challenge: f"{user} {hmac.new(password.encode(), challenge, 'md5').hexdigest()}".encode()


def _responses(data: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Cut imaplib's flat list into responses: pairs of line and literal, each response closed by a line of its own."""
    pieces: list[Any] = []
    for piece in data:
        pieces.append(piece)
        if isinstance(piece, bytes):
            yield pieces
            pieces = []


def _tokens(pieces: Sequence[Any]) -> Iterator[bytes | Literal]:
    """Give the tokens of one response; strings as `Literal`; nothing more after text that is no token."""
    for piece in pieces:
        line, literal = piece if isinstance(piece, tuple) else (piece, None)
        position = 0
        while position < len(line):
            match = _TOKEN.match(line, position)
            if match is None:
                yield b"?"
                return
            position = match.end()
            quoted, parenthesis, brace, atom = match.groups()
            if quoted is not None:
                text = re.sub(rb"\\(.)", rb"\1", quoted)
                yield Literal(data=text, announced=len(text))
            elif brace is not None and literal is not None:
                yield Literal(data=literal, announced=int(brace.strip(b"~{}")))
            else:
                yield parenthesis or atom or b"?"


def _fetch_answer(pieces: Sequence[Any]) -> FetchAnswer | None:
    """Read one untagged FETCH (RFC 3501 7.4.2); None if it is malformed, names something twice, or has no UID."""
    values: dict[str, Any] = {}
    name: str | None = None
    inner: list[bytes] | None = None
    depth = 0
    for token in _tokens(pieces):
        if token == b"?":
            return None
        if token == b"(":
            depth += 1
            if depth == 2:
                inner = []
        elif token == b")":
            depth -= 1
            if depth == 1 and name is not None:
                values[name], name, inner = inner, None, None
        elif depth > 1 and inner is not None:
            inner.append(token if isinstance(token, bytes) else token.data)
        elif depth == 1 and name is None:
            if not isinstance(token, bytes) or token.decode("ascii", "replace").upper() in values:
                return None
            name = token.decode("ascii", "replace").upper()
        elif depth == 1 and name is not None:
            values[name], name = None if token == b"NIL" else token, None
    uid = values.pop("UID", None)
    if depth != 0 or name is not None or not isinstance(uid, bytes) or not uid.isdigit() or len(uid) > 10:
        return None
    return FetchAnswer(int(uid), values)
