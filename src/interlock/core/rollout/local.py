"""What is kept beside the state of how to go back, for a day on which no server and no database answers.

Rules:
1. One file for each service and environment, written whole before traffic moves and at every change of weight
   since, so that it always says how to bring back what is out now.
2. It holds all that going back takes: the router with its settings, the rollback steps with their verification,
   where they run, and whose change it is. Whoever may read it may go back: the file is its owner's alone.
3. Going back by it is told to the ledger afterwards (``rollout.rolled-back``), when there is one to be reached.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePath
from typing import Literal, TypeVar

from interlock.core.change.canonical import canonical
from interlock.core.change.parse import parse_json
from interlock.core.rollout.plan import Plan, PluginPlan, StepPlan
from interlock.core.rollout.record import RolloutRecord

P = TypeVar("P", bound=PurePath)

FOLDER = "rollbacks"
"""Below ``Config.home``."""

MAX_LOCAL = 1 << 20
"""Bytes of one file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalRecord:
    """How to bring one service back. ``granted`` is the weight it was let have last, in percent.

    ``root`` is the folder the steps run in. ``kept_until`` is how long the previous version is kept, None while
    the rollout is under way; ``over`` says that everything was brought back already and nothing is left to do.
    """

    version: Literal[1] = 1
    service: str
    environment: str
    rollout: str
    change: str
    digest: str
    previous: str | None
    base: str = ""
    router: PluginPlan
    rollback: tuple[StepPlan, ...]
    root: str
    granted: float
    written_at: datetime
    kept_until: datetime | None = None
    over: bool = False


def local_of(record: RolloutRecord, plan: Plan, *, root: str, now: datetime) -> LocalRecord:
    """What is kept of ``record`` as it stands."""
    return LocalRecord(
        service=record.service,
        environment=record.environment,
        rollout=record.id,
        change=record.change,
        digest=record.digest,
        previous=record.previous,
        base=record.base,
        router=plan.router,
        rollback=plan.rollback,
        root=root,
        granted=record.granted,
        written_at=now,
        kept_until=record.kept_until,
        over=record.cause is not None and record.phase == "over",
    )


def local_path(home: P, environment: str, service: str) -> P:
    """Where it lies. Names of the catalog hold no slash; anything else odd is spelt out."""
    return home / FOLDER / _spelt(environment) / f"{_spelt(service)}.json"


def to_bytes(record: LocalRecord) -> bytes:
    """The file's content: canonical JSON and a newline."""
    return canonical(record) + b"\n"


def read_local(content: bytes) -> LocalRecord:
    """The record in a file's bytes.

    Raises:
        InvalidInput: ``input-shape``.
    """
    return parse_json(LocalRecord, content, what="the local record of how to go back")


def _spelt(part: str) -> str:
    return "".join(sign if sign.isalnum() or sign in "-_" else f"%{ord(sign):x}" for sign in part)
