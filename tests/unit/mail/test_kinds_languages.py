"""Automatic answers in each language: every form of header with every language, and people who use the same words."""

from base64 import b64encode
from collections.abc import Mapping

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mail_samples import mail

from customerservice.mail import MailKind, parse
from customerservice.mail.machine_words import FURTHER_AUTOMATIC, WORDS


@attrs.frozen(kw_only=True)
class Sample:
    """What an absent person's program writes in one language, and what a customer does.

    Attributes:
        automatic: a subject that calls itself an automatic answer, before the colon.
        notice: a subject that calls itself a notice of absence.
        away: a subject that tells of absence.
        absent: a text that tells of absence.
        itself: a text that calls itself an automatic answer, and tells of absence.
        bounced: the subject of a bounce, before the colon.
        undelivered: the text of a bounce.
        customer: subject and text of a customer who writes of an absence and an automatic answer.
        complaint: subject and text of a customer whose parcel did not arrive.
    """

    automatic: str
    notice: str
    away: str
    absent: str
    itself: str
    bounced: str
    undelivered: str
    customer: tuple[str, str]
    complaint: tuple[str, str]


SAMPLES: Mapping[str, Sample] = {
    "en": Sample(
        automatic="Automatic reply",
        notice="Out of Office AutoReply",
        away="Out of office",
        absent="I am out of the office until Monday.",
        itself="This is an automatic reply. I am on annual leave until Monday.",
        bounced="Undeliverable",
        undelivered="Your message could not be delivered to the recipient.",
        customer=(
            "Out of office next week",
            "I only got an automatic reply. I am out of the office until Monday: when do you deliver my order?",
        ),
        complaint=(
            "Delivery failure of order 123",
            "The parcel was returned to sender, they say the address is unknown. My message was not delivered either.",
        ),
    ),
    "de": Sample(
        automatic="Automatische Antwort",
        notice="Abwesenheitsnotiz",
        away="Nicht im Büro",
        absent="Ich bin bis Montag nicht im Büro.",
        itself="Dies ist eine automatische Antwort. Ich bin im Urlaub und lese keine Nachrichten.",
        bounced="Unzustellbar",
        undelivered="Ihre Nachricht konnte nicht zugestellt werden.",
        customer=(
            "Im Urlaub ab Freitag",
            "Nur eine automatische Antwort! Ich bin ab Freitag im Urlaub, bitte die Lieferung danach.",
        ),
        complaint=(
            "Lieferung fehlgeschlagen",
            "Das Paket konnte nicht zugestellt werden, Empfänger unbekannt hieß es.",
        ),
    ),
    "fr": Sample(
        automatic="Réponse automatique ",
        notice="Message d'absence",
        away="Absent du bureau",
        absent="Je suis absente jusqu'au 12 mars.",
        itself="Ceci est une réponse automatique. Je suis en congé jusqu'au 12 mars.",
        bounced="Non remis ",
        undelivered="Votre message n'a pas pu être remis à son destinataire.",
        customer=(
            "Absence la semaine prochaine",
            "Je suis absente la semaine prochaine et je n'ai eu qu'une réponse automatique. Où est ma commande ?",
        ),
        complaint=("Échec de livraison", "Le colis n'a pas été livré, l'adresse serait inconnue."),
    ),
    "es": Sample(
        automatic="Respuesta automática",
        notice="Aviso de ausencia",
        away="Fuera de la oficina",
        absent="Estoy fuera de la oficina hasta el lunes.",
        itself="Este es un mensaje automático. Estoy de vacaciones hasta el lunes.",
        bounced="No se puede entregar",
        undelivered="Su mensaje no se ha podido entregar al destinatario.",
        customer=(
            "De vacaciones en agosto",
            "Estaré de vacaciones en agosto y solo recibí una respuesta automática. ¿Cuándo llega el pedido?",
        ),
        complaint=("Error en la entrega", "El paquete fue devuelto, dicen que la dirección no existe."),
    ),
    "it": Sample(
        automatic="Risposta automatica",
        notice="Avviso di assenza",
        away="Fuori ufficio",
        absent="Sono fuori ufficio fino a lunedì.",
        itself="Questa è una risposta automatica. Sono in ferie fino a lunedì.",
        bounced="Non recapitabile",
        undelivered="Il messaggio non è stato recapitato al destinatario.",
        customer=(
            "Assente in agosto",
            "In agosto sono in ferie e ho avuto solo una risposta automatica. Dov'è il mio pacco?",
        ),
        complaint=("Mancata consegna ordine 12", "Il pacco è stato respinto, il corriere dice indirizzo sconosciuto."),
    ),
    "pt": Sample(
        automatic="Resposta automática",
        notice="Aviso de ausência",
        away="Fora do escritório",
        absent="Estou fora do escritório até segunda-feira.",
        itself="Esta é uma resposta automática. Estou de férias até segunda-feira.",
        bounced="Não é possível entregar",
        undelivered="A sua mensagem não pôde ser entregue.",
        customer=(
            "De férias em agosto",
            "Estou de férias em agosto e só recebi uma resposta automática. Quando chega a encomenda?",
        ),
        complaint=("Falha na entrega", "A encomenda foi devolvida, dizem que o endereço não existe."),
    ),
    "nl": Sample(
        automatic="Automatisch antwoord",
        notice="Afwezigheidsbericht",
        away="Niet aanwezig",
        absent="Ik ben tot maandag afwezig.",
        itself="Dit is een automatisch antwoord. Ik ben met vakantie tot maandag.",
        bounced="Onbestelbaar",
        undelivered="Uw bericht kon niet worden bezorgd.",
        customer=(
            "Op vakantie in juli",
            "Ik ben in juli op vakantie en kreeg alleen een automatisch antwoord. Waar blijft mijn pakket?",
        ),
        complaint=("Bezorging mislukt", "Het pakket kon niet worden bezorgd, adres onbekend zeggen ze."),
    ),
    "pl": Sample(
        automatic="Odpowiedź automatyczna",
        notice="Powiadomienie o nieobecności",
        away="Poza biurem",
        absent="Do poniedziałku jestem poza biurem.",
        itself="To jest automatyczna odpowiedź. Do poniedziałku przebywam na urlopie.",
        bounced="Nie można dostarczyć",
        undelivered="Wiadomość nie została dostarczona.",
        customer=(
            "Nieobecność w lipcu",
            "W lipcu jestem na urlopie, a dostałam tylko odpowiedź: automatyczna. Kiedy przyjdzie paczka?",
        ),
        complaint=("Nie dostarczono paczki", "Przesyłka wróciła, podobno adres nie istnieje."),
    ),
    "sv": Sample(
        automatic="Automatiskt svar",
        notice="Frånvaromeddelande",
        away="Inte på kontoret",
        absent="Jag är inte på kontoret förrän på måndag.",
        itself="Detta är ett automatiskt svar. Jag är på semester till måndag.",
        bounced="Kan inte levereras",
        undelivered="Meddelandet kunde inte levereras.",
        customer=(
            "På semester i juli",
            "Jag är på semester i juli och fick bara ett autosvar. När kommer mitt paket?",
        ),
        complaint=("Paketet kunde inte levereras", "Försändelsen kom tillbaka, okänd mottagare står det."),
    ),
    "da": Sample(
        automatic="Automatisk svar",
        notice="Fraværsmeddelelse",
        away="Ikke til stede",
        absent="Jeg er ikke på kontoret før mandag.",
        itself="Dette er et automatisk svar. Jeg holder ferie til mandag.",
        bounced="Kan ikke leveres",
        undelivered="Meddelelsen kunne ikke leveres.",
        customer=(
            "På ferie i juli",
            "Jeg er på ferie i juli og fik kun et autosvar. Hvornår kommer min pakke?",
        ),
        complaint=("Pakken blev ikke leveret", "Forsendelsen kom retur, ukendt modtager stod der."),
    ),
    "nb": Sample(
        automatic="Automatisk svar",
        notice="Fraværsmelding",
        away="Ikke på kontoret",
        absent="Jeg er ikke på kontoret før mandag.",
        itself="Dette er en automatisk melding. Jeg er på ferie til mandag.",
        bounced="Kunne ikke leveres",
        undelivered="Meldingen kunne ikke leveres.",
        customer=(
            "På ferie i juli",
            "Jeg er på ferie i juli og fikk bare et autosvar. Når kommer pakken?",
        ),
        complaint=("Pakken ble ikke levert", "Sendingen kom i retur, ukjent mottaker sto det."),
    ),
    "fi": Sample(
        automatic="Automaattinen vastaus",
        notice="Poissaoloviesti",
        away="Poissa toimistosta",
        absent="En ole toimistolla ennen maanantaita.",
        itself="Tämä on automaattinen vastaus. Olen lomalla maanantaihin asti.",
        bounced="Toimittaminen ei onnistu",
        undelivered="Viestiä ei voitu toimittaa.",
        customer=(
            "Poissa heinäkuussa",
            "Olen lomalla heinäkuussa ja sain vain automaattivastauksen. Milloin paketti tulee?",
        ),
        complaint=("Toimitus epäonnistui", "Paketti palautettiin, vastaanottaja tuntematon."),
    ),
    "cs": Sample(
        automatic="Automatická odpověď",
        notice="Oznámení o nepřítomnosti",
        away="Mimo kancelář",
        absent="Do pondělí jsem mimo kancelář.",
        itself="Toto je automatická odpověď. Do pondělí čerpám dovolenou.",
        bounced="Nedoručitelné",
        undelivered="Vaši zprávu se nepodařilo doručit.",
        customer=(
            "Dovolená v srpnu",
            "V srpnu jsem na dovolené a přišla mi jen automatická odpověď. Kdy dorazí zásilka?",
        ),
        complaint=("Balík nedoručen", "Zásilka se vrátila, prý adresát neexistuje."),
    ),
    "ru": Sample(
        automatic="Автоматический ответ",
        notice="Уведомление об отсутствии",
        away="Вне офиса",
        absent="До понедельника меня нет на рабочем месте.",
        itself="Это автоматический ответ. Я в отпуске до понедельника.",
        bounced="Не удается доставить",
        undelivered="Ваше сообщение не может быть доставлено.",
        customer=(
            "В отпуске до августа",
            "Я в отпуске до августа, а пришёл только автоответ. Когда доставят заказ?",
        ),
        complaint=("Ошибка доставки", "Посылка не доставлена, говорят, адрес не найден."),
    ),
    "uk": Sample(
        automatic="Автоматична відповідь",
        notice="Повідомлення про відсутність",
        away="Поза офісом",
        absent="До понеділка я не в офісі.",
        itself="Це автоматична відповідь. Я у відпустці до понеділка.",
        bounced="Не вдалося доставити",
        undelivered="Повідомлення не було доставлено.",
        customer=(
            "У відпустці до серпня",
            "Я у відпустці до серпня, а прийшла лише автоматична відповідь. Коли буде замовлення?",
        ),
        complaint=("Помилка доставки", "Посилку повернули, кажуть, адресу не знайдено."),
    ),
    "tr": Sample(
        automatic="Otomatik yanıt",
        notice="Ofis dışı bildirimi",
        away="Ofis dışında",
        absent="Pazartesiye kadar ofis dışındayım.",
        itself="Bu otomatik bir yanıttır. Pazartesiye kadar izindeyim.",
        bounced="Teslim edilemedi",
        undelivered="İletiniz teslim edilemedi.",
        customer=(
            "Ağustosta tatildeyim",
            "Ağustosta tatildeyim, bana yalnız otomatik yanıt geldi. Siparişim ne zaman gelir?",
        ),
        complaint=("Kargo teslim edilemedi", "Paket iade edilmiş, alıcı bulunamadı diyorlar."),
    ),
    "el": Sample(
        automatic="Αυτόματη απάντηση",
        notice="Ειδοποίηση απουσίας",
        away="Εκτός γραφείου",
        absent="Είμαι εκτός γραφείου μέχρι τη Δευτέρα.",
        itself="Αυτή είναι μια αυτόματη απάντηση. Απουσιάζω μέχρι τη Δευτέρα.",
        bounced="Δεν ήταν δυνατή η παράδοση",
        undelivered="Το μήνυμά σας δεν παραδόθηκε.",
        customer=(
            "Σε άδεια τον Αύγουστο",
            "Τον Αύγουστο είμαι σε άδεια και πήρα μόνο μια αυτόματη απάντηση. Πότε έρχεται η παραγγελία;",
        ),
        complaint=("Αποτυχία παράδοσης", "Το δέμα επέστρεψε, λένε ότι η διεύθυνση δεν βρέθηκε."),
    ),
    "he": Sample(
        automatic="מענה אוטומטי",
        notice="הודעת היעדרות",
        away="מחוץ למשרד",
        absent="אני מחוץ למשרד עד יום ראשון.",
        itself="זוהי תשובה אוטומטית. אני בחופשה עד יום ראשון.",
        bounced="לא ניתן למסירה",
        undelivered="ההודעה לא נמסרה לנמען.",
        customer=("בחופשה באוגוסט", "אני בחופשה באוגוסט וקיבלתי רק מענה אוטומטי. מתי תגיע ההזמנה?"),
        complaint=("המסירה נכשלה", "החבילה חזרה, אמרו שהכתובת לא נמצאה."),
    ),
    "ar": Sample(
        automatic="رد تلقائي",
        notice="إشعار غياب",
        away="خارج المكتب",
        absent="أنا خارج المكتب حتى يوم الأحد.",
        itself="هذا رد تلقائي. أنا في إجازة حتى يوم الأحد.",
        bounced="تعذر التسليم",
        undelivered="لم يتم تسليم رسالتك.",
        customer=("في إجازة الشهر القادم", "أنا في إجازة الشهر القادم ووصلني رد تلقائي فقط. متى يصل طلبي؟"),
        complaint=("فشل التسليم", "أعيد الطرد، قالوا إن العنوان غير موجود."),
    ),
    "fa": Sample(
        automatic="پاسخ خودکار",
        notice="اعلان عدم حضور",
        away="خارج از دفتر",
        absent="تا شنبه در دفتر نیستم.",
        itself="این یک پاسخ خودکار است. تا شنبه در مرخصی هستم.",
        bounced="تحویل نشد",
        undelivered="پیام شما تحویل داده نشد.",
        customer=("مرخصی در مرداد", "در مرداد مرخصی هستم و فقط پاسخ خودکار گرفتم. سفارش من کی می‌رسد؟"),
        complaint=("تحویل ناموفق", "بسته برگشت خورد، گفتند نشانی پیدا نشد."),
    ),
    "ja": Sample(
        automatic="自動応答",
        notice="不在通知",
        away="外出中",
        absent="月曜日まで不在にしております。",
        itself="このメールは自動返信です。月曜日まで休暇をいただいております。",
        bounced="配信不能",
        undelivered="メールを配信できませんでした。",
        customer=("不在の間の配達について", "来週は不在です。自動返信しか届きません。荷物はいつ届きますか。"),
        complaint=("配達できませんでした", "荷物が届きませんでした。住所不明と言われました。"),
    ),
    "zh": Sample(
        automatic="自动回复",
        notice="外出通知",
        away="不在办公室",
        absent="我周一之前不在办公室。",
        itself="这是自动回复。我周一之前休假。",
        bounced="系统退信",
        undelivered="您的邮件无法送达收件人。",
        customer=("休假期间的配送", "我下周外出，只收到自动回复。我的订单什么时候到？"),
        complaint=("投递失败", "包裹被退回，说地址不存在。"),
    ),
    "ko": Sample(
        automatic="자동 회신",
        notice="부재중 알림",
        away="부재 중",
        absent="월요일까지 휴가입니다.",
        itself="자동 회신입니다. 월요일까지 자리를 비웁니다.",
        bounced="배달되지 않음",
        undelivered="메일을 배달할 수 없습니다. 수신자 주소가 없습니다.",
        customer=("휴가 기간 배송", "다음 주는 휴가입니다. 자동 회신만 받았습니다. 주문은 언제 오나요?"),
        complaint=("배송 실패", "택배가 반송되었습니다. 주소를 찾을 수 없다고 합니다."),
    ),
}

