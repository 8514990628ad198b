"""What is written down of going back without a server, until the ledger can be told.

Rules:
1. One file for each time somebody went back, written before anything is touched and again when it is over: a
   machine that died in between leaves a journal that says so (``ended_at`` is null).
2. The ledger is told once, under the journal's id, by whoever reaches it next; the journal says who and when, the
   entry who told it.
3. It is a claim of this machine and decides nothing: traffic was brought back already.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from interlock.core.change.canonical import Json, canonical, timestamp
from interlock.core.change.errors import InvalidInput
from interlock.core.change.parse import parse_json

MAX_JOURNAL = 64 * 1024
MAX_ACTS = 64
MAX_SAID = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One thing that was done: the weight was set and read back, or a step was run and verified."""

    name: str
    ok: bool
    said: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WentBack:
    """One time somebody went back. ``weight`` is what was read back last, None where nothing could be read."""

    version: Literal[1] = 1
    id: str
    service: str
    environment: str
    rollout: str
    change: str
    digest: str
    previous: str | None
    by: str
    at: datetime
    why: str = ""
    ended_at: datetime | None = None
    ok: bool = False
    before: float | None = None
    weight: float | None = None
    acts: tuple[Act, ...] = ()


def journal_bytes(journal: WentBack) -> bytes:
    """The file's content: canonical JSON and a newline."""
    return canonical(journal) + b"\n"


def read_journal(content: bytes) -> WentBack:
    """The journal in a file's bytes.

    Raises:
        InvalidInput: ``input-shape``, ``journal-too-large``.
    """
    if len(content) > MAX_JOURNAL:
        raise InvalidInput(
            f"expected a journal of at most {MAX_JOURNAL} bytes, got {len(content)}",
            code="journal-too-large",
            hint="look at that file: interlock writes small ones",
        )
    return parse_json(WentBack, content, what="the journal of a rollback")


def told(journal: WentBack) -> dict[str, Json]:
    """What the ledger is told of it."""
    acts: list[Json] = [
        {"name": one.name, "ok": one.ok, "said": one.said[:MAX_SAID]} for one in journal.acts[:MAX_ACTS]
    ]
    return {
        "journal": journal.id,
        "offline": True,
        "service": journal.service,
        "environment": journal.environment,
        "change": journal.change,
        "digest": journal.digest,
        "previous": journal.previous,
        "by": journal.by,
        "at": timestamp(journal.at),
        "ended_at": timestamp(journal.ended_at) if journal.ended_at else None,
        "ok": journal.ok,
        "why": journal.why[:MAX_SAID],
        "before": journal.before,
        "weight": journal.weight,
        "acts": acts,
    }
