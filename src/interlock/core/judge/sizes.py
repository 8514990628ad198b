"""φ for the canary as it is: an instance larger than the shards that were measured scatters more, a smaller less.

Rules:
1. What makes an instance noisy by itself (a cold cache, a slow neighbour) moves all of its traffic: the excess of
   φ over 1 grows with the traffic it has. An instance with k times the traffic of a measured shard has
   1 + (φ − 1)·k. It is held against a control whose shards scatter as measured: k becomes k·(1 − ρ) + ρ.
2. Events that come in batches are another matter: a batch is as large at a small instance, if all of it goes
   there. Below 1 k is taken only where the router decides for each request anew, so that batches of requests are
   thinned as well, and only for what grows with time: the scatter of the shortest window, which is that of what
   one request books at once, stays whole.
3. k is rounded up to steps of a quarter, and never shrinks during a rollout: evidence that was gathered at a
   smaller size is divided by the larger φ.
4. Where a table does not say how large its shards were, it stands as it is.
"""

from __future__ import annotations

from decimal import Context, Decimal
from functools import cache

from interlock.core.judge.ages import Ages, fitted
from interlock.core.judge.phi import PhiTable
from interlock.core.judge.series import Layout
from interlock.core.judge.settings import JudgeSettings

_STEP, _STEPS = Decimal("1.25"), 62
"""From about a millionth to a million times."""


class Sizes:
    """How large the canary's instances were at most, for each metric, as times of a measured shard."""

    def __init__(self, settings: JudgeSettings, plan: Layout) -> None:
        self._settings, self._plan = settings, plan
        self._known = {name: table for name, table in settings.phi.items() if table.shard > 0}
        self._largest: dict[str, float] = {}
        self._seen: tuple[float, int] | None = None

    def see(self, share: float, instances: int) -> Ages | None:
        """The ages that fit from now on, None where nothing changes. ``share`` is what was declared."""
        if not self._known or not 0.0 < share < 1.0 or (share, instances) == self._seen:
            return None
        self._seen = share, instances
        grown = {name: times(table, share, instances) for name, table in self._known.items()}
        grown = {name: size for name, size in grown.items() if size > self._largest.get(name, 0.0)}
        if not grown:
            return None
        self._largest |= grown
        tables = {name: self._known[name].times(size) for name, size in self._largest.items()}
        return fitted(self._settings, self._plan, tables)


def times(table: PhiTable, share: float, instances: int) -> float:
    """How many measured shards an instance counts as, when ``instances`` of them have ``share`` of it all."""
    size = share / instances / table.shard * (1.0 - share) + share
    if size < 1.0 and not table.by_request:
        return 1.0
    return next((step for step in _steps() if step >= size), _steps()[-1])


@cache
def _steps() -> tuple[float, ...]:
    exact = Context(prec=30)
    return tuple(float(exact.power(_STEP, power)) for power in range(-_STEPS, _STEPS + 1))
