"""A program that outlived its runner is ended only where it is that very program."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from interlock.plugins.world.programs import SystemPrograms, born, end_left_over


@pytest.fixture
def sleeper():
    running = subprocess.Popen(["sleep", "600"], start_new_session=True)
    yield running
    running.kill()
    running.wait(30)


def test_it_is_ended_with_its_group(sleeper):
    assert end_left_over(sleeper.pid, born(sleeper.pid))
    assert sleeper.wait(30) < 0


@pytest.mark.parametrize("since", ["", "another-boot 1", "1"])
def test_another_process_with_that_id_is_let_be(sleeper, since):
    assert not end_left_over(sleeper.pid, since)
    assert sleeper.poll() is None


def test_where_it_is_gone_what_it_started_is_ended(tmp_path):
    """It went on after recovery had called the place clean."""
    command = ["sh", "-c", f"sleep 600 & echo $! > {tmp_path}/left; sleep 0.2"]
    leader = subprocess.Popen(command, start_new_session=True)
    since = born(leader.pid)
    leader.wait(30)
    left = int((tmp_path / "left").read_text())
    assert born(left)
    assert end_left_over(leader.pid, since)
    end = time.monotonic() + 30
    while alive(left) and time.monotonic() < end:
        time.sleep(0.01)
    assert not alive(left)


def test_where_it_is_gone_nobody_else_is_ended(sleeper):
    """A session that began before the program cannot be its own."""
    later = f"{born(sleeper.pid).partition(' ')[0]} {10**12}"
    assert not end_left_over(sleeper.pid, later)
    gone = subprocess.Popen(["true"], start_new_session=True)
    since = born(gone.pid)
    gone.wait(30)
    assert not end_left_over(gone.pid, since)
    assert sleeper.poll() is None


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


KILLED = """
import os, signal, sys
from interlock.plugins.world.programs import SystemPrograms
SystemPrograms(sys.argv[1], lambda pid: os.kill(os.getpid(), signal.SIGKILL)).run(
    ("touch", "begun"), timeout=60, environment={}
)
"""


def test_a_program_whose_start_was_not_written_down_never_begins(tmp_path):
    """Killed in between, its runner left a program that no journal named, and that went on after recovery."""
    done = subprocess.run([sys.executable, "-c", KILLED, tmp_path], check=False, timeout=60)
    assert done.returncode == -9
    end = time.monotonic() + 1.0
    while time.monotonic() < end:
        assert not (tmp_path / "begun").exists()
        time.sleep(0.05)


def test_a_program_that_is_written_down_begins_as_any_other(tmp_path):
    told = []
    programs = SystemPrograms(str(tmp_path), told.append)
    done = programs.output(("sh", "-c", "cat; echo $$; exit 3"), timeout=60, environment={})
    assert (done.ran.code, done.out.decode().split()) == (3, [str(told[0])])
    gone = programs.run(("no-such-program",), timeout=60, environment={})
    assert (gone.code, gone.why, len(told)) == (None, "unstarted", 1)


def test_a_program_whose_start_cannot_be_written_down_is_ended(tmp_path):
    started = []

    def unwritable(pid):
        started.append(pid)
        raise RuntimeError("the disk is full")

    with pytest.raises(RuntimeError):
        SystemPrograms(str(tmp_path), unwritable).run(("sleep", "600"), timeout=60, environment={})
    assert born(started[0]) == ""
