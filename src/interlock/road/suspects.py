"""Forty minutes of diagnosis as one question: what changed lately that could have hurt this service?

Rules:
1. The ledger says what moved: rollouts and their weights, tickets that were used or only given, and what deployers
   noted. Changes that never rolled out under interlock are there by their tickets. Records add who, where to and
   how it stands now; nothing outside is asked.
2. A change is one suspect, however many entries speak of it: a rollout says more than its ticket, a ticket more
   than a note. When it *moved* is the latest moment at or before the trouble.
3. Each comes with the command that takes it back: interlock's own where it rolled out, else what the catalog says,
   else what was there before.
4. At most 50,000 entries are read; where the time asked for goes back further, the answer says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeVar

from interlock.core.approval.actor import Actor, Scope
from interlock.core.audit.suspects import Candidate, Suspect, rank
from interlock.core.change.catalog import Catalog
from interlock.core.change.change import ChangeRecord
from interlock.core.change.errors import IntegrityError, InvalidInput, NotFound
from interlock.core.change.settings import Settings
from interlock.core.facts.reach import share
from interlock.core.facts.rules_alone import rules_alone
from interlock.core.ledger.entry import Entry
from interlock.core.ledger.event import PREFIX
from interlock.core.rollout.record import RolloutRecord
from interlock.core.ticket.record import TicketRecord
from interlock.ports.store import Tx
from interlock.road.named import known_environment, known_service
from interlock.road.recorded import complete
from interlock.road.station import Station

R = TypeVar("R")

PAGE, MOST_ENTRIES = 1_000, 50_000
LONGEST = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Trouble in ``service``, noticed ``at`` (None: now); look back ``since`` seconds from there."""

    service: str
    environment: str = "production"
    since: float = 7_200.0
    at: datetime | None = None
    limit: int = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One suspect for a reader. ``rollback`` is a command, empty where there is nothing left to take back.

    ``state`` is the rollout's, or the ticket's, or ``noted``. ``facts`` are more of it in words.
    """

    rank: int
    id: str
    kind: str
    title: str
    by: str
    services: tuple[str, ...]
    suspect: Suspect
    state: str
    rollback: str
    ticket: str = ""
    approved_by: tuple[str, ...] = ()
    rollout: str = ""
    entry: int = 0
    facts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspects:
    """The answer. ``items`` can have done it, likeliest first; ``later`` came after it was noticed.

    ``considered`` counts all; ``cut`` that the ledger was not read back as far as was asked.
    """

    service: str
    environment: str
    since: datetime
    at: datetime
    items: tuple[Shown, ...]
    later: tuple[Shown, ...]
    considered: int
    cut: bool = False


@dataclass(slots=True)
class _Case:
    """All that the entries say of one candidate while they are read, newest first."""

    kind: str
    entry: int = 0
    change: str = ""
    record: RolloutRecord | None = None
    ticket: str = ""
    service: str = ""
    moved: list[datetime] = field(default_factory=list)
    gone: list[datetime] = field(default_factory=list)
    given: list[datetime] = field(default_factory=list)
    redeemed: bool = False
    voided: bool = False
    broken_glass: bool = False
    notes: list[str] = field(default_factory=list)
    by: str = ""


def suspects(station: Station, actor: Actor, asked: Asked) -> Suspects:
    """The recent changes that could have hurt the service, the likeliest first.

    Raises:
        InvalidInput: ``service-unknown``, ``environment-unknown``, ``suspects-window``.
    """
    actor.require(Scope.READ)
    at = asked.at or station.clock.now()
    if not 0 < asked.since <= LONGEST.total_seconds():
        raise InvalidInput(
            f"expected to look back at most {LONGEST.days} days, got {asked.since:.0f} s",
            code="suspects-window",
            hint="give --since in minutes, hours or days: 90m, 2h, 3d",
        )
    return station.store.read(lambda tx: _answer(station, tx, asked, at))


def _answer(station: Station, tx: Tx, asked: Asked, at: datetime) -> Suspects:
    rules = station.rules_or_provisional(tx).rules
    catalog = rules.catalog
    known_environment(rules, asked.environment)
    known_service(rules, asked.service)
    since = at - timedelta(seconds=asked.since)
    cases, cut = _cases(tx, catalog, asked.environment, since)
    settings = rules.settings
    candidates = {name: made for name, case in cases.items() if (made := _candidate(tx, settings, name, case, at))}
    graph = {name: service.depends_on for name, service in catalog.services.items()}
    ranked = rank(candidates.values(), service=asked.service, depends_on=graph, at=at)
    before = [one for one in ranked if not one.after][: asked.limit]
    later = [one for one in ranked if one.after][: asked.limit]
    return Suspects(
        service=asked.service,
        environment=asked.environment,
        since=since,
        at=at,
        items=tuple(_shown(tx, catalog, place, one, cases) for place, one in enumerate(before, 1)),
        later=tuple(_shown(tx, catalog, place, one, cases) for place, one in enumerate(later, 1)),
        considered=len(candidates),
        cut=cut,
    )


def _cases(tx: Tx, catalog: Catalog, environment: str, since: datetime) -> tuple[dict[str, _Case], bool]:
    """What the entries since then speak of, by the change, or by the entry where there is none."""
    reader = _Reader(tx, catalog, environment)
    read, before = 0, None
    while page := tx.log.newest(PAGE, before=before):
        for index, entry in page:
            if entry.at < since:
                return reader.cases, False
            reader.read(index, entry)
        read, before = read + len(page), page[-1][0]
        if read >= MOST_ENTRIES:
            return reader.cases, True
    return reader.cases, False


class _Reader:
    """Sorts entries into cases; each kind of entry has one line here."""

    def __init__(self, tx: Tx, catalog: Catalog, environment: str) -> None:
        self._tx, self._catalog, self._environment = tx, catalog, environment
        self._rollouts: dict[str, RolloutRecord | None] = {}
        self._tickets: dict[str, TicketRecord | None] = {}
        self.cases: dict[str, _Case] = {}

    def read(self, index: int, entry: Entry) -> None:
        """One entry, older than those before it."""
        if entry.kind.startswith("rollout."):
            self._rollout(index, entry)
        elif entry.kind.startswith("ticket."):
            self._ticket(index, entry)
        elif entry.kind.startswith(PREFIX):
            self._noted(index, entry)

    def _rollout(self, index: int, entry: Entry) -> None:
        record = self._rollouts.get(entry.subject)
        if entry.subject not in self._rollouts:
            record = self._rollouts[entry.subject] = _found(self._tx, RolloutRecord, entry.subject)
        if record is None or record.environment != self._environment:
            return
        case = self._case(record.change, "rollout", index)
        if case.record is not None and case.record.id != record.id:
            return
        case.kind, case.record, case.ticket, case.by = "rollout", record, record.ticket, record.started_by
        if entry.kind == "rollout.weighed":
            place = case.gone if entry.body.get("wanted") == 0 and record.cause else case.moved
            place.append(entry.at)
        elif entry.kind == "rollout.rolled-back" and entry.body.get("offline"):
            case.gone.append(entry.at)

    def _ticket(self, index: int, entry: Entry) -> None:
        known = self._tickets.get(entry.subject)
        if entry.subject not in self._tickets:
            known = self._tickets[entry.subject] = _found(self._tx, TicketRecord, entry.subject)
        if known is None or known.environment != self._environment:
            return
        case = self._case(known.change, "ticket", index)
        case.ticket = case.ticket or known.id
        case.broken_glass |= entry.body.get("break_glass") is True
        if entry.kind == "ticket.voided":
            case.voided |= known.id == case.ticket
        elif entry.kind == "ticket.redeemed" and case.kind != "rollout":
            case.redeemed = True
            case.moved.append(entry.at)
        elif entry.kind == "ticket.issued" and case.kind != "rollout":
            case.given.append(entry.at)

    def _noted(self, index: int, entry: Entry) -> None:
        said = entry.body.get("said")
        told: Mapping[str, object] = said if isinstance(said, dict) else {}
        place = told.get("environment", self._environment)
        if place != self._environment:
            return
        name = entry.kind.removeprefix(PREFIX)
        if entry.subject.startswith("chg-"):
            case = self._case(entry.subject, "ticket", index)
            case.notes.append(f"{name} noted by {entry.actor}")
            if case.kind != "rollout":
                case.moved.append(entry.at)
            return
        named = (str(told.get("service", "")), entry.subject)
        service = next((each for each in named if each in self._catalog.services), "")
        if service:
            case = self._case(f"#{index}", "event", index)
            case.service, case.by, case.moved = service, entry.actor, [entry.at]
            case.notes.append(f"{name}: {entry.subject}")

    def _case(self, name: str, kind: str, index: int) -> _Case:
        case = self.cases.setdefault(name, _Case(kind=kind, entry=index))
        if kind != "event":
            case.change = name
        return case


def _candidate(tx: Tx, settings: Settings, name: str, case: _Case, at: datetime) -> Candidate | None:
    """None for what never moved: a ticket that was voided before its use, a rollout that had no traffic.

    A ticket whose use nobody reported may have been used offline: it counts from when it was given.
    """
    given = [] if case.voided and not case.redeemed else case.given
    times = case.moved or given
    if not times:
        return None
    moved = max((each for each in times if each <= at), default=min(times))
    if case.kind == "event":
        return Candidate(id=name, kind="event", services=(case.service,), moved_at=moved)
    change = _found(tx, ChangeRecord, name)
    services = change.services if change else ()
    record = case.record
    if record is None:
        of_rules = _rules_of(tx, settings, change)
        reported = bool(case.moved) or bool(of_rules)
        return Candidate(
            id=name, kind="ticket", services=services, moved_at=moved, rules=of_rules, reported=reported
        )
    judged = record.harm.log_e if record.harm else record.log_e
    return Candidate(
        id=name,
        kind="rollout",
        services=services or (record.service,),
        moved_at=moved,
        weight=record.weight,
        gone_at=max(case.gone, default=None),
        log_e=judged if record.ticks or record.harm else None,
        stopped=record.harm is not None,
        metric=record.harm.metric if record.harm else "",
    )


def _rules_of(tx: Tx, settings: Settings, change: ChangeRecord | None) -> tuple[str, ...]:
    """The rule files of a change of rules alone; of what cannot be read nobody says that it shipped nothing."""
    try:
        return rules_alone(complete(tx, change).submission.parts, settings) if change else ()
    except IntegrityError:
        return ()


def _shown(tx: Tx, catalog: Catalog, place: int, suspect: Suspect, cases: Mapping[str, _Case]) -> Shown:
    one, case = suspect.candidate, cases[suspect.candidate.id]
    change = _found(tx, ChangeRecord, one.id) if case.change else None
    record = case.record
    ticket = _found(tx, TicketRecord, case.ticket) if case.ticket else None
    shown = Shown(
        rank=place,
        id=one.id,
        kind=one.kind,
        title=change.title if change else (case.notes[0] if case.notes else one.id),
        by=change.opened_by if change else case.by,
        services=one.services,
        suspect=suspect,
        state=record.state.value if record else ticket.state.value if ticket else "noted",
        rollback=_way_back(catalog, one, record),
        ticket=case.ticket,
        approved_by=_approvers(tx, change) if change else (),
        rollout=record.id if record else "",
        entry=case.entry,
    )
    return replace(shown, facts=tuple(_facts(catalog, one, case, record)))


def _facts(catalog: Catalog, one: Candidate, case: _Case, record: RolloutRecord | None) -> Iterator[str]:
    if record is not None:
        yield f"{record.weight:g} % of traffic now"
    orders = share(catalog.services, catalog.dependents, one.services, lambda service: service.order_share)
    if orders:
        yield f"reaches est. {orders * 100:.0f} % of orders"
    if case.broken_glass:
        yield "the glass was broken for it"
    if case.kind != "event":
        yield from case.notes[:2]


def _way_back(catalog: Catalog, one: Candidate, record: RolloutRecord | None) -> str:
    if record is not None and record.cause is not None and record.ended:
        return ""
    if record is not None and (not record.ended or record.kept_until is not None):
        where = "" if record.environment == "production" else f" --environment {record.environment}"
        return f"interlock rollback {record.service}{where}"
    if one.rules:
        return ""
    known = [catalog.services[name].rollback for name in one.services if name in catalog.services]
    return next((command for command in known if command), "")


def _approvers(tx: Tx, change: ChangeRecord) -> tuple[str, ...]:
    """Who approved it as it is now, sorted; the ledger's word, which decides nothing here."""
    return tuple(
        sorted(
            {
                str(entry.body.get("approver"))
                for _, entry in tx.log.entries(change.id)
                if entry.kind == "statement.approve" and entry.body.get("digest") == change.digest
            }
        )
    )


def _found(tx: Tx, kind: type[R], name: str) -> R | None:
    try:
        return tx.records(kind).get(name)
    except NotFound:
        return None
