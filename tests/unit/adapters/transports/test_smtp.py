"""Mail goes out by SMTP."""

import datetime as dt
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from customerservice.adapters.transports.memory import MemorySender
from customerservice.adapters.transports.smtp import SmtpLimits, SmtpSender, SmtpSettings, _on_the_wire
from customerservice.domain.email_address import EmailAddress
from customerservice.domain.imap_options import TlsMode
from customerservice.errors import (
    AuthenticationFailed,
    CertificateRejected,
    ConnectionFailed,
    DeadlineExceeded,
    InsecureConnection,
    InvalidValue,
    ServerBusy,
    ServerMisbehaved,
    TlsFailed,
    TransportError,
)
from customerservice.ports.transports import AccessToken, Envelope, RecipientResult, RecipientState, Secret
from customerservice.testing.scripted import Answer, Close, Cut, Deaf, Fault, Raw, Reset, Silence, Trickle
from customerservice.testing.sender_contract import ANNA, BERT, CARLA, RAW, SHOP, MailSenderContract, Outlet, TakenMail
from customerservice.testing.smtp_server import AuthAttempt, ScriptedSmtpServer

_SHORT = SmtpLimits(
    connect=dt.timedelta(seconds=5), answer=dt.timedelta(milliseconds=500), dot=dt.timedelta(milliseconds=500)
)


def _limits(fault: Fault) -> SmtpLimits:
    """Give little time to a server that uses it up, and plenty to the others, so that a busy machine fails no test."""
    return _SHORT if isinstance(fault, Silence | Trickle) else SmtpLimits()


_SENT, _REFUSED = RecipientState.SENT, RecipientState.REFUSED
_DEFERRED, _UNKNOWN = RecipientState.DEFERRED, RecipientState.UNKNOWN


@pytest.fixture
def serve() -> Iterator[Callable[..., ScriptedSmtpServer]]:
    """Give a starter of scripted servers."""
    with ExitStack() as stack:
        yield lambda script=None, **more: stack.enter_context(ScriptedSmtpServer(script=script, **more))


def _sender(server: ScriptedSmtpServer, **more: Any) -> SmtpSender:
    return SmtpSender(server.host, server.port, **({"tls": TlsMode.STARTTLS_IF_OFFERED} | more))


def _send(
    sender: SmtpSender, *recipients: EmailAddress, raw: bytes = RAW, mail_from: EmailAddress | None = SHOP
) -> Sequence[RecipientResult]:
    return sender.send(Envelope(mail_from, recipients or (ANNA,)), raw, before_dot=lambda: None)


def _states(results: Sequence[RecipientResult]) -> list[RecipientState]:
    return [result.state for result in results]


class _MemoryOutlet(Outlet):
    def __init__(self) -> None:
        self._sender = MemorySender()

    @property
    def sender(self) -> MemorySender:
        return self._sender

    def refuse(self, address: EmailAddress) -> None:
        self._sender.answer(address, _REFUSED, 550)

    def defer(self, address: EmailAddress) -> None:
        self._sender.answer(address, _DEFERRED, 451)

    def lose_next(self) -> None:
        self._sender.lose_next()

    def taken(self) -> Sequence[TakenMail]:
        return [
            TakenMail(
                "" if mail.envelope.sender is None else mail.envelope.sender.value,
                tuple(address.value for address in mail.recipients),
                mail.raw,
            )
            for mail in self._sender.sent
        ]


class _ScriptedOutlet(Outlet):
    def __init__(self, server: ScriptedSmtpServer, **more: Any) -> None:
        self._server = server
        self._sender = _sender(server, **more)

    @property
    def sender(self) -> SmtpSender:
        return self._sender

    def refuse(self, address: EmailAddress) -> None:
        self._server.order(f"rcpt:{address}", Answer("550 5.1.1 unknown"))

    def defer(self, address: EmailAddress) -> None:
        self._server.order(f"rcpt:{address}", Answer("451 4.7.1 greylisted"))

    def lose_next(self) -> None:
        self._server.order("dot", [Close()])

    def taken(self) -> Sequence[TakenMail]:
        return [TakenMail(mail.sender, mail.recipients, mail.raw) for mail in self._server.accepted]


class TestMemorySenderContract(MailSenderContract):
    """The sender in memory keeps the promises of `MailSender`."""

    @pytest.fixture
    def outlet(self) -> Outlet:
        """Give a sender in memory."""
        return _MemoryOutlet()


class TestSmtpSenderContract(MailSenderContract):
    """The SMTP sender keeps the promises of `MailSender`."""

    @pytest.fixture
    def outlet(self, serve: Callable[..., ScriptedSmtpServer]) -> Outlet:
        """Give an SMTP sender and a scripted server on loopback."""
        return _ScriptedOutlet(serve())


class TestSmtpSenderContractOverTls(MailSenderContract):
    """The SMTP sender keeps the promises of `MailSender` under TLS too."""

    @pytest.fixture
    def outlet(self, serve: Callable[..., ScriptedSmtpServer], certificates: Any) -> Outlet:
        """Give an SMTP sender and a scripted server that requires TLS from the first byte."""
        server = serve(tls="implicit", ssl_context=certificates.server())
        return _ScriptedOutlet(server, tls=TlsMode.IMPLICIT, ssl_context=certificates.trust)


