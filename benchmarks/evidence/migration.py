"""Rehearsals of migrations: how long one takes on a million rows, and how right it is about real ones.

    python -m benchmarks.evidence.migration [--rows 1000000] [--alembic DIR] [--django DIR] [--python FILE]

Rules:
1. A pair is one migration up and down with every look: from the first look to the last. The whole rehearsal is
   from nothing to a server that is gone, with the locks measured and a reader of 3 s.
2. Of a real project every migration is one case: the tables have rows, it goes up, it comes back in a copy. What
   it is called by reading is by its downgrade alone: ``raise``, ``pass`` and no reverse are irreversible. What it
   is called by rehearsing is what was seen: a way back that fails, or that leaves a difference. What touches no
   row even where rows are made up as it looks for them is undecidable, as it is in a rehearsal.
3. DIR is a checkout (``--alembic`` one with ``alembic.ini``), FILE the interpreter in which its needs are.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from benchmarks.evidence.migration_labels import labels

from interlock.core.rehearsal.fingerprint import Fingerprint, differences
from interlock.core.rehearsal.migration import State
from interlock.core.rehearsal.plan import RehearsalPlan
from interlock.core.rollout.plan import PluginPlan
from interlock.plugins.rehearsals.migration_doubts import Way, untouched
from interlock.plugins.rehearsals.migration_place import ThrowAway
from interlock.plugins.rehearsals.migration_rows import Filled, fill
from interlock.plugins.rehearsals.migration_scout import scouted
from interlock.plugins.rehearsals.migration_settings import settings_of
from interlock.plugins.rehearsals.migration_state import state_of
from interlock.plugins.rehearsals.migration_tables import tables_of
from interlock.plugins.rehearsals.migration_tools import Alembic, Django, Migration, Missing, failed
from interlock.plugins.rehearsals.postgres_migration import PostgresMigration
from interlock.plugins.rehearsals.sql_asking import Asking
from interlock.plugins.rehearsals.sql_fingerprint import sql_fingerprint
from interlock.plugins.world.programs import SystemPrograms
from interlock.ports.rehearsal import RehearsalScene
from interlock.road.rehearse import Stage, rehearse

TARGET, ROWS = "< 15 s", 60
APPS = """import json
from django.apps import apps
print(json.dumps({one.path: one.label for one in apps.get_app_configs()}))"""
BASE = """CREATE TABLE orders (id bigserial PRIMARY KEY, customer int NOT NULL, note text, paid numeric(10, 2),
  token text, placed timestamptz NOT NULL DEFAULT now());"""
PAIRS = {
    "a column more": ("ALTER TABLE orders ADD gift text", "ALTER TABLE orders DROP gift"),
    "a column less": ("ALTER TABLE orders DROP note", "ALTER TABLE orders ADD note text"),
    "another type": (
        "ALTER TABLE orders ALTER customer TYPE bigint",
        "ALTER TABLE orders ALTER customer TYPE int",
    ),
    "not null": ("ALTER TABLE orders ALTER token SET NOT NULL", "ALTER TABLE orders ALTER token DROP NOT NULL"),
    "an index": ("CREATE INDEX by_token ON orders (token)", "DROP INDEX by_token"),
    "an index beside writers": (
        "CREATE INDEX CONCURRENTLY by_token ON orders (token)",
        "DROP INDEX CONCURRENTLY by_token",
    ),
    "a volatile default": (
        "ALTER TABLE orders ADD key uuid DEFAULT gen_random_uuid()",
        "ALTER TABLE orders DROP key",
    ),
}
HOLDS = {"not null": {"orders": ["CHECK (token IS NOT NULL)"]}}
"""What is true of real rows where a pair would else refuse those that are made up."""


def scene_of(root: Path, base: str) -> RehearsalScene:
    return RehearsalScene(
        root=str(root), run="reh-1", change="chg-1", digest="sha256:0", service="shop", environment="staging",
        programs=SystemPrograms(str(root)), base=base,
    )  # fmt: skip


def repository(root: Path, up: str, down: str) -> str:
    """A repository whose last commit adds that migration; the commit before it."""
    own = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    steps = ({"0001.up.sql": BASE}, {"0002.up.sql": f"{up};", "0002.down.sql": f"{down};"})
    subprocess.run(["git", "init", "--quiet", root], check=True)
    for files in steps:
        for name, text in files.items():
            (root / name).write_text(text)
        subprocess.run(["git", "-C", root, "add", "--all"], check=True)
        subprocess.run(["git", "-C", root, *own, "commit", "--quiet", "--message", "x"], check=True)
    return subprocess.check_output(["git", "-C", root, "rev-parse", "HEAD^"], text=True).strip()


def pair(name: str, rows: int) -> dict[str, object]:
    """One pair on so many rows: the whole rehearsal, and the pair alone."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        base = repository(root, *PAIRS[name])
        settings = {"tool": "sql", "folder": ".", "rows": rows, "holds": HOLDS.get(name, {})}
        plan = RehearsalPlan(
            path="p", service="shop", environment="staging",
            driver=PluginPlan(kind="postgres-migration", settings=settings), probes=(),
        )  # fmt: skip
        began, told = time.monotonic(), []
        driver = PostgresMigration(plan, scene_of(root, base))
        try:
            stage = Stage(
                driver=driver, probes=driver.probes(), write=lambda _: None, steady=time.monotonic,
                told=lambda text: told.append((time.monotonic() - began, text)),
            )  # fmt: skip
            seen, found = rehearse(stage, 60.0)
        finally:
            driver.close()
        whole = time.monotonic() - began
    others = sum(one.seconds for one in seen.applied if not one.name.endswith(" up"))
    first = next(at for at, text in told if text.startswith("probing what is there before"))
    return {
        "pair": name,
        "seconds": round(whole - first - others, 2),
        "whole_seconds": round(whole, 2),
        "verdict": found.verdict,
        "class": seen.measured["migrations"][0]["class"],
        "blocked_seconds": seen.measured["migrations"][0]["writers_blocked_seconds"],
        "behind_reader_seconds": seen.measured["migrations"][0]["behind_reader_seconds"],
    }