#: The forms in which programs say in the header that they answer.
HEADERS: Mapping[str, Mapping[str, str]] = {
    "RFC 3834": {"Auto-Submitted": "auto-replied"},
    "a comment": {"Auto-Submitted": "auto-replied (vacation)"},
    "a parameter": {"Auto-Submitted": 'auto-replied; owner-email="anna@mail.example"'},
    "Zimbra": {"Auto-Submitted": "auto-replied (zimbra; vacation)", "Precedence": "bulk"},
    "Gmail": {"X-Autoreply": "yes", "Precedence": "bulk"},
    "cPanel": {"X-Autorespond": "Order", "X-Precedence": "auto_reply"},
    "Exim": {"Precedence": "auto_reply"},
    "CommuniGate Pro": {"X-Autogenerated": "Reply"},
    "X-Autoreply-From": {"X-Autoreply-From": "anna@mail.example"},
    "X-Mail-Autoreply": {"X-Mail-Autoreply": "1"},
    "X-Autoresponder": {"X-Autoresponder": "true"},
    "X-Auto-Reply": {"X-Auto-Reply": "true"},
    "FirstClass": {"X-FC-MachineGenerated": "true"},
    "X-POST-MessageClass": {"X-POST-MessageClass": "9; Autoresponder"},
    "Plesk": {"Delivered-To": "Autoresponder"},
    "no return path": {"Return-Path": "<>"},
    "no return path, as Postfix writes it": {"Return-Path": "<MAILER-DAEMON>"},
    "vacation(1)": {"Precedence": "junk"},
}


