"""The checklist of a change, gathered from the record in one read. Records nothing.

Rules:
1. Whether something is met is the judgement's word, as everywhere; here only what shows it is put beside it.
2. Plans are those of the rules in force. What a step is told is what it would be told there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from interlock.core.approval.actor import Actor, Scope
from interlock.core.approval.model import SignedStatement
from interlock.core.audit.blind import blind
from interlock.core.audit.checklist import (
    Approved,
    Box,
    Canary,
    Checklist,
    Touches,
    Watch,
    in_the_way,
    minute,
    obligation,
    piece,
    told_of,
)
from interlock.core.audit.checklist_form import METRIC
from interlock.core.change.catalog import Service, Tier
from interlock.core.change.change import ChangeRecord
from interlock.core.change.parts import Artefact, GitRange
from interlock.core.facts.model import Size
from interlock.core.policy.rules import Rules
from interlock.core.policy.shown import ALERTS
from interlock.core.rollout.phrases import amount
from interlock.core.rollout.record import RolloutRecord, RolloutState
from interlock.ports.rehearsal import MakesRehearsal
from interlock.ports.store import Tx
from interlock.road.decide import Judgement, judge_in
from interlock.road.gather import statements_about
from interlock.road.named import known_environment
from interlock.road.recorded import complete
from interlock.road.shipped import shipped_in
from interlock.road.station import Station
from interlock.road.way_back import way_back

MOST_REACHED = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """What everything here is read from."""

    tx: Tx
    rules: Rules
    judged: Judgement
    drivers: Mapping[str, MakesRehearsal]

    @property
    def services(self) -> tuple[str, ...]:
        """Those that the change touches, with those it declares."""
        return self.judged.change.services


def checklist(station: Station, actor: Actor, name: str, environment: str) -> Checklist:
    """The checklist of a recorded change for an environment.

    Raises:
        InvalidInput: ``environment-unknown``.
    """
    actor.require(Scope.READ)

    def work(tx: Tx) -> Checklist:
        record = tx.records(ChangeRecord).get(name)
        change = complete(tx, record)
        tx.vouch(ChangeRecord, [name], about=name)
        in_force = station.rules(tx)
        known_environment(in_force.rules, environment)
        judged = judge_in(station, tx, in_force, change, environment, actor, name=record.blob)
        return _checklist(_Case(tx=tx, rules=in_force.rules, judged=judged, drivers=station.drivers))

    return station.store.read(work)


def _checklist(case: _Case) -> Checklist:
    judged, change, said = case.judged, case.judged.change, case.judged.description
    approvals = tuple(_approvals(case))
    documentation = said.documentation
    return Checklist(
        change=change.id,
        title=change.title,
        digest=change.digest,
        revision=change.revision,
        environment=judged.environment,
        state=change.state.value,
        opened_by=change.opened_by,
        opened_at=change.opened_at,
        change_class=change.change_class,
        rules=judged.rules_digest,
        entry=max((index for index, _ in case.tx.log.entries(change.id)), default=0),
        outcome=judged.decision.outcome.value,
        provenance=said.provenance.kind.value,
        reversibility=said.reversibility.kind,
        losses=tuple(f"{loss.what} ({loss.action})" for loss in said.reversibility.losses),
        size=_size(said.size),
        orders=said.blast.order_share,
        services=tuple(_touches(case)),
        reached=tuple(each.service for each in said.blast.reached[:MOST_REACHED]),
        written=documentation.complete,
        plan=documentation.plan,
        metric=documentation.business_metric or "",
        metric_doubt=blind(judged.evidence).metric(documentation.business_metric or "", case.services),
        boxes=tuple(_boxes(case, approvals)),
        lifted=tuple(_lifted(case)),
        approvals=approvals,
        evidence=tuple(piece(one) for one in judged.evidence),
        canaries=tuple(_canary(case, service) for service in case.services),
        watches=tuple(_watches(case)),
        failure_modes=tuple(told_of(mode, judged.evidence) for mode in documentation.failure_modes),
        back=tuple(Box(text=step, person=True) for step in documentation.rollback_steps),
        pins=tuple(_pins(case)),
        ways_back=tuple(
            way_back(case.tx, case.rules, case.judged, case.drivers, service) for service in case.services
        ),
    )


def _boxes(case: _Case, approvals: tuple[Approved, ...]) -> Iterator[Box]:
    """All obligations, then what else stands in the way: some rules only ever forbid."""
    judged, policies = case.judged, case.rules.bundle.policies
    for one in judged.decision.obligations:
        reads = policies[one.id].reads if one.id in policies else ()
        yield obligation(one, reads, judged.lights, approvals, judged.change.id)
    known = {one.id for one in judged.decision.obligations}
    for reason in judged.decision.reasons:
        if reason.id not in known:
            yield in_the_way(reason, judged.change.id)


def _lifted(case: _Case) -> Iterator[str]:
    for one in case.judged.grants:
        what = "the glass is broken" if one.kind == "break-glass" else f"{one.rule} is lifted"
        yield f"{what} until {minute(one.expires_at)} by {', '.join(one.people)}: {one.reason}"


def _size(size: Size) -> str:
    told = [f"{amount(size.files, 'files')}, +{size.added} −{size.removed}" if size.files else ""]
    told += [f"{amount(size.keys, 'keys')} of configuration" if size.keys else "", amount(size.commits, "commits")]
    told += [f"{amount(size.resources, 'resources')} of a plan" if size.resources else ""]
    return ", ".join(each for each in told if each)


def _touches(case: _Case) -> Iterator[Touches]:
    touched = {each.service: each for each in case.judged.description.blast.touched}
    for name in case.services:
        known = _service(case, name)
        tier = known.tier if known else Tier.TWO
        yield Touches(
            service=name,
            tier=int(touched[name].tier if name in touched else tier),
            why=touched[name].reason if name in touched else "declared",
        )


def _approvals(case: _Case) -> Iterator[Approved]:
    signed = {one.id: one for one in statements_about(case.tx, case.judged.change.id)}
    for one in case.judged.tally.counted:
        found = signed.get(one.id)
        yield Approved(
            id=one.id,
            person=one.person,
            role=one.role,
            presence=one.presence,
            at=_at(found),
            counts=True,
        )
    for other in case.judged.tally.rejected:
        found = signed.get(other.id)
        yield Approved(
            id=other.id,
            person=other.approver,
            role="",
            presence=found.presence if found else None,
            at=_at(found),
            counts=False,
            why=other.reason,
        )


def _at(signed: SignedStatement | None) -> datetime | None:
    return signed.statement.issued_at if signed else None


def _canary(case: _Case, service: str) -> Canary:
    environment, digest = case.judged.environment, case.judged.change.digest
    plan = case.rules.plans.get((service, environment))
    mine = case.tx.records(RolloutRecord).find(service=service, environment=environment, digest=digest)
    newest = mine[-1] if mine else None
    over = newest is not None and newest.state is RolloutState.COMPLETED
    stages = plan.stages if plan else ()
    return Canary(
        service=service,
        path=plan.path if plan else "",
        stages=stages,
        rollout=newest.id if newest else "",
        state=newest.state.value if newest else "",
        passed=len(stages) if over else newest.stage if newest else 0,
    )


def _watches(case: _Case) -> Iterator[Watch]:
    """The catalog's alerts and metrics of what is touched and reached, then the alerts that were proven."""
    reached = [each.service for each in case.judged.description.blast.reached if each.tier is Tier.ONE]
    unseen = blind(case.judged.evidence)
    for name in dict.fromkeys((*case.services, *reached)):
        known = _service(case, name)
        if known is not None and known.alert:
            yield Watch(
                what=known.alert, service=name, source="alert by the catalog", doubt=unseen.alert(known.alert)
            )
        if known is not None and known.metric:
            yield Watch(what=known.metric, service=name, source=METRIC, doubt=unseen.metric(known.metric, (name,)))
    yield from _proven(case)


