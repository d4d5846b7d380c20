"""Mail that did not become a thread by itself: listed, shown, opened, joined, ignored, read again."""

import datetime as dt

import attrs
import pytest

from customerservice.application.context import read_mail
from customerservice.application.mail_review import reconsider_not_ours
from customerservice.domain.actor import Actor, ShopScope
from customerservice.domain.email_address import EmailAddress
from customerservice.domain.events import EventKind
from customerservice.domain.ids import ShopId
from customerservice.domain.mailbox import AfterFetch, FirstSync
from customerservice.domain.outcome import Outcome
from customerservice.domain.status import ThreadStatus
from customerservice.errors import NotFound, Refused, StoredBytesLost
from customerservice.mail.received import MailKind
from customerservice.ports.storage import DeliveryFilter
from customerservice.testing.builders import Builder

EVE = "Eve <eve@elsewhere.example>"
ELSEWHERE = ShopScope.of(ShopId("another shop"))
NEWS = ("List-Id: <news.elsewhere.example>",)


def id_of(raw):
    return raw.partition(b"Message-ID: <")[2].partition(b">")[0].decode()


@pytest.fixture
def thread(shop):
    """A thread that was answered."""
    thread = shop.open_thread()
    shop.answered(thread)
    return shop.thread(thread.id)


@pytest.fixture
def held(shop, thread):
    """A mail of a stranger who names our answer."""
    (delivery,) = shop.receive(shop.write("Let me in", sender=EVE, in_reply_to=id_of(shop.sender.sent[0].raw)))
    assert delivery.outcome is Outcome.HELD
    return delivery


def test_mail_is_listed_newest_first_by_page(shop):
    """Each page goes on where the one before ended."""
    shop.receive(*(shop.write(f"mail {number}", subject=f"{number}") for number in range(5)))

    first = shop.desk.mail.page(limit=3)
    second = shop.desk.mail.page(after=first.next, limit=3)

    assert [mail.subject for mail in (*first.items, *second.items)] == ["4", "3", "2", "1", "0"]
    assert second.next is None


def test_mail_is_listed_by_outcome(shop, held):
    """What waits for a person can be seen alone."""
    page = shop.desk.mail.page(DeliveryFilter(outcomes=frozenset({Outcome.HELD})))

    assert page.items == (held,)


def test_a_held_mail_is_opened_by_hand(shop, held):
    """It becomes a thread of its own, with who decided."""
    opened = shop.anna.mail.open(held.id)

    thread = shop.thread(opened.thread_id)
    assert (opened.outcome, opened.decision.rule) == (Outcome.OPENED, "by hand")
    assert thread.address == EmailAddress("eve@elsewhere.example")
    assert shop.anna.threads.view(thread.id).history[0].actor == "employee:anna"


def test_joining_a_held_mail_admits_its_sender(shop, thread, held):
    """From then on the stranger takes part: her next mail joins by itself (R18)."""
    joined = shop.anna.mail.join(held.id, thread.id)
    (next_mail,) = shop.receive(shop.write("Thank you", sender=EVE, in_reply_to=id_of(shop.sender.sent[0].raw)))

    assert (joined.outcome, joined.thread_id) == (Outcome.JOINED, thread.id)
    assert shop.thread(thread.id).has_participant(EmailAddress("eve@elsewhere.example"))
    assert next_mail.outcome is Outcome.JOINED
    assert EventKind.PARTICIPANT_ADDED in [event.kind for event in shop.desk.threads.view(thread.id).history]


def test_joining_leaves_the_address_of_the_thread(shop, thread, held):
    """Answers still go to the customer."""
    shop.anna.mail.join(held.id, thread.id)

    assert shop.thread(thread.id).address == EmailAddress("maria@customer.example")


def test_joining_reopens_the_thread(shop, thread, held):
    """It is a customer's mail now (R33)."""
    assert thread.status is ThreadStatus.CLOSED

    shop.anna.mail.join(held.id, thread.id)

    assert shop.thread(thread.id).status is ThreadStatus.OPEN


def test_joining_a_mail_of_somebody_who_takes_part_admits_nobody(shop, thread):
    """Her own mail that was held for another reason just joins."""
    (held,) = shop.receive(shop.write("News", headers=NEWS))

    shop.anna.mail.join(held.id, thread.id)

    assert shop.thread(thread.id).participants == thread.participants


