"""${message}."""

import sqlalchemy as sa
from alembic import op

from customerservice.adapters.storage.sqlalchemy.migrations.steps import create_table
${imports if imports else ""}
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}


def upgrade() -> None:
    """Each step must do nothing when it was done: MariaDB keeps it when a later one fails."""
    ${upgrades if upgrades else "pass"}
