"""The SMTP sender against aiosmtpd, a server that is not ours."""

import asyncio
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import aiosmtpd.smtp
import pytest
import trustme
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from customerservice.adapters.transports.smtp import SmtpSender
from customerservice.domain.email_address import EmailAddress
from customerservice.domain.imap_options import TlsMode
from customerservice.errors import AuthenticationFailed, TlsFailed
from customerservice.ports import transports
from customerservice.ports.transports import RecipientState, Secret
from customerservice.testing.sender_contract import ANNA, RAW, SHOP, MailSenderContract, Outlet, TakenMail


class _Handler:
    """Takes mail, refuses whom it was told to, and can drop the line after the final dot."""

    def __init__(self) -> None:
        self.taken: list[TakenMail] = []
        self.answers: dict[str, str] = {}
        self.loses_next = False
        self.users: list[bytes] = []

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, _: list[str]) -> str:
        if address in self.answers:
            return self.answers[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.loses_next:
            self.loses_next = False
            assert server.transport is not None
            server.transport.close()
        content = envelope.content
        assert isinstance(content, bytes)
        # aiosmtpd writes the null return path as it stands on the wire.
        sender = "" if envelope.mail_from == "<>" else str(envelope.mail_from)
        self.taken.append(TakenMail(sender, tuple(envelope.rcpt_tos), content))
        return "250 OK"

    def authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: LoginPassword
    ) -> AuthResult:
        self.users.append(data.login)
        return AuthResult(success=data.password == b"sesame", handled=False)