class TestBytes:
    """What arrives."""

    @pytest.mark.parametrize(
        ("raw", "arrives"),
        [
            (b"a\nb\n", b"a\r\nb\r\n"),
            (b"a\rb", b"a\r\nb\r\n"),
            (b"a\r\r\nb", b"a\r\n\r\nb\r\n"),
            (b"a\n.\r\nb\r.\nc", b"a\r\n.\r\nb\r\n.\r\nc\r\n"),
            (b"a\n.\nMAIL FROM:<evil@x.example>\r\n", b"a\r\n.\r\nMAIL FROM:<evil@x.example>\r\n"),
            (b"", b""),
            (b"\x00\xff\r\n", b"\x00\xff\r\n"),
        ],
    )
    def test_line_ends_become_crlf_and_nothing_can_end_the_mail_early(
        self, serve: Callable[..., ScriptedSmtpServer], raw: bytes, arrives: bytes
    ) -> None:
        """A bare CR or LF becomes CRLF before dots are stuffed, so no server sees a second mail in the first."""
        server = serve()
        _send(_sender(server), raw=raw)

        assert [mail.raw for mail in server.accepted] == [arrives]

    def test_a_large_mail_arrives_whole(self, serve: Callable[..., ScriptedSmtpServer]) -> None:
        """A mail of many chunks arrives byte for byte, with dots at the seams."""
        server = serve()
        raw = (b"." * 70 + b"\r\n") * 60_000
        _send(_sender(server), raw=raw)

        assert server.accepted[0].raw == raw

    @given(st.lists(st.sampled_from([b"\r", b"\n", b".", b"a", b"\r\n"]), max_size=30).map(b"".join))
    def test_the_stuffed_form_says_the_same(self, raw: bytes) -> None:
        """Whatever the bytes are: taken apart again they give the same lines, and a lone dot stands on no line."""
        lines = b"".join(_on_the_wire(raw)).split(b"\r\n")
        normal = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

        assert lines.pop() == b""
        assert b"." not in lines
        assert b"\n".join(line.removeprefix(b".") for line in lines) == normal.removesuffix(b"\n")

    @pytest.mark.parametrize(
        ("raw", "parameters"),
        [
            (b"plain\r\n", ("SIZE=7",)),
            (b"bare\n", ("SIZE=6",)),
            (b"gr\xfcn\r\n", ("SIZE=6", "BODY=8BITMIME")),
        ],
    )
    def test_size_and_8_bit_text_are_announced(
        self, serve: Callable[..., ScriptedSmtpServer], raw: bytes, parameters: tuple[str, ...]
    ) -> None:
        """A server that offers SIZE and 8BITMIME hears what comes (RFC 1870, RFC 6152)."""
        server = serve()
        _send(_sender(server), raw=raw)

        assert server.accepted[0].parameters == parameters

    def test_a_server_that_offers_nothing_gets_no_parameters(self, serve: Callable[..., ScriptedSmtpServer]) -> None:
        """What a server does not offer is not used."""
        server = serve(extensions=())
        _send(_sender(server), raw=b"gr\xfcn\r\n")

        assert server.accepted[0].parameters == ()

    def test_a_server_without_ehlo_is_greeted_the_old_way(self, serve: Callable[..., ScriptedSmtpServer]) -> None:
        """A server that does not know EHLO hears HELO (RFC 5321 3.2)."""
        server = serve({"ehlo": Answer("502 5.5.1 what?")})
        _send(_sender(server, local_hostname="desk.example"))

        assert [command.line for command in server.commands[:2]] == ["EHLO desk.example", "HELO desk.example"]

    @pytest.mark.parametrize("name", [None, "desk.example"])
    def test_we_say_who_we_are(self, serve: Callable[..., ScriptedSmtpServer], name: str | None) -> None:
        """The name in EHLO is the one given, or a domain or address literal (RFC 5321 4.1.3)."""
        server = serve()
        _send(_sender(server, local_hostname=name))
        said = server.commands[0].line.removeprefix("EHLO ")

        assert said == name or said == "[127.0.0.1]" or "." in said


