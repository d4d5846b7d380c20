"""All repositories within one transaction."""

from customerservice.adapters.storage.folder_blobs import BlobFolder
from customerservice.adapters.storage.sqlalchemy.conversations import SqlEvents, SqlMessages, SqlThreads
from customerservice.adapters.storage.sqlalchemy.intake import SqlBlobs, SqlDeliveries
from customerservice.adapters.storage.sqlalchemy.settings import SqlContacts, SqlEmployees, SqlMailboxes
from customerservice.adapters.storage.sqlalchemy.statements import Line
from customerservice.adapters.storage.sqlalchemy.work import SqlFigures, SqlLeases, SqlOutbox


class SqlUnit:
    """All repositories within one transaction; see `customerservice.ports.storage.UnitOfWork`."""

    def __init__(self, line: Line, folder: BlobFolder | None = None) -> None:
        """Work over a connection that is in a transaction; blobs go to the folder, or (None) into the database."""
        self._line = line
        self.contacts = SqlContacts(line)
        self.mailboxes = SqlMailboxes(line)
        self.threads = SqlThreads(line)
        self.messages = SqlMessages(line)
        self.events = SqlEvents(line)
        self.deliveries = SqlDeliveries(line)
        self.blobs = SqlBlobs(line, folder)
        self.leases = SqlLeases(line)
        self.outbox = SqlOutbox(line)
        self.figures = SqlFigures(line)
        self.employees = SqlEmployees(line)

    def flush(self) -> None:
        """Write what was kept back to be written together."""
        self._line.settle()
        self.figures.flush()

    def end(self) -> None:
        """Refuse everything from now on."""
        self._line.end()
