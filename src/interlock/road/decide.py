"""Station 3, decide: what the rules in force say of a change, with everything that was shown so far.

Rules:
1. One function judges for the gate, for ``change show`` and for ``check``; they cannot disagree.
2. ``check`` records nothing and may use provisional rules; whatever is recorded uses the rules in force.
3. Two descriptions of one digest are judged together, and the stricter word counts.
4. Time never runs backwards: a clock that is more than two minutes behind the ledger's newest entry is a fault,
   and no approval counts. Servers whose clocks differ by less work together.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Protocol, TypeVar

from interlock.core.approval.actor import Actor, Scope
from interlock.core.approval.identity import principal_of
from interlock.core.approval.model import Away, Proposal, SignedStatement, Tally
from interlock.core.approval.principals import principals_of
from interlock.core.approval.reviewers import Panel, panel
from interlock.core.approval.tally import tally
from interlock.core.change.catalog import Tier
from interlock.core.change.change import Change, ChangeClass, ChangeHeader, ChangeRecord, Submission
from interlock.core.change.parse import parse_json
from interlock.core.change.submission_check import check_environment, check_submission
from interlock.core.evidence.lights import Light, lights
from interlock.core.evidence.model import Evidence
from interlock.core.facts.model import Description
from interlock.core.policy.decision import Decision, Outcome
from interlock.core.policy.evaluate import FIRST_STAGE, decide
from interlock.core.policy.exceptions import Lifts, lifts_of
from interlock.core.policy.lit import WANTED
from interlock.core.policy.question import DecisionInput, Grant, Pending
from interlock.core.policy.rules import Rules
from interlock.core.policy.tier import tier_of
from interlock.core.review.answered import PURPOSE, Asked, asked
from interlock.core.review.concern import raised
from interlock.core.ticket.model import Ticket
from interlock.core.ticket.record import TicketRecord, TicketState
from interlock.ports.store import Tx
from interlock.road.evidence_runs import runs_about
from interlock.road.gather import check_lent, evidence_now, standing_statements, statements_about
from interlock.road.recorded import complete
from interlock.road.station import InForce, Station

DRAFT = "draft"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A change with all that was found, shown and decided about it. ``change.id`` is ``draft`` for a check.

    ``pending`` are exceptions and broken glass that lift nothing yet; ``away`` are people who could help and are
    not there, where few are left. ``guarded``: it would enter production or bring rules about, so its description
    must be more than the opener's.
    """

    change: Change
    environment: str
    description: Description
    tally: Tally
    evidence: tuple[Evidence, ...]
    concerns: tuple[Asked, ...]
    lights: tuple[Light, ...]
    decision: Decision
    grants: tuple[Grant, ...]
    pending: tuple[Pending, ...]
    proposals: tuple[Proposal, ...]
    away: tuple[Away, ...]
    rules_digest: str
    provisional: bool
    one_person: bool
    guarded: bool
    tier: Tier


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRequest:
    """What a check takes: a submission that nobody recorded."""

    submission: Submission
    environment: str = "production"
    services: tuple[str, ...] = ()
    change_class: ChangeClass = "normal"


def check(station: Station, actor: Actor, request: CheckRequest) -> Judgement:
    """What this submission would need. Records nothing."""
    actor.require(Scope.READ)
    check_environment(request.environment)
    check_submission(request.submission)

    def work(tx: Tx) -> Judgement:
        in_force = station.rules_or_provisional(tx)
        draft = Change(
            id=DRAFT,
            title=DRAFT,
            change_class=request.change_class,
            services=request.services,
            submission=request.submission,
            digest=request.submission.digest,
            opened_by=principal_of(actor),
            opened_at=station.clock.now(),
            agent=actor.principal if actor.kind == "agent" else None,
            pushed_by=(principal_of(actor),),
        )
        return judge_in(station, tx, in_force, draft, request.environment, actor)

    return station.store.read(work)


def judge(station: Station, actor: Actor, change_id: str, environment: str) -> Judgement:
    """What a recorded change still needs for an environment."""
    actor.require(Scope.READ)

    def work(tx: Tx) -> Judgement:
        record = tx.records(ChangeRecord).get(change_id)
        change = complete(tx, record)
        tx.vouch(ChangeRecord, [change_id], about=change_id)
        return judge_in(station, tx, station.rules(tx), change, environment, actor, name=record.blob)

    return station.store.read(work)


