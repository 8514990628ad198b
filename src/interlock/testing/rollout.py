"""A world for rollouts without one: scripted traffic, a router and a meter over it, and time that is told.

Rules:
1. Time passes only by ``pass_by``, and traffic with it: the same seed and the same acts give the same world.
2. The fakes are hostile. A weight that is none, a call after ``close`` or two splits moved by one router fail the
   test; every weight that was set is kept with its moment, so that a skipped or repeated stage is seen.
3. What can go wrong outside is a switch of the world: a router that lies, a meter that repeats itself, a canary
   that is gone, an arm that is late.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np

from interlock.core.change.errors import Rejected, Unavailable
from interlock.core.rollout.local import LocalRecord
from interlock.core.rollout.samples import GONE, Exposure, Sample
from interlock.ports.meter import Counted
from interlock.ports.programs import Ran, wanted
from interlock.road.roll.outside import Outside

START = datetime(2026, 3, 5, 9, 0, tzinfo=UTC)
CONTROL = ("a", "b", "c", "d")


@dataclass
class Arm:
    """How one version behaves: orders and errors per request, and how many take longer than each edge."""

    orders: float = 0.5
    errors: float = 0.002
    slow: Mapping[str, float] = field(default_factory=lambda: {"0.1": 0.5, "0.5": 0.01})


@dataclass
class World:
    """One service of two versions. ``weight`` is what the data plane serves, in percent."""

    rate: float = 300.0
    seed: int = 1
    control: Arm = field(default_factory=Arm)
    canary: Arm = field(default_factory=Arm)
    weight: float = 0.0
    ignores: bool = False
    frozen: bool = False
    gone: bool = False
    silent: frozenset[str] = frozenset()
    router_down: bool = False
    refuses: str = ""
    meter_down: bool = False
    time: float = 1000.0
    skew: float = 0.0
    epoch: datetime = START
    weights: list[tuple[float, float]] = field(default_factory=list)
    ran: list[str] = field(default_factory=list)
    missing: set[str] = field(default_factory=set)
    failing: set[str] = field(default_factory=set)
    slow: set[str] = field(default_factory=set)
    ended: list[tuple[str, float]] = field(default_factory=list)
    kept: list[LocalRecord] = field(default_factory=list)
    assigned: dict[str, int] = field(default_factory=lambda: {"canary": 0, "control": 0})
    counts: dict[tuple[str, str, str], float] = field(default_factory=dict)
    at: float = 1000.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        """Every series says zero until its first event."""
        self._dice = np.random.default_rng(self.seed)
        for arm, shards in (("canary", ("new",)), ("control", CONTROL)):
            for shard in shards:
                for name in ("requests", "orders", "errors", *self.control.slow):
                    self.counts[arm, shard, name] = 0.0

    def pass_by(self, seconds: float) -> None:
        """Let time pass, and customers come."""
        with self.lock:
            self.time += seconds
            total = int(self._dice.poisson(self.rate * seconds))
            new = int(self._dice.binomial(total, self.weight / 100.0))
            self.assigned["canary"] += new
            self.assigned["control"] += total - new
            if not self.gone:
                self._serve("canary", "new", new, self.canary)
            for shard, number in zip(CONTROL, self._dice.multinomial(total - new, [0.25] * 4), strict=True):
                self._serve("control", shard, int(number), self.control)
            if not self.frozen:
                self.at = self.time

    def _serve(self, arm: str, shard: str, number: int, behaves: Arm) -> None:
        self.counts[arm, shard, "requests"] += number
        self.counts[arm, shard, "orders"] += int(self._dice.binomial(number, behaves.orders))
        self.counts[arm, shard, "errors"] += int(self._dice.binomial(number, behaves.errors))
        for edge, share in behaves.slow.items():
            self.counts[arm, shard, edge] += int(self._dice.binomial(number, share))

    def now(self) -> datetime:
        """The time of day there; with ``skew`` the clock was set."""
        moment = self.epoch + timedelta(seconds=self.time + self.skew)
        return moment.replace(microsecond=moment.microsecond // 1000 * 1000)

    def steady(self) -> float:
        """The steady clock there."""
        return self.time

    @property
    def orders_lost(self) -> float:
        """What the canary's customers would have ordered and did not."""
        expected = self.assigned["canary"] * self.control.orders
        return max(0.0, expected - self.counts["canary", "new", "orders"])

    def outside(self, **more: object) -> Outside:
        """What a station needs to roll here: router ``fake``, meter ``fake``, programs that say their name."""
        given: dict[str, object] = {
            "routers": {"fake": lambda settings: FakeRouter(self, settings)},
            "meters": {"fake": lambda settings, metrics: FakeMeter(self, settings, metrics)},
            "notifiers": {},
            "programs": FakePrograms(self),
            "steady": self.steady,
            "root": "/srv",
            "keep": self.kept.append,
        }
        return Outside(**{**given, **more})  # type: ignore[arg-type]  # keywords by name


