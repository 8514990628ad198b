from __future__ import annotations

import io
import json
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from interlock.doors.cli.main import main

CONFIG = "metrics:\n  orders: {kind: good}\n  errors: {kind: bad}\nplanned_minutes: 60\n"


def lines(seed: int, ticks: int, orders: float = 1.0) -> str:
    chance, found = np.random.default_rng(seed), []
    for number in range(ticks):
        metrics = {
            name: {
                "kind": kind,
                "canary": int(chance.poisson(mean * times)),
                "control": chance.poisson(mean, 19).tolist(),
            }
            for name, kind, mean, times in (("orders", "good", 5.0, orders), ("errors", "bad", 0.5, 1.0))
        }
        found.append(json.dumps({"t": 5 * (number + 1), "share": 0.05, "metrics": metrics}))
    return "\n".join(found) + "\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "judge.yaml").write_text(CONFIG)
    (tmp_path / "history.jsonl").write_text(lines(1, 360))
    (tmp_path / "good.jsonl").write_text(lines(2, 60))
    (tmp_path / "bad.jsonl").write_text(lines(3, 60, orders=0.01))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as left:
        main(["judge", *arguments])
    return int(left.value.code or 0)


KNOWN = ("--config", "judge.yaml", "--history", "history.jsonl")


def test_lost_orders_are_a_stop_with_exit_1(folder, capsys):
    assert run("bad.jsonl", *KNOWN) == 1
    said = capsys.readouterr().out
    assert said.startswith("STOP  at 10 s: orders: 0 of about 10 expected, −100 % (at least −")
    assert "stops at 100 : 1" in said


def test_a_good_rollout_is_a_pass_with_exit_0(folder, capsys):
    """What is excluded is told as in the live view: it was "ratio 0.99" and "12 % fewer ruled out"."""
    assert run("good.jsonl", *KNOWN) == 0
    said = capsys.readouterr().out
    assert said.startswith("PASS")
    assert re.search(r"−[0-9]+ % ruled out", said)
    assert "ratio" not in said


def test_a_wider_question_takes_longer(folder, capsys):
    assert run("good.jsonl", *KNOWN, "--margin", "0.1") == 3
    assert re.search(r"a pass is expected in [0-9]+ h( [0-9]+ min)?\n", capsys.readouterr().out)


def test_without_history_it_is_not_decided_and_says_what_to_do(folder, capsys):
    assert run("good.jsonl", "--config", "judge.yaml") == 3
    assert "--history FILE" in capsys.readouterr().out


def test_json_tells_all_of_it_from_standard_input(folder, capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO((folder / "bad.jsonl").read_bytes())))
    assert run("-", *KNOWN, "--json") == 1
    said = json.loads(capsys.readouterr().out)
    assert said["verdict"] == "stop"
    assert said["metric"] == "orders"
    assert said["log_e"] >= said["stops_at"]
    assert said["settings"].startswith("sha256:")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"t": 400}', "bad.jsonl:61: expected `t`, `share` and `metrics`"),
        ("{", "bad.jsonl:61: expected a tick to fit"),
        ('{"t": 400, "share": 7, "metrics": {}}', ""),
    ],
)
def test_a_line_that_cannot_be_read_is_named(folder, capsys, line, said):
    (folder / "bad.jsonl").write_text(lines(3, 60) + line + "\n")
    assert run("bad.jsonl", *KNOWN) in {2, 3}
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("config", "code"),
    [("alpha: 2\n" + CONFIG, "judge-alpha"), ("metrics: [", "yaml-unreadable"), ("", "input-shape")],
)
def test_settings_that_cannot_be_used_are_refused(folder, capsys, config, code):
    (folder / "judge.yaml").write_text(config)
    assert run("good.jsonl", *KNOWN) == 2
    said = capsys.readouterr().err
    assert f"error[{code}]" in said
    assert "judge.yaml" in said