def encoded(text: str) -> str:
    return f"=?utf-8?b?{b64encode(text.encode()).decode()}?="


def kind_of(text: str, subject: str, header: Mapping[str, str] = {}) -> MailKind:
    fields = {"Content-Type": "text/plain; charset=utf-8", "Subject": encoded(subject), **header}
    return parse(mail(f"{text}\n", **fields)).kind


in_each_language = pytest.mark.parametrize("language", SAMPLES)


def test_samples_have_each_language() -> None:
    """There is a sample of each language whose words are known."""
    assert set(SAMPLES) == {words.language for words in WORDS}


@in_each_language
@pytest.mark.parametrize("header", HEADERS)
def test_header_makes_a_vacation_note_of_a_text_that_tells_of_absence(header: str, language: str) -> None:
    """Each form of header makes an absence note of a text about absence."""
    assert kind_of(SAMPLES[language].absent, "Re: 4711", HEADERS[header]) is MailKind.VACATION


@in_each_language
def test_subject_of_an_automatic_answer(language: str) -> None:
    """A subject that calls itself an automatic answer is enough, before another subject or alone."""
    automatic = SAMPLES[language].automatic

    assert kind_of("4711", f"{automatic}: 4711") is MailKind.AUTO_REPLY
    assert kind_of("4711", automatic.strip()) is MailKind.AUTO_REPLY
    assert kind_of("4711", f"[{automatic.strip()}] 4711") is MailKind.AUTO_REPLY
    assert kind_of(SAMPLES[language].absent, f"{automatic}: 4711") is MailKind.VACATION