class TestAddresses:
    """Envelope addresses."""

    def test_an_international_domain_is_sent_as_a_labels(self, serve: Callable[..., ScriptedSmtpServer]) -> None:
        """Domains go out in the form of the domain name system, which every server takes."""
        server = serve(extensions=())
        results = _send(
            _sender(server), EmailAddress("anna@grün.example"), mail_from=EmailAddress("shop@bücher.example")
        )

        assert (_states(results), server.accepted[0].sender, server.accepted[0].recipients) == (
            [_SENT],
            "shop@xn--bcher-kva.example",
            ("anna@xn--grn-ioa.example",),
        )

    def test_an_international_local_part_needs_smtputf8(self, serve: Callable[..., ScriptedSmtpServer]) -> None:
        """Without SMTPUTF8 such a recipient is refused with the reason, and the others get the mail."""
        server = serve(extensions=())
        results = _send(_sender(server), EmailAddress("jürgen@home.example"), ANNA)

        assert (_states(results), "SMTPUTF8" in results[0].text, server.accepted[0].recipients) == (
            [_REFUSED, _SENT],
            True,
            (ANNA.value,),
        )

    def test_an_international_local_part_goes_out_with_smtputf8(self, serve: Callable[..., ScriptedSmtpServer]) -> None:
        """With SMTPUTF8 such a recipient is named as it is, and the mail is announced so (RFC 6531 3.4)."""
        server = serve(extensions=("SMTPUTF8",))
        _send(_sender(server), EmailAddress("jürgen@home.example"))

        assert (server.accepted[0].recipients, server.accepted[0].parameters) == (
            ("jürgen@home.example",),
            ("SMTPUTF8",),
        )

    def test_a_sender_that_cannot_be_written_refuses_everybody(self, serve: Callable[..., ScriptedSmtpServer]) -> None:
        """An international sender without SMTPUTF8 is a refusal for each recipient, with the reason."""
        server = serve(extensions=())
        results = _send(_sender(server), ANNA, BERT, mail_from=EmailAddress("müller@desk.example"))

        assert (_states(results), results[0].text.startswith("the sender has letters")) == ([_REFUSED] * 2, True)

    def test_a_domain_that_is_no_domain_is_refused(self, serve: Callable[..., ScriptedSmtpServer]) -> None:
        """A domain that cannot be turned into A-labels is refused, not sent cut short."""
        results = _send(_sender(serve()), EmailAddress(f"anna@{'ü' * 70}.example"))

        assert (_states(results), "domain name system" in results[0].text) == ([_REFUSED], True)

    def test_nobody_to_send_to_is_an_error(self) -> None:
        """An envelope without recipients is refused before any connection."""
        with pytest.raises(InvalidValue, match="at least one"):
            SmtpSender("mail.example", 587).send(Envelope(SHOP, ()), RAW, before_dot=lambda: None)


#: stage -> what the server says there -> what becomes of Anna and Bert
_ANSWERS: Sequence[tuple[str, str, list[RecipientState], int]] = [
    ("mail", "451 4.3.0 later", [_DEFERRED, _DEFERRED], 451),
    ("mail", "421 4.3.2 closing", [_DEFERRED, _DEFERRED], 421),
    ("mail", "550 5.7.1 not you", [_REFUSED, _REFUSED], 550),
    ("rcpt", "450 4.2.0 later", [_DEFERRED, _DEFERRED], 450),
    ("rcpt", "552 too many", [_DEFERRED, _DEFERRED], 552),
    ("rcpt", "550 5.1.1 unknown", [_REFUSED, _REFUSED], 550),
    ("data", "451 4.3.0 later", [_DEFERRED, _DEFERRED], 451),
    ("data", "554 5.7.1 no", [_REFUSED, _REFUSED], 554),
    ("body", "552 5.3.4 too big", [_REFUSED, _REFUSED], 552),
    ("body", "451 4.3.0 disk", [_DEFERRED, _DEFERRED], 451),
    ("dot", "451 4.3.0 later", [_DEFERRED, _DEFERRED], 451),
    ("dot", "421 4.3.2 closing", [_DEFERRED, _DEFERRED], 421),
    ("dot", "552 5.2.2 too big", [_REFUSED, _REFUSED], 552),
    ("dot", "554-5.7.1 spam\n554 5.7.1 really", [_REFUSED, _REFUSED], 554),
    ("dot", "354 once more", [_UNKNOWN, _UNKNOWN], 354),
]


