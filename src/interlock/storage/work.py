"""The ledger as one piece of work sees it: its entries are held until the end, and then name what it wrote.

Rules:
1. Every record that the work wrote is named once, by table and id, with the digest of its newest form: in the last
   entry about that record (its id), else in the last one about something it is found by (its change). No station
   does this itself, so none can forget it.
2. What does not fit into its entry follows the work's entries as ``records.kept``, about the same subject. So does
   a record of which none speaks, about itself: whoever reads it finds its newest entry by what it is found by. One
   that is found by nothing but its id is only ever compared in an audit, and is named in the last entry.
3. A work that fails leaves nothing here; the next one begins with an empty log of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from interlock.core.change.canonical import timestamp
from interlock.core.ledger.entry import MAX_LEAF, Entry
from interlock.storage.ledger import SqlLog
from interlock.storage.session import Session, lookup_value

KEPT = "records.kept"
_NO_SUBJECT = {"id", "key", "body", "body_digest"}
_ROOM = 40_000
"""Bytes of a ``records.kept`` entry that its lines may take; an escaped id has at most 6,000."""


def record_name(table: str, record_id: str) -> str:
    """How an entry names a record."""
    return f"{table}/{record_id}"


class WorkLog:
    """The ledger inside one piece of work."""

    def __init__(self, session: Session, log: SqlLog) -> None:
        self._session = session
        self._log = log
        self._own: list[tuple[Entry, bytes]] = []
        session.written.clear()

    def append(self, entry: Entry) -> int:
        """The index the entry will have when the transaction commits."""
        self._session.announce_write()
        lookup_value("subject", entry.subject)
        self._own.append((entry, entry.leaf()))
        return self._log.size + len(self._own) - 1

    def entries(self, subject: str) -> Sequence[tuple[int, Entry]]:
        """All entries about one record, in order, those of this work included."""
        size = self._log.size
        own = [(size + at, entry) for at, (entry, _) in enumerate(self._own) if entry.subject == subject]
        return [*self._log.entries(subject), *own]

    def newest(self, limit: int, *, before: int | None = None) -> Sequence[tuple[int, Entry]]:
        """At most ``limit`` entries below ``before``, newest first, those of this work included."""
        size = self._log.size
        own = [(size + at, entry) for at, (entry, _) in enumerate(self._own)]
        fresh = [found for found in reversed(own) if before is None or found[0] < before][:limit]
        room = limit - len(fresh)
        return [*fresh, *(self._log.newest(room, before=before) if room else ())]

    def last_at(self) -> datetime | None:
        """The latest time any entry carries, those of this work included; None in an empty ledger."""
        times = [datetime.fromisoformat(timestamp(entry.at)) for entry, _ in self._own]
        before = self._log.last_at()
        return max(times if before is None else [before, *times], default=None)

    def finish(self) -> None:
        """Hand the entries over, with the records they name. A work without entries is refused elsewhere."""
        lines, kept = self._lines() if self._own else ({}, [])
        for at, (entry, leaf) in enumerate(self._own):
            named, full = entry, leaf
            if at in lines:
                named = replace(entry, records=lines[at])
                if len(leaf) + _size(lines[at]) > MAX_LEAF:
                    named = entry
                    kept.extend(_kept(entry, lines[at]))
                else:
                    full = named.leaf()
            self._log.append(named, full)
        for entry in kept:
            self._log.append(entry, entry.leaf())

    def named(self, subjects: Sequence[str]) -> dict[str, str]:
        """The newest digest of each record that earlier entries about these subjects name, as ``table/id``."""
        return self._log.named(subjects)

    def _lines(self) -> tuple[dict[int, dict[str, str]], list[Entry]]:
        """Which of the work's entries names which records, and further entries on those of which none speaks."""
        last = {entry.subject: at for at, (entry, _) in enumerate(self._own)}
        lines: dict[int, dict[str, str]] = {}
        kept: list[Entry] = []
        for (table, key), row in self._session.written.items():
            line = {record_name(table, key): str(row["body_digest"])}
            subjects = list(_subjects(key, row))
            at = next((last[each] for each in subjects if each in last), None)
            if at is None and len(subjects) > 1:
                kept.append(replace(self._own[-1][0], kind=KEPT, subject=key, body={}, records=line))
            else:
                lines.setdefault(len(self._own) - 1 if at is None else at, {}).update(line)
        return lines, kept


def _subjects(key: str, row: Mapping[str, object]) -> Iterator[str]:
    """What an entry about a record may be filed under, the closest first."""
    yield key
    for name, value in row.items():
        if name not in _NO_SUBJECT and isinstance(value, str):
            yield value


def _kept(entry: Entry, lines: Mapping[str, str]) -> Iterator[Entry]:
    part: dict[str, str] = {}
    for name, digest in lines.items():
        if part and _size(part) + _size({name: digest}) > _ROOM:
            yield replace(entry, kind=KEPT, body={}, records=part)
            part = {}
        part[name] = digest
    yield replace(entry, kind=KEPT, body={}, records=part)


def _size(lines: Mapping[str, str]) -> int:
    """At most so many bytes in canonical JSON: any character of a name may be escaped to six."""
    return 16 + sum(6 * len(name.encode()) + len(digest) + 8 for name, digest in lines.items())
