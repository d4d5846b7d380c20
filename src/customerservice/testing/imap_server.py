"""A scripted IMAP server (RFC 3501, UIDPLUS, MOVE, IDLE) on loopback: real mailboxes, and faults to order."""

import base64
import binascii
import bisect
import datetime as dt
import hmac
import re
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Literal

import attrs

from customerservice.testing.scripted import Answer, Fault, Hangup, Raw, Script, ScriptedServer, TlsUse, Wire, bearer
from customerservice.testing.smtp_server import AuthAttempt

#: What the server offers beside STARTTLS and the ways to log in.
USUAL_EXTENSIONS = ("UIDPLUS", "MOVE", "IDLE", "UNSELECT", "LITERAL+")

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_LITERAL = re.compile(r"\{([0-9]+)(\+?)\}$")
_TOKEN = re.compile(r'"((?:[^"\\]|\\.)*)"|([()])|(BODY(?:\.PEEK)?\[[^\]]*\](?:<[0-9.]+>)?)|([^ ()"]+)')
_BODY = re.compile(r"BODY(\.PEEK)?\[(HEADER)?\](?:<0\.([0-9]+)>)?")


@attrs.frozen(kw_only=True)
class ServedMail:
    """One mail in a folder of the server.

    Attributes:
        flags: with their backslash, as clients set them.
        announced_size: the RFC822.SIZE to tell; None for the true one.
    """

    uid: int
    raw: bytes = attrs.field(repr=False)
    received_at: dt.datetime
    flags: frozenset[str] = frozenset()
    announced_size: int | None = None


class Folder:
    """One folder of one user; changed by clients and, through the server's methods, by a test.

    Attributes:
        uidvalidity: changes with `renumber`.
        tells_next: the UIDNEXT that SELECT tells: the truth, a number instead, or None for nothing.
        tells_count: whether SELECT tells how many mails there are.
        next_uid: what the next mail gets.
        read_only: opened ``[READ-ONLY]`` even by SELECT; stores are accepted without effect, as Dovecot does.
    """

    def __init__(self, uidvalidity: int = 1) -> None:
        self.uidvalidity = uidvalidity
        self.next_uid = 1
        self.read_only = False
        self.tells_count = True
        self.tells_next: int | Literal["truth"] | None = "truth"
        self._mails: dict[int, ServedMail] = {}
        self._uids: list[int] = []

    @property
    def mails(self) -> Sequence[ServedMail]:
        """The mails, ascending by UID."""
        return [self._mails[uid] for uid in self._uids]

    @property
    def uids(self) -> Sequence[int]:
        """The UIDs, ascending."""
        return tuple(self._uids)

    def get(self, uid: int) -> ServedMail | None:
        """Give the mail with this UID, None if it is not there."""
        return self._mails.get(uid)

    def add(
        self,
        raw: bytes,
        *,
        received_at: dt.datetime,
        flags: Iterable[str] = (),
        announced_size: int | None = None,
        uid: int | None = None,
    ) -> ServedMail:
        """Append a mail; `uid` may skip numbers but not go back."""
        number = self.next_uid if uid is None else uid
        if number < self.next_uid:
            raise ValueError(f"UIDs ascend: the next is {self.next_uid} or more")
        mail = ServedMail(
            uid=number, raw=raw, received_at=received_at, flags=frozenset(flags), announced_size=announced_size
        )
        self._mails[number] = mail
        self._uids.append(number)
        self.next_uid = number + 1
        return mail

    def sequence(self, uid: int) -> int:
        """Give the sequence number of a mail, from 1."""
        return bisect.bisect_left(self._uids, uid) + 1

    def change_flags(self, uid: int, flags: frozenset[str]) -> None:
        """Replace the flags of a mail."""
        self._mails[uid] = attrs.evolve(self._mails[uid], flags=flags)

    def remove(self, uid: int) -> ServedMail:
        """Take a mail out."""
        self._uids.remove(uid)
        return self._mails.pop(uid)

    def renumber(self, uidvalidity: int) -> None:
        """Start a new epoch: the mails stay, with UIDs from 1."""
        kept = self.mails
        self.uidvalidity, self.next_uid, self._mails, self._uids = uidvalidity, 1, {}, []
        for mail in kept:
            self.add(mail.raw, received_at=mail.received_at, flags=mail.flags, announced_size=mail.announced_size)

    def within(self, uid_set: str) -> Sequence[int]:
        """Give the UIDs of a set as ``1:5,9,12:*``, ascending; ``*`` is the highest there is (RFC 3501 9)."""
        found: set[int] = set()
        for part in uid_set.split(","):
            low, _, high = part.partition(":")
            first, last = sorted((self._number(low), self._number(high or low)))
            found.update(self._uids[bisect.bisect_left(self._uids, first) : bisect.bisect_right(self._uids, last)])
        return sorted(found)

    def _number(self, text: str) -> int:
        return (self._uids[-1] if self._uids else 0) if text == "*" else int(text)


