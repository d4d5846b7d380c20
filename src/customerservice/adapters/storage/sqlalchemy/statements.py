"""Running statements: what the three databases say differently, and pages of lists."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Final, TypeVar

import attrs
import sqlalchemy as sa
from sqlalchemy.dialects import mysql, postgresql, sqlite
from sqlalchemy.engine import Connection, CursorResult
from sqlalchemy.exc import SQLAlchemyError

from customerservice.adapters.storage.sqlalchemy.columns import is_mysql
from customerservice.adapters.storage.sqlalchemy.connecting import reraise
from customerservice.adapters.storage.sqlalchemy.tables import table_order, thread_number

T = TypeVar("T")

#: As many values go into one ``IN``.
IN_LIMIT: Final = 500

#: LIMIT where there is none.
NO_LIMIT: Final = 2**62

_BRANCHES: Final = 48
_MOST_WAITING: Final = 1000

# What a condition's value is called in a statement, by its operator.
_NAMES: Final = {"=": "is", ">=": "since", "<": "before", "in": "among"}


def portions(items: Iterable[T], size: int = IN_LIMIT) -> Iterator[list[T]]:
    """Give the items in lists of at most `size`, in order."""
    waiting = list(items)
    for start in range(0, len(waiting), size):
        yield waiting[start : start + size]


class Line:
    """The connection of one unit of work; all errors of the database come out of it as `StorageError`.

    New rows that nobody asks for meanwhile wait, to be written together (`add_later`, `settle`): a row written alone
    costs as much as ten written together, on a server more.
    """

    def __init__(self, connection: Connection, schema: str | None = None) -> None:
        """Speak over a connection that is in a transaction, to the tables of a schema (None: where names lead)."""
        self._connection = connection
        self._schema = schema
        # Without it the count of an INSERT is lost on PostgreSQL.
        self._options: dict[str, Any] = {"preserve_rowcount": True}
        if schema is not None:
            self._options["schema_translate_map"] = {None: schema}
        self._open = True
        self._waiting: dict[sa.Table, list[Mapping[str, Any]]] = {}
        self._keeping: set[sa.Table] = set()
        self._used_up: list[Mapping[str, Any]] = []
        self.mysql = is_mysql(connection.dialect)
        self.sqlite = connection.dialect.name == "sqlite"

    def end(self) -> None:
        """Refuse everything from now on."""
        self._open = False

    def _execute(self, statement: Any, values: Any) -> CursorResult[Any]:
        if not self._open:
            raise RuntimeError("this unit of work has ended; open a new one")
        return self._connection.execute(statement, values, execution_options=self._options)

    def rows(self, statement: Any, values: Mapping[str, Any] | None = None) -> Sequence[Any]:
        """Give all rows."""
        try:
            return self._execute(statement, values).all()
        except SQLAlchemyError as error:
            reraise(error)

    def row(self, statement: Any, values: Mapping[str, Any] | None = None) -> Any:
        """Give the first row, or None."""
        try:
            return self._execute(statement, values).first()
        except SQLAlchemyError as error:
            reraise(error)

    def run(self, statement: Any, values: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None) -> int:
        """Run a statement once, or once for each of several values, and give how many rows it touched."""
        try:
            return self._execute(statement, values).rowcount
        except SQLAlchemyError as error:
            reraise(error)

    def add(self, table: sa.Table, values: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> None:
        """Store new rows; none is fine."""
        if values:
            self.run(_insert(table), values)

    def add_later(self, table: sa.Table, values: Sequence[Mapping[str, Any]], *, or_keep: bool = False) -> None:
        """Store new rows at the next `settle`, where also their errors come up; `or_keep` as in `add_or_keep`."""
        if or_keep:
            self._keeping.add(table)
        if values:
            waiting = self._waiting.setdefault(table, [])
            waiting.extend(values)
            if len(waiting) > _MOST_WAITING:
                self.settle()

    def waiting(self, table: sa.Table) -> Sequence[Mapping[str, Any]]:
        """Give the rows of a table that wait."""
        return self._waiting.get(table, ())

    def settle(self) -> None:
        """Write what waits, rows before those that refer to them.

        When that fails it goes on waiting, so that the unit fails even if somebody catches the error.
        """
        for table in sorted(self._waiting, key=table_order):
            insert = self._insert_or_keep(table) if table in self._keeping else _insert(table)
            self.run(insert, self._waiting[table])
        self._waiting.clear()
        if self._used_up:
            self.run(_USED_UP, self._used_up)
            self._used_up.clear()

    def add_or_keep(self, table: sa.Table, values: Mapping[str, Any]) -> int:
        """Store a row unless one with its primary key is there; on SQLite and PostgreSQL, gives how many were stored.

        Where another unit is just storing the same key, waits for the end of that one. MariaDB, which cannot tell,
        locks the row that is there.
        """
        return self.run(self._insert_or_keep(table), values)

    def _insert_or_keep(self, table: sa.Table) -> Any:
        return insert_or_keep(table, table.columns[0].name) if self.mysql else insert_new(table, self.sqlite)

    def put(self, table: sa.Table, values: Mapping[str, Any]) -> None:
        """Store a row, replacing the one with the same primary key."""
        kept = tuple(column.name for column in table.columns if not column.primary_key)
        self.run(upsert(table, self.mysql, self.sqlite, kept), values)

    def next_thread_number(self) -> int:
        """Give a number that was never given before."""
        if not (self.mysql or self.sqlite):
            quote = self._connection.dialect.identifier_preparer.quote
            prefix = "" if self._schema is None else f"{quote(self._schema)}."
            return int(self.row(_NEXT_NUMBER, {"table": prefix + thread_number.name})[0])
        try:
            key: Any = self._execute(_NEW_NUMBER, None).inserted_primary_key
        except SQLAlchemyError as error:
            reraise(error)
        # The counter stands beside the table, so the row itself is not needed any more.
        self._used_up.append({"used_up": key[0]})
        return int(key[0])


_NEXT_NUMBER: Final = sa.select(
    sa.func.nextval(
        sa.cast(sa.func.pg_get_serial_sequence(sa.bindparam("table", type_=sa.Text), "number"), postgresql.REGCLASS)
    )
)
_NEW_NUMBER: Final = sa.insert(thread_number)
_USED_UP: Final = sa.delete(thread_number).where(thread_number.c.number == sa.bindparam("used_up"))


@cache
def _insert(table: sa.Table) -> Any:
    # Inline: nobody asks for the numbers the database counts.
    return sa.insert(table).inline()


@cache
def insert_new(table: sa.Table, is_sqlite: bool, key: str | None = None) -> Any:
    """Give the INSERT that leaves out rows whose key (None: any unique one) is there; not for MariaDB."""
    insert = sqlite.insert(table) if is_sqlite else postgresql.insert(table)
    return insert.on_conflict_do_nothing(index_elements=None if key is None else [key])


@cache
def insert_or_keep(table: sa.Table, key: str) -> Any:
    """Give MariaDB's INSERT that leaves rows alone whose key is there; unlike IGNORE it cuts nothing."""
    return mysql.insert(table).on_duplicate_key_update({key: table.c[key]})