class TestAnswers:
    """What the server says about a mail is a result."""

    @pytest.mark.parametrize(("stage", "answer", "states", "code"), _ANSWERS)
    def test_4yz_defers_and_5yz_refuses(
        self,
        serve: Callable[..., ScriptedSmtpServer],
        stage: str,
        answer: str,
        states: list[RecipientState],
        code: int,
    ) -> None:
        """At each stage 4yz means later, 5yz never; what makes no sense after the dot is unknown."""
        results = _send(_sender(serve({stage: Answer(answer)})), ANNA, BERT)

        assert ([result.state for result in results], {result.code for result in results}) == (states, {code})

    def test_the_words_of_the_server_are_kept_on_one_line(self, serve: Callable[..., ScriptedSmtpServer]) -> None:
        """All lines of a reply stand in the result, without control characters."""
        results = _send(_sender(serve({"rcpt": Raw(b"550-5.1.1 no\x07body\r\n550 h\xe9re\r\n")})))

        assert results[0].text == "5.1.1 no body h\N{REPLACEMENT CHARACTER}re"

    def test_a_server_that_closes_at_a_recipient_took_nothing(self, serve: Callable[..., ScriptedSmtpServer]) -> None:
        """421 at the second recipient ends the session: the first, though accepted, is deferred like the rest."""
        server = serve({f"rcpt:{BERT}": Answer("421 4.3.2 closing")})
        results = _send(_sender(server), ANNA, BERT, CARLA)

        assert _states(results) == [_DEFERRED] * 3

    def test_what_was_refused_before_a_closing_stays_refused(self, serve: Callable[..., ScriptedSmtpServer]) -> None:
        """A recipient that was refused for good is not tried again because the session ended later."""
        server = serve({f"rcpt:{ANNA}": Answer("550 5.1.1 no"), f"rcpt:{BERT}": Answer("421 4.3.2 closing")})
        results = _send(_sender(server), ANNA, BERT)

        assert _states(results) == [_REFUSED, _DEFERRED]

    def test_some_accepted_some_not(self, serve: Callable[..., ScriptedSmtpServer]) -> None:
        """Each recipient has its own result; the final answer counts for those accepted only."""
        server = serve(
            {
                f"rcpt:{BERT}": Answer("550 5.1.1 no"),
                f"rcpt:{CARLA}": Answer("451 4.7.1 later"),
                "dot": Answer("554 no"),
            }
        )
        results = _send(_sender(server), ANNA, BERT, CARLA)

        assert [(result.state, result.code) for result in results] == [
            (_REFUSED, 554),
            (_REFUSED, 550),
            (_DEFERRED, 451),
        ]

    @pytest.mark.parametrize("fault", [Answer("500 what?"), Close(), Reset(), Silence()])
    def test_a_failed_good_bye_changes_nothing(self, serve: Callable[..., ScriptedSmtpServer], fault: Fault) -> None:
        """The mail is sent once the final dot was answered, whatever becomes of QUIT."""
        limits = SmtpLimits(goodbye=dt.timedelta(milliseconds=50)) if fault == Silence() else SmtpLimits()
        results = _send(_sender(serve({"quit": fault}), limits=limits))

        assert _states(results) == [_SENT]

    def test_the_session_ends_with_quit(self, serve: Callable[..., ScriptedSmtpServer]) -> None:
        """After a mail, sent or refused, we say good-bye."""
        server = serve({"mail": [None, Answer("550 no")]})
        _send(_sender(server))
        _send(_sender(server))

        assert [command.line for command in server.commands].count("QUIT") == 2


class TestLostConnections:
    """Before the final dot a lost connection is an error, after it a result."""

    @pytest.mark.parametrize(
        "fault", [Close(), Reset(), Silence(), Raw(b"what?\r\n"), Raw(b"999 x\r\n"), Cut(3), Trickle(0.05)]
    )
    def test_after_the_dot_nobody_can_know(self, serve: Callable[..., ScriptedSmtpServer], fault: Fault) -> None:
        """Loss, silence, a trickle of bytes and garbage after the dot are `UNKNOWN` with the reason."""
        results = _send(_sender(serve({"dot": fault}), limits=_limits(fault)), ANNA, BERT)

        assert (_states(results), results[0].text.startswith("no answer to the final dot: ")) == (
            [_UNKNOWN] * 2,
            True,
        )

    @pytest.mark.parametrize("stage", ["connect", "greeting", "ehlo", "mail", "rcpt", "data"])
    @pytest.mark.parametrize(
        ("fault", "kind"),
        [
            (Close(), ConnectionFailed),
            (Reset(), ConnectionFailed),
            (Cut(2), ConnectionFailed),
            (Silence(), DeadlineExceeded),
            (Trickle(0.06), DeadlineExceeded),
            (Raw(b"HTTP/1.1 400 Bad Request\r\n"), ServerMisbehaved),
            (Raw(b"250-a\r\n550 b\r\n"), ServerMisbehaved),
            (Raw(b"250-a\r\n" * 1000), ServerMisbehaved),
            (Raw(b"250 " + b"a" * 100_000 + b"\r\n"), ServerMisbehaved),
        ],
    )
    def test_before_the_dot_nothing_was_handed_over(
        self, serve: Callable[..., ScriptedSmtpServer], stage: str, fault: Fault, kind: type[TransportError]
    ) -> None:
        """Loss, silence, trickling and garbage before the dot are errors that say to try again."""
        if stage == "connect" and isinstance(fault, Trickle | Cut):
            fault, kind = Silence(), DeadlineExceeded
        server = serve({stage: fault})
        with pytest.raises(kind) as caught:
            _send(_sender(server, limits=_limits(fault)))

        assert (caught.value.temporary, server.accepted) == (True, [])

    @pytest.mark.parametrize("stage", ["mail", "rcpt", "data"])
    def test_an_answer_that_cannot_be_is_the_servers_fault(
        self, serve: Callable[..., ScriptedSmtpServer], stage: str
    ) -> None:
        """A code that has no meaning at its place is not taken for yes or no."""
        with pytest.raises(ServerMisbehaved):
            _send(_sender(serve({stage: Answer("351 hm" if stage != "data" else "250 fine")})))

    def test_yes_before_the_end_is_no_yes(self, serve: Callable[..., ScriptedSmtpServer]) -> None:
        """A server that accepts a mail before it has it whole is not believed."""
        with pytest.raises(ServerMisbehaved):
            _send(_sender(serve({"body": Answer("250 enough")})), raw=b"line\r\n" * 1_000_000)

    @pytest.mark.parametrize("fault", [Close(), Reset()])
    def test_a_server_that_leaves_inside_the_body_took_nothing(
        self, serve: Callable[..., ScriptedSmtpServer], fault: Fault
    ) -> None:
        """When the connection breaks before all is sent, the point of no return is not reached."""
        calls: list[None] = []
        server = serve({"body": fault})
        with pytest.raises(ConnectionFailed):
            _sender(server).send(
                Envelope(SHOP, (ANNA,)), b"line\r\n" * 2_000_000, before_dot=lambda: calls.append(None)
            )

        assert (calls, server.accepted) == ([], [])

    def test_a_server_that_stops_reading_is_given_up(self, serve: Callable[..., ScriptedSmtpServer]) -> None:
        """A body that the server does not read ends with the deadline; each byte allows its share of time."""
        limits = attrs.evolve(_SHORT, run=dt.timedelta(seconds=1))
        with pytest.raises(DeadlineExceeded):
            _send(_sender(serve({"body": Deaf()}), limits=limits), raw=b"x\r\n" * 5_000_000)

    def test_nobody_listens(self) -> None:
        """A server that is not there is an error that says to try again."""
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
        with pytest.raises(ConnectionFailed) as caught:
            _send(SmtpSender("127.0.0.1", port, tls=TlsMode.CLEAR))

        assert caught.value.stage == "connect"

    @pytest.mark.parametrize(
        ("stage", "answer", "kind"),
        [
            ("greeting", "421 4.3.2 busy", ServerBusy),
            ("greeting", "554 5.7.1 go away", ServerMisbehaved),
            ("ehlo", "451 4.3.0 later", ServerBusy),
            ("ehlo", "550 5.7.1 not you", ServerMisbehaved),
        ],
    )
    def test_a_session_that_is_refused_is_no_verdict_on_the_mail(
        self, serve: Callable[..., ScriptedSmtpServer], stage: str, answer: str, kind: type[TransportError]
    ) -> None:
        """A server that turns us away at the door says nothing about the mail, which is tried again."""
        with pytest.raises(kind) as caught:
            _send(_sender(serve({stage: Answer(answer)})))

        assert (caught.value.stage, caught.value.temporary) == ("connect", True)


