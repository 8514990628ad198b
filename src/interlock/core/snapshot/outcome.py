"""What came of a snapshot: whether what was saved is there again, and how old it is.

Rules:
1. *Passed* means: it was restored somewhere else, and what was restored is the source's state of the moment at
   which it was taken: schema, rows and sequences, everything by name.
2. Of one that somebody took before, the source has moved on. Its schema must be the source's; a table must be as
   the source has it now, or, where it is marked, hold every row that the source has from before it was taken, as
   it is there. What can be told neither way, and a mark that is of no row from before, is undecided; so are rows
   of a marked table that the source no longer has, where the plan does not say that rows of it are deleted.
3. One that does not restore, lacks something, is older than it claims or older than it may be is no snapshot. So
   is one that claims to be from later than now.
4. What is missing here (a program, an extension, another PostgreSQL) makes it undecidable, not bad.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from interlock.core.change.canonical import Json
from interlock.core.rehearsal.fingerprint import Difference, Fingerprint, differences
from interlock.core.rollout.phrases import amount
from interlock.core.snapshot.plan import SnapshotPlan

Verdict = Literal["passed", "failed", "undecidable"]
SHOWN, SAID = 20, 300
_NAMED = 5
AHEAD = 300.0
"""Seconds by which two clocks may differ."""
_MINUTE = "%Y-%m-%d %H:%M:%S UTC"


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A backup: ``at`` is when it was taken, or is said to have been; ``digest`` and ``size`` (bytes) of its file.

    ``source`` is the source at that moment, or now where that has passed; ``later`` is the source afterwards,
    where a program of the plan's took it. ``failed`` and ``needs`` say why there is none.
    """

    file: str = ""
    digest: str = ""
    size: int = 0
    at: datetime | None = None
    source: Fingerprint | None = None
    later: Fingerprint | None = None
    server: str = ""
    failed: str = ""
    needs: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lacking:
    """Of a marked table: of the source's rows that were there by then, how many are not in what was restored.

    ``older`` are there with an older mark, ``changed`` with other values though their mark is no older.
    ``unmarked`` rows of the source have no mark and are not there as they are; ``gone`` are there and no longer in
    the source. ``newest`` is the newest mark among
    those that are there, for people; ``failed`` says why nobody could count.
    """

    rows: int = 0
    older: int = 0
    changed: int = 0
    unmarked: int = 0
    gone: int = 0
    of: int = 0
    newest: str = ""
    failed: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Everything that was done. ``restored`` is None where nothing was; ``failed`` is why, as the program said it.

    ``lacking`` is by table. ``seconds`` are by step.
    """

    taken: Taken
    now: datetime
    restored: Fingerprint | None = None
    failed: str = ""
    needs: str = ""
    lacking: Mapping[str, Lacking] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The verdict with its reasons; ``differing`` is what is not as in the source; ``age`` in seconds."""

    verdict: Verdict
    reasons: tuple[str, ...]
    differing: tuple[Difference, ...]
    age: float

    @property
    def good(self) -> bool:
        """Whether it is a snapshot."""
        return self.verdict == "passed"


def table_of(item: str) -> str:
    """The table that an item about rows speaks of; empty for any other item."""
    if not item.startswith("table "):
        return ""
    name = item.removeprefix("table ")
    if name.endswith(" rows"):
        return name.removesuffix(" rows")
    return name.partition(" values of ")[0] if " values of " in name else ""


def unlike(source: Fingerprint, restored: Fingerprint) -> tuple[Difference, ...]:
    """What is not as in the source. An extension's version is the throw-away server's, and not the backup's."""
    before, after = ({"database": _without_versions(each)} for each in (source, restored))
    return differences(before, after)


