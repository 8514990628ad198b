"""Who may lift a rule: the quorum of the rule, never who benefits, never an agent, never for long."""

from dataclasses import replace
from datetime import timedelta

import pytest

from interlock.core.approval.model import SignedStatement
from interlock.core.change.catalog import Tier
from interlock.core.change.settings import Settings
from interlock.core.policy.exceptions import Lifts, lifts_of
from interlock.core.policy.question import Grant, Pending
from interlock.testing.approvals import NOW, SETTINGS, approval, change, description, shop

WHY = "scanner is down until noon"


def lifting(who: str, rule: str = "scanned", **more: object) -> SignedStatement:
    said = {"purpose": "exception", "details": {"rule": rule, "reason": WHY}, "nonce": f"nonce-{who}-{rule:0>16}"}
    return approval(who, **(said | more))  # type: ignore[arg-type]  # a test names fields of Statement


def breaking(who: str, **more: object) -> SignedStatement:
    said = {
        "purpose": "break-glass",
        "details": {"reason": "orders are down"},
        "issued_at": NOW - timedelta(minutes=10),
        "expires_at": NOW + timedelta(minutes=50),
    }
    return approval(who, **(said | more))  # type: ignore[arg-type]  # a test names fields of Statement


def grants(bundle, *statements: SignedStatement, **more: object) -> tuple[Grant, ...]:
    return lifts(bundle, *statements, **more).grants


def pending(bundle, *statements: SignedStatement, **more: object) -> Pending:
    (one,) = lifts(bundle, *statements, **more).pending
    return one


def lifts(bundle, *statements: SignedStatement, **more: object) -> Lifts:
    subject, catalog = change(), more.pop("catalog", shop())
    arguments = {
        "change": subject,
        "description": description(subject, catalog),
        "environment": "production",
        "settings": SETTINGS,
        "catalog": catalog,
        "bundle": bundle,
        "now": NOW,
    }
    return lifts_of(statements, **(arguments | more))  # type: ignore[arg-type]  # a test names arguments


def below_tier_one() -> dict[str, object]:
    catalog = shop()
    catalog = replace(catalog, services={name: replace(s, tier=Tier.TWO) for name, s in catalog.services.items()})
    return {"catalog": catalog}


def test_two_people_lift_one_rule_until_the_first_statement_ends(bundle) -> None:
    early = lifting("dee", expires_at=NOW + timedelta(hours=2))
    (grant,) = grants(bundle, lifting("ben"), early)
    assert (grant.kind, grant.rule, grant.people) == ("exception", "scanned", ("ben", "dee"))
    assert grant.expires_at == NOW + timedelta(hours=2)
    assert grant.reason == WHY
    assert not grant.audit


def test_one_person_lifts_nothing_on_tier_one(bundle) -> None:
    assert grants(bundle, lifting("ben")) == ()


def test_not_even_in_one_person_mode_where_one_signature_would_suffice(bundle) -> None:
    """Below Tier-1 the quorum is one person: the bar on who benefits is then all that stands in the way."""
    alone = below_tier_one()["catalog"]
    alone = replace(alone, people={"cai": shop().people["cai"]}, agents={})  # type: ignore[type-var]  # a Catalog
    more = {"catalog": alone, "settings": replace(SETTINGS, one_person=True)}
    assert grants(bundle, lifting("cai"), **more) == ()
    (void,) = pending(bundle, lifting("cai"), **more).void
    assert (void.approver, void.reason) == ("cai", "an exception cannot be granted by who benefits from it")


def test_what_waits_says_who_signed_and_who_may(bundle) -> None:
    one = pending(bundle, lifting("ben"), lifting("cai"))
    assert (one.kind, one.rule, one.people, one.needed) == ("exception", "scanned", ("ben",), 2)
    assert one.expires_at == lifting("ben").statement.expires_at
    assert "ben" not in one.may_sign
    assert "cai" not in one.may_sign, "the author never may"
    assert "dee" in one.may_sign
    assert [void.approver for void in one.void] == ["cai"]


