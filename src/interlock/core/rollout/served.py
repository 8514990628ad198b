"""What the data plane was seen to serve, beside what was set: who moved it, and what to do. Pure.

Rules:
1. More than was granted is set again at once, and such a tick is never judged. When it stays, the router lies.
2. Less than was served before means that somebody took traffic away: it is never pushed up again.
3. A weight that was set and never served is set again; until then nothing is judged.
"""

from __future__ import annotations

from typing import Literal

from interlock.core.rollout.record import RolloutRecord

Finding = Literal["", "unknown", "higher", "lower", "not-yet"]

_FULL, _SMALLEST = 100.0, 0.05
_LEAST, _PART = 0.3, 0.1
"""Percent, and part of the weight: how far a router's reading may lie beside it (HAProxy knows 256 steps)."""


def fits(seen: float, wanted: float) -> bool:
    """Whether a reading is the weight that is wanted. Nothing at all and everything are exact."""
    if wanted <= 0:
        return seen <= 0
    if wanted >= _FULL:
        return seen > _FULL - _SMALLEST
    return abs(seen - wanted) <= _allowance(wanted)


def finding(record: RolloutRecord, seen: float | None) -> Finding:
    """What one reading says."""
    if seen is None:
        return "unknown"
    most = max(record.wanted, record.served if record.phase == "watch" else 0.0)
    if seen > most + _allowance(most):
        return "higher"
    if fits(seen, record.wanted):
        return ""
    if record.served > 0 and seen < record.served - _allowance(record.served):
        return "lower"
    return "not-yet"


def _allowance(weight: float) -> float:
    return 0.0 if weight <= 0 else max(min(_LEAST, weight / 2), weight * _PART if weight < _FULL else 0.0)
