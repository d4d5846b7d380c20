"""The settings file of the command line."""

import datetime as dt
from pathlib import Path

import pytest

from customerservice.adapters.settings import Settings, load_settings
from customerservice.domain.contact import AfterReply
from customerservice.domain.mailbox import AfterFetch, FirstSync, SecretKind, SecretRef
from customerservice.errors import InvalidValue

MAILBOX = '[[mailboxes]]\nmailbox = "{mail.example/imap/ssl}INBOX"\n'


def load(folder: Path, text: str | bytes) -> Settings:
    path = folder / "desk.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_settings(path)


def test_an_empty_file_says_nothing(tmp_path: Path) -> None:
    """Everything may be left out."""
    assert load(tmp_path, "") == Settings()


def test_everything_can_be_said(tmp_path: Path) -> None:
    """Each setting becomes the domain's own value; hyphens and underscores mean the same."""
    settings = load(
        tmp_path,
        """
        database = "sqlite:///mine.db"
        key-file = "keys"
        sender = "help@shop.example"
        authserv_id = "mx.shop.example"

        [smtp]
        url = "smtp://mail.shop.example"
        user = "help"
        oauth-token-file = "token"

        [[contacts]]
        name = {en = "Orders", pt-BR = "Pedidos"}
        addresses = ["orders@shop.example"]
        saves-messages = false
        after-reply = "keep"

        [[mailboxes]]
        mailbox = "{mail.example/imap/ssl/user=help}INBOX"
        password-file = "secret"
        contact = "Orders"
        after-fetch = "move:Done"
        since = 2026-01-31
        create-threads = false
        allow-clear-text = true
        size-limit = 1000
        form-senders = ["form@shop.example"]
        authserv-id = "mx.mail.example"
        """,
    )
    (contact,), (mailbox,) = settings.contacts, settings.mailboxes

    assert (settings.database, settings.key_file, settings.authserv_id) == (
        "sqlite:///mine.db",
        Path("keys"),
        "mx.shop.example",
    )
    assert str(settings.sender) == "help@shop.example"
    assert settings.smtp is not None
    assert settings.smtp.secret == SecretRef(SecretKind.FILE, "token", oauth=True)
    assert (contact.name["pt-BR"], contact.saves_messages, contact.after_reply) == ("Pedidos", False, AfterReply.KEEP)
    assert (mailbox.user, mailbox.secret) == ("help", SecretRef(SecretKind.FILE, "secret"))
    assert mailbox.since == FirstSync(since=dt.date(2026, 1, 31))
    assert mailbox.after_fetch == AfterFetch.parse("move:Done")
    assert (mailbox.create_threads, mailbox.allow_clear_text, mailbox.size_limit) == (False, True, 1000)
    assert [str(one) for one in mailbox.form_senders] == ["form@shop.example"]


def test_a_start_can_be_a_word(tmp_path: Path) -> None:
    """``now`` and ``all`` are choices beside a day."""
    settings = load(tmp_path, MAILBOX + 'user = "u"\npassword_env = "X"\nsince = "all"')

    assert settings.mailboxes[0].since == FirstSync(everything=True)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("database = 5", "$.database: expected a text"),
        ("colour = 1", "$: unknown: colour"),
        ('sender = "nobody"', "$.sender: not a plain"),
        ("smtp = 1", "$.smtp: expected a table"),
        ("[smtp]", "$.smtp.url: missing"),
        ('[smtp]\nurl = "smtp://x"\nuser = "u"', "$.smtp: a user and a secret"),
        ('contacts = "x"', "$.contacts: expected a list"),
        ("contacts = [1]", "$.contacts[0]: expected a table"),
        ('[[contacts]]\nname = ""', "$.contacts[0].name: en: must be one line"),
        ("[[contacts]]\nname = {en = 1}", "$.contacts[0].name: expected a text"),
        ('[[contacts]]\nname = "x"\naddresses = "a@b.example"', "$.contacts[0].addresses: expected a list"),
        ('[[contacts]]\nname = "x"\nafter-reply = "burn"', "$.contacts[0].after_reply: 'burn' is not one of"),
        ('[[contacts]]\nname = "x"\nsaves-messages = 1', "$.contacts[0].saves_messages: expected true or false"),
        ('[[mailboxes]]\nmailbox = "{}"\n', "$.mailboxes[0].mailbox: host: missing"),
        (MAILBOX + "size-limit = true", "$.mailboxes[0].size_limit: expected a whole number"),
        (MAILBOX + 'since = "May"', "$.mailboxes[0].since: 'May' is not one of"),
        (MAILBOX + 'password = "hunter2"', "$.mailboxes[0]: unknown: password"),
        (MAILBOX, "$.mailboxes[0]: user is missing"),
        (MAILBOX + 'user = "u"', "$.mailboxes[0]: name one of password_env"),
        (MAILBOX + 'user = "u"\npassword_env = "A"\npassword_file = "B"', "$.mailboxes[0]: name one of"),
        (MAILBOX.replace("/ssl", "/ssl/tls") + 'user = "u"\npassword_env = "A"', "$.mailboxes[0]: mailbox string"),
        (MAILBOX + 'user = "u"\npassword_env = "A"\ncontact = 1', "$.mailboxes[0].contact"),
    ],
)
def test_each_fault_is_placed(tmp_path: Path, text: str, place: str) -> None:
    """What is wrong is named by its path in the file; no secret that stands there is repeated."""
    with pytest.raises(InvalidValue) as caught:
        load(tmp_path, text)

    assert place in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_all_faults_come_at_once(tmp_path: Path) -> None:
    """Several wrong places are told together."""
    with pytest.raises(InvalidValue, match=r"\$\.database.*; .*\$\.sender"):
        load(tmp_path, "database = 1\nsender = 1")


@pytest.mark.parametrize("text", ["a = ", b"a = '\xff'", b"#" * 1_100_000], ids=["toml", "utf-8", "size"])
def test_what_is_no_settings_file_is_refused(tmp_path: Path, text: str | bytes) -> None:
    """Neither TOML nor UTF-8, or far too large."""
    with pytest.raises(InvalidValue, match=r"desk\.toml is"):
        load(tmp_path, text)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """A file that cannot be read is told with the reason."""
    with pytest.raises(InvalidValue, match=r"nowhere\.toml cannot be read: No such file"):
        load_settings(tmp_path / "nowhere.toml")
