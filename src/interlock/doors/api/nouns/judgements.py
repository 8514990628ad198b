"""Judgements: what the rules say of a change, recorded or not, with everything shown so far. Records nothing."""

from __future__ import annotations

from dataclasses import dataclass

from interlock.core.approval.actor import Scope
from interlock.core.approval.model import Away, Proposal, Tally
from interlock.core.evidence.lights import Light
from interlock.core.evidence.model import Evidence
from interlock.core.facts.model import Description
from interlock.core.policy.decision import Decision
from interlock.core.policy.question import Grant, Pending
from interlock.core.review.answered import Asked
from interlock.doors.api.nouns.changes import ChangeShown
from interlock.doors.api.nouns.changes import shown as shown_change
from interlock.doors.api.surface import Answer, Call, Operation, Query
from interlock.road import decide
from interlock.road.decide import CheckRequest, Judgement


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgementShown:
    """A judgement without the submission it was made on. ``change.id`` is ``draft`` for a check."""

    change: ChangeShown
    environment: str
    description: Description
    tally: Tally
    evidence: tuple[Evidence, ...]
    concerns: tuple[Asked, ...]
    lights: tuple[Light, ...]
    grants: tuple[Grant, ...]
    pending: tuple[Pending, ...]
    decision: Decision
    proposals: tuple[Proposal, ...]
    away: tuple[Away, ...]
    rules_digest: str
    provisional: bool
    one_person: bool


def shown(judgement: Judgement) -> JudgementShown:
    """``judgement`` as it is answered."""
    return JudgementShown(
        change=shown_change(judgement.change),
        environment=judgement.environment,
        description=judgement.description,
        tally=judgement.tally,
        evidence=judgement.evidence,
        concerns=judgement.concerns,
        lights=judgement.lights,
        grants=judgement.grants,
        pending=judgement.pending,
        decision=judgement.decision,
        proposals=judgement.proposals,
        away=judgement.away,
        rules_digest=judgement.rules_digest,
        provisional=judgement.provisional,
        one_person=judgement.one_person,
    )


def _check(call: Call) -> Answer:
    return Answer(body=shown(decide.check(call.station, call.actor, call.body)))


def _judge(call: Call) -> Answer:
    environment = call.text("environment") or "production"
    judged = decide.judge(call.station, call.actor, call.path["change"], environment)
    return Answer(body=shown(judged), etag=str(judged.change.version))


OPERATIONS = (
    Operation(
        name="check",
        method="POST",
        path="/v1/check",
        scope=Scope.READ,
        summary="Describe and decide a submission that nobody recorded. Records nothing.",
        run=_check,
        body=CheckRequest,
        reply=JudgementShown,
        joined=False,
        stateless=True,
    ),
    Operation(
        name="judgeChange",
        method="GET",
        path="/v1/changes/{change}/judgement",
        scope=Scope.READ,
        summary="What a change still needs for an environment.",
        run=_judge,
        reply=JudgementShown,
        query=(Query(name="environment", text="default production"),),
    ),
)