def test_joining_a_mail_without_from_admits_nobody(shop, thread):
    """There is nobody to admit."""
    (held,) = shop.receive(shop.write("Hello", sender=None, in_reply_to=id_of(shop.sender.sent[0].raw)))

    joined = shop.anna.mail.join(held.id, thread.id)

    assert joined.outcome is Outcome.JOINED
    assert shop.thread(thread.id).participants == thread.participants


def test_joining_gives_a_thread_without_address_one(shop):
    """A thread that nobody could be answered in can be, when a person puts somebody's mail into it (R24)."""
    thread = shop.open_thread(shop.write("Help", sender=None))
    (held,) = shop.receive(shop.write("It was me", headers=NEWS))

    shop.anna.mail.join(held.id, thread.id)

    assert shop.thread(thread.id).address == EmailAddress("maria@customer.example")


def test_a_held_mail_is_ignored_by_hand(shop, held):
    """It stays stored, says by whom, and can be opened later."""
    ignored = shop.anna.mail.ignore(held.id)
    later = shop.anna.mail.open(held.id)

    assert (ignored.outcome, ignored.decision.reason) == (Outcome.IGNORED, "employee:anna ignored it")
    assert later.outcome is Outcome.OPENED


@pytest.mark.parametrize("outcome", [Outcome.IGNORED, Outcome.DUPLICATE, Outcome.QUARANTINED])
def test_whatever_is_in_no_thread_can_be_opened(shop, outcome):
    """Automatic mail, duplicates and even an empty mail become threads if a person wants it (R37)."""
    raws = {
        Outcome.IGNORED: [shop.write("I am away", headers=("Auto-Submitted: auto-replied",))],
        Outcome.DUPLICATE: [shop.write(), shop.write()],
        Outcome.QUARANTINED: [b""],
    }[outcome]
    delivery = shop.receive(*raws)[-1]
    assert delivery.outcome is outcome

    assert shop.desk.mail.open(delivery.id).outcome is Outcome.OPENED


@pytest.mark.parametrize("act", ["open", "join", "ignore"])
def test_a_mail_in_a_thread_stays_there(shop, thread, act):
    """Nothing is done to it by hand, and nothing changes."""
    delivery = shop.mails()[0]
    arguments = (delivery.id, thread.id) if act == "join" else (delivery.id,)

    with pytest.raises(Refused) as refused:
        getattr(shop.anna.mail, act)(*arguments)

    assert refused.value.rule == "in-thread"
    assert shop.mails()[0] == delivery


@pytest.mark.parametrize("act", ["open", "join", "reread"])
def test_a_mail_whose_bytes_are_not_kept_cannot_be_taken_up(make_shop, act):
    """What was too large was never fetched."""
    shop = make_shop(size_limit=1_000)
    thread = shop.open_thread()
    (large,) = shop.receive(shop.write("x" * 2_000))

    with pytest.raises(Refused) as refused:
        getattr(shop.anna.mail, act)(*((large.id, thread.id) if act == "join" else (large.id,)))

    assert refused.value.rule == "no-bytes"
    with pytest.raises(StoredBytesLost):
        shop.desk.mail.raw(large.id)


@pytest.mark.parametrize("act", ["get", "raw", "open", "join", "ignore", "reread"])
def test_mail_of_another_shop_does_not_exist(shop, thread, held, act):
    """Whatever is asked for or done, the answer is that there is no such mail."""
    elsewhere = shop.desk.as_actor(Actor.system(ELSEWHERE)).mail

    with pytest.raises(NotFound):
        getattr(elsewhere, act)(*((held.id, thread.id) if act == "join" else (held.id,)))

    assert shop.desk.mail.get(held.id) == held
    assert elsewhere.page().items == ()


def test_mail_is_not_joined_to_a_thread_of_another_shop(shop, held):
    """Not even by somebody who works for both."""
    other = type(shop.desk)(shop.context, shop="other")
    foreign_box, _ = shop.add_box(other, "Other", contact_id=None)
    shop.server.remove(min(shop.server.mails))
    other.sync(foreign_box.id, source=shop.server)
    foreign = next(thread for thread in shop.threads() if thread.shop == "other")

    with pytest.raises(NotFound):
        shop.desk.mail.join(held.id, foreign.id)

    assert shop.thread(foreign.id).messages == 1


def test_an_unknown_mail_does_not_exist(shop):
    """An id nobody gave."""
    with pytest.raises(NotFound):
        shop.desk.mail.get(Builder().delivery().id)


