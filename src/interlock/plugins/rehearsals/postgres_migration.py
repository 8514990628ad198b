"""The driver ``postgres-migration``: a change's migrations there and back, in a PostgreSQL that is thrown away.

Rules:
1. The base's schema is brought by the tool as the base has it, and every table gets rows. The migrations that the
   change adds go up one by one in a copy of it, and come back in reverse.
2. It brings the probe that looks at that copy: schema, rows and sequences by name.
3. What goes wrong before the change's own migrations, and whatever is missing here, is undecidable and never
   irreversible. So is a migration of a table that no row could be put into.
4. It is run once beforehand, over few rows, to hear what it looks for: those values are in the rows that count.
   What touched no row nevertheless leaves it undecided, unless something else is wrong.
5. What is measured (locks, waiting, what was written in between) is measured on further copies.
6. Everything goes with this process. There is nothing to bring back.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from interlock.core.change.canonical import Json
from interlock.core.rehearsal.brief import brief
from interlock.core.rehearsal.fingerprint import Fingerprint, differences
from interlock.core.rehearsal.going_back import Before, GoingBack
from interlock.core.rehearsal.migration import State, Stepped, told_of, touched
from interlock.core.rehearsal.outcome import Acted
from interlock.core.rehearsal.plan import RehearsalPlan
from interlock.plugins.rehearsals import migration_back
from interlock.plugins.rehearsals.migration_doubts import Way, untouched
from interlock.plugins.rehearsals.migration_effects import Looks, left_out_none, needed, only_read, told, unchanged
from interlock.plugins.rehearsals.migration_files import SqlFiles
from interlock.plugins.rehearsals.migration_holds import holding
from interlock.plugins.rehearsals.migration_lacks import refusing, unset
from interlock.plugins.rehearsals.migration_measuring import Measuring
from interlock.plugins.rehearsals.migration_place import ThrowAway
from interlock.plugins.rehearsals.migration_routines import Routine, routines_of, with_routines
from interlock.plugins.rehearsals.migration_rows import Filled, fill
from interlock.plugins.rehearsals.migration_scout import Scouted, scouted
from interlock.plugins.rehearsals.migration_settings import NAME, MigrationSettings, settings_of
from interlock.plugins.rehearsals.migration_state import parts_of, state_of
from interlock.plugins.rehearsals.migration_tables import tables_of
from interlock.plugins.rehearsals.migration_tools import (
    Alembic,
    Django,
    Migration,
    Missing,
    Tool,
    failed,
    interpreter,
    words_of,
)
from interlock.plugins.rehearsals.migration_watch import SCHEMA, install, sampling
from interlock.plugins.rehearsals.reading import refuse
from interlock.plugins.rehearsals.sql_asking import Asking
from interlock.plugins.rehearsals.sql_fingerprint import sql_fingerprint
from interlock.plugins.rehearsals.sql_wire import Heard
from interlock.plugins.rehearsals.sql_words import shortened
from interlock.ports.rehearsal import Probe, RehearsalScene

WORK = "work"
PROBE = "database"
MOST_EMPTY, EMPTY_SAID = 8, 160
MOST, NAMED = 30, 80


class PostgresMigration:
    """The driver; see the rules above. ``place`` makes where it takes place."""

    def __init__(
        self,
        plan: RehearsalPlan,
        scene: RehearsalScene,
        place: Callable[[RehearsalScene, MigrationSettings], ThrowAway] = ThrowAway,
    ) -> None:
        self._settings, self._scene, self._make = settings_of(plan.driver.settings), scene, place
        for key, steps in (("apply", plan.apply), ("rollback", plan.rollback)):
            if steps:
                hint = f"remove {key}: the migrations are its steps"
                raise refuse(f"no steps for the driver `{NAME}`", key, hint=hint, path=())
        self._root = Path(scene.root)
        self._place: ThrowAway | None = None
        self._added: tuple[Migration, ...] = ()
        self._filled = Filled()
        self._steps: list[Stepped] = []
        self._looks: list[Fingerprint] = []
        self._measuring: Measuring | None = None
        self._without: tuple[str, ...] = ()
        self._looks_for = Scouted()
        self._unshown: list[tuple[str, str]] = []
        self._ways: list[Way] = []
        self._rows: dict[str, int] = {}
        self._idle = ""

    @staticmethod
    def going_back(plan: RehearsalPlan, before: Before) -> GoingBack:
        """The tool's own commands."""
        return migration_back.going_back(settings_of(plan.driver.settings), before)

    def needs(self) -> str:
        """Make the place: the base's schema with rows in it, and a copy of that."""
        try:
            self._prepare()
        except Missing as missing:
            return str(missing)
        return ""

    def idle(self) -> str:
        """Why there is nothing to take there and back."""
        return self._idle

    def probes(self) -> Mapping[str, Probe]:
        """The one that looks at the copy in which the migrations go there and back."""
        return {PROBE: self}

    def look(self) -> Fingerprint:
        """What is in that copy now."""
        try:
            with self._open.connect(WORK) as connection:
                found = sql_fingerprint(connection, without=self._without, seconds=self._settings.timeout)
        except Missing as missing:
            found = Fingerprint(items={}, failed=f"needs {missing}")
        self._looks.append(found)
        return found

    def apply(self) -> Iterator[Acted]:
        """Each migration up; then what it does to others, on further copies."""
        for migration in self._added:
            acted, step = self._up(migration)
            yield acted
            if step is None:
                return
            self._steps.append(step)
        if empty := self._blind():
            yield Acted(name="rows", ok=False, said=f"no rows in {empty}", needs=f"rows in {empty} (seed:)")
            return
        if self._measuring is not None:
            try:
                yield from self._measuring.measured(self._added, self._steps)
            except Missing as missing:
                yield Acted(name="measuring", ok=False, said=f"needs {missing}", needs=str(missing))

    def roll_back(self) -> Iterator[Acted]:
        """Each migration that went up down again, in reverse; then what of all that showed nothing."""
        for number in reversed(range(len(self._steps))):
            acted = self._down(number)
            if not acted.ok and not acted.needs:
                self._steps[number] = replace(self._steps[number], back=acted.said)
            yield acted
            if not acted.ok:
                return
        if self._unshown:
            said = f"`{self._unshown[0][0]}` showed nothing"
            yield Acted(name="rows for every statement", ok=False, said=said, doubt=needed(self._unshown))

    def measured(self) -> Mapping[str, Json]:
        """The migrations with their classes, locks and times; the tables without a row."""
        looks = self._looks
        left = differences({PROBE: looks[0]}, {PROBE: looks[-1]}) if len(looks) > 1 else ()
        empty: list[Json] = [
            brief(f"{name}: {why}", EMPTY_SAID) for name, why in sorted(self._filled.empty.items())
        ]
        untried: list[Json] = [brief(one, EMPTY_SAID) for one in self._untried()]
        version = self._place.version // 10_000 if self._place else 0
        rows = max(self._filled.rows.values(), default=0)
        return {
            "postgresql": version,
            "tables": len(self._filled.rows),
            "rows": rows,
            "empty": empty[:MOST_EMPTY],
            "empty_count": len(empty),
            "untried": untried[:MOST_EMPTY],
            "untried_count": len(untried),
            "back": migration_back.noted(self._added),
            **told_of(tuple(self._steps), {**self._filled.rows, **self._rows}, left),
        }

    def close(self) -> None:
        """Throw everything away."""
        if self._place is not None:
            self._place.close()
            self._place = None

    def _untried(self) -> Iterator[str]:
        """What no row holds, in words."""
        for name, held in self._settings.holds.items():
            yield f"{name}: rows against {', '.join(held)}, by the plan"
        if self._looks_for.refusing:
            by = shortened(self._looks_for.refusing)
            yield f"unusual values (the largest, the longest): `{by}` refuses them"
        yield from (f"{name}: {why}" for name, why in sorted(self._filled.untried.items()))

    @property
    def _open(self) -> ThrowAway:
        if self._place is None:
            raise RuntimeError("expected a place that was made, got none")
        return self._place

    def _prepare(self) -> None:
        self.close()
        self._idle = ""
        self._place = place = self._make(self._scene, self._settings)
        place.start()
        tool = self._tool(place)
        if why := self._scene.programs.missing(tool.program()):
            raise Missing(f"`{tool.program()}`: {why}")
        base = place.base()
        if tool.there(base / self._settings.directory):
            tool.base(base / self._settings.directory, lambda argv: place.run(argv, base, "base"))
        self._seed(base)
        where = self._root / self._settings.directory
        self._added = tool.added(where, lambda argv: place.run(argv, self._root, "base"))
        if not self._added:
            self._idle = "no migration among what the change adds"
            return
        if len(self._added) > MOST:
            raise Missing(f"a change of at most {MOST} migrations, and this one adds {len(self._added)}")
        self._without = (f"{SCHEMA}.*", *tool.own, *self._settings.without)
        self._looks_for = scouted(place, self._root, self._asking, self._added, self._settings.holds)
        self._fill()
        place.clone(WORK, "base")

    def _tool(self, place: ThrowAway) -> Tool:
        settings = self._settings
        if settings.tool == "sql":
            return SqlFiles(settings, place.scratch)
        python = interpreter(settings.python, self._scene.root)
        return Alembic(settings, python) if settings.tool == "alembic" else Django(settings, python)

    def _seed(self, base: Path) -> None:
        if not self._settings.seed:
            return
        file, place = base / self._settings.seed, self._open
        if not file.is_file():
            raise Missing(f"the seed `{self._settings.seed}` in the base")
        done = place.run(SqlFiles(self._settings, place.scratch).sql(file), base, "base")
        if not done.ran.good:
            raise Missing(f"a seed that fits the base: it {done.ran.told}")

    def _fill(self) -> None:
        asking = self._asking("base")
        with asking.connection as connection:
            install(connection)
            with holding(asking, self._settings.holds):
                looked = self._looks_for.looked(asking)
                self._filled = fill(asking, self._settings.rows, self._settings.tables, looked)
            old = tables_of(asking)
            self._measuring = Measuring(
                place=self._open,
                root=self._root,
                asking=self._asking,
                old=old,
                filled={each.oid: self._filled.rows.get(each.told, 0) for each in old} | self._wholes(asking),
                without=self._without,
                reader=self._settings.reader,
            )
            self._measuring.prepare(asking)

    def _wholes(self, asking: Asking) -> dict[int, int]:
        """How many rows each partitioned table has, which has them in its partitions."""
        found: dict[int, int] = {}
        parts = parts_of(asking)
        for number, one in state_of(asking).items():
            if one.name in parts:
                self._rows[one.name] = found[number] = sum(
                    self._filled.rows.get(each, 0) for each in parts[one.name]
                )
        return found

    def _asking(self, database: str) -> Asking:
        until = time.monotonic() + self._settings.timeout
        return Asking(connection=self._open.connect(database), until=until, without=self._without)

    def _state(self) -> State:
        asking = self._asking(WORK)
        with asking.connection:
            return state_of(asking)

    def _there(self) -> Mapping[str, tuple[Routine, ...]]:
        """The routines in that copy now."""
        asking = self._asking(WORK)
        with asking.connection:
            return routines_of(asking)

    def _way(
        self, heard: Heard, there: Mapping[str, tuple[Routine, ...]], before: State, known: State | None = None
    ) -> Way:
        """What was heard, by what was there."""
        asking = self._asking(WORK)
        with asking.connection:
            return Way(
                sent=with_routines(heard.sent, there),
                before=before,
                after=state_of(asking),
                known=before if known is None else known,
                own=self._without,
                parts=parts_of(asking),
                program=self._settings.tool != "sql",
            )

    def _up(self, migration: Migration) -> tuple[Acted, Stepped | None]:
        name, began = f"{migration.name[:NAMED]} up", time.monotonic()
        try:
            before, there = self._state(), self._there()
            with sampling(lambda who: self._open.connect(WORK, who)) as seen, self._open.listening() as heard:
                began = time.monotonic()
                done = self._open.run(migration.up, self._root, WORK, heard=True)
                took = time.monotonic() - began
            way = self._way(heard, there, before) if done.ran.good else None
        except Missing as missing:
            return Acted(name=name, ok=False, said=f"needs {missing}", needs=str(missing)), None
        if way is None:
            said = words_of((done.out, done.error))
            return Acted(
                name=name, ok=False, said=f"{failed(done)}{unset(said)}", seconds=took, needs=refusing(said)
            ), None
        self._ways.append(way)
        step = Stepped(
            name=migration.name,
            seconds=took,
            before=before,
            after=way.after,
            locks=frozenset(seen.locks),
            read=seen.read,
        )
        return Acted(name=name, ok=True, said=done.ran.said, seconds=took), step

    def _down(self, number: int) -> Acted:
        migration = self._added[number]
        name, began = f"{migration.name[:NAMED]} down", time.monotonic()
        if not migration.down:
            return Acted(name=name, ok=False, said="nobody wrote one")
        try:
            before, there = self._state(), self._there()
            with self._open.listening() as heard:
                done = self._open.run(migration.down, self._root, WORK, heard=True)
            took = time.monotonic() - began
            way = self._way(heard, there, before, self._steps[number].before) if done.ran.good else None
        except Missing as missing:
            return Acted(name=name, ok=False, said=f"needs {missing}", needs=str(missing))
        if way is None:
            return Acted(name=name, ok=False, said=failed(done), seconds=took)
        self._doubt(number, way)
        return Acted(name=name, ok=True, said=done.ran.said, seconds=took)

    def _doubt(self, number: int, back: Way) -> None:
        """Note what of this migration touched nothing, there or back."""
        there = self._ways[number]
        none = [*untouched(there), *untouched(back, back=True)]
        same: list[str] = []
        whole: list[str] = []
        if len(self._looks) > 1:
            looks = Looks(before=self._looks[0], after=self._looks[1])
            same = [each for each in unchanged(there, looks) if each not in none]
            whole = [each for each in left_out_none(there, looks) if each not in none]
        read = [each for each in dict.fromkeys((*only_read(there), *only_read(back))) if each not in none]
        said = (
            *told(none, how="touched no row here"),
            *told(same, how="changed no value here"),
            *told(whole, how="left out no row here"),
            *told(read, how="is read, and nothing is written there"),
        )
        self._unshown += [(each, "changes") for each in (*none, *same)]
        self._unshown += [(each, "leaves out") for each in whole]
        self._unshown += [(each, "finds and the migration itself changes") for each in read]
        self._steps[number] = replace(self._steps[number], unshown=said)

    def _blind(self) -> str:
        """A table that a migration touched and that no row could be put into."""
        names = [step.before[number].name for step in self._steps for number in touched(step)]
        return ", ".join(dict.fromkeys(name for name in names if name in self._filled.empty))