def outcome(plan: SnapshotPlan, seen: Seen) -> Outcome:
    """What it comes to."""
    taken = seen.taken
    age = max(0.0, (seen.now - taken.at).total_seconds()) if taken.at else 0.0
    differing = unlike(taken.source, seen.restored) if taken.source and seen.restored else ()
    bad, open_ = _judged(plan, seen, differing)
    reasons = [*bad, *open_]
    needs = taken.needs or seen.needs
    if needs:
        reasons.insert(0, f"could not be decided here: needs {needs}")
    ahead = (taken.at - seen.now).total_seconds() if taken.at else 0.0
    if taken.at and ahead > AHEAD:
        bad.append("ahead")
        reasons.append(f"it claims to be of {taken.at:{_MINUTE}}, which is {_span(ahead)} from now")
    if taken.at and age > plan.age:
        bad.append("old")
        reasons.append(f"it is {_span(age)} old, and may be {_span(plan.age)}")
    verdict: Verdict = "undecidable" if needs else "failed" if bad else "undecidable" if open_ else "passed"
    return Outcome(verdict=verdict, reasons=tuple(reasons), differing=differing, age=age)


def _judged(plan: SnapshotPlan, seen: Seen, differing: tuple[Difference, ...]) -> tuple[list[str], list[str]]:
    """What is wrong with it, and what could not be told."""
    if seen.taken.failed:
        return [f"it could not be taken: {seen.taken.failed}"], []
    if seen.failed:
        return [f"it does not restore: {seen.failed}"], []
    blind = [each.failed for each in (seen.taken.source, seen.taken.later, seen.restored) if each and each.failed]
    if blind:
        return [], [f"a database could not be looked at: {each}" for each in dict.fromkeys(blind)]
    if plan.how == "existing":
        return _of_an_existing_one(plan, seen, differing)
    if not differing or (plan.how == "command" and _is_later(seen)):
        return [], []
    if plan.how == "command" and _moved(seen.taken):
        hint = "let the program dump with --snapshot=$SNAPSHOT_ID"
        return [], [f"the source changed while it was taken, so nobody knows which state it should have; {hint}"]
    return list(_told(differing)), []


def _of_an_existing_one(
    plan: SnapshotPlan, seen: Seen, differing: tuple[Difference, ...]
) -> tuple[list[str], list[str]]:
    moved = {table_of(one.item) for one in differing} - {""}
    made = [one for one in differing if not table_of(one.item)]
    gone = {one.item.removeprefix("table ") for one in made if one.after is None}
    bad = list(_told([one for one in differing if not table_of(one.item) or table_of(one.item) in gone]))
    open_ = []
    for table, found in sorted(seen.lacking.items()):
        if found.failed:
            open_.append(f"{table} could not be compared by its mark: {found.failed}")
        elif table in moved - gone:
            bad += _worse(plan, seen.taken, table, found)
            open_ += _unproven(plan, seen.taken, table, found)
    untold = sorted(moved - gone - set(plan.marks))
    if not untold:
        return bad, open_
    named = ", ".join(untold[:_NAMED]) + (f" and {len(untold) - _NAMED} more" if len(untold) > _NAMED else "")
    hint = (
        "name under marks: the column that says when a row was written, or under without: what need not be there"
    )
    return bad, [
        *open_,
        f"the source has moved on in {named}, so nobody can tell which state the backup has; {hint}",
    ]


def _worse(plan: SnapshotPlan, taken: Taken, table: str, found: Lacking) -> Iterator[str]:
    of = f"of {amount(found.of, 'rows')} of {table} from before then"
    if found.rows or found.older:
        lacks = [f"it lacks {found.rows:,}"] if found.rows else []
        lacks += [f"{found.older:,} are as they were before they were last written"] if found.older else []
        newest = f"; the newest it has is of {found.newest}" if found.newest else ""
        older = f"it restores an older state than that of {_claimed(taken)}, which it claims"
        yield f"{older}: {of} {' and '.join(lacks)}{newest}"
    if found.changed:
        yield (
            f"what it restores is not what was there at {_claimed(taken)}: {of} {found.changed:,} have "
            f"other values (every write must move {plan.marks.get(table, 'the mark')})"
        )


def _unproven(plan: SnapshotPlan, taken: Taken, table: str, found: Lacking) -> Iterator[str]:
    mark = plan.marks.get(table, "its mark")
    if not found.of:
        yield (
            f"no row of {table} is from before {_claimed(taken)} by {mark}, so nobody can tell which state the "
            "backup has"
        )
    if found.unmarked:
        yield (
            f"{found.unmarked:,} of the rows of {table} without {mark} are not in it as they are, and nobody can "
            "tell since when"
        )
    if found.gone and table not in plan.deletes:
        yield (
            f"{amount(found.gone, 'rows')} of {table} in it that the source no longer has: deleted since, or "
            f"it is of an older state than it claims, and nobody can tell which; where rows of {table} are "
            f"deleted in daily life, say so: deletes: [{table}]"
        )