def test_mail_is_found_by_key_and_message_id(shop):
    """Each within the shops of who asks (R46)."""
    (delivery,) = shop.receive(shop.write(message_id="1@customer.example"))

    elsewhere = shop.desk.as_actor(Actor.system(ELSEWHERE)).mail
    assert shop.desk.mail.find(key=delivery.key) == [delivery]
    assert shop.desk.mail.find(header_id="1@customer.example") == [delivery]
    assert elsewhere.find(key=delivery.key) == elsewhere.find(header_id="1@customer.example") == []


# Reading again (R46).


def test_reading_again_says_what_would_change_and_changes_nothing(shop):
    """A rule of today lets in what was held; until it is applied everything stays."""
    (news,) = shop.receive(shop.write("News", headers=("List-Id: <sales.shop.example>",)))
    shop.desk.contacts.add("Sales", addresses=[EmailAddress("sales@shop.example")])
    before = shop.mails(), shop.threads(), shop.desk.statistics()

    read = shop.desk.mail.reread(news.id)

    assert read.differs
    assert (read.before.outcome, read.after.outcome) == (Outcome.HELD, Outcome.OPENED)
    assert (shop.mails(), shop.threads(), shop.desk.statistics()) == before


def test_reading_again_applies_what_is_chosen(shop):
    """Then the mail becomes what it would be today."""
    (news,) = shop.receive(shop.write("News", headers=("List-Id: <sales.shop.example>",)))
    shop.desk.contacts.add("Sales", addresses=[EmailAddress("sales@shop.example")])

    read = shop.desk.mail.reread(news.id, apply=True)

    assert shop.desk.mail.get(news.id) == read.after
    assert len(shop.threads()) == 1


def test_reading_again_with_the_same_rules_differs_in_nothing(shop, held):
    """The same mail, the same decision."""
    read = shop.desk.mail.reread(held.id)

    assert not read.differs


def test_reading_again_uses_the_settings_of_the_mailbox(make_shop):
    """The authentication server that is believed belongs to the mailbox the mail came by."""
    shop = make_shop(authserv_id="mx.shop.example")
    thread = shop.open_thread()
    shop.answered(thread)
    failed = ("Authentication-Results: mx.shop.example; dmarc=fail",)
    (held,) = shop.receive(shop.write("Forged?", in_reply_to=id_of(shop.sender.sent[0].raw), headers=failed))
    assert held.outcome is Outcome.HELD

    shop.configure(authserv_id=None)

    assert shop.desk.mail.reread(held.id).after.outcome is Outcome.JOINED


def test_reading_again_works_when_the_mailbox_is_gone(shop, held):
    """Its mails stay when a mailbox is removed."""
    shop.desk.mailboxes.remove(shop.box.id)

    assert not shop.desk.mail.reread(held.id).differs


class Readers:
    """A reader of which a test can bring out a newer version."""

    def __init__(self):
        self.newer = {}

    def __call__(self, raw):
        return attrs.evolve(read_mail(raw), **self.newer)


FILE = (
    b"From: maria@customer.example\r\nSubject: files\r\nMessage-ID: <files@customer.example>\r\n"
    b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n'
    b"--b\r\nContent-Type: text/plain\r\n\r\nSee there.\r\n"
    b'--b\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename="bill.pdf"\r\n\r\nPDF\r\n'
    b"--b--\r\n"
)


@pytest.fixture
def readers():
    """The reader of the help desk."""
    return Readers()


@pytest.fixture
def read_shop(make_shop, readers):
    """A help desk that reads with it."""
    return make_shop(reader=readers)


def test_a_newer_reading_of_a_mail_in_a_thread_is_shown_and_nothing_is_stored(read_shop, readers):
    """Its texts, kind and files are told as they were and as they would be."""
    thread = read_shop.open_thread(FILE)
    (delivery,) = read_shop.mails()
    before = read_shop.messages(thread.id), read_shop.mails()
    (file,) = read_mail(FILE).attachments
    readers.newer = {
        "new_text": "See",
        "quoted_text": "> there",
        "html": "<p>See</p>",
        "kind": MailKind.SYSTEM,
        "attachments": (attrs.evolve(file, filename="Bill.pdf"),),
    }

    read = read_shop.desk.mail.reread(delivery.id)

    changes = {change.what: (change.before.strip(), change.after) for change in read.changes}
    assert read.differs
    assert changes == {
        "kind": ("person", "system"),
        "text": ("See there.", "See"),
        "quoted text": ("", "> there"),
        "html": ("", "<p>See</p>"),
        "attachments": ("bill.pdf application/pdf 3", "Bill.pdf application/pdf 3"),
    }
    assert (read_shop.messages(thread.id), read_shop.mails()) == before


