"""The commands of daily work, on an SQLite database."""

import contextlib
import io
import json
import sqlite3
from pathlib import Path
from uuid import UUID

import attrs
import pytest

from customerservice import HelpDesk
from customerservice.domain.ids import MessageId
from customerservice.testing.smtp_server import Answer, ScriptedSmtpServer

STAGES = ["resolve", "connect", "tls", "certificate", "log-in", "folder", "count"]
SOME_ID = "01a2015e-fc8f-7320-b6a9-33821ac8668b"

READING = [
    ["threads", "list"],
    ["threads", "show", "1"],
    ["mail", "list"],
    ["mail", "show", SOME_ID],
    ["outbox", "list"],
    ["mailbox", "list"],
    ["mailbox", "show", SOME_ID],
    ["stats"],
    ["db", "check"],
    ["explain", SOME_ID],
]
CHANGING = [
    ["threads", "reply", "1", "--as", "anna", "--text", "Hello"],
    ["threads", "status", "1", "closed"],
    ["mail", "join", SOME_ID, "1"],
    ["mail", "open", SOME_ID],
    ["mail", "ignore", SOME_ID],
    ["mail", "reread"],
    ["mailbox", "remove", SOME_ID],
    ["outbox", "deliver", "--smtp", "smtp://127.0.0.1:9"],
    ["outbox", "retry", SOME_ID],
]


@pytest.mark.parametrize("command", READING + CHANGING, ids=" ".join)
def test_a_command_that_cannot_start_a_database_makes_none(cli, tmp_path: Path, command: list[str]) -> None:
    """Without a database the command ends with status 1, one line says so, and nothing is made."""
    ran = cli(*command)

    assert ran.status == 1
    assert "there is no database" in ran.err
    assert ran.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", [["ingest", "1.eml"], ["db", "upgrade"]], ids=" ".join)
def test_the_first_command_that_writes_makes_the_database(cli, letter, tmp_path: Path, command: list[str]) -> None:
    """The default database is made in the working directory."""
    (tmp_path / "1.eml").write_bytes(letter())

    assert cli(*command).status == 0
    assert (tmp_path / "helpdesk.db").exists()


def test_the_database_is_that_of_the_option_else_the_environment_else_the_settings(
    cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """--db goes before CUSTOMERSERVICE_DB, which goes before the settings file."""
    (tmp_path / "desk.toml").write_text('database = "sqlite:///c.db"')
    cli("db", "upgrade", "--config", "desk.toml")
    monkeypatch.setenv("CUSTOMERSERVICE_DB", "sqlite:///b.db")
    cli("db", "upgrade", "--config", "desk.toml")
    cli("db", "upgrade", "--config", "desk.toml", "--db", "sqlite:///a.db")

    assert sorted(path.name for path in tmp_path.glob("*.db")) == ["a.db", "b.db", "c.db"]


@pytest.mark.parametrize("url", ["nonsense", "oracle://x/y", "sqlite://", "mongodb://x"])
def test_a_database_url_that_cannot_be_meant_is_wrong_usage(cli, url: str) -> None:
    """The command ends with status 2 and says what a URL looks like."""
    ran = cli("stats", "--db", url)

    assert ran.status == 2
    assert "database:" in ran.err


def test_a_file_that_is_no_database_is_told(cli, tmp_path: Path) -> None:
    """A file of another kind is an error of one line, and stays as it is."""
    (tmp_path / "helpdesk.db").write_text("nothing of the kind " * 100)
    ran = cli("stats")

    assert ran.status == 1
    assert ran.err.startswith("customerservice: error: ")
    assert ran.err.count("\n") == 1


def test_a_database_that_cannot_be_reached_shows_no_password(cli) -> None:
    """A server that does not answer is an error without the password of its URL."""
    ran = cli("stats", "--db", "postgresql://desk:hunter2@127.0.0.1:9/desk")

    assert ran.status == 1
    assert "127.0.0.1" in ran.err
    assert "hunter2" not in ran.err


def test_ingest_stores_each_mail_once(desk) -> None:
    """The same files again are already known."""
    again = desk("ingest", "1.eml", "2.eml", "3.eml", "--json").object

    assert again["stored"] == again["created_threads"] == again["held"] == 0
    assert len(desk("threads", "list", "--json").objects) == 2


def test_ingest_of_nothing_there_is_an_error(cli) -> None:
    """A path that does not exist ends with status 1 and is named."""
    ran = cli("ingest", "nowhere.eml")

    assert ran.status == 1
    assert "nowhere.eml" in ran.err


def test_ingest_can_name_the_contact(desk, letter, tmp_path: Path) -> None:
    """--contact takes the name or id of the contact for mail that names none."""
    (tmp_path / "4.eml").write_bytes(letter(4, sender="piet@customer.example"))
    desk("ingest", "4.eml", "--contact", "webmaster")

    assert len(desk("threads", "list", "--contact", "Webmaster", "--json").objects) == 1


def test_an_unknown_contact_is_refused(desk) -> None:
    """A contact that is not there ends with status 1."""
    ran = desk("ingest", "1.eml", "--contact", "Nobody")

    assert ran.status == 1
    assert "no contact Nobody" in ran.err


def test_threads_are_listed_with_the_promised_keys(desk) -> None:
    """Each line is one thread with exactly the documented keys, latest activity first."""
    listed = desk("threads", "list", "--json").objects
    keys = "id number subject status contact email customer assignee messages last_activity order language"

    assert all(sorted(one) == sorted(keys.split()) for one in listed)
    assert {one["email"] for one in listed} == {"maria@customer.example", "sara@nameh.example"}


def test_threads_are_listed_for_people(desk) -> None:
    """The table names each thread; Persian names are isolated, so that columns stay in place."""
    ran = desk("threads", "list")

    assert "Question 1" in ran.out
    assert "\u2068سارا\u2069" in ran.out


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        (["--status", "open"], 2),
        (["--status", "closed"], 0),
        (["--address", "maria@customer.example"], 1),
        (["--assignee", "anna"], 0),
        (["--unassigned"], 2),
        (["--order", "A1"], 0),
        (["--customer", "C1"], 0),
        (["--language", "de"], 0),
        (["--since", "2026-01-05"], 2),
        (["--until", "2026-01-05T09:00+00:00"], 0),
        (["--contact", "Webmaster"], 0),
    ],
)
def test_threads_can_be_filtered(desk, filters: list[str], count: int) -> None:
    """Each filter narrows the list."""
    assert len(desk("threads", "list", *filters, "--json").objects) == count


