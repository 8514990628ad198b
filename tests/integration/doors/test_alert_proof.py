"""``evidence run alerts`` whole: rule files of a checkout, the plan in force, promtool, and the gate."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from interlock.plugins.alerts.promtool import Promtool

GIVEN = Path(__file__).parent / "order_alerts"
PLAN = (GIVEN / "plan.yaml").read_bytes()
ORDERS = (GIVEN / "orders.yaml").read_text(encoding="utf-8")
SLOW = (GIVEN / "slow.yaml").read_text(encoding="utf-8")
FAILURE_MODES = (
    "orders drop because the promise cannot be computed",
    "carts time out because the promise takes longer than 600 ms",
)


def shop(governed, rules):
    return governed({"alert-plans/order-service.yaml": PLAN, "monitoring/orders.yaml": rules.encode()})


def prove(terminal, place, *more):
    return terminal("evidence", "run", "alerts", "--key", place / "runner.pem", *more)


def test_alerts_for_each_failure_mode_meet_the_obligation(governed, terminal, judged):
    place = shop(governed, ORDERS + SLOW)
    assert judged.light("alert_proof")["state"] == "missing"
    done = prove(terminal, place, "--json")
    assert done.code == 0, done
    (found,) = done.json["items"]
    assert found["proven"] == list(FAILURE_MODES)
    assert found["evidence"]["kept"]["standing"] == "trusted"
    assert judged.met("alert-proven")
    assert judged.light("alert_proof")["state"] == "shown"


def test_a_gap_is_shown_with_a_rule_that_closes_it(governed, terminal, judged):
    place = shop(governed, ORDERS)
    done = prove(terminal, place)
    said = " ".join(done.out.replace("→", " ").split())  # a narrow terminal has an arrow there
    assert done.code == 1
    assert said.startswith("GAPS order-service: somebody is told of 1 of 2 failures within 10 min")
    assert "✓ orders drop OrdersDown after" in said
    assert "✗ carts time out nobody is told" in said
    assert "for carts time out, proven: fires after" in said
    assert not judged.met("alert-proven")
    assert judged.light("alert_proof")["state"] == "failed"
    rule = prove(terminal, place, "--json").json["items"][0]["ready"][0]["rule"]
    (place / "shop" / "monitoring" / "ready.yaml").write_text(rule)
    subprocess.run(["git", "add", "monitoring"], check=True, timeout=30)
    subprocess.run(["git", "commit", "--quiet", "--message", "Tell somebody"], check=True, timeout=30)
    terminal.ok("change", "push")
    assert judged.light("alert_proof")["state"] == "void"
    again = prove(terminal, place)
    assert again.code == 0, again
    assert judged.met("alert-proven")


NEVER = """\
      - {alert: Elsewhere, expr: 'rate(orders_total{service="other"}[5m]) > 1'}
      - {alert: Never, expr: 'count(orders_total) == 0'}
