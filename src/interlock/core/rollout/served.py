"""What the data plane was seen to serve, beside what was set: who moved it, and what to do. Pure.

Rules:
1. More than was granted is set again at once, and such a tick is never judged. When it stays, the router lies.
   Everything is never taken for less than everything.
2. Less than was served before means that somebody took traffic away: it is never pushed up again.
3. A weight that was set and never served is set again; until then nothing is judged.
"""

from __future__ import annotations

from typing import Literal

from interlock.core.rollout.record import RolloutRecord

Finding = Literal["", "unknown", "higher", "lower", "not-yet"]

_FULL, _SMALLEST = 100.0, 0.05
_LEAST, _PART, _MOST = 0.3, 0.1, 1.0
"""Percent, part of the weight, and points: how far a reading may lie beside it (HAProxy knows 256 steps)."""


def fits(seen: float, wanted: float) -> bool:
    """Whether a reading is the weight that is wanted. Nothing at all and everything are exact."""
    if wanted <= 0:
        return seen <= 0
    if _whole(seen) or wanted >= _FULL:
        return _whole(seen) and _whole(wanted)
    return abs(seen - wanted) <= _allowance(wanted)


def finding(record: RolloutRecord, seen: float | None) -> Finding:
    """What one reading says."""
    if seen is None:
        return "unknown"
    most = max(record.wanted, record.served if record.phase == "watch" else 0.0)
    if seen > most + _allowance(most) or _whole(seen) > _whole(most):
        return "higher"
    if fits(seen, record.wanted):
        return ""
    if record.served > 0 and seen < record.served - _allowance(record.served):
        return "lower"
    return "not-yet"


def _allowance(weight: float) -> float:
    if weight <= 0:
        return 0.0
    return max(min(_LEAST, weight / 2), min(weight * _PART, _MOST) if weight < _FULL else 0.0)


def _whole(weight: float) -> bool:
    return weight > _FULL - _SMALLEST