def test_a_page_tells_the_key_of_the_next(desk) -> None:
    """A list that goes on says so on standard error; --after gives the next page, --all everything."""
    first = desk("threads", "list", "--limit", 1, "--json")
    key = first.err.partition("--after ")[2].partition(",")[0]
    second = desk("threads", "list", "--limit", 1, "--after", key, "--json")
    everything = desk("threads", "list", "--limit", 1, "--all", "--json")

    assert len(first.objects) == len(second.objects) == 1
    assert first.objects + second.objects == everything.objects
    assert everything.err == ""


def test_a_key_that_is_none_is_wrong_usage(desk) -> None:
    """--after with something else ends with status 2."""
    assert desk("threads", "list", "--after", "nonsense").status == 2


def test_a_thread_is_shown_by_number_or_id(desk) -> None:
    """Both name the same thread, with the documented keys."""
    by_number = desk("threads", "show", "#1", "--json").object
    by_id = desk("threads", "show", by_number["id"], "--json").object
    message = by_number["messages"][0]

    assert by_number == by_id
    assert sorted(message) == sorted("id author audience sent_at text html attachments delivery".split())
    assert {"reply_generation", "timeline"} <= set(by_number)
    assert "Text of question" in message["text"]


def test_a_thread_is_shown_for_people(desk) -> None:
    """Its subject, state, messages and history are printed."""
    ran = desk("threads", "show", "1")

    assert "Text of question 1." in ran.out
    assert "opened (system)" in ran.out


@pytest.mark.parametrize(("thread", "status"), [("99", 1), (SOME_ID, 1), ("first", 2)])
def test_a_thread_that_is_not_there_is_told(desk, thread: str, status: int) -> None:
    """An unknown number or id is no work; a word that is neither is wrong usage."""
    assert desk("threads", "show", thread).status == status


def test_what_a_customer_writes_cannot_steer_the_terminal(desk, letter, tmp_path: Path) -> None:
    """Escape sequences in a mail are not printed."""
    raw = letter(5, sender="x@evil.example", Subject="=?utf-8?q?Hi=1B]0;owned=07?=") + b"\x1b[31mred\x1b]52;c;x\x07\r\n"
    (tmp_path / "5.eml").write_bytes(raw)
    shown = desk("inspect", "5.eml").out
    desk("ingest", "5.eml")
    listed = desk("threads", "list").out + desk("threads", "show", "3").out

    assert "\x1b" not in shown + listed
    assert "\x07" not in shown + listed
    assert "[31mred" in shown


def test_a_reply_waits_and_is_delivered(desk, smtp: ScriptedSmtpServer) -> None:
    """threads reply stores the answer, outbox deliver sends it, and the thread is closed by it."""
    replied = desk(
        "threads", "reply", 1, "--as", "anna", "--text", "It is on its way.", "--sender", "help@shop.example", "--json"
    )
    waiting = desk("threads", "show", 1, "--json").object["messages"][-1]
    delivered = desk("outbox", "deliver", "--smtp", f"smtp://127.0.0.1:{smtp.port}", "--json")
    sent = desk("threads", "show", 1, "--json").object

    assert replied.object["number"] == 1
    assert waiting["delivery"]["state"] == "waiting"
    assert delivered.object == {"sent": 1, "failed": 0, "postponed": 0, "unknown": 0, "errors": []}
    assert b"It is on its way." in smtp.accepted[0].raw
    assert (sent["status"], sent["messages"][-1]["delivery"]["state"]) == ("closed", "sent")


