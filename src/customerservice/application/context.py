"""What every use case runs on."""

import datetime as dt
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import attrs

from customerservice.domain.contact import AfterReply
from customerservice.domain.email_address import EmailAddress
from customerservice.domain.flood import FloodLimit
from customerservice.domain.message import Attachment
from customerservice.domain.status import DEFAULT_LEGEND, StatusLegend
from customerservice.errors import Conflict, SigningKeyNeeded
from customerservice.mail.tokens import ReplyKeys
from customerservice.ports.storage import Storage, UnitOfWork
from customerservice.ports.system import Clock, IdFactory, Workers

if TYPE_CHECKING:  # a help desk that reads no mail does without these
    from customerservice.mail.matching import MatchPolicy
    from customerservice.mail.received import ReceivedMail

T = TypeVar("T")

#: How often a unit that met a `Conflict` is decided again from what is stored now.
_CONFLICT_RETRIES = 5


class StaleView(Conflict):
    """The thing changed since the person who decided looked at it; only that person can decide again (R64)."""


@attrs.frozen(kw_only=True)
class DeskSettings:
    """The choices of a help desk that are not tied to a contact or mailbox.

    Attributes:
        sender: the verified address mail is sent from (R83); None takes the contact's first address.
        after_reply: what a reply does to the status, unless contact or reply say otherwise (R61).
        legend: what the statuses mean, and which are switched off.
        match_policy: which evidence lets a mail join a thread; None is the table of R18.
        duplicate_window: how long a second delivery of equal content is a duplicate (R22).
        repeat_window: how long equal text from the form is "already received" (R4).
        language: of a thread whose mail does not tell in which language it is written (R42).
        flood: how much mail mutes a thread (R38).
        file_check: is given the bytes of a file before it is handed out, and says why it must not be; None if it may.
            A scanner of viruses belongs here. What it raises reaches the caller, and nothing is handed out.
    """

    sender: EmailAddress | None = None
    after_reply: AfterReply = AfterReply.CLOSE
    legend: StatusLegend = DEFAULT_LEGEND
    match_policy: "MatchPolicy | None" = None
    duplicate_window: dt.timedelta = dt.timedelta(days=7)
    repeat_window: dt.timedelta = dt.timedelta(minutes=10)
    language: str = "en"
    flood: FloodLimit = attrs.field(factory=FloodLimit)
    file_check: Callable[[bytes, Attachment], str | None] | None = None


def read_mail(raw: bytes) -> "ReceivedMail":
    """Read a mail with the reader of this package; it is loaded when the first mail comes."""
    from customerservice.mail import parse

    return parse(raw)


@attrs.frozen(kw_only=True)
class DeskContext:
    """What every use case runs on: where things are kept, the time, new ids, the signing keys, the settings.

    Attributes:
        reader: what reads a mail. A mail at which it raises three times is quarantined.
        workers: tells which holders of leases are gone, so that nobody waits for the dead; None waits for the end of
            each lease.
    """

    storage: Storage
    clock: Clock
    ids: IdFactory
    keys: ReplyKeys | None = None
    settings: DeskSettings = DeskSettings()
    reader: "Callable[[bytes], ReceivedMail]" = read_mail
    workers: Workers | None = None

    @property
    def signing_keys(self) -> ReplyKeys:
        """The keys of reply tokens.

        Raises:
            SigningKeyNeeded: there are none, so nothing can be sent (R21).
        """
        if self.keys is None:
            raise SigningKeyNeeded(
                "no signing key: give keys=..., --key-file or CUSTOMERSERVICE_KEY_FILE before sending mail"
            )
        return self.keys

    def in_unit(self, work: Callable[[UnitOfWork], T]) -> T:
        """Run `work` in a unit of its own; when it meets a `Conflict`, again, on what is stored by then.

        `work` must decide everything from what it reads inside.

        Raises:
            Conflict: five times in a row somebody else was faster.
        """
        for _ in range(_CONFLICT_RETRIES - 1):
            try:
                with self.storage.unit() as unit:
                    return work(unit)
            except StaleView:
                raise
            except Conflict:
                if not self.storage.commits_itself:
                    raise
        with self.storage.unit() as unit:
            return work(unit)
