"""A rollout under way that nobody judges or brings back: told by its lease, else by its newest count.

Rules:
1. Another server takes over within a look what was let go, and a dead one's when its lease ends. So what nobody
   has held for seconds has no worker, whatever is asked of it meanwhile.
2. Whoever moves a rollout counts each tick and writes it down within 5 s. So a count that is older than several
   ticks and 12 s says that nobody judges it, although its lease may be held.
3. While a step runs (weight, promotion) counting may pause; only after a minute that is taken for nobody.
4. Then no PASS, no estimate and no "goes on" is shown: nobody knows whether the last count still holds.
"""

from __future__ import annotations

import os
from datetime import datetime
from typing import Any

from interlock.doors.cli.screens.rollout_bars import span
from interlock.doors.cli.text import safe

Told = dict[str, Any]
BLIND_TICKS, BLIND_LEAST, BLIND_IN_A_STEP = 4, 12.0, 60.0
IDLE_SECONDS = 2.0
"""From when on work that nobody holds has nobody: every worker that lives looks several times a second."""

_ON = {"starting": "start it", "returning": "bring it back"}
_NOBODY = {"starting": "nobody starts it", "returning": "nobody brings it back"}


def seconds_between(first: str | None, last: str | None) -> float:
    """Between two moments of the API; 0 where one is missing."""
    if not first or not last:
        return 0.0
    return (datetime.fromisoformat(last) - datetime.fromisoformat(first)).total_seconds()


def blind(shown: Told) -> float | None:
    """For how many seconds nobody has moved it; None while somebody does, and where there is nothing to do."""
    record, idle = shown["record"], shown.get("unmoved")
    if record["ended_at"]:
        return None
    unheld = idle if idle is not None and idle > IDLE_SECONDS else None
    if record["state"] not in {"running", "held"}:
        return unheld
    age = seconds_between(shown["seen_at"] or record["stage_since"] or record["started_at"], shown["now"])
    least = BLIND_LEAST if record["phase"] == "watch" and shown["seen_at"] else BLIND_IN_A_STEP
    return age if age > max(BLIND_TICKS * (shown["tick"] or 1.0), least) else unheld


def unjudged(shown: Told) -> str:
    """``nobody judges it, since 40 s · 5 % of traffic has it``; empty while somebody does."""
    age = blind(shown)
    if age is None:
        return ""
    nobody = _NOBODY.get(shown["record"]["state"], "nobody judges it")
    weight = shown["record"]["weight"]
    return f"{nobody}, since {span(age)}" + (f" · {weight:g} % of traffic has it" if weight else "")


def ways_on(shown: Told) -> list[tuple[str, str]]:
    """What can be typed then, and what it does; where a server is set, it alone may move a rollout."""
    record = shown["record"]
    where = "" if record["environment"] == "production" else f" --environment {safe(record['environment'])}"
    back = f"interlock rollback {safe(record['service'])}{where}"
    doing = _ON.get(record["state"], "judge it on")
    served = bool(os.environ.get("INTERLOCK_SERVER"))
    on = [
        *([] if served else [(f"interlock rollout run {safe(record['id'])}", f"{doing}, from here")]),
        ("interlock serve", f"{doing}, by a server with its worker" if served else "or by a server"),
    ]
    if record["state"] == "returning":
        return [(back, "bring it back now, from here"), *on]
    return [*on, (back, "or the version before")]