@in_each_language
def test_subject_of_an_absence_note(language: str) -> None:
    """A subject that calls itself a notice of absence is enough; one that tells of absence needs such a text."""
    sample = SAMPLES[language]

    assert kind_of("4711", f"{sample.notice}: 4711") is MailKind.VACATION
    assert kind_of(sample.absent, f"{sample.away}: 4711") is MailKind.VACATION
    assert kind_of("4711", f"{sample.away}: 4711") is MailKind.PERSON


@in_each_language
def test_text_that_calls_itself_automatic(language: str) -> None:
    """An answer whose first sentence calls itself automatic is one; a mail that answers nothing is a person's."""
    itself = SAMPLES[language].itself

    assert kind_of(itself, "Re: 4711", {"In-Reply-To": "<9@shop.example>"}) is MailKind.VACATION
    assert kind_of(itself, "4711") is MailKind.PERSON


@in_each_language
def test_answer_to_an_automatic_answer_is_a_persons(language: str) -> None:
    """Behind "Re:" the subject of an automatic answer says nothing."""
    subject = f"Re: {SAMPLES[language].automatic}: 4711"

    assert kind_of(SAMPLES[language].absent, subject, {"In-Reply-To": "<9@shop.example>"}) is MailKind.PERSON


@in_each_language
@pytest.mark.parametrize("header", [{}, {"Precedence": "bulk", "In-Reply-To": "<9@shop.example>"}])
def test_customer_who_is_away_is_a_person(header: Mapping[str, str], language: str) -> None:
    """A customer who writes of holidays and automatic answers is a person, through a gateway, too."""
    subject, text = SAMPLES[language].customer

    assert kind_of(text, subject, header) is MailKind.PERSON


