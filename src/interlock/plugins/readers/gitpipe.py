"""One long-lived ``git cat-file --batch``: objects by name, each answer bounded in time and size.

Rules:
1. The process is started when the first object is asked for, and again when it has ended.
2. An answer that is late, too large or broken ends the process, so that the next answer is never mistaken for it.
3. Calls from several threads take turns.
"""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import threading
import time
from pathlib import Path

from interlock.core.change.errors import IntegrityError, InvalidInput, Unavailable

MAX_BLOB = 32 * 1024 * 1024
_CHUNK = 1024 * 1024


class ObjectPipe:
    """Contents of objects by ``id`` or ``id:path``."""

    def __init__(self, command: list[str], environment: dict[str, str], folder: Path) -> None:
        self._command = command
        self._environment = environment
        self._folder = folder
        self._running: subprocess.Popen[bytes] | None = None
        self._received = bytearray()
        self._lock = threading.Lock()

    @property
    def running(self) -> bool:
        """Whether a process is there."""
        return self._running is not None

    def has(self, name: bytes, timeout: float) -> bool:
        """Whether there is an object of that name, of any type; errors as ``ask``."""
        return self._taken(name, timeout) is not None

    def ask(self, name: bytes, timeout: float) -> bytes | None:
        """The content of a file, None when nothing or something else has that name.

        Raises:
            InvalidInput: ``file-too-large`` above 32 MiB.
            Unavailable: ``git-timeout`` after ``timeout`` seconds.
            IntegrityError: ``git-failed`` when git gives up.
        """
        kind, content = self._taken(name, timeout) or (b"", b"")
        return content if kind == b"blob" else None

    def _taken(self, name: bytes, timeout: float) -> tuple[bytes, bytes] | None:
        """Type and content."""
        if b"\n" in name:
            return None
        with self._lock:
            try:
                return self._asked(name, time.monotonic() + timeout, timeout)
            except BaseException:
                self._stop()
                raise

    def close(self) -> None:
        """End the process. Idempotent."""
        with self._lock:
            self._stop()

    def _asked(self, name: bytes, until: float, timeout: float) -> tuple[bytes, bytes] | None:
        stream = self._started().stdin
        try:
            os.write(stream.fileno() if stream else -1, name + b"\n")
        except OSError as error:
            raise _gone() from error
        while (end := self._received.find(b"\n")) < 0:
            self._receive(until, timeout)
        words = bytes(self._received[:end]).rsplit(b" ", 2)
        del self._received[: end + 1]
        if words[-1] in {b"missing", b"ambiguous"}:
            return None
        size = int(words[-1]) if words[-1].isdigit() else -1
        if size < 0:
            raise _gone()
        if size > MAX_BLOB:
            raise _too_large(size)
        while len(self._received) <= size:
            self._receive(until, timeout)
        content = bytes(self._received[:size])
        del self._received[: size + 1]
        return words[-2], content

    def _receive(self, until: float, timeout: float) -> None:
        stream = self._running.stdout if self._running else None
        if stream is None:
            raise _gone()
        waiting = select.poll()  # unlike select, poll does not care how many files are open
        waiting.register(stream, select.POLLIN)
        if not waiting.poll(max(0.0, until - time.monotonic()) * 1000):
            raise too_late(timeout)
        chunk = os.read(stream.fileno(), _CHUNK)
        if not chunk:
            raise _gone()
        self._received += chunk

    def _started(self) -> subprocess.Popen[bytes]:
        if self._running is not None and self._running.poll() is not None:
            self._stop()
        if self._running is None:
            self._running = subprocess.Popen(  # noqa: S603  # fixed words, no shell; names come on standard input
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=self._environment,
                cwd=self._folder,
                bufsize=0,
            )
        return self._running

    def _stop(self) -> None:
        running, self._running = self._running, None
        self._received.clear()
        if running is None:
            return
        for stream in (running.stdin, running.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        running.kill()
        running.wait()


def too_late(timeout: float) -> Unavailable:
    """Git took longer than it may."""
    return Unavailable(
        f"expected git to answer within {timeout:.0f} s, got nothing",
        code="git-timeout",
        hint="try again, or name a smaller range",
        plugin="git",
    )


def _gone() -> IntegrityError:
    return IntegrityError(
        "expected git to give an object, got nothing",
        code="git-failed",
        hint="check the repository with git fsck, and that git is 2.36 or newer",
    )


def _too_large(size: int) -> InvalidInput:
    return InvalidInput(
        f"expected a file of at most {MAX_BLOB >> 20} MiB, got {size >> 20} MiB",
        code="file-too-large",
        hint="leave the file out of what is read, or make it smaller",
    )
