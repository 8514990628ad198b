"""What a plan leaves unsaid: a plan that is partial is never read as one that does nothing. Pure.

Rules:
1. Partial is a plan that ended in an error, that calls itself incomplete (``complete: false``, which is also what
   ``-target`` gives), that defers changes, or that cannot be applied although it changes something.
2. Terraform leaves ``resource_changes`` out where there is nothing to say, so its absence alone is no gap; without
   ``planned_values`` it is. Each managed resource of ``prior_state`` is accounted for, by a change or by the same
   values afterwards, and each of ``planned_values`` by a change or by what was there. One that is not is a gap.
3. Provider actions (``action_invocations``) run something the plan does not describe.
4. A mark that is neither true nor false is refused.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import cast

from interlock.core.change.canonical import Json
from interlock.core.change.plan_actions import shape

MAX_NAMED = 5


def gaps_of(top: Mapping[str, Json], addresses: AbstractSet[str], *, changes: bool) -> tuple[str, ...]:
    """Each gap in words. ``addresses`` have a change, now or formerly; ``changes``: whether one does anything.

    Raises:
        InvalidInput: ``plan-shape``.
    """
    found = []
    if flag(top, "errored"):
        found.append("the plan ended in an error")
    if flag(top, "complete") is False:
        found.append("the plan calls itself incomplete")
    if changes and flag(top, "applyable") is False and not flag(top, "errored"):
        found.append("the plan cannot be applied")
    deferred = [key for key in ("deferred_changes", "deferred_action_invocations") if top.get(key)]
    found += [f"{key} is not empty: what was put off is not decided yet" for key in deferred]
    if top.get("resource_changes") is None and not isinstance(top.get("planned_values"), dict):
        found.append("neither resource_changes nor planned_values are there")
    elif not flag(top, "errored"):
        found += _unaccounted(top, addresses)
    return tuple(found)


def invocations_of(top: Mapping[str, Json]) -> tuple[str, ...]:
    """The addresses of the provider actions that applying the plan runs."""
    entries = top.get("action_invocations")
    if not entries:
        return ()
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise shape("a list of objects at `action_invocations`", entries)
    named = (cast("dict[str, Json]", entry) for entry in entries)
    return tuple(str(entry.get("address") or entry.get("type") or "an action")[:200] for entry in named)


def flag(top: Mapping[str, Json], key: str) -> bool | None:
    """A mark of the whole plan, None where it is absent."""
    value = top.get(key)
    if value is not None and not isinstance(value, bool):
        raise shape(f"true or false at `{key}`", value)
    return value


def _unaccounted(top: Mapping[str, Json], addresses: AbstractSet[str]) -> Iterator[str]:
    prior, planned = top.get("prior_state"), top.get("planned_values")
    if not isinstance(prior, dict) or not isinstance(planned, dict):
        return
    before, after = _managed(prior.get("values")), _managed(planned)
    lost = sorted(before.keys() - after.keys() - addresses)
    appeared = sorted(after.keys() - before.keys() - addresses)
    same = before.keys() & after.keys()
    altered = sorted(address for address in same - addresses if before[address] != after[address])
    for words, names in (("disappear", lost), ("appear", appeared), ("differ afterwards", altered)):
        if names:
            more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
            yield f"resources {words} without a change that says so: {', '.join(names[:MAX_NAMED])}{more}"


def _managed(values: Json) -> dict[str, Json]:
    """The values of each managed resource by its address, through all modules."""
    found: dict[str, Json] = {}
    waiting = [values.get("root_module")] if isinstance(values, dict) else []
    while waiting:
        module = waiting.pop()
        if not isinstance(module, dict):
            continue
        children, resources = module.get("child_modules"), module.get("resources")
        waiting += children if isinstance(children, list) else []
        for resource in resources if isinstance(resources, list) else []:
            if isinstance(resource, dict) and resource.get("mode", "managed") == "managed":
                found[_address(resource)] = resource.get("values")
    return found


def _address(resource: Mapping[str, Json]) -> str:
    """The full address; states of format 0.1 write the index beside it."""
    address, index = str(resource.get("address"))[:1000], resource.get("index")
    return address if index is None or address.endswith("]") else f"{address}[{json.dumps(index)}]"
