"""The evidence against the same mixture written out at length, with the C library's functions."""

from __future__ import annotations

import math

import pytest

from interlock.core.judge.ages import ages
from interlock.core.judge.evidence import Evidence
from interlock.core.judge.judge import Judge
from interlock.core.judge.phi import PhiTable
from interlock.core.judge.series import layout, normalisers
from interlock.core.judge.settings import MetricSettings
from interlock.core.judge.tick import Counts, Observed, Tick

NOISY = PhiTable(windows=(5.0, 15.0, 30.0, 60.0, 150.0, 300.0, 600.0), values=(1.0, 1.2, 1.5, 2.0, 2.5, 3.5, 5.0))
TICK = 5


def at_length(ticks, grid, phi, planned):
    """ln E of one series: every start kept apart, for ever."""
    t = len(ticks) * TICK
    parts, weights = 0.0, 0.5
    starts = [(0.0, 0.5)]
    for number in range(1, 10**6):
        if number * 60 > t - TICK:
            break
        period = (number - 1) // planned
        weight = 0.5 * (7 / 8) * (1 / 8) ** period / planned
        starts.append((number * 60.0, weight))
        weights += weight
    newest = starts[-1][0]
    for began, weight in starts:
        age = -(-(t - newest) // 5) * 5 + (newest - began)
        for theta, share in zip(grid.thetas, grid.shares(), strict=True):
            gained = sum(
                x * math.log(theta) - n * math.log1p(rho * (theta - 1))
                for place, (x, n, rho) in enumerate(ticks)
                if place * TICK >= began
            )
            parts += weight * share * math.exp(gained / phi.at(age))
    return math.log(parts + 1 - weights)


@pytest.mark.parametrize("phi", [PhiTable.flat(1.0), NOISY], ids=["independent", "noisy"])
@pytest.mark.parametrize("minutes", [1, 5, 11, 14, 30])
def test_it_is_the_mixture_written_out(settings, phi, minutes):
    """Starts that had collapsed were weighed with the φ of a new one: 37 % of good rollouts were stopped."""
    plan = settings(
        metrics={"orders": MetricSettings(kind="good")},
        phi={"orders": phi},
        tick_seconds=TICK,
        planned_minutes=20.0,
        alpha=1e-12,
    )
    judge, seen = Judge(plan), []
    for number in range(minutes * 60 // TICK):
        x, c, rho = (number * 7) % 4, 30 + (number * 13) % 17, 0.05 if number % 3 else 0.04
        seen.append((x, x + c, rho))
        counts = Counts(canary=x, control=(c,))
        judge.step(
            Tick(t=(number + 1) * TICK, share=rho, metrics={"orders": Observed(kind="good", counts=counts)})
        )
    assert judge.standing().log_e == pytest.approx(at_length(seen, plan.drops, phi, 20), abs=0.004)


def test_evidence_begins_at_nothing_and_nothing_adds_nothing(settings, traffic):
    judge = Judge(settings())
    assert judge.log_e == 0.0
    nothing = Counts(canary=0, control=(0,))
    empty = {
        "orders": Observed(kind="good", counts=nothing),
        "errors": Observed(kind="bad", counts=nothing),
        "latency": Observed(kind="bad", buckets={"0.1": nothing, "0.5": nothing}),
    }
    for number in range(200):
        judge.step(Tick(t=number + 1.0, share=0.05, metrics=empty))
    assert judge.log_e == pytest.approx(0.0, abs=0.003)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_where_there_is_nothing_to_compare_events_are_no_evidence(settings, share):
    judge = Judge(settings(metrics={"errors": MetricSettings(kind="bad")}))
    for number in range(50):
        errors = Observed(kind="bad", counts=Counts(canary=100, control=(0,)))
        judge.step(Tick(t=number + 1.0, share=share, metrics={"errors": errors}))
    assert abs(judge.log_e) < 0.003


def test_one_burst_of_errors_convicts_nobody(settings):
    judge = Judge(settings(metrics={"errors": MetricSettings(kind="bad")}))
    burst = {"errors": Observed(kind="bad", counts=Counts(canary=500, control=(3,)))}
    quiet = {"errors": Observed(kind="bad", counts=Counts(canary=0, control=(3,)))}
    judge.step(Tick(t=1.0, share=0.05, metrics=burst))
    assert 0 < judge.log_e < 6
    judge.step(Tick(t=2.0, share=0.05, metrics=quiet))
    assert judge.log_e < 6


def test_another_phi_makes_nothing_of_nothing(settings):
    """Folded starts are fitted to it as well: without events E stays 1."""
    tables = [PhiTable(windows=(5.0, 30.0), values=(1.0, value), beyond=1.0) for value in (2.0, 9.0)]
    plans = [settings(metrics={"m": MetricSettings(kind="bad")}, phi={"m": table}) for table in tables]
    rows = layout(plans[0])
    evidence = Evidence(plans[0], rows, ages(plans[0], rows), normalisers(rows))
    for minute in range(60):
        evidence.advance(minute * 60.0)
    assert evidence.weigh(3600.0).total == pytest.approx(1.0, abs=0.003)
    evidence.refit(ages(plans[1], rows))
    assert evidence.weigh(3600.0).total == pytest.approx(1.0, abs=0.003)
