"""Where OAuth 2 access tokens come from: a secret kept elsewhere, or a provider's token endpoint (RFC 6749)."""

import abc
import datetime as dt
import http.client
import json
import re
import ssl
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping

from customerservice.domain.text import one_line
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
from customerservice.ports.system import Clock
from customerservice.ports.transports import AccessToken, Secret

#: A token is renewed this long before it expires, so that it is still good when the mail server sees it.
EARLY = dt.timedelta(seconds=60)

_STAGE = "login"
_LARGEST_ANSWER = 1_048_576
# RFC 6750 2.1 b64token and then some; no blank or control character may reach the mail server's command line.
_TOKEN = re.compile(r"[\x21-\x7e]+")
# RFC 6749 5.2 error codes look like this; anything else in that place is not repeated.
_ERROR_CODE = re.compile(r"[a-z_]{1,40}")


class SecretTokenProvider:
    """Access tokens that somebody else keeps fresh in an environment variable, a file or a callable.

    The source is asked at each call, so a token that was replaced there counts at once.
    """

    def __init__(self, source: Callable[[], Secret]) -> None:
        """Take tokens from `source`; its errors pass through."""
        self._source = source

    def token(self, *, refresh: bool = False) -> AccessToken:
        """Give the token that is there now; `refresh` changes nothing, as only its keeper can renew it."""
        return AccessToken(self._source())


