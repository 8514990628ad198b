"""What a migration does to those who use the database meanwhile, measured on copies of it.

Rules:
1. One copy is written to while the migrations go up, and while they come back again: what was written in between
   is there afterwards, or that is told. Another has a slow reader, where a migration keeps anybody out.
2. The version before goes on running for a while: what it reads and writes is tried after each migration.
3. What is measured decides nothing about whether the way back holds, except that what was written survives.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from interlock.core.rehearsal.migration import KEEPS_OUT, Stepped, touched
from interlock.core.rehearsal.outcome import Acted
from interlock.plugins.rehearsals.migration_place import ThrowAway
from interlock.plugins.rehearsals.migration_query import insertion
from interlock.plugins.rehearsals.migration_tables import Table, tables_of
from interlock.plugins.rehearsals.migration_tools import Migration, failed
from interlock.plugins.rehearsals.migration_watch import Writer, reading, sampling, writer_of, writing
from interlock.plugins.rehearsals.sql_asking import Asking, named, quoted

BUSY, BEHIND = "busy", "behind"
MOST_WRITERS = 6
_RELATIONS = """
SELECT c.oid, n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm') AND n.nspname !~ '^(pg_|information_schema$)' AND NOT EXISTS (
  SELECT FROM pg_depend e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')"""


