"""``evidence run alerts`` where more than rules decides who is told: Alertmanager's file, the clock, labels."""

from __future__ import annotations

import subprocess
from pathlib import Path

GIVEN = Path(__file__).parent / "order_alerts"
PLAN = (GIVEN / "plan.yaml").read_bytes()
ORDERS = (GIVEN / "orders.yaml").read_text(encoding="utf-8")
SLOW = (GIVEN / "slow.yaml").read_text(encoding="utf-8")
ROUTING = (GIVEN / "routing.yaml").read_text(encoding="utf-8")
EXPOSED = b"# TYPE orders counter\norders_total 1\n# TYPE promise_seconds histogram\n"


def prove(terminal, place, *more):
    return terminal("evidence", "run", "alerts", "--key", place / "runner.pem", *more)


def commit(terminal, message):
    subprocess.run(["git", "add", "."], check=True, timeout=30)
    subprocess.run(["git", "commit", "--quiet", "--message", message], check=True, timeout=30)
    terminal.ok("change", "push")


def routed(governed, receiver, *, path="monitoring/am.yml"):
    plan = PLAN.replace(b"monitoring/*.yaml", b"monitoring/orders.yaml") + b"alertmanager: monitoring/am.yml\n"
    rules = (ORDERS + SLOW).encode()
    return governed(
        {
            "alert-plans/order-service.yaml": plan,
            "monitoring/orders.yaml": rules,
            path: ROUTING.replace("RECEIVER", receiver).encode(),
        }
    )


def test_a_file_of_alertmanager_that_the_change_moves_says_what_it_answered_before(governed, terminal):
    place = routed(governed, "pager")
    assert "changed by this change" not in prove(terminal, place).out
    file = place / "shop" / "monitoring" / "am.yml"
    file.write_text(ROUTING.replace("RECEIVER", "null"))
    commit(terminal, "Quiet")
    done = prove(terminal, place)
    said = " ".join(done.out.replace("→", " ").split())
    assert done.code == 1
    assert (
        "routes monitoring/am.yml is changed by this change: as it was before, "
        "orders drop would be told to pager, and is told to nobody in time"
    ) in said
    assert max(map(len, done.out.splitlines())) <= 80
    file.write_text(ROUTING.replace("RECEIVER", "pager") + "# a word\n")
    commit(terminal, "Loud")
    assert "is changed by this change: it answers as before" in " ".join(prove(terminal, place).out.split())


def test_an_alert_that_sleeps_is_a_gap_and_a_label_that_is_renamed_is_named(governed, terminal):
    plan = PLAN + b"exposition: {file: metrics.txt}\n"
    night = ORDERS.replace("< 50", "< 50 and on() (hour() < 6)")
    metrics = EXPOSED.replace(b"orders_total 1", b'orders_total{service="order-service"} 1')
    files = {"alert-plans/order-service.yaml": plan, "metrics.txt": metrics}
    place = governed({**files, "monitoring/orders.yaml": (night + SLOW).encode()})
    done = prove(terminal, place)
    said = " ".join(done.out.replace("→", " ").split())
    assert done.code == 1
    assert "✗ orders drop nobody is told: OrdersDown fires, but only before 06:00 UTC" in said
    (place / "shop" / "metrics.txt").write_bytes(metrics.replace(b"{service", b"{svc"))
    commit(terminal, "The label is svc now")
    said = " ".join(prove(terminal, place).out.split())
    assert "labels the change renames label service of orders_total to svc: OrdersDown" in said
