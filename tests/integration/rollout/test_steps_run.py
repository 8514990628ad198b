"""The programs of a rollout's steps: however much they say, and whatever they leave behind."""

from __future__ import annotations

import os
import stat
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from interlock.plugins.world.programs import SystemPrograms
from interlock.ports.programs import Ran


def run(folder: Path, *arguments: str, timeout: float = 10.0) -> Ran:
    return SystemPrograms(str(folder)).run(arguments, timeout=timeout, environment={"ROLLOUT_ID": "rol-1"})


def eventually(true: Callable[[], bool], seconds: float = 5.0) -> bool:
    until = time.monotonic() + seconds
    while not true() and time.monotonic() < until:
        time.sleep(0.02)
    return true()


def unlinked() -> int:
    """Bytes of files that this process alone still holds."""
    total = 0
    for each in Path("/proc/self/fd").iterdir():
        try:
            found = os.fstat(int(each.name))
        except OSError:
            continue
        total += found.st_size if stat.S_ISREG(found.st_mode) and not found.st_nlink else 0
    return total


def test_a_step_that_says_without_end_fills_no_disk(tmp_path: Path) -> None:
    most, over = [0], threading.Event()

    def look() -> None:
        while not over.wait(0.02):
            most.append(unlinked())

    looking = threading.Thread(target=look)
    looking.start()
    ran = run(tmp_path, "yes", "x" * 200, timeout=0.5)
    over.set()
    looking.join()
    assert (ran.code, set(ran.said)) == (None, {"x"})
    assert max(most) < 1 << 20


def test_the_last_line_of_much_is_kept(tmp_path: Path) -> None:
    ran = run(tmp_path, "sh", "-c", "head -c 3000000 /dev/zero | tr '\\0' x; echo; echo the end; echo; exit 3")
    assert (ran.code, ran.said) == (3, "the end")


def test_a_step_that_closes_what_it_says_to_is_waited_for(tmp_path: Path) -> None:
    ran = run(tmp_path, "sh", "-c", "echo said; exec >&- 2>&-; sleep 0.3; exit 4")
    assert (ran.code, ran.said) == (4, "said")
    assert run(tmp_path, "sh", "-c", "exec >&- 2>&-; sleep 60", timeout=0.3).code is None


def test_a_step_is_told_whose_it_is_and_not_our_own_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INTERLOCK_TOKEN", "s3cret")
    ran = run(tmp_path, "sh", "-c", 'echo "$ROLLOUT_ID $INTERLOCK_TOKEN $PWD"')
    assert ran.said == f"rol-1  {tmp_path}"


def test_what_does_not_start_says_why(tmp_path: Path) -> None:
    ran = run(tmp_path, "no-such-program")
    assert (ran.code, ran.told) == (None, "could not be started: no such file or directory")
    (tmp_path / "plain").write_text("no program")
    assert run(tmp_path, "./plain").told == "could not be started: permission denied"
    nowhere = run(tmp_path / "nowhere", "true").told
    assert nowhere == f"could not be started: no such file or directory (`{tmp_path / 'nowhere'}`)"


def test_what_is_missing_is_what_would_not_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Found by the same rules: a path below the steps' folder, a word by the search path."""
    (tmp_path / "bin").mkdir()
    for name, mode in (("bin/tool", 0o755), ("flush", 0o755), ("plain", 0o644)):
        (tmp_path / name).write_text("#!/bin/sh\nexit 0\n")
        (tmp_path / name).chmod(mode)
    monkeypatch.setenv("PATH", f"bin{os.pathsep}/usr/bin{os.pathsep}/bin")
    monkeypatch.chdir("/")
    programs = SystemPrograms(str(tmp_path))
    whole = str(tmp_path / "flush")
    there = {each: programs.missing(each) for each in ("./flush", "bin/tool", "tool", "true", whole)}
    assert there == dict.fromkeys(there, "")
    gone = {each: programs.missing(each) for each in ("flush", "./plain", "./bin", "/nope/flush", "bin/../tool")}
    assert gone == {
        "flush": "no such file in bin:/usr/bin:/bin",
        "./plain": "this user may not execute it",
        "./bin": "it is a folder",
        "/nope/flush": "there is no such file",
        "bin/../tool": "there is no such file",
    }
    assert {each: run(tmp_path, each).code for each in there} == dict.fromkeys(there, 0)
    assert {run(tmp_path, each).why for each in gone} == {"unstarted"}


@pytest.mark.parametrize("closes", ["", "exec >&- 2>&-; "])
def test_why_there_is_no_exit_code_is_told(tmp_path: Path, closes: str) -> None:
    """No exit code was always told as a timeout, also of a program that does not exist."""
    says = f"echo said; {closes}sleep 60"
    late = run(tmp_path, "sh", "-c", says, timeout=0.3)
    assert (late.code, late.told) == (None, "did not end in time: said")
    over = threading.Event()
    threading.Timer(0.3, over.set).start()
    ended = SystemPrograms(str(tmp_path)).run(("sh", "-c", says), timeout=60, environment={}, unwanted=over.is_set)
    assert (ended.code, ended.told) == (None, "was ended, since nobody wanted it any more: said")
    failed = run(tmp_path, "sh", "-c", "echo said; exit 3")
    assert failed.told == "ended with 3: said"


@pytest.mark.parametrize("end", ["exit 0", "sleep 60"])
def test_what_stays_in_the_steps_group_is_ended_with_it(tmp_path: Path, end: str) -> None:
    began = time.monotonic()
    run(tmp_path, "sh", "-c", f"sleep 60 & echo $! > child; {end}", timeout=1.0)
    child = int((tmp_path / "child").read_text())
    assert eventually(lambda: gone(child))
    assert time.monotonic() - began < 20


def test_a_daemon_outlives_its_step_and_holds_nobody_up(tmp_path: Path) -> None:
    """What takes a session of its own is no longer the step's: it lives on, as a service that was started must."""
    code = (
        "import os, time\n"
        "if os.fork() == 0:\n"
        "    os.setsid(); open('child', 'w').write(str(os.getpid())); time.sleep(60)\n"
        "while not os.path.exists('child') or not open('child').read(): time.sleep(0.01)\n"
        "print('up', flush=True)\n"
    )
    began = time.monotonic()
    ran = run(tmp_path, sys.executable, "-I", "-c", code)
    child = int((tmp_path / "child").read_text())
    assert (ran.code, ran.said) == (0, "up")
    assert time.monotonic() - began < 20
    assert not gone(child)
    os.kill(child, 9)


def gone(pid: int) -> bool:
    """Ended; a zombie that nobody has collected yet is."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


@pytest.mark.parametrize("says", ["sleep 62.5 & wait", "exec >&- 2>&-; sleep 62.5 & wait"], ids=["open", "closed"])
def test_a_step_that_nobody_wants_any_more_is_ended_with_its_group(tmp_path: Path, says: str) -> None:
    """Whether or not it still says something; the child must not write on while all is brought back."""
    unwanted = threading.Event()
    threading.Timer(0.3, unwanted.set).start()
    began = time.monotonic()
    ran = SystemPrograms(str(tmp_path)).run(
        ("sh", "-c", f"echo $$ > group; {says}"), timeout=60, environment={}, unwanted=unwanted.is_set
    )
    assert (ran.code, time.monotonic() - began < 20) == (None, True)
    group = int((tmp_path / "group").read_text())
    assert eventually(lambda: not alive(group))


def alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
