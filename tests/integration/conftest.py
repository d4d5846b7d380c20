"""Real servers, started by the tests that need them."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def dovecot(dovecot_program: str) -> Iterator[Any]:
    """A running Dovecot for the whole run: every user exists and logs in with the same password."""
    folder = str(Path(__file__).parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    from dovecot import running_dovecot

    with running_dovecot(program=dovecot_program) as server:
        yield server
