"""Station 7, report: past deployments as the record has them, each with what it had.

Rules:
1. A deployment is a rollout, or a ticket without one that was not voided; newest first, as many as were asked for.
   A ticket whose use nobody reported may have been used offline: it is listed, and says so. So is what deployers
   noted (``deployment.applied``, …) of what nothing else is known.
2. Evidence is what was about the digest that went out, with the standing it had when that began (by the runners
   that the rules in force trust).
3. A service that neither the catalog nor the record knows is refused, and so is such a place: "no" would be said
   of nothing.
4. A change whose content cannot be read any more is listed without its commit, never left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from interlock.core.approval.actor import Actor, Scope
from interlock.core.audit.answers import Answers
from interlock.core.audit.on_record import FULL, Deployed, answers_of, noted
from interlock.core.change.change import ChangeRecord, Submission
from interlock.core.change.errors import IntegrityError, InterlockError, NotFound
from interlock.core.change.parse import parse_json
from interlock.core.change.parts import GitRange
from interlock.core.evidence.accept import effective
from interlock.core.evidence.model import Evidence
from interlock.core.ledger.entry import Entry
from interlock.core.ledger.event import PREFIX
from interlock.core.policy.rules import Rules
from interlock.core.rollout.record import RolloutRecord
from interlock.core.ticket.model import Ticket
from interlock.core.ticket.record import TicketRecord, TicketState
from interlock.ports.store import Page, Tx
from interlock.road.gather import evidence_about
from interlock.road.named import known_environment, known_service
from interlock.road.roll.asks import plan_of
from interlock.road.station import Station

PAGE, MOST_TICKETS, MOST_ENTRIES = 200, 2_000, 10_000
_NOTED = f"{PREFIX}deploy"
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_RECORDED = frozenset({"change.opened", "change.pushed"})


@dataclass(frozen=True, slots=True, kw_only=True)
class PastDeployment:
    """One deployment and its answers. ``commit`` is the head of its git range, empty where it has none.

    ``kind`` says what ``id`` names: a rollout, a ticket, or a note (an entry of the ledger); ``state`` is its own.
    """

    id: str
    kind: str
    change: str
    title: str
    digest: str
    service: str
    environment: str
    at: datetime
    state: str
    commit: str
    answers: Answers


def deployments(
    station: Station, actor: Actor, *, environment: str, service: str | None, limit: int
) -> tuple[PastDeployment, ...]:
    """The newest deployments there.

    Raises:
        InvalidInput: ``service-unknown``, ``environment-unknown``.
    """
    actor.require(Scope.READ)

    def work(tx: Tx) -> tuple[PastDeployment, ...]:
        rules = station.rules(tx).rules
        if service is not None and not tx.records(RolloutRecord).page(Page(limit=1), service=service):
            known_service(rules, service)
        if not _used(tx, environment):
            known_environment(rules, environment)
        found = [*_rollouts(tx, rules, environment, service, limit)]
        found += _tickets(station, tx, rules, environment, service, limit)
        found += _notes(tx, rules, environment, service, {one.change for one in found}, limit)
        return tuple(sorted(found, key=lambda one: (one.at, one.id), reverse=True)[:limit])

    return station.store.read(work)


def _used(tx: Tx, environment: str) -> bool:
    """Whether anything ever went there, whatever the rules in force call their places now."""
    one = Page(limit=1)
    rolled = tx.records(RolloutRecord).page(one, environment=environment)
    return bool(rolled or tx.records(TicketRecord).page(one, environment=environment))


def _rollouts(tx: Tx, rules: Rules, environment: str, service: str | None, limit: int) -> Iterator[PastDeployment]:
    where = {"environment": environment} | ({"service": service} if service else {})
    for one in tx.records(RolloutRecord).page(Page(limit=limit), **where):
        tx.vouch(RolloutRecord, [one.id], about=one.id)
        deployed = Deployed(
            id=one.id,
            service=one.service,
            at=one.started_at,
            rolled=True,
            stages=_stages(tx, one),
            judged=one.ticks > 0,
            reached=one.granted,
            evidence=_evidence(tx, rules, one.change, one.digest, one.started_at),
            metric=_metric(rules, one.service),
        )
        yield _past(tx, one.change, one.digest, deployed, environment, "rollout", one.state.value)


def _tickets(
    station: Station, tx: Tx, rules: Rules, environment: str, service: str | None, limit: int
) -> Iterator[PastDeployment]:
    """Of several tickets for one content the one that was used, else the newest."""
    now, kept = station.clock.now(), dict[tuple[str, str], TicketRecord]()
    for one in _newest_tickets(tx, environment):
        services, key = _services(tx, one.change), (one.change, one.digest)
        ours = service is None or service in services
        if one.state is TicketState.VOIDED or not ours or _rolled(tx, one):
            continue
        if key not in kept and len(kept) >= limit:
            break
        if key not in kept or one.state is TicketState.REDEEMED is not kept[key].state:
            kept[key] = one
    for one in kept.values():
        services = _services(tx, one.change)
        yield _of_ticket(tx, rules, one.at(now), service or (services[0] if services else ""))


def _rolled(tx: Tx, one: TicketRecord) -> bool:
    rollouts = tx.records(RolloutRecord).find(change=one.change, environment=one.environment)
    return any(each.ticket == one.id for each in rollouts)


def _newest_tickets(tx: Tx, environment: str) -> Iterator[TicketRecord]:
    after, read = None, 0
    while read < MOST_TICKETS:
        page = tx.records(TicketRecord).page(Page(after=after, limit=PAGE), environment=environment)
        yield from page
        if len(page) < PAGE:
            return
        after, read = page[-1].id, read + len(page)


def _of_ticket(tx: Tx, rules: Rules, one: TicketRecord, service: str) -> PastDeployment:
    tx.vouch(TicketRecord, [one.id], about=one.id)
    used = one.state is TicketState.REDEEMED
    at = one.ended_at if used and one.ended_at else one.issued_at
    deployed = Deployed(
        id=one.id,
        service=service,
        at=at,
        max_weight=_widest(tx, one),
        reported=used,
        evidence=_evidence(tx, rules, one.change, one.digest, at),
        metric=_metric(rules, service),
    )
    return _past(tx, one.change, one.digest, deployed, one.environment, "ticket", one.state.value)


def _notes(
    tx: Tx, rules: Rules, environment: str, service: str | None, known: set[str], limit: int
) -> Iterator[PastDeployment]:
    """What deployers noted of what nothing else is known; the newest entries alone are looked through."""
    before, read, found = None, 0, 0
    while read < MOST_ENTRIES and found < limit and (page := tx.log.newest(PAGE, before=before)):
        for index, entry in page:
            one = _noted(tx, rules, index, entry, environment)
            if one is None or found >= limit or service not in {None, one.service} or one.change in known:
                continue
            known |= {one.change} - {""}
            found += 1
            yield one
        before, read = page[-1][0], read + len(page)


def _noted(tx: Tx, rules: Rules, index: int, entry: Entry, environment: str) -> PastDeployment | None:
    said = entry.body.get("said")
    told = said if isinstance(said, dict) else {}
    if not entry.kind.startswith(_NOTED) or told.get("environment", environment) != environment:
        return None
    change = _change(tx, entry.subject)
    named = (str(told.get("service", "")), entry.subject, *(change.services if change else ()))
    service = next((each for each in named if each in rules.catalog.services), "")
    commit = str(told.get("commit", ""))
    deployed = Deployed(
        id=f"#{index}",
        service=service,
        at=entry.at,
        let_through=False,
        evidence=_evidence(tx, rules, change.id, change.digest, entry.at) if change else (),
        metric=_metric(rules, service),
    )
    return PastDeployment(
        id=deployed.id,
        kind="note",
        change=change.id if change else "",
        title=change.title if change else entry.subject,
        digest=change.digest if change else "",
        service=service,
        environment=environment,
        at=entry.at,
        state="noted",
        commit=commit if _COMMIT.fullmatch(commit) else _commit(tx, change.id, change.digest) if change else "",
        answers=answers_of(deployed) if change else noted(entry.actor),
    )


def _widest(tx: Tx, one: TicketRecord) -> float:
    ticket = parse_json(Ticket, tx.blob(one.blob), what="the stored ticket")
    return min(FULL, max(ticket.max_weight, one.weight or 0.0))


def _past(
    tx: Tx, change: str, digest: str, deployed: Deployed, environment: str, kind: str, state: str
) -> PastDeployment:
    record = _change(tx, change)
    return PastDeployment(
        id=deployed.id,
        kind=kind,
        change=change,
        title=record.title if record else change,
        digest=digest,
        service=deployed.service,
        environment=environment,
        at=deployed.at,
        state=state,
        commit=_commit(tx, change, digest),
        answers=answers_of(deployed),
    )


def _evidence(tx: Tx, rules: Rules, change: str, digest: str, at: datetime) -> tuple[Evidence, ...]:
    """All about the digest, with the standing it had then."""
    runners, services = rules.settings.trust.runners, _services(tx, change)
    pieces = (
        effective(each, now=at, digest=digest, runners=runners, services=services)
        for each in evidence_about(tx, change)
    )
    return tuple(each for each in pieces if each.standing != "other-digest" and each.received_at <= at)


def _stages(tx: Tx, one: RolloutRecord) -> tuple[float, ...]:
    """Percents of its plan; none where that is gone, which is for the answer to say."""
    try:
        return tuple(stage.percent for stage in plan_of(tx, one).stages)
    except (InterlockError, IntegrityError, NotFound):
        return ()


def _metric(rules: Rules, service: str) -> str:
    known = rules.catalog.services.get(service)
    return (known.metric or "") if known else ""


def _commit(tx: Tx, change: str, digest: str) -> str:
    """The head that the revision with this digest was read at."""
    for _, entry in tx.log.entries(change):
        if entry.kind in _RECORDED and entry.body.get("digest") == digest:
            try:
                found = parse_json(Submission, tx.blob(str(entry.body["submission"])), what="a submission")
            except (InterlockError, IntegrityError, NotFound):
                return ""
            return next((part.head for part in found.parts if isinstance(part, GitRange)), "")
    return ""


def _services(tx: Tx, change: str) -> tuple[str, ...]:
    record = _change(tx, change)
    return record.services if record else ()


def _change(tx: Tx, change: str) -> ChangeRecord | None:
    try:
        return tx.records(ChangeRecord).get(change)
    except NotFound:
        return None
