"""Which thread a mail belongs to: what it points at, and what that is worth (R17, R18). Nothing is looked up here.

The caller asks `hints` what a mail points at, looks each up, fills `Evidence` with what it found, and lets a
`MatchPolicy` decide.
"""

import datetime as dt
import enum
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Literal

import attrs

from customerservice.domain.email_address import EmailAddress
from customerservice.domain.ids import ThreadId
from customerservice.mail.received import ReceivedMail
from customerservice.mail.tokens import read_signed_address


@attrs.frozen
class HeaderHint:
    """Message-IDs the mail answers: In-Reply-To first, then References from the newest; each once, without brackets."""

    message_ids: tuple[str, ...]


@attrs.frozen
class AddressHint:
    """A signed reply address among the recipients; nothing is verified."""

    number: int
    token: str = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class MarkerHint:
    """A marker; nothing is verified.

    Attributes:
        token: None for ``[#NUMBER]``, which joins nothing.
        legacy: the imported form ``#ctN #tcX``.
        place: ``subject``, ``body`` or ``quotation``.
    """

    number: int
    token: str | None = attrs.field(repr=False)
    legacy: bool
    place: str


Hint = HeaderHint | AddressHint | MarkerHint

# Each is looked up: a mail to thousands of made-up signed addresses must not cost thousands of questions.
_MOST_SIGNED = 20


def hints(mail: ReceivedMail, *, reply_addresses: Sequence[str] = ()) -> tuple[Hint, ...]:
    """Give what the mail points at, best first (R17): Message-IDs, signed reply addresses, a marker.

    Args:
        mail: the mail as read.
        reply_addresses: the patterns of signed reply addresses (``support+{token}@shop.example``); looked for in To,
            Cc and the envelope headers, in that order; the first 20 different ones count.
    """
    found: list[Hint] = []
    if ids := tuple(dict.fromkeys((*mail.in_reply_to, *reversed(mail.references)))):
        found.append(HeaderHint(ids))
    found.extend(list(dict.fromkeys(_signed(mail, reply_addresses)))[:_MOST_SIGNED])
    if mail.markers.number is not None:
        found.append(
            MarkerHint(
                number=mail.markers.number,
                token=mail.markers.token,
                legacy=mail.markers.legacy,
                place=mail.markers.place or "subject",
            )
        )
    return tuple(found)


def not_shown(mail: ReceivedMail, found: Sequence[Hint]) -> tuple[str, ...]:
    """Say of each of the three rules (R17) for which a mail shows nothing that it does so, one sentence each."""
    silent = []
    if not any(isinstance(hint, HeaderHint) for hint in found):
        silent.append("message-ids: the mail answers none")
    if not any(isinstance(hint, AddressHint) for hint in found):
        silent.append("signed address: it is sent to none")
    if mail.markers.number is None:
        silent.append("marker: it has none")
    return tuple(silent)


def _signed(mail: ReceivedMail, patterns: Sequence[str]) -> Sequence[AddressHint]:
    listed = (entry.address for entry in (*mail.to, *mail.cc) if entry.address is not None)
    recipients: tuple[EmailAddress, ...] = (*listed, *mail.envelope_to)
    read = (read_signed_address(pattern, address) for address in recipients for pattern in patterns)
    return [AddressHint(*signed) for signed in read if signed is not None]


class EvidenceKind(enum.Enum):
    """What a hint turned out to be."""

    #: it names a Message-ID we sent.
    SENT_ID = "sent_id"
    #: it names a Message-ID we only received.
    RECEIVED_ID = "received_id"
    #: a signed address, or a marker with a token, that is right.
    VALID_TOKEN = "valid_token"
    #: the same, but wrong, revoked, or of another thread.
    BAD_TOKEN = "bad_token"
    #: ``[#number]`` alone.
    NUMBER_ONLY = "number_only"


@attrs.frozen(kw_only=True)
class Evidence:
    """A hint that was looked up.

    Attributes:
        thread_id: the thread it points at; None only for a wrong token that names no thread.
        rule: which hint, in few words for the decision record (``in-reply-to``, ``marker in the subject``).
        detail: what was seen, one line, without any token.
    """

    kind: EvidenceKind
    thread_id: ThreadId | None
    rule: str
    detail: str = ""


class Standing(enum.Enum):
    """What the sender of a mail is to a thread."""

    PARTICIPANT = "participant"
    UNKNOWN = "unknown"
    #: no usable From, or DMARC says ``fail``.
    UNUSABLE = "unusable"


