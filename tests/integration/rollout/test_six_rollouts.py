"""Six rollouts on real processes: the server, the proxy, the shop's two versions and its customers.

Clocks are scaled by the plan: bakes in seconds and a wide first stage, so that a PASS is a matter of seconds too.
The canary gets little more than each instance of the running version: much more would make it slower, and rightly
stopped.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest

from interlock.testing.replay.outcome import Outcome, outcome
from interlock.testing.stack import Behaviour
from interlock.testing.stack.planned import INDEPENDENT, JUDGED, Wanted, plan
from interlock.testing.stack.production import ARTEFACT, Production
from interlock.testing.stack.server import ended
from interlock.testing.stack.stack import Stack

HEALTHY = Behaviour(version="new")
RUNNING = Behaviour(version="running")
FLOORS = {"errors": 0.008, "latency": 0.1}
"""Nobody here cares for fewer bad requests: a rise is told relative to these, so that a pass takes seconds."""

PHI = {"phi": {**INDEPENDENT["phi"], "latency": {"windows": [5, 600], "values": [5, 5], "source": "declared"}}}
"""Arrivals are Poisson. Times are not independent where two cores are shared by everything that is tested."""

METRICS = {name: {**one, "floor": FLOORS[name]} if name in FLOORS else one for name, one in JUDGED.items()}
STAGES: tuple[Mapping[str, Any], ...] = (
    {"percent": 40, "bake": 2, "margin": 0.5, "limit": 600},
    {"percent": 100, "bake": 2, "limit": 60},
)


@dataclass
class Rolled:
    """A rollout that ended, as the API tells it and as it was measured."""

    shown: dict[str, Any]
    ran: Outcome
    weights: list[float]


@pytest.fixture(scope="module", params=["envoy", "haproxy"])
def production(request, tmp_path_factory) -> Iterator[Production]:
    folder = tmp_path_factory.mktemp(request.param)
    stack = Stack(folder, control=RUNNING, canary=HEALTHY, proxy=request.param, controls=2, rate=300)
    judge = {**PHI, "metrics": METRICS}
    wanted = Wanted(stages=STAGES, judge=judge, baseline=0, place=folder, artefact=folder / ARTEFACT)
    with Production(folder, stack, lambda running: plan(running, wanted)) as made:
        yield made


def rolled(production: Production, behaviour: Behaviour, *, seconds: float = 100.0) -> Rolled:
    since = time.time()
    name = production.ship(behaviour)
    shown = production.server.until(name, ended, seconds=seconds)
    weights = [float(each["target"]) for each in shown["effects"] if each["kind"] == "weight"]
    return Rolled(shown, outcome(production.stack, shown, since=since), weights)


def test_a_healthy_change_reaches_everybody_and_says_what_is_ruled_out(production):
    found = rolled(production, HEALTHY)
    assert (found.ran.state, found.ran.weight) == ("completed", 100), found.ran
    assert found.weights == [40, 100]
    ruled_out = found.shown["record"]["ruled_out"]
    assert set(ruled_out) == set(METRICS)
    assert ruled_out["orders"] <= 0.5
    assert max(ruled_out["errors"], ruled_out["latency"]) <= 1.0
    production.terminal.run("rollback", "order-service", show=False)
    assert production.server.until(found.ran.rollout, ended, seconds=30)["record"]["weight"] == 0


def stopped(found: Rolled, metric: str) -> None:
    assert (found.ran.state, found.ran.cause, found.ran.metric) == ("returned", "harm", metric), found.ran
    assert (found.weights, found.ran.weight, found.ran.verified) == ([40, 0], 0, True)


def test_orders_that_are_lost_stop_it(production):
    found = rolled(production, replace(HEALTHY, lost=0.99))
    stopped(found, "orders")
    assert found.ran.lost > 0.9 * found.ran.met > 0
    assert found.ran.seconds < 15


@pytest.mark.soak
def test_errors_that_rise_by_four_tenths_of_a_point_stop_it(production):
    stopped(rolled(production, replace(HEALTHY, errors=0.005)), "errors")


def test_a_tail_that_takes_half_as_long_again_stops_it(production):
    stopped(rolled(production, replace(HEALTHY, tail=1.5)), "latency")


def test_a_version_that_does_not_start_never_meets_a_customer(production):
    found = rolled(production, replace(HEALTHY, crash="start"))
    assert (found.ran.state, found.ran.cause, found.weights) == ("returned", "apply-failed", [0]), found.ran
    assert (found.ran.met, found.ran.lost) == (0, 0)


def test_a_version_that_crashes_at_its_first_customer_is_stopped(production):
    found = rolled(production, replace(HEALTHY, crash="first-request"))
    assert (found.ran.state, found.ran.cause, found.ran.weight) == ("returned", "harm", 0), found.ran
    assert found.ran.seconds < 15


def test_metrics_that_disappear_are_never_a_pass(production):
    name = production.ship(replace(HEALTHY, metrics_for=5.0))
    shown = production.server.until(name, lambda told: told["record"]["hold"] == "untrusted", seconds=90)
    record = shown["record"]
    assert (record["state"], record["stage"], record["weight"]) == ("held", 0, 40), record
    assert "missing" in shown["discarded"]
    production.terminal.run("rollout", "abort", name, "--why", "nobody knows how it does", show=False)
    shown = production.server.until(name, ended, seconds=60)
    assert (shown["record"]["state"], shown["record"]["cause"]) == ("returned", "abort")


def test_every_rollout_is_computed_again_to_the_last_digit(production):
    """The last one of this module: all of them are in the same ledger."""
    for each in production.server.get("/v1/rollouts?limit=50")["items"]:
        if each["observations"]:
            production.terminal.run("rollout", "verify", each["id"], show=False)
    local = replace(production.terminal, environment={})
    assert "holds" in local.run("ledger", "verify", show=False)
