"""What nobody sees once a change is out stands beside the alerts and metrics to watch."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from interlock.core.audit.blind import blind
from interlock.core.evidence.model import Evidence
from interlock.core.policy.shown import ALERTS

AT = datetime(2026, 3, 5, 10, tzinfo=UTC)
LOOKING = {"metric": "orders_total", "near": "", "alerts": ["OrdersDown (a.yaml:4)", "OrdersOdd (a.yaml:9)"]}
HEARD = {"mode": "orders drop", "answers": [{"alert": "OrdersOdd", "seconds": 60}]}


def proof(name, gone, *, modes=(), standing="trusted", service="shop"):
    return Evidence(
        id=name, change="chg-1", subject="sha256:1", predicate_type=ALERTS, format="dsse", runner="ci",
        standing=standing, blob="sha256:2", issued_at=AT, expires_at=AT + timedelta(days=1), received_at=AT,
        received_from="ci", summary={"verdict": "passed", "service": service, "gone": gone, "modes": [*modes]},
    )  # fmt: skip


def test_an_alert_is_blind_or_sees_less_and_a_metric_is_gone_for_its_own_service():
    found = blind([proof("evd-1", [LOOKING], modes=[HEARD])])
    why = "it looks at orders_total, which the new version does not expose, by evd-1"
    assert found.alert("OrdersDown") == f"is blind once this change is out: {why}"
    assert found.alert("OrdersOdd") == f"sees less once this change is out: {why}"
    assert found.alert("CartsDown") == ""
    assert found.metric("orders_total", ["shop"]).endswith("the new version does not expose it, by evd-1")
    assert found.metric("orders_total", ["cart"]) == ""
    assert found.metric("carts_total", ["shop"]) == ""


def test_the_newest_proof_that_counts_decides():
    assert blind([proof("evd-1", [LOOKING]), proof("evd-2", [])]).gone == ()
    assert blind([proof("evd-1", [LOOKING], standing="other-digest")]).gone == ()
    assert [one.proof for one in blind([proof("evd-1", [LOOKING]), proof("evd-2", [], service="cart")]).gone] == [
        "evd-1"
    ]


def test_a_proof_of_another_shape_says_nothing():
    assert blind([proof("evd-1", "orders_total", modes=["x", {"answers": 3}])]).gone == ()
