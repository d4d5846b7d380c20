"""Values lie in columns so that they sort, compare and come back as they are."""

import datetime as dt
import pickle
from uuid import UUID

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import mysql, postgresql, sqlite

from customerservice.adapters.storage.sqlalchemy.columns import (
    ExactText,
    Id,
    Key,
    Moment,
    Words,
    digest_key,
    microseconds,
    moment_of,
)
from customerservice.errors import InvalidValue

DIALECTS = [sqlite.dialect(), postgresql.dialect(), mysql.dialect()]
MOMENTS = st.datetimes(timezones=st.timezones() | st.just(dt.UTC))


@given(MOMENTS)
def test_microseconds_are_exact(moment: dt.datetime) -> None:
    """The number stands for exactly that moment, also before 1970 and in any zone."""
    assert moment_of(microseconds(moment)) == moment.astimezone(dt.UTC)


@given(MOMENTS, MOMENTS)
def test_microseconds_sort_like_moments(one: dt.datetime, other: dt.datetime) -> None:
    """An index over the numbers gives the order of the moments."""
    assert (microseconds(one) < microseconds(other)) == (one.astimezone(dt.UTC) < other.astimezone(dt.UTC))


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_naive_moment_is_refused(dialect: sa.Dialect) -> None:
    """Nobody can know when it was."""
    bind = Moment().bind_processor(dialect)

    with pytest.raises(InvalidValue, match="time zone"):
        bind(dt.datetime(2026, 1, 1))  # noqa: DTZ001 - that is the point


@given(st.uuids(), st.uuids())
def test_ids_sort_as_bytes(one: object, other: object) -> None:
    """The order in an index is the order of the ids."""
    bind = Id().bind_processor(DIALECTS[0])

    assert (bind(one) < bind(other)) == (one < other)


@given(st.uuids())
def test_ids_come_back_as_proper_ids(one: UUID) -> None:
    """Equal in every way Python knows: as a value, as a key, as text and pickled."""
    kind = Id()
    back = kind.result_processor(DIALECTS[0], None)(kind.bind_processor(DIALECTS[0])(one))

    assert (back, hash(back), str(back), back.is_safe) == (one, hash(one), str(one), one.is_safe)
    assert pickle.loads(pickle.dumps(back)) == one


@pytest.mark.parametrize("kind", [Id(), Moment(), Key(9), Words(), ExactText()], ids=lambda kind: type(kind).__name__)
@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_nothing_stays_nothing(dialect: sa.Dialect, kind: sa.types.TypeDecorator) -> None:
    """NULL is None in both directions."""
    ways = (kind.bind_processor(dialect), kind.result_processor(dialect, None))

    assert [way(None) for way in ways if way is not None] == [None for way in ways if way is not None]


@given(st.text(st.characters()))
def test_texts_are_stored_normalised(text: str) -> None:
    """What a database refuses becomes U+FFFD, and nothing else changes."""
    stored = Words().bind_processor(DIALECTS[0])(text)

    assert "\x00" not in stored
    assert len(stored.encode().decode()) == len(text)
    assert all(kept in (given, "\N{REPLACEMENT CHARACTER}") for given, kept in zip(text, stored, strict=True))


@given(st.text(st.characters()))
def test_names_of_files_come_back_equal(text: str) -> None:
    """Also those that are no proper text."""
    kind = ExactText()

    assert kind.result_processor(DIALECTS[0], None)(kind.bind_processor(DIALECTS[0])(text)) == text


def test_keys_of_mysql_compare_exactly() -> None:
    """MySQL and MariaDB name their collations that heed trailing blanks each in their own way."""
    ours, theirs = mysql.dialect(), mysql.dialect()
    ours.is_mariadb, theirs.is_mariadb = True, False

    assert "utf8mb4_nopad_bin" in Key(9).compile(ours)
    assert "utf8mb4_0900_bin" in Key(9).compile(theirs)


@given(st.lists(st.text()), st.lists(st.text()))
def test_digest_tells_parts_apart(one: list[str], other: list[str]) -> None:
    """Different parts have different digests, also when they read the same one behind the other."""
    assert (digest_key(*one) == digest_key(*other)) == (one == other)
    assert digest_key("ab", "c") != digest_key("a", "bc")
