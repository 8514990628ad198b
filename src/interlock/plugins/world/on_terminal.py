"""A program run before somebody's eyes: on a terminal of its own, passed through as it comes.

Rules:
1. Where this process has a terminal, the program gets one as well, of the same size; what is typed goes to it as
   it is, Ctrl-C too. Whatever happens, the own terminal is as it was afterwards.
2. Without a terminal the program has this process's input, and one pipe for both of its outputs.
3. Interlock's own variables are not in its environment.
4. When it is over, when its time is, and when nobody wants it any more, it is ended with its group: asked first,
   made to some seconds later.
"""

from __future__ import annotations

import os
import pty
import selectors
import signal
import subprocess
import sys
import termios
import time
import tty
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from types import FrameType

from interlock.ports.programs import NoCode

Heard = Callable[[bytes], None]

PATIENCE = 5.0
_LOOK = 0.05
_PIECE = 64 * 1024
_TAKES_TERMINAL = (
    "import fcntl, os, sys, termios\n"
    "fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"
    "try:\n    os.execvp(sys.argv[1], sys.argv[1:])\n"
    "except OSError as error:\n    print(f'{sys.argv[1]}: {error.strerror}')\n    sys.exit(127)\n"
)
"""Run in a session of its own, it makes the terminal that is its input the session's, and becomes the program."""


def has_terminal() -> bool:
    """Whether somebody types here and sees what is written."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def size() -> tuple[int, int]:
    """Columns and rows of the own terminal, 80 by 24 without one."""
    try:
        found = os.get_terminal_size(sys.stdout.fileno())
    except (OSError, ValueError):
        return 80, 24
    return found.columns, found.lines


def run_on_terminal(
    command: Sequence[str], *, root: str, timeout: float, heard: Heard, unwanted: Callable[[], bool]
) -> tuple[int | None, NoCode]:
    """Run it to its end: the exit code (of a signal below 0), None with the reason where it was ended.

    Raises:
        OSError: it could not be started.
    """
    mine, theirs = pty.openpty()
    try:
        columns, rows = size()
        termios.tcsetwinsize(mine, (rows, columns))
        launched = [sys.executable, "-I", "-S", "-c", _TAKES_TERMINAL, *command]
        started = _start(launched, root, theirs, theirs)
    finally:
        os.close(theirs)
    try:
        with _as_typed(mine):
            return _followed(started, mine, (sys.stdin.fileno(), mine), timeout, heard, unwanted)
    finally:
        os.close(mine)


def run_piped(
    command: Sequence[str], *, root: str, timeout: float, heard: Heard, unwanted: Callable[[], bool]
) -> tuple[int | None, NoCode]:
    """The same without a terminal."""
    read, write = os.pipe()
    try:
        started = _start(command, root, None, write)
    finally:
        os.close(write)
    try:
        return _followed(started, read, None, timeout, heard, unwanted)
    finally:
        os.close(read)


def _start(command: Sequence[str], root: str, given: int | None, out: int) -> subprocess.Popen[bytes]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("INTERLOCK_")}
    return subprocess.Popen(  # noqa: S603  # whoever typed it wants it run
        command, cwd=root, env=own, stdin=given, stdout=out, stderr=out, start_new_session=True
    )


@contextmanager
def _as_typed(mine: int) -> Iterator[None]:
    """Each key goes on as it is, and another size too."""
    typed = sys.stdin.fileno()
    before = termios.tcgetattr(typed)

    def resized(number: int, frame: FrameType | None) -> None:
        del number, frame
        columns, rows = size()
        with suppress(termios.error):
            termios.tcsetwinsize(mine, (rows, columns))

    watched = signal.signal(signal.SIGWINCH, resized)
    try:
        tty.setraw(typed, termios.TCSADRAIN)
        yield
    finally:
        termios.tcsetattr(typed, termios.TCSADRAIN, before)
        signal.signal(signal.SIGWINCH, watched)


def _followed(
    started: subprocess.Popen[bytes],
    read: int,
    typed: tuple[int, int] | None,
    timeout: float,
    heard: Heard,
    unwanted: Callable[[], bool],
) -> tuple[int | None, NoCode]:
    until = time.monotonic() + timeout
    try:
        with selectors.DefaultSelector() as ready:
            ready.register(read, selectors.EVENT_READ, heard)
            if typed is not None:
                ready.register(typed[0], selectors.EVENT_READ, partial(os.write, typed[1]))
            while (ended := started.poll()) is None:
                if unwanted():
                    return None, "unwanted"
                if time.monotonic() >= until:
                    return None, "late"
                _pass_on(ready, started)
            return ended, ""
    finally:
        _end(started)
        _rest(read, heard)


def _pass_on(ready: selectors.BaseSelector, started: subprocess.Popen[bytes]) -> None:
    """Take what is there to where it goes; where nothing can come any more, nobody listens."""
    if not ready.get_map():
        with suppress(subprocess.TimeoutExpired):
            started.wait(_LOOK)
        return
    for key, _ in ready.select(_LOOK):
        piece = _read(key.fd)
        if not piece:
            ready.unregister(key.fd)
            continue
        with suppress(OSError):  # the program closed its terminal
            key.data(piece)


def _read(file: int) -> bytes:
    try:
        return os.read(file, _PIECE)
    except OSError:
        return b""  # the other side of a terminal is gone


def _rest(read: int, heard: Heard) -> None:
    """What is still in the pipe, however much somebody goes on writing."""
    os.set_blocking(read, False)
    for _ in range(64):
        piece = _read(read)
        if not piece:
            return
        heard(piece)


def _end(started: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(started.pid, number)
        with suppress(subprocess.TimeoutExpired):
            started.wait(PATIENCE)
            if number == signal.SIGKILL:
                return
