"""A folder of our own is gone with whoever made it, at once or some day."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from interlock.plugins.world.own_folder import LEFT_SECONDS, OwnFolder

DIES = """
import os, signal
from interlock.plugins.world.own_folder import OwnFolder
made = OwnFolder("ours-")
(made.path / "kept").mkdir()
(made.path / "kept").chmod(0)
print(made.path, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def old(folder):
    os.utime(folder, (time.time() - LEFT_SECONDS - 60,) * 2)


def test_it_goes_with_its_end_whatever_was_made_of_it(place):
    with OwnFolder("ours-") as own:
        (own.path / "a").mkdir()
        (own.path / "a" / "b").write_text("")
        (own.path / "a").chmod(0)
    own.close()
    assert not [*place.iterdir()]


def test_what_a_killed_process_left_is_removed_by_a_later_one(place):
    done = subprocess.run(
        [sys.executable, "-c", DIES], capture_output=True, text=True, check=False, env={"TMPDIR": str(place)}
    )
    (left,) = place.iterdir()
    assert (done.returncode, done.stdout.strip()) == (-9, str(left))
    with OwnFolder("ours-"):
        assert left.exists(), "it may be so new that it is not locked yet"
    old(left)
    with OwnFolder("theirs-"):
        assert left.exists(), "of another kind"
    with OwnFolder("ours-"):
        assert not left.exists()


def test_what_runs_still_or_is_no_folder_is_let_be(place):
    (place / "ours-file").write_text("")
    old(place / "ours-file")
    elsewhere = place / "elsewhere"
    elsewhere.mkdir()
    (place / "ours-link").symlink_to(elsewhere)
    with OwnFolder("ours-") as first:
        old(first.path)
        with OwnFolder("ours-"):
            assert first.path.exists()
    assert {each.name for each in place.iterdir()} == {"ours-file", "ours-link", "elsewhere"}