# real projects


class Walk:
    """A real project's migrations, one after the other, in a database whose tables have rows."""

    def __init__(self, tool: str, root: Path, settings: dict[str, object]) -> None:
        read = settings_of({"tool": tool, "rows": ROWS, **settings})
        self.root = root
        self.place = ThrowAway(scene_of(root, "HEAD"), read)
        self.tool = Alembic(read, read.python) if tool == "alembic" else Django(read, read.python)
        self.place.start()
        self.added = self.tool.added(root, lambda argv: self.place.run(argv, root, "base"))
        self.known = labels(tool, root, self.apps(read.manage) if tool == "django" else {})

    def apps(self, manage: str) -> dict[str, str]:
        """Django's labels of the project's apps, by their folders."""
        done = self.place.run((self.tool.program(), manage, "shell", "-c", APPS), self.root, "base")
        told = next(line for line in done.out.decode().splitlines() if line.startswith("{"))
        return {str(Path(folder).resolve()): label for folder, label in json.loads(told).items()}

    def asking(self, database: str) -> Asking:
        """Asks one database."""
        without = ("interlock_seen.*", *self.tool.own)
        return Asking(connection=self.place.connect(database), until=time.monotonic() + 300, without=without)

    def look(self, database: str) -> Fingerprint:
        """What is in one database."""
        with self.place.connect(database) as connection:
            return sql_fingerprint(connection, without=self.tool.own)

    def empty(self) -> None:
        """No rows at all: what was made up before is none of the columns that came since."""
        asking = self.asking("base")
        with asking.connection as connection:
            for table in tables_of(asking):
                connection.execute(f"TRUNCATE {table.quoted} CASCADE".encode())

    def filled(self, migration: Migration) -> Filled:
        """Put rows into every table of the base, such as this migration looks for."""
        seen = scouted(self.place, self.root, self.asking, (migration,), {})
        asking = self.asking("base")
        with asking.connection:
            return fill(asking, ROWS, {}, seen.looked(asking))

    def state(self, database: str) -> State:
        """What the database says of its tables."""
        asking = self.asking(database)
        with asking.connection:
            return state_of(asking)

    def up(self, migration: Migration, *, heard: bool = False) -> str:
        """Why it did not go up; empty where it did."""
        done = self.place.run(migration.up, self.root, "base", heard=heard)
        return "" if done.ran.good else failed(done)

    def jump(self, migration: Migration) -> None:
        """Go up to here, over no rows where rows are in the way."""
        if self.up(migration):
            self.empty()
            if why := self.up(migration):
                raise Missing(f"{migration.name} to go up: {why}")

    def case(self, migration: Migration) -> dict[str, str]:
        """One migration there and back."""
        self.empty()
        try:
            filled = self.filled(migration)
            was, before = self.state("base"), self.look("base")
            with self.place.listening() as there:
                why = self.up(migration, heard=True)
            if why:
                self.jump(migration)
                return self.told(migration, "undecidable", f"up {why}")
            now = self.state("base")
            self.place.clone("work", "base")
            with self.place.listening() as back:
                verdict, why = judged(self.place, self.root, migration.down, before, self.look)
        except Missing as missing:
            return self.told(migration, "undecidable", f"needs {missing}")
        if verdict == "reversible":
            own = ("interlock_seen.*", *self.tool.own)
            up = Way(sent=there.sent, before=was, after=now, known=was, own=own)
            down = Way(sent=back.sent, before=now, after=self.state("work"), known=was, own=own)
            names = [one.name for key, one in was.items() if now.get(key) != one and one.name in filled.empty]
            if names:
                verdict, why = "undecidable", f"no rows in {', '.join(names)}: {filled.empty[names[0]]}"
            elif nothing := (*untouched(up), *untouched(down, back=True)):
                verdict, why = "undecidable", f"touches no row here: {nothing[0]}"
        return self.told(migration, verdict, why)

    def told(self, migration: Migration, verdict: str, why: str) -> dict[str, str]:
        """One case, as it is written."""
        label = self.known.get(migration.name, "unknown")
        return {"name": migration.name, "label": label, "verdict": verdict, "why": why[:200]}


