"""The questions and answers of the storage port."""

from customerservice.domain.actor import ALL_SHOPS
from customerservice.domain.ids import MailboxId
from customerservice.ports.storage import DeliveryFilter, Page, SyncCursor, ThreadFilter
from customerservice.testing.builders import Builder


def test_filters_ask_for_everything_by_default() -> None:
    """No condition, all shops."""
    told = [value for wanted in (ThreadFilter(), DeliveryFilter()) for value in vars_of(wanted)]

    assert [value for value in told if value not in (None, False, ALL_SHOPS)] == []


def test_page_ends_unless_told_otherwise() -> None:
    """A page without a key to the next is the last."""
    assert Page((1, 2)).next is None


def test_cursor_wants_all_mail_unless_told_otherwise() -> None:
    """No day, and no UID that a day would apply to."""
    cursor = SyncCursor(mailbox_id=MailboxId(Builder().ids.new()), epoch=1, uid=2)

    assert (cursor.since, cursor.old_uid) == (None, 0)


def vars_of(value: object) -> list[object]:
    """The values of all fields."""
    return [getattr(value, name) for name in value.__slots__ if name != "__weakref__"]  # type: ignore[attr-defined]