@dataclass
class FakeRouter:
    """A split of the world's traffic."""

    world: World
    settings: Mapping[str, object]
    closed: bool = False

    def check(self) -> None:
        """Reachable or not."""
        self._open()

    def set_weight(self, percent: float) -> None:
        """Noted with its moment, and done unless the router lies."""
        self._open()
        assert 0 <= percent <= 100, percent  # noqa: S101, PLR2004  # a fake fails the test on misuse
        if self.world.refuses and percent:
            raise Rejected(self.world.refuses, code="router-too-coarse", hint="", plugin="fake")
        with self.world.lock:
            self.world.weights.append((self.world.time, percent))
            if not self.world.ignores:
                self.world.weight = percent

    def weight(self) -> float:
        """What is served."""
        self._open()
        return self.world.weight

    def exposure(self) -> Exposure:
        """What was assigned."""
        self._open()
        with self.world.lock:
            at = (
                self.world.now().timestamp()
                if not self.world.frozen
                else self.world.epoch.timestamp() + self.world.at
            )
            return Exposure(**self.world.assigned, at=at, since="one")

    def close(self) -> None:
        """Nothing may be asked any more."""
        self.closed = True

    def _open(self) -> None:
        assert not self.closed, "asked after close"  # noqa: S101  # a fake fails the test on misuse
        if self.world.router_down:
            raise _down("router")


@dataclass
class FakeMeter:
    """Counts of the world."""

    world: World
    settings: Mapping[str, object]
    metrics: Sequence[Counted]
    closed: bool = False

    def check(self) -> None:
        """Reachable or not."""
        self.read()

    def read(self) -> Sequence[Sample]:
        """All counts, as old as the source says."""
        assert not self.closed, "asked after close"  # noqa: S101  # a fake fails the test on misuse
        if self.world.meter_down:
            raise _down("meter")
        with self.world.lock:
            at = self.world.epoch.timestamp() + self.world.at + self.world.skew
            return [
                self._sample(metric, arm, shard, at)
                for metric in self.metrics
                for arm, shards in (("canary", ("new",)), ("control", CONTROL))
                if arm not in self.world.silent
                for shard in shards
            ]

    def refused(self, arm: str) -> Sequence[str]:
        """The one address of a canary that is gone."""
        return ["http://new.shop.example/metrics"] if self.world.gone and arm == "canary" else []

    def close(self) -> None:
        """Nothing may be asked any more."""
        self.closed = True

    def _sample(self, metric: Counted, arm: str, shard: str, at: float) -> Sample:
        gone = self.world.gone and arm == "canary"
        counts = self.world.counts
        name = "requests" if metric.edges else metric.name
        return Sample(
            metric=metric.name,
            arm="canary" if arm == "canary" else "control",
            shard=shard,
            value=0.0 if gone else counts[arm, shard, name],
            at=at,
            above={edge: 0.0 if gone else counts[arm, shard, edge] for edge in metric.edges},
            since=GONE if gone else "one",
        )


@dataclass
class FakePrograms:
    """Programs that are noted. Those in ``world.failing`` end badly; ``verify X`` asks whether ``X`` ran."""

    world: World

    def run(
        self,
        arguments: tuple[str, ...],
        *,
        timeout: float,
        environment: Mapping[str, str],
        unwanted: Callable[[], bool] = wanted,
    ) -> Ran:
        """Noted, with the rollout's key. Those in ``world.slow`` last until somebody lets them go or ends them."""
        assert timeout > 0, timeout  # noqa: S101  # a fake fails the test on misuse
        assert environment["ROLLOUT_KEY"], environment  # noqa: S101  # likewise
        name = " ".join(arguments)
        if arguments[0] == "verify":
            return Ran(code=0 if arguments[1] in self.world.ran else 1, said=f"{arguments[1]} was not run")
        self.world.ran.append(name)
        while name in self.world.slow:
            if unwanted():
                self.world.ran.remove(name)
                self.world.ended.append((name, self.world.weight))
                return Ran(code=None, why="unwanted")
            time.sleep(0.002)
        return Ran(code=1 if name in self.world.failing else 0, said=f"{name} said so")

    def missing(self, program: str) -> str:
        """Those in ``world.missing`` are."""
        return "there is no such file" if program in self.world.missing else ""


def _down(name: str) -> Unavailable:
    return Unavailable(
        f"expected an answer from the {name}, got none", code=f"{name}-unreachable", hint="start it", plugin=name
    )