def test_a_reply_can_come_from_standard_input_with_files_and_copies(
    desk, smtp: ScriptedSmtpServer, tmp_path: Path
) -> None:
    """- reads the text; files, Cc and Bcc go along; --then says what becomes of the thread."""
    (tmp_path / "rechnung.pdf").write_bytes(b"%PDF-1.4")
    (tmp_path / "data.bin").write_bytes(b"\0")
    ran = desk(
        *("threads", "reply", 1, "-", "--as", "anna", "--attach", "rechnung.pdf", "--attach", "data.bin"),
        *("--cc", "boss@shop.example", "--bcc", "log@shop.example", "--then", "keep", "--sender", "help@shop.example"),
        stdin="Bitte sehr!\n",
    )
    delivered = desk("outbox", "deliver", "--smtp", f"smtp://127.0.0.1:{smtp.port}")
    accepted = smtp.accepted[0]
    thread = desk("threads", "show", 1, "--json").object
    shown = desk("threads", "show", 1).out

    assert "waits in the outbox" in ran.out
    assert delivered.out == "1 sent\n"
    assert accepted.recipients == ("maria@customer.example", "boss@shop.example", "log@shop.example")
    assert b"log@shop.example" not in accepted.raw
    assert [one["media_type"] for one in thread["messages"][-1]["attachments"]] == [
        "application/pdf",
        "application/octet-stream",
    ]
    assert thread["status"] == "open"
    assert "[rechnung.pdf, application/pdf, 8 bytes]" in shown


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["--as", "anna"], 2, "--text"),
        (["-", "--as", "anna", "--text", "x"], 2, "--text"),
        (["--text", "x"], 2, "--as"),
        (["--as", "anna", "--text", "  "], 2, "must say something"),
        (["--as", "anna", "--text", "x"], 1, "sender"),
        (["--as", "anna", "--text", "x", "--attach", "nothing.pdf"], 2, "nothing.pdf"),
        (["--as", "anna", "--text", "x", "--cc", "not an address"], 2, "address"),
        (["--as", "", "--text", "x"], 2, "reference"),
    ],
)
def test_a_reply_that_cannot_be_is_refused(desk, arguments: list[str], status: int, words: str) -> None:
    """What is missing is said, and nothing is stored."""
    ran = desk("threads", "reply", 1, *arguments)

    assert ran.status == status
    assert words in ran.err
    assert len(desk("threads", "show", 1, "--json").object["messages"]) == 1


def test_the_sender_can_come_from_the_settings(desk, tmp_path: Path) -> None:
    """Neither option nor variable are needed when the settings file names the sender."""
    (tmp_path / "desk.toml").write_text('sender = "help@shop.example"')

    assert desk("threads", "reply", 1, "--as", "anna", "--text", "Yes", "--config", "desk.toml").status == 0


def test_the_address_of_a_contact_of_the_settings_is_enough_to_answer(desk, tmp_path: Path) -> None:
    """Contacts of the settings bring their addresses to the stored ones of that name."""
    (tmp_path / "desk.toml").write_text(
        '[[contacts]]\nname = "Webmaster"\naddresses = ["web@shop.example"]\n[[contacts]]\nname = "New"\n'
    )
    (tmp_path / "6.eml").write_bytes((tmp_path / "1.eml").read_bytes().replace(b"help@", b"web@").replace(b"1", b"6"))
    desk("ingest", "6.eml", "--config", "desk.toml")
    number = desk("threads", "list", "--contact", "webmaster", "--json").object["number"]

    assert desk("threads", "reply", number, "--as", "anna", "--text", "Yes").status == 0
    assert desk("threads", "list", "--contact", "new").status == 0


def test_a_refused_recipient_is_an_error(desk) -> None:
    """What the server says is printed, and the status is 1."""
    desk("threads", "reply", 1, "--as", "anna", "--text", "Yes", "--sender", "help@shop.example")
    with ScriptedSmtpServer(script={"rcpt": Answer("550 5.1.1 unknown here")}) as server:
        ran = desk("outbox", "deliver", "--smtp", f"smtp://127.0.0.1:{server.port}")
    shown = desk("threads", "show", 1)

    assert ran.status == 1
    assert "unknown here" in ran.err
    assert ran.out == "1 failed\n"
    assert "unknown here" in shown.err


def test_the_way_out_can_come_from_the_settings(desk, tmp_path: Path) -> None:
    """With [smtp] in the settings no option is needed; user and password go with it."""
    with ScriptedSmtpServer(users={"help": "correct horse"}, auth_in_clear=True) as server:
        (tmp_path / "desk.toml").write_text(
            f'sender = "help@shop.example"\n[smtp]\nurl = "smtp://127.0.0.1:{server.port}"\n'
            'user = "help"\npassword-env = "MAIL_PASSWORD"\n'
        )
        desk("threads", "reply", 1, "--as", "anna", "--text", "Yes", "--config", "desk.toml")
        ran = desk("outbox", "deliver", "--config", "desk.toml", "--json")

    assert ran.object["sent"] == 1
    assert server.accepted[0].user == "help"


def test_an_access_token_logs_in_to_the_way_out(desk) -> None:
    """--smtp-oauth-token-env names the variable of an OAuth 2 access token."""
    desk("threads", "reply", 1, "--as", "anna", "--text", "Yes", "--sender", "help@shop.example")
    with ScriptedSmtpServer(tokens={"help": "correct horse"}, auth_in_clear=True) as server:
        url = f"smtp://127.0.0.1:{server.port}"
        options = ("--smtp-user", "help", "--smtp-oauth-token-env", "MAIL_PASSWORD")
        ran = desk("outbox", "deliver", "--smtp", url, *options, "--json")

    assert ran.object["sent"] == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "--smtp"),
        (["--smtp", "http://x"], "smtp://host:587"),
        (["--smtp", "smtp://u:secret@x"], "no user or password"),
        (["--smtp", "smtp://x", "--smtp-user", "u"], "belong together"),
        (["--smtp", "smtp://x", "--smtp-user", "u", "--smtp-password-env", "UNSET_VARIABLE"], "UNSET_VARIABLE"),
        (
            ["--smtp", "smtp://x", "--smtp-user", "u", "--smtp-password-env", "A", "--smtp-oauth-token-env", "B"],
            "--smtp-password-env",
        ),
    ],
)
def test_a_way_out_that_cannot_be_meant_is_wrong_usage(desk, arguments: list[str], words: str) -> None:
    """The command ends with status 2 before anything is connected, and repeats no password."""
    ran = desk("outbox", "deliver", *arguments)

    assert ran.status == 2
    assert words in ran.err
    assert "secret@" not in ran.err


