"""Reading an IMAP folder: what it costs, what a server can do wrong, and what is never done."""

import datetime as dt
import logging
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from customerservice.adapters.transports.connection import CLEAR_TEXT, NOT_VALIDATED, TimeLimits, Wire
from customerservice.adapters.transports.imap import ImapSession, ImapSource
from customerservice.adapters.transports.imap_client import ImapClient
from customerservice.domain.imap_options import ImapOptions
from customerservice.domain.mailbox import AfterFetch
from customerservice.errors import (
    AuthenticationFailed,
    CertificateRejected,
    ConnectionFailed,
    DeadlineExceeded,
    FolderUnavailable,
    InsecureConnection,
    InvalidMailboxName,
    InvalidValue,
    ServerBusy,
    ServerMisbehaved,
    TlsFailed,
    TransportError,
)
from customerservice.ports.transports import (
    AccessToken,
    AckState,
    Fetched,
    FetchedMail,
    GoneMail,
    MailRef,
    OversizeMail,
    Secret,
    UnreadableMail,
)
from customerservice.testing.imap_server import ScriptedImapServer
from customerservice.testing.scripted import Answer, Close, Cut, Fault, Raw, Silence, Trickle

PASSWORD = 'pass "w\\rd'
SHORT = TimeLimits(connect=dt.timedelta(seconds=5), read=dt.timedelta(seconds=0.2))
SEEN, DELETE, MOVE = AfterFetch.parse("seen"), AfterFetch.parse("delete"), AfterFetch.parse("move:Done")
MAIL = b"Subject: hello\r\nMessage-ID: <1@shop.example>\r\n\r\nHello!\r\n"


class Tokens:
    """A token provider that gives these, one at each refresh."""

    def __init__(self, *tokens: str) -> None:
        self._tokens = list(tokens)
        self.refreshed: list[bool] = []

    def token(self, *, refresh: bool = False) -> AccessToken:
        self.refreshed.append(refresh)
        return AccessToken(Secret(self._tokens.pop(0)))


def imap_server(**arguments: Any) -> ScriptedImapServer:
    """A server where anna may log in."""
    return ScriptedImapServer(**({"users": {"anna": PASSWORD}} | arguments))


def source_of(server: ScriptedImapServer, switches: str = "", **arguments: Any) -> ImapSource:
    """The INBOX of anna at this server."""
    options = ImapOptions.parse(f"{{127.0.0.1:{server.port}/imap{switches}}}INBOX")
    return ImapSource(options, **({"user": "anna", "secret": Secret(PASSWORD)} | arguments))


@contextmanager
def opened(
    script: dict[str, Fault | Sequence[Fault | None]] | None = None, mails: Iterable[bytes] = (MAIL,), **arguments: Any
) -> Iterator[tuple[ScriptedImapServer, ImapSession]]:
    """A server with these mails and this script, and an open session."""
    with imap_server(script=script, **arguments) as server:
        for raw in mails:
            server.deliver(raw)
        with source_of(server).open() as session:
            yield server, session


def refs(session: ImapSession, after: int = 0, since: dt.date | None = None) -> list[MailRef]:
    return [ref for window in session.listing(after=after, since=since) for ref in window]


def fetch(session: ImapSession, asked: Sequence[MailRef] | None = None, max_size: int = 1_000_000) -> list[Fetched]:
    wanted = refs(session) if asked is None else asked
    return [mail for batch in session.fetch(wanted, max_size=max_size) for mail in batch]


def after_select(server: ScriptedImapServer) -> list[str]:
    verbs = list(server.verbs)
    start = next(index for index, verb in enumerate(verbs) if verb in ("SELECT", "EXAMINE"))
    return [verb for verb in verbs[start + 1 :] if verb != "LOGOUT"]


class TestWhatItCosts:
    """Commands, as R26 counts them."""

    def test_nothing_new_is_one_command(self) -> None:
        """With many old mails and none new, one search is all that follows the opening."""
        with imap_server() as server:
            for _ in range(10_000):
                server.deliver(MAIL)
            with source_of(server).open() as session:
                assert refs(session, after=10_000) == []
                assert after_select(server) == ["UID SEARCH"]

    @pytest.mark.parametrize(
        ("mode", "commands"),
        [
            (AfterFetch(), []),
            (SEEN, ["UID STORE", "UID FETCH"]),
            (DELETE, ["UID STORE", "UID EXPUNGE", "UID FETCH"]),
            (MOVE, ["UID MOVE", "UID SEARCH"]),
        ],
        ids=str,
    )
    def test_one_new_mail_is_three_commands_and_its_handling(self, mode: AfterFetch, commands: list[str]) -> None:
        """Search, size, body; then one command (seen), two (move, delete) at most, and one to verify."""
        with opened(mails=[MAIL] * 3) as (server, session):
            server.folder("Done")
            new = refs(session, after=2)
            fetch(session, new)
            session.acknowledge(new, mode)

            assert after_select(server) == ["UID SEARCH", "UID FETCH", "UID FETCH", *commands]

    @pytest.mark.parametrize("announces", [True, False])
    @pytest.mark.parametrize("switches", ["/tls", ""])
    def test_capability_is_asked_at_most_twice(self, announces: bool, switches: str, certificates: Any) -> None:
        """Whatever the server announces by itself, with STARTTLS too."""
        with imap_server(tls="starttls", ssl_context=certificates.server(), announces=announces) as server:
            with source_of(server, switches, ssl_context=certificates.trust).open() as session:
                session.acknowledge(refs(session), DELETE)
                session.wait(0.01)

            assert list(server.verbs).count("CAPABILITY") <= 2

    def test_sparse_uids_are_found_quickly(self) -> None:
        """Empty windows double, so a gap of two thousand million UIDs costs few commands."""
        with imap_server() as server:
            server.deliver(MAIL)
            server.deliver(MAIL, uid=2**31 + 7)
            with source_of(server).open() as session:
                assert [ref.uid for ref in refs(session)] == [1, 2**31 + 7]
                assert len(after_select(server)) < 25

    def test_a_dense_window_is_given_in_parts_and_the_next_is_smaller(self) -> None:
        """After doubling, a window that finds more than 10,000 mails is cut, and halved for the next search."""
        with imap_server() as server:
            for uid in range(15_001, 15_001 + 30_000):
                server.folder().add(MAIL, received_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC), uid=uid)
            with source_of(server).open() as session:
                sizes = [len(window) for window in session.listing(after=0)]
            searched = [command.line.split(" ", 1)[1] for command in server.commands if "SEARCH" in command.line]

        assert sizes == [10_000, 10_000, 10_000]
        assert searched == [
            "UID SEARCH UID 1:5000",
            "UID SEARCH UID 5001:15000",
            "UID SEARCH UID 15001:35000",
            "UID SEARCH UID 35001:45000",
        ]

    def test_listing_is_lazy(self) -> None:
        """Who stops after the first window pays for one search only."""
        with imap_server() as server:
            for uid in (1, 20_000):
                server.deliver(MAIL, uid=uid)
            with source_of(server).open() as session:
                next(iter(session.listing(after=0)))

                assert after_select(server) == ["UID SEARCH"]

    def test_search_all_is_never_sent(self) -> None:
        """A search always names a window."""
        with opened() as (server, session):
            refs(session, since=dt.date(2026, 1, 9))

            searches = [command.line for command in server.commands if "SEARCH" in command.line]
            assert [line.split(" ", 1)[1] for line in searches] == ["UID SEARCH UID 1:5000 SINCE 9-Jan-2026"]

    def test_sizes_of_many_mails_are_asked_in_short_lines(self) -> None:
        """UIDs without neighbours are split over commands that every server takes."""
        with imap_server() as server:
            for uid in range(1, 5_000, 2):
                server.deliver(MAIL, uid=uid)
            with source_of(server).open() as session:
                mails = fetch(session)

        assert len(mails) == 2_500
        assert max(len(command.line) for command in server.commands) < 6_100


