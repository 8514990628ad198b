"""Who wrote a change: everybody who may have."""

from __future__ import annotations

from dataclasses import replace

import pytest

from interlock.core.approval.principals import Principals
from interlock.core.change.catalog import Agent
from interlock.core.change.parts import Identity
from interlock.core.evidence.model import Evidence
from interlock.testing import approvals as shop


def authors_of(change, *identities, evidence=(), catalog=None):
    known = catalog or shop.shop()
    return Principals(known).authors(change, shop.description(change, known, *identities), evidence)


def bare_change(*commits, **replaced):
    return shop.change(
        *(commits or (shop.commit("eve@shop.example"),)),
        **{"opened_by": "pipeline:ci", "agent": None, "sponsor": None, **replaced},
    )


def evidence(standing: str, received_from: str) -> Evidence:
    return Evidence(
        id="ev-1",
        change="chg-7f3a",
        subject="sha256:" + "0" * 64,
        predicate_type="x",
        format="junit",
        runner=None,
        standing=standing,
        summary={},
        blob="sha256:" + "0" * 64,
        issued_at=shop.NOW,
        expires_at=shop.NOW,
        received_at=shop.NOW,
        received_from=received_from,
    )


@pytest.mark.parametrize(
    "change",
    [
        bare_change(shop.commit("dee@shop.example", committer="eve@shop.example")),
        bare_change(shop.commit("eve@shop.example", committer="dee@shop.example")),
        bare_change(shop.commit("eve@shop.example", trailers=(("Co-authored-by", "D <dee+x@shop.example>"),))),
        bare_change(shop.commit("eve@shop.example", trailers=(("CO-AUTHORED-BY", "D <DEE@shop.example>"),))),
        bare_change(shop.commit("eve@shop.example", trailers=(("Co-authored-by", "dee"),))),
        bare_change(
            shop.commit(
                "eve@shop.example", trailers=(("Co-authored-by", "E <eve@shop.example> D <dee@shop.example>"),)
            )
        ),
        bare_change(
            shop.commit("eve@shop.example", trailers=(("Co-authored-by", "eve@shop.example, dee@shop.example"),))
        ),
        bare_change(shop.commit("eve@shop.example", trailers=(("Prompted-by", "D <dee@shop.example>"),))),
        bare_change(replace(shop.commit("eve@shop.example"), note='{"human_author": "D <dee@shop.example>"}')),
        bare_change(pushed_by=("dee-gh",)),
        bare_change(opened_by="dee"),
        bare_change(opened_by="local:dee"),
        bare_change(sponsor="dee"),
    ],
)
def test_each_hand_in_a_change_makes_an_author(change):
    assert authors_of(change).people == {"dee", "eve"}


def test_what_the_facts_found_makes_authors_too():
    assert authors_of(bare_change(), Identity(name="D", email="dee@shop.example")).people == {"dee", "eve"}


def test_an_agent_makes_its_sponsor_an_author():
    assert authors_of(bare_change(agent="codey")).people == {"cai", "eve"}
    assert authors_of(bare_change(opened_by="agent:codey")).people == {"cai", "eve"}
    assert authors_of(bare_change(shop.commit("7+codey-bot[bot]@users.noreply.github.com"))).people == {"cai"}


def test_who_ran_self_attested_evidence_is_an_author_and_who_ran_trusted_evidence_is_not():
    assert authors_of(bare_change(), evidence=[evidence("self-attested", "dee")]).people == {"dee", "eve"}
    assert authors_of(bare_change(), evidence=[evidence("trusted", "dee")]).people == {"eve"}


def test_everybody_an_ambiguous_identity_might_be_is_an_author_and_it_is_reported():
    catalog = shop.shop()
    for name in ("ana", "ben"):
        person = catalog.people[name]
        catalog = shop.with_person(catalog, replace(person, emails=("team@shop.example",)))
    found = authors_of(bare_change(shop.commit("team@shop.example")), catalog=catalog)
    assert found.people == {"ana", "ben"}
    assert [identity.email for identity in found.unmapped] == ["team@shop.example"]


def test_strangers_are_reported_once():
    found = authors_of(
        bare_change(shop.commit("x@y.example"), shop.commit("X@Y.example", committer="dee@shop.example"))
    )
    assert found.people == {"dee"}
    assert [identity.email for identity in found.unmapped] == ["x@y.example"]


def test_a_pipeline_is_nobody_and_no_stranger():
    assert authors_of(bare_change()).unmapped == ()


def test_a_forges_committer_stamp_stands_for_the_author():
    stamped = replace(
        shop.commit("eve@shop.example"), committer=Identity(name="GitHub", email="noreply@github.com")
    )
    assert authors_of(bare_change(stamped)).unmapped == ()


def test_the_same_address_as_author_is_a_stranger():
    stamped = replace(shop.commit("eve@shop.example"), author=Identity(name="GitHub", email="noreply@github.com"))
    assert len(authors_of(bare_change(stamped)).unmapped) == 1


def test_a_tool_named_as_co_author_is_no_stranger_but_one_that_signs_is():
    trailer = (("Co-Authored-By", "Claude <noreply@anthropic.com>"),)
    assert authors_of(bare_change(shop.commit("eve@shop.example", trailers=trailer))).unmapped == ()
    alone = authors_of(bare_change(shop.commit("noreply@anthropic.com")))
    assert [identity.email for identity in alone.unmapped] == ["noreply@anthropic.com"]


def test_a_tool_whose_sponsor_the_catalog_names_is_that_person():
    agent = Agent(name="claude", sponsor="cai", accounts=("noreply@anthropic.com",))
    found = authors_of(
        bare_change(shop.commit("noreply@anthropic.com")), catalog=shop.shop(agents={"claude": agent})
    )
    assert (found.people, found.unmapped) == ({"cai"}, ())
