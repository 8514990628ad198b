"""Ctrl-C typed on a real terminal reaches every process of its foreground group: the rehearsal still goes back."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import time
from dataclasses import dataclass

import pytest

HEAD = "service: order-service\nenvironment: staging\n"
DRIVER = "driver: {kind: postgres-migration, tool: sql, folder: migrations, rows: 100}\n"
SET = """\
members:
  - name: configuration
    driver: {kind: command}
    apply: [{name: copy, run: [cp, config/delivery.yaml, ../staging/], verify: ["true"]}]
    rollback:
      - name: copy
        run: [sh, -c, "git show ${ROLLOUT_BASE:?}:config/delivery.yaml > ../staging/delivery.yaml"]
        verify: ["true"]
    probes: [delivery]
  - name: schema
    driver: {kind: postgres-migration, tool: sql, folder: migrations, rows: 100}
probes:
  - {name: delivery, kind: run, run: [cat, ../staging/delivery.yaml]}
"""
BASE = "CREATE TABLE orders (id bigserial PRIMARY KEY, note text);"
SLOW = "SELECT pg_sleep(300) WHERE current_database() = 'work';"
BEGUN = "probing what is there before"


@dataclass(frozen=True)
class Ended:
    """How the command ended, and everything on its terminal."""

    code: int
    said: str


@pytest.fixture
def shop(governed, terminal, monkeypatch):
    """``shop(plan, up)``: a change that adds that migration, staging beside it; the folder with the key."""

    def made(plan, up=SLOW):
        files = {"rehearsals/order-service.yaml": (HEAD + plan).encode()}
        place = governed(files | {"migrations/0001_shop.up.sql": BASE.encode()})
        (place / "staging").mkdir()
        before = subprocess.check_output(["git", "show", "main:config/delivery.yaml"], timeout=30)
        (place / "staging" / "delivery.yaml").write_bytes(before)
        for way, text in (("up", up), ("down", "SELECT 1;")):
            (place / "shop" / "migrations" / f"0002_slow.{way}.sql").write_text(text)
        for words in (("add", "migrations"), ("commit", "--quiet", "--message", "Slow")):
            subprocess.run(["git", *words], check=True, timeout=30)
        opened = terminal.ok("change", "open", "--base", "main", "--json").json["id"]
        monkeypatch.setenv("INTERLOCK_CHANGE", opened)
        return place

    return made


def typed(folder, until, *, wait=0.0):
    """The rehearsal in the foreground of a terminal of its own, with Ctrl-C typed ``wait`` s after it says so."""
    pid, screen = pty.fork()
    if pid == 0:
        os.chdir(folder)
        words = [sys.executable, "-m", "interlock", "evidence", "run", "rehearsal", "--key", "../runner.pem"]
        os.execv(sys.executable, words)  # no shell between the terminal and the command
    said, end, at = b"", time.monotonic() + 90, 0.0
    while time.monotonic() < end:
        if not at and until in said.decode(errors="replace"):
            at = time.monotonic() + wait
        if at and time.monotonic() >= at:
            os.write(screen, b"\x03")
            at = float("inf")
        if select.select([screen], [], [], 0.05)[0]:
            try:
                more = os.read(screen, 65536)
            except OSError:
                break
            if not more:
                break
            said += more
    os.close(screen)
    _, status = os.waitpid(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", said.decode(errors="replace").replace("\r\n", "\n"))
    # As a shell sees it: Python ends itself by the signal where that came while a module made its classes.
    return Ended(code if code >= 0 else 128 - code, plain)


def test_a_set_with_a_database_goes_back_and_is_cancelled_on_record(shop, terminal):
    """The server in the terminal's foreground group died with the keystroke, and interlock with it."""
    place = shop(SET)
    before = (place / "staging" / "delivery.yaml").read_bytes()
    done = typed(place / "shop", "there: configuration: copy done", wait=1.0)
    assert done.code == 130, done.said
    said = " ".join(done.said.split())
    assert "stopped rolled back: every probe sees in staging what it saw before" in said
    for wrong in ("Traceback", "error[", "AdminShutdown", "doubt"):
        assert wrong not in done.said
    assert (place / "staging" / "delivery.yaml").read_bytes() == before
    assert "cancelled" in terminal("change", "show").out
    assert terminal("evidence", "recover").out.startswith("nothing is half-way")


def test_a_database_of_its_own_has_nothing_to_bring_back(shop, terminal):
    place = shop(DRIVER)
    done = typed(place / "shop", BEGUN, wait=1.5)
    assert done.code == 130, done.said
    own = "it took place in a place of its own, which is gone"
    assert f"stopped nothing was touched in staging: {own}" in " ".join(done.said.split())
    assert "Traceback" not in done.said
    assert terminal("evidence", "recover").out.startswith("nothing is half-way")


@pytest.mark.parametrize("wait", [0.0, 0.6, 1.2])
def test_before_anything_was_applied_it_is_cancelled_too(shop, terminal, wait):
    """It stayed `running` on record, and the next rehearsal found something left half-way."""
    place = shop(SET)
    done = typed(place / "shop", "making ready", wait=wait)
    assert done.code == 130, done.said
    assert "stopped  nothing was touched in staging" in done.said
    assert "Traceback" not in done.said
    shown = terminal("change", "show").out
    assert "cancelled" in shown
    assert "running" not in shown
    assert terminal("evidence", "recover").out.startswith("nothing is half-way")
