"""How values lie in columns: each type comes back equal from SQLite, PostgreSQL and MariaDB."""

import datetime as dt
import hashlib
from collections.abc import Callable
from typing import Any
from uuid import UUID, SafeUUID

import sqlalchemy as sa
from sqlalchemy.dialects import mysql
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine
from typing_extensions import override

from customerservice.domain.text import storable
from customerservice.errors import InvalidValue

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)


def microseconds(moment: dt.datetime) -> int:
    """Give the microseconds since 1970, exactly.

    Raises:
        InvalidValue: the moment has no time zone, so nobody can know when it was.
    """
    _require_zone(moment)
    return (moment - _EPOCH) // _MICROSECOND


def _require_zone(moment: dt.datetime) -> None:
    if moment.tzinfo is None:
        raise InvalidValue("moment", f"{moment} has no time zone; pass aware moments")


def _utc(moment: dt.datetime) -> dt.datetime:
    _require_zone(moment)
    return moment.astimezone(dt.UTC)


def moment_of(value: int) -> dt.datetime:
    """Give the moment, as aware UTC, that many microseconds after 1970."""
    return _EPOCH + dt.timedelta(microseconds=value)


def digest_key(*parts: str | int) -> bytes:
    """Give the SHA-256 that stands for these texts in a unique key, however long they are.

    MariaDB indexes at most 3072 bytes, and compares texts by its collation; 32 bytes are compared as they are.
    """
    hashed = hashlib.sha256()
    for part in parts:
        encoded = str(part).encode("utf-8", "surrogatepass")
        hashed.update(b"%d:" % len(encoded))
        hashed.update(encoded)
    return hashed.digest()


def is_mysql(dialect: Dialect) -> bool:
    """Whether it speaks to MariaDB or MySQL."""
    return dialect.name in ("mysql", "mariadb")


def _collation(dialect: Dialect) -> str:
    # Plain utf8mb4_bin ignores trailing blanks; these do not.
    return "utf8mb4_nopad_bin" if getattr(dialect, "is_mariadb", True) else "utf8mb4_0900_bin"


def _safe(text: str | None) -> str | None:
    # What the domain normalised already passes this test quickly; the normaliser itself costs 10 ns a character.
    if text is None:
        return None
    if "\x00" not in text:
        try:
            text.encode()
        except UnicodeEncodeError:
            return storable(text)
        return text
    return storable(text)


# The types give a function of their own for each direction and database: SQLAlchemy's usual way asks for the database
# again at each value, which doubles the cost of reading a list.

Convert = Callable[[Any], Any] | None


def _uuid(value: bytes) -> UUID:
    # Sets the two attributes a UUID has, as its own constructor does after it looked at six forms of arguments: that
    # takes 2.5 times as long, and a page of a list has a hundred of them.
    made = _new(UUID)
    _set(made, "int", int.from_bytes(value, "big"))
    _set(made, "is_safe", SafeUUID.unknown)
    return made


_new, _set = object.__new__, object.__setattr__


class Id(TypeDecorator[UUID]):
    """A UUID in 16 bytes that sort as it does."""

    impl = sa.LargeBinary
    cache_ok = True

    @override
    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(sa.Uuid())
        return dialect.type_descriptor(mysql.BINARY(16) if is_mysql(dialect) else sa.LargeBinary())

    @override
    def bind_processor(self, dialect: Dialect) -> Convert:
        if dialect.name == "postgresql":
            return super().bind_processor(dialect)
        return lambda value: None if value is None else value.bytes

    @override
    def result_processor(self, dialect: Dialect, coltype: object) -> Convert:
        if dialect.name == "postgresql":
            return super().result_processor(dialect, coltype)
        return lambda value: None if value is None else _uuid(value)


