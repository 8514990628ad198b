"""What customers met, read from the load's own log: harm and delay as measured at the client, not at our metrics.

Rules:
1. Harm is an order that was not placed by the canary, or that a proxy refused on its behalf (no version answered).
   What the running version failed by itself, as it always did, is no harm of the change.
2. A last line that is still being written is left for the next look.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PLACED = 201


@dataclass(frozen=True, slots=True, kw_only=True)
class Met:
    """One request: when it was sent, how it was answered, by which version, after how many milliseconds."""

    sent: float
    status: int
    version: str
    ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Harm:
    """What the canary did to customers.

    ``met`` came to it or to nobody in its place, ``served`` were answered by it; ``first`` and ``last`` are
    when such customers came, None for nobody. ``requests`` are all customers between the two, or
    until it was known to serve nobody.
    """

    requests: int
    met: int
    served: int
    lost: int
    errors: int
    first: float | None
    last: float | None

    @property
    def seconds(self) -> float:
        """From the first customer that met the canary to the last one."""
        return 0.0 if self.first is None or self.last is None else self.last - self.first


def met(log: Path) -> Iterator[Met]:
    """Every request in the log, in the order of their answers."""
    if not log.exists():
        return
    with log.open(encoding="utf-8") as lines:
        for line in lines:
            if not line.endswith("\n"):
                return
            read = json.loads(line)
            yield Met(sent=read["t"], status=read["s"], version=read["v"], ms=read["ms"])


def harm(log: Path, canary: str, *, since: float = 0.0, until: float | None = None) -> Harm:
    """What customers lost from ``since`` on to the version named ``canary``, or to nobody in its place.

    Everybody is counted to ``until`` where that is given and nobody met it later.
    """
    everybody = [one for one in met(log) if one.sent >= since]
    touched = [one for one in everybody if one.version in {canary, ""}]
    first = min((one.sent for one in touched), default=None)
    last = max((one.sent for one in touched), default=None)
    end = None if last is None else max(last, until or last)
    lost = [one for one in touched if one.status != PLACED]
    return Harm(
        requests=0
        if first is None or end is None
        else len([one for one in everybody if first <= one.sent <= end]),
        met=len(touched),
        served=len([one for one in touched if one.version]),
        lost=len(lost),
        errors=len([one for one in lost if one.status == 0 or one.status >= 500]),  # noqa: PLR2004  # HTTP's own
        first=first,
        last=last,
    )
