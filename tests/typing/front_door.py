"""What a type checker sees through the front door; mypy reads this file, nothing runs it."""

from typing import assert_type

from customerservice import (
    CustomerRef,
    CustomerServiceError,
    EmailAddress,
    EmployeeRef,
    HelpDesk,
    ImapOptions,
    Thread,
    ThreadStatus,
    __version__,
)
from customerservice.errors import NotFound, TransportError

assert_type(__version__, str)


def a_mailbox_string_is_typed(text: str) -> None:
    """Parsing gives the value, its parts are typed."""
    options = ImapOptions.parse(text)
    assert_type(options, ImapOptions)
    assert_type(options.effective_port, int)
    assert_type(options.port, int | None)


def references_are_not_mixed(employee: EmployeeRef, customer: CustomerRef) -> None:
    """An employee is no customer, though both hold a text."""
    wrong: EmployeeRef = customer  # type: ignore[assignment]  # must stay an error
    assert wrong is not employee


def values_are_frozen(options: ImapOptions) -> None:
    """A checker refuses a change."""
    options.host = "other.example"  # type: ignore[misc]  # must stay an error


def every_error_is_of_one_family(error: NotFound | TransportError) -> CustomerServiceError:
    """One `except` catches them all, and each says whether a retry can help."""
    assert_type(error.temporary, bool)
    return error


def a_thread_is_typed(thread: Thread) -> None:
    """The state of a thread is an enumeration, not a text."""
    assert_type(thread.status, ThreadStatus)


def an_address_is_typed(address: EmailAddress) -> None:
    """An address is compared as a value."""
    assert_type(address == address, bool)


def a_desk_in_memory_is_a_context() -> None:
    """`with` gives the desk itself."""
    with HelpDesk.in_memory() as desk:
        assert_type(desk, HelpDesk)