@in_each_language
@pytest.mark.parametrize("header", [{}, {"Precedence": "bulk", "References": "<9@shop.example>"}])
def test_customer_without_parcel_is_a_person(header: Mapping[str, str], language: str) -> None:
    """A customer whose parcel did not arrive is a person, whatever words of mail servers he uses."""
    subject, text = SAMPLES[language].complaint

    assert kind_of(text, subject, header) is MailKind.PERSON


@in_each_language
def test_words_of_a_bounce_need_a_server(language: str) -> None:
    """A mail server or an empty return path makes a bounce of the words of one; a person's address does not.

    What is only named like a program must name an address or a code, too.
    """
    sample = SAMPLES[language]
    gateway = {"From": "smtp-gateway@mx.example"}

    assert kind_of(sample.undelivered, "4711", {"From": "postmaster@mx.example"}) is MailKind.BOUNCE
    assert kind_of(sample.undelivered, "4711", {"Return-Path": "<>"}) is MailKind.BOUNCE
    assert kind_of("4711", f"{sample.bounced}: 4711", {"Return-Path": "<>"}) is MailKind.BOUNCE
    assert kind_of(f"{sample.undelivered}\n<bob@x.example>", f"{sample.bounced}: 1", gateway) is MailKind.BOUNCE
    assert kind_of(sample.undelivered, f"{sample.bounced}: 1", gateway) is MailKind.PERSON
    assert kind_of(sample.undelivered, f"{sample.bounced}: 4711") is MailKind.PERSON


