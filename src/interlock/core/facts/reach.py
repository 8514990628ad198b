"""Over the catalog's graph: what depends on the touched services, by which path, and what share that is.

Rules:
1. Reached is whatever depends on a touched service, directly or not. Its path is a shortest one, from the touched
   service to it; among equally short ones the first by name. Cycles end where they began.
2. Shares: along one chain of dependents the largest counts, because the same orders pass through all of it; side
   branches add up, because their orders may be different ones; never more than 1. A service that several chains
   lead to counts once, in the longest. Nothing declared is None, not zero.
3. Everything is linear in the number of services and dependencies it meets.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping

from interlock.core.change.catalog import Service

Graph = Mapping[str, tuple[str, ...]]
MAX_SHOWN = 100
"""A longer path keeps its two ends, with ``…`` between."""


def reach(dependents: Graph, touched: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """For each reached service, itself not touched, the path to it. In order of distance, then name."""
    origin: dict[str, str | None] = dict.fromkeys(sorted(set(touched)))
    waiting = deque(origin)
    while waiting:
        name = waiting.popleft()
        for dependent in dependents.get(name, ()):
            if dependent not in origin:
                origin[dependent] = name
                waiting.append(dependent)
    return {name: _path(origin, name) for name, before in origin.items() if before is not None}


def _path(origin: Mapping[str, str | None], name: str) -> tuple[str, ...]:
    path, step = [name], origin[name]
    while step is not None:
        path.append(step)
        step = origin[step]
    path.reverse()
    if len(path) > MAX_SHOWN:
        half = MAX_SHOWN // 2
        path = [*path[:half], "…", *path[-half:]]
    return tuple(path)


def share(
    services: Mapping[str, Service],
    dependents: Graph,
    touched: Iterable[str],
    of: Callable[[Service], float | None],
) -> float | None:
    """The part of orders or fleet that the touched services and all that depends on them carry, by rule 2."""
    if all(of(service) is None for service in services.values()):
        return None
    order = _unrolled(dependents, sorted(set(touched)))
    declared = {name: of(services[name]) for name in order if name in services}
    if all(value is None for value in declared.values()):
        return None
    above = _chains(dependents, order)
    branches: dict[str, float] = {}
    total = 0.0
    for name in reversed(order):
        amount = max(declared.get(name) or 0.0, branches.get(name, 0.0))
        if name in above:
            branches[above[name]] = branches.get(above[name], 0.0) + amount
        else:
            total += amount
    return min(1.0, round(total, 9))


def _chains(dependents: Graph, order: list[str]) -> dict[str, str]:
    """For each affected service the one before it on a longest chain; none for where chains begin."""
    place = {name: number for number, name in enumerate(order)}
    depth = dict.fromkeys(order, 0)
    above: dict[str, str] = {}
    for name in order:
        for dependent in dependents.get(name, ()):
            # A step back closes a cycle and leads nowhere new.
            if place[dependent] > place[name] and depth[name] >= depth[dependent]:
                depth[dependent] = depth[name] + 1
                above[dependent] = name
    return above


def _unrolled(dependents: Graph, touched: list[str]) -> list[str]:
    """Every affected service once, each before those that depend on it unless both depend on each other.

    This is the reverse of the order in which a depth-first walk is done with them.
    """
    seen: set[str] = set()
    done: list[str] = []
    for start in touched:
        if start in seen:
            continue
        seen.add(start)
        stack = [(start, iter(dependents.get(start, ())))]
        while stack:
            name, following = stack[-1]
            fresh = next((dependent for dependent in following if dependent not in seen), None)
            if fresh is None:
                stack.pop()
                done.append(name)
            else:
                seen.add(fresh)
                stack.append((fresh, iter(dependents.get(fresh, ()))))
    done.reverse()
    return done