@pytest.mark.parametrize("written", ["60", "60s", "1m"])
def test_a_warm_up_is_written_as_in_a_plan(folder, capsys, written):
    """What a plan took as 30s its own judge refused offline."""
    latency = f"  slow: {{kind: bad, edges: [0.25], warm_up: {written}}}\n"
    (folder / "judge.yaml").write_text(CONFIG.replace("planned", f"{latency}planned"))
    assert run("bad.jsonl", "--config", "judge.yaml") == 2
    assert (
        "error[ticks-metric]: expected counts of `slow`" in capsys.readouterr().err
    )  # read, and not counted there
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("config", "says"),
    [
        (CONFIG.replace("metrics:", "metric:"), "expected `metrics` in `the file`, got `none` at `judge.yaml:1`"),
        (CONFIG.replace("{kind: good}", "{}"), "`metrics.orders.kind`: this key is missing at `judge.yaml:2`"),
        (CONFIG.replace("kind: bad", "kind: worse"), "at `judge.yaml:3`"),
        (CONFIG + "alpha: 2\n", "expected an alpha above 0, at most 0.2 at `alpha`, got `2.0` at `judge.yaml:5`"),
        (CONFIG.replace("{kind: bad}", "{kind: bad, edges: [1], warm_up: soon}"), "got `soon` at `judge.yaml:3`"),
    ],
)
def test_what_is_missing_in_the_settings_is_named_with_its_line(folder, capsys, config, says):
    (folder / "judge.yaml").write_text(config)
    assert run("good.jsonl", *KNOWN) == 2
    assert says in capsys.readouterr().err


def plain(capsys) -> str:
    return " ".join(capsys.readouterr().out.split())


def test_where_no_pass_is_in_sight_it_says_what_can_be_done(folder, capsys):
    (folder / "good.jsonl").write_text(lines(2, 1))
    assert run("good.jsonl", *KNOWN, "--margin", "0.01") == 3
    said = plain(capsys)
    assert "too little is ruled out to pass, and no pass is in sight: count longer, or ask less: --margin" in said


def test_where_a_metric_has_no_noise_nothing_is_advised_that_would_not_help(folder, capsys):
    """It said "count longer, or ask less: --margin" where neither could make a pass."""
    assert run("good.jsonl", "--config", "judge.yaml") == 3
    said = plain(capsys)
    assert "NOT ENOUGH DATA at 300 s: nothing passes where a metric has no φ" in said
    assert "for orders, errors: nothing passes, only a catastrophe stops; measure it with --history FILE" in said
    assert "--margin" not in said


def history(folder: Path, change) -> None:
    ticks = [json.loads(line) for line in lines(1, 360).splitlines()]
    for tick in ticks:
        change(tick)
    (folder / "history.jsonl").write_text("\n".join(map(json.dumps, ticks)) + "\n")


def of_one_number(tick) -> None:
    tick["metrics"]["errors"]["control"] = sum(tick["metrics"]["errors"]["control"])


def without_events(tick) -> None:
    tick["metrics"]["errors"]["control"] = [0] * 19


def absent(tick) -> None:
    del tick["metrics"]["errors"]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (of_one_number, "the history has its control as one number: give a list of canary-sized shards"),
        (without_events, "the history has too few events of it, or too few ticks: take an hour or more"),
        (absent, "the history does not count it"),
    ],
)
def test_why_the_history_that_was_given_measures_nothing(folder, capsys, change, why):
    """It advised to give the history that was given."""
    history(folder, change)
    assert run("good.jsonl", *KNOWN) == 3
    said = plain(capsys)
    assert f"for errors: nothing passes, only a catastrophe stops; {why}" in said
    assert "--history" not in said
    assert "--margin" not in said
    assert run("good.jsonl", *KNOWN, "--json") == 3
    told = json.loads(capsys.readouterr().out)
    assert told["unmeasured"]["errors"].startswith(why)
    assert told["metrics"]["orders"]["history"]


def test_a_history_needs_no_canary(folder, capsys):
    """The help said that there is none, and a line without `share` was refused."""

    def alone(tick) -> None:
        del tick["share"]
        for one in tick["metrics"].values():
            del one["canary"]

    assert run("good.jsonl", *KNOWN) == 0
    with_canary = plain(capsys)
    history(folder, alone)
    assert run("good.jsonl", *KNOWN) == 0
    assert plain(capsys) == with_canary