"""


def test_an_alert_that_could_fire_is_not_said_to_be_one_that_never_does(governed, terminal):
    place = shop(governed, ORDERS + SLOW + NEVER)
    done = prove(terminal, place)
    assert "silent   Elsewhere (monitoring/orders.yaml:11) fires in none of these failures" in done.out
    assert "never    Never (monitoring/orders.yaml:12) can never fire" in done.out
    (found,) = prove(terminal, place, "--json").json["items"]
    said = {one["name"]: (one["silent"], one["never"]) for one in found["alerts"]}
    assert said == {
        "OrdersDown": (False, False),
        "PromiseSlow": (False, False),
        "Elsewhere": (True, False),
        "Never": (True, True),
    }


def commit(terminal, message):
    subprocess.run(["git", "add", "."], check=True, timeout=30)
    subprocess.run(["git", "commit", "--quiet", "--message", message], check=True, timeout=30)
    terminal.ok("change", "push")


def test_rule_files_that_are_in_no_commit_prove_nothing(governed, terminal):
    place = governed({"alert-plans/order-service.yaml": PLAN, "monitoring/orders.yaml": ORDERS.encode()})
    (place / "shop" / "monitoring" / "slow.yaml").write_text("groups:\n  - name: slow\n    rules:\n" + SLOW)
    done = prove(terminal, place, "--json")
    assert done.json["items"][0]["proven"] == [FAILURE_MODES[0]]
    assert "doubt    `monitoring/slow.yaml`: in no commit, so not read" in done.err
    # it is said too where an ignore rule hides it
    (place / "shop" / ".git" / "info" / "exclude").write_text("monitoring/slow.yaml\n")
    assert "`monitoring/slow.yaml`: in no commit" in prove(terminal, place).err
    subprocess.run(["git", "rm", "--quiet", "monitoring/orders.yaml"], check=True, timeout=30)
    subprocess.run(["git", "commit", "--quiet", "--message", "none"], check=True, timeout=30)
    terminal.ok("change", "push")
    refused = prove(terminal, place)
    assert "error[alert-rules-none]" in refused.err
    assert "got only `monitoring/slow.yaml`, in no commit" in refused.err


def test_rules_that_prometheus_would_not_load_are_refused_with_their_place(governed, terminal, judged):
    place = shop(governed, ORDERS.replace("[5m]", "") + SLOW)
    done = prove(terminal, place)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error[alert-rules-broken]: expected alert `OrdersDown` of group `orders`")
    assert "at `monitoring/orders.yaml:4`" in done.err
    assert "rules-0" not in done.err
    assert judged.light("alert_proof")["state"] == "missing"


def test_what_was_misspelt_is_told_with_what_was_meant(governed, terminal):
    wrong = PLAN.replace(b"kind: slow, series: promise_seconds", b"kind: slow, series: promise_second")
    place = governed({"alert-plans/order-service.yaml": wrong, "monitoring/orders.yaml": (ORDERS + SLOW).encode()})
    said = " ".join(prove(terminal, place).out.replace("→", " ").split())
    assert "no series is there that this failure would change (did you mean `promise_seconds`?)" in said
    assert "got none (did you mean `order-service`?)" in prove(terminal, place, "--service", "order-servce").err


EXPOSED = b"# TYPE orders counter\norders_total 1\n# TYPE promise_seconds histogram\n"


@pytest.mark.parametrize("how", ["file: metrics.txt", "command: [git, show, 'HEAD:metrics.txt']"])
def test_a_metric_that_the_new_version_does_not_expose_is_a_gap(governed, terminal, how):
    files = {"alert-plans/order-service.yaml": PLAN + f"exposition: {{{how}}}\n".encode(), "metrics.txt": EXPOSED}
    place = governed({**files, "monitoring/orders.yaml": (ORDERS + SLOW).encode()})
    assert prove(terminal, place).code == 0
    assert "once this change is out" not in terminal.ok("change", "checklist").out
    (place / "shop" / "metrics.txt").write_bytes(EXPOSED.replace(b"orders", b"sales"))
    commit(terminal, "Orders are sales now")
    done = prove(terminal, place)
    said = " ".join(done.out.split())
    assert done.code == 1
    assert "gone orders_total is not exposed by the new version" in said
    assert "OrdersDown (monitoring/orders.yaml:4)" in said
    assert "somebody is told of 1 of 2 failures" in said
    page = terminal.ok("change", "checklist").out
    (gone,) = [line for line in page.splitlines() if line.startswith("- `orders_total` of order-service (metric")]
    assert "**is not there once this change is out: the new version does not expose it, by evd-" in gone
    assert ("decides (change.md) **is not there" in page) is ("`orders_total` decides" in page)
    (place / "shop" / "metrics.txt").write_bytes(b"<html>")
    commit(terminal, "no metrics")
    assert prove(terminal, place).err.startswith(
        "error[alert-exposition]: expected metrics in the Prometheus text"
    )


def test_the_new_version_is_asked_where_it_runs(governed, terminal):
    shown = {"/metrics": EXPOSED}

    class Version(BaseHTTPRequestHandler):
        def do_GET(self):
            content = shown.get(self.path)
            self.send_response(200 if content else 404)
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, *_):
            """Nothing is printed."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Version)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        plan = PLAN + f"exposition: {{url: 'http://127.0.0.1:{server.server_port}/metrics'}}\n".encode()
        files = {"alert-plans/order-service.yaml": plan, "monitoring/orders.yaml": (ORDERS + SLOW).encode()}
        place = governed(files)
        assert prove(terminal, place).code == 0
        shown["/metrics"] = EXPOSED.replace(b"orders", b"sales")
        gone = prove(terminal, place)
        assert (gone.code, "gone     orders_total is not exposed" in gone.out) == (1, True)
        shown.clear()
        missing = prove(terminal, place)
        assert (missing.code, missing.out) == (3, "")
        assert "error[alert-exposition]: expected the metrics of the new version at" in missing.err
        assert "got status 404" in missing.err
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_no_line_is_wider_than_the_terminal(governed, terminal):
    place = shop(governed, ORDERS.replace("OrdersDown", "OrdersOfTheOrderServiceAreDown"))
    done = prove(terminal, place)
    assert max(map(len, done.out.splitlines())) <= 80
    assert "1 alert evaluated every 60 s in 2 cases" in done.err


