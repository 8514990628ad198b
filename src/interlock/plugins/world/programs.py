"""Programs of a rollout's steps: run with their arguments, ended with their group when their time is over.

Rules:
1. Nothing goes through a shell. The environment is this process's, without interlock's own settings (a step that
   asks interlock for something says by itself where), and what the rollout adds.
2. Of what a program says the last line is kept, at most 300 characters; the rest is read and dropped as it comes,
   so that no step hangs on a full pipe and none fills a disk.
3. A step has a process group of its own. When it ends, when its time is over, and when nobody wants it any more,
   the whole group is ended. What took a session of its own (a daemon) is not in the group and lives on: it must
   have an output of its own too, since nobody reads the step's any more.
"""

from __future__ import annotations

import errno
import os
import selectors
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from contextlib import suppress
from pathlib import Path
from typing import IO

from interlock.core.rollout.passed_on import lacks
from interlock.ports.programs import MOST_OUTPUT, NoCode, Output, Ran, wanted

Sink = int | IO[bytes]
"""Where a program's words go."""

NEEDED = frozenset({"PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "SYSTEMROOT"})
"""The variables that every program needs, for those that are to get no others."""
_MOST = 64 * 1024
_SAID = 300
_PATIENCE = 5.0
_LOOK = 0.05
_LAST_READS = 64
_HELD = ("/bin/sh", "-c", 'read -r go && exec "$@" </dev/null', "sh")
"""Waits for a word before it becomes the program that follows, under the same process id."""
"""After the end only what is in the pipe is read, however much a daemon goes on writing."""


class SystemPrograms:
    """Programs of this machine, started in ``root``."""

    def __init__(
        self,
        root: str,
        started: Callable[[int], None] | None = None,
        passed_on: AbstractSet[str] | None = None,
    ) -> None:
        """``started`` is told the process id of each as soon as there is one.

        ``passed_on`` are the only variables of this process that programs get; None for all but interlock's own.
        """
        self._root, self._started, self._passed_on = root, started, passed_on

    def run(
        self,
        arguments: tuple[str, ...],
        *,
        timeout: float,
        environment: Mapping[str, str],
        unwanted: Callable[[], bool] = wanted,
    ) -> Ran:
        """Run one to its end; it and its group are ended after ``timeout`` seconds, or once it is unwanted."""
        if unwanted():
            return Ran(code=None, why="unwanted")
        read, write = os.pipe()
        try:
            started = self._start(arguments, environment, write, subprocess.STDOUT)
        except (OSError, ValueError) as error:
            os.close(read)
            return Ran(code=None, said=_against(error, arguments[0])[:_SAID], why="unstarted")
        finally:
            os.close(write)
        said = _Said(read)
        try:
            code, why = _ended(started, said, timeout, unwanted)
            return Ran(code=code, said=said.last_line(), why=why)
        finally:
            os.close(read)

    def output(
        self,
        arguments: tuple[str, ...],
        *,
        timeout: float,
        environment: Mapping[str, str],
        most: int = MOST_OUTPUT,
    ) -> Output:
        """Run one to its end with what it says in files, so that nothing it says can make it wait."""
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as error:
            try:
                started = self._start(arguments, environment, out, error)
            except (OSError, ValueError) as failed:
                said = _against(failed, arguments[0])[:_SAID]
                return Output(ran=Ran(code=None, said=said, why="unstarted"))
            code, why, cut = _to_its_end(started, (out, error), time.monotonic() + timeout, most)
            kept = [_kept(file, most) for file in (out, error)]
        tail = _Tail(kept[1] or kept[0])
        return Output(ran=Ran(code=code, said=tail.last_line(), why=why), out=kept[0], error=kept[1], cut=cut)

    def only(self, names: AbstractSet[str]) -> SystemPrograms:
        """See the port. Each is still told to who wants to know."""
        return SystemPrograms(self._root, self._started, names)

    def lacks(self, text: str) -> str:
        """See the port."""
        return "" if self._passed_on is None else lacks(text, os.environ.keys(), self._passed_on)

    def _start(
        self, arguments: tuple[str, ...], environment: Mapping[str, str], out: Sink, error: Sink
    ) -> subprocess.Popen[bytes]:
        named = os.environ.keys() if self._passed_on is None else self._passed_on & os.environ.keys()
        own = {name: os.environ[name] for name in named if not name.startswith("INTERLOCK_")}

        def start(command: tuple[str, ...], stdin: int) -> subprocess.Popen[bytes]:
            return subprocess.Popen(  # noqa: S603  # a plan is a rule: two people signed for it
                command,
                cwd=self._root,
                env={**own, **environment},
                stdin=stdin,
                stdout=out,
                stderr=error,
                start_new_session=True,
            )

        if self._started is None:
            return start(arguments, subprocess.DEVNULL)
        if reason := self.missing(arguments[0]):
            raise OSError(errno.ENOENT, reason, arguments[0])
        return _held(start, arguments, self._started)

    def missing(self, program: str) -> str:
        """Looked for as ``run`` does: below ``root`` where it is a path, else by the search path."""
        folders = [""] if os.sep in program else os.get_exec_path()
        places = [Path(self._root, folder, program) for folder in folders]
        files = [place for place in places if place.is_file()]
        if any(os.access(place, os.X_OK) for place in files):
            return ""
        if files:
            return "this user may not execute it"
        if any(place.is_dir() for place in places):
            return "it is a folder"
        return "there is no such file" if folders == [""] else f"no such file in {os.pathsep.join(folders)[:200]}"


def _held(
    start: Callable[[tuple[str, ...], int], subprocess.Popen[bytes]],
    arguments: tuple[str, ...],
    started: Callable[[int], None],
) -> subprocess.Popen[bytes]:
    """The program once ``started`` has been told of it; where this process dies before, it never begins."""
    waits, go = os.pipe()
    try:
        running = start((*_HELD, *arguments), waits)
    except BaseException:
        os.close(go)
        raise
    finally:
        os.close(waits)
    try:
        started(running.pid)
        os.write(go, b"go\n")
    except BaseException:
        _end(running)
        raise
    finally:
        os.close(go)
    return running


def born(pid: int) -> str:
    """When a process began, with the boot it is of; empty where it is gone or the system does not say."""
    try:
        told = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""
    # The second field is a name in brackets and may hold anything; the start time is the 22nd.
    return f"{boot} {told.rpartition(')')[2].split()[19]}"


def end_left_over(pid: int, since: str) -> bool:
    """End what is left of a program that nobody waits for any more, with its group; whether there was something.

    Where the program itself is gone, what it started is still of its session, and began after it. A process id is
    not given away again while a session has it.
    """
    if not since or born(pid) not in {since, ""}:
        return False
    if not born(pid):
        return _end_session(pid, since)
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _end_session(session: int, since: str) -> bool:
    """End what is left of a session whose leader is gone; whether there was something."""
    boot, _, ticks = since.partition(" ")
    found = False
    for place in Path("/proc").glob("[0-9]*"):
        told = born(int(place.name))
        if told.partition(" ")[0] != boot or _session(place) != session:
            continue
        if int(told.partition(" ")[2]) >= int(ticks):
            with suppress(ProcessLookupError, PermissionError):
                os.kill(int(place.name), signal.SIGKILL)
                found = True
    return found


def _session(place: Path) -> int:
    """The session of a process, 0 where it is gone."""
    try:
        told = (place / "stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return 0
    return int(told.rpartition(")")[2].split()[3])


def _end(running: subprocess.Popen[bytes]) -> None:
    """End a program with its group, and wait until it is gone."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(running.pid, signal.SIGKILL)
    with suppress(subprocess.TimeoutExpired):
        running.wait(_PATIENCE)


class _Tail:
    """The end of what a program said."""

    def __init__(self, tail: bytes = b"") -> None:
        self._tail = tail[-_MOST:]

    def last_line(self) -> str:
        """The last line that is not empty."""
        lines = self._tail.decode(errors="replace").split("\n")
        return next((line.strip()[:_SAID] for line in reversed(lines) if line.strip()), "")


class _Said(_Tail):
    """The end of what a program says, read without waiting. ``over``: nobody can say more."""

    def __init__(self, read: int) -> None:
        super().__init__()
        os.set_blocking(read, False)
        self._read = read
        self.over = False

    def more(self) -> bool:
        """Take what is there, at most a pipe's fill; whether there was something."""
        try:
            found = os.read(self._read, _MOST)
        except BlockingIOError:
            return False
        self.over = not found
        self._tail = (self._tail + found)[-_MOST:]
        return bool(found)

    def fileno(self) -> int:
        """Where it is read from."""
        return self._read


def _against(error: OSError | ValueError, program: str) -> str:
    """What the system says; where it is about something else than the program, such as the folder, about what."""
    if not isinstance(error, OSError):
        return str(error)
    words = (error.strerror or str(error)).lower()
    about = error.filename
    return words if about in {None, program} else f"{words} (`{about}`)"


def _ended(
    started: subprocess.Popen[bytes], said: _Said, timeout: float, unwanted: Callable[[], bool]
) -> tuple[int | None, NoCode]:
    try:
        return _read_to_its_end(started, said, time.monotonic() + timeout, unwanted)
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(started.pid, signal.SIGKILL)
        with suppress(subprocess.TimeoutExpired):
            started.wait(_PATIENCE)
        for _ in range(_LAST_READS):
            if not said.more():
                break


def _to_its_end(
    started: subprocess.Popen[bytes], files: tuple[IO[bytes], ...], until: float, most: int
) -> tuple[int | None, NoCode, bool]:
    """The exit code, None with the reason when its time is over; whether it was ended for saying too much."""
    try:
        while (code := started.poll()) is None:
            if any(os.fstat(file.fileno()).st_size > most for file in files):
                return None, "unwanted", True
            if time.monotonic() >= until:
                return None, "late", False
            with suppress(subprocess.TimeoutExpired):
                started.wait(_LOOK)
        return code, "", any(os.fstat(file.fileno()).st_size > most for file in files)
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(started.pid, signal.SIGKILL)
        with suppress(subprocess.TimeoutExpired):
            started.wait(_PATIENCE)


def _kept(file: IO[bytes], most: int) -> bytes:
    file.seek(0)
    return file.read(most)


def _read_to_its_end(
    started: subprocess.Popen[bytes], said: _Said, until: float, unwanted: Callable[[], bool]
) -> tuple[int | None, NoCode]:
    """The exit code, None with the reason when its time is over or nobody wants it; what it says is read."""
    with selectors.DefaultSelector() as ready:
        ready.register(said, selectors.EVENT_READ)
        while not said.over:
            left = until - time.monotonic()
            if (found := _over(started, left, unwanted)) is not None:
                return found
            if ready.select(min(left, _LOOK)):
                said.more()
    while (found := _over(started, left := until - time.monotonic(), unwanted)) is None:
        with suppress(subprocess.TimeoutExpired):
            started.wait(min(left, _LOOK))
    return found


def _over(
    started: subprocess.Popen[bytes], left: float, unwanted: Callable[[], bool]
) -> tuple[int | None, NoCode] | None:
    """How it ended, or why it is to be ended; None while it may go on."""
    code = started.poll()
    if code is not None:
        return code, ""
    if unwanted():
        return None, "unwanted"
    return (None, "late") if left <= 0 else None
