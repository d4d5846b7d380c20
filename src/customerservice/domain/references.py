"""Opaque references to what belongs to the host: its employees, customers, orders and products.

The text inside is the host's own id (1 to 191 characters); the help desk compares it and hands it back, nothing more.
"""

import attrs

from customerservice.errors import InvalidValue


def _check(instance: object, _attribute: object, value: str) -> None:
    if not 0 < len(value) <= 191 or not value.isprintable():
        raise InvalidValue(type(instance).__name__, "a reference is 1 to 191 printable characters")


@attrs.frozen
class EmployeeRef:
    """An employee of the shop."""

    id: str = attrs.field(validator=_check)


@attrs.frozen
class CustomerRef:
    """A customer of the shop."""

    id: str = attrs.field(validator=_check)


@attrs.frozen
class OrderRef:
    """An order of the shop."""

    id: str = attrs.field(validator=_check)


@attrs.frozen
class ProductRef:
    """A product of the shop."""

    id: str = attrs.field(validator=_check)