HEAVY = "\n".join(
    f"      - {{alert: Heavy{number}, expr: 'count_over_time(rate(orders_total[5m])[2h:1s]) < 0'}}"
    for number in range(30)
)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_says_at_once_that_it_is_cancelled(governed, terminal, judged, number):
    place = shop(governed, ORDERS + HEAVY)
    command = [sys.executable, "-m", "interlock", "evidence", "run", "alerts", "--key", "../runner.pem"]
    started = subprocess.Popen(command, cwd=place / "shop", stderr=subprocess.PIPE, text=True)
    assert "evaluated every 60 s" in started.stderr.readline()
    assert judged.light("alert_proof")["state"] == "running"
    started.send_signal(number)
    _, said = started.communicate(timeout=60)
    assert started.returncode == 130
    assert "was cancelled: nothing is handed in" in said
    assert "Traceback" not in said
    assert judged.light("alert_proof")["state"] == "cancelled"


def test_a_checkout_that_moves_meanwhile_is_not_signed_for(governed, terminal, judged, monkeypatch):
    place = shop(governed, ORDERS + SLOW)

    def moving(self, *arguments, **named):
        found = run(self, *arguments, **named)
        subprocess.run(
            ["git", "commit", "--quiet", "--allow-empty", "--message", "meanwhile"], check=True, timeout=30
        )
        return found

    run = Promtool.run
    monkeypatch.setattr(Promtool, "run", moving)
    done = prove(terminal, place)
    assert (done.code, done.out) == (2, "")
    assert "error[evidence-moved]" in done.err
    assert terminal.ok("evidence", "list", "--json").json["items"] == []
    assert judged.light("alert_proof")["state"] != "shown"


def test_what_is_signed_names_the_rules_that_the_plan_is_part_of(governed, terminal):
    place = shop(governed, ORDERS + SLOW)
    (found,) = prove(terminal, place, "--json").json["items"]
    assert found["rules"] == terminal.ok("rules", "show", "--json").json["digest"]
    signed = json.loads((place / "shop" / ".interlock" / "evidence" / f"{found['run']}.dsse").read_bytes())
    assert signed["signatures"]


def test_a_link_in_the_checkout_shows_nothing_of_this_machine(governed, terminal):
    place = shop(governed, ORDERS)
    (place / "shop" / "monitoring" / "k.yaml").symlink_to("../../runner.pem")
    subprocess.run(["git", "add", "monitoring"], check=True, timeout=30)
    subprocess.run(["git", "commit", "--quiet", "--message", "A link"], check=True, timeout=30)
    terminal.ok("change", "push")
    refused = prove(terminal, place)
    assert refused.err.startswith("error[alert-rules-outside]")
    assert "PRIVATE" not in refused.err + refused.out


