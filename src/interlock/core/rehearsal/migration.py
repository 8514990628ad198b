"""What a database migration does, by what was seen of it and never by its text.

Rules:
1. A table whose file changed was *rewritten*; one of which rows were read by a transaction while it held a lock
   that keeps everybody out was *scanned*. A lock that keeps writers out *blocks* them for as long as was measured
   and, behind a reader that takes its time, for as long as that one does.
2. What going back did not bring back is *irreversible*: values that are gone, a way back that failed or that
   nobody wrote. What is missing here is neither.
3. Columns are known by their place in the table, so that a new name is a new name and no loss.
4. Of the class that matters most is spoken first.
5. What touched no row here is *unshown*: it may lose rows that are really there, and may not. It is not called
   reversible.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from interlock.core.change.canonical import Json
from interlock.core.rehearsal.brief import brief
from interlock.core.rehearsal.fingerprint import Difference

MODES = {
    "AccessExclusiveLock": "ACCESS EXCLUSIVE",
    "ExclusiveLock": "EXCLUSIVE",
    "ShareRowExclusiveLock": "SHARE ROW EXCLUSIVE",
    "ShareLock": "SHARE",
    "ShareUpdateExclusiveLock": "SHARE UPDATE EXCLUSIVE",
    "RowExclusiveLock": "ROW EXCLUSIVE",
}
"""From the strongest to the weakest that is told."""
KEEPS_OUT = tuple(MODES)[:4]
"""Those that keep writers out; the first keeps readers out too."""
CLASSES = ("irreversible", "unshown", "rewrite", "scan", "blocks", "exclusive", "data", "old-version", "free")
SHOWN, FINDINGS, LOCKS = 8, 4, 5
NAMED, SAID = 80, 240
"""How many of each, and how many letters of each, are signed: a predicate has an upper bound."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Col:
    """One column: its name, its type and whether it must be set."""

    name: str
    kind: str
    required: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TableState:
    """One table at one moment; ``changes`` are rows put in, set and taken out, counted from its beginning.

    ``file`` is where it lies on disk, ``indexes`` are those that can be used.
    """

    name: str
    file: int
    columns: Mapping[int, Col]
    indexes: frozenset[str] = frozenset()
    changes: tuple[int, int, int] = (0, 0, 0)

    @property
    def written(self) -> int:
        """Every row that was put in, set or taken out."""
        return sum(self.changes)


State = Mapping[int, TableState]
"""Every table by its number, which it keeps when it is renamed and when it is copied with its database."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stepped:
    """One migration that went up. ``blocked`` and ``behind`` are seconds by table, ``errors`` the old version's.

    ``read`` is how many rows of a table were read under a lock of it, in the transaction that held it. ``unshown``
    is what touched nothing here. ``back`` says how going back failed, None where it did not or was not tried.
    """

    name: str
    seconds: float
    before: State
    after: State
    locks: frozenset[tuple[int, str]]
    read: Mapping[int, int] = field(default_factory=dict)
    unshown: tuple[str, ...] = ()
    blocked: Mapping[str, float] = field(default_factory=dict)
    behind: Mapping[str, float] = field(default_factory=dict)
    gave_up: str = ""
    errors: tuple[str, ...] = ()
    back: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that a migration does, of one of ``CLASSES``, in words."""

    kind: str
    told: str


def touched(step: Stepped) -> tuple[int, ...]:
    """The tables of before that it changed, wrote to, or kept somebody out of."""
    held = {table for table, mode in step.locks if mode in KEEPS_OUT}
    return tuple(
        number for number, was in step.before.items() if number in held or _differs(was, step.after.get(number))
    )


def _differs(was: TableState, now: TableState | None) -> bool:
    return now is None or (was.file, was.columns, was.indexes, was.written, was.name) != (
        now.file,
        now.columns,
        now.indexes,
        now.written,
        now.name,
    )


def findings(step: Stepped, rows: Mapping[str, int], lost: tuple[Difference, ...]) -> tuple[Finding, ...]:
    """Everything about one migration; ``rows`` by table's name, ``lost`` are the values it is to blame for."""
    found = [*_irreversible(step, lost)]
    found += [Finding(kind="unshown", told=one) for one in step.unshown]
    found += [*_held(step, rows), *_written(step)]
    found += [Finding(kind="old-version", told=f"the version before fails: {one}") for one in step.errors[:3]]
    if not any(one.kind in {"rewrite", "scan", "blocks", "exclusive", "data"} for one in found):
        found.append(Finding(kind="free", told="keeps nobody out"))
    return tuple(sorted(found, key=lambda one: CLASSES.index(one.kind)))


def blamed(steps: tuple[Stepped, ...], left: tuple[Difference, ...]) -> tuple[tuple[Difference, ...], ...]:
    """For each migration the values that are not there again for what it did: what it did most to them counts."""
    found: list[list[Difference]] = [[] for _ in steps]
    for one in left:
        table, _, column = one.item.removeprefix("table ").partition(" values of ")
        if not column or one.before is None:
            continue
        weights = [_did(step, table, column) for step in steps]
        if max(weights, default=0):
            found[weights.index(max(weights))].append(one)
    return tuple(tuple(each) for each in found)


