"""What every `MailSender` must do, as tests to inherit."""

import abc
from collections.abc import Sequence

import attrs
import pytest

from customerservice.domain.email_address import EmailAddress
from customerservice.ports.transports import Envelope, MailSender, RecipientState

SHOP = EmailAddress("shop@desk.example")
ANNA = EmailAddress("anna@home.example")
BERT = EmailAddress("bert@home.example")
CARLA = EmailAddress("carla@home.example")

#: A mail that breaks senders which count dots, lines or bytes: dots that begin lines, 8-bit text.
RAW = (
    b"From: shop@desk.example\r\nTo: anna@home.example\r\nSubject: dots\r\n\r\n"
    b".\r\n..\r\n.one\r\nvia Gr\xc3\xbcn\r\n\r\n.\r\nend\r\n"
)


@attrs.frozen
class TakenMail:
    """What came out at the other end: the return path ("" for the null one), who got it, and the bytes."""

    sender: str
    recipients: tuple[str, ...]
    raw: bytes = attrs.field(repr=False)


class Outlet(abc.ABC):
    """A sender under test, and the other end of its line."""

    @property
    @abc.abstractmethod
    def sender(self) -> MailSender:
        """The sender under test."""

    @abc.abstractmethod
    def refuse(self, address: EmailAddress) -> None:
        """Let the other end refuse this recipient for good from now on, with code 550."""

    @abc.abstractmethod
    def defer(self, address: EmailAddress) -> None:
        """Let the other end refuse this recipient for now from now on, with code 451."""

    @abc.abstractmethod
    def lose_next(self) -> None:
        """Let the connection break between the final dot of the next mail and its answer."""

    @abc.abstractmethod
    def taken(self) -> Sequence[TakenMail]:
        """Give the mails that were handed over, in order."""


