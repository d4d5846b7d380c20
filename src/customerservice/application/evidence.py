"""Looking up what a mail points at: Message-IDs, tokens, numbers, and the mail of ours that a report is about."""

import datetime as dt
from collections.abc import Callable, Sequence

import attrs

from customerservice.application.context import DeskContext
from customerservice.application.surroundings import Surroundings
from customerservice.domain.ids import ThreadId
from customerservice.domain.thread import Thread
from customerservice.mail.matching import (
    AddressHint,
    Evidence,
    EvidenceKind,
    HeaderHint,
    Hint,
    MarkerHint,
    hints,
    not_shown,
)
from customerservice.mail.received import ORIGINAL_TYPES, ReceivedMail
from customerservice.mail.tokens import REPLY
from customerservice.ports.storage import KnownHeaderId, ThreadFilter, UnitOfWork

_MOST_EVIDENCE = 20
_MOST_ORIGINALS = 3
_ORIGINAL_HEADER = 65_536  # bytes
#: A server gives up after five days at most (RFC 5321 4.5.4.1); so late a bounce may come.
_LATEST_BOUNCE = dt.timedelta(days=7)


@attrs.frozen(kw_only=True)
class EvidenceSearch:
    """Looks up what one mail points at, within one unit; nothing is stored.

    Attributes:
        thread: gives a thread of the shop as it stands in this unit, or None.
    """

    mail: ReceivedMail
    unit: UnitOfWork
    desk: DeskContext
    around: Surroundings
    thread: Callable[[ThreadId], Thread | None]

    def gather(self) -> tuple[Sequence[Evidence], Sequence[str]]:
        """Give what the hints of the mail turned out to be, best first, and a sentence for each that is none."""
        shown = hints(self.mail, reply_addresses=self.around.reply_addresses)
        evidence: list[Evidence] = []
        silent: list[str] = []
        for hint in shown:
            found = self._look_up(hint)
            evidence.extend(found)
            if not found:
                silent.append(_unknown(hint))
        return evidence, (*silent, *not_shown(self.mail, shown))

    def sent_mail(self) -> KnownHeaderId | None:
        """Give the mail of ours that a report names: what it is about, else what it answers."""
        mail = self.mail
        told = (mail.report_about, *mail.in_reply_to, *reversed(mail.references))
        named = [name for name in told if name is not None]
        known = self.unit.messages.find_header_ids(self.around.scope, dict.fromkeys(named))
        ours = {use.header_id: use for use in known if use.sent}
        return next((ours[name] for name in named if name in ours), None)

    def thread_of_original(self) -> Thread | None:
        """Give the thread whose right token a report shows, in its own text or in the mail that it is about."""
        mails = [self.mail]
        originals = [part for part in self.mail.attachments if part.media_type in ORIGINAL_TYPES]
        for part in originals[:_MOST_ORIGINALS]:
            original = self.desk.reader(part.content[:_ORIGINAL_HEADER])
            # What we sent has the signed address where answers go.
            mails.append(attrs.evolve(original, to=original.reply_to))
        shown = (hint for mail in mails for hint in hints(mail, reply_addresses=self.around.reply_addresses))
        found = (one for hint in shown if not isinstance(hint, HeaderHint) for one in self._look_up(hint))
        right = next((one for one in found if one.kind is EvidenceKind.VALID_TOKEN), None)
        return None if right is None or right.thread_id is None else self.thread(right.thread_id)

    def thread_of_failed(self, received_at: dt.datetime) -> Thread | None:
        """Give the one thread in which we lately wrote to the failed recipient of a bounce that names no mail."""
        bounce = self.mail.bounce
        if bounce is None or bounce.original_message_id is not None:
            return None
        since = received_at - _LATEST_BOUNCE
        found: list[Thread] = []
        for recipient in bounce.recipients[:_MOST_EVIDENCE]:
            wanted = ThreadFilter(scope=self.around.scope, address=recipient.address, active_since=since)
            found += self.unit.threads.page(wanted, limit=_MOST_EVIDENCE).items
        written = {one.id for one in found if one.last_employee_message_at and one.last_employee_message_at >= since}
        return self.thread(written.pop()) if len(written) == 1 else None

    def _look_up(self, hint: Hint) -> Sequence[Evidence]:
        if isinstance(hint, HeaderHint):
            return self._look_up_ids(hint.message_ids)
        if isinstance(hint, AddressHint):
            return [self._check_token(hint.number, hint.token, "signed address")]
        if hint.token is not None:
            return [self._check_token(hint.number, hint.token, f"marker in the {hint.place}")]
        return self._look_up_number(hint)

    def _look_up_ids(self, ids: Sequence[str]) -> Sequence[Evidence]:
        known = self.unit.messages.find_header_ids(self.around.scope, ids)
        # In the order the mail names them; an id we sent is worth more than the same id received (it may be forged).
        ranked = sorted(known, key=lambda use: (ids.index(use.header_id), not use.sent))
        found: dict[ThreadId, Evidence] = {}
        for use in ranked:
            kind = EvidenceKind.SENT_ID if use.sent else EvidenceKind.RECEIVED_ID
            rule = "in-reply-to" if use.header_id in self.mail.in_reply_to else "references"
            evidence = Evidence(kind=kind, thread_id=use.thread_id, rule=rule, detail=use.header_id)
            if use.thread_id not in found or (use.sent and found[use.thread_id].kind is EvidenceKind.RECEIVED_ID):
                found[use.thread_id] = evidence
        # Whoever sends many mails with one Message-ID makes many threads known by it; they would swell the record.
        return list(found.values())[:_MOST_EVIDENCE]

    def _check_token(self, number: int, token: str, rule: str) -> Evidence:
        thread, keys = self._numbered(number), self.desk.keys
        if thread is None:
            return Evidence(kind=EvidenceKind.BAD_TOKEN, thread_id=None, rule=rule, detail=f"no thread {number}")
        good = keys is not None and keys.verifies(token, REPLY, thread.id, thread.generation)
        kind = EvidenceKind.VALID_TOKEN if good else EvidenceKind.BAD_TOKEN
        return Evidence(kind=kind, thread_id=thread.id, rule=rule, detail=f"thread {number}")

    def _look_up_number(self, hint: MarkerHint) -> Sequence[Evidence]:
        thread = self._numbered(hint.number)
        if thread is None:
            return []
        rule = f"number in the {hint.place}"
        return [Evidence(kind=EvidenceKind.NUMBER_ONLY, thread_id=thread.id, rule=rule, detail=str(hint.number))]

    def _numbered(self, number: int) -> Thread | None:
        found = self.unit.threads.by_number(number)
        return None if found is None else self.thread(found.id)


def _unknown(hint: Hint) -> str:
    """Say of a hint that named nothing that it did so."""
    if isinstance(hint, MarkerHint):
        return f"number in the {hint.place}: there is no thread {hint.number}"
    return "message-ids: none of those it answers is known here"
