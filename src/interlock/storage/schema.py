"""The tables that are the same in every installation; record tables are made from their ``RecordType``.

Rules:
1. ``ledger_entry`` holds the leaves' bytes, the one truth; tiles, head and checkpoints can be recomputed from them
   and are checked against them. ``hash`` is there to name the entry whose bytes were changed.
2. ``ledger_head`` is one row: whoever holds its lock may append. ``latest`` is the latest time of any entry.
3. ``ledger_log`` is one row: the verifier keys of the ledger and of its tickets.
4. ``lease`` says who moves a piece of durable work. It is no record: no entry names it, and nothing is decided
   by it but who goes on.
5. ``pushed_count`` is what services push each second, the newest of each source. It is no record either.
6. Any change here comes with an Alembic migration and a new ``REVISION``.
"""

from __future__ import annotations

import sqlalchemy as sa

REVISION = "0005"
OLDEST = "0002"
"""The oldest schema whose records this version can carry on; what is older and has entries is refused."""

metadata = sa.MetaData()

log = sa.Table(
    "ledger_log",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("vkey", sa.Text, nullable=False),
    sa.Column("ticket_vkey", sa.Text),
)

head = sa.Table(
    "ledger_head",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("root", sa.LargeBinary, nullable=False),
    sa.Column("latest", sa.Text),
)

entry = sa.Table(
    "ledger_entry",
    metadata,
    sa.Column(
        "position", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=False
    ),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("leaf", sa.LargeBinary, nullable=False),
    sa.Column("hash", sa.LargeBinary, nullable=False),
    sa.Index("ledger_entry_subject", "subject", "position"),
)

tile = sa.Table(
    "ledger_tile",
    metadata,
    sa.Column("level", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("hashes", sa.LargeBinary, nullable=False),
)

checkpoint = sa.Table(
    "ledger_checkpoint",
    metadata,
    sa.Column("size", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("signed_at", sa.Text, nullable=False),
)

blob = sa.Table(
    "blob",
    metadata,
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("content", sa.LargeBinary, nullable=False),
)

record_shape = sa.Table(
    "record_shape",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("shape", sa.Text, nullable=False),
)

lease = sa.Table(
    "lease",
    metadata,
    sa.Column("work", sa.Text, primary_key=True),
    sa.Column("owner", sa.Text),
    sa.Column("token", sa.BigInteger, nullable=False),
    sa.Column("until", sa.BigInteger),
    sa.Column("due_at", sa.BigInteger),
    sa.Column("span", sa.BigInteger, nullable=False),
    sa.Index("lease_owner", "owner"),
    sa.Index("lease_due_at", "due_at"),
)

pushed = sa.Table(
    "pushed_count",
    metadata,
    sa.Column("service", sa.Text, primary_key=True),
    sa.Column("source", sa.Text, primary_key=True),
    sa.Column("sequence", sa.BigInteger, nullable=False),
    sa.Column("newest", sa.Float, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
)

alembic_version = sa.Table(
    "alembic_version",
    sa.MetaData(),
    sa.Column("version_num", sa.String(32), primary_key=True),
)
"""Alembic's own table, declared here so that a start on a current schema reads it without loading Alembic."""