def test_without_rules_or_promtool_it_says_what_to_do(governed, terminal, monkeypatch):
    place = governed({"alert-plans/order-service.yaml": PLAN})
    assert "error[alert-rules-none]" in prove(terminal, place).err
    assert "error[alert-plan-none]" in terminal("evidence", "run", "alerts", "--service", "cart").err
    monkeypatch.setattr("interlock.plugins.alerts.promtool.PROGRAM", "no-such-promtool")
    missing = prove(terminal, place)
    assert missing.code == 3
    assert missing.err.startswith("error[promtool-missing]: expected promtool, got none")
    assert "apt-get install prometheus" in missing.err


ROUTING = (GIVEN / "routing.yaml").read_text(encoding="utf-8")


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


def test_where_alerts_are_routed_is_shown_and_signed(governed, terminal, judged):
    place = routed(governed, "pager")
    done = prove(terminal, place)
    said = " ".join(done.out.replace("→", " ").split())
    assert done.code == 0, done
    assert re.search(r"✓ orders drop OrdersDown after \d+ min · page to pager", said)
    assert "routes" not in said
    (found,) = prove(terminal, place, "--json").json["items"]
    assert found["routes"] == {"file": "monitoring/am.yml", "doubts": []}
    first = found["modes"][0]["answers"][0]
    assert (first["alert"], first["severity"], first["receivers"]) == ("OrdersDown", "page", ["pager"])
    evidence = terminal.ok("evidence", "list", "--json").json["items"]
    assert evidence[-1]["summary"]["modes"][0]["answers"][0]["receivers"] == ["pager"]
    assert judged.met("alert-proven")


def test_an_alert_that_is_routed_to_null_tells_nobody(governed, terminal, judged):
    place = routed(governed, "null")
    done = prove(terminal, place)
    said = " ".join(done.out.replace("→", " ").split())
    assert done.code == 1, done
    assert "somebody is told of 1 of 2 failures" in said
    why = "routed to null (monitoring/am.yml:7), which sends nothing"
    assert f"✗ orders drop nobody is told: OrdersDown fires, but {why}" in said
    assert max(map(len, done.out.splitlines())) <= 80
    assert not judged.met("alert-proven")


def test_without_alertmanagers_file_it_says_that_routes_were_not_looked_at(governed, terminal):
    place = shop(governed, ORDERS + SLOW)
    done = prove(terminal, place)
    assert "routes   not looked at: whom these alerts reach is not known" in done.out
    (found,) = prove(terminal, place, "--json").json["items"]
    assert found["routes"] is None
    assert found["modes"][0]["answers"][0]["receivers"] is None


def test_routes_that_cannot_be_looked_at_are_refused_in_one_line(governed, terminal, monkeypatch):
    place = routed(governed, "nobody")
    refused = prove(terminal, place)
    assert (refused.code, refused.out) == (2, "")
    assert refused.err.startswith(
        "error[alertmanager-file]: expected a file that Alertmanager loads at `monitoring/am.yml`"
    )
    assert 'undefined receiver "nobody"' in refused.err
    monkeypatch.setattr("interlock.plugins.alerts.amtool.PROGRAM", "no-such-amtool")
    missing = prove(terminal, place)
    assert missing.code == 3
    assert missing.err.startswith("error[amtool-missing]: expected amtool, got none")
    assert "apt-get install prometheus-alertmanager" in missing.err


def test_alertmanagers_file_is_one_of_the_commit(governed, terminal):
    place = routed(governed, "pager", path="monitoring/other.yml")
    (place / "shop" / "monitoring" / "am.yml").write_text(ROUTING.replace("RECEIVER", "pager"))
    refused = prove(terminal, place)
    assert refused.err.startswith(
        "error[alertmanager-file]: expected the file of Alertmanager in HEAD, got no `monitoring/am.yml` there"
    )


def test_an_alert_that_is_for_nobody_by_its_severity_is_a_gap(governed, terminal, judged):
    place = shop(governed, ORDERS.replace("severity: page", "severity: none") + SLOW)
    said = " ".join(prove(terminal, place).out.replace("→", " ").split())
    assert "✗ orders drop nobody is told: OrdersDown fires, but severity none is for nobody" in said
    assert not judged.met("alert-proven")
