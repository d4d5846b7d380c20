"""``sync``: a mailbox taken over from the command line."""

from pathlib import Path

import pytest

from customerservice.testing.imap_server import ScriptedImapServer

KEYS = (
    "fetched stored created_threads joined_threads attached held already_known skipped quarantined "
    "removed_from_server bytes seconds mailbox errors"
).split()


def test_the_first_sync_of_a_mailbox_must_choose_where_to_start(cli, mailbox, tmp_path: Path) -> None:
    """Without --since the command ends with status 2, names the choices and makes no database."""
    ran = cli("sync", *mailbox)

    assert ran.status == 2
    assert "now" in ran.err
    assert "all" in ran.err
    assert "2026-01-31" in ran.err
    assert list(tmp_path.iterdir()) == []


def test_a_later_mailbox_must_choose_too(cli, mailbox, tmp_path: Path) -> None:
    """The choice is asked for each new mailbox, also when there is a database already."""
    cli("db", "upgrade")

    assert cli("sync", *mailbox).status == 2
    assert cli("mailbox", "list", "--json").objects == []


def test_a_sync_stores_each_mail_once(cli, mailbox) -> None:
    """A second sync needs no choice and finds nothing new."""
    first = cli("sync", *mailbox, "--since", "all", "--json")
    second = cli("sync", *mailbox, "--json")

    assert (first.status, second.status) == (0, 0)
    assert (first.object["fetched"], first.object["stored"], first.object["created_threads"]) == (2, 2, 2)
    assert (second.object["fetched"], second.object["stored"]) == (0, 0)


def test_the_report_has_the_promised_keys(cli, mailbox) -> None:
    """The JSON object of a sync has exactly the documented keys, and its outcomes add up."""
    report = cli("sync", *mailbox, "--since", "all", "--json").object
    parts = [report[name] for name in KEYS[2:7]] + [report["quarantined"], *report["skipped"].values()]

    assert sorted(report) == sorted(KEYS)
    assert report["fetched"] == sum(parts)


def test_from_now_on_takes_no_old_mail(cli, mailbox, imap: ScriptedImapServer, letter) -> None:
    """With --since now only mail that comes after the first sync is taken."""
    first = cli("sync", *mailbox, "--since", "now", "--json").object
    imap.deliver(letter(3))
    second = cli("sync", *mailbox, "--json").object

    assert (first["fetched"], second["fetched"]) == (0, 1)


def test_flags_and_port_find_the_same_mailbox_again(cli, imap: ScriptedImapServer, mailbox) -> None:
    """Service, host, user and folder find a mailbox; another flag changes it."""
    one = cli("sync", *mailbox, "--since", "all", "--json").object
    flagged = f"{{127.0.0.1:{imap.port}/notls}}INBOX"
    two = cli("sync", "--mailbox", flagged, "--user", "help", "--password-env", "MAIL_PASSWORD", "--json").object

    assert one["mailbox"] == two["mailbox"]
    assert two["fetched"] == 0
    assert (
        cli("mailbox", "show", one["mailbox"], "--json").object["mailbox"]
        == f"{{127.0.0.1:{imap.port}/imap/notls}}INBOX"
    )


def test_a_kept_mailbox_is_synced_by_its_id(cli, mailbox, imap: ScriptedImapServer, letter) -> None:
    """What was stored of it is enough to read it again."""
    box = cli("sync", *mailbox, "--since", "all", "--json").object["mailbox"]
    imap.deliver(letter(3))

    assert cli("sync", box, "--json").object["fetched"] == 1


def test_without_a_mailbox_every_one_is_synced(cli, mailbox, imap: ScriptedImapServer, letter) -> None:
    """A bare sync reads the mailboxes that are kept."""
    cli("sync", *mailbox, "--since", "all")
    imap.deliver(letter(3))
    ran = cli("sync")

    assert ran.status == 0
    assert "1 mail in" in ran.out
    assert "new threads:" in ran.out