@cache
def upsert(table: sa.Table, is_mysql: bool, is_sqlite: bool, columns: tuple[str, ...], *, adding: bool = False) -> Any:
    """Give the INSERT that sets these columns, or adds to them, where the primary key is there."""
    if is_mysql:
        insert = mysql.insert(table)
        new = insert.inserted
        return insert.on_duplicate_key_update(
            {name: table.c[name] + new[name] if adding else new[name] for name in columns}
        )
    other = sqlite.insert(table) if is_sqlite else postgresql.insert(table)
    return other.on_conflict_do_update(
        index_elements=list(table.primary_key.columns),
        set_={name: table.c[name] + other.excluded[name] if adding else other.excluded[name] for name in columns},
    )


@cache
def update_all(table: sa.Table, *keys: str) -> Any:
    """Give the UPDATE of all columns where the keys are as in the values ``old_KEY``."""
    return (
        sa.update(table)
        .where(*(table.c[key] == sa.bindparam(f"old_{key}") for key in keys))
        .values({column.name: sa.bindparam(column.name) for column in table.columns if not column.primary_key})
    )


@attrs.frozen(kw_only=True)
class Shape:
    """What kind of list a page is of; equal shapes share one statement.

    A list is the union of branches, one for each combination of values of some leading index columns: each is read in
    the order of an index, so a page costs the same at any depth. An ``IN`` would make the database sort.

    Attributes:
        leading: columns that each branch pins to a value.
        branches: how many.
        conditions: (column, operator) that all branches share; operators ``=``, ``>=``, ``<``, ``in`` and ``null``.
        order: columns, the last one unique.
        ascending: else the other way round.
        behind: the page begins behind a place.
    """

    table: sa.Table
    leading: tuple[str, ...]
    branches: int
    conditions: tuple[tuple[str, str], ...]
    order: tuple[str, ...]
    ascending: bool
    behind: bool


@cache
def _page(shape: Shape, is_mysql: bool) -> Any:
    branches = [_branch(shape, number, is_mysql) for number in range(shape.branches)]
    if len(branches) == 1:
        return branches[0]
    together = sa.union_all(*(sa.select(branch.subquery()) for branch in branches)).subquery()
    return _ordered(sa.select(together), together, shape)


