"""The mailbox and the way out in memory: what they add to the contracts, and the faults they can play."""

from collections.abc import Sequence

import pytest

from customerservice.adapters.transports.batches import BATCH_BYTES, BATCH_MAILS, MAX_HEADER, batches, header_block
from customerservice.adapters.transports.memory import MemoryMailbox, MemorySender
from customerservice.domain.email_address import EmailAddress
from customerservice.domain.mailbox import AfterFetch
from customerservice.errors import ConnectionFailed, ServerBusy, TransportError
from customerservice.ports.transports import AckState, Envelope, MailRef, RecipientState
from customerservice.testing.sender_contract import MailSenderContract, Outlet, TakenMail

MAIL = b"Subject: hello\r\n\r\nHello!\r\n"
ANNA, BERT = EmailAddress("anna@x.example"), EmailAddress("bert@x.example")
DELETE = AfterFetch.parse("delete")


class MemoryOutlet(Outlet):
    """A sender in memory; its other end is itself."""

    def __init__(self) -> None:
        self._sender = MemorySender()

    @property
    def sender(self) -> MemorySender:
        return self._sender

    def refuse(self, address: EmailAddress) -> None:
        self._sender.answer(address, RecipientState.REFUSED, 550, "no such user")

    def defer(self, address: EmailAddress) -> None:
        self._sender.answer(address, RecipientState.DEFERRED, 451, "later")

    def lose_next(self) -> None:
        self._sender.lose_next()

    def taken(self) -> Sequence[TakenMail]:
        return [
            TakenMail(
                mail.envelope.sender.value if mail.envelope.sender else "",
                tuple(address.value for address in mail.recipients),
                mail.raw,
            )
            for mail in self._sender.sent
        ]


class TestMemorySender(MailSenderContract):
    """Everything a sender promises."""

    @pytest.fixture
    def outlet(self) -> Outlet:
        return MemoryOutlet()

    def test_a_failure_hands_nothing_over(self) -> None:
        """The next send raises what it was told, once."""
        sender = MemorySender()
        sender.fail_next(ServerBusy("connect", "later"))
        with pytest.raises(ServerBusy):
            sender.send(Envelope(None, (ANNA,)), MAIL, before_dot=lambda: None)

        assert sender.sent == []
        assert sender.send(Envelope(None, (ANNA,)), MAIL, before_dot=lambda: None)[0].state is RecipientState.SENT

    def test_a_race_can_be_played_before_sending(self) -> None:
        """`before_send` sees each envelope before anything else happens."""
        sender, seen = MemorySender(), []
        sender.before_send = seen.append
        envelope = Envelope(ANNA, (BERT,))
        sender.send(envelope, MAIL, before_dot=lambda: None)

        assert seen == [envelope]


class TestMemoryMailbox:
    """What a test can arrange."""

    def test_a_new_epoch_numbers_the_same_mails_anew(self) -> None:
        """After a lost index the mails have UIDs from 1, and old refs are gone."""
        mailbox = MemoryMailbox()
        mailbox.deliver(b"one")
        old = mailbox.deliver(b"two")
        mailbox.remove(1)
        mailbox.renumber(2)

        assert {uid: mail.raw for uid, mail in mailbox.mails.items()} == {1: b"two"}
        assert mailbox.deliver(b"three") == MailRef(2, 2)
        with mailbox.open() as session:
            assert session.acknowledge([old], DELETE)[0].state is AckState.GONE

    def test_a_read_only_mailbox_refuses(self) -> None:
        """Nothing is flagged or removed, with the reason."""
        mailbox = MemoryMailbox(read_only=True)
        ref = mailbox.deliver(MAIL)
        with mailbox.open() as session:
            (answer,) = session.acknowledge([ref], DELETE)

            assert session.state.read_only
        assert (answer.state, answer.reason) == (AckState.FAILED, "the folder is read only")
        assert len(mailbox.mails) == 1

    def test_without_single_removal_mail_is_flagged(self) -> None:
        """As at a server without UIDPLUS."""
        mailbox = MemoryMailbox(removes_single=False)
        ref = mailbox.deliver(MAIL)
        with mailbox.open() as session:
            (answer,) = session.acknowledge([ref], DELETE)

        assert answer.state is AckState.FLAGGED
        assert mailbox.mails[1].deleted

    @pytest.mark.parametrize("stage", ["open", "listing", "fetch", "acknowledge", "wait"])
    def test_a_stage_can_fail_once(self, stage: str) -> None:
        """The error comes at that stage; after it the session is over, and a new one works."""
        mailbox = MemoryMailbox()
        ref = mailbox.deliver(MAIL)
        mailbox.fail_next(stage)

        def use() -> None:
            with mailbox.open() as session:
                list(session.listing(after=0))
                list(session.fetch([ref], max_size=100))
                session.acknowledge([ref], AfterFetch())
                session.wait(0)

        with pytest.raises(ConnectionFailed, match=stage):
            use()
        use()

    def test_after_an_error_the_session_is_over(self) -> None:
        """Only closing is left."""
        mailbox = MemoryMailbox()
        mailbox.deliver(MAIL)
        session = mailbox.open()
        mailbox.fail_next("listing", ServerBusy("list", "later"))
        with pytest.raises(ServerBusy):
            list(session.listing(after=0))
        with pytest.raises(TransportError, match="over"):
            session.wait(0)
        session.close()

    def test_news_are_noticed(self) -> None:
        """A mail that came since the session was opened ends the wait."""
        mailbox = MemoryMailbox()
        with mailbox.open() as session:
            assert session.wait(60) is False
            mailbox.deliver(MAIL)

            assert session.wait(60) is True


class TestBatches:
    """How mails are cut into batches."""

    def test_nothing_is_no_batch(self) -> None:
        """Lists are never empty."""
        assert list(batches([], len)) == []

    def test_batches_are_bounded_by_number_and_size(self) -> None:
        """At most 200 mails, at most 8 MB, in order."""
        small = list(batches(range(BATCH_MAILS + 1), lambda _: 1))
        large = list(batches([BATCH_BYTES // 2, BATCH_BYTES // 2, 1], lambda size: size))

        assert [len(batch) for batch in small] == [BATCH_MAILS, 1]
        assert [len(batch) for batch in large] == [2, 1]

    def test_a_mail_larger_than_a_batch_stands_alone(self) -> None:
        """It is neither cut nor joined with another."""
        assert list(batches([1, BATCH_BYTES + 1, 1], lambda size: size)) == [[1], [BATCH_BYTES + 1], [1]]

    @pytest.mark.parametrize(
        ("raw", "header"),
        [
            (b"A: 1\r\nB: 2\r\n\r\nbody", b"A: 1\r\nB: 2\r\n\r\n"),
            (b"A: 1\n\nbody\r\n\r\n", b"A: 1\n\n"),
            (b"A: 1\r\n", b"A: 1\r\n"),
            (b"\r\nbody\r\n\r\n", b"\r\n"),
            (b"\nbody", b"\n"),
            (b"", b""),
            (b"x" * (MAX_HEADER + 1), b"x" * MAX_HEADER),
        ],
    )
    def test_the_header_block_ends_at_the_empty_line(self, raw: bytes, header: bytes) -> None:
        """Whatever the line ends; of an endless one only the beginning."""
        assert header_block(raw) == header
