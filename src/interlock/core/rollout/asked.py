"""What people and agents may ask of a rollout. Pure.

Rules:
1. Going back is always free: ``abort`` and ``roll_back`` are never refused while something can be brought back.
2. Pausing stops widening and promoting and nothing else: it is judged on, and STOP still acts.
3. Widening without a PASS takes a person's signature under what is *not* ruled out (see ``widening``).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from interlock.core.change.errors import IllegalTransition, InvalidInput
from interlock.core.judge.passing import CLOSE, tolerated
from interlock.core.judge.tick import MetricKind
from interlock.core.rollout.phrases import percent, span
from interlock.core.rollout.record import RolloutRecord, RolloutState
from interlock.core.rollout.transition import Move, not_now, returning, stays, taken_back

MAX_EXTENSION = 30 * 86_400.0
"""Seconds."""
_NOTHING = 99.0
"""A hundredfold rise and worse: who knows no more than that knows nothing."""


def pause(record: RolloutRecord, why: str, now: datetime) -> Move:
    """No wider until somebody resumes it. Paused again it stays so, and a new reason is put on record.

    Raises:
        IllegalTransition: ``rollout-state``.
    """
    paused = record.hold == "paused"
    if paused and why in {"", record.why}:
        return stays(record)
    if record.state not in {RolloutState.RUNNING, RolloutState.HELD}:
        raise not_now(record, "a rollout that is running", _before_traffic(record))
    since = record.held_since if paused else now
    after = _next(record, state=RolloutState.HELD, hold="paused", held_since=since, why=why)
    return Move(record=after, kind="rollout.paused", body={"why": why})


def resume(record: RolloutRecord) -> Move:
    """Go on where it was held; what was untrusted and still is will be held again.

    Raises:
        IllegalTransition: ``rollout-state``.
    """
    if record.state is not RolloutState.HELD:
        raise not_now(record, "a rollout that is held", _runs(record))
    after = _next(record, state=RolloutState.RUNNING, hold="", held_since=None, why="")
    return Move(record=after, kind="rollout.resumed", body={"from": record.hold})


def extend(record: RolloutRecord, seconds: float) -> Move:
    """More time for the present stage; what was held for its limit goes on.

    Raises:
        IllegalTransition: ``rollout-state``.
        InvalidInput: ``extension-range``.
    """
    if not 0 < seconds <= MAX_EXTENSION:
        raise InvalidInput(
            f"expected an extension above 0 and at most 30 days, got `{span(seconds)}`",
            code="extension-range",
            hint="write 90s, 30m, 2h or 1d",
        )
    if record.state not in {RolloutState.RUNNING, RolloutState.HELD}:
        raise not_now(record, "a rollout that is running or held")
    after = _next(record, extended=record.extended + seconds)
    if record.hold == "no-pass":
        after = replace(after, state=RolloutState.RUNNING, hold="", held_since=None, why="")
    return Move(record=after, kind="rollout.extended", body={"seconds": seconds, "stage": record.stage})


def abort(record: RolloutRecord, why: str) -> Move:
    """Bring everything back.

    Raises:
        IllegalTransition: ``rollout-state`` for one that is over.
    """
    if record.ended:
        raise not_now(record, "a rollout under way")
    return returning(record, "abort", why)


def roll_back(record: RolloutRecord, why: str, now: datetime) -> Move:
    """Back to the version before, from a rollout under way or completed, or once more where that had failed.

    Raises:
        IllegalTransition: ``rollout-state``, or ``not-kept`` when the version before is not kept any more.
    """
    if record.state is RolloutState.RETURNING:
        return stays(record)
    if record.state is RolloutState.COMPLETED:
        if record.kept_until is None or now >= record.kept_until:
            raise _not_kept(record)
        return taken_back(record, why)
    if record.state is RolloutState.RETURNED:
        raise not_now(record, "a rollout with something to bring back")
    return taken_back(record, why)


def not_ruled_out(
    standing: Mapping[str, float | None], margin: float, kinds: Mapping[str, MetricKind] | None = None
) -> str:
    """What a person who widens takes on, to be signed; ``standing`` is what is ruled out so far, by metric.

    A metric that ``kinds`` does not name is a good one.
    """
    named = []
    for metric, known in sorted(standing.items()):
        kind = (kinds or {}).get(metric, "good")
        if known is None or known > _permitted(kind, margin) + CLOSE:
            named.append(f"{metric}: {_only(kind, known)} is ruled out")
    return "; ".join(named) or "everything is ruled out"


def _permitted(kind: MetricKind, margin: float) -> float:
    return tolerated(kind, margin) if margin < 1 else math.inf


def _only(kind: MetricKind, known: float | None) -> str:
    if known is None or known >= _NOTHING:
        return "nothing"
    return f"only −{percent(known)} and worse" if kind == "good" else f"only ×{1 + known:.2g} and worse"


def _not_kept(record: RolloutRecord) -> IllegalTransition:
    return IllegalTransition(
        f"expected a version before `{record.id}` that is still kept, got none",
        code="not-kept",
        hint=f"bring it out again as a change of its own; what was kept, and how long: "
        f"interlock rollout show {record.id}",
    )


def _before_traffic(record: RolloutRecord) -> str:
    if record.state is not RolloutState.STARTING:
        return ""
    return f"no traffic has moved yet: interlock rollout abort {record.id}, or pause it once it runs"


def _runs(record: RolloutRecord) -> str:
    if record.state is not RolloutState.RUNNING:
        return ""
    return f"nobody holds it back; should no worker move it: interlock rollout run {record.id}"


def _next(record: RolloutRecord, **changes: object) -> RolloutRecord:
    return replace(record, version=record.version + 1, **changes)  # type: ignore[arg-type]  # fields by name