class TestOpening:
    """Logging in and selecting."""

    def test_a_wrong_password_is_tried_once(self) -> None:
        """One try, then an error that names the stage; nothing is retried that could lock the account."""
        with imap_server() as server:
            with pytest.raises(AuthenticationFailed) as caught:
                source_of(server, secret=Secret("wrong")).open()

            assert caught.value.stage == "login"
            assert not caught.value.temporary
            assert len(server.attempts) == 1

    @pytest.mark.parametrize(
        ("text", "kind"),
        [
            ("{tag} NO [AUTHENTICATIONFAILED] no", AuthenticationFailed),
            ("{tag} NO [EXPIRED] password is too old", AuthenticationFailed),
            ("{tag} NO", ServerMisbehaved),
            ("{tag} NO go away", AuthenticationFailed),
            ("{tag} BAD what", AuthenticationFailed),
            ("{tag} NO [UNAVAILABLE] maintenance", ServerBusy),
            ("{tag} NO [LIMIT] slow down", ServerBusy),
            ("{tag} NO [ALERT] Too many simultaneous connections. (Failure)", ServerBusy),
            ("{tag} NO [PRIVACYREQUIRED] not in clear", InsecureConnection),
            ("* BYE Too many connections", ServerBusy),
            ("* BYE closing", ConnectionFailed),
            ("what is this", ServerMisbehaved),
        ],
    )
    def test_a_refused_login_tells_what_it_is(self, text: str, kind: type[TransportError]) -> None:
        """Response codes and common words decide whether to try again later."""
        with imap_server(script={"authenticate": Answer(text)}) as server, pytest.raises(TransportError) as caught:
            source_of(server).open()

        assert type(caught.value) is kind

    @pytest.mark.parametrize("mechanisms", [("PLAIN",), ()])
    def test_an_echoed_password_is_masked(self, mechanisms: tuple[str, ...]) -> None:
        """A server that repeats the password puts it neither into the error's text nor into its cause."""
        answer = Answer("{tag} NO no user with hunter2 or AGFubmEAaHVudGVyMg==")
        with imap_server(script={"authenticate": answer, "login": answer}, mechanisms=mechanisms) as server:
            with pytest.raises(AuthenticationFailed) as caught:
                source_of(server, secret=Secret("hunter2")).open()

            assert "hunter2" not in str(caught.value)
            assert "AGFubmEAaHVudGVyMg" not in str(caught.value)
            assert caught.value.__cause__ is None
            assert caught.value.__suppress_context__ or caught.value.__context__ is None

    @pytest.mark.parametrize("user", ["anna", 'an"na', "an\\na", "an na", "anna)", "änna"])
    def test_login_quotes_user_and_password(self, user: str) -> None:
        """Without AUTHENTICATE PLAIN, LOGIN carries every printable name and password as it is."""
        with ScriptedImapServer(users={user: PASSWORD}, mechanisms=()) as server:
            source_of(server, user=user).open().close()

            assert [(attempt.mechanism, attempt.user) for attempt in server.attempts] == [("LOGIN", user)]

    @pytest.mark.parametrize("user", ["anna\r\nA9 DELETE x", "an\0na", "an\nna", "an\x7fna"])
    def test_a_control_character_in_the_user_is_refused_before_connecting(self, user: str) -> None:
        """A name can never carry a second command."""
        with imap_server() as server:
            with pytest.raises(InvalidValue):
                source_of(server, user=user)

            assert server.connections == 0

    @pytest.mark.parametrize("mechanisms", [("PLAIN",), ()])
    def test_a_control_character_in_the_password_is_refused(self, mechanisms: tuple[str, ...]) -> None:
        """A password cannot carry a command either, and is not shown."""
        with imap_server(mechanisms=mechanisms) as server:
            with pytest.raises(InvalidValue) as caught:
                source_of(server, secret=Secret("x\r\nA9 LOGOUT")).open()

            assert "LOGOUT" not in str(caught.value)
            assert server.attempts == []

    def test_the_user_of_the_string_wins(self) -> None:
        """/user= in the mailbox string goes before the name beside it."""
        with imap_server() as server:
            source_of(server, "/user=anna", user="somebody").open().close()

            assert server.attempts[0].user == "anna"

    def test_an_account_can_act_for_another(self) -> None:
        """/authuser logs in with its own password and names the user it acts for."""
        with ScriptedImapServer(users={"boss": PASSWORD, "anna": "other"}) as server:
            server.deliver(MAIL, user="anna")
            with source_of(server, "/authuser=boss").open() as session:
                assert session.state.count == 1
            assert server.attempts[0].user == "anna"

    def test_a_server_without_passwords_is_named(self) -> None:
        """LOGINDISABLED without AUTHENTICATE PLAIN means no password is sent at all."""
        with imap_server(mechanisms=(), extensions=("LOGINDISABLED",)) as server:
            with pytest.raises(AuthenticationFailed, match="OAuth"):
                source_of(server).open()

            assert server.attempts == []

    def test_secure_uses_a_challenge(self) -> None:
        """/secure proves the password without sending it."""
        with imap_server(mechanisms=("PLAIN", "CRAM-MD5")) as server:
            source_of(server, "/secure").open().close()

            assert [(attempt.mechanism, attempt.accepted) for attempt in server.attempts] == [("CRAM-MD5", True)]

    def test_secure_never_falls_back_to_a_readable_password(self) -> None:
        """Where no challenge mechanism is offered, /secure does not log in."""
        with imap_server() as server:
            with pytest.raises(AuthenticationFailed, match="/secure"):
                source_of(server, "/secure").open()

            assert server.attempts == []

    def test_anonymous_needs_no_secret(self) -> None:
        """/anonymous logs in by the mechanism of that name."""
        with imap_server(mechanisms=("ANONYMOUS",)) as server:
            source_of(server, "/anonymous", secret=None).open().close()

            assert server.attempts[0].mechanism == "ANONYMOUS"

    def test_neither_password_nor_token_is_refused_before_connecting(self) -> None:
        """A source that could not log in is not made."""
        with imap_server() as server, pytest.raises(InvalidValue, match="secret"):
            source_of(server, secret=None)

    @pytest.mark.parametrize("switches", ["/ssl/tls", "/validate-cert/novalidate-cert", "/tls/notls"])
    def test_contradicting_options_are_refused_before_connecting(self, switches: str) -> None:
        """The options are checked when the source is made."""
        with imap_server() as server:
            with pytest.raises(InvalidMailboxName):
                source_of(server, switches)

            assert server.connections == 0

    def test_another_service_is_refused(self) -> None:
        """A POP3 string is not opened by IMAP."""
        with pytest.raises(InvalidMailboxName, match="pop3"):
            ImapSource(ImapOptions.for_host("mail.example").with_pop3(), user="anna", secret=Secret("x"))

    def test_a_folder_that_is_not_there_is_named(self) -> None:
        """The stage is select, and trying again does not help."""
        with imap_server() as server:
            options = ImapOptions.parse(f"{{127.0.0.1:{server.port}}}Nowhere")
            source = ImapSource(options, user="anna", secret=Secret(PASSWORD))
            with pytest.raises(FolderUnavailable) as caught:
                source.open()

        assert caught.value.stage == "select"

    @pytest.mark.parametrize(
        ("folder", "wire_name"),
        [
            ("", "INBOX"),
            ("Bücher & Co", "B&APw-cher &- Co"),
            ("B&APw-cher &- Co", "B&APw-cher &- Co"),
            ("Tom & Jerry", "Tom &- Jerry"),
            ("AT&T", "AT&-T"),
            ('say "hi" \\o/', 'say "hi" \\o/'),
            ("日本語", "&ZeVnLIqe-"),
        ],
    )
    def test_folder_names_travel_in_modified_utf_7(self, folder: str, wire_name: str) -> None:
        """A name in Unicode, or already in the coding of older software's strings, opens the same folder."""
        with imap_server() as server:
            server.deliver(MAIL, folder=wire_name)
            options = ImapOptions.for_host("127.0.0.1").with_port(server.port).with_mailbox(folder)
            with ImapSource(options, user="anna", secret=Secret(PASSWORD)).open() as session:
                assert session.state.count == 1

    @pytest.mark.parametrize(
        "line", ["", "* OK [UIDVALIDITY 0] x\n", "* OK [UIDVALIDITY abc] x\n", "* OK [UIDVALIDITY 4294967296] x\n"]
    )
    def test_without_a_usable_uidvalidity_nothing_is_read(self, line: str) -> None:
        """Mails that could be confused with others are not touched."""
        select = Answer(f"* 1 EXISTS\n{line}{{tag}} OK [READ-WRITE] done")
        with imap_server(script={"select": select}) as server, pytest.raises(ServerMisbehaved, match="UIDVALIDITY"):
            source_of(server).open()

    def test_a_large_uidvalidity_is_kept_as_it_is(self) -> None:
        """Values above 2^31 are ordinary."""
        with imap_server() as server:
            server.folder().uidvalidity = 2**32 - 1
            server.deliver(MAIL)
            with source_of(server).open() as session:
                assert session.state.epoch == 2**32 - 1
                assert [ref.epoch for ref in refs(session)] == [2**32 - 1]

    def test_a_uidvalidity_that_changes_in_the_session_ends_it(self) -> None:
        """A server that renumbers an open folder is not believed any more."""
        change = Answer("* OK [UIDVALIDITY 99] new\n* SEARCH 1\n{tag} OK done")
        with opened({"search": change}) as (_, session), pytest.raises(ServerMisbehaved, match="UIDVALIDITY"):
            refs(session)

    @pytest.mark.parametrize("told", [None, 1, 0, 2**40])
    def test_without_a_usable_uidnext_everything_is_still_listed(self, told: int | None) -> None:
        """The last UID is asked for where SELECT does not tell what comes next."""
        with imap_server() as server:
            server.deliver(MAIL)
            server.deliver(MAIL, uid=90_000)
            server.folder().tells_next = told
            with source_of(server).open() as session:
                assert session.state.next_uid is None
                assert [ref.uid for ref in refs(session)] == [1, 90_000]

    def test_an_empty_folder_without_uidnext_is_empty(self) -> None:
        """Nothing is asked about the last mail of an empty folder."""
        with imap_server() as server:
            server.folder().tells_next = None
            with source_of(server).open() as session:
                assert refs(session) == []
            assert "UID FETCH" not in server.verbs

    def test_nothing_is_logged_of_the_login(self, caplog: pytest.LogCaptureFixture) -> None:
        """No log record of any logger holds password or token."""
        caplog.set_level(logging.DEBUG)
        with imap_server(mechanisms=()) as server:
            source_of(server).open().close()

        assert "pass" not in caplog.text


