"""Station 4, gather: whether an answer holds with other healthy noise, or was luck.

Rules:
1. Only what answers a mode is looked at again: an alert that did not fire is no answer anyhow.
2. One that asks the clock was looked at with all of the noise where its hours were.
3. One that does not fire in time with some noise, or cries while all is well with some, is on a knife edge.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from interlock.core.alerts.clock import asking
from interlock.core.alerts.exposition import Exposed
from interlock.core.alerts.matrix import on_edge
from interlock.core.alerts.shape import Shape
from interlock.ports.alerts import RunsRules
from interlock.road.prove_alerts import Batch, Prepared, Proof, carry_out, prepare


def steadied(
    proof: Proof,
    prepared: Prepared,
    others: Sequence[Sequence[Shape]],
    runner: RunsRules,
    *,
    told: Callable[[str], None],
    exposed: Exposed | None = None,
) -> Proof:
    """The proof, without the answers that do not hold with all of ``others``, healthy series with other noise."""
    clock = asking(prepared.files.groups)
    steady = {alert.key for alert in proof.alerts if alert.rule.name not in clock}
    answers = {row.mode: {cell.alert for cell in row.answers} & steady for row in proof.matrix.rows}
    if not any(answers.values()):
        return proof
    shaky: dict[str, set[str]] = {mode: set() for mode in answers}
    for place, shapes in enumerate(others):
        told(f"once more with other healthy noise, {place + 1} of {len(others)}")
        again = _only(prepare(prepared.plan, prepared.files, shapes, exposed), answers)
        found = carry_out(again, runner, told=lambda _: None).matrix
        for row in found.rows:
            shaky[row.mode] |= answers[row.mode] - {cell.alert for cell in row.answers}
    rows = tuple(on_edge(row, shaky[row.mode]) for row in proof.matrix.rows)
    return replace(proof, matrix=replace(proof.matrix, rows=rows))


def _only(prepared: Prepared, answers: dict[str, set[str]]) -> Prepared:
    """Of the cases of modes what is asked again; the case without a failure would ask the same before each."""
    batches: list[Batch] = []
    for batch in prepared.batches:
        asked = [
            replace(case, alerts=tuple(one for one in case.alerts if one.key in answers.get(case.name, ())))
            for case in batch.cases
        ]
        if kept := tuple(case for case in asked if case.alerts):
            batches.append(replace(batch, cases=kept))
    return replace(prepared, batches=tuple(batches))
