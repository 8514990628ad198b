"""Counts that services push: the newest of each source."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make their table."""
    op.create_table(
        "pushed_count",
        sa.Column("service", sa.Text, primary_key=True),
        sa.Column("source", sa.Text, primary_key=True),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("newest", sa.Float, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
