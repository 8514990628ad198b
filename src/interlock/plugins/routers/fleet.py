"""Several proxies that split the same traffic, steered as one.

Rules:
1. All are asked at once, so one that hangs costs its own 2 s and not those of the others as well.
2. A weight is set at every one that can be reached, whatever becomes of the others; then a failure is told.
3. The widest split counts: a rollout is at 0 % when no proxy sends anybody to the canary.
4. Exposure is the sum, and one proxy that counts anew makes all of it count anew.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from interlock.core.rollout.samples import Exposure
from interlock.ports.router import Deciding, Dividing, Router

T = TypeVar("T")


class Fleet:
    """One or more routers as one; see the rules above."""

    def __init__(self, members: Sequence[Router]) -> None:
        self._members = tuple(members)

    def check(self) -> None:
        """Check every proxy."""
        self._all(lambda router: router.check())

    def set_weight(self, percent: float) -> None:
        """Set it everywhere."""
        self._all(lambda router: router.set_weight(percent))

    def weight(self) -> float:
        """The widest."""
        return max(self._all(lambda router: router.weight()))

    def exposure(self) -> Exposure:
        """The sum."""
        each = self._all(lambda router: router.exposure())
        return Exposure(
            canary=sum(one.canary for one in each),
            control=sum(one.control for one in each),
            at=max(one.at for one in each),
            since=" ".join(one.since for one in each),
        )

    def check_weight(self, percent: float) -> None:
        """Whether every one of them can split it so."""
        self._all(lambda router: router.check_weight(percent) if isinstance(router, Dividing) else None)

    def by_request(self) -> bool:
        """Whether every one of them decides so, and says so."""
        return all(self._all(lambda router: isinstance(router, Deciding) and router.by_request()))

    def close(self) -> None:
        """Close every one."""
        self._all(lambda router: router.close())

    def _all(self, ask: Callable[[Router], T]) -> list[T]:
        if len(self._members) == 1:
            return [ask(self._members[0])]
        with ThreadPoolExecutor(len(self._members)) as pool:
            asked = [pool.submit(ask, router) for router in self._members]
        return [each.result() for each in asked]
