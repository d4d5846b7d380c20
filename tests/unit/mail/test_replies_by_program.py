"""Answers to a mail that we sent, from each program: exactly the customer's text, and our marker in the rest."""

import datetime as dt

import pytest
from mail_samples import part, with_parts
from reply_programs import PROGRAMS, Program

from customerservice.domain.email_address import EmailAddress
from customerservice.mail import Correspondent, ReceivedMail, parse
from customerservice.mail.composer import OutgoingMail, compose
from customerservice.mail.openings import REPLY_ABOVE
from customerservice.mail.tokens import subject_marker

TOKEN = "abcdefghijklmnopqrstuvwxyz"
NEW = {
    "one line": "It came this morning, thank you!",
    "a list": "Dear shop,\n\nplease send:\n- the invoice\n- a new label\n\nKind regards\nAnna",
    "other scripts": "Größe 42 – 很好, спасибо!\n\nשלום",
}


def our_mail(*, marked: bool) -> ReceivedMail:
    """Give the mail that the customer answers, as it left us."""
    above = f"{REPLY_ABOVE}Please type your reply above this line -##\n\n" if marked else ""
    return parse(
        compose(
            OutgoingMail(
                sender=EmailAddress("help@shop.example"),
                sender_name="Shop",
                to=(Correspondent(EmailAddress("anna@mail.example"), "Anna"),),
                subject=f"Your order {subject_marker(57, TOKEN)}",
                text=f"{above}Hello Anna,\n\nyour parcel left us today.\nWhich colour do you prefer?\n\n-- \nShop\n",
                message_id="1@shop.example",
                date=dt.datetime(2026, 1, 2, 9, tzinfo=dt.UTC),
            )
        )
    )


def answer(program: Program, new: str, sent: ReceivedMail, *, with_plain: bool, with_html: bool) -> ReceivedMail:
    bodies = []
    if with_plain and program.plain is not None:
        bodies.append(part(program.plain(new, sent.text)))
    if with_html and program.html is not None:
        bodies.append(part(program.html(new, sent.text), "text/html; charset=utf-8"))
    raw = with_parts("alternative", bodies, Subject=f"Re: {sent.subject}", In_Reply_To=f"<{sent.message_id}>")
    return parse(raw)


@pytest.mark.parametrize("marked", [True, False], ids=["with our line", "without our line"])
@pytest.mark.parametrize("bodies", [(True, True), (False, True), (True, False)], ids=["both", "html", "plain"])
@pytest.mark.parametrize("new", NEW.values(), ids=NEW)
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_answer_gives_exactly_the_new_text(
    program: Program, new: str, bodies: tuple[bool, bool], *, marked: bool
) -> None:
    """Of every program, with and without our line above the text, from the text as from the HTML."""
    sent = our_mail(marked=marked)
    mail = answer(program, new, sent, with_plain=bodies[0], with_html=bodies[1])

    words = [line.strip() for line in mail.new_text.split("\n") if line.strip()]
    assert words == [line for line in new.split("\n") if line]
    assert "your parcel left us today." in mail.quoted_text
    assert (mail.markers.number, mail.markers.token) == (57, TOKEN)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_answer_of_nothing_stays_whole(program: Program) -> None:
    """Where the customer wrote nothing above, all is shown, since the answer may stand inside."""
    sent = our_mail(marked=False)
    mail = answer(program, "", sent, with_plain=True, with_html=True)

    assert "your parcel left us today." in mail.new_text
    assert mail.quoted_text == ""
