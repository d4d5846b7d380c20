"""Time, ids and workers, as ports: two runs with the same ones give equal stores and equal outgoing bytes (R106)."""

import datetime as dt
from typing import Protocol
from uuid import UUID


class Clock(Protocol):
    """What time it is."""

    def now(self) -> dt.datetime:
        """Give the moment, as aware UTC; never earlier than an answer it gave before."""
        ...


class IdFactory(Protocol):
    """Where ids come from."""

    def new(self) -> UUID:
        """Give an id nobody was ever given before, which sorts after those this factory gave (RFC 9562 5.7)."""
        ...


class Workers(Protocol):
    """Who works: processes that hold leases, and whether one is certainly gone."""

    def name(self) -> str:
        """Give a name for a worker of this process that no other worker ever has, at most 191 characters."""
        ...

    def is_gone(self, name: str) -> bool:
        """Whether the process of a worker has certainly ended; False when that cannot be known from here."""
        ...
