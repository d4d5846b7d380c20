"""Who acts, and within which shops."""

import enum
from typing import Self

import attrs

from customerservice.domain.ids import ShopId
from customerservice.domain.references import CustomerRef, EmployeeRef


@attrs.frozen
class ShopScope:
    """The shops a call may touch: some, or all of them (`shops` is None)."""

    shops: frozenset[ShopId] | None = None

    @classmethod
    def of(cls, *shops: ShopId) -> Self:
        """Give a scope of exactly these shops."""
        return cls(frozenset(shops))

    def __contains__(self, shop: ShopId) -> bool:
        return self.shops is None or shop in self.shops


#: Every shop.
ALL_SHOPS = ShopScope()


class ActorKind(enum.Enum):
    """The kinds of actor."""

    SYSTEM = "system"
    EMPLOYEE = "employee"
    CUSTOMER = "customer"


@attrs.frozen(kw_only=True)
class Actor:
    """Who a call runs for. Every use case takes one.

    Attributes:
        kind: system (the host itself, syncs, timers), employee or customer.
        employee: set exactly for employees.
        customer: set for customers the host knows; a guest has none.
        scope: the shops this actor sees; anything outside is as if it did not exist.
    """

    kind: ActorKind
    employee: EmployeeRef | None = None
    customer: CustomerRef | None = None
    scope: ShopScope = ALL_SHOPS

    @classmethod
    def system(cls, scope: ShopScope = ALL_SHOPS) -> Self:
        """Give the host itself."""
        return cls(kind=ActorKind.SYSTEM, scope=scope)

    @classmethod
    def of_employee(cls, employee: EmployeeRef, scope: ShopScope = ALL_SHOPS) -> Self:
        """Give an employee."""
        return cls(kind=ActorKind.EMPLOYEE, employee=employee, scope=scope)

    @classmethod
    def of_customer(cls, customer: CustomerRef | None, scope: ShopScope = ALL_SHOPS) -> Self:
        """Give a customer, or a guest when `customer` is None."""
        return cls(kind=ActorKind.CUSTOMER, customer=customer, scope=scope)

    @property
    def label(self) -> str:
        """The form kept in histories: ``system``, ``employee:ID``, ``customer:ID`` or ``customer``."""
        reference = self.employee or self.customer
        return self.kind.value if reference is None else f"{self.kind.value}:{reference.id}"
