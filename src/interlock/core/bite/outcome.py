"""What the tests of a change show, as policy reads it and as people do.

Rules:
1. The verdict is about head: every test passed, the person's list among them, none that was looked at is flaky,
   and none that ran before is hidden.
2. ``bites`` needs that verdict, a test that bites for each entry of the list (without a list, any), and no new
   test that is shown not to need the change undeclared, whatever bites beside it. New and changed tests of which
   it is only not shown that they need it are named for policy to ask.
3. A predicate has a limit. What policy reads comes first, then what somebody has to look at; the rest is counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

from interlock.core.bite.judge import BITING, Behaviour, Judged, State, TestRow, undeclared, unexplained
from interlock.core.bite.seen import MOST_NAME
from interlock.core.change.canonical import Json, canonical, plain
from interlock.core.evidence.summary import MAX_OWN

ROOM = MAX_OWN - 8 * 1024
"""What lists may take; the rest is for what is said beside them."""
SHOWN_FAILED = 200
_ORDER: tuple[State, ...] = ("flaky", "fails", "apart", "passes", "survives", "skipped", "kills", "bites")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """What the person's list says. ``first``: it was there before the code, and nothing was struck from it."""

    required: tuple[str, ...] = ()
    characterisation: tuple[str, ...] = ()
    first: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of it. ``failed`` are tests that do not pass on head, ``idle`` new ones that need no change.

    ``unexplained`` are those and all others, new or changed, that are not shown to need it. ``hidden`` ran before,
    are still there, and did not run on head.
    """

    verdict: str
    bites: bool
    behaviours: tuple[Behaviour, ...]
    failed: tuple[str, ...]
    idle: tuple[TestRow, ...]
    unexplained: tuple[TestRow, ...]
    rows: tuple[TestRow, ...]
    hidden: tuple[str, ...]
    good: frozenset[str]
    total: int

    @property
    def flaky(self) -> tuple[TestRow, ...]:
        """Those that do not end alike each time."""
        return tuple(row for row in self.rows if row.state == "flaky")


def outcome(
    mine: Judged, behaviours: Sequence[Behaviour], declared: Sequence[str], *, everywhere: Sequence[Judged]
) -> Outcome:
    """What one plan's runs show; the list, what is ``declared`` a characterisation, and ``bites`` are of all."""
    first = mine.looked.head[0]
    bad = {test for test, one in first.results.items() if one.outcome in {"strong", "weak"}} | first.unread.keys()
    bad |= {row.test for row in mine.rows.values() if row.state in {"flaky", "fails"}}
    passed = bool(mine.good) and not bad and not mine.looked.hidden and all(one.passed for one in behaviours)
    rows = [row for one in everywhere for row in one.rows.values()]
    idle, vague = undeclared(rows, declared), unexplained(rows, declared)
    biting = any(row.state in BITING for row in rows)
    enough = all(one.biting for one in behaviours) if behaviours else biting
    return Outcome(
        verdict="passed" if passed else "failed",
        bites=passed and enough and not idle,
        behaviours=tuple(behaviours),
        failed=tuple(sorted(bad)),
        idle=tuple(row for row in idle if row.test in mine.rows),
        unexplained=tuple(row for row in vague if row.test in mine.rows),
        rows=tuple(sorted(mine.rows.values(), key=lambda row: (_ORDER.index(row.state), row.test))),
        hidden=mine.looked.hidden,
        good=mine.good,
        total=len(first.results),
    )


def predicate(found: Outcome, listed: Listed) -> dict[str, Json]:
    """The predicate's own part, at most ``ROOM`` bytes of lists."""
    lists = _Room(ROOM)
    required = [one.name for one in found.behaviours if one.passed]
    names = chain(required, (row.test for row in found.rows if row.test in found.good), sorted(found.good))
    behaviours = lists.take([plain(one) for one in found.behaviours], ROOM // 4)
    rows = lists.take([plain(row) for row in found.rows], ROOM // 4)
    failed = lists.take([*found.failed[:SHOWN_FAILED]], ROOM // 8)
    idle = lists.take([row.test for row in found.idle], ROOM // 8)
    hidden = lists.take([*found.hidden], ROOM // 8)
    vague = lists.take([row.test for row in found.unexplained], ROOM // 8)
    passed = lists.take([*dict.fromkeys(name[:MOST_NAME] for name in names)], ROOM)
    return {
        "verdict": found.verdict,
        "bites": found.bites,
        "passed_tests": passed,
        "behaviours": behaviours,
        "tests": rows,
        "failed_tests": failed,
        "hidden_tests": hidden,
        "idle_tests": idle,
        "unexplained_tests": vague,
        "listed_first": listed.first,
        "counts": {
            "total": found.total,
            "passed": len(found.good),
            "failed": len(found.failed),
            "looked_at": len(found.rows),
            "behaviours": len(found.behaviours),
            "hidden": len(found.hidden),
            "idle": len(found.idle),
            "unexplained": len(found.unexplained),
            "unseen": sum(row.reach == "unseen" for row in found.rows),
            **{state: sum(row.state == state for row in found.rows) for state in _ORDER},
        },
        "left_out": {
            "tests": len(found.rows) - len(rows),
            "failed_tests": len(found.failed) - len(failed),
            "hidden_tests": len(found.hidden) - len(hidden),
            "idle_tests": len(found.idle) - len(idle),
            "unexplained_tests": len(found.unexplained) - len(vague),
            "behaviours": len(found.behaviours) - len(behaviours),
        },
    }


class _Room:
    """So many bytes, which lists take one after the other."""

    def __init__(self, size: int) -> None:
        self._left = size

    def take(self, items: Iterable[Json], most: int) -> list[Json]:
        """The first of them that fit in ``most`` bytes and in what is left."""
        kept, room = [], min(most, self._left)
        for item in items:
            size = len(canonical(item)) + 1
            if size > room:
                break
            kept.append(item)
            room -= size
            self._left -= size
        return kept
