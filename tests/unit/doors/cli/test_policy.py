"""``interlock policy`` and ``interlock reset`` on a working tree: what they print and how they end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from interlock.doors.cli.main import main


def run(*arguments: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as left:
        main(list(arguments))
    said = capsys.readouterr()
    return int(left.value.code or 0), said.out, said.err


def add(tree: Path, path: str, text: str) -> None:
    place = tree / "policies" / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text)


DOUBTFUL = """
@id("mine") @outcome("deny") @reason("r") @remedy("m")
forbid(principal, action, resource) when { context.tier == 7 };
"""


def test_check_lists_every_rule_and_has_no_doubt(tree, capsys) -> None:
    code, out, _ = run("policy", "check", capsys=capsys)
    assert code == 0
    assert out.startswith("38 rules, no doubts · 7 enforced, 31 observed")
    assert "told above" not in out
    assert "base/approvals.cedar:3" in out


def test_check_names_file_and_line_of_a_doubt(tree, capsys) -> None:
    add(tree, "base/mine.cedar", DOUBTFUL)
    code, out, _ = run("policy", "check", capsys=capsys)
    assert code == 1
    assert "base/mine.cedar:2: mine: never fires: tier == 7" in out
    assert out.splitlines()[-1] == "✗ 1 doubt, told above: base/mine.cedar:2"


def test_check_of_a_broken_policy_is_an_input_error(tree, capsys) -> None:
    add(tree, "base/mine.cedar", "forbid(principal, action;\n")
    code, _, err = run("policy", "check", capsys=capsys)
    assert code == 2
    assert "base/mine.cedar:1: " in err
    assert "hint: " in err


def test_test_runs_every_pair(tree, capsys) -> None:
    code, out, _ = run("policy", "test", "--json", capsys=capsys)
    told = json.loads(out)
    assert code == 0
    assert len(told["cases"]) == 123
    assert told["untested"] == []


def test_test_fails_when_a_rule_no_longer_refuses(tree, capsys) -> None:
    path = tree / "policies" / "base" / "approvals.cedar"
    path.write_text(
        path.read_text().replace("context.approvals < context.approvals_required", "context.approvals < 1")
    )
    code, out, _ = run("policy", "test", capsys=capsys)
    assert code == 1
    assert "✗ tier1-two-approvals: one person who did not write it" in out
    assert "expected `tier1-two-approvals` to refuse it, got no refusal" in out


def test_test_of_a_rule_without_cases_is_no_success(tree, capsys) -> None:
    code, out, _ = run("policy", "test", "--rule", "no-such-rule", capsys=capsys)
    assert code == 1
    assert "0 of 0 cases held" in out


def test_explain_shows_a_rule(tree, capsys) -> None:
    code, out, _ = run("policy", "explain", "tier1-presence", capsys=capsys)
    assert code == 0
    assert out.startswith("tier1-presence · needs · observe")
    assert "approvals_verified" in out


def test_explain_decides_from_facts(tree, capsys) -> None:
    golden = Path(__file__).parents[3] / "golden" / "policy" / "nothing-shown.json"
    (tree / "facts.json").write_text(json.dumps(json.loads(golden.read_text())["facts"]))
    code, out, _ = run("policy", "explain", "facts.json", capsys=capsys)
    assert code == 0
    assert "✗ tier1-two-approvals" in out
    assert "because production=true, tier=1" in out
    assert "· scanned" in out


@pytest.mark.parametrize(
    ("subject", "content", "code"),
    [
        ("facts.json", "{", "facts-shape"),
        ("facts.json", "[" * 100_000, "facts-shape"),
        ("facts.json", '{"teir": 1}', "fact-unknown"),
        ("missing.json", None, "file-unreadable"),
        ("tier1-presense", None, "rule-unknown"),
    ],
)
def test_explain_refuses_in_one_line(tree, capsys, subject, content, code) -> None:
    if content is not None:
        (tree / subject).write_text(content)
    left, out, err = run("policy", "explain", subject, capsys=capsys)
    assert (left, out) == (2, "")
    assert f"error[{code}]" in err
    assert len(err.strip().splitlines()) == 2


def test_reset_start_writes_a_layer_that_loads_and_status_counts_its_days(tree, capsys) -> None:
    code, out, _ = run("reset", "start", "--days", "90", "--tier", "1", capsys=capsys)
    assert code == 0
    assert "a change of the rules" in out
    (layer,) = (tree / "policies" / "layers").iterdir()
    code, out, _ = run("reset", "status", "--json", capsys=capsys)
    (told,) = json.loads(out)
    assert (told["layer"], told["state"], told["day"], told["days"]) == (layer.stem, "holds", 1, 90)
    assert run("reset", "start", capsys=capsys)[0] == 2


def test_reset_dry_run_writes_nothing(tree, capsys) -> None:
    code, out, _ = run("reset", "start", "--dry-run", "--from", "2026-03-09", capsys=capsys)
    assert code == 0
    assert '@active_from("2026-03-09")' in out
    assert not (tree / "policies" / "layers").exists()


def test_reset_refuses_what_is_no_day(tree, capsys) -> None:
    code, _, err = run("reset", "start", "--from", "monday", capsys=capsys)
    assert code == 2
    assert "error[reset-day]" in err


PLAN = """\
service: harbour
environment: production
router: {kind: envoy, admin: 127.0.0.1:9901, prefix: routing.shop, canary: v2, control: v1}
meters:
  - {kind: scrap, metrics: {orders: {series: orders_total}}}
