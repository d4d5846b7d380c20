"""The history of the tables, run by Alembic through `customerservice.adapters.storage.sqlalchemy.schema.upgrade`."""