class TestTls:
    """How the connection becomes private."""

    @pytest.mark.parametrize(
        ("use", "mode"),
        [
            ("implicit", TlsMode.IMPLICIT),
            ("starttls", TlsMode.STARTTLS_REQUIRED),
            ("starttls", TlsMode.STARTTLS_IF_OFFERED),
        ],
    )
    def test_mail_and_secret_travel_under_tls(
        self, serve: Callable[..., ScriptedSmtpServer], certificates: Any, use: Any, mode: TlsMode
    ) -> None:
        """With TLS from the first byte and with STARTTLS, the log-in and the mail are encrypted."""
        server = serve(tls=use, ssl_context=certificates.server(), users={"shop": "sesame"})
        sender = _sender(server, tls=mode, ssl_context=certificates.trust, user="shop", secret=Secret("sesame"))
        _send(sender)

        assert (server.attempts, server.accepted[0].tls) == ([AuthAttempt("PLAIN", "shop", True, True)], True)

    @pytest.mark.parametrize("sort", ["expired", "self-signed", "unknown authority", "wrong name"])
    @pytest.mark.parametrize(("use", "mode"), [("implicit", TlsMode.IMPLICIT), ("starttls", TlsMode.STARTTLS_REQUIRED)])
    def test_a_bad_certificate_is_refused(
        self, serve: Callable[..., ScriptedSmtpServer], certificates: Any, sort: str, use: Any, mode: TlsMode
    ) -> None:
        """An expired, self-signed, unknown or foreign certificate ends the session before any secret is sent."""
        server = serve(tls=use, ssl_context=certificates.server(sort), users={"shop": "sesame"})
        sender = _sender(server, tls=mode, ssl_context=certificates.trust, user="shop", secret=Secret("sesame"))
        with pytest.raises(CertificateRejected) as caught:
            _send(sender)
        server.close()

        assert (caught.value.stage, server.attempts, server.accepted) == ("tls", [], [])

    def test_the_systems_authorities_are_the_default(
        self, serve: Callable[..., ScriptedSmtpServer], certificates: Any
    ) -> None:
        """Without a context of its own a throw-away authority is unknown."""
        server = serve(tls="implicit", ssl_context=certificates.server())
        with pytest.raises(CertificateRejected):
            _send(_sender(server, tls=TlsMode.IMPLICIT))

    def test_a_server_without_starttls_is_refused(self, serve: Callable[..., ScriptedSmtpServer]) -> None:
        """STARTTLS that is required and not offered ends the session; nothing is sent."""
        server = serve(users={"shop": "sesame"}, auth_in_clear=True)
        sender = _sender(server, tls=TlsMode.STARTTLS_REQUIRED, user="shop", secret=Secret("sesame"))
        with pytest.raises(TlsFailed, match="does not offer STARTTLS") as caught:
            _send(sender)
        server.close()

        assert (caught.value.temporary, [command.line.split()[0] for command in server.commands]) == (False, ["EHLO"])

    @pytest.mark.parametrize(
        ("fault", "kind"),
        [(Answer("454 4.7.0 not now"), ServerBusy), (Answer("501 5.5.4 no"), TlsFailed), (Close(), TransportError)],
    )
    @pytest.mark.parametrize("mode", [TlsMode.STARTTLS_REQUIRED, TlsMode.STARTTLS_IF_OFFERED])
    def test_a_failed_starttls_never_falls_back(
        self,
        serve: Callable[..., ScriptedSmtpServer],
        certificates: Any,
        fault: Fault,
        kind: type[TransportError],
        mode: TlsMode,
    ) -> None:
        """Once STARTTLS was tried there is no way back to clear text, not even where clear text is allowed."""
        server = serve({"starttls": fault}, tls="starttls", ssl_context=certificates.server())
        with pytest.raises(kind):
            _send(_sender(server, tls=mode, ssl_context=certificates.trust, allow_clear_text=True))
        server.close()

        assert "MAIL" not in {command.line.split()[0] for command in server.commands}

    def test_text_slipped_in_before_tls_is_not_interpreted(
        self, serve: Callable[..., ScriptedSmtpServer], certificates: Any
    ) -> None:
        """Clear text behind the answer to STARTTLS could be an attacker's, and ends the session (CVE-2011-0411)."""
        server = serve(
            tls="starttls", ssl_context=certificates.server(), starttls_suffix=b"250-evil\r\n250 AUTH PLAIN\r\n"
        )
        with pytest.raises(TransportError) as caught:
            _send(_sender(server, tls=TlsMode.STARTTLS_REQUIRED, ssl_context=certificates.trust))
        server.close()

        assert (caught.value.stage, server.accepted) == ("tls", [])

    def test_what_was_offered_in_clear_text_is_forgotten(
        self, serve: Callable[..., ScriptedSmtpServer], certificates: Any
    ) -> None:
        """Ways to log in count only as offered under TLS, because before it they could be an attacker's."""
        clear = "250-mail.example\n250-STARTTLS\n250 AUTH LOGIN"
        server = serve(
            {"ehlo": [Answer(clear), None]},
            tls="starttls",
            ssl_context=certificates.server(),
            users={"shop": "sesame"},
            mechanisms=("PLAIN",),
        )
        _send(_sender(server, ssl_context=certificates.trust, user="shop", secret=Secret("sesame")))

        assert [attempt.mechanism for attempt in server.attempts] == ["PLAIN"]

    def test_a_server_that_speaks_no_tls_is_named(self, serve: Callable[..., ScriptedSmtpServer]) -> None:
        """TLS from the first byte to a server that begins in clear text is an error of the TLS stage."""
        with pytest.raises(TransportError) as caught:
            _send(_sender(serve(), tls=TlsMode.IMPLICIT))

        assert caught.value.stage == "tls"

    def test_clear_text_to_elsewhere_is_refused(self, elsewhere: tuple[str, int]) -> None:
        """Over a clear connection to another machine nothing is sent unless that is allowed."""
        with pytest.raises(InsecureConnection, match="nothing was sent"):
            _send(SmtpSender(*elsewhere, tls=TlsMode.CLEAR, user="shop", secret=Secret("sesame")))


