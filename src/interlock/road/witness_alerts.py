"""Station 4, gather: which alerts can fire at all, and be silent, by the real promtool over solved series.

Rules:
1. What the search found is a guess until promtool agrees; where it does not, the next guess is asked.
2. An alert that promtool saw fire and saw silent is *satisfiable*. One that cannot fire whatever happens is
   *unsatisfiable*, with the proof. Anything else is *not shown*, with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from interlock.core.alerts.promtool_says import answers
from interlock.core.alerts.rule_files import Rule
from interlock.core.alerts.witness import MOST_FOUND, Recorded, Sought, recorded_by, sought
from interlock.core.alerts.witness_file import FIRES, SILENT, Asked, files, needed
from interlock.core.alerts.witness_never import never
from interlock.ports.alerts import RunsRules

BATCH, SECONDS_EACH, LEAST_SECONDS = 60, 5.0, 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Witnessed:
    """What is known of one alert: whether promtool saw it fire and be silent; ``reason`` where it did not.

    ``unsatisfiable``: the reason is a proof that it can never fire.
    """

    rule: Rule
    fires: bool
    silent: bool
    unsatisfiable: bool = False
    reason: str = ""

    @property
    def satisfiable(self) -> bool:
        """Whether both were shown."""
        return self.fires and self.silent


def witnessed(
    rules: Sequence[Rule],
    runner: RunsRules,
    *,
    told: Callable[[str], None],
    search: Callable[[Sequence[Rule], Recorded], Sequence[Sought]] | None = None,
) -> tuple[Witnessed, ...]:
    """Each alert among ``rules``, by the recording rules there; ``search`` may look for several at once."""
    recorded, alerts = recorded_by(rules), [rule for rule in rules if rule.alert]
    proofs = {place: why for place, rule in enumerate(alerts) if (why := never(rule.expression))}
    those = "1 alert fires and is" if len(alerts) == 1 else f"{len(alerts):,} alerts fire and are"
    told(f"looking for series by which {those} silent")
    open_ones = [rule for place, rule in enumerate(alerts) if place not in proofs]
    found = iter((search or _one_by_one)(open_ones, recorded))
    asked = [
        Asked(number=place, sought=next(found), needs=needed(rule, rules), fires=0, silent=0)
        for place, rule in enumerate(alerts)
        if place not in proofs
    ]
    shown: dict[str, bool] = {}
    for _ in range(MOST_FOUND):
        waiting = [each for one in asked if (each := _next(one, shown)) is not None]
        if not waiting:
            break
        told(f"proving {len(waiting):,} with promtool")
        for batch in _batches(waiting):
            shown |= _answers(runner, batch)
        asked = [_after(one, shown) for one in asked]
    seen = {one.number: _concluded(one, shown) for one in asked}
    return tuple(
        seen[place]
        if place in seen
        else Witnessed(rule=rule, fires=False, silent=False, unsatisfiable=True, reason=proofs[place])
        for place, rule in enumerate(alerts)
    )


def _one_by_one(rules: Sequence[Rule], recorded: Recorded) -> list[Sought]:
    return [sought(rule, recorded) for rule in rules]


def _next(one: Asked, shown: dict[str, bool]) -> Asked | None:
    """What is still to be asked of it; None for nothing."""
    fires = one.fires if not shown.get(one.case(FIRES)) and _has(one.fires, one.sought.fires) else None
    silent = one.silent if not shown.get(one.case(SILENT)) and _has(one.silent, one.sought.silent) else None
    return None if fires is None and silent is None else replace(one, fires=fires, silent=silent)


def _has(place: int | None, found: Sequence[object]) -> bool:
    return place is not None and place < len(found)


def _after(one: Asked, shown: dict[str, bool]) -> Asked:
    """The next guess of what was not shown."""
    return replace(
        one,
        fires=one.fires if shown.get(one.case(FIRES)) or one.fires is None else one.fires + 1,
        silent=one.silent if shown.get(one.case(SILENT)) or one.silent is None else one.silent + 1,
    )


def _batches(asked: Sequence[Asked]) -> Iterator[Sequence[Asked]]:
    for begin in range(0, len(asked), BATCH):
        yield asked[begin : begin + BATCH]


def _answers(runner: RunsRules, batch: Sequence[Asked]) -> dict[str, bool]:
    seconds = LEAST_SECONDS + SECONDS_EACH * len(batch)
    said = answers(runner.tests(files(batch), [one.tests_name for one in batch], seconds=seconds))
    shown = {}
    for one in batch:
        for kind in (FIRES, SILENT):
            if (value := said.get(one.case(kind))) is not None:
                shown[one.case(kind)] = (value > 0) is (kind == FIRES)
    return shown


def _concluded(one: Asked, shown: dict[str, bool]) -> Witnessed:
    fires, silent = (shown.get(one.case(kind), False) for kind in (FIRES, SILENT))
    reason = one.sought.reason
    if not reason and not (fires and silent):
        reason = f"promtool did not see it {'fire' if not fires else 'silent'} with the series that were found"
    return Witnessed(rule=one.sought.rule, fires=fires, silent=silent, reason="" if fires and silent else reason)


def unfired(
    rules: Sequence[Rule], chosen: Collection[Rule], runner: RunsRules, *, told: Callable[[str], None]
) -> tuple[Witnessed, ...]:
    """The same of these alerts alone: whoever was seen to fire needs no witness."""
    return witnessed([rule for rule in rules if not rule.alert or rule in chosen], runner, told=told)