@attrs.define
class _Session:
    """Where one client's dialogue stands."""

    wire: Wire
    user: str | None = None
    folder: Folder | None = None
    examined: bool = False
    #: number of mails the client was told of.
    told: int = 0


class ScriptedImapServer(ScriptedServer):
    r"""An IMAP server that holds mails in memory; see `ScriptedServer` for its life and its script.

    Stages of the script: ``connect`` (before TLS), ``greeting``, ``capability``, ``starttls``, ``login``,
    ``authenticate``, ``select``, ``search``, ``fetch-sizes``, ``fetch-bodies``, ``fetch`` (any), ``store``, ``move``,
    ``copy``, ``expunge`` (UID EXPUNGE), ``create``, ``append``, ``idle``, ``done``, ``noop``, ``logout``. In the texts
    of `Answer` and `Raw`, ``{tag}`` stands for the tag of the command.

    >>> import imaplib
    >>> with ScriptedImapServer(users={"anna": "secret"}) as server:
    ...     uid = server.deliver(b"Subject: hello\r\n\r\n", user="anna")
    ...     with imaplib.IMAP4(server.host, server.port) as client:
    ...         _ = client.login("anna", "secret")
    ...         _ = client.select()
    ...         client.uid("SEARCH", "UID", "1:*")
    ('OK', [b'1'])

    Attributes:
        attempts: who tried to log in.
        idling: set once a client waits in IDLE.
    """

    def __init__(
        self,
        *,
        users: Mapping[str, str] | None = None,
        tokens: Mapping[str, str] | None = None,
        tls: TlsUse = "none",
        ssl_context: ssl.SSLContext | None = None,
        script: Script | None = None,
        mechanisms: Sequence[str] | None = None,
        extensions: Sequence[str] = USUAL_EXTENSIONS,
        announces: bool = True,
        preauth: str | None = None,
        offers_starttls: bool = True,
        starttls_suffix: bytes = b"",
    ) -> None:
        """Listen at once.

        `users` (passwords) and `tokens` (access tokens) by name are who may log in, each with an empty INBOX;
        `mechanisms` are those of AUTHENTICATE, by default PLAIN and with `tokens` those for them; CRAM-MD5 and
        ANONYMOUS (as the first user) are known too. `announces` says whether greeting and log-in carry the
        capabilities. `preauth` greets as this user, logged in.
        `offers_starttls` false leaves STARTTLS out of what is offered; `starttls_suffix` is sent in clear text right
        behind the answer to STARTTLS, as an attacker would.
        """
        self.attempts: list[AuthAttempt] = []
        self.users = dict(users or {})
        self.tokens = dict(tokens or {})
        usual = ("PLAIN", "XOAUTH2", "OAUTHBEARER") if self.tokens else ("PLAIN",)
        self._mechanisms = usual if mechanisms is None else tuple(mechanisms)
        self._extensions = tuple(extensions)
        self._announces = announces
        self._preauth = preauth
        self._offers_starttls = offers_starttls
        self._starttls_suffix = starttls_suffix
        self._changing = threading.RLock()
        self._idling: dict[int, _Session] = {}
        self.idling = threading.Event()
        names = [*self.users, *self.tokens, *([preauth] if preauth else [])]
        self._folders: dict[str, dict[str, Folder]] = {name: {"INBOX": Folder()} for name in names}
        super().__init__(tls=tls, ssl_context=ssl_context, script=script)

    def folder(self, name: str = "INBOX", *, user: str | None = None) -> Folder:
        """Give a folder, made if it is not there; `user` may be left out where there is only one."""
        with self._changing:
            owner = user if user is not None else next(iter(self._folders))
            return self._folders[owner].setdefault(name, Folder())

    def deliver(
        self,
        raw: bytes,
        *,
        user: str | None = None,
        folder: str = "INBOX",
        received_at: dt.datetime | None = None,
        flags: Iterable[str] = (),
        announced_size: int | None = None,
        uid: int | None = None,
    ) -> int:
        """Put a mail into a folder, tell the clients that wait in IDLE, and give its UID."""
        with self._changing:
            target = self.folder(folder, user=user)
            mail = target.add(
                raw,
                received_at=received_at or dt.datetime.now(dt.UTC),
                flags=flags,
                announced_size=announced_size,
                uid=uid,
            )
            for session in self._idling.values():
                if session.folder is target:
                    session.wire.send(_news(session))
            return mail.uid

    def mails(self, *, user: str | None = None, folder: str = "INBOX") -> Sequence[ServedMail]:
        """Give what a folder holds, ascending by UID."""
        with self._changing:
            return self.folder(folder, user=user).mails

    def remove(self, uid: int, *, user: str | None = None, folder: str = "INBOX") -> None:
        """Remove a mail, as another mail program does."""
        with self._changing:
            self.folder(folder, user=user).remove(uid)

    @property
    def verbs(self) -> Sequence[str]:
        """What clients asked, in order, without tags and arguments: ``LOGIN``, ``UID FETCH``..."""
        found = []
        for command in self.commands:
            words = command.line.upper().split(" ")
            found.append(" ".join(words[1:3]) if words[1:2] == ["UID"] else " ".join(words[1:2]))
        return found

    @property
    def _capabilities(self) -> str:
        return " ".join(["IMAP4rev1", *self._extensions, *(f"AUTH={name}" for name in self._mechanisms)])

    def _offer(self, session: _Session) -> str:
        starttls = self._tls == "starttls" and not session.wire.is_tls and self._offers_starttls
        return self._capabilities + (" STARTTLS" if starttls else "")

    def _code(self, session: _Session) -> str:
        return f"[CAPABILITY {self._offer(session)}] " if self._announces else ""

    def _serve(self, wire: Wire) -> None:
        session = _Session(wire, user=self._preauth)
        word = "PREAUTH" if self._preauth else "OK"
        self._say(session, "*", f"* {word} {self._code(session)}ready", "greeting")
        while True:
            tag, words = self._read(session)
            verb = words[0].upper() if words else ""
            arguments = words[1:]
            if verb == "UID" and arguments:
                verb, arguments = f"UID {arguments[0].upper()}", arguments[1:]
            handler = self._HANDLERS.get(verb)
            try:
                if handler is None:
                    _reply(session, f"{tag} BAD no such command")
                elif session.folder is None and verb in self._NEEDS_FOLDER:
                    _reply(session, f"{tag} BAD select a folder first")
                elif session.user is None and verb not in self._BEFORE_LOGIN:
                    _reply(session, f"{tag} BAD log in first")
                else:
                    handler(self, session, tag, arguments)
            except (ValueError, IndexError, KeyError):
                _reply(session, f"{tag} BAD cannot read that")

    def _read(self, session: _Session) -> tuple[str, list[str]]:
        """Read one command with its literals: its tag and its words, quotation marks taken off, parentheses kept."""
        line = self._command(session.wire)
        words: list[str] = []
        while literal := _LITERAL.search(line):
            words += _words(line[: literal.start()])
            if not literal[2]:
                session.wire.send(b"+ go on\r\n")
            words.append(session.wire.read_exactly(int(literal[1])).decode("utf-8", "surrogateescape"))
            line = session.wire.read_line()
        words += _words(line)
        return (words[0] if words else "*"), words[1:]

    def _say(self, session: _Session, tag: str, usual: str | bytes, *stages: str) -> bool:
        """Give the usual answer or what the script says at these stages; True if the usual one went out."""
        fault = self._fault(*stages)
        data = usual if isinstance(usual, bytes) else usual.replace("\n", "\r\n").encode() + b"\r\n"
        return session.wire.say(data, _tagged(fault, tag))

    def _capability(self, session: _Session, tag: str, _words: list[str]) -> None:
        self._say(session, tag, f"* CAPABILITY {self._offer(session)}\n{tag} OK done", "capability")

    def _noop(self, session: _Session, tag: str, _words: list[str]) -> None:
        self._say(session, tag, _news(session) + f"{tag} OK done\r\n".encode(), "noop")

    def _logout(self, session: _Session, tag: str, _words: list[str]) -> None:
        self._say(session, tag, f"* BYE see you\n{tag} OK done", "logout")
        raise Hangup

    def _starttls(self, session: _Session, tag: str, _words: list[str]) -> None:
        if self._tls != "starttls" or session.wire.is_tls or self._context is None or not self._offers_starttls:
            self._say(session, tag, f"{tag} BAD no TLS here", "starttls")
        elif self._say(session, tag, f"{tag} OK begin\r\n".encode() + self._starttls_suffix, "starttls"):
            session.wire.start_tls(self._context)

    def _login(self, session: _Session, tag: str, words: list[str]) -> None:
        user, password = words
        self._welcome(session, tag, "LOGIN", user, self.users.get(user) == password, "login")

    def _authenticate(self, session: _Session, tag: str, words: list[str]) -> None:
        mechanism = words[0].upper()
        if mechanism not in self._mechanisms:
            self._say(session, tag, f"{tag} NO no such mechanism", "authenticate")
            return
        if mechanism == "CRAM-MD5":
            user, right = self._cram_md5(session)
            self._welcome(session, tag, mechanism, user, right, "authenticate")
            return
        said = words[1] if len(words) > 1 else self._challenge(session, b"")
        try:
            text = base64.b64decode(said, validate=True).decode()
        except (binascii.Error, ValueError):
            text = ""
        if mechanism == "ANONYMOUS":
            self._welcome(session, tag, mechanism, next(iter(self._folders)), True, "authenticate")
            return
        if mechanism == "PLAIN":
            acting_for, user, password = text.split("\0")
            right = self.users.get(user) == password
            self._welcome(session, tag, mechanism, acting_for or user, right, "authenticate")
            return
        user, right = bearer(text, self.tokens)
        if not right:
            # The reason comes as a challenge that the client must answer before it hears the refusal (RFC 7628 3.2.3).
            self._challenge(session, b'{"status":"401","schemes":"bearer"}')
        self._welcome(session, tag, mechanism, user, right, "authenticate")

    def _cram_md5(self, session: _Session) -> tuple[str, bool]:
        challenge = b"<1896.697170952@mail.example>"
        user, _, digest = base64.b64decode(self._challenge(session, challenge)).decode().rpartition(" ")
        password = self.users.get(user, "")
        return user, hmac.compare_digest(hmac.new(password.encode(), challenge, "md5").hexdigest(), digest)

    def _challenge(self, session: _Session, text: bytes) -> str:
        session.wire.send(b"+ " + base64.b64encode(text) + b"\r\n")
        return session.wire.read_line()

    def _welcome(self, session: _Session, tag: str, mechanism: str, user: str, right: bool, stage: str) -> None:
        self.attempts.append(AuthAttempt(mechanism, user, session.wire.is_tls, right))
        if not right:
            self._say(session, tag, f"{tag} NO [AUTHENTICATIONFAILED] wrong user name or secret", stage)
        elif self._say(session, tag, f"{tag} OK {self._code(session)}welcome", stage):
            session.user = user

    def _select(self, session: _Session, tag: str, words: list[str], *, examine: bool = False) -> None:
        with self._changing:
            folder = self._known(session, words[0])
            if folder is None:
                self._say(session, tag, f"{tag} NO [NONEXISTENT] no such folder", "select")
                return
            session.folder, session.told = folder, len(folder.uids)
            session.examined = examine or folder.read_only
            access = "READ-ONLY" if session.examined else "READ-WRITE"
            answer = (
                "* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)\n"
                f"{f'* {len(folder.uids)} EXISTS' if folder.tells_count else '* 0 RECENT'}\n"
                "* OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft \\*)] flags\n"
                f"* OK [UIDVALIDITY {folder.uidvalidity}] epoch\n{_told_next(folder)}"
                f"{tag} OK [{access}] done"
            )
        self._say(session, tag, answer, "select")

    def _examine(self, session: _Session, tag: str, words: list[str]) -> None:
        self._select(session, tag, words, examine=True)

    def _unselect(self, session: _Session, tag: str, _words: list[str]) -> None:
        session.folder = None
        self._say(session, tag, f"{tag} OK done", "unselect")

    def _known(self, session: _Session, name: str) -> Folder | None:
        return self._folders[session.user or ""].get("INBOX" if name.upper() == "INBOX" else name)

    def _list(self, session: _Session, tag: str, _words: list[str]) -> None:
        lines = [f'* LIST () "/" "{name}"' for name in self._folders[session.user or ""]]
        self._say(session, tag, "\n".join([*lines, f"{tag} OK done"]), "list")

    def _create(self, session: _Session, tag: str, words: list[str]) -> None:
        if self._say(session, tag, f"{tag} OK done", "create"):
            self.folder(words[0], user=session.user)

    def _append(self, session: _Session, tag: str, words: list[str]) -> None:
        folder = self._known(session, words[0])
        if folder is None:
            self._say(session, tag, f"{tag} NO [TRYCREATE] no such folder", "append")
        elif self._say(session, tag, f"{tag} OK [APPENDUID {folder.uidvalidity} {folder.next_uid}] done", "append"):
            flags = [word for word in words[1:-1] if word.startswith("\\")]
            raw = words[-1].encode("utf-8", "surrogateescape")
            self.deliver(raw, user=session.user, folder=words[0], flags=flags)

    def _search(self, session: _Session, tag: str, words: list[str]) -> None:
        folder = _folder(session)
        with self._changing:
            found = list(folder.uids)
            criteria = iter(words)
            for word in criteria:
                matching = _matching(folder, word.upper(), criteria)
                found = [uid for uid in found if uid in matching]
        self._say(session, tag, f"* SEARCH{''.join(f' {uid}' for uid in found)}\n{tag} OK done", "search")

    def _fetch(self, session: _Session, tag: str, words: list[str]) -> None:
        folder = _folder(session)
        items = [word.upper() for word in words[1:] if word not in "()"]
        parts: list[bytes] = []
        with self._changing:
            for uid in folder.within(words[0]):
                for item in items:
                    body = _BODY.fullmatch(item)
                    if body and not body[1] and not session.examined:
                        folder.change_flags(uid, _mail(folder, uid).flags | {"\\Seen"})
                parts.append(_fetched(folder, uid, items))
        parts.append(f"{tag} OK done\r\n".encode())
        stage = "fetch-bodies" if any(_BODY.fullmatch(item) for item in items) else "fetch-sizes"
        self._say(session, tag, b"".join(parts), stage, "fetch")

    def _store(self, session: _Session, tag: str, words: list[str]) -> None:
        folder = _folder(session)
        uids = folder.within(words[0])
        how, flags = words[1].upper(), frozenset(word for word in words[2:] if word not in "()")
        lines = []
        fault = self._fault("store")
        with self._changing:
            for uid in uids if fault is None and not session.examined else ():
                before = _mail(folder, uid).flags
                after = before | flags if how[0] == "+" else before - flags if how[0] == "-" else flags
                folder.change_flags(uid, after)
                if not how.endswith(".SILENT"):
                    lines.append(f"* {folder.sequence(uid)} FETCH (UID {uid} FLAGS ({' '.join(sorted(after))}))")
        session.wire.say("\r\n".join([*lines, f"{tag} OK done\r\n"]).encode(), _tagged(fault, tag))

    def _copy(self, session: _Session, tag: str, words: list[str]) -> None:
        self._transfer(session, tag, words, "copy")

    def _move(self, session: _Session, tag: str, words: list[str]) -> None:
        self._transfer(session, tag, words, "move")

    def _transfer(self, session: _Session, tag: str, words: list[str], stage: str) -> None:
        folder = _folder(session)
        target = self._known(session, words[1])
        fault = self._fault(stage)
        if stage == "move" and "MOVE" not in self._extensions:
            _reply(session, f"{tag} BAD no such command")
        elif target is None:
            session.wire.say(f"{tag} NO [TRYCREATE] no such folder\r\n".encode(), _tagged(fault, tag))
        elif fault is not None:
            session.wire.say(b"", _tagged(fault, tag))
        elif session.examined and stage == "move":
            session.wire.send(f"{tag} NO [READ-ONLY] the folder is read only\r\n".encode())
        else:
            lines = []
            with self._changing:
                uids = folder.within(words[0])
                start = target.next_uid
                for uid in uids:
                    mail = _mail(folder, uid)
                    target.add(mail.raw, received_at=mail.received_at, flags=mail.flags)
                    if stage == "move":
                        lines.append(f"* {folder.sequence(uid)} EXPUNGE")
                        folder.remove(uid)
                        session.told -= 1
            if uids:
                made = f"{start}:{target.next_uid - 1}"
                code = f"[COPYUID {target.uidvalidity} {','.join(map(str, uids))} {made}]"
                lines.insert(0, f"* OK {code} moved")
            session.wire.send("\r\n".join([*lines, f"{tag} OK done\r\n"]).encode())

    def _uid_expunge(self, session: _Session, tag: str, words: list[str]) -> None:
        if "UIDPLUS" not in self._extensions:
            _reply(session, f"{tag} BAD no such command")
            return
        fault = self._fault("expunge")
        lines = [] if fault else self._expunged(session, set(_folder(session).within(words[0])))
        session.wire.say("\r\n".join([*lines, f"{tag} OK done\r\n"]).encode(), _tagged(fault, tag))

    def _expunge(self, session: _Session, tag: str, _words: list[str]) -> None:
        lines = self._expunged(session, set(_folder(session).uids))
        session.wire.send("\r\n".join([*lines, f"{tag} OK done\r\n"]).encode())

    def _close_folder(self, session: _Session, tag: str, _words: list[str]) -> None:
        self._expunged(session, set(_folder(session).uids))
        session.folder = None
        session.wire.send(f"{tag} OK done\r\n".encode())

    def _expunged(self, session: _Session, uids: set[int]) -> list[str]:
        """Remove those of `uids` that are flagged deleted; the lines to say, with sequence numbers as each goes."""
        folder = _folder(session)
        lines = []
        with self._changing:
            for uid in folder.uids if not session.examined else ():
                if uid in uids and "\\Deleted" in _mail(folder, uid).flags:
                    lines.append(f"* {folder.sequence(uid)} EXPUNGE")
                    folder.remove(uid)
                    session.told -= 1
        return lines

    def _idle(self, session: _Session, tag: str, _words: list[str]) -> None:
        if not self._say(session, tag, "+ idling", "idle"):
            return
        with self._changing:
            session.wire.send(_news(session))
            self._idling[id(session)] = session
            self.idling.set()
        try:
            line = session.wire.read_line()
        finally:
            with self._changing:
                del self._idling[id(session)]
        answer = "OK done" if line.upper() == "DONE" else "BAD expected DONE"
        self._say(session, tag, f"{tag} {answer}", "done")

    _BEFORE_LOGIN = frozenset({"CAPABILITY", "NOOP", "LOGOUT", "STARTTLS", "LOGIN", "AUTHENTICATE"})
    _NEEDS_FOLDER = frozenset(
        {
            "UID SEARCH",
            "UID FETCH",
            "UID STORE",
            "UID COPY",
            "UID MOVE",
            "UID EXPUNGE",
            "EXPUNGE",
            "CLOSE",
            "UNSELECT",
        }
    )
    _HANDLERS: Mapping[str, Callable[["ScriptedImapServer", _Session, str, list[str]], None]] = {
        "CAPABILITY": _capability,
        "NOOP": _noop,
        "LOGOUT": _logout,
        "STARTTLS": _starttls,
        "LOGIN": _login,
        "AUTHENTICATE": _authenticate,
        "SELECT": _select,
        "EXAMINE": _examine,
        "UNSELECT": _unselect,
        "LIST": _list,
        "CREATE": _create,
        "APPEND": _append,
        "UID SEARCH": _search,
        "UID FETCH": _fetch,
        "UID STORE": _store,
        "UID COPY": _copy,
        "UID MOVE": _move,
        "UID EXPUNGE": _uid_expunge,
        "EXPUNGE": _expunge,
        "CLOSE": _close_folder,
        "IDLE": _idle,
    }


