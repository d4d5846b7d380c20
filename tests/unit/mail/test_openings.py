"""Openings, header blocks, banners and lines of telephones in each language, as programs write them."""

import pytest

from customerservice.domain.email_address import EmailAddress
from customerservice.mail import Correspondent, parse
from customerservice.mail.forwards import is_forward_banner, is_forward_subject, original_sender, read_mailbox
from customerservice.mail.html_marks import may_quote
from customerservice.mail.html_text import html_to_text
from customerservice.mail.openings import header_block, is_original_banner, label, opening
from customerservice.mail.quotations import Reading, read_new_text
from customerservice.mail.signatures import is_sent_from

# From the translations of Thunderbird 153, Evolution 3.46, Geary 43 and Roundcube 1.6, with what they fill in.
OPENINGS = [
    "На 02.01.26 г. в 10:00, Shop написа:",
    "В 10:00 +0200 на 02.01.2026 (пт), Shop написа:",
    "Dne 02. 01. 26 v 10:00 Shop napsal(a):",
    "Shop píše v Pá 02. 01. 2026 v 10:00 +0100:",
    "Den 02.01.2026 kl. 10.00 skrev Shop:",
    "fre, 02 01 2026 kl. 10:00 +0100, skrev Shop <help@shop.example>:",
    "Shop skrev den 2026-01-02 10:00:",
    "Am Freitag, dem 02.01.2026 um 10:00 +0100 schrieb Shop:",
    "Am 2026-01-02 10:00, schrieb Shop:",
    "Στις 2/1/26 10:00, ο/η Shop έγραψε:",
    "El 2/1/26 a las 10:00, Shop escribió:",
    "Shop kirjoitti 2.1.2026 klo 10.00:",
    "pe, 2026-01-02 kello 10:00 +0200, Shop kirjoitti:",
    "Le vendredi 02 janvier 2026 à 10:00 +0100, Shop a écrit\u00a0:",
    "בתאריך 2.1.2026 10:00, Shop כתב:",
    "02.01.2026. u 10:00, Shop piše:",
    "Dana 2026-01-02 10:00, Shop je napisao(la):",
    "2026. 01. 02. 10:00 keltezéssel, Shop írta:",
    "Il giorno ven, 02/01/2026 alle 10.00 +0100, Shop ha scritto:",
    "2026-01-02 に 10:00 Shop さんは書きました:",
    "2026. 1. 2. 오전 10:00에 Shop 이(가) 쓴 글:",
    "Den 02.01.2026 10:00, skrev Shop:",
    "Op 02-01-2026 om 10:00 schreef Shop:",
    "Shop schreef op vr 02-01-2026 om 10:00 [+0100]:",
    "Op 2 jan. 2026 10:00 heeft Shop geschreven:",
    "W\u00a0dniu pt, 02.01.2026 o\u00a0godzinie 10\u223600\u2009+0100, użytkownik Shop napisał:",
    "Em 02/01/2026 10:00, Shop escreveu:",
    "Às 10:00 de 02/01/2026, Shop escreveu:",
    "La 02.01.2026 10:00, Shop a scris:",
    "În data de Vi, 02-01-2026 la 10:00 +0200, Shop a scris:",
    "02.01.2026 10:00, Shop пишет:",
    "В Пт, 02/01/2026 в 10:00 +0300, Shop пишет:",
    "Dňa 2. 1. 2026 o 10:00 Shop napísal(a):",
    "fre 2026-01-02 klockan 10:00 +0100 skrev Shop:",
    "2.01.2026 10:00 tarihinde Shop yazdı:",
    "2.01.2026 10:00, Shop <help@shop.example>:",
    "У Пт, 2026-01-02 у 10:00 +0200, Shop пише:",
    "在 2026/1/2 10:00, Shop 写道:",
    "Shop 於 2026/1/2 10:00 寫道:",
    "Vào Th 6, 2 thg 1, 2026 vào lúc 10:00 Shop <help@shop.example> đã viết:",
    "در جمعه ۲ ژانویه ۲۰۲۶ ساعت ۱۰:۰۰ Shop نوشته بود:",
    "في 2026-01-02 10:00، كتب Shop:",
    "Shop <help@shop.example> wrote:",
    "Quoting Shop <help@shop.example>:",
    "-----Shop <help@shop.example> wrote: -----",
    "---- On Fri, 02 Jan 2026 10:00:00 +0100 help@shop.example wrote ----",
]