def judge_in(
    station: Station,
    tx: Tx,
    in_force: InForce,
    change: Change,
    environment: str,
    actor: Actor,
    *,
    name: str | None = None,
    offered_digest: str | None = None,
) -> Judgement:
    """The judgement inside a transaction that is open already; ``name`` identifies the submission, if it has one.

    Raises:
        InvalidInput: ``environment-name``, before any work.
    """
    check_environment(environment)
    rules, now = in_force.rules, station.clock.now()
    place = rules.settings.environments.get(environment)
    description = station.described.of(change.submission, rules, name)
    change = replace(change, services=services_of(change, description))
    evidence = evidence_now(tx, rules, change, now)
    counted, lifts, concerns = _said(tx, rules, change, description, environment, evidence, now)
    given = DecisionInput(
        change=change,
        description=description,
        tally=counted,
        evidence=evidence,
        environment=environment,
        settings=rules.settings,
        catalog=rules.catalog,
        now=now,
        actor=actor.kind,
        actor_name=actor.principal,
        grants=lifts.grants,
        conflicts=conflicts_of(tx, change, environment),
        offered_digest=offered_digest,
        concerns=concerns,
        rehearsals=tuple(sorted(rules.rehearsals)),
    )
    # Other content than the approved is approved anew, by the same people too.
    done = counted if offered_digest in {None, change.digest} else replace(counted, counted=())
    asked = panel_for(tx, in_force, change, description, now, done)
    return Judgement(
        change=change,
        environment=environment,
        description=description,
        tally=counted,
        evidence=evidence,
        concerns=concerns,
        lights=_lights(tx, change, evidence, now),
        decision=decide(given, rules.bundle),
        grants=lifts.grants,
        pending=lifts.pending,
        proposals=asked.proposals,
        away=asked.away,
        rules_digest=rules.digest,
        provisional=in_force.provisional,
        one_person=rules.settings.one_person,
        guarded=place is None or place.production or description.blast.rules_touched,
        tier=tier_of(change, description, rules.catalog),
    )


def _lights(tx: Tx, change: Change, evidence: tuple[Evidence, ...], now: datetime) -> tuple[Light, ...]:
    runs = () if change.id == DRAFT else runs_about(tx, change.id)
    return lights(WANTED, evidence=evidence, runs=runs, digest=change.digest, now=now)


def _said(
    tx: Tx,
    rules: Rules,
    change: Change,
    description: Description,
    environment: str,
    evidence: tuple[Evidence, ...],
    now: datetime,
) -> tuple[Tally, Lifts, tuple[Asked, ...]]:
    """Who approves, what was lifted and what was answered: counted from the same statements by the same rules."""
    statements, standing, not_before = spendable(tx, change, now), standing_statements(tx), tx.log.last_at()
    check_lent(tx, statements, standing)
    count = partial(
        tally,
        change=change,
        description=description,
        catalog=rules.catalog,
        settings=rules.settings,
        environment=environment,
        now=now,
        evidence=evidence,
        standing=standing,
        not_before=not_before,
    )
    counted = count(statements=statements)
    concerns = asked(
        raised(evidence, change.digest),
        statements,
        lambda answers: count(statements=answers, purpose=PURPOSE),
    )
    lifts = lifts_of(
        statements,
        change=change,
        description=description,
        environment=environment,
        settings=rules.settings,
        catalog=rules.catalog,
        bundle=rules.bundle,
        now=now,
        evidence=evidence,
        standing=standing,
        not_before=not_before,
    )
    return counted, lifts, concerns


def stricter(recorded: Judgement, offered: Judgement) -> Judgement:
    """Both descriptions of one digest at once: what either forbids is forbidden, who wrote in either wrote it.

    A description can be wrong on one side (another git, notes that were not fetched, a lie); the content is the
    same, so everything that was seen on either side is taken to be true.
    """
    both = {item.id for item in recorded.tally.counted} & {item.id for item in offered.tally.counted}
    told = Tally(
        counted=tuple(item for item in offered.tally.counted if item.id in both),
        rejected=_once((*offered.tally.rejected, *recorded.tally.rejected)),
        authors=tuple(sorted({*recorded.tally.authors, *offered.tally.authors})),
        unmapped_authors=tuple(sorted({*recorded.tally.unmapped_authors, *offered.tally.unmapped_authors})),
    )
    services = tuple(sorted({*recorded.change.services, *offered.change.services}))
    return replace(
        offered,
        change=replace(offered.change, services=services),
        tier=min(recorded.tier, offered.tier),
        tally=told,
        pending=_waiting(recorded.pending, offered.pending, authors=told.authors),
        decision=_stricter(recorded.decision, offered.decision),
    )


