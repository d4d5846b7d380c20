"""Mail from a POP3 maildrop."""

import base64
import datetime as dt
import hashlib
import hmac
import logging
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from typing import Any

import pytest

from customerservice.adapters.transports.connection import CLEAR_TEXT, NOT_VALIDATED, TimeLimits
from customerservice.adapters.transports.pop3 import Pop3Session, Pop3Source
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
    FetchedMail,
    GoneMail,
    MailRef,
    OversizeMail,
    Secret,
    UnreadableMail,
)
from customerservice.testing.pop3_server import Drop, ScriptedPop3Server
from customerservice.testing.scripted import Answer, Close, Cut, Fault, Raw, Reset, Silence, Trickle
from customerservice.testing.transport_contract import (
    DELETE,
    KEEP,
    SEEN,
    MailSourceContract,
    Place,
    RemovalContract,
    fetched,
    flat,
    listed,
    numbered,
)

Serve = Callable[..., ScriptedPop3Server]
_SHORT = TimeLimits(connect=dt.timedelta(seconds=5), read=dt.timedelta(milliseconds=500))


def _limits(fault: Fault) -> TimeLimits:
    """Give little time to a server that uses it up, and plenty to the others, so that a busy machine fails no test."""
    return _SHORT if isinstance(fault, Silence | Trickle) else TimeLimits()


