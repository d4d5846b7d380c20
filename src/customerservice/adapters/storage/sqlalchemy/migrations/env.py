"""Runs the migrations over the connection that `schema.upgrade` hands over; opens none, and configures no logging."""

from alembic import context

from customerservice.adapters.storage.sqlalchemy.schema import VERSION_TABLE
from customerservice.adapters.storage.sqlalchemy.tables import PREFIX, metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    version_table_schema=context.config.attributes["schema"],
    include_name=lambda name, type_, _: type_ != "table" or name is None or name.startswith(PREFIX),
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
