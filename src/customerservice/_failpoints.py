"""Named points in the order of storing and sending, for fault tests.

`failpoint` does nothing until a program that imports `customerservice.testing` arms it with `arm`; production code pays
one call and one comparison.
"""

from collections.abc import Callable

_action: Callable[[str], None] | None = None


def failpoint(name: str) -> None:
    """Mark a moment at which a crash must lose nothing; runs the armed action, if any, with the name."""
    if _action is not None:
        _action(name)


def arm(action: Callable[[str], None] | None) -> None:
    """Let every failpoint call `action` with its name; `None` disarms."""
    global _action
    _action = action