_SESAME = Secret("sesame")


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Give a starter of scripted servers with one user."""
    with ExitStack() as stack:

        def start(mails: Sequence[bytes | Drop] = (), **more: Any) -> ScriptedPop3Server:
            return stack.enter_context(ScriptedPop3Server(mails, **({"users": {"anna": "sesame"}} | more)))

        yield start


def _source(server: ScriptedPop3Server, flags: str = "", **more: Any) -> Pop3Source:
    options = ImapOptions.parse(f"{{{server.host}:{server.port}/pop3{flags}}}")
    given: dict[str, Any] = {"user": "anna", "secret": _SESAME} | more
    return Pop3Source(options, **given)


def _verbs(server: ScriptedPop3Server) -> list[str]:
    return [command.line.split()[0] for command in server.commands]


class _Maildrop(Place):
    def __init__(self, server: ScriptedPop3Server, **more: Any) -> None:
        self._server = server
        self._more = more
        self._next = 0

    @property
    def source(self) -> Pop3Source:
        return _source(self._server, **self._more)

    def put(self, raw: bytes, received_at: dt.datetime | None = None) -> None:
        self._next += 1
        self._server.drops = [*self._server.drops, Drop(raw, f"id-{self._next:06}")]

    def take_away(self, position: int) -> None:
        self._server.drops = [drop for at, drop in enumerate(self._server.drops) if at != position]

    def left(self) -> Sequence[bytes]:
        return [drop.raw for drop in self._server.drops]


class TestPop3SourceContract(MailSourceContract, RemovalContract):
    """A POP3 source keeps the promises of `MailSource`."""

    @pytest.fixture
    def place(self, serve: Serve) -> Place:
        """Give a maildrop on a scripted server."""
        return _Maildrop(serve())


class TestPop3SourceContractOverTls(MailSourceContract, RemovalContract):
    """A POP3 source keeps the promises of `MailSource` after STLS too."""

    @pytest.fixture
    def place(self, serve: Serve, certificates: Any) -> Place:
        """Give a maildrop on a scripted server with STLS."""
        server = serve(tls="starttls", ssl_context=certificates.server())
        return _Maildrop(server, flags="/tls", ssl_context=certificates.trust)


class TestIdentity:
    """What tells mails apart."""

    def test_the_uidl_is_the_name(self, serve: Serve) -> None:
        """A mail's name is its UIDL, and it has neither epoch nor UID."""
        server = serve([Drop(numbered(1), "0001abc"), Drop(numbered(2), "!~")])

        assert listed(_Maildrop(server)) == [MailRef(0, name="0001abc"), MailRef(0, name="!~")]

    def test_mails_come_in_the_order_of_arrival(self, serve: Serve) -> None:
        """Message numbers give the order, not the names, which servers make up as they like."""
        server = serve([Drop(numbered(1), "zz"), Drop(numbered(2), "aa")])

        assert [ref.name for ref in listed(_Maildrop(server))] == ["zz", "aa"]

    @pytest.mark.parametrize("uidl", ["same", None, "x" * 300, "with blank"])
    def test_mails_that_share_an_id_are_told_apart_by_their_header(self, serve: Serve, uidl: str | None) -> None:
        """Mails without a usable id of their own all come, under names that stay the same."""
        server = serve([Drop(numbered(number), uidl) for number in range(3)])
        place = _Maildrop(server)
        with place.source.open() as session:
            refs = flat(session.listing(after=0))
            mails = fetched(session, refs)

        assert [mail.raw for mail in mails if isinstance(mail, FetchedMail)] == [numbered(0), numbered(1), numbered(2)]
        assert (listed(place), len(set(refs)), session.state.warnings[1:]) == (refs, 3, ())

    def test_true_copies_come_once(self, serve: Serve) -> None:
        """Of mails with the same id and header one is listed; the state says how many are left out."""
        server = serve([Drop(numbered(1), "same"), Drop(numbered(1), "same"), Drop(numbered(2), "other")])
        with _source(server).open() as session:
            assert len(flat(session.listing(after=0))) == 2
            assert (session.state.count, session.state.warnings[0].startswith("1 mails cannot be told")) == (2, True)

    def test_a_server_without_top_leaves_them_out(self, serve: Serve) -> None:
        """When the header cannot be had, mails without an id of their own are left on the server, and it is said so."""
        server = serve([Drop(numbered(1), "a"), Drop(numbered(2), None)], script={"top": Answer("-ERR what?")})
        with _source(server).open() as session:
            assert [ref.name for ref in flat(session.listing(after=0))] == ["a"]
            assert session.state.warnings[0].startswith("1 mails cannot be told")

    def test_a_server_without_uidl_cannot_be_used(self, serve: Serve) -> None:
        """Without ids every session would find the same mails anew, so the source is refused."""
        with pytest.raises(FolderUnavailable, match="UIDL"):
            _source(serve(script={"uidl": Answer("-ERR what?")})).open()

    def test_a_name_of_another_kind_of_source_is_gone(self, serve: Serve) -> None:
        """A ref with an epoch or UID is none of this source."""
        with _source(serve([numbered(1)])).open() as session:
            mails = fetched(session, [MailRef(7, 1), MailRef(1, name="u1"), MailRef(0, 1, "u1"), MailRef(0, name="u9")])

        assert {type(mail) for mail in mails} == {GoneMail}

    @pytest.mark.parametrize("listing", ["+OK\n1 x\n.", "+OK\nfree text\n.", "+OK\n1\n."])
    def test_a_listing_that_cannot_be_read_is_the_servers_fault(self, serve: Serve, listing: str) -> None:
        """Sizes that are no numbers end the session."""
        with pytest.raises(ServerMisbehaved) as caught:
            _source(serve([numbered(1)], script={"list": Answer(listing)})).open()

        assert caught.value.stage == "select"

    def test_an_endless_listing_is_given_up(self, serve: Serve) -> None:
        """A listing larger than any maildrop's ends the session."""
        line = b"1 1" + b" " * 900_000 + b"\r\n"
        server = serve(script={"list": Raw(b"+OK\r\n" + line * 80)})
        with pytest.raises(ServerMisbehaved, match="without end"):
            _source(server).open()


