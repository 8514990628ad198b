"""Journals of rehearsals as files below ``Config.home``, and who rehearses where.

Rules:
1. A line is written and forced to disk before it returns: what it tells begins afterwards. What a writer that died
   left of a line is cut off before the next one.
2. One rehearsal at a time in one environment, by a lock that ends with its holder. Whoever has it and finds a
   journal of that environment that is not over has found one whose holder is gone.
3. What is over stays, until ``MOST`` newer ones are.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from interlock.core.change.errors import Conflict, InvalidInput, Unavailable
from interlock.core.rehearsal.journal import MAX_JOURNAL, Journal, read_journal
from interlock.plugins.world.rollback_files import keep_out_of_git

FOLDER = "rehearsals"
MOST = 100
LOCK_SECONDS = 2.0
"""For how long a lock that is held is asked for again."""


class RehearsalJournal:
    """One run's file, to be appended to."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def write(self, line: bytes) -> None:
        """Append a line, on disk when this returns.

        Raises:
            Unavailable: ``rehearsal-journal-unwritable``; nothing may begin then.
        """
        try:
            with self.place.open("a+b") as file:
                _cut_off(file)
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise _unwritable(self.place, error) from error


class RehearsalFiles:
    """All journals below ``home``."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._folder = home / FOLDER

    @contextmanager
    def alone(self, environment: str) -> Iterator[None]:
        """Nobody else on this machine rehearses in this environment as long as this goes on.

        Raises:
            Conflict: ``rehearsal-running``.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            keep_out_of_git(self._home)
            lock = (self._folder / f"{_safe(environment)}.lock").open("ab")
        except OSError as error:
            raise _unwritable(self._folder, error) from error
        with lock:
            try:
                _held(lock)
            except OSError as error:
                raise Conflict(
                    f"expected nobody to rehearse in `{environment}`, got somebody who does right now",
                    code="rehearsal-running",
                    hint="wait until that one is over: two at once would see one another's traces",
                ) from error
            yield

    def begin(self, run: str) -> RehearsalJournal:
        """The file of a new run; of those that are over the oldest go."""
        for place in sorted(self._folder.glob("*.jsonl"), key=lambda each: each.stat().st_mtime)[:-MOST]:
            with suppress(OSError, InvalidInput):
                found = self._read(place)
                if found is None or not found.unfinished:
                    place.unlink()
        return self.go_on(run)

    def go_on(self, run: str) -> RehearsalJournal:
        """The file of a run that has begun."""
        return RehearsalJournal(self._folder / f"{_safe(run)}.jsonl")

    def content(self, run: str) -> bytes:
        """What that file holds; empty where nothing was begun.

        Raises:
            Unavailable: ``rehearsal-journal-unwritable``.
        """
        try:
            return self.go_on(run).place.read_bytes()
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise _unwritable(self._folder, error) from error

    def environments(self) -> list[str]:
        """Those in which something is half-way.

        Raises:
            InvalidInput: ``rehearsal-journal``.
        """
        found = [self._read(place) for place in self._folder.glob("*.jsonl")]
        return sorted({one.head.environment for one in found if one and one.unfinished})

    def unfinished(self, environment: str) -> list[Journal]:
        """Those of this environment that are not over, by age; to be asked for by whoever is ``alone`` in it.

        Raises:
            InvalidInput: ``rehearsal-journal`` for one that cannot be read: what it left must be looked at.
        """
        found = [self._read(place) for place in self._folder.glob("*.jsonl")]
        mine = [one for one in found if one and one.unfinished and one.head.environment == environment]
        return sorted(mine, key=lambda one: one.head.began)

    def _read(self, place: Path) -> Journal | None:
        """The journal; None where nothing had begun yet."""
        try:
            with place.open("rb") as file:
                content = file.read(MAX_JOURNAL + 1)
        except OSError as error:
            raise _unwritable(place, error) from error
        return read_journal(content, str(place)) if b"\n" in content else None


def _held(lock: IO[bytes]) -> None:
    """Take the lock; somebody who was killed while starting a program has it for a moment more.

    Raises:
        OSError: somebody has it all the time.
    """
    end = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
        else:
            return


def _cut_off(file: IO[bytes]) -> None:
    """Everything after the last whole line goes."""
    file.seek(0)
    content = file.read()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        file.truncate(whole)


def _safe(name: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in name)[:120]


def _unwritable(place: Path, error: OSError) -> Unavailable:
    return Unavailable(
        f"expected to keep the journal of a rehearsal at `{place}`, got: {(error.strerror or 'an error').lower()}",
        code="rehearsal-journal-unwritable",
        hint="let this user write there: what is applied must be found again after a crash",
        plugin="rehearsal",
    )
