"""Setting a help desk up: contacts, mailboxes and employees, each within the shops of who does it."""

import attrs
import pytest

from customerservice.application.administration import ensure_first_contacts
from customerservice.domain.actor import Actor, ShopScope
from customerservice.domain.email_address import EmailAddress
from customerservice.domain.ids import DEFAULT_SHOP, ShopId
from customerservice.domain.mailbox import AfterFetch, SecretKind, SecretRef
from customerservice.domain.references import EmployeeRef
from customerservice.errors import Conflict, InvalidMailboxName, InvalidValue, NotFound
from customerservice.testing.builders import Builder

OTHER = ShopId("another shop")
ELSEWHERE = Actor.system(ShopScope.of(OTHER))
SECRET = SecretRef(SecretKind.ENVIRONMENT, "SHOP_MAIL_PASSWORD")


def test_a_new_shop_has_two_contacts(shop):
    """Webmaster and Customer service, both saving, made once (R92)."""
    for _ in range(2):
        ensure_first_contacts(shop.context, OTHER)

    contacts = shop.desk.as_actor(ELSEWHERE).contacts.all()
    assert [(contact.name[None], contact.saves_messages) for contact in contacts] == [
        ("Webmaster", True),
        ("Customer service", True),
    ]


def test_a_shop_with_a_contact_gets_none(shop):
    """Whoever set his own up keeps just them."""
    assert list(ensure_first_contacts(shop.context, DEFAULT_SHOP)) == [shop.contact]


def test_contacts_are_listed_by_position(shop):
    """And then in the order they were made."""
    shop.desk.contacts.add("Last", position=9)
    shop.desk.contacts.add("First", position=-1)

    assert [contact.name[None] for contact in shop.desk.contacts.all()] == ["First", "Customer service", "Last"]


def test_a_contact_is_changed(shop):
    """With a new version; an older copy is a conflict."""
    changed = shop.desk.contacts.save(attrs.evolve(shop.contact, position=5))

    assert shop.desk.contacts.get(shop.contact.id) == changed
    with pytest.raises(Conflict):
        shop.desk.contacts.save(attrs.evolve(shop.contact, position=6))


def test_a_contact_that_saves_nothing_needs_an_address(shop):
    """Where should its mail go (R1)."""
    with pytest.raises(InvalidValue) as wrong:
        shop.desk.contacts.add("Privacy", saves_messages=False)

    assert wrong.value.field == "addresses"


@pytest.mark.parametrize(
    "act",
    [
        lambda desk, shop: desk.contacts.get(shop.contact.id),
        lambda desk, shop: desk.contacts.save(attrs.evolve(shop.contact, position=5)),
        lambda desk, shop: desk.contacts.save(attrs.evolve(shop.contact, shop=OTHER)),
        lambda desk, shop: desk.contacts.add("Mine"),
        lambda desk, shop: desk.mailboxes.get(shop.box.id),
        lambda desk, shop: desk.mailboxes.save(attrs.evolve(shop.box, create_threads=False)),
        lambda desk, shop: desk.mailboxes.save(attrs.evolve(shop.box, shop=OTHER)),
        lambda desk, shop: desk.mailboxes.remove(shop.box.id),
        lambda desk, shop: desk.mailboxes.was_synced(shop.box.id),
        lambda desk, shop: shop.add_box(desk),
        lambda desk, shop: desk.sync(shop.box.id, source=shop.server),
        lambda desk, shop: desk.sync(shop.box, source=shop.server),
    ],
)
def test_contacts_and_mailboxes_of_another_shop_do_not_exist(shop, act):
    """Neither to look at nor to change, to add to, to take over or to sync (R94)."""
    before = shop.desk.contacts.all(), shop.desk.mailboxes.all()

    with pytest.raises(NotFound):
        act(shop.desk.as_actor(ELSEWHERE), shop)

    assert (shop.desk.contacts.all(), shop.desk.mailboxes.all()) == before


def test_nothing_is_moved_to_a_shop_outside_the_scope(shop):
    """An employee of one shop cannot hand a mailbox or contact to another."""
    desk = shop.desk.as_actor(Actor.system(ShopScope.of(DEFAULT_SHOP)))

    with pytest.raises(NotFound):
        desk.mailboxes.save(attrs.evolve(shop.box, shop=OTHER))
    with pytest.raises(NotFound):
        desk.contacts.save(attrs.evolve(shop.contact, shop=OTHER))


