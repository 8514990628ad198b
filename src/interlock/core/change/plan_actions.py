"""What a plan says happens to one resource, held against what it says is there before and after. Pure.

Rules:
1. The actions are one of the combinations that Terraform and OpenTofu write; anything else is refused.
2. A resource whose ``before`` and ``after`` say something other than its actions is refused: whichever of the two
   is true, the other would be read. An update has both sides, a delete and a forget leave none, a create finds
   none, a no-op leaves everything equal, and only data sources are read.
3. What is deferred is foreseen, not decided: its sides may be anything.
4. ``replace_paths`` force a replacement: they stand beside a ``create`` and beside nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import cast, get_args

from interlock.core.change.canonical import Json
from interlock.core.change.errors import InvalidInput
from interlock.core.change.parts import PlanAction

_ACTIONS = frozenset(get_args(PlanAction)) - {"import"}
_ALONE = frozenset(frozenset({action}) for action in _ACTIONS)
_TOGETHER = frozenset({frozenset({"create", "delete"}), frozenset({"create", "forget"})})
HINT = "write the plan again: terraform show -json plan.out > plan.json"


def plan_actions(
    entry: Mapping[str, Json], change: Mapping[str, Json], address: str, *, decided: bool
) -> tuple[PlanAction, ...]:
    """The actions of one entry, with ``import`` where it is imported.

    Raises:
        InvalidInput: ``plan-shape`` for unknown actions, ``plan-contradiction`` where the sides say otherwise.
    """
    actions = _known(change.get("actions"), address)
    problem = _problem(set(actions), entry, change) if decided else None
    if problem is not None:
        raise InvalidInput(
            f"expected {problem} of `{address[:100]}` with actions {json.dumps(actions)}, got a plan that"
            " contradicts itself",
            code="plan-contradiction",
            hint=HINT,
        )
    if change.get("importing") is None:
        return actions
    return (*(action for action in actions if action != "no-op"), "import")


def shape(expected: str, got: Json) -> InvalidInput:
    """The error about a plan that is not of the documented form."""
    return InvalidInput(f"expected {expected}, got `{json.dumps(got)[:60]}`", code="plan-shape", hint=HINT)


def _known(actions: Json, address: str) -> tuple[PlanAction, ...]:
    if not isinstance(actions, list) or not actions:
        raise shape(f"a list of actions of `{address[:100]}`", actions)
    unknown = [action for action in actions if not isinstance(action, str) or action not in _ACTIONS]
    if unknown:
        raise shape(f"actions among {', '.join(sorted(_ACTIONS))} of `{address[:100]}`", unknown[0])
    known = cast("list[PlanAction]", actions)
    if len(set(known)) != len(known) or frozenset(known) not in _ALONE | _TOGETHER:
        raise shape(f"one action, or a create with a delete or a forget, of `{address[:100]}`", actions)
    return tuple(known)


def _problem(actions: set[PlanAction], entry: Mapping[str, Json], change: Mapping[str, Json]) -> str | None:
    """What would have to be so, None when it is."""
    before, after = change.get("before"), change.get("after")
    unknown = _holds_unknown(change.get("after_unknown"))
    if "read" in actions and entry.get("mode", "managed") != "data":
        return "a data source"
    if change.get("replace_paths") and "create" not in actions:
        return "no `replace_paths`"
    return _side_problem(actions, before, after, unknown=unknown)


def _side_problem(actions: set[PlanAction], before: Json, after: Json, *, unknown: bool) -> str | None:
    there = after is not None or unknown
    if actions == {"create"} and before is not None:
        return "no `before`"
    if "create" in actions and not there:
        return "an `after`"
    if actions in ({"delete"}, {"forget"}) and there:
        return "no `after`"
    if actions == {"update"} and (before is None or not there):
        return "a `before` and an `after`"
    if actions == {"no-op"} and (before != after or unknown):
        return "an `after` that equals `before`"
    return None


def _holds_unknown(mark: Json) -> bool:
    if isinstance(mark, dict):
        return any(_holds_unknown(item) for item in mark.values())
    if isinstance(mark, list):
        return any(_holds_unknown(item) for item in mark)
    return bool(mark)
