"""Station 4, gather: a state is saved, restored somewhere else, and looked at; only then is it a snapshot.

Rules:
1. take → restore → look → compare. What fails ends it there: what was not restored is not compared.
2. Nothing is changed but the backup's own file, which is named when it is known what it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
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
    seen = _seen(plan, desk, now=now, steady=steady, told=told)
    found = outcome(plan, seen)
    if not seen.taken.file:
        return seen, found
    name, failed = desk.settle(good=found.good)
    taken = replace(seen.taken, file=name or seen.taken.file, failed=failed)
    seen = replace(seen, taken=taken)
    return seen, outcome(plan, seen) if failed else found


def _seen(
    plan: SnapshotPlan,
    desk: Snapshots,
    *,
    now: Callable[[], datetime],
    steady: Callable[[], float],
    told: Told,
) -> Seen:
    seconds: dict[str, float] = {}
    began = steady()
    told("looking for the backup" if plan.how == "existing" else "taking it")
    taken = desk.take()
    seconds["take"] = steady() - began
    if taken.failed or taken.needs:
        return Seen(taken=taken, now=now(), seconds=seconds)
    began = steady()
    told(f"restoring {taken.size:,} bytes to a throw-away PostgreSQL")
    failed, needs = desk.restore(taken)
    seconds["restore"] = steady() - began
    if failed or needs:
        return Seen(taken=taken, now=now(), failed=failed, needs=needs, seconds=seconds)
    began = steady()
    told("comparing it with its source")
    restored = desk.look()
    seen = Seen(taken=taken, now=now(), restored=restored, seconds=seconds)
    if plan.how == "existing" and taken.source and unlike(taken.source, restored):
        seen = Seen(
            taken=taken, now=seen.now, restored=restored, lacking=_lacking(plan, desk, taken), seconds=seconds
        )
    seconds["compare"] = steady() - began
    return seen


def _lacking(plan: SnapshotPlan, desk: Snapshots, taken: Taken) -> dict[str, Lacking]:
    if taken.at is None:
        return {}
    until = taken.at - timedelta(seconds=plan.slack)
    return {table: desk.lacking(table, column, until) for table, column in sorted(plan.marks.items())}