def test_an_empty_outbox_is_success(desk) -> None:
    """Nothing to send ends with status 0."""
    ran = desk("outbox", "deliver", "--smtp", "smtp://127.0.0.1:9")

    assert (ran.status, ran.out) == (0, "nothing waits\n")


def test_a_thread_is_moved_by_hand(desk) -> None:
    """threads status moves it, in the name of an employee if one is given."""
    moved = desk("threads", "status", 1, "pending1", "--as", "anna", "--json").object
    back = desk("threads", "status", 1, "open")
    events = desk("threads", "show", 1, "--json").object["timeline"]

    assert moved["status"] == "pending1"
    assert back.out == "thread 1 is open\n"
    assert [(event["actor"], event["after"]) for event in events[-2:]] == [
        ("employee:anna", "pending1"),
        ("system", "open"),
    ]


def test_an_unknown_status_is_wrong_usage(desk) -> None:
    """The allowed ones are named."""
    ran = desk("threads", "status", 1, "solved")

    assert ran.status == 2
    assert "open, closed, pending1, pending2" in ran.err


def test_the_figures_have_the_promised_keys(desk) -> None:
    """stats --json is one object with exactly the documented keys."""
    keys = (
        "threads open_threads pending closed unassigned waiting_for_customer overdue customer_messages "
        "employee_messages unread_messages average_response_hours messages_per_closed_thread"
    )
    figures = desk("stats", "--json").object

    assert sorted(figures) == sorted(keys.split())
    assert (figures["threads"], figures["customer_messages"]) == (2, 2)


@pytest.mark.parametrize(
    ("options", "count"),
    [
        (["--shop", "default"], 2),
        (["--shop", "elsewhere"], 0),
        (["--since", "2026-01-05"], 2),
        (["--since", "2026-01-06"], 0),
        (["--as", "anna"], 2),
        (["--as", "anna", "--shop", "elsewhere"], 0),
    ],
)
def test_the_figures_can_be_narrowed(desk, options: list[str], count: int) -> None:
    """By shop, employee and day."""
    assert desk("stats", *options, "--json").object["threads"] == count


def test_the_figures_are_printed_for_people(desk) -> None:
    """Names and numbers, one a line."""
    assert "threads:" in desk("stats").out


def test_a_day_that_is_none_is_wrong_usage(desk) -> None:
    """--since takes a day; --until of a list a day or moment."""
    assert desk("stats", "--since", "May").status == 2
    assert desk("threads", "list", "--until", "May").status == 2


def test_held_mail_is_listed_with_its_reason(desk) -> None:
    """What is in no thread is listed, also by outcome and mailbox."""
    held = desk("mail", "list", "--outcome", "held", "--json").object

    assert held["outcome"] == "held"
    assert held["decision"]["reason"]
    assert desk("mail", "list", "--outcome", "quarantined", "--json").objects == []
    assert desk("mail", "list", "--mailbox", SOME_ID, "--json").objects == []
    assert "news@weekly.example" in desk("mail", "list").out


def test_held_mail_is_opened_joined_and_ignored_by_hand(desk) -> None:
    """Each decision is stored; mail in a thread cannot be decided again."""
    held = desk("mail", "list", "--json").object["id"]
    ignored = desk("mail", "ignore", held)
    joined = desk("mail", "join", held, 1, "--json").object
    again = desk("mail", "open", held)

    assert ignored.out == f"mail {held}: ignored\n"
    assert joined["outcome"] == "joined"
    assert again.status == 1
    assert "in a thread already" in again.err


def test_held_mail_is_opened_as_a_thread(desk) -> None:
    """mail open makes a thread and says which."""
    held = desk("mail", "list", "--json").object["id"]
    ran = desk("mail", "open", held)

    assert ran.out == f"mail {held}: opened thread 3\n"


def test_a_mail_is_shown_also_raw(desk, tmp_path: Path) -> None:
    """mail show gives what became of it and its text; --raw exactly its bytes."""
    held = desk("mail", "list", "--json").object["id"]
    shown = desk("mail", "show", held)
    told = desk("mail", "show", held, "--json").object
    raw = desk("mail", "show", held, "--raw")

    assert raw.out.encode() == (tmp_path / "3.eml").read_bytes()
    assert "Text of question 3." in shown.out
    assert "outcome:" in shown.out
    assert told["id"] == held


def test_mail_is_read_again(desk) -> None:
    """mail reread says what today's reader would make of it, of all or of one."""
    held = desk("mail", "list", "--json").object["id"]
    everything = desk("mail", "reread")
    one = desk("mail", "reread", held, "--apply", "--json").object

    assert everything.out == f"{held}: stays held\n"
    assert (one["differs"], one["applied"]) == (False, True)


def test_mail_in_threads_is_read_again_when_it_is_asked_for(desk) -> None:
    """By its id or with --in-threads; --outdated leaves out what today's reader has read."""
    opened = [one["id"] for one in desk("mail", "list", "--outcome", "opened", "--json").objects]
    held = desk("mail", "list", "--json").object["id"]

    assert desk("mail", "reread", opened[0]).out == f"{opened[0]}: stays opened\n"
    assert {one["id"] for one in desk("mail", "reread", "--in-threads", "--json").objects} >= {*opened, held}
    assert desk("mail", "reread", "--in-threads", "--outdated").out == ""


