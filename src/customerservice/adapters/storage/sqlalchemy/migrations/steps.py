"""Steps of migrations that do nothing when they were done: MariaDB commits each change of a table by itself."""

from typing import Any

import sqlalchemy as sa
from alembic import op

_MYSQL_OPTIONS = {
    f"{dialect}_{option}": value
    for dialect in ("mysql", "mariadb")
    for option, value in (("engine", "InnoDB"), ("charset", "utf8mb4"), ("collate", "utf8mb4_bin"))
}


def create_table(name: str, *parts: sa.Column[Any] | sa.Constraint | sa.Index, **options: object) -> None:
    """Make a table with its indexes, each where it is missing."""
    indexes = [part for part in parts if isinstance(part, sa.Index)]
    if not sa.inspect(op.get_bind()).has_table(name, schema=_schema()):
        columns = [part for part in parts if not isinstance(part, sa.Index)]
        op.create_table(name, *columns, **_MYSQL_OPTIONS, **options)  # type: ignore[arg-type]  # options of any dialect
    there = {index["name"] for index in sa.inspect(op.get_bind()).get_indexes(name, schema=_schema())}
    for index in indexes:
        if index.name not in there:
            create_index(name, index)


def add_column(table: str, column: sa.Column[Any]) -> None:
    """Add a column where it is missing."""
    if column.name not in {there["name"] for there in sa.inspect(op.get_bind()).get_columns(table, schema=_schema())}:
        # Unlike a table, a changed one is not led to its schema by the connection.
        op.add_column(table, column, schema=_schema())


def create_index(table: str, index: sa.Index) -> None:
    """Make an index as given, over columns named by text."""
    where = {key: value for key, value in index.dialect_kwargs.items() if key.endswith("_where")}
    op.create_index(index.name, table, list(index.expressions), unique=index.unique, **where)


def full_name(name: str) -> str:
    """Give a table's name as plain SQL needs it: with its schema, if it has one."""
    quote = op.get_bind().dialect.identifier_preparer.quote
    schema = _schema()
    return quote(name) if schema is None else f"{quote(schema)}.{quote(name)}"


def _schema() -> str | None:
    schema: str | None = op.get_context().opts["version_table_schema"]
    return schema
