"""Over the catalog's graph: what depends on the touched services, by which path, and what share that is.

Rules:
1. Reached is whatever depends on a touched service, directly or not. Its path is a shortest one, from the touched
   service to it; among equally short ones the first by name. Cycles end where they began.
2. Shares: along one chain of dependents the largest counts, because the same orders pass through all of it; side
   branches add up, because their orders may be different ones; never more than 1. A service that two branches lead
   to counts in the branch that reached it first. Nothing declared is None, not zero.
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
    names = sorted(set(touched))
    order, origin = _forest(dependents, names)
    declared = {name: of(services[name]) for name in order if name in services}
    if all(value is None for value in declared.values()):
        return None
    branches: dict[str, float] = {}
    total = 0.0
    for name in reversed(order):
        own = declared.get(name) or 0.0
        amount = max(own, branches.get(name, 0.0))
        above = origin[name]
        if above is None:
            total += amount
        else:
            branches[above] = branches.get(above, 0.0) + amount
    return min(1.0, round(total, 9))


def _forest(dependents: Graph, touched: list[str]) -> tuple[list[str], dict[str, str | None]]:
    """Each affected service once, after the one that leads to it.

    A touched service that another touched one leads to is no root of its own.
    """
    origin: dict[str, str | None] = {}
    order: list[str] = []
    for root in reversed(_finished(dependents, touched)):
        if root in origin:
            continue
        origin[root] = None
        waiting = deque([root])
        while waiting:
            name = waiting.popleft()
            order.append(name)
            for dependent in dependents.get(name, ()):
                if dependent not in origin:
                    origin[dependent] = name
                    waiting.append(dependent)
    return order, origin


def _finished(dependents: Graph, touched: list[str]) -> list[str]:
    """The touched services in the order in which a depth-first walk is done with them.

    Whatever leads to another one comes after it, unless both lead to each other.
    """
    seen: set[str] = set()
    done: list[str] = []
    wanted = set(touched)
    for start in touched:
        if start in seen:
            continue
        seen.add(start)
        stack = [(start, iter(dependents.get(start, ())))]
        while stack:
            name, following = stack[-1]
            for dependent in following:
                if dependent not in seen:
                    seen.add(dependent)
                    stack.append((dependent, iter(dependents.get(dependent, ()))))
                    break
            else:
                stack.pop()
                if name in wanted:
                    done.append(name)
    return done
