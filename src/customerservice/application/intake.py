"""Deciding about one mail, and storing what was decided."""

import datetime as dt
import enum
import re
from collections.abc import Collection, Sequence

import attrs

from customerservice.application.context import DeskContext
from customerservice.application.evidence import EvidenceSearch
from customerservice.application.recording import Journal
from customerservice.application.stored_mail import kept_files, raw_owner, with_summary
from customerservice.application.surroundings import Surroundings
from customerservice.domain.actor import Actor
from customerservice.domain.contact import Contact
from customerservice.domain.delivery import Decision, Delivery
from customerservice.domain.email_address import EmailAddress
from customerservice.domain.flood import Muting
from customerservice.domain.ids import ContactId, MessageId, ThreadId
from customerservice.domain.message import Audience, Author, AuthorKind, Message, MessageKind
from customerservice.domain.outcome import Outcome
from customerservice.domain.text import one_line
from customerservice.domain.thread import Thread, bounded_moment
from customerservice.mail.languages import detect_language
from customerservice.mail.matching import Action, MatchPolicy, Standing, Verdict, dmarc
from customerservice.mail.received import Correspondent, MailKind, ReceivedMail
from customerservice.mail.subjects import is_new_subject
from customerservice.ports.storage import UnitOfWork

_PERSON = MailKind.PERSON
_MOST_SHOWN = 3
_REPORTS = (MailKind.BOUNCE, MailKind.FEEDBACK_REPORT, MailKind.SYSTEM)
_AUTOMATIC = (MailKind.AUTO_REPLY, MailKind.VACATION)
# What a form that speaks for a person may look like: shop plug-ins and marketplaces mark their mail as generated.
_FORM_KINDS = (MailKind.SYSTEM, MailKind.LIST)
_LIST_HEADERS = ("list-id", "list-post", "mailing-list")
# "list help@shop.example; contact help-owner@shop.example" (ezmlm, Google Groups), "<mailto:help@shop.example?...>"
_LISTED = re.compile(r"[^\s<>(),;\"?]+")


class Wish(enum.Enum):
    """What a person wants done with a mail that was held or ignored; it stands above the rules."""

    OPEN = "open"
    JOIN = "join"


@attrs.define
class Intake:
    """Decides about mails one after the other within one unit, each seeing what those before it became.

    Nothing of one mail influences the next, except by what is stored (R39).
    """

    unit: UnitOfWork
    desk: DeskContext
    around: Surroundings
    actor: Actor
    now: dt.datetime
    journal: Journal = attrs.field(init=False)
    _threads: dict[ThreadId, Thread] = attrs.field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        self.journal = Journal(self.unit)

    def take(
        self, delivery: Delivery, mail: ReceivedMail, *, wish: Wish | None = None, thread: Thread | None = None
    ) -> Delivery:
        """Decide about one mail, store what it became, and give its delivery with the outcome.

        Args:
            delivery: the stored delivery, without outcome or to be decided again.
            mail: its reading.
            wish: what a person decided.
            thread: the thread to join, when that is the wish.
        """
        read = attrs.evolve(
            with_summary(delivery, mail), content_digest=mail.content_digest, reader_version=mail.reader_version
        )
        return _Case(intake=self, delivery=read, mail=mail, kind=self._kind(mail)).decide(wish, thread)

    def judge(self, delivery: Delivery, mail: ReceivedMail) -> tuple[Delivery, Verdict]:
        """Give a delivery as it reads now, where it stands, and what its evidence is worth today; nothing is stored."""
        case = _Case(intake=self, delivery=with_summary(delivery, mail), mail=mail, kind=self._kind(mail))
        known = delivery.decision or Decision(rule="", reason="")
        read = attrs.evolve(
            case.delivery,
            content_digest=mail.content_digest,
            reader_version=mail.reader_version,
            decision=case.as_read(known),
        )
        return read, case.verdict()

    def close(self) -> None:
        """Write what was gathered for the whole batch."""
        self.journal.write()

    def thread(self, thread_id: ThreadId) -> Thread | None:
        """Give a thread of this shop, as it stands in this unit."""
        if thread_id not in self._threads:
            found = self.unit.threads.get(thread_id)
            if found is None or found.shop != self.around.shop:
                return None
            self._threads[thread_id] = found
        return self._threads[thread_id]

    def remember(self, thread: Thread) -> None:
        """Note how a thread stands after a change."""
        self._threads[thread.id] = thread

    def is_own(self, address: EmailAddress | None) -> bool:
        """Whether the address is one of our own."""
        return address is not None and address.key in self.around.own_addresses

    def is_form_sender(self, address: EmailAddress | None) -> bool:
        """Whether the mailbox names the address as one that writes on behalf of people (R39)."""
        mailbox = self.around.mailbox
        return mailbox is not None and address is not None and address.key in {one.key for one in mailbox.form_senders}

    def _kind(self, mail: ReceivedMail) -> tuple[MailKind, tuple[str, ...]]:
        """The kind as read, corrected by what only the help desk knows: its own addresses and lists (R37)."""
        kind, reasons = mail.kind, mail.kind_reasons
        if kind is MailKind.LIST and self._is_own_list(mail):
            # The rules about lists come last: no other sign of automatic mail applied.
            kind, reasons = MailKind.PERSON, ("the list is our own distribution list",)
        # A report about a mail of ours is worth showing whoever signs it.
        if kind in (MailKind.BOUNCE, MailKind.FEEDBACK_REPORT):
            return kind, reasons
        senders = [entry.address for entry in mail.senders if self.is_own(entry.address)]
        own = next((sender for sender in senders if not self.is_form_sender(sender)), None)
        return (kind, reasons) if own is None else (MailKind.OWN, (f"From is our own address {own}",))

    def _is_own_list(self, mail: ReceivedMail) -> bool:
        words, own = _listed(mail), self.around.own_addresses
        return any(address in words or address.replace("@", ".") in words for address in own)


