"""A help desk that your program imports: a mailbox becomes threads, answers find their way back.

```python
from customerservice import HelpDesk

with HelpDesk.in_memory() as desk:
    desk.statistics()
```

The names below are what most programs need; each is loaded when it is first used, so that importing this package
costs next to nothing and needs no optional package. Everything else has its place in a submodule:
`customerservice.mail` reads mail without a help desk, `customerservice.ports` says what an adapter must promise,
`customerservice.errors` draws every error.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from customerservice.bootstrap import HelpDesk
    from customerservice.domain.actor import Actor
    from customerservice.domain.contact import Contact
    from customerservice.domain.email_address import EmailAddress
    from customerservice.domain.imap_options import ImapOptions
    from customerservice.domain.mailbox import Mailbox
    from customerservice.domain.message import Attachment, Message
    from customerservice.domain.outcome import Outcome
    from customerservice.domain.references import CustomerRef, EmployeeRef, OrderRef, ProductRef
    from customerservice.domain.status import ThreadStatus
    from customerservice.domain.thread import Thread
    from customerservice.errors import CustomerServiceError

    #: The installed version.
    __version__: str

__all__ = [
    "Actor",
    "Attachment",
    "Contact",
    "CustomerRef",
    "CustomerServiceError",
    "EmailAddress",
    "EmployeeRef",
    "HelpDesk",
    "ImapOptions",
    "Mailbox",
    "Message",
    "OrderRef",
    "Outcome",
    "ProductRef",
    "Thread",
    "ThreadStatus",
]

_HOME = {
    "Actor": "domain.actor",
    "Attachment": "domain.message",
    "Contact": "domain.contact",
    "CustomerRef": "domain.references",
    "CustomerServiceError": "errors",
    "EmailAddress": "domain.email_address",
    "EmployeeRef": "domain.references",
    "HelpDesk": "bootstrap",
    "ImapOptions": "domain.imap_options",
    "Mailbox": "domain.mailbox",
    "Message": "domain.message",
    "OrderRef": "domain.references",
    "Outcome": "domain.outcome",
    "ProductRef": "domain.references",
    "Thread": "domain.thread",
    "ThreadStatus": "domain.status",
}


# Hidden from type checkers: for them every unknown name would exist, as an `object`.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """Load an exported name when it is first asked for (PEP 562)."""
        if name == "__version__":
            return import_module("importlib.metadata").version("customerservice")
        try:
            home = _HOME[name]
        except KeyError:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
        value = getattr(import_module(f"{__name__}.{home}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, "__version__"})