judge: {metrics: {orders: {kind: good}}}
"""
HARBOUR = """\
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: harbour}
spec: {type: service, lifecycle: production, owner: group:crew}
---
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {name: crew}
spec: {type: team, children: []}
"""


def planned(tree: Path, text: str) -> None:
    (tree / "catalog-info.yaml").write_text(HARBOUR)
    (tree / "rollouts").mkdir()
    (tree / "rollouts" / "harbour.yaml").write_text(text)


def test_check_lists_plans_and_names_what_they_need_that_is_not_installed(tree, capsys, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    planned(tree, PLAN)
    code, out, _ = run("policy", "check", capsys=capsys)
    assert code == 1
    assert "✗ expected a known meter (did you mean `scrape`?), got `scrap` at `rollouts/harbour.yaml:5`" in out
    told = "plan     harbour in production: ✗ 1 doubt, cannot start · 6 stages, 1, 5, 25, 50, 95, 100 %, "
    assert told in out
    assert out.splitlines()[-1] == "✗ 1 doubt, told above: rollouts/harbour.yaml:5"
    code, out, _ = run("policy", "check", "--json", capsys=capsys)
    told = json.loads(out)
    assert (told["plans"][0]["service"], told["plan_doubts"][0]["code"]) == ("harbour", "plugin-unknown")


STEPS = "promote: [{name: swap, run: [./swap.sh], verify: [./swapped.sh]}]\n"


@pytest.mark.parametrize(
    ("last", "steps", "says"),
    [
        (90, "", "2 stages, 5, 90 %, 10 % stay with the version before ·"),
        (90, STEPS, "2 stages, 5, 90 %, then `promote` ·"),
        (100, STEPS, "2 stages, 5, 100 % · rollouts/harbour.yaml"),
        (100, "", "100 %, no `promote`: it stays at the canary, and the next is refused · rollouts/"),
    ],
)
def test_check_says_where_the_last_stage_leads(tree, capsys, monkeypatch, last, steps, says) -> None:
    """A plan that ends at 90 %, or at 100 % and works once only, was taken without a word."""
    monkeypatch.setenv("COLUMNS", "200")
    planned(tree, PLAN + f"stages: [{{percent: 5}}, {{percent: {last}}}]\n" + steps)
    _, out, _ = run("policy", "check", capsys=capsys)
    assert says in " ".join(out.split())


PROMETHEUS = """\
service: harbour
environment: production
router: {kind: haproxy, socket: /run/haproxy.sock, backend: shop, canary: new}
meters:
  - kind: prometheus
    url: http://prometheus:9090
    canary: {version: "2"}
    control: {version: "1"}
    metrics: {orders: {query: orders_total}}
