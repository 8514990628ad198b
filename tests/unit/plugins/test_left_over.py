"""A program that outlived its runner is ended only where it is that very program."""

from __future__ import annotations

import os
import subprocess
import sys
import time

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


def test_where_it_is_gone_nobody_else_is_ended(tmp_path):
    command = ["sh", "-c", f"sleep 600 & echo $! > {tmp_path}/left"]
    leader = subprocess.Popen(command, start_new_session=True)
    since = born(leader.pid)
    leader.wait(30)
    left = int((tmp_path / "left").read_text())
    assert not end_left_over(leader.pid, since)
    os.kill(left, 0)
    os.kill(left, 9)


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
