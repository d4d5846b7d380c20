"""New text, quotation and signature told apart."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customerservice.mail.quotations import Reading, read_new_text
from customerservice.mail.received import Correspondent

QUOTE = "> Dear Anna,\n> your order left on Monday.\n>\n> Shop"

# One opening for each language and habit, as the programs named write them.
OPENINGS = [
    "On Fri, Jan 2, 2026 at 10:00 AM Shop <help@shop.example> wrote:",  # Gmail
    "On 2 Jan 2026, at 10:00, Shop <help@shop.example> wrote:",  # Apple Mail
    "On 02.01.26 10:00, Shop wrote:",  # Thunderbird
    "On Fri, Jan 2, 2026 at 10:00 AM Shop\n<help@shop.example> wrote:",
    "On Fri, Jan 2, 2026\nat 10:00 AM\nShop <help@shop.example>\nwrote:",
    "Am Fr., 2. Jan. 2026 um 10:00 Uhr schrieb Shop <help@shop.example>:",
    "Am 02.01.26 um 10:00 schrieb Shop:",
    "Zitat von Shop <help@shop.example>:",  # Horde
    "Le ven. 2 janv. 2026 à 10:00, Shop <help@shop.example> a écrit :",
    "El vie, 2 ene 2026 a las 10:00, Shop (<help@shop.example>) escribió:",
    "Il giorno ven 2 gen 2026 alle ore 10:00 Shop <help@shop.example> ha scritto:",
    "Em sex., 2 de jan. de 2026 às 10:00, Shop <help@shop.example> escreveu:",
    "Op vr 2 jan 2026 om 10:00 schreef Shop <help@shop.example>:",
    "W dniu 2.01.2026 o 10:00, Shop pisze:",
    "pt., 2 sty 2026 o 10:00 Shop <help@shop.example> napisał(a):",
    "Den fre 2 jan. 2026 kl 10:00 skrev Shop <help@shop.example>:",
    "pe 2. tammik. 2026 klo 10.00 Shop (help@shop.example) kirjoitti:",
    "pá 2. 1. 2026 v 10:00 odesílatel Shop <help@shop.example> napsal:",
    "Shop <help@shop.example> ezt írta (időpont: 2026. jan. 2., P, 10:00):",
    "2 Oca 2026 Cum 10:00 tarihinde Shop <help@shop.example> şunu yazdı:",
    "пт, 2 янв. 2026 г. в 10:00, Shop <help@shop.example>:\nнаписал:",
    "2 января 2026 г., в 10:00, Shop написал(а):",
    "در جمعه ۲ ژانویه ۲۰۲۶ ساعت ۱۰:۰۰ Shop نوشت:",
    "في الجمعة، 2 يناير 2026 في 10:00 كتب Shop:",
    "2026年1月2日(金) 10:00 Shop <help@shop.example>のメール:",
    "在 2026年1月2日，Shop 写道：",
    "2026년 1월 2일 (금) 오전 10:00, Shop님이 작성:",
    "-----Original Message-----",
    "-------- Ursprüngliche Nachricht --------",
    "________________________________\nFrom: Shop\nSent: Friday, 2 January 2026 10:30\nTo: Anna\nSubject: Order",
    "Von: Shop <help@shop.example>\nGesendet: Freitag, 2. Januar 2026 10:00\nAn: Anna\nBetreff: Order",
    "*De :* Shop\n*Envoyé :* vendredi 2 janvier 2026 10:30\n*À :* Anna\n*Objet :* Order",
    "从: x\n发件人: Shop\n发送时间: 2026年1月2日 10:30\n收件人: Anna\n主题: x",
    "##- Please type your reply above this line -##",
]


@pytest.mark.parametrize("opening", OPENINGS)
@pytest.mark.parametrize("quote", [QUOTE, "Dear Anna,\nyour order left on Monday."])
def test_answer_above_the_quotation(opening: str, quote: str) -> None:
    """Whatever the program and language, text above the opening is new and the rest is quoted."""
    reading = read_new_text(f"Thank you!\nIt is here.\n\n{opening}\n\n{quote}\n")

    assert reading.new.splitlines()[:2] == ["Thank you!", "It is here."]
    assert "Dear Anna" not in reading.new
    assert "Dear Anna" in reading.quoted


@pytest.mark.parametrize(
    "text",
    [
        "On page 3 of the manual the author wrote:\nuse water.\n\nIs that right?",
        "I wrote: please call me.\nNobody did.",
        "From: the first day on it was broken.\nI want my money back.",
        "To: whom it may concern\nSubject: my order",
        "Am Ende schrieb ich:\nBitte melden!",
        "Original Message was the name of the band - a great one.",
        "wrote:",
        "5 > 3 is true",
        "a -- b",
    ],
)
def test_texts_that_only_look_like_quotations_stay(text: str) -> None:
    """Ordinary sentences with the words of openings are new text."""
    assert read_new_text(text) == Reading(text)


def test_answer_below_the_quotation() -> None:
    """Text below a quotation at the top is new."""
    reading = read_new_text(f"On Fri, 2 Jan 2026 at 10:00, Shop wrote:\n{QUOTE}\n\nThank you!")

    assert reading.new == "Thank you!"
    assert reading.quoted.endswith("> Shop")


def test_quotation_without_an_opening() -> None:
    """Marked lines need no opening."""
    assert read_new_text(f"{QUOTE}\nThank you!") == Reading("Thank you!", QUOTE)
    assert read_new_text(f"Thank you!\n{QUOTE}") == Reading("Thank you!", QUOTE)


@pytest.mark.parametrize(
    "text",
    [
        "> Is it red?\nYes.\n> Is it big?\nNo.",
        "On 2 Jan 2026, at 10:00, Shop wrote:\n> Is it red?\n\nYes.\n\n> Is it big?\n\nNo.",
        "Hello,\n\n> Is it red?\n\nYes.",
    ],
)
def test_answers_between_the_lines_stay_whole(text: str) -> None:
    """Where the answers stand between the questions both are needed."""
    assert read_new_text(text) == Reading(text)


@pytest.mark.parametrize("below", ["Sent from my iPhone", "-- \nAnna", "_______________________\nlist mailing list"])
def test_footer_below_the_quotation_is_not_new(below: str) -> None:
    """A signature or list footer below a quotation is no answer."""
    assert read_new_text(f"Thank you!\n\n{QUOTE}\n\n{below}").new == "Thank you!"


def test_deeper_marks_in_an_unmarked_quotation() -> None:
    """Marks of an older mail inside a quotation are part of it."""
    reading = read_new_text(f"Thanks\n\nOn 2 Jan 2026, at 10:00, Shop wrote:\n\nDear Anna\n{QUOTE}\nregards")

    assert reading.new == "Thanks"


@pytest.mark.parametrize(
    "text",
    [
        "See below.\n\n---------- Forwarded message ---------\nFrom: Bo\nDate: x\nSubject: y\nTo: z\n\nHi Anna",
        "Anfang der weitergeleiteten Nachricht:\n\nVon: Bo\nBetreff: y\nAn: z\n\nHallo",
    ],
)
def test_forwarded_mail_stays_whole(text: str) -> None:
    """What somebody forwards is what he wants to be read."""
    reading = read_new_text(text)

    assert (reading.new, reading.quoted) == (text, "")
    assert reading.forwarded_from == Correspondent(None, "Bo")


def test_mail_of_nothing_but_a_quotation_stays_whole() -> None:
    """Where nothing would be left everything stays."""
    assert read_new_text(QUOTE) == Reading(QUOTE)


@pytest.mark.parametrize(
    ("signature", "kept"),
    [
        ("-- \nAnna Miller\nTel. 123", "Anna Miller\nTel. 123"),
        ("--\nAnna", "Anna"),
        ("__\nAnna", "Anna"),
        ("Sent from my iPhone", "Sent from my iPhone"),
        ("Von meinem iPhone gesendet", "Von meinem iPhone gesendet"),
        ("Gesendet mit der GMX Mail App", "Gesendet mit der GMX Mail App"),
        ("Inviato da iPhone", "Inviato da iPhone"),
        ("Get Outlook for iOS\n", "Get Outlook for iOS"),
    ],
)
def test_signatures(signature: str, kept: str) -> None:
    """A signature is parted from the text and kept."""
    assert read_new_text(f"Thank you!\n\n{signature}") == Reading("Thank you!", "", kept)


@pytest.mark.parametrize(
    "text",
    [
        "a\n-- \n" + "long text\n" * 30 + "x" * 3_000,
        "Sent from my iPhone it looks odd.\n\na\n\nb\n\nc\n\nd",
        "Sent from " + "x" * 300,
        "--",
    ],
)
def test_what_is_too_much_for_a_signature_stays(text: str) -> None:
    """Long text below dashes, and a telephone's line that is not at the end, are new text."""
    assert read_new_text(text).signature == ""


