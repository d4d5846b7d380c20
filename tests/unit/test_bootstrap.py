"""The composition root: a help desk in memory, in a database, within a host's transaction; and what it hands on."""

import datetime as dt
import stat
import subprocess
import sys
from pathlib import Path

import attrs
import pytest
import sqlalchemy as sa

from customerservice.adapters.storage.memory import MemoryStorage
from customerservice.adapters.transports.imap import ImapSource
from customerservice.adapters.transports.memory import MemoryMailbox, MemorySender
from customerservice.adapters.transports.pop3 import Pop3Source
from customerservice.application.contact_form import FormMessage
from customerservice.application.context import DeskContext, DeskSettings
from customerservice.application.mailbox_sync import SyncBounds
from customerservice.application.replying import FileToSend
from customerservice.bootstrap import HelpDesk, database_file, mail_source
from customerservice.domain.actor import Actor, ShopScope
from customerservice.domain.contact import AfterReply
from customerservice.domain.email_address import EmailAddress
from customerservice.domain.ids import ShopId
from customerservice.domain.imap_options import ImapOptions
from customerservice.domain.mailbox import SecretKind, SecretRef
from customerservice.domain.outcome import Outcome
from customerservice.domain.references import EmployeeRef, OrderRef
from customerservice.domain.status import ThreadStatus
from customerservice.domain.wording import Wording
from customerservice.errors import (
    InvalidMailboxName,
    InvalidValue,
    NotFound,
    OwnTransactionNeeded,
    SigningKeyNeeded,
    StorageUnavailable,
)
from customerservice.mail.tokens import ReplyKeys
from customerservice.testing.builders import Builder
from customerservice.testing.clock import BEGINNING, CountingIdFactory, ToldClock

KEY = b"a key for the tests of the front door"
ANNA = EmployeeRef("anna")
MAIL = (
    b"From: Maria <maria@customer.example>\r\nTo: help@shop.example\r\nMessage-ID: <1@customer.example>\r\n"
    b"Subject: Where is my parcel?\r\n\r\nWhere is it?\r\n"
)


@pytest.fixture
def database(tmp_path):
    """The URL of an SQLite database that is not there yet."""
    return f"sqlite:///{tmp_path / 'helpdesk.db'}"


@pytest.fixture
def desk():
    """A help desk in memory."""
    with HelpDesk.in_memory(keys=[KEY], clock=ToldClock(), ids=CountingIdFactory()) as desk:
        yield desk


def form(desk, **fields):
    """What a visitor typed."""
    contact = desk.contacts.all()[0]
    told = {"key": "1", "contact_id": contact.id, "email": "maria@customer.example", "text": "Where is it?"}
    return FormMessage(**told | fields)


# In memory.


def test_a_help_desk_in_memory_is_ready(desk):
    """Two contacts, the system as actor, the default shop, nothing else (R92)."""
    assert [contact.name[None] for contact in desk.contacts.all()] == ["Webmaster", "Customer service"]
    assert (desk.actor, desk.shop, desk.statistics().threads) == (Actor.system(), "default", 0)
    assert desk.settings == DeskSettings()
    assert isinstance(desk.storage, MemoryStorage)


def test_a_help_desk_in_memory_signs_with_a_key_of_its_own():
    """Each has another, so that a token of one is worthless in the other."""
    keys = [HelpDesk.in_memory()._context.signing_keys.keys for _ in range(2)]

    assert keys[0] != keys[1]
    assert all(len(key) == 32 for (key,) in keys)