@pytest.mark.parametrize("line", OPENINGS)
def test_opening_is_known_in_each_language(line: str) -> None:
    """Without any mark on the lines below it."""
    reading = read_new_text(f"Thank you, Anna.\n\n{line}\n\nHello Anna,\nyour parcel left us.")

    assert reading.new == "Thank you, Anna."
    assert reading.quoted.startswith(line)


@pytest.mark.parametrize(
    "line",
    [
        "I wrote to you on 2 January 2026 at 10:00:",
        "Am 02.01.2026 um 10:00 habe ich Ihnen geschrieben:",
        "Le 2 janvier 2026 à 10:00 vous m'avez écrit :",
        "On page 12 the author wrote:",
        "Yesterday at 10:30 the driver wrote:",
        "Please answer to help@shop.example:",
        "Opening hours since 2026:",
        "2.1.2026 10:00:",
        "wrote: ----",
        "a -",
    ],
)
def test_sentence_is_no_opening(line: str) -> None:
    """Words of a person, or too little to be a program's line."""
    text = f"Hello,\n\n{line}\nnothing came.\n\nWhy?"

    assert read_new_text(text) == Reading(text)


@pytest.mark.parametrize(
    "line", ["Shop idatzi zuen 2026-01-02 10:00:", "2026-01-02 10:00, Shop:", "Shop idatzi: a@b.example:"]
)
def test_unknown_words_open_marked_lines(line: str) -> None:
    """Above marked lines a moment or an address is enough, whatever the language."""
    assert read_new_text(f"Yes.\n\n{line}\n> Is it red?\n> Or blue?").new == "Yes."


def test_opening_needs_its_end() -> None:
    """A line that ends with nothing of the kind opens nothing."""
    assert opening(["On 2 Jan 2026 at 10:00 Shop wrote"], 0) is None


BLOCKS = [
    ("Od", "Odesláno", "Komu", "Předmět"),
    ("Fra", "Sendt", "Til", "Emne"),
    ("Von", "Gesendet", "An", "Betreff"),
    ("Από", "Στάλθηκε", "Προς", "Θέμα"),
    ("De", "Enviado el", "Para", "Asunto"),
    ("Lähettäjä", "Lähetetty", "Vastaanottaja", "Aihe"),
    ("De", "Envoyé", "À", "Objet"),
    ("מאת", "נשלח", "אל", "נושא"),
    ("Feladó", "Elküldve", "Címzett", "Tárgy"),
    ("Da", "Inviato", "A", "Oggetto"),
    ("差出人", "送信日時", "宛先", "件名"),
    ("보낸 사람", "보낸 날짜", "받는 사람", "제목"),
    ("Van", "Verzonden", "Aan", "Onderwerp"),
    ("Od", "Wysłano", "Do", "Temat"),
    ("De", "Enviada em", "Para", "Assunto"),
    ("De la", "Trimis", "Către", "Subiect"),
    ("От", "Отправлено", "Кому", "Тема"),
    ("Від", "Надіслано", "Кому", "Тема"),
    ("Från", "Skickat", "Till", "Ämne"),
    ("Kimden", "Gönderildi", "Kime", "Konu"),
    ("发件人", "发送时间", "收件人", "主题"),
    ("寄件者", "寄件日期", "收件者", "主旨"),
    ("من", "تم الإرسال", "إلى", "الموضوع"),
    ("از", "تاریخ", "به", "موضوع"),
]
VALUES = ("Shop <help@shop.example>", "2.1.2026 10:00", "Anna", "4711")


@pytest.mark.parametrize("names", BLOCKS, ids=" ".join)
@pytest.mark.parametrize("form", ["{}: {}", "*{}:* {}", "{} : {}", "{}\uff1a{}"])
def test_header_block_is_known_in_each_language(names: tuple[str, ...], form: str) -> None:
    """With plain or bold labels, with blanks before the colon, with wide colons."""
    block = "\n".join(form.format(name, value) for name, value in zip(names, VALUES, strict=True))
    reading = read_new_text(f"Thank you.\n\n{block}\n\nHello")

    assert reading.new == "Thank you."
    assert header_block(block.split("\n"), 0) == 4


