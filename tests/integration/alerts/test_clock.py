"""Alerts that ask the clock, by the real promtool at every hour of a week."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from interlock.core.alerts.declared import declared
from interlock.core.alerts.plan_read import read_alert_plan
from interlock.core.alerts.scope import looked
from interlock.core.alerts.shaken import SEED, shaken
from interlock.core.alerts.woken import settled
from interlock.plugins.alerts.promtool import Promtool
from interlock.road.alert_edges import steadied
from interlock.road.prove_alerts import carry_out, loadable, phases_of, prepare
from interlock.road.wake_alerts import awoken

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
PLAN = b"""\
service: shop
rules: [monitoring/*.yaml]
tolerance: 10m
shapes:
  - {series: 'orders_total{service="shop"}', per_second: 100}
  - {series: backup_done_seconds, level: 1790000000}
modes:
  - {name: orders drop, kind: drop, series: orders_total}
"""
DOWN = "sum(rate(orders_total[5m])) < 50"


def matrix(*alerts):
    """Of alerts, each an expression with what it is called, and recorded ones before."""
    lines = "".join(f"  - {{{each}}}\n" for each in alerts)
    files = loadable({"a.yaml": f"groups:\n- name: g\n  rules:\n{lines}".encode()}, Promtool())
    plan = read_alert_plan("alert-plans/shop.yaml", PLAN)
    steps = round(phases_of(plan, looked(files.groups, interval=plan.interval)).healthy / plan.step)
    shapes = declared(plan.shapes, steps=steps, step=plan.step, seed=SEED)
    others = shaken(plan, shapes, steps=steps)
    worlds = [prepare(plan, files, each) for each in (shapes, *others)]
    proof = carry_out(worlds[0], Promtool(), told=lambda _: None)
    proof = awoken(proof, worlds, Promtool(), NOW, told=lambda _: None)
    proof = steadied(proof, worlds[0], others, Promtool(), told=lambda _: None)
    return settled(proof.matrix)


def alert(name, expr, severity="page"):
    return f"alert: {name}, expr: '{expr}', for: 1m, labels: {{severity: {severity}}}"


@pytest.mark.parametrize(
    ("clock", "why"),
    [
        ("hour() < 6", "only before 06:00 UTC"),
        ("day_of_week() == 4", "only on Thursdays"),
        ("year() < 2020", "at none of 168 hours from 2026-11-30 to 2028-11-26"),
        ("(vector(time()) < 2000000)", "at none of 168 hours from 2026-11-30 to 2028-11-26"),
        ("month() == 12", "only in December"),
    ],
)
def test_an_alert_that_sleeps_most_of_the_time_is_a_gap_with_when_it_is_awake(clock, why):
    found = matrix(alert("Down", f"{DOWN} and on() {clock}"))
    (row,) = found.rows
    assert (row.proven, row.answers) == (False, ())
    assert [(one.alert, one.why) for one in row.unheard] == [("Down", why)]


def test_one_that_asks_the_clock_and_is_awake_at_every_hour_answers():
    (row,) = matrix(alert("Down", f"{DOWN} and on() (year() > 2000)")).rows
    (cell,) = row.answers
    assert (cell.alert, cell.only, cell.awake) == ("Down", "", None)
    assert cell.seconds <= 600
    assert [dict(each.labels) for each in cell.fired] == [{"alertname": "Down", "severity": "page"}]


def test_office_hours_that_are_recorded_are_the_clock_too():
    recorded = "record: office, expr: 'hour() >= 8 < 18'"
    (row,) = matrix(recorded, alert("Down", f"{DOWN} and on() office")).rows
    assert [one.why for one in row.unheard] == ["only from 08:00 to 18:00 UTC"]


def test_alerts_that_take_turns_answer_together():
    day, night = (alert(name, f"{DOWN} and on() (hour() {op} 12)") for name, op in (("Day", ">"), ("Night", "<")))
    (row,) = matrix(day, night).rows
    assert not row.proven  # from twelve to one both sleep
    day = alert("Day", f"{DOWN} and on() (hour() >= 11)")
    (row,) = matrix(day, night).rows
    assert row.proven
    assert {cell.alert: cell.only for cell in row.answers} == {
        "Day": "only from 11:00 UTC",
        "Night": "only before 12:00 UTC",
    }
    (row,) = matrix(day, night.replace("severity: page", "severity: none")).rows
    assert not row.proven


def test_one_that_cries_while_all_is_well_at_some_hours_answers_nothing():
    found = matrix(alert("Down", f"{DOWN} or on() (vector(1) and on() (hour() == 5))"))
    assert not found.rows[0].proven
    assert [one.name for one in found.restless] == ["Down"]


def test_what_compares_the_clock_with_a_time_is_undecided():
    found = matrix(alert("Down", f"{DOWN} and on() (time() - backup_done_seconds > 60 or vector(1))"))
    (row,) = found.rows
    assert (row.proven, row.answers) == (False, ())
    assert found.unread == {
        "Down": "it asks the clock, and backup_done_seconds holds a time: not proven at every hour"
    }


def test_who_asks_no_clock_is_not_run_again():
    class Once(Promtool):
        def tests(self, files, names, *, seconds):
            raise AssertionError(names)

    plan = read_alert_plan("alert-plans/shop.yaml", PLAN)
    files = loadable({"a.yaml": f"groups:\n- name: g\n  rules:\n  - {{{alert('Down', DOWN)}}}\n".encode()}, Once())
    world = prepare(plan, files, declared(plan.shapes, steps=80, step=60.0, seed=SEED))
    proof = carry_out(world, Once(), told=lambda _: None)
    assert awoken(proof, [world], Once(), NOW, told=lambda _: None) is proof
