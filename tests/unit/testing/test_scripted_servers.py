"""The scripted SMTP and POP3 servers, asked by clients that are not ours."""

import base64
import poplib
import smtplib
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from typing import Any

import pytest
import trustme

from customerservice.testing.pop3_server import Drop, ScriptedPop3Server
from customerservice.testing.scripted import (
    Answer,
    Close,
    Command,
    Cut,
    Deaf,
    Fault,
    Raw,
    Reset,
    Silence,
    Trickle,
    bearer,
)
from customerservice.testing.smtp_server import AcceptedMail, ScriptedSmtpServer

_MAIL = b"Subject: hello\r\n\r\n.dot\r\n"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Give a throw-away certificate authority."""
    return trustme.CA()


@pytest.fixture(scope="module")
def certified(authority: trustme.CA) -> ssl.SSLContext:
    """Give a server's context."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


@pytest.fixture(scope="module")
def trust(authority: trustme.CA) -> ssl.SSLContext:
    """Give a client's context."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.fixture
def smtp() -> Iterator[Callable[..., tuple[ScriptedSmtpServer, smtplib.SMTP]]]:
    """Give a starter of an SMTP server with a client connected to it."""
    with ExitStack() as stack:

        def start(**more: Any) -> tuple[ScriptedSmtpServer, smtplib.SMTP]:
            server = stack.enter_context(ScriptedSmtpServer(**more))
            client = smtplib.SMTP(server.host, server.port, local_hostname="desk.example", timeout=10)
            stack.callback(client.close)
            return server, client

        yield start


@pytest.fixture
def pop3() -> Iterator[Callable[..., tuple[ScriptedPop3Server, poplib.POP3]]]:
    """Give a starter of a POP3 server with a client connected to it."""
    with ExitStack() as stack:

        def start(mails: Any = (), **more: Any) -> tuple[ScriptedPop3Server, poplib.POP3]:
            server = stack.enter_context(ScriptedPop3Server(mails, **({"users": {"anna": "sesame"}} | more)))
            client = poplib.POP3(server.host, server.port, timeout=10)
            stack.callback(client.close)
            return server, client

        yield start


class TestScriptedServer:
    """What both servers share."""

    def test_a_context_belongs_to_tls(self) -> None:
        """TLS without a context, and a context without TLS, is a mistake of the test."""
        with pytest.raises(ValueError, match="ssl_context"):
            ScriptedSmtpServer(tls="implicit")

    def test_closing_ends_every_connection(self, smtp: Callable[..., Any]) -> None:
        """A server that is closed hangs up on its clients and listens no more; closing again is fine."""
        server, client = smtp()
        server.close()
        server.close()

        assert client.sock.recv(1) == b""
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((server.host, server.port))

    def test_commands_are_remembered(self, smtp: Callable[..., Any]) -> None:
        """What a client said, in order, and whether it came over TLS."""
        server, client = smtp()
        client.ehlo()
        client.noop()

        assert server.commands == [Command("ehlo desk.example", False), Command("noop", False)]
        assert server.connections == 1

    def test_a_sequence_of_faults_is_used_up(self, smtp: Callable[..., Any]) -> None:
        """One fault for each time, None for the usual answer, and the usual answer when all are used."""
        _, client = smtp(script={"rset": [Answer("451 once"), None, Answer("452 twice")]})

        assert [client.docmd("RSET")[0] for _ in range(4)] == [451, 250, 452, 250]

    def test_one_fault_stays(self, smtp: Callable[..., Any]) -> None:
        """A single fault is for every time, until another is ordered."""
        server, client = smtp(script={"rset": Answer("451 no")})
        codes = [client.docmd("RSET")[0] for _ in range(3)]
        server.order("rset", Answer("452 no"))

        assert [*codes, client.docmd("RSET")[0]] == [451, 451, 451, 452]

    @pytest.mark.parametrize(
        ("fault", "received"),
        [
            (Close(), b""),
            (Cut(3), b"250"),
            (Raw(b"250 x\r\n"), b"250 x\r\n"),
            (Answer("250-a\n250 b"), b"250-a\r\n250 b\r\n"),
        ],
    )
    def test_faults_send_what_they_say(self, smtp: Callable[..., Any], fault: Fault, received: bytes) -> None:
        """Nothing, the start of the usual answer, raw bytes, or other lines."""
        server, client = smtp(script={"rset": fault, "quit": Close()})
        client.send("RSET\r\nQUIT\r\n")
        found = b""
        while data := client.sock.recv(100):
            found += data
        server.close()

        assert found == received

    def test_a_reset_is_a_reset(self, smtp: Callable[..., Any]) -> None:
        """The client sees a reset, not an end."""
        _, client = smtp(script={"rset": Reset()})
        client.send("RSET\r\n")
        with pytest.raises(ConnectionResetError):
            client.sock.recv(1)

    @pytest.mark.parametrize("fault", [Silence(), Deaf()])
    def test_silence_is_silent(self, smtp: Callable[..., Any], fault: Fault) -> None:
        """Nothing comes, whatever the client says, until somebody hangs up."""
        _, client = smtp(script={"rset": fault})
        client.send("RSET\r\nNOOP\r\n")
        client.sock.settimeout(0.05)
        with pytest.raises(TimeoutError):
            client.sock.recv(1)

    def test_a_trickle_is_the_usual_answer_slowly(self, smtp: Callable[..., Any]) -> None:
        """All bytes come, one by one."""
        _, client = smtp(script={"rset": Trickle(0.001)})

        assert client.docmd("RSET") == (250, b"2.0.0 forgotten")

    @pytest.mark.parametrize("fault", [Close(), Answer("220 early")])
    def test_a_connection_can_end_before_it_began(self, fault: Fault) -> None:
        """A fault at ``connect`` comes before the greeting, and after an answer there the greeting follows."""
        with (
            ScriptedSmtpServer(script={"connect": fault, "greeting": Close()}) as server,
            socket.create_connection((server.host, server.port)) as client,
        ):
            assert client.recv(100) == (b"220 early\r\n" if isinstance(fault, Answer) else b"")

    def test_a_client_that_leaves_at_the_handshake_is_forgotten(self, certified: ssl.SSLContext) -> None:
        """A handshake that never comes ends that connection and no other."""
        with ScriptedSmtpServer(tls="implicit", ssl_context=certified) as server:
            for _ in range(2):
                with socket.create_connection((server.host, server.port)) as client, suppress(ConnectionResetError):
                    client.sendall(b"EHLO no tls\r\n")
                    while client.recv(100):
                        pass

        assert (server.connections, server.commands) == (2, [])

    @pytest.mark.parametrize("words", ["", "user=a\x01auth=Basic x\x01\x01", "n,a=b\x01auth=Bearer x\x01\x01"])
    def test_words_of_no_mechanism_are_refused(self, words: str) -> None:
        """What is neither XOAUTH2 nor OAUTHBEARER is an error."""
        with pytest.raises(ValueError, match="neither"):
            bearer(words, {})

    def test_a_token_belongs_to_its_user(self) -> None:
        """The token must be the one of the user who was named, with or without host and port."""
        words = "n,a=a=2Cb,\x01host=h\x01port=993\x01auth=Bearer x\x01\x01"

        assert (bearer(words, {"a,b": "x"}), bearer(words, {"a,b": "y"})) == (("a,b", True), ("a,b", False))


class TestSmtpServer:
    """The SMTP server with smtplib."""

    def test_a_mail_is_taken_with_its_envelope(self, smtp: Callable[..., Any]) -> None:
        """Return path, recipients, parameters and the bytes without stuffed dots."""
        server, client = smtp()
        client.sendmail("a@x.example", ["b@x.example", "c@x.example"], _MAIL, ["BODY=8BITMIME"])

        assert server.accepted == [
            AcceptedMail(
                sender="a@x.example",
                recipients=("b@x.example", "c@x.example"),
                raw=_MAIL,
                parameters=(f"size={len(_MAIL)}", "BODY=8BITMIME"),
            )
        ]

    def test_bare_line_feeds_end_nothing(self, smtp: Callable[..., Any]) -> None:
        """A dot between bare LF is part of the mail, so a smuggled second mail shows as text of the first."""
        server, client = smtp()
        client.helo()
        for line in ("MAIL FROM:<>", "RCPT TO:<b@x.example>", "DATA"):
            client.docmd(line)
        client.send(b"a\n.\nMAIL FROM:<evil@x.example>\r\n.\r\n")
        client.getreply()

        assert [mail.raw for mail in server.accepted] == [b"a\n.\nMAIL FROM:<evil@x.example>\r\n"]

    def test_a_callback_hears_of_each_mail_first(self, smtp: Callable[..., Any]) -> None:
        """The callback runs before the client has its answer."""
        heard: list[AcceptedMail] = []
        server, client = smtp(on_mail=heard.append)
        client.sendmail("a@x.example", ["b@x.example"], _MAIL)

        assert heard == server.accepted

    def test_a_callback_that_fails_refuses_the_mail(self, smtp: Callable[..., Any]) -> None:
        """What the callback raises is a 451 for the client, and nothing is taken."""

        def fail(_: AcceptedMail) -> None:
            raise RuntimeError

        server, client = smtp(on_mail=fail)
        with pytest.raises(smtplib.SMTPDataError) as caught:
            client.sendmail("a@x.example", ["b@x.example"], _MAIL)

        assert (caught.value.smtp_code, server.accepted) == (451, [])

    def test_a_swallowed_answer_leaves_the_mail_taken(self, smtp: Callable[..., Any]) -> None:
        """When the server hangs up after the final dot it has the mail all the same."""
        server, client = smtp(script={"dot": Close()})
        with pytest.raises(smtplib.SMTPServerDisconnected):
            client.sendmail("a@x.example", ["b@x.example"], _MAIL)

        assert len(server.accepted) == 1

    @pytest.mark.parametrize(
        ("lines", "code"),
        [
            (["WHAT"], 500),
            (["STARTTLS"], 503),
            (["RCPT TO:<a@x.example>"], 503),
            (["DATA"], 503),
            (["MAIL FROM a@x.example"], 501),
            (["MAIL FROM:<>", "MAIL FROM:<>"], 503),
            (["MAIL FROM:<>", "RCPT TO:<>"], 501),
            (["MAIL FROM:<>", "RCPT TO:b"], 501),
            (["MAIL FROM:<>", "DATA"], 503),
            (["MAIL FROM:<>", "RSET", "MAIL FROM:<>"], 250),
            (["AUTH PLAIN AGEAYg=="], 504),
        ],
    )
    def test_commands_have_an_order(self, smtp: Callable[..., Any], lines: list[str], code: int) -> None:
        """Unknown, malformed and misplaced commands are refused as RFC 5321 says."""
        _, client = smtp()

        assert [client.docmd(line)[0] for line in lines][-1] == code

    @pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
    def test_a_password_opens(self, smtp: Callable[..., Any], mechanism: str) -> None:
        """smtplib's own log-ins work; before one, mail is refused."""
        server, client = smtp(users={"shop": "sesame"}, mechanisms=(mechanism,), auth_in_clear=True)
        before = client.docmd("MAIL FROM:<>")[0]
        client.login("shop", "sesame")

        assert (before, client.docmd("MAIL FROM:<>")[0], server.attempts[0].mechanism) == (530, 250, mechanism)

    @pytest.mark.parametrize(
        "words",
        [
            "PLAIN !!!",
            "PLAIN " + base64.b64encode(b"no zero").decode(),
            "XOAUTH2 " + base64.b64encode(b"user=a").decode(),
        ],
    )
    def test_words_that_cannot_be_read_are_refused(self, smtp: Callable[..., Any], words: str) -> None:
        """A client that sends nonsense hears 501."""
        server, client = smtp(users={"shop": "sesame"}, auth_in_clear=True)

        assert (client.docmd(f"AUTH {words}")[0], server.attempts) == (501, [])

    def test_log_ins_are_offered_under_tls_only(
        self, smtp: Callable[..., Any], certified: ssl.SSLContext, trust: ssl.SSLContext
    ) -> None:
        """STARTTLS is offered before, AUTH after, unless the test wants it otherwise."""
        server, client = smtp(tls="starttls", ssl_context=certified, users={"shop": "sesame"})
        client.ehlo()
        before = (client.has_extn("starttls"), client.has_extn("auth"))
        client._host = "127.0.0.1"
        client.starttls(context=trust)
        client.ehlo()

        assert (before, (client.has_extn("starttls"), client.has_extn("auth"))) == ((True, False), (False, True))
        client.login("shop", "sesame")
        client.sendmail("a@x.example", ["b@x.example"], _MAIL)
        assert (server.accepted[0].user, server.accepted[0].tls) == ("shop", True)