@pytest.fixture
def elsewhere(outside_address: str) -> Iterator[tuple[str, int]]:
    """Give an address of this machine that does not look like loopback, where a server speaks SMTP."""
    host = outside_address
    with socket.create_server((host, 0)) as listener:

        def speak() -> None:
            connection, _ = listener.accept()
            # A client that refuses to go on hangs up in the middle.
            with suppress(OSError), connection:
                connection.sendall(b"220 hello\r\n")
                connection.recv(1_000)
                connection.sendall(b"250 AUTH PLAIN\r\n")
                connection.recv(1_000)

        thread = threading.Thread(target=speak)
        thread.start()
        yield host, listener.getsockname()[1]
        thread.join()


class _Tokens:
    """A token provider that gives what it was told, and remembers what it was asked."""

    def __init__(self, *tokens: str) -> None:
        self._tokens = list(tokens)
        self.asked: list[bool] = []

    def token(self, *, refresh: bool = False) -> AccessToken:
        self.asked.append(refresh)
        return AccessToken(Secret(self._tokens.pop(0) if len(self._tokens) > 1 else self._tokens[0]))


class TestLogIn:
    """Logging in."""

    @pytest.mark.parametrize(
        ("mechanisms", "chosen"),
        [(("PLAIN", "LOGIN"), "PLAIN"), (("LOGIN",), "LOGIN"), (("CRAM-MD5", "login", "plain"), "PLAIN")],
    )
    def test_a_password_logs_in(
        self, serve: Callable[..., ScriptedSmtpServer], mechanisms: tuple[str, ...], chosen: str
    ) -> None:
        """PLAIN is used where it is offered, else LOGIN; letters of every script survive."""
        server = serve(
            {"ehlo": Answer("250-x\n250 AUTH " + " ".join(mechanisms))},
            users={"änna": "pässwörd " * 60},
            mechanisms=[name.upper() for name in mechanisms],
            auth_in_clear=True,
        )
        _send(_sender(server, user="änna", secret=Secret("pässwörd " * 60)))

        assert server.attempts == [AuthAttempt(chosen, "änna", False, True)]

    @pytest.mark.parametrize("mechanisms", [("PLAIN",), ("LOGIN",)])
    def test_a_wrong_password_is_tried_once(
        self, serve: Callable[..., ScriptedSmtpServer], mechanisms: tuple[str, ...]
    ) -> None:
        """A refused password is not tried again, by no other mechanism either, and does not show in the error."""
        server = serve(users={"shop": "sesame"}, mechanisms=mechanisms, auth_in_clear=True)
        with pytest.raises(AuthenticationFailed) as caught:
            _send(_sender(server, user="shop", secret=Secret("wrong-word")))
        server.close()

        assert (len(server.attempts), caught.value.temporary, "wrong-word" in str(caught.value)) == (1, False, False)

    def test_an_echoed_password_is_masked(self, serve: Callable[..., ScriptedSmtpServer]) -> None:
        """A server that repeats the secret in its refusal does not bring it into the error's text."""
        server = serve(
            {"auth": Answer("535 5.7.8 hunter2 is wrong for AHNob3AAaHVudGVyMg==")},
            users={"shop": "sesame"},
            auth_in_clear=True,
        )
        with pytest.raises(AuthenticationFailed) as caught:
            _send(_sender(server, user="shop", secret=Secret("hunter2")))

        assert "hunter2" not in str(caught.value)

    @pytest.mark.parametrize(
        ("answer", "kind"),
        [
            ("454 4.7.0 temporary failure", ServerBusy),
            ("421 4.7.0 too many", ServerBusy),
            ("534 5.7.9 mechanism too weak", AuthenticationFailed),
            ("334 VXNlcm5hbWU6\n334 UGFzc3dvcmQ6\n334 again", AuthenticationFailed),
        ],
    )
    def test_a_refusal_for_now_is_told_from_one_for_good(
        self, serve: Callable[..., ScriptedSmtpServer], answer: str, kind: type[TransportError]
    ) -> None:
        """4yz at the log-in says to come back; 5yz, and a server that never stops asking, that the secret is wrong."""
        server = serve({"auth": Answer(answer)}, users={"shop": "sesame"}, mechanisms=("LOGIN",), auth_in_clear=True)
        with pytest.raises(kind) as caught:
            _send(_sender(server, user="shop", secret=Secret("sesame")))

        assert caught.value.stage == "login"

    def test_a_server_without_a_fitting_mechanism_is_named(self, serve: Callable[..., ScriptedSmtpServer]) -> None:
        """When the server offers no mechanism of ours nothing is tried, and the error lists what it offers."""
        server = serve(users={"shop": "sesame"}, mechanisms=("CRAM-MD5",), auth_in_clear=True)
        with pytest.raises(AuthenticationFailed, match=r"none of PLAIN, LOGIN .* CRAM-MD5"):
            _send(_sender(server, user="shop", secret=Secret("sesame")))
        server.close()

        assert server.attempts == []

    def test_a_server_that_offers_log_in_only_under_tls_gets_no_secret(
        self, serve: Callable[..., ScriptedSmtpServer]
    ) -> None:
        """What is not offered on a clear connection is not tried there."""
        server = serve(users={"shop": "sesame"})
        with pytest.raises(AuthenticationFailed, match="it offers none"):
            _send(_sender(server, user="shop", secret=Secret("sesame")))

    def test_a_server_that_wants_a_log_in_says_nothing_about_the_mail(
        self, serve: Callable[..., ScriptedSmtpServer]
    ) -> None:
        """530 without a user is an error of the settings, not a refusal of the mail."""
        with pytest.raises(AuthenticationFailed, match="wants a log-in"):
            _send(_sender(serve(users={"shop": "sesame"}, auth_in_clear=True)))

    @pytest.mark.parametrize("mechanism", ["XOAUTH2", "OAUTHBEARER"])
    @pytest.mark.parametrize("token", ["t0ken", "t" * 2_000])
    def test_an_access_token_logs_in(
        self, serve: Callable[..., ScriptedSmtpServer], mechanism: str, token: str
    ) -> None:
        """Both mechanisms work, with tokens that fit on the command line and with longer ones."""
        server = serve(tokens={"a=b,c": token}, mechanisms=(mechanism,), auth_in_clear=True)
        _send(_sender(server, user="a=b,c", token_provider=_Tokens(token)))

        assert server.attempts == [AuthAttempt(mechanism, "a=b,c", False, True)]

    @pytest.mark.parametrize("mechanism", ["XOAUTH2", "OAUTHBEARER"])
    def test_a_refused_token_is_renewed_once(self, serve: Callable[..., ScriptedSmtpServer], mechanism: str) -> None:
        """After the server's refusal, heard out to its end, a new token is asked for and tried."""
        server = serve(tokens={"shop": "new"}, mechanisms=(mechanism,), auth_in_clear=True)
        tokens = _Tokens("old", "new")
        _send(_sender(server, user="shop", token_provider=tokens))

        assert (tokens.asked, [attempt.accepted for attempt in server.attempts]) == ([False, True], [False, True])

    def test_a_token_that_cannot_be_renewed_is_tried_once(self, serve: Callable[..., ScriptedSmtpServer]) -> None:
        """When the renewed token is the same as before it is not tried again."""
        server = serve(tokens={"shop": "new"}, auth_in_clear=True)
        with pytest.raises(AuthenticationFailed):
            _send(_sender(server, user="shop", token_provider=_Tokens("old")))
        server.close()

        assert len(server.attempts) == 1

    def test_two_refused_tokens_are_the_end(self, serve: Callable[..., ScriptedSmtpServer]) -> None:
        """The second refusal is the error; neither token shows in it."""
        server = serve(tokens={"shop": "new"}, auth_in_clear=True)
        with pytest.raises(AuthenticationFailed) as caught:
            _send(_sender(server, user="shop", token_provider=_Tokens("old-1", "old-2", "old-3")))
        server.close()

        assert (len(server.attempts), "old-" in str(caught.value)) == (2, False)

    def test_a_long_token_that_is_not_wanted_is_not_sent(self, serve: Callable[..., ScriptedSmtpServer]) -> None:
        """A server that refuses the mechanism itself does not get the token."""
        server = serve({"auth": Answer("504 5.5.4 no")}, tokens={"shop": "x"}, auth_in_clear=True)
        with pytest.raises(AuthenticationFailed):
            _send(_sender(server, user="shop", token_provider=_Tokens("t" * 1_000)))
        server.close()

        assert {command.line for command in server.commands if "AUTH" in command.line} == {"AUTH XOAUTH2"}

    @pytest.mark.parametrize(
        "given",
        [
            {"user": "shop"},
            {"secret": Secret("x")},
            {"token_provider": _Tokens("x")},
            {"user": "shop", "secret": Secret("x"), "token_provider": _Tokens("x")},
            {"user": "shop\r\nRSET", "secret": Secret("x")},
            {"local_hostname": "desk.example\r\nRSET"},
        ],
    )
    def test_settings_that_contradict_themselves_are_refused(self, given: Mapping[str, Any]) -> None:
        """A user without a secret, a secret without a user, both kinds, and control characters are errors at once."""
        with pytest.raises(InvalidValue):
            SmtpSender("mail.example", 587, **given)

    @pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
    def test_a_secret_with_a_line_end_is_not_sent(
        self, serve: Callable[..., ScriptedSmtpServer], mechanism: str
    ) -> None:
        """A password that could start a new command is refused, without showing it."""
        server = serve(users={"shop": "x"}, mechanisms=(mechanism,), auth_in_clear=True)
        with pytest.raises(InvalidValue, match=r"^password: control characters"):
            _send(_sender(server, user="shop", secret=Secret("x\r\nRSET")))
        server.close()

        assert "AUTH" not in {command.line.split()[0] for command in server.commands}


