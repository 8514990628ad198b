"""The journals of going back without a server, as files below ``Config.home``.

Rules:
1. A journal is written whole and is its owner's alone. Told to a ledger it goes into ``told`` beside the others:
   it is kept, because a ledger can be restored from before it was told.
2. A file that cannot be read waits where it is and stands in nobody's way.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from interlock.core.change.errors import InvalidInput, Unavailable
from interlock.core.rollout.journal import MAX_JOURNAL, WentBack, journal_bytes, read_journal
from interlock.core.rollout.local import FOLDER

JOURNAL, TOLD = "journal", "told"


class RollbackJournal:
    """The journals below ``home``."""

    def __init__(self, home: Path) -> None:
        self._folder = home / FOLDER / JOURNAL

    def write(self, journal: WentBack) -> Path:
        """Write it in the place of what was there.

        Raises:
            Unavailable: ``journal-unwritable``. Who goes back does not stop for it.
        """
        place = self._folder / f"{journal.id}.json"
        draft = place.with_suffix(".new")
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            draft.touch(mode=0o600)
            draft.write_bytes(journal_bytes(journal))
            draft.replace(place)
        except OSError as error:
            raise Unavailable(
                f"expected to write `{place}`, got: {(error.strerror or 'an error').lower()}",
                code="journal-unwritable",
                hint="write down by hand who went back and when: interlock ledger note",
                plugin="rollback",
            ) from error
        return place

    def waiting(self) -> Iterator[WentBack]:
        """Those that no ledger was told of yet, by the time in their names; what cannot be read is left out."""
        return _read(self._folder)

    def told(self, name: str) -> None:
        """Put the journal with this id away."""
        place = self._folder / f"{name}.json"
        try:
            (self._folder / TOLD).mkdir(exist_ok=True, mode=0o700)
            place.replace(self._folder / TOLD / place.name)
        except OSError:
            # It is told again next time, and known by its id.
            return

    def of(self, rollout: str) -> bool:
        """Whether somebody went back from this rollout before, told or not."""
        journals = (*_read(self._folder), *_read(self._folder / TOLD))
        return any(one.rollout == rollout and one.ended_at for one in journals)


def _read(folder: Path) -> Iterator[WentBack]:
    try:
        places = sorted(folder.glob("*.json"))
    except OSError:
        return
    for place in places:
        try:
            with place.open("rb") as file:
                yield read_journal(file.read(MAX_JOURNAL + 1))
        except (OSError, InvalidInput):
            continue
