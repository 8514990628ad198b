"""Replays and the demonstration, as commands in processes of their own, on real components."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from interlock.testing.replay.run import replay
from interlock.testing.replay.scenario import load
from interlock.testing.replay.scene import Scene
from interlock.testing.stack.planned import INDEPENDENT

AMAZON = "amazon-2026-03-05"
INTERLOCK = [sys.executable, "-m", "interlock"]


def command(*words: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*INTERLOCK, *words],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=400,
    )


def running_with(folder: Path) -> list[str]:
    """Command lines of processes that have anything to do with a folder."""
    found = []
    for each in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = each.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(folder) in words:
            found.append(words)
    return found


@pytest.mark.soak
@pytest.mark.parametrize(
    ("proxy", "meter"),
    [("haproxy", "prometheus"), ("envoy", "scrape")],
)
def test_the_change_of_5_march_is_refused_and_where_it_is_not_it_is_stopped(tmp_path, proxy, meter):
    scenario = load(AMAZON)
    said: list[str] = []
    with Scene(tmp_path, proxy=proxy, meter=meter, rate=292, baseline=0, judge=INDEPENDENT) as scene:
        found = replay(scenario, scene, said.append)
    assert [check for check in found.checks if check.what != "within 8 s" and not check.met] == []
    assert found.ran.seconds is not None
    assert found.ran.seconds < 20
    assert (found.ran.stopped, found.ran.verified, found.ran.weight) == (True, True, 0)
    assert 0 < found.ran.lost <= found.ran.met < 100
    assert any("delivery.max_days is null" in finding for finding in found.road.findings)
    assert running_with(tmp_path) == []


def test_without_a_name_it_lists_and_an_unknown_one_is_one_line(tmp_path):
    listed = command("replay", cwd=tmp_path)
    assert (listed.returncode, listed.stderr) == (0, "")
    assert listed.stdout.startswith(AMAZON)
    assert json.loads(command("replay", "--json", cwd=tmp_path).stdout)["items"][0]["name"] == AMAZON
    unknown = command("replay", "titanic-1912", cwd=tmp_path)
    assert (unknown.returncode, unknown.stdout) == (2, "")
    assert unknown.stderr.splitlines()[0] == (
        f"error[replay-unknown]: expected a replay out of {AMAZON}, got `titanic-1912`"
    )


def test_a_missing_component_is_one_line_with_what_to_install(tmp_path):
    """Prometheus lies where PATH does not lead."""
    missing = command("replay", AMAZON, "--meter", "prometheus", cwd=tmp_path, PATH=str(tmp_path))
    assert (missing.returncode, missing.stdout) == (3, "")
    assert missing.stderr.splitlines() == [
        "error[component-missing]: expected prometheus to be installed, found none",
        "  hint: apt-get install prometheus",
    ]


def test_a_folder_with_something_in_it_is_refused(tmp_path):
    (tmp_path / "mine").write_text("")
    for words in (("demo",), ("replay", AMAZON)):
        refused = command(*words, "--keep", str(tmp_path), cwd=tmp_path)
        assert (refused.returncode, refused.stderr.partition(":")[0]) == (2, "error[demo-folder]")


@pytest.mark.soak
def test_the_replay_as_json_says_all_of_it(tmp_path):
    done = command("replay", AMAZON, "--json", cwd=tmp_path)
    told = json.loads(done.stdout)
    assert done.returncode == (0 if told["good"] else 1), done.stderr
    assert told["road"]["gate"] == "refused"
    assert told["rollout"]["weight"] == 0
    assert told["sources"]


@pytest.mark.soak
def test_the_demonstration_ends_with_what_happened_then_and_now(tmp_path):
    kept = tmp_path / "kept"
    done = command("demo", "--keep", str(kept), cwd=tmp_path)
    assert done.returncode == 0, done.stderr + done.stdout[-3_000:]
    table = done.stdout.partition("── The day on which")[2]
    for told in ("6.3 million", "full cutover", "disputed", "counted at the customers", "nobody: no notice"):
        assert told in table
    assert "digest is barred" in done.stdout
    assert (kept / "shop" / ".interlock" / "interlock.db").is_file()
    assert running_with(kept) == []


@pytest.mark.soak
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_nothing_is_left_when_somebody_interrupts_it(tmp_path, number):
    kept = tmp_path / "kept"
    command = [*INTERLOCK, "demo", "--keep", str(kept)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as running:
        assert running.stdout is not None
        for line in running.stdout:
            if "rollout watch" in line:
                break
        time.sleep(1)
        assert running_with(kept)
        running.send_signal(number)
        running.stdout.read()
        assert running.wait(timeout=60) not in {0, None}
    end = time.monotonic() + 10
    while running_with(kept) and time.monotonic() < end:
        time.sleep(0.2)
    assert running_with(kept) == []
