"""Station 4, gather: a ready rule for each failure that nobody would notice, once it was itself proven.

Rules:
1. A rule fires in time in its failure and for as long as that lasts, and is silent while all is well, or it is
   none.
2. Where it is known who hears of what, one that would reach nobody says so and is not offered; one that reaches
   others than the service's own alerts of its severity do says whom those reach.
3. Of a failure whose series the change renames, a rule looks at the new name, and is proven over the healthy
   series under it. One that compares with what was before is proven over the release too, where the new name has
   no past. Where alerts of the change tell of it under that name, no rule is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from interlock.core.alerts.custom import Custom, custom
from interlock.core.alerts.matrix import Cell, Matrix, Row
from interlock.core.alerts.modes import Failing
from interlock.core.alerts.ready import Ready, ready
from interlock.core.alerts.release import Release, release
from interlock.core.alerts.shape import Shape
from interlock.ports.alerts import RunsRules
from interlock.road.prove_alerts import Loadable, Prepared, Proof, asked_of, carry_out, loadable, prepare
from interlock.road.route_alerts import Routes


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """A rule that was proven, or ``why`` it is not offered. ``cell`` is what it fires with, and who hears of it.

    ``seconds`` until it fires, the longest of what was tried.

    ``usual``: who hears of the service's own alerts of that severity, where none of them hears of this one.
    """

    rule: Ready
    cell: Cell
    seconds: float
    usual: tuple[str, ...] = ()
    why: str = ""


def told_anew(
    proof: Proof,
    prepared: Prepared,
    runner: RunsRules,
    *,
    told: Callable[[str], None],
    routes: Routes | None = None,
) -> Proof:
    """The proof with the alerts that would tell of a failure under the new names of its series."""
    renamed = _renamed(prepared)
    if not renamed:
        return proof
    told("the alerts of the change over the new names")
    matrix = _proven(prepared, renamed, prepared.files, runner, routes)
    tells = {row.mode: tuple(cell.alert for cell in row.answers) for row in matrix.rows if row.proven}
    rows = tuple(_told_by(row, tells.get(row.mode, ())) for row in proof.matrix.rows)
    return replace(proof, matrix=replace(proof.matrix, rows=rows))


def proven_rules(
    proof: Proof,
    prepared: Prepared,
    runner: RunsRules,
    *,
    told: Callable[[str], None],
    routes: Routes | None = None,
) -> list[Remedy]:
    """One for each gap for which there is one, in the plan's order."""
    gaps = {row.mode for row in proof.matrix.gaps if row.taken is None or not row.taken.told_by}
    renamed = {one.mode.name: one for one in _renamed(prepared)}
    was = dict(prepared.was)
    was |= {name: {new: old for old, new in one.taken.names} for name, one in prepared.taken.items()}
    failures = [renamed.get(one.mode.name, one) for one in proof.failures]
    plan, taken = prepared.plan, [alert.rule.name for alert in proof.alerts]
    like = custom(proof.alerts, [shape for one in failures for shape in _touched(one)], service=plan.service)
    drafts = [
        draft
        for failing in failures
        if failing.mode.name in gaps
        and (
            draft := ready(
                failing,
                service=plan.service,
                tolerance=plan.tolerance,
                taken=taken,
                labels=like.labels,
                was=was.get(failing.mode.name),
                step=plan.step,
            )
        )
    ]
    if not drafts:
        return []
    told(f"proving {len(drafts)} ready rule{'' if len(drafts) == 1 else 's'}")
    files = loadable({f"{draft.alert}.yaml": draft.content for draft in drafts}, runner)
    matrix = _proven(prepared, failures, files, runner, routes)
    over = {one.mode.name: one for one in failures}
    crossing = {draft.alert: release(over[draft.mode], was[draft.mode]) for draft in drafts if draft.was}
    after = _released(crossing, prepared, files, runner) if crossing else {}
    usual = tuple(routes.to(_sent(like, proof.matrix))) if routes else ()
    rows = {row.mode: row for row in matrix.rows}
    return [_remedy(draft, rows[draft.mode], usual, after.get(draft.alert, 0.0)) for draft in drafts]


