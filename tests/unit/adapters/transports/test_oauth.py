"""Where access tokens come from."""

import datetime as dt
import http.server
import json
import socket
import ssl
import threading
import urllib.parse
from collections.abc import Callable, Iterator

import pytest
import trustme

from customerservice.adapters.transports.oauth import (
    ClientCredentialsProvider,
    RefreshTokenProvider,
    SecretTokenProvider,
)
from customerservice.errors import (
    AuthenticationFailed,
    CertificateRejected,
    ConnectionFailed,
    DeadlineExceeded,
    InvalidValue,
    ServerBusy,
    ServerMisbehaved,
    TlsFailed,
    TransportError,
)
from customerservice.ports.transports import Secret
from customerservice.testing.clock import BEGINNING, ToldClock

_Answer = tuple[int, dict[str, str], bytes]
_HOUR = {"access_token": "first", "expires_in": 3600}


class _Endpoint(http.server.ThreadingHTTPServer):
    """A token endpoint over TLS that answers what it was given, in order; the last answer stays."""

    daemon_threads = True

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.answers: list[_Answer] = []
        self.forms: list[dict[str, str]] = []

    @property
    def url(self) -> str:
        return f"https://localhost:{self.server_address[1]}/token"

    def answer(self, body: object, status: int = 200, **headers: str) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.answers.append((status, headers, content))

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: clients that refuse the certificate hang up."""


class _Handler(http.server.BaseHTTPRequestHandler):
    server: _Endpoint

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.forms.append(dict(urllib.parse.parse_qsl(body.decode())))
        status, headers, content = self.server.answers[0]
        if len(self.server.answers) > 1:
            self.server.answers.pop(0)
        if status == 0:
            self.wfile.write(content)
            return
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Give a throw-away certificate authority."""
    return trustme.CA()


