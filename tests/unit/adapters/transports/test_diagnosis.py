"""Testing a mailbox stage by stage: which stage failed, and what to do about it."""

import socket
from typing import Any

import pytest

from customerservice.adapters.transports.diagnosis import Stage, StageResult, diagnose
from customerservice.adapters.transports.imap import ImapSource
from customerservice.domain.imap_options import ImapOptions
from customerservice.errors import InvalidMailboxName
from customerservice.ports.transports import Secret
from customerservice.testing.imap_server import ScriptedImapServer
from customerservice.testing.scripted import Answer

MAIL = b"Subject: hello\r\n\r\nHello!\r\n"


def results(
    port: int, switches: str = "", *, folder: str = "", password: str = "right", **more: Any
) -> list[StageResult]:
    """The results for anna's mailbox at this port."""
    options = ImapOptions.parse(f"{{127.0.0.1:{port}/imap{switches}}}{folder}")
    source = ImapSource(options, user="anna", secret=Secret(password), **more)
    return list(diagnose(options, source))


def marks(found: list[StageResult]) -> str:
    """One letter a stage: + fine, - failed, . not reached or not demanded."""
    return "".join({True: "+", False: "-", None: "."}[result.ok] for result in found)


def failure(found: list[StageResult]) -> StageResult:
    (one,) = [result for result in found if result.ok is False]
    return one


def test_a_good_mailbox_passes_every_stage(certificates: Any) -> None:
    """Seven stages in their order, with what was found."""
    with ScriptedImapServer(users={"anna": "right"}, tls="implicit", ssl_context=certificates.server()) as server:
        server.deliver(MAIL)
        found = results(server.port, "/ssl", ssl_context=certificates.trust)

    assert [result.stage for result in found] == list(Stage)
    assert marks(found) == "+++++++"
    assert found[-1].text == "1 mail"


def test_an_unchecked_certificate_is_said_to_be_unchecked(certificates: Any) -> None:
    """/novalidate-cert passes, without the certificate's stage being called fine."""
    arguments: dict[str, Any] = {"tls": "starttls", "ssl_context": certificates.server("expired")}
    with ScriptedImapServer(users={"anna": "right"}, **arguments) as server:
        found = results(server.port, "/tls/novalidate-cert")

    assert marks(found) == "+++.+++"


def test_clear_text_is_said_to_be_clear() -> None:
    """On loopback clear text passes; TLS and certificate are not called fine."""
    with ScriptedImapServer(users={"anna": "right"}) as server:
        found = results(server.port)

    assert marks(found) == "++..+++"
    assert "clear text" in found[2].text


def test_a_count_that_select_does_not_tell_is_counted() -> None:
    """Where SELECT gives no EXISTS, the mails are listed."""
    with ScriptedImapServer(users={"anna": "right"}) as server:
        server.deliver(MAIL)
        server.deliver(MAIL)
        server.folder().tells_count = False
        found = results(server.port)

    assert found[-1].text == "2 mails"


def test_an_unknown_name_fails_at_once() -> None:
    """Nothing after the name is reached."""
    options = ImapOptions.for_host("no-such-host.invalid").with_tls()
    found = list(diagnose(options, ImapSource(options, user="anna", secret=Secret("x"))))

    assert marks(found) == "-......"
    assert "written right" in failure(found).text


def test_a_closed_port_fails_to_connect() -> None:
    """Nothing answers: host, port and firewall are to be checked."""
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    found = results(port)

    assert marks(found) == "+-....."
    assert "firewall" in failure(found).advice


def test_a_missing_starttls_fails_at_tls() -> None:
    """The advice names the ports of both kinds of TLS."""
    with ScriptedImapServer(users={"anna": "right"}) as server:
        found = results(server.port, "/tls")

    assert marks(found) == "++-...."
    assert "993" in failure(found).advice


def test_a_bad_certificate_fails_at_its_own_stage(certificates: Any) -> None:
    """TLS itself works, the certificate does not."""
    arguments: dict[str, Any] = {"tls": "implicit", "ssl_context": certificates.server("expired")}
    with ScriptedImapServer(users={"anna": "right"}, **arguments) as server:
        found = results(server.port, "/ssl", ssl_context=certificates.trust)

    assert marks(found) == "+++-..."
    assert "expired" in failure(found).text


@pytest.mark.parametrize(("switches", "expected"), [("", "++..-.."), ("/tls", "++++-..")])
def test_a_wrong_password_fails_at_the_log_in(switches: str, expected: str, certificates: Any) -> None:
    """TLS is fine where it was demanded; the advice names the usual reasons."""
    arguments: dict[str, Any] = {"tls": "starttls", "ssl_context": certificates.server()}
    with ScriptedImapServer(users={"anna": "right"}, **arguments) as server:
        found = results(server.port, switches, password="wrong", ssl_context=certificates.trust)

        assert marks(found) == expected
        assert "app password" in failure(found).advice
        assert len(server.attempts) == 1


def test_a_missing_folder_fails_at_the_folder() -> None:
    """The log-in is fine, the folder is not."""
    with ScriptedImapServer(users={"anna": "right"}) as server:
        found = results(server.port, folder="Nowhere")

    assert marks(found) == "++..+-."


def test_a_server_that_breaks_while_counting_fails_at_the_count() -> None:
    """What fails after the folder was opened is the count."""
    script = {"search": Answer("{tag} NO [UNAVAILABLE] later")}
    with ScriptedImapServer(users={"anna": "right"}, script=script) as server:
        server.folder().tells_count = False
        found = results(server.port)

    assert marks(found) == "++..++-"
    assert "wait" in failure(found).advice


def test_contradicting_options_are_refused() -> None:
    """Nothing is connected for a string that cannot be meant."""
    options = ImapOptions.for_host("127.0.0.1")
    source = ImapSource(options, user="anna", secret=Secret("x"))
    with pytest.raises(InvalidMailboxName):
        list(diagnose(options.with_ssl().with_tls(), source))