def test_what_reads_otherwise_is_shown(desk) -> None:
    """Each thing that changes has a line, short texts as they are, others by their length."""
    opened = desk("mail", "list", "--outcome", "opened", "--json").objects[0]
    with HelpDesk.open("sqlite:///helpdesk.db") as older, older.storage.unit() as unit:
        message = unit.messages.get(MessageId(UUID(opened["message"])))
        unit.messages.rewrite(attrs.evolve(message, text="Other words", signature="-- \nMaria\nMain Street 1"))

    would = desk("mail", "reread", opened["id"]).out.splitlines()
    was = desk("mail", "reread", opened["id"], "--apply", "--json").object

    assert would[0] == f"{opened['id']}: stays opened, would be read otherwise"
    assert would[1].startswith("  text: Other words -> ")
    assert would[2] == "  signature: 3 lines, 23 characters -> nothing"
    assert [change["what"] for change in was["changes"]] == ["text", "signature"]
    assert desk("mail", "reread", opened["id"]).out == f"{opened['id']}: stays opened\n"


def test_a_mail_is_explained_by_each_of_its_names(desk) -> None:
    """By id, by Message-ID with and without brackets, and by its file."""
    held = desk("mail", "list", "--json").object["id"]
    found = [
        desk("explain", name, "--json").object for name in (held, "3@customer.example", "<3@customer.example>", "3.eml")
    ]

    assert {one["mail"]["id"] for one in found} == {held}
    assert {one["reading"]["kind"] for one in found} == {"list"}


def test_a_mail_is_explained_by_its_place_at_the_server(cli, mailbox) -> None:
    """mailbox:uidvalidity:uid names it too."""
    box = cli("sync", *mailbox, "--since", "all", "--json").object["mailbox"]
    found = cli("explain", f"{box}:1:2", "--json").object
    said = cli("explain", f"{box}:1:2").out

    assert found["mail"]["uid"] == 2
    assert "why:" in said
    assert "Text of question 2." in said


def test_a_file_nobody_stored_is_explained_by_its_reading(cli, letter, tmp_path: Path) -> None:
    """Without a database, or a mail in it, the reading alone is printed."""
    (tmp_path / "1.eml").write_bytes(letter())
    without = cli("explain", "1.eml")
    cli("db", "upgrade")
    unknown = cli("explain", "1.eml", "--json").object

    assert "not stored it" in without.out
    assert "Text of question 1." in without.out
    assert unknown["mail"] is None
    assert not unknown["reading"]["error"]


def test_a_folder_is_explained_as_far_as_it_can_be_read(cli, letter, tmp_path: Path) -> None:
    """Each mail of a folder; what cannot be read makes the status 1."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "1.eml").write_bytes(letter())
    (tmp_path / "in" / "2.eml").symlink_to("nowhere")
    ran = cli("explain", "in")

    assert ran.status == 1
    assert "cannot be read" in ran.out


def test_an_unknown_mail_is_told(desk) -> None:
    """A name that no mail has ends with status 1."""
    ran = desk("explain", "nobody@nowhere.example")

    assert ran.status == 1
    assert "no mail" in ran.err


def test_the_database_is_checked(desk) -> None:
    """db check finds nothing wrong in what the help desk stored."""
    assert desk("db", "check", "--json").object["ok"] is True
    assert "no fault" in desk("db", "check").out


def test_a_damaged_database_is_found(desk, tmp_path: Path) -> None:
    """A counter, a figure and a blob that were changed behind our back are each named, and the status is 1."""
    with contextlib.closing(sqlite3.connect(tmp_path / "helpdesk.db")) as connection, connection:
        connection.execute("UPDATE cs_thread SET customer_messages = 7 WHERE number = 1")
    connection.close()
    ran = desk("db", "check")

    assert ran.status == 1
    assert "thread 1 says it has 7 messages of the customer, and has 1" in ran.out


def test_rows_without_their_owner_are_found(desk, tmp_path: Path) -> None:
    """SQLite's own check of references is part of it."""
    with contextlib.closing(sqlite3.connect(tmp_path / "helpdesk.db")) as connection, connection:
        connection.execute("DELETE FROM cs_thread WHERE number = 1")
    connection.close()
    ran = desk("db", "check", "--json")

    assert ran.status == 1
    assert any("refers to a row of cs_thread that does not exist" in fault for fault in ran.object["faults"])


