"""Whether the control is itself: its events neither collapse nor do its errors surge.

Rules:
1. A tick is compared with the median rate of the ticks before, disturbed ones among them, so that a new level is
   the usual one after half of ``KEPT`` ticks.
2. Less than ``FEWEST`` expected events say nothing; a collapse is a small part of what was expected, a surge a
   multiple of it and ``FEWEST`` more. Chance alone does neither once in a million ticks.
3. Slow requests are no sign of this: both arms share a slow database, and the judge compares them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from statistics import median

from interlock.core.judge.tick import MetricKind, Observed

KEPT = 30
FEWEST = 20.0
_AT_LEAST = 5


class Calm:
    """Rates of the control's counted metrics over the last ticks."""

    def __init__(self, metrics: Iterable[str], *, collapse: float, surge: float) -> None:
        self._rates: dict[str, deque[float]] = {name: deque(maxlen=KEPT) for name in metrics}
        self._collapse, self._surge = collapse, surge

    def disturbed(self, metrics: Mapping[str, Observed], length: float) -> bool:
        """Judge one tick by those before it, and remember it."""
        found = False
        for name, observed in metrics.items():
            if observed.counts is None:
                continue
            events, rates = sum(observed.counts.control), self._rates[name]
            if len(rates) >= _AT_LEAST:
                found |= self._unlike(observed.kind, events, median(rates) * length)
            rates.append(events / length)
        return found

    def _unlike(self, kind: MetricKind, events: int, expected: float) -> bool:
        if kind == "good":
            return expected >= FEWEST and events < self._collapse * expected
        return events > self._surge * expected + FEWEST
