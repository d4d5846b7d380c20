"""Mail that did not become a thread by itself: looking at it, deciding by hand, reading it again."""

import attrs

from customerservice.application.context import DeskContext
from customerservice.application.intake import Intake, Wish
from customerservice.application.recording import thread_for
from customerservice.application.stored_mail import kept_files, stored_raw
from customerservice.application.surroundings import surroundings
from customerservice.domain.actor import Actor
from customerservice.domain.delivery import Decision, Delivery
from customerservice.domain.ids import DeliveryId, MailboxId, ThreadId
from customerservice.domain.message import Message
from customerservice.domain.outcome import Outcome
from customerservice.errors import NotFound, Refused, StoredBytesLost
from customerservice.mail.matching import Action, Verdict
from customerservice.mail.received import MailKind, ReceivedMail
from customerservice.ports.storage import DeliveryFilter, Page, UnitOfWork

_PAGE = 500


def list_mail(
    desk: DeskContext, actor: Actor, wanted: DeliveryFilter | None = None, *, after: str | None = None, limit: int = 50
) -> Page[Delivery]:
    """Give the mails of the actor's shops with their outcomes, newest first, by page."""
    asked = wanted or DeliveryFilter()
    with desk.storage.unit(reading=True) as unit:
        return unit.deliveries.page(attrs.evolve(asked, scope=actor.scope), after=after, limit=limit)


def find_mail(desk: DeskContext, actor: Actor, delivery_id: DeliveryId) -> Delivery:
    """Give one mail.

    Raises:
        NotFound: there is none in the actor's shops.
    """
    with desk.storage.unit(reading=True) as unit:
        return _mail(unit, actor, delivery_id)


def raw_mail(desk: DeskContext, actor: Actor, delivery_id: DeliveryId) -> bytes:
    """Give a mail's bytes exactly as they were fetched.

    Raises:
        NotFound: there is no such mail in the actor's shops.
        StoredBytesLost: its bytes are not kept, or are not what was stored.
    """
    with desk.storage.unit(reading=True) as unit:
        return stored_raw(unit, _mail(unit, actor, delivery_id))


def open_mail(desk: DeskContext, actor: Actor, delivery_id: DeliveryId) -> Delivery:
    """Make a thread of a mail that is in none, whatever held it back (R37).

    Raises:
        NotFound: there is no such mail in the actor's shops.
        Refused: it is in a thread already (``in-thread``), its bytes are not kept (``no-bytes``), or it
            still cannot be read (``unreadable``).
    """
    return _decide(desk, actor, delivery_id, Wish.OPEN)


def join_mail(desk: DeskContext, actor: Actor, delivery_id: DeliveryId, thread_id: ThreadId) -> Delivery:
    """Put a mail that is in no thread into one; its sender takes part from then on (R18).

    A bounce, receipt or complaint is shown on it instead: it reopens nothing and lets nobody in (R37).

    Raises:
        NotFound: there is no such mail or thread in the actor's shops.
        Refused: it is in a thread already (``in-thread``), its bytes are not kept (``no-bytes``), or it
            still cannot be read (``unreadable``).
    """
    return _decide(desk, actor, delivery_id, Wish.JOIN, thread_id)


def ignore_mail(desk: DeskContext, actor: Actor, delivery_id: DeliveryId) -> Delivery:
    """Leave a mail that is in no thread aside; it stays stored and can be opened or joined later.

    Raises:
        NotFound: there is no such mail in the actor's shops.
        Refused: it is in a thread already (``in-thread``).
    """

    def work(unit: UnitOfWork) -> Delivery:
        delivery = _loose(_mail(unit, actor, delivery_id, for_change=True))
        known = delivery.decision or Decision(rule="", reason="")
        decision = attrs.evolve(known, rule="by hand", reason=f"{actor.label} ignored it", linked=None)
        ignored = attrs.evolve(delivery, outcome=Outcome.IGNORED, decision=decision)
        unit.deliveries.save([ignored])
        return ignored

    return desk.in_unit(work)


@attrs.frozen
class Change:
    """One thing that reads otherwise now.

    Attributes:
        what: ``kind``, ``text``, ``quoted text``, ``signature``, ``html``, ``attachments``, or ``place``: where it
            would go today.
        before: as stored; `after` as read now. Files are shown by name, type and size, a place by its reason.
    """

    what: str
    before: str
    after: str


