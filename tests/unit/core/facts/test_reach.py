"""Dependents with their paths, and the share they carry."""

from __future__ import annotations

import itertools
import time
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from interlock.core.change.catalog import Service
from interlock.core.facts.reach import MAX_SHOWN, reach, share


def of(graph: dict[str, tuple[str, ...]], shares: dict[str, float], touched: list[str]) -> float | None:
    names = set(graph) | set(itertools.chain.from_iterable(graph.values()))
    services = {name: Service(name=name, order_share=shares.get(name)) for name in names}
    return share(services, graph, touched, lambda service: service.order_share)


def test_paths_are_shortest_and_by_name() -> None:
    graph = {
        "db": ("cart", "tax"),
        "cart": ("web",),
        "tax": ("web", "b2b"),
        "web": ("mobile",),
        "mobile": ("web",),
    }
    assert reach(graph, ["db"]) == {
        "cart": ("db", "cart"),
        "tax": ("db", "tax"),
        "web": ("db", "cart", "web"),
        "b2b": ("db", "tax", "b2b"),
        "mobile": ("db", "cart", "web", "mobile"),
    }


def test_touched_services_are_not_reached() -> None:
    graph = {"db": ("cart",), "cart": ("web",), "web": ("db",)}
    assert reach(graph, ["db", "cart"]) == {"web": ("cart", "web")}
    assert reach(graph, []) == {}
    assert reach(graph, ["nowhere"]) == {}


def test_the_largest_share_along_a_chain_counts() -> None:
    assert of({"db": ("cart",), "cart": ("web",)}, {"cart": 0.4, "web": 0.3}, ["db"]) == 0.4
    assert of({"db": ("cart",), "cart": ("web",)}, {"cart": 0.4, "web": 0.9}, ["db"]) == 0.9


def test_side_branches_add_up_to_one_at_most() -> None:
    graph = {"db": ("cart", "tax")}
    assert of(graph, {"cart": 0.4, "tax": 0.3}, ["db"]) == 0.7
    assert of(graph, {"cart": 0.7, "tax": 0.7}, ["db"]) == 1.0
    assert of(graph, {"cart": 0.4, "tax": 0.3, "db": 0.9}, ["db"]) == 0.9


def test_touched_services_on_one_chain_count_once() -> None:
    graph = {"db": ("cart",), "cart": ("web",), "x": ()}
    for touched in (["db", "web"], ["web", "db"], ["cart", "db", "web"]):
        assert of(graph, {"db": 0.2, "cart": 0.2, "web": 0.2}, touched) == 0.2
    assert of(graph, {"web": 0.2, "x": 0.1}, ["x", "db"]) == 0.3


def test_a_short_cut_beside_a_chain_adds_nothing() -> None:
    graph = {"cart": ("checkout", "web"), "checkout": ("web",), "web": ()}
    assert of(graph, {"checkout": 0.5, "web": 0.5}, ["cart"]) == 0.5


def test_nothing_declared_is_unknown_and_zero_is_zero() -> None:
    assert of({"a": ("b",)}, {}, ["a"]) is None
    assert of({"a": ("b",)}, {"b": 0.0}, ["a"]) == 0.0
    assert of({"a": ("b",), "c": ()}, {"c": 0.5}, ["a"]) is None


def test_a_long_path_keeps_its_ends() -> None:
    graph = {f"n{number:04}": (f"n{number + 1:04}",) for number in range(2_000)}
    paths = reach(graph, ["n0000"])
    assert len(paths[f"n{MAX_SHOWN - 1:04}"]) == MAX_SHOWN
    last = paths["n2000"]
    assert (last[0], last[MAX_SHOWN // 2], last[-1]) == ("n0000", "…", "n2000")


def test_ten_thousand_services_take_milliseconds() -> None:
    graph = {f"n{number}": (f"n{number * 7 % 10_000}", f"n{number * 13 % 10_000}") for number in range(10_000)}
    started = time.process_time()
    reach(graph, ["n1"])
    of(graph, {"n7": 0.1}, ["n1"])
    assert time.process_time() - started < 2


_NAMES = st.sampled_from("abcdefgh")
_GRAPHS = st.dictionaries(_NAMES, st.lists(_NAMES, max_size=4).map(lambda names: tuple(sorted(set(names)))))
_SHARES = st.dictionaries(_NAMES, st.floats(0, 1), max_size=8)


@given(_GRAPHS, st.lists(_NAMES, max_size=3))
def test_reach_is_exactly_the_closure_and_every_path_is_real(graph: Any, touched: list[str]) -> None:
    closure = set(touched)
    while True:
        more = {after for before in closure for after in graph.get(before, ())} - closure
        if not more:
            break
        closure |= more
    found = reach(graph, touched)
    assert set(found) == closure - set(touched)
    for name, path in found.items():
        assert path[0] in touched
        assert path[-1] == name
        assert all(after in graph[before] for before, after in itertools.pairwise(path))


@given(_GRAPHS, _SHARES, st.lists(_NAMES, max_size=3))
def test_a_share_lies_between_the_largest_and_the_sum(
    graph: Any, shares: dict[str, float], touched: list[str]
) -> None:
    affected = set(touched) | set(reach(graph, touched))
    names = set(graph) | set(itertools.chain.from_iterable(graph.values())) | set(touched)
    services = {name: Service(name=name, order_share=shares.get(name)) for name in names}
    found = share(services, graph, touched, lambda service: service.order_share)
    declared = [shares[name] for name in affected if name in shares]
    if not declared:
        assert found is None
    else:
        assert found is not None
        assert max(declared) - 1e-6 <= found <= min(1.0, sum(declared)) + 1e-6
        assert found == share(services, graph, touched[::-1], lambda service: service.order_share)
