"""The customer's answer to our answer lands in its thread, by each way alone; what only looks so is held."""

import datetime as dt
import email
import email.policy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from customerservice.adapters.transports.memory import MemoryMailbox, MemorySender
from customerservice.bootstrap import HelpDesk
from customerservice.domain.email_address import EmailAddress
from customerservice.domain.mailbox import FirstSync, SecretKind, SecretRef
from customerservice.domain.outcome import Outcome
from customerservice.domain.references import EmployeeRef
from customerservice.mail.encoded_words import encode_words
from customerservice.testing.clock import CountingIdFactory, ToldClock

KEYS = (b"the key that signs all reply addresses",)
PATTERN = "help+{token}@shop.example"


class Conversation:
    """A help desk that a customer wrote to, and that answered."""

    def __init__(self, desk: HelpDesk, clock: ToldClock, *, signed: bool) -> None:
        self.desk, self.clock = desk, clock
        self.anna = desk.as_employee(EmployeeRef("anna"))
        self.server, self.sender = MemoryMailbox(), MemorySender()
        contact = desk.contacts.add("Help", addresses=[EmailAddress("help@shop.example")])
        box, _ = desk.mailboxes.find_or_add(
            "{mail.shop.example/imap/ssl}INBOX",
            user="help@shop.example",
            secret=SecretRef(SecretKind.ENVIRONMENT, "SHOP_MAIL_PASSWORD"),
            contact_id=contact.id,
            first_sync=FirstSync(everything=True),
        )
        self.box = desk.mailboxes.save(attrs.evolve(box, reply_address=PATTERN if signed else None))
        self.thread = self.open(subject="Where is my parcel?", message_id="question@customer.example")
        self.sent = self.answer()

    def arrive(self, text: str = "It came, thank you.", **headers: str) -> Any:
        """Let a mail of the customer come, and give what became of it."""
        self.clock.advance(dt.timedelta(minutes=5))
        named = {"from_": "Maria <maria@customer.example>", "to": "help@shop.example"} | headers
        lines = [f"{name.strip('_').replace('_', '-').title()}: {value}" for name, value in named.items()]
        self.server.deliver(("\r\n".join(lines) + f"\r\n\r\n{text}\r\n").encode(), received_at=self.clock.now())
        self.desk.sync(self.box.id, source=self.server)
        return self.desk.mail.page(limit=1).items[0]

    def open(self, *, subject: str, message_id: str) -> Any:
        """Let a mail open a thread."""
        delivery = self.arrive("Where is it?", subject=subject, message_id=f"<{message_id}>")
        assert delivery.outcome is Outcome.OPENED
        return self.desk.threads.view(delivery.thread_id).thread

    def answer(self) -> Any:
        """Let Anna answer the thread, and give the mail as any program reads it."""
        self.clock.advance(dt.timedelta(minutes=5))
        self.anna.reply(self.thread.id, text="It is on its way.")
        assert self.desk.deliver(self.sender).sent == 1
        return email.message_from_bytes(self.sender.sent[-1].raw, policy=email.policy.compat32)

    def marker(self) -> str:
        """The marker of our subject, with the token."""
        subject = self.sent["Subject"]
        return subject[subject.index("[#") :]


