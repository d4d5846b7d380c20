"""What kind of mail it is: small ordered rules over header and structure (R37, RFC 3834), each with its reason."""

import re
from collections.abc import Callable, Mapping, Sequence

import attrs

from customerservice.mail.bounces import DAEMONS
from customerservice.mail.received import MailKind


@attrs.frozen(kw_only=True)
class Signs:
    """What the rules look at.

    Attributes:
        fields: the first header field of each lower-case name.
        media_type: of the whole mail.
        report_type: the ``report-type`` of a multipart/report in lower case, else "".
        inner_types: media types of all parts.
        sender_local: local part of the From in lower case, "" without a usable one.
        subject: decoded, "" without one.
        text: the first part of the readable text.
    """

    fields: Mapping[str, str]
    media_type: str
    report_type: str
    inner_types: frozenset[str]
    sender_local: str
    subject: str
    text: str
    null_return_path: bool


Rule = Callable[[Signs], str | None]

_ABSENT = re.compile(
    r"out of (?:the )?office|away from (?:the |my )?(?:office|desk|mail)|on (?:vacation|holiday|annual leave|"
    r"parental leave)|"
    r"abwesen|nicht im büro|im urlaub|absen(?:ce|t)|en congé|fuera de (?:la )?oficina|ausen(?:te|cia)|de vacaciones|"
    r"fuori (?:sede|ufficio)|assen(?:te|za)|in ferie|fora do escritório|ausência|de férias|afwezig|niet aanwezig|"
    r"nieobecno|poza biurem|na urlopie|frånvaro|semester|fravær|ferie|poissa|dovolen|отпуск|отсутств|"
    r"مرخصی|عدم حضور|خارج المكتب|不在办公室|休假|不在",
    re.IGNORECASE,
)
_AUTOMATIC_SUBJECT = re.compile(
    r"\s{0,3}(?:(?:re|aw|sv|tr|r)\s?:\s{0,3})?(?:automatic (?:reply|response)|auto(?:mated)?[- ]?(?:reply|"
    r"response|responder)|out of office(?: (?:auto[- ]?reply|reply))?|"
    r"automatische (?:antwort|antwoord|reactie|rückmeldung)|automatisch antwoord|abwesenheits(?:notiz|nachricht|"
    r"benachrichtigung|meldung|info)|abwesenheit|"
    r"réponse automatique|absence du bureau|message d'absence|respuesta automática|fuera de (?:la )?oficina|"
    r"risposta automatica|fuori sede|resposta automática|ausência temporária|fora do escritório|afwezigheid\w*|"
    r"autosvar|automatiskt? svar|frånvaro\w*|automatyczna odpowiedź|odpowiedź automatyczna|nieobecność|"
    r"automaattinen vastaus|automatická odpověď|otomatik yanıt|авто(?:матический )?\s?-?ответ|"
    r"پاسخ خودکار|رد تلقائي|自动回复|自動応答|自動回覆)(?:\s{0,3}[:!.\u2013\uff1a(-]|\s*$)",
    re.IGNORECASE,
)
_REPLY_HEADERS = (
    "x-autoreply",
    "x-autorespond",
    "x-autoresponder",
    "x-autoreply-from",
    "x-mail-autoreply",
    "x-vacation",
    "x-ms-autoreply",
    "x-autoresponse-suppress",
)
_BOUNCE_SUBJECT = re.compile(
    r"\s{0,3}(?:re:\s{0,3})?[\[*!\s\"']{0,4}(?:undeliver(?:able|ed)|failed mail|non.?deliver|nondeliverable|"
    r"delivery (?:status notification|failure|failed|has failed|report|delayed|warning|incomplete|problem)|"
    r"failure notice|returned (?:mail|to sender)|returned e?-?mail|mail (?:delivery )?(?:fail|error|problem|"
    r"system error|returned|status|could not)|mail system error|"
    r"warning: (?:message|could not send|e-?mail)|message (?:delivery|undeliverable|not delivered|status)|"
    r"(?:automatic |email )?(?:message |mail )?delivery (?:notice|error)|permanent (?:delivery )?(?:failure|error)|"
    r"could not (?:be )?(?:send|deliver|delivered)|unzustellbar|unable to deliver|non remis|non recapitabile|"
    r"no se pudo entregar|"
    r"mancata consegna|onbestelbaar|niet bezorgd|não entreg|nie można dostarczyć|nicht zustellbar|mail delivery|"
    r"error sending|"
    r"user unknown|unknown user|mailbox (?:full|unavailable)|ndn:|dsn:|rejected:|delivery to the following|"
    r"message (?:could not|cannot) be)",
    re.IGNORECASE,
)
_BOUNCE_TEXT = re.compile(
    r"(?:could|can)(?: ?not|n't) (?:be )?(?:deliver|send|sent|relay)|was(?: not|n't) (?:be )?delivered|"
    r"not been delivered|undeliver(?:able|ed)|delivery (?:has )?(?:fail|to the following|attempt)|"
    r"permanent (?:fatal )?error|fatal errors|transient (?:non-fatal )?errors|user unknown|unknown (?:user|"
    r"recipient|address)|no such (?:user|recipient|address|mailbox|account)|"
    r"full mailbox|mailbox (?:is )?(?:full|unavailable|disabled|not found|exceeded)|(?:over|exceeded|exceeds|"
    r"exceeding) (?:the |his |her |its |their |storage |disk )*quota|quota exceeded|"
    r"recipient(?:'s)? (?:address )?(?:rejected|unknown|not)|"
    r"address(?:es)? (?:had|rejected|not found|couldn't be found|is unknown)|host (?:or domain name )?(?:unknown|"
    r"not found)|returned to sender|failed (?:permanently|recipient|addresses)|"
    r"55[0-4][ -]|sorry,? (?:i|we|no) (?:wasn|could|mailbox)|rejected (?:your|the|by) |unable to (?:deliver|"
    r"relay)|unroutable|"
    r"konnte nicht zugestellt|nicht zugestellt werden|impossible de remettre|n'a pas pu être|"
    r"no se ha podido entregar|non è stato possibile|doesn't have an? .{0,40}account|"
    r"not listed in|does not exist|is not (?:a )?(?:valid|known|accepting)|inactive|deactivated|temporarily suspended",
    re.IGNORECASE,
)