def test_a_bucket_without_a_canary_is_refused_unless_it_is_of_a_history(folder, capsys):
    slow = {"kind": "bad", "buckets": {"0.25": {"control": [3, 4]}}}
    line = json.dumps({"t": 5, "share": 0.05, "metrics": {"slow": slow}}) + "\n"
    (folder / "good.jsonl").write_text(line)
    assert run("good.jsonl", *KNOWN) == 2
    said = capsys.readouterr().err
    assert "expected `canary` and `control` at `metrics.slow.buckets.0.25`, got no `canary`" in said
    (folder / "good.jsonl").write_text(lines(2, 60))
    (folder / "history.jsonl").write_text(lines(1, 360) + line.replace('"t": 5', '"t": 9000'))
    assert run("good.jsonl", *KNOWN) == 0


def test_comparing_the_record_does_not_move_the_stop(folder, capsys):
    """It told of a STOP at 10 s as one at the file's last tick, with all of its ticks."""
    assert run("bad.jsonl", *KNOWN, "--json") == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["t"], found["compared"]) == (10, None)
    assert run("bad.jsonl", *KNOWN, "--json", "--verify") == 1
    assert json.loads(capsys.readouterr().out) == {**found, "compared": 0}


def test_what_was_recorded_behind_a_stop_is_compared_too(folder, capsys):
    ticks = [json.loads(line) for line in (folder / "bad.jsonl").read_text().splitlines()]
    ticks[40] |= {"verdict": "stop"}
    (folder / "bad.jsonl").write_text("\n".join(map(json.dumps, ticks)))
    assert run("bad.jsonl", *KNOWN, "--verify") == 1
    said = plain(capsys)
    assert "STOP at 10 s" in said
    assert "verified 1 tick compared with what was recorded, each the same to the last digit" in said
    ticks[40] |= {"verdict": "pass"}
    (folder / "bad.jsonl").write_text("\n".join(map(json.dumps, ticks)))
    assert run("bad.jsonl", *KNOWN, "--verify") == 2


def test_a_file_that_recorded_nothing_was_not_verified(folder, capsys):
    assert run("bad.jsonl", *KNOWN, "--verify") == 1
    said = plain(capsys)
    assert "verified nothing: no tick says what was found when it was recorded" in said
    assert run("bad.jsonl", *KNOWN) == 1
    assert "verified" not in plain(capsys)


def test_a_file_that_is_not_there_is_refused(folder, capsys):
    assert run("none.jsonl", *KNOWN) == 2
    assert "error[file-unreadable]" in capsys.readouterr().err


def test_a_recorded_answer_that_differs_is_refused_when_asked(folder, capsys):
    edited = json.loads((folder / "good.jsonl").read_text().splitlines()[0]) | {"verdict": "stop", "log_e": 9.0}
    (folder / "good.jsonl").write_text(json.dumps(edited) + "\n")
    assert run("good.jsonl", *KNOWN) == 3
    assert run("good.jsonl", *KNOWN, "--verify") == 2
    assert "good.jsonl:1: recorded verdict `stop`" in capsys.readouterr().err


def drawn(part, chance):
    """The same line with other counts, the canary as good as its control."""
    if "control" in part:
        mean = np.mean(part["control"])
        shards = np.shape(part["control"])
        return part | {"canary": int(chance.poisson(mean)), "control": chance.poisson(mean, shards).tolist()}
    return {name: drawn(one, chance) if isinstance(one, dict) else one for name, one in part.items()}


def test_the_line_of_the_page_can_be_judged_and_measured(folder, capsys):
    """Its errors had one control: measured on an hour of such lines they had no φ, and nothing ever passed."""
    page = (Path(__file__).parents[4] / "docs/how-to/judge.md").read_text()
    blocks = dict(re.findall(r"```(json|yaml)\n(.*?)```", page, flags=re.DOTALL))
    line, chance = json.loads(blocks["json"]), np.random.default_rng(5)
    (folder / "judge.yaml").write_text(blocks["yaml"])
    for name, ticks in (("history.jsonl", 720), ("good.jsonl", 400)):
        each = (
            line | {"t": 5 * (number + 1), "metrics": drawn(line["metrics"], chance)} for number in range(ticks)
        )
        (folder / name).write_text("\n".join(map(json.dumps, each)))
    assert run("good.jsonl", *KNOWN, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["verdict"], told["unmeasured"]) == ("pass", {})


