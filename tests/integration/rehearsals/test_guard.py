"""A throw-away PostgreSQL goes with the process that started it, however that one dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from interlock.plugins.world.postgresql import _guarded
from interlock.plugins.world.programs import born

DIES = """
import os, signal
from interlock.plugins.world.postgresql import PostgreSQL
with PostgreSQL() as server:
    print(server.pid, server.url.partition("host=")[2], flush=True)
    os.killpg(0, signal.SIGKILL)
"""


def gone(pid, folder):
    end = time.monotonic() + 60
    while (born(pid) or folder.exists()) and time.monotonic() < end:
        time.sleep(0.05)
    return not born(pid) and not folder.exists()


def test_it_goes_with_a_process_whose_whole_group_was_killed():
    command = [sys.executable, "-c", DIES]
    died = subprocess.run(command, stdout=subprocess.PIPE, text=True, start_new_session=True, check=False)
    pid, folder = died.stdout.split()
    assert died.returncode == -9
    assert gone(int(pid), Path(folder))


def test_a_process_that_took_the_servers_number_is_left_alone(tmp_path):
    folder = tmp_path / "server"
    (folder / "data").mkdir(parents=True)
    with subprocess.Popen(["sleep", "300"]) as other:
        (folder / "data" / "postmaster.pid").write_text(f"{other.pid}\n")
        _guarded(folder).communicate(timeout=60)
        assert not folder.exists()
        assert other.poll() is None
        other.kill()


ASKED = """
import sys, time
import psycopg
from interlock.plugins.world.postgresql import PostgreSQL
with PostgreSQL() as server:
    print(server.pid, server.url.partition("host=")[2], flush=True)
    try:
        time.sleep(60)
    except KeyboardInterrupt:
        with psycopg.connect(server.url) as connection:
            print(connection.execute("SELECT 6 * 7").fetchone()[0], flush=True)
"""


def test_a_keystroke_that_reaches_the_whole_group_leaves_the_server_to_who_started_it():
    """Ctrl-C goes to everything in a terminal's foreground: the server died before anybody could look."""
    command = [sys.executable, "-c", ASKED]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as asked:
        pid, folder = asked.stdout.readline().split()
        os.killpg(asked.pid, signal.SIGINT)
        assert asked.stdout.readline() == "42\n"
        assert asked.wait(60) == 0
    assert gone(int(pid), Path(folder))
