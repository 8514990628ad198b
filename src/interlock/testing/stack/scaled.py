"""A production whose clock is scaled: a pass and a stop are each a matter of seconds, also on a busy machine.

Rules:
1. Every instance gets the same load: one canary beside two of the running version at a third of the traffic. An
   instance that has more to do than the others answers later wherever processors are short, and is rightly
   stopped for it.
2. Times are long beside what a busy scheduler adds: a median of 40 ms, and edges at the median and at the 99th
   percent, 60 ms above it. With a median of 15 ms and an edge at 40 ms, placebos of one version scattered four
   times as wide as chance (φ 4.2, load 6 on two processors); so they scatter at most 1.8 times as wide (φ 1.0 to
   1.8, load 5 to 7).
3. Orders and errors are drawn independently, which the plan declares. ``floors`` say what nobody cares for: a
   rise is told relative to these, so that a few seconds rule it out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from interlock.core.change.canonical import Json
from interlock.testing.stack.behaviour import Behaviour
from interlock.testing.stack.planned import INDEPENDENT, JUDGED, Wanted, plan
from interlock.testing.stack.production import ARTEFACT, Production
from interlock.testing.stack.stack import ProxyName, Stack

PERCENT, CONTROLS, RATE = 33.0, 2, 200.0
RUNNING = Behaviour(version="running", median_ms=40.0)
HEALTHY = Behaviour(version="new", median_ms=40.0)
EDGES = ("0.04", "0.1")
FLOORS = {"errors": 0.02, "latency": 0.05}
LATENCY_PHI: Mapping[str, Json] = {
    "windows": [5, 600],
    "values": [2, 2],
    "source": "declared: placebos showed 1.0 to 1.8",
}
Otherwise = Callable[[Stack, Wanted], Wanted]
STAGES: Sequence[Mapping[str, Json]] = (
    {"percent": PERCENT, "bake": 2, "margin": 0.5, "limit": 600},
    {"percent": 100, "bake": 2, "limit": 60},
)


def judged() -> dict[str, Json]:
    """The judge's section of such a plan."""
    metrics: dict[str, Json] = {name: dict(one) for name, one in JUDGED.items()}
    metrics["errors"] = {**JUDGED["errors"], "floor": FLOORS["errors"]}
    metrics["latency"] = {**JUDGED["latency"], "edges": list(EDGES), "floor": FLOORS["latency"]}
    phi = INDEPENDENT["phi"]
    known = dict(phi) if isinstance(phi, dict) else {}
    return {"metrics": metrics, "phi": {**known, "latency": dict(LATENCY_PHI)}}


def wanted(folder: Path) -> Wanted:
    """What its plan says; the deployer's place is ``folder``."""
    return Wanted(stages=STAGES, judge=judged(), baseline=0, place=folder, artefact=folder / ARTEFACT)


def scaled(folder: Path, proxy: ProxyName, *, otherwise: Otherwise | None = None) -> Production:
    """Such a production in ``folder``, not started yet; ``otherwise`` changes what its plan says."""
    stack = Stack(folder, control=RUNNING, canary=HEALTHY, proxy=proxy, controls=CONTROLS, rate=RATE)
    says = wanted(folder)

    def planned(running: Stack) -> bytes:
        return plan(running, otherwise(running, says) if otherwise else says)

    return Production(folder, stack, planned)