def test_a_newer_reading_of_a_mail_in_a_thread_is_stored_when_it_is_chosen(read_shop, readers):
    """The message says what is read now; where it is, its moments and its bytes stay, and so does the thread."""
    thread = read_shop.open_thread(FILE)
    (delivery,) = read_shop.mails()
    (message,) = read_shop.messages(thread.id)
    readers.newer = {"new_text": "See", "signature": "-- M", "reader_version": 99}

    read = read_shop.desk.mail.reread(delivery.id, apply=True)

    (now,) = read_shop.messages(thread.id)
    assert now == attrs.evolve(message, text="See", signature="-- M")
    assert read_shop.mails() == [read.after]
    assert (read.after.outcome, read.after.reader_version) == (Outcome.OPENED, 99)
    assert read_shop.thread(thread.id) == thread
    assert read_shop.desk.mail.raw(delivery.id) == FILE
    assert not read_shop.desk.mail.reread(delivery.id).differs


def test_files_that_are_read_otherwise_replace_the_stored_ones(read_shop, readers):
    """Equal bytes keep their id; what is no longer a file is not kept for it."""
    thread = read_shop.open_thread(FILE)
    (delivery,) = read_shop.mails()
    (before,) = read_shop.messages(thread.id)[0].attachments
    (file,) = read_mail(FILE).attachments
    readers.newer = {"attachments": (attrs.evolve(file, content=b"more"), file)}

    read_shop.desk.mail.reread(delivery.id, apply=True)
    more, same = read_shop.messages(thread.id)[0].attachments
    readers.newer = {"attachments": ()}
    read_shop.desk.mail.reread(delivery.id, apply=True)

    assert same == before
    assert more.size == 4
    assert read_shop.messages(thread.id)[0].attachments == ()
    with read_shop.storage.unit() as unit, pytest.raises(StoredBytesLost):
        unit.blobs.get(more.sha256)
    assert read_shop.desk.check() == []


def test_reading_a_mail_in_a_thread_again_tells_where_it_would_go_today(make_shop):
    """Policy, authentication and what a person revoked are of today; it stays where it is."""
    shop = make_shop()
    thread = shop.open_thread()
    shop.answered(thread)
    failed = ("Authentication-Results: mx.shop.example; dmarc=fail",)
    (joined,) = shop.receive(shop.write("Forged?", in_reply_to=id_of(shop.sender.sent[0].raw), headers=failed))
    assert joined.outcome is Outcome.JOINED
    shop.configure(authserv_id="mx.shop.example")

    read = shop.desk.mail.reread(joined.id, apply=True)

    assert [change.what for change in read.changes] == ["place"]
    assert read.changes[0].after.startswith("hold: ")
    assert shop.mails()[-1].thread_id == thread.id


def test_a_mail_that_opened_a_thread_would_join_another_one_today(shop):
    """It names a Message-ID that was not known when it came."""
    late = shop.write("The beginning", subject="Chair", message_id="1@customer.example")
    answer = shop.write(
        "And then", subject="Re: Chair", message_id="2@customer.example", in_reply_to="1@customer.example"
    )
    (opened,) = shop.receive(answer)
    shop.receive(late)

    read = shop.desk.mail.reread(opened.id)

    assert [(change.what, change.after[:5]) for change in read.changes] == [("place", "join:")]


def test_what_a_person_decided_about_a_mail_is_not_judged_again(shop, thread, held):
    """Also when the rules would still hold it."""
    joined = shop.anna.mail.join(held.id, thread.id)

    assert not shop.desk.mail.reread(joined.id).differs


def test_a_mail_that_opened_a_linked_thread_is_where_it_belongs(shop, thread):
    """Reading it again finds the same evidence and the same place."""
    shop.clock.advance(dt.timedelta(days=31))
    told = {"subject": "Please send a catalogue", "in_reply_to": id_of(shop.sender.sent[0].raw)}
    (opened,) = shop.receive(shop.write("Your catalogue", **told))
    assert opened.decision.linked == thread.id

    assert not shop.desk.mail.reread(opened.id).differs


