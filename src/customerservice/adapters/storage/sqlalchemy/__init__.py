"""The storage in a SQL database: SQLite, PostgreSQL (psycopg 3) or MariaDB (PyMySQL), by SQLAlchemy Core.

`customerservice.adapters.storage.sqlalchemy.storage` opens one. Importing anything in here without the extra raises
`MissingExtra`.
"""

from customerservice.errors import MissingExtra

try:
    import sqlalchemy as _sqlalchemy  # noqa: F401 - only to say which extra is missing
except ModuleNotFoundError as error:
    raise MissingExtra("sqlalchemy", "a SQL database") from error
