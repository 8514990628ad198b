"""Whom to ask: reviewers by ownership, role, load and absence, so that nobody alone can block.

Rules:
1. Nobody is asked who wrote the change, is away, or has no key to sign with; one principal is asked once.
2. Owners come first (service owners and CODEOWNERS, then up the groups), among equals the one with the least
   open. Whoever has ``thresholds.reviews_per_person`` open is asked only when nobody else is left. Somebody who
   stands in for an absent owner counts as that owner.
3. Nobody is the bottleneck: one more person is asked than needed, and one more senior where a senior is
   needed, since each single one of them may be ill. Where the catalog cannot provide that many, this is said
   with what to do about it.
4. Nobody is asked whose approval counts already, and each of them is one person less that is needed. Where
   nobody is to spare, whoever could help and is away is named, with the end of the absence.
5. The same input proposes the same people in the same order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from interlock.core.approval.delegation import absent_until, delegate_of, in_window
from interlock.core.approval.model import Away, Counted, Proposal, SignedStatement
from interlock.core.approval.ownership import owners_by_distance
from interlock.core.approval.principals import Principals, principals_of
from interlock.core.change.catalog import RANK, Catalog, Role, Tier
from interlock.core.change.change import Change
from interlock.core.change.settings import Settings
from interlock.core.facts.model import Description, ProvenanceKind

NO_OWNER = 99
"""The distance of somebody who owns nothing of the change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortage:
    """What the catalog cannot provide, in one line, and what to do about it."""

    text: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """Whom to ask, in order, and what is missing for a quorum that no single person can block.

    ``away`` are those who could be asked if they were there, named when nobody is to spare.
    """

    proposals: tuple[Proposal, ...]
    shortages: tuple[Shortage, ...] = ()
    away: tuple[Away, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """How many people and, of these, seniors a change takes."""

    people: int
    seniors: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Candidate:
    name: str
    role: Role
    reason: str
    distance: int
    load: int
    full: bool

    @property
    def turn(self) -> tuple[bool, int, int, str]:
        return (self.full, self.distance, self.load, self.name)

    @property
    def senior(self) -> bool:
        return RANK[self.role] >= RANK[Role.SENIOR]


def panel(
    *,
    change: Change,
    description: Description,
    catalog: Catalog,
    settings: Settings,
    open_reviews: Mapping[str, int],
    authors: Iterable[str],
    now: datetime,
    standing: Iterable[SignedStatement] = (),
    counted: Iterable[Counted] = (),
) -> Panel:
    """The reviewers worth asking and what the catalog lacks.

    ``open_reviews`` counts what each person has open, ``standing`` are delegations and absences, ``counted`` the
    approvals that count already.
    """
    known, kept, given = principals_of(catalog), tuple(standing), tuple(counted)
    ends = absent_until(kept, now, known)
    away = frozenset(ends)
    done = {name for one in given for name in known.same(one.person)}
    barred = {name for author in authors for name in known.same(author)} | done
    owners = _stand_ins(owners_by_distance(change, description, catalog), kept, away, now)
    need, limit = _left(need_of(description, settings), given), settings.thresholds.reviews_per_person
    could = [name for name in catalog.people if name not in barred and known.can_sign(name, now)]
    able = [
        _candidate(catalog, name, owners, open_reviews.get(name, 0), limit) for name in could if name not in away
    ]
    chosen = _choose(_each_principal_once(sorted(able, key=lambda one: one.turn), known), need)
    proposals = tuple(Proposal(person=one.name, reason=one.reason, open_reviews=one.load) for one in chosen)
    gone = [] if len(chosen) > need.people else [name for name in could if name in away]
    return Panel(
        proposals=proposals,
        shortages=tuple(_shortages(chosen, need)),
        away=tuple(Away(person=name, until=ends[name]) for name in sorted(gone)),
    )


def need_of(description: Description, settings: Settings) -> Need:
    """How many people a change takes under the bundled policies."""
    if settings.one_person:
        return Need(people=0, seniors=0)
    if description.blast.tier is not Tier.ONE and not description.blast.rules_touched:
        return Need(people=1, seniors=0)
    by_ai = description.provenance.kind is not ProvenanceKind.HUMAN
    return Need(people=2, seniors=2 if description.reversibility.kind != "reversible" else int(by_ai))


def _left(need: Need, counted: tuple[Counted, ...]) -> Need:
    """What is still needed beside the approvals that count; at least one, for rules may ask for more."""
    if not need.people:
        return need
    seniors = sum(RANK[Role(one.role)] >= RANK[Role.SENIOR] for one in counted)
    return Need(people=max(1, need.people - len(counted)), seniors=max(0, need.seniors - seniors))


def _stand_ins(
    owners: dict[str, tuple[int, str]], standing: Iterable[SignedStatement], away: frozenset[str], now: datetime
) -> dict[str, tuple[int, str]]:
    found = dict(owners)
    for item in sorted(standing, key=lambda kept: kept.id):
        delegator, delegate = item.statement.approver, delegate_of(item.statement)
        lends = delegate and delegator in away and delegator in owners and in_window(item, now)
        if lends and owners[delegator][0] < found.get(delegate, (NO_OWNER, ""))[0]:
            found[delegate] = (owners[delegator][0], f"stands in for {delegator}, {owners[delegator][1]}")
    return found


def _candidate(
    catalog: Catalog, name: str, owners: Mapping[str, tuple[int, str]], load: int, limit: int
) -> _Candidate:
    role = catalog.people[name].role
    distance, why = owners.get(name, (NO_OWNER, ""))
    full = load >= limit
    words = [why or ("knows none of it better than others" if role is Role.ENGINEER else "")]
    words += [role.value] if role is not Role.ENGINEER else []
    words += [f"at capacity ({limit})"] if full else []
    return _Candidate(
        name=name,
        role=role,
        reason=", ".join(word for word in words if word),
        distance=distance,
        load=load,
        full=full,
    )


def _each_principal_once(ordered: Iterable[_Candidate], principals: Principals) -> list[_Candidate]:
    asked, found = set[str](), list[_Candidate]()
    for one in ordered:
        if one.name not in asked:
            asked |= principals.same(one.name)
            found.append(one)
    return found


def _choose(ordered: list[_Candidate], need: Need) -> list[_Candidate]:
    people = need.people + 1 if need.people else 0
    seniors = need.seniors + 1 if need.seniors else 0
    chosen = ordered[:people]
    missing = seniors - sum(one.senior for one in chosen)
    later = [one for one in ordered[people:] if one.senior]
    return chosen + later[: max(0, missing)]


def _shortages(chosen: list[_Candidate], need: Need) -> Iterable[Shortage]:
    seniors = [one for one in chosen if one.senior]
    for needed, rank, there in ((need.people, "", chosen), (need.seniors, " (senior or above)", seniors)):
        names = ", ".join(one.name for one in there) or "nobody"
        wanted = f"{needed} with a key{rank} who did not write it"
        if len(there) < needed:
            yield Shortage(
                text=f"needed: {wanted}; the catalog has {len(there)}: {names}",
                remedy=f"add people{rank} with keys to the catalog, or wait for those who are away",
            )
        elif needed and len(there) == needed:
            yield Shortage(
                text=f"needed: {wanted}; there are no more, so each of {names} alone can block",
                remedy=f"add one more person{rank} with a key to the catalog",
            )
