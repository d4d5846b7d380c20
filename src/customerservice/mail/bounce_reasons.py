"""Why a mail was not delivered: the status code decides where it says enough, else the server's own words."""

import re
from collections.abc import Mapping, Sequence
from functools import cache

from customerservice.mail.machine_words import any_language, folded
from customerservice.mail.received import BounceReason

_LONGEST = 1_000  # characters of a server's words that are read

# Subject and detail of a code: RFC 3463 3, RFC 4954 6 (7.8, 7.9), RFC 7372 3 (7.20 to 7.26). Not 1.10: a domain without
# mail in RFC 7505 4.2, an unknown recipient in Exchange Online, so that the words decide.
_OF_STATUS: Mapping[str, BounceReason] = {
    "1.1": BounceReason.NO_SUCH_MAILBOX,
    "1.2": BounceReason.NO_SUCH_HOST,
    "1.3": BounceReason.NO_SUCH_MAILBOX,
    "1.4": BounceReason.NO_SUCH_MAILBOX,
    "1.6": BounceReason.NO_SUCH_MAILBOX,
    "2.1": BounceReason.MAILBOX_DISABLED,
    "2.2": BounceReason.MAILBOX_FULL,
    "2.3": BounceReason.TOO_LARGE,
    "3.4": BounceReason.TOO_LARGE,
    "4.1": BounceReason.TEMPORARY,
    "4.2": BounceReason.TEMPORARY,
    "4.3": BounceReason.TEMPORARY,
    "4.4": BounceReason.NO_SUCH_HOST,
    "4.5": BounceReason.TEMPORARY,
    "4.6": BounceReason.LOOP,
    "5.3": BounceReason.POLICY,
    "6.1": BounceReason.CONTENT,
    "6.2": BounceReason.CONTENT,
    "6.3": BounceReason.CONTENT,
    "6.5": BounceReason.CONTENT,
    "6.7": BounceReason.CONTENT,
    "7.8": BounceReason.NOT_AUTHENTICATED,
    "7.9": BounceReason.NOT_AUTHENTICATED,
    "7.20": BounceReason.NOT_AUTHENTICATED,
    "7.21": BounceReason.NOT_AUTHENTICATED,
    "7.22": BounceReason.NOT_AUTHENTICATED,
    "7.23": BounceReason.NOT_AUTHENTICATED,
    "7.24": BounceReason.NOT_AUTHENTICATED,
    "7.25": BounceReason.NOT_AUTHENTICATED,
    "7.26": BounceReason.NOT_AUTHENTICATED,
}
# What a code whose detail says little stands for where the words say nothing.
_OF_SUBJECT: Mapping[str, BounceReason] = {
    "1": BounceReason.NO_SUCH_MAILBOX,
    "2": BounceReason.MAILBOX_DISABLED,
    "4": BounceReason.TEMPORARY,
    "6": BounceReason.CONTENT,
    "7": BounceReason.POLICY,
}
# In order; what a server says of spam often names the mailbox, too, and what it says of SPF names spam.
_OF_WORDS: Sequence[tuple[BounceReason, str]] = (
    (
        BounceReason.TEMPORARY,
        (
            r"gr[ae]y-?list|try (?:again )?later|temporar(?:y|ily) (?:deferred|rejected|failure|unavailable|lookup)|"
            r"rate limit|too many (?:connections|messages)"
        ),
    ),
    (
        BounceReason.NOT_AUTHENTICATED,
        (
            r"\bspf\b|\bdkim\b|domain ?keys|\bdmarc\b|sender policy framework|unauthenticated|"
            r"reverse (?:dns|hostname)|\bptr\b"
        ),
    ),
    (
        BounceReason.REJECTED_AS_SPAM,
        (
            r"spam|\bube\b|\buce\b|bulk (?:e-?)?mail|junk|black-?list|block-?list|blocked using|\brbl\b|\bdnsbl\b|"
            r"unsolicited|reputation|mass mail|content (?:filter|reject)|垃圾邮件|スパム|迷惑メール|스팸|спам"
        ),
    ),
    (
        BounceReason.TOO_LARGE,
        (
            r"(?:message|\be?-?mail\b|size|file|attachment)[^\n]{0,40}"
            r"(?:too (?:big|large)|exceeds?[^\n]{0,24} (?:size|limit)|"
            r"size limit)|size limit|sizelimit|zu groß|trop (?:volumineux|gros|grand)|demasiado grande|troppo grande|"
            r"слишком (?:большой|большое)|超过[^\n]{0,12}大小|サイズ[^\n]{0,12}(?:超|制限)"
        ),
    ),
    (BounceReason.POLICY, r"virus|malware|infected"),
    (BounceReason.LOOP, r"too many hops|mail loop|loops? (?:back|detected)|hop count"),
    (
        BounceReason.NO_SUCH_HOST,
        (
            r"(?:host|domain|dns)(?: or domain)?(?: name)? (?:is )?(?:unknown|not found|invalid|does not exist)|"
            r"(?:unknown|no such|illegal) (?:host|domain)|unroute?able (?:mail )?domain|"
            r"name service error|null ?mx|find any host|no mx"
        ),
    ),
    (
        BounceReason.MAILBOX_FULL,
        rf"{any_language('full')}|mail ?folder is full|storage allocation|allowed storage|exceeds allowed size",
    ),
    (
        BounceReason.MAILBOX_DISABLED,
        (
            r"(?:mailbox|account|user|address|recipient)\S{0,80} (?:is |has been )?(?:currently )?(?:temporarily )?"
            r"(?:disabled|deactivated|inactive|suspended|locked|closed|expired|blocked)|\bsuspend|inactive mailbox|"
            r"(?:disabled|deactivated|inactive) (?:mailbox|account|user)|"
            r"(?:mailbox|account|user) was (?:disabled|closed)|"
            r"account is unavailable|not currently being accepted|konto jest zablokowane|nieaktywn|estado: inactivo"
        ),
    ),
    (BounceReason.NO_SUCH_MAILBOX, any_language("unknown")),
    (
        BounceReason.NO_SUCH_MAILBOX,
        (
            r"mailbox unavailable|user doesn't|(?:recipient|address) rejected|not accepting mail(?! from)|"
            r"address(?:ee)?[ _](?:unknown|not[ _]found)|(?:unknown or illegal|unable to find) (?:alias|user)|"
            r"unknown local part|no one with that|no such (?:mail ?drop|local)|no longer accepts? mail|"
            r"bad destination mailbox|not found in ldap|adressat unbekannt|destinatario errato|destin\. sconosciuto|"
            r"nie istnieje|nie ma takiego"
        ),
    ),
    (
        BounceReason.POLICY,
        (
            r"relay|accepting mail from|"
            r"not permitted|not (?:allowed|authori[sz]ed)|access denied|polic(?:y|ies)|prohibited|refused|"
            r"rejected|denied|blocked"
        ),
    ),
    (
        BounceReason.TEMPORARY,
        (
            r"time(?:d )?[- ]?out|connection (?:lost|reset|dropped|closed)|no route|unreachable|deferred|delayed|retry|"
            r"could not connect|service (?:currently )?unavailable|not (?:yet )?responding|still being"
        ),
    ),
)