def real(
    tool: str, root: Path, settings: dict[str, object], every: int, json_to: Path | None
) -> list[dict[str, str]]:
    """Every migration that is irreversible by its downgrade, and every so many of the others."""
    cases: list[dict[str, str]] = []
    walk = Walk(tool, root, settings)
    try:
        skipped: Migration | None = None
        for number, migration in enumerate(walk.added):
            if number % every and walk.known.get(migration.name) != "irreversible":
                skipped = migration
                continue
            if skipped is not None:
                walk.jump(skipped)
                skipped = None
            cases.append(walk.case(migration))
            print(number, cases[-1], flush=True)
            if json_to:
                json_to.write_text(json.dumps({"of": len(walk.added), "cases": cases}, indent=1) + "\n")
    finally:
        walk.place.close()
    return cases


def judged(
    place: ThrowAway, root: Path, down: tuple[str, ...], before: Fingerprint, look: Callable[[str], Fingerprint]
) -> tuple[str, str]:
    """What going back in the copy comes to, and why."""
    done = place.run(down, root, "work", heard=True)
    if not done.ran.good:
        return "irreversible", f"no way back: {failed(done)}"
    left = differences({"": before}, {"": look("work")})
    lost = [one for one in left if " values of " in one.item or one.item.endswith(" rows")]
    if not left:
        return "reversible", ""
    return "irreversible", f"{'values are lost' if lost else 'schema differs'}: {(lost or left)[0].told}"