@pytest.mark.parametrize(
    ("lines", "end"),
    [
        (["Date: 2.1.2026 10:00", "Subject: x", "From: a@b.example", "To: c@d.example", "", "x"], 4),
        (["From: a@b.example", "", "Sent: 2.1.2026 10:00", "", "Subject: x", "", "", "x"], 5),
        (["From: Shop", "To: Anna <anna@mail.example>,", "Bo <bo@mail.example>", "Subject: x", "x"], 4),
        (["From: Shop Sent: Friday To: Anna Subject: Order", "x"], 1),
        (["From: a@b.example", "Date: 2.1.2026 10:00", "To: c@d.example", "x"], 3),
        (["From: a@b.example", "Subject: b", "To: c", "From: d", "To: e"], 3),
        (["From: Store North", "To: Anna", "Date: 2.3.2026", "Subject: chair"], None),
        (["From: 10 cm", "To: 20 cm", "Date: May"], None),
        (["Subject: a", "From: b", "To: c"], None),
        (["From: a Sent: b"], None),
        (["To: a", "Date: b", "Subject: c"], None),
        (["Cc: a", "From: b", "Subject: c", "To: d"], None),
        (["From: a", "x", "y", "z", "q", "Subject: c", "To: d"], None),
        (["From: a", "", "x", "Subject: c", "To: d"], None),
        (["To: a", "x", "From: " + "b" * 600, "Subject: c"], None),
    ],
)
def test_header_blocks(lines: list[str], end: int | None) -> None:
    """From with Subject and one more, or proven by an address or a moment; in any order, on one line or on many."""
    assert header_block(lines, 0) == end


def test_label_means_what_it_says() -> None:
    """Whatever marks stand around it; a word that is none means nothing."""
    assert (label("> *Subject:* x"), label("\u200fנושא: x"), label("http://x"), label("x")) == (
        "subject",
        "subject",
        None,
        None,
    )


@pytest.mark.parametrize(
    "line",
    [
        "--- Treść oryginalnej wiadomości ---",
        "-------- Alkuperäinen viesti / Orig.Msg. --------",
        "-------- 원본 메시지 --------",
        "-----الرسالة الأصلية-----",
        "-------- הודעה מקורית --------",
        "------------------ 原始邮件 ------------------",
        "-------- Pôvodná správa --- Original Message --------",
        "----- Mail original -----",
        "*-----Original Message-----*",
    ],
)
def test_banners_of_answers(line: str) -> None:
    """In any language, and no banner of a forward."""
    assert is_original_banner(line)
    assert not is_forward_banner(line)


@pytest.mark.parametrize(
    "line",
    [
        "---------- Forwarded message ---------",
        "-------- Weitergeleitete Nachricht --------",
        "-------- Message transféré --------",
        "----- Message transmis -----",
        "-------- Mensaje reenviado --------",
        "-------- Messaggio Inoltrato --------",
        "-------- Mensagem reencaminhada --------",
        "-------- Doorgestuurd bericht --------",
        "--- Treść przekazanej wiadomości ---",
        "-------- Vidarebefordrat meddelande --------",
        "-------- Videresendt melding --------",
        "-------- Välitetty viesti / Fwd.Msg --------",
        "-------- Přeposlaná zpráva --------",
        "-------- Перенаправленное сообщение --------",
        "-------- Переслане повідомлення --------",
        "-------- İletilen İleti --------",
        "-------- Προωθημένο μήνυμα --------",
        "-------- הודעה שהועברה --------",
        "-------- رسالة ممرّرة --------",
        "-------- پیام ارجاع داده شده --------",
        "-------- 转发的消息 --------",
        "-------- 轉寄郵件 --------",
        "-------- 전달된 메시지 --------",
        "-------- Továbbított üzenet --------",
        "-------- Mesaj redirecționat --------",
        "-------- Препратено писмо --------",
        "-------- Proslijeđena poruka --------",
        "Begin forwarded message:",
        "> Anfang der weitergeleiteten Nachricht:",
        "Début du message réexpédié :",
        "Inizio messaggio inoltrato:",
        "*Vidarebefordrat mejl:*",
    ],
)
def test_banners_of_forwards(line: str) -> None:
    """In any language, and no banner of an answer."""
    assert is_forward_banner(line)
    assert not is_original_banner(line)


def test_subjects_of_forwards() -> None:
    """The first prefix counts."""
    assert [
        is_forward_subject(subject) for subject in ("WG: x", "[shop] TR : x", "转发：x", "Re: Fwd: x", "Fwds", None)
    ] == [
        True,
        True,
        True,
        False,
        False,
        False,
    ]


