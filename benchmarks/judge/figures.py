"""What the stops of a scenario come to: how many found, how late, how much harm, how far from the bound."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt
from benchmarks.judge.bounds import at_most
from benchmarks.judge.scenarios import Scenario

Found = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Good:
    """How often one contender stopped good rollouts of one kind."""

    contender: str
    stopped: int
    of: int

    @property
    def rate(self) -> float:
        """The share of good rollouts that it stopped."""
        return self.stopped / self.of

    @property
    def at_most(self) -> float:
        """The upper 95 % confidence limit."""
        return at_most(self.stopped, self.of)


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """How one contender did on one fault. Times in seconds; missed rollouts count as infinitely late."""

    contender: str
    of: int
    found: float
    early: float
    """Share of the rollouts that were stopped before the fault began."""
    delay: float
    late: float
    """The 95th percentile of the delay."""
    mean: float
    """The mean delay of those found: what the information bound limits when all are found."""
    harm: float
    worst: float
    """The 95th percentile of harm."""
    times_bound: float

    def as_json(self) -> dict[str, object]:
        """Without infinities, which JSON has no word for."""
        return {name: None if value == np.inf else value for name, value in asdict(self).items()}


def good(contender: str, stops: Found) -> Good:
    return Good(contender=contender, stopped=int(np.isfinite(stops).sum()), of=len(stops))


def detection(scenario: Scenario, contender: str, stops: Found) -> Detection:
    """The figures of a fault, over the rollouts that were still running when it began."""
    onset = scenario.fault.onset
    running = stops[stops > onset] - onset
    found = running[np.isfinite(running)]
    if not len(running):
        delay = late = np.inf
    else:
        delay, late = (float(np.quantile(running, at, method="inverted_cdf")) for at in (0.5, 0.95))
    return Detection(
        contender=contender,
        of=len(stops),
        found=len(found) / len(stops),
        early=1 - len(running) / len(stops),
        delay=delay,
        late=late,
        mean=float(found.mean()) if len(found) else np.inf,
        harm=delay * scenario.harm_rate,
        worst=late * scenario.harm_rate,
        times_bound=delay / scenario.bound,
    )


def within(scenario: Scenario, found: Detection) -> str:
    """The goals that were met and missed, in words; empty where there are none."""
    checks = [
        (scenario.goal[0], found.harm, f"median ≤ {scenario.goal[0]:g}" if scenario.goal[0] else ""),
        (scenario.goal[1], found.worst, f"p95 ≤ {scenario.goal[1]:g}" if scenario.goal[1] else ""),
        (scenario.delay_goal, found.delay, f"≤ {scenario.delay_goal:g} s" if scenario.delay_goal else ""),
    ]
    return ", ".join(
        f"{text} {'met' if value <= goal + 1e-9 else 'MISSED'}" for goal, value, text in checks if goal is not None
    )
