"""A flag that splits users between two versions: who gets which, and what is kept of it.

Rules:
1. A user's place is SHA-256 of the flag's salt and the targeting key, as a number in [0, 1). Below the weight it
   is the canary's: widening takes users in and never moves one out, and everybody asked twice gets the same.
2. The salt is drawn anew when a flag leaves 0 %: it is not always the same people who meet a new version first.
3. A key is counted once for each weight by a server, not once for each evaluation: one busy client would look like
   a split that went wrong, and users whom a broken version drives away would take the exposure with them.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

Value = bool | str | int | float
"""What a flag evaluates to."""

_ROOM = 1 << 64


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagRecord:
    """One flag. ``percent`` of users get ``canary``, the others ``control``. ``id`` follows from ``flag``."""

    id: str
    flag: str
    percent: float
    salt: str
    moved_at: datetime
    canary: Value = True
    control: Value = False
    version: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagCount:
    """Users whom one server assigned since it started; such numbers only grow."""

    id: str
    flag: str
    server: str
    canary: int
    control: int
    version: int = 1


@dataclass(frozen=True, slots=True)
class Place:
    """Where a targeting key falls: ``share`` in [0, 1); ``mark`` is independent of it."""

    share: float
    mark: int


def place(salt: str, key: str) -> Place:
    """The place of a targeting key."""
    hashed = hashlib.sha256(f"{salt}\0{key}".encode("utf-8", "surrogatepass")).digest()
    return Place((int.from_bytes(hashed[:8]) >> 11) / (_ROOM >> 11), int.from_bytes(hashed[8:16]))


def in_canary(record: FlagRecord, at: Place) -> bool:
    """Whether a user at that place gets the canary."""
    return at.share * 100 < record.percent


def flag_id(flag: str) -> str:
    """The id of a flag's record; a name that nobody chose, so that no event can be filed under it."""
    return f"flg-{hashlib.sha256(flag.encode()).hexdigest()[:32]}"


def count_id(flag: str, server: str) -> str:
    """The id of what one server counted."""
    named = b"\0".join((flag.encode(), server.encode()))
    return f"flc-{hashlib.sha256(named).hexdigest()[:32]}"
