"""Station 1, intake: a change becomes one record, and every push to it a revision.

Rules:
1. The record names who opened it, who pushed to it and, for an agent, who answers for that agent; all of them
   count as authors later.
2. The same content is the same change: a digest that is already open is refused with the id that has it, and
   pushing it again is refused too: nobody describes it anew with other authors.
3. The ledger entry carries the digest of the whole submission as it was received, so that a description cannot
   be edited afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from interlock.core.approval.actor import Actor, Scope
from interlock.core.approval.identity import principal_of
from interlock.core.approval.principals import principals_of
from interlock.core.change.canonical import Json, canonical, sha256
from interlock.core.change.change import Change, ChangeClass, ChangeState, Submission
from interlock.core.change.errors import Conflict, Forbidden, InvalidInput
from interlock.core.change.parse import closest
from interlock.core.change.submission_check import check_reason, check_submission
from interlock.core.facts.describe import describe
from interlock.core.ledger.entry import Entry
from interlock.core.policy.rules import Rules
from interlock.ports.store import Page, Tx
from interlock.road.decide import proposals_for, services_of
from interlock.road.station import InForce, Station

MAX_TITLE = 200
MAX_SUBMISSION = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRequest:
    """What opening takes. ``services`` may add to what the paths show, never take away."""

    title: str
    submission: Submission
    change_class: ChangeClass = "normal"
    services: tuple[str, ...] = ()
    emergency_reason: str | None = None


def open_change(station: Station, actor: Actor, request: OpenRequest) -> Change:
    """The new record.

    Raises:
        Forbidden: the caller may not open changes, or is an agent nobody sponsors.
        InvalidInput: title, services or submission cannot be used.
        Conflict: ``change-exists`` when this digest is open already.
    """
    actor.require(Scope.OPEN)
    raw = _checked(request)
    return station.store.write(lambda tx: _open(station, tx, actor, request, raw))


def push(station: Station, actor: Actor, change_id: str, submission: Submission, *, version: int | None) -> Change:
    """A new revision of an existing change; what was bound to the older digest no longer counts.

    Raises:
        Conflict: ``version-stale`` when the record is not at ``version`` any more.
        IllegalTransition: the change was withdrawn or closed.
    """
    actor.require(Scope.OPEN)
    raw = _limited(submission)

    def work(tx: Tx) -> Change:
        before = tx.records(Change).get(change_id)
        in_force = station.rules(tx)
        agent, sponsor = _agent_of(actor, in_force.rules)
        if submission.digest == before.digest:
            raise Conflict(
                f"expected other content than that of `{change_id}`, got the same",
                code="change-same",
                hint="nothing to push; what was said about this content is not said again in other words",
            )
        pushed = replace(
            before.move(ChangeState.OPEN),
            submission=submission,
            digest=submission.digest,
            revision=before.revision + 1,
            pushed_by=_pushers(before, actor),
            agent=agent or before.agent,
            sponsor=sponsor or before.sponsor,
        )
        after = _placed(station, tx, in_force, pushed)
        tx.records(Change).replace(after, expected_version=before.version if version is None else version)
        _record(station, tx, "change.pushed", actor, after, raw, {"previous_digest": before.digest})
        return after

    return station.store.write(work)


def withdraw(station: Station, actor: Actor, change_id: str, *, version: int | None = None) -> Change:
    """The change, taken off the road for good, by somebody who takes part in it or by an administrator."""
    actor.require(Scope.OPEN)

    def work(tx: Tx) -> Change:
        before = tx.records(Change).get(change_id)
        rules = station.rules(tx).rules
        _agent_of(actor, rules)
        _takes_part(actor, before, rules)
        after = before.move(ChangeState.WITHDRAWN)
        tx.records(Change).replace(after, expected_version=before.version if version is None else version)
        tx.log.append(_entry(station, "change.withdrawn", actor, after, {}))
        return after

    return station.store.write(work)


def show(station: Station, actor: Actor, change_id: str) -> Change:
    """One record."""
    actor.require(Scope.READ)
    return station.store.read(lambda tx: tx.records(Change).get(change_id))


def listing(station: Station, actor: Actor, page: Page, state: str | None = None) -> list[Change]:
    """Records, newest first."""
    actor.require(Scope.READ)
    where = {} if state is None else {"state": state}
    return list(station.store.read(lambda tx: tx.records(Change).page(page, **where)))


def _open(station: Station, tx: Tx, actor: Actor, request: OpenRequest, raw: bytes) -> Change:
    in_force = station.rules(tx)
    rules = in_force.rules
    _known_services(request.services, rules)
    digest = request.submission.digest
    for other in tx.records(Change).find(digest=digest):
        if other.state in {ChangeState.OPEN, ChangeState.PERMITTED}:
            raise Conflict(
                f"expected a new change, got the content of `{other.id}`",
                code="change-exists",
                hint=f"interlock change show {other.id}",
            )
    agent, sponsor = _agent_of(actor, rules)
    change = Change(
        id=station.ids.new("chg"),
        title=request.title.strip(),
        change_class=request.change_class,
        services=request.services,
        submission=request.submission,
        digest=digest,
        opened_by=principal_of(actor),
        opened_at=station.clock.now(),
        agent=agent,
        sponsor=sponsor,
        pushed_by=(principal_of(actor),),
        emergency_reason=request.emergency_reason,
    )
    change = _placed(station, tx, in_force, change)
    tx.records(Change).add(change)
    _record(station, tx, "change.opened", actor, change, raw, {"title": change.title})
    return change


def _takes_part(actor: Actor, change: Change, rules: Rules) -> None:
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


def _pushers(before: Change, actor: Actor) -> tuple[str, ...]:
    """Everybody who pushed, each once, whoever pushed last at the end."""
    mine = principal_of(actor)
    return (*(name for name in before.pushed_by if name != mine), mine)


def _placed(station: Station, tx: Tx, in_force: InForce, change: Change) -> Change:
    """The change with every service it touches, and the reviewers proposed for it."""
    rules = in_force.rules
    description = describe(change.submission, catalog=rules.catalog, settings=rules.settings)
    change = replace(change, services=services_of(change, description))
    proposed = proposals_for(tx, in_force, change, description, station.clock.now())
    return replace(change, reviewers=tuple(proposal.person for proposal in proposed))


def _record(
    station: Station, tx: Tx, kind: str, actor: Actor, change: Change, raw: bytes, more: dict[str, str]
) -> None:
    body: dict[str, Json] = {
        "digest": change.digest,
        "revision": change.revision,
        "class": change.change_class,
        "services": list(change.services),
        "submission": tx.put_blob(raw),
        "agent": change.agent,
        "sponsor": change.sponsor,
        "rules": station.rules(tx).rules.digest,
        **more,
    }
    tx.log.append(Entry(kind=kind, subject=change.id, actor=actor.principal, at=station.clock.now(), body=body))


def _entry(station: Station, kind: str, actor: Actor, change: Change, more: dict[str, str]) -> Entry:
    body: dict[str, Json] = {"digest": change.digest, **more}
    return Entry(kind=kind, subject=change.id, actor=actor.principal, at=station.clock.now(), body=body)


def _checked(request: OpenRequest) -> bytes:
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
    return _limited(request.submission)


def _limited(submission: Submission) -> bytes:
    check_submission(submission)
    raw = canonical(submission)
    if len(raw) > MAX_SUBMISSION:
        raise InvalidInput(
            f"expected a description of at most {MAX_SUBMISSION >> 20} MiB, got {len(raw) >> 20} MiB",
            code="change-too-large",
            hint="split the change: nobody can review this in one piece",
        )
    return raw


def submission_digest(submission: Submission) -> str:
    """The digest of a submission as received, as the ledger names it."""
    return sha256(canonical(submission))


def _known_services(services: tuple[str, ...], rules: Rules) -> None:
    for name in services:
        if name not in rules.catalog.services:
            known = list(rules.catalog.services)
            raise InvalidInput(
                f"expected a service of the catalog, got `{name[:80]}`{closest(name, known)}",
                code="service-unknown",
                hint="interlock catalog check lists what the catalog holds",
            )


def _agent_of(actor: Actor, rules: Rules) -> tuple[str | None, str | None]:
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