def _released(
    crossing: Mapping[str, Release], prepared: Prepared, files: Loadable, runner: RunsRules
) -> dict[str, float | None]:
    """By rule, after how long it fires in a failure that begins with the release; None of one that does not help.

    That is one that does not fire for good, or fires although all stays well.
    """
    over = [each for one in crossing.values() for each in (one.failing, one.well)]
    asked = asked_of(prepare(replace(prepared.plan, modes=()), files, prepared.shapes), over)
    rows = {row.mode: row for row in carry_out(asked, runner, told=lambda _: None).matrix.rows}
    found = dict[str, float | None]()
    for alert, one in crossing.items():
        cries = any(cell.fired for cell in rows[one.well.mode.name].cells if cell.alert == alert)
        told = (cell for cell in rows[one.failing.mode.name].answers if cell.alert == alert and cell.ends is None)
        cell = next(told, None)
        found[alert] = None if cries or cell is None else cell.seconds
    return found


def _remedy(draft: Ready, row: Row, usual: tuple[str, ...], released: float | None) -> Remedy:
    cell = next((cell for cell in row.answers if cell.alert == draft.alert), None)
    fired = next(cell for cell in row.cells if cell.alert == draft.alert)
    why = next((f"the one that would fire is {one.why}" for one in row.unheard if one.alert == draft.alert), "")
    if why or cell is None:
        why = why or f"the one that was tried {fired.fault or 'does not fire in time, or fires while all is well'}"
        return Remedy(rule=draft, cell=fired, seconds=fired.seconds or 0.0, why=why)
    same = usual if cell.receivers and {*usual}.isdisjoint(cell.receivers) else ()
    if released is None:
        why = f"the one that was tried does not hold over the release, which takes {' and '.join(draft.was)} away"
    elif cell.ends is not None:
        why = f"the one that was tried ends after {cell.ends:g} s of the failure"
    return Remedy(rule=draft, cell=cell, seconds=max(cell.seconds or 0.0, released or 0.0), usual=same, why=why)


def _proven(
    prepared: Prepared, failures: Sequence[Failing], files: Loadable, runner: RunsRules, routes: Routes | None
) -> Matrix:
    """These rules over these failures, and over what is healthy in them."""
    shapes = {shape.key: shape for shape in prepared.shapes}
    shapes |= {shape.key: shape for one in _renamed(prepared) for shape in one.healthy}
    plan = replace(prepared.plan, modes=tuple(one.mode for one in failures))
    proof = carry_out(prepare(plan, files, [*shapes.values()]), runner, told=lambda _: None)
    return (routes.applied(proof) if routes else proof).matrix


def _renamed(prepared: Prepared) -> list[Failing]:
    return [one.failing for one in prepared.taken.values() if one.failing is not None]


def _touched(failing: Failing) -> list[Shape]:
    return [shape for shape in failing.healthy if shape.name in failing.touched]


def _told_by(row: Row, alerts: tuple[str, ...]) -> Row:
    return row if row.taken is None else replace(row, taken=replace(row.taken, told_by=alerts))


def _sent(like: Custom, matrix: Matrix) -> list[dict[str, str]]:
    """The labels that the service's own alerts go out with, or that stand in their rules where none fired."""
    fired = {cell.alert: [*cell.fired] for row in matrix.rows for cell in row.cells if cell.fired}
    return [
        dict(labels)
        for alert in like.alerts
        for labels in (
            [each.labels for each in fired[alert.key]]
            if alert.key in fired
            else [{"alertname": alert.rule.name, **_plain(alert.rule.labels)}]
        )
    ]


def _plain(labels: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in labels.items() if "{{" not in value}
