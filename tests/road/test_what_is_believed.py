"""Whose word about a change counts: descriptions that lie about authors, files and findings."""

from __future__ import annotations

from dataclasses import replace

import pytest

from interlock.core.approval.actor import Actor, Scope
from interlock.core.change.change import Submission
from interlock.core.change.errors import Conflict, Forbidden
from interlock.core.change.parts import Finding, GitRange, Identity, Validation
from interlock.core.policy.decision import Outcome
from interlock.core.ticket.read import read_ticket
from interlock.road import intake, permit, rules
from interlock.testing.road import Road, submission

AGENT = b"""---
apiVersion: backstage.io/v1alpha1
kind: Resource
metadata: {name: q, annotations: {interlock.dev/sponsor: "omar"}}
spec: {type: agent, owner: group:orders}
"""


def ids(result: permit.GateResult) -> set[str]:
    return {reason.id for reason in result.reasons}


def told_otherwise(given: Submission, **differs: object) -> Submission:
    """The same content by digest, described in other words."""
    git = next(part for part in given.parts if isinstance(part, GitRange))
    author = differs.pop("author", None)
    if author:
        who = Identity(name=str(author), email=f"{author}@shop.example")
        differs["commits"] = tuple(replace(commit, author=who, committer=who) for commit in git.commits)
    made = replace(given, parts=(replace(git, **differs),))
    assert made.digest == given.digest
    return made


def gate(road: Road, change_id: str, offered: Submission, actor: Actor) -> permit.GateResult:
    return permit.gate(road.station, actor, change_id, permit.Offer(submission=offered))


def test_leaving_the_author_out_at_the_gate_does_not_help(road: Road) -> None:
    """Whoever asked the gate once decided by their own reading who had written the change."""
    honest = submission("a", author="ana")
    change = road.open(honest)
    road.approve(change, "ana", "ben")
    lie = told_otherwise(honest, author="omar")
    for actor in (road.pipeline(), road.person("ana"), replace(road.agent("q"), scopes=frozenset(Scope))):
        result = gate(road, change.id, lie, actor)
        assert "tier1-two-approvals" in ids(result)
        assert result.ticket is None


def test_leaving_the_author_out_when_opening_does_not_help_against_the_pipelines_reading(road: Road) -> None:
    honest = submission("a", author="ana")
    change = road.open(told_otherwise(honest, author="omar"))
    road.approve(change, "ana", "ben")
    result = gate(road, change.id, honest, road.pipeline())
    assert "tier1-two-approvals" in ids(result)
    assert "ana" in result.judgement.tally.authors


def test_who_wrote_in_either_description_is_an_author_in_the_ticket(road: Road) -> None:
    """A deployer bars the authors that the ticket names: those of the opener's reading must be among them."""
    honest = submission("a", author="omar")
    change = road.open(told_otherwise(honest, author="cleo"), by=road.person("omar"))
    road.approve(change, "ana", "ben")
    result = gate(road, change.id, told_otherwise(honest, author="vera"), road.pipeline())
    assert result.judgement.tally.authors == ("cleo", "omar", "vera")
    assert result.ticket is not None
    assert read_ticket(result.ticket).ticket.authors == ("cleo", "omar", "vera")


def test_the_same_content_is_not_pushed_again_in_other_words(road: Road) -> None:
    honest = submission("a", author="ana")
    change = road.open(honest)
    with pytest.raises(Conflict) as refused:
        intake.push(
            road.station, road.person("omar"), change.id, told_otherwise(honest, author="omar"), version=None
        )
    assert refused.value.code == "change-same"


def test_a_persons_own_reading_opens_no_gate_to_production(road: Road) -> None:
    """A lie about the files once made a Tier-1 change touch nothing, for the opener and for the gate."""
    lie = told_otherwise(submission("a"), files=())
    change = road.open(lie)
    result = gate(road, change.id, lie, road.person("omar"))
    assert "not-read-again" in ids(result)
    assert result.outcome is not Outcome.ALLOW


def test_what_the_pipeline_sees_is_judged_although_the_opener_hid_it(road: Road) -> None:
    honest = submission("a")
    change = road.open(told_otherwise(honest, files=()))
    result = gate(road, change.id, honest, road.pipeline())
    assert "tier1-two-approvals" in ids(result)
    assert result.judgement.change.services == ("order-service",)


def test_what_the_opener_admitted_is_judged_although_the_pipeline_does_not_see_it(road: Road) -> None:
    """Notes and renames may be missing in the pipeline's clone: a fact only ever adds."""
    honest = submission("a")
    change = road.open(honest)
    result = gate(road, change.id, told_otherwise(honest, files=()), road.pipeline())
    assert "tier1-two-approvals" in ids(result)


def test_findings_are_those_of_the_trusted_reader(road: Road) -> None:
    found = Finding(rule="null-value", level="error", message="is null", path="config/delivery.yaml")
    failed = (Validation(validator="null-value", path="config/delivery.yaml", findings=(found,)),)
    honest = submission("a")
    change = road.open(honest)
    road.approve(change, "ana", "ben")
    worse = gate(road, change.id, replace(honest, validations=failed), road.pipeline())
    assert [item.message for item in worse.judgement.description.checked.failures] == ["is null"]
    assert gate(road, change.id, honest, road.pipeline()).outcome is Outcome.ALLOW


def test_an_agent_that_pushes_makes_it_an_agents_change(road: Road) -> None:
    """Only opening once made a change an agent's; pushing the same content onto a person's change did not."""
    people = road.files["catalog/services.yaml"] + AGENT
    files, wanted = road.rules_change({"catalog/services.yaml": people})
    registering = road.open(wanted, title="Register an agent")
    road.approve(registering, "ana", "ben")
    rules.activate(road.station, road.person("ana"), files, road.gate(registering).ticket_id or "")
    change = road.open(submission("a"))
    pushed = intake.push(
        road.station, road.agent("q"), change.id, submission("b", paths=("policies/modes.yaml",)), version=None
    )
    assert (pushed.agent, pushed.sponsor) == ("q", "omar")
    assert "agent-rules" in ids(road.gate(pushed))


def test_a_stranger_does_not_withdraw_anybodys_change(road: Road) -> None:
    change = road.open(submission("a"))
    stranger = replace(road.person("cleo"), scopes=frozenset({Scope.OPEN}))
    with pytest.raises(Forbidden) as refused:
        intake.withdraw(road.station, stranger, change.id)
    assert refused.value.code == "change-not-yours"
    with pytest.raises(Forbidden):
        intake.withdraw(road.station, road.agent("nobody-knows-me"), change.id)
    opener = replace(road.person("omar"), scopes=frozenset({Scope.OPEN}))
    assert intake.withdraw(road.station, opener, change.id).state == "withdrawn"


def test_a_declared_tier_1_service_is_tier_1_for_exceptions_too(road: Road) -> None:
    """The tier of a declared service once counted for the rules and not for the exceptions."""
    request = intake.OpenRequest(
        title="x", submission=submission("a", paths=("x/y",)), services=("order-service",)
    )
    change = intake.open_change(road.station, road.person("omar"), request)
    road.approve(change, "ana", "ben")
    result = road.gate(change)
    assert result.judgement.tier == 1
    details = {"rule": "risk-questions", "reason": "in a hurry"}
    road.hand_in(road.prepare(change, "vera", purpose="exception", details=details))
    assert road.gate(change).judgement.grants == ()