def _feedback_report(signs: Signs) -> str | None:
    if signs.report_type == "feedback-report" or "message/feedback-report" in signs.inner_types:
        return "it is a feedback report (RFC 5965)"
    return None


def _read_receipt(signs: Signs) -> str | None:
    if signs.report_type == "disposition-notification" or "message/disposition-notification" in signs.inner_types:
        return "it is a message disposition notification (RFC 8098)"
    return None


def _status_report(signs: Signs) -> str | None:
    if signs.report_type == "delivery-status":
        return "it is a delivery status report (RFC 6522)"
    if signs.inner_types & {"message/delivery-status", "message/global-delivery-status"}:
        return "it holds a delivery status (RFC 3464)"
    return None


def _failed_recipients(signs: Signs) -> str | None:
    return "it has X-Failed-Recipients (Exim)" if "x-failed-recipients" in signs.fields else None


def _words_of_a_daemon(signs: Signs) -> str | None:
    if _AUTOMATIC_SUBJECT.match(signs.subject):
        return None
    if signs.sender_local.startswith("mailer-daemon"):
        return "its sender is called mailer-daemon"
    if _is_daemon(signs) and _tells_of_failure(signs):
        return "a mail server sent it, and its words are those of a failed delivery"
    return None


def _words_of_failure(signs: Signs) -> str | None:
    if (signs.null_return_path or _is_returned(signs)) and _tells_of_failure(signs):
        return "its return path is empty, and its words are those of a failed delivery"
    if "in-reply-to" not in signs.fields and _BOUNCE_SUBJECT.match(signs.subject) and _BOUNCE_TEXT.search(signs.text):
        return "subject and text are those of a failed delivery"
    return None


def _is_returned(signs: Signs) -> bool:
    # Written by servers that deliver a mail without return path.
    return signs.fields.get("return-path", "").strip(" <>").lower().startswith("mailer-daemon")


