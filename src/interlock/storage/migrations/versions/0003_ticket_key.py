"""The database remembers which key signs tickets; the next start pins it."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Room for the key."""
    op.add_column("ledger_log", sa.Column("ticket_vkey", sa.Text))