def _words(line: str) -> list[str]:
    found = []
    for quoted, parenthesis, body, atom in _TOKEN.findall(line):
        found.append(parenthesis or body or atom or re.sub(r"\\(.)", r"\1", quoted))
    return found


def _tagged(fault: Fault | None, tag: str) -> Fault | None:
    if isinstance(fault, Answer):
        return Answer(fault.text.replace("{tag}", tag))
    if isinstance(fault, Raw):
        return Raw(fault.data.replace(b"{tag}", tag.encode()))
    return fault


def _folder(session: _Session) -> Folder:
    if session.folder is None:
        raise ValueError("no folder is selected")
    return session.folder


def _mail(folder: Folder, uid: int) -> ServedMail:
    mail = folder.get(uid)
    if mail is None:
        raise KeyError(uid)
    return mail


def _reply(session: _Session, line: str) -> None:
    # the tag of a client that does not speak IMAP can hold any byte
    session.wire.send(line.encode("utf-8", "surrogateescape") + b"\r\n")


def _told_next(folder: Folder) -> str:
    number = folder.next_uid if folder.tells_next == "truth" else folder.tells_next
    return "" if number is None else f"* OK [UIDNEXT {number}] next\n"


def _news(session: _Session) -> bytes:
    count = len(_folder(session).uids) if session.folder else session.told
    if count == session.told:
        return b""
    session.told = count
    return f"* {count} EXISTS\r\n".encode()


