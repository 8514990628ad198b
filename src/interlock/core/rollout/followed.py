"""What becomes of a rollout's record when somebody went back without a server. Pure.

Rules:
1. Going back is free and was done already: a record that stands as completed, or as failed, and was brought back
   and verified is returned. Its time is the journal's, where that can be.
2. What is under way, or was not wholly brought back, goes back by whoever moves rollouts, step by step and
   verified: doing it twice changes nothing more.
3. A rollout that another one followed is not touched outside for a journal that comes late: the traffic is the
   other's by now.
4. What is on its way back, or back, stays as it is.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from interlock.core.rollout.journal import WentBack
from interlock.core.rollout.record import RolloutRecord, RolloutState
from interlock.core.rollout.transition import Move, returned, stays, taken_back

_BACK = frozenset({RolloutState.RETURNING, RolloutState.RETURNED})


def followed(record: RolloutRecord, journal: WentBack, now: datetime, *, newest: bool) -> Move:
    """The record after the journal; ``newest`` says that no rollout of that service there began after it."""
    if record.state in _BACK or (journal.service, journal.environment) != (record.service, record.environment):
        return stays(record)
    why = f"{journal.by} went back without a server{f': {journal.why}' if journal.why else ''}"[:500]
    if journal.ok and record.ended:
        return _returned(record, journal, why, now)
    if not newest:
        return stays(record)
    return replace(taken_back(record, why), kind="")


def _returned(record: RolloutRecord, journal: WentBack, why: str, now: datetime) -> Move:
    said, earliest = journal.ended_at, record.ended_at or record.started_at
    weight = journal.weight or 0.0
    back = replace(
        record,
        cause=record.cause or "rollback",
        why=why,
        granted=0.0,
        wanted=0.0,
        served=weight,
        weight=weight,
    )
    return returned(back, said if said is not None and earliest <= said <= now else now)
