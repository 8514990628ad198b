"""What becomes of a rollout's record when somebody went back without a server. Pure.

Rules:
1. Going back is free and was done already: a record that stands as completed, or as failed, and was brought back
   and verified is returned. Its time is the journal's, where that can be.
2. What is under way, or was not wholly brought back, goes back by whoever moves rollouts, step by step and
   verified: doing it twice changes nothing more.
3. A rollout that another one followed is not touched outside for a journal that comes late: the traffic is the
   other's by now.
4. One that had begun by then, and is still under way, goes back with it: whoever went back wanted the version
   before on all traffic, and may have known of no newer one.
5. What is on its way back, or back, stays as it is. But where its worker saw that somebody took the traffic away,
   the journal says who that was, and why: that is then its cause.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from interlock.core.rollout.journal import WentBack
from interlock.core.rollout.record import RolloutRecord, RolloutState
from interlock.core.rollout.transition import Move, returned, returning, stays, taken_back

_MOST = 500
_BACK = frozenset({RolloutState.RETURNING, RolloutState.RETURNED})


def followed(record: RolloutRecord, journal: WentBack, now: datetime, *, newest: bool) -> Move:
    """The record after the journal; ``newest`` says that no rollout of that service there began after it."""
    if (journal.service, journal.environment) != (record.service, record.environment):
        return stays(record)
    why = _went_back(journal)
    if record.state in _BACK:
        return _read_back(_explained(record, journal, why), journal)
    if journal.ok and record.ended:
        return _returned(record, journal, why, now)
    if not newest:
        return stays(record)
    return _read_back(replace(taken_back(record, why), kind=""), journal)


def followed_by_a_newer(newer: RolloutRecord, journal: WentBack) -> Move:
    """The record of a rollout that began after the journal's, once somebody went back from that one."""
    if (journal.service, journal.environment) != (newer.service, newer.environment):
        return stays(newer)
    if newer.started_at > (journal.ended_at or journal.at):
        return stays(newer)
    why = f"{_went_back(journal)}, from {journal.rollout}, while this one was under way"[:_MOST]
    if newer.state in _BACK:
        return _explained(newer, journal, why)
    return returning(newer, "rollback", why)


def _read_back(move: Move, journal: WentBack) -> Move:
    """On its way back the record says what was served last: whoever went back since its stage began read less."""
    record, seen, at = move.record, journal.weight, journal.ended_at
    if record.state is not RolloutState.RETURNING or seen is None or at is None or seen >= record.weight:
        return move
    if record.stage_since is not None and at < record.stage_since:
        return move
    return replace(move, record=replace(record, weight=seen))


def _explained(record: RolloutRecord, journal: WentBack, why: str) -> Move:
    """Traffic that was there when somebody began, and that its worker missed afterwards, was taken by them."""
    over = record.ended_at is not None and record.ended_at < journal.at
    if record.cause != "lost-weight" or journal.before == 0 or over:
        return stays(record)
    return stays(replace(record, cause="rollback", why=why))


def _went_back(journal: WentBack) -> str:
    return f"{journal.by} went back without a server{f': {journal.why}' if journal.why else ''}"[:_MOST]


def _returned(record: RolloutRecord, journal: WentBack, why: str, now: datetime) -> Move:
    said, earliest = journal.ended_at, record.ended_at or record.started_at
    weight = journal.weight or 0.0
    back = replace(
        record,
        cause="rollback" if record.cause in {None, "lost-weight"} else record.cause,
        why=why,
        granted=0.0,
        wanted=0.0,
        served=weight,
        weight=weight,
    )
    return returned(back, said if said is not None and earliest <= said <= now else now)