judge: {metrics: {orders: {kind: good}}}
"""


@pytest.mark.parametrize(
    ("more", "expected", "line"),
    [
        ("", "a `tick` of at least the 15 s in which `prometheus` counts anew, got `1s`", 5),
        ("tick: 2s\n", "a `tick` of at least the 15 s in which `prometheus` counts anew, got `2s`", 11),
        ("tick: 15s\n", "", 0),
    ],
)
def test_check_refuses_a_tick_in_which_nothing_is_counted_anew(tree, capsys, more, expected, line) -> None:
    """Two of three ticks had no sample: nothing ever counted, and the rollout was distrusted for ever."""
    planned(tree, PROMETHEUS + more)
    code, out, _ = run("policy", "check", "--json", capsys=capsys)
    doubts = json.loads(out)["plan_doubts"]
    if not expected:
        assert (code, doubts) == (0, [])
        return
    assert code == 1
    [doubt] = doubts
    assert (doubt["code"], expected in doubt["message"]) == ("tick-too-short", True), doubt
    assert f"`rollouts/harbour.yaml:{line}`" in doubt["message"]
    assert "tick: 15s" in doubt["hint"]


def test_check_names_the_line_of_a_setting_that_a_plug_in_does_not_take(tree, capsys) -> None:
    """It was found only when a rollout was to start."""
    planned(tree, PROMETHEUS.replace("socket:", "soket:") + "tick: 15s\nnotify: [{kind: apprise, on: [stoped]}]\n")
    code, out, _ = run("policy", "check", "--json", capsys=capsys)
    assert code == 1
    told = {doubt["code"]: doubt["message"] for doubt in json.loads(out)["plan_doubts"]}
    assert set(told) == {"input-shape", "notify-on"}, told
    assert "`rollouts/harbour.yaml:3`" in told["input-shape"]
    assert "`rollouts/harbour.yaml:12`" in told["notify-on"]


def test_check_of_a_broken_plan_is_an_input_error_with_its_line(tree, capsys) -> None:
    planned(tree, PLAN.replace("scrap,", "scrape,") + "stages: [{percent: 5}, {percent: 1}]\n")
    code, out, _ = run("policy", "check", capsys=capsys)
    assert code == 2
    assert "✗ expected a stage above 5 %, got `1 %` at `rollouts/harbour.yaml:7`\n  stages rise" in out


def test_check_tells_all_that_is_wrong_errors_first_and_the_rules_all_the_same(tree, capsys, monkeypatch) -> None:
    """One error of a plan was told a run, and hid every other finding."""
    monkeypatch.setenv("COLUMNS", "60")
    add(tree, "base/mine.cedar", DOUBTFUL)
    broken = PLAN.replace("production", "prodution").replace("scrap,", "scrape,")
    planned(tree, broken.replace("kind: good", "kind: fine") + "tick: 0\nstages: [{percent: 0}, {bake: soon}]\n")
    (tree / "rollouts" / "second.yaml").write_text(PLAN)
    code, out, _ = run("policy", "check", capsys=capsys)
    assert code == 2
    doubts = [line for line in out.splitlines() if line.startswith("✗")]
    assert [line.rpartition("rollouts/")[2] for line in doubts[:8]] == [
        f"{place}`"
        for place in (
            "harbour.yaml:2",
            "harbour.yaml:5",
            "harbour.yaml:6",
            "harbour.yaml:7",
            "harbour.yaml:8",
            "harbour.yaml:8",
            "harbour.yaml:8",
            "second.yaml:5",
        )
    ]
    assert doubts[8].startswith("✗ base/mine.cedar:2: mine: never fires: tier == 7")
    assert "39 rules, 9 doubts · " in out
    assert "plan     harbour in production" in out
    assert out.splitlines()[-3:] == [
        "✗ 9 doubts, told above: base/mine.cedar:2,",
        "  rollouts/harbour.yaml:2, rollouts/harbour.yaml:5,",
        "  rollouts/harbour.yaml:6 and 5 more",
    ]


def test_a_policy_that_cannot_be_read_hides_no_finding_of_a_plan(tree, capsys) -> None:
    add(tree, "base/mine.cedar", "forbid(principal, action;\n")
    planned(tree, PLAN)
    code, out, err = run("policy", "check", capsys=capsys)
    assert code == 2
    assert "got `scrap` at `rollouts/harbour.yaml:5`" in out
    assert "base/mine.cedar:1: " in err


def test_a_misspelt_setting_of_a_router_is_told_at_its_own_line(tree, capsys) -> None:
    """It was told as a missing key at the line of the whole section, and nothing said which ones there are."""
    spelt = PROMETHEUS.replace(
        "router: {kind: haproxy, socket: /run/haproxy.sock, backend: shop, canary: new}",
        "router:\n  kind: haproxy\n  backend: shop\n  sock: /run/haproxy.sock",
    )
    planned(tree, spelt + "tick: 15s\n")
    _, out, _ = run("policy", "check", "--json", capsys=capsys)
    [doubt] = json.loads(out)["plan_doubts"]
    assert "`sock`: there is no such key (did you mean `socket`?); at `canary`: this key is" in doubt["message"]
    assert doubt["message"].endswith("at `rollouts/harbour.yaml:6`"), doubt
    assert doubt["hint"] == "known: socket, backend, canary, retries, smallest"
