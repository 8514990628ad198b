"""Whether tests bite: they pass with the change, and fail without it.

Rules:
1. On head a test passes in every run, on base it fails in every run. Anything in between is *flaky*, and named.
2. A failure on base is *strong* if it is in all runs; otherwise it is *weak*: a symbol is missing, the file cannot
   be collected, the test is not there. A weak test bites where it kills a mutant of head.
   Either kind must fail as well where base has stand-ins for the names it lacks: what passes there is *idle*. What
   cannot be run there, or fails for want of a symbol still, is weak.
   A strong one that is seen to reach nothing of the change fails by something else, and does not bite.
3. Skipped tests and expected failures never count, on either side.
4. A behaviour is what a person listed in change.md. Everything that a name there fits must pass, and at least
   one of it must bite.
5. A new test that is *idle* is named, and refused unless change.md declares it a *characterisation* of what was
   there before: one that passes on base, whatever else bites, one that is shown not to depend on what is new, and
   one that reaches nothing of the change.
   A weak one of which nothing more can be shown here is named beside those that were only changed.
6. Without a list at least one test must bite.
7. What ran on the old code by itself and is not run on head, although it is there, is *hidden*: that is as bad
   as a failure.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from interlock.core.bite.mutants import KILLING, Kind
from interlock.core.bite.reach import Reach
from interlock.core.bite.seen import Seen, spelled
from interlock.core.bite.syntax import Standing

State = Literal["bites", "kills", "survives", "apart", "passes", "flaky", "fails", "skipped"]
"""What a test shows.

``bites``: fails without the change. ``kills``: fails for want of a symbol and kills a mutant; ``survives``: kills
none, or passes with stand-ins. ``apart``: fails without the change, and reaches nothing of it. ``passes``: with
and without the change. ``flaky``, ``fails`` and ``skipped`` are on head or, the first and the last, on base.
"""
Stands = Literal["looks", "idle", "unclear"]
"""What a test does on old code with stand-ins: fails by what they give, passes, or shows neither."""
BITING: frozenset[State] = frozenset({"bites", "kills"})
_NOT_THERE = "it is not there"
_STOOD_IN = "it passes on the old code with stand-ins for the names that are missing there"
_APART = "it reaches nothing of the change"
_NO_MUTANT = "it fails for want of a symbol, and nothing here can be replaced to look further"
_IDLE = {True: "it calls what is new, and looks at nothing of it", False: "nothing in it depends on what is new"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """All runs by one plan. ``standings`` are of tests that were looked at on base; ``kills`` by which mutants.

    ``mutants`` is how many things of the change were replaced for them. ``stood_in`` has the tests that failed on
    base, where something could be stood in for; ``reach`` those that bite. ``hidden`` are tests that the old
    code's own run has, and head's has not although they are there.
    """

    head: tuple[Seen, ...]
    base: tuple[Seen, ...]
    standings: Mapping[str, Standing]
    kills: Mapping[str, frozenset[Kind]] = field(default_factory=dict)
    mutants: int = 0
    stood_in: Mapping[str, Stands] = field(default_factory=dict)
    reach: Mapping[str, Reach] = field(default_factory=dict)
    hidden: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TestRow:
    """One test that was looked at on both sides. ``why`` is what it said without the change, for people.

    ``idle``: it is shown not to need the change. ``reach`` is of what fails without it for no want of a symbol.
    """

    __test__ = False  # the name is the field's; pytest need not collect it

    test: str
    standing: Standing
    state: State
    passed: int
    failed: int
    why: str = ""
    idle: bool = False
    reach: Reach | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """One entry of the person's list. ``problem`` is empty where its tests pass and one of them bites."""

    name: str
    tests: int
    passed: bool
    biting: tuple[str, ...]
    problem: str


def states(looked: Looked) -> tuple[TestRow, ...]:
    """Each test that was looked at on base, by name."""
    return tuple(_row(test, standing, looked) for test, standing in sorted(looked.standings.items()))


def _row(test: str, standing: Standing, looked: Looked) -> TestRow:
    here = [seen.results.get(test) for seen in looked.head]
    there = [seen.results.get(test) for seen in looked.base]
    passed = sum(one is not None and one.outcome == "passed" for one in here)
    failed = sum(one is None or one.outcome in {"strong", "weak"} for one in there)
    why = next((one.said for one in there if one is not None and one.outcome in {"strong", "weak"}), "")

    def row(state: State, why: str = why, *, idle: bool = False) -> TestRow:
        ends = {"passed": passed, "failed": failed}
        reach = looked.reach.get(test)
        return TestRow(test=test, standing=standing, state=state, **ends, why=why, idle=idle, reach=reach)

    if passed < len(here):
        told = next((one.said for one in here if one is not None and one.outcome != "passed"), _NOT_THERE)
        if all(one is not None and one.outcome == "skipped" for one in here):
            return row("skipped", told)
        return row("flaky" if passed else "fails", told)
    if failed == len(there):
        stands = looked.stood_in.get(test, "looks")
        if stands == "idle":
            return row("survives", _STOOD_IN, idle=True)
        if stands == "looks" and all(one is not None and one.outcome == "strong" for one in there):
            apart = looked.reach.get(test) == "nothing"
            return row("apart", _APART, idle=True) if apart else row("bites")
        kinds = looked.kills.get(test, frozenset())
        if kinds & set(KILLING):
            return row("kills", why or _NOT_THERE)
        called = "raises" in kinds
        return row("survives", _IDLE[called] if looked.mutants else _NO_MUTANT, idle=called)
    skipped = sum(one is not None and one.outcome == "skipped" for one in there)
    if skipped == len(there):
        return row("skipped", "skipped without the change")
    return row("flaky") if failed or skipped else row("passes", idle=True)


