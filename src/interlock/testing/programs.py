"""Real programs for tests and replays: started on free loopback ports, stopped, killed and frozen by process id.

Rules:
1. A program runs in a process group of its own, so that killing or freezing it takes its workers with it, and
   nothing else.
2. Whoever starts one waits until it answers; one that does not, or ends by itself, fails with the end of its log.
3. Each has a folder of its own that is thrown away with it. Nothing listens anywhere but on 127.0.0.1.
4. Ports lie below the range that the kernel gives to outgoing connections, so that a program that was killed finds
   its port free again.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

_LOWEST, _HIGHEST = 20_000, 32_000
_START_SECONDS = 20.0
_STOP_SECONDS = 5.0
_TRIES = 200


def free_ports(number: int) -> tuple[int, ...]:
    """Ports of 127.0.0.1 that nobody listens on, each another."""
    taken: list[socket.socket] = []
    try:
        while len(taken) < number:
            taken.append(_bound())
        return tuple(each.getsockname()[1] for each in taken)
    finally:
        for each in taken:
            each.close()


def free_port() -> int:
    """One port of 127.0.0.1 that nobody listens on."""
    return free_ports(1)[0]


def _bound() -> socket.socket:
    for _ in range(_TRIES):
        port = _LOWEST + secrets.randbelow(_HIGHEST - _LOWEST)
        tried = socket.socket()
        try:
            tried.bind(("127.0.0.1", port))
        except OSError:
            tried.close()
        else:
            return tried
    raise RuntimeError(f"expected a free port between {_LOWEST} and {_HIGHEST}, found none")


class Program(ABC):
    """One supervised program. Use as a context manager, or ``start`` and ``close``.

    ``name`` is for errors and for the log's file. ``folder`` is the program's own.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.folder = Path(tempfile.mkdtemp(prefix=f"il-{name[:8]}-"))
        self._running: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def command(self) -> Sequence[str | Path]:
        """The argument vector; asked at every start."""

    @abstractmethod
    def ready(self) -> bool:
        """Whether it answers now."""

    def environment(self) -> dict[str, str]:
        """The whole environment of the program."""
        return dict(os.environ)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """The process id, which is that of its group too."""
        if self._running is None:
            raise RuntimeError(f"expected {self.name} to run, it does not")
        return self._running.pid

    @property
    def alive(self) -> bool:
        """Whether the program was started and has not ended."""
        return self._running is not None and self._running.poll() is None

    @property
    def log_file(self) -> Path:
        """Where standard output and standard error go, of every start in turn."""
        return self.folder / f"{self.name}.log"

    def log(self, most: int = 2_000) -> str:
        """The last ``most`` bytes of the log."""
        try:
            return self.log_file.read_bytes()[-most:].decode("utf-8", "replace")
        except FileNotFoundError:
            return ""

    def start(self, seconds: float = _START_SECONDS) -> None:
        """Start, also after ``kill`` or ``stop``, and wait until it is ready."""
        if self.alive:
            raise RuntimeError(f"expected {self.name} not to run, it does")
        with self.log_file.open("ab") as log:
            self._running = subprocess.Popen(  # noqa: S603  # the program's own command
                [str(part) for part in self.command()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env=self.environment(),
                start_new_session=True,
            )
        self.wait_until_ready(seconds)

    def wait_until_ready(self, seconds: float = _START_SECONDS) -> None:
        """Return as soon as it answers."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if not self.alive:
                raise RuntimeError(f"{self.name} ended by itself: {self.log()}")
            if self.ready():
                return
            time.sleep(0.02)
        raise RuntimeError(f"{self.name} was not ready within {seconds} s: {self.log()}")

    def stop(self) -> None:
        """Ask it to end, and end it if it does not. Idempotent."""
        if self._running is None:
            return
        self._signal(signal.SIGCONT)
        self._signal(signal.SIGTERM)
        try:
            self._running.wait(timeout=_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._signal(signal.SIGKILL)
        self._gone()

    def kill(self) -> None:
        """SIGKILL it with all its workers. Idempotent."""
        if self._running is None:
            return
        self._signal(signal.SIGKILL)
        self._gone()

    def pause(self) -> None:
        """Freeze it with all its workers (SIGSTOP): when this returns, sockets are open and nobody answers."""
        self._signal(signal.SIGSTOP)
        end = time.monotonic() + _STOP_SECONDS
        # A thread on another processor goes on until it sees the signal, and may answer meanwhile.
        while not _all_stopped(self.pid):
            if time.monotonic() > end:
                raise RuntimeError(f"expected group {self.pid} to stand still, got one that goes on")
            time.sleep(0.001)

    def resume(self) -> None:
        """Let it run again (SIGCONT)."""
        self._signal(signal.SIGCONT)

    def close(self) -> None:
        """Stop it and throw its folder away. Idempotent."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _signal(self, number: signal.Signals) -> None:
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:
            return

    def _gone(self) -> None:
        if self._running is not None:
            self._signal(signal.SIGKILL)  # workers that outlived their parent
            self._running.wait()
            self._running = None


def _all_stopped(group: int) -> bool:
    """Whether every thread of this process group stands still, or has ended."""
    return all(
        state in "TtZX"
        for place in Path("/proc").glob("[0-9]*")
        if _of_group(place, group)
        for state in map(_state, place.glob("task/[0-9]*"))
    )


def _of_group(place: Path, group: int) -> bool:
    try:
        return os.getpgid(int(place.name)) == group
    except ProcessLookupError:
        return False


def _state(thread: Path) -> str:
    """The kernel's letter for it: it stands after the program's name, which may hold anything."""
    try:
        return (thread / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "X"


def program(name: str, *places: str) -> Path:
    """Where an installed program lies.

    Raises:
        RuntimeError: it is not installed; nothing is skipped.
    """
    found = shutil.which(name, path=os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin", *places)))
    if found is None:
        raise RuntimeError(f"expected the program {name}, found none: install Debian's package of that name")
    return Path(found)
