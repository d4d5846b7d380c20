"""Reading real maildrops: the POP3 source against Dovecot."""

import datetime as dt
import socket
import uuid
from collections.abc import Sequence
from typing import Any

import pytest

from customerservice.adapters.transports.connection import CLEAR_TEXT, NOT_VALIDATED
from customerservice.adapters.transports.pop3 import Pop3Source
from customerservice.domain.imap_options import ImapOptions
from customerservice.errors import AuthenticationFailed, CertificateRejected, TransportError
from customerservice.ports.transports import AccessToken, FetchedMail, MailSource, OversizeMail, Secret
from customerservice.testing.transport_contract import (
    DELETE,
    MailSourceContract,
    Place,
    RemovalContract,
    fetched,
    flat,
    listed,
    numbered,
)

pytestmark = pytest.mark.dovecot


@pytest.fixture
def user() -> str:
    """The name of somebody nobody used before."""
    return f"user-{uuid.uuid4().hex[:12]}"


def _source(dovecot: Any, user: str, flags: str = "/notls", **more: Any) -> Pop3Source:
    port = dovecot.pop3s_port if "/ssl" in flags else dovecot.pop3_port
    given: dict[str, Any] = {"user": user, "secret": Secret("pass")} | more
    return Pop3Source(ImapOptions.parse(f"{{127.0.0.1:{port}/pop3{flags}}}"), **given)


class DovecotPlace(Place):
    """A maildrop, and a delivery agent."""

    def __init__(self, dovecot: Any, user: str, flags: str, **more: Any) -> None:
        self._dovecot = dovecot
        self._user = user
        self._flags = flags
        self._more = more
        self._count = 0
        dovecot.maildir(user)

    @property
    def source(self) -> MailSource:
        return _source(self._dovecot, self._user, self._flags, **self._more)

    def put(self, raw: bytes, received_at: dt.datetime | None = None) -> None:
        # Dovecot numbers what it finds at once by name.
        self._count += 1
        self._dovecot.deliver(raw, self._user, name=f"{1_700_000_000 + self._count}.M1P1.test")

    def take_away(self, position: int) -> None:
        self._files()[position].unlink()

    def left(self) -> Sequence[bytes]:
        return [file.read_bytes() for file in self._files()]

    def _files(self) -> list[Any]:
        folder = self._dovecot.maildir(self._user)
        return sorted((file for part in ("cur", "new") for file in (folder / part).iterdir()), key=lambda one: one.name)


class TestInClearText(MailSourceContract, RemovalContract):
    """The promises of `MailSource`, over loopback without TLS."""

    @pytest.fixture
    def place(self, dovecot: Any, user: str) -> Place:
        """Give an empty maildrop."""
        return DovecotPlace(dovecot, user, "/notls")


class TestOverStls(MailSourceContract, RemovalContract):
    """The promises of `MailSource`, with STLS."""

    @pytest.fixture
    def place(self, dovecot: Any, user: str) -> Place:
        """Give an empty maildrop."""
        return DovecotPlace(dovecot, user, "/tls", ssl_context=dovecot.trust)


class _Tokens:
    def __init__(self, *tokens: str) -> None:
        self._tokens = iter(tokens)
        self.asked: list[bool] = []

    def token(self, *, refresh: bool = False) -> AccessToken:
        self.asked.append(refresh)
        return AccessToken(Secret(next(self._tokens)))