class Moment(TypeDecorator[dt.datetime]):
    """An aware moment, to the microsecond, given back as UTC; a naive one is refused with `InvalidValue`.

    SQLite has no such type, so there it is the number of microseconds since 1970, which sorts and needs no parsing.
    """

    impl = sa.BigInteger
    cache_ok = True

    @override
    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(sa.DateTime(timezone=True))
        return dialect.type_descriptor(mysql.DATETIME(fsp=6) if is_mysql(dialect) else sa.BigInteger())

    @override
    def bind_processor(self, dialect: Dialect) -> Convert:
        if dialect.name == "sqlite":
            return lambda value: None if value is None else microseconds(value)
        if is_mysql(dialect):
            return lambda value: None if value is None else _utc(value).replace(tzinfo=None)
        return lambda value: None if value is None else _utc(value)

    @override
    def result_processor(self, dialect: Dialect, coltype: object) -> Convert:
        if dialect.name == "sqlite":
            return lambda value: None if value is None else _EPOCH + dt.timedelta(0, 0, value)
        if is_mysql(dialect):
            return lambda value: None if value is None else value.replace(tzinfo=dt.UTC)
        return lambda value: None if value is None else value.astimezone(dt.UTC)


class Day(TypeDecorator[dt.date]):
    """A day; ``DATE`` where the database has one, ISO text on SQLite."""

    impl = sa.Date
    cache_ok = True

    @override
    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(sa.String(10) if dialect.name == "sqlite" else sa.Date())

    @override
    def bind_processor(self, dialect: Dialect) -> Convert:
        if dialect.name != "sqlite":
            return super().bind_processor(dialect)
        return lambda value: None if value is None else value.isoformat()

    @override
    def result_processor(self, dialect: Dialect, coltype: object) -> Convert:
        if dialect.name != "sqlite":
            return super().result_processor(dialect, coltype)
        return lambda value: None if value is None else dt.date.fromisoformat(value)


class Span(TypeDecorator[dt.timedelta]):
    """A duration, as its number of microseconds."""

    impl = sa.BigInteger
    cache_ok = True

    @override
    def bind_processor(self, dialect: Dialect) -> Convert:
        return lambda value: None if value is None else value // _MICROSECOND

    @override
    def result_processor(self, dialect: Dialect, coltype: object) -> Convert:
        return lambda value: None if value is None else dt.timedelta(microseconds=value)


class Key(TypeDecorator[str]):
    """A text of bounded length that is compared exactly: case, accents and trailing blanks count."""

    impl = sa.String
    cache_ok = True

    @override
    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        length: int = getattr(self.impl_instance, "length")  # noqa: B009 - the base class does not say that it has one
        if is_mysql(dialect):
            return dialect.type_descriptor(mysql.VARCHAR(length, charset="utf8mb4", collation=_collation(dialect)))
        return dialect.type_descriptor(sa.String(length))

    @override
    def bind_processor(self, dialect: Dialect) -> Convert:
        return _safe


class Words(TypeDecorator[str]):
    """A text of any length, normalised where nobody did before; compared exactly."""

    impl = sa.Text
    cache_ok = True

    @override
    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        # TEXT of MariaDB ends at 64 KB.
        if is_mysql(dialect):
            return dialect.type_descriptor(mysql.LONGTEXT(charset="utf8mb4", collation=_collation(dialect)))
        return dialect.type_descriptor(sa.Text())

    @override
    def bind_processor(self, dialect: Dialect) -> Convert:
        return _safe


class ExactText(TypeDecorator[str]):
    """A text that comes back equal even where no database takes it as text: names of files are any bytes."""

    impl = sa.LargeBinary
    cache_ok = True

    @override
    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(mysql.LONGBLOB() if is_mysql(dialect) else sa.LargeBinary())

    @override
    def bind_processor(self, dialect: Dialect) -> Convert:
        return lambda value: None if value is None else value.encode("utf-8", "surrogatepass")

    @override
    def result_processor(self, dialect: Dialect, coltype: object) -> Convert:
        return lambda value: None if value is None else bytes(value).decode("utf-8", "surrogatepass")


#: The 32 bytes of `digest_key`.
DigestKey = sa.LargeBinary().with_variant(mysql.BINARY(32), "mysql", "mariadb")

#: Bytes of any length.
Bytes = sa.LargeBinary().with_variant(mysql.LONGBLOB(), "mysql", "mariadb")

#: A number that counts itself up; SQLite does that for ``INTEGER`` only.
Counter = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