@pytest.mark.parametrize(
    "subject",
    [
        "Reponse automatique: 4711",
        "Re\N{COMBINING ACUTE ACCENT}ponse automatique : 4711",
        "OTOMATİK YANIT: 4711",
        "Otomatik yanit: 4711",
        "ΑΥΤΟΜΑΤΗ ΑΠΑΝΤΗΣΗ: 4711",
        "Odpowiedz automatyczna: 4711",
        "پاسخ خودكار: 4711",
        "自动回复：4711",
        "【自動返信】4711",
        "رد تلقائى: 4711",
    ],
)
def test_subjects_in_other_spellings(subject: str) -> None:
    """Accents left out or split off, capitals, and letters that look alike are the same words."""
    assert kind_of("4711", subject) is MailKind.AUTO_REPLY


#: Subjects and sentences in which customers and mail servers use the same words.
SAID = st.sampled_from(
    [
        text
        for sample in SAMPLES.values()
        for text in (sample.bounced, sample.undelivered, *sample.complaint, *sample.customer, sample.absent)
    ]
    + ["550 5.1.1 User unknown", "<bob@x.example>: host said: 552 5.2.2 mailbox full", "RCPT TO:<bob@x.example>"]
)


@given(
    subject=SAID,
    texts=st.lists(SAID, max_size=4),
    header=st.dictionaries(
        st.sampled_from(["In-Reply-To", "References", "User-Agent", "List-Unsubscribe", "X-Auto-Response-Suppress"]),
        st.just("<9@shop.example>"),
    ),
)
def test_words_alone_never_make_a_bounce(subject: str, texts: list[str], header: dict[str, str]) -> None:
    """Whatever a person says in whatever order, without a sign of a server it is no bounce."""
    assert kind_of("\n".join(texts), subject, header) is not MailKind.BOUNCE


