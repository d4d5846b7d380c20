"""The small built-in directory of employees."""

import attrs

from customerservice.domain.email_address import EmailAddress
from customerservice.domain.references import EmployeeRef
from customerservice.domain.text import one_line


@attrs.frozen(kw_only=True)
class Employee:
    """Somebody who answers customers."""

    ref: EmployeeRef
    name: str = attrs.field(converter=one_line)
    email: EmailAddress | None = None
    enabled: bool = True
