"""All that is wrong with a plan is told in one go, with each line, and nothing that only follows from it."""

import pytest

from interlock.core.change.errors import InvalidInput
from interlock.core.change.settings import Settings
from interlock.core.rollout.plan_check import check_kinds, survey_plans
from interlock.core.rollout.plan_faults import PlanFaults
from interlock.core.rollout.plan_read import read_plan

PATH = "rollouts/order-service.yaml"
SHORT = """\
service: order-service
environment: production
router: {kind: envoy, admin: 127.0.0.1:9901, prefix: routing.shop, canary: v2, control: v1}
meters:
  - kind: scrape
    canary: [http://127.0.0.1:8081/metrics]
    control: [http://127.0.0.1:8082/metrics]
    metrics:
      orders: {series: shop_orders_total}
judge:
  metrics:
    orders: {kind: good}
"""


def refusal(text: str) -> PlanFaults:
    with pytest.raises(InvalidInput) as refused:
        read_plan(PATH, text.encode())
    assert isinstance(refused.value, PlanFaults)
    assert "\n" not in refused.value.message
    return refused.value


MANY = (
    SHORT.replace("prefix", "prefixes").replace("environment: production", "enviroment: production")
    + "tick: 0\nstages:\n  - {percent: 5, bake: soon, margin: 90}\n  - {percent: 1}\n  - {limit: 2h}\n"
    + "apply:\n  - {name: a, run: go now, timeout: 2h}\n  - {name: 7, run: [go], verify: [see]}\nkept: 1d\n"
)


def test_all_that_is_wrong_is_told_at_once_in_the_order_of_its_lines():
    """Whoever wrote a plan corrected one line a run, eight times."""
    refused = refusal(MANY)
    told = [(int(one.message.rpartition(":")[2][:-1]), one.message.split(",")[0]) for one in refused.faults]
    assert told == [
        (2, "expected a known key of `the file` (did you mean `environment`?)"),
        (13, "expected 0.05s to 1m at `tick`"),
        (15, "expected a span of time at `stages.0.bake`"),
        (15, "expected a share above 0 % and at most 100 % at `stages.0.margin`"),
        (17, "expected `percent` in `stages.2`"),
        (19, "expected `verify` in the step `apply.0`"),
        (19, "expected a list of arguments at `apply.0.run`"),
        (19, "expected 0.1s to 1h at `apply.0.timeout`"),
        (20, "expected a text at `apply.1.name`"),
        (21, "expected a known key of `the file` (did you mean `keep`?)"),
    ]
    assert all(one.hint for one in refused.faults)
    assert refused.hint.endswith(
        f"9 more at {', '.join(f'{PATH}:{line}' for line in (13, 15, 17, 19, 20, 21))}: "
        "interlock policy check shows all"
    )


def test_what_only_follows_from_another_fault_is_not_told():
    renamed = refusal(
        SHORT.replace("      orders: {series", "      order: {series").replace("service:", "servce:")
    )
    assert [one.message.split(",")[0] for one in renamed.faults] == [
        "expected a known key of `the file` (did you mean `service`?)",
        "expected a metric that the judge knows (did you mean `orders`?)",
    ]


def test_faults_of_all_plans_are_told_and_the_good_ones_are_kept():
    files = {"rollouts/a.yaml": SHORT, "rollouts/b.yaml": SHORT + "tick: 0\n", "rollouts/c.yaml": SHORT}
    content = {path: text.encode() for path, text in files.items()}
    found = survey_plans(content, Settings(), ["order-service"])
    assert [plan.path for plan in found.plans.values()] == ["rollouts/a.yaml"]
    assert [plan.path for plan in found.unread] == ["rollouts/b.yaml", "rollouts/c.yaml"]
    assert [one.message.rpartition("rollouts/")[2] for one in found.faults] == [
        "b.yaml:1`",
        "b.yaml:13`",
        "c.yaml:1`",
    ]


def test_what_can_be_told_of_a_plan_with_a_fault_is_told_with_it():
    """First the judge's α, then, once that was mended, the router, then the service: three runs."""
    text = SHORT.replace("order-service", "oder-service").replace("kind: envoy", "kind: envoi")
    text = text.replace("orders: {kind: good}", "orders: {kind: good, floor: 7}")
    text = text.replace("judge:\n", "judge:\n  alpha: 3\n  planned_minutes: -1\n") + "tick: 0\n"
    found = survey_plans({PATH: text.encode()}, Settings(), ["order-service"])
    [plan] = found.unread
    wrong = [*found.faults, *check_kinds(plan, routers=["envoy"], meters=["scrape"], notifiers=[])]
    assert sorted((one.code, int(one.message.rpartition(":")[2][:-1])) for one in wrong) == [
        ("judge-alpha", 11),
        ("judge-range", 12),
        ("judge-range", 14),
        ("plugin-unknown", 3),
        ("rollout-range", 15),
        ("rollout-service", 1),
    ]


def test_of_a_section_that_cannot_be_read_nothing_more_is_said():
    text = SHORT.replace("kind: envoy, ", "").replace("  orders: {kind: good}", "  orders: {kind: [good]}")
    found = survey_plans({PATH: text.replace("service: order-service\n", "").encode()}, Settings(), ["x"])
    [plan] = found.unread
    assert (plan.service, plan.router.kind) == ("", "")
    assert check_kinds(plan, routers=["envoy"], meters=["scrape"], notifiers=[]) == ()
    assert "rollout-service" not in {one.code for one in found.faults}