def test_marked_ranges_are_quoted() -> None:
    """What the HTML marked as quoted is quoted, and text around it is new."""
    assert read_new_text("above\nold\nbelow", quotes=[(6, 10)]) == Reading("above\nbelow", "old")


def test_rule_above_a_marked_range_is_quoted() -> None:
    """The line that Outlook on the web draws above the mail it quotes is none of the sender's."""
    assert read_new_text("above\n\n---\nold", quotes=[(11, 14)]) == Reading("above", "---\nold")


@pytest.mark.parametrize(
    "inside", ["> a\nanswer\n> b", "On x wrote:\n> a\nanswer\n> b", "---------- Forwarded message ----------\nx"]
)
def test_marked_ranges_with_answers_inside_stay_whole(inside: str) -> None:
    """A marked range that the sender wrote into, or that is a forwarded mail, is no quotation to cut."""
    text = f"above\n{inside}"

    assert read_new_text(text, quotes=[(6, len(text))]).new == text


def test_long_text_is_all_new() -> None:
    """Beyond the limit nothing is looked for."""
    text = f"a\n{QUOTE}"

    assert read_new_text(text, longest=10) == Reading(text)


def test_openings_are_looked_for_up_to_a_limit() -> None:
    """After many lines that could be openings the rest is taken as text."""
    text = "a: b\n" * 3_001 + f"On 2 Jan 2026, at 10:00, Shop wrote:\n{QUOTE}"

    assert read_new_text(text).quoted == ""


