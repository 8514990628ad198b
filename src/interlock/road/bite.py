"""Station 4, gather: do the tests of this change fail without it?

Rules:
1. All tests of the plan run once on head. What is looked at on both sides are those that are new or changed, by
   themselves or by a fixture they use, and those on the person's list.
2. These run as often as the plan says on head, and as often on base with the new tests over it, in an order that
   nobody knows before.
3. What fails there runs once more where base has stand-ins for what it lacks; what passes then is idle.
4. What fails there only for want of a symbol must kill a mutant of head. All of it is replaced at once; where that
   cannot even be collected, one thing after the other.
5. What bites is run once more on head and watched; what is seen to reach nothing of the change, alone. Who reaches
   nothing there either does not bite.
6. The tests that the old code has are listed. What is there on head and did not run must not have run before.
7. A run that shows nothing on head, or reads an installed copy on either side, leaves the whole undecided.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from interlock.core.bite.cover import Covered
from interlock.core.bite.hidden import not_run, ran_in, skipped_now
from interlock.core.bite.judge import Looked, Spelled, Stands, biting, failing, toothless_on, weak
from interlock.core.bite.mutants import KILLING, KINDS, Kind, Target, Targets, mutated, targets
from interlock.core.bite.order import Pick, after_the_first
from interlock.core.bite.plan import TestPlan
from interlock.core.bite.reach import Reach, alone, brought, reaching
from interlock.core.bite.seen import Place, Seen
from interlock.core.bite.stand_ins import FILLINGS, Filling, with_stand_ins
from interlock.core.bite.syntax import Standing, standing
from interlock.core.rollout.phrases import amount
from interlock.ports.bite import Bench, Edited

MOST_SINGLE = 20
"""Things that are replaced one by one at most."""
MOST_RUNS = len(KINDS) * (1 + MOST_SINGLE) + MOST_SINGLE
"""Of mutants, and of tests alone."""

_SAID: Mapping[Reach, str] = {
    "reaches": "reaches the change",
    "nothing": "reaches nothing of the change",
    "unseen": "nobody sees whether it reaches the change",
}
Told = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bitten:
    """What was seen, what could be mutated, and which changed lines were reached; ``fault`` where undecided."""

    looked: Looked
    targets: Targets = field(default_factory=Targets)
    covered: Covered = field(default_factory=Covered)
    fault: str = ""


def bite(plan: TestPlan, bench: Bench, required: Sequence[str], *, pick: Pick, told: Told) -> Bitten:
    """Run it; ``required`` are the names on the person's list, ``pick`` says in which order."""
    edited = bench.edited()
    first = bench.run("head")
    told(f"head, 1 of {plan.repeats}: {_counted(first)}")
    if first.fault:
        return Bitten(looked=Looked(head=(first,), base=(), standings={}), fault=first.fault)
    before = bench.run("base-alone", listing=not plan.command)
    hidden, fault = _hidden(plan, bench, edited, before, first)
    standings = _standings(plan, before, edited, first, required)
    if fault or not standings:
        return Bitten(looked=Looked(head=(first,), base=(), standings={}, hidden=hidden), fault=fault)
    told(f"{amount(len(standings), 'tests')} new, changed or required")
    head, base = _again(plan, bench, first, standings, pick, told)
    looked = Looked(head=head, base=base, standings=standings, hidden=hidden)
    fault = next((seen.fault for seen in (*head, *base) if seen.fault), "")
    if fault:
        return Bitten(looked=looked, fault=fault)
    touched = [one for one in edited if plan.is_product(one.path)]
    product = [one for one in touched if one.after is not None]
    after = {one.path: one.after for one in product if one.after is not None}
    looked = replace(looked, stood_in=_stood_in(bench, product, failing(looked), told))
    made = targets(after, {one.path: one.before for one in product if one.before is not None})
    found = weak(looked)
    if found:
        kills = _kills(bench, after, made.found, found, told)
        looked = replace(looked, kills=kills, mutants=len(made.found))
    reach, covered = _reach(plan, bench, touched, looked, told)
    return Bitten(looked=replace(looked, reach=reach), targets=made, covered=covered)


def _hidden(
    plan: TestPlan, bench: Bench, edited: Sequence[Edited], before: Seen, first: Seen
) -> tuple[tuple[str, ...], str]:
    """The tests that are there and did not run, and did on the old code; why that is not known, if it is not."""
    if plan.command or before.fault:
        # Old code that writes no report leaves each test new, and undecided where it fails for that.
        return skipped_now(before, first), "" if plan.command else before.fault
    missed = not_run(before.uses, first, {one.formerly: one for one in edited})
    if not missed:
        return (), ""
    then = bench.run("base-alone", missed)
    return ran_in(then), then.fault


