"""Looking at mail on its way out, and trying it again by hand."""

import pytest

from customerservice.testing.scripted import Answer
from customerservice.testing.smtp_server import ScriptedSmtpServer


@pytest.fixture
def failed(desk):
    """The id of an answer that the mail server refused for good."""
    with ScriptedSmtpServer() as server:
        server.order("dot", Answer("554 not today"))
        desk("threads", "reply", "1", "--as", "lena", "--sender", "help@shop.example", "--text", "On its way.")
        assert desk("outbox", "deliver", "--smtp", f"smtp://127.0.0.1:{server.port}").status == 1
    (entry,) = desk("outbox", "list", "--json").objects
    return entry["id"]


def test_a_failed_mail_is_listed_with_its_reason(desk, failed) -> None:
    """For people and for machines; sent mail only when it is asked for."""
    (entry,) = desk("outbox", "list", "--state", "failed", "--json").objects

    assert (entry["state"], entry["tries"], entry["next_try"]) == ("failed", 1, None)
    assert "not today" in entry["recipients"][0]["text"]
    assert "not today" in desk("outbox", "list").out
    assert desk("outbox", "list", "--state", "sent", "--json").objects == []


def test_a_failed_mail_is_sent_after_a_retry(desk, failed) -> None:
    """The next deliver takes it up again."""
    asked = desk("outbox", "retry", failed, "--json").object
    with ScriptedSmtpServer() as server:
        delivered = desk("outbox", "deliver", "--smtp", f"smtp://127.0.0.1:{server.port}", "--json").object

    assert asked["state"] == "waiting"
    assert delivered["sent"] == 1


def test_a_mail_that_waits_is_not_tried_again_by_hand(desk, failed) -> None:
    """Exit 1 and the reason; an id nobody knows likewise."""
    assert "waits again" in desk("outbox", "retry", failed).out
    again = desk("outbox", "retry", failed)
    unknown = desk("outbox", "retry", "0198c6f2-7d5e-7000-8000-3f1f0c2b9a41")

    assert (again.status, unknown.status) == (1, 1)
    assert "is waiting" in again.err
    assert "no outgoing mail" in unknown.err
