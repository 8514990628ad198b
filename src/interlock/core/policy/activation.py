"""Which rules are in force: one record for each time they changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Activation:
    """Rules that came into force. ``files`` maps each rule file to the digest of its blob.

    ``ticket`` is None only for the genesis, which ``signed_by`` (people's names) stand for.
    """

    id: str
    digest: str
    files: dict[str, str]
    activated_at: datetime
    activated_by: str
    signed_by: tuple[str, ...]
    one_person: bool
    ticket: str | None = None
    previous: str | None = None