def _did(step: Stepped, table: str, column: str) -> int:
    """How much a migration did to a column: 3 it is gone, 2 it is of another type, 1 something was written."""
    for number, was in step.before.items():
        if was.name != table:
            continue
        now = step.after.get(number)
        places = [place for place, each in was.columns.items() if each.name == column]
        if now is None or any(place not in now.columns for place in places):
            return 3
        if any(now.columns[place].kind != was.columns[place].kind for place in places):
            return 2
        return int(bool(places) and (now.written != was.written or now.file != was.file))
    return 0


def _irreversible(step: Stepped, lost: tuple[Difference, ...]) -> Iterator[Finding]:
    if step.back is not None:
        yield Finding(kind="irreversible", told=f"no way back: {step.back}")
    for one in lost:
        table, _, column = one.item.removeprefix("table ").partition(" values of ")
        was, now = _set(one.before), _set(one.after)
        now = now if now != was else f"{now}, to other values"
        yield Finding(kind="irreversible", told=f"the values of {table}.{column} are lost: {was}, then {now}")


def _of_rows(one: Difference) -> bool:
    """Whether it is about rows that were there."""
    return one.before is not None and (" values of " in one.item or one.item.endswith(" rows"))


def _set(text: str | None) -> str:
    return "gone" if text is None else text.partition(", checksum")[0]


def _held(step: Stepped, rows: Mapping[str, int]) -> Iterator[Finding]:
    """What it keeps out of each table, and for how long."""
    for number in touched(step):
        was, now = step.before[number], step.after.get(number)
        modes = [mode for mode in MODES if (number, mode) in step.locks and mode in KEEPS_OUT]
        if not modes:
            continue
        what = _what(was, now)
        read = 0 if now is None else step.read.get(number, 0)
        rewritten = now is not None and now.file != was.file
        exclusive = modes[0] == "AccessExclusiveLock"
        kind = "rewrite" if rewritten else "scan" if read and exclusive else "exclusive" if exclusive else "blocks"
        how = f"rewrites {was.name}" if rewritten else f"reads through {was.name}" if read else f"locks {was.name}"
        yield Finding(kind=kind, told=f"{how}{what}: {_lasting(step, was.name, MODES[modes[0]], rows)}")


def _what(was: TableState, now: TableState | None) -> str:
    if now is None:
        return " (dropped)"
    told = [f"column {each.name} dropped" for place, each in was.columns.items() if place not in now.columns]
    told += [f"column {each.name} new" for place, each in now.columns.items() if place not in was.columns]
    for place, old in was.columns.items():
        new = now.columns.get(place)
        if new is None or new == old:
            continue
        told += [f"column {old.name} now {new.name}"] if new.name != old.name else []
        told += [f"{new.name} {old.kind} to {new.kind}"] if new.kind != old.kind else []
        told += [f"{new.name} not null"] if new.required and not old.required else []
    told += [f"index {name} new" for name in sorted(now.indexes - was.indexes)]
    return f" ({', '.join(told[:3])})" if told else ""


def _lasting(step: Stepped, table: str, mode: str, rows: Mapping[str, int]) -> str:
    keeps = "readers and writers" if mode == "ACCESS EXCLUSIVE" else "writers"
    told = f"{mode} keeps {keeps} out"
    if table in step.blocked:
        told += f", a writer waited {step.blocked[table]:.2f} s at {rows.get(table, 0):,} rows"
    if table in step.behind:
        told += f" and {step.behind[table]:.1f} s behind a slow reader"
    return told


def _written(step: Stepped) -> Iterator[Finding]:
    for number, was in step.before.items():
        now = step.after.get(number)
        if now is not None and now.written > was.written:
            count = now.written - was.written
            waited = step.blocked.get(was.name)
            how = f", a writer waited {waited:.2f} s" if waited is not None else ""
            yield Finding(kind="data", told=f"writes {count:,} rows of {was.name}{how}")


def told_of(steps: tuple[Stepped, ...], rows: Mapping[str, int], left: tuple[Difference, ...]) -> dict[str, Json]:
    """What is signed of the migrations: each with its class, its findings, its locks and its times."""
    each: list[Json] = []
    lost = blamed(steps, left)
    told = [findings(step, rows, mine) for step, mine in zip(steps, lost, strict=True)]
    for step, found in zip(steps[:SHOWN], told, strict=False):
        each.append(
            {
                "name": brief(step.name, NAMED),
                "class": found[0].kind,
                "seconds": round(step.seconds, 3),
                "findings": [{"class": one.kind, "told": brief(one.told, SAID)} for one in found[:FINDINGS]],
                "locks": _locks(step)[:LOCKS],
                "writers_blocked_seconds": round(max(step.blocked.values(), default=0.0), 3),
                "behind_reader_seconds": round(max(step.behind.values(), default=0.0), 3),
                **({"gave_up": brief(step.gave_up, SAID)} if step.gave_up else {}),
            }
        )
    kinds = [one.kind for found in told for one in found]
    whole = bool(steps) and not {"irreversible", "unshown"} & {*kinds} and not any(map(_of_rows, left))
    return {"migrations": each, "migrations_count": len(steps), "reversible": whole}


def _locks(step: Stepped) -> list[Json]:
    """The strongest lock on each table that was there before."""
    found: list[Json] = []
    for number, was in sorted(step.before.items(), key=lambda one: one[1].name):
        modes = [mode for mode in MODES if (number, mode) in step.locks]
        if modes:
            found.append({"table": brief(was.name, NAMED), "mode": MODES[modes[0]]})
    return found