class TestBodies:
    """What is fetched."""

    @pytest.mark.parametrize(
        "raw",
        [
            b"Subject: x\r\n\r\na\nb\rc\r\n",
            b"Subject: x\r\n\r\na\n.\nQUIT\n..\r\n",
            b"\x00\xff\r\n",
            b"\r\n",
            b".\r\n.\r\n",
            b"Subject: x\r\n\r\n" + b"y" * 5_000 + b"\r\n" + b"z" * 300_000 + b"\r\n",
        ],
    )
    def test_odd_bytes_come_whole(self, serve: Serve, raw: bytes) -> None:
        """Bare line ends, lone dots between them, NUL, empty mails and long lines come as they are."""
        with _source(serve([raw, numbered(2)])).open() as session:
            mails = fetched(session, flat(session.listing(after=0)))

        assert [mail.raw for mail in mails if isinstance(mail, FetchedMail)] == [raw, numbered(2)]

    def test_a_size_that_lies_is_noted(self, serve: Serve) -> None:
        """A mail of another size than announced is fetched twice, and given if both were equal."""
        server = serve([Drop(numbered(1), "a", size=3), Drop(numbered(2), "b", size=900)])
        with _source(server).open() as session:
            mails = fetched(session, flat(session.listing(after=0)))

        assert [(mail.raw, mail.size_differs) for mail in mails if isinstance(mail, FetchedMail)] == [
            (numbered(1), True),
            (numbered(2), True),
        ]
        assert _verbs(server).count("RETR") == 4

    def test_a_mail_that_changes_between_two_fetches_is_not_believed(self, serve: Serve) -> None:
        """When the second fetch differs the mail is unreadable, and the session goes on."""
        server = serve(
            [Drop(numbered(1), "a", size=3), numbered(2)], script={"retr:1": [None, Raw(b"+OK\r\nother\r\n.\r\n")]}
        )
        with _source(server).open() as session:
            first, second = fetched(session, flat(session.listing(after=0)))

        assert (type(first), type(second)) == (UnreadableMail, FetchedMail)

    def test_a_mail_larger_than_announced_is_not_kept(self, serve: Serve) -> None:
        """A body that goes past the limit is read to its end and told as too large, and the session goes on."""
        large = numbered(1, 50_000)
        server = serve([Drop(large, "a", size=10), numbered(2)])
        with _source(server).open() as session:
            first, second = fetched(session, flat(session.listing(after=0)), max_size=1_000)

        assert isinstance(first, OversizeMail)
        assert (first.size, first.header) == (len(large), numbered(1).removesuffix(b"\r\n"))
        assert isinstance(second, FetchedMail)

    def test_an_oversize_mail_without_top_has_no_header(self, serve: Serve) -> None:
        """When the server refuses TOP the header is empty, and the body is not fetched for it."""
        server = serve([numbered(1, 5_000)], script={"top": Answer("-ERR what?")})
        with _source(server).open() as session:
            (mail,) = fetched(session, flat(session.listing(after=0)), max_size=1_000)
        server.close()

        assert isinstance(mail, OversizeMail)
        assert (mail.header, "RETR" in _verbs(server)) == (b"", False)

    def test_a_refused_mail_is_tried_twice(self, serve: Serve) -> None:
        """A mail the server would not give at first is asked for once more."""
        server = serve([numbered(1)], script={"retr": [Answer("-ERR later"), None]})
        with _source(server).open() as session:
            (mail,) = fetched(session, flat(session.listing(after=0)))

        assert isinstance(mail, FetchedMail)

    def test_a_mail_refused_twice_is_unreadable(self, serve: Serve) -> None:
        """After the second refusal the mail is told as unreadable with the server's words; the others come."""
        server = serve([numbered(1), numbered(2)], script={"retr:1": Answer("-ERR disk\tcrashed")})
        with _source(server).open() as session:
            first, second = fetched(session, flat(session.listing(after=0)))

        assert isinstance(first, UnreadableMail)
        assert (first.reason, type(second)) == ("the server would not give it: disk crashed", FetchedMail)

    @pytest.mark.parametrize("fault", [Cut(40), Cut(5), Close(), Reset(), Silence(), Trickle(0.05), Raw(b"hm\r\n")])
    def test_a_mail_that_is_cut_is_never_given(self, serve: Serve, fault: Fault) -> None:
        """A connection that breaks inside a body is an error that says to try again, after which only close is left."""
        source = _source(serve([numbered(1, 300)], script={"retr": fault}), limits=_limits(fault))
        with source.open() as session:
            refs = flat(session.listing(after=0))
            with pytest.raises(TransportError) as caught:
                fetched(session, refs)
            with pytest.raises(ConnectionFailed):
                fetched(session, refs)

        assert (caught.value.stage, caught.value.temporary) == ("fetch", True)

    def test_batches_before_a_break_were_given(self, serve: Serve) -> None:
        """What was fetched in earlier batches is with the caller when a later one breaks."""
        server = serve([numbered(number) for number in range(250)], script={"retr:240": Close()})
        with _source(server).open() as session:
            batches = session.fetch(flat(session.listing(after=0)), max_size=1_000)
            first = next(batches)
            with pytest.raises(ConnectionFailed):
                next(batches)

        assert len(first) == 200


