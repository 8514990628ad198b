"""Alert plans: what a file says, and every way in which it says it wrongly, with its line."""

from __future__ import annotations

import pytest

from interlock.core.alerts.plan import covered
from interlock.core.alerts.plan_read import read_alert_plan, read_alert_plans
from interlock.core.change.errors import InvalidInput
from interlock.core.rollout.plan_faults import PlanFaults

PLAN = """\
service: harbour
rules: ["monitoring/*.yaml"]
tolerance: 5m
shapes:
  - {series: 'bookings_total{service="harbour"}', per_second: 40}
  - {series: 'took_seconds', per_second: 40, buckets: {"0.1": 90%, "1": 100%}}
  - {series: pool, level: 0.4}
modes:
  - {name: bookings drop, kind: drop, by: 50%, series: bookings_total}
  - {name: slow, kind: slow, series: ['took_seconds{service=~"har.*"}', other_seconds]}
  - {name: lost, kind: errors, series: rpc_total, bad: {result: lost}}
"""


NOT_WHOLE = "'took_seconds_bucket{le=\"1\"}', per_second: 40"


def read(text=PLAN):
    return read_alert_plan("alert-plans/harbour.yaml", text.encode())


def wrong(text):
    with pytest.raises(InvalidInput) as refused:
        read(text)
    return refused.value


def test_what_a_plan_says():
    plan = read()
    assert (plan.service, plan.rules, plan.tolerance) == ("harbour", ("monitoring/*.yaml",), 300.0)
    assert (plan.interval, plan.step, plan.healthy, plan.prometheus) == (60.0, 60.0, 3_600.0, "")
    assert [(mode.name, mode.kind, mode.by) for mode in plan.modes] == [
        ("bookings drop", "drop", 0.5),
        ("slow", "slow", 2.0),
        ("lost", "errors", 0.05),
    ]
    assert [each.metric for each in plan.modes[1].selectors] == ["took_seconds", "other_seconds"]
    assert plan.modes[2].bad == {"result": "lost"}
    assert plan.shapes[1].buckets == {"0.1": 0.9, "1": 1.0}
    assert plan.line_of(("modes", 1, "name")) == 10
    assert plan.alertmanager == ""
    assert read(PLAN + "alertmanager: monitoring/am.yml\n").alertmanager == "monitoring/am.yml"


def test_a_failure_mode_is_bound_by_the_name_that_is_in_it():
    plan = read()
    assert [mode.name for mode in covered(plan, "BOOKINGS DROP when it is slow")] == ["bookings drop", "slow"]
    assert covered(plan, "a comet") == ()


@pytest.mark.parametrize(
    ("line", "instead", "code", "said"),
    [
        ("kind: drop, by: 50%", "kind: drops, by: 50%", "alert-plan", "did you mean `drop`"),
        ("by: 50%", "by: 150%", "alert-range", "at most 100 %"),
        ("series: bookings_total", "series: 'rate(bookings_total[5m])'", "alert-plan", "without functions"),
        ("series: bookings_total", "series: 'bookings_total offset 1h'", "alert-plan", "without functions"),
        ("series: bookings_total", "series: 'bookings_total{'", "alert-plan", "a selector"),
        ("tolerance: 5m", "tolerance: soon", "alert-plan", "a span of time"),
        ("tolerance: 5m", "tolerance: 3d", "alert-range", "1s to 1d"),
        ("tolerance: 5m", "tolerence: 5m", "alert-plan", "did you mean `tolerance`"),
        ("per_second: 40}\n", "per_second: -1}\n", "alert-plan", "0 or more"),
        ("level: 0.4", "level: 0.4, per_second: 1", "alert-plan", "either `per_second` or `level`"),
        ("name: slow", "name: bookings drop", "alert-plan", "name once"),
        ("kind: slow, series", "kind: slow, by: 1, series", "alert-range", "a factor above 1"),
        ("tolerance: 5m", "alertmanager: monitoring/*.yml", "alert-plan", "the path of one file"),
        ("tolerance: 5m", "alertmanager: /etc/alertmanager.yml", "alert-plan", "the path of one file"),
        ("tolerance: 5m", "alertmanager: ../am.yml", "alert-plan", "the path of one file"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(line, instead, code, said):
    found = wrong(PLAN.replace(line, instead, 1))
    assert found.code == code
    assert said in f"{found.message} {found.hint}"
    assert "`alert-plans/harbour.yaml:" in found.message


def test_a_shape_has_exact_labels():
    found = wrong(PLAN.replace('bookings_total{service="harbour"}', 'bookings_total{service=~"har.*"}', 1))
    assert "exact labels" in found.message


def test_a_histogram_is_declared_by_its_own_name():
    """Its buckets would be called `_bucket_bucket`, and every right alert silent."""
    found = wrong(PLAN.replace("'took_seconds'", "took_seconds_bucket", 1))
    assert "a histogram's own name beside `buckets`, `took_seconds`" in found.message
    assert "`took_seconds_bucket` at `alert-plans/harbour.yaml:6`" in found.message
    assert "write took_seconds here and in the modes" in found.hint
    alone = PLAN.replace('\'took_seconds\', per_second: 40, buckets: {"0.1": 90%, "1": 100%}', NOT_WHOLE, 1)
    assert read(alone).shapes[1].series == 'took_seconds_bucket{le="1"}'


def test_all_that_is_wrong_is_told_at_once():
    with pytest.raises(PlanFaults) as refused:
        read(PLAN.replace("5m", "soon").replace("kind: drop", "kind: fall").replace("service: harbour\n", "", 1))
    assert len(refused.value.faults) == 3


def test_without_healthy_series_nothing_can_be_proven():
    text = PLAN[: PLAN.index("shapes:")] + PLAN[PLAN.index("modes:") :]
    assert "`prometheus` or `shapes`" in wrong(text).message
    assert read(text + "prometheus: http://127.0.0.1:9090\n").prometheus == "http://127.0.0.1:9090"


def test_one_plan_for_a_service_of_the_catalog():
    files = {"alert-plans/a.yaml": PLAN.encode(), "alert-plans/b.yaml": PLAN.encode()}
    with pytest.raises(InvalidInput) as twice:
        read_alert_plans(files, ("harbour",))
    assert twice.value.code == "alert-twice"
    with pytest.raises(InvalidInput) as unknown:
        read_alert_plans({"alert-plans/a.yaml": PLAN.encode()}, ("harbor",))
    assert (unknown.value.code, "did you mean `harbor`" in unknown.value.message) == ("alert-service", True)