class TestSmtpSettings:
    """The URL form of the command line."""

    @pytest.mark.parametrize(
        ("text", "settings"),
        [
            ("smtp://mail.example", ("mail.example", 587, TlsMode.STARTTLS_REQUIRED)),
            ("smtp://mail.example:25/", ("mail.example", 25, TlsMode.STARTTLS_REQUIRED)),
            ("smtps://mail.example", ("mail.example", 465, TlsMode.IMPLICIT)),
            ("SMTPS://Mail.Example:4465", ("mail.example", 4465, TlsMode.IMPLICIT)),
            ("smtp://localhost:2525", ("localhost", 2525, TlsMode.STARTTLS_IF_OFFERED)),
            ("smtp://127.0.0.1:2525", ("127.0.0.1", 2525, TlsMode.STARTTLS_IF_OFFERED)),
            ("smtp://[::1]:2525", ("::1", 2525, TlsMode.STARTTLS_IF_OFFERED)),
            ("smtps://localhost", ("localhost", 465, TlsMode.IMPLICIT)),
            ("smtp://[2001:db8::1]", ("2001:db8::1", 587, TlsMode.STARTTLS_REQUIRED)),
        ],
    )
    def test_a_url_says_where_and_how(self, text: str, settings: tuple[str, int, TlsMode]) -> None:
        """``smtp`` requires STARTTLS except on this machine, ``smtps`` is TLS from the first byte."""
        parsed = SmtpSettings.parse(text)

        assert (parsed.host, parsed.port, parsed.tls) == settings

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "mail.example",
            "mail.example:587",
            "smtp://",
            "smtp://:587",
            "smtp://mail.example:0",
            "smtp://mail.example:70000",
            "smtp://mail.example:587x",
            "smtp://mail.example/path",
            "smtp://mail.example?tls=no",
            "smtp://mail.example#x",
            "smtp://-oProxyCommand=x",
            "smtp://[::1",
            "http://mail.example",
            "imap://mail.example",
        ],
    )
    def test_other_forms_are_refused(self, text: str) -> None:
        """Anything else is an error that shows the right form or names the wrong part."""
        with pytest.raises(InvalidValue) as caught:
            SmtpSettings.parse(text)

        assert caught.value.field == "smtp"

    @pytest.mark.parametrize(
        "text", ["smtp://shop:sesame@mail.example", "smtp://shop@mail.example", "smtp://sesame@x:y"]
    )
    def test_credentials_are_refused_and_not_repeated(self, text: str) -> None:
        """A URL with a user or password is an error that does not show it."""
        with pytest.raises(InvalidValue) as caught:
            SmtpSettings.parse(text)

        assert "sesame" not in str(caught.value)
