"""Journals of rehearsals as files below ``Config.home``, and who rehearses where.

Rules:
1. A line is written and forced to disk before it returns: what it tells begins afterwards.
2. One rehearsal at a time in one environment, by a lock that ends with its holder. A journal whose holder is gone
   and that is not over is unfinished.
3. What is over stays, until ``MOST`` newer ones are.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from interlock.core.change.errors import Conflict, InvalidInput, NotFound, Unavailable
from interlock.core.rehearsal.journal import MAX_JOURNAL, Journal, read_journal
from interlock.plugins.world.rollback_files import keep_out_of_git

FOLDER = "rehearsals"
MOST = 100


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
            with self.place.open("ab") as file:
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
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise Conflict(
                    f"expected nobody to rehearse in `{environment}`, got somebody who does right now",
                    code="rehearsal-running",
                    hint="wait until that one is over: two at once would see one another's traces",
                ) from error
            yield

    def begin(self, run: str) -> RehearsalJournal:
        """The file of a new run; of those that are over the oldest go."""
        for place in sorted(self._folder.glob("*.jsonl"))[:-MOST]:
            with suppress(OSError, InvalidInput):
                if not self._read(place).unfinished:
                    place.unlink()
        return RehearsalJournal(self._folder / f"{_safe(run)}.jsonl")

    def unfinished(self) -> list[Journal]:
        """Those that are not over, by age; whose holder still runs is theirs.

        Raises:
            InvalidInput: ``rehearsal-journal`` for one that cannot be read: what it left must be looked at.
        """
        found = [self._read(place) for place in sorted(self._folder.glob("*.jsonl")) if place.stat().st_size]
        return sorted((one for one in found if one.unfinished), key=lambda one: one.head.began)

    def of(self, run: str) -> RehearsalJournal:
        """The file of a run that is there.

        Raises:
            NotFound: ``rehearsal-missing``.
        """
        place = self._folder / f"{_safe(run)}.jsonl"
        if not place.is_file():
            raise NotFound(
                f"expected a rehearsal of this machine, got `{run[:80]}`",
                code="rehearsal-missing",
                hint="interlock evidence recover looks after all that are not over",
            )
        return RehearsalJournal(place)

    def _read(self, place: Path) -> Journal:
        try:
            with place.open("rb") as file:
                return read_journal(file.read(MAX_JOURNAL + 1), str(place))
        except OSError as error:
            raise _unwritable(place, error) from error


def _safe(name: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in name)[:120]


def _unwritable(place: Path, error: OSError) -> Unavailable:
    return Unavailable(
        f"expected to keep the journal of a rehearsal at `{place}`, got: {(error.strerror or 'an error').lower()}",
        code="rehearsal-journal-unwritable",
        hint="let this user write there: what is applied must be found again after a crash",
        plugin="rehearsal",
    )
