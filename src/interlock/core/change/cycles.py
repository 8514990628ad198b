"""Cycles of a directed graph, each named once.

Rules:
1. Every group of names that all lead to each other (a strongly connected component) is one finding: one shortest
   cycle through its first name, from that name back to it. Naming every cycle of a dense group would be endless.
2. Without recursion, linear but for the walk inside each group.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping


def cycles(graph: Mapping[str, Iterable[str]]) -> list[tuple[str, ...]]:
    """One cycle for each group of names in a cycle, first name repeated at the end; sorted.

    Names that the graph does not have lead nowhere.
    """
    edges = {name: tuple(sorted(set(targets) & graph.keys())) for name, targets in graph.items()}
    found = []
    for group in _groups(edges):
        first = min(group)
        if len(group) > 1 or first in edges[first]:
            found.append(_shortest(edges, first, group))
    return sorted(found)


def _groups(edges: Mapping[str, tuple[str, ...]]) -> Iterator[set[str]]:
    """The strongly connected components, by Tarjan's walk with its own stack."""
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    trail: list[str] = []
    on_trail: set[str] = set()
    for start in sorted(edges):
        if start in number:
            continue
        work = [(start, iter(edges[start]))]
        number[start] = low[start] = len(number)
        trail.append(start)
        on_trail.add(start)
        while work:
            name, following = work[-1]
            target = next(following, None)
            if target is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[name])
                if low[name] == number[name]:
                    yield _taken(name, trail, on_trail)
            elif target not in number:
                number[target] = low[target] = len(number)
                trail.append(target)
                on_trail.add(target)
                work.append((target, iter(edges[target])))
            elif target in on_trail:
                low[name] = min(low[name], number[target])


def _taken(name: str, trail: list[str], on_trail: set[str]) -> set[str]:
    group = set()
    while True:
        last = trail.pop()
        on_trail.discard(last)
        group.add(last)
        if last == name:
            return group


def _shortest(edges: Mapping[str, tuple[str, ...]], first: str, group: set[str]) -> tuple[str, ...]:
    before: dict[str, str] = {}
    waiting = deque([first])
    while waiting:
        name = waiting.popleft()
        for target in edges[name]:
            if target == first:
                path = [first, name]
                while name != first:
                    name = before[name]
                    path.append(name)
                return tuple(reversed(path))
            if target in group and target not in before:
                before[target] = name
                waiting.append(target)
    raise AssertionError(f"`{first}` is in a cycle of {len(group)}")
