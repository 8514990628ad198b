"""A rollout under way that nobody judges: told by its newest count, which is too old.

Rules:
1. Whoever moves a rollout counts each tick and writes it down within 5 s; another server takes over within seconds
   what was let go. So a count that is older than several ticks and 12 s says that nobody is there.
2. While a step runs (weight, promotion) counting may pause; only after a minute that is taken for nobody.
3. Then no PASS, no estimate and no "goes on" is shown: nobody knows whether the last count still holds.
"""

from __future__ import annotations

import os
from datetime import datetime
from typing import Any

from interlock.doors.cli.screens.rollout_bars import span
from interlock.doors.cli.text import safe

Told = dict[str, Any]
BLIND_TICKS, BLIND_LEAST, BLIND_IN_A_STEP = 4, 12.0, 60.0


def seconds_between(first: str | None, last: str | None) -> float:
    """Between two moments of the API; 0 where one is missing."""
    if not first or not last:
        return 0.0
    return (datetime.fromisoformat(last) - datetime.fromisoformat(first)).total_seconds()


def blind(shown: Told) -> float | None:
    """For how many seconds nobody has judged it; None while somebody does, and where there is nothing to judge."""
    record = shown["record"]
    if record["state"] not in {"running", "held"}:
        return None
    age = seconds_between(shown["seen_at"] or record["stage_since"] or record["started_at"], shown["now"])
    least = BLIND_LEAST if record["phase"] == "watch" and shown["seen_at"] else BLIND_IN_A_STEP
    return age if age > max(BLIND_TICKS * (shown["tick"] or 1.0), least) else None


def unjudged(shown: Told) -> str:
    """``nobody judges it, since 40 s · 5 % of traffic has it``; empty while somebody does."""
    age = blind(shown)
    if age is None:
        return ""
    weight = shown["record"]["weight"]
    return f"nobody judges it, since {span(age)}" + (f" · {weight:g} % of traffic has it" if weight else "")


def ways_on(shown: Told) -> list[tuple[str, str]]:
    """What can be typed then, and what it does; where a server is set, it alone may move a rollout."""
    record = shown["record"]
    where = "" if record["environment"] == "production" else f" --environment {safe(record['environment'])}"
    here = [(f"interlock rollout run {safe(record['id'])}", "judge it on, from here")]
    served = bool(os.environ.get("INTERLOCK_SERVER"))
    return [
        *([] if served else here),
        ("interlock serve", "judge it on, where the server was" if served else "or by a server"),
        (f"interlock rollback {safe(record['service'])}{where}", "or the version before"),
    ]