class TestPop3Server:
    """The POP3 server with poplib."""

    def test_mails_are_listed_and_given(self, pop3: Callable[..., Any]) -> None:
        """Sizes, ids, bodies with stuffed dots, and headers with some lines."""
        _, client = pop3([_MAIL + b"more", Drop(b"x\r\n", None, size=9)])
        client.user("anna")
        client.pass_("sesame")

        assert client.stat() == (2, len(_MAIL + b"more") + 9)
        assert client.list()[1] == [b"1 %d" % len(_MAIL + b"more"), b"2 9"]
        assert client.uidl()[1] == [b"1 u1"]
        assert client.retr(1)[1] == [b"Subject: hello", b"", b".dot", b"more"]
        assert client.top(1, 1)[1] == [b"Subject: hello", b"", b".dot"]

    def test_deletion_waits_for_quit(self, pop3: Callable[..., Any]) -> None:
        """Marked mails are not listed, come back by RSET, and go at QUIT."""
        server, client = pop3([b"a\r\n", b"b\r\n"])
        client.user("anna")
        client.pass_("sesame")
        client.dele(1)
        client.rset()
        client.dele(2)
        client.noop()
        listed = client.list()[1]
        client.quit()

        assert (listed, [drop.raw for drop in server.drops]) == ([b"1 3"], [b"a\r\n"])

    def test_a_failed_quit_deletes_nothing(self, pop3: Callable[..., Any]) -> None:
        """A fault at QUIT leaves every mail."""
        server, client = pop3([b"a\r\n"], script={"quit": Close()})
        client.user("anna")
        client.pass_("sesame")
        client.dele(1)
        with pytest.raises(poplib.error_proto):
            client.quit()

        assert len(server.drops) == 1

    @pytest.mark.parametrize(
        "line", ["STAT", "WHAT", "STLS", "AUTH PLAIN !!!", "AUTH PLAIN bm8gemVybw==", "AUTH NTLM", "PASS sesame"]
    )
    def test_what_is_not_for_strangers_is_refused(self, pop3: Callable[..., Any], line: str) -> None:
        """Before the log-in nothing is given, and nonsense does not log in."""
        _, client = pop3([b"a\r\n"])
        with pytest.raises(poplib.error_proto):
            client._shortcmd(line)

    @pytest.mark.parametrize("line", ["RETR 9", "RETR x", "TOP 1", "TOP 9 0", "DELE 9"])
    def test_mails_that_are_not_there_are_refused(self, pop3: Callable[..., Any], line: str) -> None:
        """Numbers out of range and malformed arguments are errors, and the session goes on."""
        _, client = pop3([b"a\r\n"])
        client.user("anna")
        client.pass_("sesame")
        with pytest.raises(poplib.error_proto):
            client._shortcmd(line)

        assert client.stat() == (1, 3)

    def test_secrets_can_be_kept_for_tls(
        self, pop3: Callable[..., Any], certified: ssl.SSLContext, trust: ssl.SSLContext
    ) -> None:
        """A server that takes no secrets in clear text refuses USER and AUTH before STLS."""
        _, client = pop3(auth_in_clear=False, tls="starttls", ssl_context=certified)
        for line in ("USER anna", "AUTH PLAIN AGFubmEAc2VzYW1l"):
            with pytest.raises(poplib.error_proto):
                client._shortcmd(line)
        before = client.capa()
        client.host = "127.0.0.1"
        client.stls(trust)

        assert ("STLS" in before, "SASL" in before, "STLS" in client.capa(), "SASL" in client.capa()) == (
            True,
            False,
            False,
            True,
        )
        assert client._shortcmd("AUTH PLAIN AGFubmEAc2VzYW1l").startswith(b"+OK")

    def test_a_refused_token_hears_why_first(self, pop3: Callable[..., Any]) -> None:
        """The reason comes as a challenge, the refusal after the client's answer to it."""
        _, client = pop3(tokens={"anna": "good"})
        client._putcmd("AUTH XOAUTH2 " + base64.b64encode(b"user=anna\x01auth=Bearer bad\x01\x01").decode())
        challenge = client._getline()[0]
        client._putline(b"")

        assert (challenge[:2], client._getline()[0]) == (b"+ ", b"-ERR [AUTH] wrong user name or secret")