class _Server:
    """aiosmtpd in a thread, on a free port of loopback."""

    def __init__(self, *, implicit: ssl.SSLContext | None = None, **settings: Any) -> None:
        self.handler = _Handler()
        self._loop = asyncio.new_event_loop()
        self._settings: dict[str, Any] = {
            "authenticator": self.handler.authenticate,
            "enable_SMTPUTF8": True,
        } | settings
        server = self._loop.run_until_complete(
            self._loop.create_server(self._protocol, "127.0.0.1", 0, ssl=implicit, start_serving=True)
        )
        self._server = server
        self.port: int = server.sockets[0].getsockname()[1]
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()

    def _protocol(self) -> SMTP:
        return aiosmtpd.smtp.SMTP(self.handler, loop=self._loop, **self._settings)

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._shut(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _shut(self) -> None:
        self._server.close()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        # Connections that were dropped need a turn of the loop to be closed.
        await asyncio.sleep(0)


class _Outlet(Outlet):
    def __init__(self, server: _Server, sender: SmtpSender) -> None:
        self._handler = server.handler
        self._sender = sender

    @property
    def sender(self) -> SmtpSender:
        return self._sender

    def refuse(self, address: EmailAddress) -> None:
        self._handler.answers[address.value] = "550 5.1.1 unknown"

    def defer(self, address: EmailAddress) -> None:
        self._handler.answers[address.value] = "451 4.7.1 greylisted"

    def lose_next(self) -> None:
        self._handler.loses_next = True

    def taken(self) -> Sequence[TakenMail]:
        return self._handler.taken


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Give a throw-away certificate authority."""
    return trustme.CA()


@pytest.fixture(scope="module")
def trust(authority: trustme.CA) -> ssl.SSLContext:
    """Give a client context that trusts only the throw-away authority."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.fixture(scope="module")
def certified(authority: trustme.CA) -> ssl.SSLContext:
    """Give a server context with a good certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


@pytest.fixture
def serve() -> Iterator[Callable[..., _Server]]:
    """Give a starter of aiosmtpd servers."""
    started: list[_Server] = []

    def start(**settings: Any) -> _Server:
        started.append(_Server(**settings))
        return started[-1]

    yield start
    for server in started:
        server.close()


class TestInClearText(MailSenderContract):
    """The promises of `MailSender`, over loopback without TLS."""

    @pytest.fixture
    def outlet(self, serve: Callable[..., _Server]) -> Outlet:
        """Give a sender and a server without TLS."""
        server = serve()
        return _Outlet(server, SmtpSender("127.0.0.1", server.port, tls=TlsMode.CLEAR))


class TestOverStarttls(MailSenderContract):
    """The promises of `MailSender`, with STARTTLS and a log-in that the server requires."""

    @pytest.fixture
    def outlet(self, serve: Callable[..., _Server], certified: ssl.SSLContext, trust: ssl.SSLContext) -> Outlet:
        """Give a sender that logs in and a server that takes nothing in clear text."""
        server = serve(tls_context=certified, require_starttls=True, auth_required=True)
        sender = SmtpSender("127.0.0.1", server.port, user="shop", secret=Secret("sesame"), ssl_context=trust)
        return _Outlet(server, sender)


class TestOverImplicitTls(MailSenderContract):
    """The promises of `MailSender`, with TLS from the first byte."""

    @pytest.fixture
    def outlet(self, serve: Callable[..., _Server], certified: ssl.SSLContext, trust: ssl.SSLContext) -> Outlet:
        """Give a sender and a server that speak TLS from the first byte."""
        server = serve(implicit=certified)
        sender = SmtpSender("127.0.0.1", server.port, tls=TlsMode.IMPLICIT, ssl_context=trust)
        return _Outlet(server, sender)


def _send(sender: SmtpSender, *recipients: EmailAddress) -> Sequence[transports.RecipientResult]:
    return sender.send(transports.Envelope(SHOP, recipients or (ANNA,)), RAW, before_dot=lambda: None)


def test_a_wrong_password_is_tried_once(
    serve: Callable[..., _Server], certified: ssl.SSLContext, trust: ssl.SSLContext
) -> None:
    """aiosmtpd refuses the log-in: an error that does not show the password, and no second try."""
    server = serve(tls_context=certified, require_starttls=True, auth_required=True)
    sender = SmtpSender("127.0.0.1", server.port, user="shop", secret=Secret("hunter2"), ssl_context=trust)

    with pytest.raises(AuthenticationFailed) as caught:
        _send(sender)

    assert (server.handler.users, "hunter2" in str(caught.value)) == ([b"shop"], False)


def test_a_server_without_starttls_is_refused(serve: Callable[..., _Server]) -> None:
    """STARTTLS that is required and not offered ends the session before the log-in."""
    server = serve()
    sender = SmtpSender("127.0.0.1", server.port, user="shop", secret=Secret("sesame"))

    with pytest.raises(TlsFailed):
        _send(sender)

    assert (server.handler.users, server.handler.taken) == ([], [])


def test_an_international_address_goes_out_with_smtputf8(serve: Callable[..., _Server]) -> None:
    """aiosmtpd takes a local part outside ASCII when the mail is announced with SMTPUTF8."""
    server = serve()
    results = _send(SmtpSender("127.0.0.1", server.port, tls=TlsMode.CLEAR), EmailAddress("jürgen@home.example"))

    assert ([result.state for result in results], [mail.recipients for mail in server.handler.taken]) == (
        [RecipientState.SENT],
        [("jürgen@home.example",)],
    )


def test_an_international_address_is_refused_without_smtputf8(serve: Callable[..., _Server]) -> None:
    """Without SMTPUTF8 the recipient is refused with the reason, and nothing is sent."""
    server = serve(enable_SMTPUTF8=False)
    results = _send(SmtpSender("127.0.0.1", server.port, tls=TlsMode.CLEAR), EmailAddress("jürgen@home.example"))

    assert ([result.state for result in results], server.handler.taken) == ([RecipientState.REFUSED], [])


def test_a_mail_over_the_limit_is_refused(serve: Callable[..., _Server]) -> None:
    """The size announced with MAIL is over what the server takes: refused for good, before any byte of it."""
    server = serve(data_size_limit=50)
    results = _send(SmtpSender("127.0.0.1", server.port, tls=TlsMode.CLEAR))

    assert [(result.state, result.code) for result in results] == [(RecipientState.REFUSED, 552)]
