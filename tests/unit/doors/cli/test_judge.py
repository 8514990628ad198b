from __future__ import annotations

import io
import json
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
    assert run("good.jsonl", *KNOWN) == 0
    assert capsys.readouterr().out.startswith("PASS")


def test_a_wider_question_takes_longer(folder, capsys):
    assert run("good.jsonl", *KNOWN, "--margin", "0.1") == 3
    assert "a pass is to be expected in" in capsys.readouterr().out


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
    assert run("bad.jsonl", "--config", "judge.yaml") in {1, 3}
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


def test_where_no_pass_is_in_sight_it_says_what_can_be_done(folder, capsys):
    assert run("good.jsonl", "--config", "judge.yaml") == 3
    said = " ".join(capsys.readouterr().out.split())
    assert "too little is ruled out to pass, and no pass is in sight: count longer, or ask less: --margin" in said


def test_a_file_that_is_not_there_is_refused(folder, capsys):
    assert run("none.jsonl", *KNOWN) == 2
    assert "error[file-unreadable]" in capsys.readouterr().err


def test_a_recorded_answer_that_differs_is_refused_when_asked(folder, capsys):
    edited = json.loads((folder / "good.jsonl").read_text().splitlines()[0]) | {"verdict": "stop", "log_e": 9.0}
    (folder / "good.jsonl").write_text(json.dumps(edited) + "\n")
    assert run("good.jsonl", *KNOWN) == 3
    assert run("good.jsonl", *KNOWN, "--verify") == 2
    assert "good.jsonl:1: recorded verdict `stop`" in capsys.readouterr().err
