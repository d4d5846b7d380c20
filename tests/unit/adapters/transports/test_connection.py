"""The connection all protocols share: deadlines, TLS, and foreign errors made ours."""

import datetime as dt
import imaplib
import poplib
import smtplib
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from imapclient.exceptions import CapabilityError, LoginError, ProtocolError

from customerservice.adapters.transports.connection import (
    TimeLimits,
    Wire,
    masked,
    oauthbearer,
    refusal,
    resolve,
    safe_argument,
    sasl_plain,
    tls_context,
    translated,
    transport_errors,
    xoauth2,
)
from customerservice.errors import (
    AuthenticationFailed,
    CertificateRejected,
    ConnectionFailed,
    DeadlineExceeded,
    FolderUnavailable,
    InsecureConnection,
    InvalidValue,
    ServerBusy,
    ServerMisbehaved,
    TlsFailed,
    TransportError,
)
from customerservice.ports.transports import Secret

LIMITS = TimeLimits(connect=dt.timedelta(seconds=5), read=dt.timedelta(seconds=0.2), run=dt.timedelta(seconds=60))


@pytest.fixture
def pair() -> Iterator[tuple[Wire, socket.socket]]:
    """A wire and the other end of it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        wire = Wire.connect("127.0.0.1", listener.getsockname()[1], LIMITS)
        peer, _ = listener.accept()
        with peer:
            yield wire, peer
            wire.close()


class TestWire:
    """One connection."""

    def test_lines_and_blocks_come_as_they_were_sent(self, pair: tuple[Wire, socket.socket]) -> None:
        """Reading by line and by size can be mixed."""
        wire, peer = pair
        peer.sendall(b"one\r\ntwo\nabcdefthree\r\n")

        assert [wire.readline(), wire.readline(), wire.read(6), wire.readline()] == [
            b"one\r\n",
            b"two\n",
            b"abcdef",
            b"three\r\n",
        ]

    def test_what_is_sent_arrives(self, pair: tuple[Wire, socket.socket]) -> None:
        """Also more than fits into the buffers of both ends."""
        wire, peer = pair
        data = bytes(range(256)) * 20_000
        received = bytearray()

        def drain() -> None:
            while len(received) < len(data):
                received.extend(peer.recv(1 << 16))

        reader = threading.Thread(target=drain)
        reader.start()
        wire.sendall(data)
        reader.join()

        assert bytes(received) == data

    def test_a_silent_peer_is_left_in_time(self, pair: tuple[Wire, socket.socket]) -> None:
        """Nothing comes: the read limit ends it, at the stage that was set."""
        wire, _ = pair
        wire.stage = "fetch"
        wire.begin()
        with pytest.raises(DeadlineExceeded) as caught:
            wire.readline()

        assert caught.value.stage == "fetch"

    def test_a_dripping_peer_is_left_in_time(self, pair: tuple[Wire, socket.socket]) -> None:
        """Each byte comes in time, the line does not."""
        wire, peer = pair
        stop = threading.Event()

        def drip() -> None:
            while not stop.wait(0.02):
                peer.sendall(b"x")

        dripper = threading.Thread(target=drip)
        dripper.start()
        wire.begin()
        try:
            with pytest.raises(DeadlineExceeded):
                wire.readline()
        finally:
            stop.set()
            dripper.join()

    def test_a_deaf_peer_is_left_in_time(self, pair: tuple[Wire, socket.socket]) -> None:
        """A peer that takes nothing more holds the sender no longer than it may be silent."""
        wire, _ = pair
        wire.begin()
        with pytest.raises(DeadlineExceeded):
            wire.sendall(b"x" * 50_000_000)

    def test_an_announced_block_extends_the_operation(self, pair: tuple[Wire, socket.socket]) -> None:
        """A large block may take longer than the read limit, as long as it keeps coming."""
        wire, peer = pair
        pause = threading.Event()

        def send_slowly() -> None:
            for _ in range(8):
                pause.wait(0.15)
                peer.sendall(b"x" * 4_000)

        sender = threading.Thread(target=send_slowly)
        sender.start()
        wire.begin(dt.timedelta(seconds=0.8))

        assert len(wire.read(32_000)) == 32_000
        sender.join()

    def test_silence_within_an_announced_block_is_not_extended(self, pair: tuple[Wire, socket.socket]) -> None:
        """A peer that stalls within 50 MB is left as soon as one that stalls within a line."""
        wire, peer = pair
        peer.sendall(b"x" * 1_000)
        wire.begin()
        began = time.monotonic()
        with pytest.raises(DeadlineExceeded):
            wire.read(50_000_000)

        assert time.monotonic() - began < 10

    def test_the_run_ends_every_operation(self) -> None:
        """However long an operation may take, the run is over when it is over."""
        limits = TimeLimits(read=dt.timedelta(seconds=30), run=dt.timedelta(seconds=0.1))
        with socket.create_server(("127.0.0.1", 0)) as listener:
            wire = Wire.connect("127.0.0.1", listener.getsockname()[1], limits)
            with pytest.raises(DeadlineExceeded):
                wire.readline()
            with pytest.raises(DeadlineExceeded):
                wire.sendall(b"x")
            wire.close()

    @pytest.mark.parametrize("sent", [b"", b"half a line"])
    def test_the_end_within_a_line_is_an_error(self, pair: tuple[Wire, socket.socket], sent: bytes) -> None:
        """What a broken connection cut is not a line."""
        wire, peer = pair
        peer.sendall(sent)
        peer.shutdown(socket.SHUT_WR)
        with pytest.raises(ConnectionFailed, match="closed the connection"):
            wire.readline()

    def test_the_end_within_a_block_is_an_error(self, pair: tuple[Wire, socket.socket]) -> None:
        """A block is whole or not at all."""
        wire, peer = pair
        peer.sendall(b"12345")
        peer.shutdown(socket.SHUT_WR)
        with pytest.raises(ConnectionFailed, match="within a mail"):
            wire.read(6)

    def test_a_line_over_the_limit_is_refused(self, pair: tuple[Wire, socket.socket]) -> None:
        """No line is read longer than asked."""
        wire, peer = pair
        peer.sendall(b"x" * 100 + b"\r\n")
        with pytest.raises(ServerMisbehaved, match="more than 50 bytes"):
            wire.readline(50)

    def test_bytes_can_be_skipped(self, pair: tuple[Wire, socket.socket]) -> None:
        """What is skipped is gone, what follows is not."""
        wire, peer = pair
        peer.sendall(b"123456")
        wire.skip(4)

        assert wire.read(2) == b"56"

    @pytest.mark.parametrize("sent", [b"", b"x"])
    def test_waiting_ends_with_the_first_byte(self, pair: tuple[Wire, socket.socket], sent: bytes) -> None:
        """True as soon as something can be read, False when the time is over."""
        wire, peer = pair
        peer.sendall(sent)

        assert wire.wait_readable(0.1) is bool(sent)

    def test_waiting_sees_what_is_already_buffered(self, pair: tuple[Wire, socket.socket]) -> None:
        """A second line that came with the first needs no further byte."""
        wire, peer = pair
        peer.sendall(b"one\r\ntwo\r\n")
        wire.readline()

        assert wire.wait_readable(5) is True
        assert wire.readline() == b"two\r\n"

    def test_it_can_be_closed_twice(self, pair: tuple[Wire, socket.socket]) -> None:
        """Closing never raises; reading afterwards does, as an error of transport."""
        wire, _ = pair
        wire.close()
        wire.close()
        with pytest.raises(TransportError):
            wire.readline()
        with pytest.raises(TransportError):
            wire.sendall(b"x")

    def test_clients_of_the_standard_library_can_run_over_it(self, pair: tuple[Wire, socket.socket]) -> None:
        """It is its own file, and takes a time-out without obeying it."""
        wire, _ = pair
        wire.settimeout(0.001)

        assert wire.makefile("rb") is wire
        assert wire.fileno() > 0

    def test_a_secret_needs_privacy(self, pair: tuple[Wire, socket.socket]) -> None:
        """Clear text to another machine is refused unless it is allowed; loopback counts as allowed."""
        wire, _ = pair

        class Elsewhere(Wire):
            is_loopback = False  # type: ignore[assignment]

        elsewhere = Elsewhere(wire._sock, host="mail.example", port=143, limits=LIMITS, deadline=wire._deadline)
        wire.require_private(allow_clear_text=False)
        elsewhere.require_private(allow_clear_text=True)
        with pytest.raises(InsecureConnection, match="no secret was sent"):
            elsewhere.require_private(allow_clear_text=False)
        elsewhere.secure = True
        elsewhere.require_private(allow_clear_text=False)

    def test_a_closed_port_is_named(self) -> None:
        """Nothing listens: host and port are in the text, and it can be tried again."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        with pytest.raises(ConnectionFailed, match=f"127.0.0.1:{port}") as caught:
            Wire.connect("127.0.0.1", port, LIMITS)

        assert (caught.value.stage, caught.value.temporary) == ("connect", True)

    def test_the_next_address_is_tried(self) -> None:
        """A host with a dead address is still reached by its other one."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            with socket.create_server(("127.0.0.1", 0)) as unused:
                dead = unused.getsockname()
            addresses = [(socket.AF_INET, dead), (socket.AF_INET, ("127.0.0.1", port))]
            wire = Wire.connect_to(addresses, host="mail.example", port=port, limits=LIMITS)

            assert wire.is_loopback
            wire.close()

    def test_a_host_without_addresses_is_an_error(self) -> None:
        """Nothing to try is a failure to connect."""
        with pytest.raises(ConnectionFailed, match="no address"):
            Wire.connect_to([], host="mail.example", port=1, limits=LIMITS)

    @pytest.mark.parametrize("host", ["no-such-host.invalid", "a" * 64 + ".example", "a..b"])
    def test_an_unknown_name_is_named(self, host: str) -> None:
        """Names that DNS does not know, or could not hold, fail at the stage resolve."""
        with pytest.raises(ConnectionFailed) as caught:
            resolve(host, 143)

        assert caught.value.stage == "resolve"


class TestTls:
    """Checked TLS."""

    def test_a_context_checks_by_default(self) -> None:
        """Chain and name are checked, old TLS is refused."""
        context = tls_context()

        assert context.check_hostname
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert context.minimum_version >= ssl.TLSVersion.TLSv1_2

    def test_a_context_can_be_told_not_to_check(self) -> None:
        """Only by an explicit word."""
        context = tls_context(validate=False)

        assert not context.check_hostname
        assert context.verify_mode is ssl.CERT_NONE

    def test_a_peer_that_is_silent_at_the_handshake_is_left_in_time(self, pair: tuple[Wire, socket.socket]) -> None:
        """The handshake has the limit of connecting."""
        wire, _ = pair
        wire.limits = TimeLimits(connect=dt.timedelta(seconds=0.1))
        with pytest.raises(DeadlineExceeded) as caught:
            wire.start_tls(tls_context())

        assert caught.value.stage == "tls"
        assert not wire.secure

    def test_a_peer_that_hangs_up_at_the_handshake_is_an_error_of_tls(self, pair: tuple[Wire, socket.socket]) -> None:
        """Not a mere connection error: TLS was demanded and not had."""
        wire, peer = pair
        peer.close()
        with pytest.raises(TlsFailed):
            wire.start_tls(tls_context())


def _certificate_error(code: int) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code, error.verify_message = code, "some reason"
    return error


def _ssl_error(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, f"[SSL: {reason}]")
    error.reason = reason
    return error


class TestErrors:
    """Everything foreign becomes a TransportError of the right kind."""

    @pytest.mark.parametrize(
        ("error", "stage", "kind"),
        [
            (_certificate_error(10), "tls", CertificateRejected),
            (_certificate_error(99), "tls", CertificateRejected),
            (_ssl_error("WRONG_VERSION_NUMBER"), "tls", TlsFailed),
            (_ssl_error("TLSV1_ALERT_PROTOCOL_VERSION"), "tls", TlsFailed),
            (ssl.SSLEOFError(8, "EOF"), "fetch", ConnectionFailed),
            (TimeoutError("timed out"), "fetch", DeadlineExceeded),
            (socket.gaierror(-2, "Name or service not known"), "resolve", ConnectionFailed),
            (UnicodeError("label too long"), "resolve", ConnectionFailed),
            (ConnectionResetError(104, "reset"), "tls", TlsFailed),
            (ConnectionRefusedError(111, "refused"), "connect", ConnectionFailed),
            (ConnectionResetError(104, "reset"), "fetch", ConnectionFailed),
            (OSError(113, "No route to host"), "connect", ConnectionFailed),
            (imaplib.IMAP4.abort("command: LOGIN => socket error: EOF"), "login", ConnectionFailed),
            (imaplib.IMAP4.abort("Too many connections"), "login", ServerBusy),
            (imaplib.IMAP4.abort("[UNAVAILABLE] maintenance"), "login", ServerBusy),
            (imaplib.IMAP4.abort("unexpected response: b'x'"), "list", ServerMisbehaved),
            (imaplib.IMAP4.abort("socket error: unterminated line: b'x'"), "list", ServerMisbehaved),
            (imaplib.IMAP4.readonly("mailbox status changed to READ-ONLY"), "select", ConnectionFailed),
            (imaplib.IMAP4.error("[AUTHENTICATIONFAILED] no"), "login", AuthenticationFailed),
            (imaplib.IMAP4.error("no such mailbox"), "select", FolderUnavailable),
            (imaplib.IMAP4.error("BAD"), "fetch", ServerMisbehaved),
            (LoginError("no"), "login", AuthenticationFailed),
            (CapabilityError("no STARTTLS"), "tls", TlsFailed),
            (ProtocolError("unexpected"), "fetch", ServerMisbehaved),
            (poplib.error_proto("-ERR [AUTH] no"), "login", AuthenticationFailed),
            (poplib.error_proto("-ERR [IN-USE] locked"), "login", ServerBusy),
            (poplib.error_proto("-ERR [SYS/TEMP] later"), "login", ServerBusy),
            (poplib.error_proto("-ERR [SYS/PERM] never"), "login", ServerMisbehaved),
            (poplib.error_proto("line too long"), "fetch", ServerMisbehaved),
            (smtplib.SMTPNotSupportedError("STARTTLS not supported"), "tls", TlsFailed),
            (smtplib.SMTPServerDisconnected("gone"), "send", ConnectionFailed),
            (smtplib.SMTPConnectError(421, b"busy"), "connect", ServerBusy),
            (smtplib.SMTPAuthenticationError(454, b"later"), "login", ServerBusy),
            (smtplib.SMTPAuthenticationError(535, b"no"), "login", AuthenticationFailed),
            (MemoryError(), "fetch", ServerMisbehaved),
            (RecursionError(), "fetch", ServerMisbehaved),
            (IndexError(), "fetch", ServerMisbehaved),
            (ValueError("invalid literal"), "fetch", ServerMisbehaved),
        ],
        ids=lambda value: f"{type(value).__name__}" if isinstance(value, Exception) else str(value),
    )
    def test_each_has_its_kind(self, error: Exception, stage: str, kind: type[TransportError]) -> None:
        """The kind tells whether to try again; the stage says where it failed."""
        found = translated(error, stage, "mail.example:143")

        assert type(found) is kind
        assert found.stage == stage
        assert "mail.example" in str(found)

    def test_ours_pass_as_they_are(self) -> None:
        """An error that is already one of ours is not wrapped."""
        own = InvalidValue("folder", "no")
        with pytest.raises(InvalidValue) as caught, transport_errors("login", "mail.example"):
            raise own

        assert caught.value is own

    def test_the_cause_is_kept(self) -> None:
        """Where there is nothing to hide, the foreign error stays reachable."""
        with pytest.raises(ConnectionFailed) as caught, transport_errors("login", "mail.example"):
            raise ConnectionResetError

        assert isinstance(caught.value.__cause__, ConnectionResetError)

    def test_with_something_to_hide_the_cause_goes(self) -> None:
        """The words of the server could hold the secret, so they are masked and their error is dropped."""
        with (
            pytest.raises(AuthenticationFailed) as caught,
            transport_errors("login", "mail.example", hidden=("hunter2",)),
        ):
            raise imaplib.IMAP4.error("hunter2 is wrong")

        assert caught.value.__cause__ is None
        assert "***" in str(caught.value)
        assert "hunter2" not in str(caught.value)

    def test_base64_of_a_secret_is_masked_too(self) -> None:
        """Servers echo what they were sent."""
        assert masked("got aHVudGVyMg== here", ["hunter2", ""]) == "got ***== here"

    def test_the_words_of_a_server_are_one_short_line(self) -> None:
        """No server writes a log for us."""
        error = refusal("list", "mail.example", "no\r\nERROR forged\x00 line " + "x" * 10_000)

        assert "\n" not in str(error)
        assert len(str(error)) < 400

    def test_a_refusal_without_words_says_so(self) -> None:
        """An empty reason is no empty sentence."""
        assert "without a reason" in str(refusal("list", "mail.example", ""))

    def test_every_exception_is_mapped(self) -> None:
        """Interrupts are not: they are not trouble with a server."""
        with pytest.raises(KeyboardInterrupt), transport_errors("list", "mail.example"):
            raise KeyboardInterrupt


class TestArguments:
    """What goes into a command."""

    @given(st.text())
    def test_an_argument_never_holds_a_control_character(self, text: str) -> None:
        """A text is given back as it is, or refused."""
        bad = any(char < " " or "\x7f" <= char <= "\x9f" or char in "\u2028\u2029" for char in text)
        if bad:
            with pytest.raises(InvalidValue):
                safe_argument("folder", text)
        else:
            assert safe_argument("folder", text) == text

    def test_lone_surrogates_are_refused(self) -> None:
        """They could not be encoded for the wire."""
        with pytest.raises(InvalidValue):
            safe_argument("user", "a\udc80b")

    def test_tokens_are_written_as_the_standards_say(self) -> None:
        """XOAUTH2 as Google and Microsoft document it; OAUTHBEARER with the name escaped (RFC 7628 3.1)."""
        token = Secret("ya29.x")

        assert xoauth2("anna@x.example", token) == b"user=anna@x.example\x01auth=Bearer ya29.x\x01\x01"
        assert oauthbearer("a=b,c", token) == b"n,a=a=3Db=2Cc,\x01auth=Bearer ya29.x\x01\x01"

    def test_plain_names_both_accounts(self) -> None:
        """RFC 4616: whom to act for, who logs in, the password."""
        assert sasl_plain("boss", Secret("p"), acting_for="anna") == b"anna\0boss\0p"

    @pytest.mark.parametrize("make", [xoauth2, oauthbearer, sasl_plain])
    @pytest.mark.parametrize(("user", "secret"), [("an\x01na", "x"), ("anna", "x\x01y"), ("an\0na", "x"), ("a", "x\0")])
    def test_separators_cannot_be_smuggled_in(self, make: Any, user: str, secret: str) -> None:
        """No name or secret can add a field."""
        with pytest.raises(InvalidValue):
            make(user, Secret(secret))