def _matching(folder: Folder, word: str, criteria: Iterator[str]) -> set[int]:
    """Give the UIDs that one criterion of SEARCH finds; its arguments are taken from `criteria`."""
    if word == "UID":
        return set(folder.within(next(criteria, "")))
    if word == "ALL":
        return set(folder.uids)
    if word == "SINCE":
        day, month, year = next(criteria, "").split("-")
        since = dt.date(int(year), _MONTHS.index(month.title()) + 1, int(day))
        # RFC 3501 6.4.4: the date alone counts, time and time zone are disregarded
        return {mail.uid for mail in folder.mails if mail.received_at.date() >= since}
    flag = {"SEEN": "\\Seen", "UNSEEN": "\\Seen", "DELETED": "\\Deleted", "UNDELETED": "\\Deleted"}[word]
    return {mail.uid for mail in folder.mails if (flag in mail.flags) is not word.startswith("UN")}


def _fetched(folder: Folder, uid: int, items: Sequence[str]) -> bytes:
    """Give the untagged FETCH of one mail (RFC 3501 7.4.2); its UID is always in it."""
    mail = _mail(folder, uid)
    parts = [f"UID {uid}".encode()]
    for item in items:
        body = _BODY.fullmatch(item)
        if body is not None:
            section = body[2] or ""
            raw = b"".join(mail.raw.partition(b"\r\n\r\n")[:2]) if section else mail.raw
            if body[3]:
                raw = raw[: int(body[3])]
            origin = "<0>" if body[3] else ""
            parts.append(f"BODY[{section}]{origin} {{{len(raw)}}}\r\n".encode() + raw)
        elif item == "RFC822.SIZE":
            size = len(mail.raw) if mail.announced_size is None else mail.announced_size
            parts.append(f"RFC822.SIZE {size}".encode())
        elif item == "INTERNALDATE":
            at = mail.received_at
            moment = f"{at.day:2d}-{_MONTHS[at.month - 1]}-{at.year} {at:%H:%M:%S %z}"
            parts.append(f'INTERNALDATE "{moment}"'.encode())
        elif item == "FLAGS":
            parts.append(f"FLAGS ({' '.join(sorted(mail.flags))})".encode())
        elif item != "UID":
            raise ValueError(item)
    return f"* {folder.sequence(uid)} FETCH (".encode() + b" ".join(parts) + b")\r\n"
