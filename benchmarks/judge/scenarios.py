"""Every case that is measured: good rollouts under each kind of traffic, and faults.

Rules:
1. 5 % canary of 2000 requests/s, three metrics (orders, errors, latency with edges near q50, q90 and q99), 5 s
   ticks and an hour, unless the scenario says otherwise.
2. Harm is what the canary's customers lose at the usual rate from the onset to the stop.
3. A goal is the issue's; where there is none, the information bound is the only measure.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from benchmarks.judge import bounds
from benchmarks.judge.streams import EDGES, GOOD, KINDS, Fault, Setting, above

MINUTE = 1 / 60
LATER = 1200.0
BUSY = 1.4
"""The mean factor of the bursty traffic's common rate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One case. ``number`` seeds its streams; ``goal`` is the most that harm may be: median, 95th percentile."""

    number: int
    name: str
    title: str
    setting: Setting
    fault: Fault = GOOD
    rollouts: int = 300
    quick: int = 40
    goal: tuple[float | None, float | None] = (None, None)
    delay_goal: float | None = None

    @property
    def good(self) -> bool:
        """Whether nothing is wrong with the canary."""
        return self.fault == GOOD

    @property
    def metric(self) -> str:
        """Which metric the fault is seen in."""
        if self.fault.latency > 1:
            return "latency"
        return "errors" if self.fault.errors > 1 else "orders"

    @property
    def unit(self) -> str:
        """What harm is counted in."""
        return {"orders": "orders lost", "errors": "failed requests", "latency": "slowed requests"}[self.metric]

    @property
    def harm_rate(self) -> float:
        """Harm a second at the usual rate."""
        setting, fault = self.setting, self.fault
        usual = BUSY if setting.kind == "bursty" else 1.0
        if self.metric == "latency":
            return usual * setting.requests
        if self.metric == "errors":
            return usual * setting.errors * setting.requests * (fault.errors - 1)
        return usual * setting.orders * (1 - fault.orders)

    @property
    def bound(self) -> float:
        """The information bound on the delay in seconds, were traffic Poisson; of latency at its clearest edge."""
        setting, fault = self.setting, self.fault
        usual = BUSY if setting.kind == "bursty" else 1.0
        if self.metric == "orders":
            cases = [(fault.orders, setting.orders)]
        elif self.metric == "errors":
            cases = [(fault.errors, setting.errors * setting.requests)]
        else:
            edges = [EDGES[name] for name in ("q50", "q90", "q99")]
            cases = [(above(at, fault.latency) / above(at), setting.requests * above(at)) for at in edges]
        alpha = bounds.ALPHA / (1 if setting.kind == "real" else bounds.METRICS)
        nats = max(bounds.information(by, setting.share, usual * rate) for by, rate in cases)
        return bounds.seconds(nats, alpha)

    @property
    def bound_harm(self) -> float:
        """The harm done until the bound."""
        return self.bound * self.harm_rate


BASE = Setting()
GOODS = tuple(
    Scenario(
        number=number,
        name=f"good-{kind}",
        title=f"good rollouts, {kind.replace('poisson', 'Poisson')} traffic",
        setting=replace(BASE, kind=kind),
        rollouts=1500,
        quick=40,
    )
    for number, kind in enumerate(KINDS, 1)
)

LOW = tuple(
    Scenario(
        number=number,
        name=f"good-{per_minute}",
        title=f"good rollouts, {per_minute} canary order{'s' * (per_minute > 1)} a minute",
        setting=replace(BASE, orders=per_minute * MINUTE),
        rollouts=1000,
        quick=20,
    )
    for number, per_minute in ((6, 6), (7, 1))
)


def _drop(number: int, percent: int, per_minute: int, minutes: float = 60, **more: object) -> Scenario:
    goals = {99: (10.0, 15.0), 50: (28.0, None)}
    goal = goals.get(percent, (None, None)) if percent == 99 or per_minute == 60 else (None, None)
    return Scenario(
        number=number,
        name=f"orders-{percent}-at-{per_minute}",
        title=f"{percent} % of orders lost, {per_minute} canary order{'s' * (per_minute > 1)} a minute",
        setting=replace(BASE, orders=per_minute * MINUTE, minutes=minutes),
        fault=Fault(orders=1 - percent / 100),
        goal=goal,
        **more,  # type: ignore[arg-type]  # rollouts and quick, both integers
    )