@pytest.fixture
def trust(authority: trustme.CA) -> ssl.SSLContext:
    """Give a client context that trusts only the throw-away authority."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.fixture
def serve(authority: trustme.CA) -> Iterator[Callable[..., _Endpoint]]:
    """Give a starter of token endpoints for a host name of the certificate."""
    started: list[_Endpoint] = []

    def start(name: str = "localhost") -> _Endpoint:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(name).configure_cert(context)
        endpoint = _Endpoint(context)
        threading.Thread(target=endpoint.serve_forever, args=(0.01,), daemon=True).start()
        started.append(endpoint)
        return endpoint

    yield start
    for endpoint in started:
        endpoint.shutdown()
        endpoint.server_close()


@pytest.fixture
def endpoint(serve: Callable[..., _Endpoint]) -> _Endpoint:
    """Give a token endpoint whose certificate is good."""
    return serve()


@pytest.fixture
def clock() -> ToldClock:
    """Give a clock that stands still."""
    return ToldClock()


def _refreshing(url: str, clock: ToldClock, trust: ssl.SSLContext, **more: object) -> RefreshTokenProvider:
    return RefreshTokenProvider(
        url,
        client_id="desk",
        refresh_token=Secret("r1"),
        clock=clock,
        ssl_context=trust,
        **more,  # type: ignore[arg-type]
    )


class TestSecretTokenProvider:
    """Tokens that somebody else keeps fresh."""

    def test_the_source_is_asked_each_time(self) -> None:
        """A token that was replaced at its source counts at the next call."""
        source = iter([Secret("old"), Secret("new")])
        provider = SecretTokenProvider(lambda: next(source))

        assert [provider.token().value.reveal(), provider.token(refresh=True).value.reveal()] == ["old", "new"]


class TestRefreshTokenProvider:
    """Tokens for a consent given once."""

    def test_a_token_comes_with_its_end(self, endpoint: _Endpoint, clock: ToldClock, trust: ssl.SSLContext) -> None:
        """The token's end counts from the moment it was asked for."""
        endpoint.answer(_HOUR)
        token = _refreshing(endpoint.url, clock, trust).token()

        assert (token.value.reveal(), token.expires_at) == ("first", BEGINNING + dt.timedelta(hours=1))

    def test_the_request_holds_the_grant(self, endpoint: _Endpoint, clock: ToldClock, trust: ssl.SSLContext) -> None:
        """The refresh token, the client and the scope are posted as a form (RFC 6749 6)."""
        endpoint.answer(_HOUR)
        _refreshing(endpoint.url, clock, trust, client_secret=Secret("s & ö"), scope="imap smtp").token()

        assert endpoint.forms == [
            {
                "grant_type": "refresh_token",
                "client_id": "desk",
                "refresh_token": "r1",
                "client_secret": "s & ö",
                "scope": "imap smtp",
            }
        ]

    def test_a_good_token_is_kept(self, endpoint: _Endpoint, clock: ToldClock, trust: ssl.SSLContext) -> None:
        """Until a minute before its end the same token is given without asking again."""
        endpoint.answer(_HOUR)
        provider = _refreshing(endpoint.url, clock, trust)
        provider.token()
        clock.advance(dt.timedelta(seconds=3539))
        provider.token()

        assert len(endpoint.forms) == 1

    def test_a_token_is_renewed_a_minute_early(
        self, endpoint: _Endpoint, clock: ToldClock, trust: ssl.SSLContext
    ) -> None:
        """From a minute before its end on a new token is asked for."""
        endpoint.answer(_HOUR)
        endpoint.answer(_HOUR | {"access_token": "second"})
        provider = _refreshing(endpoint.url, clock, trust)
        provider.token()
        clock.advance(dt.timedelta(seconds=3540))

        assert provider.token().value.reveal() == "second"

    def test_a_refused_token_is_replaced(self, endpoint: _Endpoint, clock: ToldClock, trust: ssl.SSLContext) -> None:
        """With `refresh` a new token is asked for although the old one looks good."""
        endpoint.answer(_HOUR)
        endpoint.answer(_HOUR | {"access_token": "second"})
        provider = _refreshing(endpoint.url, clock, trust)
        provider.token()

        assert provider.token(refresh=True).value.reveal() == "second"

    def test_a_refused_token_is_not_given_again(
        self, endpoint: _Endpoint, clock: ToldClock, trust: ssl.SSLContext
    ) -> None:
        """When its replacement could not be had, the refused token is forgotten all the same."""
        endpoint.answer(_HOUR)
        endpoint.answer({}, 503)
        endpoint.answer(_HOUR | {"access_token": "second"})
        provider = _refreshing(endpoint.url, clock, trust)
        provider.token()
        with pytest.raises(ServerBusy):
            provider.token(refresh=True)

        assert provider.token().value.reveal() == "second"

    @pytest.mark.parametrize("end", [{}, {"expires_in": None}, {"expires_in": "soon"}, {"expires_in": True}])
    def test_a_token_without_end_is_kept(
        self, endpoint: _Endpoint, clock: ToldClock, trust: ssl.SSLContext, end: dict[str, object]
    ) -> None:
        """A token whose end the endpoint does not say is kept until the server refuses it."""
        endpoint.answer({"access_token": "first"} | end)
        provider = _refreshing(endpoint.url, clock, trust)
        provider.token()
        clock.advance(dt.timedelta(days=30))

        assert (provider.token().expires_at, len(endpoint.forms)) == (None, 1)

    def test_an_end_written_as_text_counts(self, endpoint: _Endpoint, clock: ToldClock, trust: ssl.SSLContext) -> None:
        """A number of seconds in quotation marks is read as a number."""
        endpoint.answer({"access_token": "first", "expires_in": "3600"})

        assert _refreshing(endpoint.url, clock, trust).token().expires_at == BEGINNING + dt.timedelta(hours=1)

    def test_a_rotated_refresh_token_is_handed_out_and_used(
        self, endpoint: _Endpoint, clock: ToldClock, trust: ssl.SSLContext
    ) -> None:
        """A new refresh token goes to the callback and is the one used from then on."""
        kept: list[str] = []
        endpoint.answer(_HOUR | {"refresh_token": "r2"})
        provider = _refreshing(endpoint.url, clock, trust, on_rotated=lambda secret: kept.append(secret.reveal()))
        provider.token()
        provider.token(refresh=True)

        assert (kept, [form["refresh_token"] for form in endpoint.forms]) == (["r2"], ["r1", "r2"])

    def test_rotation_needs_no_callback(self, endpoint: _Endpoint, clock: ToldClock, trust: ssl.SSLContext) -> None:
        """Without a callback the new refresh token is used as long as the process lives."""
        endpoint.answer(_HOUR | {"refresh_token": "r2"})
        provider = _refreshing(endpoint.url, clock, trust)
        provider.token()
        provider.token(refresh=True)

        assert endpoint.forms[1]["refresh_token"] == "r2"

    def test_a_failing_callback_loses_no_token(
        self, endpoint: _Endpoint, clock: ToldClock, trust: ssl.SSLContext
    ) -> None:
        """What the callback raises passes through once; the new tokens are in use."""
        endpoint.answer(_HOUR | {"refresh_token": "r2"})

        def fail(_: Secret) -> None:
            raise RuntimeError("disk full")

        provider = _refreshing(endpoint.url, clock, trust, on_rotated=fail)
        with pytest.raises(RuntimeError):
            provider.token()

        assert (provider.token().value.reveal(), len(endpoint.forms)) == ("first", 1)

    def test_threads_share_one_renewal(self, endpoint: _Endpoint, clock: ToldClock, trust: ssl.SSLContext) -> None:
        """Callers that need a token at the same time cause one request."""
        endpoint.answer(_HOUR)
        provider = _refreshing(endpoint.url, clock, trust)
        threads = [threading.Thread(target=provider.token) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert len(endpoint.forms) == 1


class TestClientCredentialsProvider:
    """Tokens for a program."""

    def test_the_request_holds_the_grant(self, endpoint: _Endpoint, clock: ToldClock, trust: ssl.SSLContext) -> None:
        """The client, its secret and the scope are posted as a form (RFC 6749 4.4)."""
        endpoint.answer(_HOUR)
        provider = ClientCredentialsProvider(
            endpoint.url,
            client_id="desk",
            client_secret=Secret("s1"),
            scope="https://mail.example/.default",
            clock=clock,
            ssl_context=trust,
        )
        provider.token()

        assert endpoint.forms == [
            {
                "grant_type": "client_credentials",
                "client_id": "desk",
                "client_secret": "s1",
                "scope": "https://mail.example/.default",
            }
        ]

    def test_a_refresh_token_in_the_answer_is_of_no_use(
        self, endpoint: _Endpoint, clock: ToldClock, trust: ssl.SSLContext
    ) -> None:
        """Without a scope none is asked for, and what the answer holds beside the token changes nothing."""
        endpoint.answer(_HOUR | {"refresh_token": "r2"})
        provider = ClientCredentialsProvider(
            endpoint.url, client_id="desk", client_secret=Secret("s1"), clock=clock, ssl_context=trust
        )
        provider.token()
        provider.token(refresh=True)

        assert endpoint.forms[0] == endpoint.forms[1]


_REFUSALS = [
    (400, {"error": "invalid_grant", "error_description": "s3cret"}, AuthenticationFailed, False),
    (401, {"error": "invalid_client"}, AuthenticationFailed, False),
    (400, {"error": "Mozilla <b>"}, ServerMisbehaved, True),
    (503, b"<html>", ServerBusy, True),
    (429, {"error": "slow_down"}, ServerBusy, True),
    (400, {"error": "temporarily_unavailable"}, ServerBusy, True),
    (200, b"not json", ServerMisbehaved, True),
    (200, b"[1]", ServerMisbehaved, True),
    (200, b"[" * 100_000, ServerMisbehaved, True),
    (200, b" " * 1_100_000 + b"{}", ServerMisbehaved, True),
    (200, {"token": "elsewhere"}, ServerMisbehaved, True),
    (200, {"access_token": "a\x01b"}, ServerMisbehaved, True),
    (200, {"access_token": ""}, ServerMisbehaved, True),
    (0, b"SMTP?\r\n", ServerMisbehaved, True),
]


class TestFailures:
    """What a token endpoint can do wrong."""

    @pytest.mark.parametrize(("status", "body", "kind", "temporary"), _REFUSALS)
    def test_a_bad_answer_is_the_fitting_error(
        self,
        endpoint: _Endpoint,
        clock: ToldClock,
        trust: ssl.SSLContext,
        status: int,
        body: object,
        kind: type[TransportError],
        temporary: bool,
    ) -> None:
        """A refusal is final or temporary by its code; an answer that makes no sense is the server's fault."""
        endpoint.answer(body, status)

        with pytest.raises(kind) as caught:
            _refreshing(endpoint.url, clock, trust).token()

        assert (type(caught.value), caught.value.stage, caught.value.temporary) == (kind, "login", temporary)

    def test_no_error_repeats_what_was_sent_or_received(
        self, endpoint: _Endpoint, clock: ToldClock, trust: ssl.SSLContext
    ) -> None:
        """Neither the secrets of the request nor the endpoint's own words are in the error's text."""
        endpoint.answer({"error": "invalid_grant", "error_description": "words of r1"}, 400)

        with pytest.raises(AuthenticationFailed) as caught:
            _refreshing(endpoint.url, clock, trust).token()

        assert "r1" not in str(caught.value)

    @pytest.mark.parametrize("status", [302, 307, 308])
    def test_a_redirect_is_not_followed(
        self, endpoint: _Endpoint, clock: ToldClock, trust: ssl.SSLContext, status: int
    ) -> None:
        """The secrets go to the endpoint that was named and nowhere else."""
        endpoint.answer(b"", status, Location=endpoint.url)

        with pytest.raises(ServerMisbehaved):
            _refreshing(endpoint.url, clock, trust).token()

        assert len(endpoint.forms) == 1

    def test_an_unknown_authority_is_refused(self, endpoint: _Endpoint, clock: ToldClock) -> None:
        """Without a context of its own the system's authorities count, and nothing is sent to others."""
        provider = RefreshTokenProvider(endpoint.url, client_id="desk", refresh_token=Secret("r1"), clock=clock)

        with pytest.raises(CertificateRejected):
            provider.token()

        assert endpoint.forms == []

    def test_a_certificate_for_another_name_is_refused(
        self, serve: Callable[..., _Endpoint], clock: ToldClock, trust: ssl.SSLContext
    ) -> None:
        """A certificate must be for the host that was named."""
        endpoint = serve("other.example")

        with pytest.raises(CertificateRejected):
            _refreshing(endpoint.url, clock, trust).token()

        assert endpoint.forms == []

    def test_a_server_without_tls_is_refused(self, clock: ToldClock, trust: ssl.SSLContext) -> None:
        """A server that does not speak TLS gets nothing."""
        with socket.create_server(("127.0.0.1", 0)) as server:

            def greet() -> None:
                connection, _ = server.accept()
                with connection:
                    connection.recv(10_000)
                    connection.sendall(b"220 mail.example\r\n")

            thread = threading.Thread(target=greet)
            thread.start()
            with pytest.raises(TlsFailed) as caught:
                _refreshing(f"https://localhost:{server.getsockname()[1]}/", clock, trust).token()
            thread.join()

        assert type(caught.value) is TlsFailed

    def test_a_silent_server_is_given_up(self, clock: ToldClock, trust: ssl.SSLContext) -> None:
        """A server that never answers costs the timeout and no more."""
        with socket.create_server(("127.0.0.1", 0)) as server, pytest.raises(DeadlineExceeded):
            _refreshing(
                f"https://localhost:{server.getsockname()[1]}/", clock, trust, timeout=dt.timedelta(milliseconds=50)
            ).token()

    def test_a_server_that_is_not_there_is_temporary(self, clock: ToldClock, trust: ssl.SSLContext) -> None:
        """When nobody listens the error says so, and that trying again can help."""
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]

        with pytest.raises(ConnectionFailed, match="localhost cannot be reached"):
            _refreshing(f"https://localhost:{port}/", clock, trust).token()

    @pytest.mark.parametrize(
        "url",
        [
            "http://login.example/token",
            "https:///token",
            "https://login.example:99999/token",
            "https://user:pw@login.example/token",
            "https://login.example/to ken",
            "https://login.example/\ntoken",
            "https://lögin.example/token",
            "https://[login/token",
            "ftp://login.example",
        ],
    )
    def test_an_endpoint_must_be_a_plain_https_url(self, url: str, clock: ToldClock, trust: ssl.SSLContext) -> None:
        """Anything else than an https URL without credentials is refused before any connection."""
        with pytest.raises(InvalidValue):
            _refreshing(url, clock, trust)