def test_a_metric_that_no_tick_counts_is_refused(folder, capsys):
    """It ended as not decided, because nothing counted."""
    (folder / "judge.yaml").write_text(CONFIG.replace("errors", "returns"))
    (folder / "few.jsonl").write_text(
        "\n".join(json.dumps({**one, "metrics": {"orders": one["metrics"]["orders"]}}) for one in ticks(folder))
    )
    assert run("few.jsonl", "--config", "judge.yaml") == 2
    assert "expected counts of `returns` in `few.jsonl`, got none in any tick" in capsys.readouterr().err


def test_an_edge_that_the_settings_do_not_have_is_refused_with_its_line(folder, capsys):
    (folder / "judge.yaml").write_text("metrics:\n  slow: {kind: bad, edges: [0.25]}\n")
    arms = {"canary": 1, "control": [1, 2]}
    line = {"t": 5, "share": 0.3, "metrics": {"slow": {"kind": "bad", "buckets": {"0.52": arms}}}}
    (folder / "slow.jsonl").write_text(json.dumps(line))
    assert run("slow.jsonl", "--config", "judge.yaml") == 2
    said = capsys.readouterr().err
    assert "slow.jsonl:1: expected buckets of `slow` at 0.25, got one at `0.52`" in said


@pytest.mark.parametrize("declared", ["", '{"expect_share": 0.5}\n'])
def test_counts_that_contradict_their_share_are_not_believed(folder, capsys, declared):
    """They passed: by one share they were judged, by another declared, and the router assigned by that."""
    found = [{**one, "assigned": {"canary": 200, "control": 200}} for one in ticks(folder)]
    (folder / "halves.jsonl").write_text(declared + "\n".join(json.dumps(one) for one in found))
    assert run("halves.jsonl", *KNOWN) == 3
    said = " ".join(capsys.readouterr().out.split())
    assert said.startswith("UNTRUSTED")
    assert (
        "say that 5 % of the requests were the canary's, of those that were assigned 4,000 of 8,000 were" in said
    )


def test_a_history_of_other_edges_is_refused_with_its_line(folder, capsys):
    (folder / "judge.yaml").write_text("metrics:\n  slow: {kind: bad, edges: [0.25]}\n")
    for name, edge in (("counts", "0.25"), ("past", "0.250")):
        arms = {"canary": 1, "control": [1, 2]}
        line = {"t": 5, "share": 0.3, "metrics": {"slow": {"kind": "bad", "buckets": {edge: arms}}}}
        (folder / f"{name}.jsonl").write_text(json.dumps(line))
    assert run("counts.jsonl", "--config", "judge.yaml", "--history", "past.jsonl") == 2
    assert "past.jsonl:1: expected buckets of `slow` at 0.25, got one at `0.250`" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "exits"), [("50%", 0), ("0.5", 0), ("50 %", 0), ("soon", 2), ("0%", 2), ("150%", 2), ("5_0%", 2)]
)
def test_a_margin_may_be_written_as_in_a_plan(folder, capsys, given, exits):
    assert run("good.jsonl", *KNOWN, "--margin", given) == exits
    if exits:
        assert "argin" in capsys.readouterr().err


def test_a_whole_plan_will_do_for_its_section(folder, capsys):
    plan = "service: shop\nenvironment: production\nrouter: {kind: envoy}\n"
    plan += "meters: [{kind: push, metrics: {orders: {}, errors: {}}}]\njudge:\n"
    plan += "".join(f"  {line}\n" for line in CONFIG.splitlines())
    (folder / "plan.yaml").write_text(plan)
    assert run("good.jsonl", "--config", "plan.yaml", "--history", "history.jsonl") == 0
    (folder / "plan.yaml").write_text(plan.replace("kind: bad", "kind: ugly"))
    assert run("good.jsonl", "--config", "plan.yaml") == 2
    assert "plan.yaml:8" in capsys.readouterr().err


def ticks(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "good.jsonl").read_text().splitlines()]
