"""Whether an alert can fire at all, and be silent: series that show it, solved from its expression backwards.

Rules:
1. A witness is looked for here and proven by the real promtool; nothing counts before.
2. Solved series say nothing of any failure: they only show that a rule *can* fire.
3. To be silent its series should be there: an alert without series is silent anyhow. Where it cannot be silent
   with them, one without them is a witness too.
4. That nothing was found is *not shown*, with the reason. *Unsatisfiable* is only what cannot be otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, islice, product

import promql_parser as pp

from interlock.core.alerts.rule_files import Rule
from interlock.core.alerts.witness_course import Course
from interlock.core.alerts.witness_eval import NODE_WORK, Value, World, empty
from interlock.core.alerts.witness_match import Beyond, Labels
from interlock.core.alerts.witness_unknowns import CHANGING, Seen, Setting, Unknown, Variant, seen, unknowns

MOST_TRIES, MOST_COPIES, MOST_FOUND = 3_000, 12, 3
MOST_WORK = 1_500_000
"""A few seconds."""
_SIZES = {1: 400, 2: 64, 3: 17, 4: 9, 5: 6, 6: 4}
_LEAST_STEP, _MOST_STEP, _MOST_SAMPLES, _LOOKS = 5.0, 240.0, 4_000, 4
_MOST_CHANGES, _LATEST = 30.0, 800_000.0

Chosen = tuple[tuple[Labels, Course], ...]
Recorded = Mapping[str, Sequence[tuple[pp.Expr, Mapping[str, str]]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """One rule's possible witnesses, the likeliest first; ``reason`` is why there is none of a kind.

    ``whole``: there was nothing in it that is not looked into.
    """

    rule: Rule
    setting: Setting
    fires: tuple[Chosen, ...]
    silent: tuple[Chosen, ...]
    reason: str = ""
    whole: bool = True


def recorded_by(rules: Sequence[Rule]) -> Recorded:
    """What each recording rule records; one that cannot be read is left out."""
    found: dict[str, list[tuple[pp.Expr, Mapping[str, str]]]] = {}
    for rule in rules:
        tree = None if rule.alert else parsed(rule.expression)
        if tree is not None and not isinstance(tree, str):
            found.setdefault(rule.name, []).append((tree, rule.labels))
    return found


def parsed(expression: str) -> pp.Expr | str:
    """The tree, or why there is none."""
    try:
        return pp.parse(expression)
    except ValueError as error:
        return " ".join(str(error).split())[:200]


def sought(rule: Rule, recorded: Recorded) -> Sought:
    """Series for one alert."""
    tree = parsed(rule.expression)
    if isinstance(tree, str):
        return Sought(rule=rule, setting=_setting(Seen(), rule), fires=(), silent=(), reason=tree, whole=False)
    holds = seen(tree, recorded)
    setting = _setting(holds, rule)
    found = _Found()
    for variant in _variants(holds):
        every = unknowns(holds, setting, variant)
        for tried in islice(_tries(every), MOST_TRIES):
            pairs = zip(every, tried, strict=True)
            chosen = tuple(pair for unknown, option in pairs for pair in zip(unknown.keys, option, strict=True))
            found.look(tree, chosen, recorded, setting)
            if found.enough or found.work > MOST_WORK:
                break
        if (found.fires and (found.silent or found.quiet)) or found.work > MOST_WORK:
            break
    return Sought(
        rule=rule,
        setting=setting,
        fires=tuple(found.fires),
        silent=(*found.silent, *found.quiet)[:MOST_FOUND],
        reason=found.reason,
        whole=not found.beyond,
    )


@dataclass(slots=True)
class _Found:
    """``silent`` with all series there, ``quiet`` without some."""

    fires: list[Chosen] = field(default_factory=list)
    silent: list[Chosen] = field(default_factory=list)
    quiet: list[Chosen] = field(default_factory=list)
    beyond: dict[str, None] = field(default_factory=dict)
    work: int = 0

    @property
    def enough(self) -> bool:
        return len(self.fires) >= MOST_FOUND and len(self.silent) >= MOST_FOUND

    @property
    def reason(self) -> str:
        if self.fires and (self.silent or self.quiet):
            return ""
        lacking = "is silent" if self.fires else "fires"
        return "; ".join([f"no series were found by which it {lacking}", *islice(self.beyond, 2)])

    def look(self, tree: pp.Expr, chosen: Chosen, recorded: Recorded, setting: Setting) -> None:
        """Keep ``chosen`` for what it is a witness of."""
        there = all(course.kind != "absent" for _, course in chosen)
        if len(self.fires) >= MOST_FOUND and not there and (self.silent or len(self.quiet) >= MOST_FOUND):
            return
        try:
            burning, work = _burning(tree, dict(chosen), recorded, setting)
            self.work += work
        except Beyond as error:
            self.beyond[str(error)] = None
            self.work += NODE_WORK * len(chosen) + 100
            return
        kept = self.fires if burning else (self.silent if there else self.quiet)
        if burning is not None and len(kept) < MOST_FOUND:
            kept.append(chosen)


def _burning(
    tree: pp.Expr, series: Mapping[Labels, Course], recorded: Recorded, setting: Setting
) -> tuple[bool | None, int]:
    """Whether it fires with these at the end, None where it is neither that nor silent; and the work it took."""
    world = World(
        {key: course for key, course in series.items() if course.kind != "absent"}, recorded, setting.step
    )
    times = [setting.end - setting.pending * place / _LOOKS for place in range(_LOOKS + 1)]
    held: set[Labels] | None = None
    for time in dict.fromkeys(times) if setting.pending else [setting.end]:
        value = world.value(tree, math.floor(time / setting.step) * setting.step)
        held = _holding(value) if held is None else held & _holding(value)
        if not held:
            break
    if held:
        return True, world.work
    calm = [setting.warm, (setting.warm + setting.end) / 2, setting.end]
    silent = all(empty(world.value(tree, time)) for time in calm)
    return (False if silent else None), world.work


def _holding(value: Value) -> set[Labels]:
    return {*value} if isinstance(value, dict) else {frozenset()}


def _tries(every: Sequence[Unknown]) -> Iterator[tuple[tuple[Course, ...], ...]]:
    """Choices of one option for each, the likeliest first: all of few, then two at a time of all."""
    size = _SIZES.get(len(every), 3)
    few = [_spread(unknown, size) for unknown in every]
    yield from product(*few)
    for base in (0, 1, 2):
        still = [unknown.options[min(base, len(unknown.options) - 1)] for unknown in every]
        for one, other in combinations(range(len(every)), 2):
            for left, right in product(every[one].options[:40], every[other].options[:40]):
                yield tuple(
                    left if place == one else right if place == other else each for place, each in enumerate(still)
                )


def _spread(unknown: Unknown, size: int) -> tuple[tuple[Course, ...], ...]:
    """The first options, and that there is none."""
    if len(unknown.options) <= size:
        return unknown.options
    return (*unknown.options[: size - 1], unknown.options[-1])


def _variants(holds: Seen) -> Iterator[Variant]:
    """The ways to label series that are worth trying, the likeliest first."""
    yield Variant()
    yield Variant(shared=True)
    counts = [math.ceil(each) + 1 for each in holds.numbers if 1 <= each < MOST_COPIES]
    for label in dict.fromkeys(["copy", *holds.labels]):
        yield Variant(copies=2, apart=label)
        yield Variant(copies=2, apart=label, shared=True)
    if counts and holds.calls & {"count", "count_values", "sum"}:
        for label in dict.fromkeys(["copy", *holds.labels]):
            yield Variant(copies=max(counts), apart=label)


def _setting(holds: Seen, rule: Rule) -> Setting:
    """Samples close enough for the shortest range, for as long as the longest looks back."""
    shortest = min((each for each in holds.spans if each), default=300.0)
    longest = max(holds.spans, default=0.0) + max(holds.offsets, default=0.0)
    changes = [each for each in holds.numbers if each < _MOST_CHANGES] if holds.calls & CHANGING else []
    often = 2.0 + max(changes, default=0.0)
    step = min(_MOST_STEP, max(_LEAST_STEP, math.floor(min(shortest, 300.0) / often / 5.0) * 5.0))
    reach = min(max(longest, _clock(holds)), _MOST_STEP * _MOST_SAMPLES)
    if reach / step > _MOST_SAMPLES:
        step = min(_MOST_STEP, max(step, math.ceil(reach / _MOST_SAMPLES / 5.0) * 5.0))
    warm = math.ceil((reach + 2 * step) / step) * step
    interval = step * max(1, math.ceil((warm + rule.pending) / 300.0 / step))
    end = math.ceil((warm + rule.pending + 3 * interval) / interval) * interval
    turns = {end - rule.pending - 3 * interval - shortest - step, end - rule.pending - 2 * step}
    turns |= {end - rule.pending - each / 2 for each in (*holds.offsets, longest) if each > shortest}
    return Setting(
        step=step,
        interval=interval,
        warm=warm,
        end=end,
        turns=tuple(sorted(each for each in turns if each > step)),
        pending=rule.pending,
    )


def _clock(holds: Seen) -> float:
    """How late it must be for an expression that compares with the clock, which begins at 0."""
    if not holds.calls & {"time", "timestamp"}:
        return 0.0
    numbers = [abs(each) for each in holds.numbers if each]
    late = [value for one in numbers for other in (1.0, *numbers) if (value := one * other) < _LATEST]
    return max(late, default=0.0) * 1.5