class TestTokens:
    """XOAUTH2 and OAUTHBEARER."""

    @pytest.mark.parametrize("mechanism", ["XOAUTH2", "OAUTHBEARER"])
    def test_a_token_logs_in(self, mechanism: str) -> None:
        """Either mechanism is used where it is offered."""
        tokens = Tokens("good")
        with ScriptedImapServer(tokens={"anna": "good"}, mechanisms=(mechanism,)) as server:
            source_of(server, secret=None, token_provider=tokens).open().close()

            assert [(attempt.mechanism, attempt.accepted) for attempt in server.attempts] == [(mechanism, True)]
            assert tokens.refreshed == [False]

    @pytest.mark.parametrize("mechanism", ["XOAUTH2", "OAUTHBEARER"])
    def test_an_expired_token_is_refreshed_once(self, mechanism: str) -> None:
        """The refused token is followed by one fresh one, in the same connection."""
        tokens = Tokens("old", "good")
        with ScriptedImapServer(tokens={"anna": "good"}, mechanisms=(mechanism,)) as server:
            source_of(server, secret=None, token_provider=tokens).open().close()

            assert [attempt.accepted for attempt in server.attempts] == [False, True]
            assert tokens.refreshed == [False, True]

    def test_a_refused_fresh_token_ends_it(self) -> None:
        """After one refresh nothing more is tried."""
        tokens = Tokens("old", "older", "oldest")
        with ScriptedImapServer(tokens={"anna": "good"}) as server:
            with pytest.raises(AuthenticationFailed):
                source_of(server, secret=None, token_provider=tokens).open()

            assert len(server.attempts) == 2

    def test_a_server_without_tokens_is_named(self) -> None:
        """No token is asked for where the server could not take it."""
        tokens = Tokens()
        with imap_server() as server, pytest.raises(AuthenticationFailed, match="neither XOAUTH2 nor OAUTHBEARER"):
            source_of(server, token_provider=tokens).open()

        assert tokens.refreshed == []

    def test_a_token_with_a_control_character_is_refused(self) -> None:
        """A token cannot end its own field."""
        with ScriptedImapServer(tokens={"anna": "good"}) as server:
            with pytest.raises(InvalidValue):
                source_of(server, secret=None, token_provider=Tokens("good\x01auth=x")).open()

            assert server.attempts == []