class TestOpening:
    """Securing and logging in."""

    @pytest.mark.parametrize("flags", ["/ssl", "/tls", ""])
    def test_tls_leaves_no_warning(self, dovecot: Any, user: str, flags: str) -> None:
        """TLS from the first byte, STLS required, and STLS where it is offered."""
        with _source(dovecot, user, flags, ssl_context=dovecot.trust).open() as session:
            assert session.state.warnings == ()

    @pytest.mark.parametrize(("flags", "warning"), [("/notls", CLEAR_TEXT), ("/ssl/novalidate-cert", NOT_VALIDATED)])
    def test_less_is_warned_about(self, dovecot: Any, user: str, flags: str, warning: str) -> None:
        """Clear text on loopback and a certificate nobody checked are told."""
        with _source(dovecot, user, flags).open() as session:
            assert session.state.warnings == (warning,)

    @pytest.mark.parametrize("flags", ["/ssl", "/tls"])
    def test_an_unknown_authority_is_refused(self, dovecot: Any, user: str, flags: str) -> None:
        """Dovecot's throw-away certificate is not what the system trusts."""
        with pytest.raises(CertificateRejected, match="unknown authority"):
            _source(dovecot, user, flags).open()

    def test_tls_to_the_clear_port_is_refused(self, dovecot: Any, user: str) -> None:
        """TLS from the first byte where the server greets in clear text is an error of the TLS stage."""
        options = ImapOptions.parse(f"{{127.0.0.1:{dovecot.pop3_port}/pop3/ssl}}")
        with pytest.raises(TransportError) as caught:
            Pop3Source(options, user=user, secret=Secret("pass"), ssl_context=dovecot.trust).open()

        assert caught.value.stage == "tls"

    def test_a_wrong_password_is_tried_once(self, dovecot: Any, user: str) -> None:
        """A refused password is an error that does not show it, and is not tried again."""
        with pytest.raises(AuthenticationFailed) as caught:
            _source(dovecot, user, secret=Secret("hunter2")).open()

        assert ("hunter2" in str(caught.value), dovecot.log().count(f"static({user},127.0.0.1,")) == (False, 1)

    def test_a_challenge_is_answered(self, dovecot: Any, user: str) -> None:
        """With ``/secure`` Dovecot checks CRAM-MD5."""
        with _source(dovecot, user, "/notls/secure").open() as session:
            assert session.state.count == 0

    def test_an_access_token_logs_in(self, dovecot: Any, user: str) -> None:
        """XOAUTH2 in the two-step form."""
        dovecot.tokens[user] = "t" * 1_500
        with _source(dovecot, user, token_provider=_Tokens("t" * 1_500)).open() as session:
            assert session.state.count == 0

    def test_a_refused_token_is_renewed_once(self, dovecot: Any, user: str) -> None:
        """After Dovecot's refusal, whose challenge is answered, the new token logs in."""
        dovecot.tokens[user] = f"new-{user}"
        tokens = _Tokens("old", f"new-{user}")
        with _source(dovecot, user, token_provider=tokens).open():
            pass

        assert tokens.asked == [False, True]


class TestReading:
    """Reading and deleting."""

    def test_ids_stay_the_same(self, dovecot: Any, user: str) -> None:
        """Dovecot's UIDLs name the same mails when others were deleted."""
        place = DovecotPlace(dovecot, user, "/notls")
        for number in range(3):
            place.put(numbered(number))
        before = listed(place)
        with place.source.open() as session:
            session.acknowledge(before[:1], DELETE)

        assert listed(place) == before[1:]

    def test_a_session_that_breaks_deletes_nothing(self, dovecot: Any, user: str) -> None:
        """Without QUIT the mails that were marked are there again, and can be deleted then."""
        place = DovecotPlace(dovecot, user, "/notls")
        place.put(numbered(1))
        session = _source(dovecot, user).open()
        session.acknowledge(flat(session.listing(after=0)), DELETE)
        with socket.socket(fileno=session._dialogue.wire.fileno()) as broken:
            broken.shutdown(socket.SHUT_RDWR)
            session.close()
            broken.detach()

        assert len(listed(place)) == 1

    def test_long_lines_come_whole(self, dovecot: Any, user: str) -> None:
        """A line far over what the standard library takes, and a mail over the limit beside it."""
        place = DovecotPlace(dovecot, user, "/notls")
        long = b"Subject: long\r\n\r\n" + b"x" * 3_000_000 + b"\r\n"
        place.put(long)
        place.put(numbered(2, 5_000_000))
        with place.source.open() as session:
            first, second = fetched(session, flat(session.listing(after=0)), max_size=4_000_000)

        assert isinstance(first, FetchedMail)
        assert isinstance(second, OversizeMail)
        assert (first.raw == long, second.header) == (True, numbered(2).removesuffix(b"\r\n"))


@pytest.fixture
def many(dovecot: Any, user: str) -> Place:
    """Give a maildrop with many mails."""
    place = DovecotPlace(dovecot, user, "/notls")
    for number in range(300):
        place.put(numbered(number, 2_000))
    return place


def test_mails_come_in_the_order_of_arrival(many: Place) -> None:
    """Three hundred mails come each once, in order."""
    with many.source.open() as session:
        mails = fetched(session, flat(session.listing(after=0)))

    assert [mail.raw for mail in mails if isinstance(mail, FetchedMail)] == [
        numbered(number, 2_000) for number in range(300)
    ]