def score(cases: list[dict[str, str]]) -> dict[str, object]:
    """Precision and recall of *irreversible* against the labels; what was not decided counts in neither."""
    decided = [
        one for one in cases if one["label"] in {"reversible", "irreversible"} and one["verdict"] != "undecidable"
    ]
    counts = Counter((one["label"], one["verdict"]) for one in decided)
    right = counts["irreversible", "irreversible"]
    called, are = right + counts["reversible", "irreversible"], right + counts["irreversible", "reversible"]
    against = Counter(
        one["why"].partition(":")[0]
        for one in decided
        if (one["label"], one["verdict"]) == ("reversible", "irreversible")
    )
    return {
        "cases": len(cases),
        "decided": len(decided),
        "undecidable": len([one for one in cases if one["verdict"] == "undecidable"]),
        "nothing": len([one for one in cases if one["label"] == "nothing"]),
        "right": right,
        "precision": right / called if called else None,
        "recall": right / are if are else None,
        "called_against_the_label": dict(against),
        "missed": [
            one["name"] for one in decided if (one["label"], one["verdict"]) == ("irreversible", "reversible")
        ],
    }


def rows() -> list[dict[str, object]]:
    """For the page of measurements. Real projects are where MIGRATIONS_ALEMBIC and MIGRATIONS_DJANGO say."""
    count = int(os.environ.get("MIGRATIONS_ROWS", "1000000"))
    found: list[dict[str, object]] = []
    for name in PAIRS:
        one = pair(name, count)
        print(one, flush=True)
        note = f"{one['verdict']}, {one['class']}; a writer waited {one['blocked_seconds']} s"
        note += f", {one['behind_reader_seconds']} s behind a reader of 3 s; in all {one['whole_seconds']} s"
        found.append(
            {
                "figure": f"migration there and back with every look, {count:,} rows: {name}",
                "value": one["seconds"],
                "unit": "s",
                "target": TARGET,
                "note": note,
            }
        )
    for tool in ("alembic", "django"):
        file = os.environ.get(f"MIGRATIONS_{tool.upper()}")
        if file:
            told = json.loads(Path(file).read_text())
            found += shown(tool, told["of"], told["cases"])
    return found


def shown(tool: str, of: int, cases: list[dict[str, str]]) -> list[dict[str, object]]:
    """The rows of one real project."""
    told = score(cases)
    against = ", ".join(f"{count} {why}" for why, count in told["called_against_the_label"].items())
    head = f"{told['cases']} of {of} real migrations ({tool}), {told['decided']} decided"
    return [
        {
            "figure": f"{head}: of those called irreversible by rehearsal, so by their downgrade",
            "value": told["precision"],
            "note": f"the others: {against or 'none'}",
        },
        {
            "figure": f"{head}: of those irreversible by their downgrade, so called by rehearsal",
            "value": told["recall"],
            "note": f"{told['right']} found, {len(told['missed'])} missed; "
            f"{told['undecidable']} undecidable, {told['nothing']} do nothing",
        },
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--alembic", type=Path)
    parser.add_argument("--django", type=Path)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--programs", default="", help="folder of a PostgreSQL that has the project's extensions")
    parser.add_argument("--settings", type=json.loads, default={}, help="more settings of the driver, as JSON")
    parser.add_argument("--every", type=int, default=1, help="of those that have a way back")
    parser.add_argument("--json", type=Path, help="where each case of a real project is written")
    given = parser.parse_args()
    tool = "alembic" if given.alembic else "django" if given.django else ""
    if not tool:
        for name in PAIRS:
            print(pair(name, given.rows), flush=True)
        return
    settings = {"python": given.python, "programs": given.programs, **given.settings}
    cases = real(tool, (given.alembic or given.django).resolve(), settings, given.every, given.json)
    print(json.dumps(score(cases), indent=2))


if __name__ == "__main__":
    main()
