"""Station 1, intake: a change becomes one record, and every push to it a revision.

Rules:
1. The record names who opened it, who pushed to it and, for an agent, who answers for that agent; all of them
   count as authors later. A pipeline says whose push it brings; names only add up, over all pushes, and a push for
   which it named nobody stays on record too.
2. The same content is the same change: a digest that is already open is refused with the id that has it, and
   pushing it again is refused too: nobody describes it anew with other authors.
3. What costs time with the size of a submission happens before the transaction (``receive``), because one writer
   serves everybody.
4. The ledger entry carries the digest of the whole submission as it was received, so that a description cannot
   be edited afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from interlock.core.approval.actor import Actor, Scope
from interlock.core.approval.identity import MAX_IDENTITY, kind_of, principal_of
from interlock.core.approval.principals import principals_of
from interlock.core.change.canonical import Json
from interlock.core.change.change import Change, ChangeClass, ChangeRecord, ChangeState, Submission, record_of
from interlock.core.change.errors import Conflict, Forbidden, InvalidInput
from interlock.core.change.parse import closest
from interlock.core.change.submission_check import check_reason
from interlock.core.ledger.entry import Entry
from interlock.core.policy.rules import Rules
from interlock.ports.store import Page, Tx
from interlock.road.decide import panel_for, services_of
from interlock.road.recorded import Received, content_of, received
from interlock.road.station import InForce, Station

MAX_TITLE = 200
MAX_PUSHERS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRequest:
    """What opening takes. ``services`` may add to what the paths show, never take away.

    ``pushed_by`` are accounts on the forge of those who pushed the commits.
    """

    title: str
    submission: Submission
    change_class: ChangeClass = "normal"
    services: tuple[str, ...] = ()
    emergency_reason: str | None = None
    pushed_by: tuple[str, ...] = ()


def receive(station: Station, submission: Submission) -> Received:
    """``submission`` checked, written and described under the rules in force: all that costs, done in advance.

    Raises:
        InvalidInput: it cannot be used, is too large, or no rules are in force.
    """
    ready = received(submission)
    rules = station.store.read(station.rules).rules
    station.described.of(submission, rules, ready.blob)
    return ready


def open_change(station: Station, actor: Actor, request: OpenRequest, ready: Received | None = None) -> Change:
    """The new record; ``ready`` is its submission as ``receive`` returned it, if it was received already.

    Raises:
        Forbidden: the caller may not open changes, or is an agent nobody sponsors.
        InvalidInput: title, services or submission cannot be used.
        Conflict: ``change-exists`` when this digest is open already.
    """
    actor.require(Scope.OPEN)
    check_request(request)
    content = ready or receive(station, request.submission)
    return station.store.write(lambda tx: _open(station, tx, actor, request, content))


def push(
    station: Station,
    actor: Actor,
    change_id: str,
    submission: Submission,
    *,
    version: int | None,
    ready: Received | None = None,
    pushed_by: tuple[str, ...] = (),
) -> Change:
    """A new revision of an existing change; what was bound to the older digest no longer counts.

    Raises:
        InvalidInput: ``pushed-by``.
        Conflict: ``version-stale`` when the record is not at ``version`` any more.
        IllegalTransition: the change was withdrawn or closed.
    """
    actor.require(Scope.OPEN)
    check_pushers(pushed_by)
    content = ready or receive(station, submission)

    def work(tx: Tx) -> Change:
        before = tx.records(ChangeRecord).get(change_id)
        tx.vouch(ChangeRecord, [change_id], about=change_id)
        in_force = station.rules(tx)
        agent, sponsor = agent_of(actor, in_force.rules)
        if content.digest == before.digest:
            raise Conflict(
                f"expected other content than that of `{change_id}`, got the same",
                code="change-same",
                hint="nothing to push; what was said about this content is not said again in other words",
            )
        pushed = replace(
            before.move(ChangeState.OPEN).complete(content.submission),
            digest=content.digest,
            revision=before.revision + 1,
            pushed_by=_pushers(before, actor),
            pushed_for=_pushed_for(before.pushed_for, actor, pushed_by),
            agent=agent or before.agent,
            sponsor=sponsor or before.sponsor,
        )
        after = _placed(station, tx, in_force, pushed, content.blob)
        tx.records(ChangeRecord).replace(
            record_of(after, content.blob), expected_version=before.version if version is None else version
        )
        _record(station, tx, "change.pushed", actor, after, content, {"previous_digest": before.digest})
        return after

    return station.store.write(work)


def withdraw(station: Station, actor: Actor, change_id: str, *, version: int | None = None) -> ChangeRecord:
    """The change, taken off the road for good, by somebody who takes part in it or by an administrator."""
    actor.require(Scope.OPEN)

    def work(tx: Tx) -> ChangeRecord:
        before = tx.records(ChangeRecord).get(change_id)
        tx.vouch(ChangeRecord, [change_id], about=change_id)
        rules = station.rules(tx).rules
        agent_of(actor, rules)
        takes_part(actor, before, rules)
        after = before.move(ChangeState.WITHDRAWN)
        tx.records(ChangeRecord).replace(after, expected_version=before.version if version is None else version)
        tx.log.append(_entry(station, "change.withdrawn", actor, after, {}))
        return after

    return station.store.write(work)


def show(station: Station, actor: Actor, change_id: str) -> ChangeRecord:
    """One record."""
    actor.require(Scope.READ)
    return station.store.read(lambda tx: tx.records(ChangeRecord).get(change_id))


def submission_of(station: Station, actor: Actor, change_id: str) -> bytes:
    """The canonical bytes of a change's present submission, as they were received.

    Raises:
        IntegrityError: ``submission-damaged``.
    """
    actor.require(Scope.READ)
    return station.store.read(lambda tx: content_of(tx, tx.records(ChangeRecord).get(change_id)))


def listing(station: Station, actor: Actor, page: Page, state: str | None = None) -> list[ChangeRecord]:
    """Records, newest first."""
    actor.require(Scope.READ)
    where = {} if state is None else {"state": state}
    return list(station.store.read(lambda tx: tx.records(ChangeRecord).page(page, **where)))


def _open(station: Station, tx: Tx, actor: Actor, request: OpenRequest, content: Received) -> Change:
    in_force = station.rules(tx)
    rules = in_force.rules
    _known_services(request.services, rules)
    for other in tx.records(ChangeRecord).find(digest=content.digest):
        if other.state in {ChangeState.OPEN, ChangeState.PERMITTED}:
            raise Conflict(
                f"expected a new change, got the content of `{other.id}`",
                code="change-exists",
                hint=f"interlock change show {other.id}",
            )
    agent, sponsor = agent_of(actor, rules)
    change = Change(
        id=station.ids.new("chg"),
        title=request.title.strip(),
        change_class=request.change_class,
        services=request.services,
        submission=content.submission,
        digest=content.digest,
        opened_by=principal_of(actor),
        opened_at=station.clock.now(),
        agent=agent,
        sponsor=sponsor,
        pushed_by=(principal_of(actor),),
        pushed_for=_pushed_for((), actor, request.pushed_by),
        emergency_reason=request.emergency_reason,
    )
    change = _placed(station, tx, in_force, change, content.blob)
    tx.records(ChangeRecord).add(record_of(change, content.blob))
    _record(station, tx, "change.opened", actor, change, content, {"title": change.title})
    return change


def takes_part(actor: Actor, change: ChangeRecord, rules: Rules) -> None:
    """Raises ``Forbidden`` for who neither opened, pushed nor sponsors the change and is no administrator."""
    principals = principals_of(rules.catalog)
    mine = {principal_of(actor), *principals.same(principals.person(principal_of(actor)) or "")}
    theirs = {change.opened_by, *change.pushed_by, *((change.sponsor,) if change.sponsor else ())}
    people = {principals.person(name) for name in theirs} - {None}
    if Scope.ADMIN not in actor.scopes and not mine & (theirs | people):
        raise Forbidden(
            f"expected somebody who opened or pushed `{change.id}`, got `{actor.principal}`",
            code="change-not-yours",
            hint="ask one of them, or an administrator",
        )


def _pushers(before: ChangeRecord, actor: Actor) -> tuple[str, ...]:
    """Everybody who pushed, each once, whoever pushed last at the end."""
    mine = principal_of(actor)
    return (*(name for name in before.pushed_by if name != mine), mine)


def _pushed_for(before: tuple[str, ...], actor: Actor, named: tuple[str, ...]) -> tuple[str, ...]:
    """Whose pushes this has brought so far; a pipeline that names nobody leaves its own name instead."""
    mine = named or ((principal_of(actor),) if actor.kind == "pipeline" else ())
    return tuple(dict.fromkeys((*before, *mine)))


def _placed(station: Station, tx: Tx, in_force: InForce, change: Change, blob: str) -> Change:
    """The change with every service it touches, and the reviewers proposed for it."""
    description = station.described.of(change.submission, in_force.rules, blob)
    change = replace(change, services=services_of(change, description))
    proposed = panel_for(tx, in_force, change, description, station.clock.now()).proposals
    return replace(change, reviewers=tuple(proposal.person for proposal in proposed))


def _record(
    station: Station, tx: Tx, kind: str, actor: Actor, change: Change, content: Received, more: dict[str, str]
) -> None:
    body: dict[str, Json] = {
        "digest": change.digest,
        "revision": change.revision,
        "class": change.change_class,
        "services": list(change.services),
        "submission": tx.put_blob(content.raw),
        "agent": change.agent,
        "sponsor": change.sponsor,
        "pushed_for": list(change.pushed_for),
        "rules": station.rules(tx).rules.digest,
        **more,
    }
    tx.log.append(Entry(kind=kind, subject=change.id, actor=actor.principal, at=station.clock.now(), body=body))


def _entry(station: Station, kind: str, actor: Actor, change: ChangeRecord, more: dict[str, str]) -> Entry:
    body: dict[str, Json] = {"digest": change.digest, **more}
    return Entry(kind=kind, subject=change.id, actor=actor.principal, at=station.clock.now(), body=body)


def check_request(request: OpenRequest) -> None:
    """Pass what a request says besides its submission.

    Raises:
        InvalidInput: ``change-title``, ``change-emergency``, ``reason-text`` or ``pushed-by``.
    """
    check_pushers(request.pushed_by)
    title = request.title.strip()
    if not title or len(title) > MAX_TITLE or not title.isprintable():
        raise InvalidInput(
            f"expected a title of 1 to {MAX_TITLE} printable characters, got {len(title)}",
            code="change-title",
            hint="say in one line what changes and why: --title '…'",
        )
    if (request.change_class == "emergency") != bool(request.emergency_reason):
        raise InvalidInput(
            "expected a reason exactly when the class is emergency",
            code="change-emergency",
            hint="--class emergency --reason '…'",
        )
    if request.emergency_reason:
        check_reason(request.emergency_reason)


def check_pushers(named: tuple[str, ...]) -> None:
    """Pass accounts as a forge writes them.

    Raises:
        InvalidInput: ``pushed-by``.
    """
    fit = all(0 < len(name) <= MAX_IDENTITY and name.isprintable() and kind_of(name) is None for name in named)
    if not fit or len(named) > MAX_PUSHERS:
        raise InvalidInput(
            f"expected at most {MAX_PUSHERS} accounts on the forge, of 1 to {MAX_IDENTITY} printable characters",
            code="pushed-by",
            hint="name who pushed as the forge does: --pushed-by LOGIN",
        )


def _known_services(services: tuple[str, ...], rules: Rules) -> None:
    for name in services:
        if name not in rules.catalog.services:
            known = list(rules.catalog.services)
            raise InvalidInput(
                f"expected a service of the catalog, got `{name[:80]}`{closest(name, known)}",
                code="service-unknown",
                hint="interlock catalog check lists what the catalog holds",
            )


def agent_of(actor: Actor, rules: Rules) -> tuple[str | None, str | None]:
    """The agent and who answers for it, None and None for others.

    Raises:
        Forbidden: an agent that nobody answers for.
    """
    if actor.kind != "agent":
        return None, None
    agent = rules.catalog.agents.get(actor.principal)
    if agent is None:
        raise Forbidden(
            f"expected a registered agent, got `{actor.principal}`",
            code="agent-unregistered",
            hint="register it in the catalog with a sponsor",
        )
    return agent.name, agent.sponsor