class TestAcknowledge:
    """Deleting."""

    def test_deletion_happens_at_the_end(self, serve: Serve) -> None:
        """A mail is there until the session ends well."""
        server = serve([numbered(1), numbered(2)])
        with _source(server).open() as session:
            refs = flat(session.listing(after=0))
            session.acknowledge(refs[:1], DELETE)
            before = len(server.drops)

        assert (before, [drop.raw for drop in server.drops]) == (2, [numbered(2)])

    def test_a_deleted_mail_is_gone_for_this_session(self, serve: Serve) -> None:
        """After deletion the mail is neither listed nor fetched, and deleting it again is done."""
        server = serve([numbered(1), numbered(2)])
        with _source(server).open() as session:
            refs = flat(session.listing(after=0))
            session.acknowledge(refs[:1], DELETE)

            assert flat(session.listing(after=0)) == refs[1:]
            assert isinstance(fetched(session, refs)[0], GoneMail)
            assert [answer.state for answer in session.acknowledge(refs[:1], DELETE)] == [AckState.DONE]
        assert _verbs(server).count("DELE") == 1

    @pytest.mark.parametrize("mode", [SEEN, AfterFetch.parse("move:Done")], ids=str)
    def test_flags_and_folders_are_not_there(self, serve: Serve, mode: AfterFetch) -> None:
        """Marking and moving fail with the reason."""
        with _source(serve([numbered(1)])).open() as session:
            (answer,) = session.acknowledge(flat(session.listing(after=0)), mode)

        assert (answer.state, answer.reason) == (AckState.FAILED, "POP3 knows no flags and no folders")

    def test_a_refused_deletion_is_told(self, serve: Serve) -> None:
        """A mail the server will not delete has the server's words as reason."""
        server = serve([numbered(1)], script={"dele": Answer("-ERR read-only")})
        with _source(server).open() as session:
            (answer,) = session.acknowledge(flat(session.listing(after=0)), DELETE)

        assert (answer.state, answer.reason, len(server.drops)) == (AckState.FAILED, "read-only", 1)

    def test_what_is_not_there_is_gone(self, serve: Serve) -> None:
        """Deleting a mail that is not there any more is told, and sends nothing."""
        server = serve([numbered(1)])
        with _source(server).open() as session:
            (answer,) = session.acknowledge([MailRef(0, name="u9")], DELETE)

        assert (answer.state, "DELE" in _verbs(server)) == (AckState.GONE, False)

    @pytest.mark.parametrize("fault", [Close(), Answer("-ERR some deleted messages not removed"), Silence()])
    def test_an_end_that_is_not_confirmed_is_logged(
        self, serve: Serve, caplog: pytest.LogCaptureFixture, fault: Fault
    ) -> None:
        """When QUIT fails the mails may come again: a warning, no error."""
        server = serve([numbered(1)], script={"quit": fault})
        with caplog.at_level(logging.WARNING), _source(server, limits=_limits(fault)).open() as session:
            session.acknowledge(flat(session.listing(after=0)), DELETE)

        assert [record.message for record in caplog.records] == ["deletion not confirmed"]

    def test_a_broken_session_deletes_nothing(self, serve: Serve) -> None:
        """After an error the session does not say QUIT, so what was marked stays and comes again."""
        server = serve([numbered(1), numbered(2)], script={"retr:2": Raw(b"what?\r\n")})
        with _source(server).open() as session:
            refs = flat(session.listing(after=0))
            session.acknowledge(refs[:1], DELETE)
            with pytest.raises(ServerMisbehaved):
                fetched(session, refs[1:])
        server.close()

        assert (len(server.drops), "QUIT" in _verbs(server)) == (2, False)

    def test_a_session_that_deleted_nothing_ends_quietly(self, serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
        """A failed QUIT without deletions is nobody's concern."""
        with caplog.at_level(logging.WARNING), _source(serve(script={"quit": Close()})).open():
            pass

        assert caplog.records == []


class TestWaiting:
    """Waiting for new mail."""

    def test_a_session_sees_no_new_mail(self, serve: Serve) -> None:
        """The time passes and nothing happens, though mail arrived."""
        server = serve()
        with _source(server).open() as session:
            server.drops = [Drop(numbered(1), "a")]

            assert session.wait(0.02) is False

    def test_time_that_is_over_before_it_began_is_nothing(self, serve: Serve) -> None:
        """A wait shorter than this machine can measure ends with no news."""
        with _source(serve()).open() as session:
            assert session.wait(1e-9) is False

    def test_a_server_that_leaves_is_news(self, serve: Serve) -> None:
        """When the server ends the session meanwhile, the wait is over."""
        server = serve()
        with _source(server).open() as session:
            server.close()

            assert session.wait(30) is True


class TestOpening:
    """Connecting, securing, logging in."""

    @pytest.mark.parametrize(("use", "flags"), [("implicit", "/ssl"), ("starttls", "/tls"), ("starttls", "")])
    def test_the_secret_travels_under_tls(self, serve: Serve, certificates: Any, use: Any, flags: str) -> None:
        """With TLS from the first byte and with STLS, everything from the log-in on is encrypted, without warnings."""
        server = serve([numbered(1)], tls=use, ssl_context=certificates.server())
        with _source(server, flags, ssl_context=certificates.trust).open() as session:
            assert session.state.warnings == ()
        server.close()

        assert {command.tls for command in server.commands if command.line.split()[0] in ("AUTH", "LIST")} == {True}

    @pytest.mark.parametrize("sort", ["expired", "self-signed", "unknown authority", "wrong name"])
    @pytest.mark.parametrize(("use", "flags"), [("implicit", "/ssl"), ("starttls", "/tls")])
    def test_a_bad_certificate_is_refused(
        self, serve: Serve, certificates: Any, sort: str, use: Any, flags: str
    ) -> None:
        """An expired, self-signed, unknown or foreign certificate ends the session before any secret is sent."""
        server = serve(tls=use, ssl_context=certificates.server(sort))
        with pytest.raises(CertificateRejected) as caught:
            _source(server, flags, ssl_context=certificates.trust).open()
        server.close()

        assert (caught.value.stage, set(_verbs(server)) & {"USER", "PASS", "AUTH"}) == ("tls", set())

    def test_an_unchecked_certificate_is_warned_about(self, serve: Serve, certificates: Any) -> None:
        """With ``/novalidate-cert`` any certificate does, and each session says so."""
        server = serve(tls="implicit", ssl_context=certificates.server("self-signed"))
        with _source(server, "/ssl/novalidate-cert").open() as session:
            assert session.state.warnings == (NOT_VALIDATED,)

    def test_clear_text_is_warned_about(self, serve: Serve) -> None:
        """On loopback clear text is allowed, and each session says so."""
        with _source(serve(), "/notls").open() as session:
            assert session.state.warnings == (CLEAR_TEXT,)

    def test_a_server_without_stls_is_refused(self, serve: Serve) -> None:
        """STLS that is required and not offered ends the session before the log-in."""
        server = serve()
        with pytest.raises(TlsFailed, match="offers no STLS"):
            _source(server, "/tls").open()
        server.close()

        assert _verbs(server) == ["CAPA"]

    def test_a_server_that_does_not_say_what_it_offers_is_tried(self, serve: Serve, certificates: Any) -> None:
        """Without CAPA a required STLS is asked for all the same."""
        server = serve(
            tls="starttls", ssl_context=certificates.server(), script={"capa": Answer("-ERR what?")}, mechanisms=()
        )
        with _source(server, "/tls", ssl_context=certificates.trust).open():
            pass

        assert _verbs(server) == ["CAPA", "STLS", "CAPA", "USER", "PASS", "LIST", "UIDL", "QUIT"]

    def test_without_capa_clear_text_goes_on_where_it_is_allowed(self, serve: Serve) -> None:
        """Where clear text is allowed, a server that does not know CAPA is not asked for STLS."""
        server = serve(script={"capa": Answer("-ERR what?")}, mechanisms=())
        with _source(server).open():
            pass

        assert "STLS" not in _verbs(server)

    @pytest.mark.parametrize(
        ("fault", "kind"),
        [(Answer("-ERR not now"), TlsFailed), (Close(), TransportError), (Raw(b"hm\r\n"), TransportError)],
    )
    @pytest.mark.parametrize("flags", ["", "/tls"])
    def test_a_failed_stls_never_falls_back(
        self, serve: Serve, certificates: Any, fault: Fault, kind: type[TransportError], flags: str
    ) -> None:
        """Once STLS was tried there is no way back to clear text, not even where clear text is allowed."""
        server = serve(tls="starttls", ssl_context=certificates.server(), script={"stls": fault})
        with pytest.raises(kind) as caught:
            _source(server, flags, allow_clear_text=True, ssl_context=certificates.trust).open()
        server.close()

        assert (caught.value.stage, _verbs(server)) == ("tls", ["CAPA", "STLS"])

    def test_text_slipped_in_before_tls_is_not_interpreted(self, serve: Serve, certificates: Any) -> None:
        """Clear text behind the answer to STLS could be an attacker's, and ends the session."""
        server = serve(tls="starttls", ssl_context=certificates.server(), stls_suffix=b"+OK\r\nSASL PLAIN\r\n.\r\n")
        with pytest.raises(TransportError) as caught:
            _source(server, "/tls", ssl_context=certificates.trust).open()
        server.close()

        assert (caught.value.stage, _verbs(server)) == ("tls", ["CAPA", "STLS"])

    @pytest.mark.parametrize("stage", ["connect", "greeting", "capa", "auth", "list", "uidl"])
    @pytest.mark.parametrize(
        ("fault", "kind"),
        [
            (Close(), ConnectionFailed),
            (Reset(), ConnectionFailed),
            (Silence(), DeadlineExceeded),
            (Raw(b"HTTP/1.1 400 Bad Request\r\n"), ServerMisbehaved),
            (Raw(b"+OK\n"), ServerMisbehaved),
            (Raw(b"+OK " + b"a" * 2_000_000), ServerMisbehaved),
        ],
    )
    def test_trouble_with_the_server_is_an_error_with_its_stage(
        self, serve: Serve, stage: str, fault: Fault, kind: type[TransportError]
    ) -> None:
        """Loss, silence and garbage at each step are errors that say where, and to try again."""
        with pytest.raises(kind) as caught:
            _source(serve(script={stage: fault}), limits=_limits(fault)).open()

        expected = {"greeting": "connect", "capa": "connect", "auth": "login", "list": "select", "uidl": "select"}
        assert (caught.value.stage, caught.value.temporary) == (expected.get(stage, "connect"), True)

    def test_a_server_that_greets_with_no_is_refused(self, serve: Serve) -> None:
        """-ERR as greeting is an error with the server's words."""
        with pytest.raises(ServerBusy, match="come back"):
            _source(serve(script={"greeting": Answer("-ERR [SYS/TEMP] come back")})).open()

    def test_clear_text_to_elsewhere_is_refused(self, elsewhere: tuple[str, int]) -> None:
        """Over a clear connection to another machine no secret is sent unless that is allowed."""
        host, port = elsewhere
        options = ImapOptions.parse(f"{{{host}:{port}/pop3/notls}}")
        with pytest.raises(InsecureConnection):
            Pop3Source(options, user="anna", secret=_SESAME).open()

    def test_clear_text_to_elsewhere_can_be_allowed(self, elsewhere: tuple[str, int]) -> None:
        """Whoever allows clear text gets past that, and is warned."""
        host, port = elsewhere
        options = ImapOptions.parse(f"{{{host}:{port}/pop3/notls}}")
        with Pop3Source(options, user="anna", secret=_SESAME, allow_clear_text=True).open() as session:
            assert session.state.warnings == (CLEAR_TEXT,)

    @pytest.mark.parametrize(
        "text", ["{h/imap}", "{h/pop3/readonly}", "{h/pop3/anonymous}", "{h/nntp}", "{h/pop3/ssl/tls}"]
    )
    def test_options_of_another_kind_are_refused(self, text: str) -> None:
        """Another service, and what POP3 cannot do, is refused when the source is made."""
        with pytest.raises(InvalidMailboxName):
            Pop3Source(ImapOptions.parse(text), user="anna", secret=_SESAME)

    def test_a_source_needs_a_secret(self) -> None:
        """Neither password nor token is an error at once."""
        with pytest.raises(InvalidValue, match="password or a token"):
            Pop3Source(ImapOptions.parse("{h/pop3}"), user="anna")

    def test_a_user_with_a_line_end_is_refused(self) -> None:
        """A name that could start a new command is refused at once."""
        with pytest.raises(InvalidValue, match="control characters"):
            Pop3Source(ImapOptions.parse("{h/pop3}"), user="anna\r\nDELE 1", secret=_SESAME)


@pytest.fixture
def elsewhere(outside_address: str) -> Iterator[tuple[str, int]]:
    """Give an address of this machine that does not look like loopback, where a server speaks POP3."""
    host = outside_address
    with socket.create_server((host, 0)) as listener:

        def speak() -> None:
            connection, _ = listener.accept()
            # A client that refuses to go on hangs up in the middle.
            with suppress(OSError), connection, connection.makefile("rb") as lines:
                connection.sendall(b"+OK hello\r\n")
                for line in lines:
                    multiline = line[:4] in (b"CAPA", b"LIST", b"UIDL")
                    connection.sendall(b"+OK\r\n.\r\n" if multiline else b"+OK\r\n")

        thread = threading.Thread(target=speak)
        thread.start()
        yield host, listener.getsockname()[1]
        with socket.socket() as farewell:
            farewell.settimeout(1)
            farewell.connect_ex((host, listener.getsockname()[1]))
        thread.join()


class _Tokens:
    """A token provider that gives what it was told, and remembers what it was asked."""

    def __init__(self, *tokens: str) -> None:
        self._tokens = list(tokens)
        self.asked: list[bool] = []

    def token(self, *, refresh: bool = False) -> AccessToken:
        self.asked.append(refresh)
        return AccessToken(Secret(self._tokens.pop(0) if len(self._tokens) > 1 else self._tokens[0]))


class _ChallengeServer(ScriptedPop3Server):
    """A server that knows CRAM-MD5 (RFC 2195)."""

    challenge = b"<1896.697170952@mail.example>"

    def _is_right(self, mechanism: str, words: str) -> bool:
        digest = hmac.new(b"sesame", self.challenge, hashlib.md5).hexdigest()
        return words == f"anna {digest}"


class TestLogIn:
    """Logging in."""

    @pytest.mark.parametrize(("mechanisms", "verbs"), [((), ["USER", "PASS"]), (("PLAIN",), ["AUTH"])])
    def test_a_password_logs_in(self, serve: Serve, mechanisms: tuple[str, ...], verbs: list[str]) -> None:
        """PLAIN is used where it is offered, else USER and PASS; letters of every script survive."""
        server = serve(users={"änna b": "sésame öffne"}, mechanisms=mechanisms)
        with _source(server, user="änna b", secret=Secret("sésame öffne")).open():
            pass

        assert _verbs(server)[1:-3] == verbs

    def test_the_user_of_the_mailbox_string_wins(self, serve: Serve) -> None:
        """A user named in the options is the one who logs in."""
        with _source(serve(users={"carla": "sesame"}), "/user=carla").open() as session:
            assert session.state.count == 0

    def test_acting_for_somebody_needs_plain(self, serve: Serve) -> None:
        """With ``/authuser=`` that account's password opens the user's maildrop."""
        server = serve(users={"boss": "sesame"})
        with _source(server, "/authuser=boss").open():
            pass

        assert "AUTH" in _verbs(server)

    @pytest.mark.parametrize("mechanisms", [(), ("PLAIN",)])
    def test_a_wrong_password_is_tried_once(self, serve: Serve, mechanisms: tuple[str, ...]) -> None:
        """A refused password is not tried again, by no other way either, and does not show in the error."""
        server = serve(mechanisms=mechanisms)
        with pytest.raises(AuthenticationFailed) as caught:
            _source(server, secret=Secret("hunter2")).open()
        server.close()

        assert (len(set(_verbs(server)) & {"PASS", "AUTH"}), "hunter2" in str(caught.value)) == (1, False)

    def test_an_echoed_password_is_masked(self, serve: Serve) -> None:
        """A server that repeats the secret in its refusal does not bring it into the error's text."""
        server = serve(mechanisms=(), script={"pass": Answer("-ERR hunter2 is wrong")})
        with pytest.raises(AuthenticationFailed) as caught:
            _source(server, secret=Secret("hunter2")).open()

        assert "hunter2" not in str(caught.value)

    @pytest.mark.parametrize(
        ("words", "kind"),
        [
            ("[IN-USE] maildrop is locked", ServerBusy),
            ("Unable to lock maildrop: Mailbox is locked by POP server", ServerBusy),
            ("[LOGIN-DELAY] wait", ServerBusy),
            ("[AUTH] your account is locked", AuthenticationFailed),
            ("no", AuthenticationFailed),
        ],
    )
    def test_a_locked_maildrop_is_not_a_wrong_password(
        self, serve: Serve, words: str, kind: type[TransportError]
    ) -> None:
        """When another session holds the maildrop the error says to come back; codes count before words."""
        server = serve(mechanisms=(), script={"pass": Answer(f"-ERR {words}")})
        with pytest.raises(kind) as caught:
            _source(server).open()

        assert (type(caught.value), caught.value.stage) == (kind, "login")

    def test_a_refused_user_gets_no_password(self, serve: Serve) -> None:
        """When the server refuses USER the password is not sent."""
        server = serve(mechanisms=(), script={"user": Answer("-ERR who?")})
        with pytest.raises(AuthenticationFailed):
            _source(server).open()
        server.close()

        assert "PASS" not in _verbs(server)

    def test_a_secret_with_a_line_end_is_not_sent(self, serve: Serve) -> None:
        """A password that could start a new command is refused."""
        with pytest.raises(InvalidValue, match=r"^password: control characters"):
            _source(serve(mechanisms=()), secret=Secret("x\r\nDELE 1")).open()

    def test_secure_answers_a_challenge(self) -> None:
        """With ``/secure`` the password itself is never sent."""
        challenge = base64.b64encode(_ChallengeServer.challenge).decode()
        with (
            _ChallengeServer(users={"anna": "sesame"}, mechanisms=("CRAM-MD5",), challenge=challenge) as server,
            _source(server, "/secure").open() as session,
        ):
            assert session.state.count == 0

    def test_secure_without_challenge_is_refused(self, serve: Serve) -> None:
        """With ``/secure`` a server without CRAM-MD5 gets nothing."""
        server = serve()
        with pytest.raises(AuthenticationFailed, match="/secure"):
            _source(server, "/secure").open()
        server.close()

        assert set(_verbs(server)) & {"USER", "PASS", "AUTH"} == set()

    @pytest.mark.parametrize("mechanism", ["XOAUTH2", "OAUTHBEARER"])
    def test_an_access_token_logs_in(self, serve: Serve, mechanism: str) -> None:
        """Both mechanisms work, in the two-step form, with tokens of any length."""
        token = "t" * 3_000
        server = serve(tokens={"a=b,c": token}, mechanisms=(mechanism,))
        with _source(server, user="a=b,c", token_provider=_Tokens(token)).open():
            pass

        assert f"AUTH {mechanism}" in [command.line for command in server.commands]

    @pytest.mark.parametrize("mechanism", ["XOAUTH2", "OAUTHBEARER"])
    def test_a_refused_token_is_renewed_once(self, serve: Serve, mechanism: str) -> None:
        """After the server's refusal, heard out to its end, a new token is asked for and tried."""
        tokens = _Tokens("old", "new")
        with _source(serve(tokens={"anna": "new"}, mechanisms=(mechanism,)), token_provider=tokens).open():
            pass

        assert tokens.asked == [False, True]

    @pytest.mark.parametrize(("tokens", "tries"), [(("old",), 1), (("old-1", "old-2", "old-3"), 2)])
    def test_refused_tokens_are_the_end(self, serve: Serve, tokens: tuple[str, ...], tries: int) -> None:
        """A token that stays the same is tried once, a new one once more; none shows in the error."""
        server = serve(tokens={"anna": "new"})
        with pytest.raises(AuthenticationFailed) as caught:
            _source(server, token_provider=_Tokens(*tokens)).open()
        server.close()

        assert (_verbs(server).count("AUTH"), "old" in str(caught.value)) == (tries, False)

    def test_a_server_that_takes_no_tokens_is_named(self, serve: Serve) -> None:
        """When neither mechanism is offered nothing is tried."""
        with pytest.raises(AuthenticationFailed, match="neither XOAUTH2 nor OAUTHBEARER"):
            _source(serve(mechanisms=("PLAIN",)), token_provider=_Tokens("x")).open()

    @pytest.mark.parametrize("words", ["+ ", "+", "+ A"])
    def test_a_server_that_never_stops_asking_is_told_so(self, serve: Serve, words: str) -> None:
        """When all is said and the server asks for more we give up (RFC 5034 4), and it is a refused log-in."""
        server = serve(script={"auth": Raw(f"{words}\r\n-ERR cancelled\r\n".encode())}, mechanisms=("PLAIN",))
        with pytest.raises(AuthenticationFailed, match="cancelled"):
            _source(server).open()

    def test_a_challenge_that_is_no_base64_is_answered_all_the_same(self, serve: Serve) -> None:
        """Mechanisms that do not look at the challenge log in whatever it is."""
        with _source(serve(challenge="A", mechanisms=("PLAIN",))).open() as session:
            assert session.state.count == 0


def test_a_session_is_a_context_manager(serve: Serve) -> None:
    """Leaving the block ends the session with QUIT."""
    server = serve()
    with _source(server).open() as session:
        assert isinstance(session, Pop3Session)
        session.acknowledge([], KEEP)

    assert _verbs(server)[-1] == "QUIT"
