"""Station 4, gather: do the tests of this change fail without it?

Rules:
1. All tests of the plan run once on head. What is looked at on both sides are those that are new or changed, by
   themselves or by a fixture they use, and those on the person's list.
2. These run as often as the plan says on head, and as often on base with the new tests over it.
3. What fails there runs once more where base has stand-ins for what it lacks; what passes then is idle.
4. What fails there only for want of a symbol must kill a mutant of head. All of it is replaced at once; where that
   cannot even be collected, one thing after the other.
5. A run that shows nothing on head, or reads an installed copy on either side, leaves the whole undecided.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from interlock.core.bite.cover import Covered
from interlock.core.bite.judge import Looked, Spelled, Stands, failing, toothless_on, weak
from interlock.core.bite.mutants import KILLING, KINDS, Kind, Target, Targets, mutated, targets
from interlock.core.bite.plan import TestPlan
from interlock.core.bite.seen import Place, Seen
from interlock.core.bite.stand_ins import FILLINGS, Filling, with_stand_ins
from interlock.core.bite.syntax import Standing, standing
from interlock.core.rollout.phrases import amount
from interlock.ports.bite import Bench, Edited

MOST_SINGLE = 20
"""Things that are replaced one by one at most."""
MOST_MUTANTS = len(KINDS) * (1 + MOST_SINGLE)

Told = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bitten:
    """What was seen, what could be mutated, and which changed lines were reached; ``fault`` where undecided."""

    looked: Looked
    targets: Targets = field(default_factory=Targets)
    covered: Covered = field(default_factory=Covered)
    fault: str = ""


def bite(plan: TestPlan, bench: Bench, required: Sequence[str], *, told: Told) -> Bitten:
    """Run it; ``required`` are the names on the person's list."""
    edited = bench.edited()
    first = bench.run("head")
    told(f"head, 1 of {plan.repeats}: {_counted(first)}")
    if first.fault:
        return Bitten(looked=Looked(head=(first,), base=(), standings={}), fault=first.fault)
    standings = _standings(plan, bench, edited, first, required)
    if not standings:
        return Bitten(looked=Looked(head=(first,), base=(), standings={}))
    told(f"{amount(len(standings), 'tests')} new, changed or required")
    head = (first, *_again(plan, bench, "head", standings, told))
    base = tuple(_again(plan, bench, "base", standings, told))
    looked = Looked(head=head, base=base, standings=standings)
    fault = next((seen.fault for seen in (*head, *base) if seen.fault), "")
    if fault:
        return Bitten(looked=looked, fault=fault)
    product = [one for one in edited if one.after is not None and plan.is_product(one.path)]
    after = {one.path: one.after for one in product if one.after is not None}
    looked = replace(looked, stood_in=_stood_in(bench, product, failing(looked), told))
    brought = targets(after, {one.path: one.before for one in product if one.before is not None})
    found = weak(looked)
    if found:
        kills = _kills(bench, after, brought.found, found, told)
        looked = replace(looked, kills=kills, mutants=len(brought.found))
    covered = bench.covered(standings) if plan.coverage else Covered(why="the plan does not want it")
    return Bitten(looked=looked, targets=brought, covered=covered)


def _again(plan: TestPlan, bench: Bench, side: str, only: Collection[str], told: Told) -> Iterator[Seen]:
    begin = 2 if side == "head" else 1
    for number in range(begin, plan.repeats + 1):
        seen = bench.run("head" if side == "head" else "base", only)
        told(f"{side}, {number} of {plan.repeats}: {_counted(seen)}")
        yield seen
        if seen.fault:
            return


def _standings(
    plan: TestPlan, bench: Bench, edited: Sequence[Edited], first: Seen, required: Sequence[str]
) -> dict[str, Standing]:
    """The tests to look at on both sides, with how each stands to what base had."""
    tests = first.results.keys() | first.uses.keys()
    known = Spelled(tests)
    wanted = {test for name in required for test in known.fitting(name)}
    if plan.command:
        before = bench.run("base-alone").results.keys()
        found: dict[str, Standing] = {test: "new" for test in tests if test not in before}
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