def _claimed(taken: Taken) -> str:
    return f"{taken.at:{_MINUTE}}" if taken.at else "an unknown time"


def _told(differing: list[Difference] | tuple[Difference, ...]) -> Iterator[str]:
    gone = [one for one in differing if one.after is None and one.item.count(" ") == 1]
    for one in sorted(gone, key=lambda each: not each.item.startswith("table "))[:_NAMED]:
        yield f"it lacks {one.item}"
    inside = tuple(f"{one.item} " for one in gone)
    rest = [one for one in differing if one not in gone and not one.item.startswith(inside or ("\0",))]
    if rest:
        first = rest[0].told.removeprefix("database: ")
        count = "" if len(rest) == 1 else f"{len(rest)} things: "
        yield f"what it restores is not what was there: {count}{first}{', …' if len(rest) > 1 else ''}"


def _is_later(seen: Seen) -> bool:
    """Whether what was restored is the source as it was afterwards."""
    later, restored = seen.taken.later, seen.restored
    return later is not None and restored is not None and not unlike(later, restored)


def _moved(taken: Taken) -> bool:
    return taken.source is not None and taken.later is not None and bool(unlike(taken.source, taken.later))


def _without_versions(look: Fingerprint) -> Fingerprint:
    items = {name: "there" if name.startswith("extension ") else text for name, text in look.items.items()}
    return Fingerprint(items=items, failed=look.failed)


def _span(seconds: float) -> str:
    for unit, size in (("d", 86_400.0), ("h", 3_600.0), ("min", 60.0)):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"


def _equal(plan: SnapshotPlan, found: Outcome, compared: Collection[str]) -> int:
    """How many tables are as the source has them: of its moment, or now where somebody took it before."""
    taken_now = plan.how != "existing" and found.good
    moved = set() if taken_now else {table_of(one.item) for one in found.differing}
    tables = {table_of(name) for name in compared if name.endswith(" rows")} - {""}
    return len(tables - moved)


def _until(plan: SnapshotPlan, taken: Taken) -> str | None:
    return (taken.at - timedelta(seconds=plan.slack)).isoformat(timespec="seconds") if taken.at else None


def predicate(plan: SnapshotPlan, seen: Seen, found: Outcome) -> dict[str, Json]:
    """What is signed; the caller adds whose and when."""
    taken, compared = seen.taken, seen.restored.items if seen.restored else {}
    tables = [text for name, text in compared.items() if name.endswith(" rows") and table_of(name)]
    return {
        "verdict": found.verdict,
        "reasons": [one[:SAID] for one in found.reasons[:SHOWN]],
        "taken_by": plan.how,
        "taken_at": taken.at.isoformat(timespec="seconds") if taken.at else None,
        "age_seconds": round(found.age, 1),
        "age_limit_seconds": plan.age,
        "file": taken.file,
        "digest": taken.digest,
        "bytes": taken.size,
        "server": taken.server,
        "tables": len(tables),
        "rows": sum(int(text.partition(", ")[0].replace(",", "")) for text in tables),
        "tables_equal": _equal(plan, found, compared),
        "not_compared": [*plan.without],
        "marks_until": _until(plan, taken) if seen.lacking else None,
        "by_marks": {
            name: {
                "mark": plan.marks.get(name),
                "rows": one.of,
                "lacking": one.rows + one.older + one.changed,
                "gone_from_source": one.gone,
            }
            for name, one in sorted(seen.lacking.items())
        },
        "differing": [one.told.removeprefix("database: ")[:SAID] for one in found.differing[:SHOWN]],
        "differing_count": len(found.differing),
        "state_source": taken.source.digest if taken.source else None,
        "state_restored": seen.restored.digest if seen.restored else None,
        "seconds": {name: round(took, 3) for name, took in seen.seconds.items()},
    }
