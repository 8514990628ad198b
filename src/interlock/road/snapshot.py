"""Station 4, gather: a state is saved, restored somewhere else, and looked at; only then is it a snapshot.

Rules:
1. take → restore → look → compare. What fails ends it there: what was not restored is not compared.
2. Nothing is changed but the backup's own file.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from interlock.core.snapshot.outcome import Lacking, Outcome, Seen, Taken, outcome, unlike
from interlock.core.snapshot.plan import SnapshotPlan
from interlock.ports.snapshot import Snapshots

Told = Callable[[str], None]


def snapshot(
    plan: SnapshotPlan,
    desk: Snapshots,
    *,
    now: Callable[[], datetime],
    steady: Callable[[], float],
    told: Told,
) -> tuple[Seen, Outcome]:
    """Do it; ``now`` is the time of day, ``steady`` a clock for spans in seconds."""
    seconds: dict[str, float] = {}
    began = steady()
    told("looking for the backup" if plan.how == "existing" else "taking it")
    taken = desk.take()
    seconds["take"] = steady() - began
    if taken.failed or taken.needs:
        seen = Seen(taken=taken, now=now(), seconds=seconds)
        return seen, outcome(plan, seen)
    began = steady()
    told(f"restoring {taken.size:,} bytes to a throw-away PostgreSQL")
    failed, needs = desk.restore(taken)
    seconds["restore"] = steady() - began
    if failed or needs:
        seen = Seen(taken=taken, now=now(), failed=failed, needs=needs, seconds=seconds)
        return seen, outcome(plan, seen)
    began = steady()
    told("comparing it with its source")
    restored = desk.look()
    seen = Seen(taken=taken, now=now(), restored=restored, seconds=seconds)
    if plan.how == "existing" and taken.source and unlike(taken.source, restored):
        seen = Seen(
            taken=taken, now=seen.now, restored=restored, lacking=_lacking(plan, desk, taken), seconds=seconds
        )
    seconds["compare"] = steady() - began
    return seen, outcome(plan, seen)


def _lacking(plan: SnapshotPlan, desk: Snapshots, taken: Taken) -> dict[str, Lacking]:
    if taken.at is None:
        return {}
    until = taken.at - timedelta(seconds=plan.slack)
    return {table: desk.lacking(table, column, until) for table, column in sorted(plan.marks.items())}
