"""A change's submission leaves its record and becomes a blob, named by the digest the ledger already knows."""

import sqlalchemy as sa
from alembic import op
from pydantic_core import from_json

from interlock.core.change.canonical import canonical, sha256

revision = "0002"
down_revision = "0001"

_CHANGES = sa.table("changes", sa.column("id"), sa.column("body_digest"), sa.column("body"))
_BLOBS = sa.table("blob", sa.column("digest"), sa.column("content", sa.LargeBinary))


def upgrade() -> None:
    """Move each submission, one record at a time; a damaged record is left for the start to refuse."""
    connection = op.get_bind()
    if not sa.inspect(connection).has_table("changes"):
        return
    for (name,) in connection.execute(sa.select(_CHANGES.c.id)).all():
        _move(connection, name)


def _move(connection: sa.Connection, name: str) -> None:
    here = _CHANGES.c.id == name
    row = connection.execute(sa.select(_CHANGES.c.body_digest, _CHANGES.c.body).where(here)).one()
    if not isinstance(row.body, str) or sha256(row.body.encode()) != row.body_digest:
        return
    record = from_json(row.body)
    if "submission" not in record:
        return
    submission = record.pop("submission")
    content = canonical(submission)
    record["blob"], record["parts"] = sha256(content), [part["kind"] for part in submission["parts"]]
    if connection.execute(sa.select(_BLOBS.c.digest).where(_BLOBS.c.digest == record["blob"])).first() is None:
        connection.execute(sa.insert(_BLOBS), {"digest": record["blob"], "content": content})
    body = canonical(record)
    connection.execute(sa.update(_CHANGES).where(here), {"body_digest": sha256(body), "body": body.decode()})
