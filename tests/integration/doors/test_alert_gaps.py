"""Planted gaps through the command line: what is said of each, and ready rules that are pasted as they are."""

from __future__ import annotations

import subprocess

import pytest

PLAN = b"""\
service: order-service
rules: [monitoring/*.yaml]
tolerance: 10m
alertmanager: monitoring/alertmanager.yml
exposition: {file: metrics.txt}
shapes:
  - {series: 'orders_total{job="orders",shop="eu"}', per_second: 40}
  - {series: 'http_requests_total{job="orders",code="200"}', per_second: 90}
  - {series: 'carts_total{job="orders"}', per_second: 20}
  - {series: 'pool_used_ratio{job="orders"}', level: 0.4}
modes:
  - {name: orders drop, kind: wrong, series: orders_total}
  - {name: answers fail, kind: errors, by: 20%, series: http_requests_total}
  - {name: carts time out, kind: drop, series: carts_total}
  - {name: pool full, kind: saturation, series: pool_used_ratio}
"""
ERRORS = 'sum(rate(http_requests_total{job="orders",code=~"5.."}[5m]))'
LABELS = "labels: {severity: critical, team: orders, slo: '{{ $value }}'}"
RULES = f"""\
groups:
  - name: orders
    rules:
      # the failure answers 200
      - {{alert: OrdersFail, expr: '{ERRORS} > 100', for: 2m, {LABELS}}}
      # longer than anybody may be left in the dark
      - {{alert: ErrorsLong, expr: '{ERRORS} > 2', for: 20m, {LABELS}}}
      # the change renames it
      - {{alert: CartsLow, expr: 'sum(rate(carts_total{{job="orders"}}[5m])) < 10', for: 2m, {LABELS}}}
      # the label's value is another's
      - {{alert: PoolFull, expr: 'pool_used_ratio{{job="order"}} > 0.9', for: 2m, {LABELS}}}
      - {{alert: Slow, expr: 'vector(0) > 1', labels: {{severity: warning}}}}
"""
ROUTES = """\
route:
  receiver: chat
  routes:
    - {matchers: ['severity="critical"', 'team="orders"'], receiver: on-call}
receivers:
  - {name: chat, slack_configs: [{api_url: 'http://127.0.0.1:1/', channel: '#orders'}]}
  - {name: on-call, pagerduty_configs: [{service_key: x}]}
  - {name: nobody}
"""
EXPOSED = """\
# TYPE orders_total counter
orders_total{shop="eu"} 1
# TYPE http_requests_total counter
http_requests_total{code="200"} 1
# TYPE CARTS counter
# TYPE pool_used_ratio gauge
pool_used_ratio 0.4
"""
MODES = ["orders drop", "answers fail", "carts time out", "pool full"]
NEW = "basket_total"


def git(*arguments):
    subprocess.run(["git", *arguments], check=True, timeout=30, capture_output=True)


def committed(terminal, root, files):
    for path, text in files.items():
        (root / path).write_text(text)
    git("add", ".")
    git("commit", "--quiet", "--message", "more")
    terminal.ok("change", "push")


def prove(terminal, place, *more):
    return terminal("evidence", "run", "alerts", "--key", place / "runner.pem", *more)


def said(done):
    return " ".join(done.out.split())


def faulty(governed, terminal, *, plan=PLAN, rules=RULES, routes=ROUTES, carts=NEW):
    files = {
        "alert-plans/order-service.yaml": plan,
        "monitoring/orders.yaml": rules.encode(),
        "monitoring/alertmanager.yml": routes.encode(),
        "metrics.txt": EXPOSED.replace("CARTS", "carts_total").encode(),
    }
    place = governed(files)
    committed(terminal, place / "shop", {"metrics.txt": EXPOSED.replace("CARTS", carts)})
    return place


def in_force(terminal, place, monkeypatch, plan):
    """Two people bring another plan into force, and the change is opened on it anew."""
    root = place / "shop"
    git("switch", "--quiet", "main")
    (root / "alert-plans" / "order-service.yaml").write_bytes(plan)
    git("commit", "--quiet", "--all", "--message", "Another plan")
    subprocess.run(["rm", "-r", str(root / ".interlock")], check=True, timeout=30)
    for person in ("vera", "ana"):
        terminal("rules", "genesis", "--key", place / "keys" / person)
    git("switch", "--quiet", "-")
    git("rebase", "--quiet", "main")
    opened = terminal.ok("change", "open", "--base", "main", "--json").json
    monkeypatch.setenv("INTERLOCK_CHANGE", opened["id"])