def test_lists_hold_the_callers_shops_only(shop):
    """What is elsewhere is not there."""
    desk = shop.desk.as_actor(ELSEWHERE)

    assert list(desk.contacts.all()) == list(desk.mailboxes.all()) == []


# Mailboxes (R44).


@pytest.mark.parametrize(
    "name",
    [
        "{mail.shop.example:993/imap/ssl/novalidate-cert}INBOX",
        "{mail.shop.example:1993/imap/ssl}INBOX",
        "{MAIL.shop.example/imap/tls}inbox",
        "{mail.shop.example/imap/tls/norsh}",
    ],
)
def test_a_mailbox_is_found_again_whatever_flags_and_port(shop, name):
    """Service, host, user and folder find it; the flags and secret are taken over, nothing is stored again."""
    shop.receive(shop.write())
    other = SecretRef(SecretKind.FILE, "/run/secrets/mail")

    found, new = shop.desk.mailboxes.find_or_add(name, user="help@shop.example", secret=other)
    report = shop.desk.sync(found.id, source=shop.server)

    assert (found.id, new, found.secret) == (shop.box.id, False, other)
    assert str(found.options) != str(shop.box.options)
    assert found.contact_id == shop.contact.id
    assert report.fetched == 0


@pytest.mark.parametrize(
    ("name", "user"),
    [
        ("{mail.shop.example:993/imap/ssl}Sales", "help@shop.example"),
        ("{mail.shop.example:995/pop3/ssl}INBOX", "help@shop.example"),
        ("{mail2.shop.example:993/imap/ssl}INBOX", "help@shop.example"),
        ("{mail.shop.example:993/imap/ssl}INBOX", "sales@shop.example"),
    ],
)
def test_another_folder_service_host_or_user_is_another_mailbox(shop, name, user):
    """With an id and a history of its own."""
    found, new = shop.desk.mailboxes.find_or_add(name, user=user, secret=SECRET)

    assert new
    assert found.id != shop.box.id


def test_a_mailbox_found_unchanged_is_not_written(shop):
    """Its version stays."""
    found, _ = shop.desk.mailboxes.find_or_add(shop.box.options, user=shop.box.user, secret=shop.box.secret)

    assert found == shop.box


def test_what_a_mailbox_lacks_is_named_together(shop):
    """Before any connection."""
    with pytest.raises(InvalidValue, match="user, secret"):
        shop.desk.mailboxes.find_or_add("{mail.shop.example/imap/ssl}INBOX", user="", secret=None)


def test_a_mailbox_string_that_contradicts_itself_is_refused(shop):
    """Two services are none."""
    with pytest.raises(InvalidMailboxName):
        shop.desk.mailboxes.find_or_add("{mail.shop.example/imap/pop3}INBOX", user="a", secret=SECRET)


def test_a_mailbox_is_changed_and_removed(shop):
    """Its mails and threads stay."""
    thread = shop.open_thread()
    shop.desk.mailboxes.save(attrs.evolve(shop.desk.mailboxes.get(shop.box.id), after_fetch=AfterFetch.parse("seen")))

    shop.desk.mailboxes.remove(shop.box.id)

    assert list(shop.desk.mailboxes.all()) == []
    assert shop.thread(thread.id) == thread


def test_an_unknown_mailbox_does_not_exist(shop):
    """An id nobody gave."""
    with pytest.raises(NotFound):
        shop.desk.mailboxes.get(Builder().mailbox().id)


def test_a_mailbox_tells_whether_it_was_synced(shop):
    """Then no choice of a beginning is asked for any more (R27)."""
    before = shop.desk.mailboxes.was_synced(shop.box.id)
    shop.sync()

    assert (before, shop.desk.mailboxes.was_synced(shop.box.id)) == (False, True)


def test_a_first_pass_that_broke_has_chosen_its_beginning(shop):
    """From then on the choice stands, although the pass never succeeded."""
    shop.arrive(shop.write())
    shop.server.fail_next("fetch")
    with pytest.raises(Exception, match="told to fail"):
        shop.sync()

    assert shop.desk.mailboxes.was_synced(shop.box.id)


# Employees.


def test_employees_are_put_and_listed_by_name(shop):
    """The same reference is replaced."""
    shop.desk.employees.put(EmployeeRef("zoe"), name="Aaron", email=EmailAddress("aaron@shop.example"))
    shop.desk.employees.put(EmployeeRef("anna"), name="Zoe")

    assert [(employee.ref.id, employee.name) for employee in shop.desk.employees.all()] == [
        ("zoe", "Aaron"),
        ("anna", "Zoe"),
    ]