@dataclass(slots=True)
class Measuring:
    """The copies of one rehearsal; ``old`` are the base's tables, ``filled`` how many rows each has by number."""

    place: ThrowAway
    root: Path
    asking: Callable[[str], Asking]
    old: Sequence[Table]
    filled: Mapping[int, int]
    without: Sequence[str]
    reader: float
    kept: dict[str, str] = field(default_factory=dict)
    places: dict[int, tuple[str, str]] = field(default_factory=dict)
    told: set[str] = field(default_factory=set)

    def measured(self, migrations: Sequence[Migration], steps: list[Stepped]) -> Iterator[Acted]:
        """Measure what went up, step by step; ``steps`` are replaced by what they are with their times."""
        began = time.monotonic()
        self.place.clone(BUSY, "base")
        busy = [self._busy(one, step) for one, step in zip(migrations, steps, strict=True)]
        steps[:] = busy
        waited = max((each for step in busy for each in step.blocked.values()), default=0.0)
        said = f"a writer waited {waited:.2f} s at most"
        yield Acted(name="beside writers", ok=True, said=said, seconds=time.monotonic() - began)
        yield self._written_between(migrations, steps)
        if any(mode in KEEPS_OUT and number in step.before for step in steps for number, mode in step.locks):
            began = time.monotonic()
            self.place.clone(BEHIND, "base")
            steps[:] = [self._behind(one, step) for one, step in zip(migrations, steps, strict=True)]
            waited = max((each for step in steps for each in step.behind.values()), default=0.0)
            said = f"a writer waited {waited:.1f} s at most"
            yield Acted(name="behind a slow reader", ok=True, said=said, seconds=time.monotonic() - began)

    def _busy(self, migration: Migration, step: Stepped) -> Stepped:
        connect = partial(self.place.connect, BUSY)
        writers = self._writers(BUSY, step)
        with sampling(connect) as seen, writing(connect, writers):
            done = self.place.run(migration.up, self.root, BUSY)
        errors = [f"{each.table}: {said}" for each in writers for said in each.errors] + [*self._old_version(step)]
        new = tuple(one for one in dict.fromkeys(errors) if one not in self.told)
        self.told.update(new)
        return replace(
            step,
            locks=step.locks | seen.locks,
            blocked={each.table: each.longest for each in writers if each.writes},
            errors=new,
            gave_up="" if done.ran.good else f"beside writers it {failed(done)}",
        )

    def _behind(self, migration: Migration, step: Stepped) -> Stepped:
        held = [number for number, mode in step.locks if mode in KEEPS_OUT and number in step.before]
        connect = partial(self.place.connect, BEHIND)
        if not held:
            self.place.run(migration.up, self.root, BEHIND)
            return step
        writers = self._writers(BEHIND, step)
        with self.place.connect(BEHIND) as connection:
            names = [connection.execute(f"SELECT {each}::regclass::text".encode()).fetchone() for each in held]
        tables = [row[0] for row in names if row]
        with ExitStack() as stack:
            seen = stack.enter_context(sampling(connect))
            stack.enter_context(writing(connect, writers))
            stack.enter_context(reading(connect, tables, seen, self.reader))
            done = self.place.run(migration.up, self.root, BEHIND)
        behind = {each.table: each.longest for each in writers if each.writes}
        gave_up = "" if done.ran.good else f"behind a slow reader it {failed(done)}"
        return replace(step, behind=behind, gave_up=step.gave_up or gave_up)

    def _writers(self, database: str, step: Stepped) -> list[Writer]:
        numbers = [number for number in touched(step) if self.filled.get(number)]
        with self.place.connect(database) as connection:
            made = [writer_of(connection, number, step.before[number].name) for number in numbers[:MOST_WRITERS]]
        return [each for each in made if each is not None]

    def _old_version(self, step: Stepped) -> Iterator[str]:
        """What the version before fails with after this migration, reading or writing a row."""
        import psycopg  # noqa: PLC0415  # optional, see the extra `rehearse`

        asking = self.asking(BUSY)
        with asking.connection as connection:
            for name, statement in self._statements(step):
                try:
                    with connection.transaction(force_rollback=True):
                        connection.execute(statement.encode())
                except psycopg.Error as error:
                    yield f"{name}: {error.diag.message_primary or error}"

    def _statements(self, step: Stepped) -> Iterator[tuple[str, str]]:
        """What the version before reads and writes: each with its table's name."""
        for number in touched(step):
            if number in self.places:
                name, place = self.places[number]
                columns = ", ".join(quoted(each.name) for each in step.before[number].columns.values())
                yield name, f"SELECT {columns} FROM {place} LIMIT 1"  # noqa: S608  # quoted
                yield name, self.kept.get(name, "")

    def prepare(self, asking: Asking) -> None:
        """Keep every table's place, and the statement with which the version before puts a row into it."""
        for number, schema, name in asking.ask(_RELATIONS):
            if asking.counts(schema, name):
                self.places[number] = (named(schema, name), quoted(schema, name))
        for table in self.old:
            count = self.filled.get(table.oid, 0)
            if count:
                self.kept[table.told] = insertion(asking, table, self.filled, 10 * count + 7)

    def _written_between(self, migrations: Sequence[Migration], steps: list[Stepped]) -> Acted:
        """Write a row into each table that is still there, go back, and count."""
        began, name = time.monotonic(), "back with rows written in between"
        numbers = {number for step in steps for number in touched(step)}
        if not numbers or not all(one.down for one in migrations) or any(step.gave_up for step in steps):
            return Acted(name=name, ok=True, said="not tried: nothing was written, or there is no way back")
        written = self._write(numbers)
        for one in reversed(migrations):
            done = self.place.run(one.down, self.root, BUSY)
            if not done.ran.good:
                said = f"{one.name} {failed(done)}"
                return Acted(name=name, ok=False, said=said, seconds=time.monotonic() - began, beside=True)
        gone = self._gone(written)
        said = f"lost {gone}" if gone else f"{len(written)} of {len(written)} tables keep them"
        return Acted(name=name, ok=not gone, said=said, seconds=time.monotonic() - began, beside=True)

    def _write(self, numbers: set[int]) -> dict[str, int]:
        """One row more in each of these tables as they are now; the counts with them, by name."""
        import psycopg  # noqa: PLC0415  # as above

        asking, written = self.asking(BUSY), dict[str, int]()
        with asking.connection as connection:
            for table in tables_of(asking):
                count = self.filled.get(table.oid, 0)
                if table.oid not in numbers or not count:
                    continue
                try:
                    connection.execute(insertion(asking, table, self.filled, 10 * count + 9).encode())
                except (psycopg.Error, ValueError):
                    continue
                # What the migration itself put in may be taken out again; what was there before may not.
                written[str(table.oid)] = count + 1
        return written

    def _gone(self, written: Mapping[str, int]) -> str:
        """The first table that has fewer rows than the base's and the one that was written, in words."""
        asking = self.asking(BUSY)
        with asking.connection:
            for table in tables_of(asking):
                wanted = written.get(str(table.oid))
                if wanted is None:
                    continue
                count = asking.one(f"SELECT count(*) FROM {table.quoted}")[0]  # noqa: S608  # quoted
                if count < wanted:
                    return f"{wanted - count:,} of {wanted:,} rows of {table.told}"
        return ""
