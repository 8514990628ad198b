"""Who counts as whom."""

from __future__ import annotations

from dataclasses import replace

import pytest

from interlock.core.approval.actor import Actor
from interlock.core.approval.identity import principal_of
from interlock.core.approval.principals import Principals, principals_of
from interlock.core.change.catalog import Agent, Person
from interlock.testing import approvals as shop
from interlock.testing.signing import UnsafeNamedSigner


def catalog_of(*people: Person, **agents: str):
    return shop.shop(
        people={person.name: person for person in people},
        agents={name: Agent(name=name, sponsor=sponsor) for name, sponsor in agents.items()},
    )


ANA = Person(name="ana", emails=("Ana@Shop.example",), accounts=("ana-gh",))
BEN = Person(name="ben", emails=("ben@shop.example",), accounts=("ben-gh",))


@pytest.mark.parametrize(
    "written",
    [
        "ana",
        "ANA",
        "ana@shop.example",
        "ANA@SHOP.EXAMPLE",
        "<ana@shop.example>",
        " ana@shop.example ",
        "ana+deploy@shop.example",
        "ana-gh",
        "12345+Ana-GH@users.noreply.github.com",
        "ana-gh@users.noreply.github.com",
        "12345-ana-gh@users.noreply.gitlab.com",
        "person:ana",
        "user:ana",
        "local:ana",
        "\uff41na",
    ],
)
def test_one_person_by_everything_they_are_written_as(written):
    assert Principals(catalog_of(ANA, BEN)).person(written) == "ana"


@pytest.mark.parametrize(
    "written",
    [
        "",
        "nobody",
        "\u0430na",
        "ana@shop.example.evil",
        "ana@users.noreply.github.com.evil",
        "ana-gh@shop.example",
        "anagh",
        "99-ana-gh@users.noreply.github.com",
        "99+ana-gh@users.noreply.gitlab.com",
        "1+2+ana-gh@users.noreply.github.com",
        "ana@shop",
        "x" * 400,
        "agent:ben-bot",
    ],
)
def test_what_the_catalog_does_not_know_is_nobody(written):
    assert Principals(catalog_of(ANA, BEN)).person(written) is None


def test_an_agent_and_its_accounts_are_its_sponsor():
    agent = Agent(name="codey", sponsor="ana", accounts=("codey[bot]", "codey@tools.example"))
    principals = Principals(shop.shop(people={"ana": ANA}, agents={"codey": agent}))
    for written in ("codey", "agent:codey", "9+codey[bot]@users.noreply.github.com", "codey@tools.example"):
        assert principals.person(written) == "ana"
        assert principals.is_agent(written)
    assert not principals.is_agent("ana")


def test_an_agent_sponsored_by_nobody_or_by_an_agent_is_nobody_and_reported():
    principals = Principals(catalog_of(ANA, codey="codex", codex="gone"))
    assert principals.person("codey") is None
    assert {problem.identity for problem in principals.problems} == {"codey", "codex"}


def test_an_identity_of_two_people_is_nobody_and_they_are_one_principal():
    twin = replace(BEN, emails=("ana+ben@shop.example",))
    principals = Principals(catalog_of(ANA, twin))
    assert principals.person("ana@shop.example") is None
    assert principals.candidates("ana@shop.example") == {"ana", "ben"}
    assert principals.same("ana") == principals.same("ben") == {"ana", "ben"}
    assert [problem.reason for problem in principals.problems] == [
        "count as one principal: they share an identity",
        "maps to more than one person",
    ]


def test_one_principal_reaches_over_several_shared_identities():
    ann = Person(name="anders", emails=("x@shop.example", "y@shop.example"))
    principals = Principals(
        catalog_of(
            ann, Person(name="bo", emails=("x@shop.example",)), Person(name="cy", emails=("y@shop.example",))
        )
    )
    assert principals.same("cy") == {"anders", "bo", "cy"}


@pytest.mark.parametrize("other", ["\u0430na", "an\u0430", "\u00e1na", "\uff41n\u0430"])
def test_names_that_look_alike_are_one_principal(other):
    principals = Principals(catalog_of(ANA, Person(name=other)))
    assert principals.same("ana") == {"ana", other}


def test_names_that_do_not_look_alike_stay_two_people():
    principals = Principals(catalog_of(ANA, BEN))
    assert principals.same("ana") == {"ana"}
    assert principals.problems == ()


def test_a_name_that_is_a_person_and_an_agent_of_another_is_nobody():
    assert Principals(catalog_of(ANA, BEN, ana="ben")).person("ana") is None


def test_a_shared_key_is_nobodys():
    key = UnsafeNamedSigner("ana").public_key
    principals = Principals(catalog_of(replace(ANA, keys=(key,)), replace(BEN, keys=(key,))))
    assert principals.key(key.fingerprint).people == {"ana", "ben"}
    assert principals.same("ana") == {"ana", "ben"}
    assert not principals.can_sign("ana", shop.NOW)


def test_a_fingerprint_that_the_catalog_only_claims_is_not_believed():
    key = UnsafeNamedSigner("mallory").public_key
    lying = replace(key, fingerprint=UnsafeNamedSigner("ana").public_key.fingerprint)
    principals = Principals(catalog_of(replace(ANA, keys=(lying,))))
    assert principals.key(lying.fingerprint) is None
    assert principals.key(key.fingerprint).people == {"ana"}


def test_a_key_listed_twice_counts_as_its_strictest_entry():
    key = UnsafeNamedSigner("ana").public_key
    principals = Principals(catalog_of(replace(ANA, keys=(replace(key, revoked=True), key))))
    assert principals.key(key.fingerprint).unusable(shop.NOW) == "the key is revoked"
    assert not principals.can_sign("ana", shop.NOW)


def test_a_key_that_cannot_be_used_is_reported_and_no_key():
    principals = Principals(
        catalog_of(replace(ANA, keys=(replace(UnsafeNamedSigner("ana").public_key, line="x"),)))
    )
    assert not principals.can_sign("ana", shop.NOW)
    assert principals.problems[0].people == ("ana",)


def test_the_index_of_a_catalog_is_built_once_and_never_mistaken_for_another():
    one = catalog_of(ANA)
    other = catalog_of(ANA, BEN)
    assert principals_of(one) is principals_of(one)
    assert principals_of(one).person("ben") is None
    assert principals_of(other).person("ben") == "ben"


@pytest.mark.parametrize(
    ("principal", "kind", "written"),
    [
        ("ana", "person", "ana"),
        ("ana", "agent", "agent:ana"),
        ("ci", "pipeline", "pipeline:ci"),
        ("local:ana", "person", "local:ana"),
        ("agent:codey", "agent", "agent:codey"),
    ],
)
def test_a_caller_is_written_with_its_kind_unless_it_is_a_person(principal, kind, written):
    assert principal_of(Actor(principal=principal, kind=kind, scopes=frozenset())) == written