def test_the_glass_of_somebody_who_is_not_on_call_is_told_as_void(bundle) -> None:
    one = pending(bundle, breaking("ben"), **below_tier_one())
    assert (one.people, one.needed) == ((), 1)
    assert [(void.approver, "not on call" in void.reason) for void in one.void] == [("ben", True)]


def test_what_was_taken_back_waits_for_nobody(bundle) -> None:
    gone = replace(lifting("ben"), revoked_at=NOW, revoked_by="ben")
    assert pending(bundle, gone).void == ()


def test_two_rules_need_two_quorums(bundle) -> None:
    found = grants(bundle, lifting("ben"), lifting("dee"), lifting("ben", "tests-pass"))
    assert [grant.rule for grant in found] == ["scanned"]


def test_the_beneficiary_does_not_count(bundle) -> None:
    assert grants(bundle, lifting("ben"), lifting("cai")) == ()


def test_not_even_in_one_person_mode(bundle) -> None:
    alone = replace(shop(), people={"cai": shop().people["cai"]}, agents={})
    more = {"catalog": alone, "settings": replace(SETTINGS, one_person=True)}
    assert grants(bundle, lifting("cai"), **more) == ()


def test_a_rule_may_want_a_rank(bundle) -> None:
    assert grants(bundle, lifting("dee", "ai-senior-approval"), lifting("eve", "ai-senior-approval")) != ()
    assert grants(bundle, lifting("dee", "blast-radius"), lifting("ana", "blast-radius")) == ()


def test_below_tier_one_one_person_suffices(bundle) -> None:
    assert len(grants(bundle, lifting("dee"), **below_tier_one())) == 1


@pytest.mark.parametrize(
    "rule", ["digest-drift", "rules-two-approvals", "agent-approval", "road-open", "no-such", ""]
)
def test_what_protects_the_road_is_never_lifted(bundle, rule) -> None:
    assert grants(bundle, lifting("ben", rule), lifting("dee", rule)) == ()


def test_without_a_reason_there_is_no_exception(bundle) -> None:
    silent = {"details": {"rule": "scanned", "reason": "  "}}
    assert grants(bundle, lifting("ben", **silent), lifting("dee")) == ()


def test_on_tier_one_software_keys_do_not_lift_unless_settings_take_them(bundle) -> None:
    assert grants(bundle, lifting("ben"), lifting("dee"), settings=Settings()) == ()


@pytest.mark.parametrize(
    "more",
    [
        {"digest": "sha256:" + "0" * 64},
        {"environment": "staging"},
        {"subject": "chg-other"},
        {"expires_at": NOW - timedelta(minutes=1)},
        {"purpose": "approve"},
    ],
    ids=["digest", "environment", "change", "expired", "purpose"],
)
def test_a_statement_about_something_else_does_not_count(bundle, more) -> None:
    assert grants(bundle, lifting("ben", **more), lifting("dee")) == ()


def test_two_people_break_the_glass_and_an_audit_is_due(bundle) -> None:
    (grant,) = grants(bundle, breaking("ben"), breaking("dee"))
    assert (grant.kind, grant.rule, grant.audit) == ("break-glass", "*", True)
    assert grant.expires_at == NOW + timedelta(minutes=50)


def test_one_person_breaks_no_glass_on_tier_one(bundle) -> None:
    assert grants(bundle, breaking("ben")) == ()


def test_below_tier_one_it_takes_who_is_on_call(bundle) -> None:
    more = below_tier_one()
    assert grants(bundle, breaking("dee"), **more) == ()
    catalog = more["catalog"]
    catalog.people["dee"] = replace(catalog.people["dee"], on_call=True)
    assert len(grants(bundle, breaking("dee"), **more)) == 1


def test_an_agent_breaks_no_glass(bundle) -> None:
    by_agent = replace(breaking("dee"), received_from="codey")
    assert grants(bundle, breaking("ben"), by_agent) == ()


def test_an_hour_is_the_longest(bundle) -> None:
    kept = breaking("dee")
    longer = replace(
        kept, statement=replace(kept.statement, expires_at=kept.statement.issued_at + timedelta(minutes=61))
    )
    assert grants(bundle, breaking("ben"), longer) == ()
