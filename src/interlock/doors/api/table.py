"""All operations in one table, and how a request finds its row."""

from __future__ import annotations

from interlock.doors.api.nouns import (
    changes,
    checklists,
    counts,
    deployments,
    entries,
    events,
    evidence,
    flags,
    gate,
    health,
    judgements,
    ledger,
    pins,
    plans,
    reports,
    rollbacks,
    rollouts,
    rules,
    runs,
    statements,
    suspects,
    tiles,
    tokens,
)
from interlock.doors.api.surface import Operation, match

OPERATIONS: tuple[Operation, ...] = (
    *health.OPERATIONS,
    *changes.OPERATIONS,
    *judgements.OPERATIONS,
    *checklists.OPERATIONS,
    *statements.OPERATIONS,
    *evidence.OPERATIONS,
    *runs.OPERATIONS,
    *counts.OPERATIONS,
    *flags.OPERATIONS,
    *gate.OPERATIONS,
    *pins.OPERATIONS,
    *rollouts.OPERATIONS,
    *rules.OPERATIONS,
    *plans.OPERATIONS,
    *events.OPERATIONS,
    *rollbacks.OPERATIONS,
    *suspects.OPERATIONS,
    *deployments.OPERATIONS,
    *reports.OPERATIONS,
    *entries.OPERATIONS,
    *ledger.OPERATIONS,
    *tiles.OPERATIONS,
    *tokens.OPERATIONS,
)


def route(method: str, path: str) -> tuple[Operation, dict[str, str]] | list[str]:
    """The operation and its path parameters, or the methods that ``path`` does take (none: no such path)."""
    return match(OPERATIONS, method, path)
