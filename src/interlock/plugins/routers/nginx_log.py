"""Lines of a log that grows, counted by what they say, a piece at a time.

Rules:
1. Reading begins at the end of the log, with zero, and goes on where it stopped. ``since`` names that beginning.
2. A log that was rotated is read to its end before the new one is begun, and once more afterwards: nginx writes
   into the old one until it reopens.
3. A log that became shorter was emptied: what it had and was not read is lost, so counting begins anew and says so
   by another ``since``.
4. A line that is not complete waits for its end. A line that is none of the words is a ``BadReply``: somebody else
   writes into this log.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from interlock.core.change.errors import Unavailable
from interlock.plugins.routers.wire import Deadline, bad

_PIECE = 1 << 20
_LONGEST = 4_096


@dataclass(frozen=True, slots=True)
class Counted:
    """How many lines of each word were read since the beginning that ``since`` names."""

    lines: dict[str, int]
    since: str


@dataclass(slots=True)
class _Open:
    number: int
    at: int
    rest: bytes = field(default=b"")


class Tail:
    """One log. Safe between threads."""

    def __init__(self, path: Path, words: Sequence[str], *, plugin: str) -> None:
        self._path, self._words, self._plugin = path, tuple(words), plugin
        self._lock = threading.Lock()
        self._now: _Open | None = None
        self._before: _Open | None = None
        self._lines = dict.fromkeys(self._words, 0)
        self._since = ""

    def read(self, deadline: Deadline) -> Counted:
        """Read on to the end.

        Raises:
            Unavailable: ``router-forbidden``, ``router-unreachable``; also when it grows faster than it is read.
            BadReply: ``router-reply``.
        """
        with self._lock:
            try:
                self._read(deadline)
            except PermissionError as error:
                raise self._unavailable(error, "router-forbidden", "let interlock's user read it") from error
            except OSError as error:
                raise self._unavailable(error, "router-unreachable", "look whether nginx writes it") from error
            return Counted(dict(self._lines), self._since)

    def close(self) -> None:
        """Close the files. Idempotent; a later ``read`` begins anew."""
        with self._lock:
            for each in (self._now, self._before):
                if each is not None:
                    os.close(each.number)
            self._now = self._before = None

    def _read(self, deadline: Deadline) -> None:
        if self._now is None:
            self._begin(os.SEEK_END)
            return
        if self._before is not None:
            self._drain(self._before, deadline)
        if self._is_another(self._now):
            self._drain(self._now, deadline)
            if self._before is not None:
                os.close(self._before.number)
            self._before, self._now = self._now, self._opened(os.SEEK_SET)
        if os.fstat(self._now.number).st_size < self._now.at:
            os.close(self._now.number)
            self._begin(os.SEEK_SET)
        self._drain(self._now, deadline)

    def _begin(self, whence: int) -> None:
        self._now = self._opened(whence)
        self._lines = dict.fromkeys(self._words, 0)
        self._since = f"{os.fstat(self._now.number).st_ino}+{self._now.at}@{os.urandom(4).hex()}"

    def _opened(self, whence: int) -> _Open:
        number = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        return _Open(number, os.lseek(number, 0, whence))

    def _is_another(self, current: _Open) -> bool:
        """Whether another file lies at the path; one that is not there yet does not count."""
        try:
            there = self._path.stat()
        except FileNotFoundError:
            return False
        here = os.fstat(current.number)
        return (there.st_dev, there.st_ino) != (here.st_dev, here.st_ino)

    def _drain(self, log: _Open, deadline: Deadline) -> None:
        while piece := os.read(log.number, _PIECE):
            log.at += len(piece)
            *whole, log.rest = (log.rest + piece).split(b"\n")
            for word in self._words:
                self._lines[word] += whole.count(word.encode())
            self._only_words(whole, log)
            deadline.left()

    def _only_words(self, whole: list[bytes], log: _Open) -> None:
        others = set(whole) - {word.encode() for word in self._words}
        if others or len(log.rest) > _LONGEST:
            got = min(others, default=log.rest)[:60].decode("latin-1")
            raise bad(f"{' or '.join(self._words)} in each line of {self._path}", got, plugin=self._plugin)

    def _unavailable(self, error: OSError, code: str, hint: str) -> Unavailable:
        return Unavailable(
            f"expected to read `{self._path}`, got: {(error.strerror or str(error)).lower()}",
            code=code,
            hint=hint,
            plugin=self._plugin,
        )