def _noisy(number: int, kind: str, percent: int) -> Scenario:
    return Scenario(
        number=number,
        name=f"orders-{percent}-{kind}",
        title=f"{percent} % of orders lost, 60 canary orders a minute, {kind} traffic",
        setting=replace(BASE, kind=kind, minutes=30 if percent == 99 else 60),
        fault=Fault(orders=1 - percent / 100),
        rollouts=200,
    )


FAULTS = (
    _drop(11, 99, 60, 20, rollouts=500),
    _drop(12, 99, 6, rollouts=500),
    _drop(13, 99, 1, rollouts=500),
    _drop(14, 50, 60, 20, rollouts=500),
    _drop(15, 50, 6),
    _drop(16, 50, 1, rollouts=200),
    _drop(17, 10, 60, rollouts=500),
    _drop(18, 10, 6, rollouts=100),
    _drop(19, 10, 1, rollouts=100),
    Scenario(
        number=21,
        name="orders-99-amazon",
        title="99 % of 292 orders/s lost, 1 % canary, 1 s ticks",
        setting=replace(BASE, orders=2.92, share=0.01, requests=20.0, tick=1.0, minutes=12),
        fault=Fault(orders=0.01),
        rollouts=400,
        goal=(10.0, 15.0),
    ),
    Scenario(
        number=22,
        name="orders-99-second",
        title="99 % of orders lost, 60 canary orders a minute, 1 s ticks",
        setting=replace(BASE, tick=1.0, minutes=12),
        fault=Fault(orders=0.01),
        rollouts=400,
        goal=(10.0, 15.0),
    ),
    Scenario(
        number=23,
        name="errors",
        title="errors 0.1 → 0.5 %",
        setting=replace(BASE, minutes=20),
        fault=Fault(errors=5.0),
        rollouts=500,
        goal=(10.0, None),
    ),
    Scenario(
        number=24,
        name="latency",
        title="every request 10 % slower (p99 +10 %), 100 canary requests/s",
        setting=replace(BASE, minutes=20),
        fault=Fault(latency=1.1),
        rollouts=500,
        delay_goal=25.0,
    ),
    Scenario(
        number=25,
        name="orders-99-late",
        title="99 % of orders lost from minute 20 on, 60 canary orders a minute",
        setting=replace(BASE, minutes=40),
        fault=Fault(orders=0.01, onset=LATER),
        rollouts=500,
    ),
    Scenario(
        number=26,
        name="orders-50-late",
        title="50 % of orders lost from minute 20 on, 60 canary orders a minute",
        setting=replace(BASE, minutes=40),
        fault=Fault(orders=0.5, onset=LATER),
    ),
    *(
        _noisy(30 + number, kind, percent)
        for number, (kind, percent) in enumerate(
            (kind, percent) for kind in ("bursty", "batched", "noisy") for percent in (99, 50)
        )
    ),
)

SHOP = 67.3 / 3600
"""Orders a second of the real shop's mean day, compressed into an hour."""


def _real(number: int, share: float, percent: int) -> Scenario:
    lost = f"{percent} % of orders lost" if percent else "good rollouts"
    return Scenario(
        number=number,
        name=f"{'real' if percent else 'good-real'}-{percent or ''}{'-' * bool(percent)}of-{share * 100:.0f}",
        title=f"{lost}, a real shop's days, {share * 100:.0f} % canary",
        setting=Setting(kind="real", share=share, orders=SHOP * share, requests=0.0, errors=0.0),
        fault=Fault(orders=1 - percent / 100),
        rollouts=200 if percent else 600,
        quick=20,
    )


REAL_GOODS = (_real(41, 0.25, 0), _real(42, 0.5, 0))
REAL_FAULTS = (_real(43, 0.25, 99), _real(44, 0.5, 99), _real(45, 0.5, 50))
ALL_GOODS = (*GOODS, *LOW, *REAL_GOODS)
ALL_FAULTS = (*FAULTS, *REAL_FAULTS)


def alike(setting: Setting) -> tuple[object, ...]:
    """What good rollouts and faults must share for the one to say how often the other's contender cries wolf."""
    return (setting.kind, setting.orders, setting.share, setting.tick, setting.requests)