def toothless_on(true: Seen, void: Seen, test: str) -> Stands:
    """What a test does where base has stand-ins that give what is true, and ones that give nothing.

    Nothing is what most of what is done with it fails at: there only what the test itself claims counts.
    """
    one, other = true.results.get(test), void.results.get(test)
    if one is not None and one.outcome == "strong":
        return "looks"
    if other is not None and other.outcome == "strong" and other.asserted:
        return "looks"
    passed = any(each is not None and each.outcome == "passed" for each in (one, other))
    return "idle" if passed else "unclear"


def failing(looked: Looked) -> tuple[str, ...]:
    """Tests that pass on head and fail on base, every time, for whatever reason."""
    return tuple(one.test for one in states(looked) if one.state in {"bites", "kills", "survives"})


def biting(looked: Looked) -> tuple[str, ...]:
    """Tests that fail on base every time by what they claim: of these it is asked what they reach."""
    return tuple(one.test for one in states(looked) if one.state == "bites")


def weak(looked: Looked) -> tuple[str, ...]:
    """Tests that need a mutant: they fail on base every time, and not for sure by what the change does."""
    return tuple(one.test for one in states(looked) if one.state == "survives")


class Judged:
    """What one plan's runs show: ``rows`` of the tests looked at on both sides, ``good`` that passed on head."""

    def __init__(self, looked: Looked) -> None:
        self.looked = looked
        self.rows = {row.test: row for row in states(looked)}
        first = looked.head[0].results if looked.head else {}
        later = looked.head[1:]
        self.good = frozenset(
            test
            for test, one in first.items()
            if one.outcome == "passed"
            and all(seen.results[test].outcome == "passed" for seen in later if test in seen.results)
        )
        self._known = Spelled({test for seen in looked.head for test in seen.results})

    def fitting(self, name: str) -> tuple[str, ...]:
        """The tests of this plan that a name of somebody's list fits."""
        return self._known.fitting(name)

    def problem(self, test: str) -> str:
        """Why a test does not count as passed; empty where it does."""
        row = self.rows.get(test)
        if row is not None and row.state == "flaky":
            which = "with" if row.passed < len(self.looked.head) else "without"
            return f"flaky: {test} does not end alike each time {which} the change"
        if test in self.good:
            return ""
        result = self.looked.head[0].results.get(test)
        words = {"skipped": "was skipped", "strong": "failed", "weak": "failed"}
        return f"{words.get(result.outcome, 'did not pass') if result else 'did not run'}: {test}"


class Spelled:
    """Tests by every spelling people use for them."""

    def __init__(self, tests: Collection[str]) -> None:
        self._known: dict[str, list[str]] = {}
        for test in sorted(tests):
            for each in spelled(test):
                self._known.setdefault(each, []).append(test)

    def fitting(self, name: str) -> tuple[str, ...]:
        """The tests that a name fits."""
        return tuple(self._known.get(name.strip().strip("`"), ()))


def behaviours(names: Sequence[str], judged: Sequence[Judged]) -> tuple[Behaviour, ...]:
    """What became of each entry of the list, over all plans."""
    return tuple(_behaviour(name, judged) for name in names)


def _behaviour(name: str, judged: Sequence[Judged]) -> Behaviour:
    fitting = [(one, test) for one in judged for test in one.fitting(name)]
    bad = [problem for one, test in fitting if (problem := one.problem(test))]
    found = [row for one, test in fitting if (row := one.rows.get(test)) is not None]
    biting = tuple(row.test for row in found if row.state in BITING)
    problem = bad[0] if bad else "" if biting else _toothless(found)
    return Behaviour(
        name=name,
        tests=len(fitting),
        passed=bool(fitting) and not bad,
        biting=biting,
        problem=problem if fitting else "did not run: no test has this name",
    )


def _toothless(rows: Sequence[TestRow]) -> str:
    found = {row.state for row in rows}
    if "apart" in found:
        return "reaches nothing of the change: it fails without it for another reason"
    if "survives" in found:
        return "passes whatever the new code does: it fails without the change only for want of a symbol"
    return "is skipped without the change" if found == {"skipped"} else "passes without the change"


def undeclared(rows: Sequence[TestRow], declared: Sequence[str]) -> tuple[TestRow, ...]:
    """New tests that do not need the change, and that nobody declared a characterisation of what was there.

    A parameter that passes without the change is none where another parameter of the same test bites: a bound has
    two sides, and only one of them moves.
    """
    shown = {_function(row) for row in rows if row.state in BITING and _function(row) != row.test}
    idle = [row for row in unexplained(rows, declared) if row.standing == "new" and row.idle]
    return tuple(row for row in idle if row.state != "passes" or _function(row) not in shown)


def _function(row: TestRow) -> str:
    return row.test.partition("[")[0]


def unexplained(rows: Sequence[TestRow], declared: Sequence[str]) -> tuple[TestRow, ...]:
    """New and changed tests that are not shown to need the change, and that nobody declared."""
    known = Spelled([row.test for row in rows])
    named = {test for name in declared for test in known.fitting(name)}
    looked = [row for row in rows if row.standing in {"new", "changed"} and row.test not in named]
    return tuple(row for row in looked if row.state in {"passes", "survives", "apart"})
