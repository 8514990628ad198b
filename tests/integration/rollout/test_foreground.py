"""Without a server the command itself is the worker: real versions behind a real proxy, and SQLite."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from interlock.plugins.routers.haproxy import HAProxyRouter
from interlock.testing.shop.founding import founded
from interlock.testing.shop.make import BASE
from interlock.testing.shop.terminal import Terminal
from interlock.testing.stack.deploy import Deployer, build, prepare
from interlock.testing.stack.planned import plan
from interlock.testing.stack.production import ARTEFACT, PLAN
from interlock.testing.stack.scaled import CONTROLS, HEALTHY, PERCENT, RATE, RUNNING, wanted
from interlock.testing.stack.stack import Stack

pytestmark = [pytest.mark.xdist_group("stack"), pytest.mark.soak]


@dataclass
class Alone:
    """The shop under load, its state in a file, and nobody who serves."""

    root: Path
    terminal: Terminal
    stack: Stack
    change: str
    ticket: Path

    def begin(self, *words: str) -> subprocess.Popen[str]:
        """``interlock …`` as somebody types it, who then looks at it."""
        return subprocess.Popen(
            [sys.executable, "-m", "interlock", *words],
            cwd=self.root,
            env={name: value for name, value in os.environ.items() if not name.startswith("INTERLOCK_")},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def show(self, rollout: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.terminal.run("rollout", "show", rollout, "--json", show=False))
        return found

    @property
    def served(self) -> float:
        """What the proxy says itself."""
        router = HAProxyRouter(self.stack.proxy.settings)
        try:
            return router.weight()
        finally:
            router.close()


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Alone]:
    stack = Stack(tmp_path, control=RUNNING, canary=HEALTHY, proxy="haproxy", controls=CONTROLS, rate=RATE)
    with stack:
        plans = {PLAN: plan(stack, wanted(tmp_path))}
        shop = founded(tmp_path / "shop", enforced=(), plans=plans, say=lambda _: None)
        terminal = Terminal(root=shop.root, say=lambda _: None)
        shop.small_change("one", "# a line more\n")
        stack.canary_version = build(shop.root, tmp_path / ARTEFACT)
        prepare(tmp_path, port=stack.canary.port, companion=os.getpid(), behaviour=HEALTHY)
        change = terminal.run("change", "open", "--title", "One line", "--base", BASE, show=False).split()[0]
        ticket = tmp_path / "ticket.json"
        terminal.run("gate", change, "--environment", "production", "--ticket-file", str(ticket), show=False)
        yield Alone(shop.root, terminal, stack, change, ticket)
        Deployer(tmp_path).down()


def nobody_is_told_to_judge_it(alone: Alone, rollout: str) -> None:
    """It said PASS, and that it goes on, over traffic that nobody judged any more."""
    end = time.monotonic() + 30.0
    while "nobody judges it" not in (listed := alone.terminal.run("rollout", "list", show=False)):
        assert time.monotonic() < end, listed
        time.sleep(1.0)
    text = alone.terminal.run("rollout", "show", rollout, show=False)
    assert f"interlock rollout run {rollout}" in text
    assert "interlock rollback order-service" in text


def test_interrupted_it_leaves_the_traffic_and_says_how_to_go_on_and_whoever_runs_it_next_ends_it(
    alone: Alone,
) -> None:
    first = alone.begin("rollout", "start", alone.change, "--ticket", str(alone.ticket))
    assert first.stdout is not None
    try:
        lines = [first.stdout.readline()]
        name = re.match(r"started (rol-\S+)  order-service → production", lines[0])
        assert name, lines
        while f", {PERCENT:.0f}" not in lines[-1] or "START" in lines[-1]:
            lines.append(first.stdout.readline())
            assert lines[-1], (lines, first.communicate(timeout=10))
        first.send_signal(signal.SIGINT)
        _, said = first.communicate(timeout=100)
    finally:
        if first.poll() is None:
            first.kill()
            first.communicate()
    rollout = name[1]
    assert first.returncode == 130, said
    assert re.fullmatch(
        rf"interrupted: order-service stays at {PERCENT:.0f}[0-9.]* %, and nobody judges it\n"
        rf"  go on: interlock rollout run {rollout}\n  go back: interlock rollback order-service\n",
        said,
    ), said
    time.sleep(1.0)
    assert alone.served == pytest.approx(PERCENT, abs=0.5)
    before = alone.show(rollout)["record"]
    assert (before["state"], before["phase"]) == ("running", "watch")
    nobody_is_told_to_judge_it(alone, rollout)

    second = alone.begin("rollout", "run", rollout)
    out, said = second.communicate(timeout=400)
    assert second.returncode == 0, (out, said)
    assert "\n DONE" in out
    assert f"interlock rollout verify {rollout}" in " ".join(out.split()[-12:])  # however it is wrapped
    shown = alone.show(rollout)
    weights = [float(each["target"]) for each in shown["effects"] if each["kind"] == "weight"]
    assert (shown["record"]["state"], weights, alone.served) == ("completed", [PERCENT, 100.0], 100.0)
    alone.terminal.run("rollout", "verify", rollout, show=False)
    alone.terminal.run("ledger", "verify", show=False)