@given(texts=st.lists(SAID, max_size=4))
def test_plain_subject_is_a_persons(texts: list[str]) -> None:
    """Under a subject of everyday the same words are always a person's."""
    assert kind_of("\n".join(texts), "Order 4711") is MailKind.PERSON


#: What Outlook writes before the subject, and a customer's subject that begins with nearly the same words.
FURTHER: Mapping[str, tuple[str, str]] = {
    "bg": ("Автоматичен отговор", "Автоматичен отговор от вас"),
    "et": ("Automaatvastus", "Automaatne vastus teilt"),
    "eu": ("Erantzun automatikoa", "Erantzun automatikoa jaso dut"),
    "hi": ("स्वचालित उत्तर", "स्वचालित उत्तर मिला"),
    "hr": ("Automatski odgovor", "Automatski odgovor od vas"),
    "hu": ("Automatikus válasz", "Automatikus válaszfüzet rendelése"),
    "id": ("Balasan otomatis", "Balasan otomatis dari Anda"),
    "is": ("Sjálfvirkt svar", "Sjálfvirkt svar frá ykkur"),
    "lt": ("Automatinis atsakymas", "Automatinis atsakymas iš jūsų"),
    "lv": ("Ārpus biroja atrašanās automātiskā atbilde", "Automātiskā atbilde no jums"),
    "ro": ("Răspuns automat", "Răspuns automat primit"),
    "sl": ("Samodejni odgovor", "Samodejni odgovor od vas"),
    "sr": ("Аутоматски одговор", "Аутоматски одговор од вас"),
    "th": ("ตอบกลับอัตโนมัติ", "ตอบกลับอัตโนมัติจากร้าน"),
    "vi": ("Trả lời tự động", "Trả lời tự động từ cửa hàng"),
}


def test_each_further_language_has_a_sample() -> None:
    """No language is added without a mail of its own."""
    assert FURTHER.keys() == FURTHER_AUTOMATIC.keys()


@pytest.mark.parametrize("language", FURTHER)
def test_automatic_subject_in_a_further_language(language: str) -> None:
    """Outlook's words before the colon make an automatic answer; the same words in a sentence make none."""
    automatic, spoken = FURTHER[language]

    assert parse(mail("x", Subject=f"{automatic}: 4711")).kind is MailKind.AUTO_REPLY
    assert parse(mail("x", Subject=f"Re: {automatic}: 4711")).kind is MailKind.PERSON
    assert parse(mail("x", Subject=spoken)).kind is MailKind.PERSON
