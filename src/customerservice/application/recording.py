"""Writing what happened to threads: the change, its message, its history and its figures, in one unit."""

from collections.abc import Sequence

import attrs

from customerservice.domain.actor import Actor
from customerservice.domain.events import ThreadEvent
from customerservice.domain.figures import differences
from customerservice.domain.ids import ThreadId
from customerservice.domain.thread import Thread, ThreadChange
from customerservice.errors import NotFound
from customerservice.ports.storage import UnitOfWork


def thread_for(unit: UnitOfWork, actor: Actor, thread_id: ThreadId) -> Thread:
    """Give a thread that the actor may see.

    Raises:
        NotFound: there is none in the actor's shops.
    """
    thread = unit.threads.get(thread_id)
    if thread is None or thread.shop not in actor.scope:
        raise NotFound("thread", thread_id)
    return thread


def record(unit: UnitOfWork, change: ThreadChange) -> Thread:
    """Store one change of a thread and give the thread as stored."""
    journal = Journal(unit)
    thread = journal.record(change)
    journal.write()
    return thread


@attrs.define
class Journal:
    """Stores changes of threads; history and figures of many changes are written together by `write`.

    Threads and messages are stored at once, so that later look-ups of the same unit see them.
    """

    unit: UnitOfWork
    changes: list[ThreadChange] = attrs.field(factory=list)

    def record(self, change: ThreadChange) -> Thread:
        """Store the thread and the message of a change; gives the thread with its new version."""
        if change.before is None:
            self.unit.threads.add(change.thread)
            stored = change.thread
        elif change.thread is change.before:
            return change.thread
        else:
            stored = self.unit.threads.save(change.thread)
        if change.message is not None:
            self.unit.messages.add([change.message])
        self.changes.append(change)
        return stored

    def write(self) -> None:
        """Store the history and the figures of all changes since the last call."""
        events: Sequence[ThreadEvent] = [event for change in self.changes for event in change.events]
        if events:
            self.unit.events.add(events)
        if self.changes:
            self.unit.figures.add(differences(self.changes))
        self.changes.clear()