def test_four_planted_faults_are_four_gaps_and_the_rules_close_them(governed, terminal, monkeypatch):
    place = faulty(governed, terminal)
    found = prove(terminal, place, "--json").json["items"][0]
    assert [one["mode"] for one in found["modes"] if not one["proven"]] == MODES
    assert [one["mode"] for one in found["ready"]] == MODES
    assert found["unheard_rules"] == []
    assert all((one["severity"], one["receivers"]) == ("critical", ["on-call"]) for one in found["ready"])
    done = prove(terminal, place)
    shown = said(done)
    assert max(map(len, done.out.splitlines())) <= 80
    places = "alert-plans/order-service.yaml:9, alert-plans/order-service.yaml:14"
    assert f"the change renames carts_total (→ {NEW}?): add the rule below, and name {NEW} in {places}" in shown
    assert "did you mean" not in shown.partition("rule ")[0]
    assert "silent while all is well · critical to on-call" in shown
    ready = {f"monitoring/ready{place}.yaml": one["rule"] for place, one in enumerate(found["ready"])}
    committed(terminal, place / "shop", ready)
    done = prove(terminal, place)
    assert "somebody is told of 3 of 4 failures" in said(done)
    tells = f"the change renames carts_total (→ {NEW}?): OrderServiceCartsTimeOut tells of it there; name {NEW} in"
    assert tells in said(done)
    assert "rule for carts" not in said(done)
    in_force(terminal, place, monkeypatch, PLAN.replace(b"carts_total", NEW.encode()))
    again = prove(terminal, place)
    assert again.code == 0, again
    assert "somebody is told of 4 of 4 failures" in said(again)


def test_a_plan_whose_shapes_alone_name_the_old_metric_says_so(governed, terminal):
    plan = PLAN.replace(b"series: carts_total", b"series: basket_total")
    place = faulty(governed, terminal, plan=plan)
    found = prove(terminal, place, "--json").json["items"][0]
    (carts,) = [one for one in found["modes"] if one["mode"] == "carts time out"]
    assert carts["taken"]["names"] == [{"metric": "carts_total", "to": NEW}]
    assert carts["taken"]["places"] == ["alert-plans/order-service.yaml:9"]
    assert [one["mode"] for one in found["ready"]] == MODES


def test_a_metric_that_goes_for_nothing_like_it_is_said_to_be_taken_away(governed, terminal):
    place = faulty(governed, terminal, carts="warehouse_items_put_on_hold")
    shown = said(prove(terminal, place))
    assert "the change takes carts_total away: name what is counted instead in alert-plans/" in shown
    assert "rule for carts time out" not in shown


def test_a_ready_rule_looks_at_the_series_of_the_service_and_is_labelled_like_its_alerts(governed, terminal):
    place = faulty(governed, terminal)
    rules = {one["mode"]: one["rule"] for one in prove(terminal, place, "--json").json["items"][0]["ready"]}
    fail = " ".join(rules["answers fail"].split())
    assert 'rate(http_requests_total{job="orders",code=~"5.."}[5m])' in fail
    assert 'rate(http_requests_total{job="orders"}[5m])' in fail
    assert "labels: severity: critical team: orders annotations:" in fail
    assert f'rate({NEW}{{job="orders"}}[5m])' in " ".join(rules["carts time out"].split())


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (
            "    - {matchers: ['severity=\"critical\"'], receiver: nobody}\n",
            "rule none for carts time out: the one that would fire is routed to nobody (monitoring/alertm",
        ),
        ("", "critical to chat, while the other critical alerts go to on-call"),
    ],
)
def test_a_rule_that_reaches_nobody_or_others_than_the_services_alerts_says_so(governed, terminal, more, expected):
    """The service's alerts agree on nothing but their severity, so that no rule has the label of a team."""
    rules = RULES.replace("team: orders", "team: carts", 1)
    routes = ROUTES.replace("'team=\"orders\"'", "'team=~\".+\"'").replace(
        "receivers:\n", f"{more}receivers:\n", 1
    )
    place = faulty(governed, terminal, rules=rules, routes=routes)
    assert expected in said(prove(terminal, place))
