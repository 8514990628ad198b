"""A router without traffic behind it, for tests: hostile to whoever uses it wrongly, and able to lie.

Rules:
1. ``Plane`` is what serves, a ``FakeRouter`` moves it; several routers may move one plane, as several servers do.
2. The split is exact. Time does not pass: what a real router needs a moment for has happened when a call returns.
3. Misuse fails the test (``AssertionError``): a weight that is none, a call after ``close``.
4. A plane can be dead (every call is ``Unavailable``), and it can lie: where it ``ignores`` it takes a weight and
   keeps the old one, where it ``boasts`` it says that it serves what was asked, and it can ``forget`` its counts.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Lock

from interlock.core.change.errors import Unavailable
from interlock.core.rollout.samples import Exposure
from interlock.plugins.routers.wire import Deadline

_ALL = 100


@dataclass(slots=True)
class Plane:
    """What serves. ``asked`` are all weights that were set, in order, lies included."""

    percent: float = 0.0
    dead: bool = False
    canary_up: bool = True
    ignores: bool = False
    boasts: bool = False
    run: int = 1
    at: float = 0.0
    asked: list[float] = field(default_factory=list)
    assigned: Counter[str] = field(default_factory=Counter)
    _owed: float = 0.0
    _lock: Lock = field(default_factory=Lock)

    def serve(self, requests: int) -> Counter[str]:
        """Who answered; ``no answer`` is a crashed canary."""
        answers: Counter[str] = Counter()
        with self._lock:
            for _ in range(requests):
                self._owed += self.percent / _ALL
                arm = "canary" if self._owed >= 1 - 1e-9 else "control"
                self._owed -= arm == "canary"
                self.assigned[arm] += 1
                answers[arm if arm == "control" or self.canary_up else "no answer"] += 1
        return answers

    def move(self, percent: float) -> None:
        """Take a weight, or only say so."""
        with self._lock:
            self.asked.append(percent)
            if not self.ignores and percent != self.percent:
                self.percent, self._owed = percent, 0.0

    def restart(self) -> None:
        """Die and live again: everything to the control, and counts from zero."""
        self.percent, self.dead, self.run = 0.0, False, self.run + 1
        self.assigned.clear()

    def forget(self) -> None:
        """Count from zero and do not say so."""
        self.assigned.clear()


class FakeRouter:
    """Moves ``settings["plane"]``; see the rules above."""

    name = "fake"

    def __init__(self, settings: Mapping[str, object]) -> None:
        plane = settings["plane"]
        assert isinstance(plane, Plane)  # noqa: S101  # a double fails the test on misuse
        self._plane = plane
        self._closed = False

    def check(self) -> None:
        """Whether anybody is there."""
        self._alive()

    def set_weight(self, percent: float) -> None:
        """Move the plane."""
        assert math.isfinite(percent), f"a weight that is none: {percent}"  # noqa: S101  # as above
        assert 0 <= percent <= _ALL, f"a weight that is none: {percent}"  # noqa: S101  # as above
        self._alive().move(percent)

    def weight(self) -> float:
        """What is served; a plane that boasts says what was asked last."""
        plane = self._alive()
        return plane.asked[-1] if plane.boasts and plane.asked else plane.percent

    def exposure(self) -> Exposure:
        """What was assigned."""
        plane = self._alive()
        canary, control = plane.assigned["canary"], plane.assigned["control"]
        return Exposure(canary=canary, control=control, at=plane.at, since=str(plane.run))

    def close(self) -> None:
        """From now on every call is misuse."""
        self._closed = True

    def _alive(self) -> Plane:
        assert not self._closed, "a call after close"  # noqa: S101  # as above
        if self._plane.dead:
            raise Unavailable("expected a router, got none", code="router-unreachable", hint="", plugin=self.name)
        return self._plane


def unhurried(setting: Callable[[object, str, object], None]) -> Callable[[float], None]:
    """Half a minute for every call, for which no machine stands still; what comes back sets another."""

    def has(seconds: float) -> None:
        setting(Deadline.__init__, "__defaults__", (seconds,))

    has(30.0)
    return has
