"""A contact has a language."""

import sqlalchemy as sa

from customerservice.adapters.storage.sqlalchemy.columns import Words
from customerservice.adapters.storage.sqlalchemy.migrations.steps import add_column

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the language, which no contact has yet."""
    add_column("cs_contact", sa.Column("language", Words))