def test_long_lines_are_no_openings() -> None:
    """A line longer than any opening is text."""
    text = "On 2 Jan 2026 " + "x " * 300 + "wrote:\nhello"

    assert read_new_text(text) == Reading(text)


def test_opening_is_joined_from_short_lines_only() -> None:
    """Long lines above a verb are not searched for the beginning of an opening."""
    text = "On 2 Jan 2026 " + "x" * 480 + "\n" + "y" * 480 + "\nthe author wrote:\nhello"

    assert read_new_text(text) == Reading(text)


def test_verb_before_marked_lines_is_an_opening() -> None:
    """A line that only ends like an opening is one if marked lines follow."""
    assert read_new_text(f"Thanks\n\nmy shop wrote:\n{QUOTE}").new == "Thanks"


LINES = [
    "> a", "On 2 Jan 2026 x wrote:", "", "text", "-- ", "From: x", "To: y", "Subject: z", " ", "_____",
    "-----Original Message-----", "Sent from my iPhone",
]  # fmt: skip


@given(st.lists(st.sampled_from(LINES), max_size=14))
def test_no_line_is_lost(lines: list[str]) -> None:
    """Every word of the text is in one of the three parts, but for the dashes of a signature."""
    text = "\n".join(lines)
    reading = read_new_text(text)

    parts = f"{reading.new}\n{reading.quoted}\n{reading.signature}".split("\n")
    assert {line.strip() for line in lines} - {"", "--"} <= {line.strip() for line in parts}
    assert reading.new or not text.strip()


def test_a_hundred_thousand_marked_signatures_are_read_in_time() -> None:
    """Of the signatures that the program marked only the last can end the text, so that each costs next to nothing."""
    signatures = [(2 * number, 2 * number + 1) for number in range(100_000)]
    started = time.process_time()
    reading = read_new_text("z\n" * 100_000 + "\U0001f600" * 1_500_000, signatures=signatures)

    assert time.process_time() - started < 5
    assert reading.signature == ""


@pytest.mark.parametrize(
    "text",
    [
        "Late.\nOn 2 Jan 2026 at 10:30 UPS wrote:\n\nIt is late.",
        "Late.\n\nOn 2 Jan 2026 at 10:30 UPS wrote:\nIt is late.",
        "Guten Tag,\nam 02.01.2026 um 10:30 schrieb DHL:\nEs kommt.\nEs kam nicht.",
    ],
)
def test_sentence_in_a_paragraph_is_no_opening(text: str) -> None:
    """Without an address and without marks below, a program puts blank lines around it."""
    assert read_new_text(text) == Reading(text)


@pytest.mark.parametrize(
    ("above", "quoted"),
    [
        ("Yes.\n\n", "2011/4/7 Shop <help@shop.example>\n\n> a\n> b"),
        ("Yes.\n", "2011/12/31 Shop & Co <help@shop.example>\n> a\n> b"),
        ("Yes.\n\n2011/4/7 Shop\n\n", "> a\n> b"),
        ("2011/4/7 Shop <help@shop.example>\n\n\n\n", "> a\n> b"),
        ("Yes", " On Tue, Jan 13, 2026 at 3:59 PM, Shop <help@shop.example> wrote:\n> a\n> b"),
        ("Yes", "-- On Tuesday, 13 January, 2026 at 3:59 PM, Shop wrote:\n\n> a\n> b"),
    ],
)
def test_opening_without_colon_or_line_break(above: str, quoted: str) -> None:
    """As Gmail wrote it where the year comes first, and as relays leave it."""
    assert read_new_text(above + quoted) == Reading(above.strip(), quoted.lstrip(" -"))


def test_opening_below_nothing_is_all_there_is() -> None:
    """An answer below it is still found."""
    assert read_new_text("2011/4/7 Shop <help@shop.example>\n\n> a\n> b\n\nYes.").new == "Yes."


def test_opening_in_a_line_counts_only_above_marked_lines() -> None:
    """Otherwise it may be a person's own sentence."""
    text = "She said it On Tue, Jan 13, 2026 at 3:59 PM, Shop wrote:\nno"
    assert read_new_text(text) == Reading(text)
