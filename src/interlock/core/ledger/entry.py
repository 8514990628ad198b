"""What a ledger entry is: who did what to which record, when, with which content.

The leaf of the Merkle tree is the RFC 8785 form of the entry, at most 65,535 bytes. Large or personal payloads
are stored by digest (``blobs``), so that they can be deleted while every proof stays whole.

``records`` names every record that was written together with the entry, with the digest of its new form. It is
filled in where records are stored, so that no author of a station can forget it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from interlock.core.change.canonical import Json, canonical
from interlock.core.change.errors import InvalidInput
from interlock.core.change.parse import parse_json

MAX_LEAF = 65_535


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One fact of history. ``kind`` is dotted (``change.opened``), ``subject`` the record's id.

    ``records`` maps ``table/id`` to the ``sha256:…`` of the record's canonical JSON.
    """

    kind: str
    subject: str
    actor: str
    at: datetime
    body: dict[str, Json]
    records: dict[str, str] = field(default_factory=dict)

    def leaf(self, *, limit: int | None = MAX_LEAF) -> bytes:
        """The leaf's bytes; without a ``limit`` whoever asks looks at their number.

        Raises:
            InvalidInput: ``entry-too-large`` above ``limit`` bytes, ``not-canonical``.
        """
        fields = {
            "v": 1,
            "kind": self.kind,
            "subject": self.subject,
            "actor": self.actor,
            "at": self.at,
            "body": self.body,
        }
        leaf = canonical(fields | {"records": self.records} if self.records else fields)
        if limit is not None and len(leaf) > limit:
            raise InvalidInput(
                f"expected an entry of at most {limit} bytes, got {len(leaf)}",
                code="entry-too-large",
                hint="store the payload as a blob and name its digest",
            )
        return leaf


@dataclass(frozen=True, slots=True, kw_only=True)
class _Leaf:
    v: Literal[1]
    kind: str
    subject: str
    actor: str
    at: datetime
    body: dict[str, Json]
    records: dict[str, str] = field(default_factory=dict)


def read_leaf(leaf: bytes) -> Entry:
    """The entry that a leaf's bytes spell.

    Raises:
        InvalidInput: ``input-shape`` when they are not an entry of version 1.
    """
    read = parse_json(_Leaf, leaf, what="a ledger entry")
    return Entry(
        kind=read.kind, subject=read.subject, actor=read.actor, at=read.at, body=read.body, records=read.records
    )