def test_mail_that_an_older_reader_read_is_listed_alone(read_shop, readers):
    """So that after an upgrade nothing has to be read that was read by today's reader."""
    readers.newer = {"reader_version": 1}
    read_shop.receive(read_shop.write("one"))
    readers.newer = {"reader_version": 2}
    read_shop.receive(read_shop.write("two"))

    found = read_shop.desk.mail.page(DeliveryFilter(read_before=2)).items

    assert [mail.reader_version for mail in found] == [1]


def test_a_change_of_kind_alone_is_a_difference(read_shop, readers):
    """A mail in no thread that is a bounce today, and is still ignored, is read otherwise."""
    (away,) = read_shop.receive(read_shop.write("away", headers=("Auto-Submitted: auto-replied",)))
    readers.newer = {"kind": MailKind.BOUNCE}

    read = read_shop.desk.mail.reread(away.id)

    assert read.differs
    assert [(change.what, change.before, change.after) for change in read.changes] == [
        ("kind", "auto_reply", "bounce"),
    ]


# Reconsidering what was turned away (R43).


def test_mail_that_was_turned_away_is_not_fetched_again(make_shop):
    """Later passes leave it alone, until somebody wants it."""
    shop = make_shop(create_threads=False)
    shop.receive(shop.write())
    shop.configure(create_threads=True)

    assert shop.sync().fetched == 0


def test_reconsidering_lets_the_next_pass_take_it(make_shop):
    """After the switch was turned on a run can reconsider it, and tells the server then."""
    shop = make_shop(create_threads=False, after_fetch=AfterFetch.parse("seen"))
    shop.arrive(shop.write("one"), shop.write("two"))
    shop.sync()
    shop.configure(create_threads=True)

    forgotten = shop.desk.mailboxes.reconsider_not_ours(shop.box.id)
    shop.arrive(shop.write("three"))
    report = shop.sync()

    assert (forgotten, report.created_threads) == (2, 3)
    assert all(mail.seen for mail in shop.server.mails.values())


def test_reconsidering_takes_nothing_from_before_the_beginning(make_shop):
    """Mail that was there before a first pass from now is still not wanted."""
    shop = make_shop(create_threads=False, first_sync=FirstSync())
    shop.arrive(shop.write("before"))
    shop.sync()
    shop.arrive(shop.write("turned away"))
    shop.sync()
    shop.configure(create_threads=True)

    shop.desk.mailboxes.reconsider_not_ours(shop.box.id)
    report = shop.sync()

    assert report.created_threads == 1


def test_reconsidering_where_nothing_was_turned_away_does_nothing(shop):
    """Neither before the first pass nor after it."""
    before = shop.desk.mailboxes.reconsider_not_ours(shop.box.id)
    shop.receive(shop.write())

    assert (before, shop.desk.mailboxes.reconsider_not_ours(shop.box.id)) == (0, 0)
    assert shop.sync().fetched == 0


def test_reconsidering_looks_at_all_that_was_turned_away(make_shop):
    """However many pages they are, of this numbering and those before."""
    shop = make_shop(create_threads=False)
    shop.arrive(*(shop.write(f"mail {number}") for number in range(510)))
    shop.sync()
    shop.configure(create_threads=True)

    shop.desk.mailboxes.reconsider_not_ours(shop.box.id)

    assert shop.sync().created_threads == 510


def test_a_mailbox_of_another_shop_is_not_reconsidered(shop):
    """For them it does not exist."""
    elsewhere = Actor.system(ELSEWHERE)

    with pytest.raises(NotFound):
        reconsider_not_ours(shop.context, elsewhere, shop.box.id)
    with pytest.raises(NotFound):
        reconsider_not_ours(shop.context, Actor.system(), Builder().mailbox().id)


def test_a_decision_by_hand_is_told_to_the_server_at_the_next_pass(make_shop):
    """A mail that was held and is still owed to the server stays owed after somebody decided."""
    shop = make_shop(after_fetch=AfterFetch.parse("seen"))
    shop.server.read_only = True
    (news,) = shop.receive(shop.write("News", headers=NEWS))
    opened = shop.desk.mail.open(news.id)
    shop.server.read_only = False

    shop.sync()

    assert opened.acknowledge
    assert attrs.asdict(shop.server.mails[1])["seen"]