@pytest.fixture(params=["memory", "sqlite"])
def make_conversation(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    """What makes a conversation, with signed reply addresses or without."""
    desks = []

    def make(*, signed: bool) -> Conversation:
        told: Any = {"keys": KEYS, "clock": ToldClock(), "ids": CountingIdFactory()}
        if request.param == "memory":
            desk = HelpDesk.in_memory(**told)
        else:
            desk = HelpDesk.open(f"sqlite:///{tmp_path / 'helpdesk.db'}", **told)
        desks.append(desk)
        return Conversation(desk, told["clock"], signed=signed)

    yield make
    for desk in desks:
        desk.close()


def joined(talk: Conversation, delivery: Any) -> bool:
    """Whether a mail became the last message of the thread, and the thread open again."""
    view = talk.desk.threads.view(talk.thread.id)
    return (
        delivery.outcome is Outcome.JOINED
        and view.messages[-1].message.delivery_id == delivery.id
        and view.thread.status.value == "open"
        and len(talk.desk.threads.page().items) == 1
    )


def test_an_answer_comes_back_by_in_reply_to(make_conversation: Any) -> None:
    """With every marker and the signed address removed, our Message-ID alone leads to the thread."""
    talk = make_conversation(signed=True)

    delivery = talk.arrive(
        to="help@shop.example", subject="Re: Where is my parcel?", in_reply_to=talk.sent["Message-ID"]
    )

    assert joined(talk, delivery)
    assert delivery.decision.rule == "in-reply-to"


def test_an_answer_comes_back_by_the_signed_address(make_conversation: Any) -> None:
    """With a new subject and no threading headers, as after a gateway, the address alone leads to the thread."""
    talk = make_conversation(signed=True)

    delivery = talk.arrive(to=talk.sent["Reply-To"], subject="Delivered")

    assert joined(talk, delivery)
    assert delivery.decision.rule == "signed address"


def test_an_answer_comes_back_by_the_marker_in_an_encoded_folded_subject(make_conversation: Any) -> None:
    """Q-encoded and folded inside the marker, with no headers and no signed address, the marker alone leads there."""
    talk = make_conversation(signed=False)
    marker = talk.marker()
    half = len(marker) // 2
    words = [f"Antw: Größe {marker[:half]}", marker[half:]]
    encoded = "\r\n ".join("=?utf-8?q?" + quoted(word) + "?=" for word in words)

    delivery = talk.arrive(subject=encoded)

    assert joined(talk, delivery)
    assert delivery.decision.rule == "marker in the subject"


def quoted(text: str) -> str:
    return "".join(f"={byte:02X}" if byte > 126 or chr(byte) in " =?_" else chr(byte) for byte in text.encode())


def test_the_marker_survives_our_own_encoding(make_conversation: Any) -> None:
    """A subject outside ASCII is encoded by us and comes back with the marker inside encoded words."""
    talk = make_conversation(signed=False)

    subject = f"Re: Où est mon colis\u202f? {'é' * 40} {talk.marker()}"
    delivery = talk.arrive(subject="\r\n ".join(encode_words(subject)))

    assert joined(talk, delivery)


@pytest.mark.parametrize("way", ["address", "marker"])
@pytest.mark.parametrize("wrong", ["forged", "revoked", "of another thread"])
def test_a_wrong_token_is_held(make_conversation: Any, way: str, wrong: str) -> None:
    """Forged, revoked or another thread's: neither dropped nor let in, whoever sends it."""
    talk = make_conversation(signed=way == "address")
    token = (talk.sent["Reply-To"] or "").partition("-")[2].partition("@")[0] or talk.marker()[1:-1].split()[1]
    number = talk.thread.number
    if wrong == "forged":
        token = "a" * 26
    elif wrong == "revoked":
        talk.desk.threads.revoke_reply_tokens(talk.thread.id)
    else:
        number = talk.open(subject="Another matter", message_id="other@customer.example").number
    before = talk.desk.statistics()

    named = {
        "address": {"to": f"help+{number}-{token}@shop.example"},
        "marker": {"subject": f"Re: Where is my parcel? [#{number} {token}]"},
    }
    delivery = talk.arrive(**named[way])

    assert delivery.outcome is Outcome.HELD
    assert talk.desk.statistics() == before
    assert token not in repr(delivery.decision)


def test_a_new_key_in_front_leaves_old_answers_their_way(make_conversation: Any) -> None:
    """The first key signs, all verify: a key can be replaced without losing an answer (R21)."""
    talk = make_conversation(signed=True)
    context = attrs.evolve(
        talk.desk._context, keys=attrs.evolve(talk.desk._context.keys, keys=(b"a new key in front of it", *KEYS))
    )
    talk.desk = HelpDesk(context)

    delivery = talk.arrive(to=talk.sent["Reply-To"], subject="Delivered")

    assert joined(talk, delivery)


def test_a_subject_that_hides_a_recipient_adds_none_to_our_answer(make_conversation: Any) -> None:
    """Doubly encoded, with a Bcc inside: our answer has the recipients and headers we meant, and no other (fact 1)."""
    talk = make_conversation(signed=False)
    hidden = "=?utf-8?q?=3D=3Futf-8=3Fq=3Fa=3D0aBcc=3A=3D20eve=40evil.example=3F=3D?="
    talk.thread = talk.open(subject=hidden, message_id="hidden@customer.example")

    sent = talk.answer()

    assert sent["Bcc"] is None
    assert b"\nbcc" not in talk.sender.sent[-1].raw.lower()
    assert [str(one) for one in talk.sender.sent[-1].recipients] == ["maria@customer.example"]


def test_an_answer_goes_on_for_a_whole_conversation(make_conversation: Any) -> None:
    """Back and forth, each answer to the latest mail, all in one thread."""
    talk = make_conversation(signed=True)
    for turn in range(5):
        delivery = talk.arrive(
            f"Answer {turn}",
            subject="Re: Where is my parcel?",
            message_id=f"<answer-{turn}@customer.example>",
            in_reply_to=talk.sent["Message-ID"],
        )
        assert joined(talk, delivery)
        talk.sent = talk.answer()

    view = talk.desk.threads.view(talk.thread.id)
    assert (view.thread.customer_messages, view.thread.employee_messages) == (6, 6)
    assert len(talk.sent["References"].split()) == 11
