"""What went where before: looked up at the gate, written with the ticket, taken back with it.

Rules:
1. One record for each repository and environment. It moves in the transaction of the ticket that moved it, and the
   ticket's own entry names it.
2. A record that decides is compared with the ledger first. That there is none decides too: the first one begins
   with an entry about itself, and a record that is gone after that is missed.
3. What the pipeline says of its checkout counts where its reading counts; anybody else's only where it refuses.
"""

from __future__ import annotations

from collections.abc import Iterator

from interlock.core.approval.actor import Actor, Scope
from interlock.core.change.canonical import Json
from interlock.core.change.change import Submission
from interlock.core.change.errors import NotFound
from interlock.core.change.parts import GitRange
from interlock.core.ledger.entry import Entry
from interlock.core.policy.decision import Outcome, Reason
from interlock.core.ticket.model import Ticket
from interlock.core.ticket.shipped import Checkout, Shipped, Tip, gap, place_id
from interlock.core.ticket.taken_back import taken_back
from interlock.ports.store import Tx
from interlock.road.station import Station


def show_shipped(station: Station, actor: Actor, repository: str, environment: str) -> Shipped:
    """What went from a repository to an environment; without tips where nothing did."""
    actor.require(Scope.READ)
    return station.store.read(lambda tx: shipped_in(tx, repository, environment))


def shipped_in(tx: Tx, repository: str, environment: str) -> Shipped:
    """The same inside a transaction.

    Raises:
        IntegrityError: ``record-unvouched`` when the record is not what the ledger says, or is gone.
    """
    name = place_id(repository, environment)
    try:
        found = tx.records(Shipped).get(name)
    except NotFound:
        tx.vouch(Shipped, [], about=name, whole=True)
        return Shipped(id=name, repository=repository, environment=environment, version=0)
    tx.vouch(Shipped, [name], about=found.latest)
    return found


def not_whole(
    tx: Tx, submission: Submission, environment: str, checkout: Checkout | None, *, believed: bool
) -> Iterator[Reason]:
    """``base-not-shipped`` where something would go out that no range holds."""
    ranges = [part for part in submission.parts if isinstance(part, GitRange)]
    shown = checkout if believed else None
    repositories = sorted({part.repository for part in ranges}) or ([shown.repository] if shown else [])
    for repository in repositories:
        mine = [part for part in ranges if part.repository == repository]
        found = gap(mine, shipped_in(tx, repository, environment), shown)
        if found is None:
            yield from _going_back(mine, shipped_in(tx, repository, environment), shown)
            continue
        remedy = "ask with interlock gate, in the checkout that ships"
        if found.compared:
            since = found.begin[:12] if found.begin else "ROOT"
            remedy = f"judge them too: interlock change push CHANGE --base {since}"
        commits = [f"{one.commit[:12]} {one.subject}" for one in found.commits]
        yield _reason("base-not-shipped", _with(found.text, commits, found.count), remedy, commits)


def _going_back(ranges: list[GitRange], shipped: Shipped, checkout: Checkout | None) -> Iterator[Reason]:
    """``takes-back`` where what went out last would go again, and no range says so."""
    found = taken_back(ranges, shipped, checkout)
    if found is not None:
        yield _reason("takes-back", _with(found.text, found.files, found.count), found.remedy, found.files)


def most_before(tx: Tx, submission: Submission, environment: str) -> float:
    """The weight in percent that what lies before the ranges went out with: it goes out no wider with them."""
    ranges = [part for part in submission.parts if isinstance(part, GitRange)]
    each = (shipped_in(tx, part.repository, environment).most([part]) for part in ranges)
    return min(each, default=100.0)


def edited_here(checkout: Checkout | None) -> Iterator[Reason]:
    """``gate-dirty`` where the checkout is not what its HEAD says."""
    if checkout is not None and checkout.edited_count:
        text = "the checkout holds edits that are in no commit"
        remedy = "commit them and push, or drop them: git status"
        yield _reason("gate-dirty", _with(text, checkout.edited, checkout.edited_count), remedy, checkout.edited)


def record_shipped(station: Station, tx: Tx, actor: Actor, submission: Submission, ticket: Ticket) -> bool:
    """Keep which heads this ticket lets through; whether nothing was known of a repository before."""
    first = False
    for part in submission.parts:
        if not isinstance(part, GitRange):
            continue
        before = shipped_in(tx, part.repository, ticket.environment)
        tip = Tip(
            head=part.head,
            tree=part.head_tree,
            base=part.base,
            change=ticket.change,
            ticket=ticket.id,
            weight=ticket.max_weight,
            below=before.most([part]),
        )
        first |= not before.tips
        _keep(tx, before, before.after(tip))
        if not before.version:
            tx.log.append(_started(station, actor, before, ticket))
    return first


def _started(station: Station, actor: Actor, place: Shipped, ticket: Ticket) -> Entry:
    """What is found when the record is looked for and is gone."""
    body: dict[str, Json] = {
        "repository": place.repository,
        "environment": place.environment,
        "change": ticket.change,
        "ticket": ticket.id,
    }
    now = station.clock.now()
    return Entry(kind="shipped.started", subject=place.id, actor=actor.principal, at=now, body=body)


def forget_shipped(tx: Tx, environment: str, ticket_id: str) -> None:
    """Take back what a voided ticket let through."""
    for found in tx.records(Shipped).find(environment=environment):
        if any(tip.ticket == ticket_id for tip in found.tips):
            tx.vouch(Shipped, [found.id], about=found.latest)
            _keep(tx, found, found.without(ticket_id))


def widen_shipped(tx: Tx, environment: str, ticket_id: str, weight: float) -> None:
    """What this ticket let through went out wider: a PASS said that it may."""
    for found in tx.records(Shipped).find(environment=environment):
        if any(tip.ticket == ticket_id for tip in found.tips):
            tx.vouch(Shipped, [found.id], about=found.latest)
            _keep(tx, found, found.widened(ticket_id, weight))


def _keep(tx: Tx, before: Shipped, after: Shipped) -> None:
    if before.version:
        tx.records(Shipped).replace(after, expected_version=before.version)
    else:
        tx.records(Shipped).add(after)


def _with(text: str, named: list[str] | tuple[str, ...], count: int) -> str:
    shown = ", ".join(named[:3])
    return f"{text}: {shown}{f' and {count - 3} more' if count > 3 else ''}" if named else text  # noqa: PLR2004  # as many as fit a line


def _reason(name: str, text: str, remedy: str, named: list[str] | tuple[str, ...]) -> Reason:
    return Reason(
        id=name,
        text=text,
        remedy=remedy,
        layer="gate",
        mode="enforce",
        outcome=Outcome.DENY,
        facts={"named": [*named]},
    )
