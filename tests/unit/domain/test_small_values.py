"""Actors, references, employees, outcomes, contacts, messages and identities of mails."""

import attrs
import pytest

from customerservice.domain.actor import ALL_SHOPS, Actor, ActorKind, ShopScope
from customerservice.domain.contact import AfterReply
from customerservice.domain.delivery import DeliveryKey
from customerservice.domain.email_address import EmailAddress
from customerservice.domain.events import EventKind
from customerservice.domain.ids import ShopId
from customerservice.domain.message import Audience, Author, AuthorKind, MessageKind
from customerservice.domain.outcome import Outcome
from customerservice.domain.references import CustomerRef, EmployeeRef, OrderRef, ProductRef
from customerservice.domain.status import ThreadStatus
from customerservice.errors import InvalidValue
from customerservice.testing.builders import ANNA, CUSTOMER_ADDRESS, Builder

TOYS, BOOKS = ShopId("toys"), ShopId("books")


@pytest.fixture
def build() -> Builder:
    return Builder()


class TestActor:
    """Who acts."""

    @pytest.mark.parametrize(
        ("actor", "kind", "label"),
        [
            (Actor.system(), ActorKind.SYSTEM, "system"),
            (Actor.of_employee(ANNA), ActorKind.EMPLOYEE, "employee:anna"),
            (Actor.of_customer(CustomerRef("c-1")), ActorKind.CUSTOMER, "customer:c-1"),
            (Actor.of_customer(None), ActorKind.CUSTOMER, "customer"),
        ],
    )
    def test_label_says_who_it_was(self, actor: Actor, kind: ActorKind, label: str) -> None:
        """As kept in histories; by default an actor sees all shops."""
        assert (actor.kind, actor.label, actor.scope) == (kind, label, ALL_SHOPS)

    @pytest.mark.parametrize("make", [Actor.system, lambda scope: Actor.of_employee(ANNA, scope)])
    def test_scope_is_what_was_given(self, make: object) -> None:
        """Each maker takes one."""
        assert callable(make)
        assert make(ShopScope.of(TOYS)).scope == ShopScope.of(TOYS)

    def test_scope_holds_its_shops(self) -> None:
        """Those named, or all, or none."""
        assert (TOYS in ShopScope.of(TOYS), BOOKS in ShopScope.of(TOYS)) == (True, False)
        assert (TOYS in ALL_SHOPS, TOYS in ShopScope.of()) == (True, False)


class TestReferences:
    """The host's own ids."""

    @pytest.mark.parametrize("kind", [EmployeeRef, CustomerRef, OrderRef, ProductRef])
    @pytest.mark.parametrize("text", ["", "x" * 192, "a\nb", "a\x00", "\ud800", "\u2028"], ids=ascii)
    def test_reference_is_printable_and_short(self, kind: type[EmployeeRef], text: str) -> None:
        """The error names the kind of reference."""
        with pytest.raises(InvalidValue, match=kind.__name__):
            kind(text)

    @pytest.mark.parametrize("text", ["1", "x" * 191, "№ 5 / ü", " "])
    def test_reference_is_kept_as_given(self, text: str) -> None:
        """It is compared and handed back, nothing more."""
        assert OrderRef(text).id == text

    def test_kinds_are_never_equal(self) -> None:
        """Employee 1 is not customer 1."""
        assert EmployeeRef("1") != CustomerRef("1")


def test_employee_name_is_one_line(build: Builder) -> None:
    """Line ends and surrogates do not reach a list or a header."""
    assert build.employee(name="Anna\r\nBcc: x \ud800").name == "Anna Bcc: x \ufffd"


def test_outcomes_in_a_thread() -> None:
    """Three of them."""
    assert [outcome for outcome in Outcome if outcome.in_thread] == [Outcome.OPENED, Outcome.JOINED, Outcome.ATTACHED]


def test_kinds_of_event_have_names_of_their_own() -> None:
    """What is stored tells them apart."""
    assert len({kind.value for kind in EventKind}) == len(EventKind)


def test_identity_of_a_mail_is_all_of_its_parts() -> None:
    """Two keys are equal only when every part is."""
    key = DeliveryKey(source="box", epoch=1, uid=2, name="n")
    others = [
        attrs.evolve(key, **{name: value}) for name, value in [("source", "b"), ("epoch", 2), ("uid", 3), ("name", "")]
    ]

    assert len({key, *others, attrs.evolve(key)}) == 5


