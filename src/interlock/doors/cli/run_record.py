"""A run of a producer on record: said before anything is touched, and said again when it is over.

Rules:
1. That it begins must be on record first; a server that does not answer then leaves everything untouched.
2. How it ended is said as far as it can be: a server that is gone by then changes nothing of what was done, and
   the run is lost on record until somebody says how it ended.
"""

from __future__ import annotations

import math
import socket
from collections.abc import Sequence

from interlock.core.change.errors import InterlockError
from interlock.core.evidence.run import MOST_SECONDS, Ended, Producer
from interlock.doors.cli.aside import aside
from interlock.doors.cli.client import Client
from interlock.doors.cli.text import safe


def begun(api: Client, *, change: str, run: str, producer: Producer, about: str, seconds: float) -> None:
    """Say that the run begins; ``seconds`` is the most it can take."""
    body = {
        "run": run,
        "producer": producer,
        "about": about,
        "host": socket.gethostname(),
        "seconds": min(float(math.ceil(seconds)), MOST_SECONDS),
    }
    api.post(f"/v1/changes/{change}/runs", body)


def over(api: Client, run: str, ended: Ended, left: Sequence[str] = (), evidence: str | None = None) -> bool:
    """Say how it ended, as far as that can be said; whether it is on record."""
    body = {"ended": ended, "left": [*left], "evidence": evidence}
    try:
        api.post(f"/v1/runs/{run}/end", body)
    except InterlockError as error:
        aside("doubt", f"how {run} ended is not on record ({error.code}): {safe(error.message)}")
        return False
    return True