def _tells_of_failure(signs: Signs) -> bool:
    return bool(_BOUNCE_SUBJECT.match(signs.subject) or _BOUNCE_TEXT.search(signs.text))


def _is_daemon(signs: Signs) -> bool:
    return signs.sender_local in DAEMONS or signs.sender_local.startswith(
        ("mailer-daemon", "postmaster", "mail-daemon")
    )


def _submitted(signs: Signs) -> str:
    return signs.fields.get("auto-submitted", "").partition(";")[0].partition("(")[0].strip().lower()


def _is_automatic_reply(signs: Signs) -> str | None:
    if _submitted(signs).startswith("auto-replied"):
        return "Auto-Submitted says auto-replied (RFC 3834)"
    for name in _REPLY_HEADERS:
        if signs.fields.get(name, "no").strip().lower() not in ("no", "", "false"):
            return f"it has the header {name}"
    if signs.fields.get("x-autogenerated", "").strip().lower() == "reply":
        return "X-Autogenerated says reply"
    if signs.fields.get("precedence", "").strip().lower() in ("auto_reply", "auto-reply"):
        return "Precedence says auto_reply"
    if _AUTOMATIC_SUBJECT.match(signs.subject):
        return "its subject begins like that of an automatic reply"
    return None


def _vacation(signs: Signs) -> str | None:
    if _is_automatic_reply(signs) is None:
        return None
    if "x-vacation" in signs.fields or "vacation" in signs.fields.get("auto-submitted", "").lower():
        return "its header says vacation"
    if _ABSENT.search(signs.subject):
        return "it is an automatic reply whose subject tells of absence"
    if _ABSENT.search(signs.text[:2_000]):
        return "it is an automatic reply that tells of absence"
    return None


def _generated(signs: Signs) -> str | None:
    submitted = _submitted(signs)
    return f"Auto-Submitted says {submitted[:40]} (RFC 3834)" if submitted not in ("", "no") else None


def _no_return_path(signs: Signs) -> str | None:
    return "its return path is empty (RFC 5321 4.5.5)" if signs.null_return_path else None


def _from_daemon(signs: Signs) -> str | None:
    return f"its sender is called {signs.sender_local}" if signs.sender_local in DAEMONS else None


def _list_header(signs: Signs) -> str | None:
    for name in (
        "list-id",
        "list-post",
        "mailing-list",
        "list-unsubscribe",
        "list-help",
        "list-owner",
        "x-mailing-list",
    ):
        if name in signs.fields:
            return f"it has the header {name} (RFC 2369, RFC 2919)"
    return None


def _precedence(signs: Signs) -> str | None:
    precedence = signs.fields.get("precedence", "").strip().lower()
    return f"Precedence says {precedence}" if precedence in ("bulk", "list", "junk") else None


#: In order: the first rule that applies gives the kind, all rules of that kind that apply give the reasons.
RULES: Sequence[tuple[MailKind, Rule]] = (
    (MailKind.FEEDBACK_REPORT, _feedback_report),
    (MailKind.SYSTEM, _read_receipt),
    (MailKind.BOUNCE, _status_report),
    (MailKind.BOUNCE, _failed_recipients),
    (MailKind.BOUNCE, _words_of_a_daemon),
    (MailKind.VACATION, _vacation),
    (MailKind.AUTO_REPLY, _is_automatic_reply),
    (MailKind.BOUNCE, _words_of_failure),
    (MailKind.SYSTEM, _generated),
    (MailKind.AUTO_REPLY, _no_return_path),
    (MailKind.SYSTEM, _from_daemon),
    (MailKind.LIST, _list_header),
    (MailKind.LIST, _precedence),
)


def kind_of(signs: Signs) -> tuple[MailKind, tuple[str, ...]]:
    """Give the kind of a mail and the reasons, strongest first; a person's mail has the reason that no rule applies."""
    applying = [(kind, reason) for kind, rule in RULES if (reason := rule(signs)) is not None]
    if not applying:
        return MailKind.PERSON, ("no sign of automatic mail",)
    first = applying[0][0]
    return first, tuple(reason for kind, reason in applying if kind is first)