def test_without_any_mailbox_there_is_nothing_to_sync(cli, tmp_path: Path) -> None:
    """A bare sync with no mailbox is wrong usage and says what to do."""
    ran = cli("sync")
    made = list(tmp_path.iterdir())
    cli("db", "upgrade")
    again = cli("sync")

    assert (ran.status, again.status) == (2, 2)
    assert "mailbox add" in ran.err
    assert made == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--mailbox", "{mail.example/ssl/tls}", "--user", "u", "--password-env", "X", "--since", "now"], "/tls"),
        (["--mailbox", "{mail.example:0}", "--user", "u", "--password-env", "X", "--since", "now"], "port"),
        (["--mailbox", "no string"], "must look like"),
        (["--mailbox", "{mail.example}"], "user, secret"),
        (["--mailbox", "{mail.example}", "--user", "u"], "secret"),
        (["--mailbox", "{mail.example}", "--user", "u", "--password-env", "A", "--password-file", "B"], "one of"),
        (["--user", "u"], "--mailbox"),
        (["not-an-id"], "no id"),
        (["01a2015e-fc8f-7320-b6a9-33821ac8668b", "--mailbox", "{h}"], "not both"),
        (["--mailbox", "{h}", "--since", "yesterday"], "YYYY-MM-DD"),
        (["--mailbox", "{h}", "--after-fetch", "burn"], "move:FOLDER"),
        (
            ["--mailbox", "{h/readonly}", "--user", "u", "--password-env", "X", "--after-fetch", "delete"],
            "readonly",
        ),
    ],
)
def test_wrong_usage_is_told_before_anything_is_connected_or_made(
    cli, tmp_path: Path, arguments: list[str], words: str
) -> None:
    """Arguments that cannot be meant end with status 2, say why, and leave no database."""
    ran = cli("sync", *arguments)

    assert ran.status == 2
    assert words in ran.err
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_password_is_tried_once(
    cli, mailbox, imap: ScriptedImapServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server refuses, the command ends with status 1 and one line, and does not ask again."""
    monkeypatch.setenv("MAIL_PASSWORD", "swordfish")
    ran = cli("sync", *mailbox, "--since", "all", "--json")

    assert ran.status == 1
    assert len(imap.attempts) == 1
    assert len(ran.object["errors"]) == 1
    assert ran.object["fetched"] == 0
    assert "swordfish" not in ran.out + ran.err


def test_a_missing_secret_is_named(cli, mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that is not set is wrong usage; nothing is connected."""
    monkeypatch.delenv("MAIL_PASSWORD")
    ran = cli("sync", *mailbox, "--since", "all")

    assert ran.status == 2
    assert "MAIL_PASSWORD" in ran.err


def test_the_password_can_come_from_a_file_or_standard_input(cli, imap: ScriptedImapServer, tmp_path: Path) -> None:
    """--password-file names a file; - is standard input."""
    (tmp_path / "secret").write_text("correct horse\n")
    box = ("--mailbox", f"{{127.0.0.1:{imap.port}}}INBOX", "--user", "help")
    from_file = cli("sync", *box, "--password-file", "secret", "--since", "all", "--json")
    from_input = cli("sync", *box, "--password-file", "-", "--json", stdin="correct horse\n")

    assert (from_file.status, from_input.status) == (0, 0)
    assert from_input.object["mailbox"] == from_file.object["mailbox"]


def test_an_access_token_logs_in(cli) -> None:
    """--oauth-token-env names the variable of an OAuth 2 access token."""
    with ScriptedImapServer(tokens={"help": "correct horse"}) as server:
        box = ("--mailbox", f"{{127.0.0.1:{server.port}}}INBOX", "--user", "help")
        ran = cli("sync", *box, "--oauth-token-env", "MAIL_PASSWORD", "--since", "all", "--json")

    assert ran.status == 0, ran.err
    assert server.attempts[0].mechanism in ("XOAUTH2", "OAUTHBEARER")


def test_limit_bounds_a_pass(cli, mailbox) -> None:
    """--limit takes so many mails; the next pass takes the rest."""
    first = cli("sync", *mailbox, "--since", "all", "--limit", 1, "--json").object
    second = cli("sync", *mailbox, "--json").object

    assert (first["fetched"], second["fetched"]) == (1, 1)


def test_after_fetch_counts_from_now_on(cli, mailbox, imap: ScriptedImapServer, letter) -> None:
    """A mode given later is the mailbox's from then on, and is warned about."""
    cli("sync", *mailbox, "--since", "all")
    imap.deliver(letter(3))
    ran = cli("sync", *mailbox, "--after-fetch", "delete", "--json")

    assert ran.object["removed_from_server"] == 1
    assert "other mail programs" in ran.err
    assert cli("mailbox", "list", "--json").object["after_fetch"] == "delete"


def test_the_mailboxes_of_the_settings_file_are_synced(cli, imap: ScriptedImapServer, tmp_path: Path) -> None:
    """A bare sync with a settings file makes its mailboxes and contacts, and starts where the file says."""
    (tmp_path / "desk.toml").write_text(
        f"""
        database = "sqlite:///mine.db"
        authserv-id = "mx.shop.example"
        [[contacts]]
        name = "Orders"
        addresses = ["orders@shop.example"]
        [[mailboxes]]
        mailbox = "{{127.0.0.1:{imap.port}/imap}}INBOX"
        user = "help"
        password-env = "MAIL_PASSWORD"
        contact = "orders"
        since = "all"
        after-fetch = "seen"
        """
    )
    first = cli("sync", "--config", "desk.toml", "--json")
    second = cli("sync", "--config", "desk.toml", "--json")
    box = cli("mailbox", "list", "--config", "desk.toml", "--json").object

    assert first.object["created_threads"] == 2
    assert second.object["fetched"] == 0
    assert box["authserv_id"] == "mx.shop.example"
    assert box["after_fetch"] == "seen"
    assert box["contact"] is not None
    assert (tmp_path / "mine.db").exists()
    assert all("\\Seen" in mail.flags for mail in imap.mails())


def test_a_new_mailbox_believes_the_authentication_service_of_the_settings(cli, mailbox, tmp_path: Path) -> None:
    """The authserv-id of the settings is that of every mailbox made without one of its own."""
    (tmp_path / "desk.toml").write_text('authserv_id = "mx.shop.example"')
    cli("sync", *mailbox, "--since", "all", "--config", "desk.toml")

    assert cli("mailbox", "list", "--json").object["authserv_id"] == "mx.shop.example"


def test_one_secret_is_not_for_several_mailboxes(cli, imap: ScriptedImapServer, mailbox) -> None:
    """A bare sync with a secret must say which mailbox it is for."""
    imap.folder("Other")
    cli("sync", *mailbox, "--since", "all")
    other = ("--mailbox", f"{{127.0.0.1:{imap.port}}}Other", "--user", "help", "--password-env", "MAIL_PASSWORD")
    cli("sync", *other, "--since", "all")

    assert cli("sync", "--password-env", "MAIL_PASSWORD").status == 2
    assert len(cli("sync", "--json").objects) == 2


def test_the_key_file_is_made_once_and_announced(cli, mailbox, tmp_path: Path) -> None:
    """The first command that writes makes the signing key beside an SQLite file and says so; later ones do not."""
    first = cli("sync", *mailbox, "--since", "all")
    second = cli("sync", *mailbox)

    assert "helpdesk.db.key" in first.err
    assert "helpdesk.db.key" not in second.err
    assert (tmp_path / "helpdesk.db.key").stat().st_mode & 0o777 == 0o600


def test_an_unknown_mailbox_id_is_no_work(cli, tmp_path: Path) -> None:
    """An id that no mailbox has ends with status 1."""
    ran = cli("sync", "01a2015e-fc8f-7320-b6a9-33821ac8668b")
    made = list(tmp_path.iterdir())
    cli("db", "upgrade")

    assert ran.status == 1
    assert "no mailbox" in ran.err
    assert made == []
    assert cli("sync", "01a2015e-fc8f-7320-b6a9-33821ac8668b").status == 1