class TestPrivacy:
    """TLS, and what happens without it."""

    def test_tls_from_the_first_byte(self, certificates: Any) -> None:
        """/ssl logs in under TLS without a warning."""
        with imap_server(tls="implicit", ssl_context=certificates.server()) as server:
            with source_of(server, "/ssl", ssl_context=certificates.trust).open() as session:
                assert session.state.warnings == ()
            assert server.attempts[0].tls

    @pytest.mark.parametrize("switches", ["/tls", ""])
    @pytest.mark.parametrize("announces", [True, False])
    def test_starttls(self, switches: str, announces: bool, certificates: Any) -> None:
        """/tls, and nothing at all where it is offered, log in after STARTTLS."""
        with imap_server(tls="starttls", ssl_context=certificates.server(), announces=announces) as server:
            with source_of(server, switches, ssl_context=certificates.trust).open() as session:
                assert session.state.warnings == ()
            assert server.attempts[0].tls

    @pytest.mark.parametrize("arguments", [{"announces": True}, {"announces": False}])
    def test_a_server_without_starttls_gets_no_secret(self, arguments: dict[str, bool]) -> None:
        """Required and not offered: nothing but the question was sent."""
        with imap_server(**arguments) as server:
            with pytest.raises(TlsFailed, match="no STARTTLS"):
                source_of(server, "/tls").open()

            assert set(server.verbs) <= {"STARTTLS"}

    @pytest.mark.parametrize("answer", ["{tag} NO not now", "{tag} BAD what"])
    def test_a_refused_starttls_is_no_way_back(self, answer: str, certificates: Any) -> None:
        """Offered, then refused: the connection ends."""
        arguments: dict[str, Any] = {"tls": "starttls", "ssl_context": certificates.server()}
        with imap_server(script={"starttls": Answer(answer)}, **arguments) as server:
            with pytest.raises(TlsFailed):
                source_of(server, "/tls", ssl_context=certificates.trust).open()

            assert list(server.verbs) == ["STARTTLS"]

    def test_text_slipped_in_before_tls_ends_it(self, certificates: Any) -> None:
        """Bytes sent in clear text behind the answer to STARTTLS are never taken for the server's."""
        with imap_server(
            tls="starttls", ssl_context=certificates.server(), starttls_suffix=b"* OK [CAPABILITY AUTH=PLAIN] evil\r\n"
        ) as server:
            with pytest.raises(ServerMisbehaved, match="before TLS"):
                source_of(server, "/tls", ssl_context=certificates.trust).open()

            assert server.attempts == []

    @pytest.mark.parametrize(
        ("sort", "says"),
        [
            ("expired", "expired"),
            ("self-signed", "signed by itself"),
            ("unknown authority", "unknown authority"),
            ("wrong name", "another"),
        ],
    )
    @pytest.mark.parametrize(("tls", "switches"), [("implicit", "/ssl"), ("starttls", "/tls"), ("starttls", "")])
    def test_a_bad_certificate_ends_it_with_its_reason(
        self, sort: str, says: str, tls: str, switches: str, certificates: Any
    ) -> None:
        """Each kind of bad certificate has its own words, and no secret is sent."""
        with imap_server(tls=tls, ssl_context=certificates.server(sort)) as server:
            with pytest.raises(CertificateRejected, match=says) as caught:
                source_of(server, switches, ssl_context=certificates.trust).open()

            assert (caught.value.stage, server.attempts) == ("tls", [])

    def test_an_unchecked_certificate_warns(self, certificates: Any) -> None:
        """/novalidate-cert accepts anything and says so in each session."""
        with (
            imap_server(tls="implicit", ssl_context=certificates.server("self-signed")) as server,
            source_of(server, "/ssl/novalidate-cert").open() as session,
        ):
            assert session.state.warnings == (NOT_VALIDATED,)

    def test_clear_text_warns(self) -> None:
        """Where clear text is allowed, each session says so."""
        with opened() as (_, session):
            assert session.state.warnings == (CLEAR_TEXT,)

    def test_tls_at_a_clear_port_is_explained(self) -> None:
        """/ssl at a port that speaks clear text names the likely mistake."""
        with imap_server() as server, pytest.raises(TlsFailed, match="try /tls instead of /ssl"):
            source_of(server, "/ssl").open()

    def test_a_greeting_that_logs_in_is_refused(self, certificates: Any) -> None:
        """PREAUTH in clear text hides whose mailbox it is, so it needs to be allowed."""
        with imap_server(preauth="anna") as server, pytest.raises(InsecureConnection, match="PREAUTH"):
            source_of(server).open()

    def test_a_greeting_that_logs_in_makes_starttls_impossible(self, certificates: Any) -> None:
        """PREAUTH where STARTTLS is required is refused, allowed or not (RFC 3501 6.2.1)."""
        with imap_server(preauth="anna", tls="starttls", ssl_context=certificates.server()) as server:
            with pytest.raises(InsecureConnection, match="PREAUTH"):
                source_of(server, "/tls", allow_clear_text=True).open()

            assert list(server.verbs) == []

    def test_an_allowed_greeting_that_logs_in_is_used(self) -> None:
        """With clear text allowed, PREAUTH reads the mailbox and warns."""
        with imap_server(preauth="anna") as server:
            server.deliver(MAIL)
            with source_of(server, allow_clear_text=True).open() as session:
                assert len(refs(session)) == 1
                assert session.state.warnings == (CLEAR_TEXT,)