@attrs.frozen(kw_only=True)
class Reread:
    """What reading a stored mail again would change, or changed: the delivery as it was and as it would be.

    Attributes:
        changes: what reads otherwise, in the order of `Change.what`.
    """

    before: Delivery
    after: Delivery
    changes: tuple[Change, ...] = ()

    @property
    def differs(self) -> bool:
        """Whether the mail is read or judged otherwise now."""
        moved = self.before.outcome is not self.after.outcome or self.before.thread_id != self.after.thread_id
        reads = self.before.message_id is None and self.before.content_digest != self.after.content_digest
        return moved or reads or bool(self.changes)


def reread_mail(desk: DeskContext, actor: Actor, delivery_id: DeliveryId, *, apply: bool = False) -> Reread:
    """Read a mail again, with the reader and the rules of today (R46).

    Without `apply` nothing is stored: the answer says what would change. With it a mail that is in no thread becomes
    what it would be today. One that is in a thread stays where it is, because colleagues have answered to it: its
    message gets the texts and files of the new reading, and its record the new kind.

    Raises:
        NotFound: there is no such mail in the actor's shops.
        Refused: it waits to be read (``in-thread``), its bytes are not kept (``no-bytes``), or it still cannot be read
            (``unreadable``).
    """
    try:
        return desk.in_unit(lambda unit: _reread(desk, actor, unit, delivery_id, apply=apply))
    except _OnlyAsked as asked:
        return asked.answer


class _OnlyAsked(Exception):
    """Ends a unit without a trace, with what it would have done."""

    def __init__(self, answer: Reread) -> None:
        super().__init__()
        self.answer = answer


def _reread(desk: DeskContext, actor: Actor, unit: UnitOfWork, delivery_id: DeliveryId, *, apply: bool) -> Reread:
    before = _mail(unit, actor, delivery_id, for_change=True)
    message = None if before.message_id is None else unit.messages.get(before.message_id)
    if message is not None:
        answer = _rewritten(desk, actor, unit, before, message)
    else:
        after = _taken(desk, actor, unit, _loose(before), None, None)
        answer = Reread(before=before, after=after, changes=_kind_change(before, after))
    if not apply:
        raise _OnlyAsked(answer)
    return answer


def _rewritten(desk: DeskContext, actor: Actor, unit: UnitOfWork, before: Delivery, message: Message) -> Reread:
    """Read a mail that is in a thread again, and store what its message says now."""
    mail, intake = _read_again(desk, actor, unit, before)
    after, verdict = intake.judge(before, mail)
    says = attrs.evolve(
        message,
        text=mail.new_text,
        quoted_text=mail.quoted_text,
        signature=mail.signature,
        html=mail.html,
        attachments=kept_files(unit, desk, mail, message.attachments),
    )
    unit.messages.rewrite(says)
    unit.deliveries.save([after])
    return Reread(
        before=before,
        after=after,
        changes=(*_kind_change(before, after), *_text_changes(message, says), *_place_change(after, verdict)),
    )


def _kind_change(before: Delivery, after: Delivery) -> tuple[Change, ...]:
    known, now = (one.decision.kind if one.decision is not None else None for one in (before, after))
    return () if known is None or now is None else _change("kind", known, now)


def _text_changes(before: Message, after: Message) -> tuple[Change, ...]:
    return (
        *_change("text", before.text, after.text),
        *_change("quoted text", before.quoted_text, after.quoted_text),
        *_change("signature", before.signature, after.signature),
        *_change("html", before.html or "", after.html or ""),
        *_change("attachments", _files(before), _files(after)),
    )


def _files(message: Message) -> str:
    return "\n".join(f"{file.filename or '-'} {file.media_type} {file.size}" for file in message.attachments)


def _place_change(after: Delivery, verdict: Verdict) -> tuple[Change, ...]:
    """Say where a person's mail would go today, unless a person decided or it is there."""
    decision = after.decision
    if decision is None or decision.kind != MailKind.PERSON.value or decision.rule == "by hand":
        return ()
    if after.outcome is Outcome.OPENED:
        stays = verdict.action in (Action.NEW, Action.NEW_LINKED) or verdict.thread_id in (
            after.thread_id,
            decision.linked,
        )
    else:
        stays = verdict.action is Action.JOIN and verdict.thread_id == after.thread_id
    return () if stays else _change("place", decision.reason, f"{verdict.action.value}: {verdict.reason}")