class Action(enum.Enum):
    """What becomes of a mail."""

    JOIN = "join"
    NEW = "new"
    NEW_LINKED = "new_linked"
    HOLD = "hold"


@attrs.frozen(kw_only=True)
class Verdict:
    """What becomes of a mail, and why.

    Attributes:
        thread_id: the thread to join or to link; for HOLD the one it seems to belong to; else None.
        rule: the rule of the deciding evidence, or ``no_evidence``.
        reason: one sentence.
        passed_over: one sentence for each other evidence, in order: why it did not decide.
    """

    action: Action
    thread_id: ThreadId | None
    rule: str
    reason: str
    passed_over: tuple[str, ...] = ()


_SENT, _RECEIVED, _VALID = EvidenceKind.SENT_ID, EvidenceKind.RECEIVED_ID, EvidenceKind.VALID_TOKEN
_BAD, _NUMBER = EvidenceKind.BAD_TOKEN, EvidenceKind.NUMBER_ONLY
_STRENGTH = (_BAD, _SENT, _VALID, _RECEIVED, _NUMBER)

#: The table of R18, but for its last line.
DEFAULT_TABLE: Mapping[tuple[EvidenceKind, Standing], Action] = MappingProxyType(
    {
        (_SENT, Standing.PARTICIPANT): Action.JOIN,
        (_SENT, Standing.UNKNOWN): Action.HOLD,
        (_SENT, Standing.UNUSABLE): Action.HOLD,
        (_RECEIVED, Standing.PARTICIPANT): Action.JOIN,
        (_RECEIVED, Standing.UNKNOWN): Action.NEW_LINKED,
        (_RECEIVED, Standing.UNUSABLE): Action.HOLD,
        (_VALID, Standing.PARTICIPANT): Action.JOIN,
        (_VALID, Standing.UNKNOWN): Action.HOLD,
        (_VALID, Standing.UNUSABLE): Action.HOLD,
        (_BAD, Standing.PARTICIPANT): Action.HOLD,
        (_BAD, Standing.UNKNOWN): Action.HOLD,
        (_BAD, Standing.UNUSABLE): Action.HOLD,
        (_NUMBER, Standing.PARTICIPANT): Action.NEW_LINKED,
        (_NUMBER, Standing.UNKNOWN): Action.NEW,
        (_NUMBER, Standing.UNUSABLE): Action.NEW,
    }
)

#: The last line of the table of R18: the subject is clearly new and the thread has been quiet for long.
DEFAULT_DRIFTED: Mapping[Standing, Action] = MappingProxyType(
    {
        Standing.PARTICIPANT: Action.NEW_LINKED,
        Standing.UNKNOWN: Action.HOLD,
        Standing.UNUSABLE: Action.HOLD,
    }
)

_KINDS = {
    _SENT: "it names a Message-ID we sent",
    _RECEIVED: "it names a Message-ID we only received",
    _VALID: "its token is right",
    _BAD: "its token is wrong, revoked or of another thread",
    _NUMBER: "it has a thread's number without a token",
}
_STANDINGS = {
    Standing.PARTICIPANT: "the sender takes part in the thread",
    Standing.UNKNOWN: "the sender does not take part in the thread",
    Standing.UNUSABLE: "the mail has no usable or proven From",
}