NIL = Raw(b"* 1 FETCH (UID 1 BODY[] NIL)\r\n{tag} OK done\r\n")
NOTHING = Raw(b"{tag} OK done\r\n")


class TestBodies:
    """A body counts only whole, as announced by its own literal, for the UID asked."""

    def _one(self, fault: Fault | Sequence[Fault | None], mails: Iterable[bytes] = (MAIL,)) -> Fetched:
        with opened({"fetch-bodies": fault}, mails) as (_, session):
            return fetch(session)[0]

    @pytest.mark.parametrize(
        "first",
        [
            NIL,
            NOTHING,
            Raw(b"{tag} NO [SERVERBUG] lost it\r\n"),
            Raw(b"* 1 FETCH (UID 2 BODY[] {3}\r\nabc)\r\n{tag} OK done\r\n"),
            Raw(b"* 1 FETCH (BODY[] {3}\r\nabc)\r\n{tag} OK done\r\n"),
            Raw(b"* 1 FETCH (UID 1 UID 1 BODY[] {3}\r\nabc)\r\n{tag} OK done\r\n"),
            Raw(b"* 1 FETCH (UID x BODY[] {3}\r\nabc)\r\n{tag} OK done\r\n"),
            Raw(b"* 1 FETCH (UID 1 BODY[] {3}\r\nabc\r\n{tag} OK done\r\n"),
            Raw(b"* 1 FETCH (UID 1 {3}\r\nabc BODY[])\r\n{tag} OK done\r\n"),
            Raw(b"* 1 FETCH (UID 1 BODY[] {3}\r\nabc)\r\n* 1 FETCH (UID 1 BODY[] {3}\r\nabd)\r\n{tag} OK done\r\n"),
            Raw(b"* 1 FETCH " + b"(" * 5_000 + b")" * 5_000 + b"\r\n{tag} OK done\r\n"),
            Raw(b"* 1 FETCH (UID 1 FLAGS (\\Seen))\r\n{tag} OK done\r\n"),
            Raw(b'* 1 FETCH (UID 1 BODY[] "a"b)\r\n{tag} OK done\r\n'),
            Raw(b'* 1 FETCH (UID 1 BODY[] "unfinished)\r\n{tag} OK done\r\n'),
        ],
    )
    def test_what_is_no_whole_body_is_asked_for_again(self, first: Fault) -> None:
        """The second answer is a good one, so the mail is there, and nothing of the first is."""
        mail = self._one([first, None])

        assert isinstance(mail, FetchedMail)
        assert mail.raw == MAIL

    def test_a_mail_the_server_never_gives_is_unreadable(self) -> None:
        """Twice no body although the mail is there: said so, and the mails beside it come."""
        with opened({"fetch-bodies": [NIL, NIL, None]}, [MAIL, MAIL]) as (_, session):
            one, two = refs(session)
            first = fetch(session, [one])[0]
            second = fetch(session, [two])[0]

        assert isinstance(first, UnreadableMail)
        assert "NIL" in first.reason
        assert isinstance(second, FetchedMail)

    def test_a_mail_that_is_gone_after_all_is_gone(self) -> None:
        """NIL is what Dovecot gives for a mail that another program expunged."""
        with opened({"fetch-bodies": NIL}) as (server, session):
            asked = refs(session)
            batches = session.fetch(asked, max_size=1_000)
            server.remove(1)

            assert [mail for batch in batches for mail in batch] == [GoneMail(asked[0])]

    def test_a_mail_that_goes_between_size_and_body_is_gone(self) -> None:
        """The size was told, then another program removed it: gone, not unreadable."""
        fault = [Raw(b"{tag} OK done\r\n"), Raw(b"{tag} OK done\r\n")]
        with opened({"fetch-bodies": fault, "search": [None, Raw(b"* SEARCH\r\n{tag} OK done\r\n")]}) as (_, session):
            asked = refs(session)

            assert fetch(session, asked) == [GoneMail(asked[0])]

    @pytest.mark.parametrize("announced", [3 * len(MAIL), len(MAIL) // 3, 0])
    def test_a_lying_size_is_stored_and_recorded(self, announced: int) -> None:
        """A second fetch gives the same bytes, so the mail is whole; storage sizes of Exchange are no error."""
        with imap_server() as server:
            server.deliver(MAIL, announced_size=announced)
            with source_of(server).open() as session:
                (mail,) = fetch(session)

            assert isinstance(mail, FetchedMail)
            assert (mail.raw, mail.size_differs) == (MAIL, True)
            assert after_select(server) == ["UID SEARCH", "UID FETCH", "UID FETCH", "UID FETCH"]

    def test_bytes_that_change_between_two_fetches_are_not_trusted(self) -> None:
        """The size differs and so do the bytes of the second fetch: unreadable."""
        short = Raw(b"* 1 FETCH (UID 1 BODY[] {3}\r\nabc)\r\n{tag} OK done\r\n")

        assert isinstance(self._one([short, None]), UnreadableMail)

    @pytest.mark.parametrize(
        "answer",
        [
            b"* 1 FETCH (BODY[] {56}\r\n%b UID 1)\r\n",
            b"* 1 FETCH (UID 1 FLAGS (\\Seen $Junk) BODY[] ~{56}\r\n%b)\r\n",
            b"* 1 FETCH (UID 1 body[] {56}\r\n%b)\r\n* 1 FETCH (UID 1 FLAGS (\\Seen))\r\n",
            b"* 7 EXISTS\r\n* 1 FETCH (UID 1 BODY[] {56}\r\n%b)\r\n* 1 FETCH (UID 1 BODY[] {56}\r\n%b)\r\n",
        ],
    )
    def test_unusual_answers_that_are_whole_count(self, answer: bytes) -> None:
        """Order, case, literal8, unasked flags and a repeated equal body do no harm."""
        mail = self._one(Raw(answer.replace(b"%b", MAIL) + b"{tag} OK done\r\n"))

        assert isinstance(mail, FetchedMail)
        assert mail.raw == MAIL

    def test_a_quoted_body_counts(self) -> None:
        """An empty mail comes as a quoted string from some servers (RFC 3501 4.3)."""
        mail = self._one(Raw(b'* 1 FETCH (UID 1 BODY[] "")\r\n{tag} OK done\r\n'), [b""])

        assert isinstance(mail, FetchedMail)
        assert mail.raw == b""

    def test_a_body_larger_than_the_limit_is_not_kept(self) -> None:
        """A size that lied below the limit does not make us hold the mail; it is oversize, with what came as size."""
        large = b"Subject: large\r\n\r\n" + b"x" * 100_000
        with imap_server() as server:
            server.deliver(large, announced_size=10)
            server.deliver(MAIL)
            with source_of(server).open() as session:
                first, second = fetch(session, max_size=1_000)

        assert isinstance(first, OversizeMail)
        assert (first.size, first.header) == (len(large), b"Subject: large\r\n\r\n")
        assert isinstance(second, FetchedMail)

    def test_an_insane_literal_ends_the_session(self) -> None:
        """A literal of 99 GB is neither allocated nor waited for."""
        with (
            opened({"fetch-bodies": Raw(b"* 1 FETCH (UID 1 BODY[] {99999999999}\r\n")}) as (_, session),
            pytest.raises(ServerMisbehaved, match="99999999999"),
        ):
            fetch(session)

    @pytest.mark.parametrize(
        "line",
        [
            b"* 1 FETCH (UID 1)",
            b"* 1 FETCH (UID 1 RFC822.SIZE NIL)",
            b"* 1 FETCH (UID 1 RFC822.SIZE -5)",
            b"* 1 FETCH (RFC822.SIZE 56)",
        ],
    )
    def test_a_size_that_is_not_told_is_no_reason_to_lose_the_mail(self, line: bytes) -> None:
        """The mail is there and its body comes whole, so it is given."""
        with opened({"fetch-sizes": Raw(line + b"\r\n{tag} OK done\r\n")}) as (_, session):
            (mail,) = fetch(session)

        assert isinstance(mail, FetchedMail)
        assert (mail.raw, mail.size_differs) == (MAIL, False)

    @pytest.mark.parametrize(
        ("date", "moment"),
        [
            (b'"17-Jul-2026 02:44:25 -0700"', dt.datetime(2026, 7, 17, 9, 44, 25, tzinfo=dt.UTC)),
            (b'" 1-Feb-2026 00:00:00 +0000"', dt.datetime(2026, 2, 1, tzinfo=dt.UTC)),
            (b'"nonsense"', None),
            (b'"99-Jul-2026 02:44:25 -0700"', None),
            (b'"17-Jul-2026 02:44:25"', None),
            (b"NIL", None),
        ],
    )
    def test_the_moment_of_receipt_is_utc_or_unknown(self, date: bytes, moment: dt.datetime | None) -> None:
        """INTERNALDATE is read with its zone; what cannot be read is absent."""
        sizes = Raw(b"* 1 FETCH (UID 1 RFC822.SIZE 56 INTERNALDATE " + date + b")\r\n{tag} OK done\r\n")
        with opened({"fetch-sizes": sizes}) as (_, session):
            (mail,) = fetch(session)

        assert isinstance(mail, FetchedMail)
        assert mail.received_at == moment

    @pytest.mark.parametrize("after", range(0, 99, 7))
    def test_what_a_cut_connection_left_is_never_given(self, after: int) -> None:
        """Wherever the server hangs up within a body, the fetch fails and the session is over."""
        with opened({"fetch-bodies": Cut(after)}) as (_, session):
            asked = refs(session)
            with pytest.raises(TransportError):
                fetch(session, asked)
            with pytest.raises(ConnectionFailed, match="is over"):
                fetch(session, asked)

    def test_a_header_that_is_not_given_leaves_it_empty(self) -> None:
        """An oversize mail is recorded even where its header cannot be had."""
        with opened({"fetch-bodies": NOTHING}) as (_, session):
            (mail,) = fetch(session, max_size=10)

        assert isinstance(mail, OversizeMail)
        assert (mail.size, mail.header) == (56, b"")

    def test_an_oversize_mail_that_is_gone_is_gone(self) -> None:
        """Another program removed it between size and header."""
        search = [None, Raw(b"* SEARCH\r\n{tag} OK done\r\n")]
        with opened({"fetch-bodies": NOTHING, "search": search}) as (_, session):
            assert [type(mail) for mail in fetch(session, max_size=10)] == [GoneMail]

    def test_a_busy_server_makes_no_mail_unreadable(self) -> None:
        """NO with a code that says later is an error of the session, not of the mail."""
        with (
            opened({"fetch-bodies": Answer("{tag} NO [UNAVAILABLE] later")}) as (_, session),
            pytest.raises(ServerBusy),
        ):
            fetch(session)

    def test_the_same_mail_may_be_asked_for_twice(self) -> None:
        """Each ref is answered, equal ones alike."""
        with opened() as (_, session):
            (ref,) = refs(session)

            assert [mail.ref for mail in fetch(session, [ref, ref])] == [ref, ref]

    def test_no_flag_is_changed_by_reading(self) -> None:
        """Bodies are asked for by BODY.PEEK[]."""
        with opened() as (server, session):
            fetch(session)

            assert server.mails()[0].flags == frozenset()


class TestHandling:
    """Marking, moving and removing what was stored."""

    def test_foreign_deleted_mail_stays(self) -> None:
        """A mail that another program flagged is not removed with ours; EXPUNGE and CLOSE are never sent."""
        with imap_server() as server:
            server.deliver(MAIL)
            server.deliver(MAIL, flags=["\\Deleted"])
            with source_of(server).open() as session:
                session.acknowledge(refs(session)[:1], DELETE)

            assert [mail.uid for mail in server.mails()] == [2]
            assert not {"EXPUNGE", "CLOSE"} & set(server.verbs)

    def test_without_uidplus_mail_is_flagged_only(self) -> None:
        """A server that cannot remove single mails keeps them, flagged, and the answer says so."""
        with opened(extensions=()) as (server, session):
            (answer,) = session.acknowledge(refs(session), DELETE)

            assert answer.state is AckState.FLAGGED
            assert "UIDPLUS" in answer.reason
            assert server.mails()[0].flags == {"\\Deleted"}
            assert not {"EXPUNGE", "UID EXPUNGE", "CLOSE"} & set(server.verbs)

    def test_without_uidplus_and_move_a_mail_is_copied_once(self) -> None:
        """The copy is not repeated when the same mail is handled again."""
        with opened(extensions=()) as (server, session):
            asked = refs(session)
            states = [session.acknowledge(asked, MOVE)[0].state for _ in range(3)]

            assert states == [AckState.FLAGGED] * 3
            assert len(server.mails(folder="Done")) == 1

    def test_without_uidplus_a_mail_that_is_gone_is_gone(self) -> None:
        """Nothing to flag, nothing to report but that."""
        with opened(extensions=()) as (server, session):
            asked = refs(session)
            server.remove(1)

            assert session.acknowledge(asked, DELETE)[0].state is AckState.GONE
            assert session.acknowledge(asked, MOVE)[0].state is AckState.GONE

    def test_a_mail_that_is_gone_cannot_be_marked(self) -> None:
        """Another program removed it: gone, and the others are marked."""
        with opened(mails=[MAIL, MAIL]) as (server, session):
            asked = refs(session)
            server.remove(1)

            assert [answer.state for answer in session.acknowledge(asked, SEEN)] == [AckState.GONE, AckState.DONE]

    def test_a_mail_that_is_gone_cannot_be_moved(self) -> None:
        """What the server says it took (COPYUID) decides."""
        with opened(mails=[MAIL, MAIL, MAIL]) as (server, session):
            asked = refs(session)
            server.remove(2)
            states = [answer.state for answer in session.acknowledge(asked, MOVE)]

            assert states == [AckState.DONE, AckState.GONE, AckState.DONE]

    @pytest.mark.parametrize("mode", [SEEN, DELETE, MOVE], ids=str)
    def test_a_read_only_folder_refuses_without_a_command(self, mode: AfterFetch) -> None:
        """SELECT answered READ-ONLY: each mail fails with that reason."""
        with imap_server() as server:
            server.deliver(MAIL)
            server.folder().read_only = True
            with source_of(server).open() as session:
                (answer,) = session.acknowledge(refs(session), mode)

                assert (answer.state, answer.reason) == (AckState.FAILED, "the folder is read only")
                assert session.state.read_only
                assert after_select(server) == ["UID SEARCH"]

    def test_readonly_examines(self) -> None:
        """/readonly opens by EXAMINE."""
        with imap_server() as server:
            server.deliver(MAIL)
            with source_of(server, "/readonly").open() as session:
                assert session.state.read_only
            assert "EXAMINE" in server.verbs
            assert "SELECT" not in server.verbs

    @pytest.mark.parametrize("mode", [SEEN, DELETE], ids=str)
    def test_a_flag_that_was_not_kept_is_a_failure(self, mode: AfterFetch) -> None:
        """A server that says OK and stores nothing is found out by asking back."""
        with opened({"store": Answer("{tag} OK done"), "expunge": Answer("{tag} OK done")}) as (_, session):
            (answer,) = session.acknowledge(refs(session), mode)

        assert answer.state is AckState.FAILED
        assert "did not keep" in answer.reason

    @pytest.mark.parametrize("mode", [SEEN, DELETE], ids=str)
    def test_a_refused_flag_is_a_failure_with_the_reason(self, mode: AfterFetch) -> None:
        """NO from STORE fails these mails; the session goes on."""
        with opened({"store": Answer("{tag} NO [NOPERM] not you")}) as (_, session):
            (answer,) = session.acknowledge(refs(session), mode)

            assert answer.state is AckState.FAILED
            assert "not you" in answer.reason
            assert len(refs(session)) == 1

    def test_a_refused_expunge_leaves_it_flagged(self) -> None:
        """NO from UID EXPUNGE leaves the mail flagged, which is said."""
        with opened({"expunge": Answer("{tag} NO [INUSE] busy")}) as (_, session):
            (answer,) = session.acknowledge(refs(session), DELETE)

        assert answer.state is AckState.FLAGGED
        assert "busy" in answer.reason

    @pytest.mark.parametrize("extensions", [("MOVE", "UIDPLUS"), ("UIDPLUS",)])
    def test_a_refused_move_is_a_failure_with_the_reason(self, extensions: tuple[str, ...]) -> None:
        """A full target folder (OVERQUOTA) fails these mails; nothing is flagged or removed."""
        fault = Answer("{tag} NO [OVERQUOTA] full")
        with opened({"move": fault, "copy": fault}, extensions=extensions) as (server, session):
            server.folder("Done")
            (answer,) = session.acknowledge(refs(session), MOVE)

            assert answer.state is AckState.FAILED
            assert "full" in answer.reason
            assert [mail.flags for mail in server.mails()] == [frozenset()]

    def test_a_move_that_moved_nothing_is_a_failure(self) -> None:
        """OK from MOVE is checked by searching."""
        with opened({"move": Answer("{tag} OK done")}) as (server, session):
            server.folder("Done")
            (answer,) = session.acknowledge(refs(session), MOVE)

        assert answer.state is AckState.FAILED

    def test_a_hostile_copyuid_is_not_spelled_out(self) -> None:
        """A range of four thousand million UIDs costs nothing."""
        script: dict[str, Fault | Sequence[Fault | None]] = {
            "move": Answer("* OK [COPYUID 1 1:4294967295 1:4294967295] moved\n{tag} OK done"),
            "search": [None, Answer("* SEARCH\n{tag} OK done")],
        }
        with opened(script) as (server, session):
            server.folder("Done")
            (answer,) = session.acknowledge(refs(session), MOVE)

        assert answer.state is AckState.DONE


class TestTrouble:
    """Servers that are silent, slow or mad."""

    @pytest.mark.parametrize("stage", ["greeting", "authenticate", "select", "search", "fetch-sizes", "fetch-bodies"])
    def test_a_silent_server_is_left_in_time(self, stage: str) -> None:
        """The deadline of the operation ends it, at whatever stage."""
        with imap_server(script={stage: Silence()}) as server:
            server.deliver(MAIL)
            with pytest.raises(DeadlineExceeded), source_of(server, limits=SHORT).open() as session:
                fetch(session)

    def test_a_dripping_server_is_left_in_time(self) -> None:
        """One byte at a time beats the time-out of each read, not the deadline of the operation."""
        with imap_server(script={"search": Trickle(0.1)}) as server:
            server.deliver(MAIL)
            limits = TimeLimits(read=dt.timedelta(seconds=1))
            with source_of(server, limits=limits).open() as session, pytest.raises(DeadlineExceeded):
                refs(session)

    def test_the_run_has_a_budget(self) -> None:
        """However patient each operation is, the run as a whole ends."""
        limits = TimeLimits(run=dt.timedelta(seconds=0.5))
        with (
            imap_server(script={"search": Silence()}) as server,
            pytest.raises(DeadlineExceeded),
            source_of(server, limits=limits).open() as session,
        ):
            refs(session)

    @pytest.mark.parametrize("stage", ["greeting", "authenticate", "select", "search", "fetch-sizes", "fetch-bodies"])
    @pytest.mark.parametrize(
        "fault",
        [
            Close(),
            Answer("* BYE shutting down"),
            Answer("\x00\x01\x02"),
            Answer("+ unasked"),
            Answer("* OK {5}"),
            Raw(b"x" * 2_000_000),
            Raw(b"* 1 FETCH (UID 1\r\n{tag} BAD no\r\n"),
            Answer("WRONG1 OK done"),
        ],
        ids=lambda fault: type(fault).__name__,
    )
    def test_every_madness_is_an_error_of_transport(self, stage: str, fault: Fault) -> None:
        """Whatever the server says, only a TransportError comes out, and in time."""
        with imap_server(script={stage: fault}) as server:
            server.deliver(MAIL)
            with pytest.raises(TransportError), source_of(server, limits=SHORT).open() as session:
                fetch(session)

    @pytest.mark.parametrize("text", ["* SEARCH 1 x 2", "* SEARCH 99999999999", "* SEARCH " + "9" * 5_000])
    def test_a_search_that_finds_no_numbers_is_refused(self, text: str) -> None:
        """UIDs have at most ten digits."""
        with opened({"search": Answer(text + "\n{tag} OK done")}) as (_, session), pytest.raises(ServerMisbehaved):
            refs(session)

    def test_no_argument_can_carry_a_second_command(self) -> None:
        """The client itself refuses line ends and NUL, whoever calls it and with whatever."""
        with imap_server() as server:
            client = ImapClient(Wire.connect(server.host, server.port, TimeLimits()))
            for argument in ("1\r\nA9 LOGOUT", "1\n", b"1\0"):
                with pytest.raises(InvalidValue, match="control characters"):
                    client.command("UID", "SEARCH", argument)
            client.log_out()

            assert list(server.verbs) == ["LOGOUT"]

    def test_uids_outside_the_window_are_left_out(self) -> None:
        """A server that answers with more than was asked does not make us read old mail again."""
        with opened({"search": Answer("* SEARCH 3 1 2 2\n* SEARCH 70000\n{tag} OK done")}) as (_, session):
            assert [ref.uid for ref in refs(session, after=1)] == [2, 3]

    def test_a_refused_search_ends_the_session(self) -> None:
        """NO from SEARCH is an error, with the server's words."""
        with opened({"search": Answer("{tag} NO not today")}) as (_, session):
            with pytest.raises(ServerMisbehaved, match="not today"):
                refs(session)
            with pytest.raises(ConnectionFailed):
                session.wait(0)

    def test_closing_never_raises(self) -> None:
        """A server that hangs up on LOGOUT, or says nonsense, does not matter any more."""
        for fault in (Close(), Answer("nonsense"), Silence()):
            with imap_server(script={"logout": fault}) as server:
                source_of(server, limits=TimeLimits(read=dt.timedelta(seconds=1))).open().close()


class TestWaiting:
    """IDLE, and asking where there is none."""

    @pytest.mark.parametrize("extensions", [("IDLE",), ()])
    def test_new_mail_ends_the_wait(self, extensions: tuple[str, ...]) -> None:
        """Mail that came since is told, and then listed."""
        with opened(extensions=extensions) as (server, session):
            refs(session)
            server.deliver(MAIL)

            assert session.wait(0.05) is True
            assert [ref.uid for ref in refs(session, after=1)] == [2]

    def test_mail_that_arrives_during_idle_ends_the_wait(self) -> None:
        """The wait ends as soon as the server tells, long before its time."""
        with opened() as (server, session):
            post = threading.Thread(target=lambda: server.idling.wait(20) and server.deliver(MAIL))
            post.start()
            began = time.monotonic()
            news = session.wait(60)
            post.join()

            assert news is True
            assert time.monotonic() - began < 20

    @pytest.mark.parametrize("extensions", [("IDLE",), ()])
    def test_without_news_the_wait_is_over_in_time(self, extensions: tuple[str, ...]) -> None:
        """No news is no, and the session goes on."""
        with opened(extensions=extensions) as (_, session):
            assert session.wait(0.05) is False
            assert len(refs(session)) == 1

    def test_under_tls_the_wait_works_as_well(self, certificates: Any) -> None:
        """News that TLS has already decrypted are not overlooked."""
        with (
            imap_server(tls="implicit", ssl_context=certificates.server()) as server,
            source_of(server, "/ssl", ssl_context=certificates.trust).open() as session,
        ):
            server.deliver(MAIL)

            assert session.wait(5) is True

    def test_a_server_that_hangs_up_ends_the_wait(self) -> None:
        """BYE or the end of the connection is an error, not news."""
        with opened({"idle": Raw(b"+ idling\r\n* BYE time is up\r\n")}) as (_, session), pytest.raises(TransportError):
            session.wait(5)

    @pytest.mark.parametrize("answer", ["{tag} NO no idling", "{tag} BAD what", "* OK hm\n{tag} OK"])
    def test_a_refused_idle_is_an_error(self, answer: str) -> None:
        """A server that offers IDLE and refuses it is not waited for."""
        with opened({"idle": Answer(answer)}) as (_, session), pytest.raises(TransportError):
            session.wait(0.2)
