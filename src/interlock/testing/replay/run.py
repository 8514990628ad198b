"""One replay: the change of the scenario at the gate of the road, and in front of the judge as if there were none.

Rules:
1. First the road, with every rule of a hardened shop enforced: what it says is what would have happened.
2. Then the same change where every rule is only watched, as an organisation has it that relies on the rollout
   alone: one ticket, one canary, the judge. So each layer is measured by itself.
3. Whether what must happen did happen is decided by the scenario, never by the run.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from interlock.core.rollout.phrases import amount
from interlock.testing.replay.outcome import Outcome, outcome
from interlock.testing.replay.scenario import Scenario
from interlock.testing.replay.scene import Scene
from interlock.testing.shop.founding import founded
from interlock.testing.shop.make import BASE, Shop
from interlock.testing.shop.story import ENFORCED
from interlock.testing.shop.terminal import Say, Terminal
from interlock.testing.stack.server import ended

BRANCH = "replayed"
STOP_SECONDS = 180.0
"""After so long the rollout is taken as it stands, and what must happen did not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoadSaid:
    """What the gate said. ``reasons`` are the policies, ``findings`` what validators found wrong in the change."""

    gate: str
    reasons: tuple[str, ...]
    findings: tuple[str, ...]
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that must happen."""

    what: str
    met: bool
    got: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """A whole replay, measured."""

    road: RoadSaid
    ran: Outcome
    checks: tuple[Check, ...]

    @property
    def good(self) -> bool:
        """Whether everything that must happen did."""
        return all(check.met for check in self.checks)


def replay(scenario: Scenario, scene: Scene, say: Say) -> Replayed:
    """Run it; ``say`` is told what is being done."""
    say("the road    the change at the gate, every rule enforced")
    road = _road(scenario, scene, say)
    say(f"            {road.gate} in {road.seconds:.1f} s: {amount(len(road.reasons), 'reasons')}")
    say("the rollout the same change where every rule is only watched, at the judge")
    ran = _rolled_out(scenario, scene, say)
    return Replayed(road=road, ran=ran, checks=_checks(scenario, road, ran))


def _road(scenario: Scenario, scene: Scene, say: Say) -> RoadSaid:
    shop = founded(scene.folder / "road", enforced=ENFORCED, plans=scene.plans(), say=say)
    terminal = Terminal(root=shop.root, say=say)
    change = _opened(scenario, shop, terminal)
    began = time.monotonic()
    exits = 1 if scenario.must.road.gate == "refused" else 0
    said = json.loads(terminal.run("gate", change, "--json", exits=exits, show=False))
    reasons: list[dict[str, Any]] = said["reasons"]
    return RoadSaid(
        gate="refused" if said.get("ticket") is None else "allowed",
        reasons=tuple(reason["id"] for reason in reasons),
        findings=tuple(found for reason in reasons for found in reason["facts"].get("validation_errors", ())),
        seconds=time.monotonic() - began,
    )


def _rolled_out(scenario: Scenario, scene: Scene, say: Say) -> Outcome:
    shop = founded(scene.folder / "shop", enforced=(), plans=scene.plans(), say=say)
    terminal = Terminal(root=shop.root, say=say)
    change = _opened(scenario, shop, terminal)
    scene.build(shop)
    ticket = str(scene.folder / "ticket.json")
    terminal.run("gate", change, "--ticket-file", ticket, show=False)
    server = scene.begin(shop)
    terminal.environment.update(server.reached_by)
    since = time.time()
    started = json.loads(terminal.run("rollout", "start", change, "--ticket", ticket, "--json", show=False))
    say(f"            {started['id']}: {scene.stack.rate:g} orders a second, through {scene.stack.proxy.name}")
    shown = server.until(started["id"], ended, seconds=STOP_SECONDS)
    entries = server.entries(started["id"])
    return outcome(scene.stack, shown, since=since, entries=entries)


def _opened(scenario: Scenario, shop: Shop, terminal: Terminal) -> str:
    change = scenario.change
    shop.apply(BRANCH, scenario.diff(), change.author, change.message)
    opened = terminal.run("change", "open", "--title", change.title, "--base", BASE, "--json", show=False)
    return str(json.loads(opened)["id"])


def _checks(scenario: Scenario, road: RoadSaid, ran: Outcome) -> tuple[Check, ...]:
    must = scenario.must
    missing = [name for name in must.road.because if name not in road.reasons]
    seconds = "never" if ran.seconds is None else f"{ran.seconds:.1f} s"
    wanted = must.rollout
    found: Mapping[str, tuple[bool, str]] = {
        f"the gate: {must.road.gate}": (road.gate == must.road.gate, road.gate),
        f"because of {', '.join(must.road.because)}": (not missing, f"without {', '.join(missing)}"),
        f"stopped by {' or '.join(wanted.stopped_by)}": (
            ran.stopped and ran.metric in wanted.stopped_by,
            ran.metric or ran.state,
        ),
        f"within {wanted.within_seconds:g} s": (
            ran.seconds is not None and ran.seconds <= wanted.within_seconds,
            seconds,
        ),
        f"at most {wanted.orders_lost_at_most} orders lost": (
            ran.lost <= wanted.orders_lost_at_most,
            str(ran.lost),
        ),
        f"{wanted.traffic_after:g} % of traffic afterwards": (
            ran.weight == wanted.traffic_after,
            f"{ran.weight:g} %",
        ),
    }
    return tuple(Check(what=what, met=met, got=got) for what, (met, got) in found.items())
