"""Leases: who moves a piece of durable work, and when it is due."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make their table; what is due and what ended are found by an index each."""
    op.create_table(
        "lease",
        sa.Column("work", sa.Text, primary_key=True),
        sa.Column("owner", sa.Text),
        sa.Column("token", sa.BigInteger, nullable=False),
        sa.Column("until", sa.BigInteger),
        sa.Column("due_at", sa.BigInteger),
        sa.Column("span", sa.BigInteger, nullable=False),
    )
    op.create_index("lease_until", "lease", ["until"])
    op.create_index("lease_due_at", "lease", ["due_at"])