def _waiting(*sides: tuple[Pending, ...], authors: tuple[str, ...]) -> tuple[Pending, ...]:
    """What waits on either side, once each, for people who wrote in neither."""
    found = {(one.kind, one.rule): one for side in reversed(sides) for one in side}
    return tuple(
        replace(one, may_sign=tuple(name for name in one.may_sign if name not in authors))
        for one in found.values()
    )


def _stricter(recorded: Decision, offered: Decision) -> Decision:
    unmet = {item.id for decision in (recorded, offered) for item in decision.obligations if not item.met}
    obligations = _once((*offered.obligations, *recorded.obligations))
    return replace(
        offered,
        outcome=max(recorded.outcome, offered.outcome, key=_SEVERITY.__getitem__),
        reasons=_once((*offered.reasons, *recorded.reasons)),
        observed=_once((*offered.observed, *recorded.observed)),
        obligations=tuple(replace(item, met=item.id not in unmet) for item in obligations),
        marks=(*offered.marks, *(mark for mark in (FIRST_STAGE,) if mark in {*recorded.marks} - {*offered.marks})),
        expires=min(recorded.expires, offered.expires),
    )


_FULL = 100.0
"""Percent of traffic."""
_SEVERITY = {Outcome.ALLOW: 0, Outcome.NEEDS: 1, Outcome.DENY: 2}


class _Named(Protocol):
    @property
    def id(self) -> str: ...


N = TypeVar("N", bound=_Named)


def _once(items: tuple[N, ...]) -> tuple[N, ...]:
    """The first of each id, in order."""
    return tuple({item.id: item for item in reversed(items)}.values())[::-1]


def services_of(change: Change, description: Description) -> tuple[str, ...]:
    """Declared and touched services together, sorted."""
    return tuple(sorted({*change.services, *(item.service for item in description.blast.touched)}))


def conflicts_of(tx: Tx, change: ChangeHeader, environment: str) -> tuple[str, ...]:
    """Other changes under way on one of the same services, sorted; what has landed there is none any more."""
    found = tx.index(ChangeRecord).carriers("in_flight", change.services)
    return tuple(name for name in found if name != change.id and not _landed(tx, name, environment))


def _landed(tx: Tx, name: str, environment: str) -> bool:
    """Whether a change as it is now was shipped there in full: its ticket for all of the traffic is redeemed."""
    digest = tx.records(ChangeRecord).get(name).digest
    for record in tx.records(TicketRecord).find(change=name):
        here = (record.digest, record.environment) == (digest, environment)
        if here and record.state is TicketState.REDEEMED:
            tx.vouch(TicketRecord, [record.id], about=record.id)
            first = parse_json(Ticket, tx.blob(record.blob), what="the stored ticket").max_weight
            if max(first, record.weight or 0.0) >= _FULL:
                return True
    return False


def panel_for(
    tx: Tx, in_force: InForce, change: Change, description: Description, now: datetime, told: Tally | None = None
) -> Panel:
    """Who is worth asking, given who is away, how much everybody has open and who has approved already."""
    rules = in_force.rules
    written = principals_of(rules.catalog).authors(change, description, ()).people
    return panel(
        change=change,
        description=description,
        catalog=rules.catalog,
        settings=rules.settings,
        open_reviews=tx.index(ChangeRecord).counts("asked", besides=change.id),
        standing=standing_statements(tx),
        authors=written if told is None else told.authors,
        counted=() if told is None else told.counted,
        now=now,
    )


def spendable(tx: Tx, change: Change, now: datetime) -> tuple[SignedStatement, ...]:
    """The statements about a change; an approval whose ticket was not used is as good as before.

    A ticket lives 15 minutes. A pipeline that waits longer asks again for the same digest and environment, and
    must not need the same people twice; while a ticket is valid the gate gives that one and makes no other. Once
    a ticket was redeemed or voided its approvals stay spent.
    """
    return tuple(_given_back(tx, signed, now) for signed in statements_about(tx, change.id))


def _given_back(tx: Tx, signed: SignedStatement, now: datetime) -> SignedStatement:
    if signed.used_by is None:
        return signed
    state = tx.records(TicketRecord).get(signed.used_by).at(now).state
    return replace(signed, used_by=None) if state in {TicketState.ISSUED, TicketState.EXPIRED} else signed