def test_a_help_desk_in_memory_brings_no_optional_package():
    """Neither database, migrations, IMAP client, serializer, command line nor web packages are loaded."""
    heavy = "{'sqlalchemy', 'alembic', 'imapclient', 'cattrs', 'click', 'starlette', 'flask', 'django', 'werkzeug'}"
    code = (
        "import sys; from customerservice import HelpDesk, Thread; HelpDesk.in_memory(); "
        f"print({heavy} & {{name.partition('.')[0] for name in sys.modules}})"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "set()"


# In a database.


def test_an_empty_database_gets_its_tables_contacts_and_key_file(database, tmp_path):
    """The key file lies beside it, readable by its owner only (R21)."""
    with HelpDesk.open(database) as desk:
        contacts = desk.contacts.all()
        desk.submit_form(form(desk))

    key_file = tmp_path / "helpdesk.db.key"
    assert len(contacts) == 2
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600


def test_what_was_stored_is_there_when_it_is_opened_again(database):
    """With the same key, so that tokens given out stay good."""
    keys = []
    for _ in range(2):
        with HelpDesk.open(database) as desk:
            desk.submit_form(form(desk))
            keys.append(desk._context.signing_keys)
            threads = desk.threads.page().items

    assert len(threads) == 1
    assert keys[0] == keys[1]


def test_keys_that_are_given_need_no_file(database, tmp_path):
    """A host that keeps its keys elsewhere gets none beside the database."""
    with HelpDesk.open(database, keys=[KEY]) as desk:
        assert desk._context.keys == ReplyKeys((KEY,))

    assert list(tmp_path.glob("*.key")) == []


def test_without_create_nothing_is_made(database, tmp_path):
    """Reading a database that is not there is an error, and leaves no file."""
    with pytest.raises(StorageUnavailable):
        HelpDesk.open(database, create=False)

    assert list(tmp_path.iterdir()) == []


def test_without_create_an_existing_key_file_is_used_and_none_is_made(database, tmp_path):
    """A desk that may answer can; one whose key was kept elsewhere asks for it."""
    with HelpDesk.open(database) as desk:
        keys = desk._context.keys
    with HelpDesk.open(database, create=False) as desk:
        assert desk._context.keys == keys
    (tmp_path / "helpdesk.db.key").unlink()

    with HelpDesk.open(database, create=False) as desk:
        assert desk._context.keys is None
    assert list(tmp_path.glob("*.key")) == []


def test_a_key_file_that_holds_no_key_is_an_error(database, tmp_path):
    """Nothing is opened with a broken key, and the database is let go."""
    (tmp_path / "helpdesk.db.key").write_text("not a key\n")

    with pytest.raises((InvalidValue, SigningKeyNeeded)):
        HelpDesk.open(database)

    assert not list(tmp_path.glob("*.db-wal"))


def test_mails_and_files_can_lie_in_a_folder(database, tmp_path):
    """Rather than in the database."""
    folder = tmp_path / "blobs"
    (tmp_path / "1.eml").write_bytes(MAIL)

    with HelpDesk.open(database, blob_folder=folder) as desk:
        desk.ingest([tmp_path / "1.eml"])
        (mail,) = desk.mail.page().items

        assert desk.mail.raw(mail.id) == MAIL
    assert any(path.is_file() for path in folder.rglob("*"))


@pytest.mark.parametrize(
    ("url", "file"),
    [
        ("sqlite:////var/lib/helpdesk.db", Path("/var/lib/helpdesk.db")),
        ("postgresql://desk@db.shop.example/desk", None),
        ("mysql://desk@db.shop.example/desk", None),
    ],
)
def test_only_sqlite_has_a_file(url, file):
    """Keys beside a database server have no place."""
    assert database_file(url) == file


def test_a_relative_database_counts_from_the_working_directory():
    """As a path of a command line does."""
    assert database_file("sqlite:///helpdesk.db") == Path.cwd() / "helpdesk.db"


# Within a host's transaction.


def test_a_joined_desk_commits_nothing_itself(database):
    """What it stored is there when the host commits, and gone when the host does not."""
    HelpDesk.open(database, keys=[KEY]).close()
    engine = sa.create_engine(database)
    counts = []
    for commits in (False, True):
        with engine.connect() as connection:
            desk = HelpDesk.join(connection, keys=[KEY])
            desk.submit_form(form(desk))
            if commits:
                connection.commit()
        with engine.connect() as connection:
            counts.append(HelpDesk.join(connection).statistics().threads)
    engine.dispose()

    assert counts == [0, 1]


def test_a_joined_desk_has_no_work_that_commits(database, tmp_path):
    """Neither passes over mailboxes and files, nor sending."""
    with HelpDesk.open(database, keys=[KEY]) as opened:
        box, _ = opened.mailboxes.find_or_add(
            "{mail.shop.example/imap/ssl}INBOX", user="a", secret=SecretRef(SecretKind.ENVIRONMENT, "A")
        )
    engine = sa.create_engine(database)
    with engine.connect() as connection:
        desk = HelpDesk.join(connection)
        with pytest.raises(OwnTransactionNeeded):
            desk.sync(box.id, source=MemoryMailbox())
        with pytest.raises(OwnTransactionNeeded):
            desk.ingest([tmp_path])
        with pytest.raises(OwnTransactionNeeded):
            desk.deliver(MemorySender())
    engine.dispose()


# One desk for one actor.


def test_a_desk_for_an_employee_shares_everything(desk):
    """Only who acts is different; close is the first one's."""
    anna = desk.as_employee(ANNA)

    assert anna.actor == Actor.of_employee(ANNA)
    assert (anna.storage, anna.settings, anna.shop) == (desk.storage, desk.settings, desk.shop)


def test_a_desk_can_act_for_anybody(desk):
    """A customer who is logged in, a guest, the system within a shop."""
    guest = Actor.of_customer(None)

    assert desk.as_actor(guest).actor == guest


def test_a_contact_is_changed_through_the_front_door(desk):
    """Read, changed, stored with a new version."""
    contact = desk.contacts.all()[0]

    saved = desk.contacts.save(attrs.evolve(contact, position=9))

    assert desk.contacts.get(contact.id) == saved


def test_a_desk_for_an_employee_is_within_shops(desk):
    """What is elsewhere does not exist for him (R94)."""
    thread = desk.submit_form(form(desk)).thread
    elsewhere = desk.as_employee(ANNA, scope=ShopScope.of(ShopId("another shop")))

    with pytest.raises(NotFound):
        elsewhere.threads.view(thread.id)


def test_registered_callables_serve_the_desks_of_all_actors(database):
    """A secret of kind callable is found by an employee's desk too."""
    asked = []
    with HelpDesk.open(database, keys=[KEY], secret_callables={"vault": lambda: asked.append(1) or "secret"}) as desk:
        box, _ = desk.mailboxes.find_or_add(
            "{127.0.0.1:1/imap/notls}INBOX", user="a", secret=SecretRef(SecretKind.CALLABLE, "vault")
        )
        with pytest.raises(Exception, match=r"127\.0\.0\.1"):
            desk.as_employee(ANNA).sync(box)

    assert asked == [1]


# What the front door hands on.


def test_the_day_of_an_employee(desk):
    """From a form to a closed thread, every call through the front door."""
    contact = desk.contacts.add(
        Wording.of(en="Sales", de="Verkauf"),
        addresses=[EmailAddress("sales@shop.example")],
        description=Wording.of(en="Before you buy"),
        position=7,
        after_reply=AfterReply.KEEP,
    )
    desk.employees.put(ANNA, name="Anna", email=EmailAddress("anna@shop.example"))
    anna = desk.as_employee(ANNA)
    thread = desk.submit_form(form(desk, contact_id=contact.id, subject="Size 42?")).thread

    anna.note(thread.id, "ask the warehouse")
    anna.threads.assign(thread.id, ANNA)
    anna.threads.link_order(thread.id, OrderRef("4711"))
    replied = anna.reply(
        thread.id,
        text="Yes.",
        html="<p>Yes.</p>",
        files=[FileToSend(filename="size.txt", media_type="text/plain", content=b"42")],
        cc=[EmailAddress("cc@customer.example")],
        bcc=[EmailAddress("bcc@customer.example")],
        seen_version=anna.threads.by_number(thread.number).version,
    )
    sender = MemorySender()
    report = desk.deliver(sender, limit=5)
    anna.threads.set_status(thread.id, ThreadStatus.CLOSED)
    anna.threads.revoke_reply_tokens(thread.id)

    view = anna.threads.view(thread.id)
    assert report.sent == 1
    assert [str(one) for one in sender.sent[0].recipients] == [
        "maria@customer.example",
        "cc@customer.example",
        "bcc@customer.example",
    ]
    assert view.thread.status is ThreadStatus.CLOSED
    assert view.thread.generation == 2
    assert view.contact == contact
    assert replied.message.attachments[0].filename == "size.txt"
    assert anna.statistics(contact_id=contact.id, since=BEGINNING.date()).closed == 1
    assert anna.threads.page(limit=1).items[0].id == thread.id
    assert next(iter(anna.employees.all())).email == EmailAddress("anna@shop.example")
    assert list(desk.check()) == []


def test_mail_through_the_front_door(desk, tmp_path):
    """From files and a mailbox; looked at, decided about, read again."""
    path = tmp_path / "1.eml"
    path.write_bytes(MAIL)
    server = MemoryMailbox()
    news = (
        MAIL.replace(b"<1@", b"<2@")
        .replace(b"Where is it?", b"News")
        .replace(b"\r\n\r\n", b"\r\nList-Id: <n.x.example>\r\n\r\n")
    )
    for number in range(3):
        server.deliver(news.replace(b"<2@", b"<%d@" % (number + 2)), received_at=BEGINNING - dt.timedelta(days=1))
    box, _ = desk.mailboxes.find_or_add(
        ImapOptions.parse("{mail.shop.example/imap/ssl}INBOX"),
        user="help@shop.example",
        secret=SecretRef(SecretKind.ENVIRONMENT, "A"),
        first_sync=None,
    )

    first = desk.ingest([path], contact_id=desk.contacts.all()[1].id, bounds=SyncBounds(limit=1))
    again = desk.ingest([path])
    from_now = desk.sync(box, source=server)
    server.deliver(news, received_at=BEGINNING)
    held = desk.sync(box.id, source=server)

    (mail, *_) = desk.mail.page().items
    thread = desk.threads.page().items[0]
    assert (first.created_threads, again.already_known, from_now.fetched, held.held) == (1, 1, 0, 1)
    assert desk.mail.get(mail.id) == mail
    assert list(desk.mail.find(key=mail.key)) == list(desk.mail.find(header_id="2@customer.example")) == [mail]
    assert desk.mail.raw(mail.id) == news
    assert not desk.mail.reread(mail.id).differs
    assert desk.mail.ignore(mail.id).outcome is Outcome.IGNORED
    assert desk.mail.reread(mail.id, apply=True).after.outcome is Outcome.HELD
    assert desk.mail.join(mail.id, thread.id).outcome is Outcome.JOINED
    assert desk.mailboxes.was_synced(box.id)
    assert desk.mailboxes.reconsider_not_ours(box.id) == 0


def test_a_mailbox_through_the_front_door(desk):
    """Found or made, changed, listed, removed."""
    secret = SecretRef(SecretKind.ENVIRONMENT, "A")
    box, new = desk.mailboxes.find_or_add("{mail.shop.example/imap/ssl}INBOX", user="a", secret=secret)

    saved = desk.mailboxes.save(attrs.evolve(box, create_threads=False))

    assert new
    assert list(desk.mailboxes.all()) == [saved] == [desk.mailboxes.get(box.id)]
    desk.mailboxes.remove(box.id)
    assert list(desk.mailboxes.all()) == []


def test_an_opened_mail_through_the_front_door(desk, tmp_path):
    """A mail that was held becomes a thread."""
    path = tmp_path / "1.eml"
    path.write_bytes(MAIL.replace(b"\r\n\r\n", b"\r\nList-Id: <n.x.example>\r\n\r\n"))
    desk.ingest([path])
    (held,) = desk.mail.page().items

    assert desk.mail.open(held.id).outcome is Outcome.OPENED


def test_parts_of_ones_own_make_a_desk():
    """Whoever has his own storage, clock, ids and keys puts them together himself."""
    storage = MemoryStorage()

    desk = HelpDesk(DeskContext(storage=storage, clock=ToldClock(), ids=CountingIdFactory()), shop=ShopId("mine"))

    assert desk.storage is storage
    assert desk.contacts.add("Help").shop == "mine"
    with pytest.raises(SigningKeyNeeded):
        _ = desk._context.signing_keys


# Where a mailbox's mail comes from.


def box_of(name, secret, **fields):
    """A mailbox of that string and secret."""
    return Builder().mailbox(options=ImapOptions.parse(name), secret=secret, **fields)


@pytest.mark.parametrize("oauth", [False, True])
@pytest.mark.parametrize(
    ("name", "kind"),
    [("{mail.shop.example/imap/ssl}INBOX", ImapSource), ("{mail.shop.example/pop3/ssl}INBOX", Pop3Source)],
)
def test_a_mailbox_string_names_its_source(tmp_path, name, kind, oauth):
    """IMAP or POP3, with a password or a token; nothing is connected."""
    secret = tmp_path / "secret"
    secret.write_text("hunter2\n")

    source = mail_source(box_of(name, SecretRef(SecretKind.FILE, str(secret), oauth=oauth)))

    assert isinstance(source, kind)
    assert "hunter2" not in repr(source)


def test_a_password_that_cannot_be_found_is_an_error_before_any_connection():
    """It names the reference, and there is no secret to tell."""
    with pytest.raises(InvalidValue, match="NO_SUCH_VARIABLE"):
        mail_source(box_of("{mail.shop.example/imap/ssl}INBOX", SecretRef(SecretKind.ENVIRONMENT, "NO_SUCH_VARIABLE")))


def test_a_mailbox_string_that_contradicts_itself_is_refused_on_use(tmp_path):
    """Before any connection (R50)."""
    secret = SecretRef(SecretKind.FILE, str(tmp_path / "secret"))

    with pytest.raises(InvalidMailboxName):
        mail_source(box_of("{mail.shop.example/imap/ssl/tls}INBOX", secret))
