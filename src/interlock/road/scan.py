"""Station 4, gather: which findings a change adds, by every scanner of the plans.

Rules:
1. Scanners look at the same files at once. One that breaks is one that did not come to its end.
2. What is new is decided here and not by them (see ``core.scan.compare``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from interlock.core.change.errors import InvalidInput
from interlock.core.change.parse import closest
from interlock.core.rollout.plan_faults import Gathering
from interlock.core.rollout.plan_lines import located
from interlock.core.rollout.setting import InvalidSetting
from interlock.core.scan.compare import Judged, Placed, compared, told_once
from interlock.core.scan.outline import Outline, Unparsed, parsed
from interlock.core.scan.plan import USUAL, ScannerPlan, ScanPlan
from interlock.core.scan.python import is_python
from interlock.core.scan.seen import Scanned, Seen, Source
from interlock.ports.scanner import Look, MakesScanner, Scanner

AT_ONCE = 4
OWN = "interlock-access"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A scanner that is made, with what the plan calls it."""

    kind: str
    scanner: Scanner


def ready(plans: Sequence[ScanPlan], known: Mapping[str, MakesScanner]) -> tuple[Ready, ...]:
    """Every scanner of the plans, or the usual ones where they name none.

    Raises:
        InvalidInput: ``plugin-unknown``, or what a scanner says of its settings; ``PlanFaults`` where it is
        several.
    """
    found, made = Gathering(), []
    wanted = [(plan, number) for plan in plans for number in range(len(plan.scanners))]
    for plan, number in wanted or [(USUAL, number) for number in range(len(USUAL.scanners))]:
        scanner = found.read(partial(_made, plan, number, known), None)
        if scanner is not None:
            made.append(Ready(kind=plan.scanners[number].kind, scanner=scanner))
    found.finish()
    return tuple(made)


def scan(
    scanners: Sequence[Ready], look: Look, *, told: Callable[[str], None]
) -> tuple[tuple[Judged, ...], tuple[Scanned, ...]]:
    """What each came to, and which of all findings are new."""
    with ThreadPoolExecutor(max_workers=AT_ONCE) as threads:
        scanned = tuple(threads.map(lambda one: _ran(one, look, told), scanners))
    found = placed([one for each in scanned if not each.fault for one in each.seen])
    sides = {side: [one for one in found if one.seen.source.side == side] for side in ("head", "base", "past")}
    judged = compared(sides["head"], sides["base"], sides["past"])
    return tuple(told_once(judged, OWN)), scanned


def _made(plan: ScanPlan, number: int, known: Mapping[str, MakesScanner]) -> Scanner:
    wanted: ScannerPlan = plan.scanners[number]
    if wanted.kind not in known:
        place = f" at `{plan.path}:{plan.line_of(('scanners', number, 'kind'))}`" if plan.path else ""
        raise InvalidInput(
            f"expected a known scanner, got `{wanted.kind[:80]}`{closest(wanted.kind, sorted(known))}{place}",
            code="plugin-unknown",
            hint=f"installed: {', '.join(sorted(known))}",
        )
    try:
        return known[wanted.kind](wanted.settings)
    except InvalidSetting as error:
        raise located(error, plan, ("scanners", number)) from error


def _ran(one: Ready, look: Look, told: Callable[[str], None]) -> Scanned:
    try:
        found = one.scanner.scan(look)
    except Exception as error:  # noqa: BLE001  # whatever a plug-in does, its silence is no answer
        # What it says may repeat what it read: its kind is told, its words are not.
        return Scanned(tool=one.kind, fault=f"it broke: {type(error).__name__}")
    several = "" if len(found.seen) == 1 else "s"
    told(f"{found.tool} {found.version}: {found.fault or f'{len(found.seen)} finding{several} on both sides'}")
    return found


def placed(seen: Sequence[Seen]) -> list[Placed]:
    """The findings with their places; each file is read once."""
    outlines: dict[int, Outline] = {}
    for one in seen:
        if id(one.source) not in outlines:
            outlines[id(one.source)] = _outline(one.source)
    return [Placed(seen=one, where=outlines[id(one.source)].where(one.lines)) for one in seen]


def _outline(source: Source) -> Outline:
    if not is_python(source):
        return Outline(source.content, None)
    try:
        return Outline(source.content, parsed(source.content))
    except Unparsed:
        return Outline(source.content, None)
