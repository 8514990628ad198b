"""Cycles, each named once."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from interlock.core.change.cycles import cycles


def test_no_cycle_no_finding() -> None:
    assert cycles({"a": ["b", "c"], "b": ["c"], "c": ["nowhere"]}) == []


def test_each_cycle_once_from_its_first_name() -> None:
    graph = {"c": ["a"], "a": ["b"], "b": ["c"], "x": ["x"], "m": ["n"], "n": ["m", "a"]}
    assert cycles(graph) == [("a", "b", "c", "a"), ("m", "n", "m"), ("x", "x")]


def test_a_dense_group_is_one_finding() -> None:
    names = [f"n{number:02}" for number in range(40)]
    assert cycles(dict.fromkeys(names, names)) == [("n00", "n00")]


def test_a_chain_of_ten_thousand_needs_no_recursion() -> None:
    graph = {f"n{number:05}": [f"n{(number + 1) % 10_000:05}"] for number in range(10_000)}
    (found,) = cycles(graph)
    assert len(found) == 10_001


_GRAPHS = st.dictionaries(st.sampled_from("abcdef"), st.lists(st.sampled_from("abcdef"), max_size=4), max_size=6)


@given(_GRAPHS)
def test_every_finding_is_a_cycle_and_every_name_on_one_is_covered(graph: dict[str, list[str]]) -> None:
    def reachable(start: str) -> set[str]:
        seen, waiting = set[str](), [start]
        while waiting:
            for target in graph.get(waiting.pop(), []):
                if target in graph and target not in seen:
                    seen.add(target)
                    waiting.append(target)
        return seen

    found = cycles(graph)
    for path in found:
        assert path[0] == path[-1] == min(path)
        assert all(after in graph[before] for before, after in pairwise(path))
    groups = {frozenset(n for n in reachable(name) if name in reachable(n)) for name in graph}
    assert len(found) == len(groups - {frozenset()})