@attrs.define
class _Case:
    """One mail on the table."""

    intake: Intake
    delivery: Delivery
    mail: ReceivedMail
    kind: tuple[MailKind, tuple[str, ...]]
    search: EvidenceSearch = attrs.field(init=False)
    person: Correspondent = attrs.field(init=False)
    channel: str = attrs.field(init=False, default="")

    def __attrs_post_init__(self) -> None:
        intake = self.intake
        self.search = EvidenceSearch(
            mail=self.mail, unit=intake.unit, desk=intake.desk, around=intake.around, thread=intake.thread
        )
        self.person = self.mail.sender or Correspondent(None)
        sender = self.person.address
        if sender is None or not self.intake.is_form_sender(sender) or self.kind[0] not in (_PERSON, *_FORM_KINDS):
            return
        if self.mail.sender_is_uncertain:
            return
        replies = [entry for entry in self.mail.reply_to if entry.address is not None]
        if len(replies) == 1 and self._speaks_for_us():
            self.person, self.channel = replies[0], sender.value
            self.kind = _PERSON, (f"{sender} writes on behalf of people", *self.kind[1])

    def decide(self, wish: Wish | None, thread: Thread | None) -> Delivery:
        kind, reasons = self.kind
        if wish is Wish.JOIN and thread is not None:
            if kind in _REPORTS:
                # A mail server never takes part in a conversation, nor does its mail reopen one.
                decision = Decision(rule="by hand", reason="a person showed it on this thread")
                return self._attach(thread, decision)
            return self._join(thread, Decision(rule="by hand", reason="a person put it into this thread"), admit=True)
        if wish is Wish.OPEN:
            return self._open(Decision(rule="by hand", reason="a person made it a thread"))
        if self.mail.size == 0:
            return self._end(Outcome.QUARANTINED, Decision(rule="empty", reason="the mail is empty"))
        duplicate = self.intake.unit.deliveries.by_content(
            self.intake.around.shop,
            self.mail.content_digest,
            since=self.intake.now - self.intake.desk.settings.duplicate_window,
        )
        if duplicate is not None and duplicate.id != self.delivery.id and not self._is_of_another(duplicate):
            return self._duplicate(duplicate)
        if kind is MailKind.OWN:
            return self._end(Outcome.IGNORED, Decision(rule="own mail", reason=_first(reasons, "it is ours")))
        sender = self.person.address
        if kind in (_PERSON, *_FORM_KINDS) and self.intake.is_own(sender) and self.intake.is_form_sender(sender):
            reason = f"From is our own form sender {sender}, but it is not proven, or names not exactly one person"
            return self._end(Outcome.HELD, Decision(rule="form sender", reason=reason))
        verdict = self.verdict()
        if kind in _REPORTS:
            return self._report(verdict)
        if kind in _AUTOMATIC:
            return self._automatic(verdict)
        if kind is MailKind.LIST:
            reason = _first(reasons, "it came through a mailing list")
            decision = Decision(rule="list mail", reason=reason, passed_over=_said(verdict), linked=verdict.thread_id)
            return self._end(Outcome.HELD, decision)
        return self._of_person(verdict)

    def _of_person(self, verdict: Verdict) -> Delivery:
        decision = Decision(rule=verdict.rule, reason=verdict.reason, passed_over=verdict.passed_over)
        if verdict.action is Action.HOLD:
            return self._end(Outcome.HELD, attrs.evolve(decision, linked=verdict.thread_id))
        thread = None if verdict.thread_id is None else self.intake.thread(verdict.thread_id)
        if verdict.action is Action.JOIN and thread is not None:
            return self._join(thread, decision)
        return self._new(attrs.evolve(decision, linked=verdict.thread_id))

    def verdict(self) -> Verdict:
        """What the evidence of the mail is worth; nothing is stored."""
        mail, arrived = self.mail, self.delivery.received_at
        # What a server proved of an uncertain From it may have proved of somebody else.
        trusted = dmarc(mail, self._authserv_id) != "fail" and not mail.sender_is_uncertain
        sender = self.person.address

        def standing(thread_id: ThreadId) -> Standing:
            thread = self.intake.thread(thread_id)
            if sender is None or not trusted:
                return Standing.UNUSABLE
            return Standing.PARTICIPANT if thread and thread.has_participant(sender) else Standing.UNKNOWN

        def subject_is_new(thread_id: ThreadId) -> bool:
            thread = self.intake.thread(thread_id)
            return is_new_subject(mail.subject, thread.subject if thread is not None else None)

        def idle_for(thread_id: ThreadId) -> dt.timedelta:
            thread = self.intake.thread(thread_id)
            return arrived - thread.last_activity_at if thread is not None else dt.timedelta(0)

        evidence, silent = self.search.gather()
        policy = self.intake.desk.settings.match_policy or MatchPolicy()
        verdict = policy.decide(evidence, standing_of=standing, subject_is_new=subject_is_new, idle_for=idle_for)
        return attrs.evolve(verdict, passed_over=(*verdict.passed_over, *silent))

    def _report(self, verdict: Verdict) -> Delivery:
        """A bounce, receipt or complaint: shown on the mail of ours that it is about (R37).

        Whoever forges one gets no further: it is only shown, to staff, on a thread whose Message-ID or token he knew.
        """
        kind, reasons = self.kind
        reason = _first(reasons, f"it is a {kind.value}")
        about = self.search.sent_mail()
        thread = None if about is None else self.intake.thread(about.thread_id)
        if thread is not None and about is not None:
            decision = Decision(rule=kind.value, reason=f"{reason}; it names a mail that we sent")
            return self._attach(thread, decision, about=about.message_id)
        thread = self.search.thread_of_original()
        if thread is not None:
            decision = Decision(rule=kind.value, reason=f"{reason}; the mail it is about carries a right token of ours")
            return self._attach(thread, decision)
        reason = f"{reason}; it names no mail that we sent"
        decision = Decision(rule=kind.value, reason=reason, passed_over=_said(verdict))
        thread = self.search.thread_of_failed(self.delivery.received_at)
        if thread is None:
            return self._end(Outcome.IGNORED, decision)
        # Whoever knows a customer's address could write such a bounce, to make us doubt that address.
        reason = f"{reason}, but we wrote to its failed recipient lately, in one thread alone"
        return self._end(Outcome.HELD, attrs.evolve(decision, reason=reason, linked=thread.id))

    def _automatic(self, verdict: Verdict) -> Delivery:
        """An automatic answer: shown on the thread it belongs to, never opening or reopening one (R37)."""
        kind, reasons = self.kind
        reason = _first(reasons, f"it is an {kind.value}")
        thread = None if verdict.thread_id is None else self.intake.thread(verdict.thread_id)
        if verdict.action is Action.JOIN and thread is not None:
            return self._attach(thread, Decision(rule=verdict.rule, reason=f"{reason}; {verdict.reason}"))
        return self._end(Outcome.IGNORED, Decision(rule=kind.value, reason=reason, passed_over=_said(verdict)))

    def _new(self, decision: Decision) -> Delivery:
        contact, rule = self._contact()
        decision = attrs.evolve(decision, contact_rule=rule)
        if contact is not None and not contact.saves_messages:
            reason = f"the contact {contact.name[None]} does not save messages; the mail stays in the mailbox"
            return self._drop(Outcome.IGNORED, attrs.evolve(decision, rule="contact", reason=reason))
        mailbox = self.intake.around.mailbox
        if mailbox is not None and not mailbox.create_threads:
            reason = "this mailbox opens no threads for mail that belongs to none"
            return self._drop(Outcome.NOT_OURS, attrs.evolve(decision, rule="create threads off", reason=reason))
        return self._open(decision)

    def _open(self, decision: Decision) -> Delivery:
        contact, rule = self._contact()
        language = None if contact is None else contact.language
        thread_id = ThreadId(self.intake.desk.ids.new())
        message = self._message(thread_id, None if contact is None else contact.id, public=True)
        change = Thread.open(
            message,
            number=self.intake.unit.threads.next_number(),
            actor=self.intake.actor,
            subject=self.mail.subject,
            # A customer's own language will come before the contact's, once there are customers (R42).
            language=language or detect_language(self.mail.new_text) or self.intake.desk.settings.language,
            address=self.person.address,
            name=self.person.name,
        )
        self.intake.remember(self.intake.journal.record(change))
        return self._end(Outcome.OPENED, attrs.evolve(decision, contact_rule=rule), message)

    def _join(self, thread: Thread, decision: Decision, *, admit: bool = False) -> Delivery:
        if admit and self.person.address is not None and not thread.has_participant(self.person.address):
            admitted = thread.add_participant(self.person.address, at=self.intake.now, actor=self.intake.actor)
            thread = self.intake.journal.record(admitted)
        contact, rule = self._contact()
        contact_id = contact.id if contact is not None and rule == "address" else thread.contact_id
        message = self._message(thread.id, contact_id, public=True)
        # What a person lets in is no flood.
        muting = Muting.NO if admit else self._muting(thread)
        self.intake.remember(
            self.intake.journal.record(thread.receive(message, actor=self.intake.actor, muting=muting))
        )
        return self._end(Outcome.JOINED, attrs.evolve(self._muted(decision, muting), contact_rule=rule), message)

    def _attach(self, thread: Thread, decision: Decision, *, about: MessageId | None = None) -> Delivery:
        message = self._message(thread.id, thread.contact_id, public=False, about=about)
        muting = self._muting(thread)
        self.intake.remember(self.intake.journal.record(thread.attach(message, actor=self.intake.actor, muting=muting)))
        return self._end(Outcome.ATTACHED, self._muted(decision, muting), message)

    def _muting(self, thread: Thread) -> Muting:
        """Whether the thread got so much mail that it takes this one quietly (R38)."""
        flood = self.intake.desk.settings.flood
        if thread.messages < flood.messages:
            return Muting.NO
        earlier = self.intake.unit.messages.latest_moments(thread.id, limit=flood.messages + 1)
        return flood.muting(earlier, now=self.intake.now)

    def _muted(self, decision: Decision, muting: Muting) -> Decision:
        if muting is Muting.NO:
            return decision
        flood = self.intake.desk.settings.flood
        said = (
            f"the thread is muted, after over {flood.messages} messages in {flood.within.total_seconds():.0f} seconds"
        )
        return attrs.evolve(decision, reason=f"{decision.reason}; {said}")

    def _message(
        self, thread_id: ThreadId, contact_id: ContactId | None, *, public: bool, about: MessageId | None = None
    ) -> Message:
        mail, intake = self.mail, self.intake
        kind = AuthorKind.CUSTOMER if public else AuthorKind.SYSTEM
        return Message(
            id=MessageId(intake.desk.ids.new()),
            thread_id=thread_id,
            shop=intake.around.shop,
            contact_id=contact_id,
            author=Author(kind=kind, name=one_line(self.person.name), address=self.person.address),
            audience=Audience.PUBLIC if public else Audience.INTERNAL,
            kind=MessageKind.MESSAGE if public else MessageKind.REPORT,
            text=mail.new_text,
            quoted_text=mail.quoted_text,
            signature=mail.signature,
            html=mail.html,
            subject=mail.subject,
            sent_at=bounded_moment(mail.date, self.delivery.received_at),
            stored_at=intake.now,
            header_id=mail.message_id,
            delivery_id=self.delivery.id,
            attachments=kept_files(intake.unit, intake.desk, mail),
            automatic=not public,
            in_reply_to=about,
        )

    def _contact(self) -> tuple[Contact | None, str]:
        """The contact whose address the mail was sent to, exactly one; else the mailbox's (R39)."""
        around = self.intake.around
        recipients = {entry.address.key for entry in (*self.mail.to, *self.mail.cc) if entry.address is not None}
        recipients.update(address.key for address in self.mail.envelope_to)
        # A tag is looked past only where no contact has the address with it.
        recipients = {key if key in around.own_addresses else _without_tag(key) for key in recipients}
        named = [contact for contact in around.contacts if any(own.key in recipients for own in contact.addresses)]
        if len(named) == 1:
            return named[0], "address"
        default = next((contact for contact in around.contacts if contact.id == around.default_contact), None)
        return default, "several contacts have its addresses" if named else "no contact has its addresses"

    def _is_of_another(self, first: Delivery) -> bool:
        """Whether a form sent the same words for somebody else before: who it was stands in the Reply-To alone."""
        message = None if first.message_id is None else self.intake.unit.messages.get(first.message_id)
        return bool(self.channel) and message is not None and message.author.address != self.person.address

    def _duplicate(self, first: Delivery) -> Delivery:
        reason = "the same content was stored before"
        decision = Decision(rule="content", reason=reason)
        ended = self._end(Outcome.DUPLICATE, decision)
        return attrs.evolve(ended, duplicate_of=first.id, thread_id=first.thread_id)

    def _drop(self, outcome: Outcome, decision: Decision) -> Delivery:
        """End a mail of which only identity, headers and outcome are kept (R25, R43); the source is not told."""
        self.intake.unit.blobs.release(self.delivery.sha256 or "", raw_owner(self.delivery))
        return attrs.evolve(self._end(outcome, decision), raw_kept=False, acknowledge=False)

    def _end(self, outcome: Outcome, decision: Decision, message: Message | None = None) -> Delivery:
        return attrs.evolve(
            self.delivery,
            outcome=outcome,
            decision=self.as_read(decision),
            acknowledge=self.delivery.acknowledge and outcome is not Outcome.QUARANTINED,
            thread_id=None if message is None else message.thread_id,
            message_id=None if message is None else message.id,
        )

    def as_read(self, decision: Decision) -> Decision:
        """Give a decision with what the reading says: kind, defects, channel and warnings."""
        kind, reasons = self.kind
        return attrs.evolve(
            decision,
            kind=kind.value,
            kind_reasons=reasons,
            defects=tuple(defect.code for defect in self.mail.defects),
            standing=self.channel and f"sent through {self.channel}",
            warnings=self._warnings(),
        )

    def _warnings(self) -> tuple[str, ...]:
        """What a person who answers should know: the sender asks for answers somewhere else (R39)."""
        person = self.person.address
        listed = {entry.address.key: entry.address for entry in self.mail.reply_to if entry.address is not None}
        lists = _listed(self.mail)
        elsewhere = [
            address.value
            for key, address in listed.items()
            if not self.intake.is_own(address) and key not in lists and (person is None or key != person.key)
        ]
        if not elsewhere:
            return ()
        shown = ", ".join(elsewhere[:_MOST_SHOWN]) + (", ..." if len(elsewhere) > _MOST_SHOWN else "")
        return (f"Reply-To asks for answers at {shown}; it is not followed",)

    def _speaks_for_us(self) -> bool:
        """Whether a form sender's mail is proven: it passed authentication or carries our Message-ID domain (R39).

        Anybody can write that domain, so it says nothing for a mail that failed authentication.
        """
        result = dmarc(self.mail, self._authserv_id)
        if result != "none":
            return result == "pass"
        domain = (self.mail.message_id or "").rpartition("@")[2].lower()
        return bool(domain) and any(own.rpartition("@")[2] == domain for own in self.intake.around.own_addresses)

    @property
    def _authserv_id(self) -> str | None:
        mailbox = self.intake.around.mailbox
        return None if mailbox is None else mailbox.authserv_id


def _without_tag(key: str) -> str:
    local, _, domain = key.rpartition("@")
    return f"{local.partition('+')[0]}@{domain}"


def _listed(mail: ReceivedMail) -> Collection[str]:
    """Give the addresses and names, in lower case, by which a mail's header says that it came through a list."""
    return {
        word.removeprefix("mailto:")
        for name in _LIST_HEADERS
        for text in mail.all_headers(name)
        for word in _LISTED.findall(text.lower())
    }


def _first(reasons: Sequence[str], otherwise: str) -> str:
    return reasons[0] if reasons else otherwise


def _said(verdict: Verdict) -> tuple[str, ...]:
    return (f"{verdict.rule}: {verdict.reason}", *verdict.passed_over)
