"""What a database can check of itself."""

from collections.abc import Sequence

from sqlalchemy.exc import SQLAlchemyError

from customerservice.adapters.storage.sqlalchemy.connecting import READING, make_engine, read_url, reraise, shown


def integrity_faults(url: str) -> Sequence[str]:
    """Give what SQLite's own checks find in a database file, one sentence each; empty when all is well.

    Its pages and indexes (``PRAGMA integrity_check``) and its foreign keys (``PRAGMA foreign_key_check``). A database
    server sees to both by itself, so for it nothing is asked.

    Raises:
        StorageError: the file cannot be read.
        InvalidValue: not the URL of a database.
    """
    address = read_url(url)
    if address.get_backend_name() != "sqlite":
        return ()
    engine = make_engine(address)
    try:
        with engine.connect().execution_options(**{READING: True}) as connection:
            pages = [str(row[0]) for row in connection.exec_driver_sql("PRAGMA integrity_check")]
            orphans = list(connection.exec_driver_sql("PRAGMA foreign_key_check"))
    except SQLAlchemyError as error:
        reraise(error, f"the database {shown(address)}")
    finally:
        engine.dispose()
    return [
        *(f"the file is damaged: {words}" for words in pages if words != "ok"),
        *(f"row {row[1]} of {row[0]} refers to a row of {row[2]} that does not exist" for row in orphans),
    ]
