"""Leases: who moves a piece of durable work, and when it is due."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make their table. What is held is found by its owner: ``until`` has no index, so that renewing is cheap."""
    op.create_table(
        "lease",
        sa.Column("work", sa.Text, primary_key=True),
        sa.Column("owner", sa.Text),
        sa.Column("token", sa.BigInteger, nullable=False),
        sa.Column("until", sa.BigInteger),
        sa.Column("due_at", sa.BigInteger),
        sa.Column("span", sa.BigInteger, nullable=False),
    )
    op.create_index("lease_owner", "lease", ["owner"])
    op.create_index("lease_due_at", "lease", ["due_at"])