def test_a_damaged_file_is_found(desk, tmp_path: Path) -> None:
    """Bytes that were overwritten are told by SQLite's own check, without a traceback."""
    file = tmp_path / "helpdesk.db"
    size = file.stat().st_size
    with file.open("r+b") as database:
        database.seek(size * 3 // 4)
        database.write(b"\xff" * (size // 8))
    ran = desk("db", "check")

    assert ran.status == 1
    assert "damaged" in ran.out or "malformed" in ran.err


def test_the_tables_are_brought_up(cli) -> None:
    """db upgrade makes the tables once, and says what it did."""
    first, second = cli("db", "upgrade", "--json").object, cli("db", "upgrade")

    assert first["changed"] is True
    assert "has version" in second.out


def test_older_tables_name_the_command_that_helps(desk, tmp_path: Path) -> None:
    """A database of another version is refused with the way out."""
    with contextlib.closing(sqlite3.connect(tmp_path / "helpdesk.db")) as connection, connection:
        connection.execute("UPDATE cs_alembic_version SET version_num = '9999'")
    connection.close()
    ran = desk("stats")

    assert ran.status == 1
    assert "upgrade the package" in ran.err


def test_the_settings_are_explained(cli, tmp_path: Path) -> None:
    """config check lists what counts, and finds what is wrong without asking any server."""
    (tmp_path / "desk.toml").write_text(
        """
        database = "sqlite:///mine.db"
        key-file = "keys"
        [smtp]
        url = "smtps://mail.shop.example"
        user = "help"
        password-env = "UNSET_VARIABLE"
        [[contacts]]
        name = "Orders"
        [[mailboxes]]
        mailbox = "{mail.shop.example:143/imap/ssl}INBOX"
        user = "help"
        password-env = "MAIL_PASSWORD"
        """
    )
    told = cli("config", "check", "--config", "desk.toml", "--json").object
    said = cli("config", "check", "--config", "desk.toml")

    assert said.status == 1
    assert told["settings"]["database"].endswith("mine.db")
    assert [fault.partition(":")[0] for fault in told["faults"]] == ["key file", "smtp"]
    assert any("/ssl on port 143" in warning for warning in told["warnings"])
    assert any("does not exist yet" in warning for warning in told["warnings"])
    assert any("from which address" in warning for warning in told["warnings"])
    assert "mail.shop.example" in said.out
    assert "UNSET_VARIABLE" in said.err


def test_settings_in_order_are_success(desk, tmp_path: Path) -> None:
    """With nothing wrong the status is 0; a key file beside the database counts."""
    (tmp_path / "desk.toml").write_text(
        'sender = "help@shop.example"\n[smtp]\nurl = "smtp://mail.shop.example"\n[[contacts]]\nname = "Orders"\n'
    )

    assert desk("config", "check", "--config", "desk.toml", "--json").object["faults"] == []


def test_a_server_needs_a_key_file(cli) -> None:
    """For another database than SQLite the key file is asked for."""
    told = cli("config", "check", "--db", "postgresql://desk:hunter2@127.0.0.1:9/desk", "--json")

    assert any("needs a key file" in warning for warning in told.object["warnings"])
    assert "hunter2" not in told.out + told.err


def test_a_settings_file_that_says_the_impossible_is_wrong_usage(cli, tmp_path: Path) -> None:
    """Every place is named at once, and the status is 2."""
    (tmp_path / "desk.toml").write_text('sender = "nobody"\n[[mailboxes]]\nmailbox = "{}"\nuser = "x"\n')
    ran = cli("config", "check", "--config", "desk.toml")

    assert ran.status == 2
    assert "$.sender" in ran.err
    assert "$.mailboxes[0].mailbox" in ran.err


def test_a_key_file_of_ones_own_signs(desk, tmp_path: Path) -> None:
    """--key-file stands in for the one beside the database; what cannot be read is told."""
    (tmp_path / "keys").write_text("00" * 32)
    answer = ("threads", "reply", 1, "--as", "anna", "--text", "Yes", "--sender", "help@shop.example")

    assert desk(*answer, "--key-file", "keys").status == 0
    assert desk(*answer, "--key-file", "missing").status == 1
    (tmp_path / "keys").write_text("short")
    assert desk(*answer, "--key-file", "keys").status == 2


def test_mail_is_inspected_with_one_object_a_line(cli, letter, tmp_path: Path) -> None:
    """Objects come in the order given; a path that cannot be read has an error, and makes the status 1."""
    (tmp_path / "1.eml").write_bytes(letter(1))
    (tmp_path / "box.mbox").write_bytes(
        b"From a Mon Jan  5 09:00:00 2026\n"
        + letter(2).replace(b"\r\n", b"\n")
        + b"\nFrom b Mon Jan  5 09:00:00 2026\n"
        + letter(3).replace(b"\r\n", b"\n")
    )
    ran = cli("inspect", "--json", "box.mbox", "missing.eml", "1.eml")

    assert ran.status == 1
    assert [(one["path"], one["index"]) for one in ran.objects] == [
        ("box.mbox", 0),
        ("box.mbox", 1),
        ("missing.eml", 0),
        ("1.eml", 0),
    ]
    assert [one["error"] is None for one in ran.objects] == [True, True, False, True]
    assert len({tuple(sorted(one)) for one in ran.objects}) == 1


def test_mail_is_inspected_for_people(cli, tmp_path: Path) -> None:
    """Who, what and why are printed, with attachments, quotation and signature told apart."""
    lines = [
        "From: nobody",
        "To: Help <help@shop.example>, a@b.example",
        "Subject: Hello",
        "MIME-Version: 1.0",
        'Content-Type: multipart/mixed; boundary="x"',
        *("", "--x", "", "New words.", "", "> Old words.", "", "-- ", "Me", "--x"),
        'Content-Type: application/pdf; name="a.pdf"',
        "Content-Disposition: attachment",
        *("", "%PDF", "--x--", ""),
    ]
    (tmp_path / "1.eml").write_text("\n".join(lines))
    ran = cli("inspect", "1.eml", "missing.eml")

    assert ran.status == 1
    assert "Help <help@shop.example>, a@b.example" in ran.out
    assert "(unusable address)" in ran.out
    assert "[a.pdf, application/pdf, 4 bytes]" in ran.out
    assert "New words." in ran.out
    assert "Old words." not in ran.out
    assert "(quoted: " in ran.out
    assert "cannot be read" in ran.out


def test_a_mailbox_is_kept_with_its_settings(cli, tmp_path: Path) -> None:
    """mailbox add stores a reference to the password, never the password; remove forgets it."""
    added = cli(
        *("mailbox", "add", "{mail.example/imap/ssl}INBOX", "--user", "help", "--password-file", "secret"),
        *("--after-fetch", "move:Done", "--no-create-threads", "--form-sender", "form@shop.example"),
        *("--contact", "Webmaster", "--authserv-id", "mx.example", "--size-limit", 1000, "--json"),
    )
    shown = cli("mailbox", "show", added.object["id"])
    again = cli("mailbox", "add", "{mail.example:993/imap/ssl}INBOX", "--user", "help", "--password-env", "X")
    listed = cli("mailbox", "list")
    removed = cli("mailbox", "remove", added.object["id"], "--json")

    assert added.object["secret"] == "file secret"
    assert added.object["create_threads"] is False
    assert added.object["form_senders"] == ["form@shop.example"]
    assert "other mail programs" in added.err
    assert "move:Done" in shown.out
    assert added.object["id"] in again.out
    assert "never synced" in listed.out
    assert removed.object == {"removed": added.object["id"]}
    assert cli("mailbox", "remove", SOME_ID).status == 1


def test_health_is_shown(cli, mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mailbox that could not be read says so in the list."""
    monkeypatch.setenv("MAIL_PASSWORD", "swordfish")
    cli("sync", *mailbox, "--since", "all")
    ran = cli("mailbox", "list")

    assert "failing (1 in a row): " in ran.out


def test_a_forgotten_mailbox_is_confirmed(cli) -> None:
    """mailbox remove says that mails and threads stay."""
    box = cli("mailbox", "add", "{m.example}", "--user", "u", "--oauth-token-file", "t", "--json").object

    assert "OAuth 2 token" in box["secret"]
    assert "threads stay" in cli("mailbox", "remove", box["id"]).out


def test_a_mailbox_string_is_explained_without_connecting(cli, tmp_path: Path) -> None:
    """mailbox check without a password says what the string means, warnings too."""
    ran = cli("mailbox", "check", "{mail.example:143/imap/ssl/novalidate-cert}")
    told = cli("mailbox", "check", "{mail.example/pop3}", "--json").object

    assert ran.status == 0
    assert "TLS from the first byte" in ran.out
    assert "/ssl on port 143" in ran.out
    assert "certificate is not checked" in ran.out
    assert (told["port"], told["tls"], told["stages"]) == (110, "starttls", None)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "text", ["{mail.example/ssl/tls}", "{mail.example/imap/pop3}", "{a b}", "{mail.example/notls}"]
)
def test_a_mailbox_string_that_cannot_be_meant_is_refused(cli, text: str) -> None:
    """Contradictions end with status 2, a clear-text log-in with 1; each says why."""
    ran = cli("mailbox", "check", text)

    assert ran.status == (1 if "notls" in text else 2)
    assert "rror: " in ran.err


def test_a_connection_is_tested_stage_by_stage(cli, imap) -> None:
    """Each stage that works is told, and the count at the end."""
    box = (f"{{127.0.0.1:{imap.port}/imap}}INBOX", "--user", "help", "--password-env", "MAIL_PASSWORD")
    ran = cli("mailbox", "check", *box)
    told = cli("mailbox", "check", *box, "--json").object

    assert ran.status == 0
    assert "2 mails" in ran.out
    assert [stage["stage"] for stage in told["stages"]] == STAGES
    assert not any(stage["ok"] is False for stage in told["stages"])


@pytest.mark.parametrize(
    ("change", "stage"),
    [
        ({"password": "swordfish"}, "log-in"),
        ({"folder": "Nowhere"}, "folder"),
        ({"port": 9}, "connect"),
        ({"host": "no-such-host.invalid"}, "resolve"),
    ],
)
def test_the_stage_that_fails_is_told_with_advice(
    cli, imap, monkeypatch: pytest.MonkeyPatch, change: dict[str, object], stage: str
) -> None:
    """The stages before it worked, those behind it were not reached; the status is 1."""
    monkeypatch.setenv("MAIL_PASSWORD", str(change.get("password", "correct horse")))
    host, port = change.get("host", "127.0.0.1"), change.get("port", imap.port)
    text = f"{{{host}:{port}/imap}}{change.get('folder', 'INBOX')}"
    options = ("--user", "help", "--password-env", "MAIL_PASSWORD", "--allow-clear-text")
    ran = cli("mailbox", "check", text, *options, "--json")
    said = cli("mailbox", "check", text, *options)
    stages = ran.object["stages"]

    assert ran.status == 1
    failed = STAGES.index(stage)
    assert [one["stage"] for one in stages if one["ok"] is False] == [stage]
    assert stages[failed]["advice"]
    assert all(one["ok"] is None for one in stages[failed + 1 :])
    assert "FAILED" in said.out


def test_the_help_names_every_command(cli) -> None:
    """The help of the program lists its commands without loading them, and the help of each works."""
    names = "demo inspect ingest sync mailbox mail outbox threads explain stats db config".split()
    ran = cli("--help")

    assert all(f"\n  {name} " in ran.out for name in names)
    assert all(cli(name, "--help").status == 0 for name in names)


def test_an_unknown_command_is_wrong_usage(cli) -> None:
    """It ends with status 2, as does an unknown option."""
    assert cli("work").status == 2
    assert cli("stats", "--loud").status == 2


def test_json_is_ascii(desk) -> None:
    """No encoding of the output can spoil it."""
    out = desk("threads", "list", "--json").out

    assert out.isascii()
    assert [json.loads(line)["number"] for line in out.splitlines()]


def test_a_probe_that_arrives_turns_signed_addresses_on(cli, imap) -> None:
    """The mailbox is kept, with the pattern that was proven by a mail over real SMTP and IMAP."""
    with ScriptedSmtpServer(on_mail=lambda mail: (imap.deliver(mail.raw), None)[1]) as server:
        ran = cli(
            *("mailbox", "check", f"{{127.0.0.1:{imap.port}/imap}}INBOX", "--user", "help"),
            *("--password-env", "MAIL_PASSWORD", "--probe", "--reply-address", "help+{token}@shop.example"),
            *("--smtp", f"smtp://127.0.0.1:{server.port}", "--sender", "help@shop.example"),
        )
    box = cli("mailbox", "list", "--json").object

    assert ran.status == 0, ran.err
    assert "signed reply addresses are on" in ran.out
    assert box["reply_address"] == "help+{token}@shop.example"
    assert len(imap.mails()) == 2


def test_a_probe_that_does_not_arrive_changes_nothing(cli, imap, smtp: ScriptedSmtpServer) -> None:
    """The status is 1, and the pattern stays off."""
    ran = cli(
        *("mailbox", "check", f"{{127.0.0.1:{imap.port}/imap}}INBOX", "--user", "help"),
        *("--password-env", "MAIL_PASSWORD", "--probe", "--reply-address", "help+{token}@shop.example"),
        *("--smtp", f"smtp://127.0.0.1:{smtp.port}", "--sender", "help@shop.example", "--patience", 1, "--json"),
    )

    assert ran.status == 1
    assert ran.object["probe_arrived"] is False
    assert cli("mailbox", "list", "--json").object["reply_address"] is None


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--probe"], "--reply-address"),
        (["--probe", "--reply-address", "x{token}@shop.example"], "--smtp"),
        (["--probe", "--reply-address", "x{token}@shop.example", "--smtp", "smtp://127.0.0.1:9"], "--sender"),
        (["--probe", "--reply-address", "x@shop.example", "--smtp", "smtp://127.0.0.1:9"], "{token}"),
    ],
)
def test_a_probe_says_what_it_needs(cli, imap, options: list[str], words: str) -> None:
    """What is missing is wrong usage, and nothing is kept."""
    box = (f"{{127.0.0.1:{imap.port}/imap}}INBOX", "--user", "help", "--password-env", "MAIL_PASSWORD")
    ran = cli("mailbox", "check", *box, *options)

    assert ran.status == 2
    assert words in ran.err
    assert cli("mailbox", "list").status == 1


def test_what_would_be_judged_otherwise_today_is_told(desk, tmp_path: Path) -> None:
    """Mail that would be judged otherwise today says so, and changes only with --apply."""
    held = desk("mail", "list", "--json").object["id"]
    desk("mail", "ignore", held)
    would = desk("mail", "reread", held)
    stays = desk("mail", "list", "--json").object["outcome"]
    became = desk("mail", "reread", held, "--apply")

    assert would.out == f"{held}: ignored would become held\n"
    assert stays == "ignored"
    assert became.out == f"{held}: ignored became held\n"


def test_a_mail_whose_bytes_are_not_kept_is_shown_without_them(cli, imap, letter) -> None:
    """Of a mail over the limit the list and the explanation say why; there is nothing to read again."""
    box = cli(
        *("mailbox", "add", f"{{127.0.0.1:{imap.port}}}", "--user", "help", "--password-env", "MAIL_PASSWORD"),
        *("--size-limit", 100, "--json"),
    ).object["id"]
    cli("sync", box, "--since", "all")
    large = cli("mail", "list", "--outcome", "too-large", "--json").objects[0]
    shown, explained = cli("mail", "show", large["id"]), cli("explain", large["id"])

    assert "are over the limit" in shown.out
    assert "are over the limit" in explained.out
    assert cli("mail", "show", large["id"], "--raw").status == 1
    assert cli("mail", "reread").out == ""


def test_standard_input_that_is_no_text_is_wrong_usage(desk) -> None:
    """An answer must be text."""
    bad = io.TextIOWrapper(io.BytesIO(b"\xff\xfe"), encoding="utf-8")
    ran = desk("threads", "reply", 1, "-", "--as", "anna", stdin=bad)

    assert ran.status == 2
    assert "no text" in ran.err


def test_a_password_is_asked_for_on_a_terminal(cli, imap, monkeypatch: pytest.MonkeyPatch) -> None:
    """--password-file - asks without showing what is typed."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    asked: list[str] = []
    monkeypatch.setattr("click.termui.hidden_prompt_func", lambda text: (asked.append(text), "correct horse")[1])
    box = (f"{{127.0.0.1:{imap.port}}}", "--user", "help", "--password-file", "-")
    ran = cli("mailbox", "check", *box, "--json", stdin=Terminal())

    assert ran.status == 0, ran.err
    assert len(asked) == 1


def test_a_file_without_end_is_refused(desk) -> None:
    """A device is read no further than what could be sent; the reply is refused and nothing is stored."""
    ran = desk(
        *("threads", "reply", 1, "--as", "anna", "--text", "See file.", "--sender", "help@shop.example"),
        *("--attach", "/dev/zero"),
    )

    assert ran.status == 2
    assert "files: together over" in ran.err
    assert len(desk("threads", "show", 1, "--json").object["messages"]) == 1