@pytest.mark.parametrize(
    ("text", "address", "name"),
    [
        ("Bo Smith <bo@x.example>", "bo@x.example", "Bo Smith"),
        ('"Smith, Bo" <mailto:bo@x.example>', "bo@x.example", "Smith, Bo"),
        ("Bo [mailto:bo@x.example]", "bo@x.example", "Bo"),
        ("bo@x.example <bo@x.example>", "bo@x.example", ""),
        ("*Bo* (bo@x.example)", "bo@x.example", "Bo"),
        ("Bo", None, "Bo"),
        ("Bo <bo@-..example.>", None, "Bo"),
    ],
)
def test_mailboxes(text: str, address: str | None, name: str) -> None:
    """As programs write them into banners."""
    assert read_mailbox(text) == Correspondent(None if address is None else EmailAddress(address), name)


def test_sender_of_a_forward() -> None:
    """The From below the banner; nothing where there is none, a name where its address is not on the next line."""
    assert read_mailbox("  ") is None
    assert original_sender(["x", "To: bo@x.example"]) is None
    assert original_sender(["From: Bo", "To: anna@x.example"]) == Correspondent(None, "Bo")
    assert original_sender(["From: Bo", "<bo@x.example>"]) == Correspondent(EmailAddress("bo@x.example"), "Bo")
    assert original_sender(["From: " + "x" * 600, "From: Bo"]) == Correspondent(None, "Bo")


SENT_FROM = [
    "Sent from my iPhone",
    "Sent from my Galaxy S24 Ultra",
    "Sent from Outlook for Android<https://aka.ms/x>",
    "Get Outlook for iOS",
    "Sent from Yahoo Mail for iPad",
    "Sent with Proton Mail secure email.",
    "Von meinem iPhone gesendet",
    "Gesendet mit der GMX Mail App",
    "Gesendet von Outlook für Android",
    "Envoyé de mon iPhone",
    "Envoyé depuis mon téléphone",
    "Enviado desde mi iPhone",
    "Inviato da iPhone",
    "Enviado do meu iPhone",
    "Verstuurd vanaf mijn iPhone",
    "Verzonden vanuit Outlook voor iOS",
    "Wysłane z iPhone’a",
    "Skickat från min iPhone",
    "Sendt fra min iPhone",
    "Lähetetty iPhonesta",
    "Odesláno z iPhonu",
    "Отправлено с iPhone",
    "Надіслано з iPhone",
    "iPhone’umdan gönderildi",
    "Στάλθηκε από το iPhone μου",
    "נשלח מה-iPhone שלי",
    "أرسلت من الـ iPhone",
    "ارسال شده از iPhone",
    "iPhoneから送信",
    "发自我的iPhone",
    "從我的 iPhone 傳送",
    "나의 iPhone에서 보냄",
    "Trimis de pe iPhone-ul meu",
    "Odoslané z iPhonu",
    "Изпратено от моя iPhone",
    "Sent from my Huawei phone",
    "Отправлено из Яндекс Почты",
]


@pytest.mark.parametrize("line", SENT_FROM)
def test_lines_of_telephones(line: str) -> None:
    """In any language and of any program."""
    assert is_sent_from(line)
    assert read_new_text(f"Thank you.\n\n{line}\n") == Reading("Thank you.", "", line)


@pytest.mark.parametrize(
    "line",
    [
        "Sent from my house",
        "Sent from my desk, is easier than my phone.",
        "Sent from my iPhone it looks odd today",
        "",
        "x" * 300,
    ],
)
def test_sentences_are_no_lines_of_telephones(line: str) -> None:
    """Nor is what is too long."""
    assert not is_sent_from(line)


@pytest.mark.parametrize(
    "marker",
    [
        "##- Please type your reply above this line -##",
        "-- Reply above this line --",
        "=== Bitte antworten Sie über dieser Linie ===",
        "--- Veuillez répondre au-dessus de cette ligne ---",
        "--- Rispondi sopra questa riga ---",
        "~~~ Antwoord boven deze regel ~~~",
    ],
)
@pytest.mark.parametrize("above", ["", "\n\n2026-01-02 10:00 a@b.example\nidatzi zuen:\n"])
def test_text_above_the_line_of_a_help_desk(marker: str, above: str) -> None:
    """With an opening in unknown words right above it, or none."""
    reading = read_new_text(f"Blue.\n{above}\n{marker}\n\nWhich colour?")

    assert reading.new == "Blue."
    assert reading.quoted.endswith("Which colour?")


