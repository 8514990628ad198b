"""A rollout that no worker has: what is asked of it says so, and whoever wants it back gets it back.

Nothing is simulated: real commands in a real checkout, a splitter that is a program, counts from a SQLite file.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from interlock.testing.shop.founding import founded
from interlock.testing.shop.make import BASE

PLAN_PATH = "rollouts/order-service.yaml"
PLAN = """\
service: order-service
environment: production
router: {{kind: command, set: ["{0}/set", "{{percent}}"], get: ["{0}/get"], exposure: ["{0}/exposure"]}}
meters:
  - kind: sql
    url: {{env: SHOP_DATABASE}}
    metrics:
      orders: {{query: "SELECT arm, count FROM sold"}}
baseline: 0
judge: {{metrics: {{orders: {{kind: good}}}}}}
stages: [{{percent: 5, bake: 20m, margin: 20%, limit: 1h}}]
rollback:
  - {{name: restore, kind: configuration, run: ["{0}/restore"], verify: ["{0}/restored"]}}
"""


@dataclass
class Place:
    """The shop, its splitter as a file, and nobody who serves."""

    root: Path
    tools: Path
    rollout: str

    def run(self, *words: str, exits: int = 0) -> subprocess.CompletedProcess[str]:
        """One command, both its streams."""
        done = subprocess.run(
            [sys.executable, "-m", "interlock", *words],
            cwd=self.root,
            env=environment(self.tools),
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert done.returncode == exits, (words, done.returncode, done.stdout, done.stderr)
        return done

    def show(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.run("rollout", "show", self.rollout, "--json").stdout)
        return found

    def voided(self) -> list[str]:
        """The tickets of which the ledger says that they are void."""
        told = json.loads(self.run("ledger", "log", "--json", "--limit", "50").stdout)["items"]
        return [one["subject"] for one in told if one["kind"] == "ticket.voided"]

    @property
    def weight(self) -> str:
        return (self.tools / "weight").read_text().strip()

    @property
    def restored(self) -> int:
        """How often the way back was run."""
        place = self.tools / "ran"
        return len(place.read_text().splitlines()) if place.exists() else 0


def environment(tools: Path) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("INTERLOCK_")}
    return {**inherited, "SHOP_DATABASE": f"sqlite:///{tools / 'shop.db'}", "COLUMNS": "120"}


def tools_in(folder: Path) -> Path:
    folder.mkdir(parents=True)
    programs = {
        "set": 'echo "$1" > weight',
        "get": 'printf \'{"percent": %s}\' "$(cat weight)"',
        "exposure": 'echo \'{"canary": 0, "control": 0, "since": "1"}\'',
        "restore": "echo ran >> ran; cp before now",
        "restored": "cmp -s before now",
    }
    for name, text in programs.items():
        place = folder / name
        place.write_text(f"#!/bin/sh\ncd {folder}\n{text}\n")
        place.chmod(place.stat().st_mode | stat.S_IXUSR)
    for name, text in (("weight", "0"), ("before", "7"), ("now", "null")):
        (folder / name).write_text(f"{text}\n")
    with sqlite3.connect(folder / "shop.db") as database:
        database.execute("CREATE TABLE sold (arm TEXT, count INTEGER)")
        database.execute("INSERT INTO sold VALUES ('canary', 0), ('control', 0)")
    database.close()
    return folder


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Place]:
    """A rollout that runs at 5 %, whose worker was killed; and a copy of it all, since its paths are in it."""
    folder = tmp_path_factory.mktemp("nobody") / "here"
    tools = tools_in(folder / "tools")
    plans = {PLAN_PATH: PLAN.format(tools).encode()}
    shop = founded(folder / "shop", enforced=(), plans=plans, say=lambda _: None)
    shop.small_change("one", "# a line more\n")
    made = Place(shop.root, tools, "")
    change = made.run("change", "open", "--title", "One line", "--base", BASE).stdout.split()[0]
    ticket = str(folder / "ticket.json")
    made.run("gate", change, "--environment", "production", "--ticket-file", ticket)
    started = made.run("rollout", "start", change, "--ticket", ticket, "--detach", "--json").stdout
    made = replace(made, rollout=json.loads(started)["id"])
    _killed_at_5_percent(made)
    shutil.copytree(folder, folder.with_name("saved"))
    return folder, made


def _killed_at_5_percent(made: Place) -> None:
    worker = subprocess.Popen(
        [sys.executable, "-m", "interlock", "rollout", "run", made.rollout, "--json"],
        cwd=made.root,
        env=environment(made.tools),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        end = time.monotonic() + 60
        while (seen := made.show()["record"])["phase"] != "watch":
            assert worker.poll() is None, worker.communicate(timeout=5)
            assert time.monotonic() < end, seen
    finally:
        worker.kill()
        worker.communicate(timeout=10)


@pytest.fixture
def place(begun: tuple[Path, Place]) -> Place:
    folder, made = begun
    shutil.rmtree(folder)
    shutil.copytree(folder.with_name("saved"), folder)
    return made


def test_abort_is_its_own_worker_where_there_is_none(place: Place) -> None:
    """It printed `returning  5 %`, left the traffic where it was, and ended with 0."""
    done = place.run("rollout", "abort", place.rollout, "--why", "orders look odd")
    assert done.stdout.split() == [place.rollout, "order-service", "returned", "0", "%"]
    assert (place.weight, place.restored) == ("0", 1)
    record = place.show()["record"]
    assert (record["state"], record["cause"], record["why"]) == ("returned", "abort", "orders look odd")
    assert record["ticket"] in place.voided()
    place.run("rollout", "verify", place.rollout)
    place.run("ledger", "verify")


@pytest.mark.soak
def test_after_a_restart_of_the_machine_it_is_blind_and_abort_brings_it_back(place: Place) -> None:
    """Its lease ended in the future of a clock that had begun anew: held for ever, it seemed, by nobody."""
    with sqlite3.connect(place.root / ".interlock/interlock.db") as state:
        state.execute("UPDATE lease SET owner = 'dead', until = 1000000000000000, due_at = NULL")
    state.close()
    assert "nobody judges it, since" in place.run("rollout", "list").stdout
    done = place.run("rollout", "abort", place.rollout)
    assert done.stdout.split()[2:] == ["returned", "0", "%"]
    assert (place.weight, place.restored) == ("0", 1)


@pytest.mark.soak
def test_who_interrupts_an_abort_is_told_that_it_is_not_over(place: Place) -> None:
    """It said that nothing half-done was left behind."""
    (place.tools / "restore").write_text("#!/bin/sh\nsleep 60\n")
    abort = subprocess.Popen(
        [sys.executable, "-m", "interlock", "rollout", "abort", place.rollout],
        cwd=place.root,
        env=environment(place.tools),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509  # one thread
    )
    try:
        end = time.monotonic() + 60
        while place.show()["record"]["phase"] != "undo":
            assert time.monotonic() < end
        abort.send_signal(signal.SIGINT)
        _, said = abort.communicate(timeout=60)
    finally:
        abort.kill()
        abort.communicate()
    assert abort.returncode == 130, said
    assert "order-service is still on its way back" in said
    assert "interlock rollback order-service" in said
    assert "nothing half-done" not in said
    # Whoever asks again at once is not taken for somebody who has a worker.
    (place.tools / "restore").write_text(f"#!/bin/sh\ncd {place.tools}\ncp before now\n")
    assert place.run("rollout", "abort", place.rollout).stdout.split()[2:] == ["returned", "0", "%"]


def test_what_is_asked_of_it_says_that_nobody_judges_it(place: Place) -> None:
    time.sleep(6.0)
    for words in (("pause",), ("resume",), ("extend", "--by", "30m")):
        done = place.run("rollout", words[0], place.rollout, *words[1:])
        assert "nobody judges it, since" in done.stderr, (words, done)
        assert f"interlock rollout run {place.rollout}" in done.stderr
        assert "interlock rollback order-service" in done.stderr
    assert "stage 1 may take 90 min in all, 90 min of it are left" in done.stdout
    assert "nobody judges it" in place.run("rollout", "list").stdout
    assert place.weight == "5"


def test_rollback_ends_the_rollout_on_record_too(place: Place) -> None:
    """The traffic was back; the record stood at `returning 5 %`, and its ticket was in use."""
    done = place.run("rollback", "order-service")
    assert "0 % read back" in done.stdout
    record = place.show()["record"]
    assert (record["state"], record["cause"], record["weight"]) == ("returned", "rollback", 0.0)
    assert (place.weight, (place.tools / "now").read_text()) == ("0", "7\n")
    assert f"{place.rollout} is returned" in done.stdout
    assert record["ticket"] in place.voided()
    place.run("rollout", "verify", place.rollout)
