"""The mail servers of the demonstration, in a process of their own: a customer's mailbox full of sample mail.

``python -m customerservice.entrypoints.demo.servers`` reads the password of the mailbox from the first line of standard
input, says on standard output where it listens, as one line of JSON, and lives until standard input ends; so it never
outlives the program that started it. Whoever is sent a mail answers it at once.
"""

import datetime as dt
import json
import sys
from collections.abc import Sequence
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from importlib.resources import files

from customerservice.mail import ReceivedMail, parse
from customerservice.testing.imap_server import ScriptedImapServer
from customerservice.testing.smtp_server import AcceptedMail, ScriptedSmtpServer

#: Who logs in to both servers.
USER = "service@lantern.example"

_BETWEEN_MAILS = dt.timedelta(minutes=95)
_ANSWER = "Thank you, that is good news! Saturday morning is fine.\n\nEmma\n"


def sample_mails(now: dt.datetime) -> Sequence[tuple[bytes, dt.datetime]]:
    """Give the sample mails with the moments they came, oldest first; the latest came some minutes before `now`.

    A dozen mails in English, German, Italian, Spanish and Persian: plain text and HTML, with attachments and encoded
    subjects, an out-of-office note and a newsletter. Each gets a Date header of its moment.
    """
    folder = files("customerservice.entrypoints.demo").joinpath("mails")
    found = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".eml")), key=lambda entry: entry.name)
    mails = []
    for position, entry in enumerate(found):
        sent = now - _BETWEEN_MAILS * (len(found) - 1 - position) - dt.timedelta(minutes=9)
        raw = f"Date: {format_datetime(sent)}\n".encode() + entry.read_bytes()
        mails.append((raw.replace(b"\n", b"\r\n"), sent))
    return mails


def answer_to(mail: ReceivedMail, customer: str, now: dt.datetime) -> bytes:
    """Give the mail a customer's mail program makes when its user answers `mail`."""
    sender = mail.sender.address if mail.sender is not None else None
    to = mail.reply_to[0].address if mail.reply_to else sender
    answer = EmailMessage(policy=SMTP)
    answer["Date"] = format_datetime(now)
    answer["From"] = f"Emma Clarke <{customer}>"
    answer["To"] = str(to)
    subject = mail.subject or ""
    answer["Subject"] = subject if subject.lower().startswith("re:") else f"Re: {subject}"
    answer["Message-ID"] = f"<answer.{now:%H%M%S%f}@post.example>"
    answer["In-Reply-To"] = f"<{mail.message_id}>"
    answer["References"] = " ".join(f"<{one}>" for one in (*mail.references[-5:], mail.message_id))
    quoted = "".join(f"> {line}\n" for line in mail.text.splitlines())
    answer.set_content(f"{_ANSWER}\nOn {now:%d %B %Y}, {sender} wrote:\n{quoted}")
    return answer.as_bytes()


def main() -> None:
    """Serve until standard input ends."""
    password = sys.stdin.readline().rstrip("\n")
    now = dt.datetime.now(dt.UTC)
    with ScriptedImapServer(users={USER: password}) as imap:

        def deliver_answer(accepted: AcceptedMail) -> None:
            # IMAP tells whole seconds, so what came within the second of the mail it answers would seem to come before.
            later = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=2)
            imap.deliver(answer_to(parse(accepted.raw), accepted.recipients[0], later), received_at=later)

        for raw, sent in sample_mails(now):
            imap.deliver(raw, received_at=sent)
        with ScriptedSmtpServer(users={USER: password}, auth_in_clear=True, on_mail=deliver_answer) as smtp:
            print(json.dumps({"imap": imap.port, "smtp": smtp.port}), flush=True)
            sys.stdin.read()


if __name__ == "__main__":
    main()