def _branch(shape: Shape, number: int, is_mysql: bool) -> Any:
    table = shape.table
    statement = sa.select(table).where(
        *(table.c[name] == sa.bindparam(f"{name}_{number}") for name in shape.leading),
        *(_condition(table.c[name], name, operator) for name, operator in shape.conditions),
    )
    if shape.behind:
        statement = statement.where(_behind(shape, is_mysql))
    index = _index_of(shape) if is_mysql else None
    if index is not None:
        # MariaDB prefers to walk all rows of the leading values, which costs the more the deeper the page is.
        statement = statement.with_hint(table, f"FORCE INDEX ({index})")
    return _ordered(statement, table, shape)


def _index_of(shape: Shape) -> str | None:
    wanted = [*shape.leading, *shape.order]
    return next((str(index.name) for index in shape.table.indexes if index.columns.keys() == wanted), None)


def _ordered(statement: Any, source: Any, shape: Shape) -> Any:
    columns = [source.c[name] for name in shape.order]
    return statement.order_by(*(column if shape.ascending else column.desc() for column in columns)).limit(
        sa.bindparam("page_limit", type_=sa.BigInteger())
    )


def _condition(column: Any, name: str, operator: str) -> Any:
    if operator == "null":
        return column.is_(None)
    value = sa.bindparam(f"{name}_{_NAMES[operator]}", expanding=operator == "in", type_=column.type)
    if operator == "in":
        return column.in_(value)
    return {"=": column == value, ">=": column >= value, "<": column < value}[operator]


def _behind(shape: Shape, is_mysql: bool) -> Any:
    columns = [shape.table.c[name] for name in shape.order]
    places = [
        sa.bindparam(f"place_{name}", type_=column.type) for name, column in zip(shape.order, columns, strict=True)
    ]
    if not is_mysql:
        here, there = sa.tuple_(*columns), sa.tuple_(*places)
        return here > there if shape.ascending else here < there
    # MariaDB finds no place in an index for a tuple, but for its first column.
    further = [
        column > place if shape.ascending else column < place for column, place in zip(columns, places, strict=True)
    ]
    found = further[-1]
    for column, place, beyond in list(zip(columns, places, further, strict=True))[-2::-1]:
        found = sa.and_(column >= place if shape.ascending else column <= place, sa.or_(beyond, found))
    return found


def read_page(
    line: Line,
    table: sa.Table,
    *,
    leading: Mapping[str, Sequence[Any]],
    conditions: Mapping[tuple[str, str], Any],
    order: tuple[str, ...],
    ascending: bool,
    after: Mapping[str, Any] | None,
    limit: int,
) -> Sequence[Any]:
    """Give at most `limit` rows of a list, see `Shape`.

    `leading` has the values of each leading column; a branch is one combination. `conditions` has the value by (column,
    operator), ignored for ``null``; `after` the place to begin behind, by column of the order.
    """
    shared: dict[str, Any] = {"page_limit": limit}
    for (name, operator), value in conditions.items():
        if operator != "null":
            shared[f"{name}_{_NAMES[operator]}"] = list(value) if operator == "in" else value
    for name, value in (after or {}).items():
        shared[f"place_{name}"] = value
    combinations: list[tuple[Any, ...]] = [()]
    for values in leading.values():
        combinations = [(*combination, value) for combination in combinations for value in values]
    found: list[Any] = []
    for portion in portions(combinations, _BRANCHES):
        shape = Shape(
            table=table,
            leading=tuple(leading),
            branches=len(portion),
            conditions=tuple(conditions),
            order=order,
            ascending=ascending,
            behind=after is not None,
        )
        pinned = {
            f"{name}_{number}": value
            for number, combination in enumerate(portion)
            for name, value in zip(leading, combination, strict=True)
        }
        found.extend(line.rows(_page(shape, line.mysql), {**shared, **pinned}))
    if len(combinations) > _BRANCHES:
        found.sort(key=lambda row: tuple(getattr(row, name) for name in order), reverse=not ascending)
    return found[:limit]


def shops_of(line: Line, table: sa.Table) -> Sequence[str]:
    """Give the shops a table has rows of, jumping from one to the next in its index."""
    return [row[0] for row in line.rows(_shops(table, line.mysql))]


@cache
def _shops(table: sa.Table, is_mysql: bool) -> Any:
    if is_mysql:
        # MariaDB jumps by itself; the others would read the whole index.
        return sa.select(table.c.shop).distinct()
    walk = sa.select(sa.func.min(table.c.shop).label("shop")).cte("shops", recursive=True)
    further = table.alias("further")
    following = sa.select(sa.func.min(further.c.shop)).where(further.c.shop > walk.c.shop).scalar_subquery()
    walk = walk.union_all(sa.select(following).where(walk.c.shop.is_not(None)))
    return sa.select(walk.c.shop).where(walk.c.shop.is_not(None))