def _again(
    plan: TestPlan, bench: Bench, first: Seen, only: Collection[str], pick: Pick, told: Told
) -> tuple[tuple[Seen, ...], tuple[Seen, ...]]:
    """All runs on head, and all on base; none after one that shows nothing."""
    seen: dict[str, list[Seen]] = {"head": [first], "base": []}
    for side in after_the_first(plan.repeats, pick):
        seen[side].append(last := bench.run(side, only))
        told(f"{side}, {len(seen[side])} of {plan.repeats}: {_counted(last)}")
        if last.fault:
            break
    return tuple(seen["head"]), tuple(seen["base"])


def _reach(
    plan: TestPlan, bench: Bench, product: Sequence[Edited], looked: Looked, told: Told
) -> tuple[dict[str, Reach], Covered]:
    """What of the change those reach that bite, and which of its lines all reach that were looked at."""
    asked = biting(looked)
    if not asked and not plan.coverage:
        return {}, Covered(why="the plan does not want it")
    change = brought(product)
    found = bench.reached(looked.standings, change.files, lines=plan.coverage)
    seen = reaching(found, asked)
    reach: dict[str, Reach] = {test: "reaches" if test in seen else "unseen" for test in asked}
    rest = [] if plan.command else [test for test in asked if test not in seen]
    for test in rest[:MOST_SINGLE]:
        reach[test] = alone(change, bench.reached([test], change.files, lines=False), test)
        told(f"alone, {test}: {_SAID[reach[test]]}")
    return reach, found.covered


def _standings(
    plan: TestPlan, before: Seen, edited: Sequence[Edited], first: Seen, required: Sequence[str]
) -> dict[str, Standing]:
    """The tests to look at on both sides, with how each stands to what base had."""
    tests = first.results.keys() | first.uses.keys()
    known = Spelled(tests)
    wanted = {test for name in required for test in known.fitting(name)}
    if plan.command:
        found: dict[str, Standing] = {test: "new" for test in tests if test not in before.results}
    else:
        files = {one.path: one for one in edited}
        found = {test: how for test in tests if (how := _standing(first.uses.get(test, ()), files)) != "unchanged"}
    return {**dict.fromkeys(sorted(wanted), "unchanged"), **found}


def _standing(uses: Sequence[Place], files: Mapping[str, Edited]) -> Standing:
    """New is a test whose own function is; changed one of which anything else is other than before."""
    how: list[Standing] = []
    for place in uses:
        one = files.get(place.file)
        same = one is None or (one.after is None and one.before is None)
        how.append("unchanged" if one is None or same else standing(place, one.after, one.before))
    if how and how[0] == "new":
        return "new"
    return "unchanged" if all(each == "unchanged" for each in how) else "changed"


def _stood_in(bench: Bench, product: Sequence[Edited], tests: Sequence[str], told: Told) -> dict[str, Stands]:
    """What tests that failed on base do there with stand-ins; none where nothing is missing there."""
    seen = []
    for filling in FILLINGS if tests else ():
        files = _filled(product, filling)
        if not files:
            return {}
        bench.mutate("stood-in", files)
        seen.append(bench.run("stood-in", tests))
        told(f"base with stand-ins, {filling}: {_counted(seen[-1])}")
    return {test: toothless_on(seen[0], seen[1], test) for test in tests}


def _filled(product: Sequence[Edited], filling: Filling) -> dict[str, bytes]:
    """The files with stand-ins, by the paths of today, and those that only moved."""
    found: dict[str, bytes] = {}
    for one in product:
        content = None if one.after is None else with_stand_ins(one.before, one.after, filling)
        if content is None and one.path != one.formerly:
            content = one.before
        if content is not None:
            found[one.path] = content
    return found


def _kills(
    bench: Bench, after: Mapping[str, bytes], found: Sequence[Target], tests: Sequence[str], told: Told
) -> dict[str, frozenset[Kind]]:
    kills: dict[str, set[Kind]] = {}
    for kind in KINDS:
        left = [test for test in tests if not kills.get(test, set()) & set(KILLING)]
        groups = [tuple(found)] if left else []
        while groups:
            group = groups.pop(0)
            files = _mutants(after, group, kind)
            if not files:
                continue
            bench.mutate("mutant", files)
            seen = bench.run("mutant", left)
            told(f"mutant, {kind}: {_counted(seen)}")
            for test, one in seen.results.items():
                if one.outcome in {"strong", "weak"} and one.in_call:
                    kills.setdefault(test, set()).add(kind)
            if len(group) > 1 and (seen.unread or not seen.results):
                groups += [(each,) for each in group[:MOST_SINGLE]]
    return {test: frozenset(kinds) for test, kinds in kills.items()}


def _mutants(after: Mapping[str, bytes], group: Sequence[Target], kind: Kind) -> dict[str, bytes]:
    names: dict[str, list[str]] = {}
    for one in group:
        names.setdefault(one.file, []).append(one.name)
    made = {file: mutated(after[file], wanted, kind) for file, wanted in names.items()}
    return {file: content for file, content in made.items() if content is not None}


def _counted(seen: Seen) -> str:
    return seen.fault or f"{seen.passed} of {amount(len(seen.results), 'tests')} passed"
