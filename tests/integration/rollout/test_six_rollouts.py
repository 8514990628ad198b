"""Six rollouts on real processes: the server, the proxy, the shop's two versions and its customers.

All of them are made one after another on one stack for each proxy, and what each becomes is asked of everybody who
can tell: the API, the customers, and the proxy itself.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from interlock.testing.replay.outcome import Outcome, outcome
from interlock.testing.stack import Behaviour
from interlock.testing.stack.planned import Wanted
from interlock.testing.stack.production import Production
from interlock.testing.stack.scaled import HEALTHY, PERCENT, STAGES, scaled
from interlock.testing.stack.server import ended
from interlock.testing.stack.stack import Stack


@dataclass
class Rolled:
    """A rollout that ended, as the API tells it and as it was measured."""

    shown: dict[str, Any]
    ran: Outcome
    weights: list[float]


@pytest.fixture(scope="module", params=["envoy", pytest.param("haproxy", marks=pytest.mark.soak)])
def production(request, tmp_path_factory) -> Iterator[Production]:
    with scaled(tmp_path_factory.mktemp(request.param), request.param) as made:
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
    assert found.weights == [PERCENT, 100]
    ruled_out = found.shown["record"]["ruled_out"]
    assert set(ruled_out) == {"orders", "errors", "latency"}
    assert ruled_out["orders"] <= 0.5
    assert max(ruled_out["errors"], ruled_out["latency"]) <= 1.0
    production.terminal.run("rollback", "order-service", show=False)
    assert production.server.until(found.ran.rollout, ended, seconds=30)["record"]["weight"] == 0


def stopped(found: Rolled, metric: str) -> None:
    assert (found.ran.state, found.ran.cause, found.ran.metric) == ("returned", "harm", metric), found.ran
    assert (found.weights, found.ran.weight, found.ran.verified) == ([PERCENT, 0], 0, True)


def test_orders_that_are_lost_stop_it(production):
    found = rolled(production, replace(HEALTHY, lost=0.99))
    stopped(found, "orders")
    assert found.ran.lost > 0.9 * found.ran.met > 0
    assert found.ran.seconds < 15


@pytest.mark.soak
@pytest.mark.parametrize("proxy", ["envoy", "haproxy"])
def test_errors_that_rise_by_four_tenths_of_a_point_stop_it(tmp_path, proxy):
    """It is not to pass meanwhile: in seconds nothing so small can be ruled out."""

    def baking(stack: Stack, wanted: Wanted) -> Wanted:
        del stack
        return replace(wanted, stages=[{**STAGES[0], "bake": 900, "limit": 3600}])

    with scaled(tmp_path, proxy, otherwise=baking) as production:
        stopped(rolled(production, replace(HEALTHY, errors=0.005), seconds=300), "errors")


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
    assert (record["state"], record["stage"], record["weight"]) == ("held", 0, PERCENT), record
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