class TestContact:
    """A department."""

    @pytest.mark.parametrize(
        ("choice", "status"),
        [
            (AfterReply.CLOSE, ThreadStatus.CLOSED),
            (AfterReply.KEEP, None),
            (AfterReply.PENDING1, ThreadStatus.PENDING1),
        ],
    )
    def test_choice_after_a_reply_names_the_status(self, choice: AfterReply, status: ThreadStatus | None) -> None:
        """None keeps it."""
        assert choice.status is status

    def test_contact_that_saves_nothing_needs_an_address(self, build: Builder) -> None:
        """Otherwise its mail would be lost."""
        with pytest.raises(InvalidValue, match="addresses"):
            build.contact(saves_messages=False)
        contact = build.contact(saves_messages=False, addresses=(CUSTOMER_ADDRESS,))

        assert not contact.saves_messages

    def test_its_addresses_are_known_by_key(self, build: Builder) -> None:
        """Case does not matter, tags do."""
        contact = build.contact(addresses=(EmailAddress("Help@Shop.example"), CUSTOMER_ADDRESS))

        assert contact.has_address(EmailAddress("help@SHOP.example"))
        assert not contact.has_address(EmailAddress("help+x@shop.example"))
        assert not build.contact().has_address(CUSTOMER_ADDRESS)


class TestMessage:
    """One entry of a thread."""

    def test_note_is_never_public(self, build: Builder) -> None:
        """Staff's remarks do not leave the help desk."""
        with pytest.raises(InvalidValue, match="internal"):
            build.note(audience=Audience.PUBLIC)

        assert not build.note().is_public

    def test_texts_are_storable(self, build: Builder) -> None:
        """All of them, the author's name too; none is cut."""
        bad, good = "a\x00\ud800", "a\ufffd\ufffd"
        message = build.message(
            text=bad,
            quoted_text=bad,
            signature=bad,
            html=bad,
            subject=bad,
            author=Author(kind=AuthorKind.CUSTOMER, name=bad),
        )

        assert {
            message.text,
            message.quoted_text,
            message.signature,
            message.html,
            message.subject,
            message.author.name,
        } == {good}

    def test_what_is_absent_stays_absent(self, build: Builder) -> None:
        """No HTML and no subject is None."""
        assert (build.message().html, build.message().subject) == (None, None)

    def test_bodies_are_not_in_a_representation(self, build: Builder) -> None:
        """The HTML of a mail does not flood a log."""
        assert "<p>" not in repr(build.message(html="<p>secret</p>"))

    @pytest.mark.parametrize(
        ("fields", "counts"),
        [
            ({}, True),
            ({"author": Author.of_employee(ANNA)}, True),
            ({"automatic": True}, False),
            ({"kind": MessageKind.REPORT}, False),
            ({"audience": Audience.INTERNAL}, False),
            ({"author": Author(kind=AuthorKind.SYSTEM)}, False),
        ],
        ids=str,
    )
    def test_activity_is_a_public_message_of_a_person(
        self, build: Builder, fields: dict[str, object], counts: bool
    ) -> None:
        """Nothing else raises a thread's last activity."""
        assert build.message(**fields).counts_as_activity is counts

    @pytest.mark.parametrize("kind", [AuthorKind.CUSTOMER, AuthorKind.SYSTEM])
    def test_only_employees_have_an_employee_reference(self, kind: AuthorKind) -> None:
        """Nobody else can pass for one, and no employee is without."""
        with pytest.raises(InvalidValue, match="employee reference"):
            Author(kind=kind, employee=ANNA)
        with pytest.raises(InvalidValue, match="employee reference"):
            Author(kind=AuthorKind.EMPLOYEE)

    def test_employee_as_author(self) -> None:
        """By reference and name."""
        author = Author.of_employee(ANNA, "Anna")

        assert (author.kind, author.employee, author.name) == (AuthorKind.EMPLOYEE, ANNA, "Anna")


def test_a_contact_refuses_addresses_that_are_plain_text() -> None:
    """A text where an address is asked for is named when the contact is made, not when it is stored."""
    with pytest.raises(InvalidValue, match="EmailAddress"):
        Builder().contact(addresses=("help@shop.example",))
