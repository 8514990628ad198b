"""What counts as shown."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from interlock.core.change.canonical import Json

Standing = Literal["trusted", "self-attested", "expired", "other-digest", "untrusted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """A runner that policy trusts: its key (SPKI PEM), for which predicates and services it may speak."""

    name: str
    public_key: str
    key_id: str
    predicates: tuple[str, ...]
    services: tuple[str, ...] = ("*",)
    not_after: datetime | None = None
    revoked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One piece on record. ``subject`` is the digest it speaks of, ``blob`` the digest of the bytes as received.

    ``summary`` is what policy reads (counts, verdict, duration); ``runner`` is None when nobody trusted signed it.
    ``key_id`` is the known runner's key that did, trusted for this or not; ``why`` explains a standing that does
    not count.
    """

    id: str
    change: str
    subject: str
    predicate_type: str
    format: Literal["dsse", "sarif", "junit"]
    runner: str | None
    standing: Standing
    summary: dict[str, Json]
    blob: str
    issued_at: datetime
    expires_at: datetime
    received_at: datetime
    received_from: str
    key_id: str | None = None
    why: str = ""