class MailSenderContract(abc.ABC):
    """Inherit this, override `outlet` with a fixture of your own, and every promise of `MailSender` is tested."""

    @pytest.fixture
    @abc.abstractmethod
    def outlet(self) -> Outlet:
        """Give a fresh sender whose other end took nothing yet."""

    def test_a_mail_arrives_as_it_is(self, outlet: Outlet) -> None:
        """The other end gets the same bytes, the return path and the recipients of the envelope."""
        outlet.sender.send(Envelope(SHOP, (ANNA, BERT)), RAW, before_dot=_nothing)

        assert outlet.taken() == [TakenMail(SHOP.value, (ANNA.value, BERT.value), RAW)]

    def test_each_recipient_has_a_result_in_order(self, outlet: Outlet) -> None:
        """Results stand in the order of the recipients, whatever their state."""
        outlet.refuse(BERT)
        outlet.defer(CARLA)
        results = outlet.sender.send(Envelope(SHOP, (CARLA, ANNA, BERT)), RAW, before_dot=_nothing)

        assert [(result.address, result.state) for result in results] == [
            (CARLA, RecipientState.DEFERRED),
            (ANNA, RecipientState.SENT),
            (BERT, RecipientState.REFUSED),
        ]

    def test_a_refusal_carries_the_code_of_the_server(self, outlet: Outlet) -> None:
        """The code that refused a recipient stands in its result."""
        outlet.refuse(BERT)
        outlet.defer(CARLA)
        results = outlet.sender.send(Envelope(SHOP, (BERT, CARLA)), RAW, before_dot=_nothing)

        assert [result.code for result in results] == [550, 451]

    def test_only_accepted_recipients_get_the_mail(self, outlet: Outlet) -> None:
        """A refused recipient does not stop the others, and gets nothing."""
        outlet.refuse(ANNA)
        outlet.sender.send(Envelope(SHOP, (ANNA, BERT)), RAW, before_dot=_nothing)

        assert [mail.recipients for mail in outlet.taken()] == [(BERT.value,)]

    def test_the_null_return_path_is_kept(self, outlet: Outlet) -> None:
        """Automatic mail goes out without a return path, so that nobody answers it (RFC 3834 3.3)."""
        outlet.sender.send(Envelope(None, (ANNA,)), RAW, before_dot=_nothing)

        assert [mail.sender for mail in outlet.taken()] == [""]

    def test_before_dot_is_called_once_and_before(self, outlet: Outlet) -> None:
        """`before_dot` runs once, while the other end has taken nothing yet."""
        calls: list[Sequence[TakenMail]] = []
        outlet.sender.send(Envelope(SHOP, (ANNA, BERT)), RAW, before_dot=lambda: calls.append(list(outlet.taken())))

        assert calls == [[]]

    def test_before_dot_is_not_called_for_nobody(self, outlet: Outlet) -> None:
        """When every recipient is refused the point of no return is never reached, and nothing is taken."""
        outlet.refuse(ANNA)
        outlet.sender.send(Envelope(SHOP, (ANNA,)), RAW, before_dot=_fail)

        assert outlet.taken() == []

    def test_what_before_dot_raises_stops_the_mail(self, outlet: Outlet) -> None:
        """An error of `before_dot` passes through, and nobody gets the mail."""
        with pytest.raises(_Stop):
            outlet.sender.send(Envelope(SHOP, (ANNA,)), RAW, before_dot=_fail)

        assert outlet.taken() == []

    def test_a_mail_that_was_stopped_does_not_stop_the_next(self, outlet: Outlet) -> None:
        """After an error of `before_dot` the sender can be used again, and sends the new mail only."""
        with pytest.raises(_Stop):
            outlet.sender.send(Envelope(SHOP, (ANNA,)), b"Subject: stopped\r\n\r\n", before_dot=_fail)
        outlet.sender.send(Envelope(SHOP, (ANNA,)), RAW, before_dot=_nothing)

        assert [mail.raw for mail in outlet.taken()] == [RAW]

    def test_a_lost_answer_to_the_dot_is_unknown(self, outlet: Outlet) -> None:
        """When the connection is lost after the final dot nobody can know; that is a result, not an error."""
        outlet.lose_next()
        results = outlet.sender.send(Envelope(SHOP, (ANNA, BERT)), RAW, before_dot=_nothing)

        assert [result.state for result in results] == [RecipientState.UNKNOWN] * 2

    def test_a_lost_answer_changes_nothing_for_refused_recipients(self, outlet: Outlet) -> None:
        """A recipient that was refused before the dot stays refused when the answer to the dot is lost."""
        outlet.refuse(ANNA)
        outlet.lose_next()
        results = outlet.sender.send(Envelope(SHOP, (ANNA, BERT)), RAW, before_dot=_nothing)

        assert [result.state for result in results] == [RecipientState.REFUSED, RecipientState.UNKNOWN]

    def test_after_a_lost_answer_the_next_mail_goes_out(self, outlet: Outlet) -> None:
        """A lost connection does not make the sender unusable."""
        outlet.lose_next()
        outlet.sender.send(Envelope(SHOP, (ANNA,)), RAW, before_dot=_nothing)
        results = outlet.sender.send(Envelope(SHOP, (BERT,)), RAW, before_dot=_nothing)

        assert [result.state for result in results] == [RecipientState.SENT]

    def test_mails_of_one_sender_do_not_mix(self, outlet: Outlet) -> None:
        """Two mails in a row arrive each with its own envelope and bytes."""
        outlet.sender.send(Envelope(SHOP, (ANNA,)), RAW, before_dot=_nothing)
        outlet.sender.send(Envelope(None, (BERT,)), b"Subject: two\r\n\r\n", before_dot=_nothing)

        assert outlet.taken() == [
            TakenMail(SHOP.value, (ANNA.value,), RAW),
            TakenMail("", (BERT.value,), b"Subject: two\r\n\r\n"),
        ]


class _Stop(Exception):
    """What `_fail` raises."""


def _nothing() -> None:
    """Let the mail go on."""


def _fail() -> None:
    raise _Stop
