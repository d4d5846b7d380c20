"""What happened to a thread, as kept in its history."""

import datetime as dt
import enum

import attrs

from customerservice.domain.ids import MessageId, ShopId, ThreadId
from customerservice.domain.status import StatusCause


class EventKind(enum.Enum):
    """The kinds of event."""

    OPENED = "opened"
    CUSTOMER_WROTE = "customer wrote"
    EMPLOYEE_REPLIED = "employee replied"
    NOTE_ADDED = "note added"
    REPORT_ATTACHED = "report attached"
    STATUS_CHANGED = "status changed"
    ASSIGNED = "assigned"
    LINKED = "linked"
    PARTICIPANT_ADDED = "participant added"
    REPLY_TOKENS_REVOKED = "reply tokens revoked"
    #: too much mail came; what follows is taken quietly.
    MUTED = "muted"
    CAME_WHILE_MUTED = "came while muted"


@attrs.frozen(kw_only=True)
class ThreadEvent:
    """One thing that happened to a thread, with who, when and why (R59).

    Attributes:
        at: aware UTC.
        actor: `Actor.label` of who did it.
        before: the old status, assignee or link, as text; None if there was none.
        after: the new one.
        message_id: the message that was added, if one was.
    """

    thread_id: ThreadId
    shop: ShopId
    kind: EventKind
    at: dt.datetime
    actor: str
    cause: StatusCause | None = None
    before: str | None = None
    after: str | None = None
    message_id: MessageId | None = None