def _proven(case: _Case) -> Iterator[Watch]:
    for one in case.judged.evidence:
        rows = one.summary.get("modes")
        if one.predicate_type != ALERTS or one.standing != "trusted" or not isinstance(rows, list | tuple):
            continue
        for row in rows:
            answers = row.get("answers") if isinstance(row, dict) else None
            first = answers[0] if isinstance(answers, list | tuple) and answers else None
            if isinstance(row, dict) and isinstance(first, dict):
                seconds = first.get("seconds")
                yield Watch(
                    what=str(first.get("alert", "")),
                    service=str(one.summary.get("service", "")),
                    source=f"proven for {row.get('mode', '')}, {one.id}",
                    seconds=float(seconds) if isinstance(seconds, int | float) else None,
                )


def _pins(case: _Case) -> Iterator[str]:
    """What the version before was: images and files by digest, and the commit that went out last."""
    for part in case.judged.change.submission.parts:
        if isinstance(part, Artefact) and part.previous_digest:
            yield f"{part.name}@{part.previous_digest}"
        elif isinstance(part, GitRange):
            shipped = shipped_in(case.tx, part.repository, case.judged.environment)
            before = [tip for tip in shipped.tips if tip.change != case.judged.change.id]
            if before:
                yield f"commit {before[-1].head} of {before[-1].change}, {before[-1].ticket}"


def _service(case: _Case, name: str) -> Service | None:
    return case.rules.catalog.services.get(name)
