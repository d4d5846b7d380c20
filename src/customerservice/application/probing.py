"""Finding out whether signed reply addresses of a mailbox arrive in it (R82)."""

import datetime as dt
from collections.abc import Callable

import attrs

from customerservice.application.administration import get_mailbox, save_mailbox
from customerservice.application.context import DeskContext
from customerservice.domain.actor import Actor
from customerservice.domain.email_address import EmailAddress
from customerservice.domain.ids import MailboxId
from customerservice.domain.mailbox import AfterFetch, AfterFetchKind, Mailbox, check_reply_address
from customerservice.domain.outbox import RecipientState
from customerservice.errors import OwnTransactionNeeded, Refused
from customerservice.mail import parse
from customerservice.mail.composer import OutgoingMail, compose
from customerservice.mail.received import Correspondent
from customerservice.mail.tokens import signed_address
from customerservice.ports.transports import Envelope, FetchedMail, MailRef, MailSender, MailSession, MailSource

#: How long a probe may be under way before the pattern counts as useless.
PATIENCE = dt.timedelta(minutes=3)

_LOOK = dt.timedelta(seconds=20)
_LARGEST = 1_048_576
#: Purpose of the probe's token; no thread has a number this high, so nothing can join anything by it.
_PROBE = "probe"
_NUMBER = 999_999_999_999


def probe_reply_address(
    desk: DeskContext,
    actor: Actor,
    mailbox_id: MailboxId,
    pattern: str,
    *,
    source: MailSource,
    sender: MailSender,
    sent_from: EmailAddress,
    patience: dt.timedelta = PATIENCE,
    stop: Callable[[], bool] = lambda: False,
) -> Mailbox | None:
    """Send one mail to a signed address made after the pattern, and turn the pattern on if it arrives in the mailbox.

    Gives the mailbox with its proven pattern; None if the mail did not come within `patience`, and then the mailbox
    stays as it is. The probe is removed from the mailbox again, where that may be changed.

    Raises:
        InvalidValue: the pattern gives no address with room for a token.
        NotFound: no such mailbox in the actor's shops.
        Refused: the server refuses the address (``probe-refused``).
        SigningKeyNeeded: there is no key to sign the address with.
        TransportError: the mailbox or the way out cannot be used.
        OwnTransactionNeeded: the storage runs inside a host's transaction.
    """
    if not desk.storage.commits_itself:
        raise OwnTransactionNeeded("a probe waits for mail; use HelpDesk.open instead of HelpDesk.join")
    check_reply_address(pattern)
    get_mailbox(desk, actor, mailbox_id)
    began = desk.clock.now()
    identity = desk.ids.new()
    address = signed_address(pattern, _NUMBER, desk.signing_keys.token(_PROBE, identity, 0))
    message_id = f"{identity.hex}@{sent_from.key.rpartition('@')[2]}"
    with source.open() as session:
        after, known = _there_already(session)
    _send(sender, sent_from, address, message_id, began)
    while (left := began + patience - desk.clock.now()) > dt.timedelta(0) and not stop():
        # A session of its own for each look: POP3 shows new mail to new sessions only.
        with source.open() as session:
            if _found(session, after, known, message_id):
                proven = attrs.evolve(get_mailbox(desk, actor, mailbox_id), reply_address=pattern)
                return save_mailbox(desk, actor, proven)
            session.wait(min(_LOOK, left).total_seconds())
    return None


def _there_already(session: MailSession) -> tuple[int, set[MailRef]]:
    """Give where to look from, and the mails that are no answer to the probe."""
    after = (session.state.next_uid or 1) - 1
    return after, {ref for window in session.listing(after=after) for ref in window}


def _send(
    sender: MailSender, sent_from: EmailAddress, address: EmailAddress, message_id: str, now: dt.datetime
) -> None:
    mail = OutgoingMail(
        sender=sent_from,
        to=(Correspondent(address),),
        subject="Probe of the reply address",
        text="The help desk finds out whether mail to this address arrives. It is removed by itself.\n",
        message_id=message_id,
        date=now,
        auto_submitted="auto-generated",
    )
    (result,) = sender.send(Envelope(sent_from, (address,)), compose(mail), before_dot=lambda: None)
    if result.state in (RecipientState.REFUSED, RecipientState.DEFERRED):
        raise Refused("probe-refused", f"the mail server does not take mail to such an address: {result.text}")


def _found(session: MailSession, after: int, known: set[MailRef], message_id: str) -> bool:
    """Look at what is new; the probe is taken away again, everything else stays and is not looked at twice."""
    new = [ref for window in session.listing(after=after) for ref in window if ref not in known]
    for batch in session.fetch(new, max_size=_LARGEST):
        for item in batch:
            known.add(item.ref)
            if isinstance(item, FetchedMail) and parse(item.raw).message_id == message_id:
                session.acknowledge([item.ref], AfterFetch(AfterFetchKind.DELETE))
                return True
    return False