class _EndpointTokenProvider(abc.ABC):
    """What the grants share: the cached token, its renewal ahead of time, and the request."""

    def __init__(
        self,
        endpoint: str,
        *,
        clock: Clock,
        timeout: dt.timedelta = dt.timedelta(seconds=30),
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self._endpoint = _checked(endpoint)
        self._clock = clock
        self._timeout = timeout.total_seconds()
        self._context = ssl_context
        self._lock = threading.Lock()
        self._cached: AccessToken | None = None

    def token(self, *, refresh: bool = False) -> AccessToken:
        """Give a token good for at least `EARLY`; with `refresh` a new one.

        Asks the endpoint at most once. Thread-safe: callers wait for one renewal rather than start their own.

        Raises:
            AuthenticationFailed: the endpoint refuses the grant: somebody must consent again, or mend the settings.
            TransportError: the endpoint could not be used; `temporary` says whether to try again.
        """
        with self._lock:
            if refresh or self._is_stale():
                # Forgotten first: should the renewal fail, a token the server refused is not given again.
                self._cached = None
            return self._cached or self._renew()

    def _is_stale(self) -> bool:
        expires_at = self._cached.expires_at if self._cached is not None else None
        return expires_at is not None and self._clock.now() >= expires_at - EARLY

    def _renew(self) -> AccessToken:
        asked_at = self._clock.now()
        answer = _ask(self._endpoint, self._form(), self._timeout, self._context or ssl.create_default_context())
        fresh = self._cached = AccessToken(Secret(_token(answer, "access_token")), _expiry(answer, asked_at))
        self._note(answer)
        return fresh

    @abc.abstractmethod
    def _form(self) -> Mapping[str, str]:
        """Give what is posted to the endpoint."""

    @abc.abstractmethod
    def _note(self, answer: Mapping[str, object]) -> None:
        """Take what else the answer holds."""


class RefreshTokenProvider(_EndpointTokenProvider):
    """Access tokens for a mailbox whose owner consented once: a refresh token is exchanged for them (RFC 6749 6)."""

    def __init__(
        self,
        endpoint: str,
        *,
        client_id: str,
        refresh_token: Secret,
        clock: Clock,
        client_secret: Secret | None = None,
        scope: str | None = None,
        on_rotated: Callable[[Secret], None] | None = None,
        timeout: dt.timedelta = dt.timedelta(seconds=30),
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        """Ask the token endpoint at the ``https`` URL `endpoint`.

        `on_rotated` is called with the new refresh token when the endpoint replaces it, as many do at each use; keep
        it, because the old one may be worthless from then on. What it raises passes through `token`, once: the new
        tokens are used all the same. `timeout` bounds connecting and each wait for bytes; `ssl_context` stands in for
        one that trusts the system's authorities.

        Raises:
            InvalidValue: `endpoint` is no plain ``https`` URL.
        """
        super().__init__(endpoint, clock=clock, timeout=timeout, ssl_context=ssl_context)
        self._client_id = client_id
        self._client_secret = client_secret
        self._refresh_token = refresh_token
        self._scope = scope
        self._on_rotated = on_rotated

    def _form(self) -> Mapping[str, str]:
        form = {
            "grant_type": "refresh_token",
            "client_id": self._client_id,
            "refresh_token": self._refresh_token.reveal(),
        }
        if self._client_secret is not None:
            form["client_secret"] = self._client_secret.reveal()
        if self._scope is not None:
            form["scope"] = self._scope
        return form

    def _note(self, answer: Mapping[str, object]) -> None:
        if answer.get("refresh_token") is None:
            return
        fresh = _token(answer, "refresh_token")
        if fresh == self._refresh_token.reveal():
            return
        self._refresh_token = Secret(fresh)
        if self._on_rotated is not None:
            self._on_rotated(self._refresh_token)


class ClientCredentialsProvider(_EndpointTokenProvider):
    """Access tokens for a program with rights of its own, without any person's consent (RFC 6749 4.4)."""

    def __init__(
        self,
        endpoint: str,
        *,
        client_id: str,
        client_secret: Secret,
        clock: Clock,
        scope: str | None = None,
        timeout: dt.timedelta = dt.timedelta(seconds=30),
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        """Ask the token endpoint at the ``https`` URL `endpoint`; arguments as for `RefreshTokenProvider`.

        Raises:
            InvalidValue: `endpoint` is no plain ``https`` URL.
        """
        super().__init__(endpoint, clock=clock, timeout=timeout, ssl_context=ssl_context)
        self._client_id = client_id
        self._client_secret = client_secret
        self._scope = scope

    def _form(self) -> Mapping[str, str]:
        form = {
            "grant_type": "client_credentials",
            "client_id": self._client_id,
            "client_secret": self._client_secret.reveal(),
        }
        if self._scope is not None:
            form["scope"] = self._scope
        return form

    def _note(self, answer: Mapping[str, object]) -> None:
        """Take nothing: this grant knows no refresh tokens (RFC 6749 4.4.3)."""


def _checked(endpoint: str) -> str:
    wrong = InvalidValue("endpoint", "must be an https URL such as https://login.example/oauth2/token")
    try:
        parts = urllib.parse.urlsplit(endpoint)
        port = parts.port
    except ValueError:
        raise wrong from None
    if parts.username is not None or parts.password is not None:
        raise InvalidValue("endpoint", "must hold no user name or password")
    if parts.scheme != "https" or not parts.hostname or port == 0:
        raise wrong
    if not endpoint.isascii() or not endpoint.isprintable() or " " in endpoint:
        raise wrong
    return endpoint


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A token endpoint that sends the client elsewhere would have its secrets follow; it is refused instead."""

    def redirect_request(self, *_: object) -> None:
        return None


def _ask(endpoint: str, form: Mapping[str, str], timeout: float, context: ssl.SSLContext) -> Mapping[str, object]:
    host = urllib.parse.urlsplit(endpoint).hostname
    opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context), _NoRedirects())
    request = urllib.request.Request(  # noqa: S310 - the scheme was checked to be https
        endpoint, urllib.parse.urlencode(form).encode("ascii"), {"Accept": "application/json"}
    )
    try:
        try:
            with opener.open(request, timeout=timeout) as response:
                status, body = response.status, response.read(_LARGEST_ANSWER + 1)
        except urllib.error.HTTPError as refusal:
            with refusal:
                status, body = refusal.code, refusal.read(_LARGEST_ANSWER + 1)
    except (OSError, http.client.HTTPException) as error:
        raise _failure(error, host) from error
    answer = _object(body)
    if status == 200 and answer is not None:
        return answer
    raise _refusal(status, answer or {}, host)


def _failure(error: Exception, host: str | None) -> TransportError:
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(reason, ssl.SSLCertVerificationError):
        return CertificateRejected(_STAGE, f"the certificate of token endpoint {host} is bad: {reason.verify_message}")
    if isinstance(reason, ssl.SSLError):
        return TlsFailed(_STAGE, f"no TLS with token endpoint {host}: {reason.reason}")
    if isinstance(reason, TimeoutError):
        return DeadlineExceeded(_STAGE, f"the token endpoint {host} did not answer in time")
    if isinstance(reason, http.client.HTTPException) and not isinstance(reason, OSError):
        return ServerMisbehaved(_STAGE, f"the token endpoint {host} broke HTTP: {type(reason).__name__}")
    return ConnectionFailed(_STAGE, f"the token endpoint {host} cannot be reached: {one_line(str(reason))}")


def _object(body: bytes) -> Mapping[str, object] | None:
    if len(body) > _LARGEST_ANSWER:
        return None
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _refusal(status: int, answer: Mapping[str, object], host: str | None) -> TransportError:
    code = answer.get("error")
    if not isinstance(code, str) or _ERROR_CODE.fullmatch(code) is None:
        code = None
    if status == 429 or status >= 500 or code == "temporarily_unavailable":
        return ServerBusy(_STAGE, f"the token endpoint {host} asks to come back later (HTTP {status})")
    if code == "invalid_grant":
        return AuthenticationFailed(
            _STAGE, f"the token endpoint {host} no longer accepts the consent (invalid_grant): give it again"
        )
    if code is not None:
        return AuthenticationFailed(_STAGE, f"the token endpoint {host} refused: {code}; check the client's settings")
    return ServerMisbehaved(_STAGE, f"the token endpoint {host} gave no token and no reason (HTTP {status})")


def _token(answer: Mapping[str, object], name: str) -> str:
    value = answer.get(name)
    if not isinstance(value, str) or _TOKEN.fullmatch(value) is None:
        raise ServerMisbehaved(_STAGE, f"the token endpoint's answer holds no usable {name}")
    return value


def _expiry(answer: Mapping[str, object], asked_at: dt.datetime) -> dt.datetime | None:
    seconds = answer.get("expires_in")
    # Some endpoints send the number as text.
    if isinstance(seconds, str) and re.fullmatch(r"[0-9]{1,9}", seconds):
        seconds = int(seconds)
    if isinstance(seconds, int | float) and not isinstance(seconds, bool) and 0 < seconds < 1e9:
        return asked_at + dt.timedelta(seconds=seconds)
    return None