def test_history_that_goes_on_is_quoted() -> None:
    """Older mail below marked lines, with an opening of its own."""
    text = "Yes.\n\nOn 2 Jan 2026, at 10:00, Shop wrote:\n> Is it red?\n> Or blue?\n\n-----Original Message-----\nred?"

    assert read_new_text(text).new == "Yes."


def test_html_tells_where_the_text_says_nothing() -> None:
    """If both say the same above the quotation; links and pictures count for nothing."""
    html = "<p>Blue, <a href='https://x.example/'>this</a>.</p><div class=gmail_quote>Sorat Shop<br>Red?</div>"

    assert (
        read_new_text("Blue, this <https://x.example/>.\nSorat Shop\nRed?", html=html).new
        == "Blue, this <https://x.example/>."
    )


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("Blue.\nRed?", "<p>Blue.</p><p>Red?</p>"),
        ("Other.\nRed?", "<p>Blue.</p><div class=gmail_quote>Red?</div>"),
        ("Blue", "<p>Blue and green.</p><div class=gmail_quote>Red?</div>"),
        ("Red?", "<div class=gmail_quote>Red?</div>"),
        ("a\n\nb", "<p>.</p><div class=gmail_quote>b</div>"),
        ("a", "<p>quote</p>"),
    ],
)
def test_html_that_says_otherwise_is_not_heard(text: str, html: str) -> None:
    """Where it marks nothing, or is another text."""
    assert read_new_text(text, html=html) == Reading(text)


@pytest.mark.parametrize(
    ("html", "quoted", "signed"),
    [
        ("a<hr class=x><hr>b<blockquote type=cite>c</blockquote>", True, False),
        ("a<div class='x_x_gmail_quote'>b</div>", True, False),
        ("a<div class=quote>b</div>", False, False),
        ("a<div id=Signature><div>b</div></div>", False, True),
        ("a<div class=Signature>b</div>", False, False),
        ("a<div class=gmail_quote>b<div class=gmail_signature>c</div></div>", True, False),
        ("a<div class=gmail_signature>b", False, True),
    ],
)
def test_marks_of_html(html: str, *, quoted: bool, signed: bool) -> None:
    """Only the names that programs give."""
    found = html_to_text(html)

    assert (bool(found.quotes), bool(found.signatures)) == (quoted, signed)
    assert may_quote(html) == ("quote" in html)


def test_marked_signature_is_taken_only_from_the_end() -> None:
    """One with text below it stays, as does one that is all there is; lines above it may still quote."""
    assert read_new_text("a\nb\nc", signatures=[(2, 4)]) == Reading("a\nb\nc")
    assert read_new_text("b", signatures=[(0, 1)]) == Reading("b")
    assert read_new_text("a\nb", signatures=[(2, 3)]) == Reading("a", "", "b")
    text = "a\nOn 2 Jan 2026, at 10:00, Shop <a@b.example> wrote:\nc\nb"
    assert read_new_text(text, signatures=[(len(text) - 1, len(text))]).new == "a"


def test_footer_below_a_marked_quotation_is_none_of_the_answer() -> None:
    """As programs put their line at the very end."""
    assert read_new_text("Yes.\nold\nSent from my iPhone", quotes=[(5, 9)]).new == "Yes."


def test_forward_within_a_range_names_its_sender() -> None:
    """A range that begins with a banner is a forwarded mail."""
    text = "See.\n---------- Forwarded message ---------\nFrom: Bo <bo@x.example>\n\nHi"
    reading = read_new_text(text, quotes=[(5, len(text))])

    assert reading.new == text
    assert reading.forwarded_from == Correspondent(EmailAddress("bo@x.example"), "Bo")


def test_only_a_persons_mail_is_forwarded() -> None:
    """What a bounce returns is no forwarded mail."""
    inner = b"Content-Type: message/rfc822\n\nFrom: bo@x.example\n\nHi\n"
    person = parse(b"From: a@x.example\nContent-Type: multipart/mixed; boundary=b\n\n--b\n" + inner + b"--b--\n")
    robot = parse(
        b"Auto-Submitted: auto-replied\nContent-Type: multipart/mixed; boundary=b\n\n--b\n" + inner + b"--b--\n"
    )

    assert person.forwarded_from == Correspondent(EmailAddress("bo@x.example"))
    assert robot.forwarded_from is None