@cache
def _compiled(form: str) -> re.Pattern[str]:
    # Compiled when first needed, as few mails are bounces.
    return re.compile(folded(form), re.IGNORECASE)


def reason_of(status: str | None, words: str | None, *, permanent: bool | None) -> BounceReason:
    """Give why a mail was not delivered.

    Args:
        status: the enhanced status code (RFC 3463), if any.
        words: the server's own, if any; the first 1,000 characters are read.
        permanent: what is known of it; a failure that passes and says nothing else is `BounceReason.TEMPORARY`.

    >>> reason_of("5.2.2", None, permanent=True)
    <BounceReason.MAILBOX_FULL: 'mailbox_full'>
    >>> reason_of("5.7.1", "550 5.7.1 No such user", permanent=True)
    <BounceReason.NO_SUCH_MAILBOX: 'no_such_mailbox'>
    """
    detail = (status or "").partition(".")[2]
    told = folded((words or "")[:_LONGEST])
    found = _OF_STATUS.get(detail) or next((reason for reason, form in _OF_WORDS if _compiled(form).search(told)), None)
    if found is None:
        found = _OF_SUBJECT.get(detail.partition(".")[0])
    if found is None:
        return BounceReason.TEMPORARY if permanent is False else BounceReason.UNKNOWN
    return found