@attrs.frozen(kw_only=True)
class MatchPolicy:
    """What evidence is worth; a value, so that a caller can replace any of it.

    The first evidence in the order given decides, as the strongest kind that points at the same thread.

    Attributes:
        table: the action for each kind of evidence and standing of the sender (R18); must be complete.
        drifted: the action instead for an id or a right token, when the subject is clearly new and the thread's last
            activity is older than `stale_after`.
        wrong_token_overrules: a wrong token holds the mail even where other evidence would join it (R20). Switch it off
            after the keys were lost, when all tokens in customers' hands are wrong.
    """

    table: Mapping[tuple[EvidenceKind, Standing], Action] = DEFAULT_TABLE
    drifted: Mapping[Standing, Action] = DEFAULT_DRIFTED
    stale_after: dt.timedelta = dt.timedelta(days=30)
    wrong_token_overrules: bool = True

    def decide(
        self,
        evidence: Sequence[Evidence],
        *,
        standing_of: Callable[[ThreadId], Standing],
        subject_is_new: Callable[[ThreadId], bool],
        idle_for: Callable[[ThreadId], dt.timedelta],
    ) -> Verdict:
        """Decide about a mail; pure, and the same again for the same arguments.

        Args:
            evidence: what the hints turned out to be, in the order of `hints`; hints that named nothing are left out.
            standing_of: what the sender is to a thread.
            subject_is_new: whether the mail's subject is clearly another one than the thread's (`is_new_subject`).
            idle_for: how long the thread's last activity lies before this mail.
        """
        if not evidence:
            return Verdict(action=Action.NEW, thread_id=None, rule="no_evidence", reason="nothing points at a thread")
        chosen = self._deciding(evidence)
        thread_id = chosen.thread_id
        standing = Standing.UNKNOWN if thread_id is None else standing_of(thread_id)
        action = self.table[chosen.kind, standing]
        reason = f"{_KINDS[chosen.kind]}, and {_STANDINGS[standing]}"
        if (
            thread_id is not None
            and chosen.kind in (_SENT, _RECEIVED, _VALID)
            and idle_for(thread_id) > self.stale_after
            and subject_is_new(thread_id)
        ):
            action = self.drifted[standing]
            reason += f", but the subject is clearly new and the thread quiet for over {self.stale_after.days} days"
        return Verdict(
            action=action,
            thread_id=None if action is Action.NEW else thread_id,
            rule=chosen.rule,
            reason=reason,
            passed_over=tuple(_why_not(other, chosen) for other in evidence if other is not chosen),
        )

    def _deciding(self, evidence: Sequence[Evidence]) -> Evidence:
        if self.wrong_token_overrules:
            wrong = next((item for item in evidence if item.kind is _BAD), None)
            if wrong is not None:
                return wrong
        first = evidence[0]
        if first.kind is _BAD:
            # With the overruling off a wrong token says nothing as long as anything else speaks.
            return next((item for item in evidence if item.kind is not _BAD), first)
        same = [item for item in evidence if item.thread_id == first.thread_id and item.kind is not _BAD]
        return min(same, key=lambda item: _STRENGTH.index(item.kind))


def _why_not(other: Evidence, chosen: Evidence) -> str:
    if chosen.kind is _BAD:
        return f"{other.rule}: not used, because a wrong token holds the mail"
    if other.kind is _BAD:
        return f"{other.rule}: its token is wrong, which this policy passes over"
    if other.thread_id == chosen.thread_id:
        return f"{other.rule}: points at the same thread"
    return f"{other.rule}: points at another thread, {chosen.rule} comes first"


def dmarc(mail: ReceivedMail, authserv_id: str | None) -> Literal["pass", "fail", "none"]:
    """Give the DMARC result that the trusted server wrote into Authentication-Results (RFC 8601, RFC 7489 11.2).

    Only headers with exactly this authserv-id (any case) count; without one the answer is ``none``, never ``pass``. A
    ``fail`` counts wherever it stands. Otherwise the topmost of these headers that speaks of DMARC decides: a server
    writes above what came with the mail, and it should have removed what claims to be its own (RFC 8601 5). Results
    other than pass and fail are ``none``.
    """
    if authserv_id is None:
        return "none"
    wanted = authserv_id.strip().lower()
    plain = [_outside_comments(text) for _, text in mail.authentication]
    told = [found for text in plain if _authserv_id(text) == wanted and (found := _dmarc_results(text))]
    if any("fail" in results for results in told):
        return "fail"
    return "pass" if told and "pass" in told[0] else "none"


def _authserv_id(text: str) -> str:
    """Give the first word, in lower case; "" without one. A version may stand behind it (RFC 8601 2.2)."""
    return next(iter(text.partition(";")[0].split()), "").lower()


def _dmarc_results(text: str) -> Sequence[str]:
    # RFC 8601 2.2: authserv-id [version] *(";" method "=" result [reason] [propspec]); only the first word of each
    # statement is a result, so a "dmarc=pass" inside a comment or a quoted reason is not one.
    found = []
    for statement in text.split(";")[1:]:
        method, equals, rest = statement.partition("=")
        if equals and method.partition("/")[0].strip().lower() == "dmarc":
            found.append((rest.split() or [""])[0].lower())
    return found


def _outside_comments(text: str) -> str:
    """Give the text with comments dropped and quoted strings emptied; linear."""
    kept: list[str] = []
    depth, quoted, escaped = 0, False, False
    for char in text:
        if escaped:
            escaped = False
        elif char == "\\" and (quoted or depth):
            escaped = True
        elif quoted:
            quoted = char != '"'
        elif char == '"' and not depth:
            quoted = True
        elif char == "(":
            depth += 1
        elif char == ")" and depth:
            depth -= 1
        elif not depth:
            kept.append(char)
    return "".join(kept)
