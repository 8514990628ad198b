"""Which change did it: nearer in time, nearer in the graph and better proven never rank lower."""

from __future__ import annotations

import math
import random
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.core.audit.suspects import NONE, Candidate, rank

AT = datetime(2026, 3, 5, 9, 30, tzinfo=UTC)
GRAPH = {
    "mobile": ("checkout",),
    "checkout": ("cart", "payments"),
    "cart": ("orders",),
    "orders": ("prices", "stock"),
    "prices": ("rates",),
    "stock": (),
    "wiki": (),
}


def made(name: str = "chg-1", *, ago: float = 600, services: tuple[str, ...] = ("orders",), **more) -> Candidate:
    return Candidate(id=name, kind="rollout", services=services, moved_at=AT - timedelta(seconds=ago), **more)


def order(*candidates: Candidate, service: str = "orders") -> list[str]:
    return [one.candidate.id for one in rank(candidates, service=service, depends_on=GRAPH, at=AT)]


def only(candidate: Candidate, service: str = "orders"):
    [found] = rank([candidate], service=service, depends_on=GRAPH, at=AT)
    return found


def test_the_one_the_judge_stopped_comes_first_whenever_it_was():
    stopped = made("stopped", ago=5_000, log_e=7.1, stopped=True, gone_at=AT - timedelta(seconds=4_990))
    assert order(made("near", ago=10), stopped) == ["stopped", "near"]


def test_the_service_itself_before_its_dependency_before_its_callers_before_the_rest():
    names = {"stock": "dependency", "rates": "farther", "cart": "caller", "wiki": "unrelated", "orders": "itself"}
    candidates = [made(role, services=(service,)) for service, role in names.items()]
    candidates.append(made("shared", services=()))
    assert order(*candidates) == ["itself", "dependency", "farther", "caller", "shared", "unrelated"]


def test_what_came_after_cannot_have_done_it():
    after = made("after", ago=-1, log_e=11.0, stopped=True)
    far = made("far", ago=86_400, services=("wiki",))
    assert order(after, far) == ["far", "after"]
    assert "cannot have done it" in " ".join(only(after).why)


def test_what_was_back_before_is_a_poor_suspect_and_says_so():
    gone = made("gone", ago=900, gone_at=AT - timedelta(seconds=840))
    assert order(gone, made("there", ago=3_000)) == ["there", "gone"]
    assert "it was back at 0 % 14 min before" in only(gone).why


def test_what_a_judge_cleared_comes_after_what_nobody_judged():
    assert order(made("cleared", log_e=-3.0), made("unjudged")) == ["unjudged", "cleared"]


@pytest.mark.parametrize(
    ("candidate", "words"),
    [
        (
            made(log_e=math.log(1204), stopped=True, metric="orders"),
            ("the judge stopped it for harm of orders: 1,204 : 1 for harm", "orders itself", "10 min before"),
        ),
        (made(services=("rates",)), ("orders depends on it: orders → prices → rates", "10 min before")),
        (made(services=("mobile",)), ("it calls orders: mobile → checkout → cart → orders", "10 min before")),
        (made(services=("wiki",), ago=90), ("the catalog knows no path from it", "90 s before")),
        (made(services=(), ago=18_000), ("it touches no service of the catalog", "5.0 h before")),
    ],
)
def test_the_reasons_are_words(candidate, words):
    said = " | ".join(only(candidate).why)
    assert all(word in said for word in words)


CANDIDATES = st.builds(
    made,
    name=st.sampled_from(["a", "b", "c"]),
    ago=st.floats(0, 100_000),
    services=st.sampled_from([("orders",), ("stock",), ("rates",), ("cart",), ("wiki",), (), ("wiki", "stock")]),
    log_e=st.one_of(st.none(), st.floats(-50, 50)),
    stopped=st.booleans(),
)


@given(candidate=CANDIDATES, later=st.floats(0, 100_000))
def test_nearer_in_time_never_ranks_lower(candidate, later):
    nearer = replace(candidate, moved_at=min(candidate.moved_at + timedelta(seconds=later), AT))
    assert only(nearer).score >= only(candidate).score


@given(candidate=CANDIDATES)
def test_nearer_in_the_graph_never_ranks_lower(candidate):
    chain = [("orders",), ("prices",), ("rates",), ()]
    scores = [only(replace(candidate, services=each)).score for each in chain]
    assert scores == sorted(scores, reverse=True)
    callers = [
        only(replace(candidate, services=(each,))).score for each in ("orders", "cart", "checkout", "mobile")
    ]
    assert callers == sorted(callers, reverse=True)


@given(candidate=CANDIDATES, services=st.sampled_from(["wiki", "stock", "mobile"]))
def test_touching_more_never_makes_less_suspicious(candidate, services):
    if candidate.services:
        more = replace(candidate, services=(*candidate.services, services))
        assert only(more).score >= only(candidate).score


@given(candidate=CANDIDATES, more=st.floats(0, 50))
def test_more_evidence_never_ranks_lower(candidate, more):
    stronger = replace(candidate, log_e=(candidate.log_e or 0.0) + more)
    assert only(stronger).score >= only(replace(candidate, log_e=candidate.log_e or 0.0)).score


@given(candidates=st.lists(CANDIDATES, max_size=12), seed=st.integers(0, 1000))
def test_the_order_depends_on_nothing_but_the_candidates(candidates, seed):
    named = [replace(one, id=f"chg-{place}") for place, one in enumerate(candidates)]
    shuffled = list(named)
    random.Random(seed).shuffle(shuffled)
    assert order(*named) == order(*shuffled)


def test_a_long_path_is_still_a_path():
    chain = {f"s{number}": (f"s{number + 1}",) for number in range(50)}
    far = made("far", services=("s50",))
    [found] = rank([far], service="s0", depends_on=chain, at=AT)
    assert (found.relation, found.closeness) == ("dependency", -NONE)


def test_a_cycle_in_the_catalog_ends():
    [found] = rank([made(services=("b",))], service="a", depends_on={"a": ("b",), "b": ("a",)}, at=AT)
    assert found.path == ("a", "b")


def test_a_thousand_changes_are_ranked_in_a_fraction_of_a_second():
    candidates = [made(f"chg-{number}", ago=number, services=("rates",)) for number in range(1_000)]
    began = time.process_time()
    assert len(rank(candidates, service="orders", depends_on=GRAPH, at=AT)) == 1_000
    assert time.process_time() - began < 1.0


def test_a_change_of_rules_alone_comes_below_all_that_was_shipped_and_says_what_it_is():
    """Two plans that had just come into force stood above the service's own rollouts."""
    plan = made(
        "plan", ago=5, services=(), rules=("rollouts/orders.yaml", "rollouts/stock.yaml", "interlock.yaml")
    )
    own = made("own", ago=7_000, log_e=-4.0)
    elsewhere = made("elsewhere", ago=7_000, services=("wiki",), log_e=-4.0)
    assert order(plan, own, elsewhere) == ["own", "elsewhere", "plan"]
    found = only(replace(plan, services=("orders",)))
    assert found.relation == "rules"
    assert found.why == (
        "it changes rules alone and ships nothing: rollouts/orders.yaml, rollouts/stock.yaml and 1 more",
        "5 s before",
    )
