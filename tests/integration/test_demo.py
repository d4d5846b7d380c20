"""The demonstration, as somebody runs it who just installed the package."""

import datetime as dt
import io
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from customerservice.entrypoints.cli import main
from customerservice.entrypoints.demo.servers import answer_to, sample_mails
from customerservice.entrypoints.demo.servers import main as serve
from customerservice.mail import MailKind, parse

NOW = dt.datetime(2026, 1, 5, 9, 0, tzinfo=dt.UTC)


def test_the_demonstration_tells_its_story_and_ends(tmp_path: Path) -> None:
    """As a process: the database is where it says, and no child is left."""
    done = subprocess.run(
        [sys.executable, "-m", "customerservice", "demo", "--dir", "here"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=30,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )

    assert done.returncode == 0, done.stderr
    assert str(tmp_path / "here" / "helpdesk.db") in done.stdout
    assert (tmp_path / "here" / "helpdesk.db").exists()
    assert "Anna answers thread" in done.stdout
    assert "Thank you, that is good news!" in done.stdout
    assert "\u2068سؤال دربارهٔ سفارش ۱۰۴۴۷\u2069" in done.stdout
    assert "threads list --db" in done.stdout


def test_the_demonstration_for_machines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One JSON object: the customer's answer came back into the thread that was answered."""
    status = main(["demo", "--dir", str(tmp_path), "--json"])
    told = json.loads(capsys.readouterr().out)

    assert status == 0
    assert told["first_sync"]["fetched"] == len(sample_mails(NOW))
    assert told["second_sync"]["joined_threads"] == 1
    assert told["delivered"]["sent"] == 1
    assert [message["author"]["kind"] for message in told["thread"]["messages"]] == [
        "customer",
        "customer",
        "employee",
        "customer",
    ]
    assert told["stats"]["waiting_for_customer"] == 0
    assert told["seconds"] < 30


def test_the_demonstration_for_people(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each step is told, and at the end what to try next."""
    status = main(["demo", "--dir", str(tmp_path)])
    said = capsys.readouterr().out

    assert status == 0
    assert all(
        word in said for word in ("read over IMAP", "became these threads", "set aside", "over SMTP", "The figures")
    )
    assert f"-m customerservice threads list --db sqlite:///{tmp_path}/helpdesk.db" in said


def test_the_servers_end_with_their_standard_input(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """They say where they listen, and live no longer than whoever started them."""
    monkeypatch.setattr("sys.stdin", io.StringIO("a password\n"))
    serve()
    told = json.loads(capsys.readouterr().out)

    assert sorted(told) == ["imap", "smtp"]
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", told["imap"]), 5)


def test_the_demonstration_can_be_repeated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A second one in the same folder makes another database and leaves the first alone."""
    for _ in range(2):
        assert main(["demo", "--dir", str(tmp_path), "--json"]) == 0

    names = [json.loads(line)["database"].rpartition("/")[2] for line in capsys.readouterr().out.splitlines()]
    assert names == ["helpdesk.db", "helpdesk-2.db"]


def test_the_demonstration_finds_a_folder_by_itself(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without --dir it makes a folder where the system keeps temporary files."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    assert main(["demo", "--json"]) == 0
    assert str(tmp_path) in json.loads(capsys.readouterr().out)["database"]


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file in the way ends with a line on standard error."""
    (tmp_path / "file").write_text("")

    assert main(["demo", "--dir", str(tmp_path / "file" / "inner")]) == 1
    assert "error" in capsys.readouterr().err


def test_mail_servers_that_do_not_start_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the child ends at once the demonstration says so and leaves no database behind."""
    monkeypatch.setattr(sys, "executable", "/bin/true")

    assert main(["demo", "--dir", str(tmp_path)]) == 1
    assert "did not start" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_the_sample_mails_show_what_mail_is_like() -> None:
    """Five languages, HTML, files, encoded subjects, an absence note and a list; none of them has a defect."""
    mails = [parse(raw) for raw, _ in sample_mails(NOW)]
    subjects = " ".join(mail.subject or "" for mail in mails)

    assert len(mails) >= 12
    assert all(word in subjects for word in ("order", "Größe", "Fattura", "lámpara", "سفارش"))
    assert {MailKind.VACATION, MailKind.LIST, MailKind.PERSON} <= {mail.kind for mail in mails}
    assert sum(mail.html is not None for mail in mails) >= 3
    assert sum(bool(mail.attachments) for mail in mails) >= 3
    assert [mail.defects for mail in mails] == [()] * len(mails)


def test_the_sample_mails_came_lately() -> None:
    """Each has the date it came, oldest first, the last one just before now."""
    moments = [sent for _, sent in sample_mails(NOW)]
    dates = [parse(raw).date for raw, _ in sample_mails(NOW)]

    assert dates == moments == sorted(moments)
    assert NOW - dt.timedelta(hours=1) < moments[-1] < NOW


def test_the_customer_answers_as_mail_programs_do() -> None:
    """To the Reply-To where there is one, with threading headers and the quoted mail."""
    ours = parse(
        b"From: Shop <help@shop.example>\r\nReply-To: <answers@shop.example>\r\nSubject: Re: Lamp [#1]\r\n"
        b"Message-ID: <2@shop.example>\r\nReferences: <1@customer.example>\r\n\r\nIt is on its way.\r\n"
    )
    answer = parse(answer_to(ours, "emma@customer.example", NOW))

    assert [entry.address.value for entry in answer.to if entry.address] == ["answers@shop.example"]
    assert answer.in_reply_to == ("2@shop.example",)
    assert answer.references == ("1@customer.example", "2@shop.example")
    assert answer.subject == "Re: Lamp [#1]"
    assert "It is on its way." in answer.quoted_text


def test_a_first_answer_gets_its_prefix() -> None:
    """A subject without Re: gets one; without a Reply-To the answer goes to the sender."""
    ours = parse(b"From: help@shop.example\r\nSubject: Lamp\r\nMessage-ID: <2@shop.example>\r\n\r\nHello\r\n")
    answer = parse(answer_to(ours, "emma@customer.example", NOW))

    assert answer.subject == "Re: Lamp"
    assert [entry.address.value for entry in answer.to if entry.address] == ["help@shop.example"]