def _change(what: str, before: str, after: str) -> tuple[Change, ...]:
    return () if before == after else (Change(what, before, after),)


def reconsider_not_ours(desk: DeskContext, actor: Actor, mailbox_id: MailboxId) -> int:
    """Forget what a mailbox turned away while it opened no threads, so that its next sync fetches it again (R43).

    Gives how many mails that are.

    Raises:
        NotFound: there is no such mailbox in the actor's shops.
    """

    def work(unit: UnitOfWork) -> int:
        mailbox = unit.mailboxes.get(mailbox_id)
        if mailbox is None or mailbox.shop not in actor.scope:
            raise NotFound("mailbox", mailbox_id)
        cursor = unit.mailboxes.cursor(mailbox_id)
        if cursor is not None and (first := _first_not_ours(unit, mailbox_id, cursor.epoch)) is not None:
            # Listed again from there on, no further: what stood before it was perhaps not wanted at the first sync.
            unit.mailboxes.save_cursor(attrs.evolve(cursor, uid=min(cursor.uid, first - 1)))
        return unit.deliveries.forget_not_ours(mailbox_id)

    return desk.in_unit(work)


def _first_not_ours(unit: UnitOfWork, mailbox_id: MailboxId, epoch: int) -> int | None:
    wanted = DeliveryFilter(mailbox_id=mailbox_id, outcomes=frozenset({Outcome.NOT_OURS}))
    first: int | None = None
    page = unit.deliveries.page(wanted, limit=_PAGE)
    while True:
        uids = [one.key.uid for one in page.items if one.key.epoch == epoch]
        first = min(uids if first is None else [first, *uids], default=None)
        if page.next is None:
            return first
        page = unit.deliveries.page(wanted, after=page.next, limit=_PAGE)


def _decide(
    desk: DeskContext, actor: Actor, delivery_id: DeliveryId, wish: Wish, thread_id: ThreadId | None = None
) -> Delivery:
    return desk.in_unit(
        lambda unit: _taken(
            desk, actor, unit, _loose(_mail(unit, actor, delivery_id, for_change=True)), wish, thread_id
        )
    )


def _taken(
    desk: DeskContext,
    actor: Actor,
    unit: UnitOfWork,
    delivery: Delivery,
    wish: Wish | None,
    thread_id: ThreadId | None,
) -> Delivery:
    """Decide about a stored mail again, and store what it became."""
    mail, intake = _read_again(desk, actor, unit, delivery)
    thread = None if thread_id is None else thread_for(unit, actor, thread_id)
    if thread is not None and thread.shop != delivery.shop:
        raise NotFound("thread", thread.id)
    after = intake.take(delivery, mail, wish=wish, thread=thread)
    intake.close()
    unit.deliveries.save([after])
    return after


def _read_again(desk: DeskContext, actor: Actor, unit: UnitOfWork, delivery: Delivery) -> tuple[ReceivedMail, Intake]:
    """Read a stored mail, and give it with what decides about it."""
    try:
        raw = stored_raw(unit, delivery)
    except StoredBytesLost as error:
        raise Refused("no-bytes", str(error)) from error
    try:
        mail = desk.reader(raw)
    except Exception as error:
        raise Refused("unreadable", f"mail {delivery.id} still cannot be read: {type(error).__name__}") from error
    mailbox = None if delivery.mailbox_id is None else unit.mailboxes.get(delivery.mailbox_id)
    around = surroundings(unit, desk, shop=delivery.shop, mailbox=mailbox)
    return mail, Intake(unit, desk, around, actor, desk.clock.now())


def _mail(unit: UnitOfWork, actor: Actor, delivery_id: DeliveryId, *, for_change: bool = False) -> Delivery:
    # Of two people who decide about one mail at the same moment the second must see what the first made of it.
    delivery = unit.deliveries.get(delivery_id, for_change=for_change)
    if delivery is None or delivery.shop not in actor.scope:
        raise NotFound("mail", delivery_id)
    return delivery


def _loose(delivery: Delivery) -> Delivery:
    if delivery.outcome is None or delivery.outcome.in_thread:
        raise Refused("in-thread", f"mail {delivery.id} is in a thread already, or waits to be read")
    return delivery
